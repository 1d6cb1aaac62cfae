// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "oci_tar.h"
#include "oci_tar_input.h"

/* 500 layers are three members each in the oldest docker format */
#define MAX_MEMBERS	100000
#define MAX_LINKS	8
/* The longest that is looked for is blobs/sha256/ and 64 digits */
#define MAX_NAME	512

/**
 * struct oci_tar_member - one member
 * @name: its path, normalised; NULL for what cannot be an image's
 * @link: where a link leads, normalised; NULL for a file
 * @size: of a file
 */
struct oci_tar_member {
	char *name;
	char *link;
	uint64_t size;
};

/*
 * "a/./b", "/a/b" and "x/../a/b" are all "a/b"; with @base, relative to the
 * directory that it is in. Only for looking names up: NULL if it leads out or
 * is too long to be meant.
 */
static char *normalise(const char *base, const char *name)
{
	size_t dir = 0, len, n = 0;
	const char *slash;
	char *both, *out;

	if (!name || strlen(name) > MAX_NAME)
		return NULL;
	slash = base && *name != '/' ? strrchr(base, '/') : NULL;
	if (slash)
		dir = slash + 1 - base;
	both = malloc(dir + strlen(name) + 1);
	out = malloc(dir + strlen(name) + 2);
	if (!both || !out)
		goto none;
	memcpy(both, base ? base : "", dir);
	strcpy(both + dir, name);

	for (const char *p = both; *p; p += len) {
		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (!len || (len == 1 && *p == '.'))
			continue;
		if (len == 2 && !memcmp(p, "..", 2)) {
			if (!n)
				goto none;
			while (n && out[--n] != '/')
				;
			continue;
		}
		if (n)
			out[n++] = '/';
		memcpy(out + n, p, len);
		n += len;
	}
	out[n] = '\0';
	free(both);
	return out;
none:
	free(both);
	free(out);
	return NULL;
}

static int add_member(struct oci_tar *tar, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	struct oci_tar_member *m;

	if (tar->nr % 64 == 0) {
		m = reallocarray(tar->members, tar->nr + 64, sizeof(*m));
		if (!m)
			return -ENOMEM;
		tar->members = m;
	}
	m = &tar->members[tar->nr++];
	memset(m, 0, sizeof(*m));
	m->name = normalise(NULL, name);
	if (!m->name)
		return 0;
	if (archive_entry_hardlink(entry)) {
		m->link = normalise(NULL, archive_entry_hardlink(entry));
	} else if (archive_entry_filetype(entry) == AE_IFLNK) {
		m->link = normalise(m->name, archive_entry_symlink(entry));
	} else if (archive_entry_filetype(entry) == AE_IFREG) {
		m->size = archive_entry_size(entry);
		return 0;
	}
	if (!m->link) {
		free(m->name);
		m->name = NULL;
	}
	return 0;
}

static int index_members(struct oci_tar *tar, struct oci_tar_input *in, struct layerfs_error *err)
{
	struct archive_entry *entry;
	int ret;

	while ((ret = oci_tar_input_next(in, &entry, err)) > 0) {
		if (tar->nr == MAX_MEMBERS)
			return layerfs_error_set(err, -E2BIG, "%s has more than %d members",
						 tar->path, MAX_MEMBERS);
		ret = add_member(tar, entry);
		if (ret)
			return layerfs_error_sys(err, ret, "no memory for the index of %s",
						 tar->path);
	}
	return ret;
}

int oci_tar_open(struct oci_tar *tar, const char *path, const struct oci_tar_bounds *bounds,
		 struct layerfs_error *err)
{
	struct oci_tar_input *in;
	int ret;

	memset(tar, 0, sizeof(*tar));
	tar->bounds = *bounds;
	tar->path = strdup(path);
	if (!tar->path)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	ret = oci_tar_input_open(path, bounds, &in, err);
	if (!ret) {
		ret = index_members(tar, in, err);
		oci_tar_input_close(in);
	}
	if (ret)
		oci_tar_close(tar);
	return ret;
}

void oci_tar_close(struct oci_tar *tar)
{
	for (size_t i = 0; i < tar->nr; i++) {
		free(tar->members[i].name);
		free(tar->members[i].link);
	}
	free(tar->members);
	free(tar->path);
	memset(tar, 0, sizeof(*tar));
}

static ssize_t find_exact(const struct oci_tar *tar, const char *name)
{
	for (size_t i = tar->nr; i-- > 0;)
		if (tar->members[i].name && !strcmp(tar->members[i].name, name))
			return i;
	return -ENOENT;
}

ssize_t oci_tar_find(const struct oci_tar *tar, const char *name)
{
	char *plain = normalise(NULL, name);
	ssize_t i = plain ? find_exact(tar, plain) : -ENOENT;

	free(plain);
	for (int links = 0; i >= 0 && tar->members[i].link; links++) {
		if (links == MAX_LINKS)
			return -ELOOP;
		i = find_exact(tar, tar->members[i].link);
	}
	return i;
}

uint64_t oci_tar_size(const struct oci_tar *tar, size_t index)
{
	return tar->members[index].size;
}

int oci_tar_seek(const struct oci_tar *tar, size_t index, struct oci_tar_input **inp,
		 struct layerfs_error *err)
{
	struct archive_entry *entry;
	int ret;

	ret = oci_tar_input_open(tar->path, &tar->bounds, inp, err);
	if (ret)
		return ret;
	for (size_t i = 0; ret >= 0 && i <= index; i++) {
		ret = oci_tar_input_next(*inp, &entry, err);
		if (!ret)
			ret = layerfs_error_set(err, -EBADMSG, "%s has changed meanwhile",
						tar->path);
	}
	if (ret > 0)
		return 0;
	oci_tar_input_close(*inp);
	*inp = NULL;
	return ret;
}
