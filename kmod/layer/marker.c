// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xattr.h>
#include <linux/layerfs_ondisk.h>

#include "layer/lower.h"
#include "layer/marker.h"
#include "limits.h"

/* Each is there with and without @aufs. */
#define LFS_MARKS_TRUSTED								\
	.prefix		= LAYERFS_XATTR_PREFIX,						\
	.opaque		= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_OPAQUE,			\
	.redirect	= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_REDIRECT,			\
	.impure		= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_IMPURE,			\
	.metacopy	= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_METACOPY,			\
	.whiteout	= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_WHITEOUT,			\
	.origin		= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_ORIGIN,			\
	.protattr	= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_PROTATTR,			\
	.key		= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_KEY,			\
	.escape		= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_ESCAPE,			\
	.inner_opaque	= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_ESCAPE LAYERFS_XATTR_OPAQUE,\
	.inner_whiteout	= LAYERFS_XATTR_PREFIX LAYERFS_XATTR_ESCAPE LAYERFS_XATTR_WHITEOUT

#define LFS_MARKS_USER									\
	.prefix		= LAYERFS_XATTR_USER_PREFIX,					\
	.opaque		= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_OPAQUE,		\
	.redirect	= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_REDIRECT,		\
	.impure		= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_IMPURE,		\
	.metacopy	= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_METACOPY,		\
	.whiteout	= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_WHITEOUT,		\
	.origin		= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_ORIGIN,		\
	.protattr	= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_PROTATTR,		\
	.escape		= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_ESCAPE,		\
	.inner_opaque	= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_ESCAPE LAYERFS_XATTR_OPAQUE,\
	.inner_whiteout	= LAYERFS_XATTR_USER_PREFIX LAYERFS_XATTR_ESCAPE LAYERFS_XATTR_WHITEOUT,\
	.is_user	= true

const struct lfs_marks lfs_marks_trusted = { LFS_MARKS_TRUSTED };
const struct lfs_marks lfs_marks_user = { LFS_MARKS_USER };
const struct lfs_marks lfs_marks_trusted_aufs = { LFS_MARKS_TRUSTED, .aufs = true };
const struct lfs_marks lfs_marks_user_aufs = { LFS_MARKS_USER, .aufs = true };

/*
 * Markers are read without asking for permission: they are the format of the
 * layer, not data of the caller, and "trusted." names are not readable by an
 * unprivileged mounter.
 */
static ssize_t lfs_marker_get(struct dentry *real, const char *name, void *buf, size_t size)
{
	struct inode *inode = d_inode(real);
	ssize_t len;

	if (!(inode->i_opflags & IOP_XATTR))
		return -ENODATA;
	len = __vfs_getxattr(real, inode, name, buf, size);
	return len == -EOPNOTSUPP ? -ENODATA : len;
}

/* The marker's value if it is one character, 0 if it is absent or something else. */
static int lfs_marker_char(struct dentry *real, const char *name)
{
	char val[4];
	ssize_t len = lfs_marker_get(real, name, val, sizeof(val));

	if (len == -ENODATA || len == -ERANGE)
		return 0;
	if (len < 0)
		return len;
	return len == 1 ? (unsigned char)val[0] : 0;
}

/**
 * lfs_marker_opaque - whether a directory hides those below it
 * @marks: which attributes count
 * @real: directory of a layer or an upper
 *
 * Return: LFS_OPAQUE, LFS_XWHITEOUTS, 0 or an error of the filesystem.
 */
int lfs_marker_opaque(const struct lfs_marks *marks, struct dentry *real)
{
	int val = lfs_marker_char(real, marks->opaque);

	switch (val) {
	case 'y':
		return LFS_OPAQUE;
	case 'x':
		return LFS_XWHITEOUTS;
	}
	return min(val, 0);
}

/**
 * lfs_aufs_find - whether a directory holds a whiteout in the form of a name
 * @marks: which marks count
 * @idmap: of the layer's mount
 * @real: directory of a layer
 * @name: what may be whited out, need not end in NUL; one component
 * @len: its length in bytes
 *
 * Context: the mounter's credentials are in force; takes @real's i_rwsem shared.
 * Return: 1, 0 or an error of the filesystem.
 */
int lfs_aufs_find(const struct lfs_marks *marks, struct mnt_idmap *idmap, struct dentry *real,
		  const char *name, int len)
{
	const size_t prefix = strlen(LAYERFS_AUFS_PREFIX);
	struct dentry *found;
	char *buf;

	if (!marks->aufs || len + prefix > NAME_MAX)
		return 0;
	buf = kasprintf(GFP_KERNEL, LAYERFS_AUFS_PREFIX "%.*s", len, name);
	if (!buf)
		return -ENOMEM;
	found = lfs_real_lookup(idmap, real, buf, len + prefix);
	kfree(buf);
	if (IS_ERR_OR_NULL(found))
		return PTR_ERR_OR_ZERO(found);
	dput(found);
	return 1;
}

/**
 * lfs_aufs_opaque - whether such a name makes a directory opaque
 * @marks: which marks count
 * @idmap: of the layer's mount
 * @real: directory of a layer
 *
 * Context: as lfs_aufs_find().
 * Return: 1, 0 or an error of the filesystem.
 */
int lfs_aufs_opaque(const struct lfs_marks *marks, struct mnt_idmap *idmap, struct dentry *real)
{
	static const char opaque[] = LAYERFS_AUFS_OPAQUE;
	const size_t prefix = strlen(LAYERFS_AUFS_PREFIX);

	return lfs_aufs_find(marks, idmap, real, opaque + prefix, sizeof(opaque) - 1 - prefix);
}

/**
 * lfs_marker_whiteout - whether an object is a whiteout in the form of an attribute
 * @marks: which attributes count
 * @real: object of a layer, in a directory of which lfs_marker_opaque() says
 *        LFS_XWHITEOUTS
 *
 * Return: 1, 0 or an error of the filesystem.
 */
int lfs_marker_whiteout(const struct lfs_marks *marks, struct dentry *real)
{
	ssize_t len;

	if (!d_is_reg(real) || i_size_read(d_inode(real)))
		return 0;
	len = lfs_marker_get(real, marks->whiteout, NULL, 0);
	if (len == -ENODATA)
		return 0;
	return len < 0 ? len : 1;
}

/**
 * lfs_marker_inner_whiteout - whether a container shows a file as a character device 0/0
 * @marks: which attributes count
 * @real: object of a layer or an upper
 *
 * It is a whiteout to a mount that has its layers or its upper in the container.
 * Asked of each empty file.
 *
 * Return: 1, 0 or an error of the filesystem.
 */
int lfs_marker_inner_whiteout(const struct lfs_marks *marks, struct dentry *real)
{
	char val[sizeof(LAYERFS_WHITEOUT_CHAR)];
	ssize_t len;

	if (!d_is_reg(real) || i_size_read(d_inode(real)))
		return 0;
	len = lfs_marker_get(real, marks->inner_whiteout, val, sizeof(val));
	if (len == -ENODATA || len == -ERANGE)
		return 0;
	if (len < 0)
		return len;
	return len == sizeof(val) - 1 && !memcmp(val, LAYERFS_WHITEOUT_CHAR, len);
}

/**
 * lfs_marker_holds_inner - whether there may be such files in a directory
 * @marks: which attributes count
 * @real: directory of a layer or an upper
 *
 * To find them in a listing.  The directory of one has a mark for mounts inside, which
 * these may have changed.
 *
 * Return: 1, 0 or an error of the filesystem.
 */
int lfs_marker_holds_inner(const struct lfs_marks *marks, struct dentry *real)
{
	ssize_t len = lfs_marker_get(real, marks->inner_opaque, NULL, 0);

	if (len == -ENODATA)
		return 0;
	return len < 0 ? len : 1;
}

/**
 * lfs_marker_impure - whether a directory holds objects with a foreign st_ino
 * @marks: which attributes count
 * @real: directory of an upper
 *
 * Return: 1, 0 or an error of the filesystem.
 */
int lfs_marker_impure(const struct lfs_marks *marks, struct dentry *real)
{
	int val = lfs_marker_char(real, marks->impure);

	return val < 0 ? val : val == 'y';
}

/**
 * lfs_marker_origin - which object of a layer an upper object is the copy of
 * @marks: the mount's names for marks
 * @real: object of an upper
 * @origin: filled in
 *
 * Return: 1; 0 if it does not say, or not so that this version understands; an
 * error of the filesystem.
 */
int lfs_marker_origin(const struct lfs_marks *marks, struct dentry *real,
		      struct layerfs_origin *origin)
{
	ssize_t len = lfs_marker_get(real, marks->origin, origin, sizeof(*origin));

	if (len == -ENODATA || len == -ERANGE)
		return 0;
	if (len < 0)
		return len;
	if (len != sizeof(*origin) || (origin->version != LAYERFS_ORIGIN_UUID &&
				       origin->version != LAYERFS_ORIGIN_PLACE))
		return 0;
	/* Equal origins are equal bytes. */
	origin->flags &= LAYERFS_ORIGIN_NOSUID;
	memset(origin->reserved, 0, sizeof(origin->reserved));
	return 1;
}

/**
 * lfs_marker_protattr - whether an object is append-only or immutable
 * @marks: which attributes count
 * @real: object of an upper
 *
 * What else the value says, this version does not know, and protects from nothing.
 *
 * Return: LFS_PROT_*, or'ed; an error of the filesystem.
 */
int lfs_marker_protattr(const struct lfs_marks *marks, struct dentry *real)
{
	/* So long overlayfs's can get. */
	char val[32];
	ssize_t len = lfs_marker_get(real, marks->protattr, val, sizeof(val));
	int prot = 0;

	if (len == -ENODATA || len == -ERANGE)
		return 0;
	if (len < 0)
		return len;
	if (memchr(val, 'a', len))
		prot |= LFS_PROT_APPEND;
	if (memchr(val, 'i', len))
		prot |= LFS_PROT_IMMUTABLE;
	return prot;
}

/* No value, or one that overlayfs has begun to add to: version, its own length, ... */
static bool lfs_metacopy_valid(const u8 *val, ssize_t len)
{
	return !len || (len >= 4 && !val[0] && val[1] == len);
}

/**
 * lfs_marker_metacopy - whether a file has its data in a layer below
 * @marks: which attributes count
 * @real: object of a layer or an upper
 *
 * Asked of each file: what i_blocks says of it may be its attributes, or made up
 * from its size.  The digest that the value may hold is not looked at.
 *
 * Return: 1; 0; -EIO if the value is none that says so; -EPERM if @marks may not
 * say so; an error of the filesystem.
 */
int lfs_marker_metacopy(const struct lfs_marks *marks, struct dentry *real)
{
	/* Four bytes and a digest of up to 512 bits. */
	u8 val[4 + 64];
	ssize_t len;

	if (!d_is_reg(real))
		return 0;
	len = lfs_marker_get(real, marks->metacopy, val, sizeof(val));
	if (len == -ENODATA)
		return 0;
	if (len < 0 && len != -ERANGE)
		return len;
	if (marks->is_user) {
		pr_warn_ratelimited("'%pd4' has its data elsewhere, says a user, which is not followed\n",
				    real);
		return -EPERM;
	}
	if (len >= 0 && lfs_metacopy_valid(val, len))
		return 1;
	pr_warn_ratelimited("'%pd4' has an invalid metacopy mark\n", real);
	return -EIO;
}

/**
 * lfs_marker_key - what the handles of an upper are marked with
 * @marks: which attributes count
 * @real: the work directory
 * @key: filled in
 * @size: of @key
 *
 * Return: 1; 0 if there is none; an error of the filesystem.
 */
int lfs_marker_key(const struct lfs_marks *marks, struct dentry *real, void *key, size_t size)
{
	ssize_t len = lfs_marker_get(real, marks->key, key, size);

	if (len == -ENODATA || len == -ERANGE)
		return 0;
	if (len < 0)
		return len;
	return len == size;
}

static bool lfs_component_valid(const char *name, size_t len)
{
	if (!len || len > NAME_MAX)
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

/* A name without '/', or a path of such names, each after one '/'. */
static bool lfs_redirect_valid(const char *s)
{
	const char *next;

	if (*s != '/')
		return !strchr(s, '/') && lfs_component_valid(s, strlen(s));
	for (; *s; s = next) {
		next = strchrnul(++s, '/');
		if (!lfs_component_valid(s, next - s))
			return false;
	}
	return true;
}

/**
 * lfs_marker_redirect - where a directory merges, or data is, if not at its own name
 * @marks: which attributes count
 * @real: directory, or file without data, of a layer or an upper
 * @redirect: set to an allocated string, or to NULL if there is no redirect
 *
 * Return: 0; -EIO if the value is not a redirect; -EPERM if @marks may hold
 * none; -ENOMEM or an error of the filesystem.
 */
int lfs_marker_redirect(const struct lfs_marks *marks, struct dentry *real, char **redirect)
{
	char *buf;
	ssize_t len;

	*redirect = NULL;
	len = lfs_marker_get(real, marks->redirect, NULL, 0);
	if (len == -ENODATA)
		return 0;
	if (len < 0)
		return len;
	if (marks->is_user) {
		pr_warn_ratelimited("'%pd4' has a redirect set by a user, which is not followed\n",
				    real);
		return -EPERM;
	}
	if (!len || len >= LFS_MAX_REDIRECT)
		goto invalid;
	buf = kzalloc(len + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	len = lfs_marker_get(real, marks->redirect, buf, len);
	if (len < 0) {
		kfree(buf);
		return len == -ERANGE ? -EIO : len;
	}
	if (strlen(buf) != len || !lfs_redirect_valid(buf)) {
		kfree(buf);
		goto invalid;
	}
	*redirect = buf;
	return 0;

invalid:
	pr_warn_ratelimited("'%pd4' has an invalid redirect\n", real);
	return -EIO;
}

/**
 * lfs_xattr_is_escaped - whether an attribute is shown by another name
 * @marks: which attributes count
 * @name: full name of the real object's attribute
 */
bool lfs_xattr_is_escaped(const struct lfs_marks *marks, const char *name)
{
	size_t len = str_has_prefix(name, marks->escape);

	return len && name[len];
}

/**
 * lfs_xattr_is_private - whether an attribute belongs to the filesystem
 * @marks: which attributes count
 * @name: full name of the real object's attribute
 */
bool lfs_xattr_is_private(const struct lfs_marks *marks, const char *name)
{
	return str_has_prefix(name, marks->prefix) && !lfs_xattr_is_escaped(marks, name);
}
