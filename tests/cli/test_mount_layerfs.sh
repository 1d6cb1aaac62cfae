#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# mount.layerfs: command lines, right and wrong. Nothing is mounted.
. "$(dirname "$0")/lib.sh"
top=$(dirname "$0")/../..
mkdir "$tmp/a" "$tmp/b" "$tmp/m"
m=$tmp/m

run mount.layerfs --help
check "--help" said 0 "Usage: mount.layerfs"
for option in $(sed -n 's/.*fsparam_[a-z_]*("\([^"]*\)".*/\1/p' "$top/kmod/mount/params.c") \
	layers image root remount; do
	check "--help names $option" said 0 "$option"
done
run mount.layerfs
check "no operands" said 1 "SPEC and DIR are needed"
run mount.layerfs none
check "one operand" said 1 "SPEC and DIR are needed"
run mount.layerfs none "$m" more
check "three operands" said 1 "more operands"
run mount.layerfs none "$m" -Z
check "unknown option" said 1 "-- 'Z'"
run mount.layerfs none "$m" -t ext4
check "foreign type" said 1 "-t"
run mount.layerfs none "$m" -o 'lowerdir=/a,context="x'
check "open quote" said 1 "never closed"
run mount.layerfs none "$m" -o lowerdir=
check "empty lowerdir" said 1 "lowerdir needs a directory"
run mount.layerfs none "$m" -o lowerdir=/a:::/b
check "empty layer" said 1 "layer 2 is empty"
run mount.layerfs none "$m" -o lowerdir=/a::/b:/c
check "layer below layers of data" said 1 "layer 3 cannot follow"
run mount.layerfs none "$m" -o ro
check "no layers" said 32 "no layers"
run mount.layerfs none "$m" -o lowerdir=/a,image=x
check "two sources of layers" said 32 "give one of them"
run mount.layerfs none "$m" -o layers="$tmp/none"
check "absent list" said 32 "$tmp/none"
run mount.layerfs none "$m" -o image=x,root="$tmp/none"
check "absent image" said 32 '"x"'
run mount.layerfs none "$m" -f -N "$tmp/none" -o lowerdir=/a
check "absent namespace" said 32 "mount namespace '$tmp/none'"
run mount.layerfs none "$tmp/none" -o lowerdir="$tmp/a"
check "absent mount point" said 32 "mount point '$tmp/none'"

run mount.layerfs none "$m" -f -o lowerdir="$tmp/a"
check "-f is silent" [ "$status:$out$err" = 0: ]
run mount.layerfs none "$m" -sfnv -o nosuid,lowerdir="$tmp/a" -t layerfs.sub
check "-v says what" said 0 "none on $m: 1 layer, lowerdir=$tmp/a (fake)"
run mount.layerfs -o "lowerdir=$tmp/a" -fv none "$m"
check "options may come first" said 0 "1 layer"
run mount.layerfs none "$m" -fv -o rw -o "lowerdir=$tmp/a:$tmp/b,upperdir=/u\\,1" -o workdir=/w
check "several -o add up" said 0 "2 layers, lowerdir=$tmp/a:$tmp/b, upperdir=/u,1, workdir=/w"
printf '%s\n' '# top' "$tmp/a" '' b >"$tmp/list"
run mount.layerfs none "$m" -fv -o layers="$tmp/list"
check "layers from a file" said 0 "2 layers, lowerdir=$tmp/a:$tmp/b"
many=$(i=0; while [ $i -lt 2000 ]; do printf ':/layers/%d' $i; i=$((i + 1)); done)
run mount.layerfs none "$m" -fv -o "lowerdir=${many#:}"
check "2000 layers in one option" said 0 "2000 layers"
check "nothing was mounted" sh -c '! mountpoint -q "$1"' sh "$m"

# Everywhere but on a kernel with the module the mount fails, and says why.
if ! grep -qw layerfs /proc/filesystems; then
	run mount.layerfs none "$m" -o lowerdir="$tmp/a"
	check "a kernel without layerfs" said 32 "does not know layerfs"
fi
run setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
	mount.layerfs none / -o lowerdir=/usr
check "no permission" [ "$status" -ne 0 ]
check "no permission is said" [ -n "$err" ]
plan
