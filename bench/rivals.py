# SPDX-License-Identifier: Apache-2.0
"""What the benches of the runtime share: the rivals, a bundle's parts, times, tables, and a place that is like a host's."""

import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))
from harness import PROGRAMS  # noqa: E402

UNIFIED = "/sys/fs/cgroup/unified"
OURS = "mdocker-runtime"


class Runtime:
    """One OCI runtime with containers of its own."""

    def __init__(self, name, path, folder):
        self.name, self.path = name, path
        self.root = folder / "state" / name
        self.serial = 0

    def argv(self, *args):
        return [self.path, "--root", str(self.root), *map(str, args)]

    def next_id(self):
        self.serial += 1
        return f"bench-{os.getpid()}-{self.name}-{self.serial}"

    def run_argv(self, case):
        return self.argv("run", "--bundle", case.bundle, self.next_id())

    def delete_all(self):
        """Removes whatever containers there are: what was measured when somebody ended the bench is there still."""
        in_parallel(lambda name: subprocess.run(self.argv("delete", "--force", name), stdout=subprocess.DEVNULL),
                    [path.name for path in self.root.glob("bench-*")])

    def version(self):
        return subprocess.run([self.path, "--version"], capture_output=True, text=True).stdout.splitlines()[0]


def spec(folder):
    tool = shutil.which("runc") or str(PROGRAMS / "mdocker-runtime")
    subprocess.run([tool, "spec", "--bundle", str(folder)], check=True)
    return json.loads((folder / "config.json").read_text())


def in_parallel(function, things, at_once=8):
    """function(thing) of each; when one fails, those that have begun are waited for and the others left out."""
    pool = ThreadPoolExecutor(at_once)
    try:
        return list(pool.map(function, things))
    finally:
        pool.shutdown(cancel_futures=True)


def timed(argv):
    """Milliseconds from before the spawn to after the wait."""
    null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1)]
    started = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=null)
    _, status = os.waitpid(pid, 0)
    took = (time.perf_counter() - started) * 1000
    if status:
        sys.exit(f"{' '.join(argv)}: exit code {os.waitstatus_to_exitcode(status)}")
    return took


def turns(runners, count, warm=3, pause=0.0):
    """(runner, whether it counts) in an order that changes from turn to turn; the first ones fill caches. `pause` seconds lie between them."""
    for turn in range(count + warm):
        for r in random.sample(runners, len(runners)):
            time.sleep(pause)
            yield r, turn >= warm


def show(title, times, ours=OURS):
    """A table: median, the 95th percentile, and our median as a ratio of each."""
    print(f"\n{title}\n")
    print("| | median ms | p95 ms | ours / it |\n|---|---:|---:|---:|")
    mine = statistics.median(times[ours])
    for name, values in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        middle = statistics.median(values)
        p95 = sorted(values)[max(0, int(len(values) * 0.95) - 1)]
        print(f"| {name} | {middle:.2f} | {p95:.2f} | {'' if name == ours else f'{mine / middle:.2f}'} |")
    sys.stdout.flush()


def make_rootfs(folder):
    rootfs = folder / "rootfs"
    for name in ("bin", "proc", "dev", "sys", "tmp", "etc"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", rootfs / "bin" / "busybox")
    for name in ("true", "sleep", "sh"):
        (rootfs / "bin" / name).symlink_to("busybox")


def compiled(folder, name):
    """A program of this folder's, static."""
    path = folder / name
    subprocess.run(["gcc", "-O2", "-static", "-o", path, pathlib.Path(__file__).with_name(name + ".c")], check=True)
    return str(path)


def add_runtime_option(parser):
    parser.add_argument("--runtime", action="append", default=[], metavar="NAME=PATH", help="a further OCI runtime")


def add_pause_option(parser):
    """Starts by themselves by default: right after another one the kernel is busy with what that left, and the grace periods that some wait for have begun already."""
    parser.add_argument("--pause", type=float, default=20, metavar="MS", help="between one start and the next (default 20; 0: at once)")


def host_line(count):
    return (f"{os.uname().sysname} {os.uname().release}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}; "
            f"{count} starts each")


def find_runtimes(folder, extra):
    """Ours, Debian's crun and runc, and those given as NAME=PATH."""
    runtimes = [Runtime(OURS, str(PROGRAMS / OURS), folder)]
    for name, path in [(n, shutil.which(n)) for n in ("crun", "runc")] + [e.split("=", 1) for e in extra]:
        if path:
            runtimes.append(Runtime(name, path, folder))
        else:
            print(f"{name} is not installed: left out", file=sys.stderr)
    return runtimes


def end_tidily(number, _):
    """A signal's handler: unwinds, once, so that what is below `finally` is done; and is, unlike SIG_IGN, not inherited by programs."""
    for ends in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ends, lambda *_: None)
    sys.exit(128 + number)


def leave_nothing(folder, runtimes):
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
    for r in runtimes:
        r.delete_all()
    subprocess.run(["umount", folder / "state"], check=True)
    shutil.rmtree(folder, ignore_errors=True)


def in_own_place(script, extra, measure):
    """Calls measure(folder, runtimes) with ours, Debian's and the `extra` ones of the command line in a mount namespace of its own, with the runtimes' state on a tmpfs, as /run is one, and without the
    v2 tree of a hybrid cgroup layout, since Debian's crun 1.8.1 refuses such a host."""
    if os.geteuid() != 0:
        sys.exit(f"{script}: containers with all namespaces need root")
    if os.environ.get("BENCH_PLACE") != "own":
        hide = f"umount {UNIFIED} && " if os.path.ismount(UNIFIED) else ""
        os.environ["BENCH_PLACE"] = "own"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", "sh", "-c", hide + 'exec "$@"', "sh", *sys.argv])
    for ends in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ends, end_tidily)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="md-bench-", dir="/var/tmp"))
    state = folder / "state"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", state], check=True)
    runtimes = find_runtimes(folder, extra)
    try:
        measure(folder, runtimes)
    finally:
        leave_nothing(folder, runtimes)
