/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A row described once, shown as a table or as JSON.
 *
 *	static const struct lc_column cols[] = {
 *		{ "IMAGE ID", "id", LC_DIGEST, .id = true },
 *		{ "SIZE", "size", LC_SIZE },
 *		{ }
 *	};
 *	struct lc_table *t = lc_table_new(cols);
 *	lc_table_add(t, (struct lc_value[]){ lc_str(id), lc_num(size) });
 *	ret = lc_table_show(ctx, t);		// prints and frees
 *
 * JSON is an array of objects; sizes are integers in bytes, times RFC 3339 in
 * UTC, digests whole, what is unknown is null.  The table shows sizes in human
 * units, times as an age, digests as 12 digits, and "-" for what is unknown.
 */
#ifndef _LAYERCTL_OUTPUT_H
#define _LAYERCTL_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd.h"

enum lc_type {
	LC_STRING,
	LC_DIGEST,	/* "sha256:HEX", shortened in the table */
	LC_LIST,	/* NULL-ended array of strings; "a,b" in the table */
	LC_COUNT,	/* integer */
	LC_SIZE,	/* bytes */
	LC_TIME,	/* seconds since 1970 */
	LC_BOOL,	/* "yes" and "no" in the table */
};

/**
 * struct lc_column - one column; a zeroed one ends the array
 * @title: heading in the table; NULL: shown in JSON only
 * @key: member name in JSON; NULL: shown in the table only
 * @type: how the value is read
 * @id: what --quiet prints, alone
 */
struct lc_column {
	const char *title;
	const char *key;
	enum lc_type type;
	bool id;
};

/* One cell; build it with the functions below. The table copies strings. */
struct lc_value {
	bool null;
	union {
		const char *str;
		const char *const *list;
		uint64_t num;
	};
};

static inline struct lc_value lc_str(const char *s)
{
	return (struct lc_value){ .null = !s, .str = s };
}

static inline struct lc_value lc_list(const char *const *list)
{
	return (struct lc_value){ .null = !list, .list = list };
}

/* Also for LC_SIZE, LC_TIME and LC_BOOL */
static inline struct lc_value lc_num(uint64_t num)
{
	return (struct lc_value){ .num = num };
}

static inline struct lc_value lc_null(void)
{
	return (struct lc_value){ .null = true };
}

struct lc_table;

/* table.c */
struct lc_table *lc_table_new(const struct lc_column *cols);
void lc_table_add(struct lc_table *t, const struct lc_value *row);
void lc_table_free(struct lc_table *t);

/* Print in the format of ctx and free. Returns enum lc_exit. */
int lc_table_show(const struct lc_ctx *ctx, struct lc_table *t);

/* Parts, for commands whose output is more than one table */
void lc_table_text(const struct lc_ctx *ctx, const struct lc_table *t,
		   FILE *to);
struct json_object *lc_table_json(const struct lc_table *t);

/* Print a JSON value and drop it. Returns enum lc_exit. */
int lc_json_show(struct json_object *json);

/*
 * output.c: single values. The buffers are the caller's. A name or path from
 * outside may hold anything: lc_put_safe() shows control characters, and what is
 * no UTF-8, as \ooo.
 */
#define LC_TEXT_MAX 32
const char *lc_text_size(uint64_t bytes, char buf[LC_TEXT_MAX]);
const char *lc_text_age(int64_t then, int64_t now, char buf[LC_TEXT_MAX]);
const char *lc_text_rfc3339(int64_t when, char buf[LC_TEXT_MAX]);
/* "sha256:HEX" or HEX -> 12 digits, or all of HEX with --no-trunc */
const char *lc_text_digest(const struct lc_ctx *ctx, const char *digest,
			   char buf[130]);
void lc_put_safe(FILE *to, const char *text);

/* A JSON string of what may be no UTF-8, which then has U+FFFD for such a byte */
struct json_object *lc_json_text(const char *text);

/*
 * progress.c: one line on stderr, redrawn when that is a terminal.
 *
 *	struct lc_progress p;
 *	lc_progress_start(&p, ctx, "layer 1/4 6f2d0c8a1b33", bytes);
 *	lc_progress_update(&p, done);		// cheap, call it often
 *	lc_progress_end(&p, "already here");	// or "done", or "failed"
 *
 * Elsewhere only the last line, "LABEL: OUTCOME", is written; with --quiet
 * nothing is.  A total of 0 means unknown: bytes so far, no bar.
 */
struct lc_progress {
	char label[96];
	uint64_t total, done;
	int64_t drawn_ms;
	bool tty, quiet;
};

void lc_progress_start(struct lc_progress *p, const struct lc_ctx *ctx,
		       const char *label, uint64_t total);
void lc_progress_update(struct lc_progress *p, uint64_t done);
void lc_progress_end(struct lc_progress *p, const char *outcome);

#endif /* _LAYERCTL_OUTPUT_H */
