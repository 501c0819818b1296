# SPDX-License-Identifier: Apache-2.0
"""Behind nginx with TLS, below a base path; and TLS by mdockerd itself."""

import json

import pytest

from harness.nginx import Nginx
from harness.server import Refused
from harness.web import SecureServer, WebServer

LOGIN = json.dumps({"username": "alice", "password": "password"})
BASE = "/shells"


@pytest.fixture
def proxied(place):
    place.need_images("busybox")
    web = WebServer(place, "--workspace", "image=busybox", "--base-path", BASE, "--trusted-proxy", "127.0.0.1", base=BASE).start()
    return Nginx(place, web.port, BASE).start()


def log_in(nginx):
    r = nginx.request("POST", BASE + "/api/v1/login", LOGIN, {"Content-Type": "application/json",
                                                              "Origin": f"https://127.0.0.1:{nginx.port}"})
    assert r.status == 200, r.text
    assert r.headers["Set-Cookie"].startswith("__Host-mdocker=") and "; Secure" in r.headers["Set-Cookie"]
    return r.headers["Set-Cookie"].split(";")[0]


def test_a_terminal_behind_nginx_comes_back_when_that_is_restarted(proxied):
    cookie = log_in(proxied)
    origin = f"https://127.0.0.1:{proxied.port}"
    s = proxied.socket(cookie, origin=origin, subprotocol="mdocker.v1")
    hello = s.expect_message("hello")
    s.expect(r"[#$] ")
    assert s.ask("marker=kept; seq 1 20000 | md5sum") == s.ask("seq 1 20000 | md5sum") != ""
    lines = s.ask("seq 1 3000").split()
    assert lines == [str(n) for n in range(1, 3001)]
    with pytest.raises(Refused) as e:
        proxied.socket(cookie, origin="https://evil.example")
    assert e.value.status == 403
    proxied.kill()
    s.expect_closed()
    proxied.start()
    seen = hello["offset"] + len(s.output) - (hello["snapshot"] or 0)
    s.close()
    again = proxied.socket(cookie, f"?terminal={hello['terminal']}&from={seen}&life={hello['life']}", origin=origin,
                           subprotocol="mdocker.v1")
    assert again.expect_message("hello")["snapshot"] is None
    assert again.ask("echo $marker") == "kept\n"
    again.close()


def test_a_proxy_that_takes_the_upgrade_away_is_told_in_words(proxied):
    r = proxied.request("GET", "/forgotten", headers={"Cookie": log_in(proxied)})
    assert r.status == 426 and "proxy must pass on the Upgrade" in r.text, (r.status, r.text)


def test_a_terminal_over_tls_of_the_server_itself_outlives_its_certificate(place):
    place.need_images("busybox")
    web = SecureServer(place, "--workspace", "image=busybox").start()
    session = web.login("alice")
    assert session.cookie.startswith("__Host-mdocker=")
    s = session.shell()
    assert s.ask("seq 1 3000").split() == [str(n) for n in range(1, 3001)]
    web.new_certificate()
    assert s.ask("echo still here") == "still here\n"
    assert session.shell().ask("echo and anew") == "and anew\n"
