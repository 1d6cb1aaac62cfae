// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where an object of a layer comes from, said so that a later mount understands
 * it: by the filesystem's uuid, or else by the place of its lowest layer counted
 * from the bottom, so that layers may be added on top.
 */
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/string.h>
#include <linux/uuid.h>
#include <linux/layerfs_ondisk.h>

#include "image/image.h"

static const struct dentry *lfs_fs_root(const struct lfs_image *image, unsigned int f)
{
	return image->set->layers[image->fs[f].lowest]->mnt->mnt_root;
}

static void lfs_fs_place(const struct lfs_image *image, unsigned int f,
			 struct layerfs_origin *origin)
{
	const struct inode *root = d_inode(lfs_fs_root(image, f));

	origin->place.layer = cpu_to_le32(lfs_nr_merged(image->set) - 1 - image->fs[f].lowest);
	origin->place.magic = cpu_to_le32(root->i_sb->s_magic);
	origin->place.root = cpu_to_le64(root->i_ino);
}

/**
 * lfs_image_origin - what names an object of a layer for good
 * @inode: of an image; of a directory, the topmost is meant
 * @origin: filled in
 */
void lfs_image_origin(const struct inode *inode, struct layerfs_origin *origin)
{
	const struct lfs_image *image = lfs_image_of(inode->i_sb);
	const struct lfs_real *top = &lfs_ii(inode)->top;
	unsigned int f = image->fsid[top->layer];

	memset(origin, 0, sizeof(*origin));
	origin->ino = cpu_to_le64(d_inode(top->dentry)->i_ino);
	if (!lfs_image_may_suid(inode))
		origin->flags = LAYERFS_ORIGIN_NOSUID;
	if (image->fs[f].known) {
		origin->version = LAYERFS_ORIGIN_UUID;
		memcpy(origin->uuid, image->fs[f].sb->s_uuid.b, sizeof(origin->uuid));
	} else {
		origin->version = LAYERFS_ORIGIN_PLACE;
		lfs_fs_place(image, f, origin);
	}
}

/**
 * lfs_image_origin_fs - which filesystem under an image an origin is about
 * @image: the image
 * @origin: from lfs_marker_origin()
 *
 * Return: its place in @image->fs, or -1 if it is none of them.
 */
int lfs_image_origin_fs(const struct lfs_image *image, const struct layerfs_origin *origin)
{
	struct layerfs_origin here;
	unsigned int f, layer;

	if (origin->version == LAYERFS_ORIGIN_PLACE) {
		layer = le32_to_cpu(origin->place.layer);
		if (layer >= lfs_nr_merged(image->set))
			return -1;
		f = image->fsid[lfs_nr_merged(image->set) - 1 - layer];
		lfs_fs_place(image, f, &here);
		return memcmp(&here.place, &origin->place, sizeof(here.place)) ? -1 : f;
	}
	for (f = 0; f < image->nr_fs; f++) {
		if (image->fs[f].known &&
		    !memcmp(image->fs[f].sb->s_uuid.b, origin->uuid, UUID_SIZE))
			return f;
	}
	return -1;
}

/**
 * lfs_image_layer_ident - which layer a file handle is about
 * @image: the image
 * @layer: one of its layers
 *
 * Return: the same number in later mounts, also if there are more layers on top.
 */
u64 lfs_image_layer_ident(const struct lfs_image *image, unsigned int layer)
{
	const struct lfs_fs *fs = &image->fs[image->fsid[layer]];
	u64 ident = image->set->layers[layer]->ident;

	/* As in an origin: of filesystems with one uuid, the place of its lowest layer. */
	return fs->known ? ident : ident ^ (image->set->nr - fs->lowest);
}
