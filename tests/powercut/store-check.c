// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks at an image store after a power cut, in one process: the emulator
 * takes longer to start a program than to run it.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "store.h"
#include "store_check.h"
#include "store_gc.h"
#include "store_import.h"

static const char usage[] =
	"Usage: store-check list STORE\n"
	"       store-check STORE LIST...\n"
	"\n"
	"list: print what the store lists, a line for each image and each of its names,\n"
	"and one for each container, which says whether its upper has the file \"mine\".\n"
	"Otherwise: is everything whole, does what is listed equal one of the files LIST,\n"
	"does a collection leave nothing else, and can images be imported then?\n"
	"IMPORT in the environment has the sources of these, with blanks between; COUNTS\n"
	"a file to which figures are added.\n";

static int failed;

static void complain(const char *what, const char *msg)
{
	printf("%s: %s\n", what, msg);
	failed = 1;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_content(const char *file, const char *text)
{
	char buf[16384];
	FILE *f = fopen(file, "r");
	size_t len = f ? fread(buf, 1, sizeof(buf), f) : 0;

	if (!f)
		return false;
	fclose(f);
	return len == strlen(text) && !memcmp(buf, text, len);
}

static void put_containers(struct layerfs_store *store, FILE *to)
{
	struct layerfs_container_list list;
	struct layerfs_error err = { 0 };
	char path[4096];

	if (layerfs_container_list(layerfs_store_root(store), &list, &err)) {
		complain("containers", err.msg);
		return;
	}
	for (size_t i = 0; i < list.nr; i++) {
		if (list.containers[i].damaged)
			complain("the record of a container is damaged", list.containers[i].name);
		snprintf(path, sizeof(path), "%s/upper/mine", list.containers[i].dir);
		fprintf(to, "container %s%s\n", list.containers[i].name,
			is_content(path, "mine\n") ? " mine" : "");
	}
	layerfs_container_list_free(&list);
}

/* In an order of its own: two imports in one second are in any */
static char *list_images(struct layerfs_store *store)
{
	struct layerfs_image_list list;
	struct layerfs_error err = { 0 };
	char *lines[100], *text = NULL;
	size_t nr = 0, size;
	FILE *to = open_memstream(&text, &size);

	if (layerfs_store_images(store, &list, &err)) {
		complain("images", err.msg);
		memset(&list, 0, sizeof(list));
	}
	for (size_t i = 0; i < list.nr; i++) {
		const struct layerfs_image *image = &list.images[i];

		for (size_t j = 0; j < image->nr_names + !image->nr_names && nr < 100; j++)
			if (asprintf(&lines[nr++], "%.19s %s", image->id,
				     image->nr_names ? image->names[j] : "-") < 0)
				abort();
	}
	qsort(lines, nr, sizeof(*lines), by_text);
	for (size_t i = 0; i < nr; i++) {
		fprintf(to, "%s\n", lines[i]);
		free(lines[i]);
	}
	put_containers(store, to);
	fclose(to);
	layerfs_image_list_free(&list);
	return text;
}

static int on_problem(void *arg, const struct layerfs_problem *p)
{
	char text[1024];

	(void)arg;
	snprintf(text, sizeof(text), "%s %s: %s", p->id, p->path ? p->path : "", p->what);
	complain("damaged", text);
	return 0;
}

static void check_whole(struct layerfs_store *store)
{
	struct layerfs_check_request request = { .problem = on_problem };
	struct layerfs_error err = { 0 };
	struct layerfs_checked checked;

	if (layerfs_store_check(store, &request, &checked, &err)) {
		complain("fsck", err.msg);
		return;
	}
	layerfs_checked_free(&checked);
}

static size_t collect(struct layerfs_store *store)
{
	struct layerfs_garbage_list list;
	struct layerfs_error err = { 0 };
	size_t nr;

	if (layerfs_store_collect(store, false, &list, &err))
		complain("gc", err.msg);
	nr = list.nr;
	for (size_t i = 0; i < nr; i++)
		if (list.items[i].kept)
			complain("gc keeps", list.items[i].name);
	layerfs_garbage_free(&list);
	return nr;
}

static size_t entries(const char *root, const char *name)
{
	char path[4096];
	size_t nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	dir = opendir(path);
	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return dir ? nr - 2 : 0;
}

/* What the directories have is what is listed */
static size_t check_left(struct layerfs_store *store, const char *root)
{
	struct layerfs_image_list images;
	struct layerfs_layer_list layers;
	struct layerfs_error err = { 0 };
	size_t nr;

	if (layerfs_store_images(store, &images, &err) ||
	    layerfs_store_layers(store, &images, &layers, &err)) {
		complain("layers", err.msg);
		return 0;
	}
	nr = layers.nr;
	for (size_t i = 0; i < nr; i++)
		if (!layers.layers[i].nr_images)
			complain("left in layers", layers.layers[i].layer.diff_id);
	if (entries(root, "layers/sha256") != nr)
		complain("left", "something in layers");
	if (entries(root, "images") != images.nr)
		complain("left", "something in images");
	if (entries(root, "tmp"))
		complain("left", "something in tmp");
	layerfs_layer_list_free(&layers);
	layerfs_image_list_free(&images);
	return nr;
}

static size_t import_all(const char *root, char *sources)
{
	size_t nr = 0;

	for (char *s = strtok(sources, " "); s; s = strtok(NULL, " "), nr++) {
		struct layerfs_import_request request = { .source = s };
		struct layerfs_error err = { 0 };
		struct layerfs_imported imported;
		struct layerfs_store *store;

		if (layerfs_store_open(root, true, &store, &err) ||
		    layerfs_store_import(store, &request, &imported, &err)) {
			complain("import", err.msg);
			return nr;
		}
		layerfs_imported_free(&imported);
		check_whole(store);
		layerfs_store_close(store);
	}
	return nr;
}

static struct layerfs_store *open_store(const char *root)
{
	struct layerfs_error err = { 0 };
	struct layerfs_store *store;

	if (!layerfs_store_open(root, false, &store, &err))
		return store;
	complain("open", err.msg);
	exit(1);
}

int main(int argc, char **argv)
{
	const char *counts = getenv("COUNTS");
	size_t layers, collected, imports = 0;
	struct layerfs_store *store;
	bool known = false, written;
	char *list, *left;

	if (argc < 3) {
		fputs(usage, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
		return argc == 2 ? 0 : 2;
	}
	if (!strcmp(argv[1], "list")) {
		store = open_store(argv[2]);
		fputs(list_images(store), stdout);
		return failed;
	}
	store = open_store(argv[1]);
	check_whole(store);
	list = list_images(store);
	for (int i = 2; i < argc; i++)
		known |= is_content(argv[i], list);
	if (!known)
		complain("listed", list);
	collected = collect(store);
	if (collect(store))
		complain("gc", "there is more the second time");
	written = strstr(list, " mine\n");
	left = list_images(store);
	if (!written != !strstr(left, " mine\n"))
		complain("gc took what a container wrote", left);
	layers = check_left(store, argv[1]);
	layerfs_store_close(store);
	if (getenv("IMPORT"))
		imports = import_all(argv[1], getenv("IMPORT"));
	if (counts && freopen(counts, "a", stdout))
		printf("layers %zu\ncollected %zu\nimports %zu\n", layers, collected, imports);
	free(list);
	free(left);
	return failed;
}
