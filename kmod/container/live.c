// SPDX-License-Identifier: GPL-2.0-only
/*
 * A layer that is a container, in which names come and go: what the image and the
 * containers above know of a directory holds as long as the directory's version below.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/namei.h>

#include "container/container.h"
#include "container/live.h"

/**
 * lfs_sb_is_live - whether names may come and go on a layer's filesystem
 * @sb: of a layer; only containers tell of it
 */
bool lfs_sb_is_live(const struct super_block *sb)
{
	const struct lfs_container *c;

	if (sb->s_type != &lfs_fs_type)
		return false;
	c = lfs_container_of(sb);
	return lfs_container_has_upper(c) || lfs_container_image(c)->live;
}

/**
 * lfs_live_version - lfs_image_version() of a directory of a live image
 * @dir: the directory
 * @settled: as lfs_image_version_settled()
 *
 * Calls itself as often as filesystems are stacked.
 */
u64 lfs_live_version(const struct inode *dir, bool settled)
{
	const struct lfs_image_inode *ii = lfs_ii(dir);
	struct inode *real;
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i <= ii->nr_below; i++) {
		real = d_inode(lfs_image_real(ii, i)->dentry);
		if (real->i_sb->s_type != &lfs_fs_type || !S_ISDIR(real->i_mode))
			continue;
		/* A change that counts already may not be in the dcache yet. */
		if (settled) {
			inode_lock_shared(real);
			inode_unlock_shared(real);
		}
		sum += atomic64_read(&lfs_i(real)->version);
		if (lfs_image(real) && lfs_container_image(lfs_c(real))->live)
			sum += lfs_live_version(d_inode(lfs_image(real)), settled);
	}
	return sum;
}

/* Whether @inode, NULL for no such name, is what @key says. */
static bool lfs_live_is(const struct inode *inode, const struct lfs_key *key)
{
	const struct dentry *upper;

	if (!inode)
		return !key->upper && !key->image;
	if (!key->upper)
		return key->image && key->image == lfs_image(inode);
	upper = lfs_upper(inode);
	/* Several names of one object have a dentry each. */
	if (!upper || d_inode(upper) != d_inode(key->upper))
		return false;
	return !S_ISDIR(inode->i_mode) || key->image == lfs_image(inode);
}

static int lfs_live_refresh(struct dentry *dentry, struct inode *dir, u64 version)
{
	struct dentry *upper_dir = lfs_upper(dir);
	const struct cred *old = NULL;
	struct name_snapshot name;
	struct lfs_key key;
	int err;

	take_dentry_name_snapshot(&name, dentry);
	if (upper_dir)
		old = override_creds(lfs_c(dir)->cred);
	err = lfs_resolve(dir, upper_dir, name.name.name, name.name.len, &key);
	if (old)
		revert_creds(old);
	release_dentry_name_snapshot(&name);
	if (err)
		return err;
	err = lfs_live_is(d_inode(dentry), &key);
	lfs_key_put(&key);
	if (err)
		lfs_live_note(dentry, version);
	return err;
}

/* A name is what it was if nothing changed below its directory, or not this one. */
static int lfs_live_revalidate(struct dentry *dentry, unsigned int flags)
{
	struct dentry *parent;
	struct inode *dir;
	int valid = 1;

	if (flags & LOOKUP_RCU)
		return -ECHILD;
	parent = dget_parent(dentry);
	dir = d_inode(parent);
	if (lfs_image(dir) &&
	    READ_ONCE(dentry->d_time) != (unsigned long)lfs_image_version(d_inode(lfs_image(dir))))
		valid = lfs_live_refresh(dentry, dir,
					 lfs_image_version_settled(d_inode(lfs_image(dir))));
	dput(parent);
	return valid;
}

/* Of containers on an image with such a layer only. */
const struct dentry_operations lfs_live_dentry_ops = {
	.d_revalidate	= lfs_live_revalidate,
};
