/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LFS_TEST_WRONG_MOUNTS_H
#define LFS_TEST_WRONG_MOUNTS_H

#include "fixture.h"

/* Who asks: not by mount(2) or fsconfig(2), as the tool refuses it by itself or ... */
#define TOOL_ONLY	(1 << 0)
/* ... mount.layerfs has no way to give it. */
#define KERNEL_ONLY	(1 << 1)
/* mnt/ is to be remounted, which prepare() has mounted. */
#define REMOUNT		(1 << 2)
/* As a user without rights; as root of a user namespace. */
#define NOBODY		(1 << 3)
#define USERNS		(1 << 4)

/**
 * struct wrong - a wrong mount
 * @title: what is wrong with it; NULL ends the list
 * @options: as for mount -o; for fsconfig(2) they are split at commas
 * @names: every message names this, the option or path at fault,
 * @reason: and has this in it, the reason
 * @prepare: what is there beside make_tree()'s; may skip, by skip()
 * @flags: as above
 * @target: where to mount, if not on mnt
 * @command: instead of all this, a command line
 */
struct wrong {
	const char *title;
	const char *options;
	const char *names;
	const char *reason;
	void (*prepare)(void);
	unsigned int flags;
	const char *target;
	const char *command;
};

extern const struct wrong wrongs[];

/* What rows share, in the scratch directory. */
#define STORE	"wrong_mounts.store"

/* In @prepare: this kernel cannot show it. */
void skip(void) __attribute__((noreturn));

#endif
