# SPDX-License-Identifier: Apache-2.0
"""What the compiler and the linker were to build in is in every program: by hardening-check(1), which knows only what is linked
dynamically, and by readelf and nm."""

import os
import re
import signal
import subprocess

import pytest

from harness import PROGRAMS, leaks, program
from harness.process import run, wait_until
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


def test_the_static_ones_have_the_stack_protector():
    for name in STATIC:
        assert "__stack_chk_fail" in symbols(program(name)), name


@pytest.mark.parametrize("name", STATIC)
def test_what_is_relocated_is_read_only_in_the_static_ones(name, tmp_path):
    """Their C library leaves that to a dynamic linker, which they haven't."""
    begin, size = re.search(r"GNU_RELRO +\w+ (\w+) \w+ \w+ (\w+)", readelf("-l", program(name))).groups()
    page = int(begin, 16) & -4096
    size = int(begin, 16) + int(size, 16) - page & -4096
    trace = tmp_path / "trace"
    p = subprocess.Popen(["strace", "-o", trace, "-e", "trace=mprotect", program(name), "--version"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: trace.exists() and re.search(rf"mprotect\(0x\w+{page & 0xfff:03x}, {size}, PROT_READ\) += 0", trace.read_text()),
                   "the protection")
    finally:
        for child in leaks.children(p.pid):
            os.kill(child, signal.SIGTERM)
        p.wait(10)


def test_each_object_of_ours_can_be_reached_by_marked_jumps_only():
    """CET, on the processors that have it."""
    if "x86-64" not in readelf("-h", program("mdocker")):
        return
    objects = [o for o in PROGRAMS.rglob("*.c.o") if "mdocker-init.p" not in str(o)]
    assert len(objects) > 100
    for path in objects:
        assert "IBT, SHSTK" in readelf("-n", path), path
