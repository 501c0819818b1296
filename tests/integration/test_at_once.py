# SPDX-License-Identifier: Apache-2.0
"""Many at once on one name; programs killed at any moment; and a janitor that removes what is provably ours and nothing else."""

import errno
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import pytest

from harness import leaks
from harness.process import kill_and_wait, run, wait_until
from harness.web import WebServer

AT_ONCE = 50
SEED = random.SystemRandom().randrange(1 << 32)


@pytest.fixture
def box(place):
    return place.need_images("busybox")


def all_at_once(place, commands):
    """Starts them without waiting for any; (exit code, stdout, stderr) of each."""
    started = [subprocess.Popen(place.argv(*c), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for c in commands]
    return [(p.returncode, out, err) for p, (out, err) in ((p, p.communicate(timeout=120)) for p in started)]


def test_fifty_runs_with_one_name_make_one_workspace(box):
    ended = all_at_once(box, [("run", "-d", "--name", "one", "busybox", "sleep", "1000")] * AT_ONCE)
    made = [out.strip() for code, out, _ in ended if code == 0]
    assert len(made) == 1 and box.workspaces() == {made[0]}
    for code, out, err in ended:
        assert code == 0 or (code, out) == (125, "") and len(err.splitlines()) == 1 and "'one'" in err, (code, err)
    assert box.mdocker("exec", "one", "echo", "alive").ok().out == "alive\n"
    assert not [n for n in os.listdir(box.root / "workspaces") if n.startswith(".")]


def test_fifty_logins_of_one_user_open_one_workspace(box):
    ended = all_at_once(box, [("workspace", "open", "alice", "--owner", "alice", "--image", "busybox", "--json")] * AT_ONCE)
    assert {code for code, _, _ in ended} == {0}, ended
    assert len({json.loads(out)["id"] for _, out, _ in ended}) == 1
    assert len(box.workspaces()) == 1


def test_openings_and_removals_of_one_name_end_in_a_state_that_makes_sense(box):
    opening = ("workspace", "open", "alice", "--owner", "alice", "--image", "busybox", "--json")
    for code, _, err in all_at_once(box, [opening, ("rm", "-f", "alice")] * 15):
        assert code == 0 or len(err.splitlines()) == 1, err
    box.mdocker(*opening).ok()
    assert box.mdocker("exec", "alice", "echo", "alive").ok().out == "alive\n"
    assert len(box.workspaces()) == 1


class Decoys:
    """Things of others that look like ours."""

    def __init__(self, place):
        self.place, self.id = place, "fa11ab1e" + f"{random.randrange(1 << 16):04x}"
        self.cgroup = pathlib.Path("/sys/fs/cgroup/pids/minidocker") / self.id
        if not self.cgroup.parent.parent.exists():
            self.cgroup = pathlib.Path("/sys/fs/cgroup/minidocker") / self.id
        self.cgroup.mkdir(parents=True)
        self.process = place.start(["sleep", "1000"])
        (self.cgroup / "cgroup.procs").write_text(str(self.process.pid))
        self.veth = "mdv" + self.id[-8:]
        run(["ip", "link", "add", self.veth, "type", "veth", "peer", "name", self.veth + "p"]).ok()
        self.mount = place.folder / "s-of-another" / "workspaces" / self.id
        self.mount.mkdir(parents=True)
        run(["mount", "-t", "tmpfs", "decoy", self.mount]).ok()
        self.files = [place.root / "workspaces" / "notes", place.state / "workspaces" / "not-an-id", place.folder / self.id]
        for f in self.files:
            f.parent.mkdir(parents=True, exist_ok=True)
            f.write_text("mine")
        place.closers.append(self.close)

    def untouched(self):
        return (self.cgroup.exists() and self.process.poll() is None and os.path.ismount(self.mount)
                and self.veth in [name for _, name in socket.if_nameindex()] and all(f.read_text() == "mine" for f in self.files))

    def close(self):
        kill_and_wait(self.process)
        run(["ip", "link", "del", self.veth])
        run(["umount", self.mount])
        wait_until(self.cgroup_goes, "the decoy's cgroup is gone")
        for f in self.files:
            f.unlink(missing_ok=True)

    def cgroup_goes(self):
        try:
            self.cgroup.rmdir()
        except OSError as e:
            return e.errno == errno.ENOENT  # else its process is still on its way out
        return True


def kill_at_random(place, chance):
    """Starts a command and kills it, or what it started, after a moment."""
    name = f"w{chance.randrange(3)}"
    command = chance.choice([("run", "-d", "--name", name, "busybox", "sleep", "1000"), ("rm", "-f", name), ("start", name),
                             ("stop", "-t", "0", name), ("run", "--rm", "busybox", "true"),
                             ("workspace", "open", "alice", "--owner", "alice", "--image", "busybox")])
    p = subprocess.Popen(place.argv(*command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chance.uniform(0, 0.06))
    ours = [pid for pid, line in leaks.processes({str(place.folder)}).items() if "/mdocker" in line.split(" ")[0]]
    victim = chance.choice(ours + [p.pid])
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        pass
    p.wait(60)


def wrecked(place):
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    for _ in range(25):
        kill_at_random(place, chance)


def remains(place):
    """Of runs: what belongs to no workspace that runs."""
    running = {w["id"] for w in map(json.loads, place.mdocker("ps", "--format", "json").ok().out.splitlines())}
    listed = place.workspaces()
    found = [f for f in leaks.folders(place.state / "runtime") if not f.startswith(":") and f not in running]
    found += [f for f in leaks.folders(place.state / "workspaces") if f not in listed]
    found += [c for c in leaks.cgroups(listed) if os.path.basename(c) not in running]
    return found + place.mdocker("system", "prune", "--dry-run").ok().out.splitlines()


def pruned(place):
    place.mdocker("system", "prune").ok()
    return not remains(place)


def names(place):
    """Of the workspaces that stay; those of `run --rm` and half-removed ones are the janitor's."""
    listed = map(json.loads, place.mdocker("ps", "-a", "--format", "json").ok().out.splitlines())
    return {w["name"] for w in listed if w["state"] != "removing" and w["name"] in ("alice", "w0", "w1", "w2")}


def test_the_janitor_removes_what_was_killed_and_nothing_else(box):
    decoys = Decoys(box)
    wrecked(box)
    before = names(box)
    wait_until(lambda: pruned(box), "nothing remains; what still dies when the janitor looks, the next one finds")
    assert decoys.untouched()
    assert names(box) == before, "no workspace was lost"


def test_the_server_cleans_up_at_its_start(box):
    decoys = Decoys(box)
    box.mdocker("run", "-d", "--name", "kept", "busybox", "sleep", "1000").ok()
    box.mdocker("run", "-d", "--name", "killed", "busybox", "sleep", "1000").ok()
    workspaces = {w["name"]: w for w in map(json.loads, box.mdocker("ps", "--format", "json").ok().out.splitlines())}
    os.kill(workspaces["killed"]["shimPid"], signal.SIGKILL)
    assert leaks.cgroups({workspaces["killed"]["id"]})
    web = WebServer(box).start()
    wait_until(lambda: not leaks.cgroups({workspaces["killed"]["id"]}), "the remains of the killed one are gone")
    assert decoys.untouched()
    assert box.mdocker("exec", "kept", "echo", "alive").ok().out == "alive\n"
    wait_until(lambda: "remains of the last run" in web.said(), "it is in the log")
