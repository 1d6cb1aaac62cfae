// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mounting and unmounting: how many layers, with and without an upper, what is
 * refused because it is in use, what two mounts may share.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"

/*
 *	l<i>/f<i>	"<i>"
 *	l<i>/same	"<i>"
 */
static void mount_many(int n)
{
	int step = n > 64 ? n / 25 : 1;
	char path[64], want[16];

	fx_dirs(n);
	for (int i = 1; i <= n; i++) {
		snprintf(want, sizeof(want), "%d", i);
		snprintf(path, sizeof(path), "l%d/f%d", i, i);
		mk_file(path, want);
		snprintf(path, sizeof(path), "l%d/same", i);
		mk_file(path, want);
	}
	fx_mount(n);
	CHECK_STR(cat("mnt/same"), "1");
	for (int i = n; i >= 1; i -= step) {
		snprintf(want, sizeof(want), "%d", i);
		snprintf(path, sizeof(path), "mnt/f%d", i);
		CHECK_STR(cat(path), want);
	}
}

TEST(mount, one_layer)
{
	mount_many(1);
}

TEST(mount, eight_layers)
{
	mount_many(8);
}

TEST(mount, layers_64)
{
	mount_many(64);
}

TEST(mount, layers_500)
{
	mount_many(500);
}

TEST(mount, without_upper_is_read_only)
{
	fx_dirs(2);
	mk_file("l1/file", "1");
	mk_file("l2/other", "2");
	fx_mount_ro(2);
	CHECK_STR(ls("mnt"), "file other");
	CHECK_ERR(open("mnt/file", O_RDWR), EROFS);
	CHECK_ERR(open("mnt/new", O_RDWR | O_CREAT, 0644), EROFS);
	CHECK_ERR(mkdir("mnt/dir", 0755), EROFS);
	CHECK_ERR(unlink("mnt/file"), EROFS);
	CHECK_ERR(rename("mnt/file", "mnt/file2"), EROFS);
	CHECK_ERR(chmod("mnt/file", 0600), EROFS);
	CHECK_STR(cat("mnt/file"), "1");
}

/* A layer list of absolute paths, and of paths that need escapes. */
TEST(mount, absolute_and_escaped_paths)
{
	char cwd[1024], list[PATH_MAX];
	struct mnt_opt opts[] = { { "lowerdir", list }, { "upperdir", "upper" },
				  { "workdir", "work" }, {} };

	CHECK(getcwd(cwd, sizeof(cwd)));
	fx_dirs(0);
	mk_dir("a:b");
	mk_file("a:b/colon", "1");
	mk_dir("c\\d");
	mk_file("c\\d/backslash", "2");
	snprintf(list, sizeof(list), "%s/a\\:b:%s/c\\\\d", cwd, cwd);
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(ls("mnt"), "backslash colon");
	CHECK_SYS(umount("mnt"));
}

/* The old way in: mount(2) with one string, a comma in a path escaped. */
TEST(mount, by_mount2_with_escaped_comma)
{
	char options[256];

	SKIP_ON_OVERLAY("the options to compare by are not given here");
	fx_dirs(0);
	mk_dir("a,b");
	mk_file("a,b/file", "1");
	mk_dir("c");
	mk_file("c/other", "2");
	snprintf(options, sizeof(options),
		 "lowerdir=a\\,b:c,upperdir=upper,workdir=work");
	CHECK_SYS(mount("none", "mnt", fs_type(), 0, options));
	CHECK_STR(ls("mnt"), "file other");
	CHECK_SYS(umount("mnt"));
}

/* lowerdir+ takes one path as it is, and each call adds one layer below. */
TEST(mount, lowerdir_plus)
{
	struct mnt_opt opts[] = { { "lowerdir+", "a:b" }, { "lowerdir+", "c\\d" },
				  { "lowerdir+", "e" }, { "upperdir", "upper" },
				  { "workdir", "work" }, {} };

	fx_dirs(0);
	mk_dir("a:b");
	mk_file("a:b/same", "1");
	mk_dir("c\\d");
	mk_file("c\\d/same", "2");
	mk_file("c\\d/same2", "2");
	mk_dir("e");
	mk_file("e/same2", "3");
	mk_file("e/last", "3");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(ls("mnt"), "last same same2");
	CHECK_STR(cat("mnt/same"), "1");
	CHECK_STR(cat("mnt/same2"), "2");
	CHECK_SYS(umount("mnt"));
}

TEST(mount, upper_in_use_is_refused)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work2" }, {} };

	SKIP_ON_OVERLAY("only warns with index=off");
	fx_mount(1);
	mk_dir("work2");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(opts, "mnt2"), -EBUSY);
	CHECK(strstr(mount_log, "upperdir"));
	fx_umount();
	CHECK_EQ(fs_mount(opts, "mnt2"), 0);
	CHECK_SYS(umount("mnt2"));
}

TEST(mount, work_in_use_is_refused)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper2" },
				  { "workdir", "work" }, {} };

	SKIP_ON_OVERLAY("only warns with index=off");
	fx_mount(1);
	mk_dir("upper2");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(opts, "mnt2"), -EBUSY);
	CHECK(strstr(mount_log, "workdir"));
}

/* What a refused mount took must be free again. */
TEST(mount, refused_mount_releases_upper)
{
	struct mnt_opt bad[] = { { "lowerdir", "l1:absent" },
				 { "upperdir", "upper" }, { "workdir", "work" },
				 {} };

	fx_dirs(1);
	CHECK_EQ(fs_mount(bad, "mnt"), -ENOENT);
	fx_mount(1);
}

TEST(mount, unmount_while_busy_then_clean)
{
	int fd;

	fx_dirs(1);
	mk_file("l1/file", "1");
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/file", O_RDONLY));
	CHECK_ERR(umount("mnt"), EBUSY);
	CHECK_STR(cat_fd(fd), "1");
	close(fd);
	fx_umount();
	CHECK_STR(ls("mnt"), "");
}

/* An open file survives a lazy unmount. */
TEST(mount, lazy_unmount_keeps_open_file)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work" }, {} };
	int fd;

	fx_dirs(1);
	mk_file("l1/file", "one");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	fd = CHECK_SYS(open("mnt/file", O_RDWR));
	CHECK_SYS(umount2("mnt", MNT_DETACH));
	CHECK_STR(cat_fd(fd), "one");
	CHECK_EQ(pwrite(fd, "two", 3, 0), 3);
	CHECK_STR(cat_fd(fd), "two");
	close(fd);
	CHECK_STR(cat("upper/file"), "two");
}

TEST(mount, data_survives_remount)
{
	fx_dirs(2);
	mk_file("l2/file", "lower");
	fx_mount(2);
	append_file("mnt/file", "+upper");
	mk_dir("mnt/dir");
	mk_file("mnt/dir/new", "new");
	fx_remount();
	CHECK_STR(ls("mnt"), "dir file");
	CHECK_STR(cat("mnt/file"), "lower+upper");
	CHECK_STR(cat("mnt/dir/new"), "new");
}

/* A directory that is mounted as a layer can be below the mount itself. */
TEST(mount, layers_on_another_filesystem)
{
	fx_dirs(1);
	CHECK_SYS(mount("none", "l1", "tmpfs", 0, NULL));
	mk_file("l1/file", "tmpfs");
	fx_mount(1);
	CHECK_STR(cat("mnt/file"), "tmpfs");
	append_file("mnt/file", "+");
	CHECK_STR(cat("upper/file"), "tmpfs+");
}

/* A mount below a layer is not part of it. */
TEST(mount, submounts_of_a_layer_do_not_show)
{
	fx_dirs(1);
	mk_dir("l1/dir");
	mk_file("l1/dir/file", "1");
	fx_mount(1);
	CHECK_SYS(mount("none", "l1/dir", "tmpfs", 0, NULL));
	CHECK_STR(ls("mnt/dir"), "file");
	CHECK_SYS(umount("l1/dir"));
}

/* A container's mount is itself a directory that another one can stack. */
TEST(mount, layerfs_as_a_layer)
{
	struct mnt_opt opts[] = { { "lowerdir", "mnt" }, { "upperdir", "upper2" },
				  { "workdir", "work2" }, {} };

	fx_dirs(2);
	mk_file("l1/a", "1");
	mk_file("l2/b", "2");
	fx_mount(2);
	mk_dir("upper2");
	mk_dir("work2");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(opts, "mnt2"), 0);
	CHECK_STR(ls("mnt2"), "a b");
	append_file("mnt2/b", "+");
	CHECK_STR(cat("mnt2/b"), "2+");
	CHECK_STR(cat("mnt/b"), "2");
	CHECK_STR(cat("upper2/b"), "2+");
	CHECK_SYS(umount("mnt2"));
}

TEST(mount, bind_and_namespace_copies)
{
	fx_dirs(1);
	mk_dir("l1/dir");
	mk_file("l1/dir/file", "1");
	fx_mount(1);
	mk_dir("bind");
	CHECK_SYS(mount("mnt/dir", "bind", NULL, MS_BIND, NULL));
	append_file("bind/file", "+");
	CHECK_STR(cat("mnt/dir/file"), "1+");
	CHECK_SYS(umount("bind"));
}
