// SPDX-License-Identifier: GPL-2.0-only
/* POSIX ACLs: the real object's, cached by the VFS on the container's inode. */
#include <linux/fs.h>
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
	struct inode *real;

	if (rcu)
		return ERR_PTR(-ECHILD);
	real = lfs_real_inode(inode);
	if (!IS_POSIXACL(real))
		return NULL;
	old = lfs_override_creds(inode->i_sb);
	acl = get_inode_acl(real, type);
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
	acl = vfs_get_acl(mnt_idmap(path.mnt), path.dentry, posix_acl_xattr_name(type));
	revert_creds(old);
	return acl == ERR_PTR(-ENODATA) || acl == ERR_PTR(-EOPNOTSUPP) ? NULL : acl;
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
	int err;

	if (!IS_POSIXACL(d_inode(lfs_c(inode)->upper_mnt->mnt_root)))
		return -EOPNOTSUPP;
	if (type == ACL_TYPE_DEFAULT && !S_ISDIR(inode->i_mode))
		return acl ? -EACCES : 0;
	if (!inode_owner_or_capable(idmap, inode))
		return -EPERM;
	/* A caller who may not keep the setgid bit loses it with the new mode. */
	err = lfs_copyup(dentry, LFS_COPYUP_ALL);
	if (err)
		return err;
	if (type == ACL_TYPE_ACCESS && acl && (inode->i_mode & S_ISGID) &&
	    !in_group_or_capable(idmap, inode, i_gid_into_vfsgid(idmap, inode))) {
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
		err = vfs_set_acl(mnt_idmap(path.mnt), path.dentry, name, acl);
	else
		err = vfs_remove_acl(mnt_idmap(path.mnt), path.dentry, name);
	lfs_copy_attrs(inode);
	forget_all_cached_acls(inode);
	lfs_write_end(inode->i_sb, old);
	return err;
}
