// SPDX-License-Identifier: GPL-2.0-only
/* The operations of the random test on attributes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness.h"
#include "model.h"

#define XATTRS		7

static void op_chmod(struct model *m)
{
	const char *path = draw_path(m);
	int mode = rnd(m, 3) ? rnd(m, 01000) | 0400 : rnd(m, 010000);

	DESC("chmod(%s, 0%o)", path, mode);
	BOTH(fchmodat(m->root[r], path, mode, 0));
}

static void op_chown(struct model *m)
{
	const char *path = draw_path(m);
	int uid = (int[]){ -1, 0, 1000, 1001 }[rnd(m, 4)];
	int gid = (int[]){ -1, 0, 1000, 1001 }[rnd(m, 4)];

	DESC("lchown(%s, %d, %d)", path, uid, gid);
	BOTH(fchownat(m->root[r], path, uid, gid, AT_SYMLINK_NOFOLLOW));
}

/* One time or both, each a given one, now, or left as it is. */
static void op_utimes(struct model *m)
{
	struct timespec ts[2] = { { 1, 1 }, { 1 + rnd(m, 99999999),
					      rnd(m, 999999999) } };
	const char *path = draw_path(m);
	struct slot *s = draw_slot(m);
	bool by_fd = s && !rnd(m, 3);

	for (int i = 0; i < 2; i++)
		if (!rnd(m, 4))
			ts[i].tv_nsec = rnd(m, 2) ? UTIME_NOW : UTIME_OMIT;
	DESC("utimensat(%s, %lld.%ld)", by_fd ? "a slot" : path,
	     (long long)ts[1].tv_sec, ts[1].tv_nsec);
	if (by_fd)
		BOTH(futimens(s->fd[r], ts))
	else
		BOTH(utimensat(m->root[r], path, ts, AT_SYMLINK_NOFOLLOW));
}

/* An ACL: user::, user:1000:, group::, mask::, other::, each with any bits. */
const char *draw_acl(struct model *m)
{
	static char acl[ACL_LEN];
	static const char tags[] = { 1, 2, 4, 0x10, 0x20 };

	memset(acl, 0xff, sizeof(acl));
	memcpy(acl, "\2\0\0\0", 4);
	for (int i = 0; i < 5; i++) {
		memcpy(acl + 4 + 8 * i, (char[]){ tags[i], 0, rnd(m, 8), 0 }, 4);
		if (tags[i] == 2)
			memcpy(acl + 8 + 8 * i, "\xe8\3\0\0", 4);
	}
	acl[6] |= 6;	/* or its owner could do nothing more */
	return acl;
}

static const char *const xattrs[XATTRS] = {
	"user.a", "user.b", "trusted.c", "security.s",
	"system.posix_acl_access", "system.posix_acl_default",
	"trusted.overlayish",
};

static const char *draw_xattr(struct model *m, char path[2][64])
{
	const char *rel = draw_path(m);

	for (int r = 0; r < 2; r++)
		snprintf(path[r], 64, "/proc/self/fd/%d/%s", m->root[r], rel);
	return xattrs[rnd(m, XATTRS)];
}

static void op_setxattr(struct model *m)
{
	char path[2][64];
	const char *name = draw_xattr(m, path);
	bool is_acl = !strncmp(name, "system.", 7);
	char value[2000];
	size_t len = rnd(m, 8) ? rnd(m, 20) : rnd(m, sizeof(value));
	int flags = rnd(m, 2) ? 0 : 1 + rnd(m, 2);
	const char *acl = draw_acl(m);

	memset(value, 'A' + rnd(m, 26), sizeof(value));
	DESC("lsetxattr(%s, %s, %zu bytes, flags %d)", m->touched[0], name, len, flags);
	BOTH(lsetxattr(path[r], name, is_acl ? acl : value,
		       is_acl ? ACL_LEN : len, flags));
}

static void op_getxattr(struct model *m)
{
	char path[2][64], buf[2048];
	const char *name = draw_xattr(m, path);
	size_t room = rnd(m, 4) ? sizeof(buf) : rnd(m, 30);

	DESC("lgetxattr(%s, %s, room for %zu)", m->touched[0], name, room);
	for (int r = 0; r < 2; r++) {
		m->rc[r] = lgetxattr(path[r], name, buf, room);
		m->err[r] = m->rc[r] < 0 ? errno : 0;
		for (long i = 0; room && i < m->rc[r]; i++)
			m->data[r] = m->data[r] * 31 + buf[i];
	}
}

static void op_removexattr(struct model *m)
{
	char path[2][64];
	const char *name = draw_xattr(m, path);

	DESC("lremovexattr(%s, %s)", m->touched[0], name);
	BOTH(lremovexattr(path[r], name));
}

/*
 * The order of names is the filesystem's own; and btrfs names trusted ones to those
 * who may not read them, too, which layerfs does not.
 */
static void op_listxattr(struct model *m)
{
	char path[2][64], buf[2048];
	long len;

	draw_xattr(m, path);
	DESC("llistxattr(%s)", m->touched[0]);
	for (int r = 0; r < 2; r++) {
		len = llistxattr(path[r], buf, sizeof(buf));
		m->rc[r] = len < 0 ? -1 : 0;
		m->err[r] = len < 0 ? errno : 0;
		for (char *p = buf; len > 0 && p < buf + len; p += strlen(p) + 1)
			if (!is_form_of_acl(p) && (!geteuid() || strncmp(p, "trusted.", 8)))
				m->data[r] += mix(p[0] * 65536 + p[5] * 256 + strlen(p));
	}
}

static void op_fattr(struct model *m)
{
	struct slot *s = draw_slot(m);
	int mode = rnd(m, 010000);

	if (!s)
		return;
	DESC("fchmod 0%o or fchown or f*xattr of slot %d", mode, slot_nr(m, s));
	switch (mode % 4) {
	case 0:
		BOTH(fchmod(s->fd[r], mode | 0600));
		break;
	case 1:
		BOTH(fchown(s->fd[r], mode & 4 ? 0 : 1000, -1));
		break;
	case 2:
		BOTH(fremovexattr(s->fd[r], "user.b"));
		break;
	default:
		BOTH(fsetxattr(s->fd[r], "user.b", "slot", 4, 0));
	}
}

const struct op attr_ops[] = {
	{ "chmod", op_chmod, 4 }, { "chown", op_chown, 3 },
	{ "utimes", op_utimes, 3 }, { "setxattr", op_setxattr, 4 },
	{ "getxattr", op_getxattr, 2 }, { "removexattr", op_removexattr, 3 },
	{ "listxattr", op_listxattr, 1 },
	{ "change of attributes of an open file", op_fattr, 3 },
	{ }
};
