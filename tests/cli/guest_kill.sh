#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# layerctl mount and umount killed before each system call that changes
# something, in the guest: make guest-tools
#
#	LFS_KILL_STEP=N		try every Nth point only (default: 5; `make
#				store-kill` says 1)
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
killat=$(cd "$bin/../tests/cli" && pwd)/killat
if [ ! -d "${LFS_SCRATCH-}" ]; then
	echo "guest_kill: to be run by tests/vm/run" >&2
	exit 2
fi
scratch=$LFS_SCRATCH/kill
export LAYERCTL_ROOT="$scratch/store"
m=/mnt/kill
mkdir -p "$m" "$scratch"
points=0
step=${LFS_KILL_STEP:-5}
skipped=
[ "$step" = 1 ] || skipped=", in steps of $step"

"$here/make-image" "$tmp/a" web:a "etc/,etc/passwd=root" "index=A"
layerctl import -q "$tmp/a" >/dev/null || exit 2
shape() { (cd "$LAYERCTL_ROOT" && find . ! -path './containers/*/work/*' -printf '%P %y %m %n\n' | sort); }
mounts() { grep -c " $m layerfs " /proc/self/mounts; }
problem() { echo "# point $i of $count: $*"; return 1; }

in_order() {
	layerctl fsck >"$tmp/out" 2>&1 || problem "fsck: $(cat "$tmp/out")" || return
	layerctl ps --all >"$tmp/out" 2>&1 || problem "ps: $(cat "$tmp/out")"
}

# The mount is there or is made by a repetition, works, and goes without a trace.
after_mount() {
	in_order || return
	if [ "$(mounts)" = 0 ]; then
		[ $((i / step % 2)) = 0 ] || layerctl gc >/dev/null || problem gc || return
		[ $((i / step % 2)) = 0 ] || [ "$(shape)" = "$clean" ] || problem "gc left $(shape)" || return
		layerctl mount "$@" web:a "$m" >"$tmp/out" 2>&1 || problem "again: $(cat "$tmp/out")" ||
			return
	fi
	[ "$(mounts):$(cat "$m/index")" = 1:A ] || problem "$(mounts) mounts" || return
	layerctl gc >/dev/null || problem "gc while mounted" || return
	[ "$(cat "$m/index")" = A ] || problem "gc took what is mounted" || return
	layerctl umount "$m" >"$tmp/out" 2>&1 || problem "umount: $(cat "$tmp/out")" || return
	if [[ $* == *--name* ]]; then
		layerctl umount --rm front >"$tmp/out" 2>&1 || problem "--rm: $(cat "$tmp/out")" || return
	fi
	remove_unnamed
	layerctl gc >/dev/null || problem "gc" || return
	[ "$(shape)" = "$clean" ] || problem "left: $(shape | diff - <(echo "$clean"))"
}
# A container with a name made up was mounted, so its empty upper is kept.
remove_unnamed() { layerctl completion containers | xargs -r layerctl umount --rm >/dev/null 2>&1; }

mount_points() {
	for ((i = 1 + offset++ % step; i <= count; i += step)); do
		"$killat" $i layerctl mount "$@" web:a "$m" >/dev/null 2>&1
		[ $? = 137 ] || problem "it was not killed" || return
		after_mount "$@" || return
		points=$((points + 1))
	done
}

# As the first mount has made it
offset=0
layerctl umount --rm "$(layerctl mount web:a "$m")"
clean=$(shape)
for kind in "--name front" "" "--read-only" "--volatile --name front"; do
	count=$("$killat" 0 layerctl mount $kind web:a "$m" 2>&1 >/dev/null)
	layerctl umount "$m"
	remove_unnamed
	check "mount $kind: killed at each of $count calls$skipped" mount_points $kind
done

# What was written is there until its removal was asked for, and then gone.
umount_points() {
	for ((i = 1 + offset++ % step; i <= count; i += step)); do
		layerctl mount -q $mode --name front web:a "$m" >/dev/null || problem "mount" || return
		echo $i >"$m/mine"
		"$killat" $i layerctl umount "$@" front >/dev/null 2>&1
		[ $? = 137 ] || problem "it was not killed" || return
		in_order || return
		layerctl gc >/dev/null || problem "gc" || return
		if [ -z "${1-}" ]; then
			[ "$(mounts)" = 0 ] || layerctl umount front || problem "again" || return
			layerctl mount -q --name front web:a "$m" >/dev/null ||
				problem "mount again" || return
			[ "$(cat "$m/mine")" = $i ] || problem "lost what was written" || return
		fi
		layerctl umount --rm front >"$tmp/out" 2>&1 || grep -q "no container 'front'" "$tmp/out" ||
			problem "--rm: $(cat "$tmp/out")" || return
		[ "$(mounts)" = 0 ] || problem "still mounted" || return
		layerctl gc >/dev/null || problem "gc" || return
		[ "$(shape)" = "$clean" ] || problem "left: $(shape | diff - <(echo "$clean"))" || return
		points=$((points + 1))
	done
}
for mode in "" --volatile; do
	for rm in "" --rm; do
		layerctl mount -q $mode --name front web:a "$m" >/dev/null
		echo >"$m/mine"
		count=$("$killat" 0 layerctl umount $rm front 2>&1 >/dev/null)
		layerctl umount --rm front 2>/dev/null
		check "umount $rm ${mode:+of a volatile one}: killed at each of $count calls$skipped" umount_points $rm
	done
done
layerctl rm web:a >/dev/null
check "nothing is left" [ -z "$(ls -A "$LAYERCTL_ROOT/containers" "$LAYERCTL_ROOT/tmp" \
	"$LAYERCTL_ROOT/layers/sha256" | grep -v :)" ]
echo "# killed at $points points"
rm -rf "$scratch"
plan
