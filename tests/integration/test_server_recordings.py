# SPDX-License-Identifier: Apache-2.0
"""Recordings by HTTP: begun and ended by their user, listed, read, removed; never somebody else's but for an admin, who is logged."""

import json

import pytest

from harness.process import wait_until
from harness.server import assert_logged
from harness.web import WebServer

PROMPT = r"[#$] "


@pytest.fixture
def start(place):
    place.need_images("busybox")
    return lambda *options: WebServer(place, "--workspace=image=busybox", *options).start()


def audit(place, event):
    lines = [json.loads(line) for line in open(place.root / "auth" / "audit.log")]
    return [(e["outcome"], e.get("user"), e.get("text", e.get("detail"))) for e in lines if e["event"] == event]


def listed(session, query=""):
    r = session.request("GET", f"/api/v1/recordings{query}")
    assert r.status == 200, r.text
    return r.json["recordings"]


def record(session, text):
    """Shows `text` in a terminal that is recorded meanwhile; returns the recording's id."""
    before = {r["id"] for r in listed(session)}
    s = session.shell(subprotocol="mdocker.v1")
    path = f"/api/v1/terminals/{s.expect_message('hello')['terminal']}"
    assert session.request("PATCH", path, {"recorded": True}).status == 200
    s.line(f"echo {text[:1]}''{text[1:]}")
    s.expect(text)
    assert session.request("PATCH", path, {"recorded": False}).status == 200
    s.close()
    (new,) = {r["id"] for r in listed(session)} - before
    return new


def test_begun_listed_read_and_removed_by_its_user(start, place):
    alice = start().login("alice")
    s = alice.shell(subprotocol="mdocker.v1")
    hello = s.expect_message("hello")
    assert (hello["recorded"], hello["may_record"]) == (False, True)
    path = f"/api/v1/terminals/{hello['terminal']}"
    assert alice.request("PATCH", path, {"recorded": True}).status == 200
    said = s.expect_message("notice")
    assert (said["kind"], said["recorded"], said["text"]) == ("recording", True, "this terminal is recorded")
    late = alice.open(subprotocol="mdocker.v1")
    assert late.expect_message("hello")["recorded"] is True, "who comes later is told, too"
    assert alice.request("GET", "/api/v1/terminals").json["terminals"][0]["recorded"] is True
    s.line("echo sh''own")
    s.expect("shown")
    (live,) = listed(alice)
    assert live["live"] is True and live["terminal"] == int(hello["terminal"])
    one = f"/api/v1/recordings/{live['id']}"
    r = alice.request("DELETE", one)
    assert (r.status, r.json["code"]) == (403, "forbidden"), "not while it is made"
    assert alice.request("PATCH", path, {"recorded": False}).status == 200
    assert s.expect_message("notice")["recorded"] is False
    (done,) = listed(alice)
    r = alice.request("GET", one + "?download=1")
    assert r.status == 200 and len(r.text.encode()) == done["bytes"] and "shown" in r.text
    assert r.headers["Content-Disposition"] == f'attachment; filename="{done["id"]}.cast"'
    assert r.headers["Content-Type"] == "application/x-asciicast"
    assert json.loads(r.text.splitlines()[0])["version"] == 2
    assert alice.request("HEAD", one).headers["Content-Length"] == str(done["bytes"])
    assert alice.request("DELETE", one).status == 200
    assert listed(alice) == [] and alice.request("GET", one).status == 404
    assert_logged(lambda: audit(place, "recording"), [("ok", "alice", f"terminal {hello['terminal']}, begun"),
                                                      ("ok", "alice", f"terminal {hello['terminal']}, ended")])
    assert_logged(lambda: audit(place, "recordings"), [("ok", "alice", f"remove {done['id']} of alice")])


def test_a_stopped_workspace_and_one_that_nobody_made(start, place):
    server = start()
    alice, bob = server.login("alice"), server.login("bob")
    assert listed(bob) == [] and len(place.workspaces()) == 0, "looking makes none"
    one = record(alice, "kept")
    assert alice.request("POST", "/api/v1/workspace/stop", {}).status == 200
    assert [r["id"] for r in listed(alice)] == [one]
    assert "kept" in alice.request("GET", f"/api/v1/recordings/{one}").text
    assert alice.request("GET", "/api/v1/workspace").json["state"] == "stopped", "reading starts nothing"


def test_others_recordings_are_an_admins_alone_and_that_is_logged(start, place):
    server = start()
    alice, bob, admin = server.login("alice"), server.login("bob"), server.login("admin")
    one = record(alice, "of alice")
    path = f"/api/v1/recordings/{one}"
    for method in ("GET", "DELETE"):
        assert bob.request(method, path).status == 404, "the name means one of bob's own"
        assert bob.request(method, path + "?user=alice").status == 403
    assert bob.request("GET", "/api/v1/recordings?user=alice").status == 403
    assert server.request("GET", path + "?user=alice").status == 401
    assert [r["id"] for r in listed(admin, "?user=alice")] == [one]
    assert "of alice" in admin.request("GET", path + "?user=alice").text
    assert admin.request("GET", path).status == 404
    assert admin.request("DELETE", path + "?user=alice").status == 200
    assert listed(alice) == []
    for bad in ("nobody", "..", "%2e%2e", "alice%2f..", "a" * 100):
        assert admin.request("GET", f"/api/v1/recordings?user={bad}").status in (200, 404), bad
    assert_logged(lambda: [e for e in audit(place, "recordings") if e[2].endswith("of alice")],
                  [("ok", "admin", f"{what} of alice") for what in ("list", f"read {one}", f"remove {one}")])
    assert_logged(lambda: [e[1] for e in audit(place, "denied") if e[1] == "bob"], ["bob"] * 3)


@pytest.mark.parametrize("name", ["..%2f..%2fworkspace", "%2e%2e", "....", "%2fetc%2fpasswd", "--force",
                                  "--owner=bob", "-h", "20260101T000000Z-t1.cast", "x" * 60])
def test_no_name_leads_anywhere_else(start, name):
    alice = start().login("alice")
    alice.shell().close()
    for method in ("GET", "DELETE"):
        r = alice.request(method, f"/api/v1/recordings/{name}")
        assert (r.status, r.json["code"]) == (404, "not_found"), r.text


def test_where_recordings_are_required_every_client_is_told_and_no_user_ends_one(start, place):
    server = start("--workspace=record=always")
    alice, admin = server.login("alice"), server.login("admin")
    s = alice.shell(subprotocol="mdocker.v1")
    hello = s.expect_message("hello")
    assert hello["may_record"] is False
    if not hello["recorded"]:
        assert s.expect_message("notice")["recorded"] is True
    path = f"/api/v1/terminals/{hello['terminal']}"
    r = alice.request("PATCH", path, {"recorded": False})
    assert (r.status, r.json["code"]) == (403, "forbidden") and "always recorded" in r.json["error"]
    s.line("exit")
    s.expect_message("exit")
    (one,) = listed(alice)
    r = alice.request("DELETE", f"/api/v1/recordings/{one['id']}")
    assert r.status == 403 and "only an admin" in r.json["error"]
    assert admin.request("DELETE", f"/api/v1/recordings/{one['id']}?user=alice").status == 200
    assert listed(alice) == []


def test_where_they_are_forbidden_none_is_made(start):
    alice = start("--workspace=record=never").login("alice")
    hello = alice.shell(subprotocol="mdocker.v1").expect_message("hello")
    assert hello["may_record"] is False
    assert alice.request("PATCH", f"/api/v1/terminals/{hello['terminal']}", {"recorded": True}).status == 403
    assert alice.request("GET", "/api/v1/recordings").json == {"mode": "never", "recordings": []}


def test_the_server_prunes_also_where_nobody_looks(start, place):
    server = start()
    alice = server.login("alice")
    kept = record(alice, "kept")
    (workspace,) = place.workspaces()
    folder = place.root / "workspaces" / workspace / "recordings"
    (folder / "20200101T000000Z-t1.cast").write_text("{}\n")
    server.stop()
    server.start()
    wait_until(lambda: [p.name for p in folder.iterdir()] == [f"{kept}.cast"], "the old one is gone")


def test_a_long_recording_comes_whole(start, place):
    alice = start().login("alice")
    one = record(alice, "small")
    (workspace,) = place.workspaces()
    path = place.root / "workspaces" / workspace / "recordings" / f"{one}.cast"
    head = path.read_text().splitlines()[0]
    path.write_text(head + "\n" + "".join(f'[{i}.000,"o","{i:0990}"]\n' for i in range(5000)))
    r = alice.request("GET", f"/api/v1/recordings/{one}")
    assert r.text == path.read_text()
    assert listed(alice)[0]["duration_ms"] == 4999000
