// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a crash may leave
 * ----------------------
 * Content.  Of a file whose content was last made durable at time F, each byte is
 * what it was at some time from F until the cut, or zero where a write made the
 * file longer since F; its size is one that it had, or one on the way to it in a
 * write.  So what no write touched since must be there, byte for byte: a copy that
 * is half done fits nowhere.
 *
 * Attributes.  All of one object's are as of one moment.
 *
 * Names.  Where the filesystem keeps the order, all names and attributes of the
 * whole tree are as of one moment, and no promise is from after it.  Otherwise
 * each name means something that it meant since its directory was made durable,
 * and what had a name all the time has one.
 *
 * That is no more than these filesystems do without a stack on top: the same
 * workload is run on the bare filesystem, too, to show it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scan.h"
#include "verify.h"

#define MAX_POINTS	4096
#define MAX_STAMPS	256
/* What mkfs makes, of each filesystem, on a disk of this size. */
#define BLOCK		4096

static int later(int a, int b)
{
	return a > b ? a : b;
}

__attribute__((format(printf, 2, 3)))
static bool fail(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->why, sizeof(v->why), fmt, ap);
	va_end(ap);
	return false;
}

/* The versions of a file's content that may be seen: [first, last]. */
static void window(const struct verify *v, const struct obj *obj, int *first, int *last)
{
	*first = content_index_at(obj, later(obj->content_floor, v->floor));
	*last = content_index_at(obj, v->begun);
}

/*
 * A truncate that makes a file longer has zeros written back up to the end of the block
 * that the file ended in, and that size, before it commits its own (xfs_setattr_size()).
 */
static bool size_between(const struct content *before, const struct content *c, uint64_t size)
{
	if (size >= c->size || size <= before->size)
		return false;
	return c->grown || (size - before->size < BLOCK && size % BLOCK == 0);
}

static bool size_fits(const struct obj *obj, int first, int last, uint64_t size)
{
	const struct content *c;
	int i;

	for (i = first; i <= last; i++) {
		c = &obj->contents[i];
		if (c->size == size)
			return true;
		if (i > first && size_between(c - 1, c, size))
			return true;
	}
	return false;
}

static int compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Where the set of what may be seen changes. */
static int cut_points(const struct obj *obj, int first, int last, uint64_t size,
		      uint64_t *points)
{
	const struct content *c;
	int i, j, nr = 0, out = 0;

	points[nr++] = 0;
	points[nr++] = size;
	for (i = first; i <= last; i++) {
		c = &obj->contents[i];
		if (c->size < size && nr < MAX_POINTS)
			points[nr++] = c->size;
		for (j = 0; j < c->nr_segs; j++) {
			if (c->segs[j].start < size && nr < MAX_POINTS)
				points[nr++] = c->segs[j].start;
		}
	}
	qsort(points, nr, sizeof(*points), compare_u64);
	for (i = 0; i < nr; i++) {
		if (!out || points[out - 1] != points[i])
			points[out++] = points[i];
	}
	return out;
}

static void add_stamp(uint32_t *stamps, int *nr, uint32_t stamp)
{
	int i;

	for (i = 0; i < *nr && stamps[i] != stamp; i++)
		;
	if (i == *nr && *nr < MAX_STAMPS)
		stamps[(*nr)++] = stamp;
}

static int stamps_at(const struct obj *obj, int first, int last, uint64_t at,
		     uint32_t *stamps)
{
	const struct content *c;
	int i, j, nr = 0;

	for (i = last; i >= first; i--) {
		c = &obj->contents[i];
		if (at >= c->size) {
			add_stamp(stamps, &nr, 0);
			continue;
		}
		for (j = c->nr_segs; c->segs[--j].start > at;)
			;
		add_stamp(stamps, &nr, c->segs[j].stamp);
	}
	return nr;
}

/* The first byte of [from, to) that is none of them; @to if there is none. */
static uint64_t first_wrong(const char *data, uint64_t from, uint64_t to,
			    const uint32_t *stamps, int nr)
{
	uint64_t n, best;
	int i;

	while (from < to) {
		best = 0;
		for (i = 0; i < nr && best < to - from; i++) {
			n = pattern_check(data + from, from, to - from, stamps[i]);
			if (n > best)
				best = n;
		}
		if (!best)
			break;
		from += best;
	}
	return from;
}

static bool content_fits(struct verify *v, struct node *node, const struct obj *obj)
{
	static uint64_t points[MAX_POINTS];
	uint64_t size = node->st.st_size, bad;
	uint32_t stamps[MAX_STAMPS];
	int first, last, i, nr, nr_stamps;
	const char *data;

	window(v, obj, &first, &last);
	if (!size_fits(obj, first, last, size))
		return fail(v, "%s: has %llu bytes, not %llu as since operation %d%s",
			    node->path, (unsigned long long)size,
			    (unsigned long long)obj->contents[first].size,
			    obj->contents[first].op,
			    first == last ? "" : ", nor what it had later");
	data = node_data(node);
	if (!data)
		return fail(v, "%s: cannot be read: %s", node->path, strerror(errno));
	nr = cut_points(obj, first, last, size, points);
	for (i = 0; i + 1 < nr; i++) {
		nr_stamps = stamps_at(obj, first, last, points[i], stamps);
		bad = first_wrong(data, points[i], points[i + 1], stamps, nr_stamps);
		if (bad != points[i + 1])
			return fail(v, "%s: byte %llu of %llu is %#x, not what was written by operations %d to %d",
				    node->path, (unsigned long long)bad,
				    (unsigned long long)size, data[bad] & 0xff,
				    obj->contents[first].op, obj->contents[last].op);
	}
	return true;
}

static bool content_ok(struct verify *v, struct node *node, const struct obj *obj)
{
	struct fit *fit;
	int i;

	for (i = 0; i < node->nr_fits; i++) {
		if (node->fits[i].obj == obj && node->fits[i].ok)
			return true;
		/* Again, for the message. */
		if (node->fits[i].obj == obj)
			return content_fits(v, node, obj);
	}
	if (node->nr_fits == MAX_FITS)
		node->nr_fits = 0;
	fit = &node->fits[node->nr_fits++];
	fit->obj = obj;
	fit->ok = content_fits(v, node, obj);
	return fit->ok;
}

static bool meta_is(const struct node *node, const struct meta *meta)
{
	return (node->st.st_mode & 07777) == meta->mode && node->st.st_uid == meta->uid &&
	       node->st.st_gid == meta->gid &&
	       !memcmp(node->xattrs, meta->xattrs, sizeof(meta->xattrs)) &&
	       (meta->mtime == ANY_TIME || node->st.st_mtim.tv_sec == meta->mtime);
}

static bool meta_fail(struct verify *v, const struct node *node, const struct meta *meta)
{
	return fail(v, "%s: mode %o owner %u:%u attributes %u %u mtime %lld, not %o %u:%u %u %u %lld as since operation %d",
		    node->path, node->st.st_mode & 07777, node->st.st_uid, node->st.st_gid,
		    node->xattrs[0], node->xattrs[1], (long long)node->st.st_mtim.tv_sec,
		    meta->mode, meta->uid, meta->gid, meta->xattrs[0], meta->xattrs[1],
		    meta->mtime == ANY_TIME ? -1LL : (long long)meta->mtime, meta->op);
}

static bool kind_ok(struct verify *v, const struct node *node, const struct obj *obj)
{
	if (node->type != obj->type)
		return fail(v, "%s: is of another type than was made", node->path);
	if (obj->type == TYPE_SYMLINK && strcmp(node->target, obj->target))
		return fail(v, "%s: leads to %s, not %s", node->path, node->target,
			    obj->target);
	return true;
}

static struct node *child_of(struct node *dir, const char *name)
{
	struct node *n;

	for (n = dir->children; n && strcmp(n->name, name); n = n->next)
		;
	return n;
}

/* One of two links is the same file as the other. */
static bool ino_ok(struct verify *v, const struct node *node, struct obj *obj)
{
	if (obj->type == TYPE_DIR)
		return true;
	if (obj->seen_ino && obj->seen_ino != node->st.st_ino)
		return fail(v, "%s: is another file than its other link", node->path);
	obj->seen_ino = node->st.st_ino;
	return true;
}

/* Exactly as it was at time @op, but for contents. */
static bool match_at(struct verify *v, struct node *node, struct obj *obj, int op)
{
	struct obj *child_obj;
	struct node *child;
	struct name *name;

	v->nodes++;
	node->obj = obj;
	if (!kind_ok(v, node, obj) || !ino_ok(v, node, obj))
		return false;
	if (!meta_is(node, meta_at(obj, op)))
		return meta_fail(v, node, meta_at(obj, op));
	if (obj->type == TYPE_FILE)
		return content_ok(v, node, obj);
	if (obj->type != TYPE_DIR)
		return true;
	for (child = node->children; child; child = child->next) {
		name = name_find(obj, child->name);
		child_obj = name ? name_at(name, op) : NULL;
		if (!child_obj)
			return fail(v, "%s: is not known here", child->path);
		if (!match_at(v, child, child_obj, op))
			return false;
	}
	for (name = obj->names; name; name = name->next) {
		if (name_at(name, op) && !child_of(node, name->name))
			return fail(v, "%s/%s: is missing", node->path, name->name);
	}
	return true;
}

/* The first moment that all promises allow. */
static int earliest(const struct verify *v)
{
	const struct obj *obj;
	const struct name *n;
	int i, op = v->floor;

	for (obj = v->m->objs; obj; obj = obj->next) {
		op = later(op, meta_at(obj, obj->meta_floor)->op <= obj->meta_floor ?
			   meta_at(obj, obj->meta_floor)->op : 0);
		for (n = obj->names; n; n = n->next) {
			for (i = 0; i < n->nr && n->hist[i].op <= obj->names_floor; i++)
				op = later(op, n->hist[i].op);
		}
	}
	return op;
}

static bool match_ordered(struct verify *v, struct node *root)
{
	int op, first = earliest(v), best = -1, best_op = 0;
	char why[sizeof(v->why)] = "";
	struct obj *obj;

	for (op = v->begun; op >= first; op--) {
		for (obj = v->m->objs; obj; obj = obj->next)
			obj->seen_ino = 0;
		v->nodes = 0;
		if (match_at(v, root, v->m->objs, op))
			return true;
		if (v->nodes > best) {
			best = v->nodes;
			best_op = op;
			memcpy(why, v->why, sizeof(why));
		}
	}
	return fail(v, "the tree is that of no moment from operation %d to %d; as after operation %d: %.700s",
		    first, v->begun, best_op, why);
}

static bool match_loosely(struct verify *v, struct node *node, struct obj *obj);

/* Whether a name's node is one of those that the name has meant. */
static bool child_fits(struct verify *v, struct node *child, const struct name *name, int floor)
{
	bool ok = false, tried = false;
	struct obj *obj;
	int i;

	for (i = name->nr; i--;) {
		if (name->hist[i].op > v->begun)
			continue;
		obj = name->hist[i].obj;
		if (obj) {
			tried = true;
			ok |= match_loosely(v, child, obj);
		}
		if (name->hist[i].op <= floor)
			break;
	}
	return tried ? ok : fail(v, "%s: should be gone, or never was", child->path);
}

static bool name_needed(const struct verify *v, const struct name *name, int floor)
{
	bool needed = false;
	int i;

	for (i = name->nr; i--;) {
		if (name->hist[i].op > v->begun)
			continue;
		if (!name->hist[i].obj)
			return false;
		if (name->hist[i].op <= floor) {
			needed = true;
			break;
		}
	}
	return needed;
}

static bool match_loosely(struct verify *v, struct node *node, struct obj *obj)
{
	int floor = later(obj->names_floor, v->floor), i;
	int meta_floor = later(obj->meta_floor, v->floor);
	struct node *child;
	struct name *name;

	v->nodes++;
	if (!kind_ok(v, node, obj))
		return false;
	for (i = obj->nr_metas; i--;) {
		if (obj->metas[i].op > v->begun && i)
			continue;
		if (meta_is(node, &obj->metas[i]))
			break;
		if (!i || obj->metas[i].op <= meta_floor)
			return meta_fail(v, node, &obj->metas[i]);
	}
	if (obj->type == TYPE_FILE && !content_ok(v, node, obj))
		return false;
	for (child = node->children; child; child = child->next) {
		name = name_find(obj, child->name);
		if (!name)
			return fail(v, "%s: nothing of this name was ever here", child->path);
		if (!child_fits(v, child, name, floor))
			return false;
	}
	for (name = obj->type == TYPE_DIR ? obj->names : NULL; name; name = name->next) {
		if (name_needed(v, name, floor) && !child_of(node, name->name))
			return fail(v, "%s/%s: is missing", node->path, name->name);
	}
	node->obj = obj;
	obj->found = true;
	return true;
}

/* seen_ino is used to count the moments. */
static void count_reachable(struct obj *dir, int op)
{
	struct name *n;
	struct obj *obj;

	for (n = dir->names; n; n = n->next) {
		obj = name_at(n, op);
		if (!obj)
			continue;
		if (obj->seen_ino == (uint64_t)op)
			obj->seen_ino++;
		if (obj->type == TYPE_DIR)
			count_reachable(obj, op);
	}
}

/* What could be reached at every moment is not lost. */
static bool nothing_lost(struct verify *v)
{
	struct obj *obj;
	int op;

	for (obj = v->m->objs; obj; obj = obj->next)
		obj->seen_ino = v->floor;
	for (op = v->floor; op <= v->begun; op++)
		count_reachable(v->m->objs, op);
	for (obj = v->m->objs; obj; obj = obj->next) {
		if (obj->seen_ino == (uint64_t)v->begun + 1 && !obj->found)
			return fail(v, "object %d (type %d), which had a name all the time since operation %d, is found nowhere",
				    obj->id, obj->type, v->floor);
	}
	return true;
}

/* What the operations that have returned promise. */
static void set_floors(struct verify *v)
{
	const struct op *op;
	int i;

	v->floor = v->promises = 0;
	for (i = 1; i <= v->begun; i++) {
		op = &v->m->ops[i];
		/* Synced before it has a name. */
		if (op->kind == OP_TMPFILE)
			op->obj->content_floor = i;
		if (i > v->done)
			continue;
		v->promises++;
		switch (op->kind) {
		case OP_FSYNC:
			op->obj->meta_floor = i;
			op->obj->content_floor = i;
			break;
		case OP_DSYNC_WRITE:
		case OP_MMAP_WRITE:
		case OP_FDATASYNC:
			op->obj->content_floor = i;
			break;
		case OP_FSYNC_DIR:
			op->obj->meta_floor = i;
			op->obj->names_floor = i;
			break;
		case OP_SYNC:
		case OP_SYNCFS:
			v->floor = i;
			v->promises = 1;
			break;
		default:
			v->promises--;
			break;
		}
	}
}

/* Which of the objects whose copy-up may be missing have been copied. */
static void count_copies(struct verify *v, const struct node *node, size_t root_len,
			 const char *upper)
{
	char path[PATH_ROOM * 3];
	const struct node *child;

	if (node->obj && node->obj->layer >= 0 && node->obj->touched > v->floor &&
	    node->obj->touched <= v->begun) {
		snprintf(path, sizeof(path), "%s%s", upper, node->path + root_len);
		if (access(path, F_OK))
			v->early++;
		else
			v->late++;
	}
	for (child = node->children; child; child = child->next)
		count_copies(v, child, root_len, upper);
}

bool verify_tree(struct verify *v, const char *root, const char *upper)
{
	struct node *tree = scan(root, v->why, sizeof(v->why));
	bool ok;

	set_floors(v);
	if (!tree)
		return false;
	if (v->ordered)
		ok = match_ordered(v, tree);
	else
		ok = match_loosely(v, tree, v->m->objs) && nothing_lost(v);
	if (ok && upper)
		count_copies(v, tree, strlen(root), upper);
	return ok;
}
