/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_CONTAINER_H
#define _LAYERFS_CONTAINER_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/mutex.h>

#include "copyup/workdir.h"
#include "image/image.h"
#include "layer/lower.h"
#include "mount/params.h"
#include "stats/counters.h"
#include "stats/registry.h"

struct fileattr;
struct lfs_dirlist;
struct lfs_links;

/* Bits of lfs_handles.flags */
enum {
	LFS_HANDLES_KEPT,	/* the key is written down */
	LFS_HANDLES_KEEPING,	/* somebody is about to write it down */
	LFS_HANDLES_GIVEN,	/* this or an earlier mount may have given out handles */
};

/**
 * struct lfs_handles - what a container needs to know its handles again
 * @key: secret; with it, handles of objects in the upper are marked
 * @flags: LFS_HANDLES_*, atomic bits
 */
struct lfs_handles {
	u64 key[2];
	unsigned long flags;
};

/* Bits of lfs_container.flags */
enum {
	LFS_C_UPPER_CHANGED,	/* somebody else has changed the upper, which was logged */
};

/**
 * struct lfs_container - a mount: one image, and one upper if it can be written
 * @reg: id and membership in lfs_container_registry, if @reg.id is not 0
 * @params: options, for /proc/mounts; owned, without their paths
 * @cred: the mounter's, for all access to the upper; owned
 * @io_cred: the same as nobody's, for data: some filesystems keep blocks for a
 *           user, root, who the mounter often is; owned
 * @image_mnt: keeps the image alive; its root is the image's
 * @upper_mnt: our own clone of the mount that upperdir was named through, its
 *             root is the upper directory; NULL without an upper
 * @upper_fsid: for lfs_ino(): which filesystem the upper lies on
 * @wb_err: the upper filesystem's state of writeback errors at the mount
 * @wb_told: as of the last sync of the container; under @wb_lock
 * @wb_lock: nothing is taken under it
 * @work: the work directory
 * @handles: what its file handles are made with; not without an upper
 * @flags: LFS_C_*, atomic bits
 * @sb: the superblock; NULL before there is one
 * @counters: see <linux/layerfs.h>
 * @rcu: for its end
 *
 * Code outside container/ reaches image and upper through the functions below,
 * for the time of one call: a later version swaps the pair under a live mount.
 */
struct lfs_container {
	struct lfs_registered reg;
	struct lfs_params *params;
	const struct cred *cred;
	const struct cred *io_cred;
	struct vfsmount *image_mnt;
	struct vfsmount *upper_mnt;
	unsigned int upper_fsid;
	errseq_t wb_err;
	errseq_t wb_told;
	spinlock_t wb_lock;	/* wb_told */
	struct lfs_workdir work;
	struct lfs_handles handles;
	unsigned long flags;
	struct super_block *sb;
	struct lfs_counters __percpu *counters;
	struct rcu_head rcu;
};

/**
 * struct lfs_holder - a mount that has a directory in use
 * @name: what to call it in a message
 */
struct lfs_holder {
	char name[40];
};

/* Bits of lfs_inode.flags */
enum {
	LFS_I_IMPURE,		/* the upper directory is known to be marked impure */
	LFS_I_OPAQUE,		/* the directory has ceased to merge with the image */
	LFS_I_UNSETTLED,	/* the file's name in the upper may not be on the disk */
	LFS_I_APPEND,		/* the object in the upper is marked append-only */
	LFS_I_IMMUTABLE,	/* the object in the upper is marked immutable */
	LFS_I_MOVING,		/* mappings may still show the layer's file */
	LFS_I_MOVED,		/* the file has another name than in its layer, too */
	LFS_I_METACOPY,		/* the object in the upper has no data: @image has it */
	LFS_I_INNER_WHITEOUT,	/* an empty file that is shown as a character device 0/0 */
};

/**
 * struct lfs_inode - an object of a container
 * @vfs_inode: attributes are a copy of the real object's; i_ino is what stat
 *             and readdir show
 * @upper: the object in the upper, or NULL; set once, by creation, lookup or
 *         copy-up (under @lock), read without a lock through lfs_upper()
 * @image: the object in the image, or NULL.  Of a directory: what it merges
 *         with.  Of others: where their data was before the copy-up, or is, if
 *         overlayfs has left the upper's file without.  Constant
 * @links: of an object of a layer with several names: these; else NULL.  Constant
 * @lock: one copy-up at a time; an unlink excludes it
 * @flags: LFS_I_*, atomic bits
 * @version: of a directory: counts changes to its list of names.  A copy-up
 *           changes no name, and only seldom a st_ino
 * @list: of a directory: its names in the upper, as of lfs_dirlist.version;
 *        under @lock
 * @mappings: of a file: shared mappings of the layer's file, under i_lock
 *
 * Dentries are referenced until eviction.
 */
struct lfs_inode {
	struct inode vfs_inode;
	struct dentry *upper;
	struct dentry *image;
	struct lfs_links *links;
	struct mutex lock;	/* copy-up and unlink; above sb_writers of the upper */
	unsigned long flags;
	atomic64_t version;
	struct lfs_dirlist *list;
	struct hlist_head mappings;
};

static inline struct lfs_inode *lfs_i(const struct inode *inode)
{
	return container_of(inode, struct lfs_inode, vfs_inode);
}

static inline struct lfs_container *lfs_container_of(const struct super_block *sb)
{
	return sb->s_fs_info;
}

static inline struct lfs_container *lfs_c(const struct inode *inode)
{
	return lfs_container_of(inode->i_sb);
}

static inline struct lfs_image *lfs_container_image(const struct lfs_container *c)
{
	return lfs_image_of(c->image_mnt->mnt_sb);
}

static inline struct dentry *lfs_container_image_root(const struct lfs_container *c)
{
	return c->image_mnt->mnt_root;
}

/* Which attributes mark objects of the upper and the layers. */
static inline const struct lfs_marks *lfs_marks(const struct super_block *sb)
{
	return lfs_container_image(lfs_container_of(sb))->marks;
}

static inline bool lfs_container_has_upper(const struct lfs_container *c)
{
	return c->upper_mnt;
}

/*
 * Of the mount that upperdir was named through.  The owners that it shows are those of
 * the container's inodes, and what it has no id for is EOVERFLOW.
 */
static inline struct mnt_idmap *lfs_upper_idmap(const struct lfs_container *c)
{
	return mnt_idmap(c->upper_mnt);
}

void lfs_copy_attrs(struct inode *inode);

/* The st_ino of an object in the upper that is not a copy, and does not merge. */
static inline u64 lfs_upper_own_ino(const struct lfs_container *c, const struct dentry *upper)
{
	return lfs_ino(lfs_container_image(c), c->upper_fsid, d_inode(upper)->i_ino);
}

/* The object in the upper, or NULL: once it is there it stays. */
static inline struct dentry *lfs_upper(const struct inode *inode)
{
	/* Pairs with smp_store_release() in lfs_copyup_publish(). */
	return smp_load_acquire(&lfs_i(inode)->upper);
}

/* Whether the data of a file is in the upper: once it is there it stays. */
static inline bool lfs_data_in_upper(const struct inode *inode)
{
	/* The flag is set before the upper; pairs with clear_bit_unlock() in lfs_fill(). */
	return lfs_upper(inode) && !test_bit_acquire(LFS_I_METACOPY, &lfs_i(inode)->flags);
}

/* Whether the upper may be written to: it is there, and no mapping shows the layer's file. */
static inline bool lfs_upper_ready(const struct inode *inode)
{
	/* Set before, and cleared after, what lfs_mappings_follow() does. */
	return lfs_data_in_upper(inode) &&
	       !test_bit_acquire(LFS_I_MOVING, &lfs_i(inode)->flags);
}

/* The object in the image, or NULL. */
static inline struct dentry *lfs_image(const struct inode *inode)
{
	const struct lfs_inode *li = lfs_i(inode);

	return test_bit(LFS_I_OPAQUE, &li->flags) ? NULL : li->image;
}

/**
 * lfs_upper_path - the object in the upper as a path
 * @inode: has an upper
 * @path: set, without references: good as long as @inode is
 */
static inline void lfs_upper_path(const struct inode *inode, struct path *path)
{
	path->dentry = lfs_upper(inode);
	path->mnt = lfs_c(inode)->upper_mnt;
}

/**
 * lfs_real_path - the real object that serves attributes now
 * @inode: of a container
 * @path: set, without references: good as long as @inode is
 *
 * Return: whether it is the upper.
 */
static inline bool lfs_real_path(const struct inode *inode, struct path *path)
{
	lfs_upper_path(inode, path);
	if (path->dentry)
		return true;
	/*
	 * Not through lfs_image(): a directory may have got an upper since, and
	 * have become opaque.  What it was a moment ago is a good answer.
	 */
	lfs_image_top_path(d_inode(lfs_i(inode)->image), path);
	return false;
}

/**
 * lfs_data_path - the real object that has the data now
 * @inode: of a container
 * @path: set, without references: good as long as @inode is
 *
 * Return: whether it is in the upper.
 */
static inline bool lfs_data_path(const struct inode *inode, struct path *path)
{
	lfs_upper_path(inode, path);
	if (path->dentry && lfs_data_in_upper(inode))
		return true;
	lfs_image_data_path(d_inode(lfs_i(inode)->image), path);
	return false;
}

/* Whether setuid, setgid and capabilities of an object's real file count. */
static inline bool lfs_may_suid(const struct inode *inode, bool is_upper)
{
	/* In the upper is what was made here: the container's own mount decides. */
	if (is_upper && !test_bit(LFS_I_METACOPY, &lfs_i(inode)->flags))
		return true;
	return lfs_image_may_suid(d_inode(lfs_i(inode)->image));
}

/* Whether a mount inside the container has made a whiteout of this. */
static inline bool lfs_is_inner_whiteout(const struct inode *inode)
{
	return test_bit(LFS_I_INNER_WHITEOUT, &lfs_i(inode)->flags);
}

/* The mode to show for that of a real object. */
static inline umode_t lfs_mode(umode_t mode, const struct inode *inode, bool is_upper)
{
	if (lfs_is_inner_whiteout(inode))
		return (mode & ~S_IFMT) | S_IFCHR;
	if (!S_ISREG(mode) || !(mode & (S_ISUID | S_ISGID)) || lfs_may_suid(inode, is_upper))
		return mode;
	return mode & ~(S_ISUID | S_ISGID);
}

/* The real inode that serves attributes now; as lfs_real_path(). */
static inline struct inode *lfs_real_inode(const struct inode *inode)
{
	struct path path;

	lfs_real_path(inode, &path);
	return d_inode(path.dentry);
}

/* The names in @dir changed; its i_rwsem is held for writing. */
static inline void lfs_dir_changed(struct inode *dir)
{
	atomic64_inc(&lfs_i(dir)->version);
	lfs_copy_attrs(dir);
}

/* Whose credentials to copy data with, from a filesystem to the upper. */
static inline const struct cred *lfs_copy_cred(const struct lfs_container *c,
					       const struct super_block *from)
{
	return lfs_fs_asks_who(from) ? c->cred : c->io_cred;
}

static inline const struct cred *lfs_override_creds(const struct super_block *sb)
{
	return override_creds(lfs_container_of(sb)->cred);
}

/* container.c */
int lfs_container_init(void);
void lfs_container_exit(void);
struct lfs_container *lfs_container_make(struct fs_context *fc, struct lfs_params *params,
					 struct vfsmount *image_mnt);
void lfs_container_free(struct lfs_container *c);
void lfs_holder_name(struct lfs_holder *holder, const struct dentry *dir);
void lfs_upper_changed(struct lfs_container *c, const struct dentry *where);

/* super.c */
int lfs_container_inode_cache_init(void);
void lfs_container_inode_cache_exit(void);
int lfs_container_fill_super(struct super_block *sb, struct fs_context *fc);
int lfs_container_find_view(struct fs_context *fc, const struct lfs_params *params,
			    const struct vfsmount *image_mnt);
void lfs_container_kill_sb(struct super_block *sb);
int lfs_container_sync(struct lfs_container *c);
int lfs_volatile_status(struct lfs_container *c);

/* iget.c */
struct lfs_key {
	struct dentry *upper;	/* NULL if not in the upper */
	struct dentry *image;	/* NULL if the image plays no part */
	struct lfs_links *links; /* NULL but for a layer's object of several names */
	u64 ino;
	bool metacopy;		/* of a file: its data is @image's */
};

struct inode *lfs_iget(struct super_block *sb, struct lfs_key *key);
struct inode *lfs_iget_new(struct inode *inode, struct lfs_key *key);

/* inode.c */
extern const struct inode_operations lfs_file_iops;
extern const struct inode_operations lfs_symlink_iops;
extern const struct inode_operations lfs_special_iops;
int lfs_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr);
int lfs_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
		u32 mask, unsigned int flags);
int lfs_update_time(struct inode *inode, int flags);
int lfs_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len);

/* lookup.c */
int lfs_resolve(struct inode *dir, struct dentry *upper_dir, const char *name, int len,
		struct lfs_key *key);
int lfs_resolve_origin(struct lfs_container *c, struct lfs_key *key);
void lfs_key_put(struct lfs_key *key);
int lfs_covered(struct inode *dir, const struct qstr *name);
struct dentry *lfs_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags);

/* readdir.c */
extern const struct file_operations lfs_dir_fops;
int lfs_dir_empty(struct inode *dir);
void lfs_dirlist_free_inode(struct lfs_inode *li);

/* dir.c */
extern const struct inode_operations lfs_dir_iops;
int lfs_write_begin(struct super_block *sb, const struct cred **old);
void lfs_write_end(struct super_block *sb, const struct cred *old);
struct dentry *lfs_upper_child(struct lfs_container *c, struct dentry *upper_dir,
			       const struct qstr *name, const struct dentry *want);
int lfs_name_failed(struct inode *dir, struct dentry *dentry, int err);
struct cred *lfs_cred_for_new(struct mnt_idmap *idmap, struct inode *dir,
			      struct dentry *dentry, umode_t mode, const struct cred *caller);
int lfs_mark_impure(struct inode *dir);
bool lfs_ino_is_foreign(struct inode *inode);

/* inner.c */
int lfs_inner_whiteout_mark(struct super_block *sb, struct dentry *temp);
int lfs_inner_mark_dir(struct inode *dir, const struct inode *inode);
struct dentry *lfs_inner_whiteout_make(struct mnt_idmap *idmap, struct inode *dir,
				       struct dentry *dentry, const struct cred *caller);
int lfs_inner_whiteout_place(struct inode *dir, const struct qstr *name, struct dentry *temp);

/* remove.c */
int lfs_unlink(struct inode *dir, struct dentry *dentry);
int lfs_rmdir(struct inode *dir, struct dentry *dentry);
void lfs_inode_gone(struct inode *inode, bool in_upper);
int lfs_dir_hollow(struct inode *dir);

/* rename.c */
int lfs_rename(struct mnt_idmap *idmap, struct inode *olddir, struct dentry *old,
	       struct inode *newdir, struct dentry *new, unsigned int flags);

/* xattr.c */
extern const struct xattr_handler * const lfs_xattr_handlers[];
ssize_t lfs_listxattr(struct dentry *dentry, char *list, size_t size);

/* fileattr.c */
int lfs_fileattr_get(struct dentry *dentry, struct fileattr *fa);
int lfs_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry, struct fileattr *fa);
int lfs_real_fileattr_get(struct dentry *real, struct fileattr *fa);
int lfs_temp_fileattr_set(const struct lfs_container *c, struct dentry *temp, u32 flags,
			  u32 projid);
int lfs_prot_write(const struct lfs_container *c, struct dentry *upper, int prot, int old);
void lfs_prot_set(struct inode *inode, int prot);
long lfs_get_version(const struct inode *inode, unsigned long arg);
long lfs_dir_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int lfs_fileattr_inherit(const struct lfs_container *c, struct dentry *upper_dir,
			 struct dentry *temp);

/* acl.c */
struct posix_acl *lfs_get_inode_acl(struct inode *inode, int type, bool rcu);
struct posix_acl *lfs_get_acl(struct mnt_idmap *idmap, struct dentry *dentry, int type);
int lfs_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, struct posix_acl *acl,
		int type);
int lfs_upper_set_acl(const struct lfs_container *c, struct dentry *upper, const char *name,
		      struct posix_acl *acl);

#endif /* _LAYERFS_CONTAINER_H */
