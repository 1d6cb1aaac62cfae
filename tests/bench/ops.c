// SPDX-License-Identifier: GPL-2.0-only
/* bench ops: single operations, one row each. */
#include <stdlib.h>

#include "ops.h"
#include "tree.h"

static const struct row rows[NR_OPS] = {
	[OP_STAT] = { "stat", "stat, warm", .aim = 1.03 },
	[OP_ABSENT] = { "absent", "absent name again", .aim = 1.01 },
	[OP_SECOND_WALK] = { "second_walk", "second container's cold walk, an entry", .aim = 1.5 },
	[OP_SECOND_WALK_LINKED] = { "second_walk_linked", "  bare: names cold, inodes warm" },
	[OP_SECOND_WALK_DROPPED] = { "second_walk_dropped", "  bare: names and inodes cold" },
	[OP_WALK_AGAIN] = { "walk_again", "walk again, warm, an entry", .aim = 0.85 },
	[OP_ABSENT_SEEN] = { "absent_seen",
		"absent name, another container listed there", .aim = 1.3 },
	[OP_ABSENT_ASKED] = { "absent_asked", "  and asked for it; bare: absent name again" },
	[OP_FIRST_WALK] = { "first_walk", "first container's cold walk, an entry", .aim = 2.0 },
	[OP_STAT_COLD] = { "stat_cold", "first container's stat, never listed there" },
	[OP_SMALL_FIRST] = { "small_first",
		"small directory, second container's first list", .aim = 0.8 },
	[OP_SMALL_AGAIN] = { "small_again", "  listed again after reopening" },
	[OP_BIG_FIRST] = { "big_first", "20,000 names, second container's first list" },
	[OP_BIG_AGAIN] = { "big_again", "  listed again after reopening", .aim = 0.16 },
	[OP_OPEN] = { "open", "open and close", .aim = 1.25 },
	[OP_READ_4K] = { "read_4k", "pread 4 KiB, lower", .aim = 1.03 },
	[OP_READ_4K_UPPER] = { "read_4k_upper", "pread 4 KiB, upper", .aim = 1.03 },
	[OP_WRITE_4K] = { "write_4k", "pwrite 4 KiB, upper", .aim = 1.05 },
	[OP_READ_1M] = { "read_1m", "pread 1 MiB, lower" },
	[OP_READ_1M_UPPER] = { "read_1m_upper", "pread 1 MiB, upper" },
	[OP_WRITE_1M] = { "write_1m", "pwrite 1 MiB, upper" },
	[OP_MMAP_READ] = { "mmap_read", "mmap and read faults, lower, a page" },
	[OP_MMAP_WRITE] = { "mmap_write", "mmap and write faults, upper, a page" },
	[OP_CREATE] = { "create", "create, directory of the upper", .aim = 1.12 },
	[OP_MKDIR] = { "mkdir", "mkdir, the same", .aim = 1.12 },
	[OP_RENAME] = { "rename", "rename, the same", .aim = 1.12 },
	[OP_UNLINK_UPPER] = { "unlink_upper", "unlink, the same", .aim = 1.12 },
	[OP_CREATE_MERGED] = { "create_merged", "create, merged directory" },
	[OP_RENAME_MERGED] = { "rename_merged", "rename of an upper file, merged directory" },
	[OP_UNLINK_MERGED] = { "unlink_merged", "unlink of an upper file, merged directory" },
	[OP_UNLINK_LOWER] = { "unlink_lower", "unlink of a lower file", .aim = 1.2 },
	[OP_UNLINK_LOWER_SEEN] = { "unlink_lower_seen", "  its name looked up before" },
	[OP_CHMOD_LOWER] = { "chmod_lower", "chmod of a small lower file", .aim = 4 },
	[OP_CHMOD_LOWER_SEEN] = { "chmod_lower_seen", "  its name looked up before" },
	[OP_SLAB] = { "slab", "slab per walked entry, bytes", UNIT_BYTES, 850 },
	[OP_MOUNT_FIRST] = { "mount_first", "first mount of the image, new upper, us", UNIT_US },
	[OP_MOUNT_NEW] = { "mount_new", "second mount, new upper, us", UNIT_US },
	[OP_MOUNT] = { "mount", "second mount, used upper, us", UNIT_US, 100 },
	[OP_UMOUNT] = { "umount", "  umount, us", UNIT_US, 30 },
	[OP_MOUNT_IMAGE] = { "mount_image",
		"the same on a mount of all layers, us", UNIT_US, 100 },
	[OP_UMOUNT_IMAGE] = { "umount_image", "  umount, us", UNIT_US, 30 },
	[OP_UMOUNT_WALKED] = { "umount_walked",
		"umount of the second container, walked, us", UNIT_US },
};

static void build(const struct bench *b, int layers, const char *dir)
{
	(void)b;
	if (layers > MAX_LAYERS_WALKED)
		tree_build_few(dir, layers);
	else
		tree_build(dir, layers);
}

static void op_warm(const struct place *at)
{
	op_names_warm(at);
	op_lists(at);
	op_data(at);
	op_changes(at);
}

static void measure_bare(const struct place *at, const char *dir, int layers)
{
	double before;

	caches_drop();
	if (layers > MAX_LAYERS_WALKED) {
		op_mounts_bare(at, dir);
		return;
	}
	op_stat_cold(at);
	before = memory_slab(dir);
	op_walk(at, OP_FIRST_WALK);
	add(at->results, OP_SLAB, (memory_slab(dir) - before) / tree_entries());
	op_walk(at, OP_SECOND_WALK_LINKED);
	op_visit(at);
	op_names_second(at);
	op_walk(at, OP_WALK_AGAIN);
	op_warm(at);
	op_mounts_bare(at, dir);
}

/* Bare does one walk for what are two rows of the others, and the reverse. */
static void share(struct result *results, enum op from, enum op to)
{
	struct result *result = &results[from];

	add(results, to, result->value[result->nr - 1]);
}

static void measure_stack(struct place *at, enum fs_kind kind, int layers,
			  const char *dir)
{
	char *first, *second;
	double start;

	caches_drop();
	start = now();
	first = container_mount(kind, dir, layers, "first");
	add(at->results, OP_MOUNT_FIRST, now() - start);
	at->root = first;
	if (layers <= MAX_LAYERS_WALKED) {
		op_stat_cold(at);
		op_walk(at, OP_FIRST_WALK);
		op_visit(at);
		second = container_mount(kind, dir, layers, "second");
		at->root = second;
		op_walk(at, OP_SECOND_WALK);
		share(at->results, OP_SECOND_WALK, OP_SECOND_WALK_LINKED);
		share(at->results, OP_SECOND_WALK, OP_SECOND_WALK_DROPPED);
		op_names_second(at);
		op_walk(at, OP_WALK_AGAIN);
		op_warm(at);
		op_slab(at, kind, layers, dir);
		unmount(second);
		container_remove(dir, "second");
		free(second);
	}
	op_mounts(at, kind, layers, dir);
	unmount(first);
	container_remove(dir, "first");
	free(first);
}

static void measure(struct bench *b, int stack, enum fs_kind kind,
		    const char *dir, int repeat)
{
	struct place at = { b->results[stack][kind], NULL, repeat };
	int layers = b->layers[stack];
	char *plain, *container, *root;

	if (kind != KIND_BARE) {
		measure_stack(&at, kind, layers, dir);
		return;
	}
	/* At a path as long as the others': each part of it costs. */
	plain = path_of("%s/plain", dir);
	container = container_make(dir, "second");
	root = path_of("%s/root", container);
	mount_bind(plain, root);
	at.root = root;
	measure_bare(&at, dir, layers);
	if (layers <= MAX_LAYERS_WALKED) {
		share(at.results, OP_FIRST_WALK, OP_SECOND_WALK_DROPPED);
		share(at.results, OP_WALK_AGAIN, OP_SECOND_WALK);
	}
	unmount(root);
	container_remove(dir, "second");
	free(root);
	free(container);
	free(plain);
}

const struct program program_ops = {
	.name = "ops",
	.intro = "Single operations. bench.h says what is compared with what.\n",
	.rows = rows,
	.nr_rows = NR_OPS,
	.build = build,
	.measure = measure,
};
