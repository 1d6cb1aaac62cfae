// SPDX-License-Identifier: GPL-2.0-only
/* Everything of an object but its data. */
#include <linux/fs.h>
#include <linux/fileattr.h>
#include <linux/mount.h>
#include <linux/magic.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/xattr.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "layer/lower.h"
#include "layer/marker.h"

/* As with owners: an entry for nobody would be lost, or be somebody's. */
static bool lfs_acl_names_known(const struct posix_acl *acl)
{
	const struct posix_acl_entry *e;

	for (e = acl->a_entries; e < acl->a_entries + acl->a_count; e++) {
		if (e->e_tag == ACL_USER ? !uid_valid(e->e_uid) :
		    e->e_tag == ACL_GROUP && !gid_valid(e->e_gid))
			return false;
	}
	return true;
}

static int lfs_copy_acl(struct lfs_copyup *cu, const char *name)
{
	struct posix_acl *acl;
	int err;

	acl = lfs_real_acl(&cu->from, vfs_get_acl(mnt_idmap(cu->from.mnt), cu->from.dentry, name));
	if (IS_ERR(acl))
		return PTR_ERR(acl) == -ENODATA || PTR_ERR(acl) == -EOPNOTSUPP ? 0 :
		       PTR_ERR(acl);
	err = -EOVERFLOW;
	if (lfs_acl_names_known(acl)) {
		sb_start_write(cu->temp->d_sb);
		err = lfs_upper_set_acl(cu->c, cu->temp, name, acl);
		sb_end_write(cu->temp->d_sb);
	}
	posix_acl_release(acl);
	return err;
}

/*
 * xfs shows ACLs in their form on the disk, too, to which no id map applies; and so does
 * what is stacked on xfs.
 */
static bool lfs_is_acl_on_disk(const struct super_block *sb, const char *name)
{
	if (sb->s_magic != XFS_SUPER_MAGIC && !sb->s_stack_depth)
		return false;
	return !strcmp(name, "trusted.SGI_ACL_FILE") || !strcmp(name, "trusted.SGI_ACL_DEFAULT");
}

static int lfs_copy_xattr(struct lfs_copyup *cu, const char *name)
{
	struct dentry *from = cu->from.dentry;
	void *value;
	ssize_t len;
	int err;

	if (is_posix_acl_xattr(name))
		return lfs_copy_acl(cu, name);
	if (lfs_is_acl_on_disk(from->d_sb, name))
		return 0;
	/* The layer's marks say how the layer merges, not the copy. */
	if (lfs_xattr_is_private(lfs_marks(cu->c->sb), name))
		return 0;
	/* Nor may what does not count in the layer count in the upper. */
	if (!strcmp(name, XATTR_NAME_CAPS) && !lfs_may_suid(d_inode(cu->dentry), false))
		return 0;
	err = security_inode_copy_up_xattr(from, name);
	if (err == -ECANCELED || err == 1)
		return 0;
	if (err < 0 && err != -EOPNOTSUPP)
		return err;

	len = vfs_getxattr(mnt_idmap(cu->from.mnt), from, name, NULL, 0);
	/* Capabilities that another user namespace gave are none to the mounter. */
	if (len == -EOVERFLOW && !strcmp(name, XATTR_NAME_CAPS))
		return 0;
	if (len < 0)
		return len == -ENODATA ? 0 : len;
	value = kvmalloc(max_t(size_t, len, 1), GFP_KERNEL);
	if (!value)
		return -ENOMEM;
	len = vfs_getxattr(mnt_idmap(cu->from.mnt), from, name, value, len);
	err = len;
	if (len >= 0) {
		sb_start_write(cu->temp->d_sb);
		err = vfs_setxattr(lfs_upper_idmap(cu->c), cu->temp, name, value, len, 0);
		sb_end_write(cu->temp->d_sb);
	}
	kvfree(value);
	/*
	 * What only the layer's filesystem can keep (a compression hint, say)
	 * is no reason to refuse the change; what decides about access is.
	 */
	if (err == -EOPNOTSUPP && !str_has_prefix(name, XATTR_SECURITY_PREFIX))
		err = 0;
	return err;
}

static int lfs_copy_xattrs(struct lfs_copyup *cu)
{
	struct dentry *from = cu->from.dentry;
	ssize_t len, n;
	char *list, *s;
	int err = 0;

	if (!(d_inode(from)->i_opflags & IOP_XATTR))
		return 0;
	len = vfs_listxattr(from, NULL, 0);
	if (len <= 0)
		return len == -EOPNOTSUPP ? 0 : len;
	list = kvmalloc(len, GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	len = vfs_listxattr(from, list, len);
	if (len < 0)
		err = len;
	for (s = list; !err && len > 0; s += n, len -= n) {
		n = strnlen(s, len) + 1;
		if (n > len)
			err = -EIO;
		else
			err = lfs_copy_xattr(cu, s);
	}
	kvfree(list);
	return err;
}

/**
 * lfs_copyup_xattrs - give the copy extended attributes and ACLs, read flags
 * @cu: the copy is made and its data, if any, written; @cu->fa is set
 *
 * Context: the upper is not held against a freeze but for each attribute that is
 * set: a layer's server may need the upper's filesystem for its answer.
 */
int lfs_copyup_xattrs(struct lfs_copyup *cu)
{
	struct dentry *from = cu->from.dentry;
	int err = lfs_copy_xattrs(cu);

	if (!err && (d_is_reg(from) || d_is_dir(from)))
		err = lfs_real_fileattr_get(from, &cu->fa);
	return err;
}

static int lfs_set_origin(struct lfs_copyup *cu)
{
	struct inode *image = d_inode(lfs_image(d_inode(cu->dentry)));
	struct layerfs_origin origin;

	if (!cu->keeps_ino || S_ISDIR(image->i_mode))
		return 0;
	lfs_image_origin(image, &origin);
	return vfs_setxattr(lfs_upper_idmap(cu->c), cu->temp, lfs_marks(cu->c->sb)->origin,
			    &origin, sizeof(origin), 0);
}

static int lfs_copy_attr(struct lfs_copyup *cu)
{
	struct iattr attr = {
		.ia_valid = ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_ATIME_SET |
			    ATTR_MTIME | ATTR_MTIME_SET,
		.ia_mode = (lfs_mode(cu->stat.mode, d_inode(cu->dentry), false) & ~S_IFMT) |
			   (cu->stat.mode & S_IFMT),
		.ia_vfsuid = VFSUIDT_INIT(cu->stat.uid),
		.ia_vfsgid = VFSGIDT_INIT(cu->stat.gid),
		.ia_atime = cu->stat.atime,
		.ia_mtime = cu->stat.mtime,
	};
	int err;

	if (!S_ISLNK(cu->stat.mode))
		attr.ia_valid |= ATTR_MODE;
	inode_lock(d_inode(cu->temp));
	err = notify_change(lfs_upper_idmap(cu->c), cu->temp, &attr, NULL);
	inode_unlock(d_inode(cu->temp));
	return err;
}

/* Append-only and immutable are a mark: with these flags it could not be linked. */
static int lfs_copy_fileattr(struct lfs_copyup *cu)
{
	struct dentry *from = cu->from.dentry;
	int err;

	if (!d_is_reg(from) && !d_is_dir(from))
		return 0;
	if (d_inode(from)->i_flags & S_APPEND)
		cu->prot |= LFS_PROT_APPEND;
	if (d_inode(from)->i_flags & S_IMMUTABLE)
		cu->prot |= LFS_PROT_IMMUTABLE;
	err = lfs_prot_write(cu->c, cu->temp, cu->prot, 0);
	return err ?: lfs_temp_fileattr_set(cu->c, cu->temp, cu->fa.flags, cu->fa.fsx_projid);
}

/**
 * lfs_copyup_attrs - give the copy its origin, and the object's owner, mode and times
 * @cu: the copy has its data and extended attributes
 *
 * They come last: what was set before them may have changed them.
 *
 * Context: the upper is held against a freeze.
 */
int lfs_copyup_attrs(struct lfs_copyup *cu)
{
	int err = lfs_set_origin(cu);

	if (!err)
		err = lfs_copy_fileattr(cu);
	return err ?: lfs_copy_attr(cu);
}
