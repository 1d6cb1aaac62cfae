// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random layers in overlayfs's format, and an independent merge of them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness.h"
#include "model.h"
#include "tree.h"

#define ENTRIES		45	/* tried a layer */
#define FILES		32	/* of a layer, that links are made to */
#define GROUPS		128	/* of links in a tree that is copied */

/* --- layers --- */

static void mk_acl(struct model *m, const char *path, const char *name)
{
	if (lsetxattr(path, name, draw_acl(m), ACL_LEN, 0))
		FAIL("%s of %s: %s", name, path, strerror(errno));
}

static void decorate(struct model *m, const char *path, bool dir)
{
	CHECK_SYS(lchown(path, rnd(m, 3) ? 0 : 1000, rnd(m, 3) ? 0 : 1000));
	CHECK_SYS(chmod(path, (dir ? 0755 : 0644) ^ rnd(m, 0100)));
	if (!rnd(m, 4))
		mk_xattr(path, "user.a", "layer");
	if (!rnd(m, 6))
		mk_xattr(path, "trusted.c", "deep");
	if (!rnd(m, 6))
		mk_acl(m, path, "system.posix_acl_access");
	if (dir && !rnd(m, 4))
		mk_acl(m, path, "system.posix_acl_default");
}

static void make_file(struct model *m, const char *path)
{
	mk_pattern(path, rnd(m, 4) ? rnd(m, 9000) : rnd(m, 3) * 4096, m->rng);
	if (!rnd(m, 5))
		CHECK_SYS(truncate(path, rnd(m, FILE_MAX)));
	decorate(m, path, false);
}

/* A link to a file that the layer has, if links are wanted and there is one. */
static bool make_link(struct model *m, const char *path, int layer)
{
	static char files[FILES][64];
	static int of_layer, nr;

	if (!m->opt->links)
		return false;
	if (of_layer != layer)
		nr = 0;
	of_layer = layer;
	if (nr && !rnd(m, 3)) {
		CHECK_SYS(link(files[rnd(m, nr)], path));
		return true;
	}
	if (nr < FILES)
		snprintf(files[nr++], sizeof(files[0]), "%s", path);
	return false;
}

static void make_entry(struct model *m, const char *path, int layer)
{
	char target[8] = { 'a' + rnd(m, NAMES), 0 };

	switch (rnd(m, 12)) {
	case 0 ... 4:
		if (!make_link(m, path, layer))
			make_file(m, path);
		break;
	case 5 ... 7:
		mk_dir(path);
		decorate(m, path, true);
		break;
	case 8:
		CHECK_SYS(symlink(target, path));
		break;
	case 9:
		CHECK_SYS(mknod(path, S_IFIFO | 0644, 0));
		break;
	default:
		if (layer < LAYERS)
			mk_whiteout(path);
		else
			make_file(m, path);
	}
}

/*
 * Marks a top directory of the layer as one that was renamed: its content comes
 * from another top directory of the layers below, and that name is hidden.
 */
static void make_redirect(struct model *m, int layer)
{
	char from[64], to[64], value[8];
	int a = rnd(m, NAMES), b = rnd(m, NAMES);

	/* Links, and two directories of one source: whose link is it then? */
	if (a == b || m->opt->links)
		return;
	snprintf(from, sizeof(from), "l%d/%c", layer, 'a' + a);
	snprintf(to, sizeof(to), "l%d/%c", layer, 'a' + b);
	if (exists(to)) {
		if (!S_ISDIR(stat_of(to).st_mode) || is_opaque(to))
			return;
	} else {
		mk_dir(to);
	}
	snprintf(value, sizeof(value), rnd(m, 2) ? "/%c" : "%c", 'a' + a);
	mk_redirect(to, value);
	if (!exists(from))
		mk_whiteout(from);
}

static void make_layer(struct model *m, int layer)
{
	char path[64];
	int len;

	for (int i = 0; i < ENTRIES; i++) {
		int depth = rnd(m, 3);

		len = snprintf(path, sizeof(path), "l%d", layer);
		for (int d = 0; d <= depth; d++) {
			snprintf(path + len, sizeof(path) - len, "/%c",
				 'a' + rnd(m, NAMES));
			len += 2;
			if (!exists(path))
				break;
			if (!S_ISDIR(stat_of(path).st_mode))
				break;
		}
		if (!exists(path))
			make_entry(m, path, layer);
		else if (layer < LAYERS && S_ISDIR(stat_of(path).st_mode) &&
			 !rnd(m, 5))
			mk_opaque(path);
	}
	if (layer < LAYERS)
		for (int i = 0; i < 2; i++)
			make_redirect(m, layer);
}

/* Old times for everything, so that a change of any shows. */
static void age(struct model *m, const char *dir)
{
	char path[PATH_MAX];
	struct dirent *de;
	DIR *d = opendir(dir);

	while ((de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (de->d_type == DT_DIR)
			age(m, path);
		else
			mk_mtime(path, 1 + rnd(m, 99999999), rnd(m, 999999999));
	}
	closedir(d);
	mk_mtime(dir, 1 + rnd(m, 99999999), rnd(m, 999999999));
}

void model_make_layers(struct model *m)
{
	char path[8];

	for (int layer = LAYERS; layer; layer--) {
		snprintf(path, sizeof(path), "l%d", layer);
		mk_dirs(path);
		make_layer(m, layer);
		age(m, path);
	}
}

/* --- merge --- */

/* One directory of one layer that is a part of a merged directory. */
struct part {
	int layer;
	char path[512];
};

struct merged {
	int count;
	struct part part[LAYERS];
};

/* The directory at @path of all layers below @layer. */
static void parts_below(struct merged *out, int layer, const char *path)
{
	for (layer++; layer <= LAYERS; layer++) {
		struct part *p = &out->part[out->count];

		snprintf(p->path, sizeof(p->path), "l%d%s", layer, path);
		p->layer = layer;
		if (!exists(p->path))
			continue;
		if (!S_ISDIR(stat_of(p->path).st_mode))
			return;
		out->count++;
		if (is_opaque(p->path))
			return;
		if (xattr_of(p->path, "trusted.overlay.redirect")) {
			char to[64];

			snprintf(to, sizeof(to), "%s",
				 xattr_of(p->path, "trusted.overlay.redirect"));
			if (to[0] != '/')	/* only top directories have one */
				memmove(to + 1, to, strlen(to) + 1);
			to[0] = '/';
			parts_below(out, layer, to);
			return;
		}
	}
}

/*
 * What @name of the merged directory @dir is: 0 nothing, 1 the non-directory
 * out->part[0], 2 the merged directory *out.
 */
static int look_up(const struct merged *dir, const char *name,
		   struct merged *out)
{
	out->count = 0;
	for (int i = 0; i < dir->count; i++) {
		struct part *p = &out->part[out->count];
		struct stat st;

		snprintf(p->path, sizeof(p->path), "%.200s/%s", dir->part[i].path,
			 name);
		p->layer = dir->part[i].layer;
		if (!exists(p->path))
			continue;
		st = stat_of(p->path);
		if (is_whiteout(p->path))
			break;
		if (!S_ISDIR(st.st_mode))
			return out->count ? 2 : 1;
		out->count++;
		if (is_opaque(p->path))
			break;
		if (xattr_of(p->path, "trusted.overlay.redirect")) {
			char to[64];
			const char *v = xattr_of(p->path,
						 "trusted.overlay.redirect");

			snprintf(to, sizeof(to), "%s%s", *v == '/' ? "" : "/", v);
			parts_below(out, p->layer, to);
			break;
		}
	}
	return out->count ? 2 : 0;
}

static void copy_xattrs(const char *from, const char *to)
{
	char list[4096], value[4096];
	ssize_t len = CHECK_SYS(llistxattr(from, list, sizeof(list)));

	for (char *p = list; p < list + len; p += strlen(p) + 1) {
		ssize_t n;

		if (!strncmp(p, "trusted.overlay.", 16))
			continue;
		n = CHECK_SYS(lgetxattr(from, p, value, sizeof(value)));
		CHECK_SYS(lsetxattr(to, p, value, n, 0));
	}
}

/* Owner, mode, xattrs but for marks, and mtime. */
void model_copy_attrs(const char *from, const char *to)
{
	struct stat st = stat_of(from);

	CHECK_SYS(lchown(to, st.st_uid, st.st_gid));
	if (!S_ISLNK(st.st_mode))
		CHECK_SYS(chmod(to, st.st_mode & 07777));
	copy_xattrs(from, to);
	mk_mtime(to, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void copy_object(const char *from, const char *to)
{
	struct stat st = stat_of(from);
	static char buf[65536];
	char target[PATH_MAX] = "";
	int in, out;
	ssize_t n;

	if (S_ISREG(st.st_mode)) {
		in = CHECK_SYS(open(from, O_RDONLY));
		out = CHECK_SYS(open(to, O_WRONLY | O_CREAT | O_EXCL, 0600));
		while ((n = CHECK_SYS(read(in, buf, sizeof(buf)))))
			CHECK_EQ(write(out, buf, n), n);
		close(in);
		close(out);
	} else if (S_ISLNK(st.st_mode)) {
		CHECK_SYS(readlink(from, target, sizeof(target) - 1));
		CHECK_SYS(symlink(target, to));
	} else {
		CHECK_SYS(mknod(to, st.st_mode, st.st_rdev));
	}
	model_copy_attrs(from, to);
}

/*
 * The files with several links of the tree that is copied, and where the first of
 * each went.
 */
static struct group {
	dev_t dev;
	ino_t ino;
	nlink_t missing;
	char path[PATH_MAX];
} groups[GROUPS];
static int nr_groups;
static bool keep_links;

/* copy_object(), but a link stays one. */
static void copy_link(const char *from, const char *to)
{
	struct stat st = stat_of(from);
	struct group *g = groups;

	if (st.st_nlink == 1) {
		copy_object(from, to);
		return;
	}
	while (g < groups + nr_groups && (g->dev != st.st_dev || g->ino != st.st_ino))
		g++;
	if (g < groups + nr_groups) {
		CHECK_SYS(link(g->path, to));
		g->missing--;
		return;
	}
	copy_object(from, to);
	CHECK(nr_groups < GROUPS);
	nr_groups++;
	g->dev = st.st_dev;
	g->ino = st.st_ino;
	g->missing = st.st_nlink - 1;
	snprintf(g->path, sizeof(g->path), "%s", to);
}

/* Links that do not show count too: in a layer they are there. */
static void make_hidden_links(const char *dir)
{
	char path[64];
	int serial = 0;

	mk_dir(dir);
	for (struct group *g = groups; g < groups + nr_groups; g++) {
		while (g->missing--) {
			snprintf(path, sizeof(path), "%s/%d", dir, serial++);
			CHECK_SYS(link(g->path, path));
		}
	}
}

static void merge_dir(const struct merged *dir, const char *to)
{
	char path[PATH_MAX];
	struct merged sub;
	struct dirent *de;
	DIR *d;

	for (int i = 0; i < dir->count; i++) {
		d = opendir(dir->part[i].path);
		CHECK(d);
		while ((de = readdir(d))) {
			if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
				continue;
			snprintf(path, sizeof(path), "%s/%s", to, de->d_name);
			if (exists(path))
				continue;
			switch (look_up(dir, de->d_name, &sub)) {
			case 1:
				if (keep_links)
					copy_link(sub.part[0].path, path);
				else
					copy_object(sub.part[0].path, path);
				break;
			case 2:
				mk_dir(path);
				merge_dir(&sub, path);
			}
		}
		closedir(d);
	}
	model_copy_attrs(dir->part[0].path, to);
}

/* Makes at @to what a mount of the layers must show; @links: links stay links. */
void model_merge(const char *to, bool links)
{
	struct merged root = {};

	for (int i = 0; i < LAYERS; i++) {
		root.part[i].layer = i + 1;
		snprintf(root.part[i].path, sizeof(root.part[i].path), "l%d",
			 i + 1);
	}
	root.count = LAYERS;
	nr_groups = 0;
	keep_links = links;
	merge_dir(&root, to);
	if (links)
		make_hidden_links("p/hidden");
}

static void copy_dir(const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];
	struct dirent *de;
	DIR *d = opendir(from);

	if (!d)
		FAIL("opendir %s: %s", from, strerror(errno));
	mk_dir(to);
	while ((de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		snprintf(a, sizeof(a), "%s/%s", from, de->d_name);
		snprintf(b, sizeof(b), "%s/%s", to, de->d_name);
		if (!exists(a))
			continue;
		if (S_ISDIR(stat_of(a).st_mode))
			copy_dir(a, b);
		else
			copy_link(a, b);
	}
	closedir(d);
	model_copy_attrs(from, to);
}

void model_copy_tree(const char *from, const char *to)
{
	nr_groups = 0;
	copy_dir(from, to);
}
