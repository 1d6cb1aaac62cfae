/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One layer from its blob into a directory.
 */
#ifndef LAYERFS_OCI_LAYER_H
#define LAYERFS_OCI_LAYER_H

#include "oci.h"
#include "unpack.h"

/**
 * struct layerfs_import_limits - what all layers of an import together may take
 * @max_size: bytes of their tars
 * @used: how many there were so far
 * @keep_bytes: what must stay free on the filesystem that they go to
 * @keep_inodes: the same of its inodes, 0 where they are not counted
 */
struct layerfs_import_limits {
	uint64_t max_size;
	uint64_t used;
	uint64_t keep_bytes;
	uint64_t keep_inodes;
};

/**
 * layerfs_import_limits_start() - set limits by what is free now
 * @limits: the limits
 * @max_size: see there
 * @dirfd: a directory on the filesystem
 */
int layerfs_import_limits_start(struct layerfs_import_limits *limits, uint64_t max_size,
				int dirfd);

/**
 * struct layerfs_layer_job - unpacking one layer
 * @source: where the blob is
 * @layer: which
 * @dirfd: an empty directory
 * @limits: kept to and counted in
 * @progress: called with the bytes of the blob read so far, first with 0, and
 *	its size, or NULL; what it returns below 0 ends the job with that -errno
 * @arg: for @progress
 * @blob_size: set to the blob's size
 * @blob_digest: set to the blob's digest
 * @unpacked: set by layerfs_unpack()
 */
struct layerfs_layer_job {
	struct layerfs_source *source;
	const struct layerfs_oci_layer *layer;
	int dirfd;
	struct layerfs_import_limits *limits;
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	uint64_t blob_size;
	char blob_digest[80];
	struct layerfs_unpacked unpacked;
};

/**
 * layerfs_layer_unpack() - read, check and unpack
 *
 * Reads the blob once: its size and digest and the diff-id of what it
 * decompresses to are known to be right when this returns 0. What a failure
 * leaves in the directory is for the caller to remove.
 */
int layerfs_layer_unpack(struct layerfs_layer_job *job, struct layerfs_error *err);

#endif
