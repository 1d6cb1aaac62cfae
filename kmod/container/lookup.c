// SPDX-License-Identifier: GPL-2.0-only
/* A name in a container: the upper's object, the image's, or a directory of both. */
#include <linux/dcache.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/layerfs_ondisk.h>

#include "container/container.h"
#include "container/live.h"
#include "copyup/links.h"
#include "layer/lower.h"
#include "layer/marker.h"
#include "limits.h"

/**
 * lfs_resolve_origin - find out what an object in the upper that does not merge is
 * @c: the container
 * @key: @key->upper is the object; the rest is filled in
 *
 * Its st_ino is that of the layer's object it was copied up from, if the mark says so
 * and the layer's filesystem is there; else its own.
 *
 * Context: the mounter's credentials are in force.
 */
int lfs_resolve_origin(struct lfs_container *c, struct lfs_key *key)
{
	const struct lfs_image *image = lfs_container_image(c);
	struct layerfs_origin origin;
	struct lfs_links *links;
	int f, len;

	len = lfs_marker_origin(image->marks, key->upper, &origin);
	/* What cannot be read now is not absent: the number would change. */
	if (len < 0)
		return len;
	f = len ? lfs_image_origin_fs(image, &origin) : -1;
	key->ino = f < 0 ? lfs_upper_own_ino(c, key->upper) :
		   lfs_ino(image, f, le64_to_cpu(origin.ino));
	if (!len || d_is_dir(key->upper))
		return 0;
	links = lfs_links_of_upper(c, key->upper, &origin);
	if (IS_ERR(links))
		return PTR_ERR(links);
	key->links = links;
	return 0;
}

/**
 * lfs_key_put - drop the references of a key
 * @key: from lfs_resolve(), and not given to lfs_iget()
 */
void lfs_key_put(struct lfs_key *key)
{
	dput(key->upper);
	dput(key->image);
	lfs_links_free(key->links);
}

/* What the image has at @redirect of an object of the upper, or at its own name, or NULL. */
static struct dentry *lfs_image_partner(struct inode *dir, const char *name, int len,
					const char *redirect)
{
	struct dentry *image_dir = lfs_image(dir);

	if (redirect && redirect[0] == '/')
		return lfs_image_walk(lfs_container_image_root(lfs_c(dir)), redirect);
	if (!image_dir)
		return NULL;
	if (redirect)
		return lfs_image_lookup(image_dir, redirect, strlen(redirect));
	return lfs_image_lookup(image_dir, name, len);
}

/* The directory of the image that an upper directory merges with, or NULL. */
static struct dentry *lfs_merge_partner(struct inode *dir, const char *name, int len,
					struct dentry *upper)
{
	const struct lfs_marks *marks = lfs_marks(dir->i_sb);
	struct dentry *partner;
	char *redirect;
	int err;

	err = lfs_marker_opaque(marks, upper);
	if (err < 0)
		return ERR_PTR(err);
	if (err == LFS_OPAQUE)
		return NULL;
	err = lfs_marker_redirect(marks, upper, &redirect);
	if (err)
		return ERR_PTR(err);
	partner = lfs_image_partner(dir, name, len, redirect);
	kfree(redirect);
	if (!IS_ERR_OR_NULL(partner) && !d_is_dir(partner)) {
		dput(partner);
		partner = NULL;
	}
	return partner;
}

/* The file of the image that has the data of an upper file that has none. */
static struct dentry *lfs_data_partner(struct inode *dir, const char *name, int len,
				       struct dentry *upper)
{
	struct dentry *partner;
	char *redirect;
	int err;

	err = lfs_marker_redirect(lfs_marks(dir->i_sb), upper, &redirect);
	if (err)
		return ERR_PTR(err);
	partner = lfs_image_partner(dir, name, len, redirect);
	if (!partner || (!IS_ERR(partner) && !d_is_reg(partner))) {
		pr_warn_ratelimited("'%pd4' has its data at '%.*s' in a layer, where no file is\n",
				    upper, redirect ? LFS_MAX_REDIRECT : len, redirect ?: name);
		dput(partner);
		partner = ERR_PTR(-EIO);
	}
	kfree(redirect);
	return partner;
}

/* What a non-directory of the upper needs of the image: its data, or nothing. */
static int lfs_resolve_data(struct inode *dir, const char *name, int len, struct lfs_key *key)
{
	struct dentry *partner;
	int err;

	err = lfs_marker_metacopy(lfs_marks(dir->i_sb), key->upper);
	if (err <= 0)
		return err;
	partner = lfs_data_partner(dir, name, len, key->upper);
	if (IS_ERR(partner))
		return PTR_ERR(partner);
	key->image = partner;
	key->metacopy = true;
	return 0;
}

/* What the upper says about a name: 1 if that settles it, 0 to ask the image. */
static int lfs_resolve_upper(struct inode *dir, struct dentry *upper_dir, const char *name,
			     int len, struct lfs_key *key)
{
	struct lfs_container *c = lfs_c(dir);
	struct dentry *upper, *partner;
	int err;

	if (!upper_dir)
		return 0;
	upper = lfs_real_lookup(lfs_upper_idmap(c), upper_dir, name, len);
	if (upper == ERR_PTR(-ESTALE))
		lfs_upper_changed(c, upper_dir);
	if (IS_ERR_OR_NULL(upper))
		return PTR_ERR_OR_ZERO(upper);
	if (lfs_is_whiteout(upper)) {
		dput(upper);
		return 1;
	}
	key->upper = upper;
	if (d_can_lookup(upper)) {
		partner = lfs_merge_partner(dir, name, len, upper);
		if (IS_ERR(partner))
			return PTR_ERR(partner);
		key->image = partner;
		if (partner) {
			key->ino = d_inode(partner)->i_ino;
			return 1;
		}
	}
	err = d_can_lookup(upper) ? 0 : lfs_resolve_data(dir, name, len, key);
	return err ?: lfs_resolve_origin(c, key) ?: 1;
}

/**
 * lfs_resolve - find out what a name in a container consists of
 * @dir: directory of the container
 * @upper_dir: lfs_upper() of it, read once; if there is one, the mounter's
 *             credentials are in force
 * @name: one component, need not end in NUL
 * @len: its length in bytes
 * @key: filled in, to be put with lfs_key_put(); both dentries NULL if there is
 *       no such name
 *
 * Context: @dir's i_rwsem is held, or the caller can live with an answer that
 * is no longer true.
 * Return: 0 or an error, with nothing to put.
 */
int lfs_resolve(struct inode *dir, struct dentry *upper_dir, const char *name, int len,
		struct lfs_key *key)
{
	struct lfs_links *links;
	struct dentry *image;
	int err;

	memset(key, 0, sizeof(*key));
	err = lfs_resolve_upper(dir, upper_dir, name, len, key);
	if (err < 0) {
		lfs_key_put(key);
		return err;
	}
	if (err || !lfs_image(dir))
		return 0;
	image = lfs_image_lookup(lfs_image(dir), name, len);
	if (IS_ERR(image))
		return PTR_ERR(image);
	if (!image)
		return 0;
	links = lfs_links_of_layer(d_inode(image));
	if (IS_ERR(links)) {
		dput(image);
		return PTR_ERR(links);
	}
	key->image = image;
	key->links = links;
	key->ino = d_inode(image)->i_ino;
	return 0;
}

/**
 * lfs_covered - whether a name would appear if the upper did not have it
 * @dir: directory of the container
 * @name: one component
 *
 * So it takes a whiteout to remove the name.
 *
 * Return: 1, 0 or an error.
 */
int lfs_covered(struct inode *dir, const struct qstr *name)
{
	struct dentry *image;

	if (!lfs_image(dir))
		return 0;
	image = lfs_image_lookup(lfs_image(dir), name->name, name->len);
	if (IS_ERR(image))
		return PTR_ERR(image);
	dput(image);
	return !!image;
}

/*
 * The container's own upper or work directory, seen through a layer that they lie in.
 * What is in there changes all the time, and is no part of the layer.
 */
static bool lfs_is_own_dir(const struct lfs_container *c, struct dentry *image)
{
	const struct lfs_image_inode *ii = lfs_ii(d_inode(image));
	const struct dentry *real;
	unsigned int i;

	if (!c->params->upper_in_layer || !d_is_dir(image))
		return false;
	for (i = 0; i <= ii->nr_below; i++) {
		real = lfs_image_real(ii, i)->dentry;
		if (real == c->upper_mnt->mnt_root || real == c->work.base)
			return true;
	}
	return false;
}

/**
 * lfs_lookup - ->lookup of a container's directories
 * @dir: the directory, its i_rwsem held
 * @dentry: the name
 * @flags: LOOKUP_*
 */
struct dentry *lfs_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	struct dentry *upper_dir = lfs_upper(dir);
	struct lfs_container *c = lfs_c(dir);
	const struct cred *old = NULL;
	const struct dentry *image;
	struct inode *inode = NULL;
	struct lfs_key key;
	int err;

	if (dentry->d_name.len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);

	if (lfs_image(dir))
		lfs_live_note(dentry, lfs_image_version_settled(d_inode(lfs_image(dir))));
	lfs_count(c->counters, LAYERFS_C_LOOKUPS, 1);
	/* The image's lookup uses the image's own credentials. */
	if (upper_dir)
		old = override_creds(c->cred);
	err = lfs_resolve(dir, upper_dir, dentry->d_name.name, dentry->d_name.len, &key);
	if (old)
		revert_creds(old);
	if (err)
		return ERR_PTR(err);
	if (key.image && lfs_is_own_dir(c, key.image)) {
		lfs_key_put(&key);
		return ERR_PTR(-ELOOP);
	}
	image = key.image;
	if (key.upper || key.image)
		inode = lfs_iget(dir->i_sb, &key);
	/* A directory in use keeps what it merges with. */
	if (!IS_ERR_OR_NULL(inode) && S_ISDIR(inode->i_mode) && lfs_image(inode) != image)
		lfs_live_note(dentry, LFS_LIVE_UNKNOWN);
	return d_splice_alias(inode, dentry);
}
