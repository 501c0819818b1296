#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# unified.sh RUNTIME - the runtime on cgroup v2 with cpu, io, memory and pids, whatever the host has: in a user-mode Linux whose
# root is the host's (read-write, but all is written to a tmpfs on /run). Started a second time, in there, with INSIDE=1.
set -u
if [ -z "${INSIDE:-}" ]; then
	self=$(realpath "$0")
	W=$(mktemp -d /var/tmp/conformance.XXXXXX)
	trap 'rm -rf "$W"' EXIT
	cd "$W" || exit 1
	timeout -s KILL 100 linux.uml mem=512M root=/dev/root rootfstype=hostfs rootflags=/ rw quiet con=null con0=fd:0,fd:1 \
		init="$self" INSIDE=1 RT="$1" PATH=/usr/sbin:/usr/bin:/sbin:/bin </dev/null 2>&1 | tr -d '\r'
	exit
fi
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
B=/run/bundle
G=/sys/fs/cgroup/group/t
mkdir -p $B/rootfs/{bin,proc,dev,sys,tmp}
cp /bin/busybox $B/rootfs/bin/
ln -s busybox $B/rootfs/bin/sh
cd $B || exit 1
R="timeout 20 $RT --root /run/runtime"
$R spec
python3 - <<'END'
import json
config = json.load(open("config.json"))
process = config["process"]
process.update(terminal=False, args=["/bin/busybox", "sleep", "1000"])
config["root"]["readonly"] = False
for name in ("bounding", "effective", "permitted"):
    process["capabilities"][name].append("CAP_MKNOD")
config["linux"]["cgroupsPath"] = "/group/t"
config["linux"]["resources"] = {
    "memory": {"limit": 33554432, "reservation": 16777216, "swap": 67108864},
    "cpu": {"shares": 512, "quota": 20000, "period": 100000, "burst": 1000},
    "pids": {"limit": 20},
    "unified": {"memory.high": "30000000"},
    "devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "w"}],
}
json.dump(config, open("config.json", "w"))
END
COUNT=0
is()
{
	local name=$1 want=$2 have=$3 word=ok
	COUNT=$((COUNT + 1))
	[ "$have" = "$want" ] || word="not ok"
	echo "$word $COUNT - $name"
	[ "$word" = ok ] || printf '# %s, not %s\n' "$have" "$want"
}
file() { cat "$G/$1" 2>&1; }
inside() { $R exec t /bin/sh -c "$1" >/dev/null 2>&1; echo $?; }
status() { $R state t | python3 -c 'import json, sys; print(json.load(sys.stdin)["status"])'; }

$R run -d t </dev/null >/run/out 2>&1
is "run" 0 $?
cat /run/out
is "memory.max" 33554432 "$(file memory.max)"
is "memory.low" 16777216 "$(file memory.low)"
is "memory.swap.max is swap without memory" 33554432 "$(file memory.swap.max)"
is "unified: memory.high" 29999104 "$(file memory.high)"
is "cpu.weight" 20 "$(file cpu.weight)"
is "cpu.max" "20000 100000" "$(file cpu.max)"
is "cpu.max.burst" 1000 "$(file cpu.max.burst)"
is "pids.max" 20 "$(file pids.max)"
is "born inside" "$($R ps -f json t | tr -d '[]')" "$(file cgroup.procs)"
is "device: null" 0 "$(inside 'busybox head -c1 /dev/null')"
is "device: a loop device may be made" 0 "$(inside 'busybox mknod /tmp/k b 7 0')"
is "device: and not be read" 1 "$(inside 'busybox head -c1 /tmp/k')"
is "device: allowed for writing only" 1 "$(inside 'busybox mknod /tmp/m c 1 11; busybox head -c1 /tmp/m')"
is "device: allowed for writing" 0 "$(inside 'echo >/tmp/m')"
is "update" 0 "$($R update --memory 64m --memory-swap 128m --cpu-share 1024 --pids-limit 30 t; echo $?)"
is "update: memory.max" 67108864 "$(file memory.max)"
is "update: cpu.weight" 39 "$(file cpu.weight)"
is "update: pids.max" 30 "$(file pids.max)"
is "pause" 0 "$($R pause t; echo $?)"
is "pause: state" paused "$(status)"
is "resume" 0 "$($R resume t; echo $?)"
is "resume: state" running "$(status)"
is "events" stats "$($R events --stats t | python3 -c 'import json, sys; print(json.load(sys.stdin)["type"])')"
is "exec joins the group" "0::/group/t" "$($R exec t /bin/busybox cat /proc/self/cgroup | sed 's/^0::\/$/0::\/group\/t/')"
is "delete --force" 0 "$($R delete --force t; echo $?)"
is "nothing is left" no "$([ -e $G ] && echo yes || echo no)"
echo "1..$COUNT"
exec halt -f
