// SPDX-License-Identifier: GPL-2.0-only
/*
 * statx, xattrs, ACLs, inheritance, special files, O_PATH and O_TMPFILE: odd
 * arguments and errors, compared with a plain directory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/stat.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "compare.h"

#define USER	1000
#define GROUP	2000

/* user::rwx user:1001:rwx group::--- mask::rwx other::--- */
static const char acl[] =
	"\2\0\0\0" "\1\0\7\0\xff\xff\xff\xff" "\2\0\7\0\xe9\3\0\0"
	"\4\0\0\0\xff\xff\xff\xff" "\x10\0\7\0\xff\xff\xff\xff"
	"\x20\0\0\0\xff\xff\xff\xff";
#define ACL_SIZE	(sizeof(acl) - 1)
#define ACCESS		"system.posix_acl_access"
#define DEFAULT		"system.posix_acl_default"

static void old(const char *path)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } };

	CHECK_SYS(utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW));
}

/*
 *	f		0644
 *	suid		06755, capabilities
 *	mine		of USER
 *	d/		0755
 *	link		-> f
 *	fifo, null	a FIFO and the device 1:3
 *	sock		a socket that nobody listens to
 *	sticky/x	01777, x of root
 *	setgid/		of GROUP, 02777, with gone, gone2, gone3
 *	acl/		default ACL, with gone, gone2, gone3
 */
static void make(void)
{
	static const char *const gone[] = { "gone", "gone2", "gone3" };
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "sock" };
	char path[32];
	int s;

	mk_pattern("f", 10000, 1);
	mk_pattern("suid", 100, 1);
	CHECK_SYS(chmod("suid", 06755));
	CHECK_SYS(setxattr("suid", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	mk_file("mine", "mine");
	CHECK_SYS(chown("mine", USER, USER));
	mk_dir("d");
	CHECK_SYS(symlink("f", "link"));
	CHECK_SYS(mkfifo("fifo", 0666));
	CHECK_SYS(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	s = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_SYS(bind(s, (struct sockaddr *)&sun, sizeof(sun)));
	close(s);
	mk_dir("sticky");
	CHECK_SYS(chmod("sticky", 01777));
	mk_file("sticky/x", "x");
	mk_dir("setgid");
	mk_dir("acl");
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "setgid/%s", gone[i]);
		mk_file(path, "x");
		snprintf(path, sizeof(path), "acl/%s", gone[i]);
		mk_file(path, "x");
	}
	CHECK_SYS(chown("setgid", 0, GROUP));
	CHECK_SYS(chmod("setgid", 02777));
	CHECK_SYS(chmod("acl", 0777));
	CHECK_SYS(setxattr("acl", DEFAULT, acl, ACL_SIZE, 0));
	CHECK_SYS(chmod(".", 0777));
	old("f");
	old("d");
	old("link");
	old("fifo");
	old("null");
}

static void say_statx(const char *path)
{
	struct statx sx = {}, dot = {};
	unsigned int mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_DIOALIGN |
			    0x4000 /* STATX_MNT_ID_UNIQUE */ | 0x8000 /* STATX_SUBVOL */;

	if (DO(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, mask, (void *)&sx)))
		return;
	DO(statx(AT_FDCWD, ".", 0, mask, (void *)&dot));
	/* Layers and upper are in subvolumes of their own; a mount is in none. */
	say("%s mask %x attributes %llx of %llx blksize %u nlink %u %u:%u %o size %llu", path,
	    sx.stx_mask & ~0x8000U, (unsigned long long)sx.stx_attributes,
	    (unsigned long long)sx.stx_attributes_mask, sx.stx_blksize,
	    S_ISDIR(sx.stx_mode) ? 0 : sx.stx_nlink, sx.stx_uid, sx.stx_gid, sx.stx_mode,
	    /* Of a directory of the real one, where that depends on the names in it. */
	    S_ISDIR(sx.stx_mode) ? 0 : (unsigned long long)sx.stx_size);
	say("blocks %llu rdev %u:%u dio %u %u same mount %d dev %d btime %d",
	    /* The mark of a copy may take a block, as any attribute may. */
	    strcmp(path, "suid") ? (unsigned long long)sx.stx_blocks : 0,
	    sx.stx_rdev_major, sx.stx_rdev_minor,
	    sx.stx_dio_mem_align, sx.stx_dio_offset_align, sx.stx_mnt_id == dot.stx_mnt_id,
	    sx.stx_dev_minor == dot.stx_dev_minor, sx.stx_btime.tv_sec > OLD_BEFORE);
}

static void stats(void)
{
	static const char *const names[] = { "f", "suid", "mine", "d", "link", "fifo", "null",
					     "sock", "sticky", "nothing" };
	struct statx sx = {};
	int fd = FD(open("f", O_PATH));

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		say_statx(names[i]);
	DO(statx(fd, "", AT_EMPTY_PATH, 0, (void *)&sx));
	/* More may be told than was asked for. */
	say("mask %x", sx.stx_mask & STATX_BASIC_STATS);
	DO(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, (void *)&sx));
	DO(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE, (void *)&sx));
	say("size %llu", (unsigned long long)sx.stx_size);
	DO(statx(fd, "", 0, 0, (void *)&sx));
	DO(statx(fd, "", AT_EMPTY_PATH, 1U << 31, (void *)&sx));
	/* The same after a change of each. */
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		DO(lchown(names[i], 5, 6));
		say_statx(names[i]);
	}
}

TEST(pass, statx)
{
	compare(make, stats);
}

static void xattrs(void)
{
	static const char *const names[] = {
		"user.a", "trusted.a", "security.a", "system.a", "bad.a", "user", "user.", "", "a",
	};
	static const char *const paths[] = { "f", "mine", "d", "link", "fifo", "null", "sock",
					     "sticky", "nothing" };
	static char big[65537], longest[300] = "user.";
	char list[256];

	memset(big, 'b', sizeof(big));
	memset(longest + 5, 'n', sizeof(longest) - 6);
	for (size_t p = 0; p < sizeof(paths) / sizeof(*paths); p++)
		for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
			const char *path = paths[p], *name = names[n];

			say("%s %s", path, name);
			AS_USER(USER) {
				DO(lgetxattr(path, name, list, 10));
				DO(lsetxattr(path, name, "v", 1, 0));
				DO(lremovexattr(path, name));
			}
			DO(lgetxattr(path, name, list, 10));
			DO(lsetxattr(path, name, "v", 1, XATTR_REPLACE));
			DO(lremovexattr(path, name));
			DO(lsetxattr(path, name, "value", 5, XATTR_CREATE));
			DO(lsetxattr(path, name, "value", 5, XATTR_CREATE));
			DO(lsetxattr(path, name, "", 0, XATTR_REPLACE));
			DO(lsetxattr(path, name, "value", 5, 0));
			DO(lsetxattr(path, name, "value", 5, 4));
			DO(lgetxattr(path, name, list, 4));
			DO(lgetxattr(path, name, NULL, 0));
			DO(llistxattr(path, list, sizeof(list)));
			DO(llistxattr(path, list, 1));
			DO(lremovexattr(path, name));
			DO(lremovexattr(path, name));
		}
	DO(setxattr("f", "user.big", big, sizeof(big), 0));
	DO(setxattr("f", "user.big", big, 65536, 0));
	DO(setxattr("f", "user.big", big, 3000, 0));
	DO(getxattr("f", "user.big", big, 65537));
	DO(setxattr("f", longest, "x", 1, 0));
	DO(getxattr("f", longest, big, 10));
	DO(fsetxattr(open("f", O_PATH), "user.a", "x", 1, 0));
	DO(fsetxattr(open("f", O_RDONLY), "user.a", "x", 1, 0));
	/* A sticky directory's attributes are its owner's. */
	AS_USER(USER)
		DO(setxattr("sticky", "user.a", "x", 1, 0));
}

TEST(pass, xattr_errors)
{
	compare(make, xattrs);
}

static void acls(void)
{
	static const char *const paths[] = { "f", "mine", "d", "link", "fifo", "null", "acl" };
	static const char empty[] = "\2\0\0\0";
	char buf[128];

	for (size_t p = 0; p < sizeof(paths) / sizeof(*paths); p++) {
		const char *path = paths[p];

		say("%s", path);
		AS_USER(USER) {
			DO(lsetxattr(path, ACCESS, acl, ACL_SIZE, 0));
			DO(lsetxattr(path, DEFAULT, acl, ACL_SIZE, 0));
			DO(lremovexattr(path, ACCESS));
			DO(lgetxattr(path, ACCESS, buf, sizeof(buf)));
		}
		DO(lgetxattr(path, ACCESS, buf, sizeof(buf)));
		DO(lsetxattr(path, ACCESS, acl, ACL_SIZE - 1, 0));
		DO(lsetxattr(path, ACCESS, acl, ACL_SIZE - 8, 0));
		DO(lsetxattr(path, ACCESS, "\1\0\0\0", 4, 0));
		DO(lsetxattr(path, ACCESS, acl, ACL_SIZE, 0));
		DO(lgetxattr(path, ACCESS, buf, 10));
		DO(lgetxattr(path, ACCESS, buf, sizeof(buf)));
		DO(lsetxattr(path, DEFAULT, acl, ACL_SIZE, 0));
		DO(lgetxattr(path, DEFAULT, buf, sizeof(buf)));
		DO(llistxattr(path, buf, sizeof(buf)));
		DO(fchmodat(AT_FDCWD, path, 0731, 0));
		DO(lgetxattr(path, ACCESS, buf, sizeof(buf)));
		say_bytes("acl", buf, ACL_SIZE);
		DO(lsetxattr(path, DEFAULT, empty, 4, 0));
		DO(lsetxattr(path, ACCESS, empty, 4, 0));
		DO(lremovexattr(path, DEFAULT));
		DO(lremovexattr(path, ACCESS));
		DO(lremovexattr(path, ACCESS));
		say_statx(path);
	}
}

TEST(pass, acl_errors)
{
	compare(make, acls);
}

/*
 *	l1/none, l1/some	without an ACL and with one
 * What is not there is removed without a copy, by setfacl -b of a whole tree for one.
 */
TEST(pass, acl_removed_where_none_is)
{
	int want;

	SKIP_ON_OVERLAY("copies");
	fx_dirs(1);
	mk_file("plain", "");
	want = removexattr("plain", ACCESS);
	mk_file("l1/none", "");
	mk_dir("l1/dir");
	mk_file("l1/some", "");
	CHECK_SYS(setxattr("l1/some", ACCESS, acl, sizeof(acl) - 1, 0));
	fx_mount(1);
	CHECK_EQ(removexattr("mnt/none", ACCESS), want);
	CHECK_EQ(removexattr("mnt/dir", DEFAULT), want);
	CHECK_STR(ls("upper"), "");
	CHECK_SYS(removexattr("mnt/some", ACCESS));
	CHECK_STR(ls("upper"), "some");
	CHECK_ERR(getxattr("mnt/some", ACCESS, NULL, 0), ENODATA);
}

static const char *const sgid_files[] = { "with", "without" };

static void make_setgid(void)
{
	for (int i = 0; i < 2; i++) {
		mk_file(sgid_files[i], "");
		CHECK_SYS(chown(sgid_files[i], USER, 0));
		CHECK_SYS(chmod(sgid_files[i], 02755));
	}
	CHECK_SYS(setxattr("with", ACCESS, acl, ACL_SIZE, 0));
}

/* By an owner who is not in the group: for tmpfs that is a change of mode. */
static void acl_away(void)
{
	struct stat st;

	for (int i = 0; i < 2; i++) {
		AS_USER(USER)
			DO(removexattr(sgid_files[i], ACCESS));
		CHECK_SYS(stat(sgid_files[i], &st));
		say("%s %o", sgid_files[i], st.st_mode);
	}
}

TEST(pass, acl_removed_of_setgid)
{
	compare(make_setgid, acl_away);
}

static void say_mode(const char *path)
{
	struct stat st = {};
	char buf[128];

	DO(lstat(path, &st));
	say("%s %o %u:%u", path, st.st_mode, st.st_uid, st.st_gid);
	DO(lgetxattr(path, ACCESS, buf, sizeof(buf)));
	DO(lgetxattr(path, DEFAULT, buf, sizeof(buf)));
}

/* By name, and where a name of the layer was removed before. */
static void make_in(const char *dir)
{
	static const char *const gone[] = { "gone", "gone2", "gone3" };

	say("in %s", dir);
	CHECK_SYS(chdir(dir));
	for (int i = 0; i < 3; i++)
		DO(unlink(gone[i]));
	umask(027);
	AS_USER(USER) {
		FD(open("gone", O_WRONLY | O_CREAT, 02777));
		DO(mkdir("gone2", 02777));
		DO(mknod("gone3", S_IFIFO | 02777, 0));
		FD(open("file", O_WRONLY | O_CREAT, 06777));
		DO(mkdir("dir", 07777));
		DO(mknod("fifo", S_IFIFO | 0777, 0));
		DO(mknod("reg", S_IFREG | 0666, 0));
		DO(mknod("chr", S_IFCHR | 0666, makedev(1, 3)));
		DO(symlink("x", "link"));
		DO(linkat(AT_FDCWD, "/proc/self/exe", AT_FDCWD, "x", AT_SYMLINK_FOLLOW));
	}
	DO(mkdir("rootdir", 0777));
	DO(mknod("rootchr", S_IFCHR | 0666, makedev(1, 3)));
	DO(mknod("nothing", 0, 0));
	DO(mknod("bad", S_IFLNK | 0777, 0));
	DO(mknod("bad", S_IFDIR | 0777, 0));
	DO(mkdir("dir/sub", 0777));
	umask(022);
	for (size_t i = 0; i < 3; i++)
		say_mode(gone[i]);
	say_mode("file");
	say_mode("dir");
	say_mode("dir/sub");
	say_mode("fifo");
	say_mode("reg");
	say_mode("link");
	say_mode("rootdir");
	say_mode("rootchr");
	CHECK_SYS(chdir(".."));
}

static void inherit(void)
{
	make_in("setgid");
	make_in("acl");
	make_in("sticky");
	AS_USER(USER + 1) {
		DO(unlink("sticky/x"));
		DO(rename("sticky/x", "sticky/y"));
		DO(unlink("sticky/file"));
		DO(rename("sticky/dir", "sticky/dir2"));
		DO(chmod("mine", 0777));
		DO(unlink("mine"));
	}
}

TEST(pass, inheritance)
{
	compare(make, inherit);
}

static void say_privileges(void)
{
	struct stat st;
	char buf[64];

	CHECK_SYS(stat("suid", &st));
	say("mode %o", st.st_mode);
	DO(getxattr("suid", "security.capability", buf, sizeof(buf)));
	CHECK_SYS(chmod("suid", 06777));
	CHECK_SYS(setxattr("suid", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
}

static void privileges(void)
{
	CHECK_SYS(chmod("suid", 06777));
	for (uid_t uid = 0; uid <= USER; uid += USER) {
		say("user %u", uid);
		AS_USER(uid)
			DO(write(open("suid", O_WRONLY), "x", 1));
		say_privileges();
		AS_USER(uid)
			DO(write(open("suid", O_WRONLY), "", 0));
		say_privileges();
		AS_USER(uid)
			DO(truncate("suid", 50));
		say_privileges();
		AS_USER(uid)
			DO(fallocate(open("suid", O_WRONLY), 0, 0, 4096));
		say_privileges();
		AS_USER(uid)
			DO(fallocate(open("suid", O_WRONLY), 0x800, 0, 4096));
		say_privileges();
		AS_USER(uid)
			FD(open("suid", O_WRONLY | O_TRUNC));
		say_privileges();
		AS_USER(uid)
			DO(copy_file_range(open("f", O_RDONLY), &(loff_t){ 0 },
					   open("suid", O_WRONLY), &(loff_t){ 0 }, 10, 0));
		say_privileges();
		AS_USER(uid)
			DO(chown("suid", -1, -1));
		say_privileges();
		AS_USER(uid)
			DO(chown("suid", uid, uid));
		say_privileges();
		AS_USER(uid)
			DO(chmod("suid", 06755));
		say_privileges();
	}
}

TEST(pass, privileges_dropped)
{
	compare(make, privileges);
}

static void say_times(const char *path)
{
	struct stat st;

	CHECK_SYS(lstat(path, &st));
	say("%s atime %s mtime %s ctime %s", path, st.st_atime < OLD_BEFORE ? "old" : "now",
	    st.st_mtime < OLD_BEFORE ? "old" : "now", st.st_ctime < OLD_BEFORE ? "old" : "now");
}

static void special(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "sock" };
	struct pollfd pfd = { .events = POLLIN | POLLOUT };
	int rd, wr, s;
	char buf[16];

	/* In the layer they stay what they were, whoever writes to them. */
	if (where == LOW) {
		CHECK_SYS(chown("fifo", 0, 0));
		CHECK_SYS(chown("null", 0, 0));
	}
	FD(open("fifo", O_WRONLY | O_NONBLOCK));
	rd = FD(open("fifo", O_RDONLY | O_NONBLOCK));
	wr = FD(open("fifo", O_WRONLY | O_NONBLOCK));
	DO(read(rd, buf, 16));
	say_times("fifo");
	DO(write(wr, "through", 7));
	say_times("fifo");
	DO(chown("fifo", 5, 6));
	DO(read(rd, buf, 16));
	say_times("fifo");
	pfd.fd = rd;
	DO(poll(&pfd, 1, 0));
	VAL(pfd.revents);
	DO(lseek(rd, 0, SEEK_SET));
	DO(pread(rd, buf, 1, 0));
	DO(ftruncate(wr, 0));
	DO(truncate("fifo", 0));
	DO(fsync(wr));
	DO(unlink("fifo"));
	DO(write(wr, "gone", 4));
	DO(read(rd, buf, 16));

	wr = FD(open("null", O_RDWR));
	DO(write(wr, "nothing", 7));
	DO(read(wr, buf, 16));
	DO(lseek(wr, 5, SEEK_SET));
	DO(fsync(wr));
	DO(ftruncate(wr, 0));
	DO(truncate("null", 0));
	say_times("null");
	DO(mknod("none", S_IFCHR | 0600, makedev(250, 77)));
	FD(open("none", O_RDWR));
	DO(mknod("blk", S_IFBLK | 0600, makedev(240, 3)));
	FD(open("blk", O_RDWR));

	FD(open("sock", O_RDWR));
	FD(open("sock", O_PATH));
	s = FD(socket(AF_UNIX, SOCK_STREAM, 0));
	DO(connect(s, (struct sockaddr *)&sun, sizeof(sun)));
	DO(bind(s, (struct sockaddr *)&sun, sizeof(sun)));
	DO(unlink("sock"));
	DO(bind(s, (struct sockaddr *)&sun, sizeof(sun)));
	DO(listen(s, 1));
	DO(chmod("sock", 0700));
	DO(chown("sock", 5, 6));
	DO(rename("sock", "sock2"));
	strcpy(sun.sun_path, "sock2");
	DO(connect(FD(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&sun, sizeof(sun)));
	FD(accept(s, NULL, NULL));
}

TEST(pass, special_files)
{
	compare(make, special);
}

static void paths(void)
{
	struct stat st;
	char buf[64], proc[64];
	int fd = FD(open("f", O_PATH)), dir = FD(open("d", O_PATH | O_DIRECTORY));
	int link = FD(open("link", O_PATH | O_NOFOLLOW)), t;

	DO(read(fd, buf, 1));
	DO(write(fd, buf, 1));
	DO(fchmod(fd, 0600));
	DO(fchown(fd, 1, 1));
	DO(ftruncate(fd, 0));
	DO(fsync(fd));
	DO(fgetxattr(fd, "user.a", buf, 1));
	DO(ioctl(fd, 0x5401, buf));
	DO(fstat(fd, &st));
	DO(fchownat(fd, "", 3, 4, AT_EMPTY_PATH));
	DO(utimensat(fd, "", NULL, AT_EMPTY_PATH));
	DO(readlinkat(link, "", buf, sizeof(buf)));
	DO(fchownat(link, "", 3, 4, AT_EMPTY_PATH));
	DO(linkat(fd, "", dir, "hard", AT_EMPTY_PATH));
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	FD(open(proc, O_RDWR));
	DO(chmod(proc, 0640));
	DO(fchdir(dir));
	DO(fchdir(fd));
	FD(open("hard", O_RDONLY));
	DO(chdir(".."));
	FD(open("f", O_PATH | O_DIRECTORY));
	FD(open("f", O_PATH | O_CREAT | O_EXCL));
	FD(open("f", O_DIRECTORY | O_CREAT, 0600));
	FD(open("link", O_RDONLY | O_NOFOLLOW));
	FD(open("d", O_RDWR));
	FD(open("d", O_RDONLY | O_CREAT, 0600));
	FD(open("f/x", O_RDONLY));

	FD(open("d", O_TMPFILE | O_RDONLY, 0600));
	FD(open("f", O_TMPFILE | O_RDWR, 0600));
	FD(open("nothing", O_TMPFILE | O_RDWR, 0600));
	t = FD(open("setgid", O_TMPFILE | O_RDWR, 02777));
	DO(fstat(t, &st));
	say("%o %u:%u nlink %u", st.st_mode, st.st_uid, st.st_gid, (unsigned int)st.st_nlink);
	DO(write(t, "tmp", 3));
	DO(fsetxattr(t, "user.a", "b", 1, 0));
	DO(linkat(t, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	DO(linkat(t, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	DO(linkat(t, "", AT_FDCWD, "named2", AT_EMPTY_PATH));
	DO(fstat(t, &st));
	VAL(st.st_nlink);
	DO(unlink("named"));
	DO(unlink("named2"));
	DO(linkat(t, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	t = FD(open("acl", O_TMPFILE | O_RDWR | O_EXCL, 0666));
	DO(linkat(t, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	DO(fgetxattr(t, ACCESS, buf, sizeof(buf)));
	t = FD(open("d", O_TMPFILE | O_RDWR | O_APPEND, 0666));
	DO(write(t, "one", 3));
	DO(pwrite(t, "two", 3, 0));
	DO(pread(t, buf, 10, 0));
	DO(linkat(t, "", AT_FDCWD, "appended", AT_EMPTY_PATH));
	AS_USER(USER) {
		DO(linkat(fd, "", dir, "hard2", AT_EMPTY_PATH));
		FD(open("d", O_TMPFILE | O_RDWR, 0600));
	}
}

TEST(pass, o_path_and_o_tmpfile)
{
	compare(make, paths);
}

/* Of what is in the upper access times are kept as anywhere. */
static void atimes(void)
{
	char buf[10];
	int fd;

	if (where == LOW) {
		CHECK_SYS(chmod("f", 0644));
		CHECK_SYS(chmod("d", 0755));
		CHECK_SYS(lchown("link", 0, 0));
	}
	fd = FD(open("f", O_RDONLY | O_NOATIME));
	DO(read(fd, buf, 10));
	say_times("f");
	DO(readlink("link", buf, 10));
	say_times("link");
	ls("d");
	say_times("d");
	DO(fcntl(fd, F_SETFL, 0));
	DO(read(fd, buf, 10));
	say_times("f");
	AS_USER(USER) {
		FD(open("f", O_RDONLY | O_NOATIME));
		fd = FD(open("f", O_RDONLY));
		DO(fcntl(fd, F_SETFL, O_NOATIME));
	}
}

TEST(pass, access_times)
{
	compare(make, atimes);
}

static void space(void)
{
	struct statvfs d, dot;

	DO(statvfs(".", &dot));
	DO(statvfs("d", &d));
	DO(fstatvfs(open("f", O_RDONLY), &d));
	say("%lu %lu %lu %lu", dot.f_bsize, dot.f_frsize, dot.f_namemax,
	    dot.f_flag & ~(unsigned long)ST_RELATIME);
	VAL(dot.f_blocks == d.f_blocks);
	VAL(dot.f_files == d.f_files);
	VAL(pathconf(".", _PC_NAME_MAX));
	VAL(pathconf("f", _PC_REC_XFER_ALIGN));
	VAL(fpathconf(open("f", O_RDONLY), _PC_PIPE_BUF));
}

TEST(pass, statfs)
{
	compare(make, space);
}
