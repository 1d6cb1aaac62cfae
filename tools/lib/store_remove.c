// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "oci_json.h"
#include "store_priv.h"

/**
 * struct user_search - which container stands on an image
 * @dirfd: the store's containers
 * @image: the image
 * @err: names the container
 */
struct user_search {
	int dirfd;
	const struct layerfs_image *image;
	struct layerfs_error *err;
};

static bool is_id(const struct layerfs_image *image, const char *text)
{
	return text && (!strcmp(text, image->id) || !strcmp(text, layerfs_digest_hex(image->id)));
}

/* A record that cannot be read may be of a container on this very image */
static int check_container(void *arg, const char *name)
{
	struct user_search *s = arg;
	struct json_object *json = NULL;
	char path[512];
	int ret;

	if (snprintf(path, sizeof(path), "%s/config.json", name) >= (int)sizeof(path))
		return 0;
	ret = store_read_json(s->dirfd, path, &json);
	if (ret == -ENOENT || ret == -ENOTDIR)
		return 0;
	if (ret)
		return layerfs_error_sys(s->err, ret,
			"cannot tell which image container %s stands on (\"layerctl umount --rm %s\" removes it)",
			name, name);
	if (is_id(s->image, oci_json_string(json, "image")))
		ret = layerfs_error_set(s->err, -EBUSY, "container %s stands on image %.12s (\"layerctl umount --rm %s\" removes it)",
					name, layerfs_digest_hex(s->image->id), name);
	json_object_put(json);
	return ret;
}

static int check_unused(struct layerfs_store *store, const struct layerfs_image *image,
			struct layerfs_error *err)
{
	struct layerfs_error why = { 0 };
	struct user_search s = { .image = image, .err = &why };
	int ret;

	s.dirfd = openat(store->rootfd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.dirfd < 0 && errno == ENOENT)
		return 0;
	ret = s.dirfd < 0 ? -errno : store_for_each(s.dirfd, check_container, &s);
	if (s.dirfd >= 0)
		close(s.dirfd);
	if (ret && !why.code)
		return layerfs_error_sys(err, ret, "cannot list %s/containers", store->root);
	return ret ? layerfs_error_set(err, why.code, "%s", why.msg) : 0;
}

static int add_string(char ***list, size_t *nr, const char *s)
{
	char **grown = reallocarray(*list, *nr + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[*nr] = strdup(s);
	return grown[*nr] ? (++*nr, 0) : -ENOMEM;
}

static bool used_elsewhere(const struct layerfs_image_list *list,
			   const struct layerfs_image *image, const char *diff_id)
{
	for (size_t i = 0; i < list->nr; i++)
		if (&list->images[i] != image && store_image_has_layer(&list->images[i], diff_id))
			return true;
	return false;
}

struct dropping {
	struct layerfs_removed *removed;
	bool *kept;
	const struct layerfs_layer **layers;
	size_t nr;
};

static void on_kept(void *arg, const struct layerfs_layer *layer, const char *why)
{
	struct dropping *d = arg;

	(void)why;
	for (size_t i = 0; i < d->nr; i++)
		d->kept[i] |= d->layers[i] == layer;
}

static int report(const struct dropping *d, struct layerfs_error *err)
{
	struct layerfs_removed *removed = d->removed;

	for (size_t i = 0; i < d->nr; i++) {
		if (d->kept[i] || d->layers[i]->missing)
			continue;
		removed->bytes += d->layers[i]->size;
		if (add_string(&removed->layers, &removed->nr_layers, d->layers[i]->diff_id))
			return layerfs_error_sys(err, -ENOMEM, "no memory for a digest");
	}
	return 0;
}

/* Its layers that no other image has; to be freed */
static const struct layerfs_layer **own_layers(const struct layerfs_image_list *list,
					       const struct layerfs_image *image, size_t *nr)
{
	const struct layerfs_layer **own = calloc(image->nr_layers + 1, sizeof(*own));

	*nr = 0;
	for (size_t i = 0; own && i < image->nr_layers; i++)
		if (!used_elsewhere(list, image, image->layers[i].diff_id))
			own[(*nr)++] = &image->layers[i];
	return own;
}

static int remove_layers(struct layerfs_store *store, const struct layerfs_layer **layers,
			 size_t nr, struct layerfs_removed *removed, struct layerfs_error *err)
{
	struct dropping d = { .removed = removed, .layers = layers, .nr = nr };
	int ret;

	d.kept = calloc(nr + 1, sizeof(*d.kept));
	if (!d.kept)
		return layerfs_error_sys(err, -ENOMEM, "no memory for the list of layers");
	ret = store_layers_drop(store, layers, nr, on_kept, &d, err);
	if (!ret)
		ret = report(&d, err);
	free(d.kept);
	return ret;
}

/* By mount(8), or by hand: nothing in the store tells of it */
static int check_unmounted(const struct layerfs_image *image,
			   const struct layerfs_layer **layers, size_t nr,
			   struct layerfs_error *err)
{
	struct store_uses *uses;
	char why[STORE_WHY_MAX];
	int ret;

	ret = store_uses_read(&uses, err);
	for (size_t i = 0; !ret && i < nr; i++)
		if (store_uses_layer(uses, layers[i]->dir, AT_FDCWD, layers[i]->dir, why))
			ret = layerfs_error_set(err, -EBUSY, "image %.12s is in use: %s",
						layerfs_digest_hex(image->id), why);
	store_uses_free(uses);
	return ret;
}

static int remove_record(struct layerfs_store *store, const struct layerfs_image *image,
			 struct layerfs_error *err)
{
	char name[LAYERFS_DIGEST_SIZE + 8];

	snprintf(name, sizeof(name), "%s.json", layerfs_digest_hex(image->id));
	if (unlinkat(store->imagesfd, name, 0) || fsync(store->imagesfd))
		return layerfs_error_sys(err, -errno, "cannot remove the record %s/images/%s",
					 store->root, name);
	return 0;
}

/* The record goes first: no record may ever name a layer that is gone */
static int remove_image(struct layerfs_store *store, const struct layerfs_image_list *list,
			const struct layerfs_image *image, struct layerfs_removed *removed,
			struct layerfs_error *err)
{
	const struct layerfs_layer **layers;
	size_t nr;
	int ret;

	ret = check_unused(store, image, err);
	if (ret)
		return ret;
	layers = own_layers(list, image, &nr);
	removed->id = strdup(image->id);
	ret = layers && removed->id ? 0 : -ENOMEM;
	for (size_t i = 0; !ret && i < image->nr_names; i++)
		ret = add_string(&removed->untagged, &removed->nr_untagged, image->names[i]);
	if (ret)
		layerfs_error_sys(err, ret, "no memory for what is removed");
	else
		ret = check_unmounted(image, layers, nr, err);
	if (!ret)
		ret = remove_record(store, image, err);
	if (!ret)
		ret = remove_layers(store, layers, nr, removed, err);
	free(layers);
	return ret;
}

static int remove_name(struct layerfs_store *store, struct layerfs_image *image,
		       const char *name, struct layerfs_removed *removed,
		       struct layerfs_error *err)
{
	if (add_string(&removed->untagged, &removed->nr_untagged, name))
		return layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	store_image_drop_name(image, removed->untagged[0]);
	return store_image_write(store, image, err);
}

static int remove_locked(struct layerfs_store *store, const char *ref,
			 struct layerfs_removed *removed, struct layerfs_error *err)
{
	struct layerfs_image_list list;
	struct layerfs_image *image;
	const char *name = NULL;
	int ret;

	ret = layerfs_store_images(store, &list, err);
	if (ret)
		return ret;
	/* A name that goes must not come back from an older record. */
	ret = store_images_settle(store, &list, err);
	if (!ret)
		ret = store_image_match(store, &list, ref, &image, &name, err);
	if (!ret && name && image->nr_names > 1)
		ret = remove_name(store, image, name, removed, err);
	else if (!ret)
		ret = remove_image(store, &list, image, removed, err);
	layerfs_image_list_free(&list);
	return ret;
}

int layerfs_store_remove(struct layerfs_store *store, const char *ref,
			 struct layerfs_removed *removed, struct layerfs_error *err)
{
	int ret;

	memset(removed, 0, sizeof(*removed));
	if (store->imagesfd < 0 || store->tmpfd < 0 || store->layersfd < 0)
		return layerfs_error_set(err, -ENOENT, "no image \"%s\": there is no store at %s",
					 ref, store->root);
	ret = store_lock(store, LOCK_EX, err);
	if (ret)
		return ret;
	ret = store_image_lock(store, err);
	if (!ret) {
		ret = remove_locked(store, ref, removed, err);
		flock(store->imagesfd, LOCK_UN);
	}
	store_unlock(store);
	if (ret)
		layerfs_removed_free(removed);
	return ret;
}

static void free_strings(char **list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(list[i]);
	free(list);
}

void layerfs_removed_free(struct layerfs_removed *removed)
{
	if (!removed)
		return;
	free_strings(removed->untagged, removed->nr_untagged);
	free_strings(removed->layers, removed->nr_layers);
	free(removed->id);
	memset(removed, 0, sizeof(*removed));
}
