# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the tests of the store: TAP, and images made by hand.
#
#	$work/			removed at the end
#		store/		LAYERCTL_ROOT
#		base/ more/	trees of layers
#		*.tar*		layers
#		out err		what the last command said

top=$(cd "$(dirname "$0")/../.." && pwd)
layerctl=${LAYERCTL:-$top/${B:-build}/bin/layerctl}

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP needs root: layers have devices and trusted xattrs"
	exit 0
fi
work=$(mktemp -d /var/tmp/layerfs-store-XXXXXX) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export LAYERCTL_ROOT=$work/store LC_ALL=C

nr=0
failed=0

# check NAME COMMAND...: one line of TAP
check() {
	local name=$1
	shift
	nr=$((nr + 1))
	if "$@" >check.log 2>&1; then
		echo "ok $nr - $name"
	else
		failed=$((failed + 1))
		echo "not ok $nr - $name"
		sed 's/^/# /' check.log
		[ ! -s err ] || sed 's/^/# stderr: /' err
	fi
}

finish() {
	echo "1..$nr"
	exit $((failed > 0))
}

# Keeps what it says in out and err, and its exit code in $status
lc() {
	"$layerctl" "$@" >out 2>err
	status=$?
}

says() { grep -qF -- "$1" out || { echo "no \"$1\" in: $(cat out)"; false; }; }
complains() { grep -qF -- "$1" err || { echo "no \"$1\" in: $(cat err)"; false; }; }
fails() { [ "$status" = "${1:-1}" ] || { echo "exit status $status"; false; }; }
works() { fails 0; }

# From JSON on standard input, what a perl expression finds in $j
json() { perl -MJSON::PP -0777 -e 'my $j = decode_json(<STDIN>); print '"$1"; }

sha() { sha256sum "$1" | cut -c1-64; }
size() { stat -c %s "$1"; }

pack() { tar --format=pax --numeric-owner --xattrs --xattrs-include='*' -S -C "$1" -cf "$2" .; }

plain() {
	case $1 in
	*.gz) zcat "$1" ;;
	*.zst) zstdcat "$1" ;;
	*) cat "$1" ;;
	esac
}

diff_id() { plain "$1" | sha256sum | cut -c1-64; }

# put_blob LAYOUT FILE: store a file under its digest, which it prints
put_blob() {
	local digest
	digest=$(sha "$2")
	mkdir -p "$1/blobs/sha256"
	cp "$2" "$1/blobs/sha256/$digest"
	echo "$digest"
}

# descriptor TYPE DIGEST SIZE [MORE]
descriptor() {
	printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d%s}' \
		"$1" "$2" "$3" "${4-}"
}

# make_config DIFF-ID...
make_config() {
	local ids
	ids=$(printf ',"sha256:%s"' "$@")
	printf '{"created":"2024-02-03T04:05:06.7Z","architecture":"%s","os":"linux",' "${arch:-amd64}"
	printf '"config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' "${ids#,}"
}

# add_manifest LAYOUT LAYER...: sets $manifest to its digest
add_manifest() {
	local layout=$1 layers= ids= layer config
	shift
	for layer; do
		layers=$layers,$(descriptor layer.v1.tar "$(put_blob "$layout" "$layer")" \
			"$(size "$layer")")
		ids="$ids $(diff_id "$layer")"
	done
	make_config $ids >config.tmp
	config=$(descriptor config.v1+json "$(put_blob "$layout" config.tmp)" "$(size config.tmp)")
	printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' "$config" "${layers#,}" >manifest.tmp
	manifest=$(put_blob "$layout" manifest.tmp)
}

# write_index LAYOUT DESCRIPTOR...
write_index() {
	local layout=$1 all
	shift
	all=$(printf ',%s' "$@")
	echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
	printf '{"schemaVersion":2,"manifests":[%s]}' "${all#,}" >"$layout/index.json"
}

ref_name() { printf ',"annotations":{"org.opencontainers.image.ref.name":"%s"}' "$1"; }

# make_oci LAYOUT REF LAYER...
make_oci() {
	local layout=$1 ref=$2
	shift 2
	add_manifest "$layout" "$@"
	write_index "$layout" "$(descriptor manifest.v1+json "$manifest" \
		"$(size "$layout/blobs/sha256/$manifest")" "$(ref_name "$ref")")"
}

# make_docker DIR NAME LAYER...: what `docker save` packs
make_docker() {
	local dir=$1 name=$2 ids= files= layer config
	shift 2
	mkdir -p "$dir"
	for layer; do
		ids="$ids $(diff_id "$layer")"
		plain "$layer" >"$dir/$(diff_id "$layer").tar"
		files=$files,\"$(diff_id "$layer").tar\"
	done
	make_config $ids >config.tmp
	config=$(sha config.tmp).json
	cp config.tmp "$dir/$config"
	printf '[{"Config":"%s","RepoTags":["%s"],"Layers":[%s]}]' "$config" "$name" \
		"${files#,}" >"$dir/manifest.json"
}

# A line for each file of a tree, with all that a layer must keep
tree_of() {
	(cd "$1" && find . -printf '%P|%y|%m|%U:%G|%T@|%l|%n\n' | sort &&
	 find . -type f -printf '%P|%s\n' | sort &&
	 find . -type f -print0 | sort -z | xargs -0r sha256sum &&
	 find . \( -type c -o -type b \) -print0 | sort -z | xargs -0r stat -c '%n %t:%T' &&
	 find . -print0 | sort -z | xargs -0r getfattr -h -d -m- -e hex --)
}

same_tree() { diff <(tree_of "$1") <(tree_of "$2"); }

layer_dir() { echo "$LAYERCTL_ROOT/layers/sha256/$(diff_id "$1")/fs"; }

# The store has nothing that counts, and nothing left over
is_empty() {
	[ -z "$(ls store/images store/layers/sha256 store/tmp | grep -v ':$')" ] ||
		{ find store; false; }
}

# Trees of two layers, with one of everything
make_trees() {
	mkdir -p base/usr/bin base/etc base/dev base/var/empty more/etc more/opt/new
	ln -s usr/bin base/bin
	echo '#!/bin/sh' >base/usr/bin/tool
	chown 12:34 base/usr/bin/tool
	chmod 6755 base/usr/bin/tool
	ln base/usr/bin/tool base/usr/bin/hard
	setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 \
		base/usr/bin/tool
	mkfifo -m 620 base/fifo
	mknod -m 666 base/dev/null c 1 3
	mknod -m 640 base/dev/disk b 8 1
	echo root >base/etc/passwd
	setfattr -n user.note -v kept base/etc/passwd base/etc
	printf 'umlaut' >"base/etc/$(printf 'gr\303\274n \377')"
	truncate -s 8M base/etc/sparse
	printf end >>base/etc/sparse
	chmod 1777 base/var/empty
	chown 7:8 base/var/empty
	touch -h -d '2001-02-03 04:05:06.789' base/bin base/usr/bin base/usr/bin/tool base/etc base
	echo new >more/opt/new/file
	touch more/etc/.wh.passwd more/opt/.wh..wh..opq
	pack base base.tar
	pack more more.tar
	gzip -nk base.tar
	zstd -q more.tar
}
