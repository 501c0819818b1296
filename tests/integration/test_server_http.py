# SPDX-License-Identifier: Apache-2.0
"""What mdockerd answers to HTTP: the table of routes for each kind of caller, headers, limits, and hostile requests."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import socket
import time

import pytest

from harness import REPOSITORY, program
from harness.process import DEADLINE, run, wait_until
from harness.web import PAGE, WebServer, read_all, web  # noqa: F401

# method, path, body, then the status for: nobody, a user, an admin. None: not asked (it would open a workspace).
MATRIX = [
    ("GET", "/healthz", None, 200, 200, 200),
    ("GET", "/", None, 200, 200, 200),
    ("HEAD", "/", None, 200, 200, 200),
    ("GET", "/assets/app-1.js", None, 200, 200, 200),
    ("GET", "/notes.secret", None, 404, 404, 404),
    ("GET", "/nothing", None, 404, 404, 404),
    ("POST", "/", {}, 405, 405, 405),
    ("GET", "/api/v1/nothing", None, 404, 404, 404),
    ("GET", "/api/v1/config", None, 200, 200, 200),
    ("POST", "/api/v1/config", {}, 405, 405, 405),
    ("GET", "/api/v1/login", None, 405, 405, 405),
    ("POST", "/api/v1/login", {}, 400, 400, 400),
    ("GET", "/api/v1/me", None, 401, 200, 200),
    ("PUT", "/api/v1/me", {}, 405, 405, 405),
    ("POST", "/api/v1/password", {}, 401, 400, 400),
    ("GET", "/api/v1/terminals", None, 401, None, None),
    ("POST", "/api/v1/terminals", {"rows": -1}, 401, 400, 400),
    ("PATCH", "/api/v1/terminals/x", {"name": "n"}, 401, 404, 404),
    ("PATCH", "/api/v1/terminals/1", {}, 401, 400, 400),
    ("DELETE", "/api/v1/terminals/x", None, 401, 404, 404),
    ("PATCH", "/api/v1/terminals/1", {"recorded": "yes"}, 401, 400, 400),
    ("GET", "/api/v1/terminals?user=bob", None, 401, 403, 404),
    ("GET", "/api/v1/recordings", None, 401, 200, 200),
    ("GET", "/api/v1/recordings?user=bob", None, 401, 403, 200),
    ("GET", "/api/v1/recordings/x", None, 401, 404, 404),
    ("GET", "/api/v1/recordings/20260101T000000Z-t1", None, 401, 404, 404),
    ("GET", "/api/v1/recordings/20260101T000000Z-t1?user=bob", None, 401, 403, 404),
    ("DELETE", "/api/v1/recordings/20260101T000000Z-t1", None, 401, 404, 404),
    ("DELETE", "/api/v1/recordings/20260101T000000Z-t1?user=bob", None, 401, 403, 404),
    ("GET", "/api/v1/workspace", None, 401, 200, 200),
    ("POST", "/api/v1/workspace/stop", {}, 401, 200, 200),
    ("GET", "/api/v1/workspace/stop", None, 405, 405, 405),
    ("POST", "/api/v1/workspace/restart", {}, 401, None, None),
    ("GET", "/api/v1/links", None, 401, 200, 200),
    ("POST", "/api/v1/links", {"seconds": 0}, 401, 400, 400),
    ("DELETE", "/api/v1/links/99", None, 401, 404, 404),
    ("GET", "/api/v1/users", None, 401, 403, 200),
    ("POST", "/api/v1/users", {"username": "X"}, 401, 403, 400),
    ("PATCH", "/api/v1/users/nobody", {"disabled": True}, 401, 403, 404),
    ("DELETE", "/api/v1/users/nobody", None, 401, 403, 404),
    ("GET", "/api/v1/wall", None, 401, 403, 200),
    ("POST", "/api/v1/wall", {}, 405, 405, 405),
    ("GET", "/ws", None, 426, 426, 426),
    ("POST", "/api/v1/logout", {}, 401, None, None),
]


def test_each_route_answers_each_kind_of_caller_as_the_table_says(web):
    cookies = [None, web.login("alice").cookie, web.login("admin").cookie]
    wrong = []
    for method, path, body, *expected in MATRIX:
        for cookie, want in zip(cookies, expected):
            if want is None:
                continue
            r = web.request(method, path, body, cookie=cookie)
            if r.status != want:
                wrong.append((method, path, cookie and cookie[:12], r.status, want, r.text[:100]))
            if r.status >= 400 and method != "HEAD":
                assert set(r.json) == {"error", "code"}, r.text
    assert not wrong


def test_a_browser_that_opens_a_wrong_address_gets_a_page(web):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for path, status, text in (("/nothing", 404, "there is nothing here"), ("/api/v1/recordings/x", 401, "log in first")):
        r = web.request("GET", path, headers={"Accept": accept})
        assert (r.status, r.headers["Content-Type"]) == (status, "text/html; charset=utf-8"), r.text
        assert text in r.text and 'href="/"' in r.text and "content-security-policy" in {h.lower() for h in r.headers}
        assert web.request("GET", path, headers={"Accept": "*/*"}).json["error"] == text
    assert web.request("POST", "/", {}, headers={"Accept": accept}).json["code"] == "bad_method"


def test_the_table_has_every_route():
    source = (REPOSITORY / "src" / "server" / "routes.c").read_text()
    routes = re.findall(r"{ HTTP_(\w+), +\"([^\"]+)\", +ACCESS_", source)
    assert len(routes) > 20
    asked = {(method, path.split("?")[0]) for method, path, *_ in MATRIX}
    missing = [(method, pattern) for method, pattern in routes
               if not any(method == m and re.fullmatch(pattern.replace("{}", "[^/]+"), p) for m, p in asked)]
    assert not missing


def test_login_me_logout(web):
    r = web.request("POST", "/api/v1/login", {"username": "alice", "password": "password"})
    assert r.status == 200
    assert (r.json["username"], r.json["role"]) == ("alice", "user")
    set_cookie = r.headers["Set-Cookie"]
    assert re.fullmatch(r"mdocker=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict", set_cookie)
    cookie = set_cookie.split(";")[0]
    assert web.request("GET", "/api/v1/me", cookie=cookie).json == {"username": "alice", "role": "user", "demo": True}
    again = web.login("alice").cookie
    assert again != cookie, "a new secret at each login"
    assert web.request("POST", "/api/v1/logout", cookie=cookie, body={}).status == 200
    assert web.request("GET", "/api/v1/me", cookie=cookie).status == 401
    assert web.request("GET", "/api/v1/me", cookie=again).status == 200
    for bad in ({"username": "alice", "password": "Password"}, {"username": "nobody", "password": "password"},
                {"username": "alice\u0000", "password": "x"}, {"username": "x" * 5000, "password": "y" * 5000}):
        r = web.request("POST", "/api/v1/login", bad)
        assert r.status in (400, 401) and r.json["code"] in ("bad_credentials", "bad_json"), r.text
        assert "Set-Cookie" not in r.headers


POLICY = {"default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "connect-src 'self'", "frame-ancestors 'none'",
          "img-src 'self' data: blob:", "font-src 'self'", "manifest-src 'self'", "worker-src 'self' blob:", "base-uri 'none'",
          "form-action 'self'"}


def test_every_answer_has_the_security_headers(web):
    answers = [web.request("GET", p) for p in ("/", "/healthz", "/api/v1/me", "/nothing", "/assets/app-1.js")]
    answers.append(web.request("POST", "/api/v1/login", {"username": "a", "password": "b"}))
    etag = answers[0].headers["ETag"]
    answers.append(web.request("GET", "/", headers={"If-None-Match": etag}))
    assert answers[-1].status == 304
    for r in answers:
        policy = r.headers["Content-Security-Policy"]
        assert set(policy.split("; ")) == POLICY
        assert r.headers["X-Content-Type-Options"] == "nosniff"
        assert r.headers["Referrer-Policy"] == "no-referrer"
        assert r.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert r.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in r.headers
    assert answers[0].text == PAGE
    assert "immutable" in answers[4].headers["Cache-Control"]
    assert len(answers[4].text) == 200000
    assert answers[1].headers["Cache-Control"] == "no-store"


def test_only_a_server_that_allows_images_lets_the_page_compile(web, place):
    def seen(server):
        page, config = server.request("GET", "/"), server.request("GET", "/api/v1/config")
        return page.headers["Content-Security-Policy"].split("; ")[1], config.json["images"]

    assert seen(web) == ("script-src 'self'", False)
    web.stop()
    generous = WebServer(place, "--allow-images").start()
    assert seen(generous) == ("script-src 'self' 'wasm-unsafe-eval'", True)


def test_changes_come_from_our_own_pages_only(web):
    good = {"username": "alice", "password": "password"}
    own = f"http://127.0.0.1:{web.port}"
    assert web.request("POST", "/api/v1/login", good, headers={"Origin": own, "Sec-Fetch-Site": "same-origin"}).status == 200
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": own + "/"},
                    {"Origin": own.replace("http", "https")}, {"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://" + "x" * 400}):
        r = web.request("POST", "/api/v1/login", good, headers=headers)
        assert (r.status, r.json["code"]) == (403, "foreign_origin"), headers
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert web.request("POST", "/api/v1/login", good, headers={"Content-Type": kind}).status == 415


def test_host_names_that_are_not_ours_are_refused(web):
    for host in ("rebound.example", f"rebound.example:{web.port}", "192.0.2.1", "127.0.0.1.rebound.example"):
        assert web.request("GET", "/healthz", headers={"Host": host}).status == 421
    for host in ("localhost", f"localhost:{web.port}", "127.0.0.1"):
        assert web.request("GET", "/healthz", headers={"Host": host}).status == 200


def get(path="/healthz", *headers, method="GET"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def post(body, *headers):
    return get("/api/v1/login", "Content-Type: application/json", *headers, method="POST") + body


HOSTILE = {
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (get("/healthz", "Host: localhost"), {400, 421}),
    "transfer encoding": (post(b"2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), {400}),
    "both lengths": (post(b"{}", "Content-Length: 2", "Transfer-Encoding: chunked"), {400}),
    "two lengths": (post(b"{}", "Content-Length: 2", "Content-Length: 3"), {400}),
    "negative length": (post(b"{}", "Content-Length: -2"), {400}),
    "length with a sign": (post(b"{}", "Content-Length: +2"), {400}),
    "length in hex": (post(b"{}", "Content-Length: 0x2"), {400}),
    "length beyond 64 bits": (post(b"{}", "Content-Length: 99999999999999999999999"), {400}),
    "length too large": (post(b"{}", "Content-Length: 1048577"), {413}),
    "bad json": (post(b"{", "Content-Length: 1"), {400}),
    "json with a key twice": (post(b'{"a":1,"a":2}', "Content-Length: 13"), {400}),
    "json with a nul": (post(b'{"username":"a\\u0000"}', "Content-Length: 21"), {400}),
    "deep json": (post(b"[" * 100000, "Content-Length: 100000"), {400}),
    "path above the root": (get("/../../etc/passwd"), {0, 403, 404}),
    "path above the root, encoded": (get("/%2e%2e/%2e%2e/etc/passwd"), {0, 403, 404}),
    "path with a nul": (get("/healthz%00x"), {0, 403, 404}),
    "path that is a url": (get("http://localhost/healthz"), {0, 400, 403, 404}),
    "method connect": (get("localhost:22", method="CONNECT"), {0, 400, 404, 405}),
    "method unknown": (get("/healthz", method="BREW"), {0, 400, 405}),
    "long request line": (get("/" + "x" * 9000), {0, 414}),
    "long header": (get("/healthz", "X: " + "y" * 40000), {0, 431}),
    "many headers": (get("/healthz", *[f"X-{i}: {'y' * 60}" for i in range(700)]), {0, 431}),
    "long cookie": (get("/api/v1/me", "Cookie: mdocker=" + "a" * 5000), {401, 431}),
    "upgrade to http/2": (get("/healthz", "Upgrade: h2c", "Connection: Upgrade", "HTTP2-Settings: AAMAAABkAAQAAP__"), {400}),
    "http/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400, 404, 405}),
    "upgrade of a post": (get("/ws", "Upgrade: websocket", "Connection: Upgrade", method="POST"), {400}),
    "tls on plain": (bytes.fromhex("16030100a5010000a10303") + bytes(170), {0, 400}),
    "garbage": (bytes(range(256)) * 20, {0, 400}),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", {0, 400}),
}


def test_hostile_requests_get_a_refusal_or_a_closed_connection_and_hurt_nobody(web):
    wrong = {}
    for name, (data, allowed) in HOSTILE.items():
        status = web.status_of(data)
        if status not in allowed:
            wrong[name] = status
    assert not wrong
    assert web.request("GET", "/healthz").status == 200
    assert "ended with" not in web.said(), "a role was killed"


def test_nothing_is_answered_twice_or_smuggled(web):
    inner = get("/api/v1/config")
    answer = web.raw(post(inner, f"Content-Length: {len(inner)}"), timeout=5)
    assert answer.count(b"HTTP/1.1 ") == 1
    answer = web.raw(get() + get() + get("/healthz", "Connection: close"), end=False, timeout=5)
    assert answer.count(b"HTTP/1.1 200 ") == 3
    body = b'{"username":"a","password":"b"}'
    answer = web.raw(post(body, f"Content-Length: {len(body)}") + get("/api/v1/config", "Connection: close"), end=False, timeout=5)
    # A request behind one whose reply takes a while may be answered late or not at all, never as part of it.
    assert [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")][0] == b"401"


def test_slow_headers_and_bodies_are_cut_off(web):
    started = time.monotonic()
    sockets = []
    # libwebsockets 4.1 waits for more behind a last header whose name has one letter; no client is known that sends such a one.
    one_letter = get("/healthz", "a:"), get("/healthz", "x: y"), get() + get("/healthz", "a:")
    for data in (b"GET /healthz HTTP/1.1\r\nHost: loc", post(b"{", "Content-Length: 10"), b"", *one_letter):
        s = socket.create_connection(("127.0.0.1", web.port), 25)
        s.sendall(data)
        sockets.append(s)
    for s in sockets:
        try:
            while s.recv(4096):
                pass
        except ConnectionError:
            pass
        s.close()
    assert time.monotonic() - started < 25


def test_an_address_has_32_connections_before_it_logs_in(web):
    def held():
        """How many of 40 connections, all open at once, are served."""
        sockets = [socket.create_connection(("127.0.0.1", web.port), DEADLINE) for _ in range(40)]
        served = 0
        for s in sockets:
            try:
                s.sendall(get("/healthz", "Connection: close"))
            except ConnectionError:
                pass
        for s in sockets:
            served += read_all(s).startswith(b"HTTP/1.1 200")
            s.close()
        return served

    # Connections of before, on their way out, may count for a moment.
    wait_until(lambda: held() == 32, "32 of 40 are served")
    wait_until(lambda: web.raw(get("/healthz", "Connection: close")), "room again")
    cookie = web.login("alice").cookie
    logged_in = []
    for _ in range(40):
        s = socket.create_connection(("127.0.0.1", web.port), DEADLINE)
        s.sendall(get("/api/v1/me", f"Cookie: {cookie}"))
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
        logged_in.append(s)
    assert web.request("GET", "/healthz").status == 200
    for s in logged_in:
        s.close()


def test_a_limit_that_is_reached_is_told_once(place):
    web = WebServer(place, "--max-connections", "4").start()

    def connect(address):
        return socket.create_connection(("127.0.0.1", web.port), DEADLINE, source_address=(address, 0))

    # Addresses that nobody else comes from.
    for address in ("127.0.0.2", "127.0.0.3"):
        held = [connect(address) for _ in range(4)]
        for _ in range(4):
            with connect(address) as s:
                assert read_all(s) == b""
        for s in held:
            s.close()
    web.login("alice")  # what web told auth came before this
    assert (place.root / "auth/audit.log").read_text().count('"connection_limit"') == 2


def test_over_ipv6_it_is_the_same(place):
    with socket.socket(socket.AF_INET6) as s:
        s.bind(("::1", 0))
        port = s.getsockname()[1]
    web = WebServer(place, "--listen", f"[::1]:{port}", "--max-connections", "3")

    def ask(method="GET", path="/healthz", body=None, **headers):
        c = http.client.HTTPConnection("::1", port, timeout=DEADLINE)
        c.request(method, path, body, {"Content-Type": "application/json"} | headers)
        r = c.getresponse()
        r.read()
        c.close()
        return r

    def answers():
        assert web.process.poll() is None, web.said()
        with contextlib.suppress(OSError):
            return ask().status == 200

    web.answers = answers
    web.start()
    login = json.dumps({"username": "alice", "password": "password"})
    assert ask("POST", "/api/v1/login", login, Origin=f"http://[::1]:{port}").status == 200
    assert ask("POST", "/api/v1/login", login, Origin=f"http://[::2]:{port}").status == 403
    assert ask(Host="[::2]").status == 421 and ask(Host="rebound.example").status == 421
    lines = [json.loads(line) for line in open(place.root / "auth" / "audit.log")]
    assert [e["address"] for e in lines if e["event"] == "login"] == ["::1"]
    wait_until(answers, "room")
    held = [socket.create_connection(("::1", port), DEADLINE) for _ in range(3)]
    with socket.create_connection(("::1", port), DEADLINE) as s:
        assert read_all(s) == b"", "connections of an IPv6 address are counted, too"
    for s in held:
        s.close()


def test_a_base_path_holds_everything(place):
    web = WebServer(place, "--base-path", "/shells/x", base="/shells/x").start()
    assert web.request("GET", "/shells/x/").text == PAGE
    assert web.request("GET", "/shells/x/api/v1/config").status == 200
    for path in ("/", "/healthz", "/shells", "/shells/xy/healthz"):
        assert web.request("GET", path).status == 404, path
    # The page's addresses are relative to its folder, so the path needs its slash.
    bare = web.request("GET", "/shells/x")
    assert (bare.status, bare.headers["Location"]) == (308, "/shells/x/")


def test_forwarded_headers_count_from_a_trusted_proxy_only(place):
    login = {"username": "alice", "password": "password"}
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Origin": "https://shell.example",
              "Host": "shell.example"}
    plain = WebServer(place, "--allow-host", "shell.example").start()
    assert plain.request("POST", "/api/v1/login", login, headers=claims).status == 403
    plain.stop()
    proxied = WebServer(place, "--allow-host", "shell.example", "--trusted-proxy", "127.0.0.0/8").start()
    r = proxied.request("POST", "/api/v1/login", login, headers=claims)
    assert r.status == 200
    assert r.headers["Set-Cookie"].startswith("__Host-mdocker=") and "; Secure" in r.headers["Set-Cookie"]
    assert "max-age" in r.headers["Strict-Transport-Security"]
    lines = [json.loads(line) for line in open(place.root / "auth" / "audit.log")]
    assert [e["address"] for e in lines if e["event"] == "login"] == ["203.0.113.9"]


def test_a_slow_reader_of_a_large_file_holds_nobody_up(web):
    s = socket.create_connection(("127.0.0.1", web.port), DEADLINE)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.sendall(get("/assets/app-1.js"))
    s.recv(100)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: web.request("GET", "/assets/app-1.js").status, range(20)))
    assert statuses == [200] * 20
    s.close()


@pytest.mark.parametrize("what", ["port", "assets", "database", "mdocker", "certificate", "option", "listen"])
def test_a_bad_start_says_one_line_and_fails(place, what):
    assets = WebServer(place).options[-1]
    options = {"--listen": "127.0.0.1:0", "--root": place.root, "--state": place.state, "--assets": assets}
    taken = socket.create_server(("127.0.0.1", 0))
    if what == "port":
        options["--listen"] = f"127.0.0.1:{taken.getsockname()[1]}"
    elif what == "assets":
        options["--assets"] = place.folder / "nothing"
    elif what == "database":
        (place.root / "auth").mkdir()
        (place.root / "auth" / "minidocker.db").write_bytes(b"garbage" * 1000)
        os.chown(place.root / "auth" / "minidocker.db", 58102, 58102)
    elif what == "mdocker":
        options["--mdocker"] = "/no/such/mdocker"
    elif what == "certificate":
        (place.folder / "bad.pem").write_text("bad")
        options |= {"--tls-cert": place.folder / "bad.pem", "--tls-key": place.folder / "bad.pem"}
    elif what == "option":
        options["--nonsense"] = "1"
    elif what == "listen":
        options["--listen"] = "8080"
    words = [str(w) for pair in options.items() for w in pair]
    result = run([program("mdockerd"), *words])
    assert result.code != 0
    lines = [line for line in result.err.splitlines() if "mdockerd" in line]
    named = {"port": "Address already in use", "assets": "nothing", "database": "not a database",
             "mdocker": "/no/such/mdocker", "certificate": "--tls-cert", "option": "--nonsense", "listen": "HOST:PORT"}[what]
    assert len(lines) == 1 and named in lines[0], result.err
    taken.close()
