/* SPDX-License-Identifier: GPL-2.0-only */
/* Whiteouts, which are names of one device: see whiteout.c. */
#ifndef _LAYERFS_WHITEOUT_H
#define _LAYERFS_WHITEOUT_H

#include "layerfs.h"

struct dentry;
struct inode;

int lfs_whiteout_make(struct lfs_container *c, struct inode *dir, struct dentry *dentry);
void lfs_whiteout_forget(struct lfs_container *c, const struct dentry *dir);

#endif /* _LAYERFS_WHITEOUT_H */
