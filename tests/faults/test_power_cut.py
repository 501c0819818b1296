# SPDX-License-Identifier: Apache-2.0
"""The power goes at any moment: an ext4 of the test's own is shut down without its journal being flushed, which loses what was not yet on the
disk, as a power cut does. After the journal was replayed, everything that a command had confirmed is there, and no file is half."""

import json
import random
import shutil
import threading
import time

import pytest

from harness import leaks
from harness.disk import Disk
from harness.process import wait_until
from harness.web import WebServer

SEED = random.SystemRandom().randrange(1 << 32)


@pytest.fixture
def disk(place):
    return Disk(place)


class Life:
    """Commands at random, and what each has confirmed. What was under way when the power went may have happened or not."""

    def __init__(self, place, server, seed):
        self.place, self.server, self.random = place, server, random.Random(seed)
        self.workspaces, self.files, self.users = set(), {}, {}
        self.unsure = set()
        self.over = False
        self.steps = [self.open, self.open, self.stop, self.remove, self.write, self.write, self.add_user, self.remove_user,
                      self.change_password]

    def name(self):
        return f"u{self.random.randrange(6)}"

    def open(self):
        name = self.name()
        self.unsure = {name}
        if self.place.mdocker("workspace", "open", name, "--owner", name, "--image", "busybox").code == 0:
            self.workspaces.add(name)

    def stop(self):
        self.place.mdocker("workspace", "stop", self.name(), "--owner", self.name())

    def remove(self):
        name = self.name()
        self.unsure = {name}
        if self.place.mdocker("rm", "-f", name).code == 0:
            self.workspaces.discard(name)
            self.files = {k: v for k, v in self.files.items() if k[0] != name}

    def write(self):
        name, file, text = self.name(), f"/root/f{self.random.randrange(3)}", "x" * self.random.randrange(1, 20000)
        self.unsure = {(name, file)}
        command = f"cat > {file}.new && fsync {file}.new && mv {file}.new {file} && fsync /root"
        if self.place.mdocker("exec", "-i", name, "sh", "-c", command, input=text).code == 0:
            self.files[name, file] = text

    def request(self, method, path, body, changes):
        self.unsure = {changes}
        try:
            return self.admin.request(method, path, body).status in (200, 201)
        except OSError:
            return False

    def add_user(self):
        name, password = "p" + self.name(), f"password-{self.random.randrange(1 << 30)}"
        if self.request("POST", "/api/v1/users", {"username": name, "password": password}, name):
            self.users[name] = password

    def change_password(self):
        name, password = "p" + self.name(), f"password-{self.random.randrange(1 << 30)}"
        if self.request("PATCH", f"/api/v1/users/{name}", {"password": password}, name):
            self.users[name] = password

    def remove_user(self):
        name = "p" + self.name()
        if self.request("DELETE", f"/api/v1/users/{name}", None, name):
            self.users.pop(name, None)

    def run(self):
        self.admin = self.server.login("admin")
        while not self.over:
            try:
                self.random.choice(self.steps)()
            except AssertionError:
                if not self.over:
                    raise
                return
            if self.over:
                return  # the last step's outcome stays unsure
            self.unsure = set()


def assert_state(place, life):
    """What was confirmed, read by the next boot's commands."""
    listed = place.mdocker("ps", "-a", "--format", "json").ok()
    assert listed.err == "", "no document is damaged"
    found = {w["name"]: w for w in map(json.loads, listed.out.splitlines())}
    assert {w["state"] for w in found.values()} <= {"stopped", "created", "removing"}, found
    assert set(found) - life.unsure == life.workspaces - life.unsure
    assert place.mdocker("images").ok().out.count("busybox") == 1
    for name in found:
        place.mdocker("workspace", "open", name, "--owner", name).ok()
    for (name, file), text in life.files.items():
        if name in life.unsure or (name, file) in life.unsure:
            continue
        assert place.mdocker("exec", name, "cat", file).ok().out == text, (name, file)
    server = WebServer(place).start()
    place.mdocker("audit", "verify").ok()
    for name, password in life.users.items():
        if name not in life.unsure:
            server.login(name, password)
    listed = {u["username"] for u in server.login("admin").request("GET", "/api/v1/users").json["users"]}
    assert {u for u in listed if u.startswith("pu")} - life.unsure == set(life.users) - life.unsure
    server.kill()


@pytest.mark.parametrize("turn", range(8))
def test_what_was_confirmed_before_a_power_cut_is_there_after_it(place, disk, turn):
    print(f"seed {SEED + turn}")
    chance = random.Random(SEED + turn)
    disk.own_image(place, "busybox")
    server = WebServer(place).start()
    life = Life(place, server, SEED + turn)
    thread = threading.Thread(target=life.run)
    thread.start()
    wait_until(lambda: life.workspaces and life.users, "something was confirmed", timeout=60)
    time.sleep(chance.uniform(0, 3))
    life.over = True
    disk.cut()
    # Nothing of before the cut lives on.
    leaks.kill(leaks.processes({str(place.folder)} | {i for i in life_ids(place)}))
    thread.join(60)
    assert not thread.is_alive()
    server.kill()
    leaks.kill(leaks.processes(place.marks()))
    disk.unmount()
    shutil.rmtree(place.state)
    place.state.mkdir(mode=0o700)
    disk.mount()
    assert_state(place, life)
    place.remove_all()
    leaks.kill(leaks.processes({str(place.folder)}))
    disk.unmount()
    disk.check()
    disk.mount()


def life_ids(place):
    try:
        return {i for i in place.marks() if "/" not in i}
    except OSError:
        return set()
