// SPDX-License-Identifier: LGPL-2.1-or-later
/* Layer lists: lowerdir= strings, list files and images of the store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layerfs.h"
#include "store.h"

static void layers_truncate(struct layerfs_layers *layers, size_t nr)
{
	while (layers->nr > nr) {
		free(layers->path[--layers->nr]);
		if (layers->nr_data)
			layers->nr_data--;
	}
}

static int layers_add_owned(struct layerfs_layers *layers, char *path, bool data,
			    struct layerfs_error *err)
{
	char **grown = NULL;
	size_t position = layers->nr + 1;

	if (path && (data ? !layers->nr : layers->nr_data)) {
		free(path);
		return layerfs_error_set(err, -EINVAL, data ?
			"datadir: layer %zu holds only data, for layers before it, of which there is none" :
			"lowerdir: layer %zu cannot follow layers that hold only data", position);
	}
	if (path)
		grown = reallocarray(layers->path, layers->nr + 1, sizeof(*grown));
	if (!grown) {
		free(path);
		return layerfs_error_sys(err, -ENOMEM, "layer list");
	}
	layers->path = grown;
	layers->path[layers->nr++] = path;
	layers->nr_data += data;
	return 0;
}

static int layers_add(struct layerfs_layers *layers, const char *path, bool data,
		      struct layerfs_error *err)
{
	if (!*path)
		return layerfs_error_set(err, -EINVAL,
					 "layer %zu has an empty path", layers->nr + 1);
	return layers_add_owned(layers, strdup(path), data, err);
}

int layerfs_layers_add(struct layerfs_layers *layers, const char *path,
		       struct layerfs_error *err)
{
	return layers_add(layers, path, false, err);
}

int layerfs_layers_add_data(struct layerfs_layers *layers, const char *path,
			    struct layerfs_error *err)
{
	return layers_add(layers, path, true, err);
}

/* The next path of a lowerdir= value, unescaped; *value moves behind it. */
static int next_layer(const char **value, size_t position, char **path,
		      struct layerfs_error *err)
{
	const char *in = *value;
	char *out;

	*path = out = malloc(strlen(in) + 1);
	if (!out)
		return layerfs_error_sys(err, -ENOMEM, "lowerdir");
	while (*in && *in != ':') {
		if (*in == '\\' && !*++in) {
			free(*path);
			return layerfs_error_set(err, -EINVAL,
				"lowerdir: layer %zu ends in a '\\' that escapes nothing",
				position);
		}
		*out++ = *in++;
	}
	*out = '\0';
	if (out == *path) {
		free(*path);
		return layerfs_error_set(err, -EINVAL,
			"lowerdir: layer %zu is empty (a ':' inside a path is written '\\:')",
			position);
	}
	*value = in;
	return 0;
}

int layerfs_layers_parse(struct layerfs_layers *layers, const char *value,
			 struct layerfs_error *err)
{
	size_t before = layers->nr;
	bool data = false;
	char *path;
	int ret;

	for (;;) {
		ret = next_layer(&value, layers->nr - before + 1, &path, err);
		if (!ret)
			ret = layers_add_owned(layers, path, data, err);
		if (ret) {
			layers_truncate(layers, before);
			return ret;
		}
		if (!*value)
			return 0;
		/* One colon separates, two say that what comes next holds only data. */
		data = value[1] == ':';
		value += 1 + data;
	}
}

/* A relative path of a list file starts where the file is. */
static char *beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	char *joined;

	if (path[0] == '/' || !slash)
		return strdup(path);
	if (asprintf(&joined, "%.*s/%s", (int)(slash - file), file, path) < 0)
		return NULL;
	return joined;
}

int layerfs_layers_read(struct layerfs_layers *layers, const char *file,
			struct layerfs_error *err)
{
	size_t before = layers->nr, size = 0, lineno = 0;
	char *line = NULL;
	ssize_t len;
	FILE *in;
	int ret = 0;

	in = fopen(file, "re");
	if (!in)
		return layerfs_error_sys(err, -errno, "layer list '%s'", file);
	while (!ret && (len = getline(&line, &size, in)) >= 0) {
		lineno++;
		if (len && line[len - 1] == '\n')
			line[--len] = '\0';
		if (strlen(line) != (size_t)len)
			ret = layerfs_error_set(err, -EINVAL,
				"layer list '%s', line %zu: has a NUL byte", file, lineno);
		else if (len && line[0] != '#')
			ret = layers_add_owned(layers, beside(file, line), false, err);
	}
	if (!ret && ferror(in))
		ret = layerfs_error_sys(err, -errno, "layer list '%s'", file);
	if (!ret && layers->nr == before)
		ret = layerfs_error_set(err, -EINVAL,
					"layer list '%s' names no layer", file);
	if (ret)
		layers_truncate(layers, before);
	free(line);
	fclose(in);
	return ret;
}

static int layers_add_image(struct layerfs_layers *layers, const char *ref,
			    const struct layerfs_image *image,
			    struct layerfs_error *err)
{
	size_t i;
	int ret;

	for (i = 0; i < image->nr_stacked; i++) {
		const struct layerfs_layer *layer = &image->layers[i];

		if (layer->missing)
			return layerfs_error_set(err, -ENOENT,
				"image '%s': the store has lost layer %s; import the image again",
				ref, layer->diff_id);
		ret = layerfs_layers_add(layers, layer->dir, err);
		if (ret)
			return ret;
	}
	return 0;
}

int layerfs_layers_from_image(struct layerfs_layers *layers, const char *root,
			      const char *ref, char **id,
			      struct layerfs_error *err)
{
	struct layerfs_image *image = NULL;
	struct layerfs_store *store = NULL;
	size_t before = layers->nr;
	int ret;

	ret = layerfs_store_open(root, false, &store, err);
	if (ret)
		return ret;
	ret = layerfs_store_find(store, ref, &image, err);
	if (!ret)
		ret = layers_add_image(layers, ref, image, err);
	if (!ret && id) {
		*id = strdup(image->id);
		if (!*id)
			ret = layerfs_error_sys(err, -ENOMEM, "image '%s'", ref);
	}
	if (ret)
		layers_truncate(layers, before);
	layerfs_image_free(image);
	layerfs_store_close(store);
	return ret;
}

char *layerfs_layers_join(const struct layerfs_layers *layers)
{
	size_t i, len = 1;
	const char *in;
	char *joined, *out;

	for (i = 0; i < layers->nr; i++)
		len += 2 * strlen(layers->path[i]) + 2;
	joined = out = malloc(len);
	if (!joined)
		return NULL;
	for (i = 0; i < layers->nr; i++) {
		if (i)
			*out++ = ':';
		if (i && i >= layers->nr - layers->nr_data)
			*out++ = ':';
		for (in = layers->path[i]; *in; in++) {
			if (*in == ':' || *in == '\\' || *in == ',')
				*out++ = '\\';
			*out++ = *in;
		}
	}
	*out = '\0';
	return joined;
}

void layerfs_layers_free(struct layerfs_layers *layers)
{
	layers_truncate(layers, 0);
	free(layers->path);
	*layers = (struct layerfs_layers){ 0 };
}
