/* SPDX-License-Identifier: GPL-2.0-only */
/* A store with containers, made by hand, and a kernel that says what we want. */
#ifndef LAYERFS_TEST_CONTAINER_FIXTURE_H
#define LAYERFS_TEST_CONTAINER_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "container.h"

#define IMAGE_ID "sha256:0123456789012345678901234567890123456789012345678901234567890123"

static char store_root[] = "/var/tmp/layerfs-containers-XXXXXX";
/* What the kernel tells of: the upper of a container, NULL for none */
static const char *kernel_upper;

/* Tests are linked with --wrap=layerfs_stats_read */
int __wrap_layerfs_stats_read(struct layerfs_stats *stats, struct layerfs_error *err);
int __wrap_layerfs_stats_read(struct layerfs_stats *stats, struct layerfs_error *err)
{
	*stats = (struct layerfs_stats){ 0 };
	if (!kernel_upper)
		return layerfs_error_set(err, -ENODEV, "no module");
	stats->containers = calloc(1, sizeof(*stats->containers));
	assert_non_null(stats->containers);
	stats->containers[0].upper = strdup(kernel_upper);
	stats->nr_containers = 1;
	return 0;
}

static inline const char *in_store(const char *name)
{
	static char path[4][512];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", store_root, name);
	return path[next];
}

static inline bool is_there(const char *name)
{
	return !access(in_store(name), F_OK);
}

static inline void put_file(const char *name, const char *text)
{
	int fd = open(in_store(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void put_dir(const char *name)
{
	assert_true(!mkdir(in_store(name), 0700) || errno == EEXIST);
}

static inline void put_container(const char *name, const char *record)
{
	char path[128];

	snprintf(path, sizeof(path), "containers/%s", name);
	put_dir(path);
	snprintf(path, sizeof(path), "containers/%s/upper", name);
	put_dir(path);
	snprintf(path, sizeof(path), "containers/%s/work", name);
	put_dir(path);
	snprintf(path, sizeof(path), "containers/%s/upper/written", name);
	put_file(path, "precious");
	snprintf(path, sizeof(path), "containers/%s/config.json", name);
	put_file(path, record);
}

#define GOOD_RECORD "{\"image\":\"" IMAGE_ID "\",\"image_name\":\"web:1\",\"target\":\"/mnt\"," \
		    "\"created\":\"2026-01-01T00:00:00Z\"}"

static inline int make_store(void **state)
{
	(void)state;
	if (!mkdtemp(store_root))
		return -1;
	put_dir("images");
	put_dir("layers");
	put_dir("layers/sha256");
	put_dir("tmp");
	put_dir("containers");
	return 0;
}

static inline int remove_store(void **state)
{
	char command[600];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", store_root);
	return system(command);
}

#endif
