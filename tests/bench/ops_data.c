// SPDX-License-Identifier: GPL-2.0-only
/* Data: read, write, map. All of it is in the page cache. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"
#include "tree.h"

#define LOOPS_4K	1000
#define LOOPS_1M	20
#define LOOPS_MAP	5

static char buffer[MEG_BYTES];

static double time_read(const char *path, size_t size, int loops)
{
	int i, fd = open(path, O_RDONLY | O_CLOEXEC);
	double start;

	must(fd >= 0 && pread(fd, buffer, size, 0) == (ssize_t)size, "read", path);
	start = now();
	for (i = 0; i < loops; i++)
		must(pread(fd, buffer, size, 0) == (ssize_t)size, "read", path);
	start = now() - start;
	close(fd);
	return start / loops;
}

static double time_write(const char *path, size_t size, int loops)
{
	int i, fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	double start;

	must(fd >= 0 && pwrite(fd, buffer, size, 0) == (ssize_t)size, "write", path);
	/* Blocks are there, no journal waits. */
	must(!fsync(fd), "fsync", path);
	must(pwrite(fd, buffer, size, 0) == (ssize_t)size, "write", path);
	start = now();
	for (i = 0; i < loops; i++)
		must(pwrite(fd, buffer, size, 0) == (ssize_t)size, "write", path);
	start = now() - start;
	close(fd);
	return start / loops;
}

/* Map a megabyte, touch each of its pages, unmap: per page. */
static double time_map(const char *path, bool write)
{
	int i, fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	int prot = write ? PROT_READ | PROT_WRITE : PROT_READ;
	double start;
	size_t pos;
	int sum = 0;

	must(fd >= 0, "open", path);
	start = now();
	for (i = 0; i < LOOPS_MAP; i++) {
		char *map = mmap(NULL, MEG_BYTES, prot, MAP_SHARED, fd, 0);

		must(map != MAP_FAILED, "map", path);
		for (pos = 0; pos < MEG_BYTES; pos += PAGE_BYTES) {
			if (write)
				map[pos] = 1;
			else
				sum += map[pos];
		}
		munmap(map, MEG_BYTES);
	}
	start = now() - start;
	must(!sum, "wrong content in", path);
	close(fd);
	return start / LOOPS_MAP / (MEG_BYTES / PAGE_BYTES);
}

void op_data(const struct place *at)
{
	char *page = path_of("%s/page", at->root);
	char *meg = path_of("%s/meg", at->root);
	char *own_page = path_of("%s/own-page%d", at->root, at->repeat);
	char *own_meg = path_of("%s/own-meg%d", at->root, at->repeat);
	struct result *to = at->results;

	add(to, OP_READ_4K, time_read(page, PAGE_BYTES, LOOPS_4K));
	add(to, OP_READ_1M, time_read(meg, MEG_BYTES, LOOPS_1M));
	add(to, OP_MMAP_READ, time_map(meg, false));
	add(to, OP_WRITE_4K, time_write(own_page, PAGE_BYTES, LOOPS_4K));
	add(to, OP_WRITE_1M, time_write(own_meg, MEG_BYTES, LOOPS_1M));
	add(to, OP_READ_4K_UPPER, time_read(own_page, PAGE_BYTES, LOOPS_4K));
	add(to, OP_READ_1M_UPPER, time_read(own_meg, MEG_BYTES, LOOPS_1M));
	add(to, OP_MMAP_WRITE, time_map(own_meg, true));
	free(page);
	free(meg);
	free(own_page);
	free(own_meg);
}
