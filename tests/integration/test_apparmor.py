# SPDX-License-Identifier: Apache-2.0
"""AppArmor profiles of containers, whatever the host has: in a kernel of the test's own (user-mode Linux), with profiles of ours."""

import copy
import json

import pytest

from harness import deny, uml
from harness.bundle import Bundle

pytestmark = uml.NEEDED

# Each lets everything be but one file.
PROFILES = "".join(f"""
profile {name} flags=(attach_disconnected) {{
  file,
  capability,
  network,
  mount,
  signal,
  ptrace,
  deny {denied} r,
}}
""" for name, denied in (("md-first", "/etc/passwd"), ("md-second", "/etc/group")))

LOOK = "cat /proc/self/attr/current; for f in passwd group; do cat /etc/$f && echo; done"
SCRIPT = uml.PRELUDE + uml.SAY + """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd @FOLDER@
RT="@PROGRAM@ --root /run/runtime"
rt() { $RT "$@" </dev/null; }
old() { python3 @DENY@ $RT "$@" </dev/null; }
left() { ls /run/runtime; find /sys/fs/cgroup -mindepth 1 -type d; }
look() { rt exec "$@" /bin/sh -c '@LOOK@'; }
"""
PART = """
mount -t securityfs securityfs /sys/kernel/security
say load apparmor_parser --replace --skip-cache profiles
for bundle in none first ids gains unconfined absent fake bound; do say $bundle rt run --bundle $bundle $bundle; done
say old-first old run --bundle first first
say old-fake old run --bundle fake fake
say old-bound old run --bundle bound bound
say faked cat fake-proc/self/attr/apparmor/exec
say left left
rt run --detach --bundle stays w
say exec look w
say exec-other look --apparmor md-second w
say exec-absent look --apparmor md-third w
say state sh -c "$RT state w | grep status"
say delete rt delete --force w
say left-in-the-end left
/bin/busybox poweroff -f
"""
PART_OFF = "say off rt run --bundle first first\nsay off-left left\n/bin/busybox poweroff -f\n"


def write_bundles(bundle):
    """One spec.process.apparmorProfile each; the root is read-only in there."""
    folder = bundle.folder
    (folder / "profiles").write_text(PROFILES)
    for name in ("passwd", "group"):
        (bundle.rootfs / "etc" / name).write_text(f"{name} is read\n")
    fake = folder / "fake-proc" / "self" / "attr" / "apparmor"
    fake.mkdir(parents=True)
    (fake / "exec").write_text("")
    (fake.parent / "current").write_text("fake\n")
    base = bundle.sh(LOOK).spec
    base["root"] = {"path": str(bundle.rootfs), "readonly": True}

    def write(name, profile="md-first", **changes):
        spec = copy.deepcopy(base)
        if profile:
            spec["process"]["apparmorProfile"] = profile
        for key, value in changes.items():
            spec[key] = spec[key] | value if isinstance(value, dict) else value
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(json.dumps(spec))

    process, mounts, linux = base["process"], base["mounts"], base["linux"]
    write("none", None)
    write("first")
    write("absent", "md-third")
    write("unconfined", "unconfined")
    write("gains", process={"noNewPrivileges": False})
    write("stays", process={"args": ["/bin/sleep", "1000"]})
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    write("ids", linux={"namespaces": linux["namespaces"] + [{"type": "user"}], "uidMappings": ids, "gidMappings": ids})
    # Where the profile's name is written to is another file in the container's /proc.
    bind = {"type": "bind", "options": ["bind"]}
    write("fake", mounts=[bind | {"destination": "/proc", "source": str(folder / "fake-proc")}, *mounts[1:]],
          linux={"maskedPaths": [], "readonlyPaths": []})
    write("bound", mounts=[*mounts, bind | {"destination": "/proc/self/attr/apparmor/exec", "source": "/proc/sys/kernel/hostname"}])


def boot(bundle, part, lsm):
    script = SCRIPT + part
    for word, value in {"FOLDER": bundle.folder, "PROGRAM": bundle.program, "DENY": deny.__file__, "LOOK": LOOK}.items():
        script = script.replace(f"@{word}@", str(value))
    console = uml.boot(bundle.folder, script, lsm=lsm)
    said = uml.answers(console)
    assert "off-left" in said or "left-in-the-end" in said, console
    return said


@pytest.fixture(scope="module")
def said():
    bundle = Bundle()
    try:
        write_bundles(bundle)
        yield boot(bundle, PART_OFF, "selinux") | boot(bundle, PART, "apparmor")
    finally:
        bundle.close()



FIRST = "md-first (enforce)\ncat: can't open '/etc/passwd': Permission denied\ngroup is read\n\n"
SECOND = "md-second (enforce)\npasswd is read\n\ncat: can't open '/etc/group': Permission denied\n"
UNCONFINED = "unconfined\npasswd is read\n\ngroup is read\n\n"


def test_a_container_runs_under_its_profile(said):
    assert said["load"] == ("", 0)
    assert said["none"] == (UNCONFINED, 0)
    assert said["first"] == (FIRST, 0)
    assert said["unconfined"] == (UNCONFINED, 0)


def test_also_in_a_user_namespace_and_without_no_new_privileges(said):
    assert said["ids"] == (FIRST, 0)
    assert said["gains"] == (FIRST, 0)


def test_exec_has_the_profile_of_the_container_or_the_one_that_it_names(said):
    assert said["exec"] == (FIRST, 0)
    assert said["exec-other"] == (SECOND, 1)


def test_a_profile_that_is_not_loaded_is_named_and_nothing_is_left(said):
    why = "set the AppArmor profile 'md-third' (is it loaded?): No such file or directory\n"
    assert said["absent"] == (f"mdocker-runtime: {why}", 1)
    assert said["exec-absent"] == (f"mdocker-runtime: exec failed: {why}", 255)
    assert '"status":"running"' in said["state"][0]
    assert said["delete"] == ("", 0)
    assert said["left"] == said["left-in-the-end"] == ("", 0)


def test_a_kernel_with_apparmor_off_is_one_without(said):
    assert said["off"] == ("mdocker-runtime: process.apparmorProfile 'md-first': this host has no AppArmor\n", 1)
    assert said["off-left"] == ("", 0)


def test_it_is_set_through_a_proc_of_the_runtimes_own(said):
    assert said["fake"] == ("fake\n" + FIRST.partition("\n")[2], 0)
    assert said["bound"] == (FIRST, 0)


def test_and_refused_where_that_cannot_be_and_the_containers_is_another_or_has_something_over_it(said):
    """CVE-2025-52881. Without the new mount API."""
    assert said["old-first"] == (FIRST, 0)
    assert said["old-fake"] == ("mdocker-runtime: /proc in the container is no proc file system: Invalid argument\n", 1)
    assert said["old-bound"] == ("mdocker-runtime: set the AppArmor profile 'md-first' (is it loaded?): Invalid cross-device link\n", 1)
    assert said["faked"] == ("", 0)
