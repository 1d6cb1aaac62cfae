/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What dm-log-writes has recorded.  The kernel's document "dm-log-writes" and
 * the comments in its source describe the format and the order.
 */
#ifndef PC_LOG_H
#define PC_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOG_FLUSH = 1,		/* the disk's cache was flushed */
	LOG_FUA = 2,		/* was on the disk when it completed */
	LOG_DISCARD = 4,
	LOG_MARK = 8,		/* @data is what mark() was given */
};

struct entry {
	uint64_t flags;
	uint64_t offset;	/* on the disk, in bytes */
	uint64_t len;		/* in bytes */
	const char *data;
};

struct log {
	struct entry *v;
	size_t nr;
	void *map;
	size_t map_len;
};

/* Exits if the file is no complete log. */
void log_open(struct log *log, const char *file);
void log_close(struct log *log);
/* The mark's index, or -1. */
ssize_t log_find_mark(const struct log *log, const char *text);

/* Whether it may be missing after a cut before the next flush. */
static inline bool entry_is_cached(const struct entry *e)
{
	return !(e->flags & (LOG_FLUSH | LOG_FUA | LOG_MARK));
}

#endif
