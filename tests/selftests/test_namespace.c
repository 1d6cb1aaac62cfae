// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making and removing names.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

/*
 *	l1/d/low	"low"
 */
static void base(void)
{
	fx_dirs(1);
	mk_dir("l1/d");
	mk_file("l1/d/low", "low");
	fx_mount(1);
}

TEST(namespace, create)
{
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/d/new", O_RDWR | O_CREAT | O_EXCL, 0640));
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_STR(cat_fd(fd), "abc");
	close(fd);
	CHECK_ERR(open("mnt/d/new", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	CHECK_ERR(open("mnt/d/low", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	CHECK_ERR(open("mnt/no/new", O_RDWR | O_CREAT, 0640), ENOENT);
	CHECK_ERR(open("mnt/d/low/new", O_RDWR | O_CREAT, 0640), ENOTDIR);
	CHECK_EQ(stat_of("upper/d/new").st_mode, S_IFREG | 0640);
	CHECK_STR(cat("upper/d/new"), "abc");
	CHECK_STR(ls("mnt/d"), "low new");
}

/* A file that its creator may not write afterwards is writable by this fd. */
TEST(namespace, create_read_only_file_for_writing)
{
	int fd;

	base();
	CHECK_SYS(chmod("mnt/d", 0777));
	AS_USER(1000) {
		fd = CHECK_SYS(open("mnt/d/ro", O_RDWR | O_CREAT | O_EXCL, 0444));
		CHECK_EQ(write(fd, "abc", 3), 3);
		close(fd);
		CHECK_ERR(open("mnt/d/ro", O_RDWR), EACCES);
	}
	CHECK_STR(cat("mnt/d/ro"), "abc");
	CHECK_EQ(stat_of("upper/d/ro").st_uid, 1000);
}

TEST(namespace, mkdir_and_rmdir)
{
	base();
	mk_dirs("mnt/d/a/b/c");
	mk_file("mnt/d/a/b/c/f", "f");
	CHECK_ERR(rmdir("mnt/d/a/b/c"), ENOTEMPTY);
	CHECK_ERR(rmdir("mnt/d"), ENOTEMPTY);
	CHECK_SYS(unlink("mnt/d/a/b/c/f"));
	CHECK_SYS(rmdir("mnt/d/a/b/c"));
	CHECK_SYS(rmdir("mnt/d/a/b"));
	CHECK_SYS(rmdir("mnt/d/a"));
	CHECK_STR(ls("mnt/d"), "low");
	CHECK_STR(ls("upper/d"), "");
}

TEST(namespace, unlink_upper_lower_and_both)
{
	base();
	mk_file("mnt/d/up", "up");
	CHECK_SYS(unlink("mnt/d/up"));
	CHECK_STR(ls("upper/d"), "");
	append_file("mnt/d/low", "+");
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK(is_whiteout("upper/d/low"));
	CHECK_STR(ls("mnt/d"), "");
	CHECK_ERR(unlink("mnt/d/low"), ENOENT);
	mk_file("mnt/d/low", "again");
	CHECK_STR(cat("mnt/d/low"), "again");
	CHECK(!is_whiteout("upper/d/low"));
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_STR(ls("mnt/d"), "");
	CHECK(is_whiteout("upper/d/low"));
}

/* rmdir of a lower directory that was emptied; a new one starts empty. */
TEST(namespace, rmdir_of_lower_directory)
{
	base();
	CHECK_ERR(rmdir("mnt/d"), ENOTEMPTY);
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_SYS(rmdir("mnt/d"));
	CHECK(is_whiteout("upper/d"));
	CHECK_STR(ls("mnt"), "");
	mk_dir("mnt/d");
	CHECK_STR(ls("mnt/d"), "");
	CHECK_ERR(access("mnt/d/low", F_OK), ENOENT);
	CHECK(is_opaque("upper/d"));
	fx_remount();
	CHECK_STR(ls("mnt/d"), "");
}

/* A file, a symlink, a fifo take the place of what was removed. */
TEST(namespace, other_types_over_whiteouts)
{
	base();
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_SYS(symlink("x", "mnt/d/low"));
	CHECK(S_ISLNK(stat_of("mnt/d/low").st_mode));
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_SYS(mknod("mnt/d/low", S_IFIFO | 0600, 0));
	CHECK(S_ISFIFO(stat_of("mnt/d/low").st_mode));
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_SYS(mkdir("mnt/d/low", 0711));
	CHECK_EQ(stat_of("mnt/d/low").st_mode, S_IFDIR | 0711);
	CHECK_SYS(rmdir("mnt/d/low"));
	CHECK_SYS(rmdir("mnt/d"));
	mk_file("mnt/d", "file now");
	CHECK_STR(cat("mnt/d"), "file now");
	fx_remount();
	CHECK_STR(cat("mnt/d"), "file now");
}

TEST(namespace, symlink)
{
	char target[PATH_MAX], buf[PATH_MAX];

	base();
	memset(target, 't', sizeof(target));
	target[1000] = '\0';	/* xfs takes 1023 */
	CHECK_SYS(symlink(target, "mnt/d/long"));
	CHECK_EQ(readlink("mnt/d/long", buf, sizeof(buf)), 1000);
	CHECK(!memcmp(buf, target, 1000));
	CHECK_EQ(stat_of("mnt/d/long").st_size, 1000);
	CHECK_SYS(symlink("low", "mnt/d/l"));
	append_file("mnt/d/l", "+");
	CHECK_STR(cat("mnt/d/low"), "low+");
	CHECK_ERR(symlink("low", "mnt/d/l"), EEXIST);
}

TEST(namespace, mknod)
{
	base();
	CHECK_SYS(mknod("mnt/d/fifo", S_IFIFO | 0604, 0));
	CHECK_EQ(stat_of("upper/d/fifo").st_mode, S_IFIFO | 0604);
	CHECK_SYS(mknod("mnt/d/null", S_IFCHR | 0600, 0x103));
	CHECK_EQ(stat_of("mnt/d/null").st_rdev, 0x103);
	CHECK_SYS(mknod("mnt/d/sock", S_IFSOCK | 0600, 0));
	CHECK_SYS(mknod("mnt/d/reg", S_IFREG | 0600, 0));
	AS_USER(1000)
		CHECK_ERR(mknod("mnt/d/x", S_IFCHR | 0600, 0x103), EACCES);
}

/* overlayfs: a whiteout is its own mark, and nobody makes one by hand.  See inner.*, too. */
TEST(namespace, mknod_of_a_whiteout)
{
	base();
	if (!on_overlay()) {
		CHECK_SYS(mknod("mnt/d/w", S_IFCHR | 0600, 0));
		CHECK_STR(ls("mnt/d"), "low w");
		return;
	}
	CHECK_ERR(mknod("mnt/d/w", S_IFCHR | 0600, 0), EPERM);
	CHECK_STR(ls("mnt/d"), "low");
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_ERR(mknod("mnt/d/low", S_IFCHR, 0), EPERM);
	CHECK_STR(ls("mnt/d"), "");
}

TEST(namespace, link_upper_and_lower)
{
	base();
	mk_file("mnt/up", "up");
	CHECK_SYS(link("mnt/up", "mnt/d/up2"));
	CHECK_EQ(stat_of("mnt/up").st_nlink, 2);
	CHECK_EQ(stat_of("mnt/up").st_ino, stat_of("mnt/d/up2").st_ino);
	CHECK_SYS(link("mnt/d/low", "mnt/low2"));
	CHECK_EQ(stat_of("mnt/low2").st_nlink, 2);
	CHECK_EQ(stat_of("mnt/d/low").st_nlink, 2);
	CHECK_EQ(stat_of("mnt/d/low").st_ino, stat_of("mnt/low2").st_ino);
	append_file("mnt/low2", "+");
	CHECK_STR(cat("mnt/d/low"), "low+");
	CHECK_STR(cat("l1/d/low"), "low");
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_EQ(stat_of("mnt/low2").st_nlink, 1);
	CHECK_STR(cat("mnt/low2"), "low+");
	CHECK_ERR(link("mnt/d", "mnt/d2"), EPERM);
	CHECK_ERR(link("mnt/low2", "mnt/up"), EEXIST);
}

/* A link over a whiteout. */
TEST(namespace, link_over_whiteout)
{
	base();
	mk_file("mnt/up", "up");
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_SYS(link("mnt/up", "mnt/d/low"));
	CHECK_STR(cat("mnt/d/low"), "up");
	CHECK_EQ(stat_of("mnt/up").st_nlink, 2);
	fx_remount();
	CHECK_STR(cat("mnt/d/low"), "up");
	CHECK_EQ(stat_of("mnt/up").st_nlink, 2);
}

/* Links made by name of a file that is open and not yet copied up. */
TEST(namespace, link_of_an_open_lower_file)
{
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/d/low", O_RDWR));
	CHECK_SYS(link("mnt/d/low", "mnt/low2"));
	CHECK_EQ(pwrite(fd, "LOW", 3, 0), 3);
	CHECK_STR(cat("mnt/low2"), "LOW");
	CHECK_STR(cat("mnt/d/low"), "LOW");
	close(fd);
}

TEST(namespace, tmpfile)
{
	struct stat st;
	char path[64];
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/d", O_TMPFILE | O_RDWR, 0640));
	CHECK_EQ(write(fd, "tmp", 3), 3);
	CHECK_SYS(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_STR(ls("mnt/d"), "low");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_SYS(linkat(AT_FDCWD, path, AT_FDCWD, "mnt/d/named",
			 AT_SYMLINK_FOLLOW));
	CHECK_EQ(write(fd, "+", 1), 1);
	close(fd);
	CHECK_STR(cat("mnt/d/named"), "tmp+");
	CHECK_EQ(stat_of("mnt/d/named").st_nlink, 1);
	fd = CHECK_SYS(open("mnt/d", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERR(linkat(AT_FDCWD, path, AT_FDCWD, "mnt/d/x", AT_SYMLINK_FOLLOW),
		  ENOENT);
	close(fd);
	fx_remount();
	CHECK_STR(cat("mnt/d/named"), "tmp+");
	CHECK_STR(ls("upper/d"), "named");
}

TEST(namespace, tmpfile_by_user_in_lower_directory)
{
	struct stat st;
	int fd;

	fx_dirs(1);
	mk_dir("l1/tmp");
	CHECK_SYS(chmod("l1/tmp", 01777));
	fx_mount(1);
	AS_USER(1000) {
		fd = CHECK_SYS(open("mnt/tmp", O_TMPFILE | O_RDWR, 0600));
		CHECK_SYS(fstat(fd, &st));
		CHECK_EQ(st.st_uid, 1000);
		CHECK_EQ(write(fd, "x", 1), 1);
		close(fd);
	}
	CHECK_STR(ls("upper/tmp"), "");
}

TEST(namespace, unix_socket)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = "mnt/d/sock" };
	int srv = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
	int cli = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));

	base();
	CHECK_SYS(bind(srv, (void *)&addr, sizeof(addr)));
	CHECK_SYS(listen(srv, 1));
	CHECK_SYS(connect(cli, (void *)&addr, sizeof(addr)));
	close(cli);
	close(srv);
	CHECK(S_ISSOCK(stat_of("mnt/d/sock").st_mode));
}

/* Unlinked but open: reads, writes and truncates go on. */
TEST(namespace, unlinked_open_file)
{
	struct stat st;
	int fd;

	base();
	mk_file("mnt/d/up", "upper");
	fd = CHECK_SYS(open("mnt/d/up", O_RDWR));
	CHECK_SYS(unlink("mnt/d/up"));
	CHECK_EQ(pwrite(fd, "U", 1, 0), 1);
	CHECK_STR(cat_fd(fd), "Upper");
	CHECK_SYS(ftruncate(fd, 2));
	CHECK_SYS(fchmod(fd, 0600));
	CHECK_SYS(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_size, 2);
	close(fd);
}

/* A removed directory that someone stands in takes nothing new. */
TEST(namespace, nothing_new_in_removed_directory)
{
	int dfd;

	fx_dirs(1);
	mk_dir("l1/e");
	fx_mount(1);
	dfd = CHECK_SYS(open("mnt/e", O_RDONLY | O_DIRECTORY));
	CHECK_SYS(rmdir("mnt/e"));
	CHECK_ERR(openat(dfd, "f", O_CREAT | O_RDWR, 0644), ENOENT);
	CHECK_ERR(mkdirat(dfd, "d", 0755), ENOENT);
	CHECK_STR(ls("mnt"), "");
	close(dfd);
}

/* Times of a directory move with its entries; nlink of files is right. */
TEST(namespace, times_of_directories)
{
	fx_dirs(1);
	mk_dir("l1/d");
	mk_file("l1/d/f", "");
	mk_mtime("l1/d", 1000, 0);
	fx_mount(1);
	CHECK_SYS(chmod("mnt/d/f", 0600));
	CHECK_EQ(stat_of("mnt/d").st_mtime, 1000);
	mk_file("mnt/d/new", "");
	CHECK(stat_of("mnt/d").st_mtime > OLD_BEFORE);
	mk_mtime("mnt/d", 2000, 0);
	CHECK_SYS(unlink("mnt/d/f"));
	CHECK(stat_of("mnt/d").st_mtime > OLD_BEFORE);
	mk_mtime("mnt/d", 3000, 0);
	CHECK_SYS(rename("mnt/d/new", "mnt/d/new2"));
	CHECK(stat_of("mnt/d").st_mtime > OLD_BEFORE);
}

/* The file's change time moves when a link to it is made or removed. */
TEST(namespace, link_changes_ctime)
{
	struct timespec before;

	base();
	mk_file("mnt/f", "");
	before = stat_of("mnt/f").st_ctim;
	for (struct timespec t = before; !memcmp(&before, &t, sizeof(t));
	     t = stat_of("mnt/f").st_ctim) {
		CHECK_SYS(link("mnt/f", "mnt/g"));
		CHECK_SYS(unlink("mnt/g"));
	}
}
