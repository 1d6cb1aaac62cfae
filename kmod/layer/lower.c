// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/posix_acl.h>
#include <linux/sched/signal.h>

#include "image/names.h"
#include "layer/lower.h"
#include "layer/marker.h"

/**
 * lfs_real_is_spelled - whether what a lookup has found has the name that was looked up
 * @dentry: what was found
 * @name: one component, need not end in NUL
 * @len: its length in bytes
 *
 * xfs can be made to find "Makefile" by "makefile", and then gives what is called
 * "Makefile".  Others that fold case give what has the name that was asked for, and true is
 * the answer: see lfs_real_spelled().
 */
bool lfs_real_is_spelled(struct dentry *dentry, const char *name, int len)
{
	bool is;

	if (lfs_may_fold_case(dentry))
		return true;
	spin_lock(&dentry->d_lock);
	is = dentry->d_name.len == len && !memcmp(dentry->d_name.name, name, len);
	spin_unlock(&dentry->d_lock);
	return is;
}

/**
 * lfs_real_lookup - look up a name in a real directory
 * @idmap: of the mount that it is looked into through
 * @dir: directory of a layer or an upper
 * @name: one component, need not end in NUL
 * @len: its length in bytes
 *
 * Context: the mounter's credentials are in force; takes @dir's i_rwsem shared
 * unless the name is cached.
 * Return: a positive dentry; NULL if there is no such name; -ESTALE if @dir has been
 * removed: what it hid must not show because of that; another error.
 */
struct dentry *lfs_real_lookup(struct mnt_idmap *idmap, struct dentry *dir, const char *name,
			       int len)
{
	struct dentry *dentry = lookup_one_positive_unlocked(idmap, name, dir, len);

	if (IS_ERR(dentry) &&
	    (PTR_ERR(dentry) == -ENOENT || PTR_ERR(dentry) == -ENAMETOOLONG))
		return IS_DEADDIR(d_inode(dir)) ? ERR_PTR(-ESTALE) : NULL;
	if (!IS_ERR(dentry) && !lfs_real_is_spelled(dentry, name, len)) {
		dput(dentry);
		return NULL;
	}
	return dentry;
}

/**
 * lfs_fs_asks_who - whether a filesystem's answers may depend on the caller
 * @sb: its superblock
 *
 * Those on a local disk and in memory answer from the inode alone, once it is
 * open; network and user space ones may ask who is calling.
 */
bool lfs_fs_asks_who(const struct super_block *sb)
{
	if (sb->s_magic == FUSE_SUPER_MAGIC)
		return true;
	return !(sb->s_type->fs_flags & FS_REQUIRES_DEV) && sb->s_magic != TMPFS_MAGIC;
}

/**
 * lfs_real_getattr - attributes of a real object
 * @path: the object
 * @stat: filled in
 * @mask: STATX_* wanted
 * @flags: AT_STATX_*
 * @cred: the mounter's
 *
 * The caller's right was checked on the merged object.
 */
int lfs_real_getattr(const struct path *path, struct kstat *stat, u32 mask,
		     unsigned int flags, const struct cred *cred)
{
	const struct cred *old;
	int err;

	if (!lfs_fs_asks_who(path->dentry->d_sb))
		return vfs_getattr_nosec(path, stat, mask, flags);

	old = override_creds(cred);
	err = vfs_getattr_nosec(path, stat, mask, flags);
	revert_creds(old);
	return err;
}

/**
 * lfs_real_acl - the ACL of a real object as its mount shows it
 * @path: the object
 * @acl: as its filesystem has it, an error or NULL; taken over
 *
 * Return: @acl itself unless the mount is id-mapped; who it names and the map does not
 * know is nobody.
 */
struct posix_acl *lfs_real_acl(const struct path *path, struct posix_acl *acl)
{
	struct user_namespace *ns = i_user_ns(d_inode(path->dentry));
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	struct posix_acl_entry *e;
	struct posix_acl *shown;

	if (IS_ERR_OR_NULL(acl) || !is_idmapped_mnt(path->mnt))
		return acl;
	shown = posix_acl_clone(acl, GFP_KERNEL);
	posix_acl_release(acl);
	if (!shown)
		return ERR_PTR(-ENOMEM);
	for (e = shown->a_entries; e < shown->a_entries + shown->a_count; e++) {
		if (e->e_tag == ACL_USER)
			e->e_uid = vfsuid_into_kuid(make_vfsuid(idmap, ns, e->e_uid));
		else if (e->e_tag == ACL_GROUP)
			e->e_gid = vfsgid_into_kgid(make_vfsgid(idmap, ns, e->e_gid));
	}
	return shown;
}

/**
 * lfs_real_get_link - the target of a real symbolic link
 * @dentry: the link
 * @done: to be called when the target has served
 *
 * A link that is more than its text, as in procfs, moves the caller's path walk
 * instead of giving a target, and there may be none under way.
 *
 * Context: the mounter's credentials are in force.
 */
const char *lfs_real_get_link(struct dentry *dentry, struct delayed_call *done)
{
	/* What readlink(2) would call instead of ->get_link. */
	if (d_inode(dentry)->i_op->readlink)
		return ERR_PTR(-ELOOP);
	return vfs_get_link(dentry, done);
}

/**
 * lfs_real_open - open a real object for the mounter
 * @path: the object
 * @flags: O_*, for reading
 * @cred: the mounter's, in force
 *
 * The caller's right was checked on the merged object, whose owner and mode may
 * be those of another one above this.  Reading it changes no access time.
 */
struct file *lfs_real_open(const struct path *path, int flags, const struct cred *cred)
{
	int err = inode_permission(mnt_idmap(path->mnt), d_inode(path->dentry),
				   MAY_OPEN | MAY_READ);

	/* Of layers the mount sees to it; a FUSE server may have no right to the flag. */
	if (!(path->mnt->mnt_flags & MNT_NOATIME))
		flags |= O_NOATIME;
	return err ? ERR_PTR(err) : dentry_open(path, flags, cred);
}

struct lfs_list_ctx {
	struct dir_context ctx;
	struct lfs_names *names;
	u64 (*map)(u64 ino, const void *arg);
	const void *arg;
	const struct lfs_marks *marks;
	struct lfs_names *covered;
	unsigned int calls;
	int err;
};

static bool lfs_list_actor(struct dir_context *ctx, const char *name, int len,
			   loff_t off, u64 ino, unsigned int type)
{
	struct lfs_list_ctx *lc = container_of(ctx, struct lfs_list_ctx, ctx);

	lc->calls++;
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return true;
	if (lc->covered && lfs_aufs_is_mark(lc->marks, name, len)) {
		name += strlen(LAYERFS_AUFS_PREFIX);
		len -= strlen(LAYERFS_AUFS_PREFIX);
		if (len)
			lc->err = lfs_names_add(lc->covered, name, len, DT_UNKNOWN, 0);
	} else {
		lc->err = lfs_names_add(lc->names, name, len, type, lc->map(ino, lc->arg));
	}
	return !lc->err;
}

/* Settle what readdir could not tell: is it a whiteout, what type is it? */
static int lfs_list_settle_one(struct lfs_name *n, struct dentry *real,
			       const struct lfs_marks *marks, bool xwhiteouts, bool inner)
{
	int err;

	n->type = fs_umode_to_dtype(d_inode(real)->i_mode);
	n->whiteout = lfs_is_whiteout(real);
	if (xwhiteouts) {
		err = lfs_marker_whiteout(marks, real);
		if (err < 0)
			return err;
		n->whiteout |= err;
	}
	if (inner) {
		err = lfs_marker_inner_whiteout(marks, real);
		if (err < 0)
			return err;
		if (err)
			n->type = DT_CHR;
	}
	return 0;
}

static int lfs_list_settle(const struct path *dir, struct lfs_names *names, unsigned int from,
			   const struct lfs_marks *marks, unsigned int whiteouts)
{
	bool xwhiteouts = whiteouts & LFS_LIST_XWHITEOUTS;
	struct dentry *real;
	struct lfs_name *n;
	unsigned int i;
	int err, inner;

	inner = marks ? lfs_marker_holds_inner(marks, dir->dentry) : 0;
	if (inner < 0)
		return inner;
	for (i = from; i < names->nr; i++) {
		n = names->v[i];
		if (n->type != DT_CHR && n->type != DT_UNKNOWN &&
		    !((xwhiteouts || inner) && n->type == DT_REG))
			continue;
		real = lfs_real_lookup(mnt_idmap(dir->mnt), dir->dentry, n->name, n->len);
		if (IS_ERR(real))
			return PTR_ERR(real);
		if (!real) {
			/* Gone since; what it hid is not ours to guess. */
			n->whiteout = true;
			continue;
		}
		err = lfs_list_settle_one(n, real, marks, xwhiteouts, inner);
		dput(real);
		if (err)
			return err;
	}
	return 0;
}

/* What is whited out by names is so in the layers below; in this one it may be there. */
static int lfs_list_cover(struct lfs_names *names, const struct lfs_names *covered)
{
	unsigned int i, nr;
	int err = 0;

	for (i = 0; !err && i < covered->nr; i++) {
		nr = names->nr;
		err = lfs_names_add(names, covered->v[i]->name, covered->v[i]->len, DT_WHT, 0);
		if (names->nr > nr)
			names->v[nr]->whiteout = true;
	}
	return err;
}

/* All of an open directory, into @lc->names and @lc->covered. */
static int lfs_list_read(struct file *file, struct lfs_list_ctx *lc)
{
	unsigned int seen;
	int err;

	do {
		seen = lc->calls;
		err = iterate_dir(file, &lc->ctx);
		if (!err)
			err = lc->err;
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
	} while (!err && lc->calls != seen);
	return err;
}

/**
 * lfs_real_list - add the names of a real directory to a list
 * @dir: the directory
 * @cred: the mounter's
 * @names: names already in it stay as they are: a layer above wins
 * @map: turns an inode number of @dir's filesystem into a st_ino
 * @arg: for @map
 * @marks: which attributes count, or NULL if none does
 * @whiteouts: LFS_LIST_*, or'ed
 *
 * Whiteouts are added and marked as such.
 *
 * Return: 0; -EINTR on a fatal signal; -ENOMEM; -EFBIG for too many names; -ESTALE if
 * @dir has been removed; an error of the filesystem.
 */
int lfs_real_list(const struct path *dir, const struct cred *cred, struct lfs_names *names,
		  u64 (*map)(u64 ino, const void *arg), const void *arg,
		  const struct lfs_marks *marks, unsigned int whiteouts)
{
	struct lfs_list_ctx lc = {
		.ctx.actor = lfs_list_actor,
		.names = names,
		.map = map,
		.arg = arg,
		.marks = marks,
	};
	unsigned int from = names->nr;
	const struct cred *old;
	struct file *file;
	int err;

	if (whiteouts & LFS_LIST_AUFS) {
		lc.covered = lfs_names_alloc();
		if (!lc.covered)
			return -ENOMEM;
	}
	old = override_creds(cred);
	file = lfs_real_open(dir, O_RDONLY | O_DIRECTORY | O_LARGEFILE, cred);
	err = PTR_ERR_OR_ZERO(file);
	if (!err) {
		err = lfs_list_read(file, &lc);
		if (err == -ENOENT && IS_DEADDIR(file_inode(file)))
			err = -ESTALE;
		if (!err)
			err = lfs_list_settle(dir, names, from, marks, whiteouts);
		if (!err && lc.covered)
			err = lfs_list_cover(names, lc.covered);
		fput(file);
	}
	revert_creds(old);
	lfs_names_free(lc.covered);
	return err;
}

/**
 * lfs_real_ino - for lfs_real_list(): numbers as they are
 * @ino: the number
 * @arg: not used
 */
u64 lfs_real_ino(u64 ino, const void *arg)
{
	return ino;
}
