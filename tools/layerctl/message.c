// SPDX-License-Identifier: GPL-2.0-only
/* Everything that layerctl says on stderr. */
#include <stdio.h>

#include "cmd.h"
#include "output.h"

/* Messages quote names from outside, which may hold anything. */
static void say(const struct lc_ctx *ctx, const char *msg)
{
	fprintf(stderr, "layerctl%s%s: ", ctx->cmd ? " " : "",
		ctx->cmd ? ctx->cmd->name : "");
	lc_put_safe(stderr, msg);
	fputc('\n', stderr);
}

static void vsay(const struct lc_ctx *ctx, const char *fmt, va_list ap)
{
	char msg[LAYERFS_ERROR_MAX];

	vsnprintf(msg, sizeof(msg), fmt, ap);
	say(ctx, msg);
}

int lc_fail(const struct lc_ctx *ctx, const struct layerfs_error *err)
{
	say(ctx, err->msg);
	return LC_EXIT_FAIL;
}

int lc_failf(const struct lc_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(ctx, fmt, ap);
	va_end(ap);
	return LC_EXIT_FAIL;
}

int lc_usage(const struct lc_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(ctx, fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try 'layerctl %s%s--help'.\n",
		ctx->cmd ? ctx->cmd->name : "", ctx->cmd ? " " : "");
	return LC_EXIT_USAGE;
}

void lc_note(const struct lc_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	if (ctx->quiet)
		return;
	va_start(ap, fmt);
	vsay(ctx, fmt, ap);
	va_end(ap);
}

void lc_warn(void *ctx, const char *msg)
{
	lc_note(ctx, "warning: %s", msg);
}
