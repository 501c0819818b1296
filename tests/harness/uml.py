# SPDX-License-Identifier: Apache-2.0
"""A kernel of the test's own, whatever the host has: user-mode Linux, whose root is the host's, read-only. Debian's has a pure cgroup v2,
ext4 and xfs with quotas, AppArmor and SELinux."""

import re
import shutil

import pytest

from .process import run
from .sanitizer import SANITIZED

# The pytestmark of what boots one.
NEEDED = [pytest.mark.skipif(SANITIZED, reason="AddressSanitizer wants more addresses than user-mode Linux has"),
          pytest.mark.skipif(not shutil.which("linux.uml"), reason="this distribution has no user-mode Linux")]
PRELUDE = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp
mountpoint -q /dev || mount -t devtmpfs dev /dev; mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts
"""
# Scripts in there use it for each command whose output and exit code the test wants.
SAY = 'say() { echo "== $1"; shift; "$@" 2>&1; echo "code $?"; }\n'

# On a loaded host it sometimes loses one of its processes, and so it does when somebody stops and continues them: its own affair.
LOST = re.compile("fatal_sigsegv|wait_stub_done|child stopped with signal")

# systemd with no more than the bus and one unit, which is the script.
UNITS = r"""
U=/run/systemd/system; mkdir -p $U /run/dbus
printf '[Unit]\nRequires=dbus.socket test.service\nDefaultDependencies=no\n' >$U/test.target
printf '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n' >$U/dbus.socket
printf '[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nExecStart=/usr/bin/dbus-daemon --system --address=systemd: \
--nofork --nopidfile --systemd-activation --syslog-only\n' >$U/dbus.service
printf '[Unit]\nDefaultDependencies=no\nAfter=dbus.socket\nFailureAction=poweroff-force\nSuccessAction=poweroff-force\n[Service]\n\
Type=oneshot\nTimeoutStartSec=infinity\nExecStart=/bin/sh {script}\nStandardOutput=file:/run/said\nStandardError=inherit\n\
ExecStopPost=/bin/cp /run/said /dev/console\n' >$U/test.service
exec /lib/systemd/systemd --unit=test.target --log-target=null --show-status=0 </dev/console >/dev/console 2>&1
"""


def boot(folder, init, disk=None, memory="512M", timeout=180, lsm=None):
    """Boots with the text `init` as the first program, a copy of `disk` as /dev/ubda and the security module `lsm` (None: the kernel's
    choice); returns what came on the console."""
    path = folder / "init"
    path.write_text(init)
    path.chmod(0o755)
    used = folder / "used-disk"
    command = ["linux.uml", f"mem={memory}", *([f"ubd0={used}"] if disk else []), *([f"lsm={lsm}"] if lsm else []), "root=/dev/root",
               "rootfstype=hostfs", "rootflags=/", "ro", f"init={path}", "con=null", "con0=fd:0,fd:1", "quiet"]
    for last in (False, False, True):
        if disk:
            run(["cp", "--sparse=always", disk, used]).ok()
        try:
            console = run(command, timeout=timeout).out
        except AssertionError as e:  # it hangs instead
            if last or not LOST.search(str(e)):
                raise
            continue
        if not LOST.search(console):
            break
    return console.replace("\r", "")


def boot_systemd(folder, script, timeout=180):
    """Boots with systemd as the first program; it runs the script. Returns what came on the console.

    The folder is not below /tmp, which is another one in there."""
    path = folder / "script"
    path.write_text(script)
    return boot(folder, PRELUDE + UNITS.replace("{script}", str(path)), timeout=timeout)


def answers(console):
    """{name: (output, exit code)} of each `say`."""
    said = {}
    for part in console.split("== ")[1:]:
        name, _, rest = part.partition("\n")
        output, _, code = rest.partition("code ")
        said[name.strip()] = (output, int(code.split()[0]))
    return said
