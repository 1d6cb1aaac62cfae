#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# layerctl import: damaged and hostile images leave the store as it was
. "$(dirname "$0")/store_fixture.sh"
make_trees

# refused NAME MESSAGE SOURCE [NAME]
refused() {
	local name=$1 message=$2
	shift 2
	lc import "$@"
	not_stored() { fails 1 && complains "$message" && is_empty; }
	check "$name" not_stored
}

# flip FILE OFFSET
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\$(printf %o $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

fresh() { rm -rf oci && make_oci oci v1 "$@"; }
blob_of() { echo "oci/blobs/sha256/$(sha "$1")"; }

fresh base.tar
flip "$(blob_of base.tar)" 5000
refused "a flipped byte in a plain layer" "is damaged: its digest is" oci
fresh base.tar.gz
flip "$(blob_of base.tar.gz)" 100
refused "a flipped byte in a gzip layer" "is damaged: its digest is" oci
fresh more.tar.zst
flip "$(blob_of more.tar.zst)" $(($(size more.tar.zst) - 1))
refused "a flipped byte at a zstd layer's end" "is damaged: its digest is" oci
fresh base.tar
truncate -s -512 "$(blob_of base.tar)"
refused "a layer cut short" "bytes instead of" oci
fresh base.tar
flip "oci/blobs/sha256/$manifest" 20
refused "a flipped byte in the manifest" "is damaged" oci
fresh base.tar
flip "$(blob_of config.tmp)" 20
refused "a flipped byte in the config" "is damaged" oci
fresh base.tar
rm "$(blob_of base.tar)"
refused "a missing layer" "No such file" oci
fresh base.tar
echo >>"$(blob_of config.tmp)"
refused "a config of another size" "bytes instead of" oci

diff_id_of_another() (
	diff_id() { echo 0000000000000000000000000000000000000000000000000000000000000000; }
	fresh base.tar.gz
)
diff_id_of_another
refused "a diff-id of another tar" "decompresses to another tar than the config says" oci
no_diff_id() (
	diff_id() { echo ../../../../etc; }
	fresh base.tar
)
no_diff_id
refused "a diff-id that is a path" "is no sha256" oci
fresh base.tar
sed -i 's,"digest":"sha256:[0-9a-f]*","digest":"sha256:../../../etc/passwd",' oci/index.json
refused "a digest that is a path" "is no sha256" oci
fresh base.tar
echo '{' >oci/index.json
refused "an index that is no JSON" "index.json is no valid JSON" oci
fresh base.tar
echo '{"schemaVersion":2,"manifests":[]}' >oci/index.json
refused "an index without images" "has no image for" oci
many() (
	diff_id() { for i in $(seq 501); do printf '%064d ' "$i"; done; }
	fresh base.tar
)
many
refused "more layers than can be stacked" "501 layers" oci
head -c 4096 /dev/urandom >noise
fresh noise
refused "a layer that is no tar" "the archive is damaged" oci

mkdir empty
refused "a directory that is no image" "neither index.json (OCI) nor manifest.json" empty
refused "a tar that is no image" "neither index.json (OCI) nor manifest.json" base.tar
refused "a file that is no tar" "as a tar archive" noise
refused "a source that is not there" "no file or directory nowhere" nowhere
fresh base.tar
refused "a directory as an archive" "oci-archive wants a file" oci-archive:oci
refused "a REF that is not there" 'no image "v9"' oci:oci:v9
refused "a name that is none" "is no image name" oci Upper:case
make_docker docker a:b base.tar
sed -i 's,"Config":"[^"]*","Config":"../secret",' docker/manifest.json
echo '{}' >secret
refused "docker's config outside the directory" "is not inside" docker
rm -rf docker && make_docker docker a:b base.tar
flip "docker/$(diff_id base.tar).tar" $(($(size base.tar) - 1))
refused "a flipped byte in docker's layer" "decompresses to another tar" docker

# Hostile layers: the entry and the layer are named
hostile() {
	rm -rf evil && mkdir evil && echo x >evil/x
	(cd evil && tar -P --transform "$1" -cf ../evil.tar x)
	fresh base.tar evil.tar
	lc import oci
}
hostile 's,x,../../../../../../escaped,'
named() { complains "layer 2/2" && complains 'entry "../../../../../../escaped"' && fails; }
check "an entry that climbs out is named and refused" named
check "no image is recorded" test -z "$("$layerctl" images -q)"
check "the layer before it is kept" same_tree base "$(layer_dir base.tar)"
check "tmp is clean" test -z "$(ls store/tmp)"
outside() { [ ! -e "$work/escaped" ] && [ ! -e /escaped ] && [ ! -e "$work/store/escaped" ]; }
check "nothing was written outside" outside
hostile "s,x,$work/escaped,"
absolute() { works && [ ! -e escaped ] && [ -e "$(layer_dir evil.tar)/$work/escaped" ]; }
check "an absolute name stays inside the layer" absolute

store_of_user() {
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$layerctl" --root /tmp/nobody-store-$$ import "$work/oci" >out 2>err
	status=$?
	fails && complains "only root"
}
chmod 755 "$work"
check "without root the reason is clear" store_of_user
finish
