# SPDX-License-Identifier: GPL-2.0-only
# Shared by what has podman make trees in the guest.  Who sources it sets scratch, mnt
# and storage, the options that say where podman has its store.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/listing.sh"
if [ ! -d "${LFS_SCRATCH-}" ]; then
	echo "$(basename "$0" .sh): to be run by tests/vm/run" >&2
	exit 2
fi
modprobe overlay

# Both write where the guest's root is read-only; nothing here asks a network.
mount -t tmpfs none /var/lib
podman() { command podman $storage --cgroup-manager cgroupfs --events-backend none "$@"; }
buildah() { command buildah $storage "$@"; }
# Whatever a container needs of the machine beyond its files would only be in the way.
in_container="--network none --cgroups disabled --security-opt seccomp=unconfined
	--cap-add all --log-driver none --pull never"

# same LISTING: it is what is mounted on $mnt
same() {
	mountpoint -q "$mnt" || return
	listing "$mnt" >"$tmp/got" 2>&1
	diff "$1" "$tmp/got" >"$tmp/err" && return
	err=$(head -n 20 "$tmp/err")
	return 1
}

# What follows needs it.
must() {
	check "$@"
	[ "$status" = 0 ] && return
	plan
	exit 1
}

# Who cleans up after a container may still do so.
unmounted() {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		grep -q "$scratch/.*/merged" /proc/mounts || return 0
		sleep 2
	done
	return 1
}

# What the second layer of the image does: it takes something away.
second_layer='rm /etc/conf.d/a && mkdir /etc/conf.d/a && echo inner >/etc/conf.d/a/in &&
	rm -r /lib/deep && mkdir -p /lib/deep/new && echo two >/lib/deep/new/file &&
	chmod 0600 /etc/passwd && touch /var/log/build'

# make_context DIR: what an image is built of
make_context() {
	(
		mkdir -p "$1/rootfs" && cd "$1/rootfs" || exit
		mkdir -p bin etc/conf.d home/user lib/deep/er tmp var/log
		cp /bin/busybox bin
		for applet in sh ls cat mv rm ln mkdir chmod chown touch rmdir; do
			ln -s busybox "bin/$applet"
		done
		echo root:x:0:0::/:/bin/sh >etc/passwd
		echo a >etc/conf.d/a
		echo b >etc/conf.d/b
		echo deep >lib/deep/er/file
		echo gone >lib/gone
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
	) && printf '%s\n' 'FROM scratch' 'ADD rootfs.tar /' "RUN $(echo $second_layer)" \
		'CMD /bin/sh' >"$1/Containerfile"
}

# run_changes IMAGE [COMMANDS]: a container "one" that changes what the image has,
# after COMMANDS
run_changes() {
	podman run --name one $in_container "$1" sh -c "${2:+$2 && }"'
		echo run >>/etc/conf.d/b; rm -r /lib/gone /home/user; mkdir /home/user; echo x >/home/user/x;
		mv /var/log/build /var/log/built; chown 5:6 /bin/setuid; ln -sf x /tmp/link;
		rm -f /etc/conf.d/a/in; cat /lib/deep/new/file /lib/deep/only; :'
}
