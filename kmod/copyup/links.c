// SPDX-License-Identifier: GPL-2.0-only
/*
 * An object of a layer that has several names is one object in the container: its
 * one copy is found from each of the names by the index, and how many names only
 * the image has is counted, so that the copy goes with the last one.
 */
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>

#include "container/container.h"
#include "copyup/copyup.h"
#include "copyup/index.h"
#include "copyup/links.h"
#include "layer/lower.h"
#include "layer/marker.h"

/**
 * lfs_links_alloc - what is known of an object with several names
 * @origin: what it is in its layer
 *
 * Return: to be freed with lfs_links_free(); or NULL.
 */
struct lfs_links *lfs_links_alloc(const struct layerfs_origin *origin)
{
	struct lfs_links *links = kzalloc(sizeof(*links), GFP_KERNEL_ACCOUNT);

	if (links)
		links->origin = *origin;
	return links;
}

/**
 * lfs_links_free - end what lfs_links_alloc() began
 * @links: may be NULL
 */
void lfs_links_free(struct lfs_links *links)
{
	if (!links)
		return;
	dput(links->record);
	kfree(links);
}

/**
 * lfs_links_of_layer - whether an object of a layer has several names
 * @image_inode: of the image
 *
 * Return: what is known of it; NULL if it has one; -ENOMEM.
 */
struct lfs_links *lfs_links_of_layer(const struct inode *image_inode)
{
	const struct inode *real = d_inode(lfs_ii(image_inode)->top.dentry);
	struct layerfs_origin origin;

	if (S_ISDIR(image_inode->i_mode) || real->i_nlink < 2 ||
	    !lfs_can_be_marked(lfs_image_of(image_inode->i_sb)->marks, image_inode->i_mode))
		return NULL;
	lfs_image_origin(image_inode, &origin);
	return lfs_links_alloc(&origin) ?: ERR_PTR(-ENOMEM);
}

/**
 * lfs_links_of_upper - whether an object of the upper is such a one's copy
 * @c: the container
 * @upper: not a directory
 * @origin: what it says that it is the copy of
 *
 * Context: the mounter's credentials are in force.
 * Return: what is known of it; NULL; an error.
 */
struct lfs_links *lfs_links_of_upper(struct lfs_container *c, struct dentry *upper,
				     const struct layerfs_origin *origin)
{
	struct dentry *copy;
	bool same;

	/* The index has one link to it. */
	if (d_inode(upper)->i_nlink < 2)
		return NULL;
	copy = lfs_index_lookup(c, origin, false);
	if (IS_ERR_OR_NULL(copy))
		return ERR_CAST(copy);
	same = d_inode(copy) == d_inode(upper);
	dput(copy);
	if (!same)
		return NULL;
	return lfs_links_alloc(origin) ?: ERR_PTR(-ENOMEM);
}

static int lfs_links_load_copy(struct lfs_inode *li)
{
	const struct lfs_real *top = &lfs_ii(d_inode(li->image))->top;
	struct dentry *copy;
	int prot = 0;

	copy = lfs_index_lookup(lfs_c(&li->vfs_inode), &li->links->origin, false);
	if (IS_ERR_OR_NULL(copy))
		return PTR_ERR_OR_ZERO(copy);
	if (inode_wrong_type(d_inode(copy), d_inode(top->dentry)->i_mode)) {
		pr_warn_ratelimited("'%pd2' is not the copy of a file of its name's\n", copy);
		dput(copy);
		return -EIO;
	}
	/* Who looked up a name that only a layer has knew of no mark. */
	if (d_is_reg(copy))
		prot = lfs_marker_protattr(lfs_marks(li->vfs_inode.i_sb), copy);
	if (prot < 0) {
		dput(copy);
		return prot;
	}
	lfs_prot_set(&li->vfs_inode, prot);
	/* It may have been made a moment ago. */
	set_bit(LFS_I_UNSETTLED, &li->flags);
	li->upper = copy;
	return 0;
}

static int lfs_links_load_record(struct lfs_inode *li)
{
	struct lfs_container *c = lfs_c(&li->vfs_inode);
	struct lfs_links *links = li->links;
	struct dentry *record;

	/* What the layer's filesystem says is the most there can be. */
	links->left = li->image ? d_inode(lfs_ii(d_inode(li->image))->top.dentry)->i_nlink : 1;
	record = lfs_index_lookup(c, &links->origin, true);
	if (IS_ERR(record))
		return PTR_ERR(record);
	if (record && lfs_record_read(record, &links->left))
		links->record = record;
	else
		dput(record);
	links->counted = links->record || !li->upper;
	return 0;
}

/**
 * lfs_links_load - find out what the index has on an object
 * @inode: new: in the hash, but locked, so that nobody changes it meanwhile
 *
 * Sets its upper, if it has a copy.
 */
int lfs_links_load(struct inode *inode)
{
	struct lfs_inode *li = lfs_i(inode);
	const struct cred *old;
	int err = 0;

	old = lfs_override_creds(inode->i_sb);
	if (!li->upper)
		err = lfs_links_load_copy(li);
	if (!err)
		err = lfs_links_load_record(li);
	revert_creds(old);
	return err;
}

/**
 * lfs_links_nlink - st_nlink of an object with several names
 * @links: of it
 * @upper: its copy, or NULL
 */
unsigned int lfs_links_nlink(const struct lfs_links *links, const struct inode *upper)
{
	unsigned int left = READ_ONCE(links->left);

	if (!upper)
		return left;
	/* All but the link in the index, which goes with the last name. */
	return upper->i_nlink ? upper->i_nlink - 1 + left : 0;
}

/**
 * lfs_links_begin - be ready to count an object's names
 * @inode: has several names; its lock is held
 *
 * What can fail fails now, when nothing has been counted yet: there is an index,
 * and in it the object's record.
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_links_begin(struct inode *inode)
{
	struct lfs_new file = { .mode = S_IFREG | 0600 };
	struct lfs_links *links = lfs_i(inode)->links;
	struct lfs_container *c = lfs_c(inode);
	struct lfs_index_name name;
	struct dentry *record;
	struct qstr q;
	int err;

	if (links->record || !links->counted)
		return 0;
	err = lfs_index_make(c);
	if (err)
		return err;
	record = lfs_work_make(c, &file);
	if (IS_ERR(record))
		return PTR_ERR(record);
	err = lfs_record_write(c, record, links->left);
	lfs_index_name(&name, &links->origin, true);
	q = (struct qstr)QSTR_INIT(name.s, name.len);
	if (!err)
		err = lfs_work_move(c, record, lfs_index_dir(c), &q, NULL, RENAME_NOREPLACE);
	if (err) {
		lfs_work_remove(c, record);
		dput(record);
		return err;
	}
	links->record = record;
	return 0;
}

/* One name less that only the image has. */
static void lfs_links_count_down(struct inode *inode)
{
	struct lfs_links *links = lfs_i(inode)->links;
	int err;

	/* A layer's filesystem that tells lies may have more names than it says. */
	if (links->left <= !links->counted)
		return;
	WRITE_ONCE(links->left, links->left - 1);
	if (!links->record)
		return;
	err = lfs_record_write(lfs_c(inode), links->record, links->left);
	if (err)
		pr_warn_ratelimited("'%pd2' counts a name too many: %pe\n", links->record,
				    ERR_PTR(err));
}

static int lfs_links_alias_locked(struct mnt_idmap *idmap, struct dentry *upper_dir,
				  const struct qstr *name, struct dentry *copy)
{
	struct lfs_times times;
	struct dentry *child;
	int err;

	/* The name has gone, and its directory after it. */
	if (IS_DEADDIR(d_inode(upper_dir)))
		return 0;
	child = lookup_one(idmap, name->name, upper_dir, name->len);
	if (IS_ERR(child))
		return PTR_ERR(child);
	/* Else the name is there, or it went while the copy was made. */
	err = 0;
	if (d_is_negative(child)) {
		lfs_times_get(upper_dir, &times);
		err = vfs_link(copy, idmap, d_inode(upper_dir), child, NULL);
		if (!err) {
			/* Not a change of the directory that anyone should see. */
			lfs_times_set(idmap, upper_dir, &times);
			err = 1;
		}
	}
	dput(child);
	return err;
}

/**
 * lfs_links_alias - give a name that only the image has its link in the upper
 * @dentry: the name; its inode's lock is held
 * @parent: its parent, in the upper
 * @copy: the object in the upper
 *
 * Nothing is done if the name has it already, or is no more.
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_links_alias(struct dentry *dentry, struct inode *parent, struct dentry *copy)
{
	struct dentry *upper_dir = lfs_upper(parent);
	struct name_snapshot name;
	int err;

	if (d_unlinked(dentry))
		return 0;
	err = lfs_mark_impure(parent) ?: lfs_inner_mark_dir(parent, d_inode(dentry));
	if (err)
		return err;
	take_dentry_name_snapshot(&name, dentry);
	inode_lock_nested(d_inode(upper_dir), I_MUTEX_PARENT);
	err = lfs_links_alias_locked(lfs_upper_idmap(lfs_c(parent)), upper_dir, &name.name,
				     copy);
	inode_unlock(d_inode(upper_dir));
	release_dentry_name_snapshot(&name);
	if (err > 0)
		lfs_links_count_down(d_inode(dentry));
	return min(err, 0);
}

/**
 * lfs_links_place_name - make sure that a name is in the upper, as its object is
 * @dentry: the name; it and its parent do not change
 *
 * Context: as lfs_copyup().
 */
int lfs_links_place_name(struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	const struct cred *old;
	int err;

	if (!lfs_i(inode)->links)
		return 0;
	err = lfs_copyup(dentry->d_parent, LFS_COPYUP_ALL);
	if (err)
		return err;
	if (mutex_lock_killable(&lfs_i(inode)->lock))
		return -EINTR;
	err = lfs_write_begin(inode->i_sb, &old);
	if (!err) {
		err = lfs_links_alias(dentry, d_inode(dentry->d_parent), lfs_upper(inode));
		lfs_copy_attrs(inode);
		lfs_write_end(inode->i_sb, old);
	}
	mutex_unlock(&lfs_i(inode)->lock);
	return err;
}

/**
 * lfs_name_in_upper - whether the upper has a name, not only the object
 * @dir: its parent, in the upper, its i_rwsem held
 * @dentry: the name; its inode's lock is held
 *
 * Context: the mounter's credentials are in force.
 * Return: 1, 0 or an error.
 */
int lfs_name_in_upper(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct dentry *child;
	int there;

	if (!lfs_upper(inode) || !lfs_i(inode)->links)
		return !!lfs_upper(inode);
	child = lfs_real_lookup(lfs_upper_idmap(lfs_c(dir)), lfs_upper(dir), dentry->d_name.name,
				dentry->d_name.len);
	if (IS_ERR_OR_NULL(child))
		return PTR_ERR_OR_ZERO(child);
	there = !lfs_is_whiteout(child);
	dput(child);
	return there;
}

/**
 * lfs_links_begin_loss - be ready for an object to lose a name
 * @inode: the object; its lock is held
 * @in_upper: from lfs_name_in_upper(), also an error
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_links_begin_loss(struct inode *inode, int in_upper)
{
	const struct lfs_links *links = lfs_i(inode)->links;

	if (in_upper || !links)
		return min(in_upper, 0);
	/* The last name of what was never changed leaves nothing to count. */
	return links->left > 1 || lfs_upper(inode) ? lfs_links_begin(inode) : 0;
}

/**
 * lfs_links_lost - an object with several names has lost one
 * @inode: the object; its lock is held
 * @in_upper: the upper had the name
 *
 * With the last one the index lets go of it.
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
void lfs_links_lost(struct inode *inode, bool in_upper)
{
	struct lfs_links *links = lfs_i(inode)->links;
	struct lfs_container *c = lfs_c(inode);

	if (!in_upper)
		lfs_links_count_down(inode);
	lfs_copy_attrs(inode);
	if (inode->i_nlink)
		return;
	/* The record last: without it, the copy would stay for good. */
	if (lfs_index_remove(c, &links->origin, false))
		return;
	lfs_index_remove(c, &links->origin, true);
	dput(links->record);
	links->record = NULL;
	lfs_copy_attrs(inode);
}
