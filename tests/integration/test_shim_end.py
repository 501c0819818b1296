# SPDX-License-Identifier: Apache-2.0
"""How a workspace ends: stop, a dead PID 1, a killed shim, limits."""

import re
import signal
import subprocess

from harness.shim import *  # noqa: F403

STUBBORN = ["/bin/sh", "-c", "trap '' TERM HUP INT; while :; do sleep 1000 & wait $!; done"]


def test_stop_tells_everybody_who_and_leaves_nothing(shim):
    s = shim()
    with s.client() as user, s.client() as admin:
        user.attach()
        user.expect("$ ")
        assert admin.ask("stop", timeout_ms=10000, tail=["admin"]).name == "done"
        n = user.wait("notice")
        assert n.kind == NOTICE_STOPPING and "stopped by admin" in n.strings[0]
        e = user.wait("exit")
        assert e.reason == EXIT_STOPPED and e.strings == ["stopped by admin"]
    s.wait_gone()
    assert not s.socket.exists() and not (s.folder / "s.d").exists() and not (s.folder / "pid").exists()


def test_what_ignores_every_signal_is_gone_after_the_timeout(shim):
    s = shim(init=STUBBORN, shell=STUBBORN)
    with s.client() as c:
        c.attach()
        started = time.monotonic()
        assert c.ask("stop", timeout_ms=1000, tail=[""]).name == "done"
        assert time.monotonic() - started > 0.9
    s.wait_gone()


def test_a_second_stop_can_hurry(shim):
    s = shim(init=STUBBORN, shell=STUBBORN)
    with s.client() as c, s.client() as d:
        c.attach()
        c.wait("presence")
        c.send("stop", timeout_ms=60000, tail=[""])
        c.wait("notice")
        assert d.ask("stop", timeout_ms=0, tail=[""]).name == "done"  # within half of that
    s.wait_gone()


def test_a_frozen_container_is_stopped(shim):
    s = shim()
    with s.shell() as c:
        run([s.runtime, "--root", s.folder / "runtime", "pause", s.id]).ok()
        assert c.ask("stop", timeout_ms=5000, tail=[""]).name == "done"
    s.wait_gone()


def test_a_dead_first_process_ends_all_terminals_with_the_reason(shim):
    s = shim()
    with s.shell() as c:
        os.kill(s.ready["init"], signal.SIGKILL)
        e = c.wait("exit")
        assert e.reason == EXIT_INIT and "first process" in e.strings[0]
    s.wait_gone()


def test_sigterm_to_the_shim_is_a_stop(shim):
    s = shim()
    with s.shell() as c:
        os.kill(s.pid, signal.SIGTERM)
        assert c.wait("exit").reason == EXIT_STOPPED
    s.wait_gone()


def test_a_killed_shim_hangs_up_and_the_next_start_cleans(shim):
    s = shim()
    with s.shell() as c:
        shell = c.ask("list").pid
        os.kill(s.pid, signal.SIGKILL)
        while c.receive() is not None:
            pass
    wait_until(lambda: not os.path.exists(f"/proc/{shell}") or leaks.zombie(shell), "the kernel hung the shell up")
    run([s.runtime, "--root", s.folder / "runtime", "delete", "--force", s.id]).ok()
    assert s.start()["stage"] == "ready"
    s.shell().close()


def test_a_runtime_that_fails_is_told_and_leaves_nothing(shim):
    s = shim(start=False, change=lambda config, process: config["root"].update(path="/nowhere"))
    ready = s.start()
    assert ready["stage"] == "create" and "nowhere" in ready["error"], ready
    assert not s.socket.exists() and not (s.folder / "s.d").exists()


def killed_pid(text, name):
    """The pid that a notice of the memory limit tells of its only victim; None if it tells the name alone."""
    m = re.search(r"32 MiB memory limit: (\S+)(?: \(pid (\d+)\))?$", text)
    assert m and m[1] == name, text
    return m[2] and int(m[2])


def hog_pid(c):
    c.expect("hog-")
    return int(c.expect("-end")[:-len("-end")])


def until_a_pid_is_told(hog, deadline=120):
    """hog() runs one and returns its own pid and the notice. What is gone before anybody on a busy machine looks is told of by
    its name alone: then another one must do."""
    end = time.monotonic() + deadline
    while True:
        own, text = hog()
        told = killed_pid(text, "tail")
        assert told in (None, own), (own, text)
        if told:
            return told
        assert time.monotonic() < end, f"the pid was never known: {text}"


def test_the_memory_limit_is_named_with_its_victim_and_its_pid(shim):
    s = shim(resources={"memory": {"limit": 32 << 20, "swap": 32 << 20}, "pids": {"limit": 100}})
    with s.shell() as c:
        # Namesakes: one that lives, and one that another has killed.
        c.type("sleep 1000 | tail & sleep 1000 | tail & kill -9 $!; echo r'ead'y\r")
        c.expect("ready")

        def hog():
            c.type("sh -c 'echo h\"og\"-$$-end; exec tail /dev/zero'\r")
            own, n = hog_pid(c), c.wait("notice")
            assert n.kind == NOTICE_OOM, n
            return own, n.strings[0]

        assert len({until_a_pid_is_told(hog) for _ in range(3)}) == 3


def test_a_shell_killed_by_the_memory_limit_says_so_at_its_end(shim):
    s = shim(resources={"memory": {"limit": 32 << 20, "swap": 32 << 20}},
             shell=["/bin/sh", "-c", "echo hog-$$-end; exec tail < /dev/zero"])

    def hog():
        with s.client() as c:
            c.attach()
            own, e = hog_pid(c), c.wait("exit")
            assert e.reason == EXIT_OOM, e
            return own, e.strings[0]

    until_a_pid_is_told(hog)


def test_the_process_limit_is_named(shim):
    s = shim(resources={"pids": {"limit": 12}})
    with s.shell() as c:
        c.type("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 100 & done\r")
        n = c.wait("notice")
        assert n.kind == NOTICE_PIDS and "limit of 12 processes" in n.strings[0], n


def test_the_half_that_reads_the_terminals_has_no_privilege(shim):
    s = shim()
    with s.shell() as c:
        status = dict(line.split(":\t", 1) for line in leaks.read(f"/proc/{s.holder()}/status").splitlines()
                      if ":\t" in line)
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
        assert not status["Groups"].strip()
        assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == 0
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_a_killed_holder_takes_the_container_with_it(shim):
    s = shim()
    with s.shell() as c:
        os.kill(s.holder(), signal.SIGKILL)
        while c.receive() is not None:
            pass
    s.wait_gone()
    assert not os.path.exists(f"/proc/{s.ready['init']}") or leaks.zombie(s.ready["init"])
    assert not s.socket.exists() and not (s.folder / "s.d").exists()


def wrapped(shim, folder, verb, script):
    """A runtime that does `script` when it is asked for `verb`, and else is the real one."""
    path = folder / "runtime.sh"
    path.write_text(f'#!/bin/sh\nfor w in "$@"; do [ "$w" = {verb} ] && {{ {script}; break; }}; done\n'
                    f'exec {shim.runtime} "$@"\n')
    path.chmod(0o755)
    return str(path)


def test_a_runtime_that_is_killed_is_an_error_and_nothing_more(shim, tmp_path):
    flag = tmp_path / "once"
    flag.write_text("")
    s = shim(runtime=wrapped(shim, tmp_path, "exec", f"rm {flag} && exec sleep 1000 2>/dev/null"))
    with s.client() as c:
        serial = c.send("new_terminal", flags=NEW_TTY, tail=["", "", ""])
        wait_until(lambda: not flag.exists(), "the runtime runs")
        children = leaks.read(f"/proc/{s.pid}/task/{s.pid}/children").split()
        (sleeper,) = wait_until(lambda: [int(p) for p in children if leaks.read(f"/proc/{p}/comm") == "sleep\n"],
                                "it sleeps")
        assert c.ask("ping", cookie=3).cookie == 3  # nobody waits for it
        os.kill(sleeper, signal.SIGKILL)
        assert c.wait("error", serial=serial).strings[0]
        assert c.attach().terminal == 2
        c.expect("$ ")


def test_a_delete_that_fails_is_tried_again(shim, tmp_path):
    flag = tmp_path / "once"
    flag.write_text("")
    s = shim(runtime=wrapped(shim, tmp_path, "delete", f"rm {flag} 2>/dev/null && exit 1"))
    with s.shell() as c:
        assert c.ask("stop", timeout_ms=5000, tail=[""]).name == "done"
    s.wait_gone()
    wait_until(lambda: not os.path.exists(f"/proc/{s.ready['init']}") or leaks.zombie(s.ready["init"]), "PID 1 is gone")
    assert run([shim.runtime, "--root", s.folder / "runtime", "state", s.id]).code != 0


def test_the_starter_that_dies_leaves_a_shim_that_serves(shim):
    s = shim(start=False)
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    p = subprocess.Popen(["unshare", "-m", "--propagation", "private", *map(str, s.command(writing))],
                         pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    os.close(writing)
    os.close(reading)  # nobody reads the ready line
    p.wait(DEADLINE)
    s.pid = wait_until(lambda: (s.folder / "pid").exists() and int((s.folder / "pid").read_text()), "the pid file")

    def answers():
        try:
            return s.client()
        except OSError:
            return None

    with wait_until(answers, "the shim serves") as c:
        c.attach()
        c.expect("$ ")
