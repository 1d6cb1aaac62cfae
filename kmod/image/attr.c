// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of an object of an image: those of the real inode, and what its
 * filesystem tells beside, which is asked for once.
 */
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/stat.h>

#include "image/image.h"
#include "layer/lower.h"

/* What the VFS itself tells, or what is remembered. */
#define LFS_TOLD_MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_MNT_ID_UNIQUE)

/* Layers do not change; if somebody changes one all the same, the times tell. */
static bool lfs_image_told(const struct lfs_image_inode *ii, const struct inode *real)
{
	struct timespec64 ctime = inode_get_ctime(real);

	/* Pairs with smp_store_release() in lfs_image_remember(). */
	return smp_load_acquire(&ii->told.known) &&
	       ctime.tv_sec == ii->told.ctime && ctime.tv_nsec == ii->told.ctime_nsec;
}

/* Data on its way to the disk may take other blocks there, and change no time. */
static bool lfs_is_settled(const struct inode *real)
{
	return !mapping_tagged(real->i_mapping, PAGECACHE_TAG_DIRTY) &&
	       !mapping_tagged(real->i_mapping, PAGECACHE_TAG_WRITEBACK);
}

/* Once: what has been published is read without a lock. */
static void lfs_image_remember(struct lfs_image_inode *ii, const struct kstat *stat)
{
	struct lfs_told *told = &ii->told;

	if (upper_32_bits(stat->attributes | stat->attributes_mask))
		return;
	/* Of what was changed since, or is asked for more than is remembered. */
	if (smp_load_acquire(&told->known))
		return;
	spin_lock(&ii->vfs_inode.i_lock);
	if (!told->known) {
		told->ctime = stat->ctime.tv_sec;
		told->ctime_nsec = stat->ctime.tv_nsec;
		told->btime = stat->btime.tv_sec;
		told->btime_nsec = stat->btime.tv_nsec;
		told->blocks = stat->blocks;
		told->blksize = stat->blksize;
		told->attributes = stat->attributes;
		told->attributes_mask = stat->attributes_mask;
		told->result_mask = stat->result_mask & LFS_TOLD_MASK;
		/* Pairs with smp_load_acquire() in lfs_image_told(), and above. */
		smp_store_release(&told->known, true);
	}
	spin_unlock(&ii->vfs_inode.i_lock);
}

static void lfs_image_recall(const struct lfs_told *told, struct kstat *stat)
{
	stat->btime.tv_sec = told->btime;
	stat->btime.tv_nsec = told->btime_nsec;
	stat->blocks = told->blocks;
	stat->blksize = told->blksize;
	stat->attributes = told->attributes;
	stat->attributes_mask = told->attributes_mask;
	stat->result_mask = told->result_mask;
}

/**
 * lfs_image_getattr - attributes of the real object that an image shows
 * @inode: inode of an image
 * @stat: zeroed; filled in
 * @mask: STATX_* wanted
 * @flags: AT_STATX_*
 *
 * Context: any credentials: the caller's right was checked on the merged object.
 * Return: 0 or an error of the layer's filesystem.
 */
int lfs_image_getattr(const struct inode *inode, struct kstat *stat, u32 mask,
		      unsigned int flags)
{
	struct lfs_image_inode *ii = lfs_ii(inode);
	struct inode *real = d_inode(ii->top.dentry);
	struct path path;
	bool settled;
	int err;

	lfs_image_top_path(inode, &path);
	if (!(mask & ~LFS_TOLD_MASK) && lfs_image_told(ii, real)) {
		generic_fillattr(mnt_idmap(path.mnt), mask, real, stat);
		lfs_image_recall(&ii->told, stat);
	} else if (lfs_fs_asks_who(real->i_sb)) {
		return lfs_real_getattr(&path, stat, mask, flags,
					lfs_image_of(inode->i_sb)->cred);
	} else {
		settled = lfs_is_settled(real);
		err = vfs_getattr_nosec(&path, stat, mask | STATX_BTIME, flags);
		if (err)
			return err;
		if (settled)
			lfs_image_remember(ii, stat);
	}
	/* Most filesystems tell it only to who asks. */
	if (!(mask & STATX_BTIME)) {
		stat->result_mask &= ~STATX_BTIME;
		stat->btime = (struct timespec64) {};
	}
	return 0;
}
