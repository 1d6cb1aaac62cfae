/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One layer from its blob into a directory.
 */
#ifndef LAYERFS_OCI_LAYER_H
#define LAYERFS_OCI_LAYER_H

#include "oci.h"
#include "unpack.h"

/**
 * struct layerfs_layer_job - unpacking one layer
 * @source: where the blob is
 * @layer: which
 * @dirfd: an empty directory
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
