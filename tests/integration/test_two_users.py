# SPDX-License-Identifier: Apache-2.0
"""Two users at once, each in the browser: neither ever sees the other."""

import os

import pytest


@pytest.fixture
def shells(server):
    return tuple(server.login(user).shell(subprotocol="mdocker.v1") for user in ("alice", "bob"))


def test_each_is_root_on_a_host_called_container(shells):
    for shell in shells:
        assert shell.ask("id -u; hostname; tty").split() == ["0", "container", "/dev/pts/0"]


def test_processes_are_ones_own(shells):
    alice, bob = shells
    alice.line("sleep 4242 &")
    assert "4242" in alice.ask("pgrep -a sleep")
    seen = bob.ask("ps -e -o args=")
    assert "4242" not in seen
    assert len(seen.splitlines()) <= 6  # init, its shell, ps and little else
    assert "mdocker" not in seen.replace("mdocker-init", "")


def test_files_are_ones_own(shells):
    alice, bob = shells
    for folder in ("/root", "/tmp", "/dev/shm", "/run", "/mytemp", "/var/lib", "/etc", "/"):
        alice.ask(f"echo secret > {folder}/of-alice")
        assert bob.ask(f"cat {folder}/of-alice 2>&1; ls {folder}").count("of-alice") == 1, folder  # in the error only
    alice.ask("echo changed >> /etc/passwd; rm -rf /usr/share/doc")
    assert "changed" not in bob.ask("cat /etc/passwd")
    assert bob.ask("ls -d /usr/share/doc") == "/usr/share/doc\n"


def test_the_host_name_is_ones_own(shells):
    alice, bob = shells
    alice.ask("hostname of-alice 2>/dev/null || true")
    assert bob.ask("hostname") == "container\n"


def test_every_namespace_is_ones_own(shells):
    namespaces = [s.ask("readlink /proc/self/ns/{user,mnt,pid,net,ipc,uts,cgroup}").split() for s in shells]
    host = [os.readlink(f"/proc/self/ns/{n}") for n in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")]
    assert len(namespaces[0]) == 7
    for a, b, h in zip(*namespaces, host):
        assert len({a, b, h}) == 3


def test_user_ids_on_the_host_never_overlap(shells):
    ranges = []
    for shell in shells:
        inside, base, count = map(int, shell.ask("cat /proc/self/uid_map").split())
        assert (inside, count) == (0, 65536)
        assert base >= 1000000
        ranges.append(base)
    assert abs(ranges[0] - ranges[1]) >= 65536


def test_the_network_is_the_loopback_only(shells):
    for shell in shells:
        assert [line.split(":")[1].strip() for line in shell.ask("ip -o link").splitlines()] == ["lo"]


def test_one_user_reaches_no_terminal_of_another(server, shells):
    terminal = shells[0].expect_message("hello")["terminal"]
    workspaces = server.place.workspaces()
    assert len(workspaces) == 2
    bob = server.login("bob")
    mine = bob.open(f"?terminal={terminal}")  # the number is the workspace's own: it is bob's terminal, if any
    mine.line("echo $((6*7))-bob")
    mine.expect("42-bob")
    shells[0].line("echo $((6*7))-alice")
    shells[0].expect("42-alice")
    assert b"42-bob" not in shells[0].output
