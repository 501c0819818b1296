# SPDX-License-Identifier: Apache-2.0
"""As test_engine_crash.py, for disks that are projects with a quota, in a kernel of the test's own: `mdocker` is killed at every step that
making, changing and removing such a disk takes. The next commands list, change and remove it; no project keeps a limit without a
workspace, none is given twice, and a neighbour keeps its own."""

import glob
import json

import pytest

from harness import program, uml
from harness.process import run

pytestmark = uml.NEEDED

MODULES = ("fs/overlayfs/overlay", "fs/quota/quota_tree", "fs/quota/quota_v2")

# Runs in there. Prints a JSON list [command, call, step, complaints] a kill, and "end".
SWEEP = r"""
import collections, ctypes, glob, json, os, re, struct, subprocess

LIBC, MNT = ctypes.CDLL(None), os.open("/mnt", os.O_RDONLY)
# Every how many-th of a call, in each process of the command. They are what touches a disk; test_engine_crash.py has the others.
RUN = {"quotactl_fd": 1, "ioctl": 1, "fsync": 1, "rename": 1, "rmdir": 1, "mkdir": 6, "mount": 4}
UPDATE = {"quotactl_fd": 1, "ioctl": 1, "fsync": 1, "rename": 1, "renameat": 1, "wait4": 1}
RM = {"quotactl_fd": 1, "ioctl": 1, "unlinkat": 15, "rename": 1, "renameat": 1, "fsync": 1, "rmdir": 1}
DISK = ("--disk", "24m", "--disk-inodes", "500")


def mdocker(*args, before=(), ok=True):
    try:
        r = subprocess.run([*before, "/run/mdocker", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, timeout=60)
    except subprocess.TimeoutExpired:
        complaints.append(f"{args} hangs")
        return None
    if ok and r.returncode != 0:
        complaints.append(f"{args}: {r.returncode} {r.stderr}")
    return r.stdout


def records():
    '''{project: (KiB at most, files at most, files)} of those that have a limit or files'''
    found, at = {}, 1
    while True:
        record = ctypes.create_string_buffer(80)
        if LIBC.syscall(443, MNT, ctypes.c_int(-0x7ffff700 | 2), at, record):  # Q_GETNEXTQUOTA, PRJQUOTA
            return found
        hard, _, _, inodes, _, files, _, _, _, number = struct.unpack("=8QII", record.raw[:72])
        if hard or inodes or files:
            found[number] = (hard, inodes, files)
        at = number + 1


def projects():
    '''{folder: project} of all disks, half-made ones too'''
    lines = subprocess.run(["lsattr", "-pd", *glob.glob("/mnt/r/workspaces/*/disk*"), *glob.glob("/mnt/r/workspaces/.*/disk*")],
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {line.split()[2]: int(line.split()[0]) for line in lines}


def check(what, good):
    if not good:
        complaints.append(what)


def with_a_step_cut(call, step, follow, args):
    '''True if it was'''
    log = "/run/strace"
    mdocker(*args, before=("strace", *(["-f"] if follow else []), "-qq", "-o", log, "-e", f"trace={call}", "-e",
                           f"inject={call}:signal=KILL:when={step}"), ok=False)
    counts = collections.Counter(re.findall(rf"^(\d* *){call}\(", open(log).read(), re.MULTILINE))
    return max(counts.values(), default=0) >= step


def usable():
    '''Another one is made beside what is left, then all goes.'''
    mdocker("run", "-d", "--name", "other", *DISK, "busybox", "/bin/sleep", "1000")
    given = projects()
    check(f"without one: {given}", all(number or folder.endswith(".new") for folder, number in given.items()))
    numbers = [number for number in given.values() if number]
    check(f"given twice: {given}", len(numbers) == len(set(numbers)))
    for w in map(json.loads, mdocker("ps", "-a", "--format", "json").splitlines()):
        if w["name"] != "keep":
            if w["state"] in ("created", "stopped"):
                mdocker("start", w["id"])
                check(f"no limit {projects()}: {records()}", set(projects().values()) <= {n for n, r in records().items() if r[0]})
                check(f"half made: {projects()}", not [folder for folder in projects() if folder.endswith(".new")])
            mdocker("rm", "-f", w["id"])
    mdocker("system", "prune")
    check(f"left: {projects()}", len(projects()) == 1)
    check(f"records: {records()}", records() == KEEP)


def prepare_victim():
    mdocker("run", "-d", "--name", "victim", *DISK, "busybox", "/bin/sleep", "1000")


def changed():
    '''What it says is what it has, and it can be changed again.'''
    for more in ((), ("40m", "900")):
        if more:
            mdocker("update", "--disk", more[0], "--disk-inodes", more[1], "victim")
        now = json.loads(mdocker("stats", "--format", "json", "victim"))
        got = (now["diskLimit"] >> 10, now["inodesLimit"])
        check(f"{got} {records()}", got in ((24 << 10, 500), (32 << 10, 700), (40 << 10, 900)) and (not more or got[0] == 40 << 10))
        check(f"no record {got}: {records()}", got in [r[:2] for r in records().values()])


def sweep(name, calls, prepare, args, follow=False, after=lambda: None):
    global complaints
    for call, stride in calls.items():
        for step in range(1, 400, stride):
            complaints = []
            prepare()
            hit = with_a_step_cut(call, step, follow, args)
            if hit:
                after()
            usable()
            print(json.dumps([name, call, step if hit else 0, complaints]), flush=True)
            if not hit:
                break


complaints = []
mdocker("run", "-d", "--name", "keep", "--disk", "64m", "busybox", "/bin/sleep", "1000")
mdocker("stop", "-t", "0", "keep")
KEEP = records()
print(json.dumps(["neighbour", "", 0, complaints if len(KEEP) == 1 else [str(KEEP)]]))
sweep("run", RUN, lambda: None, ("run", "-d", "--name", "victim", *DISK, "busybox", "/bin/true"), follow=True)
sweep("update", UPDATE, prepare_victim, ("update", "--disk", "32m", "--disk-inodes", "700", "victim"), after=changed)
sweep("rm", RM, prepare_victim, ("rm", "-f", "victim"))
print("end")
"""

SCRIPT = uml.PRELUDE + """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for module in @MODULES@; do /bin/busybox insmod $module; done
mount -t ext4 -o prjquota /dev/ubda /mnt
printf '#!/bin/sh\\nexec @MDOCKER@ --root /mnt/r --state /run/s "$@"\\n' >/run/mdocker; chmod 755 /run/mdocker
/run/mdocker import @IMAGE@ busybox
cat >/run/sweep <<'END'
@SWEEP@
END
echo ==
python3 /run/sweep 2>&1
/bin/busybox poweroff -f
"""


@pytest.fixture(scope="module")
def kills(images, tmp_path_factory):
    """[command, call, step, complaints] of each kill."""
    folder = tmp_path_factory.mktemp("uml")
    disk = folder / "disk"
    run(["truncate", "-s", "512M", disk]).ok()
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "quota,project", "-E", "quotatype=prjquota", disk]).ok()
    script = SCRIPT
    modules = [m for name in MODULES for m in glob.glob(f"/usr/lib/uml/modules/*/kernel/{name}.ko")]
    for word, value in {"MODULES": " ".join(modules), "MDOCKER": program("mdocker"), "IMAGE": images.busybox_tar,
                        "SWEEP": SWEEP}.items():
        script = script.replace(f"@{word}@", str(value))
    console = uml.boot(folder, script, disk, timeout=1800)
    assert "\nend\n" in console, console
    return [json.loads(line) for line in console.split("==\n", 1)[1].splitlines() if line.startswith("[\"")]


@pytest.mark.parametrize("command, least", [("run", 30), ("update", 5), ("rm", 8)])
def test_a_quota_disk_outlives_each_kill_of(kills, command, least):
    mine = [k for k in kills if k[0] in (command, "neighbour")]
    assert not [k for k in mine if k[3]], "\n".join(map(str, (k for k in mine if k[3])))
    assert sum(1 for k in mine if k[2]) >= least, mine
    assert any(k[1] == "quotactl_fd" and k[2] for k in mine), "the quota was set on the way"
