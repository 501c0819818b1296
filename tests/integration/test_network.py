# SPDX-License-Identifier: Apache-2.0
"""Workspaces on a bridge: in a network namespace that stands for the host, with another beyond it that stands for the internet.
No packet leaves the two."""

import json
import subprocess
import time

import pytest

from harness.process import run, wait_until

PUBLIC, PRIVATE, METADATA = "8.8.8.8", "10.9.9.9", "169.254.169.254"


class Namespace:
    """A network namespace, kept by a sleeping process."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        wait_until(self.is_own, "a network namespace")
        self("ip", "link", "set", "lo", "up").ok()

    def is_own(self):
        link = run(["readlink", f"/proc/{self.process.pid}/ns/net"]).out
        return link != run(["readlink", "/proc/self/ns/net"]).out

    def __call__(self, *argv, **more):
        return run(["nsenter", f"--net=/proc/{self.process.pid}/ns/net", *argv], **more)

    def close(self):
        self.process.kill()
        self.process.wait()


class Network:
    def __init__(self, place):
        self.place = place
        self.host, self.outside = Namespace(), Namespace()
        self.host("ip", "link", "add", "ext0", "type", "veth", "peer", "name", "ext1", "netns",
                  str(self.outside.process.pid)).ok()
        self.host("ip", "addr", "add", "198.18.0.1/24", "dev", "ext0").ok()
        self.host("ip", "link", "set", "ext0", "up").ok()
        self.outside("ip", "addr", "add", "198.18.0.2/24", "dev", "ext1").ok()
        self.outside("ip", "link", "set", "ext1", "up").ok()
        for address in (PUBLIC, PRIVATE, METADATA):
            self.outside("ip", "addr", "add", address + "/32", "dev", "lo").ok()
            self.host("ip", "route", "add", address, "via", "198.18.0.2").ok()

    def mdocker(self, *args, **more):
        return self.host(*self.place.argv(*args), **more)

    def run(self, name, *options, command=("/bin/sleep", "600")):
        self.mdocker("run", "-d", "--name", name, "--network", "bridge", *options, "busybox", *command).ok()

    def serve(self, namespace, port, text="here", times=1):
        """A web server in the background of a namespace; every request gets `text`."""
        script = (f"import http.server\n"
                  f"class H(http.server.BaseHTTPRequestHandler):\n"
                  f" def do_GET(s): s.send_response(200); s.end_headers(); s.wfile.write({text.encode()!r} * {times})\n"
                  f" def log_message(s, *a): pass\n"
                  f"http.server.ThreadingHTTPServer(('0.0.0.0', {port}), H).serve_forever()")
        self.place.start(["nsenter", f"--net=/proc/{namespace.process.pid}/ns/net", "/usr/bin/python3", "-c", script])
        wait_until(lambda: namespace("curl", "-s", f"http://127.0.0.1:{port}/").code == 0, f"a server on {port}")

    def get(self, workspace, address, port=80, path="/", timeout=1):
        """What a workspace gets from a web server, or None. (busybox's wget wants more of an image than there is.)"""
        request = f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | nc -w {timeout} {address} {port}"
        r = self.mdocker("exec", workspace, "/bin/sh", "-c", request, timeout=60)
        return r.out.partition("\n\n")[2] if r.code == 0 and r.out else None

    def inspect(self):
        return json.loads(self.mdocker("network", "inspect").ok().out)

    def close(self):
        self.host.close()
        self.outside.close()


@pytest.fixture
def network(place):
    place.need_images("busybox")
    n = Network(place)
    yield n
    for workspace in place.workspaces():
        n.mdocker("rm", "-f", workspace, timeout=60)
    n.close()


def test_egress_policies(network):
    """Each policy reaches what it names; none reaches the host's services."""
    network.serve(network.outside, 80)
    network.serve(network.host, 7777, "the host's own service")
    network.run("none", "--egress", "none")
    network.run("internet", "--egress", "internet")
    network.run("full", "--egress", "full")
    network.run("list", "--egress", f"allow:{PRIVATE}/32:80/tcp")
    table = {name: tuple(network.get(name, a) is not None for a in (PUBLIC, PRIVATE, METADATA))
             for name in ("none", "internet", "full", "list")}
    assert table == {
        "none": (False, False, False),
        "internet": (True, False, False),
        "full": (True, True, True),
        "list": (False, True, False),
    }
    for name in table:
        assert network.get(name, "10.213.0.1", 7777) is None
        assert network.get(name, "198.18.0.1", 7777) is None


def test_workspaces_never_reach_each_other(network):
    network.run("server", command=("/bin/httpd", "-f", "-p", "80", "-h", "/etc"))
    network.run("client", "--egress", "full")
    address = network.inspect()["workspaces"][0]["address"]
    wait_until(lambda: network.host("curl", "-s", "-m", "1", f"http://{address}/passwd").code == 0,
               "the host reaches the server, so there is one")
    assert network.get("client", address) is None


def test_published_ports_answer_from_everywhere_but_inside(network):
    network.run("server", "-p", "8080:80", "-p", "127.0.0.1:8081:80", "--egress", "none",
                command=("/bin/httpd", "-f", "-p", "80", "-h", "/etc"))
    network.run("neighbour", "--egress", "full")
    wait_until(lambda: network.host("curl", "-s", "-m", "1", "http://127.0.0.1:8080/passwd").code == 0,
               "the port on the host's loopback")
    assert "root:" in network.outside("curl", "-s", "-m", "2", "http://198.18.0.1:8080/passwd").ok().out
    assert "root:" in network.host("curl", "-s", "-m", "2", "http://127.0.0.1:8081/passwd").ok().out
    assert network.outside("curl", "-s", "-m", "1", "http://198.18.0.1:8081/passwd").code != 0
    assert network.get("neighbour", "198.18.0.1", 8080) is None
    taken = network.mdocker("run", "-d", "--network", "bridge", "-p", "8080:80", "busybox", "/bin/sleep", "1")
    assert taken.code == 125 and "published port" in taken.err, repr(taken)


def test_source_address_and_mac_belong_to_the_port(network):
    """Nobody inside may change the interface (NET_ADMIN is missing), so the host does it, from within the namespace: even then
    nothing passes."""
    network.serve(network.outside, 80)
    network.run("w")
    pid = json.loads(network.place.runtime("state", next(iter(network.place.workspaces()))).ok().out)["pid"]
    inside = ["nsenter", f"--net=/proc/{pid}/ns/net"]

    def answers(*source):
        return run([*inside, "ping", "-c", "1", "-W", "1", *source, PUBLIC]).code == 0

    assert network.mdocker("exec", "w", "/bin/ip", "addr", "add", "10.213.0.77/22", "dev", "eth0").code != 0
    assert answers()
    run([*inside, "ip", "addr", "add", "10.213.0.77/22", "dev", "eth0"]).ok()
    assert not answers("-I", "10.213.0.77")
    assert answers()
    run([*inside, "ip", "link", "set", "eth0", "address", "02:00:00:00:00:99"]).ok()
    assert not answers()


def test_rules_come_back_after_a_flush(network):
    network.serve(network.outside, 80)
    network.run("w", "-p", "8080:80")
    assert network.get("w", PUBLIC) == "here"
    network.host("nft", "flush", "ruleset").ok()
    network.mdocker("network", "reload").ok()
    assert network.get("w", PUBLIC) == "here"
    assert network.get("w", PRIVATE) is None
    assert "8080" in network.host("nft", "list", "map", "inet", "mdocker", "published").ok().out


def test_other_tables_are_never_touched(network):
    network.host("nft", "add table inet docker; "
                        "add chain inet docker forward { type filter hook forward priority 0; }").ok()
    network.run("w")
    network.mdocker("rm", "-f", "w").ok()
    network.mdocker("network", "rm").ok()
    assert network.host("nft", "list", "tables").ok().out.split() == ["table", "inet", "docker"]


def test_nothing_is_left(network):
    before = network.host("ip", "-br", "link").ok().out
    network.run("w", "-p", "8080:80", "--egress", f"allow:{PUBLIC}:80/tcp")
    network.mdocker("network", "rm").failed(1, "stop it first")
    network.mdocker("stop", "-t", "0", "w").ok()
    assert not any(w["attached"] for w in network.inspect()["workspaces"])
    for name in ("egress", "published"):
        assert "elements" not in network.host("nft", "list", "map", "inet", "mdocker", name).ok().out
    address = network.inspect()["workspaces"][0]["address"]
    network.mdocker("start", "w").ok()
    assert network.inspect()["workspaces"][0]["address"] == address
    network.mdocker("rm", "-f", "w").ok()
    assert network.inspect()["workspaces"] == []
    network.mdocker("network", "rm").ok()
    assert network.host("ip", "-br", "link").ok().out == before


def test_the_default_has_only_loopback(place):
    place.need_images("busybox")
    out = place.mdocker("run", "--rm", "busybox", "/bin/ip", "-o", "link").ok().out
    assert [line.split(":")[1].strip() for line in out.splitlines()] == ["lo"]
    refused = place.mdocker("run", "--rm", "busybox", "/bin/nc", "-w", "1", "127.0.0.1", "1")
    assert "refused" in refused.err, repr(refused)


def test_bandwidth_has_a_ceiling(network):
    network.serve(network.outside, 80, "x", 2 << 20)
    network.run("slow", "--bandwidth", "1m")
    network.run("fast")
    seconds = {}
    for name in ("slow", "fast"):
        started = time.monotonic()
        assert len(network.get(name, PUBLIC, timeout=20)) == 2 << 20
        seconds[name] = time.monotonic() - started
    assert seconds["slow"] > 1.2 > seconds["fast"], seconds


@pytest.mark.parametrize("options, words", [
    (["--network", "moon"], "not none, bridge or host"),
    (["--network", "bridge", "--egress", "x"], "network policy"),
    (["--network", "bridge", "-p", "80"], "--publish"),
    (["-p", "80:80"], "--network bridge"),
])
def test_bad_requests_are_one_line_and_leave_nothing(place, options, words):
    place.need_images("busybox")
    place.mdocker("run", *options, "busybox", "/bin/true").failed(125, words)
    assert not place.workspaces()
