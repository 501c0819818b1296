# SPDX-License-Identifier: Apache-2.0
# engine-lib.sh - what docker.sh, podman.sh and ctr.sh share. They run in mount, pid and network namespaces of their own
# (see `run`), take the runtime's path, and print TAP. $W is their folder, $ROOTFS a root file system of busybox.
set -u
RT=$1
W=$(mktemp -d /var/tmp/conformance.XXXXXX)
COUNT=0
ip link set lo up
mount -t tmpfs tmpfs /run
ROOTFS=$W/rootfs
mkdir -p "$ROOTFS"/{bin,dev,etc,proc,sys,tmp,run,root}
cp /bin/busybox "$ROOTFS/bin/"
for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$ROOTFS/bin/$applet"; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$ROOTFS/etc/passwd"

# expect CODE NAME COMMAND...: one result
expect()
{
	local want=$1 name=$2 out code word=ok
	shift 2
	if [ "$1" = on_terminal ]; then
		out=$("$@" 2>&1)
	else
		out=$(timeout --foreground 30 "$@" 2>&1 </dev/null)
	fi
	code=$?
	COUNT=$((COUNT + 1))
	[ $code = "$want" ] || word="not ok"
	echo "$word $COUNT - $name"
	[ "$word" = ok ] || printf '# ended with %s, not %s: %s\n' $code "$want" "${out:0:800}"
}

# Runs the shell command $1 with a terminal; succeeds if what it prints has $2 in it.
on_terminal()
{
	sleep 3 | timeout --foreground 30 script -qec "$1" /dev/null | grep -q -- "$2"
}

# until_true COMMAND...: waits for it, 20 s at most
until_true()
{
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep .1
	done
	return 1
}

end()
{
	echo "1..$COUNT"
	awk -v w="$W/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r umount -l
	rm -rf "$W"
}
