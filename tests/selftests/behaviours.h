/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LFS_TEST_BEHAVIOURS_H
#define LFS_TEST_BEHAVIOURS_H

#include "fixture.h"

/**
 * struct row - one behaviour
 * @label: as it is in the table; NULL ends the list
 * @fn: finds out, in the directory that has mnt/, and calls cell()
 * @many: the tree has a directory many/, with 300 names
 * @prog: the tree has a program
 */
struct row {
	const char *label;
	void (*fn)(void);
	bool many, prog;
};

extern const struct row rows[];

/* What goes into the table. */
void cell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* @ok if @rc is not negative, else the errno. */
void cell_rc(long rc, const char *ok);
/* Is mnt/ a plain directory?  Then there is no upper/. */
bool is_plain(void);
/* As after a reboot. */
void probe_remount(void);

#endif
