/* SPDX-License-Identifier: GPL-2.0-only */
/* A memory cgroup that is too small for what is done in it. */
#ifndef LFS_STRESS_MEMCG_H
#define LFS_STRESS_MEMCG_H

void memcg_make(void);
void memcg_enter(void);
void memcg_report(void);

#endif
