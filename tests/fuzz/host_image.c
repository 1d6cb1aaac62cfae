// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON documents of an image. An input is several, with "\n--\n" between;
 * each is stored as a blob under its digest, the last is index.json, or docker's
 * manifest.json if the input begins with "D". In each, "@N" stands for the
 * digest of the Nth and "#N" for its size, so that they can refer to the ones
 * before.
 */
#include "host_layer.h"

#include "digest.h"
#include "oci.h"
#include "store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define DOCUMENTS 8

struct document {
	char digest[LAYERFS_DIGEST_SIZE];
	size_t size;
};

static char dir[PATH_MAX];
static int dirfd_, blobs;

static void put(int at, const char *name, const char *text, size_t len)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	MUST(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	close(fd);
}

/* Replace what stands for digests and sizes; the result is to be freed */
static char *fill(const char *p, size_t len, const struct document *docs, int nr, size_t *lenp)
{
	char *text;
	FILE *to = open_memstream(&text, lenp);

	for (const char *end = p + len; p < end; p++) {
		int n = p + 1 < end && p[1] >= '0' && p[1] < '0' + nr ? p[1] - '0' : -1;

		if (*p == '@' && n >= 0)
			fputs(docs[n].digest, to), p++;
		else if (*p == '#' && n >= 0)
			fprintf(to, "%zu", docs[n].size), p++;
		else
			fputc(*p, to);
	}
	fclose(to);
	return text;
}

static void check_image(const struct layerfs_oci_image *image)
{
	MUST(layerfs_digest_valid(image->id) && image->nr_layers);
	MUST(image->nr_layers <= LAYERFS_STORE_MAX_LAYERS && image->nr_names <= 256);
	for (size_t i = 0; i < image->nr_layers; i++) {
		const struct layerfs_oci_layer *layer = &image->layers[i];

		MUST(layerfs_digest_valid(layer->diff_id) && layer->blob);
		MUST(!layer->digest || layerfs_digest_valid(layer->digest));
	}
	for (size_t i = 0; i < image->nr_names; i++)
		for (const char *p = image->names[i]; *p; p++)
			MUST(*p > ' ' && *p < 127);
}

static void resolve(void)
{
	struct layerfs_source *source;
	struct layerfs_oci_image image;
	struct layerfs_error err = { 0 };
	int ret;

	ret = layerfs_source_open(dir, &(struct oci_tar_bounds){ .max = 1 << 20 }, &source, &err);
	if (!ret) {
		ret = layerfs_oci_resolve(source, "linux/amd64", &image, &err);
		if (!ret) {
			check_image(&image);
			layerfs_oci_image_free(&image);
		}
		layerfs_source_close(source);
	}
	MUST(ret <= 0 && ret == err.code && !ret == !*err.msg);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make_dirs();
	snprintf(dir, sizeof(dir), "/proc/self/fd/%d/image", box);
	MUST(!mkdirat(box, "image", 0755));
	dirfd_ = openat(box, "image", O_RDONLY | O_DIRECTORY);
	MUST(!mkdirat(dirfd_, "blobs", 0755) && !mkdirat(dirfd_, "blobs/sha256", 0755));
	blobs = openat(dirfd_, "blobs/sha256", O_RDONLY | O_DIRECTORY);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data, *end = p + len, *next;
	struct document docs[DOCUMENTS];
	bool docker = len && *p == 'D';
	char name[128];
	int nr = 0;

	for (p += docker; nr < DOCUMENTS; p = next + 4) {
		size_t size;
		char *text;

		next = memmem(p, end - p, "\n--\n", 4);
		text = fill(p, (next ? next : end) - p, docs, nr, &size);
		if (!next || nr == DOCUMENTS - 1)
			put(dirfd_, docker ? "manifest.json" : "index.json", text, size);
		MUST(!layerfs_digest_of(text, size, docs[nr].digest));
		docs[nr].size = size;
		put(blobs, layerfs_digest_hex(docs[nr].digest), text, size);
		snprintf(name, sizeof(name), "image/%s", layerfs_digest_hex(docs[nr].digest));
		if (docker)
			put(box, name, text, size);
		free(text);
		nr++;
		if (!next)
			break;
	}
	resolve();
	for (int i = 0; i < nr; i++) {
		unlinkat(blobs, layerfs_digest_hex(docs[i].digest), 0);
		unlinkat(dirfd_, layerfs_digest_hex(docs[i].digest), 0);
	}
	unlinkat(dirfd_, "index.json", 0);
	unlinkat(dirfd_, "manifest.json", 0);
	check_outside();
	return 0;
}
