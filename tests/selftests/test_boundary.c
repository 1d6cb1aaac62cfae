// SPDX-License-Identifier: GPL-2.0-only
/*
 * What separates mounters from each other and from those who use their mounts:
 * whose rights count, who shares an image, whose directories are whose.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "netlink.h"

static const struct mnt_opt userxattr[] = { { "userxattr", NULL }, {} };
static int up[2], down[2];

/* Directories of this owner, in one that anybody may write to. */
static void dirs_of(uid_t uid)
{
	static const char *const names[] = { "l1", "upper", "work", "mnt" };

	SKIP_ON_OVERLAY("about layerfs's own checks");
	fx_dirs(1);
	CHECK_SYS(chmod(".", 0777));
	for (int i = 0; i < 4; i++)
		CHECK_SYS(chown(names[i], uid, uid));
}

/* A pipe either way between a test and its child: one byte is "go on". */
static void pipes(void)
{
	CHECK_SYS(pipe(up));
	CHECK_SYS(pipe(down));
}

static void signal_to(int fd)
{
	CHECK_EQ(write(fd, "", 1), 1);
}

static void wait_for(int fd)
{
	char c;

	CHECK_EQ(read(fd, &c, 1), 1);
}

/* Mounting takes CAP_SYS_ADMIN over the mount namespace that it is done in. */
TEST(boundary, mounting_takes_the_right)
{
	dirs_of(ATTACKER);
	AS_USER(ATTACKER)
		CHECK_ERR(fsopen("layerfs", 0), EPERM);
	IN_CHILD {
		CHECK_SYS(setresgid(ATTACKER, ATTACKER, ATTACKER));
		CHECK_SYS(setresuid(ATTACKER, ATTACKER, ATTACKER));
		/* root of a namespace, in the mount namespace of another */
		CHECK_SYS(unshare(CLONE_NEWUSER));
		CHECK_ERR(fsopen("layerfs", 0), EPERM);
		CHECK_ERR(mount("none", "mnt", "layerfs", 0, "lowerdir=l1"), EPERM);
	}
	IN_USERNS(ATTACKER) {
		drop_capability(21 /* SYS_ADMIN */);
		CHECK_ERR(fsopen("layerfs", 0), EPERM);
	}
	/* nor is there another name for it */
	CHECK_ERR(fsopen("layerfs_image", 0), ENODEV);
	CHECK_ERR(mount("none", "mnt", "layerfs_image", 0, NULL), ENODEV);
}

/* How a second mounter differs from a root with everything. */
enum differ {
	SAME, A_CAPABILITY, A_GROUP, EUID, EGID, REAL_UID, SAVED_GID, FSUID, DIFFERS
};

static void differ(enum differ how)
{
	gid_t group = 77;

	switch (how) {
	case A_CAPABILITY:
		drop_capability(19 /* SYS_PTRACE */);
		break;
	case A_GROUP:
		CHECK_SYS(setgroups(1, &group));
		break;
	case EUID:
		/* keeps the capabilities: the bounding set and securebits say so */
		CHECK_SYS(setresuid(0, 0, 0));
		setfsuid(VICTIM);
		break;
	case EGID:
		CHECK_SYS(setresgid(-1, 77, -1));
		break;
	case REAL_UID:
		CHECK_SYS(setresuid(VICTIM, -1, -1));
		break;
	case SAVED_GID:
		CHECK_SYS(setresgid(-1, -1, 77));
		break;
	case FSUID:
		setfsgid(77);
		break;
	default:
		break;
	}
}

/*
 * Mounters of one list share its image if they have the same rights, and only
 * then: ids, groups and capabilities.
 */
TEST(boundary, images_only_among_equals)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, {} };
	uint64_t image, layer;

	dirs_of(0);
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	image = nl_container("mnt").num[LAYERFS_A_IMAGE_ID];
	layer = nl_layer("l1").num[LAYERFS_A_LAYER_ID];
	mk_dir("other");
	for (enum differ how = SAME; how < DIFFERS; how++) {
		IN_CHILD {
			differ(how);
			CHECK_EQ(fs_mount(opts, "other"), 0);
		}
		if ((nl_container("other").num[LAYERFS_A_IMAGE_ID] == image) !=
		    (how == SAME))
			FAIL("difference %d: the image is%s shared", how,
			     how == SAME ? " not" : "");
		/* the layer is the same one, its counters are root's */
		CHECK_EQ(nl_layer("l1").num[LAYERFS_A_LAYER_ID], layer);
		CHECK_SYS(umount("other"));
	}
	CHECK_SYS(umount("mnt"));
}

/*
 *	l1/closed/	VICTIM, 0700; secret in it
 *	l1/private	VICTIM, 0600
 */
static void victims_layer(void)
{
	dirs_of(0);
	mk_dir("l1/closed");
	mk_file("l1/closed/secret", "secret");
	mk_file("l1/private", "private");
	CHECK_SYS(chown("l1/private", VICTIM, VICTIM));
	CHECK_SYS(chmod("l1/private", 0600));
	CHECK_SYS(chown("l1/closed", VICTIM, VICTIM));
	CHECK_SYS(chmod("l1/closed", 0700));
}

static void mount_without_dac(const char *target)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, {} };

	IN_CHILD {
		drop_capability(1 /* DAC_OVERRIDE */);
		drop_capability(2 /* DAC_READ_SEARCH */);
		CHECK_EQ(fs_mount(opts, target), 0);
	}
}

static void is_closed(const char *mnt)
{
	char path[64], buf[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/private", mnt);
	CHECK_ERR(open(path, O_RDONLY), EACCES);
	snprintf(path, sizeof(path), "%s/closed/secret", mnt);
	CHECK_EQ(stat_error(path), EACCES);
	snprintf(path, sizeof(path), "%s/closed", mnt);
	fd = CHECK_SYS(open(path, O_RDONLY | O_DIRECTORY));
	CHECK_ERR(getdents64(fd, buf, sizeof(buf)), EACCES);
	close(fd);
}

static void is_open(const char *mnt)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/private", mnt);
	CHECK_STR(cat(path), "private");
	snprintf(path, sizeof(path), "%s/closed", mnt);
	CHECK_STR(ls(path), "secret");
	strcat(path, "/secret");
	CHECK_STR(cat(path), "secret");
}

/*
 * What one mounter's image has looked up and listed is no way for another who
 * could not have; nor is the other's failure remembered.
 */
TEST(boundary, images_lend_no_rights)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, {} };

	victims_layer();
	mk_dir("weak");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	is_open("mnt");
	mount_without_dac("weak");
	is_closed("weak");
	is_open("mnt");
	is_closed("weak");
	CHECK_SYS(umount("mnt"));
	is_closed("weak");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	is_open("mnt");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("weak"));
}

/* The same between root and a namespace, with a directory on top that is open. */
TEST(boundary, images_lend_no_rights_to_a_namespace)
{
	struct mnt_opt opts[] = { { "lowerdir", "top:l1" }, {} };

	victims_layer();
	mk_dir("top");
	mk_dirs("top/closed");
	CHECK_SYS(chmod("top/closed", 0777));
	mk_dir("other");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	is_open("mnt");
	IN_USERNS(ATTACKER) {
		CHECK_EQ(fs_mount(opts, "other"), 0);
		is_closed("other");
	}
	/* and by the merged mode, which is the top's, root's mount lets them in */
	AS_USER(ATTACKER) {
		CHECK_STR(ls("mnt/closed"), "secret");
		CHECK_ERR(open("mnt/private", O_RDONLY), EACCES);
	}
	CHECK_SYS(umount("mnt"));
}

/*
 * A work directory that has a "work" of somebody else's in it: neither its mode
 * nor what is in it changes by a mount that must fail.
 */
TEST(boundary, work_of_another_is_left_alone)
{
	dirs_of(ATTACKER);
	mk_dirs("work/work/dir");
	mk_file("work/work/file", "");
	CHECK_SYS(chmod("work/work", 0755));
	IN_USERNS(ATTACKER) {
		CHECK(try_mount(1, userxattr) < 0);
		CHECK(strstr(mount_log, "work"));
	}
	CHECK_EQ(stat_of("work/work").st_mode, S_IFDIR | 0755);
	CHECK_STR(ls("work/work"), "dir file");
	/* writable for all, it is still not his to change or to empty */
	CHECK_SYS(chmod("work/work", 01777));
	IN_USERNS(ATTACKER)
		CHECK(try_mount(1, userxattr) < 0);
	CHECK_EQ(stat_of("work/work").st_mode, S_IFDIR | 01777);
	CHECK_STR(ls("work/work"), "dir file");
}

/* In an upper that all may write to, the sticky bit keeps what it keeps elsewhere. */
TEST(boundary, sticky_upper)
{
	dirs_of(ATTACKER);
	CHECK_SYS(chown("upper", 0, 0));
	CHECK_SYS(chmod("upper", 01777));
	mk_file("upper/victims", "v");
	CHECK_SYS(chown("upper/victims", VICTIM, VICTIM));
	CHECK_SYS(chmod("upper/victims", 0666));
	mk_dir("upper/dir");
	CHECK_SYS(chown("upper/dir", VICTIM, VICTIM));
	mk_file("l1/victims", "below");
	CHECK_SYS(chown("l1/victims", ATTACKER, ATTACKER));
	IN_USERNS(ATTACKER) {
		must_mount(1, userxattr);
		CHECK_ERR(unlink("mnt/victims"), EPERM);
		CHECK_ERR(rename("mnt/victims", "mnt/x"), EPERM);
		CHECK_ERR(rmdir("mnt/dir"), EPERM);
		CHECK_ERR(rename("mnt/dir", "mnt/x"), EPERM);
		CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "mnt/dir", AT_FDCWD,
				  "mnt/victims", RENAME_EXCHANGE), EPERM);
		CHECK(chmod("mnt/victims", 0777));
		CHECK(link("mnt/victims", "mnt/x") || stat_of("mnt/x").st_nlink == 2);
	}
	CHECK_STR(cat("upper/victims"), "v");
	CHECK(exists("upper/dir"));
}

static void send_fd(int sock, int fd)
{
	char buf[CMSG_SPACE(sizeof(int))] = {}, c = 0;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
			      .msg_controllen = sizeof(buf) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(sock, &msg, 0), 1);
}

static int receive_fd(int sock)
{
	char buf[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
			      .msg_controllen = sizeof(buf) };
	int fd;

	CHECK_EQ(recvmsg(sock, &msg, 0), 1);
	CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* A context begun in a namespace, ended by root: neither's mount. */
TEST(boundary, context_ended_by_another)
{
	int sock[2], fd;

	dirs_of(ATTACKER);
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	IN_USERNS(ATTACKER) {
		fd = CHECK_SYS(fsopen("layerfs", 0));
		CHECK_SYS(fsconfig(fd, FSCONFIG_SET_STRING, "lowerdir", "l1", 0));
		send_fd(sock[0], fd);
	}
	fd = receive_fd(sock[1]);
	CHECK_ERR(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EPERM);
	CHECK_ERR(fsmount(fd, 0, 0), EINVAL);
	close(fd);
}

/* Root's mount, as a namespace has inherited it, is not for it to change. */
TEST(boundary, mounts_of_root_stay_as_they_are)
{
	dirs_of(0);
	mk_file("l1/f", "x");
	must_mount(1, NULL);
	IN_USERNS(ATTACKER) {
		int fd;

		CHECK_ERR(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL), EPERM);
		CHECK_ERR(mount(NULL, "mnt", NULL, MS_REMOUNT, "lowerdir=l1"), EPERM);
		fd = fspick(AT_FDCWD, "mnt", 0);
		if (fd >= 0)
			CHECK_ERR(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0),
				  EPERM);
		CHECK_ERR(umount("mnt"), EINVAL);
		CHECK_ERR(open("mnt/f", O_RDWR), EACCES);
	}
	append_file("mnt/f", "+");
	CHECK_SYS(umount("mnt"));
}

static void namespace_mount_and_wait(void *arg)
{
	pid_t pid;

	(void)arg;
	IN_USERNS(ATTACKER) {
		must_mount(1, userxattr);
		pid = getpid();
		CHECK_EQ(write(up[1], &pid, sizeof(pid)), sizeof(pid));
		wait_for(down[0]);
	}
}

/*
 * Root of the host in the mount of a namespace, where it does not exist: it
 * makes nothing there that would be root's.
 */
TEST(boundary, foreigners_make_nothing)
{
	char cwd[2048], root[2100], path[2200];
	pid_t child, pid;

	dirs_of(ATTACKER);
	mk_file("l1/f", "x");
	CHECK_SYS(chown("l1/f", ATTACKER, ATTACKER));
	pipes();
	child = spawn(namespace_mount_and_wait, NULL);
	CHECK_EQ(read(up[0], &pid, sizeof(pid)), sizeof(pid));
	CHECK(getcwd(cwd, sizeof(cwd)));
	snprintf(root, sizeof(root), "/proc/%d/root%s/mnt", pid, cwd);
	CHECK_STR(ls(root), "f");
	snprintf(path, sizeof(path), "%s/new", root);
	CHECK_ERR(open(path, O_CREAT | O_RDWR, 04755), EOVERFLOW);
	CHECK_ERR(mkdir(path, 0755), EOVERFLOW);
	CHECK_ERR(mknod(path, S_IFCHR | 0666, 0x103), EOVERFLOW);
	snprintf(path, sizeof(path), "%s/f", root);
	CHECK_ERR(chown(path, 0, 0), EOVERFLOW);
	CHECK_STR(ls("upper"), "");
	/* the mounter could not set it, so nobody can */
	CHECK_ERR(setxattr(path, "trusted.overlay.opaque", "y", 1, 0), EPERM);
	CHECK(!exists("upper/f") || !xattr_of("upper/f", "trusted.overlay.opaque"));
	signal_to(down[1]);
	reap(child);
}

/* Directories of another mount namespace are no layers, whoever has used them. */
TEST(boundary, layers_from_another_mount_namespace)
{
	char cwd[2048], list[2200];
	struct mnt_opt opts[] = { { "lowerdir", list }, {} };
	pid_t child, pid;

	dirs_of(ATTACKER);
	pipes();
	child = spawn(namespace_mount_and_wait, NULL);
	CHECK_EQ(read(up[0], &pid, sizeof(pid)), sizeof(pid));
	CHECK(getcwd(cwd, sizeof(cwd)));
	mk_dir("other");
	snprintf(list, sizeof(list), "/proc/%d/root%s/mnt", pid, cwd);
	CHECK_EQ(fs_mount(opts, "other"), -EINVAL);
	/* a sibling cannot even reach it */
	IN_USERNS(ATTACKER)
		CHECK_EQ(fs_mount(opts, "other"), -EACCES);
	signal_to(down[1]);
	reap(child);
}
