/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owner, mode, times, xattrs and ACLs of an archive's entry.
 */
#ifndef LAYERFS_UNPACK_ATTR_H
#define LAYERFS_UNPACK_ATTR_H

#include <stdint.h>

#include "unpack_tree.h"

struct archive_entry;

/** unpack_attr_times() - atime and mtime; an absent atime is the mtime */
void unpack_attr_times(struct archive_entry *entry, struct timespec times[2]);

/**
 * unpack_attr_apply() - make a file what its entry says
 * @tree: the tree
 * @entry: the entry
 * @path: its path, for what is deferred
 * @parent: directory and
 * @base: name of the file, complete but for its attributes; "" for the root
 * @ignored: counts xattrs that no archive may bring: those that only mean
 *	something to an overlay (trusted.*, user.overlay.*) or to the machine
 *	that wrote it (security.* other than capability)
 * @err: why not
 */
int unpack_attr_apply(struct unpack_tree *tree, struct archive_entry *entry, const char *path,
		      int parent, const char *base, uint64_t *ignored, struct layerfs_error *err);

#endif
