# SPDX-License-Identifier: Apache-2.0
"""The default profile as a workspace sees it, line by line and value by value: the probe tries what must fail, this reads what stands
there, so that a value that is weaker than promised is found, too."""

import os

import pytest

from harness.place import Place
from test_probe import PROBE, Canaries, verdicts

V1 = os.path.isdir("/sys/fs/cgroup/memory")

# target: (type, options of the mount, some of its file system's options)
MOUNTS = {
    "/proc": ("proc", "nosuid nodev noexec", ""),
    "/sys": ("sysfs", "ro nosuid nodev noexec", ""),
    "/sys/fs/cgroup": (None, "ro nosuid nodev noexec", ""),
    "/dev": ("tmpfs", "nosuid noexec", "size=1024k nr_inodes=256 mode=755"),
    "/dev/pts": ("devpts", "nosuid noexec", "mode=620 ptmxmode=666 max=64"),
    "/dev/shm": ("tmpfs", "nosuid nodev noexec", "size=65536k nr_inodes=4096"),
    "/dev/mqueue": ("mqueue", "nosuid nodev noexec", ""),
    "/tmp": ("tmpfs", "nosuid nodev", "size=65536k nr_inodes=8192"),
    "/run": ("tmpfs", "nosuid nodev", "size=16384k nr_inodes=2048"),
    "/mytemp": ("tmpfs", "nosuid nodev", "size=65536k nr_inodes=8192"),
}
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
MASKED = [*(f"/proc/{name}" for name in (
    "acpi asound interrupts kcore keys key-users latency_stats sched_debug scsi timer_list timer_stats kallsyms iomem ioports "
    "kpagecount kpageflags config.gz cmdline diskstats partitions").split()),
    *(f"/sys/{name}" for name in (
        "firmware kernel/debug kernel/tracing kernel/security kernel/notes kernel/vmcoreinfo kernel/btf fs/bpf fs/pstore hypervisor "
        "devices/virtual/powercap devices/virtual/dmi devices/system/cpu/cpu0/thermal_throttle").split())]
RLIMITS = {"open files": ("1024", "16384"), "core file size": ("0", "0"), "locked memory": ("8388608", "8388608"),
           "msgqueue size": ("819200", "819200"), "pending signals": ("4096", "4096"), "nice priority": ("0", "0"),
           "realtime priority": ("0", "0")}
SYSCTLS = {"net/ipv4/ping_group_range": "0 65535", "user/max_user_namespaces": "0", "user/max_inotify_instances": "128",
           "kernel/msgmax": "8192", "kernel/msgmnb": "16384", "kernel/msgmni": "64", "kernel/sem": "250 8000 32 64",
           "kernel/shmall": "16384", "kernel/shmmax": "67108864", "kernel/shmmni": "64"}
DEV = "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero".split()
DEVICES = {"c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:2", "c 136:*"}

# What the filter itself answers, so that a C library falls back where it can.
UNKNOWN = {"a-number-nobody-has", "clone3-user", "project:other-id-by-name"}
DENIED = {"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "add_key", "request_key", "keyctl", "fanotify_init",
          "open_by_handle_at", "mount-tmpfs", "fsopen", "fsmount", "open_tree", "move_mount", "mount_setattr", "pivot_root", "setns",
          "unshare-user", "clone-user", "kexec_load", "init_module", "reboot", "quotactl", "socket-packet", "netlink-audit",
          "ioctl-tiocsti", "ioctl-tiocsti-high-bits", "ioctl-tiocsetd", "project:other-id", "project:not-inherited",
          "project:not-inherited-by-flags"}

SCRIPT = """
part() { echo "== $1"; }
part mounts; cat /proc/self/mountinfo
part map; cat /proc/self/gid_map
part limits; cat /proc/self/limits
part oom; cat /proc/1/oom_score_adj /proc/self/oom_score_adj
part dev; for f in /dev/*; do echo ${f##*/}; done
part sysctl; cd /proc/sys; for f in $(echo @SYSCTLS@); do echo $f $(cat $f); done
part pid_max; cat /proc/sys/kernel/pid_max
part masked; for f in $(echo @MASKED@); do
    if [ -d $f ]; then echo $f folder $(ls -A $f | wc -l); elif [ -e $f ]; then echo $f file $(stat -c '%t:%T' $f); fi; done
part devices; cat /sys/fs/cgroup/devices/devices.list 2>/dev/null
part terminal; tty >/dev/null && stat -c '%a %g' $(tty)
part end
"""


@pytest.fixture(scope="module")
def inside(images):
    """{part: lines} of what a workspace's terminal says."""
    place = Place(images).need_images("busybox")
    script = SCRIPT.replace("@SYSCTLS@", " ".join(SYSCTLS)).replace("@MASKED@", " ".join(MASKED))
    with place.terminal("run", "-t", "--rm", "busybox", "/bin/sh", "-c", script) as t:
        t.expect("== end")
        text = t.output.decode().replace("\r", "")
    left = place.close()
    assert not left, left
    return {name: lines for name, *lines in (part.splitlines() for part in text.split("== ")[1:])}


def mounts(inside):
    """{target: (type, options, options of the file system)}"""
    found = {}
    for line in inside["mounts"]:
        here, _, there = line.partition(" - ")
        found[here.split()[4]] = (there.split()[0], set(here.split()[5].split(",")), set(there.split()[-1].split(",")))
    return found


@pytest.mark.parametrize("target", MOUNTS)
def test_each_mount_has_its_flags_and_bounds(inside, target):
    kind, options, own = MOUNTS[target]
    has_kind, has_options, has_own = mounts(inside)[target]
    assert kind in (None, has_kind)
    assert set(options.split()) <= has_options and set(own.split()) <= has_own, (has_options, has_own)


def test_a_terminal_belongs_to_the_group_tty_alone(inside):
    first = int(inside["map"][0].split()[1])
    assert f"gid={first + 5}" in mounts(inside)["/dev/pts"][2]
    assert inside["terminal"] == ["620 5"]


def test_what_must_not_be_written_is_read_only(inside):
    found = mounts(inside)
    assert all("ro" in found[path][1] for path in READ_ONLY if os.path.exists(path)), found


def test_every_masked_path_is_empty(inside):
    there = dict(line.split(" ", 1) for line in inside["masked"])
    assert len(there) > 15 and set(there.values()) <= {"folder 0", "file 1:3"}, there
    found = mounts(inside)
    assert set(there) <= set(found)
    for path in (p for p, what in there.items() if what.startswith("folder")):
        assert found[path][0] == "tmpfs" and "ro" in found[path][1], found[path]


def test_limits_soft_and_hard(inside):
    for name, values in RLIMITS.items():
        line, = [x for x in inside["limits"] if x.startswith("Max " + name)]
        assert tuple(line[len("Max " + name):].split()[:2]) == values, line


def test_the_kernel_takes_a_workspace_first_when_memory_is_short(inside):
    assert inside["oom"] == ["500", "500"]


def test_the_namespaces_sysctls(inside):
    assert {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in inside["sysctl"]} == SYSCTLS
    if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 14):
        assert inside["pid_max"] == ["32768"], "from Linux 6.14 on each pid namespace has its own"


def test_dev_holds_what_the_profile_names(inside):
    assert sorted(inside["dev"]) == DEV


@pytest.mark.skipif(not V1, reason="on cgroup v2 the devices are a program: test_cgroup_v2.py asks for one")
def test_devices_are_denied_but_for_eight(inside):
    rules = {tuple(line.rsplit(" ", 1)) for line in inside["devices"]}
    assert {(what, access) for what, access in rules if access != "m"} == {(what, "rwm") for what in DEVICES}, rules


def test_denied_is_eperm_and_unknown_is_enosys(place):
    """Or a C library gives up where it could fall back, and the other way round."""
    place.need_images("busybox")
    canaries = Canaries(place)
    try:
        found = verdicts(place.mdocker("run", "--rm", "--pids-limit", "50", "-v", f"{PROBE}:/probe:ro", "busybox", "/probe",
                                       *canaries.arguments(), timeout=120).ok())
    finally:
        canaries.close()
    answers = {name: detail.split()[0] for name, (verdict, detail) in found.items() if verdict == "BLOCKED" and detail}
    assert {name: answers.get(name) for name in DENIED} == dict.fromkeys(DENIED, "EPERM")
    assert {name: answers.get(name) for name in UNKNOWN} == dict.fromkeys(UNKNOWN, "ENOSYS")

