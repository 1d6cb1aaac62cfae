// SPDX-License-Identifier: LGPL-2.1-or-later
#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <archive.h>
#include <archive_entry.h>

#include "unpack_acl.h"

static const struct {
	int archive;
	uint16_t tag;
	bool named;
} tags[] = {
	{ ARCHIVE_ENTRY_ACL_USER_OBJ, ACL_USER_OBJ, false },
	{ ARCHIVE_ENTRY_ACL_USER, ACL_USER, true },
	{ ARCHIVE_ENTRY_ACL_GROUP_OBJ, ACL_GROUP_OBJ, false },
	{ ARCHIVE_ENTRY_ACL_GROUP, ACL_GROUP, true },
	{ ARCHIVE_ENTRY_ACL_MASK, ACL_MASK, false },
	{ ARCHIVE_ENTRY_ACL_OTHER, ACL_OTHER, false },
};

/* The kernel wants them by tag, and by id where the tag has ids */
static int compare(const void *a, const void *b)
{
	const struct posix_acl_xattr_entry *x = a, *y = b;
	uint16_t tag_x = le16toh(x->e_tag), tag_y = le16toh(y->e_tag);
	uint32_t id_x = le32toh(x->e_id), id_y = le32toh(y->e_id);

	if (tag_x != tag_y)
		return tag_x < tag_y ? -1 : 1;
	return id_x < id_y ? -1 : id_x > id_y;
}

static int encode_one(struct posix_acl_xattr_entry *to, int perm, int tag, int id,
		      const char *name, struct layerfs_error *err)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		if (tags[i].archive != tag)
			continue;
		if (tags[i].named && id < 0)
			return layerfs_error_set(err, -EINVAL,
				"its ACL names \"%s\" without a numeric id", name ? name : "");
		to->e_tag = htole16(tags[i].tag);
		to->e_perm = htole16(perm & (ACL_READ | ACL_WRITE | ACL_EXECUTE));
		to->e_id = htole32(tags[i].named ? (uint32_t)id : (uint32_t)ACL_UNDEFINED_ID);
		return 0;
	}
	return layerfs_error_set(err, -EINVAL, "its ACL has an entry of an unknown kind");
}

int unpack_acl_encode(struct archive_entry *entry, int type, void **valuep, size_t *lenp,
		      struct layerfs_error *err)
{
	struct posix_acl_xattr_header *acl;
	struct posix_acl_xattr_entry *entries;
	int found, perm, tag, id, ret;
	const char *name;
	int nr = 0, max;

	*valuep = NULL;
	*lenp = 0;
	max = archive_entry_acl_reset(entry, type);
	if (max <= 0)
		return 0;
	acl = malloc(sizeof(*acl) + max * sizeof(*entries));
	if (!acl)
		return layerfs_error_sys(err, -ENOMEM, "no memory for an ACL");
	acl->a_version = htole32(POSIX_ACL_XATTR_VERSION);
	entries = (struct posix_acl_xattr_entry *)(acl + 1);

	while (nr < max &&
	       archive_entry_acl_next(entry, type, &found, &perm, &tag, &id, &name) == ARCHIVE_OK) {
		ret = encode_one(&entries[nr++], perm, tag, id, name, err);
		if (ret) {
			free(acl);
			return ret;
		}
	}
	qsort(entries, nr, sizeof(*entries), compare);
	*valuep = acl;
	*lenp = sizeof(*acl) + nr * sizeof(*entries);
	return 0;
}
