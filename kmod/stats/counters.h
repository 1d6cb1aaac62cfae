/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_COUNTERS_H
#define _LAYERFS_COUNTERS_H

#include <linux/percpu.h>

#include "layerfs.h"

/**
 * struct lfs_counters - what one object has done since it was made
 * @v: indexed by enum layerfs_counter
 *
 * One copy a cpu.  A reader sums the copies without a lock.
 */
struct lfs_counters {
	u64 v[LAYERFS_C_MAX + 1];
};

/**
 * lfs_count - add to a counter
 * @c: the object's counters
 * @which: counter to add to
 * @n: what to add
 *
 * Context: any.
 */
static inline void lfs_count(struct lfs_counters __percpu *c,
			     enum layerfs_counter which, u64 n)
{
	this_cpu_add(c->v[which], n);
}

u64 lfs_counter_sum(struct lfs_counters __percpu *c, enum layerfs_counter which);

#endif /* _LAYERFS_COUNTERS_H */
