// SPDX-License-Identifier: GPL-2.0-only
/*
 * More of overlayfs's published holes, by their steps: changes without the right,
 * reading what is closed, what a mount covers, races in rename, references that
 * failures leave behind, asynchronous I/O on files that are gone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"

static const struct mnt_opt userxattr[] = { { "userxattr", NULL }, {} };

/*
 *	l1/su		root, 0755
 *	l1/secret	root, 0600
 *	l1/dir/		root, 0755
 */
static void roots_layer(void)
{
	SKIP_ON_OVERLAY("about layerfs's own checks");
	fx_dirs(1);
	CHECK_SYS(chmod(".", 0777));
	mk_program("l1/su");
	mk_file("l1/secret", "secret");
	CHECK_SYS(chmod("l1/secret", 0600));
	mk_dir("l1/dir");
	mk_file("l1/dir/f", "f");
}

/* Both empty and new, of this owner. */
static void upper_of(uid_t uid)
{
	static const char *const names[] = { "upper", "work" };

	for (int i = 0; i < 2; i++) {
		tree_remove(names[i]);
		mk_dir(names[i]);
		CHECK_SYS(chown(names[i], uid, uid));
	}
}

/* Each must fail, whatever with. */
static void change_attributes(const char *path)
{
	struct timespec old[2] = { { 1, 1 }, { 1, 1 } };
	static const char acl[] = "\2\0\0\0" "\1\0\7\0\xff\xff\xff\xff"
		"\4\0\7\0\xff\xff\xff\xff" "\x20\0\7\0\xff\xff\xff\xff";
	int fd = open(path, O_RDONLY);

	CHECK(chmod(path, 04755));
	CHECK(chmod(path, 0777));
	CHECK(chown(path, ATTACKER, ATTACKER));
	CHECK(chown(path, 0, 0));
	CHECK(utimensat(AT_FDCWD, path, NULL, 0));
	CHECK(utimensat(AT_FDCWD, path, old, 0));
	CHECK(setxattr(path, "user.x", "x", 1, 0));
	CHECK(setxattr(path, "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	CHECK(setxattr(path, "system.posix_acl_access", acl, sizeof(acl) - 1, 0));
	if (fd < 0)
		return;
	CHECK(fchmod(fd, 04755));
	CHECK(fchown(fd, ATTACKER, ATTACKER));
	CHECK(futimens(fd, old));
	CHECK(fsetxattr(fd, "user.x", "x", 1, 0));
	close(fd);
}

/*
 * CVE-2015-8660: attributes changed without asking whether the caller may, as a
 * user and as root of a namespace who owns the upper.  Nothing is copied up.
 */
TEST(hostile, attributes_without_the_right)
{
	static const char *const paths[] = { "mnt/su", "mnt/secret", "mnt/dir" };

	roots_layer();
	fx_mount(1);
	AS_USER(ATTACKER)
		for (int i = 0; i < 3; i++)
			change_attributes(paths[i]);
	CHECK_STR(ls("upper"), "");
	fx_umount();
	upper_of(ATTACKER);
	IN_USERNS(ATTACKER) {
		must_mount(1, userxattr);
		for (int i = 0; i < 3; i++)
			change_attributes(paths[i]);
	}
	CHECK_STR(ls("upper"), "");
}

static void change_data(const char *path)
{
	int fd, attr = 0x10 /* FS_IMMUTABLE_FL */;
	char proc[64];

	CHECK(truncate(path, 0));
	CHECK(open(path, O_WRONLY) < 0);
	CHECK(open(path, O_RDWR) < 0);
	CHECK(open(path, O_RDONLY | O_TRUNC) < 0);
	CHECK(open(path, O_WRONLY | O_APPEND) < 0);
	fd = CHECK_SYS(open(path, O_RDONLY));
	CHECK(ftruncate(fd, 0));
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
	CHECK(write(fd, "x", 1) < 0);
	CHECK(copy_file_range(fd, NULL, fd, NULL, 1, 0) < 0);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	/* an ioctl is an operation on the file, and could reach the layer's */
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &attr));
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CHECK(open(proc, O_RDWR) < 0);
	CHECK(truncate(proc, 0));
	close(fd);
	fd = CHECK_SYS(open(path, O_PATH));
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CHECK(open(proc, O_RDWR) < 0);
	CHECK(ftruncate(fd, 0));
	close(fd);
}

/* CVE-2018-16597: data changed or cut off by one who may only read it. */
TEST(hostile, data_without_the_right)
{
	roots_layer();
	fx_mount(1);
	AS_USER(ATTACKER) {
		change_data("mnt/su");
		change_data("mnt/dir/f");
	}
	CHECK_STR(ls("upper"), "");
	fx_umount();
	upper_of(ATTACKER);
	IN_USERNS(ATTACKER) {
		must_mount(1, userxattr);
		change_data("mnt/su");
		change_data("mnt/dir/f");
	}
	CHECK_STR(ls("upper"), "");
	CHECK_STR(cat("l1/dir/f"), "f");
}

/*
 * CVE-2020-16120: a file that the mounter may not read is not read by a copy-up,
 * nor by any other road through the mount.
 */
TEST(hostile, reading_without_the_right)
{
	char buf[16];

	roots_layer();
	upper_of(ATTACKER);
	mk_file("l1/shared", "shared");
	/* may be written and not read: a copy would be readable */
	CHECK_SYS(chown("l1/shared", 0, 0));
	CHECK_SYS(chmod("l1/shared", 0602));
	IN_USERNS(ATTACKER) {
		must_mount(1, userxattr);
		for (int i = 0; i < 2; i++) {
			const char *path = i ? "mnt/shared" : "mnt/secret";

			CHECK_ERR(open(path, O_RDONLY), EACCES);
			CHECK_ERR(access(path, R_OK), EACCES);
			CHECK(open(path, O_RDWR) < 0);
			CHECK(truncate(path, 3));
			CHECK(rename(path, "mnt/mine"));
			CHECK(link(path, "mnt/mine"));
			CHECK(open(path, O_WRONLY | O_TRUNC) < 0);
		}
	}
	CHECK_STR(ls("upper"), "");
	/* the same by a mounter with all ids but without DAC rights */
	upper_of(0);
	CHECK_SYS(chown("l1/secret", VICTIM, VICTIM));
	IN_CHILD {
		drop_capability(1 /* DAC_OVERRIDE */);
		drop_capability(2 /* DAC_READ_SEARCH */);
		must_mount(1, NULL);
	}
	/* and then even by root: the mounter's rights bound the mount */
	CHECK_ERR(open("mnt/secret", O_RDONLY), EACCES);
	CHECK_ERR(truncate("mnt/secret", 3), EACCES);
	CHECK(!exists("upper/secret"));
	CHECK_EQ(getxattr("mnt/secret", "user.x", buf, 16), -1);
	CHECK_SYS(umount("mnt"));
}

/* CVE-2021-3732: a mount that covers something is not taken off by stacking. */
TEST(hostile, covered_directories_stay_covered)
{
	struct mnt_opt whole[] = { { "lowerdir", "l1" }, {} };
	struct mnt_opt inner[] = { { "lowerdir", "l1/dir" }, {} };
	struct mnt_opt other[] = { { "lowerdir", "l2:l1" }, { "upperdir", "upper" },
				   { "workdir", "work" }, { "userxattr", NULL }, {} };

	roots_layer();
	upper_of(ATTACKER);
	mk_dir("l2");
	mk_dir("l1/dir/sub");
	mk_file("l1/dir/sub/hidden", "");
	CHECK_SYS(mount("none", "l1/dir/sub", "tmpfs", 0, NULL));
	IN_USERNS(ATTACKER) {
		CHECK_EQ(fs_mount(whole, "mnt"), -EINVAL);
		CHECK(strstr(mount_log, "l1"));
		CHECK_EQ(fs_mount(inner, "mnt"), -EINVAL);
		CHECK_EQ(fs_mount(other, "mnt"), -EINVAL);
		CHECK_STR(ls("l1/dir/sub"), "");
	}
	/* also while root has the very layer mounted */
	must_mount(1, NULL);
	CHECK_STR(ls("mnt/dir/sub"), "hidden");
	IN_USERNS(ATTACKER) {
		CHECK_EQ(fs_mount(inner, "l2"), -EINVAL);
		CHECK_SYS(unshare(CLONE_NEWNS));
		CHECK_EQ(fs_mount(whole, "l2"), -EINVAL);
	}
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l1/dir/sub"));
}

static void rename_and_look(void *arg)
{
	int *stop = arg;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		rename("mnt/d/a", "mnt/d/b");
		rename("mnt/d/b", "mnt/d/a");
		renameat2(AT_FDCWD, "mnt/d/a", AT_FDCWD, "mnt/e/x", RENAME_EXCHANGE);
		rename("mnt/e/x", "mnt/d/x");
		access("mnt/d/x", F_OK);
	}
}

/*
 * CVE-2021-20321: names of the upper taken away and put there from outside while
 * they are renamed: errors, and a tree that can be listed and removed.
 */
TEST(hostile, rename_while_the_upper_changes)
{
	int *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	pid_t pid[2];

	use_tmpfs();
	fx_dirs(1);
	mk_dirs("l1/d");
	mk_dirs("l1/e");
	mk_file("l1/d/x", "");
	must_mount(1, NULL);
	mk_file("mnt/d/a", "");
	mk_file("mnt/e/x", "");
	for (int i = 0; i < 2; i++)
		pid[i] = spawn(rename_and_look, stop);
	for (int i = 0; i < 400; i++) {
		int fd;

		unlink(i & 1 ? "upper/d/a" : "upper/d/b");
		unlink("upper/e/x");
		fd = open("upper/d/a", O_CREAT | O_RDWR, 0600);
		if (fd >= 0)
			close(fd);
		if (i % 8 == 0) {
			rename("upper/e", "away");
			mkdir("upper/e", 0755);
			rmdir("upper/e");
			rename("away", "upper/e");
		}
	}
	__atomic_store_n(stop, 1, __ATOMIC_RELAXED);
	reap(pid[0]);
	reap(pid[1]);
	CHECK_SYS(umount("mnt"));
	must_mount(1, NULL);
	ls("mnt/d");
	tree_remove("mnt/d");
	CHECK(!exists("mnt/d"));
	CHECK_SYS(umount("mnt"));
}

/* CVE-2016-6197: onto another link of the same object, which is no change. */
TEST(hostile, rename_onto_itself)
{
	fx_dirs(1);
	mk_file("l1/a", "x");
	CHECK_SYS(link("l1/a", "l1/b"));
	mk_file("upper/u", "x");
	CHECK_SYS(link("upper/u", "upper/v"));
	fx_mount(1);
	for (int i = 0; i < 20; i++) {
		CHECK_SYS(rename("mnt/u", "mnt/v"));
		CHECK_SYS(rename("mnt/v", "mnt/u"));
		CHECK_SYS(renameat2(AT_FDCWD, "mnt/u", AT_FDCWD, "mnt/v",
				    RENAME_EXCHANGE));
		CHECK_SYS(rename("mnt/u", "mnt/u"));
	}
	CHECK_STR(ls("mnt"), "a b u v");
	CHECK_SYS(rename("mnt/a", "mnt/b"));
	CHECK_SYS(renameat2(AT_FDCWD, "mnt/a", AT_FDCWD, "mnt/b", RENAME_EXCHANGE));
	CHECK_STR(ls("mnt"), "a b u v");
	CHECK_SYS(unlink("mnt/u"));
	CHECK_STR(cat("mnt/v"), "x");
}

/*
 * CVE-2015-8953: copies that fail at every step leave no reference behind: both
 * filesystems can be unmounted.
 */
TEST(hostile, failed_copies_leave_nothing)
{
	char path[32];
	int failed = 0;

	fx_dirs(1);
	mk_dir("small");
	mk_dir("low");
	CHECK_SYS(mount("none", "small", "tmpfs", 0, "size=64k,nr_inodes=24"));
	CHECK_SYS(mount("none", "low", "tmpfs", 0, NULL));
	mk_dir("small/upper");
	mk_dir("small/work");
	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), i & 1 ? "low/f%d" : "low/d%d", i);
		if (i & 1)
			mk_pattern(path, 20000, i);
		else
			mk_dirs(strcat(path, "/a/b"));
	}
	CHECK_EQ(fs_mount((struct mnt_opt []){ { "lowerdir", "low" },
					       { "upperdir", "small/upper" },
					       { "workdir", "small/work" }, {} },
			  "mnt"), 0);
	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), i & 1 ? "mnt/f%d" : "mnt/d%d/a/b", i);
		if (chmod(path, 0700)) {
			CHECK_EQ(errno, ENOSPC);
			failed++;
		}
	}
	CHECK(failed > 20);
	CHECK_STR(ls("small/work/work"), "");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("small"));
	CHECK_SYS(umount("low"));
}

#define BLOCK	4096
#define BLOCKS	16
#define SIZE	(BLOCK * BLOCKS)

/* All blocks of @fd by Linux AIO; the file is closed before they are waited for. */
static void aio_and_close(const char *path, char *buf, int opcode, int flags, bool wait)
{
	int fd = CHECK_SYS(open(path, O_RDWR | flags));
	struct iocb cb[BLOCKS] = {}, *cbs[BLOCKS];
	struct io_event ev[BLOCKS];
	aio_context_t ctx = 0;

	CHECK_SYS(syscall(SYS_io_setup, BLOCKS, &ctx));
	for (int i = 0; i < BLOCKS; i++) {
		cb[i] = (struct iocb){
			.aio_lio_opcode = opcode, .aio_fildes = fd,
			.aio_buf = (uintptr_t)(buf + i * BLOCK),
			.aio_nbytes = BLOCK, .aio_offset = i * BLOCK,
		};
		cbs[i] = &cb[i];
	}
	CHECK_EQ(syscall(SYS_io_submit, ctx, BLOCKS, cbs), BLOCKS);
	close(fd);
	if (wait) {
		CHECK_EQ(syscall(SYS_io_getevents, ctx, BLOCKS, BLOCKS, ev, NULL), BLOCKS);
		for (int i = 0; i < BLOCKS; i++)
			CHECK_EQ(ev[i].res, BLOCK);
	}
	CHECK_SYS(syscall(SYS_io_destroy, ctx));
}

/* The same by io_uring; without @wait the process ends with it under way. */
static void uring_and_close(const char *path, char *buf, int opcode, int flags, bool wait)
{
	struct io_uring_params p = {};
	int fd = CHECK_SYS(open(path, O_RDWR | flags));
	int ring = syscall(SYS_io_uring_setup, BLOCKS, &p);
	struct io_uring_sqe *sqes;
	unsigned int *tail, *array;
	char *sq;

	if (ring < 0)
		test_skip("io_uring: %s", strerror(errno));
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	CHECK(sq != MAP_FAILED && sqes != MAP_FAILED);
	tail = (void *)(sq + p.sq_off.tail);
	array = (void *)(sq + p.sq_off.array);
	for (int i = 0; i < BLOCKS; i++) {
		sqes[i] = (struct io_uring_sqe){
			.opcode = opcode, .fd = fd, .off = i * BLOCK,
			.addr = (uintptr_t)(buf + i * BLOCK), .len = BLOCK,
			/* by a worker, so that it is under way when fd is closed */
			.flags = i & 1 ? IOSQE_ASYNC : 0,
		};
		array[i] = i;
	}
	__atomic_store_n(tail, BLOCKS, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(SYS_io_uring_enter, ring, BLOCKS, 0, 0, NULL, 0), BLOCKS);
	close(fd);
	if (wait)
		CHECK_SYS(syscall(SYS_io_uring_enter, ring, 0, BLOCKS,
				  IORING_ENTER_GETEVENTS, NULL, 0));
	close(ring);
}

/* The last request may be let go of by a worker, a moment after it is done. */
static void umount_when_idle(void)
{
	for (int i = 0; i < 2000; i++) {
		if (!umount("mnt"))
			return;
		CHECK_EQ(errno, EBUSY);
		usleep(5000);
	}
	FAIL("the mount stays busy");
}

static void io_and_close(void (*io)(const char *, char *, int, int, bool), int rd, int wr)
{
	for (int i = 0; i < 8; i++) {
		IN_CHILD {
			char *buf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			char path[32];

			snprintf(path, sizeof(path), "mnt/f%d", i);
			io(path, buf, i & 1 ? wr : rd, i & 2 ? O_DIRECT : 0, !(i & 4));
			/* the file goes too */
			if (i & 4)
				CHECK_SYS(unlink(path));
			io("mnt/same", buf, i & 1 ? rd : wr, O_DIRECT, i & 4);
		}
	}
}

/* CVE-2023-1252: the real file is let go of only when the last request is done. */
TEST(hostile, async_io_on_closed_files)
{
	char path[16];

	fx_dirs(1);
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), i & 2 ? "upper/f%d" : "l1/f%d", i);
		mk_pattern(path, SIZE, i);
	}
	mk_pattern("l1/same", SIZE, 99);
	must_mount(1, NULL);
	io_and_close(aio_and_close, IOCB_CMD_PREAD, IOCB_CMD_PWRITE);
	umount_when_idle();
	must_mount(1, NULL);
	for (int i = 4; i < 8; i++) {
		snprintf(path, sizeof(path), "mnt/f%d", i);
		if (!exists(path))
			mk_pattern(path, SIZE, i);
	}
	io_and_close(uring_and_close, IORING_OP_READ, IORING_OP_WRITE);
	umount_when_idle();
}

/* A process that is killed amid its requests, with the mount torn down behind it. */
TEST(hostile, async_io_of_a_killed_process)
{
	pid_t pid;
	char *buf;

	fx_dirs(1);
	mk_pattern("l1/f", SIZE, 1);
	for (int i = 0; i < 4; i++) {
		/* the one before is over when its upper is free again */
		for (int j = 0; j < 2000 && try_mount(1, NULL) == -EBUSY; j++)
			usleep(5000);
		CHECK_EQ(stat_of("mnt/f").st_size, SIZE);
		fflush(stdout);
		pid = CHECK_SYS(fork());
		if (!pid) {
			buf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			uring_and_close("mnt/f", buf, i & 1 ? IORING_OP_WRITE :
					IORING_OP_READ, i & 2 ? O_DIRECT : 0, false);
			kill(getpid(), SIGKILL);
		}
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
		CHECK_SYS(umount2("mnt", MNT_DETACH));
	}
}
