// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container's own life: mount, show, remount, sync, unmount.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/layerfs.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "idmap.h"
#include "scenario.h"

static int mount_one(void)
{
	return world_mount(2, "");
}

static int mount_eight(void)
{
	return world_mount(8, "");
}

static int mount_ro(void)
{
	return world_mount(2, "ro");
}

static int mount_volatile(void)
{
	return world_mount(2, "volatile");
}

SCENARIO(mount, "low m up", .op = mount_one, .flags = SCN_MOUNTS)
SCENARIO(mount_eight, "m up", .op = mount_eight, .layers = 8, .flags = SCN_MOUNTS)
SCENARIO(mount_ro, "low m", .op = mount_ro, .options = "ro", .flags = SCN_MOUNTS)

/* The mark of a volatile mount outlives it, and has to go before the next. */
static int drop_mark(void)
{
	rmdir("work/work/incompat/volatile");
	rmdir("work/work/incompat");
	return 0;
}

static int mount_volatile_again(void)
{
	drop_mark();
	return mount_volatile();
}

SCENARIO(mount_volatile, "low", .op = mount_volatile_again, .flags = SCN_MOUNTS,
	 .cleanup = (void (*)(void))drop_mark)

/* What a crash has left is removed first. */
static void dirty(void)
{
	mk_dirs("work/work/#5/d");
	mk_file("work/work/#5/d/f", "left");
	mk_file("work/work/#6", "left");
	mk_whiteout("work/work/#7");
}

SCENARIO(mount_dirty, "low m", .prepare = dirty, .op = mount_one, .flags = SCN_MOUNTS)

static int mount_userxattr(void)
{
	return world_mount(2, "userxattr");
}

static int mount_aufs(void)
{
	return world_mount(2, "aufs_whiteouts");
}

SCENARIO(mount_userxattr, "low m", .op = mount_userxattr, .options = "userxattr",
	 .flags = SCN_MOUNTS)
SCENARIO(mount_aufs, "low m", .op = mount_aufs, .options = "aufs_whiteouts", .flags = SCN_MOUNTS)

/* The option string of mount(2), which is taken apart and unescaped. */
CALL(mount_string, "low",
     mount("none", "mnt", LAYERFS_FS_NAME, 0,
	   "lowerdir=l1:l2,upperdir=upper,workdir=work"), .flags = SCN_MOUNTS)

/* A second container of a live image. */
static void second(void)
{
	mk_dirs("upper2");
	mk_dirs("work2");
	mk_dirs("mnt2");
}

static int mount_beside(const char *lower)
{
	const struct mnt_opt opt[] = {
		{ "lowerdir", lower }, { "upperdir", "upper2" },
		{ "workdir", "work2" }, { }
	};
	int rc = fs_mount(opt, "mnt2");

	if (!rc)
		CHECK_SYS(umount("mnt2"));
	return rc;
}

static int mount_second(void)
{
	return mount_beside("l1:l2");
}

SCENARIO(mount_second, "low", .prepare = second, .op = mount_second, .flags = SCN_READS)

/* On what is mounted: a container, and an image, which is adopted. */
static int mount_on_container(void)
{
	return mount_beside("mnt");
}

static int mount_on_image(void)
{
	return mount_beside("image");
}

static int mount_view(void)
{
	static const struct mnt_opt opt[] = { { "lowerdir", "l1:l2" }, { } };
	int rc = fs_mount(opt, "mnt2");

	if (!rc)
		CHECK_SYS(umount("mnt2"));
	return rc;
}

static void with_image(void)
{
	static const struct mnt_opt opt[] = { { "lowerdir", "l1:l2" }, { } };

	second();
	mk_dirs("image");
	if (fs_mount(opt, "image"))
		FAIL("image: %s", mount_log);
}

static void without_image(void)
{
	CHECK_SYS(umount("image"));
}

SCENARIO(mount_on_container, "low up", .prepare = second, .op = mount_on_container,
	 .flags = SCN_READS)
SCENARIO(mount_on_image, "low", .prepare = with_image, .op = mount_on_image,
	 .cleanup = without_image, .flags = SCN_READS)
SCENARIO(mount_view, "low m", .prepare = second, .op = mount_view, .flags = SCN_READS)

static void with_map(void)
{
	second();
	maps();
	mk_dirs("mapped");
	map_onto("l2", map, "mapped");
}

static void without_map(void)
{
	CHECK_SYS(umount("mapped"));
}

static int mount_mapped(void)
{
	return mount_beside("l1:mapped");
}

SCENARIO(mount_mapped, "low m", .prepare = with_map, .op = mount_mapped,
	 .cleanup = without_map, .flags = SCN_READS)

static void go_ro(void)
{
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL));
}

CALL(remount_ro, "low", mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL), .flags = SCN_READS)
CALL(remount_rw, "low", mount(NULL, "mnt", NULL, MS_REMOUNT, NULL), .prepare = go_ro, .flags = SCN_READS)
CALL(remount_same, "low", mount(NULL, "mnt", NULL, MS_REMOUNT,
			 "lowerdir=l1:l2,upperdir=upper,workdir=work"), .flags = SCN_READS)

/* /proc/mounts names all options, or cannot be read. */
static int show_options(void)
{
	char buf[16384], *line;
	int fd = CHECK_SYS(open("/proc/self/mounts", O_RDONLY | O_CLOEXEC));
	ssize_t len = 0, n;

	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	if (n < 0)
		return -errno;
	buf[len] = '\0';
	line = strstr(buf, " layerfs ");
	return line && strstr(line, "lowerdir=l1:l2,upperdir=upper,workdir=work") ? 0 : -EBADMSG;
}

SCENARIO(show_options, "low", .op = show_options, .flags = SCN_READS)

static int sync_container(void)
{
	int fd = open("mnt", O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = RC(syncfs(fd));
	close(fd);
	return rc;
}

SCENARIO(syncfs, "up", .op = sync_container, .flags = SCN_READS)

CALL(umount, "low m", umount("mnt"), .flags = SCN_READS | SCN_UMOUNTS | SCN_MUST)
