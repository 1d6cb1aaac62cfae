// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirects by an author who means harm: out of the layers, in circles, to what
 * is no directory, of any length.  What is no redirect is EIO; what leads to
 * nothing shows the directory's own names and no others.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attack.h"

#define REDIRECT	"trusted.overlay.redirect"

/* A redirect and what the directory that has it then shows. */
struct aim {
	const char *value;
	size_t len;
	const char *shows;
};

#define AIM(value, shows)	{ value, sizeof(value) - 1, shows }

/*
 * The same redirect on a directory of the upper and of the top layer:
 *
 *	upper/u<i>/own	l1/d<i>/own	redirect: aims[i]
 *	l1, l2: file, link -> /, up -> .., self -> ., whiteout, etc/secret
 *	./etc/outside	what nobody must see
 */
static void check_aims(const struct aim *aims, size_t n)
{
	static const char *const base[] = { "l1", "l2" };
	char path[64];

	SKIP_ON_OVERLAY("has errors of its own");
	use_tmpfs();
	fx_dirs(2);
	mk_dir("etc");
	mk_file("etc/outside", "");
	for (int i = 0; i < 2; i++) {
		CHECK_SYS(chdir(base[i]));
		mk_file("file", "");
		CHECK_SYS(symlink("/", "link"));
		CHECK_SYS(symlink("..", "up"));
		CHECK_SYS(symlink("etc", "in"));
		CHECK_SYS(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
		mk_dir("etc");
		mk_file("etc/secret", "");
		CHECK_SYS(chdir(".."));
	}
	mk_whiteout("l2/whiteout");
	for (size_t i = 0; i < n; i++) {
		for (int upper = 0; upper < 2; upper++) {
			snprintf(path, sizeof(path), upper ? "upper/u%zu" : "l1/d%zu",
				 i);
			mk_dir(path);
			put_xattr(path, REDIRECT, aims[i].value, aims[i].len);
			strcat(path, "/own");
			mk_file(path, "");
		}
	}
	must_mount(2, NULL);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++) {
			for (int upper = 0; upper < 2; upper++) {
				snprintf(path, sizeof(path),
					 upper ? "mnt/u%zu" : "mnt/d%zu", i);
				if (strcmp(ls_or_error(path), aims[i].shows))
					FAIL("%s, redirect \"%.40s\" of %zu bytes: got %s, want %s",
					     path, aims[i].value, aims[i].len,
					     ls_or_error(path), aims[i].shows);
			}
		}
		drop_caches(false);
	}
	/* one bad directory does not keep the others from being listed */
	CHECK(strstr(ls("mnt"), "etc"));
	CHECK_SYS(umount("mnt"));
}

#define BAD	"<EIO>"
#define OWN	"own"

TEST(hostile, redirect_dotdot)
{
	static const struct aim aims[] = {
		AIM("..", BAD), AIM("../etc", BAD), AIM("/..", BAD),
		AIM("/../etc", BAD), AIM("/../../../../etc", BAD),
		AIM("/etc/..", BAD), AIM("/etc/../etc", BAD), AIM("a/../b", BAD),
		AIM("/./etc", BAD), AIM(".", BAD), AIM("./etc", BAD), AIM("/.", BAD),
		/* names that only look so */
		AIM("...", OWN), AIM("..a", OWN), AIM("/...", OWN), AIM("/..a/b", OWN),
	};

	check_aims(aims, sizeof(aims) / sizeof(*aims));
}

TEST(hostile, redirect_malformed)
{
	static const struct aim aims[] = {
		AIM("", BAD), AIM("/", BAD), AIM("//", BAD), AIM("//etc", BAD),
		AIM("/etc/", BAD), AIM("/etc//", BAD), AIM("etc/", BAD),
		AIM("etc/secret", BAD), AIM("\0", BAD), AIM("/etc\0", BAD),
		AIM("/etc\0/..", BAD), AIM("etc\0junk", BAD), AIM("\0etc", BAD),
		/* odd bytes are names */
		AIM("\n", OWN), AIM("/\n/\x7f", OWN), AIM("\xff\xfe", OWN),
		AIM("%s%n%p", OWN), AIM(" ", OWN),
		/* and these are where they say */
		AIM("/etc", "own secret"), AIM("etc", "own secret"),
	};

	check_aims(aims, sizeof(aims) / sizeof(*aims));
}

/* To what is no directory: nothing is merged, no link followed. */
TEST(hostile, redirect_to_non_directories)
{
	static const struct aim aims[] = {
		AIM("/file", OWN), AIM("file", OWN), AIM("/file/x", OWN),
		AIM("/link", OWN), AIM("link", OWN), AIM("/link/etc", OWN),
		AIM("/up", OWN), AIM("/up/etc", OWN), AIM("up", OWN),
		AIM("/in", OWN), AIM("in", OWN), AIM("/etc/secret", OWN),
		AIM("/null", OWN), AIM("/whiteout", OWN), AIM("/whiteout/x", OWN),
		AIM("/none", OWN), AIM("/none/etc", OWN),
	};

	check_aims(aims, sizeof(aims) / sizeof(*aims));
}

/* Names of 255 and 256 bytes, paths to either side of PATH_MAX, and 64 KiB. */
TEST(hostile, redirect_over_long)
{
	static const struct { size_t part, len; const char *shows; } sizes[] = {
		{ 255, 255, OWN }, { 256, 256, BAD }, { 4000, 4000, BAD },
		{ 255, 256, OWN }, { 256, 257, BAD }, { 1, 4094, OWN },
		{ 255, 4095, OWN }, { 1, 4096, BAD }, { 255, 4096, BAD },
		{ 1, 65535, BAD }, { 65535, 65535, BAD }, { 0, 65535, BAD },
	};
	struct aim aims[12];

	for (size_t i = 0; i < 12; i++) {
		size_t part = sizes[i].part;
		char *s = malloc(65536);

		memset(s, part ? 'x' : '/', 65536);
		/* a name, or a path of names of @part bytes */
		if (part != sizes[i].len)
			for (size_t j = 0; part && j < sizes[i].len; j += part + 1)
				s[j] = '/';
		s[sizes[i].len] = '\0';
		aims[i] = (struct aim){ s, sizes[i].len, sizes[i].shows };
	}
	check_aims(aims, 12);
}

/*
 * A path is checked again when redirects on the way make it longer:
 *
 *	l1/d	redirect "/a"		l2/a	redirect: 4,000 bytes
 *	l3/...	none of it
 * and one that outgrows PATH_MAX by a redirect in its middle.
 */
TEST(hostile, redirect_grows_on_the_way)
{
	static char longer[4096];

	SKIP_ON_OVERLAY("has errors of its own");
	use_tmpfs();
	fx_dirs(3);
	for (size_t i = 0; i < 4000; i += 200) {
		longer[i] = '/';
		memset(longer + i + 1, 'y', 199);
	}
	mk_dir("l1/d");
	mk_redirect("l1/d", "/a");
	mk_dirs("l2/a");
	put_xattr("l2/a", REDIRECT, longer, 4000);
	mk_file("l2/a/two", "");
	/* l1/e -> /m/<150 bytes>, of which l2/m is 4,000 bytes below */
	mk_dir("l1/e");
	memset(longer + 4090, 0, 6);
	{
		char to[160] = "/m/";

		memset(to + 3, 'z', 150);
		mk_redirect("l1/e", to);
		mk_dirs("l2/m");
		put_xattr("l2/m", REDIRECT, longer, 4000);
		snprintf(longer + 4000, 90, "%.80s", to);
	}
	mk_file("l1/e/one", "");
	must_mount(3, NULL);
	CHECK_STR(ls_or_error("mnt/d"), "two");
	CHECK_STR(ls_or_error("mnt/e"), "<EIO>");
	CHECK_STR(ls("mnt"), "a d e m");
	CHECK_SYS(umount("mnt"));
}

/*
 * Circles between layers.  Each step goes down a layer, so every tree ends:
 *
 *	l1/x -> /y, l1/y -> /x, the same in l2, plain in l3
 *	l1/p/c -> /p, l2/p/c -> /p, l3/p/c/end
 *	upper/s -> /s, upper/t -> /t/in, upper/t/in -> /t
 */
TEST(hostile, redirect_cycles)
{
	struct listing l;

	fx_dirs(3);
	for (int i = 1; i <= 3; i++) {
		char dir[8];

		snprintf(dir, sizeof(dir), "l%d", i);
		CHECK_SYS(chdir(dir));
		mk_dirs("x");
		mk_dirs("y");
		mk_dirs("p/c");
		mk_dirs("s");
		mk_dirs("t/in");
		mk_file("s/s", "");
		mk_file("t/in/t", "");
		mk_file(i & 1 ? "x/odd" : "x/even", "");
		mk_file(i & 1 ? "y/ODD" : "y/EVEN", "");
		mk_file("p/c/end", "");
		if (i < 3) {
			mk_redirect("x", "/y");
			mk_redirect("y", "/x");
			mk_redirect("p/c", "/p");
			mk_redirect("s", "/s");
		}
		CHECK_SYS(chdir(".."));
	}
	mk_dirs("upper/s");
	mk_redirect("upper/s", "/s");
	mk_dirs("upper/t/in");
	mk_redirect("upper/t", "/t/in");
	mk_redirect("upper/t/in", "/t");
	fx_mount(3);
	CHECK_STR(ls("mnt/x"), "EVEN odd");
	CHECK_STR(ls("mnt/y"), "ODD even");
	CHECK_STR(ls("mnt/p/c"), "c end");
	CHECK_STR(ls("mnt/p/c/c"), "c end");
	CHECK_STR(ls("mnt/p/c/c/c"), "end");
	CHECK_STR(ls("mnt/s"), "s");
	CHECK_STR(ls("mnt/t"), "in t");
	CHECK_STR(ls("mnt/t/in"), "in");
	CHECK_STR(ls("mnt/t/in/in"), "t");
	/* the whole tree ends, and can be walked, changed and removed */
	CHECK_EQ(tree_list("mnt", 0, &l), 0);
	CHECK(l.count < 40);
	listing_free(&l);
	append_file("mnt/t/in/in/t", "+");
	append_file("mnt/p/c/c/end", "+");
	CHECK_SYS(rename("mnt/t/in", "mnt/moved"));
	CHECK_STR(cat("mnt/moved/in/t"), "+");
	CHECK_ERR(rename("mnt/p", "mnt/p/c/p"), EINVAL);
	tree_remove("mnt/p");
	CHECK(!exists("mnt/p"));
	fx_remount();
	CHECK_STR(ls("mnt"), "moved s t x y");
	CHECK_STR(cat("mnt/moved/in/t"), "+");
}

/* Every directory of an upper claims the image's root. */
TEST(hostile, redirect_cannot_name_the_root)
{
	fx_dirs(1);
	mk_file("l1/top", "");
	mk_dirs("upper/a/b");
	mk_redirect("upper/a", "/");
	fx_mount(1);
	CHECK_STR(ls_or_error("mnt/a"), "<EIO>");
	CHECK_EQ(stat_error("mnt/a/b"), EIO);
	/* it can be got rid of beneath the mount only, and says so */
	CHECK_EQ(rmdir("mnt/a"), -1);
	CHECK_EQ(errno, EIO);
	CHECK_ERR(rename("mnt/a", "mnt/c"), EIO);
	CHECK_ERR(mkdir("mnt/a", 0755), EIO);
}

/* What is mounted below a layer, and in a layer's place, is not reached. */
TEST(hostile, redirect_into_a_mount_point)
{
	fx_dirs(2);
	mk_dirs("l2/proc");
	mk_file("l2/proc/beneath", "");
	mk_dir("l1/d");
	mk_redirect("l1/d", "/proc");
	mk_dir("l1/e");
	mk_redirect("l1/e", "/proc/1");
	mk_dirs("upper/u");
	mk_redirect("upper/u", "/proc/1/root");
	CHECK_SYS(mount("proc", "l2/proc", "proc", 0, NULL));
	must_mount(2, NULL);
	CHECK_STR(ls("mnt/d"), "beneath");
	CHECK_STR(ls("mnt/e"), "");
	CHECK_STR(ls("mnt/u"), "");
	CHECK_STR(ls("mnt/proc"), "beneath");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l2/proc"));
}

/*
 * A path of @DEPTH names through each of many layers.  Working directories are
 * walked by steps, which costs less than long paths.
 */
#define DEPTH	200

TEST(hostile, redirect_through_many_layers)
{
	char path[2 * DEPTH + 1] = "", name[16];

	SKIP_ON_OVERLAY("limits redirects otherwise");
	use_tmpfs();
	fx_dirs(16);
	for (int i = 1; i <= 16; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		CHECK_SYS(chdir(name));
		for (int j = 0; j < DEPTH; j++) {
			mk_dir("a");
			CHECK_SYS(chdir("a"));
		}
		mk_file(name, "");
		for (int j = 0; j <= DEPTH; j++)
			CHECK_SYS(chdir(".."));
	}
	for (int j = 0; j < DEPTH; j++)
		strcat(path, "/a");
	mk_dir("l1/start");
	mk_redirect("l1/start", path);
	must_mount(16, NULL);
	CHECK_STR(ls("mnt/start"),
		  "l10 l11 l12 l13 l14 l15 l16 l2 l3 l4 l5 l6 l7 l8 l9");
	CHECK_STR(ls("mnt"), "a start");
	CHECK_SYS(umount("mnt"));
}

/*
 * A directory of the upper takes the content of one that is still there: two
 * objects, of which only one has the upper's names.
 *
 *	upper/a -> /x		upper/a/own
 *	l1/x/low, l1/x/sub/f
 */
TEST(hostile, redirect_of_the_upper_to_what_is_visible)
{
	SKIP_ON_OVERLAY("takes both for one directory");
	fx_dirs(1);
	mk_dirs("l1/x/sub");
	mk_file("l1/x/low", "");
	mk_file("l1/x/sub/f", "f");
	mk_dirs("upper/a");
	mk_redirect("upper/a", "/x");
	mk_file("upper/a/own", "");
	fx_mount(1);
	CHECK_STR(ls("mnt/a"), "low own sub");
	CHECK_STR(ls("mnt/x"), "low sub");
	CHECK_STR(ls("mnt/a"), "low own sub");
	CHECK_SYS(chdir("mnt/a"));
	CHECK_STR(ls("../x"), "low sub");
	CHECK_STR(ls("."), "low own sub");
	CHECK_SYS(chdir("../.."));
	append_file("mnt/a/low", "+");
	CHECK_STR(cat("upper/a/low"), "+");
	append_file("mnt/x/sub/f", "+");
	CHECK_STR(cat("mnt/x/sub/f"), "f+");
	mk_file("mnt/a/new", "");
	CHECK_STR(ls("mnt/x"), "low sub");
	tree_remove("mnt/a");
	CHECK_STR(ls("mnt/x"), "low sub");
	CHECK_STR(ls("mnt"), "x");
}
