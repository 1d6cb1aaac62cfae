/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a layerctl command is.
 *
 * A command is one const struct lc_command in a file cmd_NAME.c, named in the
 * one table of commands.c.  Dispatch, option parsing, --help and the shell
 * completion all come from it.  run() sees operands only: options are parsed
 * before, and land in the variables that the option table points at.
 */
#ifndef _LAYERCTL_CMD_H
#define _LAYERCTL_CMD_H

#include <stdbool.h>

#include "../lib/layerfs.h"

#define LC_ROOT_DEFAULT "/var/lib/layerfs"

/* Exit codes, the same in all commands. */
enum lc_exit {
	LC_EXIT_OK = 0,
	LC_EXIT_FAIL = 1,	/* it was tried and did not work */
	LC_EXIT_USAGE = 2,	/* the command line makes no sense; nothing was done */
};

enum lc_format {
	LC_FORMAT_TABLE,
	LC_FORMAT_JSON,
};

/**
 * struct lc_ctx - what the global options say
 * @root: the store: --root, else LAYERCTL_ROOT, else LC_ROOT_DEFAULT
 * @format: --format
 * @quiet: --quiet: ids only in tables, no progress
 * @no_trunc: --no-trunc: whole digests, exact times and sizes in tables
 * @cmd: the command that runs
 */
struct lc_ctx {
	const char *root;
	enum lc_format format;
	bool quiet;
	bool no_trunc;
	const struct lc_command *cmd;
};

/* What a word stands for; the shell completes it accordingly. */
enum lc_word {
	LC_WORD_ANY = 0,
	LC_WORD_IMAGE,
	LC_WORD_CONTAINER,
	LC_WORD_IMAGE_OR_CONTAINER,
	LC_WORD_FILE,
	LC_WORD_DIR,
};

/**
 * struct lc_option - one option of a command; a zeroed one ends the array
 * @name: long name without dashes
 * @letter: short name or 0
 * @arg: what help calls its value; NULL for a flag
 * @help: one line
 * @word: what the value stands for
 * @flag: set to true when a flag is given
 * @value: set to the value (the last one wins); points into argv
 */
struct lc_option {
	const char *name;
	char letter;
	const char *arg;
	const char *help;
	enum lc_word word;
	bool *flag;
	const char **value;
};

/**
 * struct lc_command - one verb
 * @name: the verb
 * @alias: another name for it, or NULL
 * @summary: one line for the list of commands
 * @operands: as the usage line shows them, such as "IMAGE TARGET"
 * @description: what --help says below the usage line; lines up to 80 columns,
 *	ending in a newline
 * @options: own options, or NULL; the global ones need no mention
 * @words: what each operand stands for; the last entry serves all that follow
 * @min: fewest operands
 * @max: most operands, or -1
 * @run: does it; argv[0] is the first operand. Returns enum lc_exit.
 */
struct lc_command {
	const char *name;
	const char *alias;
	const char *summary;
	const char *operands;
	const char *description;
	const struct lc_option *options;
	enum lc_word words[2];
	int min, max;
	int (*run)(struct lc_ctx *ctx, int argc, char **argv);
};

/* commands.c: the table, ended by NULL */
extern const struct lc_command *const lc_commands[];

extern const struct lc_command lc_cmd_import, lc_cmd_images, lc_cmd_layers,
	lc_cmd_rm, lc_cmd_fsck, lc_cmd_gc, lc_cmd_mount, lc_cmd_umount, lc_cmd_ps, lc_cmd_tree,
	lc_cmd_usage, lc_cmd_completion, lc_cmd_version, lc_cmd_help;

/* "layerctl VERB: MESSAGE" on stderr; returns LC_EXIT_FAIL */
int lc_fail(const struct lc_ctx *ctx, const struct layerfs_error *err);
int lc_failf(const struct lc_ctx *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same with a pointer to --help; returns LC_EXIT_USAGE */
int lc_usage(const struct lc_ctx *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A remark on stderr that is no failure; silent with --quiet */
void lc_note(const struct lc_ctx *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What the kernel says of a mount that it makes, for struct layerfs_options */
void lc_warn(void *ctx, const char *msg);

#endif /* _LAYERCTL_CMD_H */
