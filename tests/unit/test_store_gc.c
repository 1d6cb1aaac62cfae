// SPDX-License-Identifier: GPL-2.0-only
/* gc says what it did, not what it tried */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "container_fixture.h"
#include "store_gc.h"

static void set_immutable(const char *name, bool on)
{
	int fd = open(in_store(name), O_RDONLY), flags;

	assert_true(fd >= 0);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		skip();
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		skip();
	close(fd);
}

static int collect(struct layerfs_garbage_list *list, struct layerfs_error *err)
{
	struct layerfs_store *store;
	int ret;

	assert_int_equal(layerfs_store_open(store_root, false, &store, err), 0);
	ret = layerfs_store_collect(store, false, list, err);
	layerfs_store_close(store);
	return ret;
}

static void what_cannot_be_removed_is_told(void **state)
{
	struct layerfs_garbage_list list;
	struct layerfs_error err = { 0 };
	int ret;

	(void)state;
	put_dir("tmp/a");
	put_file("tmp/a/file", "x");
	put_dir("tmp/b");
	set_immutable("tmp/a/file", true);
	ret = collect(&list, &err);
	set_immutable("tmp/a/file", false);
	assert_int_equal(ret, -EPERM);
	assert_non_null(strstr(err.msg, "/tmp/a"));
	assert_int_equal(list.nr, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(!strcmp(list.items[i].name, "a") == !!list.items[i].kept);
	layerfs_garbage_free(&list);
	assert_true(is_there("tmp/a/file"));
	assert_false(is_there("tmp/b"));

	assert_int_equal(collect(&list, &err), 0);
	assert_int_equal(list.nr, 1);
	assert_null(list.items[0].kept);
	layerfs_garbage_free(&list);
	assert_false(is_there("tmp/a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_removed_is_told),
	};

	return cmocka_run_group_tests(tests, make_store, remove_store);
}
