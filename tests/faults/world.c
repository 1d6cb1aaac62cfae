// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state that each operation starts from, and how to look at it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <linux/layerfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "netlink.h"
#include "sweep.h"

#define OLD	900000000

static int age_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	mk_mtime(path, OLD, 0);
	return 0;
}

static void age(const char *root)
{
	nftw(root, age_one, 32, FTW_DEPTH | FTW_PHYS);
}

static const char acl[] =
	"\2\0\0\0" "\1\0\6\0\xff\xff\xff\xff" "\2\0\4\0\7\0\0\0"
	"\4\0\4\0\xff\xff\xff\xff" "\x10\0\6\0\xff\xff\xff\xff"
	"\x20\0\0\0\xff\xff\xff\xff";

/*
 * The parts that a scenario may ask for by name.  A small world is a fast one:
 * it is made and looked at for each injection point.
 */
static const char *world;

static bool has(const char *part)
{
	size_t len = strlen(part);

	for (const char *p = world; (p = strstr(p, part)); p += len)
		if ((p == world || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

/* A file with an ACL and attributes, in the lowest layer. */
static void part_low(void)
{
	mk_file("l2/low", "low text\n");
	mk_xattr("l2/low", "user.one", "1");
	mk_xattr("l2/low", "trusted.two", "22");
	CHECK_SYS(lsetxattr("l2/low", "system.posix_acl_access", acl, sizeof(acl) - 1, 0));
}

/* A merged directory. */
static void part_m(int layers)
{
	char name[32];

	mk_dirs("l1/m");
	mk_file("l1/m/x1", "1");
	mk_whiteout("l1/m/hidden");
	mk_dirs("l2/m/sub");
	mk_file("l2/m/x2", "2");
	mk_file("l2/m/sub/y", "y");
	mk_file("l2/m/hidden", "h");
	for (int i = 3; i <= layers; i++) {
		snprintf(name, sizeof(name), "l%d/m", i);
		mk_dirs(name);
		snprintf(name, sizeof(name), "l%d/m/x%d", i, i);
		mk_file(name, "deeper");
	}
}

static void part_files(void)
{
	if (has("low"))
		part_low();
	if (has("top"))
		mk_file("l1/top", "top text\n");
	if (has("big"))
		mk_pattern("l2/big", WORLD_BIG, WORLD_SEED);
	if (has("twins")) {
		mk_file("l2/twin1", "twins");
		CHECK_SYS(link("l2/twin1", "l2/twin2"));
		CHECK_SYS(link("l2/twin1", "l2/twin3"));
	}
	if (has("sym"))
		CHECK_SYS(symlink("low", "l2/sym"));
	if (has("fifo"))
		CHECK_SYS(mkfifo("l2/fifo", 0644));
	if (has("dev"))
		CHECK_SYS(mknod("l2/dev", S_IFCHR | 0666, makedev(1, 3)));
	if (has("gone"))
		mk_file("l2/gone", "gone");
	if (has("both"))
		mk_file("l2/both", "below");
}

static void part_dirs(int layers)
{
	if (has("m"))
		part_m(layers);
	if (has("deep")) {
		mk_dirs("l2/deep/e/f");
		mk_file("l2/deep/e/f/g", "deep");
	}
	if (has("empty"))
		mk_dirs("l2/empty");
	if (has("goned"))
		mk_dirs("l2/goned/inner");
	if (has("hollow")) {
		mk_dirs("l2/hollow");
		mk_file("l2/hollow/a", "a");
	}
	if (has("acl")) {
		mk_dirs("l1/acl");
		CHECK_SYS(lsetxattr("l1/acl", "system.posix_acl_default", acl,
				    sizeof(acl) - 1, 0));
	}
}

/* Layers l1 to l@layers, once for a test. */
void world_layers(const char *parts, int layers)
{
	char name[32];

	world = parts;
	fx_dirs(layers);
	part_files();
	part_dirs(layers);
	for (int i = 1; i <= layers; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		age(name);
	}
}

/* The upper and an empty work directory, made anew. */
void world_upper(void)
{
	tree_remove("upper");
	tree_remove("work");
	mk_dir("upper");
	mk_dir("work");
	if (has("gone"))
		mk_whiteout("upper/gone");
	if (has("goned"))
		mk_whiteout("upper/goned");
	if (has("up"))
		mk_file("upper/up", "upper text\n");
	if (has("updir")) {
		mk_dirs("upper/updir");
		mk_file("upper/updir/f", "f");
	}
	if (has("both"))
		mk_file("upper/both", "above");
	if (has("hollow")) {
		mk_dirs("upper/hollow");
		mk_whiteout("upper/hollow/a");
	}
	if (has("copied")) {
		mk_file("upper/copied", "");
		CHECK_SYS(truncate("upper/copied", WORLD_BIG));
		CHECK_SYS(lsetxattr("upper/copied", "trusted.overlay.metacopy", "", 0, 0));
		mk_redirect("upper/copied", "/big");
	}
	age("upper");
}

/* Like mount(8): 0 or -errno. */
int world_mount_at(int layers, const char *options, const char *target)
{
	static const char *const flags[] = { "volatile", "userxattr", "aufs_whiteouts" };
	struct mnt_opt opt[24] = {};
	static char lower[128];
	int n = 0;

	lower[0] = '\0';
	for (int i = 1; i <= layers; i++)
		sprintf(lower + strlen(lower), "%sl%d", i > 1 ? ":" : "", i);
	opt[n++] = (struct mnt_opt){ "lowerdir", lower };
	if (!strstr(options, "ro")) {
		opt[n++] = (struct mnt_opt){ "upperdir", "upper" };
		opt[n++] = (struct mnt_opt){ "workdir", "work" };
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (strstr(options, flags[i]))
			opt[n++] = (struct mnt_opt){ flags[i], NULL };
	return fs_mount(opt, target);
}

int world_mount(int layers, const char *options)
{
	return world_mount_at(layers, options, "mnt");
}

void world_umount(void)
{
	CHECK_SYS(umount("mnt"));
}

bool world_mounted(void)
{
	struct statfs sfs;

	CHECK_SYS(statfs("mnt", &sfs));
	return sfs.f_type == LAYERFS_SUPER_MAGIC;
}

#define VIEW (LIST_NLINK | LIST_OLD_MTIME | LIST_XATTR | LIST_NO_MARKS)

void world_view(struct listing *out)
{
	if (tree_list("mnt", VIEW, out))
		FAIL("the container does not list: %s", tree_error);
}

void world_upper_view(struct listing *out)
{
	if (tree_list("upper", LIST_NLINK | LIST_XATTR, out))
		FAIL("the upper does not list: %s", tree_error);
}

static void no_objects(int cmd, const char *what)
{
	static struct nl_row rows[16];
	int n = nl_dump(cmd, rows, 16);

	if (n)
		FAIL("%d %s left behind", n, what);
}

/* Unmounted: nothing is alive in the kernel. */
void world_no_objects(void)
{
	no_objects(LAYERFS_CMD_GET_CONTAINER, "containers");
	no_objects(LAYERFS_CMD_GET_IMAGE, "images");
	no_objects(LAYERFS_CMD_GET_LAYER, "layers");
}

/* A name left in the work directory, but for the index and what was renamed; or NULL. */
const char *world_leftover(void)
{
	static char name[512];
	struct listing l;

	name[0] = '\0';
	if (tree_list("work", 0, &l))
		FAIL("%s", tree_error);
	for (size_t i = 0; i < l.count; i++)
		if (strncmp(l.line[i], ". ", 2) && strncmp(l.line[i], "work ", 5) &&
		    strncmp(l.line[i], "links", 5) && strncmp(l.line[i], "handles", 7) &&
		    !strstr(l.line[i], "incompat"))
			snprintf(name, sizeof(name), "%s", l.line[i]);
	listing_free(&l);
	return *name ? name : NULL;
}
