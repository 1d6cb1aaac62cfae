/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Archives made in memory, honest and hostile ones, and a directory to unpack
 * them into:
 *
 *	<scratch>/
 *		outside/	must never change, see canary.h
 *			secret	"secret"
 *		layer/		what the archive is unpacked into
 */
#ifndef TEST_UNPACK_TAR_H
#define TEST_UNPACK_TAR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "canary.h"
#include "unpack.h"
#include "unpack_tree.h"

#define TAR_MAX (1 << 20)

struct tar {
	char buf[TAR_MAX];
	size_t used, pos;
	struct archive *writer;
};

struct scratch {
	char path[64];
	int layer;
	const void *arg;
	char *canary;
	struct tar tar;
	struct layerfs_unpacked done;
	struct layerfs_error err;
};

static inline void tar_start(struct tar *tar)
{
	tar->used = tar->pos = 0;
	tar->writer = archive_write_new();
	assert_int_equal(archive_write_set_format_pax(tar->writer), ARCHIVE_OK);
	/* Names are bytes: no conversion may stand in the way of odd ones. */
	archive_write_set_options(tar->writer, "hdrcharset=BINARY,xattrheader=SCHILY");
	archive_write_set_bytes_in_last_block(tar->writer, 1);
	assert_int_equal(archive_write_open_memory(tar->writer, tar->buf, TAR_MAX, &tar->used),
			 ARCHIVE_OK);
}

static inline struct archive_entry *tar_entry(const char *name, mode_t mode)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_mode(e, mode);
	archive_entry_set_size(e, 0);
	archive_entry_set_mtime(e, 1000000000, 0);
	return e;
}

/* Writes and frees the entry */
static inline void tar_put(struct tar *tar, struct archive_entry *e, const char *data)
{
	size_t len = data ? strlen(data) : 0;

	if (data)
		archive_entry_set_size(e, len);
	assert_true(archive_write_header(tar->writer, e) >= ARCHIVE_WARN);
	if (len)
		assert_int_equal(archive_write_data(tar->writer, data, len), len);
	archive_entry_free(e);
}

static inline void tar_file(struct tar *tar, const char *name, const char *data)
{
	tar_put(tar, tar_entry(name, S_IFREG | 0644), data);
}

static inline void tar_dir(struct tar *tar, const char *name)
{
	tar_put(tar, tar_entry(name, S_IFDIR | 0755), NULL);
}

static inline void tar_symlink(struct tar *tar, const char *name, const char *target)
{
	struct archive_entry *e = tar_entry(name, S_IFLNK | 0777);

	archive_entry_set_symlink(e, target);
	tar_put(tar, e, NULL);
}

static inline void tar_hardlink(struct tar *tar, const char *name, const char *target)
{
	struct archive_entry *e = tar_entry(name, S_IFREG | 0644);

	archive_entry_set_hardlink(e, target);
	tar_put(tar, e, NULL);
}

static inline void tar_end(struct tar *tar)
{
	assert_int_equal(archive_write_close(tar->writer), ARCHIVE_OK);
	archive_write_free(tar->writer);
}

/* A few bytes at a time, so that headers and data get split */
static inline ssize_t tar_pull(void *arg, const void **bufp, struct layerfs_error *err)
{
	struct tar *tar = arg;
	size_t len = tar->used - tar->pos;

	(void)err;
	if (len > 1000)
		len = 1000;
	*bufp = tar->buf + tar->pos;
	tar->pos += len;
	return len;
}

static inline int unpack_now(struct scratch *s)
{
	s->err.code = 0;
	s->err.msg[0] = '\0';
	return layerfs_unpack(s->layer, tar_pull, &s->tar, &s->done, &s->err);
}

static inline int scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));
	int dir;

	strcpy(s->path, "/var/tmp/layerfs-unit-XXXXXX");
	if (!mkdtemp(s->path))
		return -1;
	dir = open(s->path, O_RDONLY | O_DIRECTORY);
	if (canary_make(dir, "outside") || mkdirat(dir, "layer", 0755))
		return -1;
	s->canary = canary_look(dir, "outside");
	s->layer = openat(dir, "layer", O_RDONLY | O_DIRECTORY);
	close(dir);
	tar_start(&s->tar);
	*state = s;
	return 0;
}

/* Every test ends by looking whether it stayed inside */
static inline int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	int dir = open(s->path, O_RDONLY | O_DIRECTORY);
	char *now = canary_look(dir, "outside");
	int ret = 0;

	if (strcmp(now, s->canary)) {
		fprintf(stderr, "# outside was:\n%s# and is now:\n%s", s->canary, now);
		ret = -1;
	}
	close(s->layer);
	/* rmdir() also fails if there is anything beside the two. */
	if (unpack_remove_tree(dir, "outside") || unpack_remove_tree(dir, "layer") ||
	    rmdir(s->path))
		ret = -1;
	close(dir);
	free(now);
	free(s->canary);
	free(s);
	return ret;
}

/* ---- looking at the result ---- */

static inline struct stat stat_of(struct scratch *s, const char *name)
{
	struct stat st;

	if (fstatat(s->layer, name, &st, AT_SYMLINK_NOFOLLOW))
		fail_msg("%s: %s", name, strerror(errno));
	return st;
}

static inline void assert_absent(struct scratch *s, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(s->layer, name, &st, AT_SYMLINK_NOFOLLOW), -1);
}

static inline void assert_content(struct scratch *s, const char *name, const char *data)
{
	char buf[256] = "";
	int fd = openat(s->layer, name, O_RDONLY | O_NOFOLLOW);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	assert_true(n >= 0);
	assert_string_equal(buf, data);
}

static inline void assert_whiteout(struct scratch *s, const char *name)
{
	struct stat st = stat_of(s, name);

	assert_true(unpack_is_whiteout(&st));
}

static inline ssize_t xattr_of(struct scratch *s, const char *name, const char *xattr,
			       void *buf, size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/layer/%s", s->path, name);
	return lgetxattr(path, xattr, buf, size);
}

static inline int is_opaque(struct scratch *s, const char *name)
{
	char value[8] = "";

	return xattr_of(s, name, LAYERFS_XATTR_OPAQUE, value, sizeof(value)) == 1 &&
	       value[0] == 'y';
}

static inline void assert_refused(struct scratch *s, const char *entry, const char *reason)
{
	assert_true(unpack_now(s) < 0);
	assert_int_not_equal(s->err.code, 0);
	if (!strstr(s->err.msg, entry) || !strstr(s->err.msg, reason))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", s->err.msg, entry, reason);
}

static inline void assert_unpacked(struct scratch *s)
{
	if (unpack_now(s))
		fail_msg("%s", s->err.msg);
}

/* Devices and trusted xattrs are root's */
static inline int run_as_root(const struct CMUnitTest *tests, size_t nr, const char *group)
{
	if (geteuid()) {
		printf("1..0 # SKIP %s needs root\n", group);
		return 0;
	}
	return _cmocka_run_group_tests(group, tests, nr, NULL, NULL);
}

#define scratch_test(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

#endif
