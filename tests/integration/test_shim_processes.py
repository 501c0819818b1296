# SPDX-License-Identifier: Apache-2.0
"""Processes without a terminal, exit codes, the main process, the output log."""

import signal

from harness.shim import *  # noqa: F403


def start_with_pipes(c, *argv, **more):
    """A process without tty: its number and our ends of stdin, stdout, stderr."""
    pipes = [os.pipe() for _ in range(3)]
    theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
    m = c.new(*argv, flags=0, fds=theirs, **more)
    for fd in theirs:
        os.close(fd)
    return m, open(pipes[0][1], "wb"), open(pipes[1][0], "rb"), open(pipes[2][0], "rb")


def test_pipes_go_straight_to_the_process(shim):
    s = shim()
    with s.client() as c:
        m, stdin, stdout, stderr = start_with_pipes(c, "/bin/sh", "-c", "cat; echo err >&2; exit 5")
        assert m.name == "created", m
        stdin.write(b"through\n" * 1000)
        stdin.close()
        assert stdout.read() == b"through\n" * 1000 and stderr.read() == b"err\n"
        e = c.ask("wait", terminal=m.terminal)
        assert (e.code, e.signal) == (5, 0)
        assert c.attach(m.terminal, flags=0).code == 61  # ENODATA: nothing of it went through us


def test_exit_codes_and_signals_are_exact(shim):
    s = shim()
    with s.client() as c:
        for script, code, signo in (("exit 0", 0, 0), ("exit 42", 42, 0), ("kill -9 $$", 137, 9), ("kill -11 $$", 139, 11)):
            m = c.new("/bin/sh", "-c", script)
            assert m.name == "created", m
            e = c.ask("wait", terminal=m.terminal)
            assert (e.name, e.code, e.signal) == ("exit", code, signo), script


def test_what_can_not_be_run_says_why_with_dockers_code(shim):
    s = shim()
    with s.client() as c:
        m = c.new("/nope")
        assert (m.name, m.exit_code) == ("error", 127) and "/nope" in m.strings[0], m
        m = c.new("/etc/passwd")
        assert (m.name, m.exit_code) == ("error", 126), m
        m = c.new("/bin/sh", user="root")
        assert m.name == "error" and "numbers" in m.strings[0]
        m = c.new("/bin/sh", env=["NOEQUALS"])
        assert m.name == "error" and "NOEQUALS" in m.strings[0]
        assert c.ask("list").name == "done"


def test_environment_user_and_folder_of_a_request(shim):
    s = shim()
    with s.client() as c:
        m = c.new("/bin/sh", "-c", "id -u; id -g; pwd; echo $A-$TERM; sleep 1000", user="1000:1001", cwd="/tmp",
                  env=["A=b"])
        c.attach(m.terminal, flags=0, start=0)
        c.expect("1000\r\n1001\r\n/tmp\r\nb-xterm-256color\r\n")
        m = c.new("/bin/sh", "-c", "echo [$A$TERM]; sleep 1000", env=["A=only"], flags=NEW_TTY | NEW_ENV_ONLY)
    with s.client() as c:
        c.attach(m.terminal, flags=0, start=0)
        c.expect("[only]\r\n")


def test_a_signal_reaches_a_process_and_the_container(shim):
    s = shim()
    with s.client() as c:
        m = c.new("/bin/sleep", "1000")
        assert c.ask("signal", terminal=m.terminal, signo=signal.SIGTERM).name == "done"
        assert c.ask("wait", terminal=m.terminal).signal == signal.SIGTERM
        assert c.ask("signal", terminal=m.terminal, signo=9).code == 2  # ENOENT
        assert c.ask("signal", terminal=0, signo=0).code == 22
        assert c.ask("signal", terminal=0, signo=signal.SIGUSR1).name == "done"


def test_main_without_tty_goes_to_the_output_log_and_ends_everything(shim):
    s = shim(options=["--main"], shell=["/bin/sh", "-c", "echo out; echo err >&2; printf end; exit 9"])
    s.wait_gone()
    assert json.loads((s.folder / "exit").read_text())["code"] == 9
    entries = [json.loads(x) for x in (s.folder / "output").read_text().splitlines()]
    assert {(e["log"], e["stream"]) for e in entries} == {("out\n", "stdout"), ("err\n", "stderr"), ("end", "stdout")}
    assert not s.socket.exists()


def test_main_that_can_not_be_run_is_told_at_the_start(shim):
    s = shim(options=["--main", "--main-tty"], shell=["/nope"], start=False)
    ready = s.start()
    assert ready["stage"] == "main" and ready["exit"] == 127 and "/nope" in ready["error"]
    assert json.loads((s.folder / "exit").read_text())["code"] == 127


def test_main_waits_for_the_first_who_attaches(shim):
    s = shim(options=["--main", "--main-tty", "--main-wait"], shell=["/bin/sh", "-c", "stty size; exit 4"])
    with s.client() as c:
        assert c.ask("list").name == "done"
        c.attach(1, flags=0, rows=33, cols=77)
        c.expect("33 77\r\n")
        assert c.wait("exit").code == 4
    s.wait_gone()


def test_who_waits_for_main_hears_its_end_before_the_connection_does(shim):
    s = shim()
    with s.client() as c:
        m = c.new("/bin/sh", "-c", "echo quick; exit 6", flags=NEW_TTY | NEW_MAIN)
        e = c.ask("wait", terminal=m.terminal)
        assert e.code == 6
        c.attach(m.terminal, flags=0, start=0)
        assert c.wait("exit").code == 6 and b"quick" in c.output
    s.wait_gone()


def test_stdio_of_the_command_line_is_mains(shim, tmp_path):
    s = shim(options=["--main", "--stdio"], shell=["/bin/sh", "-c", "tr a-z A-Z; echo e >&2"], start=False)
    with open(tmp_path / "in", "wb") as f:
        f.write(b"hello\n")
    with open(tmp_path / "in") as i, open(tmp_path / "out", "w") as o, open(tmp_path / "err", "w") as e:
        s.start(stdio={"stdin": i, "stdout": o, "stderr": e})
    s.wait_gone()
    assert (tmp_path / "out").read_text() == "HELLO\n"
    assert (tmp_path / "err").read_text() == "e\n"


def test_the_output_log_is_bounded(shim):
    s = shim(options=["--main", "--output-log-size", "50k"], shell=["/bin/seq", "1", "20000"])
    s.wait_gone()
    sizes = [(s.folder / n).stat().st_size for n in ("output", "output.1")]
    assert all(n < 60000 for n in sizes)
    assert json.loads((s.folder / "output").read_text().splitlines()[-1])["log"] == "20000\n"


def test_a_logged_process_can_be_watched(shim):
    s = shim()
    with s.client() as c:
        m = c.new("/bin/sh", "-c", "echo first; sleep 1000", flags=NEW_LOG)
        log = s.folder / "output"
        wait_until(lambda: log.exists() and b"first" in log.read_bytes(), "the first line is logged")
        c.attach(m.terminal, flags=0, start=0)
        c.expect("first\n")
        assert c.ask("input", tail=b"x").code == 1  # EPERM: there is nothing to type into
