/* SPDX-License-Identifier: GPL-2.0-only */
/* What a file handle of a container consists of: the handle of a real object. */
#ifndef _LAYERFS_HANDLE_H
#define _LAYERFS_HANDLE_H

#include <linux/exportfs.h>

#include "layerfs.h"

struct dentry;
struct fs_context;

/* The type that tells our handles from other filesystems'. */
#define LFS_FILEID		0xf2

#define LFS_HANDLE_VERSION	1

/* Whose handle is inside. */
#define LFS_HANDLE_UPPER	1
#define LFS_HANDLE_LAYER	2
#define LFS_HANDLE_PARENT	0x80	/* or'ed: it tells the object's directory, too */

/* In units of 32 bits, as exportfs counts. */
#define LFS_HANDLE_HEAD		3
#define LFS_HANDLE_REAL_MAX	(MAX_HANDLE_SZ / 4 - LFS_HANDLE_HEAD)

/**
 * struct lfs_handle - a file handle
 * @version: LFS_HANDLE_VERSION
 * @kind: LFS_HANDLE_*
 * @type: of the handle inside
 * @len: of @real
 * @mark: 64 bits: which layer, see lfs_image_layer_ident(); in the upper, what proves
 *        that this container gave the handle out
 * @real: the handle that the layer's, or the upper's, filesystem gave the object
 */
struct lfs_handle {
	u8 version;
	u8 kind;
	u8 type;
	u8 len;
	u32 mark[2];
	u32 real[LFS_HANDLE_REAL_MAX];
};

int lfs_handles_open(struct fs_context *fc, struct lfs_container *c);
bool lfs_handles_possible(const struct lfs_container *c);
int lfs_encode_fh(struct inode *inode, __u32 *fh, int *max_len, struct inode *parent);
int lfs_handle_of_upper(struct lfs_handle *h, struct inode *inode, struct inode *parent);
int lfs_handle_read(struct lfs_handle *h, const u32 *fh, int len, int type);
bool lfs_handle_is_ours(const struct lfs_container *c, const struct lfs_handle *h);

/* export.c */
extern const struct export_operations lfs_export_ops;

#endif /* _LAYERFS_HANDLE_H */
