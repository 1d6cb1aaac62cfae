/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_WORKDIR_H
#define _LAYERFS_WORKDIR_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/path.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>

#include "layerfs.h"

struct fs_context;

/**
 * struct lfs_workdir - where objects are made before they get their name
 * @base: the directory named by workdir=; marked in use
 * @dir: "work" in it, which holds the temporaries; NULL without an upper
 * @index: "links" in the base, see copyup/index.c; NULL until there is one, then
 *         constant
 * @handles: "handles" in the base, see copyup/moved.c; likewise
 * @seq: last number used for a temporary's name
 * @tmpfile: copies are made without a name.  Not if the filesystem is not
 *           @ordered: there, an fsync of what has no name may do nothing
 * @ordered: the upper's filesystem journals: once data has been written back,
 *           no later change of metadata survives a crash without it
 * @moved: renames of which an fsync may bring half to the disk, if not @ordered
 * @synced: of these, how many had when all was written to the disk last
 * @log: held for reading by what is logged, for writing by what must not be, see
 *       container/settle.c; not if @ordered
 * @logged: something was since the last commit that is known; under @log
 * @logs_aside: what is logged may not hold @log; stays true
 * @whiteout: of the upper, to make others of; or NULL.  Under @whiteout_lock
 * @whiteout_lock: above
 *
 * A temporary that a crash leaves here is removed by the next mount.
 */
struct lfs_workdir {
	struct dentry *base;
	struct dentry *dir;
	struct dentry *index;
	struct dentry *handles;
	atomic_t seq;
	bool tmpfile;
	bool ordered;
	atomic_t moved;
	atomic_t synced;
	struct rw_semaphore log;
	bool logged;
	bool logs_aside;
	struct dentry *whiteout;
	spinlock_t whiteout_lock;	/* whiteout */
};

/**
 * struct lfs_new - an object to be made
 * @mode: type and permissions
 * @rdev: of a device
 * @target: of a symlink
 * @hardlink: link to this instead of making anything
 * @inner_whiteout: a regular file that is shown as a character device 0/0
 * @whiteout: a whiteout; nothing else counts
 */
struct lfs_new {
	umode_t mode;
	dev_t rdev;
	const char *target;
	struct dentry *hardlink;
	bool inner_whiteout;
	bool whiteout;
};

/**
 * struct lfs_times - times of a directory
 * @atime: access
 * @mtime: modification
 */
struct lfs_times {
	struct timespec64 atime;
	struct timespec64 mtime;
};

void lfs_times_get(struct dentry *dir, struct lfs_times *times);
void lfs_times_set(struct mnt_idmap *idmap, struct dentry *dir, const struct lfs_times *times);
int lfs_workdir_open(struct fs_context *fc, struct lfs_container *c, const struct path *base);
void lfs_workdir_close(struct lfs_container *c);
int lfs_real_make(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		  const struct lfs_new *new);
int lfs_work_gone(struct lfs_container *c);
struct dentry *lfs_work_make(struct lfs_container *c, const struct lfs_new *new);
void lfs_work_remove(struct lfs_container *c, struct dentry *temp);
int lfs_work_move(struct lfs_container *c, struct dentry *temp, struct dentry *upper_dir,
		  const struct qstr *name, const struct dentry *replaces, unsigned int flags);
struct dentry *lfs_work_subdir(struct lfs_container *c, struct dentry *dir, const char *name);
int lfs_work_mark(struct lfs_container *c, const char *feature);
int lfs_real_remove(struct mnt_idmap *idmap, struct dentry *dir, struct dentry *child);
int lfs_real_clear(const struct path *dir, unsigned int depth);

#endif /* _LAYERFS_WORKDIR_H */
