// SPDX-License-Identifier: GPL-2.0-only
/*
 * A handle of a layer's object leads to the object's path there.  If that is not its
 * path in the container any more, an entry in a directory of the work directory leads
 * on to the object in the upper: a symbolic link, as that is made with its content in
 * one step.  An entry is a hint: whoever follows it looks at what it leads to.
 */
#include <linux/dcache.h>
#include <linux/fs_context.h>
#include <linux/hex.h>
#include <linux/namei.h>
#include <linux/string.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "container/handle.h"
#include "copyup/index.h"
#include "copyup/moved.h"
#include "layer/lower.h"
#include "layer/marker.h"

/* A handle in hexadecimal digits. */
struct lfs_moved_text {
	char s[2 * sizeof(struct lfs_handle) + 1];
};

/* NULL as long as nothing was ever put into it. */
static struct dentry *lfs_moved_dir(const struct lfs_container *c)
{
	/* Pairs with cmpxchg() in lfs_moved_make_dir(). */
	return smp_load_acquire(&c->work.handles);
}

static struct dentry *lfs_moved_make_dir(struct lfs_container *c)
{
	struct dentry *dir = lfs_moved_dir(c), *other;

	if (dir)
		return dir;
	dir = lfs_work_subdir(c, c->work.base, LAYERFS_HANDLES_DIR);
	if (IS_ERR(dir))
		return dir;
	other = cmpxchg(&c->work.handles, NULL, dir);
	if (other)
		dput(dir);
	return other ?: dir;
}

/**
 * lfs_moved_open - look for entries at mount
 * @fc: for messages
 * @c: its work directory is open
 */
int lfs_moved_open(struct fs_context *fc, struct lfs_container *c)
{
	struct dentry *dir;
	int err;

	dir = lfs_real_lookup(lfs_upper_idmap(c), c->work.base, LAYERFS_HANDLES_DIR,
			      strlen(LAYERFS_HANDLES_DIR));
	if (!dir)
		return 0;
	err = PTR_ERR_OR_ZERO(dir);
	if (!err && !d_is_dir(dir)) {
		dput(dir);
		err = -ENOTDIR;
	}
	if (err)
		errorfc(fc, "cannot use '%s' in workdir '%s': %pe", LAYERFS_HANDLES_DIR,
			c->params->work_name, ERR_PTR(err));
	else
		c->work.handles = dir;
	return err;
}

/* What the object is called in its layer's filesystem; false if it is in none. */
static bool lfs_moved_origin(struct inode *inode, struct layerfs_origin *origin)
{
	struct dentry *upper = lfs_upper(inode);

	if (!upper || lfs_i(inode)->links)
		return false;
	if (lfs_i(inode)->image) {
		lfs_image_origin(d_inode(lfs_i(inode)->image), origin);
		return true;
	}
	return !S_ISDIR(inode->i_mode) && lfs_ino_is_foreign(inode) &&
	       lfs_marker_origin(lfs_marks(inode->i_sb), upper, origin) > 0;
}

static bool lfs_moved_says(struct dentry *entry, const char *text)
{
	DEFINE_DELAYED_CALL(done);
	const char *target;
	bool same;

	if (!d_is_symlink(entry))
		return false;
	target = lfs_real_get_link(entry, &done);
	same = !IS_ERR(target) && !strcmp(target, text);
	do_delayed_call(&done);
	return same;
}

/* With the directory's i_rwsem held for writing. */
static int lfs_moved_write_locked(struct mnt_idmap *idmap, struct dentry *dir,
				  const struct lfs_index_name *name, const char *text)
{
	struct lfs_new link = { .mode = S_IFLNK | 0777, .target = text };
	struct dentry *entry;
	int err = 0;

	entry = lookup_one(idmap, name->s, dir, name->len);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	if (d_is_positive(entry)) {
		if (lfs_moved_says(entry, text))
			goto put;
		err = lfs_real_remove(idmap, dir, entry);
		dput(entry);
		if (err)
			return err;
		entry = lookup_one(idmap, name->s, dir, name->len);
		if (IS_ERR(entry))
			return PTR_ERR(entry);
	}
	err = lfs_real_make(idmap, d_inode(dir), entry, &link);
put:
	dput(entry);
	return err;
}

static int lfs_moved_write(struct inode *inode, const struct layerfs_origin *origin)
{
	struct lfs_handle h = { .version = LFS_HANDLE_VERSION };
	struct dentry *dir = lfs_moved_make_dir(lfs_c(inode));
	struct lfs_moved_text text;
	struct lfs_index_name name;
	int err;

	if (IS_ERR(dir))
		return PTR_ERR(dir);
	err = lfs_handle_of_upper(&h, inode, NULL);
	if (err)
		return err;
	*bin2hex(text.s, &h, sizeof(u32) * (LFS_HANDLE_HEAD + h.len)) = '\0';
	lfs_index_name(&name, origin, false);
	inode_lock_nested(d_inode(dir), I_MUTEX_PARENT);
	err = lfs_moved_write_locked(lfs_upper_idmap(lfs_c(inode)), dir, &name, text.s);
	inode_unlock(d_inode(dir));
	return err;
}

/**
 * lfs_moved_begin - an object is about to get another name
 * @inode: the object
 *
 * No handle that leads by its path in the layer is given out from now on, unless it is
 * for a directory, or lfs_moved_note() sees that handles are given out.
 */
void lfs_moved_begin(struct inode *inode)
{
	set_bit(LFS_I_MOVED, &lfs_i(inode)->flags);
	/* Pairs with that in lfs_encode_fh(). */
	smp_mb__after_atomic();
}

/**
 * lfs_moved_note - an object has another name than in its layer
 * @inode: the object, after lfs_moved_begin()
 *
 * A handle of a directory leads to all that is in it, so it is noted always; that of a
 * file, if there may be one.  A failure makes handles go stale, sooner or later.
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
void lfs_moved_note(struct inode *inode)
{
	struct lfs_container *c = lfs_c(inode);
	struct layerfs_origin origin;
	int err;

	if (!inode->i_sb->s_export_op || lfs_marks(inode->i_sb)->is_user ||
	    (!S_ISDIR(inode->i_mode) && !test_bit(LFS_HANDLES_GIVEN, &c->handles.flags)) ||
	    !lfs_moved_origin(inode, &origin))
		return;
	err = lfs_moved_write(inode, &origin);
	if (err)
		pr_warn_ratelimited("handles of '%pd2' will be stale: %pe\n", lfs_upper(inode),
				    ERR_PTR(err));
}

/**
 * lfs_moved_forget - an object has lost its last name
 * @inode: the object
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
void lfs_moved_forget(struct inode *inode)
{
	struct dentry *dir = lfs_moved_dir(lfs_c(inode)), *entry;
	struct mnt_idmap *idmap;
	struct layerfs_origin origin;
	struct lfs_index_name name;

	if (!dir || !lfs_moved_origin(inode, &origin))
		return;
	idmap = lfs_upper_idmap(lfs_c(inode));
	lfs_index_name(&name, &origin, false);
	inode_lock_nested(d_inode(dir), I_MUTEX_PARENT);
	entry = lookup_one(idmap, name.s, dir, name.len);
	if (!IS_ERR(entry)) {
		/* What stays leads to nothing, and nobody looks for it. */
		if (d_is_positive(entry))
			lfs_real_remove(idmap, dir, entry);
		dput(entry);
	}
	inode_unlock(d_inode(dir));
}

static int lfs_moved_parse(const char *text, struct lfs_handle *h)
{
	u32 raw[sizeof(*h) / sizeof(u32)];
	size_t len = strlen(text);

	if (len % (2 * sizeof(u32)) || len > 2 * sizeof(raw) ||
	    hex2bin((u8 *)raw, text, len / 2))
		return -ESTALE;
	return lfs_handle_read(h, raw, len / (2 * sizeof(u32)), LFS_FILEID);
}

/**
 * lfs_moved_find - where an object of a layer was moved to
 * @c: the container
 * @origin: what it is in its layer
 * @h: set to its handle in the upper, as of when it was noted
 *
 * Context: the mounter's credentials are in force.
 * Return: 0; -ESTALE if nothing is known; another error.
 */
int lfs_moved_find(struct lfs_container *c, const struct layerfs_origin *origin,
		   struct lfs_handle *h)
{
	struct dentry *dir = lfs_moved_dir(c), *entry;
	DEFINE_DELAYED_CALL(done);
	struct lfs_index_name name;
	const char *target;
	int err = -ESTALE;

	if (!dir)
		return -ESTALE;
	lfs_index_name(&name, origin, false);
	entry = lfs_real_lookup(lfs_upper_idmap(c), dir, name.s, name.len);
	if (IS_ERR_OR_NULL(entry))
		return entry ? PTR_ERR(entry) : -ESTALE;
	if (d_is_symlink(entry)) {
		target = lfs_real_get_link(entry, &done);
		err = IS_ERR(target) ? PTR_ERR(target) : lfs_moved_parse(target, h);
		do_delayed_call(&done);
	}
	dput(entry);
	return err;
}
