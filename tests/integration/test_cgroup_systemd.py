# SPDX-License-Identifier: Apache-2.0
"""mdocker-runtime --systemd-cgroup under a real systemd: that of the machine, as the first program of a user-mode Linux."""

import json
import os
import shutil

import pytest

from harness import uml
from harness.bundle import Bundle

pytestmark = uml.NEEDED

SCRIPT = """
cd {folder}
rt() {{ {program} --root /run/runtime --systemd-cgroup "$@"; }}
show() {{ for p; do systemctl show md-t.scope -p $p; done; }}
G=/sys/fs/cgroup/tests.slice/tests-a.slice/md-t.scope
knobs() {{ (cd $G && cat memory.max memory.high memory.swap.max cpu.weight cpu.max pids.max); }}
say create rt create --bundle full t </dev/null
say created-group sh -c "wc -l <$G/cgroup.procs"
say start rt start t
say again rt create --bundle full t2 </dev/null
say knobs knobs
say properties show Delegate Slice MemoryMax MemoryHigh CPUWeight CPUQuotaPerSecUSec TasksMax ActiveState TimeoutStopUSec
systemctl daemon-reload
say knobs-after-reload knobs
say update rt update --memory 64m --memory-swap 128m --cpu-quota 30000 --pids-limit 30 t
say knobs-after-update knobs
systemctl daemon-reload
say knobs-after-both knobs
say exec rt exec t /bin/cat /proc/self/cgroup
systemctl set-property --runtime md-t.scope CPUWeight=55
say knobs-after-systemctl knobs
say device rt exec t /bin/sh -c 'mknod /tmp/m b 7 0 && cat /tmp/m'
say pause rt pause t
say paused sh -c "{program} --root /run/runtime state t | grep status"
say resume rt resume t
say events sh -c "{program} --root /run/runtime events --stats t | head -c 12"
say kill rt kill t KILL
until {program} --root /run/runtime state t | grep -q stopped; do sleep .05; done
say delete rt delete t
say scope-gone systemctl show md-t.scope -p LoadState
say group-gone test -e $G
say plain rt run -d --bundle plain p </dev/null
say plain-group rt exec p /bin/cat /proc/1/cgroup
say plain-scope systemctl show mdocker-p.scope -p ActiveState
say force rt delete --force p
say wrong rt run --bundle wrong w
say oom rt run --bundle oom o
say failed systemctl list-units --failed --no-legend --plain
say never rt create --bundle full t </dev/null
say never-delete rt delete --force t

# A user's own manager, with a bus of its own. Like podman the caller moves into a scope of it first: into groups below its own
# a user may move processes.
D=/run/user/1000; mkdir -p $D /run/systemd/user; chown 1000:1000 $D; chmod 700 $D
printf '[Socket]\nListenStream=%%t/bus\n' >/run/systemd/user/dbus.socket
printf '[Service]\nExecStart=/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n' \
  >/run/systemd/user/dbus.service
printf '[Unit]\nRequires=dbus.socket\nDefaultDependencies=no\n' >/run/systemd/user/test.target
say user-manager systemd-run --quiet --unit=user-test --slice=user-1000.slice -p User=1000 -p Delegate=yes -p Type=notify \
  -p DefaultDependencies=no --setenv=HOME=/tmp --setenv=XDG_RUNTIME_DIR=$D /lib/systemd/systemd --user --unit=test.target --log-target=null
as_user() {{ setpriv --reuid=1000 --regid=1000 --clear-groups env XDG_RUNTIME_DIR=$D systemd-run --user --scope --quiet {user_program} --root $D/rt --systemd-cgroup "$@"; }}
say user-run as_user run -d --bundle rootless u </dev/null
say user-group as_user exec u /bin/cat /proc/self/cgroup
say user-limit sh -c "cat /sys/fs/cgroup/user.slice/user-1000.slice/user-test.service/user.slice/md-u.scope/pids.max"
say user-pause as_user pause u
say user-resume as_user resume u
say user-delete as_user delete --force u
say left sh -c 'find /sys/fs/cgroup -name "*.scope" | grep -v init.scope'
"""


@pytest.fixture(scope="module")
def answers():
    bundle = Bundle()
    try:
        write_bundles(bundle)
        script = SCRIPT.format(folder=bundle.folder, program=bundle.program, user_program=bundle.folder / "mdocker-runtime")
        console = uml.boot_systemd(bundle.folder, uml.SAY + script)
        said = uml.answers(console)
        assert "left" in said, console
        yield said
    finally:
        bundle.close()


def write_bundles(bundle):
    spec = bundle.spec
    spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "cgroup"]
    spec["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
    spec["root"] = {"path": str(bundle.rootfs), "readonly": True}
    spec["process"]["args"] = ["/bin/sleep", "1000"]
    for kind in ("bounding", "effective", "permitted"):
        spec["process"]["capabilities"][kind].append("CAP_MKNOD")
    write(bundle.folder / "plain", spec)
    full = spec["linux"]["resources"] | {
        "memory": {"limit": 32 << 20, "swap": 64 << 20}, "cpu": {"shares": 512, "quota": 20000, "period": 100000},
        "pids": {"limit": 20}, "unified": {"memory.high": str(30 << 20)}}
    linux = spec["linux"] | {"cgroupsPath": "tests-a.slice:md:t", "resources": full}
    write(bundle.folder / "full", spec | {"linux": linux, "annotations": {"org.systemd.property.TimeoutStopUSec": "uint64 7000000"}})
    write_rootless(bundle, spec)
    write(bundle.folder / "wrong", spec | {"linux": spec["linux"] | {"cgroupsPath": "/a/b"}})
    eater = spec["process"] | {"args": ["/bin/sh", "-c", "exec dd if=/dev/zero of=/tmp/x bs=1M count=100"]}
    write(bundle.folder / "oom", spec | {"process": eater, "linux": spec["linux"] | {
        "resources": spec["linux"]["resources"] | {"memory": {"limit": 16 << 20, "swap": 16 << 20}}}})


def write_rootless(bundle, spec):
    """For user 1000, with one id; the program where that user reaches it."""
    one = [{"containerID": 0, "hostID": 1000, "size": 1}]
    mounts = [m | {"options": [o for o in m.get("options", []) if not o.startswith("gid=")]} for m in spec["mounts"]]
    linux = spec["linux"] | {"cgroupsPath": "user.slice:md:u", "uidMappings": one, "gidMappings": one, "resources": {"pids": {"limit": 20}},
                             "namespaces": spec["linux"]["namespaces"] + [{"type": "user"}]}
    write(bundle.folder / "rootless", spec | {"linux": linux, "mounts": mounts})
    shutil.copy(bundle.program, bundle.folder / "mdocker-runtime")


def write(folder, spec):
    os.mkdir(folder)
    (folder / "config.json").write_text(json.dumps(spec))


def test_the_scope_is_made_with_the_process_in_it(answers):
    assert answers["create"] == ("", 0)
    assert answers["created-group"] == ("1\n", 0)
    assert answers["start"] == ("", 0)


def test_a_second_container_for_the_same_unit_is_refused_and_the_first_goes_on(answers):
    output, code = answers["again"]
    assert code == 1 and "md-t.scope" in output, output
    assert answers["pause"][1] == 0


def test_the_limits_are_in_the_group_and_known_to_systemd(answers):
    assert answers["knobs"] == ("33554432\n31457280\n33554432\n20\n20000 100000\n20\n", 0)
    said = dict(line.split("=") for line in answers["properties"][0].split())
    assert said == {"Delegate": "yes", "Slice": "tests-a.slice", "MemoryMax": "33554432", "MemoryHigh": "31457280",
                    "CPUWeight": "20", "CPUQuotaPerSecUSec": "200ms", "TasksMax": "20", "ActiveState": "active", "TimeoutStopUSec": "7s"}


def test_a_reload_of_systemd_keeps_them(answers):
    assert answers["knobs-after-reload"] == answers["knobs"]


def test_update(answers):
    assert answers["update"] == ("", 0)
    assert answers["knobs-after-update"] == ("67108864\n31457280\n67108864\n20\n30000 100000\n30\n", 0)
    assert answers["knobs-after-both"] == answers["knobs-after-update"]


def test_what_systemctl_changes_changes_nothing_else(answers):
    assert answers["knobs-after-systemctl"] == ("67108864\n31457280\n67108864\n55\n30000 100000\n30\n", 0)


def test_exec_enters_the_scope(answers):
    assert answers["exec"] == ("0::/tests.slice/tests-a.slice/md-t.scope\n", 0)


def test_devices_are_refused(answers):
    output, code = answers["device"]
    assert code == 1 and "/tmp/m" in output and "not permitted" in output, output


def test_pause_resume_events_kill(answers):
    assert [answers[name][1] for name in ("pause", "resume", "kill")] == [0, 0, 0]
    assert json.loads(answers["paused"][0])["status"] == "paused"
    assert answers["events"][0] == '{"type":"sta'


def test_delete_leaves_neither_scope_nor_group(answers):
    assert answers["delete"] == ("", 0)
    assert answers["scope-gone"][0] == "LoadState=not-found\n"
    assert answers["group-gone"][1] == 1
    assert answers["never-delete"] == ("", 0)
    assert answers["left"] == ("", 1)


def test_without_a_path_the_unit_has_the_containers_name(answers):
    assert answers["plain-group"] == ("0::/system.slice/mdocker-p.scope\n", 0)
    assert answers["plain-scope"][0] == "ActiveState=active\n"
    assert answers["force"] == ("", 0)


def test_a_path_of_the_other_kind_is_refused(answers):
    output, code = answers["wrong"]
    assert code == 1 and "linux.cgroupsPath: '/a/b' is not SLICE:PREFIX:NAME" in output


def test_a_container_that_ran_out_of_memory_is_not_left_as_a_failed_unit(answers):
    assert answers["oom"][1] == 137
    assert answers["failed"] == ("", 0)


def test_a_users_container_is_in_the_scope_of_the_users_manager(answers):
    assert answers["user-manager"] == ("", 0)
    assert answers["user-run"] == ("", 0)
    assert answers["user-group"] == ("0::/user.slice/user-1000.slice/user-test.service/user.slice/md-u.scope\n", 0)
    assert answers["user-limit"] == ("20\n", 0)
    assert [answers[name] for name in ("user-pause", "user-resume", "user-delete")] == [("", 0)] * 3
