# SPDX-License-Identifier: GPL-2.0-only
# What the demo's scripts share; sourced.

# Times in the images end here, so that the same packages give the same
# digests whenever the images are built (2025-01-01).
SOURCE_DATE_EPOCH=1735689600
export SOURCE_DATE_EPOCH LC_ALL=C

fail() {
	echo "demo: $*" >&2
	exit 1
}

# The same files in the same order make the same bytes.
plain_tar() {
	tar --format=pax --numeric-owner --xattrs \
		--pax-option='delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f' "$@"
}

# tree_hash DIR: one number for a tree, contents and all metadata. BLAKE2, as
# emulated processors are slow at SHA-2.
tree_hash() {
	plain_tar -C "$1" --sort=name --acls --xattrs-include='*' -cf - . |
		b2sum -l 256 | cut -d' ' -f1
}

# tree_manifest DIR: a line for each fact that makes a file differ from
# another: path, kind, mode, owner, links, time, size or target, device,
# content, xattrs. Directories have no time: it changes with what is in them.
tree_manifest() {
	(
		cd "$1" || exit
		find . -mindepth 1 \
			\( -type d -printf '%P\t%y %m %U:%G\n' \) -o \
			\( -type l -printf '%P\t%y %U:%G %T@ %l\n' \) -o \
			-printf '%P\t%y %m %U:%G %n %T@ %s\n'
		find . \( -type b -o -type c \) -exec stat --printf '%n\t%t:%T\n' {} + |
			cut -c3-
		find . -type f -printf '%P\0' | xargs -0r sha256sum -- |
			awk '{ print substr($0, 67) "\t" substr($0, 1, 64) }'
		getfattr -Rhd -m '^(security|system\.posix|trusted|user)\.?' -e hex . 2>/dev/null |
			awk '/^# file: / { path = substr($0, 9); next }
				/=/ { print path "\t" $0 }'
	) | sort
}
