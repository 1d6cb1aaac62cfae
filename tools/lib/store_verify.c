// SPDX-License-Identifier: LGPL-2.1-or-later
/* The list of a layer's files: written once, and compared with the tree. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_tree.h"

static FILE *open_list(int dirfd, int flags, const char *mode)
{
	int fd = openat(dirfd, STORE_TREE_FILE, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, mode);

	if (!file && fd >= 0)
		close(fd);
	return file;
}

struct writing {
	FILE *file;
	struct store_tree_walk *caller;
	void *caller_arg;
};

static int write_line(void *arg, const char *line)
{
	struct writing *w = arg;

	fputs(line, w->file);
	putc('\n', w->file);
	return ferror(w->file) ? -EIO : 0;
}

static int pass_progress(void *arg, uint64_t bytes)
{
	struct writing *w = arg;

	return w->caller->progress(w->caller_arg, bytes);
}

int store_tree_write(int dirfd, struct store_tree_walk *walk, struct layerfs_error *err)
{
	struct writing w = { .caller = walk, .caller_arg = walk->arg };
	struct store_tree_walk inner = {
		.line = write_line,
		.progress = walk->progress ? pass_progress : NULL,
		.arg = &w,
	};
	int ret;

	w.file = open_list(dirfd, O_WRONLY | O_CREAT | O_TRUNC, "w");
	if (!w.file)
		return layerfs_error_sys(err, -errno, "cannot write the list of its files");
	fputs(STORE_TREE_HEADER, w.file);
	ret = store_tree_walk(dirfd, &inner, err);
	errno = 0;
	if ((ferror(w.file) | fclose(w.file)) && (!ret || ret == -EIO))
		ret = layerfs_error_sys(err, errno ? -errno : -EIO,
					"cannot write the list of its files");
	walk->size = inner.size;
	walk->inodes = inner.inodes;
	strcpy(walk->digest, inner.digest);
	return ret;
}

/**
 * struct verify - a comparison
 * @list: the list of files; NULL if it is no use
 * @next: its line at hand
 * @size: room in @next
 * @more: there is one
 * @hash: over the list as it is read
 * @skipped: what is not there or too much, whose files are not told, too
 * @problem: the caller's
 * @arg: for it
 * @nr: how many problems
 */
struct verify {
	FILE *list;
	char *next;
	size_t size;
	bool more;
	struct layerfs_hash hash;
	char *skipped;
	int (*problem)(void *arg, const char *path, const char *what);
	int (*progress)(void *arg, uint64_t bytes);
	void *arg, *progress_arg;
	int nr;
};

static int tell(struct verify *v, const char *path, const char *what)
{
	if (v->nr < INT32_MAX)
		v->nr++;
	return v->problem(v->arg, path, what);
}

static char *path_of(const char *line)
{
	return strndup(line, strcspn(line, " "));
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && path[len] == '/';
}

/* Of a directory that is not there, or too much, only the top is told */
static int tell_top(struct verify *v, const char *line, const char *what)
{
	char *path = path_of(line);

	if (!path)
		return -ENOMEM;
	if (v->skipped && is_below(path, v->skipped)) {
		free(path);
		return 0;
	}
	free(v->skipped);
	v->skipped = path;
	return tell(v, path, what);
}

static int read_next(struct verify *v)
{
	ssize_t len;
	int ret;

	errno = 0;
	len = getline(&v->next, &v->size, v->list);
	v->more = len > 0;
	if (len <= 0)
		return errno ? -errno : 0;
	ret = layerfs_hash_update(&v->hash, v->next, len);
	if (v->next[len - 1] == '\n')
		v->next[len - 1] = '\0';
	return ret;
}

/* The word "KEY=..." of a line, or NULL; *len is that of all of it */
static const char *find_word(const char *line, const char *key, size_t key_len, size_t *len)
{
	for (const char *p = line + strcspn(line, " "); *p; p += strcspn(p, " ")) {
		p++;
		if (!strncmp(p, key, key_len) && p[key_len] == '=') {
			*len = strcspn(p, " ");
			return p;
		}
	}
	return NULL;
}

static void put_separator(FILE *to)
{
	if (ftell(to) > 0)
		fputs("; ", to);
}

/* One attribute that the list has: the same, another, or none */
static void compare_word(FILE *to, const char *word, size_t len, const char *actual)
{
	int key_len = strcspn(word, "=");
	const char *value = word + key_len + 1, *other;
	int value_len = len - key_len - 1, shown = 80;
	size_t other_len;

	other = find_word(actual, word, key_len, &other_len);
	if (other && other_len == len && !memcmp(other, word, len))
		return;
	put_separator(to);
	if (!strncmp(word, "data=", 5) && other) {
		fputs("its content is not what it was", to);
	} else if (!strncmp(word, "xattr.", 6)) {
		fprintf(to, other ? "%.*s is not what it was" : "%.*s is gone", key_len, word);
	} else if (!other) {
		fprintf(to, "%.*s was %.*s", key_len, word,
			value_len < shown ? value_len : shown, value);
	} else {
		int now = other_len - key_len - 1;

		fprintf(to, "%.*s is %.*s instead of %.*s", key_len, word,
			now < shown ? now : shown, other + key_len + 1,
			value_len < shown ? value_len : shown, value);
	}
}

static int tell_difference(struct verify *v, const char *listed, const char *actual)
{
	char *what = NULL, *path;
	size_t len, ignored;
	FILE *to = open_memstream(&what, &len);
	int ret;

	if (!to)
		return -ENOMEM;
	for (const char *p = listed + strcspn(listed, " "); *p; p += len) {
		len = strcspn(++p, " ");
		compare_word(to, p, len, actual);
	}
	for (const char *p = actual + strcspn(actual, " "); *p; p += len) {
		size_t key_len = strcspn(++p, "=");

		len = strcspn(p, " ");
		if (find_word(listed, p, key_len, &ignored))
			continue;
		put_separator(to);
		fprintf(to, "%.*s was not there", (int)key_len, p);
	}
	path = path_of(listed);
	ret = fclose(to) || !path ? -ENOMEM : tell(v, path, what);
	free(path);
	free(what);
	return ret;
}

static int verify_line(void *arg, const char *line)
{
	struct verify *v = arg;
	int order = -1, ret = 0;

	if (!v->list)
		return 0;
	while (!ret && v->more && (order = store_tree_compare(v->next, line)) < 0) {
		ret = tell_top(v, v->next, "is missing");
		if (!ret)
			ret = read_next(v);
	}
	if (ret)
		return ret;
	if (!v->more || order)
		return tell_top(v, line, "is no part of the layer");
	if (strcmp(v->next, line))
		ret = tell_difference(v, v->next, line);
	return ret ? ret : read_next(v);
}

/* Its line never comes, so that the list's may be passed over */
static int verify_bad(void *arg, const char *path, int error)
{
	struct verify *v = arg;
	char what[128];
	int ret;

	snprintf(what, sizeof(what), "cannot be read: %s", strerror(error));
	while (v->list && v->more && store_tree_compare(v->next, path) < 0) {
		ret = tell_top(v, v->next, "is missing");
		if (!ret)
			ret = read_next(v);
		if (ret)
			return ret;
	}
	free(v->skipped);
	v->skipped = strdup(path);
	if (v->list && v->more && !store_tree_compare(v->next, path)) {
		ret = read_next(v);
		if (ret)
			return ret;
	}
	return v->skipped ? tell(v, path, what) : -ENOMEM;
}

static int verify_progress(void *arg, uint64_t bytes)
{
	struct verify *v = arg;

	return v->progress(v->progress_arg, bytes);
}

/* Whether the list is the one that was written, and at its first line */
static int open_verified_list(struct verify *v, int dirfd, const char *digest)
{
	char now[LAYERFS_DIGEST_SIZE];
	int ret;

	v->list = open_list(dirfd, O_RDONLY, "r");
	if (!v->list)
		return errno == ENOMEM ? -ENOMEM : 1;
	ret = layerfs_hash_start(&v->hash);
	do {
		if (!ret)
			ret = read_next(v);
	} while (!ret && v->more);
	if (!ret)
		ret = layerfs_hash_end(&v->hash, now);
	else
		layerfs_hash_abort(&v->hash);
	if (ret == -ENOMEM)
		return ret;
	if (ret || strcmp(now, digest)) {
		fclose(v->list);
		v->list = NULL;
		return 1;
	}
	rewind(v->list);
	ret = layerfs_hash_start(&v->hash);
	if (!ret)
		ret = read_next(v);
	return ret ? ret : read_next(v);
}

static int finish(struct verify *v, const struct store_tree_walk *inner, const char *digest,
		  bool list_bad)
{
	bool same = !strcmp(inner->digest, digest);
	int ret = 0;

	while (!ret && v->list && v->more) {
		ret = tell_top(v, v->next, "is missing");
		if (!ret)
			ret = read_next(v);
	}
	if (ret || (same && !list_bad))
		return ret;
	if (list_bad)
		return tell(v, STORE_TREE_FILE, same ?
			    "the list of the layer's files is damaged; the files are not" :
			    "files are damaged, and the list that would tell which");
	/* What was read may have changed meanwhile. */
	return v->nr ? 0 : tell(v, ".", "the digest of all files is another");
}

int store_tree_verify(int dirfd, struct store_tree_walk *walk, const char *digest,
		      int (*problem)(void *arg, const char *path, const char *what),
		      void *arg, struct layerfs_error *err)
{
	struct verify v = {
		.problem = problem, .arg = arg,
		.progress = walk->progress, .progress_arg = walk->arg,
	};
	struct store_tree_walk inner = {
		.line = verify_line,
		.bad = verify_bad,
		.progress = walk->progress ? verify_progress : NULL,
		.arg = &v,
	};
	int list_bad, ret;

	list_bad = ret = open_verified_list(&v, dirfd, digest);
	if (ret < 0)
		layerfs_error_sys(err, ret, "cannot read the list of its files");
	else
		ret = store_tree_walk(dirfd, &inner, err);
	if (!ret) {
		ret = finish(&v, &inner, digest, list_bad);
		if (ret)
			layerfs_error_sys(err, ret, "cannot compare its files");
	}
	walk->size = inner.size;
	walk->inodes = inner.inodes;
	strcpy(walk->digest, inner.digest);
	layerfs_hash_abort(&v.hash);
	if (v.list)
		fclose(v.list);
	free(v.next);
	free(v.skipped);
	return ret ? ret : v.nr;
}
