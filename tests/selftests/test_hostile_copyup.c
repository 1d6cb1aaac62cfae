// SPDX-License-Identifier: GPL-2.0-only
/*
 * Privileges that a file has in a layer and must not have in the upper, or through
 * the mount: the published holes of overlayfs, each by its steps.
 *
 * "Outside" is the initial user namespace, where the attacker is a plain user
 * who may enter the upper directory and start what is in it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "fuse.h"
#include "userns.h"

static const struct mnt_opt userxattr[] = { { "userxattr", NULL }, {} };

/* Directories that belong to the attacker, in one that anybody may write to. */
static void attackers_dirs(int layers)
{
	static const char *const names[] = { "upper", "work", "mnt", "l1", "l2" };

	SKIP_ON_OVERLAY("about layerfs's own checks");
	fx_dirs(layers);
	CHECK_SYS(chmod(".", 0777));
	for (int i = 0; i < 3 + layers; i++)
		CHECK_SYS(chown(names[i], ATTACKER, ATTACKER));
}

/* Neither a setuid bit nor a capability of it is of use to the attacker. */
static void gains_nothing(const char *path)
{
	struct gained g = run_as_attacker(path);

	if (g.euid != ATTACKER || g.caps)
		FAIL("%s: runs with uid %u and capabilities %llx", path, g.euid, g.caps);
}

/*
 * CVE-2021-3493, CVE-2023-2640, CVE-2023-32629: capabilities that the root of a
 * namespace may give, on a file of a layer and through the mount, hold in that
 * namespace only, wherever the copy is looked at from.
 */
TEST(hostile, capabilities_given_in_a_namespace)
{
	uid_t rootid = 0;

	attackers_dirs(1);
	mk_program("l1/lower");
	mk_program("l1/through");
	mk_program("l1/moved");
	for (int i = 0; i < 3; i++)
		CHECK_SYS(chown((const char *[]){ "l1/lower", "l1/through",
						  "l1/moved" }[i], ATTACKER, ATTACKER));
	IN_USERNS(ATTACKER) {
		CHECK_SYS(setxattr("l1/lower", "security.capability", caps_v2,
				   CAPS_V2_SIZE, 0));
		must_mount(1, userxattr);
		/* a touch of each, as the exploit does */
		CHECK_SYS(utimensat(AT_FDCWD, "mnt/lower", NULL, 0));
		CHECK_SYS(setxattr("mnt/through", "security.capability", caps_v2,
				   CAPS_V2_SIZE, 0));
		CHECK_SYS(setxattr("mnt/moved", "security.capability", caps_v2,
				   CAPS_V2_SIZE, 0));
		CHECK_SYS(rename("mnt/moved", "mnt/to"));
		/* inside they are what was asked for */
		CHECK_EQ(caps_version("mnt/lower", &rootid), 2);
		CHECK_EQ(caps_version("mnt/to", &rootid), 2);
	}
	for (int i = 0; i < 3; i++) {
		const char *path = (const char *[]){ "upper/lower", "upper/through",
						     "upper/to" }[i];

		CHECK_EQ(caps_version(path, &rootid), 3);
		CHECK_EQ(rootid, ATTACKER);
		gains_nothing(path);
	}
}

/* The same with capabilities that name another root, and with those of the real one. */
TEST(hostile, capabilities_forged_in_a_namespace)
{
	unsigned char v3[CAPS_V3_SIZE] = { 1, 0, 0, 3, 0x80 };
	uid_t rootid;

	attackers_dirs(1);
	mk_program("l1/real");
	CHECK_SYS(chown("l1/real", ATTACKER, ATTACKER));
	CHECK_SYS(setxattr("l1/real", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	mk_program("l1/f");
	CHECK_SYS(chown("l1/f", ATTACKER, ATTACKER));
	IN_USERNS(ATTACKER) {
		must_mount(1, userxattr);
		CHECK_SYS(utimensat(AT_FDCWD, "mnt/real", NULL, 0));
		/* root of the host, and a user who is not mapped */
		v3[20] = 0;
		CHECK_SYS(setxattr("mnt/f", "security.capability", v3, CAPS_V3_SIZE, 0));
		v3[20] = 1;
		CHECK_ERR(setxattr("mnt/f", "security.capability", v3, CAPS_V3_SIZE, 0),
			  EINVAL);
		CHECK_ERR(setxattr("mnt/f", "trusted.overlay.redirect", "x", 1, 0), EPERM);
		CHECK_ERR(setxattr("mnt/f", "trusted.overlay.opaque", "y", 1, 0), EPERM);
	}
	/* what root allows in namespaces too comes down to one of them */
	CHECK_EQ(caps_version("upper/real", &rootid), 3);
	CHECK_EQ(rootid, ATTACKER);
	CHECK_EQ(caps_version("upper/f", &rootid), 3);
	CHECK_EQ(rootid, ATTACKER);
	gains_nothing("upper/real");
	gains_nothing("upper/f");
	/* the control: root's own are worth something where they were */
	CHECK(run_as_attacker("l1/real").caps);
}

/*
 * CVE-2023-0386, CVE-2016-1576: a setuid file that a FUSE server claims to be
 * root's, made real by a copy-up.  Every way to get a copy is tried.
 */
TEST(hostile, setuid_of_root_by_a_fuse_server)
{
	struct fuse_server *s = fuse_new();

	attackers_dirs(2);
	s->node[0] = (struct fuse_node){ .name = "suid", .mode = S_IFREG | 06777,
					 .size = 2, .data = "x\n" };
	s->node[1] = (struct fuse_node){ .name = "group", .mode = S_IFREG | 02777,
					 .uid = ATTACKER, .size = 2, .data = "x\n" };
	s->node[2] = (struct fuse_node){ .name = "dir", .mode = S_IFDIR | 02777 };
	fuse_mount(s, "l2", ATTACKER);
	IN_USERNS(ATTACKER) {
		must_mount(2, userxattr);
		for (int i = 0; i < 2; i++) {
			const char *path = i ? "mnt/group" : "mnt/suid";

			CHECK_ERR(utimensat(AT_FDCWD, path, NULL, 0), EOVERFLOW);
			CHECK_ERR(truncate(path, 0), EOVERFLOW);
			CHECK_ERR(open(path, O_RDWR), EOVERFLOW);
			CHECK_ERR(rename(path, "mnt/new"), EOVERFLOW);
			CHECK_ERR(setxattr(path, "user.x", "x", 1, 0), EOVERFLOW);
			CHECK(link(path, "mnt/new"));
			CHECK(chmod(path, 06755));
			CHECK(chown(path, 0, 0));
		}
		CHECK_ERR(mkdir("mnt/dir/new", 0755), EOVERFLOW);
		CHECK_ERR(open("mnt/dir", O_TMPFILE | O_RDWR, 0600), EOVERFLOW);
		/* to remove them is no copy */
		CHECK_SYS(unlink("mnt/suid"));
	}
	CHECK_STR(ls("upper"), "suid");
	CHECK(is_whiteout("upper/suid"));
	fuse_kill(s);
}

/* The server changes its mind between the lookup and the copy-up. */
TEST(hostile, owner_that_changes_under_way)
{
	struct fuse_server *s = fuse_new();
	struct stat st;

	attackers_dirs(2);
	for (int i = 0; i < 3; i++)
		s->node[i] = (struct fuse_node){ .mode = S_IFREG | 0755, .uid = ATTACKER,
						 .gid = ATTACKER, .size = 2,
						 .data = "x\n" };
	strcpy(s->node[0].name, "uid");
	strcpy(s->node[1].name, "gid");
	strcpy(s->node[2].name, "mode");
	fuse_mount(s, "l2", ATTACKER);
	IN_USERNS(ATTACKER) {
		must_mount(2, userxattr);
		for (int i = 0; i < 3; i++)
			stat_of((const char *[]){ "mnt/uid", "mnt/gid",
						  "mnt/mode" }[i]);
		s->node[0].uid = 0;
		s->node[0].mode |= S_ISUID;
		s->node[1].gid = 0;
		s->node[1].mode |= S_ISGID;
		s->node[2].mode |= S_ISUID | S_ISGID;
		CHECK_ERR(utimensat(AT_FDCWD, "mnt/uid", NULL, 0), EOVERFLOW);
		CHECK_ERR(utimensat(AT_FDCWD, "mnt/gid", NULL, 0), EOVERFLOW);
		utimensat(AT_FDCWD, "mnt/mode", NULL, 0);
	}
	CHECK(!exists("upper/uid"));
	CHECK(!exists("upper/gid"));
	if (exists("upper/mode")) {
		/* the attacker's own, who could have set the bits himself */
		st = stat_of("upper/mode");
		CHECK_EQ(st.st_uid, ATTACKER);
		CHECK_EQ(st.st_gid, ATTACKER);
	}
	fuse_kill(s);
}

/* A mounter who may mount, but not give files away or make them setuid. */
TEST(hostile, setuid_by_a_mounter_without_the_right)
{
	static const int caps[] = { 0 /* CHOWN */, 4 /* FSETID */, 31 /* SETFCAP */ };
	uid_t rootid;

	SKIP_ON_OVERLAY("copies with rights of its own");
	fx_dirs(1);
	for (int i = 0; i < 3; i++) {
		char path[16];

		snprintf(path, sizeof(path), "l1/f%d", i);
		mk_program(path);
		CHECK_SYS(chown(path, 33, 44));
		CHECK_SYS(chmod(path, 06777));
		if (i == 2) {
			CHECK_SYS(chown(path, 0, 0));
			CHECK_SYS(setxattr(path, "security.capability", caps_v2,
					   CAPS_V2_SIZE, 0));
		}
	}
	for (int i = 0; i < 3; i++) {
		char path[16];

		IN_CHILD {
			drop_capability(caps[i]);
			must_mount(1, NULL);
		}
		snprintf(path, sizeof(path), "mnt/f%d", i);
		if (utimensat(AT_FDCWD, path, NULL, 0))
			CHECK_EQ(errno, EPERM);
		CHECK_SYS(umount("mnt"));
		snprintf(path, sizeof(path), "upper/f%d", i);
		if (!exists(path))
			continue;
		/* a copy that was made lacks what its maker could not give */
		if (i == 0)
			CHECK(stat_of(path).st_uid != 33);
		if (i == 1)
			CHECK(!(stat_of(path).st_mode & S_ISGID));
		if (i == 2)
			CHECK_EQ(caps_version(path, &rootid), 0);
	}
}

static int told[2], wait_for[2];

/* Root of a namespace has a setuid program, on a filesystem that he has mounted. */
static void suid_mount(void *arg __attribute__((unused)))
{
	char c;

	enter_userns();
	CHECK_SYS(mount("none", "l1", "tmpfs", 0, "mode=755"));
	mk_program("l1/suid");
	CHECK_SYS(chmod("l1/suid", 04777));
	CHECK_EQ(write(told[1], "", 1), 1);
	close(wait_for[1]);
	CHECK_EQ(read(wait_for[0], &c, 1), 0);
}

/* Who mounts it with more rights, in that mount namespace, gives it no weight outside. */
TEST(hostile, privileges_from_a_layer_of_a_namespace)
{
	char cwd[512], path[64], c;
	pid_t pid;
	int ns;

	SKIP_ON_OVERLAY("asks its own mount alone");
	fx_dirs(1);
	CHECK_SYS(chmod(".", 0777));
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_SYS(pipe(told) | pipe(wait_for));
	pid = spawn(suid_mount, NULL);
	close(wait_for[0]);
	CHECK_EQ(read(told[0], &c, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	ns = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	IN_CHILD {
		CHECK_SYS(setns(ns, CLONE_NEWNS));
		CHECK_SYS(chdir(cwd));
		CHECK_EQ(stat_of("l1/suid").st_mode, S_IFREG | 04777);
		must_mount(1, NULL);
		CHECK_EQ(stat_of("mnt/suid").st_mode, S_IFREG | 0777);
		CHECK_SYS(utimensat(AT_FDCWD, "mnt/suid", NULL, 0));
		CHECK_EQ(stat_of("mnt/suid").st_mode, S_IFREG | 0777);
		CHECK_EQ(stat_of("upper/suid").st_mode, S_IFREG | 0777);
		CHECK_SYS(umount("mnt"));
	}
	close(ns);
	close(wait_for[1]);
	reap(pid);
}

/*
 * CVE-2021-3847: what is on a mount with nosuid has no privileges through a
 * mount without, and a copy-up does not bring them to where they would count.
 */
TEST(hostile, privileges_from_a_nosuid_layer)
{
	static const char *const names[] = { "suid", "sgid", "caps" };
	char path[32], list[64];
	uid_t rootid;

	SKIP_ON_OVERLAY("asks its own mount alone");
	fx_dirs(1);
	CHECK_SYS(mount("none", "l1", "tmpfs", 0, "mode=755"));
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "l1/%s", names[i]);
		mk_program(path);
		CHECK_SYS(chmod(path, i == 0 ? 04777 : i == 1 ? 02777 : 0777));
	}
	CHECK_SYS(setxattr("l1/caps", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	mk_dir("l1/dir");
	CHECK_SYS(chmod("l1/dir", 02777));
	/* the control: they work while the layer's mount lets them */
	must_mount(1, NULL);
	CHECK_EQ(run_as_attacker("mnt/suid").euid, 0);
	CHECK(run_as_attacker("mnt/caps").caps);
	CHECK_SYS(umount("mnt"));

	CHECK_SYS(mount(NULL, "l1", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	must_mount(1, NULL);
	for (int up = 0; up < 2; up++) {
		for (int i = 0; i < 3; i++) {
			snprintf(path, sizeof(path), "mnt/%s", names[i]);
			gains_nothing(path);
			CHECK_EQ(stat_of(path).st_mode, S_IFREG | 0777);
			CHECK_EQ(caps_version(path, &rootid), 0);
			CHECK_EQ(listxattr(path, list, sizeof(list)), 0);
			if (up) {
				snprintf(path, sizeof(path), "upper/%s", names[i]);
				CHECK_EQ(stat_of(path).st_mode, S_IFREG | 0777);
				CHECK_EQ(caps_version(path, &rootid), 0);
				gains_nothing(path);
			} else {
				AS_USER(ATTACKER)
					CHECK_SYS(utimensat(AT_FDCWD, path, NULL, 0));
			}
		}
	}
	/* a directory's bit is no privilege, but says who owns what is new */
	CHECK_EQ(stat_of("mnt/dir").st_mode, S_IFDIR | 02777);
	/* what is given in the container counts there */
	CHECK_SYS(chmod("mnt/suid", 04755));
	CHECK_EQ(run_as_attacker("mnt/suid").euid, 0);
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l1"));
}

/* The container's own mount has the last word. */
TEST(hostile, privileges_under_nosuid_and_no_new_privs)
{
	fx_dirs(1);
	mk_program("l1/suid");
	CHECK_SYS(chmod("l1/suid", 04755));
	mk_program("l1/caps");
	CHECK_SYS(setxattr("l1/caps", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	fx_mount(1);
	CHECK_EQ(run_as_attacker("mnt/suid").euid, 0);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	gains_nothing("mnt/suid");
	gains_nothing("mnt/caps");
}

static int up[2], down[2];

static void mount_and_wait(void *arg)
{
	pid_t pid;
	char c;

	(void)arg;
	IN_USERNS(ATTACKER) {
		must_mount(1, userxattr);
		pid = getpid();
		CHECK_EQ(write(up[1], &pid, sizeof(pid)), sizeof(pid));
		CHECK_EQ(read(down[0], &c, 1), 1);
	}
}

/*
 * A setuid file in the attacker's own mount, of an owner who is not mapped
 * there, reached and started from outside: it is not setuid.
 */
TEST(hostile, setuid_of_a_namespace_mount_from_outside)
{
	char path[4096], cwd[2048];
	pid_t child, pid;

	attackers_dirs(1);
	mk_program("l1/suid");
	CHECK_SYS(chown("l1/suid", VICTIM, VICTIM));
	CHECK_SYS(chmod("l1/suid", 06755));
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_SYS(pipe(up));
	CHECK_SYS(pipe(down));
	child = spawn(mount_and_wait, NULL);
	CHECK_EQ(read(up[0], &pid, sizeof(pid)), sizeof(pid));
	snprintf(path, sizeof(path), "/proc/%d/root%s/mnt/suid", pid, cwd);
	CHECK_EQ(stat_of(path).st_mode, S_IFREG | 06755);
	gains_nothing(path);
	/* the control: in the layer it is the victim's */
	CHECK_EQ(run_as_attacker("l1/suid").euid, VICTIM);
	CHECK_EQ(write(down[1], "", 1), 1);
	reap(child);
}
