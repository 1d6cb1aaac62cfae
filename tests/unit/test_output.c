// SPDX-License-Identifier: GPL-2.0-only
/* What rows and values look like, as a table and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../tools/layerctl/output.h"

static const char digest[] =
	"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static const struct lc_column columns[] = {
	{ "ID", "id", LC_DIGEST, .id = true },
	{ "NAME", "name", LC_STRING },
	{ "SIZE", "size", LC_SIZE },
	{ "TAGS", "tags", LC_LIST },
	{ NULL, "hidden", LC_COUNT },
	{ "RO", "ro", LC_BOOL },
	{ }
};

static struct lc_table *make(void)
{
	static const char *const tags[] = { "a", "b", NULL }, *const none[] = { NULL };
	struct lc_table *t = lc_table_new(columns);

	lc_table_add(t, (struct lc_value[]){ lc_str(digest), lc_str("naïve\n"),
		lc_num(1500), lc_list(tags), lc_num(7), lc_num(1) });
	lc_table_add(t, (struct lc_value[]){ lc_str(digest), lc_null(),
		lc_null(), lc_list(none), lc_null(), lc_num(0) });
	return t;
}

static void shows(const struct lc_ctx *ctx, const char *want)
{
	struct lc_table *t = make();
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	lc_table_text(ctx, t, to);
	fclose(to);
	assert_string_equal(text, want);
	free(text);
	lc_table_free(t);
}

static void table(void **state)
{
	(void)state;
	shows(&(struct lc_ctx){ 0 },
	      "ID             NAME           SIZE   TAGS   RO\n"
	      "0123456789ab   naïve\\012   1.50 kB   a,b    yes\n"
	      "0123456789ab   -                 -   -      no\n");
}

static void table_untruncated(void **state)
{
	(void)state;
	shows(&(struct lc_ctx){ .no_trunc = true },
	      "ID                                                                 NAME        SIZE   TAGS   RO\n"
	      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef   naïve\\012   1500   a,b    yes\n"
	      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef   -              -   -      no\n");
}

static void quiet_shows_ids(void **state)
{
	(void)state;
	shows(&(struct lc_ctx){ .quiet = true }, "0123456789ab\n0123456789ab\n");
}

static void json(void **state)
{
	struct lc_table *t = make();
	struct json_object *j = lc_table_json(t);

	(void)state;
	lc_table_free(t);
	assert_string_equal(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN),
		"[{\"id\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
		"\"name\":\"naïve\\n\",\"size\":1500,\"tags\":[\"a\",\"b\"],\"hidden\":7,\"ro\":true},"
		"{\"id\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
		"\"name\":null,\"size\":null,\"tags\":[],\"hidden\":null,\"ro\":false}]");
	json_object_put(j);
}

static void json_keeps_big_numbers(void **state)
{
	static const struct lc_column cols[] = { { "N", "n", LC_SIZE }, { } };
	struct lc_table *t = lc_table_new(cols);
	struct json_object *j;

	(void)state;
	lc_table_add(t, (struct lc_value[]){ lc_num(UINT64_MAX) });
	j = lc_table_json(t);
	assert_string_equal(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN),
			    "[{\"n\":18446744073709551615}]");
	json_object_put(j);
	lc_table_free(t);
}

static void sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" }, { 999, "999 B" }, { 1000, "1.00 kB" }, { 9994, "9.99 kB" },
		{ 9995, "10.0 kB" }, { 123456, "123.5 kB" }, { 999949, "999.9 kB" },
		{ 999950, "1.00 MB" }, { 85000000, "85.0 MB" }, { UINT64_MAX, "18.4 EB" },
	};
	char buf[LC_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(lc_text_size(cases[i].bytes, buf), cases[i].text);
}

static void ages(void **state)
{
	static const struct {
		int64_t age;
		const char *text;
	} cases[] = {
		{ 0, "just now" }, { 1, "1 second ago" }, { 59, "59 seconds ago" },
		{ 60, "1 minute ago" }, { 7199, "1 hour ago" }, { 7200, "2 hours ago" },
		{ 86400 * 8, "1 week ago" }, { 86400 * 365 * 3, "3 years ago" },
		{ -30, "just now" }, { -3600, "in the future" },
	};
	char buf[LC_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(lc_text_age(1000000000 - cases[i].age, 1000000000, buf),
				    cases[i].text);
}

/* JSON is in UTC whatever the machine's zone. */
static void times(void **state)
{
	char buf[LC_TEXT_MAX];

	(void)state;
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	assert_string_equal(lc_text_rfc3339(1767225600, buf), "2026-01-01T00:00:00Z");
}

static void digests(void **state)
{
	char buf[130];

	(void)state;
	assert_string_equal(lc_text_digest(&(struct lc_ctx){ 0 }, digest, buf), "0123456789ab");
	assert_string_equal(lc_text_digest(&(struct lc_ctx){ 0 }, "abc", buf), "abc");
	assert_string_equal(lc_text_digest(&(struct lc_ctx){ .no_trunc = true }, digest, buf),
			    digest + 7);
}

static void names_from_outside_cannot_steer_the_terminal(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	lc_put_safe(to, "a\033[2Jb\r\n\177é日\360\237\246\212");
	/* C1 in Latin-1 and in UTF-8, a turn of direction, overlong, cut off */
	lc_put_safe(to, "|\233m\302\233m\342\200\256\300\257\360\237\246");
	fclose(to);
	assert_string_equal(text, "a\\033[2Jb\\015\\012\\177é日\360\237\246\212"
			    "|\\233m\\302\\233m\\342\\200\\256\\300\\257\\360\\237\\246");
	free(text);
}

/* Whoever reads JSON may stop at a byte that is no UTF-8 */
static void json_is_utf8(void **state)
{
	static const struct {
		const char *text, *want;
	} pairs[] = {
		{ "plain", "plain" },
		{ "na\xc3\xafve", "na\xc3\xafve" },
		{ "/a\xff/b", "/a\xef\xbf\xbd/b" },
		{ "cut\xc3", "cut\xef\xbf\xbd" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct lc_table *t = lc_table_new((struct lc_column[]){
			{ "NAME", "name", LC_STRING }, { } });
		struct json_object *json, *name;

		lc_table_add(t, (struct lc_value[]){ lc_str(pairs[i].text) });
		json = lc_table_json(t);
		assert_true(json_object_object_get_ex(json_object_array_get_idx(json, 0), "name",
						      &name));
		assert_string_equal(json_object_get_string(name), pairs[i].want);
		json_object_put(json);
		lc_table_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(table_untruncated),
		cmocka_unit_test(quiet_shows_ids),
		cmocka_unit_test(json),
		cmocka_unit_test(json_keeps_big_numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(ages),
		cmocka_unit_test(times),
		cmocka_unit_test(digests),
		cmocka_unit_test(json_is_utf8),
		cmocka_unit_test(names_from_outside_cannot_steer_the_terminal),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
