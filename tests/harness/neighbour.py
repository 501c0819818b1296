# SPDX-License-Identifier: Apache-2.0
"""What one workspace can do to another: bombs (tests/faults/bomb), each with the sign that it was bounded, and somebody who works
beside them and whose key strokes and logins are timed."""

import dataclasses
import json
import os
import re
import signal
import time

from . import BUILD, leaks
from .process import wait_until
from .web import WebServer

BOMB = BUILD / "tests" / "faults" / "bomb" / "bomb"
LIMITS = ["--disk", "64m", "--disk-inodes", "500"]


@dataclasses.dataclass
class Attack:
    """`lines`: what the bomb says when it got no more, (least, most, reason) each; or `ends`: it is killed for it."""
    what: str
    lines: list = ()
    ends: bool = False
    options: list = ()
    command: list = ()


PIDS = 20  # of a workspace, as it is given; one is mdocker-init
ATTACKS = {
    "fork": Attack("fork bomb", [(0, 0, "EAGAIN")]),
    "memory": Attack("memory bomb", ends=True),
    "tmpfs": Attack("memory file systems filled", ends=True),
    "inodes": Attack("files without contents", [(1000, 8192, "ENOSPC"), (400, 500, "ENOSPC")]),
    "disk": Attack("disk filled", [(30, 64, "ENOSPC")]),
    "sparse": Attack("sparse file of 1 TB", [(1, 64 << 8, "ENOSPC")]),
    "names": Attack("deep folders", [(1000, 8192, "ENOSPC")]),
    "fd": Attack("descriptors", [(1000, 16384, "EMFILE")]),
    "memfd": Attack("memfds", [(1000, 16384, "EMFILE")]),
    "pipe": Attack("full pipes", [(100, 8192, "EMFILE")]),
    "pty": Attack("terminals", [(1, 64, "ENOSPC")]),
    "inotify": Attack("inotify instances", [(100, 128, "EMFILE")]),
    "socket": Attack("full sockets", ends=True),
    "mqueue": Attack("message queues", [(1, 256, "EMFILE")]),
    "sem": Attack("semaphores, shared memory", [(1, 4096, "ENOSPC"), (1, 4096, "ENOSPC")]),
    "cpu": Attack("processor hogs", [(0, 0, "0")]),
    "zombie": Attack("zombies", [(1, PIDS, "EAGAIN")]),
    "signal": Attack("signals and timers", [(1000, 4096, "EAGAIN")]),
    "core": Attack("core dumps", [(100, 100, "0")]),
    "udp": Attack("UDP to ever new places", [(0, 20000, "")], options=["--network", "bridge", "--egress", "full"]),
    "yes": Attack("output without end", command=["/bin/sh", "-c", "echo yes 0 0; exec yes"], lines=[(0, 0, "0")]),
    "line": Attack("a line of 10 MB, again and again", lines=[(0, 0, "0")],
                   command=["/bin/sh", "-c", "echo line 0 0; while :; do head -c 10000000 /dev/zero | tr '\\0' x; echo; done"]),
    "term": Attack("ignores every signal that can be", [(0, 0, "")]),
    "stopped": Attack("stopped processes", [(0, 0, "")]),
}


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Neighbour:
    """bob works in his workspace; alice logs in now and then and finds hers stopped."""

    def __init__(self, place, *options):
        self.place = place
        place.need_images("busybox", "default")
        self.server = WebServer(place, *options).start()
        self.shell = self.server.login("bob").shell()

    def echoes(self, count, pause=0.01):
        """Seconds from a key to its echo."""
        times = []
        for i in range(count):
            key = "abcdefghij"[i % 10]
            started = time.perf_counter()
            self.shell.send(key)
            self.shell.expect(key)
            times.append(time.perf_counter() - started)
            time.sleep(pause)
        self.shell.send("\x15")
        return times

    def login(self):
        """Seconds from the password to the prompt of a workspace that did not run."""
        self.place.mdocker("workspace", "stop", "alice", "--owner", "alice", timeout=60)
        started = time.perf_counter()
        shell = self.server.login("alice").shell()
        seconds = time.perf_counter() - started
        shell.close()
        return seconds

    def running(self):
        return [json.loads(line) for line in self.place.mdocker("ps", "--format", "json").ok().out.splitlines()]

    def id_of(self, name):
        return next(w["id"] for w in self.running() if w["name"] == name)

    def end_balance(self):
        """Kills `mdocker system balance` of this server."""
        for pid, command in leaks.processes({str(self.place.root)}).items():
            if command.endswith("system balance"):
                os.kill(pid, signal.SIGTERM)

    def start(self, name, container="bomb", options=()):
        attack = ATTACKS[name]
        self.place.mdocker("run", "-d", "--name", container, *LIMITS, *options, *attack.options, "-v", f"{BOMB}:/bomb:ro",
                           "busybox", *(attack.command or ["/bomb", name]), timeout=60).ok()

    def wait_until_bounded(self, name, container="bomb"):
        """The bomb has what it gets. AssertionError if that is too much, or nothing."""
        attack = ATTACKS[name]
        if attack.ends:
            wait_until(lambda: "Exited (137)" in self.place.mdocker("ps", "-a").out, f"the end of {name}", timeout=60)
            return
        flood = name in ("yes", "line")

        def said():
            log = self.place.mdocker("logs", container).out
            found = re.findall(rf"^{name} (\d+) (\w+)\r?$", log[:4096] if flood else log, re.MULTILINE)
            # A flood's first lines are soon gone from its log.
            return found if len(found) >= len(attack.lines) else flood and len(log) > 4096 and [("0", "0")]

        found = wait_until(said, f"{name} is bounded", timeout=60)
        for (count, reason), (least, most, why) in zip(found, attack.lines):
            assert least <= int(count) <= most and reason in (why or reason), (name, count, reason)

    def remove(self, container="bomb"):
        """Seconds that it takes to get rid of it."""
        started = time.perf_counter()
        self.place.mdocker("rm", "-f", container, timeout=60).ok()
        return time.perf_counter() - started
