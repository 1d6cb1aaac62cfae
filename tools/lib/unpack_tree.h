/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an untrusted archive's names become files: nothing here ever leaves
 * the directory that the tree was opened with.
 *
 * A parent directory is opened by openat2(RESOLVE_IN_ROOT), because real
 * layers have entries below symlinks of their own (bin -> usr/bin, bin/sh); a
 * link that points out of the tree leads to the same place inside it. The
 * last component is only ever made or removed by an *at() call that does not
 * follow links.
 */
#ifndef LAYERFS_UNPACK_TREE_H
#define LAYERFS_UNPACK_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "layerfs.h"

#define LAYERFS_XATTR_OPAQUE		"trusted.overlay.opaque"
#define LAYERFS_XATTR_ACL_ACCESS	"system.posix_acl_access"
#define LAYERFS_XATTR_ACL_DEFAULT	"system.posix_acl_default"

/*
 * Deeper than any real layer, and so little that who walks the tree with a
 * descriptor for each level stays below the usual limit of 1024.
 */
#define UNPACK_MAX_DEPTH		512

struct unpack_dir;

/**
 * struct unpack_tree - a layer being made
 * @root: its root directory, O_PATH
 * @root_depth: how deep that is below /
 * @parent: the parent directory used last, O_PATH, or -1; entries come
 *	mostly directory by directory
 * @parent_path: the path that led to @parent
 * @dirs: what directories get at the end: times, because each new entry
 *	changes them, and default ACLs, because new entries inherit those
 * @nr_dirs: how many
 * @max_dirs: room in @dirs
 * @deferred: memory that they take
 */
struct unpack_tree {
	int root;
	int root_depth;
	int parent;
	char *parent_path;
	struct unpack_dir *dirs;
	size_t nr_dirs, max_dirs;
	size_t deferred;
};

/**
 * struct unpack_name - an entry's name, made safe
 * @path: without leading, doubled and trailing slashes and without "."
 *	components; "" for the root directory
 * @dir: all but the last component; "" for the root directory
 * @base: the last component; inside @path
 */
struct unpack_name {
	char *path;
	char *dir;
	const char *base;
};

int unpack_name_parse(const char *raw, struct unpack_name *name, struct layerfs_error *err);
void unpack_name_free(struct unpack_name *name);

int unpack_tree_open(struct unpack_tree *tree, int dirfd, struct layerfs_error *err);
void unpack_tree_close(struct unpack_tree *tree);

/**
 * unpack_tree_parent() - open the directory that an entry goes into
 * @tree: the tree
 * @dir: its path, from struct unpack_name
 * @mtime: for directories that the archive has not mentioned so far; they
 *	are made, root's and 0755
 * @err: why not
 *
 * Return: an O_PATH descriptor that stays the tree's, or -errno.
 */
int unpack_tree_parent(struct unpack_tree *tree, const char *dir, const struct timespec *mtime,
		       struct layerfs_error *err);

/** unpack_tree_parent_existing() - the same, without making anything; -ENOENT */
int unpack_tree_parent_existing(struct unpack_tree *tree, const char *dir);

/** unpack_tree_clear() - remove what stands at a name, a directory with all in it */
int unpack_tree_clear(struct unpack_tree *tree, int parent, const char *base);

/**
 * unpack_tree_mkdir() - make a directory or keep the one that is there
 *
 * In the place of a whiteout it becomes opaque: the archive says that what
 * lay below was removed, and gives the directory a new start.
 */
int unpack_tree_mkdir(struct unpack_tree *tree, int parent, const char *base);

/** unpack_tree_whiteout() - hide a name of the layers below */
int unpack_tree_whiteout(int parent, const char *base);

/** unpack_tree_opaque() - hide what the layers below have in a directory */
int unpack_tree_opaque(int parent, const char *base);

/** unpack_is_whiteout() - a character device 0/0 */
bool unpack_is_whiteout(const struct stat *st);

/**
 * unpack_tree_defer() - remember what a directory gets at the end
 * @tree: the tree
 * @path: the directory
 * @parent: its parent and
 * @base: its name there
 * @times: atime and mtime
 * @acl: value of its default ACL's xattr, copied
 * @acl_len: length of @acl, 0 for none
 * @err: why not; an archive may not make us remember any amount
 */
int unpack_tree_defer(struct unpack_tree *tree, const char *path, int parent, const char *base,
		      const struct timespec times[2], const void *acl, size_t acl_len,
		      struct layerfs_error *err);

/** unpack_tree_finish() - give directories what was deferred */
int unpack_tree_finish(struct unpack_tree *tree, struct layerfs_error *err);

/** unpack_remove_tree() - rm -rf below a directory, without following links */
int unpack_remove_tree(int parent, const char *base);

#endif
