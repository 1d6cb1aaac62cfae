/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables in the documentation: each entry is what a probe found, in a process,
 * a mount namespace and a directory of its own.
 */
#ifndef LFS_TEST_PROBE_H
#define LFS_TEST_PROBE_H

#include <stddef.h>

/*
 * Runs @fn(@arg) there; @text is what it said, or "FAILED", with the reason on
 * standard error.
 */
void probe_run(void (*fn)(const void *arg), const void *arg, char *text, size_t size);
/* In @fn: appends to the text. */
void probe_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
