/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LAYERFS_UNPACK_ACL_H
#define LAYERFS_UNPACK_ACL_H

#include <stddef.h>

#include "layerfs.h"

struct archive_entry;

/**
 * unpack_acl_encode() - an entry's POSIX ACL as the value of the kernel's xattr
 * @entry: the entry
 * @type: ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT
 * @valuep: the value, to be freed; NULL if the entry has none
 * @lenp: its length
 * @err: why not
 */
int unpack_acl_encode(struct archive_entry *entry, int type, void **valuep, size_t *lenp,
		      struct layerfs_error *err);

#endif
