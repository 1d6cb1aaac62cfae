/* SPDX-License-Identifier: GPL-2.0-only */
/* Mounts at any place, to be stacked on each other. */
#ifndef LFS_TEST_STACKS_H
#define LFS_TEST_STACKS_H

/* Mounts the subject at @target, which is made; without upper if that is NULL. */
int stack_try(const char *target, const char *lower, const char *upper, const char *work);
void stack_on(const char *target, const char *lower);
void stack_with_upper(const char *target, const char *lower, const char *upper,
		      const char *work);
/* Mounts overlayfs, with these options; skips the test if there is none. */
void stack_overlay(const char *target, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
