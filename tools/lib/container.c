// SPDX-License-Identifier: LGPL-2.1-or-later
/* The records of containers, read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_priv.h"
#include "oci_json.h"

int container_check_name(const char *name, struct layerfs_error *err)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	if (!*name || !strchr(first, *name) || name[strspn(name, rest)])
		return layerfs_error_set(err, -EINVAL,
			"'%s' is no container name: letters, digits, '_', '.' and '-', beginning with a letter or digit",
			name);
	if (strlen(name) > LAYERFS_CONTAINER_NAME_MAX)
		return layerfs_error_set(err, -EINVAL,
			"'%s' is too long for a container name, %d is the most",
			name, LAYERFS_CONTAINER_NAME_MAX);
	return 0;
}

int container_open_dir(struct layerfs_store *store, bool create,
		       struct layerfs_error *err)
{
	int fd;

	if (store->rootfd < 0)
		return layerfs_error_sys(err, -ENOENT, "store %s", store->root);
	/* Closed to all but root: uppers hold set-uid files for anyone to keep. */
	if (create && !mkdirat(store->rootfd, "containers", 0700))
		store_sync_parent(store->rootfd, "containers");
	else if (create && errno != EEXIST)
		return layerfs_error_sys(err, -errno, "%s/containers", store->root);
	fd = openat(store->rootfd, "containers",
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return layerfs_error_sys(err, -errno, "%s/containers", store->root);
	return fd;
}

void layerfs_container_free(struct layerfs_container *c)
{
	free(c->name);
	free(c->image_id);
	free(c->image_ref);
	free(c->target);
	free(c->dir);
	free(c->upper);
	free(c->work);
	*c = (struct layerfs_container){ 0 };
}

void layerfs_container_list_free(struct layerfs_container_list *list)
{
	while (list->nr)
		layerfs_container_free(&list->containers[--list->nr]);
	free(list->containers);
	*list = (struct layerfs_container_list){ 0 };
}

static char *copy_member(struct json_object *json, const char *key)
{
	const char *value = oci_json_string(json, key);

	return value ? strdup(value) : NULL;
}

static int fill_paths(struct layerfs_store *store, int dir, const char *name,
		      struct layerfs_container *c)
{
	struct stat st;

	if (asprintf(&c->dir, "%s/containers/%s", store->root, name) < 0)
		return -ENOMEM;
	if (fstatat(dir, "upper", &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (asprintf(&c->upper, "%s/upper", c->dir) < 0 ||
	    asprintf(&c->work, "%s/work", c->dir) < 0)
		return -ENOMEM;
	return 0;
}

int container_load(struct layerfs_store *store, int containers, const char *name,
		   struct layerfs_container *c, struct layerfs_error *err)
{
	struct json_object *json = NULL;
	int dir, ret;

	*c = (struct layerfs_container){ 0 };
	dir = openat(containers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		return layerfs_error_set(err, -ENOENT, "no container '%s' in %s",
					 name, store->root);
	if (dir < 0)
		return layerfs_error_sys(err, -errno, "container '%s'", name);
	ret = store_read_json(dir, "config.json", &json);
	if (ret)
		goto close;
	c->name = strdup(name);
	c->image_id = copy_member(json, "image");
	c->image_ref = copy_member(json, "image_name");
	c->target = copy_member(json, "target");
	c->created = store_time_parse(oci_json_string(json, "created"));
	json_object_put(json);
	ret = c->name ? fill_paths(store, dir, name, c) : -ENOMEM;
	if (!ret && (!c->image_id || !c->image_ref || !c->target))
		ret = -EBADMSG;
close:
	close(dir);
	if (!ret)
		return 0;
	layerfs_container_free(c);
	return layerfs_error_sys(err, ret, "the record of container '%s', %s/containers/%s/config.json",
				 name, store->root, name);
}

/*
 * What a record cannot tell of one container must not keep all others from
 * being seen and unmounted, nor this one from being removed.
 */
int container_load_any(struct layerfs_store *store, int containers, const char *name,
		       struct layerfs_container *c, struct layerfs_error *err)
{
	int dir, ret = container_load(store, containers, name, c, err);

	if (!ret || ret == -ENOMEM)
		return ret;
	dir = openat(containers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return ret;
	*c = (struct layerfs_container){
		.name = strdup(name),
		.image_id = strdup(""),
		.image_ref = strdup(""),
		.target = strdup(""),
		.damaged = true,
	};
	ret = c->name && c->image_id && c->image_ref && c->target ?
	      fill_paths(store, dir, name, c) : -ENOMEM;
	close(dir);
	if (!ret)
		return 0;
	layerfs_container_free(c);
	return layerfs_error_sys(err, ret, "container '%s'", name);
}

struct listing {
	struct layerfs_store *store;
	int containers;
	struct layerfs_container_list *list;
	struct layerfs_error *err;
};

static int list_one(void *arg, const char *name)
{
	struct listing *l = arg;
	struct layerfs_container *grown;
	int ret;

	grown = reallocarray(l->list->containers, l->list->nr + 1, sizeof(*grown));
	if (!grown)
		return layerfs_error_sys(l->err, -ENOMEM, "containers");
	l->list->containers = grown;
	ret = container_load_any(l->store, l->containers, name, grown + l->list->nr, l->err);
	if (ret == -ENOENT || ret == -ENOTDIR)	/* removed meanwhile; no container */
		return 0;
	if (!ret)
		l->list->nr++;
	return ret;
}

static int compare_names(const void *a, const void *b)
{
	const struct layerfs_container *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int layerfs_container_list(const char *root, struct layerfs_container_list *list,
			   struct layerfs_error *err)
{
	struct listing l = { .list = list, .err = err };
	struct layerfs_error local = { 0 };
	int ret;

	*list = (struct layerfs_container_list){ 0 };
	ret = layerfs_store_open(root, false, &l.store, err);
	if (ret)
		return ret;
	l.containers = container_open_dir(l.store, false, &local);
	if (l.containers == -ENOENT) {
		ret = 0;
	} else if (l.containers < 0) {
		ret = layerfs_error_set(err, local.code, "%s", local.msg);
	} else {
		ret = store_for_each(l.containers, list_one, &l);
		close(l.containers);
	}
	layerfs_store_close(l.store);
	if (ret)
		layerfs_container_list_free(list);
	else if (list->nr)
		qsort(list->containers, list->nr, sizeof(*list->containers), compare_names);
	return ret;
}

int layerfs_container_find(const char *root, const char *name,
			   struct layerfs_container *c, struct layerfs_error *err)
{
	struct layerfs_store *store;
	int containers, ret;

	*c = (struct layerfs_container){ 0 };
	ret = container_check_name(name, err);
	if (ret)
		return ret;
	ret = layerfs_store_open(root, false, &store, err);
	if (ret)
		return ret;
	containers = ret = container_open_dir(store, false, NULL);
	if (ret == -ENOENT)
		layerfs_error_set(err, ret, "no container '%s' in %s", name,
				  layerfs_store_root(store));
	else if (ret < 0)
		layerfs_error_sys(err, ret, "%s/containers", layerfs_store_root(store));
	if (ret >= 0) {
		ret = container_load(store, containers, name, c, err);
		close(containers);
	}
	layerfs_store_close(store);
	return ret;
}
