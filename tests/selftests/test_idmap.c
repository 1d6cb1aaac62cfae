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
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "compare.h"
#include "idmap.h"

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
