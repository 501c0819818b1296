# SPDX-License-Identifier: Apache-2.0
"""The next command comes before the last life of a workspace has quite ended: what was killed on its way, what is still on its way
out, what hangs. strace makes the moment as long as the test needs it."""

import json
import os
import signal
import subprocess

import pytest

from harness import leaks
from harness.process import wait_until


@pytest.fixture
def box(place):
    return place.need_images("busybox")


@pytest.fixture
def alice(box):
    box.mdocker(*OPEN).ok()
    return box


OPEN = ("workspace", "open", "alice", "--owner", "alice", "--image", "busybox")


def status(place, name):
    return json.loads(place.mdocker("inspect", name).ok().out)[0]["status"]


# ---- what was killed ----

def test_a_user_who_stops_a_workspace_whose_shim_was_killed_stops_its_processes(alice):
    before = status(alice, "alice")
    os.kill(before["shimPid"], signal.SIGKILL)
    wait_until(lambda: status(alice, "alice")["state"] == "stopped", "the end of the shim")
    alice.mdocker("workspace", "stop", "alice", "--owner", "alice").ok()
    assert not os.path.exists(f"/proc/{before['pid']}") or leaks.zombie(before["pid"])
