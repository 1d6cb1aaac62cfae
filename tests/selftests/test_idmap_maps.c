// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps of one image, of one layer and of one inode, and what nobody gains by them:
 *
 *	./
 *	|-- l1/ l2/ upper/ work/
 *	|-- m/		all this, through a map
 *	`-- mnt/	a container of m/l1, or of l1 and shown through a map
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "idmap.h"
#include "netlink.h"
#include "userns.h"

static uint64_t image_of(const char *mnt)
{
	return nl_container(mnt).num[LAYERFS_A_IMAGE_ID];
}

/* One image, and many containers, each with a map of its own. */
TEST(idmap, one_image_many_maps)
{
	char upper[16], work[16], at[16], path[64];
	int id[4];

	maps();
	fx_dirs(2);
	mk_owned("l1/f", 1000, 0600);
	mk_owned_dir("l2/d", 0, 0777);
	for (int i = 0; i < 4; i++) {
		snprintf(upper, sizeof(upper), "upper%d", i);
		snprintf(work, sizeof(work), "work%d", i);
		snprintf(at, sizeof(at), "mnt%d", i);
		mk_dir(upper);
		mk_dir(work);
		must_mount_at("l1:l2", upper, work, at);
		id[i] = FIRST * (i + 1);
		map_onto(at, map_from(id[i]), at);
		CHECK_EQ(image_of(at), image_of("mnt0"));
	}
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "mnt%d/f", i);
		CHECK_EQ(stat_of(path).st_uid, id[i] + 1000);
		AS_USER(id[(i + 1) % 4] + 1000)
			CHECK_ERR(open(path, O_RDONLY), EACCES);
		AS_USER(id[i] + 1000)
			append_file(path, "+");
		snprintf(path, sizeof(path), "mnt%d/d/new", i);
		AS_USER(id[i] + 7)
			mk_file(path, "x");
	}
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "upper%d/f", i);
		CHECK_EQ(stat_of(path).st_uid, 1000);
		CHECK_STR(cat(path), "text+");
		snprintf(path, sizeof(path), "upper%d/d/new", i);
		CHECK_EQ(stat_of(path).st_uid, 7);
		snprintf(at, sizeof(at), "mnt%d", i);
		CHECK_SYS(umount(at));
		CHECK_SYS(umount(at));
	}
}

/*
 * The same directory through two maps is two layers; through the same mount, or
 * another of it, it is one.
 */
TEST(idmap, a_layer_is_a_directory_and_a_map)
{
	struct mnt_opt both[] = { { "lowerdir", "m1/l1:m2/l1" }, {} };
	static const char *const dirs[] = { "m1", "m2", "m3", "b1", "b2", "b3", "b4" };

	maps();
	fx_dirs(1);
	mk_owned("l1/f", 1000, 0644);
	for (int i = 0; i < 7; i++)
		mk_dir(dirs[i]);
	map_onto(".", map, "m1");
	map_onto(".", other_map, "m2");
	CHECK_SYS(mount("m1", "m3", NULL, MS_BIND, NULL));
	must_mount_at("m1/l1", NULL, NULL, "b1");
	must_mount_at("m2/l1", NULL, NULL, "b2");
	must_mount_at("m3/l1", NULL, NULL, "b3");
	must_mount_at("l1", NULL, NULL, "b4");
	CHECK_EQ(stat_of("b1/f").st_uid, FIRST + 1000);
	CHECK_EQ(stat_of("b2/f").st_uid, OTHER + 1000);
	CHECK_EQ(stat_of("b3/f").st_uid, FIRST + 1000);
	CHECK_EQ(stat_of("b4/f").st_uid, 1000);
	CHECK_EQ(image_of("b1"), image_of("b3"));
	CHECK(image_of("b1") != image_of("b2"));
	CHECK(image_of("b1") != image_of("b4"));
	CHECK_EQ(fs_mount(both, "mnt"), -EINVAL);
	CHECK(strstr(mount_log, "same directory"));
	for (int i = 3; i < 7; i++)
		CHECK_SYS(umount(dirs[i]));
}

/* Two names of one inode, shown through two maps, are two objects. */
TEST(idmap, links_through_two_maps_come_apart)
{
	struct stat a, b;

	maps();
	fx_dirs(2);
	mk_owned("l1/a", 1000, 0666);
	CHECK_SYS(link("l1/a", "l2/b"));
	CHECK_SYS(link("l1/a", "l2/c"));
	mk_dir("m1");
	mk_dir("m2");
	map_onto(".", map, "m1");
	map_onto(".", other_map, "m2");
	must_mount_at("m1/l1:m2/l2", "upper", "work", "mnt");
	a = stat_of("mnt/a");
	b = stat_of("mnt/b");
	CHECK_EQ(a.st_uid, FIRST + 1000);
	CHECK_EQ(b.st_uid, OTHER + 1000);
	CHECK(a.st_ino != b.st_ino);
	CHECK_EQ(b.st_ino, stat_of("mnt/c").st_ino);
	append_file("mnt/b", "+");
	CHECK_STR(cat("mnt/a"), "text");
	CHECK_STR(cat("mnt/c"), "text+");
	CHECK_EQ(stat_of("mnt/a").st_uid, FIRST + 1000);
	CHECK_EQ(stat_of("mnt/c").st_uid, OTHER + 1000);
	CHECK_SYS(umount("mnt"));
	must_mount_at("m1/l1:m2/l2", "upper", "work", "mnt");
	CHECK_EQ(stat_of("mnt/a").st_ino, a.st_ino);
	CHECK_EQ(stat_of("mnt/b").st_ino, b.st_ino);
	CHECK_EQ(stat_of("mnt/c").st_ino, b.st_ino);
	CHECK_SYS(umount("mnt"));
}

/* What a map has no id for is not copied, and is not lost. */
TEST(idmap, nobodys_cannot_be_copied)
{
	maps();
	fx_dirs(1);
	mk_owned("l1/f", 1000, 0644);
	mk_acl("l1/f", ACL_ACCESS, 0644, BEYOND, 6);
	mk_owned("l1/plain", 1000, 0644);
	mk_owned_dir("l1/d", BEYOND, 0777);
	mk_owned("l1/d/f", 1000, 0666);
	mk_dir("m");
	map_onto(".", map, "m");
	must_mount_at("m/l1", "upper", "work", "mnt");
	AS_USER(FIRST + 1000) {
		CHECK_ERR(chmod("mnt/f", 0600), EOVERFLOW);
		CHECK_ERR(chmod("mnt/d/f", 0600), EOVERFLOW);
		CHECK_ERR(mkdir("mnt/d/new", 0700), EACCES);
		CHECK_SYS(chmod("mnt/plain", 0600));
	}
	CHECK_SYS(umount("mnt"));
	CHECK_STR(ls("upper"), "plain");
	CHECK_SYS(unlink("upper/plain"));
	/* The upper's map is another. */
	mk_dir("m2");
	map_onto(".", other_map, "m2");
	must_mount_at("m/l1", "m2/upper", "m2/work", "mnt");
	AS_USER(FIRST + 1000) {
		CHECK_ERR(open("mnt/plain", O_RDWR), EOVERFLOW);
		CHECK_ERR(chmod("mnt/plain", 0600), EOVERFLOW);
	}
	CHECK_SYS(umount("mnt"));
	CHECK_STR(ls("upper"), "");
}

/*
 * The mounter need not be in the map of the upper, if he could become one who is: then
 * what the container makes for itself is the work directory's owner's.
 */
TEST(idmap, mounter_outside_the_upper_s_map)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "m/upper" },
				  { "workdir", "m/work" }, {} };

	maps();
	fx_dirs(1);
	mk_file("l1/f", "x");
	CHECK_SYS(chown("l1/f", FIRST + 5, FIRST + 5));
	CHECK_SYS(chown("l1", FIRST + 5, FIRST + 5));
	CHECK_SYS(chown("work", 3, 4));
	CHECK_SYS(chown("upper", 5, 5));
	mk_dir("m");
	map_onto(".", map, "m");
	must_mount_at("l1", "m/upper", "m/work", "mnt");
	AS_USER(FIRST + 5)
		CHECK_SYS(unlink("mnt/f"));
	CHECK_ERR(mkdir("mnt/of_root", 0755), EOVERFLOW);
	CHECK_SYS(umount("mnt"));
	CHECK(is_whiteout("upper/f"));
	CHECK_EQ(stat_of("upper/f").st_uid, 3);
	CHECK_EQ(stat_of("upper/f").st_gid, 4);
	CHECK_EQ(stat_of("work/work").st_uid, 3);
	IN_CHILD {
		drop_capability(CAP_SETUID);
		CHECK_EQ(fs_mount(opts, "mnt"), -EOVERFLOW);
		if (!strstr(mount_log, "upperdir") || !strstr(mount_log, "id-mapped"))
			FAIL("said: %s", mount_log);
	}
}

/* A layer that is a container on an id-mapped mount is shown as that mount shows it. */
TEST(idmap, mapped_container_as_a_layer)
{
	maps();
	fx_dirs(1);
	mk_owned("l1/f", 1000, 0600);
	fx_mount(1);
	AS_USER(1000)
		append_file("mnt/f", "+");
	mk_dir("m");
	map_onto("mnt", map, "m");
	mk_dir("upper2");
	mk_dir("work2");
	must_mount_at("m", "upper2", "work2", "mnt2");
	CHECK_EQ(stat_of("mnt2/f").st_uid, FIRST + 1000);
	AS_USER(FIRST + 1000)
		append_file("mnt2/f", "+");
	CHECK_STR(cat("upper2/f"), "text++");
	CHECK_EQ(stat_of("upper2/f").st_uid, FIRST + 1000);
	CHECK_STR(cat("mnt/f"), "text+");
	CHECK_SYS(umount("mnt2"));
	CHECK_SYS(umount("m"));
}

/* A program of root's is the program of whom the map makes of root, and no more. */
TEST(idmap, setuid_and_capabilities_give_what_the_map_says)
{
	struct gained g;

	maps();
	fx_dirs(1);
	mk_program("l1/suid");
	CHECK_SYS(chmod("l1/suid", 04755));
	mk_program("l1/beyond");
	CHECK_SYS(chown("l1/beyond", BEYOND, 0));
	CHECK_SYS(chmod("l1/beyond", 04755));
	mk_program("l1/caps");
	put_xattr("l1/caps", "security.capability", caps_v2, CAPS_V2_SIZE);
	mk_dir("m");
	map_onto(".", map, "m");
	must_mount_at("m/l1", "upper", "work", "mnt");
	mk_dir("upper2");
	mk_dir("work2");
	must_mount_at("l1", "upper2", "work2", "mnt2");
	map_onto("mnt2", map, "mnt2");
	for (int i = 0; i < 4; i++) {
		const char *at = i & 1 ? "mnt" : "mnt2";
		char path[32];

		snprintf(path, sizeof(path), "%s/suid", at);
		g = run_as_attacker(path);
		CHECK_EQ(g.euid, FIRST);
		CHECK_EQ(g.caps, 0);
		snprintf(path, sizeof(path), "%s/beyond", at);
		CHECK_EQ(run_as_attacker(path).euid, ATTACKER);
		snprintf(path, sizeof(path), "%s/caps", at);
		CHECK_EQ(run_as_attacker(path).caps, 0);
		/* And what is copied neither. */
		IN_MAP(map) {
			snprintf(path, sizeof(path), "%s/suid", at);
			CHECK_SYS(utimensat(AT_FDCWD, path, NULL, 0));
			snprintf(path, sizeof(path), "%s/caps", at);
			CHECK_SYS(utimensat(AT_FDCWD, path, NULL, 0));
		}
	}
	CHECK_EQ(stat_of("upper/suid").st_uid, FIRST);
	CHECK_EQ(stat_of("upper2/suid").st_uid, 0);
	CHECK_EQ(run_as_attacker("upper/caps").caps, 0);
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("mnt2"));
	CHECK_SYS(umount("mnt2"));
}

/* Root of a namespace cannot map what is not its own, nor open what the map does not give. */
TEST(idmap, nothing_is_gained_by_a_namespace)
{
	maps();
	fx_dirs(1);
	CHECK_SYS(chmod(".", 0755));
	mk_owned("l1/closed", 20, 0600);
	mk_owned("l1/beyond", BEYOND, 0600);
	mk_owned_dir("l1/pub", 0, 01777);
	fx_mount(1);
	mk_dir("m");
	map_onto("mnt", map, "m");
	IN_MAP(other_map) {
		struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = other_map };
		int fd;

		CHECK_SYS(unshare(CLONE_NEWNS));
		fd = CHECK_SYS(open_tree(AT_FDCWD, "mnt", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
		CHECK_ERR(mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)), EPERM);
		CHECK_ERR(open("m/closed", O_RDONLY), EACCES);
		CHECK_ERR(chown("m/closed", 0, 0), EOVERFLOW);
		CHECK_ERR(chown("mnt/closed", 0, 0), EPERM);
	}
	IN_MAP(map) {
		/* Its own, by the map. */
		CHECK_SYS(close(CHECK_SYS(open("m/closed", O_RDWR))));
		CHECK_ERR(open("m/beyond", O_RDONLY), EACCES);
		/* The same without the map is another's. */
		CHECK_ERR(open("mnt/closed", O_RDONLY), EACCES);
		CHECK_ERR(unlink("mnt/closed"), EACCES);
		CHECK_ERR(mknod("m/pub/dev", S_IFCHR | 0666, 0x0103), EPERM);
		CHECK_ERR(setxattr("m/closed", "trusted.overlay.opaque", "y", 1, 0), EPERM);
	}
	CHECK_SYS(umount("m"));
}

/* Root of a namespace maps what it has mounted, with ids of the namespace. */
TEST(idmap, in_a_user_namespace)
{
	static const char *const dirs[] = { "l1", "upper", "work", "mnt", "tmpfs" };
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work" }, { "userxattr", NULL }, {} };

	SKIP_ON_OVERLAY("is not asked");
	fx_dirs(1);
	mk_dir("tmpfs");
	CHECK_SYS(chmod(".", 0777));
	for (int i = 0; i < 5; i++)
		CHECK_SYS(chown(dirs[i], NS_ROOT, NS_ROOT));
	mk_owned("l1/f", NS_FIRST + 4, 0600);
	CHECK_SYS(chmod("l1", 0777));
	CHECK_SYS(chmod("upper", 0777));
	IN_CHILD {
		int nested;

		enter_userns();
		CHECK_EQ(fs_mount(opts, "mnt"), 0);
		CHECK_SYS(mount("none", "tmpfs", "tmpfs", 0, "mode=777"));
		mk_owned("tmpfs/f", 5, 0600);
		CHECK_EQ(stat_of("mnt/f").st_uid, 5);
		nested = map_of(100, 50);
		map_onto("mnt", nested, "mnt");
		map_onto("tmpfs", nested, "tmpfs");
		for (int i = 0; i < 2; i++) {
			CHECK_SYS(chdir(i ? "mnt" : "tmpfs"));
			CHECK_EQ(stat_of("f").st_uid, 105);
			AS_USER(105) {
				append_file("f", "+");
				mk_file("new", "x");
			}
			AS_USER(5) {
				CHECK_ERR(open("f", O_RDONLY), EACCES);
				CHECK_ERR(mkdir("no", 0755), EOVERFLOW);
			}
			CHECK_EQ(stat_of("new").st_uid, 105);
			CHECK_SYS(chown("new", 110, 111));
			CHECK_EQ(stat_of("new").st_gid, 111);
			CHECK_ERR(chown("new", 10, 11), EOVERFLOW);
			CHECK_SYS(chdir(".."));
		}
		CHECK_EQ(stat_of("upper/f").st_uid, 5);
		CHECK_EQ(stat_of("upper/new").st_uid, 10);
		CHECK_SYS(umount("tmpfs"));
		CHECK_EQ(stat_of("tmpfs/new").st_gid, 11);
	}
	CHECK_EQ(stat_of("upper/new").st_uid, NS_FIRST + 9);
}
