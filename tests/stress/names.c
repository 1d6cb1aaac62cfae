// SPDX-License-Identifier: GPL-2.0-only
/* Random names, and files that stay open for long. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stress.h"
#include "world.h"

uint32_t rnd(uint32_t below)
{
	me.rng ^= me.rng << 13;
	me.rng ^= me.rng >> 7;
	me.rng ^= me.rng << 17;
	return (me.rng >> 16) % below;
}

const char *pick_box(void)
{
	static const char *const box[] = {
		"mnt/c0", "mnt/c0", "mnt/c0", "mnt/c0", "mnt/c0", "mnt/c1",
		"mnt/c1", "mnt/c2", "mnt/c2", NULL,
	};
	const char *b = box[rnd(sizeof(box) / sizeof(*box))];
	static char passing[16];

	me.unstable = !b || !strcmp(b, "mnt/c1");
	if (b)
		return b;
	snprintf(passing, sizeof(passing), "mnt/d%u", rnd(NR_PASSING));
	return passing;
}

static void append(char *path, const char *name)
{
	size_t len = strlen(path);

	snprintf(path + len, MAX_PATH - len, "/%s", name);
}

/* Down along names that are really there: this finds what was moved deep. */
static void descend(char *path, int depth)
{
	char found[64] = "";
	struct dirent *de;
	unsigned int n;
	DIR *dir;

	while (depth-- > 0) {
		dir = opendir(path);
		if (!dir)
			return;
		n = 0;
		while ((de = readdir(dir)))
			if (de->d_type == DT_DIR && de->d_name[0] != '.' &&
			    strlen(de->d_name) < sizeof(found) && one_in(++n))
				strcpy(found, de->d_name);
		closedir(dir);
		if (!n || strlen(path) > MAX_PATH - 80)
			return;
		append(path, found);
	}
}

static void dir_in(const char *box, char *path)
{
	snprintf(path, MAX_PATH, "%s", box);
	if (one_in(12))
		return descend(path, rnd(6));
	for (unsigned int depth = rnd(one_in(3) ? 4 : 3); depth; depth--)
		append(path, (char[]){ 'a' + rnd(4), '\0' });
}

void pick_dir(char *path)
{
	dir_in(pick_box(), path);
}

const char *pick_name(enum kind kind)
{
	static char name[16];
	static const char any[] = "abcdfghi", loose[] = "fghifghia", solid[] = "stu";

	if (kind == READABLE && one_in(10)) {
		snprintf(name, sizeof(name), "p%u", rnd(MAX_WORKERS));
		return name;
	}
	if (kind == READABLE)
		kind = one_in(2) ? SOLID : LOOSE;
	name[0] = kind == SOLID ? solid[rnd(3)] :
		  kind == LOOSE ? loose[rnd(9)] : any[rnd(8)];
	name[1] = '\0';
	return name;
}

void pick_in(const char *box, char *path, enum kind kind)
{
	dir_in(box, path);
	append(path, pick_name(kind));
}

void pick(char *path, enum kind kind)
{
	pick_in(pick_box(), path, kind);
	doing("%s", path);
}

#define HELD	6

static int held[HELD] = { -1, -1, -1, -1, -1, -1 };

/* Keeps an open file: over renames, unlinks, copy-ups, lazy unmounts. */
int hold_fd(int fd)
{
	int i = rnd(HELD);

	if (held[i] >= 0)
		close(held[i]);
	held[i] = fd;
	return 0;
}

/*
 * A regular file, open with @flags at least, to be given back by put_fd(); or
 * -1; or SKIPPED for something else.
 */
int pick_fd(enum kind kind, int flags)
{
	int fd = one_in(4) ? held[rnd(HELD)] : -1;
	char path[MAX_PATH];
	struct stat st;

	if (fd >= 0) {
		int have = fcntl(fd, F_GETFL);

		if ((have & O_ACCMODE) == O_RDWR ||
		    (have & O_ACCMODE) == (flags & O_ACCMODE)) {
			/* What it is on may have become read-only. */
			me.unstable = true;
			doing("(held)");
			return dup(fd);
		}
	}
	pick(path, kind);
	fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return SKIPPED;
	}
	return fd;
}

/* Keeps errno: what is wrong is known already. */
void put_fd(int fd)
{
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
}
