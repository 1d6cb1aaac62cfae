// SPDX-License-Identifier: GPL-2.0-only
/* The layers and containers of a round: made, and checked at its end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/layerfs_ondisk.h>

#include "../selftests/fixture.h"
#include "../selftests/netlink.h"
#include "content.h"
#include "private.h"
#include "stress.h"
#include "world.h"

#define LISTED (LIST_NLINK | LIST_MTIME | LIST_CTIME | LIST_XATTR)

static struct listing layer_before[NR_LAYERS];
static const char *const staying[] = { "c0", "c1", "c2" };
static bool is_volatile;

static const char *layer_dir(int i)
{
	static char name[8];

	snprintf(name, sizeof(name), "l%d", i);
	return name;
}

int world_mount(const char *lower, const char *upper, const char *target,
		bool is_volatile)
{
	char up[64], work[64];
	struct mnt_opt opts[5] = { { "lowerdir", lower } };
	int n = 1;

	if (upper) {
		snprintf(up, sizeof(up), "up/%s/upper", upper);
		snprintf(work, sizeof(work), "up/%s/work", upper);
		opts[n++] = (struct mnt_opt){ "upperdir", up };
		opts[n++] = (struct mnt_opt){ "workdir", work };
	}
	if (is_volatile)
		opts[n++] = (struct mnt_opt){ "volatile", NULL };
	return fs_mount(opts, target);
}

/* --- layers --- */

static void make_file(const char *path, bool solid)
{
	struct label l = label_new(solid);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0666);

	if (fd < 0)
		return;
	fchmod(fd, 0666);
	if (content_make(fd, &l, rnd(LOOSE_MAX)))
		FAIL("%s: %s", path, strerror(errno));
	close(fd);
}

static void fill_dir(const char *dir)
{
	static const char *const names[] = { "f", "g", "h", "i", "s", "t", "u" };
	char path[MAX_PATH], other[MAX_PATH];

	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (one_in(2))
			make_file(path, names[i][0] >= 's');
		else if (one_in(6))
			mk_whiteout(path);
	}
	snprintf(path, sizeof(path), "%s/f", dir);
	snprintf(other, sizeof(other), "%s/h", dir);
	if (one_in(3) && link(path, other))
		errno = 0;
	snprintf(path, sizeof(path), "%s/g", dir);
	if (one_in(4) && symlink(one_in(2) ? "../f" : "a/h", path))
		errno = 0;
	if (one_in(6))
		mk_xattr(dir, "user.other", "of a layer");
}

static void make_dirs(int layer, const char *parent, int depth)
{
	char path[MAX_PATH];

	for (char c = 'a'; c <= 'd'; c++) {
		snprintf(path, sizeof(path), "%s/%c", parent, c);
		if (depth > 1 && one_in(3))
			continue;
		if (depth > 1 && one_in(8)) {
			mk_whiteout(path);
			continue;
		}
		mk_dir(path);
		if (chmod(path, 0777))
			FAIL("%s: %s", path, strerror(errno));
		if (layer < NR_LAYERS - 1 && one_in(12))
			mk_opaque(path);
		else if (layer < NR_LAYERS - 1 && one_in(12))
			mk_redirect(path, (const char *[]){ "/a/b", "/c", "d" }[rnd(3)]);
		fill_dir(path);
		if (depth < 3)
			make_dirs(layer, path, depth + 1);
	}
}

static void copy_program(const char *from, const char *to)
{
	char cmd[2 * MAX_PATH];

	snprintf(cmd, sizeof(cmd), "cp %s %s && chmod 755 %s", from, to, to);
	if (system(cmd))
		FAIL("%s", cmd);
}

static void make_layers(int workers)
{
	for (int i = 0; i < NR_LAYERS; i++) {
		mk_dir(layer_dir(i));
		if (chmod(layer_dir(i), 0777))
			FAIL("chmod: %s", strerror(errno));
		make_dirs(i, layer_dir(i), 1);
	}
	/* In sight of both c0 and c2, whatever is hidden elsewhere. */
	mk_dir("l1/home");
	mk_dir("l0/home");
	for (int i = 0; i < workers; i++)
		private_make("l1/home", i);
	copy_program("/bin/true", "l1/home/bin");
	mk_file("l1/home/run", "#!/bin/true\n");
	if (chmod("l1/home/run", 0755))
		FAIL("chmod: %s", strerror(errno));
	for (int i = 0; i < NR_LAYERS; i++)
		if (tree_list(layer_dir(i), LIST_ALL, &layer_before[i]))
			FAIL("%s", tree_error);
}

static bool check_layers(void)
{
	struct listing after;
	bool ok = true;

	for (int i = 0; i < NR_LAYERS; i++) {
		if (tree_list(layer_dir(i), LIST_ALL, &after))
			FAIL("%s", tree_error);
		if (!listing_equal(&layer_before[i], "before", &after, "after", 10)) {
			test_note("layer %d has changed", i);
			ok = false;
		}
		listing_free(&after);
		listing_free(&layer_before[i]);
	}
	return ok;
}

/* --- containers --- */

static void make_box(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "up/%s/upper", name);
	mk_dirs(path);
	if (chmod(path, 0777))
		FAIL("chmod: %s", strerror(errno));
	snprintf(path, sizeof(path), "up/%s/work", name);
	mk_dirs(path);
}

static void mount_staying(const char *name)
{
	static const char *const c2 = "l1:mnt/r0", *const c0 = "l0:l1:l2:l3";
	char target[16];
	int rc;

	snprintf(target, sizeof(target), "mnt/%s", name);
	rc = world_mount(!strcmp(name, "c2") ? c2 : c0, name, target, is_volatile);
	if (rc)
		FAIL("mount %s: %s: %s", target, strerror(-rc), mount_log);
}

void world_make(int round, int workers)
{
	char path[64];
	int rc;

	is_volatile = round % 4 == 3;
	mk_dir("up");
	if (round % 3 == 2 &&
	    mount("upper", "up", "tmpfs", 0, "size=50%"))
		FAIL("mount tmpfs: %s", strerror(errno));
	mk_dir("mnt");
	if (mount("mnt", "mnt", "tmpfs", 0, NULL))
		FAIL("mount tmpfs: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(staying) / sizeof(*staying); i++)
		make_box(staying[i]);
	mk_dir("mnt/r0");
	mk_dir("mnt/bind");
	for (size_t i = 0; i < sizeof(staying) / sizeof(*staying); i++) {
		snprintf(path, sizeof(path), "mnt/%s", staying[i]);
		mk_dir(path);
	}
	for (int i = 0; i < NR_PASSING; i++) {
		snprintf(path, sizeof(path), "d%d", i);
		make_box(path);
		snprintf(path, sizeof(path), "mnt/d%d", i);
		mk_dir(path);
	}
	/* What is written while nothing is mounted there must not stay. */
	if (mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL))
		FAIL("remount: %s", strerror(errno));
	make_layers(workers);
	rc = world_mount("l3:l4", NULL, "mnt/r0", false);
	if (rc)
		FAIL("mount r0: %s: %s", strerror(-rc), mount_log);
	for (size_t i = 0; i < sizeof(staying) / sizeof(*staying); i++)
		mount_staying(staying[i]);
}

/* --- the end --- */

static bool seen_ok;

static int look_at(const char *path, const struct stat *st, int type, struct FTW *f)
{
	const char *name = path + f->base;
	char list[1024];
	ssize_t n;
	int fd;

	(void)type;
	if (S_ISCHR(st->st_mode) && !st->st_rdev) {
		test_note("%s: a whiteout shows", path);
		seen_ok = false;
	}
	n = llistxattr(path, list, sizeof(list));
	if (n > 0 && memmem(list, n, "trusted.overlay", 15)) {
		test_note("%s: a mark shows", path);
		seen_ok = false;
	}
	if (!S_ISREG(st->st_mode) || strchr("pqrb", name[0]))
		return 0;
	fd = open(path, O_RDONLY);
	if (fd < 0 || content_check_all(fd)) {
		test_note("%s: %s", path, strerror(errno));
		seen_ok = false;
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

static FILE *ino_list;

static int list_ino(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)type;
	(void)f;
	fprintf(ino_list, "%s %llu\n", path, (unsigned long long)st->st_ino);
	return 0;
}

/* All that can be seen of a container; numbers in the order of the names. */
static void view(const char *root, struct listing *l, char **inos)
{
	size_t len;

	if (tree_list(root, LISTED, l))
		FAIL("%s", tree_error);
	ino_list = open_memstream(inos, &len);
	/* The order of a listing differs after a remount: sorted below. */
	if (nftw(root, list_ino, 64, FTW_PHYS))
		FAIL("nftw %s: %s", root, strerror(errno));
	fclose(ino_list);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool same_lines(char *a, char *b)
{
	struct listing l[2] = {};
	char *text[2] = { a, b };
	bool same;

	for (int i = 0; i < 2; i++) {
		for (char *p = strtok(text[i], "\n"); p; p = strtok(NULL, "\n")) {
			l[i].line = realloc(l[i].line, (l[i].count + 1) * sizeof(char *));
			l[i].line[l[i].count++] = p;
		}
		qsort(l[i].line, l[i].count, sizeof(char *), by_line);
	}
	same = listing_equal(&l[0], "before", &l[1], "after", 10);
	free(l[0].line);
	free(l[1].line);
	return same;
}

static bool check_box(const char *name)
{
	struct listing before, after;
	char *ino_before, *ino_after;
	char root[16], path[64];
	bool same;

	snprintf(root, sizeof(root), "mnt/%s", name);
	seen_ok = true;
	if (nftw(root, look_at, 64, FTW_PHYS))
		FAIL("nftw %s: %s", root, strerror(errno));
	view(root, &before, &ino_before);
	if (umount(root))
		FAIL("umount %s: %s", root, strerror(errno));
	if (is_volatile) {
		snprintf(path, sizeof(path), "up/%s/work/work/incompat/volatile", name);
		if (rmdir(path))
			FAIL("rmdir %s: %s", path, strerror(errno));
	}
	drop_caches(true);
	mount_staying(name);
	view(root, &after, &ino_after);
	same = listing_equal(&before, "before", &after, "after", 10);
	same = same_lines(ino_before, ino_after) && same;
	if (!same)
		test_note("%s is not the same after a remount", root);
	listing_free(&before);
	listing_free(&after);
	free(ino_before);
	free(ino_after);
	if (umount(root))
		FAIL("umount %s: %s", root, strerror(errno));
	return same && seen_ok;
}

/*
 * Whether a line of work/ is an entry of the index that some name needs: a copy that
 * has its record, and links besides its own or names that only the image has.
 */
static bool is_of_use(const char *work, const char *line)
{
	int len = strcspn(line, " ") - strlen(LAYERFS_NAMES_SUFFIX);
	struct stat copy, record;
	char path[PATH_MAX];

	if (strncmp(line, LAYERFS_LINKS_DIR, strlen(LAYERFS_LINKS_DIR)))
		return false;
	if (line[strlen(LAYERFS_LINKS_DIR)] == ' ')
		return true;
	if (len <= 0 || strncmp(line + len, LAYERFS_NAMES_SUFFIX, strlen(LAYERFS_NAMES_SUFFIX)))
		len += strlen(LAYERFS_NAMES_SUFFIX);
	snprintf(path, sizeof(path), "%s/%.*s%s", work, len, line, LAYERFS_NAMES_SUFFIX);
	if (lstat(path, &record) || record.st_mtim.tv_nsec ||
	    record.st_mtim.tv_sec > LAYERFS_NAMES_MAX)
		return false;
	snprintf(path, sizeof(path), "%s/%.*s", work, len, line);
	return record.st_mtim.tv_sec || (!lstat(path, &copy) && copy.st_nlink > 1);
}

static bool is_expected(const char *work, const char *line)
{
	return !strncmp(line, ". ", 2) || !strncmp(line, "work ", 5) ||
	       !strncmp(line, "incompat", 8) || !strncmp(line, "work/incompat", 13) ||
	       !strncmp(line, LAYERFS_HANDLES_DIR, strlen(LAYERFS_HANDLES_DIR)) ||
	       is_of_use(work, line);
}

static bool check_work(const char *name)
{
	struct listing l;
	char path[64];
	bool ok = true;

	snprintf(path, sizeof(path), "up/%s/work", name);
	if (tree_list(path, 0, &l))
		FAIL("%s", tree_error);
	for (size_t i = 0; i < l.count; i++)
		if (!is_expected(path, l.line[i])) {
			test_note("left in %s: %s", path, l.line[i]);
			ok = false;
		}
	listing_free(&l);
	return ok;
}

/* Nothing is left in the kernel; the last references go a little later. */
static bool check_gone(void)
{
	static struct nl_row rows[64];
	int left = 0;

	for (int try = 0; try < 100; try++) {
		left = 0;
		for (int cmd = LAYERFS_CMD_GET_LAYER; cmd <= LAYERFS_CMD_MAX; cmd++)
			left += nl_dump(cmd, rows, 64);
		if (!left)
			return true;
		usleep(100000);
	}
	test_note("%d layers, images and containers are left", left);
	return false;
}

static void umount_all(const char *target)
{
	for (int i = 0; i < 1000; i++)
		if (umount2(target, MNT_DETACH))
			return;
}

/* A directory around a mount can be renamed: what op_bind_inside() mounted went with it. */
static void umount_inside(const char *root)
{
	char cwd[PATH_MAX], line[2 * PATH_MAX], at[PATH_MAX];
	FILE *f = fopen("/proc/self/mounts", "re");
	size_t len;

	if (!f || !getcwd(cwd, sizeof(cwd)))
		FAIL("/proc/self/mounts: %s", strerror(errno));
	len = strlen(cwd);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %4095s", at) != 1 || strncmp(at, cwd, len) ||
		    strncmp(at + len + 1, root, strlen(root)))
			continue;
		if (at[len + 1 + strlen(root)] == '/')
			umount_all(at);
	}
	fclose(f);
}

void world_abandon(void)
{
	char path[16];

	umount_inside("mnt/c1");
	umount_all("mnt/bind");
	for (int i = 0; i < NR_PASSING; i++) {
		snprintf(path, sizeof(path), "mnt/d%d", i);
		umount_all(path);
	}
}

bool world_check(void)
{
	char path[16];
	bool ok = true;

	world_abandon();
	if (mount(NULL, "mnt/c1", NULL, MS_REMOUNT, NULL))
		FAIL("remount c1: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(staying) / sizeof(*staying); i++) {
		ok = check_box(staying[i]) && ok;
		ok = check_work(staying[i]) && ok;
	}
	if (umount("mnt/r0"))
		FAIL("umount r0: %s", strerror(errno));
	ok = check_gone() && ok;
	for (int i = 0; i < NR_PASSING; i++) {
		snprintf(path, sizeof(path), "d%d", i);
		ok = check_work(path) && ok;
	}
	ok = check_layers() && ok;
	if (umount("mnt"))
		FAIL("umount mnt: %s", strerror(errno));
	umount2("up", 0);
	return ok;
}
