# SPDX-License-Identifier: Apache-2.0
"""mdockerd in a place of a test, and a client that speaks its documented protocol and nothing more."""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import websockets

from . import leaks, program
from .process import DEADLINE, ENVIRONMENT, wait_until

PASSWORDS = {"alice": "password", "bob": "password", "admin": "admin"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """`mdockerd --demo` on a free port of loopback."""

    context = None  # TLS, as its clients see it
    executable, environment = None, {}  # another mdockerd than the one that was built, and what it is told besides

    def __init__(self, place, *options, demo=True):
        self.place, self.options = place, ["--demo"] * demo + list(options)
        self.port = free_port()
        self.log = place.folder / "mdockerd.log"
        self.process = None
        self.known = {}  # pid: start time
        place.closers.append(self.kill)

    def start(self):
        argv = [self.executable or program("mdockerd"), "--listen", f"127.0.0.1:{self.port}", "--root", str(self.place.root),
                "--state", str(self.place.state), *self.options]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, env=ENVIRONMENT | self.environment)
        wait_until(self.answers, "mdockerd answers")
        self.pids()
        return self

    def answers(self):
        assert self.process.poll() is None, f"mdockerd ended with {self.process.returncode}:\n{self.said()}"
        try:
            return self.request("GET", "/healthz", timeout=2).status == 200
        except OSError:
            return False

    def said(self):
        return self.log.read_text(errors="replace")

    def pids(self):
        """Those of its processes that run: it and its descendants that are the same program, since it was started."""
        todo = [self.process.pid] if self.process else []
        while todo:
            pid = todo.pop()
            if leaks.program_of(pid) == "mdockerd":
                self.known[pid] = leaks.start_time(pid)
                todo += leaks.children(pid)
        return {pid for pid, started in self.known.items()
                if leaks.start_time(pid) == started and not leaks.zombie(pid)}

    def stop(self):
        """SIGTERM; all of it must be gone within the deadline."""
        self.pids()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        wait_until(lambda: not self.pids(), "all processes of mdockerd ended")
        return code

    def kill(self):
        """SIGKILL to each of its processes at once."""
        leaks.kill(self.pids())
        if self.process:
            self.process.kill() # a test may have put another program there
            self.process.wait(DEADLINE)
        wait_until(lambda: not self.pids(), "all processes of mdockerd ended")

    def request(self, method, path, body=None, cookie=None, headers=None, timeout=DEADLINE):
        """One HTTP request; the response with .text and .json added."""
        c = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.context) if self.context
             else http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout))
        fields = {"Content-Type": "application/json"} if body is not None else {}
        if cookie:
            fields["Cookie"] = cookie
        try:
            c.request(method, path, json.dumps(body) if body is not None else None, fields | (headers or {}))
            r = c.getresponse()
            r.text = r.read().decode(errors="replace")
        finally:
            c.close()
        try:
            r.json = json.loads(r.text)
        except ValueError:
            r.json = None
        return r

    def login(self, user, password=None):
        """A Session of the user."""
        r = self.request("POST", "/api/v1/login", {"username": user, "password": password or PASSWORDS[user]})
        assert r.status == 200, f"login of {user}: {r.status} {r.text}\n{self.said()}"
        return Session(self, user, r.headers["Set-Cookie"].split(";")[0])


class Session:
    """A logged-in browser."""

    def __init__(self, server, user, cookie):
        self.server, self.user, self.cookie = server, user, cookie
        self.sockets = []

    def request(self, method, path, body=None, **more):
        return self.server.request(method, path, body, cookie=self.cookie, **more)

    def open(self, query="", **more):
        """The user's terminal, as GET /ws gives it."""
        context = self.server.context
        s = TerminalSocket(f"{'wss' if context else 'ws'}://127.0.0.1:{self.server.port}/ws{query}", self.cookie, ssl=context, **more)
        self.server.place.closers.append(s.close)
        return s

    def shell(self, query="", **more):
        """As open(), and waits for the prompt of a shell."""
        s = self.open(query, **more)
        s.expect(r"[#$] ")
        return s


class Refused(Exception):
    """The upgrade was answered by this HTTP status."""

    def __init__(self, status):
        super().__init__(f"HTTP {status}")
        self.status = status


class TerminalSocket:
    """A WebSocket to a terminal: bytes as binary frames, everything else as JSON texts.

    A thread reads, so that the server never waits for this client unless pause() was called."""

    def __init__(self, url, cookie=None, origin=None, subprotocol=None, timeout=DEADLINE, ssl=None):
        self.output, self.seen = b"", 0
        self.messages = []  # the texts, parsed
        self.closed = None  # (code, reason) once it is
        self.changed = threading.Condition()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        headers = {"Cookie": cookie} if cookie else {}
        modern = int(websockets.__version__.split(".")[0]) >= 14
        options = {"additional_headers" if modern else "extra_headers": headers,
                   "subprotocols": [subprotocol] if subprotocol else None,
                   "compression": None, "max_size": None, "ping_interval": None, "open_timeout": timeout}
        if origin:
            options["origin"] = origin
        if ssl:
            options["ssl"] = ssl
        try:
            self.socket = self._do(self._connect(url, options), timeout)
        except Exception as e:
            self._stop_loop()
            status = getattr(e, "status_code", None) or getattr(getattr(e, "response", None), "status_code", None)
            if status:
                raise Refused(status) from None
            raise
        asyncio.run_coroutine_threadsafe(self._read(), self.loop)

    @staticmethod
    async def _connect(url, options):
        return await websockets.connect(url, **options)

    def _do(self, coroutine, timeout=DEADLINE):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    async def _read(self):
        try:
            async for message in self.socket:
                with self.changed:
                    if isinstance(message, bytes):
                        self.output += message
                    else:
                        self.messages.append(json.loads(message))
                    self.changed.notify_all()
        except websockets.ConnectionClosed:
            pass
        with self.changed:
            self.closed = (self.socket.close_code, self.socket.close_reason)
            self.changed.notify_all()

    def _stop_loop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def close(self):
        if self.thread.is_alive():
            try:
                self._do(self.socket.close(), 5)
            except Exception:
                pass
            self._stop_loop()

    def send(self, text):
        self._do(self.socket.send(text.encode() if isinstance(text, str) else text))

    def line(self, text):
        self.send(text + "\r")

    def tell(self, **message):
        """A JSON text frame: tell(type="resize", rows=24, cols=80)."""
        self._do(self.socket.send(json.dumps(message)))

    def expect(self, pattern, timeout=DEADLINE):
        """Waits for a regular expression behind what was matched so far."""
        compiled = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.DOTALL)
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                found = compiled.search(self.output, self.seen)
                if found:
                    self.seen = found.end()
                    return found
                left = end - time.monotonic()
                assert left > 0 and not self.closed, \
                    f"no {pattern!r} ({self.closed or f'{timeout} s'}): {self.output[self.seen:][-2000:]!r} {self.messages[-5:]}"
                self.changed.wait(left)

    def expect_message(self, kind, timeout=DEADLINE):
        """Waits for the first text message of this type that was not taken yet; takes it."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                for i, m in enumerate(self.messages):
                    if m.get("type") == kind:
                        return self.messages.pop(i)
                left = end - time.monotonic()
                assert left > 0 and not self.closed, f"no message {kind!r} ({self.closed}): {self.messages}"
                self.changed.wait(left)

    def expect_closed(self, timeout=DEADLINE):
        end = time.monotonic() + timeout
        with self.changed:
            while not self.closed:
                left = end - time.monotonic()
                assert left > 0, f"still open after {timeout} s"
                self.changed.wait(left)
        return self.closed

    def ask(self, command, timeout=DEADLINE):
        """Types a command into a shell and returns its output, by marks around it that its echo doesn't hold."""
        self.line(f"printf '\\001%s\\n' begin; {command}; printf '\\002%s\\n' end")
        found = self.expect(rb"\x01begin\r\n(.*?)\x02end\r\n", timeout)
        return found.group(1).decode(errors="replace").replace("\r\n", "\n")


def assert_logged(read, wanted):
    """read() gives these lines of a log, and no others, as soon as there are so many: who reports doesn't wait for the writer."""
    end = time.monotonic() + DEADLINE
    while len(read()) < len(wanted) and time.monotonic() < end:
        time.sleep(0.02)
    assert read() == wanted


def environment_of(pid):
    return dict(e.split("=", 1) for e in leaks.read(f"/proc/{pid}/environ").split("\0") if "=" in e)


def exists(pid):
    return os.path.exists(f"/proc/{pid}") and not leaks.zombie(pid)
