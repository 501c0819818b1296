# SPDX-License-Identifier: Apache-2.0
"""SELinux labels of containers, whatever the host has: in a kernel of the test's own (user-mode Linux) that enforces a small policy of
ours."""

import copy
import json

import pytest

from harness import deny, uml
from harness.bundle import Bundle
from harness.process import run

pytestmark = uml.NEEDED

# The kernel knows them by their order.
INITIAL = ("kernel security unlabeled fs file file_labels init any_socket port netif netmsg node igmp_packet icmp_socket tcp_socket "
           "sysctl_modprobe sysctl sysctl_fs sysctl_kernel sysctl_net sysctl_net_unix sysctl_vm sysctl_dev kmod policy scmp_packet devnull").split()
# box_t writes files of box_file_t only, and only those whose categories it has. What the policy has no word for is allowed.
POLICY = f"""
class process
class file
class dir
{" ".join(f"sid {name}" for name in INITIAL)}
class process {{ transition dyntransition }}
class file {{ read write }}
class dir {{ relabelfrom relabelto }}
sensitivity s0;
dominance {{ s0 }}
category c1; category c2; category c3;
level s0:c1.c3;
mlsconstrain file {{ read write }} ( h1 dom h2 );
policycap nnp_nosuid_transition;
type sys_t; type box_t; type box_file_t;
role sys_r; role sys_r types {{ sys_t box_t }};
allow sys_t {{ sys_t box_t }} : process {{ transition dyntransition }};
allow sys_t {{ sys_t box_t box_file_t }} : file {{ read write }};
allow sys_t {{ sys_t box_file_t }} : dir {{ relabelfrom relabelto }};
allow box_t {{ sys_t box_t box_file_t }} : file read;
allow box_t {{ box_t box_file_t }} : file write;
user sys_u roles sys_r level s0 range s0 - s0:c1.c3;
{"".join(f"sid {name} sys_u:sys_r:sys_t:s0 - s0:c1.c3{chr(10)}" for name in INITIAL)}
{"".join(f"fs_use_trans {name} sys_u:object_r:sys_t:s0;{chr(10)}" for name in ("tmpfs", "devpts", "mqueue"))}
{"".join(f"genfscon {name} / sys_u:object_r:sys_t:s0{chr(10)}" for name in ("proc", "sysfs", "hostfs", "cgroup2", "selinuxfs"))}
"""
PROCESS, FILES = "sys_u:sys_r:box_t:s0:c1,c2", "sys_u:object_r:box_file_t:s0:c1,c2"
OTHER = "sys_u:sys_r:box_t:s0:c3"

SCRIPT = uml.PRELUDE + uml.SAY + """
mount -t cgroup2 cgroup2 /sys/fs/cgroup; mount -t selinuxfs selinuxfs /sys/fs/selinux
cd @FOLDER@
mkdir /run/outside; echo outside >/run/outside/file
RT="@PROGRAM@ --root /run/runtime"
rt() { $RT "$@" </dev/null; }
old() { python3 @DENY@ $RT "$@" </dev/null; }
mqueue() { python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "security.selinux").decode().rstrip("\\0"))' /proc/$(cat /run/pid)/root/dev/mqueue; }
keyring() { python3 @KEYRING@ "_ses.$1"; }
left() { ls /run/runtime; find /sys/fs/cgroup -mindepth 1 -type d; }
say load sh -c 'cat policy >/sys/fs/selinux/load && echo 1 >/sys/fs/selinux/enforce && cat /proc/self/attr/current'
for bundle in none labels gains ids option wrong wrong-files; do say $bundle rt run --bundle $bundle $bundle; done
say old-labels old run --bundle labels labels
say left left
old run --pid-file /run/pid --detach --bundle stays w
say old-mqueue mqueue
rt delete --force w
rt run --pid-file /run/pid --detach --bundle stays w
say mqueue mqueue
say keyring keyring w
say exec rt exec w /bin/sh -c 'cat /proc/self/attr/current; echo x >/dev/shm/x && echo labelled'
say exec-other rt exec --process-label @OTHER@ w /bin/sh -c 'cat /proc/self/attr/current; echo x >/dev/shm/x'
say exec-wrong rt exec --process-label sys_u:sys_r:nobody_t:s0 w /bin/true
rt run --detach --bundle plain plain
say keyring-without keyring plain
rt delete --force plain
say keyring-after-exec keyring w
say state sh -c "$RT state w | grep status"
say delete rt delete --force w
say left-in-the-end left
/bin/busybox poweroff -f
"""
LOOK = """
cat /proc/self/attr/current; echo
while read -r _ _ _ _ at _ _ _ _ options; do echo "$at ${options%%,size=*}"; done </proc/self/mountinfo | grep -E '^/(dev|etc|root|sys/firmware)'
test -e /etc/passwd && echo copied
echo x >/dev/shm/x && echo labelled
echo x >/outside/file
"""


# The label of the keyring that has this name.
KEYRING = """
import ctypes, sys
keys = [line.split() for line in open("/proc/keys") if " " + sys.argv[1] + ": " in line]
assert len(keys) == 1, open("/proc/keys").read()
label = ctypes.create_string_buffer(200)
assert ctypes.CDLL(None).syscall(250, 17, int(keys[0][0], 16), label, 200) > 0  # keyctl(KEYCTL_GET_SECURITY)
print(label.value.decode())
"""


def write_bundles(bundle):
    """One spec.process.selinuxLabel each; the root is read-only in there."""
    folder = bundle.folder
    (folder / "policy.conf").write_text(POLICY)
    run(["checkpolicy", "-M", "-U", "allow", "-c", "31", "-o", folder / "policy", folder / "policy.conf"]).ok()
    (bundle.rootfs / "outside").mkdir()
    bundle.add_mount("/outside", "/run/outside", "bind", ["bind"])
    bundle.add_mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"])
    bundle.add_mount("/etc", "tmpfs", "tmpfs", ["tmpcopyup", "size=1m"])
    base = bundle.sh(LOOK).spec
    base["root"] = {"path": str(bundle.rootfs), "readonly": True}

    def write(name, process=PROCESS, files=FILES, more=(), linux=None, **changes):
        spec = copy.deepcopy(base)
        if process:
            spec["process"]["selinuxLabel"] = process
        if process and files:
            spec["linux"]["mountLabel"] = files
        spec["mounts"] += more
        spec["linux"] |= linux or {}
        spec["process"] |= changes
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(json.dumps(spec))

    write("none", None)
    write("labels")
    write("gains", noNewPrivileges=False)
    write("wrong", "sys_u:sys_r:nobody_t:s0")
    write("wrong-files", files="sys_u:object_r:nobody_t:s0")
    write("option", files=None, more=[{"destination": "/root", "type": "tmpfs", "options": ["size=1m", f'context="{FILES}"', "nodev"]}])
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    write("ids", linux={"namespaces": base["linux"]["namespaces"] + [{"type": "user"}], "uidMappings": ids, "gidMappings": ids})
    write("stays", args=["/bin/sleep", "1000"])
    write("plain", None, args=["/bin/sleep", "1000"])
    (folder / "keyring.py").write_text(KEYRING)


@pytest.fixture(scope="module")
def said():
    bundle = Bundle()
    try:
        write_bundles(bundle)
        script = SCRIPT
        for word, value in {"FOLDER": bundle.folder, "PROGRAM": bundle.program, "DENY": deny.__file__, "OTHER": OTHER, "KEYRING": bundle.folder / "keyring.py"}.items():
            script = script.replace(f"@{word}@", str(value))
        console = uml.boot(bundle.folder, script, lsm="selinux")
        answers = uml.answers(console)
        assert "left-in-the-end" in answers, console
        yield answers
    finally:
        bundle.close()


OPTION = f'context="{FILES}"'
LABELLED = ("/dev", "/dev/pts", "/dev/shm", "/etc", "/sys/firmware")


def look(said, name):
    """What LOOK said: the process's label, {mount: whether it has that of FILES}, the other lines."""
    label, _, rest = said[name][0].partition("\0")
    lines = rest.strip().splitlines()
    mounts = {line.split()[0]: OPTION in line for line in lines if line.startswith("/") and "can't" not in line}
    return label, mounts, [line for line in lines if line.split()[0] not in mounts]


def test_without_labels_a_container_has_that_of_the_runtime(said):
    label, mounts, rest = look(said, "none")
    assert label.startswith("sys_u:sys_r:sys_t:") and not any(mounts.values()), said["none"]
    assert rest == ["copied", "labelled"] and said["none"][1] == 0, said["none"]


@pytest.mark.parametrize("name", ["labels", "gains", "old-labels"])
def test_process_and_new_file_systems_have_their_labels_and_the_policy_holds(said, name):
    """Labels have commas, which part a mount's options; with and without no_new_privs, and without the new mount API."""
    label, mounts, rest = look(said, name)
    assert label == PROCESS, said[name]
    assert mounts == dict.fromkeys(LABELLED, True) | {"/dev/mqueue": False}, said[name]
    assert rest == ["copied", "labelled", "/bin/sh: can't create /outside/file: Permission denied"], said[name]


def test_in_a_user_namespace_too(said):
    warning, _, rest = said["ids"][0].partition("\n")
    assert warning == "mdocker-runtime: warning: the label of '/dev/mqueue' stays: Operation not permitted"
    label, mounts, rest = look({"ids": (rest, 0)}, "ids")
    assert label == PROCESS and all(mounts[at] for at in LABELLED), said["ids"]
    assert rest == ["copied", "labelled", "/bin/sh: can't create /outside/file: Permission denied"], said["ids"]


def test_the_folder_of_message_queues_is_labelled(said):
    """They are one file system with their namespace, whose label can't be an option."""
    assert said["mqueue"] == said["old-mqueue"] == (f"{FILES}\n", 0)


def test_an_option_of_one_mount_may_be_a_label(said):
    label, mounts, rest = look(said, "option")
    assert label == PROCESS and [at for at in mounts if mounts[at]] == ["/root"], said["option"]
    assert "/bin/sh: can't create /dev/shm/x: Permission denied" in rest, said["option"]


def test_the_session_keyring_has_the_label_of_the_process(said):
    assert said["keyring"] == said["keyring-after-exec"] == (f"{PROCESS}\n", 0)
    assert said["keyring-without"][0].startswith("sys_u:sys_r:sys_t:") and said["keyring-without"][1] == 0, said["keyring-without"]


def test_exec_has_the_label_of_the_container_or_the_one_that_it_names(said):
    assert said["exec"] == (f"{PROCESS}\0labelled\n", 0)
    assert said["exec-other"] == (f"{OTHER}\0/bin/sh: can't create /dev/shm/x: Permission denied\n", 1)


def test_a_label_that_the_policy_does_not_know_is_named_and_nothing_is_left(said):
    why = "set the SELinux label 'sys_u:sys_r:nobody_t:s0' (does the policy know it?): Invalid argument\n"
    assert said["wrong"] == (f"mdocker-runtime: {why}", 1)
    assert said["exec-wrong"] == (f"mdocker-runtime: exec failed: {why}", 255)
    assert said["wrong-files"] == (
        "mdocker-runtime: mount 'tmpfs' on '/dev' with the label 'sys_u:object_r:nobody_t:s0': Invalid argument\n", 1)
    assert '"status":"running"' in said["state"][0]
    assert said["delete"] == ("", 0)
    assert said["left"] == said["left-in-the-end"] == ("", 0)
