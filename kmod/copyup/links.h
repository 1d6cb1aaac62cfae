/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects of a layer that have several names: one object, one copy. */
#ifndef _LAYERFS_LINKS_H
#define _LAYERFS_LINKS_H

#include <linux/layerfs_ondisk.h>

#include "layerfs.h"

struct dentry;
struct lfs_copyup;

/**
 * struct lfs_links - the names of an object
 * @origin: what the object is in its layer; constant
 * @left: how many names only the image has
 * @counted: @left is not a guess.  Not so for a copy without a record: it never
 *           goes
 * @record: in the index, keeps @left; NULL until it is needed
 *
 * All but @origin are changed under lfs_inode.lock.
 */
struct lfs_links {
	struct layerfs_origin origin;
	unsigned int left;
	bool counted;
	struct dentry *record;
};

struct lfs_links *lfs_links_alloc(const struct layerfs_origin *origin);
void lfs_links_free(struct lfs_links *links);
struct lfs_links *lfs_links_of_layer(const struct inode *image_inode);
struct lfs_links *lfs_links_of_upper(struct lfs_container *c, struct dentry *upper,
				     const struct layerfs_origin *origin);
int lfs_links_load(struct inode *inode);
unsigned int lfs_links_nlink(const struct lfs_links *links, const struct inode *upper);
int lfs_links_begin(struct inode *inode);
int lfs_links_alias(struct dentry *dentry, struct inode *parent, struct dentry *copy);
int lfs_links_place_name(struct dentry *dentry);
int lfs_name_in_upper(struct inode *dir, struct dentry *dentry);
int lfs_links_begin_loss(struct inode *inode, int in_upper);
void lfs_links_lost(struct inode *inode, bool in_upper);

#endif /* _LAYERFS_LINKS_H */
