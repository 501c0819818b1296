# SPDX-License-Identifier: Apache-2.0
"""Many terminals at once, each on its own WebSocket as the page would hold it, and the proof that no byte of output and no
key of any of them was lost or doubled.

In each shell a loop prints numbered lines and repeats every key that it reads. The client resumes by offset, sends again the
keys that did not arrive, and checks each line against the number before it as it comes."""

import asyncio
import concurrent.futures
import json
import os
import random
import re
import statistics
import threading
import time

import websockets

from .process import DEADLINE

LINE = b"#" * 400
# Numbered lines, ten a second, and each key as it comes. Five such shells of a workspace have its twenty processes for
# themselves, so they start none but stty.
LOOP = ("stty raw -echo; p=##########; p=$p$p$p$p; p=$p$p$p$p$p$p$p$p$p$p; printf 'BE''GIN\\n'; i=0; while :; do i=$((i+1)); "
        "printf '%08d%s\\n' $i \"$p\"; if read -r -t 0.1 -n 1 k; then printf 'K%s\\n' \"$k\"; fi; done\r")
KEYS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Member:
    """One terminal and its client."""

    def __init__(self, fleet, session, terminal):
        self.fleet, self.session, self.terminal = fleet, session, terminal
        self.stream = str(random.getrandbits(64) | 1)
        self.offset, self.life = 0, None
        self.typed = bytearray(LOOP.encode())  # all of it; what has arrived is known after a hello
        self.sent = self.taken = 0
        self.rest, self.begun = b"", False
        self.lines = self.keys = 0
        self.socket, self.live = None, asyncio.Event()
        self.lost_at, self.breaks, self.pause = None, [], 0.25
        self.problem = None

    def query(self):
        fields = {"terminal": self.terminal, "from": self.offset}
        if not self.fleet.calm:
            fields |= {"input": self.stream, "taken": self.taken}
        if self.life and not self.fleet.calm:
            fields["life"] = self.life
        return "&".join(f"{k}={v}" for k, v in fields.items())

    async def run(self):
        while not self.fleet.ending:
            try:
                async with self.fleet.connect(self) as socket:
                    await self.serve(socket)
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
                pass
            except Exception as e:  # a wrong byte, an unexpected message
                self.problem = f"{type(e).__name__}: {e}"
                return
            if self.live.is_set():
                self.live.clear()
                self.lost_at = time.monotonic()
            # As the page does: 0.25 s doubling to 8 s, +-25 %.
            await asyncio.sleep(self.pause * random.uniform(0.75, 1.25))
            self.pause = min(8, self.pause * 2)

    async def serve(self, socket):
        self.socket = socket
        try:
            async for message in socket:
                if isinstance(message, bytes):
                    self.offset += len(message)
                    self.take(message)
                elif (m := json.loads(message))["type"] == "hello":
                    self.greet(m)
                    await self.flush()
                elif m["type"] == "taken" and not self.fleet.calm:
                    self.taken = m["input"]
                elif m["type"] == "exit":
                    raise AssertionError(f"the shell has ended: {m}")
        finally:
            self.socket = None

    def greet(self, m):
        assert m.get("snapshot") is None and m["offset"] == self.offset, f"{m} instead of offset {self.offset}"
        life, taken = m.get("life"), m.get("input")
        assert self.life in (None, life) or self.fleet.calm, "another life"
        self.life = life
        if self.fleet.calm:
            taken = self.sent
        assert self.taken <= taken <= self.sent, f"{taken} taken of {self.taken}..{self.sent} sent"
        self.taken = self.sent = taken
        if self.lost_at:
            self.breaks.append(time.monotonic() - self.lost_at)
            self.lost_at = None
        self.pause = 0.25
        self.live.set()

    async def flush(self):
        if self.socket and self.live.is_set() and self.sent < len(self.typed):
            piece = bytes(self.typed[self.sent:])
            self.sent = len(self.typed)
            await self.socket.send(piece)

    async def type(self, interval):
        """A key now and then, for as long as the fleet lives."""
        while not self.fleet.ending:
            await asyncio.sleep(interval * random.uniform(0.5, 1.5))
            if self.begun and self.fleet.typing:
                self.typed += KEYS[(len(self.typed) - len(LOOP)) % len(KEYS)].encode()
            try:
                await self.flush()
            except websockets.WebSocketException:
                pass  # what did not arrive is sent with the next hello

    @property
    def keys_typed(self):
        return len(self.typed) - len(LOOP)

    def take(self, data):
        if not self.begun:
            self.rest += data
            head, found, data = self.rest.partition(b"BEGIN\n")
            if not found:
                return
            self.begun, self.rest = True, b""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"K"):
                wanted = KEYS[self.keys % len(KEYS)].encode()
                assert line[1:] == wanted, f"key {line!r} instead of {wanted!r}, the {self.keys + 1}th"
                self.keys += 1
            else:
                assert line == b"%08d" % (self.lines + 1) + LINE, f"line {line!r} behind {self.lines}"
                self.lines += 1


class Fleet:
    def __init__(self, server, sessions, terminals_each, interval=0.3, calm=False):
        """`calm`: no key is on its way when a blow falls, since nobody counts them (for an older shim or server)."""
        self.server, self.ending = server, False
        self.calm, self.typing = calm, True
        self.interval = interval
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        server.place.closers.append(self.close)
        self.members = self.do(self.make(sessions, terminals_each))
        self.tasks = []

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE * 4)

    async def make(self, sessions, each):
        made = []
        for session in sessions:
            for _ in range(each):
                r = await self.loop.run_in_executor(None, lambda: session.request("POST", "/api/v1/terminals", {}))
                assert r.status == 201, r.text
                made.append(Member(self, session, r.json["id"]))
        return made

    def connect(self, member):
        modern = int(websockets.__version__.split(".")[0]) >= 14
        headers = {"additional_headers" if modern else "extra_headers": {"Cookie": member.session.cookie}}
        return websockets.connect(f"ws://127.0.0.1:{self.server.port}/ws?{member.query()}", subprotocols=["mdocker.v1"],
                                  compression=None, max_size=None, ping_interval=None, open_timeout=10, close_timeout=1,
                                  **headers)

    def start(self):
        async def begin():
            self.tasks = [self.loop.create_task(t) for m in self.members for t in (m.run(), m.type(self.interval))]
        self.do(begin())
        self.wait(lambda m: m.lines > 0, "each shell prints its numbers")
        return self

    def wait(self, condition, what, timeout=DEADLINE * 2):
        """Until condition(member) holds for each; fails at once where a byte or a key was wrong."""
        end = time.monotonic() + timeout
        while True:
            wrong = {m.terminal: m.problem for m in self.members if m.problem}
            assert not wrong, f"{len(wrong)} of {len(self.members)}: {next(iter(wrong.values()))}\n{self.server.said()[-2000:]}"
            left = [m for m in self.members if not condition(m)]
            if not left:
                return
            assert time.monotonic() < end, f"not within {timeout} s, for {len(left)} of {len(self.members)}: {what}"
            time.sleep(0.02)

    def survive(self, name, blow):
        """Does `blow`, and waits until each client is back and has seen later lines and its keys since. Returns how long each
        was away, in seconds; those that noticed nothing are not among them."""
        if self.calm:
            self.typing = False
            self.wait(lambda m: m.keys == m.keys_typed, "the keys have arrived")
        before = {m: (m.lines, m.keys_typed, len(m.breaks)) for m in self.members}
        blow()
        self.typing = True
        self.wait(lambda m: m.live.is_set() and m.lost_at is None and m.lines > before[m][0] + 5 and m.keys > before[m][1],
                  f"all are back after {name}")
        return [b for m in self.members for b in m.breaks[before[m][2]:]]

    def settle(self):
        """No more keys: all that were typed have been repeated, once."""
        self.wait(lambda m: m.keys >= m.keys_typed - 2, "the keys have arrived")

    def close(self):
        if not self.thread.is_alive():
            return
        self.ending = True

        async def end():
            for t in self.tasks:
                t.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
        try:
            self.do(end())
        except (concurrent.futures.TimeoutError, RuntimeError):
            pass
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


def figures(seconds):
    """For people: how long the clients were away."""
    if not seconds:
        return "nobody noticed"
    ordered = sorted(seconds)
    return (f"{len(ordered)} away for {statistics.median(ordered):.2f} s (median), "
            f"{ordered[int(len(ordered) * 0.95) - (len(ordered) > 1)]:.2f} s (95 %), {ordered[-1]:.2f} s (longest)")
