// SPDX-License-Identifier: LGPL-2.1-or-later
/* The kernel's rows as structs. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/layerfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "genl.h"

/* Attributes of one row by type; unknown ones are left out. */
struct row {
	const struct nlattr *attr[LAYERFS_A_MAX + 1];
};

static void split_row(const struct nlmsghdr *nlh, struct row *row)
{
	const struct nlattr *attr;

	memset(row, 0, sizeof(*row));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) <= LAYERFS_A_MAX)
			row->attr[mnl_attr_get_type(attr)] = attr;
}

static uint64_t get_u64(const struct row *row, int type)
{
	const struct nlattr *attr = row->attr[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U64) ?
	       mnl_attr_get_u64(attr) : 0;
}

static uint32_t get_u32(const struct row *row, int type)
{
	const struct nlattr *attr = row->attr[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U32) ?
	       mnl_attr_get_u32(attr) : 0;
}

/* NULL for an absent attribute; *short_of_memory is set when a copy fails. */
static char *get_string(const struct row *row, int type, bool *short_of_memory)
{
	const struct nlattr *attr = row->attr[type];
	char *copy;

	if (!attr || mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
		return NULL;
	copy = strdup(mnl_attr_get_str(attr));
	if (!copy)
		*short_of_memory = true;
	return copy;
}

static dev_t get_dev(const struct row *row)
{
	return makedev(get_u32(row, LAYERFS_A_DEV_MAJOR),
		       get_u32(row, LAYERFS_A_DEV_MINOR));
}

static void get_counters(const struct row *row, struct layerfs_counters *c)
{
	uint64_t *const to[LAYERFS_C_MAX + 1] = {
		[LAYERFS_C_LOOKUPS] = &c->lookups,
		[LAYERFS_C_OPENS] = &c->opens,
		[LAYERFS_C_READ_BYTES] = &c->read_bytes,
		[LAYERFS_C_WRITE_BYTES] = &c->write_bytes,
		[LAYERFS_C_COPYUP_FILES] = &c->copyup_files,
		[LAYERFS_C_COPYUP_BYTES] = &c->copyup_bytes,
	};
	const struct nlattr *nest = row->attr[LAYERFS_A_COUNTERS], *attr;
	uint16_t type;

	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest) {
		type = mnl_attr_get_type(attr);
		if (type <= LAYERFS_C_MAX && to[type] &&
		    !mnl_attr_validate(attr, MNL_TYPE_U64))
			*to[type] = mnl_attr_get_u64(attr);
	}
}

/* The array with room for one zeroed element more, or NULL. */
static void *grow(void *array, size_t nr, size_t size)
{
	char *grown = reallocarray(array, nr + 1, size);

	if (grown)
		memset(grown + size * nr, 0, size);
	return grown;
}

static int take_layer(const struct nlmsghdr *nlh, void *data)
{
	struct layerfs_stats *s = data;
	struct layerfs_stat_layer *l;
	bool no_memory = false;
	struct row row;

	split_row(nlh, &row);
	l = grow(s->layers, s->nr_layers, sizeof(*l));
	if (!l)
		return -ENOMEM;
	s->layers = l;
	l += s->nr_layers++;
	l->id = get_u64(&row, LAYERFS_A_LAYER_ID);
	l->path = get_string(&row, LAYERFS_A_PATH, &no_memory);
	l->dev = get_dev(&row);
	l->ino = get_u64(&row, LAYERFS_A_INO);
	l->users = get_u32(&row, LAYERFS_A_USERS);
	get_counters(&row, &l->counters);
	return no_memory ? -ENOMEM : 0;
}

static void reset_layers(void *data)
{
	struct layerfs_stats *s = data;

	while (s->nr_layers)
		free(s->layers[--s->nr_layers].path);
}

static int take_image(const struct nlmsghdr *nlh, void *data)
{
	struct layerfs_stats *s = data;
	struct layerfs_stat_image *i;
	struct row row;

	split_row(nlh, &row);
	i = grow(s->images, s->nr_images, sizeof(*i));
	if (!i)
		return -ENOMEM;
	s->images = i;
	i += s->nr_images++;
	i->id = get_u64(&row, LAYERFS_A_IMAGE_ID);
	i->layers = get_u32(&row, LAYERFS_A_LAYERS);
	i->users = get_u32(&row, LAYERFS_A_USERS);
	get_counters(&row, &i->counters);
	return 0;
}

static void reset_images(void *data)
{
	((struct layerfs_stats *)data)->nr_images = 0;
}

static int take_stack(const struct nlmsghdr *nlh, void *data)
{
	struct layerfs_stats *s = data;
	struct layerfs_stat_stack *e;
	struct row row;

	split_row(nlh, &row);
	e = grow(s->stack, s->nr_stack, sizeof(*e));
	if (!e)
		return -ENOMEM;
	s->stack = e;
	e += s->nr_stack++;
	e->image_id = get_u64(&row, LAYERFS_A_IMAGE_ID);
	e->layer_id = get_u64(&row, LAYERFS_A_LAYER_ID);
	e->index = get_u32(&row, LAYERFS_A_INDEX);
	return 0;
}

static void reset_stack(void *data)
{
	((struct layerfs_stats *)data)->nr_stack = 0;
}

static int take_container(const struct nlmsghdr *nlh, void *data)
{
	struct layerfs_stats *s = data;
	struct layerfs_stat_container *c;
	bool no_memory = false;
	struct row row;

	split_row(nlh, &row);
	c = grow(s->containers, s->nr_containers, sizeof(*c));
	if (!c)
		return -ENOMEM;
	s->containers = c;
	c += s->nr_containers++;
	c->id = get_u64(&row, LAYERFS_A_CONTAINER_ID);
	c->image_id = get_u64(&row, LAYERFS_A_IMAGE_ID);
	c->dev = get_dev(&row);
	c->flags = get_u32(&row, LAYERFS_A_FLAGS);
	c->upper = get_string(&row, LAYERFS_A_UPPER, &no_memory);
	c->work = get_string(&row, LAYERFS_A_WORK, &no_memory);
	get_counters(&row, &c->counters);
	return no_memory ? -ENOMEM : 0;
}

static void reset_containers(void *data)
{
	struct layerfs_stats *s = data;

	while (s->nr_containers) {
		s->nr_containers--;
		free(s->containers[s->nr_containers].upper);
		free(s->containers[s->nr_containers].work);
	}
}

int layerfs_stats_read(struct layerfs_stats *stats, struct layerfs_error *err)
{
	/* Containers first: what they name is then mostly still there. */
	const struct {
		uint8_t cmd;
		struct genl_rows rows;
	} dumps[] = {
		{ LAYERFS_CMD_GET_CONTAINER, { take_container, reset_containers, stats } },
		{ LAYERFS_CMD_GET_IMAGE, { take_image, reset_images, stats } },
		{ LAYERFS_CMD_GET_STACK, { take_stack, reset_stack, stats } },
		{ LAYERFS_CMD_GET_LAYER, { take_layer, reset_layers, stats } },
	};
	struct genl genl;
	size_t i;
	int ret;

	*stats = (struct layerfs_stats){ 0 };
	ret = genl_open(&genl, LAYERFS_GENL_NAME, LAYERFS_GENL_VERSION, err);
	if (ret)
		return ret;
	for (i = 0; !ret && i < sizeof(dumps) / sizeof(dumps[0]); i++)
		ret = genl_dump(&genl, dumps[i].cmd, &dumps[i].rows, err);
	genl_close(&genl);
	if (ret)
		layerfs_stats_free(stats);
	return ret;
}

void layerfs_stats_free(struct layerfs_stats *stats)
{
	reset_layers(stats);
	reset_containers(stats);
	free(stats->layers);
	free(stats->images);
	free(stats->stack);
	free(stats->containers);
	*stats = (struct layerfs_stats){ 0 };
}
