// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers of one layer list: one image, one page cache, nothing else shared.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"
#include "netlink.h"

static struct nl_row rows[NL_MANY];

/* Container @n: upper<n>, work<n> on mnt<n>. */
static void mount_container(int n, const char *lowerdir)
{
	char upper[16], work[16], mnt[16];
	struct mnt_opt opts[] = { { "lowerdir", lowerdir }, { "upperdir", upper },
				  { "workdir", work }, {} };

	snprintf(upper, sizeof(upper), "upper%d", n);
	snprintf(work, sizeof(work), "work%d", n);
	snprintf(mnt, sizeof(mnt), "mnt%d", n);
	mk_dirs(upper);
	mk_dirs(work);
	mk_dirs(mnt);
	if (fs_mount(opts, mnt))
		FAIL("mount %s: %s", mnt, mount_log);
}

static uint64_t image_of(const char *mnt)
{
	return nl_container(mnt).num[LAYERFS_A_IMAGE_ID];
}

/*
 *	l1/{a,d/x}  l2/{b,d/y}  l3/{c}
 */
static void layers(void)
{
	fx_dirs(3);
	mk_file("l1/a", "1");
	mk_dirs("l1/d");
	mk_file("l1/d/x", "1");
	mk_file("l2/b", "2");
	mk_dirs("l2/d");
	mk_file("l2/d/y", "2");
	mk_file("l3/c", "3");
}

TEST(share, one_list_one_image)
{
	SKIP_ON_OVERLAY("has no images");
	layers();
	mount_container(1, "l1:l2:l3");
	mount_container(2, "l1:l2:l3");
	CHECK_EQ(image_of("mnt1"), image_of("mnt2"));
	CHECK_EQ(nl_image(image_of("mnt1")).num[LAYERFS_A_USERS], 2);
	CHECK_EQ(nl_layer("l2").num[LAYERFS_A_USERS], 1);
	CHECK_SYS(umount("mnt1"));
	CHECK_EQ(nl_image(image_of("mnt2")).num[LAYERFS_A_USERS], 1);
	CHECK_STR(ls("mnt2"), "a b c d");
	mount_container(1, "l1:l2:l3");
	CHECK_EQ(image_of("mnt1"), image_of("mnt2"));
	CHECK_SYS(umount("mnt1"));
	CHECK_SYS(umount("mnt2"));
}

/* By other words for the same directories, and without an upper, too. */
TEST(share, however_the_layers_are_named)
{
	char cwd[1024], list[4096];
	struct mnt_opt opts[] = { { "lowerdir+", "l1/." }, { "lowerdir+", "l2" },
				  { "lowerdir+", "l1/../l3" }, {} };

	SKIP_ON_OVERLAY("has no images");
	layers();
	CHECK(getcwd(cwd, sizeof(cwd)));
	snprintf(list, sizeof(list), "%s/l1:%s/l2:%s/l3", cwd, cwd, cwd);
	mount_container(1, "l1:l2:l3");
	mount_container(2, list);
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_EQ(image_of("mnt1"), image_of("mnt2"));
	CHECK_EQ(image_of("mnt1"), image_of("mnt"));
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("mnt1"));
	CHECK_SYS(umount("mnt2"));
}

/* Another order or number of layers is another image; layers are shared. */
TEST(share, other_lists_other_images)
{
	SKIP_ON_OVERLAY("has no images");
	layers();
	mount_container(1, "l1:l2:l3");
	mount_container(2, "l2:l1:l3");
	mount_container(3, "l1:l2");
	CHECK(image_of("mnt1") != image_of("mnt2"));
	CHECK(image_of("mnt1") != image_of("mnt3"));
	CHECK_EQ(nl_layer("l1").num[LAYERFS_A_USERS], 3);
	CHECK_EQ(nl_layer("l3").num[LAYERFS_A_USERS], 2);
	for (int i = 1; i <= 3; i++) {
		char mnt[8];

		snprintf(mnt, sizeof(mnt), "mnt%d", i);
		CHECK_SYS(umount(mnt));
	}
	CHECK_EQ(exists("mnt1/a"), false);
}

/*
 * A mount of the directory with the layers that other mount namespaces get to see, and
 * bind mounts of it that differ.
 */
static void bind(const char *to, unsigned long flags)
{
	mk_dirs(to);
	CHECK_SYS(mount("all", to, NULL, MS_BIND, NULL));
	CHECK_SYS(mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | flags, NULL));
}

/* An engine mounts where its mounts are shared, another one in a namespace of its own. */
TEST(share, across_mount_namespaces)
{
	struct mnt_opt view[] = { { "lowerdir", "all/l1:all/l2" }, { "upperdir", "all/upper1" },
				  { "workdir", "all/work1" }, { "ro", NULL }, {} };
	uint64_t image, layer;

	SKIP_ON_OVERLAY("has no images");
	mk_dirs("all");
	mk_dirs("mnt1");
	mk_dirs("mnt2");
	mk_dirs("view");
	CHECK_SYS(mount("all", "all", NULL, MS_BIND, NULL));
	CHECK_SYS(mount(NULL, "all", NULL, MS_SHARED, NULL));
	mk_dirs("all/l1");
	mk_dirs("all/l2");
	mk_dirs("all/upper1");
	mk_dirs("all/work1");
	mk_file("all/l1/a", "1");
	view[3].key = NULL;
	CHECK_EQ(fs_mount(view, "mnt1"), 0);
	view[3].key = "ro";
	image = image_of("mnt1");
	layer = nl_layer("all/l1").num[LAYERFS_A_LAYER_ID];
	IN_CHILD {
		CHECK_SYS(unshare(CLONE_NEWNS));
		CHECK_SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		mount_container(2, "all/l1:all/l2");
		CHECK_EQ(image_of("mnt2"), image);
		CHECK_EQ(nl_layer("all/l1").num[LAYERFS_A_LAYER_ID], layer);
		CHECK_EQ(nl_layer("all/l1").num[LAYERFS_A_USERS], 1);
		if (fs_mount(view, "view"))
			FAIL("a view: %s", mount_log);
		mk_file("mnt1/new", "n");
		CHECK_STR(cat("view/new"), "n");
		CHECK_SYS(umount("view"));
		CHECK_SYS(umount("mnt2"));
	}
	CHECK_SYS(umount("mnt1"));
	CHECK_SYS(umount("all"));
}

/* How its mount keeps times, or may be used otherwise, says nothing of a layer. */
TEST(share, whatever_the_mount_says)
{
	static const struct {
		const char *at;
		unsigned long flags;
		bool same;
	} row[] = {
		{ "noatime", MS_NOATIME, true }, { "strict", MS_STRICTATIME, true },
		{ "ro", MS_RDONLY, true }, { "nodev", MS_NODEV, true },
		{ "noexec", MS_NOEXEC, true }, { "nosuid", MS_NOSUID, false },
	};
	struct mnt_opt opts[] = { { "lowerdir", NULL }, {} };
	uint64_t image;
	char lower[32];

	SKIP_ON_OVERLAY("has no images");
	mk_dirs("all/l1");
	mk_dirs("mnt");
	mk_dirs("mnt1");
	mk_file("all/l1/a", "1");
	opts[0].value = "all/l1";
	CHECK_EQ(fs_mount(opts, "mnt1"), 0);
	image = image_of("mnt1");
	opts[0].value = lower;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		bind(row[i].at, row[i].flags);
		snprintf(lower, sizeof(lower), "%s/l1", row[i].at);
		CHECK_EQ(fs_mount(opts, "mnt"), 0);
		if ((image_of("mnt") == image) != row[i].same)
			FAIL("%s: the image is%s shared", row[i].at, row[i].same ? " not" : "");
		CHECK_SYS(umount("mnt"));
		CHECK_SYS(umount(row[i].at));
	}
	/* What cannot be cloned is no layer because somebody else's can. */
	bind("unbindable", 0);
	CHECK_SYS(mount(NULL, "unbindable", NULL, MS_UNBINDABLE, NULL));
	opts[0].value = "unbindable/l1";
	CHECK_EQ(fs_mount(opts, "mnt"), -EINVAL);
	CHECK_SYS(umount("unbindable"));
	CHECK_SYS(umount("mnt1"));
}

static void walk(const char *root)
{
	struct listing l;

	if (tree_list(root, 0, &l))
		FAIL("%s", tree_error);
	listing_free(&l);
}

static uint64_t lookups(void)
{
	return nl_layer("l1").count[LAYERFS_C_LOOKUPS] +
	       nl_layer("l2").count[LAYERFS_C_LOOKUPS] +
	       nl_layer("l3").count[LAYERFS_C_LOOKUPS];
}

/* What the first has seen, the second does not look up again. */
TEST_WITH(share, second_walk_asks_no_layer, .timeout = 300, .alone = true)
{
	uint64_t first, second;

	SKIP_ON_OVERLAY("has no images");
	layers();
	mount_container(1, "l1:l2:l3");
	mount_container(2, "l1:l2:l3");
	walk("mnt1");
	CHECK_ERR(access("mnt1/none", F_OK), ENOENT);
	first = lookups();
	CHECK(first > 0);
	walk("mnt2");
	CHECK_ERR(access("mnt2/none", F_OK), ENOENT);
	second = lookups();
	CHECK_EQ(second - first, 0);
	mount_container(3, "l1:l2:l3");
	walk("mnt3");
	CHECK_EQ(lookups() - first, 0);
	for (int i = 1; i <= 3; i++) {
		char mnt[8];

		snprintf(mnt, sizeof(mnt), "mnt%d", i);
		CHECK_SYS(umount(mnt));
	}
}

static int resident(const char *path, size_t size)
{
	unsigned char vec[64];
	int fd = CHECK_SYS(open(path, O_RDONLY)), n = 0;
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	CHECK_SYS(mincore(p, size, vec));
	for (size_t i = 0; i < size / 4096; i++)
		n += vec[i] & 1;
	munmap(p, size);
	close(fd);
	return n;
}

/* What one container has read is in memory for the other. */
TEST(share, page_cache)
{
	static char buf[65536];
	int fd;

	fx_dirs(1);
	mk_pattern("l1/f", 65536, 1);
	fd = CHECK_SYS(open("l1/f", O_RDONLY));
	CHECK_SYS(fsync(fd));
	mount_container(1, "l1");
	mount_container(2, "l1");
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
	if (resident("l1/f", 65536))
		test_skip("this filesystem's page cache cannot be dropped");
	CHECK_EQ(resident("mnt2/f", 65536), 0);
	fd = CHECK_SYS(open("mnt1/f", O_RDONLY));
	CHECK_EQ(read(fd, buf, 65536), 65536);
	close(fd);
	CHECK_EQ(resident("mnt2/f", 65536), 16);
	CHECK_EQ(resident("l1/f", 65536), 16);
	CHECK_SYS(umount("mnt1"));
	CHECK_SYS(umount("mnt2"));
}

/* Changes stay in the container that made them. */
TEST(share, changes_are_private)
{
	struct listing before, after;

	layers();
	mount_container(1, "l1:l2:l3");
	mount_container(2, "l1:l2:l3");
	CHECK_EQ(tree_list("mnt2", LIST_ALL, &before), 0);
	append_file("mnt1/a", "+");
	CHECK_SYS(unlink("mnt1/b"));
	CHECK_SYS(rename("mnt1/d", "mnt1/e"));
	mk_file("mnt1/new", "n");
	CHECK_SYS(chmod("mnt1/c", 0600));
	CHECK_STR(ls("mnt1"), "a c e new");
	CHECK_EQ(tree_list("mnt2", LIST_ALL, &after), 0);
	CHECK(listing_equal(&before, "before", &after, "after", 10));
	CHECK_STR(ls("upper2"), "");
	CHECK_SYS(rename("mnt2/d", "mnt2/f"));
	CHECK_STR(ls("mnt1"), "a c e new");
	CHECK_STR(ls("mnt2"), "a b c f");
	CHECK_STR(ls("mnt1/e"), "x y");
	CHECK_STR(ls("mnt2/f"), "x y");
	CHECK_SYS(umount("mnt1"));
	CHECK_STR(ls("mnt2/f"), "x y");
	CHECK_SYS(umount("mnt2"));
}

/* The image ends with its last container, and its layers with it. */
TEST(share, ends_with_the_last_user)
{
	uint64_t image, layer;
	int n;

	SKIP_ON_OVERLAY("has no images");
	layers();
	mount_container(1, "l1:l2:l3");
	mount_container(2, "l1:l2:l3");
	image = image_of("mnt1");
	layer = nl_layer("l3").num[LAYERFS_A_LAYER_ID];
	CHECK_SYS(umount("mnt1"));
	CHECK_EQ(image_of("mnt2"), image);
	CHECK_SYS(umount("mnt2"));
	n = nl_dump(LAYERFS_CMD_GET_IMAGE, rows, NL_MANY);
	for (int i = 0; i < n; i++)
		CHECK(rows[i].num[LAYERFS_A_IMAGE_ID] != image);
	n = nl_dump(LAYERFS_CMD_GET_LAYER, rows, NL_MANY);
	for (int i = 0; i < n; i++)
		CHECK(rows[i].num[LAYERFS_A_LAYER_ID] != layer);
}
