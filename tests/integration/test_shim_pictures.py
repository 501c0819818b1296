# SPDX-License-Identifier: Apache-2.0
"""A client of mdocker-shim that is shown pictures only: of the screen without scrollback, when something has changed, apart."""

import pytest

from harness.shim import *  # noqa: F403

APART = 1.9  # seconds; the shim's own is 2


def test_pictures_come_when_something_changed_and_not_more_often_than_every_two_seconds(shim):
    s = shim()
    with s.client() as typist, s.client(flags=HELLO_PICTURES | HELLO_ADMIN, label="teacher") as wall:
        assert wall.hello.fields["flags"] & HELLO_READ_ONLY, "pictures are for looking"
        typist.attach(rows=24, cols=80)
        typist.expect("$ ")
        typist.type("seq 3000; echo do''ne\r")
        typist.expect("done\r\n$ ")
        asked = time.monotonic()
        attached = wall.attach(flags=ATTACH_CREATE | ATTACH_ACKS | ATTACH_RING, start=0)
        assert attached.fields["flags"] & ATTACHED_SNAPSHOT and not attached.fields["flags"] & ATTACHED_RESUMED
        first = wall.wait("snapshot")
        assert b"done" in first.tail and b"2900" not in first.tail and len(first.tail) < 3000
        while "steacher" not in typist.wait("presence").strings:
            pass
        typist.type("while :; do echo flood; done\r")
        typist.expect("flood\r\nflood")
        picture = wall.wait("snapshot")
        assert time.monotonic() - asked >= APART
        while b"flood" not in picture.tail:  # it was made in the midst of the echo
            picture = wall.wait("snapshot")
        typist.type("\x03")
        typist.expect("$ ")
        typist.send("resize", rows=30, cols=90)
        typist.wait("size")
        while wall.wait("snapshot").rows != 30:
            pass
        assert not any(m.name in ("output", "ring", "advance") for m in wall.kept) and not wall.output
        assert wall.ask("input", tail=b"x").name == "error" and wall.new().name == "error"
        typist.type("exit 3\r")
        assert wall.wait("exit").code == 3


def test_a_quiet_terminal_costs_its_picture_once(shim):
    s = shim()
    with s.client() as typist, s.client(flags=HELLO_PICTURES) as wall:
        typist.attach()
        typist.expect("$ ")
        typist.type("read word; echo aw''ake\r")
        typist.expect("aw''ake\r\n")
        wall.attach()
        assert b"read word" in wall.wait("snapshot").tail
        with pytest.raises(AssertionError, match="no .'snapshot'"):
            wall.wait("snapshot", timeout=2.5 * APART)
        typist.type("\r")
        while b"awake" not in wall.wait("snapshot").tail:
            pass
