/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_COPYUP_H
#define _LAYERFS_COPYUP_H

#include <linux/fileattr.h>

#include "layerfs.h"

/* As size of lfs_copyup(): all the data there is. */
#define LFS_COPYUP_ALL	LLONG_MAX

/**
 * enum lfs_copyup_kind - what a change asks of the upper
 * @LFS_COPYUP_NONE: the object is there
 * @LFS_COPYUP_META: everything but data: not a regular file, or none wanted
 * @LFS_COPYUP_WHOLE: data too
 * @LFS_COPYUP_FILL: data, for what is there without
 */
enum lfs_copyup_kind {
	LFS_COPYUP_NONE,
	LFS_COPYUP_META,
	LFS_COPYUP_WHOLE,
	LFS_COPYUP_FILL,
};

/**
 * struct lfs_copyup - one copy-up under way
 * @dentry: object of the container
 * @c: the container
 * @from: the object in its layer; its data may be elsewhere
 * @stat: its attributes
 * @kind: what to copy
 * @size: how much data, in bytes
 * @attr: what to change in the copy, or NULL
 * @anonymous: the object has lost its last name
 * @keeps_ino: the copy can be given what its st_ino is told by later
 * @temp: the copy, not linked yet; or the object in the upper that gets its data
 * @fa: the object's flags and project, of a regular file or directory
 * @prot: LFS_PROT_*: what the copy is marked as
 * @file: the copy open for writing, for regular files; else NULL
 * @in_work: @temp has a name in the work directory
 */
struct lfs_copyup {
	struct dentry *dentry;
	struct lfs_container *c;
	struct path from;
	struct kstat stat;
	enum lfs_copyup_kind kind;
	loff_t size;
	struct iattr *attr;
	bool anonymous;
	bool keeps_ino;
	struct dentry *temp;
	struct fileattr fa;
	int prot;
	struct file *file;
	bool in_work;
};

int lfs_copyup(struct dentry *dentry, loff_t size);
int lfs_copyup_change(struct dentry *dentry, struct iattr *attr);
bool lfs_copyup_owner_known(const struct inode *inode);
int lfs_copyup_flush(struct lfs_copyup *cu);

/* meta.c */
int lfs_copyup_xattrs(struct lfs_copyup *cu);
int lfs_copyup_attrs(struct lfs_copyup *cu);

/* data.c */
int lfs_copyup_data(struct lfs_copyup *cu);

/* fill.c */
int lfs_fill(struct lfs_copyup *cu);

#endif /* _LAYERFS_COPYUP_H */
