// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loop devices over files in memory, with a small ext4 each.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "device.h"
#include "fixture.h"
#include "tree.h"

#define SIZE		(16 << 20)

static char name[DEVICES][32];
static int backing[DEVICES];
static char home[PATH_MAX];
static const char *const dir[DEVICES] = { "layers-disk", "upper-disk" };

const char *device_name(int which)
{
	return name[which];
}

static void run(const char *command)
{
	int status = system(command);

	if (status)
		FAIL("%s: status %d", command, status);
}

/*
 * A filesystem for disk @which, made by the first test that wants it so: mkfs takes longer
 * than many a sweep.
 */
static void image(int which, const char *mkfs_options, char *path, size_t room)
{
	char command[1200];
	unsigned int sum = 0;

	for (const char *p = mkfs_options; *p; p++)
		sum = sum * 31 + (unsigned char)*p;
	snprintf(path, room, "%s/disk%d.%x", scratch_dir(), which, sum);
	if (!access(path, F_OK))
		return;
	snprintf(command, sizeof(command),
		 "mkfs.ext4 -q -m 0 -b 4096 -I 256 %s %s.new %dk && mv %s.new %s",
		 mkfs_options, path, SIZE >> 10, path, path);
	run(command);
}

static void fill(int fd, const char *path)
{
	int from = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	off_t at = 0;

	/* Only what mkfs has written. */
	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		off_t end = CHECK_SYS(lseek(from, at, SEEK_HOLE));

		CHECK_SYS(lseek(fd, at, SEEK_SET));
		while (at < end)
			CHECK_SYS(sendfile(fd, from, &at, end - at));
	}
	close(from);
}

static void attach(int which, const char *mkfs_options)
{
	int control = CHECK_SYS(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
	struct loop_config config = { .block_size = 4096 };
	int number = CHECK_SYS(ioctl(control, LOOP_CTL_GET_FREE)), fd, keep;
	char path[64], made[256];

	close(control);
	snprintf(name[which], sizeof(name[which]), "loop%d", number);
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	backing[which] = CHECK_SYS(memfd_create("disk", MFD_CLOEXEC));
	CHECK_SYS(ftruncate(backing[which], SIZE));
	image(which, mkfs_options, made, sizeof(made));
	fill(backing[which], made);
	config.fd = backing[which];
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	fd = CHECK_SYS(open(path, O_RDWR | O_CLOEXEC));
	CHECK_SYS(ioctl(fd, LOOP_CONFIGURE, &config));
	/* A disk that is open for writing does not mount, one not open is gone. */
	keep = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	close(fd);
	mk_dirs(dir[which]);
	CHECK_SYS(mount(path, dir[which], "ext4", 0, NULL));
	close(keep);
}

void devices_start(const char *options)
{
	char link[16], to[64];

	if (access("/dev/loop-control", F_OK))
		test_skip("no loop devices");
	CHECK(getcwd(home, sizeof(home)));
	attach(LAYERS, "");
	attach(UPPER, options);
	CHECK_SYS(chdir(dir[UPPER]));
	for (int i = 1; i <= 8; i++) {
		snprintf(link, sizeof(link), "l%d", i);
		snprintf(to, sizeof(to), "../%s/l%d", dir[LAYERS], i);
		mk_dirs(to);
		CHECK_SYS(symlink(to, link));
	}
}

void devices_cold(void)
{
	char path[64];

	CHECK_SYS(chdir(home));
	for (int i = 0; i < DEVICES; i++) {
		snprintf(path, sizeof(path), "/dev/%.31s", name[i]);
		/* Held open meanwhile: it goes with its last user. */
		int fd = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));

		CHECK_SYS(umount(dir[i]));
		CHECK_SYS(ioctl(fd, BLKFLSBUF, 0));
		CHECK_SYS(mount(path, dir[i], "ext4", 0, NULL));
		close(fd);
	}
	CHECK_SYS(chdir(dir[UPPER]));
}

void devices_end(void)
{
	CHECK_SYS(chdir(home));
	for (int i = 0; i < DEVICES; i++) {
		CHECK_SYS(umount(dir[i]));
		close(backing[i]);
	}
}

void device_fails(int which, bool fails)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%s/make-it-fail", name[which]);
	fd = CHECK_SYS(open(path, O_WRONLY | O_CLOEXEC));
	if (write(fd, fails ? "1" : "0", 1) != 1)
		FAIL("%s: %s", path, strerror(errno));
	close(fd);
}
