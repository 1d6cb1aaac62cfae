// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one place where N layers are merged.  The result stays in the dcache of
 * the image, absent names too, and answers every container from then on.
 */
#include <linux/cred.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "container/live.h"
#include "image/image.h"
#include "image/list.h"
#include "image/names.h"
#include "layer/lower.h"
#include "layer/marker.h"

/**
 * struct lfs_walk - one name on its way down through the layers
 * @image: the image
 * @parent: directory of the image that the name is looked up in
 * @path: what is looked up in the next layer: a name in @parent's directories,
 *        or, after a redirect, a path from the layer's root, starting with '/'
 * @owned: @path, if it was allocated
 * @found: what is to be merged, topmost first
 * @nr: how many
 * @in_vain: how many directories of layers were asked for a name they do not have
 * @max: how many @found has room for
 * @stop: nothing below the current layer takes part
 * @no_data: @found is a file whose data is to be looked for: what comes next is
 *           not merged with it, but may have the data
 * @xwhiteouts: the directory at hand may hold whiteouts in the form of attributes
 * @asking: the layer of the last file of which the data is to be looked for
 * @absolute: its redirect, or one on the way since, leads from a layer's root
 * @index: the names of @parent, or NULL; a reference
 * @name: @path in it; valid until a redirect
 * @again: how far its sources have been asked
 */
struct lfs_walk {
	struct lfs_image *image;
	struct lfs_image_inode *parent;
	const char *path;
	char *owned;
	struct lfs_real *found;
	unsigned int nr;
	unsigned int max;
	unsigned int in_vain;
	unsigned int asking;
	bool stop;
	bool no_data;
	bool xwhiteouts;
	bool absolute;
	struct lfs_image_list *index;
	const struct lfs_name *name;
	u32 again;
};

static int lfs_walk_add(struct lfs_walk *w, struct dentry *real, unsigned int layer)
{
	unsigned int max = w->max ? w->max * 2 : 4;
	struct lfs_real *found;

	if (w->nr == w->max) {
		found = kvrealloc(w->found, array_size(max, sizeof(*found)), GFP_KERNEL);
		if (!found)
			return -ENOMEM;
		w->found = found;
		w->max = max;
	}
	w->found[w->nr++] = (struct lfs_real) {
		.dentry = dget(real),
		.layer = layer,
		.xwhiteouts = w->xwhiteouts,
	};
	return 0;
}

/*
 * Below this layer, the component of w->path that ends before @rest is called
 * @redirect.  @start is where it begins.
 */
static int lfs_walk_redirect(struct lfs_walk *w, const char *start, const char *rest,
			     const char *redirect)
{
	int head = redirect[0] == '/' ? 0 : start - w->path;
	char *path;

	path = kasprintf(GFP_KERNEL, "%.*s%s%s", head, w->path, redirect, rest);
	if (!path)
		return -ENOMEM;
	kfree(w->owned);
	w->owned = path;
	w->path = path;
	if (strlen(path) < LFS_MAX_REDIRECT)
		return 0;
	pr_warn_ratelimited("redirects add up to a path of over %d bytes\n",
			    LFS_MAX_REDIRECT);
	return -EIO;
}

/* Go on where the redirect of the component from @start to @rest leads, if it has one. */
static int lfs_walk_follow(struct lfs_walk *w, struct dentry *real, const char *start,
			   const char *rest)
{
	char *redirect;
	int err;

	err = lfs_marker_redirect(w->image->marks, real, &redirect);
	if (err || !redirect)
		return err;
	/* From the root it leads out of what a directory on the way hides. */
	if (redirect[0] == '/') {
		w->stop = false;
		w->absolute = true;
	}
	err = lfs_walk_redirect(w, start, rest, redirect);
	kfree(redirect);
	return err;
}

/* What a directory's own marks say about the layers below. */
static int lfs_walk_markers(struct lfs_walk *w, struct dentry *real, unsigned int layer,
			    const char *start, const char *rest)
{
	struct mnt_idmap *idmap = mnt_idmap(w->image->set->layers[layer]->mnt);
	int err;

	err = lfs_marker_opaque(w->image->marks, real);
	if (err < 0)
		return err;
	w->xwhiteouts = err == LFS_XWHITEOUTS;
	if (err != LFS_OPAQUE)
		err = lfs_aufs_opaque(w->image->marks, idmap, real);
	if (err < 0)
		return err;
	if (err) {
		w->stop = true;
		return 0;
	}
	return lfs_walk_follow(w, real, start, rest);
}

/*
 * A non-directory at the end of the path, from @start on: what is shown, or what
 * has the data of it, or leads there.
 */
static int lfs_walk_file(struct lfs_walk *w, struct dentry *real, unsigned int layer,
			 const char *start)
{
	int metacopy = 0, inner = 0, err = 0;

	/* Hides what is below; shows only if nothing is above. */
	if (w->nr && (!w->no_data || !d_is_reg(real))) {
		w->stop = true;
		return 0;
	}
	/* An empty file needs none. */
	if (d_is_reg(real) && i_size_read(d_inode(real)))
		metacopy = lfs_marker_metacopy(w->image->marks, real);
	else if (!w->nr)
		inner = lfs_marker_inner_whiteout(w->image->marks, real);
	if (metacopy < 0 || inner < 0)
		return min(metacopy, inner);
	/* What is only on the way to the data plays no part. */
	if (!metacopy || !w->no_data)
		err = lfs_walk_add(w, real, layer);
	if (!err && inner)
		w->found[0].inner_whiteout = true;
	w->no_data = metacopy;
	w->asking = layer;
	w->absolute = false;
	if (!metacopy)
		w->stop = true;
	return err || !metacopy ? err : lfs_walk_follow(w, real, start, "");
}

/*
 * A place where something else is mounted by whoever looks: nobody does, in a
 * private mount, and the directory underneath need not be one to look into.
 */
static bool lfs_is_elsewhere(const struct dentry *real)
{
	return d_is_autodir(real) ||
	       (real->d_flags & (DCACHE_NEED_AUTOMOUNT | DCACHE_MANAGE_TRANSIT));
}

/* Whether the list says which layers to ask: not below a redirect, nor for data. */
static bool lfs_walk_is_listed(const struct lfs_walk *w)
{
	return w->index && !w->owned && !w->no_data;
}

/* Whether a name that was found in @dir is there in this spelling. */
static int lfs_walk_spelled(struct lfs_walk *w, struct dentry *dir, unsigned int layer,
			    const char *name, int len)
{
	struct path path = { .mnt = w->image->set->layers[layer]->mnt, .dentry = dir };

	if (lfs_walk_is_listed(w) || !lfs_folds_case(dir))
		return 1;
	return lfs_real_spelled(&path, name, len);
}

/*
 * The component at @start as it is in @dir, and whether a name beside it whites it out
 * in the layers below.
 */
static struct dentry *lfs_walk_find(struct lfs_walk *w, struct dentry *dir, unsigned int layer,
				    const char *start, int len, bool *covers)
{
	struct mnt_idmap *idmap = mnt_idmap(w->image->set->layers[layer]->mnt);
	const struct lfs_marks *marks = w->image->marks;
	struct dentry *real;
	int err;

	*covers = false;
	if (lfs_aufs_is_mark(marks, start, len))
		return NULL;
	real = lfs_real_lookup(idmap, dir, start, len);
	if (IS_ERR(real) || !marks->aufs)
		return real;
	err = lfs_aufs_find(marks, idmap, dir, start, len);
	if (err < 0) {
		dput(real);
		return ERR_PTR(err);
	}
	*covers = err;
	return real;
}

/*
 * One step: the component at *@pos in @dir of @layer.  Moves *@pos behind it.
 * Returns the directory reached, NULL when the walk in this layer has ended,
 * or an error.
 */
static struct dentry *lfs_walk_step(struct lfs_walk *w, struct dentry *dir,
				    unsigned int layer, const char **pos)
{
	const char *start = *pos, *rest = strchrnul(start, '/');
	bool lowest = layer + 1 == lfs_nr_merged(w->image->set), covers;
	struct dentry *real;
	int err = 0;

	lfs_count(w->image->set->layers[layer]->counters, LAYERFS_C_LOOKUPS, 1);
	real = lfs_walk_find(w, dir, layer, start, rest - start, &covers);
	w->stop |= covers;
	if (!real)
		w->in_vain++;
	if (real == ERR_PTR(-ESTALE))
		lfs_layer_changed(w->image->set->layers[layer], dir);
	if (IS_ERR_OR_NULL(real))
		return real;
	err = lfs_walk_spelled(w, dir, layer, start, rest - start);
	if (err <= 0)
		goto end;
	*pos = rest;

	if (lfs_is_elsewhere(real)) {
		err = -EREMOTE;
		goto end;
	}
	err = lfs_is_whiteout(real);
	if (!err && w->xwhiteouts)
		err = lfs_marker_whiteout(w->image->marks, real);
	if (err) {
		w->stop |= err > 0;
		err = min(err, 0);
		goto end;
	}
	if (!d_can_lookup(real)) {
		if (*rest)
			w->stop = true;
		else
			err = lfs_walk_file(w, real, layer, start);
		goto end;
	}
	/* No data, whatever the directory merges with. */
	if (!*rest && w->no_data) {
		w->stop = true;
		goto end;
	}
	w->xwhiteouts = false;
	if (!lowest && !covers) {
		/* May replace w->path, and with it what rest points into. */
		size_t left = strlen(rest);

		err = lfs_walk_markers(w, real, layer, start, rest);
		if (err)
			goto end;
		*pos = w->path + strlen(w->path) - left;
		rest = *pos;
	}
	if (*rest)
		return real;
	err = lfs_walk_add(w, real, layer);
end:
	dput(real);
	return ERR_PTR(err);
}

static int lfs_walk_layer(struct lfs_walk *w, const struct lfs_real *from)
{
	struct dentry *dir = dget(from->dentry), *next;
	const char *pos = w->path;

	w->xwhiteouts = from->xwhiteouts;
	do {
		/* Layers times components: as much as the layers' author likes. */
		if (fatal_signal_pending(current)) {
			dput(dir);
			return -EINTR;
		}
		cond_resched();
		if (*pos == '/')
			pos++;
		next = lfs_walk_step(w, dir, from->layer, &pos);
		dput(dir);
		dir = next;
	} while (!IS_ERR_OR_NULL(dir));
	return PTR_ERR_OR_ZERO(dir);
}

/* Where names have several spellings the list is made at once: without it each takes one. */
static bool lfs_walk_must_list(const struct lfs_walk *w)
{
	unsigned int i;

	for (i = 0; w->image->folds_case && i <= w->parent->nr_below; i++) {
		if (lfs_folds_case(lfs_image_real(w->parent, i)->dentry))
			return true;
	}
	return false;
}

/* The first of the directories merged in the parent to be asked. */
static unsigned int lfs_walk_first(struct lfs_walk *w)
{
	struct lfs_image_list *list;

	w->index = lfs_image_index(&w->parent->vfs_inode);
	if (!w->index && lfs_walk_must_list(w)) {
		list = lfs_image_names(&w->parent->vfs_inode);
		if (!IS_ERR(list) && list->tells_all)
			w->index = list;
		else if (!IS_ERR(list))
			lfs_image_list_put(list);
	}
	if (!w->index)
		return 0;
	w->name = lfs_names_find(w->index->names, w->path, strlen(w->path));
	return w->name && !w->name->whiteout ? w->name->source : w->parent->nr_below + 1;
}

/* The one after the i-th. */
static unsigned int lfs_walk_next(struct lfs_walk *w, unsigned int i)
{
	int next;

	if (!lfs_walk_is_listed(w))
		return i + 1;
	next = lfs_names_next(w->index->names, w->name, &w->again);
	return next < 0 ? w->parent->nr_below + 1 : next;
}

static int lfs_walk_merged(struct lfs_walk *w)
{
	const struct lfs_image_inode *root = lfs_ii(d_inode(w->image->sb->s_root));
	const struct lfs_real *real;
	unsigned int i, layer;
	int err;

	/* By name, through the directories merged in the parent ... */
	for (i = lfs_walk_first(w); i <= w->parent->nr_below; i = lfs_walk_next(w, i)) {
		real = lfs_image_real(w->parent, i);
		layer = real->layer;
		err = lfs_walk_layer(w, real);
		if (err || w->stop || real->last)
			return err;
		if (*w->path == '/')
			goto from_root;
	}
	return 0;

from_root:	/* ... until a redirect leads elsewhere */
	while (!lfs_image_real(root, layer)->last && ++layer < lfs_nr_merged(w->image->set)) {
		err = lfs_walk_layer(w, lfs_image_real(root, layer));
		if (err || w->stop)
			return err;
	}
	return 0;
}

/* What is at w->path in a layer that holds only data: its marks and links lead nowhere. */
static struct dentry *lfs_walk_data_layer(struct lfs_walk *w, const struct lfs_layer *layer)
{
	struct dentry *real = dget(layer->mnt->mnt_root), *next;
	const char *pos = w->path, *end;

	for (; *pos; pos = end) {
		end = strchrnul(++pos, '/');
		next = NULL;
		if (fatal_signal_pending(current)) {
			next = ERR_PTR(-EINTR);
		} else if (d_can_lookup(real)) {
			lfs_count(layer->counters, LAYERFS_C_LOOKUPS, 1);
			next = lfs_real_lookup(mnt_idmap(layer->mnt), real, pos, end - pos);
		}
		dput(real);
		if (IS_ERR_OR_NULL(next))
			return next;
		real = next;
		if (lfs_is_elsewhere(real)) {
			dput(real);
			return ERR_PTR(-EREMOTE);
		}
		cond_resched();
	}
	return real;
}

/*
 * The data of a file that none of the merged layers has.  Nothing in these hides it:
 * they are not merged with those.
 */
static int lfs_walk_data(struct lfs_walk *w)
{
	const struct lfs_layerset *set = w->image->set;
	struct dentry *real = NULL;
	unsigned int layer;
	int err = 0;

	for (layer = lfs_nr_merged(set); layer < set->nr; layer++) {
		real = lfs_walk_data_layer(w, set->layers[layer]);
		if (IS_ERR(real))
			return PTR_ERR(real);
		if (real && d_is_reg(real))
			break;
		dput(real);
		real = NULL;
	}
	if (real && i_size_read(d_inode(real)))
		err = lfs_marker_metacopy(w->image->marks, real);
	if (real && !err) {
		err = lfs_walk_add(w, real, layer);
		w->no_data = false;
	}
	dput(real);
	return min(err, 0);
}

static int lfs_walk_down(struct lfs_walk *w)
{
	int err = lfs_walk_merged(w);

	if (err || !w->no_data || !w->absolute || !lfs_has_data_layers(w->image->set, w->asking))
		return err;
	return lfs_walk_data(w);
}

/* The image cannot show what it has only half of. */
static int lfs_walk_no_data(const struct lfs_walk *w)
{
	pr_warn_ratelimited("'%pd4' has its data at '%s' in a layer below, where no file is\n",
			    w->found[0].dentry, w->path);
	return -EIO;
}

static void lfs_walk_end(struct lfs_walk *w)
{
	while (w->nr)
		dput(w->found[--w->nr].dentry);
	kvfree(w->found);
	kfree(w->owned);
	lfs_image_list_put(w->index);
}

/* Find what @name in @dir is made of.  To be ended with lfs_walk_end(), also on failure. */
static int lfs_walk_name(struct lfs_walk *w, struct inode *dir, const char *name)
{
	const struct cred *old;
	int err;

	*w = (struct lfs_walk){
		.image = lfs_image_of(dir->i_sb),
		.parent = lfs_ii(dir),
		.path = name,
	};
	lfs_count(w->image->counters, LAYERFS_C_LOOKUPS, 1);
	old = override_creds(w->image->cred);
	err = lfs_walk_down(w);
	revert_creds(old);
	return !err && w->no_data ? lfs_walk_no_data(w) : err;
}

static struct dentry *lfs_image_dir_lookup(struct inode *dir, struct dentry *dentry,
					   unsigned int flags)
{
	struct inode *inode = NULL;
	struct lfs_walk w;
	u64 version;
	int err;

	if (dentry->d_name.len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);

	version = lfs_image_version_settled(dir);
	err = lfs_walk_name(&w, dir, dentry->d_name.name);
	if (!err && w.nr) {
		inode = lfs_image_inode_make(dir->i_sb, w.found, w.nr);
		w.nr = 0;
		err = PTR_ERR_OR_ZERO(inode);
	}
	lfs_walk_end(&w);
	if (err)
		return ERR_PTR(err);
	lfs_image_index_in_vain(dir, w.in_vain);
	lfs_live_note(dentry, version);
	d_add(dentry, inode);
	return NULL;
}

static bool lfs_walk_found(const struct lfs_walk *w, const struct inode *inode)
{
	const struct lfs_image_inode *ii;
	unsigned int i;

	if (!inode || !w->nr)
		return !inode && !w->nr;
	ii = lfs_ii(inode);
	if (ii->nr_below + 1 != w->nr)
		return false;
	for (i = 0; i < w->nr; i++) {
		if (lfs_image_real(ii, i)->dentry != w->found[i].dentry ||
		    lfs_image_real(ii, i)->layer != w->found[i].layer)
			return false;
	}
	return true;
}

/*
 * Whether a name is what it was.  What it was stays with whoever has it, and is not found
 * by the name again.
 */
static int lfs_image_refresh(struct dentry *dir, struct dentry *dentry)
{
	u64 version = lfs_image_version_settled(d_inode(dir));
	struct lfs_walk w;
	int err;

	/* Nothing in an image is renamed. */
	err = lfs_walk_name(&w, d_inode(dir), dentry->d_name.name);
	if (!err)
		err = lfs_walk_found(&w, d_inode(dentry));
	lfs_walk_end(&w);
	if (err > 0)
		lfs_live_note(dentry, version);
	else if (!err)
		d_drop(dentry);
	return err;
}

/* What somebody has asked for before, positive or negative; NULL if nobody has. */
static struct dentry *lfs_image_known(struct dentry *dir, const char *name, int len)
{
	struct qstr this = QSTR_INIT(name, len);
	struct dentry *dentry;
	int same = 1;

	this.hash = full_name_hash(dir, name, len);
	dentry = d_lookup(dir, &this);
	if (dentry && lfs_image_of(dir->d_sb)->live &&
	    READ_ONCE(dentry->d_time) != (unsigned long)lfs_image_version(d_inode(dir)))
		same = lfs_image_refresh(dir, dentry);
	if (same > 0)
		return dentry;
	dput(dentry);
	return ERR_PTR(same);
}

/*
 * The image is reached only from inside the module, which decides by the real
 * objects; its own inodes carry no attributes to decide by.
 */
static int lfs_image_permission(struct mnt_idmap *idmap, struct inode *inode, int mask)
{
	return 0;
}

const struct inode_operations lfs_image_dir_iops = {
	.lookup		= lfs_image_dir_lookup,
	.permission	= lfs_image_permission,
};

/**
 * lfs_image_lookup - look up a name in an image
 * @dir: directory of the image
 * @name: one component, need not end in NUL
 * @len: its length in bytes
 *
 * Context: any credentials; takes @dir's i_rwsem shared on a miss.
 * Return: a positive dentry, NULL if there is no such name, or an error.
 */
struct dentry *lfs_image_lookup(struct dentry *dir, const char *name, int len)
{
	struct dentry *dentry = lfs_image_known(dir, name, len);

	if (IS_ERR(dentry))
		return dentry;
	if (!dentry)
		/* What is known to be absent needs no entry in the dcache that says so. */
		return lfs_image_lacks(d_inode(dir), name, len) ? NULL :
		       lfs_real_lookup(&nop_mnt_idmap, dir, name, len);
	if (d_is_positive(dentry))
		return dentry;
	dput(dentry);
	return NULL;
}

/**
 * lfs_image_walk - look up a path in an image
 * @root: the image's root
 * @path: components, each after one '/', valid as a redirect
 *
 * Return: what is at @path, NULL if there is nothing, or an error.
 */
struct dentry *lfs_image_walk(struct dentry *root, const char *path)
{
	struct dentry *dir = dget(root), *next;
	const char *end;

	while (*path) {
		if (!d_is_dir(dir)) {
			dput(dir);
			return NULL;
		}
		end = strchrnul(++path, '/');
		next = lfs_image_lookup(dir, path, end - path);
		dput(dir);
		if (IS_ERR_OR_NULL(next))
			return next;
		dir = next;
		path = end;
	}
	return dir;
}
