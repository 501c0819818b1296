# SPDX-License-Identifier: Apache-2.0
"""OCI bundles made of Debian's static busybox, and mdocker-runtime on them by its command line."""

import array
import copy
import json
import os
import pathlib
import secrets
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import leaks, program, sanitizer

BUSYBOX = "/usr/bin/busybox"
APPLETS = ("sh cat ls id ps mount umount echo sleep true false env pwd hostname tty stty mkdir touch rm ln stat test chmod chown "
           "readlink dd mknod grep head wc kill seq ulimit printf date nproc chroot unshare usleep cut").split()
LIMIT = 30  # seconds that any command of the runtime may take

SPEC = {
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": 0, "gid": 0},
        "args": ["/bin/true"],
        "env": ["PATH=/bin:/usr/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {k: ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"] for k in
                         ("bounding", "effective", "permitted")},
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs"},
    "hostname": "box",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    ],
    "linux": {
        "namespaces": [{"type": t} for t in ("pid", "ipc", "uts", "mount", "network", "cgroup")],
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
}


class Bundle:
    """A folder with config.json and rootfs, a runtime root of its own, and the containers made from it."""

    def __init__(self, owner=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="md-bundle-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.root = self.folder / "state"
        self.rootfs = self.folder / "rootfs"
        self.spec = copy.deepcopy(SPEC)
        self.id = "t" + secrets.token_hex(5)
        self.log = self.folder / "log"
        self.extra = []  # options before the command
        self.prefix = []  # a program that the runtime is run under
        self.program = program("mdocker-runtime")
        self.make_rootfs(owner)

    def make_rootfs(self, owner):
        for name in ("bin", "proc", "sys", "dev", "tmp", "etc", "root"):
            (self.rootfs / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(BUSYBOX, self.rootfs / "bin/busybox")
        for a in APPLETS:
            (self.rootfs / "bin" / a).symlink_to("busybox")
        (self.rootfs / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
        if owner:
            self.give_to(owner)

    def give_to(self, owner):
        subprocess.run(["chown", "-hR", f"{owner}:{owner}", str(self.rootfs)], check=True)

    # ---- the document ----

    @property
    def process(self):
        return self.spec["process"]

    @property
    def linux(self):
        return self.spec["linux"]

    def sh(self, script):
        self.process["args"] = ["/bin/sh", "-c", script]
        return self

    def add_mount(self, destination, source=None, kind=None, options=()):
        m = {"destination": destination, "options": list(options)}
        if source:
            m["source"] = str(source)
        if kind:
            m["type"] = kind
        self.spec["mounts"].append(m)
        return self

    def no_namespace(self, kind):
        self.linux["namespaces"] = [n for n in self.linux["namespaces"] if n["type"] != kind]

    def namespace(self, kind, path=None):
        self.no_namespace(kind)
        self.linux["namespaces"].append({"type": kind, "path": path} if path else {"type": kind})

    def user_namespace(self, first=1000000, size=65536):
        self.namespace("user")
        self.linux["uidMappings"] = [{"containerID": 0, "hostID": first, "size": size}]
        self.linux["gidMappings"] = [{"containerID": 0, "hostID": first, "size": size}]
        self.give_to(first)
        return self

    def write(self):
        (self.folder / "config.json").write_text(json.dumps(self.spec))

    # ---- the runtime ----

    def command(self, *args):
        return [*self.prefix, self.program, "--root", str(self.root), *self.extra, *map(str, args)]

    def runtime(self, *args, ok=True, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        r = subprocess.run(self.command(*args), text=True, capture_output=True, timeout=LIMIT, **more)
        if ok:
            assert r.returncode == 0, f"{args}: exit code {r.returncode}\n{r.stdout}{r.stderr}"
        return r

    def run(self, *options, ok=True, **more):
        self.write()
        return self.runtime("run", "-b", self.folder, *options, self.id, ok=ok, **more)

    def out(self, script, **more):
        """What a shell script prints in a fresh container."""
        return self.sh(script).run(**more).stdout

    def create(self, *options, ok=True, **more):
        self.write()
        more.setdefault("stdin", subprocess.DEVNULL)
        # What stays open in the container must not keep a pipe of ours open.
        with open(self.log, "w+") as log:
            r = subprocess.run(self.command("create", "-b", self.folder, *options, self.id), stdout=log, stderr=log,
                               timeout=LIMIT, **more)
        if ok:
            assert r.returncode == 0, self.log.read_text()
        return r

    def start(self, ok=True):
        return self.runtime("start", self.id, ok=ok)

    def up(self, args=("sleep", "1000")):
        self.process["args"] = list(args)
        self.create()
        self.start()
        return self

    def exec(self, *args, options=(), ok=True, **more):
        return self.runtime("exec", *options, self.id, *args, ok=ok, **more)

    def state(self):
        return json.loads(self.runtime("state", self.id).stdout)

    def status(self):
        return self.state()["status"]

    def wait_status(self, wanted):
        wait_for(lambda: self.status() == wanted, f"status {wanted}")

    def pid(self):
        return self.state()["pid"]

    def delete(self):
        return self.runtime("delete", "--force", self.id, ok=False)

    def left(self):
        """What is still there of the container: must be nothing after delete."""
        found = [str(p) for p in self.root.glob("*") if not p.name.startswith(":")] if self.root.exists() else []
        return found + leaks.cgroups([self.id]) + leaks.mounts([str(self.folder)]) + \
            [f"{p}: {c}" for p, c in leaks.processes([self.id]).items()]

    def close(self):
        deleted = self.delete()
        left = [] if deleted.returncode == 0 else [deleted.stderr]
        left += self.settled_left() + sanitizer.reports(self.folder)
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.folder)], check=True)
        return left

    def settled_left(self):
        deadline = time.monotonic() + 5
        while (left := self.left()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left


def wait_for(condition, what, seconds=LIMIT):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.01)


class Console:
    """A console socket and the terminal that comes over it."""

    def __init__(self, folder):
        self.path = str(folder / "console.sock")
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen(1)
        self.sock.settimeout(LIMIT)
        self.master = -1

    def take(self):
        conn, _ = self.sock.accept()
        conn.settimeout(LIMIT)
        _, control, _, _ = conn.recvmsg(128, socket.CMSG_SPACE(4))
        conn.close()
        self.master = array.array("i", control[0][2][:4])[0]
        return self

    def write(self, text):
        os.write(self.master, text.encode())

    def read_until(self, text, seconds=LIMIT):
        got, deadline = b"", time.monotonic() + seconds
        while text.encode() not in got:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {text!r} in {got!r}"
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            assert data, f"the terminal ended without {text!r}: {got!r}"
            got += data
        return got.decode(errors="replace")

    def close(self):
        self.sock.close()
        if self.master >= 0:
            os.close(self.master)


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
