/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decompressing what comes from outside.
 */
#ifndef LAYERFS_OCI_FILTER_H
#define LAYERFS_OCI_FILTER_H

#include <archive.h>

#include "layerfs.h"

/**
 * oci_filter_open() - start to decompress a stream, whatever it is compressed by
 * @filterp: freed by archive_read_free(), even after a failure; its only entry
 *	is the stream, to be read by archive_read_data_block()
 * @arg: for @read
 * @read: gives the compressed bytes
 * @err: why not; unset for -EBADMSG, where the archive has the reason
 *
 * Return: 1, 0 if there is not one byte, or -errno.
 */
int oci_filter_open(struct archive **filterp, void *arg, archive_read_callback *read,
		    struct layerfs_error *err);

#endif
