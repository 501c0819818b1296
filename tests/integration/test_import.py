# SPDX-License-Identifier: Apache-2.0
"""Archives as others unpack them: `mdocker import` gives the tree that tar(1) gives."""

import io
import os
import random
import stat
import tarfile

import pytest

from harness.process import run

NAMES = ["a", "b", "c", "sub/d", "sub/e", "sub/deeper/f", "x" * 90 + "/" + "y" * 120, "n" * 255, "sp ace", "umläut", "-dash", "back\\slash"]


def random_entries(rng):
    """Of an archive that overwrites nothing but what is a file: what replaces what is each tool's own affair."""
    folders, files = {""}, []
    for name in rng.sample(NAMES, rng.randrange(3, len(NAMES))):
        for i, c in enumerate(name):
            if c == "/" and name[:i] not in folders:
                folders.add(name[:i])
                entry = tarfile.TarInfo(name[:i])
                entry.type = tarfile.DIRTYPE
                yield entry, b""
        entry, data = tarfile.TarInfo(name), b""
        kind = rng.randrange(6)
        if kind == 0:
            entry.type = tarfile.DIRTYPE
        elif kind == 1:
            entry.type, entry.linkname = tarfile.SYMTYPE, rng.choice(["a", "../..", "/etc/passwd", "l" * 300])
        elif kind == 2:
            entry.type = tarfile.FIFOTYPE
        elif kind == 3 and files:
            entry.type, entry.linkname = tarfile.LNKTYPE, rng.choice(files)
        else:
            data = rng.randbytes(rng.choice([0, 1, 511, 512, 513, 70000]))
            files.append(name)
        yield entry, data


def write_archive(path, rng):
    with tarfile.open(path, "w", format=rng.choice([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])) as tar:
        for entry, data in random_entries(rng):
            entry.mode = rng.choice([0o755, 0o644, 0o4755, 0o2711, 0o1777, 0o400])
            entry.uid, entry.gid = rng.choice([0, 1000, 65535]), rng.choice([0, 5])
            entry.mtime = rng.choice([1, 1000000000, 1700000000.25, 5000000000])
            entry.size = len(data)
            if entry.isreg() and tar.format == tarfile.PAX_FORMAT and rng.randrange(2):
                entry.pax_headers = {"SCHILY.xattr.user.note": "some value"}
            tar.addfile(entry, io.BytesIO(data))


def tree(root):
    """All of it that an archive says; links to the same file have the same number."""
    found, numbers = {}, {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            about = [stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns,
                     numbers.setdefault(st.st_ino, len(numbers)) if st.st_nlink > 1 and not stat.S_ISDIR(st.st_mode) else None]
            if stat.S_ISLNK(st.st_mode):
                about[1] = os.readlink(path)
            elif stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    about += [f.read(), {a: os.getxattr(path, a) for a in os.listxattr(path)}]
            found[os.path.relpath(path, os.fsencode(root))] = about
    # The numbers depend on the order of the walk.
    linked = {}
    for name in sorted(found):
        if found[name][5] is not None:
            found[name][5] = linked.setdefault(found[name][5], name)
    return found


def layer_of(place, path, name):
    place.mdocker("import", path, name).ok()
    (layer,) = [d for d in (place.root / "layers").iterdir() if not d.name.startswith(".new-")]
    return layer / "diff"


@pytest.mark.parametrize("seed", range(12))
def test_the_same_tree_as_tar(place, tmp_path, seed):
    write_archive(tmp_path / "archive", random.Random(seed))
    (tmp_path / "theirs").mkdir()
    run(["tar", "--xattrs", "--xattrs-include=user.*", "--same-owner", "--delay-directory-restore",
         "-xpf", tmp_path / "archive", "-C", tmp_path / "theirs"]).ok()
    assert tree(layer_of(place, tmp_path / "archive", "x")) == tree(tmp_path / "theirs")


def test_a_deep_folder_is_replaced_by_a_file(place, tmp_path):
    """The program that unpacks has few system calls: what removes a folder makes do with them."""
    with tarfile.open(tmp_path / "archive", "w") as tar:
        entry = tarfile.TarInfo("top/" + "/".join("d" * 100))
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
        tar.addfile(tarfile.TarInfo("top"))
    top = layer_of(place, tmp_path / "archive", "x") / "top"
    assert top.is_file()
