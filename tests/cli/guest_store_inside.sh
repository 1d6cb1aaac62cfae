#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# podman with its store in a layerfs container, in the guest: what it makes there is what
# it makes on ext4.  make guest-tools
. "$(dirname "$0")/stores.sh"
scratch=$LFS_SCRATCH/inside
mnt=/mnt/inside
mkdir -p "$mnt" "$scratch/layer/below" "$scratch/upper" "$scratch/work" "$scratch/ext4" \
	"$scratch/image"
make_context "$scratch/image" || exit 2

# Times from before the test are kept, those of what is made are not the same twice.
# What mode a root has that is in no archive is the driver's choice.
listing_of() {
	mountpoint -q "$1" || [ -d "$1/etc" ] || return
	listing "$1" | sed -E 's/ 1[5-9][0-9]{8}\.[0-9]+( |$)/ now\1/
		1s/^\. d [0-7]*/. d/'
}
# same_as FILE DIR
same_as() {
	listing_of "$2" >"$tmp/got" 2>&1
	diff "$1" "$tmp/got" >"$tmp/err" && return
	err=$(head -n 20 "$tmp/err")
	return 1
}

# life DRIVER DIR: a container's, with its store in DIR; listings go to $tmp/...
life() {
	storage="--root $2/$1 --runroot /run/inside --storage-driver $1"
	run podman import --quiet "$scratch/image/rootfs.tar" localhost/image
	must "$label: import" [ "$status" = 0 ]
	run run_changes localhost/image "$second_layer"
	must "$label: run" said 0 two
	run podman mount one
	listing_of "$out" >"$tmp/container.$label" 2>&1
	check "$label: mount" [ "$(wc -l <"$tmp/container.$label")" -gt 50 ]
}

mount_inside() {
	run mount.layerfs none "$mnt" -o \
		"lowerdir=$scratch/layer,upperdir=$scratch/upper,workdir=$scratch/work"
	must "a container of layerfs" [ "$status" = 0 ]
}

# Whiteouts of the store are devices to podman, and files with a mark on the disk.
whiteouts() {
	[ -n "$(find "$mnt" -type c)" ] && [ -z "$(find "$scratch/upper" -type c)" ]
}

label=ext4
life overlay "$scratch/ext4"
run podman umount one
umount "$scratch/ext4/overlay/overlay" 2>/dev/null

for label in overlay vfs; do
	mount_inside
	life $label "$mnt"
	check "$label: the same as on ext4" diff "$tmp/container.ext4" "$tmp/container.$label"
	run podman umount one
	run podman commit --quiet one localhost/after
	check "$label: commit" [ "$status" = 0 ]
	[ "$label" = vfs ] || check "$label: a whiteout in the store" whiteouts
	# As after a reboot: all of it is on the disk, marks of mounts inside, too.
	umount "$mnt/overlay/overlay" 2>/dev/null
	check "$label: nobody keeps it" umount "$mnt"
	mount_inside
	run podman image mount localhost/after
	check "$label: the image is the container" same_as "$tmp/container.ext4" "$out"
	run podman start --attach one
	check "$label: start" said 0 two
	run podman rm --force one
	check "$label: rm" [ "$status" = 0 ]
	run podman rmi --all --force
	check "$label: rmi" [ "$status" = 0 ]
	check "$label: nothing is left mounted" unmounted
	umount "$mnt/overlay/overlay" 2>/dev/null
	check "$label: nobody keeps it any more" umount "$mnt"
done
check "the layer is as it was" [ "$(find "$scratch/layer" | wc -l)" = 2 ]

umount /var/lib
rm -rf "$scratch"
plan
