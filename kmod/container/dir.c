// SPDX-License-Identifier: GPL-2.0-only
/* Making names: create, mkdir, mknod, symlink, link, O_TMPFILE. */
#include <linux/backing-file.h>
#include <linux/cred.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/security.h>
#include <linux/xattr.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "container/settle.h"
#include "copyup/copyup.h"
#include "copyup/moved.h"
#include "io/realfile.h"
#include "layer/marker.h"

/**
 * lfs_write_begin - get ready to change the upper
 * @sb: the container's
 * @old: for lfs_write_end()
 *
 * Holds off a freeze and a read-only remount of the upper and puts the
 * mounter's credentials in force.
 */
int lfs_write_begin(struct super_block *sb, const struct cred **old)
{
	struct lfs_container *c = lfs_container_of(sb);
	int err;

	if (!lfs_container_has_upper(c))
		return -EROFS;
	err = mnt_want_write(c->upper_mnt);
	if (err)
		return err;
	*old = override_creds(c->cred);
	return 0;
}

/**
 * lfs_write_end - the change is made
 * @sb: the container's
 * @old: from lfs_write_begin()
 */
void lfs_write_end(struct super_block *sb, const struct cred *old)
{
	revert_creds(old);
	mnt_drop_write(lfs_container_of(sb)->upper_mnt);
}

/**
 * lfs_upper_child - look up a name in an upper directory that is about to change
 * @c: the container
 * @upper_dir: its i_rwsem is held for writing
 * @name: one component
 * @want: what must be there, in any dentry; NULL for nothing or a whiteout
 *
 * Return: the dentry, which may be negative or a whiteout if @want is NULL;
 * -ESTALE if the upper was changed behind our back; another error.
 */
struct dentry *lfs_upper_child(struct lfs_container *c, struct dentry *upper_dir,
			       const struct qstr *name, const struct dentry *want)
{
	struct dentry *child;
	bool ok;

	if (IS_DEADDIR(d_inode(upper_dir))) {
		lfs_upper_changed(c, upper_dir);
		return ERR_PTR(-ESTALE);
	}
	child = lookup_one(lfs_upper_idmap(c), name->name, upper_dir, name->len);
	if (IS_ERR(child))
		return child;
	if (want)
		ok = d_inode(child) == d_inode(want);
	else
		ok = d_is_negative(child) || lfs_is_whiteout(child);
	if (ok)
		return child;
	lfs_upper_changed(c, child);
	dput(child);
	return ERR_PTR(-ESTALE);
}

/**
 * lfs_name_failed - a name could not be changed
 * @dir: the directory, its i_rwsem held for writing
 * @dentry: the name in it
 * @err: why
 *
 * If it is not what it was, the next lookup finds what it is now: the VFS repeats a
 * system call that has failed with -ESTALE.
 *
 * Return: @err
 */
int lfs_name_failed(struct inode *dir, struct dentry *dentry, int err)
{
	if (err == -ESTALE) {
		d_drop(dentry);
		lfs_dir_changed(dir);
	}
	return err;
}

/**
 * lfs_ino_is_foreign - whether an object's st_ino is not its upper inode's
 * @inode: has an upper
 */
bool lfs_ino_is_foreign(struct inode *inode)
{
	return inode->i_ino != lfs_upper_own_ino(lfs_c(inode), lfs_upper(inode));
}

/**
 * lfs_mark_impure - note that a directory holds, or will, a foreign st_ino
 * @dir: has an upper
 *
 * To be called before the object gets its name there: a mark too many only
 * makes a listing slower.
 *
 * Context: between lfs_write_begin() and lfs_write_end(); takes the upper
 * directory's i_rwsem.
 */
int lfs_mark_impure(struct inode *dir)
{
	struct lfs_inode *li = lfs_i(dir);
	struct dentry *upper = lfs_upper(dir);
	int err;

	if (test_bit(LFS_I_IMPURE, &li->flags))
		return 0;
	err = lfs_marker_impure(lfs_marks(dir->i_sb), upper);
	if (!err)
		err = vfs_setxattr(lfs_upper_idmap(lfs_c(dir)), upper,
				   lfs_marks(dir->i_sb)->impure, "y", 1, 0);
	if (err < 0)
		return err;
	set_bit(LFS_I_IMPURE, &li->flags);
	return 0;
}

/*
 * In the work directory nothing is inherited, so what the parent would have
 * given the new object is worked out here and set.
 */
struct lfs_inherit {
	umode_t mode;
	struct posix_acl *acl;
	struct posix_acl *default_acl;
};

static int lfs_inherit_get(struct inode *dir, umode_t mode, struct lfs_inherit *in)
{
	memset(in, 0, sizeof(*in));
	in->mode = mode;
	if (S_ISDIR(mode) && (dir->i_mode & S_ISGID))
		in->mode |= S_ISGID;
	if (S_ISLNK(mode))
		return 0;
	return posix_acl_create(dir, &in->mode, &in->default_acl, &in->acl);
}

static void lfs_inherit_put(struct lfs_inherit *in)
{
	posix_acl_release(in->acl);
	posix_acl_release(in->default_acl);
}

static int lfs_inherit_set(struct lfs_container *c, struct dentry *temp,
			   const struct lfs_inherit *in)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	struct iattr attr = {
		.ia_valid = ATTR_MODE | ATTR_FORCE,
		.ia_mode = in->mode,
	};
	int err = 0;

	if (in->default_acl)
		err = lfs_upper_set_acl(c, temp, XATTR_NAME_POSIX_ACL_DEFAULT, in->default_acl);
	if (!err && in->acl)
		err = lfs_upper_set_acl(c, temp, XATTR_NAME_POSIX_ACL_ACCESS, in->acl);
	if (err || S_ISLNK(in->mode) || d_inode(temp)->i_mode == in->mode)
		return err;
	inode_lock(d_inode(temp));
	err = notify_change(idmap, temp, &attr, NULL);
	inode_unlock(d_inode(temp));
	return err;
}

/**
 * lfs_cred_for_new - the mounter's credentials, but what is made with them is the caller's
 * @idmap: of the container's mount
 * @dir: directory of the container
 * @dentry: the name in it
 * @mode: of what is made
 * @caller: the caller's credentials
 *
 * Context: the mounter's credentials are in force.
 * Return: a reference, or an error.
 */
struct cred *lfs_cred_for_new(struct mnt_idmap *idmap, struct inode *dir,
			      struct dentry *dentry, umode_t mode, const struct cred *caller)
{
	struct user_namespace *ns = i_user_ns(dir);
	struct cred *cred = prepare_creds();
	int err;

	if (!cred)
		return ERR_PTR(-ENOMEM);
	/* The VFS has asked before whether the mount has an owner for what the caller makes. */
	cred->fsuid = from_vfsuid(idmap, ns, VFSUIDT_INIT(caller->fsuid));
	cred->fsgid = (dir->i_mode & S_ISGID) ? dir->i_gid :
		      from_vfsgid(idmap, ns, VFSGIDT_INIT(caller->fsgid));
	err = security_dentry_create_files_as(dentry, mode, &dentry->d_name, caller, cred);
	if (err) {
		put_cred(cred);
		return ERR_PTR(err);
	}
	return cred;
}

/*
 * The name is whited out, or it takes more than one step: make the object aside, then
 * put it in its place.
 */
static int lfs_make_aside(struct inode *dir, const struct qstr *name,
			  const struct lfs_new *new, struct dentry **upper)
{
	struct lfs_container *c = lfs_c(dir);
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	unsigned int flags = S_ISDIR(new->mode) ? RENAME_EXCHANGE : 0;
	struct lfs_inherit in = {};
	struct dentry *temp;
	int err;

	if (!new->hardlink) {
		err = lfs_inherit_get(dir, new->mode, &in);
		if (err)
			return err;
	}
	temp = lfs_work_make(c, new);
	if (IS_ERR(temp)) {
		err = PTR_ERR(temp);
		goto put;
	}
	err = new->hardlink ? 0 : lfs_inherit_set(c, temp, &in);
	if (!err && !new->hardlink)
		err = lfs_fileattr_inherit(c, lfs_upper(dir), temp);
	if (!err && new->inner_whiteout)
		err = lfs_inner_whiteout_mark(dir->i_sb, temp);
	if (!err && S_ISDIR(new->mode))
		/* What the whiteout hid stays hidden. */
		err = vfs_setxattr(idmap, temp, lfs_marks(dir->i_sb)->opaque, "y", 1, 0);
	if (!err)
		err = lfs_unlogged_begin(c);
	if (!err) {
		err = lfs_work_move(c, temp, lfs_upper(dir), name, NULL, flags);
		lfs_unlogged_end(c);
	}
	if (err)
		lfs_work_remove(c, temp);
	else
		*upper = dget(temp);
	dput(temp);
put:
	lfs_inherit_put(&in);
	return err;
}

static int lfs_make_upper(struct inode *dir, const struct qstr *name,
			  const struct lfs_new *new, struct dentry **upper)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(lfs_c(dir));
	struct dentry *upper_dir = lfs_upper(dir), *child;
	bool aside = false;
	int err;

	inode_lock_nested(d_inode(upper_dir), I_MUTEX_PARENT);
	child = lfs_upper_child(lfs_c(dir), upper_dir, name, NULL);
	err = PTR_ERR_OR_ZERO(child);
	if (!err) {
		aside = d_is_positive(child) || new->inner_whiteout;
		if (!aside)
			err = lfs_real_make(idmap, d_inode(upper_dir), child, new);
	}
	inode_unlock(d_inode(upper_dir));
	if (IS_ERR(child))
		return err;
	if (aside)
		err = lfs_make_aside(dir, name, new, upper);
	else if (!err)
		*upper = dget(child);
	dput(child);
	return err;
}

/* lfs_make_upper(), with the caller as the owner. */
static int lfs_make_for_caller(struct mnt_idmap *idmap, struct inode *dir,
			       struct dentry *dentry, const struct lfs_new *new,
			       const struct cred *caller, struct dentry **upper)
{
	struct cred *cred = lfs_cred_for_new(idmap, dir, dentry, new->mode, caller);
	const struct cred *old;
	int err;

	if (IS_ERR(cred))
		return PTR_ERR(cred);
	old = override_creds(cred);
	err = lfs_make_upper(dir, &dentry->d_name, new, upper);
	revert_creds(old);
	put_cred(cred);
	return err;
}

/* The inode of an object just made in the upper; takes over both, cannot fail. */
static struct inode *lfs_made_inode(struct inode *inode, struct dentry *upper)
{
	struct lfs_key key = {
		.upper = upper,
		.ino = lfs_upper_own_ino(lfs_c(inode), upper),
	};

	return lfs_iget_new(inode, &key);
}

/* Make an object and its inode; the inode is allocated first, so that nothing fails late. */
static int lfs_make(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		    const struct lfs_new *new)
{
	const struct cred *caller = current_cred(), *old;
	struct dentry *upper = NULL;
	struct inode *inode;
	int err;

	err = lfs_copyup(dentry->d_parent, LFS_COPYUP_ALL);
	if (err)
		return err;
	inode = new_inode(dir->i_sb);
	if (!inode)
		return -ENOMEM;
	if (new->inner_whiteout)
		set_bit(LFS_I_INNER_WHITEOUT, &lfs_i(inode)->flags);
	err = lfs_write_begin(dir->i_sb, &old);
	if (err) {
		iput(inode);
		return err;
	}
	err = lfs_inner_mark_dir(dir, inode);
	if (!err)
		err = lfs_make_for_caller(idmap, dir, dentry, new, caller, &upper);
	lfs_write_end(dir->i_sb, old);
	if (err) {
		iput(inode);
		return lfs_name_failed(dir, dentry, err);
	}
	d_instantiate(dentry, lfs_made_inode(inode, upper));
	lfs_dir_changed(dir);
	return 0;
}

static int lfs_create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		      umode_t mode, bool excl)
{
	struct lfs_new new = { .mode = S_IFREG | (mode & S_IALLUGO) };

	return lfs_make(idmap, dir, dentry, &new);
}

static int lfs_mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     umode_t mode)
{
	struct lfs_new new = { .mode = S_IFDIR | (mode & S_IALLUGO) };

	return lfs_make(idmap, dir, dentry, &new);
}

static int lfs_mknod(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     umode_t mode, dev_t rdev)
{
	struct lfs_new new = { .mode = mode, .rdev = rdev };

	/* In the upper it would be the container's own whiteout. */
	if (S_ISCHR(mode) && rdev == WHITEOUT_DEV) {
		new.mode = S_IFREG | (mode & ~S_IFMT);
		new.inner_whiteout = true;
	}
	return lfs_make(idmap, dir, dentry, &new);
}

static int lfs_symlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		       const char *target)
{
	struct lfs_new new = { .mode = S_IFLNK | 0777, .target = target };

	return lfs_make(idmap, dir, dentry, &new);
}

static int lfs_link(struct dentry *old_dentry, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(old_dentry);
	struct lfs_new new = { .mode = inode->i_mode };
	struct dentry *upper = NULL;
	const struct cred *old;
	bool nameless;
	int err;

	err = lfs_copyup(old_dentry, LFS_COPYUP_ALL);
	if (!err)
		err = lfs_copyup(dentry->d_parent, LFS_COPYUP_ALL);
	if (err)
		return err;
	err = lfs_write_begin(dir->i_sb, &old);
	if (err)
		return err;
	new.hardlink = lfs_upper(inode);
	nameless = !d_inode(new.hardlink)->i_nlink;
	if (lfs_ino_is_foreign(inode))
		err = lfs_mark_impure(dir);
	if (!err)
		err = lfs_inner_mark_dir(dir, inode);
	if (!err) {
		/* The name that it has in its layer may go. */
		lfs_moved_begin(inode);
		err = lfs_make_upper(dir, &dentry->d_name, &new, &upper);
	}
	if (!err)
		lfs_moved_note(inode);
	/* Its fsync did nothing on btrfs, which would log it as empty with the directory. */
	if (!err && nameless)
		lfs_note_unsettled(lfs_c(dir));
	lfs_write_end(dir->i_sb, old);
	if (err)
		return lfs_name_failed(dir, dentry, err);
	dput(upper);
	lfs_copy_attrs(inode);
	ihold(inode);
	d_instantiate(dentry, inode);
	lfs_dir_changed(dir);
	return 0;
}

static int lfs_tmpfile_opened(struct inode *inode, struct file *file)
{
	return 0;
}

static struct file *lfs_tmpfile_real(struct mnt_idmap *idmap, struct inode *dir,
				     struct file *file, umode_t mode,
				     const struct cred *caller)
{
	struct cred *cred = lfs_cred_for_new(idmap, dir, file->f_path.dentry, mode, caller);
	const struct cred *old;
	struct file *real;
	struct path path;

	if (IS_ERR(cred))
		return ERR_CAST(cred);
	old = override_creds(cred);
	lfs_upper_path(dir, &path);
	real = backing_tmpfile_open(file, lfs_upper_flags(file), &path, mode,
				    current_cred());
	revert_creds(old);
	put_cred(cred);
	return real;
}

static int lfs_tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file,
		       umode_t mode)
{
	const struct cred *caller = current_cred(), *old;
	struct dentry *dentry = file->f_path.dentry;
	struct inode *inode;
	struct file *real;
	int err;

	err = lfs_copyup(dentry->d_parent, LFS_COPYUP_ALL);
	if (err)
		return err;
	inode = new_inode(dir->i_sb);
	if (!inode)
		return -ENOMEM;
	err = lfs_write_begin(dir->i_sb, &old);
	if (err)
		goto put_inode;
	real = lfs_tmpfile_real(idmap, dir, file, mode, caller);
	lfs_write_end(dir->i_sb, old);
	err = PTR_ERR_OR_ZERO(real);
	if (err)
		goto put_inode;
	lfs_file_attach(file, real);
	inode = lfs_made_inode(inode, dget(real->f_path.dentry));
	d_mark_tmpfile(file, inode);
	d_instantiate(dentry, inode);
	err = finish_open(file, dentry, lfs_tmpfile_opened);
	if (err)
		lfs_file_detach(file);
	return err;

put_inode:
	iput(inode);
	return err;
}

const struct inode_operations lfs_dir_iops = {
	.lookup		= lfs_lookup,
	.create		= lfs_create,
	.mkdir		= lfs_mkdir,
	.mknod		= lfs_mknod,
	.symlink	= lfs_symlink,
	.link		= lfs_link,
	.unlink		= lfs_unlink,
	.rmdir		= lfs_rmdir,
	.rename		= lfs_rename,
	.tmpfile	= lfs_tmpfile,
	.setattr	= lfs_setattr,
	.getattr	= lfs_getattr,
	.listxattr	= lfs_listxattr,
	.get_inode_acl	= lfs_get_inode_acl,
	.get_acl	= lfs_get_acl,
	.set_acl	= lfs_set_acl,
	.update_time	= lfs_update_time,
	.fiemap		= lfs_fiemap,
	.fileattr_get	= lfs_fileattr_get,
	.fileattr_set	= lfs_fileattr_set,
};
