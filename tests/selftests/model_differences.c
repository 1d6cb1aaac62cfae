// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a difference: the end of the run, or a count of its kind.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "model.h"

#define NOTES_MAX	20
#define KNOWN		1024

static void count_kind(const char *kind, const char *example)
{
	struct kind *k = shared->kind;

	while (__atomic_test_and_set(&shared->lock, __ATOMIC_ACQUIRE))
		;
	while (k < shared->kind + KINDS - 1 && k->name[0] && strcmp(k->name, kind))
		k++;
	if (!k->name[0]) {
		snprintf(k->name, sizeof(k->name), "%s", kind);
		snprintf(k->example, sizeof(k->example), "%s", example);
	}
	k->count++;
	__atomic_clear(&shared->lock, __ATOMIC_RELEASE);
}

/*
 * What stays different although the plain side was made anew, such as a link count,
 * is counted once in a world.
 */
static bool is_known(const char *kind, const char *text)
{
	static uint64_t known[KNOWN];
	static unsigned int nr;
	uint64_t h = 0;

	if (strncmp(kind, "tree", 4) && strncmp(kind, "listing", 7))
		return false;
	for (; *text; text++)
		h = mix(h + (unsigned char)*text);
	for (unsigned int i = 0; i < nr && i < KNOWN; i++)
		if (known[i] == h)
			return true;
	known[nr++ % KNOWN] = h;
	return false;
}

/**
 * model_differs - note a difference
 * @m: the world; who drives it looks at m->differences
 * @kind: what sort of difference: the same words for the same sort
 * @fmt: this very one
 */
void model_differs(struct model *m, const char *kind, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (m->opt->differences && is_known(kind, text))
		return;
	m->differences++;
	if (m->opt->differences) {
		if (len < (int)sizeof(text))
			snprintf(text + len, sizeof(text) - len,
				 " (seed %llu, operation %lu: %s)",
				 (unsigned long long)m->opt->seed,
				 shared->now[model_job], m->desc);
		count_kind(kind, text);
	} else if (m->differences <= NOTES_MAX) {
		test_note("%s: %s", kind, text);
	}
}

static const char *outcome(long rc, int err)
{
	return rc == -1 && err ? strerrorname_np(err) : "success";
}

/**
 * model_result - compare what the last operation said
 * @m: the world
 */
void model_result(struct model *m)
{
	char kind[96];

	/* Filesystems differ in which of the two they say of a full directory. */
	for (int r = 0; r < 2; r++)
		if (m->err[r] == EEXIST)
			m->err[r] = ENOTEMPTY;
	if (m->rc[0] == m->rc[1] && m->err[0] == m->err[1] && m->data[0] == m->data[1])
		return;
	if (m->err[0] != m->err[1])
		snprintf(kind, sizeof(kind), "%s: %s for %s", m->op,
			 outcome(m->rc[0], m->err[0]), outcome(m->rc[1], m->err[1]));
	else
		snprintf(kind, sizeof(kind), "%s: another %s", m->op,
			 m->rc[0] != m->rc[1] ? "result" : "content");
	model_differs(m, kind, "%s: subject %ld %s (data %llx), plain %ld %s (data %llx)",
		      m->desc, m->rc[0], outcome(m->rc[0], m->err[0]),
		      (unsigned long long)m->data[0], m->rc[1],
		      outcome(m->rc[1], m->err[1]), (unsigned long long)m->data[1]);
}

static int by_count(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

/**
 * print_kinds - the differences that were counted, most frequent first
 */
void print_kinds(void)
{
	qsort(shared->kind, KINDS, sizeof(struct kind), by_count);
	for (struct kind *k = shared->kind; k < shared->kind + KINDS && k->count; k++)
		printf("# %6lu  %s\n#         %s\n", k->count, k->name, k->example);
}
