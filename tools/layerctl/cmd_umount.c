// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mount.h>

#include "../lib/container.h"
#include "cmd.h"
#include "output.h"

static bool opt_rm, opt_lazy;

static const struct lc_option options[] = {
	{ "rm", 0, NULL, "remove the container with all it has written",
	  .flag = &opt_rm },
	{ "lazy", 'l', NULL, "take it out of sight now, end it when it is idle",
	  .flag = &opt_lazy },
	{ }
};

static const struct lc_column columns[] = {
	{ "NAME", "name", LC_STRING, .id = true },
	{ "TARGET", "target", LC_STRING },
	{ "KEPT", "kept", LC_BOOL },
	{ }
};

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct lc_table *table;
	int i, failed = 0;

	if (opt_rm && opt_lazy)
		return lc_usage(ctx, "--rm cannot be lazy: the container may be in use still");
	table = lc_table_new(columns);
	for (i = 0; i < argc; i++) {
		struct layerfs_unmounted done;
		struct layerfs_error err = { 0 };

		if (layerfs_container_umount(ctx->root, argv[i], opt_lazy ? MNT_DETACH : 0,
					     opt_rm, &done, &err)) {
			failed = lc_fail(ctx, &err);
			continue;
		}
		lc_table_add(table, (struct lc_value[]){
			lc_str(done.name), lc_str(done.target), lc_num(done.kept) });
		layerfs_unmounted_free(&done);
	}
	if (ctx->format == LC_FORMAT_JSON)
		lc_table_show(ctx, table);
	else
		lc_table_free(table);
	return failed ? LC_EXIT_FAIL : LC_EXIT_OK;
}

const struct lc_command lc_cmd_umount = {
	.name = "umount",
	.alias = "unmount",
	.summary = "unmount containers",
	.operands = "NAME|TARGET...",
	.description =
		"Unmounts each container, named or by its mount point (written with a '/').\n"
		"Its upper stays in the store, unless --rm is given; --rm also removes a\n"
		"container that is not mounted.\n",
	.options = options,
	.words = { LC_WORD_CONTAINER },
	.min = 1, .max = -1,
	.run = run,
};
