// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "harness.h"
#include "kmsg.h"

int kmsg_open(void)
{
	int fd = CHECK_SYS(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));

	CHECK_SYS(lseek(fd, 0, SEEK_END));
	return fd;
}

int kmsg_count(int fd, const char *text, const char *and)
{
	char record[8192];
	int count = 0;
	ssize_t n;

	/* EPIPE: older records were overwritten meanwhile. */
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		if (n < 0)
			continue;
		record[n] = '\0';
		count += strstr(record, text) && strstr(record, and);
	}
	return count;
}
