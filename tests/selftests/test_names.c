// SPDX-License-Identifier: GPL-2.0-only
/*
 * An image's list of names answers lookups: which layers are asked, and that the
 * answers are those of a walk through all of them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "fuse.h"
#include "netlink.h"

#define LAYERS	40
#define OVL	"trusted.overlay."

static const char *in(int layer, const char *name)
{
	static char path[4][64];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "l%d/%s", layer, name);
	return path[turn];
}

static uint64_t lookups_in(int layer)
{
	return nl_layer(in(layer, ".")).count[LAYERFS_C_LOOKUPS];
}

static uint64_t lookups(void)
{
	static struct nl_row rows[NL_MANY];
	int i, n = nl_dump(LAYERFS_CMD_GET_LAYER, rows, NL_MANY);
	char cwd[256], dir[300];
	uint64_t sum = 0;
	int len;

	CHECK(getcwd(cwd, sizeof(cwd)));
	len = snprintf(dir, sizeof(dir), "%s/l", cwd);
	for (i = 0; i < n; i++) {
		if (!strncmp(rows[i].path, dir, len))
			sum += rows[i].count[LAYERFS_C_LOOKUPS];
	}
	return sum;
}

/*
 *	l1/d/f1  l2/d/f2  ...  l40/d/f40
 */
/* Alone: what others drop from the caches is asked for again. */
TEST_WITH(names, absent_ones_ask_no_layer, .timeout = 300, .alone = true)
{
	char name[32];

	SKIP_ON_OVERLAY("has no counters");
	fx_dirs(LAYERS);
	for (int i = 1; i <= LAYERS; i++) {
		mk_dir(in(i, "d"));
		snprintf(name, sizeof(name), "d/f%d", i);
		mk_file(in(i, name), "");
	}
	fx_mount_ro(LAYERS);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "mnt/d/none%d", i);
		CHECK_ERR(access(name, F_OK), ENOENT);
	}
	/* Without the list it is one for each layer and name. */
	test_note("%llu lookups", (unsigned long long)lookups());
	CHECK(lookups() < 5 * LAYERS);
	for (int i = 1; i <= LAYERS; i++) {
		snprintf(name, sizeof(name), "mnt/d/f%d", i);
		CHECK_SYS(access(name, F_OK));
	}
	CHECK(lookups() < 6 * LAYERS);
}

/*
 *	l3/{d/3,top}  l20/d/20  l21/d  l22/d/22  l30/{top,dev}  l40/bottom
 *
 * l21/d is a whiteout.
 */
TEST_WITH(names, only_layers_that_have_it_are_asked, .timeout = 300, .alone = true)
{
	uint64_t before[LAYERS + 1];

	SKIP_ON_OVERLAY("has no counters");
	fx_dirs(LAYERS);
	mk_dirs("l3/d");
	mk_file("l3/d/3", "");
	mk_file("l3/top", "3");
	mk_dirs("l20/d");
	mk_file("l20/d/20", "");
	mk_whiteout("l21/d");
	mk_dirs("l22/d");
	mk_file("l22/d/22", "");
	mk_file("l30/top", "30");
	mk_file("l40/bottom", "40");
	fx_mount_ro(LAYERS);
	CHECK_STR(ls("mnt"), "bottom d top");
	for (int i = 1; i <= LAYERS; i++)
		before[i] = lookups_in(i);
	CHECK_STR(cat("mnt/top"), "3");
	CHECK_STR(cat("mnt/bottom"), "40");
	CHECK_STR(ls("mnt/d"), "20 3");
	CHECK_ERR(access("mnt/d/22", F_OK), ENOENT);
	for (int i = 1; i <= LAYERS; i++)
		CHECK_EQ(lookups_in(i) - before[i],
			 i == 3 ? 2 : i == 20 || i == 40 ? 1 : 0);
}

/* Content, names or errno: what a path is, in a mount that has not seen it before. */
static const char *what_is(const char *path, bool listed)
{
	static char text[2][256];
	static int turn;
	char *t = text[turn ^= 1], dir[64], *slash;
	struct stat st;

	fx_remount();
	snprintf(dir, sizeof(dir), "mnt/%s", path);
	/* Each directory on the way first. */
	for (slash = dir + 3; listed && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!stat(dir, &st) && S_ISDIR(st.st_mode))
			ls(dir);
		*slash = '/';
	}
	if (stat(dir, &st))
		snprintf(t, sizeof(text[0]), "%s", strerrorname_np(errno));
	else
		snprintf(t, sizeof(text[0]), "%s %o %lld", S_ISDIR(st.st_mode) ? ls(dir) : cat(dir),
			 st.st_mode, (long long)st.st_size * !S_ISDIR(st.st_mode));
	return t;
}

/*
 * What makes a name end, go on, or lead elsewhere, in five layers.
 */
TEST(names, answers_are_those_of_the_walk)
{
	static const char *const paths[] = {
		"file", "cut", "cut/1", "cut/3", "cut/5", "out", "out/1", "out/4", "out/5",
		"opaque/1", "opaque/2", "opaque/3", "gap/1", "gap/4", "gap/5", "gap/none",
		"moved", "moved/2", "moved/3", "moved/4", "was", "was/2", "was/4",
		"far/1", "far/4", "far/sub/4", "tree", "tree/sub/4", "tree/sub/5",
		"meta", "meta-far", "attr/kept", "attr/gone", "attr/also", "gone", "none",
	};

	SKIP_ON_OVERLAY("metacopy is off");
	fx_dirs(5);
	/* a file hides a directory and a file */
	mk_file("l2/file", "2");
	mk_dirs("l3/file");
	mk_file("l5/file", "5");
	/* directory, file, directory */
	for (int i = 1; i <= 5; i += 2)
		mk_dir(in(i, "cut"));
	mk_file("l1/cut/1", "1");
	mk_file("l3/cut/3", "3");
	mk_file("l4/cut", "4");
	mk_file("l5/cut/5", "5");
	/* directory, directory, whiteout, directory */
	mk_dir("l1/out");
	mk_file("l1/out/1", "1");
	mk_dir("l2/out");
	mk_whiteout("l3/out");
	mk_dir("l4/out");
	mk_file("l4/out/4", "4");
	mk_dir("l5/out");
	mk_file("l5/out/5", "5");
	/* the second is opaque */
	for (int i = 1; i <= 3; i++)
		mk_dir(in(i, "opaque"));
	mk_file("l1/opaque/1", "1");
	mk_file("l2/opaque/2", "2");
	mk_file("l3/opaque/3", "3");
	mk_opaque("l2/opaque");
	/* not in each layer */
	mk_dir("l1/gap");
	mk_dir("l4/gap");
	mk_dir("l5/gap");
	mk_file("l1/gap/1", "1");
	mk_file("l4/gap/4", "4");
	mk_file("l5/gap/5", "5");
	/* renamed: what is below is that of a name which is hidden in the same layer */
	mk_dir("l2/moved");
	mk_file("l2/moved/2", "2");
	mk_redirect("l2/moved", "was");
	mk_whiteout("l2/was");
	mk_dir("l3/was");
	mk_file("l3/was/3", "3");
	mk_dir("l3/moved");
	mk_file("l3/moved/3", "no");
	mk_dir("l4/was");
	mk_file("l4/was/4", "4");
	mk_file("l4/moved", "no");
	/* the same across directories, and back to a name that is listed */
	mk_dir("l1/far");
	mk_file("l1/far/1", "1");
	mk_redirect("l1/far", "/tree");
	mk_dirs("l2/far");
	mk_file("l2/far/2", "no");
	mk_dirs("l4/tree/sub");
	mk_file("l4/tree/4", "4");
	mk_file("l4/tree/sub/4", "4");
	mk_dirs("l5/tree/sub");
	mk_file("l5/tree/sub/5", "5");
	mk_opaque("l4/tree/sub");
	/* data below, by the same name, not in the next layer, and by another */
	mk_file("l1/meta", "");
	CHECK_SYS(truncate("l1/meta", 4));
	mk_xattr("l1/meta", OVL "metacopy", "");
	mk_file("l4/meta", "data");
	mk_file("l5/meta", "not!");
	mk_file("l1/meta-far", "");
	CHECK_SYS(truncate("l1/meta-far", 4));
	mk_xattr("l1/meta-far", OVL "metacopy", "");
	mk_redirect("l1/meta-far", "meta");
	/* whiteouts that are files */
	mk_dir("l1/attr");
	mk_xattr("l1/attr", OVL "opaque", "x");
	mk_file("l1/attr/gone", "");
	mk_xattr("l1/attr/gone", OVL "whiteout", "");
	mk_dir("l2/attr");
	mk_file("l2/attr/gone", "2");
	mk_file("l2/attr/also", "2");
	mk_file("l1/attr/kept", "1");
	mk_whiteout("l1/gone");
	mk_file("l3/gone", "3");

	fx_mount_ro(5);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		const char *walked = what_is(paths[i], false);
		const char *listed = what_is(paths[i], true);

		test_note("%s: %s", paths[i], walked);
		CHECK_STR(listed, walked);
	}
	/* and what some of them are */
	CHECK_STR(cat("mnt/meta"), "data");
	CHECK_STR(cat("mnt/meta-far"), "data");
	CHECK_STR(ls("mnt/moved"), "2 3 4");
	CHECK_STR(ls("mnt/gap"), "1 4 5");
	CHECK_STR(ls("mnt/out"), "1");
	CHECK_STR(ls("mnt/attr"), "also kept");
}

/* A layer on a filesystem that answers as it likes: what it does not list can be there. */
TEST(names, unlisted_ones_are_found)
{
	struct fuse_server *s = fuse_new();

	SKIP_ON_OVERLAY("has no list");
	fx_dirs(1);
	mk_file("l1/a", "1");
	s->node[0] = (struct fuse_node){ .name = "hidden", .mode = S_IFREG | 0644, .size = 6,
					 .data = "hidden" };
	s->unlisted = 1;
	mk_dirs("fuse");
	fuse_mount(s, "fuse", 0);
	if (fs_mount((struct mnt_opt[]){ { "lowerdir+", "l1" }, { "lowerdir+", "fuse" }, {} },
		     "mnt"))
		FAIL("%s", mount_log);
	CHECK_STR(ls("mnt"), "a");
	CHECK_STR(cat("mnt/hidden"), "hidden");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("fuse"));
}

/*
 *	l1/d/f  l2/d  ...  l40/d
 *
 * The directory stays open, so its list does not go with the inode.
 */
TEST(names, are_given_back)
{
	uint64_t before;
	char buf[512];
	int fd, reader;

	SKIP_ON_OVERLAY("has no counters");
	fx_dirs(LAYERS);
	for (int i = 1; i <= LAYERS; i++)
		mk_dir(in(i, "d"));
	mk_file("l1/d/f", "");
	fx_mount_ro(LAYERS);
	fd = CHECK_SYS(open("mnt/d", O_PATH | O_CLOEXEC));
	/* Who is reading a list keeps it. */
	reader = CHECK_SYS(open("mnt/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	CHECK(getdents64(reader, buf, sizeof(buf)) > 0);
	drop_caches(false);
	drop_caches(false);
	before = lookups();
	CHECK_ERR(access("mnt/d/read", F_OK), ENOENT);
	CHECK_EQ(lookups() - before, 0);
	CHECK_SYS(close(reader));
	/* Used since the last time: it may take another round. */
	drop_caches(false);
	drop_caches(false);
	before = lookups();
	CHECK_ERR(access("mnt/d/given_back", F_OK), ENOENT);
	CHECK_EQ(lookups() - before, LAYERS);
	CHECK_SYS(close(fd));
}
