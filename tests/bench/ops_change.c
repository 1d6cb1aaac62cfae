// SPDX-License-Identifier: GPL-2.0-only
/* Changes: each to VICTIMS names, which differ from repeat to repeat. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"
#include "tree.h"

static void name_them(char (*name)[PATH_MAX], const struct place *at, const char *prefix)
{
	int i;

	for (i = 0; i < VICTIMS; i++)
		snprintf(name[i], sizeof(name[i]), "%s/%s%d", at->root, prefix,
			 at->repeat * VICTIMS + i);
}

static int do_create(const char *name, const char *other)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	(void)other;
	return fd < 0 ? -1 : close(fd);
}

static int do_unlink(const char *name, const char *other)
{
	(void)other;
	return unlink(name);
}

static int do_mkdir(const char *name, const char *other)
{
	(void)other;
	return mkdir(name, 0755);
}

static int do_chmod(const char *name, const char *other)
{
	(void)other;
	return chmod(name, 0600);
}

static int do_look(const char *name, const char *other)
{
	struct stat st;

	(void)other;
	return stat(name, &st);
}

static double time_all(int (*change)(const char *name, const char *other),
		       char (*name)[PATH_MAX], char (*other)[PATH_MAX])
{
	double start;
	int i;

	/* What earlier ones left to write is not to be written meanwhile. */
	sync();
	start = now();
	for (i = 0; i < VICTIMS; i++)
		must(!change(name[i], other[i]), "cannot change", name[i]);
	return (now() - start) / VICTIMS;
}

/* Copies the directory up. */
static void make_own(const struct place *at, const char *dir)
{
	char *path = path_of("%s/%s/.own", at->root, dir);

	must(!do_create(path, NULL) && !unlink(path), "create", path);
	free(path);
}

static char name[VICTIMS][PATH_MAX], other[VICTIMS][PATH_MAX];

/* In a directory that only the upper has: all kinds find as much in it. */
static void change_upper(const struct place *at)
{
	char *dir = path_of("%s/new%d", at->root, at->repeat);
	struct result *to = at->results;

	must(!mkdir(dir, 0755), "mkdir", dir);
	free(dir);
	dir = path_of("new%d/f", at->repeat);
	name_them(name, at, dir);
	free(dir);
	dir = path_of("new%d/r", at->repeat);
	name_them(other, at, dir);
	free(dir);
	add(to, OP_CREATE, time_all(do_create, name, other));
	add(to, OP_RENAME, time_all(rename, name, other));
	add(to, OP_UNLINK_UPPER, time_all(do_unlink, other, name));
	add(to, OP_MKDIR, time_all(do_mkdir, name, other));
}

/* In one that layers have, too. */
static void change_merged(const struct place *at)
{
	make_own(at, "small/d0");
	name_them(name, at, "small/d0/new");
	name_them(other, at, "small/d0/renamed");
	add(at->results, OP_CREATE_MERGED, time_all(do_create, name, other));
	add(at->results, OP_RENAME_MERGED, time_all(rename, name, other));
	add(at->results, OP_UNLINK_MERGED, time_all(do_unlink, other, name));
}

/*
 * Files of layers, which nobody has looked at since the caches were dropped,
 * and then such as were, where the change alone is measured.
 */
static void change_lower(const struct place *at)
{
	struct result *to = at->results;

	make_own(at, "prey");
	name_them(name, at, "prey/u");
	add(to, OP_UNLINK_LOWER, time_all(do_unlink, name, other));
	name_them(name, at, "prey/v");
	time_all(do_look, name, other);
	add(to, OP_UNLINK_LOWER_SEEN, time_all(do_unlink, name, other));
	name_them(name, at, "prey/c");
	add(to, OP_CHMOD_LOWER, time_all(do_chmod, name, other));
	name_them(name, at, "prey/d");
	time_all(do_look, name, other);
	add(to, OP_CHMOD_LOWER_SEEN, time_all(do_chmod, name, other));
}

void op_changes(const struct place *at)
{
	change_upper(at);
	change_merged(at);
	change_lower(at);
}
