// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "log.h"

#define MAGIC	0x6a736677736872ULL
#define VERSION	1

struct disk_super {
	uint64_t magic;
	uint64_t version;
	uint64_t nr_entries;
	uint32_t sector_size;
};

struct disk_entry {
	uint64_t sector;
	uint64_t nr_sectors;
	uint64_t flags;
	uint64_t data_len;
};

void log_open(struct log *log, const char *file)
{
	const struct disk_super *super;
	const struct disk_entry *d;
	struct entry *e;
	struct stat st;
	size_t at, unit;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		err(2, "%s", file);
	log->map_len = st.st_size;
	log->map = mmap(NULL, log->map_len, PROT_READ, MAP_SHARED, fd, 0);
	if (log->map == MAP_FAILED)
		err(2, "%s", file);
	close(fd);

	super = log->map;
	if (le64toh(super->magic) != MAGIC || le64toh(super->version) != VERSION)
		errx(2, "%s: no log of writes", file);
	unit = le32toh(super->sector_size);
	log->nr = le64toh(super->nr_entries);
	log->v = calloc(log->nr, sizeof(*log->v));
	if (!log->v)
		err(2, "%s", file);
	at = unit;
	for (e = log->v; e < log->v + log->nr; e++) {
		d = log->map + at;
		at += unit;
		if (at > log->map_len)
			errx(2, "%s: ends in the middle", file);
		e->flags = le64toh(d->flags);
		e->offset = le64toh(d->sector) * unit;
		e->len = le64toh(d->nr_sectors) * unit;
		e->data = log->map + at;
		if (e->flags & LOG_MARK)
			e->data = (const char *)(d + 1);
		else if (!(e->flags & LOG_DISCARD))
			at += e->len;
		if (at > log->map_len)
			errx(2, "%s: ends in the middle", file);
	}
	/* The target writes it when it is removed, unless it ran out of space before. */
	if (log_find_mark(log, "dm-log-writes-end") != (ssize_t)log->nr - 1)
		errx(2, "%s: is not complete", file);
}

void log_close(struct log *log)
{
	free(log->v);
	munmap(log->map, log->map_len);
}

ssize_t log_find_mark(const struct log *log, const char *text)
{
	size_t i;

	for (i = 0; i < log->nr; i++) {
		if ((log->v[i].flags & LOG_MARK) && !strcmp(log->v[i].data, text))
			return i;
	}
	return -1;
}
