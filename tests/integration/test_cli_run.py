# SPDX-License-Identifier: Apache-2.0
"""`mdocker run` and `exec`: options, streams, exit codes, terminals."""

import os
import stat

import pytest

from harness.process import run, wait_until


@pytest.fixture
def box(place):
    return place.need_images("busybox")


@pytest.fixture
def web(box):
    """A workspace that runs until it is stopped."""
    box.mdocker("run", "-d", "--name", "web", "busybox", "sleep", "1000").ok()
    return box


# ---- run ----

@pytest.mark.parametrize("code", [0, 1, 42, 125, 255])
def test_the_exit_code_passes_through(box, code):
    assert box.mdocker("run", "--rm", "busybox", "sh", "-c", f"exit {code}").code == code


def test_a_command_killed_by_a_signal_is_128_and_its_number(box):
    assert box.mdocker("run", "--rm", "busybox", "sh", "-c", "kill -9 $$").code == 137


def test_stdout_and_stderr_stay_apart_and_whole(box):
    r = box.mdocker("run", "--rm", "busybox", "sh", "-c", "seq 1 20000; echo problem >&2")
    assert r.code == 0
    assert r.out.split() == [str(i) for i in range(1, 20001)]
    assert r.err == "problem\n"


def test_stdin_is_passed_on_only_when_asked_for(box):
    text = "line\n" * 50000
    assert box.mdocker("run", "--rm", "-i", "busybox", "cat", input=text).ok().out == text
    assert box.mdocker("run", "--rm", "busybox", "cat", input=text).ok().out == ""


def test_a_command_that_ignores_its_stdin_doesnt_hang(box):
    assert box.mdocker("run", "--rm", "-i", "busybox", "echo", "x", input="y" * 1000000).ok().out == "x\n"


def test_the_callers_own_descriptors_never_get_in(box):
    secret = os.open("/etc", os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        r = run(box.argv("run", "--rm", "busybox", "sh", "-c", "for i in 0 1 2 3 4 5 6 7 8 9; do readlink /proc/$$/fd/$i; done; true"),
                close_fds=False).ok()
    finally:
        os.close(secret)
    lines = r.out.split()
    assert len(lines) <= 3 and all(line.startswith(("pipe:", "/dev/null")) for line in lines), r


def test_env_user_workdir_hostname(box):
    r = box.mdocker("run", "--rm", "-e", "A=b c", "-e", "PASSED", "-e", "UNSET_HERE", "-u", "user", "-w", "/tmp",
                    "--hostname", "box", "busybox", "sh", "-c", "echo $A/$PASSED/${UNSET_HERE-no}; id -u; id -G; pwd; hostname; echo $HOME",
                    env={"PASSED": "on"}).ok()
    assert r.out.splitlines() == ["b c/on/no", "1000", "1000 2000", "/tmp", "box", "/home/user"]


def test_the_environment_is_ours_alone(box):
    r = box.mdocker("run", "--rm", "busybox", "/bin/env", env={"LEAK": "secret"}).ok()
    names = {line.split("=")[0] for line in r.out.splitlines()}
    assert names == {"PATH", "HOME", "LANG", "TERM"}


def test_the_default_host_name_is_container(box):
    assert box.mdocker("run", "--rm", "busybox", "hostname").ok().out == "container\n"


def test_volumes(box, place):
    folder = place.folder / "data"
    folder.mkdir()
    (folder / "in").write_text("from the host\n")
    r = box.mdocker("run", "--rm", "-v", f"{folder}:/data", "busybox", "sh", "-c", "cat /data/in; echo back > /data/out; chmod 4755 /data/out").ok()
    assert r.out == "from the host\n"
    out = (folder / "out").stat()
    assert (out.st_uid, out.st_gid) == (0, 0), "root of the workspace writes as the folder's root"
    r = box.mdocker("run", "--rm", "-v", f"{folder}:/data:ro", "busybox", "sh", "-c", "echo x > /data/no")
    assert r.code == 1 and "ead-only" in r.err
    assert not (folder / "no").exists()


def test_a_single_file_as_a_volume(box, place):
    (place.folder / "f").write_text("one\n")
    assert box.mdocker("run", "--rm", "-v", f"{place.folder}/f:/etc/one:ro", "busybox", "cat", "/etc/one").ok().out == "one\n"


def test_a_volume_over_a_link_that_leads_out_stays_inside(box, place):
    folder = place.folder / "data"
    folder.mkdir()
    box.mdocker("run", "--name", "x", "busybox", "sh", "-c", "ln -s /etc /trap").ok()
    r = box.mdocker("run", "--rm", "-v", f"{folder}:/trap/../../etc2", "busybox", "true")
    assert r.code == 125 and ".." in r.err


def test_rootfs_of_ones_own_is_not_written_to(place):
    place.need_images("busybox")
    tree = place.layer("busybox")
    before = sorted(os.listdir(tree))
    r = place.mdocker("run", "--rm", "--rootfs", tree, "/bin/sh", "-c", "touch /new; ls /new").ok()
    assert r.out == "/new\n"
    assert sorted(os.listdir(tree)) == before


def test_entrypoint(box):
    assert box.mdocker("run", "--rm", "--entrypoint", "/bin/echo", "busybox", "a", "b").ok().out == "a b\n"


def test_limits_are_the_asked_ones(box):
    r = box.mdocker("run", "--rm", "--memory", "64m", "--pids-limit", "9", "--cpus", "0.5", "busybox", "sh", "-c",
                    "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us "
                    "2>/dev/null || cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max").ok()
    assert r.out.split()[:3] == [str(64 << 20), "9", "50000"]


def test_a_slash_means_the_default_image(place, images):
    images.need("busybox")
    place.mdocker("import", images.busybox_tar, "default").ok()
    assert place.mdocker("run", "--rm", "/bin/echo", "x").ok().out == "x\n"
    place.mdocker("run", "--rm", "bin/echo", "x").failed(125, "no image 'bin/echo'")


def test_names_are_unique(web):
    web.mdocker("run", "--name", "web", "busybox", "true").failed(125, "'web' is taken")
    assert len(web.workspaces()) == 1


def test_many_at_once_on_one_name(box):
    import subprocess
    started = [subprocess.Popen(box.argv("run", "-d", "--name", "same", "busybox", "sleep", "100"),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(12)]
    results = [(p.communicate(timeout=60)[0], p.returncode) for p in started]
    assert sorted(code for _, code in results) == [0] + [125] * 11
    assert len(box.workspaces()) == 1


def test_the_output_of_a_command_that_ends_at_once_is_never_lost(box):
    """Its shim may be gone before anybody could ask it how the command ended."""
    import subprocess
    for _ in range(4):
        started = [subprocess.Popen(box.argv("run", "--rm", "busybox", "sh", "-c", "echo out; exit 3"), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
        for p in started:
            out, err = p.communicate(timeout=60)
            assert (p.returncode, out, err) == (3, "out\n", "")


def test_id_blocks_never_overlap(box):
    import json
    for i in range(3):
        box.mdocker("run", "-d", "--name", f"w{i}", "busybox", "sleep", "100").ok()
    bases = [w["workspace"]["idBase"] for w in json.loads(box.mdocker("inspect", "w0", "w1", "w2").ok().out)]
    assert len(set(b // 65536 for b in bases)) == 3 and min(bases) >= 1000000
    assert all(b % 65536 == 0 for b in bases)


def test_what_is_removed_on_exit_is_gone(box):
    box.mdocker("run", "--rm", "busybox", "true").ok()
    box.mdocker("run", "-d", "--rm", "--name", "short", "busybox", "true").ok()
    wait_until(lambda: "short" not in box.mdocker("ps", "-a").ok().out and not box.workspaces(), "both are gone")


def test_files_stay_without_rm(box):
    assert box.mdocker("run", "--name", "keep", "busybox", "sh", "-c", "echo kept > /root/f; exit 5").code == 5
    assert "Exited (5)" in box.mdocker("ps", "-a").ok().out
    box.mdocker("start", "keep").ok()


# ---- exec ----

def test_exec_has_the_streams_and_exit_code(web):
    r = web.mdocker("exec", "-i", "web", "sh", "-c", "cat; echo e >&2; exit 9", input="in\n")
    assert (r.code, r.out, r.err) == (9, "in\n", "e\n")


@pytest.mark.parametrize("command,code", [("/no/such", 127), ("no-such-word", 127), ("/etc/passwd", 126)])
def test_exec_of_what_cant_be_executed(web, command, code):
    web.mdocker("exec", "web", command).failed(code, command)


def test_exec_user_env_workdir(web):
    r = web.mdocker("exec", "-u", "user", "-e", "X=1", "-w", "/etc", "web", "sh", "-c", "id -u; id -g; echo $X; pwd; echo $HOME").ok()
    assert r.out.split() == ["1000", "1000", "1", "/etc", "/home/user"]


@pytest.mark.parametrize("user", ["4294967296", "0:x", "-1", "nobody-there", "0x0", "65535"])
def test_exec_as_nobody_known_is_refused_and_never_another(web, user):
    r = web.mdocker("exec", f"--user={user}", "web", "id")
    assert r.code == 125 and "uid" not in r.out, r


def test_exec_with_a_passwd_that_is_a_fifo_or_huge(web):
    web.mdocker("exec", "web", "sh", "-c", "rm /etc/passwd; mkfifo /etc/passwd").ok()
    assert web.mdocker("exec", "-u", "user", "web", "id").code == 125
    web.mdocker("exec", "web", "sh", "-c", "rm /etc/passwd; dd if=/dev/null of=/etc/passwd bs=1 seek=10G 2>/dev/null").ok()
    assert web.mdocker("exec", "-u", "user", "web", "id").code == 125


def test_exec_with_a_passwd_that_leads_to_the_hosts(web):
    web.mdocker("exec", "web", "sh", "-c", "rm /etc/passwd; ln -s /proc/1/root/etc/shadow /etc/passwd").ok()
    assert web.mdocker("exec", "-u", "daemon", "web", "id").code == 125


def test_exec_in_what_isnt_running(box):
    box.mdocker("run", "--name", "x", "busybox", "true").ok()
    box.mdocker("exec", "x", "true").failed(125, "'x' is not running", "start x")
    box.mdocker("exec", "nobody", "true").failed(125, "no workspace 'nobody'")


def test_exec_returns_though_a_child_keeps_the_pipes(web):
    assert web.mdocker("exec", "web", "sh", "-c", "sleep 500 & echo done").ok().out == "done\n"


def test_exec_detached(web):
    web.mdocker("exec", "-d", "web", "sh", "-c", "echo x > /tmp/made; sleep 100").ok()
    wait_until(lambda: web.mdocker("exec", "web", "cat", "/tmp/made").out == "x\n", "the state that was waited for")


# ---- terminals ----

def test_a_terminal_is_one_inside_too(box):
    with box.terminal("run", "--rm", "busybox", "/bin/sh") as t:
        t.expect("# ")
        t.line("tty; stty size")
        t.expect(r"/dev/pts/0\r\n24 80")
        t.resize(31, 99)
        t.line("until stty size | grep '31 99'; do sleep 0.05; done")
        t.expect("\n31 99\r")
        t.line("exit 3")
        assert t.wait() == 3


def test_ctrl_c_and_job_control(box):
    with box.terminal("run", "--rm", "busybox", "/bin/sh") as t:
        t.expect("# ")
        assert b"job control" not in t.output and b"can't access tty" not in t.output
        t.line("sh -c 'echo it-$((6*7)); sleep 100'")
        t.expect("it-42")
        t.send("\x03")
        t.line("echo code-$?")
        t.expect("code-130")
        t.line("sleep 50 &")
        t.line("jobs")
        t.expect("Running")
        t.line("exit")
        t.wait()


def test_the_callers_terminal_is_as_before(box):
    import termios
    with box.terminal("run", "--rm", "busybox", "/bin/sh") as t:
        t.expect("# ")
        assert termios.tcgetattr(t.master) != t.settings
        t.line("exit")
        t.wait()
        assert termios.tcgetattr(t.master) == t.settings


def test_detach_and_attach(box):
    with box.terminal("run", "--name", "d", "busybox", "/bin/sh") as t:
        t.expect("# ")
        t.line("X=remembered")
        t.expect("# ")
        t.send("\x10\x11")
        assert t.wait() == 0
    assert "Up" in box.mdocker("ps").ok().out
    with box.terminal("attach", "d") as t, box.terminal("attach", "--read-only", "d") as watcher:
        t.line("echo $X-$((6*7))")
        t.expect("remembered-42")
        watcher.expect("remembered-42")
        watcher.line("echo never-$((6*7))")
        t.line("exit 4")
        assert t.wait() == 4
        assert watcher.wait() == 4
        assert b"never-42" not in t.output


def test_a_closed_window_leaves_the_shell_running(box):
    with box.terminal("run", "--name", "w", "busybox", "/bin/sh") as t:
        t.expect("# ")
    assert "Up" in box.mdocker("ps").ok().out


def test_exec_on_a_terminal(web):
    with web.terminal("exec", "web", "/bin/sh") as t:
        t.expect("# ")
        t.line("exit 6")
        assert t.wait() == 6


def test_a_terminal_is_asked_for_but_there_is_none(web):
    assert web.mdocker("run", "-t", "busybox", "true").code == 125
    assert web.mdocker("exec", "-t", "web", "true").code == 125
    assert web.mdocker("attach", "web").code == 125


def test_raw_mode_is_restored_when_we_are_told_to_end(box):
    import termios
    with box.terminal("run", "--name", "t", "busybox", "/bin/sh") as t:
        t.expect("# ")
        t.signal()
        t.wait()
        assert termios.tcgetattr(t.master) == t.settings


def test_modes_of_what_is_kept(web):
    """Nobody but root reads a workspace's files or talks to its shim."""
    (workspace,) = web.workspaces()
    sock = web.state / "workspaces" / workspace / "shim.sock"
    assert stat.S_IMODE(sock.stat().st_mode) == 0o600
    assert stat.S_IMODE((web.root / "workspaces").stat().st_mode) == 0o700
    assert stat.S_IMODE((web.root / "workspaces" / workspace / "workspace.json").stat().st_mode) == 0o600
