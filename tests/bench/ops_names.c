// SPDX-License-Identifier: GPL-2.0-only
/* Names: walks, stat of what is there and of what is not, lists. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"
#include "tree.h"

#define LOOPS	1000
#define ABSENT	200

static double time_walk(const char *root, const char *name)
{
	char *dir = path_of("%s/%s", root, name);
	unsigned int entries;
	double start;

	start = now();
	entries = tree_walk(dir);
	start = now() - start;
	if (entries != tree_entries())
		die("%s has %u entries instead of %u", dir, entries, tree_entries());
	free(dir);
	return start / entries;
}

/* Per entry. The rows of one measurement differ in what bare does for them. */
void op_walk(const struct place *at, enum op op)
{
	bool linked = op == OP_SECOND_WALK_LINKED;

	add(at->results, op, time_walk(at->root, linked ? "link" : "tree"));
}

static double time_stat(const char *path, bool there)
{
	struct stat st;
	double start;
	int i;

	must(!stat(path, &st) == there, "stat", path);
	start = now();
	for (i = 0; i < LOOPS; i++)
		stat(path, &st);
	return (now() - start) / LOOPS;
}

void op_names_warm(const struct place *at)
{
	char *file = path_of("%s/tree/t1/d3/f7", at->root);
	char *absent = path_of("%s/tree/t1/d3/absent", at->root);
	double start;
	int i, fd;

	add(at->results, OP_STAT, time_stat(file, true));
	add(at->results, OP_ABSENT, time_stat(absent, false));

	fd = open(file, O_RDONLY);
	must(fd >= 0, "open", file);
	close(fd);
	start = now();
	for (i = 0; i < LOOPS; i++)
		close(open(file, O_RDONLY));
	add(at->results, OP_OPEN, (now() - start) / LOOPS);
	free(file);
	free(absent);
}

/* stat ROOT/PREFIX0 and so on: each name once. */
static double time_each(const char *root, const char *prefix, int nr, bool there)
{
	char *dir = path_of("%s/%s", root, prefix), name[32];
	struct stat st;
	double ns = 0;
	int i, at;

	/* The directory itself was looked up before. */
	*strrchr(dir, '/') = '\0';
	prefix = strrchr(prefix, '/') + 1;
	at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(at >= 0, "open", dir);
	for (i = 0; i < nr; i++) {
		double start;
		int err;

		snprintf(name, sizeof(name), "%s%d", prefix, i);
		start = now();
		err = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW);
		ns += now() - start;
		must(!err == there, "stat", name);
	}
	close(at);
	free(dir);
	return ns / nr;
}

void op_stat_cold(const struct place *at)
{
	add(at->results, OP_STAT_COLD,
	    time_each(at->root, "cold/f", COLD_FILES, true));
}

/* Not by readdir(3), whose memory would be measured, too. */
static unsigned int list_all(int fd, const char *dir)
{
	static char buffer[32768];
	unsigned int entries = 0;
	ssize_t len, pos;

	while ((len = getdents64(fd, buffer, sizeof(buffer))) > 0) {
		for (pos = 0; pos < len; entries++)
			pos += ((struct dirent64 *)(buffer + pos))->d_reclen;
	}
	must(!len, "list", dir);
	return entries;
}

static double time_list(const char *dir, unsigned int expected)
{
	unsigned int entries;
	struct stat st;
	double start;
	int fd;

	/* To look the directory up is not part of listing it. */
	must(!stat(dir, &st), "stat", dir);
	start = now();
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0, "open", dir);
	entries = list_all(fd, dir);
	close(fd);
	start = now() - start;
	if (entries != expected + 2)
		die("%s has %u entries", dir, entries);
	return start;
}

static double time_small(const char *root)
{
	double ns = 0;
	int d;

	for (d = 0; d < SMALL_DIRS; d++) {
		char *dir = path_of("%s/small/d%d", root, d);

		ns += time_list(dir, SMALL_FILES);
		free(dir);
	}
	return ns / SMALL_DIRS;
}

static double time_big(const char *root)
{
	char *dir = path_of("%s/big", root);
	double ns = time_list(dir, BIG_FILES);

	free(dir);
	return ns;
}

/* What another container does, but for the walk, before the second comes. */
void op_visit(const struct place *at)
{
	char *seen = path_of("%s/seen", at->root);

	if (tree_walk(seen) != SEEN_FILES)
		die("%s has not %d entries", seen, SEEN_FILES);
	time_each(at->root, "seen/asked", ABSENT, false);
	time_small(at->root);
	time_big(at->root);
	free(seen);
}

void op_names_second(const struct place *at)
{
	add(at->results, OP_ABSENT_SEEN,
	    time_each(at->root, "seen/absent", ABSENT, false));
	add(at->results, OP_ABSENT_ASKED,
	    time_each(at->root, "seen/asked", ABSENT, false));
}

void op_lists(const struct place *at)
{
	add(at->results, OP_SMALL_FIRST, time_small(at->root));
	add(at->results, OP_SMALL_AGAIN, time_small(at->root));
	add(at->results, OP_BIG_FIRST, time_big(at->root));
	add(at->results, OP_BIG_AGAIN, time_big(at->root));
}
