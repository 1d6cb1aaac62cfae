/* SPDX-License-Identifier: GPL-2.0-only */
/* Inodes and dentries that a fuzzer makes up, and mount options. */
#ifndef _FUZZ_VFS_H
#define _FUZZ_VFS_H

struct cred;
struct delayed_call;
struct fiemap_extent_info;
struct file;
struct file_operations;
struct iattr;
struct kstat;
/* Owners play no part in what is fuzzed. */
struct mnt_idmap { int unused; };
static struct mnt_idmap nop_mnt_idmap __attribute__((unused));
struct rcu_head { int unused; };
#define mnt_idmap(m)		((void)(m), &nop_mnt_idmap)
struct posix_acl;
struct super_operations;
struct user_namespace;
struct xattr_handler;

#define timespec64	timespec
#define IOP_XATTR	0x8
#define SB_RDONLY	1
#define MNT_NOSUID	1
#define ENOPARAM	519

struct qstr {
	u32 hash;
	u32 len;
	const char *name;
};
#define QSTR_INIT(n, l) { .name = (n), .len = (l) }

struct super_block {
	dev_t s_dev;
	unsigned long s_magic;
	void *s_fs_info;
	struct user_namespace *s_user_ns;
	struct dentry *s_root;
	struct { u8 b[UUID_SIZE]; } s_uuid;
	bool rdonly;
};

struct inode {
	umode_t i_mode;
	unsigned int i_opflags;
	unsigned int i_nlink;
	dev_t i_rdev;
	u64 i_ino;
	u64 i_blocks;
	loff_t i_size;
	struct super_block *i_sb;
	void *fuzz;		/* what stands behind it, the fuzzer's own */
};

struct dentry {
	unsigned long d_time;
	unsigned int d_flags;
	struct inode *d_inode;
	struct super_block *d_sb;
	struct qstr d_name;
	int count;		/* references taken and not yet dropped */
	void *fuzz;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
};

struct inode_operations {
	struct dentry *(*lookup)(struct inode *dir, struct dentry *dentry, unsigned int flags);
	int (*permission)(struct mnt_idmap *idmap, struct inode *inode, int mask);
};

struct file_system_type;

#define d_inode(d)		((d)->d_inode)
#define d_is_positive(d)	((d)->d_inode != NULL)
#define d_is_dir(d)		((d)->d_inode && S_ISDIR((d)->d_inode->i_mode))
#define d_is_reg(d)		(S_ISREG((d)->d_inode->i_mode))
#define d_can_lookup(d)		d_is_dir(d)
#define d_is_autodir(d)		false
#define i_size_read(i)		((i)->i_size)
#define sb_rdonly(sb)		((sb)->rdonly)
#define fatal_signal_pending(task)	false
#define cond_resched()			((void)0)
#define override_creds(cred)	(cred)
#define revert_creds(cred)	((void)(cred))

static inline struct dentry *dget(struct dentry *d)
{
	d->count++;
	return d;
}

static inline void dput(struct dentry *d)
{
	if (!d)
		return;
	FUZZ_CHECK(d->count > 0);
	d->count--;
}

/* The fuzzer that links a source that calls them has them. */
ssize_t __vfs_getxattr(struct dentry *dentry, struct inode *inode, const char *name,
		       void *value, size_t size);
struct dentry *d_splice_alias(struct inode *inode, struct dentry *dentry);
void d_add(struct dentry *dentry, struct inode *inode);
void d_drop(struct dentry *dentry);
struct dentry *d_lookup(struct dentry *dir, const struct qstr *name);
static inline u32 full_name_hash(const void *salt, const char *name, u32 len)
{
	(void)salt;
	return name[0] + len;
}

/* Mount options */
#define DCACHE_OP_HASH		1
#define DCACHE_OP_COMPARE	2
#define DCACHE_NEED_AUTOMOUNT	4
#define DCACHE_MANAGE_TRANSIT	8
#define LOOKUP_FOLLOW		1
#define LOOKUP_DIRECTORY	2
#define FUZZ_CASEFOLD		16
#define IS_CASEFOLDED(i)	((i)->i_opflags & FUZZ_CASEFOLD)

int kern_path(const char *name, unsigned int flags, struct path *path);
void path_put(const struct path *path);
void path_get(const struct path *path);
char *d_path(const struct path *path, char *buf, int len);
#define PATH_MAX		4096

enum fs_context_purpose { FS_CONTEXT_FOR_MOUNT, FS_CONTEXT_FOR_RECONFIGURE };
enum fs_value_type {
	fs_value_is_flag, fs_value_is_string, fs_value_is_filename, fs_value_is_file
};

struct fs_context {
	enum fs_context_purpose purpose;
	void *fs_private;
	void *s_fs_info;
	struct user_namespace *user_ns;
};

struct fs_parameter {
	const char *key;
	enum fs_value_type type;
	char *string;
	struct file *file;
	size_t size;
};

struct p_log;
struct fs_parameter_spec;
struct fs_parse_result;
typedef int fs_param_type(struct p_log *log, const struct fs_parameter_spec *spec,
			  struct fs_parameter *param, struct fs_parse_result *result);
#define inval_plog(log, fmt, ...)	(-EINVAL)

struct fs_parameter_spec {
	const char *name;
	u8 opt;
	bool string;
	fs_param_type *type;
};

struct fs_parse_result { int unused; };

#define fsparam_string_empty(n, o)	{ .name = (n), .opt = (o), .string = true }
#define __fsparam(t, n, o, f, d)	{ .name = (n), .opt = (o), .string = true, .type = (t) }
#define fsparam_flag(n, o)		{ .name = (n), .opt = (o) }

int fs_parse(struct fs_context *fc, const struct fs_parameter_spec *table,
	     struct fs_parameter *param, struct fs_parse_result *result);
int fs_lookup_param(struct fs_context *fc, struct fs_parameter *param, bool want_bdev,
		    unsigned int flags, struct path *path);
int vfs_parse_monolithic_sep(struct fs_context *fc, void *data, char *(*sep)(char **));

struct seq_file {
	char *buf;
	size_t len;
	size_t max;
};

void seq_puts(struct seq_file *m, const char *s);
void seq_show_option(struct seq_file *m, const char *name, const char *value);

#endif /* _FUZZ_VFS_H */
