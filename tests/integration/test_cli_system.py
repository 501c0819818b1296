# SPDX-License-Identifier: Apache-2.0
"""update, profile show, doctor, system prune, and the reserve above all workspaces."""

import json
import os
import re
import resource
import signal
import subprocess

import pytest

from harness import leaks, program
from harness.process import run, wait_until

V1 = os.path.isdir("/sys/fs/cgroup/memory")
LIMIT_FILES = (["memory/memory.limit_in_bytes", "pids/pids.max", "cpu/cpu.cfs_quota_us"] if V1
               else ["memory.max", "pids.max", "cpu.max"])


@pytest.fixture
def web(place):
    place.need_images("busybox")
    place.mdocker("run", "-d", "--name", "web", "busybox", "sleep", "1000").ok()
    return place


def limits(place):
    return place.mdocker("exec", "web", "cat", *(f"/sys/fs/cgroup/{f}" for f in LIMIT_FILES)).ok().out.split()[:3]


# ---- update ----

def test_limits_change_at_once_and_stay_changed(web):
    web.mdocker("update", "--memory", "64m", "--pids-limit", "9", "--cpus", "0.25", "web").ok()
    assert limits(web) == [str(64 << 20), "9", "25000"]
    web.mdocker("update", "--memory", "200m", "web").ok()
    assert limits(web) == [str(200 << 20), "9", "25000"]
    web.mdocker("stop", "-t", "1", "web").ok()
    web.mdocker("update", "--pids-limit", "11", "web").ok()
    web.mdocker("start", "web").ok()
    assert limits(web) == [str(200 << 20), "11", "25000"]


def test_updates_that_are_refused_change_nothing(web):
    web.mdocker("update", "web").failed(125, "limit")
    web.mdocker("update", "--memory", "1m", "web").failed(1, "6m")
    web.mdocker("update", "--pids-limit", "1", "web").failed(1, "least")
    web.mdocker("update", "--cpus", "lots", "web").failed(125, "cpus")
    web.mdocker("update", "--memory", "64m", "nobody").failed(1, "nobody")
    assert limits(web)[:2] == [str(100 << 20), "20"]


# ---- the group above ----

def test_all_workspaces_together_leave_a_reserve(web):
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    path = "/sys/fs/cgroup/memory/minidocker/memory.limit_in_bytes" if V1 else "/sys/fs/cgroup/minidocker/memory.max"
    limit = int(open(path).read())
    assert total // 2 <= limit <= total - (200 << 20)


# ---- profile show ----

def test_profile_show_tells_what_the_process_has(web):
    out = web.mdocker("profile", "show", "web").ok().out
    lines = {line[:18].strip(): line[18:].strip() for line in reversed(out.splitlines()) if line[:18].strip()}
    assert "HOST" not in lines["namespaces"]
    assert len(lines["effective"].split()) == len(lines["bounding"].split()) == 12
    assert lines["inheritable"] == lines["ambient"] == "none"
    assert lines["no_new_privs"] == "1" and lines["seccomp filters"] == "1"
    assert int(lines["user ids"].split()[1]) >= 1000000
    asked = json.loads(web.mdocker("profile", "show").ok().out)
    assert len(asked["process"]["capabilities"]["bounding"]) == 12 and asked["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"
    web.mdocker("profile", "show", "nobody").failed(1, "nobody")
    web.mdocker("stop", "-t", "1", "web").ok()
    web.mdocker("profile", "show", "web").failed(1, "not running")


def test_profile_show_reads_from_the_process_and_its_groups_and_not_from_what_was_asked_for(web):
    group = f"/sys/fs/cgroup/{'pids/' if V1 else ''}minidocker/{next(iter(web.workspaces()))}/pids.max"
    with open(group, "w") as f:
        f.write("17")
    pid = json.loads(web.runtime("state", next(iter(web.workspaces()))).ok().out)["pid"]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (77, 778))
    with open(f"/proc/{pid}/oom_score_adj", "w") as f:
        f.write("654")
    shown = web.mdocker("profile", "show", "web").ok().out
    assert re.search(r"Max open files +77 +778 ", shown) and re.search(r"(?m)^oom_score_adj +654", shown), shown
    assert re.search(r"(?m)^[ \w]{18}pids.max 17$", shown), shown


# ---- doctor ----

def test_doctor_names_every_check(place):
    checks = json.loads(place.mdocker("doctor", "--json").out)
    assert {c["level"] for c in checks} <= {"ok", "weaker", "broken"}
    for c in checks:
        assert c["found"] and (c["level"] == "ok") == (not c["advice"]), c
    assert {"cgroups", "idmapped mounts", "seccomp", "user ids", "disk limits"} <= {c["check"] for c in checks}
    broken = any(c["level"] == "broken" for c in checks)
    assert place.mdocker("doctor").code == int(broken)


def test_doctor_says_that_a_controller_is_missing(place):
    hide = ("umount -R /sys/fs/cgroup; mount -t tmpfs none /sys/fs/cgroup; exec \"$@\"")
    r = run(["unshare", "-m", "--propagation", "private", "sh", "-c", hide, "sh", *place.argv("doctor")])
    assert r.code == 1 and "broken  cgroups" in r.out, r


def test_doctor_and_balance_say_that_the_kernel_tells_of_no_pressure(place):
    hide = 'mount -t tmpfs none /proc/pressure 2>/dev/null || [ ! -e /proc/pressure ] || exit 99; exec "$@"'
    without = ["unshare", "-m", "--propagation", "private", "sh", "-c", hide, "sh"]
    doctor = json.loads(run([*without, *place.argv("doctor", "--json")]).out)
    told, = [c for c in doctor if c["check"] == "pressure"]
    assert told["level"] == "weaker" and "psi=1" in told["advice"]
    run([*without, *place.argv("system", "balance")]).failed(1, "/proc/pressure/cpu")


# ---- system prune ----

def wreck(place):
    """A workspace whose shim was killed: its container runs on."""
    w = json.loads(place.mdocker("ps", "--format", "json").ok().out.splitlines()[0])
    os.kill(w["shimPid"], signal.SIGKILL)
    wait_until(lambda: not place.mdocker("ps", "-q").ok().out, "the workspace is seen as stopped")
    return w


def test_prune_of_a_clean_place_finds_nothing(web):
    assert web.mdocker("system", "prune").ok().out == ""
    assert limits(web)


def test_prune_removes_what_a_killed_shim_left_and_no_file(web):
    web.mdocker("exec", "web", "sh", "-c", "echo kept > /root/f").ok()
    w = wreck(web)
    assert w["id"] in web.mdocker("system", "prune", "--dry-run").ok().out
    assert leaks.cgroups({w["id"]})
    assert w["id"] in web.mdocker("system", "prune").ok().out
    assert not leaks.cgroups({w["id"]})
    assert not os.path.exists(f"/proc/{w['pid']}") or leaks.zombie(w["pid"])
    web.mdocker("start", "web").ok()
    assert web.mdocker("exec", "web", "cat", "/root/f").ok().out == "kept\n"


def test_prune_ends_a_run_whose_workspace_is_gone(web):
    w = json.loads(web.mdocker("ps", "--format", "json").ok().out)
    subprocess.run(["rm", "-rf", web.root / "workspaces" / w["id"]], check=True)
    assert "without a workspace" in web.mdocker("system", "prune", "--dry-run").ok().out
    assert os.path.exists(f"/proc/{w['pid']}")
    web.mdocker("system", "prune").ok()
    wait_until(lambda: not os.path.exists(f"/proc/{w['pid']}") or leaks.zombie(w["pid"]), "its init is gone")
    wait_until(lambda: not leaks.folders(web.state / "workspaces"), "its folder is gone")


def test_prune_leaves_the_workspaces_of_another_root_that_has_the_same_state_folder(web):
    """The state folder is /run/minidocker for whoever names no other, whatever --root."""
    run([program("mdocker"), "--root", web.folder / "another", "--state", web.state, "system", "prune"]).ok()
    web.mdocker("exec", "web", "true").ok()


def test_prune_removes_half_made_ones_and_strangers_not(web):
    (web.root / "workspaces" / ".new-0123456789ab").mkdir()
    (web.root / "workspaces" / "notes").mkdir()
    out = web.mdocker("system", "prune").ok().out
    assert "half-made" in out
    assert not (web.root / "workspaces" / ".new-0123456789ab").exists()
    assert (web.root / "workspaces" / "notes").exists()
    (web.root / "workspaces" / "notes").rmdir()
    web.mdocker("system", "sweep").failed(125, "prune")
