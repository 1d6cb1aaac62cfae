// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy-up: an object of a layer gets its place in the upper before it is
 * changed for the first time.  The copy is made without a name, complete with
 * all attributes, and linked in by one step of the upper's filesystem: a crash
 * leaves nothing or everything.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/security.h>

#include "container/container.h"
#include "container/settle.h"
#include "copyup/copyup.h"
#include "copyup/index.h"
#include "copyup/links.h"
#include "io/mapping.h"
#include "layer/lower.h"
#include "layer/marker.h"

/* The one place that decides how much a change copies. */
static enum lfs_copyup_kind lfs_copyup_decide(const struct inode *inode, loff_t size)
{
	if (lfs_upper(inode))
		return lfs_data_in_upper(inode) ? LFS_COPYUP_NONE : LFS_COPYUP_FILL;
	if (!S_ISREG(inode->i_mode) || !size)
		return LFS_COPYUP_META;
	return LFS_COPYUP_WHOLE;
}

/* Whether the copy can keep its st_ino for good.  A directory does as long as it merges. */
static bool lfs_copyup_keeps_ino(const struct lfs_copyup *cu)
{
	return lfs_can_be_marked(lfs_container_image(cu->c)->marks,
				 d_inode(cu->dentry)->i_mode);
}

static int lfs_copyup_tmpfile(struct lfs_copyup *cu)
{
	struct path dir = { .mnt = cu->c->upper_mnt, .dentry = cu->c->work.dir };
	struct file *file;
	int err = lfs_work_gone(cu->c);

	if (err)
		return err;
	file = kernel_tmpfile_open(lfs_upper_idmap(cu->c), &dir, S_IFREG | 0600,
				   O_RDWR | O_LARGEFILE, current_cred());
	if (IS_ERR(file))
		return PTR_ERR(file);
	cu->file = file;
	cu->temp = dget(file->f_path.dentry);
	return 0;
}

static int lfs_copyup_worktemp(struct lfs_copyup *cu, const char *target)
{
	struct lfs_new new = {
		.mode = cu->stat.mode,
		.rdev = cu->stat.rdev,
		.target = target,
	};
	struct path path = { .mnt = cu->c->upper_mnt };

	if (S_ISREG(new.mode))
		new.mode = S_IFREG | 0600;
	if (S_ISDIR(new.mode))
		new.mode = S_IFDIR | 0700;
	cu->temp = lfs_work_make(cu->c, &new);
	if (IS_ERR(cu->temp))
		return PTR_ERR(cu->temp);
	cu->in_work = true;
	if (!S_ISREG(new.mode))
		return 0;

	path.dentry = cu->temp;
	cu->file = dentry_open(&path, O_RDWR | O_LARGEFILE, current_cred());
	return PTR_ERR_OR_ZERO(cu->file);
}

static const char *lfs_copyup_target(struct lfs_copyup *cu, struct delayed_call *done)
{
	const char *target;

	if (!S_ISLNK(cu->stat.mode))
		return NULL;
	target = lfs_real_get_link(cu->from.dentry, done);
	/* As from symlink(2), no filesystem expects to be given an empty one. */
	return IS_ERR(target) || *target ? target : ERR_PTR(-EIO);
}

/* The copy, empty and without a name that anybody sees. */
static int lfs_copyup_make(struct lfs_copyup *cu)
{
	DEFINE_DELAYED_CALL(done);
	const struct cred *old = NULL;
	struct cred *label = NULL;
	const char *target;
	int err;

	/* Not with the upper held: a layer's server may take its time. */
	target = lfs_copyup_target(cu, &done);
	if (IS_ERR(target)) {
		err = PTR_ERR(target);
		goto done;
	}
	/* A security module may want the copy made under another label. */
	err = security_inode_copy_up(cu->dentry, &label);
	if (err < 0)
		goto done;
	if (label)
		old = override_creds(label);
	sb_start_write(cu->c->upper_mnt->mnt_sb);
	if (S_ISREG(cu->stat.mode) && cu->c->work.tmpfile)
		err = lfs_copyup_tmpfile(cu);
	else
		err = lfs_copyup_worktemp(cu, target);
	sb_end_write(cu->c->upper_mnt->mnt_sb);
	if (IS_ERR(cu->temp))
		cu->temp = NULL;
	if (IS_ERR(cu->file))
		cu->file = NULL;
	if (label) {
		revert_creds(old);
		put_cred(label);
	}
done:
	do_delayed_call(&done);
	return err;
}

/**
 * lfs_copyup_flush - write a copy's data back before it counts
 * @cu: the data is written to @cu->file
 *
 * The data must not come to the disk later than the name, or than what else makes it
 * count.  On a filesystem that journals in order it is enough that it has been written
 * back: the link belongs to the same or a later transaction, whose commit flushes the
 * disk's cache.
 */
int lfs_copyup_flush(struct lfs_copyup *cu)
{
	int err;

	if (!cu->file || cu->c->params->is_volatile)
		return 0;
	if (cu->c->work.ordered)
		return filemap_write_and_wait(cu->file->f_mapping);
	lfs_log_begin(cu->c);
	err = vfs_fsync(cu->file, 0);
	lfs_log_end(cu->c);
	return err;
}

static int lfs_copyup_link_tmpfile(struct lfs_copyup *cu, struct dentry *upper_dir,
				   const struct qstr *name, struct dentry **upper)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(cu->c);
	struct inode *dir = d_inode(upper_dir);
	struct lfs_times times;
	struct dentry *child;
	int err;

	inode_lock_nested(dir, I_MUTEX_PARENT);
	lfs_times_get(upper_dir, &times);
	child = lfs_upper_child(cu->c, upper_dir, name, NULL);
	err = PTR_ERR_OR_ZERO(child);
	if (!err) {
		/* A whiteout here would mean that the object was removed. */
		err = d_is_positive(child) ? -ESTALE :
		      vfs_link(cu->temp, idmap, dir, child, NULL);
		if (!err) {
			/* Not a change of the directory that anyone should see. */
			lfs_times_set(idmap, upper_dir, &times);
			*upper = dget(child);
		}
		dput(child);
	}
	inode_unlock(dir);
	return err;
}

/* Give the copy a name in a directory of the upper or in the index. */
static int lfs_copyup_place(struct lfs_copyup *cu, struct dentry *dir, const struct qstr *name,
			    struct dentry **upper)
{
	int err;

	if (!cu->in_work)
		return lfs_copyup_link_tmpfile(cu, dir, name, upper);
	err = lfs_work_move(cu->c, cu->temp, dir, name, NULL, RENAME_NOREPLACE);
	if (!err) {
		*upper = dget(cu->temp);
		cu->in_work = false;
	}
	return err;
}

/* Give the copy its name. */
static int lfs_copyup_link(struct lfs_copyup *cu, struct inode *parent, struct dentry **upper)
{
	struct name_snapshot name;
	int err;

	if (cu->keeps_ino) {
		err = lfs_mark_impure(parent);
		if (err)
			return err;
	}
	err = lfs_inner_mark_dir(parent, d_inode(cu->dentry));
	if (err)
		return err;
	take_dentry_name_snapshot(&name, cu->dentry);
	err = lfs_copyup_place(cu, lfs_upper(parent), &name.name, upper);
	release_dentry_name_snapshot(&name);
	return err;
}

/*
 * One copy for several names: the index, by which all of them find it, comes first.
 * That the upper has the name, too, is for those who walk it.
 */
static int lfs_copyup_link_shared(struct lfs_copyup *cu, struct inode *parent,
				  struct dentry **upper)
{
	struct inode *inode = d_inode(cu->dentry);
	const struct layerfs_origin *origin = &lfs_i(inode)->links->origin;
	struct lfs_index_name name;
	struct qstr q;
	int err;

	err = lfs_links_begin(inode);
	if (err)
		return err;
	lfs_index_name(&name, origin, false);
	q = (struct qstr)QSTR_INIT(name.s, name.len);
	err = lfs_copyup_place(cu, lfs_index_dir(cu->c), &q, upper);
	if (err)
		return err;
	err = lfs_links_alias(cu->dentry, parent, *upper);
	/* What cannot be taken back is done. */
	if (!err || lfs_index_remove(cu->c, origin, false))
		return 0;
	dput(*upper);
	*upper = NULL;
	return err;
}

/* From here on everybody sees the copy. */
static void lfs_copyup_publish(struct lfs_copyup *cu, struct inode *parent,
			       struct dentry *upper)
{
	struct inode *inode = d_inode(cu->dentry);
	struct lfs_layer *layer = lfs_image_top_layer(d_inode(lfs_image(inode)));
	struct lfs_image *image = lfs_container_image(cu->c);

	/*
	 * Whoever looks the copy up later finds its own number.  Nobody does
	 * now: the one name it has is the dentry at hand.
	 */
	if (!cu->keeps_ino) {
		remove_inode_hash(inode);
		/* Pairs with READ_ONCE() in lfs_getattr(): the old number or the new one. */
		WRITE_ONCE(inode->i_ino, lfs_upper_own_ino(cu->c, upper));
		__insert_inode_hash(inode, inode->i_ino);
		atomic64_inc(&lfs_i(parent)->version);
	}
	set_bit(LFS_I_UNSETTLED, &lfs_i(inode)->flags);
	lfs_prot_set(inode, cu->prot);
	set_bit(LFS_I_MOVING, &lfs_i(inode)->flags);
	/* Pairs with smp_load_acquire() in lfs_upper(). */
	smp_store_release(&lfs_i(inode)->upper, upper);
	lfs_copy_attrs(inode);
	lfs_count(layer->counters, LAYERFS_C_COPYUP_FILES, 1);
	lfs_count(image->counters, LAYERFS_C_COPYUP_FILES, 1);
	lfs_count(cu->c->counters, LAYERFS_C_COPYUP_FILES, 1);
}

/* The change that the copy-up is made for. */
static int lfs_copyup_apply(struct lfs_copyup *cu)
{
	int err;

	if (!cu->attr)
		return 0;
	/*
	 * Who truncates a file, writes it and closes it finds it empty or full after
	 * a crash, not seldom: ext4 begins to write back at the close that follows
	 * the truncation, which must not be the one of our own.
	 */
	if (cu->file && cu->kind == LFS_COPYUP_META && cu->c->work.ordered) {
		__fput_sync(cu->file);
		cu->file = NULL;
	}
	inode_lock(d_inode(cu->temp));
	err = notify_change(lfs_upper_idmap(cu->c), cu->temp, cu->attr, NULL);
	inode_unlock(d_inode(cu->temp));
	return err;
}

static int lfs_copyup_finish(struct lfs_copyup *cu, struct inode *parent)
{
	struct dentry *upper = NULL;
	int err;

	err = lfs_copyup_xattrs(cu);
	if (err)
		return err;
	sb_start_write(cu->c->upper_mnt->mnt_sb);
	err = lfs_copyup_attrs(cu);
	if (!err)
		err = lfs_copyup_apply(cu);
	if (!err)
		err = lfs_copyup_flush(cu);
	if (!err && cu->anonymous) {
		/*
		 * Unlinked but open: the copy lives as long as its user.  The
		 * reference comes first: unlinking takes the inode off a
		 * dentry that has only one.
		 */
		upper = dget(cu->temp);
		if (cu->in_work)
			lfs_work_remove(cu->c, cu->temp);
		cu->in_work = false;
	} else if (!err && lfs_i(d_inode(cu->dentry))->links) {
		err = lfs_copyup_link_shared(cu, parent, &upper);
	} else if (!err) {
		err = lfs_copyup_link(cu, parent, &upper);
	}
	if (!err)
		lfs_copyup_publish(cu, parent, upper);
	sb_end_write(cu->c->upper_mnt->mnt_sb);
	return err;
}

static void lfs_copyup_drop(struct lfs_copyup *cu)
{
	if (cu->file)
		fput(cu->file);
	if (cu->in_work) {
		sb_start_write(cu->c->upper_mnt->mnt_sb);
		lfs_work_remove(cu->c, cu->temp);
		sb_end_write(cu->c->upper_mnt->mnt_sb);
	}
	dput(cu->temp);
}

/*
 * An owner that does not exist in the mounter's user namespace cannot be given
 * to a copy, and must not: it may be a setuid file of a foreign filesystem.  Nor can
 * one that the upper's mount has no id for.
 */
static bool lfs_copyup_ids_known(const struct lfs_container *c, kuid_t uid, kgid_t gid)
{
	struct user_namespace *ns = c->cred->user_ns, *upper_ns;

	if (!kuid_has_mapping(ns, uid) || !kgid_has_mapping(ns, gid))
		return false;
	if (!lfs_container_has_upper(c))
		return true;
	upper_ns = c->upper_mnt->mnt_sb->s_user_ns;
	return vfsuid_has_fsmapping(lfs_upper_idmap(c), upper_ns, VFSUIDT_INIT(uid)) &&
	       vfsgid_has_fsmapping(lfs_upper_idmap(c), upper_ns, VFSGIDT_INIT(gid));
}

/**
 * lfs_copyup_owner_known - whether the mounter may own what this object's owner owns
 * @inode: of a container
 *
 * As of its lookup; a copy-up asks again.
 */
bool lfs_copyup_owner_known(const struct inode *inode)
{
	/* A chown() may come between: it gives no owner that the mounter has not. */
	return data_race(lfs_copyup_ids_known(lfs_c(inode), inode->i_uid, inode->i_gid));
}

/* With the object's lock held and, unless it is anonymous, a parent in the upper. */
static int lfs_copyup_locked(struct lfs_copyup *cu, struct inode *parent)
{
	int err;

	lfs_image_top_path(d_inode(lfs_image(d_inode(cu->dentry))), &cu->from);
	err = lfs_real_getattr(&cu->from, &cu->stat, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT,
			       cu->c->cred);
	if (err)
		return err;
	/* What the copy will be given, not what the lookup saw: the server of a layer may lie. */
	if (!lfs_copyup_ids_known(cu->c, cu->stat.uid, cu->stat.gid))
		return -EOVERFLOW;
	cu->size = min_t(loff_t, cu->size, cu->stat.size);
	cu->keeps_ino = lfs_copyup_keeps_ino(cu);
	/* It is what it was, but who has removed it has changed the layer. */
	if (d_unlinked(cu->from.dentry))
		lfs_layer_changed(lfs_image_top_layer(d_inode(lfs_image(d_inode(cu->dentry)))),
				  cu->from.dentry);
	err = lfs_copyup_make(cu);
	if (!err && cu->kind == LFS_COPYUP_WHOLE)
		err = lfs_copyup_data(cu);
	if (!err)
		err = lfs_copyup_finish(cu, parent);
	if (!err) {
		lfs_mappings_follow(d_inode(cu->dentry));
		/* Pairs with test_bit_acquire() in lfs_upper_ready(). */
		clear_bit_unlock(LFS_I_MOVING, &lfs_i(d_inode(cu->dentry))->flags);
	}
	lfs_copyup_drop(cu);
	return err;
}

/*
 * 1: it is there already, so @attr was not applied.  -EAGAIN: a parent is not in
 * the upper yet, as found with the object's lock held.
 */
static int lfs_copyup_one(struct dentry *dentry, loff_t size, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	struct lfs_copyup cu = {
		.dentry = dentry,
		.c = lfs_c(inode),
		.size = size,
		.attr = attr,
	};
	struct dentry *parent;
	int err = 1;

	if (mutex_lock_killable(&lfs_i(inode)->lock))
		return -EINTR;
	cu.kind = lfs_copyup_decide(inode, size);
	if (cu.kind == LFS_COPYUP_NONE)
		goto unlock;
	if (cu.kind == LFS_COPYUP_FILL) {
		err = lfs_fill(&cu);
		lfs_copyup_drop(&cu);
		err = err ?: 1;
		goto unlock;
	}
	/*
	 * Nothing that is not in the upper can be renamed, and whoever removes
	 * it takes this lock: from here on name and parent stay.  Of several names
	 * this one may have gone already; then its directory is in the upper.
	 */
	cu.anonymous = !inode->i_nlink;
	parent = dget_parent(dentry);
	if (cu.anonymous || lfs_upper(d_inode(parent)))
		err = lfs_copyup_locked(&cu, d_inode(parent));
	else
		err = -EAGAIN;
	dput(parent);
	/* The next lookup finds what it is now. */
	if (err == -ESTALE)
		d_drop(dentry);
unlock:
	mutex_unlock(&lfs_i(inode)->lock);
	return err;
}

/* The highest directory above @dentry, or itself, that is not in the upper. */
static struct dentry *lfs_copyup_next(struct dentry *dentry)
{
	struct dentry *next = dget(dentry), *parent;

	/* Unlinked meanwhile or not: lfs_copyup_one() looks again, with the lock. */
	while (READ_ONCE(d_inode(next)->i_nlink)) {
		parent = dget_parent(next);
		if (lfs_upper(d_inode(parent))) {
			dput(parent);
			break;
		}
		dput(next);
		next = parent;
	}
	return next;
}

/* 1: the object was there already. */
static int lfs_copyup_path(struct dentry *dentry, loff_t size, struct iattr *attr)
{
	struct lfs_container *c = lfs_c(d_inode(dentry));
	const struct cred *old;
	struct dentry *next;
	bool last;
	int err;

	if (lfs_upper_ready(d_inode(dentry)))
		return 1;
	if (!lfs_container_has_upper(c))
		return -EROFS;
	err = mnt_get_write_access(c->upper_mnt);
	if (err)
		return err;
	old = override_creds(c->cred);
	do {
		next = lfs_copyup_next(dentry);
		last = next == dentry;
		err = lfs_copyup_one(next, last ? size : LFS_COPYUP_ALL, last ? attr : NULL);
		dput(next);
		if (err == -EAGAIN) {
			last = false;
			err = 0;
		}
	} while (err >= 0 && !last);
	revert_creds(old);
	mnt_put_write_access(c->upper_mnt);
	return err;
}

/**
 * lfs_copyup - make sure that an object is in the upper
 * @dentry: object of a container; with it all directories above it
 * @size: how much of its data is wanted, in bytes; LFS_COPYUP_ALL
 *
 * Several callers copy once: the others wait.  A fatal signal interrupts.
 *
 * Context: not between lfs_write_begin() and lfs_write_end(); takes locks of
 * the upper's directories.  The caller may hold i_rwsem of container inodes.
 * Return: 0; -EINTR; -EROFS without an upper; -EOVERFLOW if the owner does not
 * exist in the mounter's user namespace; an error of the filesystems, with the
 * old state intact.
 */
int lfs_copyup(struct dentry *dentry, loff_t size)
{
	int err = lfs_copyup_path(dentry, size, NULL);

	return min(err, 0);
}

/**
 * lfs_copyup_change - copy an object up, changed
 * @dentry: object of a container; with it all directories above it
 * @attr: what to change, as the upper's filesystem is to be asked for it; a new
 *        size brings new times
 *
 * One step: what is seen is the old object or the new one with the change, and
 * data that the change cuts off is not copied.
 *
 * Context: as lfs_copyup().
 * Return: 0; 1 if the object is in the upper already, and unchanged; an error
 * of lfs_copyup().
 */
int lfs_copyup_change(struct dentry *dentry, struct iattr *attr)
{
	loff_t size = LFS_COPYUP_ALL;

	if (attr->ia_valid & ATTR_SIZE) {
		size = attr->ia_size;
		/* The copy may have it from the start: its filesystem sees no change. */
		if (size != i_size_read(d_inode(dentry)))
			attr->ia_valid |= ATTR_MTIME | ATTR_CTIME;
	}
	return lfs_copyup_path(dentry, size, attr);
}
