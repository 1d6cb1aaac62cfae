// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whiteouts of mounts that have their layers or their upper in the container.
 *
 * A character device 0/0 in the upper would hide what the image has.  So it is an
 * empty file there, with a mark, which the container shows as the device; overlayfs
 * shows the file and its mark as another form of a whiteout.
 */
#include <linux/cred.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/xattr.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "container/settle.h"
#include "layer/marker.h"

/**
 * lfs_inner_whiteout_mark - make an inner whiteout of a file
 * @sb: the container's
 * @temp: empty file in the work directory
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_inner_whiteout_mark(struct super_block *sb, struct dentry *temp)
{
	return vfs_setxattr(mnt_idmap(lfs_container_of(sb)->upper_mnt), temp,
			    lfs_marks(sb)->inner_whiteout, LAYERFS_WHITEOUT_CHAR,
			    strlen(LAYERFS_WHITEOUT_CHAR), 0);
}

/*
 * The mark is the one by which overlayfs looks for whiteouts that are files, and what
 * tells our own listings to.  One that says more, "y", stays.
 */
static int lfs_inner_mark(struct inode *dir)
{
	const struct lfs_marks *marks = lfs_marks(dir->i_sb);
	struct dentry *upper = lfs_upper(dir);
	int err;

	err = lfs_marker_holds_inner(marks, upper);
	if (err)
		return min(err, 0);
	return vfs_setxattr(mnt_idmap(lfs_c(dir)->upper_mnt), upper, marks->inner_opaque,
			    "x", 1, 0);
}

/**
 * lfs_inner_mark_dir - note that a directory holds, or will, an inner whiteout
 * @dir: has an upper
 * @inode: what it will hold; nothing is done if that is none
 *
 * Context: between lfs_write_begin() and lfs_write_end(), or with the upper held
 * against a freeze; takes the upper directory's i_rwsem.
 */
int lfs_inner_mark_dir(struct inode *dir, const struct inode *inode)
{
	return lfs_is_inner_whiteout(inode) ? lfs_inner_mark(dir) : 0;
}

static struct dentry *lfs_inner_whiteout_temp(struct super_block *sb)
{
	struct lfs_new new = { .mode = S_IFREG | WHITEOUT_MODE, .inner_whiteout = true };
	struct lfs_container *c = lfs_container_of(sb);
	struct dentry *temp = lfs_work_make(c, &new);
	int err;

	if (IS_ERR(temp))
		return temp;
	err = lfs_inner_whiteout_mark(sb, temp);
	if (!err)
		return temp;
	lfs_work_remove(c, temp);
	dput(temp);
	return ERR_PTR(err);
}

/**
 * lfs_inner_whiteout_make - get ready for RENAME_WHITEOUT
 * @idmap: of the container's mount
 * @dir: where the whiteout will be; has an upper
 * @dentry: the name in it
 * @caller: whose the whiteout will be
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 * Return: the whiteout in the work directory, referenced, or an error.
 */
struct dentry *lfs_inner_whiteout_make(struct mnt_idmap *idmap, struct inode *dir,
				       struct dentry *dentry, const struct cred *caller)
{
	const struct cred *old;
	struct dentry *temp;
	struct cred *cred;
	int err;

	err = lfs_inner_mark(dir);
	if (err)
		return ERR_PTR(err);
	cred = lfs_cred_for_new(idmap, dir, dentry, S_IFREG | WHITEOUT_MODE, caller);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	old = override_creds(cred);
	temp = lfs_inner_whiteout_temp(dir->i_sb);
	revert_creds(old);
	put_cred(cred);
	return temp;
}

/**
 * lfs_inner_whiteout_place - give it the name that was renamed
 * @dir: the directory, marked, its i_rwsem held for writing
 * @name: the name; the upper has nothing or a whiteout there
 * @temp: from lfs_inner_whiteout_make(); its reference stays the caller's
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_inner_whiteout_place(struct inode *dir, const struct qstr *name, struct dentry *temp)
{
	struct lfs_container *c = lfs_c(dir);
	int err = lfs_unlogged_begin(c);

	if (err)
		return err;
	err = lfs_work_move(c, temp, lfs_upper(dir), name, NULL, 0);
	lfs_unlogged_end(c);
	return err;
}
