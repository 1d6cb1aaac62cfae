// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench work: programs that people run, on a tree that is in the layers.
 *
 * Everything is dropped before; the container is the first of its image.  The
 * programs and their libraries should be in memory: see in-memory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static void become(const char *root, const char *const argv[])
{
	/* Not to /dev/null: grep notices, and is content with one match. */
	int out = open("/tmp/bench-output", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || chdir(root))
		_exit(126);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static double run(const char *root, const char *const argv[])
{
	double start = now();
	pid_t child = fork();
	int status;

	must(child >= 0, "fork for", argv[0]);
	if (!child)
		become(root, argv);
	must(waitpid(child, &status, 0) == child, "wait for", argv[0]);
	if (status)
		die("%s in %s ends with status %#x", argv[0], root, status);
	return now() - start;
}

static void run_all(const char *root, struct result *results)
{
	char *new = path_of("%s/new", root);
	int work;

	must(!mkdir(new, 0755), "mkdir", new);
	for (work = 0; work < NR_WORKS; work++) {
		double ns;

		/* What the last one left to write is not this one's. */
		sync();
		ns = run(root, commands[work]);
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
		run(src, steps[i]);
	free(src);
}

static void copy_file(const char *from, const char *to, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 07777);
	off_t left;
	ssize_t n;

	must(in >= 0, "open", from);
	must(out >= 0, "create", to);
	for (left = st->st_size; left > 0; left -= n) {
		n = sendfile(out, in, NULL, left);
		must(n > 0, "copy", from);
	}
	must(!futimens(out, times), "set times of", to);
	close(in);
	close(out);
}

static struct {
	const char *dir;
	size_t plain;		/* length of the plain tree's name */
	int layers;
	unsigned int nr;
} dealing;

static int deal_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	char *to;

	(void)flag;
	(void)ftw;
	to = path_of("%s/l%u%s/", dealing.dir, dealing.nr++ % dealing.layers,
		     path + dealing.plain);
	/* Directories, too: git needs empty ones. */
	if (S_ISREG(st->st_mode))
		to[strlen(to) - 1] = '\0';
	tree_make_parents(to);
	if (S_ISREG(st->st_mode))
		copy_file(path, to, st);
	free(to);
	return 0;
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
	run(plain, untar);
	make_repository(plain);
	dealing.dir = dir;
	dealing.plain = strlen(plain);
	dealing.layers = layers;
	dealing.nr = 0;
	if (nftw(plain, deal_one, 32, FTW_PHYS))
		die("cannot deal %s", plain);
	/* Layers that got no file, if there are more layers than files. */
	for (; dealing.nr < (unsigned int)layers; dealing.nr++) {
		char *layer = path_of("%s/l%u", dir, dealing.nr);

		must(!mkdir(layer, 0755), "mkdir", layer);
		free(layer);
	}
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
		run(dir, copy);
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
