// SPDX-License-Identifier: GPL-2.0-only
/*
 * What compare.h says: transcripts, written by children, compared by the test.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare.h"

#define MAX_NOTES	15

enum where where;
static FILE *out;

static const char *const dirs[] = { "plain", "mnt/low", "mnt/up" };

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	putc('\n', out);
}

long say_rc(const char *what, long rc, int err)
{
	if (rc == -1)
		say("%s: %s", what, strerrorname_np(err) ?: "no errno");
	else
		say("%s: %ld", what, rc);
	errno = err;
	return rc;
}

int say_fd(const char *what, int fd, int err)
{
	say("%s: %s", what, fd >= 0 ? "a descriptor" : strerrorname_np(err));
	errno = err;
	return fd;
}

void say_bytes(const char *what, const void *buf, size_t len)
{
	unsigned long long hash = 14695981039346656037ULL;
	const unsigned char *p = buf;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 1099511628211ULL;
	say("%s: %zu bytes, %016llx", what, len, hash);
}

static FILE *transcript(void (*op)(void), enum where w)
{
	FILE *f = fdopen(CHECK_SYS(memfd_create("transcript", MFD_CLOEXEC)), "w+");

	CHECK(f);
	IN_CHILD {
		where = w;
		out = f;
		/* Children of the op write to it, too. */
		setvbuf(out, NULL, _IOLBF, BUFSIZ);
		CHECK_SYS(chdir(dirs[w]));
		op();
		fflush(f);
	}
	rewind(f);
	return f;
}

/* How many lines differ; the lines come in one order. */
static int differing(FILE *plain, FILE *other, const char *name)
{
	char a[1024], b[1024];
	int count = 0;

	rewind(plain);
	for (int line = 1;; line++) {
		bool has_a = fgets(a, sizeof(a), plain), has_b = fgets(b, sizeof(b), other);

		if (!has_a && !has_b)
			return count;
		a[has_a ? strcspn(a, "\n") : 0] = '\0';
		b[has_b ? strcspn(b, "\n") : 0] = '\0';
		if (!strcmp(a, b))
			continue;
		if (count++ < MAX_NOTES)
			test_note("line %d: plain: %s\nline %d: %s: %s", line, a, line, name, b);
	}
}

static bool same_trees(void)
{
	const unsigned int flags = LIST_NLINK | LIST_OLD_MTIME | LIST_XATTR | LIST_NO_MARKS;
	struct listing plain, other;
	bool same = true;

	if (tree_list(dirs[PLAIN], flags, &plain))
		FAIL("%s", tree_error);
	for (enum where w = LOW; w <= UP; w++) {
		if (tree_list(dirs[w], flags, &other))
			FAIL("%s", tree_error);
		same &= listing_equal(&plain, dirs[PLAIN], &other, dirs[w], MAX_NOTES);
		listing_free(&other);
	}
	listing_free(&plain);
	return same;
}

static int differing_calls(void (*op)(void))
{
	FILE *plain = transcript(op, PLAIN);
	int diffs = 0;

	for (enum where w = LOW; w <= UP; w++) {
		FILE *other = transcript(op, w);

		diffs += differing(plain, other, dirs[w]);
		fclose(other);
	}
	fclose(plain);
	return diffs;
}

void compare_mounted(void (*op)(void))
{
	int diffs = differing_calls(op);
	bool same = same_trees();

	if (diffs || !same)
		FAIL("%d lines differ, the trees are %s", diffs, same ? "the same" : "not");
}

void compare_calls(void (*op)(void))
{
	int diffs = differing_calls(op);

	if (diffs)
		FAIL("%d lines differ", diffs);
}

void compare(void (*make)(void), void (*op)(void))
{
	static const char *const made[] = { "plain", "l1/low", "upper/up" };

	fx_dirs(1);
	for (int i = 0; i < 3; i++) {
		mk_dirs(made[i]);
		IN_CHILD {
			CHECK_SYS(chdir(made[i]));
			make();
		}
	}
	fx_mount(1);
	compare_mounted(op);
	fx_remount();
	if (!same_trees())
		FAIL("the trees are not the same after a remount");
}
