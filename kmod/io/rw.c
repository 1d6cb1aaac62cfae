// SPDX-License-Identifier: GPL-2.0-only
/* Reading and writing: handed to the real file in one hop. */
#include <linux/backing-file.h>
#include <linux/file.h>
#include <linux/kcsan-checks.h>
#include <linux/splice.h>

#include "container/container.h"
#include "container/settle.h"
#include "io/realfile.h"

/**
 * lfs_file_accessed - an open file was read: keep its access time
 * @file: file of a container
 */
void lfs_file_accessed(struct file *file)
{
	/* As file_accessed(), but fcntl() may be at the flags. */
	if (lfs_upper(file_inode(file)) && !(READ_ONCE(file->f_flags) & O_NOATIME))
		touch_atime(&file->f_path);
}

/*
 * As lfs_copy_attrs(), of what a write changes.  What it takes away from the mode is
 * seldom there, and then more may have changed.
 */
static void lfs_copy_written(struct inode *inode, const struct inode *real)
{
	if (unlikely(is_sxid(inode->i_mode))) {
		lfs_copy_attrs(inode);
		return;
	}
	spin_lock(&inode->i_lock);
	/* Races as there. */
	kcsan_disable_current();
	i_size_write(inode, i_size_read(real));
	inode_set_mtime_to_ts(inode, inode_get_mtime(real));
	inode_set_ctime_to_ts(inode, inode_get_ctime(real));
	inode->i_blocks = READ_ONCE(real->i_blocks);
	inode->i_bytes = READ_ONCE(real->i_bytes);
	kcsan_enable_current();
	spin_unlock(&inode->i_lock);
}

static void lfs_count_written(struct file *file, ssize_t n)
{
	if (n > 0)
		lfs_count(lfs_c(file_inode(file))->counters, LAYERFS_C_WRITE_BYTES, n);
}

static void lfs_end_write(struct file *file, loff_t pos, ssize_t ret)
{
	lfs_copy_attrs(file_inode(file));
	lfs_count_written(file, ret);
}

static void lfs_ctx_init(struct backing_file_ctx *ctx, struct file *file)
{
	*ctx = (struct backing_file_ctx) {
		.cred = lfs_c(file_inode(file))->cred,
		.user_file = file,
		.accessed = lfs_file_accessed,
		.end_write = lfs_end_write,
	};
}

static void lfs_write_ctx_init(struct backing_file_ctx *ctx, struct file *file)
{
	lfs_ctx_init(ctx, file);
	ctx->cred = lfs_c(file_inode(file))->io_cred;
}

static void lfs_count_read(struct file *file, const struct file *real, ssize_t n)
{
	struct inode *inode = file_inode(file), *image;

	if (n <= 0)
		return;
	lfs_count(lfs_c(inode)->counters, LAYERFS_C_READ_BYTES, n);
	if (real->f_path.mnt == lfs_c(inode)->upper_mnt)
		return;
	image = d_inode(lfs_i(inode)->image);
	lfs_count(lfs_image_of(image->i_sb)->counters, LAYERFS_C_READ_BYTES, n);
	lfs_count(lfs_image_data_layer(image)->counters, LAYERFS_C_READ_BYTES, n);
}

/*
 * A call that waits for its end and wants nothing special goes to the real file itself:
 * the VFS has checked for the container's file what it would check here once more.
 * Whether the real one can do O_DIRECT, lfs_real_file() has seen to.
 */
static bool lfs_iocb_is_plain(struct kiocb *iocb)
{
	const int plain = IOCB_APPEND | IOCB_DIRECT | IOCB_DSYNC | IOCB_SYNC | IOCB_WRITE;

	return is_sync_kiocb(iocb) && !(iocb->ki_flags & ~plain);
}

static struct kiocb lfs_real_iocb(const struct kiocb *iocb, struct file *real, int flags)
{
	return (struct kiocb) {
		.ki_filp = real,
		.ki_flags = real->f_iocb_flags | flags,
		.ki_ioprio = iocb->ki_ioprio,
		.ki_pos = iocb->ki_pos,
	};
}

static ssize_t lfs_read_plain(struct kiocb *iocb, struct iov_iter *iter, struct file *real)
{
	struct file *file = iocb->ki_filp;
	struct kiocb kiocb = lfs_real_iocb(iocb, real, 0);
	const struct cred *old;
	ssize_t ret;

	if (!iov_iter_count(iter))
		return 0;
	old = lfs_override_creds(file_inode(file)->i_sb);
	ret = real->f_op->read_iter(&kiocb, iter);
	revert_creds(old);
	iocb->ki_pos = kiocb.ki_pos;
	lfs_file_accessed(file);
	return ret;
}

/**
 * lfs_read_iter - ->read_iter
 * @iocb: of a container's file
 * @iter: where to
 */
ssize_t lfs_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	struct file *file = iocb->ki_filp, *real;
	size_t wanted = iov_iter_count(iter);
	struct backing_file_ctx ctx;
	ssize_t ret;

	if ((iocb->ki_flags & IOCB_NOWAIT) && !lfs_real_file_at_hand(file))
		return -EAGAIN;
	real = lfs_real_file(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	if (likely(lfs_iocb_is_plain(iocb) && real->f_op->read_iter)) {
		ret = lfs_read_plain(iocb, iter, real);
	} else {
		lfs_ctx_init(&ctx, file);
		ret = backing_file_read_iter(real, iter, iocb, iocb->ki_flags, &ctx);
	}
	/* How much it will be, nobody tells us. */
	lfs_count_read(file, real, ret == -EIOCBQUEUED ? wanted : ret);
	return ret;
}

/* With the inode locked: whether a write comes through without a wait of ours. */
static bool lfs_write_must_wait(struct inode *inode)
{
	struct super_block *upper_sb = lfs_c(inode)->upper_mnt->mnt_sb;

	/* It may have privileges to lose. */
	if (!IS_NOSEC(inode) || !sb_start_write_trylock(upper_sb))
		return true;
	sb_end_write(upper_sb);
	return false;
}

static int lfs_remove_privs(struct file *file)
{
	struct inode *inode = file_inode(file);
	int err;

	if (likely(IS_NOSEC(inode)))
		return 0;
	inode_lock(inode);
	err = file_remove_privs(file);
	inode_unlock(inode);
	return err;
}

/* No lock of ours: that of the real inode orders writes, and lfs_copy_attrs() itself. */
static ssize_t lfs_write_plain(struct kiocb *iocb, struct iov_iter *iter, struct file *real,
			       int flags)
{
	struct file *file = iocb->ki_filp;
	struct inode *inode = file_inode(file);
	struct kiocb kiocb = lfs_real_iocb(iocb, real,
					   flags & (IOCB_APPEND | IOCB_DSYNC | IOCB_SYNC));
	const struct cred *old;
	ssize_t ret;

	ret = lfs_remove_privs(file);
	if (ret)
		return ret;
	old = override_creds(lfs_c(inode)->io_cred);
	file_start_write(real);
	ret = real->f_op->write_iter(&kiocb, iter);
	file_end_write(real);
	revert_creds(old);
	iocb->ki_pos = kiocb.ki_pos;
	lfs_copy_written(inode, file_inode(real));
	lfs_count_written(file, ret);
	/* What was given to the file meanwhile was not given to what is written now. */
	if (ret > 0)
		lfs_remove_privs(file);
	return ret;
}

/* By the VFS's helper: asynchronous, or not to wait. */
static ssize_t lfs_write_other(struct kiocb *iocb, struct iov_iter *iter, struct file *real,
			       int flags)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	struct backing_file_ctx ctx;
	ssize_t ret;

	if (flags & IOCB_NOWAIT) {
		if (!inode_trylock(inode))
			return -EAGAIN;
		if (lfs_write_must_wait(inode)) {
			inode_unlock(inode);
			return -EAGAIN;
		}
	} else {
		inode_lock(inode);
	}
	lfs_write_ctx_init(&ctx, iocb->ki_filp);
	ret = backing_file_write_iter(real, iter, iocb, flags, &ctx);
	inode_unlock(inode);
	return ret;
}

/**
 * lfs_write_iter - ->write_iter
 * @iocb: of a container's file
 * @iter: where from
 */
ssize_t lfs_write_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	struct file *file = iocb->ki_filp, *real;
	struct inode *inode = file_inode(file);
	int flags = iocb->ki_flags;
	ssize_t ret;

	if (IS_IMMUTABLE(inode))
		return -EPERM;
	if (!iov_iter_count(iter))
		return 0;
	if ((flags & IOCB_NOWAIT) &&
	    (!lfs_upper_ready(inode) || !lfs_real_file_at_hand(file) ||
	     (iocb_is_dsync(iocb) && lfs_is_unsettled(inode))))
		return -EAGAIN;
	/* Outside the lock, so that who waits for the copy-up can be killed. */
	real = lfs_real_file_for_write(file, iocb_is_dsync(iocb));
	if (IS_ERR(real))
		return PTR_ERR(real);
	if (lfs_c(inode)->params->is_volatile)
		flags &= ~(IOCB_DSYNC | IOCB_SYNC);
	if (likely(lfs_iocb_is_plain(iocb) && real->f_op->write_iter))
		ret = lfs_write_plain(iocb, iter, real, flags);
	else
		ret = lfs_write_other(iocb, iter, real, flags);
	return ret;
}

/**
 * lfs_splice_read - ->splice_read
 * @in: a container's file
 * @ppos: position, moved
 * @pipe: where to
 * @len: in bytes
 * @flags: SPLICE_F_*
 */
ssize_t lfs_splice_read(struct file *in, loff_t *ppos, struct pipe_inode_info *pipe,
			size_t len, unsigned int flags)
{
	struct backing_file_ctx ctx;
	struct file *real;
	ssize_t ret;

	real = lfs_real_file(in);
	if (IS_ERR(real))
		return PTR_ERR(real);
	lfs_ctx_init(&ctx, in);
	ret = backing_file_splice_read(real, ppos, pipe, len, flags, &ctx);
	lfs_count_read(in, real, ret);
	return ret;
}

/**
 * lfs_splice_write - ->splice_write
 * @pipe: where from
 * @out: a container's file
 * @ppos: position, moved
 * @len: in bytes
 * @flags: SPLICE_F_*
 */
ssize_t lfs_splice_write(struct pipe_inode_info *pipe, struct file *out, loff_t *ppos,
			 size_t len, unsigned int flags)
{
	struct inode *inode = file_inode(out);
	const struct cred *old;
	struct file *real;
	ssize_t ret;

	real = lfs_real_file_for_write(out, lfs_is_dsync(out));
	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!real->f_op->splice_write)
		return -EINVAL;
	ret = lfs_remove_privs(out);
	if (ret)
		return ret;
	/* May wait for the pipe as long as its writer likes: without a lock. */
	old = override_creds(lfs_c(inode)->io_cred);
	file_start_write(real);
	ret = real->f_op->splice_write(pipe, real, ppos, len, flags);
	file_end_write(real);
	revert_creds(old);
	lfs_end_write(out, 0, ret);
	/* As after any write. */
	if (ret > 0)
		lfs_remove_privs(out);
	return ret;
}

/**
 * lfs_copy_file_range - ->copy_file_range
 * @in: a layerfs file
 * @pos_in: in bytes
 * @out: a layerfs file
 * @pos_out: in bytes
 * @len: in bytes
 * @flags: none
 */
ssize_t lfs_copy_file_range(struct file *in, loff_t pos_in, struct file *out,
			    loff_t pos_out, size_t len, unsigned int flags)
{
	struct inode *inode = file_inode(out);
	struct file *real_in, *real_out;
	const struct cred *old;
	ssize_t ret;

	real_out = lfs_real_file_for_write(out, lfs_is_dsync(out));
	if (IS_ERR(real_out))
		return PTR_ERR(real_out);
	/* After the copy-up: it may have been of the same object. */
	real_in = lfs_real_file(in);
	if (IS_ERR(real_in))
		return PTR_ERR(real_in);

	inode_lock(inode);
	ret = file_remove_privs(out);
	if (!ret) {
		old = override_creds(lfs_copy_cred(lfs_c(inode), file_inode(real_in)->i_sb));
		ret = vfs_copy_file_range(real_in, pos_in, real_out, pos_out, len, 0);
		/* One mount to the caller, even if there are two filesystems below. */
		if (ret == -EXDEV || ret == -EOPNOTSUPP)
			ret = vfs_copy_file_range(real_in, pos_in, real_out, pos_out, len,
						  COPY_FILE_SPLICE);
		revert_creds(old);
	}
	lfs_copy_attrs(inode);
	inode_unlock(inode);
	lfs_count_read(in, real_in, ret);
	lfs_count_written(out, ret);
	return ret;
}

/**
 * lfs_remap_file_range - ->remap_file_range: clone and dedupe
 * @in: a layerfs file
 * @pos_in: in bytes
 * @out: a layerfs file
 * @pos_out: in bytes
 * @len: in bytes, 0 for all
 * @flags: REMAP_FILE_*
 */
loff_t lfs_remap_file_range(struct file *in, loff_t pos_in, struct file *out,
			    loff_t pos_out, loff_t len, unsigned int flags)
{
	struct inode *inode = file_inode(out);
	struct file *real_in, *real_out;
	const struct cred *old;
	loff_t ret;

	if (flags & ~(REMAP_FILE_DEDUP | REMAP_FILE_ADVISORY))
		return -EINVAL;
	/* To save space is no reason to copy a file. */
	if ((flags & REMAP_FILE_DEDUP) && !lfs_data_in_upper(inode))
		return -EPERM;
	/* Nor is what will be refused. */
	real_in = lfs_real_file(in);
	if (IS_ERR(real_in))
		return PTR_ERR(real_in);
	if (!real_in->f_op->remap_file_range)
		return -EOPNOTSUPP;
	real_out = lfs_real_file_for_write(out, lfs_is_dsync(out));
	if (IS_ERR(real_out))
		return PTR_ERR(real_out);
	real_in = lfs_real_file(in);
	if (IS_ERR(real_in))
		return PTR_ERR(real_in);

	inode_lock(inode);
	if (!(flags & REMAP_FILE_DEDUP)) {
		ret = file_remove_privs(out);
		if (ret)
			goto unlock;
	}
	old = lfs_override_creds(inode->i_sb);
	if (flags & REMAP_FILE_DEDUP)
		ret = vfs_dedupe_file_range_one(real_in, pos_in, real_out, pos_out, len, flags);
	else
		ret = vfs_clone_file_range(real_in, pos_in, real_out, pos_out, len, flags);
	revert_creds(old);
	/* One mount to the caller, even if there are two filesystems below. */
	if (ret == -EXDEV)
		ret = -EOPNOTSUPP;
unlock:
	lfs_copy_attrs(inode);
	inode_unlock(inode);
	return ret;
}
