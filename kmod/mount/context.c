// SPDX-License-Identifier: GPL-2.0-only
/* The steps of a mount, from options to a container; and of a remount. */
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/user_namespace.h>

#include "container/container.h"
#include "image/image.h"
#include "layer/marker.h"
#include "limits.h"
#include "mount/flatten.h"
#include "mount/params.h"

/* One is the other or lies below it. */
static bool lfs_overlap(struct dentry *a, struct dentry *b)
{
	return a->d_sb == b->d_sb && (is_subdir(a, b) || is_subdir(b, a));
}

/* Changes to an upper would go into a layer that is the upper, or lies in it. */
static bool lfs_is_around(const struct path *path, struct dentry *root)
{
	return path->dentry->d_sb == root->d_sb && is_subdir(root, path->dentry);
}

static bool lfs_lies_in(const struct path *path, struct dentry *root)
{
	return path->dentry->d_sb == root->d_sb && is_subdir(path->dentry, root);
}

static int lfs_check_upper(struct fs_context *fc, const struct lfs_params *p)
{
	if (p->upper.mnt != p->work.mnt) {
		errorfc(fc, "workdir '%s' and upperdir '%s' are not on the same mount",
			p->work_name, p->upper_name);
		return -EINVAL;
	}
	if (lfs_overlap(p->upper.dentry, p->work.dentry)) {
		errorfc(fc, "workdir '%s' and upperdir '%s' lie one in the other",
			p->work_name, p->upper_name);
		return -EINVAL;
	}
	if (p->upper.dentry->d_sb->s_stack_depth >= FILESYSTEM_MAX_STACK_DEPTH) {
		errorfc(fc, "upperdir '%s' lies on %d stacked filesystems, one more is not allowed",
			p->upper_name, FILESYSTEM_MAX_STACK_DEPTH);
		return -EINVAL;
	}
	return 0;
}

/*
 * A tree that is being written to is no layer.  Asked when this is known to be a
 * layer, as lfs_dir_take() asks when the directory is known to be in use: of two
 * mounts that want one directory for both, one at least sees the other.
 */
static int lfs_check_layer(struct lfs_params *p, struct dentry *root)
{
	if (p->upper_name && (lfs_is_around(&p->upper, root) || lfs_is_around(&p->work, root)))
		return -ELOOP;
	if (READ_ONCE(d_inode(root)->i_state) & I_OVL_INUSE)
		return -EBUSY;
	/* People take their root directory as a layer, with an upper somewhere in it. */
	if (p->upper_name && !p->upper_in_layer &&
	    (lfs_lies_in(&p->upper, root) || lfs_lies_in(&p->work, root)))
		p->upper_in_layer = true;
	return root->d_sb->s_stack_depth < FILESYSTEM_MAX_STACK_DEPTH ? 0 : -EINVAL;
}

static void lfs_refuse_layer(struct fs_context *fc, const struct lfs_params *p,
			     struct dentry *root, const char *said, int err)
{
	struct lfs_holder holder;

	if (err == -ELOOP && lfs_is_around(&p->upper, root)) {
		errorfc(fc, "%s is upperdir '%s', or lies in it", said, p->upper_name);
	} else if (err == -ELOOP) {
		errorfc(fc, "%s is workdir '%s', or lies in it", said, p->work_name);
	} else if (err == -EBUSY) {
		lfs_holder_name(&holder, root);
		errorfc(fc, "%s is in use as upperdir or workdir by %s", said, holder.name);
	} else {
		errorfc(fc, "%s lies on %d stacked filesystems, one more is not allowed", said,
			FILESYSTEM_MAX_STACK_DEPTH);
	}
}

static int lfs_cmp_dentries(const void *a, const void *b)
{
	const struct dentry * const *x = a;
	const struct dentry * const *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The root of two layers, through whatever mounts; NULL if there is none, or an error. */
static const struct dentry *lfs_find_twice(const struct lfs_layerset *set)
{
	const struct dentry **root, *twice = NULL;
	unsigned int i;

	if (set->nr < 2)
		return NULL;
	root = kvmalloc_array(set->nr, sizeof(*root), GFP_KERNEL);
	if (!root)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < set->nr; i++)
		root[i] = set->layers[i]->mnt->mnt_root;
	sort(root, set->nr, sizeof(*root), lfs_cmp_dentries, NULL);
	for (i = 1; !twice && i < set->nr; i++) {
		if (root[i] == root[i - 1])
			twice = root[i];
	}
	kvfree(root);
	return twice;
}

static int lfs_check_twice(struct fs_context *fc, const struct lfs_params *p,
			   const struct lfs_layerset *inner, const struct lfs_layerset *set)
{
	const struct dentry *twice = lfs_find_twice(set);
	char *said[2] = {};
	unsigned int i, n = 0;

	if (IS_ERR_OR_NULL(twice))
		return PTR_ERR_OR_ZERO(twice);
	for (i = 0; n < 2 && i < set->nr; i++) {
		if (set->layers[i]->mnt->mnt_root == twice)
			said[n++] = lfs_layer_said(p, inner, set, i);
	}
	errorfc(fc, "%s and %s are the same directory", said[0] ?: "a layer",
		said[1] ?: "another one");
	kfree(said[0]);
	kfree(said[1]);
	return -EINVAL;
}

static int lfs_check_layers(struct fs_context *fc, struct lfs_params *p,
			    const struct lfs_layerset *inner, const struct lfs_layerset *set)
{
	struct dentry *root;
	unsigned int i;
	int err = 0;
	char *said;

	for (i = 0; !err && i < set->nr; i++) {
		root = set->layers[i]->mnt->mnt_root;
		err = lfs_check_layer(p, root);
		if (!err)
			continue;
		said = lfs_layer_said(p, inner, set, i);
		lfs_refuse_layer(fc, p, root, said ?: "a layer", err);
		kfree(said);
	}
	return err;
}

/* What would have to be synced is the upper's: an option of its filesystem. */
static int lfs_check_sync(struct fs_context *fc)
{
	if (!(fc->sb_flags & (SB_SYNCHRONOUS | SB_DIRSYNC)))
		return 0;
	errorfc(fc, "%s is not supported; mount the filesystem of upperdir with it",
		fc->sb_flags & SB_SYNCHRONOUS ? "sync" : "dirsync");
	return -EINVAL;
}

static int lfs_check(struct fs_context *fc, const struct lfs_params *p)
{
	int err;

	/* Whose namespace the mount is in, and whose rights it uses, is one. */
	if (fc->user_ns != current_user_ns()) {
		errorfc(fc, "the mount was begun in another user namespace");
		return -EPERM;
	}
	if (!p->nr_lower) {
		errorfc(fc, "lowerdir is missing");
		return -EINVAL;
	}
	err = lfs_check_sync(fc);
	if (err)
		return err;
	if (p->upper_name && !p->work_name) {
		errorfc(fc, "upperdir '%s' needs a workdir", p->upper_name);
		return -EINVAL;
	}
	if (p->work_name && !p->upper_name) {
		errorfc(fc, "workdir '%s' is of no use without an upperdir", p->work_name);
		return -EINVAL;
	}
	if (p->nr_data && p->userxattr) {
		errorfc(fc, "userxattr: no file may lead to the data in datadir '%s'",
			p->name[p->nr_lower - p->nr_data]);
		return -EINVAL;
	}
	if (p->is_volatile && !p->upper_name) {
		errorfc(fc, "volatile is of no use without an upperdir");
		return -EINVAL;
	}
	if (p->upper_name && !p->userxattr && fc->user_ns != &init_user_ns) {
		errorfc(fc, "upperdir in a user namespace needs the option userxattr");
		return -EPERM;
	}
	return p->upper_name ? lfs_check_upper(fc, p) : 0;
}

/* They are left out: a container shows one tree, whoever mounts what where. */
static void lfs_warn_submounts(struct fs_context *fc, const struct lfs_params *p,
			       const struct lfs_layerset *inner,
			       const struct lfs_layerset *set)
{
	unsigned int i;
	char *said;

	for (i = 0; i < set->nr; i++) {
		if (!READ_ONCE(set->layers[i]->has_submounts))
			continue;
		said = lfs_layer_said(p, inner, set, i);
		warnfc(fc, "%s has mounts in it, which do not show", said ?: "a layer");
		kfree(said);
	}
}

/* The layers, with those of a mounted image in its place. */
static struct lfs_layerset *lfs_get_layers(struct fs_context *fc, struct lfs_params *p,
					   const struct lfs_layerset *inner)
{
	struct lfs_layerset *set;
	unsigned int bad;
	int err;

	if (inner && inner->nr > LFS_MAX_LAYERS - (p->nr_lower - 1)) {
		errorfc(fc, "more than %d layers, with those of '%s'", LFS_MAX_LAYERS,
			p->name[p->nr_lower - p->nr_data - 1]);
		return ERR_PTR(-EINVAL);
	}
	set = lfs_layerset_make(p->lower, p->nr_lower, p->nr_data, inner, &bad);
	if (IS_ERR(set)) {
		errorfc(fc, "cannot use lowerdir '%s': %pe%s", p->name[bad], set,
			lfs_clone_reason(PTR_ERR(set)));
		return set;
	}
	err = lfs_check_twice(fc, p, inner, set) ?: lfs_check_layers(fc, p, inner, set);
	if (err) {
		lfs_layerset_free(set);
		return ERR_PTR(err);
	}
	lfs_warn_submounts(fc, p, inner, set);
	return set;
}

/* The only layer is a mount of an image, and is to be one more of it: as it is. */
static struct vfsmount *lfs_adopt_image(struct fs_context *fc, struct lfs_params *p,
					const struct lfs_layerset *inner)
{
	int err = lfs_check_layers(fc, p, inner, inner);

	if (err)
		return ERR_PTR(err);
	lfs_warn_submounts(fc, p, inner, inner);
	return mntget(lfs_container_of(p->lower[0].dentry->d_sb)->image_mnt);
}

static struct vfsmount *lfs_make_image(struct fs_context *fc, struct lfs_params *p,
				       const struct lfs_layerset *inner,
				       const struct lfs_reader *reader)
{
	struct lfs_layerset *set = lfs_get_layers(fc, p, inner);
	struct vfsmount *image;

	if (IS_ERR(set))
		return ERR_CAST(set);
	image = lfs_image_mount(set, reader);
	if (IS_ERR(image))
		errorfc(fc, "cannot make the image: %pe", image);
	return image;
}

static const struct lfs_marks *lfs_marks_wanted(const struct lfs_params *p)
{
	if (p->userxattr)
		return p->aufs_whiteouts ? &lfs_marks_user_aufs : &lfs_marks_user;
	return p->aufs_whiteouts ? &lfs_marks_trusted_aufs : &lfs_marks_trusted;
}

static struct vfsmount *lfs_get_image(struct fs_context *fc, struct lfs_params *p)
{
	struct lfs_reader reader = {
		.cred = lfs_mounter_creds(),
		.marks = lfs_marks_wanted(p),
	};
	const struct lfs_layerset *inner;
	struct vfsmount *image;

	if (!reader.cred)
		return ERR_PTR(-ENOMEM);
	security_current_getsecid_subj(&reader.secid);
	inner = lfs_flatten(p, &reader);
	if (inner && p->nr_lower == 1)
		image = lfs_adopt_image(fc, p, inner);
	else
		image = lfs_make_image(fc, p, inner, &reader);
	put_cred(reader.cred);
	return image;
}

static int lfs_get_tree(struct fs_context *fc)
{
	struct lfs_params *p = fc->fs_private;
	struct lfs_container *c;
	struct vfsmount *image;
	int err;

	err = lfs_check(fc, p);
	if (err)
		return err;
	image = lfs_get_image(fc, p);
	if (IS_ERR(image))
		return PTR_ERR(image);
	if (p->upper_name && (fc->sb_flags & SB_RDONLY)) {
		err = lfs_container_find_view(fc, p, image);
		if (err != -ENOENT) {
			mntput(image);
			return err;
		}
	}
	c = lfs_container_make(fc, p, image);
	if (IS_ERR(c))
		return PTR_ERR(c);

	/* The container keeps the strings; the paths have served. */
	lfs_params_put_paths(p);
	fc->fs_private = NULL;
	fc->s_fs_info = c;
	return get_tree_nodev(fc, lfs_container_fill_super);
}

static int lfs_reconfigure(struct fs_context *fc)
{
	struct super_block *sb = fc->root->d_sb;
	struct lfs_container *c = lfs_container_of(sb);
	bool asked = fc->sb_flags_mask & SB_RDONLY;
	bool ro = fc->sb_flags & SB_RDONLY;
	int err;

	err = lfs_params_check_remount(fc, c->params) ?: lfs_check_sync(fc);
	if (err)
		return err;
	/* fsconfig(2) says what changes; mount(2) says all, "rw" by not saying "ro". */
	if (!asked)
		return 0;
	if (!ro && !lfs_container_has_upper(c)) {
		/* mount(8) keeps "ro" of /proc/mounts; this one asked for "rw". */
		errorfc(fc, "rw: the container has no upperdir to write to");
		return -EROFS;
	}
	return ro && !sb_rdonly(sb) ? lfs_container_sync(c) : 0;
}

static void lfs_fc_free(struct fs_context *fc)
{
	lfs_params_free(fc->fs_private);
	/* Left over only if the superblock was not made. */
	lfs_container_free(fc->s_fs_info);
}

static const struct fs_context_operations lfs_context_ops = {
	.free			= lfs_fc_free,
	.parse_param		= lfs_params_parse,
	.parse_monolithic	= lfs_params_parse_monolithic,
	.get_tree		= lfs_get_tree,
	.reconfigure		= lfs_reconfigure,
};

static int lfs_init_fs_context(struct fs_context *fc)
{
	fc->fs_private = lfs_params_alloc();
	if (!fc->fs_private)
		return -ENOMEM;
	fc->ops = &lfs_context_ops;
	return 0;
}

struct file_system_type lfs_fs_type = {
	.owner			= THIS_MODULE,
	.name			= LAYERFS_FS_NAME,
	.fs_flags		= FS_USERNS_MOUNT | FS_ALLOW_IDMAP,
	.init_fs_context	= lfs_init_fs_context,
	.parameters		= lfs_param_table,
	.kill_sb		= lfs_container_kill_sb,
};
