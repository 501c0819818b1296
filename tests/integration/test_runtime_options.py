# SPDX-License-Identifier: Apache-2.0
"""mdocker-runtime's command line where it is runc's: options, spellings, documents on stdout, lines in the log."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from harness import leaks
from harness.bundle import wait_for
from harness.process import run


def rt(bundle, *words, **more):
    return run([bundle.program, "--root", bundle.root, *words], **more)


def knob(bundle, controller, v1, v2):
    """A file of the container's group: (is it v1, what it says)."""
    for folder in leaks.cgroups([bundle.id]):
        for name, old in ((v1, True), (v2, False)):
            if (pathlib.Path(folder) / name).exists():
                return old, (pathlib.Path(folder) / name).read_text().strip()
    raise AssertionError(f"no {v1} and no {v2} of {controller}")


# ---- documents ----


def test_spec_writes_a_bundle_that_runs(bundle):
    rt(bundle, "spec", "--bundle", bundle.folder).ok()
    spec = json.loads((bundle.folder / "config.json").read_text())
    assert spec["process"]["args"] == ["sh"] and spec["root"]["readonly"] is True
    rt(bundle, "spec", f"--bundle={bundle.folder}").failed(1, "config.json")
    spec["process"].update(terminal=False, args=["echo", "hello"])
    bundle.spec = spec
    assert bundle.run().stdout == "hello\n"


def test_spec_that_can_not_be_written_leaves_no_half_of_it(bundle):
    tiny = 'trap "" XFSZ; ulimit -f 1; exec "$@"'
    run(["sh", "-c", tiny, "sh", bundle.program, "spec", "--bundle", bundle.folder]).failed(1, "write config.json: File too large")
    rt(bundle, "spec", "--bundle", bundle.folder).ok()


def test_spec_for_rootless_maps_the_caller(bundle):
    rt(bundle, "spec", "--rootless", "-b", bundle.folder).ok()
    spec = json.loads((bundle.folder / "config.json").read_text())
    assert {"type": "user"} in spec["linux"]["namespaces"]
    assert spec["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 0, "size": 1}]


def test_features_names_what_the_parser_takes(bundle):
    f = json.loads(rt(bundle, "features").ok().out)
    assert {"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux"} <= set(f)
    assert set(f["hooks"]) == {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}
    linux = f["linux"]
    assert {"mount", "time", "user"} <= set(linux["namespaces"]) and "CAP_CHOWN" in linux["capabilities"]
    assert linux["cgroup"]["v1"] and linux["cgroup"]["v2"] and linux["cgroup"]["systemd"]
    assert "SCMP_ACT_NOTIFY" in linux["seccomp"]["actions"] and "ridmap" in f["mountOptions"]


def test_list_ps_and_state(bundle):
    bundle.spec["annotations"] = {"org.example.key": "value"}
    bundle.up()
    pid = bundle.pid()
    assert rt(bundle, "list", "-q").ok().out == bundle.id + "\n"
    assert rt(bundle, "list").ok().out.split()[:6] == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    [entry] = json.loads(rt(bundle, "list", "--format=json").ok().out)
    assert entry["id"] == bundle.id and entry["pid"] == pid and entry["status"] == "running" and entry["owner"] == "root"
    assert json.loads(rt(bundle, "ps", "--format", "json", bundle.id).ok().out) == [pid]
    table = rt(bundle, "ps", bundle.id).ok().out.splitlines()
    assert table[0].startswith("UID") and len(table) == 2 and "sleep" in table[1]
    assert bundle.state()["annotations"] == {"org.example.key": "value"}


def test_help_is_told_of_all_and_of_each_command(bundle):
    everything = rt(bundle, "--help").ok().out
    assert rt(bundle, "help").ok().out == rt(bundle).ok().out == everything
    names = [line.split()[0] for line in everything.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    assert {"create", "exec", "events", "features"} <= set(names)
    for name in names:
        told = rt(bundle, name, "--help").ok().out
        assert told.startswith(f"Usage: mdocker-runtime {name}")
        assert rt(bundle, name, "-h").ok().out == rt(bundle, "help", name).ok().out == told


# ---- whose child, whose keys ----

KEYCTL = """import ctypes, os, platform, sys
libc = ctypes.CDLL(None)
def keyctl(*words):
    return libc.syscall({"x86_64": 250, "aarch64": 219}[platform.machine()], *words)
"""
SESSION = KEYCTL + "print('session keyring', keyctl(0, -3, 0), flush=True)\n"
JOIN = KEYCTL + "keyctl(1, None)\n" + SESSION + "os.execv(sys.argv[1], sys.argv[1:])"


@pytest.mark.parametrize("own", [True, False])
def test_the_session_keyring_is_the_containers_own_or_the_callers(bundle, own):
    bundle.add_mount("/tmp", "/", options=["rbind", "ro"])  # the host's Python: busybox has no keyctl
    for rights in bundle.process["capabilities"].values():
        rights.append("CAP_SYS_CHROOT")
    look = ["chroot", "/tmp", sys.executable, "-c", SESSION]
    bundle.prefix = [sys.executable, "-c", JOIN]
    bundle.process["args"] = ["sh", "-c", '"$@"; exec sleep 1000', "sh", *look]
    bundle.create(*[] if own else ["--no-new-keyring"])
    bundle.prefix = []
    bundle.start()
    wait_for(lambda: bundle.log.read_text().count("session keyring") == 2, "what the program says")
    callers, programs = bundle.log.read_text().splitlines()
    assert int(callers.split()[-1]) > 0 and int(programs.split()[-1]) > 0
    assert (programs != callers) == own
    if own:
        assert bundle.exec(*look).stdout.strip() == programs, "exec is in another one"


@pytest.mark.parametrize("how", ["run", "exec"])
@pytest.mark.parametrize("option, ours", [([], True), (["--no-subreaper"], False)])
def test_orphans_of_a_shared_pid_namespace_are_the_runtimes_or_the_hosts(bundle, how, option, ours):
    bundle.no_namespace("pid")
    script = "sh -c 'sleep 1000 & echo $!'; exec sleep 1000"
    command = ["run", *option, "-b", bundle.folder, bundle.id]
    if how == "exec":
        bundle.up()
        command = ["exec", *option, bundle.id, "sh", "-c", script]
    else:
        bundle.sh(script).write()
    runtime = subprocess.Popen(bundle.command(*command), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        orphan = int(runtime.stdout.readline())

        def parent():
            return int(pathlib.Path(f"/proc/{orphan}/status").read_text().split("\nPPid:\t")[1].split()[0])

        # Its first parent is the inner shell, until that has ended.
        wait_for(lambda: not pathlib.Path(f"/proc/{parent()}/cmdline").read_bytes().startswith(b"sh\0-c\0sleep"), "the orphan's new parent")
        assert (parent() == runtime.pid) == ours
    finally:
        bundle.runtime("delete", "--force", bundle.id)
        runtime.wait(20)
        runtime.stdout.close()


# ---- the log ----


def test_errors_are_lines_of_the_log_too(bundle):
    log = bundle.folder / "log.json"
    rt(bundle, "--log", log, "--log-format=json", "state", "nobody").failed(1, "does not exist")
    line = json.loads(log.read_text().splitlines()[-1])
    assert line["level"] == "error" and "does not exist" in line["msg"] and "time" in line
    rt(bundle, f"--log={log}.text", "--log-format", "text", "state", "nobody").failed(1)
    assert "error: container 'nobody' does not exist" in pathlib.Path(f"{log}.text").read_text()
    rt(bundle, "--log", log, "--log-format", "xml", "state", "nobody").failed(1, "log-format")


def test_unknown_options_and_commands_are_refused(bundle):
    rt(bundle, "state", "--nonsense", "x").failed(1, "nonsense")
    rt(bundle, "nonsense").failed(3, "nonsense")


# ---- exec ----


def test_exec_into_a_paused_container(bundle):
    bundle.up()
    bundle.runtime("pause", bundle.id)
    assert "paused" in bundle.exec("true", ok=False).stderr
    waiting = subprocess.Popen(bundle.command("exec", "--ignore-paused", bundle.id, "echo", "thawed"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True)
    bundle.runtime("resume", bundle.id)
    assert waiting.communicate(timeout=30)[0] == "thawed\n"


def test_execs_ids_folder_environment_and_limits_of_rights(bundle):
    bundle.process["noNewPrivileges"] = False
    bundle.up()
    out = bundle.exec("/bin/sh", "-c", "id -u; id -g; id -G; pwd; echo $A", options=[
        "-u", "1000:1001", "-g", "7", "--additional-gids=8", "--cwd", "/tmp", "-e", "A=b"]).stdout
    assert out.split("\n")[:5] == ["1000", "1001", "1001 7 8", "/tmp", "b"]
    assert "NoNewPrivs:\t1" in bundle.exec("grep", "NoNewPrivs", "/proc/self/status", options=["--no-new-privs"]).stdout
    assert "NoNewPrivs:\t0" in bundle.exec("grep", "NoNewPrivs", "/proc/self/status").stdout


# What is wrong on the command line by itself is 1, what is found out with it 255; as runc has them.
WRONG = [
    (1, ["-g", "x"], "--additional-gids: 'x'"), (1, ["--additional-gids="], "--additional-gids: ''"), (1, ["--preserve-fds", "x"], "--preserve-fds"),
    (1, ["--preserve-fds", "-1"], "--preserve-fds"), (1, ["--nope"], "--nope"), (1, ["--detach=x"], "--detach"),
    (255, ["-g", "-1"], "additional group '-1'"), (255, ["-g", "4294967295"], "additional group"), (255, ["-u", "x"], "user 'x'"),
    (255, ["--cwd", "x"], "cwd 'x'"), (255, ["--cwd", "/nope"], "/nope"), (255, ["-p", "/nope"], "/nope"), (255, ["-t", "-d"], "console socket"),
    (255, ["--console-socket", "/nope"], "console socket"), (255, ["--pid-file", "/nope/x"], "/nope/x"),
]


def test_execs_exit_codes_of_what_is_wrong(bundle):
    bundle.up()
    for code, options, words in WRONG:
        r = bundle.exec("true", options=options, ok=False)
        assert r.returncode == code and words in r.stderr, (options, r)
    rt(bundle, "exec", bundle.id).failed(255, "process args cannot be empty")
    rt(bundle, "exec").failed(1, "requires a minimum of 1")
    rt(bundle, "exec", "nobody", "true").failed(255, "does not exist")


def test_execs_pid_file_and_descriptors(bundle):
    bundle.up()
    r, w = os.pipe()
    bundle.prefix = ["/bin/bash", "-c", f'exec 3>&{w}; exec "$@"', "bash"]
    bundle.exec("/bin/sh", "-c", "echo given >&3", options=["--preserve-fds", "1", "--pid-file", bundle.folder / "pid"], pass_fds=[w])
    bundle.prefix = []
    assert os.read(r, 100) == b"given\n"
    assert int((bundle.folder / "pid").read_text()) > 0
    for fd in (r, w):
        os.close(fd)


def test_an_empty_value_is_one_not_given(bundle):
    bundle.up()
    options = [x for o in ("--cwd", "--user", "--apparmor", "--process-label", "--pid-file", "--console-socket") for x in (o, "")]
    assert bundle.exec("sh", "-c", "pwd; id -u", options=options).stdout == "/\n0\n"
    bundle.runtime("kill", bundle.id, "")
    for word in ("1", "True", "f", "auto", ""):
        rt(bundle, f"--rootless={word}", "list").ok()
    rt(bundle, "--rootless=perhaps", "list").failed(1, "perhaps")


def test_exec_into_a_group_below_the_containers(bundle):
    bundle.no_namespace("cgroup")
    bundle.up()
    below = [os.path.join(folder, "below") for folder in leaks.cgroups([bundle.id])]

    def groups(*options):
        lines = bundle.exec("cat", "/proc/self/cgroup", options=options).stdout.splitlines()
        return {name: path for name, path in (line.split(":", 2)[1:] for line in lines) if "/" + bundle.id in path}

    try:
        own = groups()
        for folder in below:
            os.mkdir(folder)
            for name in ("cpuset.cpus", "cpuset.mems"):  # v1 has none in a new group
                if (pathlib.Path(folder) / name).exists():
                    (pathlib.Path(folder) / name).write_text((pathlib.Path(folder).parent / name).read_text())
        assert groups("--cgroup", "/") == own
        assert groups("--cgroup", "/below") == groups("--cgroup=below") == {n: p + "/below" for n, p in own.items()}
        for name in own:
            if name:
                controller = name.split(",")[0]
                assert groups("--cgroup", f"{controller}:/below") == {n: p + "/below" if n == name else p for n, p in own.items()}
        for wrong in ("nothing:/below", "/nowhere", "/../x"):
            assert bundle.exec("true", options=["--cgroup", wrong], ok=False).returncode == 255
    finally:
        bundle.runtime("delete", "--force", bundle.id)
        for folder in below:
            if os.path.isdir(folder):
                os.rmdir(folder)


@pytest.mark.parametrize("interval", ["5s", "1.5s", "500ms", "1m30s", "100us"])
def test_intervals_are_gos(bundle, interval):
    bundle.up()
    assert rt(bundle, "events", "--stats", "--interval", interval, bundle.id).ok().out.startswith('{"type":"stats"')
    rt(bundle, "events", "--stats", "--interval", interval + "x", bundle.id).failed(1, "interval")
    rt(bundle, "events", "--stats", "--interval", "-" + interval, bundle.id).failed(1, "interval")


# ---- update ----


@pytest.mark.parametrize("options, controller, v1, v2, wanted", [
    (["--memory", "64m"], "memory", "memory.limit_in_bytes", "memory.max", {True: "67108864", False: "67108864"}),
    (["--memory-reservation=32m"], "memory", "memory.soft_limit_in_bytes", "memory.low", {True: "33554432", False: "33554432"}),
    (["--cpu-share", "512"], "cpu", "cpu.shares", "cpu.weight", {True: "512", False: "20"}),
    (["--cpu-quota", "20000", "--cpu-period", "50000"], "cpu", "cpu.cfs_quota_us", "cpu.max", {True: "20000", False: "20000 50000"}),
    (["--cpu-burst", "1000", "--cpu-quota", "20000"], "cpu", "cpu.cfs_burst_us", "cpu.max.burst", {True: "1000", False: "1000"}),
    (["--cpuset-cpus", "0"], "cpuset", "cpuset.cpus", "cpuset.cpus", {True: "0", False: "0"}),
    (["--pids-limit", "42"], "pids", "pids.max", "pids.max", {True: "42", False: "42"}),
    (["--cpu-idle", "1"], "cpu", "cpu.idle", "cpu.idle", {True: "1", False: "1"}),
])
def test_update_by_options(bundle, options, controller, v1, v2, wanted):
    bundle.up()
    bundle.runtime("update", *options, bundle.id)
    old, said = knob(bundle, controller, v1, v2)
    assert said == wanted[old]


def test_update_by_a_document(bundle):
    bundle.up()
    document = json.dumps({"pids": {"limit": 33}, "memory": {"limit": 64 << 20}})
    r = subprocess.run(bundle.command("update", "-r", "-", bundle.id), input=document, text=True, capture_output=True, timeout=30)
    assert r.returncode == 0, r.stderr
    assert knob(bundle, "pids", "pids.max", "pids.max")[1] == "33"
    wrong = subprocess.run(bundle.command("update", "-r", "-", bundle.id), input='{"pids": {"limit": "x"}}', text=True, capture_output=True,
                           timeout=30)
    assert wrong.returncode == 1 and "pids.limit" in wrong.stderr


def test_options_with_empty_values_are_as_if_not_given(bundle):
    bundle.up()
    bundle.runtime("--log-format", "", "update", "--resources", "", "--pids-limit", "44", bundle.id)
    assert knob(bundle, "pids", "pids.max", "pids.max")[1] == "44"


@pytest.mark.parametrize("option", [["--l3-cache-schema", "L3:0=f"], ["--mem-bw-schema", "MB:0=50"]])
def test_update_of_caches_without_a_group_is_a_clear_error(bundle, option):
    bundle.up()
    r = bundle.runtime("update", *option, bundle.id, ok=False)
    assert r.returncode == 1 and "has no linux.intelRdt" in r.stderr


def test_an_unknown_command_has_a_status_of_its_own(bundle):
    r = bundle.runtime("checkpoint", bundle.id, ok=False)
    assert r.returncode == 3 and r.stderr == "mdocker-runtime: unknown command 'checkpoint'\n"
