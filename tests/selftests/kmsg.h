/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's log, from when it was opened on. */
#ifndef LFS_TEST_KMSG_H
#define LFS_TEST_KMSG_H

int kmsg_open(void);
/* Of the lines since then, or since the last call, how many contain both. */
int kmsg_count(int fd, const char *text, const char *and);

#endif
