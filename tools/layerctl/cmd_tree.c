// SPDX-License-Identifier: GPL-2.0-only
/*
 * Images share layers from the bottom up, so their stacks form a tree: bottom
 * layers are the roots, a branch is where images part.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "state.h"

/**
 * struct node - a layer above a certain stack of others
 * @layer: the layer
 * @child: what stands right above it
 * @nr_child: how many
 * @image: images whose top layer this is
 * @nr_image: how many
 */
struct node {
	const struct layerfs_layer *layer;
	struct node **child;
	size_t nr_child;
	const struct layerfs_image **image;
	size_t nr_image;
};

static struct node *get_child(struct node *node, const struct layerfs_layer *layer)
{
	struct node **grown, *child;

	for (size_t i = 0; i < node->nr_child; i++)
		if (!strcmp(node->child[i]->layer->diff_id, layer->diff_id))
			return node->child[i];
	child = calloc(1, sizeof(*child));
	grown = reallocarray(node->child, node->nr_child + 1, sizeof(*grown));
	if (grown)
		node->child = grown;
	if (!child || !grown) {
		free(child);
		return NULL;
	}
	child->layer = layer;
	node->child[node->nr_child++] = child;
	return child;
}

static bool add_image(struct node *root, const struct layerfs_image *image)
{
	const struct layerfs_image **grown;
	struct node *node = root;

	for (size_t i = image->nr_layers; node && i-- > 0; )
		node = get_child(node, &image->layers[i]);
	if (!node)
		return false;
	grown = reallocarray(node->image, node->nr_image + 1, sizeof(*grown));
	if (!grown)
		return false;
	node->image = grown;
	node->image[node->nr_image++] = image;
	return true;
}

static void free_children(struct node *node)
{
	for (size_t i = 0; i < node->nr_child; i++) {
		free_children(node->child[i]);
		free(node->child[i]);
	}
	free(node->child);
	free(node->image);
}

/* ---- drawn ---- */

/* What stands left of a line: one bar for each ancestor that goes on below. */
struct margin {
	const struct margin *up;
	bool last;
};

static void put_margin(const struct margin *m, bool leaf)
{
	if (!m)
		return;
	put_margin(m->up, false);
	if (leaf)
		fputs(m->last ? "└── " : "├── ", stdout);
	else
		fputs(m->last ? "    " : "│   ", stdout);
}

static void draw_container(const struct lc_container *c, const struct margin *m)
{
	const char *name = lc_container_name(c), *target = lc_container_target(c);

	put_margin(m, true);
	fputs("container ", stdout);
	lc_put_safe(stdout, name ? name : "(unnamed)");
	if (target) {
		fputs(" on ", stdout);
		lc_put_safe(stdout, target);
	} else {
		printf(" (%s)", c->stat ? "mounted elsewhere" : "not mounted");
	}
	putchar('\n');
}

static bool stands_on(const struct lc_container *c, const struct layerfs_image *image)
{
	return c->image == image;
}

static void draw_image(const struct lc_ctx *ctx, const struct lc_state *st,
		       const struct layerfs_image *image, const struct margin *m)
{
	size_t left = 0;
	char buf[130];

	put_margin(m, true);
	fputs("image ", stdout);
	for (size_t i = 0; i < image->nr_names; i++) {
		lc_put_safe(stdout, image->names[i]);
		fputs(i + 1 < image->nr_names ? ", " : " ", stdout);
	}
	printf("(%s)\n", lc_text_digest(ctx, image->id, buf));
	for (size_t i = 0; i < st->nr_containers; i++)
		left += stands_on(&st->containers[i], image);
	for (size_t i = 0; i < st->nr_containers; i++)
		if (stands_on(&st->containers[i], image))
			draw_container(&st->containers[i],
				       &(struct margin){ .up = m, .last = !--left });
}

static void draw_layer(const struct lc_ctx *ctx, const struct lc_state *st,
		       const struct node *node, const struct margin *m)
{
	const struct lc_layer *l = lc_state_layer(st, node->layer->diff_id);
	char digest[130], size[LC_TEXT_MAX];

	put_margin(m, true);
	printf("layer %s", lc_text_digest(ctx, node->layer->diff_id, digest));
	if (node->layer->missing)
		fputs("  lost by the store", stdout);
	else
		printf("  %s", lc_text_size(node->layer->size, size));
	if (l && l->images > 1)
		printf("  shared by %zu images", l->images);
	putchar('\n');
}

static void draw_above(const struct lc_ctx *ctx, const struct lc_state *st,
		       const struct node *node, const struct margin *up)
{
	size_t left = node->nr_image + node->nr_child;

	for (size_t i = 0; i < node->nr_image; i++)
		draw_image(ctx, st, node->image[i],
			   &(struct margin){ .up = up, .last = !--left });
	for (size_t i = 0; i < node->nr_child; i++) {
		struct margin m = { .up = up, .last = !--left };

		draw_layer(ctx, st, node->child[i], &m);
		draw_above(ctx, st, node->child[i], &m);
	}
}

static void draw(const struct lc_ctx *ctx, const struct lc_state *st, const struct node *root)
{
	bool first = true;

	for (size_t i = 0; i < root->nr_image; i++)
		draw_image(ctx, st, root->image[i], NULL);
	for (size_t i = 0; i < root->nr_child; i++) {
		draw_layer(ctx, st, root->child[i], NULL);
		draw_above(ctx, st, root->child[i], NULL);
	}
	for (size_t i = 0; i < st->nr_containers; i++) {
		if (st->containers[i].image)
			continue;
		if (first)
			puts("no image of the store");
		first = false;
		draw_container(&st->containers[i], &(struct margin){ .last = true });
	}
}

/* ---- JSON ---- */

static struct json_object *string_or_null(const char *s)
{
	return s ? lc_json_text(s) : NULL;
}

static struct json_object *containers_json(const struct lc_state *st,
					   const struct layerfs_image *image)
{
	struct json_object *array = json_object_new_array(), *one;

	for (size_t i = 0; i < st->nr_containers; i++) {
		const struct lc_container *c = &st->containers[i];

		if (!stands_on(c, image))
			continue;
		one = json_object_new_object();
		json_object_object_add(one, "name", string_or_null(lc_container_name(c)));
		json_object_object_add(one, "target", string_or_null(lc_container_target(c)));
		json_object_object_add(one, "status",
				       json_object_new_string(lc_container_status(c)));
		json_object_array_add(array, one);
	}
	return array;
}

static struct json_object *image_json(const struct lc_state *st,
				      const struct layerfs_image *image)
{
	struct json_object *json = json_object_new_object();
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < image->nr_names; i++)
		json_object_array_add(names, json_object_new_string(image->names[i]));
	json_object_object_add(json, "id", json_object_new_string(image->id));
	json_object_object_add(json, "names", names);
	json_object_object_add(json, "containers", containers_json(st, image));
	return json;
}

static struct json_object *children_json(const struct lc_state *st, const struct node *node);

static struct json_object *layer_json(const struct lc_state *st, const struct node *node)
{
	const struct lc_layer *l = lc_state_layer(st, node->layer->diff_id);
	struct json_object *json = json_object_new_object();
	struct json_object *images = json_object_new_array();

	for (size_t i = 0; i < node->nr_image; i++)
		json_object_array_add(images, image_json(st, node->image[i]));
	json_object_object_add(json, "layer", json_object_new_string(node->layer->diff_id));
	json_object_object_add(json, "size", node->layer->missing ? NULL :
			       json_object_new_uint64(node->layer->size));
	json_object_object_add(json, "shared_by",
			       json_object_new_uint64(l ? l->images : 0));
	json_object_object_add(json, "images", images);
	json_object_object_add(json, "above", children_json(st, node));
	return json;
}

static struct json_object *children_json(const struct lc_state *st, const struct node *node)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < node->nr_child; i++)
		json_object_array_add(array, layer_json(st, node->child[i]));
	return array;
}

static void show_json(const struct lc_state *st, const struct node *root)
{
	struct json_object *json = json_object_new_object();
	struct json_object *empty = json_object_new_array();

	for (size_t i = 0; i < root->nr_image; i++)
		json_object_array_add(empty, image_json(st, root->image[i]));
	json_object_object_add(json, "layers", children_json(st, root));
	json_object_object_add(json, "images_without_layers", empty);
	json_object_object_add(json, "other_containers", containers_json(st, NULL));
	lc_json_show(json);
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct layerfs_error err = { 0 };
	struct node root = { 0 };
	struct lc_state st;
	int ret;

	(void)argc;
	(void)argv;
	ret = lc_state_read(ctx, &st, &err);
	for (size_t i = 0; !ret && i < st.images.nr; i++)
		if (!add_image(&root, &st.images.images[i]))
			ret = layerfs_error_sys(&err, -ENOMEM, "tree");
	if (!ret && ctx->format == LC_FORMAT_JSON)
		show_json(&st, &root);
	else if (!ret)
		draw(ctx, &st, &root);
	free_children(&root);
	lc_state_free(&st);
	return ret ? lc_fail(ctx, &err) : LC_EXIT_OK;
}

const struct lc_command lc_cmd_tree = {
	.name = "tree",
	.summary = "draw which layers, images and containers stand on which",
	.operands = "",
	.description =
		"Bottom layers stand at the left edge; what is indented stands on what is\n"
		"above it. Layers that images share from the bottom up appear once.\n",
	.run = run,
};
