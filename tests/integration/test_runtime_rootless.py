# SPDX-License-Identifier: Apache-2.0
"""mdocker-runtime as an ordinary user, with one id mapped: no helper, no cgroup of its own."""

import shutil
import subprocess

import pytest

UID = 64999  # no user of the host


@pytest.fixture
def mine(bundle):
    bundle.namespace("user")
    one = [{"containerID": 0, "hostID": UID, "size": 1}]
    bundle.linux["uidMappings"] = bundle.linux["gidMappings"] = one
    bundle.linux["resources"] = {}
    for m in bundle.spec["mounts"]:
        m["options"] = [o for o in m.get("options", []) if not o.startswith("gid=")]
    # A path that the user reaches, wherever the build folder is.
    bundle.program = str(bundle.folder / "mdocker-runtime")
    shutil.copy(__import__("harness").program("mdocker-runtime"), bundle.program)
    subprocess.run(["chown", "-hR", f"{UID}:{UID}", str(bundle.folder)], check=True)
    bundle.prefix = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups"]
    return bundle


def test_an_ordinary_user_runs_a_container(mine):
    out = mine.out("id -u; cat /proc/self/uid_map; hostname; touch /tmp/x; cat /proc/self/setgroups; test -c /dev/null && echo null")
    assert out.split() == ["0", "0", str(UID), "1", "box", "deny", "null"]
    assert (mine.rootfs / "tmp/x").stat().st_uid == UID


def test_an_ordinary_user_creates_enters_and_deletes(mine):
    mine.up()
    assert mine.state()["status"] == "running"
    assert mine.exec("sh", "-c", "id -u; hostname; exit 3", ok=False).stdout == "0\nbox\n"
    mine.runtime("kill", mine.id, "KILL")
    mine.wait_status("stopped")
    mine.runtime("delete", mine.id)
    assert not mine.settled_left()


def test_additional_groups_say_why_not(mine):
    mine.process["user"]["additionalGids"] = [0]
    r = mine.run(ok=False)
    assert r.returncode != 0 and "newgidmap" in r.stderr


def test_more_ids_than_allowed_say_why_not(mine):
    mine.linux["uidMappings"] = mine.linux["gidMappings"] = [{"containerID": 0, "hostID": 1000000, "size": 65536}]
    r = mine.run(ok=False)
    assert r.returncode != 0 and ("subuid" in r.stderr or "uidmap" in r.stderr)
    assert not mine.settled_left()
