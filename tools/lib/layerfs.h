/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * liblayerfs: mount layerfs and ask the kernel about it.
 *
 * The edge
 * --------
 * - Every function that can fail returns a negative errno, and 0 or more on
 *   success.  Its last argument is a struct layerfs_error, which may be NULL;
 *   on failure it holds the same code and one sentence for a person: what was
 *   attempted, on which option, path or layer, and why it failed.  On success
 *   it is left alone.
 * - The library never prints, never exits and keeps no global state.
 * - Strings that a caller gets inside a struct belong to that struct; each
 *   *_free() takes NULL and a struct that its function failed to fill.
 * - Needs libmnl (kernel state) and libmount (no part of it in this header).
 *
 * The store of imported images has a header of its own, store.h; container
 * records kept beside it are in container.h.
 */
#ifndef _LAYERFS_LIB_H
#define _LAYERFS_LIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What leaves the library; everything else is built hidden. */
#define LAYERFS_API __attribute__((visibility("default")))

/* ---- errors ---- */

#define LAYERFS_ERROR_MAX 2048

/**
 * struct layerfs_error - why a call failed
 * @code: negative errno, the same as the return value
 * @msg: one sentence for a person, without a newline at its end
 */
struct layerfs_error {
	int code;
	char msg[LAYERFS_ERROR_MAX];
};

/**
 * layerfs_error_set() - fill an error
 * @err: where to, or NULL
 * @code: negative errno
 * @fmt: printf format of the message
 *
 * Return: @code, so that a failing function can end in it.
 */
LAYERFS_API int layerfs_error_set(struct layerfs_error *err, int code,
				  const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * layerfs_error_sys() - fill an error and append what the errno means
 * @err: where to, or NULL
 * @code: negative errno; ": " and its strerror() end the message
 * @fmt: printf format of the message
 *
 * Return: @code.
 */
LAYERFS_API int layerfs_error_sys(struct layerfs_error *err, int code,
				  const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * layerfs_error_prefix() - put what was being done in front of a message
 * @err: an error that is already set, or NULL
 * @fmt: printf format of the prefix; ": " is added
 *
 * Return: the error's code (or -EIO when @err is NULL or unset).
 */
LAYERFS_API int layerfs_error_prefix(struct layerfs_error *err,
				     const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- layer lists ---- */

/**
 * struct layerfs_layers - directories to stack, top first
 * @path: unescaped paths
 * @nr: how many
 * @nr_data: how many of them, the last ones, hold only data, for files of the
 *	others that have their data elsewhere
 *
 * Zeroed is the empty list.
 */
struct layerfs_layers {
	char **path;
	size_t nr;
	size_t nr_data;
};

/** layerfs_layers_add() - put one directory below those already there */
LAYERFS_API int layerfs_layers_add(struct layerfs_layers *layers,
				   const char *path, struct layerfs_error *err);

/** layerfs_layers_add_data() - the same of one that holds only data */
LAYERFS_API int layerfs_layers_add_data(struct layerfs_layers *layers,
					const char *path, struct layerfs_error *err);

/**
 * layerfs_layers_parse() - add the layers of a lowerdir= value
 * @layers: added to, top first
 * @value: paths with ':' between them, and '::' before each of those that hold
 *	only data, which come last; '\' takes the next character as it is
 * @err: says which layer of the list is wrong
 *
 * On failure @layers is as it was.
 */
LAYERFS_API int layerfs_layers_parse(struct layerfs_layers *layers,
				     const char *value,
				     struct layerfs_error *err);

/**
 * layerfs_layers_read() - add the layers that a file lists
 * @layers: added to, top first
 * @file: one path a line, taken as it is; empty lines and lines that begin
 *	with '#' are skipped, and relative paths start at the file's directory
 * @err: names the file and line
 *
 * On failure @layers is as it was.
 */
LAYERFS_API int layerfs_layers_read(struct layerfs_layers *layers,
				    const char *file,
				    struct layerfs_error *err);

/**
 * layerfs_layers_from_image() - add the layers of an image in the store
 * @layers: added to, top first
 * @root: the store, NULL for its default
 * @ref: what layerfs_store_find() takes
 * @id: set to the image's digest, to be freed by the caller; or NULL
 * @err: names the image, or the layer that the store has lost
 *
 * On failure @layers is as it was.
 */
LAYERFS_API int layerfs_layers_from_image(struct layerfs_layers *layers,
					  const char *root, const char *ref,
					  char **id, struct layerfs_error *err);

/**
 * layerfs_layers_join() - the lowerdir= value that parses to this list
 *
 * Return: to be freed by the caller, or NULL when memory is short.
 */
LAYERFS_API char *layerfs_layers_join(const struct layerfs_layers *layers);
LAYERFS_API void layerfs_layers_free(struct layerfs_layers *layers);

/* ---- mount options ---- */

/**
 * struct layerfs_param - an option for the filesystem, not looked into
 * @key: its name
 * @value: NULL for a flag
 */
struct layerfs_param {
	char *key;
	char *value;
};

/**
 * struct layerfs_options - what a mount is asked to be
 * @layers: top first
 * @upperdir: NULL for a container without one
 * @workdir: likewise
 * @ro: "ro" was given last
 * @rw: "rw" was given last
 * @attr_set: MOUNT_ATTR_* to set
 * @attr_clear: MOUNT_ATTR_* to clear when remounting
 * @params: everything else, in order
 * @nr_params: how many
 * @warn: told what the kernel says of a mount that it makes all the same, a sentence
 *	at a time, as those of struct layerfs_error are; or NULL
 * @warn_data: for @warn
 *
 * Zeroed is no option at all.
 */
struct layerfs_options {
	struct layerfs_layers layers;
	char *upperdir;
	char *workdir;
	bool ro;
	bool rw;
	uint64_t attr_set;
	uint64_t attr_clear;
	struct layerfs_param *params;
	size_t nr_params;
	void (*warn)(void *data, const char *msg);
	void *warn_data;
};

/**
 * layerfs_options_set() - add one option as a user gave it
 * @opts: changed
 * @key: "lowerdir" (once, and first), "lowerdir+" (adds one below, taken as it
 *	is), "upperdir", "workdir", a flag of any mount such as "nosuid",
 *	or something for the filesystem to judge
 * @value: its value; NULL when there was no '='
 * @err: names the option
 */
LAYERFS_API int layerfs_options_set(struct layerfs_options *opts,
				    const char *key, const char *value,
				    struct layerfs_error *err);
LAYERFS_API void layerfs_options_free(struct layerfs_options *opts);

/* ---- mounting ---- */

/**
 * layerfs_mount() - mount a container
 * @opts: what to mount
 * @source: what /proc/mounts shows in its first field
 * @target: an existing directory
 * @err: the kernel's own words where it gave any
 *
 * The mount appears complete or not at all.
 */
LAYERFS_API int layerfs_mount(const struct layerfs_options *opts,
			      const char *source, const char *target,
			      struct layerfs_error *err);

/**
 * layerfs_remount() - change flags of a mount and its filesystem
 * @opts: @ro, @rw, @attr_set, @attr_clear and @params are applied; layers,
 *	upperdir and workdir must be empty or what is mounted
 * @target: the mount point
 * @err: names the option that cannot be changed
 */
LAYERFS_API int layerfs_remount(const struct layerfs_options *opts,
				const char *target, struct layerfs_error *err);

/**
 * layerfs_umount() - unmount a container
 * @target: the mount point
 * @flags: for umount2(2); UMOUNT_NOFOLLOW is added
 * @err: says what was busy
 *
 * Refuses, with -EINVAL, what is not a layerfs mount.
 */
LAYERFS_API int layerfs_umount(const char *target, int flags,
			       struct layerfs_error *err);

/* ---- what the kernel knows: see <linux/layerfs.h> for every member ---- */

struct layerfs_counters {
	uint64_t lookups;
	uint64_t opens;
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t copyup_files;
	uint64_t copyup_bytes;
};

struct layerfs_stat_layer {
	uint64_t id;
	char *path;
	dev_t dev;
	uint64_t ino;
	uint32_t users;
	struct layerfs_counters counters;
};

struct layerfs_stat_image {
	uint64_t id;
	uint32_t layers;
	uint32_t users;
	struct layerfs_counters counters;
};

/* Layer @layer_id stands at @index of image @image_id; 0 is the top. */
struct layerfs_stat_stack {
	uint64_t image_id;
	uint64_t layer_id;
	uint32_t index;
};

struct layerfs_stat_container {
	uint64_t id;
	uint64_t image_id;
	dev_t dev;
	uint32_t flags;
	char *upper;
	char *work;
	struct layerfs_counters counters;
};

/**
 * struct layerfs_stats - one reading of everything
 *
 * The four lists are read one after another: an id in one may have left the
 * others meanwhile.
 */
struct layerfs_stats {
	struct layerfs_stat_layer *layers;
	struct layerfs_stat_image *images;
	struct layerfs_stat_stack *stack;
	struct layerfs_stat_container *containers;
	size_t nr_layers, nr_images, nr_stack, nr_containers;
};

/**
 * layerfs_stats_read() - ask the kernel
 * @stats: filled
 * @err: the kernel's extended acknowledgement where it gave one
 *
 * Return: 0, -ENODEV when the module is not loaded, or another -errno.
 */
LAYERFS_API int layerfs_stats_read(struct layerfs_stats *stats,
				   struct layerfs_error *err);
LAYERFS_API void layerfs_stats_free(struct layerfs_stats *stats);

#endif /* _LAYERFS_LIB_H */
