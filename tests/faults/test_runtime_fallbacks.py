# SPDX-License-Identifier: Apache-2.0
"""mdocker-runtime without the newer system calls: the same containers by the older ways."""

import errno

import pytest
from harness.bundle import Console
from harness.deny import NEW_MOUNT_API, deny

MISSING = {
    "clone3": ["clone3"],
    "openat2": ["openat2"],
    "mount API": NEW_MOUNT_API,
    "mount_setattr": ["mount_setattr"],
    "pidfd": ["pidfd_open", "pidfd_send_signal"],
    "close_range": ["close_range"],
    "all": ["clone3", "openat2", *NEW_MOUNT_API, "pidfd_open", "pidfd_send_signal", "close_range"],
}

LOOK = """
readlink /proc/self/ns/mnt; cat /proc/self/cgroup; hostname
touch /x || echo root-ro; touch /data/x || echo data-ro; cat /data/f /deep/a/f
cat /proc/kcore /proc/keys; ls /masked; echo 1 > /proc/sys/kernel/panic || echo sys-ro
for d in null zero full random urandom tty; do test -c /dev/$d && echo -n "$d "; done; echo
ls /proc/self/fd; grep -c . /copy/file; grep ' /data ' /proc/self/mountinfo | cut -d' ' -f6
"""
WANTED = """root-ro
data-ro
deepdeepsys-ro
null zero full random urandom tty 
0
1
2
3
1
ro,nosuid,relatime
"""


@pytest.fixture(params=["host root", "user namespace"])
def target(request, bundle):
    data = bundle.folder / "data"
    (data / "a").mkdir(parents=True)
    for f in (data / "f", data / "a/f"):
        f.write_text("deep")
    (bundle.rootfs / "masked").mkdir()
    (bundle.rootfs / "masked/secret").write_text("x")
    (bundle.rootfs / "copy").mkdir()
    (bundle.rootfs / "copy/file").write_text("1\n")
    (bundle.rootfs / "link").symlink_to("/not/yet")
    bundle.spec["root"]["readonly"] = True
    bundle.linux["maskedPaths"] += ["/masked"]
    bundle.add_mount("/data", data, options=["rbind", "ro", "nosuid", "rslave"]).add_mount("/deep", data, options=["bind"])
    bundle.add_mount("/copy", "tmpfs", "tmpfs", ["tmpcopyup"]).add_mount("/link/file", data / "f", options=["bind"])
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "ro"])
    if request.param == "user namespace":
        bundle.user_namespace()
    return bundle


@pytest.mark.parametrize("what", MISSING)
def test_a_container_is_the_same_without(target, what):
    out = target.sh(LOOK).run(preexec_fn=deny(MISSING[what]))
    assert WANTED in out.stdout


@pytest.mark.parametrize("what", MISSING)
def test_create_exec_kill_delete_without(target, what):
    before = deny(MISSING[what])
    target.process["args"] = ["sleep", "1000"]
    target.create(preexec_fn=before)
    target.runtime("start", target.id, preexec_fn=before)
    out = target.exec("sh", "-c", "id -u; hostname; ls /proc/self/fd; cat /data/f", preexec_fn=before).stdout
    assert out.split() == ["0", "box", "0", "1", "2", "3", "deep"]
    target.runtime("kill", target.id, "KILL", preexec_fn=before)
    target.runtime("delete", "--force", target.id, preexec_fn=before)
    assert not target.settled_left()


@pytest.mark.parametrize("what", MISSING)
def test_a_terminal_without(bundle, what):
    bundle.process.update(terminal=True, args=["/bin/sh"])
    console = Console(bundle.folder)
    try:
        bundle.create("--console-socket", console.path, preexec_fn=deny(MISSING[what]))
        console.take()
        bundle.start()
        console.write("tty; test -c /dev/console && echo is-$((1+1))\n")
        assert "/dev/pts/0" in console.read_until("is-2")
    finally:
        console.close()


def test_recursive_attributes_need_the_new_api_and_say_so(bundle):
    (bundle.folder / "d").mkdir()
    bundle.add_mount("/d", bundle.folder / "d", options=["rbind", "rro"])
    r = bundle.run(ok=False, preexec_fn=deny(["mount_setattr"]))
    assert r.returncode != 0 and "newer kernel" in r.stderr
    assert not bundle.settled_left()


@pytest.mark.parametrize("what", ["clone3", "mount API", "pidfd"])
def test_what_a_stricter_host_forbids_is_told_or_done_otherwise(bundle, what):
    """EPERM, as a container engine's filter around us gives it: never a crash, never something left."""
    r = bundle.run(ok=False, preexec_fn=deny(MISSING[what], errno.EPERM))
    assert r.returncode == 0 or "Operation not permitted" in r.stderr
    assert not bundle.settled_left()
