# SPDX-License-Identifier: Apache-2.0
"""Each wrong input: one clear line that names the thing, an exit code that is not 0, nothing left (the place sees to that)."""

import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from harness import program
from harness.process import run, wait_until
from harness.server import Server

# arguments, exit code, words of the line
MDOCKER = [
    (["run", "no-such-image", "true"], 125, ["no image 'no-such-image'"]),
    (["run", "bad//name", "true"], 125, ["bad//name"]),
    (["run", "--memory", "lots", "busybox", "true"], 125, ["memory", "lots"]),
    (["run", "--pids-limit", "many", "busybox", "true"], 125, ["pids-limit", "many"]),
    (["run", "--cpus", "x", "busybox", "true"], 125, ["processors", "'x'"]),
    (["run", "--hostname", "-bad-", "busybox", "true"], 125, ["-bad-"]),
    (["run", "--name", "../x", "busybox", "true"], 125, ["../x"]),
    (["run", "-v", "/no/such/folder:/x", "busybox", "true"], 125, ["/no/such/folder"]),
    (["run", "--no-such-option", "busybox", "true"], 125, ["no-such-option"]),
    (["run", "--rootfs", "/no/such/folder", "/bin/sh"], 125, ["/no/such/folder"]),
    (["run", "busybox", "/no/such/program"], 127, ["/no/such/program"]),
    (["run", "busybox", "/etc/passwd"], 126, ["/etc/passwd"]),
    (["exec", "nobody", "true"], 125, ["nobody"]),
    (["attach", "nobody"], 125, ["nobody"]),
    (["stop", "nobody"], 1, ["nobody"]),
    (["kill", "nobody"], 1, ["nobody"]),
    (["rm", "nobody"], 1, ["nobody"]),
    (["logs", "nobody"], 1, ["nobody"]),
    (["rmi", "nothing"], 1, ["nothing"]),
    (["import", "/no/such/file", "x"], 1, ["/no/such/file"]),
    (["import", "/etc/passwd", "x"], 1, ["archive"]),
    (["import", "/etc/passwd", "../x"], 1, ["../x"]),
    (["no-such-command"], 125, ["no-such-command"]),
    (["help", "no-such-command"], 125, ["no-such-command", "`mdocker help`"]),
    (["help", "run", "more"], 125, ["more"]),
    (["version", "more"], 125, ["more"]),
    (["--root", "", "ps"], 1, ["--root", "empty"]),
    (["recordings", "export", "nobody"], 125, ["export", "a workspace and a recording"]),
    (["template", "rm", "nothing"], 1, ["no template 'nothing'", "mdocker template ls"]),
    (["template", "set", "long", "--description", "x" * 70000], 1, ["'long'", "64 KiB"]),
]


@pytest.mark.parametrize("args,code,words", MDOCKER, ids=[" ".join(a)[:60] for a, _, _ in MDOCKER])
def test_mdocker_says_what_is_wrong(place, args, code, words):
    place.need_images("busybox")
    r = place.mdocker(*args)
    assert r.code != 0, repr(r)
    r.failed(code if r.code == code else r.code, *words)
    assert r.code == code, repr(r)
    assert not place.workspaces(), "a failed start leaves no workspace"


def test_without_root_it_says_so(place):
    place.need_images("busybox")
    shutil.chown(place.folder, "nobody")
    r = run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *place.argv("run", "busybox", "true")])
    assert r.code == 125, repr(r)
    assert "root" in r.err or "ermission" in r.err, repr(r)
    assert len(r.err.strip().splitlines()) == 1, repr(r)


def test_a_rootfs_without_a_shell(place):
    empty = place.folder / "empty"
    empty.mkdir()
    r = place.mdocker("run", "--rootfs", empty, "/bin/bash")
    r.failed(127, "/bin/bash")


@pytest.mark.parametrize("text,words", [
    ("", ["config.json"]),
    ("{", ["config.json"]),
    ("[]", ["object"]),
    ("{\"ociVersion\": 5}", ["ociVersion"]),
    ("{\"ociVersion\": \"1.0.2\", \"ociVersion\": \"1.0.2\"}", ["duplicate"]),
    ("{\"ociVersion\": \"1.0.2\", \"root\": {\"path\": \"rootfs\"}, \"process\": {\"args\": [7], \"cwd\": \"/\"}}", ["process.args"]),
    ("[" * 10000, ["config.json"]),
], ids=["empty", "cut", "no object", "wrong type", "twice", "wrong item", "deep"])
def test_a_bundle_that_is_wrong_is_refused_by_name(place, text, words):
    bundle = place.folder / "b"
    (bundle / "rootfs").mkdir(parents=True)
    (bundle / "config.json").write_text(text)
    r = place.runtime("run", "--bundle", bundle, "bad-input")
    assert r.code not in (0, 128 + 11, -11, -6), repr(r)
    for word in words:
        assert word in r.err, repr(r)


def test_a_config_that_is_a_fifo_is_refused_at_once(place):
    bundle = place.folder / "b"
    bundle.mkdir()
    os.mkfifo(bundle / "config.json")
    r = place.runtime("run", "--bundle", bundle, "bad-input")
    assert r.code != 0 and "config.json" in r.err, repr(r)


def test_a_port_in_use_is_named(place):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        address = f"127.0.0.1:{s.getsockname()[1]}"
        r = run([program("mdockerd"), "--demo", "--listen", address, "--root", place.root, "--state", place.state])
    assert r.code != 0, repr(r)
    assert address in r.err and "in use" in r.err, repr(r)
    assert len(r.err.strip().splitlines()) == 1, repr(r)


@pytest.mark.parametrize("options,words", [
    (["--listen", "nonsense"], ["nonsense"]),
    (["--listen", "0.0.0.0:0", "--demo"], ["0.0.0.0"]),
    (["--listen", "127.0.0.1:0", "--assets", "/no/such"], ["/no/such"]),
    (["--listen", "127.0.0.1:0", "--tls-cert", "/no/such"], ["tls"]),
    (["--config", "/no/such/file"], ["/no/such/file"]),
    (["--no-such-option"], ["no-such-option"]),
], ids=lambda v: " ".join(v))
def test_mdockerd_says_what_is_wrong(place, options, words):
    r = run([program("mdockerd"), "--root", place.root, "--state", place.state, *options])
    assert r.code != 0, repr(r)
    for word in words:
        assert word in r.err, repr(r)
    assert len(r.err.strip().splitlines()) == 1, repr(r)


@pytest.mark.parametrize("damage", ["{", ""], ids=["cut", "empty"])
def test_a_workspace_whose_document_is_damaged_keeps_its_ids_and_its_image(place, damage):
    place.need_images("busybox")
    place.mdocker("run", "--name", "hurt", "busybox", "chown", "1000:1000", "/").ok()
    folder = next((place.root / "workspaces").glob("*/workspace.json")).parent
    whole = (folder / "workspace.json").read_text()
    (folder / "workspace.json").write_text(damage)
    refused = place.mdocker("rmi", "busybox")
    assert refused.code == 1 and f"used by workspace '{folder.name}'" in refused.err, refused
    place.mdocker("system", "prune").ok()
    place.mdocker("run", "--name", "new", "busybox", "true").ok()
    blocks = [f.stat().st_uid >> 16 for f in (place.root / "workspaces").glob("*/upper")]
    assert len(blocks) == len(set(blocks)) == 2, blocks
    (folder / "workspace.json").write_text(whole)
    place.mdocker("start", "hurt").ok()
    place.mdocker("rm", "-f", "hurt", "new").ok()
    place.mdocker("rmi", "busybox").ok()


@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
def test_a_workspace_whose_document_is_damaged_is_removed_by_its_id(place, running):
    """Whole: its processes, its files, and what keeps its image."""
    place.need_images("busybox")
    place.mdocker("run", *(["-d"] if running else []), "--name", "hurt", "busybox", *(["sleep", "600"] if running else ["true"])).ok()
    folder = next((place.root / "workspaces").glob("*/workspace.json")).parent
    shim = int((place.state / "workspaces" / folder.name / "shim.pid").read_text().split()[0]) if running else None
    (folder / "workspace.json").write_text("{")
    told = place.mdocker("ps", "-a").err
    assert f"mdocker rm -f {folder.name}" in told, told
    assert place.mdocker("rm", folder.name).code != 0
    assert folder.exists()
    place.mdocker("rm", "-f", folder.name).ok()
    assert not folder.exists()
    assert not list((place.state / "workspaces").glob("*"))
    if shim:
        wait_until(lambda: not pathlib.Path(f"/proc/{shim}").exists(), "the shim's end")
    place.mdocker("rmi", "busybox").ok()


@pytest.fixture
def small_disk(place):
    """The place's root on a file system of 24 MiB."""
    place.need_images("busybox")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "small", place.root], check=True)
    place.need_images("busybox")
    yield place
    place.remove_all()
    subprocess.run(["umount", "-l", place.root], check=True)


def fill(folder):
    """Leaves no byte free. The file, to make room again."""
    path = pathlib.Path(folder) / "filler"
    with open(path, "wb", buffering=0) as f:
        for size in (1 << 20, 4096):
            try:
                while f.write(b"x" * size):
                    pass
            except OSError:
                pass
    return path


def test_a_full_disk_is_named_and_nothing_half_made_stays(small_disk):
    place = small_disk
    filler = fill(place.root)
    for args in (["run", "--name", "full", "busybox", "true"], ["import", place.images.busybox_tar, "again"]):
        r = place.mdocker(*args)
        assert r.code != 0, repr(r)
        assert "No space left" in r.err, repr(r)
        assert len(r.err.strip().splitlines()) == 1, repr(r)
    assert not place.workspaces()
    assert "again" not in place.mdocker("images").ok().out
    filler.unlink()
    place.mdocker("run", "--rm", "busybox", "true").ok()


def test_a_workspace_whose_disk_is_full_still_works_and_can_be_removed(small_disk):
    place = small_disk
    r = place.mdocker("run", "--name", "x", "busybox", "sh", "-c", "head -c 100m /dev/zero > /big; echo code $?")
    # Where the layer is an image file on that disk, its file system meets the end of the disk as an error of its device.
    assert "No space left" in r.err or "I/O error" in r.err, repr(r)
    assert "code 1" in r.out, repr(r)
    place.mdocker("rm", "x").ok()
    assert not place.workspaces()


def test_no_pids_controller_is_named(place):
    """A host that lacks a controller which the limits need: in a mount namespace without it."""
    place.need_images("busybox")
    if os.path.isdir("/sys/fs/cgroup/pids"):
        hide = "umount /sys/fs/cgroup/pids"
    else:
        hide = "umount -R /sys/fs/cgroup"
    argv = " ".join(f"'{a}'" for a in place.argv("run", "--rm", "busybox", "true"))
    r = run(["unshare", "-m", "--propagation", "private", "sh", "-c", f"{hide} && exec {argv}"])
    assert r.code == 125, repr(r)
    assert "pids" in r.err or "cgroup" in r.err, repr(r)
    assert len(r.err.strip().splitlines()) == 1, repr(r)
