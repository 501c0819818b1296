# SPDX-License-Identifier: Apache-2.0
"""Tools of others against it: slowhttptest from outside, stress-ng from inside. Somebody logs in and works meanwhile; what they say goes into
docs/SECURITY.md by hand."""

import http.client
import json
import re
import shutil
import statistics
import subprocess
import time

import pytest

from harness.neighbour import Neighbour, percentile
from harness.process import run
from harness.web import WebServer

SECONDS = 20
SLOW = {
    "headers": ["-H", "-i", "3", "-x", "24"],
    "body": ["-B", "-i", "3", "-s", "8192", "-t", "POST", "-x", "10"],
    "reading": ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3"],
    "ranges": ["-R", "-a", "10", "-b", "3000"],
}


def tool(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin")
    assert path, f"install {name}"
    return path


def login_from_elsewhere(server):
    """Seconds for a login from another address than the attacker's."""
    started = time.monotonic()
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30, source_address=("127.0.0.2", 0))
    c.request("POST", "/api/v1/login", json.dumps({"username": "alice", "password": "password"}), {"Content-Type": "application/json"})
    assert c.getresponse().status == 200
    c.close()
    return time.monotonic() - started


def answers(server):
    """Seconds for a small answer to another address."""
    started = time.monotonic()
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30, source_address=("127.0.0.2", 0))
    c.request("GET", "/healthz")
    assert c.getresponse().status == 200
    c.close()
    return time.monotonic() - started


@pytest.mark.parametrize("limit", ["32", "100000"], ids=["32 connections an address", "any number"])
@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_keep_nobody_out(place, kind, limit):
    server = WebServer(place, "--max-connections", limit).start()
    quiet = statistics.median(login_from_elsewhere(server) for _ in range(3))
    attack = subprocess.Popen([tool("slowhttptest"), "-c", "500", "-r", "200", "-l", str(SECONDS), "-p", "3", *SLOW[kind], "-u",
                               f"http://127.0.0.1:{server.port}/assets/app-1.js"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    logins, small = [], []
    try:
        while attack.poll() is None and len(logins) < 60:
            logins.append(login_from_elsewhere(server))
            small.append(answers(server))
            time.sleep(0.2)
        said, _ = attack.communicate(timeout=SECONDS + 30)
    finally:
        attack.kill()
    said = re.sub(r"\x1b\[[0-9;]*m", "", said)
    end = re.search(r"Exit status: *(.*)", said)
    print(f"{kind}, limit {limit}: {end and end.group(1)}; login {quiet * 1000:.0f} ms quiet, {percentile(logins, .95) * 1000:.0f} ms p95 "
          f"of {len(logins)}; /healthz {percentile(small, .95) * 1000:.1f} ms p95")
    assert end, said[-2000:]
    assert percentile(logins, 0.95) < 10 * quiet + 2
    assert "ended with" not in server.said(), "a role was killed"


STRESSORS = ["--cpu 2 --vm 2 --vm-bytes 200M --fork 4 --pipe 2", "--hdd 2 --hdd-bytes 64M --iomix 2 --sync-file 2", "--class os --sequential 1",
             "--class filesystem --sequential 1", "--class memory --sequential 1"]


@pytest.mark.parametrize("stressors", STRESSORS)
def test_stress_ng_inside_a_workspace(place, stressors):
    n = Neighbour(place)
    quiet = percentile(n.echoes(50), 0.95)
    # The host's own tree, read only below: it has stress-ng with its libraries.
    words = stressors.split()
    each = "1" if "--sequential" in words else str(SECONDS)
    place.mdocker("run", "-d", "--name", "stress", "--memory", "256m", "--pids-limit", "100", "--disk", "256m", "--rootfs", "/",
                  tool("stress-ng"), *words, "--timeout", each, "--temp-path", "/root", "--metrics-brief", "--oomable").ok()
    echoes, started = [], time.monotonic()
    while time.monotonic() - started < 4 * SECONDS and "stress" in place.mdocker("ps").ok().out:
        echoes += n.echoes(20)
    place.mdocker("rm", "-f", "stress", timeout=10).ok()
    print(f"{stressors}: {time.monotonic() - started:.0f} s; echo p95 {quiet * 1000:.1f} ms quiet, {percentile(echoes, .95) * 1000:.1f} ms under it")
    assert percentile(echoes, 0.95) < 10 * quiet + 1
    assert run(["true"]).code == 0
