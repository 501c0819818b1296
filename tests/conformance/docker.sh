#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docker.sh RUNTIME - dockerd with the runtime as --add-runtime and --default-runtime.
. "$(dirname "$0")/engine-lib.sh"
dockerd --data-root "$W/data" --exec-root "$W/exec" -H "unix://$W/s" -p "$W/pid" --exec-opt native.cgroupdriver=cgroupfs \
	--storage-driver overlay2 --add-runtime "md=$RT" --default-runtime md --bridge=none --iptables=false \
	--ip6tables=false >"$W/log" 2>&1 &
d="docker -H unix://$W/s"
until_true $d version
tar -C "$ROOTFS" -c . | $d import - bb >/dev/null
run="$d run --rm --network none"

expect 0 "run" $run bb true
expect 3 "run: exit code" $run bb sh -c 'exit 3'
expect 127 "run: no such program" $run bb /nope
expect 126 "run: not executable" $run bb /etc
expect 0 "run: limits" $run -m 64m --memory-swap 128m --cpus 0.5 --cpu-shares 512 --pids-limit 50 --cpuset-cpus 0 bb true
expect 0 "run: --privileged" $run --privileged bb true
expect 0 "run: --user" $run --user 1000:1000 bb sh -c '[ $(id -u) = 1000 ]'
expect 0 "run: --read-only and --tmpfs" $run --read-only --tmpfs /tmp bb sh -c 'echo x >/tmp/x && ! echo x >/x'
expect 0 "run: host network" $d run --rm --network host bb true
expect 0 "run: host pids" $run --pid host bb true
expect 0 "run: no capabilities" $run --cap-drop ALL --security-opt no-new-privileges bb true
expect 0 "run: --init" $run --init bb true
expect 0 "run: no seccomp" $run --security-opt seccomp=unconfined bb true
expect 0 "run: --sysctl" $run --sysctl net.ipv4.ip_forward=1 bb true
expect 0 "run: --device, --ulimit, --shm-size" $run --ulimit nofile=100:200 --shm-size 1m --device /dev/null:/dev/foo bb test -c /dev/foo
expect 0 "run: volume" $run -v /tmp:/host:ro bb ls /host
expect 0 "run: terminal" on_terminal "$run -it bb tty" /dev/pts/0
expect 0 "run: detached" $d run -d --name c1 --network none bb sleep 1000
expect 0 "exec" $d exec c1 true
expect 7 "exec: exit code" $d exec c1 sh -c 'exit 7'
expect 126 "exec: no such program" $d exec c1 /nope
expect 126 "exec: not executable" $d exec c1 /etc
expect 0 "exec: --user, -w, -e" $d exec --user 5 -w /tmp -e A=b c1 sh -c '[ $A = b ] && [ $PWD = /tmp ] && [ $(id -u) = 5 ]'
expect 0 "exec: terminal" on_terminal "$d exec -it c1 tty" /dev/pts/
expect 0 "top" $d top c1
expect 0 "stats" $d stats --no-stream c1
expect 0 "pause" $d pause c1
expect 1 "exec in a paused container" $d exec c1 true
expect 0 "unpause" $d unpause c1
expect 0 "update" $d update --memory 128m --memory-swap 256m --cpus 0.7 c1
expect 0 "restart" $d restart -t 1 c1
expect 0 "cp" $d cp c1:/bin/busybox "$W/busybox"
expect 0 "kill" $d kill c1
expect 0 "start" $d start c1
expect 0 "stop" $d stop -t 1 c1
expect 0 "rm" $d rm c1
expect 137 "run: over the memory limit" $d run --name oom --network none -m 16m bb sh -c 'x=a; while true; do x=$x$x; done'
expect 0 "inspect: killed by the memory limit" sh -c "$d inspect -f '{{.State.OOMKilled}}' oom | grep true"
expect 0 "rm -f" $d rm -f oom
kill "$(cat "$W/pid")"
until_true test ! -e "$W/pid"
end
