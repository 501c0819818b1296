#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# podman.sh RUNTIME - podman --runtime.
. "$(dirname "$0")/engine-lib.sh"
p="podman --runtime $RT --cgroup-manager=cgroupfs --events-backend=file --storage-driver=overlay --root $W/root --runroot $W/run --tmpdir $W/tmp"
limits="--ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network none"
run="$p run --rm $limits"
tar -C "$ROOTFS" -c . | $p import - bb >/dev/null 2>&1
# --userns=auto takes its ids from these files.
echo "containers:2000000:1000000" >"$W/sub"
touch /etc/subuid /etc/subgid
mount --bind "$W/sub" /etc/subuid
mount --bind "$W/sub" /etc/subgid

expect 0 "run" $run bb true
expect 3 "run: exit code" $run bb sh -c 'exit 3'
expect 127 "run: no such program" $run bb /nope
expect 126 "run: not executable" $run bb /etc
expect 0 "run: limits" $run -m 64m --cpus 0.5 --pids-limit 50 bb true
expect 0 "run: --user" $run --user 1000:1000 bb sh -c '[ $(id -u) = 1000 ]'
expect 0 "run: --read-only" $run --read-only bb sh -c 'echo x >/tmp/x && ! echo x >/x'
expect 0 "run: --userns=auto" $run --userns=auto:size=65536 bb true
expect 0 "run: --uidmap" $run --uidmap 0:100000:65536 --gidmap 0:100000:65536 bb grep -q 100000 /proc/self/uid_map
expect 0 "run: all capabilities, no seccomp" $run --security-opt seccomp=unconfined --cap-add all bb true
expect 0 "run: --tmpfs and volume" $run --tmpfs /x:size=1m,mode=700 -v /tmp:/h:ro bb true
expect 0 "run: --device" $run --device /dev/null:/dev/foo bb test -c /dev/foo
expect 0 "run: --sysctl and --hostname" $run --sysctl net.ipv4.ip_forward=1 --hostname foo bb sh -c '[ $(hostname) = foo ]'
expect 0 "run: terminal" on_terminal "$run -it bb tty" /dev/pts/0
expect 0 "run: detached" $p run -d --name c1 $limits bb sleep 1000
expect 0 "exec" $p exec c1 true
expect 7 "exec: exit code" $p exec c1 sh -c 'exit 7'
expect 127 "exec: no such program" $p exec c1 /nope
expect 126 "exec: not executable" $p exec c1 /etc
expect 0 "exec: --user, -w, -e" $p exec --user 5 -w /tmp -e A=b c1 sh -c '[ $A = b ] && [ $PWD = /tmp ] && [ $(id -u) = 5 ]'
expect 0 "exec: terminal" on_terminal "$p exec -it c1 tty" /dev/pts/
expect 0 "top" $p top c1
expect 0 "stats" $p stats --no-stream c1
expect 0 "pause" $p pause c1
expect 0 "unpause" $p unpause c1
expect 0 "restart" $p restart -t 1 c1
expect 0 "kill" $p kill c1
expect 0 "start" $p start c1
expect 0 "stop" $p stop -t 1 c1
expect 0 "rm" $p rm c1
expect 0 "healthcheck: container" $p run -d --name c2 $limits --health-cmd 'busybox true' bb sleep 1000
expect 0 "healthcheck" $p healthcheck run c2
expect 0 "rm -f" $p rm -f -t 0 c2
expect 0 "pod create" $p pod create --name pod --infra=false
expect 0 "pod: a container in it" $p run -d --pod pod --name c3 $limits bb sleep 1000
expect 0 "pod rm" $p pod rm -f -t 0 pod
umount /etc/subuid /etc/subgid
end
