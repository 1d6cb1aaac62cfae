// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
/* The upper, looked at without layerfs: only what the format knows is in it. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <linux/layerfs_ondisk.h>

#include "verify.h"

static char found[512];

static bool xattr_known(const char *name)
{
	static const char * const known[] = {
		LAYERFS_XATTR_PREFIX LAYERFS_XATTR_OPAQUE,
		LAYERFS_XATTR_PREFIX LAYERFS_XATTR_REDIRECT,
		LAYERFS_XATTR_PREFIX LAYERFS_XATTR_IMPURE,
		LAYERFS_XATTR_PREFIX LAYERFS_XATTR_ORIGIN,
	};
	unsigned int i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcmp(name, known[i]))
			return true;
	}
	for (i = 0; i < NR_XATTRS; i++) {
		if (!strcmp(name, xattr_names[i]))
			return true;
	}
	return false;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char names[1024];
	ssize_t len;
	const char *name;

	if (type == FTW_NS || type == FTW_DNR) {
		snprintf(found, sizeof(found), "%.400s: %s", path, strerror(errno));
		return 1;
	}
	if (path[ftw->base] == '#') {
		snprintf(found, sizeof(found), "%.400s: a temporary in the upper", path);
		return 1;
	}
	if (S_ISCHR(st->st_mode) && st->st_rdev != makedev(0, 0)) {
		snprintf(found, sizeof(found), "%.400s: a device that nobody made", path);
		return 1;
	}
	len = llistxattr(path, names, sizeof(names));
	if (len < 0) {
		snprintf(found, sizeof(found), "%.400s: listxattr: %s", path, strerror(errno));
		return 1;
	}
	for (name = names; name < names + len; name += strlen(name) + 1) {
		if (!xattr_known(name)) {
			snprintf(found, sizeof(found), "%.400s: unknown attribute %.80s", path,
				 name);
			return 1;
		}
	}
	return 0;
}

bool verify_upper(const char *upper, char *why, size_t size)
{
	if (!nftw(upper, visit, 16, FTW_PHYS))
		return true;
	snprintf(why, size, "%s", found);
	return false;
}
