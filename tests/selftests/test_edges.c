// SPDX-License-Identifier: GPL-2.0-only
/* Where copy-up, unlinking, links and open files meet. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"

/*
 *	l1/{fifo,link,file,dir/}
 * Changed when the last name is gone: the change is there to see through the
 * descriptor, nothing comes back into the tree.
 */
TEST(edges, change_after_the_last_name_is_gone)
{
	static const char *const names[] = { "fifo", "link", "file", "dir" };
	struct stat st;
	size_t i;
	int fd;

	fx_dirs(1);
	CHECK_SYS(mkfifo("l1/fifo", 0644));
	CHECK_SYS(symlink("nowhere", "l1/link"));
	mk_file("l1/file", "data");
	mk_dir("l1/dir");
	fx_mount(1);
	for (i = 0; i < 4; i++) {
		char path[32];

		snprintf(path, sizeof(path), "mnt/%s", names[i]);
		fd = CHECK_SYS(open(path, O_PATH | O_NOFOLLOW));
		if (i == 3)
			CHECK_SYS(rmdir(path));
		else
			CHECK_SYS(unlink(path));
		CHECK_SYS(fchownat(fd, "", 11, 12, AT_EMPTY_PATH));
		CHECK_SYS(fstatat(fd, "", &st, AT_EMPTY_PATH));
		CHECK_EQ(st.st_uid, 11);
		CHECK_EQ(st.st_gid, 12);
		CHECK_EQ(st.st_nlink, 0);
		close(fd);
	}
	CHECK_STR(ls("mnt"), "");
	fx_remount();
	CHECK_STR(ls("mnt"), "");
}

/* sendfile(2) uses the task's pipe, and so may the copy-up it brings about. */
TEST(edges, sendfile_into_a_layer_file)
{
	enum { SIZE = 300000 };
	static unsigned char buf[SIZE];
	unsigned int i;
	int in, out;

	fx_dirs(1);
	mk_pattern("l1/low", SIZE, 1);
	fx_mount(1);
	mk_pattern("mnt/src", 5000, 2);
	in = CHECK_SYS(open("mnt/src", O_RDONLY));
	out = CHECK_SYS(open("mnt/low", O_RDWR));
	CHECK_EQ(sendfile(out, in, NULL, 5000), 5000);
	CHECK_EQ(pread(out, buf, SIZE, 0), SIZE);
	for (i = 0; i < SIZE; i++)
		CHECK_EQ(buf[i], pattern_byte(i < 5000 ? 2 : 1, i));
	close(in);
	close(out);
}

/* What fcntl() takes away is gone for the real file too. */
TEST(edges, append_taken_away_by_fcntl)
{
	int fd;

	fx_dirs(1);
	mk_file("l1/low", "0123456789");
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/low", O_RDWR | O_APPEND));
	CHECK_EQ(write(fd, "A", 1), 1);
	CHECK_SYS(fcntl(fd, F_SETFL, 0));
	CHECK_EQ(pwrite(fd, "B", 1, 2), 1);
	CHECK_STR(cat("mnt/low"), "01B3456789A");
	CHECK_SYS(fcntl(fd, F_SETFL, O_APPEND));
	CHECK_EQ(write(fd, "C", 1), 1);
	CHECK_STR(cat("mnt/low"), "01B3456789AC");
	close(fd);
}

/* A mapping put over another one replaces it, or leaves it if it fails. */
TEST(edges, shared_mapping_over_another)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p, *q;
	int fd;

	fx_dirs(1);
	mk_pattern("l1/low", page, 1);
	fx_mount(1);
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 'p';
	fd = CHECK_SYS(open("mnt/low", O_RDWR));
	q = mmap(p, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	CHECK(q == p);
	CHECK_EQ((unsigned char)p[1], pattern_byte(1, 1));
	p[0] = 'q';
	CHECK_EQ(pread(fd, p + 1, 1, 0), 1);
	CHECK_EQ(p[1], 'q');
	CHECK_SYS(munmap(p, page));
	close(fd);
}

/* What the work directory was given is not given on. */
TEST(edges, work_directory_passes_nothing_on)
{
	/* version 2; u::rwx u:1000:rwx g::r-x m::rwx o::--- */
	static const char acl[] =
		"\2\0\0\0" "\1\0\7\0\377\377\377\377" "\2\0\7\0\350\3\0\0"
		"\4\0\5\0\377\377\377\377" "\20\0\7\0\377\377\377\377"
		"\40\0\0\0\377\377\377\377";

	fx_dirs(1);
	mk_file("l1/low", "x");
	mk_file("l1/gone", "x");
	CHECK_SYS(chmod("l1/low", 0640));
	CHECK_SYS(setxattr("work", "system.posix_acl_default", acl, sizeof(acl) - 1, 0));
	CHECK_SYS(chown("work", 0, 2000));
	CHECK_SYS(chmod("work", 02755));
	fx_mount(1);
	CHECK_SYS(chown("mnt/low", 5, 6));
	CHECK(!xattr_of("mnt/low", "system.posix_acl_access"));
	CHECK_EQ(stat_of("mnt/low").st_mode & 07777, 0640);
	CHECK_SYS(unlink("mnt/gone"));
	mk_file("mnt/gone", "new");
	CHECK_EQ(stat_of("mnt/gone").st_gid, 0);
	CHECK(!xattr_of("mnt/gone", "system.posix_acl_access"));
}

/* A volatile upper is refused afterwards, until its mark is taken away. */
TEST(edges, volatile_advice_works)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work" }, {} };

	SKIP_ON_OVERLAY("says so in the kernel's log only");
	fx_dirs(1);
	fx_mount_with(1, "volatile");
	fx_umount();
	CHECK_EQ(fs_mount(opts, "mnt"), -EINVAL);
	CHECK(strstr(mount_log, "work/work/incompat/volatile"));
	CHECK_SYS(rmdir("work/work/incompat/volatile"));
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_SYS(umount("mnt"));
}

/* An upper in use is no layer, a layer in use no upper. */
TEST(edges, written_trees_are_no_layers)
{
	struct mnt_opt lower[] = { { "lowerdir", "upper" }, {} };
	struct mnt_opt upper[] = { { "lowerdir", "l2" }, { "upperdir", "l1" },
				   { "workdir", "w2" }, {} };

	SKIP_ON_OVERLAY("warns only");
	fx_dirs(2);
	mk_dir("m2");
	mk_dir("w2");
	fx_mount(1);
	CHECK_EQ(fs_mount(lower, "m2"), -EBUSY);
	CHECK(strstr(mount_log, "'upper'"));
	CHECK_EQ(fs_mount(upper, "m2"), -EBUSY);
	CHECK(strstr(mount_log, "'l1'"));
}
