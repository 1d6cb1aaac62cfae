// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel's memory holds. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static void write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, word, strlen(word)) > 0, "write", path);
	close(fd);
}

/* Names and inodes that nothing holds; the disk's blocks stay. */
void caches_drop(void)
{
	sync();
	write_word("/proc/sys/vm/drop_caches", "2");
}

/* Each cache counts a processor's whole slab as used, unless it is given back. */
static void shrink_slabs(void)
{
	static const char all[] = "/sys/kernel/slab";
	DIR *list = opendir(all);
	struct dirent *entry;

	must(list, "list", all);
	while ((entry = readdir(list))) {
		char *path = path_of("%s/%s/shrink", all, entry->d_name);

		if (entry->d_name[0] != '.')
			write_word(path, "1");
		free(path);
	}
	closedir(list);
}

/* Journals hold what they have committed until somebody needs the room. */
static void flush_journal(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	must(fd >= 0, "open", dir);
	if (!ioctl(fd, FIFREEZE, 0))
		must(!ioctl(fd, FITHAW, 0), "thaw", dir);
	close(fd);
}

/**
 * memory_slab - bytes of slab objects in use
 * @dir: on the filesystem below
 *
 * The sum over /proc/slabinfo of objects in use, each with its part of the
 * slab's pages. What is freed after a grace period has been freed, and no
 * processor keeps slabs for itself, so the figure is exact. Free objects in
 * slabs that are used in part don't count: others will use them.
 */
double memory_slab(const char *dir)
{
	FILE *from;
	char line[512];
	double sum = 0;

	flush_journal(dir);
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	shrink_slabs();
	from = fopen("/proc/slabinfo", "re");
	must(from, "open", "/proc/slabinfo");
	while (fgets(line, sizeof(line), from)) {
		unsigned long used, all, size, in_slab, pages;

		if (sscanf(line, "%*s %lu %lu %lu %lu %lu", &used, &all, &size,
			   &in_slab, &pages) == 5)
			sum += (double)used * pages * sysconf(_SC_PAGESIZE) / in_slab;
	}
	fclose(from);
	return sum;
}
