// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>

#include "help.h"
#include "output.h"

static void show_options(const struct lc_option *opt, FILE *to)
{
	char left[64];

	for (; opt && opt->name; opt++) {
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s",
			 opt->letter ? '-' : ' ', opt->letter ? opt->letter : ' ',
			 opt->letter ? "," : " ", opt->name,
			 opt->arg ? " " : "", opt->arg ? opt->arg : "");
		fprintf(to, "  %-26s  %s\n", left, opt->help);
	}
}

void lc_help_all(FILE *to)
{
	int i;

	fputs("Usage: layerctl [OPTION...] COMMAND [ARGUMENT...]\n\n"
	      "Container images on layerfs: import them, mount them, see what they use.\n\n"
	      "Commands:\n", to);
	for (i = 0; lc_commands[i]; i++)
		fprintf(to, "  %-12s %s\n", lc_commands[i]->name,
			lc_commands[i]->summary);
	fputs("\nOptions of all commands:\n", to);
	show_options(lc_global_options, to);
	fputs("\n'layerctl COMMAND --help' tells about one command.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong command line (nothing was done).\n", to);
}

void lc_help_command(const struct lc_command *cmd, FILE *to)
{
	fprintf(to, "Usage: layerctl %s [OPTION...]%s%s\n\n%c%s.\n", cmd->name,
		*cmd->operands ? " " : "", cmd->operands,
		toupper((unsigned char)cmd->summary[0]), cmd->summary + 1);
	if (cmd->alias)
		fprintf(to, "Also called '%s'.\n", cmd->alias);
	if (cmd->description)
		fprintf(to, "\n%s", cmd->description);
	if (cmd->options) {
		fputs("\nOptions:\n", to);
		show_options(cmd->options, to);
	}
	fputs("\nOptions of all commands:\n", to);
	show_options(lc_global_options, to);
}

static int run_help(struct lc_ctx *ctx, int argc, char **argv)
{
	const struct lc_command *cmd;

	if (!argc) {
		lc_help_all(stdout);
		return LC_EXIT_OK;
	}
	cmd = lc_command_find(argv[0]);
	if (!cmd)
		return lc_usage(ctx, "no command '%s'", argv[0]);
	lc_help_command(cmd, stdout);
	return LC_EXIT_OK;
}

const struct lc_command lc_cmd_help = {
	.name = "help",
	.summary = "show help for layerctl or for one command",
	.operands = "[COMMAND]",
	.max = 1,
	.run = run_help,
};

static int run_version(struct lc_ctx *ctx, int argc, char **argv)
{
	struct json_object *json;

	(void)argc;
	(void)argv;
	if (ctx->format != LC_FORMAT_JSON) {
		puts("layerctl " LAYERFS_VERSION);
		return LC_EXIT_OK;
	}
	json = json_object_new_object();
	json_object_object_add(json, "version", json_object_new_string(LAYERFS_VERSION));
	return lc_json_show(json);
}

const struct lc_command lc_cmd_version = {
	.name = "version",
	.summary = "show the version",
	.operands = "",
	.run = run_version,
};
