// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "random.h"
#include "replay.h"

/* What a disk writes at once, or not at all. */
#define ATOM 4096

const char * const keep_names[NR_KEEPS] = {
	[KEEP_NONE] = "none",	[KEEP_ALL] = "all",	[KEEP_HALF] = "half",
	[KEEP_MOST] = "most",	[KEEP_ONE] = "one",	[KEEP_FIRST] = "first",
	[KEEP_TORN] = "torn",
};

static bool may_cut_at(const struct entry *e)
{
	return (e->flags & LOG_FLUSH) || ((e->flags & LOG_FUA) && e->len);
}

/* The writes in the cache right before the flush at @at: [first, at). */
static size_t first_cached(const struct log *log, size_t at)
{
	if (!(log->v[at].flags & LOG_FLUSH))
		return at;
	while (at && entry_is_cached(&log->v[at - 1]))
		at--;
	return at;
}

static enum keep choose_keep(const struct log *log, size_t at, uint64_t *state)
{
	if (!(log->v[at].flags & LOG_FLUSH))
		return rnd(state) % 4 ? KEEP_NONE : KEEP_TORN;
	if (first_cached(log, at) == at)
		return KEEP_NONE;
	return rnd(state) % NR_KEEPS;
}

struct cut *cuts_choose(const struct log *log, size_t from, size_t nr, uint64_t seed)
{
	size_t *places = calloc(log->nr, sizeof(*places)), n = 0, i;
	struct cut *cuts = calloc(nr, sizeof(*cuts));

	if (!places || !cuts)
		err(2, "cuts");
	for (i = from; i < log->nr; i++) {
		if (may_cut_at(&log->v[i]))
			places[n++] = i;
	}
	if (!n)
		errx(2, "nothing was written between the start and the end of the log");
	/* One place out of each of @nr equal parts. */
	for (i = 0; i < nr; i++) {
		size_t low = i * n / nr, high = (i + 1) * n / nr;

		cuts[i].at = places[low + (high > low ? rnd(&seed) % (high - low) : 0)];
		cuts[i].keep = choose_keep(log, cuts[i].at, &seed);
		cuts[i].seed = rnd(&seed);
	}
	free(places);
	return cuts;
}

static bool is_zero(const char *data, uint64_t len)
{
	return !len || (!data[0] && !memcmp(data, data + 1, len - 1));
}

static void write_image(int fd, const char *data, uint64_t len, uint64_t offset)
{
	/* Zeros, such as of a new journal, take no memory. */
	if (!data || is_zero(data, len)) {
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len))
			err(2, "clearing a part of the image");
	} else if (pwrite(fd, data, len, offset) != (ssize_t)len) {
		err(2, "writing the image");
	}
}

/* A part of a write or a discard. */
static void apply(const struct disk *disk, const struct entry *e, uint64_t from, uint64_t len)
{
	if (len && !(e->flags & LOG_MARK))
		write_image(disk->fd, e->flags & LOG_DISCARD ? NULL : e->data + from, len,
			    e->offset + from);
}

/* The same, to be taken back. */
static void apply_for_now(struct disk *disk, const struct entry *e, uint64_t from, uint64_t len)
{
	struct undo *u;

	if (!len || (e->flags & LOG_MARK))
		return;
	disk->undo = realloc(disk->undo, (disk->nr_undo + 1) * sizeof(*u));
	if (!disk->undo)
		err(2, "undo");
	u = &disk->undo[disk->nr_undo++];
	u->offset = e->offset + from;
	u->len = len;
	u->data = malloc(len);
	if (!u->data || pread(disk->fd, u->data, len, u->offset) != (ssize_t)len)
		err(2, "undo");
	apply(disk, e, from, len);
}

static void apply_torn(struct disk *disk, const struct entry *e, uint64_t *state)
{
	uint64_t done, len;

	for (done = 0; done < e->len; done += len) {
		len = e->len - done < ATOM ? e->len - done : ATOM;
		if (rnd(state) & 1)
			apply_for_now(disk, e, done, len);
	}
}

void disk_init(struct disk *disk, const struct log *log, const char *file, uint64_t size)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	*disk = (struct disk) { .log = log, .fd = fd };
	if (fd < 0 || ftruncate(fd, size))
		err(2, "%s", file);
}

void disk_free(struct disk *disk)
{
	free(disk->undo);
	close(disk->fd);
}

static bool survives(const struct cut *cut, size_t i, size_t chosen, uint64_t *state)
{
	switch (cut->keep) {
	case KEEP_ALL:
		return true;
	case KEEP_HALF:
		return rnd(state) & 1;
	case KEEP_MOST:
		return i != chosen;
	case KEEP_ONE:
		return i == chosen;
	case KEEP_FIRST:
		return i < chosen;
	default:
		return false;
	}
}

void disk_cut(struct disk *disk, const struct cut *cut, struct replayed *sum)
{
	size_t first = first_cached(disk->log, cut->at), nr = cut->at - first, i;
	const struct entry *e = disk->log->v;
	uint64_t state = cut->seed;
	size_t chosen = nr ? rnd(&state) % nr : 0;

	for (; disk->next < first; disk->next++)
		apply(disk, &e[disk->next], 0, e[disk->next].len);
	for (i = 0; i < nr; i++) {
		if (cut->keep == KEEP_TORN)
			apply_torn(disk, &e[first + i], &state);
		else if (survives(cut, i, chosen, &state))
			apply_for_now(disk, &e[first + i], 0, e[first + i].len);
		else
			continue;
		sum->kept++;
	}
	if (!nr && cut->keep == KEEP_TORN)
		apply_torn(disk, &e[cut->at], &state);
	sum->cached += nr;
}

void disk_uncut(struct disk *disk)
{
	struct undo *u;

	while (disk->nr_undo) {
		u = &disk->undo[--disk->nr_undo];
		write_image(disk->fd, u->data, u->len, u->offset);
		free(u->data);
	}
}
