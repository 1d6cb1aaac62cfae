/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_NAMES_H
#define _LAYERFS_NAMES_H

#include <linux/types.h>

/**
 * struct lfs_name - one entry of a directory listing
 * @next: in the bucket
 * @ino: st_ino
 * @hash: of the name
 * @len: of the name in bytes
 * @type: DT_*
 * @whiteout: hides the name in the layers below, is not shown
 * @name: ends in NUL
 */
struct lfs_name {
	struct lfs_name *next;
	u64 ino;
	u32 hash;
	u16 len;
	u8 type;
	bool whiteout;
	char name[];
};

/**
 * struct lfs_names - the names of a directory, in order and by hash
 * @v: in the order added
 * @nr: how many
 * @max: how many @v has room for
 * @order: there are 2^order buckets
 * @bucket: chains of lfs_name.next
 * @chunk: newest block of memory that names are cut from
 * @left: bytes left in it
 *
 * Filled by one task, then constant and read by any number without a lock.
 */
struct lfs_names {
	struct lfs_name **v;
	unsigned int nr;
	unsigned int max;
	unsigned int order;
	struct lfs_name **bucket;
	struct lfs_names_chunk *chunk;
	size_t left;
};

struct lfs_names *lfs_names_alloc(void);
void lfs_names_free(struct lfs_names *names);
int lfs_names_add(struct lfs_names *names, const char *name, int len,
		  unsigned int type, u64 ino);
struct lfs_name *lfs_names_find(const struct lfs_names *names, const char *name, int len);
void lfs_names_drop_whiteouts(struct lfs_names *names);

#endif /* _LAYERFS_NAMES_H */
