# SPDX-License-Identifier: Apache-2.0
"""An admin at somebody's terminal: to look or to help, shown to all who are there for as long as it lasts, and in the audit log."""

import json

import pytest

from harness.process import wait_until
from harness.server import Refused, assert_logged
from harness.web import RawSocket, WebServer


@pytest.fixture
def web(place):
    place.need_images("busybox")
    return WebServer(place, "--workspace=image=busybox").start()


def audit(place, *events):
    lines = [json.loads(line) for line in open(place.root / "auth" / "audit.log")]
    return [(e["event"], e["outcome"], e.get("user"), e.get("text", e.get("detail"))) for e in lines if e["event"] in events]


def clients(socket, count):
    """Waits for the message that tells of so many."""
    while True:
        found = socket.expect_message("presence")["clients"]
        if len(found) == count:
            return found


def test_who_looks_is_shown_at_once_and_until_the_end_and_changes_nothing(web, place):
    alice, admin = web.login("alice"), web.login("admin")
    s = alice.shell("?rows=30&cols=100", subprotocol="mdocker.v1")
    terminal = s.expect_message("hello")["terminal"]
    clients(s, 1)
    s.line("echo sec''ret")
    s.expect("secret")
    (seen,) = admin.request("GET", "/api/v1/terminals?user=alice").json["terminals"]
    assert seen["id"] == terminal
    look = admin.open(f"?user=alice&terminal={terminal}&rows=5&cols=20", subprotocol="mdocker.v1")
    hello = look.expect_message("hello")
    assert hello["read_only"] is True and (hello["rows"], hello["cols"]) == (30, 100)
    look.expect("secret")
    both = clients(s, 2)
    assert {"name": "admin", "read_only": True, "self": False, "admin": True, "wall": False} in both
    late = alice.open(f"?terminal={terminal}", subprotocol="mdocker.v1")
    assert any(c["admin"] and c["name"] == "admin" for c in clients(late, 3)), "who comes later sees it, too"
    look.line("touch /tmp/typed")
    look.tell(type="resize", rows=10, cols=10)
    look.tell(type="ping")
    look.expect_message("pong")
    assert s.ask("ls /tmp; stty size").split() == ["30", "100"]
    look.close()
    assert not any(c["admin"] for c in clients(s, 2))
    text = f"terminal {terminal} of alice, looks only"
    wait_until(lambda: len(audit(place, "admin_look_end")) == 1, "the end is logged")
    assert audit(place, "admin_access", "admin_look", "admin_look_end") == [
        ("admin_access", "ok", "admin", "to look at the terminals of alice"),  # the list
        ("admin_access", "ok", "admin", "to look at the terminals of alice"),
        ("admin_look", "ok", "admin", text), ("admin_look_end", "ok", "admin", text)]


def test_who_helps_can_type_and_is_shown_so(web, place):
    alice, admin = web.login("alice"), web.login("admin")
    s = alice.shell(subprotocol="mdocker.v1")
    terminal = s.expect_message("hello")["terminal"]
    helper = admin.open(f"?user=alice&terminal={terminal}&control=1", subprotocol="mdocker.v1")
    assert helper.expect_message("hello")["read_only"] is False
    assert {"name": "admin", "read_only": False, "self": False, "admin": True, "wall": False} in clients(s, 2)
    assert {"name": "admin", "read_only": False, "self": True, "admin": True, "wall": False} in clients(helper, 2)
    helper.line("echo ty''ped by admin")
    s.expect("typed by admin")
    assert ("admin_access", "ok", "admin", "to type in the terminals of alice") in audit(place, "admin_access")
    assert_logged(lambda: audit(place, "admin_look"), [("admin_look", "ok", "admin", f"terminal {terminal} of alice, may type")])
    assert alice.request("POST", "/api/v1/workspace/stop", {}).status == 200
    helper.expect_closed()
    wait_until(lambda: audit(place, "admin_look_end"), "also an end of the workspace's own is one")


def test_nobody_but_an_admin_gets_there(web, place):
    alice, bob, admin = web.login("alice"), web.login("bob"), web.login("admin")
    s = alice.shell(subprotocol="mdocker.v1")
    terminal = s.expect_message("hello")["terminal"]
    link = alice.request("POST", "/api/v1/links", {"terminal": int(terminal), "can_type": True}).json["link"]
    clients(s, 1)
    for query in (f"?user=alice&terminal={terminal}", f"?user=alice&terminal={terminal}&control=1"):
        with pytest.raises(Refused) as e:
            bob.open(query)
        assert e.value.status == 403
        assert RawSocket(web, None, query=query).status == 401
    assert bob.request("GET", "/api/v1/terminals?user=alice").status == 403
    guest = web.login("bob").open(f"?link={link}&user=admin&control=1", subprotocol="mdocker.v1")
    guest.expect_message("hello")
    found = clients(s, 2)
    assert not any(c["admin"] for c in found) and {c["name"] for c in found} == {"alice", "guest"}
    assert_logged(lambda: [e[2] for e in audit(place, "denied") if e[2] == "bob"], ["bob"] * 3)
    # To oneself one is no admin.
    own = admin.open("?user=admin", subprotocol="mdocker.v1")
    assert own.expect_message("hello")["read_only"] is False
    assert not clients(own, 1)[0]["admin"]


def test_looking_makes_and_starts_nothing(web, place):
    alice, admin = web.login("alice"), web.login("admin")
    r = admin.request("GET", "/api/v1/terminals?user=alice")
    assert (r.status, r.json["code"]) == (404, "not_found") and "isn't running" in r.json["error"]
    assert not place.workspaces()
    look = admin.open("?user=alice", subprotocol="mdocker.v1")
    assert look.expect_closed() == (1011, "the workspace of 'alice' isn't running")
    alice.shell().close()
    assert alice.request("POST", "/api/v1/workspace/stop", {}).status == 200
    assert admin.request("GET", "/api/v1/terminals?user=alice").status == 404
    assert alice.request("GET", "/api/v1/workspace").json["state"] == "stopped"


def test_the_look_ends_with_the_admins_login_and_role(web, place):
    alice, admin = web.login("alice"), web.login("admin")
    assert admin.request("POST", "/api/v1/users", {"username": "second", "password": "long enough", "role": "admin"}).status in (200, 201)
    second = web.login("second", "long enough")
    s = alice.shell(subprotocol="mdocker.v1")
    look = second.open("?user=alice", subprotocol="mdocker.v1")
    look.expect_message("hello")
    assert admin.request("PATCH", "/api/v1/users/second", {"role": "user"}).status == 200
    assert look.expect_closed()[0] == 1008
    clients(s, 2), clients(s, 1)


def test_a_web_process_that_lies_about_the_role_gets_nothing(web, place):
    """The broker asks auth itself: what web claims about a session does not matter. Here by a user's own requests, whose
    name says more than they may."""
    bob = web.login("bob")
    web.login("alice").shell().close()
    for path in ("/api/v1/recordings?user=alice", "/api/v1/terminals?user=alice&user=bob", "/api/v1/recordings?user=alice&user=bob"):
        assert bob.request("GET", path).status == 403
    # The second of two is not looked at, neither here nor there.
    assert bob.request("GET", "/api/v1/recordings?user=bob&user=alice").json["recordings"] == []


def test_who_sits_at_the_host_sees_it_too(web, place):
    alice, admin = web.login("alice"), web.login("admin")
    s = alice.shell(subprotocol="mdocker.v1")
    terminal = s.expect_message("hello")["terminal"]
    host = place.terminal("attach", "alice")
    host.expect("# ")
    assert alice.request("PATCH", f"/api/v1/terminals/{terminal}", {"recorded": True}).status == 200
    host.expect("this terminal is recorded")
    look = admin.open(f"?user=alice&terminal={terminal}", subprotocol="mdocker.v1")
    host.expect("the admin admin looks at this terminal")
    look.close()
    host.expect("no admin looks at this terminal any more")


def test_the_wall_gets_pictures_is_shown_and_is_one_line_in_the_log(web, place):
    alice, admin = web.login("alice"), web.login("admin")
    s = alice.shell("?rows=30&cols=100", subprotocol="mdocker.v1")
    terminal = s.expect_message("hello")["terminal"]
    s.line("seq 2000; echo sec''ret")
    s.expect("secret")
    (listed,) = admin.request("GET", "/api/v1/wall").json["workspaces"]
    assert listed["owner"] == "alice" and [t["id"] for t in listed["terminals"]] == [terminal]
    assert "secret" not in json.dumps(listed)
    query = f"?user=alice&terminal={terminal}&wall=77"
    wall = admin.open(query, subprotocol="mdocker.v1")
    hello = wall.expect_message("hello")
    assert hello["read_only"] is True and (hello["rows"], hello["cols"]) == (30, 100)
    assert hello["snapshot"] < 4000, "no scrollback"
    wall.expect("secret")
    assert {"name": "admin", "read_only": True, "self": False, "admin": True, "wall": True} in clients(s, 2)
    s.line("echo sec''ond")
    assert wall.expect_message("hello")["snapshot"] < 4000, "a new picture, no stream"
    wall.expect("second")
    wall.line("touch /tmp/typed")
    assert s.ask("ls /tmp") == ""
    wall.close()
    clients(s, 1)
    again = admin.open(query, subprotocol="mdocker.v1")
    again.expect_message("hello")
    assert_logged(lambda: audit(place, "admin_wall"), [("admin_wall", "ok", "admin", "the wall shows the terminals of alice")])
    other = admin.open(f"?user=alice&terminal={terminal}&wall=78", subprotocol="mdocker.v1")
    other.expect_message("hello")
    wait_until(lambda: len(audit(place, "admin_wall")) == 2, "another visit is another line")
    assert not audit(place, "admin_look", "admin_access")
    host = place.terminal("attach", "alice")
    host.expect("the admin admin looks at this terminal")


def test_nobody_but_an_admin_has_a_wall(web, place):
    alice, bob = web.login("alice"), web.login("bob")
    alice.shell().close()
    for query in ("?wall=1", "?user=alice&terminal=1&wall=1", "?user=bob&wall=1"):
        with pytest.raises(Refused) as e:
            bob.open(query)
        assert e.value.status == 403
    assert bob.request("GET", "/api/v1/wall").status == 403
    assert not audit(place, "admin_wall")


def test_the_wall_starts_nothing(web, place):
    admin = web.login("admin")
    assert admin.request("GET", "/api/v1/wall").json == {"groups": [], "workspaces": []}
    assert admin.open("?user=alice&wall=1", subprotocol="mdocker.v1").expect_closed()[0] == 1011
    assert admin.open("?user=admin&terminal=1&wall=1", subprotocol="mdocker.v1").expect_closed()[0] in (1008, 1011)
