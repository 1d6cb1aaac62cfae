/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a layer's tar stream to a tree in overlayfs's on-disk format.
 */
#ifndef LAYERFS_UNPACK_H
#define LAYERFS_UNPACK_H

#include <stdint.h>
#include <sys/types.h>

#include "layerfs.h"

/**
 * typedef layerfs_pull_fn - give the next bytes of a stream
 * @arg: the stream
 * @bufp: where they are; valid until the next call
 * @err: why not
 *
 * Return: how many, 0 at the end, or -errno.
 */
typedef ssize_t (*layerfs_pull_fn)(void *arg, const void **bufp, struct layerfs_error *err);

/**
 * struct layerfs_unpacked - what was found besides files
 * @entries: entries of the archive
 * @ignored_xattrs: xattrs that no archive may bring
 */
struct layerfs_unpacked {
	uint64_t entries;
	uint64_t ignored_xattrs;
};

/**
 * layerfs_unpack() - make a layer's tree
 * @dirfd: an empty directory, which becomes the tree's root
 * @pull: gives the tar, uncompressed
 * @arg: for @pull
 * @done: filled
 * @err: why not, with the name of the entry
 *
 * Nothing outside the directory is ever written, whatever the archive says.
 * Bytes after the archive's end are left to the caller. What a failure
 * leaves in the directory is for the caller to remove.
 */
int layerfs_unpack(int dirfd, layerfs_pull_fn pull, void *arg, struct layerfs_unpacked *done,
		   struct layerfs_error *err);

#endif
