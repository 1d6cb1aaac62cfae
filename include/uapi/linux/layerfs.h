/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The generic netlink family "layerfs": what a running kernel knows about
 * layers, images and containers.
 *
 * Overview
 * --------
 * The family answers four dump requests.  Each answer is a multipart message
 * of rows, ended by NLMSG_DONE.  There is nothing to set: mounts are made and
 * changed through the mount API.
 *
 *   LAYERFS_CMD_GET_LAYER       one row a layer in use
 *   LAYERFS_CMD_GET_IMAGE       one row an image in use
 *   LAYERFS_CMD_GET_STACK       one row for each (image, position): which
 *                               layer stands there
 *   LAYERFS_CMD_GET_CONTAINER   one row a mounted container
 *
 * A request without NLM_F_DUMP is refused with EOPNOTSUPP.  Requests are
 * validated strictly: an attribute that the command does not take is refused,
 * with the reason in the extended acknowledgment.
 *
 * Who sees what
 * -------------
 * A row is shown to a socket whose opener has CAP_SYS_ADMIN in the user
 * namespace of the mount that the row is about.  Others get an empty dump, not
 * an error, so that nothing tells them what they are not shown.
 *
 * Identity
 * --------
 * Ids are 64-bit numbers, unique since the module was loaded and never used
 * again.  A row of one kind names rows of the others by id.  A container is
 * found from a mount by its device number: LAYERFS_A_DEV_MAJOR and
 * LAYERFS_A_DEV_MINOR are the two halves of the third field of
 * /proc/self/mountinfo and of st_dev.
 *
 * Consistency
 * -----------
 * When a layer, image or container comes or goes during a dump, the rows from
 * then on carry NLM_F_DUMP_INTR: repeat the dump if that matters.  Counters
 * are sums over cpus, read without a lock: each is monotonic, none is exactly
 * simultaneous with another.
 *
 * Rows
 * ----
 * LAYERFS_CMD_GET_LAYER takes no attribute and answers
 *
 *   LAYERFS_A_LAYER_ID     u64
 *   LAYERFS_A_PATH         string: the directory, as the first mounter named
 *                          it, made absolute
 *   LAYERFS_A_DEV_MAJOR    u32: device of the filesystem the layer lies on
 *   LAYERFS_A_DEV_MINOR    u32
 *   LAYERFS_A_INO          u64: inode number of the directory on it
 *   LAYERFS_A_USERS        u32: how many images stack it
 *   LAYERFS_A_COUNTERS     nest, see below
 *
 * LAYERFS_CMD_GET_IMAGE takes no attribute and answers
 *
 *   LAYERFS_A_IMAGE_ID     u64
 *   LAYERFS_A_LAYERS       u32: how many layers it stacks
 *   LAYERFS_A_USERS        u32: how many containers stand on it
 *   LAYERFS_A_COUNTERS     nest
 *
 * LAYERFS_CMD_GET_STACK takes LAYERFS_A_IMAGE_ID (optional: only that image)
 * and answers, top layer first,
 *
 *   LAYERFS_A_IMAGE_ID     u64
 *   LAYERFS_A_INDEX        u32: 0 is the top layer
 *   LAYERFS_A_LAYER_ID     u64
 *
 * LAYERFS_CMD_GET_CONTAINER takes no attribute and answers
 *
 *   LAYERFS_A_CONTAINER_ID u64
 *   LAYERFS_A_IMAGE_ID     u64
 *   LAYERFS_A_DEV_MAJOR    u32: device of the container itself
 *   LAYERFS_A_DEV_MINOR    u32
 *   LAYERFS_A_FLAGS        u32: LAYERFS_F_*
 *   LAYERFS_A_UPPER        string: the upper directory as the mounter named
 *                          it, absent for a container without one
 *   LAYERFS_A_WORK         string: likewise the work directory
 *   LAYERFS_A_COUNTERS     nest
 *
 * Unknown attributes in an answer are to be skipped: later versions add some.
 *
 * Counters
 * --------
 * Each is a u64 that starts at 0 with its object.
 *
 *   LAYERFS_C_LOOKUPS       layer: names looked up in its own filesystem;
 *                           image: names it had to resolve because no
 *                           container had asked before (or memory was short);
 *                           container: names its own lookup resolved
 *   LAYERFS_C_OPENS         layer: its files opened; image: files of any of
 *                           its layers opened; container: files opened
 *   LAYERFS_C_READ_BYTES    bytes returned by read and splice, from the layer,
 *                           from any layer of the image, or by the container
 *                           from its layers and its upper.  Reads through a
 *                           mapping are not counted.
 *   LAYERFS_C_WRITE_BYTES   container only: bytes taken by write and splice
 *   LAYERFS_C_COPYUP_FILES  objects (files, directories, symlinks, ...) copied
 *                           up: from the layer, from the image, into the
 *                           container's upper
 *   LAYERFS_C_COPYUP_BYTES  file data copied for them, without holes
 */
#ifndef _UAPI_LINUX_LAYERFS_H
#define _UAPI_LINUX_LAYERFS_H

#define LAYERFS_FS_NAME		"layerfs"

/* statfs(2) f_type of a mounted container: "LyFS" */
#define LAYERFS_SUPER_MAGIC	0x4c794653

#define LAYERFS_GENL_NAME	"layerfs"
#define LAYERFS_GENL_VERSION	1

enum layerfs_cmd {
	LAYERFS_CMD_UNSPEC,
	LAYERFS_CMD_GET_LAYER,
	LAYERFS_CMD_GET_IMAGE,
	LAYERFS_CMD_GET_STACK,
	LAYERFS_CMD_GET_CONTAINER,

	__LAYERFS_CMD_MAX,
	LAYERFS_CMD_MAX = __LAYERFS_CMD_MAX - 1
};

enum layerfs_attr {
	LAYERFS_A_UNSPEC,
	LAYERFS_A_PAD,
	LAYERFS_A_LAYER_ID,		/* u64 */
	LAYERFS_A_IMAGE_ID,		/* u64 */
	LAYERFS_A_CONTAINER_ID,		/* u64 */
	LAYERFS_A_INDEX,		/* u32 */
	LAYERFS_A_LAYERS,		/* u32 */
	LAYERFS_A_USERS,		/* u32 */
	LAYERFS_A_FLAGS,		/* u32, LAYERFS_F_* */
	LAYERFS_A_PATH,			/* NUL-terminated string */
	LAYERFS_A_UPPER,		/* NUL-terminated string */
	LAYERFS_A_WORK,			/* NUL-terminated string */
	LAYERFS_A_DEV_MAJOR,		/* u32 */
	LAYERFS_A_DEV_MINOR,		/* u32 */
	LAYERFS_A_INO,			/* u64 */
	LAYERFS_A_COUNTERS,		/* nest of LAYERFS_C_* */

	__LAYERFS_A_MAX,
	LAYERFS_A_MAX = __LAYERFS_A_MAX - 1
};

enum layerfs_counter {
	LAYERFS_C_UNSPEC,
	LAYERFS_C_PAD,
	LAYERFS_C_LOOKUPS,		/* u64 */
	LAYERFS_C_OPENS,		/* u64 */
	LAYERFS_C_READ_BYTES,		/* u64 */
	LAYERFS_C_WRITE_BYTES,		/* u64 */
	LAYERFS_C_COPYUP_FILES,		/* u64 */
	LAYERFS_C_COPYUP_BYTES,		/* u64 */

	__LAYERFS_C_MAX,
	LAYERFS_C_MAX = __LAYERFS_C_MAX - 1
};

/* LAYERFS_A_FLAGS of a container */
#define LAYERFS_F_RDONLY	(1u << 0)	/* no upper, or mounted ro */
#define LAYERFS_F_VOLATILE	(1u << 1)	/* mounted with "volatile" */

#endif /* _UAPI_LINUX_LAYERFS_H */
