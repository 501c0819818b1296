# SPDX-License-Identifier: Apache-2.0
"""Workspaces on a pure cgroup v2, whatever the host has: in a kernel of the test's own (user-mode Linux), whose root is the host's,
read-only, with the same binaries."""

import glob

import pytest

from harness import program, uml
from harness.process import run

PRELUDE = uml.PRELUDE + """
mount -t cgroup2 cgroup2 /sys/fs/cgroup; mount -t ext4 /dev/ubda /mnt
for module in {modules}; do /bin/busybox insmod $module; done
mdocker() {{ {mdocker} --root /mnt/r --state /run/s "$@"; }}
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
mdocker run -d --name w busybox /bin/sleep 1000
say exec mdocker exec w /bin/cat /proc/self/cgroup
say write mdocker exec w /bin/sh -c 'echo max > /sys/fs/cgroup/pids.max'
say device mdocker exec w /bin/sh -c 'mknod /root/m c 1 1 || echo refused'
say stats mdocker stats --format json w
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
    modules = " ".join(glob.glob("/usr/lib/uml/modules/*/kernel/fs/overlayfs/overlay.ko"))
    prelude = PRELUDE.format(modules=modules, mdocker=program("mdocker"), image=images.busybox_tar)
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


def test_exec_enters_the_group_and_may_not_change_it(answers):
    assert answers["exec"] == ("0::/\n", 0)
    output, code = answers["write"]
    assert code != 0 and ("Read-only" in output or "Permission" in output or "not permitted" in output), output


def test_devices_are_refused(answers):
    assert "refused" in answers["device"][0], answers["device"]


def test_usage_is_told(answers):
    output, code = answers["stats"]
    assert code == 0 and '"pids":2' in output.replace(" ", ""), output


def test_stopping_and_removing_leave_no_group(answers):
    assert answers["stop"][1] == 0 and answers["rm"][1] == 0, answers
    assert answers["left"] == 0
