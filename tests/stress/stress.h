/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stress test: tens of processes do random operations on a few names in a
 * few containers, and notice when something is not as it must be.
 *
 *	./
 *	|-- l0/ ... l4/	layers
 *	|-- up/BOX/	upper and work of each container
 *	`-- mnt/BOX/	where they are mounted; itself a read-only tmpfs
 *
 * Names say what may be done to them, so that random operations leave the
 * invariants alone:
 *
 *	a b c d		directories mostly, but anything may have such a name
 *	f g h i		loose files mostly, likewise
 *	s t u		solid files, never anything else
 *	pN qN		private to worker N: the others may read them
 *	x...		a solid file in the making
 *	run, bin	a script and a program
 *
 * A file's content tells which file it is of (content.h).
 */
#ifndef LFS_STRESS_H
#define LFS_STRESS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_WORKERS	96
#define MAX_OPS		96
#define MAX_ERR		134
#define MAX_PATH	300

enum squad {
	SQ_NAMES,	/* few names, changed all the time */
	SQ_DATA,	/* contents */
	SQ_MIXED,	/* all of these, and as a user without privileges */
	SQ_PRIVATE,	/* exact checks of what nobody else changes */
	SQ_MOUNTS,	/* containers that come and go */
	SQ_MACHINE,	/* caches, freezes, dumps */
	NR_SQUADS
};

/* What an operation returns when there was nothing to do. */
#define SKIPPED	(-2)

/**
 * struct op - one kind of operation
 * @name: for the table
 * @fn: 0, -1 with errno, or SKIPPED
 * @weight: how often each squad does it
 * @errs: what it may fail with, ends with 0
 */
struct op {
	const char *name;
	int (*fn)(void);
	unsigned char weight[NR_SQUADS];
	const short *errs;
};

#define ERRS(...) ((const short[]){ __VA_ARGS__, 0 })
/* Any walk to a name that others change. */
#define WALK_ERRS ENOENT, ENOTDIR, ELOOP
/* Opening whatever is there, to read or to write. */
#define OPEN_ERRS WALK_ERRS, EISDIR, ENXIO, ENODEV, ETXTBSY

extern const struct op data_ops[], io_ops[], name_ops[], dir_ops[], attr_ops[],
			private_ops[], mount_ops[], machine_ops[];

/**
 * struct progress - what one worker has done, for all to see
 * @pid: 0 when it has ended
 * @op: index of what it is doing
 * @done: operations, of this round
 * @what: the paths of what it is doing
 * @count: outcomes by operation and errno, of all rounds
 */
struct progress {
	volatile pid_t pid;
	volatile int op;
	volatile long done;
	char what[2 * MAX_PATH];
	uint32_t count[MAX_OPS][MAX_ERR];
};

struct shared {
	volatile int stop, failed;
	struct progress w[MAX_WORKERS];
};

/**
 * struct worker - this process
 * @nr: which one
 * @squad: what it does
 * @user: has no privileges
 * @unstable: the box picked last may be read-only, or go away
 * @rng: state of the random numbers
 * @p: what the others see of it
 */
struct worker {
	int nr;
	enum squad squad;
	bool user;
	bool unstable;
	uint64_t rng;
	struct progress *p;
};

extern struct worker me;
extern struct shared *sh;

uint32_t rnd(uint32_t below);
/* One time in @n. */
#define one_in(n) (!rnd(n))

/* Something is wrong: says what, and ends this worker and then all. */
void stress_fail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
/* What the operation at hand is about, for messages. */
void doing(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* names.c: random names.  Each fills a buffer of MAX_PATH. */
enum kind { LOOSE, SOLID, ANY, READABLE };
/* The box of a path is drawn first: see me.unstable. */
const char *pick_box(void);
void pick_dir(char *path);
void pick_in(const char *box, char *path, enum kind kind);
void pick(char *path, enum kind kind);
/* A name without a directory. */
const char *pick_name(enum kind kind);

/* Open files, new or held since long. */
int pick_fd(enum kind kind, int flags);
void put_fd(int fd);
int hold_fd(int fd);

/* op_private.c */
void private_init(int nr);

#endif
