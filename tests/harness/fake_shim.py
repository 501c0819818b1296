# SPDX-License-Identifier: Apache-2.0
"""A shim.sock that a test answers itself: shims older or newer than the server, and ones that break the protocol.

The server is given a program in place of `mdocker` that says where the sockets of the users' workspaces are."""

import array
import os
import queue
import select
import socket
import threading

from .process import DEADLINE
from .shim import MAGIC, VERSION, decode, encode
from .web import WebServer


class Peer:
    """One connection of the server to the fake."""

    def __init__(self, connection, version):
        self.socket, self.version = connection, version
        self.socket.settimeout(DEADLINE)

    def receive(self):
        """The next message; None at the end."""
        try:
            packet = self.socket.recv(70000)
        except ConnectionResetError:  # something of ours was left unread; what was said before is still to be had
            return self.receive()
        if not packet:
            return None
        self.packet = packet
        return decode(packet)

    def expect(self, name):
        while (m := self.receive()) is not None:
            if m.name == name:
                return m
        raise AssertionError(f"the connection ended without {name}")

    def is_silent(self):
        """Nothing but the end comes."""
        while (m := self.receive()) is not None:
            assert m.name not in ("input", "attach"), m
        return True

    def send(self, name, serial=0, tail=b"", fds=(), **fields):
        self.raw(encode(name, serial, tail, **{"version": self.version} | fields), fds)

    def raw(self, packet, fds=()):
        self.socket.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

    def greet(self):
        """Takes HELLO and ATTACH, and answers the HELLO. Returns ATTACH."""
        hello = self.expect("hello")
        self.send("hello", hello.serial, magic=MAGIC, flags=hello.fields["flags"], tail=["id", "name"])
        return self.expect("attach")

    def attached(self, **fields):
        attach = self.greet()
        self.send("attached", attach.serial, **{"terminal": 1, "flags": 2, "offset": 0, "rows": 24, "cols": 80} | fields)
        return attach

    def close(self):
        self.socket.close()

    def unread(self):
        """Something has come that nobody has received."""
        return bool(select.select([self.socket], [], [], 0)[0])


class FakeShims:
    """A server whose users' workspaces are sockets of this test: next(user) is the server's next connection there."""

    def __init__(self, place, *users, version=VERSION, options=()):
        self.version = version
        self.queues, self.listeners = {}, []
        for user in users:
            self.listen(place, user)
        self.script = place.folder / "mdocker"
        self.script.write_text(f'#!/bin/sh\nfor last; do :; done\nuser=; for a; do [ "$user" = - ] && user=$a; [ "$a" = open ] && '
                               f'user=-; done\nprintf \'{{"id":"x","name":"%s","state":"running","socket":"{place.folder}/%s.sock"}}\\n\' '
                               '"$user" "$user"\n')
        self.script.chmod(0o755)
        place.closers.append(self.close)
        self.web = WebServer(place, "--mdocker", str(self.script), *options).start()

    def listen(self, place, user):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.bind(str(place.folder / f"{user}.sock"))
        os.chmod(place.folder / f"{user}.sock", 0o700)
        s.listen(32)
        self.listeners.append(s)
        self.queues[user] = queue.Queue()

        def accept():
            while True:
                try:
                    connection, _ = s.accept()
                except OSError:
                    return
                self.queues[user].put(connection)
        threading.Thread(target=accept, daemon=True).start()

    def next(self, user, version=None):
        return Peer(self.queues[user].get(timeout=DEADLINE), version or self.version)

    def close(self):
        for s in self.listeners:
            s.shutdown(socket.SHUT_RDWR)
            s.close()
