// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Layers leave the store by a rename into tmp, which nobody can mount from,
 * and are looked at once more there: who mounted one by its path just before
 * keeps it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store_priv.h"
#include "unpack_tree.h"

static int move_out(struct layerfs_store *store, const char *hex)
{
	int ret = unpack_remove_tree(store->tmpfd, hex);

	if (!ret && renameat(store->layersfd, hex, store->tmpfd, hex))
		ret = errno == ENOENT ? 0 : -errno;
	return ret;
}

static int remove_or_return(struct layerfs_store *store, const struct store_uses *uses,
			    const struct layerfs_layer *layer, char why[STORE_WHY_MAX])
{
	const char *hex = layerfs_digest_hex(layer->diff_id);
	char path[LAYERFS_DIGEST_SIZE + 8];

	snprintf(path, sizeof(path), "%s/fs", hex);
	if (!store_uses_layer(uses, layer->dir, store->tmpfd, path, why))
		return unpack_remove_tree(store->tmpfd, hex);
	return renameat(store->tmpfd, hex, store->layersfd, hex) ? -errno : 1;
}

int store_layers_drop(struct layerfs_store *store, const struct layerfs_layer *layers[], size_t nr,
		      void (*kept)(void *arg, const struct layerfs_layer *layer, const char *why),
		      void *arg, struct layerfs_error *err)
{
	struct store_uses *uses;
	char why[STORE_WHY_MAX];
	size_t i;
	int ret = 0;

	for (i = 0; i < nr; i++) {
		ret = move_out(store, layerfs_digest_hex(layers[i]->diff_id));
		if (ret)
			goto failed;
	}
	/* None may be in its place after a crash with half of it gone. */
	if (nr && fsync(store->layersfd))
		return layerfs_error_sys(err, -errno, "cannot sync %s/layers/sha256",
					 store->root);
	ret = store_uses_read(&uses, err);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		ret = remove_or_return(store, uses, layers[i], why);
		if (ret < 0)
			break;
		if (ret && kept)
			kept(arg, layers[i], why);
	}
	store_uses_free(uses);
	if (i == nr)
		return 0;
failed:
	return layerfs_error_sys(err, ret, "cannot remove layer %s", layers[i]->diff_id);
}
