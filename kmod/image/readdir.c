// SPDX-License-Identifier: GPL-2.0-only
/*
 * One list of names for each directory of an image, made when it is first listed, or
 * when to look names up without it would cost more.
 */
#include <linux/slab.h>

#include "container/live.h"
#include "image/image.h"
#include "image/list.h"
#include "image/names.h"
#include "layer/lower.h"
#include "layer/marker.h"

struct lfs_fs_map {
	const struct lfs_image *image;
	unsigned int fsid;
};

static u64 lfs_map_ino(u64 ino, const void *arg)
{
	const struct lfs_fs_map *map = arg;

	return lfs_ino(map->image, map->fsid, ino);
}

/*
 * Whether a listing of @dir tells all names that a lookup finds.  Not so where the
 * filesystem may make up its mind with each call, or where names change when a key is
 * added.
 */
static bool lfs_real_lists_all(const struct inode *dir)
{
	return !lfs_fs_asks_who(dir->i_sb) && !IS_ENCRYPTED(dir);
}

static bool lfs_image_lists_all(const struct lfs_image_inode *ii)
{
	unsigned int i;

	for (i = 0; i <= ii->nr_below; i++) {
		if (!lfs_real_lists_all(d_inode(lfs_image_real(ii, i)->dentry)))
			return false;
	}
	return true;
}

static int lfs_image_names_fill(struct inode *dir, struct lfs_names *names)
{
	struct lfs_image *image = lfs_image_of(dir->i_sb);
	struct lfs_image_inode *ii = lfs_ii(dir);
	const struct lfs_real *real;
	struct lfs_fs_map map = { .image = image };
	struct path path;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i <= ii->nr_below; i++) {
		real = lfs_image_real(ii, i);
		path.dentry = real->dentry;
		path.mnt = image->set->layers[real->layer]->mnt;
		map.fsid = image->fsid[real->layer];
		names->source = i;
		err = lfs_real_list(&path, image->cred, names, lfs_map_ino, &map,
				    image->marks,
				    (real->xwhiteouts ? LFS_LIST_XWHITEOUTS : 0) |
				    (image->marks->aufs ? LFS_LIST_AUFS : 0));
		if (err == -ESTALE)
			lfs_layer_changed(image->set->layers[real->layer], path.dentry);
		if (real->last)
			break;
	}
	if (!err)
		lfs_names_drop_whiteouts(names);
	return err;
}

static struct lfs_image_list *lfs_image_names_make(struct inode *dir)
{
	struct lfs_image_list *list = kzalloc(sizeof(*list), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!list)
		return ERR_PTR(-ENOMEM);
	refcount_set(&list->ref, 1);
	list->version = lfs_image_version_settled(dir);
	list->names = lfs_names_alloc();
	if (list->names)
		err = lfs_image_names_fill(dir, list->names);
	if (err) {
		lfs_image_list_put(list);
		return ERR_PTR(err);
	}
	list->tells_all = lfs_image_lists_all(lfs_ii(dir));
	list->used = true;
	return list;
}

/* Only of a live layer's directory does a list become one of yesterday. */
static bool lfs_image_list_is_current(const struct lfs_image_list *list, const struct inode *dir)
{
	return list->version == lfs_image_version(dir);
}

static struct lfs_image_list *lfs_image_list_current(struct lfs_image_inode *ii)
{
	struct lfs_image_list *list = lfs_image_list_get(ii);

	if (!list || lfs_image_list_is_current(list, &ii->vfs_inode))
		return list;
	lfs_image_list_put(list);
	lfs_image_list_drop(ii);
	return NULL;
}

/**
 * lfs_image_names - the names in a directory of an image
 * @dir: the directory
 *
 * Context: takes the i_rwsem of the layers' directories, shared.
 * Return: a reference on the list, to be put with lfs_image_list_put(); or an error of
 * lfs_real_list().
 */
struct lfs_image_list *lfs_image_names(struct inode *dir)
{
	struct lfs_image_inode *ii = lfs_ii(dir);
	struct lfs_image_list *list;
	u64 version;

	for (;;) {
		list = lfs_image_list_current(ii);
		if (list)
			return list;
		list = lfs_image_names_make(dir);
		if (IS_ERR(list))
			return list;
		version = list->version;
		/* Two may make one at once: either serves, but not one from before a change. */
		list = lfs_image_list_publish(ii, list);
		if (list->version >= version)
			return list;
		lfs_image_list_put(list);
		lfs_image_list_drop(ii);
	}
}

/* How many lookups in vain cost as much as making the list; at least 2. */
static unsigned int lfs_image_index_price(const struct lfs_image_inode *ii)
{
	u64 size, bytes = 0;
	unsigned int i;

	for (i = 0; i <= ii->nr_below; i++) {
		size = i_size_read(d_inode(lfs_image_real(ii, i)->dentry));
		/* A first block is there even for one name. */
		bytes += size - min(size, LFS_DIR_BLOCK);
	}
	return min(LFS_OPENDIR_LOOKUPS * (ii->nr_below + 1) + bytes / LFS_LOOKUP_DIR_BYTES,
		   LFS_INDEX_NEVER - 1);
}

/**
 * lfs_image_index - which names a directory of an image has, and where, if known
 * @dir: the directory
 *
 * Return: a reference on the list: what is not in it is not there.  NULL if there is
 * none now, or it does not tell all.
 */
struct lfs_image_list *lfs_image_index(struct inode *dir)
{
	struct lfs_image_list *list = lfs_image_list_current(lfs_ii(dir));

	if (!list || list->tells_all)
		return list;
	lfs_image_list_put(list);
	return NULL;
}

/**
 * lfs_image_lacks - whether a directory of an image is known not to have a name
 * @dir: the directory
 * @name: need not end in NUL
 * @len: its length in bytes
 */
bool lfs_image_lacks(const struct inode *dir, const char *name, int len)
{
	struct lfs_image_list *list;
	const struct lfs_name *n;
	bool lacks = false;

	rcu_read_lock();
	list = rcu_dereference(lfs_ii(dir)->list);
	if (list && list->tells_all && lfs_image_list_is_current(list, dir)) {
		lfs_image_list_touch(list);
		n = lfs_names_find(list->names, name, len);
		lacks = !n || n->whiteout;
	}
	rcu_read_unlock();
	return lacks;
}

/**
 * lfs_image_index_in_vain - real directories were asked for a name that they have not
 * @dir: the directory of the image
 * @times: how many of them
 *
 * Makes the list when these lookups have cost as much: then whoever asks for a few
 * names only never pays for it, and nobody pays more than double.
 *
 * Context: takes the i_rwsem of the layers' directories, shared.
 */
void lfs_image_index_in_vain(struct inode *dir, unsigned int times)
{
	struct lfs_image_inode *ii = lfs_ii(dir);
	unsigned int left = READ_ONCE(ii->index_after);
	struct lfs_image_list *list;

	if (left == LFS_INDEX_NEVER || !times)
		return;
	if (!left)
		left = lfs_image_lists_all(ii) ? lfs_image_index_price(ii) : LFS_INDEX_NEVER;
	if (left != LFS_INDEX_NEVER && left > times)
		left -= times;
	else if (left != LFS_INDEX_NEVER)
		left = 0;
	WRITE_ONCE(ii->index_after, left);
	/* If that fails the names can be looked up without, and it is tried again later. */
	if (left)
		return;
	list = lfs_image_names(dir);
	if (!IS_ERR(list))
		lfs_image_list_put(list);
}
