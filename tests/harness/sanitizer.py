# SPDX-License-Identifier: Apache-2.0
"""Programs built with AddressSanitizer, UBSan or ThreadSanitizer (tests/run --long): what they reported is a failure of the test
in which they did."""

import os
import pathlib

SANITIZED = bool(os.environ.get("MD_SANITIZED"))
# What they are told by default is in src/base/sanitizer.c.
ENVIRONMENT = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ}
WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")
WRITTEN_INSIDE = ("upper", "work", "rootfs", "recordings")


def told(text):
    return any(w in text for w in WORDS)


def reports(folder):
    """The logs below a folder that hold a report, each with it."""
    texts = {f: f.read_text(errors="replace") for f in logs(folder)} if SANITIZED else {}
    return [f"{f}: {text[-8000:]}" for f, text in texts.items() if told(text)]


def logs(folder):
    """Ours only: what a workspace has written itself is as large and as deep as it likes."""
    for above, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in WRITTEN_INSIDE]
        for name in files:
            file = pathlib.Path(above, name)
            if (name == "log" or name.endswith(".log")) and file.is_file() and not file.is_symlink():
                yield file
