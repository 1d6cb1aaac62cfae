// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optstr.h"

/* Options of mount(8)'s own: for fstab, users and systemd, not for a filesystem. */
static bool is_userspace(const char *key)
{
	const struct libmnt_optmap *map = mnt_get_builtin_optmap(MNT_USERSPACE_MAP);
	size_t len = strlen(key);

	if (!strncmp(key, "x-", 2) || !strncmp(key, "X-", 2))
		return true;
	/* Entries read "name", "name=" or "name[=]". */
	for (; map && map->name; map++)
		if (!strncmp(map->name, key, len) &&
		    (!map->name[len] || strchr("=[", map->name[len])))
			return true;
	return false;
}

/* A string that ends in an odd number of backslashes escapes what follows. */
static bool ends_escaped(const char *start, const char *end)
{
	const char *p = end;

	while (p > start && p[-1] == '\\')
		p--;
	return (end - p) % 2;
}

/* libmount ends silently at a quote that is never closed. */
static int check_quotes(const char *string, struct layerfs_error *err)
{
	const char *p, *open = NULL;

	for (p = string; *p; p++)
		if (*p == '"')
			open = open ? NULL : p;
	if (!open)
		return 0;
	return layerfs_error_set(err, -EINVAL,
		"options: the quote before '%.40s' is never closed", open + 1);
}

/* An escaped character of @which becomes the character; other escapes stay. */
static void unescape(char *s, const char *which)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1]) {
			if (strchr(which, s[1]))
				s++;
			else
				*out++ = *s++;
		}
		*out++ = *s++;
	}
	*out = '\0';
}

static char *value_dup(const char *key, const char *start, size_t len)
{
	char *value;

	if (len >= 2 && start[0] == '"' && start[len - 1] == '"')
		return strndup(start + 1, len - 2);
	value = strndup(start, len);
	/* lowerdir has escapes of its own, and a backslash is one of them. */
	if (value)
		unescape(value, !strcmp(key, "lowerdir") ? "," : ",\\");
	return value;
}

static int keep(char **to, const char *key, const char *value,
		struct layerfs_error *err)
{
	if (!value || !*value)
		return layerfs_error_set(err, -EINVAL, "%s needs a value", key);
	if (*to)
		return layerfs_error_set(err, -EINVAL, "%s is given twice", key);
	*to = strdup(value);
	return *to ? 0 : layerfs_error_sys(err, -ENOMEM, "%s", key);
}

static int take_option(struct optstr *o, const char *key, const char *value,
		       struct layerfs_error *err)
{
	if (is_userspace(key))
		return 0;
	if (!strcmp(key, "remount") && !value) {
		o->remount = true;
		return 0;
	}
	if (!strcmp(key, "layers"))
		return keep(&o->layers_file, key, value, err);
	if (!strcmp(key, "image"))
		return keep(&o->image, key, value, err);
	if (!strcmp(key, "root"))
		return keep(&o->root, key, value, err);
	return layerfs_options_set(&o->opts, key, value, err);
}

int optstr_parse(struct optstr *o, const char *string, struct layerfs_error *err)
{
	char *rest = (char *)string, *name, *value, *end, *key, *copy;
	size_t name_len, value_len;
	int ret = check_quotes(string, err);

	while (!ret && !mnt_optstr_next_option(&rest, &name, &name_len, &value,
					       &value_len)) {
		end = value ? value + value_len : name + name_len;
		/* Escaped commas: libmount splits there all the same. */
		while (*end == ',' && ends_escaped(name, end)) {
			end++;
			while (*end && *end != ',')
				end++;
			rest = *end ? end + 1 : end;
		}
		key = strndup(name, name_len);
		copy = key && value ? value_dup(key, value, end - value) : NULL;
		if (!key || (value && !copy))
			ret = layerfs_error_sys(err, -ENOMEM, "options");
		else
			ret = take_option(o, key, copy, err);
		free(key);
		free(copy);
	}
	return ret;
}

/* At boot somebody may look at a console that says nothing. */
static void on_wait(void *arg, const char *what)
{
	const struct optstr *o = arg;
	char msg[128];

	if (!o->opts.warn)
		return;
	snprintf(msg, sizeof(msg), "image '%s': waiting for %s", o->image, what);
	o->opts.warn(o->opts.warn_data, msg);
}

/* The image must not be removed before it is mounted. */
static int take_image(struct optstr *o, struct layerfs_error *err)
{
	int ret;

	ret = layerfs_store_open(o->root, false, &o->store, err);
	if (!ret)
		layerfs_store_on_wait(o->store, on_wait, o);
	if (!ret)
		ret = layerfs_store_hold(o->store, err);
	if (!ret)
		ret = layerfs_layers_from_image(&o->opts.layers, o->root, o->image, NULL, err);
	return ret;
}

int optstr_finish(struct optstr *o, struct layerfs_error *err)
{
	int sources = !!o->opts.layers.nr + !!o->layers_file + !!o->image;

	/* What is mounted is not looked up again. */
	if (o->remount)
		return 0;
	if (sources > 1)
		return layerfs_error_set(err, -EINVAL,
			"lowerdir, layers and image all name the layers: give one of them");
	if (o->root && !o->image)
		return layerfs_error_set(err, -EINVAL,
			"root is where image is looked for; there is no image");
	if (o->layers_file)
		return layerfs_layers_read(&o->opts.layers, o->layers_file, err);
	return o->image ? take_image(o, err) : 0;
}

void optstr_free(struct optstr *o)
{
	layerfs_options_free(&o->opts);
	free(o->layers_file);
	free(o->image);
	free(o->root);
	layerfs_store_close(o->store);
}
