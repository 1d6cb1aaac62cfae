// SPDX-License-Identifier: GPL-2.0-only
/*
 * Removing names: unlink and rmdir.
 *
 * A name that the image has too is replaced by a whiteout in one step of the
 * upper's filesystem, so that a crash leaves either the object or its absence.
 */
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/xattr.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "container/settle.h"
#include "copyup/copyup.h"
#include "copyup/links.h"
#include "copyup/moved.h"
#include "copyup/whiteout.h"
#include "layer/marker.h"

/**
 * lfs_inode_gone - an object has lost a name
 * @inode: its lock is held; no later copy-up gives it this name again
 * @in_upper: the upper had the name
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
void lfs_inode_gone(struct inode *inode, bool in_upper)
{
	if (lfs_i(inode)->links)
		lfs_links_lost(inode, in_upper);
	else if (S_ISDIR(inode->i_mode) || !in_upper)
		clear_nlink(inode);
	else
		lfs_copy_attrs(inode);
	if (!inode->i_nlink)
		lfs_moved_forget(inode);
}

/*
 * The whiteouts of a directory go.  Nobody has seen them, so that should whatever
 * they make way for fail, the directory has not changed.
 */
static int lfs_clear_whiteouts(struct lfs_container *c, const struct path *dir)
{
	struct inode *inode = d_inode(dir->dentry);
	struct lfs_times times;
	struct timespec64 mtime;
	int err;

	inode_lock(inode);
	lfs_times_get(dir->dentry, &times);
	inode_unlock(inode);
	err = lfs_real_clear(dir, 0);
	lfs_whiteout_forget(c, dir->dentry);
	inode_lock(inode);
	mtime = inode_get_mtime(inode);
	if (!timespec64_equal(&mtime, &times.mtime))
		lfs_times_set(mnt_idmap(dir->mnt), dir->dentry, &times);
	inode_unlock(inode);
	return err;
}

/**
 * lfs_dir_hollow - make an empty directory empty in the upper too
 * @dir: has no visible names; its i_rwsem is held for writing
 *
 * Its whiteouts go, so that the upper's filesystem will remove or overwrite
 * it.  It is made opaque first, so that what they hid stays hidden if that
 * fails, or a crash comes between.
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_dir_hollow(struct inode *dir)
{
	struct path path;
	int err;

	if (!lfs_upper(dir))
		return 0;
	lfs_upper_path(dir, &path);
	if (lfs_image(dir)) {
		err = vfs_setxattr(mnt_idmap(path.mnt), path.dentry,
				   lfs_marks(dir->i_sb)->opaque, "y", 1, 0);
		if (err)
			return err;
		set_bit(LFS_I_OPAQUE, &lfs_i(dir)->flags);
		lfs_dir_changed(dir);
	}
	err = lfs_clear_whiteouts(lfs_c(dir), &path);
	lfs_copy_attrs(dir);
	return err;
}

/* The image does not have the name: it just goes. */
static int lfs_remove_plain(struct inode *dir, struct dentry *dentry)
{
	struct dentry *upper_dir = lfs_upper(dir), *child;
	struct inode *upper_inode = d_inode(upper_dir);
	struct mnt_idmap *idmap = lfs_upper_idmap(lfs_c(dir));
	struct inode *inode = d_inode(dentry);
	int err;

	if (S_ISDIR(inode->i_mode)) {
		err = lfs_dir_hollow(inode);
		if (err)
			return err;
	}
	inode_lock_nested(upper_inode, I_MUTEX_PARENT);
	child = lfs_upper_child(lfs_c(dir), upper_dir, &dentry->d_name, lfs_upper(inode));
	err = PTR_ERR_OR_ZERO(child);
	if (!err) {
		if (S_ISDIR(inode->i_mode))
			err = vfs_rmdir(idmap, upper_inode, child);
		else
			err = vfs_unlink(idmap, upper_inode, child, NULL);
		dput(child);
	}
	inode_unlock(upper_inode);
	return err;
}

/* Only the image has the name. */
static int lfs_remove_image(struct inode *dir, struct dentry *dentry)
{
	struct dentry *upper_dir = lfs_upper(dir), *child;
	struct inode *upper_inode = d_inode(upper_dir);
	int err;

	inode_lock_nested(upper_inode, I_MUTEX_PARENT);
	child = lfs_upper_child(lfs_c(dir), upper_dir, &dentry->d_name, NULL);
	err = PTR_ERR_OR_ZERO(child);
	if (!err) {
		if (d_is_negative(child))
			err = lfs_whiteout_make(lfs_c(dir), upper_inode, child);
		dput(child);
	}
	inode_unlock(upper_inode);
	return err;
}

/* Both have it: a whiteout takes the place of the upper's object. */
static int lfs_remove_both(struct inode *dir, struct dentry *dentry)
{
	struct lfs_new whiteout = { .whiteout = true };
	struct lfs_container *c = lfs_c(dir);
	struct inode *inode = d_inode(dentry);
	unsigned int flags = S_ISDIR(inode->i_mode) ? RENAME_EXCHANGE : 0;
	struct dentry *temp;
	int err;

	temp = lfs_work_make(c, &whiteout);
	if (IS_ERR(temp))
		return PTR_ERR(temp);
	err = lfs_work_move(c, temp, lfs_upper(dir), &dentry->d_name, lfs_upper(inode), flags);
	if (err)
		lfs_work_remove(c, temp);
	dput(temp);
	return err;
}

/* The name's loss has been begun to count. */
static int lfs_remove_counted(struct inode *dir, struct dentry *dentry, bool covered,
			      bool in_upper)
{
	struct lfs_container *c = lfs_c(dir);
	bool unlogged = in_upper && (covered || lfs_dir_hides(d_inode(dentry)));
	int err;

	if (covered && !in_upper)
		return lfs_remove_image(dir, dentry);
	err = unlogged ? lfs_unlogged_begin(c) : 0;
	if (err)
		return err;
	err = covered ? lfs_remove_both(dir, dentry) : lfs_remove_plain(dir, dentry);
	if (unlogged)
		lfs_unlogged_end(c);
	return err;
}

static int lfs_remove(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	const struct cred *old;
	int err, covered, in_upper;

	err = lfs_copyup(dentry->d_parent, LFS_COPYUP_ALL);
	if (err)
		return err;
	/* A copy-up in progress ends first, one that comes later finds no name. */
	if (mutex_lock_killable(&lfs_i(inode)->lock))
		return -EINTR;
	covered = lfs_covered(dir, &dentry->d_name);
	err = covered < 0 ? covered : lfs_write_begin(dir->i_sb, &old);
	if (err)
		goto unlock;
	in_upper = lfs_name_in_upper(dir, dentry);
	err = lfs_links_begin_loss(inode, in_upper);
	if (err)
		goto end;
	err = lfs_remove_counted(dir, dentry, covered, in_upper);
	if (!err)
		lfs_inode_gone(inode, in_upper);
end:
	lfs_write_end(dir->i_sb, old);
	if (!err)
		lfs_dir_changed(dir);
unlock:
	mutex_unlock(&lfs_i(inode)->lock);
	return lfs_name_failed(dir, dentry, err);
}

/**
 * lfs_unlink - ->unlink
 * @dir: the directory, its i_rwsem held for writing
 * @dentry: not a directory, its i_rwsem held for writing
 */
int lfs_unlink(struct inode *dir, struct dentry *dentry)
{
	return lfs_remove(dir, dentry);
}

/**
 * lfs_rmdir - ->rmdir
 * @dir: the parent, its i_rwsem held for writing
 * @dentry: a directory, its i_rwsem held for writing
 */
int lfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	int empty = lfs_dir_empty(d_inode(dentry));

	if (empty <= 0)
		return empty ? empty : -ENOTEMPTY;
	return lfs_remove(dir, dentry);
}
