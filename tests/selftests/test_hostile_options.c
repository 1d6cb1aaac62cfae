// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mount options of any bytes, in every way that the kernel takes them.  A refused
 * mount takes nothing with it; one that is accepted can be used and undone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

#define NOT_OVERLAY	SKIP_ON_OVERLAY("takes options of its own")

static const char *const keys[] = {
	"lowerdir", "lowerdir+", "upperdir", "workdir", "volatile", "userxattr",
};

#define NKEYS	(sizeof(keys) / sizeof(*keys))

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Each byte alone, repeated to the longest string there is, and at either end. */
TEST(hostile, options_each_byte)
{
	char value[256];
	int fd;

	NOT_OVERLAY;
	fx_dirs(1);
	for (int c = 1; c < 256; c++) {
		fd = CHECK_SYS(fsopen(fs_type(), FSOPEN_CLOEXEC));
		for (size_t k = 0; k < 4; k++) {
			memset(value, c, 255);
			value[255] = '\0';
			/* "/" and "." are directories however often repeated */
			if (c != '/')
				CHECK_EQ(fsconfig(fd, FSCONFIG_SET_STRING, keys[k],
						  value, 0), -1);
			value[1] = '\0';
			if (c != '/' && c != '.')
				CHECK_EQ(fsconfig(fd, FSCONFIG_SET_STRING, keys[k],
						  value, 0), -1);
			snprintf(value, sizeof(value), "l1%c", c);
			if (c != '/' && c != ':')
				fsconfig(fd, FSCONFIG_SET_STRING, keys[k], value, 0);
		}
		memset(value, c, 255);
		value[255] = '\0';
		CHECK_EQ(fsconfig(fd, FSCONFIG_SET_FLAG, value, NULL, 0), -1);
		CHECK_EQ(fsconfig(fd, FSCONFIG_SET_STRING, value, value, 0), -1);
		CHECK_EQ(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), -1);
		close(fd);
	}
	must_mount(1, NULL);
	CHECK_SYS(umount("mnt"));
}

/* Those that a directory can be given to in other ways, too. */
static bool takes_paths(const char *key)
{
	return strchr(key, '+') || !strcmp(key, "upperdir") || !strcmp(key, "workdir");
}

/* Values that are no strings. */
TEST(hostile, options_of_other_types)
{
	int fd = CHECK_SYS(fsopen("layerfs", FSOPEN_CLOEXEC));
	int dir = CHECK_SYS(open(".", O_PATH | O_DIRECTORY));

	NOT_OVERLAY;
	for (size_t k = 0; k < NKEYS; k++) {
		if (k < 4)
			CHECK_EQ(fsconfig(fd, FSCONFIG_SET_FLAG, keys[k], NULL, 0), -1);
		CHECK_EQ(fsconfig(fd, FSCONFIG_SET_BINARY, keys[k], "l1", 2), -1);
		if (!takes_paths(keys[k])) {
			CHECK_EQ(fsconfig(fd, FSCONFIG_SET_PATH, keys[k], ".", dir), -1);
			CHECK_EQ(fsconfig(fd, FSCONFIG_SET_PATH_EMPTY, keys[k], "", dir), -1);
		}
		CHECK_EQ(fsconfig(fd, FSCONFIG_SET_FD, keys[k], NULL, dir), -1);
	}
	CHECK_EQ(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), -1);
	CHECK_EQ(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), -1);
	/* a context that has failed once is of no more use */
	CHECK_EQ(fsconfig(fd, FSCONFIG_SET_STRING, "lowerdir", ".", 0), -1);
	CHECK_EQ(errno, EBUSY);
	CHECK_EQ(fsmount(fd, 0, 0), -1);
	close(fd);
	close(dir);
}

/* A whole page of one character, and of options that end in the wrong place. */
TEST(hostile, options_page_of_one_byte)
{
	static const char *const tails[] = {
		"lowerdir=l1\\", "lowerdir=\\", "lowerdir=l1,", ",,,,", "=", "=,=",
		"lowerdir", "lowerdir=", "lowerdir+=", "lowerdir=l1,lowerdir=l1",
		"lowerdir=l1\\,upperdir=upper", "lowerdir=l1:\\", "lowerdir=\\:l1",
		"upperdir=upper,workdir=work", "lowerdir=l1,upperdir=upper",
		"lowerdir=l1,volatile", "lowerdir=l1,volatile=1", "\\", "\\\\", "\\,",
	};
	static char page[4096];

	NOT_OVERLAY;
	fx_dirs(1);
	for (int c = 1; c < 256; c += c < 128 ? 1 : 9) {
		memset(page, c, sizeof(page));
		CHECK_EQ(mount("none", "mnt", fs_type(), 0, page), -1);
		memcpy(page, "lowerdir=", 9);
		/* of slashes only it is "/" */
		if (!mount("none", "mnt", fs_type(), 0, page)) {
			CHECK_EQ(c, '/');
			CHECK_SYS(umount("mnt"));
		}
	}
	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		memset(page, 0, sizeof(page));
		strcpy(page, tails[i]);
		if (mount("none", "mnt", fs_type(), 0, page))
			continue;
		/* "lowerdir=l1," and a trailing backslash that stands for itself */
		CHECK(i == 2);
		CHECK_SYS(umount("mnt"));
	}
	must_mount(1, NULL);
	CHECK_SYS(umount("mnt"));
}

/* One option of random kind, from words that mean something and random bytes. */
static int random_option(int fd, uint32_t *seed)
{
	static const char *const words[] = {
		"l1", "l2", "upper", "work", ":", "\\", ",", "\\:", "/", ".", "..", "",
		"l1:l2", "mnt", "\xff", "\n", "l1/d", "upper/d", "//", "=", "file",
	};
	char value[300] = "";
	int n = next(seed) % 4;

	for (int i = 0; i < n; i++)
		strcat(value, words[next(seed) % (sizeof(words) / sizeof(*words))]);
	if (next(seed) % 4 == 0) {
		size_t len = next(seed) % 250;

		for (size_t i = 0; i < len; i++)
			value[i] = next(seed) % 255 + 1;
		value[len] = '\0';
	}
	return fsconfig(fd, next(seed) % 8 ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
			keys[next(seed) % NKEYS],
			value, 0);
}

/*
 * Random options with a fixed seed: a mount that comes about shows its root, and
 * comes off; after all of them nothing is in use.
 */
TEST(hostile, options_random)
{
	uint32_t seed = 20240601;
	char log[1024];
	int mounts = 0;

	NOT_OVERLAY;
	fx_dirs(2);
	mk_dir("l1/d");
	mk_dir("upper/d");
	mk_file("file", "");
	for (int i = 0; i < 400; i++) {
		int fd = CHECK_SYS(fsopen(fs_type(), FSOPEN_CLOEXEC)), mfd;

		for (int n = next(&seed) % 5; n >= 0; n--)
			random_option(fd, &seed);
		/* now and then what a mount needs */
		if (next(&seed) % 2)
			fsconfig(fd, FSCONFIG_SET_STRING, "lowerdir+", "l2", 0);
		if (!fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
			mounts++;
			mfd = CHECK_SYS(fsmount(fd, 0, 0));
			CHECK_SYS(move_mount(mfd, "", AT_FDCWD, "mnt",
					     MOVE_MOUNT_F_EMPTY_PATH));
			ls("mnt");
			close(mfd);
			CHECK_SYS(umount("mnt"));
		}
		while (read(fd, log, sizeof(log)) > 0)
			;
		close(fd);
	}
	test_note("%d of 400 came about", mounts);
	CHECK(mounts > 10);
	must_mount(2, NULL);
	CHECK_SYS(umount("mnt"));
}

/* A remount with garbage changes nothing. */
TEST(hostile, options_remount_with_garbage)
{
	static const char *const bad[] = {
		"lowerdir=l2", "lowerdir=", "lowerdir=\\", "upperdir=l1", "workdir=",
		"lowerdir+=l2", "nonsense", "\xff\xfe", "volatile", "lowerdir=l1:l1",
		"upperdir=/", "lowerdir=l1,lowerdir=l1", "userxattr",
	};

	NOT_OVERLAY;
	fx_dirs(1);
	mk_dir("l2");
	mk_file("l1/f", "x");
	fx_mount(1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (!mount("none", "mnt", NULL, MS_REMOUNT, bad[i]))
			FAIL("remounted with \"%s\"", bad[i]);
		CHECK_STR(ls("mnt"), "f");
	}
	append_file("mnt/f", "+");
	CHECK_STR(cat("upper/f"), "x+");
}

/* As many layers as there may be, and one more. */
TEST(hostile, options_too_many_layers)
{
	int fd, n;

	NOT_OVERLAY;
	fx_dirs(1);
	fd = CHECK_SYS(fsopen(fs_type(), FSOPEN_CLOEXEC));
	for (n = 0; n < 5000; n++)
		if (fsconfig(fd, FSCONFIG_SET_STRING, "lowerdir+", "l1", 0))
			break;
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(n, 4096);
	/* all are the same one, which is found out in time */
	CHECK_EQ(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), -1);
	CHECK_EQ(errno, EINVAL);
	close(fd);
}
