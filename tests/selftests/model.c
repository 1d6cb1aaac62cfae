// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on the subject and on a plain directory of the same
 * filesystem; after every batch both trees and all open files are compared in
 * full.  In between, caches are dropped and the subject is mounted anew.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "model.h"

#define HISTORY		40
#define DISTURB		250	/* operations; apart from --batch, so that this one
				   only narrows a failure down */
#define COMPARED	(LIST_NLINK | LIST_OLD_MTIME | LIST_XATTR)

static struct model model;
static char history[HISTORY][600];
static unsigned long done;
static bool verbose;
static uint64_t seed;

/* What led here, newest last. */
static void print_history(void)
{
	unsigned long from = done > HISTORY ? done - HISTORY : 0;

	test_note("seed %llu, after %lu operations, the last of them:",
		  (unsigned long long)seed, done);
	for (; from < done; from++)
		test_note("  %s", history[from % HISTORY]);
}

static void compare_trees(void)
{
	struct listing a, b;

	if (tree_list("s/mnt", COMPARED, &a) || tree_list("p/plain", COMPARED, &b)) {
		print_history();
		FAIL("%s", tree_error);
	}
	if (!listing_equal(&a, "subject", &b, "plain  ", 20)) {
		print_history();
		FAIL("the trees differ");
	}
	listing_free(&a);
	listing_free(&b);
}

static void describe_fd(struct slot *s, int r, char *out, size_t size)
{
	struct stat st;
	uint64_t data = 0;

	CHECK_SYS(fstat(s->fd[r], &st));
	if (S_ISREG(st.st_mode) && (s->flags & O_ACCMODE) != O_WRONLY)
		data = model_digest(s->fd[r], st.st_size);
	snprintf(out, size, "mode %o owner %u:%u links %lu size %lld data %llx",
		 st.st_mode, st.st_uid, st.st_gid,
		 S_ISDIR(st.st_mode) ? 0 : (unsigned long)st.st_nlink,
		 S_ISREG(st.st_mode) ? (long long)st.st_size : 0,
		 (unsigned long long)data);
}

static void compare_slots(void)
{
	char text[2][200];

	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &model.slots[i];

		if (s->fd[0] < 0)
			continue;
		for (int r = 0; r < 2; r++)
			describe_fd(s, r, text[r], sizeof(text[r]));
		if (!strcmp(text[0], text[1]))
			continue;
		print_history();
		FAIL("slot %d: subject %s, plain %s", i, text[0], text[1]);
	}
}

static void one_op(void)
{
	struct model *m = &model;

	model_op(m);
	if (!m->desc[0])
		return;
	snprintf(history[done++ % HISTORY], sizeof(history[0]),
		 "%s = %ld %s", m->desc, m->rc[PLAIN],
		 m->err[PLAIN] ? strerrorname_np(m->err[PLAIN]) : "");
	if (verbose)
		test_note("%s", history[(done - 1) % HISTORY]);
	/* Filesystems differ in which of the two they say of a full directory. */
	for (int r = 0; r < 2; r++)
		if (m->err[r] == EEXIST)
			m->err[r] = ENOTEMPTY;
	if (m->rc[0] == m->rc[1] && m->err[0] == m->err[1] &&
	    m->data[0] == m->data[1])
		return;
	print_history();
	FAIL("%s: subject %ld %s (data %llx), plain %ld %s (data %llx)", m->desc,
	     m->rc[0], strerror(m->err[0]), (unsigned long long)m->data[0],
	     m->rc[1], strerror(m->err[1]), (unsigned long long)m->data[1]);
}

static void open_roots(void)
{
	model.root[SUBJECT] = CHECK_SYS(open("s/mnt", O_PATH | O_DIRECTORY));
	model.root[PLAIN] = CHECK_SYS(open("p/plain", O_PATH | O_DIRECTORY));
}

static void close_roots(void)
{
	close(model.root[SUBJECT]);
	close(model.root[PLAIN]);
}

static void mount_subject(void)
{
	static const struct mnt_opt opts[] = {
		{ "lowerdir", "l1:l2:l3" }, { "upperdir", "upper" },
		{ "workdir", "work" }, {}
	};
	int rc = fs_mount(opts, "s/mnt");

	if (rc)
		FAIL("mount: %s: %s", strerror(-rc), mount_log);
	open_roots();
}

static void umount_subject(void)
{
	model_close_slots(&model);
	close_roots();
	if (umount("s/mnt")) {
		print_history();
		FAIL("umount: %s", strerror(errno));
	}
}

static void check_end(struct listing *layers)
{
	struct listing after;
	char name[8];

	for (int i = 0; i < LAYERS; i++) {
		snprintf(name, sizeof(name), "l%d", i + 1);
		CHECK_EQ(tree_list(name, LIST_ALL, &after), 0);
		if (!listing_equal(&layers[i], "before", &after, "after", 10))
			FAIL("layer %s has changed", name);
		listing_free(&after);
	}
	if (exists("work/work") && !on_overlay())
		CHECK_STR(ls("work/work"), "");
}

/* Now and then the subject is mounted anew, or has to read everything again. */
static void disturb(int what)
{
	switch (what) {
	case 0:
	case 1:
		umount_subject();
		mount_subject();
		compare_trees();
		break;
	case 2:
		drop_caches(false);
		break;
	case 3:
		drop_caches(true);
	}
}

static void run(unsigned long ops, unsigned long batch)
{
	struct listing layers[LAYERS];
	char name[8];

	model.rng = seed;
	for (int i = 0; i < SLOTS; i++)
		model.slots[i].fd[0] = model.slots[i].fd[1] = -1;
	mk_dirs("s/mnt");
	mk_dirs("p/plain");
	mk_dir("upper");
	mk_dir("work");
	model_make_layers(&model);
	for (int i = 0; i < LAYERS; i++) {
		snprintf(name, sizeof(name), "l%d", i + 1);
		CHECK_EQ(tree_list(name, LIST_ALL, &layers[i]), 0);
	}
	model_merge("p/plain");
	/* The root is the upper's, which is to be as old as the rest. */
	mk_mtime("upper", stat_of("l1").st_mtim.tv_sec,
		 stat_of("l1").st_mtim.tv_nsec);
	mount_subject();
	compare_trees();
	for (unsigned long i = 1; done < ops; i++) {
		one_op();
		if (i % batch == 0) {
			compare_trees();
			compare_slots();
		}
		if (i % DISTURB == 0)
			disturb(rnd(&model, 8));
	}
	compare_trees();
	compare_slots();
	umount_subject();
	check_end(layers);
}

static void usage(FILE *f)
{
	fprintf(f,
"Usage: model [--seed N] [--ops N] [--batch N] [--verbose] [--help]\n"
"Random operations on the filesystem under test and on a plain directory, which\n"
"must stay the same.  Without --seed one is drawn; it is printed in any case.\n"
"  --ops N    operations in all (default 10000)\n"
"  --batch N  operations between two comparisons (default 250)\n"
"LFS_FSTYPE and LFS_SCRATCH as for selftests.\n");
}

/* All of it in a child, so that a failed assertion is a line of TAP. */
static int run_as_test(unsigned long ops, unsigned long batch)
{
	char dir[PATH_MAX];
	int status;
	pid_t pid;

	printf("TAP version 13\n1..1\n# seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	snprintf(dir, sizeof(dir), "%s/model.%d", scratch_dir(), getpid());
	pid = CHECK_SYS(fork());
	if (!pid) {
		CHECK_SYS(unshare(CLONE_NEWNS));
		CHECK_SYS(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CHECK_SYS(mkdir(dir, 0755));
		CHECK_SYS(chdir(dir));
		umask(022);
		CHECK_SYS(setgroups(0, NULL));
		run(ops, batch);
		_exit(0);
	}
	CHECK_SYS(waitpid(pid, &status, 0));
	tree_remove(dir);
	printf("%s 1 - model.seed_%llu_%lu_operations\n", status ? "not ok" : "ok",
	       (unsigned long long)seed, ops);
	return status ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "ops", required_argument, NULL, 'o' },
		{ "batch", required_argument, NULL, 'b' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	unsigned long ops = 10000, batch = 250;
	bool seeded = false;
	int c;

	while ((c = getopt_long(argc, argv, "s:o:b:vh", opts, NULL)) != -1) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			seeded = true;
			break;
		case 'o':
			ops = strtoul(optarg, NULL, 0);
			break;
		case 'b':
			batch = strtoul(optarg, NULL, 0);
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
	if (!batch || optind < argc) {
		usage(stderr);
		return 2;
	}
	if (!seeded) {
		CHECK_EQ(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
		seed &= 0xffffffff;
	}
	return run_as_test(ops, batch);
}
