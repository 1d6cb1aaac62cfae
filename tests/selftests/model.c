// SPDX-License-Identifier: GPL-2.0-only
/*
 * The random test: worlds, each in a process of its own, and the verdict.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "model.h"

#define SHRINK_SECONDS	120

struct shared *shared;
int model_job;

/* What the program was asked to do. */
static struct options opt = { .batch = 250, .links = true };
static unsigned long ops = WORLD_OPS;
static unsigned int shrink = SHRINK_SECONDS;
static int jobs = 1;
static bool seeded;

static unsigned char keep_only[WORLD_OPS + 1];

static void usage(FILE *f)
{
	fprintf(f,
"Usage: model [--seed N] [--ops N] [--batch N] [--watch N] [--no-links]\n"
"             [--differences] [--jobs N] [--shrink N] [--keep LIST] [--verbose] [--help]\n"
"Random operations on the filesystem under test and on a plain directory, which\n"
"must stay the same.  Without --seed one is drawn; it is printed in any case.\n"
"  --ops N        operations in all (default 10000).  After each 10000 they go on\n"
"                 in a new world: other layers, and the seed that follows\n"
"  --batch N      operations between two comparisons of everything (default 250);\n"
"                 what an operation named is compared at once\n"
"  --watch N      from operation N on, compare after each\n"
"  --no-links     no hard links within layers; and the upper becomes a layer now\n"
"                 and then\n"
"  --differences  count what is different by kind and go on.  With\n"
"                 LFS_FSTYPE=overlay its index and xino are on\n"
"  --jobs N       so many worlds at once (default 1)\n"
"  --shrink N     when a world fails, look so many seconds for a few of its\n"
"                 operations that do (default 120; 0: do not)\n"
"  --keep LIST    of a world, only these operations: numbers and ranges (1,5,7-9)\n"
"  --verbose      print each operation\n"
"LFS_FSTYPE and LFS_SCRATCH as for selftests.\n");
}

static void keep(const char *list)
{
	unsigned long from, to;
	char *end;

	memset(keep_only, 1, sizeof(keep_only));
	do {
		from = to = strtoul(list, &end, 10);
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from <= WORLD_OPS; from++)
			keep_only[from] = 0;
		list = end + 1;
	} while (*end == ',');
	opt.skip = keep_only;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void print_output(FILE *out)
{
	char line[1024];

	rewind(out);
	while (fgets(line, sizeof(line), out))
		printf("# %s", line);
}

/* One world; says what failed in it. */
static bool run_world(struct options *world, const char *self)
{
	FILE *out = tmpfile();
	int status;

	if (!out)
		FAIL("tmpfile: %s", strerror(errno));
	status = model_try(world, out);
	__atomic_add_fetch(&shared->done, shared->now[model_job], __ATOMIC_RELAXED);
	if (status || world->verbose)
		print_output(out);
	fclose(out);
	if (!status) {
		printf("# seed %llu passed\n", (unsigned long long)world->seed);
		fflush(stdout);
		return true;
	}
	printf("# repeat it by: %s --seed %llu --ops %lu%s\n", self,
	       (unsigned long long)world->seed, world->ops, world->links ? "" : " --no-links");
	fflush(stdout);
	if (shrink)
		model_shrink(world, shrink, self);
	return false;
}

/* Every world whose number leaves @model_job when divided by @jobs. */
static bool run_worlds(const char *self)
{
	unsigned long done = (unsigned long)model_job * WORLD_OPS;
	bool ok = true;

	for (; ok && !shared->failed && done < ops; done += (unsigned long)jobs * WORLD_OPS) {
		struct options world = opt;

		world.seed = opt.seed + done / WORLD_OPS;
		world.ops = ops - done < WORLD_OPS ? ops - done : WORLD_OPS;
		ok = run_world(&world, self);
	}
	return ok;
}

static void run_jobs(const char *self)
{
	int status;

	for (model_job = 0; model_job < jobs; model_job++) {
		if (CHECK_SYS(fork()))
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!run_worlds(self))
			shared->failed = true;
		fflush(stdout);
		_exit(0);
	}
	while (wait(&status) > 0)
		if (status)
			shared->failed = true;
}

static int run_as_test(const char *self)
{
	double start = seconds();
	bool ok;

	printf("TAP version 13\n1..1\n# seed %llu\n", (unsigned long long)opt.seed);
	fflush(stdout);
	run_jobs(self);
	ok = !shared->failed;
	if (opt.differences)
		print_kinds();
	printf("%s 1 - model.seed_%llu_%lu_operations\n", ok ? "ok" : "not ok",
	       (unsigned long long)opt.seed, ops);
	printf("# %lu operations in %.0f s\n", shared->done, seconds() - start);
	return ok ? 0 : 1;
}

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "ops", required_argument, NULL, 'o' },
	{ "batch", required_argument, NULL, 'b' },
	{ "watch", required_argument, NULL, 'w' },
	{ "no-links", no_argument, NULL, 'l' },
	{ "differences", no_argument, NULL, 'd' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "shrink", required_argument, NULL, 'S' },
	{ "keep", required_argument, NULL, 'k' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static bool parse(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "s:o:b:w:ldj:S:k:vh", long_options, NULL)) != -1) {
		switch (c) {
		case 's':
			opt.seed = strtoull(optarg, NULL, 0);
			seeded = true;
			break;
		case 'o':
			ops = strtoul(optarg, NULL, 0);
			break;
		case 'b':
			opt.batch = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			opt.watch = strtoul(optarg, NULL, 0);
			break;
		case 'l':
			opt.links = false;
			break;
		case 'd':
			opt.differences = true;
			break;
		case 'j':
			jobs = atoi(optarg);
			break;
		case 'S':
			shrink = strtoul(optarg, NULL, 0);
			break;
		case 'k':
			keep(optarg);
			break;
		case 'v':
			opt.verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			return false;
		}
	}
	return opt.batch && jobs >= 1 && jobs <= JOBS && optind == argc;
}

int main(int argc, char **argv)
{
	if (!parse(argc, argv)) {
		usage(stderr);
		return 2;
	}
	if (!seeded) {
		CHECK_EQ(getrandom(&opt.seed, sizeof(opt.seed), 0), sizeof(opt.seed));
		opt.seed &= 0xffffffff;
	}
	if (opt.differences)
		setenv("LFS_OVERLAY_OPTIONS",
		       "redirect_dir=on,index=on,xino=on,metacopy=off", 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		FAIL("mmap: %s", strerror(errno));
	return run_as_test(argv[0]);
}
