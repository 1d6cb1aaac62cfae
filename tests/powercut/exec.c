// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "device.h"
#include "exec.h"
#include "random.h"

/* What the other thread has to know. */
struct noise {
	const char *file;
	sem_t go;
	bool stop;
	uint64_t rnd;
};

void xattr_value(uint32_t stamp, char *buf, unsigned int size)
{
	snprintf(buf, size, "%u", stamp);
}

static void must(int ret, const char *what, const char *path)
{
	if (ret < 0)
		err(1, "%s %s", what, path);
}

static void write_pattern(int fd, uint64_t off, uint64_t len, uint32_t stamp, const char *path)
{
	char *buf = malloc(len);
	ssize_t n;

	if (!buf)
		err(1, "pattern");
	pattern_fill(buf, off, len, stamp);
	n = pwrite(fd, buf, len, off);
	if (n != (ssize_t)len)
		err(1, "write %s: %zd of %llu", path, n, (unsigned long long)len);
	free(buf);
}

static void set_xattr(const char *path, int i, uint32_t stamp)
{
	char value[16];

	if (!stamp) {
		must(removexattr(path, xattr_names[i]), "removexattr", path);
		return;
	}
	xattr_value(stamp, value, sizeof(value));
	must(setxattr(path, xattr_names[i], value, strlen(value), 0), "setxattr", path);
}

static void set_mtime(const char *path, int64_t mtime)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = mtime } };

	must(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), "utimensat", path);
}

static void start_file(const struct obj *obj, const char *path)
{
	const struct content *c = obj->contents;
	int i, fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	uint64_t end;

	must(fd, "create", path);
	for (i = 0; i < c->nr_segs; i++) {
		end = i + 1 < c->nr_segs ? c->segs[i + 1].start : c->size;
		write_pattern(fd, c->segs[i].start, end - c->segs[i].start, c->segs[i].stamp,
			      path);
	}
	close(fd);
}

/* What a layer above hides must never be seen. */
static void start_decoy(const struct obj *obj, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0666);

	must(fd, "create", path);
	write_pattern(fd, 0, 5000, obj->decoy, path);
	close(fd);
}

static void start_obj(const struct obj *obj, const char *path)
{
	const struct meta *meta = obj->metas;
	int i;

	switch (obj->type) {
	case TYPE_FILE:
		start_file(obj, path);
		break;
	case TYPE_DIR:
		must(mkdir(path, 0700), "mkdir", path);
		break;
	case TYPE_SYMLINK:
		must(symlink(obj->target, path), "symlink", path);
		break;
	case TYPE_FIFO:
		must(mkfifo(path, 0600), "mkfifo", path);
		break;
	}
	must(lchown(path, meta->uid, meta->gid), "chown", path);
	if (obj->type != TYPE_SYMLINK)
		must(chmod(path, meta->mode), "chmod", path);
	for (i = 0; i < NR_XATTRS; i++) {
		if (meta->xattrs[i])
			set_xattr(path, i, meta->xattrs[i]);
	}
	if (meta->mtime != ANY_TIME)
		set_mtime(path, meta->mtime);
}

static void start_tree(const struct obj *dir, const char *root, int layer)
{
	char path[PATH_ROOM * 2];
	const struct obj *obj;
	const struct name *n;

	for (n = dir->names; n; n = n->next) {
		obj = name_at(n, 0);
		if (!obj)
			continue;
		snprintf(path, sizeof(path), "%s/%s", root, n->name);
		if (layer < 0 || obj->type == TYPE_DIR || obj->layer == layer)
			start_obj(obj, path);
		else if (obj->decoy && !layer)
			start_decoy(obj, path);
		if (obj->type == TYPE_DIR)
			start_tree(obj, path, layer);
	}
}

void start_make(const struct model *m, const char *root, int layer)
{
	umask(0);
	must(mkdir(root, 0755), "mkdir", root);
	start_tree(m->objs, root, layer);
}

static void do_write(const struct op *op, const char *path)
{
	int fd = open(path, O_RDWR | (op->kind == OP_DSYNC_WRITE ? O_DSYNC : 0));

	must(fd, "open", path);
	write_pattern(fd, op->off, op->len, op->stamp, path);
	close(fd);
}

static void do_mmap_write(const struct op *op, const char *path)
{
	uint64_t start = op->off & ~4095ULL, len = op->off + op->len - start;
	int fd = open(path, O_RDWR);
	char *map;

	must(fd, "open", path);
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);
	if (map == MAP_FAILED)
		err(1, "mmap %s", path);
	pattern_fill(map + (op->off - start), op->off, op->len, op->stamp);
	must(msync(map, len, MS_SYNC), "msync", path);
	munmap(map, len);
	close(fd);
}

static void do_tmpfile(const struct op *op, const char *path)
{
	char dir[PATH_ROOM * 2], proc[32];
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	fd = open(dir, O_RDWR | O_TMPFILE, op->mode);
	must(fd, "O_TMPFILE", dir);
	write_pattern(fd, op->off, op->len, op->stamp, path);
	must(fsync(fd), "fsync", path);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	must(linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW), "linkat", path);
	close(fd);
}

static void do_sync(enum kind kind, const char *path)
{
	int fd = open(path, O_RDONLY);

	must(fd, "open", path);
	if (kind == OP_FDATASYNC)
		must(fdatasync(fd), "fdatasync", path);
	else if (kind == OP_SYNCFS)
		must(syncfs(fd), "syncfs", path);
	else
		must(fsync(fd), "fsync", path);
	close(fd);
}

static void do_open(const char *path, int flags, uint32_t mode)
{
	int fd = open(path, flags, mode);

	must(fd, "open", path);
	close(fd);
}

static void do_op(const struct op *op, const char *path, const char *path2)
{
	switch (op->kind) {
	case OP_WRITE:
	case OP_DSYNC_WRITE:
		return do_write(op, path);
	case OP_MMAP_WRITE:
		return do_mmap_write(op, path);
	case OP_TRUNCATE:
		return must(truncate(path, op->len), "truncate", path);
	case OP_OPEN_TRUNC:
		return do_open(path, O_WRONLY | O_TRUNC, 0);
	case OP_CHMOD:
		return must(chmod(path, op->mode), "chmod", path);
	case OP_CHOWN:
		return must(lchown(path, op->uid, op->gid), "chown", path);
	case OP_SETXATTR:
		return set_xattr(path, op->xattr, op->stamp);
	case OP_UTIME:
		return set_mtime(path, op->mtime);
	case OP_CREATE:
		return do_open(path, O_RDWR | O_CREAT | O_EXCL, op->mode);
	case OP_TMPFILE:
		return do_tmpfile(op, path);
	case OP_MKDIR:
		return must(mkdir(path, op->mode), "mkdir", path);
	case OP_SYMLINK:
		return must(symlink(op->path2, path), "symlink", path);
	case OP_FIFO:
		return must(mkfifo(path, op->mode), "mkfifo", path);
	case OP_LINK:
		return must(link(path, path2), "link", path);
	case OP_UNLINK:
		return must(unlink(path), "unlink", path);
	case OP_RMDIR:
		return must(rmdir(path), "rmdir", path);
	case OP_RENAME:
		return must(rename(path, path2), "rename", path);
	case OP_EXCHANGE:
		return must(renameat2(AT_FDCWD, path, AT_FDCWD, path2, RENAME_EXCHANGE),
			    "exchange", path);
	case OP_SYNC:
		sync();
		return;
	default:
		return do_sync(op->kind, path);
	}
}

/*
 * Commits of the journal that have nothing to do with what the operations do, in
 * the middle of them.
 */
static void *noise_thread(void *arg)
{
	struct noise *n = arg;
	int fd = open(n->file, O_RDWR | O_CREAT, 0600);
	volatile uint64_t spin;
	char buf[512] = "";

	must(fd, "create", n->file);
	for (;;) {
		sem_wait(&n->go);
		if (n->stop)
			break;
		for (spin = rnd(&n->rnd) % 400000; spin; spin--)
			;
		must(pwrite(fd, buf, sizeof(buf), rnd(&n->rnd) % 64 * sizeof(buf)), "write",
		     n->file);
		must(rnd(&n->rnd) % 8 ? fsync(fd) : syncfs(fd), "sync", n->file);
	}
	close(fd);
	return NULL;
}

static void must_mark(char kind, int op)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%c%d", kind, op);
	ret = mark(text);
	if (ret)
		errx(1, "mark: %s", strerror(-ret));
}

void ops_run(const struct model *m, const char *root, const char *noise)
{
	struct noise n = { .file = noise, .rnd = m->rnd };
	char path[PATH_ROOM * 2], path2[PATH_ROOM * 2];
	uint64_t state = m->rnd + 1;
	pthread_t thread;
	int i;

	umask(0);
	sem_init(&n.go, 0, 0);
	if (pthread_create(&thread, NULL, noise_thread, &n))
		errx(1, "no thread");
	for (i = 1; i <= m->nr_ops; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, m->ops[i].path);
		snprintf(path2, sizeof(path2), "%s/%s", root, m->ops[i].path2);
		if (rnd(&state) % 2)
			sem_post(&n.go);
		must_mark('b', i);
		do_op(&m->ops[i], path, path2);
		must_mark('e', i);
	}
	n.stop = true;
	sem_post(&n.go);
	pthread_join(thread, NULL);
}
