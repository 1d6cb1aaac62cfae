// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci_json.h"
#include "store_priv.h"

#define INFO_VERSION 1

static void info_path(const char *diff_id, char path[LAYERFS_DIGEST_SIZE + 16])
{
	sprintf(path, "%s/info.json", layerfs_digest_hex(diff_id));
}

static char *string_or_empty(struct json_object *json, const char *key)
{
	const char *s = oci_json_string(json, key);

	return strdup(s ? s : "");
}

static int take_info(struct json_object *json, struct layerfs_layer *layer)
{
	const char *diff_id = oci_json_string(json, "diff_id");
	int64_t size = oci_json_int(json, "size");
	int64_t inodes = oci_json_int(json, "inodes");
	int64_t compressed = oci_json_int(json, "compressed_size");

	if (oci_json_int(json, "version") != INFO_VERSION || !diff_id ||
	    strcmp(diff_id, layer->diff_id) || size < 0 || inodes < 0 || compressed < 0)
		return -EBADMSG;
	layer->size = size;
	layer->inodes = inodes;
	layer->compressed_size = compressed;
	layer->opaque = json_object_get_boolean(oci_json_get(json, "opaque", json_type_boolean));
	layer->created = store_time_parse(oci_json_string(json, "created"));
	layer->blob_digest = string_or_empty(json, "blob_digest");
	layer->tree_digest = string_or_empty(json, "tree_digest");
	return layer->blob_digest && layer->tree_digest ? 0 : -ENOMEM;
}

static int load_info(struct layerfs_store *store, struct layerfs_layer *layer)
{
	char path[LAYERFS_DIGEST_SIZE + 16];
	struct json_object *json = NULL;
	int ret;

	if (store->layersfd < 0)
		return -ENOENT;
	info_path(layer->diff_id, path);
	ret = store_read_json(store->layersfd, path, &json);
	if (!ret)
		ret = take_info(json, layer);
	json_object_put(json);
	if (!ret && faccessat(AT_FDCWD, layer->dir, F_OK, 0))
		ret = -errno;
	return ret;
}

/* For the list of images a layer that cannot be read is as good as none */
static int be_missing(struct layerfs_layer *layer)
{
	free(layer->blob_digest);
	free(layer->tree_digest);
	layer->blob_digest = strdup("");
	layer->tree_digest = strdup("");
	layer->missing = true;
	layer->size = layer->inodes = layer->compressed_size = 0;
	return layer->blob_digest && layer->tree_digest ? 0 : -ENOMEM;
}

int store_layer_load(struct layerfs_store *store, const char *diff_id,
		     struct layerfs_layer *layer, struct layerfs_error *err)
{
	int ret;

	memset(layer, 0, sizeof(*layer));
	layer->diff_id = strdup(diff_id);
	if (asprintf(&layer->dir, "%s/layers/sha256/%s/fs", store->root,
		     layerfs_digest_hex(diff_id)) < 0)
		layer->dir = NULL;
	ret = layer->diff_id && layer->dir ? load_info(store, layer) : -ENOMEM;
	if (ret && ret != -ENOMEM)
		ret = be_missing(layer);
	if (!ret)
		return 0;
	store_layer_clear(layer);
	return layerfs_error_sys(err, ret, "cannot read what %s/layers/sha256/%s/info.json says",
				 store->root, layerfs_digest_hex(diff_id));
}

bool store_layer_exists(struct layerfs_store *store, const char *diff_id)
{
	struct layerfs_layer layer;
	bool exists;

	if (store_layer_load(store, diff_id, &layer, NULL))
		return false;
	exists = !layer.missing;
	store_layer_clear(&layer);
	return exists;
}

void store_layer_clear(struct layerfs_layer *layer)
{
	free(layer->diff_id);
	free(layer->dir);
	free(layer->blob_digest);
	free(layer->tree_digest);
	memset(layer, 0, sizeof(*layer));
}

int store_layer_write_info(int dirfd, const struct layerfs_layer *layer)
{
	struct json_object *json = json_object_new_object();
	char created[32];
	int ret;

	if (!json)
		return -ENOMEM;
	store_time_text(layer->created, created);
	json_object_object_add(json, "version", json_object_new_int(INFO_VERSION));
	json_object_object_add(json, "diff_id", json_object_new_string(layer->diff_id));
	json_object_object_add(json, "size", json_object_new_int64(layer->size));
	json_object_object_add(json, "inodes", json_object_new_int64(layer->inodes));
	json_object_object_add(json, "compressed_size",
			       json_object_new_int64(layer->compressed_size));
	json_object_object_add(json, "blob_digest", json_object_new_string(layer->blob_digest));
	if (layer->opaque)
		json_object_object_add(json, "opaque", json_object_new_boolean(true));
	json_object_object_add(json, "tree_digest", json_object_new_string(layer->tree_digest));
	json_object_object_add(json, "created", json_object_new_string(created));
	ret = store_write_json(dirfd, "info.json", json);
	json_object_put(json);
	return ret;
}

struct collect {
	struct layerfs_store *store;
	const struct layerfs_image_list *images;
	struct layerfs_layer_list *list;
	struct layerfs_error *err;
};

static int find_users(const struct layerfs_image_list *images, struct layerfs_layer_use *use)
{
	use->image_ids = calloc(images->nr + 1, sizeof(*use->image_ids));
	if (!use->image_ids)
		return -ENOMEM;
	for (size_t i = 0; i < images->nr; i++)
		if (store_image_has_layer(&images->images[i], use->layer.diff_id))
			use->image_ids[use->nr_images++] = images->images[i].id;
	return 0;
}

static int collect_one(void *arg, const char *name)
{
	char diff_id[LAYERFS_DIGEST_SIZE + 1];
	struct collect *c = arg;
	struct layerfs_layer_use *use;
	int ret;

	snprintf(diff_id, sizeof(diff_id), LAYERFS_DIGEST_PREFIX "%s", name);
	if (!layerfs_digest_valid(diff_id))
		return 0;
	use = reallocarray(c->list->layers, c->list->nr + 1, sizeof(*use));
	if (!use)
		return layerfs_error_sys(c->err, -ENOMEM, "no memory for the list of layers");
	c->list->layers = use;
	use += c->list->nr;
	memset(use, 0, sizeof(*use));
	ret = store_layer_load(c->store, diff_id, &use->layer, c->err);
	if (ret)
		return ret;
	c->list->nr++;
	ret = find_users(c->images, use);
	if (ret)
		return layerfs_error_sys(c->err, ret, "no memory for the list of layers");
	return 0;
}

static int by_diff_id(const void *a, const void *b)
{
	const struct layerfs_layer_use *x = a, *y = b;

	return strcmp(x->layer.diff_id, y->layer.diff_id);
}

int layerfs_store_layers(struct layerfs_store *store, const struct layerfs_image_list *images,
			 struct layerfs_layer_list *list, struct layerfs_error *err)
{
	struct collect c = { .store = store, .images = images, .list = list };
	struct layerfs_error why = { 0 };
	int ret;

	memset(list, 0, sizeof(*list));
	if (store->layersfd < 0)
		return 0;
	c.err = &why;
	ret = store_for_each(store->layersfd, collect_one, &c);
	if (ret) {
		layerfs_layer_list_free(list);
		if (why.code)
			return layerfs_error_set(err, why.code, "%s", why.msg);
		return layerfs_error_sys(err, ret, "cannot list %s/layers", store->root);
	}
	if (list->nr)
		qsort(list->layers, list->nr, sizeof(*list->layers), by_diff_id);
	return 0;
}

void layerfs_layer_list_free(struct layerfs_layer_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->nr; i++) {
		store_layer_clear(&list->layers[i].layer);
		free(list->layers[i].image_ids);
	}
	free(list->layers);
	memset(list, 0, sizeof(*list));
}
