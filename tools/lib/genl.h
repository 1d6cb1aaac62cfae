/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dumps of a generic netlink family. Private to the library. */
#ifndef _LAYERFS_LIB_GENL_H
#define _LAYERFS_LIB_GENL_H

#include <libmnl/libmnl.h>

#include "layerfs.h"

/**
 * struct genl - a socket that speaks to one family
 * @nl: the socket
 * @family: the family's number
 * @version: the version that requests carry
 * @seq: of the last request
 */
struct genl {
	struct mnl_socket *nl;
	uint16_t family;
	uint8_t version;
	uint32_t seq;
};

/**
 * struct genl_rows - who takes the rows of a dump
 * @row: takes one; attributes begin behind the generic header. 0 or -errno
 * @reset: forgets the rows so far: the dump starts over
 * @data: for both
 */
struct genl_rows {
	int (*row)(const struct nlmsghdr *nlh, void *data);
	void (*reset)(void *data);
	void *data;
};

/* Open a socket and find the family; -ENODEV when the kernel has none. */
int genl_open(struct genl *genl, const char *family, uint8_t version,
	      struct layerfs_error *err);
void genl_close(struct genl *genl);

/*
 * Dump without request attributes.  An inconsistent dump is repeated a few
 * times; a kernel that changes faster than that is shown as it was read.
 */
int genl_dump(struct genl *genl, uint8_t cmd, const struct genl_rows *rows,
	      struct layerfs_error *err);

#endif /* _LAYERFS_LIB_GENL_H */
