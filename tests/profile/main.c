// SPDX-License-Identifier: GPL-2.0-only
/* The operations that are profiled, each between two marks (plugin.c). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "tree.h"

#define LOOPS	200

/* What is counted for: an operation on a kind of filesystem. */
enum what {
	P_STAT,
	P_ABSENT,
	P_OPEN,
	P_PREAD,
	P_PWRITE,
	P_LOOKUP,
	P_LIST,
	P_WALK_AGAIN,
	P_CREATE,
	P_UNLINK_UPPER,
	P_UNLINK_LOWER,
	P_CHMOD_LOWER,
	P_REMOVE_TREE,
	P_MOUNT,
	P_UMOUNT,
	P_UMOUNT_WALKED,
	P_MOUNT_IMAGE,
	NR_WHAT
};

static const char *const what_names[NR_WHAT] = {
	"stat", "absent", "open+close", "pread", "pwrite", "second-lookup", "second-list",
	"walk-again", "create", "unlink-upper", "unlink-lower", "chmod-lower", "remove-tree", "mount",
	"umount", "umount-walked", "mount-on-image",
};

/*
 * One function for each mark: the number is part of the instruction.  A table
 * of code, as there is no other way to choose it while running.
 */
#define MARK(n) static void mark_##n(void) \
	{ asm volatile("mov $0x6c667300 + " #n ", %%eax" : : : "eax", "memory"); }
#define MARK8(a, b, c, d, e, f, g, h) MARK(a) MARK(b) MARK(c) MARK(d) MARK(e) MARK(f) MARK(g) MARK(h)
MARK8(0, 1, 2, 3, 4, 5, 6, 7)
MARK8(8, 9, 10, 11, 12, 13, 14, 15)
MARK8(16, 17, 18, 19, 20, 21, 22, 23)
MARK8(24, 25, 26, 27, 28, 29, 30, 31)
MARK8(32, 33, 34, 35, 36, 37, 38, 39)
MARK8(40, 41, 42, 43, 44, 45, 46, 47)
MARK8(48, 49, 50, 51, 52, 53, 54, 55)
MARK(255)
#define M8(a, b, c, d, e, f, g, h) mark_##a, mark_##b, mark_##c, mark_##d, mark_##e, mark_##f, mark_##g, mark_##h
static void (*const marks[])(void) = {
	M8(0, 1, 2, 3, 4, 5, 6, 7), M8(8, 9, 10, 11, 12, 13, 14, 15),
	M8(16, 17, 18, 19, 20, 21, 22, 23), M8(24, 25, 26, 27, 28, 29, 30, 31),
	M8(32, 33, 34, 35, 36, 37, 38, 39), M8(40, 41, 42, 43, 44, 45, 46, 47),
	M8(48, 49, 50, 51, 52, 53, 54, 55),
};

static enum fs_kind kind;

static void begin(enum what what)
{
	marks[what * NR_KINDS + kind]();
}

static void end(enum what what, unsigned int times)
{
	mark_255();
	/* For the table: which mark is what, and by what to divide. */
	printf("%02x %s %s %u\n", what * NR_KINDS + kind, what_names[what], kind_names[kind],
	       times);
}

static void profile_names(const char *root)
{
	char *file = path_of("%s/tree/t1/d3/f7", root);
	char *absent = path_of("%s/tree/t1/d3/absent", root);
	struct stat st;
	int i, fd;

	must(!stat(file, &st), "use", file);
	begin(P_STAT);
	for (i = 0; i < LOOPS; i++)
		stat(file, &st);
	end(P_STAT, LOOPS);

	stat(absent, &st);
	begin(P_ABSENT);
	for (i = 0; i < LOOPS; i++)
		stat(absent, &st);
	end(P_ABSENT, LOOPS);

	fd = open(file, O_RDONLY);
	must(fd >= 0, "use", file);
	close(fd);
	begin(P_OPEN);
	for (i = 0; i < LOOPS; i++)
		close(open(file, O_RDONLY));
	end(P_OPEN, LOOPS);
	free(file);
	free(absent);
}

static void profile_data(const char *root)
{
	char *file = path_of("%s/page", root), *own = path_of("%s/own", root);
	char page[4096] = "";
	int i, fd;

	fd = open(file, O_RDONLY);
	must(fd >= 0 && pread(fd, page, sizeof(page), 0) == sizeof(page), "use", file);
	begin(P_PREAD);
	for (i = 0; i < LOOPS; i++)
		pread(fd, page, sizeof(page), 0);
	end(P_PREAD, LOOPS);
	close(fd);

	fd = open(own, O_RDWR | O_CREAT | O_EXCL, 0644);
	must(fd >= 0 && pwrite(fd, page, sizeof(page), 0) == sizeof(page), "use", own);
	begin(P_PWRITE);
	for (i = 0; i < LOOPS; i++)
		pwrite(fd, page, sizeof(page), 0);
	end(P_PWRITE, LOOPS);
	close(fd);
	free(file);
	free(own);
}

static void profile_changes(const char *root)
{
	static char name[VICTIMS][4096];
	int i, fd;

	/* In a directory of the upper: those of the others are of other sizes. */
	snprintf(name[0], sizeof(name[0]), "%s/own.d", root);
	must(!mkdir(name[0], 0755), "use", name[0]);
	for (i = 0; i < VICTIMS; i++)
		snprintf(name[i], sizeof(name[i]), "%s/own.d/new%d", root, i);
	begin(P_CREATE);
	for (i = 0; i < VICTIMS; i++) {
		fd = open(name[i], O_WRONLY | O_CREAT | O_EXCL, 0644);
		must(fd >= 0, "use", name[i]);
		close(fd);
	}
	end(P_CREATE, VICTIMS);
	begin(P_UNLINK_UPPER);
	for (i = 0; i < VICTIMS; i++)
		must(!unlink(name[i]), "use", name[i]);
	end(P_UNLINK_UPPER, VICTIMS);

	for (i = 0; i < VICTIMS; i++)
		snprintf(name[i], sizeof(name[i]), "%s/prey/u%d", root, i);
	begin(P_UNLINK_LOWER);
	for (i = 0; i < VICTIMS; i++)
		must(!unlink(name[i]), "use", name[i]);
	end(P_UNLINK_LOWER, VICTIMS);

	for (i = 0; i < VICTIMS; i++)
		snprintf(name[i], sizeof(name[i]), "%s/prey/c%d", root, i);
	begin(P_CHMOD_LOWER);
	for (i = 0; i < VICTIMS; i++)
		must(!chmod(name[i], 0600), "use", name[i]);
	end(P_CHMOD_LOWER, VICTIMS);
}

/* As rm -r does it; each file of it is a layer's. */
static void profile_remove(const char *root)
{
	char *dir = path_of("%s/tree/t0", root);

	sync();
	begin(P_REMOVE_TREE);
	tree_remove(dir);
	end(P_REMOVE_TREE, TREE_DIRS * (TREE_FILES + 1) + 1);
	free(dir);
}

/* Each file of a tree by its name, without a listing. */
static void profile_lookup(const char *root, const char *tree)
{
	char *dir = path_of("%s/%s", root, tree), path[64];
	int i, fd = open(dir, O_RDONLY | O_DIRECTORY), nr = TREE_TOPS * TREE_DIRS * TREE_FILES;
	struct stat st;

	must(fd >= 0, "use", dir);
	begin(P_LOOKUP);
	for (i = 0; i < nr; i++) {
		sprintf(path, "t%d/d%d/f%d", i / TREE_FILES / TREE_DIRS,
			i / TREE_FILES % TREE_DIRS, i % TREE_FILES);
		if (fstatat(fd, path, &st, 0))
			die("%s/%s: %s", dir, path, strerror(errno));
	}
	end(P_LOOKUP, nr);
	close(fd);
	free(dir);
}

static void profile_walk(enum what what, const char *root, const char *name)
{
	char *dir = path_of("%s/%s", root, name);

	begin(what);
	tree_walk(dir);
	end(what, 1);
	free(dir);
}

/* Where the container is mounted, or will be. */
static char *place(const char *dir, const char *name, char **container)
{
	char *own = path_of("%s-%s", kind_names[kind], name);

	*container = container_make(dir, own);
	free(own);
	return path_of("%s/root", *container);
}

static char *start(const char *dir, int layers, const char *name)
{
	char *container, *root = place(dir, name, &container);

	mount_stack(kind, dir, layers, container, root);
	return root;
}

/* Of a container that was mounted before: the first time makes its directories. */
static void profile_mount(const char *dir, int layers, const char *image)
{
	char *container, *root = place(dir, image ? "on-image" : "again", &container);
	int i;

	for (i = 0; i < 2; i++) {
		sync();
		if (i)
			begin(image ? P_MOUNT_IMAGE : P_MOUNT);
		if (image)
			mount_on_image(kind, image, container, root);
		else
			mount_stack(kind, dir, layers, container, root);
		if (i)
			end(image ? P_MOUNT_IMAGE : P_MOUNT, 1);
		/* Else the journal commits in the middle, or does not. */
		sync();
		if (i && !image)
			begin(P_UMOUNT);
		unmount(root);
		if (i && !image)
			end(P_UMOUNT, 1);
	}
}

static void profile_stack(const char *dir, int layers)
{
	char *first, *second, *third, *image, *container;

	caches_drop();
	first = start(dir, layers, "first");
	tree_walk(first);
	second = start(dir, layers, "second");
	profile_lookup(second, "tree");
	third = start(dir, layers, "third");
	profile_walk(P_LIST, third, "tree");
	profile_walk(P_WALK_AGAIN, third, "tree");
	profile_names(second);
	profile_data(second);
	profile_changes(second);
	profile_remove(second);
	profile_mount(dir, layers, NULL);
	/* overlayfs wants two at least if none is to be written. */
	if (kind == KIND_LAYERFS || layers > 1) {
		image = place(dir, "image", &container);
		mount_stack(kind, dir, layers, NULL, image);
		profile_mount(dir, layers, image);
		unmount(image);
	}
	sync();
	begin(P_UMOUNT_WALKED);
	unmount(third);
	end(P_UMOUNT_WALKED, 1);
	unmount(second);
	unmount(first);
}

static void profile_bare(const char *dir)
{
	char *container, *root = place(dir, "second", &container);
	char *spare = place(dir, "third", &container);
	char *plain = path_of("%s/plain", dir);

	/* At a path as long as the others': each part of it costs. */
	mount_bind(plain, root);
	caches_drop();
	tree_walk(root);
	profile_lookup(root, "link");
	profile_walk(P_LIST, root, "tree");
	profile_walk(P_WALK_AGAIN, root, "tree");
	profile_names(root);
	profile_data(root);
	profile_changes(root);
	profile_remove(root);
	begin(P_MOUNT);
	mount_bind(plain, spare);
	end(P_MOUNT, 1);
	begin(P_UMOUNT);
	unmount(spare);
	end(P_UMOUNT, 1);
}

int main(int argc, char **argv)
{
	int layers = argc == 3 ? atoi(argv[2]) : 0;

	if (layers < 1 || layers > 500)
		die("Usage: profile DIRECTORY LAYERS");
	must(!mkdir(argv[1], 0755), "mkdir", argv[1]);
	tree_build(argv[1], layers);
	for (kind = 0; kind < NR_KINDS; kind++) {
		if (!mount_supported(kind))
			continue;
		if (kind == KIND_BARE)
			profile_bare(argv[1]);
		else
			profile_stack(argv[1], layers);
	}
	return 0;
}
