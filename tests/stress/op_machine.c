// SPDX-License-Identifier: GPL-2.0-only
/* What happens to the machine: caches go, the upper freezes, somebody asks. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../selftests/netlink.h"
#include "stress.h"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	put_fd(fd);
	return n < 0 ? -1 : 0;
}

static int op_drop_caches(void)
{
	usleep(rnd(50000));
	return write_file("/proc/sys/vm/drop_caches", (const char *[]){ "1", "2", "3" }[rnd(3)]);
}

static int op_freeze(void)
{
	int fd = open("up", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = ioctl(fd, FIFREEZE, 0);
	if (!rc) {
		usleep(rnd(100000));
		rc = ioctl(fd, FITHAW, 0);
	}
	put_fd(fd);
	return rc;
}

/* A container has no state of its own on a disk: it cannot be frozen, so far. */
static int op_freeze_box(void)
{
	int fd = open(pick_box(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = ioctl(fd, FIFREEZE, 0);
	if (!rc) {
		usleep(rnd(100000));
		rc = ioctl(fd, FITHAW, 0);
	}
	put_fd(fd);
	return rc;
}

static int op_netlink(void)
{
	static struct nl_row rows[512];
	struct nl_req req = {
		.cmd = LAYERFS_CMD_GET_LAYER + rnd(LAYERFS_CMD_MAX - LAYERFS_CMD_GET_LAYER + 1),
		.flags = 0x300,		/* NLM_F_DUMP */
	};
	int n = nl_request(&req, rows, 512);

	errno = -n;
	return n < 0 ? -1 : 0;
}

static int op_sync(void)
{
	sync();
	return 0;
}

static int op_syncfs(void)
{
	int fd = open(pick_box(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = syncfs(fd);
	put_fd(fd);
	return rc;
}

static int op_mountinfo(void)
{
	char buf[4096];
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0);
	put_fd(fd);
	return n;
}

/* Memory that somebody else wants. */
static int op_hog(void)
{
	size_t size = 64 << 20;
	char *p = malloc(size);

	if (!p)
		return -1;
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	free(p);
	return 0;
}

#define W(n) { [SQ_MACHINE] = n }

const struct op machine_ops[] = {
	{ "drop-caches", op_drop_caches, W(8), ERRS(0) },
	{ "freeze", op_freeze, W(3), ERRS(EBUSY, EINVAL, EOPNOTSUPP) },
	{ "freeze-box", op_freeze_box, W(1), ERRS(EBUSY, EINVAL, EOPNOTSUPP) },
	{ "netlink", op_netlink, W(10), ERRS(EINTR) },
	{ "sync", op_sync, W(1), ERRS(0) },
	{ "syncfs", op_syncfs, W(3), ERRS(0) },
	{ "mountinfo", op_mountinfo, W(5), ERRS(0) },
	{ "hog", op_hog, W(2), ERRS(0) },
	{ 0 }
};
