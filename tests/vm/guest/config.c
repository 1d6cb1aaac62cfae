// SPDX-License-Identifier: GPL-2.0-only
/* The runner's wishes: "key=value" records, each ended by a NUL, because an
 * argument may hold any other byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

static char *read_whole(const char *path, size_t *len)
{
	size_t size = 65536;
	char *buf = malloc(size);
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*len = 0;
	if (fd < 0 || !buf)
		return NULL;
	while ((n = read(fd, buf + *len, size - *len - 1)) > 0) {
		*len += n;
		if (*len + 1 == size) {
			size *= 2;
			buf = realloc(buf, size);
			if (!buf)
				return NULL;
		}
	}
	close(fd);
	buf[*len] = '\0';
	return n < 0 ? NULL : buf;
}

static void append(char ***list, char *value)
{
	size_t n = 0;

	while (*list && (*list)[n])
		n++;
	*list = realloc(*list, (n + 2) * sizeof(**list));
	if (!*list)
		die("out of memory");
	(*list)[n] = value;
	(*list)[n + 1] = NULL;
}

static void take(struct config *cfg, const char *key, char *value)
{
	if (!strcmp(key, "arg"))
		append(&cfg->argv, value);
	else if (!strcmp(key, "env"))
		append(&cfg->env, value);
	else if (!strcmp(key, "keep"))
		append(&cfg->keep, value);
	else if (!strcmp(key, "cwd"))
		cfg->cwd = value;
	else if (!strcmp(key, "ko"))
		cfg->ko = value;
	else if (!strcmp(key, "scratch"))
		cfg->scratch = value;
	else if (!strcmp(key, "modules"))
		cfg->modules = value;
	else if (!strcmp(key, "out"))
		cfg->out = true;
	else
		die("config: unknown key %s", key);
}

int config_read(const char *path, struct config *cfg)
{
	char *buf, *end, *eq;
	size_t len;

	*cfg = (struct config){ .cwd = "/", .scratch = "ext4" };
	buf = read_whole(path, &len);
	if (!buf)
		return -errno;
	for (end = buf + len; buf < end; buf += strlen(buf) + 1) {
		eq = strchr(buf, '=');
		if (!eq)
			return -EINVAL;
		*eq = '\0';
		take(cfg, buf, eq + 1);
		buf = eq + 1;
	}
	return cfg->argv ? 0 : -EINVAL;
}
