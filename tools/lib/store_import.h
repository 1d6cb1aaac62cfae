/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bringing an image into the store.
 */
#ifndef LAYERFS_STORE_IMPORT_H
#define LAYERFS_STORE_IMPORT_H

#include "store.h"

/**
 * enum layerfs_import_step - what happens to a layer
 * @LAYERFS_IMPORT_START: its unpacking begins
 * @LAYERFS_IMPORT_READ: some of its blob was read
 * @LAYERFS_IMPORT_SYNC: all is unpacked and goes to the disk now
 * @LAYERFS_IMPORT_DONE: it is stored
 * @LAYERFS_IMPORT_PRESENT: it was there already; no other step comes
 * @LAYERFS_IMPORT_FAILED: the import ends here
 */
enum layerfs_import_step {
	LAYERFS_IMPORT_START,
	LAYERFS_IMPORT_READ,
	LAYERFS_IMPORT_SYNC,
	LAYERFS_IMPORT_DONE,
	LAYERFS_IMPORT_PRESENT,
	LAYERFS_IMPORT_FAILED,
};

/**
 * struct layerfs_import_event - one step
 * @step: which
 * @index: of the layer, 0 for the bottom one
 * @nr: how many layers the image has
 * @diff_id: the layer
 * @done: bytes of the blob read so far
 * @total: size of the blob; 0 with @LAYERFS_IMPORT_PRESENT
 */
struct layerfs_import_event {
	enum layerfs_import_step step;
	size_t index, nr;
	const char *diff_id;
	uint64_t done, total;
};

/* Images of machine learning have some tens of GiB */
#define LAYERFS_IMPORT_MAX_SIZE	(UINT64_C(128) << 30)

/**
 * struct layerfs_import_request - what to import
 * @source: "[oci:|oci-archive:|docker-archive:]PATH[:REF]"
 * @name: name for the image, or NULL to take those of the source
 * @platform: "os/arch[/variant]", or NULL for this machine's
 * @max_size: bytes that the layers may unpack to, all together and counted as
 *	tars; 0 for LAYERFS_IMPORT_MAX_SIZE. However much it is, the import ends
 *	when it has used nine tenths of what was free.
 * @event: told of each step, or NULL; a negative errno ends the import
 * @stop: asked while an archive is searched, of which no event tells, or NULL; a
 *	negative errno ends the import
 * @arg: for @event and @stop
 */
struct layerfs_import_request {
	const char *source;
	const char *name;
	const char *platform;
	uint64_t max_size;
	int (*event)(void *arg, const struct layerfs_import_event *event);
	int (*stop)(void *arg);
	void *arg;
};

/**
 * struct layerfs_imported - what became of it
 * @id: the image
 * @names: the names that it was given now
 * @nr_names: how many
 * @was_present: the store had the image already
 * @layers: BOTTOM first, as the config lists them
 * @present: for each, whether the store had it already
 * @nr_layers: how many
 * @ignored_xattrs: xattrs of archives that were left out on purpose
 */
struct layerfs_imported {
	char *id;
	char **names;
	size_t nr_names;
	bool was_present;
	struct layerfs_layer *layers;
	bool *present;
	size_t nr_layers;
	uint64_t ignored_xattrs;
};

/**
 * layerfs_store_import() - import one image
 * @store: opened with create
 * @request: what
 * @imported: filled; to be freed by layerfs_imported_free()
 * @err: why not
 *
 * A failure leaves the store as it was, but for whole layers that were
 * already stored; the next try finds them there.
 */
LAYERFS_API int layerfs_store_import(struct layerfs_store *store,
				     const struct layerfs_import_request *request,
				     struct layerfs_imported *imported,
				     struct layerfs_error *err);
LAYERFS_API void layerfs_imported_free(struct layerfs_imported *imported);

#endif
