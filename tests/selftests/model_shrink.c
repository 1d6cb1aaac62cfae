// SPDX-License-Identifier: GPL-2.0-only
/*
 * A world that fails, made small: first the operation after which it shows, then
 * chunks of what came before are left out, as long as it still fails.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "model.h"

#define WINDOW		1000	/* a difference shows within so many operations */

/**
 * model_try - run a world in a child
 * @opt: how
 * @out: gets what it prints
 *
 * Return: 0 if it passed.
 */
int model_try(const struct options *opt, FILE *out)
{
	static int serial;
	char dir[PATH_MAX];
	int status;
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/model.%d.%d", scratch_dir(), getpid(), serial++);
	fflush(stdout);
	pid = CHECK_SYS(fork());
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(out), STDERR_FILENO);
		CHECK_SYS(mkdir(dir, 0755));
		CHECK_SYS(chdir(dir));
		world_run(opt);
		fflush(stdout);
		_exit(0);
	}
	CHECK_SYS(waitpid(pid, &status, 0));
	tree_remove(dir);
	if (WIFSIGNALED(status))
		fprintf(out, "killed by signal %d in operation %lu\n",
			WTERMSIG(status), shared->now[model_job]);
	return status;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Whether it fails; if so, opt->ops is where. */
static bool still_fails(struct options *opt)
{
	FILE *out = tmpfile();
	bool fails = model_try(opt, out);

	fclose(out);
	if (fails && shared->now[model_job] && shared->now[model_job] < opt->ops)
		opt->ops = shared->now[model_job];
	return fails;
}

static void print_replay(const struct options *opt, const char *self)
{
	unsigned long from = 0, kept = 0;

	for (unsigned long i = 1; i <= opt->ops; i++)
		kept += !opt->skip[i];
	printf("# it takes %lu operations to fail:\n# %s --seed %llu --ops %lu --watch 1%s",
	       kept, self, (unsigned long long)opt->seed, opt->ops,
	       opt->links ? "" : " --no-links");
	printf(" --verbose --keep ");
	for (unsigned long i = 1; i <= opt->ops + 1; i++) {
		bool keep = i <= opt->ops && !opt->skip[i];

		if (keep && !from)
			from = i;
		if (keep || !from)
			continue;
		if (from == i - 1)
			printf("%lu,", from);
		else
			printf("%lu-%lu,", from, i - 1);
		from = 0;
	}
	printf("0\n");
}

static void leave_out(struct options *opt, unsigned char *skip, time_t end)
{
	unsigned char *saved = malloc(opt->ops + 2);
	size_t room = opt->ops + 2;
	struct options try;

	for (unsigned long chunk = (opt->ops + 1) / 2; chunk; chunk /= 2) {
		for (unsigned long at = 1; at <= opt->ops && now() < end; at += chunk) {
			unsigned long n = opt->ops + 1 - at;

			n = n < chunk ? n : chunk;
			if (memchr(skip + at, 0, n) == NULL)
				continue;
			memcpy(saved, skip, room);
			memset(skip + at, 1, n);
			try = *opt;
			if (still_fails(&try))
				*opt = try;
			else
				memcpy(skip, saved, room);
		}
	}
	free(saved);
}

/**
 * model_shrink - look for few operations that make a world fail, and print them
 * @opt: the world, which has failed; changed
 * @seconds: to look for them
 * @self: the program's name
 */
void model_shrink(struct options *opt, unsigned int seconds, const char *self)
{
	unsigned char *skip = calloc(1, WORLD_OPS + 3);
	time_t end = now() + seconds;

	if (opt->skip)
		memcpy(skip, opt->skip, opt->ops + 1);
	opt->skip = skip;
	opt->verbose = false;
	if (!still_fails(opt)) {
		printf("# it does not fail when repeated\n");
		return;
	}
	/* Where it shows first; then one comparison, at the end, is enough. */
	opt->watch = opt->ops > WINDOW ? opt->ops - WINDOW : 1;
	if (opt->ops % opt->batch || still_fails(opt)) {
		opt->watch = opt->ops;
		opt->batch = WORLD_OPS + 1;
		leave_out(opt, skip, end);
	}
	print_replay(opt, self);
}
