// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "digest.h"
#include "oci.h"
#include "oci_json.h"
#include "oci_platform.h"
#include "store.h"
#include "store_name.h"

/* The store's record has a config as a string, where a byte may become six */
#define MAX_JSON	(4 << 20)
#define MAX_NESTING	4
/* A record has all names, and they are compared with each other */
#define MAX_NAMES	256

#define ANNOTATION_REF		"org.opencontainers.image.ref.name"
#define ANNOTATION_NAME		"io.containerd.image.name"

/**
 * struct search - the way from the outermost index to one manifest
 * @source: where
 * @platform: which of several
 * @found: descriptor of the manifest
 * @named: descriptor in index.json that led to it: it has the names
 */
struct search {
	struct layerfs_source *source;
	struct oci_platform platform;
	struct json_object *found;
	struct json_object *named;
};

/* A blob that a descriptor names: its size and digest are what it says */
static int load_described(struct layerfs_source *source, struct json_object *descriptor,
			  char **bufp, size_t *lenp, struct layerfs_error *err)
{
	const char *digest = oci_json_string(descriptor, "digest");
	int64_t size = oci_json_int(descriptor, "size");
	char name[sizeof("blobs/sha256/") + LAYERFS_DIGEST_HEX];
	char actual[LAYERFS_DIGEST_SIZE];
	int ret;

	if (!layerfs_digest_valid(digest))
		return layerfs_error_set(err, -EINVAL, "a descriptor's digest \"%s\" is no sha256",
					 digest ? digest : "");
	snprintf(name, sizeof(name), "blobs/sha256/%s", layerfs_digest_hex(digest));
	ret = layerfs_blob_load(source, name, MAX_JSON, bufp, lenp, err);
	if (ret)
		return ret;
	ret = layerfs_digest_of(*bufp, *lenp, actual);
	if (ret)
		ret = layerfs_error_sys(err, ret, "cannot compute a digest");
	else if (size < 0 || (uint64_t)size != *lenp)
		ret = layerfs_error_set(err, -EBADMSG, "%s has %zu bytes instead of %lld", name,
					*lenp, (long long)size);
	else if (strcmp(digest, actual))
		ret = layerfs_error_set(err, -EBADMSG, "%s is damaged: its digest is %s", name,
					actual);
	if (ret) {
		free(*bufp);
		*bufp = NULL;
	}
	return ret;
}

static int load_described_json(struct layerfs_source *source, struct json_object *descriptor,
			       struct json_object **jsonp, struct layerfs_error *err)
{
	const char *digest = oci_json_string(descriptor, "digest");
	size_t len;
	char *buf;
	int ret;

	ret = load_described(source, descriptor, &buf, &len, err);
	if (ret)
		return ret;
	ret = oci_json_parse_foreign(buf, len, digest, jsonp, err);
	free(buf);
	return ret;
}

static const char *annotation(struct json_object *descriptor, const char *name)
{
	return oci_json_string(oci_json_get(descriptor, "annotations", json_type_object), name);
}

/* REF is a tag, or a name in any spelling */
static bool ref_matches(struct json_object *descriptor, const char *ref)
{
	const char *tag = annotation(descriptor, ANNOTATION_REF);
	const char *full = annotation(descriptor, ANNOTATION_NAME);
	char *wanted = NULL, *name = NULL;
	bool same = false;

	if (tag && !strcmp(tag, ref))
		return true;
	if (!full)
		full = tag;
	if (full && !layerfs_name_parse(ref, &wanted, NULL) &&
	    !layerfs_name_parse(full, &name, NULL))
		same = !strcmp(wanted, name);
	free(wanted);
	free(name);
	return same;
}

static bool same_digest(struct json_object *a, struct json_object *b)
{
	const char *x = oci_json_string(a, "digest"), *y = oci_json_string(b, "digest");

	return x && y && !strcmp(x, y);
}

/* Two that have names, and not the same, are two images */
static bool other_name(struct json_object *a, struct json_object *b)
{
	static const char *const names[] = { ANNOTATION_NAME, ANNOTATION_REF };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *x = annotation(a, names[i]), *y = annotation(b, names[i]);

		if (x && y && strcmp(x, y))
			return true;
	}
	return false;
}

static int several(struct layerfs_source *source, struct json_object *list,
		   struct layerfs_error *err)
{
	char names[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);
		const char *name = annotation(d, ANNOTATION_REF);

		if (name && n < sizeof(names))
			n += snprintf(names + n, sizeof(names) - n, " %s", name);
	}
	return layerfs_error_set(err, -EINVAL,
		"%s holds several images, name one as %s:REF; it has%s",
		layerfs_source_path(source), layerfs_source_path(source),
		*names ? names : " no names, though");
}

/* The one entry of an index that is meant, by REF (outermost only) and platform */
static int choose(struct search *s, struct json_object *list, const char *ref,
		  struct json_object **chosen, struct layerfs_error *err)
{
	struct json_object *best = NULL;
	size_t nr_named = 0;
	bool clash = false, others = false;
	int best_rank = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);
		int rank;

		if (ref && !ref_matches(d, ref))
			continue;
		nr_named++;
		rank = oci_platform_rank(&s->platform,
					 oci_json_get(d, "platform", json_type_object));
		/* A platform chooses among an image's manifests, not among images. */
		if (rank && best && !same_digest(best, d) && other_name(best, d))
			others = true;
		if (rank > best_rank) {
			best = d;
			best_rank = rank;
			clash = false;
		} else if (best && rank == best_rank && !same_digest(best, d)) {
			clash = true;
		}
	}
	if (ref && !nr_named)
		return layerfs_error_set(err, -ENOENT, "%s has no image \"%s\"",
					 layerfs_source_path(s->source), ref);
	if (!best)
		return layerfs_error_set(err, -ENOENT, "%s has no image for %s/%s (choose another platform)",
					 layerfs_source_path(s->source), s->platform.os,
					 s->platform.arch);
	if (clash || others)
		return several(s->source, list, err);
	*chosen = best;
	return 0;
}

static int find_manifest(struct search *s, struct json_object *index, const char *ref, int depth,
			 struct layerfs_error *err)
{
	struct json_object *list = oci_json_get(index, "manifests", json_type_array);
	struct json_object *chosen = NULL, *inner;
	int ret;

	if (!list)
		return layerfs_error_set(err, -EINVAL, "%s: an index without \"manifests\"",
					 layerfs_source_path(s->source));
	if (depth == MAX_NESTING)
		return layerfs_error_set(err, -ELOOP, "%s: indexes nested more than %d deep",
					 layerfs_source_path(s->source), MAX_NESTING);
	ret = choose(s, list, ref, &chosen, err);
	if (ret)
		return ret;
	if (!s->named)
		s->named = json_object_get(chosen);
	ret = load_described_json(s->source, chosen, &inner, err);
	if (ret)
		return ret;
	if (oci_json_get(inner, "manifests", json_type_array))
		ret = find_manifest(s, inner, NULL, depth + 1, err);
	else
		s->found = json_object_get(chosen);
	json_object_put(inner);
	return ret;
}

static int add_name(struct layerfs_oci_image *image, char *name)
{
	char **names = reallocarray(image->names, image->nr_names + 1, sizeof(*names));

	if (!names) {
		free(name);
		return -ENOMEM;
	}
	image->names = names;
	names[image->nr_names++] = name;
	return 0;
}

/* A ref.name is a whole name for some tools and only a tag for others */
static int name_from_index(struct layerfs_source *source, struct json_object *descriptor,
			   struct layerfs_oci_image *image)
{
	const char *full = annotation(descriptor, ANNOTATION_NAME);
	const char *ref = annotation(descriptor, ANNOTATION_REF);
	char *name = NULL;

	if (!full && ref && strpbrk(ref, ":/"))
		full = ref;
	if (!full || layerfs_name_parse(full, &name, NULL))
		name = layerfs_name_from_path(layerfs_source_path(source), full ? NULL : ref);
	return name ? add_name(image, name) : 0;
}

static int take_config(struct layerfs_oci_image *image, struct layerfs_error *err)
{
	struct json_object *config, *rootfs, *ids;
	char digest[LAYERFS_DIGEST_SIZE];
	size_t nr;
	int ret;

	ret = layerfs_digest_of(image->config, image->config_len, digest);
	image->id = ret ? NULL : strdup(digest);
	if (!image->id)
		return layerfs_error_sys(err, ret ? ret : -ENOMEM, "cannot compute a digest");
	ret = oci_json_parse_foreign(image->config, image->config_len, image->id, &config, err);
	if (ret)
		return ret;
	rootfs = oci_json_get(config, "rootfs", json_type_object);
	ids = oci_json_get(rootfs, "diff_ids", json_type_array);
	nr = ids ? json_object_array_length(ids) : 0;
	if (!nr)
		ret = layerfs_error_set(err, -EINVAL,
			"config %s lists no layers: it is no container image's", image->id);
	else if (nr > LAYERFS_STORE_MAX_LAYERS)
		ret = layerfs_error_set(err, -E2BIG,
			"config %s lists %zu layers, and %d is the most that can be stacked",
			image->id, nr, LAYERFS_STORE_MAX_LAYERS);
	else if (!(image->layers = calloc(nr, sizeof(*image->layers))))
		ret = layerfs_error_sys(err, -ENOMEM, "no memory for the list of layers");
	for (size_t i = 0; !ret && i < nr; i++) {
		const char *id = oci_json_text(json_object_array_get_idx(ids, i));

		if (!layerfs_digest_valid(id))
			ret = layerfs_error_set(err, -EINVAL,
						"config %s: diff-id \"%s\" is no sha256",
						image->id, id ? id : "");
		else if (!(image->layers[i].diff_id = strdup(id)))
			ret = layerfs_error_sys(err, -ENOMEM, "no memory for a digest");
		else
			image->nr_layers++;
	}
	json_object_put(config);
	return ret;
}

static int take_oci_layer(struct layerfs_oci_layer *layer, struct json_object *d,
			  struct layerfs_error *err)
{
	const char *digest = oci_json_string(d, "digest");
	const char *type = oci_json_string(d, "mediaType");
	int64_t size = oci_json_int(d, "size");

	if (!layerfs_digest_valid(digest) || size < 0)
		return layerfs_error_set(err, -EINVAL,
			"layer %s: its descriptor has no sha256 digest and size", layer->diff_id);
	if (type && strstr(type, "+encrypted"))
		return layerfs_error_set(err, -EINVAL, "layer %s is encrypted", layer->diff_id);
	layer->size = size;
	layer->digest = strdup(digest);
	if (!layer->digest ||
	    asprintf(&layer->blob, "blobs/sha256/%s", layerfs_digest_hex(digest)) < 0) {
		layer->blob = NULL;
		return layerfs_error_sys(err, -ENOMEM, "no memory for a digest");
	}
	return 0;
}

static int take_oci_manifest(struct layerfs_source *source, struct json_object *manifest,
			     struct layerfs_oci_image *image, struct layerfs_error *err)
{
	struct json_object *config = oci_json_get(manifest, "config", json_type_object);
	struct json_object *layers = oci_json_get(manifest, "layers", json_type_array);
	int ret;

	if (!config || !layers)
		return layerfs_error_set(err, -EINVAL,
			"manifest %s has no \"config\" and \"layers\": it is no image manifest",
			image->manifest_digest);
	ret = load_described(source, config, &image->config, &image->config_len, err);
	if (!ret)
		ret = take_config(image, err);
	if (ret)
		return ret;
	if (json_object_array_length(layers) != image->nr_layers)
		return layerfs_error_set(err, -EINVAL,
			"manifest %s has %zu layers and its config %zu", image->manifest_digest,
			json_object_array_length(layers), image->nr_layers);
	for (size_t i = 0; !ret && i < image->nr_layers; i++)
		ret = take_oci_layer(&image->layers[i], json_object_array_get_idx(layers, i), err);
	return ret;
}

static int load_json(struct layerfs_source *source, const char *name, struct json_object **jsonp,
		     struct layerfs_error *err)
{
	size_t len;
	char *buf;
	int ret;

	ret = layerfs_blob_load(source, name, MAX_JSON, &buf, &len, err);
	if (ret)
		return ret;
	ret = oci_json_parse_foreign(buf, len, name, jsonp, err);
	free(buf);
	return ret;
}

static int resolve_oci(struct search *s, struct layerfs_oci_image *image,
		       struct layerfs_error *err)
{
	struct json_object *index, *manifest = NULL;
	int ret;

	ret = load_json(s->source, "index.json", &index, err);
	if (ret)
		return ret;
	ret = find_manifest(s, index, layerfs_source_ref(s->source), 0, err);
	json_object_put(index);
	if (!ret) {
		image->manifest_digest = strdup(oci_json_string(s->found, "digest"));
		if (!image->manifest_digest)
			ret = layerfs_error_sys(err, -ENOMEM, "no memory for a digest");
	}
	if (!ret)
		ret = load_described_json(s->source, s->found, &manifest, err);
	if (!ret)
		ret = take_oci_manifest(s->source, manifest, image, err);
	if (!ret && name_from_index(s->source, s->named, image))
		ret = layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	json_object_put(manifest);
	return ret;
}

static bool has_repo_tag(struct json_object *entry, const char *ref)
{
	struct json_object *tags = oci_json_get(entry, "RepoTags", json_type_array);
	size_t nr = tags ? json_object_array_length(tags) : 0;
	char *wanted, *name;
	bool same = false;

	if (layerfs_name_parse(ref, &wanted, NULL))
		return false;
	for (size_t i = 0; !same && i < nr; i++) {
		const char *tag = oci_json_text(json_object_array_get_idx(tags, i));

		if (!tag || layerfs_name_parse(tag, &name, NULL))
			continue;
		same = !strcmp(wanted, name);
		free(name);
	}
	free(wanted);
	return same;
}

static int choose_docker(struct layerfs_source *source, struct json_object *list,
			 struct json_object **chosen, struct layerfs_error *err)
{
	size_t nr = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	const char *ref = layerfs_source_ref(source);

	for (size_t i = 0; ref && i < nr; i++) {
		*chosen = json_object_array_get_idx(list, i);
		if (has_repo_tag(*chosen, ref))
			return 0;
	}
	if (ref)
		return layerfs_error_set(err, -ENOENT, "%s has no image \"%s\"",
					 layerfs_source_path(source), ref);
	if (nr != 1)
		return layerfs_error_set(err, -EINVAL,
			"%s holds %zu images, name one as %s:NAME:TAG",
			layerfs_source_path(source), nr, layerfs_source_path(source));
	*chosen = json_object_array_get_idx(list, 0);
	return 0;
}

static int take_repo_tags(struct json_object *entry, struct layerfs_oci_image *image,
			  struct layerfs_error *err)
{
	struct json_object *tags = oci_json_get(entry, "RepoTags", json_type_array);
	size_t nr = tags ? json_object_array_length(tags) : 0;
	char *name;

	if (nr > MAX_NAMES)
		return layerfs_error_set(err, -E2BIG,
			"manifest.json gives the image %zu names, and %d is the most", nr,
			MAX_NAMES);
	for (size_t i = 0; i < nr; i++) {
		const char *tag = oci_json_text(json_object_array_get_idx(tags, i));

		if (tag && !layerfs_name_parse(tag, &name, NULL) && add_name(image, name))
			return layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	}
	return 0;
}

/* docker's layout gives no digests of the layers' files: the diff-ids must do */
static int take_docker(struct layerfs_source *source, struct json_object *entry,
		       struct layerfs_oci_image *image, struct layerfs_error *err)
{
	const char *config = oci_json_string(entry, "Config");
	struct json_object *layers = oci_json_get(entry, "Layers", json_type_array);
	int ret;

	if (!config || !layers)
		return layerfs_error_set(err, -EINVAL,
					 "manifest.json has no \"Config\" and \"Layers\"");
	ret = layerfs_blob_load(source, config, MAX_JSON, &image->config, &image->config_len, err);
	if (!ret)
		ret = take_config(image, err);
	if (ret)
		return ret;
	/* The file is named after its digest, with or without a suffix. */
	if (!strstr(config, layerfs_digest_hex(image->id)))
		return layerfs_error_set(err, -EBADMSG, "%s is damaged: its digest is %s", config,
					 image->id);
	if (json_object_array_length(layers) != image->nr_layers)
		return layerfs_error_set(err, -EINVAL,
					 "manifest.json has %zu layers and its config %zu",
					 json_object_array_length(layers), image->nr_layers);
	for (size_t i = 0; i < image->nr_layers; i++) {
		const char *blob = oci_json_text(json_object_array_get_idx(layers, i));

		image->layers[i].blob = blob ? strdup(blob) : NULL;
		if (!image->layers[i].blob)
			return layerfs_error_set(err, -EINVAL,
						 "manifest.json: layer %zu has no name", i);
	}
	return take_repo_tags(entry, image, err);
}

static int resolve_docker(struct search *s, struct layerfs_oci_image *image,
			  struct layerfs_error *err)
{
	struct json_object *list, *entry = NULL;
	int ret;

	ret = load_json(s->source, "manifest.json", &list, err);
	if (ret)
		return ret;
	ret = choose_docker(s->source, list, &entry, err);
	if (!ret)
		ret = take_docker(s->source, entry, image, err);
	json_object_put(list);
	return ret;
}

int layerfs_oci_resolve(struct layerfs_source *source, const char *platform,
			struct layerfs_oci_image *image, struct layerfs_error *err)
{
	struct search s = { .source = source };
	int ret;

	memset(image, 0, sizeof(*image));
	ret = oci_platform_parse(platform, &s.platform, err);
	if (ret)
		return ret;
	if (layerfs_source_layout(source) == LAYERFS_LAYOUT_OCI)
		ret = resolve_oci(&s, image, err);
	else
		ret = resolve_docker(&s, image, err);
	json_object_put(s.found);
	json_object_put(s.named);
	if (ret)
		layerfs_oci_image_free(image);
	return ret;
}

void layerfs_oci_image_free(struct layerfs_oci_image *image)
{
	for (size_t i = 0; image->layers && i < image->nr_layers; i++) {
		free(image->layers[i].diff_id);
		free(image->layers[i].blob);
		free(image->layers[i].digest);
	}
	for (size_t i = 0; i < image->nr_names; i++)
		free(image->names[i]);
	free(image->layers);
	free(image->names);
	free(image->manifest_digest);
	free(image->config);
	free(image->id);
	memset(image, 0, sizeof(*image));
}
