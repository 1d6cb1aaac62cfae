// SPDX-License-Identifier: GPL-2.0-only
/* The tree at the start and the operations of a seed. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "random.h"

#define SPARE_OPS	64	/* what one step may add */
#define MAX_DEPTH	7
#define MAX_SPOTS	1024
#define FULL		200	/* objects; beyond, more is removed */
#define MAX_SIZE	(3 << 20)

/* A name that is there now. */
struct spot {
	struct obj *dir;
	struct name *name;
	struct obj *obj;
};

struct gen {
	struct model *m;
	struct spot spots[MAX_SPOTS];
	int nr;
};

static uint32_t below(struct gen *g, uint32_t n)
{
	return rnd(&g->m->rnd) % n;
}

static bool chance(struct gen *g, int percent)
{
	return below(g, 100) < (uint32_t)percent;
}

static struct obj *child_now(struct gen *g, struct obj *dir, const char *name)
{
	struct name *n = name_find(dir, name);

	return n ? name_at(n, g->m->nr_ops) : NULL;
}

static void collect(struct gen *g, struct obj *dir)
{
	struct obj *obj;
	struct name *n;

	if (dir == g->m->objs)
		g->nr = 0;
	for (n = dir->names; n; n = n->next) {
		obj = name_at(n, g->m->nr_ops);
		if (!obj)
			continue;
		if (g->nr == MAX_SPOTS)
			errx(2, "the tree has become too big");
		g->spots[g->nr++] = (struct spot) { dir, n, obj };
		if (obj->type == TYPE_DIR)
			collect(g, obj);
	}
}

/* A name at random of the types in the mask @types, or NULL. */
static const struct spot *pick(struct gen *g, unsigned int types)
{
	int tries, i;

	collect(g, g->m->objs);
	for (tries = 0; g->nr && tries < 50; tries++) {
		i = below(g, g->nr);
		if (types & 1u << g->spots[i].obj->type)
			return &g->spots[i];
	}
	return NULL;
}

#define FILES	(1u << TYPE_FILE)
#define DIRS	(1u << TYPE_DIR)
#define OTHERS	(1u << TYPE_SYMLINK | 1u << TYPE_FIFO)

static struct obj *pick_dir(struct gen *g)
{
	const struct spot *s = chance(g, 10) ? NULL : pick(g, DIRS);

	return s ? s->obj : g->m->objs;
}

static int depth_of(const struct obj *dir)
{
	int depth = 0;

	for (; dir->parent; dir = dir->parent)
		depth++;
	return depth;
}

/* How many levels of directories are in it. */
static int height_of(struct gen *g, struct obj *dir)
{
	struct obj *obj;
	struct name *n;
	int height = 0, h;

	for (n = dir->names; n; n = n->next) {
		obj = name_at(n, g->m->nr_ops);
		if (!obj || obj->type != TYPE_DIR)
			continue;
		h = 1 + height_of(g, obj);
		if (h > height)
			height = h;
	}
	return height;
}

static bool is_in(const struct obj *obj, const struct obj *dir)
{
	for (; obj; obj = obj->parent) {
		if (obj == dir)
			return true;
	}
	return false;
}

static bool is_empty(struct gen *g, struct obj *dir)
{
	struct name *n;

	for (n = dir->names; n; n = n->next) {
		if (name_at(n, g->m->nr_ops))
			return false;
	}
	return true;
}

static void path_of(struct gen *g, struct obj *dir, char *path)
{
	struct name *n;
	size_t len;

	path[0] = '\0';
	if (!dir->parent)
		return;
	path_of(g, dir->parent, path);
	for (n = dir->parent->names; n; n = n->next) {
		if (name_at(n, g->m->nr_ops) == dir)
			break;
	}
	len = strlen(path);
	snprintf(path + len, PATH_ROOM - len, "%s%s", len ? "/" : "", n->name);
}

static void path_to(struct gen *g, struct obj *dir, const char *name, char *path)
{
	size_t len;

	path_of(g, dir, path);
	len = strlen(path);
	snprintf(path + len, PATH_ROOM - len, "%s%s", len ? "/" : "", name);
}

/* The next operation.  Paths are those of before it. */
static struct op *op_new(struct gen *g, enum kind kind, struct obj *obj, struct obj *dir,
			 const char *name)
{
	struct op *op = &g->m->ops[g->m->nr_ops + 1];

	op->kind = kind;
	op->obj = obj;
	if (dir && name)
		path_to(g, dir, name, op->path);
	else if (dir)
		path_of(g, dir, op->path);
	g->m->nr_ops++;
	if (obj && !obj->touched)
		obj->touched = g->m->nr_ops;
	return op;
}

static struct op *op_at(struct gen *g, enum kind kind, const struct spot *s)
{
	return op_new(g, kind, s->obj, s->dir, s->name->name);
}

/* A file was written to. */
static void any_mtime(struct gen *g, struct obj *obj)
{
	if (obj->metas[obj->nr_metas - 1].mtime != ANY_TIME)
		meta_new(obj, g->m->nr_ops)->mtime = ANY_TIME;
}

static struct content *latest(struct obj *obj)
{
	return &obj->contents[obj->nr_contents - 1];
}

static uint64_t some_size(struct gen *g)
{
	uint32_t kind = below(g, 100);

	if (kind < 60)
		return 1 + below(g, 6000);
	if (kind < 88)
		return 1 + below(g, 40000);
	if (kind < 97)
		return 1 + below(g, 200000);
	return 1 + below(g, 900000);
}

static void emit_write(struct gen *g, const struct spot *s, enum kind kind, uint64_t off,
		       uint64_t len)
{
	struct op *op = op_at(g, kind, s);

	op->off = off;
	op->len = len;
	op->stamp = ++g->m->stamps;
	content_write(content_new(s->obj, g->m->nr_ops), off, len, op->stamp);
	any_mtime(g, s->obj);
	if (kind != OP_WRITE)
		s->obj->content_floor = g->m->nr_ops;
}

static void step_write(struct gen *g)
{
	const struct spot *s = pick(g, FILES);
	enum kind kind = OP_WRITE;
	uint64_t size, off, len;

	if (!s)
		return;
	size = latest(s->obj)->size;
	len = some_size(g);
	off = chance(g, 30) ? size : below(g, size + 1 + (chance(g, 10) ? 9000 : 0));
	if (off + len > MAX_SIZE)
		off = 0;
	/* They promise nothing about what was written before. */
	if (latest(s->obj)->op <= s->obj->content_floor) {
		if (chance(g, 30))
			kind = OP_DSYNC_WRITE;
		else if (chance(g, 20) && size)
			kind = OP_MMAP_WRITE;
	}
	if (kind == OP_MMAP_WRITE) {
		off = below(g, size);
		if (len > size - off)
			len = size - off;
	}
	emit_write(g, s, kind, off, len);
}

static void emit_truncate(struct gen *g, const struct spot *s, enum kind kind, uint64_t size)
{
	struct op *op = op_at(g, kind, s);

	op->len = size;
	content_resize(content_new(s->obj, g->m->nr_ops), size);
	any_mtime(g, s->obj);
}

static void step_truncate(struct gen *g)
{
	const struct spot *s = pick(g, FILES);
	uint64_t size;

	if (!s)
		return;
	size = latest(s->obj)->size;
	if (chance(g, 40)) {
		emit_truncate(g, s, OP_OPEN_TRUNC, 0);
		if (chance(g, 80))
			emit_write(g, s, OP_WRITE, 0, some_size(g));
	} else {
		emit_truncate(g, s, OP_TRUNCATE, chance(g, 70) ? below(g, size + 1) :
			      size + below(g, 9000));
	}
}

static void step_meta(struct gen *g)
{
	const struct spot *s = pick(g, chance(g, 70) ? FILES : FILES | DIRS | OTHERS);
	struct meta *meta;
	struct op *op;

	if (!s)
		return;
	switch (s->obj->type == TYPE_SYMLINK ? 1 : below(g, s->obj->type == TYPE_FIFO ? 2 : 4)) {
	case 0:
		op = op_at(g, OP_CHMOD, s);
		meta = meta_new(s->obj, g->m->nr_ops);
		op->mode = meta->mode = 0700 | below(g, 0100);
		break;
	case 1:
		op = op_at(g, OP_CHOWN, s);
		meta = meta_new(s->obj, g->m->nr_ops);
		op->uid = meta->uid = below(g, 1000);
		op->gid = meta->gid = below(g, 1000);
		break;
	case 2:
		op = op_at(g, OP_SETXATTR, s);
		meta = meta_new(s->obj, g->m->nr_ops);
		op->xattr = below(g, NR_XATTRS);
		op->stamp = !meta->xattrs[op->xattr] || chance(g, 70) ? ++g->m->stamps : 0;
		meta->xattrs[op->xattr] = op->stamp;
		break;
	default:
		if (s->obj->type != TYPE_FILE)
			return;
		op = op_at(g, OP_UTIME, s);
		meta = meta_new(s->obj, g->m->nr_ops);
		op->mtime = meta->mtime = 1000000000 + below(g, 500000000);
		break;
	}
}

/* A name that is free in @dir: often one that was in use. */
static const char *free_name(struct gen *g, struct obj *dir, char *buf)
{
	const struct name *n, *found = NULL;
	int seen = 0;

	for (n = dir->names; n; n = n->next) {
		if (!name_at(n, g->m->nr_ops) && !below(g, ++seen))
			found = n;
	}
	if (found && chance(g, 60)) {
		snprintf(buf, NAME_ROOM, "%s", found->name);
		return buf;
	}
	do
		snprintf(buf, NAME_ROOM, "n%u", below(g, 40));
	while (child_now(g, dir, buf));
	return buf;
}

static struct spot emit_make(struct gen *g, enum kind kind, struct obj *dir, const char *name)
{
	static const enum type types[NR_KINDS] = {
		[OP_CREATE] = TYPE_FILE, [OP_TMPFILE] = TYPE_FILE, [OP_MKDIR] = TYPE_DIR,
		[OP_SYMLINK] = TYPE_SYMLINK, [OP_FIFO] = TYPE_FIFO,
	};
	enum type type = types[kind];
	struct op *op = op_new(g, kind, NULL, dir, name);
	struct obj *obj;

	op->mode = type == TYPE_SYMLINK ? 0777 : 0700 | below(g, 0100);
	obj = obj_make(g->m, type, op->mode);
	op->obj = obj;
	obj->touched = g->m->nr_ops;
	if (kind == OP_SYMLINK) {
		snprintf(obj->target, sizeof(obj->target), "target%u", ++g->m->stamps);
		snprintf(op->path2, sizeof(op->path2), "%s", obj->target);
	}
	if (kind == OP_TMPFILE) {
		op->len = some_size(g);
		op->stamp = ++g->m->stamps;
		content_write(latest(obj), 0, op->len, op->stamp);
		obj->content_floor = g->m->nr_ops;
	}
	name_set(dir, name, g->m->nr_ops, obj);
	return (struct spot) { dir, name_find(dir, name), obj };
}

static void step_make(struct gen *g)
{
	struct obj *dir = pick_dir(g);
	uint32_t kind = below(g, 100);
	char name[NAME_ROOM];
	struct spot s;

	free_name(g, dir, name);
	if (kind < 40) {
		s = emit_make(g, OP_CREATE, dir, name);
		if (chance(g, 80))
			emit_write(g, &s, OP_WRITE, 0, some_size(g));
	} else if (kind < 55) {
		emit_make(g, OP_TMPFILE, dir, name);
	} else if (kind < 80) {
		if (depth_of(dir) < MAX_DEPTH)
			emit_make(g, OP_MKDIR, dir, name);
	} else if (kind < 90) {
		emit_make(g, OP_SYMLINK, dir, name);
	} else {
		emit_make(g, OP_FIFO, dir, name);
	}
}

static void step_link(struct gen *g)
{
	const struct spot *s = pick(g, FILES);
	struct obj *dir = pick_dir(g), *obj;
	char name[NAME_ROOM];
	struct op *op;

	if (!s)
		return;
	free_name(g, dir, name);
	s = pick(g, FILES);
	if (!s)
		return;
	obj = s->obj;
	op = op_at(g, OP_LINK, s);
	path_to(g, dir, name, op->path2);
	name_set(dir, name, g->m->nr_ops, obj);
}

static void emit_remove(struct gen *g, const struct spot *s)
{
	const struct spot copy = *s;

	op_at(g, copy.obj->type == TYPE_DIR ? OP_RMDIR : OP_UNLINK, &copy);
	name_set(copy.dir, copy.name->name, g->m->nr_ops, NULL);
}

/* How many names are in it, at all levels. */
static int count_names(struct gen *g, struct obj *dir)
{
	struct obj *obj;
	struct name *n;
	int nr = 0;

	for (n = dir->names; n; n = n->next) {
		obj = name_at(n, g->m->nr_ops);
		if (obj)
			nr += 1 + (obj->type == TYPE_DIR ? count_names(g, obj) : 0);
	}
	return nr;
}

static void emit_remove_tree(struct gen *g, const struct spot *s)
{
	struct obj *dir = s->obj;
	struct spot child;
	struct name *n;

	for (n = dir->names; n; n = n->next) {
		child = (struct spot) { dir, n, name_at(n, g->m->nr_ops) };
		if (!child.obj)
			continue;
		if (child.obj->type == TYPE_DIR)
			emit_remove_tree(g, &child);
		else
			emit_remove(g, &child);
	}
	emit_remove(g, s);
}

static void step_remove(struct gen *g)
{
	const struct spot *s = pick(g, chance(g, 60) ? FILES | OTHERS : DIRS);
	struct spot copy, made;
	char name[NAME_ROOM];

	if (!s)
		return;
	copy = *s;
	if (copy.obj->type != TYPE_DIR) {
		emit_remove(g, &copy);
		return;
	}
	if (count_names(g, copy.obj) > 14)
		return;
	emit_remove_tree(g, &copy);
	/* A directory over its own whiteout hides all that was in it. */
	if (chance(g, 50)) {
		snprintf(name, sizeof(name), "%s", copy.name->name);
		made = emit_make(g, OP_MKDIR, copy.dir, name);
		if (chance(g, 50))
			emit_make(g, OP_CREATE, made.obj, "f0");
	}
}

static void emit_rename(struct gen *g, enum kind kind, const struct spot *s, struct obj *dir,
			const char *name)
{
	struct obj *other = child_now(g, dir, name);
	const struct spot copy = *s;
	struct op *op = op_at(g, kind, &copy);

	path_to(g, dir, name, op->path2);
	if (other && !other->touched)
		other->touched = g->m->nr_ops;
	name_set(copy.dir, copy.name->name, g->m->nr_ops, kind == OP_EXCHANGE ? other : NULL);
	name_set(dir, name, g->m->nr_ops, copy.obj);
}

static bool may_move(struct gen *g, const struct spot *s, struct obj *dir)
{
	return s->obj->type != TYPE_DIR ||
	       (!is_in(dir, s->obj) && depth_of(dir) + height_of(g, s->obj) < MAX_DEPTH);
}

static void step_rename(struct gen *g)
{
	const struct spot *s = pick(g, chance(g, 55) ? FILES | OTHERS : DIRS), *over;
	char name[NAME_ROOM];
	struct spot copy;
	struct obj *dir;

	if (!s)
		return;
	copy = *s;
	over = chance(g, 35) ? pick(g, copy.obj->type == TYPE_DIR ? DIRS : FILES) : NULL;
	dir = over ? over->dir : pick_dir(g);
	if (!may_move(g, &copy, dir))
		return;
	if (!over) {
		emit_rename(g, OP_RENAME, &copy, dir, free_name(g, dir, name));
		return;
	}
	/* Of two links of one file a rename does nothing. */
	if (over->obj == copy.obj || is_in(copy.dir, over->obj))
		return;
	snprintf(name, sizeof(name), "%s", over->name->name);
	if (chance(g, 30)) {
		if (may_move(g, over, copy.dir))
			emit_rename(g, OP_EXCHANGE, &copy, dir, name);
	} else if (over->obj->type != TYPE_DIR || is_empty(g, over->obj)) {
		emit_rename(g, OP_RENAME, &copy, dir, name);
	}
}

static void emit_fsync(struct gen *g, const struct spot *s, enum kind kind)
{
	struct obj *obj = s->obj;

	op_new(g, kind, NULL, s->dir, s->name->name)->obj = obj;
	obj->content_floor = g->m->nr_ops;
}

/* A new file is written and put in the place of an old one, as editors do. */
static void step_edit(struct gen *g)
{
	const struct spot *s = pick(g, FILES);
	char name[NAME_ROOM];
	struct spot old, new;
	struct op *op;

	if (!s)
		return;
	old = *s;
	snprintf(name, sizeof(name), "%.8s~", old.name->name);
	if (child_now(g, old.dir, name))
		return;
	new = emit_make(g, OP_CREATE, old.dir, name);
	emit_write(g, &new, OP_WRITE, 0, some_size(g));
	if (chance(g, 50)) {
		op = op_at(g, OP_CHMOD, &new);
		op->mode = meta_at(old.obj, g->m->nr_ops)->mode;
		meta_new(new.obj, g->m->nr_ops)->mode = op->mode;
	}
	emit_fsync(g, &new, chance(g, 70) ? OP_FSYNC : OP_FDATASYNC);
	emit_rename(g, OP_RENAME, &new, old.dir, old.name->name);
	if (chance(g, 60))
		op_new(g, OP_FSYNC_DIR, NULL, old.dir, NULL)->obj = old.dir;
}

static void step_sync(struct gen *g)
{
	uint32_t kind = below(g, 100);
	const struct spot *s;
	struct obj *obj;

	if (kind < 8) {
		op_new(g, kind < 5 ? OP_SYNCFS : OP_SYNC, NULL, NULL, NULL);
		for (obj = g->m->objs; obj; obj = obj->next)
			obj->content_floor = g->m->nr_ops;
		return;
	}
	if (kind < 40) {
		obj = pick_dir(g);
		op_new(g, OP_FSYNC_DIR, NULL, obj, NULL)->obj = obj;
		return;
	}
	s = pick(g, FILES);
	if (s)
		emit_fsync(g, s, kind < 80 ? OP_FSYNC : OP_FDATASYNC);
}

/* Make the last change durable, where it was to a file. */
static void step_sync_last(struct gen *g)
{
	const struct op *last = &g->m->ops[g->m->nr_ops];
	uint32_t kind = below(g, 100);
	int i;

	collect(g, g->m->objs);
	for (i = 0; i < g->nr && g->spots[i].obj != last->obj; i++)
		;
	if (i == g->nr)
		return;
	if (g->spots[i].obj->type == TYPE_FILE && kind < 70)
		emit_fsync(g, &g->spots[i], kind < 40 ? OP_FSYNC : OP_FDATASYNC);
	else
		op_new(g, OP_FSYNC_DIR, NULL, g->spots[i].dir, NULL)->obj = g->spots[i].dir;
}

static void step(struct gen *g)
{
	static void (*const steps[])(struct gen *) = {
		step_write, step_write, step_write, step_truncate, step_meta, step_meta,
		step_make, step_link, step_remove, step_rename, step_rename, step_edit,
		step_sync, step_sync,
	};
	int before = g->m->nr_ops;

	collect(g, g->m->objs);
	if (g->nr > FULL && chance(g, 40))
		step_remove(g);
	else
		steps[below(g, sizeof(steps) / sizeof(steps[0]))](g);
	if (g->m->nr_ops != before && chance(g, 30))
		step_sync_last(g);
}

static void start_file(struct gen *g, struct obj *dir, const char *name, uint64_t size)
{
	struct obj *obj = obj_make(g->m, TYPE_FILE, 0700 | below(g, 0100));
	struct meta *meta = obj->metas;

	obj->layer = below(g, NR_LAYERS);
	if (obj->layer && chance(g, 30))
		obj->decoy = ++g->m->stamps;
	meta->uid = below(g, 1000);
	meta->gid = below(g, 1000);
	meta->mtime = 900000000 + obj->id;
	if (chance(g, 30))
		meta->xattrs[0] = ++g->m->stamps;
	if (size)
		content_write(latest(obj), 0, size, ++g->m->stamps);
	latest(obj)->grown = false;
	name_set(dir, name, 0, obj);
}

static void start_dir(struct gen *g, struct obj *dir, int depth)
{
	char name[NAME_ROOM];
	struct obj *obj;
	unsigned int i;

	for (i = 0; i < (depth ? 4 : 8); i++) {
		snprintf(name, sizeof(name), "f%u", i);
		start_file(g, dir, name, i ? 1 + below(g, 20000) : below(g, 300));
	}
	if (depth == 1)
		start_file(g, dir, "medium", 50000 + below(g, 200000));
	if (chance(g, 60)) {
		obj = obj_make(g->m, TYPE_SYMLINK, 0777);
		obj->layer = below(g, NR_LAYERS);
		snprintf(obj->target, sizeof(obj->target), "target%u", ++g->m->stamps);
		name_set(dir, "link", 0, obj);
	}
	if (chance(g, 30)) {
		obj = obj_make(g->m, TYPE_FIFO, 0600);
		obj->layer = below(g, NR_LAYERS);
		name_set(dir, "fifo", 0, obj);
	}
	for (i = 0; depth < 3 && i < (depth ? 2 : 5); i++) {
		if (depth == 2 && chance(g, 60))
			continue;
		snprintf(name, sizeof(name), "d%u", i);
		obj = obj_make(g->m, TYPE_DIR, 0700 | below(g, 0100));
		obj->layer = 0;
		obj->metas[0].uid = below(g, 1000);
		name_set(dir, name, 0, obj);
		start_dir(g, obj, depth + 1);
	}
}

void model_make(struct model *m, uint64_t seed, int nr_ops)
{
	struct gen g = { .m = m };
	struct obj *obj;
	int i;

	*m = (struct model) { .rnd = seed };
	m->ops = calloc(nr_ops + SPARE_OPS + 1, sizeof(*m->ops));
	if (!m->ops)
		err(2, "model");
	obj_make(m, TYPE_DIR, 0755)->layer = 0;
	start_dir(&g, m->objs, 0);
	for (i = 0; i < 3; i++)
		start_file(&g, m->objs, (const char *[]){ "big0", "big1", "big2" }[i],
			   1200000 + below(&g, 1500000));
	while (m->nr_ops < nr_ops)
		step(&g);
	for (obj = m->objs; obj; obj = obj->next)
		obj->content_floor = 0;
}
