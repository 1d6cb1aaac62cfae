// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mount options: which are flags of any mount, which are the filesystem's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "layerfs.h"

/* Linux 5.14; glibc 2.36 does not name it yet. */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

/* The access-time modes are one field: a new mode replaces the old one. */
static const struct mount_flag {
	const char *name;
	uint64_t set, clear;
} mount_flags[] = {
	{ "nosuid",		MOUNT_ATTR_NOSUID, 0 },
	{ "suid",		0, MOUNT_ATTR_NOSUID },
	{ "nodev",		MOUNT_ATTR_NODEV, 0 },
	{ "dev",		0, MOUNT_ATTR_NODEV },
	{ "noexec",		MOUNT_ATTR_NOEXEC, 0 },
	{ "exec",		0, MOUNT_ATTR_NOEXEC },
	{ "nosymfollow",	MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow",		0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "nodiratime",		MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime",		0, MOUNT_ATTR_NODIRATIME },
	{ "noatime",		MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "atime",		MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "relatime",		MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "norelatime",		MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "strictatime",	MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "nostrictatime",	MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	/* Asked for nothing, or nothing that still exists. */
	{ "defaults",		0, 0 },
	{ "silent",		0, 0 },
	{ "loud",		0, 0 },
	{ "iversion",		0, 0 },
	{ "noiversion",		0, 0 },
	{ "nomand",		0, 0 },
};

static bool set_mount_flag(struct layerfs_options *opts, const char *key)
{
	const struct mount_flag *flag = mount_flags;
	const struct mount_flag *end = flag + sizeof(mount_flags) / sizeof(*flag);

	for (; flag < end; flag++) {
		if (strcmp(flag->name, key))
			continue;
		opts->attr_set = (opts->attr_set & ~flag->clear) | flag->set;
		opts->attr_clear = (opts->attr_clear & ~flag->set) | flag->clear;
		return true;
	}
	return false;
}

static int add_param(struct layerfs_options *opts, const char *key,
		     const char *value, struct layerfs_error *err)
{
	struct layerfs_param *grown, param = { 0 };

	grown = reallocarray(opts->params, opts->nr_params + 1, sizeof(*grown));
	if (!grown)
		goto no_memory;
	opts->params = grown;
	param.key = strdup(key);
	param.value = value ? strdup(value) : NULL;
	if (!param.key || (value && !param.value))
		goto no_memory;
	opts->params[opts->nr_params++] = param;
	return 0;

no_memory:
	free(param.key);
	free(param.value);
	return layerfs_error_sys(err, -ENOMEM, "%s", key);
}

/* The options that carry directories; -ENOKEY for any other. */
static int set_directory(struct layerfs_options *opts, const char *key,
			 const char *value, struct layerfs_error *err)
{
	char **to = !strcmp(key, "upperdir") ? &opts->upperdir :
		    !strcmp(key, "workdir") ? &opts->workdir : NULL;

	if (!to && strcmp(key, "lowerdir") && strcmp(key, "lowerdir+") &&
	    strcmp(key, "datadir+"))
		return -ENOKEY;
	if (!value || !*value)
		return layerfs_error_set(err, -EINVAL,
					 "%s needs a directory: %s=DIR", key, key);
	if (!strcmp(key, "lowerdir+"))
		return layerfs_layers_add(&opts->layers, value, err);
	if (!strcmp(key, "datadir+"))
		return layerfs_layers_add_data(&opts->layers, value, err);
	if (to ? *to != NULL : opts->layers.nr)
		return layerfs_error_set(err, -EINVAL, "%s is given twice", key);
	if (!to)
		return layerfs_layers_parse(&opts->layers, value, err);
	*to = strdup(value);
	return *to ? 0 : layerfs_error_sys(err, -ENOMEM, "%s", key);
}

int layerfs_options_set(struct layerfs_options *opts, const char *key,
			const char *value, struct layerfs_error *err)
{
	int ret = set_directory(opts, key, value, err);

	if (ret != -ENOKEY)
		return ret;
	if (value)
		return add_param(opts, key, value, err);
	if (!strcmp(key, "ro") || !strcmp(key, "rw")) {
		opts->ro = key[1] == 'o';
		opts->rw = !opts->ro;
		return 0;
	}
	if (set_mount_flag(opts, key))
		return 0;
	return add_param(opts, key, NULL, err);
}

void layerfs_options_free(struct layerfs_options *opts)
{
	size_t i;

	layerfs_layers_free(&opts->layers);
	free(opts->upperdir);
	free(opts->workdir);
	for (i = 0; i < opts->nr_params; i++) {
		free(opts->params[i].key);
		free(opts->params[i].value);
	}
	free(opts->params);
	*opts = (struct layerfs_options){ 0 };
}
