// SPDX-License-Identifier: GPL-2.0-only
/* POSIX ACLs: the real object's, cached by the VFS on the container's inode. */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include "container/container.h"
#include "copyup/copyup.h"

/**
 * lfs_get_inode_acl - ->get_inode_acl, for permission checks
 * @inode: of a container
 * @type: ACL_TYPE_*
 * @rcu: in RCU walk
 */
struct posix_acl *lfs_get_inode_acl(struct inode *inode, int type, bool rcu)
{
	const struct cred *old;
	struct posix_acl *acl;
	struct path path;

	if (rcu)
		return ERR_PTR(-ECHILD);
	lfs_real_path(inode, &path);
	if (!IS_POSIXACL(d_inode(path.dentry)))
		return NULL;
	old = lfs_override_creds(inode->i_sb);
	acl = lfs_real_acl(&path, get_inode_acl(d_inode(path.dentry), type));
	revert_creds(old);
	return acl;
}

/**
 * lfs_get_acl - ->get_acl, for reading an ACL
 * @idmap: of the container's mount
 * @dentry: the object
 * @type: ACL_TYPE_*
 */
struct posix_acl *lfs_get_acl(struct mnt_idmap *idmap, struct dentry *dentry, int type)
{
	const struct cred *old;
	struct posix_acl *acl;
	struct path path;

	lfs_real_path(d_inode(dentry), &path);
	old = lfs_override_creds(dentry->d_sb);
	acl = lfs_real_acl(&path, vfs_get_acl(mnt_idmap(path.mnt), path.dentry,
					      posix_acl_xattr_name(type)));
	revert_creds(old);
	return acl == ERR_PTR(-ENODATA) || acl == ERR_PTR(-EOPNOTSUPP) ? NULL : acl;
}

/**
 * lfs_upper_set_acl - give an object of the upper an ACL
 * @c: the container
 * @upper: the object
 * @name: of the ACL, as an attribute
 * @acl: it names whom the container's inode would
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_upper_set_acl(const struct lfs_container *c, struct dentry *upper, const char *name,
		      struct posix_acl *acl)
{
	struct posix_acl *own;
	int err;

	if (!is_idmapped_mnt(c->upper_mnt))
		return vfs_set_acl(&nop_mnt_idmap, upper, name, acl);
	/* The VFS maps it in place, and others have it, too. */
	own = posix_acl_clone(acl, GFP_KERNEL);
	if (!own)
		return -ENOMEM;
	err = vfs_set_acl(lfs_upper_idmap(c), upper, name, own);
	posix_acl_release(own);
	return err;
}

/*
 * Whether the caller may not keep the setgid bit, and loses it with the new mode.  For tmpfs
 * to remove an ACL is to set a mode, too.
 */
static bool lfs_set_acl_kills_sgid(struct mnt_idmap *idmap, struct inode *inode,
				   const struct posix_acl *acl, int type)
{
	if (type != ACL_TYPE_ACCESS || !(inode->i_mode & S_ISGID))
		return false;
	if (!acl && lfs_c(inode)->upper_mnt->mnt_sb->s_magic != TMPFS_MAGIC)
		return false;
	return !in_group_or_capable(idmap, inode, i_gid_into_vfsgid(idmap, inode));
}

/**
 * lfs_set_acl - ->set_acl
 * @idmap: of the container's mount
 * @dentry: the object, its i_rwsem held for writing
 * @acl: the list, or NULL to remove it
 * @type: ACL_TYPE_*
 */
int lfs_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, struct posix_acl *acl,
		int type)
{
	const char *name = posix_acl_xattr_name(type);
	struct inode *inode = d_inode(dentry);
	const struct cred *old;
	struct path path;
	bool kills_sgid;
	int err;

	if (!IS_POSIXACL(d_inode(lfs_c(inode)->upper_mnt->mnt_root)))
		return -EOPNOTSUPP;
	if (type == ACL_TYPE_DEFAULT && !S_ISDIR(inode->i_mode))
		return acl ? -EACCES : 0;
	if (!inode_owner_or_capable(idmap, inode))
		return -EPERM;
	kills_sgid = lfs_set_acl_kills_sgid(idmap, inode, acl, type);
	if (!acl && !kills_sgid && !lfs_upper(inode)) {
		struct posix_acl *there = lfs_get_acl(idmap, dentry, type);

		/* None is removed without a copy. */
		if (IS_ERR_OR_NULL(there))
			return PTR_ERR_OR_ZERO(there);
		posix_acl_release(there);
	}
	err = lfs_copyup(dentry, LFS_COPYUP_ALL);
	if (err)
		return err;
	if (kills_sgid) {
		struct iattr attr = { .ia_valid = ATTR_KILL_SGID };

		err = lfs_setattr(idmap, dentry, &attr);
		if (err)
			return err;
	}
	err = lfs_write_begin(inode->i_sb, &old);
	if (err)
		return err;
	lfs_upper_path(inode, &path);
	if (acl)
		err = lfs_upper_set_acl(lfs_c(inode), path.dentry, name, acl);
	else
		err = vfs_remove_acl(mnt_idmap(path.mnt), path.dentry, name);
	lfs_copy_attrs(inode);
	forget_all_cached_acls(inode);
	lfs_write_end(inode->i_sb, old);
	return err;
}
