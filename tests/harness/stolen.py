# SPDX-License-Identifier: Apache-2.0
"""A copy of one end of a socket pair between two processes of ours: what the one may send to the other, in its place."""

import ctypes
import os
import re
import socket

from .process import open_files, run

PIDFD_GETFD = 438  # the same number on every architecture


def pairs():
    """{inode: inode of the other end} of all SEQPACKET pairs."""
    found = {}
    for line in run(["ss", "-x", "-a", "-n", "-H"]).ok().out.splitlines():
        m = re.match(r"u_seq\s+ESTAB\s+\d+\s+\d+\s+\* (\d+)\s+\* (\d+)", line)
        if m:
            found[int(m[1])] = int(m[2])
    return found


def sockets(pid):
    """{inode: fd}"""
    found = {}
    for fd, target in open_files(pid):
        m = re.fullmatch(r"socket:\[(\d+)\]", target)
        if m:
            found[int(m[1])] = fd
    return found


def end_of(pid, other):
    """A copy of process `pid`'s end of its socket pair with process `other`, as a socket."""
    there, theirs = pairs(), sockets(other)
    (fd,) = [fd for inode, fd in sockets(pid).items() if there.get(inode) in theirs]
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    copy = libc.syscall(PIDFD_GETFD, pidfd, fd, 0)
    os.close(pidfd)
    assert copy >= 0, os.strerror(ctypes.get_errno())
    return socket.socket(fileno=copy)
