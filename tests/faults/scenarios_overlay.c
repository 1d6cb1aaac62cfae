// SPDX-License-Identifier: GPL-2.0-only
/*
 * An upper that overlayfs has left with metacopy=on: "copied" has attributes of its own
 * there, and its data in the layer, as "big".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenario.h"

static char first[16];

static int read_copied(void)
{
	int fd = open("mnt/copied", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, first, sizeof(first));
	if (n < 0)
		n = -errno;
	close(fd);
	if (n != sizeof(first))
		return n < 0 ? n : -EBADMSG;
	for (int i = 0; i < n; i++)
		if ((unsigned char)first[i] != pattern_byte(WORLD_SEED, i))
			return -EBADMSG;
	return 0;
}

SCENARIO(metacopy_read, "big copied", .op = read_copied, .flags = SCN_READS | SCN_COLD)
CALL(metacopy_chmod, "big copied", chmod("mnt/copied", 0600))
CALL(metacopy_truncate, "big copied", truncate("mnt/copied", 1000))
CALL(metacopy_rename, "big copied", rename("mnt/copied", "mnt/new"))
CALL(metacopy_link, "big copied", link("mnt/copied", "mnt/new"))
CALL(metacopy_unlink, "big copied", unlink("mnt/copied"))

static void open_copied(void)
{
	scn_fd = CHECK_SYS(open("mnt/copied", O_RDWR | O_CLOEXEC));
}

static int write_copied(void)
{
	return pwrite(scn_fd, "changed", 7, 2) == 7 ? 0 : -errno;
}

SCENARIO(metacopy_write, "big copied", .prepare = open_copied, .op = write_copied,
	 .cleanup = cleanup_fd)
