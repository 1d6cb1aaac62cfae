// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "idmap.h"

int map, other_map;

static void write_map(pid_t pid, const char *what, uid_t first, unsigned int count)
{
	char path[64], map[64];
	int fd, len;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	len = snprintf(map, sizeof(map), "0 %u %u\n", first, count);
	fd = CHECK_SYS(open(path, O_WRONLY | O_CLOEXEC));
	CHECK_EQ(write(fd, map, len), len);
	close(fd);
}

int map_of(uid_t first, unsigned int count)
{
	char path[64], c;
	int ready[2], fd;
	pid_t pid;

	CHECK_SYS(pipe2(ready, O_CLOEXEC));
	fflush(stdout);
	pid = CHECK_SYS(fork());
	if (!pid) {
		/* Its files in /proc are to be the caller's, also in a namespace. */
		if (unshare(CLONE_NEWUSER) || prctl(PR_SET_DUMPABLE, 1))
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &c, 1), 1);
	close(ready[0]);
	write_map(pid, "uid_map", first, count);
	write_map(pid, "gid_map", first, count);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_SYS(waitpid(pid, NULL, 0));
	return fd;
}

int map_from(uid_t first)
{
	return map_of(first, MAP_COUNT);
}

void maps(void)
{
	SKIP_ON_OVERLAY("is not asked");
	map = map_from(FIRST);
	other_map = map_from(OTHER);
}

int mapped_mount(const char *from, int map)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = map };
	int mount = CHECK_SYS(open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));

	if (mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		FAIL("cannot map %s: %s", from, strerror(errno));
	return mount;
}

void place(int mount, const char *at)
{
	CHECK_SYS(move_mount(mount, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH));
	close(mount);
}

void map_onto(const char *from, int map, const char *at)
{
	place(mapped_mount(from, map), at);
}

int map_begin(int map, const char *file, int line)
{
	if (!child_begin(0, file, line))
		return 0;
	CHECK_SYS(setns(map, CLONE_NEWUSER));
	CHECK_SYS(setgroups(0, NULL));
	CHECK_SYS(setresgid(0, 0, 0));
	CHECK_SYS(setresuid(0, 0, 0));
	return 1;
}

/* As in <linux/posix_acl_xattr.h>. */
struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct acl_entry e[5];
};

enum { TAG_OWNER = 1, TAG_USER = 2, TAG_GROUP = 4, TAG_MASK = 0x10, TAG_OTHER = 0x20 };

void mk_acl(const char *path, const char *name, mode_t mode, uid_t uid, unsigned int perm)
{
	struct acl acl = {
		.version = htole32(2),
		.e = {
			{ htole16(TAG_OWNER), htole16(mode >> 6 & 7), -1 },
			{ htole16(TAG_USER), htole16(perm), htole32(uid) },
			{ htole16(TAG_GROUP), htole16(mode >> 3 & 7), -1 },
			{ htole16(TAG_MASK), htole16(7), -1 },
			{ htole16(TAG_OTHER), htole16(mode & 7), -1 },
		},
	};

	if (setxattr(path, name, &acl, sizeof(acl), 0))
		FAIL("%s on %s: %s", name, path, strerror(errno));
}

uid_t acl_user(const char *path, const char *name)
{
	struct acl acl;
	ssize_t n = getxattr(path, name, &acl, sizeof(acl));

	if (n == -1 && errno == ENODATA)
		return -1;
	if (n != sizeof(acl) || le16toh(acl.e[1].tag) != TAG_USER)
		FAIL("%s of %s: %zd bytes", name, path, n);
	return le32toh(acl.e[1].id);
}

void mk_owned(const char *path, uid_t uid, mode_t mode)
{
	mk_file(path, "text");
	CHECK_SYS(chown(path, uid, uid));
	CHECK_SYS(chmod(path, mode));
}

void mk_owned_dir(const char *path, uid_t uid, mode_t mode)
{
	mk_dir(path);
	CHECK_SYS(chown(path, uid, uid));
	CHECK_SYS(chmod(path, mode));
}

void must_mount_at(const char *lower, const char *upper, const char *work,
			  const char *at)
{
	struct mnt_opt opts[] = { { "lowerdir", lower }, { upper ? "upperdir" : NULL, upper },
				  { "workdir", work }, {} };
	int rc;

	mk_dirs(at);
	rc = fs_mount(opts, at);
	if (rc)
		FAIL("mount %s: %s: %s", at, strerror(-rc), mount_log);
}
