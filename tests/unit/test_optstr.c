// SPDX-License-Identifier: GPL-2.0-only
/* mount.layerfs: the option string that mount(8) hands over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "../../tools/mount.layerfs/optstr.h"

static void parse(struct optstr *o, const char *string)
{
	struct layerfs_error err = { 0 };

	if (optstr_parse(o, string, &err))
		fail_msg("%s: %s", string, err.msg);
}

static void refused(const char *string, const char *why)
{
	struct layerfs_error err = { 0 };
	struct optstr o = { 0 };
	int ret = optstr_parse(&o, string, &err);

	if (!ret)
		ret = optstr_finish(&o, &err);
	assert_int_equal(ret, -EINVAL);
	if (!strstr(err.msg, why))
		fail_msg("%s: '%s' does not say '%s'", string, err.msg, why);
	optstr_free(&o);
}

static void plain(void **state)
{
	struct optstr o = { 0 };

	(void)state;
	parse(&o, "rw,nosuid,lowerdir=/a:/b,upperdir=/u,workdir=/w,volatile");
	assert_true(o.opts.rw);
	assert_int_equal(o.opts.attr_set, MOUNT_ATTR_NOSUID);
	assert_int_equal(o.opts.layers.nr, 2);
	assert_string_equal(o.opts.upperdir, "/u");
	assert_string_equal(o.opts.workdir, "/w");
	assert_int_equal(o.opts.nr_params, 1);
	assert_string_equal(o.opts.params[0].key, "volatile");
	assert_false(o.remount);
	optstr_free(&o);
}

static void commas_behind_a_backslash(void **state)
{
	struct optstr o = { 0 };

	(void)state;
	parse(&o, "lowerdir=/a\\,ro:/b\\:c\\,,upperdir=/u\\,v,workdir=/w\\,x\\,y,nodev");
	assert_int_equal(o.opts.layers.nr, 2);
	assert_string_equal(o.opts.layers.path[0], "/a,ro");
	assert_string_equal(o.opts.layers.path[1], "/b:c,");
	assert_string_equal(o.opts.upperdir, "/u,v");
	assert_string_equal(o.opts.workdir, "/w,x,y");
	assert_false(o.opts.ro);
	assert_int_equal(o.opts.attr_set, MOUNT_ATTR_NODEV);
	optstr_free(&o);
}

/* "\\," is a backslash at the end of a path, and then the next option. */
static void an_escaped_backslash_escapes_no_comma(void **state)
{
	struct optstr o = { 0 };

	(void)state;
	parse(&o, "lowerdir=/a\\\\,ro");
	assert_int_equal(o.opts.layers.nr, 1);
	assert_string_equal(o.opts.layers.path[0], "/a\\");
	assert_true(o.opts.ro);
	optstr_free(&o);
}

/* A comma and a backslash are escaped in upperdir: its other backslashes are its own. */
static void escapes_of_upperdir(void **state)
{
	struct optstr o = { 0 };

	(void)state;
	parse(&o, "upperdir=/u\\:v\\\\w\\\\\\,x\\\\,workdir=/w");
	assert_string_equal(o.opts.upperdir, "/u\\:v\\w\\,x\\");
	assert_string_equal(o.opts.workdir, "/w");
	optstr_free(&o);
}

static void quotes(void **state)
{
	struct optstr o = { 0 };

	(void)state;
	parse(&o, "context=\"system_u:object_r:t:s0:c1,c2\",ro,lowerdir=\"/a,b:/c\"");
	assert_int_equal(o.opts.nr_params, 1);
	assert_string_equal(o.opts.params[0].key, "context");
	assert_string_equal(o.opts.params[0].value, "system_u:object_r:t:s0:c1,c2");
	assert_true(o.opts.ro);
	assert_int_equal(o.opts.layers.nr, 2);
	assert_string_equal(o.opts.layers.path[0], "/a,b");
	optstr_free(&o);
}

static void an_open_quote_is_refused(void **state)
{
	(void)state;
	refused("lowerdir=/a,context=\"x,nosuid", "never closed");
}

static void what_mount_keeps_for_itself(void **state)
{
	struct optstr o = { 0 };

	(void)state;
	parse(&o, "auto,nofail,_netdev,user,comment=x,x-systemd.automount,x-y=z,X-mount.mkdir,lowerdir=/a");
	assert_int_equal(o.opts.nr_params, 0);
	assert_int_equal(o.opts.layers.nr, 1);
	optstr_free(&o);
}

static void remount(void **state)
{
	struct optstr o = { 0 };

	(void)state;
	parse(&o, "remount,ro");
	parse(&o, "layers=/does/not/exist");
	assert_true(o.remount);
	/* What is mounted is not looked up again. */
	assert_int_equal(optstr_finish(&o, NULL), 0);
	assert_int_equal(o.opts.layers.nr, 0);
	optstr_free(&o);
}

static void sources_of_layers(void **state)
{
	(void)state;
	refused("lowerdir=/a,layers=/b", "give one");
	refused("image=x,layers=/b", "give one");
	refused("lowerdir=/a,root=/x", "no image");
	refused("layers", "needs a value");
	refused("image=,lowerdir=/a", "needs a value");
	refused("layers=/a,layers=/b", "given twice");
	refused("lowerdir=/a,lowerdir=/b", "given twice");
	refused("lowerdir=", "lowerdir needs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(commas_behind_a_backslash),
		cmocka_unit_test(an_escaped_backslash_escapes_no_comma),
		cmocka_unit_test(escapes_of_upperdir),
		cmocka_unit_test(quotes),
		cmocka_unit_test(an_open_quote_is_refused),
		cmocka_unit_test(what_mount_keeps_for_itself),
		cmocka_unit_test(remount),
		cmocka_unit_test(sources_of_layers),
	};

	return cmocka_run_group_tests_name("optstr", tests, NULL, NULL);
}
