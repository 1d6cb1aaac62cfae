// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers of odd shape: whiteouts where none belong, devices, hard links across,
 * directories that overlap or contain each other, names at the limits.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "stacks.h"

/*
 * In the lowest layer, hiding nothing; with links, attributes, an owner, marks of
 * directories; beside the name in an opaque directory; below another whiteout.
 */
TEST(hostile, whiteouts_in_odd_places)
{
	fx_dirs(3);
	mk_dirs("l1/d/e");
	mk_opaque("l1/d");
	mk_whiteout("l1/d/w");
	mk_whiteout("l1/w1");
	CHECK_SYS(link("l1/w1", "l1/w2"));
	CHECK_SYS(link("l1/w1", "l1/d/w3"));
	CHECK_SYS(chown("l1/w1", ATTACKER, ATTACKER));
	CHECK_SYS(chmod("l1/w1", 06777));
	mk_xattr("l1/w1", "trusted.overlay.opaque", "y");
	mk_xattr("l1/w1", "trusted.overlay.redirect", "/d");
	mk_whiteout("l2/w1");
	mk_dir("l2/w2");
	mk_file("l2/w2/hidden", "");
	mk_whiteout("l3/w1");
	mk_whiteout("l3/lowest");
	mk_whiteout("upper/nothing_below");
	mk_dir("upper/dir");
	mk_whiteout("upper/dir/w");
	fx_mount(3);
	CHECK_STR(ls("mnt"), "d dir");
	CHECK_STR(ls("mnt/d"), "e");
	CHECK_STR(ls("mnt/dir"), "");
	CHECK_ERR(open("mnt/w1", O_RDONLY), ENOENT);
	CHECK_ERR(chmod("mnt/w1", 0), ENOENT);
	CHECK_ERR(unlink("mnt/lowest"), ENOENT);
	CHECK_ERR(link("mnt/w1", "mnt/x"), ENOENT);
	CHECK_ERR(rename("mnt/w1", "mnt/x"), ENOENT);
	CHECK_ERR(open("mnt/w2/hidden", O_RDONLY), ENOENT);
	/* their names are free */
	mk_dir("mnt/w1");
	mk_file("mnt/w1/f", "");
	mk_file("mnt/lowest", "");
	mk_file("mnt/nothing_below", "");
	CHECK_SYS(rename("mnt/d/e", "mnt/w2"));
	CHECK_SYS(link("mnt/lowest", "mnt/d/w"));
	CHECK_SYS(rmdir("mnt/dir"));
	fx_remount();
	CHECK_STR(ls("mnt"), "d lowest nothing_below w1 w2");
	CHECK_STR(ls("mnt/w1"), "f");
	CHECK_STR(ls("mnt/d"), "w");
	tree_remove("mnt/w1");
	CHECK_ERR(rmdir("mnt/w1"), ENOENT);
}

/* Whiteouts in the work directory are what a crash may leave. */
TEST(hostile, whiteouts_in_the_work_directory)
{
	fx_dirs(1);
	mk_dirs("work/work/a");
	mk_whiteout("work/work/#1");
	mk_whiteout("work/work/a/w");
	CHECK_SYS(symlink("/", "work/work/a/link"));
	fx_mount(1);
	mk_file("mnt/f", "");
	CHECK_SYS(access("/proc", F_OK));
}

/*
 * A work directory prepared by somebody else: what is in it is removed, what
 * it links to is not; what is too deep is refused.
 */
TEST(hostile, work_directory_prepared_by_another)
{
	SKIP_ON_OVERLAY("takes less deep a tree");
	fx_dirs(1);
	mk_dirs("outside/dir");
	mk_file("outside/file", "kept");
	mk_dirs("work/work");
	CHECK_SYS(symlink("../../outside", "work/work/link"));
	CHECK_SYS(link("outside/file", "work/work/hard"));
	must_mount(1, NULL);
	CHECK_SYS(umount("mnt"));
	CHECK_STR(ls("work/work"), "");
	CHECK_STR(ls("outside"), "dir file");
	CHECK_STR(cat("outside/file"), "kept");

	/* a link, a file or a mount in its place is not followed */
	CHECK_SYS(rmdir("work/work"));
	CHECK_SYS(symlink("../outside", "work/work"));
	CHECK_EQ(try_mount(1, NULL), -ENOTDIR);
	CHECK_SYS(unlink("work/work"));
	mk_file("work/work", "");
	CHECK_EQ(try_mount(1, NULL), -ENOTDIR);
	CHECK_SYS(unlink("work/work"));
	CHECK_STR(ls("outside"), "dir file");

	mk_dirs("work/work/a/b/c/d/e");
	mk_file("work/work/a/b/c/d/e/f", "");
	CHECK_EQ(try_mount(1, NULL), -ENOTEMPTY);
	CHECK(strstr(mount_log, "workdir"));
	CHECK(exists("work/work/a/b/c/d/e/f"));
	tree_remove("work/work");

	/* but what a crash may have left of a temporary goes, as deep as it is */
	mk_dirs("work/work/#3/b/c/d/e");
	mk_file("work/work/#3/b/c/d/e/f", "");
	must_mount(1, NULL);
	CHECK_SYS(umount("mnt"));
	CHECK_STR(ls("work/work"), "");

	/* "incompat" of any kind is a reason to stop */
	mk_dirs("work/work/incompat/new\nfeature");
	CHECK_EQ(try_mount(1, NULL), -EINVAL);
	tree_remove("work/work");
	mk_dirs("work/work");
	CHECK_SYS(symlink("../../outside", "work/work/incompat"));
	CHECK(try_mount(1, NULL) < 0);
	CHECK_SYS(unlink("work/work/incompat"));
	must_mount(1, NULL);
	CHECK_SYS(umount("mnt"));
}

/* They are what they are in the layer, and obey the mount's own flags. */
TEST(hostile, device_nodes)
{
	char buf[4];
	int fd;

	fx_dirs(1);
	CHECK_SYS(mknod("l1/zero", S_IFCHR, makedev(1, 5)));
	CHECK_SYS(chmod("l1/zero", 0666));
	CHECK_SYS(mknod("l1/none", S_IFBLK | 0666, makedev(511, 262143)));
	CHECK_SYS(mknod("l1/blk00", S_IFBLK | 0666, makedev(0, 0)));
	CHECK_SYS(mknod("l1/private", S_IFCHR | 0600, makedev(1, 5)));
	CHECK_SYS(mknod("l1/sock", S_IFSOCK | 0666, 0));
	fx_mount(1);
	CHECK_STR(ls("mnt"), "blk00 none private sock zero");
	CHECK_EQ(stat_of("mnt/blk00").st_rdev, 0);
	fd = CHECK_SYS(open("mnt/zero", O_RDONLY));
	CHECK_EQ(read(fd, buf, 4), 4);
	close(fd);
	CHECK(open("mnt/none", O_RDONLY | O_NONBLOCK) < 0);
	CHECK(open("mnt/sock", O_RDONLY) < 0);
	AS_USER(ATTACKER) {
		CHECK_ERR(open("mnt/private", O_RDONLY), EACCES);
		CHECK_ERR(mknod("mnt/x", S_IFCHR | 0666, makedev(1, 5)), EACCES);
	}
	/* a copy-up copies the node, not what is behind it */
	CHECK_SYS(chmod("mnt/zero", 0644));
	CHECK_EQ(stat_of("upper/zero").st_rdev, makedev(1, 5));
	CHECK_EQ(stat_of("upper/zero").st_mode, S_IFCHR | 0644);
	CHECK_ERR(truncate("mnt/zero", 0), EINVAL);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_NODEV, NULL));
	CHECK_ERR(open("mnt/zero", O_RDONLY), EACCES);
	CHECK_ERR(open("mnt/private", O_RDONLY), EACCES);
}

/*
 * One inode under names in two layers and the upper.  Those of the layers are
 * one object, which is copied up; the upper's is the upper's.
 */
TEST(hostile, hard_links_across)
{
	struct stat st;

	fx_dirs(2);
	mk_file("l1/a", "x");
	CHECK_SYS(link("l1/a", "l1/b"));
	CHECK_SYS(link("l1/a", "l2/a"));
	CHECK_SYS(link("l1/a", "l2/c"));
	mk_whiteout("l1/w");
	CHECK_SYS(link("l1/w", "upper/w"));
	mk_file("l2/w", "");
	fx_mount(2);
	CHECK_STR(ls("mnt"), "a b c");
	append_file("mnt/a", "+");
	append_file("mnt/c", "-");
	CHECK_STR(cat("mnt/a"), "x+-");
	CHECK_STR(cat("mnt/b"), "x+-");
	CHECK_STR(cat("mnt/c"), "x+-");
	CHECK_SYS(unlink("mnt/a"));
	CHECK_STR(cat("mnt/b"), "x+-");
	CHECK_SYS(link("mnt/b", "mnt/w"));
	CHECK_STR(cat("mnt/w"), "x+-");
	st = stat_of("l1/w");
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_nlink, 1);
	/* it has lost the link that the upper had */
	fx_resnap();
}

/*
 * An upper that shares an inode with its layer, made by one who may write to
 * both: it is the upper's, and is written in place.
 */
TEST(hostile, hard_link_from_upper_to_layer)
{
	fx_dirs(1);
	mk_file("l1/f", "x");
	mk_file("l1/g", "x");
	CHECK_SYS(link("l1/f", "upper/f"));
	CHECK_SYS(link("l1/f", "upper/other"));
	must_mount(1, NULL);
	append_file("mnt/f", "+");
	CHECK_STR(cat("mnt/other"), "x+");
	CHECK_STR(cat("mnt/g"), "x");
	CHECK_SYS(rename("mnt/g", "mnt/f"));
	CHECK_STR(cat("mnt/f"), "x");
	CHECK_SYS(unlink("mnt/other"));
	CHECK_SYS(umount("mnt"));
	CHECK_EQ(stat_of("l1/f").st_nlink, 1);
}

/* Layers inside of layers, however the list has them: read, nothing else. */
TEST(hostile, layers_overlap)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1/a/b:l1/a:l1" },
				  { "upperdir", "upper" }, { "workdir", "work" },
				  {} };
	struct listing l;

	SKIP_ON_OVERLAY("refuses it");
	fx_dirs(1);
	mk_dirs("l1/a/b/a/b");
	mk_file("l1/a/b/f", "b");
	mk_file("l1/f", "1");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(ls("mnt"), "a b f");
	CHECK_STR(cat("mnt/f"), "b");
	CHECK_EQ(tree_list("mnt", 0, &l), 0);
	listing_free(&l);
	append_file("mnt/f", "+");
	CHECK_SYS(rename("mnt/a", "mnt/b/a2"));
	CHECK_STR(cat("l1/a/b/f"), "b");
	CHECK_SYS(umount("mnt"));
}

/* Each way to give a tree two roles, by whatever name. */
TEST(hostile, one_tree_in_two_roles)
{
	static const struct {
		const char *lower, *upper, *work;
		int err;
	} bad[] = {
		{ "l1:bind", "upper", "work", EINVAL },
		{ "l1:l1/../l1/.", "upper", "work", EINVAL },
		{ "link:l1", "upper", "work", EINVAL },
		{ "upper", "upper", "work", ELOOP },
		{ "upbind", "upper", "work", ELOOP },
		{ "upper/in", "upper", "work", ELOOP },
		{ "l1", "bind/d", "work", EINVAL },
		{ "l1/d/in", "l1/d", "l1/work", ELOOP },
		{ "l1:l1/work/in", "l1/d", "l1/work", ELOOP },
		{ "l1/d", "l1", "work", ELOOP },
		{ "l1", "upper", "upper", EINVAL },
		{ "l1", "upper", "upper/in", EINVAL },
		{ "l1", "upper", "upbind", EINVAL },
		{ "work/in", "upper", "work", ELOOP },
		{ "l1:/proc", "upper", "work", EINVAL },
	};
	int wrong = 0;

	SKIP_ON_OVERLAY("has errors of its own");
	fx_dirs(1);
	mk_dirs("l1/d/in");
	mk_dirs("l1/work/in");
	mk_dirs("upper/in");
	mk_dirs("work/in");
	mk_dir("bind");
	mk_dir("upbind");
	CHECK_SYS(symlink("l1", "link"));
	CHECK_SYS(mount("l1", "bind", NULL, MS_BIND, NULL));
	CHECK_SYS(mount("upper", "upbind", NULL, MS_BIND, NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct mnt_opt opts[] = { { "lowerdir", bad[i].lower },
					  { "upperdir", bad[i].upper },
					  { "workdir", bad[i].work }, {} };
		int rc = fs_mount(opts, "mnt");

		if (rc == -bad[i].err && mount_log[0])
			continue;
		wrong++;
		test_note("lower %s upper %s work %s: got %s, want %s; said: %s",
			  bad[i].lower, bad[i].upper, bad[i].work,
			  rc ? strerrorname_np(-rc) : "success",
			  strerrorname_np(bad[i].err), mount_log);
		if (!rc)
			umount("mnt");
	}
	CHECK_EQ(wrong, 0);
}

/*
 * Roles across two mounts: what is an upper or a work directory is no layer, and
 * the reverse, until the mount that uses it is gone.
 */
TEST(hostile, roles_across_mounts)
{
	static const char *const bad[][3] = {
		{ "upper", "up2", "work2" }, { "work", "up2", "work2" },
		{ "l2", "l1", "work2" }, { "l2", "upper", "work2" },
		{ "l2", "up2", "work" }, { "l2:upper", "up2", "work2" },
	};

	SKIP_ON_OVERLAY("only warns with index=off");
	fx_dirs(1);
	mk_dirs("l2");
	mk_dirs("up2");
	mk_dirs("work2");
	mk_dirs("mnt2");
	must_mount(1, NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct mnt_opt opts[] = { { "lowerdir", bad[i][0] },
					  { "upperdir", bad[i][1] },
					  { "workdir", bad[i][2] }, {} };

		CHECK_EQ(fs_mount(opts, "mnt2"), -EBUSY);
	}
	CHECK_SYS(umount("mnt"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct mnt_opt opts[] = { { "lowerdir", bad[i][0] },
					  { "upperdir", bad[i][1] },
					  { "workdir", bad[i][2] }, {} };

		CHECK_EQ(fs_mount(opts, "mnt2"), 0);
		CHECK_SYS(umount("mnt2"));
	}
}

/*
 * A mount whose upper lies inside a layer of the mount that is its own layer:
 * what it writes appears below itself.
 *
 *	mnt:  lowerdir=l1	mnt2: lowerdir=mnt, upperdir=l1/up
 */
TEST(hostile, upper_inside_its_own_layers_layer)
{
	struct mnt_opt one[] = { { "lowerdir", "l1" }, {} };
	struct mnt_opt two[] = { { "lowerdir", "bound" }, { "upperdir", "l1/up" },
				 { "workdir", "l1/work" }, {} };
	struct listing l;

	SKIP_ON_OVERLAY("wants two layers");
	fx_dirs(0);
	mk_dirs("l1/up/up");
	mk_dirs("l1/work");
	mk_dirs("l1/d");
	mk_file("l1/d/f", "f");
	mk_file("l1/up/f", "up");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(one, "mnt"), 0);
	/* with a property of its own, so that it is a layer itself */
	mk_dir("bound");
	CHECK_SYS(mount("mnt", "bound", NULL, MS_BIND, NULL));
	CHECK_SYS(mount(NULL, "bound", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	CHECK_EQ(fs_mount(two, "mnt2"), 0);
	mk_file("mnt2/f", "f");
	append_file("mnt2/d/f", "+");
	CHECK_STR(cat("mnt2/d/f"), "f+");
	CHECK_STR(cat("l1/up/d/f"), "f+");
	append_file("mnt2/up/f", "+");
	CHECK_SYS(rename("mnt2/d", "mnt2/up/moved"));
	mk_dirs("mnt2/up/up/up/up");
	CHECK_EQ(tree_list("mnt2", 0, &l), 0);
	listing_free(&l);
	/* what it has looked up before may be gone since, which is an error */
	if (!tree_list("mnt", 0, &l))
		listing_free(&l);
	tree_remove("mnt2/up");
	CHECK_STR(cat("mnt2/f"), "f");
	CHECK_SYS(umount("mnt2"));
	CHECK_SYS(umount("bound"));
	CHECK_SYS(umount("mnt"));
}

/* A layerfs mount bound below its own layers, and mounted over them. */
TEST(hostile, loops_of_mounts)
{
	struct mnt_opt one[] = { { "lowerdir", "l1" }, {} };
	struct mnt_opt round[] = { { "lowerdir", "l1/d" }, {} };
	struct mnt_opt upper[] = { { "lowerdir", "l2" }, { "upperdir", "l1/up" },
				   { "workdir", "l1/work" }, {} };
	struct listing l;

	SKIP_ON_OVERLAY("wants two layers");
	fx_dirs(2);
	mk_dirs("l1/d");
	mk_dirs("l1/up");
	mk_dirs("l1/work");
	mk_file("l1/f", "f");
	mk_dir("l2/sub");
	CHECK_EQ(fs_mount(one, "mnt"), 0);
	CHECK_SYS(mount("mnt", "l1/d", NULL, MS_BIND, NULL));
	CHECK_EQ(tree_list("l1", 0, &l), 0);
	listing_free(&l);
	/* one level of stacking, then another one, then no more */
	mk_dir("m2");
	CHECK_SYS(mount(NULL, "l1/d", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	CHECK_EQ(fs_mount(round, "m2"), 0);
	CHECK_STR(ls("m2"), "d f up work");
	CHECK_SYS(mount("m2", "l1/d", NULL, MS_BIND, NULL));
	CHECK_SYS(mount(NULL, "l1/d", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	CHECK_EQ(fs_mount(round, "l2"), -EINVAL);
	CHECK(strstr(mount_log, "stacked"));
	CHECK_SYS(umount("l1/d"));
	CHECK_SYS(umount("l1/d"));
	CHECK_SYS(umount("m2"));
	CHECK_SYS(umount("mnt"));
	/* over its own layer, and over its own upper */
	CHECK_EQ(fs_mount(one, "l1"), 0);
	CHECK_STR(cat("l1/f"), "f");
	CHECK_EQ(fs_mount(one, "l1"), 0);
	CHECK_STR(cat("l1/f"), "f");
	CHECK_EQ(fs_mount(one, "l1"), 0);
	CHECK_SYS(umount("l1"));
	CHECK_SYS(umount("l1"));
	CHECK_SYS(umount("l1"));
	CHECK_EQ(fs_mount(upper, "l1/up"), 0);
	mk_file("l1/up/new", "");
	CHECK_STR(ls("l1/up"), "new sub");
	CHECK_SYS(umount("l1/up"));
	CHECK_STR(ls("l1/up"), "new");
}

/* An upper on a layerfs mount: not in one without an upper, nor too deep; else any. */
TEST(hostile, upper_on_layerfs)
{
	SKIP_ON_OVERLAY("is no upper");
	fx_dirs(2);
	mk_dirs("l1/up");
	mk_dirs("l1/work");
	mk_dirs("l2/up");
	mk_dirs("l2/work");
	mk_dirs("l2/d");
	stack_on("mnt", "l1");
	CHECK_EQ(stack_try("mnt2", "l2", "mnt/up", "mnt/work"), -EROFS);
	CHECK(strstr(mount_log, "mnt/up' is on a read-only filesystem"));
	CHECK_SYS(umount("mnt"));
	must_mount(1, NULL);
	stack_with_upper("mnt2", "l2", "mnt/up", "mnt/work");
	CHECK_EQ(stack_try("mnt3", "l1", "mnt2/up", "mnt2/work"), -EINVAL);
	CHECK(strstr(mount_log, "upperdir 'mnt2/up' lies on 2 stacked"));
	CHECK_EQ(stack_try("mnt3", "mnt2", "upper", "work"), -EINVAL);
	CHECK(strstr(mount_log, "lowerdir 'mnt2' lies on 2 stacked"));
	/* in use */
	CHECK_EQ(stack_try("mnt3", "l2", "mnt/up", "mnt/work"), -EBUSY);
	CHECK_EQ(stack_try("mnt3", "mnt", "mnt/up", "mnt/work"), -EBUSY);
	CHECK_SYS(umount("mnt2"));
	CHECK_SYS(umount("mnt"));
}

/* Of each byte that a name can have, and of 255 of each; 256 are too many. */
TEST(hostile, names_of_any_bytes)
{
	static char path[300], other[300];
	struct listing before, after;
	int n = 0;

	use_tmpfs();
	fx_dirs(2);
	for (int c = 1; c < 256; c++) {
		if (c == '/')
			continue;
		for (int len = 1; len < 256; len += 254) {
			static const char *const in[] = { "l1/", "l2/", "upper/" };

			/* "." is no name */
			if (c == '.' && len == 1)
				continue;
			strcpy(path, in[n++ % 3]);
			memset(path + strlen(path), c, len);
			path[strlen(in[(n - 1) % 3]) + len] = '\0';
			if (n % 2)
				mk_file(path, "x");
			else
				mk_dir(path);
		}
	}
	must_mount(2, NULL);
	CHECK_EQ(tree_list("mnt", 0, &before), 0);
	CHECK_EQ(before.count, n + 1);
	for (int c = 1; c < 256; c += 7) {
		if (c == '/' || c == '.')
			continue;
		strcpy(path, "mnt/");
		memset(path + 4, c, 255);
		path[4 + 255] = '\0';
		strcpy(other, "mnt/");
		memset(other + 4, c, 254);
		strcpy(other + 4 + 254, "~");
		CHECK_SYS(rename(path, other));
		CHECK_SYS(chmod(other, 0700));
		CHECK_ERR(rename(path, other), ENOENT);
		path[4 + 255] = c;
		path[4 + 256] = '\0';
		CHECK_ERR(rename(other, path), ENAMETOOLONG);
		CHECK_ERR(open(path, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
		CHECK_EQ(stat_error(path), ENAMETOOLONG);
	}
	CHECK_EQ(tree_list("mnt", 0, &after), 0);
	CHECK_EQ(after.count, before.count);
	listing_free(&before);
	listing_free(&after);
	CHECK_SYS(umount("mnt"));
}

/* Names that mean something elsewhere: to other formats, to the work directory. */
TEST(hostile, names_that_mean_something_elsewhere)
{
	static const char *const names[] = {
		".wh.f", ".wh..wh..opq", "#1", "work", "incompat", ".wh.", "lost+found",
		"...", "trusted.overlay.opaque", "-", "mnt\\040x", "%s%n",
	};
	char path[64];

	fx_dirs(1);
	mk_file("l1/f", "");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "l1/%s", names[i]);
		mk_file(path, "x");
	}
	fx_mount(1);
	CHECK_EQ(stat_error("mnt/f"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "mnt/%s", names[i]);
		append_file(path, "+");
		CHECK_STR(cat(path), "x+");
		CHECK_SYS(unlink(path));
		mk_dir(path);
		CHECK_SYS(rmdir(path));
	}
	CHECK_STR(ls("mnt"), "f");
}

/* As deep as paths go, in a layer and through redirects of that length. */
TEST(hostile, deep_layers)
{
	char name[256];
	int depth = 0;

	use_tmpfs();
	fx_dirs(1);
	memset(name, 'n', 255);
	name[255] = '\0';
	CHECK_SYS(chdir("l1"));
	for (; depth < 30; depth++) {
		mk_dir(name);
		CHECK_SYS(chdir(name));
	}
	mk_file("bottom", "x");
	mk_dir("dir");
	for (int i = 0; i <= depth; i++)
		CHECK_SYS(chdir(".."));
	must_mount(1, NULL);
	CHECK_SYS(chdir("mnt"));
	for (int i = 0; i < depth; i++)
		CHECK_SYS(chdir(name));
	append_file("bottom", "+");
	CHECK_STR(cat("bottom"), "x+");
	CHECK_SYS(unlink("bottom"));
	/* its way from the root does not fit into a redirect */
	if (!on_overlay())
		CHECK_ERR(rename("dir", "other"), EXDEV);
	CHECK_STR(ls("."), "dir");
	for (int i = 0; i <= depth; i++)
		CHECK_SYS(chdir(".."));
	CHECK_SYS(umount("mnt"));
}

/* Symbolic links of a layer are the caller's to follow, from where it stands. */
TEST(hostile, symlinks_are_only_text)
{
	char target[PATH_MAX], longest[PATH_MAX];

	memset(longest, 'x', sizeof(longest));
	longest[4094] = '\0';
	fx_dirs(1);
	CHECK_SYS(symlink("/", "l1/root"));
	CHECK_SYS(symlink("self", "l1/self"));
	CHECK_SYS(symlink("../../../../../../../../etc", "l1/up"));
	mk_dir("l1/etc");
	mk_file("l1/etc/own", "own");
	if (symlink(longest, "l1/longest"))
		CHECK_EQ(errno, ENAMETOOLONG);
	fx_mount(1);
	CHECK_ERR(open("mnt/self", O_RDONLY), ELOOP);
	CHECK_SYS(lchown("mnt/root", ATTACKER, ATTACKER));
	CHECK_SYS(lchown("mnt/self", ATTACKER, ATTACKER));
	CHECK_EQ(readlink("upper/root", target, sizeof(target)), 1);
	IN_CHILD {
		CHECK_SYS(chroot("mnt"));
		CHECK_SYS(chdir("/"));
		CHECK_STR(cat("root/etc/own"), "own");
		CHECK_STR(cat("up/own"), "own");
		CHECK_ERR(open("root/etc/shadow", O_RDONLY), ENOENT);
	}
}
