// SPDX-License-Identifier: GPL-2.0-only
/* A name that a crash left with two images */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container_fixture.h"
#include "store_gc.h"

#define OLDER "1111111111111111111111111111111111111111111111111111111111111111"
#define NEWER "2222222222222222222222222222222222222222222222222222222222222222"
#define LAYER "3333333333333333333333333333333333333333333333333333333333333333"

static void put_record(const char *hex, int named_ns)
{
	char name[128], text[512];

	snprintf(name, sizeof(name), "images/%s.json", hex);
	snprintf(text, sizeof(text),
		 "{\"version\":1,\"id\":\"sha256:%s\",\"names\":[\"web:1\"],\"named_ns\":%d,"
		 "\"imported\":\"2026-01-01T00:00:00Z\",\"manifest_digest\":\"\","
		 "\"layers\":[\"sha256:" LAYER "\"],\"config\":\"{}\"}", hex, named_ns);
	put_file(name, text);
}

/* The id that a name leads to, "" for none */
static const char *led_to(struct layerfs_store *store)
{
	static char id[80];
	struct layerfs_image *image;

	*id = '\0';
	if (!layerfs_store_find(store, "web:1", &image, NULL)) {
		snprintf(id, sizeof(id), "%s", image->id);
		layerfs_image_free(image);
	}
	return id;
}

static struct layerfs_store *crashed(void)
{
	struct layerfs_store *store;

	put_record(OLDER, 1);
	put_record(NEWER, 2);
	assert_int_equal(layerfs_store_open(store_root, false, &store, NULL), 0);
	assert_string_equal(led_to(store), "sha256:" NEWER);
	return store;
}

static void a_removed_name_does_not_come_back(void **state)
{
	struct layerfs_store *store = crashed();
	struct layerfs_removed removed;
	struct layerfs_error err = { 0 };
	struct layerfs_image *image;

	(void)state;
	if (layerfs_store_remove(store, "web:1", &removed, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(removed.id, "sha256:" NEWER);
	layerfs_removed_free(&removed);
	assert_string_equal(led_to(store), "");
	assert_int_equal(layerfs_store_find(store, "sha256:" OLDER, &image, &err), 0);
	assert_int_equal(image->nr_names, 0);
	layerfs_image_free(image);
	layerfs_store_close(store);
}

static void gc_tidies_up(void **state)
{
	struct layerfs_store *store = crashed();
	struct layerfs_garbage_list list;
	struct layerfs_error err = { 0 };

	(void)state;
	assert_int_equal(layerfs_store_collect(store, true, &list, &err), 0);
	layerfs_garbage_free(&list);
	if (layerfs_store_collect(store, false, &list, &err))
		fail_msg("%s", err.msg);
	layerfs_garbage_free(&list);
	unlink(in_store("images/" NEWER ".json"));
	assert_string_equal(led_to(store), "");
	layerfs_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_removed_name_does_not_come_back),
		cmocka_unit_test(gc_tidies_up),
	};

	return cmocka_run_group_tests(tests, make_store, remove_store);
}
