/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture that nearly all tests use, in the test's working directory:
 *
 *	./
 *	|-- l1/		the top layer
 *	|-- l2/		... and those below it, as many as the test wants
 *	|-- upper/
 *	|-- work/
 *	`-- mnt/	the subject
 *
 * Layers are listed in full (contents, times, xattrs) when they are first
 * mounted and again when the test ends: they must never change.  At the end the
 * mount must come off and the work directory be empty.
 */
#ifndef LFS_TEST_FIXTURE_H
#define LFS_TEST_FIXTURE_H

#include <stdbool.h>

#include "harness.h"
#include "tree.h"

/* The filesystem under test (LFS_FSTYPE) and where to work (LFS_SCRATCH). */
const char *fs_type(void);
const char *scratch_dir(void);
/* A kernel that checks itself: amounts that take it minutes may be smaller. */
bool on_slow_kernel(void);

/* Makes l1 ... ln and the other directories, those that are not there yet. */
void fx_dirs(int layers);
/* Mounts l1 ... ln with upper and work on mnt. */
void fx_mount(int layers);
/* The same without an upper. */
void fx_mount_ro(int layers);
/* With further options, comma separated ("volatile"). */
void fx_mount_with(int layers, const char *options);
/* Unmounts mnt; EBUSY fails the test. */
void fx_umount(void);
/* Unmounts and mounts again in the same way: nothing cached survives. */
void fx_remount(void);
/* The layers were changed on purpose: takes the new state as the right one. */
void fx_resnap(void);
/* What the harness calls after a test that did not fail. */
void fx_finish(void);
/* The layers have not changed so far. */
void fx_check_layers(void);

/**
 * struct mnt_opt - one fsconfig call
 * @key: NULL ends a list
 * @value: NULL for a flag
 */
struct mnt_opt {
	const char *key;
	const char *value;
};

/*
 * Mounts the subject with these options at @target; 0, or -errno with what the
 * filesystem said in mount_log.
 */
int fs_mount(const struct mnt_opt *opts, const char *target);
extern char mount_log[4096];
/* The overlayfs options that make it comparable; nothing for layerfs. */
int fs_add_own_options(int fd);

/*
 * system(3) of what mounts images.  To look for a free loop device claims it for a moment,
 * and who mounts it at that moment is told that it is busy: one at a time.
 */
int loop_system(const char *command);

/*
 * Mounts an image, as mount(8) does with @args; the device goes with the mount, and nobody
 * has it open beside that, which some kernels refuse.  The status of the command.
 */
int loop_mount(const char *image, const char *args, const char *where);

/* Drops clean dentries and inodes, and with @pages the page cache, of all. */
void drop_caches(bool pages);

#endif
