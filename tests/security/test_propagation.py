# SPDX-License-Identifier: Apache-2.0
"""On a host whose mounts are shared with all that copy its mount namespace, as systemd makes them: what a workspace mounts isn't seen
there, and what the host mounts later isn't seen in a workspace. The host is a mount namespace of the test's own."""

import re

import pytest

from harness import program
from harness.process import run


@pytest.fixture
def host(place):
    """A command that runs another one on that host, and the volume's folder."""
    place.need_images("busybox")
    folder = place.folder / "volume"
    (folder / "sub").mkdir(parents=True)
    holder = place.start(["unshare", "-m", "--propagation", "shared", "sh", "-c",
                          f"mount --bind {folder} {folder} && mount --make-shared {folder} && touch {folder}/ready && exec sleep 1000"])
    run(["timeout", "20", "sh", "-c", f"until [ -e {folder}/ready ]; do sleep 0.05; done"]).ok()
    return ["nsenter", "-m", "-t", str(holder.pid)], folder


def mounts(host, pid="self"):
    """{target: whether it is shared}, of the host or as a process sees it"""
    lines = run([*host, "cat", f"/proc/{pid}/mountinfo"]).ok().out.splitlines()
    return {line.split()[4]: bool(re.search(r" shared:\d+ ", line.partition(" - ")[0] + " ")) for line in lines}


def test_no_mount_passes_between_a_workspace_and_the_host(place, host):
    host, folder = host
    before = mounts(host)
    assert before[str(folder)] and before["/"], "the test's host shares its mounts"
    run([*host, *place.argv("run", "-d", "--name", "w", "-v", f"{folder}:/volume", "busybox", "/bin/sleep", "1000")]).ok()
    assert mounts(host) == before, "of the workspace's mounts the host sees none"
    inside = run([*host, *place.argv("exec", "w", "cat", "/proc/self/mountinfo")]).ok().out
    assert "/volume" in inside and "shared:" not in inside, inside
    holder = (place.state / "workspaces" / next(iter(place.workspaces())) / "shim.pid").read_text().strip()
    assert not any(mounts(host, holder).values()), "nor are those of its session holder"
    run([*host, "mount", "-t", "tmpfs", "later", folder / "sub"]).ok()
    run([*host, "touch", folder / "sub" / "secret"]).ok()
    assert run([*host, *place.argv("exec", "w", "ls", "/volume/sub")]).ok().out == "", "what is mounted later is the host's alone"
    run([*host, "umount", folder / "sub"]).ok()
    run([*host, *place.argv("rm", "-f", "w")]).ok()
    assert mounts(host) == before


def test_nor_between_a_container_without_a_user_namespace_and_the_host(place, host):
    """Where the kernel doesn't make slaves of all mounts by itself."""
    host, _ = host
    bundle = place.bundle(args=["/bin/cat", "/proc/self/mountinfo"])
    before = mounts(host)
    r = run([*host, program("mdocker-runtime"), "--root", place.state / "runtime", "run", "--bundle", bundle, "propagation"]).ok()
    assert "/proc" in r.out and "shared:" not in r.out, r.out
    assert mounts(host) == before
