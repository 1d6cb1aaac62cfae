// SPDX-License-Identifier: GPL-2.0-only
/* Images are found by their list of layers and the mounter's identity, or made. */
#include <linux/fs_context.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "container/live.h"
#include "image/image.h"
#include "layer/lower.h"
#include "layer/marker.h"

/* Whether what one may see through the layers, the other may too. */
static bool lfs_cred_equal(const struct cred *a, const struct cred *b)
{
	return a == b ||
	       (a->user_ns == b->user_ns && !cred_fscmp(a, b) &&
		uid_eq(a->uid, b->uid) && gid_eq(a->gid, b->gid) &&
		uid_eq(a->suid, b->suid) && gid_eq(a->sgid, b->sgid) &&
		uid_eq(a->euid, b->euid) && gid_eq(a->egid, b->egid) &&
		cap_issubset(a->cap_effective, b->cap_effective) &&
		cap_issubset(b->cap_effective, a->cap_effective));
}

/**
 * lfs_image_serves - whether an image's layers are read as a mounter would read them
 * @image: the image
 * @reader: the mounter, and how
 *
 * The credentials of the first mounter serve all containers of the image, so whatever
 * a filesystem or a security module may decide by has to be equal.  The image's
 * credentials hold its label, so no other label is given its secid.
 *
 * Context: any; takes no lock.
 */
bool lfs_image_serves(const struct lfs_image *image, const struct lfs_reader *reader)
{
	return image->marks == reader->marks && image->secid == reader->secid &&
	       lfs_cred_equal(image->cred, reader->cred);
}

static int lfs_image_test(struct super_block *sb, struct fs_context *fc)
{
	const struct lfs_image *image = READ_ONCE(sb->s_fs_info);
	const struct lfs_image *want = fc->s_fs_info;
	const struct lfs_reader reader = {
		.cred = want->cred, .secid = want->secid, .marks = want->marks,
	};

	/* NULL: see lfs_image_kill_sb(). */
	if (!image)
		return 0;
	/* sget_fc() answers EBUSY to a match from another user namespace. */
	return sb->s_user_ns == fc->user_ns &&
	       lfs_layerset_equal(image->set, want->set) &&
	       lfs_image_serves(image, &reader);
}

static void lfs_image_free(struct lfs_image *image)
{
	unsigned int i;

	if (!image)
		return;
	if (image->reg.id) {
		lfs_registry_del(&lfs_image_registry, &image->reg);
		for (i = 0; i < image->set->nr; i++)
			atomic_dec(&image->set->layers[i]->images);
	}
	free_percpu(image->counters);
	put_cred(image->cred);
	lfs_layerset_free(image->set);
	kvfree(image->fsid);
	kvfree(image->fs);
	kfree(image);
}

static dev_t lfs_path_dev(const struct path *path)
{
	struct kstat stat;

	if (vfs_getattr_nosec(path, &stat, STATX_TYPE, AT_STATX_DONT_SYNC))
		return path->dentry->d_sb->s_dev;
	return stat.dev;
}

/* Its place in @image->fs, or @image->nr_fs; @idmap may be NULL for any. */
static unsigned int lfs_image_find_fs(const struct lfs_image *image, const struct path *path,
				      const struct mnt_idmap *idmap)
{
	const struct super_block *sb = path->dentry->d_sb;
	dev_t dev = lfs_path_dev(path);
	unsigned int f;

	for (f = 0; f < image->nr_fs; f++) {
		if (image->fs[f].sb == sb && image->fs[f].dev == dev &&
		    (!idmap || image->fs[f].idmap == idmap))
			break;
	}
	return f;
}

/**
 * lfs_image_fsid - which of the image's filesystems an upper lies on
 * @image: the image
 * @path: the upper directory
 *
 * Through whatever map: nothing in the upper is in a layer.
 *
 * Return: its place in @image->fs, or @image->nr_fs if it is none of them.
 */
unsigned int lfs_image_fsid(const struct lfs_image *image, const struct path *path)
{
	return lfs_image_find_fs(image, path, NULL);
}

/*
 * A null uuid does not say which filesystem is meant.  Of clones it means the one
 * of the lowest layer, which stays so whatever is added on top.
 */
static void lfs_image_know_fs(struct lfs_image *image)
{
	unsigned int f, g;

	for (f = 0; f < image->nr_fs; f++) {
		image->fs[f].known = !uuid_is_null(&image->fs[f].sb->s_uuid);
		for (g = 0; image->fs[f].known && g < f; g++) {
			if (uuid_equal(&image->fs[f].sb->s_uuid, &image->fs[g].sb->s_uuid))
				image->fs[f].known = false;
		}
	}
}

/*
 * Number the filesystems from the bottom: a layer added on top changes no number.
 * Layers that hold only data show none.
 */
static void lfs_image_number_fs(struct lfs_image *image)
{
	struct path path;
	unsigned int i, f;

	for (i = lfs_nr_merged(image->set); i-- > 0; ) {
		path.mnt = image->set->layers[i]->mnt;
		path.dentry = path.mnt->mnt_root;
		f = lfs_image_find_fs(image, &path, mnt_idmap(path.mnt));
		if (f == image->nr_fs) {
			image->fs[f].sb = path.mnt->mnt_sb;
			image->fs[f].idmap = mnt_idmap(path.mnt);
			image->fs[f].dev = lfs_path_dev(&path);
			image->fs[f].lowest = i;
			image->nr_fs++;
		}
		image->fsid[i] = f;
		image->folds_case |= lfs_may_fold_case(path.dentry);
		image->live |= lfs_sb_is_live(path.mnt->mnt_sb);
	}
	lfs_image_know_fs(image);
	/* One number more, for an upper on a filesystem of its own. */
	image->ino_bits = min(LFS_INO_BITS, 64 - order_base_2(image->nr_fs + 1));
}

/**
 * lfs_mounter_creds - the caller's credentials, to act for it from now on
 *
 * Without the right to exceed quotas and to use blocks reserved for root: the
 * mounter has it, whoever uses the mount has not.
 *
 * Return: a reference, or NULL.
 */
struct cred *lfs_mounter_creds(void)
{
	struct cred *cred = prepare_creds();

	if (cred)
		cap_lower(cred->cap_effective, CAP_SYS_RESOURCE);
	return cred;
}

/*
 * As much of an image as tells which one is wanted: mostly it is there already.  Takes
 * over @set, also on failure.
 */
static struct lfs_image *lfs_image_alloc(struct lfs_layerset *set,
					 const struct lfs_reader *reader)
{
	struct lfs_image *image;

	image = kzalloc(sizeof(*image), GFP_KERNEL_ACCOUNT);
	if (!image) {
		lfs_layerset_free(set);
		return NULL;
	}
	image->set = set;
	image->cred = get_cred(reader->cred);
	image->secid = reader->secid;
	image->marks = reader->marks;
	return image;
}

/* The rest of a new one; what a failure leaves is lfs_image_free()'s. */
static int lfs_image_complete(struct lfs_image *image)
{
	unsigned int nr = image->set->nr;

	spin_lock_init(&image->lists_lock);
	INIT_LIST_HEAD(&image->lists);
	image->counters = alloc_percpu_gfp(struct lfs_counters, GFP_KERNEL_ACCOUNT);
	image->fs = kvcalloc(nr, sizeof(*image->fs), GFP_KERNEL_ACCOUNT);
	image->fsid = kvcalloc(nr, sizeof(*image->fsid), GFP_KERNEL_ACCOUNT);
	if (!image->counters || !image->fs || !image->fsid)
		return -ENOMEM;
	lfs_image_number_fs(image);
	return 0;
}

/* The layers' roots, merged. */
static struct inode *lfs_image_root(struct super_block *sb)
{
	struct lfs_image *image = lfs_image_of(sb);
	unsigned int i, nr = lfs_nr_merged(image->set);
	struct lfs_real *real;
	struct inode *root;
	int err = 0;

	real = kvcalloc(nr, sizeof(*real), GFP_KERNEL);
	if (!real)
		return ERR_PTR(-ENOMEM);
	for (i = 0; !err && i < nr; i++) {
		real[i].dentry = image->set->layers[i]->mnt->mnt_root;
		real[i].layer = i;
		/* Below the lowest there is nothing to hide. */
		err = i + 1 < nr ? lfs_marker_opaque(image->marks, real[i].dentry) : 0;
		real[i].xwhiteouts = err == LFS_XWHITEOUTS;
		if (err >= 0)
			err = lfs_aufs_opaque(image->marks,
					      mnt_idmap(image->set->layers[i]->mnt),
					      real[i].dentry);
		real[i].last = err > 0;
		err = min(err, 0);
	}
	if (err) {
		root = ERR_PTR(err);
	} else {
		for (i = 0; i < nr; i++)
			dget(real[i].dentry);
		root = lfs_image_inode_make(sb, real, nr);
	}
	kvfree(real);
	return root;
}

static int lfs_image_fill_super(struct super_block *sb)
{
	struct lfs_image *image = lfs_image_of(sb);
	struct inode *root;
	unsigned int i;
	int err, depth = 0;

	err = lfs_image_complete(image);
	if (err)
		return err;
	for (i = 0; i < image->set->nr; i++)
		depth = max(depth, image->set->layers[i]->mnt->mnt_sb->s_stack_depth);
	/* The image is part of its containers, not one more level of stacking. */
	sb->s_stack_depth = depth;
	sb->s_magic = LAYERFS_SUPER_MAGIC;
	sb->s_op = &lfs_image_super_ops;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_time_gran = 1;
	sb->s_flags |= SB_RDONLY | SB_NOATIME;
	image->sb = sb;

	root = lfs_image_root(sb);
	if (IS_ERR(root))
		return PTR_ERR(root);
	sb->s_root = d_make_root(root);
	if (!sb->s_root)
		return -ENOMEM;

	for (i = 0; i < image->set->nr; i++)
		atomic_inc(&image->set->layers[i]->images);
	lfs_registry_add(&lfs_image_registry, &image->reg);
	sb->s_flags |= SB_ACTIVE;
	return 0;
}

static int lfs_image_get_tree(struct fs_context *fc)
{
	struct super_block *sb;
	int err;

	sb = sget_fc(fc, lfs_image_test, set_anon_super_fc);
	if (IS_ERR(sb))
		return PTR_ERR(sb);
	if (!sb->s_root) {
		err = lfs_image_fill_super(sb);
		if (err) {
			deactivate_locked_super(sb);
			return err;
		}
	}
	fc->root = dget(sb->s_root);
	return 0;
}

static void lfs_image_fc_free(struct fs_context *fc)
{
	/* Still there only if an existing image was found, or on failure. */
	lfs_image_free(fc->s_fs_info);
}

static const struct fs_context_operations lfs_image_context_ops = {
	.free		= lfs_image_fc_free,
	.get_tree	= lfs_image_get_tree,
};

static int lfs_image_init_fs_context(struct fs_context *fc)
{
	fc->ops = &lfs_image_context_ops;
	return 0;
}

static void lfs_image_kill_sb(struct super_block *sb)
{
	struct lfs_image *image = lfs_image_of(sb);

	/* First the inodes, which hold dentries of the layers, then the layers. */
	kill_anon_super(sb);
	/*
	 * The superblock stays on the type's list until after this returns, so
	 * lfs_image_test() may be looking at the image: it does so under a
	 * spinlock, which a grace period waits for.
	 */
	WRITE_ONCE(sb->s_fs_info, NULL);
	if (image)
		synchronize_rcu_expedited();
	lfs_image_free(image);
}

/*
 * Never registered: users cannot mount it by name.  A type of its own gives
 * its locks classes of their own, below those of containers.  FS_USERNS_MOUNT
 * lets it belong to the user namespace of its containers.
 */
struct file_system_type lfs_image_fs_type = {
	.owner			= THIS_MODULE,
	.name			= "layerfs_image",
	.fs_flags		= FS_USERNS_MOUNT,
	.init_fs_context	= lfs_image_init_fs_context,
	.kill_sb		= lfs_image_kill_sb,
};

/**
 * lfs_image_mount - find or make the image of a list of layers
 * @set: the layers; taken over, also on failure
 * @reader: the mounter, and how
 *
 * Return: a mount that keeps the image alive, ended with mntput(); its root is
 * the image's.  -ENOMEM, -EPERM from a user namespace that may not mount.
 */
struct vfsmount *lfs_image_mount(struct lfs_layerset *set, const struct lfs_reader *reader)
{
	struct lfs_image *image = lfs_image_alloc(set, reader);
	struct fs_context *fc;
	struct vfsmount *mnt;

	if (!image)
		return ERR_PTR(-ENOMEM);
	fc = fs_context_for_mount(&lfs_image_fs_type, 0);
	if (IS_ERR(fc)) {
		lfs_image_free(image);
		return ERR_CAST(fc);
	}
	fc->s_fs_info = image;
	mnt = fc_mount(fc);
	put_fs_context(fc);
	return mnt;
}

/**
 * lfs_image_init - at load
 */
int lfs_image_init(void)
{
	return lfs_image_inode_cache_init();
}

/**
 * lfs_image_exit - at unload, after a grace period for freed inodes
 */
void lfs_image_exit(void)
{
	lfs_image_inode_cache_exit();
}
