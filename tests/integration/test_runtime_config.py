# SPDX-License-Identifier: Apache-2.0
"""mdocker-runtime: what config.json asks for is what the process finds."""

import json
import os
import signal
import subprocess

import pytest
from harness.bundle import Console, wait_for

NAMESPACES = ("pid", "ipc", "uts", "mnt", "net", "cgroup")


def inside_namespaces(bundle):
    return bundle.out("for n in pid ipc uts mnt net cgroup user time; do echo $n $(readlink /proc/self/ns/$n); done")


def test_every_namespace_is_new_and_only_those_asked_for(bundle):
    found = dict(x.split() for x in inside_namespaces(bundle).splitlines())
    for n in NAMESPACES:
        assert found[n] != os.readlink(f"/proc/self/ns/{n}"), n
    assert found["user"] == os.readlink("/proc/self/ns/user")
    assert found["time"] == os.readlink("/proc/self/ns/time")


def test_namespaces_are_joined_by_path(bundles):
    first, second = bundles(), bundles()
    first.user_namespace().up()
    pid = first.pid()
    for kind, name in (("user", "user"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts")):
        second.namespace(kind, f"/proc/{pid}/ns/{name}")
    second.give_to(1000000)
    del second.spec["hostname"]
    found = dict(x.split() for x in inside_namespaces(second).splitlines())
    for n in ("user", "net", "ipc", "uts"):
        assert found[n] == os.readlink(f"/proc/{pid}/ns/{n}"), n
    assert found["pid"] != os.readlink(f"/proc/{pid}/ns/pid")


def test_time_and_cgroup_namespaces_are_joined_by_path(bundles):
    first, second = bundles(), bundles()
    first.namespace("time")
    first.linux["timeOffsets"] = {"boottime": {"secs": 1000000}}
    first.up()
    for kind in ("time", "cgroup"):
        second.namespace(kind, f"/proc/{first.pid()}/ns/{kind}")
    out = second.out("for n in time cgroup; do readlink /proc/self/ns/$n; done; cut -d. -f1 /proc/uptime").split()
    assert out[:2] == [os.readlink(f"/proc/{first.pid()}/ns/{n}") for n in ("time", "cgroup")]
    assert int(out[2]) > 1000000


def test_a_mount_namespace_is_joined_by_path(bundle):
    """One in which the root is to be found, too."""
    with subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c",
                           f"mount -t tmpfs -o size=1m tmpfs {bundle.rootfs}/tmp && echo x >{bundle.rootfs}/tmp/mark && echo ready && exec sleep 1000"],
                          stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "ready\n"
            bundle.namespace("mount", f"/proc/{other.pid}/ns/mnt")
            for gone in ("maskedPaths", "readonlyPaths"):
                del bundle.linux[gone]
            del bundle.spec["mounts"]
            assert bundle.out("cat /tmp/mark; test -e /var/tmp && echo the host; true") == "x\n"
        finally:
            other.kill()


def host_mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return f.read()


LOOK_AT_MOUNTS = """
readlink /proc/self/ns/mnt
test -e /var/tmp && echo the host
touch /x 2>/dev/null && echo writable
touch /proc/sys/kernel/hostname 2>/dev/null && echo hostname
head -c 1 /proc/keys
ls /sys/firmware
touch /data/x 2>/dev/null && echo data
cat /data/mark; stat -f -c %T /dev/shm; test -c /dev/zero && echo made
"""


@pytest.mark.parametrize("no_pivot", [False, True])
def test_without_a_mount_namespace_it_has_the_runtimes_and_the_host_sees_no_mount(bundle, no_pivot):
    before = host_mounts()
    (bundle.folder / "data").mkdir()
    (bundle.folder / "data/mark").write_text("marked\n")
    bundle.no_namespace("mount")
    bundle.add_mount("/data", bundle.folder / "data", options=["bind", "ro"])
    bundle.spec["root"]["readonly"] = True
    bundle.process["args"] = ["/bin/sh", "-c", f"{LOOK_AT_MOUNTS}exec sleep 1000"]
    bundle.create(*(["--no-pivot"] if no_pivot else []))
    assert host_mounts() == before
    bundle.start()
    found = [os.readlink("/proc/self/ns/mnt"), "marked", "tmpfs", "made"]
    wait_for(lambda: bundle.log.read_text().split() == found, "what the program saw")
    assert bundle.exec("sh", "-c", LOOK_AT_MOUNTS).stdout.split() == found
    assert host_mounts() == before and not (bundle.rootfs / "dev/zero").exists()
    os.kill(bundle.pid(), signal.SIGKILL)
    bundle.wait_status("stopped")
    assert host_mounts() == before


def test_a_terminal_without_a_mount_namespace(bundle):
    bundle.no_namespace("mount")
    bundle.process["terminal"] = True
    console = Console(bundle.folder)
    try:
        bundle.sh("tty; stty size; sleep 1000").create("--console-socket", console.path)
        console.take()
        bundle.start()
        assert "/dev/pts/0" in console.read_until("\n") and bundle.exec("test", "-c", "/dev/console")
    finally:
        console.close()


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
        return int(f.read().split()[0])


@pytest.mark.parametrize("whom", ["runtime", "container"])
def test_a_killed_creation_without_a_mount_namespace_leaves_no_mount(bundle, whom):
    """Killed once all mounts are there, in the middle of a hook."""
    before = host_mounts()
    os.mkfifo(bundle.folder / "here")
    bundle.no_namespace("mount")
    bundle.spec["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo >{bundle.folder}/here; exec sleep 1000"]}]}
    bundle.write()
    with subprocess.Popen(bundle.command("create", "-b", bundle.folder, bundle.id), stdin=subprocess.DEVNULL) as runtime:
        try:
            (bundle.folder / "here").read_text()
            assert host_mounts() == before
            os.kill(runtime.pid if whom == "runtime" else child_of(runtime.pid), signal.SIGKILL)
            assert runtime.wait(30) != 0
        finally:
            runtime.kill()
    assert bundle.delete().returncode == 0
    assert bundle.settled_left() == [] and host_mounts() == before


@pytest.mark.parametrize("field, change", [
    ("linux.rootfsPropagation: ", lambda b: b.linux.update(rootfsPropagation="rslave")),
    ("mounts[5].options: ", lambda b: b.add_mount("/data", "/etc", options=["rbind", "rshared"])),
    ("mounts: ", lambda b: b.user_namespace()),
    ("linux.maskedPaths: ", lambda b: (b.user_namespace(), b.spec.update(mounts=[]))),
    ("root.readonly: ", lambda b: (b.user_namespace(), b.spec.update(mounts=[]), b.spec["root"].update(readonly=True))),
])
def test_what_takes_a_mount_namespace_is_refused_by_its_name(bundle, field, change):
    bundle.no_namespace("mount")
    change(bundle)
    r = bundle.run(ok=False)
    assert r.returncode == 1 and field in r.stderr and "mount namespace" in r.stderr
    assert bundle.left() == []


def test_exec_enters_the_root_of_a_container_that_joined_a_mount_namespace(bundle):
    bundle.namespace("mount", "/proc/self/ns/mnt")
    for gone in ("maskedPaths", "readonlyPaths"):
        del bundle.linux[gone]
    del bundle.spec["mounts"]
    bundle.up()
    assert bundle.exec("sh", "-c", "test -e /var/tmp && echo the host; ls /").stdout.split() == sorted(
        "bin proc sys dev tmp etc root".split())


def test_a_pid_namespace_is_joined_by_path(bundles):
    first, second = bundles(), bundles()
    first.up()
    second.namespace("pid", f"/proc/{first.pid()}/ns/pid")
    assert "sleep 1000" in second.out("ps")


def test_a_file_that_is_no_such_namespace_is_refused(bundle):
    bundle.namespace("ipc", "/proc/self/ns/net")
    r = bundle.run(ok=False)
    assert r.returncode != 0 and "no ipc namespace" in r.stderr


def test_user_namespace_maps_and_root_is_nobody_outside(bundle):
    bundle.user_namespace()
    out = bundle.out("cat /proc/self/uid_map; id -u; touch /tmp/x; ls -ln /dev/null")
    assert out.split()[:4] == ["0", "1000000", "65536", "0"]
    assert (bundle.rootfs / "tmp/x").stat().st_uid == 1000000


def test_user_namespace_with_a_bundle_that_only_root_reaches(bundle):
    bundle.user_namespace()
    bundle.folder.chmod(0o700)
    secret = bundle.folder / "secret"
    secret.mkdir()
    (secret / "f").write_text("through")
    bundle.add_mount("/data", secret, options=["bind", "ro"])
    assert bundle.out("cat /data/f") == "through"


def test_time_namespace_has_its_offsets(bundle):
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 864000}, "monotonic": {"secs": 86400}}
    out = bundle.out("cat /proc/uptime; cat /proc/self/timens_offsets")
    assert float(out.split()[0]) > 864000
    assert os.readlink("/proc/self/ns/time") not in bundle.out("readlink /proc/self/ns/time")


def test_names(bundle):
    bundle.spec["domainname"] = "example"
    assert bundle.out("hostname; cat /proc/sys/kernel/domainname") == "box\nexample\n"


def test_a_host_name_without_a_uts_namespace_is_refused(bundle):
    bundle.no_namespace("uts")
    assert "uts namespace" in bundle.run(ok=False).stderr


def test_an_empty_host_name_is_none(bundle):
    bundle.spec["hostname"] = bundle.spec["domainname"] = ""
    assert bundle.out("hostname; cat /proc/sys/kernel/domainname") == subprocess.run(
        "hostname; cat /proc/sys/kernel/domainname", shell=True, capture_output=True, text=True, check=True).stdout
    bundle.no_namespace("uts")
    bundle.run()


@pytest.mark.parametrize("user_namespace", [False, True])
def test_loopback_is_up(bundle, user_namespace):
    if user_namespace:
        bundle.user_namespace()
    assert "127.0.0.1" in bundle.out("cat /proc/net/fib_trie")


def test_the_runtime_is_back_in_the_hosts_network_for_its_hooks(bundle):
    """It brings up the loopback interface in the container's."""
    seen = bundle.folder / "seen"
    bundle.spec["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"readlink /proc/self/ns/net >> {seen}"]}]
                            for kind in ("createRuntime", "poststart", "poststop")}
    bundle.out("true")
    assert seen.read_text().split() == [os.readlink("/proc/self/ns/net")] * 3


def test_ids_groups_and_umask(bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [5, 7], "umask": 0o077}
    out = bundle.out("id -u; id -g; grep Groups /proc/self/status; umask; echo $HOME")
    assert out.split() == ["1000", "1001", "Groups:", "5", "7", "0077", "/home/user"]


@pytest.mark.parametrize("allowed", [True, False])
def test_a_working_directory_that_only_root_may_enter(bundle, allowed):
    """As with runc and crun the runtime goes there, before it is the user."""
    folder = bundle.rootfs / "root/deep"
    folder.mkdir()
    folder.parent.chmod(0o755 if allowed else 0o700)
    bundle.process.update(cwd="/root/deep", user={"uid": 1000, "gid": 1000})
    assert bundle.out("readlink /proc/self/cwd; id -u") == "/root/deep\n1000\n"


@pytest.mark.parametrize("nnp", [True, False])
def test_capabilities_of_all_five_sets(bundle, nnp):
    bundle.process["noNewPrivileges"] = nnp
    bundle.process["user"]["uid"] = 1000
    bundle.process["capabilities"] = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"],
                                      "permitted": ["CAP_KILL", "CAP_CHOWN"], "inheritable": ["CAP_KILL"],
                                      "ambient": ["CAP_KILL"]}
    status = dict(x.split(":\t") for x in bundle.out("cat /proc/self/status").splitlines() if x.startswith(("Cap", "NoNew")))
    # KILL is 5, CHOWN 0. After execve as another user than root the permitted are the ambient ones.
    assert {k: int(v, 16) for k, v in status.items()} == {
        "CapInh": 0x20, "CapPrm": 0x20, "CapEff": 0x20, "CapBnd": 0x21, "CapAmb": 0x20, "NoNewPrivs": int(nnp)}


def test_without_the_right_to_look_into_other_processes_a_container_gets_its_loopback(bundle):
    """As with the rights that an engine gives: the child hides itself before the runtime has come to it here."""
    bundle.prefix = ["setpriv", "--bounding-set", "-sys_ptrace", "strace", "-qq", "-o", "/dev/null", "-e", "trace=recvmsg",
                     "-e", "inject=recvmsg:delay_exit=200000"]
    assert int(bundle.out("cat /sys/class/net/lo/flags"), 16) & 1


def test_exec_adds_capabilities_but_never_inheritable_ones(bundle):
    bundle.up()
    out = bundle.exec("grep", "Cap", "/proc/self/status", options=("--cap", "CAP_NET_ADMIN")).stdout
    caps = {k: int(v, 16) for k, v in (x.split(":\t") for x in out.splitlines())}
    assert caps["CapEff"] & 1 << 12 and caps["CapBnd"] & 1 << 12
    assert caps["CapInh"] == 0 and caps["CapAmb"] == 0


def test_rlimits(bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
    out = bundle.out("ulimit -n; ulimit -H -n; ulimit -c")
    assert out.split() == ["100", "200", "0"]


def test_oom_score_io_priority_scheduler_personality(bundle):
    bundle.process["oomScoreAdj"] = 321
    bundle.process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    bundle.process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 7}
    bundle.linux["personality"] = {"domain": "LINUX32"}
    out = bundle.out("cat /proc/self/oom_score_adj; cut -d' ' -f 19,41 /proc/self/stat; cat /proc/self/personality")
    # nice 7, policy 3 (batch), PER_LINUX32
    assert out.split() == ["321", "7", "3", "00000008"]


def test_sysctl_of_the_namespaces(bundle):
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmni": "77"}
    assert bundle.out("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni").split() == ["1", "77"]


def test_devices(bundle):
    bundle.linux["devices"] = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 3, "gid": 4},
                               {"path": "/dev/a/pipe", "type": "p"}]
    out = bundle.out("stat -c '%n %t:%T %a %u %g' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/fuse; "
                     "test -p /dev/a/pipe && echo fifo; readlink /dev/fd /dev/ptmx; for l in fd stdin ptmx; do readlink /dev/$l; done")
    assert "/dev/null 1:3 666 0 0\n/dev/zero 1:5 666 0 0\n/dev/full 1:7 666 0 0\n/dev/random 1:8 666 0 0\n" in out
    assert "/dev/fuse a:e5 640 3 4\nfifo\n" in out and "/proc/self/fd\n/proc/self/fd/0\npts/ptmx\n" in out


def test_devices_are_nodes_however_slowly_their_rules_are_written(bundle):
    """On v1 the first rule denies all: until the others stand, nobody in the group makes or opens a device."""
    bundle.prefix = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=write", "-e", "inject=write:delay_exit=50000"]
    bundle.sh("cat /proc/mounts; ls -ln /dev/null")
    bundle.write()
    shown = bundle.runtime("run", "-b", bundle.folder, bundle.id).stdout
    bundle.prefix = []
    *mounts, node = shown.splitlines()
    assert "/dev/null" not in [line.split()[1] for line in mounts], "the host's"
    assert node.startswith("crw-rw-rw-")


def test_devices_in_a_user_namespace_have_their_owner_and_mode(bundle):
    """One that the host has not, too: the runtime makes them."""
    bundle.user_namespace()
    bundle.linux["devices"] = [{"path": "/dev/md-zero", "type": "c", "major": 1, "minor": 5, "fileMode": 0o624, "uid": 3, "gid": 4},
                               {"path": "/dev/random", "type": "c", "major": 1, "minor": 8, "fileMode": 0o600, "uid": 7}]
    bundle.linux["resources"]["devices"].append({"allow": True, "type": "c", "major": 1, "minor": 5, "access": "r"})
    out = bundle.out("stat -c '%n %t:%T %a %u %g' /dev/md-zero /dev/random; head -c 3 /dev/md-zero | wc -c")
    assert out == "/dev/md-zero 1:5 624 3 4\n/dev/random 1:8 600 7 0\n3\n"


def test_net_devices_move_in_and_are_renamed(bundle):
    """In a network namespace of the test's own: the host's interfaces are nobody's to move."""
    bundle.linux["netDevices"] = {"md-in": {"name": "eth7"}}
    bundle.prefix = ["unshare", "-n", "sh", "-c", "ip link add md-in type veth peer name md-out && exec \"$@\"", "sh"]
    out = bundle.out("cat /proc/net/dev")
    assert "eth7:" in out and "md-" not in out
    bundle.prefix = ["unshare", "-n"]
    assert "netDevices: move 'md-in'" in bundle.run(ok=False).stderr
    bundle.prefix = []


def test_net_devices_keep_their_addresses_and_are_up(bundle):
    bundle.linux["netDevices"] = {"md-in": {}}
    bundle.prefix = ["unshare", "-n", "sh", "-c", "ip link add md-in mtu 1400 type veth peer name md-out && ip link set md-out up && "
                     "ip addr add 192.0.2.7/24 brd + dev md-in && ip addr add 2001:db8::7/64 dev md-in nodad && exec \"$@\"", "sh"]
    bundle.process["args"] = ["sleep", "1000"]
    bundle.create()
    bundle.prefix = []
    shown = subprocess.run(["nsenter", f"--net=/proc/{bundle.pid()}/ns/net", "ip", "-o", "addr", "show", "dev", "md-in"],
                           capture_output=True, text=True, check=True).stdout
    assert "192.0.2.7/24 brd 192.0.2.255" in shown and "2001:db8::7/64" in shown, shown
    link = subprocess.run(["nsenter", f"--net=/proc/{bundle.pid()}/ns/net", "ip", "-o", "link", "show", "dev", "md-in"],
                          capture_output=True, text=True, check=True).stdout
    assert ",UP" in link and "mtu 1400" in link, link


def test_intel_rdt_is_a_clear_error(bundle):
    bundle.linux["intelRdt"] = {"closID": "x"}
    assert "linux.intelRdt" in bundle.run(ok=False).stderr


# ---- mounts ----


def options_of(bundle, target):
    for line in bundle.out("cat /proc/self/mountinfo").splitlines():
        f = line.split()
        if f[4] == target:
            return f[5].split(","), f[6:f.index("-")]
    raise AssertionError(f"{target} is no mount")


@pytest.fixture
def data(bundle):
    d = bundle.folder / "data"
    d.mkdir()
    (d / "f").write_text("hello")
    return d


def test_bind_mounts_of_folders_and_files(bundle, data):
    bundle.add_mount("/a/b/c", data, options=["bind"]).add_mount("/etc/f", data / "f", options=["bind", "ro"])
    assert bundle.out("cat /a/b/c/f /etc/f; echo x > /etc/f || echo refused") == "hellohellorefused\n"
    assert (data / "f").read_text() == "hello"


@pytest.mark.parametrize("option", ["ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "nosymfollow"])
def test_bind_options(bundle, data, option):
    bundle.add_mount("/data", data, options=["bind", option])
    assert option in options_of(bundle, "/data")[0]


@pytest.mark.parametrize("option", ["atime", "nostrictatime", "norelatime", "diratime", "symfollow", "suid", "dev", "exec", "rw"])
def test_bind_options_that_switch_off(bundle, data, option):
    bundle.add_mount("/data", data, options=["bind", option])
    assert {"rw", "relatime"} <= set(options_of(bundle, "/data")[0])


@pytest.mark.parametrize("option,wanted", [("rshared", "shared:"), ("rprivate", None), ("private", None), ("unbindable", "unbindable")])
def test_propagation_of_a_mount(bundle, data, option, wanted):
    bundle.add_mount("/data", data, options=["bind", option])
    tags = options_of(bundle, "/data")[1]
    assert [t.startswith(wanted) for t in tags] == [True] if wanted else tags == []


def test_recursive_read_only_reaches_submounts(bundle, data):
    sub = data / "sub"
    sub.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(sub)], check=True)
    try:
        bundle.add_mount("/data", data, options=["rbind", "ro"]).add_mount("/rro", data, options=["rbind", "rro"])
        out = bundle.out("touch /data/x || echo a; touch /data/sub/x && echo b; touch /rro/sub/x || echo c")
        assert out.split() == ["a", "b", "c"]
    finally:
        subprocess.run(["umount", str(sub)], check=True)


def test_a_read_only_tmpfs_has_in_it_what_the_document_puts_there(bundle, data):
    """podman --read-only --read-only-tmpfs=false has such a /dev."""
    dev = next(m for m in bundle.spec["mounts"] if m["destination"] == "/dev")
    dev["options"].append("ro")
    bundle.add_mount("/t", kind="tmpfs", options=["ro"]).add_mount("/t/below/data", data, options=["bind"])
    out = bundle.out("touch /dev/x /t/x 2>&1; echo >/dev/null && cat /t/below/data/f; touch /dev/shm/x /t/below/data/new && ls /dev/pts")
    assert out == "touch: /dev/x: Read-only file system\ntouch: /t/x: Read-only file system\nhelloptmx\n"


@pytest.mark.parametrize("option", ["acl", "noacl"])
def test_words_about_acls_are_flags_and_none_of_the_file_system(bundle, option):
    bundle.add_mount("/t", kind="tmpfs", options=[option, "size=64k"])
    bundle.sh("grep ' /t tmpfs ' /proc/mounts")
    assert "size=64k" in bundle.run().stdout
    assert option in json.loads(bundle.runtime("features").stdout)["mountOptions"]


def test_tmpfs_options_and_copy_up(bundle):
    (bundle.rootfs / "full").mkdir(mode=0o750)
    (bundle.rootfs / "full/deep").mkdir()
    (bundle.rootfs / "full/deep/file").write_text("kept")
    (bundle.rootfs / "full/link").symlink_to("deep/file")
    bundle.add_mount("/full", "tmpfs", "tmpfs", ["tmpcopyup", "size=1m", "nosuid"])
    bundle.add_mount("/small", "tmpfs", "tmpfs", ["size=64k", "nr_inodes=10", "mode=700"])
    out = bundle.out("cat /full/link; stat -c %a /full /small; touch /full/x; dd if=/dev/zero of=/small/x bs=1k count=200 2>/dev/null || "
                     "stat -c %s /small/x")
    assert out.split() == ["kept750", "700", "65536"]
    assert not (bundle.rootfs / "full/x").exists()


def test_an_unknown_option_is_told_in_the_kernels_words(bundle):
    bundle.add_mount("/x", "tmpfs", "tmpfs", ["bogus=1"])
    r = bundle.run(ok=False)
    assert "/x" in r.stderr and "bogus" in r.stderr


@pytest.mark.parametrize("network", [False, True])
def test_a_child_that_ends_while_the_runtime_works_for_it_says_why(bundle, network):
    """By its first mount it is long gone when the cgroups are made and the loopback interface is brought up."""
    bundle.add_mount("/x", "tmpfs", "tmpfs", ["bogus=1"])
    bundle.spec["mounts"].insert(0, bundle.spec["mounts"].pop())
    if not network:
        bundle.no_namespace("network")
    for command in ("run", "create"):
        r = bundle.run(ok=False) if command == "run" else bundle.create(ok=False)
        said = r.stderr if command == "run" else bundle.log.read_text()
        assert r.returncode == 1 and "'/x'" in said and "bogus" in said, said


@pytest.mark.parametrize("option", ["idmap", "ridmap"])
def test_id_mapped_mounts(bundle, data, option):
    bundle.user_namespace()
    (data / "f").chmod(0o644)
    bundle.add_mount("/data", data, options=["rbind", option])
    assert bundle.out("stat -c %u:%g /data/f") == "0:0\n"


def test_id_mapped_mounts_with_their_own_mapping(bundle, data):
    bundle.add_mount("/data", data, options=["bind"])
    bundle.spec["mounts"][-1].update(uidMappings=[{"containerID": 0, "hostID": 5000, "size": 10}],
                                     gidMappings=[{"containerID": 0, "hostID": 6000, "size": 10}])
    assert bundle.out("stat -c %u:%g /data/f") == "5000:6000\n"


def test_symlinked_targets_stay_inside(bundle, data):
    (bundle.rootfs / "abs").symlink_to("/etc")
    (bundle.rootfs / "up").symlink_to("../../../../../../tmp")
    (bundle.rootfs / "dangling").symlink_to("/not/there/yet")
    before = set(os.listdir("/tmp")), set(os.listdir("/etc"))
    bundle.add_mount("/abs/m", data, options=["bind"]).add_mount("/up/n", data, options=["bind"])
    bundle.add_mount("/dangling/o", data, options=["bind"])
    assert bundle.out("cat /etc/m/f /tmp/n/f /not/there/yet/o/f") == "hello" * 3
    assert "m" not in set(os.listdir("/etc")) - before[1] and "n" not in set(os.listdir("/tmp")) - before[0]
    assert not os.path.exists("/not")


def test_read_only_root_and_paths(bundle):
    bundle.spec["root"]["readonly"] = True
    out = bundle.out("touch /x || echo root; touch /dev/x && echo dev; echo 1 > /proc/sys/kernel/panic || echo sys")
    assert out.split() == ["root", "dev", "sys"]


def test_the_root_as_a_read_only_path_is_the_root(bundle):
    bundle.linux["readonlyPaths"].append("/")
    assert bundle.out("touch /x 2>&1; touch /dev/x && echo ok") == "touch: /x: Read-only file system\nok\n"


def test_an_empty_path_is_nothing_to_mask_or_protect(bundle):
    bundle.linux["readonlyPaths"].append("")
    bundle.linux["maskedPaths"].append("")
    assert bundle.out("touch /x && echo ok") == "ok\n"


def test_masked_paths_are_empty(bundle):
    bundle.linux["maskedPaths"] += ["/etc/passwd", "/root", "/not/there"]
    (bundle.rootfs / "root/secret").write_text("x")
    out = bundle.out("cat /etc/passwd /proc/kcore /proc/keys; ls /root /sys/firmware; touch /root/x || echo no")
    assert out.split() == ["/root:", "/sys/firmware:", "no"]


@pytest.mark.parametrize("own", [True, False])
def test_cgroup_mount_shows_the_containers_own_groups(bundle, own):
    if not own:
        bundle.no_namespace("cgroup")
    bundle.linux["cgroupsPath"] = "/" + bundle.id
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "ro"])
    out = bundle.out("cat /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; cat /proc/self/cgroup; mkdir /sys/fs/cgroup/x || echo no")
    lines = out.splitlines()
    assert "1" in lines and lines[-1] == "no"
    paths = {x.split(":")[2] for x in lines if x.count(":") >= 2}
    assert paths == ({"/"} if own else {"/" + bundle.id}), out


@pytest.mark.parametrize("path", ["/sys/fs/cgroup", "/sys/fs", "/sys/fs/cgroup/", "/sys/fs/./cgroup"])
def test_the_cgroup_mount_does_not_come_behind_what_masks_it(bundle, path):
    """It waits for the cgroups as long as nothing else depends on it."""
    bundle.no_namespace("cgroup")
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev"])
    bundle.linux["maskedPaths"].append(path)
    assert bundle.out(f"ls -A {path}") == ""


def test_the_cgroup_mount_does_not_come_behind_a_mount_into_it(bundle, data):
    bundle.no_namespace("cgroup")
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev"])
    bundle.add_mount("/sys/fs/cgroup", data, "bind", ["bind"])
    (data / "mine").write_text("")
    assert "mine" in bundle.out("ls /sys/fs/cgroup").split()


def test_hooks_find_the_cgroup_mount(bundle):
    out = bundle.folder / "out"
    bundle.no_namespace("cgroup")
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev"])
    bundle.spec["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"ls -A {bundle.rootfs}/sys/fs/cgroup > {out}"]}]}
    bundle.out("true")
    assert out.read_text() != ""


@pytest.mark.parametrize("user_namespace", [False, True])
def test_the_mounts_of_the_cgroups_are_no_peers_of_the_hosts(bundle, user_namespace):
    """Or what is mounted there in the container would be mounted on the host."""
    bundle.no_namespace("cgroup")
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "ro"])
    if user_namespace:
        bundle.user_namespace()
    bundle.prefix = ["unshare", "-m", "--propagation", "shared"]
    lines = [line.split() for line in bundle.out("cat /proc/self/mountinfo").splitlines() if " - cgroup" in line]
    assert lines
    for f in lines:
        assert [word.split(":")[0] for word in f[6:f.index("-")]] == ["master"], f
        assert f[4] == "/sys/fs/cgroup" or "ro" in f[5].split(",") and "nosuid" in f[5].split(","), f


def test_root_propagation(bundle):
    bundle.linux["rootfsPropagation"] = "private"
    assert options_of(bundle, "/")[1] == []


def test_access_times_of_a_bind_in_a_user_namespace_are_no_error(bundle, data):
    """They are locked in what comes from outside: told, and gone on."""
    bundle.user_namespace().add_mount("/data", data, "bind", ["bind", "strictatime", "ro"])
    assert "ro" in options_of(bundle, "/data")[0]


ROOT_OF_NAMESPACE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.setns(os.open(sys.argv[1], os.O_RDONLY), 0x20000) == 0, ctypes.get_errno()
print(sorted(os.listdir("/")))
"""


def test_without_pivot_root_nothing_of_the_host_is_below(bundle):
    """Who takes the root off, by CAP_SYS_ADMIN, finds an empty one."""
    for kind in ("bounding", "permitted", "effective"):
        bundle.process["capabilities"][kind] += ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"]
    bundle.sh("read line </tmp/go; umount -l /; echo done >/tmp/gone; exec /bin/busybox sleep 1000")
    os.mkfifo(bundle.rootfs / "tmp/go")
    os.mkfifo(bundle.rootfs / "tmp/gone")
    bundle.create("--no-pivot")
    bundle.start()
    mounts = bundle.exec("cat", "/proc/1/mountinfo").stdout.splitlines()
    assert {line.split()[4] for line in mounts} <= {"/", "/proc", "/dev", "/dev/pts", "/dev/shm", "/sys", "/sys/firmware", "/proc/bus",
                                                    "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", "/proc/kcore",
                                                    "/proc/keys", "/proc/timer_list", "/proc/scsi"}, mounts
    (bundle.rootfs / "tmp/go").write_text("go\n")
    (bundle.rootfs / "tmp/gone").read_text()
    seen = subprocess.run(["/usr/bin/python3", "-c", ROOT_OF_NAMESPACE, f"/proc/{bundle.pid()}/ns/mnt"], capture_output=True, text=True,
                          check=True).stdout
    assert seen == "[]\n"


# ---- terminals ----


def test_console_socket_gets_the_master_of_the_containers_terminal(bundle):
    bundle.process.update(terminal=True, consoleSize={"height": 31, "width": 97}, args=["/bin/sh"])
    console = Console(bundle.folder)
    try:
        bundle.create("--console-socket", console.path)
        console.take()
        bundle.start()
        console.write("stty size; tty; test -c /dev/console && "
                      "/bin/sh -c 'echo is-$((1+1)); exec /bin/sleep 1000'\n")
        out = console.read_until("is-2")
        assert "31 97" in out and "/dev/pts/0" in out
        console.write("\x03")
        console.read_until("# ")
        console.write("echo back-$((2+2))\n")
        console.read_until("back-4")
    finally:
        console.close()


@pytest.mark.parametrize("user", [0, 1000])
def test_exec_with_a_terminal(bundle, user):
    bundle.up()
    console = Console(bundle.folder)
    doc = {"terminal": True, "args": ["/bin/sh"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": user, "gid": user}}
    (bundle.folder / "p.json").write_text(json.dumps(doc))
    try:
        bundle.exec(options=("--detach", "--console-socket", console.path, "--process", bundle.folder / "p.json"))
        console.take()
        console.write("id -u; tty; stat -c %u $(tty); echo done-$((1+1))\n")
        out = console.read_until("done-2")
        assert f"{user}\r\n/dev/pts/0\r\n{user}\r\n" in out
        console.write("exit\n")
    finally:
        console.close()


def test_a_terminal_without_a_console_socket_is_refused(bundle):
    bundle.process["terminal"] = True
    assert bundle.create(ok=False).returncode != 0
    assert "console socket" in bundle.log.read_text()


# ---- documents ----


@pytest.mark.parametrize("change,words", [
    (lambda s: s.pop("process"), "process"),
    (lambda s: s["process"].update(args=[]), "process: args"),
    (lambda s: s["process"].update(cwd="relative"), "process.cwd"),
    (lambda s: s["root"].update(path="missing"), "missing"),
    (lambda s: s["process"]["capabilities"].update(effective=["CAP_SYS_PTRACE"]),
     "process.capabilities: effective: CAP_SYS_PTRACE is not permitted"),
    (lambda s: s["process"]["capabilities"].update(inheritable=["CAP_SYS_PTRACE"]),
     "process.capabilities: inheritable: CAP_SYS_PTRACE is not in the bounding set"),
    (lambda s: s["linux"]["resources"].update(pids={"limit": "many"}), "linux.resources.pids.limit"),
    (lambda s: s["linux"].update(cgroupsPath="/../../x"), "cgroupsPath"),
    (lambda s: s["root"].update(path="/"), "root.path"),
])
def test_wrong_documents_are_refused_by_the_fields_path(bundle, change, words):
    change(bundle.spec)
    r = bundle.run(ok=False)
    assert r.returncode != 0 and words in r.stderr, r.stderr
    assert not bundle.settled_left()


def test_a_fifo_as_config_is_refused_at_once(bundle):
    os.mkfifo(bundle.folder / "config.json")
    r = bundle.runtime("run", "-b", bundle.folder, bundle.id, ok=False)
    assert r.returncode != 0 and "config.json" in r.stderr


def test_no_config_is_named(bundle):
    r = bundle.runtime("run", "-b", bundle.folder, bundle.id, ok=False)
    assert r.returncode != 0 and "config.json" in r.stderr


# ---- CPUs ----

CPUS = "sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status"


@pytest.mark.parametrize("mask", [None, "0"])
def test_the_cpus_are_those_of_who_starts_it(bundle, mask):
    if mask:
        bundle.prefix = ["taskset", "-c", mask]
    expected = subprocess.run([*bundle.prefix, "sh", "-c", CPUS], capture_output=True, text=True, check=True).stdout
    assert bundle.out(CPUS) == expected


def test_the_cpus_follow_the_cpuset(bundle):
    have = os.sched_getaffinity(0)
    last = max(have)
    every = f"0-{last}" if have == set(range(last + 1)) and last else str(last)
    bundle.spec["linux"]["resources"] = {"cpu": {"cpus": str(last)}}
    bundle.up()
    assert bundle.exec("sh", "-c", CPUS).stdout == f"{last}\n"
    bundle.runtime("update", "--cpuset-cpus", every, bundle.id)
    with open(f"/proc/{bundle.pid()}/status", encoding="ascii") as f:
        assert f"Cpus_allowed_list:\t{every}\n" in f.read()
    bundle.delete()
