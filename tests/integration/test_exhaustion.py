# SPDX-License-Identifier: Apache-2.0
"""A workspace that takes all it can of one thing gets no more than it was given, its neighbour goes on working, and it can be removed.
How much the neighbour feels of it is bench/neighbour's to measure."""

import pathlib

import pytest

from harness import leaks
from harness.neighbour import ATTACKS, Neighbour, percentile
from harness.place import Place

CONNTRACK = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_count")


@pytest.fixture(scope="module")
def neighbour(images):
    place = Place(images)
    n = Neighbour(place)
    n.quiet_echo, n.quiet_login = percentile(n.echoes(30), 0.95), n.login()
    yield n
    left = place.close()
    assert not left, "left behind:\n" + "\n".join(left)


def tracked_connections():
    return int(CONNTRACK.read_text()) if CONNTRACK.exists() else 0


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_bounded_and_the_neighbour_works_on(neighbour, name):
    tracked = tracked_connections()
    neighbour.start(name)
    try:
        neighbour.wait_until_bounded(name)
        echo = percentile(neighbour.echoes(20), 0.95)
        assert tracked_connections() - tracked < 5000
    finally:
        removed = neighbour.remove()
    # Generous: other tests and other people use the machine meanwhile.
    assert echo < 10 * neighbour.quiet_echo + 1, f"{echo:.3f} s instead of {neighbour.quiet_echo:.3f} s"
    assert removed < 10, "it is gone within 10 s, whatever its processes do"


def test_somebody_logs_in_beside_many_hostile_workspaces(neighbour):
    names = [f"bomb-{kind}" for kind in ("cpu", "fork", "pipe", "zombie", "memory")]
    try:
        for name in names:
            neighbour.start(name.partition("-")[2], name, ["--memory", "24m"])
        login = neighbour.login()
    finally:
        neighbour.place.mdocker("rm", "-f", *names, timeout=60)
    assert login < 10 * neighbour.quiet_login + 5
    assert not [p for p in leaks.processes({"/bomb"}).values() if p.startswith("/bomb")], "each of their processes is gone"
