// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared mappings of a layer's file, made before the file's first change, show
 * all that is written later, as on any filesystem, however they came to be and
 * whoever looks.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define PAGE	4096
#define PAGES	40
#define SIZE	(PAGES * PAGE)

/*
 *	l1/low		pattern 1, SIZE bytes
 */
static void base(void)
{
	fx_dirs(1);
	mk_pattern("l1/low", SIZE, 1);
	fx_mount(1);
}

static struct iovec maps[8];
static int nr_maps;

static volatile unsigned char *map_of(const char *path, size_t pages, size_t first)
{
	int fd = CHECK_SYS(open(path, O_RDONLY));
	void *p = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, fd, first * PAGE);

	CHECK(p != MAP_FAILED);
	close(fd);
	maps[nr_maps++] = (struct iovec){ p, pages * PAGE };
	return p;
}

/* A mapping keeps its filesystem busy. */
static void unmap_all(void)
{
	for (int i = 0; i < nr_maps; i++)
		CHECK_SYS(munmap(maps[i].iov_base, maps[i].iov_len));
	nr_maps = 0;
}

static void check_at(const char *file, int line, const volatile unsigned char *p,
		     size_t pages, unsigned int seed, size_t first)
{
	for (size_t i = 0; i < pages * PAGE; i += 61)
		if (p[i] != pattern_byte(seed, first * PAGE + i))
			test_fail(file, line, "not seed %u in page %zu", seed,
				  first + i / PAGE);
}

/* @pages pages from @p are pages @first... of a file of pattern @seed. */
#define CHECK_MAP(p, pages, seed, first) \
	check_at(__FILE__, __LINE__, p, pages, seed, first)

static void write_pages(const char *path, unsigned int seed, size_t first, size_t pages)
{
	int fd = CHECK_SYS(open(path, O_WRONLY));
	unsigned char buf[PAGE];

	for (size_t i = first; i < first + pages; i++) {
		for (size_t j = 0; j < PAGE; j++)
			buf[j] = pattern_byte(seed, i * PAGE + j);
		CHECK_EQ(pwrite(fd, buf, PAGE, i * PAGE), PAGE);
	}
	close(fd);
}

static sigjmp_buf bus;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(bus, 1);
}

/* The byte, or -1 where there is none. */
static int peek(const volatile unsigned char *p)
{
	int byte = -1;

	signal(SIGBUS, on_sigbus);
	if (!sigsetjmp(bus, 1))
		byte = *p;
	signal(SIGBUS, SIG_DFL);
	return byte;
}

TEST(openfiles, mapping_sees_writes)
{
	volatile unsigned char *seen, *unseen;

	base();
	seen = map_of("mnt/low", PAGES, 0);
	unseen = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(seen, PAGES, 1, 0);
	write_pages("mnt/low", 2, 3, 5);
	CHECK_MAP(seen, 3, 1, 0);
	CHECK_MAP(seen + 3 * PAGE, 5, 2, 3);
	CHECK_MAP(seen + 8 * PAGE, PAGES - 8, 1, 8);
	CHECK_MAP(unseen + 3 * PAGE, 5, 2, 3);
	CHECK_MAP(unseen + 8 * PAGE, PAGES - 8, 1, 8);
	/* And those that come later still. */
	write_pages("mnt/low", 3, 0, PAGES);
	CHECK_MAP(seen, PAGES, 3, 0);
	CHECK_MAP(unseen, PAGES, 3, 0);
	/* The page cache of the upper, no copy of it. */
	drop_caches(true);
	write_pages("mnt/low", 4, 7, 1);
	CHECK_MAP(seen + 7 * PAGE, 1, 4, 7);
	unmap_all();
}

TEST(openfiles, mapping_sees_a_mapping)
{
	volatile unsigned char *p;
	unsigned char *w;
	int fd;

	base();
	p = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	fd = CHECK_SYS(open("mnt/low", O_RDWR));
	w = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(w != MAP_FAILED);
	close(fd);
	for (int i = 0; i < 100; i++) {
		w[i * 1000] = i;
		CHECK_EQ(p[i * 1000], i);
	}
	CHECK_SYS(munmap(w, SIZE));
	unmap_all();
}

TEST(openfiles, mapping_of_a_part)
{
	volatile unsigned char *p, *q;

	base();
	p = map_of("mnt/low", 4, 10);
	q = map_of("mnt/low", 20, PAGES - 2);	/* beyond the end */
	CHECK_MAP(p, 4, 1, 10);
	CHECK_MAP(q, 2, 1, PAGES - 2);
	write_pages("mnt/low", 2, 12, 1);
	CHECK_MAP(p, 2, 1, 10);
	CHECK_MAP(p + 2 * PAGE, 1, 2, 12);
	CHECK_MAP(p + 3 * PAGE, 1, 1, 13);
	CHECK_EQ(peek(q + 2 * PAGE), -1);
	write_pages("mnt/low", 2, PAGES, 3);
	CHECK_MAP(q, 2, 1, PAGES - 2);
	CHECK_MAP(q + 2 * PAGE, 3, 2, PAGES);
	unmap_all();
}

/* What a truncate cuts off is gone, also if the truncate is the first change. */
TEST(openfiles, mapping_sees_truncates)
{
	volatile unsigned char *p;

	base();
	p = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	CHECK_SYS(truncate("mnt/low", 5 * PAGE + 100));
	CHECK_MAP(p, 5, 1, 0);
	CHECK_EQ(p[5 * PAGE + 99], pattern_byte(1, 5 * PAGE + 99));
	CHECK_EQ(p[5 * PAGE + 100], 0);
	CHECK_EQ(peek(p + 6 * PAGE), -1);
	CHECK_SYS(truncate("mnt/low", SIZE));
	CHECK_EQ(peek(p + 6 * PAGE), 0);
	CHECK_SYS(truncate("mnt/low", 0));
	CHECK_EQ(peek(p), -1);
	unmap_all();
}

TEST(openfiles, mapping_sees_o_trunc)
{
	volatile unsigned char *p;

	base();
	p = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	mk_file("mnt/low", "short");
	CHECK(!memcmp((void *)p, "short", 6));
	CHECK_EQ(peek(p + PAGE), -1);
	unmap_all();
}

/* A change that leaves the data alone copies it up, too. */
TEST(openfiles, mapping_over_a_chmod)
{
	volatile unsigned char *p;

	base();
	p = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	CHECK_SYS(chmod("mnt/low", 0600));
	CHECK_MAP(p, PAGES, 1, 0);
	write_pages("mnt/low", 2, 0, PAGES);
	CHECK_MAP(p, PAGES, 2, 0);
	unmap_all();
}

/* Renamed and unlinked, the mapping is of the file all the same. */
TEST(openfiles, mapping_of_an_unlinked_file)
{
	volatile unsigned char *p, *q;
	int fd;

	base();
	p = map_of("mnt/low", PAGES, 0);
	q = map_of("mnt/low", PAGES, 0);
	fd = CHECK_SYS(open("mnt/low", O_RDWR));
	CHECK_MAP(p, PAGES, 1, 0);
	CHECK_SYS(unlink("mnt/low"));
	mk_pattern("mnt/low", SIZE, 9);
	CHECK_MAP(q, PAGES, 1, 0);
	CHECK_EQ(pwrite(fd, "!", 1, 7), 1);
	CHECK_EQ(p[7], '!');
	CHECK_EQ(q[7], '!');
	CHECK_MAP(p + PAGE, PAGES - 1, 1, 1);
	close(fd);
	unmap_all();
}

/* Areas that were split, moved, grown and shrunk since. */
TEST(openfiles, mapping_cut_and_moved)
{
	volatile unsigned char *p, *moved, *first_moved, *twin;

	base();
	p = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	CHECK_SYS(munmap((void *)(p + 10 * PAGE), 2 * PAGE));
	CHECK_SYS(mprotect((void *)(p + 4 * PAGE), PAGE, PROT_NONE));
	moved = mremap((void *)(p + 20 * PAGE), 10 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED);
	first_moved = moved;
	/* A second area of the same pages. */
	twin = mremap((void *)moved, 0, 20 * PAGE, MREMAP_MAYMOVE);
	CHECK(twin != MAP_FAILED);
	CHECK_MAP(twin, 20, 1, 20);
	write_pages("mnt/low", 2, 0, PAGES);
	CHECK_MAP(p, 4, 2, 0);
	CHECK_MAP(p + 5 * PAGE, 5, 2, 5);
	CHECK_MAP(p + 12 * PAGE, 8, 2, 12);
	CHECK_MAP(p + 30 * PAGE, 10, 2, 30);
	CHECK_SYS(mprotect((void *)(p + 4 * PAGE), PAGE, PROT_READ));
	CHECK_MAP(p + 4 * PAGE, 1, 2, 4);
	/* Cut and moved between the change and the first look at it. */
	CHECK_SYS(munmap((void *)(moved + 2 * PAGE), PAGE));
	moved = mremap((void *)(moved + 5 * PAGE), 10 * PAGE, 10 * PAGE,
		       MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(p + 10 * PAGE));
	CHECK(moved == p + 10 * PAGE);
	CHECK_MAP(moved, 10, 2, 25);
	CHECK_MAP(twin, 20, 2, 20);
	write_pages("mnt/low", 3, 0, PAGES);
	CHECK_MAP(moved, 10, 3, 25);
	CHECK_MAP(twin, 20, 3, 20);
	CHECK_SYS(munmap((void *)twin, 20 * PAGE));
	CHECK_SYS(munmap((void *)first_moved, 20 * PAGE));
	unmap_all();
}

/* A mapping that can be written to is refused by a fd that cannot. */
TEST(openfiles, mapping_stays_read_only)
{
	volatile unsigned char *p;

	base();
	p = map_of("mnt/low", PAGES, 0);
	CHECK_ERR(mprotect((void *)p, SIZE, PROT_READ | PROT_WRITE), EACCES);
	write_pages("mnt/low", 2, 0, 1);
	CHECK_MAP(p, 1, 2, 0);
	CHECK_ERR(mprotect((void *)p, SIZE, PROT_READ | PROT_WRITE), EACCES);
	unmap_all();
}

/* Private ones show what was there, or what is; but nothing else, and no crash. */
TEST(openfiles, mapping_private)
{
	volatile unsigned char *p;
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/low", O_RDONLY));
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	close(fd);
	CHECK_MAP(p, PAGES / 2, 1, 0);
	p[0] = 'x';
	write_pages("mnt/low", 2, 0, 20);
	CHECK_EQ(p[0], 'x');
	CHECK_MAP(p + 20 * PAGE, PAGES - 20, 1, 20);
	write_pages("mnt/low", 1, 0, 20);
	CHECK_MAP(p + PAGE, PAGES - 1, 1, 1);
	CHECK_SYS(munmap((void *)p, SIZE));
}

struct pair {
	int fd[2];
};

static void say(int fd)
{
	CHECK_EQ(write(fd, "", 1), 1);
}

static void hear(int fd)
{
	char c;

	CHECK_EQ(read(fd, &c, 1), 1);
}

TEST(openfiles, mapping_inherited)
{
	volatile unsigned char *p;
	struct pair pair;

	base();
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.fd));
	p = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(p, 10, 1, 0);
	for (int round = 0; round < 2; round++) {
		pid_t pid = CHECK_SYS(fork());

		if (!pid) {
			/* A grandchild has it from a stale one. */
			CHECK_MAP(p, PAGES, round + 1, 0);
			say(pair.fd[1]);
			hear(pair.fd[1]);
			IN_CHILD
				CHECK_MAP(p, PAGES, round + 2, 0);
			CHECK_MAP(p, PAGES, round + 2, 0);
			CHECK_SYS(munmap((void *)p, SIZE));
			_exit(0);
		}
		hear(pair.fd[0]);
		write_pages("mnt/low", round + 2, 0, PAGES);
		say(pair.fd[0]);
		reap(pid);
	}
	CHECK_MAP(p, PAGES, 3, 0);
	unmap_all();
}

static long status_of(const char *what)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	long n = -1;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, what, strlen(what)))
			n = atol(line + strlen(what));
	fclose(f);
	return n;
}

/* The lines about the area at @p in /proc/self/@file, up to the next one. */
static const char *proc_lines(const char *file, const volatile void *p, const char *key)
{
	static char line[512];
	char path[32];
	bool here = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/%s", file);
	f = fopen(path, "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start == (unsigned long)p;
		if (here && (!key || !strncmp(line, key, strlen(key)))) {
			fclose(f);
			return line;
		}
	}
	FAIL("%s says nothing about %p", path, (void *)p);
}

/* Only the file changes: what the process has said about its mapping holds. */
TEST(openfiles, mapping_keeps_its_attributes)
{
	char maps[512], flags[512];
	volatile unsigned char *p;
	long locked;

	base();
	p = map_of("mnt/low", PAGES, 0);
	CHECK_SYS(mlock((void *)p, SIZE));
	CHECK_SYS(madvise((void *)p, SIZE, MADV_DONTFORK));
	CHECK_SYS(madvise((void *)p, SIZE, MADV_DONTDUMP));
	CHECK_SYS(madvise((void *)p, SIZE, MADV_SEQUENTIAL));
	locked = status_of("VmLck:");
	CHECK_EQ(locked, SIZE / 1024);
	strcpy(maps, proc_lines("maps", p, NULL));
	strcpy(flags, proc_lines("smaps", p, "VmFlags:"));
	CHECK(strstr(maps, "mnt/low"));

	write_pages("mnt/low", 2, 0, PAGES);
	CHECK_MAP(p, PAGES, 2, 0);
	CHECK_STR(proc_lines("maps", p, NULL), maps);
	CHECK_STR(proc_lines("smaps", p, "VmFlags:"), flags);
	CHECK_EQ(status_of("VmLck:"), locked);
	CHECK_SYS(munmap((void *)p, SIZE));
	CHECK_EQ(status_of("VmLck:"), 0);
	unmap_all();
}

/* The kernel looks, for the process itself: as the source of a write. */
TEST(openfiles, mapping_read_by_the_kernel)
{
	volatile unsigned char *p;
	unsigned char buf[PAGE];
	int fd, direct;

	base();
	p = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	fd = CHECK_SYS(open("mnt/low", O_RDWR));
	/* The first change of a file comes from a mapping of it. */
	CHECK_EQ(pwrite(fd, (void *)(p + PAGE), PAGE, 0), PAGE);
	CHECK_MAP(p, 1, 1, 1);
	CHECK_EQ(pwrite(fd, (void *)(p + 2 * PAGE), PAGE, 2 * PAGE), PAGE);
	CHECK_MAP(p + PAGE, PAGES - 1, 1, 1);
	close(fd);

	unmap_all();
	CHECK_SYS(umount("mnt"));
	tree_remove("upper");
	mk_dir("upper");
	fx_mount(1);
	p = map_of("mnt/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	write_pages("mnt/low", 2, 0, PAGES);
	direct = CHECK_SYS(open("other", O_RDWR | O_CREAT | O_DIRECT, 0600));
	CHECK_EQ(pwrite(direct, (void *)(p + 8 * PAGE), 4 * PAGE, 0), 4 * PAGE);
	close(direct);
	fd = CHECK_SYS(open("other", O_RDONLY));
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(read(fd, buf, PAGE), PAGE);
		CHECK_MAP(buf, 1, 2, 8 + i);
	}
	close(fd);
	unmap_all();
}

/* Another process looks: process_vm_readv(), /proc/PID/mem, ptrace(). */
static void remote_looks(pid_t pid, volatile unsigned char *p, unsigned int seed)
{
	unsigned char buf[4 * PAGE];
	struct iovec to = { buf, sizeof(buf) }, from = { (void *)p, sizeof(buf) };
	char path[32];
	int fd;

	/* Not in every kernel. */
	if (process_vm_readv(pid, &to, 1, &from, 1, 0) != sizeof(buf))
		CHECK_EQ(errno, ENOSYS);
	else
		CHECK_MAP(buf, 4, seed, 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = CHECK_SYS(open(path, O_RDONLY));
	CHECK_EQ(pread(fd, buf, sizeof(buf), (uintptr_t)(p + 8 * PAGE)), sizeof(buf));
	CHECK_MAP(buf, 4, seed, 8);
	close(fd);
}

TEST(openfiles, mapping_read_by_another)
{
	volatile unsigned char *p, *q;
	struct pair pair;
	pid_t pid;
	long word;

	base();
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.fd));
	p = map_of("mnt/low", PAGES, 0);
	q = map_of("mnt/low", PAGES, 0);
	pid = CHECK_SYS(fork());
	if (!pid) {
		CHECK_MAP(p, PAGES, 1, 0);
		CHECK_MAP(q, PAGES, 1, 0);
		hear(pair.fd[1]);
		_exit(0);
	}
	remote_looks(pid, p, 1);
	write_pages("mnt/low", 2, 0, PAGES);
	CHECK_SYS(ptrace(PTRACE_SEIZE, pid, 0, 0));
	CHECK_SYS(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(waitpid(pid, NULL, __WALL), pid);
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, q + 4 * PAGE, 0);
	CHECK_EQ(errno, 0);
	CHECK_EQ(word & 255, pattern_byte(2, 4 * PAGE));
	CHECK_SYS(ptrace(PTRACE_DETACH, pid, 0, 0));
	remote_looks(pid, p, 2);
	say(pair.fd[0]);
	reap(pid);
	unmap_all();
}

/*
 *	l1/low		pattern 1
 *	mnt, mnt2	containers of the same image
 */
TEST(openfiles, mapping_in_two_containers)
{
	const struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper2" },
					{ "workdir", "work2" }, {} };
	volatile unsigned char *p, *p2, *p3;

	base();
	mk_dir("upper2");
	mk_dir("work2");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(opts, "mnt2"), 0);
	p = map_of("mnt/low", PAGES, 0);
	p2 = map_of("mnt2/low", PAGES, 0);
	p3 = map_of("l1/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	CHECK_MAP(p2, PAGES, 1, 0);
	CHECK_MAP(p3, PAGES, 1, 0);
	write_pages("mnt/low", 2, 0, PAGES);
	CHECK_MAP(p, PAGES, 2, 0);
	CHECK_MAP(p2, PAGES, 1, 0);
	CHECK_MAP(p3, PAGES, 1, 0);
	write_pages("mnt2/low", 3, 0, PAGES);
	CHECK_MAP(p, PAGES, 2, 0);
	CHECK_MAP(p2, PAGES, 3, 0);
	CHECK_MAP(p3, PAGES, 1, 0);
	unmap_all();
	CHECK_SYS(umount("mnt2"));
}

/*
 *	l1/low		pattern 1
 *	mnt		a container on it
 *	mnt2		a container whose layer is mnt
 *	mnt3		a container whose upper is mnt/u
 */
TEST(openfiles, mapping_stacked)
{
	const struct mnt_opt above[] = { { "lowerdir", "mnt" }, { "upperdir", "upper2" },
					 { "workdir", "work2" }, {} };
	const struct mnt_opt below[] = { { "lowerdir", "empty" }, { "upperdir", "mnt/u" },
					 { "workdir", "mnt/w" }, {} };
	volatile unsigned char *p;

	fx_dirs(1);
	mk_pattern("l1/low", SIZE, 1);
	mk_dir("l1/u");
	mk_pattern("l1/u/low", SIZE, 5);
	fx_mount(1);
	mk_dir("upper2");
	mk_dir("work2");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(above, "mnt2"), 0);
	p = map_of("mnt2/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 1, 0);
	write_pages("mnt2/low", 2, 5, 5);
	CHECK_MAP(p, 5, 1, 0);
	CHECK_MAP(p + 5 * PAGE, 5, 2, 5);
	CHECK_SYS(munmap((void *)p, SIZE));
	CHECK_SYS(umount("mnt2"));

	mk_dir("empty");
	mk_dir("mnt/w");
	if (on_overlay())
		return;
	if (fs_mount(below, "mnt2"))
		FAIL("%s", mount_log);
	p = map_of("mnt2/low", PAGES, 0);
	CHECK_MAP(p, PAGES, 5, 0);
	write_pages("mnt2/low", 6, 5, 5);
	CHECK_MAP(p, 5, 5, 0);
	CHECK_MAP(p + 5 * PAGE, 5, 6, 5);
	CHECK_SYS(munmap((void *)p, SIZE));
	CHECK_SYS(umount("mnt2"));
	tree_remove("mnt/w");
}

/* Layer and upper on tmpfs, whose pages are of another kind. */
TEST(openfiles, mapping_on_tmpfs)
{
	const struct mnt_opt opts[] = { { "lowerdir", "t/l" }, { "upperdir", "t/u" },
					{ "workdir", "t/w" }, {} };
	volatile unsigned char *p;

	mk_dir("t");
	mk_dir("mnt");
	/* Huge pages, if the kernel has any. */
	if (mount("none", "t", "tmpfs", 0, "huge=always"))
		CHECK_SYS(mount("none", "t", "tmpfs", 0, NULL));
	mk_dir("t/l");
	mk_dir("t/u");
	mk_dir("t/w");
	mk_pattern("t/l/low", 1024 * PAGE, 1);
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	p = map_of("mnt/low", 1024, 0);
	CHECK_MAP(p, 1024, 1, 0);
	write_pages("mnt/low", 2, 100, 600);
	CHECK_MAP(p, 100, 1, 0);
	CHECK_MAP(p + 100 * PAGE, 600, 2, 100);
	CHECK_MAP(p + 700 * PAGE, 324, 1, 700);
	CHECK_SYS(munmap((void *)p, 1024 * PAGE));
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("t"));
}
