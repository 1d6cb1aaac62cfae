/* SPDX-License-Identifier: GPL-2.0-only */
/* What an fsync brings to the disk ahead of its turn: see settle.c. */
#ifndef _LAYERFS_SETTLE_H
#define _LAYERFS_SETTLE_H

#include "container/container.h"

/*
 * A rename was made of which an fsync may bring half to the disk: btrfs may log what
 * is in a directory that came from the work directory by the name that it had there,
 * and the new name of what was renamed without what is at its old one.
 */
static inline void lfs_note_unsettled(struct lfs_container *c)
{
	if (!c->work.ordered)
		atomic_inc(&c->work.moved);
}

/* Whether there were such renames since all was synced last. */
static inline bool lfs_dirs_unsettled(const struct lfs_container *c)
{
	return atomic_read(&c->work.moved) != atomic_read(&c->work.synced);
}

/* Whether a sync of data alone is not enough for data to be found again. */
static inline bool lfs_is_unsettled(const struct inode *inode)
{
	const struct lfs_container *c = lfs_c(inode);

	return (test_bit(LFS_I_UNSETTLED, &lfs_i(inode)->flags) || lfs_dirs_unsettled(c)) &&
	       !c->params->is_volatile;
}

/* The upper's filesystem will log files without being asked by us: O_DSYNC, msync(). */
static inline void lfs_note_logs_aside(struct lfs_container *c)
{
	if (!c->work.ordered && !READ_ONCE(c->work.logs_aside))
		WRITE_ONCE(c->work.logs_aside, true);
}

/* Whether whiteouts in a directory of the upper may hide something. */
static inline bool lfs_dir_hides(const struct inode *inode)
{
	return S_ISDIR(inode->i_mode) && lfs_upper(inode) && lfs_image(inode);
}

int lfs_sync_upper(struct lfs_container *c);
void lfs_log_begin(struct lfs_container *c);
void lfs_log_end(struct lfs_container *c);
int lfs_settle_dirs(struct lfs_container *c);
int lfs_unlogged_begin(struct lfs_container *c);
void lfs_unlogged_end(struct lfs_container *c);

#endif /* _LAYERFS_SETTLE_H */
