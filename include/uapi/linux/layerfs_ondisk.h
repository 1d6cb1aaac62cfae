/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What layerfs keeps in an upper directory, beside plain files.
 *
 * The format is overlayfs's (Documentation/filesystems/overlayfs.rst of the
 * kernel), so that layer trees work under both:
 *
 *   whiteout   a character device 0/0: hides the name in the layers below; so does,
 *              in a layer and in a directory whose LAYERFS_XATTR_OPAQUE is "x", an
 *              empty regular file with LAYERFS_XATTR_WHITEOUT
 *   opaque     a directory with LAYERFS_XATTR_OPAQUE "y": hides the whole
 *              directory of that name in the layers below
 *   redirect   a directory with LAYERFS_XATTR_REDIRECT: merges with the
 *              directory of that path (starting with '/', from the root of the
 *              layers below) or name (without '/', a sibling of its own place)
 *              instead of with the one of its own name
 *   impure     a directory with LAYERFS_XATTR_IMPURE "y": holds an object
 *              whose st_ino is not that of the upper's inode
 *
 *   protattr   a file or directory of the upper with LAYERFS_XATTR_PROTATTR is
 *              append-only if "a" is in the value, immutable if "i" is: the
 *              marks of chattr(1), which the upper's inode itself cannot have,
 *              because it may have to be changed for what is below it
 *   metacopy   a file with LAYERFS_XATTR_METACOPY has its data in the next file
 *              below: at its own path, or as its redirect says, which is like a
 *              directory's.  Read, never written
 *
 *   escaped    what a container shows as an attribute LAYERFS_XATTR_PREFIX X is here
 *              LAYERFS_XATTR_PREFIX LAYERFS_XATTR_ESCAPE X: so layers and uppers of
 *              other mounts can lie in a container
 *
 *   AUFS       with the option aufs_whiteouts, in a layer: LAYERFS_AUFS_PREFIX X hides
 *              X in the layers below, LAYERFS_AUFS_OPAQUE makes its directory opaque,
 *              and no name with the prefix is shown.  Read, never written
 *
 * and attributes of our own, which overlayfs neither shows nor reads:
 *
 *   layerfs.origin   which object of a layer this one was copied up from, so
 *                    that st_ino stays what it was
 *
 *   layerfs.key      of the work directory: what file handles are signed with
 *
 *   whiteouts in a container: a character device 0/0 made there would be the
 *   container's own whiteout.  It is an empty file with LAYERFS_XATTR_WHITEOUT
 *   escaped, its value LAYERFS_WHITEOUT_CHAR, and shown as the device
 *
 * The index is for objects of a layer with several links.  It holds one link to
 * the copy of each, by which all names find it, and an empty file beside it, the
 * record.
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
#define LAYERFS_XATTR_WHITEOUT	"whiteout"
#define LAYERFS_XATTR_PROTATTR	"protattr"
#define LAYERFS_XATTR_ORIGIN	"layerfs.origin"
#define LAYERFS_XATTR_KEY	"layerfs.key"

/* After the prefix, and before the name that the container shows. */
#define LAYERFS_XATTR_ESCAPE	"overlay."

/* Names of whiteouts in the form that tar archives of images have them in. */
#define LAYERFS_AUFS_PREFIX	".wh."
#define LAYERFS_AUFS_OPAQUE	".wh..wh..opq"

/* LAYERFS_XATTR_WHITEOUT, escaped, of what was made as a character device 0/0. */
#define LAYERFS_WHITEOUT_CHAR	"char"

/* How an origin names the filesystem; others are ignored. */
#define LAYERFS_ORIGIN_UUID	1	/* by its uuid */
#define LAYERFS_ORIGIN_PLACE	2	/* it has none, or that of another one */

#define LAYERFS_ORIGIN_NOSUID	1	/* the layer's mount was nosuid */

/**
 * struct layerfs_origin - value of LAYERFS_XATTR_ORIGIN
 * @version: LAYERFS_ORIGIN_UUID or LAYERFS_ORIGIN_PLACE
 * @flags: LAYERFS_ORIGIN_NOSUID: tells entries of the index apart, but not numbers
 * @reserved: zero
 * @uuid: of the filesystem the layer lies on
 * @place: the lowest layer on the filesystem, little endian
 * @place.layer: counted from the bottom of the list, which is 0
 * @place.magic: type of the filesystem, as statfs(2) has it
 * @place.root: inode number of the layer's root
 * @ino: inode number of the object there, little endian
 *
 * It names the filesystem by its uuid where it can, not by its place in the layer
 * list, so that the list may change without two objects getting one number.
 * Where two filesystems have one uuid, as subvolumes do, it names the one of the
 * lowest layer.
 */
struct layerfs_origin {
	__u8	version;
	__u8	flags;
	__u8	reserved[6];
	union {
		__u8	uuid[16];
		struct {
			__le32	layer;
			__le32	magic;
			__le64	root;
		} place;
	};
	__le64	ino;
};

/* Inside the work directory. */
#define LAYERFS_WORK_DIR	"work"		/* temporaries, emptied by each mount */
#define LAYERFS_INCOMPAT_DIR	"incompat"	/* features a mounter must know */
#define LAYERFS_VOLATILE_DIR	"volatile"	/* upper may be incomplete after a crash */
#define LAYERFS_LINKS_DIR	"links"		/* the index, and the feature that says so */
#define LAYERFS_AUFS_DIR	"aufs_whiteouts"	/* layers have names as whiteouts */
#define LAYERFS_HANDLES_DIR	"handles"	/* where objects were moved to */

/*
 * An entry of the index is called like the bytes of its origin in lower case
 * hexadecimal digits, its record has the suffix after it.
 *
 * st_mtime of the record, in whole seconds, is the number of names of the object that
 * the upper neither has nor hides; after a crash it may be more than there are.  A
 * time is what can be changed without memory and space.  One beyond the maximum,
 * or with a fraction of a second, is no such number: the file's times got lost.
 */
#define LAYERFS_NAMES_SUFFIX	".names"
#define LAYERFS_NAMES_MAX	(1 << 30)

#endif /* _UAPI_LINUX_LAYERFS_ONDISK_H */
