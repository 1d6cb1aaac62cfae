// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "scan.h"

static bool scan_xattrs(struct node *node, char *why, size_t size)
{
	char names[1024], value[16];
	ssize_t len = llistxattr(node->path, names, sizeof(names)), n;
	const char *name;
	int i;

	if (len < 0) {
		snprintf(why, size, "%s: listxattr: %s", node->path, strerror(errno));
		return false;
	}
	for (name = names; name < names + len; name += strlen(name) + 1) {
		for (i = 0; i < NR_XATTRS && strcmp(name, xattr_names[i]); i++)
			;
		if (i == NR_XATTRS) {
			snprintf(why, size, "%s: shows the attribute %s", node->path, name);
			return false;
		}
		n = lgetxattr(node->path, name, value, sizeof(value) - 1);
		if (n <= 0) {
			snprintf(why, size, "%s: attribute %s cannot be read, or is empty",
				 node->path, name);
			return false;
		}
		value[n] = '\0';
		node->xattrs[i] = strtoul(value, NULL, 10);
	}
	return true;
}

static bool scan_dir(struct node *dir, char *why, size_t size);

static struct node *scan_one(const char *dir, const char *name, char *why, size_t size)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		err(2, "scan");
	snprintf(node->name, sizeof(node->name), "%s", name);
	snprintf(node->path, sizeof(node->path), "%s%s%s", dir, *name ? "/" : "", name);
	if (lstat(node->path, &node->st)) {
		snprintf(why, size, "%s is listed, but lstat: %s", node->path, strerror(errno));
		return NULL;
	}
	switch (node->st.st_mode & S_IFMT) {
	case S_IFREG:
		node->type = TYPE_FILE;
		break;
	case S_IFDIR:
		node->type = TYPE_DIR;
		break;
	case S_IFLNK:
		node->type = TYPE_SYMLINK;
		if (readlink(node->path, node->target, sizeof(node->target) - 1) < 0) {
			snprintf(why, size, "%s: readlink: %s", node->path, strerror(errno));
			return NULL;
		}
		break;
	case S_IFIFO:
		node->type = TYPE_FIFO;
		break;
	default:
		snprintf(why, size, "%s: mode %o is of nothing that was made", node->path,
			 node->st.st_mode);
		return NULL;
	}
	if (!scan_xattrs(node, why, size))
		return NULL;
	return node->type != TYPE_DIR || scan_dir(node, why, size) ? node : NULL;
}

static bool scan_dir(struct node *dir, char *why, size_t size)
{
	DIR *d = opendir(dir->path);
	struct node *child;
	struct dirent *e;

	if (!d) {
		snprintf(why, size, "%s: opendir: %s", dir->path, strerror(errno));
		return false;
	}
	while ((errno = 0, e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		child = scan_one(dir->path, e->d_name, why, size);
		if (!child) {
			closedir(d);
			return false;
		}
		child->next = dir->children;
		dir->children = child;
	}
	if (errno)
		snprintf(why, size, "%s: readdir: %s", dir->path, strerror(errno));
	closedir(d);
	return !errno;
}

struct node *scan(const char *root, char *why, size_t size)
{
	return scan_one(root, "", why, size);
}

const char *node_data(struct node *node)
{
	size_t size = node->st.st_size;
	int fd;

	if (node->data)
		return node->data;
	fd = open(node->path, O_RDONLY);
	if (fd < 0)
		return NULL;
	node->data = malloc(size + 1);
	/* One more than there should be. */
	if (!node->data || read(fd, node->data, size + 1) != (ssize_t)size) {
		free(node->data);
		node->data = NULL;
	}
	close(fd);
	return node->data;
}
