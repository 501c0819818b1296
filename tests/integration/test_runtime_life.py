# SPDX-License-Identifier: Apache-2.0
"""mdocker-runtime: the state machine, what the commands say, what they leave."""

import fcntl
import json
import os
import pathlib
import signal
import subprocess

import pytest
from harness import leaks
from harness.bundle import LIMIT, end, wait_for
from harness.process import kill_and_wait


def test_create_start_kill_delete_pass_through_the_specified_states(bundle):
    bundle.process["args"] = ["sleep", "1000"]
    bundle.create("--pid-file", bundle.folder / "pid")
    s = bundle.state()
    assert s["status"] == "created" and s["pid"] > 0 and s["bundle"] == str(bundle.folder) and s["id"] == bundle.id
    assert (bundle.folder / "pid").read_text() == str(s["pid"])
    assert os.path.basename(os.readlink(f"/proc/{s['pid']}/exe")) != "busybox", "the program runs already"
    bundle.start()
    assert bundle.status() == "running"
    wait_for(lambda: os.readlink(f"/proc/{s['pid']}/exe").endswith("busybox"), "the program")
    bundle.runtime("pause", bundle.id)
    assert bundle.status() == "paused"
    bundle.runtime("resume", bundle.id)
    assert bundle.status() == "running"
    assert bundle.runtime("delete", bundle.id, ok=False).returncode != 0, "a running container was deleted"
    bundle.runtime("kill", bundle.id, "KILL")
    bundle.wait_status("stopped")
    assert bundle.state()["pid"] == 0
    bundle.runtime("delete", bundle.id)
    assert not bundle.settled_left()


def test_a_created_container_can_be_paused_and_resumed(bundle):
    bundle.process["args"] = ["sleep", "1000"]
    bundle.create()
    bundle.runtime("pause", bundle.id)
    assert bundle.status() == "paused"
    assert "paused state" in bundle.start(ok=False).stderr and "paused" in bundle.exec("true", ok=False).stderr
    bundle.runtime("resume", bundle.id)
    assert bundle.status() == "created"
    bundle.runtime("pause", bundle.id)
    bundle.runtime("kill", bundle.id, "KILL")
    bundle.wait_status("stopped")
    bundle.runtime("delete", bundle.id)
    bundle.up()
    assert bundle.status() == "running"


def freeze(folder, frozen):
    v1 = os.path.exists(f"{folder}/freezer.state")
    with open(f"{folder}/freezer.state" if v1 else f"{folder}/cgroup.freeze", "w") as f:
        f.write(("FROZEN" if frozen else "THAWED") if v1 else str(int(frozen)))


@pytest.fixture
def left_group(bundle):
    """A group with one below it, in the tree that freezes."""
    tree = "/sys/fs/cgroup/freezer" if os.path.isdir("/sys/fs/cgroup/freezer") else "/sys/fs/cgroup"
    top = f"{tree}/{bundle.id}"
    os.makedirs(f"{top}/c")
    yield top
    freeze(top, False)
    bundle.delete()
    for folder in leaks.cgroups([bundle.id]):
        subprocess.run(["find", folder, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], check=False, capture_output=True)


def test_a_group_that_was_left_frozen_is_thawed_and_one_in_a_frozen_one_refused(bundle, left_group):
    bundle.linux["cgroupsPath"] = f"/{bundle.id}/c"
    freeze(f"{left_group}/c", True)
    assert bundle.sh("echo up").run().stdout == "up\n"
    os.makedirs(f"{left_group}/c", exist_ok=True)
    freeze(left_group, True)
    r = bundle.run(ok=False)
    assert r.returncode == 1 and "is frozen" in r.stderr


def test_the_state_is_told_while_the_created_process_is_stopped_by_a_signal(bundle):
    bundle.create()
    pid = bundle.pid()
    os.kill(pid, signal.SIGSTOP)
    for _ in range(10):  # more than those that may wait for it
        assert bundle.status() == "created"
    os.kill(pid, signal.SIGCONT)
    bundle.start()


def test_wrong_commands_for_a_state_are_refused(bundle):
    assert "does not exist" in bundle.runtime("state", bundle.id, ok=False).stderr
    assert "does not exist" in bundle.runtime("delete", bundle.id, ok=False).stderr
    bundle.runtime("delete", "--force", bundle.id)
    bundle.up()
    assert bundle.start(ok=False).returncode != 0
    r = bundle.create(ok=False)
    assert r.returncode != 0 and "already exists" in bundle.log.read_text()
    assert bundle.status() == "running", "the second create harmed the first container"
    bundle.runtime("kill", bundle.id, "KILL")
    bundle.wait_status("stopped")
    assert "not running" in bundle.runtime("kill", bundle.id, "TERM", ok=False).stderr
    assert "stopped" in bundle.exec("true", ok=False).stderr


def test_a_container_that_asks_for_anothers_group_is_refused_and_the_other_goes_on(bundles):
    first, second = bundles(), bundles()
    first.linux["cgroupsPath"] = second.linux["cgroupsPath"] = "/" + first.id
    first.up()
    assert second.create(ok=False).returncode == 1
    assert "has processes already" in second.log.read_text()
    assert first.status() == "running"


def test_a_low_limit_of_descriptors_hinders_no_command_and_stays_the_programs(bundle):
    bundle.prefix = ["prlimit", "--nofile=24:4096"]
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro"])
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW"}
    bundle.spec["hooks"] = {k: [{"path": "/bin/true"}] for k in ("createRuntime", "createContainer", "startContainer", "poststop")}
    bundle.sh("ulimit -Sn; ulimit -Hn; exec sleep 1000")
    bundle.create()
    bundle.start()
    wait_for(lambda: bundle.log.read_text().split() == ["24", "4096"], "the program")
    assert bundle.exec("/bin/sh", "-c", "ulimit -Sn").stdout == "24\n"
    for command in (("pause",), ("resume",), ("ps",), ("events", "--stats"), ("update", "--pids-limit", "50")):
        bundle.runtime(*command, bundle.id)
    bundle.runtime("kill", bundle.id, "KILL")
    bundle.wait_status("stopped")
    bundle.runtime("delete", bundle.id)


def test_without_descriptors_there_is_a_clear_error(bundle):
    bundle.prefix = ["prlimit", "--nofile=9:9"]
    bundle.create(ok=False)
    bundle.prefix = []
    assert "Too many open files" in bundle.log.read_text()


def test_a_created_container_can_be_deleted(bundle):
    bundle.create()
    bundle.runtime("delete", bundle.id)
    assert not bundle.settled_left()


def test_without_a_process_it_is_created_and_the_start_is_refused(bundle):
    del bundle.spec["process"]
    bundle.spec["hooks"] = {"startContainer": [{"path": "/bin/mkdir", "args": ["mkdir", "/tmp/hooked"]}]}
    bundle.create()
    assert bundle.status() == "created"
    assert "has none" in bundle.exec("true", ok=False).stderr
    r = bundle.start(ok=False)
    assert r.returncode == 1 and "process: the container's config.json has none" in r.stderr and r.stderr.count("\n") == 1
    assert bundle.status() == "created" and not (bundle.rootfs / "tmp/hooked").exists(), "the refused start did something"
    document = bundle.folder / "process.json"
    document.write_text(json.dumps({"args": ["echo", "entered"], "cwd": "/", "env": ["PATH=/bin"]}))
    assert bundle.runtime("exec", "--process", document, bundle.id).stdout == "entered\n"
    bundle.runtime("delete", bundle.id)
    r = bundle.run(ok=False)
    assert r.returncode == 1 and "process: missing" in r.stderr
    assert not bundle.settled_left()


@pytest.mark.parametrize("name, words", [("..", "ID `..`"), (".", "ID `.`"), ("", "ID ``"), ("x" * 1025, "1 to 1024"),
                                         ("a/b", "character `/` in the ID `a/b`"), ("a b", "ID `a b`"), ("é", "ID `é`")])
def test_hostile_ids_are_refused(bundle, name, words):
    bundle.write()
    r = bundle.runtime("run", "-b", bundle.folder, name, ok=False)
    assert r.returncode != 0 and r.stderr.count("\n") <= 2 and words in r.stderr
    assert not bundle.root.exists() or not list(bundle.root.glob("*"))


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_run_gives_the_exit_code(bundle, code):
    assert bundle.sh(f"exit {code}").run(ok=False).returncode == code


def test_run_gives_128_plus_the_signal(bundle):
    bundle.no_namespace("pid")
    assert bundle.sh("kill -9 $$").run(ok=False).returncode == 137


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGRTMIN])
def test_run_passes_signals_on(bundle, sig):
    bundle.sh(f"trap 'exit 42' {sig.value}; echo up; while :; do usleep 10000; done").write()
    p = subprocess.Popen(bundle.command("run", "-b", bundle.folder, bundle.id), stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "up\n"
    p.send_signal(sig)
    assert p.wait(timeout=10) == 42


def test_the_end_of_run_leaves_another_container_of_its_name_alone(bundle):
    bundle.process["args"] = ["sleep", "1000"]
    bundle.write()
    first = subprocess.Popen(bundle.command("run", "-b", bundle.folder, bundle.id), stdin=subprocess.DEVNULL)
    wait_for(lambda: bundle.runtime("state", bundle.id, ok=False).returncode == 0 and bundle.status() == "running", "the program")
    with open(bundle.root / bundle.id / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # run has let go of it
    first.send_signal(signal.SIGSTOP)
    try:
        bundle.runtime("delete", "--force", bundle.id)
        bundle.up()
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait(10) == 128 + signal.SIGKILL
    assert bundle.status() == "running"
    bundle.delete()
    assert not bundle.settled_left()


def test_a_run_that_ends_while_its_container_is_deleted_leaves_that_alone(bundle):
    log = bundle.folder / "hooks"
    bundle.spec["hooks"] = {"poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo ended >> {log}"]}]}
    bundle.process["args"] = ["sleep", "1000"]
    bundle.write()
    run = subprocess.Popen(bundle.command("run", "-b", bundle.folder, bundle.id), stdin=subprocess.DEVNULL)
    wait_for(lambda: (bundle.root / bundle.id / "state.json").exists() and
             os.readlink(f"/proc/{bundle.pid()}/exe").endswith("busybox"), "the program")
    run.send_signal(signal.SIGSTOP)
    folder = bundle.root / bundle.id
    delete = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-e", "trace=unlinkat", "-e",
                               "inject=unlinkat:delay_exit=100000", *bundle.command("delete", "--force", bundle.id)])
    wait_for(lambda: not (folder / "lock").exists(), "the removal of the folder")
    run.send_signal(signal.SIGCONT)
    assert delete.wait(LIMIT) == 0 and run.wait(LIMIT) == 128 + signal.SIGKILL
    assert log.read_text() == "ended\n" and not folder.exists()


def test_a_folder_without_a_lock_is_deleted(bundle):
    (bundle.root / bundle.id).mkdir(parents=True)
    assert "does not exist" in bundle.start(ok=False).stderr
    bundle.runtime("delete", bundle.id)
    assert not (bundle.root / bundle.id).exists()


def test_run_detached_returns_and_keep_keeps(bundle):
    bundle.process["args"] = ["sleep", "1000"]
    bundle.write()
    subprocess.run(bundle.command("run", "-d", "-b", bundle.folder, bundle.id), check=True, timeout=20,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert bundle.status() == "running"


MISSING = [
    (["/nope"], 'exec: "/nope": stat /nope: no such file or directory'),
    (["nope"], 'exec: "nope": executable file not found in $PATH'),
    (["/etc/passwd"], 'exec: "/etc/passwd": permission denied'),
    (["/etc"], 'exec: "/etc": permission denied'),
    (["/script"], "exec /script: no such file or directory"),
]


@pytest.mark.parametrize("args,words", MISSING)
def test_a_program_that_cannot_run_is_named_in_runcs_words(bundle, args, words):
    script = bundle.rootfs / "script"
    script.write_text("#!/missing/interpreter\n")
    script.chmod(0o755)
    bundle.process["args"] = args
    r = bundle.run(ok=False)
    assert r.returncode != 0 and words in r.stderr
    assert not bundle.settled_left()
    bundle.up()
    r = bundle.exec(*args, ok=False)
    assert r.returncode == 255 and words in r.stderr


def test_a_failing_mount_says_which_and_leaves_nothing(bundle):
    bundle.add_mount("/data", "/no/such/folder", options=["bind"])
    r = bundle.run(ok=False)
    assert "/no/such/folder" in r.stderr and "/data" in r.stderr and "No such file" in r.stderr
    assert not bundle.settled_left()


def test_exec_runs_inside(bundle):
    bundle.up()
    assert bundle.exec("sh", "-c", "hostname; echo $$ > /tmp/pid; cat /tmp/pid").stdout.split()[0] == "box"
    assert bundle.exec("sh", "-c", "exit 9", ok=False).returncode == 9
    mine = bundle.exec("sh", "-c", "for n in net mnt cgroup; do readlink /proc/self/ns/$n; done").stdout.split()
    pid = bundle.pid()
    assert mine == [os.readlink(f"/proc/{pid}/ns/{n}") for n in ("net", "mnt", "cgroup")]
    # The runtime's own descriptors don't get in.
    fds = bundle.exec("ls", "/proc/self/fd").stdout.split()
    assert fds == ["0", "1", "2", "3"], fds  # 3 is the folder that ls reads


def test_exec_takes_a_process_document_and_detaches(bundle):
    bundle.up()
    doc = {"args": ["sh", "-c", "id -u > /tmp/who; pwd >> /tmp/who; echo $K >> /tmp/who; exec sleep 1000"], "cwd": "/tmp",
           "env": ["PATH=/bin", "K=v"], "user": {"uid": 1000, "gid": 1000}}
    (bundle.rootfs / "tmp").chmod(0o1777)
    (bundle.folder / "p.json").write_text(json.dumps(doc))
    pidfile = bundle.folder / "exec.pid"
    subprocess.run(bundle.command("exec", "--detach", "--pid-file", pidfile, "--process", bundle.folder / "p.json",
                                  bundle.id), check=True, timeout=20, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    who = bundle.rootfs / "tmp/who"
    wait_for(lambda: who.exists() and who.read_text() == "1000\n/tmp\nv\n", "the document's process")
    assert bundle.state()["pid"] != int(pidfile.read_text())
    ps = bundle.runtime("ps", "--format", "json", bundle.id).stdout
    assert int(pidfile.read_text()) in json.loads(ps)


@pytest.mark.parametrize("user", ["4294967296", "0:x", "-1", "99999999999999999999", "root", "1:"])
def test_exec_refuses_users_that_are_no_numbers(bundle, user):
    bundle.up()
    r = bundle.exec("id", options=("--user", user), ok=False)
    assert r.returncode != 0 and "UID" in r.stderr and "uid=" not in r.stdout


def test_hooks_run_in_order_with_the_state_on_stdin(bundle):
    log = bundle.folder / "hooks"
    inside = bundle.rootfs / "tmp"
    kinds = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
    bundle.spec["hooks"] = {k: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {k} $(cat) >> {log}"],
                                 "env": ["PATH=/bin:/usr/bin"]}] for k in kinds}
    bundle.spec["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat > /tmp/start"]}]
    bundle.up()
    bundle.runtime("kill", bundle.id, "KILL")
    bundle.wait_status("stopped")
    bundle.runtime("delete", bundle.id)
    lines = log.read_text().splitlines()
    assert [x.split()[0] for x in lines] == kinds
    states = [json.loads(x.split(" ", 1)[1]) for x in lines]
    assert [s["status"] for s in states] == ["created", "creating", "creating", "running", "stopped"]
    assert all(s["id"] == bundle.id and s["bundle"] == str(bundle.folder) for s in states)
    assert states[0]["pid"] == states[3]["pid"] > 1
    assert json.loads((inside / "start").read_text())["status"] == "created"


def test_while_hooks_make_a_container_it_is_in_the_making(bundle):
    """Entered before its root is, it would show the host's."""
    seen = bundle.folder / "seen"
    look = "; ".join(" ".join(bundle.command(*args)) + f" >> {seen} 2>&1" for args in
                     (("state", bundle.id), ("exec", bundle.id, "/bin/ls", "/"), ("pause", bundle.id)))
    bundle.spec["hooks"] = {k: [{"path": "/bin/sh", "args": ["sh", "-c", f"{look}; true"], "env": ["PATH=/bin:/usr/bin"]}]
                            for k in ("createRuntime", "poststart")}
    bundle.process["args"] = ["sleep", "1000"]
    bundle.write()
    run = subprocess.Popen(bundle.command("run", "-b", bundle.folder, bundle.id), stdin=subprocess.DEVNULL)
    wait_for(lambda: seen.exists() and "running" in seen.read_text(), "the poststart hook")
    bundle.wait_status("paused")
    bundle.runtime("delete", "--force", bundle.id)
    run.wait(LIMIT)
    state, refused, not_paused, *then = seen.read_text().splitlines()
    assert json.loads(state)["status"] == "creating" and "cannot exec in a stopped container" in refused, (state, refused)
    assert "container not running" in not_paused, not_paused
    assert json.loads(then[0])["status"] == "running" and "root" in then[1:], then


@pytest.mark.parametrize("command", ["exec", "pause"])
def test_a_container_whose_run_is_at_work_is_neither_entered_nor_stopped_before_its_root(bundle, command):
    (bundle.rootfs / "inside").write_text("inside")
    bundle.process["args"] = ["sleep", "1000"]
    bundle.write()
    run = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pivot_root", "-e",
                            "inject=pivot_root:delay_enter=1000000", *bundle.command("run", "-b", bundle.folder, bundle.id)],
                           stdin=subprocess.DEVNULL)
    wait_for(lambda: (bundle.root / bundle.id / "state.json").exists(), "the state file")
    if command == "exec":
        assert bundle.exec("cat", "/inside").stdout == "inside"
    else:
        bundle.runtime("pause", bundle.id)
        assert os.readlink(f"/proc/{bundle.pid()}/exe").endswith("busybox"), "it was stopped while it was made"
    bundle.runtime("delete", "--force", bundle.id)
    run.wait(LIMIT)


def test_who_waits_for_a_container_that_can_not_be_made_is_told(bundle):
    bundle.process["args"] = ["/bin/nothing"]
    bundle.write()
    run = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pivot_root", "-e",
                            "inject=pivot_root:delay_enter=1000000", *bundle.command("run", "-b", bundle.folder, bundle.id)],
                           stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (bundle.root / bundle.id / "state.json").exists(), "the state file")
    r = bundle.exec("true", ok=False)
    assert r.returncode != 0 and ("does not exist" in r.stderr or "stopped container" in r.stderr), r.stderr
    assert run.wait(LIMIT) != 0


def test_a_failing_hook_stops_the_start_and_poststop_runs(bundle):
    log = bundle.folder / "hooks"
    bundle.spec["hooks"] = {"createRuntime": [{"path": "/bin/false"}],
                            "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo ended >> {log}"]}]}
    r = bundle.run(ok=False)
    assert r.returncode != 0 and "createRuntime hook '/bin/false'" in r.stderr
    assert log.read_text() == "ended\n"
    assert not bundle.settled_left()


def test_a_hook_that_takes_too_long_is_killed(bundle):
    bundle.spec["hooks"] = {"createContainer": [{"path": "/bin/sleep", "args": ["sleep", "100"], "timeout": 1}]}
    r = bundle.run(ok=False)
    assert r.returncode != 0 and "createContainer hook" in r.stderr
    assert not bundle.settled_left()


def born_after(start_time):
    """A process of a later clock tick than that one (proc(5), stat's field 22): the kernel counts ticks of 10 ms."""
    while True:
        stranger = subprocess.Popen(["sleep", "1000"])
        with open(f"/proc/{stranger.pid}/stat", encoding="ascii") as f:
            if int(f.read().rpartition(")")[2].split()[19]) > start_time:
                return stranger
        kill_and_wait(stranger)


def test_a_reused_pid_is_never_taken_for_the_container(bundle):
    bundle.up()
    state = bundle.root / bundle.id / "state.json"
    doc = json.loads(state.read_text())
    bundle.runtime("kill", bundle.id, "KILL")
    bundle.wait_status("stopped")
    stranger = born_after(doc["startTime"])
    try:
        doc["pid"] = stranger.pid
        state.write_text(json.dumps(doc))
        assert bundle.status() == "stopped"
        bundle.runtime("delete", "--force", bundle.id)
        assert stranger.poll() is None, "a stranger was killed"
    finally:
        kill_and_wait(stranger)


@pytest.mark.parametrize("command", ["start", "run"])
def test_a_container_whose_own_hook_hangs_is_deleted(bundle, command):
    """The hook is a program of the image, and who waits for it has the lock."""
    bundle.spec["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "echo > /tmp/begun; sleep 1000"]}]}
    bundle.process["args"] = ["sleep", "1000"]
    bundle.create() if command == "start" else bundle.write()
    args = ("start", bundle.id) if command == "start" else ("run", "-b", bundle.folder, bundle.id)
    p = subprocess.Popen(bundle.command(*args), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (bundle.rootfs / "tmp/begun").exists(), "the hook")
    try:
        bundle.runtime("delete", "--force", bundle.id)
        p.wait(LIMIT)
    finally:
        bundle.runtime("kill", bundle.id, "KILL", ok=False)
    assert not bundle.settled_left()


def test_a_killed_creator_leaves_what_delete_removes(bundle):
    bundle.spec["hooks"] = {"prestart": [{"path": "/bin/sleep", "args": ["sleep", "1000"]}]}
    bundle.write()
    p = subprocess.Popen(bundle.command("create", "-b", bundle.folder, bundle.id), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (bundle.root / bundle.id / "creating.json").exists(), "the state file")
    assert bundle.status() == "creating"
    kill_and_wait(p)
    bundle.wait_status("stopped")
    bundle.runtime("delete", bundle.id)
    assert not bundle.settled_left()


@pytest.mark.parametrize("below", ["", "below"])
def test_a_container_whose_group_somebody_has_frozen_is_deleted(bundle, below):
    """On v1 the kernel kills nobody there; where both kinds are, it isn't by that one that we freeze."""
    tree = "/sys/fs/cgroup/freezer" if os.path.isdir("/sys/fs/cgroup/freezer") else "/sys/fs/cgroup"
    group = pathlib.Path(tree, bundle.up().id, below)
    group.mkdir(exist_ok=True)
    (group / "cgroup.procs").write_text(str(bundle.pid()))
    freeze(group, True)
    try:
        bundle.runtime("delete", "--force", bundle.id)
        assert not bundle.settled_left()
    finally:
        if group.exists():
            freeze(group, False)


def test_a_creation_that_fails_while_its_group_is_frozen_is_undone(bundle):
    v1 = os.path.isdir("/sys/fs/cgroup/freezer")
    words = f"echo FROZEN > /sys/fs/cgroup/freezer/{bundle.id}/freezer.state" if v1 else f"echo 1 > /sys/fs/cgroup/{bundle.id}/cgroup.freeze"
    bundle.spec["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"{words}; exit 7"]}]}
    r = bundle.run(ok=False)
    assert r.returncode == 1 and "createRuntime hook '/bin/sh' ended with exit code 7" in r.stderr, r.stderr
    assert not bundle.settled_left()


def test_what_a_creator_leaves_that_was_killed_while_its_group_was_frozen_is_deleted(bundle):
    """On v1 its child can't die then."""
    tree = "/sys/fs/cgroup/freezer" if os.path.isdir("/sys/fs/cgroup/freezer") else "/sys/fs/cgroup"
    group = pathlib.Path(tree, bundle.id)
    bundle.spec["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "1000"]}]}
    bundle.write()
    p = subprocess.Popen(bundle.command("create", "-b", bundle.folder, bundle.id), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: (group / "cgroup.procs").exists() and (group / "cgroup.procs").read_text(), "the child in its group")
    freeze(group, True)
    p.kill()
    p.wait()
    try:
        bundle.wait_status("stopped")
        bundle.runtime("delete", bundle.id)
        assert not bundle.settled_left()
    finally:
        if group.exists():
            freeze(group, False)


def test_a_creator_that_dies_before_its_child_has_asked_to_die_with_it(bundle):
    """The child asks by its first prctl(2), which comes late here."""
    bundle.write()
    p = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=prctl", "-e",
                          "inject=prctl:delay_enter=1000000:when=1", *bundle.command("create", "-b", bundle.folder, bundle.id)],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: [c for c in leaks.children(p.pid) if leaks.children(c)], "the child")
    (creator,) = [c for c in leaks.children(p.pid) if leaks.children(c)]
    end(creator)
    assert p.wait(LIMIT) != 0, "strace ends when all that it traces have"
    bundle.wait_status("stopped")
    bundle.runtime("delete", bundle.id)
    assert not bundle.settled_left()


def test_list_names_all(bundles):
    a, b = bundles(), bundles()
    b.root = a.root
    a.up()
    b.create()
    listed = {c["id"]: c["status"] for c in json.loads(a.runtime("list", "--format", "json").stdout)}
    assert listed == {a.id: "running", b.id: "created"}
    b.delete()
