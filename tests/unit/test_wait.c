// SPDX-License-Identifier: GPL-2.0-only
/* Who waits for another process says so */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/file.h>

#include "../../tools/mount.layerfs/optstr.h"
#include "container_fixture.h"

static int lock;
static char said[256];

/* Only then the other process ends. */
static void on_warning(void *data, const char *msg)
{
	(void)data;
	snprintf(said, sizeof(said), "%s", msg);
	close(lock);
}

static void lock_store(void)
{
	*said = '\0';
	lock = open(in_store("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	/* A silent one is not waited for. */
	alarm(20);
}

static void mount_of_a_container(void **state)
{
	struct layerfs_container_spec spec = {
		.image = "none", .target = "/", .opts = { .warn = on_warning },
	};
	struct layerfs_container c;
	struct layerfs_error err = { 0 };

	(void)state;
	lock_store();
	assert_int_equal(layerfs_container_mount(store_root, &spec, &c, &err), -ENOENT);
	layerfs_options_free(&spec.opts);
	assert_non_null(strstr(said, "waiting for"));
}

static void mount_by_mount(void **state)
{
	struct optstr o = { .opts = { .warn = on_warning } };
	struct layerfs_error err = { 0 };
	char options[600];

	(void)state;
	lock_store();
	snprintf(options, sizeof(options), "image=none,root=%s", store_root);
	assert_int_equal(optstr_parse(&o, options, &err), 0);
	assert_int_equal(optstr_finish(&o, &err), -ENOENT);
	optstr_free(&o);
	assert_non_null(strstr(said, "image 'none': waiting for"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mount_of_a_container),
		cmocka_unit_test(mount_by_mount),
	};

	return cmocka_run_group_tests(tests, make_store, remove_store);
}
