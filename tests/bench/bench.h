/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measure layerfs beside overlayfs and the bare filesystem below both.
 *
 * What is compared
 * ----------------
 * For each number of layers N there is one tree of files, dealt out to N
 * directories (the layers) so that most of its directories are merged from
 * many, and once more whole, as a plain directory.  All lie on one ext4 on a
 * ram disk.  "bare" is the plain directory; the others stack the N layers with
 * an upper on top, and are measured by the same code as bare is.
 *
 * A walk is: list every directory of the tree and stat every entry.
 *
 * "Cold", for the second container, means: the first container, mounted from
 * the same list with an upper of its own, is there and has been walked; the
 * second was just mounted and nobody has looked into it.  So the layers' own
 * inodes and names are in memory, but none of the second mount's.  A plain
 * directory has no such state: it has no objects of its own besides ext4's.
 * Three states of it are near, and the second container is compared with each:
 *
 *   warm      names and inodes in memory: the plain directory walked again. The
 *             strictest: bare makes nothing, the container all of its objects.
 *             This is the 1.00 of the table's main row.
 *   linked    inodes in memory, names not: a second tree of hard links to the
 *             files of the first, which was walked. The nearest to what the
 *             second container finds: names to be looked up, inodes there.
 *   dropped   neither in memory (echo 2 >drop_caches), the disk's blocks are.
 *
 * The first container's cold walk, all dropped before, has bare dropped
 * beside it, where both start from the same state.
 */
#ifndef _BENCH_H
#define _BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_REPEATS	9
#define MAX_STACKS	8

/* The tree: what is walked, what is unlinked and changed, one big directory */
#define TREE_TOPS	2
#define TREE_DIRS	8		/* in each of these */
#define TREE_FILES	192		/* in each of those */
#define BIG_FILES	1000
#define VICTIMS		32		/* of an operation, each time it is measured */
#define FILE_SIZE	8192

enum kind {
	KIND_BARE,
	KIND_OVERLAY,
	KIND_LAYERFS,
	NR_KINDS
};

enum op {
	OP_FIRST_WALK,
	OP_SECOND_WALK,
	OP_SECOND_WALK_LINKED,
	OP_SECOND_WALK_DROPPED,
	OP_WALK_AGAIN,
	OP_STAT,
	OP_ABSENT,
	OP_OPEN,
	OP_READ,
	OP_WRITE,
	OP_CREATE,
	OP_UNLINK,
	OP_CHMOD,
	OP_BIG_LIST,
	OP_MOUNT,
	NR_OPS
};

struct result {
	double ns[MAX_REPEATS];
	int nr;
};

struct bench {
	int layers[MAX_STACKS];
	int nr_stacks;
	int repeats;
	bool kinds[NR_KINDS];
	const char *json;
	struct result results[MAX_STACKS][NR_KINDS][NR_OPS];
};

extern const char *const kind_names[NR_KINDS];

/* main.c */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
char *path_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* tree.c: layers in DIR/l0 (the top) to DIR/lN-1; the whole in DIR/plain */
void tree_build(const char *dir, int layers);
void tree_remove(const char *dir);
unsigned int tree_walk(const char *dir);
unsigned int tree_entries(void);

/* mounts.c */
void mount_stack(enum kind kind, const char *dir, int layers,
		 const char *upper, const char *target);
void mount_bind(const char *dir, const char *target);
void unmount(const char *target);
bool mount_supported(enum kind kind);

/* ops.c */
void measure(struct bench *b, int stack, enum kind kind, const char *dir);

/* report.c */
void report_table(const struct bench *b);
void report_json(const struct bench *b, const char *path);

#endif /* _BENCH_H */
