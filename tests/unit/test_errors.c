// SPDX-License-Identifier: GPL-2.0-only
/* The library's error: a code and a sentence. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "layerfs.h"

static void set_keeps_code_and_text(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	assert_int_equal(layerfs_error_set(&err, -EBUSY, "%s %d", "layer", 3), -EBUSY);
	assert_int_equal(err.code, -EBUSY);
	assert_string_equal(err.msg, "layer 3");
}

static void sys_says_what_the_errno_means(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	assert_int_equal(layerfs_error_sys(&err, -ENOENT, "'%s'", "/x"), -ENOENT);
	assert_string_equal(err.msg, "'/x': No such file or directory");
}

static void prefix_goes_in_front(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	layerfs_error_set(&err, -EINVAL, "100%%");
	assert_int_equal(layerfs_error_prefix(&err, "layer %d", 2), -EINVAL);
	assert_string_equal(err.msg, "layer 2: 100%");
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(layerfs_error_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(layerfs_error_sys(NULL, -EPERM, "x"), -EPERM);
	assert_int_equal(layerfs_error_prefix(NULL, "x"), -EIO);
}

static void an_unset_error_gets_no_prefix(void **state)
{
	struct layerfs_error err = { 0 };

	(void)state;
	assert_int_equal(layerfs_error_prefix(&err, "x"), -EIO);
	assert_string_equal(err.msg, "");
}

static void what_is_too_long_is_cut(void **state)
{
	struct { struct layerfs_error err; char guard[8]; } e;
	char big[2 * LAYERFS_ERROR_MAX];

	(void)state;
	memset(&e, 'G', sizeof(e));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	layerfs_error_set(&e.err, -EIO, "%s", big);
	assert_int_equal(strlen(e.err.msg), LAYERFS_ERROR_MAX - 1);
	layerfs_error_sys(&e.err, -EIO, "%s", big);
	assert_int_equal(strlen(e.err.msg), LAYERFS_ERROR_MAX - 1);
	layerfs_error_prefix(&e.err, "%s", big);
	assert_int_equal(strlen(e.err.msg), LAYERFS_ERROR_MAX - 1);
	assert_memory_equal(e.guard, "GGGGGGGG", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_keeps_code_and_text),
		cmocka_unit_test(sys_says_what_the_errno_means),
		cmocka_unit_test(prefix_goes_in_front),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(an_unset_error_gets_no_prefix),
		cmocka_unit_test(what_is_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
