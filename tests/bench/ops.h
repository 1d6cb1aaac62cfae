/* SPDX-License-Identifier: GPL-2.0-only */
/* Single operations: what there is, and where each happens. */
#ifndef _OPS_H
#define _OPS_H

#include "bench.h"

enum op {
	OP_STAT,
	OP_ABSENT,
	OP_SECOND_WALK,
	OP_SECOND_WALK_LINKED,
	OP_SECOND_WALK_DROPPED,
	OP_WALK_AGAIN,
	OP_ABSENT_SEEN,
	OP_ABSENT_ASKED,
	OP_FIRST_WALK,
	OP_STAT_COLD,
	OP_SMALL_FIRST,
	OP_SMALL_AGAIN,
	OP_BIG_FIRST,
	OP_BIG_AGAIN,
	OP_OPEN,
	OP_READ_4K,
	OP_READ_4K_UPPER,
	OP_WRITE_4K,
	OP_READ_1M,
	OP_READ_1M_UPPER,
	OP_WRITE_1M,
	OP_MMAP_READ,
	OP_MMAP_WRITE,
	OP_CREATE,
	OP_MKDIR,
	OP_RENAME,
	OP_UNLINK_UPPER,
	OP_CREATE_MERGED,
	OP_RENAME_MERGED,
	OP_UNLINK_MERGED,
	OP_UNLINK_LOWER,
	OP_UNLINK_LOWER_SEEN,
	OP_CHMOD_LOWER,
	OP_CHMOD_LOWER_SEEN,
	OP_SLAB,
	OP_MOUNT_FIRST,
	OP_MOUNT_NEW,
	OP_MOUNT,
	OP_UMOUNT,
	OP_MOUNT_IMAGE,
	OP_UMOUNT_IMAGE,
	OP_UMOUNT_WALKED,
	NR_OPS
};

/**
 * struct place - where operations happen
 * @results: of this kind and stack
 * @root: what is measured
 * @repeat: which time; names that are used up differ by it
 */
struct place {
	struct result *results;
	const char *root;
	int repeat;
};

/* ops_names.c */
void op_walk(const struct place *at, enum op op);
void op_names_warm(const struct place *at);
void op_stat_cold(const struct place *at);
void op_visit(const struct place *at);
void op_names_second(const struct place *at);
void op_lists(const struct place *at);

/* ops_data.c */
void op_data(const struct place *at);

/* ops_change.c */
void op_changes(const struct place *at);

/* ops_mount.c */
void op_mounts(const struct place *at, enum fs_kind kind, int layers,
	       const char *dir);
void op_mounts_bare(const struct place *at, const char *dir);
void op_slab(const struct place *at, enum fs_kind kind, int layers,
	     const char *dir);

#endif /* _OPS_H */
