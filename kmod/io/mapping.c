// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared mappings of a layer's file follow the file to the upper.
 *
 * Such a mapping can only be read (one that can be written to needs the upper
 * from the start), so it shows the pages of the layer, which all containers
 * share, until the first change of the file.  Then it has to show the upper's.
 *
 * The copy-up, once it has published the copy and before anything is written to
 * it, takes the layer's pages out of all page tables.  Faults look, with the page
 * locked, whether there is a copy, and if so make the mapping one of the
 * upper's file: what mmap(2) does, but for a mapping that exists.  The copy-up
 * does the same for those whose process is not busy, because not every look at
 * another's memory can wait.
 */
#include <linux/backing-file.h>
#include <linux/file.h>
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "container/container.h"
#include "io/mapping.h"
#include "io/realfile.h"

/**
 * struct lfs_mapping - what one mmap(2) has made, whatever became of it since
 * @ops: the operations of its areas, by which this is found
 * @real_ops: those of the layer's filesystem
 * @pages: the layer's file, whose pages are shown
 * @file: the container's
 * @node: in lfs_inode.mappings, under i_lock
 * @users: areas, and who works on them
 * @err: what a fault could not do after it had dropped its locks, for the retry
 *
 * fork(2), mremap(2) and what splits areas make more of them.
 */
struct lfs_mapping {
	const struct vm_operations_struct ops;
	const struct vm_operations_struct *real_ops;
	struct address_space *pages;
	struct file *file;
	struct hlist_node node;
	refcount_t users;
	int err;
};

static unsigned long lfs_vma_first(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static unsigned long lfs_vma_last(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

/* The tree of a file's areas is of a generic kind, whose functions one makes. */
INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long, shared.rb_subtree_last,
		     lfs_vma_first, lfs_vma_last, static, lfs_vma_tree)

static struct lfs_mapping *lfs_mapping_of(const struct vm_area_struct *vma)
{
	return container_of(vma->vm_ops, struct lfs_mapping, ops);
}

/**
 * lfs_mapping_put - drop a reference
 * @m: the mapping
 */
void lfs_mapping_put(struct lfs_mapping *m)
{
	struct inode *inode = file_inode(m->file);

	if (!refcount_dec_and_test(&m->users))
		return;
	if (!hlist_unhashed(&m->node)) {
		spin_lock(&inode->i_lock);
		hlist_del(&m->node);
		spin_unlock(&inode->i_lock);
	}
	fput(m->file);
	kfree(m);
}

static void lfs_vma_link(struct vm_area_struct *vma)
{
	struct address_space *mapping = vma->vm_file->f_mapping;

	i_mmap_lock_write(mapping);
	flush_dcache_mmap_lock(mapping);
	lfs_vma_tree_insert(vma, &mapping->i_mmap);
	flush_dcache_mmap_unlock(mapping);
	i_mmap_unlock_write(mapping);
}

static void lfs_vma_unlink(struct vm_area_struct *vma)
{
	struct address_space *mapping = vma->vm_file->f_mapping;

	i_mmap_lock_write(mapping);
	flush_dcache_mmap_lock(mapping);
	lfs_vma_tree_remove(vma, &mapping->i_mmap);
	flush_dcache_mmap_unlock(mapping);
	i_mmap_unlock_write(mapping);
}

/*
 * Make an area one of the upper's file.  With mmap_lock held for writing, and
 * the area's own lock, nothing maps a page meanwhile; while it has no page, no
 * file misses it.  Only the file changes: address, flags, policies and what is
 * accounted for it stay.
 */
static int lfs_vma_move(struct vm_area_struct *vma, struct lfs_mapping *m, struct file *upper)
{
	struct backing_file_ctx ctx = {
		.cred = lfs_c(file_inode(m->file))->cred,
		.user_file = m->file,
	};
	struct file *layer = get_file(vma->vm_file);
	int err;

	vma_start_write(vma);
	zap_page_range_single(vma, vma->vm_start, vma->vm_end - vma->vm_start, NULL);
	if (m->real_ops->close)
		m->real_ops->close(vma);
	lfs_vma_unlink(vma);
	vma_set_file(vma, m->file);
	err = backing_file_mmap(upper, vma, &ctx);
	if (err) {
		vma_set_file(vma, layer);
		vma->vm_ops = &m->ops;
	}
	lfs_vma_link(vma);
	if (!err)
		lfs_mapping_put(m);
	else if (m->real_ops->open)
		m->real_ops->open(vma);
	fput(layer);
	return err;
}

/*
 * The file has been copied up: drop the locks that the fault came with, make the
 * area one of the upper's file, and have the fault repeated.
 */
static vm_fault_t lfs_mapping_move(struct vm_fault *vmf, struct lfs_mapping *m)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	unsigned long address = vmf->address;
	struct vm_area_struct *vma;
	struct file *upper;
	int err;

	err = xchg(&m->err, 0);
	if (err)
		return vmf_error(err);
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	upper = lfs_real_file(m->file);
	if (IS_ERR(upper))
		return vmf_error(PTR_ERR(upper));
	refcount_inc(&m->users);
	release_fault_lock(vmf);
	/* Whoever is killed gives up the fault. */
	if (!mmap_write_lock_killable(mm)) {
		/* It may be another's by now. */
		vma = vma_lookup(mm, address);
		if (vma && vma->vm_ops == &m->ops) {
			err = lfs_vma_move(vma, m, upper);
			if (err)
				WRITE_ONCE(m->err, err);
		}
		mmap_write_unlock(mm);
	}
	lfs_mapping_put(m);
	return VM_FAULT_RETRY;
}

static vm_fault_t lfs_mapping_fault(struct vm_fault *vmf)
{
	const vm_fault_t no_page = VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY |
				   VM_FAULT_DONE_COW;
	struct lfs_mapping *m = lfs_mapping_of(vmf->vma);
	struct inode *inode = file_inode(m->file);
	struct folio *folio;
	vm_fault_t ret;

	if (lfs_data_in_upper(inode))
		return lfs_mapping_move(vmf, m);
	ret = m->real_ops->fault(vmf);
	/* After VM_FAULT_RETRY the area may be gone. */
	if (ret & no_page)
		return ret;
	folio = page_folio(vmf->page);
	if (!(ret & VM_FAULT_LOCKED))
		folio_lock(folio);
	/* Pairs with the one in lfs_mappings_follow(), which waits for this lock. */
	smp_mb();
	if (likely(!lfs_data_in_upper(inode)))
		return ret | VM_FAULT_LOCKED;
	folio_unlock(folio);
	folio_put(folio);
	vmf->page = NULL;
	return lfs_mapping_move(vmf, m) | (ret & VM_FAULT_MAJOR);
}

/* Page tables are filled in here, so waiting for readers is enough. */
static vm_fault_t lfs_mapping_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	struct lfs_mapping *m = lfs_mapping_of(vmf->vma);
	vm_fault_t ret = 0;

	rcu_read_lock();
	if (!lfs_data_in_upper(file_inode(m->file)))
		ret = m->real_ops->map_pages(vmf, start, end);
	rcu_read_unlock();
	return ret;
}

static void lfs_mapping_open(struct vm_area_struct *vma)
{
	struct lfs_mapping *m = lfs_mapping_of(vma);

	refcount_inc(&m->users);
	if (m->real_ops->open)
		m->real_ops->open(vma);
}

static void lfs_mapping_close(struct vm_area_struct *vma)
{
	struct lfs_mapping *m = lfs_mapping_of(vma);

	if (m->real_ops->close)
		m->real_ops->close(vma);
	lfs_mapping_put(m);
}

/* What a filesystem does beyond that is about writing, or huge pages of devices. */
static void lfs_mapping_set_ops(struct lfs_mapping *m)
{
	const struct vm_operations_struct *real = m->real_ops;
	const struct vm_operations_struct ops = {
		.open		= lfs_mapping_open,
		.close		= lfs_mapping_close,
		.may_split	= real->may_split,
		.fault		= lfs_mapping_fault,
		.map_pages	= real->map_pages ? lfs_mapping_map_pages : NULL,
#ifdef CONFIG_NUMA
		.set_policy	= real->set_policy,
		.get_policy	= real->get_policy,
#endif
	};

	memcpy((void *)&m->ops, &ops, sizeof(ops));
}

/**
 * lfs_mapping_new - prepare a mapping that shall follow its file
 * @file: a container's file
 *
 * Return: to be attached, or put; or -ENOMEM.
 */
struct lfs_mapping *lfs_mapping_new(struct file *file)
{
	struct lfs_mapping *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);

	if (!m)
		return ERR_PTR(-ENOMEM);
	INIT_HLIST_NODE(&m->node);
	refcount_set(&m->users, 1);
	m->file = get_file(file);
	return m;
}

/**
 * lfs_mapping_attach - have a new mapping follow its file
 * @m: from lfs_mapping_new(); taken over
 * @vma: of the layer's file, just set up by its filesystem
 *
 * What has no pages to be locked stays as it is.
 */
void lfs_mapping_attach(struct lfs_mapping *m, struct vm_area_struct *vma)
{
	struct inode *inode = file_inode(m->file);
	struct lfs_mapping *inner = NULL;

	m->real_ops = vma->vm_ops;
	/* The layer is a container, which does not change while it is one. */
	if (m->real_ops && m->real_ops->fault == lfs_mapping_fault) {
		inner = lfs_mapping_of(vma);
		m->real_ops = inner->real_ops;
	}
	if (!m->real_ops || !m->real_ops->fault || (vma->vm_flags & (VM_SPECIAL | VM_HUGETLB)) ||
	    IS_DAX(file_inode(vma->vm_file))) {
		lfs_mapping_put(m);
		return;
	}
	lfs_mapping_set_ops(m);
	m->pages = vma->vm_file->f_mapping;
	spin_lock(&inode->i_lock);
	hlist_add_head(&m->node, &lfs_i(inode)->mappings);
	spin_unlock(&inode->i_lock);
	vma->vm_ops = &m->ops;
	/* Either a copy-up finds it on the list, or its faults find the copy. */
	smp_mb();
	if (inner)
		lfs_mapping_put(inner);
}

/*
 * Faults that have not seen the copy hold the lock of an uptodate page until it is
 * mapped.  A page that is being read is locked without being uptodate; that may
 * take as long as the layer's filesystem likes, and who waits for it will look later.
 */
static void lfs_wait_for_faults(struct address_space *pages)
{
	struct folio_batch batch;
	pgoff_t index = 0;

	folio_batch_init(&batch);
	while (filemap_get_folios(pages, &index, ULONG_MAX, &batch)) {
		for (unsigned int i = 0; i < folio_batch_count(&batch); i++) {
			struct folio *folio = batch.folios[i];

			if (folio_test_uptodate(folio) && folio_test_locked(folio))
				folio_wait_locked(folio);
		}
		folio_batch_release(&batch);
		cond_resched();
	}
}

/**
 * struct lfs_area - where an area is, or was a moment ago
 * @mm: with a reference
 * @start: first address
 */
struct lfs_area {
	struct mm_struct *mm;
	unsigned long start;
};

static unsigned int lfs_find_areas(struct lfs_mapping *m, struct lfs_area *areas,
				   unsigned int max)
{
	struct vm_area_struct *vma;
	unsigned int n = 0;

	i_mmap_lock_read(m->pages);
	vma = lfs_vma_tree_iter_first(&m->pages->i_mmap, 0, ULONG_MAX);
	for (; vma && n < max; vma = lfs_vma_tree_iter_next(vma, 0, ULONG_MAX)) {
		/* Who is about to unmap it does not take the lock. */
		if (READ_ONCE(vma->vm_ops) != &m->ops || !mmget_not_zero(vma->vm_mm))
			continue;
		areas[n++] = (struct lfs_area) { vma->vm_mm, vma->vm_start };
	}
	i_mmap_unlock_read(m->pages);
	return n;
}

/* mmap_write_lock() that gives up; there is none. */
static bool lfs_mmap_write_trylock(struct mm_struct *mm)
{
	if (!down_write_trylock(&mm->mmap_lock))
		return false;
#ifdef LFS_MM_LOCK_SEQCOUNT
	mm_lock_seqcount_begin(mm);
#endif
	return true;
}

static bool lfs_move_area(struct lfs_mapping *m, struct lfs_area *area, struct file *upper)
{
	struct vm_area_struct *vma;
	bool moved = false;

	/* mmap_lock comes before our locks, and a process may hold its own for long. */
	if (lfs_mmap_write_trylock(area->mm)) {
		vma = vma_lookup(area->mm, area->start);
		if (vma && vma->vm_ops == &m->ops)
			moved = !lfs_vma_move(vma, m, upper);
		mmap_write_unlock(area->mm);
	}
	/* The last user's exit waits for I/O that may wait for us. */
	mmput_async(area->mm);
	return moved;
}

/* As many as can be had: a fault does it for the others. */
static void lfs_move_areas(struct lfs_mapping *m)
{
	struct file *upper = lfs_real_file(m->file);
	unsigned int n, moved;
	struct lfs_area areas[16];

	if (IS_ERR(upper))
		return;
	do {
		n = lfs_find_areas(m, areas, ARRAY_SIZE(areas));
		moved = 0;
		for (unsigned int i = 0; i < n; i++)
			moved += lfs_move_area(m, &areas[i], upper);
	} while (n == ARRAY_SIZE(areas) && moved);
}

/* The next one on the list, with a reference. */
static struct lfs_mapping *lfs_mapping_next(struct inode *inode, struct lfs_mapping *prev)
{
	struct lfs_mapping *m;

	spin_lock(&inode->i_lock);
	if (prev)
		m = hlist_entry_safe(prev->node.next, struct lfs_mapping, node);
	else
		m = hlist_entry_safe(lfs_i(inode)->mappings.first, struct lfs_mapping, node);
	/* Without a user it is about to leave the list. */
	while (m && !refcount_inc_not_zero(&m->users))
		m = hlist_entry_safe(m->node.next, struct lfs_mapping, node);
	spin_unlock(&inode->i_lock);
	if (prev)
		lfs_mapping_put(prev);
	return m;
}

/**
 * lfs_mappings_follow - no mapping shows a layer's pages any longer
 * @inode: of a container; its data in the upper was just published, nothing is written
 *         to it yet
 *
 * Pages of the layer's file leave the page tables of all that map it; who is not
 * concerned gets them back with the next fault.
 */
void lfs_mappings_follow(struct inode *inode)
{
	struct address_space *done = NULL;
	struct lfs_mapping *m;

	/* Pairs with those in lfs_mapping_fault() and lfs_mapping_attach(). */
	smp_mb();
	if (hlist_empty(&lfs_i(inode)->mappings))
		return;
	/* For lfs_mapping_map_pages(). */
	synchronize_rcu();
	for (m = lfs_mapping_next(inode, NULL); m; m = lfs_mapping_next(inode, m)) {
		/* More than one only if the layer is a container. */
		if (m->pages != done) {
			done = m->pages;
			lfs_wait_for_faults(done);
			unmap_mapping_pages(done, 0, 0, false);
		}
		lfs_move_areas(m);
	}
}
