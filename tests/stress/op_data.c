// SPDX-License-Identifier: GPL-2.0-only
/* Contents: written in every way there is, and checked when read. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "content.h"
#include "stress.h"

static char buf[64 * 1024] __attribute__((aligned(4096)));

/* Where to write: anywhere in a loose file, within a solid one. */
static void place(const struct label *l, off_t *pos, size_t *len)
{
	*len = 8 * (1 + rnd(one_in(4) ? 4096 : 64));
	if (!l->words) {
		*pos = rnd(LOOSE_MAX - *len);
		return;
	}
	if (*len > l->words * 8)
		*len = l->words * 8;
	*pos = 8 * rnd(l->words - *len / 8 + 1);
}

static int write_at(int fd, bool vector)
{
	struct label l;
	size_t len;
	off_t pos;
	ssize_t n;

	if (label_get(fd, &l))
		return -1;
	place(&l, &pos, &len);
	content_fill(buf, len, pos, &l, rnd(256));
	if (vector) {
		struct iovec v[2] = { { buf, 8 }, { buf + 8, len - 8 } };

		n = pwritev2(fd, v, 2, pos, one_in(8) ? RWF_DSYNC : 0);
	} else {
		n = pwrite(fd, buf, len, pos);
	}
	if (n >= 0 && n != (ssize_t)len)
		stress_fail("%zd of %zu bytes written", n, len);
	return n < 0 ? -1 : 0;
}

/* Opens, does, closes. */
static int on_file(enum kind kind, int flags, int (*fn)(int fd))
{
	int fd = pick_fd(kind, flags), rc;

	if (fd < 0)
		return fd;
	rc = fn(fd);
	put_fd(fd);
	return rc;
}

static enum kind any_kind(void)
{
	return one_in(2) ? LOOSE : SOLID;
}

static int do_write(int fd)
{
	return write_at(fd, one_in(3));
}

static int op_write(void)
{
	return on_file(any_kind(), one_in(8) ? O_RDWR | O_SYNC : O_RDWR, do_write);
}

static int do_append(int fd)
{
	size_t len = 1 + rnd(3000);
	struct label l;
	struct stat st;

	if (label_get(fd, &l) || fstat(fd, &st))
		return -1;
	if (l.words || st.st_size > LOOSE_MAX)
		return SKIPPED;
	if (fcntl(fd, F_SETFL, O_APPEND))
		return -1;
	content_fill(buf, len, 0, &l, 0);
	return write(fd, buf, len) < 0 ? -1 : 0;
}

static int op_append(void)
{
	return on_file(LOOSE, O_WRONLY | O_APPEND, do_append);
}

static int do_truncate(int fd)
{
	struct label l;

	if (label_get(fd, &l))
		return -1;
	return ftruncate(fd, l.words ? l.words * 8 : rnd(LOOSE_MAX));
}

static int op_ftruncate(void)
{
	return on_file(any_kind(), O_RDWR, do_truncate);
}

static int op_truncate(void)
{
	char path[MAX_PATH];
	struct stat st;

	pick(path, LOOSE);
	/* It would wait for a writer to a fifo, were there one. */
	if (stat(path, &st))
		return -1;
	if (!S_ISREG(st.st_mode))
		return SKIPPED;
	return truncate(path, rnd(LOOSE_MAX));
}

static int op_open_trunc(void)
{
	char path[MAX_PATH];
	int fd;

	pick(path, LOOSE);
	fd = open(path, O_RDWR | O_TRUNC | O_NONBLOCK | (one_in(2) ? O_CREAT : 0), 0666);
	put_fd(fd);
	return fd < 0 ? -1 : 0;
}

static int op_read(void)
{
	return on_file(READABLE, O_RDONLY, content_check_all);
}

static int do_read_some(int fd)
{
	off_t pos = rnd(SOLID_MAX);
	ssize_t n = pread(fd, buf, 1 + rnd(8000), pos);

	if (n < 0)
		return -1;
	content_check_fd(buf, n, pos, fd);
	return 0;
}

static int op_read_some(void)
{
	return on_file(any_kind(), O_RDONLY, do_read_some);
}

/* --- mappings --- */

static sigjmp_buf bus;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(bus, 1);
}

/* A file may be cut off under the mapping: that ends the access, no more. */
static int touch_mapping(int fd, bool write)
{
	struct sigaction sa = { .sa_handler = on_bus, .sa_flags = SA_NODEFER };
	struct label l = {};
	size_t pos, len;
	struct stat st;
	char *volatile p;

	if (fstat(fd, &st) || (write && label_get(fd, &l)))
		return -1;
	if (st.st_size < 16)
		return SKIPPED;
	p = mmap(NULL, st.st_size, write ? PROT_READ | PROT_WRITE : PROT_READ,
		 !write && one_in(3) ? MAP_PRIVATE : MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	pos = rnd(st.st_size / 8) * 8;
	len = 8 * (1 + rnd(2000));
	if (len > st.st_size - pos)
		len = (st.st_size - pos) & ~7ul;
	sigaction(SIGBUS, &sa, NULL);
	if (!sigsetjmp(bus, 1)) {
		memcpy(buf, p + pos, len);
		content_check_fd(buf, len, pos, fd);
		if (write) {
			content_fill(buf, len, pos, &l, rnd(256));
			memcpy(p + pos, buf, len);
			if (one_in(8))
				msync(p, st.st_size, MS_SYNC);
		}
	}
	munmap(p, st.st_size);
	return 0;
}

static int do_map_read(int fd)
{
	return touch_mapping(fd, false);
}

static int op_map_read(void)
{
	return on_file(any_kind(), O_RDONLY, do_map_read);
}

static int do_map_write(int fd)
{
	return touch_mapping(fd, true);
}

static int op_map_write(void)
{
	return on_file(any_kind(), O_RDWR, do_map_write);
}

/* --- the rest --- */

static int do_sync(int fd)
{
	return one_in(2) ? fsync(fd) : fdatasync(fd);
}

static int op_fsync(void)
{
	return on_file(READABLE, O_RDONLY, do_sync);
}

static int do_fallocate(int fd)
{
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	};
	struct label l;
	size_t len;
	off_t pos;

	if (label_get(fd, &l))
		return -1;
	place(&l, &pos, &len);
	return fallocate(fd, modes[rnd(l.words ? 2 : 4)], pos, len);
}

static int op_fallocate(void)
{
	return on_file(any_kind(), O_RDWR, do_fallocate);
}

static int do_seek(int fd)
{
	return lseek(fd, rnd(LOOSE_MAX), one_in(2) ? SEEK_HOLE : SEEK_DATA) < 0 ? -1 : 0;
}

static int op_seek(void)
{
	return on_file(READABLE, O_RDONLY, do_seek);
}

static int do_advise(int fd)
{
	static const int what[] = { POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,
				    POSIX_FADV_RANDOM, POSIX_FADV_NORMAL };

	errno = posix_fadvise(fd, 0, 0, what[rnd(4)]);
	return errno ? -1 : 0;
}

static int op_advise(void)
{
	return on_file(READABLE, O_RDONLY, do_advise);
}

static int op_hold(void)
{
	int fd = pick_fd(any_kind(), one_in(2) ? O_RDWR : O_RDONLY);

	return fd < 0 ? fd : hold_fd(fd);
}

#define W(names, data, mixed) { [SQ_NAMES] = names, [SQ_DATA] = data, [SQ_MIXED] = mixed }

const struct op data_ops[] = {
	{ "write", op_write, W(3, 12, 4), ERRS(OPEN_ERRS) },
	{ "append", op_append, W(2, 6, 3), ERRS(OPEN_ERRS) },
	{ "ftruncate", op_ftruncate, W(1, 3, 2), ERRS(OPEN_ERRS) },
	{ "truncate", op_truncate, W(1, 2, 2), ERRS(OPEN_ERRS, EINVAL) },
	{ "open-trunc", op_open_trunc, W(2, 2, 2), ERRS(OPEN_ERRS) },
	{ "read", op_read, W(2, 12, 6), ERRS(OPEN_ERRS) },
	{ "read-some", op_read_some, W(0, 6, 2), ERRS(OPEN_ERRS) },
	{ "map-read", op_map_read, W(0, 5, 2), ERRS(OPEN_ERRS) },
	{ "map-write", op_map_write, W(0, 6, 2), ERRS(OPEN_ERRS) },
	{ "fsync", op_fsync, W(1, 3, 2), ERRS(OPEN_ERRS) },
	{ "fallocate", op_fallocate, W(0, 4, 2), ERRS(OPEN_ERRS, EOPNOTSUPP) },
	{ "seek-hole", op_seek, W(0, 3, 2), ERRS(OPEN_ERRS) },
	{ "fadvise", op_advise, W(0, 2, 1), ERRS(OPEN_ERRS) },
	{ "hold", op_hold, W(2, 4, 2), ERRS(OPEN_ERRS) },
	{ 0 }
};
