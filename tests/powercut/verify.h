/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a tree is one that a power cut may have left. */
#ifndef PC_VERIFY_H
#define PC_VERIFY_H

#include "model.h"

/**
 * struct verify - what is known about the cut, and what was seen
 * @begun: the last operation that may have been begun
 * @done: the last one that is known to have returned
 * @ordered: the filesystem brings changes of names and attributes to the disk
 *           in their order: all of the tree must be as of one moment
 * @floor: the last sync of everything that has returned
 * @promises: how many operations since then have promised something
 * @nodes: names found
 * @early: objects first changed after @floor that are still as in their layer
 * @late: those that are in the upper
 */
struct verify {
	struct model *m;
	int begun;
	int done;
	bool ordered;
	int floor;
	int promises;
	int nodes;
	int early;
	int late;
	char why[1024];
};

/* Compare the tree at @root.  @upper: where to look for copies, or NULL. */
bool verify_tree(struct verify *v, const char *root, const char *upper);
/* Nothing unknown in the upper; what is found goes to @why. */
bool verify_upper(const char *upper, char *why, size_t size);

#endif
