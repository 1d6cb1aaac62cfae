// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mount.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "layer/layerset.h"

static void lfs_layerset_add(struct lfs_layerset *set, struct lfs_layer *layer)
{
	set->nr++;
	set->layers[set->nr - 1] = layer;
}

/* The layers of directories, from *@at to before @end; *@at stops at a failure. */
static int lfs_layerset_add_paths(struct lfs_layerset *set, const struct path *paths,
				  unsigned int *at, unsigned int end)
{
	struct lfs_layer *layer;

	for (; *at < end; ++*at) {
		layer = lfs_layer_get(&paths[*at]);
		if (IS_ERR(layer))
			return PTR_ERR(layer);
		lfs_layerset_add(set, layer);
	}
	return 0;
}

static void lfs_layerset_add_inner(struct lfs_layerset *set, const struct lfs_layerset *inner)
{
	unsigned int i;

	if (inner->nr_data) {
		set->nr_data = inner->nr_data;
		set->data_from = set->nr + inner->data_from;
		set->data_to = set->nr + inner->data_to;
	}
	for (i = 0; i < inner->nr; i++)
		lfs_layerset_add(set, lfs_layer_hold(inner->layers[i]));
}

/**
 * lfs_layerset_make - the layers of a list of directories
 * @paths: top first
 * @nr: how many
 * @nr_data: how many of them, the last ones, hold only data
 * @inner: the set of a mounted image that takes the place of the last of the others,
 *         or NULL; not with @nr_data if it has layers of data itself
 * @bad: on failure, which of @paths could not be made a layer
 *
 * Return: the set, to be freed with lfs_layerset_free(), or an error of
 * lfs_layer_get().
 */
struct lfs_layerset *lfs_layerset_make(const struct path *paths, unsigned int nr,
				       unsigned int nr_data, const struct lfs_layerset *inner,
				       unsigned int *bad)
{
	unsigned int total = inner ? nr - 1 + inner->nr : nr;
	unsigned int own = inner ? nr - nr_data - 1 : nr - nr_data;
	struct lfs_layerset *set;
	int err;

	*bad = 0;
	set = kvzalloc(struct_size(set, layers, total), GFP_KERNEL_ACCOUNT);
	if (!set)
		return ERR_PTR(-ENOMEM);
	err = lfs_layerset_add_paths(set, paths, bad, own);
	if (!err && inner) {
		lfs_layerset_add_inner(set, inner);
		++*bad;
	}
	if (!err && nr_data) {
		set->nr_data = nr_data;
		set->data_to = own;
		err = lfs_layerset_add_paths(set, paths, bad, nr);
	}
	if (err) {
		lfs_layerset_free(set);
		return ERR_PTR(err);
	}
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
	       a->data_from == b->data_from && a->data_to == b->data_to &&
	       !memcmp(a->layers, b->layers, array_size(a->nr, sizeof(a->layers[0])));
}
