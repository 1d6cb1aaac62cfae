// SPDX-License-Identifier: GPL-2.0-only
/*
 * Too little space: at point n the upper's filesystem, or the mounter's quota
 * on it, has n - 1 blocks or inodes left.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "sweep.h"

#define BLOCK	4096
#define QUOTA_UNIT 1024

/*
 * What takes the rest of the space.  It lies beside the upper, so the views do
 * not show it.
 */
static void ballast(int index, bool there)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "ballast%d", index);
	if (!there) {
		CHECK_SYS(unlink(name));
		return;
	}
	fd = CHECK_SYS(open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(fd);
}

static void start_plain(void)
{
	devices_start("-N 96");
}

static void fresh_blocks(void)
{
	unlink("ballast");
}

/* All of it, then n - 1 blocks given back. */
static void arm_blocks(int n)
{
	int fd = CHECK_SYS(open("ballast", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	off_t len = 0, step = 1 << 20;

	while (step >= BLOCK) {
		if (!fallocate(fd, 0, len, step))
			len += step;
		else if (errno == ENOSPC)
			step /= 2;
		else
			FAIL("fallocate: %s", strerror(errno));
	}
	CHECK_SYS(ftruncate(fd, len - (off_t)(n - 1) * BLOCK));
	close(fd);
	sync();
}

static bool disarm_blocks(void)
{
	CHECK_SYS(truncate("ballast", 0));
	return true;
}

static int ballasts;

static void arm_inodes(int n)
{
	struct statfs sfs;

	sync();
	CHECK_SYS(statfs(".", &sfs));
	ballasts = (int)sfs.f_ffree - (n - 1);
	for (int i = 0; i < ballasts; i++)
		ballast(i, true);
}

static bool disarm_inodes(void)
{
	for (int i = 0; i < ballasts; i++)
		ballast(i, false);
	ballasts = 0;
	return true;
}

/* Quotas of the user 0, whom the mounter's credentials do not exempt. */
static void start_quota(void)
{
	devices_start("-O quota -E quotatype=usrquota");
}

static struct dqblk quota_get(void)
{
	struct dqblk dq;
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", device_name(UPPER));
	CHECK_SYS(quotactl(QCMD(Q_GETQUOTA, USRQUOTA), path, 0, (void *)&dq));
	return dq;
}

static void quota_limit(unsigned long long blocks, unsigned long long inodes)
{
	struct dqblk dq = {
		.dqb_bhardlimit = blocks,
		.dqb_ihardlimit = inodes,
		.dqb_valid = QIF_LIMITS,
	};
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", device_name(UPPER));
	CHECK_SYS(quotactl(QCMD(Q_SETQUOTA, USRQUOTA), path, 0, (void *)&dq));
}

/* A limit of 0 is none, so the use must not be 0; the root directory sees to it. */
static void arm_quota(int n)
{
	sync();
	quota_limit((quota_get().dqb_curspace + (n - 1) * BLOCK) / QUOTA_UNIT, 0);
}

static void arm_quota_inodes(int n)
{
	sync();
	quota_limit(0, quota_get().dqb_curinodes + n - 1);
}

static bool disarm_quota(void)
{
	quota_limit(0, 0);
	return true;
}

const struct injector inject_blocks = {
	.name = "blocks",
	.start = start_plain,
	.fresh = fresh_blocks,
	.arm = arm_blocks,
	.disarm = disarm_blocks,
	.end = devices_end,
	.errors = { ENOSPC },
	.no_end = true,
};

const struct injector inject_inodes = {
	.name = "inodes",
	.start = start_plain,
	.arm = arm_inodes,
	.disarm = disarm_inodes,
	.end = devices_end,
	.errors = { ENOSPC },
	.no_end = true,
};

const struct injector inject_quota = {
	.name = "quota",
	.start = start_quota,
	.arm = arm_quota,
	.disarm = disarm_quota,
	.end = devices_end,
	.errors = { EDQUOT },
	.no_end = true,
};

const struct injector inject_quota_inodes = {
	.name = "quota_inodes",
	.start = start_quota,
	.arm = arm_quota_inodes,
	.disarm = disarm_quota,
	.end = devices_end,
	.errors = { EDQUOT },
	.no_end = true,
};
