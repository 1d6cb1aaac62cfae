/* SPDX-License-Identifier: GPL-2.0-only */
/* The block devices of a power-cut test: loop devices and device-mapper. */
#ifndef PC_DEVICE_H
#define PC_DEVICE_H

#include <stdint.h>

/* The variable that tells a recorded command the name for mark(). */
#define PC_NAME_ENV "PC_NAME"

/* All but mark() say what is wrong and exit. */
void loop_attach(const char *file, char *dev, unsigned int size);
void loop_detach(const char *dev);
/* One target over all of it; @path is set to its name in /dev. */
void dm_create(const char *name, uint64_t sectors, const char *target, const char *params,
	       char *path, unsigned int size);
void dm_remove(const char *name);

/**
 * mark - put a line into the log of writes
 * @text: no blanks, up to 479 bytes
 *
 * What reached the disk before the call is before the mark.  Without
 * dm-log-writes underneath (PC_NAME is not set) it does nothing.
 *
 * Return: 0 or -errno.
 */
int mark(const char *text);

#endif
