# SPDX-License-Identifier: Apache-2.0
"""`mdocker update` on a running workspace: every limit takes effect at once, and stands after a restart."""

import json
import time

import pytest

from harness.process import run
from test_network import network, PUBLIC  # noqa: F401 (a fixture)

MIB = 1 << 20


@pytest.fixture
def box(place):
    place.need_images("busybox")
    place.mdocker("run", "-d", "--name", "w", "--disk", "64m", "busybox", "/bin/sleep", "600").ok()
    return place


def sh(place, script, **more):
    return place.mdocker("exec", "w", "/bin/sh", "-c", script, **more)


def stats(place):
    return json.loads(place.mdocker("stats", "--format", "json", "w").ok().out)


def knob(place, *names):
    """The first of the cgroup's files that this host has, from inside."""
    return sh(place, "for f in " + " ".join(f"/sys/fs/cgroup/{n}" for n in names) + "; do cat $f 2>/dev/null && break; done").ok().out


def timed_write(place, count):
    """Seconds for `count` MiB that go through to the device."""
    started = time.monotonic()
    sh(place, f"dd if=/dev/zero of=/root/x bs=64k count={count * 16} conv=fsync 2>/dev/null", timeout=60).ok()
    return time.monotonic() - started


def test_writing_is_throttled_and_let_go_again(box):
    box.mdocker("update", "--device-write-bps", "2m", "w").ok()
    slow = timed_write(box, 6)
    assert slow > 2, slow
    assert stats(box)["limits"]["writeBps"] == 2 * MIB
    assert stats(box)["writeBytes"] >= 6 * MIB
    box.mdocker("update", "--device-write-bps", "0", "w").ok()
    assert min(timed_write(box, 6) for _ in range(3)) < slow / 2
    assert stats(box)["limits"]["writeBps"] == 0


def test_a_rate_of_its_making_holds_and_survives_a_restart(place):
    place.need_images("busybox")
    place.mdocker("run", "-d", "--name", "w", "--disk", "64m", "--device-write-iops", "20", "--device-read-bps", "3m",
                  "busybox", "/bin/sleep", "600").ok()
    for _ in range(2):
        rates = knob(place, "blkio/blkio.throttle.write_iops_device", "io.max")
        lines = [line for line in rates.splitlines() if line.split()[-1] == "20" or "wiops=20" in line]
        assert len(lines) == 2 and any(line.startswith("7:") for line in lines), rates
        place.mdocker("stop", "-t", "0", "w").ok()
        place.mdocker("start", "w").ok()


def test_reads_are_throttled(box):
    timed_write(box, 6)
    box.mdocker("update", "--device-read-bps", "2m", "w").ok()
    started = time.monotonic()
    # Past the page cache, in which it still is.
    sh(box, "dd if=/root/x of=/dev/null bs=64k iflag=direct 2>/dev/null", timeout=60).ok()
    assert time.monotonic() - started > 2


def test_each_cgroup_limit_changes_at_once(box):
    box.mdocker("update", "--memory", "64m", "--memory-swap", "96m", "--pids-limit", "33", "--cpus", "0.25",
                "--cpu-shares", "512", "w").ok()
    assert knob(box, "memory/memory.limit_in_bytes", "memory.max").strip() == str(64 * MIB)
    assert knob(box, "memory/memory.memsw.limit_in_bytes", "memory.swap.max").strip() in (str(96 * MIB), str(32 * MIB), "")
    assert knob(box, "pids/pids.max", "pids.max").strip() == "33"
    quota = knob(box, "cpu/cpu.cfs_quota_us", "cpu.max").split()
    assert quota[0] == "25000"
    assert knob(box, "cpu/cpu.shares", "cpu.weight").strip() in ("512", "20")
    limits = stats(box)["limits"]
    assert (limits["memory"], limits["swap"], limits["pids"], limits["cpuMillis"], limits["cpuShares"]) == (
        64 * MIB, 96 * MIB, 33, 250, 512)
    box.mdocker("update", "--memory", "0", "--memory-swap", "0", "--pids-limit", "-1", "--cpus", "0", "w").ok()
    assert int(knob(box, "memory/memory.limit_in_bytes", "memory.max").strip().replace("max", str(1 << 62))) > 1 << 40
    assert knob(box, "pids/pids.max", "pids.max").strip() == "max"


def test_the_weight_of_storage_changes_where_the_host_has_one(box):
    r = box.mdocker("update", "--blkio-weight", "500", "w").ok()
    assert knob(box, "blkio/blkio.bfq.weight", "blkio/blkio.weight", "io.bfq.weight", "io.weight").split()[-1] in ("500", "4950"), r
    box.mdocker("update", "--blkio-weight", "0", "w").ok()
    assert knob(box, "blkio/blkio.bfq.weight", "blkio/blkio.weight", "io.bfq.weight", "io.weight").split()[-1] in ("100", "910")


def test_a_disk_grows_at_once_or_at_the_next_start(box):
    before = stats(box)
    said = box.mdocker("update", "--disk", "300m", "w").ok()
    grown = stats(box)["diskLimit"] > before["diskLimit"] + 32 * MIB
    assert grown or "grows at its next start" in said.err, repr(said)
    sh(box, "echo kept > /root/file").ok()
    box.mdocker("stop", "-t", "0", "w").ok()
    box.mdocker("start", "w").ok()
    after = stats(box)
    assert after["diskLimit"] > before["diskLimit"] + 32 * MIB
    assert after["inodesLimit"] > before["inodesLimit"]
    assert sh(box, "cat /root/file; dd if=/dev/zero of=/root/big bs=1M count=80 2>/dev/null && echo wrote", timeout=60).ok().out == "kept\nwrote\n"


def test_the_bandwidth_changes_at_once(network):  # noqa: F811
    network.serve(network.outside, 80, "x", 2 << 20)
    network.run("w")

    def seconds():
        started = time.monotonic()
        assert len(network.get("w", PUBLIC)) == 2 << 20
        return time.monotonic() - started

    network.mdocker("update", "--bandwidth", "1m", "w").ok()
    slow = seconds()
    assert slow > 1.2
    network.mdocker("update", "--bandwidth", "0", "w").ok()
    assert min(seconds() for _ in range(3)) < slow / 2
    network.mdocker("update", "--bandwidth", "1m", "w").ok()
    network.mdocker("stop", "-t", "0", "w").ok()
    network.mdocker("start", "w").ok()
    assert seconds() > 1.2


@pytest.mark.parametrize("options, words", [
    (["--disk", "32m"], "can only grow"),
    (["--disk-inodes", "5000"], "so many take a larger --disk, 144m"),
    (["--disk-inodes", "1000"], "can only grow"),
    (["--memory-swap", "10m"], "not less than"),
    (["--blkio-weight", "5"], "from 10 to 1000"),
    (["--cpu-shares", "1"], "from 2 to"),
    (["--bandwidth", "1m"], "needs --network bridge"),
    (["--device-read-bps", "much"], "not a size"),
    (["--pids-limit", "many"], "not a whole number"),
    ([], "name at least one limit"),
])
def test_what_cannot_be_is_one_line_and_changes_nothing(box, options, words):
    before = stats(box)["limits"]
    r = box.mdocker("update", *options, "w")
    assert r.code != 0 and words in r.err, repr(r)
    assert stats(box)["limits"] == before


def test_what_cannot_be_written_down_is_undone(box):
    """The next start would give it the limits of before."""
    names = ("memory.max", "memory/memory.limit_in_bytes"), ("pids.max", "pids/pids.max")
    before, limits = [knob(box, *n) for n in names], stats(box)["limits"]
    full = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=ENOSPC"]
    r = run([*full, *box.argv("update", "--memory", "48m", "--pids-limit", "33", "w")])
    assert r.code != 0 and "No space left" in r.err and r.err.count("\n") == 1, repr(r)
    assert [knob(box, *n) for n in names] == before
    assert stats(box)["limits"] == limits


def test_a_bandwidth_that_means_nothing_here_keeps_no_other_limit_from_being_changed(place):
    place.need_images("busybox")
    place.mdocker("run", "--name", "n", "--bandwidth", "1m", "busybox", "true").ok()
    place.mdocker("update", "--memory", "200m", "n").ok()
    place.mdocker("update", "--bandwidth", "2m", "n").failed(1, "--network bridge")
    place.mdocker("update", "--bandwidth", "0", "n").ok()
