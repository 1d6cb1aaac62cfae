// SPDX-License-Identifier: GPL-2.0-only
/*
 * One world of the random test: layers, a mount of them, a plain directory that
 * shows the same, and operations on both.  In between, caches are dropped and
 * the subject is mounted anew.
 *
 *	l1/ l2/ l3/	layers, one of them on a tmpfs as a rule
 *	u1/ u2/ ...	what was the upper and has become the top layer
 *	upper/ work/
 *	s/mnt/		the subject
 *	p/plain/	the plain directory, a mount of its own for the same EXDEV
 *
 * All of it is decided by the seed, each operation by the seed and its number, so
 * that leaving one out does not change what is drawn for the others.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "model.h"

#define DISTURB		250	/* operations; apart from --batch, so that this one
				   only narrows a failure down */
#define MAX_UPPERS	8	/* that become layers */
#define DEEP		4	/* every so many comparisons contents are compared */

static struct model model;

/* The layers, top first, and what they were when they became layers. */
static char lower[256] = "l1:l2:l3";
static struct layer {
	char name[16];
	struct listing listing;
} layers[LAYERS + MAX_UPPERS];
static int nr_layers;

/* What led here, newest last. */
static void print_history(struct model *m)
{
	unsigned long from = m->done > HISTORY ? m->done - HISTORY : 0;

	test_note("after operation %lu; the last that did something:", shared->now[model_job]);
	for (; from < m->done; from++)
		test_note("  %s", m->history[from % HISTORY]);
}

static void open_roots(struct model *m)
{
	m->root[SUBJECT] = CHECK_SYS(open("s/mnt", O_PATH | O_DIRECTORY | O_CLOEXEC));
	m->root[PLAIN] = CHECK_SYS(open(m->plain, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static void close_roots(struct model *m)
{
	close(m->root[SUBJECT]);
	close(m->root[PLAIN]);
}

static void mount_subject(struct model *m)
{
	const struct mnt_opt opts[] = {
		{ "lowerdir", lower }, { "upperdir", "upper" },
		{ "workdir", "work" }, {}
	};
	int rc = fs_mount(opts, "s/mnt");

	if (rc)
		FAIL("mount: %s: %s", strerror(-rc), mount_log);
	open_roots(m);
}

static void umount_subject(struct model *m)
{
	model_close_slots(m);
	close_roots(m);
	if (umount("s/mnt")) {
		print_history(m);
		FAIL("umount: %s", strerror(errno));
	}
}

/* A new plain directory that shows what the subject does now. */
static void make_plain_anew(struct model *m)
{
	static unsigned int nr;
	char old[32];

	strcpy(old, m->plain);
	model_close_slots(m);
	snprintf(m->plain, sizeof(m->plain), "p/plain%u", ++nr);
	model_copy_tree("s/mnt", m->plain);
	CHECK_SYS(mount(m->plain, m->plain, NULL, MS_BIND, NULL));
	close_roots(m);
	open_roots(m);
	CHECK_SYS(umount2(old, MNT_DETACH));
	tree_remove(old);
	compare_forget_inos();
}

/*
 * Something was different: the end, or, where differences are counted, the plain
 * side follows the subject.
 */
static void settle(struct model *m)
{
	if (!m->differences)
		return;
	if (!m->opt->differences) {
		print_history(m);
		FAIL("the two sides differ");
	}
	make_plain_anew(m);
	compare_trees(m, true);
	m->differences = 0;
}

static void compare_all(struct model *m, bool deep)
{
	compare_trees(m, deep);
	compare_slots(m);
}

static void remember_layer(const char *name)
{
	struct layer *l = &layers[nr_layers++];

	snprintf(l->name, sizeof(l->name), "%s", name);
	if (tree_list(name, LIST_ALL, &l->listing))
		FAIL("%s", tree_error);
}

/* Of files with several names all but one go: as links of a layer they come apart. */
static void drop_links(struct model *m, const char *path)
{
	int fd = CHECK_SYS(openat(m->root[PLAIN], path, O_RDONLY | O_DIRECTORY));
	char sub[PATH_MAX];
	struct stat st;

	for (int i = 0; i < NAMES; i++) {
		snprintf(sub, sizeof(sub), "%s/%c", path, 'a' + i);
		if (fstatat(m->root[PLAIN], sub, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (S_ISDIR(st.st_mode))
			drop_links(m, sub);
		else if (st.st_nlink > 1)
			BOTH(unlinkat(m->root[r], sub, 0));
	}
	close(fd);
}

/*
 * The upper becomes the top layer, below an empty one that has its attributes.  Not
 * with links in layers: the index, which has what the upper lacks of them, stays.
 */
static void new_upper(struct model *m)
{
	char name[16], list[sizeof(lower)];

	if (nr_layers == LAYERS + MAX_UPPERS || m->opt->links)
		return;
	drop_links(m, ".");
	umount_subject(m);
	snprintf(name, sizeof(name), "u%d", nr_layers - LAYERS + 1);
	CHECK_SYS(rename("upper", name));
	remember_layer(name);
	strcpy(list, lower);
	snprintf(lower, sizeof(lower), "%.7s:%.240s", name, list);
	mk_dir("upper");
	model_copy_attrs(name, "upper");
	tree_remove("work");
	mk_dir("work");
	mount_subject(m);
	/* What was copied up is now of that layer. */
	compare_forget_inos();
	compare_trees(m, true);
}

/* A line of what happened. */
static void note(struct model *m, const char *text)
{
	char *line = m->history[m->done++ % HISTORY];

	snprintf(line, sizeof(m->history[0]), "%lu: %s", shared->now[model_job], text);
	if (m->opt->verbose)
		test_note("%s", line);
}

static void note_op(struct model *m)
{
	char text[600];

	snprintf(text, sizeof(text), "%s = %ld %s", m->desc, m->rc[PLAIN],
		 m->err[PLAIN] ? strerrorname_np(m->err[PLAIN]) : "");
	note(m, text);
}

/* Now and then the subject is mounted anew, or has to read everything again. */
static void disturb(struct model *m)
{
	static const char *const what[] = { "mounted anew", "mounted anew",
		"caches dropped", "all caches dropped", "the upper becomes a layer" };
	unsigned int n = rnd(m, 16);

	if (n < sizeof(what) / sizeof(*what))
		note(m, what[n]);
	switch (n) {
	case 0:
	case 1:
		umount_subject(m);
		mount_subject(m);
		compare_trees(m, true);
		break;
	case 2:
		drop_caches(false);
		break;
	case 3:
		drop_caches(true);
		break;
	case 4:
		new_upper(m);
	}
}

static void one_op(struct model *m, unsigned long i)
{
	const struct options *opt = m->opt;

	shared->now[model_job] = i;
	m->rng = mix(opt->seed) ^ mix(i);
	if (i % DISTURB == 0)
		disturb(m);
	if (!opt->skip || !opt->skip[i]) {
		model_op(m);
		if (m->desc[0]) {
			note_op(m);
			model_result(m);
			compare_touched(m);
		}
	}
	if (opt->watch && i >= opt->watch)
		compare_all(m, true);
	else if (i % opt->batch == 0)
		compare_all(m, i / opt->batch % DEEP == 0);
	settle(m);
}

/* One layer lies on another filesystem than the rest, but in one of four worlds. */
static void make_layers(struct model *m)
{
	char name[8];
	int other = rnd(m, LAYERS + 1);

	for (int i = 1; i <= LAYERS; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		mk_dir(name);
		if (i == other)
			CHECK_SYS(mount("layer", name, "tmpfs", 0, "mode=755"));
	}
	model_make_layers(m);
}

static void set_up(struct model *m)
{
	char name[8];

	for (int i = 0; i < SLOTS; i++)
		m->slots[i].fd[0] = m->slots[i].fd[1] = -1;
	for (int i = 0; i < DIRS; i++)
		m->dirs[i].fd[0] = m->dirs[i].fd[1] = -1;
	strcpy(m->plain, "p/plain");
	mk_dirs("s/mnt");
	mk_dirs(m->plain);
	mk_dir("upper");
	mk_dir("work");
	make_layers(m);
	for (int i = 0; i < LAYERS; i++) {
		snprintf(name, sizeof(name), "l%d", i + 1);
		remember_layer(name);
	}
	model_merge(m->plain, m->opt->links);
	/* The root is the upper's, which is to be as old as the rest. */
	mk_mtime("upper", stat_of("l1").st_mtim.tv_sec,
		 stat_of("l1").st_mtim.tv_nsec);
	CHECK_SYS(mount(m->plain, m->plain, NULL, MS_BIND, NULL));
}

static void check_end(void)
{
	struct listing after;

	for (struct layer *l = layers; l < layers + nr_layers; l++) {
		if (tree_list(l->name, LIST_ALL, &after))
			FAIL("%s", tree_error);
		if (!listing_equal(&l->listing, "before", &after, "after", 10))
			FAIL("layer %s has changed", l->name);
		listing_free(&after);
	}
	/* While there is an index, overlayfs is told. */
	if (exists("work/work") && !on_overlay())
		CHECK_STR(ls("work/work"), exists("work/links") ? "incompat" : "");
}

/**
 * world_run - run one world in the current directory, which is empty
 * @opt: how
 *
 * Does not return when the two sides differ.
 */
void world_run(const struct options *opt)
{
	struct model *m = &model;

	CHECK_SYS(unshare(CLONE_NEWNS));
	CHECK_SYS(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	umask(022);
	CHECK_SYS(setgroups(0, NULL));
	m->opt = opt;
	shared->now[model_job] = 0;
	m->rng = mix(opt->seed);
	set_up(m);
	mount_subject(m);
	compare_trees(m, true);
	settle(m);
	for (unsigned long i = 1; i <= opt->ops; i++)
		one_op(m, i);
	compare_all(m, true);
	settle(m);
	umount_subject(m);
	check_end();
}
