# SPDX-License-Identifier: Apache-2.0
"""A proxy ends what is silent for too long; pings keep an idle terminal from it."""

import time

from harness.nginx import Nginx
from harness.web import WebServer


def test_an_idle_terminal_stays_open_behind_a_proxy_with_a_short_patience(place):
    place.need_images("busybox")
    web = WebServer(place, "--workspace", "image=busybox", "--base-path", "/x", "--trusted-proxy", "127.0.0.1", base="/x").start()
    alice = web.request("POST", "/x/api/v1/login", {"username": "alice", "password": "password"})
    cookie = alice.headers["Set-Cookie"].split(";")[0].replace("mdocker=", "__Host-mdocker=")
    nginx = Nginx(place, web.port, "/x", read_timeout=30).start()
    s = nginx.socket(cookie)
    s.expect(r"[#$] ")
    time.sleep(75)  # what is proven is that nothing happens
    assert s.closed is None
    assert s.ask("echo still here") == "still here\n"
    s.close()
