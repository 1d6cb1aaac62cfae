/* SPDX-License-Identifier: GPL-2.0-only */
/* A user namespace of an unprivileged user, as rootless engines make it. */
#ifndef LFS_TEST_USERNS_H
#define LFS_TEST_USERNS_H

#include <sys/types.h>

/* Outside, what 0 and 1 inside are; 2 ... 999 inside follow upon the second. */
#define NS_ROOT		1000
#define NS_FIRST	100001

/*
 * Makes the calling process root of a new user and mount namespace that belongs
 * to the user NS_ROOT: outside it has no rights but that user's.
 */
void enter_userns(void);

#endif
