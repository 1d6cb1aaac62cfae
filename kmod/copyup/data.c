// SPDX-License-Identifier: GPL-2.0-only
/* File data from a layer to the upper: cloned, else copied; holes stay holes. */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/splice.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "layer/lower.h"
#include "limits.h"

static void lfs_count_copied(struct lfs_copyup *cu, u64 bytes)
{
	struct inode *image_inode = d_inode(lfs_image(d_inode(cu->dentry)));

	lfs_count(lfs_image_data_layer(image_inode)->counters, LAYERFS_C_COPYUP_BYTES, bytes);
	lfs_count(lfs_container_image(cu->c)->counters, LAYERFS_C_COPYUP_BYTES, bytes);
	lfs_count(cu->c->counters, LAYERFS_C_COPYUP_BYTES, bytes);
}

/*
 * Splicing uses the task's one pipe for it.  In sendfile(2) to this very file
 * the pipe holds the caller's data, which would end up in the copy.  And it ends
 * with any signal: who has a timer faster than the copy would never get it.
 */
static bool lfs_can_splice(void)
{
	const struct pipe_inode_info *pipe = current->splice_pipe;

	return (!pipe || pipe_empty(pipe->head, pipe->tail)) && !signal_pending(current);
}

static ssize_t lfs_copy_buffered(struct file *from, struct file *to, loff_t pos, size_t len)
{
	loff_t from_pos = pos, to_pos = pos;
	ssize_t n, written;
	void *buf;

	len = min_t(size_t, len, SZ_64K);
	buf = kvmalloc(len, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	n = kernel_read(from, buf, len, &from_pos);
	if (n > 0) {
		written = kernel_write(to, buf, n, &to_pos);
		n = written;
	}
	kvfree(buf);
	return n;
}

static int lfs_copy_range(struct lfs_copyup *cu, struct file *from, loff_t pos, loff_t end)
{
	unsigned int flags = 0;
	bool splice;
	size_t len;
	ssize_t n;

	while (pos < end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		len = min_t(loff_t, end - pos, LFS_COPY_STEP);
		splice = lfs_can_splice();
		if (splice)
			n = vfs_copy_file_range(from, pos, cu->file, pos, len, flags);
		else
			n = lfs_copy_buffered(from, cu->file, pos, len);
		if (n < 0 && !flags && (n == -EXDEV || n == -EOPNOTSUPP || n == -EINVAL)) {
			flags = COPY_FILE_SPLICE;
			continue;
		}
		/* A signal came meanwhile. */
		if (n == -ERESTARTSYS && splice)
			continue;
		/* Not the caller's system call is to be made again, but this. */
		if (n == -ERESTARTSYS)
			return -EINTR;
		if (n < 0)
			return n;
		/* The layer's file ends before its size: it is being changed. */
		if (!n)
			return -EIO;
		lfs_count_copied(cu, n);
		pos += n;
		cond_resched();
	}
	return 0;
}

static int lfs_copy_extents(struct lfs_copyup *cu, struct file *from)
{
	bool holes = from->f_mode & FMODE_LSEEK;
	loff_t pos = 0, end;
	int err;

	while (pos < cu->size) {
		end = cu->size;
		if (holes) {
			loff_t data = vfs_llseek(from, pos, SEEK_DATA);

			if (data == -ENXIO)
				break;
			/* An error, or an answer that leads back. */
			if (data < pos) {
				holes = false;
			} else {
				pos = data;
				end = vfs_llseek(from, pos, SEEK_HOLE);
				if (end <= pos)
					end = cu->size;
				end = min(end, cu->size);
			}
		}
		if (pos >= cu->size)
			break;
		err = lfs_copy_range(cu, from, pos, end);
		if (err)
			return err;
		pos = end;
	}
	return 0;
}

static int lfs_copy_size(struct lfs_copyup *cu)
{
	struct inode *inode = d_inode(cu->temp);
	struct iattr attr = {
		.ia_valid = ATTR_SIZE | ATTR_FORCE,
		.ia_size = cu->size,
	};
	int err;

	if (i_size_read(inode) == cu->size)
		return 0;
	sb_start_write(inode->i_sb);
	inode_lock(inode);
	err = notify_change(lfs_upper_idmap(cu->c), cu->temp, &attr, NULL);
	inode_unlock(inode);
	sb_end_write(inode->i_sb);
	return err;
}

static bool lfs_clone(struct lfs_copyup *cu, struct file *from)
{
	loff_t n;

	if (file_inode(from)->i_sb != file_inode(cu->file)->i_sb)
		return false;
	n = vfs_clone_file_range(from, 0, cu->file, 0, cu->size, 0);
	return n == cu->size;
}

/* The change cookie would tell more, and too much: on xfs writeback changes it. */
#define LFS_STATX_CHANGE (STATX_SIZE | STATX_MTIME | STATX_CTIME)

static bool lfs_is_changed(const struct kstat *a, const struct kstat *b)
{
	return a->size != b->size || !timespec64_equal(&a->mtime, &b->mtime) ||
	       !timespec64_equal(&a->ctime, &b->ctime);
}

/* What was copied while somebody wrote to it is not to be had as a file. */
static int lfs_check_unchanged(struct lfs_copyup *cu, const struct path *from,
			       const struct kstat *before)
{
	struct kstat now;
	int err;

	err = lfs_real_getattr(from, &now, LFS_STATX_CHANGE, AT_STATX_SYNC_AS_STAT, cu->c->cred);
	if (err || !lfs_is_changed(before, &now))
		return err;
	lfs_layer_changed(lfs_image_data_layer(d_inode(lfs_image(d_inode(cu->dentry)))),
			  from->dentry);
	return -ESTALE;
}

/**
 * lfs_copyup_data - write the first @cu->size bytes of the object to its copy
 * @cu: the copy is made and empty
 *
 * Context: no lock of the upper is held.
 * Return: 0; -EINTR on a fatal signal; -EIO if the layer's file has shrunk; -ESTALE
 * if it was changed meanwhile; an error of the filesystems.
 */
int lfs_copyup_data(struct lfs_copyup *cu)
{
	const struct cred *old;
	struct kstat before;
	struct file *from;
	struct path path;
	int err = 0;

	if (!cu->size)
		return 0;
	lfs_image_data_path(d_inode(lfs_image(d_inode(cu->dentry))), &path);
	if (path_equal(&path, &cu->from)) {
		before = cu->stat;
	} else {
		err = lfs_real_getattr(&path, &before, LFS_STATX_CHANGE, AT_STATX_SYNC_AS_STAT,
				       cu->c->cred);
		if (err)
			return err;
	}
	from = lfs_real_open(&path, O_RDONLY | O_LARGEFILE, cu->c->cred);
	if (IS_ERR(from))
		return PTR_ERR(from);
	old = override_creds(lfs_copy_cred(cu->c, file_inode(from)->i_sb));
	if (!lfs_clone(cu, from)) {
		err = lfs_copy_extents(cu, from);
		if (!err)
			err = lfs_copy_size(cu);
	}
	if (!err)
		err = lfs_check_unchanged(cu, &path, &before);
	revert_creds(old);
	fput(from);
	return err;
}
