# SPDX-License-Identifier: Apache-2.0
"""What processes of ours cost: memory that is nobody else's, the most they had, how often they woke up."""

import os
import pathlib
import re

OURS = {"mdocker-shim", "mdocker-init"}


def read(path):
    try:
        return pathlib.Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def field(text, name):
    """The number behind `name:`, 0 if there is none."""
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else 0


def of_place(place):
    """{pid: program} of what runs for the workspaces of the place."""
    ids = place.workspaces()
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        comm = read(folder / "comm").strip()
        if comm in OURS and ids.intersection(re.findall(r"[0-9a-f]{12}", read(folder / "cmdline") + read(folder / "cgroup"))):
            found[int(folder.name)] = comm
    return found


def memory_kib(pid):
    """(private, proportional): pages that no other process has; and those with its part of the pages that it shares."""
    rollup = read(f"/proc/{pid}/smaps_rollup")
    return field(rollup, "Private_Clean") + field(rollup, "Private_Dirty"), field(rollup, "Pss")


def wakeups(pid):
    """How often it has gone to sleep so far, in all of its threads."""
    return sum(field(read(status), "voluntary_ctxt_switches") for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"))


def cpu_seconds(pid):
    """Of processor time that it has used so far: exactly its own, in ticks that of its children that have ended."""
    ended = read(f"/proc/{pid}/stat").rpartition(")")[2].split()[13:15]
    own = [read(task).split()[:1] for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(ns[0]) for ns in own if ns) / 1e9 + sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")


def forget_peak(pid):
    """Its peak is from now on that of what follows. Returns what it has now, in KiB."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_kib(pid)


def peak_kib(pid):
    return field(read(f"/proc/{pid}/status"), "VmHWM")
