/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an image consists of: from index.json (or docker's manifest.json) down
 * to the config and the list of layers, all digests on the way checked.
 */
#ifndef LAYERFS_OCI_H
#define LAYERFS_OCI_H

#include <stdbool.h>
#include <stdint.h>

#include "oci_source.h"

/**
 * struct layerfs_oci_layer - one layer as the source has it
 * @diff_id: digest of its tar, from the config
 * @blob: name of the member that holds it
 * @digest: digest of the member, or NULL if the manifest gives none
 * @size: size of the member, if @digest
 */
struct layerfs_oci_layer {
	char *diff_id;
	char *blob;
	char *digest;
	uint64_t size;
};

/**
 * struct layerfs_oci_image - an image as the source has it
 * @id: digest of the config
 * @config: the config, byte for byte
 * @config_len: its length
 * @manifest_digest: digest of the manifest, NULL in docker's layout
 * @layers: BOTTOM first, as in the config
 * @nr_layers: how many
 * @names: names that the source gives it, in the form of the store
 * @nr_names: how many
 */
struct layerfs_oci_image {
	char *id;
	char *config;
	size_t config_len;
	char *manifest_digest;
	struct layerfs_oci_layer *layers;
	size_t nr_layers;
	char **names;
	size_t nr_names;
};

/**
 * layerfs_oci_resolve() - find the one image that the source and its REF mean
 * @source: the source
 * @platform: "os/architecture[/variant]", or NULL for the running machine's
 * @image: filled; freed by layerfs_oci_image_free()
 * @err: why not
 */
int layerfs_oci_resolve(struct layerfs_source *source, const char *platform,
			struct layerfs_oci_image *image, struct layerfs_error *err);
void layerfs_oci_image_free(struct layerfs_oci_image *image);

#endif
