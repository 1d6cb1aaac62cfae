// SPDX-License-Identifier: GPL-2.0-only
/* One container whose record is no use takes nothing but itself out of service */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container_fixture.h"

static const char *const bad_records[] = { "", "{", "[]", "{\"image\":1}", NULL };

static void others_are_listed(void **state)
{
	struct layerfs_container_list list;
	struct layerfs_error err = { 0 };

	(void)state;
	put_container("good", GOOD_RECORD);
	put_file("containers/lost", "a file");
	for (size_t i = 0; bad_records[i]; i++) {
		put_container("bad", bad_records[i]);
		if (layerfs_container_list(store_root, &list, &err))
			fail_msg("%s: %s", bad_records[i], err.msg);
		assert_int_equal(list.nr, 2);
		assert_string_equal(list.containers[0].name, "bad");
		assert_true(list.containers[0].damaged);
		assert_string_equal(list.containers[0].upper, in_store("containers/bad/upper"));
		assert_false(list.containers[1].damaged);
		assert_string_equal(list.containers[1].image_ref, "web:1");
		layerfs_container_list_free(&list);
	}
}

static int umount(const char *name, bool remove, struct layerfs_error *err)
{
	struct layerfs_unmounted done;
	int ret;

	ret = layerfs_container_umount(store_root, name, 0, remove, &done, err);
	layerfs_unmounted_free(&done);
	return ret;
}

static void others_are_removed(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	put_container("bad", "");
	put_container("good", GOOD_RECORD);
	assert_int_equal(umount("good", true, &err), 0);
	assert_false(is_there("containers/good"));
	assert_true(is_there("containers/bad/upper/written"));
}

static void it_is_removed_if_asked_for(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	put_container("bad", "");
	kernel_upper = in_store("containers/bad/upper");
	assert_int_equal(umount("bad", true, &err), -EBUSY);
	kernel_upper = NULL;
	assert_int_equal(umount("bad", false, &err), -EINVAL);
	assert_true(is_there("containers/bad/upper/written"));
	assert_int_equal(umount("bad", true, &err), 0);
	assert_false(is_there("containers/bad"));
	assert_int_equal(umount("lost", true, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_are_listed),
		cmocka_unit_test(others_are_removed),
		cmocka_unit_test(it_is_removed_if_asked_for),
	};

	return cmocka_run_group_tests(tests, make_store, remove_store);
}
