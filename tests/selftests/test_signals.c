// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for somebody else's copy-up can be killed, and has changed nothing:
 *
 *	./
 *	|-- l1/			file, other
 *	|-- disk/upper, work	on a disk that is frozen under the copy-up
 *	`-- mnt/
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"

/* As /proc/PID/stat has it. */
static char state_of(pid_t pid)
{
	char path[32], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	CHECK(f);
	CHECK_EQ(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
	fclose(f);
	return state;
}

static void wait_until_stuck(pid_t pid)
{
	while (state_of(pid) != 'D')
		usleep(1000);
}

static void do_chmod(void)	{ chmod("mnt/file", 0600); }
static void do_truncate(void)	{ truncate("mnt/file", 0); }
static void do_xattr(void)	{ setxattr("mnt/file", "user.x", "x", 1, 0); }
static void do_append(void)	{ append_file("mnt/file", "not this"); }
static void do_unlink(void)	{ unlink("mnt/file"); }
static void do_rename(void)	{ rename("mnt/file", "mnt/elsewhere"); }
static void do_replace(void)	{ rename("mnt/other", "mnt/file"); }
static void do_exchange(void)
{
	renameat2(AT_FDCWD, "mnt/other", AT_FDCWD, "mnt/file", RENAME_EXCHANGE);
}
static void do_link(void)	{ link("mnt/file", "mnt/another"); }

static void killed_while_it_waits(const char *what, void (*fn)(void))
{
	int status, rc = 0;
	pid_t pid = CHECK_SYS(fork());

	if (!pid) {
		fn();
		_exit(0);
	}
	wait_until_stuck(pid);
	CHECK_SYS(kill(pid, SIGKILL));
	for (int ms = 0; !rc && ms < 60000; ms++) {
		rc = waitpid(pid, &status, WNOHANG);
		usleep(1000);
	}
	if (rc != pid)
		FAIL("%s: who waits in it cannot be killed", what);
	CHECK(WIFSIGNALED(status));
}

static void copy_up(void *arg __attribute__((unused)))
{
	append_file("mnt/file", "+");
}

TEST(signals, kill_who_waits_for_a_copy_up)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "disk/upper" },
				  { "workdir", "disk/work" }, {} };
	static const struct {
		const char *what;
		void (*fn)(void);
	} calls[] = {
		{ "chmod", do_chmod }, { "truncate", do_truncate }, { "setxattr", do_xattr },
		{ "write", do_append }, { "link", do_link }, { "rename", do_rename },
		{ "unlink", do_unlink }, { "rename over it", do_replace },
		{ "exchange", do_exchange },
	};
	int disk;
	pid_t a;

	SKIP_ON_OVERLAY("is not asked");
	fx_dirs(1);
	mk_dir("disk");
	mk_file("l1/file", "file");
	mk_file("l1/other", "other");
	CHECK_EQ(system("truncate -s 64M img && mkfs.ext4 -q img"), 0);
	CHECK_EQ(loop_mount("img", "", "disk"), 0);
	mk_dir("disk/upper");
	mk_dir("disk/work");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(cat("mnt/file"), "file");
	/* What is renamed is there: only what it takes the place of is waited for. */
	append_file("mnt/other", "+");

	disk = CHECK_SYS(open("disk", O_RDONLY | O_DIRECTORY));
	CHECK_SYS(ioctl(disk, FIFREEZE, 0));
	a = spawn(copy_up, NULL);
	wait_until_stuck(a);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		killed_while_it_waits(calls[i].what, calls[i].fn);
	CHECK_SYS(ioctl(disk, FITHAW, 0));
	close(disk);
	reap(a);
	CHECK_STR(ls("mnt"), "file other");
	CHECK_STR(cat("mnt/file"), "file+");
	CHECK_STR(cat("mnt/other"), "other+");
	CHECK_EQ(stat_of("mnt/file").st_mode & 07777, 0644);
	CHECK(!xattr_of("mnt/file", "user.x"));
	CHECK_STR(ls("disk/upper"), "file other");
	CHECK_STR(ls("disk/work/work"), "");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("disk"));
}
