// SPDX-License-Identifier: GPL-2.0-only
/* Calls on names and on what they name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"

/* An open file of which so much is asked: a big buffer is a cheap one. */
static char buf[70000];

static long do_mkdir(const uint8_t *a)
{
	return mkdir(path_of(a[0]), a[1] & 1 ? 0755 : 02000 | a[1]);
}

static long do_rmdir(const uint8_t *a)
{
	return rmdir(path_of(a[0]));
}

static long do_unlink(const uint8_t *a)
{
	return unlink(path_of(a[0]));
}

/* Everything in a directory, and then it. */
static long do_remove_all(const uint8_t *a)
{
	const char *path = path_of(a[0]);
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return -1;
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		unlinkat(dirfd(d), e->d_name, e->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	}
	closedir(d);
	return rmdir(path);
}

static long do_rename(const uint8_t *a)
{
	return renameat2(AT_FDCWD, path_of(a[0]), AT_FDCWD, path_of(a[1]), a[2] & 1 ? 0 : a[2] / 2 % 8);
}

/* Within one mount: what is most likely to do something. */
static long do_rename_here(const uint8_t *a)
{
	return renameat2(AT_FDCWD, path_of(a[0] & 0x1f), AT_FDCWD, path_of(a[1] & 0x1f),
			 a[2] % 3 ? 0 : a[2] / 3 % 8);
}

static long do_link(const uint8_t *a)
{
	char from[32];

	if (a[2] % 4 == 3) {
		snprintf(from, sizeof(from), "/proc/self/fd/%d", fd_of(a[0]));
		return linkat(AT_FDCWD, from, AT_FDCWD, path_of(a[1]), AT_SYMLINK_FOLLOW);
	}
	if (a[2] % 4 == 2)
		return linkat(fd_of(a[0]), "", AT_FDCWD, path_of(a[1]), AT_EMPTY_PATH);
	return linkat(AT_FDCWD, path_of(a[0]), AT_FDCWD, path_of(a[1]),
		      a[2] % 4 ? AT_SYMLINK_FOLLOW : 0);
}

static long do_symlink(const uint8_t *a)
{
	return symlink(name_of(a[1]), path_of(a[0]));
}

static long do_mknod(const uint8_t *a)
{
	const dev_t devs[] = { 0, makedev(1, 3), makedev(1, 5), makedev(0, 1) };
	static const mode_t types[] = { S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFCHR };

	return mknod(path_of(a[0]), types[a[1] % 5] | 0644, devs[a[2] % 4]);
}

static long do_readlink(const uint8_t *a)
{
	return readlink(path_of(a[0]), buf, size_of(a[1]) % sizeof(buf));
}

static long do_chmod(const uint8_t *a)
{
	if (a[2] & 1)
		return fchmod(fd_of(a[0]), a[1] << a[3] % 5);
	return chmod(path_of(a[0]), a[1] << a[3] % 5);
}

static uid_t id_of(uint8_t arg)
{
	static const uid_t ids[] = { 0, 1, 1000, 65534, -1, 100000, 2147483647, 4294967294U };

	return ids[arg % 8];
}

static long do_chown(const uint8_t *a)
{
	if (a[3] & 1)
		return fchown(fd_of(a[0]), id_of(a[1]), id_of(a[2]));
	if (a[3] & 2)
		return lchown(path_of(a[0]), id_of(a[1]), id_of(a[2]));
	return chown(path_of(a[0]), id_of(a[1]), id_of(a[2]));
}

static long do_utimens(const uint8_t *a)
{
	static const long ns[] = { 0, 1, UTIME_NOW, UTIME_OMIT, 999999999, 1000000000, -1, 5 };
	struct timespec t[2] = { { a[1], ns[a[2] % 8] }, { a[3], ns[a[4] % 8] } };

	return utimensat(AT_FDCWD, path_of(a[0]), t, a[5] & 1 ? AT_SYMLINK_NOFOLLOW : 0);
}

static long do_access(const uint8_t *a)
{
	return syscall(SYS_faccessat, AT_FDCWD, path_of(a[0]), a[1] & 7);
}

static long do_statx(const uint8_t *a)
{
	struct statx stx;

	if (a[3] & 1)
		return statx(fd_of(a[0]), "", AT_EMPTY_PATH, STATX_ALL, &stx);
	return statx(AT_FDCWD, path_of(a[0]), a[1] << 8, a[2] << 4 | a[4], &stx);
}

static long do_statfs(const uint8_t *a)
{
	struct statfs st;

	return a[1] & 1 ? fstatfs(fd_of(a[0]), &st) : statfs(path_of(a[0]), &st);
}

static long do_truncate(const uint8_t *a)
{
	return truncate(path_of(a[0]), size_of(a[1]));
}

static const char *xattr_of(uint8_t arg)
{
	static const char *const names[] = {
		"user.a", "user.b", "trusted.a", "trusted.overlay.opaque",
		"trusted.overlay.redirect", "trusted.overlay.impure", "trusted.overlay.metacopy",
		"trusted.overlay.layerfs.origin", "trusted.overlay.origin",
		"trusted.overlay.whiteout", "user.overlay.opaque", "user.overlay.redirect",
		"user.overlay.impure", "user.overlay.layerfs.origin", "user.overlay.metacopy",
		"security.capability", "system.posix_acl_access", "system.posix_acl_default",
		"security.a", "user.", "trusted.overlay.", "trusted.overlay.overlay.opaque", "bad", "",
	};

	return names[arg % (sizeof(names) / sizeof(*names))];
}

static long do_setxattr(const uint8_t *a)
{
	size_t len;
	const void *v = bytes_of(a[2], &len);

	if (a[4] % 4 == 1)
		return fsetxattr(fd_of(a[0]), xattr_of(a[1]), v, len, a[3] % 4);
	if (a[4] % 4 == 2)
		return lsetxattr(path_of(a[0]), xattr_of(a[1]), v, len, a[3] % 4);
	return setxattr(path_of(a[0]), xattr_of(a[1]), v, len, a[3] & 1 ? 0 : a[3] % 4);
}

/* A mark on something under the mount, as nobody should. */
static long do_mark(const uint8_t *a)
{
	static const uint8_t under[] = { 5 << 5, 6 << 5 };
	uint8_t what = under[a[4] & 1] | (a[0] & 31);
	size_t len;
	const void *v = bytes_of(a[2], &len);

	return lsetxattr(path_of(what), xattr_of(3 + a[1] % 12), v, len, 0);
}

static long do_getxattr(const uint8_t *a)
{
	size_t len = size_of(a[2]) % sizeof(buf);

	if (a[3] & 1)
		return fgetxattr(fd_of(a[0]), xattr_of(a[1]), buf, len);
	return getxattr(path_of(a[0]), xattr_of(a[1]), buf, len);
}

static long do_listxattr(const uint8_t *a)
{
	return llistxattr(path_of(a[0]), buf, size_of(a[1]) % sizeof(buf));
}

static long do_removexattr(const uint8_t *a)
{
	return lremovexattr(path_of(a[0]), xattr_of(a[1]));
}

static long do_chdir(const uint8_t *a)
{
	/* There and back: the paths of the others are relative. */
	int here = open(".", O_PATH | O_CLOEXEC), ret = chdir(path_of(a[0]));

	if (!ret) {
		ret = open(name_of(a[1]), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		fd_keep(a[2], ret);
	}
	if (fchdir(here))
		ret = -1;
	close(here);
	return ret;
}

const struct op name_ops[] = {
	{ "mkdir", do_mkdir }, { "rmdir", do_rmdir }, { "unlink", do_unlink },
	{ "remove_all", do_remove_all }, { "rename", do_rename },
	{ "rename_here", do_rename_here }, { "link", do_link }, { "symlink", do_symlink },
	{ "mknod", do_mknod }, { "readlink", do_readlink }, { "chmod", do_chmod },
	{ "chown", do_chown }, { "utimens", do_utimens }, { "access", do_access },
	{ "statx", do_statx }, { "statfs", do_statfs }, { "truncate", do_truncate },
	{ "setxattr", do_setxattr }, { "mark", do_mark }, { "getxattr", do_getxattr },
	{ "listxattr", do_listxattr }, { "removexattr", do_removexattr }, { "chdir", do_chdir },
	{}
};
