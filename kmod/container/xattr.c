// SPDX-License-Identifier: GPL-2.0-only
/* Extended attributes: the real object's, but for the filesystem's own. */
#include <linux/capability.h>
#include <linux/slab.h>
#include <linux/xattr.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "layer/marker.h"

/*
 * What a mount inside the container takes for its marks, the real object has by
 * another name.  NULL if it has @name itself.
 */
static char *lfs_xattr_escape(const struct super_block *sb, const char *name)
{
	const struct lfs_marks *marks = lfs_marks(sb);
	size_t prefix = str_has_prefix(name, marks->prefix);
	const char *rest = name + prefix;
	char *escaped;

	if (!prefix)
		return NULL;
	if (!*rest)
		return ERR_PTR(-EINVAL);
	if (strlen(marks->escape) + strlen(rest) > XATTR_NAME_MAX)
		return ERR_PTR(-EOPNOTSUPP);
	escaped = kasprintf(GFP_KERNEL, "%s%s", marks->escape, rest);
	return escaped ?: ERR_PTR(-ENOMEM);
}

/* @name is the real object's, as in all that follows. */
static int lfs_xattr_get_real(struct inode *inode, const char *name, void *value, size_t size)
{
	const struct cred *old;
	struct path path;
	bool upper;
	int ret;

	upper = lfs_real_path(inode, &path);
	if (!strcmp(name, XATTR_NAME_CAPS) && !lfs_may_suid(inode, upper))
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

static int lfs_xattr_set_real(struct dentry *dentry, struct inode *inode, const char *name,
			      const void *value, size_t size, int flags)
{
	const struct cred *old;
	struct path path;
	int err;

	if ((!value || flags) && !lfs_upper(inode)) {
		/* A change that will be refused is no reason to copy. */
		err = lfs_xattr_get_real(inode, name, NULL, 0);
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

/* Cuts from the start of a list, @left bytes long. */
static void lfs_xattr_cut(char *list, size_t left, size_t cut)
{
	memmove(list, list + cut, left - cut);
}

/* Takes out of a list what is not shown, and out of names what escapes them; its new length. */
static ssize_t lfs_xattr_filter(const struct super_block *sb, char *list, ssize_t len,
				bool may_suid)
{
	const struct lfs_marks *marks = lfs_marks(sb);
	size_t prefix = strlen(marks->prefix), escape = strlen(marks->escape) - prefix;
	ssize_t left;
	size_t n;
	char *s;

	for (s = list, left = len; left; ) {
		n = strnlen(s, left) + 1;
		if (n > left)
			return -EIO;
		if (!lfs_xattr_shown(sb, s, may_suid)) {
			lfs_xattr_cut(s, left, n);
			len -= n;
		} else if (lfs_xattr_is_escaped(marks, s)) {
			lfs_xattr_cut(s + prefix, left - prefix, escape);
			len -= escape;
			s += n - escape;
		} else {
			s += n;
		}
		left -= n;
	}
	return len;
}

/* A real object's list as the mounter sees it; @list may be NULL to ask for the size. */
static ssize_t lfs_xattr_list_real(const struct super_block *sb, struct dentry *real,
				   char *list, size_t size)
{
	const struct cred *old = lfs_override_creds(sb);
	ssize_t len = vfs_listxattr(real, list, size);

	revert_creds(old);
	return len;
}

/* By a list of our own: the caller's buffer has room for what is shown only, or none. */
static ssize_t lfs_xattr_list_all(const struct super_block *sb, struct dentry *real,
				  bool may_suid, char *list, size_t size)
{
	ssize_t len = lfs_xattr_list_real(sb, real, NULL, 0);
	char *all;

	if (len <= 0)
		return len;
	all = kvmalloc(len, GFP_KERNEL);
	if (!all)
		return -ENOMEM;
	len = lfs_xattr_list_real(sb, real, all, len);
	if (len > 0)
		len = lfs_xattr_filter(sb, all, len, may_suid);
	if (len > 0 && size) {
		if (len <= size)
			memcpy(list, all, len);
		else
			len = -ERANGE;
	}
	kvfree(all);
	return len;
}

/**
 * lfs_listxattr - ->listxattr of every object of a container
 * @dentry: the object
 * @list: buffer, or NULL to ask for the size
 * @size: of the buffer in bytes
 */
ssize_t lfs_listxattr(struct dentry *dentry, char *list, size_t size)
{
	const struct super_block *sb = dentry->d_sb;
	bool upper, may_suid;
	struct path path;
	ssize_t len;

	upper = lfs_real_path(d_inode(dentry), &path);
	may_suid = lfs_may_suid(d_inode(dentry), upper);
	if (size) {
		len = lfs_xattr_list_real(sb, path.dentry, list, size);
		if (len >= 0)
			return lfs_xattr_filter(sb, list, len, may_suid);
		if (len != -ERANGE)
			return len;
	}
	return lfs_xattr_list_all(sb, path.dentry, may_suid, list, size);
}

static int lfs_xattr_get(const struct xattr_handler *handler, struct dentry *dentry,
			 struct inode *inode, const char *name, void *value, size_t size)
{
	char *escaped = lfs_xattr_escape(inode->i_sb, name);
	int ret;

	if (IS_ERR(escaped))
		return PTR_ERR(escaped);
	ret = lfs_xattr_get_real(inode, escaped ?: name, value, size);
	kfree(escaped);
	return ret;
}

static int lfs_xattr_set(const struct xattr_handler *handler, struct mnt_idmap *idmap,
			 struct dentry *dentry, struct inode *inode, const char *name,
			 const void *value, size_t size, int flags)
{
	char *escaped = lfs_xattr_escape(inode->i_sb, name);
	int err;

	if (IS_ERR(escaped))
		return PTR_ERR(escaped);
	err = lfs_xattr_set_real(dentry, inode, escaped ?: name, value, size, flags);
	kfree(escaped);
	return err;
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
