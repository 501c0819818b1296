# SPDX-License-Identifier: Apache-2.0
"""Templates: a name for what a new workspace is, on the command line and by user and group in the server's configuration."""

import json

import pytest

from harness.server import Server



def document(place, name):
    """The workspace's own document."""
    found = [d for i in place.workspaces()
             if (d := json.loads((place.root / "workspaces" / i / "workspace.json").read_text()))["name"] == name]
    assert len(found) == 1
    return found[0]


def test_a_template_is_made_shown_listed_replaced_and_removed(place):
    place.mdocker("template", "set", "course", "--description", "first year", "--memory", "64m", "--pids-limit", "33",
                  "--profile", "strict", "--record", "always").ok()
    assert place.mdocker("template", "show", "course").ok().out.splitlines() == [
        "; first year", "memory=64m", "pids-limit=33", "profile=strict", "record=always"]
    place.mdocker("template", "set", "a", "--cpus", "2").ok()
    place.mdocker("template", "set", "course", "--memory", "32m").ok()
    assert [line.split()[0] for line in place.mdocker("template", "ls").ok().out.splitlines()] == ["a", "course"]
    assert place.mdocker("template", "show", "course").ok().out == "memory=32m\n"
    place.mdocker("template", "rm", "a").ok()
    place.mdocker("template", "show", "a").failed(1, "no template 'a'")


@pytest.mark.parametrize("options, words", [
    (["--memory", "1k"], "least is 6m"),
    (["--memory", "lots"], "not a size"),
    (["--profile", "moon"], "there are default, strict, sudo, nested"),
    (["--profile", "strict", "--network", "bridge"], "has no network"),
    (["--network", "moon"], "not none, bridge, host or auto"),
    (["--egress", "moon"], "network policy"),
    (["--record", "perhaps"], "neither ask nor always"),
    (["--record-size", "2m", "--record-total", "1m"], "less than one"),
])
def test_what_no_workspace_could_be_is_refused_when_the_template_is_made(place, options, words):
    place.mdocker("template", "set", "bad", *options).failed(1, words)
    assert place.mdocker("template", "ls").ok().out == ""


def test_a_damaged_one_hides_no_other(place):
    for name in ("a", "c"):
        place.mdocker("template", "set", name, "--memory", "200m").ok()
    (place.root / "templates" / "b.json").write_text("{")
    r = place.mdocker("template", "ls")
    assert r.code == 1 and "b.json" in r.err, repr(r)
    assert [line.split()[0] for line in r.out.splitlines()] == ["a", "c"]


def test_names_stay_in_their_folder(place):
    for name in ("../x", "a/b", ".hidden", "", "x" * 70):
        place.mdocker("template", "set", name, "--memory", "64m").failed(1, "template")


def test_a_workspace_gets_what_its_template_says_and_the_later_word_wins(place):
    place.need_images("busybox")
    place.mdocker("template", "set", "t", "--image", "busybox", "--memory", "64m", "--pids-limit", "33", "--cpus", "0.5",
                  "--device-write-bps", "5m", "--disk", "32m", "--record", "never", "--hostname", "lab").ok()
    place.mdocker("run", "-d", "--name", "w", "--template", "t", "--memory", "80m", "busybox", "/bin/sleep", "600").ok()
    limits = json.loads(place.mdocker("stats", "--format", "json", "w").ok().out)["limits"]
    assert (limits["memory"], limits["pids"], limits["cpuMillis"], limits["writeBps"], limits["disk"]) == (
        80 << 20, 33, 500, 5 << 20, 32 << 20)
    assert document(place, "w")["recording"]["mode"] == "never"
    assert place.mdocker("exec", "w", "/bin/hostname").ok().out == "lab\n"
    place.mdocker("run", "--rm", "--template", "moon", "busybox", "/bin/true").failed(125, "no template 'moon'")


def test_the_server_gives_users_and_groups_their_templates(place):
    place.need_images("default")
    for name, pids in (("plain", "31"), ("exam", "32"), ("big", "33")):
        place.mdocker("template", "set", name, "--pids-limit", pids).ok()
    server = Server(place, "--template", "plain", "--group", "class=bob", "--template", "@class=exam",
                    "--template", "admin=big", "--workspace", "pids-limit=29", "--workspace", "memory=70m").start()
    for user in ("alice", "bob", "admin"):
        server.login(user).shell()
    stats = [json.loads(line) for line in place.mdocker("stats", "--format", "json").ok().out.splitlines()]
    assert {s["name"]: (s["pidsLimit"], s["memoryLimit"] >> 20) for s in stats} == {
        "alice": (31, 70), "bob": (32, 70), "admin": (33, 70)}
