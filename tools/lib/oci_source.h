/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an image is imported from: a directory or a tar of named members,
 * laid out as OCI or as `docker save` says. Members are read in any order; a
 * tar is neither unpacked nor staged, but searched again for each one, which
 * costs a seek per member unless the tar itself is compressed.
 */
#ifndef LAYERFS_OCI_SOURCE_H
#define LAYERFS_OCI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "layerfs.h"
#include "oci_tar_input.h"

enum layerfs_layout {
	LAYERFS_LAYOUT_OCI,
	LAYERFS_LAYOUT_DOCKER,
};

struct layerfs_source;
struct layerfs_blob;

/**
 * layerfs_source_open() - open what a user named
 * @spec: "[oci:|oci-archive:|docker-archive:]PATH[:REF]"
 * @bounds: of an archive
 * @sourcep: the source, freed by layerfs_source_close()
 * @err: why not
 */
int layerfs_source_open(const char *spec, const struct oci_tar_bounds *bounds,
			struct layerfs_source **sourcep, struct layerfs_error *err);
void layerfs_source_close(struct layerfs_source *source);

enum layerfs_layout layerfs_source_layout(const struct layerfs_source *source);

/** layerfs_source_path() - PATH of the spec */
const char *layerfs_source_path(const struct layerfs_source *source);

/** layerfs_source_ref() - REF of the spec, or NULL */
const char *layerfs_source_ref(const struct layerfs_source *source);

/**
 * layerfs_blob_open() - open a member
 * @source: the source
 * @name: its path
 * @blobp: the member, freed by layerfs_blob_close()
 * @sizep: its size
 * @err: why not
 */
int layerfs_blob_open(struct layerfs_source *source, const char *name,
		      struct layerfs_blob **blobp, uint64_t *sizep, struct layerfs_error *err);

/** layerfs_blob_read() - up to @len bytes; 0 at the end */
ssize_t layerfs_blob_read(struct layerfs_blob *blob, void *buf, size_t len,
			  struct layerfs_error *err);
void layerfs_blob_close(struct layerfs_blob *blob);

/**
 * layerfs_blob_load() - a whole small member
 * @source: the source
 * @name: its path
 * @max: refuse a bigger one
 * @bufp: its content and a NUL, to be freed
 * @lenp: its length
 * @err: why not
 */
int layerfs_blob_load(struct layerfs_source *source, const char *name, size_t max, char **bufp,
		      size_t *lenp, struct layerfs_error *err);

#endif
