// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers on filesystems that find a name by other spellings, too.  A container has the
 * names that are listed, and no others: "Makefile" does not hide, and is not, "makefile".
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>

#include "layer/lower.h"

/**
 * lfs_folds_case - whether a lookup in a real directory may find another name
 * @dir: directory of a layer
 */
bool lfs_folds_case(const struct dentry *dir)
{
	if (!lfs_may_fold_case(dir))
		return false;
	/* Where directories may fold case, all have the operations, and some do it. */
	return !sb_has_encoding(dir->d_sb) || IS_CASEFOLDED(d_inode(dir));
}

struct lfs_spelling {
	struct dir_context ctx;
	const char *name;
	int len;
	unsigned int calls;
	bool found;
};

static bool lfs_spelling_actor(struct dir_context *ctx, const char *name, int len,
			       loff_t off, u64 ino, unsigned int type)
{
	struct lfs_spelling *sp = container_of(ctx, struct lfs_spelling, ctx);

	sp->calls++;
	sp->found = len == sp->len && !memcmp(name, sp->name, len);
	return !sp->found;
}

/**
 * lfs_real_spelled - whether a real directory lists a name in this spelling
 * @dir: the directory
 * @name: one component, need not end in NUL
 * @len: its length in bytes
 *
 * Context: the mounter's credentials are in force; takes the locks of a listing.
 * Return: 1; 0; -EINTR on a fatal signal; an error of the filesystem.
 */
int lfs_real_spelled(const struct path *dir, const char *name, int len)
{
	struct lfs_spelling sp = {
		.ctx.actor = lfs_spelling_actor,
		.name = name,
		.len = len,
	};
	unsigned int seen;
	struct file *file;
	int err;

	file = lfs_real_open(dir, O_RDONLY | O_DIRECTORY | O_LARGEFILE,
			     current_cred());
	if (IS_ERR(file))
		return PTR_ERR(file);
	do {
		seen = sp.calls;
		err = iterate_dir(file, &sp.ctx);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
	} while (!err && !sp.found && sp.calls != seen);
	fput(file);
	return err ?: sp.found;
}
