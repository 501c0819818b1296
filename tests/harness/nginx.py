# SPDX-License-Identifier: Apache-2.0
"""nginx with TLS in front of mdockerd, as an administrator would configure it: its own folder, a port of loopback."""

import http.client
import socket
import ssl
import subprocess

from .process import DEADLINE, ENVIRONMENT, wait_until
from .server import TerminalSocket, free_port

CONFIG = """daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_certificate {cert};
		ssl_certificate_key {key};
		proxy_set_header Host $http_host;
		proxy_set_header X-Forwarded-For $remote_addr;
		proxy_set_header X-Forwarded-Proto $scheme;
		location {base}/ {{
			proxy_pass http://127.0.0.1:{upstream};
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection upgrade;
			proxy_read_timeout {read_timeout}s;
			proxy_buffering off;
		}}
		location = /forgotten {{ # what a configuration without the lines about Upgrade does
			proxy_pass http://127.0.0.1:{upstream}{base}/ws;
			proxy_http_version 1.1;
		}}
	}}
}}
"""


def certificate(folder, days=1, names="IP:127.0.0.1", stem="nginx"):
    """Of `names`, good for so many days from now; a negative number: it ended before."""
    cert, key = folder / f"{stem}.pem", folder / f"{stem}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    "1", "-subj", "/CN=test", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-in", cert, "-signkey", key, "-days", str(days), "-out", cert], check=True, capture_output=True)
    key.chmod(0o600)
    return cert, key


class Nginx:
    def __init__(self, place, upstream, base, read_timeout=60, change=lambda text: text, **cert):
        """`change` alters the configuration; `cert`: how certificate() makes its own."""
        self.folder = place.folder / "nginx"
        self.folder.mkdir()
        self.port, self.base, self.process = free_port(), base, None
        self.cert, key = certificate(self.folder, **cert)
        self.context = ssl.create_default_context(cafile=str(self.cert))
        (self.folder / "conf").write_text(change(CONFIG.format(folder=self.folder, port=self.port, cert=self.cert, key=key,
                                                               base=base, upstream=upstream, read_timeout=read_timeout)))
        place.closers.append(self.kill)

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.folder, "-e", self.folder / "error.log", "-c",
                                         self.folder / "conf"], stdin=subprocess.DEVNULL, env=ENVIRONMENT)
        wait_until(self.answers, "nginx answers")
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "error.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
            return True
        except OSError:
            return False

    def kill(self):
        """Ends its worker with it, and all connections."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)

    def request(self, method, path, body=None, headers=None):
        c = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        r.text = r.read().decode()
        c.close()
        return r

    def socket(self, cookie, query="", **more):
        return TerminalSocket(f"wss://127.0.0.1:{self.port}{self.base}/ws{query}", cookie, ssl=self.context, **more)
