// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mounts that lie on mounts.  mnt is the one below, others lie on it:
 *
 *	./
 *	|-- l1/, l2/ ...
 *	|-- upper/, work/	of mnt, where it has an upper
 *	|-- mnt/
 *	`-- m1/, m2/ ...	the others
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "netlink.h"
#include "stacks.h"
#include "userns.h"

#define OVL	"trusted.overlay."

/* l1 on l2 on l3, with marks of all kinds that hide, lead elsewhere and merge. */
static void mk_marked_layers(void)
{
	fx_dirs(3);
	mk_dirs("l3/d/e");
	mk_file("l3/d/e/f", "three");
	mk_file("l3/d/hidden", "three");
	mk_file("l3/white", "three");
	mk_dirs("l3/opaque/gone");
	mk_file("l3/plain", "three");
	mk_dirs("l2/d");
	mk_whiteout("l2/d/hidden");
	mk_whiteout("l2/white");
	mk_dirs("l2/opaque");
	mk_opaque("l2/opaque");
	mk_file("l2/opaque/new", "two");
	mk_dirs("l2/moved");
	mk_redirect("l2/moved", "/d/e");
	mk_file("l2/moved/g", "two");
	mk_dirs("l2/x");
	mk_xattr("l2/x", OVL "opaque", "x");
	mk_file("l2/x/h", "");
	mk_xattr("l2/x/h", OVL "whiteout", "");
	mk_dirs("l3/x");
	mk_file("l3/x/h", "three");
	mk_file("l3/x/i", "three");
	mk_dirs("l1/d");
	mk_file("l1/d/top", "one");
	mk_dirs("l1/again");
	mk_redirect("l1/again", "/moved");
	mk_dirs("l1/white");
	mk_file("l1/x", "one");
}

static void same_tree(const char *a_root, const char *b_root, unsigned int flags)
{
	struct listing a, b;

	if (tree_list(a_root, flags, &a) || tree_list(b_root, flags, &b))
		FAIL("%s", tree_error);
	if (!listing_equal(&a, a_root, &b, b_root, 20))
		FAIL("%s and %s differ", a_root, b_root);
	listing_free(&a);
	listing_free(&b);
}

/* The same mount with a property that the layers' own mounts have not. */
static void bind_nosuid(const char *from, const char *to)
{
	mk_dirs(to);
	CHECK_SYS(mount(from, to, NULL, MS_BIND, NULL));
	CHECK_SYS(mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
}

/* Whether the mount on @path lies on another: then none can lie on it. */
static bool two_high(const char *path)
{
	char lower[64];
	int rc;

	mk_dirs("none");
	/* not as the lowest layer, which may be replaced */
	snprintf(lower, sizeof(lower), "%s:none", path);
	rc = stack_try("level", lower, NULL, NULL);
	if (!rc)
		CHECK_SYS(umount("level"));
	else
		CHECK(strstr(mount_log, "stacked"));
	return rc;
}

/* Its layers take its place: all is as with the mount itself below, but the level. */
TEST(nesting, image_shows_the_same)
{
	SKIP_ON_OVERLAY("flattens nothing");
	mk_marked_layers();
	stack_on("mnt", "l2:l3");
	bind_nosuid("mnt", "bound");
	stack_on("m1", "l1:mnt");
	stack_on("m2", "l1:bound");
	same_tree("m1", "m2", LIST_MTIME | LIST_XATTR | LIST_NLINK);
	CHECK_STR(cat("m1/again/f"), "three");
	CHECK_STR(cat("m1/again/g"), "two");
	CHECK(!exists("m1/d/hidden"));
	CHECK(!two_high("m1"));
	CHECK(two_high("m2"));
	/* it is the image of all who name these layers, and needs mnt no more */
	CHECK_SYS(umount("bound") | umount("m2"));
	CHECK_SYS(umount("mnt"));
	stack_on("mnt", "l1:l2:l3");
	same_tree("m1", "mnt", LIST_MTIME | LIST_XATTR | LIST_NLINK);
	CHECK_EQ(stat_of("m1/plain").st_ino, stat_of("mnt/plain").st_ino);
	CHECK_SYS(umount("mnt") | umount("m1"));
}

/* A list is refused if it were with the layers named one by one. */
TEST(nesting, layer_that_is_inside_too)
{
	SKIP_ON_OVERLAY("flattens nothing");
	fx_dirs(3);
	mk_file("l1/f", "f");
	stack_on("mnt", "l1:l2");
	bind_nosuid("mnt", "bound");
	mk_dirs("m1");
	CHECK_EQ(stack_try("m1", "l3:l1:mnt", NULL, NULL), -EINVAL);
	if (!strstr(mount_log, "lowerdir 'l1' and layer '") ||
	    !strstr(mount_log, "/l1' of lowerdir 'mnt' are the same directory"))
		FAIL("said: %s", mount_log);
	CHECK_EQ(stack_try("m1", "l2:l3:l2:mnt", NULL, NULL), -EINVAL);
	if (!strstr(mount_log, "lowerdir 'l2' and lowerdir 'l2'"))
		FAIL("said: %s", mount_log);
	/* What is not replaced is a layer like others. */
	stack_on("m1", "l1:bound");
	CHECK_STR(cat("m1/f"), "f");
	CHECK_SYS(umount("m1") | umount("bound") | umount("mnt"));
}

/* In the middle of a list its marks must hide nothing of what lies below it. */
TEST(nesting, only_the_lowest_is_replaced)
{
	SKIP_ON_OVERLAY("flattens nothing");
	fx_dirs(3);
	mk_file("l1/f", "f");
	mk_whiteout("l1/white");
	mk_dirs("l1/d");
	mk_opaque("l1/d");
	mk_dirs("l3/d");
	mk_file("l2/white", "two");
	mk_file("l3/white", "three");
	mk_file("l3/d/deep", "three");
	stack_on("mnt", "l1:l2");
	stack_on("m1", "mnt:l3");
	CHECK(!exists("mnt/white"));
	CHECK_STR(cat("m1/white"), "three");
	CHECK_STR(cat("m1/d/deep"), "three");
	CHECK_STR(ls("m1"), "d f white");
	CHECK(two_high("m1"));
	CHECK_SYS(umount("m1") | umount("mnt"));
}

/* m1 on l1, m2 on l2 and m1, ...: no level but one, and each lives by itself. */
TEST(nesting, eight)
{
	char dir[16], lower[32], file[32];

	SKIP_ON_OVERLAY("has two levels");
	fx_dirs(8);
	for (int i = 1; i <= 8; i++) {
		snprintf(file, sizeof(file), "l%d/f%d", i, i);
		mk_file(file, file);
		snprintf(file, sizeof(file), "l%d/common", i);
		mk_file(file, file);
	}
	stack_on("m1", "l1");
	for (int i = 2; i <= 8; i++) {
		snprintf(dir, sizeof(dir), "m%d", i);
		snprintf(lower, sizeof(lower), "l%d:m%d", i, i - 1);
		stack_on(dir, lower);
	}
	CHECK_STR(ls("m8"), "common f1 f2 f3 f4 f5 f6 f7 f8");
	CHECK_STR(cat("m8/common"), "l8/common");
	CHECK_STR(cat("m3/common"), "l3/common");
	/* The height costs nothing: it is the image of the list. */
	stack_on("flat", "l8:l7:l6:l5:l4:l3:l2:l1");
	CHECK_EQ(nl_container("flat").num[LAYERFS_A_IMAGE_ID],
		 nl_container("m8").num[LAYERFS_A_IMAGE_ID]);
	CHECK_SYS(umount("flat"));
	for (int i = 1; i < 8; i++) {
		snprintf(dir, sizeof(dir), "m%d", i);
		CHECK_SYS(umount(dir));
	}
	drop_caches(true);
	for (int i = 1; i <= 8; i++) {
		snprintf(file, sizeof(file), "m8/f%d", i);
		snprintf(lower, sizeof(lower), "l%d/f%d", i, i);
		CHECK_STR(cat(file), lower);
	}
	/* and a container on it */
	stack_with_upper("mnt", "m8", "upper", "work");
	append_file("mnt/f1", "+");
	CHECK_STR(cat("mnt/f1"), "l1/f1+");
	CHECK_SYS(umount("mnt") | umount("m8"));
}

/* /proc/mounts has the options as they were given: they make the same mount again. */
TEST(nesting, options_are_shown_as_given)
{
	char line[1024], options[512], want[256], *lower;
	FILE *f;

	SKIP_ON_OVERLAY("flattens nothing");
	mk_marked_layers();
	stack_on("mnt", "l2:l3");
	stack_on("m1", "l1:mnt");
	f = fopen("/proc/mounts", "re");
	CHECK(f != NULL);
	options[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "/m1 layerfs "))
			CHECK_EQ(sscanf(line, "%*s %*s %*s %511s", options), 1);
	}
	fclose(f);
	lower = strstr(options, "lowerdir=");
	CHECK(lower != NULL);
	snprintf(want, sizeof(want), "lowerdir=l1:mnt");
	CHECK_STR(lower, want);
	mk_dirs("m2");
	CHECK_SYS(mount("none", "m2", "layerfs", MS_RDONLY, lower));
	same_tree("m1", "m2", LIST_MTIME);
	CHECK_SYS(mount(NULL, "m2", NULL, MS_REMOUNT | MS_RDONLY, lower));
	CHECK_SYS(umount("m2") | umount("m1") | umount("mnt"));
}

static void mk_data_elsewhere(const char *path, const char *redirect)
{
	mk_file(path, "");
	CHECK_SYS(truncate(path, 4));
	put_xattr(path, OVL "metacopy", "", 0);
	put_xattr(path, OVL "redirect", redirect, strlen(redirect));
}

/*
 * Layers of data come along, for the files of their own image only; with data for
 * the others, too, the mount is a level.
 */
TEST(nesting, layers_of_data)
{
	SKIP_ON_OVERLAY("flattens nothing");
	fx_dirs(3);
	mk_dirs("d1/aa");
	mk_file("d1/aa/1", "data");
	mk_dirs("d2/aa");
	mk_file("d2/aa/1", "else");
	mk_data_elsewhere("l2/inner", "/aa/1");
	mk_data_elsewhere("l1/outer", "/aa/1");
	mk_data_elsewhere("l1/through", "/inner");
	stack_on("mnt", "l2::d1");
	stack_on("m1", "l1:mnt");
	CHECK(!two_high("m1"));
	for (int flat = 1; flat >= 0; flat--) {
		CHECK_STR(cat("m1/inner"), "data");
		CHECK_STR(cat("m1/through"), "data");
		CHECK_EQ(stat_error("m1/outer"), EIO);
		CHECK_SYS(umount("m1"));
		if (flat) {
			bind_nosuid("mnt", "bound");
			stack_on("m1", "l1:bound");
			CHECK(two_high("m1"));
		}
	}
	CHECK_SYS(umount("bound"));
	stack_on("m1", "l1:mnt::d2");
	CHECK(two_high("m1"));
	CHECK_STR(cat("m1/inner"), "data");
	CHECK_STR(cat("m1/outer"), "else");
	CHECK_SYS(umount("m1") | umount("mnt"));
	/* and the other way round: those of the list are not for what is inside */
	stack_on("mnt", "l2");
	stack_on("m1", "l1:mnt::d2");
	CHECK(!two_high("m1"));
	CHECK_STR(cat("m1/outer"), "else");
	CHECK_EQ(stat_error("m1/inner"), EIO);
	CHECK_SYS(umount("m1") | umount("mnt"));
}

/* Through a mount with nosuid its files have no setuid, though the layers' have. */
TEST(nesting, nosuid_of_the_mount_counts)
{
	SKIP_ON_OVERLAY("asks its own mount alone");
	fx_dirs(2);
	mk_file("l2/f", "");
	CHECK_SYS(chmod("l2/f", 04755));
	stack_on("mnt", "l2");
	stack_on("m1", "l1:mnt");
	CHECK_EQ(stat_of("m1/f").st_mode & 07777, 04755);
	CHECK_SYS(umount("m1"));
	bind_nosuid("mnt", "bound");
	stack_on("m1", "l1:bound");
	CHECK_EQ(stat_of("m1/f").st_mode & 07777, 0755);
	CHECK_SYS(umount("m1") | umount("bound") | umount("mnt"));
}

/* Other marks, or a directory of the mount, are not the image. */
TEST(nesting, what_is_not_the_image_is_a_level)
{
	struct mnt_opt user[] = { { "lowerdir", "l1:l2" }, { "userxattr", NULL }, {} };

	SKIP_ON_OVERLAY("flattens nothing");
	fx_dirs(2);
	mk_dirs("l1/d");
	mk_dirs("l2/d");
	mk_file("l2/d/f", "two");
	mk_xattr("l1/d", "user.overlay.opaque", "y");
	CHECK_EQ(fs_mount(user, "mnt"), 0);
	CHECK_STR(ls("mnt/d"), "");
	stack_on("m1", "mnt");
	CHECK_STR(ls("m1/d"), "");
	CHECK(two_high("m1"));
	CHECK_SYS(umount("m1") | umount("mnt"));
	stack_on("mnt", "l1:l2");
	stack_on("m1", "mnt/d");
	CHECK_STR(ls("m1"), "f");
	CHECK(two_high("m1"));
	CHECK_SYS(umount("m1") | umount("mnt"));
}

/*
 * What a mounter without rights has put together shows to root what its mounter may
 * see, and not what root may.
 */
TEST(nesting, mounters_of_other_rights)
{
	SKIP_ON_OVERLAY("flattens nothing");
	fx_dirs(1);
	CHECK_SYS(chmod(".", 0777));
	mk_file("l1/open", "open");
	mk_file("l1/closed", "closed");
	CHECK_SYS(chmod("l1/closed", 0600));
	IN_CHILD {
		enter_userns();
		stack_on("mnt", "l1");
		stack_on("m1", "mnt");
		CHECK_STR(cat("m1/open"), "open");
		CHECK_ERR(open("m1/closed", O_RDONLY), EACCES);
		/* one who has given up a right is another one */
		CHECK(!two_high("m1"));
		CHECK_SYS(umount("m1"));
		drop_capability(1 /* CAP_DAC_OVERRIDE */);
		stack_on("m1", "mnt");
		CHECK(two_high("m1"));
		CHECK_SYS(umount("m1") | umount("mnt"));
	}
}

/* A tree in two roles is found under the mount, and named. */
TEST(nesting, roles_of_what_is_inside)
{
	SKIP_ON_OVERLAY("flattens nothing");
	fx_dirs(3);
	mk_dirs("l2/up");
	mk_dirs("l2/work");
	stack_on("mnt", "l2:l3");
	CHECK_EQ(stack_try("m1", "l1:mnt", "l2", "work"), -ELOOP);
	CHECK(strstr(mount_log, "/l2' of lowerdir 'mnt' is upperdir"));
	CHECK_EQ(stack_try("m1", "l1:mnt", "upper", "l3"), -ELOOP);
	CHECK(strstr(mount_log, "/l3' of lowerdir 'mnt' is workdir"));
	CHECK_SYS(umount("mnt"));
}

static void mk_numbered(int from, int to)
{
	char dir[32];

	for (int i = from; i < to; i++) {
		snprintf(dir, sizeof(dir), "n%d", i);
		mk_dir(dir);
	}
}

static int mount_numbered(const char *target, int from, int to, const char *last)
{
	static struct mnt_opt opts[4200];
	static char names[4200][8];
	int n = 0;

	for (int i = from; i < to; i++) {
		snprintf(names[n], sizeof(names[n]), "n%d", i);
		opts[n] = (struct mnt_opt){ "lowerdir+", names[n] };
		n++;
	}
	if (last)
		opts[n++] = (struct mnt_opt){ "lowerdir+", last };
	opts[n] = (struct mnt_opt){};
	mk_dirs(target);
	return fs_mount(opts, target);
}

/* The bound is on layers, not on what is written down. */
TEST_WITH(nesting, as_many_layers_as_there_may_be, .timeout = 900)
{
	SKIP_ON_OVERLAY("has another bound");
	use_tmpfs();
	fx_dirs(1);
	mk_numbered(0, 4097);
	mk_file("n4095/lowest", "low");
	mk_file("n0/top", "top");
	CHECK_EQ(mount_numbered("mnt", 2048, 4096, NULL), 0);
	CHECK_EQ(mount_numbered("m1", 0, 2048, "mnt"), 0);
	CHECK_STR(cat("m1/lowest"), "low");
	CHECK_STR(ls("m1"), "lowest top");
	stack_with_upper("m2", "m1", "upper", "work");
	append_file("m2/lowest", "+");
	CHECK_SYS(umount("m2"));
	CHECK_EQ(stack_try("m2", "n4096:m1", NULL, NULL), -EINVAL);
	CHECK(strstr(mount_log, "4096"));
	CHECK(strstr(mount_log, "m1"));
	CHECK_SYS(umount("m1") | umount("mnt"));
}

/* A container as a layer: what is in its files is seen as it is, before and after. */
TEST(nesting, container_as_a_layer)
{
	static const char *const names[] = { "read", "mapped", "stat" };
	char path[32], *map;
	int fd, mapped;

	SKIP_ON_OVERLAY("maps files otherwise");
	fx_dirs(2);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "l2/%s", names[i]);
		mk_file(path, "before");
	}
	fx_mount(2);
	mk_file("mnt/made", "made");
	CHECK_SYS(unlink("mnt/stat"));
	mk_file("mnt/stat", "upper");
	stack_on("m1", "mnt");
	CHECK_STR(ls("m1"), "made mapped read stat");
	CHECK_STR(cat("m1/stat"), "upper");
	fd = CHECK_SYS(open("m1/read", O_RDONLY));
	CHECK_STR(cat_fd(fd), "before");
	mapped = CHECK_SYS(open("m1/mapped", O_RDONLY));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, mapped, 0);
	CHECK(map != MAP_FAILED);
	close(mapped);
	CHECK(!memcmp(map, "before", 6));
	/* the first writes copy up below what m1 has open */
	mk_file("mnt/read", "afterwards");
	append_file("mnt/mapped", "+");
	CHECK_SYS(chmod("mnt/mapped", 0640));
	CHECK_STR(cat_fd(fd), "afterwards");
	CHECK_STR(cat("m1/read"), "afterwards");
	CHECK_EQ(stat_of("m1/read").st_size, 10);
	CHECK_EQ(stat_of("m1/mapped").st_mode & 0777, 0640);
	CHECK(!memcmp(map, "before+", 7));
	munmap(map, 4096);
	close(fd);
	CHECK_SYS(umount("m1"));
	/* a container on a container */
	mk_dirs("upper2");
	mk_dirs("work2");
	stack_with_upper("m1", "mnt", "upper2", "work2");
	append_file("m1/read", "!");
	CHECK_STR(cat("m1/read"), "afterwards!");
	CHECK_STR(cat("mnt/read"), "afterwards");
	CHECK_SYS(unlink("m1/made"));
	CHECK(exists("mnt/made"));
	CHECK_SYS(rename("m1/stat", "m1/stat2"));
	CHECK_STR(ls("m1"), "mapped read stat2");
	CHECK_SYS(umount("m1"));
}

/*
 *	mnt/	a container: l1 has a b d/x e/y
 *	m1/	on it, without an upper
 *	m2/	on it, with one
 */
static void both_on_a_container(void)
{
	fx_dirs(1);
	mk_file("l1/a", "a");
	mk_file("l1/b", "b");
	mk_dir("l1/d");
	mk_file("l1/d/x", "x");
	mk_dir("l1/e");
	mk_file("l1/e/y", "y");
	fx_mount(1);
	stack_on("m1", "mnt");
	mk_dirs("upper2");
	mk_dirs("work2");
	stack_with_upper("m2", "mnt", "upper2", "work2");
}

static void check_both(const char *dir, const char *names)
{
	char path[64];

	for (int i = 1; i <= 2; i++) {
		snprintf(path, sizeof(path), "m%d%s", i, dir);
		CHECK_STR(ls(path), names);
	}
}

static void check_both_have(const char *name, const char *text)
{
	char path[64];

	for (int i = 1; i <= 2; i++) {
		snprintf(path, sizeof(path), "m%d/%s", i, name);
		if (text)
			CHECK_STR(cat(path), text);
		else
			CHECK_ERR(access(path, F_OK), ENOENT);
	}
}

/* Names that come and go in the container come and go above, known before or not. */
TEST(nesting, names_of_a_container)
{
	int fd;

	SKIP_ON_OVERLAY("keeps what it knows");
	both_on_a_container();
	for (int listed = 0; listed < 2; listed++) {
		if (listed)
			check_both("", "a b d e");
		check_both_have("new", NULL);
		check_both_have("a", "a");
		check_both_have("d/x", "x");
		check_both_have("d/late", NULL);
		mk_file("mnt/new", "new");
		mk_file("mnt/d/late", "late");
		check_both_have("new", "new");
		check_both_have("d/late", "late");
		check_both_have("new2", NULL);
		CHECK_SYS(rename("mnt/new", "mnt/new2"));
		check_both_have("new", NULL);
		check_both_have("new2", "new");
		CHECK_SYS(rename("mnt/new2", "mnt/a"));
		check_both_have("a", "new");
		CHECK_SYS(unlink("mnt/a"));
		check_both_have("a", NULL);
		if (listed)
			check_both("/d", "late x");
		CHECK_SYS(unlink("mnt/d/late"));
		check_both_have("d/late", NULL);
		CHECK_SYS(rename("mnt/d", "mnt/dd"));
		check_both_have("d/x", NULL);
		check_both_have("dd/x", "x");
		CHECK_SYS(rename("mnt/dd", "mnt/d"));
		check_both_have("dd/x", NULL);
		check_both_have("d/x", "x");
		mk_file("mnt/a", "a");
	}
	check_both("", "a b d e");
	/* A directory that is gone, and another of its name. */
	check_both("/e", "y");
	CHECK_SYS(unlink("mnt/e/y"));
	CHECK_SYS(rmdir("mnt/e"));
	check_both_have("e/y", NULL);
	CHECK_ERR(open("m2/e/y", O_CREAT | O_WRONLY, 0644), ENOENT);
	mk_dir("mnt/e");
	check_both("/e", "");
	mk_file("mnt/e/z", "z");
	check_both("/e", "z");
	/* What is open stays. */
	fd = CHECK_SYS(open("m2/b", O_RDONLY));
	CHECK_SYS(unlink("mnt/b"));
	check_both_have("b", NULL);
	CHECK_STR(cat_fd(fd), "b");
	close(fd);
	CHECK_SYS(umount("m1") | umount("m2"));
}

/* What the upper has above is what it is; the rest of its directories is not. */
TEST(nesting, names_of_a_container_and_an_upper)
{
	int dir;

	SKIP_ON_OVERLAY("keeps what it knows");
	both_on_a_container();
	append_file("m2/a", "+");
	mk_file("m2/d/own", "own");
	CHECK_SYS(unlink("m2/b"));
	CHECK_SYS(rename("m2/e", "m2/moved"));
	CHECK_STR(ls("m2"), "a d moved");
	CHECK_STR(ls("m2/d"), "own x");
	CHECK_SYS(unlink("mnt/a"));
	CHECK_STR(cat("m2/a"), "a+");
	CHECK_SYS(unlink("mnt/b"));
	mk_file("mnt/b", "another");
	CHECK_ERR(access("m2/b", F_OK), ENOENT);
	mk_file("mnt/d/late", "late");
	CHECK_STR(cat("m2/d/late"), "late");
	CHECK_STR(ls("m2/d"), "late own x");
	CHECK_ERR(mkdir("m2/d/late", 0755), EEXIST);
	CHECK_SYS(unlink("m2/d/late"));
	CHECK_STR(ls("m2/d"), "own x");
	CHECK(exists("mnt/d/late"));
	mk_file("mnt/d/own", "not seen");
	CHECK_STR(cat("m2/d/own"), "own");
	mk_file("mnt/e/late", "late");
	CHECK_STR(ls("m2/moved"), "late y");
	/* somebody is in a directory that goes */
	mk_dir("mnt/f");
	mk_file("mnt/f/g", "g");
	dir = CHECK_SYS(open("m2/f", O_RDONLY | O_DIRECTORY));
	CHECK_SYS(faccessat(dir, "g", F_OK, 0));
	CHECK_SYS(rename("mnt/f", "mnt/ff"));
	CHECK_ERR(access("m2/f", F_OK), ENOENT);
	CHECK_SYS(faccessat(dir, "g", F_OK, 0));
	CHECK_STR(cat("m2/ff/g"), "g");
	close(dir);
	CHECK_STR(ls("m2"), "a d ff moved");
	drop_caches(true);
	CHECK_STR(ls("m2"), "a d ff moved");
	CHECK_STR(ls("m2/d"), "own x");
	CHECK_SYS(umount("m1") | umount("m2"));
}

static void list_and_look(void *arg)
{
	const char *top = arg;
	char path[64];

	for (int i = 0; i < 1500; i++) {
		snprintf(path, sizeof(path), "%s/n%d", top, i % 5);
		access(path, F_OK);
		if (i % 16 == 0)
			ls_or_error(top);
	}
}

/* As soon as it is done in the container, whoever else is looking. */
TEST(nesting, names_of_a_container_at_once)
{
	char below[32], above[2][32];
	pid_t a, b;

	SKIP_ON_OVERLAY("keeps what it knows");
	both_on_a_container();
	a = spawn(list_and_look, "m1");
	b = spawn(list_and_look, "m2");
	for (int i = 0; i < 300; i++) {
		snprintf(below, sizeof(below), "mnt/n%d", i % 5);
		for (int m = 0; m < 2; m++)
			snprintf(above[m], sizeof(above[m]), "m%d/n%d", m + 1, i % 5);
		mk_file(below, "x");
		for (int m = 0; m < 2; m++)
			CHECK_STR(cat(above[m]), "x");
		CHECK_SYS(unlink(below));
		for (int m = 0; m < 2; m++)
			CHECK_ERR(access(above[m], F_OK), ENOENT);
	}
	reap(a);
	reap(b);
	check_both("", "a b d e");
	CHECK_SYS(umount("m1") | umount("m2"));
}

/* overlayfs below: as a layer it is read, as an upper it is refused, and why is said. */
TEST(nesting, on_overlayfs)
{
	SKIP_ON_OVERLAY("is about layerfs");
	fx_dirs(2);
	mk_file("l1/f", "f");
	mk_dirs("l2/up");
	mk_dirs("l2/wk");
	mk_dirs("upper2");
	mk_dirs("work2");
	stack_overlay("mnt", "lowerdir=l1:l2,upperdir=upper,workdir=work");
	mk_file("mnt/g", "g");
	stack_with_upper("m1", "mnt", "upper2", "work2");
	append_file("m1/f", "+");
	append_file("m1/g", "+");
	CHECK_SYS(unlink("m1/f"));
	CHECK_STR(cat("m1/g"), "g+");
	CHECK_STR(cat("mnt/f"), "f");
	CHECK_SYS(umount("m1"));
	CHECK_EQ(stack_try("m1", "l1", "mnt/up", "mnt/wk"), -EINVAL);
	CHECK(strstr(mount_log, "upperdir 'mnt/up': filesystem overlay cannot leave a whiteout"));
	CHECK_STR(ls("mnt/wk/work"), "");
	CHECK_SYS(umount("mnt"));
}

/* overlayfs above, on a container and on an image. */
TEST(nesting, overlayfs_on_layerfs)
{
	SKIP_ON_OVERLAY("is about layerfs");
	fx_dirs(2);
	mk_file("l1/f", "f");
	mk_file("l2/f", "two");
	mk_file("l2/g", "g");
	fx_mount(1);
	mk_file("mnt/made", "made");
	mk_dirs("upper2");
	mk_dirs("work2");
	stack_overlay("m1", "lowerdir=mnt:l2,upperdir=upper2,workdir=work2");
	CHECK_STR(ls("m1"), "f g made");
	append_file("m1/f", "+");
	CHECK_SYS(unlink("m1/made"));
	CHECK_STR(cat("m1/f"), "f+");
	CHECK_STR(cat("mnt/f"), "f");
	CHECK_SYS(umount("m1"));
	stack_on("m2", "l1:l2");
	stack_overlay("m1", "lowerdir=m2,upperdir=upper2,workdir=work2");
	CHECK_STR(cat("m1/f"), "f+");
	CHECK_STR(cat("m1/g"), "g");
	CHECK_SYS(umount("m1") | umount("m2"));
}

/* An upper on tmpfs, on a container whose upper is on tmpfs: as on a disk. */
TEST(nesting, upper_on_tmpfs)
{
	SKIP_ON_OVERLAY("is about layerfs");
	use_tmpfs();
	fx_dirs(2);
	mk_dirs("l1/up");
	mk_dirs("l1/wk");
	mk_file("l2/f", "f");
	fx_mount(1);
	stack_with_upper("m1", "l2", "mnt/up", "mnt/wk");
	append_file("m1/f", "+");
	CHECK_STR(cat("upper/up/f"), "f+");
	CHECK_SYS(unlink("m1/f"));
	CHECK_STR(ls("m1"), "");
	CHECK_SYS(umount("m1"));
}
