// SPDX-License-Identifier: GPL-2.0-only
/* Layer lists: what a lowerdir= string and a list file mean. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layerfs.h"

static void parses_to(const char *value, const char *const *want, size_t nr)
{
	struct layerfs_layers layers = { 0 };
	struct layerfs_error err = { 0 };

	if (layerfs_layers_parse(&layers, value, &err))
		fail_msg("%s: %s", value, err.msg);
	assert_int_equal(layers.nr, nr);
	for (size_t i = 0; i < nr; i++)
		assert_string_equal(layers.path[i], want[i]);
	layerfs_layers_free(&layers);
}
#define PARSES_TO(value, ...) do { \
	const char *const want_[] = { __VA_ARGS__ }; \
	parses_to(value, want_, sizeof(want_) / sizeof(*want_)); \
} while (0)

static void refused(const char *value, const char *why)
{
	struct layerfs_layers layers = { 0 };
	struct layerfs_error err = { 0 };

	assert_int_equal(layerfs_layers_add(&layers, "/kept", NULL), 0);
	assert_int_equal(layerfs_layers_parse(&layers, value, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	if (!strstr(err.msg, why))
		fail_msg("%s: '%s' does not say '%s'", value, err.msg, why);
	/* What was there before stays, and nothing else. */
	assert_int_equal(layers.nr, 1);
	assert_string_equal(layers.path[0], "/kept");
	layerfs_layers_free(&layers);
}

static void top_first(void **state)
{
	(void)state;
	PARSES_TO("/a", "/a");
	PARSES_TO("/top:/middle:/bottom", "/top", "/middle", "/bottom");
	PARSES_TO("relative:./b", "relative", "./b");
}

static void escapes(void **state)
{
	(void)state;
	PARSES_TO("/a\\:b:/c", "/a:b", "/c");
	PARSES_TO("/a\\\\:/b", "/a\\", "/b");
	PARSES_TO("/a\\,b", "/a,b");
	PARSES_TO("/a\\\\\\:b", "/a\\:b");
	PARSES_TO("/\\n", "/n");
}

static void refusals(void **state)
{
	(void)state;
	refused("", "layer 1 is empty");
	refused("/a:", "layer 2 is empty");
	refused(":/a", "layer 1 is empty");
	refused("/a:::/b", "layer 2 is empty");
	refused("/a::", "layer 2 is empty");
	refused("::/a", "layer 1 is empty");
	refused("/a::/b:/c", "layer 4 cannot follow layers that hold only data");
	refused("/a:/b\\", "layer 2 ends in a '\\'");
}

/* After "::", or given so: they come last, and are written so again. */
static void layers_of_data(void **state)
{
	struct layerfs_layers layers = { 0 };
	struct layerfs_error err = { 0 };
	char *joined;

	(void)state;
	assert_int_equal(layerfs_layers_add_data(&layers, "/d", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "of which there is none"));
	assert_int_equal(layerfs_layers_parse(&layers, "/a:/b::/c", NULL), 0);
	assert_int_equal(layers.nr, 3);
	assert_int_equal(layers.nr_data, 1);
	assert_int_equal(layerfs_layers_add_data(&layers, "/d:e", NULL), 0);
	assert_int_equal(layers.nr_data, 2);
	assert_int_equal(layerfs_layers_add(&layers, "/f", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "cannot follow"));
	joined = layerfs_layers_join(&layers);
	assert_string_equal(joined, "/a:/b::/c::/d\\:e");
	free(joined);
	layerfs_layers_free(&layers);
	assert_int_equal(layers.nr_data, 0);
}

static void join_is_the_inverse_of_parse(void **state)
{
	static const char *const paths[] = {
		"/plain", "/a:b", "/back\\slash", "/com,ma", "/end\\", ":", "/sp ace\n",
	};
	struct layerfs_layers in = { 0 }, out = { 0 };
	size_t nr = sizeof(paths) / sizeof(*paths);
	char *joined;

	(void)state;
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(layerfs_layers_add(&in, paths[i], NULL), 0);
	joined = layerfs_layers_join(&in);
	assert_non_null(joined);
	assert_int_equal(layerfs_layers_parse(&out, joined, NULL), 0);
	assert_int_equal(out.nr, nr);
	for (size_t i = 0; i < nr; i++)
		assert_string_equal(out.path[i], paths[i]);
	free(joined);
	layerfs_layers_free(&in);
	layerfs_layers_free(&out);
}

static void an_empty_list_joins_to_nothing(void **state)
{
	struct layerfs_layers none = { 0 };
	char *joined = layerfs_layers_join(&none);

	(void)state;
	assert_string_equal(joined, "");
	free(joined);
}

static void no_layer_has_an_empty_path(void **state)
{
	struct layerfs_layers layers = { 0 };
	struct layerfs_error err;

	(void)state;
	assert_int_equal(layerfs_layers_add(&layers, "", &err), -EINVAL);
	assert_int_equal(layers.nr, 0);
	layerfs_layers_free(&layers);
}

/* ---- list files ---- */

struct file {
	char dir[32];
	char path[64];
};

static int make_file(void **state)
{
	struct file *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/layers.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/list", f->dir);
	*state = f;
	return 0;
}

static int drop_file(void **state)
{
	struct file *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void write_file(const struct file *f, const char *text, size_t len)
{
	FILE *out = fopen(f->path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static void list_file(void **state)
{
	static const char text[] = "# top first\n/top:colon\\\n\nbeside\n#/no\n/last";
	struct layerfs_layers layers = { 0 };
	struct file *f = *state;
	char beside[64];

	write_file(f, text, sizeof(text) - 1);
	assert_int_equal(layerfs_layers_read(&layers, f->path, NULL), 0);
	assert_int_equal(layers.nr, 3);
	assert_string_equal(layers.path[0], "/top:colon\\");
	snprintf(beside, sizeof(beside), "%s/beside", f->dir);
	assert_string_equal(layers.path[1], beside);
	assert_string_equal(layers.path[2], "/last");
	layerfs_layers_free(&layers);
}

static void list_file_refused(void **state)
{
	struct layerfs_layers layers = { 0 };
	struct layerfs_error err = { 0 };
	struct file *f = *state;

	assert_int_equal(layerfs_layers_read(&layers, f->path, &err), -ENOENT);
	assert_non_null(strstr(err.msg, f->path));
	write_file(f, "# nothing\n\n", 11);
	assert_int_equal(layerfs_layers_read(&layers, f->path, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "names no layer"));
	write_file(f, "/a\n/b\0c\n", 8);
	assert_int_equal(layerfs_layers_read(&layers, f->path, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "line 2"));
	assert_int_equal(layers.nr, 0);
	layerfs_layers_free(&layers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(top_first),
		cmocka_unit_test(escapes),
		cmocka_unit_test(refusals),
		cmocka_unit_test(layers_of_data),
		cmocka_unit_test(join_is_the_inverse_of_parse),
		cmocka_unit_test(an_empty_list_joins_to_nothing),
		cmocka_unit_test(no_layer_has_an_empty_path),
		cmocka_unit_test_setup_teardown(list_file, make_file, drop_file),
		cmocka_unit_test_setup_teardown(list_file_refused, make_file, drop_file),
	};

	return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
