// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy-up: when it happens, what it keeps, what it leaves.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"
#include "fixture.h"
#include "netlink.h"

#define MIB (1024 * 1024)

/*
 *	l1/dir/file	"lower"
 */
static void one_file(void)
{
	fx_dirs(1);
	mk_dir("l1/dir");
	mk_file("l1/dir/file", "lower");
	fx_mount(1);
}

TEST(copyup, open_rdwr_then_close_leaves_upper_untouched)
{
	char buf[8];
	int fd;

	SKIP_ON_OVERLAY("copies up at open(O_RDWR)");
	one_file();
	fd = CHECK_SYS(open("mnt/dir/file", O_RDWR));
	CHECK_EQ(read(fd, buf, sizeof(buf)), 5);
	close(fd);
	close(CHECK_SYS(open("mnt/dir/file", O_WRONLY | O_APPEND)));
	close(CHECK_SYS(open("mnt/dir/file", O_RDWR | O_CREAT, 0600)));
	CHECK_STR(ls("upper"), "");
	CHECK_STR(cat("mnt/dir/file"), "lower");
}

TEST(copyup, first_write_copies_up)
{
	int fd;

	one_file();
	fd = CHECK_SYS(open("mnt/dir/file", O_RDWR));
	CHECK_EQ(pwrite(fd, "L", 1, 0), 1);
	CHECK_STR(cat_fd(fd), "Lower");
	close(fd);
	CHECK_STR(cat("mnt/dir/file"), "Lower");
	CHECK_STR(cat("upper/dir/file"), "Lower");
	CHECK_STR(cat("l1/dir/file"), "lower");
}

TEST(copyup, truncating_open_copies_no_data)
{
	one_file();
	close(CHECK_SYS(open("mnt/dir/file", O_WRONLY | O_TRUNC)));
	CHECK_EQ(stat_of("mnt/dir/file").st_size, 0);
	CHECK_EQ(stat_of("upper/dir/file").st_size, 0);
	CHECK_STR(cat("l1/dir/file"), "lower");
}

/* Nor does one that takes capabilities away: that is one step with the rest. */
TEST(copyup, truncating_open_takes_capabilities_and_copies_no_data)
{
	SKIP_ON_OVERLAY("has no counters");
	fx_dirs(1);
	mk_pattern("l1/file", 500000, 1);
	CHECK_SYS(setxattr("l1/file", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	fx_mount(1);
	CHECK_EQ(getxattr("mnt/file", "security.capability", NULL, 0), CAPS_V2_SIZE);
	close(CHECK_SYS(open("mnt/file", O_WRONLY | O_TRUNC)));
	CHECK_EQ(nl_container("mnt").count[LAYERFS_C_COPYUP_FILES], 1);
	CHECK_EQ(nl_container("mnt").count[LAYERFS_C_COPYUP_BYTES], 0);
	CHECK_ERR(getxattr("mnt/file", "security.capability", NULL, 0), ENODATA);
	CHECK_EQ(stat_of("mnt/file").st_size, 0);
}

/* An fd opened for reading before the copy-up reads the new data. */
TEST(copyup, old_read_only_fd_sees_new_data)
{
	struct stat st;
	int ro, rw;

	one_file();
	ro = CHECK_SYS(open("mnt/dir/file", O_RDONLY));
	CHECK_STR(cat_fd(ro), "lower");
	rw = CHECK_SYS(open("mnt/dir/file", O_RDWR | O_APPEND));
	CHECK_EQ(write(rw, "+upper", 6), 6);
	CHECK_STR(cat_fd(ro), "lower+upper");
	CHECK_SYS(fstat(ro, &st));
	CHECK_EQ(st.st_size, 11);
	CHECK_EQ(lseek(ro, 0, SEEK_END), 11);
	CHECK_SYS(ftruncate(rw, 2));
	CHECK_STR(cat_fd(ro), "lo");
	close(ro);
	close(rw);
}

/* The first write comes after the unlink: data through the fd, no name. */
TEST(copyup, first_write_after_unlink)
{
	struct stat st;
	int fd, ro;

	one_file();
	fd = CHECK_SYS(open("mnt/dir/file", O_RDWR));
	ro = CHECK_SYS(open("mnt/dir/file", O_RDONLY));
	CHECK_SYS(unlink("mnt/dir/file"));
	CHECK_EQ(pwrite(fd, "LOW", 3, 0), 3);
	CHECK_STR(cat_fd(fd), "LOWer");
	CHECK_STR(cat_fd(ro), "LOWer");
	CHECK_SYS(fchmod(fd, 0600));
	CHECK_SYS(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_SYS(fsync(fd));
	CHECK_STR(ls("mnt/dir"), "");
	CHECK_STR(ls("upper/dir"), "file");
	CHECK(is_whiteout("upper/dir/file"));
	mk_file("mnt/dir/file", "new");
	CHECK_STR(cat_fd(fd), "LOWer");
	close(fd);
	close(ro);
	CHECK_STR(cat("mnt/dir/file"), "new");
}

/* The same with the name taken over by a rename. */
TEST(copyup, first_write_after_rename_over)
{
	int fd;

	one_file();
	fd = CHECK_SYS(open("mnt/dir/file", O_RDWR));
	mk_file("mnt/dir/new", "new");
	CHECK_SYS(rename("mnt/dir/new", "mnt/dir/file"));
	CHECK_EQ(pwrite(fd, "LOW", 3, 0), 3);
	CHECK_STR(cat_fd(fd), "LOWer");
	CHECK_STR(cat("mnt/dir/file"), "new");
	close(fd);
}

/* The first write comes after the file and its directory were moved. */
TEST(copyup, first_write_after_rename)
{
	int fd;

	one_file();
	fd = CHECK_SYS(open("mnt/dir/file", O_RDWR));
	CHECK_SYS(rename("mnt/dir", "mnt/moved"));
	CHECK_SYS(rename("mnt/moved/file", "mnt/file"));
	CHECK_EQ(pwrite(fd, "LOW", 3, 0), 3);
	CHECK_STR(cat("mnt/file"), "LOWer");
	close(fd);
	fx_remount();
	CHECK_STR(cat("mnt/file"), "LOWer");
}

/* A directory opened before it was copied up lists and makes what is there. */
TEST(copyup, old_directory_fd)
{
	int dfd;

	one_file();
	dfd = CHECK_SYS(open("mnt/dir", O_RDONLY | O_DIRECTORY));
	mk_file("mnt/dir/new", "new");
	CHECK_SYS(faccessat(dfd, "new", F_OK, 0));
	CHECK_SYS(mkdirat(dfd, "sub", 0755));
	CHECK_SYS(fchmod(dfd, 0700));
	CHECK_SYS(fsync(dfd));
	CHECK_STR(ls("mnt/dir"), "file new sub");
	CHECK_EQ(stat_of("upper/dir").st_mode & 07777, 0700);
	close(dfd);
}

/* What the copy has of the original: all but the change itself. */
static void check_kept(const char *a, const char *b)
{
	struct listing la, lb;
	unsigned int what = LIST_MTIME | LIST_XATTR | LIST_NO_MARKS;

	if (tree_list(a, what, &la) || tree_list(b, what, &lb))
		FAIL("%s", tree_error);
	CHECK(listing_equal(&la, a, &lb, b, 10));
	listing_free(&la);
	listing_free(&lb);
}

/* user::rw- user:7:r-- group::r-- mask::rw- other::--- as the xattr has it */
static const char acl[] =
	"\2\0\0\0" "\1\0\6\0\xff\xff\xff\xff" "\2\0\4\0\7\0\0\0"
	"\4\0\4\0\xff\xff\xff\xff" "\x10\0\6\0\xff\xff\xff\xff"
	"\x20\0\0\0\xff\xff\xff\xff";

static void decorate(const char *path, int mode)
{
	mk_xattr(path, "user.one", "1");
	mk_xattr(path, "trusted.two", "22");
	mk_xattr(path, "security.three", "333");
	CHECK_SYS(lsetxattr(path, "system.posix_acl_access", acl,
			    sizeof(acl) - 1, 0));
	CHECK_SYS(chown(path, 12, 34));
	CHECK_SYS(chmod(path, mode));
	mk_mtime(path, 123456789, 987654321);
}

/* A change of one attribute copies up; the others stay, on the parents too. */
TEST(copyup, keeps_owner_mode_times_xattrs_acls)
{
	fx_dirs(1);
	mk_dir("l1/dir");
	mk_dir("ref");
	mk_dir("ref/dir");
	for (int i = 0; i < 2; i++) {
		mk_file(i ? "ref/dir/file" : "l1/dir/file", "data");
		decorate(i ? "ref/dir/file" : "l1/dir/file", 04751);
		mk_mtime(i ? "ref/dir/file" : "l1/dir/file", 1234, 5678);
		decorate(i ? "ref/dir" : "l1/dir", 02770);
		if (i)
			mk_xattr("ref/dir/file", "user.new", "n");
	}
	fx_mount(1);
	mk_xattr("mnt/dir/file", "user.new", "n");
	check_kept("mnt/dir", "ref/dir");
	fx_remount();
	check_kept("mnt/dir", "ref/dir");
	check_kept("upper/dir/file", "ref/dir/file");
}

TEST(copyup, keeps_access_time)
{
	struct timespec ts[2] = { { 1000, 1 }, { 2000, 2 } };
	struct stat st;

	fx_dirs(1);
	mk_file("l1/file", "data");
	CHECK_SYS(utimensat(AT_FDCWD, "l1/file", ts, 0));
	fx_mount(1);
	CHECK_SYS(chmod("mnt/file", 0600));
	st = stat_of("upper/file");
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(st.st_mtim.tv_sec, 2000);
	CHECK_EQ(st.st_mtim.tv_nsec, 2);
}

TEST(copyup, changes_the_time_of_a_write)
{
	fx_dirs(1);
	mk_file("l1/file", "data");
	mk_mtime("l1/file", 2000, 2);
	fx_mount(1);
	append_file("mnt/file", "+");
	CHECK(stat_of("mnt/file").st_mtime > OLD_BEFORE);
	CHECK(stat_of("mnt/file").st_ctime > OLD_BEFORE);
}

/* Also where the copy has that size already, so that its filesystem sees no change. */
TEST(copyup, changes_the_time_of_a_truncate)
{
	static const off_t sizes[] = { 0, 2, 9 };
	char path[16];

	fx_dirs(1);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "l1/f%d", i);
		mk_file(path, "data");
		mk_mtime(path, 2000, 2);
	}
	fx_mount(1);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "mnt/f%d", i);
		CHECK_SYS(truncate(path, sizes[i]));
		CHECK_EQ(stat_of(path).st_size, sizes[i]);
		CHECK(stat_of(path).st_mtime > OLD_BEFORE);
		CHECK(stat_of(path).st_ctime > OLD_BEFORE);
	}
}

/* A write by someone not root takes suid and sgid and the capabilities away. */
TEST(copyup, write_drops_suid_and_capabilities)
{
	static const char cap[20] = "\1\0\0\2\0\4";

	fx_dirs(1);
	mk_file("l1/file", "data");
	CHECK_SYS(chown("l1/file", 1000, 1000));
	CHECK_SYS(chmod("l1/file", 06777));
	CHECK_SYS(setxattr("l1/file", "security.capability", cap, 20, 0));
	fx_mount(1);
	AS_USER(1001)
		append_file("mnt/file", "+");
	CHECK_EQ(stat_of("mnt/file").st_mode & 07777, 0777);
	CHECK(!xattr_of("mnt/file", "security.capability"));
	CHECK_EQ(stat_of("l1/file").st_mode & 07777, 06777);
}

TEST(copyup, keeps_holes)
{
	int fd;

	SKIP_ON_OVERLAY("fills the rest of each MiB that holds data");
	fx_dirs(1);
	mk_file("l1/file", "");
	fd = CHECK_SYS(open("l1/file", O_RDWR));
	CHECK_EQ(pwrite(fd, "a", 1, 8 * MIB), 1);
	CHECK_EQ(pwrite(fd, "b", 1, 24 * MIB), 1);
	CHECK_SYS(ftruncate(fd, 64 * MIB));
	CHECK_SYS(fsync(fd));
	close(fd);
	fx_mount(1);
	CHECK_SYS(chmod("mnt/file", 0600));
	CHECK_EQ(stat_of("upper/file").st_size, 64 * MIB);
	fd = CHECK_SYS(open("mnt/file", O_RDONLY));
	CHECK_SYS(fsync(fd));
	if (stat_of("upper/file").st_blocks > 2048)
		FAIL("%lld blocks, the lower file has %lld",
		     (long long)stat_of("upper/file").st_blocks,
		     (long long)stat_of("l1/file").st_blocks);
	CHECK_EQ(lseek(fd, 9 * MIB, SEEK_DATA), 24 * MIB);
	CHECK_EQ(lseek(fd, 8 * MIB, SEEK_HOLE), 8 * MIB + 4096);
	close(fd);
}

static void check_pattern(const char *path, size_t size, unsigned int seed)
{
	int fd = CHECK_SYS(open(path, O_RDONLY));
	unsigned char *p;

	CHECK_EQ(stat_of(path).st_size, size);
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < size; i++)
		if (p[i] != pattern_byte(seed, i))
			FAIL("%s: wrong byte at %zu", path, i);
	munmap(p, size);
	close(fd);
}

/* Sizes around the borders of pages and of what one copying call may move. */
TEST(copyup, data_of_any_size)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 65536, 65537,
					MIB - 1, MIB, MIB + 1, 9 * MIB + 77 };
	char path[32];

	fx_dirs(1);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(path, sizeof(path), "l1/f%zu", i);
		mk_pattern(path, sizes[i], i);
	}
	fx_mount(1);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(path, sizeof(path), "mnt/f%zu", i);
		CHECK_SYS(chmod(path, 0600));
		if (!sizes[i])
			continue;
		check_pattern(path, sizes[i], i);
		snprintf(path, sizeof(path), "upper/f%zu", i);
		check_pattern(path, sizes[i], i);
	}
}

/* From another filesystem, where neither clone nor copy_file_range help. */
TEST(copyup, across_filesystems)
{
	fx_dirs(1);
	CHECK_SYS(mount("none", "l1", "tmpfs", 0, NULL));
	mk_pattern("l1/file", 3 * MIB + 5, 9);
	mk_xattr("l1/file", "trusted.x", "y");
	CHECK_SYS(symlink("file", "l1/link"));
	mk_dir("l1/dir");
	fx_mount(1);
	CHECK_SYS(chmod("mnt/file", 0600));
	CHECK_SYS(lchown("mnt/link", 3, 4));
	CHECK_SYS(chmod("mnt/dir", 0700));
	check_pattern("upper/file", 3 * MIB + 5, 9);
	CHECK_STR(xattr_of("upper/file", "trusted.x"), "y");
	CHECK_EQ(stat_of("upper/link").st_gid, 4);
}

/* Every change of attributes copies up, once, and shows. */
TEST(copyup, by_each_change_of_attributes)
{
	struct timespec ts[2] = { { 5, 5 }, { 6, 6 } };
	char path[32];

	fx_dirs(1);
	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "l1/f%d", i);
		mk_file(path, "data");
	}
	mk_xattr("l1/f4", "user.x", "1");
	fx_mount(1);
	CHECK_SYS(chmod("mnt/f0", 0611));
	CHECK_SYS(chown("mnt/f1", 1, 2));
	CHECK_SYS(utimensat(AT_FDCWD, "mnt/f2", ts, 0));
	CHECK_SYS(setxattr("mnt/f3", "user.x", "1", 1, 0));
	CHECK_SYS(removexattr("mnt/f4", "user.x"));
	CHECK_SYS(truncate("mnt/f5", 2));
	CHECK_SYS(link("mnt/f6", "mnt/f7"));
	CHECK_EQ(stat_of("mnt/f0").st_mode & 07777, 0611);
	CHECK_EQ(stat_of("mnt/f1").st_gid, 2);
	CHECK_EQ(stat_of("mnt/f2").st_mtime, 6);
	CHECK_STR(xattr_of("mnt/f3", "user.x"), "1");
	CHECK(!xattr_of("mnt/f4", "user.x"));
	CHECK_STR(cat("mnt/f5"), "da");
	CHECK_STR(cat("mnt/f7"), "data");
	CHECK_EQ(stat_of("mnt/f6").st_nlink, 2);
	CHECK_STR(ls("upper"), "f0 f1 f2 f3 f4 f5 f6 f7");
}

/* A refused or empty change copies nothing up. */
TEST(copyup, not_by_failed_changes)
{
	fx_dirs(1);
	mk_file("l1/file", "data");
	mk_dir("l1/dir");
	fx_mount(1);
	CHECK_ERR(removexattr("mnt/file", "user.none"), ENODATA);
	CHECK_STR(ls("upper"), "");
	if (!on_overlay())
		CHECK_ERR(setxattr("mnt/file", "user.x", "1", 1, XATTR_REPLACE),
			  ENODATA);
	CHECK_STR(ls("upper"), "");
	AS_USER(1000) {
		CHECK_ERR(chmod("mnt/file", 0777), EPERM);
		CHECK_ERR(open("mnt/file", O_RDWR), EACCES);
		CHECK_ERR(truncate("mnt/file", 0), EACCES);
		CHECK_ERR(rename("mnt/file", "mnt/file2"), EACCES);
	}
	CHECK_STR(ls("upper"), "");
	CHECK_ERR(link("mnt/file", "mnt/dir"), EEXIST);
	CHECK_ERR(mkdir("mnt/dir", 0755), EEXIST);
	CHECK_ERR(rmdir("mnt/file"), ENOTDIR);
	CHECK_ERR(unlink("mnt/dir"), EISDIR);
	CHECK_ERR(rename("mnt/file", "mnt/dir"), EISDIR);
	CHECK_ERR(rename("mnt/dir", "mnt/dir/sub"), EINVAL);
	CHECK_STR(ls("upper"), "");
}

/*
 *	l1/a/b/c/file
 * All parents come along, with what they are.
 */
TEST(copyup, parents_come_along)
{
	static const char *const dirs[] = { "l1/a", "l1/a/b", "l1/a/b/c" };
	static const char *const up[] = { "upper/a", "upper/a/b", "upper/a/b/c" };

	fx_dirs(1);
	mk_dirs("l1/a/b/c");
	mk_file("l1/a/b/c/file", "data");
	for (int i = 0; i < 3; i++) {
		CHECK_SYS(chown(dirs[i], 10 + i, 20 + i));
		CHECK_SYS(chmod(dirs[i], 0750 + i));
		mk_mtime(dirs[i], 100 + i, i);
	}
	for (int i = 0; i < 3; i++)
		mk_mtime(dirs[i], 100 + i, i);
	fx_mount(1);
	append_file("mnt/a/b/c/file", "+");
	for (int i = 0; i < 3; i++) {
		struct stat st = stat_of(up[i]);

		CHECK_EQ(st.st_uid, 10 + i);
		CHECK_EQ(st.st_gid, 20 + i);
		CHECK_EQ(st.st_mode & 07777, 0750 + i);
		CHECK_EQ(st.st_mtim.tv_sec, 100 + i);
		CHECK(!is_opaque(up[i]));
	}
	CHECK_STR(ls("upper/a/b/c"), "file");
}

/* Symlinks, fifos and devices are copied up too; by chown, here. */
TEST(copyup, special_files)
{
	char target[16] = "";

	fx_dirs(1);
	CHECK_SYS(symlink("target", "l1/lnk"));
	CHECK_SYS(mknod("l1/fifo", S_IFIFO | 0640, 0));
	CHECK_SYS(mknod("l1/chr", S_IFCHR | 0640, 0x103));
	CHECK_SYS(mknod("l1/sock", S_IFSOCK | 0640, 0));
	mk_mtime("l1/lnk", 77, 7);
	mk_xattr("l1/lnk", "trusted.l", "v");
	fx_mount(1);
	CHECK_SYS(lchown("mnt/lnk", 1, 2));
	CHECK_SYS(lchown("mnt/fifo", 1, 2));
	CHECK_SYS(lchown("mnt/chr", 1, 2));
	CHECK_SYS(lchown("mnt/sock", 1, 2));
	CHECK_EQ(readlink("upper/lnk", target, sizeof(target)), 6);
	CHECK_STR(target, "target");
	CHECK_EQ(stat_of("upper/lnk").st_uid, 1);
	CHECK_EQ(stat_of("upper/lnk").st_mtim.tv_sec, 77);
	CHECK_STR(xattr_of("upper/lnk", "trusted.l"), "v");
	CHECK_EQ(stat_of("upper/fifo").st_mode, S_IFIFO | 0640);
	CHECK_EQ(stat_of("upper/chr").st_rdev, 0x103);
	CHECK_EQ(stat_of("upper/chr").st_mode, S_IFCHR | 0640);
	CHECK_EQ(stat_of("upper/sock").st_mode, S_IFSOCK | 0640);
}

/* Once copied up, further writes go to the same file: no second copy. */
TEST(copyup, once)
{
	ino_t ino;

	one_file();
	append_file("mnt/dir/file", "1");
	ino = stat_of("upper/dir/file").st_ino;
	append_file("mnt/dir/file", "2");
	CHECK_SYS(chmod("mnt/dir/file", 0600));
	CHECK_EQ(stat_of("upper/dir/file").st_ino, ino);
	CHECK_STR(cat("upper/dir/file"), "lower12");
}

#define BIG	((on_slow_kernel() ? 16l : 96l) * MIB)

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Starts a copy-up and, after @delay, kills who does it; was it cut short? */
static bool killed_in_copy_up(double delay)
{
	pid_t pid = CHECK_SYS(fork());
	int status;

	if (!pid) {
		append_file("mnt/file", "+");
		_exit(0);
	}
	usleep(delay * 1e6);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_SYS(waitpid(pid, &status, 0));
	return WIFSIGNALED(status) && !exists("upper/file");
}

/*
 * Interrupted by a fatal signal, copy-up leaves nothing.  A first one, which is
 * let alone, says how long it takes.
 */
TEST_WITH(copyup, killed_leaves_nothing, .timeout = 900)
{
	bool interrupted = false;
	double start, took;
	int fd;

	fx_dirs(1);
	CHECK_SYS(mount("none", "l1", "tmpfs", 0, "size=400m"));
	fd = CHECK_SYS(open("l1/file", O_WRONLY | O_CREAT, 0644));
	for (off_t pos = 0; pos < BIG; pos += 4096)
		CHECK_EQ(pwrite(fd, "x", 1, pos), 1);
	CHECK_SYS(ftruncate(fd, BIG));
	close(fd);
	fx_mount(1);
	start = seconds();
	append_file("mnt/file", "+");
	took = seconds() - start;
	for (int part = 4; !interrupted && part <= 32; part *= 2) {
		fx_umount();
		CHECK_SYS(unlink("upper/file"));
		fx_mount(1);
		interrupted = killed_in_copy_up(took / part);
	}
	if (!interrupted)
		FAIL("a copy-up of %.3f s is not to be interrupted", took);
	CHECK_STR(ls("upper"), "");
	CHECK_STR(ls("work/work"), "");
	CHECK_EQ(stat_of("mnt/file").st_size, BIG);
	append_file("mnt/file", "+");
	CHECK_EQ(stat_of("upper/file").st_size, BIG + 1);
}

/* No room for the copy: the error reaches the writer and nothing stays. */
TEST(copyup, no_space_leaves_nothing)
{
	int fd;

	fx_dirs(1);
	mk_pattern("l1/file", 3 * MIB, 1);
	mk_dir("small");
	CHECK_SYS(mount("none", "small", "tmpfs", 0, "size=1m"));
	mk_dir("small/upper");
	mk_dir("small/work");
	CHECK_SYS(mount("small/upper", "upper", NULL, MS_BIND, NULL));
	struct mnt_opt opts[] = { { "lowerdir", "l1" },
				  { "upperdir", "small/upper" },
				  { "workdir", "small/work" }, {} };
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_ERR(chmod("mnt/file", 0600), ENOSPC);
	fd = open("mnt/file", O_RDWR);
	if (fd >= 0) {
		CHECK_ERR(pwrite(fd, "x", 1, 0), ENOSPC);
		CHECK_ERR((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, 0), ENOSPC);
		close(fd);
	}
	CHECK_STR(ls("small/upper"), "");
	CHECK_STR(ls("small/work/work"), "");
	CHECK_EQ(stat_of("mnt/file").st_mode & 07777, 0644);
	CHECK_EQ(stat_of("mnt/file").st_size, 3 * MIB);
	mk_file("mnt/new", "still writable");
	CHECK_SYS(umount("mnt"));
}

/* After a copy-up a shared read mapping made later, and read(), agree. */
TEST(copyup, mapping_after_copy_up)
{
	char *p;
	int fd;

	one_file();
	append_file("mnt/dir/file", "+");
	fd = CHECK_SYS(open("mnt/dir/file", O_RDWR));
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK(!memcmp(p, "lower+", 6));
	CHECK_EQ(pwrite(fd, "LOW", 3, 0), 3);
	CHECK(!memcmp(p, "LOWer+", 6));
	munmap(p, 4096);
	close(fd);
}

/* A file of two names in a layer: the written one changes, the other stays. */
TEST(copyup, lower_hard_links)
{
	fx_dirs(1);
	mk_file("l1/a", "data");
	CHECK_SYS(link("l1/a", "l1/b"));
	fx_mount(1);
	append_file("mnt/a", "+");
	CHECK_STR(cat("mnt/a"), "data+");
	CHECK_STR(cat("l1/b"), "data");
	fx_remount();
	CHECK_STR(cat("mnt/a"), "data+");
}

/* The object's owner needs no right of his own on upper or work. */
TEST(copyup, by_a_user_without_rights_on_upper)
{
	fx_dirs(1);
	mk_file("l1/file", "data");
	CHECK_SYS(chown("l1/file", 1000, 1000));
	CHECK_SYS(chmod("l1/file", 0600));
	CHECK_SYS(chmod("work", 0700));
	fx_mount(1);
	AS_USER(1000) {
		append_file("mnt/file", "+");
		CHECK_STR(cat("mnt/file"), "data+");
		CHECK_SYS(chmod("mnt/file", 0640));
	}
	CHECK_EQ(stat_of("upper/file").st_uid, 1000);
	CHECK_EQ(stat_of("upper/file").st_mode & 07777, 0640);
}
