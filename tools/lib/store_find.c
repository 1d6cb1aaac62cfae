// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_name.h"
#include "store_priv.h"

static const char *own_name(const struct layerfs_image *image, const char *name)
{
	for (size_t i = 0; i < image->nr_names; i++)
		if (!strcmp(image->names[i], name))
			return image->names[i];
	return NULL;
}

static struct layerfs_image *by_name(struct layerfs_image_list *list, const char *ref,
				     const char **namep)
{
	struct layerfs_image *found = NULL;
	char *name;

	*namep = NULL;
	if (layerfs_name_parse(ref, &name, NULL))
		return NULL;
	for (size_t i = 0; !found && i < list->nr; i++) {
		*namep = own_name(&list->images[i], name);
		if (*namep)
			found = &list->images[i];
	}
	free(name);
	return found;
}

static struct layerfs_image *by_digest(struct layerfs_image_list *list, const char *digest)
{
	for (size_t i = 0; i < list->nr; i++) {
		struct layerfs_image *image = &list->images[i];

		if (!strcmp(image->id, digest) || !strcmp(image->manifest_digest, digest))
			return image;
	}
	return NULL;
}

static int by_prefix(struct layerfs_image_list *list, const char *prefix,
		     struct layerfs_image **imagep)
{
	size_t len = strlen(prefix);
	struct layerfs_image *found = NULL;

	if (!len || len > LAYERFS_DIGEST_HEX || strspn(prefix, "0123456789abcdef") != len)
		return -ENOENT;
	for (size_t i = 0; i < list->nr; i++) {
		if (strncmp(layerfs_digest_hex(list->images[i].id), prefix, len))
			continue;
		if (found)
			return -ENOTUNIQ;
		found = &list->images[i];
	}
	*imagep = found;
	return found ? 0 : -ENOENT;
}

/* "sha256:" and what follows, or all digits of an id */
static bool is_id(const char *ref)
{
	return !strncmp(ref, LAYERFS_DIGEST_PREFIX, strlen(LAYERFS_DIGEST_PREFIX)) ||
	       (strlen(ref) == LAYERFS_DIGEST_HEX &&
		strspn(ref, "0123456789abcdef") == LAYERFS_DIGEST_HEX);
}

int store_image_match(struct layerfs_store *store, struct layerfs_image_list *list,
		      const char *ref, struct layerfs_image **imagep, const char **namep,
		      struct layerfs_error *err)
{
	const char *at = strchr(ref, '@');
	const char *digest = at ? at + 1 : ref;
	int ret;

	*namep = NULL;
	*imagep = NULL;
	/* What is a digest is never a name: a source may call its image anything. */
	if (!is_id(ref))
		*imagep = by_name(list, ref, namep);
	if (*imagep)
		return 0;
	if (layerfs_digest_valid(digest)) {
		*imagep = by_digest(list, digest);
		ret = *imagep ? 0 : -ENOENT;
	} else {
		if (!strncmp(ref, LAYERFS_DIGEST_PREFIX, strlen(LAYERFS_DIGEST_PREFIX)))
			ref = layerfs_digest_hex(ref);
		ret = by_prefix(list, ref, imagep);
	}
	if (ret == -ENOTUNIQ)
		return layerfs_error_set(err, ret, "more than one image's id begins with \"%s\"",
					 ref);
	if (ret)
		return layerfs_error_set(err, ret, "no image \"%s\" in the store %s", ref,
					 store->root);
	return 0;
}

int layerfs_store_find(struct layerfs_store *store, const char *ref,
		       struct layerfs_image **imagep, struct layerfs_error *err)
{
	struct layerfs_image_list list;
	struct layerfs_image *found, *copy;
	const char *name;
	int ret;

	ret = layerfs_store_images(store, &list, err);
	if (ret)
		return ret;
	ret = store_image_match(store, &list, ref, &found, &name, err);
	copy = ret ? NULL : malloc(sizeof(*copy));
	if (copy) {
		/* What the image owns moves to the copy. */
		*copy = *found;
		memset(found, 0, sizeof(*found));
		*imagep = copy;
	} else if (!ret) {
		ret = layerfs_error_sys(err, -ENOMEM, "no memory for an image");
	}
	layerfs_image_list_free(&list);
	return ret;
}
