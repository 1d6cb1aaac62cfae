// SPDX-License-Identifier: GPL-2.0-only
/* Which real file serves an open file of a container right now. */
#include <linux/backing-file.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fsverity.h>
#include <linux/mount.h>
#include <linux/slab.h>

#include "container/container.h"
#include "container/settle.h"
#include "copyup/copyup.h"
#include "io/realfile.h"

/*
 * Flags that fcntl(F_SETFL) may change while the file is open.  Real files do not
 * have O_APPEND: each write brings it along, or RWF_NOAPPEND.
 */
#define LFS_SETFL_FLAGS (O_NONBLOCK | O_NDELAY | O_DIRECT)

/* The caller's right was checked on the merged object; this is the mounter's. */
static struct file *lfs_open_real(struct file *file, const struct path *path, int flags)
{
	const struct cred *cred = lfs_c(file_inode(file))->cred, *old;
	struct inode *inode = d_inode(path->dentry);
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	struct file *real;
	int mask = MAY_OPEN | MAY_READ;
	int err;

	if ((flags & O_ACCMODE) == O_WRONLY)
		mask = MAY_OPEN | MAY_WRITE;
	else if ((flags & O_ACCMODE) == O_RDWR)
		mask |= MAY_WRITE;
	if ((mask & MAY_WRITE) && (file->f_flags & O_APPEND))
		mask |= MAY_APPEND;

	old = override_creds(cred);
	err = inode_permission(idmap, inode, mask);
	if (err) {
		real = ERR_PTR(err);
	} else {
		if ((flags & O_NOATIME) && !inode_owner_or_capable(idmap, inode))
			flags &= ~O_NOATIME;
		real = backing_file_open(file, flags, path, cred);
	}
	revert_creds(old);
	return real;
}

/**
 * lfs_upper_flags - what to open a file of the upper with
 * @file: file of a container
 */
int lfs_upper_flags(const struct file *file)
{
	int drop = O_APPEND | O_CREAT | O_EXCL | O_TRUNC;

	if (lfs_container_of(file->f_path.dentry->d_sb)->params->is_volatile)
		drop |= O_DSYNC | __O_SYNC;
	return (file->f_flags & ~drop) | O_NOATIME | LFS_OPEN_FLAGS;
}

static struct file *lfs_open_upper(struct file *file)
{
	struct file *real;
	struct path path;

	lfs_upper_path(file_inode(file), &path);
	real = lfs_open_real(file, &path, lfs_upper_flags(file));
	/* To open it may have grown too large since; to write is asked each time. */
	if (!IS_ERR(real) && !(file->f_flags & O_LARGEFILE))
		real->f_flags &= ~O_LARGEFILE;
	return real;
}

/* Nothing is written to a layer, whatever the file was opened for. */
static struct file *lfs_open_layer(struct file *file)
{
	const int drop = O_ACCMODE | O_APPEND | O_CREAT | O_EXCL | O_TRUNC | O_DSYNC | __O_SYNC |
			 O_NOATIME;
	struct inode *image = d_inode(lfs_image(file_inode(file)));
	struct path path;

	lfs_image_data_path(image, &path);
	return lfs_open_real(file, &path, (file->f_flags & ~drop) | O_RDONLY | LFS_OPEN_FLAGS);
}

/**
 * lfs_file_attach - tie an open file to a real one
 * @file: file of a container
 * @real: taken over
 */
void lfs_file_attach(struct file *file, struct file *real)
{
	file->private_data = real;
	/* Each read and write asks the real file, which may change. */
	file->f_mode |= FMODE_CAN_ODIRECT | (real->f_mode & FMODE_NOWAIT);
}

/* The real file that was opened first; and what else there is, or NULL. */
static struct file *lfs_file_opened(struct file *file, struct lfs_file **more)
{
	/* Pairs with cmpxchg() in lfs_file_more(). */
	unsigned long is = (unsigned long)smp_load_acquire(&file->private_data);

	*more = NULL;
	if (likely(!(is & LFS_FILE_MORE)))
		return (struct file *)is;
	*more = (struct lfs_file *)(is & ~LFS_FILE_MORE);
	return (*more)->opened;
}

/**
 * lfs_file_known - what an open file has got beside its real one so far
 * @file: open regular file of a container
 *
 * Return: good as long as @file is open; NULL if there is nothing.
 */
struct lfs_file *lfs_file_known(struct file *file)
{
	struct lfs_file *more;

	lfs_file_opened(file, &more);
	return more;
}

/**
 * lfs_file_more - what an open file needs beside its real one, made if need be
 * @file: open regular file of a container
 *
 * Return: good as long as @file is open; NULL if there is no memory.
 */
struct lfs_file *lfs_file_more(struct file *file)
{
	struct lfs_file *lf, *more;
	struct file *opened = lfs_file_opened(file, &more);

	if (more)
		return more;
	lf = kzalloc(sizeof(*lf), GFP_KERNEL_ACCOUNT);
	if (!lf)
		return NULL;
	lf->opened = opened;
	if (cmpxchg(&file->private_data, (void *)opened,
		    (void *)((unsigned long)lf | LFS_FILE_MORE)) == opened)
		return lf;
	kfree(lf);
	lfs_file_opened(file, &more);
	return more;
}

/**
 * lfs_file_detach - end what lfs_file_attach() began
 * @file: file of a container, in its last moments
 */
void lfs_file_detach(struct file *file)
{
	struct lfs_file *more;
	struct file *opened = lfs_file_opened(file, &more);

	/* The container's file itself ends without locks, and nobody waits for it. */
	__fput_sync(opened);
	if (more) {
		if (more->upper)
			__fput_sync(more->upper);
		kfree(more);
	}
	file->private_data = NULL;
}

static bool lfs_is_upper_file(const struct file *file, const struct file *real)
{
	return real->f_path.mnt == lfs_c(file_inode(file))->upper_mnt;
}

static int lfs_open(struct inode *inode, struct file *file)
{
	struct lfs_container *c = lfs_c(inode);
	bool is_upper = lfs_data_in_upper(inode);
	struct inode *image;
	struct file *real;
	int err;

	err = generic_file_open(inode, file);
	if (err)
		return err;
	/* Better told now than by the first write. */
	if (!is_upper && (file->f_mode & FMODE_WRITE) && !lfs_copyup_owner_known(inode))
		return -EOVERFLOW;
	real = is_upper ? lfs_open_upper(file) : lfs_open_layer(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	/* As on any filesystem: the first to tell is open. */
	if ((file->f_flags & O_DIRECT) && !(real->f_mode & FMODE_CAN_ODIRECT)) {
		fput(real);
		return -EINVAL;
	}
	lfs_file_attach(file, real);
	lfs_count(c->counters, LAYERFS_C_OPENS, 1);
	if (!is_upper) {
		image = d_inode(lfs_image(inode));
		lfs_count(lfs_image_of(image->i_sb)->counters, LAYERFS_C_OPENS, 1);
		lfs_count(lfs_image_data_layer(image)->counters, LAYERFS_C_OPENS, 1);
	}
	return 0;
}

static int lfs_release(struct inode *inode, struct file *file)
{
	lfs_file_detach(file);
	return 0;
}

/* What fcntl() has changed since on the container's file holds for the real one. */
static int lfs_sync_flags(struct file *file, struct file *real)
{
	unsigned int flags = READ_ONCE(file->f_flags) & LFS_SETFL_FLAGS;
	int err;

	if (likely((READ_ONCE(real->f_flags) & LFS_SETFL_FLAGS) == flags))
		return 0;
	if ((flags & O_DIRECT) && !(real->f_mode & FMODE_CAN_ODIRECT))
		return -EINVAL;
	if (real->f_op->check_flags) {
		err = real->f_op->check_flags(flags);
		if (err)
			return err;
	}
	spin_lock(&real->f_lock);
	WRITE_ONCE(real->f_flags, (real->f_flags & ~LFS_SETFL_FLAGS) | flags);
	real->f_iocb_flags = iocb_flags(real);
	spin_unlock(&real->f_lock);
	return 0;
}

/**
 * lfs_real_file_at_hand - whether lfs_real_file() opens nothing
 * @file: open regular file of a container
 */
bool lfs_real_file_at_hand(struct file *file)
{
	struct lfs_file *more;
	struct file *opened = lfs_file_opened(file, &more);

	return lfs_is_upper_file(file, opened) || (more && READ_ONCE(more->upper)) ||
	       !lfs_data_in_upper(file_inode(file));
}

/* Of a file that was opened before its copy-up: the upper's. */
static struct file *lfs_file_upper(struct file *file)
{
	struct lfs_file *more = lfs_file_more(file);
	struct file *real, *other;

	if (!more)
		return ERR_PTR(-ENOMEM);
	/* Pairs with cmpxchg() below. */
	real = smp_load_acquire(&more->upper);
	if (real)
		return real;
	real = lfs_open_upper(file);
	if (IS_ERR(real))
		return real;
	/* The copy is younger than @file: all its errors are news. */
	real->f_wb_err = 0;
	other = cmpxchg(&more->upper, NULL, real);
	if (!other)
		return real;
	fput(real);
	return other;
}

/**
 * lfs_real_file - the real file to read from now
 * @file: open regular file of a container
 *
 * Return: the file, good as long as @file is open; or an error.
 */
struct file *lfs_real_file(struct file *file)
{
	struct lfs_file *more;
	struct file *real = lfs_file_opened(file, &more);
	int err;

	if (!lfs_is_upper_file(file, real) && lfs_data_in_upper(file_inode(file))) {
		real = lfs_file_upper(file);
		if (IS_ERR(real))
			return real;
	}
	err = lfs_sync_flags(file, real);
	return err ? ERR_PTR(err) : real;
}

/* A full sync of a file, and of all that has to come to the disk before it. */
static int lfs_settle_now(struct file *file, struct file *real)
{
	struct inode *inode = file_inode(file);
	const struct cred *old;
	int err;

	old = lfs_override_creds(inode->i_sb);
	lfs_log_begin(lfs_c(inode));
	err = lfs_settle_dirs(lfs_c(inode)) ?: vfs_fsync(real, 0);
	lfs_log_end(lfs_c(inode));
	revert_creds(old);
	if (!err)
		clear_bit(LFS_I_UNSETTLED, &lfs_i(inode)->flags);
	return err;
}

/**
 * lfs_settle - bring the name of a copy to the disk
 * @file: open regular file of a container, in the upper
 * @real: its real file
 *
 * A sync of data alone, as O_DSYNC does, leaves out names that a file has got
 * (ext4 does).  But to the caller the file had its name before it was copied up.
 * So the first of them must be a full one, or come after one.
 */
int lfs_settle(struct file *file, struct file *real)
{
	return lfs_is_unsettled(file_inode(file)) ? lfs_settle_now(file, real) : 0;
}

/**
 * lfs_real_file_for_write - the upper's file, after a copy-up if need be
 * @file: open regular file of a container
 * @dsync: what is written is synced at once
 *
 * Context: as lfs_copyup().
 * Return: the file, good as long as @file is open; -EPERM if it has become
 * immutable since; or another error.
 */
struct file *lfs_real_file_for_write(struct file *file, bool dsync)
{
	struct file *real;
	int err;

	if (IS_IMMUTABLE(file_inode(file)))
		return ERR_PTR(-EPERM);
	/* Asked here, too, for the many writes that find it there. */
	if (!lfs_upper_ready(file_inode(file))) {
		err = lfs_copyup(file->f_path.dentry, LFS_COPYUP_ALL);
		if (err)
			return ERR_PTR(err);
	}
	real = lfs_real_file(file);
	if (!dsync || IS_ERR(real))
		return real;
	lfs_note_logs_aside(lfs_c(file_inode(file)));
	err = lfs_settle(file, real);
	return err ? ERR_PTR(err) : real;
}

static loff_t lfs_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	const struct cred *old;
	struct file *real;
	loff_t ret;

	real = lfs_real_file(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek_size(file, offset, whence,
						file_inode(real)->i_sb->s_maxbytes,
						i_size_read(file_inode(real)));
	/* The real file's own position and what hangs on it are shared. */
	inode_lock(inode);
	old = lfs_override_creds(inode->i_sb);
	ret = vfs_llseek(real, offset, whence);
	revert_creds(old);
	inode_unlock(inode);
	return ret < 0 ? ret : vfs_setpos(file, ret, file_inode(real)->i_sb->s_maxbytes);
}

static int lfs_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct inode *inode = file_inode(file);
	const struct cred *old;
	struct file *real;
	int err;

	if (!lfs_upper(inode))
		return 0;
	if (lfs_c(inode)->params->is_volatile)
		return lfs_volatile_status(lfs_c(inode));
	/* What is in the upper of a file without data was there before the mount. */
	if (!lfs_data_in_upper(inode))
		return lfs_settle_dirs(lfs_c(inode));
	real = lfs_real_file(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	/* Not lfs_settle(): another's sync may settle it now, which has not seen all data. */
	if (lfs_is_unsettled(inode))
		return lfs_settle_now(file, real);
	old = lfs_override_creds(inode->i_sb);
	lfs_log_begin(lfs_c(inode));
	/* A rename may have come between. */
	err = lfs_settle_dirs(lfs_c(inode)) ?: vfs_fsync_range(real, start, end, datasync);
	lfs_log_end(lfs_c(inode));
	revert_creds(old);
	return err;
}

static long lfs_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file_inode(file);
	const struct cred *old;
	struct file *real;
	int err;

	real = lfs_real_file_for_write(file, lfs_is_dsync(file));
	if (IS_ERR(real))
		return PTR_ERR(real);
	inode_lock(inode);
	lfs_copy_attrs(inode);
	err = file_remove_privs(file);
	if (!err) {
		old = override_creds(lfs_c(inode)->io_cred);
		err = vfs_fallocate(real, mode, offset, len);
		revert_creds(old);
	}
	lfs_copy_attrs(inode);
	inode_unlock(inode);
	return err;
}

static int lfs_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	const struct cred *old;
	struct file *real;
	int err;

	real = lfs_real_file(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	old = lfs_override_creds(file_inode(file)->i_sb);
	err = vfs_fadvise(real, offset, len, advice);
	revert_creds(old);
	return err;
}

/* What only tells something about the file, or about its data. */
static long lfs_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct cred *old;
	struct file *real;
	long ret;

	switch (cmd) {
	case FS_IOC_GETVERSION:
	case FS_IOC32_GETVERSION:
		return lfs_get_version(file_inode(file), arg);
	case FS_IOC_MEASURE_VERITY:
	case FS_IOC_READ_VERITY_METADATA:
		break;
	default:
		return -ENOTTY;
	}
	real = lfs_real_file(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	old = lfs_override_creds(file_inode(file)->i_sb);
	ret = vfs_ioctl(real, cmd, arg);
	revert_creds(old);
	return ret;
}

static int lfs_flush(struct file *file, fl_owner_t id)
{
	struct lfs_file *more;
	struct file *real = lfs_file_opened(file, &more);
	const struct cred *old;
	int err = 0;

	if (more)
		real = READ_ONCE(more->upper) ?: real;
	if (real->f_op->flush) {
		old = lfs_override_creds(file_inode(file)->i_sb);
		err = real->f_op->flush(real, id);
		revert_creds(old);
	}
	return err;
}

const struct file_operations lfs_file_fops = {
	.open			= lfs_open,
	.release		= lfs_release,
	.llseek			= lfs_llseek,
	.read_iter		= lfs_read_iter,
	.write_iter		= lfs_write_iter,
	.splice_read		= lfs_splice_read,
	.splice_write		= lfs_splice_write,
	.mmap			= lfs_mmap,
	.get_unmapped_area	= lfs_get_unmapped_area,
	.fsync			= lfs_fsync,
	.fallocate		= lfs_fallocate,
	.fadvise		= lfs_fadvise,
	.flush			= lfs_flush,
	.unlocked_ioctl		= lfs_ioctl,
	.compat_ioctl		= compat_ptr_ioctl,
	.copy_file_range	= lfs_copy_file_range,
	.remap_file_range	= lfs_remap_file_range,
};
