// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whiteouts and opaque marks: written in overlayfs's format, never shown.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"

TEST(whiteout, format_on_disk)
{
	struct stat st;

	fx_dirs(1);
	mk_file("l1/f", "");
	mk_dirs("l1/d/e");
	fx_mount(1);
	CHECK_SYS(unlink("mnt/f"));
	CHECK_SYS(rmdir("mnt/d/e"));
	st = stat_of("upper/f");
	CHECK_EQ(st.st_mode & S_IFMT, S_IFCHR);
	CHECK_EQ(st.st_rdev, makedev(0, 0));
	CHECK(is_whiteout("upper/d/e"));
	mk_dir("mnt/d/e");
	CHECK_STR(xattr_of("upper/d/e", "trusted.overlay.opaque"), "y");
}

/* No whiteout for a name that only the upper has; none in an opaque directory. */
TEST(whiteout, only_where_needed)
{
	fx_dirs(1);
	mk_dir("l1/d");
	mk_file("l1/d/f", "");
	fx_mount(1);
	mk_file("mnt/x", "");
	CHECK_SYS(unlink("mnt/x"));
	mk_dir("mnt/y");
	CHECK_SYS(rmdir("mnt/y"));
	CHECK_STR(ls("upper"), "");
	CHECK_SYS(unlink("mnt/d/f"));
	CHECK_SYS(rmdir("mnt/d"));
	mk_dir("mnt/d");
	mk_file("mnt/d/f", "");
	CHECK_SYS(unlink("mnt/d/f"));
	CHECK_STR(ls("upper/d"), "");
	CHECK_SYS(rmdir("mnt/d"));
	CHECK(is_whiteout("upper/d"));
}

/* A name hidden in a middle layer needs no whiteout and none may show. */
TEST(whiteout, in_middle_layers)
{
	fx_dirs(3);
	mk_whiteout("l1/a");
	mk_file("l2/a", "2");
	mk_file("l3/a", "3");
	mk_file("l1/b", "1");
	mk_whiteout("l2/b");
	mk_dir("l3/b");
	mk_dir("l1/d");
	mk_whiteout("l2/d");
	mk_dir("l3/d");
	mk_file("l3/d/hidden", "");
	fx_mount(3);
	CHECK_STR(ls("mnt"), "b d");
	CHECK_STR(ls("mnt/d"), "");
	CHECK_ERR(access("mnt/d/hidden", F_OK), ENOENT);
	CHECK_ERR(access("mnt/a", F_OK), ENOENT);
	mk_file("mnt/a", "new");
	CHECK_STR(cat("mnt/a"), "new");
	CHECK_SYS(unlink("mnt/a"));
	CHECK_STR(ls("mnt"), "b d");
	fx_remount();
	CHECK_STR(ls("mnt"), "b d");
	CHECK_SYS(rmdir("mnt/d"));
	CHECK_STR(ls("mnt"), "b");
}

/* A directory that holds nothing but whiteouts is empty, and goes. */
TEST(whiteout, directory_of_whiteouts_is_empty)
{
	fx_dirs(3);
	mk_dir("l3/d");
	mk_file("l3/d/a", "");
	mk_file("l3/d/b", "");
	mk_dir("l2/d");
	mk_whiteout("l2/d/a");
	mk_dir("l1/d");
	mk_whiteout("l1/d/stray");
	fx_mount(3);
	CHECK_STR(ls("mnt/d"), "b");
	CHECK_ERR(rmdir("mnt/d"), ENOTEMPTY);
	CHECK_SYS(unlink("mnt/d/b"));
	CHECK_STR(ls("mnt/d"), "");
	CHECK_SYS(rmdir("mnt/d"));
	CHECK(is_whiteout("upper/d"));
	mk_dir("mnt/d");
	CHECK_STR(ls("mnt/d"), "");
}

/* A whole tree is removed, one of the same names made, and removed again. */
TEST(whiteout, tree_removed_and_made_again)
{
	fx_dirs(2);
	mk_dirs("l1/t/a/b");
	mk_file("l1/t/a/b/f", "1");
	mk_dirs("l2/t/a/c");
	mk_file("l2/t/a/c/g", "2");
	fx_mount(2);
	for (int i = 0; i < 2; i++) {
		tree_remove("mnt/t");
		CHECK_STR(ls("mnt"), "");
		CHECK_STR(ls("upper"), "t");
		CHECK(is_whiteout("upper/t"));
		mk_dirs("mnt/t/a/b");
		CHECK_STR(ls("mnt/t/a"), "b");
		CHECK_STR(ls("mnt/t/a/b"), "");
		mk_file("mnt/t/a/b/f", "new");
		fx_remount();
		CHECK_STR(ls("mnt/t/a"), "b");
		CHECK_STR(cat("mnt/t/a/b/f"), "new");
	}
}

/* The marks are the filesystem's: neither listed nor read.  See inner.*, too. */
TEST(whiteout, marks_are_hidden)
{
	static const char *const names[] = {
		"trusted.overlay.opaque", "trusted.overlay.redirect",
		"trusted.overlay.origin", "trusted.overlay.impure",
		"trusted.overlay.whatever",
	};
	char list[1024];
	ssize_t n;

	fx_dirs(1);
	mk_dirs("l1/d");
	mk_file("l1/d/f", "");
	mk_xattr("l1/d", "trusted.overlay.opaque", "y");
	mk_xattr("l1/d", "trusted.mine", "m");
	mk_dir("upper/o");
	mk_opaque("upper/o");
	mk_xattr("upper/o", "user.mine", "m");
	fx_mount(1);
	CHECK_SYS(rename("mnt/d", "mnt/r"));
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "mnt/o" : "mnt/r";

		n = CHECK_SYS(listxattr(path, list, sizeof(list)));
		for (char *p = list; p < list + n; p += strlen(p) + 1)
			if (!strncmp(p, "trusted.overlay.", 16))
				FAIL("%s shows %s", path, p);
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
			CHECK_ERR(getxattr(path, names[j], list, 10), ENODATA);
			CHECK_ERR(removexattr(path, names[j]), ENODATA);
			CHECK_SYS(setxattr(path, names[j], "y", 1, 0));
		}
	}
	CHECK_STR(xattr_of("mnt/r", "trusted.mine"), "m");
	CHECK_STR(xattr_of("mnt/o", "user.mine"), "m");
	CHECK(xattr_of("upper/r", "trusted.overlay.redirect"));
}

/*
 *	l1/a, b, d/c, d/e, both
 * All are names of one device, also what takes the place of a file of the upper.  One
 * that loses its last name is not used again, nor one whose directory goes.
 */
TEST(whiteout, names_of_one_device)
{
	SKIP_ON_OVERLAY("on 6.12 keeps one in the work directory");
	fx_dirs(1);
	mk_file("l1/a", "");
	mk_file("l1/b", "");
	mk_file("l1/both", "");
	mk_dirs("l1/d");
	mk_file("l1/d/c", "");
	mk_file("l1/d/e", "");
	fx_mount(1);
	append_file("mnt/both", "x");
	CHECK_SYS(unlink("mnt/d/c"));
	CHECK_SYS(unlink("mnt/d/e"));
	CHECK_SYS(unlink("mnt/both"));
	CHECK_EQ(stat_of("upper/d/c").st_ino, stat_of("upper/d/e").st_ino);
	CHECK_EQ(stat_of("upper/d/c").st_ino, stat_of("upper/both").st_ino);
	CHECK_EQ(stat_of("upper/both").st_nlink, 3);
	CHECK_SYS(rmdir("mnt/d"));
	CHECK_EQ(stat_of("upper/both").st_nlink, 2);
	mk_file("mnt/both", "new");
	CHECK_EQ(stat_of("upper/d").st_nlink, 1);
	CHECK_SYS(unlink("mnt/a"));
	CHECK_SYS(unlink("mnt/b"));
	CHECK(is_whiteout("upper/a"));
	CHECK_EQ(stat_of("upper/a").st_ino, stat_of("upper/b").st_ino);
	CHECK_EQ(stat_of("upper/a").st_nlink, 2);
	CHECK_STR(ls("mnt"), "both");
	CHECK_STR(ls("work/work"), "");
	fx_remount();
	CHECK_STR(ls("mnt"), "both");
}

/* A size query of listxattr does not count what is hidden. */
TEST(whiteout, listxattr_size)
{
	char list[256];

	fx_dirs(0);
	mk_dir("upper/d");
	mk_opaque("upper/d");
	mk_xattr("upper/d", "user.a", "1");
	fx_mount(1);
	CHECK_EQ(listxattr("mnt/d", NULL, 0), 7);
	CHECK_EQ(listxattr("mnt/d", list, 7), 7);
	CHECK_EQ(listxattr("mnt/d", list, sizeof(list)), 7);
	CHECK_STR(list, "user.a");
	CHECK_ERR(listxattr("mnt/d", list, 3), ERANGE);
}

/* A directory in a layer that has no right to be opaque by another value. */
TEST(whiteout, only_y_is_opaque)
{
	fx_dirs(2);
	mk_dir("l1/d");
	mk_xattr("l1/d", "trusted.overlay.opaque", "n");
	mk_dir("l2/d");
	mk_file("l2/d/f", "");
	fx_mount(2);
	CHECK_STR(ls("mnt/d"), "f");
}

/* Character devices other than 0/0 are files like any other. */
TEST(whiteout, other_devices_are_none)
{
	fx_dirs(1);
	CHECK_SYS(mknod("l1/null", S_IFCHR | 0600, makedev(1, 3)));
	CHECK_SYS(mknod("l1/blk", S_IFBLK | 0600, makedev(0, 0)));
	fx_mount(1);
	CHECK_STR(ls("mnt"), "blk null");
}
