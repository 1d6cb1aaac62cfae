// SPDX-License-Identifier: GPL-2.0-only
/*
 * statfs, sync, remount, volatile.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/layerfs.h>

#include "fixture.h"

TEST(statfs, is_the_uppers_but_for_the_type)
{
	struct statfs mnt, upper;

	fx_mount(1);
	CHECK_SYS(statfs("upper", &upper));
	CHECK_SYS(statfs("mnt", &mnt));
	if (!on_overlay())
		CHECK_EQ(mnt.f_type, LAYERFS_SUPER_MAGIC);
	CHECK_EQ(mnt.f_blocks, upper.f_blocks);
	CHECK_EQ(mnt.f_bsize, upper.f_bsize);
	CHECK_EQ(mnt.f_files, upper.f_files);
	CHECK_EQ(mnt.f_namelen, 255);
}

/* df -i and df of a small filesystem, before and after a write. */
TEST(statfs, follows_writes)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "t/upper" },
				  { "workdir", "t/work" }, {} };
	struct statfs before, after;

	fx_dirs(1);
	mk_dir("t");
	CHECK_SYS(mount("none", "t", "tmpfs", 0, "size=8m"));
	mk_dir("t/upper");
	mk_dir("t/work");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_SYS(statfs("mnt", &before));
	mk_pattern("mnt/f", 1 << 20, 1);
	CHECK_SYS(statfs("mnt", &after));
	CHECK((before.f_bfree - after.f_bfree) * after.f_bsize >= 1 << 20);
	CHECK_EQ(before.f_ffree - after.f_ffree, 1);
	CHECK_SYS(umount("mnt"));
}

TEST(statfs, read_only_mount)
{
	struct statfs st;

	fx_mount_ro(2);
	CHECK_SYS(statfs("mnt", &st));
	CHECK(st.f_flags & 1 /* ST_RDONLY */);
	CHECK(st.f_blocks > 0);
}

TEST(remount, ro_and_back)
{
	int fd;

	fx_dirs(1);
	mk_file("l1/f", "x");
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/new", O_CREAT | O_RDWR, 0644));
	CHECK_ERR(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CHECK_ERR(open("mnt/f", O_RDWR), EROFS);
	CHECK_ERR(unlink("mnt/new"), EROFS);
	CHECK_ERR(utimensat(AT_FDCWD, "mnt/f", NULL, 0), EROFS);
	CHECK_STR(cat("mnt/f"), "x");
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT, NULL));
	append_file("mnt/f", "+");
	CHECK_STR(cat("mnt/f"), "x+");
}

/* An fd open for writing before its copy-up keeps the mount writable, too. */
TEST(remount, ro_with_a_writable_lower_file_open)
{
	int fd;

	SKIP_ON_OVERLAY("has copied it up already");
	fx_dirs(1);
	mk_file("l1/f", "x");
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/f", O_RDWR));
	CHECK_ERR(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	CHECK_EQ(pwrite(fd, "y", 1, 0), 1);
	close(fd);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL));
}

TEST(remount, rw_without_an_upper_is_refused)
{
	SKIP_ON_OVERLAY("stays read-only without an error");
	fx_mount_ro(2);
	CHECK_ERR(mount(NULL, "mnt", NULL, MS_REMOUNT, NULL), EROFS);
	CHECK_ERR(mkdir("mnt/d", 0755), EROFS);
}

static int reconfigure(const char *flag)
{
	int fd = CHECK_SYS(fspick(AT_FDCWD, "mnt", FSPICK_CLOEXEC)), err = 0;

	if (flag)
		CHECK_SYS(fsconfig(fd, FSCONFIG_SET_FLAG, flag, NULL, 0));
	if (fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
		err = -errno;
	close(fd);
	return err;
}

/* Who says nothing of ro and rw by fsconfig(2) changes neither. */
TEST(remount, what_is_not_mentioned_stays)
{
	SKIP_ON_OVERLAY("stays read-only without an error");
	fx_mount_ro(1);
	CHECK_EQ(reconfigure(NULL), 0);
	CHECK_EQ(reconfigure("rw"), -EROFS);
	CHECK_EQ(reconfigure("ro"), 0);
	CHECK_ERR(mkdir("mnt/d", 0755), EROFS);
	fx_umount();
	fx_mount(1);
	CHECK_EQ(reconfigure(NULL), 0);
	CHECK_SYS(mkdir("mnt/d", 0755));
	CHECK_EQ(reconfigure("ro"), 0);
	CHECK_EQ(reconfigure(NULL), 0);
	CHECK_ERR(mkdir("mnt/e", 0755), EROFS);
	CHECK_EQ(reconfigure("rw"), 0);
	CHECK_SYS(mkdir("mnt/e", 0755));
}

/* mount(8) names all options again; changed ones are refused by name. */
TEST(remount, options_named_again)
{
	static const char same[] = "lowerdir=l1:l2,upperdir=upper,workdir=work";
	static const char *const changed[] = {
		"lowerdir=l1", "lowerdir=l2:l1", "upperdir=l1", "workdir=l1",
		"volatile", "nonsense",
	};

	SKIP_ON_OVERLAY("ignores options on remount");
	fx_mount(2);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT, same));
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, same));
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT, same));
	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++)
		CHECK_ERR(mount(NULL, "mnt", NULL, MS_REMOUNT, changed[i]), EINVAL);
	mk_file("mnt/f", "still rw");
}

/* A remount by fspick says which option it was. */
TEST(remount, says_which_option)
{
	char text[512] = "";
	int fd;

	SKIP_ON_OVERLAY("ignores options on remount");
	fx_mount(2);
	fd = CHECK_SYS(fspick(AT_FDCWD, "mnt", FSPICK_CLOEXEC));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_STRING, "upperdir", "other", 0));
	CHECK_ERR(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), EINVAL);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK(strstr(text, "upperdir"));
	close(fd);
}

/* sync waits for the upper: after it, data is on the disk. */
TEST(sync, syncfs_and_sync)
{
	int fd;

	fx_mount(1);
	mk_pattern("mnt/f", 300000, 1);
	fd = CHECK_SYS(open("mnt", O_RDONLY | O_DIRECTORY));
	CHECK_SYS(syncfs(fd));
	close(fd);
	sync();
}

/* volatile marks its work directory; such an upper is refused afterwards. */
TEST(volatile, marks_and_is_refused)
{
	static const struct mnt_opt opts[] = {
		{ "lowerdir", "l1" }, { "upperdir", "upper" },
		{ "workdir", "work" }, {}
	};
	int fd;

	fx_dirs(1);
	mk_file("l1/f", "x");
	fx_mount_with(1, "volatile");
	fd = CHECK_SYS(open("mnt/f", O_RDWR));
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK_SYS(fsync(fd));
	CHECK_SYS(syncfs(fd));
	close(fd);
	CHECK(exists("work/work/incompat/volatile"));
	fx_umount();
	CHECK_EQ(fs_mount(opts, "mnt"), -EINVAL);
	if (!on_overlay())
		CHECK(strstr(mount_log, "volatile"));
	CHECK_EQ(system("grep -q overlay /proc/filesystems || modprobe overlay"), 0);
	CHECK_ERR(mount("none", "mnt", "overlay", 0,
			"lowerdir=l1,upperdir=upper,workdir=work"), EINVAL);
	tree_remove("work/work/incompat");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(cat("mnt/f"), "y");
	CHECK_SYS(umount("mnt"));
}

/* What a crash left in the work directory goes at the next mount. */
TEST(remount, cleans_the_work_directory)
{
	fx_dirs(1);
	mk_dirs("work/work");
	mk_file("work/work/#5", "half a copy");
	mk_whiteout("work/work/#6");
	mk_dir("work/work/#7");
	mk_whiteout("work/work/#7/w");
	fx_mount(1);
	CHECK_STR(ls("work/work"), "");
}

/* mountpoint, findmnt and df see an ordinary mount. */
TEST(statfs, usual_programs)
{
	fx_mount(1);
	CHECK_EQ(system("mountpoint -q mnt"), 0);
	CHECK_SYS(setenv("TYPE", fs_type(), 1));
	CHECK_EQ(system("findmnt -n -t $TYPE mnt >/dev/null"), 0);
	CHECK_EQ(system("df mnt >/dev/null"), 0);
	CHECK_EQ(system("umount mnt"), 0);
	fx_mount(1);
}
