/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The random test: the same operations on the subject and on a plain directory,
 * which must then be the same.
 */
#ifndef LFS_TEST_MODEL_H
#define LFS_TEST_MODEL_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define SUBJECT		0
#define PLAIN		1
#define SLOTS		12
#define LAYERS		3
#define FILE_MAX	40000

/**
 * struct slot - a file held open on both sides
 * @fd: -1 when the slot is free
 * @flags: what it was opened with
 */
struct slot {
	int fd[2];
	int flags;
};

/**
 * struct model - the state of a run
 * @root: the two trees
 * @slots: files held open across operations
 * @rc: results of the operation under way, per side
 * @err: its errno, 0 when it succeeded
 * @data: digest of what it read
 * @desc: the operation in words
 * @rng: state of the generator
 */
struct model {
	int root[2];
	struct slot slots[SLOTS];
	long rc[2];
	int err[2];
	uint64_t data[2];
	char desc[512];
	uint64_t rng;
};

uint32_t rnd(struct model *m, uint32_t below);

/* model_layers.c: three random layers, and their merge made by hand. */
void model_make_layers(struct model *m);
void model_merge(const char *to);

/* model_ops.c */
void model_op(struct model *m);
void model_close_slots(struct model *m);
uint64_t model_digest(int fd, uint64_t size);

#endif
