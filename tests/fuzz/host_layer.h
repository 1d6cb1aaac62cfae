/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers of the unpacking share. Each archive is unpacked into
 *
 *	$LFS_FUZZ_DIR/layerfs-fuzz-XXXXXX/
 *		outside/	must not change in anything
 *		box/layer/	what the archive is unpacked into
 *
 * and whatever it says, nothing but box/layer may have changed afterwards, no
 * file in it may have an xattr of an overlay that no mark asked for, and a
 * failure has a reason.
 */
#ifndef HOST_LAYER_H
#define HOST_LAYER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/canary.h"
#include "unpack.h"
#include "unpack_tree.h"

#define MUST(x) do { \
	if (!(x)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
		abort(); \
	} \
} while (0)

static char outside[PATH_MAX];
static char *canary;
static int top, box;

struct bytes {
	const uint8_t *data;
	size_t len, pos, step;
};

static inline ssize_t pull(void *arg, const void **bufp, struct layerfs_error *err)
{
	struct bytes *b = arg;
	size_t len = b->len - b->pos;

	(void)err;
	if (len > b->step)
		len = b->step;
	*bufp = b->data + b->pos;
	b->pos += len;
	return len;
}

static inline void make_dirs(void)
{
	const char *dir = getenv("LFS_FUZZ_DIR");
	char path[PATH_MAX - 16];

	snprintf(path, sizeof(path), "%s/layerfs-fuzz-XXXXXX", dir ? dir : "/dev/shm");
	MUST(mkdtemp(path));
	snprintf(outside, sizeof(outside), "%s/outside", path);
	top = open(path, O_RDONLY | O_DIRECTORY);
	MUST(!canary_make(top, "outside") && !mkdirat(top, "box", 0755));
	box = openat(top, "box", O_RDONLY | O_DIRECTORY);
	canary = canary_look(top, "outside");
}

static inline int count_names(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *de;
	int nr = 0;

	while ((de = readdir(d)))
		nr += strcmp(de->d_name, ".") && strcmp(de->d_name, "..");
	closedir(d);
	return nr;
}

static inline void check_xattrs(const char *path, bool marks)
{
	static char names[65536];
	ssize_t len = llistxattr(path, names, sizeof(names));

	for (ssize_t i = 0; i < len; i += strlen(names + i) + 1) {
		MUST(strncmp(names + i, "user.overlay.", 13));
		if (!strncmp(names + i, "trusted.", 8))
			MUST(marks && !strcmp(names + i, LAYERFS_XATTR_OPAQUE));
	}
}

/* @path is extended and cut again; what lies too deep for a path is left out */
static inline void check_tree(char path[PATH_MAX], size_t end, bool marks)
{
	DIR *d = opendir(path);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		int n;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		n = snprintf(path + end, PATH_MAX - end, "/%s", de->d_name);
		if (end + n < PATH_MAX) {
			check_xattrs(path, marks);
			if (de->d_type == DT_DIR)
				check_tree(path, end + n, marks);
		}
		path[end] = '\0';
	}
	if (d)
		closedir(d);
}

static inline void check_outside(void)
{
	char *now = canary_look(top, "outside");

	if (strcmp(now, canary))
		fprintf(stderr, "outside was:\n%sand is:\n%s", canary, now);
	MUST(!strcmp(now, canary));
	free(now);
	MUST(count_names(top) == 2 && count_names(box) == 1);
}

/* Whiteouts may leave opaque marks, and a device 0/0 is a whiteout */
static inline bool may_mark(const uint8_t *tar, size_t len)
{
	for (size_t at = 0; at + 512 <= len; at += 512)
		if (tar[at + 156] == '3')
			return true;
	return memmem(tar, len, ".wh.", 4);
}

static inline void unpack_and_look(const uint8_t *data, size_t len, size_t step)
{
	struct bytes b = { .data = data, .len = len, .step = step };
	bool marks = may_mark(data, len);
	struct layerfs_unpacked done;
	struct layerfs_error err = { 0 };
	char path[PATH_MAX];
	int layer, ret;

	MUST(!mkdirat(box, "layer", 0755));
	layer = openat(box, "layer", O_RDONLY | O_DIRECTORY);
	ret = layerfs_unpack(layer, pull, &b, &done, &err);
	close(layer);
	MUST(ret <= 0 && ret == err.code && !ret == !*err.msg);
	check_outside();
	snprintf(path, sizeof(path), "/proc/self/fd/%d/layer", box);
	check_xattrs(path, marks);
	check_tree(path, strlen(path), marks);
	MUST(!unpack_remove_tree(box, "layer"));
}

static inline uint64_t octal(const uint8_t *p, size_t len)
{
	uint64_t n = 0;

	for (; len && *p == ' '; len--)
		p++;
	for (; len && *p >= '0' && *p < '8'; len--)
		n = n << 3 | (*p++ - '0');
	return n;
}

/*
 * Put the checksum of each header of a tar right: without that hardly any input
 * would get past the first one.
 */
static inline void mend_checksums(uint8_t *tar, size_t len)
{
	for (size_t at = 0; at + 512 <= len;) {
		uint8_t *h = tar + at;
		unsigned int sum = 0;
		uint64_t size;
		char text[8];

		for (int i = 0; i < 512; i++)
			sum += i >= 148 && i < 156 ? ' ' : h[i];
		if (sum != 8 * ' ') {
			snprintf(text, sizeof(text), "%06o", sum & 0777777);
			memcpy(h + 148, text, sizeof(text));
			h[155] = ' ';
		}
		size = octal(h + 124, 12);
		at += 512;
		if (size < len)
			at += (size + 511) / 512 * 512;
	}
}

#endif
