// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the subject and the plain directory are the same.
 *
 * After an operation the paths that it named are looked at; now and then the
 * whole trees, name by name side by side, with contents and xattrs only when
 * asked for, as that is most of the work.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"
#include "model.h"

#define INOS		8192	/* slots of the table, a power of two */
#define PATH_ROOM	256
#define FULL_ROOM	(PATH_ROOM + 40)
#define XATTRS_MAX	32

/*
 * Which object of the plain side is which of the subject: their st_ino must go
 * together as long as they live.  Birth tells apart who had a number by turns.
 */
static struct {
	uint64_t plain, birth, subject;
} inos[INOS];

void compare_forget_inos(void)
{
	memset(inos, 0, sizeof(inos));
}

uint64_t model_digest(int fd, uint64_t size)
{
	static uint64_t buf[4096];
	uint64_t h = size;
	off_t pos = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), pos)) > 0) {
		memset((char *)buf + n, 0, -n & 7);
		for (ssize_t i = 0; i < (n + 7) / 8; i++)
			h = (h ^ buf[i]) * 0x100000001b3u + (h >> 47);
		pos += n;
	}
	return n < 0 ? (uint64_t)-errno : h ^ pos;
}

static bool is_old(const struct statx *st)
{
	return st->stx_mtime.tv_sec < OLD_BEFORE;
}

/* One attribute of both sides; the kind is "OBJECT: NAME". */
static void attr(struct model *m, const char *path, const char *name,
		 unsigned long long subject, unsigned long long plain)
{
	char kind[96];

	if (subject == plain)
		return;
	snprintf(kind, sizeof(kind), "tree: %s", name);
	model_differs(m, kind, "%s: %s is %llu (0%llo), on the plain side %llu (0%llo)",
		      path, name, subject, subject, plain, plain);
}

/* Moved over a whiteout, which is an exchange, a directory on xfs gets a new mtime. */
static bool mtime_may_be_new(struct model *m, const struct statx *s, const struct statx *p)
{
	static int on_xfs = -1;
	struct statfs fs;

	if (on_xfs < 0)
		on_xfs = !fstatfs(m->root[PLAIN], &fs) && fs.f_type == XFS_SUPER_MAGIC;
	return on_xfs && S_ISDIR(p->stx_mode) && is_old(p) && !is_old(s);
}

static void compare_stat(struct model *m, const char *path,
			 const struct statx *s, const struct statx *p)
{
	attr(m, path, "mode", s->stx_mode, p->stx_mode);
	attr(m, path, "owner", s->stx_uid, p->stx_uid);
	attr(m, path, "group", s->stx_gid, p->stx_gid);
	if (!S_ISDIR(p->stx_mode)) {
		attr(m, path, "size", s->stx_size, p->stx_size);
		attr(m, path, "nlink", s->stx_nlink, p->stx_nlink);
	}
	attr(m, path, "device",
	     s->stx_rdev_major * 1000ull + s->stx_rdev_minor,
	     p->stx_rdev_major * 1000ull + p->stx_rdev_minor);
	if (mtime_may_be_new(m, s, p))
		return;
	attr(m, path, "mtime is old", is_old(s), is_old(p));
	if (is_old(s) && is_old(p)) {
		attr(m, path, "mtime", s->stx_mtime.tv_sec, p->stx_mtime.tv_sec);
		attr(m, path, "mtime's nanoseconds", s->stx_mtime.tv_nsec,
		     p->stx_mtime.tv_nsec);
	}
}

static void compare_ino(struct model *m, const char *path,
			const struct statx *s, const struct statx *p)
{
	uint64_t birth = p->stx_btime.tv_sec * 1000000000ull + p->stx_btime.tv_nsec;
	uint32_t at = mix(p->stx_ino ^ mix(birth)) & (INOS - 1);

	for (int i = 0; i < INOS; i++, at = (at + 1) & (INOS - 1)) {
		if (!inos[at].plain) {
			inos[at].plain = p->stx_ino;
			inos[at].birth = birth;
			inos[at].subject = s->stx_ino;
			return;
		}
		if (inos[at].plain == p->stx_ino && inos[at].birth == birth) {
			attr(m, path, S_ISDIR(p->stx_mode) ?
			     "st_ino of a directory, before and now" :
			     "st_ino, before and now", s->stx_ino,
			     inos[at].subject);
			inos[at].subject = s->stx_ino;
			return;
		}
	}
	compare_forget_inos();
}

static int look(int fd, const char *name, struct statx *st)
{
	return statx(fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME,
		     st) ? errno : 0;
}

/* The paths that the last operation was about. */
void compare_touched(struct model *m)
{
	struct statx st[2];
	int err[2];

	for (int i = 0; i < m->nr_touched; i++) {
		for (int r = 0; r < 2; r++)
			err[r] = look(m->root[r], m->touched[i], &st[r]);
		attr(m, m->touched[i], "error of stat", err[0], err[1]);
		if (!err[0] && !err[1])
			compare_stat(m, m->touched[i], &st[0], &st[1]);
	}
}

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* How xfs keeps an ACL, which is listed beside the ACL: not what another one's file has. */
bool is_form_of_acl(const char *xattr)
{
	return !strncmp(xattr, "trusted.SGI_ACL_", 16);
}

static int sorted_xattrs(const char *path, char *buf, size_t size, char **name)
{
	ssize_t len = llistxattr(path, buf, size);
	int n = 0;

	for (char *p = buf; len > 0 && p < buf + len && n < XATTRS_MAX; p += strlen(p) + 1)
		if (!is_form_of_acl(p))
			name[n++] = p;
	qsort(name, n, sizeof(*name), by_string);
	return len < 0 ? -errno : n;
}

static void compare_xattrs(struct model *m, const char *path, char full[2][FULL_ROOM])
{
	static char names[2][4096], value[2][4096];
	char *name[2][XATTRS_MAX];
	ssize_t len[2];
	int n[2];

	for (int r = 0; r < 2; r++)
		n[r] = sorted_xattrs(full[r], names[r], sizeof(names[r]), name[r]);
	attr(m, path, "number of xattrs", n[0], n[1]);
	for (int i = 0; n[0] == n[1] && i < n[0]; i++) {
		if (strcmp(name[0][i], name[1][i])) {
			model_differs(m, "tree: name of an xattr",
				      "%s: xattr %s, on the plain side %s", path,
				      name[0][i], name[1][i]);
			continue;
		}
		for (int r = 0; r < 2; r++)
			len[r] = lgetxattr(full[r], name[r][i], value[r],
					   sizeof(value[r]));
		if (len[0] != len[1] ||
		    (len[0] > 0 && memcmp(value[0], value[1], len[0])))
			model_differs(m, "tree: value of an xattr",
				      "%s: value of %s (%zd and %zd bytes)", path,
				      name[0][i], len[0], len[1]);
	}
}

static void compare_content(struct model *m, const char *path, mode_t mode,
			    char full[2][FULL_ROOM])
{
	uint64_t data[2] = {};
	char target[64];
	int fd;

	for (int r = 0; r < 2; r++) {
		if (S_ISLNK(mode)) {
			memset(target, 0, sizeof(target));
			if (readlink(full[r], target, sizeof(target)) < 0)
				data[r] = errno;
			for (size_t i = 0; i < sizeof(target); i++)
				data[r] = data[r] * 31 + target[i];
		} else if (S_ISREG(mode)) {
			fd = open(full[r], O_RDONLY | O_CLOEXEC | O_NOATIME);
			data[r] = fd < 0 ? (uint64_t)-errno : model_digest(fd, 0);
			if (fd >= 0)
				close(fd);
		}
	}
	attr(m, path, S_ISLNK(mode) ? "target" : "content", data[0], data[1]);
}

/* The names of a directory as bits, each with its type and number. */
struct names {
	uint32_t set;
	unsigned char type[NAMES];
	uint64_t ino[NAMES];
};

static void list(struct model *m, const char *path, int fd, struct names *out)
{
	DIR *dir = fdopendir(fd);
	struct dirent *de;

	memset(out, 0, sizeof(*out));
	while ((errno = 0, de = readdir(dir))) {
		int i = de->d_name[0] - 'a';

		if (de->d_name[0] == '.')
			continue;
		if (i < 0 || i >= NAMES || de->d_name[1] || out->set & (1 << i)) {
			model_differs(m, "listing: a strange name", "%s/%s", path,
				      de->d_name);
			continue;
		}
		out->set |= 1 << i;
		out->type[i] = de->d_type;
		out->ino[i] = de->d_ino;
	}
	if (errno)
		model_differs(m, "listing: an error", "%s: %s", path, strerror(errno));
	closedir(dir);
}

static void compare_dir(struct model *m, const char *path, bool deep);

static void compare_object(struct model *m, const char *path, bool deep,
			   const struct names *subject, int i)
{
	char full[2][FULL_ROOM];
	struct statx st[2];
	int err[2];

	for (int r = 0; r < 2; r++)
		err[r] = look(m->root[r], path, &st[r]);
	attr(m, path, "error of stat", err[0], err[1]);
	if (err[0] || err[1])
		return;
	compare_stat(m, path, &st[0], &st[1]);
	compare_ino(m, path, &st[0], &st[1]);
	attr(m, path, "d_type", subject->type[i], IFTODT(st[0].stx_mode));
	attr(m, path, "d_ino", subject->ino[i], st[0].stx_ino);
	if (deep) {
		for (int r = 0; r < 2; r++)
			snprintf(full[r], FULL_ROOM, "%s/%s", r ? m->plain : "s/mnt",
				 path);
		compare_content(m, path, st[1].stx_mode, full);
		compare_xattrs(m, path, full);
	}
	if (S_ISDIR(st[1].stx_mode) && S_ISDIR(st[0].stx_mode))
		compare_dir(m, path, deep);
}

static void compare_dir(struct model *m, const char *path, bool deep)
{
	struct names names[2];
	char sub[PATH_ROOM];
	int fd;

	for (int r = 0; r < 2; r++) {
		fd = openat(m->root[r], path,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
		if (fd < 0) {
			model_differs(m, "tree: cannot be listed", "%s: side %d: %s",
				      path, r, strerror(errno));
			return;
		}
		list(m, path, fd, &names[r]);
	}
	for (int i = 0; i < NAMES; i++) {
		uint32_t bit = 1 << i;
		bool top = !strcmp(path, ".");

		if (snprintf(sub, sizeof(sub), "%s%s%c", top ? "" : path,
			     top ? "" : "/", 'a' + i) >= (int)sizeof(sub))
			return;
		if ((names[0].set & bit) != (names[1].set & bit))
			model_differs(m, names[0].set & bit ?
				      "tree: a name that is not there" :
				      "tree: a name is missing", "%s", sub);
		else if (names[0].set & bit)
			compare_object(m, sub, deep, &names[0], i);
	}
}

/**
 * compare_trees - compare all that both sides show
 * @m: the world
 * @deep: contents, xattrs and targets of links too
 */
void compare_trees(struct model *m, bool deep)
{
	struct statx st[2];

	for (int r = 0; r < 2; r++)
		look(m->root[r], ".", &st[r]);
	compare_stat(m, ".", &st[0], &st[1]);
	compare_dir(m, ".", deep);
}

static void compare_fd(struct model *m, const char *what, const int fd[2], bool data)
{
	struct statx st[2];

	for (int r = 0; r < 2; r++)
		CHECK_SYS(statx(fd[r], "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st[r]));
	compare_stat(m, what, &st[0], &st[1]);
	if (S_ISDIR(st[1].stx_mode))
		attr(m, what, "nlink of a removed directory", !st[0].stx_nlink,
		     !st[1].stx_nlink);
	else if (data && S_ISREG(st[1].stx_mode))
		attr(m, what, "content", model_digest(fd[0], 0),
		     model_digest(fd[1], 0));
}

/* Files and directories held open show what they are, whatever they were opened as. */
void compare_slots(struct model *m)
{
	char what[32];

	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &m->slots[i];

		snprintf(what, sizeof(what), "slot %d", i);
		if (s->fd[0] >= 0)
			compare_fd(m, what, s->fd, (s->flags & O_ACCMODE) != O_WRONLY);
	}
	for (int i = 0; i < DIRS; i++) {
		snprintf(what, sizeof(what), "directory %d", i);
		if (m->dirs[i].fd[0] >= 0)
			compare_fd(m, what, m->dirs[i].fd, false);
	}
}
