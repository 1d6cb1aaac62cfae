// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings are of the real file, so that its pages are shared by all.
 *
 * A shared mapping that can be written to needs the upper, but mmap_lock is
 * held here, which comes after the locks of directories (readdir faults with
 * them held), so nothing can be copied up now.  Instead the call is made to
 * restart: the copy-up is done on the way out to user space, without locks, and
 * the repeated call finds the upper.
 */
#include <linux/anon_inodes.h>
#include <linux/backing-file.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "io/realfile.h"

static int lfs_deferred_release(struct inode *inode, struct file *deferred)
{
	struct file *file = deferred->private_data;
	struct lfs_file *lf = file->private_data;

	WRITE_ONCE(lf->mmap_err, lfs_copyup(file->f_path.dentry, LFS_COPYUP_ALL));
	fput(file);
	return 0;
}

static const struct file_operations lfs_deferred_fops = {
	.owner		= THIS_MODULE,
	.release	= lfs_deferred_release,
};

/*
 * The last fput() of a file runs its ->release on the task's way to user space;
 * the pending notification makes the kernel restart the call after that.
 */
static int lfs_mmap_defer(struct file *file)
{
	struct lfs_file *lf = file->private_data;
	struct file *deferred;
	int err;

	err = xchg(&lf->mmap_err, 0);
	if (err)
		return err;
	/* A kernel thread has no way out to user space. */
	if (current->flags & PF_KTHREAD)
		return -ETXTBSY;
	deferred = anon_inode_getfile("[layerfs]", &lfs_deferred_fops, NULL, O_RDONLY);
	if (IS_ERR(deferred))
		return PTR_ERR(deferred);
	deferred->private_data = get_file(file);
	fput(deferred);
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return -ERESTARTNOINTR;
}

/**
 * lfs_mmap - ->mmap
 * @file: a container's file
 * @vma: the mapping; mmap_lock is held
 */
int lfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct backing_file_ctx ctx = {
		.cred = lfs_c(file_inode(file))->cred,
		.user_file = file,
		.accessed = lfs_file_accessed,
	};
	const vm_flags_t shared_write = VM_SHARED | VM_MAYWRITE;
	struct file *real;

	if ((vma->vm_flags & shared_write) == shared_write && !lfs_upper(file_inode(file)))
		return lfs_mmap_defer(file);
	real = lfs_real_file(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	return backing_file_mmap(real, vma, &ctx);
}
