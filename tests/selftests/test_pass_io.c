// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data and everything about it passes through: the calls of test_io.c with
 * their flags, odd arguments and errors, compared with a plain directory.
 *
 * Each of the three directories holds
 *	f	pattern 1, SIZE bytes, of 1970
 *	g	pattern 2, SIZE bytes
 *	holes	1 MiB, of which one byte at 256 KiB is data
 *	d/
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "compare.h"

#define SIZE	(3 * 65536 + 1234)

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND	0x00000020
#endif
#ifndef RWF_ATOMIC
#define RWF_ATOMIC	0x00000040
#endif

static void make(void)
{
	int fd;

	mk_pattern("f", SIZE, 1);
	mk_mtime("f", 1000, 0);
	mk_pattern("g", SIZE, 2);
	mk_dir("d");
	fd = CHECK_SYS(open("holes", O_RDWR | O_CREAT, 0644));
	CHECK_SYS(ftruncate(fd, 1 << 20));
	CHECK_EQ(pwrite(fd, "x", 1, 262144), 1);
	CHECK_SYS(fsync(fd));
	close(fd);
}

static void say_file(const char *path)
{
	static char buf[4 * SIZE];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf));

	say_bytes(path, buf, n < 0 ? 0 : n);
	close(fd);
}

static void direct(void)
{
	char *buf = aligned_alloc(4096, 1 << 18);
	struct iovec iov[2] = { { buf, 4096 }, { buf + 8192, 8192 } };
	int fd = FD(open("f", O_RDWR | O_DIRECT));

	DO(pread(fd, buf, 4096, 0));
	say_bytes("buf", buf, 4096);
	DO(pread(fd, buf + 1, 4096, 0));
	DO(pread(fd, buf, 4096, 1));
	DO(pread(fd, buf, 100, 0));
	DO(pread(fd, buf, 1 << 18, 0));
	say_bytes("buf", buf, SIZE);
	DO(pread(fd, buf, 4096, SIZE));
	DO(pread(fd, buf, 4096, 1 << 30));
	DO(pread(fd, buf, 0, 7));
	memset(buf, 'D', 1 << 18);
	DO(pwrite(fd, buf, 4096, 4096));
	DO(pwrite(fd, buf + 3, 4096, 8192));
	DO(pwrite(fd, buf, 4096, 8191));
	DO(pwrite(fd, buf, 513, 16384));
	DO(pwritev(fd, iov, 2, 32768));
	DO(preadv(fd, iov, 2, 32768));
	DO(pwrite(fd, buf, 8192, 1 << 20));
	DO(lseek(fd, 0, SEEK_END));
	DO(fcntl(fd, F_SETFL, 0));
	DO(pwrite(fd, "odd", 3, 77));
	DO(fcntl(fd, F_SETFL, O_DIRECT | O_APPEND));
	DO(write(fd, buf, 4096));
	VAL(fcntl(fd, F_GETFL));
	close(fd);
	FD(open("d", O_RDONLY | O_DIRECT | O_DIRECTORY));
	FD(open("f", O_RDONLY | O_DIRECT | O_PATH));
	say_file("f");
}

TEST(pass, direct_io)
{
	compare(make, direct);
}

static void rwf(void)
{
	static const int flags[] = {
		0, RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_APPEND, RWF_NOAPPEND, RWF_ATOMIC,
		RWF_APPEND | RWF_NOAPPEND, RWF_DSYNC | RWF_APPEND, 1 << 20,
	};
	static const int modes[] = { O_RDWR, O_RDWR | O_APPEND, O_RDONLY, O_WRONLY };
	struct iovec iov;
	char buf[10];

	for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++)
		for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
			int fd = open("f", modes[m]), fl = flags[i];

			say("mode %x flags %x", modes[m], fl);
			iov = (struct iovec){ "0123456789", 10 };
			DO(pwritev2(fd, &iov, 1, 100 + i, fl));
			DO(pwritev2(fd, &iov, 1, -1, fl));
			DO(lseek(fd, 0, SEEK_CUR));
			iov = (struct iovec){ buf, 10 };
			if (DO(preadv2(fd, &iov, 1, 95 + i, fl)) > 0)
				say_bytes("buf", buf, 10);
			DO(preadv2(fd, &iov, 1, -1, fl));
			DO(preadv2(fd, &iov, 1, -2, fl));
			close(fd);
		}
	say_file("f");
}

TEST(pass, rwf_flags)
{
	compare(make, rwf);
}

/* What is in the page cache comes at once, also without RWF_NOWAIT's help. */
static void nowait(void)
{
	char buf[4096];
	struct iovec iov = { buf, sizeof(buf) };
	char *big = aligned_alloc(4096, 8192);
	int fd = FD(open("g", O_RDWR)), dfd;
	ssize_t got;

	DO(pread(fd, buf, sizeof(buf), 0));
	DO(preadv2(fd, &iov, 1, 0, RWF_NOWAIT));
	say_bytes("buf", buf, sizeof(buf));
	DO(preadv2(fd, &iov, 1, SIZE, RWF_NOWAIT));
	DO(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	/* Reading it is begun, and may be done before it is looked for. */
	got = preadv2(fd, &iov, 1, 65536, RWF_NOWAIT);
	VAL(got == sizeof(buf) || (got < 0 && errno == EAGAIN));
	/* Once written, so that it is in the upper. */
	DO(pwrite(fd, "now", 3, 0));
	DO(fsync(fd));
	DO(pwritev2(fd, &iov, 1, 0, RWF_NOWAIT));
	dfd = FD(open("g", O_RDWR | O_DIRECT));
	memset(big, 'N', 8192);
	iov = (struct iovec){ big, 4096 };
	DO(pwrite(dfd, big, 4096, 4096));
	DO(fsync(dfd));
	/* xfs refuses if the file's times have to be set as well. */
	got = pwritev2(dfd, &iov, 1, 4096, RWF_NOWAIT);
	VAL(got == 4096 || (got < 0 && errno == EAGAIN));
	DO(preadv2(dfd, &iov, 1, 4096, RWF_NOWAIT));
	close(dfd);
	/* An old descriptor, whose first read after the copy-up this is. */
	close(fd);
}

/* Alone, because others drop the caches. */
TEST_WITH(pass, rwf_nowait, .timeout = 300, .alone = true)
{
	compare(make, nowait);
}

static void splices(void)
{
	static char buf[65536];
	loff_t pos = 10, neg = -1;
	int p[2], q[2], fd = FD(open("f", O_RDWR)), ap = FD(open("g", O_WRONLY | O_APPEND));
	int ro = FD(open("g", O_RDONLY)), dir = FD(open("d", O_RDONLY));

	DO(pipe(p));
	DO(pipe(q));
	DO(splice(fd, &pos, p[1], NULL, 1000, SPLICE_F_MOVE | SPLICE_F_MORE));
	VAL(pos);
	DO(tee(p[0], q[1], 1000, 0));
	DO(read(q[0], buf, sizeof(buf)));
	say_bytes("buf", buf, 1000);
	DO(splice(p[0], NULL, ap, NULL, 10, 0));
	DO(splice(p[0], NULL, ro, NULL, 10, 0));
	DO(splice(p[0], &pos, fd, NULL, 10, 0));
	DO(splice(p[0], NULL, fd, &neg, 10, 0));
	DO(splice(p[0], NULL, fd, NULL, 10, 1 << 10));
	DO(splice(fd, NULL, ro, NULL, 10, 0));
	DO(splice(dir, NULL, p[1], NULL, 10, 0));
	DO(splice(p[0], NULL, fd, &pos, 500, SPLICE_F_NONBLOCK));
	VAL(pos);
	DO(splice(p[0], NULL, fd, NULL, 490, 0));
	DO(lseek(fd, 0, SEEK_CUR));
	DO(splice(fd, &(loff_t){ SIZE }, p[1], NULL, 10, 0));
	DO(sendfile(ap, fd, NULL, 10));
	DO(sendfile(ro, fd, NULL, 10));
	DO(sendfile(fd, dir, NULL, 10));
	DO(sendfile(fd, ro, &(off_t){ 5 }, 70000));
	DO(sendfile(fd, ro, &neg, 10));
	DO(vmsplice(fd, &(struct iovec){ buf, 10 }, 1, 0));
	say_file("f");
	say_file("g");
}

TEST(pass, splice_tee_sendfile)
{
	compare(make, splices);
}

static void copies(void)
{
	loff_t a, b;
	int f = FD(open("f", O_RDWR)), g = FD(open("g", O_RDWR)), h = FD(open("holes", O_RDWR));
	int ap = FD(open("g", O_WRONLY | O_APPEND)), dir = FD(open("d", O_RDONLY));
	int ro = FD(open("g", O_RDONLY)), path = FD(open("g", O_PATH));
	struct rlimit lim = { 100000, RLIM_INFINITY };

	DO(copy_file_range(f, (a = 0, &a), f, (b = 100, &b), 200, 0));
	DO(copy_file_range(f, (a = 0, &a), f, (b = 200, &b), 200, 0));
	DO(copy_file_range(f, (a = 0, &a), g, (b = 0, &b), 10, 1));
	DO(copy_file_range(f, (a = SIZE, &a), g, (b = 0, &b), 10, 0));
	DO(copy_file_range(f, (a = SIZE - 5, &a), g, (b = 0, &b), 10, 0));
	DO(copy_file_range(f, (a = -1, &a), g, (b = 0, &b), 10, 0));
	DO(copy_file_range(f, (a = 0, &a), g, (b = 1LL << 62, &b), 10, 0));
	/* Some filesystems have files of that size: nobody wants to read it. */
	DO(ftruncate(g, 5000));
	DO(copy_file_range(f, (a = 0, &a), ap, NULL, 10, 0));
	DO(copy_file_range(f, (a = 0, &a), ro, (b = 0, &b), 10, 0));
	DO(copy_file_range(f, (a = 0, &a), path, (b = 0, &b), 10, 0));
	DO(copy_file_range(f, (a = 0, &a), dir, (b = 0, &b), 10, 0));
	DO(copy_file_range(dir, (a = 0, &a), f, (b = 0, &b), 10, 0));
	DO(copy_file_range(f, (a = 0, &a), g, (b = 0, &b), 0, 0));
	DO(copy_file_range(h, (a = 262000, &a), g, (b = 1000, &b), 70000, 0));
	DO(copy_file_range(f, NULL, g, NULL, 4096, 0));
	DO(lseek(f, 0, SEEK_CUR));
	DO(lseek(g, 0, SEEK_CUR));
	signal(SIGXFSZ, SIG_IGN);
	DO(setrlimit(RLIMIT_FSIZE, &lim));
	DO(copy_file_range(f, (a = 0, &a), g, (b = 99990, &b), 100, 0));
	DO(copy_file_range(f, (a = 0, &a), g, (b = 100000, &b), 100, 0));
	say_file("f");
	say_file("g");
}

TEST(pass, copy_file_range)
{
	compare(make, copies);
}

static void clones(void)
{
	struct file_clone_range r = { .src_length = 4096 };
	struct { struct file_dedupe_range r; struct file_dedupe_range_info i; } dd = {};
	int f = FD(open("f", O_RDWR)), g = FD(open("g", O_RDWR)), ro = FD(open("g", O_RDONLY));
	int dir = FD(open("d", O_RDONLY)), other = open("/proc/self/exe", O_RDONLY);

	DO(ioctl(g, FICLONE, f));
	r.src_fd = f;
	DO(ioctl(g, FICLONERANGE, &r));
	r.src_offset = 1;
	DO(ioctl(g, FICLONERANGE, &r));
	DO(ioctl(ro, FICLONE, f));
	DO(ioctl(g, FICLONE, dir));
	DO(ioctl(dir, FICLONE, f));
	DO(ioctl(g, FICLONE, other));
	DO(ioctl(g, FICLONE, -1));
	DO(ioctl(g, FICLONERANGE, NULL));
	say_file("g");
	/* Which answers for each file; a filesystem without it refuses as a whole. */
	dd.r = (struct file_dedupe_range){ .src_length = 4096, .dest_count = 1 };
	dd.i.dest_fd = g;
	if (where == PLAIN)
		say("dedupe refused");
	else
		say("dedupe %s", ioctl(f, FIDEDUPERANGE, &dd) || dd.i.status < 0 ? "refused" : "done");
}

TEST(pass, clone_and_dedupe)
{
	mk_file("probe", "x");
	if (!ioctl(CHECK_SYS(open("probe2", O_RDWR | O_CREAT, 0600)), FICLONE,
		   CHECK_SYS(open("probe", O_RDONLY))))
		test_skip("the filesystem shares blocks: io.clone has it");
	compare(make, clones);
	CHECK(!exists("upper/low/g"));
}

static void falloc(void)
{
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE,
		FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_NO_HIDE_STALE, 0x800,
	};
	static const off_t at[][2] = {
		{ 4096, 8192 }, { 100, 200 }, { SIZE - 10, 4096 }, { 1 << 20, 4096 },
		{ -1, 10 }, { 0, 0 }, { 0, -1 }, { 1LL << 62, 1LL << 61 },
	};
	int fd = FD(open("f", O_RDWR)), ro = FD(open("g", O_RDONLY)), dir = FD(open("d", O_RDONLY));
	int ap = FD(open("g", O_WRONLY | O_APPEND)), p[2];

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		for (size_t j = 0; j < sizeof(at) / sizeof(*at); j++) {
			struct stat st;

			say("mode %x at %lld, %lld", modes[i], (long long)at[j][0],
			    (long long)at[j][1]);
			DO(fallocate(fd, modes[i], at[j][0], at[j][1]));
			fstat(fd, &st);
			VAL(st.st_size);
		}
	DO(fallocate(ro, 0, 0, 4096));
	DO(fallocate(ap, 0, 0, 4096));
	DO(fallocate(dir, 0, 0, 4096));
	DO(pipe(p));
	DO(fallocate(p[1], 0, 0, 4096));
	DO(posix_fallocate(fd, 0, SIZE));
	say_file("f");
}

TEST(pass, fallocate_all_modes)
{
	compare(make, falloc);
}

static void seeks(void)
{
	static const off_t at[] = { 0, 1, 262143, 262144, 266239, 266240, 1048575, 1048576, -1 };
	int fd = FD(open("holes", O_RDWR)), dir = FD(open("d", O_RDONLY));

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
			for (int whence = SEEK_SET; whence <= SEEK_HOLE + 1; whence++) {
				lseek(fd, 10, SEEK_SET);
				say("%lld by %d", (long long)at[i], whence);
				DO(lseek(fd, at[i], whence));
			}
		DO(lseek(fd, INT64_MAX, SEEK_SET));
		DO(lseek(fd, INT64_MAX, SEEK_CUR));
		DO(lseek(fd, INT64_MIN, SEEK_END));
		/* The same once it is in the upper. */
		DO(pwrite(fd, "x", 1, 262144));
		DO(fsync(fd));
	}
	DO(lseek(dir, -1, SEEK_SET));
}

TEST(pass, seek_hole_and_data)
{
	compare(make, seeks);
}

static void extents(void)
{
	struct { struct fiemap h; struct fiemap_extent e[20]; } fm = {};
	static const unsigned int flags[] = { 0, FIEMAP_FLAG_SYNC, FIEMAP_FLAG_XATTR,
					      FIEMAP_FLAG_CACHE, 0x100 };
	int fd = FD(open("holes", O_RDONLY)), dir = FD(open("d", O_RDONLY));

	fm.h = (struct fiemap){ .fm_length = FIEMAP_MAX_OFFSET };
	/* Where there is none, wrong arguments are not looked at either. */
	if (DO(ioctl(fd, FS_IOC_FIEMAP, &fm)) && errno == EOPNOTSUPP)
		return;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		fm.h = (struct fiemap){ .fm_length = FIEMAP_MAX_OFFSET, .fm_flags = flags[i],
					.fm_extent_count = 20 };
		say("flags %x", flags[i]);
		DO(ioctl(fd, FS_IOC_FIEMAP, &fm));
		if (flags[i] == FIEMAP_FLAG_XATTR)
			continue;
		say("%u extents, flags %x", fm.h.fm_mapped_extents, fm.h.fm_flags);
		say("%llu %llu %x", (unsigned long long)fm.e[0].fe_logical,
		    (unsigned long long)fm.e[0].fe_length, fm.e[0].fe_flags);
	}
	fm.h = (struct fiemap){ .fm_length = FIEMAP_MAX_OFFSET };
	DO(ioctl(fd, FS_IOC_FIEMAP, &fm));
	VAL(fm.h.fm_mapped_extents);
	fm.h = (struct fiemap){ .fm_length = 0 };
	DO(ioctl(fd, FS_IOC_FIEMAP, &fm));
	fm.h = (struct fiemap){ .fm_length = 100, .fm_extent_count = ~0U };
	DO(ioctl(fd, FS_IOC_FIEMAP, &fm));
	fm.h = (struct fiemap){ .fm_length = FIEMAP_MAX_OFFSET, .fm_extent_count = 1 };
	DO(ioctl(dir, FS_IOC_FIEMAP, &fm));
	DO(ioctl(fd, FS_IOC_FIEMAP, NULL));
}

TEST(pass, fiemap)
{
	compare(make, extents);
}

static void advice(void)
{
	int fd = FD(open("f", O_RDWR)), wo = FD(open("g", O_WRONLY)), path = FD(open("g", O_PATH));
	int dir = FD(open("d", O_RDONLY)), p[2];

	for (int i = -1; i < 9; i++) {
		say("advice %d", i);
		DO(posix_fadvise(fd, 0, 0, i));
	}
	DO(posix_fadvise(fd, 0, -1, 0));
	DO(posix_fadvise(path, 0, 0, 0));
	DO(posix_fadvise(dir, 0, 0, POSIX_FADV_WILLNEED));
	DO(pipe(p));
	DO(posix_fadvise(p[0], 0, 0, 0));
	DO(readahead(fd, 0, SIZE));
	DO(readahead(wo, 0, SIZE));
	DO(readahead(dir, 0, SIZE));
	DO(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	DO(sync_file_range(fd, 0, 0, 0x10));
	DO(sync_file_range(fd, -1, 0, 0));
	DO(sync_file_range(path, 0, 0, 0));
	DO(fcntl(fd, F_SET_RW_HINT, &(uint64_t){ RWH_WRITE_LIFE_SHORT }));
	DO(fcntl(fd, F_SET_RW_HINT, &(uint64_t){ 77 }));
	DO(fcntl(fd, F_SETFL, O_NOATIME));
	VAL(fcntl(fd, F_GETFL));
}

TEST(pass, advice)
{
	compare(make, advice);
}

static sigjmp_buf bus;

static void on_bus(int sig)
{
	siglongjmp(bus, sig);
}

static void mappings(void)
{
	int fd = FD(open("f", O_RDWR)), ro = FD(open("g", O_RDONLY)), wo = FD(open("g", O_WRONLY));
	int dir = FD(open("d", O_RDONLY)), ap = FD(open("g", O_RDWR | O_APPEND)), sig;
	unsigned char vec[16];
	char *p;

#define MAP(len, prot, flags, fd, off) ({						\
		errno = 0;								\
		p = mmap(NULL, len, prot, flags, fd, off);				\
		say("mmap " #len " " #prot " " #flags " " #fd " " #off ": %s",		\
		    p == MAP_FAILED ? strerrorname_np(errno) : "mapped"); })
	MAP(0, PROT_READ, MAP_SHARED, fd, 0);
	MAP(4096, PROT_READ, MAP_SHARED, fd, 1);
	MAP(4096, PROT_READ, MAP_SHARED, wo, 0);
	MAP(4096, PROT_WRITE, MAP_SHARED, wo, 0);
	MAP(4096, PROT_WRITE, MAP_SHARED, ro, 0);
	MAP(4096, PROT_WRITE, MAP_PRIVATE, ro, 0);
	MAP(4096, PROT_READ, MAP_SHARED, dir, 0);
	MAP(4096, PROT_READ | PROT_WRITE, MAP_SHARED, ap, 0);
	MAP(4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
	MAP(4096, PROT_READ, MAP_SHARED_VALIDATE | 0x4000000, fd, 0);
	MAP(4096, PROT_READ, MAP_SHARED, fd, 1L << 40);
	MAP(4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	MAP(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	DO(mincore(p, 4096, vec));
	DO(madvise(p, SIZE, MADV_WILLNEED));
	DO(mlock(p, 4096));
	memcpy(p + 100, "mapped", 6);
	DO(msync(p, SIZE, MS_ASYNC | MS_SYNC));
	DO(msync(p, SIZE, MS_SYNC));
	DO(madvise(p + 8192, 4096, MADV_REMOVE));
	DO(munlock(p, 4096));
	DO(ftruncate(fd, 4096));
	signal(SIGBUS, on_bus);
	sig = sigsetjmp(bus, 1);
	if (!sig)
		p[65536] = 1;
	say("beyond the end: %s", sig ? strsignal(sig) : "nothing");
	DO(mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE) == MAP_FAILED);
	say_file("f");
}

TEST(pass, mappings)
{
	compare(make, mappings);
}

static void ioctls(void)
{
	int fd = FD(open("f", O_RDWR)), dir = FD(open("d", O_RDONLY)), path = FD(open("f", O_PATH));
	char buf[256];
	long long size;
	int n;

	DO(ioctl(fd, FIGETBSZ, &n));
	VAL(n);
	DO(ioctl(dir, FIGETBSZ, &n));
	DO(ioctl(fd, FIONREAD, &n));
	VAL(n);
	DO(lseek(fd, 1000, SEEK_SET));
	DO(ioctl(fd, FIONREAD, &n));
	VAL(n);
	DO(ioctl(fd, FIOQSIZE, &size));
	VAL(size);
	DO(ioctl(fd, FIOASYNC, &(int){ 0 }));
	DO(ioctl(fd, FIONBIO, &(int){ 1 }));
	DO(ioctl(fd, FIONBIO, &(int){ 0 }));
	DO(ioctl(fd, FS_IOC_GETVERSION, &n));
	DO(ioctl(dir, FS_IOC_GETVERSION, &n));
	DO(ioctl(fd, FS_IOC_GETVERSION, NULL));
	DO(ioctl(path, FIGETBSZ, &n));
	DO(ioctl(fd, 0x5401, buf));
	DO(ioctl(fd, 0xdeadbeef, buf));
	DO(ioctl(dir, 0xdeadbeef, buf));
	DO(ioctl(-1, FIGETBSZ, &n));
}

/* FIOQSIZE counts blocks, which a file gets when its data is written back. */
static void make_written_back(void)
{
	int fd;

	make();
	fd = CHECK_SYS(open("f", O_RDONLY));
	CHECK_SYS(syncfs(fd));
	close(fd);
}

TEST(pass, ioctls)
{
	compare(make_written_back, ioctls);
}
