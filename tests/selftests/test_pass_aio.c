// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring and Linux AIO beside reads and writes: operations on names, sizes and
 * attributes, flags, errors; compared with a plain directory.  By raw system calls.
 *
 *	f	pattern 1, SIZE bytes
 *	g	pattern 2, SIZE bytes
 *	d/
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "compare.h"

#define SIZE	(65536 + 1234)
/* Newer than the headers of Debian 12. */
#define OP_FTRUNCATE	55

static void make(void)
{
	mk_pattern("f", SIZE, 1);
	mk_pattern("g", SIZE, 2);
	mk_dir("d");
}

/* A ring for one operation at a time. */
static int ring_fd = -1;
static char *sq, *cq;
static struct io_uring_sqe *sqes;
static struct io_uring_params params;

static bool ring_open(unsigned int flags)
{
	const int prot = PROT_READ | PROT_WRITE;

	params = (struct io_uring_params){ .flags = flags };
	ring_fd = syscall(SYS_io_uring_setup, 4, &params);
	if (ring_fd < 0)
		return false;
	sq = mmap(NULL, params.sq_off.array + params.sq_entries * 4, prot, MAP_SHARED, ring_fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), prot,
		  MAP_SHARED, ring_fd, IORING_OFF_CQ_RING);
	sqes = mmap(NULL, params.sq_entries * sizeof(*sqes), prot, MAP_SHARED, ring_fd,
		    IORING_OFF_SQES);
	CHECK(sq != MAP_FAILED && cq != MAP_FAILED && sqes != MAP_FAILED);
	return true;
}

/* Its result, as a system call's: -1 with errno. */
static long ring_do(struct io_uring_sqe sqe)
{
	unsigned int *tail = (void *)(sq + params.sq_off.tail);
	unsigned int mask = *(unsigned int *)(sq + params.sq_off.ring_mask), at = *tail & mask;
	unsigned int *array = (void *)(sq + params.sq_off.array);
	unsigned int *head = (void *)(cq + params.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(cq + params.cq_off.cqes);
	long res;

	sqes[at] = sqe;
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(SYS_io_uring_enter, ring_fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), 1);
	res = cqes[*head & *(unsigned int *)(cq + params.cq_off.ring_mask)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (res >= 0)
		return res;
	errno = -res;
	return -1;
}

#define RING(op, ...)									\
	({										\
		long r_ = ring_do((struct io_uring_sqe){ .opcode = op, __VA_ARGS__ });	\
		say_rc(#op " " #__VA_ARGS__, r_, errno);				\
	})
#define P(p)	((uintptr_t)(p))

static void ring_names(void)
{
	struct statx sx = {};

	CHECK(ring_open(0));
	FD(ring_do((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = P("f"), .open_flags = O_RDWR }));
	FD(ring_do((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = P("none"), .open_flags = O_RDWR }));
	FD(ring_do((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = P("new"), .open_flags = O_RDWR | O_CREAT, .len = 0640 }));
	RING(IORING_OP_STATX, .fd = AT_FDCWD, .addr = P("f"), .len = STATX_BASIC_STATS,
	     .off = P(&sx));
	VAL(sx.stx_size);
	RING(IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = P("dir"), .len = 0750);
	RING(IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = P("f"), .len = 0750);
	RING(IORING_OP_SYMLINKAT, .fd = AT_FDCWD, .addr = P("f"), .addr2 = P("link"));
	RING(IORING_OP_LINKAT, .fd = AT_FDCWD, .addr = P("f"), .len = AT_FDCWD, .addr2 = P("f2"));
	RING(IORING_OP_RENAMEAT, .fd = AT_FDCWD, .addr = P("f2"), .len = AT_FDCWD,
	     .addr2 = P("d/f3"));
	RING(IORING_OP_RENAMEAT, .fd = AT_FDCWD, .addr = P("d/f3"), .len = AT_FDCWD,
	     .addr2 = P("g"), .rename_flags = RENAME_NOREPLACE);
	RING(IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = P("d"));
	RING(IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = P("d"), .unlink_flags = AT_REMOVEDIR);
	RING(IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = P("d/f3"));
	RING(IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = P("d"), .unlink_flags = AT_REMOVEDIR);
	RING(IORING_OP_SETXATTR, .addr = P("user.a"), .addr2 = P("v"), .addr3 = P("f"), .len = 1);
	RING(IORING_OP_GETXATTR, .addr = P("user.a"), .addr2 = P(&sx), .addr3 = P("f"), .len = 9);
	RING(IORING_OP_GETXATTR, .addr = P("user.b"), .addr2 = P(&sx), .addr3 = P("f"), .len = 9);
}

TEST(pass, uring_names)
{
	compare(make, ring_names);
}

static void ring_data(void)
{
	static char buf[4096] __attribute__((aligned(4096)));
	struct iovec iov = { buf, sizeof(buf) };
	int f = FD(open("f", O_RDWR)), g = FD(open("g", O_RDWR)), ro = FD(open("g", O_RDONLY));
	int df = FD(open("f", O_RDWR | O_DIRECT)), p[2];

	CHECK(ring_open(0));
	CHECK_SYS(pipe(p));
	RING(IORING_OP_READV, .fd = f, .addr = P(&iov), .len = 1, .off = 100);
	say_bytes("buf", buf, sizeof(buf));
	RING(IORING_OP_READV, .fd = f, .addr = P(&iov), .len = 1, .rw_flags = 1 << 20);
	RING(IORING_OP_READV, .fd = f, .addr = P(&iov), .len = 1, .off = SIZE - 10);
	RING(IORING_OP_READ, .fd = f, .addr = P(buf), .len = 10, .off = -1);
	RING(IORING_OP_READ, .fd = f, .addr = P(buf), .len = 10, .off = -1);
	say_bytes("buf", buf, 10);
	RING(IORING_OP_WRITE, .fd = ro, .addr = P(buf), .len = 10);
	RING(IORING_OP_FADVISE, .fd = f, .len = SIZE, .fadvise_advice = POSIX_FADV_WILLNEED);
	RING(IORING_OP_FSYNC, .fd = f);
	RING(IORING_OP_SPLICE, .fd = p[1], .splice_fd_in = f, .splice_off_in = 5, .off = -1,
	     .len = 3000);
	memset(buf, 'U', sizeof(buf));
	/* The first write, by each of several ways. */
	RING(IORING_OP_WRITEV, .fd = f, .addr = P(&iov), .len = 1, .off = 4096,
	     .rw_flags = RWF_DSYNC);
	RING(IORING_OP_WRITEV, .fd = f, .addr = P(&iov), .len = 1, .rw_flags = RWF_APPEND);
	RING(IORING_OP_SPLICE, .fd = g, .splice_fd_in = p[0], .splice_off_in = -1, .off = 77,
	     .len = 3000);
	RING(IORING_OP_FALLOCATE, .fd = g, .off = SIZE, .addr = 10000, .len = 0);
	RING(IORING_OP_FALLOCATE, .fd = g, .off = 0, .addr = 4096,
	     .len = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
	RING(IORING_OP_SYNC_FILE_RANGE, .fd = g, .len = 4096, .sync_range_flags = 2);
	RING(IORING_OP_FSYNC, .fd = g, .fsync_flags = IORING_FSYNC_DATASYNC);
	RING(IORING_OP_READ, .fd = df, .addr = P(buf), .len = 4096, .off = 4096);
	RING(IORING_OP_READ, .fd = df, .addr = P(buf + 1), .len = 100, .off = 4096);
	RING(IORING_OP_WRITE, .fd = df, .addr = P(buf), .len = 4096, .off = 8192);
	RING(IORING_OP_WRITE, .fd = df, .addr = P(buf), .len = 4096, .off = 1 << 20);
	CHECK_SYS(syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_BUFFERS, &iov, 1));
	RING(IORING_OP_READ_FIXED, .fd = f, .addr = P(buf), .len = 4096, .off = 8192);
	RING(IORING_OP_WRITE_FIXED, .fd = g, .addr = P(buf), .len = 4096, .off = 12288);
	RING(IORING_OP_WRITE_FIXED, .fd = df, .addr = P(buf), .len = 4096, .off = 12288);
	RING(OP_FTRUNCATE, .fd = g, .off = 20000);
	RING(IORING_OP_POLL_ADD, .fd = f, .poll32_events = POLLIN);
	RING(IORING_OP_MADVISE, .addr = P(buf), .len = 4096, .fadvise_advice = MADV_NORMAL);
	say_bytes("f", cat("g"), 20000);
}

TEST(pass, uring_data)
{
	compare(make, ring_data);
}

static long aio_do(struct iocb cb)
{
	struct iocb *cbs = &cb;
	aio_context_t ctx = 0;
	struct io_event ev;
	long rc;

	CHECK_SYS(syscall(SYS_io_setup, 1, &ctx));
	rc = syscall(SYS_io_submit, ctx, 1, &cbs);
	if (rc == 1) {
		CHECK_EQ(syscall(SYS_io_getevents, ctx, 1, 1, &ev, NULL), 1);
		rc = ev.res;
		if (rc < 0) {
			errno = -rc;
			rc = -1;
		}
	}
	int err = errno;

	syscall(SYS_io_destroy, ctx);
	errno = err;
	return rc;
}

#define AIO(op, ...)										\
	({											\
		long r_ = aio_do((struct iocb){ .aio_lio_opcode = op, __VA_ARGS__ });		\
		say_rc(#op " " #__VA_ARGS__, r_, errno);					\
	})

static void aio(void)
{
	static char buf[8192] __attribute__((aligned(4096)));
	struct iovec iov = { buf, 4096 };
	int f = FD(open("f", O_RDWR)), df = FD(open("f", O_RDWR | O_DIRECT));
	int ro = FD(open("g", O_RDONLY)), ap = FD(open("g", O_WRONLY | O_APPEND));
	int ev = eventfd(0, EFD_NONBLOCK), dir = FD(open("d", O_RDONLY));
	uint64_t n = 0;

	AIO(IOCB_CMD_PREAD, .aio_fildes = f, .aio_buf = P(buf), .aio_nbytes = 100);
	say_bytes("buf", buf, 100);
	AIO(IOCB_CMD_PREAD, .aio_fildes = f, .aio_buf = P(buf), .aio_nbytes = 100,
	    .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = ev);
	DO(read(ev, &n, sizeof(n)));
	AIO(IOCB_CMD_PREAD, .aio_fildes = f, .aio_buf = P(buf), .aio_nbytes = 100,
	    .aio_offset = SIZE);
	AIO(IOCB_CMD_PREAD, .aio_fildes = f, .aio_buf = P(buf), .aio_nbytes = 100,
	    .aio_offset = -1);
	AIO(IOCB_CMD_PREAD, .aio_fildes = f, .aio_buf = P(buf), .aio_nbytes = 100,
	    .aio_rw_flags = 1 << 20);
	AIO(IOCB_CMD_PREADV, .aio_fildes = f, .aio_buf = P(&iov), .aio_nbytes = 1);
	AIO(IOCB_CMD_PREAD, .aio_fildes = dir, .aio_buf = P(buf), .aio_nbytes = 100);
	AIO(IOCB_CMD_PREAD, .aio_fildes = df, .aio_buf = P(buf), .aio_nbytes = 4096);
	AIO(IOCB_CMD_PREAD, .aio_fildes = df, .aio_buf = P(buf), .aio_nbytes = 4096,
	    .aio_offset = 1);
	AIO(IOCB_CMD_PREAD, .aio_fildes = df, .aio_buf = P(buf), .aio_nbytes = 8192,
	    .aio_offset = SIZE - SIZE % 4096);
	AIO(IOCB_CMD_PWRITE, .aio_fildes = ro, .aio_buf = P(buf), .aio_nbytes = 100);
	AIO(IOCB_CMD_FSYNC, .aio_fildes = f);
	memset(buf, 'A', sizeof(buf));
	AIO(IOCB_CMD_PWRITE, .aio_fildes = ap, .aio_buf = P(buf), .aio_nbytes = 100);
	AIO(IOCB_CMD_PWRITE, .aio_fildes = ap, .aio_buf = P(buf), .aio_nbytes = 100,
	    .aio_rw_flags = 0x20 /* RWF_NOAPPEND */);
	AIO(IOCB_CMD_PWRITE, .aio_fildes = df, .aio_buf = P(buf), .aio_nbytes = 4096,
	    .aio_offset = 8192);
	AIO(IOCB_CMD_PWRITE, .aio_fildes = df, .aio_buf = P(buf), .aio_nbytes = 4096,
	    .aio_offset = 1 << 20);
	AIO(IOCB_CMD_PWRITE, .aio_fildes = df, .aio_buf = P(buf), .aio_nbytes = 100,
	    .aio_offset = 8192);
	AIO(IOCB_CMD_PWRITE, .aio_fildes = f, .aio_buf = P(buf), .aio_nbytes = 100,
	    .aio_rw_flags = RWF_APPEND | RWF_DSYNC);
	AIO(IOCB_CMD_PWRITEV, .aio_fildes = f, .aio_buf = P(&iov), .aio_nbytes = 1);
	AIO(IOCB_CMD_FDSYNC, .aio_fildes = f);
	AIO(IOCB_CMD_FSYNC, .aio_fildes = f, .aio_offset = 1);
	AIO(IOCB_CMD_POLL, .aio_fildes = f, .aio_buf = POLLIN);
	AIO(99, .aio_fildes = f);
	VAL(stat_of("f").st_size);
	VAL(stat_of("g").st_size);
}

TEST(pass, linux_aio)
{
	compare(make, aio);
}
