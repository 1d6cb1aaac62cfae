/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same calls on a plain directory and in a container: every result, every
 * errno and the tree that is left must be the same.
 *
 *	plain/		what make() makes: the yardstick
 *	l1/low/		the same, in a layer
 *	upper/up/	the same, in the upper
 *	mnt/low, mnt/up
 *
 * The op() runs three times, each in a process of its own whose working
 * directory is plain/, mnt/low/ and mnt/up/, and writes down what it sees.
 */
#ifndef LFS_TEST_COMPARE_H
#define LFS_TEST_COMPARE_H

#include "fixture.h"

void compare(void (*make)(void), void (*op)(void));
/* The same, with what is there already: plain/, mnt/low/ and mnt/up/. */
void compare_mounted(void (*op)(void));
/* The results and errnos alone. */
void compare_calls(void (*op)(void));

/* In an op(): which of the three it is. */
enum where { PLAIN, LOW, UP };
extern enum where where;

/* In an op(): a line of what was seen. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A call, by its text, and how it ended: its value, or an errno. */
long say_rc(const char *what, long rc, int err);
/* A call that gives a descriptor, whose number says nothing. */
int say_fd(const char *what, int fd, int err);
/* The first @len bytes at @buf as a sum. */
void say_bytes(const char *what, const void *buf, size_t len);

#define DO(call)	({ errno = 0; long rc_ = (long)(call); say_rc(#call, rc_, errno); })
#define FD(call)	({ errno = 0; int fd_ = (call); say_fd(#call, fd_, errno); })
#define VAL(expr)	say("%s is %lld", #expr, (long long)(expr))

#endif
