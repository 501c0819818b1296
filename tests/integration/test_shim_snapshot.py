# SPDX-License-Identifier: Apache-2.0
"""Clients that come to a terminal of mdocker-shim in the midst of its output see what one sees that was there from the beginning,
cell by cell in xterm.js."""

import base64
import json
import subprocess

from harness import BUILD, REPOSITORY
from harness.shim import *  # noqa: F403

PROVE = REPOSITORY / "tests/screen/prove.mjs"


class Viewer(Client):
    """A client that keeps what its terminal would be given."""

    def __init__(self, *args, **more):
        self.events = []
        super().__init__(*args, **more)

    def note(self, m):
        super().note(m)
        if m.name == "snapshot" and m.fields["flags"] & 1:
            self.events = [{"rows": m.rows, "cols": m.cols}]
        elif m.name in ("attached", "size"):
            self.events.append({"rows": m.rows, "cols": m.cols})
        if m.name in ("snapshot", "output"):
            self.events.append(base64.b64encode(m.tail).decode())

    def read_to(self, offset):
        while self.offset is None or self.offset < offset:
            assert self.receive() is not None


def test_who_comes_later_sees_the_same(shim, tmp_path):
    s = shim()
    viewers = []

    def another(**more):
        viewers.append(Viewer(s.socket))
        viewers[-1].attach(flags=ATTACH_READ_ONLY, **more)

    with Viewer(s.socket) as typist:
        typist.attach(rows=24, cols=80)
        typist.expect("$ ")
        typist.type("for i in $(seq 300); do printf '\\033[3%dmline %d \u6f22\u5b57 e\u0301 %0*d\\033[m\\n' $((i % 8)) $i $((i % 90)) 0; done\r")
        typist.expect("line 100")
        another()
        typist.expect("line 300")
        another()
        typist.send("resize", rows=30, cols=61)
        typist.wait("size")
        another()
        typist.type("\rseq 1000 >numbers; vi numbers\r")
        typist.expect("1")
        another()
        typist.type("Go\u6f22\u5b57 at the end")
        typist.expect("at the end")
        typist.type("\x1b")  # alone: vi waits whether a sequence follows
        typist.expect("- numbers [Mod")
        another()
        typist.type(":q!\r\rprintf '\\033]2;a title\\a\\033[?2004h\\033[5 q\\033(0lqk\\033(B\\0337'; stty si''ze\r")
        typist.expect("30 61")
        another()
        typist.send("resize", rows=20, cols=97)
        typist.wait("size")
        typist.type("echo fin''ished\r")
        typist.expect("finished\r\n$ ")
        for viewer in viewers:
            viewer.read_to(typist.offset)
        file = tmp_path / "clients.json"
        file.write_text(json.dumps([c.events for c in [typist, *viewers]]))
        for viewer in viewers:
            viewer.close()
    run = subprocess.run(["node", PROVE, BUILD / "tests/screen/screen-driver", "clients", file], capture_output=True, text=True,
                         timeout=60)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
