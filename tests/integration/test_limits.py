# SPDX-License-Identifier: Apache-2.0
"""A bomb goes off in its own workspace alone, and what a workspace may use is what it was given."""

import os
import time

import pytest


@pytest.fixture
def shells(server):
    return server.login("alice").shell(), server.login("bob").shell()


def echo_time(shell):
    started = time.monotonic()
    shell.ask("true")
    return time.monotonic() - started


def host_processes():
    return sum(name.isdigit() for name in os.listdir("/proc"))


def test_a_fork_bomb_ends_in_its_workspace(server, shells):
    alice, bob = shells
    before = host_processes()
    # Bounded: by the limit of 20, and by `timeout` in case that there is none.
    alice.line("timeout -s KILL 5 bash -c 'for i in {1..400}; do sleep 60 & done; wait'; echo bomb-$((6*7))")
    alice.expect("[Rr]esource temporarily unavailable|retry")
    assert host_processes() - before <= 40
    assert echo_time(bob) < 5
    assert server.login("bob").shell().ask("echo $((6*7))") == "42\n"
    server.place.mdocker("stop", "--all", timeout=60).ok()


def test_twenty_processes_and_no_more(shells):
    alice, _ = shells
    count = alice.ask("perl -e 'for (1..40) { $p = fork; last unless defined $p; if (!$p) { sleep 100; exit } push @c, $p }"
                      " kill 9, @c; print scalar(@c), \"\\n\"'")
    assert 15 <= int(count) <= 19  # besides them: init, bash, perl


def test_a_memory_bomb_ends_in_its_workspace(shells):
    alice, bob = shells
    # A megabyte a turn; without a limit it would end by itself at 400 MB.
    alice.line("bash -c 'x=; for i in {1..400}; do x+=$(head -c 1000000 /dev/zero | tr \"\\0\" x); done; echo ${#x}'"
               "; echo ended-$?")
    assert alice.expect(r"ended-(\d+)", timeout=60).group(1) == b"137"
    assert alice.ask("echo $((6*7))") == "42\n"
    assert echo_time(bob) < 5


def test_memory_files_count_too(shells):
    alice, _ = shells
    alice.ask("head -c 300000000 /dev/zero > /dev/shm/x; true", timeout=60)
    size = int(alice.ask("stat -c %s /dev/shm/x 2>/dev/null || echo 0").split()[-1])
    assert size <= 100 << 20


@pytest.mark.parametrize("folder", ["/mytemp", "/tmp", "/run", "/dev/shm", "/dev"])
def test_every_memory_file_system_has_a_size_and_a_number_of_files(shells, folder):
    fields = shells[0].ask(f"stat -f -c '%T %b %S %c' {folder}").split()
    assert fields[0] == "tmpfs"
    assert int(fields[1]) * int(fields[2]) <= 256 << 20
    assert 0 < int(fields[3]) <= 100000


def test_the_limits_are_in_the_cgroup(shells):
    """From inside, where the cgroup's own files can be read."""
    alice, _ = shells
    memory = alice.ask("cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null")
    pids = alice.ask("cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null")
    assert str(100 << 20) in memory.split()
    assert "20" in pids.split()
