// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci_source.h"
#include "oci_tar.h"
#include "oci_tar_input.h"
#include "openat2.h"

enum kind { KIND_DIR, KIND_TAR };

/**
 * struct layerfs_source - an open source
 * @kind: directory or tar
 * @layout: what the members mean
 * @path: where it is
 * @ref: which image of it, or NULL
 * @dirfd: the directory, or -1
 * @tar: the tar's index
 */
struct layerfs_source {
	enum kind kind;
	enum layerfs_layout layout;
	char *path;
	char *ref;
	int dirfd;
	struct oci_tar tar;
};

struct layerfs_blob {
	char *name;
	int fd;
	struct oci_tar_input *in;
};

static const struct transport {
	const char *prefix;
	enum kind kind;
	enum layerfs_layout layout;
	const char *must;
} transports[] = {
	{ "oci:", KIND_DIR, LAYERFS_LAYOUT_OCI, "index.json" },
	{ "oci-archive:", KIND_TAR, LAYERFS_LAYOUT_OCI, "index.json" },
	{ "docker-archive:", KIND_TAR, LAYERFS_LAYOUT_DOCKER, "manifest.json" },
	{ }
};

static const struct transport *transport_of(const char *spec)
{
	for (const struct transport *t = transports; t->prefix; t++)
		if (!strncmp(spec, t->prefix, strlen(t->prefix)))
			return t;
	return NULL;
}

/*
 * PATH may hold colons and REF often does: what exists decides, the longest
 * path first.
 */
static int split(struct layerfs_source *source, const char *spec, struct stat *st,
		 struct layerfs_error *err)
{
	char *colon;

	if (!*spec)
		return layerfs_error_set(err, -EINVAL, "no path of an image given");
	source->path = strdup(spec);
	if (!source->path)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	while (stat(source->path, st)) {
		if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
			return layerfs_error_sys(err, -errno, "cannot open %s", source->path);
		colon = strrchr(source->path, ':');
		if (!colon || colon == source->path)
			return layerfs_error_set(err, -ENOENT, "there is no file or directory %s",
						 spec);
		*colon = '\0';
	}
	if (spec[strlen(source->path)]) {
		source->ref = strdup(spec + strlen(source->path) + 1);
		if (!source->ref)
			return layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	}
	return 0;
}

static bool has_member(struct layerfs_source *source, const char *name)
{
	if (source->kind == KIND_TAR)
		return oci_tar_find(&source->tar, name) >= 0;
	return !faccessat(source->dirfd, name, F_OK, 0);
}

static int detect(struct layerfs_source *source, const struct transport *t,
		  struct layerfs_error *err)
{
	if (t) {
		source->layout = t->layout;
		if (has_member(source, t->must))
			return 0;
		return layerfs_error_set(err, -EINVAL, "%s has no %s: it is no %.*s",
					 source->path, t->must, (int)strlen(t->prefix) - 1,
					 t->prefix);
	}
	source->layout = LAYERFS_LAYOUT_OCI;
	if (has_member(source, "index.json"))
		return 0;
	source->layout = LAYERFS_LAYOUT_DOCKER;
	if (has_member(source, "manifest.json"))
		return 0;
	return layerfs_error_set(err, -EINVAL,
		"%s is no image: neither index.json (OCI) nor manifest.json (docker save) is in it",
		source->path);
}

static int open_kind(struct layerfs_source *source, const struct transport *t,
		     const struct stat *st, const struct oci_tar_bounds *bounds,
		     struct layerfs_error *err)
{
	source->kind = S_ISDIR(st->st_mode) ? KIND_DIR : KIND_TAR;
	if (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode))
		return layerfs_error_set(err, -EINVAL, "%s is neither a directory nor a file",
					 source->path);
	if (t && t->kind != source->kind)
		return layerfs_error_set(err, -EINVAL, "%.*s wants a %s, and %s is none",
					 (int)strlen(t->prefix) - 1, t->prefix,
					 t->kind == KIND_DIR ? "directory" : "file", source->path);
	if (source->kind == KIND_TAR)
		return oci_tar_open(&source->tar, source->path, bounds, err);
	source->dirfd = open(source->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source->dirfd < 0)
		return layerfs_error_sys(err, -errno, "cannot open %s", source->path);
	return 0;
}

int layerfs_source_open(const char *spec, const struct oci_tar_bounds *bounds,
			struct layerfs_source **sourcep, struct layerfs_error *err)
{
	const struct transport *t = transport_of(spec);
	struct layerfs_source *source;
	struct stat st;
	int ret;

	source = calloc(1, sizeof(*source));
	if (!source)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a source");
	source->dirfd = -1;
	ret = split(source, t ? spec + strlen(t->prefix) : spec, &st, err);
	if (!ret)
		ret = open_kind(source, t, &st, bounds, err);
	if (!ret)
		ret = detect(source, t, err);
	if (ret) {
		layerfs_source_close(source);
		return ret;
	}
	*sourcep = source;
	return 0;
}

void layerfs_source_close(struct layerfs_source *source)
{
	if (!source)
		return;
	if (source->dirfd >= 0)
		close(source->dirfd);
	oci_tar_close(&source->tar);
	free(source->path);
	free(source->ref);
	free(source);
}

enum layerfs_layout layerfs_source_layout(const struct layerfs_source *source)
{
	return source->layout;
}

const char *layerfs_source_path(const struct layerfs_source *source)
{
	return source->path;
}

const char *layerfs_source_ref(const struct layerfs_source *source)
{
	return source->ref;
}

/*
 * The name may come from a manifest, and the directory from a stranger: a link
 * that leads out of it could make root's secrets part of an image, or of the
 * message about a wrong digest. What is no file is not even opened, because
 * opening a FIFO waits and opening a device may do anything.
 */
static int find_file(struct layerfs_source *source, const char *name, struct stat *st,
		     struct layerfs_error *err)
{
	int fd = layerfs_openat2(source->dirfd, name, O_PATH,
				 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

	if (fd == -EXDEV)
		return layerfs_error_set(err, -EINVAL,
			"%s is not inside %s, or is a link that leads out of it", name,
			source->path);
	if (fd < 0)
		return layerfs_error_sys(err, fd, "cannot open %s/%s", source->path, name);
	if (!fstat(fd, st) && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return layerfs_error_set(err, -EINVAL, "%s/%s is no regular file", source->path, name);
}

static int open_file(struct layerfs_source *source, struct layerfs_blob *blob, uint64_t *sizep,
		     struct layerfs_error *err)
{
	char path[64];
	struct stat st;
	int fd, ret = 0;

	fd = find_file(source, blob->name, &st, err);
	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	blob->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (blob->fd < 0)
		ret = layerfs_error_sys(err, -errno, "cannot open %s/%s", source->path,
					blob->name);
	close(fd);
	*sizep = st.st_size;
	return ret;
}

static int open_member(struct layerfs_source *source, struct layerfs_blob *blob,
		       uint64_t *sizep, struct layerfs_error *err)
{
	ssize_t index = oci_tar_find(&source->tar, blob->name);

	if (index < 0)
		return layerfs_error_set(err, index, "%s is not in %s", blob->name, source->path);
	*sizep = oci_tar_size(&source->tar, index);
	return oci_tar_seek(&source->tar, index, &blob->in, err);
}

int layerfs_blob_open(struct layerfs_source *source, const char *name,
		      struct layerfs_blob **blobp, uint64_t *sizep, struct layerfs_error *err)
{
	struct layerfs_blob *blob = calloc(1, sizeof(*blob));
	int ret;

	if (blob) {
		blob->fd = -1;
		blob->name = strdup(name);
	}
	if (!blob || !blob->name) {
		free(blob);
		return layerfs_error_sys(err, -ENOMEM, "no memory for a blob");
	}
	ret = source->kind == KIND_TAR ? open_member(source, blob, sizep, err) :
					 open_file(source, blob, sizep, err);
	if (ret) {
		layerfs_blob_close(blob);
		return ret;
	}
	*blobp = blob;
	return 0;
}

ssize_t layerfs_blob_read(struct layerfs_blob *blob, void *buf, size_t len,
			  struct layerfs_error *err)
{
	ssize_t n;

	if (blob->in) {
		n = oci_tar_input_read(blob->in, buf, len, err);
		return n < 0 ? layerfs_error_prefix(err, "%s", blob->name) : n;
	}
	do {
		n = read(blob->fd, buf, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return layerfs_error_sys(err, -errno, "cannot read %s", blob->name);
	return n;
}

void layerfs_blob_close(struct layerfs_blob *blob)
{
	if (!blob)
		return;
	if (blob->fd >= 0)
		close(blob->fd);
	oci_tar_input_close(blob->in);
	free(blob->name);
	free(blob);
}

int layerfs_blob_load(struct layerfs_source *source, const char *name, size_t max, char **bufp,
		      size_t *lenp, struct layerfs_error *err)
{
	struct layerfs_blob *blob;
	ssize_t n = 0;
	uint64_t size;
	char *buf;
	int ret;

	*lenp = 0;
	ret = layerfs_blob_open(source, name, &blob, &size, err);
	if (ret)
		return ret;
	buf = size > max ? NULL : malloc(size + 1);
	if (size > max)
		ret = layerfs_error_set(err, -EFBIG, "%s is bigger than %zu bytes", name, max);
	else if (!buf)
		ret = layerfs_error_sys(err, -ENOMEM, "no memory for %s", name);
	while (!ret && *lenp < size) {
		n = layerfs_blob_read(blob, buf + *lenp, size - *lenp, err);
		if (n < 0)
			ret = n;
		else if (!n)
			ret = layerfs_error_set(err, -EBADMSG, "%s is cut short", name);
		else
			*lenp += n;
	}
	layerfs_blob_close(blob);
	if (ret) {
		free(buf);
		return ret;
	}
	buf[size] = '\0';
	*bufp = buf;
	return 0;
}
