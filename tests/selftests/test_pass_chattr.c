// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flags of chattr(1) and the project: FS_IOC_GETFLAGS, FS_IOC_FSGETXATTR and
 * their setters, what the flags forbid, and that a copy keeps them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "compare.h"

#define USER	1000

static long flags_set(const char *path, unsigned int set, unsigned int clear)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), err;
	unsigned int flags;
	long rc;

	if (fd < 0)
		return -1;
	rc = ioctl(fd, FS_IOC_GETFLAGS, &flags);
	flags = (flags | set) & ~clear;
	if (!rc)
		rc = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	err = errno;
	close(fd);
	errno = err;
	return rc;
}

static unsigned int flags_of(const char *path)
{
	int fd = CHECK_SYS(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	unsigned int flags;

	CHECK_SYS(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	close(fd);
	return flags;
}

/* Those that say how a file is stored are its filesystem's business. */
#define SHOWN	(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NOATIME_FL | FS_NODUMP_FL | FS_SYNC_FL | \
		 FS_DIRSYNC_FL | FS_TOPDIR_FL | FS_UNRM_FL | FS_SECRM_FL | FS_COMPR_FL)

static void say_flags(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct statx sx = {};
	struct fsxattr fsx;
	unsigned int flags;

	DO(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &sx));
	say("%s has attributes %llx of %llx", path, (unsigned long long)sx.stx_attributes,
	    (unsigned long long)sx.stx_attributes_mask);
	if (!DO(ioctl(fd, FS_IOC_GETFLAGS, &flags)))
		say("%s has flags %x", path, flags);
	if (!DO(ioctl(fd, FS_IOC_FSGETXATTR, &fsx)))
		/* Whether there are attributes: our mark is one. */
		say("%s has xflags %x, project %u, extsize %u %u", path,
		    fsx.fsx_xflags & ~FS_XFLAG_HASATTR, fsx.fsx_projid, fsx.fsx_extsize, fsx.fsx_cowextsize);
	close(fd);
}

static bool of_ext4(void)
{
	struct statfs sfs;

	CHECK_SYS(statfs(scratch_dir(), &sfs));
	return sfs.f_type == EXT4_SUPER_MAGIC;
}

/* Those of @set that the filesystem knows. */
static void flags_known(const char *path, unsigned int set)
{
	for (unsigned int bit = 1; bit; bit <<= 1)
		if ((set & bit) && flags_set(path, bit, 0))
			CHECK_EQ(errno, EOPNOTSUPP);
}

/* Flags that keep the runner from clearing up, and the fixture's layers as they were. */
static void end_protected(void)
{
	fx_umount();
	CHECK_EQ(system("chattr -R -f -i -a l1 upper; true"), 0);
	if (exists("plain"))
		CHECK_EQ(system("chattr -R -f -i -a plain; true"), 0);
	fx_resnap();
}

/*
 *	f	of root
 *	mine	of USER
 *	d/in
 *	fifo
 */
static void make(void)
{
	mk_file("f", "data");
	mk_mtime("f", 1000, 0);
	mk_file("mine", "mine");
	CHECK_SYS(chown("mine", USER, USER));
	mk_dir("d");
	mk_file("d/in", "in");
	CHECK_SYS(mkfifo("fifo", 0666));
	CHECK_SYS(chmod("d", 0777));
	CHECK_SYS(chmod(".", 0777));
	CHECK_SYS(chmod("f", 0666));
}

static void flags(void)
{
	static const unsigned int one[] = {
		FS_SECRM_FL, FS_UNRM_FL, FS_COMPR_FL, FS_SYNC_FL, FS_IMMUTABLE_FL, FS_APPEND_FL,
		FS_NODUMP_FL, FS_NOATIME_FL, FS_NOTAIL_FL, FS_DIRSYNC_FL, FS_TOPDIR_FL,
		FS_ENCRYPT_FL, FS_VERITY_FL, FS_EA_INODE_FL, FS_INLINE_DATA_FL, FS_CASEFOLD_FL,
		FS_RESERVED_FL, 0x01000000,
	};
	static const char *const paths[] = { "f", "mine", "d", "fifo" };

	for (size_t p = 0; p < 4; p++) {
		const char *path = paths[p];

		for (size_t i = 0; i < sizeof(one) / sizeof(*one); i++) {
			say("%s flag %x", path, one[i]);
			DO(flags_set(path, one[i], 0));
			say_flags(path);
			DO(flags_set(path, 0, one[i]));
		}
		AS_USER(USER)
			for (size_t i = 0; i < sizeof(one) / sizeof(*one); i++) {
				say("%s flag %x", path, one[i]);
				DO(flags_set(path, one[i], 0));
				say_flags(path);
				DO(flags_set(path, 0, one[i]));
			}
	}
	VAL(stat_of("f").st_mtime);
}

TEST(pass, chattr_each_flag)
{
	compare(make, flags);
}

static void fsxattr(void)
{
	static const unsigned int xflags[] = {
		0, FS_XFLAG_NODUMP, FS_XFLAG_NOATIME | FS_XFLAG_SYNC, FS_XFLAG_EXTSIZE,
		FS_XFLAG_EXTSZINHERIT, FS_XFLAG_COWEXTSIZE, FS_XFLAG_REALTIME, FS_XFLAG_APPEND,
		FS_XFLAG_IMMUTABLE, FS_XFLAG_HASATTR, 0,
	};
	static const char *const paths[] = { "f", "d" };
	struct fsxattr fsx;

	for (int p = 0; p < 2; p++)
		for (size_t i = 0; i < sizeof(xflags) / sizeof(*xflags); i++) {
			int fd = FD(open(paths[p], O_RDONLY));

			say("%s xflags %x", paths[p], xflags[i]);
			fsx = (struct fsxattr){ .fsx_xflags = xflags[i] };
			DO(ioctl(fd, FS_IOC_FSSETXATTR, &fsx));
			say_flags(paths[p]);
			fsx.fsx_extsize = 65536;
			DO(ioctl(fd, FS_IOC_FSSETXATTR, &fsx));
			fsx = (struct fsxattr){ .fsx_projid = 77 };
			DO(ioctl(fd, FS_IOC_FSSETXATTR, &fsx));
			fsx.fsx_projid = -1;
			DO(ioctl(fd, FS_IOC_FSSETXATTR, &fsx));
			DO(ioctl(fd, FS_IOC_FSSETXATTR, NULL));
			DO(ioctl(fd, FS_IOC_FSGETXATTR, NULL));
			DO(ioctl(fd, FS_IOC_SETFLAGS, NULL));
			DO(ioctl(fd, FS_IOC_GETFLAGS, NULL));
			close(fd);
		}
	DO(ioctl(open("f", O_PATH), FS_IOC_GETFLAGS, &fsx));
}

TEST(pass, fsxattr)
{
	compare(make, fsxattr);
}

/* Each way to change a file, a directory and what is in it. */
static void changes(void)
{
	static const int modes[] = { O_WRONLY, O_RDWR, O_RDWR | O_APPEND, O_WRONLY | O_TRUNC,
				     O_WRONLY | O_APPEND | O_TRUNC, O_RDONLY };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		int fd;

		say("mode %x", modes[i]);
		fd = FD(open("f", modes[i]));
		if (fd < 0)
			continue;
		DO(write(fd, "more", 4));
		DO(fallocate(fd, 0, 0, 100));
		DO(ftruncate(fd, 3));
		DO(fcntl(fd, F_SETFL, O_APPEND));
		DO(fcntl(fd, F_SETFL, 0));
		DO(pwrite(fd, "at", 2, 1));
		DO(fchmod(fd, 0666));
		close(fd);
	}
	DO(access("f", W_OK));
	DO(truncate("f", 2));
	DO(chmod("f", 0644));
	DO(chmod("f", 0666));
	DO(chown("f", 0, 0));
	DO(utimensat(AT_FDCWD, "f", NULL, 0));
	DO(utimensat(AT_FDCWD, "f", (struct timespec[]){ { 1, 0 }, { 1, 0 } }, 0));
	DO(setxattr("f", "user.a", "1", 1, 0));
	DO(removexattr("f", "user.a"));
	DO(setxattr("f", "trusted.a", "1", 1, 0));
	DO(removexattr("f", "trusted.a"));
	DO(removexattr("f", "system.posix_acl_access"));
	DO(link("f", "f2"));
	DO(unlink("f2"));
	DO(rename("f", "f3"));
	DO(rename("f3", "f"));
	DO(rename("mine", "f4"));
	DO(rename("f4", "mine"));
	FD(open("d/new", O_WRONLY | O_CREAT, 0644));
	DO(mkdir("d/sub", 0755));
	DO(symlink("x", "d/link"));
	DO(link("f", "d/hard"));
	FD(open("d", O_TMPFILE | O_WRONLY, 0600));
	DO(rename("d/new", "d/new2"));
	DO(unlink("d/new2"));
	DO(unlink("d/new"));
	DO(unlink("d/link"));
	DO(unlink("d/hard"));
	DO(rmdir("d/sub"));
	DO(rename("d", "d2"));
	DO(rename("d2", "d"));
	DO(chmod("d", 0777));
	DO(setxattr("d", "user.a", "1", 1, 0));
	/* What is below is not protected by it. */
	DO(chmod("d/in", 0600));
	append_file("d/in", "!");
	DO(setxattr("d/in", "user.a", "1", 1, 0));
}

static void protect(unsigned int flag)
{
	say("flag %x", flag);
	DO(flags_set("f", flag, 0));
	DO(flags_set("d", flag, 0));
	changes();
	say_flags("f");
	say_flags("d");
	AS_USER(USER) {
		DO(flags_set("f", 0, flag));
		FD(open("f", O_WRONLY));
		DO(rename("mine", "f"));
		DO(unlink("d/in"));
	}
	/* Others can be changed beside it, as far as ext4 lets them. */
	if (!(flag & FS_IMMUTABLE_FL) || of_ext4())
		DO(flags_set("f", FS_NODUMP_FL, 0));
	say_flags("f");
	DO(flags_set("f", 0, FS_NODUMP_FL));
	DO(flags_set("f", 0, flag));
	DO(flags_set("d", 0, flag));
	changes();
	say_flags("f");
	say_flags("d");
}

static void protections(void)
{
	protect(FS_IMMUTABLE_FL);
	protect(FS_APPEND_FL);
	protect(FS_APPEND_FL | FS_IMMUTABLE_FL);
}

TEST(pass, immutable_and_append_only)
{
	compare(make, protections);
}

/* The same with marks that the real files have, in the layer and in the upper. */
static void make_protected(void)
{
	make();
	CHECK_SYS(flags_set("f", FS_IMMUTABLE_FL, 0));
	CHECK_SYS(flags_set("d", FS_IMMUTABLE_FL | FS_NODUMP_FL, 0));
	CHECK_SYS(flags_set("mine", FS_APPEND_FL, 0));
}

static void protected_below(void)
{
	DO(access("f", W_OK));
	FD(open("f", O_WRONLY));
	DO(truncate("f", 0));
	DO(chmod("f", 0600));
	DO(unlink("f"));
	DO(rename("f", "f2"));
	DO(link("f", "f2"));
	DO(setxattr("f", "user.a", "1", 1, 0));
	FD(open("d/new", O_WRONLY | O_CREAT, 0644));
	DO(unlink("d/in"));
	DO(rmdir("d"));
	DO(rename("d", "d2"));
	DO(truncate("mine", 0));
	DO(unlink("mine"));
	say_flags("f");
	say_flags("d");
	say_flags("mine");
}

static void unprotect_below(void)
{
	protected_below();
	DO(chmod("d/in", 0600));
	say_flags("d");
	DO(flags_set("f", 0, FS_IMMUTABLE_FL));
	DO(flags_set("d", 0, FS_IMMUTABLE_FL));
	DO(flags_set("mine", 0, FS_APPEND_FL));
	changes();
	say_flags("f");
	say_flags("d");
	say_flags("mine");
}

TEST(pass, protected_in_the_layer)
{
	compare(make_protected, unprotect_below);
	end_protected();
}

/*
 *	l1/d/in		d immutable
 *	l1/f		immutable
 * What is refused copies nothing.  Changing what is in d needs d in the upper,
 * which then is immutable to the mount's users only.
 */
TEST(pass, immutable_before_and_after_copy_up)
{
	int fd;

	fx_dirs(1);
	mk_dir("l1/d");
	mk_file("l1/d/in", "in");
	mk_file("l1/f", "data");
	CHECK_SYS(flags_set("l1/d", FS_IMMUTABLE_FL, 0));
	CHECK_SYS(flags_set("l1/f", FS_IMMUTABLE_FL, 0));
	fx_mount(1);
	CHECK_ERR(open("mnt/f", O_WRONLY), EPERM);
	CHECK_ERR(unlink("mnt/f"), EPERM);
	CHECK_ERR(chmod("mnt/d", 0700), EPERM);
	CHECK_ERR(mkdir("mnt/d/x", 0700), EPERM);
	AS_USER(USER)
		CHECK_ERR(flags_set("mnt/f", 0, FS_IMMUTABLE_FL), EPERM);
	CHECK_STR(ls("upper"), "");

	append_file("mnt/d/in", "!");
	CHECK_STR(cat("upper/d/in"), "in!");
	for (int i = 0; i < 2; i++) {
		CHECK(flags_of("mnt/d") & FS_IMMUTABLE_FL);
		CHECK_ERR(mkdir("mnt/d/x", 0700), EPERM);
		CHECK_ERR(unlink("mnt/d/in"), EPERM);
		CHECK(!(flags_of("upper/d") & FS_IMMUTABLE_FL));
		CHECK_STR(xattr_of("upper/d", "trusted.overlay.protattr"), "i");
		CHECK_ERR(getxattr("mnt/d", "trusted.overlay.protattr", NULL, 0), ENODATA);
		fx_remount();
	}
	CHECK_SYS(flags_set("mnt/d", 0, FS_IMMUTABLE_FL));
	CHECK(!xattr_of("upper/d", "trusted.overlay.protattr"));
	CHECK_SYS(mkdir("mnt/d/x", 0700));

	/* A descriptor from before does not help. */
	CHECK_SYS(flags_set("mnt/f", 0, FS_IMMUTABLE_FL));
	CHECK_STR(cat("upper/f"), "data");
	fd = CHECK_SYS(open("mnt/f", O_RDWR));
	CHECK_SYS(flags_set("mnt/f", FS_IMMUTABLE_FL | FS_APPEND_FL, 0));
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(ftruncate(fd, 0), EPERM);
	CHECK_STR(xattr_of("upper/f", "trusted.overlay.protattr"), "ai");
	close(fd);
	CHECK_SYS(flags_set("mnt/f", 0, FS_IMMUTABLE_FL));
	fx_remount();
	CHECK_EQ(flags_of("mnt/f") & SHOWN, FS_APPEND_FL);
	append_file("mnt/f", "!");
	CHECK_ERR(open("mnt/f", O_WRONLY | O_TRUNC), EPERM);
	end_protected();
}

/*
 * A write through a descriptor that was open when the file became immutable
 * fails, as on ext4, and so does one that would have been the first.
 */
static void write_late(void)
{
	int old = FD(open("f", O_RDWR)), used = FD(open("mine", O_RDWR | O_APPEND));

	DO(write(used, "x", 1));
	DO(flags_set("f", FS_IMMUTABLE_FL, 0));
	DO(flags_set("mine", FS_IMMUTABLE_FL, 0));
	DO(write(old, "x", 1));
	DO(write(old, "", 0));
	DO(write(used, "x", 1));
	DO(ftruncate(old, 0));
	DO(fallocate(old, 0, 0, 10));
	DO(copy_file_range(used, &(loff_t){ 0 }, old, &(loff_t){ 100 }, 1, 0));
	DO(fchmod(old, 0600));
	DO(fsync(old));
	DO(flags_set("f", 0, FS_IMMUTABLE_FL));
	DO(flags_set("mine", 0, FS_IMMUTABLE_FL));
	DO(write(old, "x", 1));
	DO(write(used, "x", 1));
}

/*
 *	l1/a, l1/b	names of one file
 * Also those that nobody has changed the file through.
 */
TEST(pass, protection_is_of_all_names)
{
	SKIP_ON_OVERLAY("has no index here");
	fx_dirs(1);
	mk_file("l1/a", "x");
	CHECK_SYS(link("l1/a", "l1/b"));
	fx_mount(1);
	CHECK_SYS(flags_set("mnt/a", FS_IMMUTABLE_FL, 0));
	fx_remount();
	CHECK_EQ(flags_of("mnt/b") & FS_IMMUTABLE_FL, FS_IMMUTABLE_FL);
	CHECK_ERR(open("mnt/b", O_WRONLY), EPERM);
	CHECK_ERR(open("mnt/a", O_WRONLY), EPERM);
	CHECK_ERR(unlink("mnt/b"), EPERM);
	CHECK_SYS(flags_set("mnt/b", FS_APPEND_FL, FS_IMMUTABLE_FL));
	fx_remount();
	CHECK_ERR(truncate("mnt/b", 0), EPERM);
	CHECK_SYS(flags_set("mnt/b", 0, FS_APPEND_FL));
	fx_remount();
	CHECK_EQ(flags_of("mnt/a") & (FS_APPEND_FL | FS_IMMUTABLE_FL), 0);
	append_file("mnt/b", "+");
	CHECK_STR(cat("mnt/a"), "x+");
}

TEST(pass, immutable_while_open)
{
	if (!of_ext4())
		test_skip("has rules of its own: a mount has ext4's on any upper");
	compare(make, write_late);
}

#define KEPT	(FS_NOATIME_FL | FS_NODUMP_FL | FS_SYNC_FL | FS_UNRM_FL | FS_SECRM_FL)

/*
 *	f	KEPT
 *	d/	KEPT, FS_DIRSYNC_FL, FS_TOPDIR_FL
 *	d/in	made before d was given them
 *	d/gone	the same
 */
static void make_flagged(void)
{
	mk_file("f", "data");
	flags_known("f", KEPT);
	mk_dir("d");
	mk_file("d/in", "in");
	mk_file("d/gone", "in");
	mk_file("d/gone2", "in");
	flags_known("d", KEPT | FS_DIRSYNC_FL | FS_TOPDIR_FL);
}

static void copy_flagged(void)
{
	say_flags("f");
	DO(chmod("f", 0600));
	say_flags("f");
	DO(chmod("d/in", 0600));
	say_flags("d");
	say_flags("d/in");
	FD(open("d/new", O_WRONLY | O_CREAT, 0644));
	say_flags("d/new");
	DO(mkdir("d/sub", 0755));
	say_flags("d/sub");
	DO(unlink("d/gone"));
	FD(open("d/gone", O_WRONLY | O_CREAT, 0644));
	say_flags("d/gone");
	DO(unlink("d/gone2"));
	DO(mkdir("d/gone2", 0755));
	say_flags("d/gone2");
	DO(rename("f", "d/f"));
	say_flags("d/f");
}

TEST(pass, flags_survive_and_are_inherited)
{
	compare(make_flagged, copy_flagged);
}

/* Nothing is inherited from the work directory. */
TEST(pass, flags_of_the_work_directory_are_its_own)
{
	fx_dirs(1);
	mk_file("l1/f", "data");
	mk_file("l1/gone", "data");
	CHECK_SYS(flags_set("work", FS_NODUMP_FL | FS_NOATIME_FL, 0));
	fx_mount(1);
	CHECK_SYS(chmod("mnt/f", 0600));
	CHECK_EQ(flags_of("mnt/f") & SHOWN, 0);
	CHECK_SYS(unlink("mnt/gone"));
	mk_file("mnt/gone", "new");
	CHECK_EQ(flags_of("mnt/gone") & SHOWN, 0);
}

/* The marks are overlayfs's: each sees what the other has set. */
TEST(pass, protection_is_overlayfs_compatible)
{
	static const char options[] =
		"lowerdir=l1,upperdir=upper,workdir=work2,redirect_dir=on";

	SKIP_ON_OVERLAY("is what layerfs is compared with");
	fx_dirs(1);
	mk_file("l1/a", "a");
	mk_file("l1/b", "b");
	mk_dir("l1/d");
	mk_dir("work2");
	fx_mount(1);
	CHECK_SYS(flags_set("mnt/a", FS_IMMUTABLE_FL, 0));
	CHECK_SYS(flags_set("mnt/d", FS_APPEND_FL, 0));
	fx_umount();
	CHECK_EQ(system("modprobe overlay 2>/dev/null; true"), 0);
	if (mount("none", "mnt", "overlay", 0, options))
		test_skip("no overlayfs: %s", strerror(errno));
	CHECK_ERR(unlink("mnt/a"), EPERM);
	CHECK_EQ(flags_of("mnt/a") & SHOWN, FS_IMMUTABLE_FL);
	CHECK_EQ(flags_of("mnt/d") & SHOWN, FS_APPEND_FL);
	CHECK_SYS(flags_set("mnt/b", FS_APPEND_FL | FS_IMMUTABLE_FL, 0));
	CHECK_SYS(flags_set("mnt/a", 0, FS_IMMUTABLE_FL));
	CHECK_SYS(umount("mnt"));
	fx_mount(1);
	CHECK_EQ(flags_of("mnt/b") & SHOWN, FS_APPEND_FL | FS_IMMUTABLE_FL);
	CHECK_ERR(open("mnt/b", O_WRONLY | O_APPEND), EPERM);
	CHECK_EQ(flags_of("mnt/a") & SHOWN, 0);
	CHECK_SYS(unlink("mnt/a"));
	end_protected();
}

/* With userxattr the mark is one of those. */
TEST(pass, protection_with_userxattr)
{
	fx_dirs(1);
	mk_file("l1/f", "data");
	fx_mount_with(1, "userxattr");
	CHECK_SYS(flags_set("mnt/f", FS_IMMUTABLE_FL, 0));
	CHECK_STR(xattr_of("upper/f", "user.overlay.protattr"), "i");
	CHECK_ERR(setxattr("mnt/f", "user.overlay.protattr", "", 0, 0), EPERM);
	fx_remount();
	CHECK_ERR(unlink("mnt/f"), EPERM);
	CHECK_SYS(flags_set("mnt/f", 0, FS_IMMUTABLE_FL));
	CHECK_ERR(removexattr("mnt/f", "user.overlay.protattr"), ENODATA);
	CHECK_SYS(unlink("mnt/f"));
}

/*
 * A filesystem that has some of the flags only: each that it has is kept.
 *	l1/f	with three of them
 *	upper	on a tmpfs, which does not know FS_SYNC_FL
 */
TEST(pass, flags_as_far_as_the_upper_has_them)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "mem/upper" },
				  { "workdir", "mem/work" }, {} };

	SKIP_ON_OVERLAY("keeps others");
	fx_dirs(1);
	mk_file("l1/f", "data");
	if (flags_set("l1/f", FS_NOATIME_FL | FS_NODUMP_FL | FS_SYNC_FL, 0))
		test_skip("the layer's filesystem has no more");
	mk_dir("mem");
	CHECK_SYS(mount("none", "mem", "tmpfs", 0, NULL));
	mk_dir("mem/upper");
	mk_dir("mem/work");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_EQ(flags_of("mnt/f") & SHOWN, FS_NOATIME_FL | FS_NODUMP_FL | FS_SYNC_FL);
	append_file("mnt/f", "!");
	CHECK_EQ(flags_of("mnt/f") & SHOWN, FS_NOATIME_FL | FS_NODUMP_FL);
	CHECK_SYS(flags_set("mnt/f", FS_IMMUTABLE_FL, FS_NODUMP_FL));
	CHECK_EQ(flags_of("mnt/f") & SHOWN, FS_NOATIME_FL | FS_IMMUTABLE_FL);
	CHECK_ERR(flags_set("mnt/f", FS_SYNC_FL, FS_IMMUTABLE_FL), EOPNOTSUPP);
	CHECK_EQ(flags_of("mnt/f") & SHOWN, FS_NOATIME_FL | FS_IMMUTABLE_FL);
	CHECK_SYS(flags_set("mnt/f", 0, FS_IMMUTABLE_FL));
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("mem"));
}

/* A layer without flags is no reason not to set one on the copy. */
TEST(pass, flags_over_a_layer_without)
{
	fx_dirs(1);
	CHECK_SYS(mount("none", "l1", "ramfs", 0, NULL));
	mk_file("l1/f", "data");
	CHECK_ERR(flags_set("l1/f", FS_IMMUTABLE_FL, 0), ENOTTY);
	fx_mount(1);
	CHECK_EQ(flags_of("mnt/f") & SHOWN, 0);
	CHECK_STR(ls("upper"), "");
	CHECK_SYS(flags_set("mnt/f", FS_IMMUTABLE_FL, 0));
	CHECK_ERR(unlink("mnt/f"), EPERM);
	CHECK_SYS(flags_set("mnt/f", 0, FS_IMMUTABLE_FL));
	CHECK_STR(cat("upper/f"), "data");
	fx_umount();
	fx_mount_ro(1);
	CHECK_ERR(flags_set("mnt/f", FS_IMMUTABLE_FL, 0), ENOTTY);
}
