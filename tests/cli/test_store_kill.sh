#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# layerctl import, rm and gc killed before each system call that changes
# something: the store is whole each time, and nothing needs a hand.
#
#	LFS_KILL_STEP=N		try every Nth point only (default: 5; `make
#				store-kill` says 1)
. "$(dirname "$0")/store_fixture.sh"
killat=${KILLAT:-$top/${B:-build}/tests/cli/killat}
step=${LFS_KILL_STEP:-5}
points=0
skipped=
[ "$step" = 1 ] || skipped=", in steps of $step"

# What a layer can have, few of each: every call is a point.
mkdir -p base/dir more/dir
echo 1 >base/dir/file && ln base/dir/file base/dir/twin && ln -s file base/dir/link
chown 3:4 base/dir/file
setfattr -n user.note -v kept base/dir
mknod base/null c 1 3
touch more/dir/.wh.twin more/.wh.null && echo 2 >more/dir/file
pack base base.tar && pack more more.tar
mkdir third && echo 3 >third/file && pack third third.tar
make_oci a v1 base.tar more.tar
make_oci b v1 base.tar third.tar

# What is listed
list() { "$layerctl" images --no-trunc --format json | json \
	'join "\n", sort map { ($_->{repository} // "-").":".($_->{tag} // "-")." $_->{id}" } @$j'; }
# Each file of the store, but for what an empty one may have or not
shape() { (cd store 2>/dev/null && find . -mindepth 1 ! -path ./lock ! -path ./layers \
	! -path ./layers/sha256 ! -path ./images ! -path ./tmp ! -path ./containers \
	-printf '%P %y %m %U:%G %n %l\n' | sort); }
set_up() { rm -rf store && cp -a before store; }

problem() { echo "point $n of $count: $*"; return 1; }

# Whole: what is listed is so, and it is what was or what shall be.
is_whole() {
	"$layerctl" fsck >out 2>err || problem "fsck: $(cat out err)" || return
	now=$(list) || problem "images: $now" || return
	[ "$now" = "$list_before" ] || [ "$now" = "$list_after" ] || problem "listed: $now"
}

# gc, here and there killed as well, leaves what is listed and nothing else.
is_collected() {
	[ $((n % 3)) != 0 ] || "$killat" $((1 + n % 7)) "$layerctl" gc >/dev/null 2>&1
	"$layerctl" gc >out 2>err || problem "gc: $(cat err)" || return
	if [ "$now" = "$list_after" ]; then
		[ "$(shape)" = "$shape_after" ]
	else
		[ "$(shape)" = "$shape_clean" ]
	fi || problem "gc left $(shape)"
}

# The same again goes well, but for the removal of what is gone already.
is_repeated() {
	local was=$now
	"$layerctl" "$@" >out 2>err || [[ $1 = rm && $was = "$list_after" ]] ||
		problem "again: $(cat err)" || return
	is_whole || return
	[ "$now" = "$list_after" ] || problem "again, and listed: $now" || return
	[ "$1" != import ] || [ -z "$(ls store/tmp)" ] || problem "again, and in tmp: $(ls store/tmp)" ||
		return
	is_collected
}

one_point() {
	set_up
	"$killat" "$n" "$layerctl" "$@" >out 2>err
	[ $? = 137 ] || problem "it was not killed: $(cat err)" || return
	is_whole || return
	# What gc has cleaned is easy to repeat upon: half of the points go without.
	[ $((n / step % 2)) = 0 ] || is_collected || return
	is_repeated "$@"
}

all_points() {
	for ((n = 1 + offset % step; n <= count; n += step)); do
		one_point "$@" || return
		points=$((points + 1))
	done
}

# sweep NAME COMMAND...: on copies of the store as it is now
offset=0
sweep() {
	local name=$1
	shift
	rm -rf before && mkdir -p store && cp -a store before
	list_before=$(list)
	count=$("$killat" 0 "$layerctl" "$@" 2>&1 >/dev/null | tail -n 1)
	list_after=$(list)
	shape_after=$(shape)
	set_up
	"$layerctl" gc >/dev/null 2>&1
	shape_clean=$(shape)
	check "$name: killed at each of $count calls${skipped}" all_points "$@"
	offset=$((offset + 1))
	set_up
	"$layerctl" "$@" >/dev/null 2>&1
}

sweep "import into a new store" import a one
sweep "import of what shares a layer" import b two
sweep "import of a known image with one more name" import a again
sweep "import that takes a name from another image" import b again
sweep "import of what is all there" import b two
lc import a again
sweep "rm of one of two names" rm again
sweep "rm of an image that shares a layer" rm one
sweep "rm of the last image" rm two
check "the store is empty now" is_empty

# All that gc collects
lc import a one && lc import b two
rm "$(grep -l '"one:latest"' store/images/*.json)"
mkdir -p store/tmp/dead/fs && echo half >store/tmp/dead/fs/file && echo half >store/tmp/x.json
id=$(basename store/images/*.json .json)
for name in unborn readonly data; do
	mkdir -p -m 700 store/containers/$name && chmod 700 store/containers
	printf '{"image":"sha256:%s","image_name":"two","target":"/x"}' "$id" \
		>store/containers/$name/config.json
done
mkdir store/containers/{unborn,data}/{upper,work}
touch store/containers/unborn/{new,.config.json} store/containers/data/{new,upper/file}
sweep "gc" gc
check "gc has left what a container wrote" test -f store/containers/data/upper/file
rm -r store/containers

# A layer that fsck gave up, replaced by an import. Until then it is damaged.
rm "store/layers/sha256/$(diff_id base.tar)/info.json"
rm -rf before && cp -a store before
heals() {
	for ((n = 1; n <= count; n += step)); do
		set_up
		"$killat" "$n" "$layerctl" import b two >out 2>err
		list >/dev/null || problem "images" || return
		lc import b two && works || problem "again: $(cat err)" || return
		"$layerctl" fsck >out 2>err || problem "fsck: $(cat out err)" || return
		[ -z "$(ls store/tmp)" ] || problem "in tmp: $(ls store/tmp)" || return
		points=$((points + 1))
	done
}
count=$("$killat" 0 "$layerctl" import b two 2>&1 >/dev/null | tail -n 1)
check "import in the place of a damaged layer: killed at each of $count calls$skipped" heals
echo "# killed at $points points"
finish
