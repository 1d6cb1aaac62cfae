// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "../lib/store_check.h"
#include "cmd.h"
#include "interrupt.h"
#include "output.h"

static bool opt_repair;

static const struct lc_option options[] = {
	{ "repair", 0, NULL, "give up what is damaged, so that an import brings it anew",
	  .flag = &opt_repair },
	{ }
};

static const struct lc_column columns[] = {
	{ "OBJECT", "object", LC_STRING },
	{ "ID", "id", LC_STRING, .id = true },
	{ "PATH", "path", LC_STRING },
	{ "PROBLEM", "problem", LC_STRING },
	{ NULL, "repaired", LC_BOOL },
	{ }
};

static const char *const objects[] = {
	[LAYERFS_OBJECT_STORE] = "store",
	[LAYERFS_OBJECT_IMAGE] = "image",
	[LAYERFS_OBJECT_LAYER] = "layer",
	[LAYERFS_OBJECT_CONTAINER] = "container",
};

static const char *const healths[] = {
	[LAYERFS_HEALTH_OK] = "ok",
	[LAYERFS_HEALTH_UNVERIFIED] = "unverified",
	[LAYERFS_HEALTH_DAMAGED] = "damaged",
};

/**
 * struct view - what is shown
 * @problems: shown at the end, so that the bar does not run through them
 * @bar: of the layer at hand
 */
struct view {
	struct lc_ctx *ctx;
	struct lc_table *problems;
	struct lc_progress bar;
};

static int on_problem(void *arg, const struct layerfs_problem *p)
{
	struct view *view = arg;
	char id[130];

	lc_table_add(view->problems, (struct lc_value[]) {
		lc_str(objects[p->object]),
		lc_str(view->ctx->format == LC_FORMAT_JSON ||
		       p->object == LAYERFS_OBJECT_CONTAINER || !*p->id ? p->id :
		       lc_text_digest(view->ctx, p->id, id)),
		lc_str(p->path),
		lc_str(p->what),
		lc_num(p->repaired),
	});
	return lc_interrupted() ? -EINTR : 0;
}

static int on_layer(void *arg, size_t index, size_t nr, const struct layerfs_layer *layer,
		    uint64_t done, const enum layerfs_health *health)
{
	struct view *view = arg;
	char label[sizeof(view->bar.label)];

	if (health) {
		lc_progress_end(&view->bar, healths[*health]);
	} else if (done) {
		lc_progress_update(&view->bar, done);
	} else {
		snprintf(label, sizeof(label), "layer %zu/%zu %.19s", index + 1, nr,
			 layer->diff_id);
		lc_progress_start(&view->bar, view->ctx, label, layer->size);
	}
	return lc_interrupted() ? -EINTR : 0;
}

static struct json_object *images_json(const struct layerfs_checked *checked)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < checked->nr_images; i++) {
		const struct layerfs_checked_image *image = &checked->images[i];
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "id", json_object_new_string(image->id));
		json_object_object_add(row, "name", image->name ?
				       json_object_new_string(image->name) : NULL);
		json_object_object_add(row, "status",
				       json_object_new_string(healths[image->health]));
		json_object_array_add(list, row);
	}
	return list;
}

static struct json_object *layers_json(const struct layerfs_checked *checked)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < checked->nr_layers; i++) {
		const struct layerfs_checked_layer *l = &checked->layers[i];
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "digest", json_object_new_string(l->layer.diff_id));
		json_object_object_add(row, "images", json_object_new_int64(l->nr_images));
		json_object_object_add(row, "status", json_object_new_string(healths[l->health]));
		json_object_array_add(list, row);
	}
	return list;
}

static void show_json(const struct view *view, const struct layerfs_checked *checked)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "images", images_json(checked));
	json_object_object_add(json, "layers", layers_json(checked));
	json_object_object_add(json, "files", json_object_new_int64(checked->files));
	json_object_object_add(json, "problems", lc_table_json(view->problems));
	lc_json_show(json);
}

static size_t count_images(const struct layerfs_checked *checked, enum layerfs_health health)
{
	size_t n = 0;

	for (size_t i = 0; i < checked->nr_images; i++)
		n += checked->images[i].health == health;
	return n;
}

static size_t count_layers(const struct layerfs_checked *checked, enum layerfs_health health)
{
	size_t n = 0;

	for (size_t i = 0; i < checked->nr_layers; i++)
		n += checked->layers[i].health == health;
	return n;
}

static void show_text(const struct view *view, const struct layerfs_checked *checked)
{
	size_t unverified = count_layers(checked, LAYERFS_HEALTH_UNVERIFIED);

	if (checked->problems)
		lc_table_text(view->ctx, view->problems, stdout);
	if (view->ctx->quiet)
		return;
	printf("%zu images, %zu layers, %llu files checked: ", checked->nr_images,
	       checked->nr_layers, (unsigned long long)checked->files);
	if (checked->problems)
		printf("%zu problems, %zu images and %zu layers damaged\n", checked->problems,
		       count_images(checked, LAYERFS_HEALTH_DAMAGED),
		       count_layers(checked, LAYERFS_HEALTH_DAMAGED));
	else
		puts("no damage");
	if (unverified)
		lc_note(view->ctx, "%zu layers were imported by a version that did not record their files: they cannot be verified until they are removed and imported again",
			unverified);
	if (checked->problems && opt_repair)
		lc_note(view->ctx, "what was damaged is given up: import the images again");
	else if (count_layers(checked, LAYERFS_HEALTH_DAMAGED))
		lc_note(view->ctx, "--repair gives up the damaged layers; importing the images again then brings them anew");
}

static void on_wait(void *arg, const char *what)
{
	const struct view *view = arg;

	lc_note(view->ctx, "waiting for %s", what);
}

static int check(struct view *view, struct layerfs_store *store, int argc, char **argv)
{
	struct layerfs_check_request request = {
		.refs = argv,
		.nr_refs = argc,
		.repair = opt_repair,
		.problem = on_problem,
		.layer = on_layer,
		.arg = view,
	};
	struct layerfs_checked checked;
	struct layerfs_error err = { 0 };
	int ret;

	if (layerfs_store_check(store, &request, &checked, &err))
		return lc_fail(view->ctx, &err);
	if (view->ctx->format == LC_FORMAT_JSON)
		show_json(view, &checked);
	else
		show_text(view, &checked);
	ret = checked.problems ? LC_EXIT_FAIL : LC_EXIT_OK;
	layerfs_checked_free(&checked);
	return ret;
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct view view = { .ctx = ctx };
	struct layerfs_error err = { 0 };
	struct layerfs_store *store;
	int ret;

	if (layerfs_store_open(ctx->root, false, &store, &err))
		return lc_fail(ctx, &err);
	layerfs_store_on_wait(store, on_wait, &view);
	lc_interrupt_watch();
	view.problems = lc_table_new(columns);
	ret = check(&view, store, argc, argv);
	lc_table_free(view.problems);
	layerfs_store_close(store);
	return ret;
}

const struct lc_command lc_cmd_fsck = {
	.name = "fsck",
	.summary = "check images and layers against what was imported",
	.operands = "[IMAGE...]",
	.description =
"Reads all files of the images' layers and compares them, and all attributes,\n"
"with what was recorded when they were imported; checks the records' digests.\n"
"Without IMAGE everything is checked: all images, layers of no image, the\n"
"records of containers, who may enter the store's directories. The exit status\n"
"is 1 if anything is wrong.\n"
"\n"
"--repair removes records that cannot be used and gives up damaged layers: they\n"
"count as not being there, and importing an image that has them replaces them.\n"
"What a container has written is neither checked nor changed.\n",
	.options = options,
	.words = { LC_WORD_IMAGE, LC_WORD_IMAGE },
	.min = 0,
	.max = -1,
	.run = run,
};
