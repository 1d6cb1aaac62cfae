/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tree that must not change while something else is unpacked beside it, and
 * all that can be said of it as text: two texts that are equal are the proof.
 */
#ifndef CANARY_H
#define CANARY_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static inline int canary_file(int dir, const char *name, mode_t mode, const char *content)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ssize_t len = strlen(content);
	int ret = write(fd, content, len) != len || fchmod(fd, mode) ||
		  fsetxattr(fd, "user.canary", "v", 1, 0);

	return close(fd) || ret ? -1 : 0;
}

static inline int canary_make(int parent, const char *name)
{
	int dir, ret;

	if (mkdirat(parent, name, 0755))
		return -1;
	dir = openat(parent, name, O_RDONLY | O_DIRECTORY);
	ret = canary_file(dir, "secret", 0600, "secret") ||
	      canary_file(dir, "program", 0755, "#!/bin/sh") || mkdirat(dir, "inner", 0700) ||
	      canary_file(dir, "inner/x", 0644, "x") || symlinkat("secret", dir, "link") ||
	      mknodat(dir, "fifo", S_IFIFO | 0600, 0);
	close(dir);
	return ret ? -1 : 0;
}

static inline void canary_xattrs(FILE *to, const char *path)
{
	char names[4096], value[4096];
	ssize_t len = llistxattr(path, names, sizeof(names));

	for (ssize_t i = 0; i < len; i += strlen(names + i) + 1) {
		ssize_t n = lgetxattr(path, names + i, value, sizeof(value));

		fprintf(to, " %s=", names + i);
		for (ssize_t k = 0; k < n; k++)
			fprintf(to, "%02x", (unsigned char)value[k]);
	}
}

static inline void canary_content(FILE *to, const char *path, const struct stat *st)
{
	char buf[4096];
	ssize_t n = 0;

	if (S_ISLNK(st->st_mode)) {
		n = readlink(path, buf, sizeof(buf));
	} else if (S_ISREG(st->st_mode)) {
		int fd = open(path, O_RDONLY | O_NOFOLLOW);

		n = read(fd, buf, sizeof(buf));
		close(fd);
	}
	fprintf(to, " \"%.*s\"", n > 0 ? (int)n : 0, buf);
}

/* @skip: how much of the path is not the same each time */
static inline void canary_walk(FILE *to, const char *path, size_t skip)
{
	struct dirent *de;
	struct stat st;
	DIR *d;

	if (lstat(path, &st))
		return;
	fprintf(to, "%s ino %lu mode %o links %lu owner %u:%u size %ld mtime %ld.%09ld ctime %ld.%09ld",
		path + skip, st.st_ino, st.st_mode, st.st_nlink, st.st_uid, st.st_gid, (long)st.st_size,
		(long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long)st.st_ctim.tv_sec,
		st.st_ctim.tv_nsec);
	canary_xattrs(to, path);
	canary_content(to, path, &st);
	fputc('\n', to);
	d = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
	while (d && (de = readdir(d))) {
		char sub[4096];

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);
		canary_walk(to, sub, skip);
	}
	if (d)
		closedir(d);
}

/* A line for each file, to be freed */
static inline char *canary_look(int parent, const char *name)
{
	char path[64], *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", parent, name);
	canary_walk(to, path, strlen(path) - strlen(name));
	fclose(to);
	return text;
}

#endif
