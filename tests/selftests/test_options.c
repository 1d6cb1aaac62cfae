// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options: what is accepted and shown.  What is refused, and with which words, is in
 * wrong_mounts_rows.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"

#define NOT_OVERLAY	SKIP_ON_OVERLAY("has words of its own")

#define UPPER	{ "upperdir", "upper" }
#define WORK	{ "workdir", "work" }

static void print_options(const struct mnt_opt *opts)
{
	char text[512] = "";

	for (; opts->key; opts++) {
		strcat(strcat(text, " "), opts->key);
		if (opts->value)
			strcat(strcat(text, "="), opts->value);
	}
	test_note("options:%s", text);
}

/* One more than the deepest stack of filesystems.  A lowest layer is no level: nesting.* */
TEST(options, stacked_too_deep)
{
	struct mnt_opt one[] = { { "lowerdir", "l1" }, {} };
	struct mnt_opt two[] = { { "lowerdir", "m1:l2" }, {} };
	struct mnt_opt three[] = { { "lowerdir", "m2:l2" }, {} };

	NOT_OVERLAY;
	fx_dirs(2);
	mk_file("l1/f", "x");
	mk_dir("m1");
	mk_dir("m2");
	CHECK_EQ(fs_mount(one, "m1"), 0);
	CHECK_EQ(fs_mount(two, "m2"), 0);
	CHECK_STR(cat("m2/f"), "x");
	CHECK_EQ(fs_mount(three, "mnt"), -EINVAL);
	if (!strstr(mount_log, "'m2'") || !strstr(mount_log, "stacked"))
		FAIL("said: %s", mount_log);
	CHECK_SYS(umount("m2"));
	CHECK_SYS(umount("m1"));
}

/* The options of the mount as /proc/self/mountinfo shows them. */
static void shown(char *out, size_t size)
{
	char line[65536], *p;
	FILE *f = fopen("/proc/self/mountinfo", "r");

	out[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		p = strstr(line, " - ");
		if (!strstr(line, "/mnt ") || !p || !strstr(p, fs_type()))
			continue;
		line[strcspn(line, "\n")] = '\0';
		p = strrchr(line, ' ');
		snprintf(out, size, "%s", p + 1);
	}
	fclose(f);
}

/*
 * The options as shown, made into a string for mount(2): mountinfo's octal
 * escapes undone, as its readers do, and nothing else.
 */
static void unshow(const char *s, char *out)
{
	if (!strncmp(s, "rw,", 3))
		s += 3;
	for (; *s; s++) {
		if (*s == '\\' && s[1] >= '0' && s[1] <= '3') {
			*out++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* What is shown mounts the same again. */
TEST(options, show_round_trip)
{
	struct mnt_opt opts[] = { { "lowerdir+", "a:b" }, { "lowerdir+", "c,d" },
				  { "lowerdir+", "e\\f g" }, { "upperdir", "u\\,p" },
				  { "workdir", "w k\\" }, {} };
	char first[1024], second[1024], again[1024];

	NOT_OVERLAY;
	fx_dirs(0);
	mk_dir("a:b");
	mk_file("a:b/1", "");
	mk_dir("c,d");
	mk_file("c,d/2", "");
	mk_dir("e\\f g");
	mk_file("e\\f g/3", "");
	mk_dir("u\\,p");
	mk_dir("w k\\");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(ls("mnt"), "1 2 3");
	shown(first, sizeof(first));
	CHECK_SYS(umount("mnt"));
	unshow(first, again);
	test_note("shown: %s, mounted again with: %s", first, again);
	CHECK(strstr(first, "lowerdir="));
	CHECK_SYS(mount("none", "mnt", fs_type(), 0, again));
	CHECK_STR(ls("mnt"), "1 2 3");
	shown(second, sizeof(second));
	CHECK_STR(second, first);
	CHECK_SYS(umount("mnt"));
}

TEST(options, shown_in_mountinfo)
{
	char text[1024];

	NOT_OVERLAY;
	fx_mount(2);
	shown(text, sizeof(text));
	CHECK_STR(text, "rw,lowerdir=l1:l2,upperdir=upper,workdir=work");
	fx_umount();
	fx_mount_with(2, "volatile");
	shown(text, sizeof(text));
	CHECK_STR(text, "rw,lowerdir=l1:l2,upperdir=upper,workdir=work,volatile");
	fx_umount();
	fx_mount_ro(2);
	shown(text, sizeof(text));
	CHECK_STR(text, "ro,lowerdir=l1:l2");
}

/* "ro" of the superblock, by fsconfig. */
TEST(options, ro)
{
	fx_dirs(1);
	mk_file("l1/f", "x");
	fx_mount_with(1, "ro");
	CHECK_ERR(open("mnt/f", O_RDWR), EROFS);
	CHECK_ERR(mkdir("mnt/d", 0755), EROFS);
	CHECK_STR(cat("mnt/f"), "x");
	CHECK_STR(ls("upper"), "");
}

/* A message per mount, not the last one's. */
TEST(options, log_is_clean_on_success)
{
	fx_mount(1);
	if (!on_overlay())
		CHECK_STR(mount_log, "");
}

/*
 * More layers than one fsconfig value holds, in the way of mount(8): as much as mount(2)
 * takes, a page with its NUL.
 */
TEST(options, long_list_by_mount2)
{
	char list[8192] = "lowerdir=", path[64];
	int len;

	SKIP_ON_OVERLAY("the options to compare by are not given here");
	fx_dirs(600);
	for (int i = 1; i <= 600; i++) {
		snprintf(path, sizeof(path), "%sl%d", i > 1 ? ":" : "", i);
		strcat(list, path);
	}
	mk_file("l600/last", "x");
	strcat(list, ",upperdir=upper,workdir=work");
	len = strlen(list);
	CHECK(len < 4000);
	memset(list + len, '/', 4095 - len);
	list[4095] = '\0';
	CHECK_SYS(mount("none", "mnt", fs_type(), 0, list));
	CHECK_STR(cat("mnt/last"), "x");
	CHECK_SYS(umount("mnt"));
}

static void mount_shown(const char *text)
{
	bool ro = !strncmp(text, "ro,", 3);
	char again[1024];

	unshow(text + 3, again);
	if (mount("none", "mnt", fs_type(), ro ? MS_RDONLY : 0, again))
		FAIL("mount(2) of %s: %s", again, strerror(errno));
}

/* Every line of /proc/mounts is accepted again, and is then the same. */
TEST(options, each_shown_line_is_accepted_again)
{
	static const struct mnt_opt lines[][7] = {
		{ { "lowerdir", "l1" }, {} },
		{ { "lowerdir", "l1:l2" }, UPPER, WORK, {} },
		{ { "lowerdir", "l1::l2" }, UPPER, WORK, {} },
		{ { "lowerdir", "l1:l 3::l2::d,a" }, {} },
		{ { "lowerdir+", "l1" }, { "datadir+", "d,a" }, UPPER, WORK, {} },
		{ { "lowerdir", "l1" }, UPPER, WORK, { "userxattr", NULL }, {} },
		{ { "lowerdir", "l1" }, UPPER, WORK, { "ro", NULL }, {} },
		{ { "lowerdir", "l1" }, UPPER, WORK, { "volatile", NULL }, {} },
		{ { "lowerdir", "l1:l2" }, UPPER, WORK, { "aufs_whiteouts", NULL }, {} },
		{ { "lowerdir", "t\tn\n#:l1" }, {} },
	};
	char first[1024], second[1024];

	NOT_OVERLAY;
	fx_dirs(2);
	mk_dir("l 3");
	mk_dir("d,a");
	mk_dir("t\tn\n#");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		print_options(lines[i]);
		if (fs_mount(lines[i], "mnt"))
			FAIL("refused: %s", mount_log);
		shown(first, sizeof(first));
		CHECK_SYS(umount("mnt"));
		rmdir("work/work/incompat/volatile");
		test_note("shown: %s", first);
		mount_shown(first);
		shown(second, sizeof(second));
		CHECK_STR(second, first);
		CHECK_SYS(umount("mnt"));
		rmdir("work/work/incompat/volatile");
	}
}

static int dir_fd(const char *path)
{
	return CHECK_SYS(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void read_log_of(int fd)
{
	ssize_t n = read(fd, mount_log, sizeof(mount_log) - 1);

	mount_log[n > 0 ? n : 0] = '\0';
}

/* Directories given by descriptors, and by paths from one; shown by their paths. */
TEST(options, directories_by_descriptor)
{
	char text[PATH_MAX], want[PATH_MAX], cwd[512];
	int fd, at, mfd;

	NOT_OVERLAY;
	fx_dirs(3);
	mk_dir("other");
	mk_file("l1/1", "");
	mk_file("l2/2", "");
	CHECK(getcwd(cwd, sizeof(cwd)));
	at = dir_fd(".");
	fd = CHECK_SYS(fsopen(fs_type(), FSOPEN_CLOEXEC));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_FD, "lowerdir+", NULL, dir_fd("l1")));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_PATH, "lowerdir+", "l2", at));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_PATH_EMPTY, "datadir+", "", dir_fd("l3")));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_FD, "upperdir", NULL, dir_fd("upper")));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_PATH, "workdir", "work", at));
	CHECK_SYS(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	mfd = CHECK_SYS(fsmount(fd, FSMOUNT_CLOEXEC, 0));
	CHECK_SYS(move_mount(mfd, "", AT_FDCWD, "mnt", MOVE_MOUNT_F_EMPTY_PATH));
	close(mfd);
	close(fd);
	CHECK_STR(ls("mnt"), "1 2");
	shown(text, sizeof(text));
	snprintf(want, sizeof(want), "rw,lowerdir=%s/l1:%s/l2::%s/l3,upperdir=%s/upper,workdir=%s/work",
		 cwd, cwd, cwd, cwd, cwd);
	CHECK_STR(text, want);

	/* A remount may name them again, and no others. */
	fd = CHECK_SYS(fspick(AT_FDCWD, "mnt", FSPICK_CLOEXEC));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_FD, "upperdir", NULL, dir_fd("upper")));
	CHECK_SYS(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	close(fd);
	fd = CHECK_SYS(fspick(AT_FDCWD, "mnt", FSPICK_CLOEXEC));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_FD, "upperdir", NULL, dir_fd("other")));
	CHECK_ERR(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), EINVAL);
	close(fd);
	CHECK_SYS(umount("mnt"));
	mount_shown(text);
	CHECK_STR(ls("mnt"), "1 2");
	CHECK_SYS(umount("mnt"));
}

/* What is not a directory, not there, or on a mount that nobody else can see. */
TEST(options, wrong_descriptors)
{
	int fd, tree;

	NOT_OVERLAY;
	fx_dirs(1);
	mk_file("file", "x");
	fd = CHECK_SYS(fsopen(fs_type(), FSOPEN_CLOEXEC));
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FD, "lowerdir+", NULL,
			   CHECK_SYS(open("file", O_RDONLY | O_CLOEXEC))), ENOTDIR);
	read_log_of(fd);
	CHECK(strstr(mount_log, "lowerdir '/") && strstr(mount_log, "/file'"));
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FD, "lowerdir+", NULL, 9999), EBADF);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_PATH, "upperdir", "none", AT_FDCWD), ENOENT);
	read_log_of(fd);
	CHECK(strstr(mount_log, "upperdir"));
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_PATH, "workdir", "file", AT_FDCWD), ENOTDIR);
	/* A list is a string. */
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FD, "lowerdir", NULL, dir_fd("l1")), EINVAL);
	close(fd);

	fd = CHECK_SYS(fsopen(fs_type(), FSOPEN_CLOEXEC));
	tree = CHECK_SYS(open_tree(AT_FDCWD, "l1", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_PATH, "lowerdir+", ".", tree));
	CHECK_ERR(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EINVAL);
	read_log_of(fd);
	CHECK(strstr(mount_log, "layer") && strstr(mount_log, "detached"));
	close(fd);
}
