// SPDX-License-Identifier: GPL-2.0-only
/* Which container a mount is, whatever characters its paths have */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "container.h"
#include "mountinfo.h"

/* As the kernel shows it: escaped by the module, then in octal by seq_file */
static void shown(FILE *to, const char *path)
{
	for (; *path; path++) {
		if (*path == ',' || *path == '\\')
			fputs("\\134", to);
		if (strchr(", \t\n\\", *path))
			fprintf(to, "\\%03o", *path);
		else
			fputc(*path, to);
	}
}

static void fake_mount(const char *dir, const char *flags)
{
	char *lines = NULL;
	size_t size;
	FILE *to = open_memstream(&lines, &size);

	assert_non_null(to);
	fprintf(to, "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
		"99 22 0:77 / /mnt %s,relatime - layerfs web rw,lowerdir=", flags);
	shown(to, dir);
	fputs("/layer,upperdir=", to);
	shown(to, dir);
	fputs("/upper,workdir=", to);
	shown(to, dir);
	fputs("/work\n", to);
	fclose(to);
	fake_mountinfo(lines);
	free(lines);
}

static void knows(const char *dir, const char *flags, bool ro)
{
	struct layerfs_mountpoint_list list;
	struct layerfs_error err = { 0 };
	struct layerfs_container c = { .name = (char *)"web", .target = (char *)"/elsewhere" };
	char upper[256];

	snprintf(upper, sizeof(upper), "%s/upper", dir);
	c.upper = upper;
	fake_mount(dir, flags);
	assert_int_equal(layerfs_mountpoints_read(&list, &err), 0);
	assert_int_equal(list.nr, 1);
	assert_string_equal(list.mounts[0].upper, upper);
	assert_true(list.mounts[0].ro == ro);
	assert_true(layerfs_container_is_at(&c, &list.mounts[0]));
	layerfs_mountpoints_free(&list);
}

static void plain_paths(void **state)
{
	(void)state;
	knows("/store", "rw", false);
	knows("/store", "ro", true);
}

static void paths_with_commas(void **state)
{
	(void)state;
	knows("/st,ore", "rw", false);
	knows("/st,ro", "rw", false);
	knows("/st,upperdir=x,", "ro", true);
}

static void paths_with_backslashes(void **state)
{
	(void)state;
	knows("/st\\ore", "rw", false);
	knows("/st\\,ore\\\\", "rw", false);
}

static void paths_with_blanks_and_quotes(void **state)
{
	(void)state;
	knows("/st ore\n", "rw", false);
	knows("/st\"ore", "ro", true);
	knows("/st\"o\"re:=#", "rw", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_paths),
		cmocka_unit_test(paths_with_commas),
		cmocka_unit_test(paths_with_backslashes),
		cmocka_unit_test(paths_with_blanks_and_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
