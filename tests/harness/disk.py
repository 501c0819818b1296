# SPDX-License-Identifier: Apache-2.0
"""A file system of a test's own: ext4 in a file. It can be full, and its power can go."""

import errno
import fcntl
import os
import shutil
import struct

from .process import run, wait_until

EXT4_IOC_SHUTDOWN, WITHOUT_JOURNAL = 0x8004587d, 2


class Disk:
    """Mounted at `at`; becomes the --root of the place."""

    def __init__(self, place, size="400M"):
        self.file, self.at = place.folder / "disk.img", place.folder / "disk"
        self.at.mkdir()
        run(["truncate", "-s", size, self.file]).ok()
        run(["mkfs.ext4", "-q", "-F", self.file], timeout=60).ok()
        self.mount()
        place.root = self.at / "r"
        place.root.mkdir(mode=0o700)
        place.at_end.append(self.unmount)

    def own_image(self, place, name):
        """Copies an image from the session's store onto this disk."""
        place.need_images(name)
        for layer in (place.root / "layers").iterdir():
            target = layer.resolve()
            layer.unlink()
            shutil.copytree(target, layer, symlinks=True)
        os.sync()

    def mount(self):
        run(["mount", "-o", "loop,commit=1", self.file, self.at]).ok()

    def unmount(self):
        """Here and in every namespace that had it: those end with their processes."""
        if os.path.ismount(self.at):
            wait_until(lambda: run(["umount", self.at]).code == 0, "the disk is not in use")
        wait_until(lambda: not run(["losetup", "-j", self.file]).out, "no namespace has the disk")

    def cut(self):
        """As a power cut: what was not on the disk is lost, and nothing more gets there."""
        fd = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("=I", WITHOUT_JOURNAL))
        finally:
            os.close(fd)

    def check(self):
        r = run(["e2fsck", "-fn", self.file], timeout=60)
        assert r.code == 0, repr(r)


class Filler:
    """Takes all the room that is left in a folder, and gives it back."""

    def __init__(self, folder):
        self.path = folder / "filler"

    def __enter__(self):
        with open(self.path, "wb", buffering=0) as f:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        f.write(bytes(size))
                except OSError as e:
                    assert e.errno == errno.ENOSPC, e
                    f.flush()
            os.fsync(f.fileno())
        return self

    def __exit__(self, *_):
        self.path.unlink()
        os.sync()
