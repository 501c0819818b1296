# SPDX-License-Identifier: Apache-2.0
"""The socket pairs between broker, auth and web, and between the two halves of a shim: who says what the other must not hear loses the
connection, with a reason in the log, and is started anew; who is slow is waited for; nobody else notices. tests/security has what a
web or an auth that was taken over can ask for in proper messages."""

import os
import re
import signal
import struct
import time

import pytest

from harness import REPOSITORY, stolen
from harness.hole import EVENT, STATUS, TYPE, message, open_message, token_message
from harness.process import wait_until
from harness.shim import *  # noqa: F403
from harness.web import web  # noqa: F401

BAD = {
    "empty": b"",
    "malformed": open_message(bytes(32))[:-40] + b"x" * 40,  # a string without its end
    "oversized": b"\1\0" + bytes([TYPE["OPEN"], 0]) + b"x" * 100_000,
    "out of order": message("READY", 0, ("", 256), ("root", 40), ("password", 40)),  # is said once, at the start
}


def cut_off(web, session, sender, receiver, kinds, ends):
    """Sends each kind in the name of `sender`: with a reason in the log the role `ends` is started anew, and no other."""
    for kind in kinds:
        before, said = web.roles(), len(web.said())
        shell = session.shell()
        with stolen.end_of(before[sender], before[receiver]) as s:
            s.send(BAD[kind])
        wait_until(lambda: f"{sender}: a message" in web.said()[said:] or f"{sender}: receive" in web.said()[said:] or
                   f"{sender} sent a message" in web.said()[said:], f"{kind}: a reason in the log")
        wait_until(lambda: len(web.roles()) == 3 and web.roles() != before, f"{kind}: another process")
        wait_until(lambda: web.answers() and session.request("GET", "/api/v1/me").status == 200, f"{kind}: all is well again")
        after = web.roles()
        assert {role for role in before if after[role] != before[role]} == {ends}, kind
        if ends == "web":
            shell.expect_closed()
            shell = session.shell()
        assert shell.ask("echo $marker") == "in-memory\n", kind
        shell.close()


def test_who_breaks_the_protocol_with_the_broker_is_ended_with_a_reason(web):
    session = web.login("alice")
    session.shell().ask("marker=in-memory")
    cut_off(web, session, "auth", "broker", BAD, ends="auth")
    cut_off(web, session, "web", "broker", ["empty"], ends="web")  # tests/security has the others


def test_who_breaks_the_protocol_between_web_and_auth_is_cut_off_with_a_reason(web):
    session = web.login("alice")
    session.shell().ask("marker=in-memory")
    cut_off(web, session, "web", "auth", BAD, ends="web")
    cut_off(web, session, "auth", "web", ["malformed", "out of order"], ends="web")


def test_who_is_slow_is_waited_for(web):
    session = web.login("alice")
    shell = session.shell()
    roles = web.roles()
    for role in ("broker", "auth", "web"):
        os.kill(roles[role], signal.SIGSTOP)
        try:
            if role != "web":
                assert shell.ask("echo $((6*7))") == "42\n", "the terminals don't need it"
            if role == "auth":
                assert web.request("POST", "/api/v1/logout", {}, cookie=session.cookie).status == 503, "not now, in words"
            assert '"alice"' in web.place.mdocker("ps", "--format", "json").ok().out
        finally:
            os.kill(roles[role], signal.SIGCONT)
        wait_until(lambda: session.request("GET", "/api/v1/me").status == 200, "it answers")
        assert shell.ask("echo $((6*7))") == "42\n"
        assert session.shell().ask("echo $((6*7))") == "42\n"
    assert web.roles() == roles and "ended with" not in web.said()


MAX_REQUESTS = int(re.search(r"BROKER_MAX_REQUESTS = (\d+)", (REPOSITORY / "src" / "server" / "broker.h").read_text())[1])


def opens(s, count):
    """Asks for the workspaces of sessions that don't exist, `count` times."""
    for _ in range(count):
        s.send(open_message(bytes(32)))


def answers(s, count):
    """The statuses of the next `count` answers to OPEN."""
    s.settimeout(DEADLINE)
    packets = [s.recv(65536) for _ in range(count)]
    assert {struct.unpack_from("=2xH", p)[0] for p in packets} == {TYPE["OPENED"]}
    return [struct.unpack_from("=8xI", p)[0] for p in packets]


def test_a_web_that_asks_for_more_than_the_broker_remembers_is_told_so_and_all_else_goes_on(web):
    session = web.login("alice")
    shell = session.shell()
    shell.ask("marker=in-memory")
    roles = web.roles()
    os.kill(roles["web"], signal.SIGSTOP)  # the answers are for us
    os.kill(roles["auth"], signal.SIGSTOP)  # what is asked stays open
    try:
        with stolen.end_of(roles["web"], roles["broker"]) as s:
            opens(s, MAX_REQUESTS + 50)
            assert answers(s, 50) == [STATUS["BUSY"]] * 50, "refused at once, while the others wait"
            os.kill(roles["auth"], signal.SIGCONT)
            assert answers(s, MAX_REQUESTS) == [STATUS["DENIED"]] * MAX_REQUESTS
            opens(s, 1)
            assert answers(s, 1) == [STATUS["DENIED"]], "there is room again"
    finally:
        os.kill(roles["auth"], signal.SIGCONT)
        os.kill(roles["web"], signal.SIGCONT)
    assert shell.ask("echo $marker") == "in-memory\n"
    assert session.shell().ask("echo $marker") == "in-memory\n", "a new connection to the same terminal"
    assert web.roles() == roles


def test_what_a_web_had_asked_for_is_forgotten_with_it(web):
    session = web.login("alice")
    session.shell().ask("marker=in-memory")
    roles = web.roles()
    os.kill(roles["auth"], signal.SIGSTOP)
    try:
        os.kill(roles["web"], signal.SIGSTOP)
        with stolen.end_of(roles["web"], roles["broker"]) as s:
            opens(s, MAX_REQUESTS + 1)
            assert answers(s, 1) == [STATUS["BUSY"]]
        os.kill(roles["web"], signal.SIGKILL)
        wait_until(lambda: web.roles().get("web") not in (None, roles["web"]) and web.answers(), "another web")
        now = web.roles()
        os.kill(now["web"], signal.SIGSTOP)
        with stolen.end_of(now["web"], now["broker"]) as s:
            opens(s, MAX_REQUESTS + 1)
            assert answers(s, 1) == [STATUS["BUSY"]], "the whole room is the new one's"
            os.kill(roles["auth"], signal.SIGCONT)
            assert answers(s, MAX_REQUESTS) == [STATUS["DENIED"]] * MAX_REQUESTS
        os.kill(now["web"], signal.SIGCONT)
    finally:
        os.kill(roles["auth"], signal.SIGCONT)
    assert session.shell().ask("echo $marker") == "in-memory\n"
    assert web.roles() == now


def test_what_many_report_at_once_goes_to_the_disk_in_one_go(web):
    """And is there although nobody waits for an answer."""
    session = web.login("alice")
    roles, log = web.roles(), web.place.root / "auth" / "audit.log"
    count, trace = 200, web.place.folder / "trace"
    before = log.read_text().count("\n")
    tracer = web.place.start(["strace", "-f", "-qq", "-o", trace, "-e", "trace=fdatasync", "-p", roles["auth"]])
    wait_until(lambda: all(f"TracerPid:\t{tracer.pid}" in open(f"/proc/{roles['auth']}/task/{t}/status").read()
                           for t in os.listdir(f"/proc/{roles['auth']}/task")), "it is traced")
    os.kill(roles["web"], signal.SIGSTOP)
    try:
        with stolen.end_of(roles["web"], roles["auth"]) as s:
            os.kill(roles["auth"], signal.SIGSTOP)
            for _ in range(count):
                s.send(message("AUDIT", EVENT["EVENT_ATTACH"], 0, ("alice", 40), ("10.0.0.1", 48), ("", 256)))
            s.send(token_message("CHECK", bytes(32)))
            began = time.monotonic()
            os.kill(roles["auth"], signal.SIGCONT)
            s.settimeout(DEADLINE)
            assert struct.unpack_from("=2xH", s.recv(65536))[0] == TYPE["SESSION"]
            print(f"the answer behind {count} lines: {(time.monotonic() - began) * 1000:.0f} ms")
    finally:
        os.kill(roles["auth"], signal.SIGCONT)
        os.kill(roles["web"], signal.SIGCONT)
    wait_until(lambda: int((log.parent / "audit.head").read_text().split()[0]) >= before + count, "the head names the last line")
    tracer.terminate()
    tracer.wait(DEADLINE)
    assert 2 <= trace.read_text().count("fdatasync(") < count / 10, "a few turns of auth, each with its own"
    web.place.mdocker("audit", "verify").ok()
    assert session.request("GET", "/api/v1/me").status == 200


@pytest.mark.parametrize("packet", [b"x", b"\xff" * 400, b"\2" * 100_000], ids=["short", "malformed", "oversized"])
def test_a_holder_that_asks_for_nonsense_ends_with_its_workspace_alone(shim, packet):
    bad, good = shim(), shim()
    with good.client() as c:
        c.attach()
        c.expect("$ ")
        with stolen.end_of(bad.holder(), bad.pid) as s:
            s.send(packet)
        bad.wait_gone()
        assert "asks for nonsense" in bad.log_text() and not bad.socket.exists()
        c.type("echo st''ill\r")
        c.expect("still\r\n")
