# SPDX-License-Identifier: Apache-2.0
"""Recordings of mdocker-shim: on request and required, who may end one, limits, what a recording begins with."""

import fcntl
import json

from harness.process import wait_until
from harness.shim import *  # noqa: F403


def casts(folder):
    return sorted(folder.glob("*.cast"))


def events(cast):
    return [json.loads(line) for line in cast.read_text().splitlines()][1:]


def shown(cast):
    return "".join(e[2] for e in events(cast) if e[1] == "o")


def is_live(cast):
    with open(cast) as f:
        try:
            fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_a_user_records_on_request_and_every_client_is_told(shim, tmp_path):
    s = shim(options=["--record-dir", tmp_path / "made"])
    with s.client(flags=HELLO_USER) as c, s.client(flags=HELLO_READ_ONLY) as onlooker:
        assert not c.attach().flags & ATTACHED_RECORDED
        c.expect("$ ")
        onlooker.attach(flags=ATTACH_READ_ONLY)
        c.type("echo be''fore\r")
        c.expect("before\r\n")
        assert onlooker.ask("record", terminal=1, on=1).code == 1
        assert c.ask("record", terminal=1, on=1).name == "done"
        for client in (c, onlooker):
            notice = client.wait("notice")
            assert (notice.kind, notice.on, notice.strings) == (NOTICE_RECORDING, 1, ["this terminal is recorded"])
        with s.client(flags=HELLO_READ_ONLY) as late:
            assert late.attach(flags=ATTACH_READ_ONLY).flags & ATTACHED_RECORDED
        c.type("echo un''typed\r")
        c.expect("untyped\r\n")
        (cast,) = casts(tmp_path / "made")
        wait_until(lambda: "untyped" in shown(cast), "what was shown is written within a moment")
        assert is_live(cast)
        assert c.ask("record", terminal=1, on=0).name == "done"
        assert [client.wait("notice").on for client in (c, onlooker)] == [0, 0]
    assert not is_live(cast)
    assert "before" in shown(cast), "a recording begins with what is on the screen"


def test_what_is_typed_and_not_shown_is_not_recorded(shim, tmp_path):
    s = shim(options=["--record-dir", tmp_path, "--record"])
    with s.shell() as c:
        c.type("stty -echo; echo rea''dy; read word; stty echo; echo len ${#word}\r")
        c.expect("ready\r\n")
        c.type("hunter2\r")
        c.expect("len 7\r\n")
        c.type("exit\r")
        c.wait("exit")
    (cast,) = casts(tmp_path)
    assert "len 7" in shown(cast) and "hunter2" not in cast.read_text()
    assert "$ " in shown(cast)[:200], "a required recording has the first prompt"


def test_a_required_recording_is_ended_by_no_user(shim, tmp_path):
    s = shim(options=["--record-dir", tmp_path, "--record"])
    with s.client(flags=HELLO_USER) as c:
        c.attach()
        c.expect("$ ")
        if not c.wait("terminal", "notice").fields.get("on"):
            wait_until(lambda: casts(tmp_path), "the recording has begun")
        answer = c.ask("record", terminal=1, on=0)
        assert (answer.name, answer.code) == ("error", 1)
        assert "always recorded" in answer.strings[0]
        assert is_live(casts(tmp_path)[0])


def test_without_a_folder_nothing_can_be_recorded(shim):
    s = shim()
    with s.client(flags=HELLO_USER) as c, s.client(flags=HELLO_USER) as other:
        c.attach()
        assert other.new().terminal == 2
        for _ in range(2):
            answer = other.ask("record", terminal=2, on=1)
            assert (answer.name, answer.code) == ("error", 1)
        c.expect("$ ")


def test_at_its_size_limit_a_recording_ends_and_the_clients_are_told(shim, tmp_path):
    s = shim(options=["--record-dir", tmp_path, "--record-size", "100k"])
    with s.shell() as c:
        assert c.ask("record", terminal=1, on=1).name == "done"
        assert c.wait("notice").on == 1
        c.type("seq 1 100000; echo rea''dy\r")
        c.expect("ready\r\n")
        ended = c.wait("notice")
        assert (ended.on, ended.strings) == (0, ["the recording has ended: it reached its size limit"])
        (cast,) = casts(tmp_path)
        assert not is_live(cast) and cast.stat().st_size < 110000
        assert c.ask("record", terminal=1, on=1).name == "done", "and another can be begun"
        assert c.wait("notice").on == 1
        assert len(casts(tmp_path)) == 2


def test_a_required_one_that_is_full_goes_on_in_a_new_file(shim, tmp_path):
    s = shim(options=["--record-dir", tmp_path, "--record", "--record-size", "100k", "--record-again", "1"])
    with s.client(flags=HELLO_USER) as c:
        c.attach()
        c.expect("$ ")
        wait_until(lambda: casts(tmp_path), "the first has begun")
        c.type("seq 1 20000; echo rea''dy\r")  # more than one, less than two, however long it takes
        c.expect("ready\r\n")
        while c.wait("notice").on:
            pass
        assert c.wait("notice").on == 1, "and it begins again"
        c.type("echo in the sec''ond\r")
        c.expect("in the second\r\n")
        c.type("exit\r")
        c.wait("exit")
    first, second = sorted(casts(tmp_path), key=lambda p: p.stat().st_mtime_ns)
    assert "in the second" in shown(second) and "ready" in shown(second), "it begins with the screen"
    assert "in the second" not in shown(first)


def test_a_required_one_that_can_not_begin_is_tried_again(shim, tmp_path):
    folder = tmp_path / "recordings"
    folder.write_text("in the way")
    s = shim(options=["--record-dir", folder, "--record", "--record-again", "1"])
    with s.client(flags=HELLO_USER) as c:
        assert not c.attach().flags & ATTACHED_RECORDED
        c.expect("$ ")
        wait_until(lambda: "is not recorded" in s.log_text(), "the log says so")
        folder.unlink()
        assert c.wait("notice").on == 1
    assert len(casts(folder)) == 1


def test_the_oldest_go_when_all_are_too_much(shim, tmp_path):
    for day in ("01", "02", "03"):
        (tmp_path / f"202601{day}T000000Z-t1.cast").write_bytes(b"x" * 40960)
    (tmp_path / "notes").write_text("not ours")
    s = shim(options=["--record-dir", tmp_path, "--record-size", "64k", "--record-total", "128k", "--record-days", "0"])
    with s.shell() as c:
        assert c.ask("record", terminal=1, on=1).name == "done"
        old = [p.name for p in casts(tmp_path) if p.name.startswith("202601")]
        assert old == ["20260103T000000Z-t1.cast"], "with room for the new one"
        assert (tmp_path / "notes").exists()


def test_an_admin_on_a_terminal_is_marked_for_everybody(shim):
    s = shim()
    with s.client(flags=HELLO_USER, label="alice") as c:
        c.attach()
        c.wait("presence")
        with s.client(flags=HELLO_USER | HELLO_ADMIN | HELLO_READ_ONLY, label="root") as admin:
            admin.attach(flags=ATTACH_READ_ONLY)
            assert admin.wait("presence").strings == ["walice", "Lroot"]
            assert c.wait("presence").strings == ["Walice", "lroot"]
        assert c.wait("presence").strings == ["Walice"]
        with s.client(flags=HELLO_USER | HELLO_ADMIN, label="root") as admin:
            admin.attach(flags=0)
            assert c.wait("presence").strings == ["Walice", "croot"]
