# SPDX-License-Identifier: Apache-2.0
"""`mdocker doctor --url`: what is between people and the server, with a real nginx in good and in each misconfigured form."""

import json
import re
import socket
import threading

import pytest

from harness.nginx import Nginx, certificate
from harness.process import DEADLINE
from harness.server import free_port
from harness.web import WebServer

BASE = "/shells"
UPGRADE = ("proxy_set_header Upgrade $http_upgrade;", "proxy_set_header Connection upgrade;")


def ask(place, url, trust=None, **more):
    """{check: (level, found and advice)} of the checks of the address."""
    environment = {"SSL_CERT_FILE": str(trust)} if trust else {}
    r = place.mdocker("doctor", "--json", *(["--url", url] if url else []), *more.pop("options", ()), env=environment)
    checks = json.loads(r.out)
    names = [c["check"] for c in checks]
    found = {c["check"]: (c["level"], c["found"] + ": " + c["advice"]) for c in checks[names.index("public address"):]}
    assert all("\n" not in text for _, text in found.values())
    assert r.code == int(any(c["level"] == "broken" for c in checks))
    return found


@pytest.fixture
def serve(place):
    """serve(change, options, days, names): mdockerd behind an nginx whose configuration `change` has altered; the doctor's words."""
    def run(change=lambda text: text, options=("--trusted-proxy", "127.0.0.1"), url="https://127.0.0.1:{port}" + BASE, **more):
        web = WebServer(place, "--base-path", BASE, *options, base=BASE).start()
        nginx = Nginx(place, web.port, BASE, change=change, **more).start()
        return ask(place, url.format(port=nginx.port), nginx.cert)
    return run


def without(*lines):
    def change(text):
        for line in lines:
            assert line in text
            text = text.replace(line, "")
        return text
    return change


def test_a_good_proxy_is_good(serve):
    found = serve(days=90)
    assert {level for level, _ in found.values()} == {"ok"}, found
    assert list(found) == ["public address", "certificate", "base path", "forwarded headers", "WebSocket path"]
    assert "good until" in found["certificate"][1] and f"below '{BASE}/'" in found["base path"][1]


# What is done to nginx or to mdockerd; the check that finds it, its level, words that it says.
WRONG = {
    "a certificate that ends soon": (dict(days=13), "certificate", "weaker", "renew it"),
    "a certificate that has ended": (dict(days=-1), "certificate", "broken", "expired"),
    "a certificate of another name": (dict(names="DNS:other.example"), "certificate", "broken", "not made out to this address"),
    "another base path": (dict(url="https://127.0.0.1:{port}/other"), "base path", "broken", "something else than mdockerd"),
    "a proxy that cuts the base path off": (
        dict(change=lambda t: re.sub(r"(proxy_pass http://127.0.0.1:\d+);", r"\1/;", t)),
        "base path", "broken", "base-path must be the path that the proxy passes on"),
    "the upgrade is taken away": (dict(change=without(*UPGRADE)), "WebSocket path", "broken", "Upgrade $http_upgrade"),
    "a host that is not allowed": (dict(change=lambda t: t.replace("Host $http_host", "Host shell.example.org")),
                                   "base path", "broken", "allow-host = 127.0.0.1"),
    "an origin that is not allowed": (dict(change=lambda t: t.replace("Host $http_host", "Host localhost")),
                                      "WebSocket path", "broken", "allow-origin = https://127.0.0.1:"),
    "forwarded headers that are not trusted": (dict(options=()), "forwarded headers", "weaker", "trusted-proxy"),
    "no X-Forwarded-For": (dict(change=without("proxy_set_header X-Forwarded-For $remote_addr;")), "forwarded headers", "weaker",
                           "sends no X-Forwarded-For"),
    "no X-Forwarded-Proto": (dict(change=without("proxy_set_header X-Forwarded-Proto $scheme;")), "forwarded headers", "weaker",
                             "https for http"),
    "a target where nothing listens": (dict(change=lambda t: re.sub(r"(proxy_pass http://127.0.0.1):\d+;", r"\1:1;", t)), "base path", "broken",
                                       "doesn't reach mdockerd"),
    "a redirect": (dict(change=lambda t: t.replace("location /shells/ {", "location /shells/ { return 301 https://a.example/;")),
                   "base path", "broken", "give 'https://a.example/'"),
    "a page of another program": (dict(change=lambda t: t.replace("location /shells/ {", "location /shells/ { return 200 hello;")),
                                  "base path", "broken", "something else than mdockerd"),
    "https on a port that speaks http": (dict(change=without(" ssl")), "certificate", "broken", "no TLS"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_mistake_is_told_with_what_to_do(serve, name):
    changes, check, level, words = WRONG[name]
    found = serve(**({"days": 90} | changes))
    assert found[check][0] == level and words in found[check][1], found
    before = list(found)[:list(found).index(check)]
    assert all(found[name][0] != "broken" for name in before), found
    if level == "broken":
        assert list(found)[-1] == check, "nothing is tried behind what is broken"


def test_nobody_there_no_address_and_one_who_never_answers(place):
    level, text = ask(place, f"http://127.0.0.1:{free_port()}")["public address"]
    assert level == "broken" and "Connection refused" in text and "firewall" in text
    level, text = ask(place, "ftp://127.0.0.1")["public address"]
    assert level == "broken" and "https://NAME" in text
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = ask(place, f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert found["base path"][0] == "broken" and "no answer within 5 s" in found["base path"][1]


@pytest.mark.parametrize("answer, words", [(b"SSH-2.0-x\r\n" * 3000, "no HTTP/1.1"), (b"", "without an answer")])
def test_what_speaks_no_http_and_what_closes_at_once(place, answer, words):
    def serve():
        for _ in range(2):  # the second asks for something
            c, _ = s.accept()
            with c:
                if c.recv(4096):
                    c.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as s:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        level, text = ask(place, f"http://127.0.0.1:{s.getsockname()[1]}")["base path"]
        thread.join(DEADLINE)
    assert level == "broken" and words in text


def test_the_address_stands_in_the_servers_configuration(place):
    config = place.folder / "minidocker.conf"
    web = WebServer(place, "--config", str(config))
    config.write_text(f"[server]\npublic-url = http://localhost:{web.port}\n")
    web.start()
    found = ask(place, None, options=("--config", str(config)))
    assert found["WebSocket path"][0] == "ok" and found["certificate"][0] == "weaker", found
    config.write_text("[server]\nbase-path = /x\n")
    assert ask(place, None, options=("--config", str(config)))["public address"][0] == "ok"
    config.write_text("[server]\npublic-url = here\n")
    assert ask(place, None, options=("--config", str(config)))["public address"][0] == "broken"
    config.write_text("[server]\nnonsense = 1\n")
    level, text = ask(place, None, options=("--config", str(config)))["public address"]
    assert level == "broken" and "unknown option 'nonsense'" in text


def test_the_public_address_is_allowed_as_host_and_origin(place):
    web = WebServer(place, "--public-url", "https://shell.example.org/", "--trusted-proxy", "127.0.0.1").start()
    login = {"username": "alice", "password": "password"}
    claims = {"Host": "shell.example.org", "Origin": "https://shell.example.org", "X-Forwarded-Proto": "https"}
    assert web.request("POST", "/api/v1/login", login, headers=claims).status == 200
    assert web.request("POST", "/api/v1/login", login, headers=claims | {"Origin": "https://evil.example"}).status == 403
    assert web.request("GET", "/", headers={"Host": "evil.example"}).status == 421
