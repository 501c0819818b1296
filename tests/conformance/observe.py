# SPDX-License-Identifier: Apache-2.0
"""One runtime under observation: what it does with a config.json or a command line, as {name of an observation: text}.

Paths, ids and pids that differ from run to run are written as @, ID and PID. A process that does this is the first one of a
pid namespace, with mounts and a network of its own (tests/conformance/compare sees to that): whatever a container leaves behind is seen.
"""
import array
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

from variations import BASE

LIMIT = 20  # seconds that a command or a container's program may take
CGROUPS = pathlib.Path("/sys/fs/cgroup")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
# Of each controller, what is set rather than counted.
CGROUP_FILES = {
    "memory": "limit_in_bytes memsw.limit_in_bytes soft_limit_in_bytes kmem.tcp.limit_in_bytes swappiness oom_control use_hierarchy",
    "cpu": "shares cfs_quota_us cfs_period_us cfs_burst_us rt_period_us rt_runtime_us idle",
    "cpuset": "cpus mems", "pids": "max", "devices": "list", "freezer": "state",
    "blkio": "weight leaf_weight weight_device bfq.weight throttle.read_bps_device throttle.write_bps_device "
             "throttle.read_iops_device throttle.write_iops_device"}
RLIMITS = "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME".split()
STATUS = "Groups CapInh CapPrm CapEff CapBnd CapAmb Seccomp Seccomp_filters SigBlk SigIgn SigCgt Threads NSpid".split()
ROOT_FOLDERS = "bin dev empty etc full mnt proc root sys tmp".split()


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def mounts():
    """{number: where} of each mount."""
    return {line.split()[0]: line.split()[4] for line in read("/proc/self/mountinfo").splitlines()}


def trees():
    """Where control groups are mounted: (controllers, folder)."""
    for folder in sorted(CGROUPS.iterdir()):
        if folder.is_dir() and not folder.is_symlink() and (folder / "cgroup.procs").exists():
            yield folder.name, folder


class Console:
    """A socket for --console-socket, and all that is said on the terminal which comes over it."""

    def __init__(self, path):
        self.text, self.path = b"", path
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(1)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            self.server.settimeout(LIMIT)
            conn, _ = self.server.accept()
            _, control, _, _ = conn.recvmsg(4096, socket.CMSG_SPACE(4))
            conn.close()
            master = array.array("i", control[0][2][:4])[0]
        except (OSError, IndexError):
            return  # nobody came
        try:
            while data := os.read(master, 65536):
                self.text += data
        except OSError:
            pass  # the last one closed the terminal
        os.close(master)

    def close(self):
        """If nobody came, somebody comes who says nothing."""
        with socket.socket(socket.AF_UNIX) as nobody:
            nobody.connect(self.path)
        self.thread.join(LIMIT)
        self.server.close()


class Observer:
    def __init__(self, program, look, folder, name):
        self.program, self.look, self.name = program, pathlib.Path(look), name
        self.folder = pathlib.Path(folder)
        self.bundle, self.root = self.folder / "bundle", self.folder / "state"
        self.rootfs = self.bundle / "rootfs"
        self.parent = f"{name}-parent"
        self.id, self.count = "", 0
        self.helpers = []
        self.pid = 0
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        for _, tree in trees():
            self.make_parent(tree)

    def make_parent(self, tree):
        """So that it is the same for all runtimes and documents, whoever comes first."""
        group = tree / self.parent
        group.mkdir(exist_ok=True)
        for knob in ("cpuset.cpus", "cpuset.mems"):
            if (group / knob).exists():
                (group / knob).write_text(read(tree / knob))

    def close(self):
        for pid in self.helpers:
            self.kill(pid)
        self.remove_groups()

    # ---- names that are the same in each run ----

    def same(self, text):
        text = text.replace(str(self.folder), "@").replace(self.id or "\0", "ID").replace(self.parent, "PARENT")
        # A program that tmpfs was mounted for sees its folder as the root of that.
        text = text.replace("/bundle/rootfs", "@/bundle/rootfs").replace("@@", "@")
        for pid in self.helpers:
            text = text.replace(f"/proc/{pid}/", "/proc/HELPER/")
        return text

    def fill(self, text):
        """The other way: what stands for something in a document."""
        text = text.replace("@ID@", self.id).replace("@PARENT@", self.parent).replace("@BUNDLE@", str(self.bundle)).replace(
            "@FOLDER@", str(self.folder))
        if "@NS@" in text:
            text = text.replace("@NS@", f"/proc/{self.namespaces_of_others()}/ns")
        return text

    def namespaces_of_others(self):
        """A process with namespaces of its own, to be joined."""
        if not self.helpers:
            unshare = subprocess.Popen(["unshare", "-mnuiCTpf", "--propagation", "private", self.look, "wait"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE)
            unshare.stdout.readline()
            children = read(f"/proc/{unshare.pid}/task/{unshare.pid}/children").split()
            self.helpers = [int(children[0]), unshare.pid]
            unshare.returncode = 0  # whoever ends it reaps it
        return self.helpers[0]

    # ---- the bundle ----

    def make_root(self, owner=0, probes=()):
        for name in ROOT_FOLDERS:
            (self.rootfs / name).mkdir(parents=True)
        os.link(self.look, self.bundle / "look")
        place = shutil.copy if owner else os.link
        place(self.look, self.rootfs / "look")
        place(self.look, self.rootfs / "bin/look")
        (self.rootfs / "full/file").write_text("full\n")
        (self.rootfs / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
        (self.rootfs / "file").write_text("file\n")
        (self.rootfs / "link").symlink_to("/empty")
        (self.rootfs / "hooks").touch()
        (self.rootfs / "probe").write_text("".join(f"{p}\n" for p in probes))
        (self.bundle / "link").symlink_to("rootfs")
        (self.bundle / "shared").mkdir()
        (self.bundle / "shared/inner").mkdir()
        (self.bundle / "shared/file").write_text("shared\n")
        if owner:
            subprocess.run(["chown", "-hR", f"{owner}:{owner}", self.rootfs], check=True)

    def tree(self):
        """{path: what it is} of the root file system, for what has come or changed."""
        found = {}
        for folder, folders, files in os.walk(self.rootfs):
            for name in folders + files:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                link = f" -> {os.readlink(path)}" if stat.S_ISLNK(st.st_mode) else ""
                found[path[len(str(self.rootfs)):]] = f"{stat.filemode(st.st_mode)} {st.st_uid}:{st.st_gid}{link}"
        return found

    # ---- the runtime ----

    def argv(self, *args):
        return [self.program, "--root", str(self.root), "--log", str(self.folder / "log"), "--log-format", "json", *map(str, args)]

    def call(self, *args, argv=None, name="out"):
        """Runs a command to its end: (exit code, output, errors). What stays open in a container keeps no pipe of ours open, and writes
        into a file of another name."""
        with open(self.folder / name, "wb") as out, open(self.folder / "err", "wb") as err:
            # Not the host's /dev/null: crun gives the descriptors that it has to the container's user.
            with open(self.folder / "in", "w+b") as empty:
                started = subprocess.Popen(argv or self.argv(*args), stdin=empty, stdout=out, stderr=err, env=ENVIRONMENT, cwd=self.folder,
                                           start_new_session=True)
            try:
                code = str(started.wait(LIMIT))
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()
                code = f"no end within {LIMIT} s"
        return code, read(self.folder / name), read(self.folder / "err")

    def wait(self, pid):
        """How a container's program, an orphan and so ours, ended."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            except ChildProcessError:
                return "is no child of ours"
            if not ended:
                time.sleep(0.001)
                continue
            status = os.waitstatus_to_exitcode(os.waitpid(ended.si_pid, 0)[1])
            # Others' ends matter, too: the first process of a pid namespace waits for all that are in it, and some of them are our children.
            if ended.si_pid == pid:
                return str(status)
        return f"no end within {LIMIT} s"

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.wait(pid)

    # ---- a document ----

    def document(self, text, owner=0, probes=(), console=True, veth=False):
        """create, state, start, delete with a config.json; `text` may hold @ID@ and such."""
        seen = {}
        with self.container(owner, probes):
            (self.bundle / "config.json").write_bytes(self.fill(text).encode(errors="surrogateescape"))
            if veth:
                self.call(argv=["ip", "link", "add", "compare0", "type", "veth", "peer", "name", "compare1"])
            before, terminal = self.tree(), None
            options = ["--bundle", self.bundle, "--pid-file", self.folder / "pid"]
            if console and re.search(r'"terminal": ?true', text):
                terminal = Console(str(self.folder / "console"))
                options += ["--console-socket", self.folder / "console"]
            code, _, errors = self.call("create", *options, self.id, name="first")
            seen["create"] = code
            if code == "0":
                self.life(seen, terminal)
            else:
                seen["_message"] = self.same(errors + self.log_text()).strip()
                if terminal:
                    terminal.close()
            seen |= self.left(before)
        return seen

    def life(self, seen, terminal):
        self.pid = int(read(self.folder / "pid") or 0)
        seen |= self.groups_of(self.pid)
        seen |= self.state()
        seen["start"], _, errors = self.call("start", self.id)
        if seen["start"] == "0":
            seen["program's end"] = self.wait(self.pid)
        else:
            seen["_message"] = self.same(errors).strip()
            self.call("delete", "--force", self.id)
        if terminal:
            terminal.close()
        told = terminal.text.decode(errors="replace") if terminal else read(self.folder / "first")
        seen |= self.told(told)
        seen |= self.hooks()
        if seen["start"] == "0":
            seen["delete"], _, _ = self.call("delete", self.id)

    def state(self):
        code, out, _ = self.call("state", self.id)
        return {"state": code} | self.members("state", out)

    def members(self, key, text):
        """Each of a state's members."""
        try:
            state = json.loads(text)
        except ValueError:
            return {f"{key} text": self.same(text)}
        state["pid"] = "PID" if state.get("pid") == self.pid else state.get("pid")
        if "created" in state:
            state["created"] = "TIME"
        return {f"{key} {name}": self.same(json.dumps(value, sort_keys=True)) for name, value in state.items()}

    # ---- a command line ----

    def command_line(self, case):
        """A command on a container that is `case.state`: its exit code, what it says where, and what becomes of the container."""
        seen = {}
        with self.container():
            self.prepare(case)
            before, log = self.tree(), len(self.log_text())
            first = read(self.folder / "first")
            seen["exit"], out, errors = self.call(argv=self.words(case.args), name="said")
            seen["stdout"] = self.shape(out)
            seen["stderr"] = "something" if errors.strip() else "nothing"
            seen["_message"] = self.same(errors).strip()
            seen["log"] = self.log_shape(self.log_text()[log:])
            if detaches(case.args):
                seen.pop("stdout")  # comes when it comes
            elif case.args[:1] == ["exec"] and "args" in seen["stdout"]:
                seen |= self.told(out)
            seen |= self.after(case, seen["exit"], first)
            if self.pid:
                self.thaw(self.pid)
                self.kill(self.pid)
            for folder in self.root.iterdir() if self.root.exists() else ():
                self.call("delete", "--force", folder.name)
            seen |= self.left(before)
        return seen

    def words(self, args):
        args = [self.fill(a) for a in args]
        return [self.program, *([] if "--root" in args else ["--root", str(self.root)]),
                *([] if any("--log" in a for a in args) else ["--log", str(self.folder / "log"), "--log-format", "json"]), *args]

    def prepare(self, case):
        state, document = case.state, json.loads(json.dumps(BASE))
        waits = state in ("created", "running", "paused") or detaches(case.args)
        document["process"]["args"] = ["/look", "wait"] if waits else ["/look"]
        (self.bundle / "config.json").write_text(self.fill(json.dumps(document)))
        (self.folder / "new").mkdir()
        (self.folder / "process.json").write_text(json.dumps({"args": ["/look", "process.json"], "cwd": "/tmp", "env": ["P=1"], "user": {"uid": 5, "gid": 6}}))
        (self.folder / "resources.json").write_text(json.dumps({"memory": {"limit": 67108864}, "pids": {"limit": 77}}))
        if state == "none":
            return
        self.call("create", "--bundle", self.bundle, "--pid-file", self.folder / "pid0", self.id, name="first")
        self.pid = int(read(self.folder / "pid0"))
        if state == "created":
            return
        self.call("start", self.id)
        deadline = time.monotonic() + LIMIT
        while not read(self.folder / "first").endswith("\n") and time.monotonic() < deadline:
            time.sleep(0.002)
        if state == "paused":
            self.call("pause", self.id)
        elif state == "stopped":
            self.wait(self.pid)

    def after(self, case, exit_code, first):
        """The container's state, its program's end, its limits, and files that the command may have written."""
        if case.ends and self.pid and exit_code == "0":
            seen = {"program's end": self.wait(self.pid)}
        else:
            alive = self.pid and read(f"/proc/{self.pid}/stat").rpartition(") ")[2][:1] not in "ZX"
            seen = {"program": "is there" if alive else "is not there"}
            seen |= self.groups_of(self.pid) if alive else {}
        code, out, _ = self.call("state", self.id)
        state = json.loads(out) if code == "0" else {}
        seen["state afterwards"] = f"{code} {state.get('status', '')}"
        self.pid = self.pid or state.get("pid", 0)
        told = read(self.folder / "first")
        if told != first:
            seen["the program says"] = "something"
        for name in ("pid", "log2", "new/config.json"):
            if (self.folder / name).exists():
                seen[f"file {name}"] = self.shape(read(self.folder / name))
        return seen

    @staticmethod
    def shape(text):
        """Of an output, what is always the same: nothing, the form of a JSON text, or that there is some text."""
        if not text.strip():
            return "nothing"
        try:
            return json.dumps(form(json.loads(text)), sort_keys=True)
        except ValueError:
            return "text"

    def log_shape(self, text):
        """Which lines a log has got: each level, and its members."""
        found = []
        for line in text.splitlines():
            try:
                d = json.loads(line)
                found.append(f"{d.get('level')} ({' '.join(sorted(d))})")
            except ValueError:
                found.append("no JSON")
        return ", ".join(found)

    def container(self, owner=0, probes=()):
        return Container(self, owner, probes)

    def log_text(self):
        return read(self.folder / "log")

    # ---- what is seen ----

    def groups_of(self, pid):
        """The files of the groups that a process is in."""
        seen = {}
        for line in read(f"/proc/{pid}/cgroup").splitlines():
            _, names, path = line.split(":", 2)
            name = names.removeprefix("name=") or "unified"
            seen[f"cgroup path {name}"] = self.same(path)
            folder = CGROUPS / name / path.lstrip("/")
            for knob in CGROUP_FILES.get(name, "").split():
                file = folder / f"{name}.{knob}"
                if file.exists():
                    seen[f"cgroup {file.name}"] = read(file).strip().replace("\n", ", ")
            if name == "unified":
                seen |= {f"cgroup {file.name}": read(file).strip() for file in folder.glob("hugetlb.*.max")}
        return seen

    def told(self, text):
        """What the program in the container said of itself."""
        try:
            d = json.loads(text.strip().splitlines()[-1])  # before it, hooks may have said something
        except (ValueError, IndexError):
            return {"output": "broken off" if text.startswith("{") else self.same(text.strip()[-300:])}
        seen = {key: json.dumps(d[key]) if isinstance(d[key], list) else str(d[key]) for key in d
                if key not in ("env", "rlimits", "descriptors", "namespaces", "files", "folders", "probes")}
        seen["keyring"] = self.keyring(d["keyring"])
        seen |= {f"rlimit {name}": value for name, value in zip(RLIMITS, d["rlimits"])}
        for entry in d["env"]:
            name, _, value = entry.partition("=")
            seen[f"env {name}"] = seen.get(f"env {name}", "") + entry[len(name):]
        terminal = d["descriptors"].get("0", "").startswith("terminal")
        seen |= {f"descriptor {n}": value for n, value in d["descriptors"].items() if not (terminal and n in "12" and value == d["descriptors"]["0"])}
        seen |= {f"namespace {kind}": self.namespace(kind, link) for kind, link in d["namespaces"].items()}
        for folder, entries in d["folders"].items():
            seen |= {f"file {folder}/{name}".replace("//", "/"): value for name, value in entries.items()}
        for path, value in d["probes"].items():
            seen[f"probe {path}"] = json.dumps(value, sort_keys=True) if isinstance(value, dict) else str(value)
        seen |= self.files_of_proc(d["files"])
        return {key: self.same(value) for key, value in seen.items()}

    def files_of_proc(self, files):
        seen = {}
        if ":" not in files.get("/proc/self/status", ""):
            return {path: text for path, text in files.items() if "ENOENT" not in text}  # no /proc
        for line in files.pop("/proc/self/status", "").splitlines():
            name, _, value = line.partition(":")
            if name in STATUS:
                seen[f"status {name}"] = value.strip()
        seen["status NSpid"] = f"{len(seen['status NSpid'].split())} pid namespaces"
        for line in files.pop("/proc/self/mountinfo", "").splitlines():
            front, _, back = line.partition(" - ")
            _, _, _, root, point, options, *optional = front.split(" ")
            key, number = f"mount {point}", 2
            while key in seen:
                key, number = f"mount {point} #{number}", number + 1
            spread = " ".join(word.split(":")[0] for word in optional)
            seen[key] = self.same(f"{root} {options} {spread} - {back}")
        for line in files.pop("/proc/self/cgroup", "").splitlines():
            _, names, path = line.split(":", 2)
            seen[f"sees cgroup {names}"] = path
        return seen | {path: " ".join(text.split()) for path, text in files.items()}

    def keyring(self, text):
        """Of a keyring, whose it is and which name; what is the caller's is told from the container's."""
        mine = ctypes.create_string_buffer(256)
        ctypes.CDLL(None).syscall(250, 6, ctypes.c_long(-3), mine, 256)
        return "the caller's" if text == mine.value.decode() else text

    @staticmethod
    def namespace(kind, link):
        host = os.readlink(f"/proc/self/ns/{kind}")
        return "the host's" if link == host else link if ":" not in link else "another"

    def hooks(self):
        """Who was called in which order, and saw what."""
        seen, number = {}, 0
        for line in (read(self.bundle / "hooks") + read(self.rootfs / "hooks")).splitlines():
            number += 1
            try:
                d = json.loads(line)
            except ValueError:
                seen[f"hook {number}"] = line
                continue
            name = f"hook {number} {d['hook']}"
            seen |= self.members(f"{name} state", d["state"])
            seen[f"{name} namespaces"] = " ".join(f"{k}: {self.namespace(k, v)}," for k, v in sorted(d["namespaces"].items()))
            seen[f"{name} descriptors"] = " ".join(d["descriptors"])
            for key in ("args", "env", "cwd", "umask", "ids", "leads session"):
                seen[f"{name} {key}"] = json.dumps(sorted(d[key]) if key == "env" else d[key])
        return {key: self.same(value) for key, value in seen.items()}

    # ---- what is left ----

    def left(self, before):
        """What is there after `delete`, or after a command that failed. What should not be is taken away."""
        seen = {}
        state = [p.name for p in self.root.iterdir()] if self.root.exists() else []
        seen["left: containers"] = self.same(" ".join(sorted(state)))
        seen["left: processes"] = self.same(", ".join(sorted(self.remove_processes())))
        seen["left: mounts"] = self.same(" ".join(self.remove_mounts()))
        seen["left: cgroups"] = self.same(" ".join(sorted(self.remove_groups(keep=self.parent))))
        after = self.tree()
        new = [f"{path} {what}" for path, what in sorted(after.items()) if before.get(path) != what]
        seen["left: in the root file system"] = self.same(", ".join(new + [f"no {p}" for p in sorted(set(before) - set(after))]))
        return seen

    def processes(self):
        """{pid: command line} of all but ours; the dead are taken away."""
        found = {}
        for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
            if pid == os.getpid() or pid in self.helpers:
                continue
            if read(f"/proc/{pid}/stat").rpartition(") ")[2][:1] in "ZX":
                self.kill(pid)
            else:
                found[pid] = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
        return found

    def remove_processes(self):
        """Who is about to end has a second."""
        deadline = time.monotonic() + 1
        while (found := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.01)
        for pid in found:
            self.thaw(pid)
            self.kill(pid)
        return found.values()

    @staticmethod
    def thaw(pid):
        for line in read(f"/proc/{pid}/cgroup").splitlines():
            if ":freezer:" in line:
                knob = CGROUPS / "freezer" / line.split(":", 2)[2].lstrip("/") / "freezer.state"
                if "THAWED" not in read(knob) and knob.exists():
                    knob.write_text("THAWED")

    def remove_mounts(self):
        found = [point for number, point in mounts().items() if number not in self.mounts_before]
        for point in reversed(found):
            subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL, check=False)
        return found

    def remove_groups(self, keep=None):
        """Those whose names hold ours, and what is in them; empty as they are by then. crun makes plain folders where a tree is missing."""
        found = []
        for folder in CGROUPS.glob(f"*{self.name}*"):
            shutil.rmtree(folder, ignore_errors=True)
            found.append(f"{folder.name} (no group)")
        for name, tree in trees():
            for folder, _, _ in os.walk(tree, topdown=False):
                if self.name in folder and pathlib.Path(folder).name != keep:
                    found.append(f"{name}{folder[len(str(tree)):]}")
                    try:
                        os.rmdir(folder)
                    except OSError:
                        pass  # the next call finds it again
        return found


def form(value):
    """A JSON value with the kind of each thing in the thing's place."""
    if isinstance(value, dict):
        return {key: form(v) for key, v in value.items()}
    if isinstance(value, list):
        return [form(value[0])] if value else []
    return {str: "text", bool: "flag", type(None): "null"}.get(type(value), "number")


def detaches(args):
    return args[:1] in (["run"], ["exec"]) and any(a in ("-d", "--detach", "-detach", "--detach=true", "-dt", "--d") for a in args)


class Container:
    """The files that a container needs, with an id of its own, gone at the end."""

    def __init__(self, observer, owner, probes):
        self.observer, self.owner, self.probes = observer, owner, probes

    def __enter__(self):
        o = self.observer
        o.count += 1
        o.id = f"{o.name}-{o.count}"
        o.pid = 0
        o.folder.mkdir(exist_ok=True)
        o.bundle.mkdir()
        o.mounts_before = mounts()
        o.make_root(self.owner, self.probes)
        return o

    def __exit__(self, *_):
        o = self.observer
        if o.root.exists() and any(o.root.iterdir()):
            o.call("delete", "--force", o.id)
        shutil.rmtree(o.bundle)
        shutil.rmtree(o.root, ignore_errors=True)
        for file in o.folder.iterdir():
            if file.name == "new":
                shutil.rmtree(file)
            elif file != o.look:
                file.unlink()
