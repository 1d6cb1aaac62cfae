// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that make, remove and move names.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "scenario.h"

static int create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : RC(close(fd));
}

static int create_plain(void)
{
	return create("mnt/new");
}

static int create_deep(void)
{
	return create("mnt/deep/e/f/new");
}

static int create_inherits(void)
{
	return create("mnt/acl/new");
}

static int create_over_whiteout(void)
{
	return create("mnt/gone");
}

static int tmpfile_open(void)
{
	int fd = open("mnt/m", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : RC(close(fd));
}

/* A file that was made, but could not be opened, stays: so on any filesystem. */
SCENARIO(create, "low", .op = create_plain, .flags = SCN_LATE)
SCENARIO(create_deep, "deep", .op = create_deep, .flags = SCN_LATE)
SCENARIO(create_inherits, "acl", .op = create_inherits, .flags = SCN_LATE)
SCENARIO(create_over_whiteout, "gone", .op = create_over_whiteout, .flags = SCN_LATE)
SCENARIO(tmpfile, "m", .op = tmpfile_open)

CALL(mkdir, "low", mkdir("mnt/new", 0755))
CALL(mkdir_over_whiteout, "goned", mkdir("mnt/goned", 0755))
CALL(mknod, "low", mknod("mnt/new", S_IFCHR | 0644, makedev(1, 5)))
CALL(mknod_over_whiteout, "gone", mknod("mnt/gone", S_IFIFO | 0644, 0))
/* A whiteout of a mount inside. */
CALL(mknod_whiteout, "low", mknod("mnt/new", S_IFCHR, makedev(0, 0)))
CALL(mknod_whiteout_over_whiteout, "gone", mknod("mnt/gone", S_IFCHR, makedev(0, 0)))
CALL(symlink, "low", symlink("target", "mnt/new"))
CALL(symlink_over_whiteout, "gone", symlink("target", "mnt/gone"))
CALL(link, "low m", link("mnt/low", "mnt/m/new"), .keeps_ino = "low")
CALL(link_over_whiteout, "low gone", link("mnt/low", "mnt/gone"), .keeps_ino = "low")

CALL(unlink_lower, "low", unlink("mnt/low"))

static void unlink_another(void)
{
	CHECK_SYS(unlink("mnt/top"));
}

/* Its whiteout is a link. */
CALL(unlink_second, "low top", unlink("mnt/low"), .prepare = unlink_another)
CALL(unlink_second_both, "both top", unlink("mnt/both"), .prepare = unlink_another)
CALL(unlink_deep, "deep", unlink("mnt/deep/e/f/g"))
CALL(unlink_upper, "up", unlink("mnt/up"))
CALL(unlink_both, "both", unlink("mnt/both"))
CALL(link_twin, "twins m", link("mnt/twin1", "mnt/m/new"), .keeps_ino = "twin2")
CALL(unlink_twin, "twins", unlink("mnt/twin1"), .keeps_ino = "twin2")

static void change_twin(void)
{
	CHECK_SYS(chmod("mnt/twin1", 0600));
}

CALL(unlink_twin_changed, "twins", unlink("mnt/twin1"), .prepare = change_twin,
     .keeps_ino = "twin2")
CALL(unlink_twin_of_changed, "twins", unlink("mnt/twin2"), .prepare = change_twin,
     .keeps_ino = "twin1")

static void last_twin(void)
{
	change_twin();
	CHECK_SYS(unlink("mnt/twin1"));
	CHECK_SYS(unlink("mnt/twin2"));
}

CALL(unlink_last_twin, "twins", unlink("mnt/twin3"), .prepare = last_twin)

CALL(rmdir_lower, "empty", rmdir("mnt/empty"))
CALL(rmdir_hollow, "hollow", rmdir("mnt/hollow"))

static void empty_updir(void)
{
	CHECK_SYS(unlink("mnt/updir/f"));
	mk_mtime("mnt/updir", 900000000, 0);
}

CALL(rmdir_upper, "updir", rmdir("mnt/updir"), .prepare = empty_updir)

#define MOVE(nm, parts, from, to, how, ...)					\
	CALL(nm, parts, renameat2(AT_FDCWD, "mnt/" from, AT_FDCWD, "mnt/" to, how), __VA_ARGS__)

MOVE(rename_file, "low m", "low", "m/new", 0)
MOVE(rename_twin, "twins m", "twin1", "m/new", 0, .keeps_ino = "twin2")
MOVE(rename_twin_of_changed, "twins m", "twin2", "m/new", 0, .prepare = change_twin,
     .keeps_ino = "twin1")
MOVE(rename_over_twin, "twins top", "top", "twin1", 0, .keeps_ino = "twin2")
MOVE(rename_over_twin_of_changed, "twins top", "top", "twin2", 0, .prepare = change_twin,
     .keeps_ino = "twin1")
MOVE(rename_deep, "deep m", "deep/e/f/g", "m/new", 0)
MOVE(rename_upper, "up", "up", "new", 0)
MOVE(rename_over_file, "low top", "low", "top", 0)
MOVE(rename_over_whiteout, "low gone", "low", "gone", 0)
MOVE(rename_upper_over_whiteout, "up gone", "up", "gone", 0)
MOVE(rename_dir, "m", "m", "new", 0)
MOVE(rename_dir_over_whiteout, "m goned", "m", "goned", 0)
MOVE(rename_dir_over_empty, "m empty", "m", "empty", 0)
MOVE(rename_dir_over_hollow, "m hollow", "m", "hollow", 0)
MOVE(rename_updir, "updir m", "updir", "m/new", 0)
MOVE(rename_updir_over_whiteout, "updir goned", "updir", "goned", 0, .flags = SCN_SHADOW)
MOVE(rename_symlink, "sym", "sym", "new", 0)
MOVE(exchange_files, "low m", "low", "m/x1", RENAME_EXCHANGE)
MOVE(exchange_dirs, "m deep", "m", "deep/e", RENAME_EXCHANGE)
MOVE(exchange_file_dir, "up m", "up", "m", RENAME_EXCHANGE)
MOVE(noreplace, "low", "low", "new", RENAME_NOREPLACE)

/* Of two steps: if nothing is overwritten, the first is undone if the second fails. */
MOVE(rename_lower_whiteout, "low m", "low", "m/new", RENAME_WHITEOUT)
MOVE(rename_upper_whiteout, "up m", "up", "m/new", RENAME_WHITEOUT)
MOVE(rename_both_whiteout, "both m", "both", "m/new", RENAME_WHITEOUT)
MOVE(rename_dir_whiteout, "m", "m", "new", RENAME_WHITEOUT)
MOVE(rename_updir_whiteout, "updir m", "updir", "m/new", RENAME_WHITEOUT)
MOVE(rename_lower_whiteout_over_whiteout, "low gone", "low", "gone", RENAME_WHITEOUT)
MOVE(rename_upper_whiteout_over_whiteout, "up gone", "up", "gone", RENAME_WHITEOUT)
MOVE(rename_dir_whiteout_over_whiteout, "m goned", "m", "goned", RENAME_WHITEOUT)
