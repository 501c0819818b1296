# SPDX-License-Identifier: Apache-2.0
"""Many logged-in users of a server of this machine. Their accounts and sessions are written straight into the database: the
password's hash, which costs 0.15 s of a core each, is not what these benches measure."""

import hashlib
import os
import sqlite3
import time


class Users:
    def __init__(self, server):
        self.server = server
        self.database = server.place.root / "auth" / "minidocker.db"
        self.sessions = {}

    def need(self, names):
        """Makes those of `names` that are missing."""
        missing = [n for n in names if n not in self.sessions]
        now = int(time.time())
        with sqlite3.connect(self.database, timeout=30) as db:
            for name in missing:
                secret = os.urandom(32)
                user = db.execute("INSERT INTO users (name, hash, role, created) VALUES (?, 'none', 0, ?)", (name, now)).lastrowid
                db.execute("INSERT INTO sessions (user_id, secret, created, seen) VALUES (?, ?, ?, ?)",
                           (user, hashlib.sha256(secret).digest(), now, now))
                self.sessions[name] = secret.hex()
        db.close()

    def log_in(self, name):
        """One that the server knows already."""
        self.sessions[name] = self.server.login(name).cookie.partition("=")[2]

    def channel(self, name, query=""):
        """The user's terminal, as bench-client names it."""
        return f"mdocker:{self.server.port}:{query or '?'}:mdocker={self.sessions[name]}"
