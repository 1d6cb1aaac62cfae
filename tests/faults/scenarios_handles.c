// SPDX-License-Identifier: GPL-2.0-only
/*
 * File handles: taken, and followed from nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handle.h"
#include "scenario.h"

static struct fh handle;

static int take(const char *path)
{
	struct fh fh = { .h.handle_bytes = MAX_HANDLE_SZ };
	int id;

	return RC(name_to_handle_at(AT_FDCWD, path, &fh.h, &id, 0));
}

static int take_lower(void)
{
	return take("mnt/low");
}

static int take_upper(void)
{
	return take("mnt/up");
}

static int take_dir(void)
{
	return take("mnt/m/sub");
}

SCENARIO(handle_of_lower, "low", .op = take_lower, .flags = SCN_READS)
SCENARIO(handle_of_upper, "up", .op = take_upper, .flags = SCN_READS)
SCENARIO(handle_of_dir, "m", .op = take_dir, .flags = SCN_READS)

static int follow(void)
{
	int fd = open_by_handle_at(scn_fd, &handle.h, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : RC(close(fd));
}

static void keep(const char *path)
{
	handle = fh_of(path);
	scn_fd = CHECK_SYS(open("mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void keep_lower(void)
{
	keep("mnt/deep/e/f/g");
}

static void keep_copied(void)
{
	keep_lower();
	CHECK_SYS(chmod("mnt/deep/e/f/g", 0644));
}

/* Its place in the layer does not lead to it any more. */
static void keep_moved(void)
{
	keep_lower();
	CHECK_SYS(rename("mnt/deep/e/f/g", "mnt/m/g"));
}

static void keep_moved_dir(void)
{
	keep("mnt/deep/e");
	CHECK_SYS(rename("mnt/deep/e", "mnt/m/e"));
}

static void keep_upper(void)
{
	keep("mnt/updir/f");
}

static void keep_twin(void)
{
	keep("mnt/twin1");
	CHECK_SYS(chmod("mnt/twin2", 0600));
}

#define FOLLOW(nm, parts, before, ...)						\
	SCENARIO(follow_##nm, parts, .prepare = before, .op = follow,		\
		 .cleanup = cleanup_fd, .flags = SCN_COLD __VA_ARGS__)

FOLLOW(lower, "deep", keep_lower, | SCN_READS)
FOLLOW(copied, "deep", keep_copied)
FOLLOW(moved, "deep m", keep_moved)
FOLLOW(moved_dir, "deep m", keep_moved_dir)
FOLLOW(upper, "updir", keep_upper)
FOLLOW(twin, "twins", keep_twin)
