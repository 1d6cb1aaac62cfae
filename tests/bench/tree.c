// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree that is measured:
 *
 *	tree/tT/dD/fF	walked
 *	link/tT/dD/fF	the same files by other names, only in the plain tree
 *	big/fF		listed
 *	prey/uF, cF	unlinked, changed
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

static void make_parents(const char *path)
{
	char *part = strdup(path), *slash = part;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			die("mkdir %s: %s", part, strerror(errno));
		*slash = '/';
	}
	free(part);
}

static void make_file(const char *path, size_t size)
{
	static const char data[FILE_SIZE];
	int fd;

	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 && errno == ENOENT) {
		make_parents(path);
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static unsigned int dealt;

/* Deal the next file to a layer, and to the plain tree as well. */
static void deal(const char *dir, int layers, const char *name, size_t size)
{
	char *path = path_of("%s/l%u/%s", dir, dealt++ % layers, name);

	make_file(path, size);
	free(path);
	path = path_of("%s/plain/%s", dir, name);
	make_file(path, size);
	free(path);
}

static void deal_tree(const char *dir, int layers)
{
	int i, dirs = TREE_TOPS * TREE_DIRS;

	/* Neighbours in a directory come from different layers, and a
	 * directory's files from layers of all heights.
	 */
	for (i = 0; i < dirs * TREE_FILES; i++) {
		int d = i / TREE_FILES, f = i % TREE_FILES;
		char *name = path_of("tree/t%d/d%d/f%d", d / TREE_DIRS,
				     d % TREE_DIRS, f);
		char *plain = path_of("%s/plain/%s", dir, name);
		char *other = path_of("%s/plain/link/%s", dir, name + 5);

		deal(dir, layers, name, 64);
		if (link(plain, other)) {
			make_parents(other);
			if (link(plain, other))
				die("link %s: %s", other, strerror(errno));
		}
		free(name);
		free(plain);
		free(other);
	}
}

static void deal_many(const char *dir, int layers, const char *prefix, int nr,
		      size_t size)
{
	int i;

	for (i = 0; i < nr; i++) {
		char *name = path_of("%s%d", prefix, i);

		deal(dir, layers, name, size);
		free(name);
	}
}

void tree_build(const char *dir, int layers)
{
	int i;

	dealt = 0;
	for (i = 0; i < layers; i++) {
		char *layer = path_of("%s/l%d/", dir, i);

		make_parents(layer);
		free(layer);
	}
	deal_tree(dir, layers);
	deal_many(dir, layers, "big/f", BIG_FILES, 0);
	deal_many(dir, layers, "prey/u", VICTIMS * MAX_REPEATS, 8);
	deal_many(dir, layers, "prey/c", VICTIMS * MAX_REPEATS, 8);
	deal_many(dir, layers, "data", 1, FILE_SIZE);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void tree_remove(const char *dir)
{
	if (nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT))
		die("cannot remove %s: %s", dir, strerror(errno));
}

static unsigned int walk_at(int at, const char *name)
{
	unsigned int entries = 0;
	struct dirent *entry;
	struct stat st;
	DIR *list;
	int fd;

	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	if (!list)
		die("cannot list %s: %s", name, strerror(errno));
	while ((entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			die("stat %s: %s", entry->d_name, strerror(errno));
		entries++;
		if (S_ISDIR(st.st_mode))
			entries += walk_at(fd, entry->d_name);
	}
	closedir(list);
	return entries;
}

unsigned int tree_walk(const char *dir)
{
	return walk_at(AT_FDCWD, dir);
}

unsigned int tree_entries(void)
{
	return TREE_TOPS * (1 + TREE_DIRS * (1 + TREE_FILES));
}
