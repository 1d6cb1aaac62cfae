// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include <archive.h>

#include "digest.h"
#include "oci_filter.h"
#include "oci_layer.h"

#define READ_BLOCK	(256 * 1024)
/* That much of a tar becomes at most eight times as much on the disk */
#define LOOK_EVERY	(256 << 10)
/* The part that an import leaves of what was free */
#define KEEP_PART	10

/**
 * struct stream - blob -> digest -> decompression -> diff-id -> unpacking
 * @job: the caller's
 * @blob: where the compressed bytes come from
 * @buf: the last of them
 * @got: how many there were so far
 * @filter: decompresses them; it sees the tar as one "raw" file
 * @empty: there is not one byte in it
 * @packed: digest of the compressed bytes
 * @plain: digest of the decompressed ones
 * @read_err: set when reading the blob failed
 */
struct stream {
	struct layerfs_layer_job *job;
	struct layerfs_blob *blob;
	char *buf;
	uint64_t got;
	struct archive *filter;
	bool empty;
	struct layerfs_hash packed;
	struct layerfs_hash plain;
	struct layerfs_error read_err;
};

static ssize_t read_packed(struct stream *s, struct layerfs_error *err)
{
	ssize_t len;
	int ret;

	len = layerfs_blob_read(s->blob, s->buf, READ_BLOCK, err);
	if (len <= 0)
		return len;
	ret = layerfs_hash_update(&s->packed, s->buf, len);
	if (ret)
		return layerfs_error_sys(err, ret, "cannot compute a digest");
	s->got += len;
	return len;
}

static la_ssize_t on_read(struct archive *archive, void *arg, const void **bufp)
{
	struct stream *s = arg;
	ssize_t len = read_packed(s, &s->read_err);

	if (len < 0) {
		archive_set_error(archive, -len, "read error");
		return -1;
	}
	*bufp = s->buf;
	return len;
}

static int filter_failed(struct stream *s, struct layerfs_error *err)
{
	const char *why = archive_error_string(s->filter);

	if (s->read_err.code)
		return layerfs_error_set(err, s->read_err.code, "%s", s->read_err.msg);
	return layerfs_error_set(err, -EBADMSG, "cannot decompress it: %s",
				 why ? why : "unknown error");
}

int layerfs_import_limits_start(struct layerfs_import_limits *limits, uint64_t max_size,
				int dirfd)
{
	struct statvfs fs;

	if (fstatvfs(dirfd, &fs))
		return -errno;
	*limits = (struct layerfs_import_limits) {
		.max_size = max_size,
		.keep_bytes = (uint64_t)fs.f_bavail * fs.f_frsize / KEEP_PART,
		.keep_inodes = fs.f_favail / KEEP_PART,
	};
	return 0;
}

static int check_free(const struct layerfs_layer_job *job, struct layerfs_error *err)
{
	struct statvfs fs;

	if (fstatvfs(job->dirfd, &fs))
		return layerfs_error_sys(err, -errno, "cannot see how much space is free");
	if ((uint64_t)fs.f_bavail * fs.f_frsize >= job->limits->keep_bytes &&
	    fs.f_favail >= job->limits->keep_inodes)
		return 0;
	return layerfs_error_set(err, -ENOSPC,
		"it fills the disk: less than a tenth is left of what was free before");
}

static int check_limits(const struct layerfs_layer_job *job, size_t len,
			struct layerfs_error *err)
{
	struct layerfs_import_limits *limits = job->limits;
	uint64_t before = limits->used;

	limits->used += len;
	if (limits->used > limits->max_size)
		return layerfs_error_set(err, -EFBIG,
			"the layers unpack to more than %llu bytes, which is the limit",
			(unsigned long long)limits->max_size);
	return limits->used / LOOK_EVERY != before / LOOK_EVERY ? check_free(job, err) : 0;
}

static int report(struct stream *s, struct layerfs_error *err)
{
	struct layerfs_layer_job *job = s->job;
	int ret;

	ret = job->progress ? job->progress(job->arg, s->got, job->blob_size) : 0;
	return ret < 0 ? layerfs_error_set(err, ret, "interrupted") : 0;
}

/* The layerfs_pull_fn that layerfs_unpack() reads the tar through */
static ssize_t pull_plain(void *arg, const void **bufp, struct layerfs_error *err)
{
	struct stream *s = arg;
	la_int64_t pos;
	size_t len = 0;
	int ret;

	if (s->empty)
		return 0;
	while (!len) {
		ret = archive_read_data_block(s->filter, bufp, &len, &pos);
		if (ret == ARCHIVE_EOF)
			return 0;
		if (ret != ARCHIVE_OK && ret != ARCHIVE_WARN)
			return filter_failed(s, err);
	}
	ret = layerfs_hash_update(&s->plain, *bufp, len);
	if (ret)
		return layerfs_error_sys(err, ret, "cannot compute a digest");
	ret = check_limits(s->job, len, err);
	if (!ret)
		ret = report(s, err);
	return ret ? ret : (ssize_t)len;
}

static int start_filter(struct stream *s, struct layerfs_error *err)
{
	int ret = oci_filter_open(&s->filter, s, on_read, err);

	s->empty = !ret;
	if (ret == -EBADMSG)
		return filter_failed(s, err);
	return ret < 0 ? ret : 0;
}

/* Both digests cover what follows the end of the archive, too */
static int drain(struct stream *s, bool plain, struct layerfs_error *err)
{
	const void *buf;
	ssize_t len;

	do {
		len = plain ? pull_plain(s, &buf, err) : 0;
	} while (len > 0);
	while (len >= 0) {
		len = read_packed(s, err);
		if (!len)
			return 0;
		if (len > 0 && report(s, err))
			return -EINTR;
	}
	return len;
}

static int check_packed(struct stream *s, struct layerfs_error *err)
{
	struct layerfs_layer_job *job = s->job;
	const char *digest = job->layer->digest;
	int ret;

	ret = layerfs_hash_end(&s->packed, job->blob_digest);
	if (ret)
		return layerfs_error_sys(err, ret, "cannot compute a digest");
	if (digest && strcmp(job->blob_digest, digest))
		return layerfs_error_set(err, -EBADMSG, "%s is damaged: its digest is %s",
					 job->layer->blob, job->blob_digest);
	return 0;
}

static int check_plain(struct stream *s, struct layerfs_error *err)
{
	char digest[LAYERFS_DIGEST_SIZE];
	int ret;

	ret = layerfs_hash_end(&s->plain, digest);
	if (ret)
		return layerfs_error_sys(err, ret, "cannot compute a digest");
	if (strcmp(digest, s->job->layer->diff_id))
		return layerfs_error_set(err, -EBADMSG,
			"%s decompresses to another tar than the config says: its digest is %s",
			s->job->layer->blob, digest);
	return 0;
}

static bool is_not_the_blobs_fault(int ret)
{
	switch (ret) {
	case -ENOMEM:
	case -ENOSPC:
	case -EDQUOT:
	case -EIO:
	case -EROFS:
	case -EINTR:
	case -EFBIG:
		return true;
	}
	return false;
}

/*
 * A damaged blob first shows as nonsense in some header. When the digest is
 * wrong, that is the reason to give.
 */
static int explain(struct stream *s, int ret, struct layerfs_error *err)
{
	struct layerfs_error digest_err = { 0 };

	if (s->read_err.code || !s->job->layer->digest)
		return ret;
	if (drain(s, false, &digest_err) || !check_packed(s, &digest_err))
		return ret;
	return layerfs_error_set(err, digest_err.code, "%s", digest_err.msg);
}

static int run(struct stream *s, struct layerfs_error *err)
{
	struct layerfs_layer_job *job = s->job;
	int ret;

	ret = start_filter(s, err);
	if (!ret)
		ret = layerfs_unpack(job->dirfd, pull_plain, s, &job->unpacked, err);
	if (!ret)
		ret = drain(s, true, err);
	if (ret && !is_not_the_blobs_fault(ret))
		return explain(s, ret, err);
	if (!ret)
		ret = check_packed(s, err);
	return ret ? ret : check_plain(s, err);
}

static int open_blob(struct stream *s, struct layerfs_error *err)
{
	struct layerfs_layer_job *job = s->job;
	int ret;

	ret = layerfs_blob_open(job->source, job->layer->blob, &s->blob, &job->blob_size, err);
	if (ret)
		return ret;
	if (job->layer->digest && job->layer->size != job->blob_size)
		return layerfs_error_set(err, -EBADMSG,
			"%s has %llu bytes instead of the %llu of the manifest", job->layer->blob,
			(unsigned long long)job->blob_size,
			(unsigned long long)job->layer->size);
	if (job->blob_size > job->limits->max_size)
		return layerfs_error_set(err, -EFBIG, "%s has %llu bytes, and the limit is %llu",
					 job->layer->blob, (unsigned long long)job->blob_size,
					 (unsigned long long)job->limits->max_size);
	return report(s, err);
}

int layerfs_layer_unpack(struct layerfs_layer_job *job, struct layerfs_error *err)
{
	struct stream s = { .job = job };
	int ret;

	ret = open_blob(&s, err);
	if (ret)
		goto out;
	s.buf = malloc(READ_BLOCK);
	ret = s.buf ? layerfs_hash_start(&s.packed) : -ENOMEM;
	if (!ret)
		ret = layerfs_hash_start(&s.plain);
	if (ret)
		layerfs_error_sys(err, ret, "cannot start reading a layer");
	else
		ret = run(&s, err);
out:
	archive_read_free(s.filter);
	layerfs_hash_abort(&s.packed);
	layerfs_hash_abort(&s.plain);
	layerfs_blob_close(s.blob);
	free(s.buf);
	return ret;
}
