// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "oci_filter.h"
#include "oci_tar_input.h"

#define READ_BLOCK	(256 * 1024)
/* libarchive keeps a header in memory, with its long names and maps of holes */
#define HEADER_MAX	(8 << 20)

/**
 * struct oci_tar_input - a tar being read
 * @path: the file
 * @fd: it
 * @filter: decompresses it, or NULL
 * @tar: takes it apart
 * @buf: the last bytes of a file that is not compressed
 * @bounds: what ends it
 * @stopped: what that said, or 0
 * @left: decompressed bytes that may still come
 * @member: a header was read
 * @header: how much the header at hand took so far, or -1 while data is read
 * @why: our own reason to end the reading, which libarchive may forget
 */
struct oci_tar_input {
	char *path;
	int fd;
	struct archive *filter;
	struct archive *tar;
	char *buf;
	struct oci_tar_bounds bounds;
	int stopped;
	uint64_t left;
	bool member;
	ssize_t header;
	char why[64];
};

static int failed(struct oci_tar_input *in, struct archive *archive, struct layerfs_error *err)
{
	const char *why = archive ? archive_error_string(archive) : NULL;

	if (in->stopped)
		return layerfs_error_set(err, in->stopped, "interrupted");
	if (*in->why)
		why = in->why;
	return layerfs_error_set(err, -EBADMSG, "cannot read %s as a tar archive: %s", in->path,
				 why ? why : "unknown error");
}

static ssize_t read_file(struct oci_tar_input *in)
{
	ssize_t n;

	do {
		n = read(in->fd, in->buf, READ_BLOCK);
	} while (n < 0 && errno == EINTR);
	return n;
}

static la_ssize_t on_read_file(struct archive *archive, void *arg, const void **bufp)
{
	struct oci_tar_input *in = arg;
	ssize_t n = read_file(in);

	*bufp = in->buf;
	if (n < 0)
		archive_set_error(archive, errno, "%s", strerror(errno));
	return n;
}

static la_ssize_t read_filter(struct oci_tar_input *in, struct archive *archive,
			      const void **bufp)
{
	size_t len = 0;
	la_int64_t pos;
	int ret;

	while (!len) {
		ret = archive_read_data_block(in->filter, bufp, &len, &pos);
		if (ret == ARCHIVE_EOF)
			return 0;
		if (ret == ARCHIVE_OK || ret == ARCHIVE_WARN)
			continue;
		archive_set_error(archive, archive_errno(in->filter), "%s",
				  archive_error_string(in->filter));
		return -1;
	}
	if (len > in->left) {
		snprintf(in->why, sizeof(in->why), "decompressed it has more bytes than is allowed");
		return -1;
	}
	in->left -= len;
	return len;
}

static la_ssize_t on_read(struct archive *archive, void *arg, const void **bufp)
{
	struct oci_tar_input *in = arg;
	la_ssize_t n;

	/* A few bytes can decompress for hours. */
	in->stopped = in->bounds.stop ? in->bounds.stop(in->bounds.arg) : 0;
	if (in->stopped < 0)
		return -1;
	in->stopped = 0;
	if (in->header > HEADER_MAX) {
		snprintf(in->why, sizeof(in->why), "a header has more than %d bytes", HEADER_MAX);
		return -1;
	}
	n = in->filter ? read_filter(in, archive, bufp) : on_read_file(archive, arg, bufp);
	if (n > 0 && in->header >= 0)
		in->header += n;
	return n;
}

/* Not over a member that is bigger than the file: its end has to be noticed */
static la_int64_t on_skip(struct archive *archive, void *arg, la_int64_t len)
{
	struct oci_tar_input *in = arg;
	off_t pos, end;

	(void)archive;
	if (in->filter || (pos = lseek(in->fd, 0, SEEK_CUR)) < 0)
		return 0;
	end = lseek(in->fd, 0, SEEK_END);
	if (end < 0 || len > end - pos)
		len = 0;
	return lseek(in->fd, pos + len, SEEK_SET) < 0 ? ARCHIVE_FATAL : len;
}

static int open_filter(struct oci_tar_input *in, struct layerfs_error *err)
{
	int ret;

	ret = oci_filter_open(&in->filter, in, on_read_file, err);
	if (ret < 0)
		return ret == -EBADMSG ? failed(in, in->filter, err) : ret;
	/* Without compression nothing stands between the file and its seeks. */
	if (archive_filter_count(in->filter) == 1) {
		archive_read_free(in->filter);
		in->filter = NULL;
		if (lseek(in->fd, 0, SEEK_SET))
			return layerfs_error_sys(err, -errno, "cannot read %s", in->path);
	}
	return 0;
}

static int start(struct oci_tar_input *in, struct layerfs_error *err)
{
	int ret;

	in->fd = open(in->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (in->fd < 0)
		return layerfs_error_sys(err, -errno, "cannot open %s", in->path);
	ret = open_filter(in, err);
	if (ret)
		return ret;
	in->tar = archive_read_new();
	if (!in->tar)
		return layerfs_error_sys(err, -ENOMEM, "no memory for an archive");
	archive_read_support_format_tar(in->tar);
	if (archive_read_open2(in->tar, in, NULL, on_read, on_skip, NULL) != ARCHIVE_OK)
		return failed(in, in->tar, err);
	in->header = -1;
	return 0;
}

int oci_tar_input_open(const char *path, const struct oci_tar_bounds *bounds,
		       struct oci_tar_input **inp, struct layerfs_error *err)
{
	struct oci_tar_input *in = calloc(1, sizeof(*in));
	int ret;

	if (!in)
		return layerfs_error_sys(err, -ENOMEM, "no memory for an archive");
	in->fd = -1;
	in->bounds = *bounds;
	in->left = bounds->max;
	in->path = strdup(path);
	in->buf = malloc(READ_BLOCK);
	if (in->path && in->buf)
		ret = start(in, err);
	else
		ret = layerfs_error_sys(err, -ENOMEM, "no memory for an archive");
	if (ret) {
		oci_tar_input_close(in);
		return ret;
	}
	*inp = in;
	return 0;
}

void oci_tar_input_close(struct oci_tar_input *in)
{
	if (!in)
		return;
	archive_read_free(in->tar);
	archive_read_free(in->filter);
	if (in->fd >= 0)
		close(in->fd);
	free(in->path);
	free(in->buf);
	free(in);
}

int oci_tar_input_next(struct oci_tar_input *in, struct archive_entry **entryp,
		       struct layerfs_error *err)
{
	int ret = ARCHIVE_OK;

	/* What is left of the member before is not the next one's header. */
	if (in->member)
		ret = archive_read_data_skip(in->tar);
	in->member = true;
	in->header = 0;
	if (ret == ARCHIVE_OK || ret == ARCHIVE_WARN)
		ret = archive_read_next_header(in->tar, entryp);
	in->header = -1;
	if (ret == ARCHIVE_EOF)
		return 0;
	if (ret != ARCHIVE_OK && ret != ARCHIVE_WARN)
		return failed(in, in->tar, err);
	return 1;
}

ssize_t oci_tar_input_read(struct oci_tar_input *in, void *buf, size_t len,
			   struct layerfs_error *err)
{
	ssize_t n = archive_read_data(in->tar, buf, len);

	return n < 0 ? failed(in, in->tar, err) : n;
}
