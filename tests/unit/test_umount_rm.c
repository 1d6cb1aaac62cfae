// SPDX-License-Identifier: GPL-2.0-only
/* "umount --rm" takes nothing away from under a mount that it does not see */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container_fixture.h"

static int umount_rm(const char *name, struct layerfs_error *err)
{
	struct layerfs_unmounted done;
	int ret;

	ret = layerfs_container_umount(store_root, name, 0, true, &done, err);
	layerfs_unmounted_free(&done);
	return ret;
}

static void mounted_elsewhere_is_kept(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	put_container("web", GOOD_RECORD);
	kernel_upper = in_store("containers/web/upper");
	assert_int_equal(umount_rm("web", &err), -EBUSY);
	assert_non_null(strstr(err.msg, "'web'"));
	assert_true(is_there("containers/web/upper/written"));
	assert_true(is_there("containers/web/config.json"));
}

static void another_one_is_no_matter(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	put_container("web", GOOD_RECORD);
	kernel_upper = in_store("containers/other/upper");
	assert_int_equal(umount_rm("web", &err), 0);
	assert_false(is_there("containers/web"));
}

static void without_the_module_it_goes(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	put_container("web", GOOD_RECORD);
	kernel_upper = NULL;
	assert_int_equal(umount_rm("web", &err), 0);
	assert_false(is_there("containers/web"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounted_elsewhere_is_kept),
		cmocka_unit_test(another_one_is_no_matter),
		cmocka_unit_test(without_the_module_it_goes),
	};

	return cmocka_run_group_tests(tests, make_store, remove_store);
}
