# SPDX-License-Identifier: Apache-2.0
"""mdocker-init as process 1 of a pid namespace: it reaps, passes signals on, ends all on SIGTERM."""

import os
import signal
import subprocess

import pytest
from harness import leaks, program
from harness.bundle import LIMIT, wait_for
from harness.process import kill_and_wait


class Namespace:
    def __init__(self):
        self.outer = subprocess.Popen(["unshare", "-pf", "--kill-child", "--mount-proc", program("mdocker-init")])
        wait_for(lambda: leaks.children(self.outer.pid), "process 1")
        self.pid = leaks.children(self.outer.pid)[0]
        wait_for(lambda: leaks.program_of(self.pid) == "mdocker-init", "mdocker-init")

    def start(self, script):
        """A process that joined from outside, as exec does it."""
        return subprocess.Popen(["nsenter", "-t", str(self.pid), "-p", "-m", "sh", "-c", script], stdout=subprocess.PIPE, text=True)

    def close(self):
        kill_and_wait(self.outer)


@pytest.fixture
def namespace():
    n = Namespace()
    yield n
    n.close()


def state_of(pid):
    return leaks.read(f"/proc/{pid}/stat").rsplit(")", 1)[-1].split()[:1]


def test_orphans_are_adopted_and_reaped(namespace):
    p = namespace.start("for i in 1 2 3 4 5; do (sleep 0.01 &); done; echo started")
    assert p.stdout.readline() == "started\n"
    p.wait(LIMIT)
    wait_for(lambda: not leaks.children(namespace.pid), "the end of all orphans")
    assert state_of(namespace.pid) == ["S"]


def test_it_sleeps_when_idle(namespace):
    wait_for(lambda: state_of(namespace.pid) == ["S"], "sleep")
    switches = leaks.read(f"/proc/{namespace.pid}/status").split("voluntary_ctxt_switches:")[1].split()[0]
    p = namespace.start("sleep 0.3")
    p.wait(LIMIT)
    assert leaks.read(f"/proc/{namespace.pid}/status").split("voluntary_ctxt_switches:")[1].split()[0] == switches


@pytest.mark.parametrize("sig", [signal.SIGHUP, signal.SIGUSR1, signal.SIGINT, signal.SIGRTMIN, signal.SIGRTMAX])
def test_signals_are_passed_on_and_it_stays(namespace, sig):
    p = namespace.start(f"trap 'echo got; exit 5' {sig.value}; echo up; while :; do sleep 0.01; done")
    assert p.stdout.readline() == "up\n"
    os.kill(namespace.pid, sig)
    assert p.stdout.readline() == "got\n"
    assert p.wait(timeout=10) == 5
    assert namespace.outer.poll() is None


def test_on_sigterm_all_are_asked_then_it_goes(namespace):
    p = namespace.start("trap 'echo asked; exit 6' TERM; echo up; while :; do sleep 0.01; done")
    assert p.stdout.readline() == "up\n"
    os.kill(namespace.pid, signal.SIGTERM)
    assert p.stdout.readline() == "asked\n"
    assert p.wait(timeout=10) == 6
    assert namespace.outer.wait(timeout=10) == 0


def test_the_deaf_are_gone_after_the_grace_time(namespace):
    p = namespace.start("trap '' TERM; echo up; while :; do sleep 0.01; done")
    assert p.stdout.readline() == "up\n"
    os.kill(namespace.pid, signal.SIGTERM)
    assert namespace.outer.wait(timeout=20) == 0
    assert p.wait(timeout=10) == -signal.SIGKILL or p.returncode == 137


def test_it_needs_nothing_of_the_image():
    r = subprocess.run(["ldd", program("mdocker-init")], capture_output=True, text=True)
    assert "statically linked" in r.stdout + r.stderr
