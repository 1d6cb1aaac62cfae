/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading JSON that somebody else wrote: each getter takes NULL and gives
 * NULL (or -1) for what is absent or of another type.
 */
#ifndef LAYERFS_OCI_JSON_H
#define LAYERFS_OCI_JSON_H

#include <json-c/json.h>
#include <stdint.h>

#include "layerfs.h"

/**
 * oci_json_parse() - parse one whole document
 * @buf: the text
 * @len: its length
 * @what: for the message
 * @jsonp: the value, to be dropped by json_object_put()
 * @err: why not
 */
int oci_json_parse(const char *buf, size_t len, const char *what, struct json_object **jsonp,
		   struct layerfs_error *err);

/** oci_json_parse_foreign() - the same, bounding what a stranger's text can cost */
int oci_json_parse_foreign(const char *buf, size_t len, const char *what,
			   struct json_object **jsonp, struct layerfs_error *err);

/** oci_json_text() - a string */
const char *oci_json_text(struct json_object *value);

struct json_object *oci_json_get(struct json_object *obj, const char *key, enum json_type type);
const char *oci_json_string(struct json_object *obj, const char *key);
int64_t oci_json_int(struct json_object *obj, const char *key);

#endif
