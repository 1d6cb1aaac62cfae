// SPDX-License-Identifier: GPL-2.0-only
/*
 * rename in all pairings: never EXDEV inside one mount, and the same tree
 * after a remount.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fixture.h"

/*
 *	upper/u/{f,s}			pure upper
 *	upper/m/{up}	l1/m/{low,s}	merged
 *			l1/l/{f,s}	pure lower
 *			l2/l2/{f}	pure lower, of the bottom layer
 */
static void base(void)
{
	fx_dirs(2);
	mk_dirs("upper/u");
	mk_file("upper/u/f", "u/f");
	mk_file("upper/u/s", "u/s");
	mk_dirs("upper/m");
	mk_file("upper/m/up", "m/up");
	mk_dirs("l1/m");
	mk_file("l1/m/low", "m/low");
	mk_file("l1/m/s", "m/s");
	mk_dirs("l1/l");
	mk_file("l1/l/f", "l/f");
	mk_file("l1/l/s", "l/s");
	mk_dirs("l2/l2");
	mk_file("l2/l2/f", "l2/f");
	fx_mount(2);
}

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

TEST(rename, files)
{
	base();
	CHECK_SYS(rename("mnt/u/f", "mnt/u/g"));
	CHECK_SYS(rename("mnt/l/f", "mnt/l/g"));
	CHECK_SYS(rename("mnt/m/low", "mnt/m/low2"));
	CHECK_STR(ls("mnt/u"), "g s");
	CHECK_STR(ls("mnt/l"), "g s");
	CHECK_STR(ls("mnt/m"), "low2 s up");
	CHECK_STR(cat("mnt/l/g"), "l/f");
	CHECK(is_whiteout("upper/l/f"));
	CHECK_STR(ls("upper/u"), "g s");
	check_same_after_remount();
}

TEST(rename, files_between_directories)
{
	base();
	CHECK_SYS(rename("mnt/u/f", "mnt/l/from_u"));
	CHECK_SYS(rename("mnt/l/f", "mnt/u/from_l"));
	CHECK_SYS(rename("mnt/m/low", "mnt/from_m"));
	CHECK_SYS(rename("mnt/l2/f", "mnt/m/from_l2"));
	CHECK_STR(ls("mnt/u"), "from_l s");
	CHECK_STR(ls("mnt/l"), "from_u s");
	CHECK_STR(ls("mnt/m"), "from_l2 s up");
	CHECK_STR(ls("mnt/l2"), "");
	CHECK_STR(cat("mnt/m/from_l2"), "l2/f");
	check_same_after_remount();
}

TEST(rename, file_over_file)
{
	base();
	CHECK_SYS(rename("mnt/u/f", "mnt/l/f"));	/* upper over lower */
	CHECK_SYS(rename("mnt/l/s", "mnt/u/s"));	/* lower over upper */
	CHECK_SYS(rename("mnt/m/low", "mnt/l2/f"));	/* lower over lower */
	CHECK_SYS(rename("mnt/m/up", "mnt/m/s"));
	CHECK_STR(cat("mnt/l/f"), "u/f");
	CHECK_STR(cat("mnt/u/s"), "l/s");
	CHECK_STR(cat("mnt/l2/f"), "m/low");
	CHECK_STR(cat("mnt/m/s"), "m/up");
	CHECK_STR(ls("mnt/m"), "s");
	CHECK_STR(ls("mnt/l"), "f");
	check_same_after_remount();
}

/* A directory of a layer, and one merged: moved, not copied, never EXDEV. */
TEST(rename, lower_directory)
{
	base();
	CHECK_SYS(rename("mnt/l", "mnt/moved"));
	CHECK_STR(ls("mnt"), "l2 m moved u");
	CHECK_STR(ls("mnt/moved"), "f s");
	CHECK_STR(cat("mnt/moved/f"), "l/f");
	CHECK(xattr_of("upper/moved", "trusted.overlay.redirect"));
	CHECK_STR(ls("upper/moved"), "");
	CHECK(is_whiteout("upper/l"));
	check_same_after_remount();
	append_file("mnt/moved/f", "+");
	CHECK_STR(cat("upper/moved/f"), "l/f+");
	CHECK_SYS(unlink("mnt/moved/s"));
	check_same_after_remount();
	CHECK_STR(ls("mnt/moved"), "f");
}

TEST(rename, merged_directory)
{
	base();
	CHECK_SYS(rename("mnt/m", "mnt/moved"));
	CHECK_STR(ls("mnt/moved"), "low s up");
	CHECK(xattr_of("upper/moved", "trusted.overlay.redirect"));
	check_same_after_remount();
	CHECK_SYS(rename("mnt/moved", "mnt/u/again"));
	CHECK_STR(ls("mnt/u/again"), "low s up");
	check_same_after_remount();
	CHECK_SYS(rename("mnt/u/again/low", "mnt/u/again/low2"));
	CHECK_STR(ls("mnt/u/again"), "low2 s up");
	check_same_after_remount();
}

/* Back to where it came from. */
TEST(rename, directory_there_and_back)
{
	base();
	CHECK_SYS(rename("mnt/l", "mnt/moved"));
	CHECK_SYS(rename("mnt/moved", "mnt/l"));
	CHECK_STR(ls("mnt"), "l l2 m u");
	CHECK_STR(ls("mnt/l"), "f s");
	check_same_after_remount();
	CHECK_SYS(rename("mnt/l", "mnt/u/l"));
	CHECK_SYS(rename("mnt/u/l", "mnt/l"));
	check_same_after_remount();
}

/* A moved directory inside a moved directory, renamed outside in. */
TEST(rename, nested_directories)
{
	fx_dirs(2);
	mk_dirs("l1/a/b/c");
	mk_file("l1/a/b/c/f", "1");
	mk_dirs("l2/a/b/c");
	mk_file("l2/a/b/c/g", "2");
	fx_mount(2);
	CHECK_SYS(rename("mnt/a/b/c", "mnt/a/b/C"));
	CHECK_SYS(rename("mnt/a/b", "mnt/a/B"));
	CHECK_SYS(rename("mnt/a", "mnt/A"));
	CHECK_STR(ls("mnt/A/B/C"), "f g");
	check_same_after_remount();
	CHECK_SYS(rename("mnt/A/B/C", "mnt/c"));
	CHECK_SYS(rename("mnt/A/B", "mnt/c/b"));
	CHECK_STR(ls("mnt/c"), "b f g");
	CHECK_STR(ls("mnt/A"), "");
	CHECK_SYS(rmdir("mnt/A"));
	check_same_after_remount();
	CHECK_STR(ls("mnt"), "c");
}

/* Something new where the directory was: it must not show through. */
TEST(rename, new_directory_in_the_old_place)
{
	base();
	CHECK_SYS(rename("mnt/l", "mnt/moved"));
	mk_dir("mnt/l");
	CHECK_STR(ls("mnt/l"), "");
	mk_file("mnt/l/new", "new");
	CHECK_STR(ls("mnt/l"), "new");
	CHECK_STR(ls("mnt/moved"), "f s");
	check_same_after_remount();
	CHECK_STR(ls("mnt/l"), "new");
}

/* Two moved directories change places with a third name in between. */
TEST(rename, directories_by_turns)
{
	base();
	CHECK_SYS(rename("mnt/l", "mnt/t"));
	CHECK_SYS(rename("mnt/m", "mnt/l"));
	CHECK_SYS(rename("mnt/t", "mnt/m"));
	CHECK_STR(ls("mnt/l"), "low s up");
	CHECK_STR(ls("mnt/m"), "f s");
	check_same_after_remount();
}

/* A directory takes the place of an empty one, of each kind. */
TEST(rename, directory_over_empty_directory)
{
	fx_dirs(2);
	mk_dirs("l1/low");
	mk_file("l1/low/f", "1");
	mk_dirs("l1/empty");
	mk_dirs("l2/empty");
	mk_dirs("l1/emptied");
	mk_file("l1/emptied/x", "x");
	mk_dirs("l2/full");
	mk_file("l2/full/x", "x");
	fx_mount(2);
	CHECK_ERR(rename("mnt/low", "mnt/full"), ENOTEMPTY);
	CHECK_SYS(rename("mnt/low", "mnt/empty"));
	CHECK_STR(ls("mnt/empty"), "f");
	CHECK_SYS(unlink("mnt/emptied/x"));
	CHECK_SYS(rename("mnt/empty", "mnt/emptied"));
	CHECK_STR(ls("mnt/emptied"), "f");
	CHECK_STR(ls("mnt"), "emptied full");
	mk_dir("mnt/new");
	CHECK_SYS(rename("mnt/emptied", "mnt/new"));
	CHECK_STR(ls("mnt/new"), "f");
	mk_dir("mnt/pure");
	CHECK_SYS(unlink("mnt/full/x"));
	CHECK_SYS(rename("mnt/pure", "mnt/full"));
	CHECK_STR(ls("mnt/full"), "");
	check_same_after_remount();
	CHECK_STR(ls("mnt"), "full new");
}

/* A new (upper only) directory moved to where a lower one was shows itself only. */
TEST(rename, upper_directory_over_whiteout)
{
	base();
	CHECK_SYS(unlink("mnt/l/f"));
	CHECK_SYS(unlink("mnt/l/s"));
	CHECK_SYS(rmdir("mnt/l"));
	CHECK_SYS(rename("mnt/u", "mnt/l"));
	CHECK_STR(ls("mnt/l"), "f s");
	CHECK_STR(cat("mnt/l/f"), "u/f");
	check_same_after_remount();
	CHECK_STR(ls("mnt/l"), "f s");
	CHECK_STR(ls("mnt"), "l l2 m");
}

TEST(rename, wrong_pairings)
{
	base();
	CHECK_ERR(rename("mnt/l", "mnt/u/f"), ENOTDIR);
	CHECK_ERR(rename("mnt/u/f", "mnt/l"), EISDIR);
	CHECK_ERR(rename("mnt/l", "mnt/l/f/x"), ENOTDIR);
	CHECK_ERR(rename("mnt/m", "mnt/m/x"), EINVAL);
	CHECK_ERR(rename("mnt/none", "mnt/x"), ENOENT);
	CHECK_ERR(rename("mnt/l", "mnt/none/x"), ENOENT);
	CHECK_ERR(rename("mnt/u", "mnt/l"), ENOTEMPTY);
	CHECK_ERR(rename("mnt/l", "out"), EXDEV);
	CHECK_SYS(rename("mnt/l/f", "mnt/l/f"));
	CHECK_STR(ls("upper"), "m u");
}

TEST(rename, noreplace)
{
	base();
	CHECK_ERR(rename2("mnt/u/f", "mnt/l/f", RENAME_NOREPLACE), EEXIST);
	CHECK_ERR(rename2("mnt/l/f", "mnt/u/f", RENAME_NOREPLACE), EEXIST);
	CHECK_ERR(rename2("mnt/l", "mnt/l2", RENAME_NOREPLACE), EEXIST);
	CHECK_STR(ls("upper"), "m u");
	CHECK_SYS(unlink("mnt/l/s"));
	CHECK_SYS(rename2("mnt/u/f", "mnt/l/s", RENAME_NOREPLACE));
	CHECK_SYS(rename2("mnt/l", "mnt/moved", RENAME_NOREPLACE));
	CHECK_STR(ls("mnt/moved"), "f s");
	CHECK_STR(cat("mnt/moved/s"), "u/f");
	check_same_after_remount();
}

TEST(rename, unknown_flags)
{
	base();
	CHECK_ERR(rename2("mnt/u/f", "mnt/u/g", 1 << 7), EINVAL);
	CHECK_ERR(rename2("mnt/u/f", "mnt/u/g",
			  RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
	if (on_overlay())
		CHECK_ERR(rename2("mnt/u/f", "mnt/u/g", RENAME_WHITEOUT), EINVAL);
	CHECK_STR(ls("mnt/u"), "f s");
}

/* What the names of the exchange pairings hold. */
static const char *content(const char *path)
{
	return S_ISDIR(stat_of(path).st_mode) ? ls(path) : cat(path);
}

static void check_exchange(const char *a, const char *b)
{
	char ca[64], cb[64];

	snprintf(ca, sizeof(ca), "%s", content(a));
	snprintf(cb, sizeof(cb), "%s", content(b));
	CHECK_SYS(rename2(a, b, RENAME_EXCHANGE));
	CHECK_STR(content(a), cb);
	CHECK_STR(content(b), ca);
}

/*
 * Exchange of everything with everything: upper, lower and merged directories,
 * upper and lower files, in the same directory and across.
 */
TEST(rename, exchange_all_pairings)
{
	static const char *const names[] = { "mnt/u", "mnt/m", "mnt/l",
		"mnt/x/ud", "mnt/x/ld", "mnt/x/lf", "mnt/x/uf", "mnt/f" };
	size_t n = sizeof(names) / sizeof(*names);

	fx_dirs(2);
	mk_dirs("l1/x/ld");
	mk_file("l1/x/ld/in_ld", "");
	mk_file("l1/x/lf", "x/lf");
	mk_dirs("l2/x/ld");
	mk_file("l2/x/ld/in_ld2", "");
	mk_file("l2/f", "f");
	base();
	mk_dir("mnt/x/ud");
	mk_file("mnt/x/ud/in_ud", "");
	mk_file("mnt/x/uf", "x/uf");
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++) {
			check_exchange(names[i], names[j]);
			if ((i + j) % 4 == 0)
				check_same_after_remount();
		}
	CHECK_ERR(rename2("mnt/f", "mnt/none", RENAME_EXCHANGE), ENOENT);
	CHECK_ERR(rename2("mnt/x", "mnt/x/ud", RENAME_EXCHANGE), EINVAL);
	check_same_after_remount();
}

/* One of two links of a file over the other does nothing, as POSIX has it. */
TEST(rename, between_links_of_one_file)
{
	base();
	CHECK_SYS(link("mnt/l/f", "mnt/l/g"));
	CHECK_SYS(rename("mnt/l/f", "mnt/l/g"));
	CHECK_STR(ls("mnt/l"), "f g s");
	CHECK_STR(cat("mnt/l/f"), "l/f");
}

/* Moved while open: the descriptor follows. */
TEST(rename, open_files_and_directories)
{
	int fd, dfd;

	base();
	fd = CHECK_SYS(open("mnt/l/f", O_RDWR));
	dfd = CHECK_SYS(open("mnt/l", O_RDONLY | O_DIRECTORY));
	CHECK_SYS(rename("mnt/l", "mnt/moved"));
	CHECK_EQ(pwrite(fd, "L", 1, 0), 1);
	CHECK_STR(cat("mnt/moved/f"), "L/f");
	CHECK_SYS(faccessat(dfd, "s", F_OK, 0));
	CHECK_SYS(mkdirat(dfd, "sub", 0755));
	CHECK_STR(ls("mnt/moved"), "f s sub");
	close(fd);
	close(dfd);
	check_same_after_remount();
}

/* A relative redirect while the name changes, an absolute one across. */
TEST(rename, redirect_forms)
{
	base();
	CHECK_SYS(rename("mnt/l", "mnt/k"));
	CHECK_SYS(rename("mnt/l2", "mnt/u/l2"));
	CHECK(xattr_of("upper/k", "trusted.overlay.redirect"));
	CHECK_STR(xattr_of("upper/u/l2", "trusted.overlay.redirect"), "/l2");
	CHECK_SYS(rename("mnt/k", "mnt/u/k"));
	CHECK_STR(xattr_of("upper/u/k", "trusted.overlay.redirect"), "/l");
	check_same_after_remount();
}

/* Children of a lower directory that was moved, moved out before and after. */
TEST(rename, out_of_a_moved_directory)
{
	fx_dirs(1);
	mk_dirs("l1/a/b");
	mk_file("l1/a/b/f", "f");
	mk_dirs("l1/a/c");
	mk_file("l1/a/c/g", "g");
	fx_mount(1);
	CHECK_SYS(rename("mnt/a/b", "mnt/b"));
	CHECK_SYS(rename("mnt/a", "mnt/z"));
	CHECK_SYS(rename("mnt/z/c", "mnt/c"));
	CHECK_STR(ls("mnt"), "b c z");
	CHECK_STR(ls("mnt/z"), "");
	CHECK_STR(ls("mnt/b"), "f");
	CHECK_STR(ls("mnt/c"), "g");
	check_same_after_remount();
	CHECK_SYS(rename("mnt/c", "mnt/z/b"));
	CHECK_SYS(rename("mnt/b", "mnt/z/c"));
	check_same_after_remount();
	CHECK_STR(ls("mnt/z/b"), "g");
	CHECK_STR(ls("mnt/z/c"), "f");
}

/* sticky directories hold for renames over and away. */
TEST(rename, sticky_directory)
{
	fx_dirs(1);
	mk_dir("l1/tmp");
	CHECK_SYS(chmod("l1/tmp", 01777));
	mk_file("l1/tmp/root", "r");
	mk_file("l1/tmp/user", "u");
	CHECK_SYS(chown("l1/tmp/user", 1000, 1000));
	fx_mount(1);
	AS_USER(1000) {
		CHECK_ERR(rename("mnt/tmp/root", "mnt/tmp/x"), EPERM);
		CHECK_ERR(rename("mnt/tmp/user", "mnt/tmp/root"), EPERM);
		CHECK_ERR(unlink("mnt/tmp/root"), EPERM);
		CHECK_SYS(rename("mnt/tmp/user", "mnt/tmp/user2"));
		CHECK_SYS(unlink("mnt/tmp/user2"));
	}
	CHECK_STR(ls("mnt/tmp"), "root");
}

/* A directory of another owner may be moved but its .. may not be written. */
TEST(rename, directory_without_write_permission)
{
	fx_dirs(1);
	mk_dir("l1/w");
	mk_dir("l1/w/d");
	mk_dir("l1/w/e");
	CHECK_SYS(chmod("l1/w", 0777));
	CHECK_SYS(chmod("l1/w/e", 0777));
	fx_mount(1);
	AS_USER(1000) {
		CHECK_ERR(rename("mnt/w/d", "mnt/w/e/d"), EACCES);
		CHECK_SYS(rename("mnt/w/d", "mnt/w/d2"));
	}
	CHECK_STR(ls("mnt/w"), "d2 e");
}
