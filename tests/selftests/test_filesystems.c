// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers and uppers on filesystems that are not like those of the other tests.  (For
 * squashfs, erofs, btrfs, FUSE see test_identity.c; what is refused as an upper is in
 * wrong_mounts_rows.c.)
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "fuse.h"
#include "handle.h"
#include "nfs_server.h"

/* A disk image, mounted; skips where the kernel or the machine lacks something. */
static void disk(const char *size, const char *mkfs, const char *type, const char *where)
{
	char command[512], args[64];

	snprintf(command, sizeof(command),
		 "truncate -s %s img && %s img >log 2>&1 && "
		 "{ modprobe -q %s || grep -qw %s /proc/filesystems; }", size, mkfs, type, type);
	snprintf(args, sizeof(args), "-t %s", type);
	if (system(command) || loop_mount("img", args, where))
		test_skip("no %s here: %s", type, cat("log"));
}

static ino_t ino_listed(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	ino_t ino = 0;

	CHECK(d);
	while ((e = readdir(d)))
		if (!strcmp(e->d_name, name))
			ino = e->d_ino;
	closedir(d);
	return ino;
}

/*
 * NFS:
 *	export/		f, d/g, a and b (two links), p (a FIFO), upper/, work/
 *	l1/		the client's mount of it
 *	state/		where the server notes its clients
 */
#define OF_NFS		4
static const char *const of_nfs[OF_NFS] = { "f", "g", "a", "p" };
static const char *const path_of_nfs[OF_NFS] = { "mnt/f", "mnt/d/g", "mnt/a", "mnt/p" };

static void nfs_layer(void)
{
	fx_dirs(1);
	mk_dir("export");
	mk_dir("state");
	mk_file("export/f", "below");
	mk_dir("export/d");
	mk_file("export/d/g", "deep");
	mk_file("export/a", "linked");
	CHECK_SYS(link("export/a", "export/b"));
	CHECK_SYS(mkfifo("export/p", 0644));
	mk_dir("export/upper");
	mk_dir("export/work");
	nfs_server_prepare("state");
	nfs_server_start("export");
	nfs_mount("l1", "");
}

static void nfs_layer_end(void)
{
	fx_umount();
	fx_check_layers();
	CHECK_SYS(umount("l1"));
	fx_resnap();
	nfs_server_end();
}

static void check_inos(const ino_t *ino, const char *when)
{
	for (int i = 0; i < OF_NFS; i++) {
		const char *path = path_of_nfs[i];
		ino_t now = stat_of(path).st_ino;

		if (now != ino[i] || ino_listed(i == 1 ? "mnt/d" : "mnt", of_nfs[i]) != now)
			FAIL("%s %s: %llu, was %llu", path, when, (unsigned long long)now,
			     (unsigned long long)ino[i]);
		CHECK_EQ(stat_of(path).st_dev, stat_of("mnt").st_dev);
	}
}

TEST_WITH(filesystems, nfs_layer, .timeout = 300, .alone = true)
{
	struct mnt_opt upper_there[] = { { "lowerdir", "l2" }, { "upperdir", "l1/upper" },
					 { "workdir", "l1/work" }, {} };
	ino_t ino[OF_NFS];
	struct fh fh;

	SKIP_ON_OVERLAY("is known not to keep st_ino");
	nfs_layer();
	fx_mount(1);
	CHECK_STR(ls("mnt"), "a b d f p upper work");
	CHECK_STR(cat("mnt/d/g"), "deep");
	for (int i = 0; i < OF_NFS; i++)
		ino[i] = stat_of(path_of_nfs[i]).st_ino;
	check_inos(ino, "in the layer");
	fh = fh_of("mnt/f");
	CHECK_FH(&fh, "mnt/f");
	append_file("mnt/f", "+above");
	append_file("mnt/d/g", "+");
	append_file("mnt/a", "+");
	CHECK_SYS(chmod("mnt/p", 0600));
	check_inos(ino, "after the copy-up");
	CHECK_STR(cat("mnt/b"), "linked+");
	CHECK_EQ(stat_of("mnt/b").st_ino, ino[2]);
	CHECK_FH(&fh, "mnt/f");
	drop_caches(true);
	check_inos(ino, "after dropped caches");
	fx_remount();
	check_inos(ino, "after a remount");
	CHECK_FH(&fh, "mnt/f");
	/* the client's mount is made anew, too: another superblock */
	fx_umount();
	CHECK_SYS(umount("l1"));
	nfs_mount("l1", "");
	fx_mount(1);
	check_inos(ino, "after the layer was mounted again");
	CHECK_STR(cat("mnt/f"), "below+above");
	CHECK_SYS(rename("mnt/d", "mnt/moved"));
	CHECK_STR(cat("mnt/moved/g"), "deep+");
	CHECK_SYS(unlink("mnt/f"));
	CHECK_STR(ls("mnt"), "a b moved p upper work");
	/* and what cannot be the upper */
	mk_dir("l2");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(upper_there, "mnt2"), -EINVAL);
	if (!strstr(mount_log, "upperdir 'l1/upper'") || !strstr(mount_log, "(nfs4)"))
		FAIL("said: %s", mount_log);
	nfs_layer_end();
}

/*
 * ext4 with directories in which a name is found by all its spellings:
 *	l1/ci/		folds: Makefile, sub/X
 *	l1/only/	folds, and nothing merges with it: Name
 *	l1/cs/		does not: a, A
 *	l2/ci/		makefile, MAKEFILE, Sub/y
 */
static void folding_layer(void)
{
	fx_dirs(2);
	disk("32M", "mkfs.ext4 -q -O casefold", "ext4", "l1");
	mk_dir("l1/ci");
	mk_dir("l1/only");
	if (system("chattr +F l1/ci l1/only"))
		test_skip("the kernel does not fold");
	mk_file("l1/ci/Makefile", "l1");
	mk_dir("l1/ci/sub");
	mk_file("l1/ci/sub/X", "X");
	mk_file("l1/only/Name", "Name");
	mk_dir("l1/cs");
	mk_file("l1/cs/a", "a");
	mk_file("l1/cs/A", "A");
	mk_dir("l2/ci");
	mk_file("l2/ci/makefile", "l2");
	mk_file("l2/ci/MAKEFILE", "l2 too");
	mk_dir("l2/ci/Sub");
	mk_file("l2/ci/Sub/y", "y");
	CHECK_STR(cat("l1/ci/MAKEfile"), "l1");
}

/* A container has the names that are listed, each of them another one. */
TEST(filesystems, folding_layer)
{
	SKIP_ON_OVERLAY("refuses it");
	folding_layer();
	fx_mount(2);
	CHECK(!exists("mnt/ci/mAKEFILE"));
	CHECK(!exists("mnt/only/name"));
	CHECK_STR(ls("mnt/ci"), "MAKEFILE Makefile Sub makefile sub");
	CHECK_STR(cat("mnt/ci/makefile"), "l2");
	CHECK_STR(cat("mnt/ci/Makefile"), "l1");
	CHECK_STR(cat("mnt/ci/MAKEFILE"), "l2 too");
	CHECK_STR(ls("mnt/ci/sub"), "X");
	CHECK_STR(ls("mnt/ci/Sub"), "y");
	CHECK(!exists("mnt/ci/SUB"));
	CHECK(!exists("mnt/ci/sub/x"));
	CHECK_STR(cat("mnt/only/Name"), "Name");
	CHECK_STR(cat("mnt/cs/a"), "a");
	CHECK_STR(cat("mnt/cs/A"), "A");
	/* and each can be made, changed and removed */
	mk_file("mnt/only/NAME", "new");
	append_file("mnt/only/Name", "+");
	CHECK_STR(ls("mnt/only"), "NAME Name");
	CHECK_STR(cat("mnt/only/Name"), "Name+");
	CHECK_SYS(unlink("mnt/ci/Makefile"));
	CHECK_STR(ls("mnt/ci"), "MAKEFILE Sub makefile sub");
	CHECK_SYS(rename("mnt/ci/makefile", "mnt/ci/makeFILE"));
	CHECK_SYS(rename("mnt/ci/sub", "mnt/ci/SUB"));
	fx_remount();
	CHECK_STR(ls("mnt/ci"), "MAKEFILE SUB Sub makeFILE");
	CHECK_STR(cat("mnt/ci/SUB/X"), "X");
	CHECK_STR(cat("mnt/ci/makeFILE"), "l2");
	CHECK(!exists("mnt/ci/Makefile"));
}

/* No attributes, no owners, names found by all spellings. */
TEST(filesystems, vfat_layer)
{
	SKIP_ON_OVERLAY("refuses it");
	fx_dirs(1);
	disk("32M", "mkfs.vfat", "vfat", "l1");
	mk_file("l1/Readme.txt", "text");
	mk_dir("l1/Dir");
	mk_file("l1/Dir/inner", "inner");
	fx_mount(1);
	CHECK(!exists("mnt/README.TXT"));
	CHECK_STR(cat("mnt/Readme.txt"), "text");
	CHECK_STR(ls("mnt"), "Dir Readme.txt");
	append_file("mnt/Readme.txt", "+");
	mk_file("mnt/readme.txt", "another");
	CHECK_SYS(rename("mnt/Dir", "mnt/dir"));
	CHECK_SYS(chown("mnt/dir/inner", 5, 6));
	fx_remount();
	CHECK_STR(ls("mnt"), "Readme.txt dir readme.txt");
	CHECK_STR(cat("mnt/Readme.txt"), "text+");
	CHECK_STR(cat("mnt/dir/inner"), "inner");
	CHECK_EQ(stat_of("mnt/dir/inner").st_uid, 5);
}

/*
 *	l1/		a FUSE server that passes flags on and owns nothing: file, link
 *
 * Whoever looks at the layer without a stack does not ask for O_NOATIME either.
 */
TEST(filesystems, fuse_server_without_right_to_noatime)
{
	struct fuse_server *s = fuse_new();

	SKIP_ON_OVERLAY("asks for it");
	fx_dirs(1);
	s->node[0] = (struct fuse_node){ .name = "file", .mode = S_IFREG | 0644,
					 .size = 4, .data = "data" };
	s->node[1] = (struct fuse_node){ .name = "link", .mode = S_IFLNK | 0777,
					 .size = 4, .data = "file" };
	fuse_mount(s, "l1", 0);
	CHECK_SYS(mount("none", "mnt", "layerfs", 0, "lowerdir=l1,upperdir=upper,workdir=work"));
	s->no_noatime = 1;
	CHECK_STR(ls("mnt"), "file link");
	CHECK_STR(cat("mnt/link"), "data");
	append_file("mnt/file", "+");
	CHECK_STR(cat("mnt/file"), "data+");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l1"));
	CHECK_EQ(waitpid(s->pid, NULL, 0), s->pid);
}

/* Where the kernel has it; nothing that an upper needs is missing. */
TEST(filesystems, f2fs_upper)
{
	fx_dirs(1);
	mk_dir("disk");
	disk("128M", "mkfs.f2fs -q", "f2fs", "disk");
	CHECK_EQ(system("mkdir disk/upper disk/work && rmdir upper work && "
			"ln -s disk/upper disk/work ."), 0);
	mk_dir("l1/d");
	mk_file("l1/d/f", "f");
	mk_file("l1/g", "g");
	fx_mount(1);
	append_file("mnt/d/f", "+");
	CHECK_SYS(rename("mnt/d", "mnt/e"));
	CHECK_SYS(unlink("mnt/g"));
	mk_dir("mnt/g");
	fx_remount();
	CHECK_STR(ls("mnt"), "e g");
	CHECK_STR(cat("mnt/e/f"), "f+");
	fx_umount();
	CHECK_EQ(system("rm upper work && mkdir upper work && umount disk"), 0);
}

/*
 * xfs that finds "name" by "NAME", as a layer:
 *	l1/Makefile, l1/d/Sub/x		xfs
 *	l2/makefile, l2/D/y		ext4
 * What the container has is what is listed, whether it has been listed or not.
 */
TEST(filesystems, xfs_of_other_spellings)
{
	struct mnt_opt upper_there[] = { { "lowerdir", "l2" }, { "upperdir", "l1/upper" },
					 { "workdir", "l1/work" }, {} };

	SKIP_ON_OVERLAY("finds a name by its other spellings");
	fx_dirs(2);
	disk("320M", "mkfs.xfs -q -n version=ci", "xfs", "l1");
	mk_file("l1/Makefile", "l1");
	mk_dirs("l1/d/Sub");
	mk_file("l1/d/Sub/x", "x");
	CHECK_STR(cat("l1/makefile"), "l1");
	mk_file("l2/makefile", "l2");
	mk_dirs("l2/D");
	mk_file("l2/D/y", "y");
	fx_mount(2);
	for (int round = 0; round < 2; round++) {
		CHECK_ERR(access("mnt/MAKEFILE", F_OK), ENOENT);
		CHECK_STR(cat("mnt/Makefile"), "l1");
		CHECK_STR(cat("mnt/makefile"), "l2");
		CHECK_ERR(access("mnt/d/y", F_OK), ENOENT);
		CHECK_STR(cat("mnt/D/y"), "y");
		CHECK_ERR(access("mnt/d/SUB", F_OK), ENOENT);
		CHECK_STR(cat("mnt/d/Sub/x"), "x");
		CHECK_STR(ls("mnt"), "D Makefile d makefile");
	}
	mk_file("mnt/d/sub", "new");
	CHECK_STR(ls("mnt/d"), "Sub sub");
	fx_umount();
	fx_check_layers();

	mk_dir("l1/upper");
	mk_dir("l1/work");
	CHECK_EQ(fs_mount(upper_there, "mnt"), -EINVAL);
	if (!strstr(mount_log, "'l1/upper'") || !strstr(mount_log, "case-insensitive"))
		FAIL("said: %s", mount_log);
	CHECK_SYS(umount("l1"));
	fx_resnap();
}
