# SPDX-License-Identifier: Apache-2.0
"""The roles of mdockerd hold no more than they need; TLS; a role that dies comes back."""

import os
import signal
import socket
import ssl
import subprocess
import time

import pytest

from harness import program
from harness.nginx import certificate
from harness.process import DEADLINE, open_files, run, wait_until
from harness.web import WebServer, web  # noqa: F401


def status_fields(pid):
    return dict(line.rstrip("\n").split(":\t", 1) for line in open(f"/proc/{pid}/status") if ":\t" in line)


@pytest.mark.parametrize("role", ["web", "auth"])
def test_a_role_has_no_privilege_left(web, role):
    pid = web.roles()[role]
    s = status_fields(pid)
    uids = set(s["Uid"].split())
    assert len(uids) == 1 and "0" not in uids
    assert "0" not in s["Gid"].split() and s["Groups"].split() == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(s[name], 16) == 0, name
    assert s["NoNewPrivs"] == "1"
    assert s["Seccomp"] == "2"
    root = os.readlink(f"/proc/{pid}/root")
    if role == "web":
        assert os.listdir(f"/proc/{pid}/root") == [] and root.startswith(str(web.place.state))
    else:
        assert root == str(web.place.root / "auth")
    allowed = ["socket:", "anon_inode:", "pipe:", "/dev/null", "/dev/urandom", str(web.log)]
    allowed += [str(web.place.root / "auth")] if role == "auth" else []
    for _, target in open_files(pid):
        assert target.startswith(tuple(allowed)), target
    limits = open(f"/proc/{pid}/limits").read()
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]


def test_each_role_is_kept_from_the_oom_killer_where_the_host_lets_us(web):
    own = int(open("/proc/self/oom_score_adj").read())
    may = int(status_fields(os.getpid())["CapEff"], 16) >> 24 & 1  # CAP_SYS_RESOURCE
    for role, pid in web.roles().items():
        assert int(open(f"/proc/{pid}/oom_score_adj").read()) == (min(own, -500) if may else own), role


def test_web_and_auth_have_different_users(web):
    r = web.roles()
    assert len({status_fields(r[role])["Uid"].split()[0] for role in ("web", "auth", "broker")}) == 3


def test_the_folder_of_auth_is_closed_to_web_and_the_world(web):
    s = (web.place.root / "auth").stat()
    assert s.st_mode & 0o777 == 0o700
    assert s.st_uid == int(status_fields(web.roles()["auth"])["Uid"].split()[0])
    for name in ("minidocker.db", "audit.log", "audit.head"):
        assert (web.place.root / "auth" / name).stat().st_mode & 0o077 == 0, name


def test_a_role_is_not_started_by_hand(place):
    for role in ("web", "auth"):
        r = run([program("mdockerd"), "--role", role])
        assert r.code != 0 and len(r.err.splitlines()) == 1, r


def test_dead_roles_come_back_and_a_dead_broker_takes_all_with_it(web):
    for round in range(3):
        for role in ("auth", "web"):
            before = web.roles()
            os.kill(before[role], signal.SIGKILL)
            wait_until(lambda: web.roles().get(role) not in (None, before[role]), f"another {role}")
            wait_until(lambda: web.answers(), "it answers")
            assert web.login("alice").request("GET", "/api/v1/me").status == 200
    os.kill(web.roles()["broker"], signal.SIGKILL)
    web.process.wait(DEADLINE)
    wait_until(lambda: not web.pids(), "all ended")


def test_sigterm_ends_all_and_says_so(web):
    assert web.stop() == 0
    assert "workspaces go on running" in web.said()


def tls_socket(web, ciphers=None, **more):
    context = ssl.create_default_context()
    if ciphers:
        context.set_ciphers(ciphers)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in more.items():
        setattr(context, name, value)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", web.port), DEADLINE))


def tls_ask(web, request):
    with tls_socket(web) as s:
        s.sendall(request)
        got = b""
        while part := s.recv(65536):
            got += part
        return got.decode(errors="replace"), s.getpeercert(True)


GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@pytest.fixture
def secure(place):
    cert, key = certificate(place.folder, stem="first")
    web = WebServer(place, "--tls-cert", str(cert), "--tls-key", str(key))

    def answers():
        assert web.process.poll() is None, web.said()
        try:
            return " 200 " in tls_ask(web, GET)[0]
        except OSError:
            return False

    web.answers = answers
    return web.start()


def test_tls_has_secure_cookies_and_modern_settings(secure):
    body = b'{"username":"alice","password":"password"}'
    text, _ = tls_ask(secure, b"POST /api/v1/login HTTP/1.1\r\nHost: any.name\r\nContent-Type: application/json\r\n"
                              b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert " 200 " in text and "strict-transport-security: max-age=" in text
    assert "set-cookie: __Host-mdocker=" in text and "; Secure" in text
    for old in ("-tls1", "-tls1_1"):
        # At the usual level of security the client itself knows none of these, and the server isn't asked.
        asked = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", old, "-cipher", "DEFAULT@SECLEVEL=0"],
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
        assert "alert protocol version" in asked.stderr, asked.stdout + asked.stderr
    with tls_socket(secure, maximum_version=ssl.TLSVersion.TLSv1_2) as s:
        assert "ECDHE" in s.cipher()[0]
    for old in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"):
        with pytest.raises(ssl.SSLError):
            tls_socket(secure, maximum_version=ssl.TLSVersion.TLSv1_2, ciphers=old)
    with tls_socket(secure) as s:
        assert s.version() == "TLSv1.3"
    assert secure.raw(GET, timeout=5)[:13] != b"HTTP/1.1 200 ", "no plain http on the same port"


def test_a_new_certificate_is_taken_without_dropping_anybody(secure):
    folder = secure.place.folder
    with tls_socket(secure) as old:
        first = old.getpeercert(True)
        cert, key = certificate(folder, stem="second")
        os.replace(cert, folder / "first.pem")
        os.replace(key, folder / "first.key")
        secure.process.send_signal(signal.SIGHUP)
        wait_until(lambda: tls_ask(secure, GET)[1] != first, "the new certificate")
        old.sendall(GET)
        assert b" 200 " in old.recv(65536)
    (folder / "first.pem").write_text("broken")
    secure.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the old certificate stays" in secure.said(), "it says so")
    assert " 200 " in tls_ask(secure, GET)[0]


def test_garbage_and_silence_on_a_tls_port_hurt_nobody(secure):
    for data in (b"GET / HTTP/1.1\r\n\r\n", bytes(1000), b"\x16\x03\x01\xff\xff" + bytes(70000)):
        secure.raw(data, timeout=5)
    silent = socket.create_connection(("127.0.0.1", secure.port), 30)
    started = time.monotonic()
    assert silent.recv(10) == b""
    assert time.monotonic() - started < 25
    assert " 200 " in tls_ask(secure, GET)[0]
