// SPDX-License-Identifier: GPL-2.0-only
#include <linux/layerfs.h>

#include "output.h"
#include "state.h"

static bool opt_all, opt_size;

static const struct lc_option options[] = {
	{ "all", 'a', NULL, "also those that are not mounted", .flag = &opt_all },
	{ "size", 's', NULL, "measure what each has written (walks its upper)",
	  .flag = &opt_size },
	{ }
};

static void add_row(const struct lc_ctx *ctx, struct lc_table *table,
		    const struct lc_container *c)
{
	bool measured = false, ro = c->mnt && c->mnt->ro;
	const char *image = NULL, *upper = NULL;
	uint64_t size = 0, inodes = 0;
	char buf[130];

	if (c->image)
		image = lc_image_name(ctx, c->image, buf);
	else if (c->record && !c->record->damaged)
		image = c->record->image_ref;
	if (c->record)
		upper = c->record->upper;
	else if (c->mnt)
		upper = c->mnt->upper;
	if (opt_size)
		measured = lc_container_upper_size(c, &size, &inodes);
	if (c->stat && !c->mnt)
		ro = c->stat->flags & LAYERFS_F_RDONLY;
	lc_table_add(table, (struct lc_value[]){
		lc_str(lc_container_name(c)), lc_str(image),
		lc_str(c->image ? c->image->id :
		       c->record && !c->record->damaged ? c->record->image_id : NULL),
		lc_str(lc_container_target(c)), lc_str(lc_container_status(c)),
		lc_num(ro),
		c->record && !c->record->damaged ? lc_num(c->record->created) : lc_null(),
		measured ? lc_num(size) : lc_null(),
		measured ? lc_num(inodes) : lc_null(), lc_str(upper) });
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	const struct lc_column columns[] = {
		{ "NAME", "name", LC_STRING, .id = true },
		{ "IMAGE", "image", LC_STRING },
		{ NULL, "image_id", LC_DIGEST },
		{ "TARGET", "target", LC_STRING },
		{ "STATUS", "status", LC_STRING },
		{ "READ-ONLY", "read_only", LC_BOOL },
		{ "CREATED", "created", LC_TIME },
		{ opt_size ? "UPPER SIZE" : NULL, "upper_size", LC_SIZE },
		{ NULL, "upper_inodes", LC_COUNT },
		{ NULL, "upper", LC_STRING },
		{ }
	};
	struct layerfs_error err = { 0 };
	struct lc_table *table;
	struct lc_state st;
	int ret;

	(void)argc;
	(void)argv;
	if (lc_state_read(ctx, &st, &err)) {
		lc_state_free(&st);
		return lc_fail(ctx, &err);
	}
	table = lc_table_new(columns);
	for (size_t i = 0; i < st.nr_containers; i++)
		if (opt_all || st.containers[i].mnt || st.containers[i].stat)
			add_row(ctx, table, &st.containers[i]);
	ret = lc_table_show(ctx, table);
	lc_state_free(&st);
	return ret;
}

const struct lc_command lc_cmd_ps = {
	.name = "ps",
	.summary = "list containers",
	.operands = "",
	.description =
		"Lists mounted containers: those of the store by name, and other layerfs\n"
		"mounts by their source. STATUS is \"mounted\", \"elsewhere\" for one that only\n"
		"another mount namespace sees, or with --all \"unmounted\".\n",
	.options = options,
	.run = run,
};
