// SPDX-License-Identifier: GPL-2.0-only
/* JSON and platforms as strangers write them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "oci_json.h"
#include "oci_platform.h"

static struct json_object *parsed(const char *text)
{
	struct layerfs_error err = { 0 };
	struct json_object *json = NULL;

	if (oci_json_parse(text, strlen(text), "text", &json, &err))
		fail_msg("%s", err.msg);
	return json;
}

static void refused(const char *text, size_t len)
{
	struct layerfs_error err = { 0 };
	struct json_object *json = NULL;

	assert_int_equal(oci_json_parse(text, len, "index.json", &json, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "index.json is no valid JSON"));
}

static void one_whole_document(void **state)
{
	char deep[201];

	(void)state;
	json_object_put(parsed("{\"a\":1} \r\n\t"));
	refused("", 0);
	refused("{", 1);
	refused("{\"a\":1}}", 8);
	refused("{\"a\":1} {}", 10);
	refused("{}\0x", 4);
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	refused(deep, 200);
}

static void what_follows_the_buffer_does_not_count(void **state)
{
	struct layerfs_error err = { 0 };
	struct json_object *json = NULL;

	(void)state;
	assert_int_equal(oci_json_parse("{}\n  \n", 3, "text", &json, &err), 0);
	json_object_put(json);
	assert_int_equal(oci_json_parse("{}{}", 2, "text", &json, &err), 0);
	json_object_put(json);
}

static void getters_mind_the_type(void **state)
{
	struct json_object *json = parsed("{\"s\":\"x\",\"n\":7,\"nul\":\"a\\u0000b\",\"l\":[]}");

	(void)state;
	assert_string_equal(oci_json_string(json, "s"), "x");
	assert_null(oci_json_string(json, "n"));
	assert_null(oci_json_string(json, "nul"));
	assert_null(oci_json_string(json, "absent"));
	assert_null(oci_json_string(NULL, "s"));
	assert_int_equal(oci_json_int(json, "n"), 7);
	assert_int_equal(oci_json_int(json, "s"), -1);
	assert_null(oci_json_get(json, "l", json_type_object));
	assert_null(oci_json_get(oci_json_get(json, "l", json_type_array), "x", json_type_string));
	json_object_put(json);
}

static int rank(const char *wanted, const char *text)
{
	struct json_object *json = text ? parsed(text) : NULL;
	struct oci_platform platform;
	int ret;

	assert_int_equal(oci_platform_parse(wanted, &platform, NULL), 0);
	ret = oci_platform_rank(&platform, json);
	json_object_put(json);
	return ret;
}

static void platforms_are_ranked(void **state)
{
	(void)state;
	assert_int_equal(rank("linux/arm/v7", NULL), 1);
	assert_int_equal(rank("linux/arm/v7", "{\"os\":\"unknown\",\"architecture\":\"unknown\"}"), 0);
	assert_int_equal(rank("linux/arm/v7", "{\"os\":\"linux\",\"architecture\":\"arm64\"}"), 0);
	assert_int_equal(rank("linux/arm/v7", "{\"os\":\"windows\",\"architecture\":\"arm\"}"), 0);
	assert_int_equal(rank("linux/arm/v7", "{\"os\":\"linux\",\"architecture\":\"arm\"}"), 2);
	assert_int_equal(rank("linux/arm/v7",
			      "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}"), 3);
	assert_int_equal(rank("linux/arm/v7",
			      "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\"}"), 2);
}

static void plain_amd64_goes_before_its_variants(void **state)
{
	(void)state;
	assert_int_equal(rank("linux/amd64", "{\"os\":\"linux\",\"architecture\":\"amd64\"}"), 3);
	assert_int_equal(rank("linux/amd64",
			      "{\"os\":\"linux\",\"architecture\":\"amd64\",\"variant\":\"v3\"}"), 2);
}

static void platform_texts(void **state)
{
	static const char *const bad[] = {
		"", "linux", "linux/", "/amd64", "linux/amd64/", "linux/amd64/v1/x", "Linux/amd64",
		"linux/amd64 ",
	};
	struct oci_platform platform;
	struct layerfs_error err;

	(void)state;
	assert_int_equal(oci_platform_parse("linux/ppc64le", &platform, &err), 0);
	assert_string_equal(platform.arch, "ppc64le");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (oci_platform_parse(bad[i], &platform, &err) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(oci_platform_parse(NULL, &platform, &err), 0);
	assert_string_equal(platform.os, "linux");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_whole_document),
		cmocka_unit_test(what_follows_the_buffer_does_not_count),
		cmocka_unit_test(getters_mind_the_type),
		cmocka_unit_test(platforms_are_ranked),
		cmocka_unit_test(plain_amd64_goes_before_its_variants),
		cmocka_unit_test(platform_texts),
	};

	return cmocka_run_group_tests_name("oci_json", tests, NULL, NULL);
}
