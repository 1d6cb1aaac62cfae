// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers as overlayfs leaves them with metacopy=on: files whose data is in a layer
 * below.  What overlayfs shows of the same layers is what is to be seen.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "attack.h"
#include "stacks.h"

#define OVL	"trusted.overlay."

/* A file of @size bytes without data. */
static void mk_metacopy(const char *path, off_t size, const char *redirect)
{
	mk_file(path, "");
	CHECK_SYS(truncate(path, size));
	put_xattr(path, OVL "metacopy", "", 0);
	if (redirect)
		put_xattr(path, OVL "redirect", redirect, strlen(redirect));
}

/* What overlayfs shows of the layers in @list, and what mnt shows, are the same. */
static void same_as_overlay(const char *list)
{
	const unsigned int flags = LIST_MTIME | LIST_XATTR | LIST_NLINK;
	struct listing a, b;

	mk_dirs("ovl");
	stack_overlay("ovl", "lowerdir=%s,metacopy=on,redirect_dir=on", list);
	if (tree_list("ovl", flags, &a) || tree_list("mnt", flags, &b))
		FAIL("%s", tree_error);
	if (!listing_equal(&a, "overlayfs", &b, "layerfs", 20))
		FAIL("not as overlayfs has it");
	listing_free(&a);
	listing_free(&b);
	CHECK_SYS(umount("ovl"));
}

/*
 * overlayfs makes l2 out of changes to l3, and l1 out of changes to both:
 *
 *	l3/a/{mode,owner,moved,deep,linked}, l3/b/, l3/big
 *	l2: metadata of mode, owner, linked and its link; moved renamed twice
 *	l1: metadata of mode again; the directory renamed; big moved into it
 */
TEST(layertrees, metacopy_by_overlayfs)
{
	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(3);
	mk_dirs("l3/a/sub");
	mk_dir("l3/b");
	mk_file("l3/a/mode", "mode");
	mk_file("l3/a/owner", "owner");
	mk_file("l3/a/moved", "moved");
	mk_file("l3/a/sub/deep", "deep");
	mk_file("l3/a/linked", "linked");
	mk_pattern("l3/big", 300000, 7);
	mk_dirs("w");
	stack_overlay("mnt", "lowerdir=l3,upperdir=l2,workdir=w,metacopy=on,redirect_dir=on");
	CHECK_SYS(chmod("mnt/a/mode", 0640));
	CHECK_SYS(chown("mnt/a/owner", 7, 8));
	CHECK_SYS(chmod("mnt/a/linked", 0600));
	CHECK_SYS(link("mnt/a/linked", "mnt/b/link"));
	CHECK_SYS(chmod("mnt/a/moved", 0604));
	CHECK_SYS(rename("mnt/a/moved", "mnt/a/beside"));
	CHECK_SYS(rename("mnt/a/sub/deep", "mnt/b/shallow"));
	CHECK_SYS(umount("mnt"));
	CHECK(xattr_of("l2/a/mode", OVL "metacopy"));
	CHECK(xattr_of("l2/a/beside", OVL "redirect"));
	CHECK_SYS(system("rm -rf w && mkdir w"));
	stack_overlay("mnt", "lowerdir=l2:l3,upperdir=l1,workdir=w,metacopy=on,redirect_dir=on");
	CHECK_SYS(chmod("mnt/a/mode", 0444));
	CHECK_SYS(rename("mnt/a", "mnt/c"));
	CHECK_SYS(chmod("mnt/big", 0400));
	CHECK_SYS(rename("mnt/big", "mnt/c/big"));
	CHECK_SYS(rename("mnt/b/shallow", "mnt/top"));
	CHECK_SYS(umount("mnt"));
	CHECK(xattr_of("l1/c/big", OVL "metacopy"));
	CHECK_STR(cat("l1/c/mode"), "");

	fx_mount_ro(3);
	same_as_overlay("l1:l2:l3");
	fx_umount();
	fx_mount(3);
	CHECK_STR(cat("mnt/c/mode"), "mode");
	CHECK_EQ(stat_of("mnt/c/mode").st_mode & 07777, 0444);
	CHECK_STR(cat("mnt/c/beside"), "moved");
	CHECK_STR(cat("mnt/top"), "deep");
	CHECK_STR(cat("mnt/b/link"), "linked");
	/* the first write brings data and metadata together, and no mark */
	append_file("mnt/c/mode", "+");
	append_file("mnt/b/link", "+");
	CHECK_STR(cat("upper/c/mode"), "mode+");
	CHECK_STR(cat("mnt/c/linked"), "linked+");
	CHECK(!xattr_of("upper/c/mode", OVL "metacopy"));
	CHECK_EQ(stat_of("mnt/c/mode").st_mode & 07777, 0444);
	fx_remount();
	CHECK_STR(cat("mnt/c/mode"), "mode+");
	CHECK_STR(cat("mnt/c/linked"), "linked+");
}

/* What a file without data says of itself, and what its data does. */
TEST(layertrees, metacopy_what_counts)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent[4];
	} fm = { .map = { .fm_length = FIEMAP_MAX_OFFSET, .fm_extent_count = 4,
			  .fm_flags = FIEMAP_FLAG_SYNC } };
	struct stat meta, data, st;
	unsigned char *p;
	int fd;

	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(2);
	mk_pattern("l2/f", 100000, 1);
	CHECK_SYS(chown("l2/f", 1, 1));
	mk_xattr("l2/f", "user.data", "no");
	mk_metacopy("l1/f", 100000, NULL);
	CHECK_SYS(chown("l1/f", 5, 6));
	CHECK_SYS(chmod("l1/f", 0641));
	mk_mtime("l1/f", 1234, 5678);
	mk_xattr("l1/f", "user.meta", "yes");
	fx_mount_ro(2);
	meta = stat_of("l1/f");
	data = stat_of("l2/f");
	st = stat_of("mnt/f");
	CHECK_EQ(st.st_mode, meta.st_mode);
	CHECK_EQ(st.st_uid, 5);
	CHECK_EQ(st.st_gid, 6);
	CHECK_EQ(st.st_mtim.tv_sec, 1234);
	CHECK_EQ(st.st_size, 100000);
	CHECK_EQ(st.st_blocks, data.st_blocks);
	CHECK_EQ(st.st_ino, meta.st_ino);
	CHECK_STR(xattr_of("mnt/f", "user.meta"), "yes");
	CHECK(!xattr_of("mnt/f", "user.data"));

	fd = CHECK_SYS(open("mnt/f", O_RDONLY));
	p = mmap(NULL, 100000, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 100000; i += 997)
		CHECK_EQ(p[i], pattern_byte(1, i));
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 0);
	/* tmpfs has none. */
	if (ioctl(fd, FS_IOC_FIEMAP, &fm))
		CHECK_EQ(errno, EOPNOTSUPP);
	else
		CHECK(fm.map.fm_mapped_extents > 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 100000);
	munmap(p, 100000);
	close(fd);
}

/* Attributes that take a block of their own do not pass for data. */
TEST(layertrees, metacopy_with_long_attributes)
{
	char value[2000];

	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(2);
	memset(value, 'v', sizeof(value));
	mk_file("l2/f", "data");
	mk_metacopy("l1/f", 4, NULL);
	put_xattr("l1/f", "user.long", value, sizeof(value));
	fx_mount_ro(2);
	CHECK_STR(cat("mnt/f"), "data");
}

/*
 * Where the data is looked for: below only, past what has none, not behind an
 * opaque directory or a whiteout, nor where no file is.
 */
TEST(layertrees, metacopy_where_data_is)
{
	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(4);
	mk_dirs("l4/d/e");
	mk_file("l4/d/x", "four");
	mk_file("l4/d/e/x", "deep");
	mk_metacopy("l1/abs", 4, "/d/x");
	mk_metacopy("l1/chain", 4, "/chain2");
	mk_metacopy("l2/chain2", 4, "chain3");
	mk_metacopy("l3/chain3", 4, "/d/e/x");
	mk_dir("l1/d");
	mk_metacopy("l1/d/y", 4, "x");
	mk_metacopy("l1/skip", 4, NULL);
	mk_file("l3/skip", "skip");
	mk_file("l4/skip", "lost");
	/* in a directory that was renamed, by its old name */
	mk_dir("l1/renamed");
	mk_redirect("l1/renamed", "/d/e");
	mk_metacopy("l1/renamed/x", 4, NULL);
	/* past a whiteout that hides the old place of the file */
	mk_whiteout("l1/was");
	mk_metacopy("l1/is", 3, "/was");
	mk_file("l2/was", "was");
	fx_mount_ro(4);
	for (int round = 0; round < 2; round++) {
		CHECK_STR(cat("mnt/abs"), "four");
		CHECK_STR(cat("mnt/chain"), "deep");
		CHECK_STR(cat("mnt/chain2"), "deep");
		CHECK_STR(cat("mnt/d/y"), "four");
		CHECK_STR(cat("mnt/skip"), "skip");
		CHECK_STR(cat("mnt/renamed/x"), "deep");
		CHECK_STR(cat("mnt/is"), "was");
		CHECK(!exists("mnt/was"));
		drop_caches(true);
	}
	same_as_overlay("l1:l2:l3:l4");
}

/* All copies and counts as if the file were one: unlink, rename, truncate, links. */
TEST(layertrees, metacopy_changed)
{
	struct stat before, after;
	int fd;

	SKIP_ON_OVERLAY("copies otherwise");
	fx_dirs(2);
	mk_pattern("l2/a", 70000, 1);
	mk_metacopy("l1/a", 70000, NULL);
	mk_pattern("l2/t", 70000, 2);
	mk_metacopy("l1/t", 70000, NULL);
	mk_file("l2/r", "data");
	mk_metacopy("l1/r", 4, NULL);
	mk_file("l2/u", "gone");
	mk_metacopy("l1/u", 4, NULL);
	mk_file("l2/two", "two");
	mk_metacopy("l1/two", 3, "/two");
	CHECK_SYS(link("l1/two", "l1/one"));
	fx_mount(2);
	before = stat_of("mnt/a");
	fd = CHECK_SYS(open("mnt/a", O_RDONLY));
	CHECK_SYS(chmod("mnt/a", 0600));
	after = stat_of("mnt/a");
	CHECK_EQ(after.st_ino, before.st_ino);
	CHECK_EQ(after.st_blocks, before.st_blocks);
	for (int i = 0; i < 70000; i += 6999) {
		unsigned char c;

		CHECK_EQ(pread(fd, &c, 1, i), 1);
		CHECK_EQ(c, pattern_byte(1, i));
	}
	close(fd);
	CHECK_SYS(truncate("mnt/t", 3));
	CHECK_EQ(stat_of("upper/t").st_size, 3);
	CHECK_SYS(rename("mnt/r", "mnt/s"));
	CHECK_STR(cat("upper/s"), "data");
	CHECK_SYS(unlink("mnt/u"));
	CHECK(!exists("mnt/u"));
	append_file("mnt/one", "+");
	CHECK_STR(cat("mnt/two"), "two+");
	fx_remount();
	CHECK_STR(cat("mnt/s"), "data");
	CHECK_STR(cat("mnt/two"), "two+");
	CHECK(!exists("mnt/u"));
	CHECK(!exists("mnt/r"));
}

/* The options of the mount on mnt as /proc/mounts has them. */
static const char *shown_options(void)
{
	static char line[4096], options[2048];
	FILE *f = fopen("/proc/mounts", "re");
	char dir[1024];

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %1023s %*s %2047s", dir, options) == 2 &&
		    strlen(dir) > 4 && !strcmp(dir + strlen(dir) - 4, "/mnt"))
			break;
	fclose(f);
	return options;
}

static void mount_lower(const char *list, bool upper)
{
	struct mnt_opt opts[] = { { "lowerdir", list }, { upper ? "upperdir" : NULL, "upper" },
				  { "workdir", "work" }, {} };
	int rc = fs_mount(opts, "mnt");

	if (rc)
		FAIL("mount of %s: %s: %s", list, strerror(-rc), mount_log);
}

/*
 * As mkcomposefs(1) makes them: a tree of metadata, and objects in a store.
 *
 *	l1/etc/{one,two}, usr/bin/prog, same	redirects to /aa/..., /bb/...
 *	l1/aa	whiteout: objects have no names here
 *	l2/etc/three
 *	d1/aa/1, d1/bb/ (no object), d2/aa/1 (not reached), d2/bb/2
 */
TEST(layertrees, data_only)
{
	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(2);
	mk_dirs("l1/etc");
	mk_dirs("l1/usr/bin");
	mk_metacopy("l1/etc/one", 3, "/aa/1");
	mk_metacopy("l1/etc/two", 30000, "/bb/2");
	CHECK_SYS(chmod("l1/etc/two", 0604));
	mk_mtime("l1/etc/two", 99, 0);
	mk_metacopy("l1/usr/bin/prog", 30000, "/bb/2");
	mk_metacopy("l1/same", 3, "/aa/1");
	mk_whiteout("l1/aa");
	mk_dirs("l2/etc");
	mk_file("l2/etc/three", "333");
	mk_dirs("d1/aa");
	mk_dirs("d1/bb/2");
	mk_file("d1/aa/1", "one");
	mk_dirs("d2/aa");
	mk_dirs("d2/bb");
	mk_file("d2/aa/1", "ONE");
	mk_pattern("d2/bb/2", 30000, 5);
	mk_file("d2/name", "");

	mount_lower("l1:l2::d1::d2", false);
	same_as_overlay("l1:l2::d1::d2");
	CHECK_STR(ls("mnt"), "etc same usr");
	CHECK_STR(cat("mnt/etc/one"), "one");
	CHECK_STR(cat("mnt/same"), "one");
	CHECK(!exists("mnt/name"));
	CHECK(!exists("mnt/bb"));
	CHECK_EQ(stat_of("mnt/etc/two").st_blocks, stat_of("d2/bb/2").st_blocks);
	CHECK_EQ(stat_of("mnt/etc/two").st_ino, stat_of("l1/etc/two").st_ino);
	CHECK(stat_of("mnt/etc/two").st_ino != stat_of("mnt/usr/bin/prog").st_ino);
	CHECK_SYS(umount("mnt"));

	mount_lower("l1:l2::d1::d2", true);
	append_file("mnt/usr/bin/prog", "+");
	CHECK_EQ(stat_of("upper/usr/bin/prog").st_size, 30001);
	append_file("mnt/etc/one", "+");
	CHECK_STR(cat("mnt/etc/one"), "one+");
	CHECK_STR(cat("mnt/same"), "one");
	CHECK_SYS(umount("mnt"));
	CHECK_STR(cat("d1/aa/1"), "one");
}

/* By absolute redirects of files only, and whatever merges above. */
TEST(layertrees, data_only_by_redirect_only)
{
	SKIP_ON_OVERLAY("has errors of its own");
	fx_dirs(2);
	mk_dirs("l1/d");
	mk_metacopy("l1/d/relative", 4, "data");
	mk_metacopy("l1/d/by_name", 4, NULL);
	mk_metacopy("l1/d/absolute", 4, "/d/data");
	mk_metacopy("l1/d/absent", 4, "/d/none");
	mk_metacopy("l1/d/half", 4, "/d/half2");
	mk_metacopy("l2/half2", 4, "/d/data");
	mk_dir("l2/d");
	mk_metacopy("l1/d/chain", 4, "/d/mid");
	mk_metacopy("l2/d/mid", 4, "data");
	mk_dir("l1/e");
	mk_redirect("l1/e", "/d/sub");
	mk_metacopy("l1/to_link", 4, "/d/link");
	mk_metacopy("l1/through_link", 4, "/link/data");
	mk_metacopy("l1/to_dir", 4, "/d/sub");
	mk_metacopy("l1/to_metacopy", 4, "/d/metacopy");
	mk_dirs("d1/d/sub");
	mk_file("d1/d/sub/file", "");
	mk_file("d1/d/data", "data");
	mk_file("d1/d/by_name", "no");
	CHECK_SYS(symlink("data", "d1/d/link"));
	CHECK_SYS(symlink("d", "d1/link"));
	mk_metacopy("d1/d/metacopy", 4, "/d/data");
	mount_lower("l1:l2::d1", false);
	CHECK_STR(ls("mnt/d"), "absent absolute by_name chain half mid relative");
	CHECK_STR(ls("mnt/e"), "");
	CHECK_STR(cat("mnt/d/absolute"), "data");
	CHECK_EQ(stat_error("mnt/d/relative"), EIO);
	CHECK_EQ(stat_error("mnt/d/chain"), EIO);
	CHECK_EQ(stat_error("mnt/d/mid"), EIO);
	CHECK_EQ(stat_error("mnt/d/by_name"), EIO);
	CHECK_EQ(stat_error("mnt/d/absent"), EIO);
	CHECK_EQ(stat_error("mnt/d/half"), EIO);
	CHECK_STR(cat("mnt/half2"), "data");
	CHECK_EQ(stat_error("mnt/to_link"), EIO);
	CHECK_EQ(stat_error("mnt/through_link"), EIO);
	CHECK_EQ(stat_error("mnt/to_dir"), EIO);
	CHECK_EQ(stat_error("mnt/to_metacopy"), EIO);
	CHECK_SYS(umount("mnt"));
}

/* What the options are, in which order, and how they are shown. */
TEST(layertrees, data_only_options)
{
	static const struct {
		struct mnt_opt opts[5];
		int rc;
		const char *said;
	} row[] = {
		{ { { "lowerdir+", "l1" }, { "lowerdir+", "l2" }, { "datadir+", "d:1" } }, 0,
		  "lowerdir=l1:l2::d\\134:1" },
		{ { { "lowerdir", "l1::d2" } }, 0, "lowerdir=l1::d2" },
		{ { { "lowerdir", "l1:l2::d2::d\\:1" } }, 0, "lowerdir=l1:l2::d2::d\\134:1" },
		{ { { "lowerdir", "::d2" } }, -EINVAL, "empty path" },
		{ { { "lowerdir", "l1:::d2" } }, -EINVAL, "empty path" },
		{ { { "lowerdir", "l1::" } }, -EINVAL, "empty path" },
		{ { { "lowerdir", "l1:" } }, -EINVAL, "empty path" },
		{ { { "lowerdir", "l1::d2:l2" } }, -EINVAL, "'l2' cannot follow" },
		{ { { "lowerdir+", "l1" }, { "datadir+", "d2" }, { "lowerdir+", "l2" } }, -EINVAL,
		  "'l2' cannot follow" },
		{ { { "datadir+", "d2" } }, -EINVAL, "'d2' holds only data" },
		{ { { "lowerdir", "l1" }, { "datadir+", "d2" } }, -EINVAL, "cannot follow lowerdir" },
		{ { { "lowerdir", "l1::d2" }, { "userxattr", NULL } }, -EINVAL, "userxattr" },
		{ { { "lowerdir", "l1::l1" } }, -EINVAL, "same directory" },
	};
	struct mnt_opt wrong[] = { { "lowerdir", "l1:d2" }, {} };
	struct mnt_opt same[] = { { "lowerdir", "l1::d2" }, {} };
	int fd;

	SKIP_ON_OVERLAY("has messages of its own");
	fx_dirs(2);
	mk_dir("d:1");
	mk_dir("d2");
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		int rc = fs_mount(row[i].opts, "mnt");
		const char *said = rc ? mount_log : shown_options();

		if (rc != row[i].rc || !strstr(said, row[i].said))
			FAIL("row %zu: got %d, \"%s\"; want %d, \"%s\"", i, rc, said,
			     row[i].rc, row[i].said);
		if (!rc)
			CHECK_SYS(umount("mnt"));
	}
	CHECK_EQ(fs_mount(same, "mnt"), 0);
	for (int i = 0; i < 2; i++) {
		fd = CHECK_SYS(fspick(AT_FDCWD, "mnt", FSPICK_CLOEXEC));
		CHECK_SYS(fsconfig(fd, FSCONFIG_SET_STRING, "lowerdir",
				   i ? wrong->value : same->value, 0));
		CHECK_SYS(fsconfig(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0));
		CHECK_EQ(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), -i);
		close(fd);
	}
	CHECK_SYS(umount("mnt"));
}

/* An empty file that hides a name. */
static void mk_xwhiteout(const char *path)
{
	mk_file(path, "");
	put_xattr(path, OVL "whiteout", "", 0);
}

/*
 *	l1/ opaque "x": gone whiteout, empty
 *	l1/d/ opaque "x": gone, dir whiteouts; empty; full, with the mark
 *	l1/e/ without the mark: shown, with it
 *	l2: gone, d/{gone,dir/f,stay,full}, e/shown
 */
TEST(layertrees, whiteouts_as_attributes)
{
	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(2);
	put_xattr("l1", OVL "opaque", "x", 1);
	mk_xwhiteout("l1/gone");
	mk_file("l1/empty", "");
	mk_dir("l1/d");
	put_xattr("l1/d", OVL "opaque", "x", 1);
	mk_xwhiteout("l1/d/gone");
	mk_xwhiteout("l1/d/dir");
	mk_file("l1/d/empty", "");
	mk_file("l1/d/full", "full");
	put_xattr("l1/d/full", OVL "whiteout", "", 0);
	mk_file("l2/gone", "");
	mk_dirs("l2/d/dir");
	mk_file("l2/d/gone", "");
	mk_file("l2/d/dir/f", "");
	mk_file("l2/d/stay", "stay");
	mk_file("l2/d/full", "hidden");
	fx_mount_ro(2);
	same_as_overlay("l1:l2");
	CHECK_STR(ls("mnt"), "d empty");
	CHECK_STR(ls("mnt/d"), "empty full stay");
	CHECK(!exists("mnt/gone"));
	CHECK(!exists("mnt/d/dir"));
	CHECK_STR(cat("mnt/d/full"), "full");
	fx_umount();
	fx_mount(2);
	mk_dir("mnt/d/dir");
	CHECK_STR(ls("mnt/d/dir"), "");
	mk_file("mnt/gone", "new");
	CHECK_STR(ls("mnt"), "d empty gone");
	CHECK_SYS(unlink("mnt/gone"));
	CHECK_SYS(rename("mnt/d", "mnt/moved"));
	CHECK_STR(ls("mnt/moved"), "dir empty full stay");
	fx_remount();
	CHECK_STR(ls("mnt"), "empty moved");
	CHECK_STR(ls("mnt/moved"), "dir empty full stay");
	CHECK_STR(cat("mnt/moved/stay"), "stay");
}

/* Only where the directory says that there may be some is it looked for. */
TEST(layertrees, whiteouts_as_attributes_unannounced)
{
	SKIP_ON_OVERLAY("looks up by one rule and lists by another");
	fx_dirs(3);
	mk_dir("l1/e");
	mk_xwhiteout("l1/e/shown");
	mk_dirs("l2/e");
	mk_file("l2/e/shown", "hidden");
	/* on the way of a redirect, too */
	mk_dir("l1/r");
	mk_redirect("l1/r", "/p/q");
	mk_dirs("l2/p");
	put_xattr("l2/p", OVL "opaque", "x", 1);
	mk_xwhiteout("l2/p/q");
	mk_dirs("l3/p/q");
	mk_file("l3/p/q/hidden", "");
	fx_mount_ro(3);
	CHECK_STR(cat("mnt/e/shown"), "");
	CHECK_STR(ls("mnt/e"), "shown");
	CHECK_STR(ls("mnt/r"), "");
	CHECK_STR(ls("mnt/p"), "");
}
