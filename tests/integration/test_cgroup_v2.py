# SPDX-License-Identifier: Apache-2.0
"""Workspaces on a pure cgroup v2, whatever the host has: in a kernel of the test's own (user-mode Linux), whose root is the host's,
read-only, with the same binaries."""

import glob
import json
import re

import pytest

from harness import program, uml
from harness.process import run

pytestmark = uml.NEEDED

PRELUDE = uml.PRELUDE + """
mount -t cgroup2 cgroup2 /sys/fs/cgroup; mount -t ext4 /dev/ubda /mnt
for module in {modules}; do /bin/busybox insmod $module; done
mdocker() {{ {mdocker} --root /mnt/r --state /run/s "$@"; }}
printf '#!/bin/sh\\nexec {mdocker} --root /mnt/r --state /run/s "$@"\\n' >/run/mdocker; chmod 755 /run/mdocker
RUNTIME={runtime}
mdocker import {image} busybox
""" + uml.SAY.replace("{", "{{").replace("}", "}}")
END = """
find /sys/fs/cgroup/minidocker -mindepth 1 -type d 2>/dev/null | wc -l | sed 's/^/left: /'
/bin/busybox poweroff -f
"""

SCRIPT = """
say limits mdocker run --rm busybox /bin/sh -c 'cd /sys/fs/cgroup; cat memory.max memory.swap.max pids.max; cat /proc/self/cgroup'
say pids mdocker run --rm busybox /bin/sh -c 'for i in $(seq 40); do sleep 5 & done; wait'
say memory mdocker run --rm busybox /bin/sh -c 'head -c 200m /dev/zero | tail -c 190m | wc -c; echo after'
say told-memory script -qec "/run/mdocker run -it --rm -m 32m busybox /bin/sh -c 'for i in 1 2 3 4; do tail /dev/zero & echo hog-\\$!-end; wait; sleep 1; done; echo after'" /dev/null
say told-pids script -qec "/run/mdocker run -it --rm --pids-limit 12 busybox /bin/sh -c 'for i in \\$(seq 20); do sleep 9 & done; sleep 2'" /dev/null
mdocker run -d --name w busybox /bin/sleep 1000
say exec mdocker exec w /bin/cat /proc/self/cgroup
say write mdocker exec w /bin/sh -c 'echo max > /sys/fs/cgroup/pids.max'
say device mdocker exec w /bin/sh -c 'mknod /root/m c 1 1 || echo refused'
readable() { for d in zero null full random urandom kmsg mem ubda; do head -c 1 /dev/$d >/dev/null 2>&1 && echo $d; done; }
say devices-outside readable
say devices-inside eval '(echo 0 >$(ls -d /sys/fs/cgroup/minidocker/*/)cgroup.procs && readable)'
say stats mdocker stats --format json w
say group sh -c 'cd /sys/fs/cgroup/minidocker/*/ && cat memory.max memory.swap.max pids.max'
events() { $RUNTIME --root /run/s/runtime events --stats $($RUNTIME --root /run/s/runtime list --quiet); }
say events events
say rate mdocker run --rm --device-write-bps 2m --device-read-iops 50 busybox /bin/cat /sys/fs/cgroup/io.max
say weight mdocker run --rm --blkio-weight 500 busybox /bin/true
say update mdocker update --device-write-bps 1m w
say slow mdocker exec w /bin/sh -c 'cat /sys/fs/cgroup/io.max; s=$(date +%s); dd if=/dev/zero of=/root/x bs=64k count=48 conv=fsync; echo took $(($(date +%s) - s))'
say free mdocker update --device-write-bps 0 --memory 64m --pids-limit 33 --cpus 0.5 --cpu-shares 512 w
say changed mdocker exec w /bin/sh -c 'cd /sys/fs/cgroup; cat io.max memory.max pids.max cpu.max cpu.weight; for i in 1 2 3; do s=$(date +%s); dd if=/dev/zero of=/root/x bs=64k count=48 conv=fsync; echo took $(($(date +%s) - s)); done'
say disk mdocker run -d --name d --disk 64m --device-write-bps 8m busybox /bin/sleep 1000
say disk-io mdocker exec d /bin/sh -c 'cat /sys/fs/cgroup/io.max; df -k / | tail -1'
say grow mdocker update --disk 300m --disk-inodes 10000 d
say grown mdocker exec d /bin/sh -c 'df -k / | tail -1; df -i / | tail -1'
say disk-rm mdocker rm -f d
say stop mdocker stop -t 0 w
say rm mdocker rm w
"""


@pytest.fixture(scope="module")
def answers(images, tmp_path_factory):
    """{name: (output, exit code)} of each command of SCRIPT, and "left": what was left of cgroups."""
    folder = tmp_path_factory.mktemp("uml")
    disk = folder / "disk"
    run(["truncate", "-s", "256M", disk]).ok()
    run(["mke2fs", "-q", "-F", "-t", "ext4", disk]).ok()
    modules = " ".join(m for name in ("fs/overlayfs/overlay", "drivers/block/loop")
                       for m in glob.glob(f"/usr/lib/uml/modules/*/kernel/{name}.ko"))
    prelude = PRELUDE.format(modules=modules, mdocker=program("mdocker"), runtime=program("mdocker-runtime"), image=images.busybox_tar)
    console = uml.boot(folder, prelude + SCRIPT + END, disk)
    said = uml.answers(console)
    assert "left: " in console, console
    said["left"] = int(console.partition("left: ")[2].split()[0])
    return said


def test_a_workspace_has_its_limits(answers):
    output, code = answers["limits"]
    assert code == 0 and output.split() == [str(100 << 20), "0", "20", "0::/"], output


def test_no_more_than_twenty_processes(answers):
    assert "can't fork" in answers["pids"][0], answers["pids"]


def test_a_memory_bomb_ends_in_its_workspace(answers):
    output, _ = answers["memory"]
    assert str(190 << 20) not in output.split(), output
    assert "Kernel panic" not in output


def test_who_is_at_the_terminal_is_told_of_a_limit(answers):
    said = answers["told-memory"][0]
    assert "32 MiB memory limit: tail" in said and "after" in said, said
    assert "limit of 12 processes" in answers["told-pids"][0], answers["told-pids"]


def test_it_is_told_with_the_pid_that_the_workspace_knows(answers):
    """Of one of them it may not be known: it may be gone before anybody on a busy machine looks. It is never another's."""
    said = answers["told-memory"][0]
    hogs, told = re.findall(r"hog-(\d+)-end", said), re.findall(r"memory limit: tail \(pid (\d+)\)", said)
    assert len(hogs) == 4 and told and len(told) == len(set(told)) and set(told) <= set(hogs), said


def test_exec_enters_the_group_and_may_not_change_it(answers):
    assert answers["exec"] == ("0::/\n", 0)
    output, code = answers["write"]
    assert code != 0 and ("Read-only" in output or "Permission" in output or "not permitted" in output), output


def test_devices_are_refused(answers):
    """By a lack of capability, and by the group itself: the host's root in it opens no others."""
    assert "refused" in answers["device"][0], answers["device"]
    harmless = ["zero", "null", "full", "random", "urandom"]
    assert set(answers["devices-outside"][0].split()) >= {*harmless, "mem", "ubda"}, "the test proves nothing"
    assert set(answers["devices-inside"][0].split()) == set(harmless), answers["devices-inside"]


def test_usage_is_told(answers):
    output, code = answers["stats"]
    assert code == 0 and '"pids":2' in output.replace(" ", ""), output


def test_the_runtimes_statistics_are_the_groups(answers):
    """Swap with the memory, as v1 has it and runc tells it; nothing of what only v1 has."""
    output, code = answers["events"]
    assert code == 0, output
    data = json.loads(output)["data"]
    memory, swap, pids = map(int, answers["group"][0].split())
    assert data["memory"]["usage"]["limit"] == memory and data["memory"]["swap"]["limit"] == memory + swap
    assert data["memory"]["swap"]["usage"] >= data["memory"]["usage"]["usage"] > 0 and data["pids"] == {"current": 2, "limit": pids}
    assert data["cpu"]["usage"]["total"] > 0 and "percpu" not in data["cpu"]["usage"]
    assert set(data["cpuset"].values()) == {0}


def test_stopping_and_removing_leave_no_group(answers):
    assert answers["stop"][1] == 0 and answers["rm"][1] == 0, answers
    assert answers["left"] == 0



def took(output):
    """The least: a processor that somebody else has makes nothing faster."""
    return min(int(part.split()[0]) for part in output.split("took ")[1:])


def test_rates_of_storage(answers):
    output, code = answers["rate"]
    assert code == 0 and output.split()[1:] == ["rbps=max", "wbps=2097152", "riops=50", "wiops=max"], output


def test_a_weight_that_the_kernel_does_not_know_is_refused_in_words(answers):
    """This one is built without the groups of BFQ, and without iocost."""
    output, code = answers["weight"]
    assert code == 125 and "no weights of storage" in output, output


def test_limits_change_while_it_runs(answers):
    """Three MiB at one a second, then as fast as it goes."""
    slow, _ = answers["slow"]
    assert "wbps=1048576" in slow and took(slow) >= 2, slow
    changed, _ = answers["changed"]
    assert "wbps" not in changed and took(changed) < took(slow), changed
    assert changed.split()[:5] == [str(64 << 20), "33", "50000", "100000", "20"], changed


def test_a_disk_has_its_rates_and_grows_in_use(answers):
    """This kernel gives CAP_SYS_RESOURCE."""
    limits, _ = answers["disk-io"]
    assert "7:0 rbps=max wbps=8388608" in limits and limits.count("wbps=8388608") == 2, limits
    before = int(limits.splitlines()[-1].split()[1])
    output, code = answers["grow"]
    assert code == 0 and "next start" not in output, output
    bytes_, files = answers["grown"][0].splitlines()
    assert int(bytes_.split()[1]) > before + (150 << 10)
    assert int(files.split()[1]) >= 10000
