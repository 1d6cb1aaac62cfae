// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access times: of what is in the upper, kept as the container's mount says, by
 * every way to read; of a layer's objects, left alone by all of them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

static const char *at;		/* the directory that the readers work in */
static int old_fd = -1;		/* of its file, opened before a copy-up */

static const char *in(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", at, name);
	return path;
}

static int open_file(void)
{
	if (old_fd >= 0 && strcmp(at, "plain"))
		return CHECK_SYS(dup(old_fd));
	return CHECK_SYS(open(in("file"), O_RDONLY));
}

static void by_read(void)
{
	char buf[8];
	int fd = open_file();

	CHECK_EQ(pread(fd, buf, 8, 0), 8);
	close(fd);
}

static void by_noatime_read(void)
{
	char buf[8];
	int fd = CHECK_SYS(open(in("file"), O_RDONLY | O_NOATIME));

	CHECK_EQ(pread(fd, buf, 8, 0), 8);
	close(fd);
}

static void by_open(void)
{
	close(open_file());
	stat_of(in("file"));
}

static void by_mmap(void)
{
	int fd = open_file();
	volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	close(fd);
	(void)*p;
	CHECK_SYS(munmap((void *)p, 4096));
}

static void by_splice(void)
{
	int fd = open_file(), p[2];
	loff_t pos = 0;

	CHECK_SYS(pipe(p));
	CHECK_SYS(splice(fd, &pos, p[1], NULL, 8, 0));
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void by_sendfile(void)
{
	int fd = open_file(), to = CHECK_SYS(open("sink", O_CREAT | O_RDWR, 0600));
	off_t pos = 0;

	CHECK_EQ(sendfile(to, fd, &pos, 8), 8);
	close(fd);
	close(to);
}

static void by_readahead(void)
{
	int fd = open_file();

	CHECK_SYS(posix_fadvise(fd, 0, 4096, POSIX_FADV_WILLNEED));
	close(fd);
}

static void by_readdir(void)
{
	DIR *d = opendir(in("dir"));

	CHECK(d);
	while (readdir(d))
		;
	closedir(d);
}

static void by_readlink(void)
{
	char buf[64];

	CHECK_SYS(readlink(in("link"), buf, sizeof(buf)));
}

static void by_following(void)
{
	stat_of(in("link"));
}

static void by_exec(void)
{
	int status;
	pid_t pid = CHECK_SYS(fork());

	if (!pid) {
		execl(in("prog"), "true", NULL);
		_exit(99);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static const struct reader {
	const char *name, *object;
	void (*fn)(void);
} readers[] = {
	{ "read", "file", by_read }, { "O_NOATIME", "file", by_noatime_read },
	{ "open and stat", "file", by_open }, { "mmap", "file", by_mmap },
	{ "splice", "file", by_splice }, { "sendfile", "file", by_sendfile },
	{ "fadvise", "file", by_readahead }, { "readdir", "dir", by_readdir },
	{ "readlink", "link", by_readlink }, { "following", "link", by_following },
	{ "exec", "prog", by_exec },
};

#define READERS	(sizeof(readers) / sizeof(*readers))

static const struct {
	const char *name;
	unsigned long flags;
} options[] = {
	{ "relatime", MS_RELATIME }, { "noatime", MS_NOATIME },
	{ "strictatime,nodiratime", MS_STRICTATIME | MS_NODIRATIME },
};

#define OPTIONS	(sizeof(options) / sizeof(*options))

/* Before and after the inode's change, which is now: what relatime looks at. */
static const long ages[] = { 100000, -1000 };

#define AGES	(sizeof(ages) / sizeof(*ages))

/* Whether this way to read changes the object's access time. */
static bool changes(const struct reader *r, long age)
{
	struct timespec t[2] = { { time(NULL) - age, 5 }, { 1, 0 } };
	struct stat before, after;

	if (age)
		CHECK_SYS(utimensat(AT_FDCWD, in(r->object), t, AT_SYMLINK_NOFOLLOW));
	CHECK_SYS(lstat(in(r->object), &before));
	r->fn();
	CHECK_SYS(lstat(in(r->object), &after));
	CHECK_EQ(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	return before.st_atim.tv_sec != after.st_atim.tv_sec ||
	       before.st_atim.tv_nsec != after.st_atim.tv_nsec;
}

/*
 *	file, link -> file, dir/, prog (/bin/true)
 */
static void make(const char *dir)
{
	int fd, from = CHECK_SYS(open("/bin/true", O_RDONLY));

	at = dir;
	mk_pattern(in("file"), 20000, 1);
	CHECK_SYS(symlink("file", in("link")));
	mk_dir(in("dir"));
	fd = CHECK_SYS(open(in("prog"), O_CREAT | O_WRONLY, 0755));
	CHECK_SYS(sendfile(fd, from, NULL, stat_of("/bin/true").st_size));
	close(fd);
	close(from);
}

static void set_options(const char *target, int i)
{
	CHECK_SYS(mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | options[i].flags, NULL));
}

static void same_as_plain(const char *dir)
{
	for (size_t o = 0; o < OPTIONS; o++) {
		set_options("plain", o);
		set_options("mnt", o);
		for (size_t r = 0; r < READERS; r++)
			for (size_t a = 0; a < AGES; a++) {
				bool want, got;

				if (old_fd >= 0 && strcmp(readers[r].object, "file"))
					continue;
				at = "plain";
				want = changes(&readers[r], ages[a]);
				at = dir;
				got = changes(&readers[r], ages[a]);
				if (want != got)
					FAIL("%s, %s, age %ld: %d, in a plain directory %d",
					     options[o].name, readers[r].name, ages[a], got,
					     want);
			}
	}
}

static void plain(void)
{
	mk_dir("plain");
	CHECK_SYS(mount("plain", "plain", NULL, MS_BIND, NULL));
	make("plain");
}

/*
 *	plain/, upper/u/	the same objects
 */
TEST(openfiles, atime_upper)
{
	fx_dirs(1);
	plain();
	mk_dir("upper/u");
	make("upper/u");
	fx_mount(1);
	same_as_plain("mnt/u");
}

/*
 *	plain/, l1/d/	the same objects; they come up by the first change of a time
 */
TEST(openfiles, atime_copied_up)
{
	fx_dirs(1);
	plain();
	mk_dir("l1/d");
	make("l1/d");
	fx_mount(1);
	at = "mnt/d";
	old_fd = CHECK_SYS(open("mnt/d/file", O_RDONLY));
	CHECK_SYS(chmod("mnt/d/file", 0600));
	/* By the descriptor from before. */
	same_as_plain("mnt/d");
	close(old_fd);
	old_fd = -1;
	same_as_plain("mnt/d");
}

/* With any options, reading a layer's object changes nothing, and copies nothing. */
TEST(openfiles, atime_layer)
{
	fx_dirs(1);
	mk_dir("l1/d");
	make("l1/d");
	fx_mount(1);
	for (size_t o = 0; o < OPTIONS; o++) {
		set_options("mnt", o);
		at = "mnt/d";
		for (size_t r = 0; r < READERS; r++)
			CHECK(!changes(&readers[r], 0));
	}
	CHECK(!exists("upper/d"));
	fx_check_layers();
}

/*
 *	l1/d/low, upper/d/up
 * The lists that a container makes for itself are no access of anybody's.
 */
TEST(openfiles, atime_of_what_is_listed_below)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_nsec = UTIME_OMIT } };

	SKIP_ON_OVERLAY("is not what is tested");
	fx_dirs(1);
	mk_dir("l1/d");
	mk_file("l1/d/low", "");
	mk_dir("upper/d");
	mk_file("upper/d/up", "");
	fx_mount(1);
	CHECK_SYS(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL));
	CHECK_SYS(utimensat(AT_FDCWD, "mnt/d", old, 0));
	CHECK_STR(ls("mnt/d"), "low up");
	CHECK_EQ(stat_of("upper/d").st_atime, 1000);
	CHECK_EQ(stat_of("mnt/d").st_atime, 1000);
}
