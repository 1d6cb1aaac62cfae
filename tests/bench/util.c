// SPDX-License-Identifier: GPL-2.0-only
/* What all that is measured needs. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

const char *const kind_names[NR_KINDS] = { "bare", "overlay", "layerfs" };

void die(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "bench: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

char *path_of(const char *fmt, ...)
{
	va_list args;
	char *path;

	va_start(args, fmt);
	if (vasprintf(&path, fmt, args) < 0)
		die("out of memory");
	va_end(args);
	return path;
}

void must(bool ok, const char *what, const char *path)
{
	if (!ok)
		die("%s %s: %s", what, path, strerror(errno));
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}
