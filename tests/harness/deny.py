# SPDX-License-Identifier: Apache-2.0
"""Denies system calls to a program, as an older kernel or a stricter host would: a seccomp filter put on before it is executed.

As a program, deny.py PROGRAM ARG...: without the new mount API."""

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {  # x86_64 and arm64 alike from 424 on
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "pidfd_send_signal": 424,
    "pidfd_open": 434, "clone3": 435, "close_range": 436, "openat2": 437, "mount_setattr": 442,
}
NEW_MOUNT_API = ("open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "mount_setattr")
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[platform.machine()]
PRCTL = {"x86_64": 157, "aarch64": 167}[platform.machine()]
PR_SET_MM, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 35, 22, 2
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def deny(names, code=errno.ENOSYS):
    """A preexec_fn for subprocess: the calls give `code`. "PR_SET_MM" is that one of prctl(2)."""
    program = [(0x20, 0, 0, 4), (0x15, 1, 0, ARCH), (0x06, 0, 0, ALLOW), (0x20, 0, 0, 0)]
    for n in names:
        if n == "PR_SET_MM":
            program += [(0x15, 0, 4, PRCTL), (0x20, 0, 0, 16), (0x15, 0, 1, PR_SET_MM), (0x06, 0, 0, ERRNO | code), (0x20, 0, 0, 0)]
            continue
        program += [(0x15, 0, 1, NUMBERS[n]), (0x06, 0, 0, ERRNO | code)]
    program.append((0x06, 0, 0, ALLOW))
    code_bytes = b"".join(struct.pack("HBBI", *i) for i in program)
    libc = ctypes.CDLL(None, use_errno=True)

    def install():
        buffer = ctypes.create_string_buffer(code_bytes)
        fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer)))
        if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")

    return install


if __name__ == "__main__":
    deny(NEW_MOUNT_API)()
    os.execv(sys.argv[1], sys.argv[1:])
