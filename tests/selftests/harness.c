// SPDX-License-Identifier: GPL-2.0-only
/*
 * Assertions, notes and child processes: what a test calls.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"

void test_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;

	printf("%s:%d: ", base ? base + 1 : file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_exit(1);
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	printf("SKIP ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_exit(EXIT_SKIP);
}

void check_eq(const char *file, int line, const char *what, long long got,
	      long long want)
{
	if (got != want)
		test_fail(file, line, "%s: got %lld (0x%llx), want %lld (0x%llx)",
			  what, got, got, want, want);
}

void check_str(const char *file, int line, const char *what, const char *got,
	       const char *want)
{
	if (!got || strcmp(got, want))
		test_fail(file, line, "%s: got \"%.300s\", want \"%.300s\"", what,
			  got ? got : "(null)", want);
}

void check_err(const char *file, int line, const char *what, long rc, int err,
	       int want)
{
	if (rc != -1)
		test_fail(file, line, "%s: succeeded (%ld), want %s", what, rc,
			  strerrorname_np(want));
	if (err != want)
		test_fail(file, line, "%s: got %s, want %s", what,
			  strerrorname_np(err), strerrorname_np(want));
}

bool on_overlay(void)
{
	return !strcmp(fs_type(), "overlay");
}

pid_t spawn(void (*fn)(void *arg), void *arg)
{
	pid_t pid = CHECK_SYS(fork());

	if (!pid) {
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	return pid;
}

void reap_at(pid_t pid, const char *file, int line)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			test_fail(file, line, "waitpid: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
		_exit(EXIT_SKIP);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		test_fail(file, line, "the child ended with status 0x%x", status);
}

int child_begin(uid_t uid, const char *file, int line)
{
	pid_t pid;

	fflush(stdout);
	pid = CHECK_SYS(fork());
	if (pid) {
		reap_at(pid, file, line);
		return 0;
	}
	if (uid) {
		CHECK_SYS(setgroups(0, NULL));
		CHECK_SYS(setresgid(uid, uid, uid));
		CHECK_SYS(setresuid(uid, uid, uid));
	}
	return 1;
}

void child_end(void)
{
	fflush(stdout);
	_exit(0);
}
