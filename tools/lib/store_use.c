// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mounts may stand on layers without a record of layerctl's: by mount(8), of
 * overlayfs, bind mounts. The kernel tells of layerfs's in all mount
 * namespaces, mountinfo of all kinds in this one.
 */
#include <errno.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "container.h"
#include "store_priv.h"

/**
 * struct store_uses - all mounts
 * @stats: the kernel's rows; empty without the module
 * @table: /proc/self/mountinfo
 */
struct store_uses {
	struct layerfs_stats stats;
	struct libmnt_table *table;
};

int store_uses_read(struct store_uses **usesp, struct layerfs_error *err)
{
	struct store_uses *uses = calloc(1, sizeof(*uses));
	struct layerfs_error why = { 0 };
	int ret;

	*usesp = NULL;
	if (!uses)
		return layerfs_error_sys(err, -ENOMEM, "no memory for mounts");
	ret = layerfs_stats_read(&uses->stats, &why);
	if (ret && ret != -ENODEV) {
		free(uses);
		return layerfs_error_set(err, ret, "cannot tell what is mounted: %s", why.msg);
	}
	errno = 0;
	uses->table = mnt_new_table_from_file("/proc/self/mountinfo");
	if (!uses->table) {
		ret = errno ? -errno : -ENOMEM;
		store_uses_free(uses);
		return layerfs_error_sys(err, ret, "/proc/self/mountinfo");
	}
	*usesp = uses;
	return 0;
}

void store_uses_free(struct store_uses *uses)
{
	if (!uses)
		return;
	layerfs_stats_free(&uses->stats);
	mnt_unref_table(uses->table);
	free(uses);
}

static const char *target_of(const struct store_uses *uses, dev_t dev)
{
	struct libmnt_fs *fs = mnt_table_find_devno(uses->table, dev, MNT_ITER_FORWARD);

	return fs ? mnt_fs_get_target(fs) : NULL;
}

static bool is_row_of(const struct layerfs_stat_layer *row, const char *dir,
		      const struct stat *st)
{
	if (st->st_ino && row->dev == st->st_dev && row->ino == st->st_ino)
		return true;
	/* Filesystems with several device numbers (btrfs) go by the path. */
	return row->path && !strcmp(row->path, dir);
}

/* The first container on an image that stacks the layer */
static const struct layerfs_stat_container *container_on(const struct layerfs_stats *stats,
							 uint64_t layer_id)
{
	for (size_t i = 0; i < stats->nr_stack; i++) {
		if (stats->stack[i].layer_id != layer_id)
			continue;
		for (size_t j = 0; j < stats->nr_containers; j++)
			if (stats->containers[j].image_id == stats->stack[i].image_id)
				return &stats->containers[j];
	}
	return NULL;
}

static void describe(const struct store_uses *uses, uint64_t layer_id, char *why)
{
	const struct layerfs_stat_container *c = container_on(&uses->stats, layer_id);
	const char *target = c ? target_of(uses, c->dev) : NULL;

	if (target)
		snprintf(why, STORE_WHY_MAX, "it is mounted on %s", target);
	else if (c && c->upper)
		snprintf(why, STORE_WHY_MAX,
			 "it is mounted in another mount namespace, with the upper %s", c->upper);
	else
		snprintf(why, STORE_WHY_MAX, "it is mounted in another mount namespace");
}

/* A bind mount of something in the layer, or an overlay with it as lowerdir */
static bool is_mount_of(struct libmnt_fs *fs, const char *dir, const struct stat *st)
{
	const char *options = mnt_fs_get_fs_options(fs);
	const char *tail = strstr(dir, "/layers/sha256/");
	const char *root = mnt_fs_get_root(fs);
	const char *found;

	if (options && strstr(options, dir))
		return true;
	if (!st->st_ino || mnt_fs_get_devno(fs) != st->st_dev || !root || !tail)
		return false;
	found = strstr(root, tail);
	return found && (!found[strlen(tail)] || found[strlen(tail)] == '/');
}

bool store_uses_layer(const struct store_uses *uses, const char *dir, int fd, const char *name,
		      char why[STORE_WHY_MAX])
{
	struct libmnt_iter *iter;
	struct libmnt_fs *fs;
	struct stat st = { 0 };
	bool used = false;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
		memset(&st, 0, sizeof(st));
	for (size_t i = 0; i < uses->stats.nr_layers; i++) {
		if (!is_row_of(&uses->stats.layers[i], dir, &st))
			continue;
		describe(uses, uses->stats.layers[i].id, why);
		return true;
	}
	iter = mnt_new_iter(MNT_ITER_FORWARD);
	while (iter && !used && !mnt_table_next_fs(uses->table, iter, &fs)) {
		used = is_mount_of(fs, dir, &st);
		if (used)
			snprintf(why, STORE_WHY_MAX, "it is mounted on %s",
				 mnt_fs_get_target(fs));
	}
	/* Without memory nothing is unused. */
	if (!iter)
		snprintf(why, STORE_WHY_MAX, "mounts cannot be told, memory is short");
	used |= !iter;
	mnt_free_iter(iter);
	return used;
}

bool store_uses_upper(const struct store_uses *uses, const char *upper)
{
	for (size_t i = 0; i < uses->stats.nr_containers; i++) {
		const struct layerfs_stat_container *c = &uses->stats.containers[i];

		if (upper && c->upper && !strcmp(c->upper, upper))
			return true;
		/* An upper that could not be named may be any. */
		if (!target_of(uses, c->dev) && (!c->upper ? !upper :
		    !strncmp(c->upper, "/proc/self/fd/", 14)))
			return true;
	}
	return false;
}
