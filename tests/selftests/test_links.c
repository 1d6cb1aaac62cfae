// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links of one inode within a layer are links in the container: one object before
 * and after a copy-up, whichever of its names were looked up.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"

/*
 *	l1/a, l1/b, l1/d/c	links of one inode, "x"
 *	l1/other		"o"
 */
static void three_links(void)
{
	SKIP_ON_OVERLAY("needs index=on for it");
	fx_dirs(1);
	mk_dir("l1/d");
	mk_file("l1/a", "x");
	CHECK_SYS(link("l1/a", "l1/b"));
	CHECK_SYS(link("l1/a", "l1/d/c"));
	mk_file("l1/other", "o");
	fx_mount(1);
}

/* Copies, and records, in the index. */
static int in_index(bool records)
{
	struct dirent *de;
	DIR *d = opendir("work/links");
	int n = 0;

	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.')
			n += !!strstr(de->d_name, ".names") == records;
	if (d)
		closedir(d);
	return n;
}

/* After the mount has looked at it: nothing left but what is needed. */
static void check_index(int copies, int records)
{
	CHECK_EQ(in_index(false), copies);
	CHECK_EQ(in_index(true), records);
}

static void check_nlink(const char *path, int n)
{
	struct stat st = stat_of(path);

	if (st.st_nlink != (nlink_t)n)
		FAIL("%s has %lu links, not %d", path, (unsigned long)st.st_nlink, n);
}

static void drop(void)
{
	drop_caches(false);
}

static void nothing(void)
{
}

/* What lies between a change and a look at it, from nothing to a new mount. */
static void (*const between[])(void) = { nothing, drop, fx_remount };

#define EACH(i) (int i = 0; i < 3; i++)

TEST(links, one_object_before_any_change)
{
	struct stat a, b;
	int fd, fd2;

	three_links();
	a = stat_of("mnt/a");
	b = stat_of("mnt/d/c");
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(a.st_nlink, 3);
	CHECK_EQ(b.st_nlink, 3);
	fd = CHECK_SYS(open("mnt/a", O_RDONLY));
	fd2 = CHECK_SYS(open("mnt/d/c", O_RDONLY));
	CHECK_SYS(flock(fd, LOCK_EX));
	CHECK_ERR(flock(fd2, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	close(fd);
	close(fd2);
	CHECK_STR(ls("upper"), "");
	CHECK_STR(ls("work"), "work");
}

/* One name is written to, the others show it, though nobody had looked at them. */
TEST(links, write_seen_by_names_never_looked_up)
{
	ino_t ino;

	three_links();
	append_file("mnt/a", "y");
	ino = stat_of("mnt/a").st_ino;
	for EACH(i) {
		between[i]();
		CHECK_STR(cat("mnt/d/c"), "xy");
		CHECK_STR(cat("mnt/b"), "xy");
		CHECK_STR(cat("mnt/a"), "xy");
		CHECK_EQ(stat_of("mnt/d/c").st_ino, ino);
		CHECK_EQ(stat_of("mnt/b").st_ino, ino);
		CHECK_EQ(stat_of("mnt/a").st_ino, ino);
		check_nlink("mnt/b", 3);
	}
	CHECK_EQ(stat_of("l1/a").st_ino, ino);
	CHECK_STR(cat("upper/a"), "xy");
	CHECK(!exists("upper/b"));
	check_index(1, 1);
}

/* The same the other way round: all of them looked at and open before. */
TEST(links, write_seen_by_names_looked_up_before)
{
	int fd[3], fd2;

	three_links();
	fd[0] = CHECK_SYS(open("mnt/a", O_RDONLY));
	fd[1] = CHECK_SYS(open("mnt/b", O_RDWR));
	fd[2] = CHECK_SYS(open("mnt/d/c", O_RDONLY));
	CHECK_EQ(pwrite(fd[1], "Xy", 2, 0), 2);
	fd2 = CHECK_SYS(open("mnt/d/c", O_RDWR | O_APPEND));
	CHECK_EQ(write(fd2, "z", 1), 1);
	close(fd2);
	for (int i = 0; i < 3; i++) {
		CHECK_STR(cat_fd(fd[i]), "Xyz");
		close(fd[i]);
	}
	CHECK_STR(cat("mnt/a"), "Xyz");
}

/* Each written in turn, with everything forgotten between. */
TEST(links, each_name_written_in_turn)
{
	three_links();
	append_file("mnt/d/c", "1");
	for EACH(i) {
		between[i]();
		append_file("mnt/a", "2");
		between[i]();
		append_file("mnt/b", "3");
	}
	CHECK_STR(cat("mnt/d/c"), "x1232323");
	CHECK_STR(cat("mnt/a"), "x1232323");
}

TEST(links, attributes_are_shared)
{
	three_links();
	CHECK_SYS(chmod("mnt/a", 0600));
	CHECK_SYS(setxattr("mnt/b", "user.k", "v", 1, 0));
	CHECK_SYS(chown("mnt/d/c", 3, 4));
	CHECK_SYS(truncate("mnt/a", 0));
	for EACH(i) {
		between[i]();
		CHECK_EQ(stat_of("mnt/b").st_mode & 07777, 0600);
		CHECK_STR(xattr_of("mnt/d/c", "user.k"), "v");
		CHECK_EQ(stat_of("mnt/a").st_uid, 3);
		CHECK_EQ(stat_of("mnt/d/c").st_size, 0);
	}
}

/* Names are removed before anything is copied: no data is, and the count is kept. */
TEST(links, nlink_after_unlink_before_copy_up)
{
	three_links();
	CHECK_SYS(unlink("mnt/b"));
	for EACH(i) {
		between[i]();
		check_nlink("mnt/a", 2);
		check_nlink("mnt/d/c", 2);
		CHECK(!exists("mnt/b"));
	}
	check_index(0, 1);
	append_file("mnt/d/c", "y");
	for EACH(i) {
		between[i]();
		check_nlink("mnt/a", 2);
		CHECK_STR(cat("mnt/a"), "xy");
	}
	CHECK_SYS(unlink("mnt/a"));
	for EACH(i) {
		between[i]();
		check_nlink("mnt/d/c", 1);
		CHECK_STR(cat("mnt/d/c"), "xy");
	}
	CHECK_SYS(unlink("mnt/d/c"));
	check_index(0, 0);
	fx_remount();
	CHECK(!exists("work/links"));
	CHECK(!exists("work/work/incompat"));
	CHECK_STR(ls("mnt"), "d other");
	CHECK_STR(ls("mnt/d"), "");
}

TEST(links, all_unlinked_without_copy_up)
{
	three_links();
	CHECK_SYS(unlink("mnt/b"));
	CHECK_SYS(unlink("mnt/a"));
	for EACH(i) {
		between[i]();
		check_nlink("mnt/d/c", 1);
	}
	CHECK_SYS(unlink("mnt/d/c"));
	check_index(0, 0);
	CHECK_STR(ls("mnt"), "d other");
}

/* Links made and removed after the copy-up, of names of every kind. */
TEST(links, nlink_after_link_and_unlink)
{
	three_links();
	CHECK_SYS(link("mnt/d/c", "mnt/new"));
	for EACH(i) {
		between[i]();
		check_nlink("mnt/a", 4);
		check_nlink("mnt/new", 4);
		CHECK_EQ(stat_of("mnt/new").st_ino, stat_of("mnt/a").st_ino);
	}
	append_file("mnt/new", "y");
	CHECK_STR(cat("mnt/b"), "xy");
	CHECK_SYS(unlink("mnt/b"));		/* of the image only */
	check_nlink("mnt/a", 3);
	CHECK_SYS(unlink("mnt/d/c"));		/* of both */
	check_nlink("mnt/a", 2);
	CHECK_SYS(link("mnt/a", "mnt/b"));	/* over a whiteout */
	for EACH(i) {
		between[i]();
		check_nlink("mnt/a", 3);
		check_nlink("mnt/b", 3);
		CHECK_STR(cat("mnt/b"), "xy");
	}
	CHECK_SYS(unlink("mnt/a"));
	CHECK_SYS(unlink("mnt/b"));
	for EACH(i) {
		between[i]();
		check_nlink("mnt/new", 1);
		CHECK_STR(cat("mnt/new"), "xy");
	}
	CHECK_SYS(unlink("mnt/new"));		/* of the upper only */
	check_index(0, 0);
}

/* A file of one name that gets more of them has nothing to do with the index. */
TEST(links, a_single_name_needs_no_index)
{
	three_links();
	append_file("mnt/other", "!");
	CHECK_SYS(link("mnt/other", "mnt/another"));
	check_nlink("mnt/other", 2);
	CHECK_STR(ls("work"), "work");
	append_file("mnt/a", "y");
	drop();
	check_nlink("mnt/another", 2);
	CHECK_SYS(unlink("mnt/other"));
	check_nlink("mnt/another", 1);
	check_index(1, 1);
}

TEST(links, rename_of_a_name_that_only_the_image_has)
{
	ino_t ino;

	three_links();
	ino = stat_of("mnt/a").st_ino;
	append_file("mnt/a", "y");
	CHECK_SYS(rename("mnt/d/c", "mnt/moved"));
	for EACH(i) {
		between[i]();
		CHECK_STR(ls("mnt"), "a b d moved other");
		CHECK_STR(ls("mnt/d"), "");
		CHECK_EQ(stat_of("mnt/moved").st_ino, ino);
		check_nlink("mnt/moved", 3);
		check_nlink("mnt/b", 3);
		CHECK_STR(cat("mnt/moved"), "xy");
	}
	append_file("mnt/moved", "z");
	fx_remount();
	CHECK_STR(cat("mnt/b"), "xyz");
	CHECK_SYS(unlink("mnt/a"));
	CHECK_SYS(unlink("mnt/b"));
	check_nlink("mnt/moved", 1);
	CHECK_SYS(unlink("mnt/moved"));
	check_index(0, 0);
}

TEST(links, rename_copies_up)
{
	three_links();
	CHECK_SYS(rename("mnt/b", "mnt/moved"));
	for EACH(i) {
		between[i]();
		check_nlink("mnt/a", 3);
		CHECK_EQ(stat_of("mnt/moved").st_ino, stat_of("mnt/d/c").st_ino);
	}
	append_file("mnt/d/c", "y");
	CHECK_STR(cat("mnt/moved"), "xy");
	CHECK_STR(cat("mnt/a"), "xy");
}

/* Two names of one object: nothing happens, both stay. */
TEST(links, rename_onto_another_name)
{
	three_links();
	CHECK_SYS(rename("mnt/a", "mnt/b"));
	CHECK_SYS(renameat2(AT_FDCWD, "mnt/a", AT_FDCWD, "mnt/d/c", RENAME_EXCHANGE));
	CHECK_STR(ls("mnt"), "a b d other");
	check_nlink("mnt/a", 3);
	append_file("mnt/a", "y");
	CHECK_SYS(rename("mnt/b", "mnt/a"));
	CHECK_STR(ls("mnt"), "a b d other");
	check_nlink("mnt/a", 3);
}

/* A name is overwritten: before the copy-up, after it, in the upper or not. */
TEST(links, rename_over_a_name)
{
	three_links();
	mk_file("mnt/n1", "1");
	mk_file("mnt/n2", "2");
	CHECK_SYS(rename("mnt/n1", "mnt/b"));
	for EACH(i) {
		between[i]();
		check_nlink("mnt/a", 2);
		CHECK_STR(cat("mnt/b"), "1");
		CHECK_STR(cat("mnt/a"), "x");
	}
	append_file("mnt/a", "y");
	CHECK_SYS(rename("mnt/n2", "mnt/d/c"));
	for EACH(i) {
		between[i]();
		check_nlink("mnt/a", 1);
		CHECK_STR(cat("mnt/a"), "xy");
		CHECK_STR(cat("mnt/d/c"), "2");
	}
	CHECK_SYS(rename("mnt/other", "mnt/a"));
	CHECK_STR(cat("mnt/a"), "o");
	check_index(0, 0);
}

TEST(links, exchange_with_another_file)
{
	three_links();
	append_file("mnt/a", "y");
	CHECK_SYS(renameat2(AT_FDCWD, "mnt/other", AT_FDCWD, "mnt/d/c", RENAME_EXCHANGE));
	for EACH(i) {
		between[i]();
		CHECK_STR(cat("mnt/other"), "xy");
		CHECK_STR(cat("mnt/d/c"), "o");
		CHECK_STR(cat("mnt/b"), "xy");
		check_nlink("mnt/other", 3);
		check_nlink("mnt/d/c", 1);
	}
}

/* The directory of a name moves, before the name itself is changed. */
TEST(links, directory_of_a_name_moves)
{
	three_links();
	append_file("mnt/a", "y");
	CHECK_SYS(rename("mnt/d", "mnt/e"));
	for EACH(i) {
		between[i]();
		CHECK_STR(cat("mnt/e/c"), "xy");
		check_nlink("mnt/e/c", 3);
	}
	append_file("mnt/e/c", "z");
	CHECK_SYS(rename("mnt/e/c", "mnt/c"));
	CHECK_STR(cat("mnt/b"), "xyz");
	check_nlink("mnt/c", 3);
}

/* Unlinked while open, the others still there: a change is theirs, too. */
TEST(links, write_through_an_unlinked_name)
{
	struct stat st;
	int fd;

	three_links();
	fd = CHECK_SYS(open("mnt/d/c", O_RDWR));
	CHECK_SYS(unlink("mnt/d/c"));
	CHECK_SYS(rmdir("mnt/d"));
	CHECK_EQ(pwrite(fd, "XY", 2, 0), 2);
	CHECK_SYS(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 2);
	for (int i = 0; i < 2; i++) {
		between[i]();
		CHECK_STR(cat("mnt/a"), "XY");
		check_nlink("mnt/b", 2);
	}
	CHECK_STR(ls("mnt"), "a b other");
	close(fd);
	fx_remount();
	CHECK_STR(cat("mnt/a"), "XY");
	check_nlink("mnt/b", 2);
}

/* The name was taken by another file since: that one stays what it is. */
TEST(links, write_through_a_name_replaced_since)
{
	int fd;

	three_links();
	fd = CHECK_SYS(open("mnt/a", O_RDWR));
	CHECK_SYS(rename("mnt/other", "mnt/a"));
	CHECK_EQ(pwrite(fd, "y", 1, 1), 1);
	CHECK_STR(cat_fd(fd), "xy");
	close(fd);
	for EACH(i) {
		between[i]();
		CHECK_STR(cat("mnt/a"), "o");
		CHECK_STR(cat("mnt/b"), "xy");
		check_nlink("mnt/d/c", 2);
	}
}

/* All names are gone: what is written then goes with the last descriptor. */
TEST(links, open_when_the_last_name_goes)
{
	struct stat st;
	int fd, fd2;

	three_links();
	fd = CHECK_SYS(open("mnt/a", O_RDWR));
	CHECK_SYS(unlink("mnt/a"));
	CHECK_SYS(unlink("mnt/b"));
	CHECK_SYS(unlink("mnt/d/c"));
	CHECK_SYS(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(pwrite(fd, "y", 1, 1), 1);
	CHECK_STR(cat_fd(fd), "xy");
	CHECK_SYS(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	check_index(0, 0);
	close(fd);

	append_file("mnt/other", "!");
	fx_umount();
	CHECK_SYS(unlink("upper/a"));
	CHECK_SYS(unlink("upper/b"));
	CHECK_SYS(unlink("upper/d/c"));
	fx_mount(1);
	append_file("mnt/b", "y");
	fd2 = CHECK_SYS(open("mnt/a", O_RDWR));
	CHECK_SYS(unlink("mnt/a"));
	CHECK_SYS(unlink("mnt/b"));
	CHECK_SYS(unlink("mnt/d/c"));
	check_index(0, 0);
	CHECK_SYS(fstat(fd2, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(pwrite(fd2, "z", 1, 2), 1);
	CHECK_STR(cat_fd(fd2), "xyz");
	close(fd2);
	CHECK_STR(ls("mnt"), "d other");
}

/* Links that are no regular files. */
TEST(links, of_every_type)
{
	SKIP_ON_OVERLAY("needs index=on for it");
	fx_dirs(1);
	CHECK_SYS(symlink("t", "l1/s1"));
	CHECK_SYS(link("l1/s1", "l1/s2"));
	CHECK_SYS(mkfifo("l1/p1", 0600));
	CHECK_SYS(link("l1/p1", "l1/p2"));
	fx_mount(1);
	CHECK_SYS(lchown("mnt/s1", 7, 7));
	CHECK_SYS(chmod("mnt/p2", 0640));
	for EACH(i) {
		between[i]();
		CHECK_EQ(stat_of("mnt/s2").st_uid, 7);
		check_nlink("mnt/s2", 2);
		CHECK_EQ(stat_of("mnt/p1").st_mode & 07777, 0640);
		check_nlink("mnt/p1", 2);
	}
	CHECK_SYS(unlink("mnt/s1"));
	check_nlink("mnt/s2", 1);
}

static void check_d_ino(const char *dir)
{
	char path[512];
	struct dirent *de;
	DIR *d = opendir(dir);

	CHECK(d);
	while ((de = readdir(d))) {
		if (!strcmp(de->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		CHECK_EQ(de->d_ino, stat_of(path).st_ino);
	}
	closedir(d);
}

TEST(links, readdir_agrees_with_stat)
{
	three_links();
	check_d_ino("mnt");
	append_file("mnt/d/c", "y");
	CHECK_SYS(link("mnt/a", "mnt/d/e"));
	CHECK_SYS(rename("mnt/b", "mnt/d/f"));
	for EACH(i) {
		between[i]();
		check_d_ino("mnt");
		check_d_ino("mnt/d");
	}
}

/*
 *	l1/b		whiteout
 *	l2/a, l2/b	links of one inode
 * A name that nobody can see counts, as nobody can know.
 */
TEST(links, sibling_hidden_by_an_upper_layer)
{
	SKIP_ON_OVERLAY("needs index=on for it");
	fx_dirs(2);
	mk_whiteout("l1/b");
	mk_file("l2/a", "x");
	CHECK_SYS(link("l2/a", "l2/b"));
	fx_mount(2);
	append_file("mnt/a", "y");
	for EACH(i) {
		between[i]();
		CHECK_STR(ls("mnt"), "a");
		CHECK_STR(cat("mnt/a"), "xy");
		check_nlink("mnt/a", 2);
	}
	CHECK_SYS(unlink("mnt/a"));
	mk_file("mnt/b", "new");
	fx_remount();
	CHECK_STR(ls("mnt"), "b");
	CHECK_STR(cat("mnt/b"), "new");
}

/*
 *	l1/a, l1/b	links of one inode, "1"
 *	l2/c, l2/d	links of another one, "2"
 *	l2/e		a link of the first one, too
 */
TEST(links, across_layers)
{
	SKIP_ON_OVERLAY("needs index=on for it");
	fx_dirs(2);
	mk_file("l1/a", "1");
	CHECK_SYS(link("l1/a", "l1/b"));
	mk_file("l2/c", "2");
	CHECK_SYS(link("l2/c", "l2/d"));
	CHECK_SYS(link("l1/a", "l2/e"));
	fx_mount(2);
	append_file("mnt/a", "+");
	append_file("mnt/d", "-");
	for EACH(i) {
		between[i]();
		CHECK_STR(cat("mnt/b"), "1+");
		CHECK_STR(cat("mnt/e"), "1+");
		CHECK_STR(cat("mnt/c"), "2-");
		CHECK(stat_of("mnt/a").st_ino != stat_of("mnt/c").st_ino);
		check_nlink("mnt/e", 3);
		check_nlink("mnt/c", 2);
	}
	check_index(2, 2);
}

/*
 *	t/l1/a, t/l2/b	links of one inode, setuid; l1 is seen through a mount with
 *			nosuid
 * What may not be setuid in one place does not become so by a copy made of the other.
 */
TEST(links, across_a_nosuid_mount)
{
	SKIP_ON_OVERLAY("needs index=on for it");
	fx_dirs(2);
	mk_dirs("t/l1");
	mk_dirs("t/l2");
	mk_file("t/l1/a", "x");
	CHECK_SYS(chmod("t/l1/a", 04755));
	CHECK_SYS(link("t/l1/a", "t/l2/b"));
	CHECK_SYS(mount("t/l1", "l1", NULL, MS_BIND, NULL));
	CHECK_SYS(mount(NULL, "l1", NULL, MS_BIND | MS_REMOUNT | MS_NOSUID, NULL));
	CHECK_SYS(mount("t/l2", "l2", NULL, MS_BIND, NULL));
	fx_mount(2);
	for (int round = 0; round < 2; round++) {
		for EACH(i) {
			between[i]();
			CHECK_EQ(stat_of("mnt/b").st_mode & 07777, 04755);
			CHECK_EQ(stat_of("mnt/a").st_mode & 07777, 0755);
		}
		if (!round)
			CHECK_SYS(setxattr("mnt/b", "user.k", "v", 1, 0));
	}
	CHECK(!xattr_of("mnt/a", "user.k"));
}

/* Two containers of one image have nothing to do with each other. */
TEST(links, two_containers)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper2" },
				  { "workdir", "work2" }, {} };

	three_links();
	mk_dir("upper2");
	mk_dir("work2");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(opts, "mnt2"), 0);
	append_file("mnt/a", "y");
	CHECK_SYS(unlink("mnt2/b"));
	CHECK_STR(cat("mnt2/a"), "x");
	check_nlink("mnt2/a", 2);
	check_nlink("mnt/a", 3);
	CHECK_STR(cat("mnt/b"), "xy");
	CHECK_SYS(umount("mnt2"));
}

/* A read-only mount, without an upper, has the links of the layer. */
TEST(links, without_an_upper)
{
	SKIP_ON_OVERLAY("needs index=on for it");
	fx_dirs(1);
	mk_file("l1/a", "x");
	CHECK_SYS(link("l1/a", "l1/b"));
	fx_mount_ro(1);
	check_nlink("mnt/b", 2);
	CHECK_EQ(stat_of("mnt/a").st_ino, stat_of("mnt/b").st_ino);
	CHECK_STR(cat("mnt/b"), "x");
}

TEST(links, overlayfs_refuses_the_upper)
{
	const char *opts = "lowerdir=l1,upperdir=upper,workdir=work";

	three_links();
	append_file("mnt/a", "y");
	fx_umount();
	CHECK_EQ(system("grep -q overlay /proc/filesystems || modprobe overlay"), 0);
	CHECK_ERR(mount("none", "mnt", "overlay", 0, opts), EINVAL);
	CHECK(exists("work/work/incompat/links"));
	fx_mount(1);
	CHECK_SYS(unlink("mnt/a"));
	CHECK_SYS(unlink("mnt/b"));
	CHECK_SYS(unlink("mnt/d/c"));
	fx_remount();
	fx_umount();
	CHECK_SYS(mount("none", "mnt", "overlay", 0, opts));
	CHECK_STR(ls("mnt"), "d other");
	CHECK_SYS(umount("mnt"));
	CHECK_EQ(system("rm -rf work/work work/index"), 0);
	fx_mount(1);
}

/* The mark was lost: the next mount makes it again. */
TEST(links, the_mark_comes_back)
{
	three_links();
	append_file("mnt/a", "y");
	fx_umount();
	CHECK_SYS(rmdir("work/work/incompat/links"));
	CHECK_SYS(rmdir("work/work/incompat"));
	fx_mount(1);
	CHECK(exists("work/work/incompat/links"));
	CHECK_STR(cat("mnt/b"), "xy");
}

/* What a crash may have left is cleaned away, what is needed is not. */
TEST(links, mount_cleans_the_index)
{
	static const struct timespec zero[2];
	char record[PATH_MAX] = "";
	struct dirent *de;
	DIR *d;

	three_links();
	append_file("mnt/a", "y");
	fx_umount();
	d = opendir("work/links");
	while ((de = readdir(d)))
		if (strstr(de->d_name, ".names"))
			snprintf(record, sizeof(record), "work/links/%s", de->d_name);
	closedir(d);
	/* none left by the image, but one in the upper */
	CHECK_SYS(utimensat(AT_FDCWD, record, zero, 0));
	fx_mount(1);
	check_index(1, 1);
	check_nlink("mnt/a", 1);
	fx_umount();
	/* none at all */
	CHECK_SYS(unlink("upper/a"));
	mk_whiteout("upper/a");
	fx_mount(1);
	CHECK(!exists("work/links"));
	CHECK(!exists("work/work/incompat"));
	CHECK_STR(cat("mnt/b"), "x");
}

/* A copy whose record was lost stays for good, and is seen by all. */
TEST(links, record_lost)
{
	three_links();
	append_file("mnt/a", "y");
	fx_umount();
	CHECK_EQ(system("rm work/links/*.names"), 0);
	fx_mount(1);
	CHECK_STR(cat("mnt/b"), "xy");
	CHECK_SYS(unlink("mnt/a"));
	CHECK_SYS(unlink("mnt/b"));
	CHECK_STR(cat("mnt/d/c"), "xy");
	CHECK_SYS(unlink("mnt/d/c"));
	check_index(1, 0);
	fx_remount();
	check_index(1, 0);
	CHECK_STR(ls("mnt"), "d other");
}

/* By attributes "user.", the same. */
TEST(links, userxattr)
{
	SKIP_ON_OVERLAY("needs index=on for it");
	fx_dirs(1);
	mk_file("l1/a", "x");
	CHECK_SYS(link("l1/a", "l1/b"));
	CHECK_SYS(symlink("t", "l1/s1"));
	CHECK_SYS(link("l1/s1", "l1/s2"));
	fx_mount_with(1, "userxattr");
	append_file("mnt/a", "y");
	CHECK_SYS(lchown("mnt/s1", 7, 7));
	for EACH(i) {
		between[i]();
		CHECK_STR(cat("mnt/b"), "xy");
		check_nlink("mnt/b", 2);
		CHECK_EQ(stat_of("mnt/a").st_ino, stat_of("mnt/b").st_ino);
		/* cannot be marked, so they come apart */
		CHECK_EQ(stat_of("mnt/s2").st_uid, 0);
	}
}

static void *write_a_lot(void *name)
{
	for (int i = 0; i < 50; i++) {
		int fd = open(name, O_WRONLY | O_APPEND);

		if (fd < 0 || write(fd, "y", 1) != 1 || close(fd))
			return (void *)1;
	}
	return NULL;
}

/* Several names changed at once copy once, and lose nothing. */
TEST(links, racing_writers)
{
	static char *const names[] = { "mnt/a", "mnt/b", "mnt/d/c" };
	pthread_t t[3];
	void *bad;

	three_links();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++)
			CHECK_EQ(pthread_create(&t[i], NULL, write_a_lot, names[i]), 0);
		for (int i = 0; i < 3; i++) {
			pthread_join(t[i], &bad);
			CHECK(!bad);
		}
		CHECK_EQ(stat_of("mnt/b").st_size, 151);
		fx_umount();
		CHECK_EQ(system("rm -rf upper/* work/*"), 0);
		fx_mount(1);
	}
}
