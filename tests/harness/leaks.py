# SPDX-License-Identifier: Apache-2.0
"""What a place left behind: processes, mounts, cgroups. Only what is provably of the place counts, since other tests
and other people use the same machine."""

import os
import pathlib
import signal

CGROUPS = pathlib.Path("/sys/fs/cgroup")


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode(errors="replace")
    except OSError:
        return ""


def processes(marks):
    """{pid: command line} of processes that carry one of `marks` (paths or ids) in their command line, cgroup or mounts."""
    found = {}
    me = {os.getpid(), os.getppid()}
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in me:
            continue
        command = read(f"/proc/{name}/cmdline").replace("\0", " ").strip()
        where = command + read(f"/proc/{name}/cgroup")
        # The host's own mount table names the place while a test has mounts of its own there.
        if not same_mounts(name):
            where += read(f"/proc/{name}/mountinfo")
        if any(m in where for m in marks) and not command.startswith(("/usr/bin/python3 -m pytest", "pytest")):
            found[int(name)] = command or read(f"/proc/{name}/comm").strip()
    return found


def same_mounts(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except OSError:
        return True


def mounts(marks):
    return [line.split(" ")[4] for line in read("/proc/self/mountinfo").splitlines()
            if any(m in line for m in marks)]


def cgroups(marks):
    """Folders of cgroups whose last component is, or begins with, one of the ids."""
    found = []
    for top in CGROUPS.glob("*"):
        if top.is_symlink() or not top.is_dir():
            continue
        for parent in (top, top / "minidocker"):
            found += [str(parent / n) for n in folders(parent) if any(n.startswith(m) for m in marks)]
    found += [str(CGROUPS / "minidocker" / n) for n in folders(CGROUPS / "minidocker")
              if any(n.startswith(m) for m in marks)]
    return sorted(set(found))


def folders(path):
    try:
        return [e.name for e in os.scandir(path) if e.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def program_of(pid):
    """The name of the file that a process runs; "" for a zombie and for one that is gone."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).removesuffix(" (deleted)")
    except OSError:
        return ""


def children(pid):
    return [int(c) for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for c in read(task).split()]


def start_time(pid):
    """In ticks since boot; None for a process that is gone. With the pid it names one process for ever."""
    stat = read(f"/proc/{pid}/stat")
    return int(stat.rpartition(")")[2].split()[19]) if stat else None


def zombie(pid):
    return ") Z " in read(f"/proc/{pid}/stat")


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
