/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LAYERFS_OPENAT2_H
#define LAYERFS_OPENAT2_H

#include <linux/openat2.h>
#include <stdint.h>

/**
 * layerfs_openat2() - open a path that may not be trusted
 * @dirfd: where it starts
 * @path: the path
 * @flags: as for open(2), close-on-exec without saying so
 * @resolve: RESOLVE_*
 *
 * Return: a descriptor or -errno.
 */
int layerfs_openat2(int dirfd, const char *path, uint64_t flags, uint64_t resolve);

#endif
