// SPDX-License-Identifier: GPL-2.0-only
/* Mounts by the syscalls themselves: no option string holds 500 layers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

static const char *const types[NR_KINDS] = { NULL, "overlay", "layerfs" };

/* The kernel's own words, if it left any. */
static void complain(int fs, const char *what)
{
	char words[512];
	int err = errno;
	ssize_t n = read(fs, words, sizeof(words) - 1);

	words[n > 0 ? n : 0] = '\0';
	die("%s: %s (%s)", what, strerror(err), words);
}

static void set(int fs, const char *key, const char *value)
{
	if (fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0))
		complain(fs, key);
}

bool mount_supported(enum kind kind)
{
	int fs;

	if (!types[kind])
		return true;
	fs = fsopen(types[kind], FSOPEN_CLOEXEC);
	if (fs >= 0)
		close(fs);
	return fs >= 0;
}

void mount_stack(enum kind kind, const char *dir, int layers,
		 const char *upper, const char *target)
{
	int fs, mnt, i;
	char path[4096];

	fs = fsopen(types[kind], FSOPEN_CLOEXEC);
	if (fs < 0)
		die("fsopen %s: %s", types[kind], strerror(errno));
	for (i = 0; i < layers; i++) {
		snprintf(path, sizeof(path), "%s/l%d", dir, i);
		set(fs, "lowerdir+", path);
	}
	snprintf(path, sizeof(path), "%s/upper", upper);
	set(fs, "upperdir", path);
	snprintf(path, sizeof(path), "%s/work", upper);
	set(fs, "workdir", path);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		complain(fs, types[kind]);
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0 ||
	    move_mount(mnt, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH))
		complain(fs, target);
	close(mnt);
	close(fs);
}

void mount_bind(const char *dir, const char *target)
{
	int mnt = open_tree(AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mnt < 0 ||
	    move_mount(mnt, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH))
		die("bind %s: %s", dir, strerror(errno));
	close(mnt);
}

void unmount(const char *target)
{
	if (umount2(target, 0))
		die("umount %s: %s", target, strerror(errno));
}
