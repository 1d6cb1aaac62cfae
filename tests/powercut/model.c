// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

const char * const xattr_names[NR_XATTRS] = { "user.one", "user.two" };

const char * const kind_names[NR_KINDS] = {
	[OP_WRITE] = "write",		[OP_DSYNC_WRITE] = "write O_DSYNC",
	[OP_MMAP_WRITE] = "mmap, msync",	[OP_TRUNCATE] = "truncate",
	[OP_OPEN_TRUNC] = "open O_TRUNC",	[OP_CHMOD] = "chmod",
	[OP_CHOWN] = "chown",		[OP_SETXATTR] = "setxattr",
	[OP_UTIME] = "utime",		[OP_CREATE] = "create",
	[OP_TMPFILE] = "O_TMPFILE, fsync, link", [OP_MKDIR] = "mkdir",
	[OP_SYMLINK] = "symlink",	[OP_FIFO] = "mkfifo",
	[OP_LINK] = "link",		[OP_UNLINK] = "unlink",
	[OP_RMDIR] = "rmdir",		[OP_RENAME] = "rename",
	[OP_EXCHANGE] = "rename RENAME_EXCHANGE", [OP_FSYNC] = "fsync",
	[OP_FDATASYNC] = "fdatasync",	[OP_FSYNC_DIR] = "fsync directory",
	[OP_SYNCFS] = "syncfs",		[OP_SYNC] = "sync",
};

static void *grow(void *array, int nr, size_t size)
{
	/* Full whenever the number is a power of two, or zero. */
	if (nr & (nr - 1))
		return array;
	array = realloc(array, (nr ? 2 * nr : 1) * size);
	if (!array)
		err(2, "model");
	return array;
}

struct obj *obj_make(struct model *m, enum type type, uint32_t mode)
{
	struct obj *obj = calloc(1, sizeof(*obj));

	if (!obj)
		err(2, "model");
	obj->id = m->nr_objs++;
	obj->type = type;
	obj->layer = -1;
	if (!m->last)
		m->last = &m->objs;
	*m->last = obj;
	m->last = &obj->next;
	meta_new(obj, m->nr_ops)->mode = mode;
	if (type == TYPE_FILE)
		content_new(obj, m->nr_ops);
	return obj;
}

struct name *name_find(struct obj *dir, const char *name)
{
	struct name *n;

	for (n = dir->names; n; n = n->next) {
		if (!strcmp(n->name, name))
			return n;
	}
	return NULL;
}

void name_set(struct obj *dir, const char *name, int op, struct obj *child)
{
	struct name *n = name_find(dir, name);

	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			err(2, "model");
		snprintf(n->name, sizeof(n->name), "%s", name);
		n->next = dir->names;
		dir->names = n;
	}
	n->hist = grow(n->hist, n->nr, sizeof(*n->hist));
	n->hist[n->nr++] = (struct child) { .op = op, .obj = child };
	if (child && child->type == TYPE_DIR)
		child->parent = dir;
}

/* The attributes as they are, to be changed. */
struct meta *meta_new(struct obj *obj, int op)
{
	struct meta *meta;

	obj->metas = grow(obj->metas, obj->nr_metas, sizeof(*obj->metas));
	meta = &obj->metas[obj->nr_metas];
	if (obj->nr_metas)
		*meta = meta[-1];
	else
		*meta = (struct meta) { .mtime = ANY_TIME };
	meta->op = op;
	obj->nr_metas++;
	return meta;
}

/* The content as it is, to be changed. */
struct content *content_new(struct obj *obj, int op)
{
	const struct content *old;
	struct content *c;

	obj->contents = grow(obj->contents, obj->nr_contents, sizeof(*obj->contents));
	c = &obj->contents[obj->nr_contents++];
	*c = (struct content) { .op = op };
	if (obj->nr_contents == 1)
		return c;
	old = c - 1;
	c->size = old->size;
	c->nr_segs = old->nr_segs;
	c->segs = malloc((c->nr_segs + 1) * sizeof(*c->segs));
	if (!c->segs)
		err(2, "model");
	if (c->nr_segs)
		memcpy(c->segs, old->segs, c->nr_segs * sizeof(*c->segs));
	return c;
}

/* Make a segment begin at @off, and say which. */
static int split(struct content *c, uint64_t off)
{
	int i;

	for (i = 0; i < c->nr_segs && c->segs[i].start < off; i++)
		;
	if (off >= c->size || (i < c->nr_segs && c->segs[i].start == off))
		return i;
	c->segs = realloc(c->segs, (c->nr_segs + 1) * sizeof(*c->segs));
	if (!c->segs)
		err(2, "model");
	memmove(&c->segs[i + 1], &c->segs[i], (c->nr_segs - i) * sizeof(*c->segs));
	c->segs[i] = (struct seg) { .start = off, .stamp = c->segs[i - 1].stamp };
	c->nr_segs++;
	return i;
}

void content_resize(struct content *c, uint64_t size)
{
	if (size < c->size) {
		c->nr_segs = split(c, size);
	} else if (size > c->size) {
		c->segs = realloc(c->segs, (c->nr_segs + 1) * sizeof(*c->segs));
		if (!c->segs)
			err(2, "model");
		c->segs[c->nr_segs++] = (struct seg) { .start = c->size };
	}
	c->size = size;
}

void content_write(struct content *c, uint64_t off, uint64_t len, uint32_t stamp)
{
	int first, end;

	if (off + len > c->size)
		content_resize(c, off + len);
	first = split(c, off);
	end = split(c, off + len);
	c->segs[first].stamp = stamp;
	memmove(&c->segs[first + 1], &c->segs[end], (c->nr_segs - end) * sizeof(*c->segs));
	c->nr_segs -= end - first - 1;
	c->grown = true;
}

struct obj *name_at(const struct name *name, int op)
{
	int i;

	for (i = name->nr; i--;) {
		if (name->hist[i].op <= op)
			return name->hist[i].obj;
	}
	return NULL;
}

const struct meta *meta_at(const struct obj *obj, int op)
{
	int i;

	for (i = obj->nr_metas - 1; i && obj->metas[i].op > op; i--)
		;
	return &obj->metas[i];
}

int content_index_at(const struct obj *obj, int op)
{
	int i;

	for (i = obj->nr_contents - 1; i && obj->contents[i].op > op; i--)
		;
	return i;
}

int nlink_at(const struct model *m, const struct obj *obj, int op)
{
	const struct obj *dir;
	const struct name *n;
	int nr = 0;

	for (dir = m->objs; dir; dir = dir->next) {
		for (n = dir->names; n; n = n->next)
			nr += name_at(n, op) == obj;
	}
	return nr;
}

void op_print(const struct model *m, int op)
{
	const struct op *o = &m->ops[op];

	printf("%d %s %s", op, kind_names[o->kind], o->path);
	switch (o->kind) {
	case OP_WRITE:
	case OP_DSYNC_WRITE:
	case OP_MMAP_WRITE:
	case OP_TMPFILE:
	case OP_TRUNCATE:
		printf(" [%llu, +%llu) stamp %u", (unsigned long long)o->off,
		       (unsigned long long)o->len, o->stamp);
		break;
	case OP_CHMOD:
		printf(" %o", o->mode);
		break;
	case OP_CHOWN:
		printf(" %u:%u", o->uid, o->gid);
		break;
	case OP_SETXATTR:
		printf(" %s %u", xattr_names[o->xattr], o->stamp);
		break;
	case OP_SYMLINK:
	case OP_LINK:
	case OP_RENAME:
	case OP_EXCHANGE:
		printf(" %s", o->path2);
		break;
	default:
		break;
	}
	printf("\n");
}
