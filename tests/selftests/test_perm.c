// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what: the caller on the merged object, the mounter on the real
 * one; what new objects inherit; ACLs and xattrs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"

#define USER	1000
#define OTHER	1001

/*
 *	l1/private	root, 0600
 *	l1/open		root, 0644
 *	l1/mine		USER, 0600
 *	l1/closed/f	in a directory of root, 0700
 *	l1/shared/	root, 0777
 */
static void base(void)
{
	fx_dirs(1);
	mk_file("l1/private", "p");
	CHECK_SYS(chmod("l1/private", 0600));
	mk_file("l1/open", "o");
	mk_file("l1/mine", "m");
	CHECK_SYS(chown("l1/mine", USER, USER));
	CHECK_SYS(chmod("l1/mine", 0600));
	mk_dir("l1/closed");
	mk_file("l1/closed/f", "f");
	CHECK_SYS(chmod("l1/closed", 0700));
	mk_dir("l1/shared");
	CHECK_SYS(chmod("l1/shared", 0777));
	fx_mount(1);
}

TEST(perm, of_files_by_mode)
{
	base();
	AS_USER(USER) {
		CHECK_ERR(open("mnt/private", O_RDONLY), EACCES);
		CHECK_ERR(open("mnt/open", O_WRONLY), EACCES);
		CHECK_ERR(truncate("mnt/open", 0), EACCES);
		CHECK_STR(cat("mnt/open"), "o");
		append_file("mnt/mine", "+");
		CHECK_STR(cat("mnt/mine"), "m+");
		CHECK_ERR(open("mnt/closed/f", O_RDONLY), EACCES);
		CHECK_ERR(access("mnt/private", R_OK), EACCES);
		CHECK_ERR(access("mnt/open", X_OK), EACCES);
	}
	AS_USER(OTHER)
		CHECK_ERR(open("mnt/mine", O_RDONLY), EACCES);
}

/* The same rules hold for what has been copied up. */
TEST(perm, the_same_after_copy_up)
{
	base();
	append_file("mnt/private", "");
	CHECK_SYS(utimensat(AT_FDCWD, "mnt/private", NULL, 0));
	CHECK_SYS(utimensat(AT_FDCWD, "mnt/closed", NULL, 0));
	CHECK(exists("upper/private"));
	AS_USER(USER) {
		CHECK_ERR(open("mnt/private", O_RDONLY), EACCES);
		CHECK_ERR(open("mnt/closed/f", O_RDONLY), EACCES);
	}
	CHECK_SYS(chmod("mnt/private", 0644));
	AS_USER(USER)
		CHECK_STR(cat("mnt/private"), "p");
}

TEST(perm, of_directories)
{
	base();
	AS_USER(USER) {
		CHECK_ERR(open("mnt/new", O_CREAT | O_RDWR, 0644), EACCES);
		CHECK_ERR(mkdir("mnt/new", 0755), EACCES);
		CHECK_ERR(unlink("mnt/mine"), EACCES);
		CHECK_ERR(rename("mnt/mine", "mnt/shared/mine"), EACCES);
		CHECK_ERR(link("mnt/mine", "mnt/mine2"), EACCES);
		CHECK_ERR(symlink("x", "mnt/x"), EACCES);
		CHECK_SYS(link("mnt/mine", "mnt/shared/mine"));
		mk_file("mnt/shared/new", "n");
		CHECK_SYS(unlink("mnt/shared/new"));
	}
}

TEST(perm, changing_attributes)
{
	base();
	AS_USER(USER) {
		CHECK_ERR(chmod("mnt/open", 0777), EPERM);
		CHECK_ERR(chown("mnt/mine", OTHER, -1), EPERM);
		CHECK_ERR(chown("mnt/mine", -1, OTHER), EPERM);
		CHECK_SYS(chown("mnt/mine", USER, USER));
		CHECK_SYS(chmod("mnt/mine", 0640));
		CHECK_ERR(utimensat(AT_FDCWD, "mnt/open", NULL, 0), EACCES);
		CHECK_ERR(setxattr("mnt/open", "user.x", "y", 1, 0), EACCES);
		CHECK_SYS(setxattr("mnt/mine", "user.x", "y", 1, 0));
		CHECK_ERR(setxattr("mnt/mine", "trusted.x", "y", 1, 0), EPERM);
		CHECK_ERR(setxattr("mnt/mine", "security.x", "y", 1, 0), EPERM);
	}
	CHECK(!exists("upper/open"));
}

/* Who owns what is new: the caller; its group and setgid by the directory. */
TEST(perm, owner_of_new_objects)
{
	fx_dirs(1);
	mk_dir("l1/d");
	CHECK_SYS(chmod("l1/d", 0777));
	mk_dir("l1/sgid");
	CHECK_SYS(chown("l1/sgid", 0, 77));
	CHECK_SYS(chmod("l1/sgid", 02777));
	fx_mount(1);
	AS_USER(USER) {
		mk_file("mnt/d/f", "");
		mk_dir("mnt/d/sub");
		CHECK_SYS(symlink("x", "mnt/d/l"));
		CHECK_SYS(mknod("mnt/d/p", S_IFIFO | 0600, 0));
		mk_file("mnt/sgid/f", "");
		mk_dir("mnt/sgid/sub");
		CHECK_SYS(close(open("mnt/sgid/s", O_CREAT | O_RDWR, 02775)));
	}
	CHECK_EQ(stat_of("mnt/d/f").st_uid, USER);
	CHECK_EQ(stat_of("mnt/d/f").st_gid, USER);
	CHECK_EQ(stat_of("upper/d/sub").st_uid, USER);
	CHECK_EQ(stat_of("upper/d/l").st_uid, USER);
	CHECK_EQ(stat_of("upper/d/p").st_uid, USER);
	CHECK_EQ(stat_of("mnt/sgid/f").st_uid, USER);
	CHECK_EQ(stat_of("mnt/sgid/f").st_gid, 77);
	CHECK_EQ(stat_of("mnt/sgid/sub").st_gid, 77);
	CHECK_EQ(stat_of("mnt/sgid/sub").st_mode & 07777, 02755);
	/* not a member of the group: no setgid file for it */
	CHECK_EQ(stat_of("mnt/sgid/s").st_mode & 02000, 0);
}

TEST(perm, umask)
{
	fx_mount(1);
	umask(027);
	CHECK_SYS(close(open("mnt/f", O_CREAT | O_RDWR, 0777)));
	CHECK_SYS(mkdir("mnt/d", 0777));
	CHECK_SYS(mknod("mnt/p", S_IFIFO | 0777, 0));
	CHECK_EQ(stat_of("mnt/f").st_mode & 07777, 0750);
	CHECK_EQ(stat_of("mnt/d").st_mode & 07777, 0750);
	CHECK_EQ(stat_of("mnt/p").st_mode & 07777, 0750);
	CHECK_EQ(stat_of("upper/f").st_mode & 07777, 0750);
	umask(022);
}

/* user::rwx user:1001:rwx group::--- mask::rwx other::--- */
static const char acl[] =
	"\2\0\0\0" "\1\0\7\0\xff\xff\xff\xff" "\2\0\7\0\xe9\3\0\0"
	"\4\0\0\0\xff\xff\xff\xff" "\x10\0\7\0\xff\xff\xff\xff"
	"\x20\0\0\0\xff\xff\xff\xff";
#define ACL_SIZE	(sizeof(acl) - 1)

/* A default ACL goes to what is made in the directory; the umask does not. */
TEST(perm, default_acl)
{
	char value[64];

	fx_dirs(1);
	mk_dir("l1/d");
	CHECK_SYS(setxattr("l1/d", "system.posix_acl_default", acl, ACL_SIZE, 0));
	fx_mount(1);
	umask(077);
	mk_file("mnt/d/f", "x");
	CHECK_SYS(mkdir("mnt/d/sub", 0777));
	CHECK_SYS(mknod("mnt/d/p", S_IFIFO | 0666, 0));
	umask(022);
	CHECK_EQ(stat_of("mnt/d/f").st_mode & 0777, 0640);
	CHECK_EQ(stat_of("mnt/d/sub").st_mode & 0777, 0770);
	CHECK_EQ(stat_of("mnt/d/p").st_mode & 0777, 0660);
	CHECK_EQ(getxattr("mnt/d/f", "system.posix_acl_access", value, 64),
		 ACL_SIZE);
	CHECK_EQ(getxattr("mnt/d/sub", "system.posix_acl_default", value, 64),
		 ACL_SIZE);
	CHECK(!memcmp(value, acl, ACL_SIZE));
	AS_USER(OTHER) {
		CHECK_ERR(open("mnt/d/f", O_RDWR), EACCES); /* d is 0755: mask r-- */
		CHECK_STR(cat("mnt/d/f"), "x");
	}
	AS_USER(USER)
		CHECK_ERR(open("mnt/d/f", O_RDONLY), EACCES);
}

/* An access ACL is what decides, in the layer and after the copy-up. */
TEST(perm, access_acl)
{
	char value[64];

	fx_dirs(1);
	mk_file("l1/f", "x");
	CHECK_SYS(setxattr("l1/f", "system.posix_acl_access", acl, ACL_SIZE, 0));
	mk_file("l1/g", "x");
	fx_mount(1);
	AS_USER(USER)
		CHECK_ERR(open("mnt/f", O_RDONLY), EACCES);
	AS_USER(OTHER)
		append_file("mnt/f", "+");
	AS_USER(USER)
		CHECK_ERR(open("mnt/f", O_RDONLY), EACCES);
	CHECK_EQ(getxattr("upper/f", "system.posix_acl_access", value, 64),
		 ACL_SIZE);
	CHECK_SYS(setxattr("mnt/g", "system.posix_acl_access", acl, ACL_SIZE, 0));
	CHECK_EQ(stat_of("mnt/g").st_mode & 0777, 0770);
	AS_USER(OTHER)
		append_file("mnt/g", "+");
	CHECK_SYS(chmod("mnt/g", 0700));
	AS_USER(OTHER)
		CHECK_ERR(open("mnt/g", O_RDONLY), EACCES);
	CHECK_SYS(removexattr("mnt/g", "system.posix_acl_access"));
	CHECK_EQ(getxattr("mnt/g", "system.posix_acl_access", value, 64), -1);
	AS_USER(OTHER) {
		CHECK_ERR(setxattr("mnt/f", "system.posix_acl_access", acl,
				   ACL_SIZE, 0), EPERM);
		CHECK_ERR(removexattr("mnt/f", "system.posix_acl_access"), EPERM);
	}
}

/* An owner outside the group who sets an ACL loses the setgid bit by it. */
TEST(perm, acl_by_owner_drops_setgid)
{
	fx_dirs(1);
	mk_dir("l1/d");
	CHECK_SYS(chown("l1/d", USER, 77));
	CHECK_SYS(chmod("l1/d", 02777));
	fx_mount(1);
	mk_dir("mnt/e");
	CHECK_SYS(chown("mnt/e", USER, 77));
	CHECK_SYS(chmod("mnt/e", 02777));
	AS_USER(USER) {
		CHECK_SYS(setxattr("mnt/d", "system.posix_acl_access", acl,
				   ACL_SIZE, 0));
		CHECK_SYS(setxattr("mnt/e", "system.posix_acl_access", acl,
				   ACL_SIZE, 0));
	}
	CHECK_EQ(stat_of("mnt/d").st_mode & 07777, 0770);
	CHECK_EQ(stat_of("mnt/e").st_mode & 07777, 0770);
}

/* chmod and chown by one outside the group, and by root. */
TEST(perm, setid_bits_on_chmod_and_chown)
{
	fx_dirs(1);
	for (int i = 0; i < 3; i++) {
		char path[16];

		snprintf(path, sizeof(path), "l1/f%d", i);
		mk_file(path, "");
		CHECK_SYS(chown(path, USER, 77));
		CHECK_SYS(chmod(path, 0755));
	}
	CHECK_SYS(chmod("l1/f2", 06755));
	fx_mount(1);
	AS_USER(USER)
		CHECK_SYS(chmod("mnt/f0", 06755));
	CHECK_EQ(stat_of("mnt/f0").st_mode & 07777, 04755);
	CHECK_SYS(chmod("mnt/f1", 06755));
	CHECK_EQ(stat_of("mnt/f1").st_mode & 07777, 06755);
	CHECK_SYS(chown("mnt/f2", OTHER, OTHER));
	CHECK_EQ(stat_of("mnt/f2").st_mode & 07777, 0755);
}

/* The ways to change a file's data. */
static void change_data(const char *path, int how)
{
	off_t from = 0, to = 1;
	int fd, p[2];

	if (how == 0) {
		CHECK_SYS(truncate(path, 1));
		return;
	}
	fd = CHECK_SYS(open(path, O_RDWR | (how == 1 ? O_TRUNC : 0)));
	switch (how) {
	case 2:
		CHECK_EQ(write(fd, "x", 1), 1);
		break;
	case 3:
		CHECK_SYS(ftruncate(fd, 1));
		break;
	case 4:
		CHECK_SYS(fallocate(fd, 0, 0, 100));
		break;
	case 5:
		CHECK_SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				    FALLOC_FL_KEEP_SIZE, 0, 2));
		break;
	case 6:
		CHECK_EQ(copy_file_range(fd, &from, fd, &to, 1, 0), 1);
		break;
	case 7:
		CHECK_SYS(pipe(p));
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(splice(p[0], NULL, fd, NULL, 1, 0), 1);
	}
	close(fd);
}

/* Each takes suid, sgid and capabilities away, as it does on a plain file. */
TEST(perm, every_change_of_data_drops_suid)
{
	static const char cap[20] = "\1\0\0\2\0\4";
	char path[2][16];

	fx_dirs(1);
	mk_dir("plain");
	for (int i = 0; i < 16; i++) {
		snprintf(path[0], 16, "%s/f%d", i < 8 ? "l1" : "plain", i % 8);
		mk_file(path[0], "data");
		CHECK_SYS(chmod(path[0], 06777));
		CHECK_SYS(setxattr(path[0], "security.capability", cap, 20, 0));
	}
	fx_mount(1);
	for (int i = 0; i < 8; i++) {
		snprintf(path[0], 16, "mnt/f%d", i);
		snprintf(path[1], 16, "plain/f%d", i);
		AS_USER(USER) {
			change_data(path[0], i);
			change_data(path[1], i);
		}
		if (stat_of(path[0]).st_mode != stat_of(path[1]).st_mode)
			FAIL("way %d: mode is %o, want %o", i,
			     stat_of(path[0]).st_mode, stat_of(path[1]).st_mode);
		if (!xattr_of(path[0], "security.capability") !=
		    !xattr_of(path[1], "security.capability"))
			FAIL("way %d: the capabilities are not as on a plain file",
			     i);
	}
}

TEST(perm, xattrs)
{
	char list[256], value[16];

	fx_dirs(1);
	mk_file("l1/f", "");
	mk_xattr("l1/f", "user.a", "1");
	mk_xattr("l1/f", "trusted.b", "2");
	mk_xattr("l1/f", "security.c", "3");
	fx_mount(1);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(listxattr("mnt/f", list, sizeof(list)), 7 + 10 + 11);
		CHECK_EQ(getxattr("mnt/f", "trusted.b", value, 16), 1);
		CHECK_ERR(getxattr("mnt/f", "user.none", value, 16), ENODATA);
		CHECK_ERR(getxattr("mnt/f", "bad.name", value, 16), EOPNOTSUPP);
		CHECK_ERR(setxattr("mnt/f", "bad.name", "1", 1, 0), EOPNOTSUPP);
		AS_USER(USER) {
			CHECK_EQ(listxattr("mnt/f", list, sizeof(list)), 7 + 11);
			CHECK_EQ(getxattr("mnt/f", "user.a", value, 16), 1);
			CHECK_ERR(getxattr("mnt/f", "trusted.b", value, 16),
				  ENODATA);
		}
		CHECK_SYS(utimensat(AT_FDCWD, "mnt/f", NULL, 0));
	}
	CHECK_ERR(setxattr("mnt/f", "user.a", "9", 1, XATTR_CREATE), EEXIST);
	CHECK_SYS(setxattr("mnt/f", "user.a", "9", 1, XATTR_REPLACE));
	CHECK_SYS(removexattr("mnt/f", "security.c"));
	CHECK_STR(xattr_of("upper/f", "user.a"), "9");
	CHECK_STR(xattr_of("l1/f", "security.c"), "3");
}

/* Takes what lets root pass over modes. */
static void drop_dac_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	unsigned int drop = 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH |
			    1 << CAP_FOWNER;

	CHECK_SYS(syscall(SYS_capget, &head, data));
	data[0].permitted &= ~drop;
	data[0].effective &= ~drop;
	CHECK_SYS(syscall(SYS_capset, &head, data));
}

/* An upper is not taken by who may not write to it. */
TEST(perm, mounter_without_rights_on_the_upper_itself)
{
	static const struct mnt_opt opts[] = {
		{ "lowerdir", "l1" }, { "upperdir", "upper" },
		{ "workdir", "work" }, {}
	};

	SKIP_ON_OVERLAY("it leaves that to the first write");
	fx_dirs(1);
	CHECK_SYS(chown("upper", USER, USER));
	IN_CHILD {
		drop_dac_capabilities();
		CHECK_EQ(fs_mount(opts, "mnt"), -EACCES);
	}
}

/*
 * The mounter's rights bound what a mount can do: mounted by one who may not
 * write in a directory of the upper, nobody writes there, not even root.
 */
TEST(perm, mounter_without_rights_on_upper)
{
	static const struct mnt_opt opts[] = {
		{ "lowerdir", "l1" }, { "upperdir", "upper" },
		{ "workdir", "work" }, {}
	};

	SKIP_ON_OVERLAY("its own work directory has mode 0, so this is refused");
	fx_dirs(1);
	mk_dir("l1/top");
	mk_file("l1/top/f", "x");
	mk_dir("l1/top/d");
	mk_dir("upper/top");
	CHECK_SYS(chown("upper/top", USER, USER));
	IN_CHILD {
		drop_dac_capabilities();
		CHECK_EQ(fs_mount(opts, "mnt"), 0);
	}
	CHECK_STR(cat("mnt/top/f"), "x");
	CHECK_ERR(open("mnt/top/new", O_CREAT | O_RDWR, 0644), EACCES);
	CHECK_ERR(mkdir("mnt/top/new", 0755), EACCES);
	CHECK_ERR(chmod("mnt/top/f", 0600), EACCES);
	CHECK_ERR(unlink("mnt/top/f"), EACCES);
	CHECK_ERR(rename("mnt/top/d", "mnt/top/e"), EACCES);
	CHECK_STR(ls("mnt/top"), "d f");
	CHECK_STR(ls("upper/top"), "");
	CHECK_SYS(umount("mnt"));
}

/* And may not read the layer: nobody reads it. */
TEST(perm, mounter_without_rights_on_a_layer)
{
	static const struct mnt_opt opts[] = {
		{ "lowerdir", "l1" }, { "upperdir", "upper" },
		{ "workdir", "work" }, {}
	};

	SKIP_ON_OVERLAY("its own work directory has mode 0, so this is refused");
	fx_dirs(1);
	mk_file("l1/f", "x");
	CHECK_SYS(chown("l1/f", USER, USER));
	CHECK_SYS(chmod("l1/f", 0600));
	IN_CHILD {
		drop_dac_capabilities();
		CHECK_EQ(fs_mount(opts, "mnt"), 0);
	}
	CHECK_ERR(open("mnt/f", O_RDONLY), EACCES);
	AS_USER(USER)
		CHECK_ERR(open("mnt/f", O_RDONLY), EACCES);
	CHECK_SYS(umount("mnt"));
}

/* The reader needs no right of his own on the layer's or the upper's path. */
TEST(perm, paths_of_layers_are_the_mounters_matter)
{
	struct mnt_opt opts[] = { { "lowerdir", "hidden/l1" },
				  { "upperdir", "hidden/upper" },
				  { "workdir", "hidden/work" }, {} };

	fx_dirs(0);
	mk_dirs("hidden/l1");
	mk_dirs("hidden/upper");
	mk_dirs("hidden/work");
	mk_file("hidden/l1/f", "x");
	CHECK_SYS(chown("hidden/l1/f", USER, USER));
	CHECK_SYS(chmod("hidden", 0700));
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	AS_USER(USER) {
		CHECK_ERR(open("hidden/l1/f", O_RDONLY), EACCES);
		CHECK_STR(cat("mnt/f"), "x");
		append_file("mnt/f", "+");
		CHECK_STR(cat("mnt/f"), "x+");
	}
	CHECK_SYS(umount("mnt"));
}

/* Flags of the one mount, changed on it. */
TEST(perm, mount_flags_noexec)
{
	fx_dirs(1);
	mk_file("l1/script", "#!/bin/true\n");
	CHECK_SYS(chmod("l1/script", 0755));
	fx_mount(1);
	CHECK_SYS(access("mnt/script", X_OK));
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL));
	CHECK_ERR(access("mnt/script", X_OK), EACCES);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_ERR(open("mnt/script", O_RDWR), EROFS);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND, NULL));
	append_file("mnt/script", "\n");
}

/* A group that the caller is in besides his own. */
TEST(perm, supplementary_groups)
{
	gid_t group = 77;

	fx_dirs(1);
	mk_file("l1/f", "x");
	CHECK_SYS(chown("l1/f", 0, 77));
	CHECK_SYS(chmod("l1/f", 0660));
	fx_mount(1);
	AS_USER(USER)
		CHECK_ERR(open("mnt/f", O_RDWR), EACCES);
	IN_CHILD {
		CHECK_SYS(setgroups(1, &group));
		CHECK_SYS(setresgid(USER, USER, USER));
		CHECK_SYS(setresuid(USER, USER, USER));
		append_file("mnt/f", "+");
	}
	CHECK_STR(cat("mnt/f"), "x+");
	CHECK_EQ(stat_of("upper/f").st_gid, 77);
}

/* A descriptor for reading that one was given is no way to one for writing. */
TEST(perm, proc_fd_reopen)
{
	char path[64];
	int fd;

	base();
	fd = CHECK_SYS(open("mnt/private", O_RDONLY));
	CHECK_SYS(fchmod(fd, 0644));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_SYS(fchown(fd, 0, 0));
	IN_CHILD {
		CHECK_SYS(setgroups(0, NULL));
		CHECK_SYS(setresgid(USER, USER, USER));
		CHECK_SYS(setresuid(USER, USER, USER));
		prctl(PR_SET_DUMPABLE, 1);
		CHECK_ERR(open(path, O_RDWR), EACCES);
		close(CHECK_SYS(open(path, O_RDONLY)));
	}
	close(fd);
}
