// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that change an object: all begin with a copy-up.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "scenario.h"

int scn_fd = -1;

void cleanup_fd(void)
{
	close(scn_fd);
	scn_fd = -1;
}

static const char acl[] =
	"\2\0\0\0" "\1\0\7\0\xff\xff\xff\xff" "\2\0\5\0\11\0\0\0"
	"\4\0\5\0\xff\xff\xff\xff" "\x10\0\7\0\xff\xff\xff\xff"
	"\x20\0\4\0\xff\xff\xff\xff";

static const struct timespec times[2] = { { 800000000, 1 }, { 800000001, 2 } };

/* Attributes: one of each kind of object, and those in the upper already. */
CALL(chmod, "top up", chmod("mnt/top", 0600), .keeps_ino = "top")
/* ext4 changes mode and ACL in two steps, and fails between them. */
CALL(chmod_acl, "low up", chmod("mnt/low", 0600), .keeps_ino = "low", .flags = SCN_PARTIAL)
CALL(chmod_big, "big", chmod("mnt/big", 0600), .keeps_ino = "big")
CALL(chmod_cold, "top", chmod("mnt/top", 0600), .keeps_ino = "top", .flags = SCN_COLD)
CALL(chmod_dir, "m", chmod("mnt/m", 0700), .keeps_ino = "m")
CALL(chmod_deep, "deep", chmod("mnt/deep/e/f/g", 0600), .keeps_ino = "deep/e/f/g")
CALL(chmod_fifo, "fifo", chmod("mnt/fifo", 0600), .keeps_ino = "fifo")
CALL(chmod_upper, "up", chmod("mnt/up", 0600))
CALL(chmod_root, "low", chmod("mnt", 0700))
CALL(chown_symlink, "sym", lchown("mnt/sym", 7, 7), .keeps_ino = "sym")
CALL(chown_device, "dev", lchown("mnt/dev", 7, 7), .keeps_ino = "dev")
CALL(chmod_twin, "twins", chmod("mnt/twin1", 0600), .keeps_ino = "twin2")
CALL(utimens, "low", utimensat(AT_FDCWD, "mnt/low", times, 0), .keeps_ino = "low")

/* Flags: by FS_IOC_SETFLAGS, as chattr(1) does. */
static int chattr(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = RC(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
	return rc;
}

static int chattr_file(void)
{
	return chattr("mnt/top", FS_NODUMP_FL);
}

static int chattr_dir(void)
{
	return chattr("mnt/m", FS_NODUMP_FL);
}

static int chattr_upper(void)
{
	return chattr("mnt/up", FS_NODUMP_FL);
}

/* Kept by a mark: the upper could not be worked with. */
static int chattr_append(void)
{
	return chattr("mnt/top", FS_APPEND_FL);
}

static void unprotect(void)
{
	chattr("mnt/top", 0);
}

SCENARIO(chattr_file, "top", .op = chattr_file, .keeps_ino = "top")
SCENARIO(chattr_dir, "m", .op = chattr_dir, .keeps_ino = "m")
SCENARIO(chattr_upper, "up", .op = chattr_upper)
SCENARIO(chattr_append, "top", .op = chattr_append, .keeps_ino = "top", .cleanup = unprotect,
	 .flags = SCN_LATE)

/* Extended attributes and ACLs. */
CALL(setxattr, "low", setxattr("mnt/low", "user.new", "value", 5, 0), .keeps_ino = "low")
CALL(setxattr_upper, "up", setxattr("mnt/up", "user.new", "value", 5, 0))
CALL(removexattr, "low", removexattr("mnt/low", "user.one"), .keeps_ino = "low")
CALL(setacl, "top", setxattr("mnt/top", "system.posix_acl_access", acl, sizeof(acl) - 1, 0),
     .keeps_ino = "top")
CALL(setacl_default, "m",
     setxattr("mnt/m", "system.posix_acl_default", acl, sizeof(acl) - 1, 0),
     .keeps_ino = "m")
CALL(removeacl, "low", removexattr("mnt/low", "system.posix_acl_access"), .keeps_ino = "low")

/* Data. */
CALL(truncate, "big", truncate("mnt/big", 1000), .keeps_ino = "big")
CALL(truncate_zero, "big", truncate("mnt/big", 0), .keeps_ino = "big")
CALL(truncate_grow, "low", truncate("mnt/low", 70000), .keeps_ino = "low")
CALL(truncate_upper, "up", truncate("mnt/up", 3))

static void open_rw(const char *path)
{
	scn_fd = CHECK_SYS(open(path, O_RDWR | O_CLOEXEC));
}

static void open_low(void)
{
	open_rw("mnt/low");
}

static void open_big(void)
{
	open_rw("mnt/big");
}

static void open_up(void)
{
	open_rw("mnt/up");
}

static int write_some(void)
{
	static const char text[] = "changed";
	ssize_t n = pwrite(scn_fd, text, sizeof(text) - 1, 2);

	return n < 0 ? -errno : n == sizeof(text) - 1 ? 0 : -EIO;
}

SCENARIO(write_small, "low", .prepare = open_low, .op = write_some, .cleanup = cleanup_fd,
	 .keeps_ino = "low")
SCENARIO(write_big, "big", .prepare = open_big, .op = write_some, .cleanup = cleanup_fd,
	 .keeps_ino = "big")
/* ext4 sets the time before it reads the block to write into. */
SCENARIO(write_upper, "up", .prepare = open_up, .op = write_some, .cleanup = cleanup_fd,
	 .flags = SCN_PARTIAL)

CALL(fallocate, "big", fallocate(scn_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192),
     .prepare = open_big, .cleanup = cleanup_fd, .keeps_ino = "big")
CALL(ftruncate, "low", ftruncate(scn_fd, 5), .prepare = open_low, .cleanup = cleanup_fd,
     .keeps_ino = "low")

static int copy_range(void)
{
	loff_t from = 100, to = 0;
	ssize_t n = copy_file_range(scn_fd, &from, scn_fd, &to, 50, 0);

	return n < 0 ? -errno : n == 50 ? 0 : -EIO;
}

SCENARIO(copy_file_range, "big", .prepare = open_big, .op = copy_range, .cleanup = cleanup_fd,
	 .keeps_ino = "big")

static int open_and_truncate(void)
{
	int fd = open("mnt/low", O_WRONLY | O_TRUNC | O_CLOEXEC);

	return fd < 0 ? -errno : RC(close(fd));
}

SCENARIO(open_trunc, "low", .op = open_and_truncate, .keeps_ino = "low", .flags = SCN_LATE)

/* The copy-up that a writable shared mapping needs. */
static int map_shared(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, scn_fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	p[0] = 'X';
	return RC(munmap(p, 4096));
}

SCENARIO(mmap_shared, "low", .prepare = open_low, .op = map_shared, .cleanup = cleanup_fd,
	 .keeps_ino = "low", .flags = SCN_LATE)

static int write_and_sync(void)
{
	return write_some() ?: RC(fsync(scn_fd));
}

SCENARIO(fsync, "low", .prepare = open_low, .op = write_and_sync, .cleanup = cleanup_fd,
	 .keeps_ino = "low", .flags = SCN_LATE)

/* Unlinked, but open: its copy has no name. */
static void open_unlinked(void)
{
	open_low();
	CHECK_SYS(unlink("mnt/low"));
}

SCENARIO(write_unlinked, "low", .prepare = open_unlinked, .op = write_some, .cleanup = cleanup_fd)

/* Through a name that is gone, while others are there. */
static void open_unlinked_twin(void)
{
	scn_fd = CHECK_SYS(open("mnt/twin1", O_RDWR | O_CLOEXEC));
	CHECK_SYS(unlink("mnt/twin1"));
}

SCENARIO(write_unlinked_twin, "twins", .prepare = open_unlinked_twin, .op = write_some,
	 .cleanup = cleanup_fd, .keeps_ino = "twin2")
