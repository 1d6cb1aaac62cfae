// SPDX-License-Identifier: GPL-2.0-only
/* Attributes: read from the real object, changed on the upper. */
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/posix_acl.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "io/realfile.h"
#include "layer/lower.h"

/* Whether the data of a file is not where its attributes are. */
static bool lfs_data_is_apart(const struct inode *inode, const struct dentry *upper)
{
	const struct lfs_inode *li = lfs_i(inode);

	return upper ? test_bit(LFS_I_METACOPY, &li->flags) :
		       lfs_ii(d_inode(li->image))->nr_below;
}

/* Of such a file: what is told of the data. */
static int lfs_data_getattr(const struct inode *inode, struct kstat *stat, unsigned int flags)
{
	struct kstat data;
	struct path path;
	int err;

	/* It may have got its data since. */
	lfs_data_path(inode, &path);
	err = lfs_real_getattr(&path, &data, STATX_BLOCKS | STATX_DIOALIGN, flags,
			       lfs_c(inode)->cred);
	if (err)
		return err;
	stat->blocks = data.blocks;
	stat->result_mask &= ~STATX_DIOALIGN;
	stat->result_mask |= data.result_mask & STATX_DIOALIGN;
	stat->dio_mem_align = data.dio_mem_align;
	stat->dio_offset_align = data.dio_offset_align;
	return 0;
}

/**
 * lfs_getattr - ->getattr of every object of a container
 * @idmap: of the container's mount
 * @path: the object
 * @stat: filled in
 * @mask: STATX_* wanted
 * @flags: AT_STATX_*
 */
int lfs_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
		u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	const struct lfs_inode *li = lfs_i(inode);
	unsigned int nlink;
	struct path upper;
	int err;

	lfs_upper_path(inode, &upper);
	if (upper.dentry)
		err = lfs_real_getattr(&upper, stat, mask, flags, lfs_c(inode)->cred);
	else
		err = lfs_image_getattr(d_inode(li->image), stat, mask, flags);
	if (!err && S_ISREG(stat->mode) && lfs_data_is_apart(inode, upper.dentry))
		err = lfs_data_getattr(inode, stat, flags);
	if (err)
		return err;
	if (unlikely(idmap != &nop_mnt_idmap)) {
		stat->uid = vfsuid_into_kuid(make_vfsuid(idmap, i_user_ns(inode), stat->uid));
		stat->gid = vfsgid_into_kgid(make_vfsgid(idmap, i_user_ns(inode), stat->gid));
	}
	stat->mode = lfs_mode(stat->mode, inode, upper.dentry);
	stat->dev = inode->i_sb->s_dev;
	/* A copy-up may change it now. */
	stat->ino = READ_ONCE(inode->i_ino);
	/* What is a mark of the upper its filesystem does not tell. */
	generic_fill_statx_attr(inode, stat);
	/* Layers may lie on several subvolumes; the container is none of them. */
	stat->result_mask &= ~STATX_SUBVOL;
	stat->subvol = 0;
	/*
	 * For knfsd, which takes the ctime instead: what the copy counts could be what
	 * the layer's object had when a client looked.
	 */
	if (li->image)
		stat->result_mask &= ~STATX_CHANGE_COOKIE;
	/*
	 * The links of a layer's object that were removed here, that of its copy in
	 * the index, and those of merged directories, only the container's own inode
	 * knows.
	 */
	nlink = READ_ONCE(inode->i_nlink);
	if (!upper.dentry || !nlink || li->links ||
	    (S_ISDIR(stat->mode) && lfs_image(inode)))
		stat->nlink = nlink;
	return 0;
}

static int lfs_setattr_upper(struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry), *upper_inode;
	struct dentry *upper = lfs_upper(inode);
	const struct cred *old;
	bool writes;
	int err;

	upper_inode = d_inode(upper);
	/* Filesystems take out of ia_valid what they need not do. */
	writes = attr->ia_valid & ATTR_SIZE;
	if (writes) {
		err = get_write_access(upper_inode);
		if (err)
			return err;
	}
	err = lfs_write_begin(inode->i_sb, &old);
	if (err)
		goto put_access;
	inode_lock(upper_inode);
	err = notify_change(lfs_upper_idmap(lfs_c(inode)), upper, attr, NULL);
	inode_unlock(upper_inode);
	lfs_copy_attrs(inode);
	lfs_write_end(inode->i_sb, old);
put_access:
	if (writes)
		put_write_access(upper_inode);
	return err;
}

/*
 * From the container's mount to that of the upper, which takes for what it shows what
 * the container's inode has.
 */
static void lfs_map_owner(struct mnt_idmap *idmap, const struct inode *inode,
			  struct iattr *attr)
{
	struct user_namespace *ns = i_user_ns(inode);

	if (attr->ia_valid & ATTR_UID)
		attr->ia_vfsuid = VFSUIDT_INIT(from_vfsuid(idmap, ns, attr->ia_vfsuid));
	if (attr->ia_valid & ATTR_GID)
		attr->ia_vfsgid = VFSGIDT_INIT(from_vfsgid(idmap, ns, attr->ia_vfsgid));
}

/* The VFS asks whether the filesystem knows an owner only on id-mapped mounts. */
static bool lfs_new_owner_known(const struct inode *inode, const struct iattr *attr)
{
	struct user_namespace *ns = lfs_c(inode)->cred->user_ns;

	if ((attr->ia_valid & ATTR_UID) &&
	    !kuid_has_mapping(ns, vfsuid_into_kuid(attr->ia_vfsuid)))
		return false;
	return !(attr->ia_valid & ATTR_GID) ||
	       kgid_has_mapping(ns, vfsgid_into_kgid(attr->ia_vfsgid));
}

/**
 * lfs_setattr - ->setattr of every object of a container
 * @idmap: of the container's mount
 * @dentry: the object, its i_rwsem held for writing
 * @attr: what to change
 *
 * With a copy-up the change is part of it: both happen, or neither.
 */
int lfs_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	const unsigned int owners = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_TIMES_SET;
	struct inode *inode = d_inode(dentry);
	struct iattr real;
	int err;

	/* The upper's filesystem does not know: they are marks. */
	if (IS_IMMUTABLE(inode) || (IS_APPEND(inode) && (attr->ia_valid & owners)))
		return -EPERM;
	/* Capabilities are taken away with the rest, from the copy, and not here ahead of it. */
	real = *attr;
	real.ia_valid &= ~ATTR_KILL_PRIV;
	err = setattr_prepare(idmap, dentry, &real);
	if (err)
		return err;
	real.ia_valid |= attr->ia_valid & ATTR_KILL_PRIV;
	lfs_map_owner(idmap, inode, &real);
	/* The mounter could not name such an owner, whoever the caller is. */
	if (!lfs_new_owner_known(inode, &real))
		return -EOVERFLOW;
	/* The upper's filesystem works out the mode, from the same bits. */
	if (real.ia_valid & (ATTR_KILL_SUID | ATTR_KILL_SGID))
		real.ia_valid &= ~ATTR_MODE;
	if (lfs_is_inner_whiteout(inode))
		real.ia_mode = (real.ia_mode & ~S_IFMT) | S_IFREG;
	/*
	 * The file is the container's; the upper's owner check has passed.
	 * ATTR_OPEN would have the upper's filesystem skip what was not done.
	 */
	real.ia_valid &= ~(ATTR_FILE | ATTR_OPEN);

	err = lfs_copyup_change(dentry, &real);
	if (err > 0)
		err = lfs_setattr_upper(dentry, &real);
	if (real.ia_valid & ATTR_MODE)
		forget_all_cached_acls(inode);
	return err;
}

/* A write to a FIFO or device, which no real file hears of. */
static void lfs_touch_mtime(struct inode *inode, const struct path *upper, int flags)
{
	struct super_block *sb = upper->dentry->d_sb;

	/* As touch_atime() does: a frozen filesystem is no reason to wait. */
	if (!sb_start_write_trylock(sb))
		return;
	if (!mnt_get_write_access(upper->mnt)) {
		inode_update_time(d_inode(upper->dentry), flags);
		mnt_put_write_access(upper->mnt);
		lfs_copy_attrs(inode);
	}
	sb_end_write(sb);
}

/**
 * lfs_update_time - ->update_time: times that the upper keeps
 * @inode: of a container
 * @flags: S_*; of files and directories only S_ATIME is looked at, as the other
 *         times follow from real changes
 *
 * Reading a layer's file changes nothing: a copy-up would cost more than the
 * time is worth.  Nor does writing to a FIFO of a layer.
 */
int lfs_update_time(struct inode *inode, int flags)
{
	struct path path;

	if (!lfs_real_path(inode, &path))
		return 0;
	if (flags & S_ATIME) {
		touch_atime(&path);
		/* stat asks the real inode: this copy only says when to touch it again. */
		data_race(inode_set_atime_to_ts(inode, inode_get_atime(d_inode(path.dentry))));
	}
	flags &= S_MTIME | S_CTIME | S_VERSION;
	if (flags && special_file(inode->i_mode))
		lfs_touch_mtime(inode, &path, flags);
	return 0;
}

/**
 * lfs_fiemap - ->fiemap: the extents of the real file that has the data
 * @inode: of a container
 * @info: filled in
 * @start: in bytes
 * @len: in bytes
 */
int lfs_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len)
{
	const struct cred *old;
	struct inode *real;
	struct path path;
	int err;

	lfs_data_path(inode, &path);
	real = d_inode(path.dentry);
	if (!real->i_op->fiemap)
		return -EOPNOTSUPP;
	old = lfs_override_creds(inode->i_sb);
	err = real->i_op->fiemap(real, info, start, len);
	revert_creds(old);
	return err;
}

static const char *lfs_get_link(struct dentry *dentry, struct inode *inode,
				struct delayed_call *done)
{
	const struct cred *old;
	struct path path;
	const char *link;

	if (!dentry)
		return ERR_PTR(-ECHILD);
	lfs_real_path(inode, &path);
	old = lfs_override_creds(inode->i_sb);
	link = lfs_real_get_link(path.dentry, done);
	revert_creds(old);
	return link;
}

const struct inode_operations lfs_file_iops = {
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

const struct inode_operations lfs_symlink_iops = {
	.setattr	= lfs_setattr,
	.getattr	= lfs_getattr,
	.get_link	= lfs_get_link,
	.listxattr	= lfs_listxattr,
	.update_time	= lfs_update_time,
};

const struct inode_operations lfs_special_iops = {
	.setattr	= lfs_setattr,
	.getattr	= lfs_getattr,
	.listxattr	= lfs_listxattr,
	.get_inode_acl	= lfs_get_inode_acl,
	.get_acl	= lfs_get_acl,
	.set_acl	= lfs_set_acl,
	.update_time	= lfs_update_time,
};
