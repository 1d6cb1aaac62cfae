/* SPDX-License-Identifier: GPL-2.0-only */
/* A fuzzer of system calls on layerfs, guided by what of the module they reach. */
#ifndef _FUZZ_SYSCALLS_H
#define _FUZZ_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MAX_CALLS	20
#define NR_ARGS		7
#define MAX_CORPUS	4096
#define MAX_WORKERS	8
#define NR_FDS		8

/*
 * A program is a list of calls.  What the bytes mean is the call's own: which
 * path, which descriptor, which flags.  Any bytes are a valid program, so
 * mutating is easy.
 */
struct call {
	uint8_t op;
	uint8_t arg[NR_ARGS];
};

struct program {
	uint8_t nr;
	struct call call[MAX_CALLS];
};

/* The last argument of any call; from FAIL_NTH on, an allocation in it fails. */
#define FAIL_ARG	(NR_ARGS - 1)
#define FAIL_NTH	0xe0

/* program.c */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
unsigned int rng_below(struct rng *r, unsigned int n);
void program_random(struct rng *r, struct program *p);
void program_mutate(struct rng *r, struct program *p, const struct program *other);
int program_print(const struct program *p, char *buf, size_t size);
/* Reads the next program of a file; false at its end. */
bool program_read(FILE *f, struct program *p);

/* calls.c: the calls and what they work on */
struct op {
	const char *name;
	long (*run)(const uint8_t *arg);
};

extern const struct op file_ops[], name_ops[], mount_ops[], misc_ops[];

unsigned int ops_nr(void);
const struct op *ops_get(unsigned int i);
int ops_find(const char *name);

/* What a byte of a program stands for. */
const char *path_of(uint8_t arg);	/* of the mounts, or of what is under them */
const char *name_of(uint8_t arg);	/* one of the names in the trees */
int fd_of(uint8_t arg);			/* opened by an earlier call, or -1 */
int fd_keep(uint8_t arg, int fd);
uint64_t size_of(uint8_t arg);
const void *bytes_of(uint8_t arg, size_t *len);	/* some value, of any content */

void state_reset(void);			/* at a program's start */
void state_close(void);			/* at its end: all descriptors and mappings */
void state_map(void *p, size_t len);
/* Before changing the tree of mounts: not that of the others. */
bool own_mounts(void);

/* cover.c */
struct cover;

bool cover_init(struct cover **c);	/* shared by all workers to come */
bool cover_open(void);			/* this worker's descriptor */
void cover_start(void);			/* for this task */
void cover_before(void);
bool cover_after(struct cover *c);	/* whether the call reached something new */
void cover_stop(void);
void cover_counts(struct cover *c, unsigned int *edges, unsigned int *pcs);
void cover_report(struct cover *c);	/* functions of the module never reached */

/* Runs @p in this process; whether it reached something new. Prints if @verbose. */
bool program_run(const struct program *p, struct cover *c, bool verbose);

/* tree.c */
bool tree_make(const char *scratch, uint64_t seed);	/* made, mounted, entered */
bool tree_drop(const char *scratch);

#endif /* _FUZZ_SYSCALLS_H */
