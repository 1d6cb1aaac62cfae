/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PC_RANDOM_H
#define PC_RANDOM_H

#include <stdint.h>

/* The next of a sequence that is the same for the same start. */
uint64_t rnd(uint64_t *state);

#endif
