# SPDX-License-Identifier: Apache-2.0
"""Images for tests: a tiny one of busybox, made here, and the default one as `make image` built it.

They are imported once a session. A place of a test gets them in milliseconds: copies of the small documents, and
for each layer a link to the session's.
"""

import io
import json
import os
import pathlib
import shutil
import tarfile

from . import BUILD, program
from .process import run

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nuser:x:1000:1000::/home/user:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\nuser:x:1000:\nextra:x:2000:user\n",
}
FOLDERS = ["bin", "dev", "etc", "home/user", "proc", "root", "run", "sys", "tmp", "usr/bin", "var"]


def busybox_path():
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        if os.path.exists(path):
            assert b"statically linked" in run(["file", "-L", path], text=False).out, \
                f"{path} is not static: install busybox-static"
            return path
    raise AssertionError("no busybox: install busybox-static")


def make_busybox_tar(path, files=None):
    """A root file system of one program, with `files` ({name: text or bytes}) besides."""
    applets = run([busybox_path(), "--list"]).ok().out.split()
    with tarfile.open(path, "w") as tar:
        for folder in FOLDERS:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for name, text in (FILES | (files or {})).items():
            data = text.encode() if isinstance(text, str) else text
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755 if name.startswith(("bin/", "usr/bin/")) else 0o644
            tar.addfile(entry, io.BytesIO(data))
        entry = tar.gettarinfo(busybox_path(), "bin/busybox")
        entry.type, entry.uid, entry.gid, entry.mode = tarfile.REGTYPE, 0, 0, 0o755
        with open(busybox_path(), "rb") as f:
            tar.addfile(entry, f)
        for applet in applets:
            if applet == "busybox":
                continue
            entry = tarfile.TarInfo("bin/" + applet)
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return path


class Images:
    """The session's store."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder) / "store"
        self.root.mkdir()
        self.names = set()
        self.busybox_tar = make_busybox_tar(str(pathlib.Path(folder) / "busybox.tar"))

    def need(self, name):
        if name in self.names:
            return
        tars = {"busybox": self.busybox_tar, "default": str(BUILD / "default-image.tar")}
        assert os.path.exists(tars[name]), f"{tars[name]} is missing: run `make image`"
        state = self.root.parent / "state"
        run([program("mdocker"), "--root", self.root, "--state", state, "import", tars[name], name],
            timeout=300).ok()
        self.names.add(name)

    def give(self, root, names):
        for name in names:
            self.need(name)
        for folder in ("images", "layers"):
            os.makedirs(root / folder, mode=0o700, exist_ok=True)
        for name in names:
            shutil.copy(self.root / "images" / (name + ".json"), root / "images")
        for layer in {layer for name in names
                      for layer in json.loads((self.root / "images" / (name + ".json")).read_text())["layers"]}:
            if not (root / "layers" / layer).exists():
                os.symlink(self.root / "layers" / layer, root / "layers" / layer)
