# SPDX-License-Identifier: Apache-2.0
"""A shell that is not lost: not with the tab, not with the browser, not with the server."""

import os
import signal

from harness.process import wait_until


def test_closing_the_tab_loses_nothing(server):
    session = server.login("alice")
    first = session.shell()
    first.line("marker=in-memory; sleep 4242 & echo started-$((6*7))")
    first.expect("started-42")
    first.close()
    again = session.open()
    again.expect("started-42")  # the last output is on the screen
    assert again.ask("echo $marker; jobs").startswith("in-memory\n[1]+  Running")


def test_another_browser_gives_the_same_shell(server):
    first = server.login("alice").shell()
    first.line("marker=in-memory; echo shown-$((6*7))")
    first.expect("shown-42")
    other = server.login("alice").open()
    other.expect("shown-42")
    assert other.ask("echo $marker") == "in-memory\n"
    other.line("echo typed-$((6*8))")
    first.expect("typed-48")  # both see what either types


def test_a_restart_of_the_server_loses_neither_shell_nor_files(server):
    shell = server.login("alice").shell()
    shell.line("marker=in-memory; echo kept > /root/file; sleep 4242 & echo started-$((6*7))")
    shell.expect("started-42")
    assert server.stop() == 0
    server.start()
    shell = server.login("alice").open()
    shell.expect("started-42")
    assert shell.ask("echo $marker; cat /root/file; pgrep -f 'sleep 4242' | wc -l") == "in-memory\nkept\n1\n"


def test_killing_every_process_of_the_server_loses_no_shell(server):
    shells = {user: server.login(user).shell() for user in ("alice", "bob")}
    for user, shell in shells.items():
        shell.line(f"marker=of-{user}; echo started-$((6*7))")
        shell.expect("started-42")
    assert len(server.pids()) >= 3  # broker, auth, web
    server.kill()
    assert set(server.place.mdocker("ps", "-q").ok().out.split()) == server.place.workspaces()
    server.start()
    for user in shells:
        shell = server.login(user).open()
        shell.expect("started-42")
        assert shell.ask("echo $marker") == f"of-{user}\n"


def test_killing_one_role_of_the_server_loses_no_shell(server):
    """Whichever is killed: the server is back by itself, or has ended as a whole for its supervisor to start it again."""
    shell = server.login("alice").shell()
    shell.ask("marker=in-memory")
    for victim in sorted(server.pids() - {server.process.pid}):
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: server.process.poll() is not None or takes_logins(server), "the server is back or has ended")
        if server.process.poll() is not None:
            server.kill()
            server.start()
        assert server.login("alice").open().ask("echo $marker") == "in-memory\n"


def takes_logins(server):
    try:
        body = {"username": "alice", "password": "password"}
        return server.request("POST", "/api/v1/login", body, timeout=5).status == 200
    except OSError:
        return False


def test_output_goes_on_while_nobody_looks(server):
    session = server.login("alice")
    shell = session.shell()
    shell.line("for i in 1 2 3; do sleep 0.3; echo tick-$i; done")
    shell.close()
    session.open().expect("tick-3")


def test_a_file_survives_a_stop_of_the_workspace(server):
    session = server.login("alice")
    session.shell().ask("echo kept > /root/file; echo gone > /mytemp/file")
    server.place.mdocker("stop", "--all").ok()
    assert server.place.mdocker("ps", "-q").ok().out == ""
    assert session.shell().ask("cat /root/file; ls /mytemp") == "kept\n"


def test_exit_is_told_and_a_new_shell_is_to_be_had(server):
    session = server.login("alice")
    shell = session.shell(subprotocol="mdocker.v1")
    shell.expect_message("hello")
    shell.line("exit 7")
    assert shell.expect_message("exit")["code"] == 7
    assert session.shell().ask("echo $((6*7))") == "42\n"
