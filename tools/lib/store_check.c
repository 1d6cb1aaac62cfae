// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_priv.h"
#include "oci_json.h"
#include "store_check.h"
#include "store_tree.h"

/**
 * struct check - one check
 * @store: locked
 * @request: the caller's
 * @out: the caller's
 * @images: those to be checked
 * @layer: the one at hand, an index of @out's
 * @read: bytes of it
 * @err: the caller's
 */
struct check {
	struct layerfs_store *store;
	const struct layerfs_check_request *request;
	struct layerfs_checked *out;
	struct layerfs_image_list images;
	size_t layer;
	uint64_t read;
	struct layerfs_error *err;
};

static int tell(struct check *c, enum layerfs_object object, const char *id, const char *path,
		const char *what, bool repaired)
{
	struct layerfs_problem problem = {
		.object = object, .id = id, .path = path, .what = what, .repaired = repaired,
	};
	int ret;

	c->out->problems++;
	ret = c->request->problem ? c->request->problem(c->request->arg, &problem) : 0;
	return ret < 0 ? layerfs_error_set(c->err, ret, "interrupted") : 0;
}

/* ---- layers ---- */

static struct layerfs_checked_layer *find_layer(struct check *c, const char *diff_id)
{
	for (size_t i = 0; i < c->out->nr_layers; i++)
		if (!strcmp(c->out->layers[i].layer.diff_id, diff_id))
			return &c->out->layers[i];
	return NULL;
}

static int add_layer(struct check *c, const char *diff_id, size_t nr_images)
{
	struct layerfs_checked_layer *l = find_layer(c, diff_id);
	int ret;

	if (l) {
		l->nr_images += nr_images;
		return 0;
	}
	l = reallocarray(c->out->layers, c->out->nr_layers + 1, sizeof(*l));
	if (!l)
		return layerfs_error_sys(c->err, -ENOMEM, "no memory for the list of layers");
	c->out->layers = l;
	l += c->out->nr_layers;
	memset(l, 0, sizeof(*l));
	ret = store_layer_load(c->store, diff_id, &l->layer, c->err);
	if (ret)
		return ret;
	l->nr_images = nr_images;
	c->out->nr_layers++;
	return 0;
}

static int add_stored_layer(void *arg, const char *name)
{
	char diff_id[LAYERFS_DIGEST_SIZE + 1];
	struct check *c = arg;

	snprintf(diff_id, sizeof(diff_id), LAYERFS_DIGEST_PREFIX "%s", name);
	return layerfs_digest_valid(diff_id) ? add_layer(c, diff_id, 0) : 0;
}

static int layer_problem(void *arg, const char *path, const char *what)
{
	struct check *c = arg;
	struct layerfs_checked_layer *l = &c->out->layers[c->layer];

	l->health = LAYERFS_HEALTH_DAMAGED;
	return tell(c, LAYERFS_OBJECT_LAYER, l->layer.diff_id, path, what, c->request->repair);
}

static int show_layer(struct check *c, const enum layerfs_health *health)
{
	const struct layerfs_check_request *r = c->request;
	int ret = 0;

	if (r->layer)
		ret = r->layer(r->arg, c->layer, c->out->nr_layers,
			       &c->out->layers[c->layer].layer, c->read, health);
	return ret < 0 ? ret : 0;
}

static int on_read(void *arg, uint64_t bytes)
{
	struct check *c = arg;

	c->read += bytes;
	return show_layer(c, NULL);
}

/* What info.json says about the whole is checked, too */
static int compare_counts(struct check *c, const struct layerfs_layer *layer,
			  const struct store_tree_walk *walk)
{
	char what[160];

	if (layer->size == walk->size && layer->inodes == walk->inodes)
		return 0;
	snprintf(what, sizeof(what), "it says %llu inodes of %llu bytes, there are %llu of %llu",
		 (unsigned long long)layer->inodes, (unsigned long long)layer->size,
		 (unsigned long long)walk->inodes, (unsigned long long)walk->size);
	return layer_problem(c, "info.json", what);
}

static int verify_tree(struct check *c, int dirfd)
{
	const struct layerfs_layer *layer = &c->out->layers[c->layer].layer;
	struct store_tree_walk walk = { .progress = on_read, .arg = c };
	int ret;

	ret = store_tree_verify(dirfd, &walk, layer->tree_digest, layer_problem, c, c->err);
	if (ret < 0)
		return layerfs_error_prefix(c->err, "layer %.19s", layer->diff_id);
	c->out->files += walk.inodes;
	return ret ? 0 : compare_counts(c, layer, &walk);
}

static bool is_private(int dirfd, const char *name)
{
	struct stat st;

	return !fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode) &&
	       !st.st_uid && !(st.st_mode & 077);
}

#define OPEN_TO_OTHERS "others than root can get in, where layers and containers may have programs with the right to become root"

/* An import takes what has no info.json for damaged and replaces it */
static int disown(struct check *c, int dirfd, const char *diff_id)
{
	if ((unlinkat(dirfd, "info.json", 0) && errno != ENOENT) || fsync(dirfd))
		return layerfs_error_sys(c->err, -errno, "cannot give up layer %s", diff_id);
	return 0;
}

static int check_layer_dir(struct check *c, struct layerfs_checked_layer *l, int dirfd)
{
	const char *hex = layerfs_digest_hex(l->layer.diff_id);
	int ret = 0;

	if (!is_private(c->store->layersfd, hex)) {
		/* Its files are none the worse for it. */
		bool repaired = c->request->repair && !fchmod(dirfd, 0700);

		ret = tell(c, LAYERFS_OBJECT_LAYER, l->layer.diff_id, NULL, OPEN_TO_OTHERS,
			   repaired);
	}
	if (!ret && l->layer.missing)
		ret = layer_problem(c, NULL, "what was recorded about it cannot be read, or its files are gone");
	else if (!ret && !*l->layer.tree_digest)
		l->health = LAYERFS_HEALTH_UNVERIFIED;
	else if (!ret)
		ret = verify_tree(c, dirfd);
	if (!ret && c->request->repair && l->health == LAYERFS_HEALTH_DAMAGED)
		ret = disown(c, dirfd, l->layer.diff_id);
	return ret;
}

static int check_layer(struct check *c)
{
	struct layerfs_checked_layer *l = &c->out->layers[c->layer];
	const char *hex = layerfs_digest_hex(l->layer.diff_id);
	int dirfd, ret;

	c->read = 0;
	ret = show_layer(c, NULL);
	if (ret)
		return layerfs_error_set(c->err, ret, "interrupted");
	dirfd = c->store->layersfd < 0 ? -1 :
		openat(c->store->layersfd, hex, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0) {
		l->health = LAYERFS_HEALTH_DAMAGED;
		ret = tell(c, LAYERFS_OBJECT_LAYER, l->layer.diff_id, NULL,
			   "the store does not have it", false);
	} else {
		ret = check_layer_dir(c, l, dirfd);
		close(dirfd);
	}
	if (!ret)
		ret = show_layer(c, &l->health);
	return ret;
}

/* ---- images ---- */

static int image_problem(struct check *c, struct layerfs_checked_image *image, const char *what)
{
	image->health = LAYERFS_HEALTH_DAMAGED;
	return tell(c, LAYERFS_OBJECT_IMAGE, image->id, NULL, what, c->request->repair);
}

static int remove_record(struct check *c, const char *id)
{
	char name[LAYERFS_DIGEST_SIZE + 8];

	snprintf(name, sizeof(name), "%s.json", layerfs_digest_hex(id));
	if (unlinkat(c->store->imagesfd, name, 0) || fsync(c->store->imagesfd))
		return layerfs_error_sys(c->err, -errno, "cannot remove the record %s/images/%s",
					 c->store->root, name);
	return 0;
}

/* Its record's layers are the config's, of one that is listed twice the upper */
static bool layers_match(const struct layerfs_image *image)
{
	struct json_object *config = NULL, *ids;
	size_t next = 0, nr;
	bool match = true;

	if (oci_json_parse(image->config, image->config_len, "config", &config, NULL))
		return false;
	ids = oci_json_get(oci_json_get(config, "rootfs", json_type_object), "diff_ids",
			   json_type_array);
	nr = ids ? json_object_array_length(ids) : 0;
	for (size_t i = nr; match && i-- > 0;) {
		const char *id = json_object_get_string(json_object_array_get_idx(ids, i));
		bool seen = false;

		for (size_t j = 0; id && !seen && j < next; j++)
			seen = !strcmp(image->layers[j].diff_id, id);
		if (!seen)
			match = id && next < image->nr_layers &&
				!strcmp(image->layers[next++].diff_id, id);
	}
	json_object_put(config);
	return match && nr && next == image->nr_layers;
}

static int check_image(struct check *c, const struct layerfs_image *image,
		       struct layerfs_checked_image *out)
{
	char digest[LAYERFS_DIGEST_SIZE], what[160];
	int ret;

	ret = layerfs_digest_of(image->config, image->config_len, digest);
	if (ret)
		return layerfs_error_sys(c->err, ret, "cannot compute a digest");
	if (strcmp(digest, image->id)) {
		snprintf(what, sizeof(what), "its config is damaged: the digest is %s", digest);
		ret = image_problem(c, out, what);
	} else if (!layers_match(image)) {
		ret = image_problem(c, out, "its record has other layers than its config");
	}
	if (!ret && out->health == LAYERFS_HEALTH_DAMAGED && c->request->repair)
		ret = remove_record(c, image->id);
	for (size_t i = 0; !ret && i < image->nr_layers; i++)
		ret = add_layer(c, image->layers[i].diff_id, 1);
	return ret;
}

static int check_images(struct check *c)
{
	int ret = 0;

	c->out->images = calloc(c->images.nr + 1, sizeof(*c->out->images));
	if (!c->out->images)
		return layerfs_error_sys(c->err, -ENOMEM, "no memory for the list of images");
	for (size_t i = 0; !ret && i < c->images.nr; i++) {
		const struct layerfs_image *image = &c->images.images[i];
		struct layerfs_checked_image *out = &c->out->images[c->out->nr_images++];

		out->id = strdup(image->id);
		out->name = image->nr_names ? strdup(image->names[0]) : NULL;
		if (!out->id || (image->nr_names && !out->name))
			return layerfs_error_sys(c->err, -ENOMEM,
						 "no memory for the list of images");
		ret = check_image(c, image, out);
	}
	return ret;
}

/* An image is as good as the worst of its layers */
static void judge_images(struct check *c)
{
	for (size_t i = 0; i < c->images.nr; i++) {
		const struct layerfs_image *image = &c->images.images[i];
		enum layerfs_health *health = &c->out->images[i].health;

		for (size_t j = 0; j < image->nr_layers; j++) {
			struct layerfs_checked_layer *l = find_layer(c, image->layers[j].diff_id);

			if (l && l->health > *health)
				*health = l->health;
		}
	}
}

static int add_image(struct check *c, struct layerfs_image *image)
{
	struct layerfs_image *images;

	images = reallocarray(c->images.images, c->images.nr + 1, sizeof(*images));
	if (!images) {
		store_image_clear(image);
		return layerfs_error_sys(c->err, -ENOMEM, "no memory for the list of images");
	}
	c->images.images = images;
	images[c->images.nr++] = *image;
	return 0;
}

/* A record that cannot be read does not keep the others from being checked */
static int load_record(void *arg, const char *name)
{
	char id[LAYERFS_DIGEST_SIZE];
	struct layerfs_error why = { 0 };
	struct layerfs_image image;
	struct check *c = arg;
	int ret;

	if (!store_image_record(name, id))
		return 0;
	ret = store_image_load(c->store, name, &image, &why);
	if (!ret)
		return add_image(c, &image);
	if (ret == -ENOENT)
		return 0;
	if (ret == -ENOMEM)
		return layerfs_error_set(c->err, ret, "%s", why.msg);
	ret = tell(c, LAYERFS_OBJECT_IMAGE, id, NULL, why.msg, c->request->repair);
	if (!ret && c->request->repair)
		ret = remove_record(c, id);
	return ret;
}

static int find_images(struct check *c)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < c->request->nr_refs; i++) {
		struct layerfs_image *image;
		bool known = false;

		ret = layerfs_store_find(c->store, c->request->refs[i], &image, c->err);
		if (ret)
			return ret;
		for (size_t j = 0; !known && j < c->images.nr; j++)
			known = !strcmp(c->images.images[j].id, image->id);
		if (known)
			store_image_clear(image);
		else
			ret = add_image(c, image);
		free(image);
	}
	return ret;
}

/* ---- the rest ---- */

static int check_dirs(struct check *c)
{
	static const char *const names[] = {
		"layers", "layers/sha256", "images", "tmp", "containers",
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(names) / sizeof(*names); i++) {
		bool repaired;

		if (faccessat(c->store->rootfd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) ||
		    is_private(c->store->rootfd, names[i]))
			continue;
		repaired = c->request->repair &&
			   !fchownat(c->store->rootfd, names[i], 0, 0, AT_SYMLINK_NOFOLLOW) &&
			   !fchmodat(c->store->rootfd, names[i], 0700, 0);
		ret = tell(c, LAYERFS_OBJECT_STORE, "", names[i], OPEN_TO_OTHERS, repaired);
	}
	return ret;
}

static bool has_image(const struct check *c, const char *id)
{
	for (size_t i = 0; i < c->images.nr; i++)
		if (!strcmp(c->images.images[i].id, id))
			return true;
	return false;
}

struct containers {
	struct check *check;
	int fd;
};

static int check_container(void *arg, const char *name)
{
	struct containers *cs = arg;
	struct check *c = cs->check;
	struct layerfs_container container;
	struct layerfs_error why = { 0 };
	char what[160];
	int ret;

	ret = container_load(c->store, cs->fd, name, &container, &why);
	if (ret == -ENOENT && faccessat(cs->fd, name, F_OK, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (ret && ret != -ENOTDIR) {
		/* What it has written may be wanted: not repaired here */
		layerfs_error_set(&why, ret, "its record, config.json, cannot be used: %s; \"layerctl umount --rm\" removes it with all it has written",
				  strerror(-ret));
	}
	if (ret)
		return tell(c, LAYERFS_OBJECT_CONTAINER, name, NULL, why.msg, false);
	if (!has_image(c, container.image_id)) {
		snprintf(what, sizeof(what), "it stands on %s, which the store does not have",
			 container.image_id);
		ret = tell(c, LAYERFS_OBJECT_CONTAINER, name, NULL, what, false);
	}
	if (!ret && container.work && faccessat(AT_FDCWD, container.work, F_OK, 0))
		ret = tell(c, LAYERFS_OBJECT_CONTAINER, name, "work",
			   "its work directory is gone; an empty one will do", false);
	layerfs_container_free(&container);
	return ret;
}

static int check_containers(struct check *c)
{
	struct containers cs = { .check = c };
	int ret;

	cs.fd = container_open_dir(c->store, false, NULL);
	if (cs.fd == -ENOENT)
		return 0;
	if (cs.fd < 0)
		return layerfs_error_sys(c->err, cs.fd, "%s/containers", c->store->root);
	ret = store_for_each(cs.fd, check_container, &cs);
	close(cs.fd);
	return ret;
}

static int list_all(struct check *c)
{
	int ret = check_dirs(c);

	if (!ret && c->store->imagesfd >= 0)
		ret = store_for_each(c->store->imagesfd, load_record, c);
	return ret;
}

static int run(struct check *c)
{
	bool all = !c->request->nr_refs;
	int ret;

	ret = all ? list_all(c) : find_images(c);
	if (!ret)
		ret = check_images(c);
	if (!ret && all && c->store->layersfd >= 0)
		ret = store_for_each(c->store->layersfd, add_stored_layer, c);
	for (c->layer = 0; !ret && c->layer < c->out->nr_layers; c->layer++)
		ret = check_layer(c);
	if (!ret)
		judge_images(c);
	return ret || !all ? ret : check_containers(c);
}

int layerfs_store_check(struct layerfs_store *store, const struct layerfs_check_request *request,
			struct layerfs_checked *checked, struct layerfs_error *err)
{
	struct layerfs_error why = { 0 };
	struct check c = { .store = store, .request = request, .out = checked, .err = &why };
	int ret;

	memset(checked, 0, sizeof(*checked));
	if (store->rootfd < 0 && !request->nr_refs)
		return 0;
	ret = store->rootfd < 0 ? 0 : store_lock(store, request->repair ? LOCK_EX : LOCK_SH, err);
	if (ret)
		return ret;
	ret = run(&c);
	if (store->lockfd >= 0)
		store_unlock(store);
	layerfs_image_list_free(&c.images);
	if (!ret)
		return 0;
	layerfs_checked_free(checked);
	if (why.code)
		return layerfs_error_set(err, why.code, "%s", why.msg);
	return layerfs_error_sys(err, ret, "cannot check the store %s", store->root);
}

void layerfs_checked_free(struct layerfs_checked *checked)
{
	if (!checked)
		return;
	for (size_t i = 0; i < checked->nr_images; i++) {
		free(checked->images[i].id);
		free(checked->images[i].name);
	}
	for (size_t i = 0; i < checked->nr_layers; i++)
		store_layer_clear(&checked->layers[i].layer);
	free(checked->images);
	free(checked->layers);
	memset(checked, 0, sizeof(*checked));
}
