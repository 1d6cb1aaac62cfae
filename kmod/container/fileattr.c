// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flags of chattr(1) and the project: read from the real object, changed on
 * the upper.
 *
 * Two of them the upper's inode does not get: an immutable or append-only copy
 * could not be given its name, nor could a copy be put into such a directory.
 * They are a mark, as in overlayfs, which is part of the copy before it has a
 * name, and the VFS keeps to what the container's inode says.
 */
#include <linux/fs.h>
#include <linux/fileattr.h>
#include <linux/magic.h>
#include <linux/uaccess.h>
#include <linux/xattr.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "layer/marker.h"

#define LFS_PROT_FL	(FS_APPEND_FL | FS_IMMUTABLE_FL)
#define LFS_PROT_XFLAGS	(FS_XFLAG_APPEND | FS_XFLAG_IMMUTABLE)

/* What a copy is given, as far as its filesystem takes it. */
#define LFS_COPY_FL	(FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_NODUMP_FL | \
			 FS_NOATIME_FL | FS_NOTAIL_FL | FS_DIRSYNC_FL | FS_TOPDIR_FL)
/* What a new file has from its directory; a new directory has FS_DIRSYNC_FL, too. */
#define LFS_INHERIT_FL	(LFS_COPY_FL & ~(FS_TOPDIR_FL | FS_DIRSYNC_FL))

/* There is no one errno for "this filesystem has no such thing". */
static bool lfs_fileattr_unsupported(int err)
{
	return err == -ENOIOCTLCMD || err == -ENOTTY || err == -EOPNOTSUPP || err == -EINVAL;
}

/**
 * lfs_real_fileattr_get - flags and project of a real object
 * @real: the object
 * @fa: filled in; zeros if its filesystem has neither
 *
 * Context: the mounter's credentials are in force.
 */
int lfs_real_fileattr_get(struct dentry *real, struct fileattr *fa)
{
	int err;

	memset(fa, 0, sizeof(*fa));
	fa->flags_valid = true;
	err = vfs_fileattr_get(real, fa);
	if (!lfs_fileattr_unsupported(err))
		return err;
	fileattr_fill_flags(fa, 0);
	return 0;
}

static int lfs_temp_flags_set(struct mnt_idmap *idmap, struct dentry *temp, u32 old, u32 flags)
{
	struct fileattr fa;
	u32 bit;
	int err;

	if (old == flags)
		return 0;
	fileattr_fill_flags(&fa, flags);
	err = vfs_fileattr_set(idmap, temp, &fa);
	if (!lfs_fileattr_unsupported(err))
		return err;
	/* Some may be known here that others are not. */
	for (bit = 1; bit; bit <<= 1) {
		if (!((old ^ flags) & bit))
			continue;
		fileattr_fill_flags(&fa, old ^ bit);
		err = vfs_fileattr_set(idmap, temp, &fa);
		if (!err)
			old ^= bit;
		else if (!lfs_fileattr_unsupported(err))
			return err;
	}
	return 0;
}

static int lfs_temp_projid_set(struct mnt_idmap *idmap, struct dentry *temp,
			       const struct fileattr *old, u32 projid)
{
	struct fileattr fa;
	int err;

	fileattr_fill_xflags(&fa, old->fsx_xflags);
	fa.fsx_extsize = old->fsx_extsize;
	fa.fsx_cowextsize = old->fsx_cowextsize;
	fa.fsx_projid = projid;
	err = vfs_fileattr_set(idmap, temp, &fa);
	return lfs_fileattr_unsupported(err) ? 0 : err;
}

/**
 * lfs_temp_fileattr_set - give a temporary its flags and its project
 * @c: the container
 * @temp: regular file or directory of the upper's filesystem, not visible yet
 * @flags: FS_*_FL; those that a copy can be given are set or cleared
 * @projid: the project, unless the work directory has passed on one: this is how
 *          a container is held to a limit
 *
 * What the filesystem does not know is dropped: no reason to refuse a change.
 *
 * Context: the mounter's credentials are in force, the upper is held for writing.
 */
int lfs_temp_fileattr_set(const struct lfs_container *c, struct dentry *temp, u32 flags,
			  u32 projid)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	struct fileattr old;
	int err;

	err = lfs_real_fileattr_get(temp, &old);
	if (!err && projid && !old.fsx_projid)
		err = lfs_temp_projid_set(idmap, temp, &old, projid);
	if (err)
		return err;
	return lfs_temp_flags_set(idmap, temp, old.flags,
				  (old.flags & ~LFS_COPY_FL) | (flags & LFS_COPY_FL));
}

/**
 * lfs_fileattr_inherit - give a temporary the flags it would have from its directory
 * @c: the container
 * @upper_dir: where it will get its name
 * @temp: in the work directory
 *
 * Context: as lfs_temp_fileattr_set().
 */
int lfs_fileattr_inherit(const struct lfs_container *c, struct dentry *upper_dir,
			 struct dentry *temp)
{
	struct fileattr dir;
	u32 flags;
	int err;

	if (!d_is_reg(temp) && !d_is_dir(temp))
		return 0;
	err = lfs_real_fileattr_get(upper_dir, &dir);
	if (err)
		return err;
	flags = dir.flags & LFS_INHERIT_FL;
	/* Which hands on only how data is stored. */
	if (upper_dir->d_sb->s_magic == BTRFS_SUPER_MAGIC)
		flags &= FS_COMPR_FL;
	else if (d_is_dir(temp))
		flags |= dir.flags & FS_DIRSYNC_FL;
	return lfs_temp_fileattr_set(c, temp, flags, 0);
}

/**
 * lfs_prot_write - mark an object of the upper append-only or immutable
 * @c: the container
 * @upper: regular file or directory of the upper's filesystem
 * @prot: LFS_PROT_*, or'ed
 * @old: what it is marked as now
 *
 * Context: as lfs_temp_fileattr_set().
 */
int lfs_prot_write(const struct lfs_container *c, struct dentry *upper, int prot, int old)
{
	const char *name = lfs_container_image(c)->marks->protattr;
	char val[2];
	int len = 0, err;

	if (prot == old)
		return 0;
	if (prot & LFS_PROT_APPEND)
		val[len++] = 'a';
	if (prot & LFS_PROT_IMMUTABLE)
		val[len++] = 'i';
	if (len)
		return vfs_setxattr(lfs_upper_idmap(c), upper, name, val, len, 0);
	err = vfs_removexattr(lfs_upper_idmap(c), upper, name);
	return err == -ENODATA ? 0 : err;
}

/**
 * lfs_prot_set - note on an inode what its upper is marked as
 * @inode: of a container; lfs_copy_attrs() shows it to the VFS
 * @prot: LFS_PROT_*, or'ed
 */
void lfs_prot_set(struct inode *inode, int prot)
{
	struct lfs_inode *li = lfs_i(inode);

	assign_bit(LFS_I_APPEND, &li->flags, prot & LFS_PROT_APPEND);
	assign_bit(LFS_I_IMMUTABLE, &li->flags, prot & LFS_PROT_IMMUTABLE);
}

static int lfs_prot_get(const struct inode *inode)
{
	const struct lfs_inode *li = lfs_i(inode);

	return (test_bit(LFS_I_APPEND, &li->flags) ? LFS_PROT_APPEND : 0) |
	       (test_bit(LFS_I_IMMUTABLE, &li->flags) ? LFS_PROT_IMMUTABLE : 0);
}

/**
 * lfs_fileattr_get - ->fileattr_get of files and directories
 * @dentry: the object
 * @fa: filled in
 */
int lfs_fileattr_get(struct dentry *dentry, struct fileattr *fa)
{
	struct inode *inode = d_inode(dentry);
	struct lfs_container *c = lfs_c(inode);
	const struct cred *old;
	struct path path;
	bool upper;
	int err;

	upper = lfs_real_path(inode, &path);
	old = lfs_override_creds(inode->i_sb);
	err = vfs_fileattr_get(path.dentry, fa);
	revert_creds(old);
	/* What its copy will be able to have, the file of the layer has none of. */
	if (!upper && lfs_fileattr_unsupported(err) && lfs_container_has_upper(c) &&
	    d_inode(c->upper_mnt->mnt_root)->i_op->fileattr_get) {
		fileattr_fill_flags(fa, 0);
		err = 0;
	}
	if (inode->i_flags & S_APPEND) {
		fa->flags |= FS_APPEND_FL;
		fa->fsx_xflags |= FS_XFLAG_APPEND;
	}
	if (inode->i_flags & S_IMMUTABLE) {
		fa->flags |= FS_IMMUTABLE_FL;
		fa->fsx_xflags |= FS_XFLAG_IMMUTABLE;
	}
	return err;
}

/*
 * What to ask of the upper for a change from @seen to @fa.  It may have other
 * flags than were seen: those of the layer's filesystem need not be its own.
 */
static void lfs_fileattr_change(const struct fileattr *seen, const struct fileattr *fa,
				const struct fileattr *upper, struct fileattr *new)
{
	u32 set, clear;

	if (fa->flags_valid) {
		set = fa->flags & ~seen->flags & ~LFS_PROT_FL;
		clear = (seen->flags & ~fa->flags) | LFS_PROT_FL;
		fileattr_fill_flags(new, (upper->flags & ~clear) | set);
		return;
	}
	set = fa->fsx_xflags & ~seen->fsx_xflags & ~LFS_PROT_XFLAGS;
	clear = (seen->fsx_xflags & ~fa->fsx_xflags) | LFS_PROT_XFLAGS;
	fileattr_fill_xflags(new, (upper->fsx_xflags & ~clear) | set);
	new->fsx_projid = fa->fsx_projid == seen->fsx_projid ? upper->fsx_projid :
			  fa->fsx_projid;
	new->fsx_extsize = fa->fsx_extsize == seen->fsx_extsize ? upper->fsx_extsize :
			   fa->fsx_extsize;
	new->fsx_cowextsize = fa->fsx_cowextsize == seen->fsx_cowextsize ?
			      upper->fsx_cowextsize : fa->fsx_cowextsize;
}

/* In the upper: both parts of the change, or an error and neither. */
static int lfs_fileattr_set_upper(struct inode *inode, const struct fileattr *seen,
				  const struct fileattr *fa)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(lfs_c(inode));
	int prot = 0, old_prot = lfs_prot_get(inode);
	struct dentry *upper = lfs_upper(inode);
	struct fileattr old, new;
	int err;

	if (fa->flags & FS_APPEND_FL)
		prot |= LFS_PROT_APPEND;
	if (fa->flags & FS_IMMUTABLE_FL)
		prot |= LFS_PROT_IMMUTABLE;
	old = (struct fileattr) { .flags_valid = fa->flags_valid, .fsx_valid = fa->fsx_valid };
	err = vfs_fileattr_get(upper, &old);
	if (err)
		return err;
	lfs_fileattr_change(seen, fa, &old, &new);
	/* First this: it may be refused, and an upper made by others have them itself. */
	err = vfs_fileattr_set(idmap, upper, &new);
	if (err)
		return err;
	err = lfs_prot_write(lfs_c(inode), upper, prot, old_prot);
	if (err)
		vfs_fileattr_set(idmap, upper, &old);
	else
		lfs_prot_set(inode, prot);
	return err;
}

static int lfs_fileattr_allowed(const struct fileattr *seen, const struct fileattr *fa)
{
	const u32 changed = fa->flags ^ seen->flags;
	const bool moves = fa->fsx_projid != seen->fsx_projid;

	/* As ext4 has it; the upper does not know, as this is a mark. */
	if ((seen->flags & fa->flags & FS_IMMUTABLE_FL) && (changed || moves))
		return -EPERM;
	/*
	 * Names that are one in the upper and two in the image would not merge.
	 * And a filesystem moves nothing into a directory that passes on another
	 * project than the work directory does.
	 */
	if (changed & (FS_CASEFOLD_FL | FS_PROJINHERIT_FL))
		return -EOPNOTSUPP;
	return moves && (seen->flags & FS_PROJINHERIT_FL) ? -EOPNOTSUPP : 0;
}

/**
 * lfs_fileattr_set - ->fileattr_set of files and directories
 * @idmap: of the container's mount
 * @dentry: the object, its i_rwsem held for writing
 * @fa: what to change, checked by the VFS against what lfs_fileattr_get() says
 */
int lfs_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry, struct fileattr *fa)
{
	struct inode *inode = d_inode(dentry);
	struct fileattr seen = { .flags_valid = fa->flags_valid, .fsx_valid = fa->fsx_valid };
	const struct cred *old;
	int err;

	err = lfs_fileattr_get(dentry, &seen);
	if (err)
		return err;
	err = lfs_fileattr_allowed(&seen, fa);
	if (err)
		return err;
	err = lfs_copyup(dentry, LFS_COPYUP_ALL);
	if (err)
		return err;
	err = lfs_write_begin(inode->i_sb, &old);
	if (err)
		return err;
	err = lfs_fileattr_set_upper(inode, &seen, fa);
	lfs_copy_attrs(inode);
	lfs_write_end(inode->i_sb, old);
	return err;
}

/**
 * lfs_get_version - FS_IOC_GETVERSION: the generation of the real inode
 * @inode: file or directory of a container
 * @arg: where to, in user space
 *
 * Return: 0, -ENOTTY or -EFAULT.
 */
long lfs_get_version(const struct inode *inode, unsigned long arg)
{
	const struct inode *real = lfs_real_inode(inode);

	/* A filesystem without any ioctl tells nobody: tmpfs. */
	if (!real->i_fop->unlocked_ioctl)
		return -ENOTTY;
	return put_user(real->i_generation, (int __user *)arg);
}

/**
 * lfs_dir_ioctl - ->unlocked_ioctl of directories
 * @file: a container's directory
 * @cmd: FS_IOC_*
 * @arg: its argument
 */
long lfs_dir_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != FS_IOC_GETVERSION && cmd != FS_IOC32_GETVERSION)
		return -ENOTTY;
	return lfs_get_version(file_inode(file), arg);
}
