// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

const char *const kind_names[NR_KINDS] = { "bare", "overlay", "layerfs" };

static const struct {
	const char *key;
	const char *title;
} ops[NR_OPS] = {
	[OP_FIRST_WALK] = { "first_walk", "first container's cold walk" },
	[OP_SECOND_WALK] = { "second_walk", "second container's cold walk" },
	[OP_SECOND_WALK_LINKED] = { "second_walk_linked", "  bare: names cold, inodes warm" },
	[OP_SECOND_WALK_DROPPED] = { "second_walk_dropped", "  bare: names and inodes cold" },
	[OP_WALK_AGAIN] = { "walk_again", "walk again" },
	[OP_STAT] = { "stat", "stat, warm" },
	[OP_ABSENT] = { "absent", "absent name again" },
	[OP_OPEN] = { "open", "open and close" },
	[OP_READ] = { "read", "pread 4 KiB" },
	[OP_WRITE] = { "write", "pwrite 4 KiB, upper" },
	[OP_CREATE] = { "create", "create" },
	[OP_UNLINK] = { "unlink", "unlink of a lower file" },
	[OP_CHMOD] = { "chmod", "chmod of a small lower file" },
	[OP_BIG_LIST] = { "big_list", "big directory listed again" },
	[OP_MOUNT] = { "mount", "mount and umount of one more" },
};

/* What disturbs a measurement, such as a journal's commit, only adds to it. */
static double least(const struct result *result)
{
	double ns = result->ns[0];
	int i;

	for (i = 1; i < result->nr; i++)
		if (result->ns[i] < ns)
			ns = result->ns[i];
	return result->nr ? ns : 0;
}

static void show_cell(const struct bench *b, int stack, enum kind kind, enum op op)
{
	double bare = least(&b->results[stack][KIND_BARE][op]);
	double ns = least(&b->results[stack][kind][op]);

	if (!ns)
		printf(" %10s", "-");
	else if (kind == KIND_BARE)
		printf(" %10.0f", ns);
	else if (bare)
		printf(" %10.2f", ns / bare);
	else
		printf(" %8.0fns", ns);
}

void report_table(const struct bench *b)
{
	int op, stack, kind;

	printf("\nbare: nanoseconds, on a clock that counts instructions, one each.\n");
	printf("overlay, layerfs: how many times that.\n");
	printf("A walk lists and stats %u entries; the least of %d each.\n\n",
	       tree_entries(), b->repeats);
	printf("%-30s %6s %10s %10s %10s\n", "", "layers", kind_names[0],
	       kind_names[1], kind_names[2]);
	for (op = 0; op < NR_OPS; op++) {
		for (stack = 0; stack < b->nr_stacks; stack++) {
			printf("%-30s %6d", stack ? "" : ops[op].title,
			       b->layers[stack]);
			for (kind = 0; kind < NR_KINDS; kind++)
				show_cell(b, stack, kind, op);
			printf("\n");
		}
	}
}

static void json_row(FILE *to, const struct bench *b, int stack, enum kind kind,
		     enum op op, const char *before)
{
	const struct result *result = &b->results[stack][kind][op];
	double bare = least(&b->results[stack][KIND_BARE][op]);
	int i;

	fprintf(to, "%s\n  {\"operation\": \"%s\", \"layers\": %d, ", before,
		ops[op].key, b->layers[stack]);
	fprintf(to, "\"filesystem\": \"%s\", \"ns\": %.1f, ", kind_names[kind],
		least(result));
	if (bare)
		fprintf(to, "\"ratio\": %.4f, ", least(result) / bare);
	else
		fprintf(to, "\"ratio\": null, ");
	fprintf(to, "\"samples\": [");
	for (i = 0; i < result->nr; i++)
		fprintf(to, "%s%.1f", i ? ", " : "", result->ns[i]);
	fprintf(to, "]}");
}

void report_json(const struct bench *b, const char *path)
{
	FILE *to = fopen(path, "we");
	const char *before = "";
	int op, stack, kind;

	if (!to)
		die("%s: %s", path, strerror(errno));
	fprintf(to, "{\"entries\": %u, \"repeats\": %d, \"results\": [",
		tree_entries(), b->repeats);
	for (op = 0; op < NR_OPS; op++) {
		for (stack = 0; stack < b->nr_stacks; stack++) {
			for (kind = 0; kind < NR_KINDS; kind++) {
				if (!b->results[stack][kind][op].nr)
					continue;
				json_row(to, b, stack, kind, op, before);
				before = ",";
			}
		}
	}
	fprintf(to, "\n]}\n");
	if (fclose(to))
		die("%s: %s", path, strerror(errno));
}
