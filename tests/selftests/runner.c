// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the registered tests, several at a time, and reports in TAP.
 */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"

#define MAX_JOBS	16
#define KILL_GRACE	60

/* A test under way. */
struct job {
	struct test *test;
	pid_t pid;
	int pidfd;
	int out;
	double start;
	double deadline;
	char dir[128];
};

static struct test *tests, **tests_tail = &tests;
static struct job jobs[MAX_JOBS];
static int max_jobs, running, number, passed, failed, skipped;
static bool verbose;

void test_register(struct test *t)
{
	*tests_tail = t;
	tests_tail = &t->next;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* In the new process: its own world, then the test. */
static void run_child(struct job *job)
{
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	dup2(job->out, STDOUT_FILENO);
	dup2(job->out, STDERR_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CHECK_SYS(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_SYS(mount("proc", "/proc", "proc", 0, NULL));
	CHECK_SYS(mkdir(job->dir, 0755));
	CHECK_SYS(chdir(job->dir));
	umask(022);
	job->test->fn();
	fx_finish();
	fflush(stdout);
	_exit(0);
}

static void start(struct test *t)
{
	struct job *job = jobs;
	static int serial;

	while (job->test)
		job++;
	*job = (struct job){ .test = t, .start = now() };
	job->deadline = job->start + t->timeout;
	snprintf(job->dir, sizeof(job->dir), "%s/t%d.%d", scratch_dir(), getpid(),
		 serial++);
	job->out = memfd_create("output", MFD_CLOEXEC);
	fflush(stdout);
	job->pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0,
			   0);
	if (job->pid < 0) {
		perror("clone");
		exit(2);
	}
	if (!job->pid)
		run_child(job);
	job->pidfd = syscall(SYS_pidfd_open, job->pid, 0);
	running++;
}

/* The test's own lines, as TAP comments; the reason alone for a skipped one. */
static void print_output(struct job *job, bool skip)
{
	FILE *f = fdopen(job->out, "r");
	char line[1024];

	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (skip && !strncmp(line, "SKIP ", 5)) {
			printf(" # %s", line);
			break;
		}
		if (!skip)
			printf("# %s\n", line);
	}
	if (skip)
		putchar('\n');
	fclose(f);
}

static void report(struct job *job, int status, const char *hung)
{
	bool ok = !hung && WIFEXITED(status) && !WEXITSTATUS(status);
	bool skip = !hung && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP;
	double secs = now() - job->start;

	number++;
	printf("%s %d - %s", ok || skip ? "ok" : "not ok", number,
	       job->test->name);
	if (skip) {
		skipped++;
		print_output(job, true);
	} else {
		putchar('\n');
		if (!ok || verbose)
			print_output(job, false);
		else
			close(job->out);
		if (hung)
			printf("# %s\n", hung);
		else if (!ok && WIFSIGNALED(status))
			printf("# killed by signal %d\n", WTERMSIG(status));
		if (secs > 10 || verbose)
			printf("# took %.1f s\n", secs);
		if (ok)
			passed++;
		else
			failed++;
	}
	fflush(stdout);
}

static void finish(struct job *job, int status, const char *hung)
{
	report(job, status, hung);
	tree_remove(job->dir);
	close(job->pidfd);
	job->test = NULL;
	running--;
}

/* What a task that even SIGKILL does not end waits for. */
static void print_stack(pid_t pid)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		printf("# %s", line);
	if (f)
		fclose(f);
}

static void end_hung(struct job *job)
{
	struct pollfd pfd = { .fd = job->pidfd, .events = POLLIN };
	char text[96];
	int status = 0;

	printf("# %s: still running after %u s\n", job->test->name,
	       job->test->timeout);
	print_stack(job->pid);
	kill(job->pid, SIGKILL);
	if (poll(&pfd, 1, KILL_GRACE * 1000) == 1) {
		waitpid(job->pid, &status, 0);
		snprintf(text, sizeof(text), "timeout after %u s",
			 job->test->timeout);
	} else {
		snprintf(text, sizeof(text), "hung in the kernel, does not die");
		print_stack(job->pid);
	}
	finish(job, status, text);
}

/* Waits until one test at least has ended. */
static void wait_one(void)
{
	struct pollfd pfd[MAX_JOBS];
	int n = 0, which[MAX_JOBS], status;
	double wait = 3600;

	for (int i = 0; i < MAX_JOBS; i++) {
		if (!jobs[i].test)
			continue;
		if (jobs[i].deadline - now() < wait)
			wait = jobs[i].deadline - now();
		which[n] = i;
		pfd[n++] = (struct pollfd){ jobs[i].pidfd, POLLIN, 0 };
	}
	poll(pfd, n, wait > 0 ? (int)(wait * 1000) + 1 : 0);
	for (int i = 0; i < n; i++) {
		struct job *job = &jobs[which[i]];

		if (pfd[i].revents) {
			waitpid(job->pid, &status, 0);
			finish(job, status, NULL);
		} else if (now() > job->deadline) {
			end_hung(job);
		}
	}
}

static bool selected(const struct test *t, char **filters)
{
	if (!*filters)
		return true;
	for (; *filters; filters++)
		if (!fnmatch(*filters, t->name, 0) ||
		    (!strncmp(*filters, t->name, strlen(*filters)) &&
		     t->name[strlen(*filters)] == '.'))
			return true;
	return false;
}

/* The number of tests run. */
static int run_all(char **filters)
{
	struct test *t;
	int count = 0;

	for (t = tests; t; t = t->next)
		count += selected(t, filters);
	printf("TAP version 13\n1..%d\n", count);
	for (int alone = 0; alone < 2; alone++) {
		for (t = tests; t; t = t->next) {
			if (!selected(t, filters) || t->alone != alone)
				continue;
			while (running >= (alone ? 1 : max_jobs))
				wait_one();
			start(t);
		}
		while (running)
			wait_one();
	}
	return count;
}

static void usage(FILE *f)
{
	fprintf(f,
"Usage: selftests [--list] [--jobs N] [--verbose] [--help] [FILTER...]\n"
"Runs the tests whose name matches a FILTER (theme, or pattern such as\n"
"'copyup.*'), all without one, and reports in TAP.\n"
"  LFS_SLOW     if set, smaller amounts in tests that would take minutes\n"
"  LFS_FSTYPE   the filesystem under test: layerfs (default) or overlay\n"
"  LFS_SCRATCH  directory to work in (default /mnt/scratch)\n"
"Exit status: 0 all passed, 1 some failed, 2 cannot run.\n");
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	max_jobs = sysconf(_SC_NPROCESSORS_ONLN);
	while ((c = getopt_long(argc, argv, "lj:vh", opts, NULL)) != -1) {
		switch (c) {
		case 'l':
			for (struct test *t = tests; t; t = t->next)
				puts(t->name);
			return 0;
		case 'j':
			max_jobs = atoi(optarg);
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (max_jobs < 1)
		max_jobs = 1;
	if (max_jobs > MAX_JOBS)
		max_jobs = MAX_JOBS;
	if (access(scratch_dir(), W_OK)) {
		fprintf(stderr, "selftests: LFS_SCRATCH: %s: %s\n", scratch_dir(),
			strerror(errno));
		return 2;
	}
	if (!run_all(argv + optind)) {
		fprintf(stderr, "selftests: no test matches\n");
		return 2;
	}
	printf("# %d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed ? 1 : 0;
}
