# SPDX-License-Identifier: Apache-2.0
"""What the compiler and the linker were to build in is in every program: by hardening-check(1), which knows only what is linked
dynamically, and by readelf and nm."""

import re

import pytest

from harness import PROGRAMS, program
from harness.process import run
from harness.sanitizer import SANITIZED

pytestmark = pytest.mark.skipif(SANITIZED, reason="the sanitizers' build has its own checks instead")

DYNAMIC = ["mdocker", "mdocker-shim", "mdocker-unpack", "mdockerd"]
STATIC = ["mdocker-runtime", "mdocker-init"]


def readelf(option, path):
    return run(["readelf", option, "-W", path]).ok().out


def symbols(path):
    return set(re.findall(r"\w+$", run(["nm", path]).ok().out, re.MULTILINE))


@pytest.mark.parametrize("name", DYNAMIC)
def test_hardening_check_has_nothing_to_say(name):
    # Debian's start files have no CET, and without them no program is marked; see the objects below.
    r = run(["hardening-check", "--nocfprotection", program(name)]).ok()
    for wanted in ("Position Independent Executable: yes", "Stack protected: yes", "Fortify Source functions: yes",
                   "Read-only relocations: yes", "Immediate binding: yes"):
        assert wanted in r.out, r


@pytest.mark.parametrize("name", DYNAMIC + STATIC)
def test_addresses_at_random_relocations_read_only_and_no_executable_stack(name):
    path = program(name)
    segments, dynamic = readelf("-l", path), readelf("-d", path)
    assert "DYN (Position-Independent Executable file)" in readelf("-h", path)
    assert "GNU_RELRO" in segments and re.search(r"FLAGS_1.* NOW", dynamic)
    assert re.search(r"GNU_STACK .* RW  0x", segments)
    assert not re.search(r"LOAD .* RWE ", segments)
    assert not re.search(r"RPATH|RUNPATH|TEXTREL", dynamic)
    assert ("INTERP" in segments) == (name in DYNAMIC)


def test_the_static_ones_have_stack_protector_and_fortified_functions():
    assert {"__stack_chk_fail", "__snprintf_chk", "__memcpy_chk"} <= symbols(program("mdocker-runtime"))


def test_each_object_of_ours_can_be_reached_by_marked_jumps_only():
    """CET, on the processors that have it."""
    if "x86-64" not in readelf("-h", program("mdocker")):
        return
    objects = [o for o in PROGRAMS.rglob("*.c.o") if "mdocker-init.p" not in str(o)]
    assert len(objects) > 100
    for path in objects:
        assert "IBT, SHSTK" in readelf("-n", path), path
