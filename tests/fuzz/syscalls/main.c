// SPDX-License-Identifier: GPL-2.0-only
/* Workers that run programs, and whoever watches over them. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define NR_LAST		8
#define PROGRAM_TIMEOUT	30
#define STUCK_AFTER	240
#define TREE_LIFE	20
#define TEXT_SIZE	2048

/* Shared by all processes. */
struct shared {
	struct program corpus[MAX_CORPUS];
	bool ready[MAX_CORPUS];
	unsigned int nr_corpus;
	bool pause, stop;
	struct worker {
		pid_t pid;
		bool idle;
		unsigned int programs, timeouts, last_seen;
		struct program last[NR_LAST];
	} worker[MAX_WORKERS];
};

static struct shared *shared;
static struct cover *cover;
static char scratch[256];
static const char *out_dir;
static unsigned int nr_workers = 4, seconds = 1200;
static uint64_t seed;

static const char usage[] =
	"Usage: syscalls [--seconds N] [--seed N] [--workers N] [--corpus FILE]\n"
	"       syscalls --replay FILE [--times N] [--workers N]\n"
	"Run random sequences of system calls on layerfs mounts below $LFS_SCRATCH, those\n"
	"that reach something new in the module again and again in other forms.  In the\n"
	"guest, on the debug kernel:\n"
	"    tests/vm/run --debug --out DIR -- build/tests/fuzz/syscalls\n"
	"With $LFS_OUT, the last programs of each worker are kept there as they start, so\n"
	"that they survive the guest, and the corpus at the end.\n"
	"  --seconds N    how long (default 1200)\n"
	"  --seed N       of all that is random (default: the time); with one worker the\n"
	"                 same programs in the same order\n"
	"  --workers N    processes at a time on the same mounts (default 4, at most 8)\n"
	"  --corpus FILE  programs to begin with\n"
	"  --replay FILE  run the programs of FILE and show what each call returns\n"
	"  --times N      how often (default 1)\n"
	"A program is lines of the form \"rename(3, 7, 1, 0, 0, 0, 0);\", ended by any other.\n"
	"The exit status is not 0 when the kernel reported a fault, a worker got stuck or\n"
	"the mounts did not go away.\n";

static void corpus_add(const struct program *p)
{
	unsigned int i = __atomic_fetch_add(&shared->nr_corpus, 1, __ATOMIC_RELAXED);

	if (i >= MAX_CORPUS) {
		__atomic_fetch_sub(&shared->nr_corpus, 1, __ATOMIC_RELAXED);
		return;
	}
	shared->corpus[i] = *p;
	__atomic_store_n(&shared->ready[i], true, __ATOMIC_RELEASE);
}

static const struct program *corpus_pick(struct rng *r)
{
	unsigned int nr = __atomic_load_n(&shared->nr_corpus, __ATOMIC_RELAXED), i;

	if (!nr)
		return NULL;
	i = rng_below(r, nr < MAX_CORPUS ? nr : MAX_CORPUS);
	return __atomic_load_n(&shared->ready[i], __ATOMIC_ACQUIRE) ? &shared->corpus[i] : NULL;
}

static void corpus_read(const char *name)
{
	FILE *f = fopen(name, "re");
	struct program p;

	if (!f) {
		perror(name);
		exit(2);
	}
	while (program_read(f, &p))
		corpus_add(&p);
	fclose(f);
}

static void corpus_write(void)
{
	char name[300], text[TEXT_SIZE];
	FILE *f;

	if (!out_dir)
		return;
	snprintf(name, sizeof(name), "%s/corpus.txt", out_dir);
	f = fopen(name, "we");
	for (unsigned int i = 0; f && i < shared->nr_corpus && i < MAX_CORPUS; i++) {
		program_print(&shared->corpus[i], text, sizeof(text));
		fprintf(f, "%s\n", text);
	}
	if (f)
		fclose(f);
}

/* What runs last must be known even if the machine is gone in a moment. */
static void note_program(int id, const struct program *p)
{
	struct worker *w = &shared->worker[id];
	char text[TEXT_SIZE];
	static int fd = -1;
	int len;

	w->last[w->programs % NR_LAST] = *p;
	if (!out_dir)
		return;
	if (fd < 0) {
		snprintf(text, sizeof(text), "%s/last-%d.txt", out_dir, id);
		fd = open(text, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	}
	len = program_print(p, text, sizeof(text) - 64);
	len += snprintf(text + len, sizeof(text) - len, "# program %u of worker %d\n", w->programs, id);
	memset(text + len, '\n', sizeof(text) - len);
	if (pwrite(fd, text, sizeof(text), w->programs % NR_LAST * sizeof(text)) < 0)
		perror("last program");
}

/* What a program does to its process ends with it. */
static bool run_in_child(const struct program *p, bool verbose)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGXFSZ, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		signal(SIGIO, SIG_IGN);
		alarm(PROGRAM_TIMEOUT);
		state_reset();
		cover_start();
		if (program_run(p, cover, verbose) && !verbose)
			corpus_add(p);
		cover_stop();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && verbose)
		printf("# killed by signal %d\n", WTERMSIG(status));
	return !WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM;
}

static void next_program(struct rng *r, struct program *p)
{
	const struct program *base = corpus_pick(r), *other = corpus_pick(r);

	if (!base || !other || !rng_below(r, 12)) {
		program_random(r, p);
		return;
	}
	*p = *base;
	program_mutate(r, p, other);
}

static void thaw(void)
{
	int fd = open(scratch, O_RDONLY | O_CLOEXEC);

	ioctl(fd, FITHAW, 0);
	close(fd);
}

static void work(int id)
{
	struct worker *w = &shared->worker[id];
	struct rng r = { (seed * MAX_WORKERS + id) * 0x9e3779b97f4a7c15ULL | 1 };
	struct program p;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!cover_open()) {
		perror("kcov");
		_exit(1);
	}
	while (!shared->stop) {
		if (shared->pause) {
			if (!w->idle && chdir("/"))
				_exit(1);
			w->idle = true;
			usleep(2000);
			continue;
		}
		if (w->idle && chdir(scratch))
			_exit(1);
		w->idle = false;
		next_program(&r, &p);
		note_program(id, &p);
		if (!run_in_child(&p, false)) {
			w->timeouts++;
			thaw();
		}
		w->programs++;
	}
	w->idle = true;
	_exit(0);
}

static int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	lseek(fd, 0, SEEK_END);
	return fd;
}

/* The runner judges the whole log; this is to name the programs at once. */
static bool kmsg_fault(int fd)
{
	static const char *const signs[] = {
		"BUG:", "KASAN", "UBSAN:", "WARNING:", "INFO: task", "INFO: trying",
		"general protection", "refcount_t:", "possible recursive", "possible circular",
		"suspicious RCU", "list_add corruption", "list_del corruption", "Oops",
	};
	char line[2048];
	ssize_t n;

	while ((n = read(fd, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = '\0';
		for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
			if (strstr(line, signs[i])) {
				printf("# the kernel says: %s", strchr(line, ';') ? strchr(line, ';') + 1 : line);
				return true;
			}
	}
	return false;
}

static void print_last(void)
{
	char text[TEXT_SIZE];

	for (unsigned int i = 0; i < nr_workers; i++) {
		const struct worker *w = &shared->worker[i];

		for (unsigned int n = 0; n < NR_LAST; n++) {
			const struct program *p = &w->last[(w->programs + 1 + n) % NR_LAST];

			if (!p->nr)
				continue;
			program_print(p, text, sizeof(text));
			printf("%s# worker %u, %u programs before its last\n", text, i, NR_LAST - 1 - n);
		}
	}
	fflush(stdout);
}

static bool wait_idle(void)
{
	for (int i = 0; i < STUCK_AFTER * 100; i++) {
		unsigned int idle = 0;

		for (unsigned int n = 0; n < nr_workers; n++)
			idle += shared->worker[n].idle;
		if (idle == nr_workers)
			return true;
		usleep(10000);
	}
	return false;
}

static void report(unsigned int since)
{
	unsigned int programs = 0, timeouts = 0, edges, pcs;

	for (unsigned int i = 0; i < nr_workers; i++) {
		programs += shared->worker[i].programs;
		timeouts += shared->worker[i].timeouts;
	}
	cover_counts(cover, &edges, &pcs);
	printf("# %u s: %u programs, %u edges, %u addresses, corpus of %u, %u timeouts\n", since,
	       programs, edges, pcs, shared->nr_corpus, timeouts);
	fflush(stdout);
}

static bool tree_new(uint64_t turn)
{
	/* Some are refused: layers of any kind may be no layers. */
	for (int i = 0; i < 20; i++) {
		if (tree_make(scratch, seed * 1000 + turn * 20 + i))
			return true;
		if (!tree_drop(scratch))
			return false;
	}
	return false;
}

/* Fail allocations that may sleep, too, when a program asks for it. */
static void fault_injection(void)
{
	static const char *const files[] = { "failslab/ignore-gfp-wait",
					     "fail_page_alloc/ignore-gfp-wait",
					     "failslab/verbose", "fail_page_alloc/verbose" };
	char path[128];
	int fd;

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", files[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, i < 2 ? "N" : "0", 1) != 1)
			printf("# %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

static const char *fuzz(void)
{
	time_t start = time(NULL), tree_since, reported = start;
	const char *failed = NULL;
	int kmsg = kmsg_open();
	uint64_t turn = 0;

	shared->pause = true;
	for (unsigned int i = 0; i < nr_workers; i++) {
		shared->worker[i].pid = fork();
		if (!shared->worker[i].pid)
			work(i);
	}
	while (!failed && time(NULL) - start < seconds) {
		if (!tree_new(turn++))
			return "no tree to work on";
		shared->pause = false;
		tree_since = time(NULL);
		while (!failed && time(NULL) - tree_since < TREE_LIFE &&
		       time(NULL) - start < seconds) {
			usleep(200000);
			if (kmsg_fault(kmsg))
				failed = "a fault in the kernel";
		}
		if (time(NULL) - reported >= 30) {
			reported = time(NULL);
			report(reported - start);
		}
		shared->pause = true;
		if (!wait_idle())
			failed = failed ?: "a worker is stuck";
		if (!tree_drop(scratch) && !failed)
			failed = "the tree does not go away";
		if (kmsg_fault(kmsg))
			failed = failed ?: "a fault in the kernel";
	}
	shared->stop = true;
	report(time(NULL) - start);
	if (failed)
		print_last();
	return failed;
}

static const char *replay(const char *name, unsigned int times)
{
	struct program p[64];
	FILE *f = fopen(name, "re");
	unsigned int nr = 0;

	if (!f)
		return strerror(errno);
	while (nr < 64 && program_read(f, &p[nr]))
		nr++;
	fclose(f);
	while (times--) {
		if (!tree_new(times))
			return "no tree to work on";
		for (unsigned int w = 0; w < nr_workers; w++) {
			if (fork())
				continue;
			for (unsigned int i = w; i < nr; i += nr_workers)
				run_in_child(&p[i], true);
			fflush(stdout);
			_exit(0);
		}
		while (wait(NULL) > 0)
			;
		if (!tree_drop(scratch))
			return "the tree does not go away";
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' }, { "seed", required_argument, NULL, 'S' },
		{ "workers", required_argument, NULL, 'w' }, { "replay", required_argument, NULL, 'r' },
		{ "times", required_argument, NULL, 't' }, { "corpus", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' }, {}
	};
	const char *replayed = NULL, *failed, *corpus = NULL;
	unsigned int times = 1;
	int opt;

	seed = time(NULL);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (opt) {
		case 's': seconds = atoi(optarg); break;
		case 'S': seed = strtoull(optarg, NULL, 0); break;
		case 'w': nr_workers = atoi(optarg); break;
		case 'r': replayed = optarg; break;
		case 't': times = atoi(optarg); break;
		case 'c': corpus = optarg; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (optind < argc || nr_workers < 1 || nr_workers > MAX_WORKERS || !getenv("LFS_SCRATCH")) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	out_dir = getenv("LFS_OUT");
	snprintf(scratch, sizeof(scratch), "%s/fuzz", getenv("LFS_SCRATCH"));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED || !cover_init(&cover)) {
		perror("memory");
		return 1;
	}
	umask(0);
	fault_injection();
	if (corpus)
		corpus_read(corpus);
	printf("# seed %llu, %u workers\n", (unsigned long long)seed, nr_workers);
	failed = replayed ? replay(replayed, times) : fuzz();
	if (!replayed) {
		cover_report(cover);
		corpus_write();
	}
	printf("%sok 1 - system calls%s%s\n", failed ? "not " : "", failed ? ": " : "", failed ?: "");
	printf("%d passed, %d failed\n", !failed, !!failed);
	return !!failed;
}
