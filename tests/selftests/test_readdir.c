// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing directories: each name once, right type, right inode number, and
 * whole under change.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"

struct dirent64_raw {
	ino64_t d_ino;
	off64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

/* Each entry's d_type and d_ino agree with lstat; . and .. are there, once. */
static void check_entries(const char *path, int want)
{
	struct dirent *de;
	int count = 0, dots = 0;
	struct stat st;
	DIR *dir = opendir(path);

	if (!dir)
		FAIL("opendir %s: %s", path, strerror(errno));
	while ((errno = 0, de = readdir(dir))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..")) {
			CHECK_EQ(de->d_type, DT_DIR);
			dots++;
			continue;
		}
		count++;
		CHECK_SYS(fstatat(dirfd(dir), de->d_name, &st,
				  AT_SYMLINK_NOFOLLOW));
		if (de->d_type != IFTODT(st.st_mode))
			FAIL("%s: d_type %d, mode %o", de->d_name, de->d_type,
			     st.st_mode);
		if (de->d_ino != st.st_ino)
			FAIL("%s: d_ino %lu, st_ino %lu", de->d_name, de->d_ino,
			     st.st_ino);
	}
	CHECK_EQ(errno, 0);
	CHECK_EQ(dots, 2);
	CHECK_EQ(count, want);
	closedir(dir);
}

/*
 *	upper/	a	-		e/
 *	l1/	a	b	d/	-	f (file)
 *	l2/	a	b	d/	c	f/ (dir)	lnk	fifo
 */
static void merged_tree(void)
{
	fx_dirs(2);
	mk_file("upper/a", "u");
	mk_dir("upper/e");
	mk_file("l1/a", "1");
	mk_file("l1/b", "1");
	mk_dir("l1/d");
	mk_file("l1/f", "1");
	mk_file("l2/a", "2");
	mk_file("l2/b", "2");
	mk_dir("l2/d");
	mk_file("l2/c", "2");
	mk_dir("l2/f");
	CHECK_SYS(symlink("c", "l2/lnk"));
	CHECK_SYS(mknod("l2/fifo", S_IFIFO | 0600, 0));
}

TEST(readdir, each_name_once)
{
	merged_tree();
	fx_mount(2);
	CHECK_STR(ls("mnt"), "a b c d e f fifo lnk");
	fx_umount();
	fx_mount_ro(2);
	CHECK_STR(ls("mnt"), "a b c d f fifo lnk");
}

TEST(readdir, d_type_and_d_ino)
{
	merged_tree();
	fx_mount(2);
	check_entries("mnt", 8);
	append_file("mnt/c", "+");
	CHECK_SYS(chmod("mnt/d", 0700));
	CHECK_SYS(rename("mnt/lnk", "mnt/lnk2"));
	check_entries("mnt", 8);
	fx_remount();
	check_entries("mnt", 8);
}

TEST(readdir, d_ino_read_only)
{
	merged_tree();
	fx_mount_ro(2);
	check_entries("mnt", 7);
}

/* ".." of a directory is its parent in the mount, not in a layer. */
TEST(readdir, dot_and_dotdot)
{
	struct dirent *de;
	DIR *dir;

	SKIP_ON_OVERLAY("d_ino of .. is the real directory's now and then");
	fx_dirs(2);
	mk_dirs("l1/d/e");
	mk_dirs("l2/d/e");
	fx_mount(2);
	dir = opendir("mnt/d/e");
	CHECK(dir);
	while ((de = readdir(dir))) {
		if (!strcmp(de->d_name, "."))
			CHECK_EQ(de->d_ino, stat_of("mnt/d/e").st_ino);
		else if (!strcmp(de->d_name, ".."))
			CHECK_EQ(de->d_ino, stat_of("mnt/d").st_ino);
	}
	closedir(dir);
}

TEST(readdir, whiteouts_hide_and_do_not_show)
{
	fx_dirs(3);
	mk_file("l3/gone", "3");
	mk_file("l3/back", "3");
	mk_whiteout("l2/gone");
	mk_whiteout("l2/back");
	mk_whiteout("l2/never");
	mk_file("l1/back", "1");
	mk_whiteout("upper/stray");
	mk_file("l3/kept", "3");
	fx_mount(3);
	CHECK_STR(ls("mnt"), "back kept");
	CHECK_ERR(access("mnt/never", F_OK), ENOENT);
	CHECK_ERR(access("mnt/stray", F_OK), ENOENT);
	CHECK_SYS(unlink("mnt/kept"));
	CHECK_STR(ls("mnt"), "back");
	CHECK(is_whiteout("upper/kept"));
	fx_remount();
	CHECK_STR(ls("mnt"), "back");
}

/* Big enough for many calls of getdents, with small buffers. */
TEST(readdir, big_directory_small_buffers)
{
	static char seen[700];
	char buf[512], path[64];
	int fd, n, count = 0;

	fx_dirs(3);
	for (int i = 0; i < 600; i++) {
		snprintf(path, sizeof(path), "l%d/n%d", i % 3 + 1, i);
		mk_file(path, "");
		if (i % 10)
			continue;
		snprintf(path, sizeof(path), "l%d/n%d", (i + 1) % 3 + 1, i);
		mk_file(path, "");
	}
	fx_mount(3);
	for (int i = 600; i < 700; i++) {
		snprintf(path, sizeof(path), "mnt/n%d", i);
		mk_file(path, "");
	}
	fd = CHECK_SYS(open("mnt", O_RDONLY | O_DIRECTORY));
	while ((n = CHECK_SYS(syscall(SYS_getdents64, fd, buf, sizeof(buf))))) {
		for (int pos = 0; pos < n;) {
			struct dirent64_raw *de = (void *)(buf + pos);

			if (de->d_name[0] == 'n') {
				int i = atoi(de->d_name + 1);

				CHECK(i >= 0 && i < 700);
				if (seen[i]++)
					FAIL("%s twice", de->d_name);
				count++;
			}
			pos += de->d_reclen;
		}
	}
	CHECK_EQ(count, 700);
	close(fd);
}

/* rewinddir shows what has changed; an open stream does not fall over it. */
TEST(readdir, rewind_sees_changes)
{
	char names[256] = "";
	struct dirent *de;
	DIR *dir;

	fx_dirs(2);
	mk_file("l1/a", "");
	mk_file("l2/b", "");
	fx_mount(2);
	dir = opendir("mnt");
	CHECK(dir);
	while (readdir(dir))
		;
	mk_file("mnt/c", "");
	CHECK_SYS(unlink("mnt/b"));
	rewinddir(dir);
	while ((de = readdir(dir)))
		if (de->d_name[0] != '.')
			strcat(names, de->d_name);
	closedir(dir);
	CHECK_EQ(strlen(names), 2);
	CHECK(strchr(names, 'a') && strchr(names, 'c'));
}

/* telldir/seekdir: from any cookie the listing goes on where it was. */
TEST(readdir, seek_to_every_position)
{
	long where[64];
	char names[64][8], path[32];
	struct dirent *de;
	int n = 0;
	DIR *dir;

	fx_dirs(2);
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "l%d/f%d", i % 2 + 1, i);
		mk_file(path, "");
	}
	fx_mount(2);
	mk_file("mnt/new", "");
	dir = opendir("mnt");
	CHECK(dir);
	for (where[0] = telldir(dir); (de = readdir(dir));) {
		snprintf(names[n], sizeof(names[n]), "%.7s", de->d_name);
		where[++n] = telldir(dir);
	}
	CHECK_EQ(n, 23);
	for (int i = n - 1; i >= 0; i--) {
		seekdir(dir, where[i]);
		de = readdir(dir);
		CHECK(de);
		CHECK_STR(de->d_name, names[i]);
	}
	closedir(dir);
}

/* rm -rf as rm does it: reads and removes by turns until nothing is left. */
TEST(readdir, remove_while_reading)
{
	char path[64];

	fx_dirs(2);
	mk_dir("l1/d");
	mk_dir("l2/d");
	for (int i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "l%d/d/f%d", i % 2 + 1, i);
		mk_file(path, "");
	}
	fx_mount(2);
	for (int i = 400; i < 500; i++) {
		snprintf(path, sizeof(path), "mnt/d/f%d", i);
		mk_file(path, "");
	}
	tree_remove("mnt/d");
	CHECK_ERR(access("mnt/d", F_OK), ENOENT);
	CHECK(is_whiteout("upper/d"));
	CHECK_STR(ls("upper"), "d");
}

TEST(readdir, opaque_directories)
{
	fx_dirs(3);
	mk_dir("l1/d");
	mk_file("l1/d/1", "");
	mk_dir("l2/d");
	mk_opaque("l2/d");
	mk_file("l2/d/2", "");
	mk_dir("l3/d");
	mk_file("l3/d/3", "");
	fx_mount(3);
	CHECK_STR(ls("mnt/d"), "1 2");
	CHECK_ERR(access("mnt/d/3", F_OK), ENOENT);
	CHECK_SYS(chmod("mnt/d", 0700));
	CHECK_STR(ls("mnt/d"), "1 2");
	fx_remount();
	CHECK_STR(ls("mnt/d"), "1 2");
}

/* A directory that is open while it is removed lists nothing, and no error. */
TEST(readdir, removed_directory_is_empty)
{
	struct dirent *de;
	DIR *dir;

	fx_dirs(1);
	mk_dir("l1/d");
	fx_mount(1);
	dir = opendir("mnt/d");
	CHECK(dir);
	CHECK_SYS(rmdir("mnt/d"));
	while ((errno = 0, de = readdir(dir)))
		CHECK(!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."));
	CHECK(errno == 0 || errno == ENOENT);
	closedir(dir);
}

TEST(readdir, fsync_and_seek_errors)
{
	char b;
	int fd;

	fx_dirs(1);
	mk_dir("l1/d");
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/d", O_RDONLY | O_DIRECTORY));
	CHECK_SYS(fsync(fd));
	mk_file("mnt/d/f", "");
	CHECK_SYS(fsync(fd));
	CHECK_ERR(read(fd, &b, 1), EISDIR);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(open("mnt/d", O_RDWR), EISDIR);
	close(fd);
}

/* What getdents returns of @fd into a buffer this small: the names' numbers. */
static int some_names(int fd, int numbers[], int max)
{
	char buf[96];
	int n, count = 0;

	n = CHECK_SYS(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	for (int pos = 0; pos < n;) {
		struct dirent64_raw *de = (void *)(buf + pos);

		if (de->d_name[0] == 'f' && count < max)
			numbers[count++] = atoi(de->d_name + 1);
		pos += de->d_reclen;
	}
	return n ? count : -1;
}

/*
 *	l1/d, l2/d	f0 ... f199 in turn
 *	upper		f200 ... f299, made through the mount
 */
static void many_files(void)
{
	char path[64];

	fx_dirs(2);
	mk_dir("l1/d");
	mk_dir("l2/d");
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "l%d/d/f%d", i % 2 + 1, i);
		mk_file(path, "");
	}
	fx_mount(2);
	for (int i = 200; i < 300; i++) {
		snprintf(path, sizeof(path), "mnt/d/f%d", i);
		mk_file(path, "");
	}
}

/* A few names listed, these removed, and on: nothing is left out. */
TEST(readdir, remove_by_small_steps)
{
	int fd, n, numbers[8], removed = 0;
	char path[64];

	many_files();
	fd = CHECK_SYS(open("mnt/d", O_RDONLY | O_DIRECTORY));
	while ((n = some_names(fd, numbers, 8)) >= 0) {
		for (int i = 0; i < n; i++) {
			snprintf(path, sizeof(path), "mnt/d/f%d", numbers[i]);
			CHECK_SYS(unlink(path));
			removed++;
		}
	}
	CHECK_EQ(removed, 300);
	CHECK_STR(ls("mnt/d"), "");
	CHECK_SYS(rmdir("mnt/d"));
	close(fd);
}

/* The same from the start each time, as programs do that do not trust offsets. */
TEST(readdir, remove_and_rewind)
{
	int fd, n, numbers[8], removed = 0;
	char path[64];

	many_files();
	fd = CHECK_SYS(open("mnt/d", O_RDONLY | O_DIRECTORY));
	while ((n = some_names(fd, numbers, 8)) >= 0) {
		for (int i = 0; i < n; i++) {
			snprintf(path, sizeof(path), "mnt/d/f%d", numbers[i]);
			CHECK_SYS(unlink(path));
			removed++;
		}
		if (n)
			CHECK_SYS(lseek(fd, 0, SEEK_SET));
	}
	CHECK_EQ(removed, 300);
	CHECK_SYS(rmdir("mnt/d"));
	close(fd);
}

/*
 * Offsets stay good while the directory changes: from each, the listing goes on
 * with the name that came then, unless it is gone; and no name comes twice.
 */
TEST(readdir, seek_across_changes)
{
	static char seen[300], names[310][8];
	long where[310];
	char path[64];
	struct dirent *de;
	int n = 0;
	DIR *dir;

	SKIP_ON_OVERLAY("a directory that does not merge has the upper's offsets");
	many_files();
	dir = opendir("mnt/d");
	CHECK(dir);
	for (where[0] = telldir(dir); n < 302 && (de = readdir(dir));) {
		snprintf(names[n], sizeof(names[n]), "%.7s", de->d_name);
		where[++n] = telldir(dir);
	}
	CHECK_EQ(n, 302);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "mnt/d/f%d", i);
		if (i % 3 == 0)
			CHECK_SYS(unlink(path));
		else if (i % 3 == 1)
			CHECK_SYS(chmod(path, 0600));	/* copied up */
		snprintf(path, sizeof(path), "mnt/d/new%d", i);
		mk_file(path, "");
	}
	/* Offset 0 starts anew, and so would end what the others mean. */
	for (int i = n - 1; i > 0; i--) {
		if (names[i][0] == 'f' && atoi(names[i] + 1) % 3 == 0)
			continue;
		seekdir(dir, where[i]);
		de = readdir(dir);
		CHECK(de);
		CHECK_STR(de->d_name, names[i]);
	}
	seekdir(dir, where[n / 2]);
	while ((de = readdir(dir)))
		if (de->d_name[0] == 'f' && seen[atoi(de->d_name + 1)]++)
			FAIL("%s twice", de->d_name);
	closedir(dir);
}

/* Kernel memory that lists of names are in, in bytes. */
static long kernel_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	long kib, sum = 0;
	char line[128];

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "SUnreclaim: %ld", &kib) == 1 ||
		    sscanf(line, "VmallocUsed: %ld", &kib) == 1)
			sum += kib;
	fclose(f);
	return sum * 1024;
}

#define MAX_NAMES	100000
#define READERS		40

static void mount_names(const char *upper, const char *work, const char *target)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1:l2:l3:l4:l5:l6:l7:l8:l9:l10" },
				  { "upperdir", upper }, { "workdir", work }, {} };

	mk_dir(upper);
	mk_dir(work);
	mk_dir(target);
	if (fs_mount(opts, target))
		FAIL("mount: %s", mount_log);
}

static void list_all(const char *path, int names)
{
	static char seen[MAX_NAMES];
	int count = 0;
	struct dirent *de;
	DIR *dir = opendir(path);

	CHECK(dir);
	memset(seen, 0, sizeof(seen));
	while ((errno = 0, de = readdir(dir))) {
		if (de->d_name[0] != 'n')
			continue;
		if (seen[atoi(de->d_name + 1)]++)
			FAIL("%s twice", de->d_name);
		count++;
	}
	CHECK_EQ(errno, 0);
	CHECK_EQ(count, names);
	closedir(dir);
}

/*
 * 100,000 names in ten layers, one in ten of them in two: one list for all who
 * read, in two containers, and not more of it than a name needs.
 *
 *	l1/d/		n0, n10, n20 ...
 *	l2/ to l10/	links to tmpfs/, where a hundred thousand files are soon made
 *			and soon gone: d/ with n1, n11 ... to n9, n19 ...
 */
TEST_WITH(readdir, hundred_thousand_names, .timeout = 900, .alone = true)
{
	int names = on_slow_kernel() ? MAX_NAMES / 10 : MAX_NAMES;
	long before, one, all;
	int fds[READERS];
	char path[64], b[512];

	SKIP_ON_OVERLAY("each container has a list of its own");
	mk_dirs("l1/d");
	mk_dir("tmpfs");
	CHECK_SYS(mount("none", "tmpfs", "tmpfs", 0, "mode=755"));
	for (int i = 2; i <= 10; i++) {
		snprintf(path, sizeof(path), "tmpfs/l%d/d", i);
		mk_dirs(path);
		*strrchr(path, '/') = '\0';
		CHECK_SYS(symlink(path, strrchr(path, '/') + 1));
	}
	for (int i = 0; i < names; i++) {
		snprintf(path, sizeof(path), "l%d/d/n%d", i % 10 + 1, i);
		CHECK_SYS(mknod(path, S_IFREG | 0644, 0));
		snprintf(path, sizeof(path), "l%d/d/n%d", (i / 10) % 10 + 1, i);
		if (i % 10 == 5 && mknod(path, S_IFREG | 0644, 0))
			CHECK_EQ(errno, EEXIST);
	}
	mount_names("upper1", "work1", "m1");
	mount_names("upper2", "work2", "m2");
	CHECK_EQ(stat_of("m1/d").st_mode, stat_of("m2/d").st_mode);
	before = kernel_memory();
	list_all("m1/d", names);
	one = kernel_memory() - before;
	before = kernel_memory();
	for (int i = 0; i < READERS; i++) {
		fds[i] = CHECK_SYS(open(i % 2 ? "m1/d" : "m2/d",
					O_RDONLY | O_DIRECTORY));
		CHECK(syscall(SYS_getdents64, fds[i], b, sizeof(b)) > 0);
	}
	list_all("m2/d", names);
	all = kernel_memory() - before;
	test_note("one reader %ld bytes, %d more %ld", one, READERS, all);
	/* Of a few names it would tell nothing. */
	CHECK(on_slow_kernel() || one < names * 160L);
	CHECK(on_slow_kernel() || all < names * 10L);
	for (int i = 0; i < READERS; i++)
		close(fds[i]);
	CHECK_SYS(umount("m1"));
	CHECK_SYS(umount("m2"));
	CHECK_SYS(umount("tmpfs"));
}
