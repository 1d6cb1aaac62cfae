// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "../lib/container.h"
#include "../lib/store.h"
#include "cmd.h"
#include "output.h"

static struct json_object *strings_json(char *const *list, size_t nr)
{
	struct json_object *json = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(json, json_object_new_string(list[i]));
	return json;
}

static struct json_object *removed_json(const struct layerfs_removed *removed)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "id", removed->id ? json_object_new_string(removed->id) :
							 NULL);
	json_object_object_add(json, "names",
			       strings_json(removed->untagged, removed->nr_untagged));
	json_object_object_add(json, "layers", strings_json(removed->layers, removed->nr_layers));
	json_object_object_add(json, "bytes", json_object_new_int64(removed->bytes));
	return json;
}

static void removed_text(const struct lc_ctx *ctx, const struct layerfs_removed *removed)
{
	char size[LC_TEXT_MAX], id[130];

	if (ctx->quiet)
		return;
	for (size_t i = 0; i < removed->nr_untagged; i++)
		printf("untagged %s\n", removed->untagged[i]);
	if (removed->id)
		printf("removed image %s, %zu layers, %s\n", lc_text_digest(ctx, removed->id, id),
		       removed->nr_layers, lc_text_size(removed->bytes, size));
}

static void on_wait(void *arg, const char *what)
{
	lc_note(arg, "waiting for %s", what);
}

/* Elsewhere "rm" is for containers. */
static void point_to_umount(const struct lc_ctx *ctx, const char *name)
{
	struct layerfs_container c;

	if (layerfs_container_find(ctx->root, name, &c, NULL))
		return;
	layerfs_container_free(&c);
	lc_note(ctx, "%s is a container: 'layerctl umount --rm %s' removes it", name, name);
}

/* What fails does not keep the others from being removed */
static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	bool as_json = ctx->format == LC_FORMAT_JSON;
	struct json_object *list = as_json ? json_object_new_array() : NULL;
	struct layerfs_error err = { 0 };
	struct layerfs_store *store;
	int ret = LC_EXIT_OK;

	if (layerfs_store_open(ctx->root, false, &store, &err)) {
		json_object_put(list);
		return lc_fail(ctx, &err);
	}
	layerfs_store_on_wait(store, on_wait, ctx);
	for (int i = 0; i < argc; i++) {
		struct layerfs_removed removed;

		if (layerfs_store_remove(store, argv[i], &removed, &err)) {
			ret = lc_fail(ctx, &err);
			if (err.code == -ENOENT)
				point_to_umount(ctx, argv[i]);
			continue;
		}
		if (as_json)
			json_object_array_add(list, removed_json(&removed));
		else
			removed_text(ctx, &removed);
		layerfs_removed_free(&removed);
	}
	layerfs_store_close(store);
	if (as_json && lc_json_show(list) != LC_EXIT_OK)
		ret = LC_EXIT_FAIL;
	return ret;
}

const struct lc_command lc_cmd_rm = {
	.name = "rm",
	.alias = "rmi",
	.summary = "remove images",
	.operands = "IMAGE...",
	.description =
"IMAGE is a name, an id or the beginning of one. An image that has several\n"
"names only loses the one that is given. Otherwise it goes, and with it the\n"
"layers that no other image has. An image that a container stands on stays:\n"
"`layerctl umount --rm` removes the container first.\n",
	.words = { LC_WORD_IMAGE, LC_WORD_IMAGE },
	.min = 1,
	.max = -1,
	.run = run,
};
