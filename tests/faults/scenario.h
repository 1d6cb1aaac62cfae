/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the tables of scenarios are written.
 */
#ifndef LFS_SCENARIO_H
#define LFS_SCENARIO_H

#include <errno.h>

#include "sweep.h"

/* The result of an operation from that of a system call. */
#define RC(call)	((call) == -1 ? -errno : 0)

/* A scenario, the parts of the world that it needs, and its tests. */
#define SCENARIO(nm, parts, ...)					\
	static const struct scenario scn_##nm = {			\
		.name = #nm, .world = parts, __VA_ARGS__		\
	};								\
	SWEEP(slab, nm)							\
	SWEEP(page, nm)							\
	SWEEP(layers, nm)						\
	SWEEP(upper, nm)						\
	SWEEP(blocks, nm)						\
	SWEEP(inodes, nm)						\
	SWEEP(quota, nm)						\
	SWEEP(quota_inodes, nm)

/* One whose operation is a single call. */
#define CALL(nm, parts, call, ...)					\
	static int do_##nm(void) { return RC(call); }			\
	SCENARIO(nm, parts, .op = do_##nm, __VA_ARGS__)

/* The file descriptor that prepare_* opens and cleanup_fd() closes. */
extern int scn_fd;
void cleanup_fd(void);

#endif
