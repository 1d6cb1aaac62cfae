/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals that ask a long command to end: it ends soon, leaves nothing behind,
 * and then the signal has its usual effect.
 */
#ifndef _LAYERCTL_INTERRUPT_H
#define _LAYERCTL_INTERRUPT_H

/* From now on; what the caller of layerctl had ignored (nohup, &) stays so */
void lc_interrupt_watch(void);

/* The signal that came, or 0 */
int lc_interrupted(void);

/* Die of the signal, if one came: a shell ends its loop, a service was stopped */
void lc_interrupt_die(void);

#endif
