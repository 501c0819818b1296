# SPDX-License-Identifier: Apache-2.0
"""A workspace whose writable layer has a ceiling of bytes and of files."""

import json
import re

from harness import leaks
from harness.process import run, wait_until
from harness.server import Server
from harness.shim import HELLO_USER, NOTICE_DISK, Client


def fill(place, name):
    return place.mdocker("exec", name, "/bin/sh", "-c", "dd if=/dev/zero of=/root/big bs=1M count=200", timeout=60)


def test_bytes_and_files_have_a_ceiling_and_a_shell_still_opens(place):
    place.need_images("busybox")
    place.mdocker("run", "-d", "--name", "w", "--disk", "32m", "--disk-inodes", "200", "busybox", "/bin/sleep", "600").ok()
    full = fill(place, "w")
    assert full.code != 0 and "No space left" in full.err, repr(full)
    many = place.mdocker("exec", "w", "/bin/sh", "-c", "rm /root/big; for i in $(seq 1000); do : > /root/$i || exit; done")
    assert many.code != 0 and "No space left" in many.err, repr(many)
    stats = json.loads(place.mdocker("stats", "--format", "json", "w").ok().out)
    assert stats["inodes"] == stats["inodesLimit"] <= 256, stats
    assert 0 < stats["diskLimit"] < 32 << 20, stats
    place.mdocker("stop", "-t", "0", "w").ok()
    place.mdocker("start", "w").ok()
    assert place.mdocker("exec", "w", "/bin/echo", "still here").ok().out == "still here\n"


def test_what_was_written_stays_and_the_host_keeps_what_is_not(place):
    place.need_images("busybox")
    place.mdocker("run", "--name", "w", "--disk", "1g", "busybox", "/bin/sh", "-c", "echo mine > /root/file").ok()
    disk = place.root / "workspaces" / next(iter(place.workspaces())) / "disk"
    assert disk.stat().st_size == 1 << 30 and disk.stat().st_blocks * 512 < 64 << 20
    place.mdocker("start", "w")
    assert leaks.mounts(place.marks()) == []


def test_a_first_start_that_was_killed_halfway_is_made_good_by_the_next(place):
    place.need_images("busybox")
    place.mdocker("run", "--name", "w", "--disk", "32m", "busybox", "stat", "-c", "%u:%g", "/").ok()
    disk = place.root / "workspaces" / next(iter(place.workspaces())) / "disk"
    undo = 'mount -o loop "$1" "$2" && chown 0:0 "$2/upper" && umount "$2"'  # as it was between mkdir and chown
    run(["unshare", "-m", "--propagation", "private", "sh", "-c", undo, "sh", disk, place.state]).ok()
    place.mdocker("start", "w").ok()
    wait_until(lambda: not place.mdocker("ps", "-q").ok().out, "it has ended")
    assert place.mdocker("logs", "w").ok().out == "0:0\n"


def disk_notice(client):
    """The text of the next notice about the disk."""
    while True:
        n = client.wait("notice")
        if n.kind == NOTICE_DISK:
            return n.strings[0]


def test_who_is_there_is_told_that_the_disk_fills_once_for_each_level(place):
    place.need_images("busybox")
    at = json.loads(place.mdocker("workspace", "open", "alice", "--owner", "alice", "--image", "busybox", "--disk", "32m").ok().out)
    with Client(at["socket"], flags=HELLO_USER) as c:
        c.attach()
        c.expect("# ")
        c.type("dd if=/dev/zero of=/root/x bs=1M count=200; echo en''d\r")
        c.expect("end\r\n")
        said = [disk_notice(c)]
        while not said[-1].startswith("the disk is full"):
            assert re.fullmatch(r"[89]\d % of the disk are used", said[-1])
            said.append(disk_notice(c))
        assert len(said) <= 3 and re.fullmatch(r"the disk is full: [\d.]+ of [\d.]+ MiB are used", said[-1]), said
        c.type("echo more > /root/y; echo once''more\r")
        c.expect("oncemore\r\n")
        # The shim looks after output, four times a second at most: after this line it looks at once.
        c.type("rm /root/x; sync; sleep 0.5; echo em''pty\r")
        c.expect("empty\r\n")
        assert c.new().name == "created"  # by the half that has looked before
        c.type("total=$(df -k / | tail -n 1 | awk '{print $2}'); dd if=/dev/zero of=/root/z bs=1k count=$((total * 85 / 100)); echo fil''led\r")
        c.expect("filled\r\n")
        assert re.fullmatch(r"8\d % of the disk are used", disk_notice(c)), "nothing in between: said once"


def test_bad_limits_are_one_line(place):
    place.need_images("busybox")
    place.mdocker("run", "--disk", "1m", "busybox", "/bin/true").failed(125, "the least is 16m")
    place.mdocker("run", "--disk-inodes", "100", "busybox", "/bin/true").failed(125, "a limit of bytes too")
    assert not place.workspaces()


def test_a_users_workspace_has_the_disk_of_the_servers_configuration(place):
    place.need_images("default")
    shell = Server(place, "--workspace", "disk=64m", "--workspace", "memory=64m").start().login("alice").shell(
        subprotocol="mdocker.v1")
    size = int(shell.ask("df -m --output=size / | tail -1"))
    assert 32 <= size <= 64
    stats = json.loads(place.mdocker("stats", "--format", "json", "alice").ok().out)
    assert stats["memoryLimit"] == 64 << 20 and stats["diskLimit"] <= 64 << 20


def test_a_full_disk_is_counted_as_full_and_a_login_still_works(place):
    place.need_images("default")
    server = Server(place, "--workspace", "disk=64m").start()
    session = server.login("alice")
    shell = session.shell(subprotocol="mdocker.v1")
    shell.ask("cat /dev/zero > /var/fill 2>/dev/null; sync", timeout=60)
    disk = session.request("GET", "/api/v1/workspace").json["disk"]
    assert disk["used"] / disk["limit"] > 0.98, disk
    shell.close()
    made = session.request("POST", "/api/v1/terminals", {"rows": 24, "cols": 80}).json
    assert server.login("alice").shell(f"?terminal={made['id']}").ask("echo $((6*7))") == "42\n"
    session.request("POST", "/api/v1/workspace/stop")
    assert server.login("alice").shell().ask("rm /var/fill && echo $((6*7))") == "42\n"


def test_a_host_with_little_left_is_told_of_at_the_start(place):
    run(["mount", "-t", "tmpfs", "-o", "size=200m", "small", place.root]).ok()
    place.closers.append(lambda: (place.remove_all(), run(["umount", place.root])))
    place.need_images("busybox")
    roomy = place.mdocker("run", "--rm", "--disk", "32m", "busybox", "/bin/true").ok()
    assert roomy.err == ""
    scarce = place.mdocker("run", "--rm", "--disk", "1g", "busybox", "/bin/true").ok()
    assert "the host has" in scarce.err and "MB left under its disk of 1024 MB" in scarce.err
