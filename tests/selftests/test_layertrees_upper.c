// SPDX-License-Identifier: GPL-2.0-only
/*
 * An upper as overlayfs leaves it with metacopy=on: files whose data is in a layer.
 * They are read from there, and get their data before anything else changes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"

#define OVL	"trusted.overlay."
#define OVERLAY	"lowerdir=l1,upperdir=upper,workdir=ow,metacopy=on,redirect_dir=on"

static void mount_overlay(const char *target)
{
	mk_dirs("ow");
	if (system("modprobe overlay 2>/dev/null"))
		test_note("no module overlay, or built in");
	if (!mount("none", target, "overlay", 0, OVERLAY))
		return;
	if (errno == ENODEV)
		test_skip("the kernel has no overlayfs");
	FAIL("overlayfs on %s: %s", target, strerror(errno));
}

static bool has_mark(const char *path)
{
	return xattr_of(path, OVL "metacopy");
}

/*
 *	l1/{read,mode,moved,linked,gone,cut,caps,empty}, d/in, e/beside
 *	upper: all of them changed by overlayfs, but not their data
 */
static void make_upper(void)
{
	static const char *const files[] = { "read", "mode", "moved", "gone", "caps", "d/in",
					     "e/beside" };

	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(1);
	mk_dir("l1/d");
	mk_dir("l1/e");
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char path[32];

		snprintf(path, sizeof(path), "l1/%s", files[i]);
		mk_file(path, files[i]);
	}
	mk_file("l1/linked", "linked");
	mk_file("l1/empty", "");
	mk_pattern("l1/cut", 200000, 3);
	mount_overlay("mnt");
	CHECK_SYS(chmod("mnt/read", 0604));
	CHECK_SYS(chmod("mnt/mode", 0640));
	CHECK_SYS(chmod("mnt/moved", 0600));
	CHECK_SYS(rename("mnt/moved", "mnt/d/now"));
	CHECK_SYS(chmod("mnt/linked", 0644));
	CHECK_SYS(link("mnt/linked", "mnt/e/link"));
	CHECK_SYS(chmod("mnt/gone", 0600));
	CHECK_SYS(chown("mnt/caps", 3, 4));
	put_xattr("mnt/caps", "security.capability", caps_v2, CAPS_V2_SIZE);
	CHECK_SYS(chmod("mnt/empty", 0600));
	CHECK_SYS(chmod("mnt/cut", 0600));
	CHECK_SYS(chmod("mnt/d/in", 0600));
	CHECK_SYS(rename("mnt/d", "mnt/f"));
	CHECK_SYS(chmod("mnt/e/beside", 0600));
	CHECK_SYS(rename("mnt/e/beside", "mnt/e/other"));
	CHECK_SYS(umount("mnt"));
	CHECK(has_mark("upper/read"));
	CHECK(has_mark("upper/f/now"));
	CHECK(has_mark("upper/e/other"));
	CHECK(has_mark("upper/cut"));
}

static void list_overlay(struct listing *l)
{
	mount_overlay("mnt");
	if (tree_list("mnt", LIST_MTIME | LIST_XATTR, l))
		FAIL("%s", tree_error);
	CHECK_SYS(umount("mnt"));
}

/* What is seen is the same, before a change and after, and seeing changes nothing. */
TEST(layertrees, upper_by_overlayfs)
{
	struct listing was, is, upper_was, upper_is;

	make_upper();
	list_overlay(&was);
	CHECK_EQ(tree_list("upper", LIST_ALL, &upper_was), 0);
	fx_mount(1);
	CHECK_EQ(tree_list("mnt", LIST_MTIME | LIST_XATTR, &is), 0);
	CHECK(listing_equal(&was, "overlayfs", &is, "layerfs", 20));
	CHECK_EQ(stat_of("mnt/cut").st_blocks, stat_of("l1/cut").st_blocks);
	fx_umount();
	CHECK_EQ(tree_list("upper", LIST_ALL, &upper_is), 0);
	CHECK(listing_equal(&upper_was, "before", &upper_is, "after", 20));

	fx_mount(1);
	append_file("mnt/read", "+");
	CHECK_SYS(chmod("mnt/mode", 0400));
	CHECK_SYS(rename("mnt/f/now", "mnt/again"));
	append_file("mnt/linked", "+");
	CHECK_STR(cat("mnt/e/link"), "linked+");
	CHECK_SYS(unlink("mnt/gone"));
	CHECK_SYS(truncate("mnt/cut", 70001));
	CHECK_SYS(link("mnt/f/in", "mnt/two"));
	append_file("mnt/empty", "no more");
	CHECK_SYS(rename("mnt/f", "mnt/g"));
	CHECK_EQ(tree_list("mnt", LIST_MTIME | LIST_XATTR, &was), 0);
	fx_remount();
	CHECK_EQ(tree_list("mnt", LIST_MTIME | LIST_XATTR, &is), 0);
	CHECK(listing_equal(&was, "before", &is, "after", 20));
	CHECK_STR(cat("mnt/read"), "read+");
	CHECK_STR(cat("mnt/mode"), "mode");
	CHECK_STR(cat("mnt/again"), "moved");
	CHECK_STR(cat("mnt/two"), "d/in");
	CHECK_STR(cat("mnt/g/in"), "d/in");
	CHECK_STR(cat("mnt/e/link"), "linked+");
	CHECK_STR(cat("mnt/e/other"), "e/beside");
	CHECK_STR(cat("mnt/empty"), "no more");
	CHECK(!exists("mnt/gone"));
	fx_umount();
	CHECK(!has_mark("upper/read"));
	CHECK(!has_mark("upper/mode"));
	CHECK(!has_mark("upper/again"));
	CHECK(!xattr_of("upper/again", OVL "redirect"));
	CHECK(has_mark("upper/e/other"));
	list_overlay(&is);
	CHECK(listing_equal(&was, "layerfs", &is, "overlayfs", 20));
}

/* A change of something else leaves times, owner and capabilities as they are. */
TEST(layertrees, upper_data_comes_quietly)
{
	struct stat was, is;
	char caps[64];

	make_upper();
	mk_mtime("upper/caps", 4321, 99);
	fx_mount(1);
	was = stat_of("mnt/caps");
	mk_xattr("mnt/caps", "user.something", "else");
	is = stat_of("mnt/caps");
	CHECK(!has_mark("upper/caps"));
	CHECK_STR(cat("upper/caps"), "caps");
	CHECK_EQ(is.st_mtim.tv_sec, 4321);
	CHECK_EQ(is.st_mtim.tv_nsec, 99);
	CHECK_EQ(is.st_uid, was.st_uid);
	CHECK_EQ(is.st_mode, was.st_mode);
	CHECK_EQ(is.st_ino, was.st_ino);
	CHECK_EQ(getxattr("mnt/caps", "security.capability", caps, sizeof(caps)), CAPS_V2_SIZE);
	CHECK(!memcmp(caps, caps_v2, CAPS_V2_SIZE));
	fx_remount();
	CHECK_EQ(stat_of("mnt/caps").st_ino, was.st_ino);
}

/* Open files and mappings from before follow, also of what has no name any more. */
TEST(layertrees, upper_data_comes_to_who_has_it_open)
{
	char *map, buf[8] = "";
	int fd, gone, wr;

	make_upper();
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/read", O_RDONLY));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK(!memcmp(map, "read", 4));
	gone = CHECK_SYS(open("mnt/gone", O_RDWR));
	CHECK_SYS(unlink("mnt/gone"));
	wr = CHECK_SYS(open("mnt/read", O_WRONLY));
	CHECK(has_mark("upper/read"));
	CHECK_EQ(pwrite(wr, "R", 1, 0), 1);
	CHECK(!has_mark("upper/read"));
	CHECK(!memcmp(map, "Read", 4));
	CHECK_EQ(pread(fd, buf, 7, 0), 4);
	CHECK_STR(buf, "Read");
	CHECK_EQ(pwrite(gone, "G", 1, 0), 1);
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(pread(gone, buf, 7, 0), 4);
	CHECK_STR(buf, "Gone");
	CHECK_SYS(fsync(wr));
	munmap(map, 4096);
	close(fd);
	close(gone);
	close(wr);
	/* written to through a mapping, in the first place */
	wr = CHECK_SYS(open("mnt/f/in", O_RDWR));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, wr, 0);
	CHECK(map != MAP_FAILED);
	map[0] = 'D';
	munmap(map, 4096);
	close(wr);
	CHECK_STR(cat("mnt/f/in"), "D/in");
	fx_remount();
	CHECK_STR(cat("mnt/f/in"), "D/in");
	CHECK_STR(cat("mnt/read"), "Read");
}

/* Without the layer that has it, or with something else there. */
TEST(layertrees, upper_data_is_not_there)
{
	static const char *const bad[] = { "none", "dir", "climbs", "forged" };
	char path[32];

	SKIP_ON_OVERLAY("has errors of its own");
	fx_dirs(1);
	mk_dir("l1/dir");
	mk_file("l1/good", "data");
	mk_file("l1/forged", "data");
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "upper/%s", bad[i]);
		mk_file(path, "");
		CHECK_SYS(truncate(path, 4));
		put_xattr(path, OVL "metacopy", "y", i == 3);
	}
	put_xattr("upper/climbs", OVL "redirect", "../l1/good", 10);
	mk_file("upper/good", "");
	CHECK_SYS(truncate("upper/good", 4));
	put_xattr("upper/good", OVL "metacopy", "", 0);
	fx_mount(1);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "mnt/%s", bad[i]);
		CHECK_EQ(stat_error(path), EIO);
		CHECK_ERR(open(path, O_RDWR | O_TRUNC), EIO);
	}
	CHECK_STR(cat("mnt/good"), "data");
	CHECK_STR(ls("mnt"), "climbs dir forged good none");
}

/* Read-only, it is read all the same; the file that is open then sees a later write. */
TEST(layertrees, upper_read_only)
{
	char buf[8] = "";
	int fd;

	make_upper();
	fx_mount(1);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	fd = CHECK_SYS(open("mnt/read", O_RDONLY));
	CHECK_EQ(read(fd, buf, 7), 4);
	CHECK_STR(buf, "read");
	CHECK_ERR(open("mnt/read", O_RDWR), EROFS);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT, NULL));
	append_file("mnt/read", "+");
	CHECK_EQ(pread(fd, buf, 7, 0), 5);
	CHECK_STR(buf, "read+");
	close(fd);
}

/* On a layer of data, through a layer that has none itself. */
TEST(layertrees, upper_on_layers_of_data)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1::data" }, { "upperdir", "upper" },
				  { "workdir", "work" }, {} };

	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(1);
	mk_dirs("data/aa");
	mk_file("data/aa/1", "object");
	mk_file("l1/f", "");
	CHECK_SYS(truncate("l1/f", 6));
	put_xattr("l1/f", OVL "metacopy", "", 0);
	put_xattr("l1/f", OVL "redirect", "/aa/1", 5);
	mk_dirs("ow");
	if (system("modprobe overlay 2>/dev/null"))
		test_note("no module overlay, or built in");
	CHECK_SYS(mount("none", "mnt", "overlay", 0, "lowerdir=l1::data,upperdir=upper,workdir=ow,"
			"metacopy=on,redirect_dir=on"));
	CHECK_SYS(chmod("mnt/f", 0600));
	CHECK_SYS(rename("mnt/f", "mnt/g"));
	CHECK_SYS(umount("mnt"));
	CHECK(has_mark("upper/g"));
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(ls("mnt"), "g");
	CHECK_STR(cat("mnt/g"), "object");
	append_file("mnt/g", "+");
	CHECK_STR(cat("upper/g"), "object+");
	CHECK_SYS(umount("mnt"));
}
