/* SPDX-License-Identifier: GPL-2.0-only */
/* The option string of mount(8), taken apart. */
#ifndef _MOUNT_LAYERFS_OPTSTR_H
#define _MOUNT_LAYERFS_OPTSTR_H

#include "../lib/store.h"

/**
 * struct optstr - what an option string asks for
 * @opts: for the library
 * @remount: "remount" was among them
 * @layers_file: value of "layers": a file that lists the layers, or NULL
 * @image: value of "image": an image in the store, or NULL
 * @root: value of "root": where that store is, or NULL
 * @store: that store, held until optstr_free(), or NULL
 */
struct optstr {
	struct layerfs_options opts;
	bool remount;
	char *layers_file;
	char *image;
	char *root;
	struct layerfs_store *store;
};

/*
 * Add the options of one -o.  Commas inside double quotes and behind a
 * backslash separate nothing; options that mount(8) keeps for itself are left
 * out.  "layers" and "image" are resolved by optstr_finish(), when all -o are
 * known.
 */
int optstr_parse(struct optstr *o, const char *string, struct layerfs_error *err);
int optstr_finish(struct optstr *o, struct layerfs_error *err);
void optstr_free(struct optstr *o);

#endif /* _MOUNT_LAYERFS_OPTSTR_H */
