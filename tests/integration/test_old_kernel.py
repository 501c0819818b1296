# SPDX-License-Identifier: Apache-2.0
"""Workspaces on a kernel without idmapped mounts (before 5.12), which is had by denying mount_setattr(2): the same, from a copy of
the image."""

import errno
import os
import struct

import pytest

from harness.deny import deny
from harness.process import run

CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)  # NET_BIND_SERVICE, effective, version 2


@pytest.fixture
def rootfs(place):
    """A tree with all that a change of owner could lose."""
    place.need_images("busybox")
    tree = place.folder / "tree"
    run(["cp", "-a", place.layer("busybox"), tree]).ok()
    own = tree / "own"
    own.mkdir()
    for name, owner, mode in (("root", 0, 0o644), ("user", 1000, 0o640), ("high", 200000, 0o600), ("setuid", 0, 0o4755),
                              ("setgid", 1000, 0o2755), ("caps", 0, 0o755)):
        (own / name).write_text("x")
        os.chown(own / name, owner, owner)
        os.chmod(own / name, mode)
    os.setxattr(own / "caps", "security.capability", CAPABILITY)
    os.link(own / "user", own / "again")
    os.symlink("/nowhere", own / "link")
    os.lchown(own / "link", 1000, 1000)
    os.mkfifo(own / "fifo")
    return tree


LOOK = "stat -c '%n %u %g %a %F' /own/* /own /bin/busybox; stat -c %h /own/again; touch /own/new /root/x && id -u"
WITHOUT = {"preexec_fn": deny(["mount_setattr"])}


def test_the_same_files_from_a_copy(place, rootfs):
    command = ["run", "--rm", "--rootfs", rootfs, "/bin/sh", "-c", LOOK]
    wanted = place.mdocker(*command).ok()
    got = place.mdocker(*command, **WITHOUT).ok()
    assert got.out == wanted.out and "high 65534 65534" in got.out and "setuid 0 0 4755" in got.out
    assert "no idmapped mounts" in got.err and "no idmapped mounts" not in wanted.err


def test_file_capabilities_mean_something_inside_and_nothing_outside(place, rootfs):
    place.mdocker("run", "-d", "--name", "w", "--rootfs", rootfs, "/bin/sleep", "600", **WITHOUT).ok()
    copy = place.root / "workspaces" / next(iter(place.workspaces())) / "layers" / "0" / "own" / "caps"
    magic, permitted, _, _, _, rootid = struct.unpack("<6I", os.getxattr(copy, "security.capability"))
    assert magic == 0x03000001 and permitted == 1 << 10 and rootid == copy.stat().st_uid >= 1 << 20


def test_it_is_made_once_and_goes_with_the_workspace(place):
    place.need_images("busybox")
    r = place.mdocker("run", "-d", "--name", "w", "busybox", "/bin/sleep", "600", **WITHOUT).ok()
    assert r.err.count("no idmapped mounts") == 1
    copies = place.root / "workspaces" / next(iter(place.workspaces())) / "layers"
    assert os.listdir(copies) == ["0"]
    place.mdocker("exec", "w", "/bin/sh", "-c", "echo kept > /root/f").ok()
    place.mdocker("stop", "-t", "0", "w").ok()
    again = place.mdocker("start", "w", **WITHOUT).ok()
    assert "no idmapped mounts" not in again.err
    assert place.mdocker("exec", "w", "/bin/cat", "/root/f", **WITHOUT).ok().out == "kept\n"
    # The image is as it was, for others and for a newer kernel.
    assert os.stat(place.layer("busybox") / "bin").st_uid == 0
    place.mdocker("stop", "-t", "0", "w").ok()
    place.mdocker("start", "w").ok()
    assert place.mdocker("exec", "w", "/bin/cat", "/root/f").ok().out == "kept\n"
    place.mdocker("rm", "-f", "w").ok()
    assert not copies.exists()


def test_a_half_made_copy_is_made_anew(place):
    place.need_images("busybox")
    place.mdocker("run", "--name", "w", "busybox", "/bin/true").ok()
    half = place.root / "workspaces" / next(iter(place.workspaces())) / "layers" / "0.new" / "rest"
    half.mkdir(parents=True)
    place.mdocker("start", "w", **WITHOUT).ok()
    assert os.listdir(half.parents[1]) == ["0"] and not (half.parents[1] / "0" / "rest").exists()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EPERM])
def test_volumes_keep_their_flags(place, code):
    place.need_images("busybox")
    folder = place.folder / "v"
    folder.mkdir(mode=0o777)
    os.chmod(folder, 0o777)
    r = place.mdocker("run", "--rm", "-v", f"{folder}:/rw", "-v", f"{folder}:/ro:ro", "busybox", "/bin/sh", "-c",
                      "touch /rw/a && ls /ro && touch /ro/b || echo ro; grep -c -E ' /r[wo] .*nosuid,nodev' /proc/self/mountinfo",
                      preexec_fn=deny(["mount_setattr"], code))
    if code == errno.ENOSYS:
        assert r.ok().out.split() == ["a", "ro", "2"]
    else:
        # A filter that forbids, instead of an old kernel: no guess, a clear word.
        assert r.code != 0 and "Operation not permitted" in r.err


def test_doctor_says_what_it_costs(place):
    out = place.mdocker("doctor", **WITHOUT).out
    line = next(line for line in out.splitlines() if "idmapped" in line)
    assert line.startswith("weaker") and "copy of the image" in out
