// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "oci_json.h"

#define MAX_DEPTH 64
/* Each takes up to a kilobyte of memory, and two or three bytes of text */
#define MAX_OBJECTS 100000

static int parse(const char *buf, size_t len, const char *what, struct json_object **jsonp,
		 int flags, struct layerfs_error *err)
{
	struct json_tokener *tok;
	enum json_tokener_error why;
	struct json_object *json;
	size_t used;

	if (len > INT_MAX)
		return layerfs_error_set(err, -EFBIG, "%s is too big", what);
	tok = json_tokener_new_ex(MAX_DEPTH);
	if (!tok)
		return layerfs_error_sys(err, -ENOMEM, "no memory for %s", what);
	json_tokener_set_flags(tok, flags);
	json = json_tokener_parse_ex(tok, buf, len);
	why = json_tokener_get_error(tok);
	used = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);

	/* No NUL is promised at the end, so no strspn(). */
	while (used < len && buf[used] && strchr(" \t\r\n", buf[used]))
		used++;
	if (why == json_tokener_success && used == len) {
		*jsonp = json;
		return 0;
	}
	json_object_put(json);
	return layerfs_error_set(err, -EBADMSG, "%s is no valid JSON: %s", what,
				 why != json_tokener_success ? json_tokener_error_desc(why) :
				 "more follows after its end");
}

int oci_json_parse(const char *buf, size_t len, const char *what, struct json_object **jsonp,
		   struct layerfs_error *err)
{
	return parse(buf, len, what, jsonp, 0, err);
}

int oci_json_parse_foreign(const char *buf, size_t len, const char *what,
			   struct json_object **jsonp, struct layerfs_error *err)
{
	size_t objects = 0;

	for (size_t i = 0; i < len; i++)
		objects += buf[i] == '{' || buf[i] == '[';
	if (objects > MAX_OBJECTS)
		return layerfs_error_set(err, -E2BIG, "%s has more than %d lists and objects",
					 what, MAX_OBJECTS);
	return parse(buf, len, what, jsonp, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
		     JSON_TOKENER_ALLOW_TRAILING_CHARS, err);
}

struct json_object *oci_json_get(struct json_object *obj, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!obj || !json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

const char *oci_json_text(struct json_object *value)
{
	const char *s = json_object_is_type(value, json_type_string) ?
			json_object_get_string(value) : NULL;

	/* A NUL inside would let two readers see two values. */
	if (s && strlen(s) != (size_t)json_object_get_string_len(value))
		return NULL;
	return s;
}

const char *oci_json_string(struct json_object *obj, const char *key)
{
	return oci_json_text(oci_json_get(obj, key, json_type_string));
}

int64_t oci_json_int(struct json_object *obj, const char *key)
{
	struct json_object *value = oci_json_get(obj, key, json_type_int);

	return value ? json_object_get_int64(value) : -1;
}
