#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# layerctl gc: leftovers go, and nothing else
. "$(dirname "$0")/store_fixture.sh"
make_trees
mkdir third && echo 3 >third/file && pack third third.tar
make_oci a v1 base.tar.gz more.tar
make_oci b v1 base.tar.gz third.tar

lc gc
check "a store that does not exist has none" says "0 B in all"
check "and is not made" test ! -e store
lc import a
lc import b
find store | sort >before
lc gc
check "a store in order has none" says "0 B in all"
lc gc --format json
check "in JSON it is an empty list" test "$(json 'scalar @$j' <out)" = 0

# What a killed removal leaves: the record is gone, the layers are not.
rm "$(grep -l '"a:v1"' store/images/*.json)"
# What killed imports leave
mkdir -p store/tmp/dead/fs && head -c 1000 /dev/zero >store/tmp/dead/fs/file
echo half >store/tmp/"$(printf %064d 1)".json
mkdir store/tmp/alive
exec 9<store/tmp/alive
flock -x 9
find store | sort >dirty
lc gc --dry-run --format json
rows() {
	[ "$(json 'join " ", sort map { "$_->{kind}:".($_->{removed} ? 1 : 0).":$_->{size}" } @$j' <out)" = \
		"layer:0:$(du_of more) temporary:0:1000 temporary:0:5" ]
}
du_of() { find "$1" -type f ! -name '.wh.*' -printf '%s\n' | awk '{ n += $1 } END { print n }'; }
check "--dry-run lists them" rows
find store | sort >now
check "and removes nothing" diff dirty now
lc gc
check "gc removes the layer" says "removed layer $(diff_id more.tar | cut -c1-12)"
exec 9<&-
rmdir store/tmp/alive
{ find store | sort; } >now
left() {
	[ -d "$(layer_dir base.tar)" ] && [ -d "$(layer_dir third.tar)" ] &&
		[ ! -e "$(layer_dir more.tar)" ] && [ -z "$(ls store/tmp)" ]
}
check "the rest stays" left
grep -q tmp/alive now
lc fsck
check "and is whole" works
lc gc -q
check "a second time there is nothing" test ! -s out

# Containers: only those that have nothing
image=$(echo store/images/*.json)
image=$(basename "$image" .json)
container() {
	mkdir -p -m 700 "store/containers/$1"
	printf '{"image":"sha256:%s","image_name":"b","target":"/nowhere","created":"2024-01-01T00:00:00Z"}' \
		"$image" >"store/containers/$1/config.json"
}
container data && mkdir store/containers/data/upper store/containers/data/work
echo mine >store/containers/data/upper/file
touch store/containers/data/new
container emptied && mkdir store/containers/emptied/upper store/containers/emptied/work
container unborn && mkdir store/containers/unborn/upper store/containers/unborn/work
touch store/containers/unborn/new store/containers/unborn/.config.json
container readonly
container broken && echo '{' >store/containers/broken/config.json
container busy
exec 9<store/containers/busy
flock -x 9
lc gc --format json
gone() {
	[ "$(json 'join " ", sort map { "$_->{kind}:$_->{name}" } @$j' <out)" = \
		"container:readonly container:unborn" ]
}
check "containers without anything go" gone
exec 9<&-
stay() { [ "$(echo $(ls store/containers))" = "broken busy data emptied" ] && [ "$(cat store/containers/data/upper/file)" = mine ]; }
check "those with an upper stay" stay
check "and nothing is left in tmp" test -z "$(ls store/tmp)"
rm -r store/containers

# A layer that somebody mounts by its path, here an overlayfs or a bind mount
lc import a
mkdir mnt
dir=$(layer_dir more.tar)
cat >mounted.sh <<'SH'
layerctl=$1 dir=$2
shift 2
"$@" || exit 9
"$layerctl" rm a:v1 >out 2>err
echo $? >rm.status
rm "$(grep -l '"a:v1"' store/images/*.json)"
"$layerctl" gc >gc.out 2>gc.err
echo $? >gc.status
SH
stays() { [ "$(cat rm.status)" = 1 ] && [ -d "$dir" ]; }
kept() { [ "$(cat gc.status)" = 0 ] && grep -q "kept layer $(diff_id more.tar | cut -c1-12): it is mounted on $work/mnt" gc.out; }
for kind in bind overlay; do
	lc import a
	case $kind in
	bind) set -- mount --bind "$dir/opt" mnt ;;
	overlay) set -- mount -t overlay -o "lowerdir=$dir:$(layer_dir base.tar)" none mnt ;;
	esac
	unshare -m bash mounted.sh "$layerctl" "$dir" "$@"
	if [ $? = 9 ]; then
		nr=$((nr + 2))
		printf 'ok %d - %s # SKIP cannot mount\n' $((nr - 1)) $kind $nr $kind
		continue
	fi
	check "rm refuses a layer under a mount: $kind" stays
	check "gc keeps it: $kind" kept
done
lc gc
check "without the mount it goes" test ! -e "$dir"

# Imports at the same time: what they have stored but not recorded stays.
lc rm b:v1
pids=
for source in a b a b; do
	"$layerctl" import $source >/dev/null 2>>busy.err &
	pids="$pids $!"
done
for i in 1 2 3 4 5 6; do
	"$layerctl" gc >/dev/null 2>>busy.err &
	pids="$pids $!"
done
status=0
for pid in $pids; do wait "$pid" || status=$?; done
check "imports and collections at the same time all work" works
lc fsck
check "and leave a whole store" says "2 images, 3 layers"
check "without damage" works
finish
