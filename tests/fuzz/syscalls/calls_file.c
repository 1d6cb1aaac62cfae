// SPDX-License-Identifier: GPL-2.0-only
/* Calls on open files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"

static char buf[1 << 20];

static size_t buf_len(uint8_t arg)
{
	uint64_t len = size_of(arg);

	return len < sizeof(buf) ? len : sizeof(buf);
}

/* Arguments: path, where to keep it, flags, access, mode. */
static long do_open(const uint8_t *a)
{
	static const int flags[] = {
		0, 0, 0, O_CREAT, O_CREAT | O_EXCL, O_TRUNC, O_CREAT | O_TRUNC, O_APPEND,
		O_DIRECTORY, O_PATH, O_NOFOLLOW, O_DIRECT, O_SYNC, O_DSYNC, O_NOATIME,
		O_PATH | O_NOFOLLOW,
	};
	int mode = a[3] % 4;

	if (a[2] >= 0xf0)
		return fd_keep(a[1], open(path_of(a[0]), O_TMPFILE | (mode % 2 ? O_RDWR : O_WRONLY) |
					  O_CLOEXEC, 0600));
	if (mode == 3)
		mode = 2;
	/* A FIFO must not wait for the other end. */
	return fd_keep(a[1], open(path_of(a[0]), flags[a[2] % 16] | mode | O_NONBLOCK | O_CLOEXEC,
				  a[4] % 2 ? 0644 : a[4] * 16));
}

/* Arguments: directory, where to keep it, name, flags. */
static long do_openat(const uint8_t *a)
{
	return fd_keep(a[1], openat(fd_of(a[0]), name_of(a[2]),
				    (a[3] & (O_CREAT | O_RDWR | O_EXCL)) | O_NONBLOCK | O_CLOEXEC,
				    0644));
}

/* By what procfs shows of another descriptor. */
static long do_reopen(const uint8_t *a)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd_of(a[0]));
	return fd_keep(a[1], open(path, a[2] % 3 | O_NONBLOCK | O_CLOEXEC | (a[3] & 1 ? O_TRUNC : 0)));
}

static long do_close(const uint8_t *a)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd_keep(a[0], fd);
}

static long do_dup(const uint8_t *a)
{
	return fd_keep(a[1], fcntl(fd_of(a[0]), F_DUPFD_CLOEXEC, 0));
}

static long do_read(const uint8_t *a)
{
	if (a[2] & 1)
		return pread(fd_of(a[0]), buf, buf_len(a[1]), size_of(a[3]));
	return read(fd_of(a[0]), buf, buf_len(a[1]));
}

static long do_write(const uint8_t *a)
{
	if (a[2] & 1)
		return pwrite(fd_of(a[0]), buf, buf_len(a[1]), size_of(a[3]));
	return write(fd_of(a[0]), buf, buf_len(a[1]));
}

static long do_vector(const uint8_t *a)
{
	static const int flags[] = { 0, RWF_NOWAIT, RWF_APPEND, RWF_DSYNC, RWF_HIPRI, RWF_SYNC,
				     0x40 /* RWF_ATOMIC */, 0x20 /* RWF_NOAPPEND */ };
	struct iovec v[] = { { buf, buf_len(a[1]) }, { buf, buf_len(a[2]) }, { NULL, 0 } };

	if (a[3] & 1)
		return preadv2(fd_of(a[0]), v, 3, (a[3] & 2) ? -1 : size_of(a[4]), flags[a[5] % 8]);
	return pwritev2(fd_of(a[0]), v, 3, (a[3] & 2) ? -1 : size_of(a[4]), flags[a[5] % 8]);
}

static long do_aio(const uint8_t *a)
{
	struct iocb cb = { .aio_fildes = fd_of(a[0]), .aio_buf = (uintptr_t)buf,
			   .aio_nbytes = buf_len(a[1]), .aio_offset = size_of(a[2]),
			   .aio_lio_opcode = a[3] & 1 ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE };
	struct iocb *list[] = { &cb };
	aio_context_t ctx = 0;
	struct io_event ev;
	long ret;

	if (a[3] & 4)
		cb.aio_lio_opcode = IOCB_CMD_FSYNC;
	if (syscall(SYS_io_setup, 4, &ctx))
		return -1;
	ret = syscall(SYS_io_submit, ctx, 1, list);
	if (ret == 1 && a[3] & 2)
		syscall(SYS_io_getevents, ctx, 1, 1, &ev, NULL);
	/* Else with a request in flight. */
	syscall(SYS_io_destroy, ctx);
	return ret;
}

static long do_lseek(const uint8_t *a)
{
	return lseek(fd_of(a[0]), size_of(a[1]), a[2] % 6);
}

static long do_getdents(const uint8_t *a)
{
	return syscall(SYS_getdents64, fd_of(a[0]), buf, 100 + buf_len(a[1]) % 32768);
}

static long do_mmap(const uint8_t *a)
{
	int prot = a[1] & (PROT_READ | PROT_WRITE | PROT_EXEC);
	size_t len = 4096 * (1 + a[3] % 20);
	char *p = mmap(NULL, len, prot, a[2] & 1 ? MAP_PRIVATE : MAP_SHARED, fd_of(a[0]),
		       a[4] % 3 * 4096);
	int end[2];

	if (p == MAP_FAILED)
		return -1;
	/* The kernel touches the pages: beyond the end there is an error, no signal. */
	if (!pipe2(end, O_NONBLOCK | O_CLOEXEC)) {
		if (write(end[1], p, 4096) == 4096 && prot & PROT_WRITE &&
		    read(end[0], p, 4096) < 0)
			errno = 0;
		close(end[0]);
		close(end[1]);
	}
	if (a[5] & 1)
		msync(p, len, a[5] & 2 ? MS_SYNC : MS_ASYNC);
	if (a[5] & 4)
		madvise(p, len, a[5] & 8 ? MADV_DONTNEED : MADV_POPULATE_WRITE);
	if (a[5] & 16)
		mprotect(p, len, PROT_READ | PROT_WRITE);
	state_map(p, len);
	return 0;
}

static long do_ftruncate(const uint8_t *a)
{
	return ftruncate(fd_of(a[0]), size_of(a[1]));
}

static long do_fallocate(const uint8_t *a)
{
	uint64_t len = size_of(a[3]);

	return fallocate(fd_of(a[0]), a[1] & 0x7b, size_of(a[2]), len < 4 << 20 ? len : 4096);
}

static long do_sync(const uint8_t *a)
{
	int fd = fd_of(a[0]);

	switch (a[1] % 4) {
	case 0: return fsync(fd);
	case 1: return fdatasync(fd);
	case 2: return syncfs(fd);
	default: return sync_file_range(fd, size_of(a[2]), size_of(a[3]), a[4] & 7);
	}
}

static long do_fadvise(const uint8_t *a)
{
	if (a[1] % 8 == 7)
		return readahead(fd_of(a[0]), size_of(a[2]), size_of(a[3]));
	return posix_fadvise(fd_of(a[0]), size_of(a[2]), size_of(a[3]), a[1] % 8);
}

static long do_copy_file_range(const uint8_t *a)
{
	off64_t in = size_of(a[2]), out = size_of(a[3]);

	return copy_file_range(fd_of(a[0]), a[5] & 1 ? &in : NULL, fd_of(a[1]),
			       a[5] & 2 ? &out : NULL, buf_len(a[4]), 0);
}

static long do_sendfile(const uint8_t *a)
{
	return sendfile(fd_of(a[0]), fd_of(a[1]), NULL, buf_len(a[2]));
}

/* From one file to the other by a pipe. */
static long do_splice(const uint8_t *a)
{
	int end[2];
	long ret;

	if (pipe2(end, O_NONBLOCK | O_CLOEXEC))
		return -1;
	ret = splice(fd_of(a[0]), NULL, end[1], NULL, buf_len(a[2]), SPLICE_F_NONBLOCK);
	if (a[3] & 1 && ret < 0)
		ret = write(end[1], buf, 4096);
	if (ret > 0)
		ret = splice(end[0], NULL, fd_of(a[1]), NULL, ret, SPLICE_F_NONBLOCK | a[4] % 16);
	close(end[0]);
	close(end[1]);
	return ret;
}

static long do_ioctl(const uint8_t *a)
{
	static const unsigned long cmds[] = {
		FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR,
		FS_IOC_FIEMAP, FICLONE, FICLONERANGE, FIDEDUPERANGE, FS_IOC_GETVERSION, FIBMAP,
		FITRIM, FS_IOC_GETFSLABEL, FIONREAD, FIOQSIZE, FIGETBSZ, FS_IOC_SETVERSION,
	};
	union {
		long flags;
		struct fsxattr fsx;
		struct fiemap map;
		struct file_clone_range clone;
		struct file_dedupe_range dedupe;
		char bytes[4096];
	} arg = { .flags = a[2] << (a[3] % 16) };
	int fd = fd_of(a[0]);

	switch (a[1] % 20) {
	case 4:
		arg.map = (struct fiemap){ .fm_length = size_of(a[2]), .fm_flags = a[3] & 7,
					   .fm_extent_count = a[4] % 16 };
		break;
	case 5:
		return ioctl(fd, FICLONE, fd_of(a[2]));
	case 6:
		arg.clone = (struct file_clone_range){ .src_fd = fd_of(a[2]),
						       .src_length = size_of(a[3]) };
		break;
	case 7:
		arg.dedupe = (struct file_dedupe_range){ .src_length = size_of(a[3]),
							 .dest_count = 1 };
		arg.dedupe.info[0].dest_fd = fd_of(a[2]);
		break;
	case 3:
		arg.fsx = (struct fsxattr){ .fsx_xflags = a[2] << (a[3] % 16), .fsx_projid = a[4] };
		break;
	case 16: case 17: case 18: case 19:
		/* Frozen for a moment; the pair is one call, lest all wait for ever. */
		if (a[1] > 250) {
			long ret = ioctl(fd, FIFREEZE, 0);

			ioctl(fd, FITHAW, 0);
			return ret;
		}
		return ioctl(fd, _IOC(a[2] & 3, a[3], a[4], a[5] & 63), &arg);
	}
	return ioctl(fd, cmds[a[1] % 20], &arg);
}

static long do_lock(const uint8_t *a)
{
	struct flock lk = { .l_type = a[2] % 3, .l_start = size_of(a[3]), .l_len = size_of(a[4]) };
	int fd = fd_of(a[0]);

	switch (a[1] % 8) {
	case 0: return fcntl(fd, F_SETLK, &lk);
	case 1: return fcntl(fd, F_GETLK, &lk);
	case 2: return fcntl(fd, F_OFD_SETLK, &lk);
	case 3: return fcntl(fd, F_SETLEASE, a[2] % 3);
	case 4: return fcntl(fd, F_SETFL, a[2] << 8);
	case 5: return fcntl(fd, F_NOTIFY, a[2]);
	case 6: return fcntl(fd, F_ADD_SEALS, a[2]);
	default: return flock(fd, 1 << a[2] % 4 | LOCK_NB);
	}
}

static long do_poll(const uint8_t *a)
{
	struct pollfd p = { .fd = fd_of(a[0]), .events = a[1] };

	return poll(&p, 1, 0);
}

const struct op file_ops[] = {
	/* The first ones are what the others need. */
	{ "open", do_open }, { "openat", do_openat }, { "reopen", do_reopen },
	{ "close", do_close }, { "dup", do_dup }, { "read", do_read }, { "write", do_write },
	{ "vector", do_vector }, { "aio", do_aio }, { "lseek", do_lseek },
	{ "getdents", do_getdents }, { "mmap", do_mmap }, { "ftruncate", do_ftruncate },
	{ "fallocate", do_fallocate }, { "sync", do_sync }, { "fadvise", do_fadvise },
	{ "copy_file_range", do_copy_file_range }, { "sendfile", do_sendfile },
	{ "splice", do_splice }, { "ioctl", do_ioctl }, { "lock", do_lock }, { "poll", do_poll },
	{}
};
