// SPDX-License-Identifier: GPL-2.0-only
/* A few bytes that decompress for long are not read to their end against one's will */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci_tar.h"

#define BOMB_SIZE (32 << 20)

static char path[] = "/var/tmp/layerfs-oci-tar-XXXXXX";

/* Zeros, and behind them a member that is looked for */
static int make_bomb(void **state)
{
	struct archive *tar = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	static char zeros[1 << 20];
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || !tar || !entry)
		return -1;
	archive_write_set_format_ustar(tar);
	archive_write_add_filter_gzip(tar);
	if (archive_write_open_fd(tar, fd) != ARCHIVE_OK)
		return -1;
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_pathname(entry, "zeros");
	archive_entry_set_size(entry, BOMB_SIZE);
	archive_write_header(tar, entry);
	for (int i = 0; i < BOMB_SIZE >> 20; i++)
		archive_write_data(tar, zeros, sizeof(zeros));
	archive_entry_set_pathname(entry, "index.json");
	archive_entry_set_size(entry, 2);
	archive_write_header(tar, entry);
	archive_write_data(tar, "{}", 2);
	archive_entry_free(entry);
	archive_write_free(tar);
	close(fd);
	return 0;
}

static int remove_bomb(void **state)
{
	(void)state;
	return unlink(path);
}

static int left;

static int stop(void *arg)
{
	assert_ptr_equal(arg, &left);
	return left-- > 0 ? 0 : -EINTR;
}

static int open_bomb(struct oci_tar *tar, int blocks, struct layerfs_error *err)
{
	const struct oci_tar_bounds bounds = { .max = 1 << 30, .stop = stop, .arg = &left };

	left = blocks;
	return oci_tar_open(tar, path, &bounds, err);
}

static void search_can_be_stopped(void **state)
{
	struct layerfs_error err = { 0 };
	struct oci_tar tar;

	(void)state;
	for (int blocks = 0; blocks < 4; blocks++) {
		assert_int_equal(open_bomb(&tar, blocks, &err), -EINTR);
		assert_string_equal(err.msg, "interrupted");
		assert_int_equal(left, -1);
	}
}

static void seek_can_be_stopped(void **state)
{
	struct oci_tar_input *in = NULL;
	struct layerfs_error err = { 0 };
	struct oci_tar tar;
	ssize_t index;

	(void)state;
	assert_int_equal(open_bomb(&tar, 1 << 20, &err), 0);
	index = oci_tar_find(&tar, "index.json");
	assert_int_equal(index, 1);
	left = 3;
	assert_int_equal(oci_tar_seek(&tar, index, &in, &err), -EINTR);
	assert_null(in);
	left = 1 << 20;
	assert_int_equal(oci_tar_seek(&tar, index, &in, &err), 0);
	oci_tar_input_close(in);
	oci_tar_close(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(search_can_be_stopped),
		cmocka_unit_test(seek_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, make_bomb, remove_bomb);
}
