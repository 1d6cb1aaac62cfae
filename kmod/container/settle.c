// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an fsync brings to the disk ahead of its turn.
 *
 * btrfs does not commit a transaction at an fsync, but writes a log: the inodes that
 * were fsynced in this transaction, and some that belong to them.  A later change of a
 * name of theirs changes the log too, but only with what concerns an inode or a
 * directory that is in it.  The next fsync of anything in the subvolume, by whomever,
 * writes that; a power cut then leaves a part of the change: a file at its new name
 * without the whiteout at the old one, or no file and no whiteout.  On a plain btrfs a
 * file not synced is missing then; here the layer's would be back, older than what
 * was promised.
 *
 * So a change that takes away what the upper has at a name of the image's is made
 * while nothing of the container is in the log: if something may be, the transaction is
 * committed first.  Then the log learns nothing of the change, which as a
 * part of the transaction comes to the disk as a whole.  Nothing is logged
 * meanwhile, and what is logged later was made for what there is then.
 */
#include <linux/fs.h>
#include <linux/rwsem.h>

#include "container/settle.h"

/**
 * lfs_sync_upper - write the upper's filesystem to its disk
 * @c: the container
 */
int lfs_sync_upper(struct lfs_container *c)
{
	struct super_block *upper_sb = c->upper_mnt->mnt_sb;
	int moved = atomic_read(&c->work.moved), synced;
	int err;

	down_read(&upper_sb->s_umount);
	err = sync_filesystem(upper_sb);
	up_read(&upper_sb->s_umount);
	if (err)
		return err;
	/* Forward only: another may have seen more, and be done already. */
	synced = atomic_read(&c->work.synced);
	while (moved - synced > 0 && !atomic_try_cmpxchg(&c->work.synced, &synced, moved))
		;
	return 0;
}

/**
 * lfs_settle_dirs - bring renames to the disk that an fsync would bring half
 * @c: the container, not volatile
 *
 * To be called before an fsync, after lfs_log_begin().
 *
 * Context: no lock of the upper is held.
 */
int lfs_settle_dirs(struct lfs_container *c)
{
	return lfs_dirs_unsettled(c) ? lfs_sync_upper(c) : 0;
}

/**
 * lfs_log_begin - the upper's filesystem is about to log something
 * @c: the container, not volatile
 *
 * To be called before an fsync of anything of the upper or the work directory.
 *
 * Context: no lock of the upper is held, but sb_writers may be.
 */
void lfs_log_begin(struct lfs_container *c)
{
	if (c->work.ordered)
		return;
	down_read(&c->work.log);
	WRITE_ONCE(c->work.logged, true);
}

/**
 * lfs_log_end - the fsync is done
 * @c: the container
 */
void lfs_log_end(struct lfs_container *c)
{
	if (!c->work.ordered)
		up_read(&c->work.log);
}

/* Data not written yet may wait: it is the log that has to go. */
static int lfs_commit_upper(struct lfs_container *c)
{
	struct super_block *upper_sb = c->upper_mnt->mnt_sb;
	int err = 0;

	if (!upper_sb->s_op->sync_fs)
		return lfs_sync_upper(c);
	down_read(&upper_sb->s_umount);
	if (!sb_rdonly(upper_sb))
		err = upper_sb->s_op->sync_fs(upper_sb, 1);
	up_read(&upper_sb->s_umount);
	return err;
}

/**
 * lfs_unlogged_begin - have nothing in the log, and keep it so
 * @c: the container
 *
 * To be called before what the upper has at a name is taken away, if the image has the
 * name, too.  Where an fsync commits a journal, there is nothing to do.
 *
 * Context: between lfs_write_begin() and lfs_write_end(), no other lock of the upper is
 * held.
 * Return: 0, or an error: then lfs_unlogged_end() is not to be called.
 */
int lfs_unlogged_begin(struct lfs_container *c)
{
	int err = 0;

	if (c->work.ordered || c->params->is_volatile)
		return 0;
	if (down_write_killable(&c->work.log))
		return -EINTR;
	if (c->work.logged || READ_ONCE(c->work.logs_aside))
		err = lfs_commit_upper(c);
	if (err)
		up_write(&c->work.log);
	else
		WRITE_ONCE(c->work.logged, false);
	return err;
}

/**
 * lfs_unlogged_end - the change is made
 * @c: the container
 */
void lfs_unlogged_end(struct lfs_container *c)
{
	if (!c->work.ordered && !c->params->is_volatile)
		up_write(&c->work.log);
}
