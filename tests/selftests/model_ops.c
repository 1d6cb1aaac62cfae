// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the random test on names, and how one is drawn.  Each draws
 * its arguments once and is done on both sides; what it returned, its errno and
 * what it read must be equal.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "model.h"
#include "tree.h"

uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint32_t rnd(struct model *m, uint32_t below)
{
	return (uint32_t)(mix(m->rng += 0x9e3779b97f4a7c15u) >> 33) % below;
}

/*
 * A path of one to four names.  All but the last are directories, as a rule:
 * drawn blindly, most operations would end at ENOTDIR.  In half of the cases the
 * last is one that exists, as a rule.
 */
const char *draw_path(struct model *m)
{
	static char bufs[4][16];
	static int turn;
	char *p = bufs[turn++ % 4];
	int depth = 1 + (rnd(m, 8) + rnd(m, 8)) / 4;
	bool exists = rnd(m, 2);
	struct stat st;

	for (int i = 0; i < depth; i++) {
		for (int tries = 0; tries < 5; tries++) {
			p[2 * i] = 'a' + rnd(m, NAMES);
			p[2 * i + 1] = '\0';
			if (i == depth - 1 && !exists)
				break;
			if (!fstatat(m->root[PLAIN], p, &st,
				     AT_SYMLINK_NOFOLLOW) &&
			    (i == depth - 1 || S_ISDIR(st.st_mode)))
				break;
		}
		if (i < depth - 1)
			p[2 * i + 1] = '/';
	}
	p[2 * depth - 1] = '\0';
	if (m->nr_touched < 4)
		m->touched[m->nr_touched++] = p;
	return p;
}

struct slot *draw_slot(struct model *m)
{
	struct slot *s;

	for (int tries = 0; tries < 4; tries++) {
		s = &m->slots[rnd(m, SLOTS)];
		if (s->fd[0] >= 0)
			return s;
	}
	return NULL;
}

int slot_nr(const struct model *m, const struct slot *s)
{
	return (int)(s - m->slots);
}

void close_slot(struct slot *s)
{
	for (int r = 0; r < 2; r++) {
		if (s->map[r])
			munmap(s->map[r], MAP_LEN);
		s->map[r] = NULL;
		if (s->fd[r] >= 0)
			close(s->fd[r]);
		s->fd[r] = -1;
	}
}

void model_close_slots(struct model *m)
{
	for (int i = 0; i < SLOTS; i++)
		close_slot(&m->slots[i]);
	for (int i = 0; i < DIRS; i++)
		close_dir_slot(&m->dirs[i]);
}

/* Keeps the descriptors in a slot when both sides have one. */
void keep_slot(struct model *m, struct slot *s, int flags)
{
	for (int r = 0; r < 2; r++)
		s->fd[r] = m->rc[r];
	s->flags = flags;
	if (m->rc[0] < 0 || m->rc[1] < 0)
		close_slot(s);
	for (int r = 0; r < 2; r++)
		if (m->rc[r] >= 0)
			m->rc[r] = 0;
}

const char *draw_data(struct model *m, size_t len)
{
	static char buf[65536];
	uint32_t x = rnd(m, 1u << 31);

	for (size_t i = 0; i < (len + 3) / 4; i++)
		((uint32_t *)buf)[i] = x += 0x9e3779b9;
	return buf;
}

static void op_mkdir(struct model *m)
{
	const char *path = draw_path(m);
	int mode = rnd(m, 6) ? 0755 : rnd(m, 010000);

	DESC("mkdir(%s, 0%o)", path, mode);
	BOTH(mkdirat(m->root[r], path, mode));
}

static void op_rmdir(struct model *m)
{
	const char *path = draw_path(m);

	DESC("rmdir(%s)", path);
	BOTH(unlinkat(m->root[r], path, AT_REMOVEDIR));
}

static void op_unlink(struct model *m)
{
	const char *path = draw_path(m);

	DESC("unlink(%s)", path);
	BOTH(unlinkat(m->root[r], path, 0));
}

/* A whole tree, as rm -r does it; seldom, or nothing would grow. */
static void op_remove_tree(struct model *m)
{
	const char *path = draw_path(m);
	char full[64];

	if (rnd(m, 12))
		return;
	DESC("rm -r %s", path);
	for (int r = 0; r < 2; r++) {
		snprintf(full, sizeof(full), "/proc/self/fd/%d/%s", m->root[r],
			 path);
		tree_remove(full);
	}
}

/* Empties a directory, and so often leaves one of nothing but whiteouts. */
static void op_empty(struct model *m)
{
	const char *path = draw_path(m);
	char full[64];

	if (rnd(m, 6))
		return;
	DESC("rm -r %s/*", path);
	for (int r = 0; r < 2; r++) {
		for (char c = 'a'; c < 'a' + NAMES; c++) {
			snprintf(full, sizeof(full), "/proc/self/fd/%d/%s/%c",
				 m->root[r], path, c);
			tree_remove(full);
		}
	}
}

static void op_rename(struct model *m)
{
	static const unsigned int all[] = { 0, 0, 0, 0, RENAME_NOREPLACE,
		RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE,
		RENAME_NOREPLACE | RENAME_EXCHANGE };
	const char *from = draw_path(m), *to = draw_path(m);
	unsigned int flags = all[rnd(m, rnd(m, 8) ? 8 : 9)];

	DESC("rename(%s, %s, %u)", from, to, flags);
	BOTH(renameat2(m->root[r], from, m->root[r], to, flags));
}

static void op_link(struct model *m)
{
	const char *from = draw_path(m), *to = draw_path(m);
	int flags = rnd(m, 4) ? 0 : AT_SYMLINK_FOLLOW;

	DESC("link(%s, %s, 0x%x)", from, to, flags);
	BOTH(linkat(m->root[r], from, m->root[r], to, flags));
}

/* A file that is open, whether it has lost its name or never had one. */
static void op_link_slot(struct model *m)
{
	struct slot *s = draw_slot(m);
	const char *path = draw_path(m);
	char proc[32];

	if (!s)
		return;
	DESC("link slot %d as %s", slot_nr(m, s), path);
	BOTH((snprintf(proc, sizeof(proc), "/proc/self/fd/%d", s->fd[r]),
	      linkat(AT_FDCWD, proc, m->root[r], path, AT_SYMLINK_FOLLOW)));
}

static void op_tmpfile(struct model *m)
{
	struct slot *s = &m->slots[rnd(m, SLOTS)];
	int flags = O_TMPFILE | O_RDWR | O_CLOEXEC | (rnd(m, 8) ? 0 : O_EXCL);
	const char *dir = draw_path(m);
	int mode = rnd(m, 01000);

	DESC("O_TMPFILE (0%o) in %s as slot %d", flags, dir, slot_nr(m, s));
	close_slot(s);
	BOTH(openat(m->root[r], dir, flags, mode));
	keep_slot(m, s, O_RDWR);
	if (s->fd[0] >= 0)
		BOTH(write(s->fd[r], "tmpfile", 7));
}

/* To a name beside it, to one a level up, to a path. */
static void op_symlink(struct model *m)
{
	const char *to = draw_path(m), *path = draw_path(m);
	char target[32];

	snprintf(target, sizeof(target), "%s%s", rnd(m, 3) ? "" : "../", to);
	DESC("symlink(%s, %s)", target, path);
	BOTH(symlinkat(target, m->root[r], path));
}

static void op_readlink(struct model *m)
{
	const char *path = draw_path(m);
	char buf[64];

	DESC("readlink(%s)", path);
	for (int r = 0; r < 2; r++) {
		memset(buf, 0, sizeof(buf));
		m->rc[r] = readlinkat(m->root[r], path, buf, sizeof(buf));
		m->err[r] = m->rc[r] < 0 ? errno : 0;
		for (size_t i = 0; i < sizeof(buf); i++)
			m->data[r] = m->data[r] * 31 + buf[i];
	}
}

static void op_mknod(struct model *m)
{
	static const mode_t types[] = { S_IFIFO, S_IFIFO, S_IFCHR, S_IFSOCK,
					S_IFREG };
	const char *path = draw_path(m);
	mode_t type = types[rnd(m, 5)];

	DESC("mknod(%s, 0%o)", path, type);
	BOTH(mknodat(m->root[r], path, type | 0644,
		     type == S_IFCHR ? 0x103 : 0));
}

static void op_access(struct model *m)
{
	const char *path = draw_path(m);
	int mode = rnd(m, 8);

	DESC("faccessat(%s, %d)", path, mode);
	BOTH(faccessat(m->root[r], path, mode, AT_EACCESS));
}

const struct op name_ops[] = {
	{ "mkdir", op_mkdir, 8 }, { "rmdir", op_rmdir, 4 },
	{ "unlink", op_unlink, 5 }, { "rm -r", op_remove_tree, 3 },
	{ "rm -r *", op_empty, 2 },
	{ "rename", op_rename, 16 }, { "link", op_link, 4 },
	{ "link of an open file", op_link_slot, 2 },
	{ "O_TMPFILE", op_tmpfile, 2 }, { "symlink", op_symlink, 2 },
	{ "readlink", op_readlink, 1 }, { "mknod", op_mknod, 2 },
	{ "access", op_access, 2 },
	{ }
};

static const struct op *const tables[] = { name_ops, file_ops, attr_ops, dir_ops };

static const struct op *draw_op(struct model *m)
{
	static int total;
	int draw;

	if (!total)
		for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
			for (const struct op *o = tables[t]; o->name; o++)
				total += o->weight;
	draw = rnd(m, total);
	for (size_t t = 0;; t++) {
		for (const struct op *o = tables[t]; o->name; o++) {
			if (draw < o->weight)
				return o;
			draw -= o->weight;
		}
	}
}

/* Who does it: as a rule root, else one of two users that share a group. */
static int draw_user(struct model *m)
{
	switch (rnd(m, 12)) {
	case 0:
		return 1000;
	case 1:
		return 1001;
	default:
		return 0;
	}
}

static void become(int uid)
{
	CHECK_SYS(seteuid(0));
	CHECK_SYS(setegid(uid ? 1000 : 0));
	CHECK_SYS(seteuid(uid));
}

/* One operation, drawn by weight; m says what it was and what came of it. */
void model_op(struct model *m)
{
	const struct op *op;
	int uid = draw_user(m);
	size_t len;

	m->desc[0] = '\0';
	m->rc[0] = m->rc[1] = m->err[0] = m->err[1] = 0;
	m->data[0] = m->data[1] = 0;
	m->nr_touched = 0;
	op = draw_op(m);
	m->op = op->name;
	if (uid)
		become(uid);
	op->run(m);
	if (uid)
		become(0);
	len = strlen(m->desc);
	if (uid && len)
		snprintf(m->desc + len, sizeof(m->desc) - len, " by user %d", uid);
}
