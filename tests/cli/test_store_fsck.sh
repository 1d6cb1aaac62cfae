#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# layerctl fsck: each kind of damage is found and named, and an import heals it
. "$(dirname "$0")/store_fixture.sh"
make_trees
mkfifo more/opt/pipe
ln more/opt/new/file more/opt/new/twin
mkdir more/opt/sub && echo x >more/opt/sub/a && echo y >more/opt/sub/b
pack more more.tar
make_oci oci v1 base.tar.gz more.tar
lc import oci:oci

lc fsck
check "a new store is clean" says "1 images, 2 layers, "
clean() { works && says "no damage"; }
check "and fsck's exit status says so" clean
lc --root "$work/none" fsck
check "a store that does not exist is clean" clean
lc fsck nothing
check "an image that is not there is an error" complains 'no image "nothing"'

more=$(layer_dir more.tar) base=$(layer_dir base.tar)
record=$(echo store/images/*.json)

# damage NAME EXPECTED: the last change is found as EXPECTED, and nothing else.
damage() {
	lc fsck
	check "$1" only "$2"
}
only() {
	fails && says "$1" && [ "$(grep -cE '^(layer|image|store|container) ' out)" = 1 ]
}
# change NAME EXPECTED COMMAND...: in a copy of the store, so that each is alone.
change() {
	local name=$1 expected=$2
	shift 2
	rm -rf store && cp -a saved store
	"$@" || echo "not ok - cannot make the damage: $*"
	damage "$name" "$expected"
}
cp -a store saved

rewrite() {
	touch -r "$1" stamp
	printf %s "$2" | dd of="$1" conv=notrunc status=none
	touch -r stamp "$1"
}
chmod_back() {
	touch -r "$1" stamp
	chmod "$2" "$1"
}
# The parent's time would be found, too.
in_dir() {
	local dir=$1
	shift
	touch -r "$dir" stamp
	"$@"
	touch -r stamp "$dir"
}

change "one byte of a file" "./opt/new/file  " rewrite "$more/opt/new/file" N
check "is named as content" says "its content is not what it was"
change "a byte in a hole" "./etc/sparse" rewrite "$base/etc/sparse" 1
change "a longer file" "size is 7 instead of 5" in_dir "$base/etc" bash -c \
	'touch -r "$1" stamp2; echo longer >"$1"; touch -r stamp2 "$1"' - "$base/etc/passwd"
change "a mode" "mode is 0777 instead of 6755" chmod 777 "$base/usr/bin/tool"
change "an owner" "uid is 99 instead of 0" chown 99 "$more/opt/new"
change "a group" "gid is 99 instead of 8" chgrp 99 "$base/var/empty"
change "a time" "time is " touch -h -d @5 "$base/bin"
change "a symlink's target" "link is usr/sbin instead of usr/bin" in_dir "$base" bash -c \
	'touch -h -r "$1" stamp2; ln -sfn usr/sbin "$1"; touch -h -r stamp2 "$1"' - "$base/bin"
change "an xattr" "xattr.user.note is not what it was" \
	setfattr -n user.note -v else "$base/etc/passwd"
change "an xattr that is gone" "xattr.user.note is gone" setfattr -x user.note "$base/etc/passwd"
change "an xattr too much" "xattr.trusted.overlay.redirect was not there" \
	setfattr -n trusted.overlay.redirect -v /etc "$more/opt/new"
change "an opaque mark that is gone" "xattr.trusted.overlay.opaque is gone" \
	setfattr -x trusted.overlay.opaque "$more/opt"
change "a device's number" "device is linux,1,5 instead of linux,1,3" in_dir "$base/dev" bash -c \
	'touch -r "$1" stamp2; rm "$1"; mknod -m 666 "$1" c 1 5; touch -r stamp2 "$1"' - "$base/dev/null"
change "a whiteout that is gone" "./etc/passwd" in_dir "$more/etc" rm "$more/etc/passwd"
check "is missing" says "is missing"
change "a directory that is gone is named once" "./opt/sub " in_dir "$more/opt" rm -r "$more/opt/sub"
change "a file too much" "./opt/alien" in_dir "$more/opt" bash -c '>"$1"' - "$more/opt/alien"
check "is no part of the layer" says "is no part of the layer"
change "a directory too much is named once" "./opt/zoo " in_dir "$more/opt" \
	bash -c 'mkdir -p "$1/a/b" && >"$1/a/c"' - "$more/opt/zoo"
change "a hard link that became a copy" "./opt/new/twin" in_dir "$more/opt/new" bash -c \
	'cp -a "$1" "$1.copy" && mv "$1.copy" "$1"' - "$more/opt/new/twin"
check "is named as such" says "hardlink was ./opt/new/file"
change "a name that has to be spelled" './etc/gr\303\274n\040\377' \
	chmod 600 "$base/etc/$(printf 'gr\303\274n \377')"
change "another type" "type is file instead of fifo" in_dir "$more/opt" bash -c \
	'rm "$1"; >"$1"' - "$more/opt/pipe"
change "a list of files that is damaged" "the files are not" \
	sed -i '$s/0/1/' "$(dirname "$more")/tree"
both() { rewrite "$more/opt/new/file" N; sed -i '$s/0/1/' "$(dirname "$more")/tree"; }
change "both" "files are damaged, and the list" both
change "a wrong size in info.json" "inodes of 5 bytes, there are" sed -i 's/"size":[0-9]*/"size":5/' \
	"$(dirname "$more")/info.json"
change "an info.json that is no JSON" "cannot be read" \
	truncate -s 20 "$(dirname "$more")/info.json"
change "a layer that is gone" "the store does not have it" rm -r "$(dirname "$more")"
change "a layer that others can enter" "others than root" chmod 755 "$(dirname "$more")"
change "a directory that others can enter" "layers/sha256" chmod 755 store/layers/sha256
change "a record that is no JSON" "cannot use the record" truncate -s 50 "$record"
change "a config with one letter changed" "its config is damaged" \
	sed -i 's/amd64/amd65/' "$record"
no_layers() { perl -0777 -pi -e 's/("layers":\[\s*"[^"]*"),\s*"[^"]*"/$1/' "$record"; }
change "a record that lost a layer" "has other layers than its config" no_layers
orphan() {
	mkdir -m 700 store/containers store/containers/c1
	printf '{"image":"sha256:%064d","image_name":"x","target":"/x"}' 0 >store/containers/c1/config.json
}
change "a container on no image" "which the store does not have" orphan

change "one image of two" "./opt/new/file" rewrite "$more/opt/new/file" N
mkdir third && echo 3 >third/file && pack third third.tar
make_oci other v1 base.tar third.tar
lc import other good
lc fsck good
check "fsck of the other finds nothing" clean
lc fsck oci:v1 good --format json
statuses() {
	fails && [ "$(json 'join " ", sort map { "$_->{name}=$_->{status}" } @{$j->{images}}' <out)" = \
		"good:latest=ok oci:v1=damaged" ]
}
check "JSON has a status for each" statuses
json_problem() {
	[ "$(json 'join " ", map { "$_->{object} $_->{id} $_->{path}" } @{$j->{problems}}' <out)" = \
		"layer sha256:$(diff_id more.tar) ./opt/new/file" ]
}
check "and names layer and path" json_problem

# Healing
lc import oci:oci
check "an import alone trusts the layer" complains "already here"
lc fsck --repair
check "--repair tells what it found" fails
lc fsck
check "the layer counts as lost then" says "what was recorded about it cannot be read"
lc images
check "images are listed" says "good"
lc import oci:oci
check "an import brings it anew" works
lc fsck
check "and it is clean" clean
check "with the files that it had" test "$(cat "$more/opt/new/file")" = new
check "nothing is left over" test -z "$(ls store/tmp)"
rm -rf store && cp -a saved store
truncate -s 20 "$(dirname "$base")/info.json"
lc import oci:oci
healed() { "$layerctl" fsck >out 2>err; status=$?; clean; }
check "an unreadable info.json heals by an import alone" healed
rm -rf "$base"
lc import oci:oci
check "so do files that are gone" healed
truncate -s 50 "$record"
lc images
check "a bad record keeps the images from being listed" complains "cannot use the record"
lc gc
check "and gc from removing anything" complains "cannot use the record"
check "layers are all there" test "$(ls store/layers/sha256 | wc -l)" = 2
lc fsck --repair
lc import oci:oci
check "after a repair the import works" healed
chmod 755 store/images
lc fsck --repair
check "--repair closes directories" test "$(stat -c %a store/images)" = 700
check "which is all there was" healed

# A layer from before there were lists of files
perl -pi -e 's/^\s*"tree_digest.*\n//' "$(dirname "$base")/info.json"
rm "$(dirname "$base")/tree"
lc fsck
check "a layer without a list is no damage" clean
check "but is told" complains "1 layers were imported by a version that did not record their files"

mkdir deep && (cd deep && for ((i = 0; i < 400; i++)); do mkdir d && cd d; done; echo end >f) && pack deep deep.tar
make_oci deep.oci v1 deep.tar
(ulimit -n 100; exec "$layerctl" --root "$work/deep.store" import deep.oci) >out 2>err
status=$?
check "a deep tree is imported with few descriptors" works
(ulimit -n 100; exec "$layerctl" --root "$work/deep.store" fsck) >out 2>err
status=$?
check "and checked" clean
finish
