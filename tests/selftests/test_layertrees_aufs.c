// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers as tar archives of images have them, or AUFS: whiteouts are names.
 *
 *	l1/.wh.gone, l1/d/.wh..wh..opq, ...
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "stacks.h"

static void mount_aufs(int layers, bool upper)
{
	struct mnt_opt opts[8] = {};
	static char names[4][4];
	int rc, n = 0;

	for (int i = 0; i < layers; i++) {
		snprintf(names[i], sizeof(names[i]), "l%d", i + 1);
		opts[n++] = (struct mnt_opt){ "lowerdir+", names[i] };
	}
	if (upper) {
		opts[n++] = (struct mnt_opt){ "upperdir", "upper" };
		opts[n++] = (struct mnt_opt){ "workdir", "work" };
	}
	opts[n++] = (struct mnt_opt){ "aufs_whiteouts", NULL };
	rc = fs_mount(opts, "mnt");
	if (rc)
		FAIL("%s: %s", strerror(-rc), mount_log);
}

static void absent(const char *path)
{
	CHECK_EQ(stat_error(path), ENOENT);
}

/*
 *	l1	.wh.file .wh.dir d/.wh..wh..opq d/new e/.wh.f e/f
 *		r/, .wh.r: r is new; .wh..wh.plnk: of AUFS itself
 *	l2	file dir/x d/old e/f e/g r/old low, .wh.low: hides below only
 *	l3	low d/older .wh.last last
 */
TEST(layertrees, names_as_whiteouts)
{
	SKIP_ON_OVERLAY("has no such option");
	fx_dirs(3);
	mk_file("l1/.wh.file", "");
	mk_file("l1/.wh.dir", "");
	mk_dirs("l1/d");
	mk_file("l1/d/.wh..wh..opq", "");
	mk_file("l1/d/new", "new");
	mk_dirs("l1/e");
	mk_file("l1/e/.wh.f", "");
	mk_file("l1/e/f", "one");
	mk_dirs("l1/r");
	mk_file("l1/.wh.r", "");
	mk_dirs("l1/.wh..wh.plnk");
	mk_file("l2/file", "two");
	mk_dirs("l2/dir");
	mk_file("l2/dir/x", "");
	mk_dirs("l2/d");
	mk_file("l2/d/old", "");
	mk_dirs("l2/e");
	mk_file("l2/e/f", "two");
	mk_file("l2/e/g", "two");
	mk_dirs("l2/r");
	mk_file("l2/r/old", "");
	mk_file("l2/low", "two");
	mk_file("l2/.wh.low", "");
	mk_file("l3/low", "three");
	mk_dirs("l3/d");
	mk_file("l3/d/older", "");
	mk_file("l3/.wh.last", "");
	mk_file("l3/last", "three");
	mk_file("l3/file", "three");
	mount_aufs(3, false);
	for (int round = 0; round < 2; round++) {
		if (!round)
			CHECK_STR(ls("mnt"), "d e last low r");
		absent("mnt/file");
		absent("mnt/dir");
		absent("mnt/.wh.file");
		absent("mnt/d/.wh..wh..opq");
		absent("mnt/.wh..wh.plnk");
		absent("mnt/d/old");
		absent("mnt/d/older");
		CHECK_STR(ls("mnt/d"), "new");
		CHECK_STR(cat("mnt/e/f"), "one");
		CHECK_STR(ls("mnt/e"), "f g");
		CHECK_STR(ls("mnt/r"), "");
		absent("mnt/r/old");
		CHECK_STR(cat("mnt/low"), "two");
		CHECK_STR(cat("mnt/last"), "three");
		CHECK_STR(ls("mnt"), "d e last low r");
		drop_caches(false);
	}
	CHECK_SYS(umount("mnt"));
	/* without the option they are names like any other */
	stack_on("mnt", "l1:l2:l3");
	CHECK_STR(cat("mnt/file"), "two");
	CHECK(exists("mnt/.wh.file"));
	CHECK_STR(ls("mnt/d"), ".wh..wh..opq new old older");
	CHECK_SYS(umount("mnt"));
}

/* In a layer's root: what is below is not there, but for a redirect as elsewhere. */
TEST(layertrees, names_as_whiteouts_root)
{
	SKIP_ON_OVERLAY("has no such option");
	fx_dirs(3);
	mk_file("l2/.wh..wh..opq", "");
	mk_file("l2/two", "");
	mk_file("l1/one", "");
	mk_dirs("l3/d");
	mk_file("l3/three", "");
	mk_dirs("l1/r");
	mk_redirect("l1/r", "/d");
	mk_file("l3/d/f", "");
	mount_aufs(3, false);
	absent("mnt/three");
	absent("mnt/d");
	CHECK_STR(ls("mnt/r"), "");
	CHECK_STR(ls("mnt"), "one r two");
	CHECK_SYS(umount("mnt"));
}

/* A container on them writes whiteouts of its own kind, and names as they are. */
TEST(layertrees, names_as_whiteouts_upper)
{
	char name[256], path[300];

	SKIP_ON_OVERLAY("has no such option");
	fx_dirs(2);
	mk_file("l1/.wh.f", "");
	mk_file("l2/f", "two");
	mk_file("l2/g", "two");
	memset(name, 'n', 255);
	name[255] = '\0';
	memcpy(name, "l2/", 3);
	mk_file(name, "long");
	mount_aufs(2, true);
	snprintf(path, sizeof(path), "mnt/%s", name + 3);
	CHECK_STR(cat(path), "long");
	mk_file("mnt/f", "new");
	CHECK_SYS(unlink("mnt/g"));
	CHECK(is_whiteout("upper/g"));
	mk_file("mnt/.wh.h", "plain");
	mk_file("mnt/h", "h");
	for (int round = 0; round < 2; round++) {
		CHECK_STR(cat("mnt/f"), "new");
		absent("mnt/g");
		CHECK_STR(cat("mnt/.wh.h"), "plain");
		CHECK_STR(cat("mnt/h"), "h");
		CHECK_SYS(umount("mnt"));
		mount_aufs(2, true);
	}
	/* the option is shown, part of what an image is, and stays */
	CHECK_ERR(mount(NULL, "mnt", NULL, MS_REMOUNT, "lowerdir=l1"), EINVAL);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT, "aufs_whiteouts"));
	CHECK_SYS(umount("mnt"));
	stack_on("mnt", "l1:l2");
	CHECK_ERR(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, "aufs_whiteouts"), EINVAL);
	CHECK_SYS(umount("mnt"));
}

/* overlayfs would show l2/f, and the whiteout: it is kept from the upper until it is none. */
TEST(layertrees, names_as_whiteouts_are_not_for_overlayfs)
{
	const char *opts = "lowerdir=l1:l2,upperdir=upper,workdir=work";

	SKIP_ON_OVERLAY("has no such option");
	fx_dirs(2);
	mk_file("l1/.wh.f", "");
	mk_file("l2/f", "two");
	mk_file("l2/g", "two");
	CHECK_EQ(system("grep -q overlay /proc/filesystems || modprobe overlay"), 0);
	for (int round = 0; round < 2; round++) {
		mount_aufs(2, true);
		CHECK_STR(ls("mnt"), "g");
		CHECK_SYS(umount("mnt"));
		CHECK_ERR(mount("none", "mnt", "overlay", 0, opts), EINVAL);
	}
	stack_with_upper("mnt", "l1:l2", "upper", "work");
	CHECK_STR(ls("mnt"), ".wh.f f g");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(mount("none", "mnt", "overlay", 0, opts));
	CHECK_STR(ls("mnt"), ".wh.f f g");
	CHECK_SYS(umount("mnt"));
	CHECK_EQ(system("rm -rf work/work work/index"), 0);
}
