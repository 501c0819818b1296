# SPDX-License-Identifier: Apache-2.0
"""Terminals of mdocker-shim: attaching, coming back, several clients, sizes, the list."""

import os
import signal

from harness.shim import *  # noqa: F403


def test_a_shell_is_there_at_the_first_attach_and_answers(shim):
    s = shim()
    with s.client() as c:
        a = c.attach(rows=30, cols=100)
        assert a.name == "attached" and a.flags & ATTACHED_CREATED and (a.rows, a.cols) == (30, 100)
        c.expect("$ ")
        c.type("tty; stty size; echo $TERM\r")
        c.expect("/dev/pts/0\r\n30 100\r\nxterm-256color\r\n")


def test_a_second_attach_is_the_same_shell_with_its_output(shim):
    s = shim()
    with s.shell() as c:
        c.type("x=same\r")
        c.expect("$ ")
        before = c.offset
    with s.client() as c:
        a = c.attach()
        assert a.terminal == 1 and a.flags & ATTACHED_SNAPSHOT and not a.flags & ATTACHED_CREATED
        assert a.offset == before
        c.type("echo $x\r")
        c.expect("same\r\n")


def test_resume_sends_exactly_what_was_missed(shim):
    s = shim()
    with s.shell() as c:
        cut = c.offset
        c.type("for i in 1 2 3; do echo line-$i; done\r")
        c.expect("line-3\r\n$ ")
        whole, end = c.output, c.offset
    with s.client() as c:
        a = c.attach(start=cut, flags=0)
        assert a.flags & ATTACHED_RESUMED and a.offset == cut
        c.expect("line-3\r\n$ ")
        assert c.output == whole[len(whole) - (end - cut):] and c.offset == end


def test_resume_beyond_the_ring_or_the_end_is_a_snapshot(shim):
    s = shim(options=["--ring", "64k"])
    with s.shell() as c:
        c.type("seq 1 20000; echo rea''dy\r")
        c.expect("ready\r\n")
        end = c.offset
    for start in (0, end + 1000, 2**64 - 2):
        with s.client() as c:
            assert c.attach(start=start, flags=0).flags & ATTACHED_SNAPSHOT
            c.wait("snapshot")
            assert c.offset >= end


def test_the_one_who_types_sets_the_size_and_all_hear_it(shim):
    s = shim()
    with s.client(label="desk") as a, s.client(label="phone") as b:
        a.attach(rows=40, cols=120)
        a.expect("$ ")
        assert b.attach(rows=20, cols=50).rows == 40
        assert a.wait("presence").strings == ["Wdesk"]
        assert a.wait("presence").strings == ["Wdesk", "wphone"]
        b.type("stty size\r")
        b.expect("20 50\r\n")
        for c in (a, b):
            m = c.wait("size")
            assert (m.rows, m.cols, m.strings) == (20, 50, ["phone"])
        b.close()
        m = a.wait("size")
        assert (m.rows, m.cols, m.strings) == (40, 120, ["desk"])
        assert a.wait("presence").strings == ["Wdesk"]


def test_sizes_stand_in_their_place_among_the_output(shim):
    s = shim()
    with s.client() as c:
        c.attach(rows=24, cols=80)
        c.expect("$ ")
        c.send("resize", rows=10, cols=40)
        at = None
        while at is None:
            m = c.receive()
            if m.name == "size":
                at = c.offset
        c.type("echo one\r")
        c.expect("one\r\n")
        c.send("resize", rows=12, cols=42)
        c.wait("size")
    with s.client() as c:
        a = c.attach(start=0, flags=0)
        assert (a.rows, a.cols) == (24, 80) and a.flags & ATTACHED_RESUMED
        m = None
        while m is None or m.name != "size":
            m = c.receive()
        assert c.offset == at and (m.rows, m.cols) == (10, 40)
        assert c.wait("size").rows == 12


def test_a_size_of_nothing_is_ignored_and_a_huge_one_is_cut(shim):
    s = shim()
    with s.shell() as c:
        c.send("resize", rows=0, cols=80)
        c.send("resize", rows=24, cols=0)
        c.send("resize", rows=65535, cols=65535)
        m = c.wait("size")
        assert (m.rows, m.cols) == (512, 1024)
        c.type("stty size\r")
        c.expect("512 1024\r\n")


def test_of_sizes_that_come_together_the_last_one_counts(shim):
    s = shim()
    with s.shell() as c:
        holder = s.holder()
        os.kill(holder, signal.SIGSTOP)
        for n in range(10):
            c.send("resize", rows=20 + n, cols=60 + n)
        c.type("x")  # for which the size before it holds
        c.send("resize", rows=40, cols=90)
        os.kill(holder, signal.SIGCONT)
        assert [c.wait("size").rows for _ in range(2)] == [29, 40]
        assert c.ask("list").rows == 40


def test_an_onlooker_sees_and_can_not_type(shim):
    s = shim()
    with s.client() as a, s.client(label="teacher") as b:
        a.attach()
        a.expect("$ ")
        assert b.attach(flags=ATTACH_READ_ONLY).flags & ATTACHED_READ_ONLY
        assert b.ask("input", tail=b"exit\r").code == 1  # EPERM
        b.send("resize", rows=5, cols=5)
        a.type("echo see\r")
        b.expect("see\r\n")
        assert a.ask("list").rows == 24


def test_the_list_names_positions_and_its_changes_are_told(shim):
    s = shim()
    with s.client() as c, s.client(flags=HELLO_WATCH) as watcher:
        ids = [c.new("/bin/sh", name=n).terminal for n in ("one", "two", "three")]
        assert ids == [1, 2, 3]
        assert [watcher.wait("terminal").terminal for _ in ids] == ids
        assert c.ask("move", terminal=3, position=0).name == "done"
        assert c.ask("rename", terminal=1, tail=["eins"]).name == "done"
        serial = c.send("list")
        rows = []
        while (m := c.wait("terminal", "done", serial=serial)).name == "terminal":
            rows.append((m.terminal, m.position, m.strings[0]))
        assert rows == [(3, 0, "three"), (1, 1, "eins"), (2, 2, "two")]
        assert c.ask("close", terminal=2).name == "done"
        assert c.ask("wait", terminal=2).reason == EXIT_CLOSED
        while not (m := watcher.wait("terminal")).flags & 2:
            pass
        assert m.terminal == 2


def test_a_new_terminal_opens_in_the_folder_of_another(shim):
    s = shim()
    with s.shell() as c:
        c.type("cd /usr/bin && echo th''ere\r")
        c.expect("there\r\n")
        n = c.new(cwd_from=1).terminal
    with s.client() as c:
        c.attach(n, flags=0, start=0)
        c.expect("$ ")
        c.type("pwd\r")
        c.expect("\r\n/usr/bin\r\n")


def test_a_folder_that_is_gone_gives_the_usual_one(shim):
    s = shim()
    with s.shell() as c:
        c.type("mkdir /tmp/gone; cd /tmp/gone; rmdir /tmp/gone; echo th''ere\r")
        c.expect("there\r\n")
        m = c.new(cwd_from=1)
        assert m.name == "created", m


def test_who_comes_after_the_end_hears_the_rest_and_the_end(shim):
    s = shim()
    with s.shell() as c:
        cut = c.offset
        c.type("echo last words; exit 7\r")
        m = c.wait("exit")
        assert (m.code, m.reason, m.strings) == (7, EXIT_SELF, ["exited with code 7"])
    with s.client() as c:
        a = c.attach(1, flags=0, start=cut)
        assert a.flags & ATTACHED_ENDED
        assert c.wait("exit").code == 7
        assert b"last words\r\n" in c.output
    with s.client() as c:
        assert c.attach(0).terminal == 2  # a fresh shell for who wants one


def test_sixty_four_terminals_and_no_more(shim):
    s = shim(resources={"pids": {"limit": 500}})
    with s.client() as c:
        serials = [c.send("new_terminal", flags=NEW_TTY, argc=2, tail=["", "", "", "/bin/sleep", "1000"])
                   for _ in range(65)]
        answers = [c.wait("created", "error", serial=n, timeout=60) for n in serials]
        assert [a.name for a in answers] == ["created"] * 64 + ["error"]
        assert answers[-1].code == 24  # EMFILE


def test_a_recording_is_an_asciicast_of_what_was_shown(shim, tmp_path):
    s = shim(options=["--record-dir", str(tmp_path)])
    with s.shell() as c:
        assert c.ask("record", terminal=1, on=1).name == "done"
        assert c.wait("notice").kind == NOTICE_RECORDING
        c.type("echo 'gr\u00fc\u00df \U0001f600'\r")
        c.expect("\U0001f600\r\n$ ")
        c.send("resize", rows=10, cols=20)
        c.wait("size")
        assert c.ask("record", terminal=1, on=0).name == "done"
    (cast,) = tmp_path.glob("*-t1.cast")
    lines = [json.loads(x) for x in cast.read_text().splitlines()]
    assert lines[0]["version"] == 2 and (lines[0]["width"], lines[0]["height"]) == (80, 24)
    assert "gr\u00fc\u00df \U0001f600\r\n" in "".join(x[2] for x in lines[1:] if x[1] == "o")
    assert ["r", "20x10"] in [x[1:] for x in lines[1:]]


def test_a_recording_ends_at_its_size(shim, tmp_path):
    s = shim(options=["--record-dir", str(tmp_path), "--record-size", "100k", "--record"])
    with s.shell() as c:
        c.type("seq 1 100000; echo rea''dy\r")
        c.expect("ready\r\n")
    (cast,) = tmp_path.glob("*-t1.cast")
    assert cast.stat().st_size < 110000
    assert "size limit" in cast.read_text().splitlines()[-1]
