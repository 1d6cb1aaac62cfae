// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "openat2.h"
#include "unpack_tree.h"

/* How much of a path a message shows */
#define SHOWN_MAX	256
/* What is remembered of directories until the end: two million with usual names */
#define DEFERRED_MAX	(256 << 20)

/**
 * struct unpack_dir - what a directory gets at the end
 * @path: the directory
 * @dev: device and
 * @ino: inode that @path meant then; a later entry may have replaced it
 * @times: atime and mtime
 * @acl: its default ACL as the xattr's value, or NULL
 * @acl_len: length of @acl
 */
struct unpack_dir {
	char *path;
	dev_t dev;
	ino_t ino;
	struct timespec times[2];
	void *acl;
	size_t acl_len;
};

static int open_in_root(int root, const char *path, uint64_t flags)
{
	return layerfs_openat2(root, *path ? path : ".", flags,
			       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

static int too_deep(struct layerfs_error *err)
{
	return layerfs_error_set(err, -ENAMETOOLONG,
				 "directories nested more than %d deep are refused",
				 UNPACK_MAX_DEPTH);
}

int unpack_name_parse(const char *raw, struct unpack_name *name, struct layerfs_error *err)
{
	size_t len, depth;
	char *out;

	memset(name, 0, sizeof(*name));
	if (!raw || !*raw)
		return layerfs_error_set(err, -EINVAL, "an entry has no name");
	name->path = malloc(strlen(raw) + 1);
	name->dir = malloc(strlen(raw) + 1);
	if (!name->path || !name->dir) {
		unpack_name_free(name);
		return layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	}

	out = name->path;
	depth = 0;
	for (const char *p = raw; *p; p += len) {
		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (!len || (len == 1 && *p == '.'))
			continue;
		if (len == 2 && !memcmp(p, "..", 2)) {
			unpack_name_free(name);
			return layerfs_error_set(err, -EINVAL, "\"..\" in a name is refused");
		}
		if (++depth > UNPACK_MAX_DEPTH) {
			unpack_name_free(name);
			return too_deep(err);
		}
		if (out != name->path)
			*out++ = '/';
		memcpy(out, p, len);
		out += len;
	}
	*out = '\0';

	name->base = strrchr(name->path, '/');
	len = name->base ? (size_t)(name->base - name->path) : 0;
	name->base = name->base ? name->base + 1 : name->path;
	memcpy(name->dir, name->path, len);
	name->dir[len] = '\0';
	return 0;
}

void unpack_name_free(struct unpack_name *name)
{
	free(name->path);
	free(name->dir);
	memset(name, 0, sizeof(*name));
}

/*
 * How many directories a descriptor's real path has. The kernel gives up at
 * PATH_MAX, which is too deep as well.
 */
static int path_depth(int fd)
{
	char link[64], path[PATH_MAX];
	int depth = 0;
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	if (len < 0)
		return -errno;
	for (ssize_t i = 0; i < len; i++)
		depth += path[i] == '/';
	return depth;
}

int unpack_tree_open(struct unpack_tree *tree, int dirfd, struct layerfs_error *err)
{
	memset(tree, 0, sizeof(*tree));
	tree->parent = -1;
	tree->root = open_in_root(dirfd, ".", O_PATH | O_DIRECTORY);
	if (tree->root < 0)
		return layerfs_error_sys(err, tree->root, "cannot open the layer's directory");
	tree->root_depth = path_depth(tree->root);
	if (tree->root_depth < 0)
		return layerfs_error_sys(err, tree->root_depth,
					 "cannot see the layer's directory in /proc");
	return 0;
}

static void forget_parent(struct unpack_tree *tree)
{
	if (tree->parent >= 0)
		close(tree->parent);
	tree->parent = -1;
	free(tree->parent_path);
	tree->parent_path = NULL;
}

void unpack_tree_close(struct unpack_tree *tree)
{
	forget_parent(tree);
	if (tree->root >= 0)
		close(tree->root);
	tree->root = -1;
	for (size_t i = 0; i < tree->nr_dirs; i++) {
		free(tree->dirs[i].path);
		free(tree->dirs[i].acl);
	}
	free(tree->dirs);
	tree->dirs = NULL;
	tree->nr_dirs = 0;
}

bool unpack_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* One missing directory of a path whose parents are there */
static int make_implied(struct unpack_tree *tree, int parent, const char *path, const char *base,
			const struct timespec *mtime, struct layerfs_error *err)
{
	struct timespec times[2] = { *mtime, *mtime };
	struct stat st;
	int ret;

	if (!fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) && !unpack_is_whiteout(&st)) {
		if (S_ISLNK(st.st_mode))
			return layerfs_error_set(err, -ENOTDIR,
				"its parent \"%.*s\" is a symlink that leads to no directory of this layer",
				SHOWN_MAX, path);
		return layerfs_error_set(err, -ENOTDIR,
					 "its parent \"%.*s\" is no directory in this layer",
					 SHOWN_MAX, path);
	}
	ret = unpack_tree_mkdir(tree, parent, base);
	if (ret)
		return layerfs_error_sys(err, ret, "cannot make its parent \"%.*s\"", SHOWN_MAX, path);
	return unpack_tree_defer(tree, path, parent, base, times, NULL, 0, err);
}

/* Slow path of unpack_tree_parent(): some component is missing or odd */
static int walk_and_make(struct unpack_tree *tree, char *dir, const struct timespec *mtime,
			 struct layerfs_error *err)
{
	const uint64_t step = O_PATH | O_DIRECTORY | O_NOFOLLOW;
	int fd = open_in_root(tree->root, ".", O_PATH | O_DIRECTORY);
	char *end = dir;
	char *base = dir;

	while (fd >= 0 && *base) {
		int next;
		char cut;

		end = base + strcspn(base, "/");
		cut = *end;
		*end = '\0';
		next = open_in_root(fd, base, step);
		/* Only a symlink needs all of the path again. */
		if (next == -ENOTDIR)
			next = open_in_root(tree->root, dir, O_PATH | O_DIRECTORY);
		if (next == -ENOENT || next == -ENOTDIR) {
			next = make_implied(tree, fd, dir, base, mtime, err);
			if (!next)
				next = open_in_root(fd, base, step);
		} else if (next < 0) {
			layerfs_error_sys(err, next, "cannot open its parent \"%.*s\"", SHOWN_MAX, dir);
		}
		*end = cut;
		base = cut ? end + 1 : end;
		close(fd);
		fd = next;
	}
	return fd;
}

/* By symlinks, entries can go deeper than any of their names */
static int check_depth(const struct unpack_tree *tree, int fd, struct layerfs_error *err)
{
	int depth = path_depth(fd);

	if (depth == -ENAMETOOLONG || depth - tree->root_depth >= UNPACK_MAX_DEPTH)
		return too_deep(err);
	if (depth < 0)
		return layerfs_error_sys(err, depth, "cannot see its parent in /proc");
	return 0;
}

int unpack_tree_parent(struct unpack_tree *tree, const char *dir, const struct timespec *mtime,
		       struct layerfs_error *err)
{
	char *path;
	int fd, ret;

	if (tree->parent_path && !strcmp(tree->parent_path, dir))
		return tree->parent;
	path = strdup(dir);
	if (!path)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a name");

	fd = open_in_root(tree->root, dir, O_PATH | O_DIRECTORY);
	if (fd == -ENOENT || fd == -ENOTDIR)
		fd = walk_and_make(tree, path, mtime, err);
	else if (fd < 0)
		layerfs_error_sys(err, fd, "cannot open its parent");
	ret = fd < 0 ? fd : check_depth(tree, fd, err);
	if (ret) {
		if (fd >= 0)
			close(fd);
		free(path);
		return ret;
	}
	forget_parent(tree);
	tree->parent = fd;
	tree->parent_path = path;
	return fd;
}

int unpack_tree_parent_existing(struct unpack_tree *tree, const char *dir)
{
	return open_in_root(tree->root, dir, O_PATH | O_DIRECTORY);
}

int unpack_tree_clear(struct unpack_tree *tree, int parent, const char *base)
{
	struct stat st;

	if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	/* The path of the cached parent may lead elsewhere from now on. */
	free(tree->parent_path);
	tree->parent_path = NULL;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(parent, base, 0) ? -errno : 0;
	return unpack_remove_tree(parent, base);
}

static int mkdir_plain(int parent, const char *base)
{
	if (mkdirat(parent, base, 0755))
		return -errno;
	/* The umask and a setgid parent had their say; they should not. */
	if (fchownat(parent, base, 0, 0, AT_SYMLINK_NOFOLLOW) || fchmodat(parent, base, 0755, 0))
		return -errno;
	return 0;
}

int unpack_tree_mkdir(struct unpack_tree *tree, int parent, const char *base)
{
	struct stat st;
	bool whiteout;
	int ret;

	ret = mkdir_plain(parent, base);
	if (ret != -EEXIST)
		return ret;
	if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return 0;

	whiteout = unpack_is_whiteout(&st);
	ret = unpack_tree_clear(tree, parent, base);
	if (!ret)
		ret = mkdir_plain(parent, base);
	if (ret)
		return ret;
	return whiteout ? unpack_tree_opaque(parent, base) : 0;
}

int unpack_tree_whiteout(int parent, const char *base)
{
	struct stat st;

	if (!mknodat(parent, base, S_IFCHR, makedev(0, 0)))
		return 0;
	if (errno != EEXIST || fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	/* The name is also in this layer, which is not what the mark means. */
	return S_ISDIR(st.st_mode) ? unpack_tree_opaque(parent, base) : 0;
}

int unpack_tree_opaque(int parent, const char *base)
{
	int ret = 0;
	int fd;

	fd = openat(parent, *base ? base : ".",
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsetxattr(fd, LAYERFS_XATTR_OPAQUE, "y", 1, 0))
		ret = -errno;
	close(fd);
	return ret;
}

static struct unpack_dir *new_dir(struct unpack_tree *tree)
{
	struct unpack_dir *dirs = tree->dirs;

	if (tree->nr_dirs == tree->max_dirs) {
		size_t max = tree->max_dirs ? 2 * tree->max_dirs : 256;

		dirs = reallocarray(dirs, max, sizeof(*dirs));
		if (!dirs)
			return NULL;
		tree->dirs = dirs;
		tree->max_dirs = max;
	}
	return &dirs[tree->nr_dirs];
}

int unpack_tree_defer(struct unpack_tree *tree, const char *path, int parent, const char *base,
		      const struct timespec times[2], const void *acl, size_t acl_len,
		      struct layerfs_error *err)
{
	struct unpack_dir *dir = new_dir(tree);
	struct stat st;

	if (fstatat(parent, *base ? base : ".", &st, AT_SYMLINK_NOFOLLOW))
		return layerfs_error_sys(err, -errno, "cannot set its times");
	tree->deferred += sizeof(*dir) + strlen(path) + acl_len;
	if (tree->deferred > DEFERRED_MAX)
		return layerfs_error_set(err, -E2BIG,
			"the archive has too many directories: their names are more than %d MB",
			DEFERRED_MAX >> 20);
	if (!dir)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a directory");
	*dir = (struct unpack_dir) {
		.path = strdup(path),
		.dev = st.st_dev,
		.ino = st.st_ino,
		.times = { times[0], times[1] },
		.acl = acl_len ? malloc(acl_len) : NULL,
		.acl_len = acl_len,
	};
	tree->nr_dirs++;
	if (!dir->path || (acl_len && !dir->acl))
		return layerfs_error_sys(err, -ENOMEM, "no memory for a directory");
	if (acl_len)
		memcpy(dir->acl, acl, acl_len);
	return 0;
}

static int finish_dir(const struct unpack_tree *tree, const struct unpack_dir *dir)
{
	struct stat st;
	int ret = 0;
	int fd;

	fd = open_in_root(tree->root, dir->path, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st)) {
		ret = -errno;
	} else if (st.st_dev == dir->dev && st.st_ino == dir->ino) {
		if (dir->acl && fsetxattr(fd, LAYERFS_XATTR_ACL_DEFAULT, dir->acl,
					  dir->acl_len, 0))
			ret = -errno;
		else if (futimens(fd, dir->times))
			ret = -errno;
	}
	close(fd);
	return ret;
}

int unpack_tree_finish(struct unpack_tree *tree, struct layerfs_error *err)
{
	forget_parent(tree);
	for (size_t i = 0; i < tree->nr_dirs; i++) {
		int ret = finish_dir(tree, &tree->dirs[i]);

		if (ret)
			return layerfs_error_sys(err, ret,
						 "cannot set the times of directory \"%.*s\"",
						 SHOWN_MAX, tree->dirs[i].path);
	}
	return 0;
}
