// SPDX-License-Identifier: GPL-2.0-only
/*
 * Archives that are small as long as they are compressed, and would take all
 * memory: refused before they do.
 */
#include "test_unpack_tar.h"
#include "hostile_tar.h"

#include <sys/resource.h>

/* An archive, and then its last bytes again and again */
struct endless {
	char *buf;
	size_t len, again;
	bool begun;
};

static ssize_t endless_pull(void *arg, const void **bufp, struct layerfs_error *err)
{
	struct endless *e = arg;
	bool begun = e->begun;

	(void)err;
	e->begun = true;
	*bufp = begun ? e->buf + e->len - e->again : e->buf;
	return begun ? e->again : e->len;
}

static long memory_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void assert_bomb_refused(struct scratch *s, struct endless *e, const char *reason)
{
	long before = memory_kb();

	assert_true(layerfs_unpack(s->layer, endless_pull, e, &s->done, &s->err) < 0);
	if (!strstr(s->err.msg, reason))
		fail_msg("\"%s\" lacks \"%s\"", s->err.msg, reason);
	if (memory_kb() - before > 600 << 10)
		fail_msg("it took %ld kB of memory", memory_kb() - before);
}

static struct endless make_endless(struct scratch *s, const char *spec, size_t again)
{
	struct endless e = { .buf = s->tar.buf, .again = again };

	tar_end(&s->tar);
	e.len = hostile_write(s->tar.buf, TAR_MAX, spec, "");
	return e;
}

static void map_of_holes(void **state)
{
	struct endless e = make_endless(*state,
		"x GNU.sparse.major=1; x GNU.sparse.minor=0; x GNU.sparse.name=f;"
		"x GNU.sparse.realsize=1; x size=4000000000; size 00000000000;"
		/* a whole number of blocks */
		"f f 999999999%0a{0%0a*300027}", 512 << 10);

	assert_bomb_refused(*state, &e, "a header has more than");
}

static void directories_with_much_to_remember(void **state)
{
	struct endless e = make_endless(*state,
		"x SCHILY.xattr.system.posix_acl_default={x*60000}; d a", 0);

	e.again = e.len;
	assert_bomb_refused(*state, &e, "too many directories");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(map_of_holes),
		scratch_test(directories_with_much_to_remember),
	};

	return run_as_root(tests, sizeof(tests) / sizeof(*tests), "unpack_bombs");
}
