// SPDX-License-Identifier: GPL-2.0-only
/* The operations, on whatever is mounted at one place. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define LOOPS 1000
#define MOUNTS 4

/**
 * struct place - where operations happen
 * @results: of this kind and stack
 * @root: what is measured
 * @repeat: which time; names that are used up differ by it
 */
struct place {
	struct result *results;
	const char *root;
	int repeat;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void add(struct result *results, enum op op, double ns)
{
	struct result *result = &results[op];

	result->ns[result->nr++] = ns;
}

static void must(bool ok, const char *what, const char *path)
{
	if (!ok)
		die("%s %s: %s", what, path, strerror(errno));
}

static double time_walk(const char *root, const char *name)
{
	char *dir = path_of("%s/%s", root, name);
	unsigned int entries;
	double start;

	start = now();
	entries = tree_walk(dir);
	start = now() - start;
	if (entries != tree_entries())
		die("%s has %u entries instead of %u", dir, entries, tree_entries());
	free(dir);
	return start;
}

/* Names and inodes that nothing holds; the disk's blocks stay. */
static void drop_caches(void)
{
	int fd;

	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, "2", 1) == 1, "write", "drop_caches");
	close(fd);
}

static void op_names(const struct place *at)
{
	char *file = path_of("%s/tree/t1/d3/f7", at->root);
	char *absent = path_of("%s/tree/t1/d3/absent", at->root);
	struct stat st;
	double start;
	int i, fd;

	must(!stat(file, &st), "stat", file);
	start = now();
	for (i = 0; i < LOOPS; i++)
		stat(file, &st);
	add(at->results, OP_STAT, (now() - start) / LOOPS);

	must(stat(absent, &st) && errno == ENOENT, "stat", absent);
	start = now();
	for (i = 0; i < LOOPS; i++)
		stat(absent, &st);
	add(at->results, OP_ABSENT, (now() - start) / LOOPS);

	fd = open(file, O_RDONLY);
	must(fd >= 0, "open", file);
	close(fd);
	start = now();
	for (i = 0; i < LOOPS; i++)
		close(open(file, O_RDONLY));
	add(at->results, OP_OPEN, (now() - start) / LOOPS);
	free(file);
	free(absent);
}

static void op_data(const struct place *at)
{
	char *file = path_of("%s/data0", at->root);
	char *own = path_of("%s/own%d", at->root, at->repeat);
	char page[4096] = "";
	double start;
	int i, fd;

	fd = open(file, O_RDONLY);
	must(fd >= 0 && pread(fd, page, sizeof(page), 0) == sizeof(page),
	     "read", file);
	start = now();
	for (i = 0; i < LOOPS; i++)
		pread(fd, page, sizeof(page), 0);
	add(at->results, OP_READ, (now() - start) / LOOPS);
	close(fd);

	fd = open(own, O_RDWR | O_CREAT | O_EXCL, 0644);
	must(fd >= 0 && pwrite(fd, page, sizeof(page), 0) == sizeof(page),
	     "write", own);
	start = now();
	for (i = 0; i < LOOPS; i++)
		pwrite(fd, page, sizeof(page), 0);
	add(at->results, OP_WRITE, (now() - start) / LOOPS);
	close(fd);
	free(file);
	free(own);
}

static void op_changes(const struct place *at)
{
	char name[VICTIMS][4096];
	double start;
	int i, fd, base = at->repeat * VICTIMS;

	for (i = 0; i < VICTIMS; i++)
		snprintf(name[i], sizeof(name[i]), "%s/tree/t1/d1/new%d", at->root,
			 base + i);
	start = now();
	for (i = 0; i < VICTIMS; i++) {
		fd = open(name[i], O_WRONLY | O_CREAT | O_EXCL, 0644);
		must(fd >= 0, "create", name[i]);
		close(fd);
	}
	add(at->results, OP_CREATE, (now() - start) / VICTIMS);
	/* The tree has to stay what the next walk expects. */
	for (i = 0; i < VICTIMS; i++)
		must(!unlink(name[i]), "unlink", name[i]);

	for (i = 0; i < VICTIMS; i++)
		snprintf(name[i], sizeof(name[i]), "%s/prey/u%d", at->root, base + i);
	start = now();
	for (i = 0; i < VICTIMS; i++)
		must(!unlink(name[i]), "unlink", name[i]);
	add(at->results, OP_UNLINK, (now() - start) / VICTIMS);

	for (i = 0; i < VICTIMS; i++)
		snprintf(name[i], sizeof(name[i]), "%s/prey/c%d", at->root, base + i);
	start = now();
	for (i = 0; i < VICTIMS; i++)
		must(!chmod(name[i], 0600), "chmod", name[i]);
	add(at->results, OP_CHMOD, (now() - start) / VICTIMS);
}

static double time_list(const char *dir)
{
	double start = now();
	unsigned int entries = 0;
	DIR *list = opendir(dir);

	must(list, "list", dir);
	while (readdir(list))
		entries++;
	closedir(list);
	start = now() - start;
	if (entries != BIG_FILES + 2)
		die("%s has %u entries", dir, entries);
	return start;
}

static void op_big(const struct place *at)
{
	char *dir = path_of("%s/big", at->root);

	time_list(dir);
	add(at->results, OP_BIG_LIST, time_list(dir));
	free(dir);
}

static void op_all_warm(const struct place *at)
{
	add(at->results, OP_WALK_AGAIN, time_walk(at->root, "tree"));
	op_names(at);
	op_data(at);
	op_big(at);
	op_changes(at);
}

static void measure_bare(struct bench *b, int stack, const char *dir)
{
	char *plain = path_of("%s/plain", dir), *spare = path_of("%s/spare", dir);
	struct place at = { b->results[stack][KIND_BARE], plain, 0 };
	double start, dropped;
	int i;

	must(!mkdir(spare, 0755), "mkdir", spare);
	for (at.repeat = 0; at.repeat < b->repeats; at.repeat++) {
		drop_caches();
		dropped = time_walk(plain, "tree");
		add(at.results, OP_FIRST_WALK, dropped);
		add(at.results, OP_SECOND_WALK_DROPPED, dropped);
		add(at.results, OP_SECOND_WALK_LINKED, time_walk(plain, "link"));
		op_all_warm(&at);
		add(at.results, OP_SECOND_WALK, time_walk(plain, "tree"));
		start = now();
		for (i = 0; i < MOUNTS; i++) {
			mount_bind(plain, spare);
			unmount(spare);
		}
		add(at.results, OP_MOUNT, (now() - start) / MOUNTS);
	}
	free(plain);
	free(spare);
}

/* A new upper and work directory, and a mount point. */
static char *new_container(const char *dir, const char *name)
{
	static const char *const parts[] = { "", "/upper", "/work", "/root" };
	char *container = path_of("%s/%s", dir, name), *path;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		path = path_of("%s%s", container, parts[i]);
		must(!mkdir(path, 0755), "mkdir", path);
		free(path);
	}
	return container;
}

static char *mount_new(struct bench *b, int stack, enum kind kind,
		       const char *dir, const char *name)
{
	char *container = new_container(dir, name);
	char *root = path_of("%s/root", container);

	mount_stack(kind, dir, b->layers[stack], container, root);
	free(container);
	return root;
}

static void remove_container(const char *dir, const char *name)
{
	char *container = path_of("%s/%s", dir, name);

	tree_remove(container);
	free(container);
}

static void measure_mounts(struct bench *b, int stack, enum kind kind,
			   const char *dir)
{
	char *third = new_container(dir, "third");
	char *root = path_of("%s/root", third);
	double start;
	int i;

	start = now();
	for (i = 0; i < MOUNTS; i++) {
		mount_stack(kind, dir, b->layers[stack], third, root);
		unmount(root);
	}
	add(b->results[stack][kind], OP_MOUNT, (now() - start) / MOUNTS);
	tree_remove(third);
	free(third);
	free(root);
}

static void measure_stack(struct bench *b, int stack, enum kind kind,
			  const char *dir)
{
	struct result *results = b->results[stack][kind];
	int repeat;

	for (repeat = 0; repeat < b->repeats; repeat++) {
		char *first, *second;
		struct place at = { results, NULL, repeat };
		double cold;

		drop_caches();
		first = mount_new(b, stack, kind, dir, "first");
		add(results, OP_FIRST_WALK, time_walk(first, "tree"));

		second = mount_new(b, stack, kind, dir, "second");
		cold = time_walk(second, "tree");
		add(results, OP_SECOND_WALK, cold);
		add(results, OP_SECOND_WALK_LINKED, cold);
		add(results, OP_SECOND_WALK_DROPPED, cold);
		at.root = second;
		op_all_warm(&at);
		measure_mounts(b, stack, kind, dir);
		unmount(second);
		unmount(first);
		remove_container(dir, "second");
		remove_container(dir, "first");
		free(first);
		free(second);
	}
}

void measure(struct bench *b, int stack, enum kind kind, const char *dir)
{
	if (kind == KIND_BARE)
		measure_bare(b, stack, dir);
	else
		measure_stack(b, stack, kind, dir);
}
