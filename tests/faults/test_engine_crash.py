# SPDX-License-Identifier: Apache-2.0
"""`mdocker` is killed, or a system call of it fails, at every step of making, starting and removing a workspace. Afterwards the next
commands list, remove and make it again, and nothing is left (the place sees to that).

strace counts each system call by its name, in each process apart; with -f the child that makes the mounts, the shim and the
runtime are cut as well."""

import collections
import json
import re
import shutil
import subprocess

import pytest

from harness.process import kill_session, run

# Calls that change something, and every how many-th of them is tried.
CALLS = {"mkdir": 1, "mkdirat": 1, "renameat": 1, "unlinkat": 1, "fsync": 1, "flock": 1, "fchownat": 1, "openat": 5, "clone": 1,
         "unshare": 1, "pipe2": 1, "wait4": 1}
FOLLOWED = {"mount": 1, "move_mount": 1, "open_tree": 1, "mount_setattr": 1, "execve": 1, "unshare": 1, "clone": 1, "mkdirat": 4}
IMPORT = CALLS | {"unlinkat": 60}  # the image that is replaced has many files
STEPS = 1000  # more than any of these commands has: a sweep ends at the first run that was not hit


@pytest.fixture
def box(place):
    assert shutil.which("strace"), "install strace"
    return place.need_images("busybox")


def injected(place, call, what, step, args, follow):
    """Runs mdocker with the step-th `call` replaced. Returns (hit, exit code or None, stderr)."""
    log = place.folder / "strace"
    p = subprocess.Popen(["strace", *(["-f"] if follow else []), "-qq", "-o", log, "-e", f"trace={call}", "-e",
                          f"inject={call}:{what}:when={step}", *place.argv(*args)],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                         start_new_session=True)
    try:
        _, err = p.communicate(timeout=6)
    except subprocess.TimeoutExpired:
        # A container whose shim was killed runs on under strace, until somebody removes it.
        kill_session(p.pid)
        _, err = p.communicate()
    counts = collections.Counter(re.findall(rf"^(\d* *){call}\(", log.read_text(), re.MULTILINE))
    log.unlink()
    return max(counts.values(), default=0) >= step, p.returncode, err


def assert_usable(place, where):
    """Whatever happened: all workspaces are listed, can be removed, and the name can be had again."""
    listed = place.mdocker("ps", "-a", "--format", "json").ok()
    for line in listed.out.splitlines():
        place.mdocker("rm", "-f", json.loads(line)["id"]).ok()
    r = place.mdocker("run", "--rm", "--name", "victim", "busybox", "echo", "alive")
    assert r.out == "alive\n", f"{where}: {r!r}"
    assert not place.workspaces(), where


def sweep(place, calls, what, prepare, args, follow=False):
    hits = 0
    for call, stride in calls.items():
        for step in range(1, STEPS, stride):
            prepare()
            hit, code, err = injected(place, call, what, step, args, follow)
            if not hit:
                break
            hits += 1
            if what.startswith("error") and code not in (0, None) and not follow:
                assert "mdocker: " in err, f"{call} {step}: exit code {code}, {err!r}"
            assert_usable(place, f"{call} {step} {what}")
        else:
            raise AssertionError(f"more than {STEPS} steps")
    assert hits > 10, f"only {hits} injections"


RUN = ("run", "-d", "--name", "victim", "busybox", "sleep", "1000")
SHORT = ("run", "--rm", "--name", "victim", "busybox", "true")


@pytest.mark.parametrize("what", ["signal=KILL", "error=ENOSPC", "error=EMFILE"])
def test_run_is_cut_at_every_step(box, what):
    sweep(box, CALLS, what, lambda: None, RUN)


@pytest.mark.parametrize("what", ["signal=KILL", "error=ENOMEM"])
def test_the_child_the_shim_and_the_runtime_are_cut_too(box, what):
    sweep(box, FOLLOWED, what, lambda: None, SHORT, follow=True)


@pytest.mark.parametrize("what", ["signal=KILL", "error=EIO"])
def test_rm_is_cut_at_every_step(box, what):
    def prepare():
        box.mdocker("rm", "-f", "victim").ok()
        box.mdocker(*RUN).ok()
    sweep(box, CALLS, what, prepare, ("rm", "-f", "victim"))


def test_import_is_cut_at_every_step(box):
    for what in ("signal=KILL", "error=ENOSPC"):
        sweep(box, IMPORT, what, lambda: None, ("import", box.images.busybox_tar, "again"))
        box.mdocker("rmi", "again")
    assert run(["find", box.root / "layers", "-name", ".new-*"]).ok().out == ""


@pytest.mark.parametrize("call", ["connect", "sendmsg"])
def test_output_and_exit_code_of_a_command_whose_shim_is_gone_before_it_is_asked(box, call):
    r = run(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:delay_enter=1000000",
             *box.argv("run", "--rm", "busybox", "sh", "-c", "echo said; exit 5")])
    assert (r.code, r.out) == (5, "said\n"), r
