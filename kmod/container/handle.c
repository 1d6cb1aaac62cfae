// SPDX-License-Identifier: GPL-2.0-only
/*
 * File handles are given out and looked at.  Inside is the handle of a real object:
 * that of the layer as long as it leads to the object, so that a copy-up does not
 * change it, else that of the upper.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs_context.h>
#include <linux/mount.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/string.h>
#include <linux/xattr.h>

#include "container/container.h"
#include "container/handle.h"
#include "layer/marker.h"

/**
 * lfs_handles_open - find the key that earlier mounts of the upper used
 * @fc: for messages
 * @c: its work directory is open
 *
 * Without one, there is a new one, written down when it is used first.  With the
 * option userxattr it is not, and handles of files of the upper end with the mount.
 */
int lfs_handles_open(struct fs_context *fc, struct lfs_container *c)
{
	const struct lfs_marks *marks = lfs_container_image(c)->marks;
	int len = 0;

	/* A key that anybody may read is none. */
	if (!marks->is_user)
		len = lfs_marker_key(marks, c->work.base, c->handles.key,
				     sizeof(c->handles.key));
	if (len < 0) {
		errorfc(fc, "cannot read the key for file handles in workdir '%s': %pe",
			c->params->work_name, ERR_PTR(len));
		return len;
	}
	if (len) {
		set_bit(LFS_HANDLES_KEPT, &c->handles.flags);
		set_bit(LFS_HANDLES_GIVEN, &c->handles.flags);
	} else {
		get_random_bytes(c->handles.key, sizeof(c->handles.key));
	}
	return 0;
}

/*
 * Who asks for a handle may only read, and shall neither wait for a frozen filesystem
 * nor fail on a full one: then it is tried again next time, and until that works,
 * handles end with the mount.
 */
static void lfs_handles_keep(struct lfs_container *c)
{
	struct vfsmount *mnt = c->upper_mnt;
	const struct cred *old;
	int err;

	set_bit(LFS_HANDLES_GIVEN, &c->handles.flags);
	if (lfs_container_image(c)->marks->is_user || sb_rdonly(c->sb) ||
	    test_bit(LFS_HANDLES_KEPT, &c->handles.flags) ||
	    test_and_set_bit(LFS_HANDLES_KEEPING, &c->handles.flags))
		return;
	if (!sb_start_write_trylock(mnt->mnt_sb))
		goto out;
	err = mnt_get_write_access(mnt);
	if (!err) {
		old = override_creds(c->cred);
		err = vfs_setxattr(mnt_idmap(mnt), c->work.base,
				   lfs_container_image(c)->marks->key, c->handles.key,
				   sizeof(c->handles.key), 0);
		revert_creds(old);
		mnt_put_write_access(mnt);
	}
	if (!err)
		set_bit(LFS_HANDLES_KEPT, &c->handles.flags);
	sb_end_write(mnt->mnt_sb);
out:
	clear_bit(LFS_HANDLES_KEEPING, &c->handles.flags);
}

/**
 * lfs_handles_possible - whether all filesystems below give handles
 * @c: the container
 */
bool lfs_handles_possible(const struct lfs_container *c)
{
	const struct lfs_image *image = lfs_container_image(c);
	unsigned int f;

	for (f = 0; f < image->nr_fs; f++) {
		if (!exportfs_can_decode_fh(image->fs[f].sb->s_export_op))
			return false;
	}
	return !lfs_container_has_upper(c) ||
	       exportfs_can_decode_fh(c->upper_mnt->mnt_sb->s_export_op);
}

/* The tag that a handle of the upper has if it was made here. */
static u64 lfs_handle_tag(const struct lfs_container *c, const struct lfs_handle *h)
{
	const siphash_key_t key = { .key = { c->handles.key[0], c->handles.key[1] } };
	struct lfs_handle bare = *h;

	memset(bare.mark, 0, sizeof(bare.mark));
	return siphash(&bare, offsetof(struct lfs_handle, real) + sizeof(u32) * bare.len, &key);
}

/**
 * lfs_handle_is_ours - whether this container gave a handle out
 * @c: the container
 * @h: of an object in the upper
 *
 * The upper's filesystem has more than the upper; its handle alone does not say whether
 * a file is in it, unless it is in use.
 */
bool lfs_handle_is_ours(const struct lfs_container *c, const struct lfs_handle *h)
{
	u64 tag = lfs_handle_tag(c, h);

	return !memcmp(h->mark, &tag, sizeof(tag));
}

/* The handle of a real object; with that of its directory, if there is room and @dir. */
static int lfs_handle_real(struct lfs_handle *h, struct inode *real, struct inode *dir)
{
	int type, len = LFS_HANDLE_REAL_MAX;

	type = exportfs_encode_inode_fh(real, (struct fid *)h->real, &len, dir, 0);
	if (dir && type > 0 && type < FILEID_INVALID)
		h->kind |= LFS_HANDLE_PARENT;
	if (dir && (type <= 0 || type >= FILEID_INVALID)) {
		/* overlayfs, for one, knows none with a directory. */
		len = LFS_HANDLE_REAL_MAX;
		type = exportfs_encode_inode_fh(real, (struct fid *)h->real, &len, NULL, 0);
	}
	if (type <= 0 || type >= FILEID_INVALID || len <= 0 || len > LFS_HANDLE_REAL_MAX)
		return type < 0 ? type : -EOVERFLOW;
	h->type = type;
	h->len = len;
	return 0;
}

/* Of a file, one needs its directory to find its path, which tells whether it shows. */
static int lfs_handle_of_layer(struct lfs_handle *h, struct inode *image_inode)
{
	const struct lfs_real *top = &lfs_ii(image_inode)->top;
	u64 ident = lfs_image_layer_ident(lfs_image_of(image_inode->i_sb), top->layer);
	struct dentry *dir = S_ISDIR(image_inode->i_mode) ? NULL : dget_parent(top->dentry);
	int err;

	h->kind = LFS_HANDLE_LAYER;
	memcpy(h->mark, &ident, sizeof(ident));
	err = lfs_handle_real(h, d_inode(top->dentry), dir ? d_inode(dir) : NULL);
	dput(dir);
	return err;
}

/**
 * lfs_handle_of_upper - the handle of an object in the upper
 * @h: filled in, but for the version
 * @inode: the object, in the upper
 * @parent: its directory, if the handle is to tell it; or NULL
 */
int lfs_handle_of_upper(struct lfs_handle *h, struct inode *inode, struct inode *parent)
{
	struct dentry *dir = parent ? lfs_upper(parent) : NULL;
	u64 tag;
	int err;

	h->kind = LFS_HANDLE_UPPER;
	err = lfs_handle_real(h, d_inode(lfs_upper(inode)), dir ? d_inode(dir) : NULL);
	if (err)
		return err;
	tag = lfs_handle_tag(lfs_c(inode), h);
	memcpy(h->mark, &tag, sizeof(tag));
	return 0;
}

/* Whether the layer's handle will lead to the object, now and after its eviction. */
static bool lfs_handle_by_layer(const struct inode *inode)
{
	if (!lfs_upper(inode))
		return true;
	if (!lfs_image(inode))
		return false;
	return S_ISDIR(inode->i_mode) ||
	       (lfs_can_be_marked(lfs_marks(inode->i_sb), inode->i_mode) &&
		!test_bit(LFS_I_MOVED, &lfs_i(inode)->flags));
}

/**
 * lfs_encode_fh - ->encode_fh: give out a handle
 * @inode: of a container
 * @fh: where to put it
 * @max_len: room there; set to what it takes
 * @parent: the object's directory, if that is to be found, too; or NULL
 *
 * Return: LFS_FILEID; FILEID_INVALID if there is too little room; an error.
 */
int lfs_encode_fh(struct inode *inode, __u32 *fh, int *max_len, struct inode *parent)
{
	struct lfs_handle h = { .version = LFS_HANDLE_VERSION };
	struct lfs_container *c = lfs_c(inode);
	int err, len, room = *max_len;

	/* First: a rename from now on writes down what it needs. */
	if (lfs_container_has_upper(c))
		lfs_handles_keep(c);
	/* Pairs with that in lfs_moved_begin(). */
	smp_mb();
	if (lfs_handle_by_layer(inode))
		err = lfs_handle_of_layer(&h, d_inode(lfs_i(inode)->image));
	else
		err = lfs_handle_of_upper(&h, inode, parent);
	if (err)
		return err;
	len = LFS_HANDLE_HEAD + h.len;
	*max_len = len;
	if (len > room)
		return FILEID_INVALID;
	memcpy(fh, &h, sizeof(u32) * len);
	return LFS_FILEID;
}

/**
 * lfs_handle_read - look at what may be a handle
 * @h: filled in
 * @fh: the bytes, from anybody
 * @len: how many, in units of 32 bits
 * @type: what they are said to be
 *
 * Return: 0; -ESTALE if these are no handle.
 */
int lfs_handle_read(struct lfs_handle *h, const u32 *fh, int len, int type)
{
	if (type != LFS_FILEID || len <= LFS_HANDLE_HEAD ||
	    len > LFS_HANDLE_HEAD + LFS_HANDLE_REAL_MAX)
		return -ESTALE;
	memset(h, 0, sizeof(*h));
	memcpy(h, fh, sizeof(u32) * len);
	if (h->version != LFS_HANDLE_VERSION || h->len != len - LFS_HANDLE_HEAD ||
	    h->type == FILEID_ROOT || h->type == FILEID_INVALID)
		return -ESTALE;
	return 0;
}
