/* SPDX-License-Identifier: GPL-2.0-only */
/* Whiteouts, opaque directories and redirects, as <linux/layerfs_ondisk.h> defines them. */
#ifndef _LAYERFS_MARKER_H
#define _LAYERFS_MARKER_H

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/string.h>
#include <linux/layerfs_ondisk.h>

#include "layerfs.h"

struct layerfs_origin;
struct mnt_idmap;

/**
 * lfs_is_whiteout - whether a real object is a whiteout
 * @real: positive dentry of a layer or an upper
 */
static inline bool lfs_is_whiteout(const struct dentry *real)
{
	const struct inode *inode = d_inode(real);

	return S_ISCHR(inode->i_mode) && inode->i_rdev == WHITEOUT_DEV;
}

/* What lfs_marker_opaque() returns. */
#define LFS_OPAQUE		1	/* hides the directories below */
#define LFS_XWHITEOUTS		2	/* may hold whiteouts in the form of attributes */

/* What lfs_marker_protattr() returns, or'ed. */
#define LFS_PROT_APPEND		1
#define LFS_PROT_IMMUTABLE	2

/**
 * struct lfs_marks - the attributes that mark objects of layers and uppers
 * @prefix: what all their names start with
 * @opaque: and the other names in full, see <linux/layerfs_ondisk.h>
 * @redirect: a redirect
 * @impure: an impure directory
 * @metacopy: data elsewhere
 * @whiteout: an empty file that is a whiteout
 * @origin: from where it was copied up
 * @protattr: append-only and immutable
 * @key: the key for file handles; NULL if @is_user
 * @escape: what names of attributes start with that a container shows as @prefix
 * @inner_opaque: @opaque, escaped
 * @inner_whiteout: @whiteout, escaped
 * @is_user: set by whoever may write to the object, and possible only on
 *           regular files and directories: redirects do not hold
 * @aufs: in layers, names that begin with LAYERFS_AUFS_PREFIX are whiteouts
 */
struct lfs_marks {
	const char *prefix;
	const char *opaque;
	const char *redirect;
	const char *impure;
	const char *metacopy;
	const char *whiteout;
	const char *origin;
	const char *protattr;
	const char *key;
	const char *escape;
	const char *inner_opaque;
	const char *inner_whiteout;
	bool is_user;
	bool aufs;
};

/* Whether an object of this type can be marked at all. */
static inline bool lfs_can_be_marked(const struct lfs_marks *marks, umode_t mode)
{
	return !marks->is_user || S_ISREG(mode) || S_ISDIR(mode);
}

extern const struct lfs_marks lfs_marks_trusted, lfs_marks_user;
extern const struct lfs_marks lfs_marks_trusted_aufs, lfs_marks_user_aufs;

/* Whether a name of a layer is a mark itself, and not shown. */
static inline bool lfs_aufs_is_mark(const struct lfs_marks *marks, const char *name, int len)
{
	const int prefix = sizeof(LAYERFS_AUFS_PREFIX) - 1;

	return marks->aufs && len >= prefix && !memcmp(name, LAYERFS_AUFS_PREFIX, prefix);
}

int lfs_aufs_find(const struct lfs_marks *marks, struct mnt_idmap *idmap, struct dentry *real,
		  const char *name, int len);
int lfs_aufs_opaque(const struct lfs_marks *marks, struct mnt_idmap *idmap, struct dentry *real);

int lfs_marker_opaque(const struct lfs_marks *marks, struct dentry *real);
int lfs_marker_whiteout(const struct lfs_marks *marks, struct dentry *real);
int lfs_marker_impure(const struct lfs_marks *marks, struct dentry *real);
int lfs_marker_redirect(const struct lfs_marks *marks, struct dentry *real, char **redirect);
int lfs_marker_origin(const struct lfs_marks *marks, struct dentry *real,
		      struct layerfs_origin *origin);
int lfs_marker_protattr(const struct lfs_marks *marks, struct dentry *real);
int lfs_marker_key(const struct lfs_marks *marks, struct dentry *real, void *key, size_t size);
int lfs_marker_metacopy(const struct lfs_marks *marks, struct dentry *real);
int lfs_marker_inner_whiteout(const struct lfs_marks *marks, struct dentry *real);
int lfs_marker_holds_inner(const struct lfs_marks *marks, struct dentry *real);
bool lfs_xattr_is_escaped(const struct lfs_marks *marks, const char *name);
bool lfs_xattr_is_private(const struct lfs_marks *marks, const char *name);

#endif /* _LAYERFS_MARKER_H */
