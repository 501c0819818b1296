# SPDX-License-Identifier: Apache-2.0
"""Runs prove.mjs, and records what real programs write to a terminal."""

import base64
import json
import os
import pathlib
import subprocess

from harness.terminal import Terminal

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("MD_BUILD", HERE.parents[1] / "build"))
SCROLLBACK = 1000


def prove(*args, minutes=5):
    """Fails with what prove.mjs has found."""
    run = subprocess.run(["node", HERE / "prove.mjs", BUILD / "tests/screen/screen-driver", *map(str, args)],
                         capture_output=True, text=True, timeout=minutes * 60)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]


class Recording(Terminal):
    """A terminal that keeps when its size changed."""

    def __init__(self, argv, rows=24, cols=80, env=None):
        self.sizes = []
        super().__init__(argv, rows, cols, {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | (env or {}))

    def resize(self, rows, cols):
        super().resize(rows, cols)
        self.sizes.append((len(self.output), rows, cols))

    def stream(self):
        """As prove.mjs reads it."""
        (_, rows, cols), *later = self.sizes
        pieces, at = [], 0
        for offset, new_rows, new_cols in later:
            pieces += [base64.b64encode(self.output[at:offset]).decode(), {"rows": new_rows, "cols": new_cols}]
            at = offset
        pieces.append(base64.b64encode(self.output[at:]).decode())
        return {"rows": rows, "cols": cols, "scrollback": SCROLLBACK, "pieces": pieces}

    def prove(self, folder, cuts):
        file = folder / "stream.json"
        file.write_text(json.dumps(self.stream()))
        prove("recorded", file, cuts)
