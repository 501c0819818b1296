# SPDX-License-Identifier: Apache-2.0
"""A network namespace for the calling process and all that it starts from now on: loopback, and a way out that ends nowhere. What
bridges, rules and floods a test makes, the host never sees. As a program: runs its arguments there. Source: unshare(2), veth(4)."""

import ctypes
import os
import subprocess
import sys

CLONE_NEWNET = 0x40000000
NOWHERE = "198.51.100.2"  # TEST-NET-2


def enter_own_network():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), f"make a network namespace: {os.strerror(ctypes.get_errno())}")
    for words in ("link set lo up", "link add out0 type veth peer name out1", "addr add 198.51.100.1/24 dev out0",
                  "link set out0 up", "link set out1 up", f"neigh add {NOWHERE} lladdr 02:00:00:00:00:01 dev out0",
                  f"route add default via {NOWHERE}"):
        subprocess.run(["ip", *words.split()], check=True)


if __name__ == "__main__":
    enter_own_network()
    os.execvp(sys.argv[1], sys.argv[1:])
