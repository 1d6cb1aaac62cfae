// SPDX-License-Identifier: GPL-2.0-only
#include "../lib/container.h"
#include "cmd.h"
#include "output.h"

static const char *opt_name;
static bool opt_read_only, opt_volatile, opt_nosuid, opt_nodev, opt_noexec;

static const struct lc_option options[] = {
	{ "name", 'n', "NAME", "the container's name; a known one comes back as it was",
	  LC_WORD_CONTAINER, .value = &opt_name },
	{ "read-only", 0, NULL, "mount the image alone, without an upper",
	  .flag = &opt_read_only },
	{ "volatile", 0, NULL, "never sync: fast, and lost in a crash",
	  .flag = &opt_volatile },
	{ "nosuid", 0, NULL, "ignore set-user-id bits", .flag = &opt_nosuid },
	{ "nodev", 0, NULL, "ignore device nodes", .flag = &opt_nodev },
	{ "noexec", 0, NULL, "run no program from it", .flag = &opt_noexec },
	{ }
};

static const struct lc_column columns[] = {
	{ "NAME", "name", LC_STRING, .id = true },
	{ "IMAGE", "image", LC_STRING },
	{ "IMAGE ID", "image_id", LC_DIGEST },
	{ "TARGET", "target", LC_STRING },
	{ NULL, "upper", LC_STRING },
	{ }
};

static int set_flags(struct layerfs_options *opts, struct layerfs_error *err)
{
	const struct {
		bool given;
		const char *name;
	} flags[] = {
		{ opt_volatile, "volatile" }, { opt_nosuid, "nosuid" },
		{ opt_nodev, "nodev" }, { opt_noexec, "noexec" },
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].given)
			ret = layerfs_options_set(opts, flags[i].name, NULL, err);
	return ret;
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct layerfs_container_spec spec = {
		.image = argv[0], .target = argv[1], .name = opt_name, .ro = opt_read_only,
		.opts = { .warn = lc_warn, .warn_data = ctx },
	};
	struct layerfs_container c = { 0 };
	struct layerfs_error err = { 0 };
	struct lc_table *table;
	int ret;

	(void)argc;
	if (opt_read_only && opt_volatile)
		return lc_usage(ctx, "--volatile is about writing, --read-only forbids it");
	ret = set_flags(&spec.opts, &err);
	if (!ret)
		ret = layerfs_container_mount(ctx->root, &spec, &c, &err);
	layerfs_options_free(&spec.opts);
	if (ret)
		return lc_fail(ctx, &err);
	if (ctx->format == LC_FORMAT_TABLE) {
		lc_put_safe(stdout, c.name);
		fputc('\n', stdout);
		layerfs_container_free(&c);
		return LC_EXIT_OK;
	}
	table = lc_table_new(columns);
	lc_table_add(table, (struct lc_value[]){
		lc_str(c.name), lc_str(c.image_ref), lc_str(c.image_id),
		lc_str(c.target), lc_str(c.upper) });
	layerfs_container_free(&c);
	return lc_table_show(ctx, table);
}

const struct lc_command lc_cmd_mount = {
	.name = "mount",
	.summary = "mount an image as a container",
	.operands = "IMAGE TARGET",
	.description =
		"Mounts IMAGE (a name, name:tag, digest or the beginning of an id) on the\n"
		"directory TARGET and prints the container's name.  What is written there goes\n"
		"to an upper directory in the store, which 'layerctl umount' keeps: mounting\n"
		"with the same --name shows it again.\n",
	.options = options,
	.words = { LC_WORD_IMAGE, LC_WORD_DIR },
	.min = 2, .max = 2,
	.run = run,
};
