// SPDX-License-Identifier: GPL-2.0-only
/* Extended attributes: the real object's, but for the filesystem's own. */
#include <linux/capability.h>
#include <linux/xattr.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "layer/marker.h"

static int lfs_xattr_get(const struct xattr_handler *handler, struct dentry *dentry,
			 struct inode *inode, const char *name, void *value, size_t size)
{
	const struct cred *old;
	struct path path;
	bool upper;
	int ret;

	if (lfs_xattr_is_private(lfs_marks(inode->i_sb), name))
		return -EOPNOTSUPP;
	upper = lfs_real_path(inode, &path);
	if (!strcmp(name, XATTR_NAME_CAPS) && !lfs_may_suid(&path, upper))
		return -ENODATA;
	old = lfs_override_creds(inode->i_sb);
	ret = vfs_getxattr(mnt_idmap(path.mnt), path.dentry, name, value, size);
	revert_creds(old);
	/*
	 * Capabilities from another user namespace are none here, as in
	 * cap_bprm_creds_from_file() on the real file.
	 */
	if (ret == -EOVERFLOW && !strcmp(name, XATTR_NAME_CAPS))
		ret = -ENODATA;
	return ret;
}

static int lfs_xattr_set(const struct xattr_handler *handler, struct mnt_idmap *idmap,
			 struct dentry *dentry, struct inode *inode, const char *name,
			 const void *value, size_t size, int flags)
{
	const struct cred *old;
	struct path path;
	int err;

	if (lfs_xattr_is_private(lfs_marks(inode->i_sb), name))
		return -EOPNOTSUPP;
	if ((!value || flags) && !lfs_upper(inode)) {
		/* A change that will be refused is no reason to copy. */
		err = lfs_xattr_get(handler, dentry, inode, name, NULL, 0);
		if (err < 0 && (!value || (flags & XATTR_REPLACE) || err != -ENODATA))
			return err;
		if (err >= 0 && (flags & XATTR_CREATE))
			return -EEXIST;
	}
	err = lfs_copyup(dentry, LFS_COPYUP_ALL);
	if (err)
		return err;
	err = lfs_write_begin(inode->i_sb, &old);
	if (err)
		return err;
	lfs_upper_path(inode, &path);
	if (value)
		err = vfs_setxattr(mnt_idmap(path.mnt), path.dentry, name, value, size, flags);
	else
		err = vfs_removexattr(mnt_idmap(path.mnt), path.dentry, name);
	lfs_copy_attrs(inode);
	lfs_write_end(inode->i_sb, old);
	return err;
}

static bool lfs_xattr_shown(const struct super_block *sb, const char *name, bool may_suid)
{
	if (lfs_xattr_is_private(lfs_marks(sb), name))
		return false;
	if (!strcmp(name, XATTR_NAME_CAPS))
		return may_suid;
	/* The list was made for the mounter, who may see these. */
	if (!strncmp(name, XATTR_TRUSTED_PREFIX, XATTR_TRUSTED_PREFIX_LEN))
		return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
	return true;
}

/**
 * lfs_listxattr - ->listxattr of every object of a container
 * @dentry: the object
 * @list: buffer, or NULL to ask for the size
 * @size: of the buffer in bytes
 */
ssize_t lfs_listxattr(struct dentry *dentry, char *list, size_t size)
{
	const struct cred *old;
	struct path path;
	ssize_t len, left;
	bool upper, may_suid;
	size_t n;
	char *s;

	upper = lfs_real_path(d_inode(dentry), &path);
	may_suid = lfs_may_suid(&path, upper);
	old = lfs_override_creds(dentry->d_sb);
	len = vfs_listxattr(path.dentry, list, size);
	revert_creds(old);
	if (len <= 0 || !size)
		return len;

	for (s = list, left = len; left; ) {
		n = strnlen(s, left) + 1;
		if (n > left)
			return -EIO;
		left -= n;
		if (lfs_xattr_shown(dentry->d_sb, s, may_suid)) {
			s += n;
		} else {
			len -= n;
			memmove(s, s + n, left);
		}
	}
	return len;
}

static const struct xattr_handler lfs_xattr_handler = {
	.prefix	= "",
	.get	= lfs_xattr_get,
	.set	= lfs_xattr_set,
};

const struct xattr_handler * const lfs_xattr_handlers[] = {
	&lfs_xattr_handler,
	NULL
};
