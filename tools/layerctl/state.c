// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/layerfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "output.h"
#include "state.h"

static const struct layerfs_image *image_by_id(const struct lc_state *st, const char *id)
{
	for (size_t i = 0; i < st->images.nr; i++)
		if (!strcmp(st->images.images[i].id, id))
			return &st->images.images[i];
	return NULL;
}

static const struct layerfs_stat_container *stat_by_dev(const struct lc_state *st, dev_t dev)
{
	for (size_t i = 0; i < st->stats.nr_containers; i++)
		if (st->stats.containers[i].dev == dev)
			return &st->stats.containers[i];
	return NULL;
}

static const struct layerfs_stat_layer *stat_layer(const struct lc_state *st, uint64_t id)
{
	for (size_t i = 0; i < st->stats.nr_layers; i++)
		if (st->stats.layers[i].id == id)
			return &st->stats.layers[i];
	return NULL;
}

/* A layer of the kernel is a layer of the store if it is that directory. */
static bool is_stored_layer(const struct layerfs_stat_layer *row,
			    const struct layerfs_layer *layer)
{
	struct stat st;

	if (!stat(layer->dir, &st) && st.st_dev == row->dev && st.st_ino == row->ino)
		return true;
	/* Filesystems with several device numbers (btrfs) go by the path. */
	return row->path && !strcmp(row->path, layer->dir);
}

/* Does the kernel's image @id stack exactly what can be seen of @image? */
static bool stacks_image(const struct lc_state *st, uint64_t id,
			 const struct layerfs_image *image)
{
	const struct layerfs_stat_layer *row;
	size_t i, matched = 0;

	for (i = 0; i < st->stats.nr_stack; i++) {
		const struct layerfs_stat_stack *e = &st->stats.stack[i];

		if (e->image_id != id)
			continue;
		row = stat_layer(st, e->layer_id);
		if (!row || e->index >= image->nr_stacked ||
		    !is_stored_layer(row, &image->layers[e->index]))
			return false;
		matched++;
	}
	return matched && matched == image->nr_stacked;
}

static const struct layerfs_image *image_by_stack(const struct lc_state *st, uint64_t id)
{
	for (size_t i = 0; i < st->images.nr; i++)
		if (stacks_image(st, id, &st->images.images[i]))
			return &st->images.images[i];
	return NULL;
}

/* Rows of all three sources are gathered into one list of containers. */
static struct lc_container *add_container(struct lc_state *st)
{
	struct lc_container *c = reallocarray(st->containers, st->nr_containers + 1,
					      sizeof(*c));

	if (!c)
		return NULL;
	st->containers = c;
	c += st->nr_containers++;
	memset(c, 0, sizeof(*c));
	return c;
}

static bool add_records(struct lc_state *st)
{
	for (size_t i = 0; i < st->records.nr; i++) {
		struct lc_container *c = add_container(st);

		if (!c)
			return false;
		c->record = &st->records.containers[i];
		c->image = c->record->damaged ? NULL : image_by_id(st, c->record->image_id);
		for (size_t j = 0; j < st->mounts.nr && !c->mnt; j++)
			if (layerfs_container_is_at(c->record, &st->mounts.mounts[j]))
				c->mnt = &st->mounts.mounts[j];
		if (c->mnt)
			c->stat = stat_by_dev(st, c->mnt->dev);
	}
	return true;
}

static struct lc_container *container_by_dev(const struct lc_state *st, dev_t dev)
{
	for (size_t i = 0; i < st->nr_containers; i++)
		if (st->containers[i].mnt && st->containers[i].mnt->dev == dev)
			return &st->containers[i];
	return NULL;
}

/* Mounted by mount(8) rather than by layerctl */
static bool add_mounts(struct lc_state *st)
{
	for (size_t i = 0; i < st->mounts.nr; i++) {
		struct layerfs_mountpoint *mnt = &st->mounts.mounts[i];
		struct lc_container *c;

		/* One container may be seen at several mount points. */
		if (container_by_dev(st, mnt->dev))
			continue;
		c = add_container(st);
		if (!c)
			return false;
		c->mnt = mnt;
		c->stat = stat_by_dev(st, mnt->dev);
		if (c->stat)
			c->image = image_by_stack(st, c->stat->image_id);
	}
	return true;
}

static struct lc_container *record_by_upper(const struct lc_state *st, const char *upper)
{
	for (size_t i = 0; upper && i < st->nr_containers; i++) {
		const struct layerfs_container *record = st->containers[i].record;

		if (record && record->upper && !strcmp(record->upper, upper))
			return &st->containers[i];
	}
	return NULL;
}

/* Mounted where this process does not see it */
static bool add_elsewhere(struct lc_state *st)
{
	for (size_t i = 0; i < st->stats.nr_containers; i++) {
		const struct layerfs_stat_container *row = &st->stats.containers[i];
		struct lc_container *c = container_by_dev(st, row->dev);

		if (c)
			continue;
		c = record_by_upper(st, row->upper);
		if (!c)
			c = add_container(st);
		if (!c)
			return false;
		c->stat = row;
		if (!c->image)
			c->image = image_by_stack(st, row->image_id);
	}
	return true;
}

static void add_counters(struct layerfs_counters *to, const struct layerfs_counters *from)
{
	to->lookups += from->lookups;
	to->opens += from->opens;
	to->read_bytes += from->read_bytes;
	to->write_bytes += from->write_bytes;
	to->copyup_files += from->copyup_files;
	to->copyup_bytes += from->copyup_bytes;
}

static bool image_has_layer(const struct layerfs_image *image, const char *diff_id)
{
	for (size_t i = 0; i < image->nr_layers; i++)
		if (!strcmp(image->layers[i].diff_id, diff_id))
			return true;
	return false;
}

static bool join_layers(struct lc_state *st)
{
	st->layers = calloc(st->layer_list.nr + 1, sizeof(*st->layers));
	if (!st->layers)
		return false;
	for (size_t i = 0; i < st->layer_list.nr; i++) {
		struct lc_layer *l = &st->layers[i];
		const char *diff_id;

		l->use = &st->layer_list.layers[i];
		l->images = l->use->nr_images;
		diff_id = l->use->layer.diff_id;
		for (size_t j = 0; j < st->nr_containers; j++)
			if (st->containers[j].image &&
			    image_has_layer(st->containers[j].image, diff_id))
				l->containers++;
		/* Mounters of different identity have a row each for one directory. */
		for (size_t j = 0; j < st->stats.nr_layers; j++) {
			if (!is_stored_layer(&st->stats.layers[j], &l->use->layer))
				continue;
			l->in_kernel = true;
			add_counters(&l->counters, &st->stats.layers[j].counters);
		}
	}
	return true;
}

static int read_store(const struct lc_ctx *ctx, struct lc_state *st,
		      struct layerfs_error *err)
{
	int ret;

	ret = layerfs_store_open(ctx->root, false, &st->store, err);
	if (!ret)
		ret = layerfs_store_images(st->store, &st->images, err);
	if (!ret)
		ret = layerfs_store_layers(st->store, &st->images, &st->layer_list, err);
	if (!ret)
		ret = layerfs_container_list(ctx->root, &st->records, err);
	return ret;
}

static void tell_damaged(const struct lc_ctx *ctx, const struct layerfs_container_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		if (list->containers[i].damaged)
			lc_note(ctx, "warning: the record of container '%s' is damaged: %s/config.json",
				list->containers[i].name, list->containers[i].dir);
}

int lc_state_read(const struct lc_ctx *ctx, struct lc_state *st,
		  struct layerfs_error *err)
{
	struct layerfs_error stats_err = { 0 };
	int ret;

	memset(st, 0, sizeof(*st));
	ret = read_store(ctx, st, err);
	if (!ret)
		ret = layerfs_mountpoints_read(&st->mounts, err);
	if (ret)
		return ret;
	tell_damaged(ctx, &st->records);
	ret = layerfs_stats_read(&st->stats, &stats_err);
	st->stats_read = !ret;
	if (ret && ret != -ENODEV)
		lc_note(ctx, "no counters: %s", stats_err.msg);
	if (!add_records(st) || !add_mounts(st) || !add_elsewhere(st) || !join_layers(st))
		return layerfs_error_sys(err, -ENOMEM, "containers");
	return 0;
}

void lc_state_free(struct lc_state *st)
{
	free(st->layers);
	free(st->containers);
	layerfs_stats_free(&st->stats);
	layerfs_mountpoints_free(&st->mounts);
	layerfs_container_list_free(&st->records);
	layerfs_layer_list_free(&st->layer_list);
	layerfs_image_list_free(&st->images);
	layerfs_store_close(st->store);
	memset(st, 0, sizeof(*st));
}

const struct lc_layer *lc_state_layer(const struct lc_state *st, const char *diff_id)
{
	for (size_t i = 0; i < st->layer_list.nr; i++)
		if (!strcmp(st->layers[i].use->layer.diff_id, diff_id))
			return &st->layers[i];
	return NULL;
}

const char *lc_container_name(const struct lc_container *c)
{
	if (c->record)
		return c->record->name;
	if (c->mnt && *c->mnt->source && strcmp(c->mnt->source, "none") &&
	    strcmp(c->mnt->source, LAYERFS_FS_NAME))
		return c->mnt->source;
	return NULL;
}

const char *lc_container_target(const struct lc_container *c)
{
	return c->mnt ? c->mnt->target : NULL;
}

const char *lc_container_status(const struct lc_container *c)
{
	return c->mnt ? "mounted" : c->stat ? "elsewhere" : "unmounted";
}

const char *lc_image_name(const struct lc_ctx *ctx, const struct layerfs_image *image,
			  char buf[130])
{
	return image->nr_names ? image->names[0] : lc_text_digest(ctx, image->id, buf);
}

bool lc_container_upper_size(const struct lc_container *c, uint64_t *size,
			     uint64_t *inodes)
{
	/* Only the path matters; one not mounted by layerctl has no record. */
	struct layerfs_container shown = { 0 };

	if (c->record)
		shown.upper = c->record->upper;
	else if (c->stat)
		shown.upper = c->stat->upper;
	else if (c->mnt)
		shown.upper = c->mnt->upper;
	return shown.upper && !layerfs_container_size(&shown, size, inodes, NULL);
}
