// SPDX-License-Identifier: GPL-2.0-only
/* Which image is meant */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_priv.h"

#define GOOD_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EVIL_HEX "0d78cf34c1e2a9c9f5d6e6b1d0c3a2b1908f7e6d5c4b3a291807f6e5d4c3b2a1"
#define MANIFEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static char *good_names[] = { (char *)"web:1" };
/* As a store may have them that was filled before such names were refused */
static char *evil_names[] = {
	(char *)"web:2", (char *)"sha256:" GOOD_HEX, (char *)GOOD_HEX ":latest",
	(char *)"sha256:ba7816bf8f01", (char *)"cafe:latest", (char *)MANIFEST,
};

static struct layerfs_image images[] = {
	{ .id = (char *)"sha256:" EVIL_HEX, .names = evil_names,
	  .nr_names = sizeof(evil_names) / sizeof(*evil_names), .manifest_digest = (char *)"" },
	{ .id = (char *)"sha256:" GOOD_HEX, .names = good_names, .nr_names = 1,
	  .manifest_digest = (char *)MANIFEST },
};

static struct layerfs_image *evil = &images[0], *good = &images[1];

static void means(const char *ref, struct layerfs_image *expected, const char *expected_name)
{
	struct layerfs_store store = { .root = (char *)"/store" };
	struct layerfs_image_list list = { images, 2 };
	struct layerfs_error err = { 0 };
	struct layerfs_image *found = NULL;
	const char *name = NULL;
	int ret;

	ret = store_image_match(&store, &list, ref, &found, &name, &err);
	if (!expected) {
		assert_int_equal(ret, -ENOENT);
		return;
	}
	if (ret)
		fail_msg("%s: %s", ref, err.msg);
	if (found != expected)
		fail_msg("%s is %s", ref, found->id);
	if (expected_name)
		assert_string_equal(name, expected_name);
	else
		assert_null(name);
}

static void by_name(void **state)
{
	(void)state;
	means("web:1", good, "web:1");
	means("docker.io/library/web:2", evil, "web:2");
	means("web", NULL, NULL);
	means("web:3", NULL, NULL);
}

static void by_digest(void **state)
{
	(void)state;
	means("sha256:" GOOD_HEX, good, NULL);
	means("sha256:" EVIL_HEX, evil, NULL);
	means(GOOD_HEX, good, NULL);
	means(MANIFEST, good, NULL);
	means("web@sha256:" GOOD_HEX, good, NULL);
}

static void by_prefix(void **state)
{
	(void)state;
	means("ba7816", good, NULL);
	means("sha256:ba7816bf8f01", good, NULL);
	means("0d", evil, NULL);
	/* A name goes before a prefix. */
	means("cafe", evil, "cafe:latest");
	means("sha256:cafe", NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
		cmocka_unit_test(by_digest),
		cmocka_unit_test(by_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
