// SPDX-License-Identifier: GPL-2.0-only
/* The less common ways of I/O: asynchronous, direct, from file to file. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "content.h"
#include "stress.h"

#define BLOCK 4096

static char buf[16 * BLOCK] __attribute__((aligned(BLOCK)));

static enum kind any_kind(void)
{
	return one_in(2) ? LOOSE : SOLID;
}

/* A whole block of a file: read it, or write it. */
static void block_of(const struct label *l, off_t *pos)
{
	*pos = BLOCK * (off_t)rnd(l->words ? l->words / 512 : LOOSE_MAX / BLOCK);
}

static int check_read(int fd, ssize_t n, off_t pos)
{
	if (n < 0)
		return -1;
	content_check_fd(buf, n, pos, fd);
	return 0;
}

static int check_write(ssize_t n)
{
	if (n >= 0 && n != BLOCK)
		stress_fail("%zd of a block written", n);
	return n < 0 ? -1 : 0;
}

static int op_direct(void)
{
	bool write = one_in(2);
	struct label l = {};
	int fd, rc = -1;
	off_t pos;

	fd = pick_fd(any_kind(), (write ? O_RDWR : O_RDONLY) | O_DIRECT);
	if (fd < 0)
		return fd;
	if (write && label_get(fd, &l))
		goto out;
	block_of(&l, &pos);
	content_fill(buf, BLOCK, pos, &l, rnd(256));
	rc = write ? check_write(pwrite(fd, buf, BLOCK, pos)) :
	     check_read(fd, pread(fd, buf, BLOCK, pos), pos);
out:
	put_fd(fd);
	return rc;
}

static ssize_t aio_one(int fd, bool write, off_t pos)
{
	struct iocb cb = {
		.aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_fildes = fd, .aio_buf = (uintptr_t)buf,
		.aio_nbytes = BLOCK, .aio_offset = pos,
	}, *cbs = &cb;
	aio_context_t ctx = 0;
	struct io_event ev;
	ssize_t n = -1;

	if (syscall(SYS_io_setup, 1, &ctx))
		return -1;
	if (syscall(SYS_io_submit, ctx, 1, &cbs) == 1) {
		/* One time in four the kernel has to reap it. */
		if (one_in(4)) {
			syscall(SYS_io_destroy, ctx);
			return write ? BLOCK : 0;
		}
		while (syscall(SYS_io_getevents, ctx, 1, 1, &ev, NULL) != 1)
			;
		n = ev.res;
	} else {
		n = -errno;
	}
	syscall(SYS_io_destroy, ctx);
	if (n < 0) {
		errno = -n;
		return -1;
	}
	return n;
}

static struct {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static bool ring_init(void)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;
	struct io_uring_params p = {};
	char *sq, *cq;

	if (ring.fd)
		return ring.fd > 0;
	ring.fd = syscall(SYS_io_uring_setup, 4, &p);
	if (ring.fd < 0)
		return false;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, prot, flags, ring.fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*ring.cqes), prot,
		  flags, ring.fd, IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, p.sq_entries * sizeof(*ring.sqes), prot, flags,
			 ring.fd, IORING_OFF_SQES);
	ring.sq_tail = (void *)(sq + p.sq_off.tail);
	ring.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + p.sq_off.array);
	ring.cq_head = (void *)(cq + p.cq_off.head);
	ring.cq_tail = (void *)(cq + p.cq_off.tail);
	ring.cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (void *)(cq + p.cq_off.cqes);
	return true;
}

static ssize_t ring_one(int fd, bool write, off_t pos)
{
	unsigned int at = *ring.sq_tail & *ring.sq_mask;
	int n;

	ring.sqes[at] = (struct io_uring_sqe){
		.opcode = write ? IORING_OP_WRITE : IORING_OP_READ, .fd = fd,
		.off = pos, .addr = (uintptr_t)buf, .len = BLOCK,
		.flags = one_in(3) ? IOSQE_ASYNC : 0,
	};
	ring.sq_array[at] = at;
	__atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
	syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == *ring.cq_head)
		syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS,
			NULL, 0);
	n = ring.cqes[*ring.cq_head & *ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, *ring.cq_head + 1, __ATOMIC_RELEASE);
	if (n >= 0)
		return n;
	errno = -n;
	return -1;
}

static int async(ssize_t (*one)(int fd, bool write, off_t pos))
{
	int flags = one_in(2) ? O_DIRECT : 0, fd, rc = -1;
	bool write = one_in(2);
	struct label l = {};
	off_t pos;

	fd = pick_fd(any_kind(), (write ? O_RDWR : O_RDONLY) | flags);
	if (fd < 0)
		return fd;
	if (write && label_get(fd, &l))
		goto out;
	block_of(&l, &pos);
	content_fill(buf, BLOCK, pos, &l, rnd(256));
	rc = write ? check_write(one(fd, true, pos)) :
	     check_read(fd, one(fd, false, pos), pos);
out:
	put_fd(fd);
	return rc;
}

static int op_aio(void)
{
	return async(aio_one);
}

static int op_uring(void)
{
	return ring_init() ? async(ring_one) : SKIPPED;
}

/* --- from file to file: what arrives belongs to where it came from --- */

static ssize_t by_copy_range(int in, int out, off_t pos, size_t len)
{
	off_t to = 0;

	return copy_file_range(in, &pos, out, &to, len, 0);
}

static ssize_t by_sendfile(int in, int out, off_t pos, size_t len)
{
	return sendfile(out, in, &pos, len);
}

static ssize_t by_splice(int in, int out, off_t pos, size_t len)
{
	off_t to = 0;
	ssize_t n = -1;
	int p[2];

	if (pipe(p))
		return -1;
	n = splice(in, &pos, p[1], NULL, len < BLOCK ? len : BLOCK, 0);
	if (n > 0)
		n = splice(p[0], NULL, out, &to, n, 0);
	put_fd(p[0]);
	put_fd(p[1]);
	return n;
}

static int copy_by(ssize_t (*how)(int, int, off_t, size_t))
{
	int in = pick_fd(any_kind(), O_RDONLY), out = -1, rc = -1;
	char dir[MAX_PATH];
	off_t pos;
	ssize_t n;

	if (in < 0)
		return in;
	pick_dir(dir);
	out = open(dir, O_TMPFILE | O_RDWR, 0600);
	if (out < 0)
		goto out;
	pos = rnd(SOLID_MAX);
	n = how(in, out, pos, 1 + rnd(sizeof(buf)));
	if (n < 0)
		goto out;
	n = pread(out, buf, sizeof(buf), 0);
	if (n < 0)
		goto out;
	content_check_fd(buf, n, pos, in);
	rc = 0;
out:
	put_fd(in);
	put_fd(out);
	return rc;
}

static int op_copy_range(void)
{
	return copy_by(by_copy_range);
}

static int op_sendfile(void)
{
	return copy_by(by_sendfile);
}

static int op_splice(void)
{
	return copy_by(by_splice);
}

/* The other way: from a pipe to a file that others use. */
static int op_splice_write(void)
{
	int fd = pick_fd(any_kind(), O_RDWR), p[2], rc = -1;
	struct label l;
	off_t pos;

	if (fd < 0)
		return fd;
	if (label_get(fd, &l) || pipe(p)) {
		put_fd(fd);
		return -1;
	}
	block_of(&l, &pos);
	content_fill(buf, BLOCK, pos, &l, rnd(256));
	if (write(p[1], buf, BLOCK) == BLOCK &&
	    splice(p[0], NULL, fd, &pos, BLOCK, 0) >= 0)
		rc = 0;
	put_fd(p[0]);
	put_fd(p[1]);
	put_fd(fd);
	return rc;
}

static int op_clone(void)
{
	int in = pick_fd(any_kind(), O_RDONLY), out = -1, rc = -1;
	char dir[MAX_PATH];

	if (in < 0)
		return in;
	pick_dir(dir);
	out = open(dir, O_TMPFILE | O_RDWR, 0600);
	if (out >= 0)
		rc = ioctl(out, FICLONE, in);
	put_fd(in);
	put_fd(out);
	return rc;
}

/* --- locks and programs --- */

static int op_lock(void)
{
	struct flock lk = { .l_type = one_in(2) ? F_WRLCK : F_RDLCK, .l_len = 100 };
	int fd = pick_fd(any_kind(), O_RDWR), rc;

	if (fd < 0)
		return fd;
	switch (rnd(3)) {
	case 0:
		rc = flock(fd, (one_in(2) ? LOCK_EX : LOCK_SH) | LOCK_NB);
		break;
	case 1:
		rc = fcntl(fd, F_OFD_SETLK, &lk);
		break;
	default:
		rc = fcntl(fd, F_SETLEASE, F_RDLCK);
		if (!rc)
			fcntl(fd, F_SETLEASE, F_UNLCK);
	}
	put_fd(fd);
	return rc;
}

/* A script or a program of a container; exec has no errno but by a pipe. */
static int op_exec(void)
{
	char path[MAX_PATH], *args[] = { path, NULL };
	static char *no_env[] = { NULL };
	int err = 0, p[2];
	pid_t pid;

	strcpy(path, pick_box());
	strcat(path, one_in(2) ? "/home/run" : "/home/bin");
	doing("%s", path);
	if (pipe2(p, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		execve(path, args, no_env);
		err = errno;
		_exit(write(p[1], &err, sizeof(err)) != sizeof(err));
	}
	close(p[1]);
	if (pid < 0 || read(p[0], &err, sizeof(err)) < 0)
		err = errno;
	close(p[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	errno = err;
	return err ? -1 : 0;
}

/* Has the program copied up while it runs. */
static int op_touch_program(void)
{
	char path[MAX_PATH];

	strcpy(path, pick_box());
	strcat(path, one_in(2) ? "/home/run" : "/home/bin");
	doing("%s", path);
	return chmod(path, one_in(2) ? 0755 : 0555);
}

#define W(data, mixed) { [SQ_DATA] = data, [SQ_MIXED] = mixed }

const struct op io_ops[] = {
	{ "direct", op_direct, W(4, 1), ERRS(OPEN_ERRS, EINVAL) },
	{ "aio", op_aio, W(4, 1), ERRS(OPEN_ERRS, EINVAL) },
	{ "io-uring", op_uring, W(4, 1), ERRS(OPEN_ERRS, EINVAL) },
	{ "copy-range", op_copy_range, W(3, 1), ERRS(OPEN_ERRS, EXDEV, EINVAL) },
	{ "sendfile", op_sendfile, W(3, 1), ERRS(OPEN_ERRS) },
	{ "splice", op_splice, W(3, 1), ERRS(OPEN_ERRS) },
	{ "splice-write", op_splice_write, W(3, 1), ERRS(OPEN_ERRS, EINVAL) },
	{ "clone", op_clone, W(1, 1), ERRS(OPEN_ERRS, EOPNOTSUPP, EXDEV, EINVAL) },
	{ "lock", op_lock, W(3, 2), ERRS(OPEN_ERRS, EAGAIN) },
	{ "exec", op_exec, W(2, 1), ERRS(WALK_ERRS, ETXTBSY) },
	{ "touch-program", op_touch_program, W(1, 1), ERRS(WALK_ERRS) },
	{ 0 }
};
