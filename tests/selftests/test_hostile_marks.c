// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format's own attributes with any value in them: made by the author of a
 * layer or of an upper, and tried from inside a container.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "stacks.h"

#define PREFIX	"trusted.overlay."
#define USER_PREFIX	"user.overlay."

/* overlayfs's and our own, those that mean nothing here among them. */
static const char *const marks[] = {
	"opaque", "redirect", "impure", "metacopy", "layerfs.origin", "origin",
	"layerfs.key", "whiteout", "nlink", "uuid", "upper", "overlay.", "layerfs.", "whatever",
};

#define NMARKS	(sizeof(marks) / sizeof(*marks))

static const size_t sizes[] = { 0, 1, 2, 255, 256, 4096, 65535 };

#define NSIZES	(sizeof(sizes) / sizeof(*sizes))

/* What the values are filled with; the last one is of all bytes. */
static const int fills[] = { 'y', 0, '\n', -1 };

#define NFILLS	(sizeof(fills) / sizeof(*fills))

static unsigned char *fill(int how, size_t len)
{
	static unsigned char buf[65536];

	for (size_t i = 0; i < len; i++)
		buf[i] = how < 0 ? (int)i * 167 + 13 : how;
	return buf;
}

/* What a directory with this mark shows of "low", which the layer below has. */
static const char *wanted(const char *mark, size_t size, int how)
{
	const unsigned char *v = fill(how, size);

	if (!strcmp(mark, "opaque") && size == 1 && *v == 'y')
		return "own";
	if (strcmp(mark, "redirect"))
		return "low own";
	/* a name, which nothing has, or no redirect at all */
	if (!size || size > 255 || memchr(v, 0, size) || memchr(v, '/', size))
		return "<EIO>";
	return "own";
}

static void each_value(void (*fn)(const char *mark, size_t size, int how))
{
	for (size_t m = 0; m < NMARKS; m++)
		for (size_t s = 0; s < NSIZES; s++)
			for (size_t f = 0; f < NFILLS; f++)
				if (sizes[s] || !f)
					fn(marks[m], sizes[s], fills[f]);
}

static const char *at(const char *dir, const char *mark, size_t size, int how,
		      const char *rest)
{
	static char bufs[4][128];
	static int turn;
	char *buf = bufs[turn++ % 4];

	snprintf(buf, sizeof(bufs[0]), "%s/%s-%zu-%d%s", dir, mark, size, how, rest);
	return buf;
}

static void put_mark(const char *path, const char *mark, size_t size, int how)
{
	char name[64];

	snprintf(name, sizeof(name), PREFIX "%s", mark);
	put_xattr(path, name, fill(how, size), size);
}

static void make_dirs(const char *mark, size_t size, int how)
{
	static const char *const dirs[] = { "l1/d", "upper/u" };

	for (int i = 0; i < 2; i++) {
		mk_dir(at(dirs[i], mark, size, how, ""));
		put_mark(at(dirs[i], mark, size, how, ""), mark, size, how);
		mk_file(at(dirs[i], mark, size, how, "/own"), "");
		mk_dir(at(i ? "l2/u" : "l2/d", mark, size, how, ""));
		mk_file(at(i ? "l2/u" : "l2/d", mark, size, how, "/low"), "low");
	}
}

static void check_dirs(const char *mark, size_t size, int how)
{
	const char *want = wanted(mark, size, how);

	for (int i = 0; i < 2; i++) {
		const char *path = at(i ? "mnt/u" : "mnt/d", mark, size, how, "");

		if (strcmp(ls_or_error(path), want))
			FAIL("%s: shows %s, want %s", path, ls_or_error(path), want);
	}
}

/* Changed in every way, and then no garbage has got into the upper. */
static void change_dirs(const char *mark, size_t size, int how)
{
	bool bad = !strcmp(wanted(mark, size, how), "<EIO>");
	char name[64], value[8];

	for (int i = 0; i < 2; i++) {
		const char *d = at(i ? "mnt/u" : "mnt/d", mark, size, how, "");
		const char *moved = at("mnt/moved", mark, size, how, i ? "u" : "d");

		if (bad) {
			CHECK_ERR(chmod(d, 0700), EIO);
			CHECK_ERR(rename(d, moved), EIO);
			CHECK_ERR(rmdir(d), EIO);
			CHECK_ERR(symlink("x", d), EIO);
			continue;
		}
		CHECK_SYS(rename(d, moved));
		if (strcmp(ls(moved), wanted(mark, size, how)))
			FAIL("%s: shows %s after the rename", moved, ls(moved));
		if (i)
			continue;
		snprintf(name, sizeof(name), PREFIX "%s", mark);
		moved = at("upper/moved", mark, size, how, "d");
		if (strcmp(mark, "redirect") && strcmp(mark, "opaque") &&
		    strcmp(mark, "impure") &&
		    getxattr(moved, name, value, 0) >= 0)
			FAIL("%s: the layer's mark was copied", moved);
	}
}

/* On directories of a layer and of the upper, in every size and fill. */
TEST(hostile, marks_on_directories)
{
	SKIP_ON_OVERLAY("has errors of its own");
	use_tmpfs();
	fx_dirs(2);
	mk_dir("l1/d");
	mk_dir("l2/d");
	mk_dir("upper/u");
	mk_dir("l2/u");
	mk_dir("l1/moved");
	each_value(make_dirs);
	must_mount(2, NULL);
	each_value(check_dirs);
	each_value(change_dirs);
	/* what is broken does not hide what is not */
	CHECK(strstr(ls("mnt/d"), "redirect-0-"));
	CHECK_SYS(umount("mnt"));
}

static void make_files(const char *mark, size_t size, int how)
{
	/* Has tests of its own. */
	if (!strcmp(mark, "metacopy"))
		return;
	mk_file(at("l1/d", mark, size, how, ""), "layer");
	put_mark(at("l1/d", mark, size, how, ""), mark, size, how);
	mk_file(at("upper/u", mark, size, how, ""), "upper");
	put_mark(at("upper/u", mark, size, how, ""), mark, size, how);
}

static void check_files(const char *mark, size_t size, int how)
{
	const char *up = at("mnt/u", mark, size, how, "");
	const char *low = at("mnt/d", mark, size, how, "");
	char name[64], value[64];
	struct stat st;
	ssize_t n;

	if (!strcmp(mark, "metacopy"))
		return;
	CHECK_STR(cat(up), "upper");
	CHECK_STR(cat(low), "layer");
	append_file(up, "+");
	append_file(low, "+");
	CHECK_STR(cat(up), "upper+");
	CHECK_STR(cat(low), "layer+");
	/* a forged origin is no number of ours, the copy's is */
	st = stat_of(at("upper/u", mark, size, how, ""));
	CHECK_EQ(stat_of(up).st_ino, st.st_ino);
	snprintf(name, sizeof(name), PREFIX "%s", mark);
	n = getxattr(at("upper/d", mark, size, how, ""), name, value, sizeof(value));
	if (!strcmp(mark, "layerfs.origin"))
		CHECK(n == -1 || n == 32);
	else
		CHECK_EQ(n, -1);
	CHECK_SYS(unlink(up));
	CHECK_SYS(unlink(low));
}

/* And on files, which are what they are: a mark adds nothing to them. */
TEST(hostile, marks_on_files)
{
	SKIP_ON_OVERLAY("takes some of these for its own");
	use_tmpfs();
	fx_dirs(1);
	mk_dir("l1/d");
	mk_dir("upper/u");
	each_value(make_files);
	must_mount(1, NULL);
	each_value(check_files);
	CHECK_STR(ls("mnt/d"), "");
	CHECK_STR(ls("mnt/u"), "");
	CHECK_SYS(umount("mnt"));
}

/*
 *	l1/f		protected by the author of the layer: not in force
 *	upper/N, dN	with each value
 * Append-only or immutable is what says so and is no longer than overlayfs could make it;
 * any other value protects from nothing, and none is an error.
 */
TEST(hostile, marks_of_protection)
{
	static const struct { const char *value; size_t len; bool append, immutable; } is[] = {
		{ "", 0, false, false }, { "y", 1, false, false }, { "\0", 1, false, false },
		{ "a", 1, true, false }, { "i", 1, false, true }, { "ia", 2, true, true },
		{ "\0i", 2, false, true }, { "A", 1, false, false },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxi", 32, false, true },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxi", 33, false, false },
	};
	char path[32];

	fx_dirs(1);
	mk_file("l1/f", "layer");
	put_xattr("l1/f", PREFIX "protattr", "ai", 2);
	for (size_t i = 0; i < sizeof(is) / sizeof(*is); i++) {
		snprintf(path, sizeof(path), "upper/%zu", i);
		mk_file(path, "upper");
		put_xattr(path, PREFIX "protattr", is[i].value, is[i].len);
		snprintf(path, sizeof(path), "upper/d%zu", i);
		mk_dir(path);
		put_xattr(path, PREFIX "protattr", is[i].value, is[i].len);
	}
	fx_mount(1);
	append_file("mnt/f", "+");
	CHECK_STR(cat("mnt/f"), "layer+");
	for (size_t i = 0; i < sizeof(is) / sizeof(*is); i++) {
		const bool kept = is[i].append || is[i].immutable;

		test_note("value %zu", i);
		snprintf(path, sizeof(path), "mnt/%zu", i);
		CHECK_STR(cat(path), "upper");
		CHECK_EQ(truncate(path, 1), kept ? -1 : 0);
		CHECK_EQ(unlink(path), kept ? -1 : 0);
		snprintf(path, sizeof(path), "mnt/d%zu/new", i);
		CHECK_EQ(mkdir(path, 0700), is[i].immutable ? -1 : 0);
		CHECK_EQ(rmdir(path), kept ? -1 : 0);
	}
}

/*
 * A file that says that its data is elsewhere is refused where a user may have said
 * so, in whatever way and wherever it is, and named nowhere else.
 */
TEST(hostile, marks_metacopy_and_redirect_name_no_other_file)
{
	static const char *const values[] = { "", "y", "\0\4\0\0" };

	SKIP_ON_OVERLAY("is what it was made for");
	fx_dirs(2);
	mk_file("l2/secret", "secret");
	CHECK_SYS(chmod("l2/secret", 0600));
	for (int i = 0; i < 3; i++) {
		for (int upper = 0; upper < 2; upper++) {
			char path[32];

			snprintf(path, sizeof(path), upper ? "upper/u%d" : "l1/f%d", i);
			mk_file(path, "");
			CHECK_SYS(truncate(path, 6));
			put_xattr(path, USER_PREFIX "metacopy", values[i], i == 2 ? 4 : i);
			put_xattr(path, USER_PREFIX "redirect", "/secret", 7);
		}
	}
	/* nor the one of its own name */
	mk_file("l2/f3", "below!");
	mk_file("l1/f3", "");
	CHECK_SYS(truncate("l1/f3", 6));
	put_xattr("l1/f3", USER_PREFIX "metacopy", "", 0);
	mk_file("upper/u3", "");
	put_xattr("upper/u3", USER_PREFIX "metacopy", "", 0);
	mk_file("l2/u3", "below!");
	fx_mount_with(2, "userxattr");
	for (int i = 0; i < 4; i++) {
		char path[32];

		snprintf(path, sizeof(path), "mnt/f%d", i);
		CHECK_ERR(open(path, O_RDONLY), EPERM);
		CHECK_ERR(chmod(path, 0777), EPERM);
		snprintf(path, sizeof(path), "mnt/u%d", i);
		CHECK_ERR(open(path, O_RDWR), EPERM);
		CHECK_ERR(unlink(path), EPERM);
	}
	CHECK_STR(ls("mnt"), "f0 f1 f2 f3 secret u0 u1 u2 u3");
}

/* An origin that points to another file, to the root, to the file's own parent. */
TEST(hostile, marks_forged_origin)
{
	static const char origin[] = PREFIX "layerfs.origin";
	unsigned char v[64];
	char path[32];
	uint64_t ino[3];

	SKIP_ON_OVERLAY("does not know it");
	fx_dirs(1);
	mk_file("l1/copied", "layer");
	mk_file("l1/target", "target");
	mk_dirs("l1/dir");
	fx_mount(1);
	append_file("mnt/copied", "+");
	CHECK_EQ(getxattr("upper/copied", origin, v, sizeof(v)), 32);
	fx_umount();
	ino[0] = stat_of("l1/target").st_ino;
	ino[1] = stat_of("l1").st_ino;
	ino[2] = stat_of("l1/dir").st_ino;
	mk_dir("upper/dir");
	put_xattr("upper/dir", PREFIX "impure", "y", 1);
	put_xattr("upper", PREFIX "impure", "y", 1);
	for (int i = 0; i < 6; i++) {
		memcpy(v + 24, &ino[i / 2], 8);
		snprintf(path, sizeof(path), "upper/dir/f%d", i);
		mk_file(path, path);
		put_xattr(path, origin, v, 32);
		snprintf(path, sizeof(path), "upper/d%d", i);
		mk_dir(path);
		put_xattr(path, origin, v, 32);
		strcat(path, "/in");
		mk_file(path, path);
	}
	fx_mount(1);
	CHECK_STR(cat("mnt/target"), "target");
	for (int i = 0; i < 6; i++) {
		char want[32];

		snprintf(path, sizeof(path), "mnt/dir/f%d", i);
		snprintf(want, sizeof(want), "upper/dir/f%d", i);
		CHECK_STR(cat(path), want);
		snprintf(path, sizeof(path), "mnt/d%d/in", i);
		snprintf(want, sizeof(want), "upper/d%d/in", i);
		CHECK_STR(cat(path), want);
		snprintf(path, sizeof(path), "mnt/d%d", i);
		CHECK_STR(ls(path), "in");
	}
	/* what shares a number shares nothing else */
	append_file("mnt/dir/f0", "+");
	append_file("mnt/target", "-");
	CHECK_STR(cat("mnt/dir/f0"), "upper/dir/f0+");
	CHECK_STR(cat("mnt/dir/f1"), "upper/dir/f1");
	CHECK_STR(cat("mnt/target"), "target-");
	CHECK_STR(cat("l1/target"), "target");
	CHECK_SYS(unlink("mnt/dir/f1"));
	CHECK_STR(cat("mnt/target"), "target-");
	CHECK_SYS(rename("mnt/d0", "mnt/d1/d0"));
	CHECK_STR(ls("mnt/d1"), "d0 in");
	tree_remove("mnt/d1");
	tree_remove("mnt/dir");
	CHECK_STR(ls("mnt"), "copied d2 d3 d4 d5 target");
}

/* What a name is on the disk when it is set inside. */
static const char *escaped(const char *name)
{
	static char buf[96];

	snprintf(buf, sizeof(buf), PREFIX "overlay.%s", name + strlen(PREFIX));
	return buf;
}

/*
 * Set by every call there is, on what is in a layer, in the upper, and unlinked: it is
 * an attribute of another name, and the mark of this one, if there is any, stays.
 */
static void forge(const char *path, const char *upper, const char *name)
{
	const char *mark = exists(upper) ? xattr_of(upper, name) : NULL;
	char was[16] = "", value[8];
	int fd;

	if (mark)
		snprintf(was, sizeof(was), "%s", mark);
	CHECK_ERR(getxattr(path, name, value, 8), ENODATA);
	CHECK_ERR(removexattr(path, name), ENODATA);
	CHECK_ERR(setxattr(path, name, "z", 1, XATTR_REPLACE), ENODATA);
	CHECK_SYS(setxattr(path, name, "z", 1, XATTR_CREATE));
	CHECK_SYS(lsetxattr(path, name, "z", 1, 0));
	fd = CHECK_SYS(open(path, O_RDONLY));
	CHECK_SYS(fsetxattr(fd, name, "z", 1, XATTR_REPLACE));
	CHECK_EQ(fgetxattr(fd, name, value, 8), 1);
	CHECK_STR(xattr_of(upper, escaped(name)), "z");
	CHECK_STR(xattr_of(upper, name) ?: "", was);
	CHECK_SYS(fremovexattr(fd, name));
	close(fd);
	CHECK_ERR(removexattr(path, name), ENODATA);
	CHECK_STR(xattr_of(upper, name) ?: "", was);
}

/* root of a container forges no mark, nor reads or removes one. */
TEST(hostile, marks_from_inside)
{
	static const char *const paths[][2] = {
		{ "mnt/d", "upper/d" }, { "mnt/f", "upper/f" }, { "mnt/up", "upper/up" },
		{ "mnt", "upper" },
	};
	char name[64], list[256];
	int fd;

	SKIP_ON_OVERLAY("has marks of its own on the root");
	fx_dirs(2);
	mk_dir("l1/d");
	mk_dir("l2/d");
	mk_file("l2/d/below", "");
	mk_file("l1/f", "");
	CHECK_SYS(symlink("f", "l1/link"));
	mk_dir("upper/up");
	mk_opaque("upper/up");
	mk_dir("l2/up");
	mk_file("l2/up/below", "");
	fx_mount(2);
	for (size_t m = 0; m < NMARKS; m++) {
		snprintf(name, sizeof(name), PREFIX "%s", marks[m]);
		for (int i = 0; i < 4; i++)
			forge(paths[i][0], paths[i][1], name);
		CHECK_SYS(lsetxattr("mnt/link", name, "y", 1, 0));
	}
	CHECK_ERR(setxattr("mnt/d", PREFIX, "y", 1, 0), EINVAL);
	/* a file without a name, and one whose name is gone */
	fd = CHECK_SYS(open("mnt/d", O_TMPFILE | O_RDWR, 0600));
	CHECK_SYS(fsetxattr(fd, PREFIX "metacopy", "", 0, 0));
	close(fd);
	mk_file("mnt/up/gone", "");
	fd = CHECK_SYS(open("mnt/up/gone", O_RDWR));
	CHECK_SYS(unlink("mnt/up/gone"));
	CHECK_SYS(fsetxattr(fd, PREFIX "redirect", "/f", 2, 0));
	close(fd);
	/* they mean nothing here, and the mark there was is there still */
	CHECK_SYS(setxattr("mnt/d", PREFIX "opaque", "y", 1, 0));
	CHECK_SYS(setxattr("mnt/f", PREFIX "metacopy", "", 0, 0));
	CHECK_SYS(setxattr("mnt/f", PREFIX "protattr", "ia", 2, 0));
	fx_remount();
	CHECK(is_opaque("upper/up"));
	CHECK_EQ(listxattr("mnt/up", list, sizeof(list)), 0);
	CHECK_STR(ls("mnt/up"), "");
	CHECK_STR(ls("mnt/d"), "below");
	append_file("mnt/f", "+");
	CHECK_STR(cat("mnt/f"), "+");
	CHECK_SYS(unlink("mnt/f"));
	/* names that only begin alike are the container's */
	CHECK_SYS(setxattr("mnt/d", "trusted.overlayfs", "y", 1, 0));
	CHECK_SYS(setxattr("mnt/d", "trusted.overlay", "y", 1, 0));
	CHECK_ERR(setxattr("mnt/d", "Trusted.overlay.opaque", "y", 1, 0), EOPNOTSUPP);
	CHECK_STR(xattr_of("upper/d", "trusted.overlayfs"), "y");
}

/* Those of the other kind of mount are plain attributes, and do nothing. */
TEST(hostile, marks_of_user_xattrs_are_plain)
{
	fx_dirs(2);
	mk_dirs("l1/d");
	mk_dirs("l2/d");
	mk_file("l2/d/low", "");
	mk_dirs("l2/other");
	mk_file("l2/other/other", "");
	mk_xattr("l1/d", "user.overlay.opaque", "y");
	fx_mount(2);
	CHECK_STR(ls("mnt/d"), "low");
	AS_USER(ATTACKER)
		CHECK_ERR(setxattr("mnt/d", "user.overlay.opaque", "y", 1, 0), EACCES);
	CHECK_SYS(setxattr("mnt/d", "user.overlay.opaque", "y", 1, 0));
	CHECK_SYS(setxattr("mnt/d", "user.overlay.redirect", "/other", 6, 0));
	CHECK_STR(xattr_of("mnt/d", "user.overlay.redirect"), "/other");
	fx_remount();
	CHECK_STR(ls("mnt/d"), "low");
	CHECK_STR(xattr_of("mnt/d", "user.overlay.opaque"), "y");
}

/* What is made as a whiteout inside hides nothing, in none of the mounts to come. */
TEST(hostile, marks_no_whiteout_from_inside)
{
	SKIP_ON_OVERLAY("refuses them");
	fx_dirs(1);
	mk_file("l1/f", "x");
	mk_dirs("l1/d");
	fx_mount(1);
	AS_USER(ATTACKER)
		CHECK_ERR(mknod("mnt/w", S_IFCHR | 0600, 0), EACCES);
	CHECK_ERR(mknod("mnt/f", S_IFCHR, 0), EEXIST);
	CHECK_SYS(mknod("mnt/w", S_IFCHR | 0600, 0));
	CHECK_SYS(rename("mnt/w", "mnt/f"));
	CHECK_SYS(mknod("mnt/d/w", S_IFCHR | 0777, 0));
	CHECK_SYS(syscall(SYS_renameat2, AT_FDCWD, "mnt/d/w", AT_FDCWD, "mnt/d/v",
			  1 << 2 /* RENAME_WHITEOUT */));
	CHECK_STR(ls("mnt"), "d f");
	fx_remount();
	CHECK_STR(ls("mnt"), "d f");
	CHECK_STR(ls("mnt/d"), "v w");
	CHECK(!is_whiteout("upper/f"));
	CHECK(!is_whiteout("upper/d/w"));
	fx_umount();
	/* nor does it when the upper is a layer */
	CHECK_SYS(rename("upper", "l0"));
	mk_dirs("upper");
	stack_on("mnt", "l0:l1");
	CHECK_STR(ls("mnt"), "d f");
	CHECK_STR(ls("mnt/d"), "v w");
	CHECK_SYS(umount("mnt"));
}
