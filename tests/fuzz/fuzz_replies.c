// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tools make of netlink messages: tools/lib/genl.c and stats.c, which
 * are given any bytes instead of the kernel's.
 *
 * An input is a list of datagrams: two bytes of length, then messages, whose
 * sequence numbers are made right if the length is even.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "layerfs.h"

#define CHECK(cond)	((cond) ? (void)0 : abort())

static const uint8_t *input, *input_end;
static uint32_t seq;
static int sent;
/* Only its address is looked at. */
static char socket_memory;

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus;
	(void)flags;
	return (struct mnl_socket *)&socket_memory;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	(void)nl;
	(void)groups;
	(void)pid;
	return 0;
}

int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *buf, socklen_t len)
{
	(void)nl;
	(void)type;
	(void)buf;
	(void)len;
	return 0;
}

int mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t len)
{
	const struct nlmsghdr *nlh = buf;

	(void)nl;
	CHECK(nlh->nlmsg_len == len);
	/* However the answers look, there is an end to asking. */
	CHECK(++sent < 100);
	seq = nlh->nlmsg_seq;
	return len;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	size_t len, left = input_end - input;
	struct nlmsghdr nlh;

	(void)nl;
	if (left < 2) {
		errno = ENOBUFS;
		return -1;
	}
	len = input[0] | input[1] << 8;
	input += 2;
	left -= 2;
	if (len > left)
		len = left;
	if (len > size)
		len = size;
	memcpy(buf, input, len);
	input += len;
	for (size_t at = 0; !(len & 1) && at + sizeof(nlh) <= len; at += NLMSG_ALIGN(nlh.nlmsg_len)) {
		memcpy(&nlh, (char *)buf + at, sizeof(nlh));
		nlh.nlmsg_seq = seq;
		memcpy((char *)buf + at, &nlh, sizeof(nlh));
		if (nlh.nlmsg_len < sizeof(nlh) || nlh.nlmsg_len > len)
			break;
	}
	return len;
}

static void use(const struct layerfs_stats *s)
{
	static volatile size_t sum;

	for (size_t i = 0; i < s->nr_layers; i++)
		sum += s->layers[i].path ? strlen(s->layers[i].path) : 0;
	for (size_t i = 0; i < s->nr_containers; i++) {
		sum += s->containers[i].upper ? strlen(s->containers[i].upper) : 0;
		sum += s->containers[i].work ? strlen(s->containers[i].work) : 0;
	}
	for (size_t i = 0; i < s->nr_stack; i++)
		sum += s->stack[i].index;
	for (size_t i = 0; i < s->nr_images; i++)
		sum += s->images[i].counters.copyup_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layerfs_error err = { 0 };
	struct layerfs_stats stats;
	int ret;

	input = data;
	input_end = data + size;
	sent = 0;
	ret = layerfs_stats_read(&stats, &err);
	CHECK(ret <= 0);
	if (ret)
		CHECK(err.msg[0] && strnlen(err.msg, sizeof(err.msg)) < sizeof(err.msg));
	else
		use(&stats);
	layerfs_stats_free(&stats);
	return 0;
}
