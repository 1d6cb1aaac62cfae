// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container that holds layers and uppers of other mounts:
 *
 *	./
 *	|-- l1/ ...
 *	|-- upper/, work/
 *	|-- mnt/		the container
 *	|   |-- low/, up/, wk/	of the mount inside
 *	`-- in/			the mount inside
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "stacks.h"
#include "userns.h"

#define OVL	"trusted.overlay."
#define ESC	OVL "overlay."
#define USER	"user.overlay."

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

static int d_type_of(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int type = -1;

	CHECK(d != NULL);
	while ((e = readdir(d)))
		if (!strcmp(e->d_name, name))
			type = e->d_type;
	closedir(d);
	return type;
}

static int rename_flags(const char *from, const char *to, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* A name set inside is another one on the disk, and means nothing to the container. */
TEST(inner, attributes_are_escaped)
{
	char list[256], longest[256], value[8];

	fx_dirs(2);
	mk_dirs("l1/d");
	mk_dirs("l2/d");
	mk_file("l2/d/below", "x");
	mk_file("l1/f", "f");
	mk_xattr("l1/f", ESC "redirect", "/there");
	mk_xattr("l1/f", ESC "overlay.opaque", "y");
	mk_xattr("l1/f", OVL "protattr", "");
	fx_mount(2);
	/* as a layer has them */
	CHECK_STR(xattr_of("mnt/f", OVL "redirect"), "/there");
	CHECK_STR(xattr_of("mnt/f", ESC "opaque"), "y");
	CHECK(!xattr_of("mnt/f", OVL "protattr"));
	CHECK_EQ(listxattr("mnt/f", list, sizeof(list)),
		 (long)(sizeof(OVL "redirect") + sizeof(ESC "opaque")));
	CHECK_EQ(listxattr("mnt/f", NULL, 0), (long)(sizeof(OVL "redirect") + sizeof(ESC "opaque")));
	CHECK(memmem(list, sizeof(list), OVL "redirect", sizeof(OVL "redirect")) != NULL);
	CHECK(memmem(list, sizeof(list), ESC "opaque", sizeof(ESC "opaque")) != NULL);
	/* and as they are set here */
	CHECK_SYS(setxattr("mnt/d", OVL "opaque", "y", 1, XATTR_CREATE));
	CHECK_ERR(setxattr("mnt/d", OVL "opaque", "y", 1, XATTR_CREATE), EEXIST);
	CHECK_STR(xattr_of("upper/d", ESC "opaque"), "y");
	CHECK_STR(ls("mnt/d"), "below");
	CHECK_SYS(setxattr("mnt/f", OVL "metacopy", "", 0, 0));
	CHECK_SYS(setxattr("mnt/f", OVL "whiteout", "", 0, 0));
	CHECK_SYS(removexattr("mnt/f", OVL "redirect"));
	CHECK_ERR(removexattr("mnt/f", OVL "redirect"), ENODATA);
	CHECK_ERR(getxattr("mnt/f", OVL "redirect", value, 8), ENODATA);
	CHECK_ERR(setxattr("mnt/f", OVL, "y", 1, 0), EINVAL);
	/* what had no room on the disk */
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, OVL, strlen(OVL));
	longest[255 - strlen("overlay.")] = '\0';
	CHECK_SYS(setxattr("mnt/f", longest, "y", 1, 0));
	CHECK_SYS(removexattr("mnt/f", longest));
	longest[255 - strlen("overlay.")] = 'x';
	longest[255] = '\0';
	CHECK_ERR(setxattr("mnt/f", longest, "y", 1, 0), EOPNOTSUPP);
	fx_remount();
	CHECK_STR(cat("mnt/f"), "f");
	CHECK_STR(xattr_of("mnt/f", ESC "opaque"), "y");
	CHECK_STR(xattr_of("mnt/d", OVL "opaque"), "y");
	CHECK_STR(ls("mnt/d"), "below");
	CHECK(!xattr_of("upper/f", ESC "redirect"));
	CHECK(xattr_of("upper/f", ESC "overlay.opaque"));
}

/* What layerfs has written shows the same under overlayfs, the other way round, too. */
TEST(inner, attributes_are_overlayfs_own)
{
	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(1);
	mk_dirs("l1/d");
	mk_file("l1/f", "f");
	fx_mount(1);
	CHECK_SYS(setxattr("mnt/d", OVL "opaque", "y", 1, 0));
	CHECK_SYS(setxattr("mnt/f", OVL "redirect", "/x", 2, 0));
	CHECK_SYS(setxattr("mnt/f", ESC "opaque", "z", 1, 0));
	fx_umount();
	stack_overlay("mnt", "lowerdir=l1,upperdir=upper,workdir=work,redirect_dir=on");
	CHECK_STR(xattr_of("mnt/d", OVL "opaque"), "y");
	CHECK_STR(xattr_of("mnt/f", OVL "redirect"), "/x");
	CHECK_STR(xattr_of("mnt/f", ESC "opaque"), "z");
	CHECK_SYS(setxattr("mnt/d", OVL "origin", "o", 1, 0));
	CHECK_SYS(removexattr("mnt/f", OVL "redirect"));
	CHECK_SYS(umount("mnt"));
	fx_mount(1);
	CHECK_STR(xattr_of("mnt/d", OVL "origin"), "o");
	CHECK_STR(xattr_of("mnt/d", OVL "opaque"), "y");
	CHECK(!xattr_of("mnt/f", OVL "redirect"));
	CHECK_STR(xattr_of("mnt/f", ESC "opaque"), "z");
}

static void is_device(const char *path)
{
	struct stat st = stat_of(path);

	CHECK_EQ(st.st_mode & S_IFMT, S_IFCHR);
	CHECK_EQ(st.st_rdev, 0);
}

/* A device 0/0 made inside is one inside, and on the disk nothing that hides. */
TEST(inner, whiteout_is_a_device_inside)
{
	char *argv[] = { "d/w", "d/made", "w", NULL }, path[32];

	SKIP_ON_OVERLAY("refuses them");
	fx_dirs(1);
	mk_dirs("l1/d");
	mk_file("l1/d/w", "hidden");
	mk_file("l1/d/f", "f");
	mk_file("l1/w", "hidden");
	fx_mount(1);
	CHECK_ERR(mknod("mnt/d/w", S_IFCHR, 0), EEXIST);
	CHECK_SYS(unlink("mnt/d/w"));
	CHECK_SYS(unlink("mnt/w"));
	/* over a whiteout of the container, and where nothing was */
	CHECK_SYS(mknod("mnt/d/w", S_IFCHR | 0640, 0));
	CHECK_SYS(mknod("mnt/d/made", S_IFCHR, 0));
	CHECK_SYS(mknod("mnt/w", S_IFCHR, 0));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; argv[i]; i++) {
			snprintf(path, sizeof(path), "mnt/%s", argv[i]);
			is_device(path);
			CHECK_ERR(open(path, O_RDONLY | O_NONBLOCK), ENXIO);
		}
		CHECK_EQ(stat_of("mnt/d/w").st_mode & 07777, 0640);
		CHECK_STR(ls("mnt/d"), "f made w");
		CHECK_STR(ls("mnt"), "d w");
		CHECK_EQ(d_type_of("mnt/d", "w"), DT_CHR);
		CHECK_EQ(d_type_of("mnt/d", "f"), DT_REG);
		CHECK_EQ(d_type_of("mnt", "w"), DT_CHR);
		if (!round)
			drop_caches(false);
		else
			fx_remount();
	}
	CHECK(S_ISREG(stat_of("upper/d/w").st_mode));
	CHECK_STR(xattr_of("upper/d/w", ESC "whiteout"), "char");
	CHECK_STR(xattr_of("upper/d", ESC "opaque"), "x");
	CHECK_STR(xattr_of("upper", ESC "opaque"), "x");
	CHECK_ERR(rmdir("mnt/d"), ENOTEMPTY);
	CHECK_SYS(unlink("mnt/d/w"));
	CHECK(is_whiteout("upper/d/w"));
	CHECK_SYS(unlink("mnt/d/made"));
	CHECK(!exists("upper/d/made"));
	CHECK_STR(ls("mnt/d"), "f");
	CHECK_SYS(mkdir("mnt/d/made", 0700));
	CHECK_STR(ls("mnt/d"), "f made");
}

/* It is changed, linked and moved as any object, and stays what it is. */
TEST(inner, whiteout_is_handled_as_an_object)
{
	SKIP_ON_OVERLAY("refuses them");
	fx_dirs(1);
	mk_dirs("l1/a");
	mk_dirs("l1/b");
	mk_dirs("l1/c");
	mk_file("l1/b/over", "over");
	fx_mount(1);
	CHECK_SYS(mknod("mnt/a/w", S_IFCHR, 0));
	CHECK_SYS(chmod("mnt/a/w", 0604));
	CHECK_SYS(chown("mnt/a/w", 3, 4));
	CHECK_EQ(stat_of("upper/a/w").st_mode, S_IFREG | 0604);
	CHECK_EQ(stat_of("mnt/a/w").st_mode, S_IFCHR | 0604);
	CHECK_EQ(stat_of("mnt/a/w").st_gid, 4);
	CHECK_SYS(link("mnt/a/w", "mnt/b/link"));
	CHECK_EQ(stat_of("mnt/a/w").st_nlink, 2);
	CHECK_SYS(rename("mnt/a/w", "mnt/b/over"));
	CHECK_SYS(mknod("mnt/a/v", S_IFCHR, 0));
	CHECK_SYS(rename("mnt/a/v", "mnt/c/v"));
	for (int round = 0; round < 2; round++) {
		is_device("mnt/b/link");
		is_device("mnt/b/over");
		is_device("mnt/c/v");
		CHECK_EQ(d_type_of("mnt/b", "link"), DT_CHR);
		CHECK_EQ(d_type_of("mnt/b", "over"), DT_CHR);
		CHECK_EQ(d_type_of("mnt/c", "v"), DT_CHR);
		CHECK_EQ(stat_of("mnt/b/over").st_mode & 07777, 0604);
		fx_remount();
	}
	CHECK_SYS(rename_flags("mnt/b/over", "mnt/a/x", RENAME_NOREPLACE));
	mk_file("mnt/c/f", "f");
	CHECK_SYS(rename_flags("mnt/a/x", "mnt/c/f", RENAME_EXCHANGE));
	CHECK_STR(cat("mnt/a/x"), "f");
	is_device("mnt/c/f");
}

/* In a layer it is the same, and a copy-up keeps it. */
TEST(inner, whiteout_in_a_layer)
{
	struct stat st;

	SKIP_ON_OVERLAY("shows a file");
	fx_dirs(2);
	mk_dirs("l2/d");
	mk_dirs("l1/d");
	mk_xattr("l2/d", ESC "opaque", "x");
	mk_file("l2/d/w", "");
	mk_xattr("l2/d/w", ESC "whiteout", "char");
	CHECK_SYS(link("l2/d/w", "l2/d/v"));
	mk_file("l2/d/empty", "");
	mk_file("l2/d/other", "");
	mk_xattr("l2/d/other", ESC "whiteout", "");
	mk_file("l2/d/full", "full");
	mk_xattr("l2/d/full", ESC "whiteout", "char");
	fx_mount(2);
	CHECK_STR(ls("mnt/d"), "empty full other v w");
	CHECK_EQ(d_type_of("mnt/d", "w"), DT_CHR);
	CHECK_EQ(d_type_of("mnt/d", "empty"), DT_REG);
	CHECK_EQ(d_type_of("mnt/d", "other"), DT_REG);
	CHECK_EQ(d_type_of("mnt/d", "full"), DT_REG);
	is_device("mnt/d/w");
	CHECK(S_ISREG(stat_of("mnt/d/empty").st_mode));
	CHECK(S_ISREG(stat_of("mnt/d/other").st_mode));
	CHECK_STR(cat("mnt/d/full"), "full");
	st = stat_of("mnt/d/w");
	CHECK_SYS(chown("mnt/d/w", 5, 5));
	is_device("mnt/d/w");
	is_device("mnt/d/v");
	CHECK_EQ(stat_of("mnt/d/v").st_uid, 5);
	CHECK_EQ(stat_of("mnt/d/w").st_ino, st.st_ino);
	CHECK(S_ISREG(stat_of("upper/d/w").st_mode));
	fx_remount();
	is_device("mnt/d/w");
	is_device("mnt/d/v");
	CHECK_EQ(d_type_of("mnt/d", "w"), DT_CHR);
	CHECK_EQ(d_type_of("mnt/d", "v"), DT_CHR);
	CHECK_EQ(stat_of("mnt/d/v").st_uid, 5);
	CHECK_EQ(stat_of("mnt/d/w").st_ino, st.st_ino);
}

/* RENAME_WHITEOUT leaves one, whatever the container has at the two names. */
TEST(inner, rename_leaves_a_whiteout)
{
	SKIP_ON_OVERLAY("refuses it");
	fx_dirs(1);
	mk_file("l1/f", "f");
	mk_file("l1/g", "g");
	mk_file("l1/h", "h");
	mk_dirs("l1/d/sub");
	fx_mount(1);
	mk_file("mnt/new", "new");
	CHECK_SYS(rename_flags("mnt/new", "mnt/new2", RENAME_WHITEOUT));
	CHECK_SYS(rename_flags("mnt/f", "mnt/f2", RENAME_WHITEOUT));
	CHECK_SYS(unlink("mnt/h"));
	CHECK_SYS(rename_flags("mnt/g", "mnt/h", RENAME_WHITEOUT));
	CHECK_SYS(rename_flags("mnt/d", "mnt/e", RENAME_WHITEOUT));
	CHECK_SYS(rename_flags("mnt/f2", "mnt/new2", RENAME_WHITEOUT));
	CHECK_ERR(rename_flags("mnt/e", "mnt/x", RENAME_WHITEOUT | RENAME_EXCHANGE), EINVAL);
	CHECK_ERR(rename_flags("mnt/h", "mnt/e", RENAME_WHITEOUT), EISDIR);
	for (int round = 0; round < 2; round++) {
		CHECK_STR(ls("mnt"), "d e f f2 g h new new2");
		is_device("mnt/new");
		is_device("mnt/f");
		is_device("mnt/g");
		is_device("mnt/d");
		is_device("mnt/f2");
		CHECK_STR(cat("mnt/h"), "g");
		CHECK_STR(cat("mnt/new2"), "f");
		CHECK_STR(ls("mnt/e"), "sub");
		fx_remount();
	}
}

/* Who may write to a directory, and nobody else, makes one there. */
TEST(inner, whiteout_takes_the_right)
{
	SKIP_ON_OVERLAY("refuses them");
	fx_dirs(1);
	mk_dirs("l1/d");
	CHECK_SYS(chmod("l1/d", 0777));
	fx_mount(1);
	AS_USER(ATTACKER) {
		CHECK_ERR(mknod("mnt/w", S_IFCHR, 0), EACCES);
		CHECK_SYS(mknod("mnt/d/w", S_IFCHR, 0));
		CHECK_ERR(mknod("mnt/d/dev", S_IFCHR, makedev(1, 3)), EPERM);
		CHECK_ERR(lsetxattr("mnt/d/w", OVL "whiteout", "", 0, 0), EPERM);
	}
	CHECK_EQ(stat_of("mnt/d/w").st_uid, ATTACKER);
	AS_USER(ATTACKER) {
		mk_file("mnt/d/f", "");
		CHECK_SYS(rename_flags("mnt/d/f", "mnt/d/g", RENAME_WHITEOUT));
	}
	CHECK_EQ(stat_of("mnt/d/f").st_uid, ATTACKER);
	CHECK_STR(ls("mnt"), "d");
}

static void mk_base(const char *root)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "cd %s && mkdir -p a b/sub d deep/er/still keep && echo f >a/f && echo g >a/g && "
		 "echo h >b/sub/h && echo c >c && echo x >d/x && echo e >e && echo m >m && "
		 "echo n >n && echo s >deep/er/still/s && echo k >keep/k && ln -s e l", root);
	CHECK_SYS(system(cmd));
}

/* Everything that makes whiteouts, opaque directories, redirects and copies. */
static void workout(const char *root, bool renames_dirs)
{
	int dir = CHECK_SYS(open(".", O_RDONLY | O_DIRECTORY));

	CHECK_SYS(chdir(root));
	CHECK_SYS(unlink("a/f"));
	CHECK_SYS(rename("a/g", "keep/g"));
	if (renames_dirs) {
		CHECK_SYS(rename("b", "bb"));
		CHECK_SYS(mkdir("b", 0711));
		mk_file("b/new", "new");
		append_file("bb/sub/h", "+");
	}
	CHECK_SYS(unlink("d/x"));
	CHECK_SYS(rmdir("d"));
	append_file("c", "+");
	CHECK_SYS(chmod("e", 0600));
	CHECK_SYS(link("e", "e2"));
	CHECK_SYS(rename("m", "n"));
	mk_file("a/f", "again");
	tree_remove("deep");
	CHECK_SYS(mkdir("deep", 0700));
	CHECK_SYS(symlink("c", "sym"));
	CHECK_SYS(rename_flags("keep/k", "c", RENAME_EXCHANGE));
	CHECK_SYS(mkdir("d", 0755));
	CHECK_SYS(rename("keep/g", "d/x"));
	CHECK_SYS(fchdir(dir));
	close(dir);
}

static void check_worked_out(const char *root, const char *plain)
{
	same_tree(root, plain, 0);
	drop_caches(false);
	same_tree(root, plain, 0);
}

/* An upper in a container does all that one on a disk does. */
TEST_WITH(inner, upper_of_layerfs, .timeout = 900)
{
	SKIP_ON_OVERLAY("is no upper");
	fx_dirs(1);
	mk_dirs("low");
	mk_dirs("plain");
	mk_base("low");
	mk_base("plain");
	workout("plain", true);
	mk_dirs("l1/up");
	mk_file("l1/other", "other");
	fx_mount(1);
	mk_dirs("mnt/wk");
	stack_with_upper("in", "low", "mnt/up", "mnt/wk");
	workout("in", true);
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
	stack_with_upper("in", "low", "mnt/up", "mnt/wk");
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
	fx_remount();
	stack_with_upper("in", "low", "mnt/up", "mnt/wk");
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
	/* as a layer, in the container and beneath it */
	stack_on("in", "mnt/up:low");
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
	fx_umount();
	CHECK_STR(cat("upper/up/c"), "k\n");
	CHECK(S_ISREG(stat_of("upper/up/m").st_mode));
	fx_mount(1);
}

/* All of the mount inside in the container: layers, upper, work. */
TEST_WITH(inner, all_in_the_container, .timeout = 900)
{
	SKIP_ON_OVERLAY("is no upper");
	fx_dirs(1);
	mk_dirs("plain");
	mk_base("plain");
	workout("plain", true);
	fx_mount(1);
	mk_dirs("mnt/low");
	mk_dirs("mnt/up");
	mk_dirs("mnt/wk");
	mk_base("mnt/low");
	stack_with_upper("in", "mnt/low", "mnt/up", "mnt/wk");
	workout("in", true);
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
	fx_remount();
	stack_on("in", "mnt/up:mnt/low");
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
}

/* The same with overlayfs inside. */
TEST_WITH(inner, upper_of_overlayfs, .timeout = 900)
{
	const char *options = "lowerdir=%s,upperdir=mnt/up,workdir=mnt/wk,redirect_dir=on";

	SKIP_ON_OVERLAY("is no upper");
	fx_dirs(1);
	mk_dirs("plain");
	mk_base("plain");
	workout("plain", true);
	fx_mount(1);
	mk_dirs("mnt/low");
	mk_dirs("mnt/up");
	mk_dirs("mnt/wk");
	mk_base("mnt/low");
	stack_overlay("in", options, "mnt/low");
	workout("in", true);
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
	fx_remount();
	stack_overlay("in", options, "mnt/low");
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
	stack_on("in", "mnt/up:mnt/low");
	check_worked_out("in", "plain");
	CHECK_SYS(umount("in"));
}

/* Whiteouts of an inner mount are such to overlayfs, too, if it mounts the container. */
TEST(inner, whiteout_under_overlayfs)
{
	SKIP_ON_OVERLAY("is what is compared with");
	fx_dirs(1);
	mk_dirs("l1/low/d");
	mk_file("l1/low/d/f", "f");
	mk_file("l1/low/d/g", "g");
	mk_file("l1/low/h", "h");
	fx_mount(1);
	mk_dirs("mnt/up");
	mk_dirs("mnt/wk");
	stack_with_upper("in", "mnt/low", "mnt/up", "mnt/wk");
	CHECK_SYS(unlink("in/d/f"));
	CHECK_SYS(rename("in/h", "in/i"));
	CHECK_STR(ls("in/d"), "g");
	CHECK_SYS(umount("in"));
	fx_umount();
	stack_overlay("mnt", "lowerdir=l1,upperdir=upper,workdir=work,redirect_dir=on");
	CHECK(S_ISREG(stat_of("mnt/up/d/f").st_mode));
	CHECK_STR(xattr_of("mnt/up/d/f", OVL "whiteout"), "char");
	stack_overlay("in", "lowerdir=mnt/up:mnt/low");
	CHECK(!exists("in/d/f"));
	CHECK(!exists("in/h"));
	CHECK_STR(cat("in/d/g"), "g");
	CHECK_STR(cat("in/i"), "h");
	CHECK_SYS(umount("in"));
	CHECK_SYS(umount("mnt"));
	fx_mount(1);
}

/* Files that are open and mapped follow through both mounts. */
TEST(inner, open_files_of_the_mount_inside)
{
	char *map, *both;
	int fd, wr;

	SKIP_ON_OVERLAY("is no upper");
	fx_dirs(1);
	fx_mount(1);
	mk_dirs("mnt/low");
	mk_dirs("mnt/up");
	mk_dirs("mnt/wk");
	mk_pattern("mnt/low/f", 70000, 3);
	stack_with_upper("in", "mnt/low", "mnt/up", "mnt/wk");
	fd = CHECK_SYS(open("in/f", O_RDONLY));
	map = mmap(NULL, 70000, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_EQ((unsigned char)map[69999], pattern_byte(3, 69999));
	wr = CHECK_SYS(open("in/f", O_RDWR));
	CHECK_EQ(pwrite(wr, "changed", 7, 100), 7);
	CHECK(!memcmp(map + 100, "changed", 7));
	CHECK_EQ((unsigned char)map[69999], pattern_byte(3, 69999));
	both = mmap(NULL, 70000, PROT_READ | PROT_WRITE, MAP_SHARED, wr, 0);
	CHECK(both != MAP_FAILED);
	memcpy(both + 5000, "mapped", 6);
	CHECK(!memcmp(map + 5000, "mapped", 6));
	CHECK_SYS(msync(both, 70000, MS_SYNC));
	munmap(both, 70000);
	munmap(map, 70000);
	CHECK_SYS(fsync(wr));
	close(wr);
	close(fd);
	CHECK_SYS(umount("in"));
	fx_remount();
	fd = CHECK_SYS(open("mnt/up/f", O_RDONLY));
	map = mmap(NULL, 70000, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(!memcmp(map + 100, "changed", 7));
	CHECK(!memcmp(map + 5000, "mapped", 6));
	CHECK_EQ((unsigned char)map[69999], pattern_byte(3, 69999));
	munmap(map, 70000);
	close(fd);
}

/* A user's container, with a mount of the same user inside. */
TEST(inner, in_a_user_namespace)
{
	struct mnt_opt outer[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				   { "workdir", "work" }, { "userxattr", NULL }, {} };
	struct mnt_opt inner[] = { { "lowerdir", "mnt/low" }, { "upperdir", "mnt/up" },
				   { "workdir", "mnt/wk" }, { "userxattr", NULL }, {} };

	SKIP_ON_OVERLAY("is no upper");
	fx_dirs(1);
	CHECK_SYS(chmod(".", 0777));
	CHECK_SYS(lchown("upper", NS_ROOT, NS_ROOT));
	CHECK_SYS(lchown("work", NS_ROOT, NS_ROOT));
	CHECK_SYS(lchown("l1", NS_ROOT, NS_ROOT));
	mk_dir("in");
	mk_dir("plain");
	CHECK_SYS(lchown("plain", NS_ROOT, NS_ROOT));
	IN_CHILD {
		enter_userns();
		mk_base("plain");
		workout("plain", false);
		CHECK_EQ(fs_mount(outer, "mnt"), 0);
		mk_dirs("mnt/low");
		mk_dirs("mnt/up");
		mk_dirs("mnt/wk");
		CHECK_SYS(setxattr("mnt/low", USER "opaque", "y", 1, 0));
		CHECK_STR(xattr_of("mnt/low", USER "opaque"), "y");
		CHECK_STR(xattr_of("upper/low", USER "overlay.opaque"), "y");
		mk_base("mnt/low");
		if (fs_mount(inner, "in"))
			FAIL("%s", mount_log);
		workout("in", false);
		same_tree("in", "plain", 0);
		CHECK_SYS(umount("in"));
		CHECK_EQ(fs_mount(inner, "in"), 0);
		same_tree("in", "plain", 0);
		CHECK_SYS(umount("in"));
		CHECK_SYS(umount("mnt"));
	}
}
