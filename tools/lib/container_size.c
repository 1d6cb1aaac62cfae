// SPDX-License-Identifier: LGPL-2.1-or-later
/* What an upper holds, measured as the store measures layers. */
#include <errno.h>
#include <fts.h>
#include <search.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "container.h"

static int by_ino(const void *a, const void *b)
{
	const ino_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A file of several names counts once. 1: not seen so far; 0; -ENOMEM */
static int first_name(void **seen, const struct stat *st)
{
	ino_t *ino;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return 1;
	if (tfind(&st->st_ino, seen, by_ino))
		return 0;
	ino = malloc(sizeof(*ino));
	if (!ino)
		return -ENOMEM;
	*ino = st->st_ino;
	if (tsearch(ino, seen, by_ino))
		return 1;
	free(ino);
	return -ENOMEM;
}

int layerfs_container_size(const struct layerfs_container *c, uint64_t *size,
			   uint64_t *inodes, struct layerfs_error *err)
{
	char *paths[] = { c->upper, NULL };
	void *seen = NULL;
	FTSENT *entry;
	FTS *fts;
	int ret = 0;

	*size = *inodes = 0;
	if (!c->upper)
		return 0;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	if (!fts)
		return layerfs_error_sys(err, -errno, "'%s'", c->upper);
	while (ret >= 0 && (errno = 0, entry = fts_read(fts))) {
		if (entry->fts_info == FTS_DP)
			continue;
		/* A container that runs meanwhile may remove what was listed. */
		if (entry->fts_errno == ENOENT && entry->fts_level)
			continue;
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
		    entry->fts_info == FTS_NS) {
			ret = -entry->fts_errno;
			break;
		}
		ret = first_name(&seen, entry->fts_statp);
		if (ret > 0) {
			(*inodes)++;
			if (S_ISREG(entry->fts_statp->st_mode))
				*size += entry->fts_statp->st_size;
		}
	}
	if (ret >= 0)
		ret = -errno;
	tdestroy(seen, free);
	fts_close(fts);
	if (ret < 0)
		return layerfs_error_sys(err, ret, "size of '%s'", c->upper);
	return 0;
}
