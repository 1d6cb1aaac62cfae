// SPDX-License-Identifier: GPL-2.0-only
/*
 * st_dev, st_ino and d_ino stay what they are over copy-up, dropped caches and
 * remount, and links stay links, on filesystems that have no uuid of their own.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"
#include "fuse.h"

static void sh(const char *command)
{
	if (loop_system(command))
		FAIL("%s", command);
}

/*
 *	DIR/f<n>		file
 *	DIR/a<n>, DIR/d/b<n>	links of one inode, "x"
 *	DIR/s<n>		symlink
 *	DIR/p<n>		FIFO
 *	DIR/d/			directory
 */
static void make_tree(const char *dir, int n)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "mkdir -p %1$s/d && cd %1$s && printf f >f%2$d && printf x >a%2$d && "
		 "ln a%2$d d/b%2$d && ln -s t s%2$d && mkfifo p%2$d && "
		 /* an image without any says that it knows none */
		 "setfattr -n user.k -v v f%2$d", dir, n);
	sh(cmd);
}

static const char *const names[] = { "f1", "a1", "d/b1", "s1", "p1", "d",
				     "f2", "a2", "d/b2", "s2", "p2" };

#define NAMES (sizeof(names) / sizeof(*names))

static const char *at(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "mnt/%s", name);
	return path;
}

static void check_listing(const char *dir)
{
	char path[512];
	struct dirent *de;
	DIR *d = opendir(dir);

	CHECK(d);
	while ((de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (de->d_ino != stat_of(path).st_ino)
			FAIL("%s: listed by another number", path);
	}
	closedir(d);
}

static void check_same(const ino_t *ino, const char *when)
{
	dev_t dev = stat_of("mnt").st_dev;

	for (size_t i = 0; i < NAMES; i++) {
		struct stat st = stat_of(at(names[i]));

		if (st.st_ino != ino[i])
			FAIL("%s: %lu %s, not %lu", names[i], (unsigned long)st.st_ino,
			     when, (unsigned long)ino[i]);
		CHECK_EQ(st.st_dev, dev);
	}
	check_listing("mnt");
	check_listing("mnt/d");
}

static void check_links(const char *content)
{
	CHECK_STR(cat("mnt/a1"), content);
	CHECK_STR(cat("mnt/d/b1"), content);
	CHECK_EQ(stat_of("mnt/a1").st_nlink, 2);
	CHECK_EQ(stat_of("mnt/d/b2").st_nlink, 2);
}

/* l1 and l2, mounted, have trees 1 and 2. */
static void check_constant(void)
{
	ino_t ino[NAMES];

	fx_mount(2);
	for (size_t i = 0; i < NAMES; i++) {
		ino[i] = stat_of(at(names[i])).st_ino;
		for (size_t j = 0; j < i; j++)
			CHECK_EQ(ino[i] == ino[j], names[i][0] == 'd' && names[i][1] &&
				 names[j][0] == 'a' && names[i][3] == names[j][1]);
	}
	check_same(ino, "again");
	for (size_t i = 0; i < NAMES; i++)
		CHECK_SYS(lchown(at(names[i]), 7, 7));
	append_file("mnt/a1", "y");
	append_file("mnt/d/b2", "z");
	check_same(ino, "after the copy-up");
	check_links("xy");
	drop_caches(false);
	check_same(ino, "after drop_caches");
	check_links("xy");
	fx_remount();
	check_same(ino, "after a remount");
	check_links("xy");
	append_file("mnt/d/b1", "!");
	check_links("xy!");
	fx_umount();
}

static void start(void)
{
	SKIP_ON_OVERLAY("does so on one filesystem with a uuid");
	fx_dirs(2);
	make_tree("t1", 1);
	make_tree("t2", 2);
	sh("test -e /dev/loop-control || modprobe loop");
}

TEST(identity, squashfs)
{
	start();
	sh("mksquashfs t1 i1 -quiet -no-progress >log && mksquashfs t2 i2 -quiet -no-progress >log");
	sh("mount -t squashfs -o loop,ro i1 l1 && mount -t squashfs -o loop,ro i2 l2");
	check_constant();
}

/* Two with the same uuid. */
TEST(identity, erofs)
{
	static const char u[] = "-U 11111111-2222-3333-4444-555555555555";
	char cmd[256];

	start();
	snprintf(cmd, sizeof(cmd), "mkfs.erofs %s i1 t1 >log 2>&1 && mkfs.erofs %s i2 t2 >log 2>&1",
		 u, u);
	sh(cmd);
	sh("mount -t erofs -o loop,ro i1 l1 && mount -t erofs -o loop,ro i2 l2");
	check_constant();
}

/* Each numbers its objects for itself, and they have one uuid. */
TEST(identity, subvolumes_of_one_btrfs)
{
	start();
	mk_dir("disk");
	sh("truncate -s 256M img && mkfs.btrfs -q img >log 2>&1 && mount -o loop img disk");
	sh("btrfs subvolume create disk/v1 >log && btrfs subvolume create disk/v2 >log");
	sh("cp -a t1/. disk/v1 && cp -a t2/. disk/v2");
	sh("mount --bind disk/v1 l1 && mount --bind disk/v2 l2");
	check_constant();
	CHECK_SYS(umount("disk"));
}

TEST(identity, two_tmpfs)
{
	start();
	CHECK_SYS(mount("none", "l1", "tmpfs", 0, "inode32"));
	CHECK_SYS(mount("none", "l2", "tmpfs", 0, "inode32"));
	sh("cp -a t1/. l1 && cp -a t2/. l2");
	check_constant();
}

/* And the upper on btrfs, where a copy has no name to be made by. */
TEST(identity, upper_on_btrfs)
{
	start();
	mk_dir("disk");
	sh("truncate -s 256M img && mkfs.btrfs -q img >log 2>&1 && mount -o loop img disk");
	sh("mkdir disk/upper disk/work && rmdir upper work && ln -s disk/upper disk/work .");
	sh("cp -a t1/. l1 && cp -a t2/. l2");
	check_constant();
	CHECK_STR(ls("disk/work/work"), "incompat");
	CHECK_SYS(umount("disk"));
	sh("rm upper work && mkdir upper work");
}

/*
 *	l1/		empty
 *	l2/{f,p}	a FUSE server's
 */
TEST(identity, fuse)
{
	static const char *const of_fuse[] = { "mnt/f", "mnt/p" };
	struct fuse_server *s = fuse_new();
	ino_t ino[2];

	SKIP_ON_OVERLAY("does so on one filesystem with a uuid");
	fx_dirs(2);
	s->node[0] = (struct fuse_node){ .name = "f", .mode = S_IFREG | 0644, .size = 4,
					 .data = "text" };
	s->node[1] = (struct fuse_node){ .name = "p", .mode = S_IFIFO | 0644 };
	fuse_mount(s, "l2", 0);
	fx_mount(2);
	for (int i = 0; i < 2; i++) {
		ino[i] = stat_of(of_fuse[i]).st_ino;
		CHECK_SYS(chmod(of_fuse[i], 0600));
		CHECK_EQ(stat_of(of_fuse[i]).st_ino, ino[i]);
	}
	fx_remount();
	for (int i = 0; i < 2; i++)
		CHECK_EQ(stat_of(of_fuse[i]).st_ino, ino[i]);
	check_listing("mnt");
}

/* A layer is put on top of those that the upper was made over. */
TEST(identity, a_layer_added_on_top)
{
	struct mnt_opt opts[] = { { "lowerdir", "top:l1:l2" }, { "upperdir", "upper" },
				  { "workdir", "work" }, {} };
	ino_t ino[NAMES];

	start();
	sh("mksquashfs t1 i1 -quiet -no-progress >log && mksquashfs t2 i2 -quiet -no-progress >log");
	sh("mount -t squashfs -o loop,ro i1 l1 && mount -t squashfs -o loop,ro i2 l2");
	fx_mount(2);
	for (size_t i = 0; i < NAMES; i++) {
		ino[i] = stat_of(at(names[i])).st_ino;
		CHECK_SYS(lchown(at(names[i]), 7, 7));
	}
	append_file("mnt/a1", "y");
	fx_umount();
	mk_dirs("t3");
	mk_file("t3/g", "g");
	mk_dir("top");
	sh("mksquashfs t3 i3 -quiet -no-progress >log && mount -t squashfs -o loop,ro i3 top");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	check_same(ino, "with a layer more");
	check_links("xy");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("top"));
}

/* A mark of an older version, which always named a uuid, is still read. */
TEST(identity, mark_of_an_older_version)
{
	unsigned char mark[32];
	struct stat st;

	SKIP_ON_OVERLAY("has marks of its own");
	fx_dirs(1);
	mk_file("l1/f", "x");
	fx_mount(1);
	st = stat_of("mnt/f");
	CHECK_SYS(chmod("mnt/f", 0600));
	fx_umount();
	CHECK_EQ(getxattr("upper/f", "trusted.overlay.layerfs.origin", mark, sizeof(mark)), 32);
	CHECK_EQ(mark[0], 1);
	for (int i = 1; i < 8; i++)
		CHECK_EQ(mark[i], 0);
	CHECK_EQ(*(unsigned long *)(mark + 24), st.st_ino);
	fx_mount(1);
	CHECK_EQ(stat_of("mnt/f").st_ino, st.st_ino);
}
