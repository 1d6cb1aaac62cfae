// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store_priv.h"

int store_sync_parent(int dirfd, const char *name)
{
	char *copy = strdup(name);
	int fd, ret = 0;

	if (!copy)
		return -ENOMEM;
	fd = openat(dirfd, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	free(copy);
	return ret;
}

/*
 * 0700 keeps a layer's setuid programs from the machine's users. An inherited
 * default ACL would end up on the files of layers.
 */
static int make_dir(int dirfd, const char *name)
{
	int fd;

	if (mkdirat(dirfd, name, 0700))
		return errno == EEXIST ? 0 : -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fremovexattr(fd, "system.posix_acl_default");
	fremovexattr(fd, "system.posix_acl_access");
	close(fd);
	return store_sync_parent(dirfd, name);
}

static int open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int sub_failed(struct layerfs_store *store, const char *name, int ret,
		      struct layerfs_error *err)
{
	return layerfs_error_sys(err, ret, "cannot open the store's directory %s/%s", store->root,
				 name);
}

static int open_sub(struct layerfs_store *store, const char *name, bool create, int *fdp,
		    struct layerfs_error *err)
{
	int ret = create ? make_dir(store->rootfd, name) : 0;

	if (!ret)
		ret = open_dir(store->rootfd, name);
	if (ret == -ENOENT && !create)
		return 0;
	if (ret < 0)
		return sub_failed(store, name, ret, err);
	*fdp = ret;
	return 0;
}

/* All missing parents, too: /var/lib is there, a --root may be anywhere */
static int make_root(const char *root)
{
	char *path = strdup(root);
	int ret = 0;

	if (!path)
		return -ENOMEM;
	for (char *p = path + 1; !ret && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (!mkdir(path, 0755))
			ret = store_sync_parent(AT_FDCWD, path);
		else if (errno != EEXIST)
			ret = -errno;
		*p = '/';
	}
	if (!ret)
		ret = make_dir(AT_FDCWD, path);
	free(path);
	return ret;
}

static int open_all(struct layerfs_store *store, bool create, struct layerfs_error *err)
{
	int ret;

	store->rootfd = open_dir(AT_FDCWD, store->root);
	if (store->rootfd == -ENOENT)
		return 0;
	if (store->rootfd < 0)
		return layerfs_error_sys(err, store->rootfd, "cannot open the store %s%s",
					 store->root, geteuid() ? " without being root" : "");
	ret = create ? make_dir(store->rootfd, "layers") : 0;
	if (ret)
		return sub_failed(store, "layers", ret, err);
	ret = open_sub(store, "layers/sha256", create, &store->layersfd, err);
	if (!ret)
		ret = open_sub(store, "images", create, &store->imagesfd, err);
	if (!ret)
		ret = open_sub(store, "tmp", create, &store->tmpfd, err);
	return ret;
}

int layerfs_store_open(const char *root, bool create, struct layerfs_store **storep,
		       struct layerfs_error *err)
{
	struct layerfs_store *store;
	int ret = 0;

	if (!root)
		root = LAYERFS_STORE_DEFAULT_ROOT;
	if (create && geteuid())
		return layerfs_error_set(err, -EPERM,
			"only root can write to the store %s: layers hold files of all owners, devices and trusted xattrs",
			root);
	store = malloc(sizeof(*store));
	if (!store)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a store");
	*store = (struct layerfs_store) {
		.rootfd = -1, .layersfd = -1, .imagesfd = -1, .tmpfd = -1, .lockfd = -1,
	};
	if (create)
		ret = make_root(root);
	if (ret) {
		layerfs_error_sys(err, ret, "cannot make the store %s", root);
		goto fail;
	}
	store->root = realpath(root, NULL);
	if (!store->root && errno == ENOENT && !create)
		store->root = strdup(root);
	if (!store->root) {
		ret = layerfs_error_sys(err, -errno, "cannot open the store %s", root);
		goto fail;
	}
	ret = open_all(store, create, err);
	if (ret)
		goto fail;
	*storep = store;
	return 0;
fail:
	layerfs_store_close(store);
	return ret;
}

void layerfs_store_close(struct layerfs_store *store)
{
	if (!store)
		return;
	int fds[] = { store->lockfd, store->tmpfd, store->imagesfd, store->layersfd,
		      store->rootfd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(store->root);
	free(store);
}

const char *layerfs_store_root(const struct layerfs_store *store)
{
	return store->root;
}

void layerfs_store_on_wait(struct layerfs_store *store, void (*wait)(void *arg, const char *what),
			   void *arg)
{
	store->wait = wait;
	store->wait_arg = arg;
}

void store_wait_warn(void *arg, const char *what)
{
	const struct layerfs_options *opts = arg;
	char msg[128];

	if (!opts->warn)
		return;
	snprintf(msg, sizeof(msg), "waiting for %s", what);
	opts->warn(opts->warn_data, msg);
}

int store_flock(struct layerfs_store *store, int fd, int operation, const char *what)
{
	if (!flock(fd, operation | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	if (store->wait)
		store->wait(store->wait_arg, what);
	return flock(fd, operation) ? -errno : 0;
}

int store_lock(struct layerfs_store *store, int operation, struct layerfs_error *err)
{
	int ret = 0;

	if (store->lockfd < 0) {
		store->lockfd = openat(store->rootfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		ret = store->lockfd < 0 ? -errno : 0;
		/* From there nothing can be removed. */
		if (ret == -EROFS && operation == LOCK_SH)
			return 0;
	}
	if (!ret)
		ret = store_flock(store, store->lockfd, operation,
				  operation == LOCK_EX ? "an import, check or mount to end" :
							 "a removal or repair to end");
	if (ret)
		return layerfs_error_sys(err, ret, "cannot lock the store %s", store->root);
	return 0;
}

void store_unlock(struct layerfs_store *store)
{
	flock(store->lockfd, LOCK_UN);
}

int layerfs_store_hold(struct layerfs_store *store, struct layerfs_error *err)
{
	return store->rootfd < 0 ? 0 : store_lock(store, LOCK_SH, err);
}
