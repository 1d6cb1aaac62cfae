// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file of the upper that overlayfs has left without data (metacopy) gets it before
 * it is changed for the first time.
 *
 * In place: it may have several names, and its st_ino is its inode's.  As long as it
 * is marked nobody reads what is in it, so a crash may leave any part of the data there.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/xattr.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "io/mapping.h"
#include "layer/marker.h"

/* What writing takes away and changes. */
struct lfs_fill_kept {
	char caps[XATTR_CAPS_SZ];
	ssize_t caps_len;
	struct timespec64 mtime;
	umode_t mode;
};

static int lfs_fill_open(struct lfs_copyup *cu)
{
	struct path path;
	int err;

	lfs_upper_path(d_inode(cu->dentry), &path);
	err = inode_permission(mnt_idmap(path.mnt), d_inode(path.dentry), MAY_READ | MAY_WRITE);
	if (err)
		return err;
	cu->temp = dget(path.dentry);
	cu->size = i_size_read(d_inode(path.dentry));
	cu->file = dentry_open(&path, O_RDWR | O_LARGEFILE | O_NOATIME, current_cred());
	if (IS_ERR(cu->file)) {
		err = PTR_ERR(cu->file);
		cu->file = NULL;
		return err;
	}
	/* A crash finds the times as they were, where the filesystem heeds it. */
	cu->file->f_mode |= FMODE_NOCMTIME;
	return 0;
}

static int lfs_fill_keep(struct lfs_copyup *cu, struct lfs_fill_kept *kept)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(cu->c);
	const struct inode *inode = d_inode(cu->temp);

	kept->mtime = inode_get_mtime(inode);
	kept->mode = lfs_mode(inode->i_mode, d_inode(cu->dentry), true);
	kept->caps_len = 0;
	if (!lfs_may_suid(d_inode(cu->dentry), true))
		return 0;
	kept->caps_len = vfs_getxattr(idmap, cu->temp, XATTR_NAME_CAPS, kept->caps,
				      sizeof(kept->caps));
	if (kept->caps_len == -ENODATA || kept->caps_len == -EOPNOTSUPP)
		kept->caps_len = 0;
	return min_t(ssize_t, kept->caps_len, 0);
}

static int lfs_fill_give_back(struct lfs_copyup *cu, const struct lfs_fill_kept *kept)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(cu->c);
	struct iattr attr = {
		.ia_valid = ATTR_MTIME | ATTR_MTIME_SET,
		.ia_mode = kept->mode,
		.ia_mtime = kept->mtime,
	};
	int err;

	if (kept->mode != d_inode(cu->temp)->i_mode)
		attr.ia_valid |= ATTR_MODE;
	inode_lock(d_inode(cu->temp));
	err = notify_change(idmap, cu->temp, &attr, NULL);
	inode_unlock(d_inode(cu->temp));
	if (!err && kept->caps_len)
		err = vfs_setxattr(idmap, cu->temp, XATTR_NAME_CAPS, kept->caps,
				   kept->caps_len, 0);
	return err;
}

/* With the mark gone, what was written counts. */
static int lfs_fill_unmark(struct lfs_copyup *cu)
{
	const struct lfs_marks *marks = lfs_marks(cu->c->sb);
	struct mnt_idmap *idmap = lfs_upper_idmap(cu->c);
	int err;

	err = vfs_removexattr(idmap, cu->temp, marks->metacopy);
	/* It means nothing now. */
	if (!err)
		vfs_removexattr(idmap, cu->temp, marks->redirect);
	return err;
}

/* The first data written takes away what is served from the upper all along. */
static void lfs_fill_undo(struct lfs_copyup *cu, const struct lfs_fill_kept *kept)
{
	struct super_block *upper_sb = cu->c->upper_mnt->mnt_sb;
	int err;

	sb_start_write(upper_sb);
	err = lfs_fill_give_back(cu, kept);
	sb_end_write(upper_sb);
	if (err)
		pr_warn_ratelimited("'%pd2' may have lost capabilities and mode: %pe\n",
				    cu->temp, ERR_PTR(err));
}

static void lfs_fill_publish(struct lfs_copyup *cu)
{
	struct inode *inode = d_inode(cu->dentry);

	/* A sync of data alone may leave the mark where it was. */
	set_bit(LFS_I_UNSETTLED, &lfs_i(inode)->flags);
	set_bit(LFS_I_MOVING, &lfs_i(inode)->flags);
	/* Pairs with test_bit_acquire() in lfs_data_in_upper(). */
	clear_bit_unlock(LFS_I_METACOPY, &lfs_i(inode)->flags);
	lfs_copy_attrs(inode);
	lfs_count(cu->c->counters, LAYERFS_C_COPYUP_FILES, 1);
	lfs_count(lfs_container_image(cu->c)->counters, LAYERFS_C_COPYUP_FILES, 1);
	lfs_count(lfs_image_data_layer(d_inode(lfs_i(inode)->image))->counters,
		  LAYERFS_C_COPYUP_FILES, 1);
}

static int lfs_fill_finish(struct lfs_copyup *cu, const struct lfs_fill_kept *kept)
{
	struct super_block *upper_sb = cu->c->upper_mnt->mnt_sb;
	int err;

	sb_start_write(upper_sb);
	err = lfs_copyup_flush(cu);
	if (!err)
		err = lfs_fill_give_back(cu, kept);
	if (!err)
		err = lfs_fill_unmark(cu);
	if (!err)
		lfs_fill_publish(cu);
	sb_end_write(upper_sb);
	return err;
}

/**
 * lfs_fill - give a file of the upper the data that the image has of it
 * @cu: its object's lock is held; to be ended by lfs_copyup_drop() in any case
 *
 * Context: the mounter's credentials are in force; no lock of the upper is held.
 * Return: 0 or an error, with what is seen as it was; but if there is not even room to
 * give back the capabilities that writing has taken away, they are lost, and the kernel's
 * log says so.
 */
int lfs_fill(struct lfs_copyup *cu)
{
	struct inode *inode = d_inode(cu->dentry);
	struct lfs_fill_kept kept;
	int err;

	err = lfs_fill_open(cu);
	if (!err)
		err = lfs_fill_keep(cu, &kept);
	if (err)
		return err;
	err = lfs_copyup_data(cu) ?: lfs_fill_finish(cu, &kept);
	if (err) {
		lfs_fill_undo(cu, &kept);
		return err;
	}
	lfs_mappings_follow(inode);
	/* Pairs with test_bit_acquire() in lfs_upper_ready(). */
	clear_bit_unlock(LFS_I_MOVING, &lfs_i(inode)->flags);
	return 0;
}
