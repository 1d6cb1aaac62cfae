/* SPDX-License-Identifier: GPL-2.0-only */
/* Where objects of layers were moved to, for file handles from before. */
#ifndef _LAYERFS_MOVED_H
#define _LAYERFS_MOVED_H

#include "layerfs.h"

struct fs_context;
struct layerfs_origin;
struct lfs_handle;

int lfs_moved_open(struct fs_context *fc, struct lfs_container *c);
void lfs_moved_begin(struct inode *inode);
void lfs_moved_note(struct inode *inode);
void lfs_moved_forget(struct inode *inode);
int lfs_moved_find(struct lfs_container *c, const struct layerfs_origin *origin,
		   struct lfs_handle *h);

#endif /* _LAYERFS_MOVED_H */
