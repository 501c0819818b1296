# SPDX-License-Identifier: Apache-2.0
"""Somebody has taken over web, or auth, and makes system calls of his own choice there (attacks.py). Nothing of value is reachable, in
two layers: once more with the system call filter off. A LEAK is a failure."""

import json
import os
import secrets
import socket
import stat
import struct
import types

import attacks
import pytest

from harness import shim
from harness.hole import BROKER, EVENT, STATUS, TYPE, HoleServer, Killed, errno_name, message, open_message, token_message

# What only the filter holds: with it off these succeed, and give nothing that is of value by itself.
FILTER_ALONE = {
    "memfd", "memory to execute", "memory made executable", "pkey_mprotect", "personality", "socket", "udp socket", "unix socket",
    "netlink socket", "vsock", "socketpair", "listen", "SO_BINDTODEVICE of the listener", "a socket's owner, for signals", "SIOCSPGRP",
    "interfaces by ioctl", "io_uring_setup", "keyctl", "add_key", "getpid of 32 bits", "getpid of x32", "modify_ldt",
}


# What auth may do in its own folder, which is its root: open, make files, list.
OF_AUTH = {"open /", "open .", "open ..", "make a file", "list the root"}


class Host:
    """What would be of value: files, processes, services."""

    def __init__(self, place):
        self.place = place
        self.canary = place.folder / "canary"
        self.canary.write_text(secrets.token_hex(16))
        self.canary.chmod(0o644)
        self.service = socket.create_server(("127.0.0.1", 0))
        self.stranger = place.start(["sleep", "1000"])

    def table(self, web, run):
        """The attacks; what they name changes when a role was killed."""
        run()
        roles = web.roles()
        return attacks.all_of(types.SimpleNamespace(
            memory=web.memory, broker=roles["broker"], auth=roles["auth"], web=roles["web"], stranger=self.stranger.pid,
            database=str(self.place.root / "auth" / "minidocker.db"), sockets=str(self.place.state / "workspaces"),
            canary=str(self.canary), port=self.service.getsockname()[1], shm=1))

    def was_reached(self):
        self.service.setblocking(False)
        try:
            self.service.accept()[0].close()
            return True
        except BlockingIOError:
            return False


@pytest.fixture
def host(place):
    h = Host(place)
    yield h
    h.service.close()


def verdicts(web, host, run, skip=()):
    """{technique: "BLOCKED errno", "KILLED" or "LEAK result"}."""
    found = {}
    table = host.table(web, run)
    for name in list(table):
        if name in skip:
            continue
        try:
            last = run(*table[name])[-1]
            found[name] = f"LEAK {last}" if last >= 0 else f"BLOCKED {errno_name(last)}"
        except Killed:
            found[name] = "KILLED"
            table = host.table(web, run)
        except AssertionError as e:
            raise AssertionError(f"{name}: {e}") from None
        if host.was_reached():
            found[name] = "LEAK: the service of the host was reached"
    for name, verdict in found.items():
        print(f"{verdict:20} {name}")
    return found


def of_kind(found, kind):
    return {name: v for name, v in found.items() if v.startswith(kind)}


def test_who_has_web_has_nothing_else(place, host):
    web = HoleServer(place).start()
    found = verdicts(web, host, web.web)
    assert not of_kind(found, "LEAK")
    killed = of_kind(found, "KILLED")
    assert len(killed) > 50
    assert web.said().count("web ended with 159") == len(killed), "by the filter (128 + SIGSYS) and by nothing else"


# Would end the role in another way than by the filter: they are for the first layer only.
NOT_WITHOUT_FILTER = {"connect by fast open of the listener", "connect by fast open in sendmsg"}


def test_with_the_filter_off_web_still_reaches_nothing(place, host):
    web = HoleServer(place, filtered=False).start()
    found = verdicts(web, host, web.web, skip=NOT_WITHOUT_FILTER)
    assert not set(of_kind(found, "LEAK")) - FILTER_ALONE
    assert "web ended" not in web.said()


def test_the_descriptors_of_web_are_no_files(place, host):
    """What it has open is all that it can use: sockets, the loop's objects, and the log for writing."""
    web = HoleServer(place).start()
    log = web.log.stat()
    for fd in range(64):
        size = 144
        result, found = web.web(["call", "fstat", fd, "@0"], ["peek", 0, size])
        if result != 0:
            continue
        st_dev, st_ino = struct.unpack_from("=QQ", bytes.fromhex(found))
        mode = struct.unpack_from("=I", bytes.fromhex(found), 24)[0]
        if os.uname().machine != "x86_64":
            mode = struct.unpack_from("=I", bytes.fromhex(found), 16)[0]
        if stat.S_ISREG(mode):
            assert (st_dev, st_ino) == (log.st_dev, log.st_ino), fd
        assert not stat.S_ISDIR(mode) and not stat.S_ISBLK(mode), fd


def secret_of(session):
    return bytes.fromhex(session.cookie.split("=")[1])


def status_of(reply):
    number = struct.unpack_from("=I", reply, 8)[0]
    return next(name for name, value in STATUS.items() if value == number)


def test_the_broker_opens_nothing_without_the_secret_of_a_session(place):
    place.need_images("default")
    web = HoleServer(place).start()
    alice, bob = web.login("alice"), web.login("bob")
    reply, with_socket = web.ask(BROKER, open_message(secret_of(alice)))
    assert (status_of(reply), reply[12:52].rstrip(b"\0"), with_socket) == ("OK", b"alice", True), "the hole speaks the protocol"
    link = alice.request("POST", "/api/v1/links", {"seconds": 60}).json["link"]
    ended = secret_of(bob)
    assert bob.request("POST", "/api/v1/logout", {}).status == 200
    tries = {"nothing": bytes(32), "all ones": b"\xff" * 32, "an ended session": ended, "a link as a session": bytes.fromhex(link),
             "a name": b"bob".ljust(32, b"\0"), "nearly": bytes([secret_of(alice)[0] ^ 1]) + secret_of(alice)[1:]}
    tries |= {f"random {i}": secrets.token_bytes(32) for i in range(10)}
    for name, token in tries.items():
        for kind, action in (("OPEN", 0), ("WORKSPACE", 0), ("WORKSPACE", 1), ("WORKSPACE", 2), ("WALL", 0)):
            reply, with_socket = web.ask(BROKER, open_message(token, kind=kind, action=action))
            assert (status_of(reply), with_socket) == ("DENIED", False), name
            reply, with_socket = web.ask(BROKER, open_message(secret_of(alice), is_link=1, kind=kind, action=action))
            assert (status_of(reply), with_socket) == ("DENIED", False), "a session as a link"
    for action in range(3):
        reply, _ = web.ask(BROKER, open_message(bytes.fromhex(link), is_link=1, kind="WORKSPACE", action=action))
        assert status_of(reply) == "FORBIDDEN", "a link shows a terminal, no more"
    reply, with_socket = web.ask(BROKER, open_message(secret_of(alice), kind="WALL"))
    assert (status_of(reply), with_socket) == ("FORBIDDEN", False), "the wall is an admin's"
    for of in ("bob", "admin", "../bob", "bob/../alice"):
        for kind, actions in (("OPEN", [0]), ("RECORDING", [0, 1, 2])):
            for action in actions:
                reply, with_socket = web.ask(BROKER, open_message(secret_of(alice), kind=kind, action=action, of=of, item="x"))
                assert status_of(reply) != "OK" and not with_socket, f"{kind} of {of}"
    assert [w["owner"] for w in map(json.loads, place.mdocker("ps", "-a", "--format", "json").ok().out.splitlines())] == ["alice"]


def test_who_may_only_look_types_nothing_whatever_web_sends(place):
    """What a connection to the shim is good for is fixed before web gets it."""
    place.need_images("default")
    web = HoleServer(place).start()
    alice, admin = web.login("alice"), web.login("admin")
    shell = alice.shell(subprotocol="mdocker.v1")
    terminal = int(shell.expect_message("hello")["terminal"].strip("t"))
    watch = bytes.fromhex(alice.request("POST", "/api/v1/links", {"seconds": 60}).json["link"])
    control = bytes.fromhex(alice.request("POST", "/api/v1/links", {"seconds": 60, "can_type": True}).json["link"])

    def answer(fd, serial, name, **fields):
        packet, _ = web.exchange(fd, shim.encode(name, serial, **fields))
        while (m := shim.decode(packet)).serial != serial:
            packet, _ = web.exchange(fd)
        return m

    for may, request in ((False, open_message(watch, is_link=1)), (False, open_message(secret_of(admin), look=1, of="alice")),
                         (True, open_message(control, is_link=1)), (True, open_message(secret_of(admin), of="alice"))):
        reply, fd = web.exchange(BROKER, request)
        assert status_of(reply) == "OK" and fd is not None
        attached = answer(fd, 2, "attach", terminal=terminal, rows=24, cols=80, tail=["web"], **{"from": shim.NONE})
        assert attached.name == "attached" and bool(attached.fields["flags"] & shim.ATTACHED_READ_ONLY) != may, attached
        refusal = answer(fd, 3, "close", terminal=99)
        assert (refusal.name, refusal.code == 1) == ("error", not may), refusal
        web.exchange(fd, shim.encode("input", 4, b"touch /root/typed\r"))
        web.web(["call", "close", fd])
        assert shell.ask("ls /root/typed >/dev/null 2>&1 && rm /root/typed && echo typed || echo not").strip().endswith("typed" if may else "not")


def test_the_broker_takes_from_web_what_web_may_ask_and_nothing_else(place):
    web = HoleServer(place).start()
    session = message("SESSION", 0, 1, bytes(8), 0, bytes(32), ("admin", 40), b"\0\1\0\0", 0, bytes(8))
    ready = message("READY", 0, ("", 256), ("root", 40), ("password", 40))
    web.web(["poke", 0, message("ALIVE").hex()], ["call", "sendto", BROKER, "@0", 8, 0x4000, 0, 0])  # which means nothing
    wrong = {f"type {t}": struct.pack("=HHI", 1, t, 1) for t in range(TYPE["TYPE_COUNT"] + 2) if t != TYPE["ALIVE"]}
    wrong |= {"forged session": session, "a second start": ready, "long": open_message(bytes(32)) + b"x", "short": b"x",
              "another version": struct.pack("=HHI", 2, TYPE["OPEN"], 1) + open_message(bytes(32))[8:],
              "an endless string": open_message(bytes(32))[:-40] + b"x" * 40, "an action of none": open_message(bytes(32), action=99)}
    for name, packet in wrong.items():
        before = web.roles()
        with pytest.raises(Killed):
            reply, _ = web.ask(BROKER, packet)
            web.wait_for_another("web", before["web"])
            raise Killed
        after = web.roles()
        assert (after["broker"], after["auth"]) == (before["broker"], before["auth"]), name
    assert "root" not in web.said()
    assert web.login("alice").request("GET", "/api/v1/me").status == 200


def test_auth_gives_web_nothing_that_the_session_may_not(place):
    web = HoleServer(place).start()
    alice = web.login("alice")
    token = secret_of(alice)
    auth = web.auth_fd()
    assert status_of(web.ask(auth, token_message("CHECK", token))[0]) == "OK"
    assert status_of(web.ask(auth, token_message("CHECK", secrets.token_bytes(32)))[0]) == "DENIED"
    assert status_of(web.ask(auth, token_message("USERS", token))[0]) == "FORBIDDEN"
    assert status_of(web.ask(auth, token_message("USERS", secrets.token_bytes(32)))[0]) == "DENIED"

    def change(action, name, role):
        return message("USER_CHANGE", token, action, b"\1\1\1\0", role, (name, 40), ("a long password", 264), ("10.0.0.1", 48))

    for action, name in ((0, "eve"), (1, "alice"), (1, "admin"), (2, "bob")):
        assert status_of(web.ask(auth, change(action, name, 1))[0]) == "FORBIDDEN", (action, name)
    assert web.request("POST", "/api/v1/login", {"username": "admin", "password": "admin"}).status == 200
    assert alice.request("GET", "/api/v1/me").json["role"] == "user"
    before = (place.root / "auth" / "audit.log").read_text()
    web.web(["poke", 0, message("AUDIT", EVENT["EVENT_SERVER"], 0, ("admin", 40), ("", 48), ("stopped", 256)).hex()],
            ["call", "sendto", auth, "@0", 8 + 8 + 40 + 48 + 256, 0x4000, 0, 0])
    assert web.login("bob").request("GET", "/api/v1/me").status == 200, "auth has taken it by now"
    assert '"stopped"' not in (place.root / "auth" / "audit.log").read_text()[len(before):], "the broker's acts only the broker reports"


def test_who_has_auth_has_its_database_only(place, host):
    web = HoleServer(place).start()
    found = verdicts(web, host, web.auth)
    assert set(of_kind(found, "LEAK")) == OF_AUTH
    killed = of_kind(found, "KILLED")
    assert web.said().count("auth ended with 159") == len(killed) > 50
    assert web.login("alice").request("GET", "/api/v1/me").status == 200
