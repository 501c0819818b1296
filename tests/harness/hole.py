# SPDX-License-Identifier: Apache-2.0
"""An mdockerd whose roles run the system calls that they are told to: what somebody who took one over could do. The program is
tests/security/hole, built with -Dhole=true."""

import errno
import http.client
import json
import re
import struct

from . import BUILD, REPOSITORY, program
from .process import wait_until
from .web import WebServer

HOLE = BUILD / "tests" / "security" / "hole" / "mdockerd"
BROKER, AUTH_OF_WEB, LISTENER = 3, 4, 5  # src/server/role.h



def catalogue(name):
    """{"OPEN": 21, ...}: an enum of src/wire/broker_wire.h."""
    text = (REPOSITORY / "src" / "wire" / "broker_wire.h").read_text()
    body = re.sub(r"/\*.*?\*/", "", re.search(rf"enum {name} {{(.*?)}};", text, re.DOTALL).group(1), flags=re.DOTALL)
    names = re.findall(r"BW_(\w+)(?: = (\d+))?", body)
    first = int(names[0][1] or 0)
    return {word: first + i for i, (word, _) in enumerate(names)}


VERSION = 1
TYPE, STATUS, EVENT = catalogue("bw_type"), catalogue("bw_status"), catalogue("bw_event")


class Killed(Exception):
    """The call ended the process that made it."""


def message(kind, *fields):
    """A packet of that type: 8 bytes of header, then numbers (32 bits), byte strings (as they are) and (text, size) pairs."""
    packet = struct.pack("=HHI", VERSION, TYPE[kind], 0x7fffffff)
    for f in fields:
        if isinstance(f, tuple):
            packet += f[0].encode().ljust(f[1], b"\0")
        else:
            packet += f if isinstance(f, bytes) else struct.pack("=I", f)
    return packet


def open_message(token, is_link=0, kind="OPEN", action=0, of="", item="", look=0):
    visit = 0
    return message(kind, token, is_link, action, look, bytes(4), struct.pack("=Q", visit), ("10.0.0.1", 48), (of, 40), (item, 40))


def token_message(kind, token):
    return message(kind, token, b"\0\0", ("", 40), b"\0\0")


class HoleServer(WebServer):
    def __init__(self, place, filtered=True):
        assert HOLE.exists(), f"{HOLE} is not built: meson configure {BUILD} -Dhole=true"
        self.executable = str(HOLE)
        self.environment = {} if filtered else {"HOLE_WITHOUT_FILTER": "1"}
        self.to_auth = None
        super().__init__(place, "--mdocker", program("mdocker"))

    def web(self, *steps):
        """Runs a program in web; the results. Killed if that was its end."""
        before = self.roles().get("web")
        try:
            r = self.request("POST", "/api/v1/login", {"hole": steps})
        except (ConnectionError, http.client.HTTPException):
            self.wait_for_another("web", before)
            raise Killed from None
        assert r.status == 200, r.text
        self.memory = r.json["at"]
        return r.json["results"]

    def memory_of_web(self):
        self.web()
        return self.memory

    def wait_for_another(self, role, before):
        wait_until(lambda: self.roles().get(role) not in (None, before), f"another {role}")
        wait_until(self.answers, "it answers")

    def exchange(self, fd, packet=None):
        """web sends a packet (if one is given) and takes the next one from there, before its own loop could: (packet, the descriptor that
        came with it or None). b"": none within 5 s."""
        base = self.memory_of_web()
        header = struct.pack("=QIxxxxQQQQixxxx", 0, 0, base + 256, 1, base + 512, 256, 0)
        send = [] if packet is None else [["poke", 1024, packet.hex()],
                                          ["call", "sendto", fd, "@1024", len(packet), 0x4000, 0, 0]]
        results = self.web(
            *send,
            ["poke", 0, struct.pack("=ihh", fd, 1, 0).hex()],
            ["poke", 128, header.hex()],
            ["poke", 256, struct.pack("=QQ", base + 16384, 32768).hex()],
            ["call", "poll", "@0", 1, 5000],
            ["call", "recvmsg", fd, "@128", 0x40000040],
            ["peek", 16384, 1024],
            ["peek", 128, 56],
            ["peek", 512, 20])
        assert packet is None or results[1] == len(packet), f"send: {results[1]}"
        received, data, header, control = results[len(send) + 4:]
        if received <= 0:
            return b"", None
        if fd == BROKER and struct.unpack_from("=H", bytes.fromhex(data), 2)[0] == TYPE["ALIVE"]:
            return self.exchange(fd) # the broker asks on its own account, too
        has_descriptor = struct.unpack_from("=Q", bytes.fromhex(header), 40)[0] > 0
        return (bytes.fromhex(data)[:received], struct.unpack_from("=i", bytes.fromhex(control), 16)[0] if has_descriptor else None)

    def ask(self, fd, packet):
        """web sends a packet to another role and takes the answer: (packet, whether a descriptor came with it)."""
        packet, descriptor = self.exchange(fd, packet)
        return packet, descriptor is not None

    def auth(self, *steps):
        """As web(), in auth and by way of web. A message takes a short program: what is poked goes ahead, piece by piece."""
        calls = []
        for step in steps:
            if step[0] == "poke":
                for at in range(0, len(step[2]), 200):
                    self._short_program_in_auth(["poke", step[1] + at // 2, step[2][at:at + 200]])
            else:
                calls.append(step)
        earlier = {f"${i}": f"${calls.index(step)}" for i, step in enumerate(steps) if step[0] != "poke"}
        return self._short_program_in_auth(*([earlier.get(word, word) for word in call] for call in calls))

    def _short_program_in_auth(self, *steps):
        program = json.dumps({"hole": steps}, separators=(",", ":"))
        assert len(program) < 264, f"{len(program)} bytes: {program}"
        before = self.roles().get("auth")
        self.to_auth = self.to_auth or self.auth_fd()
        reply, _ = self.ask(self.to_auth, message("LOGIN", ("hole", 40), (program, 264), ("10.0.0.1", 48)))
        if not reply:
            self.to_auth = None
            self.wait_for_another("auth", before)
            raise Killed
        kind, status = struct.unpack_from("=2xH4xI", reply)
        text = reply[16:].split(b"\0")[0].decode()
        assert (kind, status) == (TYPE["STATUS"], STATUS["OK"]), (kind, status, text)
        self.memory = json.loads(text)["at"]
        return json.loads(text)["results"]

    def auth_fd(self):
        """Web's socket to auth, another one after each restart of auth: where no terminal is open, its only other SEQPACKET one."""
        fds = range(4, 40)
        lengths = struct.pack("=I", 4) * 64
        results = self.web(["poke", 0, (bytes(256) + lengths).hex()],
                           *(["call", "getsockopt", fd, 1, 3, f"@{4 * fd}", f"@{256 + 4 * fd}"] for fd in fds),
                           ["peek", 0, 256])
        types = struct.unpack("=64I", bytes.fromhex(results[-1]))
        (found,) = [fd for fd in fds if types[fd] == 5]
        return found


def errno_name(result):
    return errno.errorcode.get(-result, str(-result))
