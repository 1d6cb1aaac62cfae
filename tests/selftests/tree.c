// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directory trees: made, listed, compared, removed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness.h"
#include "tree.h"

#define TEXT_MAX	65536
#define TEXT_BUFS	4

char tree_error[4200];

void mk_dir(const char *path)
{
	if (mkdir(path, 0755))
		FAIL("mkdir %s: %s", path, strerror(errno));
}

void mk_dirs(const char *path)
{
	char buf[PATH_MAX];

	snprintf(buf, sizeof(buf), "%s", path);
	for (char *p = strchr(buf + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(buf, 0755) && errno != EEXIST)
			FAIL("mkdir %s: %s", buf, strerror(errno));
		*p = '/';
	}
	if (mkdir(buf, 0755) && errno != EEXIST)
		FAIL("mkdir %s: %s", buf, strerror(errno));
}

static void write_text(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
	size_t len = strlen(text);

	if (fd < 0)
		FAIL("open %s: %s", path, strerror(errno));
	if (write(fd, text, len) != (ssize_t)len)
		FAIL("write %s: %s", path, strerror(errno));
	close(fd);
}

void mk_file(const char *path, const char *text)
{
	write_text(path, O_CREAT | O_TRUNC, text);
}

void append_file(const char *path, const char *text)
{
	write_text(path, O_APPEND, text);
}

unsigned char pattern_byte(unsigned int seed, size_t pos)
{
	uint32_t x = seed * 2654435761u + (uint32_t)(pos >> 2) * 40503u;

	x ^= x >> 15;
	return x >> ((pos & 3) * 8);
}

void mk_pattern(const char *path, size_t size, unsigned int seed)
{
	static unsigned char buf[65536];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		FAIL("open %s: %s", path, strerror(errno));
	for (size_t pos = 0; pos < size;) {
		size_t n = size - pos < sizeof(buf) ? size - pos : sizeof(buf);

		for (size_t i = 0; i < n; i++)
			buf[i] = pattern_byte(seed, pos + i);
		if (write(fd, buf, n) != (ssize_t)n)
			FAIL("write %s: %s", path, strerror(errno));
		pos += n;
	}
	close(fd);
}

void mk_whiteout(const char *path)
{
	if (mknod(path, S_IFCHR, makedev(0, 0)))
		FAIL("mknod %s: %s", path, strerror(errno));
}

void mk_xattr(const char *path, const char *name, const char *value)
{
	if (lsetxattr(path, name, value, strlen(value), 0))
		FAIL("setxattr %s %s: %s", path, name, strerror(errno));
}

void mk_opaque(const char *path)
{
	mk_xattr(path, "trusted.overlay.opaque", "y");
}

void mk_redirect(const char *path, const char *to)
{
	mk_xattr(path, "trusted.overlay.redirect", to);
}

void mk_mtime(const char *path, time_t sec, long nsec)
{
	struct timespec ts[2] = { { sec, nsec }, { sec, nsec } };

	if (utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW))
		FAIL("utimensat %s: %s", path, strerror(errno));
}

static char *text_buffer(void)
{
	static char bufs[TEXT_BUFS][TEXT_MAX + 1];
	static int turn;

	return bufs[turn++ % TEXT_BUFS];
}

const char *cat_fd(int fd)
{
	char *buf = text_buffer();
	ssize_t n, len = 0;

	while ((n = pread(fd, buf + len, TEXT_MAX - len, len)) > 0)
		len += n;
	if (n < 0)
		FAIL("pread: %s", strerror(errno));
	buf[len] = '\0';
	return buf;
}

const char *cat(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *text;

	if (fd < 0)
		FAIL("open %s: %s", path, strerror(errno));
	text = cat_fd(fd);
	close(fd);
	return text;
}

struct stat stat_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		FAIL("lstat %s: %s", path, strerror(errno));
	return st;
}

bool exists(const char *path)
{
	struct stat st;

	if (!lstat(path, &st))
		return true;
	if (errno != ENOENT && errno != ENOTDIR)
		FAIL("lstat %s: %s", path, strerror(errno));
	return false;
}

const char *xattr_of(const char *path, const char *name)
{
	char *buf = text_buffer();
	ssize_t n = lgetxattr(path, name, buf, TEXT_MAX);

	if (n < 0) {
		if (errno != ENODATA)
			FAIL("getxattr %s %s: %s", path, name, strerror(errno));
		return NULL;
	}
	buf[n] = '\0';
	return buf;
}

bool is_whiteout(const char *path)
{
	struct stat st = stat_of(path);

	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

bool is_opaque(const char *path)
{
	const char *v = xattr_of(path, "trusted.overlay.opaque");

	return v && !strcmp(v, "y");
}

const char *ls(const char *path)
{
	char *buf = text_buffer();
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	size_t len = 0;

	if (n < 0)
		FAIL("scandir %s: %s", path, strerror(errno));
	buf[0] = '\0';
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i]->d_name, ".") && strcmp(names[i]->d_name, ".."))
			len += snprintf(buf + len, TEXT_MAX - len, "%s%s",
					len ? " " : "", names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return buf;
}

static int list_error(const char *path)
{
	int err = errno;

	snprintf(tree_error, sizeof(tree_error), "%s: %s", path, strerror(err));
	errno = err;
	return -1;
}

/* Content as a number: FNV-1a, eight bytes at a time. */
static int hash_file(const char *path, uint64_t *hash)
{
	static uint64_t buf[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);
	uint64_t h = 0xcbf29ce484222325u;
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		memset((char *)buf + n, 0, -n & 7);
		for (ssize_t i = 0; i < (n + 7) / 8; i++)
			h = (h ^ buf[i]) * 0x100000001b3u + (h >> 47);
	}
	*hash = h;
	if (n < 0) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	close(fd);
	return 0;
}

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_xattrs(const char *path, unsigned int flags, FILE *f)
{
	char names[4096], value[4096], *sorted[64];
	ssize_t len = llistxattr(path, names, sizeof(names));
	size_t n = 0;

	if (len < 0)
		return -1;
	for (char *p = names; p < names + len && n < 64; p += strlen(p) + 1)
		if (!(flags & LIST_NO_MARKS) ||
		    strncmp(p, "trusted.overlay.", 16))
			sorted[n++] = p;
	qsort(sorted, n, sizeof(*sorted), by_string);
	for (size_t i = 0; i < n; i++) {
		ssize_t vlen = lgetxattr(path, sorted[i], value, sizeof(value));

		if (vlen < 0)
			return -1;
		fprintf(f, " %s=", sorted[i]);
		for (ssize_t j = 0; j < vlen; j++)
			fprintf(f, value[j] > ' ' && value[j] < 127 ? "%c" : "\\%02hhx",
				value[j]);
	}
	return 0;
}

static int list_body(const char *path, const struct stat *st, FILE *f)
{
	char target[PATH_MAX];
	uint64_t hash;
	ssize_t n;

	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		if (hash_file(path, &hash))
			return -1;
		fprintf(f, " size=%lld hash=%016llx", (long long)st->st_size,
			(unsigned long long)hash);
		return 0;
	case S_IFLNK:
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			return -1;
		target[n] = '\0';
		fprintf(f, " -> %s", target);
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		fprintf(f, " dev=%u:%u", major(st->st_rdev), minor(st->st_rdev));
	}
	return 0;
}

static int list_line(const char *path, const char *rel, const struct stat *st,
		     unsigned int flags, struct listing *out)
{
	char *line = NULL;
	size_t len;
	FILE *f = open_memstream(&line, &len);
	int rc;

	fprintf(f, "%s %07o %u:%u", *rel ? rel : ".", st->st_mode, st->st_uid,
		st->st_gid);
	rc = list_body(path, st, f);
	if (flags & LIST_NLINK && !S_ISDIR(st->st_mode))
		fprintf(f, " nlink=%lu", (unsigned long)st->st_nlink);
	if (flags & LIST_OLD_MTIME && st->st_mtime >= OLD_BEFORE)
		fprintf(f, " mtime=now");
	else if (flags & (LIST_MTIME | LIST_OLD_MTIME))
		fprintf(f, " mtime=%lld.%09ld", (long long)st->st_mtime,
			st->st_mtim.tv_nsec);
	if (flags & LIST_CTIME)
		fprintf(f, " ctime=%lld.%09ld", (long long)st->st_ctime,
			st->st_ctim.tv_nsec);
	if (!rc && flags & LIST_XATTR)
		rc = list_xattrs(path, flags, f);
	fclose(f);
	if (rc) {
		free(line);
		return list_error(path);
	}
	if (out->count == out->room) {
		out->room = out->room ? out->room * 2 : 64;
		out->line = realloc(out->line, out->room * sizeof(*out->line));
	}
	out->line[out->count++] = line;
	return 0;
}

static int list_dir(const char *root, const char *rel, unsigned int flags,
		    struct listing *out)
{
	char path[PATH_MAX], sub[PATH_MAX];
	struct dirent *de;
	struct stat st;
	int rc = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s%s%s", root, *rel ? "/" : "", rel);
	if (lstat(path, &st))
		return list_error(path);
	if (list_line(path, rel, &st, flags, out))
		return -1;
	if (!S_ISDIR(st.st_mode))
		return 0;
	dir = opendir(path);
	if (!dir)
		return list_error(path);
	while (!rc && (errno = 0, de = readdir(dir))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (snprintf(sub, sizeof(sub), "%s%s%s", rel, *rel ? "/" : "",
			     de->d_name) >= (int)sizeof(sub))
			errno = ENAMETOOLONG;
		else
			rc = list_dir(root, sub, flags, out);
	}
	if (!rc && errno)
		rc = list_error(path);
	closedir(dir);
	return rc;
}

int tree_list(const char *root, unsigned int flags, struct listing *out)
{
	*out = (struct listing){};
	if (list_dir(root, "", flags, out)) {
		int err = errno;

		listing_free(out);
		errno = err;
		return -1;
	}
	qsort(out->line, out->count, sizeof(*out->line), by_string);
	return 0;
}

void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->line[i]);
	free(l->line);
	*l = (struct listing){};
}

bool listing_equal(const struct listing *a, const char *a_name,
		   const struct listing *b, const char *b_name, int max)
{
	size_t i = 0, j = 0;
	int diffs = 0;

	while (i < a->count || j < b->count) {
		int c = i == a->count ? 1 : j == b->count ? -1 :
			strcmp(a->line[i], b->line[j]);

		if (c && diffs++ < max)
			test_note("%s only: %s", c < 0 ? a_name : b_name,
				  c < 0 ? a->line[i] : b->line[j]);
		i += c <= 0;
		j += c >= 0;
	}
	if (diffs > max)
		test_note("... %d differing lines in all", diffs);
	return !diffs;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_remove(const char *root)
{
	nftw(root, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
