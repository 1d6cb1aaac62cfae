// SPDX-License-Identifier: GPL-2.0-only
/* A layer that is a layerfs mount without an upper is replaced by the layers of that. */
#include <linux/mount.h>
#include <linux/slab.h>

#include "container/container.h"
#include "mount/flatten.h"
#include "mount/params.h"

/* Where in the list it would be: only the lowest of those that are merged. */
static unsigned int lfs_inner_at(const struct lfs_params *p)
{
	return p->nr_lower - p->nr_data - 1;
}

/* The image shown at a path, if there is nothing to it but the image. */
static const struct lfs_image *lfs_image_at(const struct path *path)
{
	const struct super_block *sb = path->dentry->d_sb;
	const struct lfs_container *c;

	if (sb->s_type != &lfs_fs_type || path->dentry != sb->s_root)
		return NULL;
	/* What the mount says of it, the layers' own mounts do not say. */
	if (path->mnt->mnt_flags & (MNT_NOSUID | MNT_UNBINDABLE) || is_idmapped_mnt(path->mnt))
		return NULL;
	c = lfs_container_of(sb);
	return lfs_container_has_upper(c) ? NULL : lfs_container_image(c);
}

/**
 * lfs_flatten - whether the lowest layer is to be replaced by what it is made of
 * @p: what the mounter asked for, with at least one layer that is merged
 * @reader: the mounter, and which attributes count
 *
 * Only where that shows the same, to whom it was shown before: see
 * Documentation/design/01-mount.rst.
 *
 * Return: the layers to take, good as long as @p has its paths; or NULL.
 */
const struct lfs_layerset *lfs_flatten(const struct lfs_params *p,
				       const struct lfs_reader *reader)
{
	const struct lfs_image *image = lfs_image_at(&p->lower[lfs_inner_at(p)]);

	if (!image || !lfs_image_serves(image, reader))
		return NULL;
	/* Two groups of layers of data, each for files of other layers. */
	if (p->nr_data && image->set->nr_data)
		return NULL;
	return image->set;
}

/**
 * lfs_layer_said - what to call a layer in a message to the mounter
 * @p: what the mounter asked for
 * @inner: from lfs_flatten()
 * @set: the layers
 * @i: which
 *
 * Return: allocated, or NULL.
 */
char *lfs_layer_said(const struct lfs_params *p, const struct lfs_layerset *inner,
		     const struct lfs_layerset *set, unsigned int i)
{
	unsigned int at = lfs_inner_at(p);

	if (!inner || i < at)
		return kasprintf(GFP_KERNEL, "lowerdir '%s'", p->name[i]);
	if (i >= at + inner->nr)
		return kasprintf(GFP_KERNEL, "lowerdir '%s'", p->name[i - inner->nr + 1]);
	return kasprintf(GFP_KERNEL, "layer '%s' of lowerdir '%s'", set->layers[i]->path,
			 p->name[at]);
}
