# SPDX-License-Identifier: Apache-2.0
"""Workspaces on a bridge: in a network namespace that stands for the host, with another beyond it that stands for the internet.
No packet leaves the two."""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import time

import pytest

from harness import BUILD, REPOSITORY, program
from harness.process import kill_and_wait, run, wait_until
from harness.server import Server, free_port

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

    @contextlib.contextmanager
    def entered(self):
        """What this thread starts and connects to is in there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as own, open(f"/proc/{self.process.pid}/ns/net") as there:
            assert libc.setns(there.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                assert libc.setns(own.fileno(), 0) == 0, os.strerror(ctypes.get_errno())

    def close(self):
        kill_and_wait(self.process)


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

    def get(self, workspace, address, port=80, path="/"):
        """What a workspace gets from a web server, or None. (busybox's wget wants more of an image than there is.)"""
        request = f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | nc -w 20 {address} {port}"
        r = self.mdocker("exec", workspace, "/bin/sh", "-c", request, timeout=60)
        return r.out.partition("\n\n")[2] if r.code == 0 and r.out else None

    def connects(self, workspace, address, port=80):
        """Whether a connection comes about within a second: the kernels make it, however busy the programs at its ends are."""
        script = "import socket, sys; s = socket.socket(); s.settimeout(1); print(s.connect_ex((sys.argv[1], int(sys.argv[2]))) == 0)"
        return self.python(workspace, script, address, str(port)).ok().out == "True\n"

    def init(self, name):
        """The process id of a workspace's PID 1."""
        found = [w for w in self.place.workspaces()
                 if json.loads((self.place.root / "workspaces" / w / "workspace.json").read_text())["name"] == name]
        return json.loads(self.place.runtime("state", *found).ok().out)["pid"]

    def python(self, name, script, *args, timeout=60):
        """Runs a script in a workspace's network namespace: what a program inside could do there, and more."""
        return run(["nsenter", f"--net=/proc/{self.init(name)}/ns/net", "/usr/bin/python3", "-c", script, *args], timeout=timeout)

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
    reached = {
        "none": set(),
        "internet": {PUBLIC},
        "full": {PUBLIC, PRIVATE, METADATA},
        "list": {PRIVATE},
    }
    ways = [(name, address, port) for address, port in ((PUBLIC, 80), (PRIVATE, 80), (METADATA, 80), ("10.213.0.1", 7777), ("198.18.0.1", 7777))
            for name in reached]
    # What is dropped takes all the time that it is given: so some at once.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda way: network.connects(*way), ways))
    found = {name: {address for (n, address, _), answer in zip(ways, answers) if n == name and answer} for name in reached}
    assert found == reached
    assert network.get("internet", PUBLIC) == network.get("list", PRIVATE) == "here"


def test_what_is_not_public_is_not_the_internet(network):
    """An address of each network that nobody on the internet has, the first or last of it, and neighbours of them that are public."""
    private = ["10.255.255.254", "100.64.0.1", "100.127.255.254", "169.254.0.1", "172.16.0.1", "172.31.255.254", "192.0.0.1", "192.0.2.1",
               "192.168.0.1", "192.168.255.254", "198.19.255.254", "198.51.100.1", "203.0.113.1"]
    public = ["9.255.255.254", "11.0.0.1", "100.63.255.254", "100.128.0.1", "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1",
              "192.167.0.1", "192.169.0.1", "198.17.0.1", "198.20.0.1"]
    script = "".join(f"ip addr add {a}/32 dev lo;" for a in private + public)
    network.outside("sh", "-c", script).ok()
    network.host("sh", "-c", "".join(f"ip route add {a} via 198.18.0.2;" for a in private + public)).ok()
    network.serve(network.outside, 80)
    network.run("internet", "--egress", "internet")
    network.run("full", "--egress", "full")
    connect = (f"import select, socket, time\nall = {{}}\nfor a in {private + public!r}:\n"
               " s = socket.socket(); s.setblocking(False); s.connect_ex((a, 80)); all[a] = s\n"
               "end = time.monotonic() + 10\nreached = set()\n"
               "while time.monotonic() < end and len(reached) < int(__import__('sys').argv[1]):\n"
               " for s in select.select([], list(all.values()), [], 0.2)[1]:\n"
               "  reached |= {a for a in all if all[a] is s and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0}\n"
               "  all = {a: t for a, t in all.items() if t is not s}\n"
               "time.sleep(0.5)\nreached |= {a for a in all if all[a] in select.select([], list(all.values()), [], 0)[1]}\n"
               "print(*sorted(reached))")
    reached = {name: set(network.python(name, connect, str(count)).ok().out.split())
               for name, count in (("internet", len(public)), ("full", len(private + public)))}
    assert reached == {"internet": set(public), "full": set(private + public)}


def test_workspaces_never_reach_each_other(network):
    """Also where the host's rules don't see what passes within a bridge."""
    network.host("sh", "-c", "k=/proc/sys/net/bridge/bridge-nf-call-iptables; [ ! -e $k ] || echo 0 >$k").ok()
    network.run("server", command=("/bin/httpd", "-f", "-p", "80", "-h", "/etc"))
    network.run("client", "--egress", "full")
    address = network.inspect()["workspaces"][0]["address"]
    wait_until(lambda: network.host("curl", "-s", "-m", "1", f"http://{address}/passwd").code == 0,
               "the host reaches the server, so there is one")
    assert not network.connects("client", address)


def test_published_ports_answer_from_everywhere_but_inside(network):
    network.run("server", "-p", "8080:80", "-p", "127.0.0.1:8081:80", "--egress", "none",
                command=("/bin/httpd", "-f", "-p", "80", "-h", "/etc"))
    network.run("neighbour", "--egress", "full")
    wait_until(lambda: network.host("curl", "-s", "-m", "1", "http://127.0.0.1:8080/passwd").code == 0,
               "the port on the host's loopback")
    assert "root:" in network.outside("curl", "-s", "-m", "20", "http://198.18.0.1:8080/passwd").ok().out
    assert "root:" in network.host("curl", "-s", "-m", "20", "http://127.0.0.1:8081/passwd").ok().out
    assert network.outside("curl", "-s", "--connect-timeout", "1", "http://198.18.0.1:8081/passwd").code != 0
    assert not network.connects("neighbour", "198.18.0.1", 8080)
    # No other way in: who sends packets for the workspaces' addresses through this host gets no answer.
    network.outside("ip", "route", "add", "10.213.0.0/16", "via", "198.18.0.1").ok()
    address = network.inspect()["workspaces"][0]["address"]
    assert network.host("curl", "-s", "-m", "20", f"http://{address}/passwd").code == 0
    assert network.outside("curl", "-s", "--connect-timeout", "1", f"http://{address}/passwd").code != 0
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


SPEAK = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0))
mac = s.getsockname()[4]
arp = bytes.fromhex("0001080006040001") + mac + socket.inet_aton(sys.argv[1]) + bytes(6) + socket.inet_aton(sys.argv[2])
s.send(b"\\xff" * 6 + mac + b"\\x08\\x06" + arp)
"""


def test_nobody_says_to_have_anothers_address(network):
    """ARP is bound to the port, too: the host's table of neighbours learns nothing else from it."""
    network.run("liar")
    network.run("victim")
    liar, victim = (w["address"] for w in network.inspect()["workspaces"])
    network.host("ip", "neigh", "flush", "dev", "mdocker0").ok()

    def known(address):
        return network.host("ip", "neigh", "show", address).out

    network.python("liar", SPEAK, victim, "10.213.0.1").ok()
    network.python("liar", SPEAK, "10.213.0.1", victim).ok()
    network.python("liar", SPEAK, liar, "10.213.0.1").ok()
    wait_until(lambda: "lladdr" in known(liar), "its own address is learned")
    assert "lladdr" not in known(victim), known(victim)
    assert "lladdr" not in run(["nsenter", f"--net=/proc/{network.init('victim')}/ns/net", "ip", "neigh", "show", "10.213.0.1"]).out


HEAR = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 9999))
while True:
    print(s.recv(100).decode(), file=open(sys.argv[1], "a"), flush=True)
"""


def test_nobody_sends_as_another_and_none_with_another_mac(network):
    """One way, so that no answer that doesn't come hides what went out: who may reach nothing takes the address of who may reach all."""
    heard = network.place.folder / "heard"
    heard.touch()
    network.place.start(["nsenter", f"--net=/proc/{network.outside.process.pid}/ns/net", "/usr/bin/python3", "-c", HEAR, str(heard)])
    wait_until(lambda: ":9999" in network.outside("ss", "-lun").out, "a listener")
    network.run("liar", "--egress", "none")
    network.run("victim", "--egress", "full")
    liar, victim = (w["address"] for w in network.inspect()["workspaces"])

    def say(name, text):
        network.python(name, "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 0))\n"
                             "s.sendto(sys.argv[2].encode(), (sys.argv[3], 9999))", victim, text, PUBLIC).ok()

    def inside(name, *argv):
        return run(["nsenter", f"--net=/proc/{network.init(name)}/ns/net", *argv]).ok().out

    say("victim", "victim")
    wait_until(lambda: "victim" in heard.read_text(), "the way is open to the victim")
    gateway = inside("victim", "ip", "neigh", "show", "10.213.0.1").split()[4]
    inside("liar", "ip", "addr", "add", victim + "/22", "dev", "eth0")
    inside("liar", "ip", "neigh", "replace", "10.213.0.1", "lladdr", gateway, "dev", "eth0", "nud", "permanent")
    say("liar", "liar")
    own = json.loads(inside("victim", "ip", "-j", "link", "show", "eth0"))[0]["address"]
    for mac, text in (("02:00:00:00:00:99", "another mac"), (own, "end")):
        inside("victim", "ip", "link", "set", "eth0", "address", mac)
        inside("victim", "ip", "neigh", "replace", "10.213.0.1", "lladdr", gateway, "dev", "eth0", "nud", "permanent")
        say("victim", text)
    wait_until(lambda: "end" in heard.read_text(), "the last word")
    assert heard.read_text().splitlines() == ["victim", "end"]


def test_rules_come_back_after_a_flush(network):
    network.serve(network.outside, 80)
    network.run("w", "-p", "8080:80")
    assert network.get("w", PUBLIC) == "here"
    network.host("nft", "flush", "ruleset").ok()
    network.mdocker("network", "reload").ok()
    assert network.get("w", PUBLIC) == "here"
    assert not network.connects("w", PRIVATE)
    assert "8080" in network.host("nft", "list", "map", "inet", "mdocker", "published").ok().out


def test_the_server_puts_the_rules_back_after_a_flush(network):
    """Nobody has to call for it, and nothing gets through that should not."""
    network.place.need_images("default")
    network.serve(network.outside, 80)
    network.serve(network.host, 7777, "the host's own service")
    with network.host.entered():
        server = Server(network.place, "--workspace", "network=bridge").start()
        server.login("alice").shell()
    network.host("nft", "flush ruleset; add table inet other").ok()
    wait_until(lambda: "mdocker" in network.host("nft", "list", "tables").ok().out, "our tables are back")
    script = ("import socket\n"
              "for a, p in (('%s', 80), ('%s', 80), ('198.18.0.1', 7777), ('10.213.0.1', 7777)):\n"
              " s = socket.socket(); s.settimeout(1)\n"
              " print(s.connect_ex((a, p)) == 0)" % (PUBLIC, PRIVATE))
    assert network.python("alice", script).ok().out.split() == ["True", "False", "False", "False"]
    assert "other" in network.host("nft", "list", "tables").ok().out
    # What was removed on purpose stays away.
    network.mdocker("stop", "--all").ok()
    network.mdocker("network", "rm").ok()
    network.host("nft", "add table inet third; delete table inet third").ok()
    network.mdocker("network", "restore").ok()
    assert "mdocker" not in network.host("nft", "list", "tables").ok().out


def test_it_works_beside_docker(network):
    """Docker's own rules drop whatever is forwarded and not its own; its chain DOCKER-USER is the place for others' wishes."""
    network.serve(network.outside, 80)
    network.host("nft", "add table ip filter; add chain ip filter DOCKER-USER; "
                        "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; "
                        "add rule ip filter FORWARD jump DOCKER-USER").ok()
    network.run("w")
    assert network.get("w", PUBLIC) == "here"
    assert not network.connects("w", PRIVATE)
    network.mdocker("network", "reload").ok()
    chain = network.host("nft", "list", "chain", "ip", "filter", "DOCKER-USER").ok().out
    assert chain.count("mdocker") == 2, chain
    network.mdocker("rm", "-f", "w").ok()
    network.mdocker("network", "rm").ok()
    left = network.host("nft", "list", "ruleset").ok().out
    assert "mdocker" not in left and "DOCKER-USER" in left and "policy drop" in left, left


def forwards(namespace):
    return namespace("cat", "/proc/sys/net/ipv4/ip_forward").ok().out.strip()


def doctor(network, check):
    """(level, found and advice) of one check."""
    checks = json.loads(network.mdocker("doctor", "--json").out)
    return next((c["level"], c["found"] + ": " + c["advice"]) for c in checks if c["check"] == check)


def test_the_next_start_puts_the_rules_back_after_a_flush(network):
    """No server runs, nobody calls for it."""
    network.serve(network.outside, 80)
    network.run("first", "-p", "8080:80")
    network.host("nft", "flush", "ruleset").ok()
    network.run("second")
    for name in ("first", "second"):
        assert network.get(name, PUBLIC) == "here"
        assert not network.connects(name, PRIVATE)
    assert "8080" in network.host("nft", "list", "map", "inet", "mdocker", "published").ok().out


LEGACY, NFT = "iptables-legacy", "iptables-nft"


@pytest.mark.parametrize("iptables", [LEGACY, NFT])
def test_a_firewall_that_drops_what_is_forwarded_is_told_with_what_to_do(network, iptables):
    network.serve(network.outside, 80)
    assert doctor(network, "host's firewall")[0] == "ok"
    network.host(iptables, "-P", "FORWARD", "DROP").ok()
    network.run("w")
    assert not network.connects("w", PUBLIC), "the test proves nothing"
    level, text = doctor(network, "host's firewall")
    assert level == "weaker" and "drops what is forwarded" in text
    program = LEGACY if iptables == LEGACY else "iptables"
    commands = text.partition("reach nothing: ")[2].partition(" (our own")[0].split("; ")
    assert len(commands) == 2
    for command in commands:
        words = command.split()
        assert words[0] == program
        network.host(iptables, *words[1:]).ok()
    assert network.get("w", PUBLIC) == "here" and not network.connects("w", PRIVATE)
    assert doctor(network, "host's firewall")[0] == "ok"
    network.mdocker("rm", "-f", "w").ok()
    network.mdocker("network", "rm").ok()
    assert "DROP" in network.host(iptables, "-S", "FORWARD").ok().out


@pytest.mark.parametrize("wall", ["policy drop; }", "}; add rule inet wall f ct state established accept; "
                                  "add rule inet wall f counter reject with icmpx admin-prohibited"], ids=["policy", "last rule"])
def test_a_table_of_nftables_that_drops_is_told_too(network, wall):
    network.host("nft", "add table inet wall; add chain inet wall f { type filter hook forward priority 5; " + wall).ok()
    level, text = doctor(network, "host's firewall")
    assert level == "weaker" and "table inet wall" in text and 'oifname "mdocker*"' in text
    network.host("nft", "insert rule inet wall f iifname \"mdocker*\" accept; insert rule inet wall f oifname \"mdocker*\" accept").ok()
    assert doctor(network, "host's firewall")[0] == "ok"


def test_forwarding_is_given_back_by_who_switched_it_on(network):
    assert forwards(network.host) == "0"
    network.run("w")
    assert forwards(network.host) == "1"
    network.mdocker("rm", "-f", "w").ok()
    network.mdocker("network", "rm").ok()
    assert forwards(network.host) == "0"
    network.mdocker("network", "rm").ok()
    assert not (network.place.root / "network" / "forwarding").exists()


@pytest.mark.parametrize("need", [
    "sysctl -w net.ipv4.ip_forward=1",  # before us
    "nft add table ip nat; nft 'add chain ip nat p { type nat hook postrouting priority 100; }'",
    "iptables-legacy -t nat -A POSTROUTING -j MASQUERADE",
    "iptables-nft -A FORWARD -j ACCEPT",
], ids=["it was on before", "nat by nftables", "nat by iptables-legacy", "a filter of iptables-nft"])
def test_forwarding_stays_where_somebody_else_needs_it(network, need):
    network.host("sh", "-c", need).ok()
    network.run("w")
    network.mdocker("rm", "-f", "w").ok()
    network.mdocker("network", "rm").ok()
    assert forwards(network.host) == "1"


def test_what_was_switched_on_in_another_life_is_not_switched_off(network):
    network.run("w")
    record = network.place.root / "network" / "forwarding"
    record.write_text("00000000-0000-0000-0000-000000000000 " + record.read_text().split()[1] + "\n")
    network.mdocker("rm", "-f", "w").ok()
    network.mdocker("network", "rm").ok()
    assert forwards(network.host) == "1" and not record.exists()


def test_two_installations_in_one_namespace_do_not_get_into_each_others_way(network):
    network.serve(network.outside, 80)
    network.run("w", "-p", "8080:80")
    other = [program("mdocker"), "--root", str(network.place.folder / "other"), "--state", str(network.place.folder / "other-state")]
    network.place.images.give(network.place.folder / "other", ["busybox"])
    clear = f"belongs to the installation in '{os.path.realpath(network.place.root)}'"
    run_other = ["run", "-d", "--name", "x", "--network", "bridge", "busybox", "/bin/sleep", "600"]
    for words in (run_other, ["network", "rm"], ["network", "reload"]):
        r = network.host(*other, *words)
        assert r.code != 0 and clear in r.err and r.err.count("\n") == 1, r
    # One of its own with the same address, from another namespace, takes nothing away when it goes.
    network.outside(*other, *run_other).ok()
    assert "10.213.0.2" in network.outside(*other, "network", "ls").ok().out
    assert network.inspect()["workspaces"][0]["address"] == "10.213.0.2"
    network.host(*other, "rm", "-f", "x").ok()
    network.outside(*other, "network", "rm").ok()
    assert network.inspect()["workspaces"][0]["attached"] and network.get("w", PUBLIC) == "here"
    # Given up by the first, it is the other's.
    network.mdocker("rm", "-f", "w").ok()
    network.mdocker("network", "rm").ok()
    network.host(*other, *run_other).ok()
    try:
        network.mdocker("network", "rm").failed(1, "belongs to the installation in")
    finally:
        network.host(*other, "rm", "-f", "x").ok()
    # And one whose folder is gone is succeeded.
    os.rename(network.place.folder / "other", network.place.folder / "gone")
    network.run("again")
    assert network.get("again", PUBLIC) == "here"


def test_of_two_installations_that_make_the_first_bridge_at_once_one_has_it(network):
    """Each of their words to the kernel takes a while, so that both are between looking and making."""
    network.serve(network.outside, 80)
    roots = [network.place.root, network.place.folder / "other"]
    network.place.images.give(roots[1], ["busybox"])
    argv = [[program("mdocker"), "--root", str(root), "--state", f"{network.place.state}{i}"] for i, root in enumerate(roots)]
    for apart in (0, 5000):
        slow = [["strace", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", f"inject=sendto:delay_enter={delay}"]
                for delay in (10000 + apart, 10000)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda i: network.host(*slow[i], *argv[i], "run", "-d", "--name", "w", "--network", "auto",
                                                           "busybox", "/bin/sleep", "600", timeout=60).ok(), (0, 1)))
        try:
            without = ["has no network but its loopback" in a.err for a in answers]
            assert sorted(without) == [False, True], answers
            winner = without.index(False)
            assert f"belongs to the installation in '{os.path.realpath(roots[winner])}'" in answers[1 - winner].err, answers
            alias = json.loads(network.host("ip", "-j", "-d", "link", "show", "mdocker0").ok().out)[0]["ifalias"]
            assert alias == os.path.realpath(roots[winner])
            got = network.host(*argv[winner], "exec", "w", "/bin/sh", "-c", f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {PUBLIC} 80")
            assert got.out.endswith("here"), got
            assert "mdnew" not in network.host("ip", "-br", "link").ok().out
        finally:
            for a in argv:
                network.host(*a, "rm", "-f", "w")
        network.host(*argv[winner], "network", "rm").ok()


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


def test_the_thousandth_workspace_is_on_a_further_bridge_and_as_isolated(network):
    network.serve(network.outside, 80)
    network.run("first", "--egress", "full", command=("/bin/httpd", "-f", "-p", "80", "-h", "/etc"))
    leases = network.place.root / "network" / "leases.json"
    document = json.loads(leases.read_text())
    taken = set(document["leases"].values())
    document["leases"] |= {f"{n:012x}": n for n in range(1000) if n not in taken}
    leases.write_text(json.dumps(document))
    network.run("next", "--egress", "full", command=("/bin/httpd", "-f", "-p", "80", "-h", "/etc"))
    attached = {w["bridge"]: w["address"] for w in network.inspect()["workspaces"] if w["attached"]}
    assert set(attached) == {"mdocker0", "mdocker1"} and attached["mdocker1"].startswith("10.213.4."), attached
    for address in attached.values():
        wait_until(lambda: network.host("curl", "-s", "-m", "1", f"http://{address}/passwd").code == 0, f"{address} serves")
    assert network.get("next", PUBLIC) == "here"
    assert not network.connects("next", attached["mdocker0"])
    assert not network.connects("first", attached["mdocker1"])
    assert not network.connects("next", "10.213.0.1", 80)


CONNECT = """
import resource, select, socket, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
def connect(count, pause):
    for _ in range(count):
        s = socket.socket(); s.setblocking(False); s.connect_ex(("%s", 80)); all.append(s)
        time.sleep(pause)
def connected():
    return sum(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and bool(select.select([], [s], [], 0)[1])
               for s in all if s.fileno() < 1024) if len(all) < 900 else None
all = []
""" % PUBLIC


def listen(network, script=""):
    network.place.start(["nsenter", f"--net=/proc/{network.outside.process.pid}/ns/net", "/usr/bin/python3", "-c",
                         "import socket, time\ns = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                         "s.bind(('0.0.0.0', 80)); s.listen(4000)\ntime.sleep(300)"])
    wait_until(lambda: "0.0.0.0:80" in network.outside("ss", "-ltn").out, "the listener")


def flows(network):
    """Connections of the workspace that the host's tracking knows."""
    return int(network.host("sh", "-c", "cat /proc/sys/net/netfilter/nf_conntrack_count").ok().out)


def test_new_connections_are_rated(network):
    """A burst of 500, then 100 a second."""
    listen(network)
    network.run("w", "--egress", "full")
    script = CONNECT + "began = time.monotonic()\nconnect(800, 0)\nprint(connected(), time.monotonic() - began, flush=True)"
    count, seconds = map(float, network.python("w", script).ok().out.split())
    assert 400 <= count < 680 + 100 * seconds, (count, seconds)


def test_open_connections_are_counted(network):
    """1,024 at once; other workspaces have their own."""
    listen(network)
    network.run("w", "--egress", "full")
    network.run("other", "--egress", "full")
    script = CONNECT + "connect(480, 0)\nfor _ in range(14): time.sleep(0.5); connect(45, 0)\n" \
        "import os\nprint(len(all), flush=True)\ntime.sleep(0.5)\n" \
        "print(sum(line.split()[3] == '01' for line in open('/proc/self/net/tcp').readlines()[1:]), flush=True)"
    tried, held = map(int, network.python("w", script).ok().out.split())
    assert tried > 1090 and 950 <= held <= 1024, (tried, held)
    assert network.python("other", CONNECT + "connect(5, 0)\ntime.sleep(0.3)\nprint(connected())").ok().out.split() == ["5"]


def test_ipv6_passes_in_no_way(network):
    network.run("w", "--egress", "full")
    network.run("neighbour", "--egress", "full")
    pid = network.init("w")
    run(["nsenter", f"--net=/proc/{pid}/ns/net", "sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0"])
    for name in ("w", "neighbour"):
        run(["nsenter", f"--net=/proc/{network.init(name)}/ns/net", "ip", "-6", "addr", "add",
             f"fe80::{1 if name == 'w' else 2}/64", "dev", "eth0", "nodad"]).ok()
    network.host("ip", "-6", "addr", "add", "fe80::99/64", "dev", "mdocker0", "nodad")
    for target in ("fe80::2%eth0", "fe80::99%eth0", "ff02::1%eth0"):
        # Its own answer to a multicast is no way out.
        r = run(["nsenter", f"--net=/proc/{pid}/ns/net", "ping", "-6", "-c", "1", "-W", "1", target])
        assert r.code != 0 or "fe80::1%" in r.out, repr(r)


NAMES = """
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 53))
while True:
    q, who = s.recvfrom(512)
    name = q[12:q.index(b"\\0", 12) + 5]
    a = b"\\xc0\\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton("8.8.8.8")
    known = q[-4:-2] == b"\\0\\1"
    s.sendto(q[:2] + struct.pack(">HHHHH", 0x8180, 1, known, 0, 0) + q[12:] + a * known, who)
"""


def test_names_are_found_by_every_policy_but_none(network):
    """The host's name server is on a private address, which the policies themselves leave out."""
    network.place.start(["nsenter", f"--net=/proc/{network.outside.process.pid}/ns/net", "/usr/bin/python3", "-c", NAMES])
    wait_until(lambda: ":53" in network.outside("ss", "-lun").out, "the name server")
    resolv = network.place.folder / "resolv.conf"
    resolv.write_text("# a comment\nnameserver 127.0.0.53\nnameserver 198.18.0.2\n")
    seen = {}
    for name, policy in (("internet", "internet"), ("full", "full"), ("allow", f"allow:{PUBLIC}:80"), ("none", "none")):
        network.host("unshare", "-m", "--propagation", "private", "sh", "-c",
                     f"mount --bind {resolv} /etc/resolv.conf; exec \"$@\"", "sh",
                     *network.place.argv("run", "-d", "--name", name, "--network", "bridge", "--egress", policy, "busybox",
                                         "/bin/sleep", "600")).ok()
        assert network.mdocker("exec", name, "/bin/cat", "/etc/resolv.conf").ok().out == "nameserver 198.18.0.2\n"
        seconds = "3" if name == "none" else "20"
        r = network.mdocker("exec", name, "/bin/timeout", seconds, "/bin/nslookup", "shell.example", timeout=60)
        seen[name] = "8.8.8.8" in r.out
    assert seen == {"internet": True, "full": True, "allow": True, "none": False}
    # Names are all that is to be had of it.
    network.serve(network.outside, 80)
    assert not network.connects("internet", "198.18.0.2") and network.get("full", "198.18.0.2") == "here"


WITHOUT_NET_ADMIN = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]


def test_auto_is_a_bridge_where_the_host_can_have_one(network):
    network.serve(network.outside, 80)
    network.serve(network.host, 7777)
    network.mdocker("run", "-d", "--name", "w", "--network", "auto", "busybox", "/bin/sleep", "600").ok()
    assert network.get("w", PUBLIC) == "here"
    assert not network.connects("w", PRIVATE) and not network.connects("w", "198.18.0.1", 7777)
    network.mdocker("update", "--bandwidth", "5m", "w").ok()
    network.mdocker("stop", "-t", "0", "w").ok()
    assert not any(w["attached"] for w in network.inspect()["workspaces"])
    network.mdocker("rm", "w").ok()
    assert network.inspect()["workspaces"] == []


def test_auto_is_loopback_only_where_it_cannot_and_says_so(network):
    r = network.host(*WITHOUT_NET_ADMIN, *network.place.argv(
        "run", "--network", "auto", "busybox", "/bin/ip", "-o", "link")).ok()
    assert [line.split(":")[1].strip() for line in r.out.splitlines()] == ["lo"]
    assert "has no network but its loopback: network:" in r.err or "nftables" in r.err, r.err
    refused = network.host(*WITHOUT_NET_ADMIN, *network.place.argv("run", "--rm", "--network", "bridge", "busybox", "/bin/true"))
    assert refused.code == 125
    doctor = network.host(*WITHOUT_NET_ADMIN, *network.place.argv("doctor"))
    assert "weaker  network" in doctor.out and "CAP_NET_ADMIN" in doctor.out
    assert "ok      network" in network.mdocker("doctor").out


def test_a_strict_profile_has_none_of_it(network):
    r = network.mdocker("run", "--rm", "--network", "auto", "--profile", "strict", "busybox", "/bin/ls", "/sys/class/net").ok()
    assert r.out == "lo\n"


def test_users_of_the_demo_reach_the_internet_and_neither_the_server_nor_each_other(network):
    place = network.place.need_images("default")
    network.serve(network.outside, 80)
    with network.host.entered():
        port = free_port()
        demo = place.start([REPOSITORY / "packaging/demo", BUILD, f"0.0.0.0:{port}".replace("0.0.0.0", "127.0.0.1"),
                            BUILD / "default-image.tar", place.root, place.state])
        server = Server(place)
        server.port, server.process = port, demo
        wait_until(server.answers, "the demo", timeout=120)
        shells = {user: server.login(user).shell() for user in ("alice", "bob")}
    addresses = [w["address"] for w in network.inspect()["workspaces"]]
    assert len(addresses) == 2

    def reach(user, address, port, seconds=1):
        return shells[user].ask(f"timeout {seconds} bash -c 'exec 3<>/dev/tcp/{address}/{port}' 2>/dev/null && echo yes || echo no").strip()

    assert reach("alice", PUBLIC, 80, 20) == "yes" and reach("alice", PRIVATE, 80) == "no"
    assert {reach("alice", a, port) for a in ("10.213.0.1", "198.18.0.1", *addresses)} == {"no"}
    for shell in shells.values():
        shell.close()
    demo.send_signal(signal.SIGTERM)
    demo.wait(timeout=30)
    network.mdocker("stop", "--all").ok()


def test_the_default_has_only_loopback(place):
    place.need_images("busybox")
    out = place.mdocker("run", "--rm", "busybox", "/bin/ip", "-o", "link").ok().out
    assert [line.split(":")[1].strip() for line in out.splitlines()] == ["lo"]
    refused = place.mdocker("run", "--rm", "busybox", "/bin/nc", "-w", "1", "127.0.0.1", "1")
    assert "refused" in refused.err, repr(refused)


def test_the_hosts_own_network_is_given_by_name_only(network):
    """--network host, which says what it gives up: its interfaces, and what listens on its loopback."""
    network.serve(network.host, 7777, "the host's own service")
    network.mdocker("run", "-d", "--name", "open", "--network", "host", "busybox", "/bin/sleep", "600").ok()
    assert network.get("open", "127.0.0.1", 7777) == "the host's own service"
    network.mdocker("run", "-d", "--name", "closed", "busybox", "/bin/sleep", "600").ok()
    assert not network.connects("closed", "127.0.0.1", 7777) and not network.connects("closed", "198.18.0.1", 7777)
    assert "mdocker0" not in network.host("ip", "-br", "link").ok().out, "neither wants a bridge"


def test_ls_and_inspect_show_who_has_what(network):
    network.run("w", "--egress", "none")
    network.run("gone")
    network.mdocker("stop", "-t", "0", "gone").ok()
    rows = {line.split()[1]: line.split() for line in network.mdocker("network", "ls").ok().out.splitlines()[1:]}
    assert rows["w"][2:] == ["10.213.0.2", "mdv0ad50002", "attached", "none"]
    assert rows["gone"][2:5] == ["10.213.0.3", "mdv0ad50003", "-"]
    seen = network.inspect()
    assert (seen["pool"], seen["prefix"], seen["rules_loaded"]) == ("10.213.0.0", 16, True)
    assert [(w["bridge"], w["attached"]) for w in seen["workspaces"]] == [("mdocker0", True), ("mdocker0", False)]


def test_bandwidth_has_a_ceiling(network):
    network.serve(network.outside, 80, "x", 2 << 20)
    network.run("slow", "--bandwidth", "1m")
    network.run("fast")

    def seconds(name):
        started = time.monotonic()
        assert len(network.get(name, PUBLIC)) == 2 << 20
        return time.monotonic() - started

    # A processor that somebody else has makes nothing faster.
    took = {"slow": seconds("slow"), "fast": min(seconds("fast") for _ in range(3))}
    assert took["slow"] > 1.2 > took["fast"], took
    # And what it sends.
    sink = ("import socket\ns = socket.create_server(('0.0.0.0', 81))\nwhile True:\n c, _ = s.accept()\n"
            " while c.recv(65536): pass\n c.sendall(b'k')\n c.close()")
    network.place.start(["nsenter", f"--net=/proc/{network.outside.process.pid}/ns/net", "/usr/bin/python3", "-c", sink])
    wait_until(lambda: ":81 " in network.outside("ss", "-ltn").out, "the sink listens")
    send = (f"import socket, time\ns = socket.create_connection(('{PUBLIC}', 81))\nt = time.monotonic()\n"
            "s.sendall(bytes(2 << 20)); s.shutdown(1); s.recv(1)\nprint(time.monotonic() - t)")
    sent = {name: min(float(network.python(name, send).ok().out) for _ in range(times)) for name, times in (("slow", 1), ("fast", 3))}
    assert sent["slow"] > 1.2 > sent["fast"], sent


@pytest.mark.parametrize("options, words", [
    (["--network", "moon"], "not none, bridge, host or auto"),
    (["--network", "bridge", "--egress", "x"], "network policy"),
    (["--network", "bridge", "-p", "80"], "--publish"),
    (["-p", "80:80"], "--network bridge"),
])
def test_bad_requests_are_one_line_and_leave_nothing(place, options, words):
    place.need_images("busybox")
    place.mdocker("run", *options, "busybox", "/bin/true").failed(125, words)
    assert not place.workspaces()
