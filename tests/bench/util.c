// SPDX-License-Identifier: GPL-2.0-only
/* What all that is measured needs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static void become(const char *dir, const char *root, const char *const argv[])
{
	/* Not to /dev/null: grep notices, and is content with one match. */
	int out = open("/tmp/bench-output", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (out < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	if (root && chroot(root))
		_exit(126);
	if (chdir(dir))
		_exit(126);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

/* A program in @dir, which is below @root if that is not NULL; returns how long it took. */
double run(const char *dir, const char *root, const char *const argv[])
{
	double start = now();
	pid_t child = fork();
	int status;

	must(child >= 0, "fork for", argv[0]);
	if (!child)
		become(dir, root, argv);
	must(waitpid(child, &status, 0) == child, "wait for", argv[0]);
	if (status)
		die("%s in %s%s ends with status %#x", argv[0], root ?: "", dir, status);
	return now() - start;
}
