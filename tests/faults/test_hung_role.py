# SPDX-License-Identifier: Apache-2.0
"""An auth or a web that hangs, as in a disk that doesn't answer or in a loop: nobody could log in any more, and nothing would end."""

import os
import signal
import time

import pytest

from harness.process import wait_until
from harness.web import web  # noqa: F401


@pytest.fixture
def stopped(web):
    """Stops a role for good, and waits until the broker has another one; what it was before is returned."""
    before = web.roles()

    def stop(role):
        os.kill(before[role], signal.SIGSTOP)
        wait_until(lambda: web.roles().get(role) not in (None, before[role]), f"another {role}", timeout=90)
        assert f"{role} has answered nothing for 30 s: it is ended" in web.said()
        return before
    yield stop
    for pid in before.values():
        if pid in web.roles().values():
            os.kill(pid, signal.SIGCONT)


def test_an_auth_that_answers_nothing_is_replaced(web, stopped):
    session = web.login("alice")
    shell = session.shell()
    shell.ask("marker=in-memory")
    before = stopped("auth")
    assert shell.ask("echo $marker") == "in-memory\n", "the terminals don't need it"
    wait_until(lambda: session.request("GET", "/api/v1/me").status == 200, "the session goes on")
    assert session.shell().ask("echo $marker") == "in-memory\n"
    assert web.login("bob").request("GET", "/api/v1/me").status == 200
    after = web.roles()
    assert (after["broker"], after["web"]) == (before["broker"], before["web"])


def test_a_web_that_answers_nothing_is_replaced(web, stopped):
    session = web.login("alice")
    session.shell().ask("marker=in-memory")
    before = stopped("web")
    wait_until(web.answers, "the other web")
    assert session.request("GET", "/api/v1/me").status == 200, "the session goes on"
    assert session.shell().ask("echo $marker") == "in-memory\n", "the same shell"
    after = web.roles()
    assert (after["broker"], after["auth"]) == (before["broker"], before["auth"])


def test_healthy_ones_are_not(web):
    before = web.roles()
    time.sleep(45)  # three questions and more: nothing is to happen
    assert "is ended" not in web.said() and web.roles() == before
