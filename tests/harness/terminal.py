# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own, as a person would use it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from .process import DEADLINE, ENVIRONMENT, kill_session


class Terminal:
    def __init__(self, argv, rows=24, cols=80, env=None):
        self.argv = [str(a) for a in argv]
        self.output = b""  # all of it
        self.seen = 0      # up to here expect() has matched
        self.master, slave = pty.openpty()
        self.resize(rows, cols)
        self.settings = termios.tcgetattr(self.master)  # before the program could change them
        self.process = subprocess.Popen(
            self.argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=ENVIRONMENT | (env or {}), preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        kill_session(self.process.pid)
        self.process.wait(DEADLINE)
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def resize(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self.master, data):]

    def line(self, text):
        self.send(text + "\r")

    def _read(self, seconds):
        """One read. False at the end of the terminal."""
        if not select.select([self.master], [], [], max(seconds, 0))[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other side open any more
            return False
        self.output += data
        return bool(data)

    def expect(self, pattern, timeout=DEADLINE):
        """Waits for a regular expression behind what was matched so far; returns the match."""
        compiled = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.DOTALL)
        end = time.monotonic() + timeout
        alive = True
        while True:
            found = compiled.search(self.output, self.seen)
            if found:
                self.seen = found.end()
                return found
            assert alive, f"the terminal ended without {pattern!r}: {self.output[self.seen:][-2000:]!r}"
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} within {timeout} s: {self.output[self.seen:][-2000:]!r}"
            alive = self._read(left)

    def wait(self, timeout=DEADLINE):
        """Reads to the program's end; its exit code."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < end, f"no end within {timeout} s: {self.output[-2000:]!r}"
            if not self._read(0.05):
                time.sleep(0.005)
        while select.select([self.master], [], [], 0)[0] and self._read(0):
            pass
        return self.process.returncode

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)
