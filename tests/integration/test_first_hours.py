# SPDX-License-Identifier: Apache-2.0
"""What an administrator meets first: the account of the first start, and a user's terminal from the host."""

import re

from harness.server import Server


def test_the_first_start_shows_a_random_password_once(place):
    server = Server(place, demo=False).start()
    shown = re.search(r"'?admin'?.*?password\W+([A-Za-z0-9_-]{12,})", server.said())
    assert shown, server.said()
    password = shown.group(1)
    for user, wrong in (("admin", "admin"), ("alice", "password"), ("bob", "password")):
        assert server.request("POST", "/api/v1/login", {"username": user, "password": wrong}).status == 401
    assert server.request("POST", "/api/v1/login", {"username": "admin", "password": password}).status == 200
    server.stop()
    before = len(server.said())
    server.start()
    assert password not in server.said()[before:]
    assert server.request("POST", "/api/v1/login", {"username": "admin", "password": password}).status == 200


def test_two_attaches_of_the_host_and_a_browser_share_one_terminal(place):
    place.need_images("default")
    shell = Server(place).start().login("alice").shell(subprotocol="mdocker.v1")
    shell.ask("echo ready")
    with place.terminal("attach", "alice") as host, place.terminal("attach", "alice") as other:
        for n, by in enumerate((host, other, shell)):
            by.line(f"echo by-$((40+{n}))")
            host.expect(f"by-{40 + n}")
            other.expect(f"by-{40 + n}")
            shell.expect(f"by-{40 + n}".encode())
        for one in (host, other):
            one.send("\x10\x11")
            assert one.wait() == 0
    assert shell.ask("echo still-$((1+1))") == "still-2\n"
