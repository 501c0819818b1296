# SPDX-License-Identifier: Apache-2.0
"""mdockerd for tests that need no workspace: a page of one file, and raw sockets for what no library would send."""

import base64
import os
import signal
import socket
import ssl

import pytest

from .nginx import certificate
from .process import DEADLINE, wait_until
from .server import Server

PAGE = "<!doctype html><title>page</title>"


class WebServer(Server):
    def __init__(self, place, *options, demo=True, base=""):
        self.base = base  # the path that it serves below
        assets = place.folder / "web"
        if not assets.exists():
            (assets / "assets").mkdir(parents=True)
            (assets / "index.html").write_text(PAGE)
            (assets / "assets" / "app-1.js").write_text("'app'" * 40000)
            (assets / "notes.secret").write_text("not served")
        super().__init__(place, "--assets", str(assets), *options, demo=demo)

    def answers(self):
        assert self.process.poll() is None, f"mdockerd ended with {self.process.returncode}:\n{self.said()}"
        try:
            return self.request("GET", self.base + "/healthz", timeout=2).status == 200
        except OSError:
            return False

    def roles(self):
        """{"broker": pid, "auth": pid, "web": pid}, of those that run now."""
        found = {}
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/cmdline") as f:
                    words = f.read().split("\0")
            except OSError:
                continue
            if len(words) > 2 and words[1] == "--role":  # else it is just ending
                found[words[2]] = pid
        if self.process.poll() is None:
            found["broker"] = self.process.pid  # a child of it that hasn't executed its program yet has its name
        return found

    def raw(self, data, end=True, timeout=DEADLINE):
        """Sends bytes on a new connection and returns all that comes until the server closes it (or nothing more comes)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as s:
            try:
                s.sendall(data)
                if end:
                    s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return read_all(s)

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), DEADLINE)
        return self.context.wrap_socket(s, server_hostname="127.0.0.1") if self.context else s

    def status_of(self, data, **more):
        """The status of the first response to raw bytes; 0 if the connection was closed without one."""
        answer = self.raw(data, **more)
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


class SecureServer(WebServer):
    """TLS by mdockerd itself."""

    def __init__(self, place, *options):
        self.files = certificate(place.folder)
        self.context = ssl.create_default_context(cafile=str(self.files[0]))
        super().__init__(place, "--tls-cert", str(self.files[0]), "--tls-key", str(self.files[1]), *options)

    def new_certificate(self):
        """Made and taken; what comes from now on is trusted, too."""
        made = certificate(self.place.folder)
        self.context = ssl.create_default_context(cafile=str(made[0]))
        self.process.send_signal(signal.SIGHUP)
        wait_until(self.answers, "the new certificate")


def read_all(s):
    got = b""
    try:
        while True:
            part = s.recv(65536)
            if not part:
                return got
            got += part
    except (TimeoutError, ConnectionError, socket.timeout):
        return got


def frame(opcode, payload=b"", fin=True, mask=True, rsv=0, length=None, form=0):
    """A client's frame; `length` lies about its payload, `form` is how many bytes its length has at least."""
    n = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if n < 126 and form < 2:
        head += bytes([bit | n])
    elif n < 65536 and form < 8:
        head += bytes([bit | 126]) + n.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + n.to_bytes(8, "big")
    if mask:
        key = os.urandom(4)
        head += key
        payload = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
    return head + payload


class RawSocket:
    """A WebSocket by hand: frames as the test wants them."""

    def __init__(self, server, cookie, protocol="mdocker.v1", query="", version="13", key=None, behind=b"", host=None):
        """`behind` is sent in one go with the request."""
        self.s = server.connect()
        key = base64.b64encode(os.urandom(16)).decode() if key is None else key
        lines = [f"GET /ws{query} HTTP/1.1", f"Host: {host or f'127.0.0.1:{server.port}'}", "Upgrade: websocket",
                 "Connection: Upgrade", f"Sec-WebSocket-Version: {version}", f"Sec-WebSocket-Key: {key}"]
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        if cookie:
            lines.append(f"Cookie: {cookie}")
        self.s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + behind)
        self.head, self.rest = b"", b""
        while b"\r\n\r\n" not in self.head:
            part = self.s.recv(4096)
            if not part:
                break
            self.head += part
        self.head, _, self.rest = self.head.partition(b"\r\n\r\n")

    @property
    def status(self):
        return int(self.head.split(b" ", 2)[1]) if self.head else 0

    def frame(self, *args, **more):
        """Sends one frame."""
        self.s.sendall(frame(*args, **more))

    def _take(self, n):
        while len(self.rest) < n:
            part = self.s.recv(65536)
            if not part:
                raise EOFError
            self.rest += part
        got, self.rest = self.rest[:n], self.rest[n:]
        return got

    def receive(self):
        """(opcode, payload) of the next frame; the server's frames are whole and not masked."""
        first, second = self._take(2)
        assert not second & 0x80, "a server must not mask"
        n = second & 0x7f
        if n == 126:
            n = int.from_bytes(self._take(2), "big")
        elif n == 127:
            n = int.from_bytes(self._take(8), "big")
        return first & 0x0f, self._take(n)

    def close_code(self):
        """Reads on until the close frame; None if the connection ended without one."""
        try:
            while True:
                opcode, payload = self.receive()
                if opcode == 8:
                    return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
        except (EOFError, ConnectionError):
            return None

    def close(self):
        self.s.close()


@pytest.fixture
def web(place):
    """A started server in demonstration mode; further options by `WebServer(place, ...)`."""
    return WebServer(place).start()
