# SPDX-License-Identifier: Apache-2.0
"""What the tests on the real programs stand on: places of their own, programs with deadlines, terminals, leaks."""

import os
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MD_BUILD", REPOSITORY / "build")).resolve()
PROGRAMS = BUILD / "src"


def program(name):
    """The path of a built program; a missing one is a failure that says so."""
    path = PROGRAMS / name
    assert path.exists(), f"{path} is not built: run `make` first"
    return str(path)
