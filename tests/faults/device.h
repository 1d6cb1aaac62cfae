/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Disks of the test's own, so that one can fail or fill up without the other:
 * one for the layers, one for upper and work.
 */
#ifndef LFS_FAULTS_DEVICE_H
#define LFS_FAULTS_DEVICE_H

#include <stdbool.h>

enum { LAYERS, UPPER, DEVICES };

/*
 * Makes and mounts both, and changes to the directory where l1 to l8, upper,
 * work and mnt are; @options are for mkfs.ext4 of the upper's.
 */
void devices_start(const char *options);
/* Nothing of theirs is in memory any more.  Nothing is mounted on them. */
void devices_cold(void);
void devices_end(void);
/* Whether what is asked of it may be made to fail. */
void device_fails(int which, bool fails);
/* The block device, such as "loop0". */
const char *device_name(int which);

#endif
