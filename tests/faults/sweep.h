/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fault sweep: an operation is done again and again on the same state, each
 * time with another of its steps failing, until it comes through untouched.
 *
 * A scenario is an operation and the state it needs, an injector a way to make
 * the n-th step fail.  Each pair is a test, "injector.scenario".
 */
#ifndef LFS_SWEEP_H
#define LFS_SWEEP_H

#include <stdbool.h>

#include "fixture.h"
#include "harness.h"
#include "tree.h"

/* What is unusual about a scenario. */
#define SCN_MOUNTS	(1 << 0)	/* starts unmounted; success mounts mnt */
#define SCN_UMOUNTS	(1 << 1)	/* success leaves mnt unmounted */
#define SCN_MUST	(1 << 2)	/* has to succeed whatever fails */
#define SCN_LATE	(1 << 3)	/* may fail with the new state complete */
#define SCN_PARTIAL	(1 << 4)	/* may fail half done, as on any filesystem */
#define SCN_COLD	(1 << 5)	/* with the layers' dentries dropped first */
#define SCN_SHADOW	(1 << 6)	/* a whiteout that hides nothing may stay */
#define SCN_READS	(1 << 7)	/* changes nothing: the upper need not be made anew */

/**
 * struct scenario - an operation to be swept
 * @name: of the operation
 * @flags: SCN_*
 * @world: the parts of the world that it needs, by name (world.c)
 * @layers: how many; 0 means 2
 * @options: of the mount, comma separated
 * @keeps_ino: an object of a layer whose st_ino must stay, or NULL
 * @prepare: what the operation needs beyond the world, in the fresh mount
 * @op: the operation; 0 or -errno.  It is repeated after a failure
 * @cleanup: ends what @prepare began
 */
struct scenario {
	const char *name;
	unsigned int flags;
	const char *world;
	int layers;
	const char *options;
	const char *keeps_ino;
	void (*prepare)(void);
	int (*op)(void);
	void (*cleanup)(void);
};

/**
 * struct injector - a way to make the n-th step of an operation fail
 * @name: what fails
 * @start: get ready, once for a test; skips it where that cannot be
 * @fresh: before the state of a point is made
 * @arm: from now on, step @n fails; the first is 1
 * @disarm: no step fails any more; whether one has
 * @end: undo @start
 * @errors: what the operation may fail with; ends with 0
 * @no_end: every point fails a step, if there is such a step: the sweep ends
 *          when the operation has succeeded some times in a row
 */
struct injector {
	const char *name;
	void (*start)(void);
	void (*fresh)(void);
	void (*arm)(int n);
	bool (*disarm)(void);
	void (*end)(void);
	int errors[8];
	bool no_end;
};

void sweep(const struct scenario *s, const struct injector *inj);

#define SWEEP(inj, nm)							\
	TEST_WITH(inj, nm, .timeout = 6000) { sweep(&scn_##nm, &inject_##inj); }

/* world.c: what is in the layers and the upper when an operation starts */
#define WORLD_BIG	300000	/* size of "big", pattern_byte(WORLD_SEED, i) at i */
#define WORLD_SEED	7

void world_layers(const char *parts, int layers);
void world_upper(void);
int world_mount(int layers, const char *options);
void world_umount(void);
bool world_mounted(void);
void world_view(struct listing *out);
void world_upper_view(struct listing *out);
void world_no_objects(void);
const char *world_leftover(void);

extern const struct injector inject_slab, inject_page, inject_layers, inject_upper,
	inject_blocks, inject_inodes, inject_quota, inject_quota_inodes;

#endif
