// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes under the mount, which nobody should make: what shows is what was there or
 * what is there, never something else; what was found out is logged, once.
 *
 *	l1/f		"one"
 *	l1/d/		a, and a whiteout of c
 *	l1/p/q/r/	s
 *	l2/d/		b, c
 *	upper/u		"up"
 *	upper/d/	new, and a whiteout of b; added by with_upper_d()
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "kmsg.h"

#define BIG	(8 << 20)

static const struct mnt_opt opts[] = {
	{ "lowerdir", "l1:l2" }, { "upperdir", "upper" }, { "workdir", "work" }, {}
};
static int kmsg = -1;

static void make(void)
{
	SKIP_ON_OVERLAY("has answers of its own");
	fx_dirs(2);
	mk_file("l1/f", "one");
	mk_dir("l1/d");
	mk_file("l1/d/a", "a");
	mk_whiteout("l1/d/c");
	mk_dirs("l1/p/q/r");
	mk_file("l1/p/q/r/s", "s");
	mk_dir("l2/d");
	mk_file("l2/d/b", "b");
	mk_file("l2/d/c", "c");
	mk_file("upper/u", "up");
	kmsg = kmsg_open();
}

static void mount_it(void)
{
	int rc = fs_mount(opts, "mnt");

	if (rc)
		FAIL("mount: %s: %s", strerror(-rc), mount_log);
}

static void remount_it(void)
{
	CHECK_SYS(umount("mnt"));
	mount_it();
}

static void with_upper_d(void)
{
	mk_dir("upper/d");
	mk_file("upper/d/new", "new");
	mk_whiteout("upper/d/b");
}

/* How often the log says that something of this test, at @where, was changed. */
static int logged(const char *what, const char *where)
{
	char cwd[512], path[1024];

	CHECK(getcwd(cwd, sizeof(cwd)));
	snprintf(path, sizeof(path), "/%s/%s'", basename(cwd), where);
	return kmsg_count(kmsg, what, path);
}

#define LAYER_LOG	"was changed while in use"
#define UPPER_LOG	"was changed from outside the mount"

/* In place: it shows, and the copy is of what is there. */
TEST(changes, layer_file_edited)
{
	make();
	mount_it();
	CHECK_STR(cat("mnt/f"), "one");
	append_file("l1/f", " two");
	CHECK_STR(cat("mnt/f"), "one two");
	CHECK_EQ(stat_of("mnt/f").st_size, 7);
	append_file("mnt/f", " three");
	append_file("l1/f", " four");
	CHECK_STR(cat("mnt/f"), "one two three");
	CHECK_SYS(umount("mnt"));
}

static void keep_writing(__attribute__((unused)) void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int fd = CHECK_SYS(open("l1/big", O_WRONLY));

	for (;;) {
		CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
		CHECK_EQ(pwrite(fd, "y", 1, BIG - 1), 1);
		nanosleep(&pause, NULL);
	}
}

/* While it is copied: there is no copy that is neither the old file nor the new one. */
TEST(changes, layer_file_edited_while_it_is_copied)
{
	pid_t writer;
	char c;
	int fd;

	make();
	CHECK_SYS(mount("none", "l1", "tmpfs", 0, NULL));
	mk_pattern("l1/big", BIG, 7);
	mount_it();
	writer = spawn(keep_writing, NULL);
	fd = CHECK_SYS(open("mnt/big", O_RDONLY));
	do
		CHECK_EQ(pread(fd, &c, 1, BIG - 1), 1);
	while (c != 'y');
	close(fd);
	CHECK_ERR(chmod("mnt/big", 0600), ESTALE);
	CHECK(!exists("upper/big"));
	CHECK_ERR(chmod("mnt/big", 0600), ESTALE);
	CHECK_EQ(kmsg_count(kmsg, LAYER_LOG, "at '/big'"), 1);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	CHECK_SYS(chmod("mnt/big", 0600));
	CHECK_EQ(system("cmp l1/big upper/big && cmp l1/big mnt/big"), 0);
	CHECK_SYS(umount("mnt"));
	CHECK_STR(ls("work/work"), "");
}

/* What is known is there until it is forgotten, and can be changed. */
TEST(changes, layer_file_removed)
{
	int fd;

	make();
	mount_it();
	fd = CHECK_SYS(open("mnt/f", O_RDONLY));
	CHECK_STR(ls("mnt"), "d f p u");
	CHECK_SYS(unlink("l1/f"));
	CHECK_STR(cat("mnt/f"), "one");
	append_file("mnt/f", "+");
	CHECK_STR(cat_fd(fd), "one+");
	CHECK_STR(cat("upper/f"), "one+");
	CHECK_EQ(logged(LAYER_LOG, "l1/f"), 1);
	close(fd);
	CHECK_SYS(unlink("mnt/f"));
	CHECK(!exists("mnt/f"));
	CHECK_SYS(umount("mnt"));
}

/* As editors do it. */
TEST(changes, layer_file_replaced)
{
	make();
	mount_it();
	CHECK_STR(cat("mnt/f"), "one");
	mk_file("l1/f.new", "another one");
	CHECK_SYS(rename("l1/f.new", "l1/f"));
	CHECK_STR(cat("mnt/f"), "one");
	CHECK_EQ(stat_of("mnt/f").st_size, 3);
	remount_it();
	CHECK_STR(cat("mnt/f"), "another one");
	CHECK_SYS(umount("mnt"));
}

/* Known not to be there: so it stays, and the name can be used. */
TEST(changes, layer_file_added)
{
	make();
	mount_it();
	CHECK(!exists("mnt/g"));
	CHECK_STR(ls("mnt"), "d f p u");
	mk_file("l1/g", "layer");
	CHECK(!exists("mnt/g"));
	CHECK_STR(ls("mnt"), "d f p u");
	mk_file("mnt/g", "upper");
	CHECK_STR(cat("mnt/g"), "upper");
	CHECK_STR(ls("mnt"), "d f g p u");
	remount_it();
	CHECK_STR(cat("mnt/g"), "upper");
	CHECK_SYS(umount("mnt"));
}

/* What it hid does not come to light because of that. */
TEST(changes, layer_directory_removed)
{
	make();
	mount_it();
	CHECK_SYS(access("mnt/d", F_OK));
	CHECK_EQ(system("rm -r l1/d"), 0);
	CHECK_ERR(access("mnt/d/c", F_OK), ESTALE);
	CHECK_ERR(access("mnt/d/b", F_OK), ESTALE);
	CHECK_ERR(open("mnt/d/new", O_CREAT | O_RDWR, 0600), ESTALE);
	CHECK_EQ(system("ls mnt/d 2>&1 | grep -q 'Stale file handle'"), 0);
	CHECK_EQ(logged(LAYER_LOG, "l1/d"), 1);
	remount_it();
	CHECK_STR(ls("mnt/d"), "b c");
	CHECK_SYS(umount("mnt"));
}

#define MANY 40

/* Anybody can change layers of his own as often as he likes: the log is everybody's. */
TEST_WITH(changes, many_are_not_all_logged, .timeout = 300, .alone = true)
{
	struct mnt_opt many[] = { { "lowerdir", "." }, {} };
	time_t begin = time(NULL);
	int lines;

	SKIP_ON_OVERLAY("has answers of its own");
	fx_dirs(1);
	kmsg = kmsg_open();
	for (int i = 0; i < MANY; i++) {
		char layer[16], dir[24];

		snprintf(layer, sizeof(layer), "many%d", i);
		snprintf(dir, sizeof(dir), "many%d/d", i);
		mk_dirs(dir);
		many[0].value = layer;
		CHECK_EQ(fs_mount(many, "mnt"), 0);
		CHECK_SYS(access("mnt/d", F_OK));
		CHECK_SYS(rmdir(dir));
		CHECK_ERR(access("mnt/d/x", F_OK), ESTALE);
		CHECK_SYS(umount("mnt"));
	}
	lines = kmsg_count(kmsg, LAYER_LOG, "/many");
	test_note("%d lines in %lld s", lines, (long long)(time(NULL) - begin));
	CHECK(lines > 0);
	CHECK(lines <= 10 * ((time(NULL) - begin) / 5 + 2));
	/* For those that come after it. */
	sleep(6);
}

TEST(changes, layer_removed)
{
	make();
	mount_it();
	CHECK_STR(cat("mnt/f"), "one");
	CHECK_EQ(system("rm -r l1"), 0);
	CHECK_STR(cat("mnt/f"), "one");
	CHECK_ERR(access("mnt/other", F_OK), ESTALE);
	CHECK_STR(cat("mnt/u"), "up");
	CHECK_EQ(logged(LAYER_LOG, "l1"), 1);
	CHECK_SYS(umount("mnt"));
	CHECK_EQ(fs_mount(opts, "mnt"), -ENOENT);
}

/* The mount has the directory, not the path. */
TEST(changes, layer_renamed)
{
	make();
	mount_it();
	CHECK_SYS(rename("l1", "old"));
	mk_dir("l1");
	mk_file("l1/f", "new layer");
	CHECK_STR(cat("mnt/f"), "one");
	CHECK_STR(ls("mnt/d"), "a b");
	append_file("mnt/d/b", "+");
	CHECK_STR(cat("upper/d/b"), "b+");
	remount_it();
	CHECK_STR(cat("mnt/f"), "new layer");
	CHECK_SYS(umount("mnt"));
}

/* Turned inside out: a directory is now below what was below it. */
TEST(changes, layer_directories_renamed)
{
	make();
	mount_it();
	CHECK_STR(cat("mnt/p/q/r/s"), "s");
	CHECK_SYS(rename("l1/p/q/r", "l1/r"));
	CHECK_SYS(rename("l1/p", "l1/r/p"));
	CHECK_STR(cat("mnt/p/q/r/s"), "s");
	CHECK_STR(cat("mnt/r/s"), "s");
	CHECK_STR(ls("mnt/r/p/q"), "");
	append_file("mnt/p/q/r/s", "+");
	append_file("mnt/r/s", "-");
	mk_file("mnt/r/p/q/t", "t");
	CHECK_SYS(rename("mnt/p/q", "mnt/r/p/q/t2"));
	CHECK_SYS(umount("mnt"));
	mount_it();
	CHECK_SYS(access("mnt/r", F_OK));
	CHECK_SYS(umount("mnt"));
}

/* It is looked for again, and what is there now counts. */
TEST(changes, upper_file_removed)
{
	make();
	mount_it();
	append_file("mnt/f", "+");
	CHECK_STR(cat("mnt/u"), "up");
	CHECK_SYS(unlink("upper/f"));
	CHECK_SYS(unlink("upper/u"));
	CHECK_STR(cat("mnt/f"), "one+");
	CHECK_ERR(unlink("mnt/u"), ENOENT);
	CHECK_EQ(logged(UPPER_LOG, "upper/u"), 1);
	/* of which the layer's is left */
	CHECK_SYS(rename("mnt/f", "mnt/g"));
	CHECK_STR(cat("mnt/g"), "one");
	CHECK_STR(ls("mnt"), "d g p");
	CHECK_EQ(logged(UPPER_LOG, "upper/f"), 0);
	CHECK_SYS(umount("mnt"));
}

TEST(changes, upper_file_added)
{
	int fd;

	make();
	mount_it();
	CHECK(!exists("mnt/new"));
	CHECK(!exists("mnt/dir"));
	mk_file("upper/new", "outside");
	mk_dir("upper/dir");
	CHECK_ERR(open("mnt/new", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	CHECK_EQ(logged(UPPER_LOG, "upper/new"), 1);
	fd = CHECK_SYS(open("mnt/new", O_CREAT | O_RDWR, 0600));
	CHECK_STR(cat_fd(fd), "outside");
	close(fd);
	CHECK_ERR(mkdir("mnt/dir", 0755), EEXIST);
	CHECK_STR(ls("mnt"), "d dir f new p u");
	/* where a copy should go */
	CHECK_STR(cat("mnt/f"), "one");
	fd = CHECK_SYS(open("mnt/f", O_WRONLY | O_APPEND));
	mk_file("upper/f", "outside");
	CHECK_ERR(write(fd, "+", 1), ESTALE);
	close(fd);
	append_file("mnt/f", "+");
	CHECK_STR(cat("mnt/f"), "outside+");
	CHECK_SYS(umount("mnt"));
}

TEST(changes, upper_file_replaced)
{
	make();
	mount_it();
	CHECK_STR(cat("mnt/u"), "up");
	CHECK_SYS(unlink("upper/u"));
	mk_dir("upper/u");
	CHECK_ERR(unlink("mnt/u"), EISDIR);
	CHECK_SYS(rmdir("mnt/u"));
	CHECK(!exists("upper/u"));
	CHECK_SYS(umount("mnt"));
}

/* What it hid does not come to light because of that. */
TEST(changes, upper_directory_removed)
{
	int held;

	make();
	with_upper_d();
	mount_it();
	/* Held: what goes from the cache is looked up anew, and then the image has it. */
	held = CHECK_SYS(open("mnt/d", O_PATH));
	CHECK_EQ(system("rm -r upper/d"), 0);
	CHECK_ERR(access("mnt/d/b", F_OK), ESTALE);
	CHECK_EQ(system("ls mnt/d 2>&1 | grep -q 'Stale file handle'"), 0);
	CHECK_ERR(mkdir("mnt/d/dir", 0755), ESTALE);
	CHECK_EQ(logged(UPPER_LOG, "upper/d"), 1);
	close(held);
	/* to rename it is to look for it again */
	CHECK_SYS(rename("mnt/d", "mnt/e"));
	CHECK_STR(ls("mnt/e"), "a b");
	remount_it();
	CHECK(!exists("mnt/d"));
	CHECK_STR(ls("mnt/e"), "a b");
	CHECK_SYS(umount("mnt"));
}

TEST(changes, upper_directory_renamed)
{
	make();
	with_upper_d();
	mount_it();
	CHECK_STR(ls("mnt/d"), "a new");
	CHECK_SYS(rename("upper/d", "upper/e"));
	CHECK_STR(cat("mnt/d/new"), "new");
	mk_file("mnt/d/more", "more");
	CHECK_STR(cat("upper/e/more"), "more");
	ls("mnt/e");
	ls("mnt");
	CHECK_SYS(umount("mnt"));
	mount_it();
	CHECK_STR(ls("mnt/e"), "more new");
	CHECK_STR(ls("mnt/d"), "a b");
	CHECK_SYS(umount("mnt"));
}

TEST(changes, work_directory_removed)
{
	make();
	mount_it();
	CHECK_EQ(system("rm -r work/work"), 0);
	/* needs no temporary */
	mk_file("mnt/new", "new");
	CHECK_SYS(unlink("mnt/u"));
	/* does */
	CHECK_ERR(chmod("mnt/f", 0600), ESTALE);
	CHECK_ERR(mkdir("mnt/d/dir", 0755), ESTALE);
	CHECK_STR(cat("mnt/f"), "one");
	CHECK_EQ(logged(UPPER_LOG, "work/work"), 1);
	remount_it();
	append_file("mnt/f", "+");
	mk_dir("mnt/d/dir");
	CHECK_STR(ls("mnt"), "d f new p");
	CHECK_SYS(umount("mnt"));
}

static void change_below(void *arg)
{
	static const char * const roots[] = { "l1", "l2", "upper", "work/work" };
	static const char * const names[] = { "d", "f", "p", "d/a", "p/q", "g", "p/q/r", "u" };
	unsigned int seed = (uintptr_t)arg;
	char a[64], b[64];

	for (time_t end = time(NULL) + 8; time(NULL) < end;) {
		const char *root = roots[rand_r(&seed) % 4];

		snprintf(a, sizeof(a), "%s/%s", root, names[rand_r(&seed) % 8]);
		snprintf(b, sizeof(b), "%s/%s", root, names[rand_r(&seed) % 8]);
		switch (rand_r(&seed) % 6) {
		case 0: rename(a, b); break;
		case 1: unlink(a); break;
		case 2: rmdir(a); break;
		case 3: mkdir(a, 0755); break;
		case 4: close(open(a, O_CREAT | O_WRONLY | O_APPEND, 0644)); break;
		case 5: truncate(a, rand_r(&seed) % 100000); break;
		}
	}
}

static void change_above(void *arg)
{
	static const char * const names[] = {
		"mnt/d", "mnt/f", "mnt/p", "mnt/d/a", "mnt/p/q", "mnt/g", "mnt/p/q/r", "mnt/u",
	};
	unsigned int seed = (uintptr_t)arg;
	int fd;

	for (time_t end = time(NULL) + 8; time(NULL) < end;) {
		const char *a = names[rand_r(&seed) % 8], *b = names[rand_r(&seed) % 8];

		switch (rand_r(&seed) % 9) {
		case 0: rename(a, b); break;
		case 1: unlink(a); break;
		case 2: rmdir(a); break;
		case 3: mkdir(a, 0755); break;
		case 4: link(a, b); break;
		case 5: chmod(a, 0700); break;
		case 6:
			if (rand_r(&seed) % 20 == 0)
				drop_caches(false);
			break;
		default:
			fd = open(a, O_CREAT | O_RDWR, 0644);
			if (fd < 0)
				break;
			if (write(fd, a, 5) < 0)
				close(fd);
			else
				close(fd);
			fd = open(a, O_RDONLY | O_DIRECTORY);
			if (fd >= 0)
				close(fd);
		}
	}
}

/* Everybody at everything: the mount comes off, and the next one works. */
TEST(changes, at_random)
{
	pid_t pid[6];

	make();
	with_upper_d();
	mount_it();
	for (uintptr_t i = 0; i < 6; i++)
		pid[i] = spawn(i % 2 ? change_below : change_above, (void *)(i + 1));
	for (int i = 0; i < 6; i++)
		reap(pid[i]);
	CHECK_SYS(umount("mnt"));
	CHECK_EQ(system("rm -rf work/work work/links work/handles"), 0);
	mount_it();
	mk_file("mnt/after", "works");
	CHECK_SYS(umount("mnt"));
}
