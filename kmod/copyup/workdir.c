// SPDX-License-Identifier: GPL-2.0-only
/* The work directory: opened and emptied by a mount, then home of temporaries. */
#include <linux/buffer_head.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs_context.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/unaligned.h>
#include <linux/xattr.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "container/settle.h"
#include "copyup/index.h"
#include "copyup/whiteout.h"
#include "image/names.h"
#include "layer/lower.h"
#include "layer/marker.h"

/**
 * lfs_real_make - make an object in a real directory
 * @idmap: of the upper's mount
 * @dir: its i_rwsem is held for writing
 * @dentry: negative
 * @new: what to make
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_real_make(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		  const struct lfs_new *new)
{
	int err;

	if (new->hardlink) {
		err = vfs_link(new->hardlink, idmap, dir, dentry, NULL);
	} else {
		switch (new->mode & S_IFMT) {
		case S_IFREG:
			err = vfs_create(idmap, dir, dentry, new->mode, true);
			break;
		case S_IFDIR:
			err = vfs_mkdir(idmap, dir, dentry, new->mode);
			break;
		case S_IFLNK:
			err = vfs_symlink(idmap, dir, dentry, new->target);
			break;
		default:
			err = vfs_mknod(idmap, dir, dentry, new->mode, new->rdev);
			break;
		}
	}
	/* Allowed to a filesystem that others change too; such are no uppers. */
	if (!err && (d_unhashed(dentry) || d_is_negative(dentry)))
		err = -EIO;
	return err;
}

/**
 * lfs_work_gone - whether somebody has removed the directory that temporaries are made in
 * @c: the container
 *
 * Return: 0 or -ESTALE, logged.
 */
int lfs_work_gone(struct lfs_container *c)
{
	if (!IS_DEADDIR(d_inode(c->work.dir)))
		return 0;
	lfs_upper_changed(c, c->work.dir);
	return -ESTALE;
}

/* A free name in the work directory, whose i_rwsem is held for writing. */
static struct dentry *lfs_work_name(struct lfs_container *c)
{
	struct dentry *dentry;
	char name[16];

	do {
		snprintf(name, sizeof(name), "#%x", atomic_inc_return(&c->work.seq));
		dentry = lookup_one(lfs_upper_idmap(c), name, c->work.dir, strlen(name));
		if (IS_ERR(dentry) || d_is_negative(dentry))
			return dentry;
		/* What an earlier failure could not remove. */
		dput(dentry);
	} while (!fatal_signal_pending(current));
	return ERR_PTR(-EINTR);
}

/**
 * lfs_work_make - make a temporary in the work directory
 * @c: the container
 * @new: what to make
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 * Return: the dentry, referenced; -ESTALE if the work directory was removed; another
 * error.
 */
struct dentry *lfs_work_make(struct lfs_container *c, const struct lfs_new *new)
{
	struct inode *dir = d_inode(c->work.dir);
	struct dentry *temp;
	int err;

	inode_lock_nested(dir, I_MUTEX_PARENT);
	err = lfs_work_gone(c);
	temp = err ? ERR_PTR(err) : lfs_work_name(c);
	if (!IS_ERR(temp)) {
		err = new->whiteout ? lfs_whiteout_make(c, dir, temp) :
				      lfs_real_make(lfs_upper_idmap(c), dir, temp, new);
		if (err) {
			dput(temp);
			temp = ERR_PTR(err);
		}
	}
	inode_unlock(dir);
	return temp;
}

/**
 * lfs_real_remove - remove what a real directory holds
 * @idmap: of the upper's mount
 * @dir: its i_rwsem is held for writing
 * @child: positive, in it
 */
int lfs_real_remove(struct mnt_idmap *idmap, struct dentry *dir, struct dentry *child)
{
	if (d_is_dir(child))
		return vfs_rmdir(idmap, d_inode(dir), child);
	return vfs_unlink(idmap, d_inode(dir), child, NULL);
}

/**
 * lfs_work_remove - remove a temporary
 * @c: the container
 * @temp: in the work directory; a directory may hold whiteouts
 *
 * A failure leaves it to the next mount.
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
void lfs_work_remove(struct lfs_container *c, struct dentry *temp)
{
	struct path path = { .mnt = c->upper_mnt, .dentry = temp };
	int err = 0;

	if (d_is_dir(temp)) {
		err = lfs_real_clear(&path, 0);
		lfs_whiteout_forget(c, temp);
	}
	inode_lock_nested(d_inode(c->work.dir), I_MUTEX_PARENT);
	if (!err && temp->d_parent == c->work.dir && !d_unhashed(temp))
		err = lfs_real_remove(lfs_upper_idmap(c), c->work.dir, temp);
	inode_unlock(d_inode(c->work.dir));
	if (err)
		pr_warn_ratelimited("cannot remove '%pd2': %pe\n", temp, ERR_PTR(err));
}

/**
 * lfs_times_get - remember the times of an upper directory
 * @dir: its i_rwsem is held
 * @times: filled in
 */
void lfs_times_get(struct dentry *dir, struct lfs_times *times)
{
	times->atime = inode_get_atime(d_inode(dir));
	times->mtime = inode_get_mtime(d_inode(dir));
}

/**
 * lfs_times_set - give an upper directory its times back
 * @idmap: of the upper's mount
 * @dir: its i_rwsem is held for writing
 * @times: from lfs_times_get()
 *
 * A failure is of no consequence but a wrong time.
 */
void lfs_times_set(struct mnt_idmap *idmap, struct dentry *dir, const struct lfs_times *times)
{
	struct iattr attr = {
		.ia_valid = ATTR_ATIME | ATTR_ATIME_SET | ATTR_MTIME | ATTR_MTIME_SET,
		.ia_atime = times->atime,
		.ia_mtime = times->mtime,
	};

	notify_change(idmap, dir, &attr, NULL);
}

/* For f2fs a directory that is moved has changed itself: there is another "..". */
static void lfs_times_restore(struct mnt_idmap *idmap, struct dentry *dir,
			      const struct lfs_times *times)
{
	struct timespec64 mtime = inode_get_mtime(d_inode(dir));

	if (timespec64_equal(&mtime, &times->mtime))
		return;
	inode_lock(d_inode(dir));
	lfs_times_set(idmap, dir, times);
	inode_unlock(d_inode(dir));
}

/**
 * lfs_work_move - give a temporary its name in the upper
 * @c: the container
 * @temp: in the work directory
 * @upper_dir: directory of the upper
 * @name: the name there
 * @replaces: what must be there now; NULL for nothing or a whiteout
 * @flags: 0; RENAME_NOREPLACE: for a copy-up, nothing may be there, not even a
 *         whiteout, and the directory keeps its times; or RENAME_EXCHANGE: what
 *         is there comes here and is removed
 *
 * One step of the upper's filesystem: a crash leaves what was or what is new.
 *
 * Context: between lfs_write_begin() and lfs_write_end(); takes the i_rwsem of
 * both directories.
 * Return: 0; -ESTALE if the upper was changed behind our back; another error
 * with nothing changed.
 */
int lfs_work_move(struct lfs_container *c, struct dentry *temp, struct dentry *upper_dir,
		  const struct qstr *name, const struct dentry *replaces, unsigned int flags)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	struct renamedata rd = {
		.old_mnt_idmap = idmap,
		.old_dir = d_inode(c->work.dir),
		.old_dentry = temp,
		.new_mnt_idmap = idmap,
		.new_dir = d_inode(upper_dir),
		.flags = flags & RENAME_EXCHANGE,
	};
	struct dentry *child, *trap;
	struct lfs_times times, own;
	int err = -ESTALE;

	trap = lock_rename(c->work.dir, upper_dir);
	if (IS_ERR(trap))
		return -ESTALE;
	if (trap)
		goto unlock;
	if (temp->d_parent != c->work.dir || d_unhashed(temp))
		goto unlock;
	child = lfs_upper_child(c, upper_dir, name, replaces);
	err = PTR_ERR_OR_ZERO(child);
	if (err)
		goto unlock;
	if (d_is_positive(child) ? flags & RENAME_NOREPLACE : flags & RENAME_EXCHANGE)
		err = -ESTALE;
	rd.new_dentry = child;
	lfs_times_get(upper_dir, &times);
	lfs_times_get(temp, &own);
	if (!err)
		err = vfs_rename(&rd);
	/* To get a copy is not a change of the directory that anyone should see. */
	if (!err && (flags & RENAME_NOREPLACE))
		lfs_times_set(idmap, upper_dir, &times);
	unlock_rename(c->work.dir, upper_dir);
	if (!err && d_is_dir(temp)) {
		lfs_times_restore(idmap, temp, &own);
		lfs_note_unsettled(c);
	}
	if (!err && (flags & RENAME_EXCHANGE))
		lfs_work_remove(c, child);
	dput(child);
	return err;

unlock:
	unlock_rename(c->work.dir, upper_dir);
	return err;
}

static int lfs_real_clear_one(const struct path *dir, const struct lfs_name *n,
			      unsigned int depth)
{
	struct mnt_idmap *idmap = mnt_idmap(dir->mnt);
	struct path child = { .mnt = dir->mnt };
	int err = 0;

	child.dentry = lfs_real_lookup(idmap, dir->dentry, n->name, n->len);
	if (IS_ERR_OR_NULL(child.dentry))
		return PTR_ERR_OR_ZERO(child.dentry);
	if (!depth && !lfs_is_whiteout(child.dentry))
		err = -ENOTEMPTY;
	else if (d_is_dir(child.dentry))
		err = lfs_real_clear(&child, depth - 1);
	if (!err) {
		inode_lock_nested(d_inode(dir->dentry), I_MUTEX_PARENT);
		if (child.dentry->d_parent == dir->dentry && !d_unhashed(child.dentry))
			err = lfs_real_remove(idmap, dir->dentry, child.dentry);
		inode_unlock(d_inode(dir->dentry));
	}
	dput(child.dentry);
	return err;
}

/**
 * lfs_real_clear - empty a directory of the upper or the work directory
 * @dir: the directory
 * @depth: how many levels of directories may be in it; with 0 only whiteouts
 *
 * Context: the mounter's credentials are in force, the upper is held for
 * writing.
 * Return: 0; -ENOTEMPTY if there is more than that; another error.
 */
int lfs_real_clear(const struct path *dir, unsigned int depth)
{
	struct lfs_names *names = lfs_names_alloc();
	unsigned int i;
	int err;

	if (!names)
		return -ENOMEM;
	err = lfs_real_list(dir, current_cred(), names, lfs_real_ino, NULL, NULL, 0);
	for (i = 0; !err && i < names->nr; i++)
		err = lfs_real_clear_one(dir, names->v[i], depth);
	lfs_names_free(names);
	return err;
}

/*
 * What a crash left in the work directory goes, but not @keep.  Only what has a
 * temporary's name is emptied deeply: another tree is not ours, and the option may
 * name a wrong place.
 */
static int lfs_work_clear(const struct path *dir, const char *keep)
{
	struct lfs_names *names = lfs_names_alloc();
	const struct lfs_name *n;
	unsigned int i;
	int err;

	if (!names)
		return -ENOMEM;
	err = lfs_real_list(dir, current_cred(), names, lfs_real_ino, NULL, NULL, 0);
	for (i = 0; !err && i < names->nr; i++) {
		n = names->v[i];
		if (keep && !strcmp(n->name, keep))
			continue;
		err = lfs_real_clear_one(dir, n, n->name[0] == '#' ? LFS_MAX_TEMP_DEPTH :
							LFS_MAX_WORK_DEPTH);
	}
	lfs_names_free(names);
	return err;
}

/**
 * lfs_work_subdir - find or make a directory of the work directory
 * @c: the container
 * @dir: in it, or its base
 * @name: one component
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 * Return: the dentry, referenced, or an error.
 */
struct dentry *lfs_work_subdir(struct lfs_container *c, struct dentry *dir, const char *name)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	struct lfs_new new = { .mode = S_IFDIR | 0700 };
	struct dentry *child;
	int err;

	inode_lock_nested(d_inode(dir), I_MUTEX_PARENT);
	child = lookup_one(idmap, name, dir, strlen(name));
	if (IS_ERR(child))
		goto unlock;
	err = d_is_negative(child) ? lfs_real_make(idmap, d_inode(dir), child, &new) : 0;
	if (!err && !d_is_dir(child))
		err = -ENOTDIR;
	if (err) {
		dput(child);
		child = ERR_PTR(err);
	}
unlock:
	inode_unlock(d_inode(dir));
	return child;
}

static int lfs_work_check_feature(struct fs_context *fc, struct lfs_container *c,
				  const char *feature)
{
	if (!strcmp(feature, LAYERFS_LINKS_DIR) || !strcmp(feature, LAYERFS_AUFS_DIR))
		return 0;
	if (strcmp(feature, LAYERFS_VOLATILE_DIR))
		errorfc(fc, "workdir '%s' was used with the feature '%s', which this version does not know",
			c->params->work_name, feature);
	else
		errorfc(fc, "upperdir '%s' was mounted volatile and may be incomplete; to use it all the same, remove '%s/%s/%s/%s'",
			c->params->upper_name, c->params->work_name,
			LAYERFS_WORK_DIR, LAYERFS_INCOMPAT_DIR, feature);
	return -EINVAL;
}

/* Features that the last mounter wrote down as needed to use this upper. */
static int lfs_work_check_incompat(struct fs_context *fc, struct lfs_container *c)
{
	struct path incompat = { .mnt = c->upper_mnt };
	struct lfs_names *names;
	unsigned int i;
	int err;

	incompat.dentry = lfs_real_lookup(lfs_upper_idmap(c), c->work.dir, LAYERFS_INCOMPAT_DIR,
					  strlen(LAYERFS_INCOMPAT_DIR));
	if (IS_ERR(incompat.dentry))
		errorfc(fc, "cannot look into '%s' in workdir '%s': %pe", LAYERFS_WORK_DIR,
			c->params->work_name, incompat.dentry);
	if (IS_ERR_OR_NULL(incompat.dentry))
		return PTR_ERR_OR_ZERO(incompat.dentry);
	names = lfs_names_alloc();
	err = names ? lfs_real_list(&incompat, c->cred, names, lfs_real_ino, NULL, NULL, 0) :
		      -ENOMEM;
	for (i = 0; !err && i < names->nr; i++)
		err = lfs_work_check_feature(fc, c, names->v[i]->name);
	lfs_names_free(names);
	dput(incompat.dentry);
	return err;
}

/**
 * lfs_work_mark - note a feature that a mounter must know
 * @c: the container
 * @feature: name of the feature
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_work_mark(struct lfs_container *c, const char *feature)
{
	struct dentry *incompat, *dir;

	incompat = lfs_work_subdir(c, c->work.dir, LAYERFS_INCOMPAT_DIR);
	if (IS_ERR(incompat))
		return PTR_ERR(incompat);
	dir = lfs_work_subdir(c, incompat, feature);
	dput(incompat);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	dput(dir);
	return 0;
}

/*
 * Whether whiteouts need not be tried out: these can leave them, on whatever they lie
 * and however they are mounted.  Trying is most of what a mount costs.
 */
static bool lfs_fs_leaves_whiteouts(const struct super_block *sb)
{
	static const char * const known[] = { "btrfs", "ext4", "tmpfs", "xfs" };

	return match_string(known, ARRAY_SIZE(known), sb->s_type->name) >= 0;
}

/*
 * xfs can be made to find names by other spellings: it gives what is called otherwise, and
 * hashes nothing that it makes, so that lfs_real_make() takes it for gone.
 */
static int lfs_work_check_spelling(struct fs_context *fc, struct lfs_container *c)
{
	static const char * const known[] = { "btrfs", "ext4", "tmpfs" };
	static const char other[] = "WORK";
	const struct super_block *sb = c->upper_mnt->mnt_sb;
	struct dentry *found;
	bool same;

	if (match_string(known, ARRAY_SIZE(known), sb->s_type->name) >= 0)
		return 0;
	found = lookup_one_positive_unlocked(lfs_upper_idmap(c), other, c->work.base,
					     strlen(other));
	if (IS_ERR(found))
		return PTR_ERR(found) == -ENOENT ? 0 : PTR_ERR(found);
	same = lfs_real_is_spelled(found, other, strlen(other));
	dput(found);
	if (same)
		return 0;
	errorfc(fc, "upperdir '%s' is on a filesystem with case-insensitive names (%s)",
		c->params->upper_name, sb->s_type->name);
	return -EINVAL;
}

/* Features that whoever mounts the upper next has to know from now on. */
static int lfs_work_mark_features(struct fs_context *fc, struct lfs_container *c)
{
	int err;

	if (c->params->is_volatile) {
		err = lfs_work_mark(c, LAYERFS_VOLATILE_DIR);
		if (err) {
			errorfc(fc, "cannot mark workdir '%s' volatile: %pe",
				c->params->work_name, ERR_PTR(err));
			return err;
		}
	}
	/* overlayfs would show what the names hide, and the names. */
	if (!c->params->aufs_whiteouts)
		return 0;
	err = lfs_work_mark(c, LAYERFS_AUFS_DIR);
	if (err)
		errorfc(fc, "cannot mark workdir '%s' as of layers with aufs_whiteouts: %pe",
			c->params->work_name, ERR_PTR(err));
	return err;
}

static int lfs_work_has_xattrs(struct fs_context *fc, struct lfs_container *c)
{
	const struct lfs_marks *marks = lfs_container_image(c)->marks;
	int err = vfs_getxattr(lfs_upper_idmap(c), c->work.dir, marks->opaque, NULL, 0);

	if (err >= 0 || err == -ENODATA)
		return 0;
	errorfc(fc, "upperdir '%s': filesystem %s does not take extended attributes '%s*': %pe",
		c->params->upper_name, c->upper_mnt->mnt_sb->s_type->name, marks->prefix,
		ERR_PTR(err));
	return err;
}

/* What the upper's filesystem must be able to do, tried out where it matters. */
static int lfs_work_probe(struct fs_context *fc, struct lfs_container *c)
{
	struct lfs_new file = { .mode = S_IFREG | 0600 };
	const struct lfs_marks *marks = lfs_container_image(c)->marks;
	const char *fs = c->upper_mnt->mnt_sb->s_type->name;
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	struct renamedata rd = {
		.old_mnt_idmap = idmap,
		.new_mnt_idmap = idmap,
		.old_dir = d_inode(c->work.dir),
		.new_dir = d_inode(c->work.dir),
		.flags = RENAME_WHITEOUT,
	};
	struct dentry *temp, *slot, *left;
	int err;

	temp = lfs_work_make(c, &file);
	if (IS_ERR(temp)) {
		errorfc(fc, "cannot write to workdir '%s': %pe", c->params->work_name, temp);
		return PTR_ERR(temp);
	}
	err = vfs_setxattr(idmap, temp, marks->opaque, "n", 1, 0);
	if (err) {
		errorfc(fc, "upperdir '%s': filesystem %s does not take extended attributes '%s*': %pe",
			c->params->upper_name, fs, marks->prefix, ERR_PTR(err));
		goto remove;
	}

	inode_lock_nested(d_inode(c->work.dir), I_MUTEX_PARENT);
	slot = lfs_work_name(c);
	err = PTR_ERR_OR_ZERO(slot);
	left = NULL;
	if (!err) {
		char name[16];

		strscpy(name, temp->d_name.name, sizeof(name));
		rd.old_dentry = temp;
		rd.new_dentry = slot;
		err = vfs_rename(&rd);
		dput(slot);
		if (!err)
			left = lookup_one(idmap, name, c->work.dir, strlen(name));
	}
	inode_unlock(d_inode(c->work.dir));
	if (err)
		errorfc(fc, "upperdir '%s': filesystem %s cannot leave a whiteout when renaming: %pe",
			c->params->upper_name, fs, ERR_PTR(err));
	if (!IS_ERR_OR_NULL(left)) {
		if (d_is_positive(left))
			lfs_work_remove(c, left);
		dput(left);
	}
remove:
	lfs_work_remove(c, temp);
	dput(temp);
	return err;
}

/*
 * Whether an ext4 has a journal, as its superblock says (kernel document
 * filesystems/ext4/super).  Without one, a name may come to the disk while the
 * data, written back before, is still in the disk's cache.
 */
static bool lfs_ext4_has_journal(struct super_block *sb)
{
	const size_t at = 1024, compat = 0x5c;
	const u32 has_journal = 0x4;
	struct buffer_head *bh;
	bool has;

	bh = sb_bread(sb, at / sb->s_blocksize);
	if (!bh)
		return false;
	has = get_unaligned_le32(bh->b_data + at % sb->s_blocksize + compat) & has_journal;
	brelse(bh);
	return has;
}

/*
 * btrfs is none of them: there, writeback of a page ends before the extent is
 * known to the transaction.
 */
static bool lfs_fs_is_ordered(struct super_block *sb)
{
	static const char * const ordered[] = { "ext4", "xfs", "tmpfs" };

	if (match_string(ordered, ARRAY_SIZE(ordered), sb->s_type->name) < 0)
		return false;
	return strcmp(sb->s_type->name, "ext4") || lfs_ext4_has_journal(sb);
}

static bool lfs_has_acl(struct inode *inode, int type)
{
	struct posix_acl *acl = get_inode_acl(inode, type);

	if (!IS_ERR(acl))
		posix_acl_release(acl);
	return acl;
}

/*
 * What a temporary is given comes from its later place, not from this one.  An earlier
 * mount has seen to it, if it was one of ours.
 */
static int lfs_work_bequeath_nothing(struct mnt_idmap *idmap, struct dentry *dir)
{
	static const struct {
		int type;
		const char *name;
	} acls[] = {
		{ ACL_TYPE_DEFAULT, XATTR_NAME_POSIX_ACL_DEFAULT },
		{ ACL_TYPE_ACCESS, XATTR_NAME_POSIX_ACL_ACCESS },
	};
	struct iattr attr = {
		.ia_valid = ATTR_MODE,
		.ia_mode = S_IFDIR | 0700,
	};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(acls); i++) {
		if (!lfs_has_acl(d_inode(dir), acls[i].type))
			continue;
		err = vfs_remove_acl(idmap, dir, acls[i].name);
		if (err && err != -ENODATA && err != -EOPNOTSUPP)
			return err;
	}
	if ((d_inode(dir)->i_mode & 07777) == 0700)
		return 0;
	inode_lock(d_inode(dir));
	err = notify_change(idmap, dir, &attr, NULL);
	inode_unlock(d_inode(dir));
	return err;
}

static int lfs_workdir_prepare(struct fs_context *fc, struct lfs_container *c)
{
	struct path path = { .mnt = c->upper_mnt };
	struct dentry *dir = lfs_work_subdir(c, c->work.base, LAYERFS_WORK_DIR);
	int err = lfs_work_check_spelling(fc, c);

	if (IS_ERR(dir)) {
		if (err)
			return err;
		errorfc(fc, "cannot make '%s' in workdir '%s': %pe", LAYERFS_WORK_DIR,
			c->params->work_name, dir);
		return PTR_ERR(dir);
	}
	c->work.dir = dir;
	if (!err)
		err = lfs_work_check_incompat(fc, c);
	if (err)
		return err;
	err = lfs_index_open(fc, c);
	if (err)
		return err;
	path.dentry = c->work.dir;
	err = lfs_work_bequeath_nothing(lfs_upper_idmap(c), c->work.dir);
	if (!err)
		err = lfs_work_clear(&path, c->work.index || c->params->aufs_whiteouts ?
					    LAYERFS_INCOMPAT_DIR : NULL);
	if (err == -ENOTEMPTY) {
		errorfc(fc, "'%s' in workdir '%s' holds what no mount leaves there; remove it, or name another workdir",
			LAYERFS_WORK_DIR, c->params->work_name);
		return err;
	}
	if (err) {
		errorfc(fc, "cannot prepare '%s' in workdir '%s': %pe", LAYERFS_WORK_DIR,
			c->params->work_name, ERR_PTR(err));
		return err;
	}
	err = lfs_work_has_xattrs(fc, c);
	if (!err && !lfs_fs_leaves_whiteouts(c->upper_mnt->mnt_sb))
		err = lfs_work_probe(fc, c);
	if (!err)
		err = lfs_work_mark_features(fc, c);
	if (err)
		return err;
	c->work.ordered = lfs_fs_is_ordered(c->upper_mnt->mnt_sb);
	c->work.tmpfile = c->work.ordered && d_inode(c->work.dir)->i_op->tmpfile;
	return err;
}

/**
 * lfs_workdir_open - prepare a container's work directory
 * @fc: for messages
 * @c: its upper is open
 * @base: the directory named by workdir=
 *
 * Removes what a crash left there, and refuses the upper if its last mounter
 * noted that it may be incomplete or needs features unknown here.
 */
int lfs_workdir_open(struct fs_context *fc, struct lfs_container *c, const struct path *base)
{
	const struct cred *old;
	int err;

	err = mnt_want_write(c->upper_mnt);
	if (err) {
		errorfc(fc, "upperdir '%s' cannot be written to: %pe", c->params->upper_name,
			ERR_PTR(err));
		return err;
	}
	old = override_creds(c->cred);
	err = lfs_workdir_prepare(fc, c);
	revert_creds(old);
	mnt_drop_write(c->upper_mnt);
	return err;
}

/**
 * lfs_workdir_close - let go of the work directory
 * @c: the container
 */
void lfs_workdir_close(struct lfs_container *c)
{
	dput(c->work.index);
	c->work.index = NULL;
	lfs_whiteout_forget(c, NULL);
	dput(c->work.handles);
	c->work.handles = NULL;
	dput(c->work.dir);
	c->work.dir = NULL;
}
