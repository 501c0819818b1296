# SPDX-License-Identifier: Apache-2.0
"""Programs with a deadline, and conditions with a deadline."""

import os
import signal
import subprocess
import time

from . import sanitizer

DEADLINE = 30.0  # seconds; generous, because a slow machine is no failure of ours

# Programs get this and nothing else, so that the developer's own settings change no test.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "HOME": "/root",
} | sanitizer.ENVIRONMENT


class Result:
    def __init__(self, argv, code, out, err, seconds):
        self.argv, self.code, self.out, self.err, self.seconds = argv, code, out, err, seconds

    def __repr__(self):
        return (f"{' '.join(map(str, self.argv))}\nexit code {self.code} after {self.seconds:.2f} s\n"
                f"stdout: {self.out[-4000:]!r}\nstderr: {self.err[-4000:]!r}")

    def ok(self):
        assert self.code == 0, repr(self)
        return self

    def failed(self, code, *words):
        """It ended with `code`, and said on stderr, in one line, all of `words`."""
        assert self.code == code, repr(self)
        for word in words:
            assert word in self.err, repr(self)
        assert len(self.err.strip().splitlines()) == 1, repr(self)
        return self


def run(argv, input=None, timeout=DEADLINE, env=None, text=True, **more):
    """Runs a program to its end in a session of its own; past the deadline all of the session is killed."""
    started = time.monotonic()
    more.setdefault("stdin", subprocess.DEVNULL if input is None else subprocess.PIPE)
    p = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=ENVIRONMENT | (env or {}), start_new_session=True, text=text,
                         errors="replace" if text else None, **more)
    try:
        out, err = p.communicate(input, timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_session(p.pid)
        try:
            out, err = p.communicate(timeout=5)
        except subprocess.TimeoutExpired as e:  # somebody who has left the session keeps the pipes open
            out, err = ((said or b"").decode(errors="replace") for said in (e.stdout, e.stderr))
        raise AssertionError(f"no end after {timeout} s: " +
                             repr(Result(argv, None, out, err, timeout))) from None
    result = Result(argv, p.returncode, out, err, time.monotonic() - started)
    assert not sanitizer.told(str(err)), repr(result)
    return result


def kill_and_wait(p):
    """Ends a process for good; one that even so stays is told of, and waited for no longer."""
    if p.poll() is None:
        p.kill()
    p.wait(DEADLINE)


def kill_session(leader):
    """Kills the process group of a program that was started as the leader of its session."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def open_files(pid):
    """(descriptor, what it leads to) of each that the process has open, but for those that it closes meanwhile."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            yield int(fd), os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            pass


def wait_until(condition, what, timeout=DEADLINE):
    """Returns the first true value of condition(); fails with `what` at the deadline."""
    end = time.monotonic() + timeout
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
