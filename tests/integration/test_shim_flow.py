# SPDX-License-Identifier: Apache-2.0
"""Floods, slow and dead clients, programs that don't read: nobody else notices, nothing grows."""

import select

import pytest

from harness.sanitizer import SANITIZED
from harness.shim import *  # noqa: F403

WINDOW = 256 * 1024


def resident(s):
    """KiB of private memory of both halves."""
    total = 0
    for pid in (s.pid, s.holder()):
        with open(f"/proc/{pid}/smaps_rollup") as f:
            for line in f:
                if line.startswith(("Private_Clean:", "Private_Dirty:")):
                    total += int(line.split()[1])
    return total


def offset_of(s):
    with s.client(label="") as c:
        return c.ask("status").output_bytes


def test_output_is_held_back_at_the_window_of_who_types(shim):
    s = shim()
    with s.client() as c:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        c.acks = False
        c.type("yes\r")
        end = time.monotonic() + 1.0
        while time.monotonic() < end:  # read all, acknowledge nothing
            if select.select([c.socket], [], [], 0.1)[0]:
                c.receive()
        stuck = offset_of(s)
        assert WINDOW <= stuck < WINDOW + 80 * 1024
        c.ack()
        while c.receive().name != "output":
            pass
        assert offset_of(s) > stuck


def test_ctrl_c_acts_at_once_in_a_flood(shim):
    s = shim()
    with s.client() as c:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        c.type("yes\r")
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            c.receive()
        c.output, c.seen = bytearray(), 0
        started = time.monotonic()
        c.type("\x03")
        c.expect("$ ", timeout=2)
        assert time.monotonic() - started < 0.5


def test_a_client_without_acks_is_held_by_its_socket(shim):
    s = shim()
    with s.client() as c:
        c.attach()
        c.expect("$ ")
        c.type("yes\r")
        wait_until(lambda: (a := offset_of(s), time.sleep(0.2), offset_of(s))[0] == offset_of(s) > WINDOW // 2,
                   "the flood is held")
        assert offset_of(s) < 3 * WINDOW
        c.type("\x03")  # nothing was read yet
        c.expect("^C", timeout=5)


def test_with_nobody_attached_the_program_runs_on(shim):
    s = shim()
    with s.client() as c:
        c.attach()
        c.expect("$ ")
        c.type("yes abcdefghijklmno | head -c 5000000; touch /tmp/done\r")
    done = s.bundle / "rootfs/tmp/done"
    wait_until(done.exists, "the program has written 5 MB to nobody")
    assert offset_of(s) > 5_000_000


def test_a_slow_onlooker_gets_a_snapshot_and_nobody_waits(shim):
    s = shim()
    with s.client() as c, s.client() as slow:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        slow.attach(flags=ATTACH_READ_ONLY)
        before = resident(s)
        c.type("yes abcdefghijklmno | head -c 7000000; echo rea''dy\r")
        c.expect("ready\r\n$ ")
        assert resident(s) < before + 2500 + 4096  # the ring and the screen's scrollback
        while slow.offset != c.offset:
            slow.receive()
        assert len(slow.output) < 2 * WINDOW + 300000


def test_a_stalled_typist_does_not_stop_the_program_for_good(shim):
    s = shim()
    with s.client() as c:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        c.acks = False
        c.type("seq 1 100000; touch /tmp/done\r")
        done = s.bundle / "rootfs/tmp/done"
        wait_until(done.exists, "the program ends though its window's owner is dead", timeout=25)


def test_a_paste_that_is_larger_than_any_buffer_arrives_whole(shim):
    s = shim()
    with s.client() as c:
        c.attach()
        c.expect("$ ")
        c.type("stty raw -echo; head -c 3000000 | md5sum; stty sane\r")
        time.sleep(0.3)
        block = bytes(range(32, 127)) * 600
        data = (block * 60)[:3000000]
        for at in range(0, len(data), 60000):
            c.send("input", data[at:at + 60000])
        import hashlib
        c.expect(hashlib.md5(data).hexdigest(), timeout=20)


def test_ctrl_c_gets_through_to_a_program_that_does_not_read(shim):
    s = shim()
    with s.client() as c:
        c.attach()
        c.expect("$ ")
        c.type("sleep 1000\r")
        c.expect("sleep 1000\r\n")
        for _ in range(8):
            c.send("input", b"x" * 60000)
        assert c.wait("notice", timeout=10).kind == NOTICE_INPUT
        assert c.ask("ping", cookie=7).cookie == 7
        started = time.monotonic()
        c.type("\x03")
        c.type("\recho al''ive\r")
        c.expect("alive", timeout=10)
        assert time.monotonic() - started < 5


def test_one_terminals_flood_leaves_the_other_fast(shim):
    s = shim()
    with s.client() as flood, s.client() as c:
        flood.attach(flags=ATTACH_CREATE)
        flood.expect("$ ")
        n = c.new("/bin/cat").terminal
        c.attach(n, flags=0, start=0)
        flood.type("yes > /dev/tty\r")
        times = []
        for i in range(50):
            started = time.monotonic()
            c.type(f"<{i}>")
            while f"<{i}>".encode() not in c.output:
                c.receive()
                while select.select([flood.socket], [], [], 0)[0] and time.monotonic() < started + 0.05:
                    flood.receive()
            times.append(time.monotonic() - started)
        assert sorted(times)[45] < 0.1, times


def test_an_idle_shim_is_never_woken_and_stays_small(shim):
    s = shim()
    with s.client() as c:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        time.sleep(1)  # the last look at the limits is over

        def switches():
            return [line.split()[1] for pid in (s.pid, s.holder())
                    for line in leaks.read(f"/proc/{pid}/status").splitlines() if "ctxt_switches" in line]

        before = switches()
        time.sleep(2)
        assert switches() == before
        assert resident(s) < (600 if not SANITIZED else 6000)


def test_a_ring_is_read_by_the_client_itself(shim):
    import mmap
    s = shim(options=["--ring", "128k"])
    with s.client() as c:
        a = c.attach(flags=ATTACH_CREATE | ATTACH_ACKS | ATTACH_RING)
        assert a.name == "attached"
        c.acks = False
        ring = c.wait("ring")
        (fd,) = ring.fds
        assert ring.fields["size"] == 1 << 17
        with pytest.raises(PermissionError):
            mmap.mmap(fd, 4096 + ring.size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        view = mmap.mmap(fd, 4096 + ring.size, mmap.MAP_SHARED, mmap.PROT_READ)
        c.type("seq 1 100000; echo rea''dy\r")
        shown, at = b"", a.offset
        while b"ready\r\n" not in shown[-100:]:
            m = c.wait("advance")
            assert m.fields["from"] == at
            for offset in range(m.fields["from"], m.to, 65536):
                n = min(65536, m.to - offset)
                begin = offset % ring.size
                piece = view[4096 + begin:4096 + min(begin + n, ring.size)]
                shown += piece + view[4096:4096 + n - len(piece)]
            assert struct.unpack_from("<Q", view)[0] <= at
            at = m.to
            c.offset = at
            c.ack()
        numbers = shown.split(b"ready\r\n")[0].split(b"\r\n")
        assert [n for n in numbers if n.isdigit()] == [str(i).encode() for i in range(1, 100001)]
        os.close(fd)


def test_who_resumes_from_far_back_and_copies_late_gets_a_snapshot_for_what_was_overwritten(shim):
    s = shim(options=["--ring", "128k"])
    with s.client() as c, s.client() as late:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        c.type("yes 0123456789abcdef | head -c 115000; echo rea''dy\r")
        c.expect("ready\r\n$ ")
        a = late.attach(start=0, flags=ATTACH_READ_ONLY | ATTACH_ACKS | ATTACH_RING)
        assert a.fields["flags"] & ATTACHED_RESUMED
        late.acks = False
        # All of it is told at once in a few small messages; nothing of it is copied yet.
        c.type("yes fedcba9876543210 | head -c 30000; echo aga''in\r")
        c.expect("again\r\n$ ")
        while (m := late.receive()).name != "snapshot":
            pass
        assert m.offset > 131072
        end = m.offset
        while end < c.offset:
            m = late.wait("advance")
            assert m.fields["from"] == end
            end = m.to
