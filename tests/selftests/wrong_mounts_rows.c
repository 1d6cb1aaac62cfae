// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wrong mounts, in the order of the document.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fuse.h"
#include "userns.h"
#include "wrong_mounts.h"

static void other_is_tmpfs(void)
{
	CHECK_SYS(mount("none", "other", "tmpfs", 0, NULL));
	mk_dir("other/upper");
	mk_dir("other/work");
}

static void other_is_ramfs(void)
{
	CHECK_SYS(mount("none", "other", "ramfs", 0, NULL));
	mk_dir("other/upper");
	mk_dir("other/work");
}

static void other_is_read_only(void)
{
	other_is_tmpfs();
	CHECK_SYS(mount("none", "other", NULL, MS_REMOUNT | MS_RDONLY, NULL));
}

/* A disk image, made and mounted on other/, with upper/ and work/ in it. */
static void other_is_disk(const char *size, const char *mkfs, const char *type)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "{ test -e /dev/loop-control || modprobe loop; }; truncate -s %s img && "
		 "%s img >log 2>&1 && modprobe -q %s; mount -t %s -o loop img other >log 2>&1 && "
		 "mkdir other/upper other/work", size, mkfs, type, type);
	if (system(command))
		skip();
}

static void other_is_vfat(void)
{
	other_is_disk("32M", "mkfs.vfat", "vfat");
}

static void other_is_casefolded(void)
{
	other_is_disk("32M", "mkfs.ext4 -q -O casefold", "ext4");
	if (system("chattr +F other/upper other/work"))
		skip();
}

static void other_is_fuse(void)
{
	struct fuse_server *s = fuse_new();

	strcpy(s->node[0].name, "upper");
	s->node[0].mode = S_IFDIR | 0755;
	strcpy(s->node[1].name, "work");
	s->node[1].mode = S_IFDIR | 0755;
	fuse_mount(s, "other", 0);
}

static void mounted(const char *options, const char *at)
{
	mk_dirs(at);
	if (mount("none", at, "layerfs", 0, options))
		FAIL("mount with %s: %s", options, strerror(errno));
}

static void in_use(void)
{
	mk_dir("work2");
	mk_dir("upper2");
	mounted("lowerdir=l1,upperdir=upper,workdir=work", "mnt2");
}

static void deep(void)
{
	mk_dir("upper2");
	mk_dir("work2");
	mounted("lowerdir=l1,upperdir=upper,workdir=work", "m1");
	mounted("lowerdir=m1,upperdir=upper2,workdir=work2", "m2");
}

static void was_volatile(void)
{
	mounted("lowerdir=l1,upperdir=upper,workdir=work,volatile", "mnt2");
	CHECK_SYS(umount("mnt2"));
}

static void from_the_future(void)
{
	mk_dirs("work/work/incompat/chunks");
}

static void work_is_a_file(void)
{
	mk_file("work/work", "");
}

static void work_holds_a_tree(void)
{
	mk_dirs("work/work/a/b/c/d/e");
}

static void loop_of_links(void)
{
	CHECK_SYS(symlink("there", "here"));
	CHECK_SYS(symlink("here", "there"));
}

static void closed(void)
{
	CHECK_SYS(chmod(".", 0755));
	mk_dir("closed");
	mk_dir("closed/layer");
	CHECK_SYS(chmod("closed", 0700));
}

static void mine_but_upper(void)
{
	CHECK_SYS(chmod(".", 0755));
	CHECK_SYS(chown("work", NS_ROOT, NS_ROOT));
}

static void open_to_all(void)
{
	CHECK_SYS(chmod(".", 0755));
	CHECK_SYS(chown("upper", NS_ROOT, NS_ROOT));
	CHECK_SYS(chown("work", NS_ROOT, NS_ROOT));
}

static void mounted_on_mnt(void)
{
	mounted("lowerdir=l1,upperdir=upper,workdir=work", "mnt");
}

static void mounted_without_upper(void)
{
	mounted("lowerdir=l1", "mnt");
}

static void an_absent_list(void)
{
	mk_file("list", "# nothing\n\n");
}

/* With the images web:a and web:b; made once, beside the probes' directories. */
static void store(void)
{
	if (system("test -e ../" STORE " || { "
		   "d=$(dirname $(dirname $(dirname $(command -v layerctl))));"
		   "for i in a b; do $d/tests/cli/make-image $i web:$i f=$i && "
		   "layerctl --root ../" STORE " import $i || exit 1; done; } >log 2>&1 && "
		   "cp -a ../" STORE " store"))
		FAIL("import: %s", cat("log"));
	setenv("LAYERCTL_ROOT", "store", 1);
}

static void store_with_container(void)
{
	store();
	mk_dir("mnt2");
	if (system("layerctl mount --name one web:a mnt2 >log 2>&1"))
		FAIL("mount: %s", cat("log"));
}

static void store_without_layer(void)
{
	store();
	if (system("rm -r store/layers/*"))
		FAIL("rm");
}

#define UPPER	",upperdir=upper,workdir=work"

#define W(title_, options_, names_, reason_, ...)				\
	{ .title = title_, .options = options_, .names = names_, .reason = reason_, __VA_ARGS__ }

const struct wrong wrongs[] = {
	/* Layers */
	W("No layer", "ro", "lowerdir", ""),
	W("No layer, but an upper", "upperdir=upper,workdir=work", "lowerdir", ""),
	W("An empty list of layers", "lowerdir=", "lowerdir", ""),
	W("An option without its value", "lowerdir", "lowerdir", ""),
	W("A colon at the end of the list", "lowerdir=l1:" UPPER, "lowerdir: layer 2", "empty"),
	W("A colon at the beginning of it", "lowerdir=:l1" UPPER, "lowerdir: layer 1", "empty"),
	W("One colon too many", "lowerdir=l1:::l2", "lowerdir: layer 2", "empty"),
	W("An empty path by lowerdir+", "lowerdir+=", "lowerdir", ""),
	W("A layer that is not there", "lowerdir=l1:none" UPPER, "lowerdir 'none'", "ENOENT"),
	W("The same by lowerdir+", "lowerdir+=none", "lowerdir 'none'", "ENOENT"),
	W("A list of layers by lowerdir+, which takes one", "lowerdir+=l1:l2", "lowerdir 'l1:l2'",
	  "ENOENT"),
	W("A layer that is a file", "lowerdir=l1/file" UPPER, "lowerdir 'l1/file'", "ENOTDIR"),
	W("A layer in a loop of symbolic links", "lowerdir=here", "lowerdir 'here'", "ELOOP",
	  .prepare = loop_of_links),
	W("A layer that the mounter may not reach", "lowerdir=closed/layer",
	  "lowerdir 'closed/layer'", "EACCES", .prepare = closed, .flags = USERNS),
	W("A layer twice", "lowerdir=l1:l2:l1" UPPER, "lowerdir 'l1'", "same directory"),
	W("Two lists of layers", "lowerdir=l1,lowerdir=l2", "lowerdir", "twice"),
	W("lowerdir+ after lowerdir", "lowerdir=l1,lowerdir+=l2", "lowerdir+", "lowerdir",
	  .flags = KERNEL_ONLY),
	W("lowerdir after lowerdir+", "lowerdir+=l1,lowerdir=l2", "lowerdir", "twice"),
	W("Data for no layer", "datadir+=l2", "datadir", "of which there is none"),
	W("A layer below data", "lowerdir+=l1,datadir+=l2,lowerdir+=other", "lowerdir", "cannot follow"),
	W("The same in one list", "lowerdir=l1::l2:other", "lowerdir", "cannot follow"),
	W("datadir+ after lowerdir", "lowerdir=l1,datadir+=l2", "datadir+", "lowerdir",
	  .flags = KERNEL_ONLY),
	W("Data that nothing may lead to", "lowerdir=l1::l2,userxattr", "userxattr", "datadir 'l2'"),

	W("A layer on too many stacked filesystems", "lowerdir=m2", "lowerdir 'm2'",
	  "stacked filesystems", .prepare = deep),
	W("A layer that is the upper of a mount", "lowerdir=upper", "lowerdir 'upper'",
	  "in use as upperdir or workdir", .prepare = in_use),

	/* Upper and work */
	W("An upper without a work directory", "lowerdir=l1,upperdir=upper", "upperdir 'upper'",
	  "needs a workdir"),
	W("A work directory without an upper", "lowerdir=l1,workdir=work", "workdir 'work'",
	  "without an upperdir"),
	W("An upper that is not there", "lowerdir=l1,upperdir=none,workdir=work",
	  "upperdir 'none'", "ENOENT"),
	W("An upper that is a file", "lowerdir=l1,upperdir=l1/file,workdir=work",
	  "upperdir 'l1/file'", "ENOTDIR"),
	W("A work directory that is not there", "lowerdir=l1,upperdir=upper,workdir=none",
	  "workdir 'none'", "ENOENT"),
	W("A work directory that is a file", "lowerdir=l1,upperdir=upper,workdir=l1/file",
	  "workdir 'l1/file'", "ENOTDIR"),
	W("An empty upperdir", "lowerdir=l1,upperdir=,workdir=work", "upperdir", ""),
	W("An empty workdir", "lowerdir=l1,upperdir=upper,workdir=", "workdir", ""),
	W("Two uppers", "lowerdir=l1,upperdir=upper,upperdir=other,workdir=work", "upperdir",
	  "twice"),
	W("Two work directories", "lowerdir=l1,upperdir=upper,workdir=work,workdir=other",
	  "workdir", "twice"),
	W("One directory for both", "lowerdir=l1,upperdir=upper,workdir=upper", "workdir 'upper'",
	  "one in the other"),
	W("The work directory in the upper", "lowerdir=l1,upperdir=upper,workdir=upper/in",
	  "workdir 'upper/in'", "one in the other"),
	W("The upper in the work directory", "lowerdir=l1,upperdir=work/in,workdir=work",
	  "upperdir 'work/in'", "one in the other"),
	W("Upper and work directory on two mounts", "lowerdir=l1,upperdir=upper,workdir=other/work",
	  "workdir 'other/work'", "same mount", .prepare = other_is_tmpfs),
	W("The upper is the layer", "lowerdir=l1,upperdir=l1,workdir=work", "upperdir 'l1'",
	  "lies in it"),
	W("The layer in the upper", "lowerdir=upper/in" UPPER, "lowerdir 'upper/in'",
	  "lies in it"),
	W("The work directory is the layer", "lowerdir=work" UPPER, "workdir 'work'",
	  "lies in it"),
	W("An upper in use", "lowerdir=l1,upperdir=upper,workdir=work2", "upperdir 'upper'", "in use",
	  .prepare = in_use),
	W("A work directory in use", "lowerdir=l1,upperdir=upper2,workdir=work", "workdir 'work'",
	  "in use", .prepare = in_use),
	W("An upper that is a layer of a mount", "lowerdir=l2,upperdir=l1,workdir=work2",
	  "upperdir 'l1'", "layer", .prepare = in_use),
	W("An upper on a read-only filesystem",
	  "lowerdir=l1,upperdir=other/upper,workdir=other/work", "upperdir 'other/upper'",
	  "read-only", .prepare = other_is_read_only),
	W("An upper on ramfs", "lowerdir=l1,upperdir=other/upper,workdir=other/work",
	  "upperdir 'other/upper'", "without extended attributes", .prepare = other_is_ramfs),
	W("An upper on vfat", "lowerdir=l1,upperdir=other/upper,workdir=other/work",
	  "upperdir 'other/upper'", "case-insensitive", .prepare = other_is_vfat),
	W("A casefolded upper", "lowerdir=l1,upperdir=other/upper,workdir=other/work",
	  "upperdir 'other/upper'", "case-insensitive", .prepare = other_is_casefolded),
	W("An upper on FUSE", "lowerdir=l1,upperdir=other/upper,workdir=other/work",
	  "upperdir 'other/upper'", "others may change", .prepare = other_is_fuse),
	W("An upper that was mounted volatile", "lowerdir=l1" UPPER, "upperdir 'upper'", "volatile",
	  .prepare = was_volatile),
	W("An upper with a feature of a later version", "lowerdir=l1" UPPER, "workdir 'work'",
	  "'chunks'", .prepare = from_the_future),
	W("A work directory with a file of its own", "lowerdir=l1" UPPER, "workdir 'work'",
	  "ENOTDIR", .prepare = work_is_a_file),
	W("A work directory that is somebody's tree", "lowerdir=l1" UPPER, "workdir 'work'",
	  "remove it", .prepare = work_holds_a_tree),
	W("volatile, and nothing to write to", "lowerdir=l1,volatile", "volatile",
	  "without an upperdir"),

	/* Other options */
	W("An option that there is not", "lowerdir=l1,nonsense", "nonsense", "Unknown"),
	W("An option of overlayfs", "lowerdir=l1,redirect_dir=on", "redirect_dir", "Unknown"),
	W("A value for a flag", "lowerdir=l1,volatile=yes", "volatile", ""),
	W("sync", "lowerdir=l1,sync" UPPER, "sync", "upperdir"),
	W("dirsync", "lowerdir=l1,dirsync" UPPER, "dirsync", "upperdir"),

	/* Who mounts */
	W("No rights", "lowerdir=l1", "", "", .prepare = open_to_all, .flags = NOBODY),
	W("An upper in a user namespace", "lowerdir=l1" UPPER, "upperdir", "userxattr",
	  .prepare = open_to_all, .flags = USERNS),
	W("An upper that the mounter may not write to", "lowerdir=l1,userxattr" UPPER,
	  "upperdir 'upper'", "EACCES", .prepare = mine_but_upper, .flags = USERNS),

	/* Remount */
	W("Other layers by a remount", "lowerdir=l2", "lowerdir", "cannot be changed",
	  .prepare = mounted_on_mnt, .flags = REMOUNT),
	W("Another upper by a remount", "upperdir=other", "upperdir", "cannot be changed",
	  .prepare = mounted_on_mnt, .flags = REMOUNT),
	W("Another work directory by a remount", "workdir=other", "workdir", "cannot be changed",
	  .prepare = mounted_on_mnt, .flags = REMOUNT),
	W("volatile by a remount", "volatile", "volatile", "cannot be changed",
	  .prepare = mounted_on_mnt, .flags = REMOUNT),
	W("rw by a remount, without an upper", "rw", "rw", "no upperdir",
	  .prepare = mounted_without_upper, .flags = REMOUNT),
	W("A remount of what is no layerfs", "ro", "'mnt'", "not a layerfs mount",
	  .flags = REMOUNT | TOOL_ONLY),

	/* What mount.layerfs does by itself */
	W("A mount point that is not there", "lowerdir=l1", "'none'", "No such file",
	  .flags = TOOL_ONLY, .target = "none"),
	W("A mount point that is a file", "lowerdir=l1", "'l1/file'", "Not a directory",
	  .flags = TOOL_ONLY, .target = "l1/file"),
	W("A path that ends in an escape", "lowerdir=l1\\", "lowerdir: layer 1", "escapes nothing",
	  .flags = TOOL_ONLY),
	W("A quote that does not end", "lowerdir=\"l1", "'l1", "never closed",
	  .flags = TOOL_ONLY),
	W("A list of layers that is not there", "layers=none", "'none'", "No such file",
	  .flags = TOOL_ONLY),
	W("A list of layers with none", "layers=list", "'list'", "names no layer",
	  .prepare = an_absent_list,
	  .flags = TOOL_ONLY),
	W("Two sources of layers", "lowerdir=l1,layers=list", "lowerdir", "give one of them",
	  .flags = TOOL_ONLY),
	W("A store for no image", "lowerdir=l1,root=other", "root", "no image",
	  .flags = TOOL_ONLY),
	W("An image that the store does not have", "image=web:c,root=store", "web:c", "",
	  .prepare = store,
	  .flags = TOOL_ONLY),

	/* layerctl */
	W("An image that is not there", NULL, "web:c", "", .prepare = store,
	  .command = "layerctl mount web:c mnt"),
	W("An image of which a layer is lost", NULL, "web:a", "lost",
	  .prepare = store_without_layer,
	  .command = "layerctl mount web:a mnt"),
	W("A target that is not there", NULL, "none", "No such file", .prepare = store,
	  .command = "layerctl mount web:a none"),
	W("A target that is a file", NULL, "l1/file", "Not a directory", .prepare = store,
	  .command = "layerctl mount web:a l1/file"),
	W("A container that is mounted", NULL, "'one'", "mounted on",
	  .prepare = store_with_container,
	  .command = "layerctl mount --name one web:a mnt"),
	W("A container of another image", NULL, "'one'", "another image",
	  .prepare = store_with_container,
	  .command = "layerctl mount --name one web:b mnt"),
	W("A name that cannot be one", NULL, "a/b", "", .prepare = store,
	  .command = "layerctl mount --name a/b web:a mnt"),
	W("volatile without writing", NULL, "--volatile", "--read-only", .prepare = store,
	  .command = "layerctl mount --volatile --read-only web:a mnt"),
	W("No target", NULL, "TARGET", "", .prepare = store, .command = "layerctl mount web:a"),
	{}
};
