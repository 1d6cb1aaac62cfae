// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which layer's object a name stands for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fixture.h"

/*
 *	upper/	a "u"
 *	l1/	a "1"	b "1"
 *	l2/	a "2"	b "2"	c "2"
 */
TEST(lookup, topmost_wins)
{
	fx_dirs(2);
	mk_file("upper/a", "u");
	mk_file("l1/a", "1");
	mk_file("l2/a", "2");
	mk_file("l1/b", "1");
	mk_file("l2/b", "2");
	mk_file("l2/c", "2");
	fx_mount(2);
	CHECK_STR(cat("mnt/a"), "u");
	CHECK_STR(cat("mnt/b"), "1");
	CHECK_STR(cat("mnt/c"), "2");
	CHECK_ERR(open("mnt/d", O_RDONLY), ENOENT);
}

/*
 *	l1/d/x		l2/d/y		l3/d/e/z	upper/d/u
 */
TEST(lookup, directories_merge)
{
	fx_dirs(3);
	mk_dirs("l1/d");
	mk_dirs("l2/d");
	mk_dirs("l3/d/e");
	mk_dirs("upper/d");
	mk_file("l1/d/x", "1");
	mk_file("l2/d/y", "2");
	mk_file("l3/d/e/z", "3");
	mk_file("upper/d/u", "u");
	fx_mount(3);
	CHECK_STR(cat("mnt/d/x"), "1");
	CHECK_STR(cat("mnt/d/y"), "2");
	CHECK_STR(cat("mnt/d/e/z"), "3");
	CHECK_STR(cat("mnt/d/u"), "u");
}

/*
 *	l1/p/	(dir)	l2/p "file"	l3/p/hidden
 *	l1/q "file"	l2/q/hidden
 */
TEST(lookup, file_between_directories_cuts_the_merge)
{
	fx_dirs(3);
	mk_dirs("l1/p");
	mk_file("l1/p/top", "1");
	mk_file("l2/p", "file");
	mk_dirs("l3/p");
	mk_file("l3/p/hidden", "3");
	mk_file("l1/q", "file");
	mk_dirs("l2/q");
	mk_file("l2/q/hidden", "2");
	fx_mount(3);
	CHECK_STR(cat("mnt/p/top"), "1");
	CHECK_ERR(open("mnt/p/hidden", O_RDONLY), ENOENT);
	CHECK_STR(ls("mnt/p"), "top");
	CHECK_STR(cat("mnt/q"), "file");
	CHECK_ERR(open("mnt/q/hidden", O_RDONLY), ENOTDIR);
}

/* A directory's attributes are those of its topmost part. */
TEST(lookup, merged_directory_attributes)
{
	struct stat st;

	fx_dirs(2);
	mk_dir("l1/d");
	mk_dir("l2/d");
	CHECK_SYS(chmod("l1/d", 0711));
	CHECK_SYS(chown("l1/d", 5, 6));
	mk_xattr("l1/d", "user.of", "1");
	mk_xattr("l2/d", "user.of", "2");
	mk_mtime("l1/d", 111, 5);
	fx_mount(2);
	st = stat_of("mnt/d");
	CHECK_EQ(st.st_mode & 07777, 0711);
	CHECK_EQ(st.st_uid, 5);
	CHECK_EQ(st.st_gid, 6);
	CHECK_EQ(st.st_mtim.tv_sec, 111);
	CHECK_EQ(st.st_mtim.tv_nsec, 5);
	CHECK_STR(xattr_of("mnt/d", "user.of"), "1");
}

/* Every kind of object keeps its kind. */
TEST(lookup, all_types)
{
	char target[16] = "";

	fx_dirs(1);
	mk_file("l1/reg", "r");
	mk_dir("l1/dir");
	CHECK_SYS(symlink("reg", "l1/lnk"));
	CHECK_SYS(mknod("l1/fifo", S_IFIFO | 0600, 0));
	CHECK_SYS(mknod("l1/sock", S_IFSOCK | 0600, 0));
	CHECK_SYS(mknod("l1/chr", S_IFCHR | 0600, 0x103));
	CHECK_SYS(mknod("l1/blk", S_IFBLK | 0600, 0x701));
	fx_mount(1);
	CHECK(S_ISREG(stat_of("mnt/reg").st_mode));
	CHECK(S_ISDIR(stat_of("mnt/dir").st_mode));
	CHECK(S_ISLNK(stat_of("mnt/lnk").st_mode));
	CHECK(S_ISFIFO(stat_of("mnt/fifo").st_mode));
	CHECK(S_ISSOCK(stat_of("mnt/sock").st_mode));
	CHECK(S_ISCHR(stat_of("mnt/chr").st_mode));
	CHECK_EQ(stat_of("mnt/chr").st_rdev, 0x103);
	CHECK(S_ISBLK(stat_of("mnt/blk").st_mode));
	CHECK_EQ(stat_of("mnt/blk").st_rdev, 0x701);
	CHECK_EQ(readlink("mnt/lnk", target, sizeof(target)), 3);
	CHECK_STR(target, "reg");
	CHECK_STR(cat("mnt/lnk"), "r");
}

TEST(lookup, device_node_opens_the_device)
{
	char buf[4] = "xxx";
	int fd;

	fx_dirs(1);
	CHECK_SYS(mknod("l1/zero", S_IFCHR | 0600, 0x105));
	CHECK_SYS(mknod("l1/fifo", S_IFIFO | 0600, 0));
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/zero", O_RDWR));
	CHECK_EQ(read(fd, buf, 4), 4);
	CHECK_EQ(buf[0], 0);
	close(fd);
	fd = CHECK_SYS(open("mnt/fifo", O_RDWR | O_NONBLOCK));
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(read(fd, buf, 3), 3);
	CHECK(!memcmp(buf, "abc", 3));
	close(fd);
}

/* A name that was asked for in vain is there once it is made, and the reverse. */
TEST(lookup, negative_entries_do_not_stick)
{
	fx_dirs(2);
	mk_dir("l2/d");
	fx_mount(2);
	for (int i = 0; i < 3; i++) {
		CHECK_ERR(access("mnt/d/f", F_OK), ENOENT);
		mk_file("mnt/d/f", "now");
		CHECK_STR(cat("mnt/d/f"), "now");
		CHECK_SYS(unlink("mnt/d/f"));
	}
	drop_caches(false);
	CHECK_ERR(access("mnt/d/f", F_OK), ENOENT);
}

TEST(lookup, longest_names)
{
	char name[300], path[320];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	fx_dirs(1);
	snprintf(path, sizeof(path), "l1/%s", name);
	mk_file(path, "long");
	fx_mount(1);
	snprintf(path, sizeof(path), "mnt/%s", name);
	CHECK_STR(cat(path), "long");
	append_file(path, "er");
	CHECK_STR(cat(path), "longer");
	CHECK_SYS(unlink(path));
	CHECK_STR(ls("mnt"), "");
	name[255] = 'n';
	name[256] = '\0';
	snprintf(path, sizeof(path), "mnt/%s", name);
	CHECK_ERR(open(path, O_RDONLY), ENAMETOOLONG);
}

/* Deep paths: each level merged from two layers. */
TEST(lookup, deep_paths)
{
	char path[1024] = "l1", path2[1024] = "l2", seen[1024] = "mnt";

	fx_dirs(2);
	for (int i = 0; i < 60; i++) {
		strcat(path, "/dd");
		strcat(path2, "/dd");
		strcat(seen, "/dd");
	}
	mk_dirs(path);
	mk_dirs(path2);
	strcat(path, "/a");
	strcat(path2, "/b");
	mk_file(path, "1");
	mk_file(path2, "2");
	fx_mount(2);
	CHECK_STR(ls(seen), "a b");
	strcat(seen, "/b");
	append_file(seen, "+");
	CHECK_STR(cat(seen), "2+");
}

/* Caches dropped under it, the tree stays what it is. */
TEST(lookup, same_after_drop_caches)
{
	struct listing before, after;

	fx_dirs(3);
	mk_dirs("l1/d/e");
	mk_dirs("l2/d/e");
	mk_dirs("l3/d/e");
	mk_file("l1/d/e/1", "1");
	mk_file("l2/d/e/2", "2");
	mk_file("l3/d/e/3", "3");
	mk_whiteout("l1/d/e/3");
	fx_mount(3);
	append_file("mnt/d/e/2", "+");
	CHECK_EQ(tree_list("mnt", LIST_ALL, &before), 0);
	for (int i = 0; i < 3; i++) {
		drop_caches(i == 2);
		CHECK_EQ(tree_list("mnt", LIST_ALL, &after), 0);
		CHECK(listing_equal(&before, "before", &after, "after", 10));
		listing_free(&after);
	}
}
