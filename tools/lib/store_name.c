// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "store_name.h"

#define NAME_MAX_LEN	255
#define TAG_MAX_LEN	128

static bool is_word(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c);
}

/* One component of a repository; the first may be a host with a port */
static bool component_ok(const char *p, size_t len, bool host)
{
	if (!len || !is_word(p[0]) || !is_word(p[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_word(p[i]) && !strchr(host ? "._-:" : "._-", p[i]))
			return false;
	return true;
}

static bool repository_ok(const char *repo, size_t len)
{
	bool first = true;

	if (len > NAME_MAX_LEN)
		return false;
	for (;;) {
		const char *slash = memchr(repo, '/', len);
		size_t n = slash ? (size_t)(slash - repo) : len;

		if (!component_ok(repo, n, first && slash))
			return false;
		if (!slash)
			return true;
		first = false;
		repo += n + 1;
		len -= n + 1;
	}
}

static bool tag_ok(const char *tag)
{
	size_t len = strlen(tag);

	if (!len || len > TAG_MAX_LEN || tag[0] == '.' || tag[0] == '-')
		return false;
	for (; *tag; tag++)
		if (!isalnum((unsigned char)*tag) && !strchr("._-", *tag))
			return false;
	return true;
}

/* It would be taken for an id, or for a digest with its algorithm */
static bool is_digest(const char *repo, size_t len)
{
	return (len == 6 && !memcmp(repo, "sha256", len)) ||
	       (len == LAYERFS_DIGEST_HEX &&
		strspn(repo, "0123456789abcdef") >= LAYERFS_DIGEST_HEX);
}

int layerfs_name_parse(const char *typed, char **namep, struct layerfs_error *err)
{
	const char *repo = typed, *slash, *colon;
	const char *tag = "latest";
	size_t len;

	if (!strncmp(repo, "docker.io/", 10)) {
		repo += 10;
		if (!strncmp(repo, "library/", 8))
			repo += 8;
	}
	slash = strrchr(repo, '/');
	colon = strrchr(repo, ':');
	if (colon && (!slash || colon > slash))
		tag = colon + 1;
	else
		colon = NULL;
	len = colon ? (size_t)(colon - repo) : strlen(repo);

	if (!repository_ok(repo, len))
		return layerfs_error_set(err, -EINVAL,
			"\"%s\" is no image name: a repository is lower-case letters, digits and . _ - between slashes",
			typed);
	if (is_digest(repo, len))
		return layerfs_error_set(err, -EINVAL,
			"\"%s\" is no image name: it would be mistaken for a digest", typed);
	if (!tag_ok(tag))
		return layerfs_error_set(err, -EINVAL,
			"\"%s\" is no image name: a tag is up to %d letters, digits and . _ -",
			typed, TAG_MAX_LEN);
	if (asprintf(namep, "%.*s:%s", (int)len, repo, tag) < 0)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	return 0;
}

const char *layerfs_name_tag(const char *name)
{
	return strrchr(name, ':') + 1;
}

char *layerfs_name_from_path(const char *path, const char *tag)
{
	static const char *const suffixes[] = { ".gz", ".zst", ".xz", ".tar", ".tgz", NULL };
	char *base, *name = NULL;
	char *typed = NULL;

	base = realpath(path, NULL);
	if (!base || !strrchr(base, '/')[1]) {
		free(base);
		return NULL;
	}
	for (const char *const *s = suffixes; *s; s++) {
		size_t len = strlen(base), n = strlen(*s);

		if (len > n && !strcmp(base + len - n, *s))
			base[len - n] = '\0';
	}
	for (char *p = strrchr(base, '/') + 1; *p; p++)
		*p = tolower((unsigned char)*p);
	if (asprintf(&typed, "%s:%s", strrchr(base, '/') + 1, tag ? tag : "latest") >= 0) {
		if (layerfs_name_parse(typed, &name, NULL))
			name = NULL;
		free(typed);
	}
	free(base);
	return name;
}
