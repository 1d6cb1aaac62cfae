/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of the generic netlink family, written from the contract in
 * <linux/layerfs.h> alone.
 */
#ifndef LFS_TEST_NETLINK_H
#define LFS_TEST_NETLINK_H

#include <limits.h>
#include <linux/layerfs.h>
#include <stdint.h>

/* Room for rows: those of 4096 layers of a test beside this one are among them. */
#define NL_MANY	16384

/**
 * struct nl_row - one row of a dump
 * @has: bit LAYERFS_A_x is set for each attribute that came
 * @num: integers, by attribute
 * @path: LAYERFS_A_PATH, LAYERFS_A_UPPER and LAYERFS_A_WORK, by name
 * @count: counters, by LAYERFS_C_x
 */
struct nl_row {
	uint32_t has;
	uint64_t num[LAYERFS_A_MAX + 1];
	char path[512], upper[512], work[512];
	uint64_t count[LAYERFS_C_MAX + 1];
};

/**
 * struct nl_req - a request
 * @cmd: LAYERFS_CMD_GET_x
 * @flags: besides NLM_F_REQUEST and NLM_F_ACK
 * @attr: attribute to send, 0 for none
 * @len: its length
 * @value: its value
 */
struct nl_req {
	int cmd;
	int flags;
	int attr;
	int len;
	uint64_t value;
};

/* What the kernel said to the last refused request, and about which offset. */
extern char nl_message[256];

/*
 * Does the request; up to @max rows.  The number of rows, or -errno.
 */
int nl_request(const struct nl_req *req, struct nl_row *rows, int max);
/* All rows of one kind; fails the test if it is refused. */
int nl_dump(int cmd, struct nl_row *rows, int max);
/* The row of the container mounted there, and of its image. */
struct nl_row nl_container(const char *path);
struct nl_row nl_image(uint64_t id);
/* The row of the layer that this directory is. */
struct nl_row nl_layer(const char *path);

#endif
