// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for somebody else's copy-up can be killed, and has changed nothing:
 *
 *	./
 *	|-- l1/			file, other, dir/in, one and two, which are one file
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

/* A container with its upper on the disk. */
static void on_disk(void)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "disk/upper" },
				  { "workdir", "disk/work" }, {} };

	SKIP_ON_OVERLAY("is not asked");
	fx_dirs(1);
	mk_dir("disk");
	mk_file("l1/file", "file");
	mk_file("l1/other", "other");
	mk_dir("l1/dir");
	mk_file("l1/dir/in", "in");
	mk_file("l1/one", "links");
	CHECK_SYS(link("l1/one", "l1/two"));
	CHECK_EQ(system("truncate -s 64M img && mkfs.ext4 -q img"), 0);
	CHECK_EQ(loop_mount("img", "", "disk"), 0);
	mk_dir("disk/upper");
	mk_dir("disk/work");
	mk_file("disk/upper/meta", "");
	CHECK_SYS(truncate("disk/upper/meta", 4));
	CHECK_SYS(setxattr("disk/upper/meta", "trusted.overlay.metacopy", "", 0, 0));
	mk_redirect("disk/upper/meta", "/file");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
}

static void off_disk(void)
{
	/* That there are copies of files with several names is noted there. */
	CHECK(!strcmp(ls("disk/work/work"), "") || !strcmp(ls("disk/work/work"), "incompat"));
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("disk"));
}

TEST(signals, kill_who_waits_for_a_copy_up)
{
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

	on_disk();
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
	CHECK_STR(ls("mnt"), "dir file meta one other two");
	CHECK_STR(cat("mnt/file"), "file+");
	CHECK_STR(cat("mnt/other"), "other+");
	CHECK_EQ(stat_of("mnt/file").st_mode & 07777, 0644);
	CHECK(!xattr_of("mnt/file", "user.x"));
	CHECK_STR(ls("disk/upper"), "file meta other");
	off_disk();
}

/* Writes: what else changes something has the VFS hold a lock that nobody is killed in. */
static void write_in(void *arg __attribute__((unused)))		{ append_file("mnt/dir/in", "+"); }
static void write_link(void *arg __attribute__((unused)))	{ append_file("mnt/one", "+"); }
static void fill_meta(void *arg __attribute__((unused)))	{ append_file("mnt/meta", "+"); }
static void do_dir(void)	{ chmod("mnt/dir", 0711); }
static void do_in_dir(void)	{ mkdir("mnt/dir/new", 0700); }
static void do_link_other(void)	{ chmod("mnt/two", 0611); }
static void do_unlink_one(void)	{ unlink("mnt/one"); }
static void do_meta(void)	{ truncate("mnt/meta", 1); }
static void do_unlink_meta(void)	{ unlink("mnt/meta"); }

/* Copy-ups of other kinds: who waits can be killed, and who copies goes on after the thaw. */
TEST(signals, kill_who_waits_for_other_copy_ups)
{
	static const struct {
		const char *what;
		void (*copies)(void *arg);
		void (*waits[2])(void);
	} kinds[] = {
		{ "a directory", write_in, { do_dir, do_in_dir } },
		{ "one of two names", write_link, { do_link_other, do_unlink_one } },
		{ "a file without data", fill_meta, { do_meta, do_unlink_meta } },
	};
	int disk;

	on_disk();
	CHECK_STR(cat("mnt/meta"), "file");
	CHECK_STR(cat("mnt/two"), "links");
	CHECK_STR(cat("mnt/one"), "links");
	CHECK_STR(ls("mnt/dir"), "in");
	disk = CHECK_SYS(open("disk", O_RDONLY | O_DIRECTORY));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		pid_t a;

		CHECK_SYS(ioctl(disk, FIFREEZE, 0));
		a = spawn(kinds[i].copies, NULL);
		wait_until_stuck(a);
		for (int w = 0; w < 2; w++)
			killed_while_it_waits(kinds[i].what, kinds[i].waits[w]);
		CHECK_SYS(ioctl(disk, FITHAW, 0));
		reap(a);
	}
	close(disk);
	CHECK_STR(ls("mnt"), "dir file meta one other two");
	CHECK_EQ(stat_of("mnt/dir").st_mode & 07777, 0755);
	CHECK_STR(ls("mnt/dir"), "in");
	CHECK_STR(cat("mnt/dir/in"), "in+");
	CHECK_EQ(stat_of("mnt/two").st_mode & 07777, 0644);
	CHECK_EQ(stat_of("mnt/two").st_nlink, 2);
	CHECK_STR(cat("mnt/two"), "links+");
	CHECK_STR(cat("mnt/meta"), "file+");
	off_disk();
}
