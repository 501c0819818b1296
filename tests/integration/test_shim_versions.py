# SPDX-License-Identifier: Apache-2.0
"""Shims live longer than the server: an older and a newer one of either side understand each other, and one that breaks the
protocol ends its own connection only. The other side is played by the test, byte by byte."""

import os
import signal
import struct

import pytest

from harness.fake_shim import FakeShims
from harness.shim import *  # noqa: F403

ESTALE = 116


def longer(packet, fixed=b"\x5a" * 24, strings=b"more\0"):
    """The message as a newer sender has it: with further fields, and with further strings if it has strings."""
    number, length, serial = struct.unpack_from("<HHI", packet)
    kind = MESSAGES[NAMES[number]][3]
    return (struct.pack("<HHI", number, length + len(fixed), serial) + packet[8:8 + length] + fixed + packet[8 + length:] +
            (strings if kind == "strings" else b""))


# ---- the real shim, a played client ----

def test_a_client_of_version_1_is_served(shim):
    s = shim()
    with s.client(version=1, flags=HELLO_USER | HELLO_WATCH) as c:
        assert c.hello.version == VERSION and c.hello.fields["flags"] == HELLO_USER | HELLO_WATCH
        a = c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        assert a.fields["flags"] & (ATTACHED_COUNTED | ATTACHED_NEW_INPUT) == 0
        c.expect("$ ")
        c.type("echo o''ld\r")
        c.expect("old\r\n")
        seen = c.offset
    with s.client(version=1) as c:
        a = c.attach(terminal=1, start=seen, flags=0)
        assert a.fields["flags"] & ATTACHED_RESUMED and a.offset == seen


def test_a_client_of_a_newer_version_is_served(shim):
    """Longer messages, more strings, flags and types that this shim doesn't know."""
    s = shim()
    with s.client(hello=False, version=999) as c:
        c.socket.send(longer(encode("hello", 1, magic=MAGIC, version=999, flags=HELLO_USER | 0x8000, tail=["future"])))
        hello = c.wait("hello")
        assert (hello.serial, hello.version) == (1, VERSION)
        assert hello.fields["flags"] == HELLO_USER, "what it doesn't know it doesn't promise"
        c.socket.send(struct.pack("<HHI", 60, 8, 2) + b"\0" * 8 + b"tail")
        assert c.wait("error", serial=2).code == 38
        c.socket.send(longer(encode("attach", 3, flags=ATTACH_CREATE | 0x40000000, tail=["x"], **{"from": 0})))
        assert c.wait("attached").serial == 3
        c.expect("$ ")
        c.socket.send(longer(encode("input", 4, b"echo ne''w\r")))
        c.expect("new\r\n")
        c.socket.send(longer(encode("resize", 5, rows=30, cols=90)))
        assert c.wait("size").fields == {"rows": 30, "cols": 90}
        c.socket.send(longer(encode("ping", 6, cookie=9)))
        assert c.wait("pong").cookie == 9


# ---- the real server, a played shim ----

@pytest.mark.parametrize("version", [1, 2])
def test_an_old_shim_works_with_this_server(place, version):
    fakes = FakeShims(place, "alice", version=version)
    alice = fakes.web.login("alice")
    s = alice.open("?input=77&taken=0", subprotocol="mdocker.v1")
    old = fakes.next("alice")
    attach = old.attached(flags=4, offset=50)
    assert attach.cols == 0 and attach.fields["from"] == NONE and attach.terminal == 0
    old.send("snapshot", offset=50, flags=3, rows=24, cols=80, tail=b"PICTURE")
    old.send("output", offset=50, tail=b"and more")
    hello = s.expect_message("hello")
    assert (hello["snapshot"], hello["offset"], hello["life"], hello["input"]) == (7, 50, None, None)
    s.expect("PICTUREand more")
    s.send("typed")
    assert old.expect("input").tail == b"typed"
    s.tell(type="resize", rows=30, cols=90)
    assert old.expect("resize").cols == 90
    s.tell(type="ack", offset=58)
    assert old.expect("ack").offset == 58
    old.send("notice", kind=1, terminal=1, tail=["killed"])
    assert s.expect_message("notice")["kind"] == "memory"
    old.send("exit", terminal=1, code=3, tail=["exited"])
    assert s.expect_message("exit")["code"] == 3
    assert s.expect_closed()[0] == 1000


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_wall_is_told_at_once_that_an_old_shim_makes_no_pictures_and_a_look_is_had(place, version):
    fakes = FakeShims(place, "alice", version=version)
    admin = fakes.web.login("admin")
    wall = admin.open("?user=alice&terminal=1&wall=7", subprotocol="mdocker.v1")
    old = fakes.next("alice")
    hello = old.expect("hello")
    known = hello.fields["flags"] & (HELLO_READ_ONLY | HELLO_USER | HELLO_WATCH)
    old.send("hello", hello.serial, magic=MAGIC, flags=known, tail=["id", "name"])
    assert wall.expect_closed() == (4001, "it was started by an older version, which makes no pictures")
    assert old.is_silent(), "its user is shown nobody who sees nothing"
    look = admin.open("?user=alice&terminal=1", subprotocol="mdocker.v1")
    fakes.next("alice").attached()
    assert look.expect_message("hello")["terminal"] == "1"


def test_whoever_knows_a_life_from_a_newer_shim_types_nothing_into_an_old_one(place):
    fakes = FakeShims(place, "alice", version=2)
    s = fakes.web.login("alice").open("?terminal=1&from=5&life=123&input=77", subprotocol="mdocker.v1")
    s.send("rm -rf x\r")
    old = fakes.next("alice")
    old.attached(offset=5)
    assert s.expect_message("exit")["cause"] == "restarted"
    assert s.expect_closed()[0] == 1000
    assert old.is_silent()


def test_a_newer_shim_works_with_this_server(place):
    fakes = FakeShims(place, "alice", version=999)
    s = fakes.web.login("alice").open("?input=77", subprotocol="mdocker.v1")
    new = fakes.next("alice")
    hello = new.expect("hello")
    new.raw(longer(encode("hello", hello.serial, magic=MAGIC, version=999, flags=hello.fields["flags"] | 0x4000, tail=["i", "n"])))
    attach = new.expect("attach")
    unknown = struct.pack("<HHI", 200, 4, 0) + b"abcd" + b"whatever"
    new.raw(unknown)
    new.raw(longer(encode("attached", attach.serial, terminal=1, flags=4 | 0x40000000, rows=24, cols=80, life=5)))
    new.raw(longer(encode("snapshot", 0, offset=9, flags=3 | 0x100, rows=24, cols=80, tail=b"PICTURE")))
    new.raw(unknown)
    new.raw(longer(encode("output", 0, offset=9, tail=b"bytes")))
    new.raw(longer(encode("notice", 0, kind=4711, terminal=1, tail=["something new"])))
    new.raw(longer(encode("presence", 0, terminal=1, count=1, tail=["Walice"])))
    assert s.expect_message("hello")["life"] == "5"
    s.expect("PICTUREbytes")
    assert s.expect_message("notice") == {"type": "notice", "kind": "other", "text": "something new"}
    assert s.expect_message("presence")["clients"][0]["name"] == "alice"
    new.raw(longer(encode("exit", 0, terminal=1, code=0, reason=4711, tail=["in a new way"])))
    told = s.expect_message("exit")
    assert (told["cause"], told["reason"]) == ("ended", "in a new way")


# ---- a shim that breaks the protocol ----

def memfd(size, seals=True):
    import fcntl
    fd = os.memfd_create("ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return fd


def ring(p, size, said, seals=True):
    p.attached()
    fd = memfd(size, seals)
    p.send("ring", size=said, fds=[fd])
    os.close(fd)


def advance(p, first, to):
    ring(p, 4096 + 65536, 65536)
    p.send("advance", **{"from": first, "to": to})


def endless_snapshot(p):
    p.attached(flags=4)
    try:
        for i in range(300):
            p.send("snapshot", offset=0, flags=1 if i == 0 else 0, rows=24, cols=80, tail=b"x" * 65536)
    except (BrokenPipeError, ConnectionResetError):
        pass


WRONG = {
    "garbage": lambda p: p.raw(b"\xff" * 100),
    "half a header": lambda p: p.raw(b"\1"),
    "too large": lambda p: p.raw(encode("output", 0, tail=b"x" * 69000)),
    "short": lambda p: p.raw(struct.pack("<HHI", 65, 4, 2) + b"\0" * 4),
    "a string without its end": lambda p: p.raw(encode("notice", 0, tail=b"x")),
    "the end": lambda p: (p.expect("hello"), p.close()), # before it the broker would open the workspace once more
    "an error instead of HELLO": lambda p: p.send("error", 1, code=71, tail=["not today"]),
    "output before it was attached": lambda p: (p.greet(), p.send("output", offset=0, tail=b"x")),
    "a snapshot before it was attached": lambda p: (p.greet(), p.send("snapshot", flags=3, rows=24, cols=80)),
    "an exit before it was attached": lambda p: (p.greet(), p.send("exit", terminal=1, tail=[""])),
    "attached twice": lambda p: (a := p.attached(), p.send("attached", a.serial, terminal=1, flags=2, rows=24, cols=80)),
    "output with a gap": lambda p: (p.attached(), p.send("output", offset=5, tail=b"x")),
    "output a second time": lambda p: (p.attached(), p.send("output", tail=b"xy"), p.send("output", offset=1, tail=b"y")),
    "output before its snapshot": lambda p: (p.attached(flags=4), p.send("output", offset=0, tail=b"x")),
    "advance without a ring": lambda p: (p.attached(), p.send("advance", to=5)),
    "advance backwards": lambda p: advance(p, 5, 0),
    "advance from elsewhere": lambda p: advance(p, 5, 6),
    "advance by more than the ring": lambda p: advance(p, 0, 70000),
    "advance to the end of all numbers": lambda p: advance(p, 0, NONE),
    "a ring without a descriptor": lambda p: (p.attached(), p.send("ring", size=65536)),
    "a ring that is shorter than it says": lambda p: ring(p, 4096, 65536),
    "a ring of no size": lambda p: ring(p, 8192, 0),
    "a ring of all memory": lambda p: ring(p, 8192, NONE),
    "a ring that may be made shorter": lambda p: ring(p, 4096 + 65536, 65536, seals=False),
    "a snapshot without end": endless_snapshot,
}


def test_a_shim_that_breaks_the_protocol_ends_its_own_connection_with_a_reason(place):
    fakes = FakeShims(place, "alice", "bob")
    alice, bob = fakes.web.login("alice"), fakes.web.login("bob")
    roles = fakes.web.roles()
    good = bob.open(subprotocol="mdocker.v1")
    peer = fakes.next("bob")
    peer.attached()
    good.expect_message("hello")
    wrong, shown = {}, 0
    for name, act in WRONG.items():
        s = alice.open(subprotocol="mdocker.v1")
        bad = fakes.next("alice")
        act(bad)
        code, reason = s.expect_closed()
        if code != 1011 or not reason:
            wrong[name] = (code, reason)
        bad.close()
        peer.send("output", offset=shown, tail=b"fine")
        good.expect("fine")
        shown += 4
    assert not wrong
    assert fakes.web.roles() == roles, "a role was killed"


def test_the_last_words_of_a_shim_are_heard_whatever_it_left_unread(place):
    """The kernel tells of what was left unread before it gives what was said (ECONNRESET). More than one round of the server's loop takes."""
    fakes = FakeShims(place, "alice")
    s = fakes.web.login("alice").open(subprotocol="mdocker.v1")
    peer = fakes.next("alice")
    peer.attached()
    s.expect_message("hello")
    s.send("too late")
    wait_until(peer.unread, "what was typed is there")
    web = fakes.web.roles()["web"]
    os.kill(web, signal.SIGSTOP)
    try:
        for n in range(40):
            peer.send("output", offset=n, tail=b"x")
        peer.send("exit", terminal=1, code=3, tail=["exited with code 3"])
        peer.close()
    finally:
        os.kill(web, signal.SIGCONT)
    assert s.expect_message("exit")["code"] == 3
    assert s.expect_closed()[0] == 1000 and s.output == b"x" * 40


def test_a_shim_that_says_nothing_is_given_up(place):
    fakes = FakeShims(place, "alice")
    s = fakes.web.login("alice").open(subprotocol="mdocker.v1")
    peer = fakes.next("alice")
    peer.expect("hello")
    peer.expect("attach")
    assert s.expect_closed() == (1011, "the workspace does not answer")
