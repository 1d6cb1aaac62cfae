// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "state.h"

/* One list of columns for layers and for the containers' own top layers. */
static const struct lc_column columns[] = {
	{ "NAME", "name", LC_STRING, .id = true },
	{ "LAYER", "layer", LC_DIGEST },
	{ "SIZE", "size", LC_SIZE },
	{ "INODES", "inodes", LC_COUNT },
	{ "IMAGES", "images", LC_COUNT },
	{ "CONTAINERS", "containers", LC_COUNT },
	{ "LOOKUPS", "lookups", LC_COUNT },
	{ "OPENS", "opens", LC_COUNT },
	{ "READ", "read_bytes", LC_SIZE },
	{ "WRITTEN", "write_bytes", LC_SIZE },
	{ "COPIED UP", "copyup_files", LC_COUNT },
	{ NULL, "copyup_bytes", LC_SIZE },
	{ }
};

struct totals {
	uint64_t if_unshared;
	uint64_t used;
};

static struct lc_value count(bool known, uint64_t n)
{
	return known ? lc_num(n) : lc_null();
}

static void add_layer(struct lc_table *table, const char *name,
		      const struct layerfs_layer *layer, const struct lc_layer *l)
{
	bool in_kernel = l && l->in_kernel;
	const struct layerfs_counters none = { 0 }, *c = l ? &l->counters : &none;

	lc_table_add(table, (struct lc_value[]){
		lc_str(name), lc_str(layer->diff_id),
		count(!layer->missing, layer->size), count(!layer->missing, layer->inodes),
		count(l, l ? l->images : 0), count(l, l ? l->containers : 0),
		count(in_kernel, c->lookups), count(in_kernel, c->opens),
		count(in_kernel, c->read_bytes), lc_null(),
		count(in_kernel, c->copyup_files), count(in_kernel, c->copyup_bytes) });
}

/* A container's name; one without any goes by where it is. */
static const char *shown_name(const struct lc_container *c)
{
	const char *name = lc_container_name(c);

	return name ? name : lc_container_target(c);
}

static void add_top(const struct lc_ctx *ctx, struct lc_table *table,
		    const struct lc_container *c, struct totals *totals)
{
	const struct layerfs_counters none = { 0 };
	const struct layerfs_counters *n = c->stat ? &c->stat->counters : &none;
	const char *name = shown_name(c);
	uint64_t size = 0, inodes = 0;
	char label[300];
	bool measured;

	snprintf(label, sizeof(label), "%s%s", ctx->format == LC_FORMAT_TABLE ? "  " : "",
		 name ? name : "?");
	measured = lc_container_upper_size(c, &size, &inodes);
	totals->if_unshared += size;
	totals->used += size;
	lc_table_add(table, (struct lc_value[]){
		lc_str(label),
		ctx->format == LC_FORMAT_TABLE ? lc_str("(top)") : lc_null(),
		count(measured, size), count(measured, inodes), lc_null(), lc_null(),
		count(c->stat, n->lookups), count(c->stat, n->opens),
		count(c->stat, n->read_bytes), count(c->stat, n->write_bytes),
		count(c->stat, n->copyup_files), count(c->stat, n->copyup_bytes) });
}

/* Which images and containers the command line asks for. */
struct wanted {
	bool *image;
	bool *container;
};

static bool container_is(const struct lc_container *c, const char *word)
{
	const char *name = lc_container_name(c), *target = lc_container_target(c);

	return (name && !strcmp(name, word)) || (target && !strcmp(target, word));
}

static void want_all(const struct lc_state *st, struct wanted *want)
{
	memset(want->image, 1, st->images.nr * sizeof(bool));
	memset(want->container, 1, st->nr_containers * sizeof(bool));
}

/* A container brings its image along: its layers are what it uses. */
static void want_container(const struct lc_state *st, struct wanted *want, size_t i)
{
	want->container[i] = true;
	for (size_t j = 0; j < st->images.nr; j++)
		if (&st->images.images[j] == st->containers[i].image)
			want->image[j] = true;
}

static void want_image(const struct lc_state *st, struct wanted *want, size_t i)
{
	want->image[i] = true;
	for (size_t j = 0; j < st->nr_containers; j++)
		if (st->containers[j].image == &st->images.images[i])
			want->container[j] = true;
}

static int want_word(const struct lc_state *st, struct wanted *want, const char *word,
		     struct layerfs_error *err)
{
	struct layerfs_image *image;
	bool found = false;
	int ret;

	for (size_t i = 0; i < st->nr_containers; i++)
		if (container_is(&st->containers[i], word)) {
			want_container(st, want, i);
			found = true;
		}
	if (found)
		return 0;
	ret = layerfs_store_find(st->store, word, &image, err);
	if (ret)
		return layerfs_error_prefix(err, "no container '%s', and", word);
	for (size_t i = 0; i < st->images.nr; i++)
		if (!strcmp(st->images.images[i].id, image->id))
			want_image(st, want, i);
	layerfs_image_free(image);
	return 0;
}

/* Layers of wanted images, each once. */
static uint64_t used_by_layers(const struct lc_state *st, const struct wanted *want)
{
	uint64_t used = 0;

	for (size_t l = 0; l < st->layer_list.nr; l++) {
		const struct layerfs_layer *layer = &st->layer_list.layers[l].layer;
		bool wanted = false;

		for (size_t i = 0; i < st->images.nr && !wanted; i++)
			for (size_t k = 0; want->image[i] && k < st->images.images[i].nr_layers; k++)
				wanted |= !strcmp(st->images.images[i].layers[k].diff_id,
						  layer->diff_id);
		if (wanted)
			used += layer->size;
	}
	return used;
}

/* One image's block: its layers, then what its containers have on top. */
static struct json_object *show_image(const struct lc_ctx *ctx, const struct lc_state *st,
				      const struct wanted *want, size_t index,
				      struct lc_table *table, struct totals *totals)
{
	const struct layerfs_image *image = &st->images.images[index];
	struct lc_table *layers = ctx->format == LC_FORMAT_JSON ? lc_table_new(columns) : table;
	struct lc_table *tops = ctx->format == LC_FORMAT_JSON ? lc_table_new(columns) : table;
	struct json_object *json = NULL;
	char buf[130];
	size_t standing = 0;

	for (size_t i = 0; i < image->nr_layers; i++)
		add_layer(layers, i && ctx->format == LC_FORMAT_TABLE ? "" :
			  lc_image_name(ctx, image, buf),
			  &image->layers[i], lc_state_layer(st, image->layers[i].diff_id));
	for (size_t i = 0; i < st->nr_containers; i++) {
		if (!want->container[i] || st->containers[i].image != image)
			continue;
		add_top(ctx, tops, &st->containers[i], totals);
		standing++;
	}
	/* Unshared, each container would have the layers to itself. */
	totals->if_unshared += image->size * (standing ? standing : 1);
	if (ctx->format == LC_FORMAT_JSON) {
		json = json_object_new_object();
		json_object_object_add(json, "id", json_object_new_string(image->id));
		json_object_object_add(json, "name", image->nr_names ?
				       json_object_new_string(image->names[0]) : NULL);
		json_object_object_add(json, "size", json_object_new_uint64(image->size));
		json_object_object_add(json, "layers", lc_table_json(layers));
		json_object_object_add(json, "containers", lc_table_json(tops));
		lc_table_free(layers);
		lc_table_free(tops);
	}
	return json;
}

/* Containers whose layers are no image of the store's */
static void show_foreign(const struct lc_ctx *ctx, const struct lc_state *st,
			 const struct wanted *want, struct lc_table *table,
			 struct totals *totals)
{
	for (size_t i = 0; i < st->nr_containers; i++)
		if (want->container[i] && !st->containers[i].image)
			add_top(ctx, table, &st->containers[i], totals);
}

static void show_totals(const struct totals *t)
{
	char a[LC_TEXT_MAX], b[LC_TEXT_MAX];

	printf("\nAs if nothing were shared: %s\nReally used:               %s",
	       lc_text_size(t->if_unshared, a), lc_text_size(t->used, b));
	if (t->if_unshared > t->used)
		printf(" (%.0f%% saved)",
		       100.0 * (t->if_unshared - t->used) / t->if_unshared);
	putchar('\n');
}

static void show(const struct lc_ctx *ctx, const struct lc_state *st,
		 const struct wanted *want)
{
	bool json = ctx->format == LC_FORMAT_JSON;
	struct json_object *all = NULL, *images = NULL, *totals_json, *one;
	struct lc_table *table = lc_table_new(columns);
	struct totals totals = { .used = used_by_layers(st, want) };

	if (json)
		images = json_object_new_array();
	for (size_t i = 0; i < st->images.nr; i++) {
		if (!want->image[i])
			continue;
		one = show_image(ctx, st, want, i, table, &totals);
		if (json)
			json_object_array_add(images, one);
	}
	show_foreign(ctx, st, want, table, &totals);
	if (json) {
		totals_json = json_object_new_object();
		json_object_object_add(totals_json, "if_unshared",
				       json_object_new_uint64(totals.if_unshared));
		json_object_object_add(totals_json, "used", json_object_new_uint64(totals.used));
		all = json_object_new_object();
		json_object_object_add(all, "images", images);
		json_object_object_add(all, "other_containers", lc_table_json(table));
		json_object_object_add(all, "totals", totals_json);
		lc_json_show(all);
	} else {
		lc_table_text(ctx, table, stdout);
		if (!ctx->quiet)
			show_totals(&totals);
	}
	lc_table_free(table);
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct layerfs_error err = { 0 };
	struct wanted want = { 0 };
	struct lc_state st;
	int ret;

	ret = lc_state_read(ctx, &st, &err);
	if (!ret) {
		want.image = calloc(st.images.nr + 1, sizeof(bool));
		want.container = calloc(st.nr_containers + 1, sizeof(bool));
		if (!want.image || !want.container)
			ret = layerfs_error_sys(&err, -ENOMEM, "usage");
	}
	if (!ret && !argc)
		want_all(&st, &want);
	for (int i = 0; !ret && i < argc; i++)
		ret = want_word(&st, &want, argv[i], &err);
	if (!ret)
		show(ctx, &st, &want);
	free(want.image);
	free(want.container);
	lc_state_free(&st);
	return ret ? lc_fail(ctx, &err) : LC_EXIT_OK;
}

const struct lc_command lc_cmd_usage = {
	.name = "usage",
	.summary = "show what images and containers use, layer by layer",
	.operands = "[IMAGE|CONTAINER...]",
	.description =
		"A row for each layer, top first: its size, how many images and containers\n"
		"share it, and from the running kernel how often names were looked up in it,\n"
		"how often its files were opened, how many bytes were read, and how many files\n"
		"were copied up from it. Below them a row for each container's own top layer,\n"
		"indented; there COPIED UP counts what came into it. Counters are \"-\" for what\n"
		"the kernel does not have in use. They start at 0 when the first container\n"
		"that needs a layer is mounted.\n",
	.words = { LC_WORD_IMAGE_OR_CONTAINER },
	.max = -1,
	.run = run,
};
