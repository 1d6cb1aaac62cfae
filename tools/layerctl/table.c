// SPDX-License-Identifier: GPL-2.0-only
/* Rows, shown in columns or as JSON. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output.h"

struct lc_table {
	const struct lc_column *cols;
	size_t nr_cols;
	struct lc_value *cells;		/* nr_rows * nr_cols */
	size_t nr_rows;
};

/* A command that cannot even keep its rows has nothing better to do. */
static void *need(void *memory)
{
	if (!memory) {
		fputs("layerctl: out of memory\n", stderr);
		exit(LC_EXIT_FAIL);
	}
	return memory;
}

struct lc_table *lc_table_new(const struct lc_column *cols)
{
	struct lc_table *t = need(calloc(1, sizeof(*t)));

	t->cols = cols;
	while (cols[t->nr_cols].title || cols[t->nr_cols].key)
		t->nr_cols++;
	return t;
}

static const char *const *copy_list(const char *const *list)
{
	size_t nr = 0, i;
	char **copy;

	while (list[nr])
		nr++;
	copy = need(calloc(nr + 1, sizeof(*copy)));
	for (i = 0; i < nr; i++)
		copy[i] = need(strdup(list[i]));
	return (const char *const *)copy;
}

void lc_table_add(struct lc_table *t, const struct lc_value *row)
{
	struct lc_value *cell;
	size_t i;

	t->cells = need(reallocarray(t->cells, (t->nr_rows + 1) * t->nr_cols,
				     sizeof(*cell)));
	cell = t->cells + t->nr_rows++ * t->nr_cols;
	for (i = 0; i < t->nr_cols; i++) {
		cell[i] = row[i];
		if (row[i].null)
			continue;
		if (t->cols[i].type == LC_LIST)
			cell[i].list = copy_list(row[i].list);
		else if (t->cols[i].type == LC_STRING || t->cols[i].type == LC_DIGEST)
			cell[i].str = need(strdup(row[i].str));
	}
}

static void free_cell(enum lc_type type, struct lc_value *cell)
{
	size_t i;

	if (cell->null)
		return;
	if (type == LC_LIST) {
		for (i = 0; cell->list[i]; i++)
			free((char *)cell->list[i]);
		free((void *)cell->list);
	} else if (type == LC_STRING || type == LC_DIGEST) {
		free((char *)cell->str);
	}
}

void lc_table_free(struct lc_table *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->nr_rows * t->nr_cols; i++)
		free_cell(t->cols[i % t->nr_cols].type, &t->cells[i]);
	free(t->cells);
	free(t);
}

static bool right_aligned(enum lc_type type)
{
	return type == LC_COUNT || type == LC_SIZE;
}

static void put_list(FILE *to, const char *const *list)
{
	size_t i;

	if (!list[0])
		fputc('-', to);
	for (i = 0; list[i]; i++) {
		if (i)
			fputc(',', to);
		lc_put_safe(to, list[i]);
	}
}

/* The text of one cell, to be freed. */
static char *cell_text(const struct lc_ctx *ctx, enum lc_type type,
		       const struct lc_value *v, int64_t now)
{
	char buf[LC_TEXT_MAX], digest[130], *text = NULL;
	size_t size;
	FILE *to = need(open_memstream(&text, &size));

	if (v->null)
		fputc('-', to);
	else if (type == LC_STRING)
		lc_put_safe(to, v->str);
	else if (type == LC_DIGEST)
		lc_put_safe(to, lc_text_digest(ctx, v->str, digest));
	else if (type == LC_LIST)
		put_list(to, v->list);
	else if (type == LC_BOOL)
		fputs(v->num ? "yes" : "no", to);
	else if (type == LC_SIZE && !ctx->no_trunc)
		fputs(lc_text_size(v->num, buf), to);
	else if (type == LC_TIME)
		fputs(ctx->no_trunc ? lc_text_rfc3339(v->num, buf) :
		      lc_text_age(v->num, now, buf), to);
	else
		fprintf(to, "%llu", (unsigned long long)v->num);
	fclose(to);
	return need(text);
}

/* Columns of a terminal that a UTF-8 text takes, near enough: one a character. */
static int text_width(const char *s)
{
	int width = 0;

	for (; *s; s++)
		width += (*s & 0xc0) != 0x80;
	return width;
}

static void put_cell(FILE *to, const char *text, int width, bool right, bool last)
{
	int pad = width - text_width(text);

	if (right)
		fprintf(to, "%*s", pad, "");
	fputs(text, to);
	if (!right && !last)
		fprintf(to, "%*s", pad, "");
	fputs(last ? "\n" : "   ", to);
}

static void show_ids(const struct lc_ctx *ctx, const struct lc_table *t, FILE *to)
{
	size_t row, col = 0;
	char *text;

	while (col < t->nr_cols - 1 && !t->cols[col].id)
		col++;
	for (row = 0; row < t->nr_rows; row++) {
		text = cell_text(ctx, t->cols[col].type,
				 &t->cells[row * t->nr_cols + col], 0);
		if (*text)
			fprintf(to, "%s\n", text);
		free(text);
	}
}

void lc_table_text(const struct lc_ctx *ctx, const struct lc_table *t, FILE *to)
{
	int64_t now = time(NULL);
	size_t i, col, last = 0;
	int width[t->nr_cols], w;
	char **text;

	if (ctx->quiet) {
		show_ids(ctx, t, to);
		return;
	}
	for (col = 0; col < t->nr_cols; col++) {
		width[col] = t->cols[col].title ? text_width(t->cols[col].title) : 0;
		if (t->cols[col].title)
			last = col;
	}
	text = need(calloc(t->nr_rows * t->nr_cols + 1, sizeof(*text)));
	for (i = 0; i < t->nr_rows * t->nr_cols; i++) {
		col = i % t->nr_cols;
		text[i] = cell_text(ctx, t->cols[col].type, &t->cells[i], now);
		w = text_width(text[i]);
		if (w > width[col])
			width[col] = w;
	}
	for (col = 0; col < t->nr_cols; col++)
		if (t->cols[col].title)
			put_cell(to, t->cols[col].title, width[col],
				 right_aligned(t->cols[col].type), col == last);
	for (i = 0; i < t->nr_rows * t->nr_cols; i++) {
		col = i % t->nr_cols;
		if (t->cols[col].title)
			put_cell(to, text[i], width[col],
				 right_aligned(t->cols[col].type), col == last);
		free(text[i]);
	}
	free(text);
}

static struct json_object *cell_json(enum lc_type type, const struct lc_value *v)
{
	struct json_object *list;
	char buf[LC_TEXT_MAX];
	size_t i;

	if (v->null)
		return NULL;
	switch (type) {
	case LC_STRING:
	case LC_DIGEST:
		return need(lc_json_text(v->str));
	case LC_LIST:
		list = need(json_object_new_array());
		for (i = 0; v->list[i]; i++)
			json_object_array_add(list, need(lc_json_text(v->list[i])));
		return list;
	case LC_TIME:
		return json_object_new_string(lc_text_rfc3339(v->num, buf));
	case LC_BOOL:
		return json_object_new_boolean(v->num);
	case LC_COUNT:
	case LC_SIZE:
		break;
	}
	return json_object_new_uint64(v->num);
}

struct json_object *lc_table_json(const struct lc_table *t)
{
	struct json_object *array = need(json_object_new_array()), *row;
	size_t i, col;

	for (i = 0; i < t->nr_rows; i++) {
		row = need(json_object_new_object());
		for (col = 0; col < t->nr_cols; col++)
			if (t->cols[col].key)
				json_object_object_add(row, t->cols[col].key,
					cell_json(t->cols[col].type,
						  &t->cells[i * t->nr_cols + col]));
		json_object_array_add(array, row);
	}
	return array;
}

int lc_json_show(struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(json,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
		JSON_C_TO_STRING_NOSLASHESCAPE);

	puts(need((void *)text));
	json_object_put(json);
	return LC_EXIT_OK;
}

int lc_table_show(const struct lc_ctx *ctx, struct lc_table *t)
{
	if (ctx->format == LC_FORMAT_JSON)
		lc_json_show(lc_table_json(t));
	else
		lc_table_text(ctx, t, stdout);
	lc_table_free(t);
	return LC_EXIT_OK;
}
