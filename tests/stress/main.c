// SPDX-License-Identifier: GPL-2.0-only
/* The stress test: rounds of workers, a watchdog, a table of what was done. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../selftests/fixture.h"
#include "memcg.h"
#include "stress.h"
#include "world.h"

struct worker me;
struct shared *sh;

static const struct op *const families[] = {
	data_ops, io_ops, name_ops, dir_ops, attr_ops, private_ops, mount_ops,
	machine_ops,
};
static const struct op *ops[MAX_OPS];
static int nr_ops;

static const char *const squad_names[NR_SQUADS] = {
	"names", "data", "mixed", "private", "mounts", "machine",
};
/* The squad of worker i is that of i modulo this list's length. */
static const enum squad line_up[] = {
	SQ_NAMES, SQ_DATA, SQ_PRIVATE, SQ_MOUNTS, SQ_MIXED, SQ_MACHINE,
	SQ_NAMES, SQ_DATA, SQ_MIXED, SQ_NAMES, SQ_DATA, SQ_PRIVATE,
	SQ_MOUNTS, SQ_NAMES, SQ_DATA, SQ_MIXED,
};

static struct {
	unsigned int seconds, round, workers, stall;
	uint64_t seed;
	char *squads;
	int first_round;
} opt = { .seconds = 60, .round = 60, .workers = 32, .stall = 600 };

static const char usage[] =
"Usage: stress [OPTIONS]\n"
"Many processes do random operations on the same names in a few containers, in\n"
"rounds with new layers each.  Fails when a content, a name or an errno is not\n"
"what it can be, when a worker hangs, or when something is left at the end.\n"
"  --seconds N   for how long (60)\n"
"  --round N     seconds of a round (60)\n"
"  --first N     number of the first round, which draws its seed and kind (0)\n"
"  --workers N   processes (32)\n"
"  --squads LIST only those: names,data,mixed,private,mounts,machine\n"
"  --seed N      of the random numbers (drawn, and printed)\n"
"  --stall N     seconds after which an operation counts as hung (600)\n"
"Works in $LFS_SCRATCH (/mnt/scratch).\n";

void doing(const char *fmt, ...)
{
	va_list ap;

	if (!me.p)
		return;
	va_start(ap, fmt);
	vsnprintf(me.p->what, sizeof(me.p->what), fmt, ap);
	va_end(ap);
}

void stress_fail(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (me.p)
		printf("worker %d (%s), operation %ld, %s %s: %s\n", me.nr,
		       squad_names[me.squad], me.p->done, ops[me.p->op]->name,
		       me.p->what, text);
	else
		printf("%s\n", text);
	fflush(stdout);
	sh->failed = 1;
	sh->stop = 1;
	_exit(1);
}

/* --- workers --- */

/*
 * What comes where a box may be read-only or away at the moment.  And EROFS where
 * a symlink may lead out of it, but not for the squad whose every call succeeds.
 */
static bool may_fail(const struct op *op, int err)
{
	for (const short *e = op->errs; *e; e++)
		if (*e == err)
			return true;
	if (err == EROFS && me.squad != SQ_PRIVATE)
		return true;
	if (me.unstable && (err == EXDEV || err == ENOTEMPTY ||
			    err == EOPNOTSUPP || err == EBUSY))
		return true;
	return me.user && (err == EACCES || err == EPERM);
}

static void do_one(const struct op *op)
{
	int rc, err;

	me.unstable = false;
	me.p->what[0] = '\0';
	errno = 0;
	rc = op->fn();
	err = rc == -1 ? errno : 0;
	if (rc == SKIPPED)
		return;
	if (err < 0 || err >= MAX_ERR || (err && !may_fail(op, err)))
		stress_fail("%s", strerror(err));
	me.p->count[me.p->op][err]++;
}

static const struct op *draw_op(void)
{
	int total = 0, n;

	for (int i = 0; i < nr_ops; i++)
		total += ops[i]->weight[me.squad];
	n = rnd(total);
	for (me.p->op = 0; n >= ops[me.p->op]->weight[me.squad]; me.p->op++)
		n -= ops[me.p->op]->weight[me.squad];
	return ops[me.p->op];
}

static void become_user(void)
{
	me.user = true;
	if (setgid(1000) || setuid(1000))
		stress_fail("setuid: %s", strerror(errno));
}

static void worker(int nr, int round)
{
	me.nr = nr;
	me.p = &sh->w[nr];
	me.squad = line_up[nr % (sizeof(line_up) / sizeof(*line_up))];
	me.rng = (opt.seed + round) * 1000003 + nr * 7919 + 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 16; i++)
		rnd(2);
	if (me.squad == SQ_PRIVATE)
		private_init(nr);
	/* The others share the machine's memory, these have little of their own. */
	if (nr % 4 == 1)
		memcg_enter();
	if (me.squad == SQ_MIXED && nr % 16 == 15)
		become_user();
	while (!sh->stop) {
		do_one(draw_op());
		me.p->done++;
	}
	_exit(0);
}

static bool takes_part(int nr)
{
	enum squad squad = line_up[nr % (sizeof(line_up) / sizeof(*line_up))];
	const char *at;

	if (!opt.squads)
		return true;
	at = strstr(opt.squads, squad_names[squad]);
	return at != NULL;
}

static void start_workers(int round)
{
	fflush(stdout);
	for (unsigned int i = 0; i < opt.workers; i++) {
		struct progress *p = &sh->w[i];
		pid_t pid;

		p->done = 0;
		p->pid = 0;
		if (!takes_part(i))
			continue;
		pid = fork();
		if (!pid)
			worker(i, round);
		if (pid < 0)
			FAIL("fork: %s", strerror(errno));
		p->pid = pid;
	}
}

/* --- watching them --- */

static void thaw(void)
{
	int fd = open("up", O_RDONLY | O_DIRECTORY);

	if (fd >= 0) {
		ioctl(fd, FITHAW, 0);
		close(fd);
	}
}

static void show_blocked(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	for (unsigned int i = 0; i < opt.workers; i++)
		if (sh->w[i].pid)
			printf("worker %u (%d): %s %s\n", i, sh->w[i].pid,
			       ops[sh->w[i].op]->name, sh->w[i].what);
	fflush(stdout);
	if (fd < 0)
		return;
	if (write(fd, "w", 1) != 1 || write(fd, "d", 1) != 1)
		test_note("sysrq: %s", strerror(errno));
	close(fd);
}

static int alive(void)
{
	int n = 0, status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned int i = 0; i < opt.workers; i++) {
			if (sh->w[i].pid != pid)
				continue;
			sh->w[i].pid = 0;
			if (!status)
				continue;
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
				test_note("worker %u ended with status 0x%x in %s %s",
					  i, status, ops[sh->w[i].op]->name,
					  sh->w[i].what);
			sh->failed = 1;
			sh->stop = 1;
		}
	}
	for (unsigned int i = 0; i < opt.workers; i++)
		n += !!sh->w[i].pid;
	return n;
}

/* Until all have ended, which they do soon after @seconds; false: some hang. */
static bool watch(unsigned int seconds)
{
	static long done[MAX_WORKERS];
	static time_t since[MAX_WORKERS];
	time_t now = time(NULL), end = now + seconds;

	for (unsigned int i = 0; i < opt.workers; i++)
		since[i] = now;
	while (alive()) {
		usleep(200000);
		now = time(NULL);
		if (now >= end)
			sh->stop = 1;
		for (unsigned int i = 0; i < opt.workers; i++) {
			if (sh->w[i].done != done[i])
				since[i] = now;
			done[i] = sh->w[i].done;
			if (sh->w[i].pid && now - since[i] > opt.stall) {
				printf("worker %u hangs\n", i);
				show_blocked();
				return false;
			}
		}
	}
	return true;
}

/* --- the table --- */

static void print_table(void)
{
	unsigned long total = 0;

	printf("%-18s %9s %9s  failed with\n", "operation", "done", "ok");
	for (int i = 0; i < nr_ops; i++) {
		unsigned long sum[MAX_ERR] = {}, all = 0;

		for (int w = 0; w < MAX_WORKERS; w++)
			for (int e = 0; e < MAX_ERR; e++)
				sum[e] += sh->w[w].count[i][e];
		for (int e = 0; e < MAX_ERR; e++)
			all += sum[e];
		total += all;
		printf("%-18s %9lu %9lu ", ops[i]->name, all, sum[0]);
		for (int e = 1; e < MAX_ERR; e++)
			if (sum[e])
				printf(" %s %lu", strerrorname_np(e), sum[e]);
		putchar('\n');
	}
	printf("%-18s %9lu\n", "all", total);
	fflush(stdout);
}

static bool run_round(int round, unsigned int seconds)
{
	char dir[64];
	bool ok;

	snprintf(dir, sizeof(dir), "%s/stress.%d", scratch_dir(), round);
	mk_dir(dir);
	if (chdir(dir))
		FAIL("%s: %s", dir, strerror(errno));
	me.rng = (opt.seed + round) * 2654435761u + 1;
	for (int i = 0; i < 16; i++)
		rnd(2);
	sh->stop = 0;
	world_make(round, opt.workers);
	start_workers(round);
	ok = watch(seconds);
	thaw();
	if (!ok)
		return false;
	if (sh->failed)
		world_abandon();
	else
		ok = world_check();
	if (chdir("/"))
		FAIL("chdir: %s", strerror(errno));
	if (ok && !sh->failed)
		tree_remove(dir);
	return ok && !sh->failed;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 't' },
		{ "round", required_argument, NULL, 'r' },
		{ "first", required_argument, NULL, 'f' },
		{ "workers", required_argument, NULL, 'w' },
		{ "squads", required_argument, NULL, 'q' },
		{ "seed", required_argument, NULL, 's' },
		{ "stall", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c;

	opt.seed = time(NULL) ^ (uint64_t)getpid() << 20;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 't': opt.seconds = atoi(optarg); break;
		case 'r': opt.round = atoi(optarg); break;
		case 'f': opt.first_round = atoi(optarg); break;
		case 'w': opt.workers = atoi(optarg); break;
		case 'q': opt.squads = optarg; break;
		case 's': opt.seed = strtoull(optarg, NULL, 0); break;
		case 'b': opt.stall = atoi(optarg); break;
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (!opt.workers || opt.workers > MAX_WORKERS || !opt.round) {
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	time_t start = time(NULL), now;
	int round;
	bool ok = true;

	parse(argc, argv);
	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++)
		for (const struct op *op = families[f]; op->name; op++)
			ops[nr_ops++] = op;
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		  -1, 0);
	if (sh == MAP_FAILED)
		FAIL("mmap: %s", strerror(errno));
	umask(0);
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	memcg_make();
	test_note("seed %llu, %u workers, %u seconds", (unsigned long long)opt.seed,
		  opt.workers, opt.seconds);
	for (round = opt.first_round; ok; round++) {
		unsigned int left = start + opt.seconds - (now = time(NULL));

		if (now >= start + opt.seconds)
			break;
		ok = run_round(round, left < opt.round ? left : opt.round);
		test_note("round %d: %s, after %ld s", round, ok ? "clean" : "FAILED",
			  (long)(time(NULL) - start));
	}
	memcg_report();
	print_table();
	test_note("%s: %d rounds, %ld seconds", ok ? "clean" : "FAILED",
		  round - opt.first_round, (long)(time(NULL) - start));
	return !ok;
}
