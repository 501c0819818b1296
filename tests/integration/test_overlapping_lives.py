# SPDX-License-Identifier: Apache-2.0
"""The next command comes before the last life of a workspace has quite ended: what was killed on its way, what is still on its way
out, what hangs. strace makes the moment as long as the test needs it."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from harness import leaks, program
from harness.process import DEADLINE, wait_until


@pytest.fixture
def box(place):
    return place.need_images("busybox")


@pytest.fixture
def alice(box):
    box.mdocker(*OPEN).ok()
    return box


OPEN = ("workspace", "open", "alice", "--owner", "alice", "--image", "busybox")


def status(place, name):
    return json.loads(place.mdocker("inspect", name).ok().out)[0]["status"]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(child) for child in f.read().split()]


def halves(shim):
    """The children of a shim's warden that are the same program: its holder, and what is about to become the runtime."""
    def is_shim(pid):
        try:
            return b"/mdocker-shim" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False  # it has just ended
    return [pid for pid in children(shim) if is_shim(pid)]


def delayed(place, call, seconds, *args, when="1+"):
    """Under strace; each `call` of any of its processes, from the `when`-th on, comes so much later."""
    return place.start(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                        f"inject={call}:delay_enter={int(seconds * 1e6)}:when={when}", *args],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_traced(tracer):
    """The program itself; what it has started lives on, and is traced on."""
    (program,) = children(tracer.pid)
    os.kill(program, signal.SIGKILL)


# ---- what was killed ----

def test_a_user_who_stops_a_workspace_whose_shim_was_killed_stops_its_processes(alice):
    before = status(alice, "alice")
    os.kill(before["shimPid"], signal.SIGKILL)
    wait_until(lambda: status(alice, "alice")["state"] == "stopped", "the end of the shim")
    alice.mdocker("workspace", "stop", "alice", "--owner", "alice").ok()
    assert not os.path.exists(f"/proc/{before['pid']}") or leaks.zombie(before["pid"])


def test_a_run_whose_shim_was_killed_says_so(box):
    running = box.start(box.argv("run", "--name", "one", "busybox", "sleep", "1000"), stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: box.mdocker("exec", "one", "true").code == 0, "the workspace")
    os.kill(status(box, "one")["shimPid"], signal.SIGKILL)
    _, err = running.communicate(timeout=DEADLINE)
    assert running.returncode == 125 and "'one'" in err and "mdocker-shim has died" in err, (running.returncode, err)


def test_the_pid_of_a_killed_shim_may_be_anothers_who_names_the_workspace(alice):
    alice.mdocker("stop", "-t", "0", "alice").ok()
    (workspace,) = alice.workspaces()
    (alice.state / "workspaces" / workspace).mkdir()
    for argv in (["sh", "-c", "sleep 1000; :", workspace], ["sh", "-c", "sleep 1000; :", "/mdocker-shim", "--id", workspace]):
        other = alice.start(argv)
        (alice.state / "workspaces" / workspace / "shim.pid").write_text(f"{other.pid}\n")
        alice.mdocker("start", "alice").ok()
        assert other.poll() is None
        alice.mdocker("stop", "-t", "0", "alice").ok()
        (alice.state / "workspaces" / workspace).mkdir()


def test_a_user_whose_workspace_was_half_removed_gets_a_new_one(alice):
    alice.mdocker("stop", "-t", "0", "alice").ok()
    (old,) = alice.workspaces()
    document = alice.root / "workspaces" / old / "workspace.json"
    removal = delayed(alice, "flock", 3, *alice.argv("rm", "alice"), when=2)
    wait_until(lambda: json.loads(document.read_text())["removing"], "the mark of a removal")
    kill_traced(removal)
    alice.mdocker(*OPEN).ok()
    alice.mdocker("exec", "alice", "true").ok()
    assert old not in alice.workspaces()


def test_a_shim_that_comes_late_takes_nothing_of_the_next_one(alice):
    """Its mdocker was killed before it had left its pid; the second start waits for it."""
    alice.mdocker("stop", "-t", "0", "alice").ok()
    (workspace,) = alice.workspaces()
    late = delayed(alice, "setsid", 1, *alice.argv("start", "alice"))
    wait_until((alice.state / "workspaces" / workspace / "shim.log").exists, "the shim")
    kill_traced(late)
    alice.mdocker("start", "alice").ok()
    late.wait(DEADLINE)
    alice.mdocker("exec", "alice", "true").ok()


# ---- what is on its way out ----

@pytest.mark.parametrize("call", ["connect", "poll"])
def test_who_removes_ended_workspaces_leaves_a_slow_run_its_exit_code(box, call):
    slow = delayed(box, call, 1, *box.argv("run", "--rm", "busybox", "sh", "-c", "echo said; exit 5"))
    while slow.poll() is None:
        box.mdocker("ps").ok()
        box.mdocker("system", "prune").ok()
    out, err = slow.communicate()
    assert (slow.returncode, out) == (5, "said\n"), err
    assert not box.workspaces()


def slowly_ending(place, name):
    """PID 1 is dead, and the runtime's `delete` comes two seconds later."""
    before = status(place, name)
    tracer = delayed(place, "execve", 2, "-p", str(before["shimPid"]))
    wait_until(lambda: "TracerPid:\t0" not in Path(f"/proc/{before['shimPid']}/status").read_text(), "strace")
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: len(halves(before["shimPid"])) > 1, "the child that becomes `delete`")
    return tracer


@pytest.mark.parametrize("command", [("start", "alice"), OPEN])
def test_a_start_of_what_is_about_to_end_starts_it_anew(alice, command):
    tracer = slowly_ending(alice, "alice")
    alice.mdocker(*command).ok()
    tracer.wait(DEADLINE)
    alice.mdocker("exec", "alice", "true").ok()


def test_other_limits_for_what_is_about_to_end_are_those_of_its_next_run(alice):
    tracer = slowly_ending(alice, "alice")
    alice.mdocker("update", "--pids-limit", "33", "alice").ok()
    tracer.wait(DEADLINE)
    assert json.loads(alice.mdocker("inspect", "alice").ok().out)[0]["workspace"]["limits"]["pids"] == 33


def test_figures_of_all_leave_out_what_is_about_to_end(alice):
    alice.mdocker("run", "-d", "--name", "other", "busybox", "sleep", "1000").ok()
    slowly_ending(alice, "alice")
    assert "other" in alice.mdocker("stats").ok().out
    alice.mdocker("stats", "alice").failed(1, "'alice' is not running")
    alice.mdocker("kill", "alice").failed(1, "'alice' is not running")


def test_a_removal_of_what_is_about_to_end_needs_no_force(alice):
    slowly_ending(alice, "alice")
    alice.mdocker("rm", "alice").ok()
    assert not alice.workspaces()


# ---- what hangs ----

def fill_queue(path):
    waiting = []
    with pytest.raises(BlockingIOError):
        while True:
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK))
            waiting[-1].connect(str(path))
    return waiting


def test_a_shim_that_takes_no_connection_any_more_is_stopped_all_the_same(alice):
    (holder,) = halves(status(alice, "alice")["shimPid"])
    (workspace,) = alice.workspaces()
    os.kill(holder, signal.SIGSTOP)
    waiting = fill_queue(alice.state / "workspaces" / workspace / "shim.sock")
    assert "alice" in alice.mdocker("ps").ok().out
    alice.mdocker("stop", "-t", "0", "alice", timeout=60).ok()
    assert status(alice, "alice")["state"] == "stopped"
    for s in waiting:
        s.close()


# ---- what outlives who wanted it ----

class SlowDelete:
    """mdocker-runtime, but its first `delete` opens nothing for three seconds."""

    def __init__(self, place):
        folder = place.folder / "slow"
        folder.mkdir()
        self.path, self.log, once = folder / "mdocker-runtime", folder / "log", folder / "once"
        once.touch()
        self.path.write_text(f"""#!/bin/sh
case " $* " in
*" delete "*) rm {once} 2>&- && exec strace -D -qq -o {self.log} -e trace=open,openat \\
    -e inject=open,openat:delay_enter=3000000:when=1 {program("mdocker-runtime")} "$@" ;;
esac
exec {program("mdocker-runtime")} "$@"
""")
        self.path.chmod(0o755)

    def wait(self):
        wait_until(lambda: self.log.exists() and self.log.stat().st_size, "`delete` before its first file")

    def assert_harmless(self, place):
        """It must not delete what was started since."""
        place.mdocker("start", "alice").ok()
        ids = place.workspaces()
        wait_until(lambda: not [c for c in leaks.processes(ids).values() if " delete " in c], "the end of the slow `delete`")
        place.mdocker("exec", "alice", "true").ok()


def test_a_delete_ends_with_the_command_that_wanted_it(alice):
    slow, before = SlowDelete(alice), status(alice, "alice")
    os.kill(before["shimPid"], signal.SIGKILL)
    wait_until(lambda: status(alice, "alice")["state"] == "stopped", "the end of the shim")
    stopping = alice.start([*alice.argv("--runtime", slow.path), "stop", "alice"])
    slow.wait()
    stopping.kill()
    slow.assert_harmless(alice)


def test_a_delete_ends_with_the_shim_that_wanted_it(box):
    slow = SlowDelete(box)
    box.mdocker("--runtime", slow.path, *OPEN).ok()
    before = status(box, "alice")
    os.kill(before["pid"], signal.SIGKILL)
    slow.wait()
    os.kill(before["shimPid"], signal.SIGKILL)
    slow.assert_harmless(box)


# ---- what ends between two looks at it ----

@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_log_of_a_command_that_ends_while_it_is_asked_for(box, step):
    box.mdocker("run", "-d", "--name", "one", "busybox", "sh", "-c", "sleep 1; echo said").ok()
    follow = delayed(box, "connect", 3, *box.argv("logs", "-f", "one"), when=step)
    out, err = follow.communicate(timeout=DEADLINE)
    assert (follow.returncode, out) == (0, "said\n"), err


def test_a_workspace_that_is_removed_while_it_is_opened_is_made_once_more(box):
    opening = delayed(box, "flock", 0.7, *box.argv(*OPEN))
    first = wait_until(box.workspaces, "the workspace")
    box.mdocker("rm", "-f", "alice").ok()
    line = opening.stdout.readline()
    assert line and json.loads(line)["id"] not in first, opening.stderr.read()
    box.mdocker("exec", "alice", "true").ok()


@pytest.mark.parametrize("step", [1, 2])
def test_an_exec_where_the_workspace_ends_before_it_is_connected(box, step):
    box.mdocker("run", "-d", "--name", "one", "busybox", "sleep", "1").ok()
    command = delayed(box, "connect", 3, *box.argv("exec", "one", "true"), when=step)
    _, err = command.communicate(timeout=DEADLINE)
    assert command.returncode == 125 and "workspace 'one' is not running" in err, err
