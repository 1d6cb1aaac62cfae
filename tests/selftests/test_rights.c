// SPDX-License-Identifier: GPL-2.0-only
/*
 * Odd objects in layers, servers of layers that lie, and what a mount leaves
 * behind in filesystems and limits that are not the mounter's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "fuse.h"
#include "userns.h"

static void mount_kernel_fs(const char *type)
{
	if (on_overlay())
		test_skip("about layerfs's own checks");
	mk_dir("l1");
	mk_dir("mnt");
	if (mount("none", "l1", type, 0, NULL))
		test_skip("%s: %s", type, strerror(errno));
}

static int mount_l1(void)
{
	return fs_mount((struct mnt_opt []){ { "lowerdir", "l1" }, {} }, "mnt");
}

/* Links whose target is no text: reading one asks for a path walk that is not there. */
TEST(rights, link_without_text)
{
	char buf[64];

	mount_kernel_fs("securityfs");
	if (stat_error("l1/apparmor/policy"))
		test_skip("no AppArmor in this kernel");
	CHECK_EQ(mount_l1(), 0);
	CHECK_ERR(readlink("mnt/apparmor/policy", buf, sizeof(buf)), ELOOP);
	CHECK_ERR(open("mnt/apparmor/policy", O_RDONLY), ELOOP);
	CHECK_EQ(stat_error("mnt/apparmor/policy"), 0);
	CHECK_SYS(umount("mnt"));
}

/* Where looking would mount something, nothing is: it need not even be a directory. */
TEST(rights, automount_in_a_layer)
{
	mount_kernel_fs("debugfs");
	if (stat_error("l1/tracing"))
		test_skip("no tracing in this kernel");
	CHECK_EQ(mount_l1(), 0);
	CHECK_EQ(stat_error("mnt/tracing"), EREMOTE);
	CHECK(strstr(ls("mnt"), "tracing"));
	CHECK_SYS(umount("mnt"));
}

/* As seen by who wants to be told before others write to the file. */
static void not_open_for_writing(const char *path)
{
	int fd = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));

	CHECK_SYS(fcntl(fd, F_SETLEASE, F_RDLCK));
	close(fd);
}

/* xfs has nothing to do for an empty file, and says so in the request. */
TEST(rights, truncate_leaves_no_writer)
{
	fx_dirs(1);
	mk_file("l1/copied", "");
	fx_mount(1);
	mk_file("mnt/new", "");
	CHECK_SYS(truncate("mnt/new", 0));
	CHECK_SYS(truncate("mnt/copied", 0));
	CHECK_SYS(truncate("mnt/copied", 0));
	close(CHECK_SYS(open("mnt/new", O_WRONLY | O_TRUNC)));
	not_open_for_writing("upper/new");
	not_open_for_writing("upper/copied");
}

static struct fuse_server *serve_file(const char *data)
{
	struct fuse_server *s;

	if (on_overlay())
		test_skip("about layerfs's own checks");
	fx_dirs(1);
	s = fuse_new();
	strcpy(s->node[0].name, "file");
	s->node[0].mode = S_IFREG | 0664;
	s->node[0].size = strlen(data);
	strcpy(s->node[0].data, data);
	return s;
}

/* A server that leads from any place back to the first one. */
TEST_WITH(rights, seek_that_leads_back, .timeout = 60)
{
	const char *data = "0123456789abcdef0123456789abcdef";
	struct fuse_server *s = serve_file(data);
	char want[64];

	s->lseek = 16;
	fuse_mount(s, "l1", 0);
	must_mount(1, NULL);
	append_file("mnt/file", "end");
	snprintf(want, sizeof(want), "%send", data);
	CHECK_STR(cat("mnt/file"), want);
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l1"));
	fuse_kill(s);
}

/* Like everything else, a layer's ACL is the mounter's to read. */
TEST(rights, acl_is_asked_for_by_the_mounter)
{
	struct fuse_server *s = serve_file("x");

	s->acls = 1;
	s->acl_uid = -1;
	fuse_mount(s, "l1", 0);
	must_mount(1, NULL);
	AS_USER(VICTIM)
		CHECK_SYS(access("mnt/file", R_OK));
	CHECK_EQ(s->acl_uid, 0);
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l1"));
	fuse_kill(s);
}

/* A directory that others may write to tells its owner when they did. */
TEST(rights, times_of_a_directory_of_others)
{
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };

	if (on_overlay())
		test_skip("about layerfs's own checks");
	fx_dirs(1);
	CHECK_SYS(chmod(".", 0777));
	mk_dir("l1/shared");
	mk_dir("upper/shared");
	CHECK_SYS(chmod("upper/shared", 0777));
	mk_file("l1/shared/file", "x");
	for (const char * const *p = (const char *[]){ "l1/shared/file", "upper", "work", "mnt",
						       NULL }; *p; p++)
		CHECK_SYS(chown(*p, NS_ROOT, NS_ROOT));
	CHECK_SYS(utimensat(AT_FDCWD, "upper/shared", old, 0));
	IN_CHILD {
		enter_userns();
		must_mount(1, (struct mnt_opt []){ { "userxattr", NULL }, {} });
		append_file("mnt/shared/file", "y");
	}
	CHECK_STR(cat("upper/shared/file"), "xy");
	CHECK(stat_of("upper/shared").st_mtime != 1000);
}

static void write_string(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		test_skip("%s: %s", path, strerror(errno));
	close(fd);
}

static long percpu_bytes(void)
{
	char *found = strstr(cat("cg/test/memory.stat"), "\npercpu ");

	return found ? atol(found + 8) : -1;
}

#define MANY 300

/* Counters, too, are memory of who mounts. */
TEST_WITH(rights, counters_are_charged, .timeout = 300, .alone = true)
{
	long before;

	if (on_overlay())
		test_skip("about layerfs's own checks");
	mk_dir("cg");
	if (mount("none", "cg", "cgroup2", 0, NULL))
		test_skip("cgroup2: %s", strerror(errno));
	write_string("cg/cgroup.subtree_control", "+memory");
	mk_dir("cg/test");
	fx_dirs(MANY);
	IN_CHILD {
		struct mnt_opt opts[MANY + 1] = {};
		static char names[MANY][8];

		for (int i = 0; i < MANY; i++) {
			snprintf(names[i], sizeof(names[i]), "l%d", i + 1);
			opts[i] = (struct mnt_opt){ "lowerdir+", names[i] };
		}
		write_string("cg/test/cgroup.procs", "0");
		before = percpu_bytes();
		if (before < 0)
			test_skip("no count of memory for each cpu");
		CHECK_EQ(fs_mount(opts, "mnt"), 0);
		CHECK(percpu_bytes() - before >= MANY * 8 * 8);
		CHECK_SYS(umount("mnt"));
	}
	CHECK_SYS(rmdir("cg/test"));
	CHECK_SYS(umount("cg"));
}
