# SPDX-License-Identifier: Apache-2.0
"""Accounts and sessions: what ends them, how fast one may guess, what the audit log tells and what it never holds."""

import concurrent.futures
import contextlib
import ctypes
import hashlib
import json
import re
import sqlite3
import time

import pytest

from harness import program
from harness.process import run, wait_until
from harness.sanitizer import SANITIZED
from harness.web import WebServer, web  # noqa: F401


def login(web, user, password):
    return web.request("POST", "/api/v1/login", {"username": user, "password": password})


def cookie_of(response):
    return response.headers["Set-Cookie"].split(";")[0]


def audit(place):
    return [json.loads(line) for line in open(place.root / "auth" / "audit.log")]


def test_after_five_failures_one_waits_and_others_do_not(web):
    failures = 0
    # On a slow machine the first short delays pass while passwords are hashed; the delay doubles each time.
    while (r := login(web, "alice", "wrong")).status == 401:
        failures += 1
        assert failures < 15
    assert failures >= 5
    assert (r.status, r.json["code"]) == (429, "too_many_tries")
    assert int(r.headers["Retry-After"]) >= 1
    assert login(web, "bob", "password").status == 200
    wait_until(lambda: login(web, "alice", "password").status == 200, "alice may try again")
    assert login(web, "alice", "wrong").status == 401, "the count began anew"


def test_a_session_guesses_its_password_no_faster_than_a_login(web):
    cookie = cookie_of(login(web, "alice", "password"))
    guess, failures = {"old_password": "wrong", "new_password": "another password"}, 0
    while (r := web.request("POST", "/api/v1/password", guess, cookie=cookie)).status == 403:
        failures += 1
        assert failures < 15
    assert failures >= 5 and (r.status, r.json["code"]) == (429, "too_many_tries")


def test_an_unknown_user_takes_as_long_as_a_wrong_password(web):
    def seconds(user):
        started = time.monotonic()
        assert login(web, user, "wrong").status == 401
        return time.monotonic() - started

    # By turns, and the least: a processor that somebody else has makes it longer, never shorter.
    known, unknown = zip(*((seconds("bob"), seconds(f"nobody{i}")) for i in range(4)))
    assert 0.5 < min(known) / min(unknown) < 2, (known, unknown)


def test_a_flood_of_logins_is_queued_then_told_to_wait_and_nothing_else_suffers(place):
    web = WebServer(place, "--max-connections", "200").start()
    with concurrent.futures.ThreadPoolExecutor(80) as pool:
        logins = [pool.submit(login, web, f"user{i}", "x") for i in range(80)]
        slowest = 0
        while not all(f.done() for f in logins):
            started = time.monotonic()
            assert web.request("GET", "/healthz").status == 200
            slowest = max(slowest, time.monotonic() - started)
        statuses = [f.result().status for f in logins]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) >= 32
    assert slowest < 3
    assert login(web, "alice", "password").status == 200


def test_a_new_password_ends_all_sessions_and_goes_on_under_a_new_secret(web):
    here, there = web.login("alice").cookie, web.login("alice").cookie
    change = {"old_password": "password", "new_password": "correct horse"}
    assert web.request("POST", "/api/v1/password", change | {"old_password": "x"}, cookie=here).status == 403
    assert web.request("POST", "/api/v1/password", change | {"new_password": "short"}, cookie=here).status == 400
    r = web.request("POST", "/api/v1/password", change, cookie=here)
    assert r.status == 200
    assert web.request("GET", "/api/v1/me", cookie=here).status == 401
    assert web.request("GET", "/api/v1/me", cookie=there).status == 401
    assert web.request("GET", "/api/v1/me", cookie=cookie_of(r)).status == 200
    assert login(web, "alice", "password").status == 401
    assert login(web, "alice", "correct horse").status == 200


def database(place):
    return sqlite3.connect(place.root / "auth" / "minidocker.db")


def hash_of(place, user):
    with contextlib.closing(database(place)) as db:
        return db.execute("SELECT hash FROM users WHERE name = ?", (user,)).fetchone()[0]


def test_passwords_are_kept_as_argon2id_and_hashed_anew_at_a_login_if_by_less(place):
    web = WebServer(place).start()
    today = "$argon2id$v=19$m=65536,t=3,p=1$"
    assert hash_of(place, "alice").startswith(today)
    web.stop()
    sodium = ctypes.CDLL("libsodium.so.23")
    weak = ctypes.create_string_buffer(128)
    assert sodium.crypto_pwhash_str(weak, b"password", ctypes.c_ulonglong(8), ctypes.c_ulonglong(1), ctypes.c_size_t(8192)) == 0
    with contextlib.closing(database(place)) as db, db:
        db.execute("UPDATE users SET hash = ? WHERE name = 'alice'", (weak.value.decode(),))
    web.start()
    assert hash_of(place, "alice") == weak.value.decode()
    assert login(web, "alice", "wrong").status == 401
    assert hash_of(place, "alice") == weak.value.decode(), "who doesn't know the password changes nothing"
    assert login(web, "alice", "password").status == 200
    wait_until(lambda: hash_of(place, "alice").startswith(today), "a new hash")
    assert login(web, "alice", "password").status == 200


@pytest.mark.skipif(SANITIZED, reason="a sanitizer wants addresses without a limit")
def test_a_login_for_which_there_is_no_memory_is_no_wrong_password(web):
    pid = web.roles()["auth"]
    status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if ":" in line)
    uid, gid = (status[k].split()[0] for k in ("Uid", "Gid"))

    def most(address_space):
        run(["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "prlimit", "--pid", pid, f"--as={address_space}:"]).ok()

    cookie = cookie_of(login(web, "alice", "password"))
    change = {"old_password": "password", "new_password": "another password"}
    most((int(status["VmSize"].split()[0]) + 16384) << 10)
    for _ in range(7):
        r = login(web, "alice", "password")
        assert (r.status, r.json["code"]) == (503, "unavailable")
    assert web.request("POST", "/api/v1/password", change, cookie=cookie).status == 503
    most("unlimited")
    assert login(web, "alice", "password").status == 200, "nobody waits for what the server could not do"
    assert not [line for line in audit(web.place) if line["outcome"] in ("denied", "limited")]


def test_a_secret_is_the_servers_own_and_only_its_digest_is_kept(place):
    web = WebServer(place).start()
    planted = "mdocker=" + "ab" * 32
    r = web.request("POST", "/api/v1/login", {"username": "alice", "password": "password"}, cookie=planted)
    assert r.status == 200 and cookie_of(r) != planted
    assert web.request("GET", "/api/v1/me", cookie=planted).status == 401, "nobody chooses a session for somebody else"
    again = web.request("POST", "/api/v1/login", {"username": "bob", "password": "password"}, cookie=cookie_of(r))
    assert cookie_of(again) != cookie_of(r)
    assert web.request("GET", "/api/v1/me", cookie=cookie_of(again)).json["username"] == "bob"
    with contextlib.closing(database(place)) as db:
        kept = {bytes(secret) for secret, in db.execute("SELECT secret FROM sessions")}
    tokens = [bytes.fromhex(cookie_of(x).split("=")[1]) for x in (r, again)]
    assert len(tokens[0]) == 32 and hashlib.sha256(tokens[1]).digest() in kept and not kept & set(tokens)


def test_a_socket_closes_when_its_login_is_over(place):
    """Nobody types: idle. Or the longest time of a session, whoever types."""
    place.need_images("busybox")
    web = WebServer(place, "--workspace", "image=busybox", "--idle", "4", "--max-session", "8").start()
    idle, session, started = web.login("alice").shell(), web.login("bob"), time.monotonic()
    busy = session.shell()
    while busy.closed is None and time.monotonic() - started < 30:
        with contextlib.suppress(Exception):
            busy.send(" ")
        time.sleep(0.2)
    lasted = time.monotonic() - started
    assert busy.expect_closed()[0] == 1008 and 6 < lasted, "typing keeps a login alive, for a while"
    assert idle.expect_closed()[0] == 1008


def test_sessions_end_when_idle_and_in_any_case_after_a_while(place):
    web = WebServer(place, "--idle", "3", "--max-session", "8").start()
    idle, polled = (web.login("alice").cookie for _ in range(2))
    busy, started = web.login("alice").cookie, time.monotonic()
    looked = []  # what a page asks by itself every few seconds is no activity of anybody
    while web.request("GET", "/api/v1/me", cookie=busy).status == 200:
        looked.append(web.request("GET", "/api/v1/links", cookie=polled).status)
        time.sleep(0.3)
        assert time.monotonic() - started < 20
    assert (looked[0], looked[-1]) == (200, 401)
    assert time.monotonic() - started > 6
    assert web.request("GET", "/api/v1/me", cookie=idle).status == 401


def test_admins_manage_users_and_the_last_admin_stays(web):
    admin = web.login("admin").cookie

    def ask(method, path, body=None):
        return web.request(method, "/api/v1/users" + path, body, cookie=admin)

    assert ask("POST", "", {"username": "carol", "password": "long enough"}).status == 200
    assert ask("POST", "", {"username": "carol", "password": "long enough"}).status == 409
    for bad in ({"username": "../etc", "password": "long enough"}, {"username": "dave", "password": "short"},
                {"username": "dave"}, {"username": "dave", "password": "long enough", "role": "root"}):
        assert ask("POST", "", bad).status == 400, bad
    users = {u["username"]: u for u in ask("GET", "").json["users"]}
    assert set(users) == {"alice", "bob", "admin", "carol"}
    assert users["carol"]["role"] == "user" and users["carol"]["created_ms"] > 1e12
    carol = login(web, "carol", "long enough")
    assert carol.status == 200
    assert ask("PATCH", "/carol", {"disabled": True}).status == 200
    assert web.request("GET", "/api/v1/me", cookie=cookie_of(carol)).status == 401
    assert login(web, "carol", "long enough").status == 401
    assert ask("PATCH", "/carol", {"disabled": False, "role": "admin", "password": "another one"}).status == 200
    assert login(web, "carol", "another one").json["role"] == "admin"
    assert ask("DELETE", "/carol").status == 200
    assert login(web, "carol", "another one").status == 401
    for loss in (("DELETE", "/admin", None), ("PATCH", "/admin", {"disabled": True}), ("PATCH", "/admin", {"role": "user"})):
        assert ask(*loss).status == 400
    for i in range(40):
        assert ask("POST", "", {"username": f"u{i}", "password": "long enough"}).status in (200, 429)
    assert len(ask("GET", "").json["users"]) > 36


def test_the_first_start_without_demo_shows_a_password_once(place):
    web = WebServer(place, demo=False).start()
    assert web.request("GET", "/api/v1/config").json["demo"] is False
    said = re.findall(r"'admin' was made with the password '([^']+)'", web.said())
    assert len(said) == 1 and len(said[0]) >= 16
    assert login(web, "admin", said[0]).json["role"] == "admin"
    assert login(web, "alice", "password").status == 401
    web.stop()
    web.start()
    assert len(re.findall("with the password", web.said())) == 1
    assert login(web, "admin", said[0]).status == 200


def test_demo_accounts_do_not_work_without_demo(place):
    web = WebServer(place).start()
    session = web.login("alice").cookie
    assert web.request("GET", "/api/v1/me", cookie=session).status == 200
    web.stop()
    web.options.remove("--demo")
    web.start()
    assert web.request("GET", "/api/v1/me", cookie=session).status == 401
    assert login(web, "alice", "password").status == 401
    assert login(web, "admin", "admin").status == 401
    password = re.findall(r"'admin' was made with the password '([^']+)'", web.said())[0]
    assert login(web, "admin", password).status == 200


def test_sessions_outlive_the_server(web):
    session = web.login("alice").cookie
    web.kill()
    web.start()
    assert web.request("GET", "/api/v1/me", cookie=session).status == 200


def test_the_audit_log_tells_who_did_what_and_holds_no_secret(place):
    web = WebServer(place).start()
    cookie = web.login("alice").cookie
    login(web, "alice", "my-wrong-password")
    login(web, "My Password Typed As Name", "x")
    web.request("POST", "/api/v1/logout", {}, cookie=cookie)
    admin = web.login("admin").cookie
    web.request("POST", "/api/v1/users", {"username": "carol", "password": "carols-secret"}, cookie=admin)
    web.request("POST", "/api/v1/login", {}, headers={"Origin": "http://evil.example"})
    web.stop()
    log = place.root / "auth" / "audit.log"
    assert log.stat().st_mode & 0o7777 == 0o600
    told = [(e["event"], e["outcome"], e.get("user")) for e in audit(place)]
    for line in (("login", "ok", "alice"), ("login", "denied", "alice"), ("logout", "ok", "alice"), ("login", "denied", "?"),
                 ("user_change", "ok", "admin"), ("denied", "failed", None), ("server", "ok", None)):
        assert line in told, line
    everything = log.read_text() + web.said()
    for secret in ("my-wrong-password", "My Password", "carols-secret", cookie.split("=")[1], admin.split("=")[1]):
        assert secret not in everything
    database = (place.root / "auth" / "minidocker.db").read_bytes()
    wal = place.root / "auth" / "minidocker.db-wal"
    database += wal.read_bytes() if wal.exists() else b""
    assert b"carols-secret" not in database
    token = admin.split("=")[1]
    assert token.encode() not in database and bytes.fromhex(token) not in database


def test_audit_verify_finds_a_changed_a_removed_and_a_cut_line(place):
    web = WebServer(place).start()
    web.login("alice")
    login(web, "bob", "wrong")
    web.kill()
    web.start()
    web.stop()
    log = place.root / "auth" / "audit.log"
    whole = log.read_text()
    assert "whole: " in place.mdocker("audit", "verify").ok().out
    lines = whole.splitlines(keepends=True)
    for broken, word in ((whole.replace('"bob"', '"eve"'), "changed"), ("".join(lines[:1] + lines[2:]), "follows"),
                         ("".join(lines[:-2]), "ends at"), (whole[:-5], "within a line")):
        log.write_text(broken)
        r = place.mdocker("audit", "verify")
        assert r.code == 1 and word in r.err and len(r.err.splitlines()) == 1, r
    log.write_text(whole)
    place.mdocker("audit", "verify").ok()


def test_options_come_from_a_file_and_the_command_line_wins(place):
    ini = place.folder / "server.ini"
    ini.write_text("[server]\nbase-path = /from/file\nallow-host = named.example\ndemo = yes\n")
    web = WebServer(place, "--config", str(ini), "--base-path", "/given", demo=False, base="/given")
    web.start()
    assert web.request("GET", "/given/healthz", headers={"Host": "named.example"}).status == 200
    assert login_at(web, "/given") == 200
    web.stop()
    ini.write_text("[server]\nbase-path = /x\nnonsense = 1\n")
    r = run([program("mdockerd"), "--config", ini])
    assert r.code != 0 and f"{ini}: line 3: unknown option 'nonsense'" in r.err


def login_at(web, base):
    return web.request("POST", base + "/api/v1/login", {"username": "alice", "password": "password"}).status


def test_a_flood_of_refusals_does_not_fill_the_audit_log(place):
    web = WebServer(place).start()
    for _ in range(400):
        assert web.request("POST", "/api/v1/login", {}, headers={"Origin": "http://evil.example"}).status == 403
    time.sleep(1.1)
    web.request("POST", "/api/v1/login", {}, headers={"Origin": "http://evil.example"})
    web.login("alice")
    web.stop()
    lines = audit(place)
    refused = [e for e in lines if e["event"] == "denied"]
    assert len(refused) < 350 or len(refused) == 401, "written one by one only on a machine too slow to flood"
    if len(refused) < 350:
        assert any("were not written" in e.get("text", "") for e in refused)
    assert [e["user"] for e in lines if e["event"] == "login"] == ["alice"]
    place.mdocker("audit", "verify").ok()
