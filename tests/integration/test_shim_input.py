# SPDX-License-Identifier: Apache-2.0
"""What is typed arrives exactly once over several connections, and in the life of the workspace that it was meant for."""

import os

import pytest

from harness import leaks
from harness.process import wait_until
from harness.shim import *  # noqa: F403

STREAM = 0x1234567890ABCDEF
ESTALE = 116


def attach(c, **more):
    a = c.attach(**{"input": STREAM} | more)
    assert a.name == "attached", a
    return a


@pytest.fixture
def cat(shim):
    """A shim whose terminal repeats what it is given, without an echo."""
    s = shim(shell=["/bin/sh", "-c", "stty raw -echo; echo ready; exec cat"])
    with s.client() as c:
        c.attach()
        c.expect("ready")
        yield s


def test_the_count_of_a_stream_outlives_its_connection(cat):
    with cat.client() as c:
        a = attach(c)
        assert a.fields["flags"] & ATTACHED_COUNTED and a.fields["flags"] & ATTACHED_NEW_INPUT
        assert a.input_taken == 0
        c.type("hello")
        c.expect("hello")
        assert c.wait("taken").input_taken == 5
        c.type(" wor")
        c.expect(" wor")
    with cat.client() as c:
        a = attach(c)
        assert a.fields["flags"] & ATTACHED_COUNTED and not a.fields["flags"] & ATTACHED_NEW_INPUT
        assert a.input_taken == 9, "told or not, what was taken counts"
    with cat.client() as other:
        assert attach(other, input=STREAM + 1).input_taken == 0, "another page has a stream of its own"
    with cat.client() as forgotten:
        a = attach(forgotten, input=STREAM + 2, input_taken=700)
        assert a.fields["flags"] & ATTACHED_NEW_INPUT and a.input_taken == 700
        forgotten.type("x")
        assert forgotten.wait("taken").input_taken == 701


def test_what_an_older_connection_still_has_on_its_way_is_never_read(cat):
    """The newer connection is told a count; if then more came by the older one, it would come twice."""
    with cat.client() as old, cat.client() as new:
        attach(old)
        old.type("abc")
        old.expect("abc")
        assert attach(new).input_taken == 3
        try:
            old.type("def")
        except BrokenPipeError:
            pass
        while (m := old.receive()) is not None:
            last = m
        assert (last.name, last.code) == ("error", ESTALE)
        new.type("def")
        assert new.wait("taken").input_taken == 6
    with cat.client() as c:
        c.attach(start=0)
        c.expect("abcdef")
        c.type("|")
        c.expect("|")
        assert c.output.count(b"def") == 1


def test_pieces_cut_anywhere_arrive_once(cat):
    """A client whose connection ends at a random moment, again and again, sends again what wasn't taken."""
    import random
    rng = random.Random(4)
    data = b"".join(b"%06d," % i for i in range(6000))
    taken = 0
    cuts = 0
    while taken < len(data):
        with cat.client() as c:
            a = attach(c, input_taken=taken)
            assert taken <= a.input_taken, "it never goes back"
            at = taken = a.input_taken
            budget = rng.randrange(1, 4000)
            while budget > 0 and at < len(data):
                piece = data[at:at + rng.randrange(1, 1000)]
                c.type(piece)
                at += len(piece)
                budget -= len(piece)
            cuts += 1
    assert cuts > 15
    with cat.client() as c:
        c.attach(start=0)
        c.type("$")
        c.expect("$")
        assert bytes(c.output).split(b"ready", 1)[1].lstrip(b"\r\n") == data + b"$"


def test_many_streams_are_forgotten_oldest_first_but_never_a_present_one(cat):
    with cat.client() as present:
        attach(present, input=1)
        present.type("a")
        present.expect("a")
        for n in range(2, 40):
            with cat.client() as c:
                attach(c, input=n)
        assert present.wait("taken").input_taken == 1
        present.type("b")
        assert present.wait("taken").input_taken == 2
    with cat.client() as c:
        assert not attach(c, input=1).fields["flags"] & ATTACHED_NEW_INPUT
    with cat.client() as c:
        assert attach(c, input=2).fields["flags"] & ATTACHED_NEW_INPUT


def test_who_looks_only_and_who_names_no_stream_are_not_counted(cat):
    with cat.client() as c, cat.client(flags=HELLO_READ_ONLY) as looker:
        assert not c.attach().fields["flags"] & ATTACHED_COUNTED
        assert not attach(looker).fields["flags"] & ATTACHED_COUNTED
        c.type(b"x" * 20000)
        c.expect(b"x" * 20000)
        assert c.ask("ping", cookie=1).cookie == 1
        assert "taken" not in {m.name for m in c.kept}


def test_each_start_of_a_workspace_is_a_life_of_its_own(shim):
    lives = []
    for _ in range(2):
        s = shim()
        with s.client() as c, s.client() as again:
            a = c.attach()
            assert a.life == again.attach().life != 0
            lives.append(a.life)
    assert lives[0] != lives[1]
    with s.client() as c:
        m = c.attach(terminal=1, start=0, life=lives[0], input=STREAM)
        assert (m.name, m.code) == ("error", ESTALE)
        assert c.type("exit\r")
        assert c.attach(terminal=1, start=0, life=lives[1]).name == "attached", "the connection goes on"
        c.expect("$ ")
        assert b"exit" not in c.output


def test_who_is_typed_to_is_served_soon_and_what_it_starts_is_not(shim):
    s = shim()

    def in_haste(pid):
        return bool(os.sched_getscheduler(pid) & os.SCHED_RESET_ON_FORK)

    with s.client() as c:
        c.attach()
        shell = c.ask("list").pid
        assert not in_haste(shell)
        c.type("sleep 1000\r")
        wait_until(lambda: in_haste(shell), "the shell is in haste")
        sleeps = wait_until(lambda: leaks.children(shell), "sleep runs")[0]
        assert not in_haste(sleeps)
        c.type("x")
        wait_until(lambda: in_haste(sleeps), "sleep, which was typed to, is in haste")
