// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers made by hand in overlayfs's format, and by a container that then
 * becomes a layer: redirects, opaque directories and whiteouts below the top.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"

/*
 *	l1/new	redirect "/old"		l1/old	whiteout
 *	l2/old/f
 */
TEST(redirect, absolute)
{
	fx_dirs(2);
	mk_dir("l1/new");
	mk_redirect("l1/new", "/old");
	mk_whiteout("l1/old");
	mk_dir("l2/old");
	mk_file("l2/old/f", "f");
	fx_mount(2);
	CHECK_STR(ls("mnt"), "new");
	CHECK_STR(ls("mnt/new"), "f");
	append_file("mnt/new/f", "+");
	CHECK_STR(cat("upper/new/f"), "f+");
	fx_remount();
	CHECK_STR(cat("mnt/new/f"), "f+");
}

/* The same in a subdirectory, by a name beside it. */
TEST(redirect, relative)
{
	fx_dirs(2);
	mk_dirs("l1/d/new");
	mk_redirect("l1/d/new", "old");
	mk_whiteout("l1/d/old");
	mk_dirs("l2/d/old");
	mk_file("l2/d/old/f", "f");
	fx_mount(2);
	CHECK_STR(ls("mnt/d"), "new");
	CHECK_STR(ls("mnt/d/new"), "f");
}

/*
 *	l1/z	redirect "/y"		(top)
 *	l2/y	redirect "/x"		l2/x whiteout
 *	l3/x/f
 */
TEST(redirect, chain_through_layers)
{
	fx_dirs(3);
	mk_dir("l1/z");
	mk_redirect("l1/z", "/y");
	mk_whiteout("l1/y");
	mk_file("l1/z/one", "1");
	mk_dir("l2/y");
	mk_redirect("l2/y", "/x");
	mk_whiteout("l2/x");
	mk_file("l2/y/two", "2");
	mk_dir("l3/x");
	mk_file("l3/x/three", "3");
	fx_mount(3);
	CHECK_STR(ls("mnt"), "z");
	CHECK_STR(ls("mnt/z"), "one three two");
	CHECK_STR(cat("mnt/z/three"), "3");
}

/* An absolute redirect out of a deep directory, past a moved parent. */
TEST(redirect, from_deep_to_shallow)
{
	fx_dirs(3);
	mk_dirs("l1/a/b/c");
	mk_redirect("l1/a/b/c", "/p/q");
	mk_dirs("l2/p/q/r");
	mk_file("l2/p/q/f", "2");
	mk_dirs("l3/p/q/r");
	mk_file("l3/p/q/r/g", "3");
	mk_dirs("l3/a/b/c");
	mk_file("l3/a/b/c/hidden", "");
	fx_mount(3);
	CHECK_STR(ls("mnt/a/b/c"), "f r");
	CHECK_STR(cat("mnt/a/b/c/r/g"), "3");
	CHECK_STR(ls("mnt/p/q"), "f r");
}

/* Only what lies below the redirecting layer is looked at. */
TEST(redirect, does_not_look_up_or_sideways)
{
	fx_dirs(3);
	mk_dirs("l1/old");
	mk_file("l1/old/top", "");
	mk_dirs("l2/new");
	mk_redirect("l2/new", "/old");
	mk_dirs("l2/old");
	mk_file("l2/old/same_layer", "");
	mk_dirs("l3/old");
	mk_file("l3/old/below", "");
	fx_mount(3);
	CHECK_STR(ls("mnt/new"), "below");
	CHECK_STR(ls("mnt/old"), "below same_layer top");
}

TEST(redirect, stops_at_opaque_and_whiteout)
{
	fx_dirs(3);
	mk_dir("l1/a");
	mk_redirect("l1/a", "/b");
	mk_dir("l2/b");
	mk_opaque("l2/b");
	mk_file("l2/b/seen", "");
	mk_dir("l3/b");
	mk_file("l3/b/hidden", "");
	mk_dir("l1/c");
	mk_redirect("l1/c", "/d");
	mk_whiteout("l2/d");
	mk_dir("l3/d");
	mk_file("l3/d/hidden", "");
	fx_mount(3);
	CHECK_STR(ls("mnt/a"), "seen");
	CHECK_STR(ls("mnt/c"), "");
	CHECK_STR(ls("mnt/b"), "seen");
}

/*
 * On the way of a path an opaque directory hides the layers below, but a directory
 * in it may have its own redirect there, from the root; not one beside it.
 *
 *	l1/a  redirect "/f/c"	l2/f/  opaque		l3/e/shown
 *	l1/b  redirect "/f/r"	l2/f/c redirect "/e"	l3/f/x/hidden
 *				l2/f/r redirect "x"	l3/f/c/hidden
 */
TEST(redirect, out_of_an_opaque_directory)
{
	fx_dirs(3);
	mk_dir("l1/a");
	mk_redirect("l1/a", "/f/c");
	mk_dir("l1/b");
	mk_redirect("l1/b", "/f/r");
	mk_dirs("l2/f/c");
	mk_file("l2/f/c/own", "");
	mk_redirect("l2/f/c", "/e");
	mk_dirs("l2/f/r");
	mk_file("l2/f/r/own", "");
	mk_redirect("l2/f/r", "x");
	mk_opaque("l2/f");
	mk_dirs("l3/e");
	mk_file("l3/e/shown", "");
	mk_dirs("l3/f/x");
	mk_file("l3/f/x/hidden", "");
	mk_dirs("l3/f/c");
	mk_file("l3/f/c/hidden", "");
	fx_mount(3);
	CHECK_STR(ls("mnt/f/c"), "own shown");
	CHECK_STR(ls("mnt/a"), "own shown");
	CHECK_STR(ls("mnt/f/r"), "own");
	CHECK_STR(ls("mnt/b"), "own");
}

/* To where nothing is: the directory is what its own layer has. */
TEST(redirect, dangling)
{
	fx_dirs(2);
	mk_dir("l1/a");
	mk_redirect("l1/a", "/none");
	mk_file("l1/a/own", "");
	mk_dir("l2/a");
	mk_file("l2/a/hidden", "");
	mk_dir("l1/b");
	mk_redirect("l1/b", "/file");
	mk_file("l2/file", "");
	fx_mount(2);
	CHECK_STR(ls("mnt/a"), "own");
	CHECK_STR(ls("mnt/b"), "");
}

/* Marks that no writer makes: refused or ignored, but never followed out. */
TEST(redirect, malformed)
{
	static const char *const bad[] = { "..", "../etc", "/../../etc", "", "a/b",
					   "/etc/../etc", "//etc", "/." };
	char path[16], text[64];
	int fd;

	fx_dirs(2);
	mk_dirs("l2/etc");
	mk_file("l2/etc/passwd", "layer");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(path, sizeof(path), "l1/r%zu", i);
		mk_dir(path);
		mk_redirect(path, bad[i]);
	}
	fx_mount(2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "mnt/r%zu/passwd", i);
		fd = open(text, O_RDONLY);
		if (fd < 0)
			continue;
		if (strcmp(cat_fd(fd), "layer"))
			FAIL("redirect \"%s\" leads out of the layers", bad[i]);
		close(fd);
	}
	CHECK_STR(cat("mnt/etc/passwd"), "layer");
}

/* A middle directory that is opaque hides all below it, not what is above. */
TEST(redirect, opaque_in_the_middle)
{
	fx_dirs(4);
	for (int i = 1; i <= 4; i++) {
		char path[16];

		snprintf(path, sizeof(path), "l%d/d", i);
		mk_dir(path);
		snprintf(path, sizeof(path), "l%d/d/f%d", i, i);
		mk_file(path, "");
	}
	mk_opaque("l3/d");
	fx_mount(4);
	CHECK_STR(ls("mnt/d"), "f1 f2 f3");
	CHECK_ERR(access("mnt/d/f4", F_OK), ENOENT);
}

/*
 * What a container wrote, used as a layer below another one, shows the same
 * tree: whiteouts, opaque directories and redirects of its own making.
 */
TEST(redirect, upper_becomes_a_layer)
{
	struct mnt_opt opts[] = { { "lowerdir", "upper:l1:l2" },
				  { "upperdir", "upper2" },
				  { "workdir", "work2" }, {} };
	unsigned int what = LIST_MTIME | LIST_XATTR;
	struct listing before, after;

	fx_dirs(2);
	mk_dirs("l1/a/b");
	mk_file("l1/a/b/f", "1");
	mk_dirs("l2/a/b");
	mk_file("l2/a/b/g", "2");
	mk_dirs("l2/gone");
	mk_file("l2/gone/x", "");
	mk_dirs("l2/again");
	mk_file("l2/again/x", "");
	fx_mount(2);
	CHECK_SYS(rename("mnt/a", "mnt/z"));
	CHECK_SYS(rename("mnt/z/b", "mnt/b"));
	mk_dirs("mnt/b/sub");
	CHECK_SYS(rename("mnt/b", "mnt/z/y"));
	tree_remove("mnt/gone");
	tree_remove("mnt/again");
	mk_dir("mnt/again");
	append_file("mnt/z/y/g", "+");
	CHECK_EQ(tree_list("mnt", what, &before), 0);
	fx_umount();
	mk_dir("upper2");
	mk_dir("work2");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_EQ(tree_list("mnt", what, &after), 0);
	/* the root is upper2's; all below it must be the same */
	for (size_t i = 0; i < before.count; i++)
		if (strncmp(before.line[i], ". ", 2))
			CHECK_STR(after.line[i], before.line[i]);
	CHECK_EQ(after.count, before.count);
	CHECK_SYS(rename("mnt/z/y", "mnt/w"));
	append_file("mnt/w/f", "+");
	CHECK_STR(ls("mnt/w"), "f g sub");
	CHECK_STR(cat("mnt/w/f"), "1+");
	CHECK_SYS(umount("mnt"));
}

/* An upper that overlayfs wrote (format taken from its documentation). */
TEST(redirect, upper_made_by_hand)
{
	fx_dirs(1);
	mk_dirs("l1/lib/old");
	mk_file("l1/lib/old/f", "f");
	mk_file("l1/lib/gone", "");
	mk_dirs("l1/etc");
	mk_file("l1/etc/hidden", "");
	mk_dirs("upper/lib/new");
	mk_redirect("upper/lib/new", "old");
	mk_whiteout("upper/lib/old");
	mk_whiteout("upper/lib/gone");
	mk_xattr("upper/lib", "trusted.overlay.impure", "y");
	mk_dirs("upper/etc");
	mk_opaque("upper/etc");
	mk_file("upper/etc/own", "");
	fx_mount(1);
	CHECK_STR(ls("mnt/lib"), "new");
	CHECK_STR(ls("mnt/lib/new"), "f");
	CHECK_STR(ls("mnt/etc"), "own");
	CHECK_SYS(rename("mnt/lib/new", "mnt/lib/old"));
	CHECK_STR(ls("mnt/lib"), "old");
	CHECK_STR(ls("mnt/lib/old"), "f");
	fx_remount();
	CHECK_STR(ls("mnt/lib/old"), "f");
}

/* Of two directories that claim one source, each shows it. */
TEST(redirect, two_to_one_source)
{
	SKIP_ON_OVERLAY("takes both for one file, and copies one up for both");
	fx_dirs(2);
	mk_dir("l1/a");
	mk_redirect("l1/a", "/src");
	mk_dir("l1/b");
	mk_redirect("l1/b", "/src");
	mk_dir("l2/src");
	mk_file("l2/src/f", "f");
	fx_mount(2);
	CHECK_STR(ls("mnt/a"), "f");
	CHECK_STR(ls("mnt/b"), "f");
	append_file("mnt/a/f", "+");
	CHECK_STR(cat("mnt/b/f"), "f");
	CHECK_STR(cat("mnt/src/f"), "f");
	CHECK_STR(cat("mnt/a/f"), "f+");
}
