/* SPDX-License-Identifier: GPL-2.0-only */
/* The door to the real filesystems: look up, stat, open, list. */
#ifndef _LAYERFS_LOWER_H
#define _LAYERFS_LOWER_H

#include <linux/cred.h>
#include <linux/path.h>
#include <linux/stat.h>

#include "layerfs.h"

struct lfs_marks;
struct lfs_names;
struct posix_acl;

/* Whiteouts of other forms than a device that lfs_real_list() is to look for. */
#define LFS_LIST_XWHITEOUTS	1	/* files with an attribute */
#define LFS_LIST_AUFS		2	/* names with a prefix */

bool lfs_fs_asks_who(const struct super_block *sb);
struct dentry *lfs_real_lookup(struct mnt_idmap *idmap, struct dentry *dir, const char *name,
			       int len);
bool lfs_real_is_spelled(struct dentry *dentry, const char *name, int len);
int lfs_real_getattr(const struct path *path, struct kstat *stat, u32 mask,
		     unsigned int flags, const struct cred *cred);
struct posix_acl *lfs_real_acl(const struct path *path, struct posix_acl *acl);
const char *lfs_real_get_link(struct dentry *dentry, struct delayed_call *done);
struct file *lfs_real_open(const struct path *path, int flags, const struct cred *cred);
u64 lfs_real_ino(u64 ino, const void *arg);
int lfs_real_list(const struct path *dir, const struct cred *cred, struct lfs_names *names,
		  u64 (*map)(u64 ino, const void *arg), const void *arg,
		  const struct lfs_marks *marks, unsigned int whiteouts);

/* Whether a lookup may find another name, in some directories of a filesystem. */
static inline bool lfs_may_fold_case(const struct dentry *dentry)
{
	return dentry->d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE);
}

/* spelling.c */
bool lfs_folds_case(const struct dentry *dir);
int lfs_real_spelled(const struct path *dir, const char *name, int len);

#endif /* _LAYERFS_LOWER_H */
