// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which layerfs mounts there are, by libmount. */
#include <errno.h>
#include <libmount.h>
#include <linux/layerfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "container.h"

static char *copy(const char *s)
{
	return strdup(s ? s : "");
}

/*
 * The module shows a comma in a path as "\,", and a backslash as "\\"; a quote
 * is a character like any other.  libmount knows neither.
 */
static const char *option_end(const char *option)
{
	while (*option && *option != ',')
		option += option[0] == '\\' && option[1] ? 2 : 1;
	return option;
}

/* What follows @key in a list of options, as it is shown; NULL without it */
static const char *find_option(const char *options, const char *key)
{
	size_t len = strlen(key);

	while (options && *options) {
		const char *end = option_end(options);

		if (!strncmp(options, key, len) &&
		    (key[len - 1] == '=' || options + len == end))
			return options + len;
		options = *end ? end + 1 : end;
	}
	return NULL;
}

static char *value_dup(const char *value)
{
	const char *end = option_end(value);
	char *copy = malloc(end - value + 1), *out = copy;

	if (!copy)
		return NULL;
	while (value < end) {
		if (value[0] == '\\' && value + 1 < end)
			value++;
		*out++ = *value++;
	}
	*out = '\0';
	return copy;
}

static int take_mount(struct layerfs_mountpoint_list *list, struct libmnt_fs *fs)
{
	const char *upper = find_option(mnt_fs_get_fs_options(fs), "upperdir=");
	struct layerfs_mountpoint *mnt;

	mnt = reallocarray(list->mounts, list->nr + 1, sizeof(*mnt));
	if (!mnt)
		return -ENOMEM;
	list->mounts = mnt;
	mnt += list->nr++;
	*mnt = (struct layerfs_mountpoint){
		.dev = mnt_fs_get_devno(fs),
		.source = copy(mnt_fs_get_source(fs)),
		.target = copy(mnt_fs_get_target(fs)),
		.ro = find_option(mnt_fs_get_vfs_options(fs), "ro") ||
		      find_option(mnt_fs_get_fs_options(fs), "ro"),
	};
	if (upper) {
		mnt->upper = value_dup(upper);
		if (!mnt->upper)
			return -ENOMEM;
	}
	return mnt->source && mnt->target ? 0 : -ENOMEM;
}

int layerfs_mountpoints_read(struct layerfs_mountpoint_list *list,
			     struct layerfs_error *err)
{
	struct libmnt_table *table;
	struct libmnt_iter *iter;
	struct libmnt_fs *fs;
	int ret = 0;

	*list = (struct layerfs_mountpoint_list){ 0 };
	errno = 0;
	table = mnt_new_table_from_file("/proc/self/mountinfo");
	iter = mnt_new_iter(MNT_ITER_FORWARD);
	if (!table || !iter)
		ret = errno ? -errno : -ENOMEM;
	while (!ret && !mnt_table_next_fs(table, iter, &fs))
		if (mnt_fs_match_fstype(fs, LAYERFS_FS_NAME))
			ret = take_mount(list, fs);
	mnt_free_iter(iter);
	mnt_unref_table(table);
	if (!ret)
		return 0;
	layerfs_mountpoints_free(list);
	return layerfs_error_sys(err, ret, "/proc/self/mountinfo");
}

void layerfs_mountpoints_free(struct layerfs_mountpoint_list *list)
{
	while (list->nr) {
		struct layerfs_mountpoint *mnt = &list->mounts[--list->nr];

		free(mnt->source);
		free(mnt->target);
		free(mnt->upper);
	}
	free(list->mounts);
	*list = (struct layerfs_mountpoint_list){ 0 };
}

static bool same_dir(const char *a, const char *b)
{
	struct stat x, y;

	if (!strcmp(a, b))
		return true;
	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool layerfs_container_is_at(const struct layerfs_container *c,
			     const struct layerfs_mountpoint *mnt)
{
	/* An upper too long to be shown under its own name counts as unknown. */
	if (c->upper && mnt->upper && strncmp(mnt->upper, "/proc/self/fd/", 14))
		return same_dir(c->upper, mnt->upper);
	return !strcmp(c->name, mnt->source) && !strcmp(c->target, mnt->target);
}
