// SPDX-License-Identifier: GPL-2.0-only
/* A container comes and goes: its image, its upper, and who may use the upper. */
#include <linux/fs_context.h>
#include <linux/highuid.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/xattr.h>

#include "container/container.h"
#include "container/handle.h"
#include "copyup/moved.h"

/*
 * The mark that overlayfs sets on a directory in use as upper or work, so that
 * neither of us can take what the other holds.
 */
static bool lfs_take(struct dentry *dir)
{
	struct inode *inode = d_inode(dir);
	bool taken;

	spin_lock(&inode->i_lock);
	taken = !(inode->i_state & I_OVL_INUSE);
	inode->i_state |= I_OVL_INUSE;
	spin_unlock(&inode->i_lock);
	return taken;
}

static void lfs_release(struct dentry *dir)
{
	struct inode *inode = d_inode(dir);

	spin_lock(&inode->i_lock);
	inode->i_state &= ~I_OVL_INUSE;
	spin_unlock(&inode->i_lock);
}

static bool lfs_container_holds(const struct lfs_container *c, const struct dentry *dir)
{
	return c->upper_mnt && (c->upper_mnt->mnt_root == dir || c->work.base == dir);
}

/**
 * lfs_holder_name - who has a directory in use as upper or work, for a message
 * @holder: filled in
 * @dir: the directory
 *
 * By the device number that the holder has in mountinfo.  It is told to those who may
 * list the container, and no others: which mounts there are in another's user namespace
 * is not for everybody who may write to a directory to know.
 */
void lfs_holder_name(struct lfs_holder *holder, const struct dentry *dir)
{
	const struct lfs_container *c;
	dev_t dev;

	strscpy(holder->name, "another mount");
	mutex_lock(&lfs_container_registry.lock);
	list_for_each_entry(c, &lfs_container_registry.head, reg.node) {
		if (!lfs_container_holds(c, dir) ||
		    !ns_capable_noaudit(c->sb->s_user_ns, CAP_SYS_ADMIN))
			continue;
		dev = c->sb->s_dev;
		snprintf(holder->name, sizeof(holder->name), "%s mount %u:%u",
			 sb_rdonly(c->sb) ? "the read-only" : "the", MAJOR(dev), MINOR(dev));
		break;
	}
	mutex_unlock(&lfs_container_registry.lock);
}

/* See lfs_check_layer() for the order. */
static int lfs_dir_take(struct fs_context *fc, const char *opt, const char *name,
			struct dentry *dir)
{
	struct lfs_holder holder;

	if (!lfs_take(dir)) {
		lfs_holder_name(&holder, dir);
		errorfc(fc, "%s '%s' is in use by %s", opt, name, holder.name);
		return -EBUSY;
	}
	if (lfs_layer_in_use(dir)) {
		lfs_release(dir);
		errorfc(fc, "%s '%s' is a layer of a mount", opt, name);
		return -EBUSY;
	}
	return 0;
}

static void lfs_upper_close(struct lfs_container *c)
{
	struct dentry *work = c->work.base;

	if (!c->upper_mnt)
		return;
	lfs_workdir_close(c);
	if (work) {
		lfs_release(work);
		dput(work);
	}
	lfs_release(c->upper_mnt->mnt_root);
	/* Unlike kern_unmount(), waits for an expedited grace period. */
	kern_unmount_array(&c->upper_mnt, 1);
	c->upper_mnt = NULL;
}

/* Who may only look at a directory shall not keep others from using it. */
static int lfs_may_use(struct fs_context *fc, const char *opt, const char *name,
		       const struct path *path)
{
	int err = inode_permission(mnt_idmap(path->mnt), d_inode(path->dentry),
				   MAY_READ | MAY_WRITE | MAY_EXEC);

	if (err)
		errorfc(fc, "%s '%s' cannot be written to: %pe", opt, name, ERR_PTR(err));
	return err;
}

static int lfs_upper_suits(struct fs_context *fc, const struct lfs_params *p)
{
	const struct super_block *sb = p->upper.dentry->d_sb;

	if (sb_rdonly(sb) || __mnt_is_readonly(p->upper.mnt)) {
		errorfc(fc, "upperdir '%s' is on a read-only filesystem", p->upper_name);
		return -EROFS;
	}
	if (lfs_may_fold_case(p->upper.dentry)) {
		errorfc(fc, "upperdir '%s' is on a filesystem with case-insensitive names (%s)",
			p->upper_name, sb->s_type->name);
		return -EINVAL;
	}
	if (p->upper.dentry->d_flags & (DCACHE_OP_REVALIDATE | DCACHE_OP_WEAK_REVALIDATE)) {
		errorfc(fc, "upperdir '%s' is on a filesystem that others may change (%s)",
			p->upper_name, sb->s_type->name);
		return -EINVAL;
	}
	if (!(d_inode(p->upper.dentry)->i_opflags & IOP_XATTR)) {
		errorfc(fc, "upperdir '%s' is on a filesystem without extended attributes (%s)",
			p->upper_name, sb->s_type->name);
		return -EINVAL;
	}
	return lfs_may_use(fc, "upperdir", p->upper_name, &p->upper) ?:
	       lfs_may_use(fc, "workdir", p->work_name, &p->work);
}

/*
 * What the container makes for itself, temporaries and whiteouts, is the mounter's.  If
 * the id map of the upper's mount has no place for him, it is the work directory's
 * owner's, if the mounter could have become him.
 */
static int lfs_upper_suits_mounter(struct fs_context *fc, struct lfs_container *c,
				   struct cred *cred)
{
	const struct lfs_params *p = c->params;
	struct mnt_idmap *idmap = mnt_idmap(p->upper.mnt);
	struct inode *work = d_inode(p->work.dentry);
	struct user_namespace *ns = current_user_ns();
	kuid_t uid = vfsuid_into_kuid(i_uid_into_vfsuid(idmap, work));
	kgid_t gid = vfsgid_into_kgid(i_gid_into_vfsgid(idmap, work));

	if (fsuidgid_has_mapping(p->upper.dentry->d_sb, idmap))
		return 0;
	if (kuid_has_mapping(ns, uid) && kgid_has_mapping(ns, gid) &&
	    ns_capable(ns, CAP_SETUID) && ns_capable(ns, CAP_SETGID)) {
		cred->fsuid = uid;
		cred->fsgid = gid;
		return 0;
	}
	errorfc(fc, "upperdir '%s' is on an id-mapped mount without an id for the mounter, user %u",
		p->upper_name, from_kuid_munged(ns, current_fsuid()));
	return -EOVERFLOW;
}

static int lfs_upper_open(struct fs_context *fc, struct lfs_container *c)
{
	const struct lfs_params *p = c->params;
	int err;

	err = lfs_upper_suits(fc, p) ?:
	      lfs_dir_take(fc, "upperdir", p->upper_name, p->upper.dentry);
	if (err)
		return err;
	c->upper_mnt = clone_private_mount(&p->upper);
	if (IS_ERR(c->upper_mnt)) {
		err = PTR_ERR(c->upper_mnt);
		c->upper_mnt = NULL;
		lfs_release(p->upper.dentry);
		errorfc(fc, "cannot use upperdir '%s': %pe%s", p->upper_name, ERR_PTR(err),
			lfs_clone_reason(err));
		return err;
	}
	/* Access times are kept as the container's own mount says. */
	c->upper_mnt->mnt_flags &= ~(MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME);
	c->wb_err = errseq_sample(&c->upper_mnt->mnt_sb->s_wb_err);
	spin_lock_init(&c->wb_lock);
	c->wb_told = c->wb_err;
	c->upper_fsid = lfs_image_fsid(lfs_container_image(c), &p->upper);

	err = lfs_dir_take(fc, "workdir", p->work_name, p->work.dentry);
	if (err)
		return err;
	c->work.base = dget(p->work.dentry);
	return lfs_workdir_open(fc, c, &p->work) ?: lfs_handles_open(fc, c) ?:
	       lfs_moved_open(fc, c);
}

/**
 * lfs_container_free - end a container
 * @c: without inodes; may be NULL
 *
 * Context: process context without locks; waits for a grace period.
 */
void lfs_container_free(struct lfs_container *c)
{
	if (!c)
		return;
	if (c->reg.id) {
		lfs_registry_del(&lfs_container_registry, &c->reg);
		atomic_dec(&lfs_container_image(c)->containers);
	}
	lfs_upper_close(c);
	mntput(c->image_mnt);
	if (c->cred)
		put_cred(c->cred);
	if (c->io_cred)
		put_cred(c->io_cred);
	free_percpu(c->counters);
	lfs_params_free(c->params);
	/* lfs_view_test() may be looking at it. */
	kfree_rcu(c, rcu);
}

/* The mounter's, less what a filesystem grants to its user as such. */
static const struct cred *lfs_nobodys_creds(void)
{
	struct cred *cred = prepare_creds();

	if (!cred)
		return NULL;
	cap_lower(cred->cap_effective, CAP_SYS_RESOURCE);
	cred->fsuid = KUIDT_INIT(overflowuid);
	cred->fsgid = KGIDT_INIT(overflowgid);
	return cred;
}

/**
 * lfs_container_make - a container for checked options
 * @fc: for messages
 * @params: options with their paths; taken over only on success
 * @image_mnt: of the image; taken over, also on failure
 *
 * Takes the upper and work directories and prepares the work directory.
 *
 * Return: the container, without a superblock; or an error, explained in @fc's
 * log.
 */
struct lfs_container *lfs_container_make(struct fs_context *fc, struct lfs_params *params,
					 struct vfsmount *image_mnt)
{
	struct lfs_container *c;
	struct cred *cred;
	int err = -ENOMEM;

	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c) {
		mntput(image_mnt);
		return ERR_PTR(-ENOMEM);
	}
	c->image_mnt = image_mnt;
	init_rwsem(&c->work.log);
	spin_lock_init(&c->work.whiteout_lock);
	cred = lfs_mounter_creds();
	c->cred = cred;
	c->io_cred = lfs_nobodys_creds();
	c->counters = alloc_percpu_gfp(struct lfs_counters, GFP_KERNEL_ACCOUNT);
	if (!c->cred || !c->io_cred || !c->counters)
		goto fail;
	c->params = params;
	if (params->upper_name) {
		/* Nobody has seen the credentials yet. */
		err = lfs_upper_suits_mounter(fc, c, cred) ?: lfs_upper_open(fc, c);
		if (err)
			goto fail;
	}
	return c;

fail:
	c->params = NULL;
	lfs_container_free(c);
	return ERR_PTR(err);
}

/**
 * lfs_upper_changed - say, once, that somebody else has changed a container's upper
 * @c: the container
 * @where: what of the upper or the work directory was found not to be what it was
 */
void lfs_upper_changed(struct lfs_container *c, const struct dentry *where)
{
	if (!test_and_set_bit(LFS_C_UPPER_CHANGED, &c->flags))
		pr_warn_ratelimited("upperdir '%s' was changed from outside the mount, at '%pd4'\n",
				    c->params->upper_name, where);
}

/**
 * lfs_container_init - at load
 */
int lfs_container_init(void)
{
	return lfs_container_inode_cache_init();
}

/**
 * lfs_container_exit - at unload, after a grace period for freed inodes
 */
void lfs_container_exit(void)
{
	lfs_container_inode_cache_exit();
}
