// SPDX-License-Identifier: GPL-2.0-only
/*
 * A probe: what it finds out it says to the process that asks.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "probe.h"

static int said;

void probe_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(said, fmt, ap);
	va_end(ap);
}

/* As pid 1: what it leaves running ends with it. */
static void run_there(void (*fn)(const void *arg), const void *arg, const char *dir)
{
	CHECK_SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_SYS(mount("proc", "/proc", "proc", 0, NULL));
	CHECK_SYS(chdir(dir));
	fn(arg);
	fflush(stdout);
	_exit(0);
}

static void run_alone(void (*fn)(const void *arg), const void *arg, const char *dir)
{
	int status;
	pid_t pid;

	dup2(STDERR_FILENO, STDOUT_FILENO);
	CHECK_SYS(unshare(CLONE_NEWNS | CLONE_NEWPID));
	pid = CHECK_SYS(fork());
	if (!pid)
		run_there(fn, arg, dir);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	_exit(status != 0);
}

void probe_run(void (*fn)(const void *arg), const void *arg, char *text, size_t size)
{
	int status, p[2];
	size_t len = 0;
	char dir[64];
	ssize_t n;
	pid_t pid;

	snprintf(dir, sizeof(dir), "probe.%d", getpid());
	mk_dir(dir);
	CHECK_SYS(pipe2(p, O_CLOEXEC));
	fflush(stdout);
	pid = CHECK_SYS(fork());
	if (!pid) {
		said = p[1];
		run_alone(fn, arg, dir);
	}
	close(p[1]);
	while (len < size - 1 && (n = read(p[0], text + len, size - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	close(p[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (status || !len)
		snprintf(text, size, "FAILED");
	/* What a probe has made immutable it has changed back. */
	tree_remove(dir);
}
