// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <limits.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "genl.h"

#define DUMP_TRIES 5
/* A row with two paths of 4 KiB fits; the kernel sizes messages to this. */
#define RECV_SIZE 32768
/* The kernel's error codes end there. */
#define MAX_ERRNO 4095

/* The kernel's sentence in an error or done message, or NULL. */
static const char *ext_ack_text(const struct nlmsghdr *nlh, size_t offset)
{
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	mnl_attr_for_each(attr, nlh, offset)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			return mnl_attr_get_str(attr);
	return NULL;
}

static bool is_error_code(int code)
{
	return code <= 0 && code >= -MAX_ERRNO;
}

/* NLMSG_ERROR: a code, the request's header, and attributes if asked for. */
static int parse_error(const struct nlmsghdr *nlh, struct layerfs_error *err)
{
	const struct nlmsgerr *msg = mnl_nlmsg_get_payload(nlh);
	const char *text;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg) || !is_error_code(msg->error))
		return layerfs_error_set(err, -EPROTO, "netlink: malformed error message");
	if (!msg->error)
		return 0;
	/* Without NETLINK_CAP_ACK the whole request stands before them. */
	text = nlh->nlmsg_flags & NLM_F_CAPPED ?
	       ext_ack_text(nlh, sizeof(*msg)) : NULL;
	if (text)
		return layerfs_error_set(err, msg->error, "netlink: %s", text);
	return layerfs_error_sys(err, msg->error, "netlink");
}

/* NLMSG_DONE: a dump that failed on its way says so here. */
static int parse_done(const struct nlmsghdr *nlh, struct layerfs_error *err)
{
	const char *text;
	int code;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(code))
		return 0;
	memcpy(&code, mnl_nlmsg_get_payload(nlh), sizeof(code));
	if (code >= 0)
		return 0;
	if (!is_error_code(code))
		return layerfs_error_set(err, -EPROTO, "netlink: malformed end of a dump");
	text = ext_ack_text(nlh, sizeof(code));
	if (text)
		return layerfs_error_set(err, code, "netlink: %s", text);
	return layerfs_error_sys(err, code, "netlink");
}

/* What one reading of a request's answers has found. */
struct reading {
	bool done;
	bool interrupted;
	const struct genl_rows *rows;
};

/* libmnl takes a length of 2 GiB and more for a negative one, which fits. */
static bool is_message(const struct nlmsghdr *nlh, int len)
{
	return mnl_nlmsg_ok(nlh, len) && nlh->nlmsg_len <= INT_MAX;
}

static int parse_messages(struct genl *genl, const char *buf, int len,
			  struct reading *reading, struct layerfs_error *err)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
	int ret;

	for (; !reading->done && is_message(nlh, len);
	     nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != genl->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			reading->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			reading->done = true;
			return parse_error(nlh, err);
		}
		if (nlh->nlmsg_type == NLMSG_DONE) {
			reading->done = true;
			return parse_done(nlh, err);
		}
		if (nlh->nlmsg_type < NLMSG_MIN_TYPE)
			continue;
		ret = reading->rows->row(nlh, reading->rows->data);
		if (ret)
			return layerfs_error_sys(err, ret, "netlink: a row");
		/* What is no dump has one answer and nothing behind it. */
		if (!(nlh->nlmsg_flags & NLM_F_MULTI))
			reading->done = true;
	}
	return 0;
}

static int receive(struct genl *genl, struct reading *reading,
		   struct layerfs_error *err)
{
	char *buf = malloc(RECV_SIZE);
	int ret = 0;
	ssize_t len;

	if (!buf)
		return layerfs_error_sys(err, -ENOMEM, "netlink");
	while (!ret && !reading->done) {
		len = mnl_socket_recvfrom(genl->nl, buf, RECV_SIZE);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			ret = layerfs_error_sys(err, len ? -errno : -EPROTO, "netlink");
		else
			ret = parse_messages(genl, buf, len, reading, err);
	}
	free(buf);
	return ret;
}

static struct nlmsghdr *request(struct genl *genl, char *buf, uint16_t type,
				uint16_t flags, uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *head;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++genl->seq;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->cmd = cmd;
	head->version = version;
	return nlh;
}

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint16_t *family = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    !mnl_attr_validate(attr, MNL_TYPE_U16))
			*family = mnl_attr_get_u16(attr);
	return 0;
}

static int resolve(struct genl *genl, const char *family,
		   struct layerfs_error *err)
{
	const struct genl_rows rows = { .row = take_family, .data = &genl->family };
	struct reading reading = { .rows = &rows };
	char buf[512] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int ret;

	nlh = request(genl, buf, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, family);
	if (mnl_socket_sendto(genl->nl, nlh, nlh->nlmsg_len) < 0)
		return layerfs_error_sys(err, -errno, "netlink");
	ret = receive(genl, &reading, err);
	if (ret == -ENOENT || (!ret && !genl->family))
		return layerfs_error_set(err, -ENODEV,
			"the running kernel does not know layerfs; is the module layerfs loaded?");
	return ret;
}

int genl_open(struct genl *genl, const char *family, uint8_t version,
	      struct layerfs_error *err)
{
	int on = 1, ret;

	*genl = (struct genl){ .version = version };
	genl->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!genl->nl)
		return layerfs_error_sys(err, -errno, "netlink socket");
	/* A kernel without these only leaves its errors unexplained. */
	mnl_socket_setsockopt(genl->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(genl->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	if (mnl_socket_bind(genl->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		ret = layerfs_error_sys(err, -errno, "netlink socket");
	else
		ret = resolve(genl, family, err);
	if (ret)
		genl_close(genl);
	return ret;
}

void genl_close(struct genl *genl)
{
	if (genl->nl)
		mnl_socket_close(genl->nl);
	genl->nl = NULL;
}

int genl_dump(struct genl *genl, uint8_t cmd, const struct genl_rows *rows,
	      struct layerfs_error *err)
{
	char buf[512] __attribute__((aligned(8)));
	struct reading reading;
	struct nlmsghdr *nlh;
	int ret, tries = DUMP_TRIES;

	do {
		rows->reset(rows->data);
		reading = (struct reading){ .rows = rows };
		nlh = request(genl, buf, genl->family, NLM_F_DUMP, cmd, genl->version);
		if (mnl_socket_sendto(genl->nl, nlh, nlh->nlmsg_len) < 0)
			return layerfs_error_sys(err, -errno, "netlink");
		ret = receive(genl, &reading, err);
	} while (!ret && reading.interrupted && --tries);
	return ret;
}
