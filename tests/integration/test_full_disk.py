# SPDX-License-Identifier: Apache-2.0
"""The disk is full, or the memory file system of the state: each command that writes says so in one line or does without, nothing is
half, and with room again all goes on."""

import json
import shutil

import pytest

from harness.disk import Disk, Filler
from harness.process import run
from harness.web import WebServer

FULL = "No space left on device"


@pytest.fixture
def disk(place):
    d = Disk(place, "32M")
    d.own_image(place, "busybox")
    return d


@pytest.fixture
def small_state(place):
    run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=200", "state", place.state]).ok()
    place.at_end.append(lambda: run(["umount", "-l", place.state]).ok())
    return place.need_images("busybox")


def states(place):
    listed = place.mdocker("ps", "-a", "--format", "json").ok()
    assert listed.err == "", "no document is damaged"
    return {w["name"]: w["state"] for w in map(json.loads, listed.out.splitlines())}


def refused(r):
    """It failed for want of room and said so in its last line."""
    assert r.code != 0 and FULL in r.err.strip().splitlines()[-1], repr(r)


def test_every_command_on_a_full_disk(place, disk):
    for name in ("runs", "stopped", "doomed"):
        place.mdocker("run", "-d", "--name", name, "busybox", "sleep", "1000").ok()
    place.mdocker("stop", "-t", "0", "stopped").ok()
    with Filler(disk.at):
        refused(place.mdocker("run", "-d", "--name", "new", "busybox", "sleep", "1000"))
        refused(place.mdocker("workspace", "open", "alice", "--owner", "alice", "--image", "busybox"))
        refused(place.mdocker("import", place.images.busybox_tar, "again"))
        refused(place.mdocker("update", "--memory", "50m", "runs"))
        refused(place.mdocker("start", "stopped"))
        assert place.mdocker("exec", "runs", "echo", "alive").ok().out == "alive\n"
        place.mdocker("stop", "-t", "0", "runs")
        assert states(place) == {"runs": "stopped", "stopped": "stopped", "doomed": "running"}
        place.mdocker("rm", "-f", "doomed").ok()  # makes room, so it must go
        assert "again" not in place.mdocker("images").ok().out
    assert states(place) == {"runs": "stopped", "stopped": "stopped"}
    for name in ("runs", "stopped"):
        place.mdocker("start", name).ok()
    place.mdocker("run", "-d", "--name", "new", "busybox", "sleep", "1000").ok()
    assert place.mdocker("system", "prune").ok().out == "", "nothing half lay about"


def test_accounts_and_logins_on_a_full_disk(place, disk):
    server = WebServer(place).start()
    admin = server.login("admin")
    with Filler(disk.at):
        r = admin.request("POST", "/api/v1/users", {"username": "eve", "password": "password-of-eve"})
        assert r.status >= 500 and r.json["error"], r.text
        r = admin.request("POST", "/api/v1/password", {"old_password": "admin", "new_password": "another password"})
        assert r.status >= 500, r.text
        assert server.request("POST", "/api/v1/login", {"username": "alice", "password": "wrong password"}).status == 401
        assert admin.request("GET", "/api/v1/users").status == 200, "who is logged in stays so"
        server.kill()
    server.start()
    admin = server.login("admin")
    assert "eve" not in {u["username"] for u in admin.request("GET", "/api/v1/users").json["users"]}
    assert admin.request("POST", "/api/v1/users", {"username": "eve", "password": "password-of-eve"}).status == 200
    place.mdocker("audit", "verify").ok()


def test_a_full_state_folder(small_state):
    place = small_state
    place.mdocker("run", "-d", "--name", "runs", "busybox", "sleep", "1000").ok()
    with Filler(place.state):
        refused(place.mdocker("run", "-d", "--name", "new", "busybox", "sleep", "1000"))
        r = place.mdocker("exec", "runs", "echo", "alive")
        assert r.out == "alive\n" or FULL in r.err, r
        place.mdocker("rm", "-f", "runs").ok()
    place.mdocker("rm", "-f", "new")
    assert states(place) == {}
    place.mdocker("run", "--rm", "busybox", "true").ok()


def test_no_files_left_to_be_had_in_the_state_folder(small_state):
    place = small_state
    place.mdocker("run", "-d", "--name", "runs", "busybox", "sleep", "1000").ok()
    folder = place.state / "files"
    folder.mkdir()
    try:
        for i in range(1000):
            (folder / str(i)).touch()
    except OSError:
        pass
    refused(place.mdocker("run", "-d", "--name", "new", "busybox", "sleep", "1000"))
    place.mdocker("stop", "-t", "0", "runs").ok()
    shutil.rmtree(folder)
    place.mdocker("rm", "-f", "new")
    place.mdocker("start", "runs").ok()
    assert states(place) == {"runs": "running"}
