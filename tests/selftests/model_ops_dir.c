// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the random test on directories that are held open: listed
 * bit by bit while they change, sought in, and worked in after they were moved
 * or removed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness.h"
#include "model.h"

#define ENTRY_LEN	24	/* of a name of up to four letters */

struct raw_dirent {
	ino64_t ino;
	off64_t next;
	unsigned short len;
	unsigned char type;
	char name[];
};

void close_dir_slot(struct dir_slot *d)
{
	for (int r = 0; r < 2; r++) {
		if (d->fd[r] >= 0)
			close(d->fd[r]);
		d->fd[r] = -1;
	}
}

static struct dir_slot *draw_dir(struct model *m)
{
	struct dir_slot *d = &m->dirs[rnd(m, DIRS)];

	return d->fd[0] >= 0 ? d : NULL;
}

static int dir_nr(const struct model *m, const struct dir_slot *d)
{
	return (int)(d - m->dirs);
}

static void op_opendir(struct model *m)
{
	struct dir_slot *d = &m->dirs[rnd(m, DIRS)];
	const char *path = draw_path(m);

	DESC("opendir(%s) as directory %d", path, dir_nr(m, d));
	close_dir_slot(d);
	BOTH(d->fd[r] = openat(m->root[r], path,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	for (int r = 0; r < 2; r++)
		if (m->rc[r] >= 0)
			m->rc[r] = 0;
	if (m->rc[0] || m->rc[1])
		close_dir_slot(d);
	d->begun = false;
}

/* The names of a directory and which inodes they are. */
static void names_of(int fd, uint64_t ino[NAMES])
{
	char name[2] = "a";
	struct stat st;

	for (int i = 0; i < NAMES; i++) {
		name[0] = 'a' + i;
		ino[i] = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_ino;
	}
}

static void begin_listing(struct dir_slot *d)
{
	d->begun = true;
	d->ended = false;
	d->nr = 0;
	memset(d->seen, 0, sizeof(d->seen));
	names_of(d->fd[PLAIN], d->begin);
}

static void take_entries(struct model *m, struct dir_slot *d, char *buf, int len)
{
	for (int pos = 0; pos < len;) {
		struct raw_dirent *de = (void *)(buf + pos);
		int i = de->name[0] - 'a';

		if (d->nr < 2 * NAMES + 4)
			d->entry[d->nr++] = (struct entry){ de->next, de->name[0] };
		if (de->name[0] != '.' && (i < 0 || i >= NAMES || de->name[1]))
			model_differs(m, "listing: a strange name",
				      "directory %d: %s", dir_nr(m, d), de->name);
		else if (i >= 0 && ++d->seen[i] > 1)
			model_differs(m, "listing: a name twice",
				      "directory %d: %s", dir_nr(m, d), de->name);
		pos += de->len;
	}
}

/* All is read: what was there from beginning to end must have been listed. */
static void check_listing(struct model *m, struct dir_slot *d)
{
	uint64_t now[NAMES];

	d->ended = true;
	names_of(d->fd[PLAIN], now);
	for (int i = 0; i < NAMES; i++) {
		if (d->begin[i] && d->begin[i] == now[i] && !d->seen[i])
			model_differs(m, "listing: a name is missing",
				      "directory %d: %c", dir_nr(m, d), 'a' + i);
	}
}

/* Some entries more, as few as fit into a small buffer. */
static void op_readdir_some(struct model *m)
{
	struct dir_slot *d = draw_dir(m);
	int room = ENTRY_LEN * (1 + rnd(m, 5));
	char buf[2][ENTRY_LEN * 5];

	if (!d)
		return;
	DESC("getdents(directory %d, %d)", dir_nr(m, d), room);
	if (!d->begun)
		begin_listing(d);
	BOTH(syscall(SYS_getdents64, d->fd[r], buf[r], room));
	if (m->rc[SUBJECT] > 0)
		take_entries(m, d, buf[SUBJECT], m->rc[SUBJECT]);
	if (!m->rc[SUBJECT] && !d->ended)
		check_listing(m, d);
	/* The order is the filesystem's own, and so is where the end comes. */
	for (int r = 0; r < 2; r++)
		if (m->rc[r] >= 0)
			m->rc[r] = 0;
}

static void op_rewind(struct model *m)
{
	struct dir_slot *d = draw_dir(m);

	if (!d)
		return;
	DESC("rewinddir(directory %d)", dir_nr(m, d));
	BOTH(lseek(d->fd[r], 0, SEEK_SET));
	d->begun = false;
}

/* From an offset that a listing gave, it goes on with the name that came then. */
static void op_seekdir(struct model *m)
{
	struct dir_slot *d = draw_dir(m);
	char buf[ENTRY_LEN];
	struct raw_dirent *de = (void *)buf;
	struct stat st;
	off_t back;
	int i;

	if (!d || !d->begun || d->nr < 2)
		return;
	i = 1 + rnd(m, d->nr - 1);
	DESC("seekdir(directory %d) to where '%c' came", dir_nr(m, d),
	     d->entry[i].name);
	back = lseek(d->fd[SUBJECT], 0, SEEK_CUR);
	lseek(d->fd[SUBJECT], d->entry[i - 1].next, SEEK_SET);
	de->name[0] = 0;
	if (syscall(SYS_getdents64, d->fd[SUBJECT], buf, ENTRY_LEN) < 0)
		de->name[0] = 0;
	lseek(d->fd[SUBJECT], back, SEEK_SET);
	if (de->name[0] == d->entry[i].name)
		return;
	/* Removed meanwhile, or put back: it need not be shown. */
	de->name[0] = d->entry[i].name;
	de->name[1] = '\0';
	if (d->entry[i].name == '.' || fstatat(d->fd[PLAIN], de->name, &st,
					       AT_SYMLINK_NOFOLLOW) ||
	    d->begin[d->entry[i].name - 'a'] != st.st_ino)
		return;
	model_differs(m, "listing: another name after seekdir",
		      "directory %d: not '%c'", dir_nr(m, d), d->entry[i].name);
}

/* A name in an open directory, which may have been moved or removed. */
static void op_in_dir(struct model *m)
{
	struct dir_slot *d = draw_dir(m), *to = draw_dir(m);
	char name[2] = { 'a' + rnd(m, NAMES), 0 }, other[2] = { 'a' + rnd(m, NAMES), 0 };
	int what = rnd(m, 6);
	struct stat st;

	if (!d || !to)
		return;
	DESC("%s %s in directory %d (to %s in %d)",
	     ((const char *[]){ "mkdir", "create", "unlink", "rmdir", "rename",
				"stat" })[what],
	     name, dir_nr(m, d), other, dir_nr(m, to));
	switch (what) {
	case 0:
		BOTH(mkdirat(d->fd[r], name, 0755));
		break;
	case 1:
		BOTH(mknodat(d->fd[r], name, S_IFREG | 0644, 0));
		break;
	case 2:
		BOTH(unlinkat(d->fd[r], name, 0));
		break;
	case 3:
		BOTH(unlinkat(d->fd[r], name, AT_REMOVEDIR));
		break;
	case 4:
		BOTH(renameat(d->fd[r], name, to->fd[r], other));
		break;
	default:
		BOTH(fstatat(d->fd[r], name, &st, AT_SYMLINK_NOFOLLOW));
	}
}

static void op_dir_attr(struct model *m)
{
	struct dir_slot *d = draw_dir(m);
	int what = rnd(m, 3), mode = rnd(m, 010000) | 0700;

	if (!d)
		return;
	DESC("fchmod 0%o, fsetxattr or fsync of directory %d", mode, dir_nr(m, d));
	switch (what) {
	case 0:
		BOTH(fchmod(d->fd[r], mode));
		break;
	case 1:
		BOTH(fsetxattr(d->fd[r], "user.a", "dir", 3, 0));
		break;
	default:
		BOTH(fsync(d->fd[r]));
	}
}

/* The whole of a directory at once, in any order. */
static void op_readdir(struct model *m)
{
	const char *path = draw_path(m);
	struct dirent *de;
	DIR *dir;
	int fd;

	DESC("readdir(%s)", path);
	for (int r = 0; r < 2; r++) {
		fd = openat(m->root[r], path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		m->rc[r] = fd < 0 ? -1 : 0;
		m->err[r] = fd < 0 ? errno : 0;
		if (fd < 0)
			continue;
		dir = fdopendir(fd);
		while ((de = readdir(dir)))
			m->data[r] += mix(de->d_name[0] * 256 + de->d_type);
		closedir(dir);
	}
}

const struct op dir_ops[] = {
	{ "opendir", op_opendir, 4 }, { "getdents", op_readdir_some, 7 },
	{ "rewinddir", op_rewind, 1 }, { "seekdir", op_seekdir, 2 },
	{ "in an open directory", op_in_dir, 4 },
	{ "change of attributes of an open directory", op_dir_attr, 1 },
	{ "readdir", op_readdir, 2 },
	{ }
};
