// SPDX-License-Identifier: GPL-2.0-only
/* The generic netlink family; its contract is the comment atop <linux/layerfs.h>. */
#include <linux/capability.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "container/container.h"
#include "image/image.h"
#include "layer/layer.h"
#include "stats/genl.h"
#include "stats/registry.h"

/**
 * struct lfs_dump - where a dump stands, in netlink_callback.ctx
 * @last_id: object whose rows were all sent
 * @row_id: object that was begun then
 * @row: rows already sent of it
 * @only_id: of the one object wanted, or 0 for all
 */
struct lfs_dump {
	u64 last_id;
	u64 row_id;
	unsigned int row;
	u64 only_id;
};

/* How the objects of one kind are dumped. */
struct lfs_dump_kind {
	struct lfs_registry *registry;
	u8 cmd;
	const struct user_namespace *(*user_ns)(const struct lfs_registered *o);
	/* Rows of the object; NULL: one. */
	unsigned int (*rows)(const struct lfs_registered *o);
	int (*fill)(struct sk_buff *skb, const struct lfs_registered *o, unsigned int row);
};

static struct genl_family lfs_genl_family;

static int lfs_put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, LAYERFS_A_PAD);
}

static int lfs_put_dev(struct sk_buff *skb, dev_t dev)
{
	return nla_put_u32(skb, LAYERFS_A_DEV_MAJOR, MAJOR(dev)) ?:
	       nla_put_u32(skb, LAYERFS_A_DEV_MINOR, MINOR(dev));
}

static int lfs_put_counters(struct sk_buff *skb, struct lfs_counters __percpu *counters)
{
	struct nlattr *nest = nla_nest_start(skb, LAYERFS_A_COUNTERS);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = LAYERFS_C_LOOKUPS; i <= LAYERFS_C_MAX; i++) {
		if (nla_put_u64_64bit(skb, i, lfs_counter_sum(counters, i), LAYERFS_C_PAD))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static const struct lfs_layer *lfs_reg_layer(const struct lfs_registered *o)
{
	return container_of_const(o, struct lfs_layer, reg);
}

static const struct lfs_image *lfs_reg_image(const struct lfs_registered *o)
{
	return container_of_const(o, struct lfs_image, reg);
}

static const struct lfs_container *lfs_reg_container(const struct lfs_registered *o)
{
	return container_of_const(o, struct lfs_container, reg);
}

static const struct user_namespace *lfs_layer_user_ns(const struct lfs_registered *o)
{
	return lfs_reg_layer(o)->user_ns;
}

static const struct user_namespace *lfs_image_user_ns(const struct lfs_registered *o)
{
	return lfs_reg_image(o)->sb->s_user_ns;
}

static const struct user_namespace *lfs_container_user_ns(const struct lfs_registered *o)
{
	return lfs_reg_container(o)->sb->s_user_ns;
}

static int lfs_fill_layer(struct sk_buff *skb, const struct lfs_registered *o, unsigned int row)
{
	const struct lfs_layer *layer = lfs_reg_layer(o);
	struct dentry *root = layer->mnt->mnt_root;

	return lfs_put_u64(skb, LAYERFS_A_LAYER_ID, o->id) ?:
	       nla_put_string(skb, LAYERFS_A_PATH, layer->path) ?:
	       lfs_put_dev(skb, root->d_sb->s_dev) ?:
	       lfs_put_u64(skb, LAYERFS_A_INO, d_inode(root)->i_ino) ?:
	       nla_put_u32(skb, LAYERFS_A_USERS, atomic_read(&layer->images)) ?:
	       lfs_put_counters(skb, layer->counters);
}

static int lfs_fill_image(struct sk_buff *skb, const struct lfs_registered *o, unsigned int row)
{
	const struct lfs_image *image = lfs_reg_image(o);

	return lfs_put_u64(skb, LAYERFS_A_IMAGE_ID, o->id) ?:
	       nla_put_u32(skb, LAYERFS_A_LAYERS, image->set->nr) ?:
	       nla_put_u32(skb, LAYERFS_A_USERS, atomic_read(&image->containers)) ?:
	       lfs_put_counters(skb, image->counters);
}

static unsigned int lfs_stack_rows(const struct lfs_registered *o)
{
	return lfs_reg_image(o)->set->nr;
}

static int lfs_fill_stack(struct sk_buff *skb, const struct lfs_registered *o, unsigned int row)
{
	return lfs_put_u64(skb, LAYERFS_A_IMAGE_ID, o->id) ?:
	       nla_put_u32(skb, LAYERFS_A_INDEX, row) ?:
	       lfs_put_u64(skb, LAYERFS_A_LAYER_ID,
			   lfs_reg_image(o)->set->layers[row]->reg.id);
}

static int lfs_fill_container(struct sk_buff *skb, const struct lfs_registered *o,
			      unsigned int row)
{
	const struct lfs_container *c = lfs_reg_container(o);
	u32 flags = 0;

	if (sb_rdonly(c->sb))
		flags |= LAYERFS_F_RDONLY;
	if (c->params->is_volatile)
		flags |= LAYERFS_F_VOLATILE;
	if (c->params->upper_name &&
	    (nla_put_string(skb, LAYERFS_A_UPPER, c->params->upper_name) ||
	     nla_put_string(skb, LAYERFS_A_WORK, c->params->work_name)))
		return -EMSGSIZE;
	return lfs_put_u64(skb, LAYERFS_A_CONTAINER_ID, o->id) ?:
	       lfs_put_u64(skb, LAYERFS_A_IMAGE_ID, lfs_container_image(c)->reg.id) ?:
	       lfs_put_dev(skb, c->sb->s_dev) ?:
	       nla_put_u32(skb, LAYERFS_A_FLAGS, flags) ?:
	       lfs_put_counters(skb, c->counters);
}

static const struct lfs_dump_kind lfs_dump_layers = {
	.registry	= &lfs_layer_registry,
	.cmd		= LAYERFS_CMD_GET_LAYER,
	.user_ns	= lfs_layer_user_ns,
	.fill		= lfs_fill_layer,
};

static const struct lfs_dump_kind lfs_dump_images = {
	.registry	= &lfs_image_registry,
	.cmd		= LAYERFS_CMD_GET_IMAGE,
	.user_ns	= lfs_image_user_ns,
	.fill		= lfs_fill_image,
};

static const struct lfs_dump_kind lfs_dump_stacks = {
	.registry	= &lfs_image_registry,
	.cmd		= LAYERFS_CMD_GET_STACK,
	.user_ns	= lfs_image_user_ns,
	.rows		= lfs_stack_rows,
	.fill		= lfs_fill_stack,
};

static const struct lfs_dump_kind lfs_dump_containers = {
	.registry	= &lfs_container_registry,
	.cmd		= LAYERFS_CMD_GET_CONTAINER,
	.user_ns	= lfs_container_user_ns,
	.fill		= lfs_fill_container,
};

static int lfs_dump_row(struct sk_buff *skb, struct netlink_callback *cb,
			const struct lfs_dump_kind *kind, const struct lfs_registered *o,
			unsigned int row)
{
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &lfs_genl_family, NLM_F_MULTI, kind->cmd);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	if (kind->fill(skb, o, row)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* Called until it adds nothing; the registry's lock is taken anew each time. */
static int lfs_dump(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct lfs_dump_kind *kind)
{
	struct lfs_dump *d = (struct lfs_dump *)cb->ctx;
	struct lfs_registered *o;
	unsigned int rows;
	int err = 0;

	mutex_lock(&kind->registry->lock);
	/* 0 would mean that nothing was dumped yet. */
	cb->seq = kind->registry->generation | 1U << 31;
	list_for_each_entry(o, &kind->registry->head, node) {
		if (o->id <= d->last_id || (d->only_id && o->id != d->only_id))
			continue;
		/* Whoever was begun may have gone, and this one comes instead. */
		if (o->id != d->row_id) {
			d->row_id = o->id;
			d->row = 0;
		}
		if (netlink_ns_capable(cb->skb, (struct user_namespace *)kind->user_ns(o),
				       CAP_SYS_ADMIN)) {
			rows = kind->rows ? kind->rows(o) : 1;
			while (!err && d->row < rows) {
				err = lfs_dump_row(skb, cb, kind, o, d->row);
				if (!err)
					d->row++;
			}
		}
		if (err)
			break;
		d->last_id = o->id;
	}
	mutex_unlock(&kind->registry->lock);
	/* A row that does not fit comes first next time; alone it always fits. */
	return err && !skb->len ? err : skb->len;
}

static int lfs_get_layer(struct sk_buff *skb, struct netlink_callback *cb)
{
	return lfs_dump(skb, cb, &lfs_dump_layers);
}

static int lfs_get_image(struct sk_buff *skb, struct netlink_callback *cb)
{
	return lfs_dump(skb, cb, &lfs_dump_images);
}

/* A row may hold two paths, which must fit whatever the reader's buffer. */
static int lfs_dump_start(struct netlink_callback *cb)
{
	cb->min_dump_alloc = 2 * PATH_MAX + SZ_1K;
	return 0;
}

static int lfs_get_stack_start(struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct lfs_dump *d = (struct lfs_dump *)cb->ctx;

	if (info->attrs[LAYERFS_A_IMAGE_ID])
		d->only_id = nla_get_u64(info->attrs[LAYERFS_A_IMAGE_ID]);
	return 0;
}

static int lfs_get_stack(struct sk_buff *skb, struct netlink_callback *cb)
{
	return lfs_dump(skb, cb, &lfs_dump_stacks);
}

static int lfs_get_container(struct sk_buff *skb, struct netlink_callback *cb)
{
	return lfs_dump(skb, cb, &lfs_dump_containers);
}

/* Refuses every attribute; with a maxattr of 0 they would not be looked at. */
static const struct nla_policy lfs_no_policy[LAYERFS_A_PAD + 1] = {};

static const struct nla_policy lfs_stack_policy[LAYERFS_A_IMAGE_ID + 1] = {
	[LAYERFS_A_IMAGE_ID] = NLA_POLICY_MIN(NLA_U64, 1),
};

static const struct genl_split_ops lfs_genl_ops[] = {
	{
		.cmd		= LAYERFS_CMD_GET_LAYER,
		.flags		= GENL_CMD_CAP_DUMP,
		.policy		= lfs_no_policy,
		.maxattr	= LAYERFS_A_PAD,
		.start		= lfs_dump_start,
		.dumpit		= lfs_get_layer,
	}, {
		.cmd		= LAYERFS_CMD_GET_IMAGE,
		.flags		= GENL_CMD_CAP_DUMP,
		.policy		= lfs_no_policy,
		.maxattr	= LAYERFS_A_PAD,
		.start		= lfs_dump_start,
		.dumpit		= lfs_get_image,
	}, {
		.cmd		= LAYERFS_CMD_GET_STACK,
		.flags		= GENL_CMD_CAP_DUMP,
		.policy		= lfs_stack_policy,
		.maxattr	= LAYERFS_A_IMAGE_ID,
		.start		= lfs_get_stack_start,
		.dumpit		= lfs_get_stack,
	}, {
		.cmd		= LAYERFS_CMD_GET_CONTAINER,
		.flags		= GENL_CMD_CAP_DUMP,
		.policy		= lfs_no_policy,
		.maxattr	= LAYERFS_A_PAD,
		.start		= lfs_dump_start,
		.dumpit		= lfs_get_container,
	},
};

static struct genl_family lfs_genl_family __ro_after_init = {
	.name			= LAYERFS_GENL_NAME,
	.version		= LAYERFS_GENL_VERSION,
	.maxattr		= LAYERFS_A_MAX,
	.netnsok		= true,
	.parallel_ops		= true,
	.module			= THIS_MODULE,
	.split_ops		= lfs_genl_ops,
	.n_split_ops		= ARRAY_SIZE(lfs_genl_ops),
	.resv_start_op		= LAYERFS_CMD_MAX + 1,
};

/**
 * lfs_genl_init - at load
 */
int lfs_genl_init(void)
{
	BUILD_BUG_ON(sizeof(struct lfs_dump) > sizeof_field(struct netlink_callback, ctx));
	return genl_register_family(&lfs_genl_family);
}

/**
 * lfs_genl_exit - at unload
 */
void lfs_genl_exit(void)
{
	genl_unregister_family(&lfs_genl_family);
}
