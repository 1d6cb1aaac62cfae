// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop over injection points, and what has to hold at each of them:
 *
 * - the operation succeeds, or fails with an error that says what happened;
 * - having failed, it has changed nothing that the container shows; having
 *   succeeded, it has done the same as without a fault;
 * - repeated without a fault it succeeds;
 * - the container unmounts, the upper is what it would be without a fault, and
 *   if it is not, or something is left in the work directory, another mount
 *   shows the same all the same and cleans up;
 * - no object is left in the kernel, and its log has no complaint.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sweep.h"

#define MAX_POINTS	20000
#define MAX_ERRNO	200
/* Successes in a row that end a sweep which has no other end. */
#define ENOUGH		4

/* Which point, for messages. */
static const struct scenario *scn;
static const struct injector *inj;
static int point;

/* The state before the operation and after it, without a fault. */
static struct listing before, after, upper_after;
static unsigned long long ino;

static int points, succeeded, in_a_row, seen[MAX_ERRNO];

__attribute__((format(printf, 1, 2), noreturn))
static void bad(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	FAIL("%s.%s, point %d: %s", inj->name, scn->name, point, text);
}

static int layers(void)
{
	return scn->layers ? scn->layers : 2;
}

static const char *options(void)
{
	return scn->options ? scn->options : "";
}

static void must_mount(void)
{
	int rc = world_mount(layers(), options());

	if (rc)
		bad("cannot mount: %s: %s", strerror(-rc), mount_log);
}

static unsigned long long ino_now(void)
{
	char path[256];
	struct stat st;

	if (!scn->keeps_ino)
		return 0;
	snprintf(path, sizeof(path), "mnt/%s", scn->keeps_ino);
	return lstat(path, &st) ? 0 : st.st_ino;
}

static void check_ino(const char *when)
{
	unsigned long long is = ino_now();

	if (is && is != ino)
		bad("%s: st_ino of %s is %llu, was %llu", when, scn->keeps_ino, is, ino);
}

/* What the kernel has complained about since the last call. */
static void check_log(bool skip)
{
	static const char *const words[] = {
		"BUG", "WARNING: ", "KASAN", "UBSAN", "still in use", "Oops",
		"bad unlock", "circular", "refcount_t",
	};
	static int fd = -1;
	char line[2048];
	ssize_t n;

	if (fd < 0)
		fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	/* EPIPE: lines were overwritten before they were read */
	while ((n = read(fd, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0 || skip)
			continue;
		line[n] = '\0';
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (strstr(line, words[i]))
				bad("the kernel log: %s", line);
	}
}

static bool same(const struct listing *a, const struct listing *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->line[i], b->line[i]))
			return false;
	return true;
}

static bool upper_as_wanted(void)
{
	struct listing now;
	bool equal;

	world_upper_view(&now);
	equal = same(&upper_after, &now);
	listing_free(&now);
	return equal;
}

/* Not those that are dirty: nothing is written first. */
static void drop_dentries(void)
{
	int fd = CHECK_SYS(open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC));

	/* 4: do not log it */
	if (write(fd, "4", 1) != 1 || write(fd, "2", 1) != 1)
		FAIL("drop_caches: %s", strerror(errno));
	close(fd);
}

static void fresh(void)
{
	if (!(scn->flags & SCN_READS) || !point || !upper_as_wanted())
		world_upper();
	if (inj->fresh)
		inj->fresh();
	if (!(scn->flags & SCN_MOUNTS))
		must_mount();
	if (scn->prepare)
		scn->prepare();
	if (scn->flags & SCN_COLD)
		drop_dentries();
}

static void cleanup(void)
{
	if (scn->cleanup)
		scn->cleanup();
}

static void must_op(const char *when)
{
	int rc = scn->op();

	if (rc)
		bad("%s: %s", when, strerror(-rc));
}

static void listed_like(const struct listing *want, const char *when)
{
	struct listing now;

	world_view(&now);
	if (!listing_equal(want, "wanted", &now, "there", 20))
		bad("%s: the container does not show what it should", when);
	listing_free(&now);
	check_ino(when);
}

/* Without a fault: learn what is to be seen. */
static void learn(void)
{
	point = 0;
	fresh();
	if (!(scn->flags & SCN_MOUNTS)) {
		world_view(&before);
		ino = ino_now();
	}
	must_op("without a fault");
	if (scn->flags & SCN_UMOUNTS)
		must_mount();
	world_view(&after);
	check_ino("without a fault");
	cleanup();
	world_umount();
	world_upper_view(&upper_after);
	world_no_objects();
}

static bool allowed(int err)
{
	for (const int *e = inj->errors; *e; e++)
		if (*e == err)
			return true;
	return false;
}

static bool shown_like(const struct listing *want)
{
	struct listing now;
	bool equal;

	world_view(&now);
	equal = same(want, &now);
	listing_free(&now);
	return equal;
}

/* It has failed: nothing may have happened, and it must succeed now. */
static void after_failure(int err)
{
	if (!allowed(err))
		bad("fails with %s", strerrorname_np(err));
	if (scn->flags & SCN_MUST)
		bad("fails (%s), but has to succeed", strerrorname_np(err));
	if (scn->flags & SCN_MOUNTS) {
		if (world_mounted())
			bad("the mount has failed (%s), but is there", strerrorname_np(err));
		/* ext4 takes a group whose bitmap it could not read for full until remounted. */
		if (err == ENOSPC && inj->fresh)
			inj->fresh();
	} else if (scn->flags & SCN_LATE && shown_like(&after)) {
		check_ino("after the failure");
		return;
	} else if (!(scn->flags & (SCN_PARTIAL | SCN_READS))) {
		listed_like(&before, "after the failure");
	}
	must_op("repeated without a fault");
}

/* Lines of a listing with these words go. */
static void drop_lines(struct listing *l, const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (strstr(l->line[i], words))
			free(l->line[i]);
		else
			l->line[n++] = l->line[i];
	}
	l->count = n;
}

/* How many names a whiteout has: it may be a link of another or a device of its own. */
static void drop_links_of_whiteouts(struct listing *l)
{
	char *at, *end;

	for (size_t i = 0; i < l->count; i++) {
		at = strstr(l->line[i], " nlink=");
		if (!at || !strstr(l->line[i], "dev=0:0"))
			continue;
		end = strchrnul(at + 1, ' ');
		memmove(at, end, strlen(end) + 1);
	}
}

/* From @words to the next space, in all lines. */
static void drop_words(struct listing *l, const char *words)
{
	char *at, *end;

	for (size_t i = 0; i < l->count; i++)
		while ((at = strstr(l->line[i], words))) {
			end = strchrnul(at + 1, ' ');
			memmove(at, end, strlen(end) + 1);
		}
}

static void copy_listing(struct listing *to, const struct listing *from)
{
	*to = (struct listing){ .count = from->count, .room = from->count };
	to->line = calloc(from->count, sizeof(*to->line));
	for (size_t i = 0; i < from->count; i++)
		to->line[i] = strdup(from->line[i]);
}

/*
 * Marks that were set ahead may stay, and a whiteout where it hides nothing:
 * that the container shows the right thing has been checked.
 */
static void check_upper(void)
{
	struct listing now, want;

	if (scn->flags & (SCN_PARTIAL | SCN_LATE))
		return;
	world_upper_view(&now);
	copy_listing(&want, &upper_after);
	drop_words(&now, " trusted.overlay.");
	drop_words(&want, " trusted.overlay.");
	drop_links_of_whiteouts(&now);
	drop_links_of_whiteouts(&want);
	if (scn->flags & SCN_SHADOW) {
		drop_lines(&now, "dev=0:0");
		drop_lines(&want, "dev=0:0");
	}
	if (!listing_equal(&want, "wanted", &now, "there", 20))
		bad("the upper does not have what it should");
	listing_free(&now);
	listing_free(&want);
}

/* Unmounted: is what the next mount will find as good as without a fault? */
static void check_rest(void)
{
	const char *left = world_leftover();

	world_no_objects();
	if (!left && !exists("work/links") && upper_as_wanted())
		return;
	check_upper();
	must_mount();
	listed_like(&after, "mounted again");
	world_umount();
	left = world_leftover();
	if (left)
		bad("left in the work directory: %s", left);
}

/* One injection point; false if the operation was through before. */
static bool try_point(int n)
{
	bool hit;
	int rc;

	point = n;
	fresh();
	inj->arm(n);
	rc = scn->op();
	hit = inj->disarm();
	if (hit)
		points++;
	if (hit && !rc)
		succeeded++;
	if (rc)
		seen[-rc < MAX_ERRNO ? -rc : 0]++;
	if (rc && !hit)
		bad("no fault, but %s", strerrorname_np(-rc));
	if (rc)
		after_failure(-rc);
	if (scn->flags & SCN_UMOUNTS)
		must_mount();
	listed_like(&after, "at the end");
	cleanup();
	world_umount();
	check_rest();
	check_log(false);
	in_a_row = rc ? 0 : in_a_row + 1;
	return inj->no_end ? in_a_row < ENOUGH : hit;
}

static void report(void)
{
	char errors[256] = "";

	for (int e = 0; e < MAX_ERRNO; e++)
		if (seen[e])
			sprintf(errors + strlen(errors), " %s:%d", strerrorname_np(e), seen[e]);
	test_note("sweep: %d points, %d harmless%s%s", points, succeeded,
		  *errors ? ", failed" : "", errors);
}

/* Every how many points one is tried: LFS_SWEEP_STEP, 1 without. */
static int step_width(void)
{
	const char *s = getenv("LFS_SWEEP_STEP");

	return s && atoi(s) > 1 ? atoi(s) : 1;
}

void sweep(const struct scenario *s, const struct injector *i)
{
	int width = step_width();

	scn = s;
	inj = i;
	if (inj->start)
		inj->start();
	check_log(true);
	world_layers(scn->world, layers());
	sync();
	learn();
	for (int n = 1; try_point(n); n += width)
		if (n > MAX_POINTS)
			bad("no end");
	if (inj->end)
		inj->end();
	report();
}
