#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Trees that others have made for overlayfs, in the guest: a store of podman and buildah,
# and files with their data elsewhere, as composefs has them.  Mounted by layerfs, changed,
# and mounted by overlayfs again, they show the same.  make guest-tools
. "$(dirname "$0")/lib.sh"
if [ ! -d "${LFS_SCRATCH-}" ]; then
	echo "guest_stores: to be run by tests/vm/run" >&2
	exit 2
fi
scratch=$LFS_SCRATCH/stores
mnt=/mnt/stores
mkdir -p "$mnt" "$scratch/rootfs"
modprobe overlay

# Both write where the guest's root is read-only; nothing here asks a network.
storage="--root $scratch/store --runroot /run/stores --storage-driver overlay"
mount -t tmpfs none /var/lib
podman() { command podman $storage --cgroup-manager cgroupfs --events-backend none "$@"; }
buildah() { command buildah $storage "$@"; }
# Whatever a container needs of the machine beyond its files would only be in the way.
in_container="--network none --cgroups disabled --security-opt seccomp=unconfined
	--cap-add all --log-driver none --pull never"

# All that there is to say about a tree, but for what a mount makes up: st_ino, st_dev,
# st_nlink and the size of directories.
listing() {
	(
		cd "$1" || exit
		find . -type d -printf '%p %y %m %U %G %T@\n' \
			-o -printf '%p %y %m %U %G %s %n %T@ %l\n' | sort
		find . -type f -exec sha256sum {} + | sort -k 2
		find . ! -type l -exec getfattr -h -d -m - {} + | LC_ALL=C sort
	)
}
same() {
	mountpoint -q "$mnt" || return
	listing "$mnt" >"$tmp/got" 2>&1
	diff "$1" "$tmp/got" >"$tmp/err" && return
	err=$(head -n 20 "$tmp/err")
	return 1
}

# Names, owners and attributes in one layer, content by its digest in another.
mkdir -p "$scratch/c/meta" "$scratch/c/data" "$scratch/c/upper" "$scratch/c/work"
(
	cd "$scratch/c" || exit
	for i in 1 2 3 4 5 6 7 8; do
		mkdir -p "meta/d$((i % 3))"
		file=meta/d$((i % 3))/file$i
		head -c $((i * 5000)) /dev/urandom >content
		digest=$(sha256sum <content | cut -c 1-64)
		object=$(echo "$digest" | cut -c 1-2)/$(echo "$digest" | cut -c 3-)
		mkdir -p "data/${object%/*}"
		mv content "data/$object"
		truncate -s $((i * 5000)) "$file"
		setfattr -n trusted.overlay.metacopy "$file"
		setfattr -n trusted.overlay.redirect -v "/$object" "$file"
		setfattr -n user.number -v $i "$file"
		chown $i:$((i + 1)) "$file"
		chmod $((i % 8))44 "$file"
		touch -d "2003-01-0$i" "$file"
	done
	echo inline >meta/d0/inline
	ln -s file1 meta/d1/link
) || exit 2
stack=lowerdir=$scratch/c/meta::$scratch/c/data
composefs=ro,metacopy=on,redirect_dir=on,$stack
upper=upperdir=$scratch/c/upper,workdir=$scratch/c/work
run mount -t overlay none "$mnt" -o "$composefs"
check "data by digest, by overlayfs" [ "$status" = 0 ]
listing "$mnt" >"$tmp/by-overlayfs" 2>&1
umount "$mnt"
run mount.layerfs none "$mnt" -o "$stack"
check "data by digest, by layerfs" same "$tmp/by-overlayfs"
umount "$mnt"
# Each leaves in an upper what the other takes up.
mount -t overlay none "$mnt" -o "metacopy=on,redirect_dir=on,$stack,$upper" &&
	chmod 0600 "$mnt/d1/file1" && echo more >>"$mnt/d2/file2" && mv "$mnt/d0/file3" "$mnt/d0/moved"
check "changed by overlayfs" [ $? = 0 ]
listing "$mnt" >"$tmp/by-overlayfs" 2>&1
umount "$mnt"
run mount.layerfs none "$mnt" -o "$stack,$upper"
check "the same by layerfs" same "$tmp/by-overlayfs"
echo more >>"$mnt/d1/file1" && chmod 0640 "$mnt/d1/file4" && mv "$mnt/d0" "$mnt/d3" &&
	rm "$mnt/d2/file5"
check "changed by layerfs" [ $? = 0 ]
listing "$mnt" >"$tmp/by-layerfs" 2>&1
umount "$mnt"
mount -t overlay none "$mnt" -o "metacopy=on,redirect_dir=on,$stack,$upper"
check "the same by overlayfs" same "$tmp/by-layerfs"
umount "$mnt"

# What follows needs it.
must() {
	check "$@"
	[ "$status" = 0 ] && return
	plan
	exit 1
}

# An image of two layers, the second of which takes something away.
(
	cd "$scratch/rootfs"
	mkdir -p bin etc/conf.d home/user lib/deep/er tmp var/log
	cp /bin/busybox bin
	for applet in sh ls cat mv rm ln mkdir chmod chown touch rmdir; do
		ln -s busybox "bin/$applet"
	done
	echo root:x:0:0::/:/bin/sh >etc/passwd
	echo a >etc/conf.d/a
	echo b >etc/conf.d/b
	echo deep >lib/deep/er/file
	echo setuid >bin/setuid
	chmod 4755 bin/setuid
	setfattr -n user.note -v "of the base" etc/conf.d/b
	setcap cap_net_raw+ep bin/setuid 2>/dev/null
	mkfifo var/fifo
	truncate -s 1M var/sparse
	echo end >>var/sparse
	chown -R 1000:1000 home/user
	touch -d 2001-02-03T04:05:06.789 etc/conf.d/a lib/deep
	tar -C . --xattrs -cf ../rootfs.tar .
) || exit 2

cat >"$scratch/Containerfile" <<'CONTAINERFILE'
FROM scratch
ADD rootfs.tar /
RUN rm /etc/conf.d/a && mkdir /etc/conf.d/a && echo inner >/etc/conf.d/a/in && \
    rm -r /lib/deep && mkdir -p /lib/deep/new && echo two >/lib/deep/new/file && \
    chmod 0600 /etc/passwd && touch /var/log/build
CMD /bin/sh
CONTAINERFILE
run buildah build --layers --isolation chroot --pull-never -t localhost/image "$scratch"
must "buildah makes an image" [ "$status" = 0 ]
run podman run --name one $in_container localhost/image sh -c \
	'echo run >>/etc/conf.d/b; rm -r /home/user; mkdir /home/user; echo x >/home/user/x;
	 mv /var/log/build /var/log/built; chown 5:6 /bin/setuid; ln -sf x /tmp/link;
	 rm -f /etc/conf.d/a/in; cat /lib/deep/new/file /lib/deep/only; :'
must "podman runs it" [ "$status" = 0 ]
# Who cleans up after a container may still do so.
unmounted() {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		grep -q "$scratch/store/overlay/.*/merged" /proc/mounts || return 0
		sleep 2
	done
	return 1
}
check "and unmounts it" unmounted
# inspect OBJECT KEY...: what the store says of it
inspect() {
	object=$1
	shift
	podman inspect --format "$(printf '{{.GraphDriver.Data.%s}} ' "$@")" "$object"
}
set -- $(inspect one LowerDir UpperDir WorkDir)
lower=${1-} upper=${2-} work=${3-}
check "the store says where" [ -d "$upper" ]
check "it has layers" sh -c 'case $1 in *:*) ;; *) exit 1 ;; esac' sh "$lower"
container=lowerdir=$lower,upperdir=$upper,workdir=$work

# As overlayfs shows it, and as layerfs does.
run mount -t overlay none "$mnt" -o "$container"
check "the container by overlayfs" [ "$status" = 0 ]
listing "$mnt" >"$tmp/by-overlayfs" 2>&1
check "a tree worth looking at" [ "$(wc -l <"$tmp/by-overlayfs")" -gt 50 ]
umount "$mnt"
run mount.layerfs none "$mnt" -o "ro,lowerdir=$upper:$lower"
check "the container as layers only" same "$tmp/by-overlayfs"
umount "$mnt"
run mount.layerfs none "$mnt" -o "$container"
check "the container by layerfs" same "$tmp/by-overlayfs"

# Changed by layerfs.
(
	cd "$mnt" && echo layerfs >>etc/conf.d/b && echo new >etc/conf.d/new &&
		chmod 0640 etc/passwd && rm -r lib/deep && mkdir lib/deep &&
		echo three >lib/deep/only && chown 7:8 var/sparse && rm var/fifo &&
		mv var/log/built var/log/again && ln etc/conf.d/new etc/conf.d/newer &&
		setfattr -n user.note -v changed etc/conf.d/b && mkdir var/fifo &&
		touch -d 2002-03-04T05:06:07.891 bin/setuid && ln -sf y tmp/link
)
check "changed by layerfs" [ $? = 0 ]
listing "$mnt" >"$tmp/by-layerfs" 2>&1
umount "$mnt"
check "which can be seen" sh -c '! cmp -s "$1" "$2"' sh "$tmp/by-overlayfs" "$tmp/by-layerfs"
mount -t overlay none "$mnt" -o "$container"
check "overlayfs shows what layerfs has left" same "$tmp/by-layerfs"
umount "$mnt"
run podman start --attach one
check "podman's container goes on with it" said 0 three
check "and is unmounted again" unmounted
run podman commit one localhost/after
check "and becomes an image" [ "$status" = 0 ]
set -- $(inspect localhost/after UpperDir LowerDir)
layers=lowerdir=${1-}:${2-}
run mount -t overlay none "$mnt" -o "ro,$layers"
check "which has the change" grep -q three "$mnt/lib/deep/only"
listing "$mnt" >"$tmp/by-overlayfs" 2>&1
umount "$mnt"
run mount.layerfs none "$mnt" -o "$layers"
check "that image by layerfs" same "$tmp/by-overlayfs"
umount "$mnt"

# A directory of a layer renamed: layerfs writes a redirect, overlayfs follows it.
run mount.layerfs none "$mnt" -o "$container"
mv "$mnt/etc" "$mnt/moved" && echo more >"$mnt/moved/conf.d/more"
listing "$mnt" >"$tmp/by-layerfs" 2>&1
umount "$mnt"
run mount -t overlay none "$mnt" -o "redirect_dir=follow,$container"
check "overlayfs mounts it" [ "$status" = 0 ]
check "and follows a renamed directory" same "$tmp/by-layerfs"
rm -r "$mnt/moved/conf.d"
listing "$mnt" >"$tmp/by-overlayfs" 2>&1
umount "$mnt"
run mount.layerfs none "$mnt" -o "$container"
check "and layerfs what overlayfs has left" same "$tmp/by-overlayfs"
umount "$mnt"

podman rm --all --force >/dev/null 2>&1
umount "$scratch/store/overlay" 2>/dev/null
umount /var/lib
rm -rf "$scratch"
plan
