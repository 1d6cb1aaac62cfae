// SPDX-License-Identifier: LGPL-2.1-or-later
/* An image becomes a mounted container, and back. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/layerfs_ondisk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <unistd.h>

#include "container_priv.h"

/* The mounts that are this container, -EBUSY with the first one's target. */
static int check_unmounted(const struct layerfs_container *c, struct layerfs_error *err)
{
	struct layerfs_mountpoint_list list;
	size_t i;
	int ret;

	ret = layerfs_mountpoints_read(&list, err);
	if (ret)
		return ret;
	for (i = 0; !ret && i < list.nr; i++)
		if (layerfs_container_is_at(c, &list.mounts[i]))
			ret = layerfs_error_set(err, -EBUSY,
				"container '%s' is mounted on '%s' already",
				c->name, list.mounts[i].target);
	layerfs_mountpoints_free(&list);
	return ret;
}

static int new_record(const char *name, const struct layerfs_container_spec *spec,
		      const char *image_id, const char *target,
		      struct layerfs_container *c, struct layerfs_error *err)
{
	*c = (struct layerfs_container){
		.name = strdup(name),
		.image_id = strdup(image_id),
		.image_ref = strdup(spec->image),
		.target = strdup(target),
		.created = time(NULL),
	};
	if (c->name && c->image_id && c->image_ref && c->target)
		return 0;
	layerfs_container_free(c);
	return layerfs_error_sys(err, -ENOMEM, "container '%s'", name);
}

/* Everything that one mount needs to hold on to. */
struct mounting {
	struct layerfs_store *store;
	int containers;		/* <root>/containers */
	int dir;		/* the container's, locked */
	bool is_new;
	char *image_id;
	char *target;
};

/* A container of this name exists: is it fit to be mounted again? */
static int take_known(struct mounting *m, const struct layerfs_container_spec *spec,
		      struct layerfs_container *c, struct layerfs_error *err)
{
	int ret;

	ret = m->dir = container_lock(m->containers, spec->name, err);
	if (ret < 0)
		return ret;
	if (strcmp(c->image_id, m->image_id))
		return layerfs_error_set(err, -EEXIST,
			"container '%s' stands on another image, %s (%s)",
			spec->name, c->image_ref, c->image_id);
	ret = check_unmounted(c, err);
	if (!ret && !c->upper && !spec->ro)
		ret = container_add_upper(m->dir, spec->opts.layers.path[0], c, err);
	free(c->target);
	c->target = strdup(m->target);
	if (!ret && !c->target)
		ret = layerfs_error_sys(err, -ENOMEM, "container '%s'", spec->name);
	return ret ? ret : container_save(m->dir, c, err);
}

static int take_new(struct mounting *m, const struct layerfs_container_spec *spec,
		    struct layerfs_container *c, struct layerfs_error *err)
{
	char generated[16];
	unsigned int number;
	int ret;

	do {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return layerfs_error_sys(err, -errno, "getrandom");
		snprintf(generated, sizeof(generated), "c%08x", number);
		ret = new_record(spec->name ? spec->name : generated, spec,
				 m->image_id, m->target, c, err);
		if (ret)
			return ret;
		ret = m->dir = container_create(m->store, m->containers,
						spec->opts.layers.path[0], !spec->ro,
						c, err);
		if (ret < 0)
			layerfs_container_free(c);
	} while (ret == -EEXIST && !spec->name);
	m->is_new = ret >= 0;
	return ret < 0 ? ret : 0;
}

static int take_container(struct mounting *m, const struct layerfs_container_spec *spec,
			  struct layerfs_container *c, struct layerfs_error *err)
{
	int ret = -ENOENT;

	m->containers = container_open_dir(m->store, true, err);
	if (m->containers < 0)
		return m->containers;
	if (spec->name)
		ret = container_load(m->store, m->containers, spec->name, c, err);
	if (!ret)
		return take_known(m, spec, c, err);
	return ret == -ENOENT ? take_new(m, spec, c, err) : ret;
}

static int set_dirs(struct layerfs_container_spec *spec,
		    const struct layerfs_container *c, struct layerfs_error *err)
{
	int ret = 0;

	if (c->upper) {
		ret = layerfs_options_set(&spec->opts, "upperdir", c->upper, err);
		if (!ret)
			ret = layerfs_options_set(&spec->opts, "workdir", c->work, err);
	}
	if (!ret && spec->ro)
		ret = layerfs_options_set(&spec->opts, "ro", NULL, err);
	return ret;
}

static int mount_taken(struct mounting *m, struct layerfs_container_spec *spec,
		       struct layerfs_container *c, struct layerfs_error *err)
{
	int ret;

	ret = set_dirs(spec, c, err);
	if (!ret)
		ret = layerfs_mount(&spec->opts, c->name, m->target, err);
	if (!ret)
		container_mounted(m->dir);
	else if (m->is_new)
		container_remove(m->store, m->containers, c->name, NULL);
	return ret;
}

int layerfs_container_mount(const char *root, struct layerfs_container_spec *spec,
			    struct layerfs_container *c, struct layerfs_error *err)
{
	struct mounting m = { .containers = -1, .dir = -1 };
	int ret = 0;

	*c = (struct layerfs_container){ 0 };
	if (spec->name)
		ret = container_check_name(spec->name, err);
	if (!ret)
		ret = layerfs_store_open(root, false, &m.store, err);
	if (ret)
		return ret;
	m.target = realpath(spec->target, NULL);
	if (!m.target) {
		ret = layerfs_error_sys(err, -errno, "mount point '%s'", spec->target);
		goto close;
	}
	layerfs_store_on_wait(m.store, store_wait_warn, &spec->opts);
	/* The image must not go between its lookup and the container's record. */
	if (m.store->rootfd >= 0)
		ret = store_lock(m.store, LOCK_SH, err);
	if (!ret)
		ret = layerfs_layers_from_image(&spec->opts.layers, m.store->root,
						spec->image, &m.image_id, err);
	if (!ret)
		ret = take_container(&m, spec, c, err);
	if (!ret)
		ret = mount_taken(&m, spec, c, err);
	if (m.dir >= 0)
		close(m.dir);
	if (m.containers >= 0)
		close(m.containers);
	if (ret)
		layerfs_container_free(c);
close:
	free(m.image_id);
	free(m.target);
	layerfs_store_close(m.store);
	return ret;
}

/* Which container, and which of its mount points, a user means. */
static int find_meant(const char *root, const char *what,
		      struct layerfs_unmounted *done, struct layerfs_error *err)
{
	struct layerfs_container_list list;
	struct layerfs_mountpoint_list mounts;
	bool is_path = strchr(what, '/');
	char path[PATH_MAX];
	size_t i, j;
	int ret;

	if (is_path && !realpath(what, path))
		return layerfs_error_sys(err, -errno, "mount point '%s'", what);
	ret = layerfs_container_list(root, &list, err);
	if (ret)
		return ret;
	ret = layerfs_mountpoints_read(&mounts, err);
	if (ret)
		goto free_list;
	/* The last mount on a directory is the one that shows: go backwards. */
	for (i = mounts.nr; i-- > 0 && !done->target; ) {
		struct layerfs_mountpoint *mnt = &mounts.mounts[i];

		if (is_path && strcmp(mnt->target, path))
			continue;
		for (j = 0; j < list.nr; j++)
			if ((is_path || !strcmp(list.containers[j].name, what)) &&
			    layerfs_container_is_at(&list.containers[j], mnt))
				break;
		if (j == list.nr && !is_path)
			continue;
		done->target = strdup(mnt->target);
		done->name = j < list.nr ? strdup(list.containers[j].name) : NULL;
	}
	for (j = 0; !is_path && !done->name && j < list.nr; j++)
		if (!strcmp(list.containers[j].name, what))
			done->name = strdup(what);
	if (!done->target && !done->name)
		ret = layerfs_error_set(err, is_path ? -EINVAL : -ENOENT,
			is_path ? "'%s' is not a layerfs mount point" :
			"no container '%s' (a mount point is written with a '/')", what);
	layerfs_mountpoints_free(&mounts);
free_list:
	layerfs_container_list_free(&list);
	return ret;
}

/*
 * Other mount namespaces may have it, and so may who works in a mount that was
 * taken out of sight: only the kernel knows of these.
 */
static int check_elsewhere(const struct layerfs_container *c, struct layerfs_error *err)
{
	struct store_uses *uses;
	int ret;

	ret = store_uses_read(&uses, err);
	if (ret)
		return ret;
	if (store_uses_upper(uses, c->upper))
		ret = layerfs_error_set(err, -EBUSY,
			"container '%s' is still mounted, in another mount namespace or lazily unmounted: what it has written stays",
			c->name);
	store_uses_free(uses);
	return ret;
}

/*
 * A volatile mount leaves a mark that refuses its upper, because it may be
 * incomplete.  Once the mount has ended it can be made complete: then the mark
 * may go.  After a crash nobody comes here, and it stays.
 */
static int settle_volatile(const struct layerfs_container *c, struct layerfs_error *err)
{
	char mark[PATH_MAX], incompat[PATH_MAX];
	int fd, ret = 0;

	if (!c->upper)
		return 0;
	snprintf(incompat, sizeof(incompat), "%s/" LAYERFS_WORK_DIR "/" LAYERFS_INCOMPAT_DIR,
		 c->work);
	if (snprintf(mark, sizeof(mark), "%s/" LAYERFS_VOLATILE_DIR, incompat) >=
	    (int)sizeof(mark) || access(mark, F_OK))
		return 0;
	ret = check_elsewhere(c, err);
	if (ret)
		return ret == -EBUSY ? 0 : ret;
	fd = open(c->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Other marks in there stay. */
	if (fd < 0 || syncfs(fd) || rmdir(mark) || (rmdir(incompat) && errno != ENOTEMPTY))
		ret = layerfs_error_sys(err, -errno,
			"container '%s' is unmounted, but '%s' could not be written out and stays marked as volatile",
			c->name, c->upper);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* With the container locked, if it has a record. */
static int umount_locked(struct layerfs_store *store, int containers,
			 int flags, bool remove, struct layerfs_unmounted *done,
			 struct layerfs_error *err)
{
	struct layerfs_container c = { 0 };
	int ret = 0;

	if (done->target)
		ret = layerfs_umount(done->target, flags, err);
	if (ret || !done->name)
		return ret;
	ret = container_load_any(store, containers, done->name, &c, err);
	if (ret)
		return ret;
	/* It may be mounted at a second place, or be bind-mounted. */
	ret = check_unmounted(&c, err);
	if (!ret && remove && c.upper)
		ret = check_elsewhere(&c, err);
	if (!ret && (remove || !c.upper))
		ret = container_remove(store, containers, done->name, err);
	else if (ret == -EBUSY && !remove)
		ret = 0;
	else if (!ret && !(flags & MNT_DETACH))
		ret = settle_volatile(&c, err);
	done->kept = c.upper && !remove;
	layerfs_container_free(&c);
	return ret;
}

int layerfs_container_umount(const char *root, const char *what, int flags,
			     bool remove, struct layerfs_unmounted *done,
			     struct layerfs_error *err)
{
	struct layerfs_store *store = NULL;
	int containers = -1, dir = -1, ret;

	*done = (struct layerfs_unmounted){ 0 };
	ret = find_meant(root, what, done, err);
	if (ret)
		return ret;
	if (!done->target && !remove)
		ret = layerfs_error_set(err, -EINVAL, "container '%s' is not mounted here",
					done->name);
	if (ret || !done->name)
		goto umount;
	ret = layerfs_store_open(root, false, &store, err);
	if (!ret)
		ret = containers = container_open_dir(store, false, err);
	if (ret >= 0)
		ret = dir = container_lock(containers, done->name, err);
umount:
	if (ret >= 0)
		ret = umount_locked(store, containers, flags, remove, done, err);
	if (dir >= 0)
		close(dir);
	if (containers >= 0)
		close(containers);
	layerfs_store_close(store);
	if (ret)
		layerfs_unmounted_free(done);
	return ret;
}

void layerfs_unmounted_free(struct layerfs_unmounted *done)
{
	free(done->target);
	free(done->name);
	*done = (struct layerfs_unmounted){ 0 };
}
