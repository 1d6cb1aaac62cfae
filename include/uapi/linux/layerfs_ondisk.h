/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What layerfs keeps in an upper directory, beside plain files.
 *
 * The format is overlayfs's (Documentation/filesystems/overlayfs.rst of the
 * kernel), so that layer trees work under both:
 *
 *   whiteout   a character device 0/0: hides the name in the layers below
 *   opaque     a directory with LAYERFS_XATTR_OPAQUE "y": hides the whole
 *              directory of that name in the layers below
 *   redirect   a directory with LAYERFS_XATTR_REDIRECT: merges with the
 *              directory of that path (starting with '/', from the root of the
 *              layers below) or name (without '/', a sibling of its own place)
 *              instead of with the one of its own name
 *   impure     a directory with LAYERFS_XATTR_IMPURE "y": holds an object
 *              whose st_ino is not that of the upper's inode
 *
 *   metacopy   a file with LAYERFS_XATTR_METACOPY has its data in a layer below:
 *              not supported, refused
 *
 * and one attribute of our own, which overlayfs neither shows nor reads:
 *
 *   layerfs.origin   which object of a layer this one was copied up from, so
 *                    that st_ino stays what it was
 */
#ifndef _UAPI_LINUX_LAYERFS_ONDISK_H
#define _UAPI_LINUX_LAYERFS_ONDISK_H

#include <linux/types.h>

/*
 * Every name that starts so belongs to the filesystem and is never shown: with
 * the option userxattr the second, else the first.  Attributes "user." can be
 * set by whoever may write to the directory, so a redirect among them is
 * neither followed nor made.
 */
#define LAYERFS_XATTR_PREFIX		"trusted.overlay."
#define LAYERFS_XATTR_USER_PREFIX	"user.overlay."

/* Each after the prefix. */
#define LAYERFS_XATTR_OPAQUE	"opaque"
#define LAYERFS_XATTR_REDIRECT	"redirect"
#define LAYERFS_XATTR_IMPURE	"impure"
#define LAYERFS_XATTR_METACOPY	"metacopy"
#define LAYERFS_XATTR_ORIGIN	"layerfs.origin"

#define LAYERFS_ORIGIN_VERSION	1

/**
 * struct layerfs_origin - value of LAYERFS_XATTR_ORIGIN
 * @version: LAYERFS_ORIGIN_VERSION; another one is ignored
 * @reserved: zero
 * @uuid: of the filesystem the layer lies on; zero if it has none
 * @ino: inode number of the object there, little endian
 *
 * It names the filesystem by its uuid, not by its place in the layer list, so
 * that the list may change without two objects getting one number.
 */
struct layerfs_origin {
	__u8	version;
	__u8	reserved[7];
	__u8	uuid[16];
	__le64	ino;
};

/* Inside the work directory. */
#define LAYERFS_WORK_DIR	"work"		/* temporaries, emptied by each mount */
#define LAYERFS_INCOMPAT_DIR	"incompat"	/* features a mounter must know */
#define LAYERFS_VOLATILE_DIR	"volatile"	/* upper may be incomplete after a crash */

#endif /* _UAPI_LINUX_LAYERFS_ONDISK_H */
