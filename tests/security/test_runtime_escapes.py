# SPDX-License-Identifier: Apache-2.0
"""What has broken other runtimes, one test a class: by default without seccomp and without a user namespace, so that each row holds by
the runtime's own care; the rows that need no host root run again with a user namespace."""

import hashlib
import os
import secrets
import signal
import subprocess
import threading

import pytest
from harness import BUILD, program
from harness.bundle import wait_for
from harness.deny import NEW_MOUNT_API, deny

PROBE = BUILD / "tests" / "security" / "probe"
SECRET = "canary-" + secrets.token_hex(8)
ALL_CAPS = ["CAP_" + n for n in ("CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT "
                                 "AUDIT_WRITE SETFCAP").split()]


@pytest.fixture(params=["host root", "user namespace"])
def target(request, bundle):
    """A bundle whose root is the host's, or of a user namespace."""
    bundle.process["capabilities"] = {k: ALL_CAPS for k in ("bounding", "effective", "permitted")}
    bundle.process["noNewPrivileges"] = False
    if request.param == "user namespace":
        bundle.user_namespace()
    return bundle


@pytest.fixture
def host(bundle):
    """A folder of the host with a secret in it."""
    folder = bundle.folder / "host"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    return folder


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


# ---- no mount namespace: a root that is only a chroot ----


def test_without_a_mount_namespace_there_is_no_way_up_out_of_the_root(bundle, host):
    """The old ways out of a chroot, with CAP_SYS_CHROOT, by the container's program and by one of exec."""
    bundle.process["capabilities"] = {k: ALL_CAPS for k in ("bounding", "effective", "permitted")}
    bundle.no_namespace("mount")
    bundle.add_mount("/run/probe", PROBE, options=["bind", "ro"])
    command = ["/run/probe", f"file={host / 'secret'}"]
    bundle.process["args"] = command
    found = [bundle.run().stdout]
    bundle.up(["sleep", "1000"])
    found.append(bundle.exec(*command).stdout)
    for out in found:
        doors = [line.split(" ") for line in out.splitlines() if line.startswith("host-file")]
        assert len(doors) > 5 and "host-file-by-chroot" in [door[0] for door in doors]
        assert [door for door in doors if door[1] != "BLOCKED"] == []
        assert SECRET not in out


# ---- the runtime's executable (CVE-2019-5736) ----


def test_proc_self_exe_as_interpreter_cannot_overwrite_the_runtime(target):
    before = digest(program("mdocker-runtime"))
    script = target.rootfs / "bin/evil"
    script.write_text("#!/proc/self/exe\n")
    script.chmod(0o755)
    target.up()
    # The one that waits for whoever enters, keeps its executable open, and writes through it once it is free.
    target.exec("sh", "-c", "(until test -e /tmp/stop; do for p in /proc/[0-9]*; do "
                "(exec 9<$p/exe && echo x >/proc/self/fd/9 && echo written >>/tmp/result); done; done; echo finished >>/tmp/result) >/dev/null 2>&1 &")
    for _ in range(20):
        target.exec("/bin/evil", "--version", ok=False)
        target.exec("/proc/self/exe", "--version", ok=False)
    target.exec("touch", "/tmp/stop")
    result = target.rootfs / "tmp/result"
    wait_for(lambda: result.exists() and "finished" in result.read_text(), "the attacker")
    # Its own busybox it may write, if that were not busy; the runtime it may not.
    assert digest(program("mdocker-runtime")) == before


LOOK_AT_RUNTIME = """
import os, struct, sys
pid = os.getppid()
read = lambda name: open(f"/proc/{pid}/{name}", "rb").read()
name = dict(struct.iter_unpack("QQ", read("auxv")))[31]  # AT_EXECFN
with open(f"/proc/{pid}/mem", "rb") as memory:
    memory.seek(name)
    again = memory.read(8) == b"/dev/fd/"
print("executed again" if again else "mapped anew", read("comm"), read("cmdline").split(b"\\0"), b"LOOK=here" in read("environ").split(b"\\0"))
try:
    os.open(f"/proc/{pid}/exe", os.O_WRONLY | os.O_TRUNC)
except OSError as e:
    print(e.strerror)
"""


@pytest.mark.parametrize("how, missing", [("mapped anew", []), ("executed again", ["PR_SET_MM"])])
def test_the_runtimes_executable_is_read_only_where_it_can_be_seen(bundle, how, missing):
    seen = bundle.folder / "seen"
    script = bundle.folder / "look.py"
    script.write_text(f"import sys; sys.stdout = open({str(seen)!r}, 'w')" + LOOK_AT_RUNTIME)
    bundle.spec["hooks"] = {"prestart": [{"path": "/usr/bin/python3", "args": ["python3", str(script)]}]}
    bundle.run(preexec_fn=deny(missing), env={**os.environ, "LOOK": "here"})
    first, second = seen.read_text().splitlines()
    assert second == "Read-only file system"
    # And else it looks as it did when it was executed.
    assert first.startswith(how + " b'mdocker-runtime\\n' [") and f"b'{bundle.id}', b''] True" in first
    assert f"b'{program('mdocker-runtime')}'" in first


# ---- leaked descriptors (CVE-2024-21626) ----


@pytest.mark.parametrize("fd", range(3, 24))
def test_a_working_directory_by_descriptor_is_refused(bundle, host, fd):
    bundle.process["cwd"] = f"/proc/self/fd/{fd}"
    leaked = os.open(host, os.O_RDONLY)
    try:
        os.set_inheritable(leaked, True)
        r = bundle.sh("cat secret ../secret ./../../../etc/hostname").run(ok=False, close_fds=False)
    finally:
        os.close(leaked)
    assert r.returncode != 0 and SECRET not in r.stdout


def test_a_working_directory_by_a_descriptor_that_was_given_is_refused_too(bundle):
    """The other layer: that none is open but what the caller gave does not help here."""
    bundle.prefix = ["/bin/bash", "-c", 'exec 3</; exec "$@"', "bash"]
    bundle.process["cwd"] = "/proc/self/fd/3"
    r = bundle.run("--preserve-fds", "1", ok=False)
    assert r.returncode == 1 and "outside of the container's root" in r.stderr, r.stderr
    bundle.prefix = []


def test_descriptors_of_a_careless_caller_do_not_get_in(target, host):
    leaked = os.open(host, os.O_RDONLY)
    os.set_inheritable(leaked, True)
    try:
        out = target.sh("ls /proc/self/fd; cat /proc/self/fd/*/secret").run(ok=False, close_fds=False).stdout
        assert out.split() == ["0", "1", "2", "3"], out  # 3: the folder that ls reads
        target.up()
        out = target.exec("sh", "-c", "ls /proc/self/fd; cat /proc/self/fd/*/secret", ok=False, close_fds=False).stdout
        assert out.split() == ["0", "1", "2", "3"], out
    finally:
        os.close(leaked)


def test_preserved_descriptors_do_and_no_others(bundle, host):
    leaked = os.open(host, os.O_RDONLY)
    os.set_inheritable(leaked, True)

    def place():
        os.dup2(leaked, 50)
        os.dup2(50, 3)

    try:
        bundle.sh("cat /dev/fd/3/../nothing; ls /proc/self/fd").write()
        out = subprocess.run(bundle.command("run", "--preserve-fds", "1", "-b", bundle.folder, bundle.id), close_fds=False,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, preexec_fn=place).stdout
        assert out.split() == ["0", "1", "2", "3", "4"]  # 4: the folder that ls reads
    finally:
        os.close(leaked)


def test_none_of_the_runtimes_own_is_among_the_preserved(target):
    """Numbers that the caller left free are where the runtime's own descriptors are, that of its executable's mount the first."""
    target.sh("ls /proc/self/fd")
    assert target.run("--preserve-fds", "20").stdout.split() == ["0", "1", "2", "3"]
    target.up()
    out = target.exec("ls", "/proc/self/fd", options=["--preserve-fds", "20"]).stdout
    assert out.split() == ["0", "1", "2", "3"]  # 3: the folder that ls reads


# ---- images that put symlinks where devices are (CVE-2025-31133, 52565, 2019-19921) ----


def test_an_images_dev_null_that_is_a_symlink_is_not_what_masks(target, host):
    target.spec["mounts"] = [m for m in target.spec["mounts"] if not m["destination"].startswith("/dev")]
    (target.rootfs / "dev/null").symlink_to("/proc/sys/kernel/core_pattern")
    (target.rootfs / "dev/console").symlink_to("/etc/passwd")
    before = open("/proc/sys/kernel/core_pattern").read()
    out = target.out("cat /proc/keys | wc -c; stat -c %t:%T /proc/keys; stat -c %t:%T -L /dev/null; echo evil > /proc/keys; echo ok")
    assert "1:3\n1:3\nok" in out
    assert open("/proc/sys/kernel/core_pattern").read() == before


@pytest.mark.parametrize("host", ["with a user namespace", "of the host's ids"])
def test_the_hosts_device_nodes_are_not_changed_through_what_is_made_of_them(bundle, host):
    """What covers a masked file is the host's /dev/null, which belongs to root, and so does a node that is mounted where none can be made."""
    devices = ["/dev/null", "/dev/full", "/dev/tty"]
    before = [os.stat(d).st_ctime_ns for d in devices]
    if host == "with a user namespace":
        bundle.namespace("user")
        for which in ("uidMappings", "gidMappings"):
            bundle.linux[which] = [{"containerID": 0, "hostID": 0, "size": 65536}]
        devices_inside = "/dev/null /dev/full /dev/tty"
    else:
        devices_inside = ""
    inside = f"/proc/keys /proc/timer_list {devices_inside}"
    out = bundle.out(f"for f in {inside}; do chmod 666 $f && echo chmod $f; chown 0:0 $f && echo chown $f; touch $f && echo touch $f; "
                     "echo written >$f || test $f = /dev/full -o $f = /dev/tty || echo $f is closed; done 2>/dev/null; true")
    assert out == ""
    assert [os.stat(d).st_ctime_ns for d in devices] == before


def test_a_console_that_is_a_symlink_is_refused(bundle):
    from harness.bundle import Console
    bundle.spec["mounts"] = [m for m in bundle.spec["mounts"] if m["destination"] != "/dev"]
    (bundle.rootfs / "dev/console").symlink_to("/etc/passwd")
    bundle.process.update(terminal=True, args=["/bin/sh"])
    console = Console(bundle.folder)
    try:
        assert bundle.create("--console-socket", console.path, ok=False).returncode != 0
        assert "/dev/console" in bundle.log.read_text()
    finally:
        console.close()
    assert (bundle.rootfs / "etc/passwd").read_text().startswith("root:")


def test_pts_that_is_no_devpts_gives_no_terminal(bundle):
    from harness.bundle import Console
    bundle.spec["mounts"] = [m for m in bundle.spec["mounts"] if m["destination"] != "/dev/pts"]
    bundle.process.update(terminal=True, args=["/bin/sh"])
    bundle.add_mount("/dev/pts", "tmpfs", "tmpfs")
    console = Console(bundle.folder)
    try:
        assert bundle.create("--console-socket", console.path, ok=False).returncode != 0
        assert "/dev/pts is no devpts" in bundle.log.read_text()
    finally:
        console.close()


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_proc_and_sys_that_are_symlinks_are_refused(target, name):
    (target.rootfs / name).rmdir()
    (target.rootfs / name).symlink_to("/tmp")
    r = target.run(ok=False)
    assert r.returncode != 0 and f"/{name}" in r.stderr
    assert not target.settled_left()


def test_sysctls_are_not_written_through_a_volume_at_proc(bundle, host):
    fake = bundle.folder / "fake"
    (fake / "sys/net/ipv4").mkdir(parents=True)
    (fake / "sys/net/ipv4/ip_forward").write_text("untouched")
    bundle.spec["mounts"][0] = {"destination": "/proc", "type": "bind", "source": str(fake), "options": ["bind"]}
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    bundle.linux["maskedPaths"] = bundle.linux["readonlyPaths"] = []
    bundle.run(ok=False)
    assert (fake / "sys/net/ipv4/ip_forward").read_text() == "untouched"


@pytest.mark.parametrize("denied", [(), NEW_MOUNT_API], ids=["own proc", "the container's proc"])
def test_sysctls_are_not_written_to_what_lies_over_them(bundle, denied):
    """CVE-2025-52881: it is a file of proc's, too."""
    bundle.add_mount("/proc/sys/kernel/domainname", "/proc/sys/kernel/hostname", "bind", ["bind"])
    bundle.linux["sysctl"] = {"kernel.domainname": "redirected"}
    bundle.linux["readonlyPaths"] = []
    r = bundle.sh("hostname").run(ok=False, preexec_fn=deny(denied))
    assert r.stdout == "box\n" or (denied and "set the sysctl 'kernel.domainname'" in r.stderr), r


@pytest.mark.parametrize("key", ["../../etc/x", "kernel/../../../tmp/x", "kernel..hostname", "/etc/x"])
def test_sysctl_names_cannot_leave_proc_sys(bundle, key):
    bundle.linux["sysctl"] = {key: "1"}
    assert bundle.run(ok=False).returncode != 0


# ---- mount targets (CVE-2021-30465, 2024-45310, 2026-41579) ----


@pytest.mark.parametrize("path", ["/a/../../../../../../x", "/up/x", "/abs/x", "/dev/../../x"])
def test_mount_targets_make_nothing_on_the_host(target, host, path):
    name = "md-" + secrets.token_hex(6)
    (target.rootfs / "up").symlink_to("../../../../../../../..")
    (target.rootfs / "abs").symlink_to("/")
    target.add_mount(path + name, host, options=["bind"])
    target.run(ok=False)
    for folder in ("/", "/dev", "/etc", "/var", "/var/tmp", target.folder):
        assert not os.path.lexists(f"{folder}/x{name}"), folder


def test_dev_that_is_a_symlink_makes_no_files_on_the_host(bundle):
    bundle.spec["mounts"] = [m for m in bundle.spec["mounts"] if not m["destination"].startswith("/dev")]
    outside = bundle.folder / "outside"
    outside.mkdir()
    (bundle.rootfs / "dev").rmdir()
    (bundle.rootfs / "dev").symlink_to(f"../../../../../../../..{outside}")
    bundle.run(ok=False)
    assert not list(outside.iterdir())


def test_exchanging_a_volumes_folder_for_a_symlink_never_shows_the_host(bundle, host):
    """A second container (here: a thread) swaps volume/dir and volume/link while this one mounts on volume/dir/sub."""
    volume = bundle.folder / "volume"
    (volume / "dir/sub").mkdir(parents=True)
    (volume / "link").symlink_to("/")
    bundle.add_mount("/volume", volume, options=["bind"])
    bundle.add_mount("/volume/dir/sub", host, options=["bind"])
    bundle.sh(f"cat /volume/dir/etc/hostname /volume/link/etc/hostname 2>/dev/null; ls {bundle.folder} 2>/dev/null; true").write()
    stop = threading.Event()
    libc = __import__("ctypes").CDLL(None)
    a, b = os.fsencode(volume / "dir"), os.fsencode(volume / "link")

    def swap():
        while not stop.is_set():
            libc.renameat2(-100, a, -100, b, 2)

    before = set(os.listdir("/"))
    t = threading.Thread(target=swap)
    t.start()
    try:
        for i in range(int(os.environ.get("MD_RACE_TRIES", "100"))):
            r = bundle.runtime("run", "-b", bundle.folder, f"{bundle.id}-{i}", ok=False)
            assert r.stdout == "", r.stdout
    finally:
        stop.set()
        t.join()
    assert set(os.listdir("/")) == before


# ---- entering (CVE-2016-9962, 2022-29162, 2022-27650) ----


def test_the_entering_process_cannot_be_looked_into(bundle):
    """Root inside with CAP_DAC_OVERRIDE, but without CAP_SYS_PTRACE, tries to open the descriptors of each process that comes."""
    bundle.process["capabilities"] = {k: ALL_CAPS for k in ("bounding", "effective", "permitted")}
    bundle.up()
    bundle.exec("sh", "-c", "(while test ! -e /tmp/stop; do for p in /proc/[0-9]*; do case $(readlink $p/exe) in "
                "*busybox|'') ;; *) echo SEEN $(readlink $p/exe) >>/tmp/seen;; esac; done; done) >/dev/null 2>&1 &")
    for _ in range(30):
        bundle.exec("true")
    bundle.exec("touch", "/tmp/stop")
    assert not (bundle.rootfs / "tmp/seen").exists(), (bundle.rootfs / "tmp/seen").read_text()


def test_inheritable_capabilities_are_those_of_the_document_only(target):
    target.up()
    for options in ((), ("--cap", "CAP_NET_ADMIN"), ("--user", "1000")):
        out = target.exec("grep", "CapInh", "/proc/self/status", options=options).stdout
        assert int(out.split()[1], 16) == 0


def test_exec_has_the_containers_seccomp_filter(bundle):
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                               "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
    bundle.up()
    assert bundle.exec("grep", "Seccomp:", "/proc/self/status").stdout.split()[1] == "2"
    assert "not implemented" in bundle.exec("mkdir", "/tmp/x", ok=False).stderr


# ---- cgroups (CVE-2022-0492) ----


def test_release_agent_is_out_of_reach(target):
    target.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "ro"])
    out = target.out("for d in /sys/fs/cgroup /sys/fs/cgroup/*; do echo /tmp/evil > $d/release_agent && echo LEAK $d; done; "
                     "mkdir /tmp/m; for c in rdma pids memory; do mount -t cgroup -o $c c /tmp/m && echo /evil > /tmp/m/release_agent && echo LEAK; done; "
                     "unshare -U -r -m -C sh -c 'mount -t cgroup -o pids c /tmp/m && echo /evil > /tmp/m/release_agent && echo LEAK'; true")
    assert "LEAK" not in out


# ---- users (CVE-2026-30892) ----


def test_a_passwd_that_is_a_fifo_or_endless_does_not_hold_anybody(target):
    passwd = target.rootfs / "etc/passwd"
    passwd.unlink()
    os.mkfifo(passwd)
    assert target.out("echo $HOME") == "/\n"
    passwd.unlink()
    with open(passwd, "wb") as f:
        f.truncate(10 << 30)
    assert target.out("echo $HOME") == "/\n"


# ---- terminals ----


def test_tiocsti_on_the_callers_terminal_is_refused(bundle):
    """Without a terminal of its own the process must not have the caller's as its controlling one."""
    import pty
    master, slave = pty.openpty()
    bundle.sh("test -t 0 && echo tty; (: < /dev/tty) 2>&1 | grep -c 'such device or address\\|No such device'").write()

    def session():
        os.setsid()
        import fcntl
        import termios
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    r = subprocess.run(bundle.command("run", "-b", bundle.folder, bundle.id), stdin=slave, capture_output=True, text=True,
                       preexec_fn=session, timeout=20)
    os.close(master)
    os.close(slave)
    assert r.stdout == "tty\n1\n", r.stdout + r.stderr


# ---- ending ----


def test_a_stopped_frozen_or_deaf_container_is_deleted_in_time(target):
    target.sh("trap '' TERM HUP INT; sleep 1000 & sleep 1000")
    target.create()
    target.start()
    target.runtime("pause", target.id)
    target.runtime("delete", "--force", target.id)
    assert not target.settled_left()
    target.create()
    target.start()
    os.kill(target.pid(), signal.SIGSTOP)
    target.runtime("delete", "--force", target.id)
    assert not target.settled_left()
