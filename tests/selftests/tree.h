/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directory trees: made from calls, listed in full, compared line by line.
 * The mk_* functions fail the test when they cannot do what they say.
 */
#ifndef LFS_TEST_TREE_H
#define LFS_TEST_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

void mk_dir(const char *path);
/* With its parents, and no complaint when it exists. */
void mk_dirs(const char *path);
/* A file of this text; an existing one is overwritten. */
void mk_file(const char *path, const char *text);
/* A file of @size bytes, the byte at position i being pattern_byte(seed, i). */
void mk_pattern(const char *path, size_t size, unsigned int seed);
unsigned char pattern_byte(unsigned int seed, size_t pos);
void mk_whiteout(const char *path);
void mk_opaque(const char *path);
void mk_redirect(const char *path, const char *to);
void mk_xattr(const char *path, const char *name, const char *value);
void mk_mtime(const char *path, time_t sec, long nsec);
void append_file(const char *path, const char *text);

/* The content as a string, in one of a few static buffers. */
const char *cat(const char *path);
const char *cat_fd(int fd);
struct stat stat_of(const char *path);
bool exists(const char *path);
/* The xattr's value as a string, NULL when there is none; static buffer. */
const char *xattr_of(const char *path, const char *name);
bool is_whiteout(const char *path);
bool is_opaque(const char *path);
/* The names of a directory, sorted, separated by a space, without . and .. */
const char *ls(const char *path);

/* What a line of a listing tells besides path, type, mode, owner and content. */
#define LIST_NLINK	(1 << 0)	/* of everything but directories */
#define LIST_MTIME	(1 << 1)
#define LIST_CTIME	(1 << 2)
#define LIST_OLD_MTIME	(1 << 3)	/* when before OLD_BEFORE, else "now" */
#define LIST_XATTR	(1 << 4)
#define LIST_NO_MARKS	(1 << 5)	/* of those, not trusted.overlay.* */
#define LIST_ALL	(LIST_NLINK | LIST_MTIME | LIST_CTIME | LIST_XATTR)

/* Times that a test sets lie before this; what the clock sets lies after. */
#define OLD_BEFORE	1000000000

/**
 * struct listing - a tree, a line an entry, sorted
 */
struct listing {
	char **line;
	size_t count, room;
};

/* 0, or -1 with errno set and the path in tree_error. */
int tree_list(const char *root, unsigned int flags, struct listing *out);
extern char tree_error[4200];
void listing_free(struct listing *l);
/* Prints what differs (at most @max lines) by test_note; true when equal. */
bool listing_equal(const struct listing *a, const char *a_name,
		   const struct listing *b, const char *b_name, int max);
void tree_remove(const char *root);

#endif
