// SPDX-License-Identifier: GPL-2.0-only
/*
 * File handles: name_to_handle_at(2) and open_by_handle_at(2), for as long as the
 * object is there.
 *
 *	l1/
 *	|-- top		a file
 *	`-- both/	merges with that of l2
 *	l2/
 *	|-- low		a file
 *	|-- link	a symbolic link
 *	|-- fifo
 *	|-- d/e/deep	a file
 *	`-- both/under	a file
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "handle.h"

static const char * const layer_paths[] = {
	"mnt/top", "mnt/both", "mnt/low", "mnt/link", "mnt/fifo", "mnt/d", "mnt/d/e",
	"mnt/d/e/deep", "mnt/both/under", "mnt",
};

static const char * const upper_paths[] = {
	"mnt/new", "mnt/newdir", "mnt/newdir/in", "mnt/newlink", "mnt/both/more",
	"mnt/d/e/newer",
};

#define NR(a) ((int)(sizeof(a) / sizeof(*(a))))

static void layers(void)
{
	SKIP_ON_OVERLAY("handles need nfs_export=on");
	fx_dirs(2);
	mk_file("l1/top", "top");
	mk_dir("l1/both");
	mk_file("l2/low", "low");
	CHECK_SYS(symlink("low", "l2/link"));
	CHECK_SYS(mkfifo("l2/fifo", 0600));
	mk_dirs("l2/d/e");
	mk_file("l2/d/e/deep", "deep");
	mk_dir("l2/both");
	mk_file("l2/both/under", "under");
}

static void make_upper_objects(void)
{
	mk_file("mnt/new", "new");
	mk_dir("mnt/newdir");
	mk_file("mnt/newdir/in", "in");
	CHECK_SYS(symlink("new", "mnt/newlink"));
	mk_file("mnt/both/more", "more");
	mk_file("mnt/d/e/newer", "newer");
}

/* Each of @paths by its handle: in use, after caches were dropped, after a remount. */
static void check_lasts(const char * const *paths, int nr)
{
	struct fh fh[16];

	for (int i = 0; i < nr; i++) {
		fh[i] = fh_of(paths[i]);
		CHECK_FH(&fh[i], paths[i]);
	}
	for (int i = 0; i < nr; i++) {
		struct fh again;

		/* Each time nothing but the handle is known. */
		drop_caches(true);
		CHECK_FH(&fh[i], paths[i]);
		again = fh_of(paths[i]);
		CHECK(fh_equal(&fh[i], &again));
	}
	fx_remount();
	drop_caches(true);
	for (int i = nr; i-- > 0; )
		CHECK_FH(&fh[i], paths[i]);
}

TEST(handles, objects_of_layers)
{
	layers();
	fx_mount(2);
	check_lasts(layer_paths, NR(layer_paths));
}

TEST(handles, without_an_upper)
{
	layers();
	fx_mount_ro(2);
	check_lasts(layer_paths, NR(layer_paths));
}

TEST(handles, objects_of_the_upper)
{
	layers();
	fx_mount(2);
	make_upper_objects();
	check_lasts(upper_paths, NR(upper_paths));
}

/*
 * The handle of before leads to the copy, and the copy's handle is the same as long as it
 * stays in memory, as who has it open sees to.
 */
TEST(handles, over_the_copy_up)
{
	struct fh fh[NR(layer_paths)];

	layers();
	fx_mount(2);
	for (int i = 0; i < NR(layer_paths); i++)
		fh[i] = fh_of(layer_paths[i]);
	for (int i = 0; i < NR(layer_paths); i++) {
		int held = CHECK_SYS(open(layer_paths[i], O_PATH | O_NOFOLLOW));
		struct fh now;

		CHECK_SYS(fchownat(AT_FDCWD, layer_paths[i], 5, 5, AT_SYMLINK_NOFOLLOW));
		now = fh_of(layer_paths[i]);
		CHECK(fh_equal(&fh[i], &now));
		CHECK_FH(&fh[i], layer_paths[i]);
		close(held);
	}
	for (int i = 0; i < NR(layer_paths); i++) {
		drop_caches(true);
		CHECK_FH(&fh[i], layer_paths[i]);
	}
	/* The copies' own. */
	check_lasts(layer_paths, NR(layer_paths));
	for (int i = NR(layer_paths); i-- > 0; )
		CHECK_FH(&fh[i], layer_paths[i]);
}

/* What was opened by a handle is the file, not the layer's or the upper's. */
TEST(handles, read_and_write)
{
	struct fh low, new;
	char buf[32];
	int fd;

	layers();
	fx_mount(2);
	make_upper_objects();
	low = fh_of("mnt/d/e/deep");
	new = fh_of("mnt/newdir/in");
	drop_caches(true);
	fd = CHECK_SYS(fh_open(&low, O_RDWR | O_APPEND));
	CHECK_EQ(read(fd, buf, sizeof(buf)), 4);
	CHECK_EQ(write(fd, "er", 2), 2);
	close(fd);
	CHECK_STR(cat("mnt/d/e/deep"), "deeper");
	CHECK_STR(cat("upper/d/e/deep"), "deeper");
	drop_caches(true);
	fd = CHECK_SYS(fh_open(&new, O_RDWR | O_APPEND));
	CHECK_EQ(write(fd, "side", 4), 4);
	CHECK_SYS(fchmod(fd, 0640));
	CHECK_SYS(fsync(fd));
	CHECK_STR(cat("mnt/newdir/in"), "inside");
	CHECK_EQ(stat_of("mnt/newdir/in").st_mode & 07777, 0640);
	CHECK_SYS(linkat(fd, "", AT_FDCWD, "mnt/link2", AT_EMPTY_PATH));
	CHECK_SYS(unlink("mnt/newdir/in"));
	close(fd);
	CHECK_FH(&new, "mnt/link2");
	drop_caches(true);
	CHECK_FH(&new, "mnt/link2");
	fd = CHECK_SYS(fh_open(&new, O_WRONLY | O_TRUNC));
	close(fd);
	CHECK_EQ(stat_of("mnt/link2").st_size, 0);
}

/* A directory by its handle is one to go on from. */
TEST(handles, directories)
{
	struct fh both, made;
	int fd;

	layers();
	fx_mount(2);
	make_upper_objects();
	both = fh_of("mnt/both");
	made = fh_of("mnt/newdir");
	drop_caches(true);
	fd = CHECK_SYS(fh_open(&both, O_RDONLY | O_DIRECTORY));
	CHECK_SYS(faccessat(fd, "under", F_OK, 0));
	CHECK_SYS(faccessat(fd, "more", F_OK, 0));
	CHECK_SYS(faccessat(fd, "../top", F_OK, 0));
	CHECK_SYS(mkdirat(fd, "sub", 0700));
	close(fd);
	fd = CHECK_SYS(fh_open(&made, O_RDONLY | O_DIRECTORY));
	CHECK_SYS(faccessat(fd, "in", F_OK, 0));
	CHECK_SYS(faccessat(fd, "../both/sub", F_OK, 0));
	close(fd);
	CHECK_SYS(rename("mnt/newdir", "mnt/both/sub/renamed"));
	CHECK_FH(&made, "mnt/both/sub/renamed");
	drop_caches(true);
	CHECK_FH(&made, "mnt/both/sub/renamed");
}

/* A file of the upper keeps its handle wherever it goes. */
TEST(handles, rename_in_the_upper)
{
	struct fh in, new;

	layers();
	fx_mount(2);
	make_upper_objects();
	in = fh_of("mnt/newdir/in");
	new = fh_of("mnt/new");
	CHECK_SYS(rename("mnt/newdir/in", "mnt/d/e/in"));
	CHECK_SYS(rename("mnt/new", "mnt/newdir/in"));
	CHECK_FH(&in, "mnt/d/e/in");
	drop_caches(true);
	CHECK_FH(&in, "mnt/d/e/in");
	CHECK_FH(&new, "mnt/newdir/in");
	fx_remount();
	CHECK_FH(&in, "mnt/d/e/in");
	CHECK_FH(&new, "mnt/newdir/in");
}

/* Each name of a file with several gives a handle that leads to the one file. */
TEST(handles, hard_links)
{
	struct fh a, b, u;

	layers();
	mk_file("l2/d/a", "one");
	CHECK_SYS(link("l2/d/a", "l2/b"));
	fx_mount(2);
	make_upper_objects();
	CHECK_SYS(link("mnt/new", "mnt/newdir/too"));
	a = fh_of("mnt/d/a");
	drop_caches(true);
	b = fh_of("mnt/b");
	u = fh_of("mnt/newdir/too");
	drop_caches(true);
	CHECK_FH(&a, "mnt/b");
	CHECK_FH(&b, "mnt/d/a");
	drop_caches(true);
	append_file("mnt/b", "+");
	CHECK_FH(&a, "mnt/b");
	CHECK_FH(&b, "mnt/d/a");
	drop_caches(true);
	CHECK_FH(&a, "mnt/d/a");
	CHECK_FH(&b, "mnt/b");
	CHECK_SYS(unlink("mnt/new"));
	drop_caches(true);
	CHECK_FH(&u, "mnt/newdir/too");
	CHECK_SYS(unlink("mnt/newdir/too"));
	CHECK_STALE(&u);
	CHECK_SYS(unlink("mnt/b"));
	CHECK_SYS(unlink("mnt/d/a"));
	CHECK_STALE(&a);
	CHECK_STALE(&b);
}

/* What was removed is gone, though the layer has it; what is open is there. */
TEST(handles, removed)
{
	struct fh fh[NR(layer_paths)], up[NR(upper_paths)];
	int fd;

	layers();
	fx_mount(2);
	make_upper_objects();
	for (int i = 0; i < NR(layer_paths); i++)
		fh[i] = fh_of(layer_paths[i]);
	for (int i = 0; i < NR(upper_paths); i++)
		up[i] = fh_of(upper_paths[i]);
	append_file("mnt/top", "+");
	fd = CHECK_SYS(open("mnt/new", O_RDONLY));
	CHECK_EQ(system("rm -r mnt/*"), 0);
	/* All but the root. */
	for (int i = 0; i < NR(layer_paths) - 1; i++)
		CHECK_STALE(&fh[i]);
	CHECK_SYS(close(CHECK_SYS(fh_open(&up[0], O_RDONLY))));
	close(fd);
	for (int i = 0; i < NR(upper_paths); i++)
		CHECK_STALE(&up[i]);
	drop_caches(true);
	for (int i = 0; i < NR(layer_paths) - 1; i++)
		CHECK_STALE(&fh[i]);
	/* Other objects of the same names. */
	mk_file("mnt/top", "");
	mk_dirs("mnt/d/e");
	mk_file("mnt/d/e/deep", "");
	mk_file("mnt/both", "");
	for (int i = 0; i < NR(layer_paths) - 1; i++)
		CHECK_STALE(&fh[i]);
	fx_remount();
	for (int i = 0; i < NR(layer_paths) - 1; i++)
		CHECK_STALE(&fh[i]);
	CHECK_FH(&fh[NR(layer_paths) - 1], "mnt");
}

/* Renamed over: the old one's handle does not lead to the new one. */
TEST(handles, replaced)
{
	struct fh old, new;

	layers();
	fx_mount(2);
	mk_file("mnt/new", "new");
	old = fh_of("mnt/low");
	new = fh_of("mnt/new");
	CHECK_SYS(rename("mnt/new", "mnt/low"));
	CHECK_STALE(&old);
	CHECK_FH(&new, "mnt/low");
	drop_caches(true);
	CHECK_STALE(&old);
	CHECK_FH(&new, "mnt/low");
}

/* A handle of another mount's file is no handle here, nor one of ext4 itself. */
TEST(handles, of_other_mounts)
{
	struct mnt_opt other[] = {
		{ "lowerdir", "o1" }, { "upperdir", "o2" }, { "workdir", "o3" }, {}
	};
	struct fh low, new, real;

	layers();
	mk_dirs("o1/d/e");
	mk_file("o1/low", "other");
	mk_file("o1/d/e/deep", "other");
	mk_dirs("o2");
	mk_dirs("o3");
	mk_dirs("other");
	fx_mount(2);
	CHECK_EQ(fs_mount(other, "other"), 0);
	mk_file("other/new", "other");
	low = fh_of("other/low");
	new = fh_of("other/new");
	real = fh_of("l2/low");
	CHECK_SYS(close(CHECK_SYS(fh_open_at("other", &low, O_RDONLY))));
	CHECK_SYS(close(CHECK_SYS(fh_open_at("other", &new, O_RDONLY))));
	CHECK_STALE(&low);
	CHECK_STALE(&new);
	CHECK_STALE(&real);
	real = fh_of("other");
	CHECK_STALE(&real);
	CHECK_SYS(umount("other"));
}

/* The same layers elsewhere, and below one more, are the same objects. */
TEST(handles, layers_stacked_anew)
{
	struct mnt_opt other[] = { { "lowerdir", "l0:l1:l2" }, {} };
	struct fh fh[NR(layer_paths)];

	layers();
	mk_dirs("l0/d");
	mk_dirs("other");
	fx_mount(2);
	for (int i = 0; i < NR(layer_paths); i++)
		fh[i] = fh_of(layer_paths[i]);
	CHECK_EQ(fs_mount(other, "other"), 0);
	for (int i = 0; i < NR(layer_paths); i++) {
		drop_caches(true);
		CHECK_SYS(close(CHECK_SYS(fh_open_at("other", &fh[i], O_PATH))));
	}
	CHECK_SYS(umount("other"));
}

/* Too small a buffer is told the size that will do. */
TEST(handles, size)
{
	struct fh fh = {}, whole;
	int id;

	layers();
	fx_mount(2);
	mk_file("mnt/new", "");
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "mnt/low" : "mnt/new";

		whole = fh_of(path);
		for (unsigned int n = 0; n < whole.h.handle_bytes; n += 4) {
			fh.h.handle_bytes = n;
			CHECK_ERR(name_to_handle_at(AT_FDCWD, path, &fh.h, &id, 0), EOVERFLOW);
			CHECK_EQ(fh.h.handle_bytes, whole.h.handle_bytes);
		}
		CHECK_SYS(name_to_handle_at(AT_FDCWD, path, &fh.h, &id, 0));
		CHECK(fh_equal(&fh, &whole));
	}
}

/* A file without a name has a handle as long as it is open, as on any filesystem. */
TEST(handles, unnamed)
{
	struct fh fh = { .h.handle_bytes = MAX_HANDLE_SZ };
	int fd, id;

	layers();
	fx_mount(2);
	fd = CHECK_SYS(open("mnt/d", O_TMPFILE | O_RDWR, 0600));
	CHECK_SYS(name_to_handle_at(fd, "", &fh.h, &id, AT_EMPTY_PATH));
	close(fd);
	CHECK_STALE(&fh);
}

/* In use or not, whatever is said of it: the handle of a file that is open is its own. */
TEST(handles, changed_while_open)
{
	struct fh low;
	struct stat a, b;
	int fd, fd2;

	layers();
	fx_mount(2);
	low = fh_of("mnt/low");
	fd = CHECK_SYS(open("mnt/low", O_RDONLY));
	CHECK_SYS(rename("mnt/low", "mnt/d/moved"));
	CHECK_FH(&low, "mnt/d/moved");
	CHECK_SYS(unlink("mnt/d/moved"));
	fd2 = CHECK_SYS(fh_open(&low, O_RDONLY));
	CHECK_SYS(fstat(fd, &a));
	CHECK_SYS(fstat(fd2, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	close(fd);
	close(fd2);
	CHECK_STALE(&low);
}

/* Where an object of a layer is now, known from a handle of before. */
TEST(handles, rename_of_layers_objects)
{
	struct fh low, deep, d, e, both, under, after;

	layers();
	fx_mount(2);
	low = fh_of("mnt/low");
	deep = fh_of("mnt/d/e/deep");
	d = fh_of("mnt/d");
	e = fh_of("mnt/d/e");
	both = fh_of("mnt/both");
	under = fh_of("mnt/both/under");
	drop_caches(true);
	CHECK_SYS(rename("mnt/low", "mnt/both/file"));
	CHECK_SYS(rename("mnt/d", "mnt/both/dir"));
	CHECK_SYS(rename("mnt/both", "mnt/all"));
	for (int i = 0; i < 2; i++) {
		drop_caches(true);
		CHECK_FH(&deep, "mnt/all/dir/e/deep");
		drop_caches(true);
		CHECK_FH(&low, "mnt/all/file");
		CHECK_FH(&e, "mnt/all/dir/e");
		drop_caches(true);
		CHECK_FH(&under, "mnt/all/under");
		drop_caches(true);
		CHECK_FH(&d, "mnt/all/dir");
		CHECK_FH(&both, "mnt/all");
		fx_remount();
	}
	after = fh_of("mnt/all/dir/e");
	CHECK(fh_equal(&after, &e));
	after = fh_of("mnt/all/file");
	/* Below what was renamed, renamed and changed. */
	append_file("mnt/all/under", "+");
	CHECK_SYS(rename("mnt/all/dir/e", "mnt/e"));
	CHECK_SYS(rename("mnt/e/deep", "mnt/deep"));
	CHECK_SYS(rename("mnt/all/file", "mnt/e/file"));
	fx_remount();
	CHECK_FH(&deep, "mnt/deep");
	CHECK_FH(&e, "mnt/e");
	CHECK_FH(&under, "mnt/all/under");
	CHECK_FH(&low, "mnt/e/file");
	CHECK_FH(&after, "mnt/e/file");
	/* Nothing is left of what is gone. */
	CHECK_EQ(system("rm -r mnt/*"), 0);
	CHECK_STR(ls("work/handles"), "");
	CHECK_STALE(&deep);
	CHECK_STALE(&low);
	CHECK_STALE(&under);
	CHECK_STALE(&d);
}

/* Taken after the rename: there was nothing to write down by then. */
TEST(handles, renamed_before)
{
	struct fh low, deep, linked;

	layers();
	fx_mount(2);
	CHECK_SYS(rename("mnt/low", "mnt/d/file"));
	CHECK_SYS(rename("mnt/d", "mnt/dir"));
	CHECK_SYS(link("mnt/top", "mnt/dir/too"));
	low = fh_of("mnt/dir/file");
	deep = fh_of("mnt/dir/e/deep");
	linked = fh_of("mnt/top");
	CHECK_SYS(unlink("mnt/top"));
	drop_caches(true);
	CHECK_FH(&low, "mnt/dir/file");
	CHECK_FH(&deep, "mnt/dir/e/deep");
	CHECK_FH(&linked, "mnt/dir/too");
	fx_remount();
	CHECK_FH(&low, "mnt/dir/file");
	CHECK_FH(&deep, "mnt/dir/e/deep");
	CHECK_FH(&linked, "mnt/dir/too");
}

/* A second name, then the first one goes: a rename in two steps. */
TEST(handles, another_name)
{
	struct fh low, a;

	layers();
	mk_file("l2/a", "two names");
	CHECK_SYS(link("l2/a", "l2/b"));
	fx_mount(2);
	low = fh_of("mnt/low");
	a = fh_of("mnt/a");
	drop_caches(true);
	CHECK_SYS(link("mnt/low", "mnt/d/low"));
	CHECK_SYS(unlink("mnt/low"));
	CHECK_SYS(rename("mnt/a", "mnt/d/a"));
	drop_caches(true);
	CHECK_FH(&low, "mnt/d/low");
	CHECK_FH(&a, "mnt/d/a");
	CHECK_FH(&a, "mnt/b");
	fx_remount();
	CHECK_FH(&low, "mnt/d/low");
	CHECK_FH(&a, "mnt/b");
	CHECK_SYS(unlink("mnt/d/low"));
	CHECK_STALE(&low);
	CHECK_STR(ls("work/handles"), "");
}

/* Two directories and two files change places. */
TEST(handles, exchanged)
{
	struct fh top, low, d, deep, both, under;

	layers();
	fx_mount(2);
	top = fh_of("mnt/top");
	low = fh_of("mnt/low");
	d = fh_of("mnt/d");
	deep = fh_of("mnt/d/e/deep");
	both = fh_of("mnt/both");
	under = fh_of("mnt/both/under");
	CHECK_SYS(renameat2(AT_FDCWD, "mnt/top", AT_FDCWD, "mnt/low", RENAME_EXCHANGE));
	CHECK_SYS(renameat2(AT_FDCWD, "mnt/d", AT_FDCWD, "mnt/both", RENAME_EXCHANGE));
	for (int i = 0; i < 2; i++) {
		drop_caches(true);
		CHECK_FH(&under, "mnt/d/under");
		CHECK_FH(&deep, "mnt/both/e/deep");
		CHECK_FH(&top, "mnt/low");
		CHECK_FH(&low, "mnt/top");
		CHECK_FH(&d, "mnt/both");
		CHECK_FH(&both, "mnt/d");
		fx_remount();
	}
}

/* Two of three names go: whichever the layer's filesystem finds the file by. */
TEST(handles, some_of_several_names_go)
{
	char path[3][3][16];
	struct fh fh[3];

	layers();
	for (int d = 0; d < 3; d++) {
		for (int n = 0; n < 3; n++)
			snprintf(path[d][n], sizeof(path[d][n]), "l2/%d/%c", d, 'a' + n);
		snprintf(path[d][d], sizeof(path[d][d]), "l2/%d", d);
		mk_dir(path[d][d]);
		snprintf(path[d][d], sizeof(path[d][d]), "l2/%d/%c", d, 'a' + d);
		mk_file(path[d][0], "three names");
		CHECK_SYS(link(path[d][0], path[d][1]));
		CHECK_SYS(link(path[d][0], path[d][2]));
	}
	fx_mount(2);
	for (int d = 0; d < 3; d++) {
		for (int n = 0; n < 3; n++)
			snprintf(path[d][n], sizeof(path[d][n]), "mnt/%d/%c", d, 'a' + n);
		fh[d] = fh_of(path[d][d]);
	}
	for (int step = 1; step < 3; step++) {
		drop_caches(true);
		for (int d = 0; d < 3; d++)
			CHECK_SYS(unlink(path[d][(d + step) % 3]));
		drop_caches(true);
		for (int d = 0; d < 3; d++)
			CHECK_FH(&fh[d], path[d][d]);
	}
	for (int d = 0; d < 3; d++) {
		append_file(path[d][d], "+");
		drop_caches(true);
		CHECK_FH(&fh[d], path[d][d]);
		CHECK_SYS(unlink(path[d][d]));
		CHECK_STALE(&fh[d]);
	}
}

/* A name outside the layer keeps the copy in the index: it does not show for that. */
TEST(handles, kept_by_a_name_outside)
{
	struct fh fh, copy;

	layers();
	mk_file("l2/d/a", "two names");
	CHECK_SYS(link("l2/d/a", "outside"));
	fx_mount(2);
	fh = fh_of("mnt/d/a");
	append_file("mnt/d/a", "+");
	drop_caches(true);
	CHECK_FH(&fh, "mnt/d/a");
	CHECK_SYS(stat_of("mnt/d/a").st_nlink == 2 ? 0 : -1);
	copy = fh_of("mnt/d/a");
	CHECK_SYS(unlink("mnt/d/a"));
	CHECK(strcmp(ls("work/links"), ""));
	drop_caches(true);
	CHECK_STALE(&fh);
	CHECK_STALE(&copy);
}
