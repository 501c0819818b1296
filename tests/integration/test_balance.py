# SPDX-License-Identifier: Apache-2.0
"""`mdocker system balance`: while processors are scarce, a busy workspace has the smallest weight and a quiet one the usual, and as long as
somebody else works it is kept off the last processor; later all are equal again."""

import json
import os
import pathlib
import signal

import pytest

from harness.process import kill_and_wait, wait_until

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/pressure/cpu"),
                                reason="this kernel tells of no pressure (CONFIG_PSI, or psi=0 at its start): nothing to balance by")
BUSY = "for i in 1 2 3 4 5 6; do (while :; do :; done) & done; sleep 25; kill $(jobs -p)"


def weight_file(workspace):
    for path in (f"/sys/fs/cgroup/cpu/minidocker/{workspace}/cpu.shares", f"/sys/fs/cgroup/minidocker/{workspace}/cpu.weight"):
        if os.path.exists(path):
            return pathlib.Path(path)
    raise AssertionError("no cpu controller")


@pytest.fixture
def box(place):
    return place.need_images("busybox")


def test_a_busy_workspace_gives_way_and_is_equal_again_later(box):
    box.mdocker("run", "-d", "--name", "quiet", "busybox", "sleep", "1000").ok()
    # More of them than processors of the machine.
    for i in range(max(2, (os.cpu_count() or 2) // 3)):
        shares = ["--cpu-shares", "512"] if i == 0 else []
        box.mdocker("run", "-d", "--name", f"busy{i}", *shares, "busybox", "sh", "-c", BUSY).ok()
    ids = {w["name"]: w["id"] for w in map(json.loads, box.mdocker("ps", "--format", "json").ok().out.splitlines())}
    quiet, busy = weight_file(ids["quiet"]), weight_file(ids["busy0"])
    usual, own, low = quiet.read_text(), busy.read_text(), "2\n" if busy.name == "cpu.shares" else "1\n"
    assert len({usual, own, low}) == 3
    balance = box.start(box.argv("system", "balance"))
    wait_until(lambda: busy.read_text() == low, "the busy one gives way")
    assert quiet.read_text() == usual
    box.mdocker("update", "--memory", "50m", "busy0").ok()
    wait_until(lambda: busy.read_text() == low, "also after an update")
    balance.send_signal(signal.SIGTERM)
    assert balance.wait(10) == 0
    assert busy.read_text() == own, "what it changed it puts right"

    balance = box.start(box.argv("system", "balance"))
    wait_until(lambda: busy.read_text() == low, "the busy one gives way")
    box.mdocker("update", "--cpu-shares", "256", "busy0").ok()
    wait_until(lambda: busy.read_text() == low, "also after an update of its weight")
    kill_and_wait(balance)
    box.mdocker("stop", "-t", "0", *[name for name in ids if name.startswith("busy") and name != "busy0"])
    box.start(box.argv("system", "balance"))
    wait_until(lambda: busy.read_text() not in (low, own, usual), "a successor gives back what a killed one took, by what is its own now")


ALL = os.sched_getaffinity(0)
MOST = ALL - {max(ALL)}
WORK = "while sleep 0.2; do :; done"


def cpus_file(workspace):
    for path in (f"/sys/fs/cgroup/cpuset/minidocker/{workspace}/cpuset.cpus", f"/sys/fs/cgroup/minidocker/{workspace}/cpuset.cpus"):
        if os.path.exists(path):
            return pathlib.Path(path)
    return None


def cpus_of(box, name):
    """Those of its first process, and of the half of its shim that carries output."""
    found = json.loads(box.mdocker("inspect", name).ok().out)
    found = found[0]["status"]
    shim = found["shimPid"]
    command = pathlib.Path(f"/proc/{shim}/cmdline").read_bytes()
    halves = [int(p) for p in pathlib.Path(f"/proc/{shim}/task/{shim}/children").read_text().split()
              if pathlib.Path(f"/proc/{p}/cmdline").read_bytes() == command]
    assert len(halves) == 1, halves
    return os.sched_getaffinity(found["pid"]), os.sched_getaffinity(halves[0])


@pytest.mark.skipif(len(ALL) < 2, reason="one processor: none to keep free")
def test_a_busy_workspace_is_kept_off_one_processor_while_somebody_else_works(box):
    names = [f"busy{i}" for i in range(max(2, (os.cpu_count() or 2) // 3))]
    for name in names:
        box.mdocker("run", "-d", "--name", name, "busybox", "sh", "-c", BUSY.replace("25", "300")).ok()
    box.mdocker("run", "-d", "--name", "worker", "busybox", "sh", "-c", WORK).ok()
    ids = {w["name"]: w["id"] for w in map(json.loads, box.mdocker("ps", "--format", "json").ok().out.splitlines())}
    if not cpus_file(ids["worker"]):
        pytest.skip("no cpuset controller: busy workspaces have the smallest weight, and all processors")
    by_hand, own = cpus_file(ids["busy1"]), cpus_file(ids["busy0"]).read_text()
    by_hand.write_text(str(max(ALL)))

    balance = box.start(box.argv("system", "balance", "--all-processors"))
    wait_until(lambda: all(weight_file(ids[name]).read_text() in ("1\n", "2\n") for name in names), "all give way")
    assert cpus_of(box, "busy0") == (ALL, ALL), "none is to be kept free"
    balance.send_signal(signal.SIGTERM)
    assert balance.wait(10) == 0

    balance = box.start(box.argv("system", "balance"))
    wait_until(lambda: cpus_of(box, "busy0") == (MOST, MOST), "the busy one is kept off")
    low = weight_file(ids["busy1"])
    wait_until(lambda: low.read_text() in ("1\n", "2\n"), "the other one gives way, too")
    assert cpus_of(box, "worker") == (ALL, ALL)
    assert by_hand.read_text() == f"{max(ALL)}\n", "who was given some by hand keeps them"
    box.mdocker("update", "--memory", "50m", "busy0").ok()
    assert cpus_of(box, "busy0") == (MOST, MOST), "also after an update"
    balance.send_signal(signal.SIGTERM)
    assert balance.wait(10) == 0
    assert cpus_of(box, "busy0") == (ALL, ALL), "what it took it gives back"
    assert cpus_file(ids["busy0"]).read_text() == own

    balance = box.start(box.argv("system", "balance"))
    wait_until(lambda: cpus_of(box, "busy0") == (MOST, MOST), "the busy one is kept off")
    kill_and_wait(balance)
    box.mdocker("stop", "-t", "0", "worker").ok()
    assert cpus_of(box, "busy0") == (MOST, MOST)
    balance = box.start(box.argv("system", "balance"))
    wait_until(lambda: cpus_of(box, "busy0") == (ALL, ALL), "a successor gives back what a killed one took")
    wait_until(lambda: all(weight_file(ids[name]).read_text() in ("1\n", "2\n") for name in names), "all give way")
    wait_until(lambda: cpus_of(box, "busy0") == (ALL, ALL), "with nobody else at work it has them all")
    box.mdocker("start", "worker").ok()
    wait_until(lambda: cpus_of(box, "busy0") == (MOST, MOST), "somebody works again")
    box.mdocker("stop", "-t", "0", "worker").ok()
    wait_until(lambda: cpus_of(box, "busy0") == (ALL, ALL), "and rests again")
    assert by_hand.read_text() == f"{max(ALL)}\n"
