# SPDX-License-Identifier: Apache-2.0
"""The fields of the OCI runtime specification 1.2 for Linux with values for each, and documents in which several of them meet."""
import json

from variations import BASE, MISSING, Field, put

M64 = 64 * 1024 * 1024
ALL_CAPS = ["CAP_CHOWN", "CAP_NET_RAW", "CAP_SYS_ADMIN"]
USER_NAMESPACE = {
    "linux.namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network", "cgroup", "user")],
    "linux.uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "linux.gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]}
TIME_NAMESPACE = {"linux.namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network", "time")]}
TERMINAL = {"process.terminal": True}
NICE = {"process.capabilities.bounding[1]": "CAP_SYS_NICE", "process.capabilities.permitted[1]": "CAP_SYS_NICE",
        "process.capabilities.effective[1]": "CAP_SYS_NICE"}


def with_namespaces(*kinds):
    return {"linux.namespaces": [{"type": kind} for kind in kinds]}


def without_namespace(kind):
    return {"linux.namespaces": [n for n in BASE["linux"]["namespaces"] if n["type"] != kind]}


def rlimit(**more):
    return {"process.rlimits": [{"type": "RLIMIT_CORE", "soft": 10, "hard": 20} | more]}


def mount(**more):
    return {"mounts[4]": {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"} | more}


def mounts(*added):
    return {"mounts": BASE["mounts"] + list(added)}


def bind(*options, source="@BUNDLE@/shared", destination="/mnt"):
    return {"destination": destination, "source": source, "type": "bind", "options": list(options)}


def tmpfs(*options, destination="/mnt"):
    return {"destination": destination, "source": "tmpfs", "type": "tmpfs", "options": list(options)}


def device(**more):
    return {"linux.devices": [{"path": "/dev/made", "type": "c", "major": 1, "minor": 3} | more]}


def hook(name, *more, path="@BUNDLE@/look", file="@BUNDLE@/hooks", **fields):
    return {"path": path, "args": ["look", "hook", name, file, *more]} | fields


def hooks(kind, **fields):
    inside = kind == "startContainer"
    return {f"hooks.{kind}": [hook(kind, path="/look" if inside else "@BUNDLE@/look", file="/hooks" if inside else "@BUNDLE@/hooks")
                              | fields]}


def seccomp(*rules, **more):
    return {"linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": list(rules)} | more}


def rule(**more):
    return {"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO"} | more


CALLS = ["!chmod", "!mkdir", "!socket"]
DEVICE_KNOBS = ("throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice")

PROCESS = [
    Field("ociVersion", "text", "1.0.0", "1.0.2-dev", "1.1.0", "1.2.0", "1.2.1", "1.3.0", "1", "1.", "1.x", "2.0.0", "0.2.0", "v1.0.2"),
    Field("process", "object"),
    Field("process.terminal", "flag"),
    Field("process.consoleSize", "object", {"width": 100, "height": 30}, within=TERMINAL),
    Field("process.consoleSize.width", "u16", 1, 80, within=TERMINAL | {"process.consoleSize": {"width": 100, "height": 30}}),
    Field("process.consoleSize.height", "u16", 1, 24, within=TERMINAL | {"process.consoleSize": {"width": 100, "height": 30}}),
    Field("process.cwd", "text", "/tmp", "/none/such", "tmp", "/tmp/../etc", "/file", "/link", "/proc/self/fd/3", "/mnt/"),
    Field("process.env", "list", ["A=1", "A=2"], ["A=1", "B"], ["=x"], ["A=1=2"], ["HOME=/else"], ["HOME="], ["PATH=/none"], [5], [None], [""],
          ["A=\u00e9"], ["A=1\n2"]),
    Field("process.args", "list", ["look"], ["/bin/look"], ["/none"], ["none"], ["/tmp"], ["/file"], [""], ["/look", ""], ["/look", "\u00e9"],
          ["./look"], ["bin/look"], ["/look", 5], ["/look", None], [5]),
    Field("process.user", "object", {"uid": 1000, "gid": 1000}),
    Field("process.user.uid", "u32", 1, 1000, 65534, 2**31),
    Field("process.user.gid", "u32", 1, 1000, 65534, 2**31),
    Field("process.user.umask", "u32", 0o22, 0o77, 0o777, 0o1000, 0o7777),
    Field("process.user.additionalGids", "list", [5], [5, 5], [7, 6], [0], [-1], ["5"], [2**32 - 1], [2**32], [None]),
    Field("process.user.username", "text", "user"),
    Field("process.rlimits", "list", *([{"type": f"RLIMIT_{name}", "soft": 5, "hard": 6}] for name in (
        "CORE", "DATA", "LOCKS", "MEMLOCK", "MSGQUEUE", "NICE", "NPROC", "RSS", "RTPRIO", "RTTIME", "SIGPENDING")),
          [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128}], [{"type": "RLIMIT_CPU", "soft": 50, "hard": 60}],
          [{"type": "RLIMIT_STACK", "soft": 2**20, "hard": 2**21}], [{"type": "RLIMIT_AS", "soft": 2**32, "hard": 2**33}],
          [{"type": "RLIMIT_FSIZE", "soft": 2**30, "hard": 2**31}],
          [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}, {"type": "RLIMIT_CORE", "soft": 3, "hard": 4}], [None], [5]),
    Field("process.rlimits[0]", "object", within=rlimit()),
    Field("process.rlimits[0].type", "text", "RLIMIT_NONE", "CORE", "rlimit_core", "NOFILE", within=rlimit()),
    Field("process.rlimits[0].soft", "u64", 5, 20, 21, within=rlimit()),
    Field("process.rlimits[0].hard", "u64", 5, 10, 9, within=rlimit()),
    Field("process.rlimits[0].hard", "u64", 2**30, within={"process.rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 0}]}, kinds=False, label="of open files"),
    Field("process.capabilities", "object", {"bounding": ["CAP_KILL"]}),
    *(Field(f"process.capabilities.{kind}", "list", ["CAP_CHOWN"], ["CAP_KILL"], ["CAP_NONE"], ["cap_kill"], ["KILL"], ["kill"], [""], [5], [None],
            ["CAP_KILL", "CAP_KILL"], ["CAP_CHECKPOINT_RESTORE"]) for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")),
    Field("process.capabilities.ambient", "list", ["CAP_KILL"], ["CAP_CHOWN"], within={"process.capabilities.inheritable": ["CAP_KILL"]},
          kinds=False, label="with inheritable"),
    Field("process.noNewPrivileges", "flag"),
    Field("process.oomScoreAdj", "i32", 0, 100, 1000, 1001, -1, -1000, -1001),
    Field("process.apparmorProfile", "text", "none-such", "unconfined"),
    Field("process.selinuxLabel", "text", "system_u:system_r:container_t:s0"),
    Field("process.scheduler", "object", {"policy": "SCHED_BATCH", "nice": 5}, {"policy": "SCHED_IDLE"}),
    Field("process.scheduler.policy", "text", "SCHED_OTHER", "SCHED_BATCH", "SCHED_IDLE", "SCHED_FIFO", "SCHED_RR", "SCHED_ISO",
          "SCHED_DEADLINE", "SCHED_NONE", "sched_batch", within={"process.scheduler": {"policy": "SCHED_BATCH"}}),
    Field("process.scheduler.nice", "i32", -20, -1, 0, 5, 19, 20, -21, within={"process.scheduler": {"policy": "SCHED_BATCH"}}),
    Field("process.scheduler.priority", "i32", 1, 99, 100, within={"process.scheduler": {"policy": "SCHED_FIFO", "priority": 5}}),
    Field("process.scheduler.flags", "list", ["SCHED_FLAG_RESET_ON_FORK"], ["SCHED_FLAG_NONE"], [5],
          within={"process.scheduler": {"policy": "SCHED_BATCH"}}),
    Field("process.scheduler.runtime", "u64", 1000000, within={"process.scheduler": {"policy": "SCHED_BATCH"}}),
    Field("process.ioPriority", "object", {"class": "IOPRIO_CLASS_BE", "priority": 5}, {"class": "IOPRIO_CLASS_IDLE"}),
    Field("process.ioPriority.class", "text", "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE", "IOPRIO_CLASS_NONE",
          within={"process.ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 3}}),
    Field("process.ioPriority.priority", "i32", 0, 7, 8, -1, within={"process.ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 3}}),
    Field("process.execCPUAffinity", "object", {"initial": "0", "final": "1"}),
    Field("process.execCPUAffinity.initial", "text", "0", "0-1", "9999", "x", "1-0"),
    Field("process.execCPUAffinity.final", "text", "0", "0-1", "9999", "x", "1-0"),
]

MOUNT_OPTIONS = (
    "ro rw nosuid suid nodev dev noexec exec sync async dirsync remount mand nomand noatime atime nodiratime diratime relatime norelatime "
    "strictatime nostrictatime iversion noiversion lazytime nolazytime silent loud defaults private rprivate shared rshared slave rslave "
    "unbindable runbindable nosymfollow symfollow rro rrw rnosuid rsuid rnodev rdev rnoexec rexec rnoatime ratime rnodiratime rdiratime rrelatime "
    "rnorelatime rstrictatime rnostrictatime rnosymfollow rsymfollow tmpcopyup copy-symlink acl noacl idmap ridmap none-such size=64k").split()

ROOT = [
    Field("root", "object"),
    Field("root.path", "text", "@BUNDLE@/rootfs", "rootfs/", "./rootfs", "../bundle/rootfs", "none", "config.json", "/", "@BUNDLE@/link"),
    Field("root.readonly", "flag"),
    Field("hostname", "text", "other", "x" * 64, "x" * 65, "a b", "\u00e9", "a/b"),
    Field("domainname", "text", "example.org", "x" * 64, "x" * 65),
    Field("annotations", "object", {"org.example": "yes"}, {"a": ""}, {"": "a"}, {"a": 5}, {"a": None}, {"a": {}},
          {"run.oci.keep_original_groups": "1"}),
    Field("unknown", "object", {"anything": 5}),
    Field("mounts", "list", [], BASE["mounts"][:1], BASE["mounts"][:3], [None], [5]),
    Field("mounts[4]", "object", within=mount()),
    Field("mounts[4].destination", "text", "/mnt/new/deep", "mnt", "/mnt/../tmp", "/", "/link", "/link/in", "/file", "/proc/new", "/dev/new", "/full",
          within=mount()),
    Field("mounts[4].destination", "text", "/mnt", "/mnt/new", "/file", "/link", within={"mounts[4]": bind("bind", source="@BUNDLE@/shared/file")},
          kinds=False, label="of a file"),
    Field("mounts[4].source", "text", "@BUNDLE@/shared", "shared", "@BUNDLE@/none", "@BUNDLE@/shared/file", "/",
          within={"mounts[4]": bind("bind")}),
    Field("mounts[4].source", "text", "x", "", within=mount(), kinds=False, label="of tmpfs"),
    Field("mounts[4].type", "text", "tmpfs", "none", "bind", "nonefs", "ramfs", "mqueue", "cgroup", "cgroup2", "sysfs", "proc", within=mount()),
    Field("mounts[4].options", "list", ["size=64k", "mode=700"], ["none-such"], [5], [None], [""], ["size=64k,mode=700"], ["ro", "rw"], ["rw", "ro"],
          ["noexec", "exec"], ["uid=5", "gid=6"], ["nr_inodes=10"], within=mount()),
    Field("mounts[4].options", "list", *([word] for word in MOUNT_OPTIONS), within=mount(), kinds=False, label="of tmpfs"),
    Field("mounts[4].options", "list", *(["bind", word] for word in MOUNT_OPTIONS), ["rbind"], ["rbind", "ro"], ["rbind", "rro"], ["bind", "rbind"],
          within={"mounts[4]": bind()}, kinds=False, label="of a bind"),
    Field("mounts[4].uidMappings", "list", [{"containerID": 0, "hostID": 5, "size": 10}],
          within={"mounts[4]": bind("bind") | {"gidMappings": [{"containerID": 0, "hostID": 5, "size": 10}]}}, probes=["/mnt/file"]),
    Field("mounts[4].gidMappings", "list", [{"containerID": 0, "hostID": 5, "size": 10}],
          within={"mounts[4]": bind("bind") | {"uidMappings": [{"containerID": 0, "hostID": 5, "size": 10}]}}, probes=["/mnt/file"]),
]

LINUX = [
    Field("linux", "object"),
    Field("linux.namespaces", "list", *([n for n in BASE["linux"]["namespaces"] if n["type"] != kind]
                                        for kind in ("pid", "ipc", "uts", "network", "cgroup")),
          BASE["linux"]["namespaces"] + [{"type": "time"}], BASE["linux"]["namespaces"] + [{"type": "pid"}], [None], [5]),
    Field("linux.namespaces[0]", "object"),
    Field("linux.namespaces[0].type", "text", "pid", "none", "PID", "newpid", within={"linux.namespaces[0]": {"type": "pid"}}),
    *(Field(f"linux.namespaces[{i}].path", "text", f"@NS@/{name}", "@NS@/user", "/none/such", "relative", "/proc/self/exe",
            within=with_namespaces("pid", "ipc", "uts", "mount", "network", "cgroup"), kinds=i == 1)
      for i, name in enumerate(("pid", "ipc", "uts", "mnt", "net", "cgroup")) if name != "mnt"),
    Field("linux.uidMappings", "list", [{"containerID": 0, "hostID": 1, "size": 1}], [{"containerID": 0, "hostID": 1, "size": 0}],
          [{"containerID": 0, "hostID": 0, "size": 2**32 - 1}],
          [{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 5, "hostID": 200000, "size": 10}], within=USER_NAMESPACE, owner=100000),
    Field("linux.gidMappings", "list", [{"containerID": 0, "hostID": 1, "size": 1}], within=USER_NAMESPACE, owner=100000),
    *(Field(f"linux.uidMappings[0].{name}", "u32", 1, within=USER_NAMESPACE, owner=100000) for name in ("containerID", "hostID", "size")),
    Field("linux.devices", "list", [{"path": "/dev/made", "type": "c", "major": 1, "minor": 3}], [None], [5]),
    Field("linux.devices[0]", "object", within=device()),
    Field("linux.devices[0].path", "text", "/dev/deep/made", "dev/made", "/made", "/dev/null", "/dev/../made", "/", "/tmp/made", "/dev/pts/made",
          within=device()),
    Field("linux.devices[0].type", "text", "c", "b", "u", "p", "a", "x", "C", within=device()),
    Field("linux.devices[0].major", "i64", 1, 5, 4095, 4096, within=device()),
    Field("linux.devices[0].minor", "i64", 1, 5, 2**20 - 1, 2**20, within=device()),
    Field("linux.devices[0].fileMode", "u32", 0o600, 0o644, 0o4755, 0o100644, 0o777, within=device()),
    Field("linux.devices[0].uid", "u32", 5, within=device()),
    Field("linux.devices[0].gid", "u32", 5, within=device()),
    Field("linux.netDevices", "object", {"compare0": {}}, {"compare0": {"name": "inside"}}, {"none": {}}, {"compare0": {"name": "a/b"}},
          {"compare0": {"name": ""}}, {"compare0": None}, {"compare0": {"name": "x" * 16}}, veth=True, probes=["/sys/class/net"]),
    Field("linux.cgroupsPath", "text", "@PARENT@/@ID@", "/@PARENT@/a/b/@ID@", "/@PARENT@/../@PARENT@/@ID@", "../@ID@", "@ID@", "/@PARENT@/@ID@/", "//@ID@",
          "/@PARENT@/./@ID@", "/@PARENT@/x y/@ID@", "a:b:c", "/"),
    Field("linux.rootfsPropagation", "text", "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable", "none"),
    Field("linux.maskedPaths", "list", ["/file"], ["/full"], ["/none"], ["file"], ["/link"], ["/"], ["/file/in"], ["/proc/kcore"], [""], [5], [None],
          probes=["/file", "/full", "/empty", "/link"]),
    Field("linux.readonlyPaths", "list", ["/file"], ["/full"], ["/none"], ["file"], ["/link"], ["/"], ["/file/in"], ["/proc"], [""], [5], [None],
          probes=["/file", "/full", "/empty", "/link", "/tmp"]),
    Field("linux.mountLabel", "text", "system_u:object_r:container_file_t:s0"),
    Field("linux.personality", "object"),
    Field("linux.personality.domain", "text", "LINUX", "LINUX32", "linux", "BSD", within={"linux.personality": {"domain": "LINUX"}}),
    Field("linux.personality.flags", "list", ["ADDR_NO_RANDOMIZE"], within={"linux.personality": {"domain": "LINUX"}}),
    Field("linux.intelRdt", "object", {"closID": "x"}, {"l3CacheSchema": "L3:0=f"}),
    Field("linux.intelRdt.closID", "text", "x", "a/b", ".", ".."),
    Field("linux.intelRdt.enableCMT", "flag"),
    Field("linux.timeOffsets", "object", {"boottime": {"secs": 100}}, {"monotonic": {"secs": 100, "nanosecs": 5}}, {"none": {"secs": 1}}, within=TIME_NAMESPACE),
    Field("linux.timeOffsets.boottime.secs", "i64", 1, 100000, within=TIME_NAMESPACE),
    Field("linux.timeOffsets.boottime.nanosecs", "u32", 1, 999999999, 1000000000, within=TIME_NAMESPACE),
    Field("linux.timeOffsets.boottime", "object", {"secs": 5}),
    Field("linux.sysctl", "object", {"net.ipv4.ip_forward": "1"}, {"net/ipv4/ip_forward": "1"}, {"kernel.msgmax": "8000"}, {"kernel.shm_rmid_forced": "1"},
          {"fs.mqueue.msg_max": "9"}, {"kernel.domainname": "inside"}, {"kernel.hostname": "inside"}, {"vm.overcommit_ratio": "50"},
          {"kernel.pid_max": "40000"}, {"net.none": "1"}, {"net.ipv4.ip_forward": "x"}, {"net.ipv4.ip_forward": ""}, {"": "1"}, {"net.../x": "1"},
          {"net.ipv4.ip_forward": 1}, {"net.ipv4.ip_forward": None}, {"kernel.sem": "250 32000 32 128"}, {"user.max_user_namespaces": "5"},
          probes=["/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax", "/proc/sys/kernel/shm_rmid_forced", "/proc/sys/fs/mqueue/msg_max",
                  "/proc/sys/kernel/domainname", "/proc/sys/kernel/sem"]),
]

SECCOMP = [
    Field("linux.seccomp", "object", seccomp(rule())["linux.seccomp"], within={}, probes=CALLS),
    Field("linux.seccomp.defaultAction", "text", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY", "SCMP_ACT_NONE", "scmp_act_allow",
          within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.defaultErrnoRet", "u32", 1, 38, 4095, 4096, within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.architectures", "list", ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], ["SCMP_ARCH_AARCH64"], ["SCMP_ARCH_NATIVE"],
          ["SCMP_ARCH_NONE"], ["x86_64"], [5], within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.flags", "list", ["SECCOMP_FILTER_FLAG_LOG"], ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"], ["SECCOMP_FILTER_FLAG_TSYNC"],
          ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], ["SECCOMP_FILTER_FLAG_NONE"], [5], within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.listenerPath", "text", "/none/such", "relative", within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.listenerPath", "text", "/none/such", "relative", within=seccomp(rule(action="SCMP_ACT_NOTIFY")), probes=CALLS, kinds=False,
          label="with a rule that notifies"),
    Field("linux.seccomp.listenerMetadata", "text", "words", within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.syscalls", "list", [], [None], [5], within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.syscalls[0]", "object", within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.syscalls[0].names", "list", ["chmod"], ["none_such"], ["chmod", "none_such"], ["chmod", "chmod"], [""], [5],
          within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.syscalls[0].action", "text", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",
          "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_NONE", within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.syscalls[0].errnoRet", "u32", 0, 1, 38, 4095, 4096, 65535, 65536, within=seccomp(rule()), probes=CALLS),
    Field("linux.seccomp.syscalls[0].args", "list", [{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}], [{"index": 1, "value": 5, "op": "SCMP_CMP_EQ"}],
          [{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 5, "op": "SCMP_CMP_NE"}], [None],
          within=seccomp(rule(names=["chmod"])), probes=CALLS),
    *(Field(f"linux.seccomp.syscalls[0].args[0].{name}", kind, *values, probes=CALLS,
            within=seccomp(rule(names=["chmod"], args=[{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}])))
      for name, kind, values in (("index", "u32", (0, 1, 5, 6)), ("value", "u64", (5,)), ("valueTwo", "u64", (5,)), (
          "op", "text", [f"SCMP_CMP_{op}" for op in ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ", "NONE")]))),
]


def resources(part, **values):
    return {f"linux.resources.{part}": values}


RESOURCES = [
    Field("linux.resources", "object", {"pids": {"limit": 10}}),
    Field("linux.resources.memory", "object", {"limit": M64}),
    Field("linux.resources.memory.limit", "i64", M64, -1, 4096, 1000, 2**40, M64 + 1),
    Field("linux.resources.memory.reservation", "i64", M64, -1),
    Field("linux.resources.memory.swap", "i64", M64, 2 * M64, M64 - 4096, -1, within=resources("memory", limit=M64)),
    Field("linux.resources.memory.swap", "i64", M64, -1, kinds=False, label="without a limit"),
    Field("linux.resources.memory.kernel", "i64", M64, -1),
    Field("linux.resources.memory.kernelTCP", "i64", M64, -1),
    Field("linux.resources.memory.swappiness", "u64", 60, 100, 101, 200),
    Field("linux.resources.memory.disableOOMKiller", "flag"),
    Field("linux.resources.memory.useHierarchy", "flag"),
    Field("linux.resources.memory.checkBeforeUpdate", "flag"),
    Field("linux.resources.cpu", "object", {"shares": 512}),
    Field("linux.resources.cpu.shares", "u64", 2, 1, 512, 262144, 262145),
    Field("linux.resources.cpu.quota", "i64", 20000, 999, 1000, -1, -2),
    Field("linux.resources.cpu.period", "u64", 50000, 999, 1000, 1000000, 1000001),
    Field("linux.resources.cpu.quota", "i64", 20000, -1, within=resources("cpu", period=50000), kinds=False, label="with a period"),
    Field("linux.resources.cpu.burst", "u64", 1000, 30000, within=resources("cpu", quota=20000)),
    Field("linux.resources.cpu.realtimeRuntime", "i64", 1000),
    Field("linux.resources.cpu.realtimePeriod", "u64", 500000),
    Field("linux.resources.cpu.idle", "i64", 0, 1, 2),
    Field("linux.resources.cpu.cpus", "text", "0", "0-1", "1,0", "9", "x", "0-", "-1", " 0", "0\n1"),
    Field("linux.resources.cpu.mems", "text", "0", "9", "x"),
    Field("linux.resources.pids", "object", {"limit": 10}),
    Field("linux.resources.pids.limit", "i64", 10, 1, 0, -1, -5, 2**22, 2**22 + 1),
    Field("linux.resources.blockIO", "object", {"weight": 500}),
    Field("linux.resources.blockIO.weight", "u16", 10, 500, 1000, 1001, 9),
    Field("linux.resources.blockIO.leafWeight", "u16", 10, 500),
    Field("linux.resources.blockIO.weightDevice", "list", [{"major": 254, "minor": 0, "weight": 500}], [{"major": 254, "minor": 0}], [None]),
    *(Field(f"linux.resources.blockIO.{name}", "list", [{"major": 254, "minor": 0, "rate": 1000000}], [{"major": 999, "minor": 0, "rate": 5}],
            [{"major": 254, "minor": 0}], kinds=name == DEVICE_KNOBS[0]) for name in DEVICE_KNOBS),
    *(Field(f"linux.resources.blockIO.throttleReadBpsDevice[0].{name}", kind, kinds=name == "rate",
            within={"linux.resources.blockIO.throttleReadBpsDevice": [{"major": 254, "minor": 0, "rate": 1000000}]})
      for name, kind in (("major", "i64"), ("minor", "i64"), ("rate", "u64"))),
    Field("linux.resources.hugepageLimits", "list", [{"pageSize": "2MB", "limit": 2**21}], [{"pageSize": "3MB", "limit": 2**21}], [{"pageSize": "2MB"}],
          [{"limit": 5}], [None]),
    Field("linux.resources.hugepageLimits[0].pageSize", "text", "2MB", "2M", "2048KB", "../x", "0MB",
          within={"linux.resources.hugepageLimits": [{"pageSize": "2MB", "limit": 2**21}]}),
    Field("linux.resources.hugepageLimits[0].limit", "u64", 2**21, 5, within={"linux.resources.hugepageLimits": [{"pageSize": "2MB", "limit": 2**21}]}),
    Field("linux.resources.network", "object"),
    Field("linux.resources.network.classID", "u32", 1048577),
    Field("linux.resources.network.priorities", "list", [{"name": "lo", "priority": 5}], [{"name": "lo"}]),
    Field("linux.resources.rdma", "object", {"mlx5_1": {"hcaHandles": 3}}, {"mlx5_1": None}, {"mlx5_1": 5}),
    Field("linux.resources.unified", "object", {"memory.high": "30000000"}, {"../x": "1"}, {"none.such": "1"}, {"hugetlb.2MB.max": "2097152"}, {"a": 5}),
    Field("linux.resources.devices", "list", [{"allow": False, "access": "rwm"}], [{"allow": True, "access": "rwm"}],
          [{"allow": False}, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "w"}],
          [{"allow": False}, {"allow": True, "type": "b", "major": 7}], [{"allow": False, "type": "c", "major": 1, "minor": 3, "access": "rwm"}],
          [{"allow": True, "type": "c", "major": -1, "minor": -1, "access": "m"}], [None], [5]),
    *(Field(f"linux.resources.devices[1].{name}", kind, *values,
            within={"linux.resources.devices": [{"allow": False}, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "rw"}]})
      for name, kind, values in (("allow", "flag", ()), ("type", "text", ("a", "b", "c", "u", "p", "x")), ("major", "i64", (5, -1)), (
          "minor", "i64", (5, -1)), ("access", "text", ("r", "w", "m", "rwm", "wr", "rr", "x", "rwx")))),
]

HOOKS = [
    Field("hooks", "object", probes=["/hooks"]),
    *(Field(f"hooks.{kind}", "list", hooks(kind)[f"hooks.{kind}"], hooks(kind)[f"hooks.{kind}"] * 2, [{"path": "/none/such"}], [None], [5])
      for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")),
    Field("hooks.none", "list", hooks("createRuntime")["hooks.createRuntime"]),
    Field("hooks.createRuntime[0].path", "text", "look", "./look", "/none", "/proc/self/exe", within=hooks("createRuntime")),
    Field("hooks.createRuntime[0].args", "list", ["hook"], [5], within=hooks("createRuntime")),
    Field("hooks.createRuntime[0].env", "list", ["A=1"], ["A=1", "A=2"], ["B"], [5], within=hooks("createRuntime")),
    Field("hooks.createRuntime[0].timeout", "i32", 1, 10, 0, -1, within=hooks("createRuntime")),
]

FIELDS = PROCESS + ROOT + LINUX + SECCOMP + RESOURCES + HOOKS


def combinations():
    """(name, what is changed in the base, how the container is made) of documents in which fields meet."""
    yield from failing_hooks()
    every = {}
    for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
        every |= hooks(kind)
    yield "all hooks", every, {}
    yield "all hooks, user namespace", every | USER_NAMESPACE, {"owner": 100000}
    yield "all hooks, environment of their own", {p: [dict(h, env=["A=1"]) for h in v] for p, v in every.items()}, {}
    yield "user namespace", USER_NAMESPACE, {"owner": 100000}
    yield "user namespace, root of the host's", USER_NAMESPACE, {}
    yield "user namespace without mappings", {k: v for k, v in USER_NAMESPACE.items() if "namespaces" in k}, {}
    yield "mappings without a user namespace", {k: v for k, v in USER_NAMESPACE.items() if "Mappings" in k}, {}
    yield "uid mappings only", {k: v for k, v in USER_NAMESPACE.items() if "gid" not in k}, {"owner": 100000}
    yield "user namespace, another user", USER_NAMESPACE | {"process.user": {"uid": 5, "gid": 6, "additionalGids": [7]}}, {"owner": 100000}
    yield "user namespace, an id outside", USER_NAMESPACE | {"process.user": {"uid": 70000, "gid": 0}}, {"owner": 100000}
    yield "user namespace, a group outside", USER_NAMESPACE | {"process.user": {"uid": 0, "gid": 0, "additionalGids": [70000]}}, {"owner": 100000}
    yield "user namespace, device", USER_NAMESPACE | device(), {"owner": 100000}
    yield "user namespace, sysctl", USER_NAMESPACE | {"linux.sysctl": {"net.ipv4.ip_forward": "1"}}, {
        "owner": 100000, "probes": ["/proc/sys/net/ipv4/ip_forward"]}
    yield "user namespace, read-only root", USER_NAMESPACE | {"root.readonly": True}, {"owner": 100000}
    yield "user namespace, terminal", USER_NAMESPACE | TERMINAL, {"owner": 100000}
    yield "user namespace, idmapped mount", USER_NAMESPACE | mounts(bind("bind", "idmap")), {"owner": 100000, "probes": ["/mnt/file"]}
    yield "user namespace, bind", USER_NAMESPACE | mounts(bind("bind", "ro")), {"owner": 100000, "probes": ["/mnt/file"]}
    yield "user namespace, tmpfs of a user", USER_NAMESPACE | mounts(tmpfs("uid=5", "gid=6")), {"owner": 100000, "probes": ["/mnt"]}
    yield "terminal without a console socket", TERMINAL, {"console": False}
    yield "terminal, another user", TERMINAL | {"process.user": {"uid": 1000, "gid": 1000}}, {}
    yield "console size without a terminal", {"process.consoleSize": {"width": 100, "height": 30}}, {}
    for uid in (0, 1000):
        user = {"process.user.uid": uid, "process.user.gid": uid}
        caps = {kind: ALL_CAPS for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")}
        yield f"uid {uid}, all five sets", user | {"process.capabilities": caps}, {}
        yield f"uid {uid}, no capabilities", user | {"process.capabilities": {}}, {}
        yield f"uid {uid}, capabilities missing", user | {"process.capabilities": MISSING}, {}
        yield f"uid {uid}, new privileges", user | {"process.noNewPrivileges": False}, {}
        yield f"uid {uid}, seccomp", user | seccomp(rule()), {"probes": CALLS}
        yield f"uid {uid}, seccomp, new privileges", user | seccomp(rule()) | {"process.noNewPrivileges": False}, {"probes": CALLS}
        yield f"uid {uid}, folder of root's as cwd", user | {"process.cwd": "/root"}, {}
        yield f"uid {uid}, home", user | {"process.env": ["PATH=/bin"]}, {}
        yield f"uid {uid}, groups and umask", user | {"process.user.additionalGids": [5, 6], "process.user.umask": 0o27}, {}
    yield "read-only root, a mount point missing", {"root.readonly": True} | mounts(tmpfs(destination="/new")), {}
    yield "read-only root, tmpfs", {"root.readonly": True} | mounts(tmpfs()), {"probes": ["/", "/mnt", "/tmp"]}
    yield "read-only root, devices", {"root.readonly": True} | {"mounts": BASE["mounts"][:1]}, {}
    yield "a mount over another", mounts(tmpfs("mode=700"), tmpfs("mode=711")), {"probes": ["/mnt"]}
    yield "a mount within another", mounts(tmpfs(), tmpfs(destination="/mnt/in/deep")), {"probes": ["/mnt/in"]}
    yield "a mount below a later one", mounts(tmpfs(destination="/mnt/in"), tmpfs()), {"probes": ["/mnt"]}
    yield "bind of a folder with a mount in it", mounts(tmpfs(destination="/tmp"), bind("rbind", "ro", source="/proc")), {}
    yield "bind of a file on a missing file", mounts(bind("bind", source="@BUNDLE@/shared/file", destination="/tmp/a/b")), {"probes": ["/tmp/a/b"]}
    yield "bind of a file on a folder", mounts(bind("bind", source="@BUNDLE@/shared/file", destination="/mnt")), {}
    yield "bind of a folder on a file", mounts(bind("bind", destination="/file")), {}
    yield "bind that is read-only", mounts(bind("bind", "ro", "nosuid", "nodev", "noexec")), {"probes": ["/mnt", "/mnt/file"]}
    yield "bind without the option", mounts(bind()), {}
    yield "bind on /dev", mounts(bind("bind", destination="/dev/shared")), {}
    yield "tmpcopyup", mounts(tmpfs("tmpcopyup", destination="/full")), {"probes": ["/full", "/full/file"]}
    yield "tmpcopyup with a mode", mounts(tmpfs("tmpcopyup", "mode=700", destination="/full")), {"probes": ["/full", "/full/file"]}
    yield "cgroup", mounts({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "ro"]}), {}
    yield "cgroup, writable", mounts({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup"}), {}
    yield "cgroup, without its namespace", without_namespace("cgroup") | mounts(
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}), {}
    yield "mqueue and shm", mounts({"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue"}, tmpfs("mode=1777", destination="/dev/shm")), {}
    yield "proc with hidepid", {"mounts[0].options": ["hidepid=2", "nosuid"]}, {}
    yield "proc, read-only", {"mounts[0].options": ["ro"]}, {}
    yield "mount over a part of proc", mounts(tmpfs(destination="/proc/acpi")), {}
    yield "mount over proc's uptime", mounts(bind("bind", source="@BUNDLE@/shared/file", destination="/proc/uptime")), {}
    yield "dev bound from elsewhere", {"mounts": [BASE["mounts"][0], bind("rbind", destination="/dev")]}, {}
    yield "no dev", {"mounts": BASE["mounts"][:1]}, {}
    yield "no proc", {"mounts": BASE["mounts"][1:]}, {}
    for propagation in ("shared", "slave", "private"):
        yield f"root {propagation}, mount shared", {"linux.rootfsPropagation": propagation} | mounts(bind("bind", "shared")), {}
    for kind in ("pid", "ipc", "uts", "network", "cgroup"):
        yield f"without a namespace: {kind}", without_namespace(kind), {}
    yield "without uts and hostname", without_namespace("uts") | {"hostname": MISSING}, {}
    yield "without a network namespace, sysctl net", without_namespace("network") | {"linux.sysctl": {"net.ipv4.ip_forward": "0"}}, {}
    yield "without an ipc namespace, sysctl", without_namespace("ipc") | {"linux.sysctl": {"kernel.msgmax": "8192"}}, {}
    yield "time namespace and offsets", TIME_NAMESPACE | {"linux.timeOffsets": {"boottime": {"secs": 100}, "monotonic": {"secs": -5, "nanosecs": 3}}}, {}
    yield "offsets without a time namespace", {"linux.timeOffsets": {"boottime": {"secs": 100}}}, {}
    yield "pid namespace of another", {"linux.namespaces[0].path": "@NS@/pid"}, {}
    yield "all namespaces of another", {"linux.namespaces": [{"type": t, "path": f"@NS@/{n}"} for t, n in (
        ("pid", "pid"), ("ipc", "ipc"), ("uts", "uts"), ("network", "net"), ("cgroup", "cgroup"))] + [{"type": "mount"}]}, {}
    yield "network namespace of another, sysctl", {"linux.namespaces[4].path": "@NS@/net", "linux.sysctl": {"net.ipv4.ip_forward": "1"}}, {
        "probes": ["/proc/sys/net/ipv4/ip_forward"]}
    yield "devices and their rules", device() | {"linux.resources.devices": [{"allow": False}, {"allow": True, "type": "c", "major": 1, "minor": 3,
                                                                                              "access": "rwm"}]}, {}
    yield "the same device twice", {"linux.devices": device()["linux.devices"] * 2}, {}
    yield "a device on a mount point", device(path="/mnt/made") | mounts(tmpfs()), {"probes": ["/mnt"]}
    yield "fifo", device(type="p", major=0, minor=0), {}
    yield "fifo without numbers", {"linux.devices": [{"path": "/dev/made", "type": "p"}]}, {}
    yield "block device", device(type="b", major=7, minor=0, fileMode=0o660, uid=1, gid=6), {}
    yield "scheduler allowed", NICE | {"process.scheduler": {"policy": "SCHED_OTHER", "nice": -5}}, {}
    yield "memory, all of it", resources("memory", limit=M64, reservation=M64 // 2, swap=2 * M64, swappiness=10), {}
    yield "cpu, all of it", resources("cpu", shares=512, quota=20000, period=50000, cpus="0", mems="0"), {}
    yield "seccomp, many rules", seccomp(rule(), rule(names=["mkdir", "mkdirat"], errnoRet=38), rule(names=["socket"], action="SCMP_ACT_ALLOW")), {
        "probes": CALLS}
    yield "seccomp, the same call in two rules", seccomp(rule(), rule(errnoRet=38)), {"probes": CALLS}
    yield "seccomp, default denies", seccomp(
        rule(names=["execve", "exit_group"], action="SCMP_ACT_ALLOW"), defaultAction="SCMP_ACT_ERRNO"), {}
    yield "a hundred mounts", mounts(*(tmpfs(destination=f"/tmp/{i}") for i in range(100))), {}
    yield "a long environment", {"process.env": [f"A{i}=" + "x" * 1000 for i in range(100)]}, {}
    yield "many arguments", {"process.args": ["/look"] + ["x"] * 1000}, {}
    yield "the least of all", {k: MISSING for k in ("hostname", "mounts", "linux", "process.capabilities", "process.env",
                                                    "process.noNewPrivileges", "process.user")}, {}


def failing_hooks():
    for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
        inside = kind == "startContainer"
        where = ("/look", "/hooks") if inside else ("@BUNDLE@/look", "@BUNDLE@/hooks")
        yield f"hook that fails: {kind}", {f"hooks.{kind}": [hook(kind, "3", path=where[0], file=where[1])]}, {}
        yield f"hook that fails before another: {kind}", {f"hooks.{kind}": [hook(kind, "3", path=where[0], file=where[1]),
                                                                          hook("second", path=where[0], file=where[1])]}, {}


def texts():
    """(name, text) of what is no JSON document, or not as it should be."""
    base = json.dumps(BASE)
    twice = json.dumps(BASE)[:-1]
    yield "empty", ""
    yield "a space", " "
    yield "null", "null"
    yield "a list", "[]"
    yield "a number", "5"
    yield "an empty object", "{}"
    yield "cut off", base[:-10]
    yield "text after it", base + " x"
    yield "two of them", base + base
    yield "a comment", "/* */" + base
    yield "a comma too many", base[:-1] + ",}"
    yield "single quotes", base.replace('"', "'")
    yield "byte order mark", "\ufeff" + base
    yield "a name twice", twice + ', "hostname": "second"}'
    yield "process twice", twice + ', "process": {"args": ["/look", "second"], "cwd": "/"}}'
    yield "names in capitals", base.replace('"hostname"', '"Hostname"')
    yield "NUL in a name", base.replace("box", "b\\u0000x")
    yield "NUL in an argument", base.replace('"word"', '"a\\u0000b"')
    yield "no UTF-8", base.replace("box", "b\udcffx")
    yield "half of a surrogate pair", base.replace("box", "b\\ud800x")
    yield "10000 deep", twice + ', "annotations": ' + "[" * 10000 + "]" * 10000 + "}"
    yield "10000 deep, unknown", twice + ', "unknown": ' + "[" * 10000 + "]" * 10000 + "}"
    yield "5 with exponent", change("process.user.uid", 5).replace('"uid": 5', '"uid": 5e0')
    yield "5 with a point", change("process.user.uid", 5).replace('"uid": 5', '"uid": 5.0')
    yield "minus nought", change("process.user.uid", 5).replace('"uid": 5', '"uid": -0')
    yield "NaN", change("process.user.uid", 5).replace('"uid": 5', '"uid": NaN')
    yield "a number of 400 digits", change("process.user.uid", 5).replace('"uid": 5', '"uid": ' + "9" * 400)
    yield "a megabyte of annotations", change("annotations", {f"a{i}": "x" * 1000 for i in range(1000)})


def change(path, value):
    d = json.loads(json.dumps(BASE))
    put(d, path, value)
    return json.dumps(d)
