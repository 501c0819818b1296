# SPDX-License-Identifier: Apache-2.0
"""Programs built with AddressSanitizer, UBSan or ThreadSanitizer (tests/run --long): what they reported is a failure of the test
in which they did."""

import os

SANITIZED = bool(os.environ.get("MD_SANITIZED"))
# What they are told by default is in src/base/sanitizer.c.
ENVIRONMENT = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ}
WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


def told(text):
    return any(w in text for w in WORDS)


def reports(folder):
    """The logs below a folder that hold a report, each with it."""
    logs = [f for pattern in ("log", "*.log") for f in folder.rglob(pattern)] if SANITIZED else []
    texts = {f: f.read_text(errors="replace") for f in logs if f.is_file() and not f.is_symlink()}
    return [f"{f}: {text[-8000:]}" for f, text in texts.items() if told(text)]
