/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Collecting what imports, removals and mounts left that did not end: what
 * the store made itself and nothing refers to. What a container wrote is never
 * collected.
 */
#ifndef LAYERFS_STORE_GC_H
#define LAYERFS_STORE_GC_H

#include "store.h"

/**
 * enum layerfs_garbage_kind - what it is
 * @LAYERFS_GARBAGE_LAYER: a layer that no image has
 * @LAYERFS_GARBAGE_TEMPORARY: unfinished work
 * @LAYERFS_GARBAGE_CONTAINER: a container that is not mounted and has nothing:
 *	no upper, or one that was never mounted
 */
enum layerfs_garbage_kind {
	LAYERFS_GARBAGE_LAYER,
	LAYERFS_GARBAGE_TEMPORARY,
	LAYERFS_GARBAGE_CONTAINER,
};

/**
 * struct layerfs_garbage - one leftover
 * @kind: what it is
 * @name: a layer's digest, a name in tmp, a container's name
 * @bytes: of its files
 * @kept: why it stays for now; NULL if it is collected
 */
struct layerfs_garbage {
	enum layerfs_garbage_kind kind;
	char *name;
	uint64_t bytes;
	char *kept;
};

struct layerfs_garbage_list {
	struct layerfs_garbage *items;
	size_t nr;
};

/**
 * layerfs_store_collect() - remove what is left over
 * @store: the store
 * @dry_run: only list it
 * @list: filled, also on failure; to be freed by layerfs_garbage_free()
 * @err: why not all of it
 *
 * Waits for imports, removals and mounts to end. Refuses while a record cannot
 * be read: its layers are not known then.
 */
LAYERFS_API int layerfs_store_collect(struct layerfs_store *store, bool dry_run,
				      struct layerfs_garbage_list *list,
				      struct layerfs_error *err);
LAYERFS_API void layerfs_garbage_free(struct layerfs_garbage_list *list);

#endif
