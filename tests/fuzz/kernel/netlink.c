// SPDX-License-Identifier: GPL-2.0-only
/* Messages are written to a buffer of the size that the reader has. */
static void *put(struct sk_buff *skb, unsigned int len)
{
	unsigned char *at = skb->data + skb->len;

	len = NLMSG_ALIGN(len);
	if (skb->max - skb->len < len)
		return NULL;
	skb->len += len;
	return memset(at, 0, len);
}

void *genlmsg_put(struct sk_buff *skb, u32 portid, u32 seq, const struct genl_family *family,
		  int flags, u8 cmd)
{
	struct nlmsghdr *nlh = put(skb, NLMSG_HDRLEN + GENL_HDRLEN);
	struct genlmsghdr *head;

	if (!nlh)
		return NULL;
	nlh->nlmsg_type = family->id;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = seq;
	nlh->nlmsg_pid = portid;
	head = NLMSG_DATA(nlh);
	head->cmd = cmd;
	head->version = family->version;
	return head + 1;
}

static struct nlmsghdr *header(void *hdr)
{
	return (struct nlmsghdr *)((char *)hdr - GENL_HDRLEN - NLMSG_HDRLEN);
}

void genlmsg_end(struct sk_buff *skb, void *hdr)
{
	header(hdr)->nlmsg_len = skb->data + skb->len - (unsigned char *)header(hdr);
}

void genlmsg_cancel(struct sk_buff *skb, void *hdr)
{
	skb->len = (unsigned char *)header(hdr) - skb->data;
}

int nla_put(struct sk_buff *skb, int type, int len, const void *data)
{
	struct nlattr *attr = put(skb, NLA_HDRLEN + len);

	if (!attr)
		return -EMSGSIZE;
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy(attr + 1, data, len);
	return 0;
}

struct nlattr *nla_nest_start(struct sk_buff *skb, int type)
{
	struct nlattr *attr = put(skb, NLA_HDRLEN);

	if (attr)
		attr->nla_type = type | NLA_F_NESTED;
	return attr;
}

void nla_nest_end(struct sk_buff *skb, struct nlattr *nest)
{
	nest->nla_len = skb->data + skb->len - (unsigned char *)nest;
}

const struct genl_info *genl_info_dump(struct netlink_callback *cb)
{
	return cb->data;
}

void genl_dump_check_consistent(struct netlink_callback *cb, void *hdr)
{
	if (cb->prev_seq && cb->seq != cb->prev_seq)
		header(hdr)->nlmsg_flags |= NLM_F_DUMP_INTR;
	cb->prev_seq = cb->seq;
}
