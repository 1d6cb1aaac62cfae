// SPDX-License-Identifier: GPL-2.0-only
/* Inodes of an image: what is merged under each, and for how long it is held. */
#include <linux/dcache.h>
#include <linux/slab.h>

#include "image/image.h"
#include "image/list.h"

static struct kmem_cache *lfs_image_inode_cache;

static void lfs_image_inode_once(void *p)
{
	struct lfs_image_inode *ii = p;

	inode_init_once(&ii->vfs_inode);
}

/**
 * lfs_image_inode_cache_init - at load
 */
int lfs_image_inode_cache_init(void)
{
	lfs_image_inode_cache =
		kmem_cache_create("layerfs_image_inode", sizeof(struct lfs_image_inode), 0,
				  SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT, lfs_image_inode_once);
	return lfs_image_inode_cache ? 0 : -ENOMEM;
}

/**
 * lfs_image_inode_cache_exit - at unload, after rcu_barrier()
 */
void lfs_image_inode_cache_exit(void)
{
	kmem_cache_destroy(lfs_image_inode_cache);
}

static struct inode *lfs_image_alloc_inode(struct super_block *sb)
{
	struct lfs_image_inode *ii;

	ii = alloc_inode_sb(sb, lfs_image_inode_cache, GFP_KERNEL);
	if (!ii)
		return NULL;
	ii->told.known = false;
	ii->top.dentry = NULL;
	ii->below = NULL;
	ii->nr_below = 0;
	ii->index_after = 0;
	RCU_INIT_POINTER(ii->list, NULL);
	return &ii->vfs_inode;
}

static void lfs_image_destroy_inode(struct inode *inode)
{
	struct lfs_image_inode *ii = lfs_ii(inode);
	unsigned int i;

	lfs_image_list_drop(ii);
	dput(ii->top.dentry);
	for (i = 0; i < ii->nr_below; i++)
		dput(ii->below[i].dentry);
}

/* After a grace period: nothing in path lookup can still look at it. */
static void lfs_image_free_inode(struct inode *inode)
{
	struct lfs_image_inode *ii = lfs_ii(inode);

	kvfree(ii->below);
	kmem_cache_free(lfs_image_inode_cache, ii);
}

const struct super_operations lfs_image_super_ops = {
	.alloc_inode		= lfs_image_alloc_inode,
	.free_inode		= lfs_image_free_inode,
	.destroy_inode		= lfs_image_destroy_inode,
	.drop_inode		= generic_delete_inode,
	.statfs			= simple_statfs,
	.nr_cached_objects	= lfs_image_lists_count,
	.free_cached_objects	= lfs_image_lists_free,
};

/*
 * A per-depth class: a layer that lies on another layerfs mount is looked into
 * with the locks of this image held.
 */
static void lfs_image_lock_classes(struct inode *inode)
{
#ifdef CONFIG_LOCKDEP
	static struct lock_class_key dir_key[FILESYSTEM_MAX_STACK_DEPTH];
	int depth = inode->i_sb->s_stack_depth;

	if (S_ISDIR(inode->i_mode) && depth < FILESYSTEM_MAX_STACK_DEPTH)
		lockdep_set_class(&inode->i_rwsem, &dir_key[depth]);
#endif
}

/**
 * lfs_image_inode_make - an image's inode for real objects
 * @sb: the image's
 * @real: the real objects, topmost first; the references to their dentries are
 *        taken over, also on failure
 * @nr: how many, at least 1; more than one only if all are directories, or two of
 *      a file: its metadata and its data
 *
 * Return: the inode, not hashed, or -ENOMEM.
 */
struct inode *lfs_image_inode_make(struct super_block *sb, struct lfs_real *real,
				   unsigned int nr)
{
	struct lfs_image *image = lfs_image_of(sb);
	struct inode *inode, *top = d_inode(real[0].dentry);
	struct lfs_image_inode *ii;
	unsigned int i;

	inode = new_inode(sb);
	if (!inode)
		goto drop;
	ii = lfs_ii(inode);
	if (nr > 1) {
		ii->below = kvmalloc_array(nr - 1, sizeof(*real), GFP_KERNEL_ACCOUNT);
		if (!ii->below) {
			iput(inode);
			goto drop;
		}
		memcpy(ii->below, real + 1, (nr - 1) * sizeof(*real));
		ii->nr_below = nr - 1;
	}
	ii->top = real[0];

	inode->i_ino = lfs_ino(image, image->fsid[real[0].layer], top->i_ino);
	inode->i_mode = real[0].inner_whiteout ? S_IFCHR : top->i_mode & S_IFMT;
	inode->i_flags |= S_NOATIME | S_NOCMTIME | S_PRIVATE;
	if (S_ISDIR(inode->i_mode)) {
		inode->i_op = &lfs_image_dir_iops;
		lfs_image_lock_classes(inode);
	}
	return inode;

drop:
	for (i = 0; i < nr; i++)
		dput(real[i].dentry);
	return ERR_PTR(-ENOMEM);
}
