// SPDX-License-Identifier: GPL-2.0-only
/* Names of images, and digests, which become paths */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "store_name.h"

static void becomes(const char *typed, const char *expected)
{
	struct layerfs_error err = { 0 };
	char *name = NULL;

	if (layerfs_name_parse(typed, &name, &err))
		fail_msg("%s: %s", typed, err.msg);
	assert_string_equal(name, expected);
	free(name);
}

static void refused(const char *typed)
{
	struct layerfs_error err = { 0 };
	char *name = NULL;

	if (!layerfs_name_parse(typed, &name, &err))
		fail_msg("\"%s\" became %s", typed, name);
	assert_non_null(strstr(err.msg, typed));
}

static void names_get_one_form(void **state)
{
	(void)state;
	becomes("nginx", "nginx:latest");
	becomes("nginx:1.25", "nginx:1.25");
	becomes("docker.io/library/nginx", "nginx:latest");
	becomes("docker.io/user/app:V1", "user/app:V1");
	becomes("localhost:5000/app", "localhost:5000/app:latest");
	becomes("ghcr.io/a/b-c/d_e.f:x", "ghcr.io/a/b-c/d_e.f:x");
}

static void bad_names_are_refused(void **state)
{
	char longtag[160];

	(void)state;
	refused("");
	refused("Upper");
	refused("a//b");
	refused("/a");
	refused("a/");
	refused("../a");
	refused("a/../b");
	refused(".a");
	refused("-a");
	refused("a:");
	refused("a:-x");
	refused("a:x y");
	refused("a b");
	refused("a@sha256:00");
	refused("a\nb");
	snprintf(longtag, sizeof(longtag), "a:%0130d", 0);
	refused(longtag);
}

/* A source that calls its image so would take the place of another one */
static void digests_are_no_names(void **state)
{
	(void)state;
	refused("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	refused("sha256:ba7816bf8f01");
	refused("docker.io/library/sha256:ba7816bf8f01");
	refused("sha256");
	refused("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	refused("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad:v1");
	becomes("user/sha256", "user/sha256:latest");
	becomes("ba7816bf8f01", "ba7816bf8f01:latest");
}

static void name_from_a_path(void **state)
{
	char dir[] = "/var/tmp/layerfs-unit-XXXXXX", expected[64];
	char *name;

	(void)state;
	assert_non_null(mkdtemp(dir));
	name = layerfs_name_from_path(dir, "v1");
	snprintf(expected, sizeof(expected), "%s:v1", strrchr(dir, '/') + 1);
	for (char *p = expected; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	assert_string_equal(name, expected);
	free(name);
	assert_int_equal(rmdir(dir), 0);
	assert_null(layerfs_name_from_path("/", NULL));
	assert_null(layerfs_name_from_path("/nowhere/at/all", NULL));
}

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void digest_of_abc(void **state)
{
	char digest[LAYERFS_DIGEST_SIZE];

	(void)state;
	assert_int_equal(layerfs_digest_of("abc", 3, digest), 0);
	assert_string_equal(digest, ABC);
}

static void only_digests_are_digests(void **state)
{
	char text[] = ABC;

	(void)state;
	assert_true(layerfs_digest_valid(ABC));
	assert_false(layerfs_digest_valid(NULL));
	assert_false(layerfs_digest_valid(ABC "0"));
	assert_false(layerfs_digest_valid("sha512:00"));
	assert_false(layerfs_digest_valid(ABC + 7));
	text[20] = '/';
	assert_false(layerfs_digest_valid(text));
	text[20] = 'F';
	assert_false(layerfs_digest_valid(text));
	text[20] = '\0';
	assert_false(layerfs_digest_valid(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_get_one_form),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(digests_are_no_names),
		cmocka_unit_test(name_from_a_path),
		cmocka_unit_test(digest_of_abc),
		cmocka_unit_test(only_digests_are_digests),
	};

	return cmocka_run_group_tests_name("store_name", tests, NULL, NULL);
}
