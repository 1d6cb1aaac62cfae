// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench work: programs that people run, on a tree that is in the layers.
 *
 * Everything is dropped before; the container is the first of its image.  The
 * programs and their libraries should be in memory: see in-memory.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "tree.h"

enum work {
	WORK_FIND_COLD,
	WORK_FIND,
	WORK_GREP,
	WORK_GREP_AGAIN,
	WORK_STATUS_COLD,
	WORK_STATUS,
	WORK_COPY,
	WORK_UNTAR,
	WORK_REMOVE_UPPER,
	WORK_REMOVE_LOWER,
	NR_WORKS
};

static const struct row rows[NR_WORKS] = {
	[WORK_FIND_COLD] = { "find_cold", "find -size, cold", .aim = 1.1 },
	[WORK_FIND] = { "find", "find -size, again", .aim = 1.1 },
	[WORK_GREP] = { "grep", "grep -r, contents cold", .aim = 1.1 },
	[WORK_GREP_AGAIN] = { "grep_again", "grep -r, again", .aim = 1.1 },
	[WORK_STATUS_COLD] = { "status_first", "git status, reads all it knows" },
	[WORK_STATUS] = { "status", "git status, again", .aim = 1.1 },
	[WORK_COPY] = { "copy", "cp -a", .aim = 1.1 },
	[WORK_UNTAR] = { "untar", "untar", .aim = 1.1 },
	[WORK_REMOVE_UPPER] = { "remove_upper", "rm -rf, a tree of the upper", .aim = 1.1 },
	[WORK_REMOVE_LOWER] = { "remove_lower", "rm -rf, the layers' tree", .aim = 1.1 },
};

/* In the root of what is measured. */
static const char *commands[NR_WORKS][8] = {
	[WORK_FIND_COLD] = { "find", "src", "-size", "+8k" },
	[WORK_FIND] = { "find", "src", "-size", "+8k" },
	[WORK_GREP] = { "grep", "-rI", "struct inode", "src" },
	[WORK_GREP_AGAIN] = { "grep", "-rI", "struct inode", "src" },
	[WORK_STATUS_COLD] = { "git", "-C", "src", "status" },
	[WORK_STATUS] = { "git", "-C", "src", "status" },
	[WORK_COPY] = { "cp", "-a", "src", "copy" },
	[WORK_UNTAR] = { "tar", "-C", "new", "-xf", NULL },
	[WORK_REMOVE_UPPER] = { "rm", "-rf", "copy" },
	[WORK_REMOVE_LOWER] = { "rm", "-rf", "src" },
};

static void run_all(const char *root, struct result *results)
{
	char *new = path_of("%s/new", root);
	int work;

	must(!mkdir(new, 0755), "mkdir", new);
	for (work = 0; work < NR_WORKS; work++) {
		double ns;

		/* What the last one left to write is not this one's. */
		sync();
		ns = run(root, NULL, commands[work]);
		if (results)
			add(results, work, ns);
	}
	free(new);
}

static void make_repository(const char *root)
{
	static const char *const steps[][8] = {
		{ "git", "init", "-q", "--template=" },
		{ "git", "add", "." },
		{ "git", "commit", "-q", "-m", "all" },
		{ "git", "gc", "-q" },
	};
	char *src = path_of("%s/src", root);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		run(src, NULL, steps[i]);
	free(src);
}

static void build(const struct bench *b, int layers, const char *dir)
{
	char *plain = path_of("%s/plain", dir), *src = path_of("%s/src", plain);
	const char *const untar[] = { "tar", "-C", src, "-xf", b->tar, NULL };

	if (!b->tar)
		die("work needs --tar");
	commands[WORK_UNTAR][4] = b->tar;
	setenv("HOME", "/tmp", 1);
	setenv("GIT_AUTHOR_NAME", "bench", 1);
	setenv("GIT_AUTHOR_EMAIL", "bench@localhost", 1);
	setenv("GIT_COMMITTER_NAME", "bench", 1);
	setenv("GIT_COMMITTER_EMAIL", "bench@localhost", 1);
	must(!mkdir(plain, 0755), "mkdir", plain);
	must(!mkdir(src, 0755), "mkdir", src);
	run(plain, NULL, untar);
	make_repository(plain);
	tree_deal(plain, dir, layers);
	free(plain);
	free(src);
}

static void measure(struct bench *b, int stack, enum fs_kind kind,
		    const char *dir, int repeat)
{
	const char *const copy[] = { "cp", "-a", "plain", "bare", NULL };
	char *bare = path_of("%s/bare", dir);
	char *root = bare;

	(void)repeat;
	/* Each time a new one, as the work uses it up. */
	if (kind == KIND_BARE)
		run(dir, NULL, copy);
	caches_drop();
	if (kind != KIND_BARE)
		root = container_mount(kind, dir, b->layers[stack], "work");
	run_all(root, b->results[stack][kind]);
	if (kind == KIND_BARE) {
		tree_remove(bare);
	} else {
		unmount(root);
		container_remove(dir, "work");
		free(root);
	}
	free(bare);
}

const struct program program_work = {
	.name = "work",
	.intro = "Programs that people run, on files of N layers; the first container.\n",
	.rows = rows,
	.nr_rows = NR_WORKS,
	.build = build,
	.measure = measure,
};
