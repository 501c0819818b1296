# SPDX-License-Identifier: Apache-2.0
"""A root and a state folder for one test, the programs that use them, and the proof at its end that nothing is left."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from . import leaks, program, sanitizer
from .process import DEADLINE, kill_and_wait, run, wait_until
from .terminal import Terminal


class Place:
    def __init__(self, images):
        # Short: the path of a unix socket has 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="md-", dir="/var/tmp"))
        self.root = self.folder / "r"
        self.state = self.folder / "s"
        self.images = images
        self.ids = set()  # of containers that the test itself named
        self.closers = []
        self.at_end = []  # called when nothing runs here any more
        self.root.mkdir(mode=0o700)
        self.state.mkdir(mode=0o700)

    def need_images(self, *names):
        self.images.give(self.root, names)
        return self

    def argv(self, *args):
        return [program("mdocker"), "--root", str(self.root), "--state", str(self.state), *map(str, args)]

    def mdocker(self, *args, **more):
        """Runs `mdocker ARGS...` to its end."""
        return run(self.argv(*args), **more)

    def terminal(self, *args, **more):
        """`mdocker ARGS...` on a terminal; closed with the test."""
        t = Terminal(self.argv(*args), **more)
        self.closers.append(t.close)
        return t

    def runtime(self, *args, **more):
        """`mdocker-runtime ARGS...` with this place's own folder of containers."""
        return run([program("mdocker-runtime"), "--root", str(self.state / "runtime"), *map(str, args)], **more)

    def start(self, argv, **more):
        """A program in the background; killed with the test."""
        p = subprocess.Popen([str(a) for a in argv], start_new_session=True, **more)
        self.closers.append(lambda: kill_and_wait(p))
        return p

    def bundle(self, name="b", args=("/bin/true",), **change):
        """An OCI bundle on the busybox tree: bundle/config.json from `mdocker-runtime spec`, changed by `change`
        ({"process.terminal": False} as process__terminal=False)."""
        self.need_images("busybox")
        folder = self.folder / name
        folder.mkdir()
        run([program("mdocker-runtime"), "spec", "--bundle", folder]).ok()
        config = json.loads((folder / "config.json").read_text())
        config["process"]["args"] = list(args)
        config["process"]["terminal"] = False
        config["root"] = {"path": str(self.layer("busybox")), "readonly": True}
        for path, value in change.items():
            at = config
            *parents, last = path.split("__")
            for key in parents:
                at = at.setdefault(key, {})
            at[last] = value
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    def layer(self, image):
        """The diff/ of an image's only layer. Shared with other tests: to be read only."""
        document = json.loads((self.root / "images" / (image + ".json")).read_text())
        return (self.root / "layers" / document["layers"][0]).resolve() / "diff"

    def workspaces(self):
        """Ids of all workspaces of this place, running or not."""
        ids = set(leaks.folders(self.root / "workspaces")) | set(leaks.folders(self.state / "workspaces"))
        return {i for i in ids if not i.startswith(".")}

    def marks(self):
        return {str(self.folder)} | {i for i in self.workspaces() | self.ids if len(i) >= 6}

    def remove_all(self):
        """As an administrator would: each workspace by `mdocker rm --force`."""
        for i in self.workspaces():
            self.mdocker("rm", "--force", i, timeout=60)

    def close(self):
        """Ends everything and returns what had to be ended by force: [] is how it should be."""
        found = []
        for closer in reversed(self.closers):
            try:
                closer()
            except Exception as e:  # what the others have is ended all the same
                found.append(f"{closer.__qualname__}: {e!r}")
        marks = self.marks()
        found += sanitizer.reports(self.folder)
        try:
            self.remove_all()
            for call in self.at_end:
                call()
        except AssertionError as e:
            found.append(f"at the end: {e}")
        left = self.leftovers(marks)
        if left:
            # What is on its way out (a cgroup that the kernel still holds, a process that ends) may go.
            end = time.monotonic() + DEADLINE / 3
            while left and time.monotonic() < end:
                time.sleep(0.02)
                left = self.leftovers(marks)
        found += left
        self.clean_by_force(marks)
        shutil.rmtree(self.folder, ignore_errors=True)
        return found

    def leftovers(self, marks):
        ids = {m for m in marks if "/" not in m}
        found = [f"process {pid}: {command}" for pid, command in leaks.processes(marks).items()
                 if not leaks.zombie(pid)]
        found += [f"mount {m}" for m in leaks.mounts(marks)]
        found += [f"cgroup {c}" for c in leaks.cgroups(ids)] if ids else []
        found += [f"workspace {w}" for w in self.workspaces()]
        return found

    def clean_by_force(self, marks):
        leaks.kill(leaks.processes(marks))
        for mount in reversed(leaks.mounts(marks)):
            run(["umount", "-l", mount])
        ids = {m for m in marks if "/" not in m}
        for cgroup in reversed(leaks.cgroups(ids) if ids else []):
            for folder, _, _ in os.walk(cgroup, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass


__all__ = ["DEADLINE", "Place", "wait_until"]
