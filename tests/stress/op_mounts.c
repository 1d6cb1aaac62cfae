// SPDX-License-Identifier: GPL-2.0-only
/* Containers that come and go while others use them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../selftests/fixture.h"
#include "content.h"
#include "stress.h"
#include "world.h"

static void passing(char *name)
{
	sprintf(name, "d%u", rnd(NR_PASSING));
}

/* An upper used before, or still used, or a new one. */
static void pick_upper(char *upper, const char *name)
{
	static unsigned int fresh;
	char path[64];

	strcpy(upper, name);
	if (!one_in(3))
		return;
	sprintf(upper, "%s.%d.%u", name, me.nr, fresh++);
	snprintf(path, sizeof(path), "up/%s", upper);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "up/%s/upper", upper);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "up/%s/work", upper);
	mkdir(path, 0755);
}

static int op_mount(void)
{
	static const char *const images[] = { "l0:l1:l2:l3", "l0:l1:l2:l3", "l2:l3",
					      "l1:l4:l0", "l4", "l1:mnt/r0" };
	const char *lower = images[rnd(6)];
	char name[8], target[16], upper[32];
	int rc;

	passing(name);
	pick_upper(upper, name);
	sprintf(target, "mnt/%s", name);
	doing("%s on %s, upper %s", lower, target, upper);
	rc = world_mount(lower, one_in(5) ? NULL : upper, target, false);
	/* ENOENT without a word: what was mounted at @target went away meanwhile. */
	if (rc && rc != -EBUSY && (rc != -ENOENT || *mount_log))
		stress_fail("%s: %s", strerror(-rc), mount_log);
	errno = -rc;
	return rc ? -1 : 0;
}

/* What a layer is cannot be an upper too. */
static int op_mount_wrong(void)
{
	const struct mnt_opt opts[] = { { "lowerdir", "l2:l3" }, { "upperdir", "l1" },
					{ "workdir", "l4" }, {} };
	int rc = fs_mount(opts, "mnt/bind");

	if (!rc)
		stress_fail("a layer in use was taken for an upper");
	errno = -rc;
	return -1;
}

static int op_umount(void)
{
	char name[8], target[16];

	passing(name);
	sprintf(target, "mnt/%s", name);
	doing("%s", target);
	return umount2(target, one_in(3) ? MNT_DETACH : 0);
}

/* A file of a container that is unmounted under it stays what it is. */
static int op_detach(void)
{
	char name[8], path[64], target[16];
	int fd, rc;

	passing(name);
	sprintf(target, "mnt/%s", name);
	doing("%s", target);
	snprintf(path, sizeof(path), "%s/%c/%s", target, 'a' + rnd(4), pick_name(SOLID));
	fd = open(path, one_in(2) ? O_RDWR : O_RDONLY);
	rc = umount2(target, MNT_DETACH);
	if (fd < 0)
		return rc;
	content_check_all(fd);
	fchmod(fd, 0666);
	content_check_all(fd);
	hold_fd(fd);
	return rc;
}

static int op_bind(void)
{
	char path[MAX_PATH];
	int rc;

	pick_dir(path);
	doing("%s", path);
	rc = mount(path, "mnt/bind", NULL, MS_BIND | (one_in(2) ? MS_REC : 0), NULL);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "mnt/bind/%s", pick_name(LOOSE));
	put_fd(open(path, O_RDONLY | O_NONBLOCK));
	return umount2("mnt/bind", MNT_DETACH);
}

/* A mount within a container, on a name that others rename and remove. */
static int op_bind_inside(void)
{
	char path[MAX_PATH];
	int rc;

	/* Not in c0 and c2: there nothing may ever be on another mount. */
	sprintf(path, "mnt/c1/%c/%c", 'a' + rnd(4), 'a' + rnd(4));
	doing("%s", path);
	rc = mount("mnt/bind", path, NULL, MS_BIND, NULL);
	if (rc)
		return rc;
	return umount2(path, MNT_DETACH) && errno != EINVAL && errno != ENOENT &&
	       errno != ENOTDIR ? -1 : 0;
}

static int op_remount(void)
{
	doing("mnt/c1");
	if (mount(NULL, "mnt/c1", NULL, MS_REMOUNT | MS_RDONLY, NULL) &&
	    errno != EBUSY)
		return -1;
	usleep(rnd(20000));
	return mount(NULL, "mnt/c1", NULL, MS_REMOUNT, NULL);
}

/* Another mount namespace keeps all mounts; here it even makes its own. */
static int op_namespace(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -1;
	if (!pid) {
		char path[MAX_PATH];

		if (unshare(CLONE_NEWNS) ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(1);
		op_mount();
		op_umount();
		pick(path, SOLID);
		content_check_all(open(path, O_RDONLY | O_NONBLOCK));
		umount2("mnt/c0", one_in(2) ? MNT_DETACH : 0);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		stress_fail("the child ended with status 0x%x", status);
	return 0;
}

#define W(n) { [SQ_MOUNTS] = n }

const struct op mount_ops[] = {
	{ "mount", op_mount, W(10), ERRS(EBUSY, ENOENT) },
	{ "mount-wrong", op_mount_wrong, W(2), ERRS(EBUSY) },
	{ "umount", op_umount, W(7), ERRS(EBUSY, EINVAL) },
	{ "detach", op_detach, W(3), ERRS(EINVAL) },
	{ "bind", op_bind, W(3), ERRS(WALK_ERRS, EINVAL) },
	/* EINVAL: what is bound was unmounted by another on the way */
	{ "bind-inside", op_bind_inside, W(2), ERRS(WALK_ERRS, EINVAL) },
	{ "remount", op_remount, W(2), ERRS(EBUSY) },
	{ "namespace", op_namespace, W(2), ERRS(0) },
	{ 0 }
};
