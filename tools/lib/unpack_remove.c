// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * rm -rf that can neither be led out of the tree nor run out of descriptors
 * or stack in a deep one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack_tree.h"

static int open_dir(int parent, const char *base)
{
	int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/*
 * Empty the directory @fd up to the first directory in it that is not empty
 * itself; @sub gets its name, "" if there is none.
 */
static int remove_plain(int fd, char sub[NAME_MAX + 1])
{
	struct dirent *de;
	int ret = 0;
	int copy;
	DIR *d;

	*sub = '\0';
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		ret = -errno;
		if (copy >= 0)
			close(copy);
		return ret;
	}
	while (!ret && !*sub && (errno = 0, de = readdir(d))) {
		if (is_dots(de->d_name) || !unlinkat(fd, de->d_name, 0))
			continue;
		if (errno != EISDIR && errno != EPERM)
			ret = -errno;
		else if (unlinkat(fd, de->d_name, AT_REMOVEDIR)) {
			if (errno == ENOTEMPTY || errno == EEXIST)
				strcpy(sub, de->d_name);
			else
				ret = -errno;
		}
	}
	if (!ret && !*sub && errno)
		ret = -errno;
	closedir(d);
	return ret;
}

/*
 * Descends into one directory at a time and comes back by "..", which is safe
 * as nobody else changes the tree: it lies below a directory of mode 0700 and
 * its lock is ours.
 */
static int remove_content(int top, dev_t dev, ino_t ino)
{
	int fd = dup(top);

	if (fd < 0)
		return -errno;
	for (;;) {
		char sub[NAME_MAX + 1];
		struct stat st;
		int next, ret;

		ret = remove_plain(fd, sub);
		if (ret || fstat(fd, &st)) {
			close(fd);
			return ret ? ret : -errno;
		}
		if (!*sub && st.st_dev == dev && st.st_ino == ino) {
			close(fd);
			return 0;
		}
		next = open_dir(fd, *sub ? sub : "..");
		close(fd);
		if (next < 0)
			return next;
		fd = next;
	}
}

int unpack_remove_tree(int parent, const char *base)
{
	struct stat st;
	int fd, ret;

	fd = open_dir(parent, base);
	if (fd == -ENOTDIR || fd == -ELOOP)
		return unlinkat(parent, base, 0) ? -errno : 0;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = fstat(fd, &st) ? -errno : remove_content(fd, st.st_dev, st.st_ino);
	close(fd);
	if (ret)
		return ret;
	return unlinkat(parent, base, AT_REMOVEDIR) ? -errno : 0;
}
