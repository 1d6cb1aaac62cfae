// SPDX-License-Identifier: LGPL-2.1-or-later
/* The records of containers, made and removed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_priv.h"
#include "unpack_tree.h"

int container_lock(int containers, const char *name, struct layerfs_error *err)
{
	int dir = openat(containers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return layerfs_error_sys(err, -errno, "container '%s'", name);
	if (!flock(dir, LOCK_EX | LOCK_NB))
		return dir;
	close(dir);
	return layerfs_error_set(err, -EBUSY,
		"container '%s' is being mounted or unmounted by another process", name);
}

/* The upper's own owner and mode are those of the container's root directory. */
static int make_upper(int dir, const char *top_layer)
{
	struct stat st;

	if (stat(top_layer, &st))
		return -errno;
	if (mkdirat(dir, "work", 0700) && errno != EEXIST)
		return -errno;
	if (mkdirat(dir, "upper", 0700) && errno != EEXIST)
		return -errno;
	if (fchownat(dir, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) ||
	    fchmodat(dir, "upper", st.st_mode & 07777, 0))
		return -errno;
	return 0;
}

static int set_upper(struct layerfs_container *c)
{
	if (asprintf(&c->upper, "%s/upper", c->dir) < 0)
		c->upper = NULL;
	if (asprintf(&c->work, "%s/work", c->dir) < 0)
		c->work = NULL;
	return c->upper && c->work ? 0 : -ENOMEM;
}

int container_add_upper(int dir, const char *top_layer, struct layerfs_container *c,
			struct layerfs_error *err)
{
	int ret = make_upper(dir, top_layer);

	if (!ret)
		ret = set_upper(c);
	return ret ? layerfs_error_sys(err, ret, "upper of container '%s'", c->name) : 0;
}

static struct json_object *record(const struct layerfs_container *c)
{
	struct json_object *json = json_object_new_object();
	char created[32];

	if (!json)
		return NULL;
	store_time_text(c->created, created);
	json_object_object_add(json, "image", json_object_new_string(c->image_id));
	json_object_object_add(json, "image_name", json_object_new_string(c->image_ref));
	json_object_object_add(json, "target", json_object_new_string(c->target));
	json_object_object_add(json, "created", json_object_new_string(created));
	return json;
}

static int write_record(int dir, const struct layerfs_container *c)
{
	struct json_object *json = record(c);
	int ret;

	if (!json)
		return -ENOMEM;
	ret = store_write_json(dir, ".config.json", json);
	json_object_put(json);
	if (!ret && renameat(dir, ".config.json", dir, "config.json"))
		ret = -errno;
	if (!ret && fsync(dir))
		ret = -errno;
	return ret;
}

int container_save(int dir, const struct layerfs_container *c,
		   struct layerfs_error *err)
{
	int ret = write_record(dir, c);

	return ret ? layerfs_error_sys(err, ret, "the record of container '%s'", c->name) : 0;
}

int container_create(struct layerfs_store *store, int containers, const char *top_layer,
		     bool with_upper, struct layerfs_container *c,
		     struct layerfs_error *err)
{
	char tmp[LAYERFS_CONTAINER_NAME_MAX + 16];
	int dir, ret = 0;

	snprintf(tmp, sizeof(tmp), "container-%s", c->name);
	dir = store_tmp_start(store, tmp, err);
	if (dir < 0)
		return dir;
	if (asprintf(&c->dir, "%s/containers/%s", store->root, c->name) < 0) {
		c->dir = NULL;
		ret = -ENOMEM;
	}
	if (!ret && with_upper)
		ret = make_upper(dir, top_layer);
	if (!ret && with_upper)
		ret = set_upper(c);
	if (!ret && mknodat(dir, CONTAINER_NEW, S_IFREG | 0600, 0))
		ret = -errno;
	if (!ret)
		ret = write_record(dir, c);
	if (!ret && renameat2(store->tmpfd, tmp, containers, c->name, RENAME_NOREPLACE))
		ret = -errno;
	if (ret) {
		store_tmp_drop(store, tmp, dir);
		return layerfs_error_sys(err, ret, "cannot make container '%s'", c->name);
	}
	fsync(containers);
	return dir;
}

/* If a crash brings it back, the upper tells whether it was used. */
void container_mounted(int dir)
{
	unlinkat(dir, CONTAINER_NEW, 0);
}

int container_remove(struct layerfs_store *store, int containers, const char *name,
		     struct layerfs_error *err)
{
	char tmp[LAYERFS_CONTAINER_NAME_MAX + 32];
	int ret;

	/*
	 * Out of sight in one step; what a crash leaves there, the next import
	 * collects.  The lock that the caller holds moves along.
	 */
	snprintf(tmp, sizeof(tmp), "gone-%s-%d", name, (int)getpid());
	if (renameat2(containers, name, store->tmpfd, tmp, RENAME_NOREPLACE))
		return layerfs_error_sys(err, -errno, "cannot remove container '%s'", name);
	fsync(containers);
	ret = unpack_remove_tree(store->tmpfd, tmp);
	if (ret)
		return layerfs_error_sys(err, ret,
			"container '%s' is gone, but not all of %s/tmp/%s could be removed",
			name, store->root, tmp);
	return 0;
}
