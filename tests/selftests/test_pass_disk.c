// SPDX-License-Identifier: GPL-2.0-only
/*
 * What needs a filesystem of its own: fs-verity, projects and their quotas,
 * freezing.
 *
 *	disk/		an ext4 on a loop device
 *	|-- l1/		the layer
 *	|-- upper/
 *	`-- work/
 *	mnt/
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fixture.h"

#ifndef PRJQUOTA
#define PRJQUOTA	2
#endif

static char device[64];

static void disk(const char *features, const char *options)
{
	char command[512];

	fx_dirs(1);
	mk_dir("disk");
	CHECK_EQ(system("truncate -s 64M img && { test -e /dev/loop-control || modprobe loop; }"),
		 0);
	/* The device goes with the mount, and nobody has it open for writing beside that. */
	snprintf(command, sizeof(command),
		 "mkfs.ext4 -q -b 4096 %s img && losetup -f --show img >source && "
		 "{ mount -o %s $(cat source) disk; rc=$?; losetup -d $(cat source); exit $rc; }",
		 features, options);
	if (loop_system(command))
		test_skip("no ext4 with %s", features);
	snprintf(device, sizeof(device), "%s", cat("source"));
	device[strcspn(device, "\n")] = '\0';
	mk_dir("disk/l1");
	mk_dir("disk/upper");
	mk_dir("disk/work");
}

static void mount_on_disk(void)
{
	struct mnt_opt opts[] = { { "lowerdir", "disk/l1" }, { "upperdir", "disk/upper" },
				  { "workdir", "disk/work" }, {} };
	int rc = fs_mount(opts, "mnt");

	if (rc)
		FAIL("mount: %s: %s", strerror(-rc), mount_log);
}

static void end_disk(void)
{
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("disk"));
}

static int measure(const char *path, struct fsverity_digest *d, int room)
{
	int fd = CHECK_SYS(open(path, O_RDONLY)), rc, err;

	memset(d, 0, sizeof(*d) + 64);
	d->digest_size = room;
	rc = ioctl(fd, FS_IOC_MEASURE_VERITY, d);
	err = errno;
	close(fd);
	errno = err;
	return rc;
}

static bool has_verity(const char *path)
{
	struct statx sx;

	CHECK_SYS(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &sx));
	return sx.stx_attributes & STATX_ATTR_VERITY;
}

/*
 *	l1/sealed	with fs-verity
 *	l1/plain
 * The mount tells the digest of a layer's file.  A copy is not sealed: the layer
 * vouches for what it holds, not for what was made of it.
 */
TEST(pass, fs_verity_of_a_layer)
{
	struct fsverity_enable_arg arg = { .version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
					   .block_size = 4096 };
	struct fsverity_read_metadata_arg md = {
		.metadata_type = FS_VERITY_METADATA_TYPE_DESCRIPTOR, .length = 256
	};
	struct { struct fsverity_digest d; unsigned char v[64]; } want, got;
	unsigned char desc[256], desc2[256];
	int fd;

	SKIP_ON_OVERLAY("passes no ioctl through");
	disk("-O verity", "rw");
	mk_pattern("disk/l1/sealed", 20000, 1);
	mk_file("disk/l1/plain", "data");
	fd = CHECK_SYS(open("disk/l1/sealed", O_RDONLY));
	if (ioctl(fd, FS_IOC_ENABLE_VERITY, &arg)) {
		CHECK_EQ(errno, EOPNOTSUPP);
		test_skip("the kernel has no fs-verity");
	}
	md.buf_ptr = (uintptr_t)desc;
	CHECK_EQ(ioctl(fd, FS_IOC_READ_VERITY_METADATA, &md), 256);
	close(fd);
	CHECK_SYS(measure("disk/l1/sealed", &want.d, 64));
	mount_on_disk();

	CHECK_SYS(measure("mnt/sealed", &got.d, 64));
	CHECK(!memcmp(&want, &got, sizeof(want)));
	CHECK(has_verity("mnt/sealed"));
	CHECK_ERR(measure("mnt/sealed", &got.d, 3), EOVERFLOW);
	CHECK_ERR(measure("mnt/plain", &got.d, 64), ENODATA);
	fd = CHECK_SYS(open("mnt/sealed", O_RDONLY));
	md.buf_ptr = (uintptr_t)desc2;
	CHECK_EQ(ioctl(fd, FS_IOC_READ_VERITY_METADATA, &md), 256);
	CHECK(!memcmp(desc, desc2, 256));
	CHECK_ERR(ioctl(fd, FS_IOC_MEASURE_VERITY, NULL), EFAULT);
	CHECK_ERR(ioctl(fd, FS_IOC_ENABLE_VERITY, &arg), ENOTTY);
	close(fd);

	append_file("mnt/sealed", "!");
	CHECK(!has_verity("mnt/sealed"));
	CHECK_ERR(measure("mnt/sealed", &got.d, 64), ENODATA);
	CHECK_SYS(measure("disk/l1/sealed", &got.d, 64));
	end_disk();
}

static void project_set(const char *path, unsigned int id, bool inherit)
{
	int fd = CHECK_SYS(open(path, O_RDONLY));
	struct fsxattr fsx;

	CHECK_SYS(ioctl(fd, FS_IOC_FSGETXATTR, &fsx));
	fsx.fsx_projid = id;
	if (inherit)
		fsx.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	CHECK_SYS(ioctl(fd, FS_IOC_FSSETXATTR, &fsx));
	close(fd);
}

static unsigned int project_of(const char *path)
{
	int fd = CHECK_SYS(open(path, O_RDONLY));
	struct fsxattr fsx;

	CHECK_SYS(ioctl(fd, FS_IOC_FSGETXATTR, &fsx));
	close(fd);
	return fsx.fsx_projid;
}

static void limit(unsigned int id, unsigned int kib)
{
	struct dqblk dq = { .dqb_bhardlimit = kib, .dqb_bsoftlimit = kib,
			    .dqb_valid = QIF_BLIMITS };

	CHECK_SYS(quotactl(QCMD(Q_SETQUOTA, PRJQUOTA), device, id, (void *)&dq));
}

/* A file keeps its project over the copy-up, and can be given another. */
TEST(pass, project_survives_copy_up)
{
	struct fsxattr fsx = { .fsx_xflags = FS_XFLAG_PROJINHERIT };
	int fd;

	SKIP_ON_OVERLAY("does not copy it");
	disk("-O quota,project", "prjquota");
	mk_file("disk/l1/f", "data");
	mk_dir("disk/l1/d");
	project_set("disk/l1/f", 7, false);
	project_set("disk/l1/d", 8, true);
	mount_on_disk();
	CHECK_EQ(project_of("mnt/f"), 7);
	append_file("mnt/f", "!");
	CHECK_EQ(project_of("mnt/f"), 7);
	CHECK_EQ(project_of("disk/upper/f"), 7);
	CHECK_SYS(chmod("mnt/d", 0700));
	CHECK_EQ(project_of("mnt/d"), 8);
	/* Nothing could be renamed into a directory that hands on its project. */
	mk_file("mnt/d/new", "x");
	CHECK_EQ(project_of("mnt/d/new"), 0);
	project_set("mnt/f", 9, false);
	CHECK_EQ(project_of("disk/upper/f"), 9);
	fd = CHECK_SYS(open("mnt/d", O_RDONLY));
	CHECK_ERR(ioctl(fd, FS_IOC_FSSETXATTR, &fsx), EOPNOTSUPP);
	close(fd);
	end_disk();
}

/*
 *	l1/big		300 KiB
 *	l1/gone
 *	upper, work	of project 42, which is handed on: 200 KiB at most
 * The container is held to the limit, statfs tells it, and what does not fit
 * leaves everything as it was.
 */
TEST(pass, project_limits_the_container)
{
	struct statvfs vfs;
	int fd;

	disk("-O quota,project", "prjquota");
	mk_pattern("disk/l1/big", 300 << 10, 1);
	mk_file("disk/l1/gone", "gone");
	project_set("disk/upper", 42, true);
	project_set("disk/work", 42, true);
	limit(42, 200);
	mount_on_disk();
	CHECK_SYS(statvfs("mnt", &vfs));
	CHECK_EQ(vfs.f_blocks * vfs.f_frsize, 200 << 10);

	fd = CHECK_SYS(open("mnt/big", O_RDWR));
	CHECK_ERR(pwrite(fd, "x", 1, 0), EDQUOT);
	CHECK_ERR(truncate("mnt/big", (300 << 10) - 1), EDQUOT);
	CHECK_EQ(stat_of("mnt/big").st_size, 300 << 10);
	CHECK_STR(ls("disk/upper"), "");
	CHECK_STR(ls("disk/work/work"), "");
	close(fd);

	CHECK_SYS(truncate("mnt/big", 1000));
	CHECK_EQ(project_of("mnt/big"), 42);
	mk_dir("mnt/d");
	mk_file("mnt/d/f", "x");
	CHECK_EQ(project_of("mnt/d/f"), 42);
	CHECK_SYS(unlink("mnt/gone"));
	mk_dir("mnt/gone");
	CHECK_EQ(project_of("mnt/gone"), 42);
	CHECK_SYS(rename("mnt/d/f", "mnt/gone/f"));
	CHECK_SYS(rename("mnt/gone", "mnt/d/gone"));
	fd = CHECK_SYS(open("mnt/d/f", O_RDWR | O_CREAT, 0600));
	CHECK_ERR(fallocate(fd, 0, 0, 300 << 10), EDQUOT);
	close(fd);
	end_disk();
}

/*
 *	l1/f, g, d/h
 *	upper/d		of project 43, which is handed on
 * A whiteout of another project cannot be linked there: it is another device.
 */
TEST(pass, whiteouts_of_projects)
{
	disk("-O quota,project", "prjquota");
	mk_file("disk/l1/f", "");
	mk_file("disk/l1/g", "");
	mk_dir("disk/l1/d");
	mk_file("disk/l1/d/h", "");
	mk_dir("disk/upper/d");
	project_set("disk/upper/d", 43, true);
	mount_on_disk();
	CHECK_SYS(unlink("mnt/f"));
	CHECK_SYS(unlink("mnt/d/h"));
	CHECK_SYS(unlink("mnt/g"));
	CHECK(is_whiteout("disk/upper/d/h"));
	CHECK_STR(ls("mnt"), "d");
	CHECK_STR(ls("mnt/d"), "");
	end_disk();
}

/* Of a directory of the upper with a project of its own statfs tells that limit. */
TEST(pass, statfs_tells_the_limit_of_a_directory)
{
	struct statvfs vfs;

	SKIP_ON_OVERLAY("tells the root's");
	disk("-O quota,project", "prjquota");
	mk_dir("disk/upper/d");
	project_set("disk/upper/d", 43, true);
	limit(43, 500);
	mount_on_disk();
	CHECK_SYS(statvfs("mnt/d", &vfs));
	CHECK_EQ(vfs.f_blocks * vfs.f_frsize, 500 << 10);
	CHECK_SYS(statvfs("mnt", &vfs));
	CHECK(vfs.f_blocks * vfs.f_frsize > 500 << 10);
	end_disk();
}

static char state_of(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	return state;
}

static void write_both(void *arg)
{
	(void)arg;
	append_file("mnt/f", "!");
}

/*
 *	l1/f
 * A mount has no freeze of its own: mappings write to the upper's filesystem.
 * Freezing that one stops the container, and nothing is lost.
 */
TEST(pass, freeze)
{
	int fd, mnt, ro;
	pid_t pid;

	disk("", "rw");
	mk_file("disk/l1/f", "data");
	mount_on_disk();
	mnt = CHECK_SYS(open("mnt", O_RDONLY));
	CHECK_ERR(ioctl(mnt, FIFREEZE, 0), EOPNOTSUPP);
	CHECK_ERR(ioctl(mnt, FITHAW, 0), EINVAL);
	close(mnt);

	fd = CHECK_SYS(open("disk", O_RDONLY));
	CHECK_SYS(ioctl(fd, FIFREEZE, 0));
	pid = spawn(write_both, NULL);
	while (state_of(pid) != 'D')
		sched_yield();
	ro = CHECK_SYS(open("mnt/f", O_RDONLY));
	CHECK_STR(cat_fd(ro), "data");
	close(ro);
	CHECK_STR(ls("disk/upper"), "");
	CHECK_SYS(ioctl(fd, FITHAW, 0));
	close(fd);
	reap(pid);
	CHECK_STR(cat("mnt/f"), "data!");
	end_disk();
}
