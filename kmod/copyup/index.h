/* SPDX-License-Identifier: GPL-2.0-only */
/* A directory in the work directory, where copies are found by what they are copies of. */
#ifndef _LAYERFS_INDEX_H
#define _LAYERFS_INDEX_H

#include <linux/layerfs_ondisk.h>

#include "layerfs.h"

struct dentry;
struct fs_context;

/**
 * struct lfs_index_name - a name in the index
 * @s: of an object's copy, or of its record
 * @len: in bytes
 */
struct lfs_index_name {
	char s[2 * sizeof(struct layerfs_origin) + sizeof(LAYERFS_NAMES_SUFFIX)];
	unsigned int len;
};

int lfs_index_open(struct fs_context *fc, struct lfs_container *c);
int lfs_index_make(struct lfs_container *c);
struct dentry *lfs_index_dir(const struct lfs_container *c);
void lfs_index_name(struct lfs_index_name *name, const struct layerfs_origin *origin,
		    bool record);
struct dentry *lfs_index_lookup(struct lfs_container *c, const struct layerfs_origin *origin,
				bool record);
bool lfs_record_read(const struct dentry *record, unsigned int *left);
int lfs_record_write(struct lfs_container *c, struct dentry *record, unsigned int left);
int lfs_index_remove(struct lfs_container *c, const struct layerfs_origin *origin, bool record);

#endif /* _LAYERFS_INDEX_H */
