/* SPDX-License-Identifier: GPL-2.0-only */
/* Every limit of the module, and why it is what it is. */
#ifndef _LAYERFS_LIMITS_H
#define _LAYERFS_LIMITS_H

#include <linux/limits.h>
#include <linux/sizes.h>

/*
 * Layers of one image.  Engines stop at 127 or 500; the bound is there so that
 * the option parser cannot be made to pin memory without end.
 */
#define LFS_MAX_LAYERS		4096

/* A redirect is a path inside an image; a longer one is a broken layer. */
#define LFS_MAX_REDIRECT	PATH_MAX

/*
 * How deep mount-time cleaning of the work directory descends.  The module
 * itself leaves at most a directory holding whiteouts there.
 */
#define LFS_MAX_WORK_DEPTH	3

/*
 * The same for a temporary: btrfs, after a crash, may have in it what was in a
 * directory when that had its place already.  Bounded by the kernel's stack: some
 * 200 bytes a level.
 */
#define LFS_MAX_TEMP_DEPTH	16

/*
 * Bits of st_ino that hold the inode number of the real file, unless there are
 * more than 255 filesystems under one mount: the bits above tell these apart.
 * Numbers of 2^56 and more do not
 * occur on the filesystems that have been looked at (ext4: 32 bits, xfs: 56,
 * btrfs and tmpfs: counted up from small numbers).
 */
#define LFS_INO_BITS		56

/* File data copied up between two checks for a fatal signal, in bytes. */
#define LFS_COPY_STEP		SZ_1M

/* A name list's smallest hash table, as a power of two. */
#define LFS_NAMES_MIN_ORDER	4

/*
 * Names in one directory, and so many times again those of its subdirectories in further
 * layers: what an array of pointers, or of these, can hold in the 2 GiB that the kernel
 * allocates at once, growing by doubling.  Each name takes some 60 bytes more, charged to who
 * lists the directory, so memory is mostly what ends before.
 */
#define LFS_MAX_NAMES		(64U << 20)
#define LFS_MAX_NAMES_AGAIN	(128U << 20)

/* So many names in a list take the memory of a dentry. */
#define LFS_NAMES_PER_DENTRY	4

/*
 * When a directory of an image is listed to save lookups in vain: that costs, in such
 * lookups, so many for each directory of a layer, to open it and to read its first
 * block, and one for so many bytes more of it.  In instructions on ext4, rounded.
 */
#define LFS_OPENDIR_LOOKUPS	2
#define LFS_DIR_BLOCK		SZ_4K
#define LFS_LOOKUP_DIR_BYTES	256
#define LFS_INDEX_NEVER		UINT_MAX

#endif /* _LAYERFS_LIMITS_H */
