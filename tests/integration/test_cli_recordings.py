# SPDX-License-Identifier: Apache-2.0
"""`mdocker recordings`, and the recording options of `mdocker workspace open`."""

import contextlib
import json

import pytest

from harness.process import run
from harness.shim import HELLO_USER, Client

OPEN = ("workspace", "open", "alice", "--owner", "alice", "--image", "busybox")


@pytest.fixture
def box(place):
    return place.need_images("busybox")


def record_something(box, *options, text="shown"):
    """Opens alice's workspace, shows a line in a recorded terminal, and ends the shell."""
    at = json.loads(box.mdocker(*OPEN, *options).ok().out)
    with Client(at["socket"], flags=HELLO_USER) as c:
        terminal = c.attach().terminal
        c.expect("# ")
        c.ask("record", terminal=terminal, on=1)
        c.type(f"echo {text[:1]}''{text[1:]}; exit\r")
        c.wait("exit")
    return at


@contextlib.contextmanager
def small_and_full(box):
    """A file system that takes new names, but no byte more."""
    folder = box.folder / "full"
    folder.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", folder]).ok()
    try:
        (folder / "filler").write_bytes(b"x" * 8192)
        yield folder
    finally:
        run(["umount", folder]).ok()


def listed(box, *more):
    return json.loads(box.mdocker("recordings", "ls", "alice", "--json", *more).ok().out)


def test_what_was_recorded_is_listed_exported_and_removed_by_hand(box, tmp_path):
    record_something(box)
    (one,) = listed(box)["recordings"]
    assert one["terminal"] == 1 and not one["live"] and one["bytes"] > 50 and one["rows"] == 24
    assert one["id"] in box.mdocker("recordings", "ls", "alice").ok().out
    cast = box.mdocker("recordings", "export", "alice", one["id"]).ok().out
    assert json.loads(cast.splitlines()[0])["version"] == 2 and "shown" in cast
    assert len(cast.encode()) == one["bytes"]
    box.mdocker("recordings", "export", "alice", one["id"], "-o", tmp_path / "x.cast").ok()
    assert (tmp_path / "x.cast").read_text() == cast
    box.mdocker("recordings", "export", "alice", one["id"], "-o", tmp_path / "x.cast").failed(1, "x.cast")
    with small_and_full(box) as folder:
        box.mdocker("recordings", "export", "alice", one["id"], "-o", folder / "x.cast").failed(1, "x.cast", "No space left")
        assert not (folder / "x.cast").exists(), "half a recording is none"
    box.mdocker("stop", "alice").ok()
    assert listed(box)["recordings"] == [one], "a stopped workspace keeps them"
    box.mdocker("recordings", "rm", "alice", one["id"]).ok()
    assert listed(box)["recordings"] == []
    box.mdocker("recordings", "export", "alice", one["id"]).failed(3, "no recording")


@pytest.mark.parametrize("name", ["../../workspace", "..", "/etc/passwd", "20260101T000000Z-t1/../x", "x"])
def test_no_name_leads_out_of_the_folder(box, name):
    record_something(box)
    for verb in ("export", "path", "rm"):
        box.mdocker("recordings", verb, "alice", name).failed(3, "no recording's name")


def test_required_recordings_are_not_their_users_to_remove(box):
    record_something(box, "--record", "always")
    assert listed(box)["mode"] == "always"
    one = listed(box, "--owner", "alice")["recordings"][0]["id"]
    box.mdocker("recordings", "rm", "alice", one, "--owner", "alice").failed(4, "only an admin")
    box.mdocker("recordings", "rm", "alice", one, "--owner", "bob").failed(1, "not bob's")
    box.mdocker("recordings", "ls", "alice", "--owner", "bob").failed(1, "not bob's")
    box.mdocker("recordings", "rm", "alice", one, "--owner", "alice", "--force").ok()
    assert listed(box)["recordings"] == []


def test_what_is_asked_for_holds_from_the_next_start_on(box):
    record_something(box, "--record", "ask")
    assert listed(box)["mode"] == "ask"
    box.mdocker(*OPEN, "--record", "never").ok()
    assert listed(box)["mode"] == "ask", "it runs on as it was started"
    box.mdocker("stop", "alice").ok()
    at = json.loads(box.mdocker(*OPEN, "--record", "never").ok().out)
    assert listed(box)["mode"] == "never"
    with Client(at["socket"], flags=HELLO_USER) as c:
        assert c.ask("record", terminal=c.attach().terminal, on=1).code == 1


def test_prune_removes_what_is_past_the_limits(box):
    at = record_something(box, "--record-days", "30")
    folder = box.root / "workspaces" / at["id"] / "recordings"
    (folder / "20200101T000000Z-t1.cast").write_text("{}\n")
    assert box.mdocker("recordings", "prune").ok().out == "1 recordings removed\n"
    assert len(list(folder.iterdir())) == 1
    (folder / "20200101T000000Z-t1.cast").write_text("{}\n")
    assert len(listed(box)["recordings"]) == 1, "what is past its time isn't shown either"


def policy(box, id):
    return json.loads((box.root / "workspaces" / id / "workspace.json").read_text())["recording"]


def test_a_template_says_when_and_how_much_also_to_workspaces_that_are_there(box):
    """The server names its own settings, then the template: the later one wins, at each start."""
    box.mdocker("template", "set", "exam", "--record", "always", "--record-size", "1m", "--record-total", "2m",
                "--record-days", "7").ok()
    words = ("--record", "ask", "--record-days", "90", "--template", "exam")
    at = json.loads(box.mdocker(*OPEN, *words).ok().out)
    wanted = {"mode": "always", "size": 1 << 20, "total": 2 << 20, "days": 7}
    assert policy(box, at["id"]) == wanted
    box.mdocker("stop", "alice").ok()
    box.mdocker(*OPEN, *words).ok()
    assert policy(box, at["id"]) == wanted
    box.mdocker("template", "set", "exam", "--record", "never").ok()
    box.mdocker("stop", "alice").ok()
    box.mdocker(*OPEN, *words).ok()
    assert policy(box, at["id"])["mode"] == "never"
    box.mdocker("template", "rm", "exam").ok()
    box.mdocker("stop", "alice").ok()
    box.mdocker(*OPEN, *words).ok()
    assert policy(box, at["id"])["mode"] == "never", "without the template it stays as it is, and it opens"


@pytest.mark.parametrize("options, word", [
    (("--record", "sometimes"), "never"), (("--record-size", "1k"), "64k"), (("--record-days", "-2"), "record-days"),
    (("--record-total", "1m", "--record-size", "2m"), "together")])
def test_a_policy_that_makes_no_sense_is_refused(box, options, word):
    box.mdocker(*OPEN, *options).failed(1, word)


def test_no_start_finds_a_running_one_and_starts_none(box):
    box.mdocker(*OPEN, "--no-start").failed(3, "isn't running")
    assert not box.workspaces()
    at = box.mdocker(*OPEN).ok().out
    assert box.mdocker(*OPEN, "--no-start").ok().out == at
    box.mdocker("stop", "alice").ok()
    box.mdocker(*OPEN, "--no-start").failed(3, "isn't running")


def test_of_a_workspace_that_nobody_made_there_are_none(box):
    assert listed(box, "--owner", "alice")["recordings"] == []
    box.mdocker("recordings", "ls", "alice").failed(3, "alice")
    box.mdocker("recordings", "path", "alice", "20200101T000000Z-t1", "--owner", "alice").failed(3, "no recording")
