/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The members of a tar that holds an image, found by name.
 */
#ifndef LAYERFS_OCI_TAR_H
#define LAYERFS_OCI_TAR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "layerfs.h"
#include "oci_tar_input.h"

struct oci_tar_member;

/**
 * struct oci_tar - the index of a tar
 * @path: the file
 * @members: in the tar's order; of several with one name the last counts
 * @nr: how many
 * @bounds: what ends its reading
 */
struct oci_tar {
	char *path;
	struct oci_tar_bounds bounds;
	struct oci_tar_member *members;
	size_t nr;
};

int oci_tar_open(struct oci_tar *tar, const char *path, const struct oci_tar_bounds *bounds,
		 struct layerfs_error *err);
void oci_tar_close(struct oci_tar *tar);

/** oci_tar_find() - index of the file that a name leads to, or -ENOENT */
ssize_t oci_tar_find(const struct oci_tar *tar, const char *name);

/** oci_tar_size() - size of a member */
uint64_t oci_tar_size(const struct oci_tar *tar, size_t index);

/**
 * oci_tar_seek() - open the tar again, at a member's data
 * @tar: the tar
 * @index: the member
 * @inp: to read the data from, freed by oci_tar_input_close()
 * @err: why not
 */
int oci_tar_seek(const struct oci_tar *tar, size_t index, struct oci_tar_input **inp,
		 struct layerfs_error *err);

#endif
