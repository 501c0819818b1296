# SPDX-License-Identifier: Apache-2.0
"""An auth that hangs, as in a disk that doesn't answer: nobody could log in any more, and nothing would end."""

import os
import signal
import time

from harness.process import wait_until
from harness.web import web  # noqa: F401


def test_an_auth_that_answers_nothing_is_replaced(web):
    session = web.login("alice")
    shell = session.shell()
    shell.ask("marker=in-memory")
    before = web.roles()
    os.kill(before["auth"], signal.SIGSTOP)
    try:
        wait_until(lambda: web.roles().get("auth") not in (None, before["auth"]), "another auth", timeout=90)
    finally:
        if web.roles().get("auth") == before["auth"]:
            os.kill(before["auth"], signal.SIGCONT)
    assert "auth has answered nothing for 30 s: it is ended" in web.said()
    assert shell.ask("echo $marker") == "in-memory\n", "the terminals don't need it"
    wait_until(lambda: session.request("GET", "/api/v1/me").status == 200, "the session goes on")
    assert session.shell().ask("echo $marker") == "in-memory\n"
    assert web.login("bob").request("GET", "/api/v1/me").status == 200
    after = web.roles()
    assert (after["broker"], after["web"]) == (before["broker"], before["web"])


def test_a_healthy_one_is_not(web):
    before = web.roles()
    time.sleep(45)  # three questions and more: nothing is to happen
    assert "is ended" not in web.said() and web.roles() == before
