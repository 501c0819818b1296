# SPDX-License-Identifier: Apache-2.0
"""The wall clock of auth jumps (by the hole of tests/security/hole): sessions end early at worst, nobody is locked out, no guess is free."""

import pytest

from harness.hole import HoleServer
from harness.process import wait_until

HOUR = 3600


@pytest.fixture
def web(place):
    return HoleServer(place).start()


def me(session):
    return session.request("GET", "/api/v1/me").status


def test_forward_ends_sessions_and_nothing_else(web):
    alice = web.login("alice")
    web.auth(["clock", 13 * HOUR])
    assert me(alice) == 401, "older than a session may be"
    later = web.login("alice")
    assert me(later) == 200
    web.auth(["clock", 0])
    assert me(later) == 401, "from the future: it would live too long"
    assert me(web.login("bob")) == 200


def test_backward_a_small_step_ends_no_session_and_a_large_one_keeps_nobody_out(web):
    alice = web.login("alice")
    for offset in (-1, -60, -280):
        web.auth(["clock", offset])
        assert me(alice) == 200
    for offset in (-HOUR, -40 * 365 * 24 * HOUR):
        web.auth(["clock", offset])
        assert me(alice) == 401, "from the future: it would live too long"
        assert me(web.login("bob")) == 200
    web.place.mdocker("audit", "verify").ok()


def test_a_link_ends_when_its_time_is_over_on_the_clock(web):
    alice = web.login("alice")
    made = alice.request("POST", "/api/v1/links", {"seconds": 60})
    assert made.status in (200, 201), made.text
    web.auth(["clock", 61])
    wait_until(lambda: alice.request("GET", "/api/v1/links").json["links"] == [], "it is swept away")


def test_a_jump_forgives_no_wrong_password(web):
    def guess():
        return web.request("POST", "/api/v1/login", {"username": "alice", "password": "wrong password"}).status

    seen = [guess() for _ in range(8)]
    assert seen[0] == 401 and seen[-1] == 429, seen
    web.auth(["clock", 24 * HOUR])
    assert guess() == 429, "the delay is counted by a clock that does not jump"
