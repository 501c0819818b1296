# SPDX-License-Identifier: Apache-2.0
"""What a hostile or broken client may send to shim.sock: its connection ends with a reason, and nothing else notices."""

import random
import resource
import subprocess

import pytest

from harness.shim import *  # noqa: F403

BAD_FIRST = {
    "empty of everything": b"\0",
    "half a header": b"\1\0\0",
    "garbage": os.urandom(100),
    "not HELLO first": encode("list", 1),
    "a wrong magic": encode("hello", 1, magic=1, version=1, tail=["x"]),
    "version 0": encode("hello", 1, magic=MAGIC, version=0, tail=["x"]),
    "a fixed part past the end": struct.pack("<HHI", 1, 200, 1) + b"x" * 10,
    "too large": encode("hello", 1, magic=MAGIC, version=1, tail=b"x" * 67000 + b"\0"),
}
BAD_LATER = {
    "a string without its end": encode("rename", 1, terminal=1, tail=b"x"),
    "short": struct.pack("<HHI", 2, 4, 1) + b"\0" * 4,
    "a tail where none belongs": encode("ping", 1, cookie=1, tail=b"xx"),
    "argc without arguments": encode("new_terminal", 1, flags=1, argc=5000, tail=["", "", ""]),
    "a message of the shim": encode("done", 1),
    "an oversized input": encode("input", 1, tail=b"x" * 66000),
}


@pytest.fixture
def busy(shim):
    """A shim with a client that must not notice anything."""
    s = shim()
    with s.shell() as c:
        yield s
        c.type("echo st''ill\r")
        c.expect("still\r\n")


def ends_with_error(c):
    while (m := c.receive()) is not None:
        last = m
    assert last.name == "error" and last.strings[0], last
    return last


def test_a_bad_beginning_ends_that_connection_alone(busy):
    for why, packet in BAD_FIRST.items():
        with busy.client(hello=False) as c:
            c.socket.send(packet)
            assert ends_with_error(c).code in (71, 74, 90), why  # EPROTO, EBADMSG, EMSGSIZE


def test_a_bad_message_later_ends_that_connection_alone(busy):
    for why, packet in BAD_LATER.items():
        with busy.client() as c:
            c.socket.send(packet)
            assert ends_with_error(c).code in (71, 74, 90), why


def test_an_unknown_type_is_answered_and_the_connection_stays(busy):
    with busy.client() as c:
        c.socket.send(struct.pack("<HHI", 50, 4, 77) + b"abcdsome tail")
        assert c.wait("error", serial=77).code == 38  # ENOSYS
        assert c.ask("ping", cookie=5).cookie == 5


def test_a_message_with_more_fields_is_taken(busy):
    with busy.client() as c:
        c.socket.send(struct.pack("<HHIQQ", 6, 16, 9, 1234, 99))
        assert c.wait("pong", serial=9).cookie == 1234


def test_descriptors_where_none_belong_end_the_connection_and_are_closed(busy):
    def count():
        return len(os.listdir(f"/proc/{busy.pid}/fd"))

    before = count()
    for _ in range(20):
        with busy.client() as c, open("/dev/null") as f:
            c.send("ping", fds=[f.fileno()] * 3, cookie=1)
            assert ends_with_error(c).code == 71
    wait_until(lambda: count() <= before, "no descriptor is left over")  # some of its beginning may have been open still


def test_a_users_connection_can_not_do_an_admins_things(busy):
    with busy.client(flags=HELLO_USER) as c:
        assert c.hello.fields["flags"] == HELLO_USER
        assert c.ask("stop", tail=["me"]).code == 1
        assert c.ask("signal", terminal=0, signo=9).code == 1
        assert c.new("/bin/sh").code == 1
        assert c.new(env=["A=b"]).code == 1
        assert c.new(user="0").code == 1
        assert c.new(flags=NEW_TTY | NEW_MAIN).code == 1
        assert c.ask("hello", magic=MAGIC, flags=0, tail=["other"]).fields["flags"] == HELLO_USER
        assert c.ask("stop", tail=["me"]).code == 1
        assert c.new().name == "created"


def test_a_lookers_connection_can_only_look(busy):
    with busy.client(flags=HELLO_READ_ONLY) as c:
        assert c.attach(flags=0).fields["flags"] & ATTACHED_READ_ONLY
        for name, fields in (("input", {}), ("close", {"terminal": 1}), ("rename", {"terminal": 1, "tail": ["x"]}),
                             ("signal", {"terminal": 1, "signo": 9}), ("stop", {"tail": [""]})):
            assert c.ask(name, **fields).code == 1, name
        assert c.new().code == 1


def test_who_is_not_root_is_refused(busy):
    busy.folder.chmod(0o711)
    os.chmod(busy.socket, 0o666)
    script = ("import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); "
              "s.settimeout(20); sys.exit(0 if s.recv(100) == b'' else 1)")
    p = subprocess.run(["setpriv", "--reuid", "4321", "--regid", "4321", "--clear-groups", "/usr/bin/python3", "-c",
                        script, str(busy.socket)], timeout=DEADLINE)
    assert p.returncode == 0


def cpu_ticks(pid):
    return sum(int(n) for n in leaks.read(f"/proc/{pid}/stat").split()[13:15])


def test_without_descriptors_connections_are_refused_and_the_rest_goes_on(shim):
    s = shim(start=False)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert s.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, hard)))["stage"] == "ready"
    holder = s.holder()
    clients = []
    try:
        refused = 0
        while refused < 3:
            assert len(clients) < 60
            c = Client(s.socket, hello=False)
            clients.append(c)
            try:
                c.send("hello", magic=MAGIC, tail=["x"])
                refused += c.receive() is None
            except BrokenPipeError:
                refused += 1
        assert clients[0].ask("status").name == "state"
        assert clients[0].new().name == "error"
        before = cpu_ticks(holder)
        time.sleep(0.5)
        assert cpu_ticks(holder) <= before + 1, "it spins"
    finally:
        for c in clients:
            c.close()


def test_who_says_nothing_is_sent_away(busy):
    with busy.client(hello=False) as c:
        m = c.receive(timeout=20)
        assert m.name == "error" and m.code == 110
        assert c.receive() is None


def test_who_does_not_read_the_answers_is_cut_off(busy):
    with busy.client() as c:
        c.socket.setblocking(False)
        end = time.monotonic() + 20
        try:
            while time.monotonic() < end:
                try:
                    c.serial += 1
                    c.socket.send(encode("status", c.serial))
                except BlockingIOError:
                    time.sleep(0.001)
        except (BrokenPipeError, ConnectionResetError):
            return
        raise AssertionError("it was let fill the shim's memory")


def test_a_thousand_random_messages_harm_nobody(busy):
    rng = random.Random(1)
    kinds = [n for n in MESSAGES if MESSAGES[n][0] < 65 and n not in ("hello", "stop")]
    for _ in range(40):
        with busy.client(flags=HELLO_USER) as c:
            try:
                for _ in range(25):
                    name = rng.choice(kinds)
                    names = MESSAGES[name][2].split()
                    fields = {n: rng.choice((0, 1, 2, 5, 255, 40, 65535)) for n in names}
                    if name in ("signal", "close", "rename"):
                        fields["terminal"] = 60
                    if name == "attach":
                        fields["flags"] &= ~ATTACH_CREATE
                        fields["flags"] |= ATTACH_READ_ONLY
                        fields["life"] = 0
                    tail = rng.choice((b"", b"\0", b"a\0b\0c\0", os.urandom(50)))
                    c.socket.send(encode(name, 5, tail, **fields))
            except (BrokenPipeError, ConnectionResetError):
                pass
    with busy.client() as c:
        assert c.ask("status").name == "state"
