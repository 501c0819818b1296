# SPDX-License-Identifier: Apache-2.0
"""The stricter and looser profiles from inside: each looser one opens what it names, and nothing else."""

import re

import pytest

from harness.server import Server
from test_probe import PROBE, Canaries, leaks, verdicts

# What a profile's own words admit to; all other techniques fail as in the default one.
ADMITTED = {
    "strict": set(),
    "sudo": {"no_new_privs"},
    "nested": {"unshare-user", "clone-user", "clone-user-mount"},
}


@pytest.fixture
def canaries(place):
    c = Canaries(place)
    yield c
    c.close()


def run(place, profile, *command, **more):
    return place.mdocker("run", "--rm", "--profile", profile, "--pids-limit", "50", "busybox", *command, **more)


@pytest.mark.parametrize("profile", ADMITTED)
def test_the_probe_finds_no_more_than_the_profile_says(place, canaries, profile):
    place.need_images("busybox")
    found = verdicts(place.mdocker("run", "--rm", "--profile", profile, "--pids-limit", "50", "-v", f"{PROBE}:/tmp/probe:ro",
                                   "busybox", "/tmp/probe", *canaries.arguments(), timeout=120).ok())
    seen = {line.split(":")[0] for line in leaks(found)}
    assert seen == ADMITTED[profile], (sorted(leaks(found)))


def test_strict_has_no_network_no_capability_and_nothing_to_write(place):
    place.need_images("busybox")
    script = ("grep CapBnd /proc/self/status; ls /sys/class/net; for d in / /root /etc /var; do touch $d/x || echo $d; done;"
              " echo kept > /mytemp/x && cat /mytemp/x; mkfifo /tmp/f && echo fifo; chown 1 /tmp/f || echo no-chown")
    r = run(place, "strict", "/bin/sh", "-c", script).ok()
    assert r.out.split() == ["CapBnd:", "0" * 16, "lo", "/", "/root", "/etc", "/var", "kept", "fifo", "no-chown"]
    assert "gives up" not in r.err
    place.mdocker("run", "--profile", "strict", "--network", "bridge", "busybox", "/bin/true").failed(125, "has no network")


def test_a_terminal_works_in_strict(place):
    place.need_images("busybox")
    place.mdocker("run", "-d", "--name", "w", "--profile", "strict", "busybox", "/bin/sleep", "600").ok()
    assert place.mdocker("exec", "w", "/bin/sh", "-c", "id -u; echo $((6*7))").ok().out == "0\n42\n"
    assert re.search(r"(?m)^profile +strict", place.mdocker("profile", "show", "w").ok().out)


def test_sudo_lets_setuid_programs_work_and_default_does_not(place):
    """A reader of root's file, as an ordinary user."""
    place.need_images("default")
    script = ("cp /bin/cat /var/reader; chmod 4755 /var/reader; echo open > /root/f; chmod 700 /root;"
              " setpriv --reuid 65534 --clear-groups /var/reader /root/f 2>&1")
    answers = [place.mdocker("run", "--rm", "--profile", profile, "default", "/bin/sh", "-c", script).out
               for profile in ("sudo", "default")]
    assert answers[0] == "open\n" and "denied" in answers[1], answers


def test_nested_makes_namespaces_and_still_reaches_nothing_else(place):
    place.need_images("busybox")
    script = ("unshare -Urm /bin/sh -c 'id -u; mount -t tmpfs t /mytemp && echo mounted; umount /proc/kcore || echo masked;"
              " cat /proc/keys | wc -l; mount -t proc p /tmp || echo no-proc'")
    out = run(place, "nested", "/bin/sh", "-c", script).ok().out.split()
    assert out[:3] == ["0", "mounted", "masked"] and out[3] == "0" and "no-proc" in out
    assert run(place, "default", "/bin/sh", "-c", "unshare -Ur id").code != 0


@pytest.mark.parametrize("profile", ["sudo", "nested"])
def test_what_is_given_up_is_said_at_each_start_and_shown(place, profile):
    place.need_images("busybox")
    r = place.mdocker("run", "-d", "--name", "w", "--profile", profile, "busybox", "/bin/sleep", "600").ok()
    assert f"profile '{profile}' gives up" in r.err
    shown = place.mdocker("profile", "show", "w").ok().out
    assert re.search(rf"(?m)^profile +{profile}", shown) and "GIVES UP" in shown
    place.mdocker("stop", "-t", "0", "w").ok()
    assert "gives up" in place.mdocker("start", "w").ok().err


def test_the_servers_log_says_it_too(place):
    place.need_images("default")
    place.mdocker("template", "set", "loose", "--profile", "sudo").ok()
    server = Server(place, "--template", "alice=loose").start()
    assert server.login("alice").shell().ask("grep NoNewPrivs /proc/self/status").split() == ["NoNewPrivs:", "0"]
    assert server.login("bob").shell().ask("grep NoNewPrivs /proc/self/status").split() == ["NoNewPrivs:", "1"]
    said = server.said()
    assert "workspace of alice" in said and "gives up no_new_privs" in said and "workspace of bob" not in said
