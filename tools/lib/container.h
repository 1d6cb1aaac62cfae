/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers: upper directories that stand on images of the store.
 *
 *	<root>/containers/<name>/config.json	the record
 *	<root>/containers/<name>/upper/		what the container has changed
 *	<root>/containers/<name>/work/		the work directory beside it
 *	<root>/containers/<name>/new		until it was mounted once
 *
 * A container outlives its mount: unmounting keeps the upper, and mounting the
 * same name again shows it again.  One without an upper (read-only from its
 * start) has nothing to keep and goes with its mount.
 *
 * The record's "image" is the image's digest: the store reads it to refuse the
 * removal of an image that a container stands on.
 *
 * @root is the store everywhere, NULL for its default.
 */
#ifndef LAYERFS_CONTAINER_H
#define LAYERFS_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "layerfs.h"

#define LAYERFS_CONTAINER_NAME_MAX 64

/**
 * struct layerfs_container - a record
 * @name: unique in the store
 * @image_id: digest of the image that it stands on
 * @image_ref: what the user called that image
 * @target: absolute path where it was mounted last
 * @created: when
 * @dir: absolute path of its directory in the store
 * @upper: absolute path of its upper, NULL for a container without one
 * @work: absolute path of its work directory, likewise
 * @damaged: its record cannot be read; only @name, @dir, @upper and @work are
 *	known, the other strings are empty
 */
struct layerfs_container {
	char *name;
	char *image_id;
	char *image_ref;
	char *target;
	time_t created;
	char *dir;
	char *upper;
	char *work;
	bool damaged;
};

struct layerfs_container_list {
	struct layerfs_container *containers;
	size_t nr;
};

/** layerfs_container_list() - all containers by name, @damaged ones, too */
LAYERFS_API int layerfs_container_list(const char *root,
				       struct layerfs_container_list *list,
				       struct layerfs_error *err);
LAYERFS_API void layerfs_container_list_free(struct layerfs_container_list *list);

/** layerfs_container_find() - one record; -ENOENT, -EINVAL for no name */
LAYERFS_API int layerfs_container_find(const char *root, const char *name,
				       struct layerfs_container *container,
				       struct layerfs_error *err);
LAYERFS_API void layerfs_container_free(struct layerfs_container *container);

/**
 * layerfs_container_size() - what a container has written
 * @container: the record
 * @size: set to the bytes of file data, every inode counted once
 * @inodes: set to the inodes, the upper's root included; both 0 without one
 * @err: why not
 *
 * Walks the upper; what a running container changes meanwhile may be missed.
 */
LAYERFS_API int layerfs_container_size(const struct layerfs_container *container,
				       uint64_t *size, uint64_t *inodes,
				       struct layerfs_error *err);

/**
 * struct layerfs_mountpoint - a mounted container, in this mount namespace
 * @dev: its device number, the same for all mount points of one container
 * @source: the first field of /proc/mounts
 * @target: the mount point
 * @upper: its upperdir= option, NULL without one
 * @ro: the mount or the filesystem is read-only
 */
struct layerfs_mountpoint {
	dev_t dev;
	char *source;
	char *target;
	char *upper;
	bool ro;
};

struct layerfs_mountpoint_list {
	struct layerfs_mountpoint *mounts;
	size_t nr;
};

/** layerfs_mountpoints_read() - all layerfs mounts, from /proc/self/mountinfo */
LAYERFS_API int layerfs_mountpoints_read(struct layerfs_mountpoint_list *list,
					 struct layerfs_error *err);
LAYERFS_API void layerfs_mountpoints_free(struct layerfs_mountpoint_list *list);

/**
 * layerfs_container_is_at() - is this mount the container of a record?
 * @container: the record
 * @mnt: the mount
 *
 * They belong together by their upper directory; without one, by the name and
 * the target that layerfs_container_mount() gave both.
 */
LAYERFS_API bool layerfs_container_is_at(const struct layerfs_container *container,
					 const struct layerfs_mountpoint *mnt);

/**
 * struct layerfs_container_spec - what layerfs_container_mount() makes
 * @image: what layerfs_store_find() takes
 * @target: an existing directory
 * @name: NULL for a generated one
 * @ro: without an upper; for a container that has one already, with it, but
 *	read-only
 * @opts: further options; layers, upperdir and workdir are filled in
 */
struct layerfs_container_spec {
	const char *image;
	const char *target;
	const char *name;
	bool ro;
	struct layerfs_options opts;
};

/**
 * layerfs_container_mount() - mount an image as a new container or a known one
 * @root: the store
 * @spec: what; a @name that is known must stand on the same image and not be
 *	mounted, and comes back with its upper
 * @container: filled
 * @err: why not; nothing is left behind then
 */
LAYERFS_API int layerfs_container_mount(const char *root,
					struct layerfs_container_spec *spec,
					struct layerfs_container *container,
					struct layerfs_error *err);

/**
 * struct layerfs_unmounted - what layerfs_container_umount() did
 * @target: where it was mounted; NULL if it was not
 * @name: the container; NULL for a mount without a record
 * @kept: the upper was kept
 */
struct layerfs_unmounted {
	char *target;
	char *name;
	bool kept;
};

/**
 * layerfs_container_umount() - unmount a container, and remove it if asked to
 * @root: the store
 * @what: a name, or a mount point (anything with a '/' is one)
 * @flags: for umount2(2)
 * @remove: remove the record and the upper; fine if it was not mounted, -EBUSY
 *	if the kernel still has it somewhere else
 * @done: filled; to be freed by layerfs_unmounted_free()
 * @err: why not
 */
LAYERFS_API int layerfs_container_umount(const char *root, const char *what,
					 int flags, bool remove,
					 struct layerfs_unmounted *done,
					 struct layerfs_error *err);
LAYERFS_API void layerfs_unmounted_free(struct layerfs_unmounted *done);

#endif
