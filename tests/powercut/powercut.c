// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power cuts for any workload: records what a command writes to a disk, then
 * shows another command the disk as a power cut may have left it, again and
 * again.  To be run in a guest; --help has an example.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "replay.h"

#define NAME		"powercut"
#define SIZE_MARK	"powercut-size="
#define MAX_COUNTS	32

static const char usage_text[] =
"Usage: powercut record [OPTIONS] DIR -- COMMAND [ARGUMENTS...]\n"
"       powercut mark TEXT\n"
"       powercut check [OPTIONS] DIR -- COMMAND [ARGUMENTS...]\n"
"\n"
"record: run COMMAND with an empty disk, and write down all that it writes there.\n"
"It finds the disk's name in $PC_DEV, makes a filesystem, mounts it, works and\n"
"unmounts.  What it does with `powercut mark TEXT` (no blanks in TEXT) is in the\n"
"record, too: \"start\" says from where on the power may be cut; others, set after\n"
"an fsync or the like, say what can be relied on.  The record is DIR/log.\n"
"  --size MIB       size of the disk (default: 300)\n"
"  --log-size MIB   the most that is written in all (default: 4096); sparse\n"
"\n"
"check: cut the power at many points: make the disk as it may have been then\n"
"(what was flushed, and any part of what was written since), mount it, which\n"
"recovers it, and run COMMAND, which fails if something is wrong.  It has\n"
"  $PC_DEV, $PC_MNT  the disk, and where it is mounted\n"
"  $PC_LAST          the last mark before the cut\n"
"  $PC_MARKS         a file with all marks before the cut, one a line\n"
"  $PC_POINT         the number of the cut\n"
"  $PC_COUNTS        a file to which lines \"NAME NUMBER\" can be added: they are\n"
"                    summed up over all cuts and shown at the end\n"
"COMMAND must unmount what it mounts itself.\n"
"  --fs TYPE        type of the filesystem (needed)\n"
"  --mount OPTIONS  for mounting it\n"
"  --points N       how many cuts (default: 100)\n"
"  --only P         only the cut with this number, of N\n"
"  --seed S         which cuts (default: 1)\n"
"  --fsck N         check the filesystem after each Nth cut (default: 20; 0: never)\n"
"  --max-failures N give up after so many (default: 10)\n"
"The last line is \"N passed, N failed\".\n"
"\n"
"DIR must exist and should be on a tmpfs with room for the disk twice and the\n"
"log.  A checker that looks for nothing but the last thing promised:\n"
"  powercut record /tmp/d -- sh -ec 'mkfs.ext4 -q $PC_DEV; mount $PC_DEV /mnt/x\n"
"      powercut mark start; for i in 1 2 3; do\n"
"      echo $i >/mnt/x/f; sync; powercut mark $i; done; umount /mnt/x'\n"
"  powercut check --fs ext4 /tmp/d -- sh -c\n"
"      '[ $PC_LAST = start ] || [ $(cat $PC_MNT/f) -ge $PC_LAST ]'\n";

struct options {
	const char *dir;
	uint64_t size;
	uint64_t log_size;
	const char *fs;
	const char *mount;
	long points;
	long only;
	uint64_t seed;
	long fsck;
	long max_failures;
};

struct count {
	char name[64];
	long long sum;
};

static struct count counts[MAX_COUNTS];

__attribute__((format(printf, 3, 4)))
static char *path_in(const struct options *o, char *buf, const char *fmt, ...)
{
	int n = snprintf(buf, PATH_MAX, "%s/", o->dir);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, PATH_MAX - n, fmt, ap);
	va_end(ap);
	return buf;
}

/* The command's exit status, or 128 and the signal that killed it. */
static int run(char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(2, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void need_modules(void)
{
	run((char *[]){ "/sbin/modprobe", "-qa", "loop", "dm-mod", "dm-log-writes",
			"dm-snapshot", NULL });
}

static void make_file(const char *file, uint64_t size)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, size) || close(fd))
		err(2, "%s", file);
}

static int cmd_record(struct options *o, char *const argv[])
{
	char disk[PATH_MAX], log[PATH_MAX], disk_dev[64], log_dev[64], dev[64], text[192];
	int status, ret;

	need_modules();
	make_file(path_in(o, disk, "disk"), o->size);
	make_file(path_in(o, log, "log"), o->log_size);
	loop_attach(disk, disk_dev, sizeof(disk_dev));
	loop_attach(log, log_dev, sizeof(log_dev));
	snprintf(text, sizeof(text), "%s %s", disk_dev, log_dev);
	dm_create(NAME, o->size / 512, "log-writes", text, dev, sizeof(dev));
	setenv("PC_DEV", dev, 1);
	setenv(PC_NAME_ENV, NAME, 1);
	snprintf(text, sizeof(text), SIZE_MARK "%llu", (unsigned long long)o->size);
	ret = mark(text);
	if (ret)
		errx(2, "mark: %s", strerror(-ret));
	status = run(argv);
	if (status)
		warnx("%s failed with status %d", argv[0], status);
	dm_remove(NAME);
	loop_detach(log_dev);
	loop_detach(disk_dev);
	unlink(disk);
	return status ? 1 : 0;
}

static uint64_t recorded_size(const struct log *log)
{
	const struct entry *e = log->v;

	if (!log->nr || !(e->flags & LOG_MARK) ||
	    strncmp(e->data, SIZE_MARK, strlen(SIZE_MARK)))
		errx(2, "the log was not made by powercut record");
	return strtoull(e->data + strlen(SIZE_MARK), NULL, 10);
}

static void add_count(const char *name, long long n)
{
	struct count *c;

	for (c = counts; c < counts + MAX_COUNTS && c->name[0]; c++) {
		if (!strcmp(c->name, name))
			break;
	}
	if (c == counts + MAX_COUNTS)
		errx(2, "too many kinds of counts");
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->sum += n;
}

static void read_counts(const char *file)
{
	FILE *f = fopen(file, "r");
	char name[64];
	long long n;

	while (f && fscanf(f, "%63s %lld", name, &n) == 2)
		add_count(name, n);
	if (f)
		fclose(f);
}

static void write_marks(const struct log *log, size_t until, const char *file)
{
	FILE *f = fopen(file, "w");
	const char *last = "";
	size_t i;

	if (!f)
		err(2, "%s", file);
	for (i = 0; i < until; i++) {
		if (log->v[i].flags & LOG_MARK) {
			last = log->v[i].data;
			fprintf(f, "%s\n", last);
		}
	}
	if (fclose(f))
		err(2, "%s", file);
	setenv("PC_LAST", last, 1);
}

static int fsck(const char *fs, const char *dev)
{
	char *cmd[] = { "sh", "-c", NULL, "fsck", (char *)dev, NULL };

	if (!strcmp(fs, "ext4"))
		cmd[2] = "out=$(e2fsck -fn $1 2>&1) || { echo \"$out\" >&2; exit 1; }";
	else if (!strcmp(fs, "xfs"))
		cmd[2] = "out=$(xfs_repair -n $1 2>&1) || { echo \"$out\" >&2; exit 1; }";
	else if (!strcmp(fs, "btrfs"))
		cmd[2] = "out=$(btrfs check --readonly $1 2>&1) || { echo \"$out\" >&2; exit 1; }";
	else
		return 0;
	return run(cmd);
}

/* Mount the disk, let the command look at it, unmount it; what went wrong, or NULL. */
static const char *try_mounted(const struct options *o, const char *dev, const char *mnt,
			       char *const argv[])
{
	static char why[256];
	int status;

	if (mount(dev, mnt, o->fs, MS_NOATIME, o->mount)) {
		snprintf(why, sizeof(why), "mount: %s", strerror(errno));
		return why;
	}
	status = run(argv);
	snprintf(why, sizeof(why), "%s: status %d", argv[0], status);
	if (umount(mnt)) {
		snprintf(why, sizeof(why), "status %d, then umount: %s", status, strerror(errno));
		umount2(mnt, MNT_DETACH);
		return why;
	}
	return status ? why : NULL;
}

/* What is written to it goes to a file of its own, so that the image stays what it is. */
static void snapshot_make(const struct options *o, uint64_t size, const char *image_dev,
			  char *cow_dev, char *dev)
{
	char cow[PATH_MAX], params[192];

	make_file(path_in(o, cow, "changes"), size);
	loop_attach(cow, cow_dev, 64);
	snprintf(params, sizeof(params), "%s %s N 8", image_dev, cow_dev);
	dm_create(NAME, size / 512, "snapshot", params, dev, 64);
}

static const char *try_cut(const struct options *o, long point, uint64_t size,
			   const char *image_dev, char *const argv[])
{
	char mnt[PATH_MAX], counts_file[PATH_MAX], number[32], cow_dev[64], dev[64];
	const char *why;

	snapshot_make(o, size, image_dev, cow_dev, dev);
	snprintf(number, sizeof(number), "%ld", point);
	setenv("PC_POINT", number, 1);
	setenv("PC_DEV", dev, 1);
	setenv("PC_MNT", path_in(o, mnt, "mnt"), 1);
	setenv("PC_COUNTS", path_in(o, counts_file, "counts"), 1);
	unlink(counts_file);
	why = try_mounted(o, dev, mnt, argv);
	read_counts(counts_file);
	if (!why && o->fsck && point % o->fsck == 0 && fsck(o->fs, dev))
		why = "fsck found errors";
	dm_remove(NAME);
	loop_detach(cow_dev);
	return why;
}

static void report(const struct options *o, const struct log *log, const struct cut *cut,
		   long point, const char *why)
{
	printf("not ok: point %ld of %ld, seed %llu: %s\n", point, o->points,
	       (unsigned long long)o->seed, why);
	printf("  cut at entry %zu of %zu (%s), keeping %s of the cache, after mark %s\n",
	       cut->at, log->nr, log->v[cut->at].flags & LOG_FLUSH ? "flush" : "FUA",
	       keep_names[cut->keep], getenv("PC_LAST"));
	fflush(stdout);
}

static void print_figures(const struct options *o, const struct log *log, long points,
			  const struct replayed *sum)
{
	size_t i, marks = 0, writes = 0, flushes = 0;

	for (i = 0; i < log->nr; i++) {
		const struct entry *e = &log->v[i];

		if (e->flags & LOG_MARK)
			marks++;
		else if (e->flags & LOG_FLUSH)
			flushes++;
		else
			writes++;
	}
	printf("%s: points %ld, log: marks %zu, writes %zu, flushes %zu; writes in the cache at the cuts %zu, of which kept %zu",
	       o->fs, points, marks, writes, flushes, sum->cached, sum->kept);
	for (i = 0; i < MAX_COUNTS && counts[i].name[0]; i++)
		printf("%s %s %lld", i ? "," : ";", counts[i].name, counts[i].sum);
	printf("\n");
}

static int cmd_check(struct options *o, char *const argv[])
{
	char file[PATH_MAX], image[PATH_MAX], image_dev[64];
	long i, passed = 0, failed = 0;
	struct replayed sum = {};
	const char *why;
	struct disk disk;
	struct cut *cuts;
	struct log log;
	uint64_t size;
	ssize_t start;

	if (!o->fs)
		errx(2, "check needs --fs (see --help)");
	need_modules();
	log_open(&log, path_in(o, file, "log"));
	start = log_find_mark(&log, "start");
	if (start < 0)
		errx(2, "the command has set no mark \"start\"");
	cuts = cuts_choose(&log, start, o->points, o->seed);
	size = recorded_size(&log);
	disk_init(&disk, &log, path_in(o, image, "image"), size);
	loop_attach(image, image_dev, sizeof(image_dev));
	mkdir(path_in(o, file, "mnt"), 0755);
	setenv("PC_MARKS", path_in(o, file, "marks"), 1);
	for (i = 0; i < o->points && failed < o->max_failures; i++) {
		if (o->only >= 0 && i != o->only)
			continue;
		disk_cut(&disk, &cuts[i], &sum);
		write_marks(&log, cuts[i].at, file);
		why = try_cut(o, i, size, image_dev, argv);
		disk_uncut(&disk);
		if (why) {
			report(o, &log, &cuts[i], i, why);
			failed++;
		} else {
			passed++;
		}
	}
	print_figures(o, &log, passed + failed, &sum);
	printf("%ld passed, %ld failed\n", passed, failed);
	loop_detach(image_dev);
	disk_free(&disk);
	free(cuts);
	log_close(&log);
	return failed ? 1 : 0;
}

static long number(const char *text, const char *what)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 0)
		errx(2, "--%s %s: not a number", what, text);
	return n;
}

static void parse(struct options *o, int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "size", 1, NULL, 's' },	{ "log-size", 1, NULL, 'l' },
		{ "fs", 1, NULL, 'f' },		{ "mount", 1, NULL, 'm' },
		{ "points", 1, NULL, 'p' },	{ "only", 1, NULL, 'o' },
		{ "seed", 1, NULL, 'S' },	{ "fsck", 1, NULL, 'c' },
		{ "max-failures", 1, NULL, 'x' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		switch (c) {
		case 's': o->size = (uint64_t)number(optarg, "size") << 20; break;
		case 'l': o->log_size = (uint64_t)number(optarg, "log-size") << 20; break;
		case 'f': o->fs = optarg; break;
		case 'm': o->mount = optarg; break;
		case 'p': o->points = number(optarg, "points"); break;
		case 'o': o->only = number(optarg, "only"); break;
		case 'S': o->seed = number(optarg, "seed"); break;
		case 'c': o->fsck = number(optarg, "fsck"); break;
		case 'x': o->max_failures = number(optarg, "max-failures"); break;
		default: exit(2);
		}
	}
}

int main(int argc, char *argv[])
{
	struct options o = {
		.size = 300ULL << 20, .log_size = 4096ULL << 20, .points = 100, .only = -1,
		.seed = 1, .fsck = 20, .max_failures = 10,
	};
	int ret;

	if (argc < 2 || !strcmp(argv[1], "--help")) {
		fputs(usage_text, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (!strcmp(argv[1], "mark")) {
		ret = argc == 3 ? mark(argv[2]) : -EINVAL;
		if (ret)
			errx(1, "mark: %s", strerror(-ret));
		return 0;
	}
	parse(&o, argc - 1, argv + 1);
	/* getopt has not seen the name of the subcommand. */
	optind++;
	if (optind < argc)
		o.dir = argv[optind++];
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (!o.dir || optind >= argc)
		errx(2, "no directory, or no command (see --help)");
	if (!strcmp(argv[1], "record"))
		return cmd_record(&o, argv + optind);
	if (!strcmp(argv[1], "check"))
		return cmd_check(&o, argv + optind);
	errx(2, "no such command: %s (see --help)", argv[1]);
}
