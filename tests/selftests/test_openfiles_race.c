// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared mappings of layers' files while the files are copied up, by threads that
 * fault, map, unmap and fork meanwhile.  Contents tell which file they are of and
 * how old they may be.  Each test is bounded by time: a file or two are enough on
 * a slow machine.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

#define PAGE	4096
#define PAGES	64
#define SIZE	(PAGES * PAGE)
#define FILES	30
#define READERS	4
#define SECONDS	4

/* The first word of a page says which it is, the second how often it was written. */
struct stamp {
	uint32_t file, page, age, age2;
};

#define STAMPS	(PAGE / sizeof(struct stamp))

static struct {
	atomic_uint written[PAGES];	/* at least so often, in the file at hand */
	atomic_int file, stop, readers_in;
	const volatile struct stamp *map;
	atomic_long looks, fresh;
} sh;

/* Whether to take one more file, after @i. */
static bool go_on(int i)
{
	static struct timespec began;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!i)
		began = now;
	return i < 2 || (i < FILES && now.tv_sec - began.tv_sec < SECONDS);
}

static void mk_stamped(const char *path, uint32_t file)
{
	int fd = CHECK_SYS(open(path, O_CREAT | O_WRONLY, 0644));
	struct stamp page[STAMPS];

	for (uint32_t i = 0; i < PAGES; i++) {
		for (size_t j = 0; j < STAMPS; j++)
			page[j] = (struct stamp){ file, i, 0, 0 };
		CHECK_EQ(write(fd, page, PAGE), PAGE);
	}
	close(fd);
}

/*
 *	l1/f0 ...	stamped, PAGES pages each
 */
static void base(void)
{
	char path[32];

	fx_dirs(1);
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "l1/f%d", i);
		mk_stamped(path, i);
	}
	fx_mount(1);
}

static const volatile struct stamp *map_file(int i, void *where)
{
	char path[32];
	void *p;
	int fd;

	snprintf(path, sizeof(path), "mnt/f%d", i);
	fd = CHECK_SYS(open(path, O_RDONLY));
	p = mmap(where, SIZE, PROT_READ, MAP_SHARED | (where ? MAP_FIXED : 0), fd, 0);
	CHECK(p != MAP_FAILED);
	close(fd);
	return p;
}

/* Never older than what was written when the look began. */
static void look(int file, unsigned int page)
{
	const volatile struct stamp *s = sh.map + page * STAMPS + rand() % STAMPS;
	uint32_t least = atomic_load(&sh.written[page]);
	struct stamp got = { s->file, s->page, s->age, s->age2 };

	if (got.file != (uint32_t)file || got.page != page)
		FAIL("file %d page %u shows file %u page %u", file, page, got.file, got.page);
	if (got.age < least)
		FAIL("file %d page %u: age %u, but %u was written", file, page, got.age, least);
	atomic_fetch_add(&sh.looks, 1);
	if (got.age)
		atomic_fetch_add(&sh.fresh, 1);
}

static void *reader(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	int file = -1;

	for (;;) {
		int now = atomic_load(&sh.file);

		if (atomic_load(&sh.stop))
			return NULL;
		if (now < 0 || now == file) {
			if (now < 0 && file >= 0) {
				file = -1;
				atomic_fetch_sub(&sh.readers_in, 1);
			}
			if (now < 0) {
				sched_yield();
				continue;
			}
		} else {
			file = now;
			atomic_fetch_add(&sh.readers_in, 1);
		}
		for (int i = 0; i < 20; i++)
			look(file, i % 2 ? PAGES - 1 : rand_r(&seed) % PAGES);
		/* Have it faulted in again; but not with each file. */
		if (file % 2 && rand_r(&seed) % 4 == 0)
			madvise((void *)(sh.map + rand_r(&seed) % PAGES * STAMPS),
				PAGE, MADV_DONTNEED);
	}
}

static void write_stamped(int fd, uint32_t file, uint32_t page, uint32_t age)
{
	struct stamp buf[STAMPS];

	for (size_t i = 0; i < STAMPS; i++)
		buf[i] = (struct stamp){ file, page, age, age };
	CHECK_EQ(pwrite(fd, buf, PAGE, page * PAGE), PAGE);
	atomic_store(&sh.written[page], age);
}

static atomic_int second_done;

/* Writes the last page as soon as the copy has its name, and before all see it. */
static void *second_writer(void *arg)
{
	char path[32], copy[32];
	int done = -1;
	(void)arg;

	while (!atomic_load(&sh.stop)) {
		int i = atomic_load(&sh.file), fd;

		if (i < 0 || i == done) {
			sched_yield();
			continue;
		}
		snprintf(path, sizeof(path), "mnt/f%d", i);
		snprintf(copy, sizeof(copy), "upper/f%d", i);
		fd = CHECK_SYS(open(path, O_WRONLY));
		while (!exists(copy))
			;
		write_stamped(fd, i, PAGES - 1, 1);
		close(fd);
		done = i;
		atomic_store(&second_done, i);
	}
	return NULL;
}

/*
 * Threads read a mapping all the time; meanwhile its file is written, first of
 * all for the first time.  What write(2) has returned for is what they see.
 */
TEST(openfiles, race_faults_and_copy_up)
{
	pthread_t t[READERS + 1];
	char path[32];

	base();
	atomic_store(&sh.file, -1);
	atomic_store(&second_done, -1);
	for (uintptr_t i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, reader, (void *)(i + 1)), 0);
	CHECK_EQ(pthread_create(&t[READERS], NULL, second_writer, NULL), 0);
	for (int i = 0; go_on(i); i++) {
		int fd;

		for (int j = 0; j < PAGES; j++)
			atomic_store(&sh.written[j], 0);
		sh.map = map_file(i, NULL);
		for (int j = 0; j < PAGES; j++)
			CHECK_EQ(sh.map[j * STAMPS].page, j);
		snprintf(path, sizeof(path), "mnt/f%d", i);
		fd = CHECK_SYS(open(path, O_WRONLY));
		atomic_store(&sh.file, i);
		while (atomic_load(&sh.readers_in) < READERS)
			sched_yield();
		for (uint32_t age = 1; age < 4; age++)
			for (uint32_t j = 0; j < PAGES - 1; j++)
				write_stamped(fd, i, (j * 5 + i) % (PAGES - 1), age);
		close(fd);
		while (atomic_load(&second_done) != i)
			sched_yield();
		atomic_store(&sh.file, -1);
		while (atomic_load(&sh.readers_in))
			sched_yield();
		CHECK_SYS(munmap((void *)sh.map, SIZE));
	}
	atomic_store(&sh.stop, 1);
	for (int i = 0; i <= READERS; i++)
		pthread_join(t[i], NULL);
	test_note("%ld looks, %ld of them at what was written", atomic_load(&sh.looks),
		  atomic_load(&sh.fresh));
	CHECK(atomic_load(&sh.fresh) > 0);
}

/* --- other mappings at the same address --- */

static char *spot;
static atomic_int spot_stop;

/* Looks at the spot, whatever is there: it is always one of the two kinds. */
static void *spot_reader(void *arg)
{
	unsigned int seed = (uintptr_t)arg;

	while (!atomic_load(&spot_stop)) {
		unsigned int page = rand_r(&seed) % PAGES;
		const volatile struct stamp *s = (void *)(spot + page * PAGE);
		uint32_t n = s->page;

		if (n && n != page && n != 0x5eed0000 + page)
			FAIL("page %u shows %x", page, n);
	}
	return NULL;
}

static atomic_int spot_file = -1;

static void *spot_writer(void *arg)
{
	char path[32];
	int done = -1;
	(void)arg;

	while (!atomic_load(&spot_stop)) {
		int i = atomic_load(&spot_file), fd;

		if (i == done) {
			sched_yield();
			continue;
		}
		snprintf(path, sizeof(path), "mnt/f%d", i);
		fd = CHECK_SYS(open(path, O_WRONLY));
		write_stamped(fd, i, 0, 1);
		close(fd);
		done = i;
	}
	return NULL;
}

/* Private memory of this thread's; nothing else may ever show or change here. */
static void put_own(unsigned int first, unsigned int n, int round)
{
	char *at = spot + first * PAGE;
	volatile struct stamp *s;

	CHECK(mmap(at, n * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	for (unsigned int i = 0; i < n; i++) {
		s = (void *)(at + i * PAGE);
		s->age = round;
		s->page = 0x5eed0000 + first + i;
	}
	for (int again = 0; again < 50; again++) {
		for (unsigned int i = 0; i < n; i++) {
			s = (void *)(at + i * PAGE);
			if (s->age != (uint32_t)round || s->page != 0x5eed0000 + first + i)
				FAIL("round %d: page %u was overwritten", round, first + i);
			s->age2++;
			if (s->age2 != (uint32_t)again + 1)
				FAIL("round %d: page %u lost a write", round, first + i);
		}
	}
}

/*
 * One thread has a file copied up, others fault in the mapping of it and thus
 * move it over, one maps its own memory over all or parts of it at that time.
 * A zero page where private memory was just mapped is no fault.
 */
TEST(openfiles, race_other_mappings)
{
	unsigned int seed = 1;
	pthread_t t[4];

	base();
	spot = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(spot != MAP_FAILED);
	for (uintptr_t i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, i < 2 ? spot_reader : spot_writer,
					(void *)(i + 1)), 0);
	for (int i = 0; go_on(i); i++) {
		map_file(i, spot);
		for (unsigned int j = 0; j < PAGES; j += 8)
			(void)*(volatile char *)(spot + j * PAGE);
		atomic_store(&spot_file, i);
		for (int j = 0; j < 8; j++) {
			unsigned int first = rand_r(&seed) % PAGES;
			unsigned int n = 1 + rand_r(&seed) % (PAGES - first);

			put_own(first, n, i * 8 + j);
			if (j % 2)
				map_file(i, spot);
		}
	}
	atomic_store(&spot_stop, 1);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	munmap(spot, SIZE);
}

/* --- processes --- */

/* Forks, and the children look; while the parent's mapping is moved over. */
TEST(openfiles, race_forks)
{
	char path[32];

	base();
	for (int i = 0; go_on(i); i++) {
		const volatile struct stamp *map = map_file(i, NULL);
		pid_t pid[4];
		int fd;

		for (int j = 0; j < PAGES; j += 3)
			CHECK_EQ(map[j * STAMPS].page, j);
		for (int k = 0; k < 4; k++) {
			pid[k] = CHECK_SYS(fork());
			if (pid[k])
				continue;
			for (int j = 0; j < PAGES; j++)
				if (map[j * STAMPS].page != (uint32_t)j)
					FAIL("wrong page %d", j);
			pid_t inner = CHECK_SYS(fork());

			if (!inner) {
				while (map[0].age != 1)
					sched_yield();
				_exit(0);
			}
			reap(inner);
			while (map[(PAGES - 1) * STAMPS].age != 1)
				sched_yield();
			_exit(0);
		}
		snprintf(path, sizeof(path), "mnt/f%d", i);
		fd = CHECK_SYS(open(path, O_WRONLY));
		for (int j = 0; j < PAGES; j++)
			write_stamped(fd, i, j, 1);
		close(fd);
		for (int k = 0; k < 4; k++)
			reap(pid[k]);
		CHECK_EQ(map[0].age, 1);
		CHECK_SYS(munmap((void *)map, SIZE));
	}
}

static void *mover(void *arg)
{
	const volatile struct stamp **map = arg;

	while (!atomic_load(&sh.stop)) {
		void *to = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		void *p;

		CHECK(to != MAP_FAILED);
		p = mremap((void *)*map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		CHECK(p == to);
		*map = p;
		for (int i = 0; i < PAGES; i += 5)
			if ((*map)[i * STAMPS].page != (uint32_t)i)
				FAIL("wrong page %d", i);
	}
	return NULL;
}

/* Another process reads a mapping that is moved about and moved over. */
TEST(openfiles, race_moves)
{
	static const volatile struct stamp *map;
	char path[32];

	base();
	for (int i = 0; go_on(i); i++) {
		pthread_t t;
		int fd;

		map = map_file(i, NULL);
		CHECK_EQ(map[STAMPS].page, 1);
		atomic_store(&sh.stop, 0);
		CHECK_EQ(pthread_create(&t, NULL, mover, &map), 0);
		snprintf(path, sizeof(path), "mnt/f%d", i);
		fd = CHECK_SYS(open(path, O_WRONLY));
		for (int j = 0; j < PAGES; j++)
			write_stamped(fd, i, j, 1);
		close(fd);
		atomic_store(&sh.stop, 1);
		pthread_join(t, NULL);
		for (int j = 0; j < PAGES; j++)
			CHECK_EQ(map[j * STAMPS].age, 1);
		CHECK_SYS(munmap((void *)map, SIZE));
	}
}

/* Pages that are reclaimed, migrated and read in again at the same time. */
TEST(openfiles, race_reclaim)
{
	pthread_t t[2];
	char path[32];

	base();
	atomic_store(&sh.file, -1);
	for (uintptr_t i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, reader, (void *)(i + 1)), 0);
	for (int i = 0; go_on(i); i++) {
		pid_t pid;
		int fd;

		for (int j = 0; j < PAGES; j++)
			atomic_store(&sh.written[j], 0);
		sh.map = map_file(i, NULL);
		atomic_store(&sh.file, i);
		while (atomic_load(&sh.readers_in) < 2)
			sched_yield();
		pid = CHECK_SYS(fork());
		if (!pid) {
			for (int j = 0; j < 3; j++) {
				int m = open("/proc/sys/vm/compact_memory", O_WRONLY);

				if (m >= 0 && write(m, "1", 1) == 1)
					close(m);
				drop_caches(true);
			}
			_exit(0);
		}
		snprintf(path, sizeof(path), "mnt/f%d", i);
		fd = CHECK_SYS(open(path, O_WRONLY));
		for (uint32_t age = 1; age < 3; age++)
			for (uint32_t j = 0; j < PAGES; j++)
				write_stamped(fd, i, j, age);
		close(fd);
		reap(pid);
		atomic_store(&sh.file, -1);
		while (atomic_load(&sh.readers_in))
			sched_yield();
		CHECK_SYS(munmap((void *)sh.map, SIZE));
	}
	atomic_store(&sh.stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}
