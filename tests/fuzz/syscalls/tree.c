// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs work on: layers l0 to l3 with anything in them, uppers and work
 * directories, containers m0 and m1 that share an image, a mount point t0.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"

static bool on_tmpfs;
static const char *marks;	/* "trusted" or "user" */

static bool is_dir_name(const char *name)
{
	static const char *const dirs[] = { "d", "e", "d/d", "d/d/d", "e/d", "e/e" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (!strcmp(name, dirs[i]))
			return true;
	return false;
}

static void mark(struct rng *r, const char *path, const char *what)
{
	char name[64];
	size_t len;
	const void *v = bytes_of(rng_next(r) >> 40, &len);

	snprintf(name, sizeof(name), "%s.overlay.%s", marks, what);
	lsetxattr(path, name, v, len, 0);
}

static void make_dir(struct rng *r, const char *path)
{
	char name[64];

	if (mkdir(path, 0755))
		return;
	snprintf(name, sizeof(name), "%s.overlay.opaque", marks);
	switch (rng_below(r, 8)) {
	case 0: setxattr(path, name, "y", 1, 0); break;
	case 1: mark(r, path, "redirect"); break;
	case 2: mark(r, path, "opaque"); break;
	}
}

static void make_file(struct rng *r, const char *path)
{
	char buf[10000];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), n = 1 + rng_below(r, 9);

	memset(buf, 'x', sizeof(buf));
	for (int i = 0; fd >= 0 && i < n; i++)
		if (pwrite(fd, buf, rng_below(r, sizeof(buf)), i * rng_below(r, 20000)) < 0)
			break;
	if (fd >= 0)
		close(fd);
	if (!rng_below(r, 6))
		mark(r, path, "metacopy");
	if (!rng_below(r, 6))
		setxattr(path, "user.a", "v", 1, 0);
	if (!rng_below(r, 6) && chmod(path, 04755))
		return;
}

static void make_other(struct rng *r, const char *path)
{
	const dev_t devs[] = { makedev(0, 0), makedev(0, 0), makedev(1, 3) };
	char other[512];

	switch (rng_below(r, 8)) {
	case 0:
	case 1:
		if (mknod(path, S_IFCHR | 0600, devs[rng_below(r, 3)]))
			errno = 0;
		break;
	case 2:
		if (symlink(name_of(rng_next(r) >> 40), path))
			errno = 0;
		break;
	case 3:
		if (mkfifo(path, 0600))
			errno = 0;
		break;
	case 4:
		make_dir(r, path);
		break;
	case 5:
		snprintf(other, sizeof(other), "%.2s/%s", path, name_of(rng_next(r) >> 40));
		if (!link(other, path))
			break;
		/* fallthrough */
	default:
		make_file(r, path);
	}
}

static void fill(struct rng *r, const char *dir)
{
	char path[512];

	mkdir(dir, 0755);
	for (int i = 0; i < 32; i++) {
		const char *name = name_of(i);

		if (!*name || strchr(name, '.') || !rng_below(r, 3))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (is_dir_name(name) && rng_below(r, 5))
			make_dir(r, path);
		else
			make_other(r, path);
	}
}

static bool mount_one(const char *at, const char *upper, const char *work, const char *more)
{
	char options[256];

	snprintf(options, sizeof(options), "lowerdir=l0:l1:l2,upperdir=%s,workdir=%s%s", upper,
		 work, more);
	if (!mount("none", at, "layerfs", 0, options))
		return true;
	printf("# mount %s: %s\n", options, strerror(errno));
	return false;
}

bool tree_make(const char *scratch, uint64_t seed)
{
	static const char *const dirs[] = { "u1", "u2", "u3", "w0", "w1", "w2", "w3", "m0", "m1",
					    "t0" };
	static const char *const layers[] = { "l0", "l1", "l2", "l3", "u0" };
	struct rng r = { seed | 1 };
	char more[64];

	rng_next(&r);
	if (mkdir(scratch, 0755))
		return false;
	on_tmpfs = !rng_below(&r, 3);
	if (on_tmpfs && mount("none", scratch, "tmpfs", 0, "size=512m"))
		return false;
	if (chdir(scratch))
		return false;
	marks = rng_below(&r, 3) ? "trusted" : "user";
	for (int i = 0; i < 5; i++)
		fill(&r, layers[i]);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		mkdir(dirs[i], 0755);
	snprintf(more, sizeof(more), "%s%s", *marks == 'u' ? ",userxattr" : "",
		 rng_below(&r, 4) ? "" : ",volatile");
	return mount_one("m0", "u0", "w0", more) && mount_one("m1", "u1", "w1", more);
}

/* A program may have made it immutable. */
static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	int zero = 0, fd;

	(void)st;
	(void)type;
	(void)ftw;
	if (!remove(path) || errno != EPERM)
		return 0;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	ioctl(fd, FS_IOC_SETFLAGS, &zero);
	close(fd);
	remove(path);
	return 0;
}

static bool umount_all(const char *at)
{
	/* The last reference may be dropped by a worker of the kernel's. */
	for (int i = 0; i < 1000; i++) {
		if (!umount(at))
			continue;
		if (errno == EINVAL)
			return true;
		usleep(10000);
	}
	printf("# umount %s: %s\n", at, strerror(errno));
	return false;
}

bool tree_drop(const char *scratch)
{
	bool good = umount_all("t0") & umount_all("m0") & umount_all("m1");

	if (chdir("/"))
		return false;
	if (!good)
		return false;
	if (on_tmpfs && !umount_all(scratch))
		return false;
	/* Once more for directories that were immutable themselves. */
	for (int i = 0; i < 3 && !nftw(scratch, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); i++)
		if (access(scratch, F_OK))
			return true;
	return access(scratch, F_OK) != 0;
}
