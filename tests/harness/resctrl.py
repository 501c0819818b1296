# SPDX-License-Identifier: Apache-2.0
"""A file system that behaves as resctrl does (Documentation/filesystems/resctrl.rst), for hosts whose processor has none: by FUSE, on the /sys/fs/resctrl of a mount
namespace of its own. Run as a program it serves it: `resctrl.py PLACE FEATURE...`, with the counters of info/L3_MON/mon_features."""

import contextlib
import errno
import os
import pathlib
import re
import stat
import subprocess
import sys

CLASSES = 4
FULL = 0xFFFFF
SETUP = """
cgroups=$(mktemp -d)
mount --rbind /sys/fs/cgroup "$cgroups"
mount -t tmpfs tmpfs /sys/fs
mkdir /sys/fs/cgroup /sys/fs/resctrl
mount --rbind "$cgroups" /sys/fs/cgroup
umount -l "$cgroups"
rmdir "$cgroups"
exec "$@"
"""


class Resctrl:
    """The one that a test has: `prefix` runs a program where it is mounted."""

    def __init__(self, server):
        self.prefix = ["nsenter", f"--mount=/proc/{server.pid}/ns/mnt"]
        self.root = pathlib.Path(f"/proc/{server.pid}/root/sys/fs/resctrl")

    def groups(self):
        return sorted(p.name for p in self.root.iterdir() if p.is_dir() and p.name not in ("info", "mon_data", "mon_groups"))

    def schemata(self, group="."):
        return dict(line.strip().split(":") for line in (self.root / group / "schemata").read_text().splitlines())

    def tasks(self, group="."):
        return [int(line) for line in (self.root / group / "tasks").read_text().split()]


@contextlib.contextmanager
def served(features=("llc_occupancy", "mbm_total_bytes", "mbm_local_bytes")):
    argv = ["unshare", "-m", "--propagation", "private", "sh", "-ec", SETUP, "sh", sys.executable, __file__, "/sys/fs/resctrl", *features]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout.readline() == "ready\n"
            yield Resctrl(server)
        finally:
            server.kill()


# ---- the program ----


def serve(place, features):
    from fusepy import FUSE, FuseOSError, Operations

    class Group:
        def __init__(self, domains):
            self.schemata = {"MB": dict.fromkeys(domains, "100"), "L3": dict.fromkeys(domains, f"{FULL:x}")}
            self.tasks = set()
            self.monitors = {}

    class Tree(Operations):
        def __init__(self):
            self.said = "ok"
            self.default = Group("01")
            self.groups = {}

        def init(self, _):
            print("ready", flush=True)

        def counters(self):
            return {f"mon_data/mon_L3_0{domain}/{name}": b"4096\n" for domain in "01" for name in features}

        def listed(self, tasks):
            return "".join(f"{pid}\n" for pid in sorted(tasks) if os.path.exists(f"/proc/{pid}")).encode()

        def files_of(self, group):
            text = "".join(f"{name:>6}:" + ";".join(f"{d}={v}" for d, v in domains.items()) + "\n" for name, domains in group.schemata.items())
            files = {"tasks": self.listed(group.tasks), "schemata": text.encode(), **self.counters()}
            for name, tasks in group.monitors.items():
                files[f"mon_groups/{name}/tasks"] = self.listed(tasks)
                files |= {f"mon_groups/{name}/{k}": v for k, v in self.counters().items()}
            return files

        def all(self):
            """Files with their texts, and folders."""
            files, folders = self.files_of(self.default), {"mon_groups"}
            info = {"L3/cbm_mask": f"{FULL:x}", "L3/min_cbm_bits": "1", "L3/num_closids": str(CLASSES), "MB/bandwidth_gran": "10",
                    "MB/delay_linear": "1", "MB/min_bandwidth": "10", "MB/num_closids": str(CLASSES), "last_cmd_status": self.said}
            if features:
                info["L3_MON/mon_features"] = "\n".join(features)
            files |= {f"info/{name}": text.encode() + b"\n" for name, text in info.items()}
            for name, group in self.groups.items():
                files |= {f"{name}/{k}": v for k, v in self.files_of(group).items()}
                folders.add(f"{name}/mon_groups")
            for path in list(files):
                folders |= {str(p) for p in pathlib.PurePath(path).parents}
            return files, folders | {"."}

        def getattr(self, path, fh=None):
            files, folders = self.all()
            name = path.strip("/") or "."
            if name in folders:
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            if name in files:
                return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": len(files[name])}
            raise FuseOSError(errno.ENOENT)

        def readdir(self, path, fh):
            files, folders = self.all()
            here = path.strip("/") or "."
            return [".", "..", *(pathlib.PurePath(p).name for p in sorted(set(files) | folders) if p != "." and str(pathlib.PurePath(p).parent) == here)]

        def read(self, path, size, offset, fh):
            return self.all()[0][path.strip("/")][offset:offset + size]

        def mkdir(self, path, mode):
            parts = path.strip("/").split("/")
            if len(parts) == 1:
                if len(self.groups) + 1 == CLASSES:
                    raise FuseOSError(errno.ENOSPC)
                self.groups[parts[0]] = Group("01")
            elif len(parts) == 3 and parts[1] == "mon_groups":
                self.groups[parts[0]].monitors[parts[2]] = set()
            else:
                raise FuseOSError(errno.EPERM)

        def rmdir(self, path):
            parts = path.strip("/").split("/")
            if len(parts) == 1:
                self.default.tasks |= self.groups.pop(parts[0]).tasks
            else:
                del self.groups[parts[0]].monitors[parts[2]]

        def refuse(self, words):
            self.said = words
            raise FuseOSError(errno.EINVAL)

        def check(self, name, value):
            if name == "L3":
                bits = int(value, 16) if re.fullmatch("[0-9a-fA-F]+", value) else -1
                if not 0 < bits <= FULL:
                    self.refuse(f"Mask {value} out of range")
                if bits // (bits & -bits) & (bits // (bits & -bits) + 1):
                    self.refuse(f"The mask {value} has non-consecutive 1-bits")
                return f"{bits:x}"
            if not value.isdigit() or not 10 <= int(value) <= 100:
                self.refuse(f"MB value {value} out of range [10,100]")
            return value

        def set_schemata(self, group, text):
            if not text.endswith("\n"):
                self.refuse("no newline")
            seen = set()
            for line in text.splitlines():
                name, _, pairs = line.strip().partition(":")
                if name not in group.schemata:
                    self.refuse(f"Unknown or unsupported resource name '{name}'")
                for domain, value in (pair.split("=") for pair in pairs.split(";")):
                    if domain not in group.schemata[name] or (name, domain) in seen:
                        self.refuse(f"Unknown or duplicate domain {domain}")
                    seen.add((name, domain))
                    group.schemata[name][domain] = self.check(name, value)
            self.said = "ok"

        def enter(self, parts, pid):
            if not os.path.exists(f"/proc/{pid}"):
                raise FuseOSError(errno.ESRCH)
            group = self.groups[parts[0]] if len(parts) > 1 else self.default
            if len(parts) == 4:
                if pid not in group.tasks:
                    raise FuseOSError(errno.EINVAL)
                group.monitors[parts[2]].add(pid)
                return
            for other in (self.default, *self.groups.values()):
                other.tasks.discard(pid)
            group.tasks.add(pid)

        def write(self, path, data, offset, fh):
            parts = path.strip("/").split("/")
            if parts[-1] == "tasks":
                self.enter(parts, int(data))
            elif parts[-1] == "schemata":
                self.set_schemata(self.groups[parts[0]] if len(parts) > 1 else self.default, data.decode())
            else:
                raise FuseOSError(errno.EPERM)
            return len(data)

        def truncate(self, path, length, fh=None):
            """Nothing, as with all files of that kind."""

    FUSE(Tree(), place, foreground=True, nothreads=True, direct_io=True, fsname="resctrl", subtype="resctrl")


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
