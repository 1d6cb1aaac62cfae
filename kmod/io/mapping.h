/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_MAPPING_H
#define _LAYERFS_MAPPING_H

#include "layerfs.h"

struct lfs_mapping;

struct lfs_mapping *lfs_mapping_new(struct file *file);
void lfs_mapping_put(struct lfs_mapping *m);
void lfs_mapping_attach(struct lfs_mapping *m, struct vm_area_struct *vma);
void lfs_mappings_follow(struct inode *inode);

#endif /* _LAYERFS_MAPPING_H */
