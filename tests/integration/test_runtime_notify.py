# SPDX-License-Identifier: Apache-2.0
"""sd_notify(3) through a container: READY=1 of the program inside reaches the NOTIFY_SOCKET of who started the runtime."""

import os
import socket
import subprocess

import pytest
from harness.bundle import wait_for
from harness.process import ENVIRONMENT


class Host:
    """A service manager's socket."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(20)
        self.socket.bind(address.replace("@", "\0", 1))
        self.env = ENVIRONMENT | {"NOTIFY_SOCKET": address}

    def hear(self):
        """The next message; what comes with it is closed, as systemd does with BARRIER=1."""
        text, fds, _, _ = socket.recv_fds(self.socket, 4096, 4)
        for fd in fds:
            os.close(fd)
        return text.decode()


@pytest.fixture
def host(bundle):
    h = Host(str(bundle.folder / "host"))
    yield h
    h.socket.close()


def place_of(bundle, host):
    """The container's socket as its own mounts have it."""
    return f"/proc/{bundle.pid()}/root{host.env['NOTIFY_SOCKET']}/notify"


def say(path, text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(path)
        s.send(text.encode())


def begin(bundle, host, *command):
    """A command that waits for the container's program."""
    return subprocess.Popen(bundle.command(*command), env=host.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=open(bundle.log, "w"))


def test_start_returns_when_the_program_is_ready(bundle, host):
    bundle.process["args"] = ["sleep", "1000"]
    bundle.create(env=host.env)
    pid = bundle.pid()
    start = begin(bundle, host, "start", bundle.id)
    wait_for(lambda: bundle.status() == "running", "running")
    say(place_of(bundle, host), "STATUS=half way")
    assert bundle.exec("cat", "/proc/1/environ").stdout.count(f"NOTIFY_SOCKET={host.env['NOTIFY_SOCKET']}/notify\0") == 1
    assert start.poll() is None, bundle.log.read_text()
    say(place_of(bundle, host), "STATUS=there\nREADY=1")
    assert host.hear() == f"MAINPID={pid}\nREADY=1"
    assert host.hear() == "BARRIER=1"
    assert start.wait(20) == 0


def test_start_returns_when_the_program_ends(bundle, host):
    bundle.process["args"] = ["true"]
    bundle.create(env=host.env)
    assert begin(bundle, host, "start", bundle.id).wait(20) == 0


def test_run_passes_it_on_and_goes_on(bundle, host):
    bundle.process["args"] = ["sleep", "1000"]
    bundle.process["env"].append("NOTIFY_SOCKET=/else/where")
    bundle.user_namespace()
    bundle.write()
    run = begin(bundle, host, "run", "-b", bundle.folder, bundle.id)
    wait_for(lambda: bundle.runtime("state", bundle.id, ok=False).returncode == 0 and bundle.status() == "running", "running")
    say(place_of(bundle, host), "READY=1")
    assert host.hear() == "READY=1"
    assert run.poll() is None
    bundle.runtime("kill", bundle.id, "KILL")
    assert run.wait(20) == 137


def test_an_abstract_address(bundle):
    host = Host("@md-notify-" + bundle.id)
    bundle.process["args"] = ["sleep", "1000"]
    bundle.write()
    run = begin(bundle, host, "run", "-d", "-b", bundle.folder, bundle.id)
    wait_for(lambda: bundle.runtime("state", bundle.id, ok=False).returncode == 0 and bundle.status() == "running", "running")
    say(f"/proc/{bundle.pid()}/root/run/notify/notify", "READY=1")
    assert host.hear() == f"MAINPID={bundle.pid()}\nREADY=1"
    assert host.hear() == "BARRIER=1"
    assert run.wait(20) == 0
    host.socket.close()


def test_nobody_listens_at_the_callers_end(bundle, host):
    host.socket.close()
    bundle.process["args"] = ["true"]
    bundle.write()
    assert begin(bundle, host, "run", "-b", bundle.folder, bundle.id).wait(20) == 0
