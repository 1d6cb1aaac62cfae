// SPDX-License-Identifier: GPL-2.0-only
/*
 * st_dev, st_ino, d_ino: one device, unique numbers, unchanged by copy-up.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fixture.h"

static struct stat all[512];
static size_t count;

static int add(const char *path, const struct stat *st, int type,
	       struct FTW *ftw)
{
	(void)path;
	(void)type;
	(void)ftw;
	if (count < 512)
		all[count++] = *st;
	return 0;
}

/* One st_dev, and no two objects of one number except links. */
static void check_unique(void)
{
	count = 0;
	nftw("mnt", add, 16, FTW_PHYS);
	for (size_t i = 0; i < count; i++) {
		CHECK_EQ(all[i].st_dev, all[0].st_dev);
		for (size_t j = 0; j < i; j++)
			if (all[i].st_ino == all[j].st_ino)
				FAIL("inode number %lu twice",
				     (unsigned long)all[i].st_ino);
	}
}

/*
 * Layers on ext4 and on two tmpfs whose inode numbers collide.
 *	l1/d/f<i>	ext4
 *	l2/d/g<i>	tmpfs
 *	l3/d/h<i>	tmpfs
 */
static void three_filesystems(void)
{
	char path[32];

	fx_dirs(3);
	CHECK_SYS(mount("none", "l2", "tmpfs", 0, "inode32"));
	CHECK_SYS(mount("none", "l3", "tmpfs", 0, "inode32"));
	for (int l = 1; l <= 3; l++) {
		snprintf(path, sizeof(path), "l%d/d", l);
		mk_dir(path);
		for (int i = 0; i < 10; i++) {
			snprintf(path, sizeof(path), "l%d/d/%c%d", l, 'e' + l, i);
			mk_file(path, "x");
		}
	}
	fx_mount(3);
}

TEST(inode, one_device_unique_numbers)
{
	SKIP_ON_OVERLAY("files of other filesystems keep a device of their own");
	three_filesystems();
	mk_file("mnt/d/new", "");
	check_unique();
	CHECK(stat_of("mnt").st_dev != stat_of("l1").st_dev);
}

TEST(inode, one_device_same_filesystem)
{
	fx_dirs(2);
	mk_dirs("l1/d/e");
	mk_file("l1/d/f", "");
	mk_dirs("l2/d/e");
	mk_file("l2/d/g", "");
	CHECK_SYS(symlink("x", "l2/d/s"));
	fx_mount(2);
	mk_file("mnt/d/new", "");
	check_unique();
}

/* The number of each kind of object is the same before and after copy-up. */
TEST(inode, unchanged_by_copy_up)
{
	static const char *const names[] = { "mnt/d", "mnt/d/f0", "mnt/d/g1",
					     "mnt/d/h2", "mnt" };
	ino_t ino[5];
	dev_t dev = 0;

	SKIP_ON_OVERLAY("not across filesystems");
	three_filesystems();
	dev = stat_of("mnt").st_dev;
	for (int i = 0; i < 5; i++)
		ino[i] = stat_of(names[i]).st_ino;
	for (int i = 0; i < 5; i++) {
		CHECK_SYS(chmod(names[i], 0700));
		CHECK_EQ(stat_of(names[i]).st_ino, ino[i]);
		CHECK_EQ(stat_of(names[i]).st_dev, dev);
	}
	drop_caches(false);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(stat_of(names[i]).st_ino, ino[i]);
	check_unique();
}

/* By fstat of a descriptor that was opened before, too. */
TEST(inode, unchanged_for_open_files)
{
	struct stat a, b;
	int fd;

	fx_dirs(1);
	mk_file("l1/f", "data");
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/f", O_RDONLY));
	CHECK_SYS(fstat(fd, &a));
	append_file("mnt/f", "+");
	CHECK_SYS(fstat(fd, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(a.st_dev, b.st_dev);
	CHECK_EQ(b.st_size, 5);
	CHECK_EQ(stat_of("mnt/f").st_ino, a.st_ino);
	close(fd);
}

/* rename keeps the number, of files and of directories of every kind. */
TEST(inode, unchanged_by_rename)
{
	static const char *const names[] = { "f", "d", "u", "m" };
	char from[32], to[32];
	ino_t ino[4];

	fx_dirs(1);
	mk_file("l1/f", "");
	mk_dirs("l1/d/x");
	mk_dirs("l1/m/x");
	mk_dirs("upper/m");
	mk_file("upper/u", "");
	fx_mount(1);
	for (int i = 0; i < 4; i++) {
		snprintf(from, sizeof(from), "mnt/%s", names[i]);
		snprintf(to, sizeof(to), "mnt/%s2", names[i]);
		ino[i] = stat_of(from).st_ino;
		CHECK_SYS(rename(from, to));
		CHECK_EQ(stat_of(to).st_ino, ino[i]);
	}
	drop_caches(false);
	for (int i = 0; i < 4; i++) {
		snprintf(to, sizeof(to), "mnt/%s2", names[i]);
		CHECK_EQ(stat_of(to).st_ino, ino[i]);
	}
}

/* Hard links of the upper share a number; the links of a copied-up file too. */
TEST(inode, links_share_a_number)
{
	fx_dirs(1);
	mk_file("l1/f", "");
	fx_mount(1);
	CHECK_SYS(link("mnt/f", "mnt/g"));
	CHECK_SYS(link("mnt/g", "mnt/h"));
	CHECK_EQ(stat_of("mnt/f").st_ino, stat_of("mnt/g").st_ino);
	CHECK_EQ(stat_of("mnt/f").st_ino, stat_of("mnt/h").st_ino);
	drop_caches(false);
	CHECK_EQ(stat_of("mnt/f").st_ino, stat_of("mnt/g").st_ino);
	CHECK_EQ(stat_of("mnt/f").st_nlink, 3);
	append_file("mnt/h", "same");
	CHECK_STR(cat("mnt/f"), "same");
}

/* tar warns "file changed as we read it" when these move under it. */
TEST(inode, stat_of_directory_is_stable_while_read)
{
	struct stat a, b;

	fx_dirs(2);
	mk_dirs("l1/d");
	mk_dirs("l2/d");
	mk_file("l2/d/f", "");
	fx_mount(2);
	a = stat_of("mnt/d");
	CHECK_STR(ls("mnt/d"), "f");
	CHECK_STR(cat("mnt/d/f"), "");
	b = stat_of("mnt/d");
	CHECK(!memcmp(&a.st_mtim, &b.st_mtim, sizeof(a.st_mtim)));
	CHECK(!memcmp(&a.st_ctim, &b.st_ctim, sizeof(a.st_ctim)));
	CHECK_EQ(a.st_ino, b.st_ino);
}

/* The same stat by every road: path, descriptor, O_PATH. */
TEST(inode, stat_by_every_road)
{
	struct stat a, b;
	int fd;

	fx_dirs(1);
	mk_file("l1/f", "data");
	fx_mount(1);
	a = stat_of("mnt/f");
	fd = CHECK_SYS(open("mnt/f", O_PATH));
	CHECK_SYS(fstat(fd, &b));
	CHECK(!memcmp(&a, &b, sizeof(a)));
	close(fd);
	fd = CHECK_SYS(open("mnt/f", O_RDONLY | O_NOATIME));
	CHECK_SYS(fstat(fd, &b));
	CHECK(!memcmp(&a, &b, sizeof(a)));
	close(fd);
}

/* A lock taken before the copy-up still excludes after it. */
TEST(inode, locks_survive_copy_up)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fd, fd2;

	fx_dirs(1);
	mk_file("l1/f", "data");
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/f", O_RDWR));
	CHECK_SYS(flock(fd, LOCK_EX));
	CHECK_SYS(fcntl(fd, F_OFD_SETLK, &fl));
	CHECK_EQ(pwrite(fd, "D", 1, 0), 1);
	fd2 = CHECK_SYS(open("mnt/f", O_RDWR));
	CHECK_ERR(flock(fd2, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_ERR(fcntl(fd2, F_OFD_SETLK, &fl), EAGAIN);
	close(fd);
	CHECK_SYS(flock(fd2, LOCK_EX | LOCK_NB));
	close(fd2);
}

/* st_dev is the device that mountinfo tells. */
TEST(inode, mount_point_in_mountinfo)
{
	char line[1024], want[64];
	struct stat st;
	bool found = false;
	FILE *f;

	fx_mount(1);
	st = stat_of("mnt");
	snprintf(want, sizeof(want), " %u:%u ", major(st.st_dev),
		 minor(st.st_dev));
	f = fopen("/proc/self/mountinfo", "r");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "/mnt ") && strstr(line, fs_type()))
			found |= !!strstr(line, want);
	fclose(f);
	CHECK(found);
}
