// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Each layer is unpacked in tmp, synced and renamed into place; the record
 * comes last. A crash at any point leaves whole layers, no record or a whole
 * one, and directories in tmp that the next import collects.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "oci.h"
#include "oci_layer.h"
#include "store_import.h"
#include "store_name.h"
#include "store_priv.h"
#include "store_tree.h"
#include "unpack_tree.h"

/**
 * struct import - one import
 * @store: where to
 * @request: what
 * @source: where from
 * @image: what it consists of
 * @out: what is reported
 * @limits: what it may take
 * @index: the layer at hand
 * @total: size of its blob
 */
struct import {
	struct layerfs_store *store;
	const struct layerfs_import_request *request;
	struct layerfs_source *source;
	struct layerfs_oci_image image;
	struct layerfs_imported *out;
	struct layerfs_import_limits limits;
	size_t index;
	uint64_t total;
};

static int tell(struct import *im, enum layerfs_import_step step, uint64_t done)
{
	struct layerfs_import_event event = {
		.step = step,
		.index = im->index,
		.nr = im->image.nr_layers,
		.diff_id = im->image.layers[im->index].diff_id,
		.done = done,
		.total = im->total,
	};

	return im->request->event ? im->request->event(im->request->arg, &event) : 0;
}

static int on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct import *im = arg;

	im->total = total;
	return tell(im, done ? LAYERFS_IMPORT_READ : LAYERFS_IMPORT_START, done);
}

/*
 * What stands there was not whole: damaged from outside, or disowned by fsck.
 * Somebody may have it mounted all the same.
 */
static int replace_damaged(struct import *im, const char *hex, struct layerfs_error *err)
{
	struct layerfs_store *store = im->store;
	char path[LAYERFS_DIGEST_SIZE + 8], why[STORE_WHY_MAX];
	struct store_uses *uses;
	char *dir = NULL;
	int ret;

	snprintf(path, sizeof(path), "%s/fs", hex);
	if (asprintf(&dir, "%s/layers/sha256/%s", store->root, path) < 0)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a path");
	ret = store_uses_read(&uses, err);
	if (!ret && store_uses_layer(uses, dir, store->layersfd, path, why))
		ret = layerfs_error_set(err, -EBUSY,
			"the one that the store has is damaged and cannot be replaced while %s",
			why);
	else if (!ret && renameat2(store->tmpfd, hex, store->layersfd, hex, RENAME_EXCHANGE))
		ret = layerfs_error_sys(err, -errno, "cannot replace the one in %s/layers/sha256",
					store->root);
	if (!ret)
		unpack_remove_tree(store->tmpfd, hex);
	store_uses_free(uses);
	free(dir);
	return ret;
}

/* From here on it is in the store, whole: all of it was synced before */
static int publish(struct import *im, const char *hex, struct layerfs_error *err)
{
	struct layerfs_store *store = im->store;
	int ret = 0;

	if (renameat2(store->tmpfd, hex, store->layersfd, hex, RENAME_NOREPLACE))
		ret = -errno;
	if (ret == -EEXIST) {
		ret = replace_damaged(im, hex, err);
		if (ret)
			return ret;
	}
	if (!ret && fsync(store->layersfd))
		ret = -errno;
	return ret ? layerfs_error_sys(err, ret, "cannot put it into %s/layers/sha256",
				       store->root) : 0;
}

static int on_digest(void *arg, uint64_t bytes)
{
	struct import *im = arg;

	(void)bytes;
	return tell(im, LAYERFS_IMPORT_SYNC, im->total);
}

/* The kernel merges roots whatever they are marked with, as overlayfs does */
static bool is_root_opaque(int work)
{
	int fd = openat(work, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char value = 0;
	bool opaque;

	if (fd < 0)
		return false;
	opaque = fgetxattr(fd, LAYERFS_XATTR_OPAQUE, &value, 1) == 1 && value == 'y';
	close(fd);
	return opaque;
}

static int write_info(int work, struct import *im, const struct layerfs_layer_job *job,
		      struct layerfs_error *err)
{
	struct store_tree_walk walk = { .progress = on_digest, .arg = im };
	struct layerfs_layer layer = {
		.diff_id = (char *)job->layer->diff_id,
		.blob_digest = (char *)job->blob_digest,
		.compressed_size = job->blob_size,
		.tree_digest = walk.digest,
		.created = time(NULL),
	};
	int ret;

	ret = store_tree_write(work, &walk, err);
	if (ret)
		return ret;
	layer.size = walk.size;
	layer.inodes = walk.inodes;
	layer.opaque = is_root_opaque(work);
	ret = store_layer_write_info(work, &layer);
	if (!ret)
		ret = tell(im, LAYERFS_IMPORT_SYNC, im->total);
	if (!ret && syncfs(work))
		ret = -errno;
	return ret ? layerfs_error_sys(err, ret, "cannot write it to the disk") : 0;
}

static int fill(struct import *im, int work, struct layerfs_error *err)
{
	struct layerfs_layer_job job = {
		.source = im->source,
		.layer = &im->image.layers[im->index],
		.dirfd = -1,
		.limits = &im->limits,
		.progress = on_progress,
		.arg = im,
	};
	int ret;

	if (mkdirat(work, "fs", 0755) || fchmodat(work, "fs", 0755, 0))
		return layerfs_error_sys(err, -errno, "cannot make its directory");
	job.dirfd = openat(work, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job.dirfd < 0)
		return layerfs_error_sys(err, -errno, "cannot open its directory");
	ret = layerfs_layer_unpack(&job, err);
	close(job.dirfd);
	if (ret)
		return ret;
	im->out->ignored_xattrs += job.unpacked.ignored_xattrs;
	return write_info(work, im, &job, err);
}

static int store_one(struct import *im, const char *hex, struct layerfs_error *err)
{
	const struct layerfs_oci_layer *layer = &im->image.layers[im->index];
	int work, ret;

	work = store_tmp_start(im->store, hex, err);
	if (work < 0)
		return work;
	/* Whom we waited for may have stored it. */
	if (store_layer_exists(im->store, layer->diff_id)) {
		store_tmp_drop(im->store, hex, work);
		return -EEXIST;
	}
	ret = fill(im, work, err);
	if (!ret)
		ret = publish(im, hex, err);
	if (ret) {
		store_tmp_drop(im->store, hex, work);
		return ret;
	}
	close(work);
	return 0;
}

static int import_layer(struct import *im, struct layerfs_error *err)
{
	const char *diff_id = im->image.layers[im->index].diff_id;
	struct layerfs_imported *out = im->out;
	int ret = -EEXIST;

	im->total = 0;
	if (!store_layer_exists(im->store, diff_id))
		ret = store_one(im, layerfs_digest_hex(diff_id), err);
	out->present[im->index] = ret == -EEXIST;
	if (ret && ret != -EEXIST) {
		layerfs_error_prefix(err, "layer %zu/%zu %.19s", im->index + 1,
				     im->image.nr_layers, diff_id);
		tell(im, LAYERFS_IMPORT_FAILED, 0);
		return ret;
	}
	tell(im, ret ? LAYERFS_IMPORT_PRESENT : LAYERFS_IMPORT_DONE, im->total);
	ret = store_layer_load(im->store, diff_id, &out->layers[im->index], err);
	if (!ret)
		out->nr_layers++;
	return ret;
}

static int import_layers(struct import *im, struct layerfs_error *err)
{
	size_t nr = im->image.nr_layers;
	int ret = 0;

	im->out->layers = calloc(nr, sizeof(*im->out->layers));
	im->out->present = calloc(nr, sizeof(*im->out->present));
	if (!im->out->layers || !im->out->present)
		return layerfs_error_sys(err, -ENOMEM, "no memory for the list of layers");
	for (im->index = 0; !ret && im->index < nr; im->index++)
		ret = import_layer(im, err);
	return ret;
}

/* The names of the request, else those of the source */
static int choose_names(struct import *im, struct layerfs_error *err)
{
	struct layerfs_imported *out = im->out;
	int ret;

	if (!im->request->name) {
		out->names = im->image.names;
		out->nr_names = im->image.nr_names;
		im->image.names = NULL;
		im->image.nr_names = 0;
		return 0;
	}
	out->names = calloc(1, sizeof(*out->names));
	if (!out->names)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a name");
	ret = layerfs_name_parse(im->request->name, &out->names[0], err);
	if (!ret)
		out->nr_names = 1;
	return ret;
}

static struct layerfs_image *find_id(struct layerfs_image_list *list, const char *id)
{
	for (size_t i = 0; i < list->nr; i++)
		if (!strcmp(list->images[i].id, id))
			return &list->images[i];
	return NULL;
}

/* A record for an image that has none yet; borrows from @im, so never cleared */
static int new_record(struct import *im, struct layerfs_image *image)
{
	size_t nr = im->image.nr_layers;

	*image = (struct layerfs_image) {
		.id = im->image.id,
		.manifest_digest = im->image.manifest_digest ? im->image.manifest_digest :
				   (char *)"",
		.config = im->image.config,
		.config_len = im->image.config_len,
		.imported = time(NULL),
		.layers = calloc(nr, sizeof(*image->layers)),
	};
	if (!image->layers)
		return -ENOMEM;
	/* Top first, and a layer that is there twice only where it is on top */
	for (size_t i = nr; i-- > 0;) {
		char *diff_id = im->image.layers[i].diff_id;

		if (!store_image_has_layer(image, diff_id))
			image->layers[image->nr_layers++].diff_id = diff_id;
	}
	return 0;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/*
 * The new owner of a name is written first: a crash between the two leaves
 * the name with both, and readers go by named_ns.
 */
static int take_names_away(struct import *im, struct layerfs_image_list *list,
			   struct layerfs_error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < list->nr; i++) {
		struct layerfs_image *other = &list->images[i];
		size_t before = other->nr_names;

		if (!strcmp(other->id, im->image.id))
			continue;
		for (size_t n = 0; n < im->out->nr_names; n++)
			store_image_drop_name(other, im->out->names[n]);
		if (other->nr_names != before)
			ret = store_image_write(im->store, other, err);
	}
	return ret;
}

static int write_record(struct import *im, struct layerfs_image_list *list,
			struct layerfs_error *err)
{
	struct layerfs_image *known = find_id(list, im->image.id);
	struct layerfs_image fresh = { 0 };
	struct layerfs_image *image = known ? known : &fresh;
	size_t before;
	int ret = known ? 0 : new_record(im, &fresh);

	im->out->was_present = known;
	before = image->nr_names;
	for (size_t n = 0; !ret && n < im->out->nr_names; n++)
		ret = store_image_add_name(image, im->out->names[n]);
	if (ret) {
		layerfs_error_sys(err, ret, "no memory for an image record");
	} else if (!known || image->nr_names != before) {
		image->named_ns = now_ns();
		ret = store_image_write(im->store, image, err);
	}
	for (size_t n = 0; n < fresh.nr_names; n++)
		free(fresh.names[n]);
	free(fresh.names);
	free(fresh.layers);
	return ret ? ret : take_names_away(im, list, err);
}

static int record(struct import *im, struct layerfs_error *err)
{
	struct layerfs_image_list list;
	int ret;

	ret = store_image_lock(im->store, err);
	if (ret)
		return ret;
	/*
	 * Layers and a record found "already here" may be from one who was killed
	 * before he synced their names. A record must not reach the disk earlier.
	 */
	if (fsync(im->store->layersfd) || fsync(im->store->imagesfd))
		ret = layerfs_error_sys(err, -errno, "cannot sync the store %s", im->store->root);
	if (!ret)
		ret = layerfs_store_images(im->store, &list, err);
	if (!ret) {
		ret = store_images_settle(im->store, &list, err);
		if (!ret)
			ret = write_record(im, &list, err);
		layerfs_image_list_free(&list);
	}
	flock(im->store->imagesfd, LOCK_UN);
	return ret;
}

static int run(struct import *im, struct layerfs_error *err)
{
	uint64_t max_size = im->request->max_size ? im->request->max_size :
						    LAYERFS_IMPORT_MAX_SIZE;
	const struct oci_tar_bounds bounds = {
		.max = max_size, .stop = im->request->stop, .arg = im->request->arg,
	};
	int ret;

	ret = layerfs_import_limits_start(&im->limits, max_size, im->store->tmpfd);
	if (ret)
		return layerfs_error_sys(err, ret, "cannot see how much space is free");
	ret = layerfs_source_open(im->request->source, &bounds, &im->source, err);
	if (!ret)
		ret = layerfs_oci_resolve(im->source, im->request->platform, &im->image, err);
	if (!ret)
		ret = choose_names(im, err);
	if (ret)
		return ret;
	im->out->id = strdup(im->image.id);
	if (!im->out->id)
		return layerfs_error_sys(err, -ENOMEM, "no memory for a digest");
	ret = store_lock(im->store, LOCK_SH, err);
	if (ret)
		return ret;
	ret = store_image_lock(im->store, err);
	if (!ret) {
		store_tmp_collect(im->store, NULL, NULL, NULL);
		flock(im->store->imagesfd, LOCK_UN);
		ret = import_layers(im, err);
	}
	if (!ret)
		ret = record(im, err);
	store_unlock(im->store);
	return ret;
}

int layerfs_store_import(struct layerfs_store *store,
			 const struct layerfs_import_request *request,
			 struct layerfs_imported *imported, struct layerfs_error *err)
{
	struct import im = { .store = store, .request = request, .out = imported };
	int ret;

	memset(imported, 0, sizeof(*imported));
	ret = run(&im, err);
	layerfs_oci_image_free(&im.image);
	layerfs_source_close(im.source);
	if (ret)
		layerfs_imported_free(imported);
	return ret;
}

void layerfs_imported_free(struct layerfs_imported *imported)
{
	if (!imported)
		return;
	for (size_t i = 0; i < imported->nr_names; i++)
		free(imported->names[i]);
	for (size_t i = 0; i < imported->nr_layers; i++)
		store_layer_clear(&imported->layers[i]);
	free(imported->names);
	free(imported->layers);
	free(imported->present);
	free(imported->id);
	memset(imported, 0, sizeof(*imported));
}
