// SPDX-License-Identifier: GPL-2.0-only
/* Deal a tree that exists out to layers, an entry to each in turn. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "tree.h"

static struct {
	const char *dir;
	size_t plain;		/* length of the plain tree's name */
	unsigned int layers;
	unsigned int nr;
} dealing;

static void copy_file(const char *from, const char *to, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	off_t left;
	ssize_t n;

	must(in >= 0, "open", from);
	must(out >= 0, "create", to);
	for (left = st->st_size; left > 0; left -= n) {
		n = sendfile(out, in, NULL, left);
		must(n > 0, "copy", from);
	}
	must(!fchown(out, st->st_uid, st->st_gid), "chown", to);
	must(!fchmod(out, st->st_mode & 07777), "chmod", to);
	must(!futimens(out, times), "set times of", to);
	close(in);
	close(out);
}

static void copy_link(const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	must(n >= 0, "readlink", from);
	target[n] = '\0';
	must(!symlink(target, to), "symlink", to);
}

/* Of a root, too: parents were dealt before, to any layer, so they may be there. */
static void copy_dir(const char *to, const struct stat *st)
{
	must(!mkdir(to, 0755) || errno == EEXIST, "mkdir", to);
	must(!chown(to, st->st_uid, st->st_gid), "chown", to);
	must(!chmod(to, st->st_mode & 07777), "chmod", to);
}

static int deal_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	char *to = path_of("%s/l%u%s", dealing.dir, dealing.nr++ % dealing.layers,
			   path + dealing.plain);

	(void)flag;
	(void)ftw;
	tree_make_parents(to);
	if (S_ISREG(st->st_mode))
		copy_file(path, to, st);
	else if (S_ISLNK(st->st_mode))
		copy_link(path, to);
	else if (S_ISDIR(st->st_mode))
		copy_dir(to, st);
	free(to);
	return 0;
}

/* @plain goes to @dir/l0 and on; devices stay behind. */
void tree_deal(const char *plain, const char *dir, int layers)
{
	unsigned int i;

	dealing.dir = dir;
	dealing.plain = strlen(plain);
	dealing.layers = layers;
	dealing.nr = 0;
	if (nftw(plain, deal_one, 32, FTW_PHYS))
		die("cannot deal %s", plain);
	/* Layers that got nothing, if there are more layers than files. */
	for (i = dealing.nr; i < dealing.layers; i++) {
		char *layer = path_of("%s/l%u", dir, i);

		must(!mkdir(layer, 0755), "mkdir", layer);
		free(layer);
	}
}
