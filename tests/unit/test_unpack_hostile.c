// SPDX-License-Identifier: GPL-2.0-only
/*
 * One line for each way in which an archive could try to write outside its
 * layer, to forge what only the kernel or a whiteout entry may say, or to make
 * the unpacking fail without a reason. The language of the lines is described
 * in hostile_tar.h.
 *
 * Looked at after each: the tree outside (by the teardown); that a refusal
 * names the entry and the reason; and that no file of the layer has an xattr
 * of an overlay that no whiteout entry asked for.
 *
 * With "--dump DIR OUTSIDE" the archives are written to files instead, for the
 * tests of layerctl and as seeds for the fuzzer.
 */
#include "test_unpack_tar.h"
#include "hostile_tar.h"

#include <limits.h>

#define TEN(x)		x x x x x x x x x x
#define DOTDOT		"\"..\" in a name"
#define NO_DIR		"leads to no directory of this layer"
#define NOT_HERE	"not in this layer"
#define DAMAGED		"the archive is damaged"

/**
 * struct attempt - one archive
 * @what: its name as a test
 * @spec: the archive
 * @reason: it is refused, for this reason, or NULL: it is harmless
 * @entry: the message names it, or if harmless, this file is then in the layer
 * @absent: and this is not
 */
static const struct attempt {
	const char *what, *spec, *reason, *entry, *absent;
} attempts[] = {
#include "hostile_table.h"
};

/* "%s" as in the archive */
static void outside_path(struct scratch *s, const char *text, char path[4096])
{
	const char *mark = strstr(text, "%s");
	char outside[128];

	snprintf(outside, sizeof(outside), "%s/outside", s->path);
	snprintf(path, 4096, "%.*s%s%s", mark ? (int)(mark - text) : (int)strlen(text), text,
		 mark ? outside : "", mark ? mark + 2 : "");
	/* It is to be looked for in the layer. */
	if (path[0] == '/')
		memmove(path, path + 1, strlen(path));
}

static bool is_forged(const struct attempt *a, const char *xattr)
{
	if (!strncmp(xattr, "user.overlay", 12) || !strncmp(xattr, "security.se", 11))
		return true;
	if (strncmp(xattr, "trusted.", 8))
		return false;
	return strcmp(xattr, LAYERFS_XATTR_OPAQUE) || !strstr(a->spec, ".wh.");
}

/* @path is extended and cut again; what lies too deep for a path is left out */
static void no_forged_xattrs(const struct attempt *a, char path[PATH_MAX], size_t end)
{
	static char names[4096];
	ssize_t len = llistxattr(path, names, sizeof(names));
	struct dirent *de;
	struct stat st;
	DIR *d;

	for (ssize_t i = 0; i < len; i += strlen(names + i) + 1)
		if (is_forged(a, names + i))
			fail_msg("%s has %s", path, names + i);
	assert_int_equal(lstat(path, &st), 0);
	d = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
	while (d && (de = readdir(d))) {
		int n;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		n = snprintf(path + end, PATH_MAX - end, "/%s", de->d_name);
		if (end + n < PATH_MAX)
			no_forged_xattrs(a, path, end + n);
		path[end] = '\0';
	}
	if (d)
		closedir(d);
}

static void is_harmless(struct scratch *s, const struct attempt *a)
{
	char path[4096];

	assert_unpacked(s);
	if (a->entry) {
		outside_path(s, a->entry, path);
		stat_of(s, path);
	}
	if (a->absent) {
		outside_path(s, a->absent, path);
		assert_absent(s, path);
	}
}

static void attempt(void **state)
{
	struct scratch *s = *state;
	const struct attempt *a = s->arg;
	char outside[128], layer[PATH_MAX];

	tar_end(&s->tar);
	snprintf(outside, sizeof(outside), "%s/outside", s->path);
	snprintf(layer, sizeof(layer), "%s/layer", s->path);
	s->tar.used = hostile_write(s->tar.buf, TAR_MAX, a->spec, outside);
	if (a->reason)
		assert_refused(s, a->entry ? a->entry : "", a->reason);
	else
		is_harmless(s, a);
	no_forged_xattrs(a, layer, strlen(layer));
}

static int attempt_setup(void **state)
{
	const void *arg = *state;
	int ret = scratch_setup(state);

	if (!ret)
		((struct scratch *)*state)->arg = arg;
	return ret;
}

/* DIR/NNN.tar, and on standard output "NNN.tar<TAB>what<TAB>reason or nothing" */
static int dump(const char *dir, const char *outside)
{
	static char buf[TAR_MAX];

	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
		size_t len = hostile_write(buf, TAR_MAX, attempts[i].spec, outside);
		char path[4096];
		FILE *to;

		snprintf(path, sizeof(path), "%s/%03zu.tar", dir, i);
		to = fopen(path, "w");
		if (!to || fwrite(buf, 1, len, to) != len || fclose(to)) {
			perror(path);
			return 1;
		}
		printf("%03zu.tar\t%s\t%s\n", i, attempts[i].what,
		       attempts[i].reason ? attempts[i].reason : "");
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[sizeof(attempts) / sizeof(*attempts)];

	if (argc == 4 && !strcmp(argv[1], "--dump"))
		return dump(argv[2], argv[3]);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tests[i] = (struct CMUnitTest) {
			.name = attempts[i].what,
			.test_func = attempt,
			.setup_func = attempt_setup,
			.teardown_func = scratch_teardown,
			.initial_state = (void *)&attempts[i],
		};
	return run_as_root(tests, sizeof(tests) / sizeof(*tests), "unpack_hostile");
}
