// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "../lib/store.h"
#include "cmd.h"
#include "output.h"

static const struct lc_column columns[] = {
	{ "DIGEST", "digest", LC_DIGEST, .id = true },
	{ "SIZE", "size", LC_SIZE, false },
	{ "INODES", "inodes", LC_COUNT, false },
	{ "IMAGES", "images", LC_COUNT, false },
	{ NULL, "image_ids", LC_LIST, false },
	{ NULL, "compressed_size", LC_SIZE, false },
	{ NULL, "blob_digest", LC_DIGEST, false },
	{ NULL, "created", LC_TIME, false },
	{ NULL, "directory", LC_STRING, false },
	{ }
};

static int show(const struct lc_ctx *ctx, const struct layerfs_layer_list *list)
{
	struct lc_table *table = lc_table_new(columns);

	if (!table)
		return lc_failf(ctx, "no memory for the table");
	for (size_t i = 0; i < list->nr; i++) {
		const struct layerfs_layer_use *use = &list->layers[i];
		const struct layerfs_layer *layer = &use->layer;

		lc_table_add(table, (struct lc_value[]) {
			lc_str(layer->diff_id),
			layer->missing ? lc_null() : lc_num(layer->size),
			layer->missing ? lc_null() : lc_num(layer->inodes),
			lc_num(use->nr_images),
			lc_list(use->image_ids),
			layer->missing ? lc_null() : lc_num(layer->compressed_size),
			*layer->blob_digest ? lc_str(layer->blob_digest) : lc_null(),
			layer->created ? lc_num(layer->created) : lc_null(),
			lc_str(layer->dir),
		});
	}
	return lc_table_show(ctx, table);
}

static int list_and_show(const struct lc_ctx *ctx, struct layerfs_store *store)
{
	struct layerfs_image_list images;
	struct layerfs_layer_list layers;
	struct layerfs_error err = { 0 };
	int ret;

	if (layerfs_store_images(store, &images, &err))
		return lc_fail(ctx, &err);
	if (layerfs_store_layers(store, &images, &layers, &err)) {
		ret = lc_fail(ctx, &err);
	} else {
		ret = show(ctx, &layers);
		layerfs_layer_list_free(&layers);
	}
	layerfs_image_list_free(&images);
	return ret;
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct layerfs_error err = { 0 };
	struct layerfs_store *store;
	int ret;

	(void)argc;
	(void)argv;
	if (layerfs_store_open(ctx->root, false, &store, &err))
		return lc_fail(ctx, &err);
	ret = list_and_show(ctx, store);
	layerfs_store_close(store);
	return ret;
}

const struct lc_command lc_cmd_layers = {
	.name = "layers",
	.summary = "list the layers in the store",
	.operands = "",
	.description =
"One row a layer. DIGEST is its diff-id, SIZE the bytes of its files, INODES\n"
"all of its tree, IMAGES how many images have it: 0 for one that an\n"
"interrupted import left behind.\n",
	.min = 0,
	.max = 0,
	.run = run,
};
