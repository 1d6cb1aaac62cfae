// SPDX-License-Identifier: GPL-2.0-only
/*
 * Renaming.  What is only in the image is copied up first (of a directory, just
 * the directory itself), so that the rename is one step of the upper's
 * filesystem, with a whiteout left behind where the image has the old name.  A
 * directory keeps merging with the same directory of the image by a redirect.
 */
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xattr.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "container/live.h"
#include "container/settle.h"
#include "copyup/copyup.h"
#include "copyup/links.h"
#include "copyup/moved.h"
#include "layer/marker.h"

/**
 * struct lfs_rn - a rename under way
 * @sb: the container's
 * @idmap: of its mount
 * @olddir: parent of @old
 * @old: what is renamed
 * @newdir: parent of @new
 * @new: its new name; positive if something is overwritten or exchanged
 * @exchange: RENAME_EXCHANGE
 * @old_covered: the image has the old name
 * @new_covered: it has the new one; only asked for a directory, or if the upper's
 *               filesystem is one that logs
 * @new_in_upper: the upper has it
 * @leave_whiteout: the image has the old name, and nothing takes its place
 * @over_whiteout: the upper had a whiteout at the new name; known after the rename
 * @old_times: of the upper's @olddir before the rename
 * @new_times: of the upper's @newdir, likewise
 * @victim: what @new was, if it is overwritten; its lock is held
 */
struct lfs_rn {
	struct super_block *sb;
	struct mnt_idmap *idmap;
	struct inode *olddir;
	struct dentry *old;
	struct inode *newdir;
	struct dentry *new;
	bool exchange;
	bool old_covered;
	bool new_covered;
	bool new_in_upper;
	bool leave_whiteout;
	bool over_whiteout;
	struct lfs_times old_times;
	struct lfs_times new_times;
	struct inode *victim;
};

static int lfs_set_redirect(struct super_block *sb, struct inode *inode)
{
	struct dentry *upper = lfs_upper(inode);
	char *buf, *path, *now;
	int err;

	buf = kmalloc(LFS_MAX_REDIRECT, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	path = dentry_path_raw(lfs_image(inode), buf, LFS_MAX_REDIRECT);
	err = PTR_ERR_OR_ZERO(path);
	/* Where it is from cannot be said: mv(1) copies it then. */
	if (err == -ENAMETOOLONG)
		err = -EXDEV;
	if (err)
		goto out;
	err = lfs_marker_redirect(lfs_marks(sb), upper, &now);
	if (!err && (!now || strcmp(now, path)))
		err = vfs_setxattr(lfs_upper_idmap(lfs_container_of(sb)), upper,
				   lfs_marks(sb)->redirect, path, strlen(path), 0);
	kfree(now);
out:
	kfree(buf);
	return err;
}

/*
 * Make sure that the directory @inode shows the same under @name in @dir.  Both
 * marks say, where the directory is now, what holds there anyway: they may be
 * set ahead, and stay if the rename fails.
 */
static int lfs_mark_for_move(struct lfs_rn *rn, struct inode *inode, bool covered)
{
	if (lfs_image(inode))
		return lfs_set_redirect(rn->sb, inode);
	if (!covered)
		return 0;
	return vfs_setxattr(lfs_upper_idmap(lfs_container_of(rn->sb)), lfs_upper(inode),
			    lfs_marks(rn->sb)->opaque, "y", 1, 0);
}

static int lfs_rename_mark(struct lfs_rn *rn)
{
	struct inode *old = d_inode(rn->old), *new = d_inode(rn->new);
	int err = 0;

	if (S_ISDIR(old->i_mode))
		err = lfs_mark_for_move(rn, old, rn->new_covered);
	if (!err && rn->exchange && S_ISDIR(new->i_mode))
		err = lfs_mark_for_move(rn, new, rn->old_covered);
	if (!err && lfs_ino_is_foreign(old))
		err = lfs_mark_impure(rn->newdir);
	if (!err && rn->exchange && lfs_ino_is_foreign(new))
		err = lfs_mark_impure(rn->olddir);
	if (!err)
		err = lfs_inner_mark_dir(rn->newdir, old);
	if (!err && rn->exchange)
		err = lfs_inner_mark_dir(rn->olddir, new);
	return err;
}

static int lfs_rename_locked(struct lfs_rn *rn, struct dentry *trap)
{
	struct lfs_container *c = lfs_container_of(rn->sb);
	struct dentry *old_upper_dir = lfs_upper(rn->olddir);
	struct dentry *new_upper_dir = lfs_upper(rn->newdir);
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	struct dentry *old, *new, *new_want = NULL;
	struct renamedata rd = {
		.old_mnt_idmap = idmap,
		.old_dir = d_inode(old_upper_dir),
		.new_mnt_idmap = idmap,
		.new_dir = d_inode(new_upper_dir),
	};
	int err;

	if (rn->new_in_upper)
		new_want = lfs_upper(d_inode(rn->new));
	old = lfs_upper_child(c, old_upper_dir, &rn->old->d_name, lfs_upper(d_inode(rn->old)));
	if (IS_ERR(old))
		return PTR_ERR(old);
	new = lfs_upper_child(c, new_upper_dir, &rn->new->d_name, new_want);
	if (IS_ERR(new)) {
		err = PTR_ERR(new);
		goto put_old;
	}
	err = -ESTALE;
	if (old == trap || new == trap)
		goto put_new;

	rn->over_whiteout = !new_want && d_is_positive(new);
	if (rn->exchange) {
		rd.flags = RENAME_EXCHANGE;
	} else if (rn->over_whiteout && (rn->leave_whiteout || d_is_dir(old))) {
		/* The whiteout comes to the old name, where it may be wanted. */
		rd.flags = RENAME_EXCHANGE;
	} else if (rn->leave_whiteout) {
		rd.flags = RENAME_WHITEOUT;
	}
	rd.old_dentry = old;
	rd.new_dentry = new;
	lfs_times_get(old_upper_dir, &rn->old_times);
	lfs_times_get(new_upper_dir, &rn->new_times);
	err = vfs_rename(&rd);
	if (!err && (rn->over_whiteout || rd.flags))
		lfs_note_unsettled(c);
	/* Not wanted, and hiding nothing: if this fails, only a file is left over. */
	if (!err && rd.flags == RENAME_EXCHANGE && !rn->exchange && !rn->leave_whiteout)
		vfs_unlink(idmap, d_inode(old_upper_dir), new, NULL);
put_new:
	dput(new);
put_old:
	dput(old);
	return err;
}

/* The way back from where nothing was overwritten, with each whiteout where it was. */
static int lfs_rename_back_locked(struct lfs_rn *rn, struct dentry *trap)
{
	struct lfs_container *c = lfs_container_of(rn->sb);
	struct dentry *old_upper_dir = lfs_upper(rn->olddir);
	struct dentry *new_upper_dir = lfs_upper(rn->newdir);
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	struct dentry *from, *to;
	struct renamedata rd = {
		.old_mnt_idmap = idmap,
		.old_dir = d_inode(new_upper_dir),
		.new_mnt_idmap = idmap,
		.new_dir = d_inode(old_upper_dir),
	};
	int err;

	from = lfs_upper_child(c, new_upper_dir, &rn->new->d_name, lfs_upper(d_inode(rn->old)));
	if (IS_ERR(from))
		return PTR_ERR(from);
	to = lfs_upper_child(c, old_upper_dir, &rn->old->d_name, NULL);
	if (IS_ERR(to)) {
		err = PTR_ERR(to);
		goto put_from;
	}
	err = -ESTALE;
	if (from == trap || to == trap)
		goto put_to;

	if (d_is_positive(to))
		rd.flags = RENAME_EXCHANGE;
	else if (rn->over_whiteout)
		rd.flags = RENAME_WHITEOUT;
	rd.old_dentry = from;
	rd.new_dentry = to;
	err = vfs_rename(&rd);
	if (!err && rd.flags)
		lfs_note_unsettled(c);
	/* Hides nothing, like the one that lfs_rename_locked() removes. */
	if (!err && rd.flags == RENAME_EXCHANGE && !rn->over_whiteout)
		vfs_unlink(idmap, d_inode(new_upper_dir), to, NULL);
	if (!err) {
		lfs_times_set(idmap, old_upper_dir, &rn->old_times);
		lfs_times_set(idmap, new_upper_dir, &rn->new_times);
	}
put_to:
	dput(to);
put_from:
	dput(from);
	return err;
}

static int lfs_rename_upper(struct lfs_rn *rn,
			    int (*rename)(struct lfs_rn *rn, struct dentry *trap))
{
	struct dentry *old_dir = lfs_upper(rn->olddir), *new_dir = lfs_upper(rn->newdir);
	struct dentry *trap;
	int err;

	trap = lock_rename(new_dir, old_dir);
	if (IS_ERR(trap))
		return PTR_ERR(trap);
	err = rename(rn, trap);
	unlock_rename(new_dir, old_dir);
	return err;
}

/*
 * What the image has by the two names.  It never changes, so it can be asked ahead:
 * that takes locks of the image, which come before sb_writers of the upper.
 */
static int lfs_rename_ask_image(struct lfs_rn *rn)
{
	int covered;

	covered = lfs_covered(rn->olddir, &rn->old->d_name);
	if (covered < 0)
		return covered;
	rn->old_covered = covered;
	rn->leave_whiteout = covered && !rn->exchange;
	if (!d_is_dir(rn->old) && lfs_container_of(rn->sb)->work.ordered)
		return 0;
	covered = lfs_covered(rn->newdir, &rn->new->d_name);
	rn->new_covered = covered > 0;
	return min(covered, 0);
}

/*
 * A file written anew and renamed over the old one is there after a crash, the
 * old or the new one: ext4 and btrfs see to that with writeback, if they see a
 * file replaced.
 */
static void lfs_rename_flush(const struct lfs_rn *rn)
{
	struct inode *old = d_inode(rn->old);

	if (rn->victim && !rn->new_in_upper && S_ISREG(old->i_mode) &&
	    !lfs_container_of(rn->sb)->params->is_volatile)
		filemap_flush(d_inode(lfs_upper(old))->i_mapping);
}

/* What is at the new name in the upper, and that its loss can be counted. */
static int lfs_rename_ask_upper(struct lfs_rn *rn)
{
	int in_upper;

	if (d_is_negative(rn->new))
		return 0;
	in_upper = rn->victim ? lfs_name_in_upper(rn->newdir, rn->new) : 1;
	rn->new_in_upper = in_upper > 0;
	return rn->victim ? lfs_links_begin_loss(rn->victim, in_upper) : 0;
}

/* Whether something that hides the image's goes from one of the two names. */
static bool lfs_rename_uncovers(const struct lfs_rn *rn)
{
	if (rn->victim && lfs_dir_hides(rn->victim))
		return true;
	return rn->old_covered || (rn->new_covered && (!rn->victim || rn->new_in_upper));
}

static int lfs_rename_marked(struct lfs_rn *rn)
{
	int err;

	err = lfs_rename_mark(rn);
	if (!err && rn->victim && S_ISDIR(rn->victim->i_mode))
		err = lfs_dir_hollow(rn->victim);
	if (err)
		return err;
	lfs_moved_begin(d_inode(rn->old));
	if (rn->exchange)
		lfs_moved_begin(d_inode(rn->new));
	return lfs_rename_upper(rn, lfs_rename_locked);
}

static int lfs_rename_write(struct lfs_rn *rn)
{
	struct lfs_container *c = lfs_container_of(rn->sb);
	bool unlogged;
	int err;

	err = lfs_rename_ask_upper(rn);
	if (err)
		return err;
	lfs_rename_flush(rn);
	unlogged = lfs_rename_uncovers(rn);
	err = unlogged ? lfs_unlogged_begin(c) : 0;
	if (err)
		return err;
	err = lfs_rename_marked(rn);
	if (unlogged)
		lfs_unlogged_end(c);
	if (err)
		return err;
	lfs_moved_note(d_inode(rn->old));
	if (rn->exchange)
		lfs_moved_note(d_inode(rn->new));
	if (rn->victim)
		lfs_inode_gone(rn->victim, rn->new_in_upper);
	return 0;
}

/* What was renamed gets its old name again; 0 if it has. */
static int lfs_rename_back(struct lfs_rn *rn)
{
	struct lfs_container *c = lfs_container_of(rn->sb);
	int err;

	if (rn->victim)
		return -EEXIST;
	err = lfs_unlogged_begin(c);
	if (err)
		return err;
	err = lfs_rename_upper(rn, lfs_rename_back_locked);
	lfs_unlogged_end(c);
	return err;
}

/*
 * RENAME_WHITEOUT, as mounts inside the container use it.  Two steps: a crash in between
 * may leave the new name without the whiteout, but loses nothing.  If the second fails,
 * the first is undone, unless that has overwritten something.
 */
static int lfs_rename_leave_inner(struct lfs_rn *rn, const struct cred *caller)
{
	struct dentry *temp = lfs_inner_whiteout_make(rn->idmap, rn->olddir, rn->old, caller);
	int err;

	if (IS_ERR(temp))
		return PTR_ERR(temp);
	err = lfs_rename_write(rn);
	if (err)
		goto remove;
	err = lfs_inner_whiteout_place(rn->olddir, &rn->old->d_name, temp);
	if (!err)
		goto out;
	if (lfs_rename_back(rn)) {
		/* The VFS is going to think that nothing was renamed: have it look again. */
		d_drop(rn->old);
		d_drop(rn->new);
	}
remove:
	lfs_work_remove(lfs_container_of(rn->sb), temp);
out:
	dput(temp);
	return err;
}

/* Without redirects a directory that merges cannot merge from elsewhere: mv(1) copies it. */
static bool lfs_rename_needs_copy(const struct lfs_rn *rn)
{
	const struct inode *old = d_inode(rn->old), *new = d_inode(rn->new);

	if (!lfs_marks(rn->sb)->is_user)
		return false;
	return (S_ISDIR(old->i_mode) && lfs_image(old)) ||
	       (rn->exchange && S_ISDIR(new->i_mode) && lfs_image(new));
}

static int lfs_rename_copyup(struct lfs_rn *rn)
{
	int err;

	err = lfs_copyup(rn->old, LFS_COPYUP_ALL);
	if (!err)
		err = lfs_links_place_name(rn->old);
	if (!err)
		err = lfs_copyup(rn->new->d_parent, LFS_COPYUP_ALL);
	if (!err && rn->exchange)
		err = lfs_copyup(rn->new, LFS_COPYUP_ALL);
	if (!err && rn->exchange)
		err = lfs_links_place_name(rn->new);
	return err;
}

/**
 * lfs_rename - ->rename
 * @idmap: of the container's mount
 * @olddir: parent of @old, its i_rwsem held for writing
 * @old: what is renamed
 * @newdir: parent of @new, its i_rwsem held for writing
 * @new: the new name
 * @flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT
 */
int lfs_rename(struct mnt_idmap *idmap, struct inode *olddir, struct dentry *old,
	       struct inode *newdir, struct dentry *new, unsigned int flags)
{
	struct lfs_rn rn = {
		.idmap = idmap,
		.sb = olddir->i_sb,
		.olddir = olddir,
		.old = old,
		.newdir = newdir,
		.new = new,
		.exchange = flags & RENAME_EXCHANGE,
	};
	const struct cred *cred;
	int err, empty;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (lfs_rename_needs_copy(&rn))
		return -EXDEV;
	if (!rn.exchange)
		rn.victim = d_inode(new);
	if (rn.victim && S_ISDIR(rn.victim->i_mode)) {
		empty = lfs_dir_empty(rn.victim);
		if (empty <= 0)
			return empty ? empty : -ENOTEMPTY;
	}
	err = lfs_rename_copyup(&rn);
	if (err)
		return err;
	/* No copy-up may give the victim its name back. */
	if (rn.victim && mutex_lock_killable(&lfs_i(rn.victim)->lock))
		return -EINTR;
	err = lfs_rename_ask_image(&rn) ?: lfs_write_begin(rn.sb, &cred);
	if (err)
		goto unlock;
	err = flags & RENAME_WHITEOUT ? lfs_rename_leave_inner(&rn, cred) :
					lfs_rename_write(&rn);
	lfs_write_end(rn.sb, cred);
	/* Each directory counts for itself. */
	lfs_live_note(old, LFS_LIVE_UNKNOWN);
	lfs_live_note(new, LFS_LIVE_UNKNOWN);
	lfs_dir_changed(olddir);
	if (newdir != olddir)
		lfs_dir_changed(newdir);
	/* ctime */
	lfs_copy_attrs(d_inode(old));
	if (rn.exchange)
		lfs_copy_attrs(d_inode(new));
unlock:
	if (rn.victim)
		mutex_unlock(&lfs_i(rn.victim)->lock);
	lfs_name_failed(olddir, old, err);
	return lfs_name_failed(newdir, new, err);
}
