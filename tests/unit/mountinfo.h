/* SPDX-License-Identifier: GPL-2.0-only */
/* Mounts that are not there: a mountinfo of our own, in a mount namespace of our own. */
#ifndef LAYERFS_TEST_MOUNTINFO_H
#define LAYERFS_TEST_MOUNTINFO_H

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

/* From now on the process sees @lines as all mounts */
static inline void fake_mountinfo(const char *lines)
{
	char name[] = "/tmp/layerfs-mountinfo-XXXXXX", path[64];
	static int unshared;
	int fd;

	if (geteuid())
		skip();
	if (!unshared++ && (unshare(CLONE_NEWNS) ||
			    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		skip();
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	close(fd);
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)getpid());
	umount2(path, MNT_DETACH);
	assert_int_equal(mount(name, path, NULL, MS_BIND, NULL), 0);
	unlink(name);
}

#endif
