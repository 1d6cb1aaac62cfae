// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The walk: directories in the order of their names' spelling, each name's
 * line before those below it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store_tree.h"

/* Zeroed blocks of this size are no part of a file's digest */
#define BLOCK		4096
#define READ_SIZE	(64 * BLOCK)
#define NAMES_MAX	65536
/* Deeper directories are closed while those below them are walked */
#define OPEN_DEPTH	64

/* The first name of a file that has several */
struct first {
	ino_t ino;
	char *path;
};

/**
 * struct tree - a walk
 * @walk: the caller's
 * @rootfd: dirfd/fs
 * @hash: over header and lines
 * @firsts: files of several names, a tsearch tree by inode
 * @path: of the name at hand, spelled, "." for the root
 * @raw: the same as it is
 * @depth: of the directory at hand
 * @buf: for data, lists of xattrs and their values
 * @ended: a callback wants no more
 * @err: the caller's
 */
struct tree {
	struct store_tree_walk *walk;
	int rootfd;
	struct layerfs_hash hash;
	void *firsts;
	char *path, *raw;
	unsigned int depth;
	char *buf;
	bool ended;
	struct layerfs_error *err;
};

static int by_ino(const void *a, const void *b)
{
	const struct first *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static void free_first(void *node)
{
	struct first *first = node;

	free(first->path);
	free(first);
}

/* @pathp: where the inode was seen before, NULL for its first name */
static int find_first(struct tree *t, const struct stat *st, const char **pathp)
{
	struct first key = { .ino = st->st_ino }, *first;
	void *node;

	*pathp = NULL;
	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return 0;
	node = tfind(&key, &t->firsts, by_ino);
	if (node) {
		*pathp = (*(struct first **)node)->path;
		return 0;
	}
	first = malloc(sizeof(*first));
	if (!first)
		return -ENOMEM;
	first->ino = st->st_ino;
	first->path = strdup(t->path);
	if (first->path && tsearch(first, &t->firsts, by_ino))
		return 0;
	free_first(first);
	return -ENOMEM;
}

/* What would end a word or a line, or be seen as a pattern, becomes \ooo */
static void put_spelled(FILE *to, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = s[i];

		if (c <= ' ' || c >= 0x7f || strchr("\\#=*?[", c))
			fprintf(to, "\\%03o", c);
		else
			putc(c, to);
	}
}

static char *spell(const char *prefix, const char *s, size_t len)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fputs(prefix, to);
	put_spelled(to, s, len);
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

char *store_tree_path(const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	putc('.', to);
	while (*path) {
		size_t len = strcspn(path, "/");

		putc('/', to);
		put_spelled(to, path, len);
		path += len + strspn(path + len, "/");
	}
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

int store_tree_compare(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (!*a || *a == ' ')
			return 0;
	/* A path's end comes first, and then what lies below it. */
#define RANK(c) ((c) == '\0' || (c) == ' ' ? 0 : (c) == '/' ? 1 : (unsigned char)(c) + 1)
	return RANK(*a) - RANK(*b);
#undef RANK
}

static int ended(struct tree *t, int ret)
{
	t->ended = ret < 0;
	return ret;
}

static int add_block(struct layerfs_hash *hash, uint64_t pos, const char *data, size_t len)
{
	static const char zeros[BLOCK];
	unsigned char offset[8];
	int ret;

	if (!memcmp(data, zeros, len))
		return 0;
	for (int i = 0; i < 8; i++)
		offset[i] = pos >> (8 * i);
	ret = layerfs_hash_update(hash, offset, sizeof(offset));
	return ret ? ret : layerfs_hash_update(hash, data, len);
}

/* From a block's beginning; the end is one, or that of the file */
static int add_range(struct tree *t, struct layerfs_hash *hash, int fd, uint64_t pos,
		     uint64_t end)
{
	while (pos < end) {
		size_t want = end - pos < READ_SIZE ? end - pos : READ_SIZE, got = 0;
		int ret = 0;

		while (got < want) {
			ssize_t n = pread(fd, t->buf + got, want - got, pos + got);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return n ? -errno : -ENODATA;
			got += n;
		}
		for (size_t i = 0; !ret && i < got; i += BLOCK)
			ret = add_block(hash, pos + i, t->buf + i,
					got - i < BLOCK ? got - i : BLOCK);
		if (!ret && t->walk->progress)
			ret = ended(t, t->walk->progress(t->walk->arg, got));
		if (ret)
			return ret;
		pos += got;
	}
	return 0;
}

/* Where the next data is; holes read as zeros and need not be read */
static uint64_t next_data(int fd, uint64_t pos, uint64_t size, uint64_t *endp)
{
	off_t data = lseek(fd, pos, SEEK_DATA), end;

	*endp = size;
	if (data < 0)
		return errno == ENXIO ? size : pos;
	end = lseek(fd, data, SEEK_HOLE);
	if (end >= 0 && (uint64_t)end < size)
		*endp = (end + BLOCK - 1) / BLOCK * BLOCK;
	if (*endp > size)
		*endp = size;
	return data / BLOCK * BLOCK;
}

/*
 * The digest of all blocks that are not zero, each behind its offset: holes
 * cost nothing, however big, and where they are makes no difference.
 */
static int digest_data(struct tree *t, int fd, uint64_t size, char *digest)
{
	struct layerfs_hash hash;
	uint64_t pos = 0, end;
	int ret;

	ret = layerfs_hash_start(&hash);
	if (ret)
		return ret;
	while (!ret && pos < size) {
		uint64_t data = next_data(fd, pos, size, &end);

		if (data < pos)
			data = pos;
		ret = add_range(t, &hash, fd, data, end);
		pos = end;
	}
	if (!ret)
		return layerfs_hash_end(&hash, digest);
	layerfs_hash_abort(&hash);
	return ret;
}

static int put_data(struct tree *t, FILE *to, int dirfd, const char *name, uint64_t size)
{
	char digest[LAYERFS_DIGEST_SIZE];
	int fd, ret;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = digest_data(t, fd, size, digest);
	close(fd);
	if (!ret)
		fprintf(to, " size=%llu data=%s", (unsigned long long)size,
			layerfs_digest_hex(digest));
	return ret;
}

static int put_target(struct tree *t, FILE *to, int dirfd, const char *name)
{
	ssize_t len = readlinkat(dirfd, name, t->buf, READ_SIZE);

	if (len < 0)
		return -errno;
	fputs(" link=", to);
	put_spelled(to, t->buf, len);
	return 0;
}

/* Those that an import makes; others are the machine's own, such as labels */
static bool is_recorded(const char *xattr)
{
	return !strncmp(xattr, "user.", 5) || !strncmp(xattr, "trusted.overlay.", 16) ||
	       !strncmp(xattr, "system.posix_acl_", 17) || !strcmp(xattr, "security.capability");
}

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int put_xattr(struct tree *t, FILE *to, const char *path, const char *xattr)
{
	ssize_t len = lgetxattr(path, xattr, t->buf, READ_SIZE);

	if (len < 0)
		return errno == ENODATA ? 0 : -errno;
	fputs(" xattr.", to);
	put_spelled(to, xattr, strlen(xattr));
	putc('=', to);
	for (ssize_t i = 0; i < len; i++)
		fprintf(to, "%02x", (unsigned char)t->buf[i]);
	return 0;
}

static int put_xattrs(struct tree *t, FILE *to, int dirfd, const char *name)
{
	char path[64 + NAME_MAX];
	char **names = NULL;
	size_t nr = 0;
	char *list;
	ssize_t len;
	int ret = 0;

	/* There is no llistxattrat(). */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	len = llistxattr(path, t->buf, NAMES_MAX);
	if (len <= 0)
		return len && errno != EOPNOTSUPP ? -errno : 0;
	list = malloc(len);
	if (!list)
		return -ENOMEM;
	memcpy(list, t->buf, len);
	names = calloc(len, sizeof(*names));
	if (!names)
		ret = -ENOMEM;
	for (char *p = list; !ret && p < list + len; p += strlen(p) + 1)
		if (is_recorded(p))
			names[nr++] = p;
	if (nr)
		qsort(names, nr, sizeof(*names), by_string);
	for (size_t i = 0; !ret && i < nr; i++)
		ret = put_xattr(t, to, path, names[i]);
	free(names);
	free(list);
	return ret;
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "dir";
	case S_IFLNK: return "link";
	case S_IFCHR: return "char";
	case S_IFBLK: return "block";
	case S_IFIFO: return "fifo";
	}
	return "socket";
}

static int put_attributes(struct tree *t, FILE *to, int dirfd, const char *name,
			  const struct stat *st)
{
	int ret = 0;

	fprintf(to, " uid=%u gid=%u", st->st_uid, st->st_gid);
	if (!S_ISLNK(st->st_mode))
		fprintf(to, " mode=%04o", st->st_mode & 07777);
	fprintf(to, " time=%lld.%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	if (S_ISREG(st->st_mode))
		ret = put_data(t, to, dirfd, name, st->st_size);
	else if (S_ISLNK(st->st_mode))
		ret = put_target(t, to, dirfd, name);
	else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		fprintf(to, " device=linux,%u,%u", major(st->st_rdev), minor(st->st_rdev));
	return ret ? ret : put_xattrs(t, to, dirfd, name);
}

static int count(struct tree *t, const struct stat *st)
{
	struct store_tree_walk *walk = t->walk;

	walk->inodes++;
	if (S_ISREG(st->st_mode) &&
	    __builtin_add_overflow(walk->size, (uint64_t)st->st_size, &walk->size))
		return -EOVERFLOW;
	return walk->size > INT64_MAX ? -EOVERFLOW : 0;
}

static int put_line(struct tree *t, const char *line, size_t len)
{
	int ret = layerfs_hash_update(&t->hash, line, len);

	if (!ret)
		ret = layerfs_hash_update(&t->hash, "\n", 1);
	return !ret && t->walk->line ? ended(t, t->walk->line(t->walk->arg, line)) : ret;
}

static int bad(struct tree *t, int error)
{
	if (t->ended && error == -EINTR)
		return layerfs_error_set(t->err, error, "interrupted");
	/* Not about this file */
	if (t->ended || error == -ENOMEM || error == -EMFILE || error == -ENFILE)
		return layerfs_error_sys(t->err, error, "cannot go through its files");
	if (t->walk->bad)
		return ended(t, t->walk->bad(t->walk->arg, t->path, -error));
	return layerfs_error_sys(t->err, error, "cannot read its file %s", t->path);
}

static int one_name(struct tree *t, int dirfd, const char *name, struct stat *st)
{
	const char *first;
	char *line = NULL;
	size_t len;
	FILE *to;
	int ret;

	if (fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	ret = find_first(t, st, &first);
	if (!ret && !first)
		ret = count(t, st);
	to = ret ? NULL : open_memstream(&line, &len);
	if (!to)
		return ret ? ret : -ENOMEM;
	fprintf(to, "%s type=%s", t->path, type_name(st->st_mode));
	if (first)
		fprintf(to, " hardlink=%s", first);
	else
		ret = put_attributes(t, to, dirfd, name, st);
	if (fclose(to) && !ret)
		ret = -ENOMEM;
	if (!ret)
		ret = put_line(t, line, len);
	free(line);
	return ret;
}

struct name {
	char *raw;
	char *spelled;
};

struct names {
	struct name *names;
	size_t nr, max;
};

static void free_names(struct names *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		free(list->names[i].raw);
		free(list->names[i].spelled);
	}
	free(list->names);
}

static int add_name(struct names *list, const char *raw)
{
	struct name name;

	if (list->nr == list->max) {
		size_t max = list->max ? 2 * list->max : 16;
		struct name *grown = reallocarray(list->names, max, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->names = grown;
		list->max = max;
	}
	name.raw = strdup(raw);
	name.spelled = spell("", raw, strlen(raw));
	if (!name.raw || !name.spelled) {
		free(name.raw);
		free(name.spelled);
		return -ENOMEM;
	}
	list->names[list->nr++] = name;
	return 0;
}

static int by_spelling(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->spelled, y->spelled);
}

static int read_names(int fd, struct names *list)
{
	struct dirent *de;
	int copy, ret = 0;
	DIR *dir;

	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir) {
		ret = -errno;
		if (copy >= 0)
			close(copy);
		return ret;
	}
	while (!ret && (errno = 0, de = readdir(dir)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			ret = add_name(list, de->d_name);
	if (!ret && errno)
		ret = -errno;
	closedir(dir);
	if (list->nr)
		qsort(list->names, list->nr, sizeof(*list->names), by_spelling);
	return ret;
}

/* The directory at hand again: a path in a layer is no longer than PATH_MAX */
static int reopen(struct tree *t)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = syscall(SYS_openat2, t->rootfd, t->raw, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int extend(char **path, const char *name, char **old)
{
	char *longer;

	if (asprintf(&longer, "%s/%s", *path, name) < 0)
		return -ENOMEM;
	*old = *path;
	*path = longer;
	return 0;
}

static void restore(char **path, char *old)
{
	if (!old)
		return;
	free(*path);
	*path = old;
}

static int walk_dir(struct tree *t, int fd);

static int walk_below(struct tree *t, int *dirfd, const char *name)
{
	int fd, ret;

	fd = openat(*dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return bad(t, -errno);
	if (t->depth >= OPEN_DEPTH) {
		close(*dirfd);
		*dirfd = -1;
	}
	t->depth++;
	ret = walk_dir(t, fd);
	t->depth--;
	return ret;
}

static int walk_name(struct tree *t, int *dirfd, const struct name *name)
{
	char *path = NULL, *raw = NULL;
	struct stat st;
	int ret;

	if (*dirfd < 0) {
		*dirfd = reopen(t);
		if (*dirfd < 0)
			return bad(t, *dirfd);
	}
	ret = extend(&t->path, name->spelled, &path);
	if (!ret)
		ret = extend(&t->raw, name->raw, &raw);
	if (!ret) {
		st.st_mode = 0;
		ret = one_name(t, *dirfd, name->raw, &st);
		if (ret)
			ret = bad(t, ret);
		if (!ret && S_ISDIR(st.st_mode))
			ret = walk_below(t, dirfd, name->raw);
	}
	restore(&t->raw, raw);
	restore(&t->path, path);
	return ret;
}

/* Takes the descriptor */
static int walk_dir(struct tree *t, int fd)
{
	struct names list = { 0 };
	int ret;

	ret = read_names(fd, &list);
	if (ret)
		ret = bad(t, ret);
	for (size_t i = 0; !ret && i < list.nr; i++)
		ret = walk_name(t, &fd, &list.names[i]);
	free_names(&list);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int walk_root(struct tree *t)
{
	struct stat st;
	int fd, ret;

	ret = one_name(t, t->rootfd, ".", &st);
	if (ret)
		return bad(t, ret);
	fd = openat(t->rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? bad(t, -errno) : walk_dir(t, fd);
}

int store_tree_walk(int dirfd, struct store_tree_walk *walk, struct layerfs_error *err)
{
	struct tree t = { .walk = walk, .err = err };
	int ret;

	walk->size = 0;
	walk->inodes = 0;
	t.rootfd = openat(dirfd, "fs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t.rootfd < 0)
		return layerfs_error_sys(err, -errno, "cannot open its directory fs");
	t.path = strdup(".");
	t.raw = strdup(".");
	t.buf = malloc(READ_SIZE);
	ret = t.path && t.raw && t.buf ? layerfs_hash_start(&t.hash) : -ENOMEM;
	if (!ret)
		ret = layerfs_hash_update(&t.hash, STORE_TREE_HEADER,
					  strlen(STORE_TREE_HEADER));
	if (ret)
		layerfs_error_sys(err, ret, "cannot start going through its files");
	else
		ret = walk_root(&t);
	if (!ret)
		ret = layerfs_hash_end(&t.hash, walk->digest);
	layerfs_hash_abort(&t.hash);
	tdestroy(t.firsts, free_first);
	free(t.path);
	free(t.raw);
	free(t.buf);
	close(t.rootfd);
	return ret;
}
