# SPDX-License-Identifier: Apache-2.0
"""ps, start, stop, kill, rm, logs, inspect, stats, images, import, rmi, workspace open, help: each command and its errors."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness import leaks
from harness.fake_shim import Peer
from harness.process import DEADLINE, wait_until
from harness.shim import VERSION


@pytest.fixture
def box(place):
    return place.need_images("busybox")


@pytest.fixture
def web(box):
    box.mdocker("run", "-d", "--name", "web", "busybox", "sh", "-c", "echo out; echo err >&2; exec sleep 1000").ok()
    return box


def status(place, name):
    return json.loads(place.mdocker("inspect", name).ok().out)[0]["status"]


# ---- ps ----

def test_ps_lists_running_ones_and_with_a_all(web):
    web.mdocker("run", "--name", "done", "busybox", "true").ok()
    assert "web" in web.mdocker("ps").ok().out and "done" not in web.mdocker("ps").ok().out
    everything = web.mdocker("ps", "-a").ok().out
    assert "web" in everything and "Exited (0)" in everything
    assert set(web.mdocker("ps", "-aq").ok().out.split()) == web.workspaces()


def test_columns_stay_apart_and_no_control_character_is_printed(box):
    name = "a-name-that-is-longer-than-its-column"
    box.mdocker("run", "-d", "--name", name, "busybox", "sh", "-c", "sleep 1000; : \u00e4\u00e4\u00e4\u00e4 \u009b31m\x1b[31m").ok()
    row = box.mdocker("ps").ok().out.splitlines()[1]
    assert row.split()[1:3] == [name, "busybox"], row
    assert "sh -c sleep 1000; : \u00e4\u00e4\u00e4\u00e4 " in row and "\u009b" not in row and "\x1b" not in row, row
    assert box.mdocker("stats").ok().out.splitlines()[1].split()[1] == name


def test_ps_as_json(web):
    (line,) = web.mdocker("ps", "--format", "json").ok().out.splitlines()
    w = json.loads(line)
    assert w["name"] == "web" and w["state"] == "running" and w["command"][0] == "sh"
    assert os.path.exists(f"/proc/{w['pid']}")
    web.mdocker("ps", "--format", "xml").failed(125, "json")


def test_a_damaged_document_is_named_and_hides_no_other(web):
    broken = web.root / "workspaces" / "0123456789ab"
    broken.mkdir()
    (broken / "workspace.json").write_text("{")
    r = web.mdocker("ps")
    assert r.code == 0 and "web" in r.out and "0123456789ab" in r.err
    (broken / "workspace.json").unlink()
    broken.rmdir()


def test_a_user_may_be_called_as_ids_begin_and_an_id_goes_before_a_name(web):
    (one,) = web.workspaces()
    document = (web.root / "workspaces" / one / "workspace.json").read_text()
    others = ["ed0000000001", "ed0000000002"]
    for n, i in enumerate(others):
        (web.root / "workspaces" / i).mkdir()
        (web.root / "workspaces" / i / "workspace.json").write_text(
            document.replace(one, i).replace('"web"', f'"w{n}"'))
    web.mdocker("inspect", "ed").failed(1, "several")
    assert json.loads(web.mdocker("workspace", "inspect", "ed", "--owner", "ed").ok().out)["state"] == "absent"
    web.mdocker("workspace", "stop", "ed", "--owner", "ed").ok()
    web.mdocker("workspace", "open", "ed", "--owner", "ed", "--no-start").failed(3, "isn't running")
    assert json.loads(web.mdocker("recordings", "ls", "ed", "--owner", "ed", "--json").ok().out)["recordings"] == []
    shadow = web.root / "workspaces" / others[1] / "workspace.json"
    shadow.write_text(shadow.read_text().replace('"w1"', f'"{one}"'))
    assert json.loads(web.mdocker("inspect", one).ok().out)[0]["workspace"]["id"] == one
    for i in others:
        shutil.rmtree(web.root / "workspaces" / i)


# ---- start, stop, kill ----

def test_stop_and_start_keep_the_files(web):
    web.mdocker("exec", "web", "sh", "-c", "echo kept > /root/f; echo lost > /tmp/f").ok()
    web.mdocker("stop", "-t", "2", "web").ok()
    assert status(web, "web")["state"] == "stopped"
    assert not leaks.folders(web.state / "workspaces")
    web.mdocker("start", "web").ok()
    assert web.mdocker("exec", "web", "cat", "/root/f").ok().out == "kept\n"
    assert web.mdocker("exec", "web", "cat", "/tmp/f").code == 1
    web.mdocker("start", "web").ok()


def test_stop_of_what_ignores_term(box):
    box.mdocker("run", "-d", "--name", "deaf", "busybox", "sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done").ok()
    wait_until(lambda: "deaf" in box.mdocker("logs", "deaf").ok().out, "it ignores the signal")
    box.mdocker("stop", "-t", "1", "deaf").ok()
    assert status(box, "deaf")["state"] == "stopped"


def test_stop_of_what_is_frozen_by_a_signal(box):
    box.mdocker("run", "-d", "--name", "stopped", "busybox", "sh", "-c", "kill -STOP $$; sleep 100").ok()
    box.mdocker("stop", "-t", "1", "stopped").ok()


def test_stop_all(web):
    web.mdocker("workspace", "open", "alice", "--owner", "alice", "--image", "busybox").ok()
    assert len(web.mdocker("stop", "--all", "-t", "1").ok().out.split()) == 2
    assert not web.mdocker("ps", "-q").ok().out
    assert not web.mdocker("stop", "--all").ok().out


def test_stop_wants_a_name(box):
    box.mdocker("stop").failed(125, "--all")
    box.mdocker("stop", "--all", "x").failed(125, "--all")
    box.mdocker("stop", "-t", "-1", "x").failed(125, "--time")


def test_kill_sends_the_signal_that_is_asked_for(box):
    box.mdocker("run", "-d", "--name", "k", "busybox", "sh", "-c", "trap 'exit 33' USR1; echo ready; while :; do sleep 0.1; done").ok()
    wait_until(lambda: "ready" in box.mdocker("logs", "k").ok().out, "it traps the signal")
    box.mdocker("kill", "-s", "USR1", "k").ok()
    wait_until(lambda: status(box, "k")["state"] == "stopped", "the state that was waited for")
    assert status(box, "k")["exitCode"] == 33
    box.mdocker("kill", "k").failed(1, "'k' is not running")
    box.mdocker("kill", "-s", "NOPE", "k").failed(125, "NOPE")


def test_two_stops_at_once(web):
    both = [subprocess.Popen(web.argv("stop", "-t", "1", "web"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    assert [p.wait(timeout=30) for p in both] == [0, 0]


# ---- rm ----

def test_rm_wants_force_for_a_running_one(web):
    web.mdocker("rm", "web").failed(1, "running", "rm -f")
    web.mdocker("rm", "-f", "web").ok()
    assert not web.workspaces()
    web.mdocker("rm", "web").failed(1, "no workspace 'web'")
    web.mdocker("rm", "-f", "web").ok()


def test_rm_by_the_beginning_of_the_id(web):
    (workspace,) = web.workspaces()
    web.mdocker("rm", "-f", workspace[:5]).ok()
    assert not web.workspaces()


def test_rm_of_a_deep_tree(box):
    box.mdocker("run", "--name", "deep", "--memory", "0", "busybox", "sh", "-c",
                "cd /root; for i in $(seq 1 1500); do mkdir d && cd d || exit 1; done").ok()
    box.mdocker("rm", "deep").ok()
    assert not box.workspaces()


def test_many_errors_are_all_told(box):
    r = box.mdocker("rm", "a", "b")
    assert r.code == 1 and "'a'" in r.err and "'b'" in r.err


# ---- logs ----

def test_logs(web):
    def both():
        r = web.mdocker("logs", "web").ok()
        return r.out and r.err and r

    r = wait_until(both, "both of its streams")
    assert r.out == "out\n" and r.err == "err\n"


def test_logs_tail_and_follow(box):
    box.mdocker("run", "-d", "--name", "l", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done").ok()
    assert box.mdocker("logs", "-f", "l").ok().out == "1\n2\n3\n"
    assert box.mdocker("logs", "--tail", "1", "l").ok().out == "3\n"
    assert box.mdocker("logs", "--tail", "0", "l").ok().out == ""
    assert box.mdocker("logs", "--tail", "9", "l").ok().out == "1\n2\n3\n"


def test_the_last_entries_are_found_where_the_log_was_moved_aside(box):
    box.mdocker("run", "-d", "--name", "l", "busybox", "sh", "-c", "echo 1; echo 2; echo 3").ok()
    assert box.mdocker("logs", "-f", "l").ok().out == "1\n2\n3\n"
    log = box.root / "workspaces" / box.workspaces().pop() / "log"
    first, *rest = log.read_text().splitlines(keepends=True)
    log.write_text(first)
    assert box.mdocker("logs", "--tail", "0", "l").ok().out == ""
    log.with_name("log.1").write_text("".join(rest))
    assert box.mdocker("logs", "--tail", "1", "l").ok().out == "1\n"
    assert box.mdocker("logs", "--tail", "2", "l").ok().out == "3\n1\n"
    assert box.mdocker("logs", "l").ok().out == "2\n3\n1\n"


def test_a_damaged_entry_of_the_log_hides_no_other(box):
    box.mdocker("run", "-d", "--name", "l", "busybox", "echo", "first").ok()
    wait_until(lambda: not box.mdocker("ps", "-q").ok().out, "it has ended")
    log = box.root / "workspaces" / box.workspaces().pop() / "log"
    first = log.read_text()
    log.write_text(first + first[:20] + first.replace("first", "lost") + first.replace("first", "last"))  # half an entry, as of a power cut
    r = box.mdocker("logs", "l").ok()
    assert r.out == "first\nlast\n" and r.err.count("damaged") == 1, r


# ---- inspect, stats ----

def test_inspect_tells_all(web):
    (w,) = json.loads(web.mdocker("inspect", "web").ok().out)
    assert w["workspace"]["name"] == "web" and w["status"]["state"] == "running"
    assert w["workspace"]["limits"]["memory"] == 100 << 20
    web.mdocker("inspect", "nobody").failed(1, "nobody")


def test_stats(web):
    (line,) = web.mdocker("stats", "--format", "json").ok().out.splitlines()
    s = json.loads(line)
    assert s["name"] == "web" and s["pids"] >= 2 and s["memory"] > 0 and s["memoryLimit"] == 100 << 20
    assert "web" in web.mdocker("stats", "web").ok().out
    web.mdocker("stop", "-t", "1", "web").ok()
    assert web.mdocker("stats", "web").code == 1


# ---- images ----

def test_import_from_a_folder_a_file_and_stdin(place, images):
    images.need("busybox")
    tree = place.folder / "tree"
    (tree / "bin").mkdir(parents=True)
    place.mdocker("import", images.busybox_tar, "file").ok()
    subprocess.run(["tar", "-xf", images.busybox_tar, "-C", tree], check=True)
    place.mdocker("import", tree, "folder").ok()
    with open(images.busybox_tar, "rb") as f:
        place.mdocker("import", "-", "stdin", stdin=f).ok()
    assert set(place.mdocker("images", "-q").ok().out.split()) == {"file", "folder", "stdin"}
    for name in ("file", "folder", "stdin"):
        assert place.mdocker("run", "--rm", name, "echo", name).ok().out == name + "\n"


def test_an_image_in_use_is_not_removed(web):
    web.mdocker("rmi", "busybox").failed(1, "web")
    web.mdocker("rm", "-f", "web").ok()
    web.mdocker("rmi", "busybox").ok()
    web.mdocker("rmi", "busybox").failed(1, "busybox")
    assert not web.mdocker("images", "-q").ok().out


def test_without_a_default_image_it_says_what_to_do(place):
    r = place.mdocker("run", "/bin/sh")
    if r.code:  # nobody ran `make image` here
        r.failed(125, "default", "import")


# ---- workspace open ----

def open_alice(place, *more):
    return place.mdocker("workspace", "open", "alice", "--owner", "alice", "--image", "busybox", *more)


def test_open_makes_starts_and_finds_again(box):
    first = json.loads(open_alice(box).ok().out)
    assert set(first) >= {"id", "name", "state", "socket"} and first["state"] == "running"
    assert os.path.exists(first["socket"])
    assert json.loads(open_alice(box).ok().out) == first
    box.mdocker("stop", "-t", "1", "alice").ok()
    assert json.loads(open_alice(box).ok().out)["id"] == first["id"]


def test_open_many_at_once_makes_one(box):
    started = [subprocess.Popen(box.argv("workspace", "open", "alice", "--owner", "alice", "--image", "busybox"),
                                stdout=subprocess.PIPE) for _ in range(10)]
    ids = {json.loads(p.communicate(timeout=60)[0])["id"] for p in started}
    assert len(ids) == 1 and box.workspaces() == ids


def test_open_of_anothers_is_refused(box):
    open_alice(box).ok()
    box.mdocker("workspace", "open", "alice", "--owner", "bob").failed(1, "not bob's")
    box.mdocker("run", "-d", "--name", "mine", "busybox", "sleep", "100").ok()
    box.mdocker("workspace", "open", "mine", "--owner", "alice").failed(1, "not alice's")
    box.mdocker("workspace", "open", "x").failed(125, "--owner")
    box.mdocker("workspace", "open", "../x", "--owner", "x").failed(1, "../x")


def test_two_users_share_no_ids_and_see_nothing_of_each_other(box):
    open_alice(box).ok()
    box.mdocker("workspace", "open", "bob", "--owner", "bob", "--image", "busybox").ok()
    box.mdocker("exec", "-d", "alice", "sleep", "777").ok()
    assert "777" not in box.mdocker("exec", "bob", "ps").ok().out
    box.mdocker("exec", "alice", "sh", "-c", "echo secret > /dev/shm/x; echo secret > /root/x").ok()
    assert box.mdocker("exec", "bob", "sh", "-c", "cat /dev/shm/x /root/x").code != 0


# ---- crashes ----

def shim_pid(place, name):
    return status(place, name)["shimPid"]


def test_a_killed_shim_leaves_a_stopped_workspace_that_starts_again(web):
    web.mdocker("exec", "web", "sh", "-c", "echo kept > /root/f").ok()
    os.kill(shim_pid(web, "web"), signal.SIGKILL)
    wait_until(lambda: status(web, "web")["state"] == "stopped", "the state that was waited for")
    web.mdocker("start", "web").ok()
    assert web.mdocker("exec", "web", "cat", "/root/f").ok().out == "kept\n"


def test_a_killed_shim_leaves_nothing_that_rm_doesnt_find(web):
    pid = status(web, "web")["pid"]
    os.kill(shim_pid(web, "web"), signal.SIGKILL)
    web.mdocker("rm", "-f", "web").ok()
    assert not os.path.exists(f"/proc/{pid}") or leaks.zombie(pid)


def test_a_killed_init_stops_the_workspace(web):
    os.kill(status(web, "web")["pid"], signal.SIGKILL)
    wait_until(lambda: status(web, "web")["state"] == "stopped", "the state that was waited for")
    web.mdocker("start", "web").ok()


def test_a_shim_that_ends_takes_nothing_of_the_next_one(web):
    """Each of its removals takes a quarter of a second longer: the next start falls between the last two."""
    folder = web.state / "workspaces" / next(iter(web.workspaces()))
    pid = shim_pid(web, "web")
    calls = "unlink,unlinkat" if os.uname().machine == "x86_64" else "unlinkat"
    tracer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", f"trace={calls}", "-e",
                               f"inject={calls}:delay_exit=250000"], stdin=subprocess.DEVNULL)
    wait_until(lambda: "TracerPid:\t0" not in Path(f"/proc/{pid}/status").read_text(), "strace")
    os.kill(status(web, "web")["pid"], signal.SIGKILL)
    wait_until(lambda: not (folder / "shim.pid").exists(), "the end of shim.pid")
    web.mdocker("start", "web").ok()
    tracer.wait(DEADLINE)
    web.mdocker("exec", "web", "true").ok()


@pytest.mark.parametrize("typed", ["before the end", "behind it"])
def test_how_a_command_ended_is_heard_though_a_key_came_too_late_for_it(web, typed):
    """The kernel tells of a key that was left unread, or refuses it, before it gives what the shim said last. The shim is played."""
    (workspace,) = web.workspaces()
    web.mdocker("stop", "-t", "1", "web").ok()
    folder = web.state / "workspaces" / workspace
    folder.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.settimeout(DEADLINE)
        listener.bind(str(folder / "shim.sock"))
        listener.listen()
        t = web.terminal("attach", "web")
        listener.accept()[0].close()  # it looks whether somebody is there
        peer = Peer(listener.accept()[0], VERSION)
    peer.attached()
    if typed == "before the end":
        t.send("x")
        wait_until(peer.unread, "the key is there")
    t.signal(signal.SIGSTOP)
    wait_until(lambda: ") T " in leaks.read(f"/proc/{t.process.pid}/stat"), "it is stopped")
    if typed == "behind it":
        with open(f"/proc/{t.process.pid}/fd/0", "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOCTTY)) as keys:
            t.send("x")
            assert select.select([keys], [], [], DEADLINE)[0]
    peer.send("output", tail=b"the last line")
    peer.send("exit", terminal=1, code=3, tail=["exited with code 3"])
    peer.close()
    t.signal(signal.SIGCONT)
    t.expect("the last line")
    assert t.wait() == 3
    shutil.rmtree(folder)


def test_after_a_reboot_all_are_stopped_and_start_again(web):
    """As a boot finds it: an empty state folder, another boot id in the document, no process."""
    web.mdocker("stop", "-t", "1", "web").ok()
    (workspace,) = web.workspaces()
    path = web.root / "workspaces" / workspace / "workspace.json"
    document = json.loads(path.read_text())
    document["bootId"] = "00000000-0000-0000-0000-000000000000"
    path.write_text(json.dumps(document))
    subprocess.run(["rm", "-rf", web.state], check=True)
    assert status(web, "web")["state"] == "stopped"
    web.mdocker("start", "web").ok()


def test_a_half_made_and_a_half_removed_workspace_are_swept(box):
    for name in (".new-0123456789ab", ".gone-0123456789ac"):
        (box.root / "workspaces" / name / "upper" / "x").mkdir(parents=True)
    box.mdocker("run", "--rm", "busybox", "true").ok()
    assert not [n for n in os.listdir(box.root / "workspaces") if n.startswith(".")]


def test_a_removal_that_died_goes_on(web):
    web.mdocker("stop", "-t", "1", "web").ok()
    (workspace,) = web.workspaces()
    path = web.root / "workspaces" / workspace / "workspace.json"
    document = json.loads(path.read_text())
    document["removing"] = True
    path.write_text(json.dumps(document))
    assert "Being removed" in web.mdocker("ps", "-a").ok().out
    web.mdocker("start", "web").failed(1, "being removed")
    web.mdocker("rm", "web").ok()
    assert not web.workspaces()


# ---- help ----

def test_help_version_completion(place):
    everything = place.mdocker("help").ok().out
    for line in place.mdocker("completion").ok().out.splitlines():
        if line.startswith("\t''"):
            commands = [w for w in line.split("'")[3].split() if not w.startswith("-")]
    assert len(commands) > 15
    for command in commands:
        assert command in everything
        assert place.mdocker("help", command).ok().out == place.mdocker(command, "--help").ok().out
    assert place.mdocker("version").ok().out.startswith("mdocker ")
    place.mdocker("help", "nope").failed(125, "nope")
    assert subprocess.run(["bash", "-n"], input=place.mdocker("completion").out, text=True).returncode == 0


# ---- terminals ----

def test_terminals_lists_what_is_open_and_nothing_of_what_it_shows(web):
    web.mdocker("workspace", "open", "alice", "--owner", "alice", "--image", "busybox").ok()
    shell = web.terminal("attach", "alice")
    shell.expect("# ")
    shell.line("printf '\\033]2;sec''ret\\007sec''ret'")
    shell.expect("secret")
    lines = [json.loads(line) for line in web.mdocker("terminals", "--format", "json").ok().out.splitlines()]
    assert {w["workspace"]: len(w["terminals"]) for w in lines} == {"alice": 1, "web": 0}
    (line,) = web.mdocker("terminals", "--users", "--format", "json").ok().out.splitlines()
    w = json.loads(line)
    (t,) = w["terminals"]
    assert w["owner"] == "alice" and t["clients"] == 1 and t["started_ms"] <= t["input_ms"] <= t["output_ms"] <= time.time() * 1000
    assert "secret" not in line
    assert ["alice", "alice", "1", "1"] in [row.split()[:4] for row in web.mdocker("terminals").ok().out.splitlines()]
    web.mdocker("terminals", "--format", "xml").failed(125, "json")


def test_how_much_terminals_keep_is_set_by_template_or_option(box):
    box.mdocker("template", "set", "long", "--ring", "128k", "--scrollback", "50").ok()
    words = ("workspace", "open", "anna", "--owner", "anna", "--image", "busybox", "--template", "long", "--json")
    box.mdocker(*words).ok()
    with box.terminal("attach", "anna") as t:
        t.expect(r"[#$] ")
        t.line("seq 1000 1300; echo do''ne")
        t.expect("done\r\n")
    with box.terminal("attach", "anna") as t:
        t.expect("done")
        assert b"1260" in t.output and b"1200" not in t.output, "50 lines and a screen"
    box.mdocker("stop", "anna").ok()
    box.mdocker(*words, "--scrollback", "0").ok()
    (at,) = box.workspaces()
    kept = json.loads((box.root / "workspaces" / at / "workspace.json").read_text())
    assert kept["terminals"] == {"ring": 128 << 10, "scrollback": 0}
    for option, value in (("--ring", "1k"), ("--scrollback", "many")):
        box.mdocker("workspace", "open", "bea", "--owner", "bea", option, value).failed(1, option)
