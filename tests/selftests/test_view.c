// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container that is mounted once more, to be read, and who is told about whom:
 *
 *	./
 *	|-- l1/ upper/ work/	as ever
 *	|-- mnt/		read-write
 *	`-- view/		the same options, read-only
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attack.h"

static const struct mnt_opt ro_again[] = {
	{ "lowerdir", "l1" }, { "upperdir", "upper" }, { "workdir", "work" },
	{ "ro", NULL }, {}
};

static const struct mnt_opt rw_again[] = {
	{ "lowerdir", "l1" }, { "upperdir", "upper" }, { "workdir", "work" }, {}
};

/* As mount(8) does it: read-only is said of the filesystem and of the mount. */
static int mount_ro(const struct mnt_opt *opts, const char *at)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int err = fs_mount(opts, at);

	if (!err)
		CHECK_SYS(mount_setattr(AT_FDCWD, at, 0, &attr, sizeof(attr)));
	return err;
}

static void base(void)
{
	SKIP_ON_OVERLAY("has no such mounts");
	fx_dirs(1);
	mk_file("l1/a", "a");
	mk_file("l1/b", "b");
	mk_dir("l1/d");
	mk_file("l1/d/x", "x");
	mk_dir("view");
}

/* "MAJOR:MINOR", as in mountinfo. */
static const char *device_of(const char *path)
{
	static char text[32];
	struct stat st = stat_of(path);

	snprintf(text, sizeof(text), "%u:%u", major(st.st_dev), minor(st.st_dev));
	return text;
}

TEST(view, sees_every_change)
{
	char map[8];
	int fd;

	base();
	fx_mount(1);
	CHECK_EQ(mount_ro(ro_again, "view"), 0);
	CHECK_STR(ls("view"), "a b d");
	fd = CHECK_SYS(open("view/a", O_RDONLY));
	CHECK_SYS(access("view/a", R_OK));
	CHECK_ERR(access("view/new", F_OK), ENOENT);

	append_file("mnt/a", "+");
	CHECK_STR(cat_fd(fd), "a+");
	CHECK_EQ(pread(fd, map, sizeof(map), 1), 1);
	mk_file("mnt/new", "new");
	CHECK_STR(cat("view/new"), "new");
	CHECK_SYS(unlink("mnt/b"));
	CHECK_ERR(access("view/b", F_OK), ENOENT);
	CHECK_SYS(rename("mnt/d", "mnt/e"));
	CHECK_STR(cat("view/e/x"), "x");
	CHECK_SYS(chmod("mnt/a", 0600));
	CHECK_EQ(stat_of("view/a").st_mode & 07777, 0600);
	CHECK_EQ(stat_of("view/a").st_ino, stat_of("mnt/a").st_ino);
	CHECK_STR(ls("view"), "a e new");

	CHECK_ERR(open("view/a", O_RDWR), EROFS);
	CHECK_ERR(mkdir("view/dir", 0755), EROFS);
	CHECK_ERR(unlink("view/a"), EROFS);
	close(fd);
	CHECK_SYS(umount("view"));
	append_file("mnt/a", "+");
}

/* Whichever goes first, the other stays; with the last the upper is free. */
TEST(view, outlives_and_is_outlived)
{
	base();
	fx_mount(1);
	CHECK_EQ(mount_ro(ro_again, "view"), 0);
	CHECK_SYS(umount("mnt"));
	CHECK_STR(ls("view"), "a b d");
	CHECK_EQ(fs_mount(rw_again, "mnt"), -EBUSY);
	CHECK_SYS(umount("view"));
	CHECK_EQ(fs_mount(rw_again, "mnt"), 0);
	CHECK_EQ(mount_ro(ro_again, "view"), 0);
	CHECK_SYS(umount("view"));
	append_file("mnt/a", "+");
	CHECK_STR(cat("upper/a"), "a+");
	fx_umount();
	CHECK_EQ(fs_mount(rw_again, "mnt"), 0);
	CHECK_SYS(umount("mnt"));
}

/* The way of engines that use mount(2): the same string, and MS_RDONLY. */
TEST(view, by_mount2)
{
	char cwd[512], options[PATH_MAX];

	base();
	fx_mount(1);
	CHECK(getcwd(cwd, sizeof(cwd)));
	snprintf(options, sizeof(options), "lowerdir=%s/l1,upperdir=%s/upper,workdir=%s/work", cwd,
		 cwd, cwd);
	CHECK_SYS(mount("none", "view", fs_type(), MS_RDONLY, options));
	append_file("mnt/a", "+");
	CHECK_STR(cat("view/a"), "a+");
	CHECK_ERR(open("view/a", O_RDWR), EROFS);
	/* What is said of this mount alone does not touch the other. */
	CHECK_SYS(mount(NULL, "view", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	append_file("mnt/a", "+");
	CHECK_SYS(umount("view"));
}

/* Read-only is the first, and all there is: it writes nothing, and gives none away. */
TEST(view, before_the_first)
{
	base();
	mk_dir("view2");
	CHECK_EQ(mount_ro(ro_again, "view"), 0);
	CHECK_EQ(mount_ro(ro_again, "view2"), 0);
	CHECK_EQ(stat_of("view").st_dev, stat_of("view2").st_dev);
	CHECK_EQ(fs_mount(rw_again, "mnt"), -EBUSY);
	if (!strstr(mount_log, "read-only") || !strstr(mount_log, device_of("view")))
		FAIL("said: %s", mount_log);
	CHECK_SYS(umount("view"));
	CHECK_SYS(umount("view2"));
	CHECK_EQ(fs_mount(rw_again, "mnt"), 0);
	CHECK_SYS(umount("mnt"));
}

/* What is not the same stack is refused, by name. */
TEST(view, of_another_stack_is_refused)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work" }, { "ro", NULL }, {} };

	base();
	mk_dir("l2");
	mk_dir("work2");
	mk_dir("upper2");
	fx_mount(1);
	opts[0].value = "l1:l2";
	CHECK_EQ(mount_ro(opts, "view"), -EBUSY);
	CHECK(strstr(mount_log, "upperdir") && strstr(mount_log, device_of("mnt")));
	opts[0].value = "l1";
	opts[2].value = "work2";
	CHECK_EQ(mount_ro(opts, "view"), -EBUSY);
	CHECK(strstr(mount_log, "upperdir") && strstr(mount_log, device_of("mnt")));
	opts[1].value = "upper2";
	opts[2].value = "work";
	CHECK_EQ(mount_ro(opts, "view"), -EBUSY);
	CHECK(strstr(mount_log, "workdir") && strstr(mount_log, device_of("mnt")));
	opts[1] = (struct mnt_opt){ "userxattr", NULL };
	opts[0].value = "upper";
	opts[2] = (struct mnt_opt){ "ro", NULL };
	CHECK_EQ(fs_mount(opts, "view"), -EBUSY);
	CHECK(strstr(mount_log, "layer") && strstr(mount_log, device_of("mnt")));
	CHECK_EQ(fs_mount(rw_again, "view"), -EBUSY);
	CHECK(strstr(mount_log, "upperdir") && strstr(mount_log, device_of("mnt")));
}

/* The superblock is of one identity: who has another one gets no view, and no name. */
TEST(view, nothing_for_another_namespace)
{
	struct mnt_opt user[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work" }, { "userxattr", NULL },
				  { "ro", NULL }, {} };
	char device[32];

	base();
	CHECK_SYS(chmod(".", 0777));
	CHECK_SYS(chown("upper", ATTACKER, ATTACKER));
	CHECK_SYS(chown("work", ATTACKER, ATTACKER));
	CHECK_SYS(chown("view", ATTACKER, ATTACKER));
	user[4] = (struct mnt_opt){};
	CHECK_EQ(fs_mount(user, "mnt"), 0);
	user[4] = (struct mnt_opt){ "ro", NULL };
	snprintf(device, sizeof(device), "%s", device_of("mnt"));
	IN_USERNS(ATTACKER) {
		CHECK_EQ(fs_mount(user, "view"), -EBUSY);
		if (!strstr(mount_log, "another mount") || strstr(mount_log, device))
			FAIL("said: %s", mount_log);
	}
	/* Nor for a process of fewer rights. */
	IN_CHILD {
		CHECK_SYS(chown("upper", 0, 0));
		CHECK_SYS(chown("work", 0, 0));
		drop_capability(CAP_DAC_OVERRIDE);
		CHECK_EQ(fs_mount(user, "view"), -EBUSY);
	}
	CHECK_SYS(umount("mnt"));
}

/* FSCONFIG_CMD_CREATE_EXCL asks for a superblock of its own. */
TEST(view, exclusive_is_refused)
{
	int fd;

	base();
	fx_mount(1);
	fd = CHECK_SYS(fsopen(fs_type(), FSOPEN_CLOEXEC));
	for (const struct mnt_opt *o = ro_again; o->key; o++)
		CHECK_SYS(fsconfig(fd, o->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, o->key,
				   o->value, 0));
	CHECK_ERR(fsconfig(fd, 8 /* FSCONFIG_CMD_CREATE_EXCL */, NULL, NULL, 0), EBUSY);
	close(fd);
}

static void mount_and_unmount(void *at)
{
	for (int i = 0; i < 60; i++) {
		int rc = mount_ro(ro_again, at);

		if (!rc)
			CHECK_SYS(umount(at));
		else
			CHECK_EQ(rc, -EBUSY);
	}
}

/* Found while it ends, and ended while it is found. */
TEST(view, comes_while_the_other_goes)
{
	pid_t a, b;

	base();
	mk_dir("view2");
	a = spawn(mount_and_unmount, "view");
	b = spawn(mount_and_unmount, "view2");
	for (int i = 0; i < 60; i++) {
		int rc = fs_mount(rw_again, "mnt");

		if (!rc)
			CHECK_SYS(umount("mnt"));
		else
			CHECK_EQ(rc, -EBUSY);
	}
	reap(a);
	reap(b);
	CHECK_EQ(fs_mount(rw_again, "mnt"), 0);
	CHECK_SYS(umount("mnt"));
}
