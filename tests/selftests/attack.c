// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers of the tests of hostile layers and mounters.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"

void use_tmpfs(void)
{
	mk_dir("tmpfs");
	CHECK_SYS(mount("none", "tmpfs", "tmpfs", 0, "mode=755"));
	CHECK_SYS(chdir("tmpfs"));
}

void put_xattr(const char *path, const char *name, const void *value, size_t len)
{
	if (lsetxattr(path, name, value, len, 0))
		FAIL("setxattr %s %s of %zu bytes: %s", path, name, len,
		     strerror(errno));
}

int try_mount(int layers, const struct mnt_opt *options)
{
	struct mnt_opt opts[24] = {};
	char names[16][8];
	int n = 0;

	if (layers > 16)
		FAIL("at most 16 layers");
	for (int i = 0; i < layers; i++) {
		snprintf(names[i], sizeof(names[i]), "l%d", i + 1);
		opts[n++] = (struct mnt_opt){ "lowerdir+", names[i] };
	}
	opts[n++] = (struct mnt_opt){ "upperdir", "upper" };
	opts[n++] = (struct mnt_opt){ "workdir", "work" };
	for (; options && options->key; options++)
		opts[n++] = *options;
	return fs_mount(opts, "mnt");
}

void must_mount(int layers, const struct mnt_opt *options)
{
	int rc = try_mount(layers, options);

	if (rc)
		FAIL("mount: %s: %s", strerror(-rc), mount_log);
}

int stat_error(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? errno : 0;
}

const char *ls_or_error(const char *path)
{
	static char text[32];
	DIR *dir = opendir(path);

	if (!dir) {
		snprintf(text, sizeof(text), "<%s>", strerrorname_np(errno));
		return text;
	}
	closedir(dir);
	return ls(path);
}

static void write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		FAIL("%s: %s", path, strerror(errno));
	close(fd);
}

static void become(uid_t uid)
{
	CHECK_SYS(setgroups(0, NULL));
	CHECK_SYS(setresgid(uid, uid, uid));
	CHECK_SYS(setresuid(uid, uid, uid));
	/* its files in /proc are its own again */
	CHECK_SYS(prctl(PR_SET_DUMPABLE, 1));
}

int userns_begin(uid_t uid, const char *file, int line)
{
	char map[32];

	if (!child_begin(0, file, line))
		return 0;
	become(uid);
	CHECK_SYS(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_proc("/proc/self/setgroups", "deny");
	write_proc("/proc/self/uid_map", map);
	write_proc("/proc/self/gid_map", map);
	return 1;
}

void drop_capability(int cap)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int i = cap / 32;

	CHECK_SYS(syscall(SYS_capget, &head, data));
	data[i].permitted &= ~(1u << cap % 32);
	data[i].effective &= ~(1u << cap % 32);
	data[i].inheritable &= ~(1u << cap % 32);
	CHECK_SYS(syscall(SYS_capset, &head, data));
}

/* magic: version 2, effective; permitted: 1 << CAP_SETUID */
const unsigned char caps_v2[CAPS_V2_SIZE] = { 1, 0, 0, 2, 0x80 };

int caps_version(const char *path, uid_t *rootid)
{
	unsigned char v[64];
	ssize_t n = lgetxattr(path, "security.capability", v, sizeof(v));

	if (n < 0 && errno == ENODATA)
		return 0;
	if (n == CAPS_V2_SIZE)
		return 2;
	if (n != CAPS_V3_SIZE)
		FAIL("%s: capabilities of %zd bytes: %s", path, n, strerror(errno));
	*rootid = v[20] | v[21] << 8 | v[22] << 16 | (uid_t)v[23] << 24;
	return 3;
}

void mk_program(const char *path)
{
	int in = CHECK_SYS(open("/bin/cat", O_RDONLY | O_CLOEXEC));
	int out = CHECK_SYS(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
	ssize_t n;

	do
		n = CHECK_SYS(sendfile(out, in, NULL, 1 << 20));
	while (n);
	close(in);
	close(out);
}

struct gained run_as_attacker(const char *path)
{
	struct gained g = { -1, -1 };
	char text[8192];
	size_t len = 0;
	ssize_t n;
	int p[2];
	pid_t pid;

	CHECK_SYS(pipe(p));
	fflush(stdout);
	pid = CHECK_SYS(fork());
	if (!pid) {
		become(ATTACKER);
		dup2(p[1], STDOUT_FILENO);
		execl(path, "cat", "/proc/self/status", NULL);
		_exit(errno);
	}
	close(p[1]);
	while ((n = read(p[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	close(p[0]);
	reap(pid);
	if (!strstr(text, "Uid:") || !strstr(text, "CapPrm:"))
		FAIL("%s said: %s", path, text);
	sscanf(strstr(text, "Uid:"), "Uid: %*u %u", &g.euid);
	sscanf(strstr(text, "CapPrm:"), "CapPrm: %llx", &g.caps);
	return g;
}
