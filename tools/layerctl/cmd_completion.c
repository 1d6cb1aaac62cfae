// SPDX-License-Identifier: GPL-2.0-only
/* Shell completion, from the same tables as everything else. */
#include <string.h>

#include "../lib/container.h"
#include "../lib/store.h"
#include "help.h"
#include "output.h"

static const char *const word_actions[] = {
	[LC_WORD_ANY] = "",
	[LC_WORD_IMAGE] = "images",
	[LC_WORD_CONTAINER] = "containers",
	[LC_WORD_IMAGE_OR_CONTAINER] = "images containers",
	[LC_WORD_FILE] = "files",
	[LC_WORD_DIR] = "dirs",
};

static void put_options(const struct lc_option *opt, FILE *to)
{
	for (; opt && opt->name; opt++) {
		fprintf(to, " --%s", opt->name);
		if (opt->letter)
			fprintf(to, " -%c", opt->letter);
	}
}

/* "--name|-n) words=..;;" for every option with a value */
static void put_values(const char *verb, const struct lc_option *opt, FILE *to)
{
	for (; opt && opt->name; opt++) {
		if (!opt->arg)
			continue;
		fprintf(to, "\t%s:--%s", verb, opt->name);
		if (opt->letter)
			fprintf(to, "|%s:-%c", verb, opt->letter);
		if (strchr(opt->arg, '|'))
			fprintf(to, ") _layerctl_words \"$(tr '|' ' ' <<<'%s')\"; return;;\n",
				opt->arg);
		else
			fprintf(to, ") _layerctl_kind %s; return;;\n",
				*word_actions[opt->word] ? word_actions[opt->word] : "none");
	}
}

static void put_verbs(FILE *to)
{
	for (int i = 0; lc_commands[i]; i++)
		fprintf(to, "%s%s", i ? " " : "", lc_commands[i]->name);
}

static void put_verb_case(const struct lc_command *cmd, FILE *to)
{
	enum lc_word first = cmd->words[0];
	enum lc_word rest = cmd->words[1] ? cmd->words[1] : cmd->words[0];

	if (cmd->alias)
		fprintf(to, "\t%s|%s)\n", cmd->name, cmd->alias);
	else
		fprintf(to, "\t%s)\n", cmd->name);
	fputs("\t\toptions=\"$options", to);
	put_options(cmd->options, to);
	fprintf(to, "\"\n\t\tfirst=\"%s\" rest=\"%s\";;\n",
		word_actions[first], word_actions[rest]);
}

static const char bash_head[] =
	"# bash completion for layerctl, made by 'layerctl completion bash'\n\n"
	"_layerctl_words()\n{\n"
	"\tCOMPREPLY+=($(compgen -W \"$1\" -- \"$cur\"))\n}\n\n"
	"_layerctl_kind()\n{\n"
	"\tlocal kind\n\n"
	"\tfor kind; do\n"
	"\t\tcase $kind in\n"
	"\t\timages|containers)\n"
	"\t\t\t_layerctl_words \"$(layerctl ${root:+\"$root\"} completion $kind 2>/dev/null)\";;\n"
	"\t\tfiles) COMPREPLY+=($(compgen -f -- \"$cur\")); compopt -o filenames;;\n"
	"\t\tdirs) COMPREPLY+=($(compgen -d -- \"$cur\")); compopt -o filenames;;\n"
	"\t\tesac\n"
	"\tdone\n}\n\n"
	"_layerctl()\n{\n"
	"\tlocal cur prev words cword verb='' root='' first='' rest='' i n=0\n"
	"\tlocal options='";

static const char bash_scan[] =
	"'\n\n"
	"\t# Image names hold colons, which are no word breaks here.\n"
	"\t_get_comp_words_by_ref -n : cur prev words cword\n"
	"\tfor ((i = 1; i < cword; i++)); do\n"
	"\t\tcase ${words[i]} in\n"
	"\t\t--root=*) root=${words[i]};;\n"
	"\t\t--root) root=--root=${words[++i]};;\n"
	"\t\t--format) ((i++));;\n"
	"\t\t-*) ;;\n"
	"\t\t*) if [[ -z $verb ]]; then verb=${words[i]}; else ((n++)); fi;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $verb:$prev in\n";

static const char bash_tail[] =
	"\tesac\n"
	"\tif [[ $cur == -* ]]; then\n"
	"\t\t_layerctl_words \"$options\"\n"
	"\telif ((n == 0)); then\n"
	"\t\t_layerctl_kind $first\n"
	"\telse\n"
	"\t\t_layerctl_kind $rest\n"
	"\tfi\n"
	"\t__ltrim_colon_completions \"$cur\"\n"
	"}\n\ncomplete -F _layerctl layerctl\n";

void lc_complete_bash(FILE *to)
{
	int i;

	fputs(bash_head, to);
	put_options(lc_global_options, to);
	fputs(bash_scan, to);
	put_values("*", lc_global_options, to);
	for (i = 0; lc_commands[i]; i++)
		put_values(lc_commands[i]->name, lc_commands[i]->options, to);
	fputs("\tesac\n\tcase $verb in\n"
	      "\t'') [[ $cur == -* ]] || { _layerctl_words \"", to);
	put_verbs(to);
	fputs("\"; return; };;\n"
	      "\thelp) _layerctl_words \"", to);
	put_verbs(to);
	fputs("\"; return;;\n", to);
	for (i = 0; lc_commands[i]; i++)
		if (lc_commands[i] != &lc_cmd_help)
			put_verb_case(lc_commands[i], to);
	fputs(bash_tail, to);
}

static int list_images(struct lc_ctx *ctx)
{
	struct layerfs_image_list list = { 0 };
	struct layerfs_error err = { 0 };
	struct layerfs_store *store;
	int ret;

	ret = layerfs_store_open(ctx->root, false, &store, &err);
	if (ret)
		return lc_fail(ctx, &err);
	ret = layerfs_store_images(store, &list, &err);
	for (size_t i = 0; i < list.nr; i++)
		for (size_t j = 0; j < list.images[i].nr_names; j++)
			puts(list.images[i].names[j]);
	layerfs_image_list_free(&list);
	layerfs_store_close(store);
	return ret ? lc_fail(ctx, &err) : LC_EXIT_OK;
}

static int list_containers(struct lc_ctx *ctx)
{
	struct layerfs_container_list list;
	struct layerfs_error err = { 0 };

	if (layerfs_container_list(ctx->root, &list, &err))
		return lc_fail(ctx, &err);
	for (size_t i = 0; i < list.nr; i++)
		puts(list.containers[i].name);
	layerfs_container_list_free(&list);
	return LC_EXIT_OK;
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	(void)argc;
	if (!strcmp(argv[0], "bash")) {
		lc_complete_bash(stdout);
		return LC_EXIT_OK;
	}
	if (!strcmp(argv[0], "images"))
		return list_images(ctx);
	if (!strcmp(argv[0], "containers"))
		return list_containers(ctx);
	return lc_usage(ctx, "'%s': it is bash, images or containers", argv[0]);
}

const struct lc_command lc_cmd_completion = {
	.name = "completion",
	.summary = "print the shell completion",
	.operands = "bash|images|containers",
	.description =
		"'bash' prints a completion script for bash; the other two print the names\n"
		"that the script offers.\n",
	.min = 1, .max = 1,
	.run = run,
};
