// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers, upper, work, mnt: made, mounted, and looked at again at the end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fixture.h"

#define MAX_LAYERS	600
#define FSCONFIG_VALUE	255	/* longest value that fsconfig takes */

char mount_log[4096];

static int layers, snapped;
static struct listing snaps[MAX_LAYERS + 1];
static bool mounted, has_upper;
static char mount_options[256];

const char *fs_type(void)
{
	const char *type = getenv("LFS_FSTYPE");

	return type && *type ? type : "layerfs";
}

const char *scratch_dir(void)
{
	const char *dir = getenv("LFS_SCRATCH");

	return dir && *dir ? dir : "/mnt/scratch";
}

bool on_slow_kernel(void)
{
	const char *slow = getenv("LFS_SLOW");

	return slow && *slow;
}

static const char *layer_name(int i)
{
	static char name[16];

	snprintf(name, sizeof(name), "l%d", i);
	return name;
}

/* With LFS_OVERLAY_OPTIONS ("KEY=VALUE,...") others than these. */
int fs_add_own_options(int fd)
{
	const char *options = getenv("LFS_OVERLAY_OPTIONS");
	char copy[256], *save, *key, *value;

	if (!on_overlay())
		return 0;
	snprintf(copy, sizeof(copy), "%s",
		 options ? options : "redirect_dir=on,index=off,metacopy=off");
	for (key = strtok_r(copy, ",", &save); key; key = strtok_r(NULL, ",", &save)) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		if (fsconfig(fd, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key,
			     value, 0))
			return -1;
	}
	return 0;
}

static void read_log(int fd)
{
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(mount_log) - 1 &&
	       (n = read(fd, mount_log + len, sizeof(mount_log) - 1 - len)) > 0)
		len += n;
	mount_log[len] = '\0';
}

static int configure(int fd, const struct mnt_opt *opts)
{
	for (; opts->key; opts++) {
		int cmd = opts->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(fd, cmd, opts->key, opts->value, 0))
			return -1;
	}
	if (fs_add_own_options(fd))
		return -1;
	return fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int fs_mount(const struct mnt_opt *opts, const char *target)
{
	int fd = fsopen(fs_type(), FSOPEN_CLOEXEC), mfd = -1, err = 0;

	mount_log[0] = '\0';
	if (fd < 0)
		return -errno;
	if (configure(fd, opts))
		err = -errno;
	if (!err) {
		mfd = fsmount(fd, FSMOUNT_CLOEXEC, 0);
		if (mfd < 0 ||
		    move_mount(mfd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH))
			err = -errno;
	}
	if (mfd >= 0)
		close(mfd);
	read_log(fd);
	close(fd);
	return err;
}

void fx_dirs(int n)
{
	if (n > MAX_LAYERS)
		FAIL("at most %d layers", MAX_LAYERS);
	for (int i = 1; i <= n; i++)
		mk_dirs(layer_name(i));
	mk_dirs("upper");
	mk_dirs("work");
	mk_dirs("mnt");
	if (n > layers)
		layers = n;
}

static void snap(int from)
{
	for (int i = from; i <= layers; i++)
		if (tree_list(layer_name(i), LIST_ALL, &snaps[i]))
			FAIL("%s", tree_error);
	snapped = layers;
}

void fx_resnap(void)
{
	for (int i = 1; i <= snapped; i++)
		listing_free(&snaps[i]);
	snap(1);
}

void fx_check_layers(void)
{
	struct listing after;

	for (int i = 1; i <= snapped; i++) {
		if (tree_list(layer_name(i), LIST_ALL, &after))
			FAIL("%s", tree_error);
		if (!listing_equal(&snaps[i], "before", &after, "after", 10))
			FAIL("layer %s has changed", layer_name(i));
		listing_free(&after);
	}
}

/* lowerdir= while it fits into one fsconfig value, else lowerdir+ by layer. */
static int add_layers(struct mnt_opt *opts, int n)
{
	static char list[FSCONFIG_VALUE + 1];
	static char names[MAX_LAYERS][16];
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "%s", layer_name(i + 1));
		len += strlen(names[i]) + 1;
	}
	if (len <= FSCONFIG_VALUE) {
		list[0] = '\0';
		for (int i = 0; i < n; i++)
			sprintf(list + strlen(list), "%s%s", i ? ":" : "",
				names[i]);
		opts[0] = (struct mnt_opt){ "lowerdir", list };
		return 1;
	}
	for (int i = 0; i < n; i++)
		opts[i] = (struct mnt_opt){ "lowerdir+", names[i] };
	return n;
}

static void do_mount(int n)
{
	static struct mnt_opt opts[MAX_LAYERS + 20];
	char copy[sizeof(mount_options)], *save, *key;
	int count, rc;

	count = add_layers(opts, n);
	if (has_upper) {
		opts[count++] = (struct mnt_opt){ "upperdir", "upper" };
		opts[count++] = (struct mnt_opt){ "workdir", "work" };
	}
	strcpy(copy, mount_options);
	for (key = strtok_r(copy, ",", &save); key;
	     key = strtok_r(NULL, ",", &save)) {
		char *value = strchr(key, '=');

		if (value)
			*value++ = '\0';
		opts[count++] = (struct mnt_opt){ key, value };
	}
	opts[count] = (struct mnt_opt){};
	rc = fs_mount(opts, "mnt");
	if (rc)
		FAIL("mount: %s: %s", strerror(-rc), mount_log);
	mounted = true;
}

void fx_mount_with(int n, const char *options)
{
	fx_dirs(n);
	if (layers > snapped)
		snap(snapped + 1);
	has_upper = true;
	snprintf(mount_options, sizeof(mount_options), "%s", options);
	layers = n > layers ? n : layers;
	do_mount(n);
}

void fx_mount(int n)
{
	fx_mount_with(n, "");
}

void fx_mount_ro(int n)
{
	fx_dirs(n);
	if (layers > snapped)
		snap(snapped + 1);
	has_upper = false;
	mount_options[0] = '\0';
	/* overlayfs wants two layers at least when there is no upper */
	if (on_overlay() && n == 1) {
		mk_dirs("l2");
		n = 2;
	}
	do_mount(n);
}

void fx_umount(void)
{
	if (umount("mnt"))
		FAIL("umount mnt: %s", strerror(errno));
	mounted = false;
}

void fx_remount(void)
{
	fx_umount();
	do_mount(layers);
}

/* The index, the mark that keeps overlayfs away from it, and what was renamed. */
static bool is_index(const char *line)
{
	return !strncmp(line, "links", 5) || !strncmp(line, "handles", 7) || !strncmp(line, "work/incompat ", 14) ||
	       !strncmp(line, "work/incompat/links ", 20);
}

static void check_work(void)
{
	struct listing l;

	if (exists("work/links") && !exists("work/work/incompat/links"))
		FAIL("an index that overlayfs is not kept from");
	if (tree_list("work", 0, &l))
		FAIL("%s", tree_error);
	for (size_t i = 0; i < l.count; i++) {
		char *line = l.line[i];
		bool top = !strncmp(line, ". ", 2) || !strncmp(line, "work ", 5);
		bool shared_whiteout = on_overlay() && strstr(line, "dev=0:0");

		if (!top && !shared_whiteout && !is_index(line) &&
		    !strstr(mount_options, "volatile"))
			FAIL("left in the work directory: %s", line);
	}
	listing_free(&l);
}

void fx_finish(void)
{
	if (mounted)
		fx_umount();
	fx_check_layers();
	if (has_upper && snapped)
		check_work();
}

void drop_caches(bool pages)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	const char *what = pages ? "3" : "2";

	sync();
	if (fd < 0 || write(fd, what, 1) != 1)
		FAIL("drop_caches: %s", strerror(errno));
	close(fd);
}

int loop_system(const char *command)
{
	int fd = CHECK_SYS(open("/run/lfs-loop", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	int status;

	CHECK_SYS(flock(fd, LOCK_EX));
	status = system(command);
	close(fd);
	return status;
}

int loop_mount(const char *image, const char *args, const char *where)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "{ test -e /dev/loop-control || modprobe loop; } && "
		 "loop=$(losetup -f --show %s) && "
		 "{ mount %s $loop %s; rc=$?; losetup -d $loop; exit $rc; }", image, args, where);
	return loop_system(command);
}
