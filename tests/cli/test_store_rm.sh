#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# layerctl rm, crashes in the middle, and several at once
. "$(dirname "$0")/store_fixture.sh"
make_trees
make_oci a v1 base.tar.gz more.tar
mkdir third && echo 3 >third/file && pack third third.tar
make_oci b v1 base.tar.gz third.tar
id_of() { sha256sum <config.tmp | cut -c1-64; }

lc import a one:1 && lc import a two:2 && lc import b other
lc rm one:1
check "rm of one of two names takes the name away" says "untagged one:1"
check "and leaves the image" test "$("$layerctl" images -q | wc -l)" = 2
lc rm nothing
check "rm of an unknown image fails" complains 'no image "nothing"'
other=$(id_of)
mkdir -p store/containers/c1
printf '{"image":"sha256:%s"}' "$other" >store/containers/c1/config.json
lc rm other
busy() { fails && complains "container c1 stands on image ${other:0:12}"; }
check "rm of an image with a container is refused" busy
check "and nothing is gone" same_tree third "$(layer_dir third.tar)"
printf '{"image":"sha256:%s","image_name":"other","target":"/x"}' "$other" \
	>store/containers/c1/config.json
lc rm c1
pointed() { fails && complains "'layerctl umount --rm c1' removes it"; }
check "rm of a container says what removes it" pointed
rm -r store/containers
lc rm two:2
gone() { [ ! -e "$(dirname "$(layer_dir more.tar)")" ] && works; }
check "the layer of the image alone goes with it" gone
check "the shared layer stays" same_tree base "$(layer_dir base.tar)"
lc rm "${other:0:8}"
check "rm by the beginning of the id" works
check "nothing is left" is_empty

# SIGXFSZ kills in the middle of writing a file, and nothing cleans up.
mkdir big && echo before >big/a && head -c 4M /dev/zero >big/b && pack big big.tar
make_oci c v1 third.tar big.tar
(ulimit -c 0 -f 2048; exec "$layerctl" import c) >out 2>err
status=$?
check "an import is killed inside its second layer" fails 153
left() { [ -f "store/tmp/$(diff_id big.tar)/fs/b" ]; }
check "it left half a layer in tmp" left
check "no image is listed" test -z "$("$layerctl" images -q)"
lc layers --format json
only_third() { [ "$(json 'join " ", map { "$_->{digest} $_->{images}" } @$j' <out)" = "sha256:$(diff_id third.tar) 0" ]; }
check "the whole layer is, the half one is not" only_third
lc import a
check "the next import collects the leftover" test -z "$(ls store/tmp)"
lc import c
check "importing again works" works
check "and finds the first layer there" complains "layer 1/2 sha256:$(diff_id third.tar | cut -c1-12): already here"
check "the second is whole now" same_tree big "$(layer_dir big.tar)"

# A crash between the two records of a name that moves leaves it with both.
lc import b c:v1
cp -r store copy
perl -0777 -pi -e 's/"names":\[\s*\]/"names":["c:v1"]/' copy/images/*.json
lc --root "$work/copy" images --format json
one_c() { [ "$(json 'join " ", map { substr $_->{id}, 7 } grep { ($_->{repository} // "") eq "c" } @$j' <out)" = "$other" ]; }
check "of two records with one name the later one counts" one_c

# Three at once, two of them of the same image, into a new store
pids=
for source in a b a; do
	"$layerctl" --root "$work/busy" import $source >/dev/null 2>>busy.err &
	pids="$pids $!"
done
status=0
for pid in $pids; do wait "$pid" || status=$?; done
check "concurrent imports all work" works
lc --root "$work/busy" images -q
check "each image is there once" test "$(wc -l <out)" = 2
whole() {
	same_tree base "busy/layers/sha256/$(diff_id base.tar)/fs" &&
		same_tree third "busy/layers/sha256/$(diff_id third.tar)/fs" &&
		[ -z "$(ls busy/tmp)" ] && [ "$(ls busy/layers/sha256 | wc -l)" = 3 ]
}
check "each layer is there once, and whole" whole

# A removal waits for an import that has the store
exec 9<>store/lock
flock -s 9
mkfifo said
"$layerctl" rm a:v1 >out 2>said 9>&- &
pid=$!
exec 8<said
read -ru 8 said
waits() { [[ $said == *"waiting for an import"* ]] && kill -0 $pid; }
check "rm waits while an import runs" waits
exec 9>&-
wait $pid
status=$?
check "and goes on after it" works
finish
