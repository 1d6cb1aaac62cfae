// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing a directory: the names in the upper, then those of the image that
 * the upper does not hide.  The image's list is shared by all containers; only
 * the upper's names are the container's own.
 */
#include <linux/slab.h>
#include <linux/refcount.h>

#include "container/container.h"
#include "container/settle.h"
#include "image/list.h"
#include "image/names.h"
#include "layer/lower.h"
#include "layer/marker.h"

/**
 * struct lfs_dirlist - a directory's names in the upper at one moment
 * @ref: one for the inode's cache, one for each reader
 * @version: lfs_inode.version when the list was made, and that of the image's list
 * @names: whiteouts among them
 */
struct lfs_dirlist {
	refcount_t ref;
	u64 version;
	struct lfs_names *names;
};

/**
 * struct lfs_listing - what a directory consists of at one moment
 * @upper: its names in the upper, or NULL; a reference
 * @image: its names in the image, or NULL; a reference
 */
struct lfs_listing {
	struct lfs_dirlist *upper;
	struct lfs_image_list *image;
};

/**
 * struct lfs_dir_file - an open directory
 * @listing: as of the first read or the last rewind; position n + 2 is the n-th
 *           name of its upper part, followed by those of its image part
 * @listed: there is one
 * @synced: the upper directory, opened when fsync was first called
 */
struct lfs_dir_file {
	struct lfs_listing listing;
	bool listed;
	struct file *synced;
};

static void lfs_dirlist_put(struct lfs_dirlist *list)
{
	if (list && refcount_dec_and_test(&list->ref)) {
		lfs_names_free(list->names);
		kfree(list);
	}
}

/**
 * lfs_dirlist_free_inode - drop an inode's cached list
 * @li: about to be freed
 */
void lfs_dirlist_free_inode(struct lfs_inode *li)
{
	lfs_dirlist_put(li->list);
	li->list = NULL;
}

static void lfs_listing_put(struct lfs_listing *listing)
{
	lfs_dirlist_put(listing->upper);
	lfs_image_list_put(listing->image);
}

static u64 lfs_upper_map_ino(u64 ino, const void *arg)
{
	const struct lfs_container *c = arg;

	return lfs_ino(lfs_container_image(c), c->upper_fsid, ino);
}

/*
 * An upper object's st_ino is that of its inode, unless the directory is
 * marked impure, or it is a directory that merges with one of the image.
 */
static int lfs_dirlist_fix_inos(struct inode *dir, struct lfs_names *names,
				const struct lfs_image_list *image)
{
	struct lfs_name *n;
	struct lfs_key key;
	unsigned int i;
	int err, impure;

	impure = lfs_marker_impure(lfs_marks(dir->i_sb), lfs_upper(dir));
	if (impure < 0)
		return impure;
	for (i = 0; i < names->nr; i++) {
		n = names->v[i];
		if (n->whiteout)
			continue;
		if (!impure && (n->type != DT_DIR || !image ||
				!lfs_names_find(image->names, n->name, n->len)))
			continue;
		err = lfs_resolve(dir, lfs_upper(dir), n->name, n->len, &key);
		if (err == -EINTR || err == -ENOMEM)
			return err;
		/* One bad entry must not hide the others. */
		if (err)
			continue;
		if (key.upper)
			n->ino = key.ino;
		lfs_key_put(&key);
	}
	return 0;
}

static int lfs_dirlist_fill(struct inode *dir, struct lfs_names *names,
			    const struct lfs_image_list *image)
{
	struct lfs_container *c = lfs_c(dir);
	struct path path;
	int err;

	lfs_upper_path(dir, &path);
	err = lfs_real_list(&path, c->cred, names, lfs_upper_map_ino, c, lfs_marks(dir->i_sb), 0);
	if (err == -ESTALE)
		lfs_upper_changed(c, path.dentry);
	return err ?: lfs_dirlist_fix_inos(dir, names, image);
}

static struct lfs_dirlist *lfs_dirlist_make(struct inode *dir,
					    const struct lfs_image_list *image, u64 version)
{
	struct lfs_dirlist *list = kzalloc(sizeof(*list), GFP_KERNEL_ACCOUNT);
	const struct cred *old;
	int err = -ENOMEM;

	if (!list)
		return ERR_PTR(-ENOMEM);
	refcount_set(&list->ref, 1);
	list->version = version;
	list->names = lfs_names_alloc();
	if (list->names) {
		old = lfs_override_creds(dir->i_sb);
		err = lfs_dirlist_fill(dir, list->names, image);
		revert_creds(old);
	}
	if (err) {
		lfs_dirlist_put(list);
		return ERR_PTR(err);
	}
	return list;
}

/* A reference on the upper's list as of now; @dir's i_rwsem is held. */
static struct lfs_dirlist *lfs_dirlist_get(struct inode *dir, const struct lfs_image_list *image)
{
	struct lfs_inode *li = lfs_i(dir);
	struct lfs_dirlist *list;
	u64 version;

	if (mutex_lock_killable(&li->lock))
		return ERR_PTR(-EINTR);
	list = li->list;
	version = atomic64_read(&li->version) + (image ? image->version : 0);
	if (!list || list->version != version) {
		list = lfs_dirlist_make(dir, image, version);
		if (IS_ERR(list))
			goto out;
		lfs_dirlist_put(li->list);
		li->list = list;
	}
	refcount_inc(&list->ref);
out:
	mutex_unlock(&li->lock);
	return list;
}

/* To be put with lfs_listing_put(), but for an error; @dir's i_rwsem is held. */
static int lfs_listing_get(struct inode *dir, struct lfs_listing *listing)
{
	struct lfs_image_list *image = NULL;
	struct lfs_dirlist *upper = NULL;

	if (lfs_image(dir)) {
		image = lfs_image_names(d_inode(lfs_image(dir)));
		if (IS_ERR(image))
			return PTR_ERR(image);
	}
	if (lfs_upper(dir)) {
		upper = lfs_dirlist_get(dir, image);
		if (IS_ERR(upper)) {
			lfs_image_list_put(image);
			return PTR_ERR(upper);
		}
	}
	listing->upper = upper;
	listing->image = image;
	return 0;
}

/* The name at a position, or NULL if it is hidden. */
static const struct lfs_name *lfs_listing_at(const struct lfs_listing *listing, unsigned int i)
{
	const struct lfs_names *upper = listing->upper ? listing->upper->names : NULL;
	const struct lfs_name *n;

	if (upper && i < upper->nr) {
		n = upper->v[i];
		return n->whiteout ? NULL : n;
	}
	if (upper)
		i -= upper->nr;
	n = listing->image->names->v[i];
	if (upper && lfs_names_find(upper, n->name, n->len))
		return NULL;
	return n;
}

static unsigned int lfs_listing_len(const struct lfs_listing *listing)
{
	return (listing->upper ? listing->upper->names->nr : 0) +
	       (listing->image ? listing->image->names->nr : 0);
}

static int lfs_iterate(struct file *file, struct dir_context *ctx)
{
	struct lfs_dir_file *df = file->private_data;
	struct lfs_listing listing;
	const struct lfs_name *n;
	unsigned int len;
	int err;

	/* Two readers of one open directory are kept apart by f_pos_lock. */
	if (!df->listed || !ctx->pos) {
		err = lfs_listing_get(file_inode(file), &listing);
		if (err)
			return err;
		lfs_listing_put(&df->listing);
		df->listing = listing;
		df->listed = true;
	}
	if (!dir_emit_dots(file, ctx))
		return 0;
	len = lfs_listing_len(&df->listing);
	for (; ctx->pos - 2 < len; ctx->pos++) {
		n = lfs_listing_at(&df->listing, ctx->pos - 2);
		if (n && !dir_emit(ctx, n->name, n->len, n->ino, n->type))
			return 0;
	}
	return 0;
}

/**
 * lfs_dir_empty - whether a directory has no visible names
 * @dir: its i_rwsem is held
 *
 * Return: 1, 0 or an error.
 */
int lfs_dir_empty(struct inode *dir)
{
	struct lfs_listing listing;
	unsigned int i, len;
	int empty = 1, err;

	err = lfs_listing_get(dir, &listing);
	if (err)
		return err;
	len = lfs_listing_len(&listing);
	for (i = 0; empty && i < len; i++)
		empty = !lfs_listing_at(&listing, i);
	lfs_listing_put(&listing);
	return empty;
}

static int lfs_dir_open(struct inode *dir, struct file *file)
{
	struct lfs_dir_file *df = kzalloc(sizeof(*df), GFP_KERNEL_ACCOUNT);

	if (!df)
		return -ENOMEM;
	file->private_data = df;
	return 0;
}

static int lfs_dir_release(struct inode *dir, struct file *file)
{
	struct lfs_dir_file *df = file->private_data;

	lfs_listing_put(&df->listing);
	if (df->synced)
		fput(df->synced);
	kfree(df);
	return 0;
}

static int lfs_dir_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct lfs_dir_file *df = file->private_data;
	struct inode *dir = file_inode(file);
	struct lfs_container *c = lfs_c(dir);
	struct file *synced = READ_ONCE(df->synced);
	const struct cred *old;
	struct path path;
	int err;

	if (!lfs_upper(dir))
		return 0;
	if (c->params->is_volatile)
		return lfs_volatile_status(c);
	if (!synced) {
		lfs_upper_path(dir, &path);
		old = override_creds(c->cred);
		synced = lfs_real_open(&path, O_RDONLY | O_DIRECTORY, c->cred);
		revert_creds(old);
		if (IS_ERR(synced))
			return PTR_ERR(synced);
		if (cmpxchg(&df->synced, NULL, synced)) {
			fput(synced);
			synced = df->synced;
		}
	}
	lfs_log_begin(c);
	err = lfs_settle_dirs(c) ?: vfs_fsync_range(synced, start, end, datasync);
	lfs_log_end(c);
	return err;
}

const struct file_operations lfs_dir_fops = {
	.open		= lfs_dir_open,
	.release	= lfs_dir_release,
	.read		= generic_read_dir,
	.llseek		= generic_file_llseek,
	.iterate_shared	= lfs_iterate,
	.fsync		= lfs_dir_fsync,
	.unlocked_ioctl	= lfs_dir_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
