// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous I/O: Linux AIO and io_uring, buffered and direct, by raw system
 * calls.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"

#define BLOCK	4096
#define BLOCKS	16
#define SIZE	(BLOCK * BLOCKS)

/*
 *	l1/low		pattern 1
 *	upper/up	pattern 2
 */
static void base(void)
{
	fx_dirs(1);
	mk_pattern("l1/low", SIZE, 1);
	mk_pattern("upper/up", SIZE, 2);
	fx_mount(1);
}

static void check_bytes(const char *p, unsigned int seed, off_t pos)
{
	for (int i = 0; i < BLOCK; i++)
		if ((unsigned char)p[i] != pattern_byte(seed, pos + i))
			FAIL("seed %u: wrong byte at %lld", seed,
			     (long long)pos + i);
}

static long io_setup_(unsigned int n, aio_context_t *ctx)
{
	return syscall(SYS_io_setup, n, ctx);
}

/* All blocks at once, then waits for all. */
static void aio_all(int fd, int opcode, char *buf)
{
	struct iocb cb[BLOCKS] = {}, *cbs[BLOCKS];
	struct io_event ev[BLOCKS];
	aio_context_t ctx = 0;

	CHECK_SYS(io_setup_(BLOCKS, &ctx));
	for (int i = 0; i < BLOCKS; i++) {
		cb[i] = (struct iocb){
			.aio_lio_opcode = opcode, .aio_fildes = fd,
			.aio_buf = (uintptr_t)(buf + i * BLOCK),
			.aio_nbytes = BLOCK, .aio_offset = i * BLOCK,
		};
		cbs[i] = &cb[i];
	}
	CHECK_EQ(syscall(SYS_io_submit, ctx, BLOCKS, cbs), BLOCKS);
	CHECK_EQ(syscall(SYS_io_getevents, ctx, BLOCKS, BLOCKS, ev, NULL),
		 BLOCKS);
	for (int i = 0; i < BLOCKS; i++)
		CHECK_EQ(ev[i].res, BLOCK);
	CHECK_SYS(syscall(SYS_io_destroy, ctx));
}

/* A ring, set up the plain way. */
struct ring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static void ring_init(struct ring *r)
{
	struct io_uring_params p = {};
	char *sq, *cq;

	r->fd = syscall(SYS_io_uring_setup, BLOCKS, &p);
	if (r->fd < 0 && (errno == ENOSYS || errno == EPERM))
		test_skip("io_uring is not available");
	CHECK(r->fd >= 0);
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*r->cqes),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		  IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(*r->sqes),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		       IORING_OFF_SQES);
	CHECK(sq != MAP_FAILED && cq != MAP_FAILED && r->sqes != MAP_FAILED);
	r->sq_tail = (void *)(sq + p.sq_off.tail);
	r->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	r->sq_array = (void *)(sq + p.sq_off.array);
	r->cq_head = (void *)(cq + p.cq_off.head);
	r->cq_tail = (void *)(cq + p.cq_off.tail);
	r->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	r->cqes = (void *)(cq + p.cq_off.cqes);
}

static void uring_all(int fd, int opcode, char *buf)
{
	struct ring r;

	ring_init(&r);
	for (int i = 0; i < BLOCKS; i++) {
		unsigned int at = (*r.sq_tail + i) & *r.sq_mask;

		r.sqes[at] = (struct io_uring_sqe){
			.opcode = opcode, .fd = fd, .off = i * BLOCK,
			.addr = (uintptr_t)(buf + i * BLOCK), .len = BLOCK,
		};
		r.sq_array[at] = at;
	}
	__atomic_store_n(r.sq_tail, *r.sq_tail + BLOCKS, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(SYS_io_uring_enter, r.fd, BLOCKS, BLOCKS,
			 IORING_ENTER_GETEVENTS, NULL, 0), BLOCKS);
	CHECK_EQ(__atomic_load_n(r.cq_tail, __ATOMIC_ACQUIRE) - *r.cq_head,
		 BLOCKS);
	for (int i = 0; i < BLOCKS; i++)
		CHECK_EQ(r.cqes[(*r.cq_head + i) & *r.cq_mask].res, BLOCK);
	close(r.fd);
}

static void round_trip(const char *path, int flags, unsigned int seed,
		       void (*all)(int, int, char *), int rd, int wr)
{
	char *buf = aligned_alloc(BLOCK, SIZE);
	int fd = CHECK_SYS(open(path, O_RDWR | flags));

	all(fd, rd, buf);
	for (int i = 0; i < BLOCKS; i++)
		check_bytes(buf + i * BLOCK, seed, i * BLOCK);
	for (int i = 0; i < SIZE; i++)
		buf[i] = pattern_byte(seed + 10, i);
	all(fd, wr, buf);
	memset(buf, 0, SIZE);
	all(fd, rd, buf);
	for (int i = 0; i < BLOCKS; i++)
		check_bytes(buf + i * BLOCK, seed + 10, i * BLOCK);
	CHECK_SYS(fsync(fd));
	close(fd);
	CHECK_EQ(stat_of(path).st_size, SIZE);
	free(buf);
}

TEST(io, linux_aio_buffered)
{
	base();
	round_trip("mnt/low", 0, 1, aio_all, IOCB_CMD_PREAD, IOCB_CMD_PWRITE);
	round_trip("mnt/up", 0, 2, aio_all, IOCB_CMD_PREAD, IOCB_CMD_PWRITE);
}

TEST(io, linux_aio_direct)
{
	base();
	round_trip("mnt/low", O_DIRECT, 1, aio_all, IOCB_CMD_PREAD,
		   IOCB_CMD_PWRITE);
	round_trip("mnt/up", O_DIRECT, 2, aio_all, IOCB_CMD_PREAD,
		   IOCB_CMD_PWRITE);
}

TEST(io, uring_buffered)
{
	base();
	round_trip("mnt/low", 0, 1, uring_all, IORING_OP_READ, IORING_OP_WRITE);
	round_trip("mnt/up", 0, 2, uring_all, IORING_OP_READ, IORING_OP_WRITE);
}

TEST(io, uring_direct)
{
	base();
	round_trip("mnt/low", O_DIRECT, 1, uring_all, IORING_OP_READ,
		   IORING_OP_WRITE);
	round_trip("mnt/up", O_DIRECT, 2, uring_all, IORING_OP_READ,
		   IORING_OP_WRITE);
}
