/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_NAMES_H
#define _LAYERFS_NAMES_H

#include <linux/types.h>

/**
 * struct lfs_name - one entry of a directory listing
 * @next: in the bucket
 * @ino: st_ino
 * @hash: of the name
 * @again: a directory's: place + 1 in lfs_names.again of the last source that has it,
 *         too, or 0
 * @source: the first source that has it
 * @len: of the name in bytes
 * @type: DT_*
 * @whiteout: hides the name in the layers below, is not shown
 * @ends: a directory's: a source has something else at the name, which hides what
 *        those after it have
 * @name: ends in NUL
 */
struct lfs_name {
	struct lfs_name *next;
	u64 ino;
	u32 hash;
	u32 again;
	u16 source;
	u8 len;
	u8 type;
	bool whiteout;
	bool ends;
	char name[];
};

/**
 * struct lfs_name_again - a further source of a name
 * @next: place + 1 of the next one; the last leads to the first
 * @source: which
 */
struct lfs_name_again {
	u32 next;
	u16 source;
};

/**
 * struct lfs_names - the names of a directory, in order and by hash
 * @v: in the order added
 * @nr: how many
 * @nr_dropped: how many more there are, which lfs_names_find() finds only
 * @max: how many @v has room for
 * @order: there are 2^order buckets
 * @bucket: chains of lfs_name.next
 * @chunk: newest block of memory that names are cut from
 * @left: bytes left in it
 * @source: which of several directories names are being added from, counted in the
 *          order in which one hides another; set by whoever fills the list
 * @again: further sources of names of directories
 * @nr_again: how many
 * @max_again: how many @again has room for
 *
 * Filled by one task, then constant and read by any number without a lock.
 */
struct lfs_names {
	struct lfs_name **v;
	unsigned int nr;
	unsigned int nr_dropped;
	unsigned int max;
	unsigned int order;
	struct lfs_name **bucket;
	struct lfs_names_chunk *chunk;
	size_t left;
	u16 source;
	struct lfs_name_again *again;
	u32 nr_again;
	u32 max_again;
};

struct lfs_names *lfs_names_alloc(void);
void lfs_names_free(struct lfs_names *names);
int lfs_names_add(struct lfs_names *names, const char *name, int len,
		  unsigned int type, u64 ino);
struct lfs_name *lfs_names_find(const struct lfs_names *names, const char *name, int len);
int lfs_names_next(const struct lfs_names *names, const struct lfs_name *n, u32 *at);
void lfs_names_drop_whiteouts(struct lfs_names *names);

#endif /* _LAYERFS_NAMES_H */
