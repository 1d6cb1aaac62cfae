/* SPDX-License-Identifier: GPL-2.0-only */
/* A tree as it was found. */
#ifndef PC_SCAN_H
#define PC_SCAN_H

#include <sys/stat.h>

#include "model.h"

#define MAX_FITS 8

/* Whether a file's content may be that of an object: asked often. */
struct fit {
	const struct obj *obj;
	bool ok;
};

struct node {
	char name[256];
	char path[PATH_ROOM * 2];
	struct stat st;
	enum type type;
	char target[64];
	uint32_t xattrs[NR_XATTRS];
	char *data;
	struct fit fits[MAX_FITS];
	int nr_fits;
	const struct obj *obj;
	struct node *children;
	struct node *next;
};

/* NULL, with the reason in @why, if there is anything that nobody may see. */
struct node *scan(const char *root, char *why, size_t size);
/* The content, in memory from then on; NULL if it cannot be read. */
const char *node_data(struct node *node);

#endif
