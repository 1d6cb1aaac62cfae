// SPDX-License-Identifier: GPL-2.0-only
/* Directories for a container, and its mount. */
#include <stdlib.h>
#include <sys/stat.h>

#include "bench.h"
#include "tree.h"

/* A new upper and work directory, and a mount point. */
char *container_make(const char *dir, const char *name)
{
	static const char *const parts[] = { "", "/upper", "/work", "/root" };
	char *container = path_of("%s/%s", dir, name), *path;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		path = path_of("%s%s", container, parts[i]);
		must(!mkdir(path, 0755), "mkdir", path);
		free(path);
	}
	return container;
}

/* Returns where it is mounted. */
char *container_mount(enum fs_kind kind, const char *dir, int layers,
		      const char *name)
{
	char *container = container_make(dir, name);
	char *root = path_of("%s/root", container);

	mount_stack(kind, dir, layers, container, root);
	free(container);
	return root;
}

void container_remove(const char *dir, const char *name)
{
	char *container = path_of("%s/%s", dir, name);

	tree_remove(container);
	free(container);
}
