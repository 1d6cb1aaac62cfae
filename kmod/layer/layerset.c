// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mount.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "layer/layerset.h"

/**
 * lfs_layerset_make - the layers of a list of directories
 * @paths: top first
 * @nr: how many
 * @nr_data: how many of them, the last ones, hold only data
 * @bad: on failure, which of @paths could not be made a layer
 *
 * Return: the set, to be freed with lfs_layerset_free(), or an error of
 * lfs_layer_get().
 */
struct lfs_layerset *lfs_layerset_make(const struct path *paths, unsigned int nr,
				       unsigned int nr_data, unsigned int *bad)
{
	struct lfs_layerset *set;
	struct lfs_layer *layer;
	unsigned int i;

	*bad = 0;
	set = kvzalloc(struct_size(set, layers, nr), GFP_KERNEL_ACCOUNT);
	if (!set)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < nr; i++) {
		layer = lfs_layer_get(&paths[i]);
		if (IS_ERR(layer)) {
			*bad = i;
			lfs_layerset_free(set);
			return ERR_CAST(layer);
		}
		set->nr = i + 1;
		set->layers[i] = layer;
	}
	set->nr_data = nr_data;
	return set;
}

/* As many mounts as are ended behind one grace period. */
#define LFS_UNMOUNT_BATCH 32

/**
 * lfs_layerset_free - drop a set and its references
 * @set: no longer in use by an image; may be NULL
 *
 * Context: process context without locks; may wait for a grace period.
 */
void lfs_layerset_free(struct lfs_layerset *set)
{
	struct vfsmount *dead[LFS_UNMOUNT_BATCH];
	unsigned int i, n = 0;

	if (!set)
		return;
	for (i = 0; i < set->nr; i++) {
		dead[n] = lfs_layer_put(set->layers[i]);
		if (dead[n])
			n++;
		if (n == LFS_UNMOUNT_BATCH) {
			kern_unmount_array(dead, n);
			n = 0;
		}
	}
	if (n)
		kern_unmount_array(dead, n);
	kvfree(set);
}

/**
 * lfs_layerset_equal - whether two sets are the same list
 * @a: one set
 * @b: the other
 *
 * Context: any; takes no lock, as layers are unique while referenced.
 */
bool lfs_layerset_equal(const struct lfs_layerset *a, const struct lfs_layerset *b)
{
	return a->nr == b->nr && a->nr_data == b->nr_data &&
	       !memcmp(a->layers, b->layers, array_size(a->nr, sizeof(a->layers[0])));
}
