/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_LIST_H
#define _LAYERFS_LIST_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct inode;
struct lfs_image_inode;
struct lfs_names;
struct shrink_control;
struct super_block;

/**
 * struct lfs_image_list - the names of a directory of an image, and for how long
 * @names: owned, constant
 * @tells_all: what is not in it is not in the directory
 * @version: lfs_image_version_settled() from before it was made
 * @used: since memory was last asked for; a lost write does no harm
 * @dir: the directory, while it has the list; under lfs_image.lists_lock
 * @lru: in lfs_image.lists; under its lock
 * @ref: one is @dir's
 * @rcu: for its end
 */
struct lfs_image_list {
	struct lfs_names *names;
	u64 version;
	bool tells_all;
	bool used;
	struct lfs_image_inode *dir;
	struct list_head lru;
	refcount_t ref;
	struct rcu_head rcu;
};

/* list.c */
struct lfs_image_list *lfs_image_list_get(struct lfs_image_inode *ii);
struct lfs_image_list *lfs_image_list_publish(struct lfs_image_inode *ii,
					      struct lfs_image_list *list);
void lfs_image_list_touch(struct lfs_image_list *list);
void lfs_image_list_put(struct lfs_image_list *list);
void lfs_image_list_drop(struct lfs_image_inode *ii);
long lfs_image_lists_count(struct super_block *sb, struct shrink_control *sc);
long lfs_image_lists_free(struct super_block *sb, struct shrink_control *sc);

/* readdir.c */
struct lfs_image_list *lfs_image_names(struct inode *dir);
struct lfs_image_list *lfs_image_index(struct inode *dir);
bool lfs_image_lacks(const struct inode *dir, const char *name, int len);
void lfs_image_index_in_vain(struct inode *dir, unsigned int times);

#endif /* _LAYERFS_LIST_H */
