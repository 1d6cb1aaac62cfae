// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that shall be an image's archive, any bytes: its index is read, and
 * each member that the index knows, and the image is looked for.
 */
#include "host_layer.h"

#include "oci.h"
#include "oci_tar.h"
#include "oci_tar_input.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char path[64];
static int fd;

static void read_members(const struct oci_tar *tar)
{
	static char buf[4096];

	for (size_t i = 0; i < tar->nr && i < 16; i++) {
		struct layerfs_error err = { 0 };
		struct oci_tar_input *in;
		ssize_t n, got = 0;

		if (oci_tar_seek(tar, i, &in, &err))
			continue;
		while ((n = oci_tar_input_read(in, buf, sizeof(buf), &err)) > 0 && got < 1 << 20)
			got += n;
		MUST(n >= 0 || (err.code && *err.msg));
		oci_tar_input_close(in);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make_dirs();
	fd = openat(box, "archive", O_RDWR | O_CREAT, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/archive", box);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct oci_tar_bounds bounds = { .max = 1 << 22 };
	struct layerfs_error err = { 0 };
	struct layerfs_source *source;
	struct layerfs_oci_image image;
	struct oci_tar tar;
	uint8_t *copy = malloc(len + 1);
	int ret;

	memcpy(copy, data, len);
	if (len > 262 && !memcmp(data + 257, "ustar", 5))
		mend_checksums(copy, len);
	MUST(!ftruncate(fd, 0) && pwrite(fd, copy, len, 0) == (ssize_t)len);
	free(copy);
	ret = oci_tar_open(&tar, path, &bounds, &err);
	MUST(ret <= 0 && ret == err.code && !ret == !*err.msg);
	if (!ret) {
		read_members(&tar);
		oci_tar_close(&tar);
	}
	if (!layerfs_source_open(path, &bounds, &source, &err)) {
		if (!layerfs_oci_resolve(source, NULL, &image, &err))
			layerfs_oci_image_free(&image);
		layerfs_source_close(source);
	}
	check_outside();
	return 0;
}
