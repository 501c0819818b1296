# SPDX-License-Identifier: Apache-2.0
"""A server with a fleet of clients, and what may happen to it: roles killed, all of it killed, other programs installed over
those that run."""

import os
import pathlib
import shutil
import signal

from . import PROGRAMS
from .fleet import Fleet, figures
from .process import DEADLINE, wait_until
from .server import PASSWORDS
from .web import WebServer

# Away for longer is a failure. The goal is 2 s; a machine that does other things is granted more.
LONGEST = 10.0


def install(folder, programs=PROGRAMS, which="mdocker*"):
    """The programs as an installation has them; over others, each at one stroke, as a package manager does."""
    folder.mkdir(exist_ok=True)
    for path in pathlib.Path(programs).glob(which):
        if path.is_file() and os.access(path, os.X_OK):
            shutil.copy(path, folder / ".new")
            os.replace(folder / ".new", folder / path.name)


class Uproar:
    def __init__(self, place, users, terminals_each, programs=PROGRAMS, **more):
        place.need_images("busybox")
        self.programs = place.folder / "programs"
        install(self.programs, programs)
        self.web = WebServer(place, "--workspace", "image=busybox")
        self.web.executable = str(self.programs / "mdockerd")
        self.web.start()
        self.away = {}
        self.sessions = [self.web.login(name, PASSWORDS.get(name, "password")) for name in self.users(users)]
        self.fleet = Fleet(self.web, self.sessions, terminals_each, **more).start()
        self.shells = self.pids()

    def users(self, count):
        names = ["alice", "bob"][:count]
        if count > len(names):
            admin = self.web.login("admin")
            for n in range(count - len(names)):
                names.append(f"user{n}")
                r = admin.request("POST", "/api/v1/users", {"username": names[-1], "password": "password", "role": "user"})
                assert r.status in (200, 201), r.text
        return names

    def pids(self):
        """Of all shells, by the list that the server gives."""
        return {(s.user, t["id"], t["started_ms"]) for s in self.sessions
                for t in s.request("GET", "/api/v1/terminals").json["terminals"] if t["alive"]}

    def suffer(self, name, blow):
        away = self.fleet.survive(name, blow)
        self.away.setdefault(name, []).extend(away)
        assert self.pids() == self.shells, f"a shell is another one after {name}"

    def kill(self, *roles):
        """kill -9, each at a moment when all are served. A dead broker is started again as a service manager would."""
        for role in roles:
            before = self.web.roles()[role]

            def blow():
                os.kill(before, signal.SIGKILL)
                if role == "broker":
                    self.web.process.wait(DEADLINE)
                    wait_until(lambda: not self.web.pids(), "auth and web ended with their broker")
                    self.web.start()
                else:
                    wait_until(lambda: self.web.roles().get(role) not in (None, before), f"another {role}")

            self.suffer(f"kill -9 of {role}", blow)

    def restart_all(self):
        def blow():
            self.web.kill()
            self.web.start()
        self.suffer("kill -9 of all", blow)

    def upgrade(self, programs=PROGRAMS, which="mdocker*"):
        """Other files lie where the running programs were started from; the server is restarted, the shims are not."""
        def blow():
            install(self.programs, programs, which)
            self.web.stop()
            self.web.start()
        self.suffer("an upgrade", blow)

    def new_terminals(self):
        """A shim whose program is gone from the disk starts further shells."""
        for session in self.sessions:
            made = session.request("POST", "/api/v1/terminals", {}).json
            s = session.open(f"?terminal={made['id']}")
            s.expect(r"[#$] ")
            assert s.ask("echo new") == "new\n"
            s.line("exit")
            s.expect_closed()

    def end(self, record_property, keys_each=5):
        self.fleet.settle()
        members = self.fleet.members
        keys = sum(m.keys for m in members)
        assert keys > len(members) * keys_each and all(m.lines > 10 for m in members)
        print(f"\n{len(members)} shells: {sum(m.lines for m in members)} numbered lines, "
              f"{sum(m.offset for m in members)} bytes, {keys} keys, each once")
        for name, away in self.away.items():
            print(f"  {name}: {figures(away)}")
            record_property(name, figures(away))
            assert all(a < LONGEST for a in away), name
        self.fleet.close()
