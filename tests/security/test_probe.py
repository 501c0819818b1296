# SPDX-License-Identifier: Apache-2.0
"""A hostile root inside a workspace of the default profile tries everything that tests/security/probe knows. A LEAK is a
failure; what a kernel doesn't have is ABSENT, which shows nothing and is counted as such."""

import ctypes
import json
import os
import secrets
import socket

import pytest

from harness import BUILD
from harness.process import run

PROBE = BUILD / "tests" / "security" / "probe"


class Canaries:
    """Things of the host, each with a secret, that nobody inside may reach."""

    def __init__(self, place):
        self.secret = secrets.token_hex(16)
        self.file = place.folder / "canary"
        self.file.write_text(self.secret)
        place.start(["sleep", "1000"], env={"CANARY": self.secret})
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.abstract = "md-canary-" + secrets.token_hex(4)
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind("\0" + self.abstract)
        self.unix.listen()
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.key = secrets.randbelow(1 << 30) + 1
        self.shm = self.libc.shmget(self.key, 4096, 0o1666)
        assert self.shm >= 0, os.strerror(ctypes.get_errno())

    def arguments(self):
        return [f"file={self.file}", f"secret={self.secret}", f"port={self.tcp.getsockname()[1]}",
                f"abstract={self.abstract}", f"shm={self.key}"]

    def close(self):
        self.tcp.close()
        self.unix.close()
        self.libc.shmctl(self.shm, 0, None)


@pytest.fixture
def canaries(place):
    c = Canaries(place)
    yield c
    c.close()


def verdicts(result):
    """{technique: (verdict, detail)} of the probe's lines; the last one says that it came to its end."""
    lines = result.out.splitlines()
    assert lines and lines[-1] == "done", repr(result)
    return {name: (verdict, detail) for name, verdict, detail in
            (line.split(" ", 2) if line.count(" ") > 1 else (*line.split(" ", 1), "") for line in lines[:-1])}


def leaks(found):
    return [f"{name}: {detail}" for name, (verdict, detail) in found.items() if verdict == "LEAK"]


def test_the_canaries_can_be_reached_from_the_host(place, canaries):
    """Else a LEAK could never be seen: on the host, unconfined, the probe finds each canary that needs no privilege."""
    with socket.create_connection(canaries.tcp.getsockname()):
        pass
    assert canaries.file.read_text() == canaries.secret
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0" + canaries.abstract)
    assert canaries.libc.shmget(canaries.key, 0, 0) >= 0


def test_nothing_leaks_from_a_workspace(place, canaries):
    place.need_images("busybox")
    result = place.mdocker("run", "--rm", "--pids-limit", "50", "-v", f"{PROBE}:/probe:ro", "busybox", "/probe",
                           *canaries.arguments(), timeout=120).ok()
    found = verdicts(result)
    assert len(found) > 150
    assert not leaks(found), "\n".join(leaks(found))


def test_nothing_leaks_through_exec(place, canaries):
    """A process that enters later has no more than the first."""
    place.need_images("busybox")
    place.mdocker("run", "-d", "--name", "w", "--pids-limit", "50", "-v", f"{PROBE}:/probe:ro", "busybox",
                  "/bin/sleep", "1000").ok()
    found = verdicts(place.mdocker("exec", "w", "/probe", *canaries.arguments(), timeout=120).ok())
    assert not leaks(found), "\n".join(leaks(found))


def test_a_leak_is_seen(place, canaries):
    """The probe itself works: in a container without user namespace, filter and masks it reports LEAKs."""
    bundle = place.bundle(args=["/probe", *canaries.arguments()],
                          linux__maskedPaths=[], linux__readonlyPaths=[], process__noNewPrivileges=False)
    config = json.loads((bundle / "config.json").read_text())
    config["mounts"].append({"destination": "/probe", "source": str(PROBE), "type": "bind", "options": ["bind", "ro"]})
    config["root"] = {"path": "rootfs"}
    run(["cp", "-a", place.layer("busybox"), bundle / "rootfs"]).ok()
    (bundle / "config.json").write_text(json.dumps(config))
    found = verdicts(place.runtime("run", "--bundle", bundle, "probe-open", timeout=120).ok())
    seen = {name for name, (verdict, _) in found.items() if verdict == "LEAK"}
    assert {"seccomp-filter", "no_new_privs", "uid-map", "keyctl"} <= seen, sorted(seen)
