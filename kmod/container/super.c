// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs_context.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>

#include "container/container.h"
#include "container/handle.h"
#include "container/live.h"
#include "container/settle.h"
#include "copyup/links.h"

static struct kmem_cache *lfs_inode_cache;

static void lfs_inode_once(void *p)
{
	struct lfs_inode *li = p;

	inode_init_once(&li->vfs_inode);
	/* Never freed locked, so once is enough. */
	mutex_init(&li->lock);
}

/**
 * lfs_container_inode_cache_init - at load
 */
int lfs_container_inode_cache_init(void)
{
	lfs_inode_cache = kmem_cache_create("layerfs_inode", sizeof(struct lfs_inode), 0,
					    SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT,
					    lfs_inode_once);
	return lfs_inode_cache ? 0 : -ENOMEM;
}

/**
 * lfs_container_inode_cache_exit - at unload, after rcu_barrier()
 */
void lfs_container_inode_cache_exit(void)
{
	kmem_cache_destroy(lfs_inode_cache);
}

static struct inode *lfs_alloc_inode(struct super_block *sb)
{
	struct lfs_inode *li;

	li = alloc_inode_sb(sb, lfs_inode_cache, GFP_KERNEL);
	if (!li)
		return NULL;
	li->upper = NULL;
	li->image = NULL;
	li->links = NULL;
	li->flags = 0;
	atomic64_set(&li->version, 0);
	li->list = NULL;
	INIT_HLIST_HEAD(&li->mappings);
#ifdef CONFIG_LOCKDEP
	/* The upper, or a layer, may be another layerfs mount: a class each. */
	static struct lock_class_key key[FILESYSTEM_MAX_STACK_DEPTH + 1];

	lockdep_set_class(&li->lock, &key[sb->s_stack_depth]);
#endif
	return &li->vfs_inode;
}

/*
 * Not in evict: until the inode has left the hash, lfs_iget_test() may look at
 * what its dentries name, and at its origin.
 */
static void lfs_destroy_inode(struct inode *inode)
{
	struct lfs_inode *li = lfs_i(inode);

	lfs_dirlist_free_inode(li);
	dput(li->upper);
	dput(li->image);
	lfs_links_free(li->links);
}

/* After a grace period: nothing in path lookup can still look at it. */
static void lfs_free_inode(struct inode *inode)
{
	kmem_cache_free(lfs_inode_cache, lfs_i(inode));
}

/**
 * lfs_volatile_status - what a sync of a volatile container reports
 * @c: the container
 *
 * It writes nothing, but data that was lost since the mount is not hushed up.
 *
 * Return: 0, or the error of the upper's filesystem.
 */
int lfs_volatile_status(struct lfs_container *c)
{
	return errseq_check(&c->upper_mnt->mnt_sb->s_wb_err, c->wb_err);
}

/* syncfs() tells each of its callers what the container's superblock was told. */
static int lfs_tell_wb_err(struct lfs_container *c)
{
	struct super_block *upper_sb = c->upper_mnt->mnt_sb;
	int err;

	if (!errseq_check(&upper_sb->s_wb_err, READ_ONCE(c->wb_told)))
		return 0;
	spin_lock(&c->wb_lock);
	err = errseq_check_and_advance(&upper_sb->s_wb_err, &c->wb_told);
	spin_unlock(&c->wb_lock);
	if (err)
		errseq_set(&c->sb->s_wb_err, err);
	return err;
}

/**
 * lfs_container_sync - write the upper back to its disk
 * @c: the container
 *
 * The whole of the upper's filesystem, which is more than asked for.
 *
 * Return: 0; an error of the filesystem, also one of writeback since the last
 * call, whoever's data it was.
 */
int lfs_container_sync(struct lfs_container *c)
{
	int err;

	if (!lfs_container_has_upper(c))
		return 0;
	if (c->params->is_volatile)
		return lfs_volatile_status(c);
	err = lfs_sync_upper(c);
	return lfs_tell_wb_err(c) ?: err;
}

static int lfs_sync_fs(struct super_block *sb, int wait)
{
	return wait ? lfs_container_sync(lfs_container_of(sb)) : 0;
}

static int lfs_statfs(struct dentry *dentry, struct kstatfs *buf)
{
	struct super_block *sb = dentry->d_sb;
	struct path path;
	int err;

	/* A directory may be held to a limit of its project. */
	lfs_upper_path(d_inode(dentry), &path);
	if (!path.dentry)
		lfs_real_path(d_inode(sb->s_root), &path);
	err = vfs_statfs(&path, buf);
	if (err)
		return err;
	buf->f_type = LAYERFS_SUPER_MAGIC;
	buf->f_fsid = u64_to_fsid(huge_encode_dev(sb->s_dev));
	buf->f_namelen = max_t(long, buf->f_namelen, NAME_MAX);
	return 0;
}

static int lfs_show_options(struct seq_file *m, struct dentry *root)
{
	return lfs_params_show(m, lfs_container_of(root->d_sb)->params);
}

static const struct super_operations lfs_super_ops = {
	.alloc_inode	= lfs_alloc_inode,
	.free_inode	= lfs_free_inode,
	.destroy_inode	= lfs_destroy_inode,
	.drop_inode	= generic_delete_inode,
	.sync_fs	= lfs_sync_fs,
	.statfs		= lfs_statfs,
	.show_options	= lfs_show_options,
};

static int lfs_fill_root(struct super_block *sb, struct lfs_container *c)
{
	struct lfs_key key = {
		.image = dget(lfs_container_image_root(c)),
	};
	struct inode *inode;

	if (lfs_container_has_upper(c))
		key.upper = dget(c->upper_mnt->mnt_root);
	key.ino = d_inode(key.image)->i_ino;
	inode = lfs_iget(sb, &key);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	sb->s_root = d_make_root(inode);
	return sb->s_root ? 0 : -ENOMEM;
}

/*
 * The upper may be in another container, whose locks are taken under those of this
 * one: a class for each depth of stacking, not one for the type.
 */
static void lfs_super_lock_classes(struct super_block *sb)
{
#ifdef CONFIG_LOCKDEP
	static struct lock_class_key umount_key[FILESYSTEM_MAX_STACK_DEPTH + 1];
	static struct lock_class_key rename_key[FILESYSTEM_MAX_STACK_DEPTH + 1];
	static struct lock_class_key write_key[FILESYSTEM_MAX_STACK_DEPTH + 1][SB_FREEZE_LEVELS];
	int i, depth = sb->s_stack_depth;

	/* Held since the superblock was made. */
	lock_set_class(&sb->s_umount.dep_map, "layerfs s_umount", &umount_key[depth], 0, _RET_IP_);
	lockdep_set_class(&sb->s_vfs_rename_mutex, &rename_key[depth]);
	for (i = 0; i < SB_FREEZE_LEVELS; i++)
		lockdep_set_class(&sb->s_writers.rw_sem[i], &write_key[depth][i]);
#endif
}

static void lfs_set_blocksize(struct super_block *sb, const struct super_block *real)
{
	sb->s_blocksize = real->s_blocksize;
	sb->s_blocksize_bits = real->s_blocksize_bits;
}

/**
 * lfs_container_fill_super - make a container's superblock
 * @sb: its s_fs_info is the container, which is the superblock's from now on
 * @fc: for messages
 */
int lfs_container_fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct lfs_container *c = lfs_container_of(sb);
	struct path top;
	int err;

	c->sb = sb;
	lfs_image_top_path(d_inode(lfs_container_image_root(c)), &top);
	lfs_set_blocksize(sb, top.dentry->d_sb);
	sb->s_stack_depth = c->image_mnt->mnt_sb->s_stack_depth;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_time_gran = 1;
	if (lfs_container_has_upper(c)) {
		const struct super_block *upper_sb = c->upper_mnt->mnt_sb;

		lfs_set_blocksize(sb, upper_sb);
		sb->s_stack_depth = max(sb->s_stack_depth, upper_sb->s_stack_depth);
		sb->s_maxbytes = upper_sb->s_maxbytes;
		sb->s_time_gran = upper_sb->s_time_gran;
		sb->s_time_min = upper_sb->s_time_min;
		sb->s_time_max = upper_sb->s_time_max;
	} else {
		sb->s_flags |= SB_RDONLY;
	}
	/* Checked to be allowed with the options. */
	sb->s_stack_depth++;
	lfs_super_lock_classes(sb);
	/* The upper may be another layerfs mount, whose own is taken below it. */
	lockdep_set_subclass(&c->work.log, sb->s_stack_depth);
	sb->s_magic = LAYERFS_SUPER_MAGIC;
	sb->s_op = &lfs_super_ops;
	sb->s_xattr = lfs_xattr_handlers;
	if (lfs_container_image(c)->live)
		sb->s_d_op = &lfs_live_dentry_ops;
	if (lfs_handles_possible(c))
		sb->s_export_op = &lfs_export_ops;
	/* All changes pass through here, so the VFS may remember "no privileges". */
	sb->s_flags |= SB_POSIXACL | SB_NOSEC;
	/* No pages of its own to write back: sync_fs passes through. */
	sb->s_iflags |= SB_I_SKIP_SYNC;

	err = lfs_fill_root(sb, c);
	if (err)
		return err;
	atomic_inc(&lfs_container_image(c)->containers);
	lfs_registry_add(&lfs_container_registry, &c->reg);
	return 0;
}

/**
 * lfs_container_kill_sb - end a container with its superblock
 * @sb: no longer in use
 */
void lfs_container_kill_sb(struct super_block *sb)
{
	struct lfs_container *c = lfs_container_of(sb);

	/* First the inodes, which hold dentries of the upper and the image. */
	kill_anon_super(sb);
	/* For lfs_view_test(): what it looks at ends after a grace period. */
	WRITE_ONCE(sb->s_fs_info, NULL);
	lfs_container_free(c);
}

/**
 * struct lfs_stack - what a container is made of, to be found
 * @params: its upper and work directory
 * @image_sb: its image
 */
struct lfs_stack {
	const struct lfs_params *params;
	const struct super_block *image_sb;
};

/* Under a spinlock, which a grace period waits for. */
static int lfs_view_test(struct super_block *sb, struct fs_context *fc)
{
	const struct lfs_container *c = READ_ONCE(sb->s_fs_info);
	const struct lfs_stack *want = fc->s_fs_info;
	const struct vfsmount *upper = c ? READ_ONCE(c->upper_mnt) : NULL;

	return upper && upper->mnt_root == want->params->upper.dentry &&
	       mnt_idmap(upper) == mnt_idmap(want->params->upper.mnt) &&
	       c->work.base == want->params->work.dentry &&
	       c->image_mnt->mnt_sb == want->image_sb;
}

static int lfs_view_none(struct super_block *sb, struct fs_context *fc)
{
	return -ENOENT;
}

/**
 * lfs_container_find_view - the superblock of a container that is mounted already
 * @fc: asks for the same upper, work directory and layers, to be read; its root is set
 * @params: with paths
 * @image_mnt: of the image, the same for mounters of the same rights only
 *
 * The mount that comes of it is one more of that superblock, as a bind mount is, so both
 * see the same.
 *
 * Return: 0; -ENOENT if there is none; -EBUSY if a new one was asked for; another error.
 */
int lfs_container_find_view(struct fs_context *fc, const struct lfs_params *params,
			    const struct vfsmount *image_mnt)
{
	struct lfs_stack want = { .params = params, .image_sb = image_mnt->mnt_sb };
	struct super_block *sb;

	fc->s_fs_info = &want;
	sb = sget_fc(fc, lfs_view_test, lfs_view_none);
	fc->s_fs_info = NULL;
	if (IS_ERR(sb))
		return PTR_ERR(sb);
	fc->root = dget(sb->s_root);
	return 0;
}
