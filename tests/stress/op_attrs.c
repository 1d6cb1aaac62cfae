// SPDX-License-Identifier: GPL-2.0-only
/* Attributes, xattrs, ACLs, watches. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "stress.h"

static enum kind most(void)
{
	return one_in(3) ? SOLID : ANY;
}

static int op_stat(void)
{
	char path[MAX_PATH];
	struct stat st;

	pick(path, most());
	if (lstat(path, &st))
		return -1;
	if (!st.st_ino || (S_ISCHR(st.st_mode) && !st.st_rdev))
		stress_fail("st_ino %llu, mode %o", (unsigned long long)st.st_ino,
			    st.st_mode);
	return 0;
}

/* Everybody may still write: what a user can do is another test's matter. */
static int op_chmod(void)
{
	char path[MAX_PATH];

	pick(path, most());
	return chmod(path, one_in(8) ? 04777 : one_in(2) ? 0777 : 0666 | rnd(0111));
}

static int op_chown(void)
{
	char path[MAX_PATH];

	pick(path, most());
	return lchown(path, one_in(2) ? 1000 : 0, rnd(2));
}

static int op_utimens(void)
{
	struct timespec ts[2] = { { rnd(1 << 30), rnd(1000000000) },
				  { rnd(1 << 30), UTIME_NOW } };
	char path[MAX_PATH];

	pick(path, most());
	return utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW);
}

static int op_setxattr(void)
{
	char path[MAX_PATH], value[40];

	pick(path, one_in(3) ? READABLE : most());
	memset(value, 'v', sizeof(value));
	return setxattr(path, "user.other", value, 1 + rnd(sizeof(value)), 0);
}

static int op_getxattr(void)
{
	char path[MAX_PATH], value[64];

	pick(path, most());
	if (getxattr(path, "trusted.overlay.origin", value, sizeof(value)) >= 0 ||
	    errno == ERANGE)
		stress_fail("a mark can be read");
	return getxattr(path, "user.other", value, sizeof(value)) < 0 ? -1 : 0;
}

static int op_listxattr(void)
{
	char path[MAX_PATH], list[2048];
	ssize_t n;

	pick(path, most());
	n = llistxattr(path, list, sizeof(list));
	if (n > 0 && memmem(list, n, "trusted.overlay", 15))
		stress_fail("a mark is listed");
	return n < 0 ? -1 : 0;
}

static int op_removexattr(void)
{
	char path[MAX_PATH];

	pick(path, most());
	return removexattr(path, "user.other");
}

/* An access list as the kernel takes it: version 2, entries in order of tag. */
static int op_acl(void)
{
	struct {
		uint32_t version;
		struct {
			uint16_t tag, perm;
			uint32_t id;
		} e[5];
	} acl = { 2, { { 0x01, 7, -1 }, { 0x02, 7, 1000 + rnd(2) }, { 0x04, 7, -1 },
		       { 0x10, 7, -1 }, { 0x20, 7, -1 } } };
	const char *name = one_in(2) ? "system.posix_acl_access" :
				       "system.posix_acl_default";
	char path[MAX_PATH];

	pick(path, most());
	switch (rnd(3)) {
	case 0:
		return getxattr(path, name, &acl, sizeof(acl)) < 0 ? -1 : 0;
	case 1:
		return removexattr(path, name);
	default:
		return setxattr(path, name, &acl, sizeof(acl), 0);
	}
}

static int op_statfs(void)
{
	char path[MAX_PATH];
	struct statfs st;

	pick_dir(path);
	doing("%s", path);
	return statfs(path, &st);
}

static int op_access(void)
{
	char path[MAX_PATH];

	pick(path, most());
	return access(path, rnd(8));
}

static int op_inotify(void)
{
	static int fd, watch[16];
	static unsigned int turn;
	char path[MAX_PATH], events[4096];
	int *w = &watch[turn++ % 16];

	if (!fd)
		fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (*w)
		inotify_rm_watch(fd, *w);
	*w = 0;
	pick(path, ANY);
	*w = inotify_add_watch(fd, path, IN_ALL_EVENTS);
	if (*w < 0) {
		*w = 0;
		return -1;
	}
	while (read(fd, events, sizeof(events)) > 0)
		;
	return 0;
}

#define W(names, data, mixed) { [SQ_NAMES] = names, [SQ_DATA] = data, [SQ_MIXED] = mixed }

const struct op attr_ops[] = {
	{ "stat", op_stat, W(8, 2, 8), ERRS(WALK_ERRS) },
	{ "chmod", op_chmod, W(2, 2, 4), ERRS(WALK_ERRS) },
	{ "chown", op_chown, W(2, 1, 4), ERRS(WALK_ERRS) },
	{ "utimens", op_utimens, W(2, 1, 3), ERRS(WALK_ERRS) },
	{ "setxattr", op_setxattr, W(1, 2, 4), ERRS(WALK_ERRS, EPERM, ENOSPC) },
	{ "getxattr", op_getxattr, W(1, 1, 3), ERRS(WALK_ERRS, ENODATA, EPERM) },
	{ "listxattr", op_listxattr, W(1, 1, 3), ERRS(WALK_ERRS) },
	{ "removexattr", op_removexattr, W(1, 1, 2), ERRS(WALK_ERRS, ENODATA, EPERM) },
	{ "acl", op_acl, W(1, 1, 4), ERRS(WALK_ERRS, ENODATA, EACCES, ENOSPC) },
	{ "statfs", op_statfs, W(1, 1, 2), ERRS(WALK_ERRS) },
	{ "access", op_access, W(2, 1, 3), ERRS(WALK_ERRS, EACCES) },
	{ "inotify", op_inotify, W(2, 0, 2), ERRS(WALK_ERRS) },
	{ 0 }
};
