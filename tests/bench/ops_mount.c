// SPDX-License-Identifier: GPL-2.0-only
/* Mounts, and the memory that a container takes. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"
#include "tree.h"

#define MOUNTS 4

/* As mount_stack, or as mount_on_image if IMAGE is one. */
static double time_mount(enum fs_kind kind, int layers, const char *dir,
			 const char *image, const char *upper, const char *root)
{
	double start = now();

	if (image)
		mount_on_image(kind, image, upper, root);
	else
		mount_stack(kind, dir, layers, upper, root);
	return now() - start;
}

static double time_unmount(const char *root)
{
	double start = now();

	unmount(root);
	return now() - start;
}

static void time_mounts(const struct place *at, enum fs_kind kind, int layers,
			const char *dir, const char *image)
{
	char *extra = container_make(dir, "extra");
	char *root = path_of("%s/root", extra);
	double once, mounted = 0, unmounted = 0;
	int i;

	/* The first makes directories in the work directory. */
	once = time_mount(kind, layers, dir, image, extra, root);
	unmount(root);
	if (!image)
		add(at->results, OP_MOUNT_NEW, once);
	for (i = 0; i < MOUNTS; i++) {
		mounted += time_mount(kind, layers, dir, image, extra, root);
		unmounted += time_unmount(root);
	}
	add(at->results, image ? OP_MOUNT_IMAGE : OP_MOUNT, mounted / MOUNTS);
	add(at->results, image ? OP_UMOUNT_IMAGE : OP_UMOUNT, unmounted / MOUNTS);
	container_remove(dir, "extra");
	free(extra);
	free(root);
}

/* Another container of the image is mounted. */
void op_mounts(const struct place *at, enum fs_kind kind, int layers,
	       const char *dir)
{
	char *image = path_of("%s/image", dir);

	time_mounts(at, kind, layers, dir, NULL);
	/* overlayfs wants two at least if none is to be written. */
	if (kind == KIND_LAYERFS || layers > 1) {
		must(!mkdir(image, 0755), "mkdir", image);
		mount_stack(kind, dir, layers, NULL, image);
		time_mounts(at, kind, layers, dir, image);
		unmount(image);
		must(!rmdir(image), "rmdir", image);
	}
	free(image);
}

/* The least that a mount can be: the plain directory once more. */
void op_mounts_bare(const struct place *at, const char *dir)
{
	char *spare = path_of("%s/spare", dir);
	double start, mounted = 0, unmounted = 0;
	int i;

	must(!mkdir(spare, 0755), "mkdir", spare);
	for (i = 0; i < MOUNTS; i++) {
		start = now();
		mount_bind(at->root, spare);
		mounted += now() - start;
		unmounted += time_unmount(spare);
	}
	add(at->results, OP_MOUNT, mounted / MOUNTS);
	add(at->results, OP_UMOUNT, unmounted / MOUNTS);
	must(!rmdir(spare), "rmdir", spare);
	free(spare);
}

/* Of one more container that is walked; then it goes. */
void op_slab(const struct place *at, enum fs_kind kind, int layers,
	     const char *dir)
{
	char *root = container_mount(kind, dir, layers, "third");
	char *tree = path_of("%s/tree", root);
	double before = memory_slab(dir);

	if (tree_walk(tree) != tree_entries())
		die("%s is not whole", tree);
	add(at->results, OP_SLAB, (memory_slab(dir) - before) / tree_entries());
	add(at->results, OP_UMOUNT_WALKED, time_unmount(root));
	container_remove(dir, "third");
	free(root);
	free(tree);
}
