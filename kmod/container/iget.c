// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inodes of a container are found by st_ino, which is unique in the mount and
 * stays what it is over a copy-up, then told apart by the real objects.
 */
#include <linux/dcache.h>
#include <linux/kcsan-checks.h>
#include <linux/lockdep.h>

#include "container/container.h"
#include "copyup/links.h"
#include "io/realfile.h"
#include "layer/lower.h"
#include "layer/marker.h"

/*
 * The rwsem of a directory and of a file get a class for each depth of
 * stacking, as a layer or the upper may be a layerfs mount too.
 */
static void lfs_lock_classes(struct inode *inode)
{
#ifdef CONFIG_LOCKDEP
	static struct lock_class_key dir_key[FILESYSTEM_MAX_STACK_DEPTH + 1];
	static struct lock_class_key file_key[FILESYSTEM_MAX_STACK_DEPTH + 1];
	int depth = inode->i_sb->s_stack_depth;

	if (S_ISDIR(inode->i_mode))
		lockdep_set_class(&inode->i_rwsem, &dir_key[depth]);
	else
		lockdep_set_class(&inode->i_rwsem, &file_key[depth]);
#endif
}

/**
 * lfs_copy_attrs - make an inode's attributes those of its real object
 * @inode: of a container
 *
 * Context: any that may take i_lock.  Concurrent calls leave one of the states
 * that the real object was in.
 */
void lfs_copy_attrs(struct inode *inode)
{
	const unsigned int flags = S_SYNC | S_IMMUTABLE | S_APPEND | S_NOATIME;
	const struct lfs_inode *li = lfs_i(inode);
	unsigned int is;
	struct path path;
	bool upper = lfs_real_path(inode, &path);
	struct inode *real = d_inode(path.dentry);
	const struct lfs_links *links = lfs_i(inode)->links;
	struct mnt_idmap *idmap = mnt_idmap(path.mnt);

	spin_lock(&inode->i_lock);
	/*
	 * Races on purpose: the real inode's lock may not be taken here, and the
	 * VFS reads these without one on any filesystem.  Who changes the real
	 * object calls this afterwards, so half a change is soon a whole one.
	 */
	kcsan_disable_current();
	inode->i_uid = vfsuid_into_kuid(i_uid_into_vfsuid(idmap, real));
	inode->i_gid = vfsgid_into_kgid(i_gid_into_vfsgid(idmap, real));
	inode->i_mode = lfs_mode(real->i_mode, inode, upper);
	inode_set_atime_to_ts(inode, inode_get_atime(real));
	inode_set_mtime_to_ts(inode, inode_get_mtime(real));
	inode_set_ctime_to_ts(inode, inode_get_ctime(real));
	/* Who holds i_rwsem changes S_NOSEC, which must not come back from here. */
	is = (real->i_flags & flags) |
	     /* Reading a layer's object changes nothing: path walk need not ask. */
	     (upper ? 0 : S_NOATIME) |
	     (test_bit(LFS_I_APPEND, &li->flags) ? S_APPEND : 0) |
	     (test_bit(LFS_I_IMMUTABLE, &li->flags) ? S_IMMUTABLE : 0);
	if (inode->i_state & I_NEW)
		inode->i_flags |= is;
	else if ((inode->i_flags ^ is) & flags)
		inode_set_flags(inode, is, flags);
	/* A layer's object has a name here, whatever its filesystem says. */
	if (links)
		set_nlink(inode, lfs_links_nlink(links, upper ? real : NULL));
	else if (!S_ISDIR(inode->i_mode) && (upper || (inode->i_state & I_NEW)))
		set_nlink(inode, upper ? real->i_nlink : real->i_nlink ?: 1);
	i_size_write(inode, i_size_read(real));
	/* For FIOQSIZE; stat asks the real object. */
	if (S_ISREG(inode->i_mode)) {
		lfs_data_path(inode, &path);
		real = d_inode(path.dentry);
	}
	inode->i_blocks = READ_ONCE(real->i_blocks);
	inode->i_bytes = READ_ONCE(real->i_bytes);
	kcsan_enable_current();
	spin_unlock(&inode->i_lock);
}

static int lfs_iget_test(struct inode *inode, void *data)
{
	const struct lfs_key *key = data;
	struct lfs_inode *li = lfs_i(inode);
	struct dentry *upper = READ_ONCE(li->upper);

	if (inode->i_ino != key->ino)
		return 0;
	/*
	 * A name may have been looked up before the copy-up through another one, and
	 * its inode looked for after it.
	 */
	if (li->links && key->links)
		return !memcmp(&li->links->origin, &key->links->origin,
			       sizeof(key->links->origin));
	/*
	 * An upper inode that several names link to is one object.  What has an
	 * upper here and what has none are two, even if both merge with the same
	 * object of the image, as redirects made by hand can have it: who copies
	 * an object up holds its dentry, so nobody looks it up meanwhile.
	 */
	if (upper || key->upper)
		return upper && key->upper && d_inode(upper) == d_inode(key->upper);
	return li->image == key->image;
}

static int lfs_iget_set(struct inode *inode, void *data)
{
	struct lfs_inode *li = lfs_i(inode);
	struct lfs_key *key = data;

	inode->i_ino = key->ino;
	li->upper = key->upper;
	li->image = key->image;
	li->links = key->links;
	if (key->metacopy)
		set_bit(LFS_I_METACOPY, &li->flags);
	key->upper = NULL;
	key->image = NULL;
	key->links = NULL;
	return 0;
}

/*
 * A text that stays in memory with the real inode, as it stays with this one: path walk
 * takes it as it is.  The mounter's right to it is asked once.
 */
static void lfs_symlink_init(struct inode *inode)
{
	DEFINE_DELAYED_CALL(done);
	const struct cred *old;
	struct path path;
	char *text;

	lfs_real_path(inode, &path);
	text = READ_ONCE(d_inode(path.dentry)->i_link);
	if (!text)
		return;
	old = lfs_override_creds(inode->i_sb);
	if (lfs_real_get_link(path.dentry, &done) == text)
		inode->i_link = text;
	do_delayed_call(&done);
	revert_creds(old);
}

static void lfs_inode_init(struct inode *inode)
{
	struct inode *real = lfs_real_inode(inode);

	inode->i_mode = lfs_mode(real->i_mode, inode, lfs_upper(inode));
	lfs_copy_attrs(inode);
	switch (inode->i_mode & S_IFMT) {
	case S_IFDIR:
		/* What find(1) takes for "cannot tell": the parts overlap. */
		set_nlink(inode, 1);
		inode->i_op = &lfs_dir_iops;
		inode->i_fop = &lfs_dir_fops;
		break;
	case S_IFREG:
		inode->i_op = &lfs_file_iops;
		inode->i_fop = &lfs_file_fops;
		break;
	case S_IFLNK:
		inode->i_op = &lfs_symlink_iops;
		lfs_symlink_init(inode);
		break;
	default:
		init_special_inode(inode, inode->i_mode, real->i_rdev);
		inode->i_op = &lfs_special_iops;
		break;
	}
	lfs_lock_classes(inode);
}

/*
 * The file may have got its data since its name was looked up, through another of
 * its names, and may have been changed and forgotten.  From here on it is this inode
 * that gets it.
 */
static int lfs_metacopy_load(struct inode *inode)
{
	struct lfs_inode *li = lfs_i(inode);
	const struct cred *old;
	int err;

	old = lfs_override_creds(inode->i_sb);
	err = lfs_marker_metacopy(lfs_marks(inode->i_sb), li->upper);
	revert_creds(old);
	if (!err)
		clear_bit(LFS_I_METACOPY, &li->flags);
	return min(err, 0);
}

/**
 * lfs_iget_new - the inode of an object, with one at hand to be used
 * @inode: from new_inode(), so that this cannot fail if @key has no links and is no
 *         metacopy
 * @key: what the object consists of; its references are taken over
 *
 * Return: the inode; @inode itself unless the object was known before; or an error
 * of lfs_links_load() or of the upper's filesystem.
 */
struct inode *lfs_iget_new(struct inode *inode, struct lfs_key *key)
{
	struct inode *found;
	int err;

	found = inode_insert5(inode, key->ino, lfs_iget_test, lfs_iget_set, key);
	if (found != inode) {
		iput(inode);
		lfs_key_put(key);
		return found;
	}
	/* Only now: whoever would change what is found there finds this inode first. */
	err = lfs_i(inode)->links ? lfs_links_load(inode) : 0;
	if (!err && test_bit(LFS_I_METACOPY, &lfs_i(inode)->flags))
		err = lfs_metacopy_load(inode);
	if (err) {
		iget_failed(inode);
		return ERR_PTR(err);
	}
	lfs_inode_init(inode);
	unlock_new_inode(inode);
	return found;
}

static int lfs_key_is_inner_whiteout(const struct super_block *sb, const struct lfs_key *key)
{
	if (key->upper)
		return lfs_marker_inner_whiteout(lfs_marks(sb), key->upper);
	return lfs_ii(d_inode(key->image))->top.inner_whiteout;
}

/**
 * lfs_iget - the inode of an object, found or made
 * @sb: the container's
 * @key: what it consists of; its references are taken over, also on failure
 *
 * Who asks has no dentry for it, so it is not expected to be found.
 *
 * Return: the inode; -ENOMEM; an error of the upper's filesystem or of
 * lfs_links_load().
 */
struct inode *lfs_iget(struct super_block *sb, struct lfs_key *key)
{
	struct inode *inode = new_inode(sb);
	int prot = 0, inner;

	if (!inode) {
		lfs_key_put(key);
		return ERR_PTR(-ENOMEM);
	}
	if (key->upper && (d_is_reg(key->upper) || d_is_dir(key->upper)))
		prot = lfs_marker_protattr(lfs_marks(sb), key->upper);
	inner = prot < 0 ? prot : lfs_key_is_inner_whiteout(sb, key);
	if (inner < 0) {
		iput(inode);
		lfs_key_put(key);
		return ERR_PTR(inner);
	}
	if (inner)
		set_bit(LFS_I_INNER_WHITEOUT, &lfs_i(inode)->flags);
	lfs_prot_set(inode, prot);
	/* It may be a copy made a moment ago, whose inode was dropped since. */
	if (key->upper)
		set_bit(LFS_I_UNSETTLED, &lfs_i(inode)->flags);
	return lfs_iget_new(inode, key);
}
