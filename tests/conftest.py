# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all tests on the real programs; what they are made of is in tests/harness/.

    def test_a_file_stays(place):              # a root and a state folder of this test's own
        place.need_images("busybox")           # imported once a session, given in milliseconds
        place.mdocker("run", "--name", "x", "busybox", "touch", "/root/f").ok()
        with place.terminal("run", "-it", "busybox", "/bin/sh") as t:
            t.expect("# "); t.line("exit 3"); assert t.wait() == 3

    def test_the_browser(server):              # mdockerd --demo in such a place
        alice = server.login("alice").shell()  # a WebSocket at its prompt
        assert alice.ask("hostname") == "container\\n"

After each test everything that runs in its place is ended by `mdocker rm --force`, and a process, mount or cgroup that is
still there then is a failure of that test.
"""

import os
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness.bundle import Bundle  # noqa: E402
from harness.images import Images  # noqa: E402
from harness.own_network import enter_own_network  # noqa: E402
from harness.place import Place  # noqa: E402
from harness.sanitizer import SANITIZED  # noqa: E402
from harness.server import Server  # noqa: E402


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the integration tests make namespaces, mounts and cgroups: run them as root", 2)
    if not config.option.collectonly:
        enter_own_network()


MOST = 300  # seconds of a test, and of what is made ready for it; nothing takes a third of that but the kernels of user-mode Linux
UNBOUNDED = ("tests/faults/", "tests/screen/long/")  # sweeps


def bounded(item, seconds):
    """A test that waits for ever is a failure of its own and not the end of all tests behind it."""
    def end(number, frame):
        pytest.fail(f"not within {seconds} s")  # no Exception, which a test may take for an answer

    if item.nodeid.startswith(UNBOUNDED) or "MD_RACE_TRIES" in os.environ:
        yield
        return
    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    yield from bounded(item, 3 * MOST)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    yield from bounded(item, MOST if not SANITIZED else 3 * MOST)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    yield from bounded(item, MOST)


@pytest.fixture(scope="session")
def images():
    folder = tempfile.mkdtemp(prefix="md-images-", dir="/var/tmp")
    yield Images(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(images):
    p = Place(images)
    yield p
    left = p.close()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def server(place):
    """A demonstration server with the default image; alice, bob and admin have no workspace yet."""
    place.need_images("default")
    return Server(place).start()


@pytest.fixture
def bundle():
    """A bundle for mdocker-runtime; the container made of it must be gone without a trace in the end."""
    b = Bundle()
    yield b
    left = b.close()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def bundles():
    """Makes several of them."""
    made = []

    def make(**more):
        made.append(Bundle(**more))
        return made[-1]

    yield make
    left = [x for b in made for x in b.close()]
    assert not left, "left behind:\n" + "\n".join(left)
