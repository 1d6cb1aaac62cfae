/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measure layerfs beside overlayfs and the bare filesystem below both.
 *
 * What is compared
 * ----------------
 * For each number of layers N there is one tree of files, dealt out to N
 * directories (the layers) so that most of its directories are merged from
 * many, and once more whole, as a plain directory.  All lie on one ext4 on a
 * ram disk.  "bare" is the plain directory, bind mounted so that its path has as
 * many parts as the others'; these stack the N layers with an upper on top, and
 * are measured by the same code as bare is.
 *
 * A walk is: list every directory of the tree and stat every entry.
 *
 * "First container" means: names and inodes were dropped (echo 2
 * >drop_caches), the container was just mounted, and it is the only one of its
 * image.  Bare was dropped, too, so all start from the same state.
 *
 * "Second container" means: the first one, mounted from the same list with an
 * upper of its own, is there and has been walked; the second was just mounted
 * and nobody has looked into it.  So the layers' own inodes and names are in
 * memory, but none of the second mount's.  A plain directory has no such state:
 * it has no objects of its own besides ext4's.  Three states of it are near, and
 * the second container's walk is compared with each:
 *
 *   warm      names and inodes in memory: the plain directory walked again. The
 *             strictest: bare makes nothing, the container all of its objects.
 *             This is the 1.00 of the table's main row, and of all other rows
 *             about the second container.
 *   linked    inodes in memory, names not: a second tree of hard links to the
 *             files of the first, which was walked. The nearest to what the
 *             second container finds: names to be looked up, inodes there.
 *   dropped   neither in memory, the disk's blocks are.
 *
 * Rows about changes measure the change: the names were looked up before, and
 * the directory is in the upper already.
 */
#ifndef _BENCH_H
#define _BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define MAX_REPEATS	9
#define MAX_STACKS	8
#define MAX_ROWS	64

/* overlayfs's own limit; with more, only mounts are measured. */
#define MAX_LAYERS_WALKED	500
#define MAX_LAYERS		4096

enum fs_kind {
	KIND_BARE,
	KIND_OVERLAY,
	KIND_LAYERFS,
	NR_KINDS
};

/**
 * enum unit - how a row is shown
 * @UNIT_RATIO: bare in nanoseconds, the others as multiples of that
 * @UNIT_US: each in microseconds
 * @UNIT_BYTES: each in bytes
 */
enum unit {
	UNIT_RATIO,
	UNIT_US,
	UNIT_BYTES,
};

/**
 * struct row - one line of a table for each number of layers
 * @key: its name in JSON
 * @title: its name on paper
 * @unit: how it is shown
 * @aim: what layerfs should not exceed, in that unit; 0 if there is no such aim
 */
struct row {
	const char *key;
	const char *title;
	enum unit unit;
	double aim;
};

struct result {
	double value[MAX_REPEATS];
	int nr;
};

/**
 * struct bench - what was asked for, and what was found
 * @program: what is measured
 * @layers: with how many layers, @nr_stacks numbers
 * @kinds: with which filesystems
 * @repeats: how often
 * @containers: that are mounted at once, where many are
 * @wall: the clock is that of the wall
 * @out: directory for JSON and table; may be NULL
 * @tar: files for real work
 * @results: the figures
 */
struct bench {
	const struct program *program;
	int layers[MAX_STACKS];
	int nr_stacks;
	bool kinds[NR_KINDS];
	int repeats;
	int containers;
	bool wall;
	const char *out;
	const char *tar;
	struct result results[MAX_STACKS][NR_KINDS][MAX_ROWS];
};

extern const char *const kind_names[NR_KINDS];

/**
 * struct program - what one call of bench measures
 * @name: how it is called, and its files
 * @intro: lines above the table
 * @rows: the table
 * @nr_rows: lines of that for each number of layers
 * @build: make what is measured below DIR
 * @measure: measure one kind once, and add() a value for each row that it has
 */
struct program {
	const char *name;
	const char *intro;
	const struct row *rows;
	int nr_rows;
	void (*build)(const struct bench *b, int layers, const char *dir);
	void (*measure)(struct bench *b, int stack, enum fs_kind kind,
			const char *dir, int repeat);
};

extern const char *const kind_names[NR_KINDS];
extern const struct program program_ops, program_work, program_system, program_scale,
	program_parallel;

/* util.c */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void must(bool ok, const char *what, const char *path);
char *path_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
double now(void);
double run(const char *dir, const char *root, const char *const argv[]);

/* main.c */
void add(struct result *results, int row, double value);

/* mounts.c */
void mount_stack(enum fs_kind kind, const char *dir, int layers,
		 const char *upper, const char *target);
void mount_on_image(enum fs_kind kind, const char *image, const char *upper,
		    const char *target);
void mount_bind(const char *dir, const char *target);
void unmount(const char *target);
bool mount_supported(enum fs_kind kind);
bool mount_possible(enum fs_kind kind, int layers);

/* container.c */
char *container_make(const char *dir, const char *name);
char *container_mount(enum fs_kind kind, const char *dir, int layers,
		      const char *name);
void container_remove(const char *dir, const char *name);

/* memory.c */
void caches_drop(void);
double memory_slab(const char *dir);

/* report.c */
void report_print(const struct bench *b, FILE *to);
void report_write(const struct bench *b);

#endif /* _BENCH_H */
