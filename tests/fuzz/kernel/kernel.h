/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel, as far as the module's parsers see it: enough to compile their
 * sources unchanged into a program.  Included before anything else; the
 * kernel's own headers are empty files (fuzz.mk makes them).
 */
#ifndef _FUZZ_KERNEL_H
#define _FUZZ_KERNEL_H

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned short umode_t;
typedef u32 errseq_t;
typedef int64_t time64_t;
typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic64_t;
typedef struct { int refs; } refcount_t;

#define __init
#define __exit
#define __percpu
#define __ro_after_init
#define __counted_by(member)
#define __always_unused __attribute__((unused))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define container_of_const(ptr, type, member) \
	((const type *)((const char *)(ptr) - offsetof(type, member)))
#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)
#define BIT(n)			(1UL << (n))
#define GENMASK_ULL(h, l)	((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	((x) = (v))
#define smp_load_acquire(p)	(*(p))
#define test_bit(n, p)		((*(p) >> (n)) & 1)
#define test_bit_acquire(n, p)	test_bit(n, p)
#define atomic_read(a)		((a)->counter)
#define atomic64_inc(a)		((a)->counter++)
#define le64_to_cpu(x)		((u64)(x))
#define le32_to_cpu(x)		((u32)(x))
#define cpu_to_le64(x)		((u64)(x))
#define cpu_to_le32(x)		((u32)(x))
#define array_size(a, b)	((size_t)(a) * (b))
#define min(a, b)		({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max(a, b)		({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define ilog2(n)		(31 - __builtin_clz(n))
#define ALIGN_DOWN(x, a)	((x) & ~((a) - 1))
#define ALIGN(x, a)		ALIGN_DOWN((x) + (a) - 1, a)
#define struct_size_t(type, member, n)	\
	(sizeof(type) + (n) * sizeof(*((type *)0)->member))
#define SZ_4K			4096
#define SZ_1K			1024
#define SZ_1M			(1024 * 1024)
#define SECTOR_SHIFT		9
#define UUID_SIZE		16
#define WHITEOUT_DEV		0

static inline void *ERR_PTR(long err) { return (void *)err; }
static inline long PTR_ERR(const void *p) { return (long)p; }
static inline bool IS_ERR(const void *p) { return (unsigned long)p >= -4095UL; }
static inline bool IS_ERR_OR_NULL(const void *p) { return !p || IS_ERR(p); }
static inline int PTR_ERR_OR_ZERO(const void *p) { return IS_ERR(p) ? PTR_ERR(p) : 0; }

static inline size_t str_has_prefix(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) ? 0 : len;
}

/* Only the types of the arguments are checked: nobody reads the log. */
static inline void fuzz_log(const char *fmt, ...) { (void)fmt; }
#define pr_warn_ratelimited(...)	fuzz_log(__VA_ARGS__)
#define errorfc(fc, ...)		fuzz_log((const char *)(fc) + 0, __VA_ARGS__)

#ifndef INT_MAX
#define INT_MAX			__INT_MAX__
#endif

/* Memory.  The allocation that counts fuzz_fail down to 0 fails. */
#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0
#define __GFP_NOWARN		0
extern unsigned int fuzz_fail;
void *fuzz_realloc(void *p, size_t size);
char *kasprintf(int gfp, const char *fmt, ...);
#define kmalloc(size, gfp)	fuzz_realloc(NULL, size)
#define kvmalloc(size, gfp)	fuzz_realloc(NULL, size)
#define kvrealloc(p, size, gfp)	fuzz_realloc(p, size)
#define kcalloc(n, size, gfp)	kzalloc((n) * (size), gfp)
#define kvcalloc(n, size, gfp)	kzalloc((n) * (size), gfp)
#define kfree(p)		free((void *)(p))
#define kvfree(p)		free((void *)(p))
#define kstrdup(s, gfp)		fuzz_strdup(s)

static inline void *kzalloc(size_t size, int gfp)
{
	void *p = kmalloc(size, gfp);

	return p ? memset(p, 0, size) : NULL;
}

static inline char *fuzz_strdup(const char *s)
{
	char *p = kmalloc(strlen(s) + 1, GFP_KERNEL);

	return p ? strcpy(p, s) : NULL;
}

/* Lists and locks */
struct list_head { struct list_head *next, *prev; };
#define __rcu
struct hlist_node { struct hlist_node *next, **pprev; };
struct hlist_head { struct hlist_node *first; };
struct mutex { bool held; };
/* Only a part of others. */
struct rw_semaphore { char unused; };
typedef struct { bool held; } spinlock_t;

#define LIST_HEAD_INIT(name)		{ &(name), &(name) }
#define __MUTEX_INITIALIZER(name)	{ false }
#define list_for_each_entry(pos, head, member)					\
	for (pos = container_of((head)->next, __typeof__(*pos), member);	\
	     &pos->member != (head);						\
	     pos = container_of(pos->member.next, __typeof__(*pos), member))

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	entry->next = head;
	entry->prev = head->prev;
	head->prev->next = entry;
	head->prev = entry;
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);

/* One processor */
#define this_cpu_add(v, n)		((v) += (n))
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define per_cpu_ptr(p, cpu)		((p) + (cpu))

/* What a failed check says is what libFuzzer shows before it keeps the input. */
#define FUZZ_CHECK(cond) do {							\
	if (!(cond)) {								\
		fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__,	\
			__func__, #cond);					\
		abort();							\
	}									\
} while (0)

#include "vfs.h"
#include "netlink.h"

#endif /* _FUZZ_KERNEL_H */
