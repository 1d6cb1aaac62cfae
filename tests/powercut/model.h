/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tree and its history: what every object was after each operation.
 *
 * All comes from a seed: the tree at the start, the operations, and so what a
 * checker may find.  Time is the number of an operation; 0 is the start, and a
 * state holds from its operation until the next one's.
 */
#ifndef PC_MODEL_H
#define PC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_ROOM	200
#define NAME_ROOM	16
#define NR_XATTRS	2
#define NR_LAYERS	3
#define ANY_TIME	INT64_MIN

extern const char * const xattr_names[NR_XATTRS];

enum type {
	TYPE_FILE,
	TYPE_DIR,
	TYPE_SYMLINK,
	TYPE_FIFO,
};

/* From @start to the next one's, or to the end, the bytes are @stamp's pattern. */
struct seg {
	uint64_t start;
	uint32_t stamp;		/* 0: zeros */
};

/**
 * struct content - of a file, since @op
 * @grown: by a write, which a crash may leave half done
 */
struct content {
	int op;
	bool grown;
	uint64_t size;
	struct seg *segs;
	int nr_segs;
};

/* Of any object, since @op. */
struct meta {
	int op;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t xattrs[NR_XATTRS];	/* 0: not there */
	int64_t mtime;			/* in seconds, or ANY_TIME */
};

struct child {
	int op;
	struct obj *obj;	/* NULL: nothing */
};

/* A name in a directory, and what it has meant. */
struct name {
	char name[NAME_ROOM];
	struct child *hist;
	int nr;
	struct name *next;
};

/**
 * struct obj - a file, directory, ...
 * @layer: where it comes from, or -1
 * @decoy: of a file in a layer: the stamp of a file that it hides in the lowest, or 0
 * @target: of a symlink
 * @touched: the first operation that needs it in the upper; 0: none
 * @names: of a directory
 * @content_floor: what a checker relies on: nothing older than this may be seen
 * @meta_floor: the same, of attributes
 * @names_floor: the same, of names in a directory
 */
struct obj {
	int id;
	enum type type;
	int layer;
	uint32_t decoy;
	char target[32];
	int touched;
	struct content *contents;
	int nr_contents;
	struct meta *metas;
	int nr_metas;
	struct name *names;
	struct obj *parent;
	struct obj *next;

	int content_floor;
	int meta_floor;
	int names_floor;
	uint64_t seen_ino;
	bool found;
};

enum kind {
	OP_WRITE,		/* anywhere, may make it longer */
	OP_DSYNC_WRITE,		/* O_DSYNC */
	OP_MMAP_WRITE,		/* and msync() */
	OP_TRUNCATE,
	OP_OPEN_TRUNC,
	OP_CHMOD,
	OP_CHOWN,
	OP_SETXATTR,		/* or remove */
	OP_UTIME,
	OP_CREATE,
	OP_TMPFILE,		/* O_TMPFILE, write, fsync, link */
	OP_MKDIR,
	OP_SYMLINK,
	OP_FIFO,
	OP_LINK,
	OP_UNLINK,
	OP_RMDIR,
	OP_RENAME,
	OP_EXCHANGE,
	OP_FSYNC,
	OP_FDATASYNC,
	OP_FSYNC_DIR,
	OP_SYNCFS,
	OP_SYNC,
	NR_KINDS
};

extern const char * const kind_names[NR_KINDS];

/**
 * struct op - one operation
 * @path: what it is done to
 * @path2: the new name; the target of a symlink
 */
struct op {
	enum kind kind;
	struct obj *obj;
	char path[PATH_ROOM];
	char path2[PATH_ROOM];
	uint64_t off;
	uint64_t len;
	uint32_t stamp;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	int xattr;
	int64_t mtime;
};

/**
 * struct model - all of it
 * @objs: the root is the first
 * @ops: @ops[0] is not used
 */
struct model {
	struct obj *objs;
	struct obj **last;
	int nr_objs;
	struct op *ops;
	int nr_ops;
	uint32_t stamps;
	uint64_t rnd;
};

/* The model of a seed: the start, then @nr_ops operations. */
void model_make(struct model *m, uint64_t seed, int nr_ops);
void op_print(const struct model *m, int op);

/* What was so at time @op. */
struct obj *name_at(const struct name *name, int op);
const struct meta *meta_at(const struct obj *obj, int op);
int content_index_at(const struct obj *obj, int op);
int nlink_at(const struct model *m, const struct obj *obj, int op);

/* model.c, for gen.c */
struct obj *obj_make(struct model *m, enum type type, uint32_t mode);
struct name *name_find(struct obj *dir, const char *name);
void name_set(struct obj *dir, const char *name, int op, struct obj *child);
struct meta *meta_new(struct obj *obj, int op);
struct content *content_new(struct obj *obj, int op);
void content_write(struct content *c, uint64_t off, uint64_t len, uint32_t stamp);
void content_resize(struct content *c, uint64_t size);

/* pattern.c: never a zero byte */
void pattern_fill(char *buf, uint64_t off, uint64_t len, uint32_t stamp);
/* The first byte of @len from file offset @off that is not @stamp's; @len if none. */
uint64_t pattern_check(const char *buf, uint64_t off, uint64_t len, uint32_t stamp);

#endif
