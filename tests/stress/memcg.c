// SPDX-License-Identifier: GPL-2.0-only
/* A memory cgroup that is too small for what is done in it: it reclaims. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../selftests/harness.h"
#include "memcg.h"

#define CG	"/sys/fs/cgroup"
#define LITTLE	CG "/little"

/*
 * Over "high" the kernel reclaims and makes the tasks wait; "max" leaves it
 * room, so that nobody is killed.
 */
#define HIGH	"8M"
#define MAX	"1G"

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

void memcg_make(void)
{
	if (put(CG "/cgroup.subtree_control", "+memory") ||
	    (mkdir(LITTLE, 0755) && errno != EEXIST) ||
	    put(LITTLE "/memory.high", HIGH) || put(LITTLE "/memory.max", MAX))
		test_note("no memory cgroup: %s", strerror(errno));
}

void memcg_enter(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	put(LITTLE "/cgroup.procs", pid);
}

void memcg_report(void)
{
	char buf[1024];
	FILE *f = fopen(LITTLE "/memory.events", "r");

	while (f && fgets(buf, sizeof(buf), f))
		if (!strncmp(buf, "high ", 5) || !strncmp(buf, "oom_kill ", 9)) {
			buf[strcspn(buf, "\n")] = '\0';
			test_note("memory cgroup: %s", buf);
		}
	if (f)
		fclose(f);
}
