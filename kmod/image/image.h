/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_IMAGE_H
#define _LAYERFS_IMAGE_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mount.h>
#include <linux/spinlock.h>

#include "layer/layerset.h"
#include "limits.h"
#include "stats/counters.h"
#include "stats/registry.h"

struct layerfs_origin;
struct lfs_marks;
struct lfs_image_list;

/**
 * struct lfs_fs - a filesystem under an image
 * @sb: its superblock; kept by the layers that lie on it
 * @idmap: of the layers' mounts: through another map, the same object has another
 *         owner, so it is another object
 * @dev: st_dev of the layers' roots: subvolumes of one btrfs number their
 *       inodes each for itself
 * @lowest: the lowest layer on it
 * @known: its uuid tells it from those of lower layers
 */
struct lfs_fs {
	const struct super_block *sb;
	struct mnt_idmap *idmap;
	dev_t dev;
	unsigned int lowest;
	bool known;
};

/**
 * struct lfs_reader - as whom, and how, the layers of an image are read
 * @cred: the mounter's, from lfs_mounter_creds()
 * @secid: what the security modules call him, from security_current_getsecid_subj():
 *         not all of them tell it of a struct cred
 * @marks: which attributes count
 */
struct lfs_reader {
	const struct cred *cred;
	u32 secid;
	const struct lfs_marks *marks;
};

/**
 * struct lfs_image - an ordered list of layers, merged once
 * @reg: id and membership in lfs_image_registry
 * @set: the layers, top first; owned
 * @cred: the mounter's, for all access to the layers; owned.  Equal in rights
 *        to those of every container on the image
 * @secid: what the security modules called the mounter; theirs, too
 * @marks: which attributes mark whiteouts and the like in its layers and in the
 *         uppers of its containers
 * @sb: the image's superblock; the image lives as long as it
 * @fs: the distinct filesystems the layers lie on, from the bottom
 * @nr_fs: how many
 * @ino_bits: of a st_ino, how many the real inode's number gets
 * @folds_case: a layer may fold case, in some of its directories
 * @live: a layer is a container, in which names come and go
 * @fsid: for each layer, which of @fs it lies on; not of those that hold only data
 * @containers: how many containers stand on the image
 * @lists_lock: nothing is taken under it
 * @lists: the lists of names of its directories, longest not used first; under
 *         @lists_lock
 * @lists_weight: what they weigh; for writing under @lists_lock
 * @counters: see <linux/layerfs.h>
 *
 * Constant once the superblock is born, but for @containers, @counters and the lists.
 */
struct lfs_image {
	struct lfs_registered reg;
	struct lfs_layerset *set;
	const struct cred *cred;
	u32 secid;
	const struct lfs_marks *marks;
	struct super_block *sb;
	struct lfs_fs *fs;
	unsigned int nr_fs;
	unsigned int ino_bits;
	bool folds_case;
	bool live;
	u16 *fsid;
	atomic_t containers;
	spinlock_t lists_lock;	/* lists, and lfs_image_inode.list */
	struct list_head lists;
	long lists_weight;
	struct lfs_counters __percpu *counters;
};

/**
 * struct lfs_real - one real object under a merged one
 * @dentry: referenced by the image inode
 * @layer: which layer of the image it lies in, 0 is the top
 * @xwhiteouts: a directory, which may hold whiteouts in the form of attributes
 * @inner_whiteout: a file that is shown as a character device 0/0
 * @last: the root of a layer, which hides those below
 */
struct lfs_real {
	struct dentry *dentry;
	unsigned int layer;
	bool xwhiteouts;
	bool inner_whiteout;
	bool last;
};

/**
 * struct lfs_told - what a layer's filesystem tells of an object beside its inode
 * @ctime: of the object when it was asked, in seconds
 * @btime: as in struct kstat, in seconds
 * @blocks: as in struct kstat, as are those below
 * @ctime_nsec: of @ctime
 * @btime_nsec: of @btime
 * @blksize: in bytes
 * @attributes: STATX_ATTR_*
 * @attributes_mask: STATX_ATTR_*
 * @result_mask: STATX_*
 * @known: the above; set under i_lock, then all is constant
 */
struct lfs_told {
	time64_t ctime;
	time64_t btime;
	u64 blocks;
	u32 ctime_nsec;
	u32 btime_nsec;
	u32 blksize;
	u32 attributes;
	u32 attributes_mask;
	u16 result_mask;
	bool known;
};

/**
 * struct lfs_image_inode - an object of the image
 * @vfs_inode: its i_mode tells the type shown, its i_ino is the st_ino shown; its
 *             other attributes are not used, the real inode's are
 * @told: of a local filesystem's object, once somebody asked
 * @top: the real object; of a directory, the topmost of those merged
 * @below: of a directory, the others merged, topmost first; of a file that has its
 *         data elsewhere (metacopy), the one that has it; owned
 * @nr_below: how many; of a file, 0 or 1
 * @index_after: of a directory, after how many more lookups in vain @list is made;
 *               0 is not known yet.  A lost count does no harm
 * @list: of a directory, its names, once somebody asked and as long as there is memory
 *
 * Constant from instantiation to eviction, but for @told, @index_after and @list.
 */
struct lfs_image_inode {
	struct inode vfs_inode;
	struct lfs_told told;
	struct lfs_real top;
	struct lfs_real *below;
	unsigned int nr_below;
	unsigned int index_after;
	struct lfs_image_list __rcu *list;
};

static inline struct lfs_image_inode *lfs_ii(const struct inode *inode)
{
	return container_of(inode, struct lfs_image_inode, vfs_inode);
}

static inline struct lfs_image *lfs_image_of(const struct super_block *sb)
{
	return sb->s_fs_info;
}

/* The i-th real object under @ii, 0 is the top; @i <= @ii->nr_below. */
static inline const struct lfs_real *lfs_image_real(const struct lfs_image_inode *ii,
						    unsigned int i)
{
	return i ? &ii->below[i - 1] : &ii->top;
}

/**
 * lfs_image_top_path - the real object that a merged one shows
 * @inode: inode of an image
 * @path: set, without references: good as long as @inode is
 */
static inline void lfs_image_top_path(const struct inode *inode, struct path *path)
{
	const struct lfs_image_inode *ii = lfs_ii(inode);

	path->dentry = ii->top.dentry;
	path->mnt = lfs_image_of(inode->i_sb)->set->layers[ii->top.layer]->mnt;
}

/* The real object that has the data of a file; of others, the top. */
static inline const struct lfs_real *lfs_image_data(const struct inode *inode)
{
	const struct lfs_image_inode *ii = lfs_ii(inode);

	return lfs_image_real(ii, S_ISREG(inode->i_mode) ? ii->nr_below : 0);
}

/**
 * lfs_image_data_path - the real file that the data of one is in
 * @inode: inode of an image
 * @path: set, without references: good as long as @inode is
 */
static inline void lfs_image_data_path(const struct inode *inode, struct path *path)
{
	const struct lfs_real *data = lfs_image_data(inode);

	path->dentry = data->dentry;
	path->mnt = lfs_image_of(inode->i_sb)->set->layers[data->layer]->mnt;
}

/* The layer that @path of the above lies in. */
static inline struct lfs_layer *lfs_image_data_layer(const struct inode *inode)
{
	return lfs_image_of(inode->i_sb)->set->layers[lfs_image_data(inode)->layer];
}

/* The layer that a non-directory of an image lies in, or a directory's topmost. */
static inline struct lfs_layer *lfs_image_top_layer(const struct inode *inode)
{
	return lfs_image_of(inode->i_sb)->set->layers[lfs_ii(inode)->top.layer];
}

/* Whether setuid, setgid and capabilities count, of a file: all that it is made of. */
static inline bool lfs_image_may_suid(const struct inode *inode)
{
	return !((lfs_image_top_layer(inode)->mnt->mnt_flags |
		  lfs_image_data_layer(inode)->mnt->mnt_flags) & MNT_NOSUID);
}

/**
 * lfs_ino - the st_ino shown for an object
 * @image: the image it is in or below
 * @fsid: which filesystem under the mount it lies on
 * @ino: its number there
 *
 * The first filesystem's numbers are shown as they are.  A number of another
 * one that needs the upper bits is folded, which may, with small probability,
 * give two objects one number.
 */
static inline u64 lfs_ino(const struct lfs_image *image, unsigned int fsid, u64 ino)
{
	if (!fsid)
		return ino;
	ino ^= ino >> image->ino_bits;
	return (ino & GENMASK_ULL(image->ino_bits - 1, 0)) | (u64)fsid << image->ino_bits;
}

/* image.c */
int lfs_image_init(void);
void lfs_image_exit(void);
struct vfsmount *lfs_image_mount(struct lfs_layerset *set, const struct lfs_reader *reader);
bool lfs_image_serves(const struct lfs_image *image, const struct lfs_reader *reader);
struct cred *lfs_mounter_creds(void);
unsigned int lfs_image_fsid(const struct lfs_image *image, const struct path *path);

/* inode.c */
extern const struct super_operations lfs_image_super_ops;
int lfs_image_inode_cache_init(void);
void lfs_image_inode_cache_exit(void);
struct inode *lfs_image_inode_make(struct super_block *sb, struct lfs_real *real,
				   unsigned int nr);

/* attr.c */
int lfs_image_getattr(const struct inode *inode, struct kstat *stat, u32 mask,
		      unsigned int flags);

/* lookup.c */
extern const struct inode_operations lfs_image_dir_iops;
struct dentry *lfs_image_lookup(struct dentry *dir, const char *name, int len);
struct dentry *lfs_image_walk(struct dentry *root, const char *path);

/* origin.c */
void lfs_image_origin(const struct inode *inode, struct layerfs_origin *origin);
int lfs_image_origin_fs(const struct lfs_image *image, const struct layerfs_origin *origin);
u64 lfs_image_layer_ident(const struct lfs_image *image, unsigned int layer);

#endif /* _LAYERFS_IMAGE_H */
