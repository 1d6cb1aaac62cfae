/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_LAYERSET_H
#define _LAYERFS_LAYERSET_H

#include "layer/layer.h"

/**
 * struct lfs_layerset - an ordered list of layers, top first
 * @nr: how many; 1 to LFS_MAX_LAYERS
 * @nr_data: how many of them, the last ones, hold only data for files of the others
 * @data_from: the first of those others whose files may have their data there
 * @data_to: one past the last of these
 * @layers: a reference on each, held by the set
 */
struct lfs_layerset {
	unsigned int nr;
	unsigned int nr_data;
	unsigned int data_from;
	unsigned int data_to;
	struct lfs_layer *layers[] __counted_by(nr);
};

/* How many layers show their names; at least 1. */
static inline unsigned int lfs_nr_merged(const struct lfs_layerset *set)
{
	return set->nr - set->nr_data;
}

/* Whether files of a layer may have their data in one that holds only data. */
static inline bool lfs_has_data_layers(const struct lfs_layerset *set, unsigned int layer)
{
	return set->nr_data && layer >= set->data_from && layer < set->data_to;
}

struct lfs_layerset *lfs_layerset_make(const struct path *paths, unsigned int nr,
				       unsigned int nr_data, const struct lfs_layerset *inner,
				       unsigned int *bad);
void lfs_layerset_free(struct lfs_layerset *set);
bool lfs_layerset_equal(const struct lfs_layerset *a, const struct lfs_layerset *b);

#endif /* _LAYERFS_LAYERSET_H */
