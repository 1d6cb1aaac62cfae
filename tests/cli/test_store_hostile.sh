#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# layerctl import: every archive of tests/unit/hostile_table.h as a layer, and
# every image of tests/cli/hostile-images. After each: the exit status and the
# reason, no byte that a terminal would obey, nothing changed outside the
# store, and of what was refused nothing in the store.
. "$(dirname "$0")/store_fixture.sh"

archives=$top/${B:-build}/tests/unit/test_unpack_hostile
mkdir outside outside/inner layers layer-images images
echo secret >outside/secret
echo program >outside/program
ln -s secret outside/link
chmod 600 outside/secret
setfattr -n user.canary -v v outside/secret outside/program

canary() {
	find outside -printf '%p %y %i %m %n %U:%G %s %T@ %C@ %l\n'
	sha256sum outside/secret outside/program
	getfattr -R -d -m- -e hex -h outside
}
canary >before

outside_is_untouched() { canary | diff before - && [ ! -e "$work/evil" ] && [ ! -e /outside ]; }
# The layer below the hostile one is stored before, and is honest
only_whole_layers() {
	[ -z "$(ls store/images store/tmp | grep -v ':$')" ] || { find store; return 1; }
	[ "$(ls store/layers/sha256 | wc -l)" -le 1 ] || { ls store/layers/sha256; return 1; }
}
is_plain_text() { ! LC_ALL=C grep -q '[^[:print:][:space:]]' out err; }

refused_for() {
	fails 1 && complains "$1" && is_plain_text && outside_is_untouched && only_whole_layers
}
imported() {
	works && is_plain_text && outside_is_untouched && [ -z "$(ls store/tmp)" ] &&
		[ "$(ls store/images | wc -l)" = 1 ] &&
		"$layerctl" rm "$("$layerctl" images -q --no-trunc)" >/dev/null &&
		"$layerctl" gc >/dev/null &&
		[ -z "$(ls store/images store/layers/sha256 | grep -v ':$')" ]
}

# attempt_all TABLE
attempt_all() {
	local image what reason options
	while IFS=$'\t' read -r image what reason options; do
		lc import $options "$image"
		if [ "$reason" != - ]; then
			check "refused: $what" refused_for "$reason"
		else
			check "harmless: $what" imported
		fi
		rm -rf --one-file-system "$image" "$image.blobs"
	done <"$1"
}

if [ -x "$archives" ]; then
	"$archives" --dump "$work/layers" "$work/outside" |
		"$top/tests/cli/hostile-images" layer-images layers >table
	check "there are archives" test "$(wc -l <table)" -gt 100
	attempt_all table
else
	check "$archives is built" false
fi
"$top/tests/cli/hostile-images" images >table
check "there are images" test "$(wc -l <table)" -gt 50
attempt_all table

for size in 0 -1 1X 1GB G 99999999999999999999 999999999T ''; do
	lc import --max-size "$size" images
	check "no size: \"$size\"" fails 2
done

# A filesystem of its own, which the import must not fill: fills SIZE INODES
fills() {
	unshare -m sh -c 'mount -t tmpfs -o size=$1,nr_inodes=$2 none small &&
		"$3" --root "$PWD/small/store" import filler; status=$?
		find small/store/layers/sha256 small/store/tmp -mindepth 1; exit $status' \
		fills "$1" "$2" "$layerctl" >out 2>err
	status=$?
	fails 1 && complains "it fills the disk" && [ ! -s out ]
}
if unshare -m mount -t tmpfs none outside 2>/dev/null; then
	mkdir small many && head -c 40M /dev/zero >many/zeros
	(cd many && seq -f inode%g 3000 | xargs touch)
	pack many many.tar && gzip many.tar && make_oci filler v1 many.tar.gz
	check "a small blob does not fill the disk" fills 20m 100000
	check "nor use up its inodes" fills 100m 2000
fi
finish
