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
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness.bundle import Bundle  # noqa: E402
from harness.images import Images  # noqa: E402
from harness.own_network import enter_own_network  # noqa: E402
from harness.place import Place  # noqa: E402
from harness.server import Server  # noqa: E402


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the integration tests make namespaces, mounts and cgroups: run them as root", 2)
    if not config.option.collectonly:
        enter_own_network()


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
