// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings are of the real file, so that its pages are shared by all.  msync()
 * goes to the real file, too, without our knowledge.
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
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "container/container.h"
#include "container/settle.h"
#include "copyup/copyup.h"
#include "io/mapping.h"
#include "io/realfile.h"

static int lfs_deferred_release(struct inode *inode, struct file *deferred)
{
	struct file *file = deferred->private_data;
	struct lfs_file *lf = lfs_file_more(file);
	struct file *real;
	int err;

	/* As for O_DSYNC: msync() syncs data alone. */
	real = lfs_real_file_for_write(file, true);
	err = PTR_ERR_OR_ZERO(real);
	/* Who was killed does not come back for it, and others shall not get it. */
	if (err != -EINTR || !fatal_signal_pending(current))
		WRITE_ONCE(lf->mmap_err, err);
	if (!err)
		WRITE_ONCE(lf->mmap_settled, true);
	fput(file);
	return 0;
}

static const struct file_operations lfs_deferred_fops = {
	.owner		= THIS_MODULE,
	.release	= lfs_deferred_release,
};

static bool lfs_mmap_settled(struct file *file)
{
	const struct lfs_file *lf = lfs_file_known(file);

	return lf && READ_ONCE(lf->mmap_settled);
}

/*
 * What others have renamed since the call was deferred comes after it: waiting for that
 * again, one would never be done.
 */
static bool lfs_mmap_must_defer(struct file *file)
{
	if (!lfs_upper_ready(file_inode(file)))
		return true;
	return lfs_is_unsettled(file_inode(file)) && !lfs_mmap_settled(file);
}

/*
 * The last fput() of a file runs its ->release on the task's way to user space;
 * the pending notification makes the kernel restart the call after that.
 */
static int lfs_mmap_defer(struct file *file)
{
	struct lfs_file *lf = lfs_file_more(file);
	struct file *deferred;
	int err;

	/* Made here, where it may fail, for lfs_deferred_release(). */
	if (!lf)
		return -ENOMEM;
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
 * lfs_get_unmapped_area - ->get_unmapped_area, asked before anything is unmapped
 * @file: a container's file
 * @addr: as in mmap(2)
 * @len: as in mmap(2)
 * @pgoff: in pages
 * @flags: MAP_*
 *
 * The restart is best made from here: with MAP_FIXED, ->mmap comes when what
 * was mapped there is gone.
 */
unsigned long lfs_get_unmapped_area(struct file *file, unsigned long addr, unsigned long len,
				    unsigned long pgoff, unsigned long flags)
{
	unsigned long type = flags & MAP_TYPE;
	struct file *real;

	if ((type == MAP_SHARED || type == MAP_SHARED_VALIDATE) &&
	    (file->f_mode & FMODE_WRITE) && lfs_mmap_must_defer(file))
		return lfs_mmap_defer(file);
	real = lfs_real_file(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	if (real->f_op->get_unmapped_area)
		return real->f_op->get_unmapped_area(real, addr, len, pgoff, flags);
	return mm_get_unmapped_area(current->mm, file, addr, len, pgoff, flags);
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
	struct lfs_container *c = lfs_c(file_inode(file));
	struct lfs_mapping *m = NULL;
	struct lfs_file *lf;
	struct file *real;
	int err;

	/* Not through get_unmapped_area: remap_file_pages(), or a mode changed since. */
	if ((vma->vm_flags & shared_write) == shared_write && lfs_mmap_must_defer(file))
		return lfs_mmap_defer(file);
	real = lfs_real_file(file);
	if (IS_ERR(real))
		return PTR_ERR(real);
	if ((vma->vm_flags & shared_write) == shared_write)
		lfs_note_logs_aside(c);
	if (real->f_path.mnt != c->upper_mnt && (vma->vm_flags & VM_MAYSHARE) &&
	    lfs_container_has_upper(c)) {
		m = lfs_mapping_new(file);
		if (IS_ERR(m))
			return PTR_ERR(m);
	}
	/* Good for one mapping: for the next there may be more to settle. */
	lf = lfs_file_known(file);
	if (lf && (vma->vm_flags & shared_write) == shared_write)
		WRITE_ONCE(lf->mmap_settled, false);
	err = backing_file_mmap(real, vma, &ctx);
	if (m && !err)
		lfs_mapping_attach(m, vma);
	else if (m)
		lfs_mapping_put(m);
	return err;
}
