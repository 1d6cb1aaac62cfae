# SPDX-License-Identifier: GPL-2.0-only
# All that there is to say about a tree, but for what a mount makes up: st_ino, st_dev,
# st_nlink and the size of directories.
listing() {
	(
		cd "$1" || exit
		find . -type d -printf '%p %y %m %U %G %T@\n' \
			-o -printf '%p %y %m %U %G %s %n %T@ %l\n' | sort
		find . -type f -exec sha256sum {} + | sort -k 2
		find . ! -type l -exec getfattr -h -d -m - {} + | LC_ALL=C sort
	)
}
