// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "../lib/store.h"
#include "cmd.h"
#include "output.h"

/* One row a name, as docker shows it; an image without names has one row */
static const struct lc_column columns[] = {
	{ "REPOSITORY", "repository", LC_STRING, false },
	{ "TAG", "tag", LC_STRING, false },
	{ "IMAGE ID", "id", LC_DIGEST, .id = true },
	{ "CREATED", "created", LC_TIME, false },
	{ "SIZE", "size", LC_SIZE, false },
	{ "LAYERS", "layers", LC_COUNT, false },
	{ NULL, "os", LC_STRING, false },
	{ NULL, "architecture", LC_STRING, false },
	{ NULL, "manifest_digest", LC_DIGEST, false },
	{ NULL, "imported", LC_TIME, false },
	{ NULL, "layer_digests", LC_LIST, false },
	{ }
};

static struct lc_value str_or_null(const char *s)
{
	return *s ? lc_str(s) : lc_null();
}

static int add_row(struct lc_table *table, const struct layerfs_image *image, const char *name)
{
	const char **digests = calloc(image->nr_layers + 1, sizeof(*digests));
	char *repo = name ? strdup(name) : NULL;
	char *tag = repo ? strrchr(repo, ':') : NULL;

	if (!digests || (name && !repo)) {
		free(digests);
		free(repo);
		return -1;
	}
	if (tag)
		*tag++ = '\0';
	for (size_t i = 0; i < image->nr_layers; i++)
		digests[i] = image->layers[i].diff_id;
	lc_table_add(table, (struct lc_value[]) {
		repo ? lc_str(repo) : lc_null(),
		tag ? lc_str(tag) : lc_null(),
		lc_str(image->id),
		image->created ? lc_num(image->created) : lc_null(),
		lc_num(image->size),
		lc_num(image->nr_layers),
		str_or_null(image->os),
		str_or_null(image->architecture),
		str_or_null(image->manifest_digest),
		image->imported ? lc_num(image->imported) : lc_null(),
		lc_list(digests),
	});
	free(digests);
	free(repo);
	return 0;
}

static int add_image(const struct lc_ctx *ctx, struct lc_table *table,
		     const struct layerfs_image *image)
{
	int ret = 0;

	/* --quiet lists ids, each once. */
	if (!image->nr_names || (ctx->quiet && ctx->format == LC_FORMAT_TABLE))
		return add_row(table, image, image->nr_names ? image->names[0] : NULL);
	for (size_t i = 0; !ret && i < image->nr_names; i++)
		ret = add_row(table, image, image->names[i]);
	return ret;
}

static int show(const struct lc_ctx *ctx, const struct layerfs_image_list *list)
{
	struct lc_table *table = lc_table_new(columns);
	int ret = table ? 0 : -1;

	for (size_t i = 0; !ret && i < list->nr; i++)
		ret = add_image(ctx, table, &list->images[i]);
	if (!ret)
		return lc_table_show(ctx, table);
	if (table)
		lc_table_free(table);
	return lc_failf(ctx, "no memory for the table");
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct layerfs_error err = { 0 };
	struct layerfs_image_list list;
	struct layerfs_store *store;
	int ret;

	(void)argc;
	(void)argv;
	if (layerfs_store_open(ctx->root, false, &store, &err))
		return lc_fail(ctx, &err);
	if (layerfs_store_images(store, &list, &err)) {
		ret = lc_fail(ctx, &err);
	} else {
		ret = show(ctx, &list);
		layerfs_image_list_free(&list);
	}
	layerfs_store_close(store);
	return ret;
}

const struct lc_command lc_cmd_images = {
	.name = "images",
	.alias = "ls",
	.summary = "list the images in the store",
	.operands = "",
	.description =
"One row for each name of each image, the one imported last first. SIZE is\n"
"the sum of its layers' file data, whether other images share them or not:\n"
"`layerctl usage` tells that.\n",
	.min = 0,
	.max = 0,
	.run = run,
};
