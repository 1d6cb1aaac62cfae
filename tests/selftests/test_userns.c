// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mounts by the root of a user namespace, who is nobody outside:
 *
 *	./		0777
 *	|-- l1/		the user's, top
 *	|-- l2/		the user's, bottom
 *	|-- upper/	the user's
 *	|-- work/	the user's
 *	`-- mnt/
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"
#include "userns.h"

static const char * const dirs[] = { "l1", "l2", "upper", "work", "mnt" };

static void give(const char *path, uid_t uid)
{
	CHECK_SYS(lchown(path, uid, uid));
}

static void base(void)
{
	if (on_overlay())
		test_skip("about layerfs's own checks");
	fx_dirs(2);
	CHECK_SYS(chmod(".", 0777));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		give(dirs[i], NS_ROOT);
}

static int ns_mount(const char *lower, const char *upper, bool userxattr)
{
	struct mnt_opt opts[5] = {};
	int n = 0;

	opts[n++] = (struct mnt_opt){ "lowerdir", lower };
	if (upper) {
		opts[n++] = (struct mnt_opt){ "upperdir", upper };
		opts[n++] = (struct mnt_opt){ "workdir", "work" };
	}
	if (userxattr)
		opts[n++] = (struct mnt_opt){ "userxattr", NULL };
	return fs_mount(opts, "mnt");
}

#define NS_MOUNT() CHECK_EQ(ns_mount("l1:l2", "upper", true), 0)

/* What a build does: change, replace, remove, make; owners of the namespace. */
TEST(userns, build)
{
	base();
	mk_dir("l2/d");
	mk_file("l2/d/f", "below\n");
	mk_file("l2/gone", "x");
	mk_dir("l2/tree");
	mk_file("l2/tree/old", "x");
	for (const char * const *p = (const char *[]){ "l2/d", "l2/d/f", "l2/gone", "l2/tree",
						       "l2/tree/old", NULL }; *p; p++)
		give(*p, NS_ROOT);
	IN_CHILD {
		enter_userns();
		NS_MOUNT();
		append_file("mnt/d/f", "above\n");
		CHECK_STR(cat("mnt/d/f"), "below\nabove\n");
		CHECK_SYS(unlink("mnt/gone"));
		CHECK_SYS(unlink("mnt/tree/old"));
		CHECK_SYS(rmdir("mnt/tree"));
		mk_dir("mnt/tree");
		mk_file("mnt/tree/new", "new\n");
		CHECK_SYS(chown("mnt/tree/new", 5, 5));
		CHECK_SYS(symlink("d/f", "mnt/link"));
		CHECK_SYS(link("mnt/d/f", "mnt/hard"));
		CHECK_STR(ls("mnt/tree"), "new");
		CHECK_SYS(umount("mnt"));
		NS_MOUNT();
		CHECK_STR(ls("mnt"), "d hard link tree");
		CHECK_STR(ls("mnt/tree"), "new");
		CHECK_STR(cat("mnt/hard"), "below\nabove\n");
		CHECK_EQ(stat_of("mnt/tree/new").st_uid, 5);
	}
	CHECK_EQ(stat_of("upper/tree/new").st_uid, NS_FIRST + 4);
	CHECK_EQ(stat_of("upper/d/f").st_uid, NS_ROOT);
	CHECK(is_whiteout("upper/gone"));
	CHECK_STR(xattr_of("upper/tree", "user.overlay.opaque"), "y");
	CHECK_STR(cat("l2/d/f"), "below\n");
}

TEST(userns, upper_needs_userxattr)
{
	base();
	IN_CHILD {
		enter_userns();
		CHECK_EQ(ns_mount("l1:l2", "upper", false), -EPERM);
		CHECK(strstr(mount_log, "userxattr"));
		/* to read needs no mark */
		CHECK_EQ(ns_mount("l1:l2", NULL, false), 0);
	}
}

/* What is safe there works there: options, one more mount to look into, layers of data. */
TEST(userns, options_that_work)
{
	struct mnt_opt all[] = { { "lowerdir", "l1:l2" }, { "upperdir", "upper" },
				 { "workdir", "work" }, { "userxattr", NULL },
				 { "volatile", NULL }, { "aufs_whiteouts", NULL }, {} };
	struct mnt_opt look[] = { { "lowerdir", "l1:l2" }, { "upperdir", "upper" },
				  { "workdir", "work" }, { "userxattr", NULL },
				  { "aufs_whiteouts", NULL }, { "ro", NULL }, {} };
	struct mnt_opt data[] = { { "lowerdir", "l2::data" }, {} };

	base();
	mk_file("l1/.wh.gone", "");
	mk_file("l2/gone", "gone");
	mk_file("l2/stays", "stays");
	give("l2/stays", NS_ROOT);
	mk_dir("data");
	mk_dir("view");
	give("view", NS_ROOT);
	IN_CHILD {
		enter_userns();
		CHECK_EQ(fs_mount(all, "mnt"), 0);
		CHECK_STR(ls("mnt"), "stays");
		CHECK_EQ(fs_mount(look, "view"), 0);
		append_file("mnt/stays", "+");
		CHECK_STR(cat("view/stays"), "stays+");
		CHECK_SYS(umount("view"));
		CHECK_SYS(umount("mnt"));
		CHECK_EQ(fs_mount(look, "view"), -EINVAL);
		CHECK(strstr(mount_log, "volatile"));
		CHECK_SYS(rmdir("work/work/incompat/volatile"));
		CHECK_EQ(fs_mount(look, "view"), 0);
		CHECK_STR(ls("view"), "stays");
		CHECK_SYS(umount("view"));
		CHECK_EQ(fs_mount(data, "mnt"), 0);
		CHECK_STR(ls("mnt"), "gone stays");
	}
}

/* Nobody keeps another's directory from being used. */
TEST(userns, upper_must_be_writable)
{
	base();
	give("upper", 0);
	IN_CHILD {
		enter_userns();
		CHECK_EQ(ns_mount("l1:l2", "upper", true), -EACCES);
		CHECK(strstr(mount_log, "upperdir 'upper' cannot be written to"));
	}
	give("upper", NS_ROOT);
	give("work", 0);
	IN_CHILD {
		enter_userns();
		CHECK_EQ(ns_mount("l1:l2", "upper", true), -EACCES);
		CHECK(strstr(mount_log, "workdir 'work' cannot be written to"));
	}
	fx_mount(2);
}

static void mount_and_wait(void *arg)
{
	int *fd = arg;
	char c;

	enter_userns();
	CHECK_EQ(ns_mount("l1:l2", NULL, true), 0);
	CHECK_EQ(write(fd[1], "", 1), 1);
	CHECK_EQ(read(fd[2], &c, 1), 1);
}

/* Not even by stacking it. */
TEST(userns, layer_does_not_hold_its_owner)
{
	int fd[4];
	pid_t pid;
	char c;

	base();
	mk_dir("l3");
	CHECK_SYS(pipe(fd));
	CHECK_SYS(pipe(fd + 2));
	pid = spawn(mount_and_wait, (int []){ fd[0], fd[1], fd[2] });
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_EQ(fs_mount((struct mnt_opt []){ { "lowerdir", "l3" }, { "upperdir", "l1" },
					       { "workdir", "work" }, {} }, "mnt"), 0);
	CHECK_SYS(umount("mnt"));
	CHECK_EQ(write(fd[3], "", 1), 1);
	reap(pid);
}

/* A directory above, with other rights, opens none below. */
TEST(userns, closed_directory_stays_closed)
{
	base();
	mk_dir("l2/secret");
	mk_file("l2/secret/name", "s");
	CHECK_SYS(chmod("l2/secret", 0700));
	mk_dir("l1/secret");
	give("l1/secret", NS_ROOT);
	IN_CHILD {
		int fd;
		char buf[4096];

		enter_userns();
		NS_MOUNT();
		fd = CHECK_SYS(open("mnt/secret", O_RDONLY | O_DIRECTORY));
		CHECK_ERR(getdents64(fd, buf, sizeof(buf)), EACCES);
		CHECK_ERR(access("mnt/secret/name", F_OK), EACCES);
	}
	/* root may: it is the same list, and another image */
	fx_mount(2);
	CHECK_STR(ls("mnt/secret"), "name");
}

/* CVE-2023-0386: what belongs to nobody here is not copied, with no right at all. */
TEST(userns, unmapped_owner_is_not_copied)
{
	base();
	mk_file("l2/suid", "x");
	give("l2/suid", 0);
	CHECK_SYS(chmod("l2/suid", 04777));
	mk_dir("l2/open");
	CHECK_SYS(chmod("l2/open", 0777));
	mk_file("l2/open/mine", "x");
	give("l2/open/mine", NS_ROOT);
	IN_CHILD {
		int fd;

		enter_userns();
		NS_MOUNT();
		CHECK_ERR(open("mnt/suid", O_WRONLY), EOVERFLOW);
		CHECK_ERR(chmod("mnt/suid", 04755), EPERM);
		CHECK_ERR(utimensat(AT_FDCWD, "mnt/suid", NULL, 0), EOVERFLOW);
		CHECK_ERR(rename("mnt/suid", "mnt/other"), EOVERFLOW);
		CHECK_ERR(link("mnt/suid", "mnt/other"), EPERM);
		CHECK_ERR(setxattr("mnt/suid", "user.x", "y", 1, 0), EOVERFLOW);
		CHECK_ERR(open("mnt/open/new", O_CREAT | O_WRONLY, 0644), EOVERFLOW);
		fd = CHECK_SYS(open("mnt/open/mine", O_WRONLY));
		CHECK_ERR(write(fd, "y", 1), EOVERFLOW);
	}
	CHECK_STR(ls("upper"), "");
}

TEST(userns, no_devices)
{
	base();
	CHECK_SYS(mknod("l2/null", S_IFCHR | 0666, makedev(1, 3)));
	CHECK_SYS(chmod("l2/null", 0666));
	give("l2/null", NS_ROOT);
	IN_CHILD {
		enter_userns();
		NS_MOUNT();
		CHECK_ERR(open("mnt/null", O_RDONLY), EACCES);
		CHECK_ERR(mknod("mnt/dev", S_IFCHR | 0666, makedev(1, 3)), EPERM);
	}
}

/* Anyone who may write to a directory can set it: so it leads nowhere. */
TEST(userns, no_redirects)
{
	base();
	mk_dir("l2/from");
	mk_file("l2/from/f", "x");
	mk_dir("l1/to");
	mk_xattr("l1/to", "user.overlay.redirect", "/from");
	CHECK_EQ(ns_mount("l1:l2", "upper", true), 0);
	CHECK_ERR(access("mnt/to", F_OK), EPERM);
	CHECK_ERR(rename("mnt/from", "mnt/else"), EXDEV);
	CHECK_STR(ls("mnt/from"), "f");
	mk_dir("mnt/own");
	CHECK_SYS(rename("mnt/own", "mnt/else"));
	CHECK_ERR(renameat2(AT_FDCWD, "mnt/else", AT_FDCWD, "mnt/from", RENAME_EXCHANGE), EXDEV);
	CHECK_STR(ls("upper"), "else");
	CHECK_SYS(umount("mnt"));
	/* to other mounts it is an attribute like others */
	CHECK_EQ(fs_mount((struct mnt_opt []){ { "lowerdir", "l1:l2" }, {} }, "mnt"), 0);
	CHECK_STR(ls("mnt/to"), "");
	CHECK_STR(xattr_of("mnt/to", "user.overlay.redirect"), "/from");
}

/* Marks are neither seen nor set through the mount. */
TEST(userns, marks_are_private)
{
	char list[256];

	base();
	mk_dir("l1/d");
	mk_xattr("l1/d", "user.overlay.opaque", "y");
	mk_xattr("l1/d", "user.other", "z");
	mk_dir("l2/d");
	mk_file("l2/d/f", "x");
	give("l1/d", NS_ROOT);
	IN_CHILD {
		enter_userns();
		NS_MOUNT();
		CHECK_STR(ls("mnt/d"), "");
		CHECK_EQ(listxattr("mnt/d", list, sizeof(list)), (long)sizeof("user.other"));
		CHECK_STR(list, "user.other");
		CHECK_ERR(getxattr("mnt/d", "user.overlay.opaque", list, 1), ENODATA);
		CHECK_ERR(removexattr("mnt/d", "user.overlay.opaque"), ENODATA);
		CHECK_ERR(setxattr("mnt/d", "trusted.overlay.opaque", "y", 1, 0), EPERM);
	}
	CHECK_STR(ls("upper"), "");
}

/* What is set inside has another name on the disk, and means nothing. */
TEST(userns, marks_from_inside)
{
	base();
	mk_dir("l1/d");
	mk_dir("l2/d");
	mk_file("l2/d/f", "x");
	give("l1/d", NS_ROOT);
	IN_CHILD {
		enter_userns();
		NS_MOUNT();
		CHECK_SYS(setxattr("mnt/d", "user.overlay.redirect", "x", 1, 0));
		CHECK_SYS(setxattr("mnt/d", "user.overlay.opaque", "y", 1, 0));
		CHECK_STR(xattr_of("upper/d", "user.overlay.overlay.opaque"), "y");
		CHECK_SYS(umount("mnt"));
		NS_MOUNT();
		CHECK_STR(ls("mnt/d"), "f");
		CHECK_STR(xattr_of("mnt/d", "user.overlay.redirect"), "x");
		CHECK_SYS(umount("mnt"));
	}
}

/* CVE-2021-3493: what a copy can do it can do in the namespace. */
TEST(userns, capabilities_hold_inside_only)
{
	struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1 << CAP_NET_RAW,
	};
	struct vfs_ns_cap_data ns_caps;

	base();
	mk_file("l2/f", "x");
	mk_file("l2/g", "x");
	give("l2/f", NS_ROOT);
	give("l2/g", NS_ROOT);
	CHECK_SYS(setxattr("l2/f", "security.capability", &caps, XATTR_CAPS_SZ_2, 0));
	IN_CHILD {
		enter_userns();
		NS_MOUNT();
		CHECK_SYS(chmod("mnt/f", 0700));
		CHECK_SYS(setxattr("mnt/g", "security.capability", &caps, XATTR_CAPS_SZ_2, 0));
	}
	for (const char * const *p = (const char *[]){ "upper/f", "upper/g", NULL }; *p; p++) {
		CHECK_EQ(getxattr(*p, "security.capability", &ns_caps, sizeof(ns_caps)),
			 XATTR_CAPS_SZ_3);
		CHECK_EQ(ns_caps.magic_etc & VFS_CAP_REVISION_MASK, VFS_CAP_REVISION_3);
		CHECK_EQ(ns_caps.rootid, NS_ROOT);
	}
}

/* Capabilities given by another root are none, and no reason to fail either. */
TEST(userns, foreign_capabilities_are_none)
{
	struct vfs_ns_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1 << CAP_NET_RAW,
		.rootid = 4242,
	};
	int status;

	base();
	CHECK_EQ(system("cp /bin/true l2/true"), 0);
	give("l2/true", NS_ROOT);
	CHECK_SYS(setxattr("l2/true", "security.capability", &caps, XATTR_CAPS_SZ_3, 0));
	IN_CHILD {
		pid_t pid;

		enter_userns();
		NS_MOUNT();
		pid = CHECK_SYS(fork());
		if (!pid) {
			execl("mnt/true", "true", NULL);
			_exit(errno);
		}
		CHECK_SYS(waitpid(pid, &status, 0));
		CHECK_EQ(status, 0);
		/* the copy is made by someone who could not give it such */
		CHECK_SYS(chmod("mnt/true", 0700));
	}
	CHECK_ERR(getxattr("upper/true", "security.capability", NULL, 0), ENODATA);
}

/* Whose namespace, and whose rights: one. */
TEST(userns, context_from_another_namespace)
{
	int fd;

	base();
	fd = CHECK_SYS(fsopen(fs_type(), 0));
	CHECK_SYS(fsconfig(fd, FSCONFIG_SET_STRING, "lowerdir", "l1", 0));
	IN_CHILD {
		enter_userns();
		CHECK_ERR(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EPERM);
	}
}
