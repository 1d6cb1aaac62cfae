// SPDX-License-Identifier: GPL-2.0-only
/* Options one by one, as the library takes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mount.h>

#include "layerfs.h"

static void set(struct layerfs_options *o, const char *key, const char *value)
{
	struct layerfs_error err = { 0 };

	if (layerfs_options_set(o, key, value, &err))
		fail_msg("%s: %s", key, err.msg);
}

static void refused(struct layerfs_options *o, const char *key, const char *value,
		    const char *why)
{
	struct layerfs_error err = { 0 };

	assert_int_equal(layerfs_options_set(o, key, value, &err), -EINVAL);
	if (!strstr(err.msg, why))
		fail_msg("%s: '%s' does not say '%s'", key, err.msg, why);
}

static void directories(void **state)
{
	struct layerfs_options o = { 0 };

	(void)state;
	set(&o, "lowerdir", "/a\\:1:/b");
	set(&o, "upperdir", "/up\\:per");
	set(&o, "workdir", "/work");
	assert_int_equal(o.layers.nr, 2);
	assert_string_equal(o.layers.path[0], "/a:1");
	assert_string_equal(o.upperdir, "/up\\:per");
	assert_string_equal(o.workdir, "/work");
	assert_int_equal(o.nr_params, 0);
	layerfs_options_free(&o);
}

static void one_by_one_is_taken_as_it_is(void **state)
{
	struct layerfs_options o = { 0 };

	(void)state;
	set(&o, "lowerdir+", "/a:b\\");
	set(&o, "lowerdir+", "/c");
	set(&o, "datadir+", "/d::e");
	assert_int_equal(o.layers.nr, 3);
	assert_int_equal(o.layers.nr_data, 1);
	assert_string_equal(o.layers.path[0], "/a:b\\");
	assert_string_equal(o.layers.path[1], "/c");
	assert_string_equal(o.layers.path[2], "/d::e");
	layerfs_options_free(&o);
}

static void missing_directories(void **state)
{
	static const char *const keys[] = { "lowerdir", "lowerdir+", "upperdir", "workdir" };
	struct layerfs_options o = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		refused(&o, keys[i], NULL, keys[i]);
		refused(&o, keys[i], "", keys[i]);
	}
	layerfs_options_free(&o);
}

static void given_twice(void **state)
{
	static const char *const keys[] = { "lowerdir", "upperdir", "workdir" };
	struct layerfs_options o = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		set(&o, keys[i], "/a");
		refused(&o, keys[i], "/b", "given twice");
	}
	assert_string_equal(o.layers.path[0], "/a");
	assert_string_equal(o.upperdir, "/a");
	layerfs_options_free(&o);
}

static void flags(void **state)
{
	struct layerfs_options o = { 0 };

	(void)state;
	set(&o, "nosuid", NULL);
	set(&o, "noexec", NULL);
	set(&o, "exec", NULL);
	assert_int_equal(o.attr_set, MOUNT_ATTR_NOSUID);
	assert_int_equal(o.attr_clear, MOUNT_ATTR_NOEXEC);
	set(&o, "noexec", NULL);
	assert_int_equal(o.attr_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	assert_int_equal(o.attr_clear, 0);
	assert_int_equal(o.nr_params, 0);
	layerfs_options_free(&o);
}

/* The kernel refuses a mode that is set without its whole field cleared. */
static void access_time_is_one_field(void **state)
{
	struct layerfs_options o = { 0 };

	(void)state;
	set(&o, "noatime", NULL);
	assert_int_equal(o.attr_set, MOUNT_ATTR_NOATIME);
	set(&o, "strictatime", NULL);
	assert_int_equal(o.attr_set, MOUNT_ATTR_STRICTATIME);
	assert_int_equal(o.attr_clear & MOUNT_ATTR__ATIME, MOUNT_ATTR__ATIME);
	set(&o, "relatime", NULL);
	assert_int_equal(o.attr_set, 0);
	assert_int_equal(o.attr_clear & MOUNT_ATTR__ATIME, MOUNT_ATTR__ATIME);
	layerfs_options_free(&o);
}

static void the_last_of_ro_and_rw_wins(void **state)
{
	struct layerfs_options o = { 0 };

	(void)state;
	assert_false(o.ro || o.rw);
	set(&o, "ro", NULL);
	assert_true(o.ro && !o.rw);
	set(&o, "rw", NULL);
	assert_true(o.rw && !o.ro);
	layerfs_options_free(&o);
}

static void the_rest_is_the_kernels(void **state)
{
	struct layerfs_options o = { 0 };

	(void)state;
	set(&o, "volatile", NULL);
	set(&o, "context", "a:b,c");
	set(&o, "ro", "1");	/* no flag: it has a value */
	assert_int_equal(o.nr_params, 3);
	assert_string_equal(o.params[0].key, "volatile");
	assert_null(o.params[0].value);
	assert_string_equal(o.params[1].key, "context");
	assert_string_equal(o.params[1].value, "a:b,c");
	assert_string_equal(o.params[2].value, "1");
	assert_false(o.ro);
	layerfs_options_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories),
		cmocka_unit_test(one_by_one_is_taken_as_it_is),
		cmocka_unit_test(missing_directories),
		cmocka_unit_test(given_twice),
		cmocka_unit_test(flags),
		cmocka_unit_test(access_time_is_one_field),
		cmocka_unit_test(the_last_of_ro_and_rw_wins),
		cmocka_unit_test(the_rest_is_the_kernels),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
