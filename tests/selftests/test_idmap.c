// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container on an id-mapped mount, or with what it is made of on one, beside a
 * directory on one:
 *
 *	plain/		what make() makes, shown through the map: the yardstick
 *	l1/low/		the same, in a layer
 *	upper/up/	the same, in the upper
 *	m/		all this, shown through the map
 *	mnt/		the container: through the map, or made of m/l1, m/upper and m/work
 *
 * The filesystem's 0, 1, ... are FIRST, FIRST + 1, ... there, and the root of a user
 * namespace with that map is root there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "compare.h"
#include "idmap.h"
#include "netlink.h"

#define FIRST	100000
#define OTHER	200000
/* Of the filesystem, and nobody through a map. */
#define BEYOND	(MAP_COUNT + 5)

static int map, other_map;

/*
 * The map is below the container, whose own checks come first: of two reasons to refuse
 * something another one may be told.
 */
static bool below;

static int reason(int err)
{
	return below && (err == EOVERFLOW || err == EACCES) ? EPERM : err;
}

#undef DO
#undef FD
#define DO(call)	({ errno = 0; long rc_ = (long)(call); say_rc(#call, rc_, reason(errno)); })
#define FD(call)	({ errno = 0; int fd_ = (call); say_fd(#call, fd_, reason(errno)); })

static void mk_owned(const char *path, uid_t uid, mode_t mode)
{
	mk_file(path, "text");
	CHECK_SYS(chown(path, uid, uid));
	CHECK_SYS(chmod(path, mode));
}

static void mk_owned_dir(const char *path, uid_t uid, mode_t mode)
{
	mk_dir(path);
	CHECK_SYS(chown(path, uid, uid));
	CHECK_SYS(chmod(path, mode));
}

/* An object of each kind that owners, modes, ACLs and capabilities tell apart. */
static void make(void)
{
	mk_owned("f", 1, 0644);
	mk_owned("mine", 1000, 0600);
	mk_owned("group", 2, 0660);
	mk_owned("suid", 2, 04755);
	mk_owned("sgid", 2, 02755);
	mk_owned("named", 3, 0600);
	mk_acl("named", ACL_ACCESS, 0600, 1000, 6);
	mk_owned("kept", 3, 0600);
	mk_acl("kept", ACL_ACCESS, 0600, 1000, 6);
	mk_owned("beyond", BEYOND, 0666);
	mk_owned_dir("pub", 0, 01777);
	mk_owned("pub/theirs", 1, 0666);
	mk_owned_dir("given", 1000, 0755);
	mk_owned_dir("of_group", 4, 02777);
	mk_owned_dir("bequeaths", 1000, 0755);
	mk_acl("bequeaths", ACL_DEFAULT, 0750, 7, 5);
	mk_owned_dir("dir_beyond", BEYOND, 0777);
	mk_owned("dir_beyond/f", 1000, 0666);
	CHECK_SYS(symlink("f", "link"));
	CHECK_SYS(lchown("link", 1000, 1000));
	mk_owned("caps", 0, 0755);
	put_xattr("caps", "security.capability", caps_v2, CAPS_V2_SIZE);
	mk_owned("user_xattr", 1000, 0644);
	mk_xattr("user_xattr", "user.a", "b");
}

static void who(const char *path)
{
	struct statx sx = {};
	struct stat st = {};

	DO(lstat(path, &st));
	say("%s: %u:%u %o", path, st.st_uid, st.st_gid, st.st_mode);
	DO(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx));
	say("%s: %u:%u", path, sx.stx_uid, sx.stx_gid);
}

static void who_all(void)
{
	static const char *const names[] = {
		"f", "mine", "group", "suid", "sgid", "named", "beyond", "pub", "given",
		"of_group", "bequeaths", "dir_beyond", "link", "caps", "user_xattr",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		who(names[i]);
}

static void make_each_kind(const char *prefix)
{
	char path[6][64];
	int fd;

	for (int i = 0; i < 6; i++)
		snprintf(path[i], sizeof(path[i]), "%s%d", prefix, i);
	fd = FD(open(path[0], O_CREAT | O_EXCL | O_RDWR, 0666));
	close(fd);
	DO(mkdir(path[1], 0777));
	DO(symlink("x", path[2]));
	DO(mknod(path[3], S_IFIFO | 0666, 0));
	fd = FD(open(".", O_TMPFILE | O_RDWR, 0640));
	if (fd >= 0) {
		DO(linkat(fd, "", AT_FDCWD, path[4], AT_EMPTY_PATH));
		close(fd);
	}
	DO(link(path[0], path[5]));
	for (int i = 0; i < 6; i++)
		if (exists(path[i]))
			who(path[i]);
}

static void maps(void)
{
	SKIP_ON_OVERLAY("is not asked");
	map = map_from(FIRST);
	other_map = map_from(OTHER);
}

static void make_in(const char *const *dirs)
{
	maps();
	fx_dirs(2);
	for (int i = 0; i < 3; i++) {
		mk_dirs(dirs[i]);
		IN_CHILD {
			CHECK_SYS(chdir(dirs[i]));
			make();
		}
	}
}

/* By compare(), but with both id-mapped. */
static void compare_mapped(void (*op)(void))
{
	static const char *const made[] = { "plain", "l1/low", "upper/up" };

	make_in(made);
	fx_mount(2);
	map_onto("plain", map, "plain");
	map_onto("mnt", map, "mnt");
	compare_calls(op);
	CHECK_SYS(umount("mnt"));
	/* As it is below. */
	CHECK_SYS(umount("plain"));
	compare_mounted(who_all);
	fx_remount();
	compare_mounted(who_all);
}

static void must_mount_at(const char *lower, const char *upper, const char *work,
			  const char *at)
{
	struct mnt_opt opts[] = { { "lowerdir", lower }, { upper ? "upperdir" : NULL, upper },
				  { "workdir", work }, {} };
	int rc;

	mk_dirs(at);
	rc = fs_mount(opts, at);
	if (rc)
		FAIL("mount %s: %s: %s", at, strerror(-rc), mount_log);
}

/* The same, but with the map below the container. */
static void compare_below(void (*op)(void))
{
	static const char *const made[] = { "plain", "l1/low", "upper/up" };

	make_in(made);
	mk_dir("m");
	map_onto(".", map, "m");
	must_mount_at("m/l1:m/l2", "m/upper", "m/work", "mnt");
	map_onto("plain", map, "plain");
	below = true;
	compare_calls(op);
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("plain"));
	/* What is on disk now is the same, too. */
	must_mount_at("l1:l2", "upper", "work", "mnt");
	compare_mounted(who_all);
	CHECK_SYS(umount("mnt"));
}

/* Only the layers are mapped, and both trees are in them. */
static void compare_layers(void (*op)(void))
{
	static const char *const made[] = { "plain", "l1/low", "l2/up" };

	make_in(made);
	mk_dir("m");
	map_onto(".", map, "m");
	must_mount_at("m/l1:m/l2", "upper", "work", "mnt");
	map_onto("plain", map, "plain");
	below = true;
	compare_calls(op);
	CHECK_SYS(umount("plain"));
	CHECK_SYS(umount("mnt"));
}

/* Owners are shown through the map; what is beyond it is nobody's. */
static void op_shown(void)
{
	struct stat st = stat_of("mine");

	CHECK_EQ(st.st_uid, FIRST + 1000);
	CHECK_EQ(stat_of("beyond").st_uid, 65534);
	who_all();
}

TEST(idmap, owners_are_shown_through_the_map)
{
	compare_mapped(op_shown);
}

TEST(idmap, owners_of_mapped_layers_are_shown)
{
	compare_layers(op_shown);
}

TEST(idmap, owners_of_a_mapped_upper_are_shown)
{
	compare_below(op_shown);
}

/* What a user makes is the user's, and on disk what the map says. */
static void op_make(void)
{
	/* Root of the host is not in the map. */
	make_each_kind("pub/root");
	AS_USER(FIRST + 1000) {
		CHECK_SYS(chdir("pub"));
		make_each_kind("user");
	}
	AS_USER(FIRST + 1000) {
		CHECK_SYS(chdir("bequeaths"));
		make_each_kind("heir");
		say("%u", acl_user("heir0", ACL_ACCESS));
		say("%u", acl_user("heir1", ACL_DEFAULT));
	}
	AS_USER(FIRST + 1000) {
		CHECK_SYS(chdir("of_group"));
		make_each_kind("member");
	}
	AS_USER(FIRST + 1000) {
		DO(mkdir("dir_beyond/new", 0755));
		DO(mkdir("new", 0755));
	}
	IN_MAP(map)
		make_each_kind("inside");
	IN_MAP(other_map)
		make_each_kind("pub/elsewhere");
}

static void check_made(void)
{
	CHECK_EQ(stat_of("upper/low/pub/user0").st_uid, 1000);
	CHECK_EQ(stat_of("upper/up/pub/user1").st_gid, 1000);
	CHECK_EQ(stat_of("upper/up/inside0").st_uid, 0);
	CHECK_EQ(stat_of("upper/up/of_group/member0").st_gid, 4);
}

TEST(idmap, what_is_made_has_mapped_owners)
{
	compare_mapped(op_make);
	check_made();
}

TEST(idmap, what_is_made_in_a_mapped_upper)
{
	compare_below(op_make);
	check_made();
}

/* Over a whiteout, which is a way of its own. */
static void op_replace(void)
{
	static const char *const names[] = { "given/a", "given/b", "given/c" };

	IN_MAP(map) {
		for (int i = 0; i < 3; i++)
			mk_file(names[i], "x");
		CHECK_SYS(chmod("given", 02777));
	}
	/* In the layer's directory these were there all the time. */
	AS_USER(FIRST + 1000) {
		DO(unlink("user_xattr"));
		DO(unlink("given/a"));
		DO(mkdir("given/a", 0755));
		DO(unlink("given/b"));
		DO(symlink("x", "given/b"));
	}
	IN_MAP(map) {
		DO(unlink("f"));
		DO(unlink("group"));
		DO(rmdir("dir_beyond"));
		DO(chmod(".", 01777));
	}
	AS_USER(FIRST + 1000) {
		int fd = FD(open("f", O_CREAT | O_EXCL | O_RDWR, 0640));

		close(fd);
		DO(mkdir("group", 0700));
		who("f");
		who("group");
		who("given/a");
	}
}

TEST(idmap, what_replaces_something_has_mapped_owners)
{
	compare_mapped(op_replace);
	CHECK_EQ(stat_of("upper/low/f").st_uid, 1000);
	CHECK_EQ(stat_of("upper/low/group").st_gid, 1000);
}

TEST(idmap, what_replaces_something_in_a_mapped_upper)
{
	compare_below(op_replace);
	CHECK_EQ(stat_of("upper/low/f").st_uid, 1000);
	CHECK_EQ(stat_of("upper/low/group").st_gid, 1000);
}

/* chown(2), from outside, from inside, to what is and what is not in the map. */
static void op_chown(void)
{
	DO(chown("f", FIRST + 5, FIRST + 6));
	who("f");
	DO(chown("f", 5, -1));
	DO(chown("f", -1, FIRST + MAP_COUNT));
	DO(lchown("link", FIRST + 5, FIRST + 6));
	who("link");
	DO(chown("beyond", FIRST + 5, -1));
	/* A layer's is not copied: see nobodys_cannot_be_copied. */
	if (!below)
		DO(chown("beyond", FIRST + 5, FIRST + 5));
	DO(chown("suid", FIRST + 5, -1));
	who("suid");
	DO(chown("caps", FIRST + 5, -1));
	say("caps %zd", getxattr("caps", "security.capability", NULL, 0));
	AS_USER(FIRST + 1000) {
		DO(chown("mine", FIRST + 1, -1));
		DO(chown("mine", -1, FIRST + 1000));
		DO(chown("mine", -1, FIRST + 1));
		DO(chown("given", 1000, 1000));
		who("mine");
	}
	IN_MAP(map) {
		DO(chown("mine", 8, 9));
		who("mine");
		DO(chown("mine", MAP_COUNT, -1));
		DO(chown("sgid", 8, 9));
		who("sgid");
		DO(chown("given", 0, 0));
		DO(chown("dir_beyond", 0, 0));
		if (!below)
			DO(chown("beyond", 0, 0));
	}
	/* To each other strangers. */
	IN_MAP(other_map) {
		DO(chown("group", 0, 0));
		DO(chmod("group", 0777));
	}
}

TEST(idmap, chown_through_the_map)
{
	compare_mapped(op_chown);
	CHECK_EQ(stat_of("upper/low/f").st_uid, 5);
	CHECK_EQ(stat_of("upper/low/mine").st_gid, 9);
}

TEST(idmap, chown_in_a_mapped_upper)
{
	compare_below(op_chown);
	CHECK_EQ(stat_of("upper/low/f").st_uid, 5);
	CHECK_EQ(stat_of("upper/low/mine").st_gid, 9);
}

/* Who may do what with data, modes and times. */
static void op_permission(void)
{
	static const struct timespec past[2] = { { 1000, 0 }, { 2000, 0 } };
	int fd;

	AS_USER(FIRST + 1000) {
		fd = FD(open("mine", O_RDWR));
		DO(pwrite(fd, "T", 1, 0));
		close(fd);
		DO(chmod("mine", 0640));
		DO(utimensat(AT_FDCWD, "mine", past, 0));
		fd = FD(open("f", O_RDWR));
		fd = FD(open("group", O_RDONLY));
		DO(chmod("f", 0666));
		DO(utimensat(AT_FDCWD, "f", NULL, 0));
		DO(truncate("beyond", 1));
		fd = FD(open("beyond", O_RDONLY));
		close(fd);
		if (!below) {
			fd = FD(open("dir_beyond/f", O_RDWR));
			DO(pwrite(fd, "T", 1, 0));
			close(fd);
		}
		fd = FD(open("mine", O_RDONLY | O_NOATIME));
		close(fd);
		fd = FD(open("f", O_RDONLY | O_NOATIME));
		DO(unlink("pub/theirs"));
		DO(rename("pub/theirs", "pub/mine"));
		DO(setxattr("mine", "user.a", "b", 1, 0));
		DO(removexattr("user_xattr", "user.a"));
		DO(setxattr("f", "user.a", "b", 1, 0));
		DO(rename("given", "given"));
		DO(access("given", W_OK));
	}
	AS_USER(1000) {
		fd = FD(open("mine", O_RDONLY));
		DO(chmod("mine", 0666));
		DO(mkdir("given/new", 0755));
	}
	IN_MAP(map) {
		fd = FD(open("mine", O_RDWR));
		close(fd);
		DO(chmod("f", 0601));
		DO(truncate("named", 2));
		DO(unlink("beyond"));
		DO(rename("dir_beyond", "elsewhere"));
		DO(unlink("pub/theirs"));
		DO(setxattr("f", "trusted.a", "b", 1, 0));
	}
	IN_MAP(other_map) {
		fd = FD(open("mine", O_RDONLY));
		DO(truncate("f", 0));
		DO(unlink("f"));
	}
}

TEST(idmap, permission_through_the_map)
{
	compare_mapped(op_permission);
}

TEST(idmap, permission_in_a_mapped_upper)
{
	compare_below(op_permission);
}

TEST(idmap, permission_in_mapped_layers)
{
	compare_layers(op_permission);
	/* The upper has them as they were shown. */
	CHECK_EQ(stat_of("upper/low/mine").st_uid, FIRST + 1000);
}

static void op_acl(void)
{
	char acl[64];
	ssize_t n;
	int fd;

	say("%u", acl_user("named", ACL_ACCESS));
	CHECK_EQ(acl_user("named", ACL_ACCESS), FIRST + 1000);
	AS_USER(FIRST + 1000) {
		fd = FD(open("named", O_RDWR));
		DO(pwrite(fd, "T", 1, 0));
		close(fd);
		fd = FD(open("kept", O_RDWR));
		DO(pwrite(fd, "T", 1, 0));
		close(fd);
	}
	AS_USER(1000)
		FD(open("named", O_RDONLY));
	IN_MAP(map) {
		say("%u", acl_user("named", ACL_ACCESS));
		n = getxattr("named", ACL_ACCESS, acl, sizeof(acl));
		DO(setxattr("f", ACL_ACCESS, acl, n, 0));
		mk_acl("group", ACL_ACCESS, 0640, 77, 4);
		mk_acl("given", ACL_DEFAULT, 0700, 78, 4);
	}
	say("%u %u %u", acl_user("f", ACL_ACCESS), acl_user("group", ACL_ACCESS),
	    acl_user("given", ACL_DEFAULT));
	AS_USER(FIRST + 77)
		FD(open("group", O_RDONLY));
	AS_USER(FIRST + 1000) {
		n = getxattr("named", ACL_ACCESS, acl, sizeof(acl));
		/* Names FIRST + 1000, as this user sees it. */
		DO(setxattr("mine", ACL_ACCESS, acl, n, 0));
		DO(setxattr("f", ACL_ACCESS, acl, n, 0));
		DO(removexattr("f", ACL_ACCESS));
		say("%u", acl_user("mine", ACL_ACCESS));
	}
	AS_USER(FIRST + 3) {
		struct { int version; unsigned short v[20]; } bad = { 2, {} };

		DO(setxattr("named", ACL_ACCESS, &bad, sizeof(bad), 0));
		DO(removexattr("named", ACL_ACCESS));
	}
}

TEST(idmap, acls_through_the_map)
{
	compare_mapped(op_acl);
	CHECK_EQ(acl_user("upper/low/group", ACL_ACCESS), 77);
	CHECK_EQ(acl_user("upper/up/mine", ACL_ACCESS), 1000);
	/* So are those that the cache does not have. */
	drop_caches(false);
	CHECK_EQ(acl_user("mnt/low/given", ACL_DEFAULT), 78);
}

TEST(idmap, acls_in_a_mapped_upper)
{
	compare_below(op_acl);
	CHECK_EQ(acl_user("upper/low/group", ACL_ACCESS), 77);
	CHECK_EQ(acl_user("upper/up/mine", ACL_ACCESS), 1000);
	CHECK_EQ(acl_user("upper/low/kept", ACL_ACCESS), 1000);
}

TEST(idmap, acls_in_mapped_layers)
{
	compare_layers(op_acl);
	CHECK_EQ(acl_user("upper/low/kept", ACL_ACCESS), FIRST + 1000);
}

static void say_caps(const char *path)
{
	uid_t rootid = -1;

	if (DO(getxattr(path, "security.capability", NULL, 0)) > 0)
		say("%s: version %d, root %d", path, caps_version(path, &rootid), (int)rootid);
}

static void op_caps(void)
{
	char caps[CAPS_V3_SIZE];
	ssize_t n;

	say_caps("caps");
	IN_MAP(map) {
		say_caps("caps");
		DO(setxattr("f", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
		say_caps("f");
	}
	say_caps("f");
	n = getxattr("f", "security.capability", caps, sizeof(caps));
	say("%zd", n);
	/* Back in by who has set it, and by who has nothing to say about it. */
	DO(setxattr("group", "security.capability", caps, n, 0));
	say_caps("group");
	DO(setxattr("mine", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	IN_MAP(other_map) {
		say_caps("caps");
		say_caps("f");
		DO(setxattr("mine", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	}
	AS_USER(FIRST + 1000)
		DO(setxattr("mine", "security.capability", caps_v2, CAPS_V2_SIZE, 0));
	/* Written to, it has none. */
	DO(truncate("f", 0));
	say_caps("f");
}

TEST(idmap, capabilities_through_the_map)
{
	uid_t rootid;

	compare_mapped(op_caps);
	CHECK_EQ(caps_version("upper/low/group", &rootid), caps_version("plain/group", &rootid));
}

TEST(idmap, capabilities_in_a_mapped_upper)
{
	uid_t rootid;

	compare_below(op_caps);
	CHECK_EQ(caps_version("upper/low/group", &rootid), caps_version("plain/group", &rootid));
}

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
