// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nobody else changes, is exactly what it should be.  Each worker of the
 * squad has one file, and keeps hold of the directory that it is in: whatever
 * the others do to that directory and those above, the file is there, with
 * these bytes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "content.h"
#include "private.h"
#include "stress.h"

#define PRIVATE_MAX	(64 * 1024)
#define PRIVATE_SIZE	20000

/*
 * @dir: an open directory, the one the file is in
 * @name: the file's name there
 * @size: its size
 * @ino: its inode number, from the first look on
 */
static struct {
	int dir;
	char name[16], other[16];
	off_t size;
	ino_t ino;
	mode_t mode;
} mine;
static unsigned char want[PRIVATE_MAX], got[PRIVATE_MAX];

static unsigned char first_byte(int nr, size_t pos)
{
	return 1 + (nr * 7 + pos / 64) % 255;
}

void private_make(const char *dir, int nr)
{
	char path[MAX_PATH];
	int fd;

	snprintf(path, sizeof(path), "%s/p%d", dir, nr);
	for (size_t i = 0; i < PRIVATE_SIZE; i++)
		want[i] = first_byte(nr, i);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || content_own(fd) || write(fd, want, PRIVATE_SIZE) != PRIVATE_SIZE)
		stress_fail("%s: %s", path, strerror(errno));
	close(fd);
}

void private_init(int nr)
{
	const char *dir = nr % 3 ? "mnt/c0/home" : "mnt/c2/home";

	mine.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mine.dir < 0)
		stress_fail("open %s: %s", dir, strerror(errno));
	snprintf(mine.name, sizeof(mine.name), "p%d", nr);
	snprintf(mine.other, sizeof(mine.other), "q%d", nr);
	mine.size = PRIVATE_SIZE;
	mine.mode = 0644;
	for (size_t i = 0; i < PRIVATE_SIZE; i++)
		want[i] = first_byte(nr, i);
}

/* Nothing of all this may fail. */
#define MUST(call)							\
	({								\
		long rc_ = (long)(call);				\
		if (rc_ == -1)						\
			stress_fail("%s: %s", #call, strerror(errno));	\
		rc_;							\
	})

static int open_mine(int flags)
{
	doing("%s", mine.name);
	return MUST(openat(mine.dir, mine.name, flags | O_CLOEXEC, 0600));
}

static void check_bytes(const unsigned char *buf, off_t pos, size_t len,
			const char *how)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != want[pos + i])
			stress_fail("%s: byte %lld of %lld is %02x, not %02x", how,
				    (long long)(pos + i), (long long)mine.size,
				    buf[i], want[pos + i]);
}

static void check_fd(int fd, const char *how)
{
	struct stat st;
	ssize_t n;

	MUST(fstat(fd, &st));
	if (st.st_size != mine.size)
		stress_fail("%s: size %lld, not %lld", how, (long long)st.st_size,
			    (long long)mine.size);
	if (st.st_ino != mine.ino && mine.ino)
		stress_fail("%s: st_ino %llu, not %llu", how,
			    (unsigned long long)st.st_ino,
			    (unsigned long long)mine.ino);
	mine.ino = st.st_ino;
	if ((st.st_mode & 07777) != mine.mode)
		stress_fail("%s: mode %o, not %o", how, st.st_mode & 07777, mine.mode);
	n = MUST(pread(fd, got, sizeof(got), 0));
	if (n != mine.size)
		stress_fail("%s: %zd bytes, not %lld", how, n, (long long)mine.size);
	check_bytes(got, 0, n, how);
}

static int p_check(void)
{
	int fd = open_mine(O_RDONLY);

	check_fd(fd, "opened anew");
	close(fd);
	return 0;
}

static void draw(off_t *pos, size_t *len)
{
	*len = 1 + rnd(one_in(3) ? 9000 : 300);
	*pos = rnd(PRIVATE_MAX / 2);
	memset(want + *pos, 1 + rnd(255), *len);
	if (*pos + (off_t)*len > mine.size)
		mine.size = *pos + *len;
}

static int p_write(void)
{
	int fd = open_mine(O_RDWR), before = open_mine(O_RDONLY);
	size_t len;
	off_t pos;

	draw(&pos, &len);
	if (MUST(pwrite(fd, want + pos, len, pos)) != (long)len)
		stress_fail("short write");
	check_fd(fd, "written");
	check_fd(before, "opened before the write");
	if (one_in(4))
		MUST(fsync(fd));
	close(before);
	close(fd);
	return 0;
}

static int p_append(void)
{
	size_t len = 1 + rnd(500);
	int fd;

	if (mine.size + len > PRIVATE_MAX - 16384)
		return SKIPPED;
	fd = open_mine(O_RDWR | O_APPEND);
	memset(want + mine.size, 1 + rnd(255), len);
	if (MUST(write(fd, want + mine.size, len)) != (long)len)
		stress_fail("short write");
	mine.size += len;
	check_fd(fd, "appended");
	close(fd);
	return 0;
}

static int p_truncate(void)
{
	off_t size = one_in(4) ? 0 : rnd(PRIVATE_MAX / 2);
	int fd = open_mine(O_RDWR | (size ? 0 : O_TRUNC));

	if (size)
		MUST(ftruncate(fd, size));
	memset(want + size, 0, sizeof(want) - size);
	mine.size = size;
	check_fd(fd, "truncated");
	close(fd);
	return 0;
}

static int p_mmap(void)
{
	int fd = open_mine(O_RDWR);
	unsigned char *p;
	size_t len;
	off_t pos;

	if (!mine.size) {
		close(fd);
		return SKIPPED;
	}
	p = mmap(NULL, mine.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		stress_fail("mmap: %s", strerror(errno));
	check_bytes(p, 0, mine.size, "mapped");
	pos = rnd(mine.size);
	len = 1 + rnd(mine.size - pos);
	memset(want + pos, 1 + rnd(255), len);
	memcpy(p + pos, want + pos, len);
	check_fd(fd, "written through a mapping");
	if (one_in(3))
		MUST(msync(p, mine.size, MS_SYNC));
	munmap(p, mine.size);
	close(fd);
	return 0;
}

static void swap_names(void)
{
	char name[16];

	strcpy(name, mine.name);
	strcpy(mine.name, mine.other);
	strcpy(mine.other, name);
}

static void check_gone(const char *name)
{
	struct stat st;

	if (!fstatat(mine.dir, name, &st, AT_SYMLINK_NOFOLLOW))
		stress_fail("%s is still there", name);
	if (errno != ENOENT)
		stress_fail("%s: %s", name, strerror(errno));
}

static int p_rename(void)
{
	doing("%s -> %s", mine.name, mine.other);
	MUST(renameat2(mine.dir, mine.name, mine.dir, mine.other,
		       one_in(2) ? RENAME_NOREPLACE : 0));
	check_gone(mine.name);
	swap_names();
	return p_check();
}

static bool same_object(int a, int b)
{
	struct stat st[2];

	MUST(fstat(a, &st[0]));
	MUST(fstat(b, &st[1]));
	return st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
}

/* A box's root, from which the file is moved, and which nobody removes. */
static const char *my_box(void)
{
	return me.nr % 3 ? "mnt/c0" : "mnt/c2";
}

/* To another directory, if that is still one when it comes to it. */
static int p_move(void)
{
	char path[MAX_PATH];
	int dir, err;

	snprintf(path, sizeof(path), "%s", my_box());
	for (unsigned int depth = rnd(4); depth; depth--)
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%c",
			 'a' + rnd(4));
	doing("%s -> %s", mine.name, path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	if (renameat(mine.dir, mine.name, dir, mine.name)) {
		err = errno;
		close(dir);
		p_check();
		errno = err;
		return -1;
	}
	if (!same_object(mine.dir, dir))
		check_gone(mine.name);
	close(mine.dir);
	mine.dir = dir;
	return p_check();
}

static int p_link(void)
{
	struct stat st;
	int fd;

	doing("%s -> %s", mine.name, mine.other);
	MUST(linkat(mine.dir, mine.name, mine.dir, mine.other, 0));
	MUST(fstatat(mine.dir, mine.name, &st, 0));
	if (st.st_nlink != 2)
		stress_fail("%lu links, not 2", (unsigned long)st.st_nlink);
	fd = open_mine(O_RDONLY);
	MUST(unlinkat(mine.dir, mine.name, 0));
	check_gone(mine.name);
	check_fd(fd, "opened by the name that is gone");
	close(fd);
	swap_names();
	return p_check();
}

/*
 * A new file of the name, which is gone.  So may be the directory, if nothing else was in
 * it: then in a box's root.
 */
static int make_mine(void)
{
	struct stat st;
	int fd = openat(mine.dir, mine.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT || fstat(mine.dir, &st) || st.st_nlink)
		return open_mine(O_RDWR | O_CREAT | O_EXCL);
	close(mine.dir);
	mine.dir = MUST(open(my_box(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return open_mine(O_RDWR | O_CREAT | O_EXCL);
}

static int p_recreate(void)
{
	int old = open_mine(one_in(2) ? O_RDWR : O_RDONLY), fd;
	size_t len = rnd(20000);

	MUST(unlinkat(mine.dir, mine.name, 0));
	check_gone(mine.name);
	check_fd(old, "unlinked");
	if (one_in(3))
		MUST(fchmod(old, mine.mode = 0600));
	if (one_in(3))
		check_fd(old, "unlinked and changed");
	close(old);
	fd = make_mine();
	memset(want, 0, sizeof(want));
	memset(want, 1 + rnd(255), len);
	mine.size = len;
	mine.ino = 0;
	mine.mode = 0640;
	MUST(fchmod(fd, mine.mode));
	MUST(content_own(fd));
	if (MUST(write(fd, want, len)) != (long)len)
		stress_fail("short write");
	check_fd(fd, "made anew");
	close(fd);
	return p_check();
}

static int p_exchange(void)
{
	struct stat st;
	int fd;

	doing("%s <-> %s", mine.name, mine.other);
	fd = MUST(openat(mine.dir, mine.other, O_WRONLY | O_CREAT | O_EXCL, 0600));
	MUST(content_own(fd));
	MUST(write(fd, "other", 5));
	close(fd);
	MUST(renameat2(mine.dir, mine.name, mine.dir, mine.other, RENAME_EXCHANGE));
	MUST(fstatat(mine.dir, mine.name, &st, 0));
	if (st.st_size != 5)
		stress_fail("size %lld, not 5", (long long)st.st_size);
	swap_names();
	p_check();
	if (one_in(2)) {
		/* over the other */
		MUST(renameat(mine.dir, mine.name, mine.dir, mine.other));
		swap_names();
	} else {
		MUST(unlinkat(mine.dir, mine.other, 0));
	}
	check_gone(mine.other);
	return p_check();
}

static int p_attr(void)
{
	struct timespec ts[2] = { { rnd(1000000), 5 }, { rnd(1000000), 7 } };
	char value[32], back[32];
	int fd = open_mine(O_RDONLY);
	struct stat st;

	mine.mode = 0600 | rnd(0200);
	MUST(fchmod(fd, mine.mode));
	MUST(futimens(fd, ts));
	snprintf(value, sizeof(value), "%u", rnd(1000000));
	MUST(fsetxattr(fd, "user.mine", value, strlen(value) + 1, 0));
	MUST(fstatat(mine.dir, mine.name, &st, 0));
	if (st.st_mtim.tv_sec != ts[1].tv_sec)
		stress_fail("mtime %lld, not %lld", (long long)st.st_mtim.tv_sec,
			    (long long)ts[1].tv_sec);
	MUST(fgetxattr(fd, "user.mine", back, sizeof(back)));
	if (strcmp(value, back))
		stress_fail("xattr is %s, not %s", back, value);
	check_fd(fd, "with attributes");
	close(fd);
	return 0;
}

/* Listed once, whatever comes and goes beside it. */
static int p_list(void)
{
	int fd = MUST(openat(mine.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	DIR *dir = fdopendir(fd);
	struct dirent *de;
	int seen = 0;

	doing("%s", mine.name);
	while ((errno = 0, de = readdir(dir))) {
		if (!strcmp(de->d_name, mine.name)) {
			seen++;
			if (mine.ino && de->d_ino != mine.ino)
				stress_fail("d_ino %llu, st_ino %llu",
					    (unsigned long long)de->d_ino,
					    (unsigned long long)mine.ino);
		}
		if (!strcmp(de->d_name, mine.other))
			stress_fail("%s is listed", mine.other);
	}
	if (errno)
		stress_fail("readdir: %s", strerror(errno));
	closedir(dir);
	if (seen != 1)
		stress_fail("listed %d times", seen);
	return 0;
}

#define PRIVATE(n) { [SQ_PRIVATE] = (n) }

const struct op private_ops[] = {
	{ "p-check", p_check, PRIVATE(10), ERRS(0) },
	{ "p-write", p_write, PRIVATE(10), ERRS(0) },
	{ "p-append", p_append, PRIVATE(5), ERRS(0) },
	{ "p-truncate", p_truncate, PRIVATE(3), ERRS(0) },
	{ "p-mmap", p_mmap, PRIVATE(5), ERRS(0) },
	{ "p-rename", p_rename, PRIVATE(6), ERRS(0) },
	{ "p-move", p_move, PRIVATE(6), ERRS(WALK_ERRS) },
	{ "p-link", p_link, PRIVATE(4), ERRS(0) },
	{ "p-recreate", p_recreate, PRIVATE(3), ERRS(0) },
	{ "p-exchange", p_exchange, PRIVATE(4), ERRS(0) },
	{ "p-attr", p_attr, PRIVATE(4), ERRS(0) },
	{ "p-list", p_list, PRIVATE(6), ERRS(0) },
	{ 0 }
};
