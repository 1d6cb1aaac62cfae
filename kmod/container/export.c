// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a file handle to the object: the real one is found by its filesystem, then
 * looked up by its path in the container, so that nothing is found but what shows.
 * Directories are therefore never without their place, and need no ->get_parent.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/exportfs.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/writeback.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "container/handle.h"
#include "container/settle.h"
#include "copyup/index.h"
#include "copyup/moved.h"
#include "image/list.h"
#include "image/names.h"
#include "layer/marker.h"

/* How often a lookup is tried that a rename has come in the way of. */
#define LFS_FIND_TRIES 10

/**
 * struct lfs_chain - a dentry and those above it
 * @v: the dentry, its parent and so on, without the root; referenced
 * @nr: how many
 * @max: how many @v has room for
 */
struct lfs_chain {
	struct dentry **v;
	unsigned int nr;
	unsigned int max;
};

static void lfs_chain_end(struct lfs_chain *chain)
{
	while (chain->nr)
		dput(chain->v[--chain->nr]);
	kvfree(chain->v);
}

/* Takes over the reference. */
static int lfs_chain_add(struct lfs_chain *chain, struct dentry *dentry)
{
	unsigned int max = chain->max ? chain->max * 2 : 16;
	struct dentry **v;

	if (chain->nr == chain->max) {
		v = kvrealloc(chain->v, array_size(max, sizeof(*v)), GFP_KERNEL);
		if (!v) {
			dput(dentry);
			return -ENOMEM;
		}
		chain->v = v;
		chain->max = max;
	}
	chain->v[chain->nr++] = dentry;
	return 0;
}

/* To be ended with lfs_chain_end(), also on failure; -ESTALE if @dentry is not below @root. */
static int lfs_chain_begin(struct lfs_chain *chain, struct dentry *dentry,
			   const struct dentry *root)
{
	int err = 0;

	memset(chain, 0, sizeof(*chain));
	dget(dentry);
	while (!err && dentry != root) {
		err = lfs_chain_add(chain, dentry);
		if (!err && IS_ROOT(dentry))
			err = -ESTALE;
		if (!err)
			dentry = dget_parent(dentry);
		else
			return err;
	}
	dput(dentry);
	return err;
}

/* What has the name of @named in @dir; -ESTALE if nothing has. */
static struct dentry *lfs_child_named(struct dentry *dir, struct dentry *named)
{
	struct name_snapshot name;
	struct dentry *child;

	take_dentry_name_snapshot(&name, named);
	child = lookup_one_unlocked(&nop_mnt_idmap, name.name.name, dir, name.name.len);
	release_dentry_name_snapshot(&name);
	if (!IS_ERR(child) && d_is_negative(child)) {
		dput(child);
		child = ERR_PTR(-ESTALE);
	}
	return child == ERR_PTR(-ENOENT) ? ERR_PTR(-ESTALE) : child;
}

/* A rename in @dir that the upper knows of and the dcache does not is over after this. */
static void lfs_await_rename(struct dentry *dir)
{
	inode_lock_shared(d_inode(dir));
	inode_unlock_shared(d_inode(dir));
}

/* The object whose place in the upper is @upper; what is in the upper shows. */
static struct dentry *lfs_find_upper_once(struct lfs_container *c, struct dentry *upper)
{
	struct dentry *dir = dget(c->sb->s_root), *next, *here;
	struct lfs_chain chain;
	int err;

	err = lfs_chain_begin(&chain, upper, c->upper_mnt->mnt_root);
	while (!err && chain.nr) {
		here = chain.v[--chain.nr];
		next = lfs_child_named(dir, here);
		err = PTR_ERR_OR_ZERO(next);
		if (!err) {
			struct dentry *is = lfs_upper(d_inode(next));

			if (!is || d_inode(is) != d_inode(here))
				err = -ESTALE;
		}
		dput(here);
		if (err == -ESTALE)
			lfs_await_rename(dir);
		if (!IS_ERR(next)) {
			dput(dir);
			dir = next;
		}
	}
	lfs_chain_end(&chain);
	if (!err)
		return dir;
	dput(dir);
	return ERR_PTR(err);
}

static struct dentry *lfs_find_upper(struct lfs_container *c, struct dentry *upper)
{
	int tries = LFS_FIND_TRIES;
	struct dentry *found;
	unsigned int seq;

	do {
		seq = read_seqbegin(&rename_lock);
		found = lfs_find_upper_once(c, upper);
	} while (found == ERR_PTR(-ESTALE) && read_seqretry(&rename_lock, seq) && --tries);
	return found;
}

/*
 * Whether the upper has no name for a copy, which is in the index for names that only
 * the image has.  There may be none any more: see lfs_links_lost().
 */
static int lfs_is_only_indexed(struct lfs_container *c, struct dentry *upper)
{
	struct layerfs_origin origin;
	struct dentry *copy;
	int err;

	if (d_inode(upper)->i_nlink != 1 || !lfs_index_dir(c))
		return 0;
	err = lfs_marker_origin(lfs_marks(c->sb), upper, &origin);
	if (err <= 0)
		return err;
	copy = lfs_index_lookup(c, &origin, false);
	if (IS_ERR_OR_NULL(copy))
		return PTR_ERR_OR_ZERO(copy);
	err = d_inode(copy) == d_inode(upper);
	dput(copy);
	return err;
}

/* An object of the upper, not a directory, that is known to show. */
static struct dentry *lfs_find_anywhere(struct lfs_container *c, struct dentry *upper)
{
	struct lfs_key key = { .upper = dget(upper) };
	int err;

	err = lfs_is_whiteout(upper) ? 1 : lfs_is_only_indexed(c, upper);
	/* Where its data is depends on its place. */
	if (!err)
		err = lfs_marker_metacopy(lfs_marks(c->sb), upper);
	if (err > 0)
		err = -ESTALE;
	if (!err)
		err = lfs_resolve_origin(c, &key);
	if (err) {
		lfs_key_put(&key);
		return ERR_PTR(err);
	}
	return d_obtain_alias(lfs_iget(c->sb, &key));
}

static int lfs_in_upper(void *context, struct dentry *dentry)
{
	const struct lfs_container *c = context;

	return is_subdir(dentry, c->upper_mnt->mnt_root);
}

static int lfs_in_upper_or_file(void *context, struct dentry *dentry)
{
	return !d_is_dir(dentry) || lfs_in_upper(context, dentry);
}

static struct dentry *lfs_real_decode(struct vfsmount *mnt, const struct lfs_handle *h,
				      int (*acceptable)(void *context, struct dentry *dentry),
				      void *context)
{
	struct dentry *real;

	real = exportfs_decode_fh(mnt, (struct fid *)h->real, h->len, h->type, acceptable,
				  context);
	return real ?: ERR_PTR(-ESTALE);
}

/* A file's place need not be known, if it is known to be in the upper. */
static struct dentry *lfs_decode_upper_anywhere(struct lfs_container *c,
						const struct lfs_handle *h)
{
	struct dentry *upper, *found;

	upper = lfs_real_decode(c->upper_mnt, h, lfs_in_upper_or_file, c);
	if (IS_ERR(upper))
		return upper;
	found = d_is_dir(upper) ? lfs_find_upper(c, upper) : lfs_find_anywhere(c, upper);
	dput(upper);
	return found;
}

static struct dentry *lfs_decode_upper(struct lfs_container *c, const struct lfs_handle *h)
{
	struct dentry *upper, *found = ERR_PTR(-ESTALE);
	bool ours = lfs_handle_is_ours(c, h);

	if (!lfs_container_has_upper(c))
		return ERR_PTR(-ESTALE);
	if (!ours || (h->kind & LFS_HANDLE_PARENT)) {
		upper = lfs_real_decode(c->upper_mnt, h, lfs_in_upper, c);
		if (!IS_ERR(upper)) {
			found = lfs_find_upper(c, upper);
			dput(upper);
		}
	}
	return IS_ERR(found) && ours ? lfs_decode_upper_anywhere(c, h) : found;
}

/* Whether the copy @upper was made of the image's object. */
static bool lfs_is_copy_of(struct lfs_container *c, struct dentry *upper,
			   const struct inode *image_inode)
{
	const struct lfs_image *image = lfs_container_image(c);
	const struct lfs_real *top = &lfs_ii(image_inode)->top;
	struct layerfs_origin origin;

	return lfs_marker_origin(image->marks, upper, &origin) > 0 &&
	       lfs_image_origin_fs(image, &origin) == image->fsid[top->layer] &&
	       le64_to_cpu(origin.ino) == d_inode(top->dentry)->i_ino &&
	       !inode_wrong_type(d_inode(upper), d_inode(top->dentry)->i_mode);
}

/* Whether a container's object is the one of the image, or what became of it. */
static bool lfs_is_of_image(struct inode *inode, const struct dentry *image)
{
	struct dentry *upper = lfs_upper(inode);

	if (lfs_image(inode) == image)
		return true;
	if (S_ISDIR(inode->i_mode) || d_is_dir(image))
		return false;
	/* Another name of it. */
	if (lfs_i(inode)->image &&
	    d_inode(lfs_ii(d_inode(lfs_i(inode)->image))->top.dentry) ==
	    d_inode(lfs_ii(d_inode(image))->top.dentry))
		return true;
	return upper && lfs_is_copy_of(lfs_c(inode), upper, d_inode(image));
}

/**
 * struct lfs_sought - an object of a layer, to be found if it is in use
 * @ino: its st_ino
 * @real: it or, of a directory that merges, the topmost one
 */
struct lfs_sought {
	u64 ino;
	const struct inode *real;
};

static int lfs_cached_test(struct inode *inode, void *data)
{
	const struct lfs_sought *sought = data;
	const struct lfs_inode *li = lfs_i(inode);

	return inode->i_ino == sought->ino && li->image &&
	       d_inode(lfs_ii(d_inode(li->image))->top.dentry) == sought->real;
}

/* An object of a layer, if it is in use, wherever it is now; or NULL. */
static struct dentry *lfs_find_cached(struct lfs_container *c, struct lfs_sought sought)
{
	struct dentry *alias = NULL;
	struct inode *inode;

	inode = ilookup5(c->sb, sought.ino, lfs_cached_test, &sought);
	if (!inode)
		return NULL;
	if (lfs_image(inode))
		alias = d_find_alias(inode) ?: d_find_any_alias(inode);
	/* Not so what is to be copied up: that needs to know its place. */
	if (!alias && !S_ISDIR(inode->i_mode) && lfs_upper(inode))
		return d_obtain_alias(inode);
	iput(inode);
	return alias;
}

static struct dentry *lfs_find_image_cached(struct lfs_container *c, struct dentry *image)
{
	struct lfs_sought sought = {
		.ino = d_inode(image)->i_ino,
		.real = d_inode(lfs_ii(d_inode(image))->top.dentry),
	};

	return lfs_find_cached(c, sought);
}

/* A copy that is in the upper, where the index or a note says. */
static struct dentry *lfs_find_noted(struct lfs_container *c, struct dentry *image)
{
	struct layerfs_origin origin;
	struct dentry *copy, *found;
	struct lfs_handle h;

	/* What is written there may be anybody's, who can mark a file as a copy, too. */
	if (!lfs_container_has_upper(c) || lfs_marks(c->sb)->is_user)
		return NULL;
	lfs_image_origin(d_inode(image), &origin);
	copy = d_is_dir(image) ? NULL : lfs_index_lookup(c, &origin, false);
	if (!IS_ERR_OR_NULL(copy)) {
		found = lfs_find_anywhere(c, copy);
		dput(copy);
	} else if (!lfs_moved_find(c, &origin, &h)) {
		found = lfs_decode_upper_anywhere(c, &h);
	} else {
		return NULL;
	}
	if (IS_ERR(found))
		return NULL;
	if (lfs_is_of_image(d_inode(found), image))
		return found;
	dput(found);
	return NULL;
}

/* From @dir of the container, which merges with the parent of @image, one step down. */
static struct dentry *lfs_image_step(struct dentry *dir, struct dentry *image)
{
	struct dentry *next = lfs_child_named(dir, image);

	if (!IS_ERR(next) && !lfs_is_of_image(d_inode(next), image)) {
		dput(next);
		next = ERR_PTR(-ESTALE);
	}
	if (next == ERR_PTR(-ESTALE))
		lfs_await_rename(dir);
	return next;
}

static struct dentry *lfs_find_image_once(struct lfs_container *c, struct dentry *image)
{
	struct dentry *dir = NULL, *next;
	struct lfs_chain chain;
	unsigned int i;
	int err;

	err = lfs_chain_begin(&chain, image, lfs_container_image_root(c));
	for (i = 0; !err && !dir && i < chain.nr; i++)
		dir = lfs_find_image_cached(c, chain.v[i]) ?: lfs_find_noted(c, chain.v[i]);
	if (dir)
		i--;
	else
		dir = dget(c->sb->s_root);
	while (!err && i-- > 0) {
		next = lfs_image_step(dir, chain.v[i]);
		err = PTR_ERR_OR_ZERO(next);
		if (!err) {
			dput(dir);
			dir = next;
		}
	}
	lfs_chain_end(&chain);
	if (!err)
		return dir;
	dput(dir);
	return ERR_PTR(err);
}

/* What an object of the image is in the container; -ESTALE if it does not show. */
static struct dentry *lfs_find_image(struct lfs_container *c, struct dentry *image)
{
	int tries = LFS_FIND_TRIES;
	struct dentry *found;
	unsigned int seq;

	do {
		seq = read_seqbegin(&rename_lock);
		found = lfs_find_image_once(c, image);
	} while (found == ERR_PTR(-ESTALE) && read_seqretry(&rename_lock, seq) && --tries);
	return found;
}

/* Whether a real object is, or is merged in, an object of the image. */
static bool lfs_image_shows(const struct inode *image_inode, const struct dentry *real,
			    unsigned int layer)
{
	const struct lfs_image_inode *ii = lfs_ii(image_inode);
	unsigned int i;

	for (i = 0; i <= ii->nr_below; i++) {
		const struct lfs_real *r = lfs_image_real(ii, i);

		if (r->layer == layer && d_inode(r->dentry) == d_inode(real))
			return true;
	}
	return false;
}

static struct dentry *lfs_image_child_named(struct dentry *dir, struct dentry *named)
{
	struct name_snapshot name;
	struct dentry *child;

	if (!d_is_dir(dir))
		return ERR_PTR(-ESTALE);
	take_dentry_name_snapshot(&name, named);
	child = lfs_image_lookup(dir, name.name.name, name.name.len);
	release_dentry_name_snapshot(&name);
	return child ?: ERR_PTR(-ESTALE);
}

/* What a real object of a layer is in the image; -ESTALE if it is hidden there. */
static struct dentry *lfs_find_in_image(struct lfs_container *c, struct dentry *real,
					unsigned int layer)
{
	struct vfsmount *mnt = lfs_container_image(c)->set->layers[layer]->mnt;
	struct dentry *dir = dget(lfs_container_image_root(c)), *next;
	struct lfs_chain chain;
	int err;

	err = lfs_chain_begin(&chain, real, mnt->mnt_root);
	while (!err && chain.nr) {
		next = lfs_image_child_named(dir, chain.v[chain.nr - 1]);
		dput(chain.v[--chain.nr]);
		err = PTR_ERR_OR_ZERO(next);
		if (!err) {
			dput(dir);
			dir = next;
		}
	}
	lfs_chain_end(&chain);
	if (!err && !lfs_image_shows(d_inode(dir), real, layer))
		err = -ESTALE;
	if (!err)
		return dir;
	dput(dir);
	return ERR_PTR(err);
}

/* Another name in the same directory of the file @real, whose own is gone or moved. */
static struct dentry *lfs_find_link(struct lfs_container *c, struct dentry *real,
				    unsigned int layer, u64 ino)
{
	struct dentry *parent = dget_parent(real), *found = ERR_PTR(-ESTALE), *dir, *image;
	struct lfs_image_list *list;
	const struct lfs_name *n;
	unsigned int i;

	dir = lfs_find_in_image(c, parent, layer);
	dput(parent);
	if (IS_ERR(dir))
		return dir;
	list = lfs_image_names(d_inode(dir));
	if (IS_ERR(list)) {
		dput(dir);
		return ERR_CAST(list);
	}
	for (i = 0; i < list->names->nr && found == ERR_PTR(-ESTALE); i++) {
		n = list->names->v[i];
		if (n->ino != ino)
			continue;
		image = lfs_image_lookup(dir, n->name, n->len);
		if (IS_ERR_OR_NULL(image))
			continue;
		if (lfs_image_shows(d_inode(image), real, layer))
			found = lfs_find_image(c, image);
		dput(image);
	}
	lfs_image_list_put(list);
	dput(dir);
	return found;
}

static int lfs_in_layer(void *context, struct dentry *dentry)
{
	return is_subdir(dentry, context);
}

static struct dentry *lfs_decode_in_layer(struct lfs_container *c, const struct lfs_handle *h,
					  unsigned int layer)
{
	const struct lfs_image *all = lfs_container_image(c);
	struct vfsmount *mnt = all->set->layers[layer]->mnt;
	struct dentry *real, *image, *found;
	struct lfs_sought sought;

	real = lfs_real_decode(mnt, h, lfs_in_layer, mnt->mnt_root);
	if (IS_ERR(real))
		return real;
	sought.real = d_inode(real);
	sought.ino = lfs_ino(all, all->fsid[layer], sought.real->i_ino);
	found = lfs_find_cached(c, sought);
	if (found) {
		dput(real);
		return found;
	}
	image = lfs_find_in_image(c, real, layer);
	if (IS_ERR(image)) {
		found = image;
	} else {
		found = lfs_find_image(c, image);
		dput(image);
	}
	if (found == ERR_PTR(-ESTALE) && !d_is_dir(real) && sought.real->i_nlink > 1)
		found = lfs_find_link(c, real, layer, sought.ino);
	dput(real);
	return found;
}

static struct dentry *lfs_decode_layer(struct lfs_container *c, const struct lfs_handle *h)
{
	const struct lfs_image *image = lfs_container_image(c);
	struct dentry *found = ERR_PTR(-ESTALE);
	unsigned int i;
	u64 ident;

	for (i = 0; i < image->set->nr && found == ERR_PTR(-ESTALE); i++) {
		ident = lfs_image_layer_ident(image, i);
		if (!memcmp(h->mark, &ident, sizeof(ident)))
			found = lfs_decode_in_layer(c, h, i);
	}
	return found;
}

static struct dentry *lfs_fh_to_dentry(struct super_block *sb, struct fid *fid, int fh_len,
				       int fh_type)
{
	struct lfs_container *c = lfs_container_of(sb);
	struct dentry *found = ERR_PTR(-ESTALE);
	const struct cred *old;
	struct lfs_handle h;

	if (lfs_handle_read(&h, fid->raw, fh_len, fh_type))
		return ERR_PTR(-ESTALE);
	/* To find is the mounter's right; to open what was found, the caller's. */
	old = override_creds(c->cred);
	switch (h.kind & ~LFS_HANDLE_PARENT) {
	case LFS_HANDLE_UPPER:
		found = lfs_decode_upper(c, &h);
		break;
	case LFS_HANDLE_LAYER:
		found = lfs_decode_layer(c, &h);
		break;
	}
	revert_creds(old);
	return found;
}

/* What nfsd asks for after each change. */
static int lfs_commit_metadata(struct inode *inode)
{
	struct dentry *upper = lfs_upper(inode);
	struct lfs_container *c = lfs_c(inode);
	const struct export_operations *ops;
	int err;

	if (!upper)
		return 0;
	if (c->params->is_volatile)
		return lfs_volatile_status(c);
	ops = upper->d_sb->s_export_op;
	lfs_log_begin(c);
	err = lfs_settle_dirs(c);
	if (!err && ops && ops->commit_metadata)
		err = ops->commit_metadata(d_inode(upper));
	else if (!err)
		err = sync_inode_metadata(d_inode(upper), 1);
	lfs_log_end(c);
	return err;
}

const struct export_operations lfs_export_ops = {
	.encode_fh		= lfs_encode_fh,
	.fh_to_dentry		= lfs_fh_to_dentry,
	.commit_metadata	= lfs_commit_metadata,
};
