/* SPDX-License-Identifier: GPL-2.0-only */
/* Whiteouts, opaque directories and redirects, as <linux/layerfs_ondisk.h> defines them. */
#ifndef _LAYERFS_MARKER_H
#define _LAYERFS_MARKER_H

#include <linux/dcache.h>
#include <linux/fs.h>

#include "layerfs.h"

/**
 * lfs_is_whiteout - whether a real object is a whiteout
 * @real: positive dentry of a layer or an upper
 */
static inline bool lfs_is_whiteout(const struct dentry *real)
{
	const struct inode *inode = d_inode(real);

	return S_ISCHR(inode->i_mode) && inode->i_rdev == WHITEOUT_DEV;
}

int lfs_marker_opaque(struct dentry *real);
int lfs_marker_impure(struct dentry *real);
int lfs_marker_redirect(struct dentry *real, char **redirect);
int lfs_marker_has_data(struct dentry *real);
bool lfs_xattr_is_private(const char *name);

#endif /* _LAYERFS_MARKER_H */
