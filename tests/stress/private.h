/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LFS_STRESS_PRIVATE_H
#define LFS_STRESS_PRIVATE_H

/* The file of worker @nr in a layer, as op_private.c expects to find it. */
void private_make(const char *dir, int nr);

#endif
