# SPDX-License-Identifier: Apache-2.0
"""`mdocker system balance`: while processors are scarce, a busy workspace has the smallest weight and a quiet one the usual; later all are
equal again."""

import json
import os
import pathlib
import signal

import pytest

from harness.process import wait_until

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
    balance.kill()
    balance.wait()
    box.mdocker("stop", "-t", "0", *[name for name in ids if name.startswith("busy") and name != "busy0"])
    box.start(box.argv("system", "balance"))
    wait_until(lambda: busy.read_text() not in (low, own, usual), "a successor gives back what a killed one took, by what is its own now")
