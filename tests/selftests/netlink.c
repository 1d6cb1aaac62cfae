// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink requests by libmnl: a socket for each, as short-lived as the tests.
 */
#define _GNU_SOURCE
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fixture.h"
#include "netlink.h"

char nl_message[256];

struct answer {
	struct nl_row *rows;
	int count, max;
	int family;
};

static int on_counter(const struct nlattr *attr, void *data)
{
	struct nl_row *row = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type > LAYERFS_C_PAD && type <= LAYERFS_C_MAX)
		row->count[type] = mnl_attr_get_u64(attr);
	return MNL_CB_OK;
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct nl_row *row = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type > LAYERFS_A_MAX)
		return MNL_CB_OK;
	row->has |= 1u << type;
	switch (type) {
	case LAYERFS_A_PATH:
		snprintf(row->path, sizeof(row->path), "%s",
			 mnl_attr_get_str(attr));
		break;
	case LAYERFS_A_UPPER:
		snprintf(row->upper, sizeof(row->upper), "%s",
			 mnl_attr_get_str(attr));
		break;
	case LAYERFS_A_WORK:
		snprintf(row->work, sizeof(row->work), "%s",
			 mnl_attr_get_str(attr));
		break;
	case LAYERFS_A_COUNTERS:
		return mnl_attr_parse_nested(attr, on_counter, row);
	default:
		if (mnl_attr_get_payload_len(attr) == 8)
			row->num[type] = mnl_attr_get_u64(attr);
		else if (mnl_attr_get_payload_len(attr) == 4)
			row->num[type] = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

static int on_row(const struct nlmsghdr *nlh, void *data)
{
	struct answer *a = data;
	struct nl_row *row;

	if (a->count == a->max)
		FAIL("more than %d rows", a->max);
	row = &a->rows[a->count++];
	memset(row, 0, sizeof(*row));
	return mnl_attr_parse(nlh, GENL_HDRLEN, on_attr, row);
}

static int on_family_attr(const struct nlattr *attr, void *data)
{
	struct answer *a = data;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		a->family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int on_family(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, GENL_HDRLEN, on_family_attr, data);
}

/* The kernel's own words about a refusal, in the TLVs behind it. */
static void read_ext_ack(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t off = sizeof(*err);
	const struct nlattr *attr;

	if (nlh->nlmsg_type == NLMSG_DONE)
		off = sizeof(int);
	else if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		off += err->msg.nlmsg_len - sizeof(struct nlmsghdr);
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	mnl_attr_for_each(attr, nlh, off)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(nl_message, sizeof(nl_message), "%s",
				 mnl_attr_get_str(attr));
}

static int on_error(const struct nlmsghdr *nlh, void *data)
{
	const int *error = mnl_nlmsg_get_payload(nlh);

	(void)data;
	if (!*error)
		return MNL_CB_STOP;
	read_ext_ack(nlh);
	errno = -*error;
	return MNL_CB_ERROR;
}

static int talk(struct mnl_socket *nl, struct nlmsghdr *nlh, mnl_cb_t cb,
		struct answer *a)
{
	static mnl_cb_t ctl[] = { [NLMSG_ERROR] = on_error,
					[NLMSG_DONE] = on_error };
	static char buf[65536];
	int n, rc;

	nlh->nlmsg_seq = 1;
	CHECK_SYS(mnl_socket_sendto(nl, nlh, nlh->nlmsg_len));
	do {
		n = CHECK_SYS(mnl_socket_recvfrom(nl, buf, sizeof(buf)));
		rc = mnl_cb_run2(buf, n, 1, mnl_socket_get_portid(nl), cb, a,
				 ctl, 4);
	} while (rc > 0);
	return rc < 0 ? -errno : 0;
}

static struct nlmsghdr *start_msg(char *buf, int type, int flags, int cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

int nl_request(const struct nl_req *req, struct nl_row *rows, int max)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_GENERIC);
	struct answer a = { .rows = rows, .max = max };
	struct nlmsghdr *nlh;
	int on = 1, rc;
	char buf[1024];

	CHECK(nl);
	CHECK_SYS(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID));
	CHECK_SYS(mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &on, sizeof(on)));
	CHECK_SYS(mnl_socket_setsockopt(nl, NETLINK_GET_STRICT_CHK, &on,
					sizeof(on)));
	nl_message[0] = '\0';
	nlh = start_msg(buf, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, LAYERFS_GENL_NAME);
	rc = talk(nl, nlh, on_family, &a);
	if (rc)
		FAIL("there is no netlink family %s: %s", LAYERFS_GENL_NAME,
		     strerror(-rc));
	nlh = start_msg(buf, a.family, req->flags, req->cmd);
	if (req->attr)
		mnl_attr_put(nlh, req->attr, req->len, &req->value);
	rc = talk(nl, nlh, on_row, &a);
	mnl_socket_close(nl);
	return rc ?: a.count;
}

int nl_dump(int cmd, struct nl_row *rows, int max)
{
	struct nl_req req = { .cmd = cmd, .flags = NLM_F_DUMP };
	int n;

	/* EINTR: a mount came or went meanwhile, the dump may be torn */
	do {
		n = nl_request(&req, rows, max);
	} while (n == -EINTR);

	if (n < 0)
		FAIL("dump %d: %s: %s", cmd, strerror(-n), nl_message);
	return n;
}

static struct nl_row rows[NL_MANY];

struct nl_row nl_container(const char *path)
{
	struct stat st = stat_of(path);
	int n = nl_dump(LAYERFS_CMD_GET_CONTAINER, rows, NL_MANY);

	for (int i = 0; i < n; i++)
		if (rows[i].num[LAYERFS_A_DEV_MAJOR] == major(st.st_dev) &&
		    rows[i].num[LAYERFS_A_DEV_MINOR] == minor(st.st_dev))
			return rows[i];
	FAIL("no container row for %s among %d", path, n);
}

struct nl_row nl_image(uint64_t id)
{
	int n = nl_dump(LAYERFS_CMD_GET_IMAGE, rows, NL_MANY);

	for (int i = 0; i < n; i++)
		if (rows[i].num[LAYERFS_A_IMAGE_ID] == id)
			return rows[i];
	FAIL("no image row of id %llu among %d", (unsigned long long)id, n);
}

struct nl_row nl_layer(const char *path)
{
	int n = nl_dump(LAYERFS_CMD_GET_LAYER, rows, NL_MANY);
	struct stat st = stat_of(path);
	char name[PATH_MAX];

	CHECK(realpath(path, name));
	for (int i = 0; i < n; i++)
		if (rows[i].num[LAYERFS_A_INO] == st.st_ino &&
		    !strcmp(rows[i].path, name))
			return rows[i];
	FAIL("no layer row for %s among %d", path, n);
}
