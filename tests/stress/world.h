/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The containers of a round:
 *
 *	c0	what most happens in: l0:l1:l2:l3
 *	c1	the same image; now and then remounted read-only
 *	r0	l3:l4, without an upper
 *	c2	l1, and mnt/r0 as a layer
 *	d0 ...	come and go, with one of several images
 */
#ifndef LFS_STRESS_WORLD_H
#define LFS_STRESS_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#define NR_LAYERS	5
#define NR_PASSING	6

/* Makes the layers and mounts what stays for the round. */
void world_make(int round, int workers);
/* Checks what must hold at the end, over a remount, and unmounts; false: it does not. */
bool world_check(void);
/* Mounts @lower (separated by ':') with up/@upper; 0 or -errno. */
int world_mount(const char *lower, const char *upper, const char *target,
		bool is_volatile);
/* What world_check() says in the end of a run that had to be cut off. */
void world_abandon(void);

#endif
