/* SPDX-License-Identifier: GPL-2.0-only */
/* What every part of the module shares; each noun has a header of its own. */
#ifndef _LAYERFS_H
#define _LAYERFS_H

#include <linux/fs.h>
#include <linux/types.h>
#include <linux/layerfs.h>

#undef pr_fmt
#define pr_fmt(fmt) "layerfs: " fmt

struct lfs_layer;
struct lfs_layerset;
struct lfs_image;
struct lfs_container;
struct lfs_inode;
struct lfs_params;
struct lfs_counters;

extern struct file_system_type lfs_fs_type;
extern struct file_system_type lfs_image_fs_type;

#endif /* _LAYERFS_H */
