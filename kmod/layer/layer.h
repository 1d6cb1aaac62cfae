/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_LAYER_H
#define _LAYERFS_LAYER_H

#include <linux/mount.h>
#include <linux/path.h>
#include <linux/refcount.h>

#include "stats/counters.h"
#include "stats/registry.h"

/* Bits of lfs_layer.flags */
enum {
	LFS_LAYER_CHANGED,	/* somebody has changed it, which was logged */
};

/**
 * struct lfs_layer - one read-only directory tree
 * @reg: id and membership in lfs_layer_registry
 * @hash: in the table of layers, under its mutex
 * @ref: one for each layer set that holds the layer
 * @mnt: our own clone of the mount the layer was named through: read-only, no
 *       atime; its root is the layer's root.  Lives as long as the layer.  With
 *       MNT_NOSUID, setuid, setgid and capabilities of its files do not count.  Its
 *       id map is that of the mount that was cloned, and part of the identity
 * @origin_flags: of the flags of the mount that was cloned, those that are part of the
 *                identity
 * @user_ns: of the mounter; part of the identity, referenced
 * @has_submounts: something was mounted in it, as the first mounter saw it, when it
 *                 became a layer; never of a user namespace's.  Set after the layer has
 *                 been published
 * @ident: tells it from other layers in file handles; the same after a remount
 * @flags: LFS_LAYER_*, atomic bits
 * @path: absolute path as the first mounter named it
 * @images: how many images stack the layer
 * @counters: see <linux/layerfs.h>
 *
 * Two mounts name the same layer when they name the same directory through
 * mounts that are both nosuid or both not, and have the same id map, and from the same
 * user namespace.
 */
struct lfs_layer {
	struct lfs_registered reg;
	struct hlist_node hash;
	refcount_t ref;
	struct vfsmount *mnt;
	int origin_flags;
	struct user_namespace *user_ns;
	bool has_submounts;
	u64 ident;
	unsigned long flags;
	char *path;
	atomic_t images;
	struct lfs_counters __percpu *counters;
};

struct lfs_layer *lfs_layer_get(const struct path *path);
struct lfs_layer *lfs_layer_hold(struct lfs_layer *layer);
struct vfsmount *lfs_layer_put(struct lfs_layer *layer);
void lfs_layer_changed(struct lfs_layer *layer, const struct dentry *where);
bool lfs_layer_in_use(const struct dentry *root);
const char *lfs_clone_reason(int err);

#endif /* _LAYERFS_LAYER_H */
