# SPDX-License-Identifier: Apache-2.0
"""linux.resources and what else of config.json the kernel is asked for, seen in the kernel's own files; and what this kernel has not, told."""

import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess

import pytest
from harness import leaks, sanitizer
from harness.bundle import wait_for
from harness.process import run

GROUPS = "/sys/fs/cgroup"


def said(bundle, *names):
    """What the first of these files of the container's groups says."""
    for folder in leaks.cgroups([bundle.id]):
        for name in names:
            path = pathlib.Path(folder) / name
            if path.exists():
                return path.read_text().strip()
    return None


def unified_only():
    return not os.path.isdir(GROUPS + "/memory")


@pytest.mark.parametrize("resources, v1, v2", [
    ({"memory": {"limit": 64 << 20, "swap": 128 << 20}}, ("memory.limit_in_bytes", "67108864"), ("memory.swap.max", "67108864")),
    ({"memory": {"limit": 64 << 20, "swap": 128 << 20}}, ("memory.memsw.limit_in_bytes", "134217728"), ("memory.max", "67108864")),
    ({"memory": {"reservation": 32 << 20}}, ("memory.soft_limit_in_bytes", "33554432"), ("memory.low", "33554432")),
    ({"memory": {"limit": 64 << 20, "swappiness": 20}}, ("memory.swappiness", "20"), ("memory.max", "67108864")),
    ({"memory": {"limit": 64 << 20, "disableOOMKiller": True, "useHierarchy": True}}, ("memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0"),
     ("memory.max", "67108864")),
    ({"cpu": {"shares": 2048, "cpus": "0", "mems": "0"}}, ("cpu.shares", "2048"), ("cpu.weight", "79")),
    ({"cpu": {"cpus": "0", "mems": "0"}}, ("cpuset.mems", "0"), ("cpuset.mems", "0")),
    ({"cpu": {"quota": 50000, "period": 100000, "burst": 20000}}, ("cpu.cfs_burst_us", "20000"), ("cpu.max.burst", "20000")),
    ({"cpu": {"idle": 1}}, ("cpu.idle", "1"), ("cpu.idle", "1")),
    ({"pids": {"limit": 17}}, ("pids.max", "17"), ("pids.max", "17")),
    ({"pids": {"limit": -1}}, ("pids.max", "max"), ("pids.max", "max")),
])
def test_a_limit_stands_in_the_group(bundle, resources, v1, v2):
    bundle.linux["resources"] |= resources
    bundle.up()
    name, wanted = v2 if unified_only() else v1
    assert said(bundle, name) == wanted


def test_throttled_io(bundle):
    device = os.stat("/").st_dev
    if os.major(device) == 0 or not os.path.exists(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"):
        device = os.makedev(7, 0)
    bundle.linux["resources"]["blockIO"] = {"throttleReadBpsDevice": [
        {"major": os.major(device), "minor": os.minor(device), "rate": 1 << 20}]}
    bundle.up()
    text = said(bundle, "blkio.throttle.read_bps_device", "io.max")
    assert f"{os.major(device)}:{os.minor(device)}" in text and "1048576" in text


@pytest.mark.parametrize("resources, words", [
    ({"rdma": {"mlx5_9": {"hcaHandles": 3}}}, "linux.resources.rdma"),
    ({"network": {"classID": 1048577}}, "linux.resources.network.classID"),
    ({"network": {"priorities": [{"name": "lo", "priority": 5}]}}, "linux.resources.network.priorities"),
])
def test_a_controller_that_is_not_there_is_named(bundle, resources, words):
    """Or the kernel's words about a device that is not there."""
    controller = "net_cls" if "classID" in words else "net_prio" if "priorities" in words else "rdma"
    if any(line.split()[0] == controller and line.split()[3] == "1" and line.split()[1] != "0"
           for line in pathlib.Path("/proc/cgroups").read_text().splitlines()[1:]):
        words = controller
    bundle.linux["resources"] |= resources
    r = bundle.run(ok=False)
    assert r.returncode == 1 and words in r.stderr, r.stderr


def test_limits_of_tcp_buffers_stand_in_the_group_or_are_told_to_be_part_of_the_limit(bundle):
    bundle.linux["resources"]["memory"] = {"limit": 64 << 20, "kernelTCP": 8 << 20, "kernel": 16 << 20}
    bundle.up()
    if unified_only():
        assert "linux.resources.memory.kernelTCP: this kernel has no limit" in bundle.log.read_text()
    else:
        assert said(bundle, "memory.kmem.tcp.limit_in_bytes") == str(8 << 20) and "kernelTCP" not in bundle.log.read_text()
    assert bundle.log.read_text().count("linux.resources.memory.kernel: this kernel has no limit") == 1


@pytest.mark.parametrize("weights", [{"leafWeight": 300}, {"weightDevice": [{"major": 7, "minor": 0, "leafWeight": 300}]}])
def test_leaf_weights_that_the_kernel_has_not_are_told(bundle, weights):
    """They went with CFQ (5.0), so no kernel that runs this has them: it takes a group with blkio.leaf_weight to write them."""
    bundle.linux["resources"]["blockIO"] = weights
    bundle.up()
    assert said(bundle, "blkio.leaf_weight") is None
    if said(bundle, "blkio.throttle.io_serviced", "io.max") is not None:
        assert "linux.resources.blockIO.leafWeight: this kernel has none" in bundle.log.read_text()


def test_huge_pages(bundle):
    sizes = sorted(name.removeprefix("hugepages-").removesuffix("kB") for name in os.listdir("/sys/kernel/mm/hugepages"))
    size = "2MB" if "2048" in sizes else f"{int(sizes[0]) >> 10}MB"
    bundle.linux["resources"]["hugepageLimits"] = [{"pageSize": size, "limit": 4 << 20}]
    bundle.up()
    assert said(bundle, f"hugetlb.{size}.limit_in_bytes", f"hugetlb.{size}.max") == str(4 << 20)


def test_the_unified_tree_takes_its_files_as_they_are(bundle):
    bundle.linux["resources"]["unified"] = {"cgroup.max.depth": "3"}
    bundle.up()
    assert said(bundle, "cgroup.max.depth") == "3"


def test_a_limit_below_what_is_used_is_refused_if_asked_for(bundle):
    bundle.up()
    bundle.exec("/bin/sh", "-c", "head -c 8m /dev/zero >/dev/shm/x")
    document = json.dumps({"memory": {"limit": 1 << 20, "checkBeforeUpdate": True}})
    r = subprocess.run(bundle.command("update", "-r", "-", bundle.id), input=document, text=True, capture_output=True, timeout=30)
    assert r.returncode == 1 and "linux.resources.memory.limit" in r.stderr
    assert bundle.status() == "running"


def cpu_times(bundle):
    """Of each CPU: user, kernel."""
    return [[int(n) for n in line.split()[1:]] for line in said(bundle, "cpuacct.usage_all").splitlines()[1:]]


def test_statistics_are_the_kernels_in_runcs_shape(bundle):
    bundle.linux["resources"] |= {"cpu": {"cpus": "0", "mems": "0"}, "pids": {"limit": 100}}
    bundle.up(["sh", "-c", "while :; do :; done"])
    if not unified_only():
        wait_for(lambda: sum(sum(row) for row in cpu_times(bundle)), "CPU time")
    bundle.runtime("pause", bundle.id)
    data = json.loads(bundle.runtime("events", "--stats", bundle.id).stdout)["data"]
    knobs = ["mem_hardwall", "cpu_exclusive", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab",
             "memory_pressure", "sched_load_balance", "sched_relax_domain_level"]
    assert set(data) == {"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"}
    assert set(knobs) == set(data["cpuset"]) - {"cpus", "mems"}
    assert data["pids"]["limit"] == 100 and data["cpu"]["usage"]["total"] > 0
    if unified_only():
        return
    assert data["cpuset"]["cpus"] == data["cpuset"]["mems"] == [0]
    for name in knobs:
        assert data["cpuset"][name] == int(said(bundle, f"cpuset.{name}")), name
    cpu = data["cpu"]["usage"]
    assert [list(row) for row in zip(cpu["percpu_user"], cpu["percpu_kernel"])] == cpu_times(bundle)
    assert sum(cpu["percpu"]) == cpu["total"]


@pytest.mark.skipif(not shutil.which("runc"), reason="no runc")
def test_statistics_have_all_that_the_real_runc_gives(bundle):
    bundle.up()
    runc = [shutil.which("runc"), "--root", bundle.folder / "runc"]
    other = bundle.id + "runc"
    bundle.linux["cgroupsPath"] = f"/{other}"
    bundle.write()
    subprocess.run([*runc, "run", "--detach", "--bundle", bundle.folder, other], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=30, check=True)
    try:
        theirs = json.loads(run([*runc, "events", "--stats", other]).ok().out)["data"]
    finally:
        run([*runc, "delete", "--force", other]).ok()
    ours = json.loads(bundle.runtime("events", "--stats", bundle.id).stdout)["data"]
    missing = [f"{part}.{key}" for part, value in theirs.items() if isinstance(value, dict)
               for key in value if part not in ("blkio", "hugetlb") and key not in ours[part]]
    assert missing == []


def test_events_tell_of_a_kill_for_memory_and_of_the_end(bundle):
    bundle.linux["resources"]["memory"] = {"limit": 32 << 20, "swap": 32 << 20}
    bundle.up()
    with subprocess.Popen(bundle.command("events", "--interval", "1h", bundle.id), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as events:
        try:
            for _ in range(20):  # it may not be listening yet
                assert bundle.exec("dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1", ok=False).returncode == 137
                if select.select([events.stdout], [], [], 0.5)[0]:
                    break
            assert json.loads(events.stdout.readline()) == {"type": "oom", "id": bundle.id}
        finally:
            bundle.runtime("delete", "--force", bundle.id)
        assert events.wait(20) == 0


def test_exec_has_the_cpus_that_the_document_says(bundle):
    bundle.process["execCPUAffinity"] = {"initial": "0", "final": "0"}
    bundle.up()
    assert "Cpus_allowed_list:\t0\n" in bundle.exec("cat", "/proc/self/status").stdout


@pytest.mark.skipif(not os.sched_getaffinity(0) >= {0, 1}, reason="one CPU")
def test_execs_cpus_are_not_the_first_process_and_end_with_what_they_are_for(bundle):
    """By the specification `initial` is for the way into the container's cgroup only, and neither is for the first process."""
    def cpus(*command):
        return bundle.exec(*command).stdout if command else pathlib.Path(f"/proc/{bundle.pid()}/status").read_text()

    bundle.process["execCPUAffinity"] = {"initial": "0"}
    bundle.linux["resources"]["cpu"] = {"cpus": "0-1"}
    bundle.up()
    assert "Cpus_allowed_list:\t0-1\n" in cpus()
    assert "Cpus_allowed_list:\t0-1\n" in cpus("cat", "/proc/self/status")


@pytest.mark.skipif(not os.sched_getaffinity(0) >= {0, 1}, reason="one CPU")
def test_a_container_has_the_cpus_that_it_was_given_though_its_caller_has_fewer(bundle):
    """As with a kernel before 6.2, which forgot of the caller's when a cpuset was entered."""
    bundle.linux["resources"]["cpu"] = {"cpus": "0-1"}
    bundle.prefix = ["taskset", "-c", "0"]
    look = ["grep", "Cpus_allowed_list", "/proc/self/status"]
    bundle.process["args"] = look
    assert bundle.run().stdout == "Cpus_allowed_list:\t0-1\n"
    bundle.up()
    assert "Cpus_allowed_list:\t0-1\n" in pathlib.Path(f"/proc/{bundle.pid()}/status").read_text()
    assert bundle.exec(*look).stdout == "Cpus_allowed_list:\t0-1\n"


def test_labels_and_profiles_of_what_the_host_has_not_are_errors_but_for_those_of_files(bundle):
    bundle.linux["mountLabel"] = "system_u:object_r:container_file_t:s0:c1,c2"
    bundle.run()
    for there, field, value in (("/sys/fs/selinux/enforce", "selinuxLabel", "system_u:system_r:container_t:s0:c1,c2"),
                                ("/sys/module/apparmor", "apparmorProfile", "docker-default")):
        if not os.path.exists(there):
            bundle.process[field] = value
            r = bundle.run(ok=False)
            assert r.returncode == 1 and f"process.{field} '{value}': this host has no" in r.stderr
            del bundle.process[field]


def test_execs_label_is_a_clear_error_where_there_is_no_selinux(bundle):
    label = "system_u:system_r:container_t:s0:c1,c2"
    bundle.up()
    r = bundle.exec("true", options=["--process-label", label], ok=False)
    if os.path.exists("/sys/fs/selinux/enforce"):
        assert r.returncode == 0 or label in r.stderr
    else:
        assert r.returncode == 255 and f"process label '{label}': this host has no SELinux" in r.stderr
    bundle.exec("true")


# ---- seccomp ----


def test_actions_of_seccomp(bundle):
    bundle.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64" if os.uname().machine == "x86_64" else "SCMP_ARCH_AARCH64"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
                     {"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"},
                     {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
                     {"names": ["sync"], "action": "SCMP_ACT_LOG"}]}
    out = bundle.out("mkdir /tmp/x 2>&1; hostname y; echo $?; sync && echo synced; grep Seccomp: /proc/self/status").split("\n")
    assert "No space left" in out[0] and "159" in out and "synced" in out and "Seccomp:\t2" in out


@pytest.mark.parametrize("action", ["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"])
def test_a_filter_that_refuses_even_the_end_ends_the_process_all_the_same(bundle, action):
    bundle.linux["seccomp"] = {"defaultAction": action}
    bundle.sh("echo not reached").write()
    r = subprocess.run(bundle.command("run", "-b", bundle.folder, bundle.id), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=20)
    # Before the trap the sanitizers make system calls of their own.
    ends = [signal.SIGILL, signal.SIGSEGV] if sanitizer.SANITIZED else [signal.SIGILL]
    assert r.returncode - 128 in ends and "not reached" not in r.stdout, r


def test_who_listens_to_seccomp_gets_the_descriptor_with_state_and_metadata(bundle):
    path = str(bundle.folder / "agent")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.bind(path)
        agent.listen(1)
        agent.settimeout(20)
        bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "what we say",
                                   "syscalls": [{"names": ["sethostname"], "action": "SCMP_ACT_NOTIFY"}]}
        bundle.process["args"] = ["sleep", "1000"]
        bundle.create()
        start = subprocess.Popen(bundle.command("start", bundle.id), stdin=subprocess.DEVNULL)
        connection, _ = agent.accept()
        text, fds, _, _ = socket.recv_fds(connection, 65536, 4)
        assert start.wait(20) == 0
    document = json.loads(text)
    assert document["metadata"] == "what we say" and document["fds"] == ["seccompFd"] and len(fds) == 1
    assert document["state"]["id"] == bundle.id and document["pid"] == document["state"]["pid"] == bundle.pid()
    assert "seccomp" in os.readlink(f"/proc/self/fd/{fds[0]}")
    os.close(fds[0])


def test_without_such_an_action_nobody_who_listens_is_asked_for(bundle):
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": str(bundle.folder / "nobody"),
                               "syscalls": [{"names": ["sethostname"], "action": "SCMP_ACT_ERRNO"}]}
    bundle.run()


# ---- hooks ----


def test_hooks_run_in_the_bundle(bundle):
    told = bundle.folder / "told"
    for kind in ("prestart", "createRuntime", "poststart", "poststop"):
        bundle.spec.setdefault("hooks", {})[kind] = [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {kind} $(pwd) >>{told}"]}]
    bundle.run(cwd="/")
    assert told.read_text().splitlines() == [f"{kind} {bundle.folder}" for kind in bundle.spec["hooks"]]


def test_poststart_hooks_run_when_the_program_does(bundle):
    bundle.spec["hooks"] = {"poststart": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat >{bundle.folder}/told; echo $A >{bundle.folder}/env"],
                                           "env": ["A=b"], "timeout": 20}]}
    bundle.up()
    state = json.loads((bundle.folder / "told").read_text())
    assert state["status"] == "running" and state["pid"] == bundle.pid() and state["bundle"] == str(bundle.folder)
    assert (bundle.folder / "env").read_text() == "b\n"


@pytest.mark.parametrize("command", ["run", "create"])
def test_a_limit_that_kills_before_the_program_runs_is_told(bundle, command):
    """Nothing tells the end of the child from its execve but what it said last."""
    bundle.linux["resources"]["memory"] = {"limit": 4096}
    r = bundle.run(ok=False) if command == "run" else bundle.create(ok=False)
    said = r.stderr if command == "run" else bundle.log.read_text()
    assert r.returncode == 1 and "the container's process was killed while it was set up" in said, (r.returncode, said)
