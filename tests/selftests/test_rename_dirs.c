// SPDX-License-Identifier: GPL-2.0-only
/*
 * Renaming where marks meet: names that are whited out or opaque, each kind of
 * object with each kind of target, directories moved again and again, paths as
 * long as they get.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"

static int rename2(const char *from, const char *to, unsigned int flags)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* The tree is the same after everything cached is gone. */
static void check_same_after_remount(void)
{
	struct listing before, after;
	unsigned int what = LIST_MTIME | LIST_XATTR;

	if (tree_list("mnt", what, &before))
		FAIL("%s", tree_error);
	fx_remount();
	if (tree_list("mnt", what, &after))
		FAIL("%s", tree_error);
	CHECK(listing_equal(&before, "before", &after, "remounted", 20));
	listing_free(&before);
	listing_free(&after);
}

/* What a name shows: of a directory its names, of a file its content. */
static const char *content(const char *path)
{
	return S_ISDIR(stat_of(path).st_mode) ? ls(path) : cat(path);
}

/*
 * In x/ and y/ each, by name:
 *	upper		ud/{f}		uf
 *	merged		md/{f,g}
 *	l1, l2		ld/{f}		lf	cf (changed, so copied up)
 *	whited out	wd (a directory)	wf (a file)
 *	absent		no
 */
static const char *const present[] = { "ud", "md", "ld", "uf", "lf", "cf" };
static const char *const absent[] = { "wd", "wf", "no" };

#define FOR_EACH(name, names)						\
	for (const char *const *name = names;				\
	     name < names + sizeof(names) / sizeof(*names); name++)

static void make_side(const char *side)
{
	char path[64];

#define AT(layer, name) (snprintf(path, sizeof(path), "%s/%s/%s", layer, side, name), path)
	mk_dirs(AT("l1", "md"));
	mk_file(AT("l1", "md/f"), "merged");
	mk_dirs(AT("l2", "md"));
	mk_file(AT("l2", "md/g"), "merged");
	mk_dirs(AT("upper", "md"));
	mk_dirs(AT("l2", "ld"));
	mk_file(AT("l2", "ld/f"), "lower");
	mk_file(AT("l2", "lf"), "lower");
	mk_file(AT("l1", "cf"), "lower");
	mk_dirs(AT("l1", "wd"));
	mk_file(AT("l1", "wd/hidden"), "");
	mk_whiteout(AT("upper", "wd"));
	mk_file(AT("l2", "wf"), "hidden");
	mk_whiteout(AT("upper", "wf"));
	mk_dirs(AT("upper", "ud"));
	mk_file(AT("upper", "ud/f"), "upper");
	mk_file(AT("upper", "uf"), "upper");
}

static void make_both(void)
{
	fx_dirs(2);
	make_side("x");
	make_side("y");
	fx_mount(2);
	append_file("mnt/x/cf", ", changed");
	append_file("mnt/y/cf", ", changed");
}

/* NOREPLACE fails over each object and goes through to each absent name, and back. */
TEST(rename, noreplace_all_pairings)
{
	char from[64], to[64], before[64];

	make_both();
	FOR_EACH(f, present) {
		snprintf(from, sizeof(from), "mnt/x/%s", *f);
		snprintf(before, sizeof(before), "%s", content(from));
		FOR_EACH(t, present) {
			snprintf(to, sizeof(to), "mnt/y/%s", *t);
			CHECK_ERR(rename2(from, to, RENAME_NOREPLACE), EEXIST);
		}
		FOR_EACH(t, absent) {
			snprintf(to, sizeof(to), "mnt/y/%s", *t);
			CHECK_SYS(rename2(from, to, RENAME_NOREPLACE));
			CHECK_STR(content(to), before);
			CHECK_ERR(access(from, F_OK), ENOENT);
			check_same_after_remount();
			CHECK_STR(content(to), before);
			CHECK_SYS(rename2(to, from, RENAME_NOREPLACE));
			CHECK_STR(content(from), before);
			CHECK_ERR(access(to, F_OK), ENOENT);
		}
	}
	check_same_after_remount();
	CHECK_STR(ls("mnt/x"), "cf ld lf md ud uf");
	CHECK_STR(ls("mnt/y"), "cf ld lf md ud uf");
}

/* Exchange of each with each, and with no absent name, which changes nothing. */
TEST(rename, exchange_with_every_kind)
{
	char from[64], to[64], cf[64], ct[64];

	make_both();
	FOR_EACH(f, present) {
		snprintf(from, sizeof(from), "mnt/x/%s", *f);
		FOR_EACH(t, absent) {
			snprintf(to, sizeof(to), "mnt/y/%s", *t);
			CHECK_ERR(rename2(from, to, RENAME_EXCHANGE), ENOENT);
			CHECK_ERR(rename2(to, from, RENAME_EXCHANGE), ENOENT);
		}
		FOR_EACH(t, present) {
			snprintf(to, sizeof(to), "mnt/y/%s", *t);
			snprintf(cf, sizeof(cf), "%s", content(from));
			snprintf(ct, sizeof(ct), "%s", content(to));
			CHECK_SYS(rename2(from, to, RENAME_EXCHANGE));
			CHECK_STR(content(from), ct);
			CHECK_STR(content(to), cf);
		}
		check_same_after_remount();
	}
	CHECK_STR(ls("mnt/x"), "cf ld lf md ud uf");
	CHECK_STR(ls("mnt/y"), "cf ld lf md ud uf");
}

/* Plain renames of each kind of directory over each kind of empty one. */
TEST(rename, over_directories_empty_by_whiteouts)
{
	static const char *const from[] = { "mnt/x/ud", "mnt/x/md", "mnt/x/ld" };
	static const char *const to[] = { "mnt/by_upper", "mnt/by_layer", "mnt/opaque" };
	char before[64];

	fx_dirs(3);
	/* empty by whiteouts of the upper, of the layer l1, by an opaque mark */
	mk_dirs("l2/by_upper");
	mk_file("l2/by_upper/a", "");
	mk_dirs("upper/by_upper");
	mk_whiteout("upper/by_upper/a");
	mk_dirs("l3/by_layer");
	mk_file("l3/by_layer/a", "");
	mk_dirs("l1/by_layer");
	mk_whiteout("l1/by_layer/a");
	mk_dirs("l2/opaque");
	mk_file("l2/opaque/a", "");
	mk_dirs("l1/opaque");
	mk_opaque("l1/opaque");
	mk_whiteout("l1/opaque/a");
	make_side("x");
	fx_mount(3);
	for (int i = 0; i < 3; i++) {
		snprintf(before, sizeof(before), "%s", ls(from[i]));
		CHECK_STR(ls(to[i]), "");
		CHECK_SYS(rename(from[i], to[i]));
		CHECK_STR(ls(to[i]), before);
		check_same_after_remount();
		CHECK_STR(ls(to[i]), before);
		/* and what was there must not come back when it leaves again */
		CHECK_SYS(rename(to[i], from[i]));
		CHECK_ERR(access(to[i], F_OK), ENOENT);
		mk_dir(to[i]);
		CHECK_STR(ls(to[i]), "");
		check_same_after_remount();
		CHECK_STR(ls(to[i]), "");
	}
}

/*
 * Empty thanks to whiteouts, of the upper, of a layer, of both, in a subdirectory
 * of each kind: removed, made again, and nothing comes back.
 */
TEST(namespace, rmdir_of_directories_empty_by_whiteouts)
{
	static const char *const dirs[] = { "d/upper", "d/layer", "d/both", "d/moved" };
	char path[64];

	fx_dirs(3);
	for (int i = 0; i < 4; i++) {
		for (int f = 0; f < 2; f++) {
			snprintf(path, sizeof(path), "l3/%s", dirs[i]);
			mk_dirs(path);
			snprintf(path, sizeof(path), "l3/%s/%c", dirs[i], 'a' + f);
			mk_file(path, "");
			/* of d/both the layer l1 hides a, the upper b */
			snprintf(path, sizeof(path), "%s/%s",
				 i == 1 || (i == 2 && !f) ? "l1" : "upper", dirs[i]);
			mk_dirs(path);
			strcat(path, f ? "/b" : "/a");
			mk_whiteout(path);
		}
	}
	fx_mount(3);
	CHECK_SYS(rename("mnt/d/moved", "mnt/d/there"));
	CHECK_SYS(rename("mnt/d/there", "mnt/d/moved"));
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "mnt/%s", dirs[i]);
		CHECK_STR(ls(path), "");
		CHECK_SYS(rmdir(path));
		CHECK_ERR(access(path, F_OK), ENOENT);
	}
	CHECK_STR(ls("mnt/d"), "");
	check_same_after_remount();
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "mnt/%s", dirs[i]);
		mk_dir(path);
		CHECK_STR(ls(path), "");
	}
	check_same_after_remount();
	tree_remove("mnt/d");
	CHECK_STR(ls("mnt"), "");
	CHECK_STR(ls("upper"), "d");
}

/* Into, within and out of directories that hide what the layers have there. */
TEST(rename, through_opaque_directories)
{
	fx_dirs(2);
	mk_dirs("l2/o/sub");
	mk_file("l2/o/sub/hidden", "");
	mk_file("l2/o/file", "hidden");
	mk_dirs("upper/o");
	mk_opaque("upper/o");
	make_side("x");
	fx_mount(2);
	CHECK_STR(ls("mnt/o"), "");
	CHECK_SYS(rename("mnt/x/ld", "mnt/o/sub"));
	CHECK_STR(ls("mnt/o/sub"), "f");
	CHECK_SYS(rename("mnt/x/lf", "mnt/o/file"));
	CHECK_STR(cat("mnt/o/file"), "lower");
	check_same_after_remount();
	CHECK_STR(ls("mnt/o/sub"), "f");
	CHECK_SYS(rename("mnt/o", "mnt/p"));
	mk_dir("mnt/o");
	CHECK_STR(ls("mnt/o"), "");
	CHECK_SYS(rename("mnt/p/sub", "mnt/o/sub"));
	CHECK_STR(ls("mnt/o/sub"), "f");
	check_same_after_remount();
	CHECK_SYS(rename("mnt/x/ud", "mnt/p/sub"));
	CHECK_SYS(rename2("mnt/p", "mnt/o", RENAME_EXCHANGE));
	CHECK_STR(ls("mnt/o"), "file sub");
	CHECK_STR(cat("mnt/o/sub/f"), "upper");
	CHECK_STR(cat("mnt/p/sub/f"), "lower");
	check_same_after_remount();
	CHECK_STR(cat("mnt/o/sub/f"), "upper");
	CHECK_STR(cat("mnt/p/sub/f"), "lower");
}

/* Renamed dozens of times, with what is in it and what it is in. */
TEST(rename, renamed_directories_renamed)
{
	char from[64], to[64];

	fx_dirs(2);
	mk_dirs("l1/a0/b0/c0");
	mk_file("l1/a0/b0/c0/f", "1");
	mk_dirs("l2/a0/b0/c0");
	mk_file("l2/a0/b0/c0/g", "2");
	fx_mount(2);
	for (int i = 0; i < 24; i++) {
		snprintf(from, sizeof(from), "mnt/a%d", i);
		snprintf(to, sizeof(to), "mnt/a%d", i + 1);
		CHECK_SYS(rename(from, to));
		snprintf(from, sizeof(from), "mnt/a%d/b%d", i + 1, i);
		snprintf(to, sizeof(to), "mnt/a%d/b%d", i + 1, i + 1);
		CHECK_SYS(rename(from, to));
		snprintf(from, sizeof(from), "mnt/a%d/b%d/c%d", i + 1, i + 1, i);
		snprintf(to, sizeof(to), "mnt/a%d/b%d/c%d", i + 1, i + 1, i + 1);
		CHECK_SYS(rename(from, to));
		CHECK_STR(ls(to), "f g");
		if (i % 6 == 0)
			check_same_after_remount();
	}
	CHECK_STR(ls("mnt"), "a24");
	CHECK_STR(ls("upper"), "a0 a24");
	CHECK_STR(xattr_of("upper/a24/b24/c24", "trusted.overlay.redirect"), "/a0/b0/c0");
}

/*
 * Each upper becomes the next container's top layer, and the directories that were
 * renamed are renamed again: a redirect per layer, through all of them.
 */
TEST(redirect, renamed_in_every_generation)
{
	char list[128] = "l1", upper[16], work[16], from[64], to[64];

	fx_dirs(1);
	mk_dirs("l1/a0/b0");
	mk_file("l1/a0/b0/f", "bottom");
	for (int i = 0; i < 12; i++) {
		struct mnt_opt opts[] = { { "lowerdir", list }, { "upperdir", upper },
					  { "workdir", work }, {} };

		snprintf(upper, sizeof(upper), "u%d", i);
		snprintf(work, sizeof(work), "w%d", i);
		mk_dir(upper);
		mk_dir(work);
		if (fs_mount(opts, "mnt"))
			FAIL("mount: %s", mount_log);
		snprintf(from, sizeof(from), "mnt/a%d", i);
		snprintf(to, sizeof(to), "mnt/a%d", i + 1);
		CHECK_SYS(rename(from, to));
		snprintf(from, sizeof(from), "mnt/a%d/b%d", i + 1, i);
		snprintf(to, sizeof(to), "mnt/a%d/b%d", i + 1, i + 1);
		CHECK_SYS(rename(from, to));
		snprintf(from, sizeof(from), "mnt/a%d/b%d/new%d", i + 1, i + 1, i);
		mk_file(from, "");
		snprintf(from, sizeof(from), "mnt/a%d/b%d/f", i + 1, i + 1);
		CHECK_STR(cat(from), "bottom");
		CHECK_SYS(umount("mnt"));
		memmove(list + strlen(upper) + 1, list, strlen(list) + 1);
		memcpy(list, upper, strlen(upper));
		list[strlen(upper)] = ':';
	}
	{
		struct mnt_opt opts[] = { { "lowerdir", list }, {} };

		if (fs_mount(opts, "mnt"))
			FAIL("mount: %s", mount_log);
	}
	CHECK_STR(ls("mnt"), "a12");
	CHECK_STR(ls("mnt/a12"), "b12");
	CHECK_STR(ls("mnt/a12/b12"), "f new0 new1 new10 new11 new2 new3 new4 new5 new6 new7 new8 new9");
	CHECK_SYS(umount("mnt"));
}

#define LEVEL		200	/* bytes of a name in a deep path */

/* Goes down @levels long names from @top, making them or not; the last one's fd. */
static int descend(const char *top, int levels, bool make)
{
	int fd = CHECK_SYS(open(top, O_RDONLY | O_DIRECTORY)), next;
	char name[LEVEL];

	memset(name, 'n', LEVEL);
	name[LEVEL - 1] = '\0';
	for (int i = 0; i < levels; i++) {
		if (make)
			CHECK_SYS(mkdirat(fd, name, 0755));
		next = CHECK_SYS(openat(fd, name, O_RDONLY | O_DIRECTORY));
		close(fd);
		fd = next;
	}
	return fd;
}

/* Makes two halves of a path that is too long for what removes the test's tree. */
static void fold(const char *top)
{
	int fd = CHECK_SYS(open(top, O_RDONLY | O_DIRECTORY));
	int half = descend(top, 12, false);
	char name[LEVEL];

	memset(name, 'n', LEVEL);
	name[LEVEL - 1] = '\0';
	CHECK_SYS(renameat(half, name, fd, "half"));
	close(half);
	close(fd);
}

/* Paths of 3,000 bytes: moved to the top, down again, and along with their parents. */
TEST(rename, deep_paths)
{
	int deep, top;

	fx_dirs(1);
	deep = descend("l1", 15, true);
	CHECK_SYS(mkdirat(deep, "dir", 0755));
	close(CHECK_SYS(openat(deep, "dir/file", O_CREAT | O_WRONLY, 0644)));
	close(deep);
	fx_mount(1);
	top = CHECK_SYS(open("mnt", O_RDONLY | O_DIRECTORY));
	deep = descend("mnt", 15, false);
	CHECK_SYS(renameat(deep, "dir", top, "dir"));
	CHECK_STR(ls("mnt/dir"), "file");
	CHECK_ERR(faccessat(deep, "dir", F_OK, 0), ENOENT);
	close(deep);
	close(top);
	check_same_after_remount();
	CHECK_STR(ls("mnt/dir"), "file");
	top = CHECK_SYS(open("mnt", O_RDONLY | O_DIRECTORY));
	deep = descend("mnt", 15, false);
	CHECK_SYS(renameat(top, "dir", deep, "again"));
	CHECK_SYS(faccessat(deep, "again/file", F_OK, 0));
	close(deep);
	close(top);
	check_same_after_remount();
	deep = descend("mnt", 15, false);
	CHECK_SYS(faccessat(deep, "again/file", F_OK, 0));
	close(deep);
}

/*
 * Deeper than a path can say: no redirect leads there, so that a directory of a
 * layer is copied by mv(1); files, and what merges with nothing, are renamed.
 */
TEST(rename, deeper_than_a_redirect_reaches)
{
	int deep, top;

	fx_dirs(1);
	deep = descend("l1", 25, true);
	CHECK_SYS(mkdirat(deep, "dir", 0755));
	close(CHECK_SYS(openat(deep, "dir/file", O_CREAT | O_WRONLY, 0644)));
	close(CHECK_SYS(openat(deep, "file", O_CREAT | O_WRONLY, 0644)));
	close(deep);
	mk_dirs("mnt");
	{
		struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
					  { "workdir", "work" }, {} };

		if (fs_mount(opts, "mnt"))
			FAIL("mount: %s", mount_log);
	}
	top = CHECK_SYS(open("mnt", O_RDONLY | O_DIRECTORY));
	deep = descend("mnt", 25, false);
	CHECK_ERR(renameat(deep, "dir", top, "dir"), EXDEV);
	CHECK_SYS(faccessat(deep, "dir/file", F_OK, 0));
	CHECK_SYS(renameat(deep, "file", top, "file"));
	CHECK_SYS(mkdirat(deep, "new", 0755));
	CHECK_SYS(renameat(deep, "new", top, "new"));
	CHECK_SYS(unlinkat(deep, "dir/file", 0));
	CHECK_SYS(unlinkat(deep, "dir", AT_REMOVEDIR));
	close(deep);
	close(top);
	CHECK_SYS(umount("mnt"));
	fold("l1");
	fold("upper");
}
