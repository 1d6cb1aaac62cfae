/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image store: what `layerctl import` fills and everything else reads.
 *
 *	<root>/lock			flock: shared by imports, exclusive for removal
 *	<root>/images/<hex>.json	one record per image, <hex> of its config's digest
 *	<root>/layers/sha256/<hex>/	one directory per layer, <hex> of its diff-id
 *		fs/			its tree, in overlayfs's on-disk format
 *		tree			what belongs in it, a line a file
 *		info.json		size, inodes, ...: what is known since the import
 *	<root>/tmp/			unfinished work, collected by the next import
 *	<root>/containers/		not the store's: read only to see what is in use
 *
 * Digests are strings "sha256:<64 hex digits>" everywhere in this interface.
 * Documentation/design/08-store.rst tells why the store is as it is.
 */
#ifndef LAYERFS_STORE_H
#define LAYERFS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "layerfs.h"

#define LAYERFS_STORE_DEFAULT_ROOT	"/var/lib/layerfs"

/* The kernel module's limit on the layers of one stack is no smaller. */
#define LAYERFS_STORE_MAX_LAYERS	500

struct layerfs_store;

/**
 * struct layerfs_layer - one stored layer
 * @diff_id: digest of its uncompressed tar; its name in the store
 * @dir: absolute path of its tree, as for lowerdir=
 * @size: bytes of file data, every inode counted once
 * @inodes: inodes of the tree, its root directory included
 * @compressed_size: size of the blob that it was imported from
 * @blob_digest: digest of that blob, "" if unknown
 * @created: when it was imported
 * @tree_digest: digest of the list of its files; "" for a layer that was
 *	imported before there were such lists
 * @opaque: its root hides all layers below it
 * @missing: the record names it, but the store has no such layer (the store
 *	was damaged from outside); @dir is set all the same, the sizes are 0
 */
struct layerfs_layer {
	char *diff_id;
	char *dir;
	uint64_t size;
	uint64_t inodes;
	uint64_t compressed_size;
	char *blob_digest;
	time_t created;
	char *tree_digest;
	bool opaque;
	bool missing;
};

/**
 * struct layerfs_image - one image record
 * @id: digest of its config
 * @names: its names, each "repository:tag"; none for an image whose only name
 *	was given to another one
 * @nr_names: how many
 * @created: what its config says, else when it was imported; 0 if neither
 * @architecture: from its config, "" if absent
 * @os: from its config, "" if absent
 * @layers: TOP first, each once: of a layer that the config lists twice only
 *	the upper occurrence can be seen
 * @nr_layers: how many
 * @nr_stacked: how many of them, from the top, can be seen: those down to the
 *	first whose root is opaque
 * @size: sum of the sizes of its layers
 * @config: the config, byte for byte
 * @config_len: length of @config, which is NUL-terminated besides
 * @manifest_digest: digest of its manifest, "" if the source had none
 * @imported: when it came into the store
 * @named_ns: when its names last changed, nanoseconds since 1970
 * @stale_names: its record has a name that is another image's since a crash
 */
struct layerfs_image {
	char *id;
	char **names;
	size_t nr_names;
	time_t created;
	char *architecture;
	char *os;
	struct layerfs_layer *layers;
	size_t nr_layers;
	size_t nr_stacked;
	uint64_t size;
	char *config;
	size_t config_len;
	char *manifest_digest;
	time_t imported;
	int64_t named_ns;
	bool stale_names;
};

struct layerfs_image_list {
	struct layerfs_image *images;
	size_t nr;
};

/**
 * struct layerfs_layer_use - a stored layer and who stands on it
 * @layer: the layer
 * @image_ids: ids of the images that have it; borrowed from the image list
 *	that it was made with
 * @nr_images: how many; 0 for a layer that an interrupted import or removal
 *	left behind
 */
struct layerfs_layer_use {
	struct layerfs_layer layer;
	const char **image_ids;
	size_t nr_images;
};

struct layerfs_layer_list {
	struct layerfs_layer_use *layers;
	size_t nr;
};

/**
 * layerfs_store_open() - open the store at a root directory
 * @root: the directory; NULL for LAYERFS_STORE_DEFAULT_ROOT
 * @create: make what is missing; without it an absent store is an empty one
 * @storep: the store, to be freed by layerfs_store_close()
 * @err: why not
 */
LAYERFS_API int layerfs_store_open(const char *root, bool create, struct layerfs_store **storep,
				   struct layerfs_error *err);
LAYERFS_API void layerfs_store_close(struct layerfs_store *store);

/** layerfs_store_root() - the absolute path of the store's root */
LAYERFS_API const char *layerfs_store_root(const struct layerfs_store *store);

/**
 * layerfs_store_on_wait() - be told before waiting for another process
 * @store: the store
 * @wait: called with what is waited for, such as "an import to end"
 * @arg: for @wait
 */
LAYERFS_API void layerfs_store_on_wait(struct layerfs_store *store,
				       void (*wait)(void *arg, const char *what), void *arg);

/**
 * layerfs_store_hold() - keep images and layers from being removed
 * @store: the store; holds them until layerfs_store_close()
 * @err: why not
 */
LAYERFS_API int layerfs_store_hold(struct layerfs_store *store, struct layerfs_error *err);

/**
 * layerfs_store_images() - all images, newest import first
 * @store: the store
 * @list: filled; to be freed by layerfs_image_list_free()
 * @err: why not
 */
LAYERFS_API int layerfs_store_images(struct layerfs_store *store, struct layerfs_image_list *list,
				     struct layerfs_error *err);
LAYERFS_API void layerfs_image_list_free(struct layerfs_image_list *list);

/**
 * layerfs_store_find() - one image by what a user types
 * @store: the store
 * @ref: "name", "name:tag", a digest "[name@]sha256:<hex>" of config or
 *	manifest, or a unique prefix of the id's hex digits; a name goes before
 *	a prefix, and a whole digest is never a name
 * @imagep: the image, to be freed by layerfs_image_free()
 * @err: why not
 *
 * Return: 0, -ENOENT, -ENOTUNIQ for a prefix of several ids, or another -errno.
 */
LAYERFS_API int layerfs_store_find(struct layerfs_store *store, const char *ref,
				   struct layerfs_image **imagep, struct layerfs_error *err);
LAYERFS_API void layerfs_image_free(struct layerfs_image *image);

/**
 * layerfs_store_layers() - all stored layers and who uses them
 * @store: the store
 * @images: from layerfs_store_images() of the same store; must outlive @list
 * @list: filled; to be freed by layerfs_layer_list_free()
 * @err: why not
 */
LAYERFS_API int layerfs_store_layers(struct layerfs_store *store,
				     const struct layerfs_image_list *images,
				     struct layerfs_layer_list *list, struct layerfs_error *err);
LAYERFS_API void layerfs_layer_list_free(struct layerfs_layer_list *list);

/**
 * struct layerfs_removed - what layerfs_store_remove() did
 * @untagged: the names that are gone
 * @nr_untagged: how many
 * @id: the image removed, NULL if it has other names left
 * @layers: diff-ids of the layers removed
 * @nr_layers: how many
 * @bytes: sum of their sizes
 */
struct layerfs_removed {
	char **untagged;
	size_t nr_untagged;
	char *id;
	char **layers;
	size_t nr_layers;
	uint64_t bytes;
};

/**
 * layerfs_store_remove() - remove an image, or one of its names
 * @store: the store
 * @ref: as for layerfs_store_find(); a name of an image that has others only
 *	takes the name away
 * @removed: filled; to be freed by layerfs_removed_free()
 * @err: why not
 *
 * Return: 0, -ENOENT, -ENOTUNIQ, -EBUSY when a container stands on the image or
 * a mount on a layer that would go (the message names it), or another -errno.
 */
LAYERFS_API int layerfs_store_remove(struct layerfs_store *store, const char *ref,
				     struct layerfs_removed *removed, struct layerfs_error *err);
LAYERFS_API void layerfs_removed_free(struct layerfs_removed *removed);

#endif
