// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A directory in tmp belongs to the process that holds its flock. The kernel
 * drops the lock with the process, so a directory that can be locked is a
 * leftover, whenever and however its owner died.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_priv.h"
#include "unpack_tree.h"

/* The lock is on an inode, which may have got another name or none meanwhile */
static bool still_named(struct layerfs_store *store, const char *name, int fd)
{
	struct stat a, b;

	return !fstat(fd, &a) && !fstatat(store->tmpfd, name, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_work(struct layerfs_store *store, const char *name)
{
	int fd = openat(store->tmpfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

struct wipe {
	int fd;
};

static int wipe_one(void *arg, const char *name)
{
	struct wipe *wipe = arg;

	return unpack_remove_tree(wipe->fd, name);
}

static int try_start(struct layerfs_store *store, const char *name)
{
	struct wipe wipe;
	int fd, ret;

	if (mkdirat(store->tmpfd, name, 0700) && errno != EEXIST)
		return -errno;
	fd = open_work(store, name);
	if (fd < 0)
		return fd == -ENOENT ? -EAGAIN : fd;
	ret = store_flock(store, fd, LOCK_EX,
			  strncmp(name, "container-", 10) ? "another import of the same layer" :
							    "another mount of the same container");
	if (!ret && !still_named(store, name, fd))
		ret = -EAGAIN;
	wipe.fd = fd;
	if (!ret)
		ret = store_for_each(fd, wipe_one, &wipe);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int store_tmp_start(struct layerfs_store *store, const char *name, struct layerfs_error *err)
{
	int fd;

	do {
		fd = try_start(store, name);
	} while (fd == -EAGAIN);
	if (fd < 0)
		return layerfs_error_sys(err, fd, "cannot make %s/tmp/%s", store->root, name);
	return fd;
}

void store_tmp_drop(struct layerfs_store *store, const char *name, int fd)
{
	unpack_remove_tree(store->tmpfd, name);
	close(fd);
}

struct collect {
	struct layerfs_store *store;
	int (*found)(void *arg, const char *name);
	void (*failed)(void *arg, const char *name, int error);
	void *arg;
};

static bool is_unwanted(const struct collect *c, const char *name)
{
	return !c->found || !c->found(c->arg, name);
}

static void removed(const struct collect *c, const char *name, int ret)
{
	if (ret && c->failed)
		c->failed(c->arg, name, ret);
}

/* One that cannot be removed does not keep the others */
static int collect_one(void *arg, const char *name)
{
	struct collect *c = arg;
	int fd = open_work(c->store, name);

	/* Records are written to tmp with images locked: a file there now is dead. */
	if (fd == -ENOTDIR || fd == -ELOOP) {
		if (is_unwanted(c, name))
			removed(c, name, unlinkat(c->store->tmpfd, name, 0) ? -errno : 0);
		return 0;
	}
	if (fd < 0)
		return 0;
	if (!flock(fd, LOCK_EX | LOCK_NB) && still_named(c->store, name, fd) &&
	    is_unwanted(c, name))
		removed(c, name, unpack_remove_tree(c->store->tmpfd, name));
	close(fd);
	return 0;
}

int store_tmp_collect(struct layerfs_store *store, int (*found)(void *arg, const char *name),
		      void (*failed)(void *arg, const char *name, int error), void *arg)
{
	struct collect c = { .store = store, .found = found, .failed = failed, .arg = arg };

	return store_for_each(store->tmpfd, collect_one, &c);
}
