// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "../lib/store_gc.h"
#include "cmd.h"
#include "output.h"

static bool opt_dry_run;

static const struct lc_option options[] = {
	{ "dry-run", 'n', NULL, "only show what would be removed", .flag = &opt_dry_run },
	{ }
};

static const struct lc_column columns[] = {
	{ "KIND", "kind", LC_STRING },
	{ "NAME", "name", LC_STRING, .id = true },
	{ "SIZE", "size", LC_SIZE },
	{ "REMOVED", "removed", LC_BOOL },
	{ "KEPT BECAUSE", "kept_because", LC_STRING },
	{ }
};

static const char *const kinds[] = {
	[LAYERFS_GARBAGE_LAYER] = "layer",
	[LAYERFS_GARBAGE_TEMPORARY] = "temporary",
	[LAYERFS_GARBAGE_CONTAINER] = "container",
};

static void show_text(const struct lc_ctx *ctx, const struct layerfs_garbage_list *list)
{
	char size[LC_TEXT_MAX], id[130];
	uint64_t bytes = 0;

	for (size_t i = 0; i < list->nr; i++) {
		const struct layerfs_garbage *g = &list->items[i];
		const char *name = g->kind == LAYERFS_GARBAGE_LAYER ?
				   lc_text_digest(ctx, g->name, id) : g->name;

		printf("%s %s ", g->kept ? "kept" : opt_dry_run ? "would remove" : "removed",
		       kinds[g->kind]);
		lc_put_safe(stdout, name);
		if (g->kept) {
			fputs(": ", stdout);
			lc_put_safe(stdout, g->kept);
		} else {
			printf(", %s", lc_text_size(g->bytes, size));
			bytes += g->bytes;
		}
		putchar('\n');
	}
	printf("%s in all%s\n", lc_text_size(bytes, size),
	       opt_dry_run ? " would be removed" : " removed");
}

static int show(const struct lc_ctx *ctx, const struct layerfs_garbage_list *list)
{
	struct lc_table *table;

	if (ctx->format != LC_FORMAT_JSON && !ctx->quiet) {
		show_text(ctx, list);
		return LC_EXIT_OK;
	}
	table = lc_table_new(columns);
	for (size_t i = 0; i < list->nr; i++) {
		const struct layerfs_garbage *g = &list->items[i];

		if (ctx->format != LC_FORMAT_JSON && g->kept)
			continue;
		lc_table_add(table, (struct lc_value[]) {
			lc_str(kinds[g->kind]),
			lc_str(g->name),
			lc_num(g->bytes),
			lc_num(!g->kept && !opt_dry_run),
			lc_str(g->kept),
		});
	}
	return lc_table_show(ctx, table);
}

static void on_wait(void *arg, const char *what)
{
	lc_note(arg, "waiting for %s", what);
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct layerfs_garbage_list list;
	struct layerfs_error err = { 0 };
	struct layerfs_store *store;
	int ret, failed;

	(void)argc;
	(void)argv;
	if (layerfs_store_open(ctx->root, false, &store, &err))
		return lc_fail(ctx, &err);
	layerfs_store_on_wait(store, on_wait, ctx);
	failed = layerfs_store_collect(store, opt_dry_run, &list, &err);
	/* What was removed before it failed is told all the same. */
	ret = failed && !list.nr ? LC_EXIT_OK : show(ctx, &list);
	if (failed)
		ret = lc_fail(ctx, &err);
	layerfs_garbage_free(&list);
	layerfs_store_close(store);
	return ret;
}

const struct lc_command lc_cmd_gc = {
	.name = "gc",
	.summary = "remove what interrupted commands left",
	.operands = "",
	.description =
"Removes layers that no image has, unfinished work, and containers that are not\n"
"mounted and have nothing: no upper, or one that was never mounted. It waits for\n"
"imports and removals that run. A layer that is mounted, by whatever means, is\n"
"kept, and so is everything that a container has written.\n",
	.options = options,
	.min = 0,
	.max = 0,
	.run = run,
};
