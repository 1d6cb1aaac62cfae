// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_priv.h"
#include "store_gc.h"

/**
 * struct gc - one collection
 * @store: locked exclusively
 * @dry_run: only list
 * @list: what was found
 * @uses: mounts at the start
 * @failed: the first error that did not end it
 * @err: the caller's
 */
struct gc {
	struct layerfs_store *store;
	bool dry_run;
	struct layerfs_garbage_list *list;
	struct store_uses *uses;
	int failed;
	struct layerfs_error *err;
};

static int add(struct gc *gc, enum layerfs_garbage_kind kind, const char *name, uint64_t bytes,
	       const char *kept)
{
	struct layerfs_garbage *item;

	item = reallocarray(gc->list->items, gc->list->nr + 1, sizeof(*item));
	if (!item)
		return layerfs_error_sys(gc->err, -ENOMEM, "no memory for the list");
	gc->list->items = item;
	item += gc->list->nr;
	*item = (struct layerfs_garbage) {
		.kind = kind,
		.name = strdup(name),
		.bytes = bytes,
		.kept = kept ? strdup(kept) : NULL,
	};
	if (!item->name || (kept && !item->kept)) {
		free(item->name);
		free(item->kept);
		return layerfs_error_sys(gc->err, -ENOMEM, "no memory for the list");
	}
	gc->list->nr++;
	return 0;
}

static int on_temporary(void *arg, const char *name)
{
	struct layerfs_container measured = { 0 };
	uint64_t bytes = 0, inodes;
	struct gc *gc = arg;
	int ret;

	if (asprintf(&measured.upper, "%s/tmp/%s", gc->store->root, name) < 0)
		return layerfs_error_sys(gc->err, -ENOMEM, "no memory for a path");
	layerfs_container_size(&measured, &bytes, &inodes, NULL);
	free(measured.upper);
	ret = add(gc, LAYERFS_GARBAGE_TEMPORARY, name, bytes, NULL);
	return ret ? ret : gc->dry_run;
}

/* It was listed as removed just before */
static void on_temporary_failed(void *arg, const char *name, int error)
{
	struct gc *gc = arg;
	char *kept = NULL;

	if (asprintf(&kept, "it cannot be removed: %s", strerror(-error)) < 0)
		kept = NULL;
	for (size_t i = 0; i < gc->list->nr; i++) {
		struct layerfs_garbage *item = &gc->list->items[i];

		if (item->kind == LAYERFS_GARBAGE_TEMPORARY && !item->kept &&
		    !strcmp(item->name, name)) {
			item->kept = kept;
			kept = NULL;
		}
	}
	free(kept);
	if (!gc->failed)
		gc->failed = layerfs_error_sys(gc->err, error, "cannot remove %s/tmp/%s",
					       gc->store->root, name);
}

static void on_kept(void *arg, const struct layerfs_layer *layer, const char *why)
{
	struct gc *gc = arg;

	for (size_t i = 0; i < gc->list->nr; i++)
		if (gc->list->items[i].kind == LAYERFS_GARBAGE_LAYER &&
		    !strcmp(gc->list->items[i].name, layer->diff_id))
			gc->list->items[i].kept = strdup(why);
}

static int collect_layers(struct gc *gc, const struct layerfs_layer_list *all)
{
	const struct layerfs_layer **unlisted = calloc(all->nr + 1, sizeof(*unlisted));
	char why[STORE_WHY_MAX];
	size_t nr = 0;
	int ret = 0;

	if (!unlisted)
		return layerfs_error_sys(gc->err, -ENOMEM, "no memory for the list");
	for (size_t i = 0; !ret && i < all->nr; i++) {
		const struct layerfs_layer *layer = &all->layers[i].layer;
		bool used;

		if (all->layers[i].nr_images)
			continue;
		used = store_uses_layer(gc->uses, layer->dir, AT_FDCWD, layer->dir, why);
		ret = add(gc, LAYERFS_GARBAGE_LAYER, layer->diff_id, layer->size,
			  used ? why : NULL);
		if (!used)
			unlisted[nr++] = layer;
	}
	if (!ret && !gc->dry_run)
		ret = store_layers_drop(gc->store, unlisted, nr, on_kept, gc, gc->err);
	free(unlisted);
	return ret;
}

static int collect_unlisted(struct gc *gc)
{
	struct layerfs_image_list images;
	struct layerfs_layer_list layers;
	int ret;

	ret = layerfs_store_images(gc->store, &images, gc->err);
	if (ret)
		return ret;
	ret = gc->dry_run ? 0 : store_images_settle(gc->store, &images, gc->err);
	if (ret) {
		layerfs_image_list_free(&images);
		return ret;
	}
	ret = layerfs_store_layers(gc->store, &images, &layers, gc->err);
	if (!ret) {
		ret = collect_layers(gc, &layers);
		layerfs_layer_list_free(&layers);
	}
	layerfs_image_list_free(&images);
	return ret;
}

static bool is_empty(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	bool empty = dir;

	if (!dir && fd >= 0)
		close(fd);
	while (empty && (errno = 0, de = readdir(dir)))
		empty = !strcmp(de->d_name, ".") || !strcmp(de->d_name, "..");
	empty = empty && !errno;
	if (dir)
		closedir(dir);
	return empty;
}

static bool is_mounted_here(const struct layerfs_container *c,
			    const struct layerfs_mountpoint_list *mounts)
{
	for (size_t i = 0; i < mounts->nr; i++)
		if (layerfs_container_is_at(c, &mounts->mounts[i]))
			return true;
	return false;
}

struct containers {
	struct gc *gc;
	int fd;
	struct layerfs_mountpoint_list mounts;
};

/* With the container locked: nobody mounts or unmounts it */
static int collect_locked(struct containers *cs, const struct layerfs_container *c, int dir)
{
	struct gc *gc = cs->gc;
	const char *kept = NULL;
	int ret;

	if (!gc->dry_run)
		unlinkat(dir, ".config.json", 0);
	if (is_mounted_here(c, &cs->mounts))
		return 0;
	if (c->upper && (faccessat(dir, CONTAINER_NEW, F_OK, 0) || !is_empty(dir, "upper")))
		return 0;
	if (store_uses_upper(gc->uses, c->upper))
		kept = "it may be mounted in another mount namespace";
	ret = add(gc, LAYERFS_GARBAGE_CONTAINER, c->name, 0, kept);
	if (ret || kept || gc->dry_run)
		return ret;
	return container_remove(gc->store, cs->fd, c->name, gc->err);
}

static int collect_container(void *arg, const char *name)
{
	struct containers *cs = arg;
	struct layerfs_container c;
	int dir, ret = 0;

	/* One that is being unmounted is nobody's leftover. */
	dir = container_lock(cs->fd, name, NULL);
	if (dir < 0)
		return 0;
	/* Whose record cannot be read keeps all it has; fsck tells of it. */
	if (!container_load(cs->gc->store, cs->fd, name, &c, NULL)) {
		ret = collect_locked(cs, &c, dir);
		layerfs_container_free(&c);
	}
	close(dir);
	return ret;
}

static int collect_containers(struct gc *gc)
{
	struct containers cs = { .gc = gc };
	int ret;

	cs.fd = container_open_dir(gc->store, false, NULL);
	if (cs.fd == -ENOENT)
		return 0;
	if (cs.fd < 0)
		return layerfs_error_sys(gc->err, cs.fd, "%s/containers", gc->store->root);
	ret = layerfs_mountpoints_read(&cs.mounts, gc->err);
	if (!ret) {
		ret = store_for_each(cs.fd, collect_container, &cs);
		layerfs_mountpoints_free(&cs.mounts);
	}
	close(cs.fd);
	return ret;
}

static int collect(struct gc *gc)
{
	int ret;

	/* The removal of a record must reach the disk before its layers go. */
	if (fsync(gc->store->imagesfd))
		return layerfs_error_sys(gc->err, -errno, "cannot sync %s/images",
					 gc->store->root);
	ret = store_uses_read(&gc->uses, gc->err);
	if (ret)
		return ret;
	ret = store_tmp_collect(gc->store, on_temporary, on_temporary_failed, gc);
	if (ret)
		layerfs_error_sys(gc->err, ret, "cannot list %s/tmp", gc->store->root);
	else
		ret = collect_containers(gc);
	if (!ret)
		ret = collect_unlisted(gc);
	store_uses_free(gc->uses);
	return ret ? ret : gc->failed;
}

int layerfs_store_collect(struct layerfs_store *store, bool dry_run,
			  struct layerfs_garbage_list *list, struct layerfs_error *err)
{
	struct gc gc = { .store = store, .dry_run = dry_run, .list = list, .err = err };
	int ret;

	memset(list, 0, sizeof(*list));
	/* A first import that was killed early may have left some missing. */
	if (store->imagesfd < 0 || store->tmpfd < 0 || store->layersfd < 0)
		return 0;
	ret = store_lock(store, LOCK_EX, err);
	if (ret)
		return ret;
	ret = store_image_lock(store, err);
	if (!ret) {
		ret = collect(&gc);
		flock(store->imagesfd, LOCK_UN);
	}
	store_unlock(store);
	return ret;
}

void layerfs_garbage_free(struct layerfs_garbage_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->nr; i++) {
		free(list->items[i].name);
		free(list->items[i].kept);
	}
	free(list->items);
	memset(list, 0, sizeof(*list));
}
