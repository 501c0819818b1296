# SPDX-License-Identifier: Apache-2.0
"""Real older builds, from this repository's history: the last one of each earlier version of the shim's protocol. Their shims go on under this
server, and this build's under theirs: no shell, no byte of output and no key is lost. (Before version 3 nobody counted the keys: there none is on
its way when the servers change.)"""

import re
import subprocess

import pytest

from harness import BUILD, REPOSITORY
from harness.uproar import Uproar

NO_PICTURES = 4001  # the close code
HEADER = "src/wire/shim_wire.h"
PROGRAMS = ["mdocker", "mdocker-shim", "mdocker-runtime", "mdocker-init", "mdocker-unpack", "mdockerd"]
COUNTS_KEYS = 3
PRESENT = int(re.search(r"SHIM_VERSION = (\d+),", (REPOSITORY / HEADER).read_text()).group(1))


def git(*args):
    return subprocess.run(["git", "-c", f"safe.directory={REPOSITORY}", "-C", REPOSITORY, *args], check=True, capture_output=True).stdout


def last_with(version):
    """The last commit of that version of the protocol."""
    try:
        changes = git("log", "--format=%H", f"-SSHIM_VERSION = {version},", "--", HEADER).decode().split()
        return git("rev-parse", f"{changes[0]}^").decode().strip()
    except (OSError, IndexError, subprocess.CalledProcessError):
        pytest.skip("this copy of the source has no history")


def build(revision):
    """The programs of that commit; built once."""
    folder = BUILD / "old" / revision[:12]
    if not (folder / "build" / "built").exists():
        (folder / "source").mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "x", "-C", folder / "source"], input=git("archive", revision), check=True)
        if not (folder / "build" / "build.ninja").exists():
            subprocess.run(["meson", "setup", folder / "build", folder / "source"], check=True, capture_output=True)
        r = subprocess.run(["ninja", "-C", folder / "build", *(f"src/{p}" for p in PROGRAMS)], capture_output=True, text=True)
        assert r.returncode == 0, r.stdout[-2000:]
        (folder / "build" / "built").touch()
    return folder / "build" / "src"


@pytest.fixture(params=range(1, PRESENT), ids=lambda v: f"version-{v}")
def old(request):
    return build(last_with(request.param)), request.param < COUNTS_KEYS


def test_shims_of_an_older_build_go_on_under_this_server(place, old, record_property):
    programs, calm = old
    uproar = Uproar(place, users=2, terminals_each=2, programs=programs, calm=calm)
    uproar.upgrade()
    uproar.kill("web", "broker")
    uproar.new_terminals()
    uproar.end(record_property, keys_each=2)


def test_the_wall_says_that_an_older_build_makes_no_pictures_and_the_look_shows_it(place, old, record_property):
    programs, calm = old
    uproar = Uproar(place, users=1, terminals_each=1, programs=programs, calm=calm)
    uproar.upgrade()
    admin = uproar.web.login("admin")
    (listed,) = admin.request("GET", "/api/v1/wall").json["workspaces"]
    (terminal,) = listed["terminals"]
    query = f"?user=alice&terminal={terminal['id']}"
    assert admin.open(f"{query}&wall=1", subprotocol="mdocker.v1").expect_closed()[0] == NO_PICTURES
    look = admin.open(query, subprotocol="mdocker.v1")
    assert look.expect_message("hello")["read_only"] is True
    look.close()
    uproar.end(record_property, keys_each=2)


def test_shims_of_this_build_go_on_under_an_older_server(place, old, record_property):
    """As when an upgrade is taken back while shells run."""
    programs, calm = old
    uproar = Uproar(place, users=2, terminals_each=2, calm=calm)
    uproar.upgrade(programs, "mdockerd")
    uproar.kill("web")
    uproar.new_terminals()
    uproar.upgrade()
    uproar.end(record_property, keys_each=2)
