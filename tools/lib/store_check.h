/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checking that what the store lists is what was imported.
 */
#ifndef LAYERFS_STORE_CHECK_H
#define LAYERFS_STORE_CHECK_H

#include "store.h"

/**
 * enum layerfs_health - what a check found
 * @LAYERFS_HEALTH_OK: everything that was recorded at the import is so
 * @LAYERFS_HEALTH_UNVERIFIED: its files were not recorded: it was imported by
 *	a version that did not
 * @LAYERFS_HEALTH_DAMAGED: at least one problem was reported
 */
enum layerfs_health {
	LAYERFS_HEALTH_OK,
	LAYERFS_HEALTH_UNVERIFIED,
	LAYERFS_HEALTH_DAMAGED,
};

/** enum layerfs_object - what a problem is with */
enum layerfs_object {
	LAYERFS_OBJECT_STORE,
	LAYERFS_OBJECT_IMAGE,
	LAYERFS_OBJECT_LAYER,
	LAYERFS_OBJECT_CONTAINER,
};

/**
 * struct layerfs_problem - one thing that is wrong
 * @object: with what
 * @id: digest of the image or layer, name of the container, "" for the store
 * @path: of the file; in a layer from its root, spelled as in its list of
 *	files; NULL if it is about no file
 * @what: what is wrong
 * @repaired: LAYERFS_CHECK's repair has done what can be done
 */
struct layerfs_problem {
	enum layerfs_object object;
	const char *id;
	const char *path;
	const char *what;
	bool repaired;
};

/**
 * struct layerfs_check_request - what to check
 * @refs: images, as for layerfs_store_find()
 * @nr_refs: how many; none for everything: all images and layers, listed or
 *	not, containers' records and the store's directories
 * @repair: give up records and layers that are damaged, so that an import
 *	brings them anew, and close directories that are open to others
 * @problem: told of each problem; below 0 ends the check
 * @layer: told that a layer's check begins (@health is NULL, @done 0), goes on
 *	and ends, with the bytes read so far; below 0 ends the check
 * @arg: for both
 */
struct layerfs_check_request {
	char *const *refs;
	size_t nr_refs;
	bool repair;
	int (*problem)(void *arg, const struct layerfs_problem *problem);
	int (*layer)(void *arg, size_t index, size_t nr, const struct layerfs_layer *layer,
		     uint64_t done, const enum layerfs_health *health);
	void *arg;
};

struct layerfs_checked_image {
	char *id;
	char *name;
	enum layerfs_health health;
};

struct layerfs_checked_layer {
	struct layerfs_layer layer;
	size_t nr_images;
	enum layerfs_health health;
};

/**
 * struct layerfs_checked - what was checked
 * @images: those whose records can be read; @name is one of its names or NULL
 * @layers: each once
 * @files: inodes that were compared
 * @problems: how many were reported
 */
struct layerfs_checked {
	struct layerfs_checked_image *images;
	size_t nr_images;
	struct layerfs_checked_layer *layers;
	size_t nr_layers;
	uint64_t files;
	size_t problems;
};

/**
 * layerfs_store_check() - check
 * @store: the store
 * @request: what
 * @checked: filled; to be freed by layerfs_checked_free()
 * @err: why it could not be done; damage is no error
 *
 * Imports and mounts may go on meanwhile; removals wait, and with a repair all.
 */
LAYERFS_API int layerfs_store_check(struct layerfs_store *store,
				    const struct layerfs_check_request *request,
				    struct layerfs_checked *checked,
				    struct layerfs_error *err);
LAYERFS_API void layerfs_checked_free(struct layerfs_checked *checked);

#endif
