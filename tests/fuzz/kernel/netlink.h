/* SPDX-License-Identifier: GPL-2.0-only */
/* Generic netlink dumps: messages in a buffer, and one reader's rights. */
#ifndef _FUZZ_NETLINK_H
#define _FUZZ_NETLINK_H

#define THIS_MODULE		NULL
#define CAP_SYS_ADMIN		21

struct sk_buff {
	unsigned char *data;
	unsigned int len;
	unsigned int max;
	u32 portid;
};

#define NETLINK_CB(skb)		(*(skb))

struct netlink_callback {
	struct sk_buff *skb;		/* the request */
	const struct nlmsghdr *nlh;
	void *data;
	u32 min_dump_alloc;
	unsigned int prev_seq, seq;
	union {
		u8 ctx[48];
		long args[6];
	};
};

struct nla_policy {
	u8 type;
	u64 min;
};
#define NLA_POLICY_MIN(t, m)	{ .type = (t), .min = (m) }

struct genl_info {
	struct nlattr **attrs;
};

struct genl_split_ops {
	u8 cmd;
	u8 flags;
	const struct nla_policy *policy;
	unsigned int maxattr;
	int (*start)(struct netlink_callback *cb);
	int (*dumpit)(struct sk_buff *skb, struct netlink_callback *cb);
	int (*done)(struct netlink_callback *cb);
};

struct genl_family {
	int id;
	const char *name;
	unsigned int version, maxattr;
	bool netnsok, parallel_ops;
	void *module;
	const struct genl_split_ops *split_ops;
	unsigned int n_split_ops;
	u8 resv_start_op;
};

enum { NLA_UNSPEC, NLA_U8, NLA_U16, NLA_U32, NLA_U64 };

int genl_register_family(struct genl_family *family);
void genl_unregister_family(const struct genl_family *family);
const struct genl_info *genl_info_dump(struct netlink_callback *cb);
void genl_dump_check_consistent(struct netlink_callback *cb, void *hdr);
bool netlink_ns_capable(const struct sk_buff *skb, struct user_namespace *ns, int cap);

void *genlmsg_put(struct sk_buff *skb, u32 portid, u32 seq, const struct genl_family *family,
		  int flags, u8 cmd);
void genlmsg_end(struct sk_buff *skb, void *hdr);
void genlmsg_cancel(struct sk_buff *skb, void *hdr);
int nla_put(struct sk_buff *skb, int type, int len, const void *data);
struct nlattr *nla_nest_start(struct sk_buff *skb, int type);
void nla_nest_end(struct sk_buff *skb, struct nlattr *nest);

static inline int nla_put_u32(struct sk_buff *skb, int type, u32 value)
{
	return nla_put(skb, type, sizeof(value), &value);
}

static inline int nla_put_u64_64bit(struct sk_buff *skb, int type, u64 value, int pad)
{
	(void)pad;
	return nla_put(skb, type, sizeof(value), &value);
}

static inline int nla_put_string(struct sk_buff *skb, int type, const char *s)
{
	return nla_put(skb, type, strlen(s) + 1, s);
}

static inline u64 nla_get_u64(const struct nlattr *attr)
{
	u64 value;

	memcpy(&value, attr + 1, sizeof(value));
	return value;
}

#endif /* _FUZZ_NETLINK_H */
