// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that change nothing.  What they return is compared too: an error,
 * or all of it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "netlink.h"
#include "scenario.h"

/* Answered, but wrongly: no error that anybody expects. */
#define WRONG	(-EBADMSG)

static int stat_type(const char *path, mode_t type)
{
	struct stat st;

	return lstat(path, &st) ? -errno : (st.st_mode & S_IFMT) == type ? 0 : WRONG;
}

static int absent(const char *path)
{
	struct stat st;

	if (!lstat(path, &st))
		return WRONG;
	return errno == ENOENT ? 0 : -errno;
}

static int lookup_file(void)
{
	return stat_type("mnt/deep/e/f/g", S_IFREG);
}

static int lookup_merged(void)
{
	return stat_type("mnt/m/sub/y", S_IFREG);
}

static int lookup_upper(void)
{
	return stat_type("mnt/updir/f", S_IFREG);
}

static int lookup_absent(void)
{
	return absent("mnt/m/nothing");
}

static int lookup_whiteout(void)
{
	return absent("mnt/gone") ?: absent("mnt/m/hidden");
}

SCENARIO(lookup_file, "deep", .op = lookup_file, .flags = SCN_READS | SCN_COLD)
SCENARIO(lookup_merged, "m", .op = lookup_merged, .flags = SCN_READS | SCN_COLD)
SCENARIO(lookup_upper, "updir", .op = lookup_upper, .flags = SCN_READS | SCN_COLD)
SCENARIO(lookup_absent, "m", .op = lookup_absent, .flags = SCN_READS | SCN_COLD)
SCENARIO(lookup_whiteout, "gone m", .op = lookup_whiteout, .flags = SCN_READS | SCN_COLD)

/* A merged directory that was moved: found by its redirect. */
static void moved(void)
{
	CHECK_SYS(rename("mnt/m", "mnt/moved"));
	world_umount();
	CHECK(!world_mount(2, ""));
}

static int lookup_redirect(void)
{
	return stat_type("mnt/moved/x2", S_IFREG);
}

SCENARIO(lookup_redirect, "m", .prepare = moved, .op = lookup_redirect, .flags = SCN_COLD)

/* What was copied up keeps its number in another mount. */
static void copied(void)
{
	CHECK_SYS(chmod("mnt/low", 0600));
	world_umount();
	CHECK(!world_mount(2, ""));
}

static int lookup_copied(void)
{
	return stat_type("mnt/low", S_IFREG);
}

SCENARIO(lookup_copied, "low", .prepare = copied, .op = lookup_copied, .keeps_ino = "low",
	 .flags = SCN_COLD)

/* The entries, by getdents, without libc's allocations; -errno or how many. */
static int list(const char *path, bool check_ino)
{
	static char buf[4096] __attribute__((aligned(8)));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n = 0, count = 0, off;
	struct stat st;

	if (fd < 0)
		return -errno;
	while (count >= 0 && (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (off = 0; off < n; count++) {
			struct dirent64 *de = (struct dirent64 *)(buf + off);

			off += de->d_reclen;
			if (!check_ino || de->d_name[0] == '.')
				continue;
			if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW))
				count = -errno;
			else if (st.st_ino != de->d_ino)
				count = WRONG;
			if (count < 0)
				break;
		}
	}
	if (n < 0)
		count = -errno;
	close(fd);
	return count;
}

static int expect(int got, int want)
{
	return got < 0 ? got : got == want ? 0 : WRONG;
}

static int list_merged(void)
{
	return expect(list("mnt/m", false), 5);
}

static int list_root(void)
{
	return expect(list("mnt", false), 7);
}

static int list_hollow(void)
{
	return expect(list("mnt/hollow", false), 2);
}

SCENARIO(readdir_merged, "m", .op = list_merged, .flags = SCN_READS | SCN_COLD)
SCENARIO(readdir_root, "low top up gone both sym", .op = list_root, .flags = SCN_READS | SCN_COLD)
SCENARIO(readdir_hollow, "hollow", .op = list_hollow, .flags = SCN_READS | SCN_COLD)

static int list_inos(void)
{
	return expect(list("mnt", true), 5);
}

SCENARIO(readdir_copied, "low top up", .prepare = copied, .op = list_inos, .keeps_ino = "low")

static int read_all(const char *path, off_t want)
{
	static char buf[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	off_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, len++)
			if (want > 100 && (unsigned char)buf[i] != pattern_byte(WORLD_SEED, len))
				n = -2;
	rc = n == -2 ? WRONG : n < 0 ? -errno : len == want ? 0 : WRONG;
	close(fd);
	return rc;
}

static int read_lower(void)
{
	return read_all("mnt/big", WORLD_BIG);
}

static int read_upper(void)
{
	return read_all("mnt/up", 11);
}

SCENARIO(read_lower, "big", .op = read_lower, .flags = SCN_READS | SCN_COLD)
SCENARIO(read_upper, "up", .op = read_upper, .flags = SCN_READS)

static void open_big(void)
{
	scn_fd = CHECK_SYS(open("mnt/big", O_RDWR | O_CLOEXEC));
}

/* Opened before the copy-up, read after it. */
static void open_then_copied(void)
{
	open_big();
	CHECK_SYS(chmod("mnt/big", 0600));
}

static int read_reopened(void)
{
	unsigned char byte;
	ssize_t n = pread(scn_fd, &byte, 1, 1234);

	return n < 0 ? -errno : n == 1 && byte == pattern_byte(WORLD_SEED, 1234) ? 0 : WRONG;
}

SCENARIO(read_reopened, "big", .prepare = open_then_copied, .op = read_reopened,
	 .cleanup = cleanup_fd, .keeps_ino = "big")

static int map_private(void)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, scn_fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	if ((unsigned char)p[100] != pattern_byte(WORLD_SEED, 100))
		return WRONG;
	return RC(munmap(p, 4096));
}

SCENARIO(mmap_private, "big", .prepare = open_big, .op = map_private, .cleanup = cleanup_fd, .flags = SCN_READS)

static int seek_data(void)
{
	off_t pos = lseek(scn_fd, 0, SEEK_HOLE);

	return pos < 0 ? -errno : pos == WORLD_BIG ? 0 : WRONG;
}

SCENARIO(lseek, "big", .prepare = open_big, .op = seek_data, .cleanup = cleanup_fd, .flags = SCN_READS)

static int send_file(void)
{
	int null = CHECK_SYS(open("/dev/null", O_WRONLY | O_CLOEXEC)), rc;
	off_t pos = 0;
	ssize_t n = sendfile(null, scn_fd, &pos, 10000);

	rc = n < 0 ? -errno : 0;
	close(null);
	return rc;
}

SCENARIO(sendfile, "big", .prepare = open_big, .op = send_file, .cleanup = cleanup_fd, .flags = SCN_READS)

static int fiemap(void)
{
	struct fiemap fm = { .fm_length = ~0ULL };
	int rc = RC(ioctl(scn_fd, FS_IOC_FIEMAP, &fm));

	return rc == -EOPNOTSUPP ? 0 : rc;
}

SCENARIO(fiemap, "big", .prepare = open_big, .op = fiemap, .cleanup = cleanup_fd, .flags = SCN_READS)

static int read_link(void)
{
	char buf[16];
	ssize_t n = readlink("mnt/sym", buf, sizeof(buf));

	return n < 0 ? -errno : n == 3 && !memcmp(buf, "low", 3) ? 0 : WRONG;
}

SCENARIO(readlink, "sym", .op = read_link, .flags = SCN_READS | SCN_COLD)

static int follow_link(void)
{
	return read_all("mnt/sym", 9);
}

SCENARIO(follow_symlink, "low sym", .op = follow_link, .flags = SCN_READS | SCN_COLD)

static int get_xattr(void)
{
	char buf[64];
	ssize_t n = getxattr("mnt/low", "user.one", buf, sizeof(buf));

	return n < 0 ? -errno : n == 1 && buf[0] == '1' ? 0 : WRONG;
}

static int list_xattr(void)
{
	char buf[256];
	ssize_t n = listxattr("mnt/low", buf, sizeof(buf));

	return n < 0 ? -errno : memmem(buf, n, "trusted.two", 12) ? 0 : WRONG;
}

static int get_acl(void)
{
	char buf[256];
	ssize_t n = getxattr("mnt/low", "system.posix_acl_access", buf, sizeof(buf));

	return n < 0 ? -errno : n == 44 ? 0 : WRONG;
}

SCENARIO(getxattr, "low", .op = get_xattr, .flags = SCN_READS | SCN_COLD)
SCENARIO(listxattr, "low", .op = list_xattr, .flags = SCN_READS | SCN_COLD)
SCENARIO(getacl, "low", .op = get_acl, .flags = SCN_READS | SCN_COLD)

/* Permission by ACL, as somebody whom it names or not. */
static int access_acl(void)
{
	int rc;

	CHECK_SYS(setegid(9));
	CHECK_SYS(seteuid(7));
	rc = faccessat(AT_FDCWD, "mnt/low", R_OK, AT_EACCESS) ? -errno : 0;
	CHECK_SYS(seteuid(0));
	CHECK_SYS(setegid(0));
	return rc;
}

SCENARIO(access, "low", .op = access_acl, .flags = SCN_READS | SCN_COLD)

static int stat_fs(void)
{
	struct statfs sfs;

	return statfs("mnt", &sfs) ? -errno : sfs.f_type == LAYERFS_SUPER_MAGIC ? 0 : WRONG;
}

SCENARIO(statfs, "low", .op = stat_fs, .flags = SCN_READS)

#define DUMP(nm, which, rows)						\
	static int do_##nm(void)					\
	{								\
		static const struct nl_req req = { .cmd = which, .flags = NLM_F_DUMP }; \
		static struct nl_row row[16];				\
		int n = nl_request(&req, row, 16); \
									\
		return expect(n, rows);					\
	}								\
	SCENARIO(nm, "low", .op = do_##nm, .flags = SCN_READS)

DUMP(dump_layers, LAYERFS_CMD_GET_LAYER, 2)
DUMP(dump_images, LAYERFS_CMD_GET_IMAGE, 1)
DUMP(dump_stacks, LAYERFS_CMD_GET_STACK, 2)
DUMP(dump_containers, LAYERFS_CMD_GET_CONTAINER, 1)
