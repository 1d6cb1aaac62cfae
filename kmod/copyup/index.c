// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index: a directory where the copy of an object of a layer that has several
 * names is found by what it is a copy of, and beside it a record of how many of the
 * names only the image has.
 */
#include <linux/dcache.h>
#include <linux/fs_context.h>
#include <linux/hex.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/string.h>

#include "container/container.h"
#include "copyup/index.h"
#include "image/names.h"
#include "layer/lower.h"

/**
 * lfs_index_dir - the directory
 * @c: the container
 *
 * Return: NULL as long as nothing was ever put into it.
 */
struct dentry *lfs_index_dir(const struct lfs_container *c)
{
	/* Pairs with cmpxchg() in lfs_index_make(). */
	return smp_load_acquire(&c->work.index);
}

/**
 * lfs_index_name - what an object is called in the index
 * @name: filled in
 * @origin: where it comes from
 * @record: its record, not its copy
 */
void lfs_index_name(struct lfs_index_name *name, const struct layerfs_origin *origin,
		    bool record)
{
	char *end = bin2hex(name->s, origin, sizeof(*origin));

	strscpy(end, record ? LAYERFS_NAMES_SUFFIX : "", name->s + sizeof(name->s) - end);
	name->len = strlen(name->s);
}

/**
 * lfs_index_lookup - find an object's copy, or record
 * @c: the container
 * @origin: where it comes from
 * @record: its record, not its copy
 *
 * Context: the mounter's credentials are in force.
 * Return: the dentry, referenced; NULL; an error.
 */
struct dentry *lfs_index_lookup(struct lfs_container *c, const struct layerfs_origin *origin,
				bool record)
{
	struct dentry *dir = lfs_index_dir(c);
	struct lfs_index_name name;

	if (!dir)
		return NULL;
	lfs_index_name(&name, origin, record);
	return lfs_real_lookup(lfs_upper_idmap(c), dir, name.s, name.len);
}

/**
 * lfs_index_make - make sure that there is an index
 * @c: the container
 *
 * overlayfs, which does not know it, is told first: it would show names as they
 * were before the copy-up.
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_index_make(struct lfs_container *c)
{
	struct dentry *dir;
	int err;

	if (lfs_index_dir(c))
		return 0;
	err = lfs_work_mark(c, LAYERFS_LINKS_DIR);
	if (err)
		return err;
	dir = lfs_work_subdir(c, c->work.base, LAYERFS_LINKS_DIR);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	if (cmpxchg(&c->work.index, NULL, dir))
		dput(dir);
	return 0;
}

static int lfs_index_unlink(struct lfs_container *c, struct dentry *dir, const char *name,
			    unsigned int len)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	struct dentry *child;
	int err;

	inode_lock_nested(d_inode(dir), I_MUTEX_PARENT);
	child = lookup_one(idmap, name, dir, len);
	err = PTR_ERR_OR_ZERO(child);
	if (!err) {
		if (d_is_positive(child))
			err = lfs_real_remove(idmap, dir, child);
		dput(child);
	}
	inode_unlock(d_inode(dir));
	return err;
}

/**
 * lfs_index_remove - take an object's copy, or its record, out of the index
 * @c: the container
 * @origin: where it comes from
 * @record: its record, not its copy
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 * Return: 0, also if it was not there; an error.
 */
int lfs_index_remove(struct lfs_container *c, const struct layerfs_origin *origin, bool record)
{
	struct dentry *dir = lfs_index_dir(c);
	struct lfs_index_name name;
	int err;

	if (!dir)
		return 0;
	lfs_index_name(&name, origin, record);
	err = lfs_index_unlink(c, dir, name.s, name.len);
	if (err)
		pr_warn_ratelimited("cannot remove '%s' in the index: %pe\n", name.s,
				    ERR_PTR(err));
	return err;
}

/**
 * lfs_record_read - how many names of an object only the image has
 * @record: of the object
 * @left: set
 *
 * Return: false if the record does not say.
 */
bool lfs_record_read(const struct dentry *record, unsigned int *left)
{
	struct timespec64 t = inode_get_mtime(d_inode(record));

	if (t.tv_nsec || t.tv_sec < 0 || t.tv_sec > LAYERFS_NAMES_MAX)
		return false;
	*left = t.tv_sec;
	return true;
}

/**
 * lfs_record_write - note how many names of an object only the image has
 * @c: the container
 * @record: of the object
 * @left: the number
 *
 * Context: between lfs_write_begin() and lfs_write_end().
 */
int lfs_record_write(struct lfs_container *c, struct dentry *record, unsigned int left)
{
	struct iattr attr = {
		.ia_valid = ATTR_MTIME | ATTR_MTIME_SET,
		.ia_mtime.tv_sec = min_t(unsigned int, left, LAYERFS_NAMES_MAX),
	};
	int err;

	inode_lock(d_inode(record));
	err = notify_change(lfs_upper_idmap(c), record, &attr, NULL);
	inode_unlock(d_inode(record));
	return err;
}

/* Whether a name of the index is of no use to any name of the container. */
static int lfs_index_is_dead(struct lfs_container *c, struct dentry *dir,
			     const struct lfs_name *n)
{
	struct mnt_idmap *idmap = lfs_upper_idmap(c);
	const int suffix = strlen(LAYERFS_NAMES_SUFFIX), len = n->len - suffix;
	struct dentry *record, *copy;
	unsigned int left;
	bool dead;

	/* With its record goes the copy. */
	if (len <= 0 || strcmp(n->name + len, LAYERFS_NAMES_SUFFIX))
		return 0;
	record = lfs_real_lookup(idmap, dir, n->name, n->len);
	if (IS_ERR_OR_NULL(record))
		return PTR_ERR_OR_ZERO(record);
	dead = lfs_record_read(record, &left) && !left;
	dput(record);
	if (!dead)
		return 0;
	copy = lfs_real_lookup(idmap, dir, n->name, len);
	if (IS_ERR_OR_NULL(copy))
		return copy ? PTR_ERR(copy) : 1;
	dead = d_inode(copy)->i_nlink == 1;
	dput(copy);
	return dead;
}

/* What a crash left when the last name was gone. */
static int lfs_index_clean(struct lfs_container *c, struct dentry *dir)
{
	struct path path = { .mnt = c->upper_mnt, .dentry = dir };
	struct lfs_names *names = lfs_names_alloc();
	const struct lfs_name *n;
	unsigned int i;
	int err;

	if (!names)
		return -ENOMEM;
	err = lfs_real_list(&path, c->cred, names, lfs_real_ino, NULL, NULL, 0);
	for (i = 0; err >= 0 && i < names->nr; i++) {
		n = names->v[i];
		err = lfs_index_is_dead(c, dir, n);
		if (err <= 0)
			continue;
		/* The record last: without it, the copy would stay for good. */
		err = lfs_index_unlink(c, dir, n->name, n->len - strlen(LAYERFS_NAMES_SUFFIX));
		if (!err)
			err = lfs_index_unlink(c, dir, n->name, n->len);
	}
	lfs_names_free(names);
	return err;
}

static int lfs_index_use(struct lfs_container *c, struct dentry *dir)
{
	int err;

	if (!d_is_dir(dir))
		return -ENOTDIR;
	err = lfs_index_clean(c, dir);
	if (err)
		return err;
	err = lfs_index_unlink(c, c->work.base, LAYERFS_LINKS_DIR,
			       strlen(LAYERFS_LINKS_DIR));
	if (err != -ENOTEMPTY)
		return err;
	/* It is there, unless it was taken away by hand. */
	err = lfs_work_mark(c, LAYERFS_LINKS_DIR);
	if (!err)
		c->work.index = dget(dir);
	return err;
}

/**
 * lfs_index_open - look for an index at mount
 * @fc: for messages
 * @c: its work directory is open
 *
 * One that holds nothing goes, and with it what keeps overlayfs from the upper.
 *
 * Context: between lfs_write_begin() and lfs_write_end(), or before there are
 * others.
 */
int lfs_index_open(struct fs_context *fc, struct lfs_container *c)
{
	struct dentry *dir;
	int err;

	dir = lfs_real_lookup(lfs_upper_idmap(c), c->work.base, LAYERFS_LINKS_DIR,
			      strlen(LAYERFS_LINKS_DIR));
	if (!dir)
		return 0;
	err = PTR_ERR_OR_ZERO(dir);
	if (!err) {
		err = lfs_index_use(c, dir);
		dput(dir);
	}
	if (err)
		errorfc(fc, "cannot use '%s' in workdir '%s': %pe", LAYERFS_LINKS_DIR,
			c->params->work_name, ERR_PTR(err));
	return err;
}
