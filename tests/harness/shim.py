# SPDX-License-Identifier: Apache-2.0
"""mdocker-shim on a busybox bundle, and a client of shim.sock that speaks the protocol byte by byte."""

import array
import json
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from . import BUILD, PROGRAMS, leaks, program, sanitizer
from .images import busybox_path
from .process import DEADLINE, run, wait_until

MAGIC = 0x4D434453
NONE = 2**64 - 1

# name: (type, struct format of the fixed part, names, tail: None, "bytes" or "strings")
MESSAGES = {
    "hello": (1, "<IHH", "magic version flags", "strings"),
    "attach": (2, "<IIQHHQQQ", "terminal flags from rows cols life input input_taken", "strings"),
    "input": (3, "<", "", "bytes"),
    "resize": (4, "<HH", "rows cols", None),
    "ack": (5, "<QI", "offset window", None),
    "ping": (6, "<Q", "cookie", None),
    "new_terminal": (7, "<IIHHHH", "flags cwd_from rows cols argc envc", "strings"),
    "list": (8, "<", "", None),
    "rename": (9, "<I", "terminal", "strings"),
    "close": (10, "<I", "terminal", None),
    "signal": (11, "<II", "terminal signo", None),
    "wait": (12, "<I", "terminal", None),
    "status": (13, "<", "", None),
    "stop": (14, "<II", "timeout_ms signo", "strings"),
    "move": (15, "<II", "terminal position", None),
    "record": (16, "<II", "terminal on", None),
    "attached": (65, "<IIQHHQQ", "terminal flags offset rows cols life input_taken", None),
    "output": (66, "<Q", "offset", "bytes"),
    "snapshot": (67, "<QIHH", "offset flags rows cols", "bytes"),
    "size": (68, "<HH", "rows cols", "strings"),
    "notice": (69, "<III", "kind terminal on", "strings"),
    "exit": (70, "<IiII", "terminal code signal reason", "strings"),
    "error": (71, "<iIHH", "code exit_code request zero", "strings"),
    "pong": (72, "<Q", "cookie", None),
    "terminal": (73, "<IIIIIiHHIQQQQ", "terminal flags position pid clients exit rows cols zero offset "
                 "started_ms output_ms input_ms", "strings"),
    "state": (74, "<IIIIIIQQQ", "state shim_pid init_pid terminals clients zero started_ms output_bytes active_ms",
              "strings"),
    "created": (75, "<I", "terminal", None),
    "done": (76, "<", "", None),
    "presence": (77, "<II", "terminal count", "strings"),
    "ring": (78, "<Q", "size", None),
    "advance": (79, "<QQ", "from to", None),
    "taken": (80, "<Q", "input_taken", None),
}
NAMES = {row[0]: name for name, row in MESSAGES.items()}

# Flags, as in shim_wire.h.
HELLO_READ_ONLY, HELLO_USER, HELLO_WATCH, HELLO_ADMIN, HELLO_PICTURES = 1, 2, 4, 8, 16
ATTACH_READ_ONLY, ATTACH_CREATE, ATTACH_ACKS, ATTACH_RING = 1, 2, 4, 8
ATTACHED_READ_ONLY, ATTACHED_RESUMED, ATTACHED_SNAPSHOT, ATTACHED_CREATED, ATTACHED_ENDED, ATTACHED_RECORDED = (
    1, 2, 4, 8, 16, 32)
ATTACHED_COUNTED, ATTACHED_NEW_INPUT = 128, 256
NEW_TTY, NEW_ENV_ONLY, NEW_MAIN, NEW_LOG = 1, 2, 4, 8
EXIT_SELF, EXIT_CLOSED, EXIT_STOPPED, EXIT_INIT, EXIT_OOM, EXIT_FAILED = range(6)
NOTICE_OOM, NOTICE_PIDS, NOTICE_DISK, NOTICE_STOPPING, NOTICE_RECORDING, NOTICE_INPUT = 1, 2, 3, 4, 5, 6


class Message:
    def __init__(self, name, serial, fields, tail, fds=()):
        self.name, self.serial, self.tail, self.fds = name, serial, tail, fds
        self.fields = fields
        self.__dict__.update({k: v for k, v in fields.items() if k != "from"})

    @property
    def strings(self):
        return [s.decode(errors="replace") for s in self.tail.split(b"\0")[:-1]]

    def __repr__(self):
        return f"{self.name}#{self.serial}{self.fields}{self.tail[:200]!r}"


VERSION = 4
# Bytes of fixed part that older versions had: {version: {name: bytes}}.
OLDER = {1: {"attach": 20, "attached": 20, "notice": 8, "ack": 8}, 2: {"attach": 20, "attached": 20, "ack": 8}}


def encode(name, serial, tail=b"", version=VERSION, **fields):
    number, form, names, _ = MESSAGES[name]
    if name == "hello":
        fields["version"] = version
    fixed = struct.pack(form, *(fields.pop(n, 0) for n in names.split()))
    assert not fields, f"{name} has no {fields}"
    fixed = fixed[:OLDER.get(version, {}).get(name)]
    if isinstance(tail, (list, tuple)):
        tail = b"".join((s.encode() if isinstance(s, str) else s) + b"\0" for s in tail)
    return struct.pack("<HHI", number, len(fixed), serial) + fixed + tail


def decode(packet, fds=()):
    number, fixed, serial = struct.unpack_from("<HHI", packet)
    name = NAMES[number]
    _, form, names, _ = MESSAGES[name]
    # An older sender's message is shorter: what it doesn't know reads as 0.
    values = struct.unpack(form, packet[8:8 + fixed][:struct.calcsize(form)].ljust(struct.calcsize(form), b"\0"))
    return Message(name, serial, dict(zip(names.split(), values)), packet[8 + fixed:], fds)


class Client:
    def __init__(self, path, hello=True, flags=0, label="test", version=VERSION):
        self.version = version
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(str(path))
        self.serial = 0
        self.kept = []     # received and not yet asked for
        self.output = bytearray()  # what the terminal has shown since the last snapshot
        self.seen = 0
        self.offset = None
        self.snapshot = b""
        self.acks = False
        if hello:
            self.hello = self.ask("hello", magic=MAGIC, flags=flags, tail=[label])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, name, tail=b"", fds=(), **fields):
        self.serial += 1
        packet = encode(name, self.serial, tail, **{"version": self.version} | fields)
        anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([packet], anc)
        return self.serial

    def receive(self, timeout=DEADLINE):
        """The next message; None at the end of the connection."""
        self.socket.settimeout(max(timeout, 0.001))
        try:
            packet, anc, flags, _ = self.socket.recvmsg(70000, socket.CMSG_SPACE(32))
        except ConnectionResetError:  # something of ours was left unread; what was said before is still to be had
            return self.receive(timeout)
        if not packet:
            return None
        assert not flags & socket.MSG_TRUNC
        fds = array.array("i")
        for level, kind, data in anc:
            fds.frombytes(data)
        m = decode(packet, list(fds))
        self.note(m)
        return m

    def note(self, m):
        """Keeps what a terminal would show, and that no byte is lost or doubled."""
        if m.name == "attached":
            self.offset = m.offset
        elif m.name == "snapshot":
            if m.fields["flags"] & 1:
                self.snapshot, self.output = b"", bytearray()
                self.seen = 0
            self.snapshot += m.tail
            self.offset = m.offset
        elif m.name == "output":
            assert m.offset == self.offset, f"offset {m.offset} instead of {self.offset}"
            self.offset += len(m.tail)
            self.output += m.tail
            if self.acks:
                self.ack()

    def ack(self, **more):
        self.send("ack", offset=self.offset, **more)

    def wait(self, *names, serial=None, timeout=DEADLINE):
        """The next message of one of those names (with that serial, if given); others are kept for later."""
        wanted = lambda m: m.name in names and serial in (None, m.serial)
        for m in self.kept:
            if wanted(m):
                self.kept.remove(m)
                return m
        end = time.monotonic() + timeout
        while True:
            try:
                m = self.receive(end - time.monotonic())
            except TimeoutError:
                raise AssertionError(f"no {names} within {timeout} s; there were {self.kept[-5:]}") from None
            assert m is not None, f"the connection ended without {names}; there were {self.kept[-5:]}"
            if wanted(m):
                return m
            if m.name not in ("output", "snapshot"):
                self.kept.append(m)

    def ask(self, name, timeout=DEADLINE, tail=b"", fds=(), **fields):
        """Sends a request and returns its answer, ERROR too."""
        serial = self.send(name, tail, fds, **fields)
        answers = [n for n in MESSAGES if MESSAGES[n][0] >= 65 or n == "hello"]
        return self.wait(*answers, serial=serial, timeout=timeout)

    def attach(self, terminal=0, flags=ATTACH_CREATE, start=NONE, rows=24, cols=80, label="test", **more):
        self.acks = bool(flags & ATTACH_ACKS)
        return self.ask("attach", terminal=terminal, flags=flags, **{"from": start}, rows=rows, cols=cols, tail=[label],
                        **more)

    def type(self, text):
        return self.send("input", text.encode() if isinstance(text, str) else text)

    def expect(self, text, timeout=DEADLINE):
        """Waits until `text` was shown behind what was expected before; returns what came up to it."""
        wanted = text.encode() if isinstance(text, str) else text
        end = time.monotonic() + timeout
        searched = self.seen
        while (at := self.output.find(wanted, searched)) < 0:
            shown = bytes(self.output[max(self.seen, len(self.output) - 500):])
            assert time.monotonic() < end, f"no {wanted!r} within {timeout} s in {shown!r}"
            searched, before = max(self.seen, len(self.output) - len(wanted)), self.output
            try:
                m = self.receive(end - time.monotonic())
            except TimeoutError:
                continue
            assert m is not None, f"the connection ended without {wanted!r}: {shown!r}"
            if self.output is not before:  # a snapshot has begun
                searched = 0
            if m.name not in ("output", "snapshot"):
                self.kept.append(m)
        at += len(wanted)
        got, self.seen = bytes(self.output[self.seen:at]), at
        return got

    def new(self, *argv, flags=NEW_TTY, rows=24, cols=80, cwd_from=0, name="", user="", cwd="", env=(), fds=()):
        return self.ask("new_terminal", flags=flags, rows=rows, cols=cols, cwd_from=cwd_from, argc=len(argv),
                        envc=len(env), tail=[name, user, cwd, *argv, *env], fds=fds)


def make_rootfs(folder):
    """A root file system of busybox alone."""
    for name in ("bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "usr/bin", "home/user"):
        (folder / name).mkdir(parents=True)
    shutil.copy(busybox_path(), folder / "bin/busybox")
    for applet in run([busybox_path(), "--list"]).ok().out.split():
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    return folder


def read_all(fd, timeout):
    """What comes until nobody has the other end any more; closes it."""
    got, end = b"", time.monotonic() + timeout
    with open(fd, "rb", buffering=0) as f:
        while select.select([f], [], [], max(0, end - time.monotonic()))[0]:
            part = f.read(65536)
            if not part:
                return got.decode()
            got += part
    raise AssertionError(f"still open after {timeout} s: {got!r}")


# Stands for mdocker-init with a runtime that isn't ours: reaps, and ends at SIGTERM.
INIT = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"]


class Shim:
    """One shim in a mount namespace of its own. `runtime` is a path, runtimes of others included."""

    def __init__(self, runtime, options=(), init=INIT, shell=("/bin/sh",), resources=None, change=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="md-shim-", dir="/var/tmp"))
        self.id = "t" + os.urandom(5).hex()
        self.runtime = runtime
        self.bundle = self.folder / "bundle"
        self.socket = self.folder / "s"
        self.log = self.folder / "log"
        make_rootfs(self.bundle / "rootfs")
        self.write_config(init, list(shell), resources, change)
        self.pid = None
        self.ready = None
        self.options = list(options)

    def write_config(self, init, shell, resources, change):
        run([self.runtime, "spec"], cwd=self.bundle).ok()
        path = self.bundle / "config.json"
        config = json.loads(path.read_text())
        config["root"]["readonly"] = False
        config["linux"]["cgroupsPath"] = f"/minidocker/{self.id}"
        if resources:
            config["linux"].setdefault("resources", {}).update(resources)
        process = dict(config["process"], args=shell, terminal=True,
                       env=["PATH=/bin:/usr/bin", "TERM=xterm-256color", "PS1=$ ", "HOME=/root"])
        config["process"].update(args=init, terminal=False)
        if change:
            change(config, process)
        path.write_text(json.dumps(config))
        (self.folder / "process.json").write_text(json.dumps(process))

    def command(self, ready):
        return [program("mdocker-shim"), "--id", self.id, "--name", "test", "--bundle", self.bundle,
                "--runtime", self.runtime, "--runtime-root", self.folder / "runtime", "--socket", self.socket,
                "--log", self.log, "--output-log", self.folder / "output", "--pid-file", self.folder / "pid",
                "--exit-file", self.folder / "exit", "--process-template", self.folder / "process.json",
                "--ready-fd", ready, *self.options]

    def start(self, stdio=None, **more):
        """Starts it; the ready line is in .ready, and is returned."""
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)
        argv = ["unshare", "-m", "--propagation", "private", *map(str, self.command(writing))]
        stdio = stdio or {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        p = subprocess.Popen(argv, pass_fds=[writing], **stdio, **more)
        os.close(writing)
        text = read_all(reading, DEADLINE)
        p.wait(DEADLINE)
        assert text, f"no ready line; log: {self.log_text()}"
        self.ready = json.loads(text)
        self.pid = self.ready.get("pid")
        return self.ready

    def log_text(self):
        return self.log.read_text() if self.log.exists() else ""

    def client(self, **more):
        return Client(self.socket, **more)

    def shell(self):
        """A client at the prompt of the first terminal's shell, which is new if there was none."""
        c = self.client()
        c.attach()
        c.expect("$ ")
        return c

    def holder(self):
        """The pid of the half without privilege."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
            children = f.read().split()
        (pid,) = [int(p) for p in children if leaks.read(f"/proc/{p}/comm").strip() == "mdocker-shim"]
        return pid

    def alive(self):
        return self.pid is not None and os.path.exists(f"/proc/{self.pid}") and not leaks.zombie(self.pid)

    def wait_gone(self, timeout=DEADLINE):
        wait_until(lambda: not self.alive(), "the shim has ended", timeout)

    def close(self):
        if self.alive():
            try:
                with self.client() as c:
                    c.send("stop", tail=["the test"], timeout_ms=0)
                self.wait_gone(10)
            except (OSError, AssertionError):
                pass
        if self.alive():
            os.kill(self.pid, 9)
        run([self.runtime, "--root", self.folder / "runtime", "delete", "--force", self.id], timeout=20)
        end = time.monotonic() + DEADLINE / 3
        while any(found := (self.processes(), leaks.cgroups([self.id]))) and time.monotonic() < end:
            time.sleep(0.02)  # what dies may do so
        left, groups = found
        leaks.kill(left)
        for group in sorted(groups, reverse=True):
            try:
                os.rmdir(group)
            except OSError:
                pass
        reports = sanitizer.reports(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        return left, groups, reports

    def processes(self):
        """A zombie that nobody reaps is the machine's, not ours: a killed shim's children go to its PID 1."""
        return {p: c for p, c in leaks.processes([self.id, str(self.folder)]).items() if not leaks.zombie(p)}
