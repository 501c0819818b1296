# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt on a resctrl that is made for the test: the processors of most test hosts have none."""

import json
import subprocess

import pytest
from harness import resctrl


@pytest.fixture
def rdt():
    with resctrl.served() as served:
        yield served


@pytest.fixture
def asked(rdt, bundle):  # in this order: the bundle goes first
    """A container with these members of intelRdt; on the host where that is."""
    bundle.prefix = rdt.prefix

    def ask(**members):
        bundle.linux["intelRdt"] = members
        return bundle
    return ask


def test_a_group_of_its_own_goes_with_the_container(asked, rdt):
    bundle = asked(l3CacheSchema="L3:0=7f0;1=1f", memBwSchema="MB:0=20;1=70").up()
    assert rdt.groups() == [bundle.id]
    assert rdt.schemata(bundle.id) == {"L3": "0=7f0;1=1f", "MB": "0=20;1=70"}
    assert rdt.tasks(bundle.id) == [bundle.pid()]
    pid_file = bundle.folder / "exec.pid"
    subprocess.run(bundle.command("exec", "--detach", "--pid-file", pid_file, bundle.id, "sleep", "1000"), stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=True)
    assert rdt.tasks(bundle.id) == sorted([bundle.pid(), int(pid_file.read_text())])
    bundle.runtime("delete", "--force", bundle.id)
    assert rdt.groups() == []


def test_exec_is_in_the_group_before_its_program_begins(asked):
    """What it forks before it is would stay out. Whoever the runtime talks to has time here to be faster."""
    bundle = asked(l3CacheSchema="L3:0=f")
    bundle.add_mount("/rdt", "/sys/fs/resctrl", "bind", ["bind"])
    bundle.up()
    bundle.prefix = [*bundle.prefix, "strace", "-qq", "-o", "/dev/null", "-e", "trace=sendmsg", "-e", "inject=sendmsg:delay_exit=300000"]
    assert bundle.exec("grep", "-c", ".", f"/rdt/{bundle.id}/tasks").stdout == "2\n"


def test_run_takes_it_away_at_the_end(asked, rdt):
    asked(l3CacheSchema="L3:0=f").run()
    assert rdt.groups() == []


def test_without_schemas_nothing_is_written(asked, rdt):
    bundle = asked().up()
    assert rdt.schemata(bundle.id) == {"L3": "0=fffff;1=fffff", "MB": "0=100;1=100"}


def test_bandwidth_is_that_of_its_own_member_and_schemata_come_last(asked, rdt):
    bundle = asked(closID="gold", l3CacheSchema="L3:0=f;1=f\nMB:0=50", memBwSchema="MB:0=30", schemata=["L3:1=ff", "MB:1=40"]).up()
    assert rdt.schemata("gold") == {"L3": "0=f;1=ff", "MB": "0=30;1=40"}
    bundle.runtime("delete", "--force", bundle.id)
    assert rdt.groups() == ["gold"]


def test_a_class_that_is_there_is_joined_and_stays(asked, rdt):
    (rdt.root / "gold").mkdir()
    (rdt.root / "gold/schemata").open("w").write("L3:0=ff\n")
    bundle = asked(closID="gold").up()
    assert rdt.tasks("gold") == [bundle.pid()]
    bundle.runtime("delete", "--force", bundle.id)
    bundle = asked(closID="gold", l3CacheSchema="L3:0=00FF").up()
    assert rdt.tasks("gold") == [bundle.pid()] and rdt.schemata("gold")["L3"] == "0=ff;1=fffff"
    bundle.runtime("delete", "--force", bundle.id)
    assert rdt.groups() == ["gold"]


@pytest.mark.parametrize("members, words", [
    ({"closID": "gold"}, "group 'gold' of /sys/fs/resctrl: No such file"),
    ({"closID": "silver", "l3CacheSchema": "L3:0=1ff"}, "'silver' is there with other schemata than 'L3:0=1ff'"),
    ({"closID": "silver", "l3CacheSchema": "nonsense"}, "'silver' is there with other schemata than 'nonsense'"),
    ({"l3CacheSchema": "L3:0=5"}, "The mask 5 has non-consecutive 1-bits"),
    ({"closID": "gold", "memBwSchema": "MB:0=5"}, "MB value 5 out of range"),
    ({"memBwSchema": "L3:0=5"}, "linux.intelRdt.memBwSchema"),
    ({"closID": "a/b"}, "linux.intelRdt.closID"),
])
def test_what_can_not_be_is_told_and_leaves_nothing(asked, rdt, members, words):
    (rdt.root / "silver").mkdir()
    (rdt.root / "silver/schemata").open("w").write("L3:0=ff\n")
    r = asked(**members).run(ok=False)
    assert r.returncode == 1 and words in r.stderr.replace("intelRdt: ", "intelRdt.") + r.stderr, r.stderr
    assert rdt.groups() == ["silver"] and rdt.schemata("silver")["L3"] == "0=ff;1=fffff"


def test_no_class_is_left(asked, rdt):
    for name in "abc":
        (rdt.root / name).mkdir()
    r = asked(l3CacheSchema="L3:0=f").run(ok=False)
    assert r.returncode == 1 and "no class of service left" in r.stderr, r.stderr


def test_a_hook_that_fails_takes_the_group_along(asked, rdt):
    bundle = asked(l3CacheSchema="L3:0=f")
    bundle.spec["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    assert bundle.run(ok=False).returncode == 1 and rdt.groups() == []


def test_what_a_killed_creator_leaves_delete_takes(asked, rdt):
    bundle = asked(l3CacheSchema="L3:0=f")
    bundle.spec["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $PPID"]}]}
    bundle.create(ok=False)
    assert rdt.groups() == [bundle.id]
    bundle.runtime("delete", "--force", bundle.id)
    assert rdt.groups() == []


def test_a_container_is_counted_by_itself_in_a_class_with_others(asked, rdt):
    (rdt.root / "gold").mkdir()
    bundle = asked(closID="gold", enableCMT=True, enableMBM=True).up()
    monitor = f"gold/mon_groups/{bundle.id}"
    assert rdt.tasks(monitor) == rdt.tasks("gold") == [bundle.pid()]
    bundle.runtime("delete", "--force", bundle.id)
    assert list((rdt.root / "gold/mon_groups").iterdir()) == []


@pytest.mark.parametrize("member", ["enableCMT", "enableMBM"])
def test_what_the_host_does_not_count_is_an_error(bundle, member):
    with resctrl.served(["mbm_local_bytes"] if member == "enableCMT" else ["llc_occupancy"]) as rdt:
        bundle.prefix = rdt.prefix
        bundle.linux["intelRdt"] = {member: True}
        r = bundle.run(ok=False)
        bundle.prefix = []
        assert r.returncode == 1 and f"linux.intelRdt.{member}" in r.stderr and rdt.groups() == [], r.stderr


def test_update_and_statistics(asked, rdt):
    bundle = asked(l3CacheSchema="L3:0=f").up()
    bundle.runtime("update", "--l3-cache-schema", "L3:1=3", "--mem-bw-schema", "MB:0=60", bundle.id)
    assert rdt.schemata(bundle.id) == {"L3": "0=f;1=3", "MB": "0=60;1=100"}
    r = bundle.runtime("update", "--l3-cache-schema", "L3:1=0", bundle.id, ok=False)
    assert r.returncode == 1 and "Mask 0 out of range" in r.stderr
    assert json.loads(bundle.runtime("events", "--stats", bundle.id).stdout)["data"]["intel_rdt"] == {
        "l3_cache_info": {"cbm_mask": "fffff", "min_cbm_bits": 1, "num_closids": 4},
        "l3_cache_schema_root": "L3:0=fffff;1=fffff", "l3_cache_schema": "L3:0=f;1=3",
        "mem_bw_info": {"bandwidth_gran": 10, "delay_linear": 1, "min_bandwidth": 10, "num_closids": 4},
        "mem_bw_schema_root": "MB:0=100;1=100", "mem_bw_schema": "MB:0=60;1=100",
        "mbm_stats": [{"mbm_total_bytes": 4096, "mbm_local_bytes": 4096}] * 2,
        "cmt_stats": [{"llc_occupancy": 4096}] * 2,
    }
