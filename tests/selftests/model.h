/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The random test: the same operations on the subject and on a plain directory,
 * which must then be the same.
 *
 *	model.c			options, worlds one after the other, the verdict
 *	model_shrink.c		which operations of a failed world it takes to fail
 *	model_world.c		one world: layers, mount, operations, disturbances
 *	model_layers.c		three random layers, and their merge made by hand
 *	model_compare.c		whether the two sides are the same
 *	model_differences.c	what becomes of a difference
 *	model_ops*.c		the operations: names, files, attributes, directories
 */
#ifndef LFS_TEST_MODEL_H
#define LFS_TEST_MODEL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define SUBJECT		0
#define PLAIN		1
#define SLOTS		12
#define DIRS		4
#define LAYERS		3
#define FILE_MAX	40000
#define MAP_LEN		(FILE_MAX * 2)
#define NAMES		6	/* a, b, ... */
#define WORLD_OPS	10000	/* at most, of one world */
#define HISTORY		40
#define KINDS		256
#define JOBS		16

/**
 * struct slot - a file held open on both sides
 * @fd: -1 when the slot is free
 * @flags: what it was opened with
 * @map: a writable shared mapping of it, or NULL
 */
struct slot {
	int fd[2];
	int flags;
	char *map[2];
};

/**
 * struct entry - a name that a listing returned
 * @next: the offset after it
 * @name: its only letter, or '.'
 */
struct entry {
	off_t next;
	char name;
};

/**
 * struct dir_slot - a directory held open on both sides, its listing under way
 * @fd: -1 when the slot is free
 * @begun: something was read since it was opened or rewound
 * @ended: so was everything
 * @begin: the plain side's names when it began: inode numbers, 0 for none
 * @seen: how often the subject has listed each name since
 * @nr: entries of @entry
 * @entry: what the subject listed, in order
 */
struct dir_slot {
	int fd[2];
	bool begun, ended;
	uint64_t begin[NAMES];
	unsigned int seen[NAMES];
	int nr;
	struct entry entry[2 * NAMES + 4];
};

/**
 * struct options - how worlds are made and run
 * @ops: operations of a world
 * @seed: decides everything in it
 * @batch: operations between two comparisons of the trees
 * @watch: from this one on, after each operation; 0: from none
 * @links: hard links in layers
 * @differences: count differences by kind, and go on
 * @verbose: print each operation
 * @skip: a byte an operation, not 0: leave it out; NULL for none
 */
struct options {
	unsigned long ops;
	uint64_t seed;
	unsigned long batch;
	unsigned long watch;
	bool links;
	bool differences;
	bool verbose;
	const unsigned char *skip;
};

/**
 * struct kind - differences of one kind, see --differences
 * @name: empty in a free one
 * @count: so many
 * @example: the first one
 */
struct kind {
	char name[96];
	unsigned long count;
	char example[400];
};

/**
 * struct shared - what worlds, processes of their own, tell the program
 * @done: operations, of all worlds
 * @now: the operation that each job's world is at
 * @failed: one did, the others need not go on
 * @lock: for @kind
 * @kind: of differences
 */
struct shared {
	unsigned long done;
	unsigned long now[JOBS];
	bool failed;
	bool lock;
	struct kind kind[KINDS];
};

extern struct shared *shared;
extern int model_job;

/**
 * struct model - the state of a world
 * @opt: how it is run
 * @plain: path of the plain tree
 * @root: the two trees
 * @slots: files held open across operations
 * @dirs: directories, likewise
 * @rc: results of the operation under way, per side
 * @err: its errno, 0 when it succeeded
 * @data: digest of what it read
 * @op: its name
 * @desc: the same in words
 * @touched: paths it was about
 * @nr_touched: how many
 * @rng: state of the generator
 * @differences: found, and not settled yet
 * @history: the last operations
 * @done: operations so far that did something
 */
struct model {
	const struct options *opt;
	char plain[32];
	int root[2];
	struct slot slots[SLOTS];
	struct dir_slot dirs[DIRS];
	long rc[2];
	int err[2];
	uint64_t data[2];
	const char *op;
	char desc[512];
	const char *touched[4];
	int nr_touched;
	uint64_t rng;
	int differences;
	char history[HISTORY][640];
	unsigned long done;
};

/* Runs @call with r = SUBJECT, then PLAIN, and keeps what came of it. */
#define BOTH(call)							\
	for (int r = 0; r < 2; r++) {					\
		errno = 0;						\
		m->rc[r] = (call);					\
		m->err[r] = m->rc[r] == -1 ? errno : 0;			\
	}

#define DESC(...) snprintf(m->desc, sizeof(m->desc), __VA_ARGS__)

uint64_t mix(uint64_t z);
uint32_t rnd(struct model *m, uint32_t below);

/* model_world.c */
void world_run(const struct options *opt);

/* model_shrink.c */
void model_shrink(struct options *opt, unsigned int seconds, const char *self);
int model_try(const struct options *opt, FILE *out);

/* model_layers.c */
void model_make_layers(struct model *m);
void model_merge(const char *to, bool links);
/* A copy of the tree @from, links among its files included, at @to. */
void model_copy_tree(const char *from, const char *to);
void model_copy_attrs(const char *from, const char *to);

/* model_compare.c */
void compare_trees(struct model *m, bool deep);
void compare_touched(struct model *m);
void compare_slots(struct model *m);
uint64_t model_digest(int fd, uint64_t size);
void compare_forget_inos(void);
bool is_form_of_acl(const char *xattr);

/* model_differences.c */
void model_differs(struct model *m, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void model_result(struct model *m);
void print_kinds(void);

/* model_ops.c: drawing and doing one operation */
void model_op(struct model *m);
const char *draw_path(struct model *m);
struct slot *draw_slot(struct model *m);
int slot_nr(const struct model *m, const struct slot *s);
const char *draw_data(struct model *m, size_t len);
void keep_slot(struct model *m, struct slot *s, int flags);
void close_slot(struct slot *s);
void model_close_slots(struct model *m);

/* An operation and how often it is drawn, against the others. */
struct op {
	const char *name;
	void (*run)(struct model *m);
	int weight;
};

/* An ACL of five entries, as its xattr has it. */
#define ACL_LEN		44
const char *draw_acl(struct model *m);

/* The operations by what they are about; a table ends with an empty line. */
extern const struct op name_ops[], file_ops[], attr_ops[], dir_ops[];
void close_dir_slot(struct dir_slot *d);

#endif
