// SPDX-License-Identifier: GPL-2.0-only
/* Running a program: what its bytes stand for, and what it has opened. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fuzz.h"

static const struct op *const tables[] = { file_ops, name_ops, mount_ops, misc_ops };
#define NR_TABLES (sizeof(tables) / sizeof(*tables))

const struct op *ops_get(unsigned int i)
{
	for (unsigned int t = 0; t < NR_TABLES; t++)
		for (const struct op *op = tables[t]; op->name; op++)
			if (!i--)
				return op;
	return NULL;
}

unsigned int ops_nr(void)
{
	static unsigned int nr;

	if (!nr)
		while (ops_get(nr))
			nr++;
	return nr;
}

int ops_find(const char *name)
{
	for (unsigned int i = 0; i < ops_nr(); i++)
		if (!strcmp(ops_get(i)->name, name))
			return i;
	return -1;
}

static const char *const names[] = {
	"a", "b", "c", "d", "e", "d/a", "d/b", "d/c", "d/d", "d/d/a", "d/d/b", "d/d/d", "d/d/d/a",
	"e/a", "e/b", "e/d", "e/d/a", "e/e", "big", "link", "dangling", "fifo", "dev", "d/link",
	"e/../d/a", "", ".", "d/.", "new", "d/new", "e/new",
	/* 255 bytes */
	"llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"
	"llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"
	"llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"
	"lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll",
};

const char *name_of(uint8_t arg)
{
	return names[arg % (sizeof(names) / sizeof(*names))];
}

/* Mostly through the one mount, sometimes the other or what is under them. */
const char *path_of(uint8_t arg)
{
	static const char *const base[] = { "m0", "m0", "m0", "m0", "m1", "u0", "l0", "t0" };
	static char path[4][PATH_MAX];
	static int turn;
	char *p = path[turn++ % 4];
	const char *name = name_of(arg & 31), *in = base[arg >> 5];

	/* The layer is one of several, by the name. */
	if (arg >> 5 == 6)
		in = arg & 1 ? "l1" : "l0";
	snprintf(p, PATH_MAX, "%s%s%s", in, *name ? "/" : "", name);
	return p;
}

static int fds[NR_FDS];
static struct {
	void *p;
	size_t len;
} maps[8];
static unsigned int nr_maps;
static bool private_mounts;

int fd_of(uint8_t arg)
{
	return fds[arg % NR_FDS];
}

int fd_keep(uint8_t arg, int fd)
{
	int *to = &fds[arg % NR_FDS];

	if (fd < 0)
		return fd;
	if (*to >= 0)
		close(*to);
	*to = fd;
	return fd;
}

void state_map(void *p, size_t len)
{
	if (nr_maps == sizeof(maps) / sizeof(*maps)) {
		munmap(p, len);
		return;
	}
	maps[nr_maps].p = p;
	maps[nr_maps++].len = len;
}

void state_reset(void)
{
	for (int i = 0; i < NR_FDS; i++)
		fds[i] = -1;
	nr_maps = 0;
	private_mounts = false;
}

void state_close(void)
{
	while (nr_maps) {
		nr_maps--;
		munmap(maps[nr_maps].p, maps[nr_maps].len);
	}
	for (int i = 0; i < NR_FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

bool own_mounts(void)
{
	if (!private_mounts)
		private_mounts = !unshare(CLONE_NEWNS) &&
				 !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return private_mounts;
}

uint64_t size_of(uint8_t arg)
{
	static const uint64_t sizes[] = {
		0, 1, 7, 100, 4095, 4096, 4097, 8192, 10000, 65536, 131072, 1 << 20, 3 << 20,
		(1 << 20) + 1, 1ULL << 33, 1ULL << 40,
	};

	return sizes[arg % 16];
}

const void *bytes_of(uint8_t arg, size_t *len)
{
	static const struct {
		size_t len;
		const char *s;
	} v[] = {
		{ 1, "y" }, { 1, "x" }, { 0, "" }, { 1, "a" }, { 2, ".." }, { 1, "." },
		{ 2, "/a" }, { 4, "/d/d" }, { 2, "/d" }, { 1, "/" }, { 3, "//a" }, { 6, "/../d/" },
		{ 3, "a\0b" }, { 3, "d/d" }, { 1, "e" }, { 6, "/e/d/d" },
		/* An ACL: version 2, user::rw-, user 1:r--, group, mask, other. */
		{ 44, "\2\0\0\0" "\1\0\6\0\377\377\377\377" "\2\0\4\0\1\0\0\0"
		      "\4\0\4\0\377\377\377\377" "\20\0\7\0\377\377\377\377"
		      "\40\0\4\0\377\377\377\377" },
		{ 28, "\2\0\0\0" "\1\0\6\0\377\377\377\377" "\4\0\4\0\377\377\377\377"
		      "\40\0\0\0\377\377\377\377" },
		/* File capabilities, versions 2 and 3. */
		{ 20, "\1\0\0\2\377\377\377\377\377\0\0\0\0\0\0\0\0\0\0\0" },
		{ 24, "\1\0\0\3\377\377\377\377\377\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0" },
		/* An origin. */
		{ 32, "\1\0\0\0\0\0\0\0" "0123456789abcdef" "\14\0\0\0\0\0\0\0" },
		{ 32, "\2\0\0\0\0\0\0\0" "0123456789abcdef" "\377\377\377\377\377\377\377\377" },
	};
	static const size_t lens[] = { 255, 256, 4095, 4096, 65536, 65537, 100, 33 };
	static char big[65537];
	size_t n = sizeof(v) / sizeof(*v);

	if (arg % 32 < n) {
		*len = v[arg % 32].len;
		return v[arg % 32].s;
	}
	*len = lens[arg % 8];
	memset(big, arg & 0x80 ? 'a' : '/', sizeof(big));
	return big;
}

static void fail_nth(unsigned int n)
{
	char buf[16];
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, buf, snprintf(buf, sizeof(buf), "%u", n)) < 0 && n)
		perror("fail-nth");
	close(fd);
}

bool program_run(const struct program *p, struct cover *cover, bool verbose)
{
	bool found = false;

	for (int i = 0; i < p->nr; i++) {
		const struct call *c = &p->call[i];
		unsigned int nth = c->arg[FAIL_ARG] >= FAIL_NTH ? c->arg[FAIL_ARG] - FAIL_NTH + 1 : 0;
		long ret;

		if (verbose) {
			struct program one = { .nr = 1, .call = { *c } };
			char text[128];

			text[program_print(&one, text, sizeof(text)) - 1] = '\0';
			printf("%d: %s ", (int)getpid(), text);
			fflush(stdout);
		}
		if (nth)
			fail_nth(nth);
		cover_before();
		errno = 0;
		ret = ops_get(c->op)->run(c->arg);
		found |= cover_after(cover);
		if (verbose)
			printf("= %ld %s\n", ret, ret < 0 ? strerror(errno) : "");
		if (nth)
			fail_nth(0);
	}
	cover_before();
	state_close();
	return cover_after(cover) | found;
}
