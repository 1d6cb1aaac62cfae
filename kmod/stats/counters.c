// SPDX-License-Identifier: GPL-2.0-only
#include "stats/counters.h"

/**
 * lfs_counter_sum - the value of a counter
 * @c: the object's counters
 * @which: counter to read
 *
 * Return: the sum over all cpus, not simultaneous with any other counter.
 */
u64 lfs_counter_sum(struct lfs_counters __percpu *c, enum layerfs_counter which)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(c, cpu)->v[which]);
	return sum;
}
