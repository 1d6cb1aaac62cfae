/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree that is measured:
 *
 *	tree/tT/dD/fF	walked
 *	link/tT/dD/fF	the same files by other names, only in the plain tree
 *	seen/fF		walked by the first container; the second asks for absent names
 *	cold/fF		stat by name, never listed before
 *	small/dD/fF	a few names, but each layer has the directory
 *	big/fF		listed
 *	prey/uF, vF	unlinked
 *	prey/cF, dF	changed
 *	page, meg	read
 */
#ifndef _TREE_H
#define _TREE_H

#include <stddef.h>

#define TREE_TOPS	2
#define TREE_DIRS	8		/* in each of these */
#define TREE_FILES	192		/* in each of those */
#define SEEN_FILES	192
#define COLD_FILES	192
#define SMALL_DIRS	8
#define SMALL_FILES	16
#define BIG_FILES	20000
#define VICTIMS		32		/* of an operation, each time it is measured */
#define PAGE_BYTES	4096
#define MEG_BYTES	1048576

/* Layers in DIR/l0 (the top) to DIR/lN-1; the whole in DIR/plain. */
void tree_build(const char *dir, int layers);
void tree_build_few(const char *dir, int layers);
void tree_deal(const char *plain, const char *dir, int layers);
void tree_remove(const char *dir);
void tree_make_file(const char *path, size_t size);
void tree_make_parents(const char *path);
unsigned int tree_walk(const char *dir);
unsigned int tree_entries(void);

#endif /* _TREE_H */
