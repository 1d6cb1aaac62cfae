/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_LIVE_H
#define _LAYERFS_LIVE_H

#include <linux/dcache.h>
#include <linux/types.h>

#include "image/image.h"

/* dentry->d_time of what has to be looked up again. */
#define LFS_LIVE_UNKNOWN	(~0UL)

/* What the name is was found out when its directory had this version, or later. */
static inline void lfs_live_note(struct dentry *dentry, u64 version)
{
	WRITE_ONCE(dentry->d_time, (unsigned long)version);
}

bool lfs_sb_is_live(const struct super_block *sb);
u64 lfs_live_version(const struct inode *dir, bool settled);

extern const struct dentry_operations lfs_live_dentry_ops;

/**
 * lfs_image_version - how often names have changed below a directory of an image
 * @dir: the directory
 *
 * Return: a number that only grows while @dir is in memory; 0 if no layer is live.
 */
static inline u64 lfs_image_version(const struct inode *dir)
{
	return lfs_image_of(dir->i_sb)->live ? lfs_live_version(dir, false) : 0;
}

/**
 * lfs_image_version_settled - the same, of changes that lookups see from now on
 * @dir: directory of an image
 *
 * What is looked up or listed thereafter is of this version or of a later one.
 *
 * Context: takes the i_rwsem of the layers' directories, shared.
 */
static inline u64 lfs_image_version_settled(const struct inode *dir)
{
	return lfs_image_of(dir->i_sb)->live ? lfs_live_version(dir, true) : 0;
}

#endif /* _LAYERFS_LIVE_H */
