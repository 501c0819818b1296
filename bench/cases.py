# SPDX-License-Identifier: Apache-2.0
"""What the benches of the runtime start: one static program, with all namespaces but network, with all, and with a filter and limits, too."""

import json
import os
import re
import subprocess

from rivals import compiled, spec

DENIED = {"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key",
          "request_key", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon",
          "swapoff", "mount", "umount2", "pivot_root", "unshare", "setns", "open_by_handle_at", "fanotify_init", "ptrace"}


class Case:
    def __init__(self, key, title, folder, net, seccomp_and_limits):
        self.key, self.title, self.net, self.full = key, title, net, seccomp_and_limits
        self.folder = folder
        self.bundle = folder / ("bundle-" + key)
        self.sleeper = folder / ("sleeper-" + key)
        self.rootfs = folder / "rootfs"

    def write(self):
        for path, args in ((self.bundle, ["/bin/true"]), (self.sleeper, ["/bin/sleep", "600"])):
            path.mkdir()
            config = spec(path)
            config["process"] |= {"terminal": False, "args": args}
            config["root"] = {"path": str(self.rootfs), "readonly": True}
            if not self.net:
                kept = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
                config["linux"]["namespaces"] = kept
            if self.full:
                config["linux"]["seccomp"] = seccomp()
                config["linux"]["resources"] |= {"memory": {"limit": 100 << 20}, "pids": {"limit": 20}}
            (path / "config.json").write_text(json.dumps(config))


def seccomp():
    """An allow-list of the size of a real one: every system call that the headers name, but the denied."""
    header = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], check=True,
                            capture_output=True, text=True).stdout
    names = sorted(set(re.findall(r"#define __NR_(\w+) \d+", header)) - DENIED)
    machine = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}[os.uname().machine]
    return {"defaultAction": "SCMP_ACT_ERRNO", "architectures": [machine],
            "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]}


def write_cases(folder):
    cases = [Case("a", "all namespaces but network", folder, False, False),
             Case("b", "all namespaces", folder, True, False),
             Case("c", "all namespaces, seccomp allow-list, memory and pids limits", folder, True, True)]
    for case in cases:
        case.write()
    return cases


class Command:
    """Something that isn't an OCI runtime but starts the same program: it takes part in `run` only."""

    def __init__(self, name, make_argv, version):
        self.name, self.make_argv, self.text = name, make_argv, version

    def run_argv(self, case):
        return self.make_argv(case)

    def version(self):
        return self.text


def make_floor(folder):
    floor = compiled(folder, "floor")
    return Command("floor", lambda c: [floor, str(c.rootfs), "net" if c.net else "nonet", "/bin/true"], "bare system calls, bench/floor.c")
