// SPDX-License-Identifier: GPL-2.0-only
/* The global table of layers: one object for a directory, however many images stack it. */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/exportfs.h>
#include <linux/hashtable.h>
#include <linux/mount.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "layer/layer.h"

/*
 * lfs_layer_mutex protects the table and orders the last put against a get:
 * a layer whose count fell to zero leaves the table under the mutex, so a
 * layer found in it under the mutex has a count of at least one.
 */
static DEFINE_MUTEX(lfs_layer_mutex);
static DEFINE_HASHTABLE(lfs_layer_table, 9);

/*
 * What of a mount's flags makes another layer of a directory.  Who names it through an
 * unbindable one is to find none, as it cannot be cloned.  The others are the mount
 * namespace's and the moment's (shared, locked, held by a remount), or decide nothing
 * here: what may be run, and which devices opened, the container's own mount says.
 */
#define LFS_LAYER_MNT_FLAGS (MNT_NOSUID | MNT_UNBINDABLE)

static struct lfs_layer *lfs_layer_find(const struct path *path)
{
	int flags = READ_ONCE(path->mnt->mnt_flags) & LFS_LAYER_MNT_FLAGS;
	struct lfs_layer *layer;

	hash_for_each_possible(lfs_layer_table, layer, hash,
			       (unsigned long)path->dentry) {
		if (layer->mnt->mnt_root == path->dentry &&
		    layer->mnt->mnt_sb == path->mnt->mnt_sb &&
		    layer->origin_flags == flags &&
		    mnt_idmap(layer->mnt) == mnt_idmap(path->mnt) &&
		    layer->user_ns == current_user_ns())
			return layer;
	}
	return NULL;
}

static char *lfs_path_dup(const struct path *path)
{
	char *buf, *name, *dup;

	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	name = d_path(path, buf, PATH_MAX);
	dup = IS_ERR(name) ? name : kstrdup(name, GFP_KERNEL_ACCOUNT);
	kfree(buf);
	return dup ?: ERR_PTR(-ENOMEM);
}

/*
 * By what later mounts know the layer again: its filesystem and its root's handle there,
 * which tells subvolumes apart.  A filesystem without a uuid, squashfs, is told from
 * others of its type by when its root was made.
 */
static u64 lfs_layer_ident(const struct vfsmount *mnt)
{
	static const siphash_key_t key;
	struct {
		u8 uuid[16];
		u64 magic;
		u64 time[2];
		u32 fh[MAX_HANDLE_SZ / 4];
	} about = {};
	const struct super_block *sb = mnt->mnt_sb;
	struct inode *root = d_inode(mnt->mnt_root);
	int len = ARRAY_SIZE(about.fh);

	if (exportfs_encode_inode_fh(root, (struct fid *)about.fh, &len, NULL, 0) < 0)
		return 0;
	memcpy(about.uuid, sb->s_uuid.b, sizeof(about.uuid));
	about.magic = sb->s_magic;
	if (uuid_is_null(&sb->s_uuid)) {
		about.time[0] = inode_get_mtime_sec(root);
		about.time[1] = inode_get_mtime_nsec(root);
	}
	return siphash(&about, sizeof(about), &key);
}

static struct lfs_layer *lfs_layer_alloc(const struct path *path)
{
	struct lfs_layer *layer;
	int err = -ENOMEM;

	layer = kzalloc(sizeof(*layer), GFP_KERNEL_ACCOUNT);
	if (!layer)
		return ERR_PTR(-ENOMEM);
	layer->counters = alloc_percpu_gfp(struct lfs_counters, GFP_KERNEL_ACCOUNT);
	if (!layer->counters)
		goto free_layer;
	layer->path = lfs_path_dup(path);
	if (IS_ERR(layer->path)) {
		err = PTR_ERR(layer->path);
		goto free_counters;
	}
	layer->mnt = clone_private_mount(path);
	if (IS_ERR(layer->mnt)) {
		err = PTR_ERR(layer->mnt);
		goto free_path;
	}
	/* Nobody but us knows this mount yet, so its flags need no lock. */
	layer->origin_flags = layer->mnt->mnt_flags & LFS_LAYER_MNT_FLAGS;
	layer->mnt->mnt_flags &= ~(MNT_USER_SETTABLE_MASK & ~LFS_LAYER_MNT_FLAGS);
	layer->mnt->mnt_flags |= MNT_READONLY | MNT_NOATIME;
	/* As mnt_may_suid() has it: what a namespace below says is of no weight here. */
	if (!current_in_userns(layer->mnt->mnt_sb->s_user_ns))
		layer->mnt->mnt_flags |= MNT_NOSUID;
	layer->user_ns = get_user_ns(current_user_ns());
	layer->ident = lfs_layer_ident(layer->mnt);
	refcount_set(&layer->ref, 1);
	return layer;

free_path:
	kfree(layer->path);
free_counters:
	free_percpu(layer->counters);
free_layer:
	kfree(layer);
	return ERR_PTR(err);
}

/*
 * This walks all that is cached of the tree, and nobody on the machine can mount or
 * unmount meanwhile.  So it is done only for those who can stop the machine anyway.
 */
static bool lfs_layer_look_for_mounts(const struct path *path)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN) && path_has_submounts(path);
}

/**
 * lfs_layer_get - find or make the layer of a directory
 * @path: the directory, through a mount of the caller's mount namespace
 *
 * Return: a reference, to be dropped with lfs_layer_put(); -ENOMEM; -EPERM or
 * -EINVAL when the caller may not clone the mount, -ENAMETOOLONG.
 */
struct lfs_layer *lfs_layer_get(const struct path *path)
{
	struct lfs_layer *layer;
	bool found;

	mutex_lock(&lfs_layer_mutex);
	layer = lfs_layer_find(path);
	found = layer;
	if (found) {
		refcount_inc(&layer->ref);
	} else {
		layer = lfs_layer_alloc(path);
		if (!IS_ERR(layer)) {
			hash_add(lfs_layer_table, &layer->hash, (unsigned long)path->dentry);
			lfs_registry_add(&lfs_layer_registry, &layer->reg);
		}
	}
	mutex_unlock(&lfs_layer_mutex);
	/* Who has found it by now may say nothing of mounts: it is a warning. */
	if (!found && !IS_ERR(layer))
		WRITE_ONCE(layer->has_submounts, lfs_layer_look_for_mounts(path));
	return layer;
}

/**
 * lfs_layer_hold - one reference more
 * @layer: the caller has, or keeps alive, a reference already
 */
struct lfs_layer *lfs_layer_hold(struct lfs_layer *layer)
{
	refcount_inc(&layer->ref);
	return layer;
}

/**
 * lfs_layer_put - drop a reference
 * @layer: from lfs_layer_get() or lfs_layer_hold()
 *
 * Return: NULL, or with the last reference the layer's mount, which the caller
 * gives to kern_unmount_array(): ending a mount waits for a grace period, and
 * a set of layers waits once for all of them.
 */
struct vfsmount *lfs_layer_put(struct lfs_layer *layer)
{
	struct vfsmount *mnt;

	if (!refcount_dec_and_mutex_lock(&layer->ref, &lfs_layer_mutex))
		return NULL;
	hash_del(&layer->hash);
	mutex_unlock(&lfs_layer_mutex);

	lfs_registry_del(&lfs_layer_registry, &layer->reg);
	mnt = layer->mnt;
	put_user_ns(layer->user_ns);
	free_percpu(layer->counters);
	kfree(layer->path);
	kfree(layer);
	return mnt;
}

/**
 * lfs_clone_reason - what to say of a mount that clone_private_mount() refused
 * @err: its error
 *
 * Return: what else there is to say, or nothing.
 */
const char *lfs_clone_reason(int err)
{
	if (err != -EINVAL)
		return "";
	return ": its mount is detached, unbindable, another namespace's, or covers something";
}

/**
 * lfs_layer_changed - say, once, that somebody has changed a layer in use
 * @layer: the layer
 * @where: what of it was found not to be what it was
 */
void lfs_layer_changed(struct lfs_layer *layer, const struct dentry *where)
{
	if (!test_and_set_bit(LFS_LAYER_CHANGED, &layer->flags))
		pr_warn_ratelimited("layer '%s' was changed while in use, at '%pd4'\n",
				    layer->path, where);
}

/**
 * lfs_layer_in_use - whether a directory is a layer of some image
 * @root: the directory
 *
 * Images of user namespaces below the caller's do not count: who may only read
 * a directory cannot keep its owner from using it.
 */
bool lfs_layer_in_use(const struct dentry *root)
{
	struct lfs_layer *layer;
	bool found = false;

	mutex_lock(&lfs_layer_mutex);
	hash_for_each_possible(lfs_layer_table, layer, hash, (unsigned long)root)
		found |= layer->mnt->mnt_root == root && current_in_userns(layer->user_ns);
	mutex_unlock(&lfs_layer_mutex);
	return found;
}
