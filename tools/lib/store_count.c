// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Size and inodes of a layer's tree, each inode counted once however many
 * names it has.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_priv.h"

/* Only files with several names are remembered, and forgotten with the last one */
struct linked {
	ino_t ino;
	nlink_t left;
};

struct count {
	void *linked;
	struct layerfs_layer *layer;
};

static int by_ino(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* 1 for an inode's first name, 0 for the others, or -errno */
static int first_name(struct count *c, const struct stat *st)
{
	struct linked key = { .ino = st->st_ino };
	struct linked *l;
	void *node;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return 1;
	node = tfind(&key, &c->linked, by_ino);
	if (node) {
		l = *(struct linked **)node;
		if (!--l->left) {
			tdelete(l, &c->linked, by_ino);
			free(l);
		}
		return 0;
	}
	l = malloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->ino = st->st_ino;
	l->left = st->st_nlink - 1;
	if (!tsearch(l, &c->linked, by_ino)) {
		free(l);
		return -ENOMEM;
	}
	return 1;
}

static int count_inode(struct count *c, const struct stat *st)
{
	int ret = first_name(c, st);

	if (ret <= 0)
		return ret;
	c->layer->inodes++;
	if (S_ISREG(st->st_mode) &&
	    __builtin_add_overflow(c->layer->size, (uint64_t)st->st_size, &c->layer->size))
		return -EOVERFLOW;
	return c->layer->size > INT64_MAX ? -EOVERFLOW : 0;
}

static int count_dir(struct count *c, int fd);

static int count_name(struct count *c, int dirfd, const char *name)
{
	struct stat st;
	int fd, ret;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	ret = count_inode(c, &st);
	if (ret || !S_ISDIR(st.st_mode))
		return ret;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : count_dir(c, fd);
}

/* The limit on open files ends the recursion before the stack does */
static int count_dir(struct count *c, int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *de;
	int ret = 0;

	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (!ret && (errno = 0, de = readdir(dir)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			ret = count_name(c, fd, de->d_name);
	if (!ret && errno)
		ret = -errno;
	closedir(dir);
	return ret;
}

int store_layer_count(int dirfd, struct layerfs_layer *layer)
{
	struct count c = { .layer = layer };
	int ret;

	layer->size = 0;
	layer->inodes = 0;
	ret = count_name(&c, dirfd, "fs");
	tdestroy(c.linked, free);
	return ret;
}
