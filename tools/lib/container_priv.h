/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files about containers share. */
#ifndef LAYERFS_CONTAINER_PRIV_H
#define LAYERFS_CONTAINER_PRIV_H

#include "container.h"
#include "store_priv.h"

/* In a container's directory until it was mounted once */
#define CONTAINER_NEW "new"

/** container_check_name() - letters, digits and "_.-", not "." first */
int container_check_name(const char *name, struct layerfs_error *err);

/** container_open_dir() - <root>/containers, made if @create; or -errno */
int container_open_dir(struct layerfs_store *store, bool create,
		       struct layerfs_error *err);

/** container_load() - read a record; -ENOENT */
int container_load(struct layerfs_store *store, int containers, const char *name,
		   struct layerfs_container *c, struct layerfs_error *err);

/** container_load_any() - the same, but one whose record is no use is @damaged */
int container_load_any(struct layerfs_store *store, int containers, const char *name,
		       struct layerfs_container *c, struct layerfs_error *err);

/**
 * container_lock() - keep others from mounting and unmounting a container
 *
 * Return: a descriptor of its directory that holds the lock, -EBUSY when
 * another process has it, or another -errno.
 */
int container_lock(int containers, const char *name, struct layerfs_error *err);

/** container_create() - make it with all its directories, and lock it likewise */
int container_create(struct layerfs_store *store, int containers, const char *top_layer,
		     bool with_upper, struct layerfs_container *c,
		     struct layerfs_error *err);

/** container_add_upper() - give an upper to one that has none; @dir is locked */
int container_add_upper(int dir, const char *top_layer, struct layerfs_container *c,
			struct layerfs_error *err);

/** container_save() - rewrite the record; @dir is the container's directory */
int container_save(int dir, const struct layerfs_container *c,
		   struct layerfs_error *err);

/** container_mounted() - the mount was made; @dir is the container's directory */
void container_mounted(int dir);

/** container_remove() - record, upper and all; the caller has it locked */
int container_remove(struct layerfs_store *store, int containers, const char *name,
		     struct layerfs_error *err);

#endif
