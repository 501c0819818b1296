# SPDX-License-Identifier: Apache-2.0
"""mdocker-runtime is killed, or a call fails, at points spread over all its system calls: the next command sees a state that makes
sense, `delete --force` removes everything, and the same container can be made again. MD_SWEEP=1 takes every call instead of a sample."""

import os
import re
import subprocess

import pytest
from harness import leaks
from harness.bundle import LIMIT, wait_for

EVERY = os.environ.get("MD_SWEEP") == "1"
POINTS = 12  # a command, if not every one
# The ends, memory, and what the C library starts with (musl crashes where it can't have thread-local storage).
NOT_TRIED = ("exit_group", "exit", "execve", "execveat", "brk", "mmap", "munmap", "mprotect", "rt_sigaction", "arch_prctl")
ERRORS = ("ENOMEM", "EMFILE", "ENOSPC", "EIO", "EINTR")


def strace(bundle, *options, args):
    """Runs a command of the runtime under strace with all children, for which strace is a grandchild (-D): it stays with the
    container, the command itself is waited for."""
    with open(bundle.log, "w") as log:
        r = subprocess.run(["strace", "-D", "-f", "-o", str(bundle.folder / "trace"), *options, *bundle.command(*args)],
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=LIMIT)
    return r.returncode


def trace_of(bundle, command):
    """The trace of a whole, good run."""
    PREPARE[command](bundle)
    assert strace(bundle, args=arguments(bundle, command)) == 0, bundle.log.read_text()
    bundle.delete()
    tracer = f"{bundle.folder}/trace"
    wait_for(lambda: not any(tracer in c for c in leaks.processes([tracer]).values()), "the end of strace")
    return (bundle.folder / "trace").read_text(errors="replace")


def count_calls(trace):
    """Calls by name, as -e inject counts them: in the process that makes most of them."""
    counts = {}
    for line in trace.splitlines():
        m = re.match(r"(\d+) +(\w+)\(", line)
        if m:
            counts.setdefault(m[1], {}).setdefault(m[2], 0)
            counts[m[1]][m[2]] += 1
    return counts


def points_of(trace):
    """(call, occurrence) pairs over all processes: every one, or a spread of them."""
    found = set()
    for calls in count_calls(trace).values():
        for name, n in calls.items():
            if name not in NOT_TRIED:
                found.update((name, i) for i in range(1, n + 1))
    found = sorted(found)
    return found if EVERY else found[::max(1, len(found) // POINTS)]


PREPARE = {
    "create": lambda b: None,
    "start": lambda b: b.create(),
    "exec": lambda b: b.up(),
    "delete": lambda b: b.create(),
}


def arguments(bundle, command):
    return {"create": ("create", "-b", bundle.folder, bundle.id), "start": ("start", bundle.id),
            "exec": ("exec", bundle.id, "true"), "delete": ("delete", "--force", bundle.id)}[command]


def prove_clean(bundle, where):
    """What is there can be looked at and removed, and nothing else is left."""
    r = bundle.runtime("state", bundle.id, ok=False)
    assert r.returncode in (0, 1), where
    bundle.runtime("list")
    r = bundle.delete()
    assert r.returncode == 0, f"{where}: delete: {r.stderr}"
    left = bundle.settled_left()
    assert not left, f"{where}: {left}"


def try_all(bundle, points, try_one):
    """try_one(call, occurrence) at each; all failures are told together, since a whole sweep takes long."""
    failures = []
    for name, when in points:
        try:
            try_one(name, when)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            failures.append(f"at {name} {when}: {e}")
            leaks.kill(leaks.processes([bundle.id, str(bundle.folder)]))
            bundle.delete()
    assert not failures, f"{len(failures)} of {len(points)} points:\n" + "\n".join(failures)


@pytest.fixture
def sweep(bundle):
    bundle.process["args"] = ["sleep", "1000"]
    (bundle.folder / "v").mkdir()
    bundle.add_mount("/v", bundle.folder / "v", options=["rbind"])
    bundle.write()
    return bundle


@pytest.mark.parametrize("command", PREPARE)
def test_killed_at_any_call(sweep, command):
    points = points_of(trace_of(sweep, command))
    assert len(points) >= POINTS

    def kill_at(name, when):
        PREPARE[command](sweep)
        strace(sweep, "-e", f"inject={name}:signal=SIGKILL:when={when}", args=arguments(sweep, command))
        prove_clean(sweep, f"{command} killed")
    try_all(sweep, points, kill_at)
    PREPARE[command](sweep)
    sweep.runtime(*arguments(sweep, command)) if command != "create" else sweep.create()


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("command", ["create", "exec"])
def test_an_error_at_any_call_is_told_and_undone(sweep, command, error):
    def fail_at(name, when):
        """strace counts in each process apart, so that the call may fail in the child and again in the parent that tidies up: then it
        warns and the next delete does it."""
        PREPARE[command](sweep)
        code = strace(sweep, "-e", f"inject={name}:error={error}:when={when}", args=arguments(sweep, command))
        text = sweep.log.read_text()
        assert code >= 0 and "AddressSanitizer" not in text, f"died of signal {-code}"
        if code not in (0, 255) or (command == "create" and code):
            assert text.strip(), f"exit code {code} without a word"
        if command == "create" and code and "warning: remove '" not in text:
            left = sweep.settled_left()
            assert not left, f"not undone: {left}"
        prove_clean(sweep, f"{command} with {error}")
    # A real close that fails has closed, which the injected one hasn't; a lost write of the log is no failure.
    points = [(name, when) for name, when in points_of(trace_of(sweep, command))
              if name != "close" and (name != "write" or error not in ("EINTR", "EIO"))]
    try_all(sweep, points, fail_at)
