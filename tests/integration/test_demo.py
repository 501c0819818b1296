# SPDX-License-Identifier: Apache-2.0
"""`make demo` without its packages and builds: packaging/demo, as a person at a terminal meets it."""

import os
import time

from harness import BUILD, REPOSITORY
from harness.server import Server, free_port
from harness.terminal import Terminal


class Demo(Terminal):
    def __init__(self, place, port):
        image = BUILD / "default-image.tar"
        super().__init__([REPOSITORY / "packaging/demo", BUILD, f"127.0.0.1:{port}", image, place.root, place.state],
                         env={"NETWORK": "none"})  # the machine's own network stays as it is; test_network.py has the default
        place.closers.append(self.close)

    def interrupt(self):
        self.send("\x03")
        return self.wait()


def test_the_demo_starts_says_where_and_leaves_workspaces_running(place):
    port = free_port()
    demo = Demo(place, port)
    demo.expect(f"http://127.0.0.1:{port}/", timeout=120)
    demo.expect("alice / password")
    server = Server(place)
    server.port = port
    shell = server.login("alice").shell()
    shell.ask("marker=in-memory")
    assert demo.interrupt() == 0
    demo.expect("stop --all")
    assert len(place.mdocker("ps", "-q").ok().out.split()) == 1

    layers = sorted((f.name, f.stat().st_ino) for f in (place.root / "layers").iterdir())
    started = time.monotonic()
    again = Demo(place, port)
    again.expect(f"http://127.0.0.1:{port}/")
    assert time.monotonic() - started < 3  # half a second where nobody else wants the processor
    assert sorted((f.name, f.stat().st_ino) for f in (place.root / "layers").iterdir()) == layers, "nothing was imported again"
    assert server.login("alice").open().ask("echo $marker") == "in-memory\n"
    assert again.interrupt() == 0
    place.mdocker("stop", "--all").ok()
    assert place.mdocker("ps", "-q").ok().out == ""


def test_the_demo_names_a_missing_image(place):
    t = Terminal([REPOSITORY / "packaging/demo", BUILD, "127.0.0.1:0", "/no/such/image.tar", place.root, place.state])
    place.closers.append(t.close)
    assert t.wait() == 1
    assert b"/no/such/image.tar" in t.output
    assert not os.listdir(place.state)
