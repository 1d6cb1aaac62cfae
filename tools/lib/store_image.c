// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "oci_json.h"
#include "store_priv.h"

#define RECORD_VERSION	1

int store_image_lock(struct layerfs_store *store, struct layerfs_error *err)
{
	int ret = store_flock(store, store->imagesfd, LOCK_EX, "another change of images");

	if (ret)
		return layerfs_error_sys(err, ret, "cannot lock %s/images", store->root);
	return 0;
}

bool store_image_has_name(const struct layerfs_image *image, const char *name)
{
	for (size_t i = 0; i < image->nr_names; i++)
		if (!strcmp(image->names[i], name))
			return true;
	return false;
}

int store_image_add_name(struct layerfs_image *image, const char *name)
{
	char **names;

	if (store_image_has_name(image, name))
		return 0;
	names = reallocarray(image->names, image->nr_names + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	image->names = names;
	names[image->nr_names] = strdup(name);
	return names[image->nr_names] ? (image->nr_names++, 0) : -ENOMEM;
}

void store_image_drop_name(struct layerfs_image *image, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < image->nr_names; i++) {
		if (strcmp(image->names[i], name))
			image->names[kept++] = image->names[i];
		else
			free(image->names[i]);
	}
	image->nr_names = kept;
}

void store_image_clear(struct layerfs_image *image)
{
	for (size_t i = 0; i < image->nr_names; i++)
		free(image->names[i]);
	for (size_t i = 0; i < image->nr_layers; i++)
		store_layer_clear(&image->layers[i]);
	free(image->names);
	free(image->layers);
	free(image->id);
	free(image->architecture);
	free(image->os);
	free(image->config);
	free(image->manifest_digest);
	memset(image, 0, sizeof(*image));
}

static struct json_object *names_json(const struct layerfs_image *image)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < image->nr_names; i++)
		json_object_array_add(names, json_object_new_string(image->names[i]));
	return names;
}

/* The record has its layers in the config's order, bottom first */
static struct json_object *layers_json(const struct layerfs_image *image)
{
	struct json_object *layers = json_object_new_array();

	for (size_t i = image->nr_layers; i-- > 0;)
		json_object_array_add(layers, json_object_new_string(image->layers[i].diff_id));
	return layers;
}

int store_image_write(struct layerfs_store *store, const struct layerfs_image *image,
		      struct layerfs_error *err)
{
	char name[LAYERFS_DIGEST_SIZE + 8], imported[32];
	struct json_object *json = json_object_new_object();
	int ret;

	snprintf(name, sizeof(name), "%s.json", layerfs_digest_hex(image->id));
	store_time_text(image->imported, imported);
	json_object_object_add(json, "version", json_object_new_int(RECORD_VERSION));
	json_object_object_add(json, "id", json_object_new_string(image->id));
	json_object_object_add(json, "names", names_json(image));
	json_object_object_add(json, "named_ns", json_object_new_int64(image->named_ns));
	json_object_object_add(json, "imported", json_object_new_string(imported));
	json_object_object_add(json, "manifest_digest",
			       json_object_new_string(image->manifest_digest));
	json_object_object_add(json, "layers", layers_json(image));
	json_object_object_add(json, "config",
			       json_object_new_string_len(image->config, image->config_len));
	ret = store_write_json(store->tmpfd, name, json);
	json_object_put(json);
	if (!ret && renameat(store->tmpfd, name, store->imagesfd, name))
		ret = -errno;
	if (!ret && fsync(store->imagesfd))
		ret = -errno;
	if (ret)
		return layerfs_error_sys(err, ret, "cannot write the record %s/images/%s",
					 store->root, name);
	return 0;
}

static int take_config(struct json_object *json, struct layerfs_image *image)
{
	struct json_object *raw = oci_json_get(json, "config", json_type_string);
	struct json_object *config;
	const char *os, *arch;
	int ret;

	if (!raw)
		return -EBADMSG;
	image->config_len = json_object_get_string_len(raw);
	image->config = malloc(image->config_len + 1);
	if (!image->config)
		return -ENOMEM;
	memcpy(image->config, json_object_get_string(raw), image->config_len);
	image->config[image->config_len] = '\0';

	ret = oci_json_parse(image->config, image->config_len, "config", &config, NULL);
	if (ret)
		return ret;
	os = oci_json_string(config, "os");
	arch = oci_json_string(config, "architecture");
	image->os = strdup(os ? os : "");
	image->architecture = strdup(arch ? arch : "");
	image->created = store_time_parse(oci_json_string(config, "created"));
	json_object_put(config);
	if (!image->created)
		image->created = image->imported;
	return image->os && image->architecture ? 0 : -ENOMEM;
}

static int take_names(struct json_object *json, struct layerfs_image *image)
{
	struct json_object *names = oci_json_get(json, "names", json_type_array);
	int ret = names ? 0 : -EBADMSG;

	for (size_t i = 0; !ret && i < json_object_array_length(names); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));

		ret = name && strrchr(name, ':') ? store_image_add_name(image, name) : -EBADMSG;
	}
	return ret;
}

bool store_image_has_layer(const struct layerfs_image *image, const char *diff_id)
{
	for (size_t i = 0; i < image->nr_layers; i++)
		if (!strcmp(image->layers[i].diff_id, diff_id))
			return true;
	return false;
}

static int take_layers(struct layerfs_store *store, struct json_object *json,
		       struct layerfs_image *image, struct layerfs_error *err)
{
	struct json_object *layers = oci_json_get(json, "layers", json_type_array);
	size_t nr = layers ? json_object_array_length(layers) : 0;
	int ret;

	if (!nr || nr > LAYERFS_STORE_MAX_LAYERS)
		return -EBADMSG;
	image->layers = calloc(nr, sizeof(*image->layers));
	if (!image->layers)
		return -ENOMEM;
	for (size_t i = nr; i-- > 0;) {
		const char *id = json_object_get_string(json_object_array_get_idx(layers, i));

		if (!layerfs_digest_valid(id))
			return -EBADMSG;
		if (store_image_has_layer(image, id))
			continue;
		ret = store_layer_load(store, id, &image->layers[image->nr_layers], err);
		if (ret)
			return ret;
		image->size += image->layers[image->nr_layers].size;
		if (!image->nr_stacked && image->layers[image->nr_layers].opaque)
			image->nr_stacked = image->nr_layers + 1;
		image->nr_layers++;
	}
	if (!image->nr_stacked)
		image->nr_stacked = image->nr_layers;
	return 0;
}

static int take_record(struct layerfs_store *store, const char *hex, struct json_object *json,
		       struct layerfs_image *image, struct layerfs_error *err)
{
	const char *id = oci_json_string(json, "id");
	const char *manifest = oci_json_string(json, "manifest_digest");
	int ret;

	if (oci_json_int(json, "version") != RECORD_VERSION || !layerfs_digest_valid(id) ||
	    strcmp(layerfs_digest_hex(id), hex))
		return -EBADMSG;
	image->id = strdup(id);
	image->manifest_digest = strdup(manifest ? manifest : "");
	if (!image->id || !image->manifest_digest)
		return -ENOMEM;
	image->named_ns = oci_json_int(json, "named_ns");
	image->imported = store_time_parse(oci_json_string(json, "imported"));
	ret = take_names(json, image);
	if (!ret)
		ret = take_config(json, image);
	return ret ? ret : take_layers(store, json, image, err);
}

bool store_image_record(const char *name, char id[LAYERFS_DIGEST_SIZE])
{
	snprintf(id, LAYERFS_DIGEST_SIZE, LAYERFS_DIGEST_PREFIX "%.*s", LAYERFS_DIGEST_HEX, name);
	return layerfs_digest_valid(id) && !strcmp(name + LAYERFS_DIGEST_HEX, ".json");
}

int store_image_load(struct layerfs_store *store, const char *name, struct layerfs_image *image,
		     struct layerfs_error *err)
{
	char id[LAYERFS_DIGEST_SIZE];
	struct json_object *json = NULL;
	struct layerfs_error why = { 0 };
	int ret;

	memset(image, 0, sizeof(*image));
	store_image_record(name, id);
	ret = store_read_json(store->imagesfd, name, &json);
	if (ret == -ENOENT)
		return ret;
	if (!ret)
		ret = take_record(store, layerfs_digest_hex(id), json, image, &why);
	json_object_put(json);
	if (!ret)
		return 0;
	store_image_clear(image);
	if (why.code)
		return layerfs_error_set(err, ret, "%s", why.msg);
	return layerfs_error_sys(err, ret, "cannot use the record %s/images/%s", store->root,
				 name);
}

struct load {
	struct layerfs_store *store;
	struct layerfs_image_list *list;
	struct layerfs_error *err;
};

static int load_one(void *arg, const char *name)
{
	char id[LAYERFS_DIGEST_SIZE];
	struct load *load = arg;
	struct layerfs_image *image;
	int ret;

	if (!store_image_record(name, id))
		return 0;
	image = reallocarray(load->list->images, load->list->nr + 1, sizeof(*image));
	if (!image)
		return -ENOMEM;
	load->list->images = image;
	ret = store_image_load(load->store, name, image + load->list->nr, load->err);
	if (!ret)
		load->list->nr++;
	return ret == -ENOENT ? 0 : ret;
}

/*
 * A name moves by writing its new record before the old one. Between the two
 * both have it, and after a crash that stays so: the later one counts.
 */
static void settle_names(struct layerfs_image_list *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		for (size_t j = 0; j < list->nr; j++) {
			struct layerfs_image *older = &list->images[i];
			const struct layerfs_image *newer = &list->images[j];

			if (i == j || older->named_ns > newer->named_ns ||
			    (older->named_ns == newer->named_ns &&
			     strcmp(older->id, newer->id) > 0))
				continue;
			for (size_t n = 0; n < newer->nr_names; n++) {
				older->stale_names |= store_image_has_name(older, newer->names[n]);
				store_image_drop_name(older, newer->names[n]);
			}
		}
	}
}

int store_images_settle(struct layerfs_store *store, struct layerfs_image_list *list,
			struct layerfs_error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < list->nr; i++) {
		if (!list->images[i].stale_names)
			continue;
		ret = store_image_write(store, &list->images[i], err);
		list->images[i].stale_names = ret;
	}
	return ret;
}

static int newest_first(const void *a, const void *b)
{
	const struct layerfs_image *x = a, *y = b;

	if (x->imported != y->imported)
		return x->imported > y->imported ? -1 : 1;
	if (x->named_ns != y->named_ns)
		return x->named_ns > y->named_ns ? -1 : 1;
	return strcmp(x->id, y->id);
}

int layerfs_store_images(struct layerfs_store *store, struct layerfs_image_list *list,
			 struct layerfs_error *err)
{
	struct layerfs_error why = { 0 };
	struct load load = { .store = store, .list = list, .err = &why };
	int ret;

	memset(list, 0, sizeof(*list));
	if (store->imagesfd < 0)
		return 0;
	ret = store_for_each(store->imagesfd, load_one, &load);
	if (ret) {
		layerfs_image_list_free(list);
		if (why.code)
			return layerfs_error_set(err, why.code, "%s", why.msg);
		return layerfs_error_sys(err, ret, "cannot list %s/images", store->root);
	}
	settle_names(list);
	if (list->nr)
		qsort(list->images, list->nr, sizeof(*list->images), newest_first);
	return 0;
}

void layerfs_image_list_free(struct layerfs_image_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->nr; i++)
		store_image_clear(&list->images[i]);
	free(list->images);
	memset(list, 0, sizeof(*list));
}

void layerfs_image_free(struct layerfs_image *image)
{
	if (!image)
		return;
	store_image_clear(image);
	free(image);
}
