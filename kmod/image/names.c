// SPDX-License-Identifier: GPL-2.0-only
/* A list of names with a hash over it: how a merged directory is listed. */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>

#include "image/names.h"
#include "limits.h"

/* Names are cut from blocks: one allocation each would cost more than the name. */
struct lfs_names_chunk {
	struct lfs_names_chunk *next;
};

#define LFS_NAMES_CHUNK_MIN 512
#define LFS_NAMES_CHUNK_MAX (64 * 1024)

/* More is refused by the allocator, with a complaint in the log. */
static_assert(sizeof(struct lfs_name *) <= INT_MAX / LFS_MAX_NAMES);
static_assert(sizeof(struct lfs_name_again) <= INT_MAX / LFS_MAX_NAMES_AGAIN);

/**
 * lfs_names_alloc - an empty list
 *
 * Return: the list or NULL.
 */
struct lfs_names *lfs_names_alloc(void)
{
	struct lfs_names *names = kzalloc(sizeof(*names), GFP_KERNEL_ACCOUNT);

	if (!names)
		return NULL;
	names->order = LFS_NAMES_MIN_ORDER;
	names->bucket = kcalloc(1U << names->order, sizeof(*names->bucket), GFP_KERNEL_ACCOUNT);
	if (!names->bucket) {
		kfree(names);
		return NULL;
	}
	return names;
}

/**
 * lfs_names_free - free a list and its names
 * @names: may be NULL
 */
void lfs_names_free(struct lfs_names *names)
{
	struct lfs_names_chunk *chunk;

	if (!names)
		return;
	while ((chunk = names->chunk)) {
		names->chunk = chunk->next;
		kvfree(chunk);
	}
	kvfree(names->again);
	kvfree(names->bucket);
	kvfree(names->v);
	kfree(names);
}

/* Salted, so that the author of a layer cannot make names collide. */
static u32 lfs_names_hash(const struct lfs_names *names, const char *name, int len)
{
	return full_name_hash(names, name, len);
}

static struct lfs_name **lfs_names_bucket(const struct lfs_names *names, u32 hash)
{
	/* The low bits of the hash are its weakest; fold the high ones in. */
	return &names->bucket[(hash ^ (hash >> 16)) & ((1U << names->order) - 1)];
}

static struct lfs_name *lfs_names_find_hash(const struct lfs_names *names, const char *name,
					    int len, u32 hash)
{
	struct lfs_name *n;

	for (n = *lfs_names_bucket(names, hash); n; n = n->next) {
		if (n->hash == hash && n->len == len && !memcmp(n->name, name, len))
			return n;
	}
	return NULL;
}

/**
 * lfs_names_find - find a name
 * @names: the list
 * @name: need not end in NUL
 * @len: its length in bytes
 *
 * Return: the entry, whiteouts included, or NULL.
 */
struct lfs_name *lfs_names_find(const struct lfs_names *names, const char *name, int len)
{
	return lfs_names_find_hash(names, name, len, lfs_names_hash(names, name, len));
}

/* Room for one more entry; buckets grow with the list.  -ENOMEM, -EFBIG. */
static int lfs_names_grow(struct lfs_names *names)
{
	unsigned int max = names->max ? names->max * 2 : 1U << LFS_NAMES_MIN_ORDER;
	struct lfs_name **v, **bucket, **b;
	unsigned int i, order;

	if (names->nr < names->max)
		return 0;
	if (max > LFS_MAX_NAMES)
		return -EFBIG;
	v = kvrealloc(names->v, array_size(max, sizeof(*v)), GFP_KERNEL_ACCOUNT);
	if (!v)
		return -ENOMEM;
	names->v = v;
	names->max = max;

	order = ilog2(max);
	if (order <= names->order)
		return 0;
	bucket = kvcalloc(max, sizeof(*bucket), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bucket)
		return 0;	/* longer chains, nothing worse */
	kvfree(names->bucket);
	names->bucket = bucket;
	names->order = order;
	for (i = 0; i < names->nr; i++) {
		b = lfs_names_bucket(names, names->v[i]->hash);
		names->v[i]->next = *b;
		*b = names->v[i];
	}
	return 0;
}

static struct lfs_name *lfs_names_cut(struct lfs_names *names, int len)
{
	size_t size = ALIGN(struct_size_t(struct lfs_name, name, len + 1), sizeof(void *));
	struct lfs_names_chunk *chunk;
	size_t want;
	void *p;

	if (names->left < size) {
		want = names->nr < 16 ? LFS_NAMES_CHUNK_MIN : LFS_NAMES_CHUNK_MAX;
		if (names->nr >= 16 && names->nr < 512)
			want = 4096;
		want = max(want, size + sizeof(*chunk));
		chunk = kvmalloc(want, GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return NULL;
		chunk->next = names->chunk;
		names->chunk = chunk;
		names->left = want - sizeof(*chunk);
	}
	/* Cut from the end, so that only the rest's size needs remembering. */
	p = (void *)(names->chunk + 1) + ALIGN_DOWN(names->left - size, sizeof(void *));
	names->left = p - (void *)(names->chunk + 1);
	return p;
}

/*
 * A name that is there is seen once more.  Only directories merge with what is below,
 * and only as far as there are directories; DT_UNKNOWN may be one.
 */
static int lfs_names_repeat(struct lfs_names *names, struct lfs_name *n, unsigned int type)
{
	u32 max = names->max_again ? names->max_again * 2 : 16;
	struct lfs_name_again *again = names->again, *last;

	if (n->type != DT_DIR || n->ends || n->source == names->source)
		return 0;
	if (type != DT_DIR && type != DT_UNKNOWN) {
		n->ends = true;
		return 0;
	}
	last = n->again ? &again[n->again - 1] : NULL;
	if (last && last->source == names->source)
		return 0;
	if (names->nr_again == names->max_again) {
		if (max > LFS_MAX_NAMES_AGAIN)
			return -EFBIG;
		again = kvrealloc(again, array_size(max, sizeof(*again)), GFP_KERNEL_ACCOUNT);
		if (!again)
			return -ENOMEM;
		names->again = again;
		names->max_again = max;
		last = n->again ? &again[n->again - 1] : NULL;
	}
	again += names->nr_again++;
	again->source = names->source;
	again->next = last ? last->next : names->nr_again;
	if (last)
		last->next = names->nr_again;
	n->again = names->nr_again;
	return 0;
}

/**
 * lfs_names_next - which source has a name, too
 * @names: the list
 * @n: a name in it
 * @at: where the last call was; 0 for the source after @n->source
 *
 * Told in order are those of a directory that merge with the first, or may do: which
 * type it has is not always known.
 *
 * Return: the next source, or -1 if there is none.
 */
int lfs_names_next(const struct lfs_names *names, const struct lfs_name *n, u32 *at)
{
	if (*at == n->again)
		return -1;
	*at = names->again[(*at ?: n->again) - 1].next;
	return names->again[*at - 1].source;
}

/**
 * lfs_names_add - add a name unless it is there
 * @names: the list
 * @name: need not end in NUL
 * @len: its length in bytes, 1 to NAME_MAX
 * @type: DT_*
 * @ino: st_ino
 *
 * Return: 0, also if the name was there; -ENOMEM; -EFBIG for more than LFS_MAX_NAMES;
 * -EIO for an impossible name.
 */
int lfs_names_add(struct lfs_names *names, const char *name, int len,
		  unsigned int type, u64 ino)
{
	u32 hash = lfs_names_hash(names, name, len);
	struct lfs_name *n, **b;
	int err;

	if (len <= 0 || len > NAME_MAX)
		return -EIO;
	n = lfs_names_find_hash(names, name, len, hash);
	if (n)
		return lfs_names_repeat(names, n, type);
	err = lfs_names_grow(names);
	if (err)
		return err;
	n = lfs_names_cut(names, len);
	if (!n)
		return -ENOMEM;
	n->ino = ino;
	n->hash = hash;
	n->again = 0;
	n->source = names->source;
	n->len = len;
	n->type = type;
	n->whiteout = false;
	n->ends = false;
	memcpy(n->name, name, len);
	n->name[len] = '\0';
	b = lfs_names_bucket(names, hash);
	n->next = *b;
	*b = n;
	names->v[names->nr++] = n;
	return 0;
}

/**
 * lfs_names_drop_whiteouts - take whiteouts out of the order
 * @names: the list; lfs_names_find() still finds them
 */
void lfs_names_drop_whiteouts(struct lfs_names *names)
{
	unsigned int i, n = 0;

	for (i = 0; i < names->nr; i++) {
		if (!names->v[i]->whiteout)
			names->v[n++] = names->v[i];
	}
	names->nr_dropped += names->nr - n;
	names->nr = n;
}
