// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the random test on files and their data, most of them on
 * files that are held open.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "model.h"

static void op_open(struct model *m)
{
	static const int access[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };
	static const int more[] = { 0, 0, 0, 0, O_APPEND, O_TRUNC, O_CREAT,
		O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_EXCL, O_CREAT | O_TRUNC,
		O_CREAT | O_APPEND };
	int flags = access[rnd(m, 4)] | more[rnd(m, 12)] | O_NONBLOCK | O_CLOEXEC |
		    (rnd(m, 8) ? 0 : O_NOFOLLOW);
	struct slot *s = &m->slots[rnd(m, SLOTS)];
	const char *path = draw_path(m);
	int mode = rnd(m, 8) ? 0644 : rnd(m, 01000);

	DESC("open(%s, 0%o, 0%o) as slot %d", path, flags, mode, slot_nr(m, s));
	close_slot(s);
	BOTH(openat(m->root[r], path, flags, mode));
	keep_slot(m, s, flags);
}

static void op_close(struct model *m)
{
	struct slot *s = draw_slot(m);

	if (!s)
		return;
	DESC("close slot %d", slot_nr(m, s));
	close_slot(s);
}

static void op_pwrite(struct model *m)
{
	size_t len = 1 + rnd(m, rnd(m, 3) ? 200 : 9000);
	off_t pos = rnd(m, 3) ? rnd(m, 9000) : rnd(m, FILE_MAX - 9000);
	const char *data = draw_data(m, len);
	struct slot *s = draw_slot(m);

	if (!s)
		return;
	DESC("pwrite(slot %d, %zu at %lld)", slot_nr(m, s), len, (long long)pos);
	BOTH(pwrite(s->fd[r], data, len, pos));
}

/* A FIFO in the upper keeps its times when written to; a directory's end is its own. */
static bool is_regular(const struct slot *s)
{
	struct stat st;

	return !fstat(s->fd[PLAIN], &st) && S_ISREG(st.st_mode);
}

/* By the file's own position, which append and others move. */
static void op_seek_write(struct model *m)
{
	size_t len = 1 + rnd(m, 300);
	off_t pos = rnd(m, 9000);
	int whence = (int[]){ SEEK_SET, SEEK_CUR, SEEK_END }[rnd(m, 3)];
	const char *data = draw_data(m, len);
	struct slot *s = draw_slot(m);

	if (!s || !is_regular(s))
		return;
	if (whence != SEEK_SET)
		pos = -(pos % 500);
	DESC("lseek(slot %d, %lld, %d), write %zu", slot_nr(m, s), (long long)pos,
	     whence, len);
	BOTH(lseek(s->fd[r], pos, whence));
	if (m->rc[0] == m->rc[1] && m->rc[0] < FILE_MAX)
		BOTH(write(s->fd[r], data, len));
}

static void op_seek_read(struct model *m)
{
	off_t pos = rnd(m, 12000);
	size_t len = 1 + rnd(m, 3000);
	struct slot *s = draw_slot(m);
	unsigned char buf[3000];

	if (!s)
		return;
	DESC("lseek(slot %d, %lld), read %zu", slot_nr(m, s), (long long)pos, len);
	for (int r = 0; r < 2; r++) {
		lseek(s->fd[r], pos, SEEK_SET);
		m->rc[r] = read(s->fd[r], buf, len);
		m->err[r] = m->rc[r] < 0 ? errno : 0;
		for (long i = 0; i < m->rc[r]; i++)
			m->data[r] = m->data[r] * 31 + buf[i];
	}
}

static void op_pread(struct model *m)
{
	struct slot *s = draw_slot(m);

	if (!s)
		return;
	DESC("read slot %d", slot_nr(m, s));
	BOTH((m->data[r] = model_digest(s->fd[r], 0), 0));
}

static void op_ftruncate(struct model *m)
{
	struct slot *s = draw_slot(m);
	off_t size = rnd(m, 2) ? rnd(m, 9000) : rnd(m, FILE_MAX);

	if (!s)
		return;
	DESC("ftruncate(slot %d, %lld)", slot_nr(m, s), (long long)size);
	BOTH(ftruncate(s->fd[r], size));
}

static void op_fallocate(struct model *m)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE };
	struct slot *s = draw_slot(m);
	int mode = modes[rnd(m, 8)];
	off_t pos = rnd(m, 20000), len = 1 + rnd(m, 9000);
	struct stat st;

	if (!s)
		return;
	/* Refused, or with nothing to do, it drops a user's setuid and setgid all the same. */
	if (geteuid())
		return;
	if (mode == FALLOC_FL_COLLAPSE_RANGE || mode == FALLOC_FL_INSERT_RANGE) {
		pos &= ~4095;
		len = (len + 4095) & ~4095;
		/* Files must not grow without end. */
		if (fstat(s->fd[PLAIN], &st) || st.st_size > FILE_MAX)
			return;
	}
	DESC("fallocate(slot %d, %d, %lld, %lld)", slot_nr(m, s), mode,
	     (long long)pos, (long long)len);
	BOTH(fallocate(s->fd[r], mode, pos, len));
}

/* Where data is said to end must be no data: holes need not be the same. */
static int check_hole(int fd, off_t pos)
{
	char buf[4096];
	off_t next = lseek(fd, pos, SEEK_DATA);
	ssize_t n;

	if (next < 0 && errno != ENXIO)
		return -1;
	for (off_t at = pos; next < 0 || at < next; at += n) {
		n = pread(fd, buf, sizeof(buf), at);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n && (next < 0 || at + i < next); i++)
			if (buf[i])
				return 1;
	}
	return 0;
}

static void op_seek_data(struct model *m)
{
	struct slot *s = draw_slot(m);
	off_t pos = rnd(m, 20000);

	if (!s || (s->flags & O_ACCMODE) == O_WRONLY || !is_regular(s))
		return;
	DESC("SEEK_DATA(slot %d, %lld)", slot_nr(m, s), (long long)pos);
	BOTH(check_hole(s->fd[r], pos));
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
	p = mmap(NULL, MAP_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	memcpy(p + pos, data, len);
	munmap(p, MAP_LEN);
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
	DESC("write by mmap (slot %d, %zu at %lld)", slot_nr(m, s), len,
	     (long long)pos);
	BOTH(map_write(s->fd[r], pos, data, len));
}

static int map_read(int fd, uint64_t *digest)
{
	struct stat st;
	unsigned char *p;

	if (fstat(fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode))
		return 0;
	p = mmap(NULL, MAP_LEN, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	for (off_t i = 0; i < st.st_size && i < MAP_LEN; i += 17)
		*digest = *digest * 31 + p[i];
	munmap(p, MAP_LEN);
	return 0;
}

static void op_map_read(struct model *m)
{
	struct slot *s = draw_slot(m);

	if (!s)
		return;
	DESC("read by mmap (slot %d)", slot_nr(m, s));
	BOTH(map_read(s->fd[r], &m->data[r]));
}

/*
 * A mapping that stays, and what is written and read through it later.  Only one
 * that copies up: others keep showing the layer's pages.
 */
static void op_map_keep(struct model *m)
{
	struct slot *s = draw_slot(m);
	void *p[2];

	if (!s || s->map[0] || (s->flags & O_ACCMODE) != O_RDWR)
		return;
	DESC("mmap slot %d, kept", slot_nr(m, s));
	for (int r = 0; r < 2; r++) {
		p[r] = mmap(NULL, MAP_LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
			    s->fd[r], 0);
		m->rc[r] = p[r] == MAP_FAILED ? -1 : 0;
		m->err[r] = m->rc[r] ? errno : 0;
	}
	for (int r = 0; r < 2; r++) {
		if (m->rc[0] || m->rc[1]) {
			if (!m->rc[r])
				munmap(p[r], MAP_LEN);
		} else {
			s->map[r] = p[r];
		}
	}
}

static int kept_map_use(struct slot *s, int r, off_t pos, char c, uint64_t *digest)
{
	struct stat st;

	if (fstat(s->fd[r], &st))
		return -1;
	if (!S_ISREG(st.st_mode) || pos >= st.st_size || pos >= MAP_LEN)
		return 0;
	for (off_t i = 0; i < st.st_size && i < MAP_LEN; i += 97)
		*digest = *digest * 31 + (unsigned char)s->map[r][i];
	s->map[r][pos] = c;
	return 1;
}

static void op_map_use(struct model *m)
{
	off_t pos = rnd(m, 9000);
	char c = rnd(m, 256);
	struct slot *s = NULL;

	for (int i = 0; i < SLOTS && !s; i++)
		if (m->slots[i].map[0])
			s = &m->slots[i];
	if (!s)
		return;
	DESC("use of the kept mapping of slot %d at %lld", slot_nr(m, s),
	     (long long)pos);
	BOTH(kept_map_use(s, r, pos, c, &m->data[r]));
}

static void op_copy_range(struct model *m)
{
	struct slot *a = draw_slot(m), *b = draw_slot(m);
	off_t from = rnd(m, 9000), to = rnd(m, 20000), f, t;
	size_t len = 1 + rnd(m, 9000);

	if (!a || !b)
		return;
	DESC("copy_file_range(slot %d at %lld, slot %d at %lld, %zu)",
	     slot_nr(m, a), (long long)from, slot_nr(m, b), (long long)to, len);
	BOTH((f = from, t = to,
	      copy_file_range(a->fd[r], &f, b->fd[r], &t, len, 0)));
}

static void op_sendfile(struct model *m)
{
	struct slot *a = draw_slot(m), *b = draw_slot(m);
	off_t from = rnd(m, 9000), to = rnd(m, 20000), f;
	size_t len = 1 + rnd(m, 9000);

	if (!a || !b || a == b || !is_regular(b))
		return;
	DESC("sendfile(slot %d at %lld, slot %d at %lld, %zu)", slot_nr(m, a),
	     (long long)from, slot_nr(m, b), (long long)to, len);
	BOTH((f = from, lseek(b->fd[r], to, SEEK_SET),
	      sendfile(b->fd[r], a->fd[r], &f, len)));
}

static void op_fsync(struct model *m)
{
	struct slot *s = draw_slot(m);
	bool data = rnd(m, 2);

	if (!s || rnd(m, 8))
		return;
	DESC("%s(slot %d)", data ? "fdatasync" : "fsync", slot_nr(m, s));
	BOTH(data ? fdatasync(s->fd[r]) : fsync(s->fd[r]));
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

const struct op file_ops[] = {
	{ "open", op_open, 14 }, { "close", op_close, 3 },
	{ "pwrite", op_pwrite, 7 }, { "write", op_seek_write, 3 },
	{ "read", op_seek_read, 3 }, { "pread", op_pread, 2 },
	{ "ftruncate", op_ftruncate, 3 }, { "fallocate", op_fallocate, 4 },
	{ "SEEK_DATA", op_seek_data, 1 }, { "mmap write", op_mmap, 3 },
	{ "mmap read", op_map_read, 2 }, { "mmap, kept", op_map_keep, 2 },
	{ "use of a mapping", op_map_use, 3 },
	{ "copy_file_range", op_copy_range, 3 }, { "sendfile", op_sendfile, 2 },
	{ "fsync", op_fsync, 1 }, { "read of a path", op_read_path, 3 },
	{ "write to a path", op_write_path, 5 }, { "truncate", op_truncate, 2 },
	{ }
};
