// SPDX-License-Identifier: GPL-2.0-only
/* bench scale: many containers of one image at once. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "tree.h"

#define DIRS	8
#define FILES	25		/* in each of these: 200 files */
#define LAST	10		/* the last tenth */

enum scale {
	SCALE_MOUNT,
	SCALE_MOUNT_LAST,
	SCALE_MOUNT_USED,
	SCALE_UMOUNT_IDLE,
	SCALE_MOUNT_IMAGE,
	SCALE_UMOUNT_IMAGE,
	SCALE_WALK_ONE,
	SCALE_WALK,
	SCALE_WALK_AGAIN,
	SCALE_SLAB_IDLE,
	SCALE_SLAB_WALKED,
	SCALE_UMOUNT_WALKED,
	NR_SCALES
};

static const struct row rows[NR_SCALES] = {
	[SCALE_MOUNT] = { "mount", "mount by the list, new upper, us each", UNIT_US },
	[SCALE_MOUNT_LAST] = { "mount_last", "  the last tenth of them, us each", UNIT_US },
	[SCALE_MOUNT_USED] = { "mount_used", "mount by the list, used upper, us each", UNIT_US },
	[SCALE_UMOUNT_IDLE] = { "umount_idle", "  umount, nobody looked in, us each", UNIT_US },
	[SCALE_MOUNT_IMAGE] = { "mount_image", "the same on a mount of all, us each", UNIT_US },
	[SCALE_UMOUNT_IMAGE] = { "umount_image", "  umount, nobody looked in, us each", UNIT_US },
	[SCALE_WALK_ONE] = { "walk_one", "walk of 200 files, the first container" },
	[SCALE_WALK] = { "walk", "walk of 200 files, each other" },
	[SCALE_WALK_AGAIN] = { "walk_again", "  again" },
	[SCALE_SLAB_IDLE] = { "slab_idle", "slab, idle, bytes each", UNIT_BYTES },
	[SCALE_SLAB_WALKED] = { "slab_walked", "slab, after the walk, bytes each", UNIT_BYTES },
	[SCALE_UMOUNT_WALKED] = { "umount_walked", "umount after the walk, us each", UNIT_US },
};

/**
 * struct crowd - the containers
 * @kind: bare ones are mounts of the plain directory
 * @dir: where all is
 * @layers: how many each has
 * @nr: of containers
 * @image: where all layers are mounted, for containers on that; else NULL
 * @paths: upper and work are there
 * @roots: mount points
 */
struct crowd {
	enum fs_kind kind;
	const char *dir;
	int layers;
	int nr;
	const char *image;
	char **paths;
	char **roots;
};

static void build(const struct bench *b, int layers, const char *dir)
{
	int i, layer = 0;
	char *path;

	(void)b;
	for (i = 0; i < layers; i++) {
		path = path_of("%s/l%d/", dir, i);
		tree_make_parents(path);
		free(path);
	}
	for (i = 0; i < DIRS * FILES; i++) {
		path = path_of("%s/l%d/tree/d%d/f%d", dir, layer++ % layers,
			       i / FILES, i % FILES);
		tree_make_file(path, 8);
		free(path);
		path = path_of("%s/plain/tree/d%d/f%d", dir, i / FILES, i % FILES);
		tree_make_file(path, 8);
		free(path);
	}
}

/* Returns how long the one mount took. */
static double mount_one(const struct crowd *c, int i)
{
	char *plain = path_of("%s/plain", c->dir);
	double start = now();

	if (c->kind == KIND_BARE)
		mount_bind(plain, c->roots[i]);
	else if (c->image)
		mount_on_image(c->kind, c->image, c->paths[i], c->roots[i]);
	else
		mount_stack(c->kind, c->dir, c->layers, c->paths[i], c->roots[i]);
	start = now() - start;
	free(plain);
	return start;
}

/* The last tenth alone goes to LAST_ROW, if that is one. */
static void mount_all(const struct crowd *c, struct result *to, int row, int last_row)
{
	int i, last = c->nr - (c->nr + LAST - 1) / LAST;
	double ns = 0, ns_last = 0;

	for (i = 0; i < c->nr; i++) {
		double one = mount_one(c, i);

		ns += one;
		if (i >= last)
			ns_last += one;
	}
	add(to, row, ns / c->nr);
	if (last_row != row)
		add(to, last_row, ns_last / (c->nr - last));
}

static void unmount_all(const struct crowd *c, struct result *to, int row)
{
	double start = now();
	int i;

	for (i = 0; i < c->nr; i++)
		unmount(c->roots[i]);
	add(to, row, (now() - start) / c->nr);
}

static double walk(const struct crowd *c, int from, int until)
{
	double ns = 0;
	int i;

	for (i = from; i < until; i++) {
		char *tree = path_of("%s/tree", c->roots[i]);
		double start = now();
		unsigned int entries = tree_walk(tree);

		ns += now() - start;
		if (entries != DIRS * (FILES + 1))
			die("%s has %u entries", tree, entries);
		free(tree);
	}
	return ns / (until - from);
}

static void measure_crowd(const struct crowd *c, struct result *to)
{
	double slab;

	/* The first one also makes the image. */
	caches_drop();
	slab = memory_slab(c->dir);
	mount_all(c, to, SCALE_MOUNT, SCALE_MOUNT_LAST);
	add(to, SCALE_SLAB_IDLE, (memory_slab(c->dir) - slab) / c->nr);
	add(to, SCALE_WALK_ONE, walk(c, 0, 1));
	if (c->nr > 1)
		add(to, SCALE_WALK, walk(c, 1, c->nr));
	add(to, SCALE_SLAB_WALKED, (memory_slab(c->dir) - slab) / c->nr);
	add(to, SCALE_WALK_AGAIN, walk(c, 0, c->nr));
	unmount_all(c, to, SCALE_UMOUNT_WALKED);
	/* Now upper and work directories have what the first mount makes. */
	mount_all(c, to, SCALE_MOUNT_USED, SCALE_MOUNT_USED);
	unmount_all(c, to, SCALE_UMOUNT_IDLE);
}

static void measure_on_image(struct crowd *c, struct result *to)
{
	char *image = path_of("%s/image", c->dir);

	must(!mkdir(image, 0755), "mkdir", image);
	mount_stack(c->kind, c->dir, c->layers, NULL, image);
	c->image = image;
	mount_all(c, to, SCALE_MOUNT_IMAGE, SCALE_MOUNT_IMAGE);
	unmount_all(c, to, SCALE_UMOUNT_IMAGE);
	unmount(image);
	must(!rmdir(image), "rmdir", image);
	free(image);
}

static void crowd_make(struct crowd *c)
{
	int i;

	c->paths = calloc(c->nr, sizeof(c->paths[0]));
	c->roots = calloc(c->nr, sizeof(c->roots[0]));
	must(c->paths && c->roots, "memory for", c->dir);
	for (i = 0; i < c->nr; i++) {
		char *name = path_of("c%d", i);

		c->paths[i] = container_make(c->dir, name);
		c->roots[i] = path_of("%s/root", c->paths[i]);
		free(name);
	}
}

static void crowd_remove(struct crowd *c)
{
	int i;

	for (i = 0; i < c->nr; i++) {
		tree_remove(c->paths[i]);
		free(c->paths[i]);
		free(c->roots[i]);
	}
	free(c->paths);
	free(c->roots);
}

static void measure(struct bench *b, int stack, enum fs_kind kind,
		    const char *dir, int repeat)
{
	struct result *to = b->results[stack][kind];
	struct crowd c = {
		.kind = kind,
		.dir = dir,
		.layers = b->layers[stack],
		.nr = b->containers,
	};

	(void)repeat;
	crowd_make(&c);
	measure_crowd(&c, to);
	/* overlayfs wants two layers at least if none is to be written. */
	if (kind == KIND_LAYERFS || (kind == KIND_OVERLAY && c.layers > 1))
		measure_on_image(&c, to);
	crowd_remove(&c);
}

const struct program program_scale = {
	.name = "scale",
	.intro = "Many containers of one image of N layers, all mounted at once.\n"
		 "bare: mounts of the plain directory.\n",
	.rows = rows,
	.nr_rows = NR_SCALES,
	.build = build,
	.measure = measure,
};
