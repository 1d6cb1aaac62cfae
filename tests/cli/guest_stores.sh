#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Trees that others have made for overlayfs, in the guest: stores of podman and buildah, of
# containerd and of docker, and files with their data elsewhere, as composefs has them.
# Mounted by layerfs, changed, and mounted by overlayfs again, they show the same.
# make guest-tools
. "$(dirname "$0")/stores.sh"
scratch=$LFS_SCRATCH/stores
mnt=/mnt/stores
mkdir -p "$mnt" "$scratch/image"
storage="--root $scratch/store --runroot /run/stores --storage-driver overlay"

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

make_context "$scratch/image" || exit 2
run buildah build --layers --isolation chroot --pull-never -t localhost/image "$scratch/image"
must "buildah makes an image" [ "$status" = 0 ]
run run_changes localhost/image
must "podman runs it" [ "$status" = 0 ]
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

# The store of containerd, with the same image; what it would mount, it says.
run podman save --format docker-archive -o "$scratch/image.tar" localhost/after
must "podman exports it" [ "$status" = 0 ]
mkdir -p "$scratch/containerd" "$scratch/shown"
cat >"$tmp/containerd.toml" <<TOML
version = 2
root = "$scratch/containerd"
state = "/run/stores-containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "/run/stores-containerd.sock"
TOML
containerd --config "$tmp/containerd.toml" --log-level error >"$tmp/containerd.log" 2>&1 &
daemon=$!
ctr() { command ctr --address /run/stores-containerd.sock "$@"; }
until ctr version >/dev/null 2>&1 || ! kill -0 "$daemon"; do sleep 1; done
run ctr image import --snapshotter overlayfs "$scratch/image.tar"
must "containerd imports it" [ "$status" = 0 ]
run ctr image mount --rw --snapshotter overlayfs localhost/after:latest "$scratch/shown"
must "and mounts it" [ "$status" = 0 ]
container=$(sed -n "s|^overlay $scratch/shown overlay \([^ ]*\) .*|\1|p" /proc/mounts |
	tr , '\n' | grep -E '^(lowerdir|upperdir|workdir)=' | paste -sd ,)
listing "$scratch/shown" >"$tmp/by-overlayfs" 2>&1
check "it has the change, too" grep -q conf.d/newer "$tmp/by-overlayfs"
umount "$scratch/shown"
run mount.layerfs none "$mnt" -o "$container"
check "containerd's snapshot by layerfs" same "$tmp/by-overlayfs"
echo layerfs >>"$mnt/etc/conf.d/b" && rm -r "$mnt/lib/deep" && mkdir "$mnt/lib/deep"
check "changed by layerfs" [ $? = 0 ]
listing "$mnt" >"$tmp/by-layerfs" 2>&1
umount "$mnt"
run sh -c "$(command ctr --address /run/stores-containerd.sock snapshot \
	--snapshotter overlayfs mounts "$mnt" "$scratch/shown")"
check "containerd mounts it again" [ "$status" = 0 ]
check "and shows what layerfs has left" same "$tmp/by-layerfs"
umount "$mnt"

# And docker's, who asks that containerd for nothing here but to be there.
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
echo '{ "deprecated-key-path": "/run/stores-docker.key" }' >"$tmp/dockerd.json"
dockerd --config-file "$tmp/dockerd.json" --data-root "$scratch/docker" \
	--containerd /run/stores-containerd.sock \
	--exec-root /run/stores-docker --pidfile /run/stores-docker.pid \
	--host unix:///run/stores-docker.sock --storage-driver overlay2 --bridge none \
	--iptables=false --ip6tables=false >"$tmp/dockerd.log" 2>&1 &
dockerd=$!
# Debian's: the machine may have another one.
docker() { /usr/bin/docker --host unix:///run/stores-docker.sock "$@"; }
until docker version >/dev/null 2>&1 || ! kill -0 "$dockerd"; do sleep 1; done
run docker load --input "$scratch/image.tar"
[ "$status" = 0 ] || err=$(tail -n 20 "$tmp/dockerd.log")
must "docker imports it" [ "$status" = 0 ]
run docker create --name two --network none localhost/after true
must "and makes a container" [ "$status" = 0 ]
set -- $(docker inspect --format \
	'{{.GraphDriver.Data.LowerDir}} {{.GraphDriver.Data.UpperDir}} {{.GraphDriver.Data.WorkDir}}' two)
container=lowerdir=${1-},upperdir=${2-},workdir=${3-}
run mount -t overlay none "$mnt" -o "$container"
check "docker's container by overlayfs" [ "$status" = 0 ]
listing "$mnt" >"$tmp/by-overlayfs" 2>&1
check "it has the change, too" grep -q conf.d/newer "$tmp/by-overlayfs"
umount "$mnt"
run mount.layerfs none "$mnt" -o "$container"
check "docker's container by layerfs" same "$tmp/by-overlayfs"
echo layerfs >>"$mnt/etc/conf.d/b" && rm -r "$mnt/lib/deep" && mkdir "$mnt/lib/deep"
check "changed by layerfs" [ $? = 0 ]
umount "$mnt"
run docker export --output "$scratch/exported.tar" two
check "docker exports it" [ "$status" = 0 ]
check "and it has what layerfs has left" sh -c '
	tar -xOf "$1" etc/conf.d/b | grep -q layerfs && ! tar -tf "$1" | grep -q ^lib/deep/.' \
	sh "$scratch/exported.tar"
docker rm two >/dev/null
kill "$dockerd"
wait "$dockerd"
kill "$daemon"
wait "$daemon"

podman rm --all --force >/dev/null 2>&1
umount "$scratch/store/overlay" 2>/dev/null
umount /var/lib
rm -rf "$scratch"
plan
