// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: every row, strict validation, who sees what, and
 * counters that count.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "netlink.h"

#define NO_FAMILY	SKIP_ON_OVERLAY("has no netlink family")

static struct nl_row rows[NL_MANY];

/*
 *	l1/f	"one"
 *	l2/g	"two"
 */
static void base(void)
{
	NO_FAMILY;
	fx_dirs(2);
	mk_file("l1/f", "one");
	mk_file("l2/g", "two");
	fx_mount(2);
}

TEST(netlink, container_row)
{
	struct nl_row row;

	base();
	row = nl_container("mnt");
	CHECK(row.num[LAYERFS_A_CONTAINER_ID]);
	CHECK(row.num[LAYERFS_A_IMAGE_ID]);
	CHECK_STR(row.upper, "upper");
	CHECK_STR(row.work, "work");
	CHECK(row.has & 1 << LAYERFS_A_FLAGS);
	CHECK_EQ(row.num[LAYERFS_A_FLAGS], 0);
	CHECK(row.has & 1 << LAYERFS_A_COUNTERS);
}

TEST(netlink, container_flags)
{
	struct nl_row row;

	NO_FAMILY;
	fx_mount_with(1, "volatile");
	CHECK_EQ(nl_container("mnt").num[LAYERFS_A_FLAGS], LAYERFS_F_VOLATILE);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CHECK_EQ(nl_container("mnt").num[LAYERFS_A_FLAGS],
		 LAYERFS_F_VOLATILE | LAYERFS_F_RDONLY);
	fx_umount();
	fx_mount_ro(1);
	row = nl_container("mnt");
	CHECK_EQ(row.num[LAYERFS_A_FLAGS], LAYERFS_F_RDONLY);
	CHECK_EQ(row.has & (1 << LAYERFS_A_UPPER | 1 << LAYERFS_A_WORK), 0);
}

TEST(netlink, image_and_stack_rows)
{
	struct nl_req req = { .cmd = LAYERFS_CMD_GET_STACK, .flags = NLM_F_DUMP,
			      .attr = LAYERFS_A_IMAGE_ID, .len = 8 };
	struct nl_row image;

	base();
	image = nl_image(nl_container("mnt").num[LAYERFS_A_IMAGE_ID]);
	CHECK_EQ(image.num[LAYERFS_A_LAYERS], 2);
	CHECK_EQ(image.num[LAYERFS_A_USERS], 1);
	req.value = image.num[LAYERFS_A_IMAGE_ID];
	CHECK_EQ(nl_request(&req, rows, NL_MANY), 2);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(rows[i].num[LAYERFS_A_IMAGE_ID], req.value);
		CHECK_EQ(rows[i].num[LAYERFS_A_INDEX], i);
	}
	uint64_t top = rows[0].num[LAYERFS_A_LAYER_ID];
	uint64_t bottom = rows[1].num[LAYERFS_A_LAYER_ID];

	CHECK_EQ(nl_layer("l1").num[LAYERFS_A_LAYER_ID], top);
	CHECK_EQ(nl_layer("l2").num[LAYERFS_A_LAYER_ID], bottom);
	req.value = 1ull << 60;
	CHECK_EQ(nl_request(&req, rows, NL_MANY), 0);
	CHECK(nl_dump(LAYERFS_CMD_GET_STACK, rows, NL_MANY) >= 2);
}

/*
 * The device of the filesystem that a path lies on, as mountinfo has it; stat's
 * st_dev is another one on btrfs.
 */
static void device_of(const char *path, unsigned int *maj, unsigned int *min)
{
	struct statx stx;
	char line[4096];
	unsigned long id;
	FILE *f;

	CHECK_SYS(statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stx));
	f = fopen("/proc/self/mountinfo", "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lu %*u %u:%u", &id, maj, min) == 3 &&
		    id == stx.stx_mnt_id)
			break;
	fclose(f);
	CHECK_EQ(id, stx.stx_mnt_id);
}

TEST(netlink, layer_row)
{
	char cwd[480], want[512];
	unsigned int maj, min;
	struct nl_row row;

	base();
	row = nl_layer("l1");
	device_of("l1", &maj, &min);
	CHECK(getcwd(cwd, sizeof(cwd)));
	snprintf(want, sizeof(want), "%s/l1", cwd);
	CHECK_STR(row.path, want);
	CHECK_EQ(row.num[LAYERFS_A_USERS], 1);
	CHECK_EQ(row.num[LAYERFS_A_INO], stat_of("l1").st_ino);
	CHECK_EQ(row.num[LAYERFS_A_DEV_MAJOR], maj);
	CHECK_EQ(row.num[LAYERFS_A_DEV_MINOR], min);
}

/* Rows beyond what one message holds: each once, in order. */
TEST(netlink, long_stack)
{
	struct nl_req req = { .cmd = LAYERFS_CMD_GET_STACK, .flags = NLM_F_DUMP,
			      .attr = LAYERFS_A_IMAGE_ID, .len = 8 };
	int n;

	NO_FAMILY;
	fx_mount(150);
	req.value = nl_container("mnt").num[LAYERFS_A_IMAGE_ID];
	/* Mounts of other tests come and go meanwhile. */
	do {
		n = nl_request(&req, rows, NL_MANY);
	} while (n == -EINTR);
	CHECK_EQ(n, 150);
	for (int i = 0; i < n; i++)
		CHECK_EQ(rows[i].num[LAYERFS_A_INDEX], i);
	CHECK(nl_dump(LAYERFS_CMD_GET_LAYER, rows, NL_MANY) >= 150);
}

/* Rows come with the mount and go with it. */
TEST(netlink, rows_end_with_the_mount)
{
	uint64_t id, image;
	int n;

	base();
	id = nl_container("mnt").num[LAYERFS_A_CONTAINER_ID];
	image = nl_container("mnt").num[LAYERFS_A_IMAGE_ID];
	fx_umount();
	n = nl_dump(LAYERFS_CMD_GET_CONTAINER, rows, NL_MANY);
	for (int i = 0; i < n; i++)
		CHECK(rows[i].num[LAYERFS_A_CONTAINER_ID] != id);
	n = nl_dump(LAYERFS_CMD_GET_IMAGE, rows, NL_MANY);
	for (int i = 0; i < n; i++)
		CHECK(rows[i].num[LAYERFS_A_IMAGE_ID] != image);
	fx_mount(2);
	CHECK(nl_container("mnt").num[LAYERFS_A_CONTAINER_ID] > id);
	CHECK(nl_container("mnt").num[LAYERFS_A_IMAGE_ID] > image);
}

/* Wrong requests, each refused, and with words where there is something to say. */
TEST(netlink, strict_validation)
{
	static const struct {
		struct nl_req req;
		int err;
		bool says;
	} bad[] = {
		{ { LAYERFS_CMD_GET_LAYER, 0, 0, 0, 0 }, EOPNOTSUPP, false },
		{ { LAYERFS_CMD_GET_IMAGE, 0, 0, 0, 0 }, EOPNOTSUPP, false },
		{ { LAYERFS_CMD_GET_STACK, 0, 0, 0, 0 }, EOPNOTSUPP, false },
		{ { LAYERFS_CMD_GET_CONTAINER, 0, 0, 0, 0 }, EOPNOTSUPP, false },
		{ { LAYERFS_CMD_MAX + 1, NLM_F_DUMP, 0, 0, 0 }, EOPNOTSUPP, false },
		{ { LAYERFS_CMD_UNSPEC, NLM_F_DUMP, 0, 0, 0 }, EOPNOTSUPP, false },
		{ { LAYERFS_CMD_GET_LAYER, NLM_F_DUMP, LAYERFS_A_LAYER_ID, 8, 1 },
		  EINVAL, true },
		{ { LAYERFS_CMD_GET_IMAGE, NLM_F_DUMP, LAYERFS_A_IMAGE_ID, 8, 1 },
		  EINVAL, true },
		{ { LAYERFS_CMD_GET_CONTAINER, NLM_F_DUMP, LAYERFS_A_IMAGE_ID, 8,
		    1 }, EINVAL, true },
		{ { LAYERFS_CMD_GET_STACK, NLM_F_DUMP, LAYERFS_A_LAYER_ID, 8, 1 },
		  EINVAL, true },
		{ { LAYERFS_CMD_GET_STACK, NLM_F_DUMP, LAYERFS_A_MAX + 1, 8, 1 },
		  EINVAL, true },
		{ { LAYERFS_CMD_GET_STACK, NLM_F_DUMP, LAYERFS_A_IMAGE_ID, 4, 1 },
		  ERANGE, true },
		{ { LAYERFS_CMD_GET_STACK, NLM_F_DUMP, LAYERFS_A_IMAGE_ID, 16, 1 },
		  ERANGE, true },
	};

	base();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int rc = nl_request(&bad[i].req, rows, NL_MANY);

		/* a wrong length is one or the other, by the kernel's age */
		if (bad[i].err == ERANGE && rc == -EINVAL)
			rc = -ERANGE;
		if (rc != -bad[i].err)
			FAIL("request %zu: got %d, want %s", i, rc,
			     strerrorname_np(bad[i].err));
		if (bad[i].says && !nl_message[0])
			FAIL("request %zu is refused without a word", i);
	}
}

/* Others get an empty dump, not an error. */
TEST(netlink, needs_cap_sys_admin)
{
	base();
	/* whom no user namespace belongs to, in which another test mounts */
	AS_USER(4321)
		for (int cmd = LAYERFS_CMD_GET_LAYER; cmd <= LAYERFS_CMD_MAX; cmd++)
			CHECK_EQ(nl_dump(cmd, rows, NL_MANY), 0);
	IN_CHILD {
		CHECK_SYS(unshare(CLONE_NEWUSER));
		for (int cmd = LAYERFS_CMD_GET_LAYER; cmd <= LAYERFS_CMD_MAX; cmd++)
			CHECK_EQ(nl_dump(cmd, rows, NL_MANY), 0);
	}
	CHECK(nl_dump(LAYERFS_CMD_GET_LAYER, rows, NL_MANY) >= 2);
}

/* From another network namespace it answers all the same. */
TEST(netlink, from_another_network_namespace)
{
	base();
	IN_CHILD {
		CHECK_SYS(unshare(CLONE_NEWNET));
		CHECK(nl_container("mnt").num[LAYERFS_A_CONTAINER_ID]);
	}
}

static bool can_clone(void)
{
	int in = CHECK_SYS(open("l1/big", O_RDONLY));
	int out = CHECK_SYS(open("clone", O_RDWR | O_CREAT, 0644));
	bool can = !ioctl(out, FICLONE, in);

	close(in);
	close(out);
	return can;
}

TEST(netlink, counters)
{
	struct nl_row c, l1, l2, image;
	uint64_t copied;
	char buf[4096];
	int fd;

	NO_FAMILY;
	fx_dirs(2);
	mk_pattern("l1/big", 20000, 1);
	mk_file("l2/g", "two");
	fx_mount(2);
	fd = CHECK_SYS(open("mnt/big", O_RDWR));
	CHECK_EQ(read(fd, buf, 4096), 4096);
	CHECK_EQ(pread(fd, buf, 4096, 8192), 4096);
	c = nl_container("mnt");
	l1 = nl_layer("l1");
	l2 = nl_layer("l2");
	image = nl_image(c.num[LAYERFS_A_IMAGE_ID]);
	CHECK_EQ(c.count[LAYERFS_C_OPENS], 1);
	CHECK_EQ(l1.count[LAYERFS_C_OPENS], 1);
	CHECK_EQ(l2.count[LAYERFS_C_OPENS], 0);
	CHECK_EQ(image.count[LAYERFS_C_OPENS], 1);
	CHECK_EQ(c.count[LAYERFS_C_READ_BYTES], 8192);
	CHECK_EQ(l1.count[LAYERFS_C_READ_BYTES], 8192);
	CHECK_EQ(image.count[LAYERFS_C_READ_BYTES], 8192);
	CHECK_EQ(c.count[LAYERFS_C_WRITE_BYTES], 0);
	CHECK_EQ(c.count[LAYERFS_C_COPYUP_FILES], 0);
	CHECK(c.count[LAYERFS_C_LOOKUPS] >= 1);
	CHECK(l1.count[LAYERFS_C_LOOKUPS] >= 1);
	CHECK_EQ(pwrite(fd, "abc", 3, 0), 3);
	CHECK_EQ(pread(fd, buf, 100, 0), 100);
	close(fd);
	c = nl_container("mnt");
	l1 = nl_layer("l1");
	image = nl_image(c.num[LAYERFS_A_IMAGE_ID]);
	CHECK_EQ(c.count[LAYERFS_C_WRITE_BYTES], 3);
	CHECK_EQ(c.count[LAYERFS_C_COPYUP_FILES], 1);
	/* where the file can be cloned, nothing is copied */
	copied = c.count[LAYERFS_C_COPYUP_BYTES];
	CHECK(copied == 20000 || (copied == 0 && can_clone()));
	CHECK_EQ(l1.count[LAYERFS_C_COPYUP_FILES], 1);
	CHECK_EQ(l1.count[LAYERFS_C_COPYUP_BYTES], copied);
	CHECK_EQ(image.count[LAYERFS_C_COPYUP_BYTES], copied);
	CHECK_EQ(c.count[LAYERFS_C_READ_BYTES], 8292);
	CHECK_EQ(l1.count[LAYERFS_C_READ_BYTES], 8192);
	CHECK_EQ(nl_layer("l2").count[LAYERFS_C_COPYUP_FILES], 0);
}
