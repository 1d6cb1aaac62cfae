// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whiteouts of the upper are names of one device, as far as they can be: another name
 * costs the upper's filesystem a fraction of another inode, to make and to remove, and
 * no inode of the disk or of a quota.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/spinlock.h>

#include "container/container.h"
#include "copyup/whiteout.h"

static struct dentry *lfs_whiteout_get(struct lfs_workdir *w)
{
	struct dentry *whiteout;

	spin_lock(&w->whiteout_lock);
	whiteout = dget(w->whiteout);
	spin_unlock(&w->whiteout_lock);
	return whiteout;
}

static void lfs_whiteout_keep(struct lfs_workdir *w, struct dentry *whiteout)
{
	struct dentry *old;

	dget(whiteout);
	spin_lock(&w->whiteout_lock);
	old = w->whiteout;
	w->whiteout = whiteout;
	spin_unlock(&w->whiteout_lock);
	dput(old);
}

/**
 * lfs_whiteout_make - make a whiteout in the upper or the work directory
 * @c: the container
 * @dir: its i_rwsem is held for writing
 * @dentry: negative, in it
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_whiteout_make(struct lfs_container *c, struct inode *dir, struct dentry *dentry)
{
	struct dentry *other = lfs_whiteout_get(&c->work);
	int err = -ENOENT;

	if (other) {
		err = vfs_link(other, lfs_upper_idmap(c), dir, dentry, NULL);
		dput(other);
	}
	if (!err)
		return 0;
	/*
	 * That one has no name any more, or has as many as it may, or this directory is of
	 * another project or another key.  Whatever else fails does so again.
	 */
	err = vfs_whiteout(lfs_upper_idmap(c), dir, dentry);
	if (!err)
		lfs_whiteout_keep(&c->work, dentry);
	return err;
}

/**
 * lfs_whiteout_forget - let go of a directory that will be removed
 * @c: the container
 * @dir: the directory, whose whiteouts are gone; or NULL for any
 *
 * Else it would use up space for as long as the container is mounted.
 */
void lfs_whiteout_forget(struct lfs_container *c, const struct dentry *dir)
{
	struct lfs_workdir *w = &c->work;
	struct dentry *old = NULL;

	spin_lock(&w->whiteout_lock);
	if (w->whiteout && (!dir || w->whiteout->d_parent == dir)) {
		old = w->whiteout;
		w->whiteout = NULL;
	}
	spin_unlock(&w->whiteout_lock);
	dput(old);
}
