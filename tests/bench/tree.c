// SPDX-License-Identifier: GPL-2.0-only
/* Make, walk and remove the files that tree.h lists. */
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
#include "tree.h"

void tree_make_parents(const char *path)
{
	char *part = strdup(path), *slash = part;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		must(!mkdir(part, 0755) || errno == EEXIST, "mkdir", part);
		*slash = '/';
	}
	free(part);
}

void tree_make_file(const char *path, size_t size)
{
	static const char data[MEG_BYTES];
	int fd;

	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 && errno == ENOENT) {
		tree_make_parents(path);
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	}
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size, "write", path);
	close(fd);
}

static unsigned int dealt;

/* Deal the next file to a layer, and to the plain tree as well. */
static void deal(const char *dir, int layers, const char *name, size_t size)
{
	char *path = path_of("%s/l%u/%s", dir, dealt++ % layers, name);

	tree_make_file(path, size);
	free(path);
	path = path_of("%s/plain/%s", dir, name);
	tree_make_file(path, size);
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
			tree_make_parents(other);
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

/* Nothing is done to these but listing: the plain tree has links to them. */
static void deal_big(const char *dir, int layers)
{
	int i;

	for (i = 0; i < BIG_FILES; i++) {
		char *path = path_of("%s/l%d/big/f%d", dir, i % layers, i);
		char *plain = path_of("%s/plain/big/f%d", dir, i);

		tree_make_file(path, 0);
		if (!i)
			tree_make_parents(plain);
		if (link(path, plain))
			die("link %s: %s", plain, strerror(errno));
		free(path);
		free(plain);
	}
}

static void deal_small(const char *dir, int layers)
{
	int i, d;

	for (d = 0; d < SMALL_DIRS; d++) {
		char *prefix = path_of("small/d%d/f", d);

		for (i = 0; i < layers; i++) {
			char *path = path_of("%s/l%d/%s", dir, i, prefix);

			tree_make_parents(path);
			free(path);
		}
		deal_many(dir, layers, prefix, SMALL_FILES, 8);
		free(prefix);
	}
}

static void make_layers(const char *dir, int layers)
{
	int i;

	dealt = 0;
	for (i = 0; i < layers; i++) {
		char *layer = path_of("%s/l%d/", dir, i);

		tree_make_parents(layer);
		free(layer);
	}
}

/* Only as much as a mount has to look at. */
void tree_build_few(const char *dir, int layers)
{
	make_layers(dir, layers);
	deal_many(dir, layers, "tree/t0/d0/f", TREE_FILES, 8);
}

void tree_build(const char *dir, int layers)
{
	make_layers(dir, layers);
	deal_tree(dir, layers);
	deal_many(dir, layers, "seen/f", SEEN_FILES, 8);
	deal_many(dir, layers, "cold/f", COLD_FILES, 8);
	deal_many(dir, layers, "prey/u", VICTIMS * MAX_REPEATS, 8);
	deal_many(dir, layers, "prey/v", VICTIMS * MAX_REPEATS, 8);
	deal_many(dir, layers, "prey/c", VICTIMS * MAX_REPEATS, 8);
	deal_many(dir, layers, "prey/d", VICTIMS * MAX_REPEATS, 8);
	deal(dir, layers, "page", PAGE_BYTES);
	deal(dir, layers, "meg", MEG_BYTES);
	deal_small(dir, layers);
	deal_big(dir, layers);
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
