// SPDX-License-Identifier: GPL-2.0-only
/* The figures as a table and as JSON. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char *const unit_names[] = {
	[UNIT_RATIO] = "ns",
	[UNIT_US] = "us",
	[UNIT_BYTES] = "bytes",
};

struct summary {
	double best;	/* what counts */
	double least;
	double most;
	int nr;
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * What disturbs a count of instructions, such as a journal's commit, only adds
 * to it, so the least is nearest to the truth. Time has noise on both sides.
 */
static struct summary summarize(const struct bench *b, const struct result *result)
{
	double sorted[MAX_REPEATS];
	struct summary s = { .nr = result->nr };

	if (!s.nr)
		return s;
	memcpy(sorted, result->value, sizeof(sorted));
	qsort(sorted, s.nr, sizeof(sorted[0]), compare);
	s.least = sorted[0];
	s.most = sorted[s.nr - 1];
	s.best = s.least;
	if (b->wall)
		s.best = (sorted[(s.nr - 1) / 2] + sorted[s.nr / 2]) / 2;
	return s;
}

static struct summary cell(const struct bench *b, int stack, enum fs_kind kind, int row)
{
	return summarize(b, &b->results[stack][kind][row]);
}

static bool is_ratio(const struct bench *b, int row)
{
	return b->program->rows[row].unit == UNIT_RATIO;
}

/* A ratio needs a bare. */
static bool is_comparable(const struct bench *b, int stack, int row)
{
	return !is_ratio(b, row) || b->results[stack][KIND_BARE][row].nr;
}

/* As shown: a ratio to bare, if the row is one and there is a bare. */
static double shown(const struct bench *b, int stack, enum fs_kind kind, int row)
{
	enum unit unit = b->program->rows[row].unit;
	double value = cell(b, stack, kind, row).best;
	double bare = cell(b, stack, KIND_BARE, row).best;

	if (unit == UNIT_US)
		return value / 1000;
	if (unit == UNIT_RATIO && kind != KIND_BARE && bare)
		return value / bare;
	return value;
}

static void print_cell(const struct bench *b, int stack, enum fs_kind kind, int row, FILE *to)
{
	double value = shown(b, stack, kind, row);

	if (!cell(b, stack, kind, row).nr)
		fprintf(to, " %12s", "-");
	else if (kind == KIND_BARE ? is_ratio(b, row) : !is_comparable(b, stack, row))
		fprintf(to, " %10.0fns", value);
	else if (b->program->rows[row].unit == UNIT_BYTES)
		fprintf(to, " %12.0f", value);
	else
		fprintf(to, " %12.2f", value);
}

static void print_aim(const struct bench *b, int stack, int row, FILE *to)
{
	double aim = b->program->rows[row].aim;
	bool over = shown(b, stack, KIND_LAYERFS, row) > aim;

	if (aim && is_comparable(b, stack, row))
		fprintf(to, " %8.4g%c", aim, over ? '!' : ' ');
	else
		fprintf(to, " %9s", "");
}

/* How far the greatest of the samples is above the least. */
static void print_spread(const struct bench *b, int stack, int row, FILE *to)
{
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++) {
		struct summary s = cell(b, stack, kind, row);

		if (s.nr > 1 && s.least > 0)
			fprintf(to, " %5.1f", 100 * (s.most / s.least - 1));
		else
			fprintf(to, " %5s", "-");
	}
	fputc('\n', to);
}

static bool has_any(const struct bench *b, int stack, int row)
{
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		if (b->results[stack][kind][row].nr)
			return true;
	return false;
}

static void print_head(const struct bench *b, FILE *to)
{
	fprintf(to, "\n%s\n", b->program->intro);
	if (b->wall)
		fprintf(to, "By the clock on the wall; the median of %d.\n", b->repeats);
	else
		fprintf(to, "By a clock that counts instructions, one a nanosecond; the least of %d.\n",
			b->repeats);
	fprintf(to, "overlay, layerfs: how many times bare, if the row names no unit.\n"
		"'!' is where layerfs is above the aim. Spread: how far the greatest sample\n"
		"is above the least, of bare, overlay and layerfs, in %%.\n\n");
	fprintf(to, "%-46s %5s %12s %12s %12s %9s %17s\n", "", "N", kind_names[0],
		kind_names[1], kind_names[2], "aim ", "spread %");
}

void report_print(const struct bench *b, FILE *to)
{
	int row, stack, kind;

	print_head(b, to);
	for (row = 0; row < b->program->nr_rows; row++) {
		const char *title = b->program->rows[row].title;

		for (stack = 0; stack < b->nr_stacks; stack++) {
			if (!has_any(b, stack, row))
				continue;
			fprintf(to, "%-46s %5d", title, b->layers[stack]);
			for (kind = 0; kind < NR_KINDS; kind++)
				print_cell(b, stack, kind, row, to);
			print_aim(b, stack, row, to);
			print_spread(b, stack, row, to);
			title = "";
		}
	}
	fflush(to);
}

/* One line for each, so that awk can read it, too. */
static void json_row(FILE *to, const struct bench *b, int stack, enum fs_kind kind,
		     int row, const char *before)
{
	const struct row *about = &b->program->rows[row];
	const struct result *result = &b->results[stack][kind][row];
	struct summary s = summarize(b, result);
	double scale = about->unit == UNIT_US ? 0.001 : 1;
	int i;

	fprintf(to, "%s\n  {\"operation\": \"%s\", \"layers\": %d, ", before,
		about->key, b->layers[stack]);
	fprintf(to, "\"filesystem\": \"%s\", \"unit\": \"%s\", \"value\": %.2f, ",
		kind_names[kind], unit_names[about->unit], s.best * scale);
	if (about->unit == UNIT_RATIO && cell(b, stack, KIND_BARE, row).nr)
		fprintf(to, "\"ratio\": %.4f, ",
			s.best / cell(b, stack, KIND_BARE, row).best);
	else
		fprintf(to, "\"ratio\": null, ");
	if (about->aim && kind == KIND_LAYERFS)
		fprintf(to, "\"aim\": %.4g, ", about->aim);
	fprintf(to, "\"least\": %.2f, \"most\": %.2f, \"samples\": [",
		s.least * scale, s.most * scale);
	for (i = 0; i < result->nr; i++)
		fprintf(to, "%s%.2f", i ? ", " : "", result->value[i] * scale);
	fprintf(to, "]}");
}

static void json_print(const struct bench *b, FILE *to)
{
	const char *before = "";
	int row, stack, kind;

	fprintf(to, "{\"program\": \"%s\", \"clock\": \"%s\", \"repeats\": %d, \"results\": [",
		b->program->name, b->wall ? "wall" : "instructions", b->repeats);
	for (row = 0; row < b->program->nr_rows; row++) {
		for (stack = 0; stack < b->nr_stacks; stack++) {
			for (kind = 0; kind < NR_KINDS; kind++) {
				if (!b->results[stack][kind][row].nr)
					continue;
				json_row(to, b, stack, kind, row, before);
				before = ",";
			}
		}
	}
	fprintf(to, "\n]}\n");
}

static void write_with(const struct bench *b, const char *suffix,
		       void (*print)(const struct bench *b, FILE *to))
{
	char *path = path_of("%s/%s%s.%s", b->out, b->program->name,
			     b->wall ? "-wall" : "", suffix);
	FILE *to = fopen(path, "we");

	must(to, "open", path);
	print(b, to);
	must(!fclose(to), "write", path);
	free(path);
}

/* What there is until now, so that a guest that dies leaves something. */
void report_write(const struct bench *b)
{
	if (!b->out)
		return;
	write_with(b, "json", json_print);
	write_with(b, "txt", report_print);
}
