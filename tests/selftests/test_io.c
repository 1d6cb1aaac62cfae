// SPDX-License-Identifier: GPL-2.0-only
/*
 * File data: every way in and out, on files of the layer, of the upper, and on
 * those that become the one from the other meanwhile.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define SIZE	(3 * 65536 + 1234)

/*
 *	l1/low		pattern 1, SIZE bytes
 *	upper/up	pattern 2, SIZE bytes
 */
static const char *const both[] = { "mnt/low", "mnt/up" };

static void base(void)
{
	fx_dirs(1);
	mk_pattern("l1/low", SIZE, 1);
	mk_pattern("upper/up", SIZE, 2);
	fx_mount(1);
}

static void check_bytes(const void *buf, size_t len, unsigned int seed, off_t pos)
{
	const unsigned char *p = buf;

	for (size_t i = 0; i < len; i++)
		if (p[i] != pattern_byte(seed, pos + i))
			FAIL("seed %u: wrong byte at %lld", seed,
			     (long long)pos + (long long)i);
}

TEST(io, read_and_pread)
{
	static char buf[SIZE];
	int fd;

	base();
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(open(both[i], O_RDONLY));
		CHECK_EQ(read(fd, buf, 1000), 1000);
		check_bytes(buf, 1000, i + 1, 0);
		CHECK_EQ(read(fd, buf, 1000), 1000);
		check_bytes(buf, 1000, i + 1, 1000);
		CHECK_EQ(pread(fd, buf, 77, 65530), 77);
		check_bytes(buf, 77, i + 1, 65530);
		CHECK_EQ(pread(fd, buf, SIZE, SIZE - 5), 5);
		CHECK_EQ(pread(fd, buf, SIZE, SIZE), 0);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2000);
		CHECK_ERR(write(fd, "x", 1), EBADF);
		close(fd);
	}
}

TEST(io, write_at_offsets)
{
	struct iovec iov[2] = { { "abc", 3 }, { "defg", 4 } };
	char buf[16] = "";
	int fd;

	base();
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(open(both[i], O_RDWR));
		CHECK_EQ(pwritev(fd, iov, 2, 4093), 7);
		CHECK_EQ(pread(fd, buf, 9, 4092), 9);
		CHECK(!memcmp(buf + 1, "abcdefg", 7));
		check_bytes(buf, 1, i + 1, 4092);
		check_bytes(buf + 8, 1, i + 1, 4100);
		CHECK_EQ(pwrite(fd, "end", 3, SIZE + 100), 3);
		CHECK_EQ(pread(fd, buf, 4, SIZE + 99), 4);
		CHECK(!memcmp(buf, "\0end", 4));
		CHECK_EQ(lseek(fd, 0, SEEK_END), SIZE + 103);
		close(fd);
	}
}

TEST(io, append)
{
	struct stat st;
	int a, b;

	base();
	for (int i = 0; i < 2; i++) {
		a = CHECK_SYS(open(both[i], O_WRONLY | O_APPEND));
		b = CHECK_SYS(open(both[i], O_WRONLY | O_APPEND));
		CHECK_EQ(write(a, "a", 1), 1);
		CHECK_EQ(write(b, "b", 1), 1);
		CHECK_EQ(write(a, "c", 1), 1);
		CHECK_EQ(lseek(a, 0, SEEK_CUR), SIZE + 3);
		CHECK_SYS(fstat(b, &st));
		CHECK_EQ(st.st_size, SIZE + 3);
		close(a);
		close(b);
	}
}

TEST(io, truncate_down_and_up)
{
	static char buf[SIZE];
	int fd;

	base();
	for (int i = 0; i < 2; i++) {
		CHECK_SYS(truncate(both[i], 5000));
		fd = CHECK_SYS(open(both[i], O_RDWR));
		CHECK_SYS(ftruncate(fd, 9000));
		CHECK_EQ(read(fd, buf, SIZE), 9000);
		check_bytes(buf, 5000, i + 1, 0);
		for (int j = 5000; j < 9000; j++)
			CHECK_EQ(buf[j], 0);
		CHECK_ERR(ftruncate(fd, -1), EINVAL);
		close(fd);
	}
	CHECK_EQ(stat_of("l1/low").st_size, SIZE);
}

TEST(io, mmap_private_and_shared_read)
{
	char *p;
	int fd;

	base();
	for (int i = 0; i < 2; i++)
		for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
			fd = CHECK_SYS(open(both[i], O_RDONLY));
			p = mmap(NULL, SIZE, PROT_READ, flags, fd, 0);
			CHECK(p != MAP_FAILED);
			close(fd);
			check_bytes(p, SIZE, i + 1, 0);
			munmap(p, SIZE);
		}
	CHECK_STR(ls("upper"), "up");
}

/* Writes through a private mapping stay in it. */
TEST(io, mmap_private_write)
{
	char *p, buf[4];
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/low", O_RDONLY));
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	memcpy(p, "mine", 4);
	CHECK_EQ(pread(fd, buf, 4, 0), 4);
	check_bytes(buf, 4, 1, 0);
	CHECK_STR(ls("upper"), "up");
	close(fd);
	munmap(p, SIZE);
}

/* A shared writable mapping of a lower file writes to the upper. */
TEST(io, mmap_shared_write)
{
	char *p, buf[8];
	int fd;

	base();
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(open(both[i], O_RDWR));
		p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		CHECK(p != MAP_FAILED);
		check_bytes(p, SIZE, i + 1, 0);
		memcpy(p + 8190, "shared", 6);
		CHECK_EQ(pread(fd, buf, 6, 8190), 6);
		CHECK(!memcmp(buf, "shared", 6));
		CHECK_EQ(pwrite(fd, "FD", 2, 70000), 2);
		CHECK(!memcmp(p + 70000, "FD", 2));
		CHECK_SYS(msync(p, SIZE, MS_SYNC));
		close(fd);
		memcpy(p + 100, "later", 5);
		munmap(p, SIZE);
	}
	fx_remount();
	fd = CHECK_SYS(open("upper/low", O_RDONLY));
	CHECK_EQ(pread(fd, buf, 6, 8190), 6);
	CHECK(!memcmp(buf, "shared", 6));
	CHECK_EQ(pread(fd, buf, 5, 100), 5);
	CHECK(!memcmp(buf, "later", 5));
	close(fd);
	CHECK(stat_of("mnt/low").st_mtime > OLD_BEFORE);
}

/* mprotect may make a read-only shared mapping of a writable fd writable. */
TEST(io, mmap_made_writable_later)
{
	char *p, buf[4];
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/low", O_RDWR));
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	check_bytes(p, 100, 1, 0);
	if (!mprotect(p, SIZE, PROT_READ | PROT_WRITE)) {
		memcpy(p, "prot", 4);
		CHECK_EQ(pread(fd, buf, 4, 0), 4);
		CHECK(!memcmp(buf, "prot", 4));
		CHECK_SYS(msync(p, SIZE, MS_SYNC));
		CHECK(stat_of("upper/low").st_size == SIZE);
	}
	munmap(p, SIZE);
	close(fd);
	fx_check_layers();
}

/* A mapping made by a read-only fd cannot be written, however. */
TEST(io, mmap_by_read_only_fd)
{
	void *p;
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/low", O_RDONLY));
	CHECK(mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EACCES);
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERR(mprotect(p, SIZE, PROT_WRITE), EACCES);
	munmap(p, SIZE);
	close(fd);
}

/* Two processes, one mapping each, one file: they see each other. */
TEST(io, mmap_shared_between_processes)
{
	volatile char *p;
	pid_t pid;
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/low", O_RDWR));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 'a';
	pid = fork();
	if (!pid) {
		int fd2 = open("mnt/low", O_RDWR);
		volatile char *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_SHARED, fd2, 0);

		if (q[0] == 'a')
			q[1] = 'b';
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(p[1], 'b');
	munmap((void *)p, 4096);
	close(fd);
}

/* A program runs from a layer and, changed, from the upper. */
TEST(io, execute)
{
	int status;
	pid_t pid;

	fx_dirs(1);
	CHECK_EQ(system("cp /bin/busybox l1/prog"), 0);
	fx_mount(1);
	for (int i = 0; i < 2; i++) {
		pid = fork();
		if (!pid) {
			execl("mnt/prog", "true", NULL);
			_exit(127);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		CHECK_EQ(exists("upper/prog"), i);
		append_file("mnt/prog", "x");
	}
}

TEST(io, splice_from_and_to)
{
	static char buf[65536];
	int fd, out, p[2];
	ssize_t n;

	base();
	CHECK_SYS(pipe(p));
	for (int i = 0; i < 2; i++) {
		off_t from = 100, to = 50;

		fd = CHECK_SYS(open(both[i], O_RDWR));
		n = CHECK_SYS(splice(fd, &from, p[1], NULL, 8192, 0));
		CHECK_EQ(n, 8192);
		CHECK_EQ(from, 8292);
		CHECK_EQ(read(p[0], buf, 8192), 8192);
		check_bytes(buf, 8192, i + 1, 100);
		CHECK_EQ(write(p[1], "spliced", 7), 7);
		CHECK_EQ(splice(p[0], NULL, fd, &to, 7, 0), 7);
		CHECK_EQ(to, 57);
		CHECK_EQ(pread(fd, buf, 9, 49), 9);
		CHECK(!memcmp(buf + 1, "spliced", 7));
		close(fd);
	}
	out = CHECK_SYS(open("mnt/out", O_RDWR | O_CREAT, 0644));
	fd = CHECK_SYS(open("mnt/up", O_RDONLY));
	CHECK_SYS(lseek(fd, 4096, SEEK_SET));
	CHECK_EQ(sendfile(out, fd, NULL, 50000), 50000);
	CHECK_EQ(pread(out, buf, 50000, 0), 50000);
	check_bytes(buf, 50000, 2, 4096);
	close(out);
	close(fd);
	CHECK_EQ(stat_of("upper/low").st_size, SIZE);
}

TEST(io, sendfile_to_socket)
{
	static char buf[20000];
	size_t got = 0;
	off_t pos = 5;
	int fd, s[2];

	base();
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	fd = CHECK_SYS(open("mnt/low", O_RDONLY));
	CHECK_EQ(sendfile(s[0], fd, &pos, sizeof(buf)), sizeof(buf));
	while (got < sizeof(buf))
		got += CHECK_SYS(read(s[1], buf + got, sizeof(buf) - got));
	check_bytes(buf, sizeof(buf), 1, 5);
	CHECK_STR(ls("upper"), "up");
	close(fd);
}

TEST(io, direct)
{
	char *buf = aligned_alloc(4096, 65536);
	int fd;

	base();
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(open(both[i], O_RDWR | O_DIRECT));
		CHECK_EQ(pread(fd, buf, 65536, 4096), 65536);
		check_bytes(buf, 65536, i + 1, 4096);
		memset(buf, 'D', 8192);
		CHECK_EQ(pwrite(fd, buf, 8192, 8192), 8192);
		memset(buf, 0, 65536);
		CHECK_EQ(pread(fd, buf, 16384, 4096), 16384);
		check_bytes(buf, 4096, i + 1, 4096);
		CHECK_EQ(buf[4096], 'D');
		CHECK_EQ(buf[4096 + 8191], 'D');
		check_bytes(buf + 12288, 4096, i + 1, 16384);
		close(fd);
		fd = CHECK_SYS(open(both[i], O_RDONLY));
		CHECK_EQ(pread(fd, buf, 2, 8191), 2);
		CHECK_EQ(buf[1], 'D');
		/* switched on on an open descriptor, both before a copy-up */
		CHECK_SYS(fcntl(fd, F_SETFL, O_DIRECT));
		CHECK_EQ(pread(fd, buf, 4096, 0), 4096);
		check_bytes(buf, 4096, i + 1, 0);
		close(fd);
	}
	free(buf);
}

/* Where the real filesystem cannot do it, O_DIRECT is refused at open. */
TEST(io, direct_unsupported)
{
	fx_dirs(1);
	CHECK_SYS(mount("none", "l1", "proc", 0, NULL));
	CHECK_SYS(umount("l1"));
	CHECK_SYS(mount("none", "l1", "ramfs", 0, NULL));
	mk_file("l1/f", "x");
	CHECK_ERR(open("l1/f", O_RDONLY | O_DIRECT), EINVAL);
	fx_mount(1);
	CHECK_ERR(open("mnt/f", O_RDONLY | O_DIRECT), EINVAL);
}

TEST(io, seek_hole_and_data)
{
	int fd;

	fx_dirs(1);
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(open(i ? "upper/up" : "l1/low",
				    O_RDWR | O_CREAT, 0644));
		CHECK_SYS(ftruncate(fd, 1 << 20));
		CHECK_EQ(pwrite(fd, "x", 1, 262144), 1);
		CHECK_SYS(fsync(fd));
		close(fd);
	}
	fx_mount(1);
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(open(both[i], O_RDONLY));
		CHECK_EQ(lseek(fd, 0, SEEK_DATA), 262144);
		CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
		CHECK_EQ(lseek(fd, 262144, SEEK_HOLE), 262144 + 4096);
		CHECK_ERR(lseek(fd, 300000, SEEK_DATA), ENXIO);
		CHECK_ERR(lseek(fd, 2 << 20, SEEK_HOLE), ENXIO);
		CHECK_EQ(lseek(fd, -1, SEEK_END), (1 << 20) - 1);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), (1 << 20) - 1);
		CHECK_EQ(lseek(fd, 2, SEEK_CUR), (1 << 20) + 1);
		CHECK_ERR(lseek(fd, -5, SEEK_SET), EINVAL);
		close(fd);
	}
}

/* Has the real filesystem this mode? */
static bool has_fallocate(int mode)
{
	int fd = CHECK_SYS(open("plain", O_RDWR | O_CREAT, 0644));
	bool has;

	CHECK_SYS(ftruncate(fd, SIZE));
	has = !fallocate(fd, mode, 0, 4096);
	close(fd);
	return has;
}

TEST(io, fallocate)
{
	static char buf[SIZE];
	int fd;

	base();
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(open(both[i], O_RDWR));
		CHECK_SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				    FALLOC_FL_KEEP_SIZE, 4096, 8192));
		CHECK_EQ(pread(fd, buf, SIZE, 0), SIZE);
		check_bytes(buf, 4096, i + 1, 0);
		CHECK_EQ(buf[4096] | buf[12287], 0);
		check_bytes(buf + 12288, SIZE - 12288, i + 1, 12288);
		CHECK_SYS(fallocate(fd, 0, SIZE, 10000));
		CHECK_EQ(stat_of(both[i]).st_size, SIZE + 10000);
		CHECK_SYS(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
		CHECK_EQ(stat_of(both[i]).st_size, SIZE + 10000);
		if (has_fallocate(FALLOC_FL_ZERO_RANGE)) {
			CHECK_SYS(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 100));
			CHECK_EQ(pread(fd, buf, 101, 0), 101);
			CHECK_EQ(buf[99], 0);
		}
		if (has_fallocate(FALLOC_FL_COLLAPSE_RANGE)) {
			CHECK_SYS(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0,
					    4096));
			CHECK_EQ(stat_of(both[i]).st_size, SIZE + 10000 - 4096);
		}
		close(fd);
		fd = CHECK_SYS(open(both[i], O_RDONLY));
		CHECK_ERR(fallocate(fd, 0, 0, 100), EBADF);
		close(fd);
	}
}

TEST(io, copy_file_range)
{
	static char buf[SIZE];
	off_t from = 1000, to = 7;
	int in, out;

	base();
	/* from the layer to a new file */
	in = CHECK_SYS(open("mnt/low", O_RDONLY));
	out = CHECK_SYS(open("mnt/new", O_RDWR | O_CREAT, 0644));
	CHECK_EQ(copy_file_range(in, &from, out, &to, 50000, 0), 50000);
	CHECK_EQ(from, 51000);
	CHECK_EQ(to, 50007);
	CHECK_EQ(pread(out, buf, 50000, 7), 50000);
	check_bytes(buf, 50000, 1, 1000);
	close(out);
	CHECK(!exists("upper/low"));
	/* from the upper into a lower file, which is copied up for it */
	close(in);
	in = CHECK_SYS(open("mnt/up", O_RDONLY));
	out = CHECK_SYS(open("mnt/low", O_RDWR));
	from = 4096;
	to = 65536;
	CHECK_EQ(copy_file_range(in, &from, out, &to, 4096, 0), 4096);
	CHECK_EQ(pread(out, buf, SIZE, 0), SIZE);
	check_bytes(buf, 65536, 1, 0);
	check_bytes(buf + 65536, 4096, 2, 4096);
	check_bytes(buf + 69632, SIZE - 69632, 1, 69632);
	close(in);
	/* inside one file */
	from = 0;
	to = 100000;
	CHECK_EQ(copy_file_range(out, &from, out, &to, 1000, 0), 1000);
	CHECK_EQ(pread(out, buf, 1000, 100000), 1000);
	check_bytes(buf, 1000, 1, 0);
	close(out);
}

/* Clones work where they do on the real filesystem, whichever side is lower. */
TEST(io, clone)
{
	static char buf[SIZE];
	bool can;
	int in, out;

	base();
	mk_pattern("plain", SIZE, 3);
	in = CHECK_SYS(open("plain", O_RDONLY));
	out = CHECK_SYS(open("plain2", O_RDWR | O_CREAT, 0644));
	can = !ioctl(out, FICLONE, in);
	close(in);
	close(out);
	in = CHECK_SYS(open("mnt/up", O_RDONLY));
	out = CHECK_SYS(open("mnt/low", O_RDWR));
	if (!can) {
		CHECK_ERR(ioctl(out, FICLONE, in), EOPNOTSUPP);
		check_bytes(buf, CHECK_SYS(pread(out, buf, SIZE, 0)), 1, 0);
	} else {
		CHECK_SYS(ioctl(out, FICLONE, in));
		CHECK_EQ(pread(out, buf, SIZE, 0), SIZE);
		check_bytes(buf, SIZE, 2, 0);
	}
	close(in);
	close(out);
}

/* A lower file read through a buffered fd after another wrote it: all agree. */
TEST(io, readers_and_writers_agree)
{
	int fds[4];
	char *p, buf[16];

	base();
	fds[0] = CHECK_SYS(open("mnt/low", O_RDONLY));
	fds[1] = CHECK_SYS(open("mnt/low", O_RDWR));
	fds[2] = CHECK_SYS(open("mnt/low", O_RDWR | O_APPEND));
	fds[3] = CHECK_SYS(open("mnt/low", O_RDONLY));
	CHECK_EQ(pwrite(fds[1], "first", 5, 10), 5);
	CHECK_EQ(write(fds[2], "last", 4), 4);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
	CHECK(p != MAP_FAILED);
	memcpy(p + 20, "mapped", 6);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(pread(fds[i], buf, 16, 10), 16);
		CHECK(!memcmp(buf, "first", 5));
		CHECK(!memcmp(buf + 10, "mapped", 6));
		CHECK_EQ(pread(fds[i], buf, 16, SIZE), 4);
		CHECK(!memcmp(buf, "last", 4));
		CHECK_EQ(lseek(fds[i], 0, SEEK_END), SIZE + 4);
		close(fds[i]);
	}
	munmap(p, 4096);
}

TEST(io, fsync_and_sync)
{
	int fd, ro, dfd;

	base();
	ro = CHECK_SYS(open("mnt/low", O_RDONLY));
	CHECK_SYS(fsync(ro));
	fd = CHECK_SYS(open("mnt/low", O_RDWR));
	CHECK_SYS(fsync(fd));
	CHECK(on_overlay() || !exists("upper/low"));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_SYS(fdatasync(fd));
	CHECK_SYS(fsync(fd));
	CHECK_SYS(fsync(ro));
	CHECK_SYS(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	CHECK_SYS(syncfs(fd));
	dfd = CHECK_SYS(open("mnt", O_RDONLY | O_DIRECTORY));
	CHECK_SYS(fsync(dfd));
	close(fd);
	fd = CHECK_SYS(open("mnt/sync", O_RDWR | O_CREAT | O_SYNC, 0644));
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	close(ro);
	close(dfd);
}

TEST(io, advice_and_readahead)
{
	char buf[10];
	int fd;

	base();
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(open(both[i], O_RDONLY));
		CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
		CHECK_EQ(posix_fadvise(fd, 0, SIZE, POSIX_FADV_WILLNEED), 0);
		CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		CHECK_SYS(readahead(fd, 0, 65536));
		CHECK_EQ(read(fd, buf, 10), 10);
		check_bytes(buf, 10, i + 1, 0);
		close(fd);
	}
}

TEST(io, nonblocking_and_poll)
{
	struct pollfd pfd = { .events = POLLIN | POLLOUT };
	struct iovec iov;
	char buf[100];

	base();
	pfd.fd = CHECK_SYS(open("mnt/low", O_RDWR | O_NONBLOCK));
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK_EQ(pfd.revents, POLLIN | POLLOUT);
	CHECK_EQ(pread(pfd.fd, buf, 100, 0), 100);
	iov = (struct iovec){ buf, 100 };
	memset(buf, 0, 100);
	if (preadv2(pfd.fd, &iov, 1, 0, RWF_NOWAIT) < 0) {
		CHECK(errno == EOPNOTSUPP || errno == EAGAIN);
		CHECK_EQ(preadv2(pfd.fd, &iov, 1, 0, 0), 100);
	}
	check_bytes(buf, 100, 1, 0);
	close(pfd.fd);
}

/* RLIMIT_FSIZE and huge offsets fail as they do below, and harm nothing. */
TEST(io, limits)
{
	void *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/low", O_RDWR));
	if (pwrite(fd, "x", 1, INT64_MAX - 1) == 1)
		CHECK_SYS(ftruncate(fd, SIZE));	/* xfs takes it */
	else
		CHECK_EQ(errno, EFBIG);
	CHECK_ERR(pwrite(fd, "x", 1, INT64_MAX), EINVAL);
	CHECK_ERR(pread(fd, bad, 10, 0), EFAULT);
	CHECK_ERR(pwrite(fd, bad, 10, 0), EFAULT);
	CHECK_EQ(stat_of("mnt/low").st_size, SIZE);
	close(fd);
}

/* ftruncate and write through a descriptor that the mode has turned against. */
TEST(io, write_after_chmod)
{
	fx_dirs(1);
	mk_file("l1/f", "data");
	CHECK_SYS(chown("l1/f", 1000, 1000));
	fx_mount(1);
	AS_USER(1000) {
		int fd = CHECK_SYS(open("mnt/f", O_RDWR));

		CHECK_SYS(fchmod(fd, 0));
		CHECK_EQ(pwrite(fd, "DATA", 4, 0), 4);
		CHECK_SYS(ftruncate(fd, 2));
		CHECK_STR(cat_fd(fd), "DA");
		CHECK_ERR(open("mnt/f", O_RDONLY), EACCES);
		close(fd);
	}
}

/* access time: a read of a layer's file does not touch the layer's. */
TEST(io, layer_atime_is_left_alone)
{
	struct stat before, after;

	SKIP_ON_OVERLAY("updates the layer's access times");
	base();
	before = stat_of("l1/low");
	drop_caches(false);
	cat("mnt/low");
	after = stat_of("l1/low");
	CHECK(!memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)));
	CHECK(!memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)));
}

static void splice_in(void *arg)
{
	const int *fd = arg;

	CHECK_EQ(splice(fd[0], NULL, fd[1], NULL, 100, 0), 3);
}

/* Sleeping in that call, as far as can be told from outside. */
static bool waits_in(pid_t pid, long call)
{
	const char *said;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	said = cat(path);
	return said && strtol(said, NULL, 10) == call && strncmp(said, "running", 7);
}

/*
 *	upper/up
 * Who splices from a pipe waits for the writer as long as that likes.  Others change the
 * file, and remove it, meanwhile.
 */
TEST(io, splice_waits_for_a_pipe_without_a_lock)
{
	int p[2], fd[2];
	pid_t pid;

	base();
	CHECK_SYS(pipe(p));
	fd[0] = p[0];
	fd[1] = CHECK_SYS(open("mnt/up", O_WRONLY));
	pid = spawn(splice_in, fd);
	while (!waits_in(pid, SYS_splice))
		usleep(1000);
	CHECK_SYS(chmod("mnt/up", 0600));
	CHECK_SYS(truncate("mnt/up", 10));
	append_file("mnt/up", "more");
	CHECK_SYS(unlink("mnt/up"));
	CHECK_EQ(write(p[1], "end", 3), 3);
	reap(pid);
	close(fd[1]);
}
