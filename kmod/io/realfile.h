/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_REALFILE_H
#define _LAYERFS_REALFILE_H

#include <linux/fs.h>

#include "layerfs.h"

/*
 * Real files are opened quietly: events and access times belong to the container's file.
 * In the upper O_NOATIME sees to the latter, of layers the mount does; a FUSE server that
 * is handed the flag may not have the right to use it.
 */
#define LFS_OPEN_FLAGS	((__force int)FMODE_NONOTIFY | O_LARGEFILE)

/**
 * struct lfs_file - what only some open regular files need beside their real file
 * @opened: what the file was opened with
 * @upper: the upper's file, if @opened is a layer's and a copy-up came since
 * @mmap_err: what the copy-up for a mapping failed with, for the retry
 * @mmap_settled: it did not, and what was there when it began is on the disk
 *
 * ->private_data of most is the real file they were opened with.  Once there is one of
 * these it stays, marked by LFS_FILE_MORE.
 */
struct lfs_file {
	struct file *opened;
	struct file *upper;
	int mmap_err;
	bool mmap_settled;
};

#define LFS_FILE_MORE	1UL

/* Whether writes are synced at once; fcntl() changes other flags of an open file. */
static inline bool lfs_is_dsync(const struct file *file)
{
	return READ_ONCE(file->f_flags) & O_DSYNC;
}

int lfs_upper_flags(const struct file *file);
void lfs_file_attach(struct file *file, struct file *real);
void lfs_file_detach(struct file *file);
struct lfs_file *lfs_file_more(struct file *file);
struct lfs_file *lfs_file_known(struct file *file);
bool lfs_real_file_at_hand(struct file *file);
struct file *lfs_real_file(struct file *file);
struct file *lfs_real_file_for_write(struct file *file, bool dsync);
int lfs_settle(struct file *file, struct file *real);

/* realfile.c */
extern const struct file_operations lfs_file_fops;

/* rw.c */
ssize_t lfs_read_iter(struct kiocb *iocb, struct iov_iter *iter);
ssize_t lfs_write_iter(struct kiocb *iocb, struct iov_iter *iter);
ssize_t lfs_splice_read(struct file *in, loff_t *ppos, struct pipe_inode_info *pipe,
			size_t len, unsigned int flags);
ssize_t lfs_splice_write(struct pipe_inode_info *pipe, struct file *out, loff_t *ppos,
			 size_t len, unsigned int flags);
ssize_t lfs_copy_file_range(struct file *in, loff_t pos_in, struct file *out,
			    loff_t pos_out, size_t len, unsigned int flags);
loff_t lfs_remap_file_range(struct file *in, loff_t pos_in, struct file *out,
			    loff_t pos_out, loff_t len, unsigned int flags);
void lfs_file_accessed(struct file *file);

/* mmap.c */
int lfs_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long lfs_get_unmapped_area(struct file *file, unsigned long addr, unsigned long len,
				    unsigned long pgoff, unsigned long flags);

#endif /* _LAYERFS_REALFILE_H */
