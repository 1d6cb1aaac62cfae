// SPDX-License-Identifier: GPL-2.0-only
/* The steps of a mount, from options to a container; and of a remount. */
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "container/container.h"
#include "image/image.h"
#include "layer/marker.h"
#include "mount/params.h"

static bool lfs_same_dir(const struct path *a, const struct path *b)
{
	return a->dentry == b->dentry;
}

/* One is the other or lies below it. */
static bool lfs_overlap(const struct path *a, const struct path *b)
{
	if (a->dentry->d_sb != b->dentry->d_sb)
		return false;
	return is_subdir(a->dentry, b->dentry) || is_subdir(b->dentry, a->dentry);
}

/*
 * People take their root directory as a layer, with an upper somewhere in it.  The other
 * way round, changes would go into the layer.
 */
static int lfs_check_around(struct fs_context *fc, struct lfs_params *p, const char *opt,
			    const char *name, const struct path *path)
{
	unsigned int i;

	for (i = 0; i < p->nr_lower; i++) {
		if (!lfs_overlap(path, &p->lower[i]))
			continue;
		if (is_subdir(p->lower[i].dentry, path->dentry)) {
			errorfc(fc, "lowerdir '%s' is %s '%s', or lies in it", p->name[i], opt, name);
			return -ELOOP;
		}
		p->upper_in_layer = true;
	}
	return 0;
}

static int lfs_check_upper(struct fs_context *fc, struct lfs_params *p)
{
	if (p->upper.mnt != p->work.mnt) {
		errorfc(fc, "workdir '%s' and upperdir '%s' are not on the same mount",
			p->work_name, p->upper_name);
		return -EINVAL;
	}
	if (lfs_overlap(&p->upper, &p->work)) {
		errorfc(fc, "workdir '%s' and upperdir '%s' lie one in the other",
			p->work_name, p->upper_name);
		return -EINVAL;
	}
	return lfs_check_around(fc, p, "upperdir", p->upper_name, &p->upper) ?:
	       lfs_check_around(fc, p, "workdir", p->work_name, &p->work);
}

static int lfs_check_twice(struct fs_context *fc, const struct lfs_params *p)
{
	unsigned int i, j;

	for (i = 0; i < p->nr_lower; i++) {
		for (j = i + 1; j < p->nr_lower; j++) {
			if (!lfs_same_dir(&p->lower[i], &p->lower[j]))
				continue;
			errorfc(fc, "lowerdir '%s' and lowerdir '%s' are the same directory",
				p->name[i], p->name[j]);
			return -EINVAL;
		}
	}
	return 0;
}

/*
 * A tree that is being written to is no layer.  Asked when these are known to be
 * layers, as lfs_dir_take() asks when the directory is known to be in use: of two
 * mounts that want one directory for both, one at least sees the other.
 */
static int lfs_check_in_use(struct fs_context *fc, const struct lfs_params *p)
{
	const struct inode *inode;
	struct lfs_holder holder;
	unsigned int i;

	for (i = 0; i < p->nr_lower; i++) {
		inode = d_inode(p->lower[i].dentry);
		if (READ_ONCE(inode->i_state) & I_OVL_INUSE) {
			lfs_holder_name(&holder, p->lower[i].dentry);
			errorfc(fc, "lowerdir '%s' is in use as upperdir or workdir by %s",
				p->name[i], holder.name);
			return -EBUSY;
		}
	}
	return 0;
}

static int lfs_check_depth(struct fs_context *fc, const char *what, const char *name,
			   const struct path *path)
{
	if (path->dentry->d_sb->s_stack_depth < FILESYSTEM_MAX_STACK_DEPTH)
		return 0;
	errorfc(fc, "%s '%s' lies on %d stacked filesystems, one more is not allowed", what, name,
		FILESYSTEM_MAX_STACK_DEPTH);
	return -EINVAL;
}

static int lfs_check_depths(struct fs_context *fc, const struct lfs_params *p)
{
	unsigned int i;
	int err = 0;

	if (p->upper_name)
		err = lfs_check_depth(fc, "upperdir", p->upper_name, &p->upper);
	for (i = 0; !err && i < p->nr_lower; i++)
		err = lfs_check_depth(fc, "lowerdir", p->name[i], &p->lower[i]);
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

static int lfs_check(struct fs_context *fc, struct lfs_params *p)
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
	err = lfs_check_twice(fc, p);
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
	err = p->upper_name ? lfs_check_upper(fc, p) : 0;
	return err ?: lfs_check_depths(fc, p);
}

/* They are left out: a container shows one tree, whoever mounts what where. */
static void lfs_warn_submounts(struct fs_context *fc, const struct lfs_params *p,
			       const struct lfs_layerset *set)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++) {
		if (set->layers[i]->has_submounts)
			warnfc(fc, "layer '%s' has mounts in it, which do not show", p->name[i]);
	}
}

static int lfs_get_tree(struct fs_context *fc)
{
	struct lfs_params *p = fc->fs_private;
	struct lfs_container *c;
	struct lfs_layerset *set;
	struct vfsmount *image;
	unsigned int bad;
	int err;

	err = lfs_check(fc, p);
	if (err)
		return err;
	set = lfs_layerset_make(p->lower, p->nr_lower, p->nr_data, &bad);
	if (IS_ERR(set)) {
		errorfc(fc, "cannot use lowerdir '%s': %pe%s", p->name[bad], set,
			lfs_clone_reason(PTR_ERR(set)));
		return PTR_ERR(set);
	}
	lfs_warn_submounts(fc, p, set);
	err = lfs_check_in_use(fc, p);
	if (err) {
		lfs_layerset_free(set);
		return err;
	}
	image = lfs_image_mount(set, p->userxattr ? &lfs_marks_user : &lfs_marks_trusted);
	if (IS_ERR(image)) {
		errorfc(fc, "cannot make the image: %pe", image);
		return PTR_ERR(image);
	}
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
	int err;

	err = lfs_params_check_remount(fc, c->params) ?: lfs_check_sync(fc);
	if (err)
		return err;
	if (!(fc->sb_flags & SB_RDONLY) && !lfs_container_has_upper(c)) {
		/* mount(8) keeps "ro" of /proc/mounts; this one asked for "rw". */
		errorfc(fc, "rw: the container has no upperdir to write to");
		return -EROFS;
	}
	if ((fc->sb_flags & SB_RDONLY) && !sb_rdonly(sb))
		return lfs_container_sync(c);
	return 0;
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
