// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>

#include <archive_entry.h>

#include "oci_filter.h"

int oci_filter_open(struct archive **filterp, void *arg, archive_read_callback *read,
		    struct layerfs_error *err)
{
	struct archive *filter = archive_read_new();
	struct archive_entry *entry;
	int ret;

	*filterp = filter;
	if (!filter)
		return layerfs_error_sys(err, -ENOMEM, "no memory for an archive");
	/* Anything but OK means an external program would do it; none shall. */
	if (archive_read_support_filter_gzip(filter) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(filter) != ARCHIVE_OK)
		return layerfs_error_set(err, -EOPNOTSUPP,
					 "libarchive was built without gzip or zstd");
	archive_read_support_filter_bzip2(filter);
	archive_read_support_filter_xz(filter);
	archive_read_support_format_raw(filter);
	archive_read_support_format_empty(filter);
	if (archive_read_open(filter, arg, NULL, read, NULL) != ARCHIVE_OK)
		return -EBADMSG;
	ret = archive_read_next_header(filter, &entry);
	if (ret == ARCHIVE_EOF)
		return 0;
	if (ret != ARCHIVE_OK && ret != ARCHIVE_WARN)
		return -EBADMSG;
	/* libarchive undoes up to 25; one more multiplies what a small blob can become. */
	if (archive_filter_count(filter) > 2)
		return layerfs_error_set(err, -EINVAL, "it is compressed more than once");
	return 1;
}
