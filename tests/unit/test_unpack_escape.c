// SPDX-License-Identifier: GPL-2.0-only
/*
 * Archives that try to get out of the layer's directory. That nothing outside
 * has changed is checked at the end of each test, by its teardown.
 */
#include "test_unpack_tar.h"

static void refuses_name(struct scratch *s, const char *name)
{
	tar_file(&s->tar, name, "x");
	tar_end(&s->tar);
	assert_refused(s, name, "\"..\" in a name");
}

static void dotdot_first(void **state)
{
	refuses_name(*state, "../outside/secret");
}

static void dotdot_in_the_middle(void **state)
{
	refuses_name(*state, "a/../../outside/secret");
}

static void dotdot_last(void **state)
{
	refuses_name(*state, "a/b/..");
}

static void dotdot_after_slash(void **state)
{
	refuses_name(*state, "/../outside/secret");
}

static void absolute_name_is_inside(void **state)
{
	struct scratch *s = *state;
	char name[128];

	snprintf(name, sizeof(name), "%s/outside/secret", s->path);
	tar_file(&s->tar, name, "x");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_content(s, name + 1, "x");
}

static void absolute_symlink_parent(void **state)
{
	struct scratch *s = *state;
	char target[128];

	snprintf(target, sizeof(target), "%s/outside", s->path);
	tar_symlink(&s->tar, "link", target);
	tar_file(&s->tar, "link/secret", "x");
	tar_end(&s->tar);
	assert_refused(s, "link/secret", "leads to no directory of this layer");
}

static void climbing_symlink_parent(void **state)
{
	struct scratch *s = *state;

	tar_symlink(&s->tar, "up", "../../../..");
	tar_file(&s->tar, "up/outside/secret", "x");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_content(s, "outside/secret", "x");
}

static void parent_symlink_inside_is_followed(void **state)
{
	struct scratch *s = *state;

	tar_symlink(&s->tar, "bin", "usr/bin");
	tar_symlink(&s->tar, "sbin", "/usr/bin");
	tar_dir(&s->tar, "usr/bin");
	tar_file(&s->tar, "bin/sh", "sh");
	tar_file(&s->tar, "sbin/init", "init");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_true(S_ISLNK(stat_of(s, "bin").st_mode));
	assert_content(s, "usr/bin/sh", "sh");
	assert_content(s, "usr/bin/init", "init");
}

static void symlink_loop_as_parent(void **state)
{
	struct scratch *s = *state;

	tar_symlink(&s->tar, "a", "b");
	tar_symlink(&s->tar, "b", "a");
	tar_file(&s->tar, "a/x", "x");
	tar_end(&s->tar);
	assert_refused(s, "a/x", "cannot open its parent");
}

static void file_over_symlink_replaces_it(void **state)
{
	struct scratch *s = *state;

	tar_symlink(&s->tar, "f", "../outside/secret");
	tar_file(&s->tar, "f", "mine");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_content(s, "f", "mine");
}

static void dir_over_symlink_replaces_it(void **state)
{
	struct scratch *s = *state;

	tar_symlink(&s->tar, "d", "../outside");
	tar_put(&s->tar, tar_entry("d", S_IFDIR | 0700), NULL);
	tar_file(&s->tar, "d/secret", "mine");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_content(s, "d/secret", "mine");
}

static void opaque_mark_below_symlink(void **state)
{
	struct scratch *s = *state;
	char path[128];

	tar_symlink(&s->tar, "d", "../outside");
	tar_file(&s->tar, "d/.wh..wh..opq", "");
	tar_end(&s->tar);
	assert_refused(s, "d/.wh..wh..opq", "leads to no directory");
	snprintf(path, sizeof(path), "%s/outside", s->path);
	assert_int_equal(lgetxattr(path, LAYERFS_XATTR_OPAQUE, NULL, 0), -1);
}

static void refuses_link(struct scratch *s, const char *target, const char *reason)
{
	tar_hardlink(&s->tar, "h", target);
	tar_end(&s->tar);
	assert_refused(s, "h", reason);
	assert_absent(s, "h");
}

static void hardlink_dotdot(void **state)
{
	refuses_link(*state, "../outside/secret", "\"..\" in a name");
}

static void hardlink_absolute(void **state)
{
	struct scratch *s = *state;
	char target[128];

	snprintf(target, sizeof(target), "%s/outside/secret", s->path);
	refuses_link(s, target, "not in this layer");
}

static void hardlink_through_symlink(void **state)
{
	struct scratch *s = *state;

	tar_symlink(&s->tar, "out", "../outside");
	refuses_link(s, "out/secret", "not in this layer");
}

static void hardlink_to_symlink_links_the_symlink(void **state)
{
	struct scratch *s = *state;
	struct stat st;

	tar_symlink(&s->tar, "l", "../outside/secret");
	tar_hardlink(&s->tar, "h", "l");
	tar_end(&s->tar);
	assert_unpacked(s);
	st = stat_of(s, "h");
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(st.st_nlink, 2);
}

static void hardlink_to_directory(void **state)
{
	struct scratch *s = *state;

	tar_dir(&s->tar, "d");
	refuses_link(s, "d", "hard link to a directory");
}

static void root_as_a_file(void **state)
{
	struct scratch *s = *state;

	tar_symlink(&s->tar, "/", "../outside");
	tar_end(&s->tar);
	assert_refused(s, "/", "root must be a directory");
}

static void refuses_whiteout(struct scratch *s, const char *name)
{
	tar_file(&s->tar, name, "");
	tar_end(&s->tar);
	assert_refused(s, name, "no valid whiteout");
}

static void whiteout_of_nothing(void **state)
{
	refuses_whiteout(*state, "d/.wh.");
}

static void whiteout_of_dot(void **state)
{
	refuses_whiteout(*state, "d/.wh..");
}

static void whiteout_of_dotdot(void **state)
{
	refuses_whiteout(*state, "d/.wh...");
}

static void whiteout_as_directory(void **state)
{
	refuses_whiteout(*state, ".wh.a/b");
}

static void removal_takes_the_symlink_itself(void **state)
{
	struct scratch *s = *state;

	tar_end(&s->tar);
	assert_int_equal(symlinkat("../outside", s->layer, "l"), 0);
	assert_int_equal(unpack_remove_tree(s->layer, "l"), 0);
	assert_absent(s, "l");
	assert_int_equal(mkdirat(s->layer, "d", 0755), 0);
	assert_int_equal(symlinkat("../../outside", s->layer, "d/l"), 0);
	assert_int_equal(unpack_remove_tree(s->layer, "d"), 0);
	assert_absent(s, "d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(dotdot_first),
		scratch_test(dotdot_in_the_middle),
		scratch_test(dotdot_last),
		scratch_test(dotdot_after_slash),
		scratch_test(absolute_name_is_inside),
		scratch_test(absolute_symlink_parent),
		scratch_test(climbing_symlink_parent),
		scratch_test(parent_symlink_inside_is_followed),
		scratch_test(symlink_loop_as_parent),
		scratch_test(file_over_symlink_replaces_it),
		scratch_test(dir_over_symlink_replaces_it),
		scratch_test(opaque_mark_below_symlink),
		scratch_test(hardlink_dotdot),
		scratch_test(hardlink_absolute),
		scratch_test(hardlink_through_symlink),
		scratch_test(hardlink_to_symlink_links_the_symlink),
		scratch_test(hardlink_to_directory),
		scratch_test(root_as_a_file),
		scratch_test(whiteout_of_nothing),
		scratch_test(whiteout_of_dot),
		scratch_test(whiteout_of_dotdot),
		scratch_test(whiteout_as_directory),
		scratch_test(removal_takes_the_symlink_itself),
	};

	return run_as_root(tests, sizeof(tests) / sizeof(*tests), "unpack_escape");
}
