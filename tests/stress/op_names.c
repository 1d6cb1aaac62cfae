// SPDX-License-Identifier: GPL-2.0-only
/* Names: made, moved, linked, removed, in the same few places by all. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "content.h"
#include "stress.h"

static int op_create(void)
{
	char path[MAX_PATH];
	int fd;

	pick(path, ANY);
	fd = open(path, O_RDWR | O_CREAT | O_NONBLOCK | (one_in(2) ? O_EXCL : 0), 0666);
	put_fd(fd);
	return fd < 0 ? -1 : 0;
}

/* A solid file comes to its name complete, by link or by rename. */
static int solid_at(int dir, const char *name)
{
	struct label l = label_new(true);
	char temp[32], proc[32];
	int fd, rc;

	snprintf(temp, sizeof(temp), "x%d", me.nr);
	if (one_in(2)) {
		fd = openat(dir, ".", O_TMPFILE | O_RDWR, 0666);
		if (fd < 0)
			return -1;
		rc = content_make(fd, &l, 0);
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		if (!rc)
			rc = linkat(AT_FDCWD, proc, dir, name, AT_SYMLINK_FOLLOW);
		put_fd(fd);
		return rc;
	}
	fd = openat(dir, temp, O_RDWR | O_CREAT | O_EXCL, 0666);
	if (fd < 0)
		return -1;
	rc = content_make(fd, &l, 0);
	if (!rc && one_in(4))
		rc = fsync(fd);
	put_fd(fd);
	if (!rc)
		rc = renameat(dir, temp, dir, name);
	if (rc) {
		int err = errno;

		unlinkat(dir, temp, 0);
		errno = err;
	}
	return rc;
}

static int op_solid(void)
{
	const char *name = pick_name(SOLID);
	char path[MAX_PATH];
	int dir, rc;

	pick_dir(path);
	doing("%s/%s", path, name);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		return -1;
	rc = solid_at(dir, name);
	put_fd(dir);
	return rc;
}

static int op_mkdir(void)
{
	char path[MAX_PATH];

	pick(path, ANY);
	return mkdir(path, 0777);
}

static int op_rmdir(void)
{
	char path[MAX_PATH];

	pick(path, ANY);
	return rmdir(path);
}

static int op_unlink(void)
{
	char path[MAX_PATH];

	pick(path, one_in(3) ? SOLID : ANY);
	return unlink(path);
}

static int op_symlink(void)
{
	static const char *const to[] = { "f", "../g", "a", "b/c", "/nowhere", "h" };
	char path[MAX_PATH];

	pick(path, ANY);
	return symlink(to[rnd(6)], path);
}

static int op_readlink(void)
{
	char path[MAX_PATH], to[MAX_PATH];

	pick(path, LOOSE);
	return readlink(path, to, sizeof(to)) < 0 ? -1 : 0;
}

static int op_mknod(void)
{
	static const mode_t type[] = { S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK };
	char path[MAX_PATH];
	mode_t mode = type[rnd(me.user ? 2 : 4)];

	pick(path, LOOSE);
	return mknod(path, mode | 0666, makedev(1, S_ISCHR(mode) ? 3 : 250));
}

/* Two paths of one box. */
static void pick_two(char *from, char *to, enum kind kind)
{
	const char *box = pick_box();

	pick_in(box, from, kind);
	pick_in(box, to, kind);
	doing("%s -> %s", from, to);
}

static int op_link(void)
{
	char from[MAX_PATH], to[MAX_PATH];

	pick_two(from, to, one_in(2) ? SOLID : LOOSE);
	return link(from, to);
}

static int do_rename(unsigned int flags)
{
	char from[MAX_PATH], to[MAX_PATH];

	pick_two(from, to, one_in(4) ? SOLID : ANY);
	/* Both ways, one right after the other: who else is at it meets this. */
	if (one_in(8))
		renameat2(AT_FDCWD, to, AT_FDCWD, from, flags);
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

static int op_rename(void)
{
	return do_rename(0);
}

static int op_noreplace(void)
{
	return do_rename(RENAME_NOREPLACE);
}

static int op_exchange(void)
{
	return do_rename(RENAME_EXCHANGE);
}

/* Directories, which always merge with something, across and up and down. */
static int op_rename_dir(void)
{
	char from[MAX_PATH], to[MAX_PATH];
	const char *box = pick_box();

	snprintf(from, sizeof(from), "%s/%c", box, 'a' + rnd(4));
	snprintf(to, sizeof(to), "%s/%c", box, 'a' + rnd(4));
	if (one_in(2))
		sprintf(from + strlen(from), "/%c", 'a' + rnd(4));
	if (one_in(2))
		sprintf(to + strlen(to), "/%c/%c", 'a' + rnd(4), 'a' + rnd(4));
	doing("%s -> %s", from, to);
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, one_in(3) ? RENAME_EXCHANGE : 0);
}

/* Removes what it can, but for what is private; depth first. */
static void remove_below(int at, const char *name, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *de;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	while ((de = readdir(dir))) {
		if (strchr(".pqx", de->d_name[0]))
			continue;
		if (unlinkat(fd, de->d_name, 0) && errno == EISDIR && depth) {
			remove_below(fd, de->d_name, depth - 1);
			unlinkat(fd, de->d_name, AT_REMOVEDIR);
		}
	}
	closedir(dir);
}

static int op_rmtree(void)
{
	char path[MAX_PATH];

	pick(path, ANY);
	remove_below(AT_FDCWD, path, 5);
	return rmdir(path);
}

static int op_mktree(void)
{
	char path[MAX_PATH], sub[MAX_PATH + 16];
	int rc;

	pick(path, ANY);
	rc = mkdir(path, 0777);
	if (rc)
		return rc;
	for (int i = 0; i < 6; i++) {
		snprintf(sub, sizeof(sub), "%s/%c", path, 'a' + i);
		if (i < 3)
			mkdir(sub, 0777);
		else
			put_fd(open(sub, O_WRONLY | O_CREAT | O_NONBLOCK, 0666));
	}
	return 0;
}

#define W(names, data, mixed) { [SQ_NAMES] = names, [SQ_DATA] = data, [SQ_MIXED] = mixed }
#define NAME_ERRS WALK_ERRS, EEXIST, EBUSY

const struct op name_ops[] = {
	{ "create", op_create, W(6, 2, 4), ERRS(OPEN_ERRS, EEXIST) },
	{ "solid", op_solid, W(6, 4, 4), ERRS(WALK_ERRS, EEXIST) },
	{ "mkdir", op_mkdir, W(8, 1, 4), ERRS(NAME_ERRS) },
	{ "rmdir", op_rmdir, W(4, 0, 2), ERRS(NAME_ERRS, ENOTEMPTY) },
	{ "unlink", op_unlink, W(6, 1, 3), ERRS(NAME_ERRS, EISDIR) },
	{ "symlink", op_symlink, W(2, 0, 2), ERRS(NAME_ERRS) },
	{ "readlink", op_readlink, W(2, 0, 2), ERRS(WALK_ERRS, EINVAL) },
	{ "mknod", op_mknod, W(2, 0, 1), ERRS(NAME_ERRS) },
	{ "link", op_link, W(5, 1, 3), ERRS(NAME_ERRS, EPERM, EXDEV) },
	{ "rename", op_rename, W(12, 2, 4),
	  ERRS(NAME_ERRS, EISDIR, ENOTEMPTY, EINVAL) },
	{ "rename-noreplace", op_noreplace, W(4, 0, 2),
	  ERRS(NAME_ERRS, EISDIR, ENOTEMPTY, EINVAL) },
	{ "exchange", op_exchange, W(6, 1, 2),
	  ERRS(NAME_ERRS, EISDIR, ENOTEMPTY, EINVAL) },
	{ "rename-dir", op_rename_dir, W(8, 1, 2),
	  ERRS(NAME_ERRS, EISDIR, ENOTEMPTY, EINVAL) },
	{ "rmtree", op_rmtree, W(2, 0, 1), ERRS(NAME_ERRS, ENOTEMPTY) },
	{ "mktree", op_mktree, W(3, 0, 2), ERRS(NAME_ERRS) },
	{ 0 }
};
