// SPDX-License-Identifier: GPL-2.0-only
/* Calls on mounts.  What changes the tree of mounts does so in a namespace of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

/* <sys/mount.h> does not go together with <linux/mount.h>. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);
int umount2(const char *target, int flags);

static const char *const lowers[] = {
	"l0:l1:l2", "l0:l1:l2", "l0", "l1:l0", "l3:l2:l1:l0", "l0:l0", "l2:", "l0::l1", "u0",
	"m0", "m1:l0", "l0/d:l1/d", "l0:l0/d", "none", "l0/a", "l\\0:l1",
};
static const char *const uppers[] = {
	NULL, "u2", "u3", "u0", "u2", "u1", "l0", "m0", "u2/", "w2", "u3/d", "m0/d", "none", "",
	"l3/d", "u2",
};
static const char *const works[] = {
	"w2", "w3", "w2", "w0", NULL, "u2", "u2/w", "w2/work", "m0/e", "none", "w3", "l0",
	"w2", "w3", "w2", "w2",
};
static const char *const extras[] = {
	NULL, "userxattr", "volatile", "ro", "rw", "sync", "bad", "lowerdir", "userxattr",
	"dirsync", "silent", "noatime", NULL, NULL, NULL, NULL,
};

static int config(int fs, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key,
		       value, 0);
}

/* One path at a time, or all at once. */
static void config_lowers(int fs, const char *list, bool each)
{
	char copy[64], *save, *path;

	if (!each) {
		config(fs, "lowerdir", list);
		return;
	}
	snprintf(copy, sizeof(copy), "%s", list);
	for (path = strtok_r(copy, ":", &save); path; path = strtok_r(NULL, ":", &save))
		config(fs, "lowerdir+", path);
}

/* Arguments: layers, upper, work, more, where to keep it, how. */
static long do_fsmount(const uint8_t *a)
{
	const char *upper = uppers[a[1] % 16], *work = works[a[2] % 16];
	int fs = syscall(SYS_fsopen, "layerfs", FSOPEN_CLOEXEC), mnt = -1;
	char log[512];

	if (fs < 0)
		return -1;
	config_lowers(fs, lowers[a[0] % 16], a[5] & 1);
	if (upper)
		config(fs, "upperdir", upper);
	if (upper && work)
		config(fs, "workdir", work);
	if (extras[a[3] % 16])
		config(fs, extras[a[3] % 16], NULL);
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mnt = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, a[5] & 8 ? MOUNT_ATTR_NOSUID : 0);
	while (read(fs, log, sizeof(log)) > 0)
		;
	close(fs);
	if (mnt >= 0 && a[5] & 2 && own_mounts())
		syscall(SYS_move_mount, mnt, "", AT_FDCWD, "t0", MOVE_MOUNT_F_EMPTY_PATH);
	return fd_keep(a[4], mnt);
}

/* Options of any kind, one by one, in a context that may then be mounted. */
static long do_fsconfig(const uint8_t *a)
{
	static const char *const keys[] = {
		"lowerdir", "lowerdir+", "upperdir", "workdir", "volatile", "userxattr", "source",
		"", "x", "ro",
	};
	int fs = syscall(SYS_fsopen, "layerfs", FSOPEN_CLOEXEC);
	long ret = 0;
	size_t len;

	for (int i = 0; i < 6 && fs >= 0; i += 2) {
		const char *key = keys[a[i] % 10];
		char value[300];
		const void *v = bytes_of(a[i + 1], &len);

		snprintf(value, sizeof(value), "%.*s", (int)len, (const char *)v);
		if (a[i] & 0x80)
			snprintf(value, sizeof(value), "%s", lowers[a[i + 1] % 16]);
		switch (a[i + 1] >> 5) {
		case 0:
			ret = syscall(SYS_fsconfig, fs, FSCONFIG_SET_BINARY, key, v, len);
			break;
		case 1:
			ret = syscall(SYS_fsconfig, fs, FSCONFIG_SET_PATH, key, value, AT_FDCWD);
			break;
		case 2:
			ret = syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, key, NULL, fd_of(a[i]));
			break;
		case 3:
			ret = config(fs, key, NULL);
			break;
		case 4:
			ret = syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
			break;
		default:
			ret = config(fs, key, value);
		}
	}
	if (fs >= 0)
		close(fs);
	return ret;
}

/* As mount(8) of old did. */
static long do_mount(const uint8_t *a)
{
	const char *upper = uppers[a[1] % 16], *work = works[a[2] % 16], *more = extras[a[3] % 16];
	char options[512];

	if (!own_mounts())
		return -1;
	snprintf(options, sizeof(options), "%s%s%s%s%s%s%s%s%s", a[4] & 1 ? "" : "lowerdir=",
		 lowers[a[0] % 16], upper ? ",upperdir=" : "", upper ?: "",
		 upper && work ? ",workdir=" : "", upper && work ? work : "", more ? "," : "",
		 more ?: "", a[4] & 2 ? "\\," : "");
	return mount("none", "t0", "layerfs", a[5] & 0x0f, options);
}

static long do_remount(const uint8_t *a)
{
	static const char *const target[] = { "m0", "m1", "t0", "m0/d" };
	static const char *const options[] = { "", "volatile", "lowerdir=l1", "upperdir=u0",
					       "lowerdir=l0:l1:l2", "userxattr" };
	const char *t = target[a[0] % 4];
	unsigned long flags = 32 /* MS_REMOUNT */;
	long ret = mount(NULL, t, NULL, flags | (a[1] & 1), options[a[2] % 6]);

	/* Not for ever: the others want to write. */
	if (a[1] & 1)
		mount(NULL, t, NULL, flags, "");
	return ret;
}

static long do_fspick(const uint8_t *a)
{
	int fs = syscall(SYS_fspick, AT_FDCWD, a[0] & 1 ? "m1" : "t0", FSPICK_CLOEXEC);
	long ret;

	if (fs < 0)
		return -1;
	config(fs, extras[a[1] % 16] ?: "rw", NULL);
	if (a[2] & 1)
		config(fs, "upperdir", uppers[a[3] % 16] ?: "u1");
	ret = syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	close(fs);
	return ret;
}

static long do_umount(const uint8_t *a)
{
	static const char *const target[] = { "t0", "t0", "m0", "m1" };

	if (!own_mounts())
		return -1;
	return umount2(target[a[0] % 4], a[1] & 0x0f);
}

static long do_open_tree(const uint8_t *a)
{
	return fd_keep(a[1], syscall(SYS_open_tree, AT_FDCWD, path_of(a[0]),
				     (a[2] & 1 ? OPEN_TREE_CLONE : 0) | OPEN_TREE_CLOEXEC |
				     (a[2] & 2 ? AT_RECURSIVE : 0)));
}

static long do_move_mount(const uint8_t *a)
{
	if (!own_mounts())
		return -1;
	return syscall(SYS_move_mount, fd_of(a[0]), "", AT_FDCWD, a[1] & 1 ? "t0" : path_of(a[1]),
		       MOVE_MOUNT_F_EMPTY_PATH);
}

/* A user namespace in which the first ids are others. */
static int some_userns(void)
{
	char path[64];
	int fd = -1, ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], path, 1) == 1) {
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "/proc/%d/%cid_map", pid, "ug"[i]);
			fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fd >= 0 && write(fd, "0 100000 65536", 14) < 0)
				errno = 0;
			close(fd);
		}
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	close(ready[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return fd;
}

static long do_mount_setattr(const uint8_t *a)
{
	struct mount_attr attr = { .attr_set = a[1] & 0x3f, .attr_clr = a[2] & 0x0f };
	long ret;

	if (a[3] & 1) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = some_userns();
	}
	if (a[4] & 1 && !own_mounts())
		return -1;
	/* Of a mount of its own, by descriptor, or of the one all use, in a copy. */
	ret = syscall(SYS_mount_setattr, a[4] & 1 ? AT_FDCWD : fd_of(a[0]), a[4] & 1 ? "m0" : "",
		      a[4] & 1 ? 0 : AT_EMPTY_PATH, &attr, sizeof(attr));
	if (a[3] & 1)
		close(attr.userns_fd);
	return ret;
}

/* Into the mount and back out. */
static long do_chroot(const uint8_t *a)
{
	int here = open(".", O_PATH | O_CLOEXEC), root = open("/", O_PATH | O_CLOEXEC);
	struct stat st;
	long ret;

	ret = chroot(path_of(a[0]));
	if (!ret) {
		ret = stat("/a", &st);
		ret |= open("/../d/./a", O_RDONLY | O_NONBLOCK | O_CLOEXEC) > 0;
		if (fchdir(root) || chroot(".") || fchdir(here))
			_exit(1);
	}
	close(here);
	close(root);
	return ret;
}

static long do_mountinfo(const uint8_t *a)
{
	static const char *const files[] = { "/proc/self/mountinfo", "/proc/self/mounts",
					     "/proc/self/mountstats", "/proc/self/maps" };
	int fd = open(files[a[0] % 4], O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0);
	close(fd);
	return n;
}

const struct op mount_ops[] = {
	{ "fsmount", do_fsmount }, { "fsconfig", do_fsconfig }, { "mount", do_mount },
	{ "remount", do_remount }, { "fspick", do_fspick }, { "umount", do_umount },
	{ "open_tree", do_open_tree }, { "move_mount", do_move_mount },
	{ "mount_setattr", do_mount_setattr }, { "chroot", do_chroot },
	{ "mountinfo", do_mountinfo },
	{}
};
