/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the store's own files share. Documentation/design/08-store.rst has the
 * protocol that the locks and the order of renames follow.
 */
#ifndef LAYERFS_STORE_PRIV_H
#define LAYERFS_STORE_PRIV_H

#include <json-c/json.h>

#include "digest.h"
#include "store.h"

#define STORE_JSON_MAX	(32 << 20)
#define STORE_WHY_MAX	512

/**
 * struct layerfs_store - an open store
 * @root: its absolute path
 * @rootfd: it
 * @layersfd: layers/sha256
 * @imagesfd: images; its flock serialises changes of names
 * @tmpfd: tmp
 * @lockfd: lock, opened with the first use
 * @wait: told before a lock is waited for
 * @wait_arg: for @wait
 *
 * All but @root are -1 in a store that does not exist and was not created.
 */
struct layerfs_store {
	char *root;
	int rootfd;
	int layersfd;
	int imagesfd;
	int tmpfd;
	int lockfd;
	void (*wait)(void *arg, const char *what);
	void *wait_arg;
};

/* ---- store.c: directories and locks ---- */

/** store_sync_parent() - a directory was made: write its name to the disk */
int store_sync_parent(int dirfd, const char *name);

/** store_lock() - take <root>/lock: LOCK_SH to import, LOCK_EX to remove */
int store_lock(struct layerfs_store *store, int operation, struct layerfs_error *err);
void store_unlock(struct layerfs_store *store);

/** store_wait_warn() - a layerfs_store_on_wait() function that warns; @arg is of the options */
void store_wait_warn(void *arg, const char *what);

/** store_flock() - flock() that tells when it has to wait */
int store_flock(struct layerfs_store *store, int fd, int operation, const char *what);

/* ---- store_file.c: files that are there whole or not at all ---- */

/** store_read_json() - read an object written by store_write_json() */
int store_read_json(int dirfd, const char *name, struct json_object **jsonp);

/** store_write_json() - write and fsync a new file */
int store_write_json(int dirfd, const char *name, struct json_object *json);

void store_time_text(time_t when, char text[32]);
time_t store_time_parse(const char *text);

/** store_for_each() - call for each name in a directory but the dotted ones */
int store_for_each(int dirfd, int (*fn)(void *arg, const char *name), void *arg);

/* ---- store_layer.c ---- */

/** store_layer_exists() - it is stored, whole */
bool store_layer_exists(struct layerfs_store *store, const char *diff_id);

/** store_layer_load() - what info.json says; without it, it is "missing" */
int store_layer_load(struct layerfs_store *store, const char *diff_id,
		     struct layerfs_layer *layer, struct layerfs_error *err);
void store_layer_clear(struct layerfs_layer *layer);

/** store_layer_write_info() - write info.json at @dirfd */
int store_layer_write_info(int dirfd, const struct layerfs_layer *layer);

/** store_layers_drop() - remove layers that no record names
 * @store: locked exclusively
 * @layers: which
 * @nr: how many
 * @kept: called for each that is in use after all, with the reason, or NULL
 * @arg: for @kept
 * @err: why not
 */
int store_layers_drop(struct layerfs_store *store, const struct layerfs_layer *layers[], size_t nr,
		      void (*kept)(void *arg, const struct layerfs_layer *layer, const char *why),
		      void *arg, struct layerfs_error *err);

/* ---- store_use.c: who stands on layers, however it was mounted ---- */

struct store_uses;

/** store_uses_read() - ask the kernel; a module that is not loaded is no error */
int store_uses_read(struct store_uses **usesp, struct layerfs_error *err);
void store_uses_free(struct store_uses *uses);

/**
 * store_uses_layer() - is a layer in use?
 * @uses: from store_uses_read()
 * @dir: its tree's path in the store
 * @fd: directory below which the tree is now, and
 * @name: where
 * @why: set to a description of the user
 */
bool store_uses_layer(const struct store_uses *uses, const char *dir, int fd, const char *name,
		      char why[STORE_WHY_MAX]);

/** store_uses_upper() - is an upper directory mounted? NULL: one without any, elsewhere? */
bool store_uses_upper(const struct store_uses *uses, const char *upper);

/* ---- store_image.c ---- */

/** store_image_record() - the id that the file of a record is named by, or false */
bool store_image_record(const char *name, char id[LAYERFS_DIGEST_SIZE]);

/** store_image_load() - read one record; -ENOENT without a message if it is gone */
int store_image_load(struct layerfs_store *store, const char *name, struct layerfs_image *image,
		     struct layerfs_error *err);


/** store_image_lock() - serialise changes of names; unlock by flock(LOCK_UN) */
int store_image_lock(struct layerfs_store *store, struct layerfs_error *err);

/** store_image_write() - put a record in place, durably */
int store_image_write(struct layerfs_store *store, const struct layerfs_image *image,
		      struct layerfs_error *err);

/** store_images_settle() - write the records that have stale names anew
 * @store: its images are locked
 * @list: from layerfs_store_images(), under that lock
 * @err: why not
 */
int store_images_settle(struct layerfs_store *store, struct layerfs_image_list *list,
			struct layerfs_error *err);
void store_image_clear(struct layerfs_image *image);
bool store_image_has_layer(const struct layerfs_image *image, const char *diff_id);
bool store_image_has_name(const struct layerfs_image *image, const char *name);
int store_image_add_name(struct layerfs_image *image, const char *name);
void store_image_drop_name(struct layerfs_image *image, const char *name);

/**
 * store_image_match() - the one image of a list that a user means
 * @store: for the message
 * @list: the list
 * @ref: what was typed
 * @imagep: the image, inside @list
 * @namep: the image's name that was meant, inside it; NULL if @ref is an id
 * @err: why not
 */
int store_image_match(struct layerfs_store *store, struct layerfs_image_list *list,
		      const char *ref, struct layerfs_image **imagep, const char **namep,
		      struct layerfs_error *err);

/* ---- store_tmp.c: directories of unfinished work ---- */

/**
 * store_tmp_start() - an empty directory in tmp, locked by this process
 * @store: the store
 * @name: its name; waits for another process that works at the same
 * @err: why not
 *
 * Return: a descriptor that holds the lock, or -errno.
 */
int store_tmp_start(struct layerfs_store *store, const char *name, struct layerfs_error *err);

/** store_tmp_drop() - give up: remove it and close the descriptor */
void store_tmp_drop(struct layerfs_store *store, const char *name, int fd);

/**
 * store_tmp_collect() - remove what dead processes left
 * @store: the store, its images locked
 * @found: told of each; 0 to remove it; or NULL
 * @failed: told of each that could not be removed, with -errno; or NULL
 * @arg: for both
 *
 * Return: 0, or -errno if tmp could not be listed.
 */
int store_tmp_collect(struct layerfs_store *store, int (*found)(void *arg, const char *name),
		      void (*failed)(void *arg, const char *name, int error), void *arg);

#endif
