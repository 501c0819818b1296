# SPDX-License-Identifier: Apache-2.0
"""What somebody tries who has taken over a role of mdockerd: {technique: steps} for harness/hole.py; a technique got what it wanted if
its last step did not fail. `h` names what of the host would be of value (test_hole.py), and the address of the scratch memory."""

import os
import socket
import struct

from harness.hole import AUTH_OF_WEB, BROKER, LISTENER

AT_FDCWD, X32 = -100, 0x40000000
O_RDWR_CREAT, O_DIRECTORY, O_PATH = 0o102, 0o200000, 0o10000000
CLONE_NEWUSER, PROT_RWX = 0x10000000, 7
MAP_PRIVATE_ANONYMOUS = 0x22


def text(at, value):
    return ["poke", at, value.encode().hex() + "00"]


def numbers(at, *values):
    return ["poke", at, struct.pack(f"={len(values)}Q", *values).hex()]


def address(host, port):
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)


def path(value, *call):
    """A call with a path at the beginning of the scratch memory."""
    return [text(0, value), ["call", *call]]


def opening(h):
    paths = ["/", ".", "..", "../../../../etc/passwd", "/etc/passwd", "/proc/self/mem", "/proc/1/environ", "/dev/null", "/dev/mem",
             "/sys/kernel", h.database, h.sockets, h.canary]
    return {f"open {p}": path(p, "openat", AT_FDCWD, "@0", 0, 0) for p in paths}


def files(h):
    """Files in other ways than by opening them."""
    return {
        "make a file": path("/new", "openat", AT_FDCWD, "@0", O_RDWR_CREAT, 0o600),
        "make a folder": path("/new", "mkdirat", AT_FDCWD, "@0", 0o700),
        "openat2": [numbers(64, 0, 0, 0), *path(h.canary, "openat2", AT_FDCWD, "@0", "@64", 24)],
        "creat": path("/new", "creat", "@0", 0o600),
        "open_by_handle_at": path("xxxxxxxx", "open_by_handle_at", AT_FDCWD, "@0", 0),
        "symlink": [text(0, "/etc"), text(64, "/new"), ["call", "symlinkat", "@0", AT_FDCWD, "@64"]],
        "link": [text(0, h.canary), text(64, "/new"), ["call", "linkat", AT_FDCWD, "@0", AT_FDCWD, "@64", 0]],
        "bind a unix socket": [["poke", 0, (struct.pack("=H", 1) + b"/new\0").hex()], ["call", "socket", 1, 1, 0],
                               ["call", "bind", "$1", "@0", 7]],
        "mknod": path("/new", "mknodat", AT_FDCWD, "@0", 0o20666, 0x103),
        "list the root": [text(0, "/"), ["call", "openat", AT_FDCWD, "@0", O_DIRECTORY, 0], ["call", "getdents64", "$1", "@64", 4096]],
        "chroot out": path("..", "chroot", "@0"),
        "fchdir to the listener": [["call", "fchdir", LISTENER]],
    }


def programs(h):
    """Code of his own, as a file or in memory."""
    return {
        "execve": [text(0, "/bin/sh"), numbers(64, 0), ["call", "execve", "@0", "@64", "@64"]],
        "memfd": path("m", "memfd_create", "@0", 0),
        "execveat of a memfd": [text(0, ""), text(16, "#!/bin/sh"), numbers(64, 0), ["call", "memfd_create", "@0", 0],
                                ["call", "write", "$3", "@16", 9], ["call", "execveat", "$3", "@0", "@64", "@64", 0x1000]],
        "memory to execute": [["call", "mmap", 0, 4096, PROT_RWX, MAP_PRIVATE_ANONYMOUS, -1, 0]],
        "memory made executable": [["call", "mmap", 0, 4096, 3, MAP_PRIVATE_ANONYMOUS, -1, 0], ["call", "mprotect", "$0", 4096, 5]],
        "pkey_mprotect": [["call", "mmap", 0, 4096, 3, MAP_PRIVATE_ANONYMOUS, -1, 0], ["call", "pkey_mprotect", "$0", 4096, 5, -1]],
        "personality": [["call", "personality", 0x0400000]],
    }


def network(h):
    """Other sockets than those it was given, and other uses of these."""
    return {
        "socket": [["call", "socket", socket.AF_INET, 1, 0]],
        "udp socket": [["call", "socket", socket.AF_INET, 2, 0]],
        "raw socket": [["call", "socket", socket.AF_INET, 3, 1]],
        "packet socket": [["call", "socket", socket.AF_PACKET, 3, 0]],
        "netlink socket": [["call", "socket", 16, 3, 0]],
        "vsock": [["call", "socket", 40, 1, 0]],
        "unix socket": [["call", "socket", 1, 1, 0]],
        "socketpair": [["call", "socketpair", 1, 1, 0, "@0"]],
        "connect out": [["poke", 0, address("127.0.0.1", h.port).hex()], ["call", "socket", 2, 1, 0],
                        ["call", "connect", "$1", "@0", 16]],
        "connect by fast open of the listener": [
            ["poke", 0, address("127.0.0.1", h.port).hex()], ["call", "shutdown", LISTENER, 0],
            ["call", "sendto", LISTENER, "@0", 1, 0x20000000, "@0", 16]],
        "connect by fast open in sendmsg": [
            ["poke", 0, address("127.0.0.1", h.port).hex()], numbers(64, h.memory, 16, h.memory + 128, 1, 0, 0, 0),
            numbers(128, h.memory, 1), ["call", "shutdown", LISTENER, 0], ["call", "sendmsg", LISTENER, "@64", 0x20000000]],
        "connect the socket to the broker elsewhere": [["poke", 0, (struct.pack("=H", 1) + b"\0x").hex()],
                                                       ["call", "connect", BROKER, "@0", 4]],
        "bind": [["poke", 0, address("127.0.0.1", 0).hex()], ["call", "socket", 2, 1, 0], ["call", "bind", "$1", "@0", 16]],
        "listen": [["call", "socket", 2, 1, 0], ["call", "listen", "$0", 1]],
        "root's credentials in a message": [
            numbers(0, 0, 0, h.memory + 128, 1, h.memory + 192, 32, 0), numbers(128, h.memory, 1),
            ["poke", 192, struct.pack("=QIIIII", 28, 1, 2, h.broker, 0, 0).hex()], ["call", "sendmsg", AUTH_OF_WEB, "@0", 0x4000]],
        "SO_BINDTODEVICE of the listener": [text(0, "lo"), ["call", "setsockopt", LISTENER, 1, 25, "@0", 3]],
        "SO_MARK of the listener": [numbers(0, 7), ["call", "setsockopt", LISTENER, 1, 36, "@0", 4]],
        "a socket's owner, for signals": [["call", "fcntl", LISTENER, 8, h.broker]],
        "SIOCSPGRP": [numbers(0, h.broker), ["call", "ioctl", LISTENER, 0x8902, "@0"]],
        "interfaces by ioctl": [["call", "ioctl", LISTENER, 0x8912, "@0"]],
    }


def processes(h):
    """Other processes. Signals are the number 0, which asks for the permission only."""
    return {
        "kill broker": [["call", "kill", h.broker, 0]],
        "kill auth": [["call", "kill", h.auth, 0]],
        "kill a stranger": [["call", "kill", h.stranger, 0]],
        "tgkill": [["call", "tgkill", h.broker, h.broker, 0]],
        "tkill": [["call", "tkill", h.broker, 0]],
        "rt_sigqueueinfo": [["call", "rt_sigqueueinfo", h.broker, 0, "@0"]],
        "pidfd_open": [["call", "pidfd_open", h.broker, 0], ["call", "pidfd_send_signal", "$0", 0, 0, 0]],
        "pidfd_getfd": [["call", "pidfd_open", h.auth, 0], ["call", "pidfd_getfd", "$0", 3, 0]],
        "ptrace broker": [["call", "ptrace", 16, h.broker, 0, 0]],
        "ptrace auth": [["call", "ptrace", 16, h.auth, 0, 0]],
        "process_vm_readv": [numbers(0, h.memory + 64, 8), numbers(32, 0x400000, 8), ["call", "process_vm_readv", h.auth, "@0", 1, "@32", 1]],
        "process_vm_writev": [numbers(0, h.memory + 64, 8), numbers(32, 0x400000, 8),
                              ["call", "process_vm_writev", h.broker, "@0", 1, "@32", 1]],
        "kcmp": [["call", "kcmp", h.broker, h.auth, 0, 0, 0]],
        "prlimit of the broker": [numbers(0, 0, 0), ["call", "prlimit64", h.broker, 7, "@0", 0]],
        "its own limit of files raised": [numbers(0, 1 << 30, 1 << 30), ["call", "prlimit64", 0, 7, "@0", 0]],
    }


def privileges(h):
    return {
        "setuid": [["call", "setuid", 0]],
        "setresgid": [["call", "setresgid", 0, 0, 0]],
        "setgroups": [numbers(0, 0), ["call", "setgroups", 1, "@0"]],
        "capset": [["poke", 0, struct.pack("=II6I", 0x20080522, 0, 1, 1, 0, 0, 0, 0).hex()], ["call", "capset", "@0", "@8"]],
        "keep capabilities": [["call", "prctl", 47, 2, 21, 0, 0]],
        "unshare a user namespace": [["call", "unshare", CLONE_NEWUSER]],
        "unshare the network": [["call", "unshare", 0x40000000]],
        "setns": [["call", "setns", BROKER, 0]],
        "mount": [text(0, "none"), text(16, "/"), text(32, "tmpfs"), ["call", "mount", "@0", "@16", "@32", 0, 0]],
        "proc mounted": [text(0, "none"), text(16, "/"), text(32, "proc"), ["call", "mount", "@0", "@16", "@32", 0, 0]],
        "umount2": path("/", "umount2", "@0", 2),
        "pivot_root": path("/", "pivot_root", "@0", "@0"),
        "open_tree": path("/", "open_tree", AT_FDCWD, "@0", 1),
        "fsopen": path("tmpfs", "fsopen", "@0", 0),
    }


def kernel(h):
    """Parts of the kernel that no role needs."""
    return {
        "bpf": [["poke", 0, struct.pack("=IIII", 2, 4, 4, 1).hex()], ["call", "bpf", 0, "@0", 16]],
        "perf_event_open": [["poke", 0, struct.pack("=II14Q", 1, 112, *[0] * 14).hex()], ["call", "perf_event_open", "@0", h.broker, -1, -1, 0]],
        "io_uring_setup": [numbers(0, *[0] * 16), ["call", "io_uring_setup", 1, "@0"]],
        "userfaultfd": [["call", "userfaultfd", 0]],
        "keyctl": [["call", "keyctl", 0, -3, 0]],
        "add_key": [text(0, "user"), text(16, "k"), ["call", "add_key", "@0", "@16", "@16", 1, -3]],
        "inotify": [["call", "inotify_init1", 0], text(0, "/"), ["call", "inotify_add_watch", "$0", "@0", 0xfff]],
        "fanotify": [["call", "fanotify_init", 0, 0]],
        "message queue": path("q", "mq_open", "@0", O_RDWR_CREAT, 0o600, 0),
        "shared memory of the host": [["call", "shmget", h.shm, 4096, 0]],
        "module": [["call", "init_module", "@0", 16, "@0"]],
        "kexec": [["call", "kexec_load", 0, 0, 0, 0]],
        "swapoff": path("/", "swapoff", "@0"),
        "host name": path("x", "sethostname", "@0", 1),
        "the clock": [numbers(0, 0, 0), ["call", "clock_settime", 0, "@0"]],
        "reboot, the first half of it": [["call", "reboot", 0, 0, 0, 0]],
        "quotactl": path("/", "quotactl", 0x80000100, "@0", 0, "@64"),
        "nice": [["call", "setpriority", 0, 0, -10]],
        "affinity of auth": [numbers(0, 1), ["call", "sched_setaffinity", h.auth, 8, "@0"]],
        "the scheduler of auth": [numbers(0, 0), ["call", "sched_setscheduler", h.auth, 0, "@0"]],
    }


def other_entries(h):
    """The other entries into the kernel of this machine."""
    if os.uname().machine != "x86_64":
        return {}
    return {
        "getpid of x32": [["call", 39 | X32]],
        "open of x32": path(h.canary, 2 | X32, "@0", 0),
        "open of 32 bits": [text(0, h.canary), ["call32", 5, "@0", 0]],
        "getpid of 32 bits": [["call32", 20]],
        "iopl": [["call", "iopl", 3]],
        "modify_ldt": [["call", "modify_ldt", 0, "@0", 16]],
    }


def all_of(h):
    found = {}
    for group in (opening, files, programs, network, processes, privileges, kernel, other_entries):
        found |= group(h)
    return found
