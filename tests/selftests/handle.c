// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handle.h"
#include "harness.h"
#include "tree.h"

struct fh fh_of(const char *path)
{
	struct fh fh = { .h.handle_bytes = MAX_HANDLE_SZ };
	int id;

	if (name_to_handle_at(AT_FDCWD, path, &fh.h, &id, 0))
		FAIL("name_to_handle_at %s: %s", path, strerror(errno));
	return fh;
}

bool fh_equal(const struct fh *a, const struct fh *b)
{
	return a->h.handle_bytes == b->h.handle_bytes && a->h.handle_type == b->h.handle_type &&
	       !memcmp(a->bytes, b->bytes, a->h.handle_bytes);
}

int fh_open_at(const char *mnt, const struct fh *fh, int flags)
{
	struct fh copy = *fh;
	int dir = CHECK_SYS(open(mnt, O_RDONLY | O_DIRECTORY));
	int fd = open_by_handle_at(dir, &copy.h, flags);
	int err = errno;

	close(dir);
	errno = err;
	return fd;
}

int fh_open(const struct fh *fh, int flags)
{
	return fh_open_at("mnt", fh, flags);
}

void check_fh_at(const char *file, int line, const struct fh *fh, const char *path)
{
	int fd = fh_open(fh, O_PATH);
	struct stat is, want;

	if (fd < 0)
		test_fail(file, line, "%s by its handle: %s", path, strerror(errno));
	if (fstat(fd, &is) || lstat(path, &want))
		test_fail(file, line, "stat of %s: %s", path, strerror(errno));
	close(fd);
	if (is.st_dev != want.st_dev || is.st_ino != want.st_ino || is.st_mode != want.st_mode)
		test_fail(file, line, "the handle of %s leads to inode %lu, mode %o, not %lu, %o",
			  path, (unsigned long)is.st_ino, is.st_mode,
			  (unsigned long)want.st_ino, want.st_mode);
}
