#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ctr.sh RUNTIME - containerd's own client, the runtime as --runc-binary.
. "$(dirname "$0")/engine-lib.sh"
cat >"$W/config.toml" <<END
version = 2
root = "$W/root"
state = "$W/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$W/s"
END
containerd --config "$W/config.toml" >"$W/log" 2>&1 &
pid=$!
until_true ctr -a "$W/s" version
c="ctr -a $W/s"
run="$c run --runc-binary $RT --rootfs"

expect 0 "run" $run --rm "$ROOTFS" t1 /bin/true
expect 3 "run: exit code" $run --rm "$ROOTFS" t2 /bin/sh -c 'exit 3'
expect 1 "run: no such program" $run --rm "$ROOTFS" t3 /nope
expect 0 "run: limits" $run --rm --memory-limit 67108864 --cpu-quota 50000 --cpu-period 100000 "$ROOTFS" t4 /bin/true
expect 0 "run: --privileged" $run --rm --privileged "$ROOTFS" t5 /bin/true
expect 0 "run: --seccomp" $run --rm --seccomp "$ROOTFS" t6 /bin/true
expect 0 "run: detached" $run -d "$ROOTFS" t7 /bin/sleep 1000
expect 0 "exec" $c task exec --exec-id e1 t7 /bin/true
expect 7 "exec: exit code" $c task exec --exec-id e2 t7 /bin/sh -c 'exit 7'
expect 0 "ps" $c task ps t7
expect 0 "metrics" $c task metrics t7
expect 0 "pause" $c task pause t7
expect 0 "ls: paused" sh -c "$c task ls | grep PAUSED"
expect 0 "resume" $c task resume t7
expect 0 "kill" $c task kill -s KILL t7
expect 0 "ls: stopped" sh -c "for i in 1 2 3 4 5 6 7 8 9; do $c task ls | grep STOPPED && exit 0; sleep .3; done; exit 1"
expect 0 "task rm" $c task rm t7
expect 0 "rm" $c container rm t7
kill $pid
wait $pid
end
