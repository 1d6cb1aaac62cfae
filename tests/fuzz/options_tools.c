// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/mount.layerfs/optstr.h"
#include "options.h"

int tools_parse(const char *s, void (*option)(void *data, const char *key, const char *value),
		void *data)
{
	struct layerfs_error err = { 0 };
	struct optstr o = { 0 };
	struct layerfs_options *opts = &o.opts;
	int ret = optstr_parse(&o, s, &err);

	/* Options that only the tools know, and those of any mount. */
	if (!ret && (o.remount || o.layers_file || o.image || o.root))
		ret = -1;
	for (size_t i = 0; !ret && i < opts->layers.nr; i++)
		option(data, i < opts->layers.nr - opts->layers.nr_data ? "lowerdir+" : "datadir+",
		       opts->layers.path[i]);
	if (!ret && opts->upperdir)
		option(data, "upperdir", opts->upperdir);
	if (!ret && opts->workdir)
		option(data, "workdir", opts->workdir);
	for (size_t i = 0; !ret && i < opts->nr_params; i++)
		option(data, opts->params[i].key, opts->params[i].value);
	optstr_free(&o);
	return ret;
}

static void die(const char *what, const char *a, const char *b)
{
	fprintf(stderr, "%s: '%s' and '%s'\n", what, a, b);
	abort();
}

void tools_check_join(char **name, unsigned int nr, unsigned int nr_data, const char *shown)
{
	struct layerfs_layers layers = { .path = name, .nr = nr, .nr_data = nr_data }, again = { 0 };
	const char key[] = "lowerdir=";
	struct layerfs_error err = { 0 };
	char *joined;

	if (!nr)
		return;
	joined = layerfs_layers_join(&layers);
	if (strncmp(shown, key, strlen(key)) ||
	    strncmp(shown + strlen(key), joined, strlen(joined)))
		die("shown and joined differ", shown, joined);
	/* What fsconfig(2) takes has escaped commas for no one. */
	if (!strchr(joined, ',')) {
		if (layerfs_layers_parse(&again, joined, &err))
			die("the library refuses what it wrote", joined, err.msg);
		if (again.nr != nr || again.nr_data != nr_data)
			die("another number of layers", joined, "");
		for (size_t i = 0; i < nr; i++)
			if (strcmp(again.path[i], name[i]))
				die("another layer", again.path[i], name[i]);
	}
	layerfs_layers_free(&again);
	free(joined);
}
