/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store's images, layers and containers, the mounts of this namespace and
 * the kernel's rows, joined: what ps, tree and usage show.
 */
#ifndef _LAYERCTL_STATE_H
#define _LAYERCTL_STATE_H

#include "../lib/container.h"
#include "../lib/store.h"
#include "cmd.h"

/**
 * struct lc_container - one container, known by its record, its mount, or both
 * @record: NULL for one that was not mounted by layerctl
 * @mnt: its first mount point; NULL if it is not mounted here
 * @stat: the kernel's row; NULL if there is none for us to see
 * @image: in the store; NULL when no stored image has these layers
 */
struct lc_container {
	const struct layerfs_container *record;
	const struct layerfs_mountpoint *mnt;
	const struct layerfs_stat_container *stat;
	const struct layerfs_image *image;
};

/**
 * struct lc_layer - a stored layer
 * @use: from the store
 * @images: how many images have it
 * @containers: how many containers stand on it
 * @in_kernel: the kernel has it in use, and shows us
 * @counters: from there
 */
struct lc_layer {
	const struct layerfs_layer_use *use;
	size_t images;
	size_t containers;
	bool in_kernel;
	struct layerfs_counters counters;
};

/**
 * struct lc_state - everything
 * @stats_read: the kernel has answered
 * @layers: as many as @layer_list has, in its order
 * @containers: mounted ones and records
 */
struct lc_state {
	struct layerfs_store *store;
	struct layerfs_image_list images;
	struct layerfs_layer_list layer_list;
	struct layerfs_container_list records;
	struct layerfs_mountpoint_list mounts;
	struct layerfs_stats stats;
	bool stats_read;
	struct lc_layer *layers;
	struct lc_container *containers;
	size_t nr_containers;
};

/* A module that is not loaded is no error. To be freed in any case. */
int lc_state_read(const struct lc_ctx *ctx, struct lc_state *st,
		  struct layerfs_error *err);
void lc_state_free(struct lc_state *st);

const struct lc_layer *lc_state_layer(const struct lc_state *st, const char *diff_id);

/* What to call it: its name, else its mount's source if that says anything, or NULL */
const char *lc_container_name(const struct lc_container *c);
/* Where it is mounted here, or NULL */
const char *lc_container_target(const struct lc_container *c);
/* "mounted", "unmounted", or "elsewhere": in another mount namespace */
const char *lc_container_status(const struct lc_container *c);
/* The first name of an image, or its short id */
const char *lc_image_name(const struct lc_ctx *ctx, const struct layerfs_image *image,
			  char buf[130]);
/* What its own upper holds; false if it has none, or that cannot be told */
bool lc_container_upper_size(const struct lc_container *c, uint64_t *size,
			     uint64_t *inodes);

#endif /* _LAYERCTL_STATE_H */
