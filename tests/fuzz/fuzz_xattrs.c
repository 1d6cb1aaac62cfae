// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of the attributes that layers and uppers are marked by, as
 * kmod/layer/marker.c and kmod/container/lookup.c (the origin) read them.
 *
 * An input is: which attribute and marks, how a value is cut in two (the value
 * may change between two readings of it), which allocation fails, the value.
 */
#include <linux/dcache.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "image/image.h"
#include "layer/lower.h"
#include "layer/marker.h"
#include "limits.h"

static struct {
	const char *name;
	const uint8_t *value[2];	/* at the first reading, and from then on */
	size_t len[2];
	int error;
	int readings;
} xattr;

ssize_t __vfs_getxattr(struct dentry *dentry, struct inode *inode, const char *name,
		       void *value, size_t size)
{
	int i = xattr.readings++ > 0;

	FUZZ_CHECK(dentry->d_inode == inode && !strcmp(name, xattr.name));
	if (xattr.error)
		return xattr.error;
	if (!size)
		return xattr.len[i];
	if (size < xattr.len[i])
		return -ERANGE;
	memcpy(value, xattr.value[i], xattr.len[i]);
	return xattr.len[i];
}

/* The one object that an upper directory has. */
static struct dentry *in_upper;

u64 lfs_live_version(const struct inode *dir, bool settled) { abort(); }
void lfs_upper_changed(struct lfs_container *c, const struct dentry *where) { abort(); }
struct dentry *lfs_real_lookup(struct mnt_idmap *idmap, struct dentry *d, const char *name,
			       int len)
{
	return dget(in_upper);
}

/* The index is empty. */
struct lfs_links *lfs_links_of_upper(struct lfs_container *c, struct dentry *upper,
				     const struct layerfs_origin *origin) { return NULL; }
void lfs_links_free(struct lfs_links *links) { FUZZ_CHECK(!links); }

/* Not reached: they belong to lookups, which fuzz_layers has. */
struct lfs_links *lfs_links_of_layer(const struct inode *image_inode) { abort(); }
struct dentry *lfs_image_lookup(struct dentry *d, const char *name, int len) { abort(); }
struct dentry *lfs_image_walk(struct dentry *root, const char *path) { abort(); }
struct inode *lfs_iget(struct super_block *sb, struct lfs_key *key) { abort(); }
struct dentry *d_splice_alias(struct inode *inode, struct dentry *dentry) { abort(); }

/* What the rest of the module may rely on, said in another way. */
static bool is_redirect(const char *s)
{
	size_t len = strlen(s), part;

	if (!len || len >= LFS_MAX_REDIRECT || s[len - 1] == '/')
		return false;
	if (*s != '/' && strchr(s, '/'))
		return false;
	for (s += *s == '/'; *s; s += part + !!s[part]) {
		part = strcspn(s, "/");
		if (!part || part > 255 || !strncmp(s, ".", part) || !strncmp(s, "..", part))
			return false;
	}
	return true;
}

static void redirect(const struct lfs_marks *marks, struct dentry *d)
{
	char *to;
	int err = lfs_marker_redirect(marks, d, &to);

	FUZZ_CHECK(!err || !to);
	if (to) {
		FUZZ_CHECK(!marks->is_user);
		FUZZ_CHECK(is_redirect(to));
		FUZZ_CHECK(strlen(to) == xattr.len[1] && !memcmp(to, xattr.value[1], xattr.len[1]));
	} else if (!err) {
		FUZZ_CHECK(xattr.error == -ENODATA || xattr.error == -EOPNOTSUPP);
	}
	kfree(to);
}

static void yes(const struct lfs_marks *marks, struct dentry *d, bool impure)
{
	int set = impure ? lfs_marker_impure(marks, d) : lfs_marker_opaque(marks, d);
	const char c = !xattr.error && xattr.len[0] == 1 ? *xattr.value[0] : 0;

	if (!xattr.error)
		FUZZ_CHECK(set == (c == 'y' ? 1 : c == 'x' && !impure ? LFS_XWHITEOUTS : 0));
	else
		FUZZ_CHECK(set <= 0);
}

static void origin(const struct lfs_marks *marks, struct dentry *d)
{
	struct super_block sb = { .s_uuid.b = "sixteen bytes id" };
	struct super_block other_sb = { .s_magic = 0x73717368 };
	struct inode root = { .i_ino = 2, .i_sb = &sb }, other_root = { .i_ino = 64, .i_sb = &other_sb };
	struct dentry root_dentry = { .d_inode = &root }, other_dentry = { .d_inode = &other_root };
	struct vfsmount layer_mnt = { .mnt_root = &root_dentry };
	struct vfsmount other_mnt = { .mnt_root = &other_dentry };
	struct lfs_layer layer = { .mnt = &layer_mnt }, other = { .mnt = &other_mnt };
	struct lfs_layerset *set = calloc(1, sizeof(*set) + 2 * sizeof(set->layers[0]));
	struct lfs_fs fs[] = { { .sb = &sb, .known = true }, { .sb = &other_sb, .lowest = 1 } };
	u16 fsid[] = { 0, 1 };
	struct lfs_image image = { .marks = marks, .fs = fs, .nr_fs = 2, .ino_bits = 56,
				   .fsid = fsid, .set = set };
	struct super_block image_sb = { .s_fs_info = &image };
	struct vfsmount mnt = { .mnt_sb = &image_sb };
	struct lfs_container c = { .image_mnt = &mnt, .upper_fsid = 1 };
	struct super_block container_sb = { .s_fs_info = &c };
	struct lfs_inode dir = { .vfs_inode.i_sb = &container_sb };
	struct dentry upper_dir = {};
	struct lfs_key key;
	const u64 own = lfs_ino(&image, 1, d->d_inode->i_ino);
	struct layerfs_origin o;
	u64 ino;
	int err;

	set->nr = 2;
	set->layers[0] = &layer;
	set->layers[1] = &other;
	/* Of files it is asked whether their data is elsewhere, which is another case. */
	d->d_inode->i_mode = S_IFLNK;
	in_upper = d;
	err = lfs_resolve(&dir.vfs_inode, &upper_dir, "f", 1, &key);
	ino = key.ino;
	free(set);
	FUZZ_CHECK(own >> 56 == 1);
	/* What cannot be read is not absent. */
	if (xattr.error && xattr.error != -ENODATA && xattr.error != -EOPNOTSUPP) {
		FUZZ_CHECK(err == xattr.error);
		return;
	}
	FUZZ_CHECK(!err && key.upper == d);
	lfs_key_put(&key);
	if (xattr.error || xattr.len[0] != sizeof(o)) {
		FUZZ_CHECK(ino == own);
		return;
	}
	memcpy(&o, xattr.value[0], sizeof(o));
	if (o.version == LAYERFS_ORIGIN_UUID && !memcmp(o.uuid, sb.s_uuid.b, 16))
		FUZZ_CHECK(ino == le64toh(o.ino));
	else if (o.version == LAYERFS_ORIGIN_PLACE && !o.place.layer &&
		 o.place.magic == other_sb.s_magic && o.place.root == other_root.i_ino)
		FUZZ_CHECK(ino == lfs_ino(&image, 1, le64toh(o.ino)));
	else if (o.version == LAYERFS_ORIGIN_PLACE && o.place.layer == 1 &&
		 o.place.magic == sb.s_magic && o.place.root == root.i_ino)
		FUZZ_CHECK(ino == le64toh(o.ino));
	else
		FUZZ_CHECK(ino == own);
}

static void metacopy(const struct lfs_marks *marks, struct dentry *d)
{
	const bool absent = xattr.error == -ENODATA || xattr.error == -EOPNOTSUPP;
	const size_t len = xattr.len[0];
	const uint8_t *v = xattr.value[0];
	int err = lfs_marker_metacopy(marks, d);

	if (xattr.error)
		FUZZ_CHECK(err == (absent ? 0 : xattr.error));
	else if (marks->is_user)
		FUZZ_CHECK(err == -EPERM);
	else if (!len || (len >= 4 && len <= 68 && v[0] == 0 && v[1] == len))
		FUZZ_CHECK(err == 1);
	else
		FUZZ_CHECK(err == -EIO);
}

static void whiteout(const struct lfs_marks *marks, struct dentry *d)
{
	const bool absent = xattr.error == -ENODATA || xattr.error == -EOPNOTSUPP;

	d->d_inode->i_size = 0;
	FUZZ_CHECK(lfs_marker_whiteout(marks, d) == (absent ? 0 : xattr.error ?: 1));
	d->d_inode->i_size = 1;
	FUZZ_CHECK(!lfs_marker_whiteout(marks, d));
}

static void inner_whiteout(const struct lfs_marks *marks, struct dentry *d)
{
	const bool absent = xattr.error == -ENODATA || xattr.error == -EOPNOTSUPP;
	const bool is = xattr.len[0] == 4 && !memcmp(xattr.value[0], "char", 4);

	d->d_inode->i_size = 0;
	FUZZ_CHECK(lfs_marker_inner_whiteout(marks, d) ==
		   (absent ? 0 : xattr.error ?: is));
	d->d_inode->i_size = 1;
	FUZZ_CHECK(!lfs_marker_inner_whiteout(marks, d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int errors[] = { 0, 0, 0, 0, -ENODATA, -EOPNOTSUPP, -EIO, -ENOMEM };
	struct inode inode = { .i_opflags = IOP_XATTR, .i_ino = 42, .i_mode = S_IFREG,
			       .i_size = 1 };
	struct dentry d = { .d_inode = &inode };
	const struct lfs_marks *marks;
	size_t split;

	if (size < 4)
		return 0;
	marks = data[0] & 0x10 ? &lfs_marks_user : &lfs_marks_trusted;
	memset(&xattr, 0, sizeof(xattr));
	xattr.error = errors[data[0] >> 5];
	fuzz_fail = data[1] & 3;
	split = (data[2] | data[3] << 8) % 8192;
	data += 4;
	size -= 4;
	/* A value of its own at the first reading, or the same. */
	xattr.value[0] = data;
	xattr.len[0] = split && split < size ? split : size;
	xattr.value[1] = split && split < size ? data + split : data;
	xattr.len[1] = size - (xattr.value[1] - data);
	switch (data[-4] & 7) {
	case 0: xattr.name = marks->opaque; yes(marks, &d, false); break;
	case 1: xattr.name = marks->impure; yes(marks, &d, true); break;
	case 2: xattr.name = marks->origin; origin(marks, &d); break;
	case 3: xattr.name = marks->metacopy; metacopy(marks, &d); break;
	case 4: xattr.name = marks->whiteout; whiteout(marks, &d); break;
	case 5: xattr.name = marks->inner_whiteout; inner_whiteout(marks, &d); break;
	default: xattr.name = marks->redirect; redirect(marks, &d);
	}
	FUZZ_CHECK(lfs_xattr_is_private(marks, xattr.name) ==
		   !!strcmp(xattr.name, marks->inner_whiteout));
	fuzz_fail = 0;
	return 0;
}
