// SPDX-License-Identifier: GPL-2.0-only
/* Listing directories while everything changes. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stress.h"

#define MAX_NAMES 400

/*
 * One pass over an open directory.  A listing is of one moment, so no name may
 * come twice, and none of what the format keeps in an upper may show.
 */
static int list_once(DIR *dir)
{
	static char seen[MAX_NAMES][32];
	struct dirent *de;
	int n = 0;

	while ((errno = 0, de = readdir(dir))) {
		if (de->d_type == DT_WHT || de->d_name[0] == '#')
			stress_fail("%s of type %d is listed", de->d_name, de->d_type);
		if (n == MAX_NAMES || strlen(de->d_name) > 31)
			stress_fail("too much in one directory: %s", de->d_name);
		for (int i = 0; i < n; i++)
			if (!strcmp(seen[i], de->d_name))
				stress_fail("%s is listed twice", de->d_name);
		strcpy(seen[n++], de->d_name);
	}
	return errno ? -1 : 0;
}

static DIR *open_dir(void)
{
	char path[MAX_PATH];

	pick_dir(path);
	doing("%s", path);
	return opendir(path);
}

static int op_readdir(void)
{
	DIR *dir = open_dir();
	int rc, err;

	if (!dir)
		return -1;
	rc = list_once(dir);
	if (!rc && one_in(4)) {
		rewinddir(dir);
		rc = list_once(dir);
	}
	err = errno;
	closedir(dir);
	errno = err;
	return rc;
}

/* Back to a place within one pass: what followed there follows again. */
static int op_seekdir(void)
{
	DIR *dir = open_dir();
	struct dirent *de;
	unsigned int n = 0;
	char next[256];
	long at = 0;

	if (!dir)
		return -1;
	while ((de = readdir(dir)) && n++ < 3)
		;
	if (de) {
		at = telldir(dir);
		de = readdir(dir);
	}
	if (de) {
		strcpy(next, de->d_name);
		while (readdir(dir) && !one_in(6))
			;
		seekdir(dir, at);
		de = readdir(dir);
		if (!de || strcmp(de->d_name, next))
			stress_fail("at %ld there was %s, and is %s", at, next,
				    de ? de->d_name : "nothing");
	}
	closedir(dir);
	return 0;
}

/* A directory held open over several operations, and over its own removal. */
static int op_held_dir(void)
{
	static DIR *held;
	int rc;

	if (held && one_in(4)) {
		closedir(held);
		held = NULL;
	}
	if (!held)
		held = open_dir();
	if (!held)
		return -1;
	if (one_in(2))
		rewinddir(held);
	for (int i = rnd(8); i; i--)
		if (!readdir(held))
			break;
	rc = one_in(4) ? fsync(dirfd(held)) : 0;
	return rc;
}

static void walk(int at, const char *name, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *de;
	struct stat st;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	while ((de = readdir(dir))) {
		if (de->d_name[0] == '.')
			continue;
		if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (S_ISCHR(st.st_mode) && !st.st_rdev)
			stress_fail("%s is a whiteout", de->d_name);
		if (S_ISDIR(st.st_mode) && depth)
			walk(fd, de->d_name, depth - 1);
	}
	closedir(dir);
}

static int op_walk(void)
{
	char path[MAX_PATH];

	pick_dir(path);
	doing("%s", path);
	walk(AT_FDCWD, path, 4);
	return 0;
}

#define W(names, data, mixed) { [SQ_NAMES] = names, [SQ_DATA] = data, [SQ_MIXED] = mixed }

const struct op dir_ops[] = {
	{ "readdir", op_readdir, W(8, 1, 8), ERRS(WALK_ERRS) },
	{ "seekdir", op_seekdir, W(3, 0, 3), ERRS(WALK_ERRS) },
	{ "held-dir", op_held_dir, W(3, 0, 3), ERRS(WALK_ERRS) },
	{ "walk", op_walk, W(1, 0, 2), ERRS(WALK_ERRS) },
	{ 0 }
};
