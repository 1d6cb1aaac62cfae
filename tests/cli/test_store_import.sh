#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# layerctl import: what good images become in the store
. "$(dirname "$0")/store_fixture.sh"
make_trees

make_oci oci v1 base.tar.gz more.tar.zst
lc import oci:oci
check "an OCI layout is imported" works
check "progress names layer and size" complains "layer 1/2 sha256:$(diff_id base.tar | cut -c1-12)"
check "the layer is the tree that was packed" same_tree base "$(layer_dir base.tar)"
holes_kept() { [ "$(stat -c %b "$(layer_dir base.tar)/etc/sparse")" -lt 1024 ]; }
check "holes stay holes" holes_kept
whiteouts_made() {
	local dir
	dir=$(layer_dir more.tar)
	[ "$(stat -c '%F %t:%T' "$dir/etc/passwd")" = "character special file 0:0" ] &&
		[ "$(getfattr --only-values -n trusted.overlay.opaque "$dir/opt")" = y ] &&
		[ -z "$(find "$dir" -name '.wh.*')" ]
}
check "whiteout and opaque marks are overlayfs's" whiteouts_made
check "nothing is left in tmp" test -z "$(ls store/tmp)"

lc images --format json
image_row() {
	[ "$(json 'join " ", map { "$_->{repository} $_->{tag} $_->{layers} $_->{created}" } @$j' <out)" = \
		"oci v1 2 2024-02-03T04:05:06Z" ]
}
check "images has the name of the directory and the tag" image_row
lc images -q --no-trunc
check "the id is the config's digest" says "$(sha config.tmp)"
lc layers --format json
layer_sizes() {
	local inodes size
	inodes=$(find base | wc -l)
	size=$(find base -type f ! -name hard -printf '%s\n' | awk '{ n += $1 } END { print n }')
	[ "$(json 'join " ", map { $_->{size}.":".($_->{inodes}+1) } grep { $_->{digest} =~ /'"$(diff_id base.tar)"'/ } @$j' <out)" = "$size:$inodes" ]
}
check "size and inodes count each inode once" layer_sizes

lc import oci again:later
check "a known image is already here" complains ": already here"
check "and gets another name" works
lc images
both_names() { grep -q '^oci  *v1 ' out && grep -q '^again  *later ' out; }
check "images lists both names" both_names

mkdir third && echo 3 >third/file && pack third third.tar
make_oci oci2 v2 base.tar third.tar
lc import --format json oci2 shared
shared_json() {
	[ "$(json 'join " ", map { $_->{already_here} ? 1 : 0 } @{$j->{layers}}' <out)" = "1 0" ] &&
		[ "$(json '$j->{names}[0]' <out)" = shared:latest ]
}
check "an image that shares a layer says so" shared_json
lc layers --format json
users() { [ "$(json 'join " ", sort map { $_->{images} } @$j' <out)" = "1 1 2" ]; }
check "layers counts the images of each" users

archives_alike() {
	lc --root "$work/s.$1" import "$2" && works &&
		same_tree base "s.$1/layers/sha256/$(diff_id base.tar)/fs" &&
		"$layerctl" --root "$work/s.$1" images | grep -q "^$3 "
}
tar -C oci -cf oci-archive.tar .
make_docker docker registry.example:5000/some/name:tag base.tar.gz more.tar
tar -C docker -cf docker-archive.tar .
gzip -k docker-archive.tar
check "oci-archive" archives_alike 1 oci-archive:oci-archive.tar oci-archive
check "docker-archive" archives_alike 2 docker-archive:docker-archive.tar \
	"registry.example:5000/some/name  *tag"
check "an archive's kind is found out" archives_alike 3 docker-archive.tar \
	"registry.example:5000/some/name  *tag"
check "a compressed archive" archives_alike 4 docker-archive.tar.gz \
	"registry.example:5000/some/name  *tag"
check "REF of a docker-archive" archives_alike 5 \
	docker-archive:docker-archive.tar:registry.example:5000/some/name:tag \
	"registry.example:5000/some/name  *tag"
mkdir links && cp docker/* links/ && mkdir links/a links/b
mv links/"$(diff_id base.tar).tar" links/a/layer.tar
ln -s ../a/layer.tar links/b/layer.tar
sed -i "s,\"$(diff_id base.tar).tar\",\"b/layer.tar\"," links/manifest.json
tar -C links -cf links.tar .
check "a layer that is a symlink in the archive" archives_alike 6 links.tar \
	"registry.example:5000/some/name  *tag"

# Two platforms in a nested index, and an attestation beside them
mkdir amd arm && echo amd >amd/a && echo arm >arm/a && pack amd amd.tar && pack arm arm.tar
add_manifest multi amd.tar
for_amd=$(descriptor manifest.v1+json "$manifest" "$(size "multi/blobs/sha256/$manifest")" \
	',"platform":{"os":"linux","architecture":"amd64"}')
arch=arm64 add_manifest multi arm.tar
for_arm=$(descriptor manifest.v1+json "$manifest" "$(size "multi/blobs/sha256/$manifest")" \
	',"platform":{"os":"linux","architecture":"arm64","variant":"v8"}')
unknown=$(descriptor manifest.v1+json "$manifest" 1 \
	',"platform":{"os":"unknown","architecture":"unknown"}')
write_index multi "$unknown" "$for_arm" "$for_amd"
inner=$(put_blob multi multi/index.json)
write_index multi "$(descriptor index.v1+json "$inner" "$(size "multi/blobs/sha256/$inner")")"
lc import multi --platform linux/amd64
check "the platform is chosen in a nested index" test -d "$(layer_dir amd.tar)"
lc import multi multi:arm --platform linux/arm64/v8
check "--platform chooses another" test -d "$(layer_dir arm.tar)"
lc import multi --platform linux/s390x
check "a platform that is not there is an error" complains "no image for linux/s390x"
lc import multi --platform nonsense
check "nonsense for --platform is an error" complains 'platform "nonsense"'

add_manifest two amd.tar
one=$(descriptor manifest.v1+json "$manifest" "$(size "two/blobs/sha256/$manifest")" "$(ref_name one)")
add_manifest two arm.tar
write_index two "$one" "$(descriptor manifest.v1+json "$manifest" \
	"$(size "two/blobs/sha256/$manifest")" "$(ref_name other)")"
lc import two
check "of several images one must be named" complains "it has one other"
here=',"platform":{"os":"linux","architecture":"amd64"}'
write_index two "$one" "$(descriptor manifest.v1+json "$manifest" \
	"$(size "two/blobs/sha256/$manifest")" "$here$(ref_name other)")"
lc import --platform linux/amd64 two
check "a platform does not choose among images" complains "it has one other"
lc import oci:two:other picked
check "REF names one" test "$(sha config.tmp)" = "$("$layerctl" images -q --no-trunc | head -n 1)"

lc import oci picked
lc images
moved() { [ "$(grep -c '^picked ' out)" = 1 ] && grep -q '^-  *-  ' out; }
check "a name moves to the image imported last" moved

mkdir anew && touch anew/.wh..wh..opq anew/file && pack anew anew.tar
make_oci opaque v1 base.tar anew.tar third.tar
lc import opaque
stacked() {
	"${layerctl%/*}/mount.layerfs" --fake -v none / -o "image=opaque:v1,root=$work/store" >out &&
		says "2 layers, lowerdir=$(layer_dir third.tar):$(layer_dir anew.tar) "
}
check "what lies below an opaque root is not mounted" stacked

make_oci twice v1 base.tar third.tar base.tar
lc import --format json twice
lc images --format json
once() { [ "$(json 'join " ", map { $_->{layers} } grep { $_->{repository} eq "twice" } @$j' <out)" = 2 ]; }
check "a layer listed twice is stacked once" once
finish
