/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States in which a power cut may leave the disk.
 *
 * In the log the writes that a flush made durable come right before it: a write
 * was completed some time between the flush before and this one, nobody knows
 * when.  Writes with FUA, flushes and marks are where they belong in time.  So
 * two kinds of cuts are certain to be possible:
 *
 * before a flush
 *	Everything up to the flush before is there, all FUA writes since, and any
 *	subset of the other writes since, whole or in part.
 * at an FUA write
 *	The same without these others, and without this write or with a part of it.
 */
#ifndef PC_REPLAY_H
#define PC_REPLAY_H

#include "log.h"

/* Which of the writes that the disk's cache held at the cut have survived. */
enum keep {
	KEEP_NONE,
	KEEP_ALL,
	KEEP_HALF,		/* each with a chance of one half */
	KEEP_MOST,		/* all but one */
	KEEP_ONE,
	KEEP_FIRST,		/* up to some point in time */
	KEEP_TORN,		/* each 4 KiB with a chance of one half */
	NR_KEEPS
};

extern const char * const keep_names[NR_KEEPS];

/**
 * struct cut - a point at which the power goes
 * @at: index of the flush or FUA write that has not completed
 * @keep: what survives
 * @seed: decides what is left to chance in that
 */
struct cut {
	size_t at;
	enum keep keep;
	uint64_t seed;
};

/* What a cut has changed in the image. */
struct undo {
	uint64_t offset;
	uint64_t len;
	char *data;
};

/**
 * struct disk - an image brought forward through the log
 * @next: index of the first entry that is not in it
 * @undo: what a cut has put in on top
 */
struct disk {
	const struct log *log;
	int fd;
	size_t next;
	struct undo *undo;
	size_t nr_undo;
};

/* What was done for figures. */
struct replayed {
	size_t cached;
	size_t kept;
};

/* @nr cuts after entry @from, in order of time; free() them.  Exits if there can be none. */
struct cut *cuts_choose(const struct log *log, size_t from, size_t nr, uint64_t seed);

void disk_init(struct disk *disk, const struct log *log, const char *file, uint64_t size);
void disk_free(struct disk *disk);
/* Make the image what a cut leaves, until disk_uncut().  Cuts must come in order of time. */
void disk_cut(struct disk *disk, const struct cut *cut, struct replayed *sum);
void disk_uncut(struct disk *disk);

#endif
