// SPDX-License-Identifier: GPL-2.0-only
/* One list of names for each directory of an image, made when first asked for. */
#include <linux/slab.h>

#include "image/image.h"
#include "image/names.h"
#include "layer/lower.h"

struct lfs_fs_map {
	const struct lfs_image *image;
	unsigned int fsid;
};

static u64 lfs_map_ino(u64 ino, const void *arg)
{
	const struct lfs_fs_map *map = arg;

	return lfs_ino(map->image, map->fsid, ino);
}

static struct lfs_names *lfs_image_names_build(struct inode *dir)
{
	struct lfs_image *image = lfs_image_of(dir->i_sb);
	struct lfs_image_inode *ii = lfs_ii(dir);
	const struct lfs_real *real;
	struct lfs_fs_map map = { .image = image };
	struct lfs_names *names;
	struct path path;
	unsigned int i;
	int err = 0;

	names = lfs_names_alloc();
	if (!names)
		return ERR_PTR(-ENOMEM);
	for (i = 0; !err && i <= ii->nr_below; i++) {
		real = lfs_image_real(ii, i);
		path.dentry = real->dentry;
		path.mnt = image->set->layers[real->layer]->mnt;
		map.fsid = image->fsid[real->layer];
		err = lfs_real_list(&path, image->cred, names, lfs_map_ino, &map,
				    real->xwhiteouts ? image->marks : NULL);
	}
	if (err) {
		lfs_names_free(names);
		return ERR_PTR(err);
	}
	lfs_names_drop_whiteouts(names);
	return names;
}

/**
 * lfs_image_names - the names in a directory of an image
 * @dir: the directory
 *
 * Context: takes the i_rwsem of the layers' directories, shared.
 * Return: the list, good as long as @dir is referenced; or an error of
 * lfs_real_list().
 */
const struct lfs_names *lfs_image_names(struct inode *dir)
{
	struct lfs_image_inode *ii = lfs_ii(dir);
	struct lfs_names *names, *other;

	/* Pairs with cmpxchg() below: the list is complete before it is seen. */
	names = smp_load_acquire(&ii->names);
	if (names)
		return names;
	names = lfs_image_names_build(dir);
	if (IS_ERR(names))
		return names;
	/* Two may build at once; the layers do not change, so either list serves. */
	other = cmpxchg(&ii->names, NULL, names);
	if (!other)
		return names;
	lfs_names_free(names);
	return other;
}
