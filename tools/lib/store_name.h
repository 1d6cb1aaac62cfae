/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of images: "repository:tag", spelled as docker shows them.
 */
#ifndef LAYERFS_STORE_NAME_H
#define LAYERFS_STORE_NAME_H

#include "layerfs.h"

/**
 * layerfs_name_parse() - bring what a user typed into the store's form
 * @typed: "[HOST[:PORT]/]REPOSITORY[:TAG]"
 * @namep: with ":latest" if there was no tag, and without "docker.io/" and
 *	"library/"; to be freed
 * @err: why not
 */
int layerfs_name_parse(const char *typed, char **namep, struct layerfs_error *err);

/** layerfs_name_tag() - where the tag of a name in the store's form begins */
const char *layerfs_name_tag(const char *name);

/**
 * layerfs_name_from_path() - a name for an image that has none but a tag
 * @path: file or directory that it came from
 * @tag: the tag, or NULL
 *
 * Return: the name, to be freed, or NULL if the path makes none.
 */
char *layerfs_name_from_path(const char *path, const char *tag);

#endif
