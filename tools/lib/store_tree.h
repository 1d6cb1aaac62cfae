/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A layer's tree as a list of files: one line a name, in one order and one
 * spelling, so that equal trees have equal lists. The list is written when the
 * layer is imported, and compared with the tree by `layerctl fsck`.
 *
 * Documentation/design/08-store.rst specifies the lines.
 */
#ifndef LAYERFS_STORE_TREE_H
#define LAYERFS_STORE_TREE_H

#include <stdint.h>

#include "digest.h"
#include "layerfs.h"

#define STORE_TREE_FILE		"tree"
#define STORE_TREE_HEADER	"#mtree layerfs-tree-1\n"

/**
 * struct store_tree_walk - one walk over a tree
 * @line: gets each line, without newline; or NULL
 * @bad: gets what could not be read and why, and the walk goes on; NULL: it
 *	ends with an error
 * @progress: called with bytes read since the last call; below 0 ends the walk
 * @arg: for all of them
 * @size: set to the bytes of regular files, each inode once
 * @inodes: set to the number of inodes, the root included
 * @digest: set to the digest of header and lines
 *
 * What @line and @bad return below 0 ends the walk, too.
 */
struct store_tree_walk {
	int (*line)(void *arg, const char *line);
	int (*bad)(void *arg, const char *path, int error);
	int (*progress)(void *arg, uint64_t bytes);
	void *arg;
	uint64_t size;
	uint64_t inodes;
	char digest[LAYERFS_DIGEST_SIZE];
};

/** store_tree_walk() - walk dirfd/fs */
int store_tree_walk(int dirfd, struct store_tree_walk *walk, struct layerfs_error *err);

/** store_tree_path() - how lines spell a path; to be freed */
char *store_tree_path(const char *path);

/** store_tree_compare() - the order of two lines, by their paths only */
int store_tree_compare(const char *a, const char *b);

/**
 * store_tree_write() - write the list of dirfd/fs to dirfd/tree
 * @dirfd: the layer's directory
 * @walk: @line is taken, the rest is the caller's
 * @err: why not
 *
 * The file is not synced.
 */
int store_tree_write(int dirfd, struct store_tree_walk *walk, struct layerfs_error *err);

/**
 * store_tree_verify() - compare dirfd/fs with dirfd/tree
 * @dirfd: the layer's directory
 * @walk: @line and @bad are taken, the rest is the caller's
 * @digest: what the list's digest was when it was written
 * @problem: gets the path of each damaged file, as lines spell it, and what is
 *	wrong; what it returns below 0 ends the work
 * @arg: for @problem
 * @err: why the work could not be done
 *
 * Return: how many problems there were, or -errno.
 */
int store_tree_verify(int dirfd, struct store_tree_walk *walk, const char *digest,
		      int (*problem)(void *arg, const char *path, const char *what),
		      void *arg, struct layerfs_error *err);

#endif
