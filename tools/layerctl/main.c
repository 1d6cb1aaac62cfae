// SPDX-License-Identifier: GPL-2.0-only
/* Options in, command out. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "help.h"
#include "interrupt.h"

/* Values of options by position; above any character. */
#define OPTION_BASE 1000
#define OPTIONS_MAX 32

static const char *opt_root, *opt_format;
static bool opt_quiet, opt_no_trunc, opt_help, opt_version;

const struct lc_option lc_global_options[] = {
	{ "root", 0, "DIR", "the store (default: LAYERCTL_ROOT, else " LC_ROOT_DEFAULT ")",
	  LC_WORD_DIR, .value = &opt_root },
	{ "format", 0, "table|json", "how rows are shown (default: table)",
	  .value = &opt_format },
	{ "quiet", 'q', NULL, "ids or names only, no progress", .flag = &opt_quiet },
	{ "no-trunc", 0, NULL, "whole digests, exact times and sizes",
	  .flag = &opt_no_trunc },
	{ "help", 'h', NULL, "show help and exit", .flag = &opt_help },
	{ "version", 0, NULL, "show the version and exit", .flag = &opt_version },
	{ }
};

/* What getopt_long() wants to know, built from the option tables. */
struct parser {
	const struct lc_option *opt[OPTIONS_MAX];
	struct option longopts[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	int nr;
};

static void parser_add(struct parser *p, const struct lc_option *opts)
{
	char *letter = p->letters + strlen(p->letters);

	for (; opts && opts->name && p->nr < OPTIONS_MAX; opts++, p->nr++) {
		p->opt[p->nr] = opts;
		p->longopts[p->nr] = (struct option){
			.name = opts->name,
			.has_arg = opts->arg ? required_argument : no_argument,
			.val = OPTION_BASE + p->nr,
		};
		if (opts->letter)
			*letter++ = opts->letter;
		if (opts->letter && opts->arg)
			*letter++ = ':';
	}
}

static const struct lc_option *parser_find(const struct parser *p, int val)
{
	int i;

	if (val >= OPTION_BASE)
		return p->opt[val - OPTION_BASE];
	for (i = 0; i < p->nr; i++)
		if (p->opt[i]->letter == val)
			return p->opt[i];
	return NULL;
}

/* Returns the index of the first operand, or -1 after a message. */
static int parser_run(const struct parser *p, const struct lc_ctx *ctx,
		      int argc, char **argv)
{
	const struct lc_option *opt;
	int val;

	opterr = 0;
	optind = 0;
	while ((val = getopt_long(argc, argv, p->letters, p->longopts, NULL)) != -1) {
		opt = val == '?' || val == ':' ? NULL : parser_find(p, val);
		if (opt) {
			if (opt->flag)
				*opt->flag = true;
			if (opt->value)
				*opt->value = optarg;
			continue;
		}
		if (val == ':') {
			lc_usage(ctx, "option '%s' needs a value", argv[optind - 1]);
			return -1;
		}
		if (optopt && optopt < OPTION_BASE)
			lc_usage(ctx, "unknown option '-%c'", optopt);
		else if (optopt)
			lc_usage(ctx, "option '--%s' takes no value",
				 p->longopts[optopt - OPTION_BASE].name);
		else
			lc_usage(ctx, "unknown or ambiguous option '%s'",
				 argv[optind - 1]);
		return -1;
	}
	return optind;
}

static const struct lc_command *find_command(const char *name)
{
	int i;

	for (i = 0; lc_commands[i]; i++) {
		const struct lc_command *c = lc_commands[i];

		if (!strcmp(c->name, name) || (c->alias && !strcmp(c->alias, name)))
			return c;
	}
	return NULL;
}

const struct lc_command *lc_command_find(const char *name)
{
	return find_command(name);
}

/* From the values that the parsers left to what commands see. */
static int set_context(struct lc_ctx *ctx)
{
	const char *env = getenv("LAYERCTL_ROOT");

	ctx->root = opt_root ? opt_root : env && *env ? env : LC_ROOT_DEFAULT;
	if (!*ctx->root)
		return lc_usage(ctx, "--root is empty");
	if (opt_format && !strcmp(opt_format, "json"))
		ctx->format = LC_FORMAT_JSON;
	else if (opt_format && strcmp(opt_format, "table"))
		return lc_usage(ctx, "--format '%s': it is table or json", opt_format);
	ctx->quiet = opt_quiet;
	ctx->no_trunc = opt_no_trunc;
	return LC_EXIT_OK;
}

static int run_command(struct lc_ctx *ctx, int argc, char **argv)
{
	const struct lc_command *cmd = ctx->cmd;
	struct parser p = { .letters = ":" };
	int first, ret;

	parser_add(&p, cmd->options);
	parser_add(&p, lc_global_options);
	first = parser_run(&p, ctx, argc, argv);
	if (first < 0)
		return LC_EXIT_USAGE;
	if (opt_help) {
		lc_help_command(cmd, stdout);
		return LC_EXIT_OK;
	}
	if (opt_version)
		return lc_cmd_version.run(ctx, 0, NULL);
	ret = set_context(ctx);
	if (ret)
		return ret;
	argc -= first;
	argv += first;
	if (argc < cmd->min)
		return lc_usage(ctx, "too few operands: %s", cmd->operands);
	if (cmd->max >= 0 && argc > cmd->max)
		return lc_usage(ctx, "too many operands, from '%s' on", argv[cmd->max]);
	return cmd->run(ctx, argc, argv);
}

static int dispatch(struct lc_ctx *ctx, int argc, char **argv)
{
	struct parser p = { .letters = "+:" };
	int first;

	parser_add(&p, lc_global_options);
	first = parser_run(&p, ctx, argc, argv);
	if (first < 0)
		return LC_EXIT_USAGE;
	if (opt_version)
		return lc_cmd_version.run(ctx, 0, NULL);
	if (first == argc && !opt_help) {
		lc_help_all(stderr);
		return LC_EXIT_USAGE;
	}
	if (first == argc) {
		lc_help_all(stdout);
		return LC_EXIT_OK;
	}
	ctx->cmd = find_command(argv[first]);
	if (!ctx->cmd)
		return lc_usage(ctx, "no command '%s'", argv[first]);
	return run_command(ctx, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	struct lc_ctx ctx = { 0 };
	int ret = dispatch(&ctx, argc, argv);

	/* A full disk or a closed pipe must not look like success. */
	errno = 0;
	if ((fflush(stdout) || ferror(stdout)) && ret == LC_EXIT_OK)
		ret = lc_failf(&ctx, "cannot write the output%s%s",
			       errno ? ": " : "", errno ? strerror(errno) : "");
	/* What was done to its end all the same is a success. */
	if (ret != LC_EXIT_OK)
		lc_interrupt_die();
	return ret;
}
