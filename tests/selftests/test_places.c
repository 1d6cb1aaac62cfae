// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a container is mounted, and where its upper lies: propagation, pivot_root(2),
 * mounts without a place, lazy unmounts; the upper inside a layer, mounts inside one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"
#include "userns.h"

static const struct mnt_opt stack[] = {
	{ "lowerdir", "l1" }, { "upperdir", "upper" }, { "workdir", "work" }, {}
};

/* A mount of the stack without a place. */
static int detached(void)
{
	int fd = CHECK_SYS(fsopen(fs_type(), FSOPEN_CLOEXEC)), mfd;

	for (const struct mnt_opt *o = stack; o->key; o++)
		CHECK_SYS(fsconfig(fd, FSCONFIG_SET_STRING, o->key, o->value, 0));
	CHECK_SYS(fs_add_own_options(fd));
	CHECK_SYS(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	mfd = CHECK_SYS(fsmount(fd, FSMOUNT_CLOEXEC, 0));
	close(fd);
	return mfd;
}

static const char *cat_at(int dir, const char *name)
{
	int fd = CHECK_SYS(openat(dir, name, O_RDONLY | O_CLOEXEC));
	const char *text = cat_fd(fd);

	close(fd);
	return text;
}

/* The last use may end a moment after the close that ended it. */
static void mounts_soon(const char *at)
{
	int rc = -EBUSY;

	for (int i = 0; i < 100 && rc == -EBUSY; i++) {
		rc = fs_mount(stack, at);
		if (rc == -EBUSY)
			usleep(50000);
	}
	if (rc)
		FAIL("mount: %s: %s", strerror(-rc), mount_log);
}

TEST(places, a_mount_without_a_place)
{
	int mfd, fd, clone;

	fx_dirs(1);
	mk_file("l1/f", "one");
	mfd = detached();
	CHECK_STR(cat_at(mfd, "f"), "one");
	fd = CHECK_SYS(openat(mfd, "f", O_RDWR | O_CLOEXEC));
	CHECK_EQ(pwrite(fd, "two", 3, 0), 3);
	CHECK_SYS(mkdirat(mfd, "d", 0755));
	close(mfd);
	CHECK_STR(cat_fd(fd), "two");
	close(fd);
	mounts_soon("mnt");
	CHECK_STR(ls("mnt"), "d f");
	/* A clone of it goes on when its place is gone. */
	clone = CHECK_SYS(open_tree(AT_FDCWD, "mnt", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
	CHECK_SYS(umount("mnt"));
	CHECK_STR(cat_at(clone, "f"), "two");
	CHECK_SYS(mkdirat(clone, "e", 0755));
	close(clone);
	mounts_soon("mnt");
	CHECK_STR(ls("mnt"), "d e f");
	CHECK_SYS(umount("mnt"));
}

/* Gone from the tree, and used by all that can use it. */
TEST(places, lazy_unmount_in_use)
{
	int file, dir;
	char *map;

	fx_dirs(1);
	mk_file("l1/f", "one");
	mk_dir("l1/d");
	CHECK_EQ(fs_mount(stack, "mnt"), 0);
	file = CHECK_SYS(open("mnt/f", O_RDWR | O_CLOEXEC));
	dir = CHECK_SYS(open("mnt/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
	CHECK(map != MAP_FAILED);
	CHECK_SYS(umount2("mnt", MNT_DETACH));
	CHECK_STR(ls("mnt"), "");
	CHECK_EQ(pwrite(file, "two", 3, 0), 3);
	CHECK(!memcmp(map, "two", 3));
	CHECK_SYS(mkdirat(dir, "new", 0755));
	if (!on_overlay())
		CHECK_EQ(fs_mount(stack, "mnt"), -EBUSY);
	close(dir);
	close(file);
	if (!on_overlay())
		CHECK_EQ(fs_mount(stack, "mnt"), -EBUSY);
	CHECK(!memcmp(map, "two", 3));
	CHECK_SYS(munmap(map, 4096));
	mounts_soon("mnt");
	CHECK_STR(cat("mnt/f"), "two");
	CHECK_STR(ls("mnt/d"), "new");
	CHECK_SYS(umount("mnt"));
}

/* A container comes and goes in the slave of where it is mounted, and what is mounted on it. */
TEST(places, propagation)
{
	fx_dirs(1);
	mk_dir("l1/sub");
	mk_file("l1/f", "1");
	mk_dir("shared");
	mk_dir("slave");
	CHECK_SYS(mount("none", "shared", "tmpfs", 0, NULL));
	CHECK_SYS(mount(NULL, "shared", NULL, MS_SHARED, NULL));
	CHECK_SYS(mount("shared", "slave", NULL, MS_BIND, NULL));
	CHECK_SYS(mount(NULL, "slave", NULL, MS_SLAVE, NULL));
	mk_dir("shared/c");
	CHECK_EQ(fs_mount(stack, "shared/c"), 0);
	CHECK_STR(cat("slave/c/f"), "1");
	append_file("slave/c/f", "+");
	CHECK_STR(cat("shared/c/f"), "1+");
	CHECK_SYS(mount("none", "shared/c/sub", "tmpfs", 0, NULL));
	mk_file("shared/c/sub/t", "");
	CHECK_STR(ls("slave/c/sub"), "t");
	CHECK_SYS(umount("shared/c/sub"));
	CHECK_STR(ls("slave/c/sub"), "");
	CHECK_SYS(umount("shared/c"));
	CHECK_STR(ls("slave/c"), "");
	mounts_soon("mnt");
	CHECK_SYS(umount("mnt"));
	/* What is mounted on a shared layer afterwards does not come in. */
	CHECK_SYS(mount("l1", "l1", NULL, MS_BIND, NULL));
	CHECK_SYS(mount(NULL, "l1", NULL, MS_SHARED, NULL));
	CHECK_EQ(fs_mount(stack, "mnt"), 0);
	CHECK_SYS(mount("none", "l1/sub", "tmpfs", 0, NULL));
	mk_file("l1/sub/t", "");
	CHECK_STR(ls("mnt/sub"), "");
	CHECK_SYS(umount("l1/sub"));
	CHECK_SYS(umount("l1"));
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("slave"));
	CHECK_SYS(umount("shared"));
}

/* As a container's runtime does it; layers and upper are below a root that is gone. */
TEST(places, pivot_root)
{
	fx_dirs(1);
	mk_file("l1/f", "1");
	mk_dir("l1/d");
	fx_mount(1);
	IN_CHILD {
		CHECK_SYS(unshare(CLONE_NEWNS));
		CHECK_SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CHECK_SYS(mount("mnt", "mnt", NULL, MS_BIND | MS_REC, NULL));
		CHECK_SYS(chdir("mnt"));
		CHECK_SYS(syscall(SYS_pivot_root, ".", "."));
		CHECK_SYS(umount2(".", MNT_DETACH));
		CHECK_SYS(chdir("/"));
		CHECK_STR(ls("/"), "d f");
		append_file("/f", "+");
		CHECK_SYS(rename("/d", "/e"));
		CHECK_SYS(unlink("/f"));
		mk_file("/g", "g");
		CHECK_STR(ls("/"), "e g");
	}
	CHECK_STR(ls("mnt"), "e g");
}

static const struct mnt_opt inside[] = {
	{ "lowerdir", "." }, { "upperdir", "in/upper" }, { "workdir", "in/work" }, {}
};

/*
 *	./		the layer
 *	|-- in/		upper/ work/ upper2/ work2/
 *	|-- d/f
 *	`-- mnt/ mnt2/
 */
TEST(places, upper_inside_a_layer)
{
	static const struct mnt_opt second[] = {
		{ "lowerdir", "." }, { "upperdir", "in/upper2" }, { "workdir", "in/work2" }, {}
	};
	char path[64];

	SKIP_ON_OVERLAY("has errors of its own");
	mk_dirs("in/upper");
	mk_dirs("in/work");
	mk_dirs("in/upper2");
	mk_dirs("in/work2");
	mk_dirs("d");
	mk_file("d/f", "1");
	mk_dirs("mnt");
	mk_dirs("mnt2");
	CHECK_EQ(fs_mount(inside, "mnt"), 0);
	CHECK_EQ(fs_mount(second, "mnt2"), 0);
	CHECK_STR(ls("mnt"), "d in mnt mnt2");
	CHECK_STR(ls("mnt/mnt"), "");
	append_file("mnt/d/f", "+");
	CHECK_STR(cat("mnt/d/f"), "1+");
	CHECK_STR(cat("mnt2/d/f"), "1");
	CHECK_STR(cat("d/f"), "1");
	CHECK_STR(cat("in/upper/d/f"), "1+");

	/* Its own it does not show: what is written would come round. */
	CHECK_STR(ls("mnt/in"), "upper upper2 work work2");
	CHECK_ERR(access("mnt/in/upper", F_OK), ELOOP);
	CHECK_ERR(access("mnt/in/upper/d", F_OK), ELOOP);
	CHECK_ERR(open("mnt/in/work", O_RDONLY), ELOOP);
	CHECK_ERR(rmdir("mnt/in/upper"), ELOOP);
	CHECK_ERR(mkdir("mnt/in/work", 0755), ELOOP);
	CHECK_ERR(rename("mnt/in/upper", "mnt/up"), ELOOP);
	CHECK_ERR(rename("mnt/d", "mnt/in/upper"), ELOOP);
	CHECK_SYS(rename("mnt/in", "mnt/out"));
	CHECK_ERR(access("mnt/out/upper", F_OK), ELOOP);
	drop_caches(false);
	CHECK_ERR(access("mnt/out/upper", F_OK), ELOOP);
	CHECK_STR(ls("mnt"), "d mnt mnt2 out");

	/* Another's is a directory that changes: read, and written to in a copy. */
	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "mnt/new%d", i);
		mk_file(path, "x");
		snprintf(path, sizeof(path), "mnt2/in/upper/new%d", i);
		if (exists(path))
			append_file(path, "y");
		snprintf(path, sizeof(path), "mnt/new%d", i / 2);
		unlink(path);
		ls("mnt2/in/upper");
	}
	CHECK_SYS(umount("mnt2"));
	CHECK_SYS(umount("mnt"));
	CHECK_EQ(fs_mount(inside, "mnt"), 0);
	CHECK_ERR(access("mnt/out/upper", F_OK), ELOOP);
	CHECK_SYS(umount("mnt"));
}

/* The whole tree of the guest, with its mounts, which do not show and are told of. */
TEST(places, root_directory_as_a_layer)
{
	struct mnt_opt root[] = { { "lowerdir", "/" }, { "upperdir", "upper" },
				  { "workdir", "work" }, {} };

	char path[256] = "mnt";

	SKIP_ON_OVERLAY("says nothing");
	CHECK(getcwd(path + 3, sizeof(path) - 3));
	fx_dirs(1);
	CHECK_EQ(fs_mount(root, "mnt"), 0);
	if (!strstr(mount_log, "'/'") || !strstr(mount_log, "mounts in it"))
		FAIL("said: %s", mount_log);
	/* It lies on one of these mounts. */
	CHECK_ERR(access(path, F_OK), ENOENT);
	CHECK_SYS(mkdir("mnt/new", 0755));
	IN_CHILD {
		CHECK_SYS(chroot("mnt"));
		CHECK_SYS(chdir("/"));
		CHECK_EQ(system("exec true"), 0);
		mk_file("/new/f", "x");
	}
	CHECK_STR(cat("upper/new/f"), "x");
	CHECK_SYS(umount("mnt"));
}

TEST(places, mounts_inside_a_layer_are_told_of)
{
	SKIP_ON_OVERLAY("says nothing");
	fx_dirs(1);
	mk_dirs("l1/a/b");
	CHECK_SYS(mount("none", "l1/a/b", "tmpfs", 0, NULL));
	mk_file("l1/a/b/f", "x");
	CHECK_EQ(fs_mount(stack, "mnt"), 0);
	if (!strstr(mount_log, "'l1'") || !strstr(mount_log, "mounts in it"))
		FAIL("said: %s", mount_log);
	CHECK_STR(ls("mnt/a/b"), "");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l1/a/b"));
	CHECK_EQ(fs_mount(stack, "mnt"), 0);
	CHECK_STR(mount_log, "");
	CHECK_SYS(umount("mnt"));
}

/* To find them takes a lock that all mounts on the machine wait for: not for everybody. */
TEST(places, mounts_inside_a_layer_of_a_namespace)
{
	struct mnt_opt l1[] = { { "lowerdir", "l1" }, {} };

	SKIP_ON_OVERLAY("says nothing");
	fx_dirs(1);
	mk_dirs("l1/a/b");
	CHECK_SYS(chown("mnt", NS_ROOT, NS_ROOT));
	IN_CHILD {
		enter_userns();
		CHECK_SYS(mount("none", "l1/a/b", "tmpfs", 0, NULL));
		mk_file("l1/a/b/f", "x");
		CHECK_EQ(fs_mount(l1, "mnt"), 0);
		CHECK_STR(mount_log, "");
		CHECK_STR(ls("mnt/a/b"), "");
		CHECK_SYS(umount("mnt"));
	}
}
