/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a tar from its start, compressed or not, with bounds to what it can
 * cost: it comes from outside like all that is in it.
 */
#ifndef LAYERFS_OCI_TAR_INPUT_H
#define LAYERFS_OCI_TAR_INPUT_H

#include <stdint.h>
#include <sys/types.h>

#include "layerfs.h"

struct archive_entry;
struct oci_tar_input;

/**
 * struct oci_tar_bounds - what ends the reading of a tar
 * @max: bytes that it may have when decompressed
 * @stop: asked for each block; a negative errno ends it, too; or NULL
 * @arg: for @stop
 */
struct oci_tar_bounds {
	uint64_t max;
	int (*stop)(void *arg);
	void *arg;
};

/**
 * oci_tar_input_open() - open a tar
 * @path: the file
 * @bounds: see there
 * @inp: the tar, freed by oci_tar_input_close()
 * @err: why not
 */
int oci_tar_input_open(const char *path, const struct oci_tar_bounds *bounds,
		       struct oci_tar_input **inp, struct layerfs_error *err);
void oci_tar_input_close(struct oci_tar_input *in);

/** oci_tar_input_next() - to the next member: 1, 0 at the end, or -errno */
int oci_tar_input_next(struct oci_tar_input *in, struct archive_entry **entryp,
		       struct layerfs_error *err);

/** oci_tar_input_read() - data of the member: how much, 0 at its end, or -errno */
ssize_t oci_tar_input_read(struct oci_tar_input *in, void *buf, size_t len,
			   struct layerfs_error *err);

#endif
