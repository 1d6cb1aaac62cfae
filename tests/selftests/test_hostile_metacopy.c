// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that say that their data is elsewhere, by an author or a mounter who means
 * harm: out of the layers, in circles, to what is no file, to what is closed, and
 * with privileges that the data would not have.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attack.h"

#define OVL	"trusted.overlay."

static void mk_metacopy(const char *path, off_t size, const char *redirect, size_t len)
{
	mk_file(path, "");
	CHECK_SYS(truncate(path, size));
	put_xattr(path, OVL "metacopy", "", 0);
	if (redirect)
		put_xattr(path, OVL "redirect", redirect, len);
}

/* Nothing outside the layers, nothing that is no file: EIO for that one name. */
TEST(hostile, metacopy_to_what_is_no_data)
{
#define TO(s)	{ s, sizeof(s) - 1 }
	static const struct { const char *value; size_t len; } to[] = {
		TO(""), TO("."), TO(".."), TO("/"), TO("//"), TO("/.."), TO("../etc/outside"),
		TO("/../etc/outside"), TO("/./file"), TO("/file/"), TO("d/file"), TO("/\0"),
		TO("file\0"), TO("/none"), TO("none"), TO("/d"), TO("/d/none"), TO("/file/x"),
		TO("/link"), TO("link"), TO("/dlink/file"), TO("/null"), TO("/fifo"),
		TO("/whiteout"), TO("/opaque/file"), TO("/white/file"), TO("/loop"),
	};
	char path[32];

	SKIP_ON_OVERLAY("has errors of its own");
	use_tmpfs();
	fx_dirs(3);
	mk_dir("etc");
	mk_file("etc/outside", "data");
	for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++) {
		snprintf(path, sizeof(path), "l1/f%02zu", i);
		mk_metacopy(path, 4, to[i].value, to[i].len);
	}
	mk_metacopy("l1/loop", 4, "/loop", 5);
	mk_metacopy("l2/loop", 4, "/loop", 5);
	mk_metacopy("l3/loop", 4, "/loop", 5);
	mk_metacopy("l1/good", 4, "/d/file", 7);
	mk_dirs("l2/d");
	mk_file("l2/d/file", "data");
	mk_dir("l2/opaque");
	mk_opaque("l2/opaque");
	mk_dirs("l3/opaque");
	mk_file("l3/opaque/file", "data");
	mk_whiteout("l2/white");
	mk_dirs("l3/white");
	mk_file("l3/white/file", "data");
	mk_whiteout("l2/whiteout");
	mk_file("l3/whiteout", "data");
	mk_dirs("l3/d");
	mk_file("l3/file", "data");
	CHECK_SYS(unlink("l3/file"));
	CHECK_SYS(symlink("d/file", "l2/link"));
	CHECK_SYS(symlink("d", "l2/dlink"));
	CHECK_SYS(mknod("l2/null", S_IFCHR | 0666, makedev(1, 3)));
	CHECK_SYS(mkfifo("l2/fifo", 0666));
	must_mount(3, NULL);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++) {
			snprintf(path, sizeof(path), "mnt/f%02zu", i);
			if (stat_error(path) != EIO)
				FAIL("%s, redirect \"%s\": got %d, want EIO", path, to[i].value,
				     stat_error(path));
			CHECK_ERR(open(path, O_RDWR | O_TRUNC), EIO);
		}
		drop_caches(false);
	}
	CHECK_EQ(stat_error("mnt/loop"), EIO);
	CHECK_STR(cat("mnt/good"), "data");
	CHECK(strstr(ls("mnt"), "f00 f01"));
	CHECK_SYS(umount("mnt"));
}

/* What the mark may hold. */
TEST(hostile, metacopy_malformed)
{
	static const struct { const char *value; size_t len; int err; } mark[] = {
		{ "", 0, 0 }, { "\0\4\0\0", 4, 0 }, { "\0\6\0\1ab", 6, 0 },
		{ "y", 1, EIO }, { "\0\4\0", 3, EIO }, { "\1\4\0\0", 4, EIO },
		{ "\0\5\0\0", 4, EIO }, { "\0\4\0\0\0", 5, EIO },
		{ NULL, 68, EIO }, { NULL, 69, EIO }, { NULL, 65536, EIO },
	};
	char *zeros = calloc(1, 65536), path[32];

	SKIP_ON_OVERLAY("has errors of its own");
	use_tmpfs();
	fx_dirs(2);
	for (size_t i = 0; i < sizeof(mark) / sizeof(*mark); i++) {
		snprintf(path, sizeof(path), "l1/f%zu", i);
		mk_metacopy(path, 4, "/data", 5);
		put_xattr(path, OVL "metacopy", mark[i].value ?: zeros, mark[i].len);
	}
	mk_file("l2/data", "data");
	must_mount(2, NULL);
	for (size_t i = 0; i < sizeof(mark) / sizeof(*mark); i++) {
		snprintf(path, sizeof(path), "mnt/f%zu", i);
		if (stat_error(path) != mark[i].err)
			FAIL("%s: got %d, want %d", path, stat_error(path), mark[i].err);
		if (!mark[i].err)
			CHECK_STR(cat(path), "data");
	}
	CHECK_SYS(umount("mnt"));
}

/* Each layer sends on to the next: as long a way as there can be layers. */
TEST(hostile, metacopy_through_many_layers)
{
	enum { LAYERS = 4096 };
	static struct mnt_opt opts[LAYERS + 1];
	static char name[LAYERS][8];
	char path[32];

	SKIP_ON_OVERLAY("has fewer layers");
	use_tmpfs();
	mk_dir("mnt");
	for (int i = 0; i < LAYERS; i++) {
		snprintf(name[i], sizeof(name[i]), "%d", i);
		mk_dir(name[i]);
		snprintf(path, sizeof(path), "%d/f", i);
		if (i == LAYERS - 1)
			mk_file(path, "data");
		else
			mk_metacopy(path, 4, i % 2 ? "/f" : NULL, 2);
		opts[i] = (struct mnt_opt){ "lowerdir+", name[i] };
	}
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(cat("mnt/f"), "data");
	CHECK_SYS(umount("mnt"));
}

/* The mounter's right to the data is asked for, whoever owns the metadata. */
TEST(hostile, metacopy_of_what_the_mounter_may_not_read)
{
	fx_dirs(2);
	SKIP_ON_OVERLAY("does not follow them in a user namespace");
	mk_file("l2/secret", "data");
	CHECK_SYS(chmod("l2/secret", 0600));
	mk_dir("l2/closed");
	CHECK_SYS(chmod("l2/closed", 0700));
	mk_file("l2/closed/secret", "data");
	mk_file("l2/open", "data");
	mk_metacopy("l1/f", 4, "/secret", 7);
	mk_metacopy("l1/g", 4, "/closed/secret", 14);
	mk_metacopy("l1/h", 4, "/open", 5);
	CHECK_SYS(chmod(".", 0755));
	IN_USERNS(ATTACKER) {
		struct mnt_opt opts[] = { { "lowerdir", "l1:l2" }, {} };

		CHECK_EQ(fs_mount(opts, "mnt"), 0);
		CHECK_STR(cat("mnt/h"), "data");
		CHECK_ERR(open("mnt/f", O_RDONLY), EACCES);
		CHECK_ERR(open("mnt/g", O_RDONLY), EACCES);
	}
}

/* Setuid over data that has no such right where it comes from. */
TEST(hostile, metacopy_of_data_from_a_nosuid_layer)
{
	SKIP_ON_OVERLAY("asks its own mount alone");
	fx_dirs(2);
	CHECK_SYS(mount("none", "l2", "tmpfs", MS_NOSUID, "mode=755"));
	mk_program("l2/prog");
	mk_metacopy("l1/prog", stat_of("l2/prog").st_size, NULL, 0);
	CHECK_SYS(chmod("l1/prog", 04755));
	put_xattr("l1/prog", "security.capability", caps_v2, sizeof(caps_v2));
	mk_metacopy("upper/up", stat_of("l2/prog").st_size, "/prog", 5);
	CHECK_SYS(chmod("upper/up", 04755));
	put_xattr("upper/up", "security.capability", caps_v2, sizeof(caps_v2));
	must_mount(2, NULL);
	CHECK_EQ(stat_of("mnt/prog").st_mode & 07777, 0755);
	CHECK(!xattr_of("mnt/prog", "security.capability"));
	CHECK_EQ(run_as_attacker("mnt/prog").euid, ATTACKER);
	CHECK(!run_as_attacker("mnt/prog").caps);
	append_file("mnt/prog", "+");
	CHECK_EQ(stat_of("upper/prog").st_mode & 07777, 0755);
	CHECK(!xattr_of("upper/prog", "security.capability"));
	/* nor when the data comes to such a file of the upper */
	CHECK_EQ(stat_of("mnt/up").st_mode & 07777, 0755);
	CHECK(!xattr_of("mnt/up", "security.capability"));
	CHECK_EQ(run_as_attacker("mnt/up").euid, ATTACKER);
	CHECK(!run_as_attacker("mnt/up").caps);
	mk_xattr("mnt/up", "user.change", "");
	CHECK_EQ(stat_of("mnt/up").st_mode & 07777, 0755);
	CHECK_EQ(stat_of("upper/up").st_mode & 07777, 0755);
	CHECK(!xattr_of("upper/up", "security.capability"));
	CHECK_EQ(run_as_attacker("mnt/up").euid, ATTACKER);
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l2"));
}
