// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the random test.  Each draws its arguments once and is done
 * on both sides; what it returned, its errno and what it read must be equal.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness.h"
#include "model.h"
#include "tree.h"

#define NAMES	6

/* Runs @call with r = SUBJECT, then PLAIN, and keeps what came of it. */
#define BOTH(call)							\
	for (int r = 0; r < 2; r++) {					\
		errno = 0;						\
		m->rc[r] = (call);					\
		m->err[r] = m->rc[r] == -1 ? errno : 0;			\
	}

#define DESC(...) snprintf(m->desc, sizeof(m->desc), __VA_ARGS__)

uint32_t rnd(struct model *m, uint32_t below)
{
	uint64_t z = m->rng += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)(z >> 33) % below;
}

/*
 * A path of one to four names.  All but the last are directories, as a rule:
 * drawn blindly, most operations would end at ENOTDIR.  In half of the cases the
 * last is one that exists, as a rule.
 */
static const char *draw_path(struct model *m)
{
	static char bufs[4][16];
	static int turn;
	char *p = bufs[turn++ % 4];
	int depth = 1 + (rnd(m, 8) + rnd(m, 8)) / 4;
	bool exists = rnd(m, 2);
	struct stat st;

	for (int i = 0; i < depth; i++) {
		for (int tries = 0; tries < 5; tries++) {
			p[2 * i] = 'a' + rnd(m, NAMES);
			p[2 * i + 1] = '\0';
			if (i == depth - 1 && !exists)
				break;
			if (!fstatat(m->root[PLAIN], p, &st,
				     AT_SYMLINK_NOFOLLOW) &&
			    (i == depth - 1 || S_ISDIR(st.st_mode)))
				break;
		}
		if (i < depth - 1)
			p[2 * i + 1] = '/';
	}
	p[2 * depth - 1] = '\0';
	return p;
}

static struct slot *draw_slot(struct model *m)
{
	struct slot *s;

	for (int tries = 0; tries < 4; tries++) {
		s = &m->slots[rnd(m, SLOTS)];
		if (s->fd[0] >= 0)
			return s;
	}
	return NULL;
}

static void close_slot(struct slot *s)
{
	for (int r = 0; r < 2; r++) {
		if (s->fd[r] >= 0)
			close(s->fd[r]);
		s->fd[r] = -1;
	}
}

void model_close_slots(struct model *m)
{
	for (int i = 0; i < SLOTS; i++)
		close_slot(&m->slots[i]);
}

uint64_t model_digest(int fd, uint64_t size)
{
	static uint64_t buf[4096];
	uint64_t h = size;
	off_t pos = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), pos)) > 0) {
		memset((char *)buf + n, 0, -n & 7);
		for (ssize_t i = 0; i < (n + 7) / 8; i++)
			h = (h ^ buf[i]) * 0x100000001b3u + (h >> 47);
		pos += n;
	}
	return n < 0 ? (uint64_t)-errno : h ^ pos;
}

static const char *draw_data(struct model *m, size_t len)
{
	static char buf[65536];
	uint32_t x = rnd(m, 1u << 31);

	for (size_t i = 0; i < (len + 3) / 4; i++)
		((uint32_t *)buf)[i] = x += 0x9e3779b9;
	return buf;
}

/* Keeps the descriptors in a slot when both sides have one. */
static void keep(struct model *m, struct slot *s, int flags)
{
	for (int r = 0; r < 2; r++)
		s->fd[r] = m->rc[r];
	s->flags = flags;
	if (m->rc[0] < 0 || m->rc[1] < 0)
		close_slot(s);
	for (int r = 0; r < 2; r++)
		if (m->rc[r] >= 0)
			m->rc[r] = 0;
}

static void op_open(struct model *m)
{
	static const int access[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };
	static const int more[] = { 0, 0, 0, 0, O_APPEND, O_TRUNC, O_CREAT,
		O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_EXCL, O_CREAT | O_TRUNC,
		O_CREAT | O_APPEND };
	int flags = access[rnd(m, 4)] | more[rnd(m, 12)] | O_NONBLOCK | O_CLOEXEC;
	struct slot *s = &m->slots[rnd(m, SLOTS)];
	const char *path = draw_path(m);
	int mode = rnd(m, 8) ? 0644 : rnd(m, 01000);

	DESC("open(%s, 0%o, 0%o) as slot %d", path, flags, mode,
	     (int)(s - m->slots));
	close_slot(s);
	BOTH(openat(m->root[r], path, flags, mode));
	keep(m, s, flags);
}

static void op_close(struct model *m)
{
	struct slot *s = draw_slot(m);

	if (!s)
		return;
	DESC("close slot %d", (int)(s - m->slots));
	close_slot(s);
}

static void op_tmpfile(struct model *m)
{
	const char *dir = draw_path(m), *path = draw_path(m);
	int fd[2], mode = rnd(m, 01000);
	char proc[32];

	DESC("O_TMPFILE in %s, written and linked as %s", dir, path);
	BOTH(fd[r] = openat(m->root[r], dir, O_TMPFILE | O_RDWR, mode));
	if (fd[0] < 0 || fd[1] < 0) {
		for (int r = 0; r < 2; r++)
			if (fd[r] >= 0)
				close(fd[r]);
		return;
	}
	BOTH(write(fd[r], "tmpfile", 7));
	BOTH((snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd[r]),
	      linkat(AT_FDCWD, proc, m->root[r], path, AT_SYMLINK_FOLLOW)));
	close(fd[0]);
	close(fd[1]);
}

static void op_pwrite(struct model *m)
{
	size_t len = 1 + rnd(m, rnd(m, 3) ? 200 : 9000);
	off_t pos = rnd(m, 3) ? rnd(m, 9000) : rnd(m, FILE_MAX - 9000);
	const char *data = draw_data(m, len);
	struct slot *s = draw_slot(m);

	if (!s)
		return;
	DESC("pwrite(slot %d, %zu at %lld)", (int)(s - m->slots), len,
	     (long long)pos);
	BOTH(pwrite(s->fd[r], data, len, pos));
}

static void op_pread(struct model *m)
{
	struct slot *s = draw_slot(m);

	if (!s)
		return;
	DESC("read slot %d", (int)(s - m->slots));
	BOTH((m->data[r] = model_digest(s->fd[r], 0), 0));
}

static void op_ftruncate(struct model *m)
{
	struct slot *s = draw_slot(m);
	off_t size = rnd(m, 2) ? rnd(m, 9000) : rnd(m, FILE_MAX);

	if (!s)
		return;
	DESC("ftruncate(slot %d, %lld)", (int)(s - m->slots), (long long)size);
	BOTH(ftruncate(s->fd[r], size));
}

static void op_fallocate(struct model *m)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE };
	struct slot *s = draw_slot(m);
	int mode = modes[rnd(m, 5)];
	off_t pos = rnd(m, 20000), len = 1 + rnd(m, 9000);

	if (!s)
		return;
	DESC("fallocate(slot %d, %d, %lld, %lld)", (int)(s - m->slots), mode,
	     (long long)pos, (long long)len);
	BOTH(fallocate(s->fd[r], mode, pos, len));
}

/* Writes through a mapping; what is beyond the end of the file is left. */
static int map_write(int fd, off_t pos, const char *data, size_t len)
{
	struct stat st;
	char *p;

	if (fstat(fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode) || pos >= st.st_size)
		return 0;
	if ((off_t)len > st.st_size - pos)
		len = st.st_size - pos;
	p = mmap(NULL, FILE_MAX * 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	memcpy(p + pos, data, len);
	munmap(p, FILE_MAX * 2);
	return len;
}

static void op_mmap(struct model *m)
{
	struct slot *s = draw_slot(m);
	off_t pos = rnd(m, 9000);
	size_t len = 1 + rnd(m, 5000);
	const char *data = draw_data(m, len);

	if (!s)
		return;
	DESC("write by mmap (slot %d, %zu at %lld)", (int)(s - m->slots), len,
	     (long long)pos);
	BOTH(map_write(s->fd[r], pos, data, len));
}

static void op_copy_range(struct model *m)
{
	struct slot *a = draw_slot(m), *b = draw_slot(m);
	off_t from = rnd(m, 9000), to = rnd(m, 20000), f, t;
	size_t len = 1 + rnd(m, 9000);

	if (!a || !b || a == b)
		return;
	DESC("copy_file_range(slot %d at %lld, slot %d at %lld, %zu)",
	     (int)(a - m->slots), (long long)from, (int)(b - m->slots),
	     (long long)to, len);
	BOTH((f = from, t = to,
	      copy_file_range(a->fd[r], &f, b->fd[r], &t, len, 0)));
}

static void op_fattr(struct model *m)
{
	struct slot *s = draw_slot(m);
	int mode = rnd(m, 010000);

	if (!s)
		return;
	DESC("fchmod 0%o or fchown or fsetxattr of slot %d", mode,
	     (int)(s - m->slots));
	switch (mode % 3) {
	case 0:
		BOTH(fchmod(s->fd[r], mode | 0600));
		break;
	case 1:
		BOTH(fchown(s->fd[r], mode & 1 ? 0 : 1000, -1));
		break;
	default:
		BOTH(fsetxattr(s->fd[r], "user.b", "slot", 4, 0));
	}
}

static void op_fsync(struct model *m)
{
	struct slot *s = draw_slot(m);

	if (!s || rnd(m, 8))
		return;
	DESC("fsync(slot %d)", (int)(s - m->slots));
	BOTH(fsync(s->fd[r]));
}

static void op_read_path(struct model *m)
{
	const char *path = draw_path(m);
	int fd;

	DESC("read %s", path);
	for (int r = 0; r < 2; r++) {
		fd = openat(m->root[r], path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		m->rc[r] = fd < 0 ? -1 : 0;
		m->err[r] = fd < 0 ? errno : 0;
		if (fd < 0)
			continue;
		m->data[r] = model_digest(fd, 0);
		close(fd);
	}
}

static void op_write_path(struct model *m)
{
	const char *path = draw_path(m);
	int flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC |
		    (rnd(m, 2) ? O_APPEND : rnd(m, 2) ? O_TRUNC : 0);
	size_t len = rnd(m, 6000);
	const char *data = draw_data(m, len);
	off_t pos = rnd(m, 8000);
	int fd;

	DESC("write %zu at %lld of %s (flags 0%o)", len, (long long)pos, path,
	     flags);
	for (int r = 0; r < 2; r++) {
		errno = 0;
		fd = openat(m->root[r], path, flags);
		m->rc[r] = fd < 0 ? -1 : pwrite(fd, data, len, pos);
		m->err[r] = m->rc[r] < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
	}
}

static void op_truncate(struct model *m)
{
	const char *path = draw_path(m);
	char full[2][64];
	off_t size = rnd(m, FILE_MAX);

	DESC("truncate(%s, %lld)", path, (long long)size);
	for (int r = 0; r < 2; r++)
		snprintf(full[r], sizeof(full[r]), "/proc/self/fd/%d/%s",
			 m->root[r], path);
	BOTH(truncate(full[r], size));
}

static void op_mkdir(struct model *m)
{
	const char *path = draw_path(m);
	int mode = rnd(m, 6) ? 0755 : rnd(m, 010000);

	DESC("mkdir(%s, 0%o)", path, mode);
	BOTH(mkdirat(m->root[r], path, mode));
}

static void op_rmdir(struct model *m)
{
	const char *path = draw_path(m);

	DESC("rmdir(%s)", path);
	BOTH(unlinkat(m->root[r], path, AT_REMOVEDIR));
}

static void op_unlink(struct model *m)
{
	const char *path = draw_path(m);

	DESC("unlink(%s)", path);
	BOTH(unlinkat(m->root[r], path, 0));
}

/* A whole tree, as rm -r does it; seldom, or nothing would grow. */
static void op_remove_tree(struct model *m)
{
	const char *path = draw_path(m);
	char full[64];

	if (rnd(m, 12))
		return;
	DESC("rm -r %s", path);
	for (int r = 0; r < 2; r++) {
		snprintf(full, sizeof(full), "/proc/self/fd/%d/%s", m->root[r],
			 path);
		tree_remove(full);
	}
}

static void op_rename(struct model *m)
{
	static const unsigned int all[] = { 0, 0, 0, RENAME_NOREPLACE,
					    RENAME_EXCHANGE };
	const char *from = draw_path(m), *to = draw_path(m);
	unsigned int flags = all[rnd(m, 5)];

	DESC("rename(%s, %s, %u)", from, to, flags);
	BOTH(renameat2(m->root[r], from, m->root[r], to, flags));
}

static void op_link(struct model *m)
{
	const char *from = draw_path(m), *to = draw_path(m);

	DESC("link(%s, %s)", from, to);
	BOTH(linkat(m->root[r], from, m->root[r], to, 0));
}

static void op_symlink(struct model *m)
{
	const char *to = draw_path(m), *path = draw_path(m);

	DESC("symlink(%s, %s)", to, path);
	BOTH(symlinkat(to, m->root[r], path));
}

static void op_readlink(struct model *m)
{
	const char *path = draw_path(m);
	uint64_t buf[8];

	DESC("readlink(%s)", path);
	BOTH((memset(buf, 0, sizeof(buf)),
	      readlinkat(m->root[r], path, (char *)buf, sizeof(buf))));
}

static void op_mknod(struct model *m)
{
	const char *path = draw_path(m);
	bool fifo = rnd(m, 2);

	DESC("mknod(%s, %s)", path, fifo ? "fifo" : "null");
	BOTH(mknodat(m->root[r], path, fifo ? S_IFIFO | 0644 : S_IFCHR | 0644,
		     fifo ? 0 : 0x103));
}

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
	int uid = (int[]){ -1, 0, 1000, 1000 }[rnd(m, 4)];
	int gid = (int[]){ -1, 0, 1000, 1001 }[rnd(m, 4)];

	DESC("lchown(%s, %d, %d)", path, uid, gid);
	BOTH(fchownat(m->root[r], path, uid, gid, AT_SYMLINK_NOFOLLOW));
}

static void op_utimes(struct model *m)
{
	struct timespec ts[2] = { { 1, 1 }, { 1 + rnd(m, 99999999),
					      rnd(m, 999999999) } };
	const char *path = draw_path(m);

	DESC("utimensat(%s, %lld)", path, (long long)ts[1].tv_sec);
	BOTH(utimensat(m->root[r], path, ts, AT_SYMLINK_NOFOLLOW));
}

/* user::rwx user:1000:rw- group::r-x mask::rwx other::r-- */
static const char acl[] =
	"\2\0\0\0" "\1\0\7\0\xff\xff\xff\xff" "\2\0\6\0\xe8\3\0\0"
	"\4\0\5\0\xff\xff\xff\xff" "\x10\0\7\0\xff\xff\xff\xff"
	"\x20\0\4\0\xff\xff\xff\xff";

static const char *const xattrs[] = {
	"user.a", "user.b", "trusted.c", "security.s",
	"system.posix_acl_access", "system.posix_acl_default",
};

static const char *draw_xattr(struct model *m, char path[2][64])
{
	const char *rel = draw_path(m);

	for (int r = 0; r < 2; r++)
		snprintf(path[r], 64, "/proc/self/fd/%d/%s", m->root[r], rel);
	return xattrs[rnd(m, 6)];
}

static void op_setxattr(struct model *m)
{
	char path[2][64];
	const char *name = draw_xattr(m, path);
	bool is_acl = !strncmp(name, "system.", 7);
	char value[20];
	size_t len = rnd(m, sizeof(value));
	int flags = rnd(m, 2) ? 0 : 1 + rnd(m, 2);

	memset(value, 'A' + rnd(m, 26), sizeof(value));
	DESC("lsetxattr(%s, %s, flags %d)", path[1], name, flags);
	BOTH(lsetxattr(path[r], name, is_acl ? acl : value,
		       is_acl ? sizeof(acl) - 1 : len, flags));
}

static void op_getxattr(struct model *m)
{
	char path[2][64], buf[256];
	const char *name = draw_xattr(m, path);

	DESC("lgetxattr(%s, %s)", path[1], name);
	BOTH(lgetxattr(path[r], name, buf, sizeof(buf)));
}

static void op_removexattr(struct model *m)
{
	char path[2][64];
	const char *name = draw_xattr(m, path);

	DESC("lremovexattr(%s, %s)", path[1], name);
	BOTH(lremovexattr(path[r], name));
}

/* The names of a directory, in any order. */
static void op_readdir(struct model *m)
{
	const char *path = draw_path(m);
	struct dirent *de;
	DIR *dir;
	int fd;

	DESC("readdir(%s)", path);
	for (int r = 0; r < 2; r++) {
		fd = openat(m->root[r], path, O_RDONLY | O_DIRECTORY);
		m->rc[r] = fd < 0 ? -1 : 0;
		m->err[r] = fd < 0 ? errno : 0;
		if (fd < 0)
			continue;
		dir = fdopendir(fd);
		while ((de = readdir(dir)))
			m->data[r] += (uint64_t)(de->d_name[0] * 256 + de->d_type) *
				      0x9e3779b97f4a7c15u;
		closedir(dir);
	}
}

static void op_access(struct model *m)
{
	const char *path = draw_path(m);
	int mode = rnd(m, 8);

	DESC("faccessat(%s, %d)", path, mode);
	BOTH(faccessat(m->root[r], path, mode, AT_EACCESS));
}

static const struct {
	void (*run)(struct model *m);
	int weight;
} ops[] = {
	{ op_open, 14 }, { op_close, 3 }, { op_tmpfile, 2 }, { op_pwrite, 8 },
	{ op_pread, 4 }, { op_ftruncate, 3 }, { op_fallocate, 3 },
	{ op_mmap, 4 }, { op_copy_range, 3 }, { op_fattr, 3 }, { op_fsync, 1 },
	{ op_read_path, 3 }, { op_write_path, 5 }, { op_truncate, 2 },
	{ op_mkdir, 8 }, { op_rmdir, 4 }, { op_unlink, 5 },
	{ op_remove_tree, 3 }, { op_rename, 14 }, { op_link, 4 },
	{ op_symlink, 2 }, { op_readlink, 1 }, { op_mknod, 2 },
	{ op_chmod, 4 }, { op_chown, 3 }, { op_utimes, 3 },
	{ op_setxattr, 4 }, { op_getxattr, 2 }, { op_removexattr, 3 },
	{ op_readdir, 2 }, { op_access, 2 },
};

/* Every eighth operation is done as user 1000. */
static void as_user(bool user)
{
	if (user) {
		CHECK_SYS(setegid(1000));
		CHECK_SYS(seteuid(1000));
	} else {
		CHECK_SYS(seteuid(0));
		CHECK_SYS(setegid(0));
	}
}

/* One operation, drawn by weight; m says what it was and what came of it. */
void model_op(struct model *m)
{
	bool user = !rnd(m, 8);
	int n = 0, draw;

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		n += ops[i].weight;
	draw = rnd(m, n);
	n = 0;
	while (draw >= ops[n].weight)
		draw -= ops[n++].weight;
	m->desc[0] = '\0';
	m->rc[0] = m->rc[1] = m->err[0] = m->err[1] = 0;
	m->data[0] = m->data[1] = 0;
	if (user)
		as_user(true);
	ops[n].run(m);
	if (user)
		as_user(false);
	if (user && m->desc[0]) {
		strncat(m->desc, " by user 1000",
			sizeof(m->desc) - strlen(m->desc) - 1);
	}
}
