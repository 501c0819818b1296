# SPDX-License-Identifier: Apache-2.0
"""Workspaces whose disk is a project of the file system with a quota: in a kernel of the test's own (user-mode Linux), since few
hosts have project quotas on. The same file system, once an ext4 and once an xfs, is first without them, then with them, and then without
them again."""

import glob
import json
import re

import pytest

from harness import BUILD, program, uml
from harness.process import run

pytestmark = uml.NEEDED

MIB = 1 << 20
PROBE = BUILD / "tests" / "security" / "probe"
MODULES = ("fs/overlayfs/overlay", "drivers/block/loop", "fs/quota/quota_tree", "fs/quota/quota_v2")

MAKE = {"ext4": ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "quota,project", "-E", "quotatype=prjquota"], "xfs": ["mkfs.xfs", "-q"]}
# What a write past the quota of a project gets: ext4 EDQUOT, xfs ENOSPC.
PAST = re.compile("quota exceeded|No space left on device")

# Every record of a project's quota on /mnt: its number, limits (KiB, files) and usage (bytes, files).
RECORDS = """
import ctypes, os, struct
libc, fd, at = ctypes.CDLL(None), os.open("/mnt", os.O_RDONLY), 1
while True:
    record = ctypes.create_string_buffer(80)
    if libc.syscall(443, fd, ctypes.c_int(-0x7ffff700 | 2), at, record):  # Q_GETNEXTQUOTA, PRJQUOTA
        break
    hard, _, used, files, _, now, _, _, _, number = struct.unpack("=8QII", record.raw[:72])
    print(number, hard, files, used, now)
    at = number + 1
"""

PRELUDE = uml.PRELUDE + """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for module in @MODULES@; do /bin/busybox insmod $module; done
printf '#!/bin/sh\\nexec @MDOCKER@ --root /mnt/r --state /run/s "$@"\\n' >/run/mdocker; chmod 755 /run/mdocker
cat >/run/records <<'END'
@RECORDS@
END
mdocker() { /run/mdocker "$@"; }
in_w() { mdocker exec w /bin/sh -c "$1"; }
records() { python3 /run/records; }
doctor() { mdocker doctor | grep 'disk limits'; }
disk() { ls -d /mnt/r/workspaces/*/disk; }
remount() { umount /mnt && mount -t @TYPE@ $1 /dev/ubda /mnt; }
""" + uml.SAY

SCRIPT = """
mount -t @TYPE@ /dev/ubda /mnt
mdocker import @IMAGE@ busybox
say doctor-without doctor
mdocker run -d --name old --disk 64m busybox /bin/sleep 1000
mdocker exec old /bin/sh -c 'echo mine > /root/file'; mdocker stop -t 0 old
remount '-o prjquota'
say doctor doctor
mkdir /mnt/q; chattr +P -p 7 /mnt/q
say doctor-within sh -c '@MDOCKER@ --root /mnt/q/r --state /run/q doctor | grep "disk limits"'
mkdir /mnt/stranger; chattr -p 1114112 /mnt/stranger
mdocker start old
say old mdocker stats --format json old
say old-file mdocker exec old /bin/cat /root/file
mdocker rm -f old

mdocker run -d --name x --disk 64m busybox /bin/sleep 1000
mdocker template set small --disk 32m --disk-inodes 300
mdocker run -d --name w --template small -v @PROBE@:/probe:ro busybox /bin/sleep 1000
say project lsattr -pd $(disk)
say fresh mdocker stats --format json w
say fill in_w 'dd if=/dev/zero of=/root/big bs=1M count=60'
say full mdocker stats --format json w
say neighbour mdocker exec x /bin/sh -c 'dd if=/dev/zero of=/root/big bs=1M count=48 && df -k / | tail -n 1'
mdocker stop -t 0 w; say restart mdocker start w
say shell in_w 'echo still here'
say told script -qec "/run/mdocker run -it --rm --disk 64m busybox /bin/sh -c 'for n in 53 9 9; do dd if=/dev/zero of=/root/\\$n bs=1M count=\\$n oflag=append conv=notrunc; sleep 0.7; done'" /dev/null
say more-bytes mdocker update --disk 64m w
say more in_w 'dd if=/dev/zero of=/root/more bs=1M count=24 && rm /root/big /root/more'
say files in_w 'for i in $(seq 400); do : > /root/$i || exit; done'
say full-of-files mdocker stats --format json w
mdocker stop -t 0 w; say restart-of-files mdocker start w
say more-files mdocker update --disk-inodes 2000 w
say many in_w 'for i in $(seq 400); do : > /root/$i || exit; done'
say less mdocker update --disk 40m w
say too-little mdocker update --disk 1m w
say none mdocker update --disk 0 --disk-inodes 0 w
say refused mdocker update --disk 24m --disk-inodes 1000 --blkio-weight 500 w
say changed mdocker stats --format json w
say moves in_w 'cd /root; mkdir a b; echo > a/f; ln a/f b/g; mv a c; mv b/g .; rm /etc/passwd; mkfifo fifo; ln -s a b; tar -cf /root/t /bin; tar -xf /root/t'
say probe in_w '/probe | grep -E ^project:'
group=/sys/fs/cgroup/minidocker/$(mdocker stats --format json w | cut -d '"' -f 4)
say probe-unfiltered sh -c "nsenter -a -t $(head -n 1 $group/cgroup.procs) /probe | grep -E ^project:"
mdocker stop -t 0 w; sync
say records records
say found sh -c 'for d in $(ls -d /mnt/r/workspaces/*/disk); do find $d -printf "%i\\n" | sort -u | wc -l; done'

mdocker stop -t 0 w; mdocker stop -t 0 x; remount
say without mdocker start w
remount '-o prjquota'
say again mdocker start w
mdocker rm -f w
say removed records
at=$(disk); mv $at /mnt/moved; cp -a /mnt/moved $at
say copied mdocker start x
mdocker start x 2>&1 | sed 's/.*Give it one: //' >/run/repair; sh /run/repair
say repaired mdocker start x
say of-copy mdocker stats --format json x
say fill-copy mdocker exec x /bin/sh -c 'dd if=/dev/zero of=/root/more bs=1M count=60'
/bin/busybox poweroff -f
"""


@pytest.fixture(scope="module", params=MAKE)
def said(request, images, tmp_path_factory):
    """{name: (output, exit code)} of each `say`."""
    folder = tmp_path_factory.mktemp("uml")
    disk = folder / "disk"
    run(["truncate", "-s", "512M", disk]).ok()
    run([*MAKE[request.param], disk]).ok()
    script = PRELUDE + SCRIPT
    modules = [m for name in MODULES for m in glob.glob(f"/usr/lib/uml/modules/*/kernel/{name}.ko")]
    for word, value in {"TYPE": request.param, "MODULES": " ".join(modules), "MDOCKER": program("mdocker"),
                        "IMAGE": images.busybox_tar, "PROBE": PROBE, "RECORDS": RECORDS}.items():
        script = script.replace(f"@{word}@", str(value))
    console = uml.boot(folder, script, disk)
    assert "== fill-copy" in console, console
    return uml.answers(console)


def stats(said, name):
    output, code = said[name]
    assert code == 0, output
    return json.loads(output)


def records(said, name):
    """{number: (KiB at most, files at most, bytes, files)}"""
    return {int(line.split()[0]): tuple(map(int, line.split()[1:])) for line in said[name][0].splitlines()}


def test_the_doctor_names_what_holds_disks_to_their_limits(said):
    assert "ext4 image on a loop device" in said["doctor-without"][0]
    assert "project quota of the file system" in said["doctor"][0]
    assert "ext4 image on a loop device" in said["doctor-within"][0], "the store is in a project of the admin's"


def test_a_disk_in_a_file_stays_one(said):
    assert stats(said, "old")["diskKind"] == "loop"
    assert said["old-file"] == ("mine\n", 0)


def test_each_has_a_project_that_nobody_else_has(said):
    """One of the numbers belongs to a stranger's folder."""
    numbers = [line.split()[:2] for line in said["project"][0].splitlines()]
    assert sorted(int(number) for number, _ in numbers) == [16 << 16, (17 << 16) + 1], numbers
    assert all("P" in flags for _, flags in numbers), numbers


def test_bytes_have_a_ceiling(said):
    fresh = stats(said, "fresh")
    assert (fresh["diskKind"], fresh["diskLimit"], fresh["inodesLimit"]) == ("quota", 32 * MIB, 300)
    assert fresh["disk"] < MIB and fresh["inodes"] < 40
    output, code = said["fill"]
    assert code != 0 and PAST.search(output), output
    # The write that goes past it leaves what it could on ext4, nothing on xfs.
    assert 31 * MIB <= stats(said, "full")["disk"] <= 32 * MIB


def test_a_neighbour_is_unaffected(said):
    output, code = said["neighbour"]
    assert code == 0, output
    assert int(output.splitlines()[-1].split()[1]) == 64 << 10, "df tells its own ceiling"


def test_a_full_one_starts_and_gives_a_shell(said):
    assert said["restart"][1] == 0 and said["restart-of-files"][1] == 0, said
    assert said["shell"] == ("still here\n", 0)


def test_who_is_there_is_told(said):
    told = re.search(r"8\d % of the disk are used.*9[5-9] % of the disk are used.*the disk is full: 6[34].\d of 64.0 MiB are used",
                     said["told"][0], re.S)
    assert told, said["told"]


def test_both_limits_change_while_it_runs(said):
    assert said["more-bytes"][1] == 0 and said["more"][1] == 0, (said["more-bytes"], said["more"])
    output, code = said["files"]
    assert code != 0 and PAST.search(output), output
    assert stats(said, "full-of-files")["inodes"] == stats(said, "full-of-files")["inodesLimit"] == 300
    assert said["more-files"][1] == 0 and said["many"][1] == 0, (said["more-files"], said["many"])
    assert said["less"][1] == 0
    changed = stats(said, "changed")
    assert (changed["diskLimit"], changed["inodesLimit"]) == (40 * MIB, 2000)
    assert (changed["limits"]["disk"], changed["limits"]["diskInodes"]) == (40 * MIB, 2000)


def test_what_cannot_be_is_one_line_and_changes_nothing(said):
    for name in ("too-little", "none"):
        output, code = said[name]
        assert code != 0 and "the least is 16" in output and output.count("\n") == 1, output


def test_what_another_limit_keeps_from_happening_is_undone(said):
    """This kernel knows no weight of storage, which is found out when the disk has its new limits: `changed` comes after it."""
    output, code = said["refused"]
    assert code != 0 and "weight" in output, output
    changed = stats(said, "changed")
    assert (changed["diskLimit"], changed["inodesLimit"]) == (40 * MIB, 2000)


def project_answers(said, name):
    """{way out of a project: errno}, by a probe in a folder that inherits one."""
    lines = said[name][0].splitlines()
    assert lines and all(" BLOCKED " in line and line.endswith("inherited") for line in lines), said[name]
    return {line.split()[0].removeprefix("project:"): line.split()[2] for line in lines}


def test_nobody_inside_leaves_the_project(said):
    ways = ["other-id", "not-inherited", "not-inherited-by-flags", "other-id-by-name"]
    answers = [project_answers(said, name) for name in ("probe", "probe-unfiltered")]
    assert answers[0] == dict(zip(ways, ["EPERM", "EPERM", "EPERM", "ENOSYS"])), "the filter"
    assert answers[1] == dict(zip(ways, ["EINVAL", "EINVAL", "EINVAL", "ENOSYS"])), "the user namespace alone, with all its capabilities"
    assert said["moves"][1] == 0, said["moves"]
    counted = [files for number, (*_, files) in records(said, "records").items() if number not in (7, 17 << 16)]
    found = [int(line) for line in said["found"][0].split()]
    assert sorted(counted) == sorted(found), "each file is counted: links, renamed, removed and unpacked ones too"


def test_without_the_quota_it_is_refused_and_with_it_starts_again(said):
    output, code = said["without"]
    assert code != 0 and "mount it with -o prjquota again" in output, output
    assert said["again"][1] == 0, said["again"]


def test_a_removed_one_leaves_no_limits(said):
    assert set(records(said, "records")) == {7, 16 << 16, 17 << 16, (17 << 16) + 1}
    assert set(records(said, "removed")) == {7, 16 << 16, 17 << 16}


def test_a_copied_one_gets_a_project_by_the_command_that_the_error_names(said):
    output, code = said["copied"]
    assert code != 0 and "lost its project" in output, output
    assert said["repaired"][1] == 0, said["repaired"]
    of_copy = stats(said, "of-copy")
    assert of_copy["diskLimit"] == 64 * MIB and of_copy["disk"] > 48 * MIB, of_copy
    assert PAST.search(said["fill-copy"][0]), said["fill-copy"]
