#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A user without any right mounts layers of his own in a user namespace, and works there as
# people do: tar, make and gcc, git, mv, rm, ln.  In the guest: make guest-tools
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -d "${LFS_SCRATCH-}" ]; then
	echo "guest_user_build: to be run by tests/vm/run" >&2
	exit 2
fi
modprobe overlay
scratch=$LFS_SCRATCH/user
user=1000
# The path of the repository may be closed to him.
mkdir -p "$scratch/bin" "$scratch/work" "$scratch/upper" "$scratch/mnt" "$scratch/plain"
cp "$bin/mount.layerfs" "$scratch/bin"
cp "$here/listing.sh" "$scratch"
cd "$scratch" || exit 2

# Two layers, and what they show; the upper one replaces a file and adds one.
mkdir -p l2/project l2/lib/sub l2/doc l2/data l1/lib l1/project source/src
for i in 1 2 3 4 5 6; do
	echo "int f$i(int x) { return x + $i; }" >source/src/f$i.c
	echo "int g$i(int x) { return x * $i; }" >l2/project/g$i.c
	echo "line $i" >l2/doc/page$i
	echo "lower $i" >l2/lib/sub/n$i
	head -c $((i * 10000)) /dev/urandom >l2/data/d$i
done
cat >source/src/Makefile <<'MAKEFILE'
OBJS := f1.o f2.o f3.o f4.o f5.o f6.o
libf.a: $(OBJS)
	$(AR) rcs $@ $^
MAKEFILE
sed 's/f\([1-6]\)\.o/g\1.o/g; s/libf/libg/' source/src/Makefile >l2/project/Makefile
echo upper >l1/lib/own
echo "int g1(void) { return 0; }" >l1/project/g1.c
setfattr -n user.note -v kept l2/data/d1
chmod 0640 l2/doc/page1
touch -d 2001-02-03T04:05:06.789 l2/doc/page* l2/data/d*
tar -C source -cf source.tar src
cp -a l2/. plain
cp -a l1/. plain
chown -R $user:$user .

# steps STEP DIR: what he does, as the root of his namespace
cat >steps <<'STEPS'
. ./listing.sh
PATH=$PWD/bin:$PATH
export HOME=/nonexistent GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_AUTHOR_DATE='1000000000 +0000'
export GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
export GIT_COMMITTER_DATE='1000000000 +0000'
stack=lowerdir=l1:l2,upperdir=upper,workdir=work,userxattr

build() {
	cd "$1"
	tar -xf ../source.tar
	make -s -C src
	make -C src | grep -q 'up to date'
	make -s -C project
	touch project/g2.c
	make -C project | grep -c '^cc' | grep -qx 1
	rm project/*.o
	cd project
	git init -q -b main .
	git add .
	git commit -q -m one
	git mv g3.c h3.c
	git rm -q g4.c
	echo '/* more */' >>g5.c
	git commit -q -a -m two
	git checkout -q -b side HEAD~
	echo side >side
	git add side
	git commit -q -m three
	git merge -q -m merge main
	git fsck --strict
	[ -z "$(git status --porcelain)" ]
	cd ..
	# directories of the layers, and one of his own
	mv lib moved
	mkdir own own/deep
	echo own >own/deep/f
	mv own moved/sub/theirs
	rm -r doc
	mkdir doc
	echo new >doc/page1
	rm data/d2
	mv data/d3 doc/d3
	ln data/d4 hard
	ln hard harder
	ln src/libf.a linked
	echo changed >>harder
	ln -s data/d4 link
	chmod 0600 data/d1
	setfattr -n user.more -v added data/d1
	mkfifo pipe
	chmod 4755 data/d5
	cp -a src copy
	find copy -name '*.o' -exec rm {} +
	cd ..
}

case $1 in
build)
	build "$2" ;;
layerfs-build)
	mount.layerfs none mnt -o "$stack"
	build mnt
	listing mnt
	umount mnt ;;
layerfs)
	mount.layerfs none mnt -o "$stack"
	listing mnt
	echo again >>mnt/doc/again ;;
overlay)
	mount -t overlay none mnt -o "$stack"
	listing mnt
	rm mnt/doc/again ;;
esac
STEPS
powerless() {
	setpriv --reuid $user --regid $user --clear-groups --inh-caps=-all --bounding-set=-all "$@"
}
as_user() { powerless unshare -U -r -m --propagation private sh -eu ./steps "$@"; }

run powerless grep Cap /proc/self/status
check "he has no right but his own" sh -c '[ -n "$1" ] && ! echo "$1" | grep -v "[[:space:]]0\{16\}$"' sh "$out"
run as_user build plain
check "the build, on ext4" [ "$status" = 0 ]
run as_user layerfs-build
check "the build, in a container" [ "$status" = 0 ]
cp "$tmp/out" built
check "a tree worth looking at" [ "$(wc -l <built)" -gt 100 ]

# From outside: who owns what, and which marks there are.
check "all that was made is his" [ -z "$(find upper ! -uid $user -o ! -gid $user)" ]
check "what was removed is hidden" [ -c upper/data/d2 ]
check "and what was moved" [ -c upper/lib ]
check "what was made in its place hides what was there" \
	[ "$(getfattr --only-values -n user.overlay.opaque upper/doc)" = y ]
check "no mark that is root's" [ -z "$(getfattr -Rh -d -m trusted upper)" ]
check "nothing is left of the work" [ -z "$(ls work/work)" ]
check "the layers are as they were" [ "$(find l1 l2 -newer source.tar -type f)" = "" ]

run as_user layerfs
check "mounted again" diff built "$tmp/out"
run as_user overlay
grep -v ' ./doc/again\|^\./doc/again\|^\./doc d' "$tmp/out" >by-overlayfs
grep -v '^\./doc d' built >without
check "by overlayfs, the same" diff without by-overlayfs
run as_user layerfs
check "and by layerfs what overlayfs has left" [ "$status" = 0 ]
# Times are of today, and so is what git knows of them.
mkdir -p seen
run mount.layerfs none seen -o lowerdir=upper:l1:l2,userxattr
check "what is in it is what the build made on ext4" \
	diff -r --no-dereference --exclude index --exclude again --exclude pipe plain seen
umount seen

cd /
rm -rf "$scratch"
plan
