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

bool mount_supported(enum fs_kind kind)
{
	int fs;

	if (!types[kind])
		return true;
	fs = fsopen(types[kind], FSOPEN_CLOEXEC);
	if (fs >= 0)
		close(fs);
	return fs >= 0;
}

/* How many layers each can stack. */
bool mount_possible(enum fs_kind kind, int layers)
{
	return kind != KIND_OVERLAY || layers <= MAX_LAYERS_WALKED;
}

static int open_fs(enum fs_kind kind)
{
	int fs = fsopen(types[kind], FSOPEN_CLOEXEC);

	must(fs >= 0, "fsopen", types[kind]);
	return fs;
}

static void set_upper(int fs, const char *upper)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/upper", upper);
	set(fs, "upperdir", path);
	snprintf(path, sizeof(path), "%s/work", upper);
	set(fs, "workdir", path);
}

static void finish(int fs, const char *type, const char *target)
{
	int mnt;

	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		complain(fs, type);
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0 ||
	    move_mount(mnt, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH))
		complain(fs, target);
	close(mnt);
	close(fs);
}

/* UPPER may be NULL: read-only. */
void mount_stack(enum fs_kind kind, const char *dir, int layers,
		 const char *upper, const char *target)
{
	char path[4096];
	int fs, i;

	fs = open_fs(kind);
	for (i = 0; i < layers; i++) {
		snprintf(path, sizeof(path), "%s/l%d", dir, i);
		set(fs, "lowerdir+", path);
	}
	if (upper)
		set_upper(fs, upper);
	finish(fs, types[kind], target);
}

/* With one lower directory, where all the layers are mounted. */
void mount_on_image(enum fs_kind kind, const char *image, const char *upper,
		    const char *target)
{
	int fs = open_fs(kind);

	set(fs, "lowerdir+", image);
	set_upper(fs, upper);
	finish(fs, types[kind], target);
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
