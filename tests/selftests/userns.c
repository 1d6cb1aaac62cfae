// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "userns.h"

static void write_map(pid_t pid, const char *what)
{
	char path[64], map[64];
	int fd, len;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	len = snprintf(map, sizeof(map), "0 %d 1\n1 %d 999\n", NS_ROOT, NS_FIRST);
	fd = CHECK_SYS(open(path, O_WRONLY));
	CHECK_EQ(write(fd, map, len), len);
	close(fd);
}

/* Root's part: newuidmap's and newgidmap's work. */
static void map_ids(pid_t pid, int go)
{
	char c;

	if (read(go, &c, 1) != 1)
		_exit(1);
	write_map(pid, "uid_map");
	write_map(pid, "gid_map");
	_exit(0);
}

void enter_userns(void)
{
	pid_t self = getpid(), helper;
	int go[2], status;

	CHECK_SYS(pipe(go));
	helper = CHECK_SYS(fork());
	if (!helper)
		map_ids(self, go[0]);
	CHECK_SYS(setgroups(0, NULL));
	CHECK_SYS(setresgid(NS_ROOT, NS_ROOT, NS_ROOT));
	CHECK_SYS(setresuid(NS_ROOT, NS_ROOT, NS_ROOT));
	CHECK_SYS(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	CHECK_EQ(write(go[1], "", 1), 1);
	CHECK_SYS(waitpid(helper, &status, 0));
	CHECK_EQ(status, 0);
	close(go[0]);
	close(go[1]);
	CHECK_SYS(setresgid(0, 0, 0));
	CHECK_SYS(setresuid(0, 0, 0));
	CHECK_SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}
