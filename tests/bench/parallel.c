// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench parallel: the same work by one process and by two at once, in one
 * container.  A lock that both want shows as a ratio that rises with the second.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "tree.h"

#define TIMES	2000
#define WALKS	3

enum parallel {
	PAR_WALK,
	PAR_WALK_TWO,
	PAR_AGAIN,
	PAR_AGAIN_TWO,
	PAR_STAT,
	PAR_STAT_TWO,
	PAR_OPEN,
	PAR_OPEN_TWO,
	PAR_READ,
	PAR_READ_TWO,
	PAR_CREATE,
	PAR_CREATE_TWO,
	PAR_CHMOD,
	PAR_CHMOD_TWO,
	NR_PARALLEL
};

static const struct row rows[NR_PARALLEL] = {
	[PAR_WALK] = { "walk", "walk, cold, by one" },
	[PAR_WALK_TWO] = { "walk_two", "  by two at once" },
	[PAR_AGAIN] = { "again", "walk again, by one" },
	[PAR_AGAIN_TWO] = { "again_two", "  by two at once" },
	[PAR_STAT] = { "stat", "stat of one name, by one" },
	[PAR_STAT_TWO] = { "stat_two", "  by two at once" },
	[PAR_OPEN] = { "open", "open+close of one file, by one" },
	[PAR_OPEN_TWO] = { "open_two", "  by two at once" },
	[PAR_READ] = { "read", "pread 4K of one file, by one" },
	[PAR_READ_TWO] = { "read_two", "  by two at once" },
	[PAR_CREATE] = { "create", "create, each in a directory of its own, by one" },
	[PAR_CREATE_TWO] = { "create_two", "  by two at once" },
	[PAR_CHMOD] = { "chmod", "chmod of layers' files, each its own, by one" },
	[PAR_CHMOD_TWO] = { "chmod_two", "  by two at once" },
};

static void do_walk(const char *root, int who, int round)
{
	char *tree = path_of("%s/tree", root);

	(void)who;
	(void)round;
	if (tree_walk(tree) != tree_entries())
		die("%s is not all there", tree);
	free(tree);
}

static void do_again(const char *root, int who, int round)
{
	int i;

	for (i = 0; i < WALKS; i++)
		do_walk(root, who, round);
}

static void do_stat(const char *root, int who, int round)
{
	char *path = path_of("%s/tree/t0/d0/f7", root);
	struct stat st;
	int i;

	(void)who;
	(void)round;
	for (i = 0; i < 10 * TIMES; i++)
		must(!stat(path, &st), "stat", path);
	free(path);
}

static void do_open(const char *root, int who, int round)
{
	char *path = path_of("%s/tree/t0/d0/f7", root);
	int i, fd;

	(void)who;
	(void)round;
	for (i = 0; i < 5 * TIMES; i++) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		must(fd >= 0, "open", path);
		close(fd);
	}
	free(path);
}

static void do_read(const char *root, int who, int round)
{
	char *path = path_of("%s/page", root), buf[PAGE_BYTES];
	int i, fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)who;
	(void)round;
	must(fd >= 0, "open", path);
	for (i = 0; i < 10 * TIMES; i++)
		must(pread(fd, buf, sizeof(buf), 0) == sizeof(buf), "read", path);
	close(fd);
	free(path);
}

static void do_create(const char *root, int who, int round)
{
	char *path = path_of("%s/made%d.%d/", root, round, who);
	int i, dir, fd;

	tree_make_parents(path);
	dir = open(path, O_PATH | O_CLOEXEC);
	must(dir >= 0, "open", path);
	for (i = 0; i < TIMES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		must(fd >= 0, "create", path);
		close(fd);
	}
	close(dir);
	free(path);
}

/* Files of two directories, of which each has its own. */
static void do_chmod(const char *root, int who, int round)
{
	int i;

	for (i = 0; i < TREE_FILES; i++) {
		char *path = path_of("%s/tree/t1/d%d/f%d", root,
				     2 * (round % 2) + who, i);

		must(!chmod(path, 0600), "chmod", path);
		free(path);
	}
}

/* Until the last of @nr has ended; they begin when all are there. */
static double at_once(int nr, void (*what)(const char *root, int who, int round),
		      const char *root, int round)
{
	int *go = mmap(NULL, sizeof(*go), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double start;
	int i, status;

	must(go != MAP_FAILED, "mmap for", root);
	for (i = 0; i < nr; i++) {
		pid_t child = fork();

		must(child >= 0, "fork for", root);
		if (child)
			continue;
		__atomic_add_fetch(go, 1, __ATOMIC_ACQ_REL);
		while (__atomic_load_n(go, __ATOMIC_ACQUIRE) <= nr)
			sched_yield();
		what(root, i, round);
		_exit(0);
	}
	while (__atomic_load_n(go, __ATOMIC_ACQUIRE) < nr)
		sched_yield();
	start = now();
	__atomic_add_fetch(go, 1, __ATOMIC_ACQ_REL);
	for (i = 0; i < nr; i++) {
		must(wait(&status) > 0, "wait for", root);
		if (status)
			die("one of %d in %s failed", nr, root);
	}
	start = now() - start;
	munmap(go, sizeof(*go));
	return start;
}

static char *begin(struct bench *b, int stack, enum fs_kind kind, const char *dir)
{
	char *plain = path_of("%s/plain", dir), *root;

	caches_drop();
	if (kind != KIND_BARE) {
		root = container_mount(kind, dir, b->layers[stack], "work");
	} else {
		char *container = container_make(dir, "work");

		root = path_of("%s/root", container);
		mount_bind(plain, root);
		free(container);
	}
	free(plain);
	return root;
}

static void end(const char *dir, char *root)
{
	unmount(root);
	container_remove(dir, "work");
	free(root);
}

static void measure(struct bench *b, int stack, enum fs_kind kind,
		    const char *dir, int repeat)
{
	static void (*const what[])(const char *root, int who, int round) = {
		do_walk, do_again, do_stat, do_open, do_read, do_create, do_chmod,
	};
	struct result *to = b->results[stack][kind];
	size_t i;
	int nr;

	/* By one, by two, each in a new container. */
	for (nr = 1; nr <= 2; nr++) {
		char *root = begin(b, stack, kind, dir);

		for (i = 0; i < ARRAY_SIZE(what); i++) {
			sync();
			add(to, 2 * i + nr - 1, at_once(nr, what[i], root, 2 * repeat + nr - 1));
		}
		end(dir, root);
	}
}

static void build(const struct bench *b, int layers, const char *dir)
{
	(void)b;
	tree_build(dir, layers);
}

const struct program program_parallel = {
	.name = "parallel",
	.intro = "The same work by one process and by two at once, in one container of N layers.\n"
		 "Two scale as on bare if their figure is that of one.\n",
	.rows = rows,
	.nr_rows = NR_PARALLEL,
	.build = build,
	.measure = measure,
};
