// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include <archive.h>
#include <archive_entry.h>

#include "unpack_acl.h"
#include "unpack_attr.h"

/**
 * struct attr_target - the file that attributes go to
 * @entry: what it shall become
 * @parent: its directory
 * @base: its name there
 * @path: it again, for calls that know no directory descriptors; the kernel
 *	follows the descriptor's link in /proc, never the last component
 * @is_dir: a directory
 * @acl: default ACL, or NULL
 * @acl_len: its length
 */
struct attr_target {
	struct archive_entry *entry;
	int parent;
	const char *base;
	char path[64 + NAME_MAX];
	bool is_dir;
	void *acl;
	size_t acl_len;
};

void unpack_attr_times(struct archive_entry *entry, struct timespec times[2])
{
	times[1].tv_sec = archive_entry_mtime(entry);
	times[1].tv_nsec = archive_entry_mtime_nsec(entry);
	times[0] = times[1];
	if (archive_entry_atime_is_set(entry)) {
		times[0].tv_sec = archive_entry_atime(entry);
		times[0].tv_nsec = archive_entry_atime_nsec(entry);
	}
}

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool xattr_allowed(const char *name)
{
	if (!strcmp(name, "security.capability"))
		return true;
	if (!strcmp(name, LAYERFS_XATTR_ACL_ACCESS) || !strcmp(name, LAYERFS_XATTR_ACL_DEFAULT))
		return true;
	return has_prefix(name, "user.") && !has_prefix(name, "user.overlay.");
}

static int keep_default_acl(struct attr_target *to, const void *value, size_t len)
{
	free(to->acl);
	to->acl_len = 0;
	to->acl = malloc(len);
	if (!to->acl)
		return -ENOMEM;
	memcpy(to->acl, value, len);
	to->acl_len = len;
	return 0;
}

static int apply_xattr(struct attr_target *to, const char *name, const void *value, size_t len,
		       struct layerfs_error *err)
{
	int ret = 0;

	if (!strcmp(name, LAYERFS_XATTR_ACL_DEFAULT)) {
		if (!to->is_dir)
			return layerfs_error_set(err, -EINVAL,
						 "it has a default ACL but is no directory");
		ret = keep_default_acl(to, value, len);
	} else if (lsetxattr(to->path, name, value, len, 0)) {
		ret = -errno;
	}
	if (ret)
		return layerfs_error_sys(err, ret, "cannot set its xattr %s", name);
	return 0;
}

static int apply_xattrs(struct attr_target *to, uint64_t *ignored, struct layerfs_error *err)
{
	const char *name;
	const void *value;
	size_t len;
	int ret;

	archive_entry_xattr_reset(to->entry);
	while (archive_entry_xattr_next(to->entry, &name, &value, &len) == ARCHIVE_OK) {
		if (!name || !xattr_allowed(name)) {
			++*ignored;
			continue;
		}
		ret = apply_xattr(to, name, value, len, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int apply_acl(struct attr_target *to, int type, const char *name,
		     struct layerfs_error *err)
{
	void *value;
	size_t len;
	int ret;

	ret = unpack_acl_encode(to->entry, type, &value, &len, err);
	if (!ret && value)
		ret = apply_xattr(to, name, value, len, err);
	free(value);
	return ret;
}

static int apply_owner(const struct attr_target *to, struct layerfs_error *err)
{
	int64_t uid = archive_entry_uid(to->entry);
	int64_t gid = archive_entry_gid(to->entry);

	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return layerfs_error_set(err, -EINVAL, "its owner %lld:%lld is out of range",
					 (long long)uid, (long long)gid);
	if (fchownat(to->parent, to->base, uid, gid, AT_SYMLINK_NOFOLLOW))
		return layerfs_error_sys(err, -errno, "cannot give it to %lld:%lld",
					 (long long)uid, (long long)gid);
	return 0;
}

/* chmod comes after chown, which clears setuid, and after the ACL, whose mask it sets */
static int apply_mode(const struct attr_target *to, struct layerfs_error *err)
{
	mode_t mode = archive_entry_perm(to->entry) & 07777;

	if (archive_entry_filetype(to->entry) == AE_IFLNK)
		return 0;
	if (fchmodat(to->parent, to->base, mode, 0))
		return layerfs_error_sys(err, -errno, "cannot set its mode %04o", mode);
	return 0;
}

static int apply_all(struct unpack_tree *tree, struct attr_target *to, const char *path,
		     uint64_t *ignored, struct layerfs_error *err)
{
	struct timespec times[2];
	int ret;

	ret = apply_owner(to, err);
	if (!ret)
		ret = apply_xattrs(to, ignored, err);
	if (!ret)
		ret = apply_acl(to, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, LAYERFS_XATTR_ACL_ACCESS, err);
	if (!ret)
		ret = apply_acl(to, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, LAYERFS_XATTR_ACL_DEFAULT,
				err);
	if (!ret)
		ret = apply_mode(to, err);
	if (ret)
		return ret;

	unpack_attr_times(to->entry, times);
	if (to->is_dir)
		return unpack_tree_defer(tree, path, to->parent, to->base, times, to->acl,
					 to->acl_len, err);
	if (utimensat(to->parent, to->base, times, AT_SYMLINK_NOFOLLOW))
		return layerfs_error_sys(err, -errno, "cannot set its times");
	return 0;
}

int unpack_attr_apply(struct unpack_tree *tree, struct archive_entry *entry, const char *path,
		      int parent, const char *base, uint64_t *ignored, struct layerfs_error *err)
{
	struct attr_target to = {
		.entry = entry,
		.parent = parent,
		.base = *base ? base : ".",
		.is_dir = archive_entry_filetype(entry) == AE_IFDIR,
	};
	int ret;

	snprintf(to.path, sizeof(to.path), "/proc/self/fd/%d/%s", parent, to.base);
	ret = apply_all(tree, &to, path, ignored, err);
	free(to.acl);
	return ret;
}
