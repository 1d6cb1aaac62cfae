// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/store_import.h"
#include "cmd.h"
#include "interrupt.h"
#include "output.h"

static const char *opt_platform;
static const char *opt_max_size;

static const struct lc_option options[] = {
	{ "max-size", 0, "SIZE", "refuse more than this, unpacked (default: 128G)",
	  .value = &opt_max_size },
	{ "platform", 0, "OS/ARCH", "which image of several (default: this machine's)",
	  .value = &opt_platform },
	{ }
};

struct view {
	struct lc_ctx *ctx;
	struct lc_progress bar;
	bool drawn;
};

/* The bar shows the size itself; the line that stays tells it in the label */
static void end_line(struct view *view, const struct layerfs_import_event *event,
		     const char *outcome)
{
	size_t len = strlen(view->bar.label);
	char total[LC_TEXT_MAX];

	if (event->total)
		snprintf(view->bar.label + len, sizeof(view->bar.label) - len, " %s",
			 lc_text_size(event->total, total));
	lc_progress_end(&view->bar, outcome);
	view->drawn = false;
}

static int on_event(void *arg, const struct layerfs_import_event *event)
{
	struct view *view = arg;
	char label[sizeof(view->bar.label)];

	if (!view->drawn) {
		snprintf(label, sizeof(label), "layer %zu/%zu %.19s", event->index + 1,
			 event->nr, event->diff_id);
		lc_progress_start(&view->bar, view->ctx, label, event->total);
		view->drawn = true;
	}
	switch (event->step) {
	case LAYERFS_IMPORT_START:
	case LAYERFS_IMPORT_READ:
	case LAYERFS_IMPORT_SYNC:
		lc_progress_update(&view->bar, event->done);
		break;
	case LAYERFS_IMPORT_DONE:
		end_line(view, event, "done");
		break;
	case LAYERFS_IMPORT_PRESENT:
		end_line(view, event, "already here");
		break;
	case LAYERFS_IMPORT_FAILED:
		end_line(view, event, lc_interrupted() ? "interrupted" : "failed");
		break;
	}
	/* Between layers and blocks, so that tmp is left clean */
	return lc_interrupted() ? -EINTR : 0;
}

static int on_stop(void *arg)
{
	(void)arg;
	return lc_interrupted() ? -EINTR : 0;
}

static void on_wait(void *arg, const char *what)
{
	const struct view *view = arg;

	lc_note(view->ctx, "waiting for %s", what);
}

static struct json_object *layers_json(const struct layerfs_imported *im)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < im->nr_layers; i++) {
		const struct layerfs_layer *layer = &im->layers[i];
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "digest", json_object_new_string(layer->diff_id));
		json_object_object_add(row, "size", json_object_new_int64(layer->size));
		json_object_object_add(row, "inodes", json_object_new_int64(layer->inodes));
		json_object_object_add(row, "compressed_size",
				       json_object_new_int64(layer->compressed_size));
		json_object_object_add(row, "already_here",
				       json_object_new_boolean(im->present[i]));
		json_object_array_add(list, row);
	}
	return list;
}

static int show_json(const struct layerfs_imported *im)
{
	struct json_object *json = json_object_new_object();
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < im->nr_names; i++)
		json_object_array_add(names, json_object_new_string(im->names[i]));
	json_object_object_add(json, "id", json_object_new_string(im->id));
	json_object_object_add(json, "names", names);
	json_object_object_add(json, "already_here", json_object_new_boolean(im->was_present));
	json_object_object_add(json, "layers", layers_json(im));
	json_object_object_add(json, "ignored_xattrs",
			       json_object_new_int64(im->ignored_xattrs));
	return lc_json_show(json);
}

static int show_text(const struct lc_ctx *ctx, const struct layerfs_imported *im)
{
	size_t present = 0;
	char id[130];

	for (size_t i = 0; i < im->nr_layers; i++)
		present += im->present[i];
	lc_text_digest(ctx, im->id, id);
	if (ctx->quiet) {
		puts(id);
		return LC_EXIT_OK;
	}
	printf("%s", id);
	for (size_t i = 0; i < im->nr_names; i++)
		printf(" %s", im->names[i]);
	printf(": %zu of %zu layers already here%s\n", present, im->nr_layers,
	       im->was_present ? ", and the image, too" : "");
	return LC_EXIT_OK;
}

/* "10G"; 0 for what is none */
static uint64_t parse_size(const char *text)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	const char *unit;
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || (*end && (!unit || end[1])))
		return 0;
	for (int shift = unit ? 10 * (unit - units + 1) : 0; shift; shift -= 10) {
		if (n > UINT64_MAX >> 10)
			return 0;
		n <<= 10;
	}
	return n;
}

static int run(struct lc_ctx *ctx, int argc, char **argv)
{
	struct view view = { .ctx = ctx };
	struct layerfs_import_request request = {
		.source = argv[0],
		.name = argc > 1 ? argv[1] : NULL,
		.platform = opt_platform,
		.event = on_event,
		.stop = on_stop,
		.arg = &view,
	};
	struct layerfs_imported imported;
	struct layerfs_error err = { 0 };
	struct layerfs_store *store;
	int ret;

	if (opt_max_size) {
		request.max_size = parse_size(opt_max_size);
		if (!request.max_size)
			return lc_usage(ctx, "\"%s\" is no size, such as 500M or 20G",
					opt_max_size);
	}
	if (layerfs_store_open(ctx->root, true, &store, &err))
		return lc_fail(ctx, &err);
	layerfs_store_on_wait(store, on_wait, &view);
	lc_interrupt_watch();
	ret = layerfs_store_import(store, &request, &imported, &err);
	if (ret) {
		ret = lc_fail(ctx, &err);
	} else {
		if (imported.ignored_xattrs)
			lc_note(ctx, "%llu xattrs of overlays or of other machines were left out",
				(unsigned long long)imported.ignored_xattrs);
		ret = ctx->format == LC_FORMAT_JSON ? show_json(&imported) :
						      show_text(ctx, &imported);
		layerfs_imported_free(&imported);
	}
	layerfs_store_close(store);
	return ret;
}

const struct lc_command lc_cmd_import = {
	.name = "import",
	.alias = "load",
	.summary = "bring an image into the store",
	.operands = "SOURCE [NAME[:TAG]]",
	.description =
"SOURCE is an OCI image layout directory, or a tar of one, or a tar as\n"
"`docker save` writes it:\n"
"\n"
"  oci:DIR[:REF]  oci-archive:FILE[:REF]  docker-archive:FILE[:REF]\n"
"\n"
"Without the prefix, the kind is found out. REF chooses one of several images\n"
"by its tag or name. Layers may be gzip, zstd or plain; all digests are\n"
"checked. A layer that the store has already is not unpacked again.\n"
"\n"
"NAME is what the image is called from now on; another image of that name\n"
"loses it. Without NAME it gets the names that SOURCE has for it, else one made\n"
"from the file's or directory's.\n"
"\n"
"SIZE is in bytes, or with K, M, G or T in powers of 1024. It bounds what all\n"
"layers together unpack to, so that a small file cannot become a big surprise.\n"
"However big it is, an import ends when it has used nine tenths of the space or\n"
"of the inodes that were free.\n"
"\n"
"An import that is interrupted or fails leaves no image behind; layers that\n"
"were complete by then stay, and the next import finds them there.\n",
	.options = options,
	.words = { LC_WORD_FILE, LC_WORD_ANY },
	.min = 1,
	.max = 2,
	.run = run,
};
