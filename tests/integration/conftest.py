# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the integration tests. What all tests share is in ../conftest.py."""

import os
import shutil

import pytest

from harness import PROGRAMS
from harness.shim import Shim

RUNTIMES = [p for p in (str(PROGRAMS / "mdocker-runtime"), shutil.which("runc") or "/usr/sbin/runc") if os.path.exists(p)]


@pytest.fixture(params=RUNTIMES, ids=os.path.basename)
def shim(request):
    """Starts shims: shim(options=[...], shell=[...], start=True)."""
    made = []

    def make(start=True, **more):
        s = Shim(more.pop("runtime", request.param), **more)
        made.append(s)
        if start:
            ready = s.start()
            assert ready["stage"] == "ready", ready
        return s

    make.runtime = request.param
    yield make
    left = [x for s in made for x in s.close()]
    assert not any(left), f"left behind: {left}"
