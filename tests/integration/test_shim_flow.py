# SPDX-License-Identifier: Apache-2.0
"""Floods, slow and dead clients, programs that don't read: nobody else notices, nothing grows."""

import select

import pytest

from harness.sanitizer import SANITIZED
from harness.shim import *  # noqa: F403

WINDOW = 256 * 1024
AT_ONCE = 80 * 1024  # the shim reads up to 64 KiB before it looks at the window, and a PTY holds some


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


def held_at(s, least):
    """Waits until the shim has read so much of a flood and reads no more; returns how much it was. That it reads no more is
    certain when all in the container sleep, the PTY being full, while the shim goes round its loop several times."""
    wait_until(lambda: offset_of(s) >= least, f"{least} bytes of the flood were read")

    inside = [p for p in leaks.processes([f"/minidocker/{s.id}"]) if leaks.program_of(p) != "mdocker-shim"]

    def sleeps():
        return all(leaks.read(f"/proc/{p}/stat").rpartition(")")[2].split()[:1] == ["S"] for p in inside)

    end = time.monotonic() + DEADLINE
    seen = []
    while len(seen) < 5 or len(set(seen[-5:])) > 1:
        assert time.monotonic() < end, f"it is read on and on: {seen[-5:]}"
        wait_until(sleeps, "the flood waits")
        seen.append(offset_of(s))
    return seen[-1]


def test_output_is_held_back_at_the_window_of_who_types(shim):
    s = shim()
    with s.client() as c:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        c.acks = False
        begin = c.offset
        c.ack()
        c.type("yes\r")
        while c.offset < begin + WINDOW:  # read all, acknowledge nothing
            c.receive()
        stuck = held_at(s, begin + WINDOW)
        assert stuck < begin + WINDOW + AT_ONCE
        c.ack()
        while c.receive().name != "output":
            pass
        assert offset_of(s) > stuck


def test_a_client_that_shows_slowly_has_less_on_its_way(shim):
    s = shim()
    with s.client() as c:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        c.acks = False
        begin = c.offset
        c.ack(window=1)  # the least there is
        c.type("yes\r")
        assert held_at(s, begin + 16384) < begin + 16384 + AT_ONCE
        c.ack(window=10_000_000)  # the most there is
        assert held_at(s, begin + WINDOW) < begin + WINDOW + AT_ONCE


def test_ctrl_c_acts_at_once_in_a_flood(shim):
    """Nothing comes behind it but what was on its way."""
    s = shim()
    took = []
    with s.client() as c:
        c.attach(flags=ATTACH_CREATE | ATTACH_ACKS)
        c.expect("$ ")
        for _ in range(5):
            c.type("yes\r")
            flood = c.offset + 4 * WINDOW
            while c.offset < flood:
                c.receive()
            c.output, c.seen = bytearray(), 0
            began, started = c.offset, time.monotonic()
            c.type("\x03")
            c.expect("$ ")
            took.append(time.monotonic() - started)
            assert c.offset - began < WINDOW + AT_ONCE
    # A processor that somebody else has makes one of them slow; we would make all.
    assert min(took) < 0.5, took


def test_a_client_without_acks_is_held_by_its_socket(shim):
    s = shim()
    with s.shell() as c:
        c.type("yes\r")
        assert held_at(s, WINDOW // 2) < 3 * WINDOW
        c.type("\x03")  # nothing was read yet
        c.expect("^C")


def test_with_nobody_attached_the_program_runs_on(shim):
    s = shim()
    with s.shell() as c:
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
        wait_until(done.exists, "the program ends though its window's owner is dead")


def test_a_paste_that_is_larger_than_any_buffer_arrives_whole(shim):
    s = shim()
    with s.shell() as c:
        c.type("stty raw -echo; echo rea''dy; head -c 3000000 | md5sum; stty sane\r")
        c.expect("ready")
        block = bytes(range(32, 127)) * 600
        data = (block * 60)[:3000000]
        for at in range(0, len(data), 60000):
            c.send("input", data[at:at + 60000])
        import hashlib
        c.expect(hashlib.md5(data).hexdigest())


def test_ctrl_c_gets_through_to_a_program_that_does_not_read(shim):
    s = shim()
    with s.shell() as c:
        c.type("sleep 1000\r")
        c.expect("sleep 1000\r\n")
        for _ in range(8):
            c.send("input", b"x" * 60000)
        assert c.wait("notice").kind == NOTICE_INPUT
        assert c.ask("ping", cookie=7).cookie == 7
        c.type("\x03")
        c.type("\recho al''ive\r")
        c.expect("alive")


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

        def switches():
            return [line.split()[1] for pid in (s.pid, s.holder())
                    for line in leaks.read(f"/proc/{pid}/status").splitlines() if "ctxt_switches" in line]

        def undisturbed():
            before = switches()
            time.sleep(2)
            return switches() == before

        # Not at once: the last look at the limits comes after the prompt. Whatever came again and again would leave no such time.
        wait_until(undisturbed, "2 s without waking")
        assert resident(s) < (600 if not SANITIZED else 6000)


def test_a_ring_is_read_by_the_client_itself(shim):
    import mmap
    s = shim(options=["--ring", "512k"])  # more than the window: of a smaller one somebody slow would rightly be given a snapshot
    with s.client() as c:
        a = c.attach(flags=ATTACH_CREATE | ATTACH_ACKS | ATTACH_RING)
        assert a.name == "attached"
        c.acks = False
        ring = c.wait("ring")
        (fd,) = ring.fds
        assert ring.fields["size"] == 1 << 19
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
