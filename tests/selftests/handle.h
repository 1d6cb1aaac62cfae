/* SPDX-License-Identifier: GPL-2.0-only */
/* File handles: taken, opened, compared. */
#ifndef LFS_TEST_HANDLE_H
#define LFS_TEST_HANDLE_H

#include <fcntl.h>
#include <stdbool.h>

/**
 * struct fh - a file handle with room for the largest
 * @h: its head
 * @bytes: which follow it in memory
 */
struct fh {
	struct file_handle h;
	unsigned char bytes[MAX_HANDLE_SZ];
};

/* The handle of a path, whose last component is not followed. */
struct fh fh_of(const char *path);
bool fh_equal(const struct fh *a, const struct fh *b);
/* Opens by handle on the mount at "mnt", or at @mnt; -1 with errno set. */
int fh_open(const struct fh *fh, int flags);
int fh_open_at(const char *mnt, const struct fh *fh, int flags);
/* The handle leads to what is at the path, and to nothing else. */
void check_fh_at(const char *file, int line, const struct fh *fh, const char *path);
#define CHECK_FH(fh, path) check_fh_at(__FILE__, __LINE__, fh, path)
/* It leads nowhere. */
#define CHECK_STALE(fh) CHECK_ERR(fh_open(fh, O_PATH), ESTALE)

#endif
