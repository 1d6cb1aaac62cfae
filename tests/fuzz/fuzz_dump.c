// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink requests and the dumps that answer them: kmod/stats/genl.c, while
 * objects come and go and the reader's buffer has this size or that.
 *
 * An input is: command, reader, attributes of the request, ended by a type of 0,
 * then pairs of bytes: what happens before the next part of the answer is asked
 * for, and how big a buffer it gets.
 */
#include <linux/sizes.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "container/container.h"
#include "image/image.h"
#include "layer/layer.h"
#include "stats/genl.h"
#include "stats/registry.h"

#define GOODSIZE	3776	/* the least that the kernel gives a dump */
#define PORTID		77
#define SEQ		99
#define MAX_OBJECTS	24
#define MAX_ROWS	(MAX_OBJECTS * 300)

struct object {
	struct lfs_registered *reg;	/* NULL: gone */
	u64 id;
	unsigned int rows;
	bool visible, from_start;
	void *memory, *set;
};

static struct {
	struct lfs_registry *registry;
	struct object v[MAX_OBJECTS];
	unsigned int nr;
} kinds[3] = {
	{ &lfs_layer_registry }, { &lfs_image_registry }, { &lfs_container_registry },
};

static struct {
	u64 id;
	u32 index;
} row[MAX_ROWS];

static unsigned int nr_rows;
static const struct genl_family *family;
/* Two namespaces; the reader has rights in the first. */
static char ns_mem[2];
#define NS(i)	((struct user_namespace *)&ns_mem[i])

static struct super_block real_sb, object_sb[2];
static struct inode root_inode = { .i_ino = 2 };
static struct dentry root = { .d_inode = &root_inode, .d_sb = &real_sb };
static struct vfsmount root_mnt = { .mnt_root = &root };
static struct lfs_counters counters;
static char path[PATH_MAX];
static struct lfs_layer layer = { .reg.id = 5 };
static struct lfs_image image = { .reg.id = 6 };
static struct super_block image_sb = { .s_fs_info = &image };
static struct vfsmount image_mnt = { .mnt_sb = &image_sb };

int genl_register_family(struct genl_family *f)
{
	family = f;
	return 0;
}

void genl_unregister_family(const struct genl_family *f)
{
	family = NULL;
}

bool netlink_ns_capable(const struct sk_buff *skb, struct user_namespace *ns, int cap)
{
	return skb->portid == PORTID && cap == CAP_SYS_ADMIN && ns == NS(0);
}

static char *some_path(u8 len)
{
	/* Up to the longest there is. */
	return path + sizeof(path) - 2 - len * 16;
}

static void add(int kind, u8 how, bool at_start)
{
	struct object *o = &kinds[kind].v[kinds[kind].nr];
	bool visible = !(how & 1);

	if (kinds[kind].nr == MAX_OBJECTS)
		return;
	kinds[kind].nr++;
	*o = (struct object){ .visible = visible, .rows = 1, .from_start = at_start };
	if (kind == 0) {
		struct lfs_layer *l = o->memory = calloc(1, sizeof(*l));

		*l = (struct lfs_layer){ .mnt = &root_mnt, .user_ns = NS(!visible),
					 .path = some_path(how), .counters = &counters };
		o->reg = &l->reg;
	} else if (kind == 1) {
		struct lfs_image *i = o->memory = calloc(1, sizeof(*i));

		o->rows = 1 + how / 2 * 2;
		i->set = o->set = calloc(1, sizeof(*i->set) + o->rows * sizeof(i->set->layers[0]));
		i->set->nr = o->rows;
		for (unsigned int n = 0; n < o->rows; n++)
			i->set->layers[n] = &layer;
		i->sb = &object_sb[!visible];
		i->counters = &counters;
		o->reg = &i->reg;
	} else {
		struct lfs_container *c = o->memory = calloc(1, sizeof(*c));
		struct lfs_params *p = o->set = calloc(1, sizeof(*p));

		if (how & 2) {
			p->upper_name = some_path(how);
			p->work_name = some_path(how ^ 0x5c);
		}
		p->is_volatile = how & 4;
		c->params = p;
		c->sb = &object_sb[!visible];
		c->image_mnt = &image_mnt;
		c->counters = &counters;
		o->reg = &c->reg;
	}
	lfs_registry_add(kinds[kind].registry, o->reg);
	o->id = o->reg->id;
}

static void drop(int kind, unsigned int which)
{
	struct object *o = &kinds[kind].v[which % MAX_OBJECTS];

	if (which >= kinds[kind].nr || !o->reg)
		return;
	lfs_registry_del(kinds[kind].registry, o->reg);
	o->reg = NULL;
	free(o->set);
	free(o->memory);
}

struct input {
	const uint8_t *p, *end;
};

static uint8_t next(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

/* What generic netlink checks before a family sees the request. */
static bool read_attrs(struct input *in, const struct genl_split_ops *op, struct nlattr **attrs)
{
	static struct { struct nlattr head; u8 value[256]; } v[8];

	memset(attrs, 0, sizeof(*attrs) * (LAYERFS_A_MAX + 1));
	for (int i = 0; i < 8; i++) {
		unsigned int type = next(in), len;
		u64 value;

		if (!type)
			break;
		len = next(in);
		for (unsigned int n = 0; n < len; n++)
			v[i].value[n] = next(in);
		if (type > op->maxattr || op->policy[type].type != NLA_U64 || len != 8)
			return false;
		memcpy(&value, v[i].value, sizeof(value));
		if (value < op->policy[type].min)
			return false;
		attrs[type] = &v[i].head;
	}
	return true;
}

static unsigned int attr_check(const unsigned char *p, unsigned int len, int max, bool nest)
{
	struct nlattr head;

	while (len) {
		FUZZ_CHECK(len >= NLA_HDRLEN);
		memcpy(&head, p, sizeof(head));
		FUZZ_CHECK(head.nla_len >= NLA_HDRLEN && NLA_ALIGN(head.nla_len) <= len);
		FUZZ_CHECK((head.nla_type & NLA_TYPE_MASK) <= max);
		if (head.nla_type & NLA_F_NESTED) {
			FUZZ_CHECK(!nest);
			attr_check(p + NLA_HDRLEN, head.nla_len - NLA_HDRLEN, LAYERFS_C_MAX, true);
		}
		len -= NLA_ALIGN(head.nla_len);
		p += NLA_ALIGN(head.nla_len);
	}
	return 0;
}

static void *attr_find(unsigned char *p, unsigned int len, int type)
{
	struct nlattr *head;

	for (; len; len -= NLA_ALIGN(head->nla_len), p += NLA_ALIGN(head->nla_len)) {
		head = (struct nlattr *)p;
		if (head->nla_type == type)
			return head + 1;
	}
	return NULL;
}

static void read_rows(struct sk_buff *skb, int cmd, bool changed, int id_attr)
{
	unsigned int at = 0;

	while (at < skb->len) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(skb->data + at);
		struct genlmsghdr *genl = NLMSG_DATA(nlh);
		unsigned char *attrs = (unsigned char *)(genl + 1);
		unsigned int len = nlh->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
		u32 *index;

		FUZZ_CHECK(nlh->nlmsg_len <= skb->len - at && genl->cmd == cmd);
		FUZZ_CHECK(nlh->nlmsg_pid == PORTID && nlh->nlmsg_seq == SEQ);
		FUZZ_CHECK(nlh->nlmsg_flags & NLM_F_MULTI);
		/* The first row after a change says so. */
		FUZZ_CHECK(!(nlh->nlmsg_flags & NLM_F_DUMP_INTR) == !(changed && !at));
		attr_check(attrs, len, LAYERFS_A_MAX, false);
		FUZZ_CHECK(nr_rows < MAX_ROWS);
		memcpy(&row[nr_rows].id, attr_find(attrs, len, id_attr), 8);
		index = attr_find(attrs, len, LAYERFS_A_INDEX);
		row[nr_rows++].index = index ? *index : 0;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
	}
}

/* Rows in order, each once, of those who were there all the time all. */
static void check_rows(int kind, bool stack, u64 only)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < kinds[kind].nr; i++) {
		const struct object *o = &kinds[kind].v[i];
		unsigned int rows = 0;

		while (at < nr_rows && row[at].id == o->id) {
			FUZZ_CHECK(row[at].index == rows);
			at++;
			rows++;
		}
		FUZZ_CHECK(!rows || (o->visible && (!only || only == o->id)));
		if (o->reg && o->from_start && o->visible && (!only || only == o->id))
			FUZZ_CHECK(rows == (stack ? o->rows : 1));
	}
	FUZZ_CHECK(at == nr_rows);
}

static void dump(struct input *in, const struct genl_split_ops *op)
{
	static const int kind_of[] = { 0, 0, 1, 1, 2 };
	static const int id_attr[] = { LAYERFS_A_LAYER_ID, LAYERFS_A_IMAGE_ID,
				       LAYERFS_A_CONTAINER_ID };
	int kind = kind_of[op->cmd], ret, rounds = 0;
	struct nlattr *attrs[LAYERFS_A_MAX + 1];
	struct nlmsghdr request = { .nlmsg_seq = SEQ };
	struct sk_buff asked = { .portid = PORTID };
	struct genl_info info = { .attrs = attrs };
	struct netlink_callback cb = { .skb = &asked, .nlh = &request, .data = &info };
	u64 only = 0;

	if (!read_attrs(in, op, attrs) || (op->start && op->start(&cb)))
		return;
	if (attrs[LAYERFS_A_IMAGE_ID]) {
		FUZZ_CHECK(op->cmd == LAYERFS_CMD_GET_STACK);
		only = nla_get_u64(attrs[LAYERFS_A_IMAGE_ID]);
	}
	do {
		unsigned int generation = kinds[kind].registry->generation;
		u8 what = next(in), size = next(in);
		struct sk_buff skb = { .portid = PORTID };

		if (rounds && what >= 0x80)
			add(kind, what & 0x7f, false);
		else if (rounds && what >= 0x40)
			drop(kind, what & 0x3f);
		skb.max = (cb.min_dump_alloc > GOODSIZE ? cb.min_dump_alloc : GOODSIZE) + size * 64;
		skb.data = malloc(skb.max);
		ret = op->dumpit(&skb, &cb);
		FUZZ_CHECK(ret >= 0 && ret == (int)skb.len);
		read_rows(&skb, op->cmd, rounds && generation != kinds[kind].registry->generation,
			  id_attr[kind]);
		free(skb.data);
		FUZZ_CHECK(++rounds < 2000);
	} while (ret);
	check_rows(kind, op->cmd == LAYERFS_CMD_GET_STACK, only);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	const struct genl_split_ops *op;
	unsigned int cmd, nr;

	memset(path, 'p', sizeof(path) - 1);
	object_sb[0].s_user_ns = NS(0);
	object_sb[1].s_user_ns = NS(1);
	lfs_genl_init();
	for (int i = 0; i < 3; i++) {
		kinds[i].registry->last_id = kinds[i].registry->generation = 0;
		kinds[i].nr = 0;
	}
	nr_rows = 0;
	cmd = next(&in) % family->n_split_ops;
	nr = next(&in) % MAX_OBJECTS;
	for (unsigned int i = 0; i < nr; i++)
		add(cmd < 3 ? (cmd + 1) / 2 : 2, next(&in), true);
	op = &family->split_ops[cmd];
	FUZZ_CHECK(op->maxattr <= family->maxattr);
	dump(&in, op);
	for (int i = 0; i < 3; i++)
		while (kinds[i].nr) {
			drop(i, kinds[i].nr - 1);
			kinds[i].nr--;
		}
	lfs_genl_exit();
	return 0;
}
