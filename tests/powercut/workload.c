// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload of the power-cut test of layerfs, and its checker.  All is
 * decided by a seed.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec.h"
#include "verify.h"

#define LAYERS_ON_DISK	1	/* the layer with this number lies on the tested disk */

static const char usage_text[] =
"Usage: workload COMMAND [OPTIONS]\n"
"\n"
"  layers   make the layers, and the directories of a container, on the disk\n"
"  run      mount the container, work in it, with marks, unmount it\n"
"  check    (from powercut check) whether what the cut left is what it may leave\n"
"  list     print the operations\n"
"Options:\n"
"  --state DIR   where the layers are that do not lie on the disk\n"
"  --disk DIR    where the disk is mounted (check: $PC_MNT)\n"
"  --seed S, --ops N\n"
"  --plain       no container: all in a directory of the disk\n"
"  --ordered     the filesystem keeps the order of changes of names\n";

struct options {
	const char *state;
	const char *disk;
	uint64_t seed;
	int ops;
	bool plain;
	bool ordered;
};

/* Good until a few more have been asked for. */
__attribute__((format(printf, 2, 3)))
static const char *path(const char *dir, const char *fmt, ...)
{
	static char bufs[8][PATH_MAX];
	static int next;
	char *buf = bufs[next++ % 8];
	int n = snprintf(buf, PATH_MAX, "%s/", dir);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, PATH_MAX - n, fmt, ap);
	va_end(ap);
	return buf;
}

static const char *layer_path(const struct options *o, int layer)
{
	return path(layer == LAYERS_ON_DISK ? o->disk : o->state, "layer%d", layer);
}

/* Where the tree is to be seen. */
static const char *tree_path(const struct options *o)
{
	return o->plain ? path(o->disk, "tree") : path(o->state, "merged");
}

static void must_mkdir(const char *dir)
{
	if (mkdir(dir, 0755) && errno != EEXIST)
		err(1, "mkdir %s", dir);
}

static int cmd_layers(const struct options *o, const struct model *m)
{
	int layer;

	if (o->plain) {
		start_make(m, tree_path(o), -1);
		return 0;
	}
	for (layer = 0; layer < NR_LAYERS; layer++)
		start_make(m, layer_path(o, layer), layer);
	must_mkdir(path(o->disk, "upper"));
	must_mkdir(path(o->disk, "work"));
	must_mkdir(path(o->state, "merged"));
	return 0;
}

static int mount_tree(const struct options *o)
{
	char data[PATH_MAX];

	if (o->plain)
		return 0;
	snprintf(data, sizeof(data), "lowerdir=%s:%s:%s,upperdir=%s,workdir=%s",
		 layer_path(o, 2), layer_path(o, 1), layer_path(o, 0),
		 path(o->disk, "upper"), path(o->disk, "work"));
	return mount("none", tree_path(o), "layerfs", 0, data);
}

static int umount_tree(const struct options *o)
{
	return o->plain ? 0 : umount(tree_path(o));
}

static int cmd_run(const struct options *o, const struct model *m)
{
	if (mount_tree(o))
		err(1, "mounting the container");
	ops_run(m, tree_path(o), path(o->disk, "noise"));
	if (umount_tree(o))
		err(1, "unmounting the container");
	return 0;
}

/* The last number after @kind in the file of marks; 0 if there is none. */
static int last_mark(const char *file, char kind)
{
	FILE *f = fopen(file, "r");
	char line[256];
	int last = 0;

	if (!f)
		err(2, "%s", file);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == kind && line[1] >= '1' && line[1] <= '9')
			last = atoi(line + 1);
	}
	fclose(f);
	return last;
}

static int count_temporaries(const struct options *o)
{
	DIR *d = o->plain ? NULL : opendir(path(o->disk, "work/work"));
	struct dirent *e;
	int nr = 0;

	while (d && (e = readdir(d)))
		nr += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return nr;
}

static int complain(const char *what)
{
	fprintf(stderr, "  %s: %s\n", what, strerror(errno));
	return 1;
}

/* A container after a crash is as good as any. */
static int try_using(const struct options *o)
{
	char new[PATH_MAX], old[PATH_MAX], buf[100] = "";
	int fd;

	strcpy(new, path(tree_path(o), "after"));
	strcpy(old, path(tree_path(o), "big1"));
	fd = open(new, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, buf, sizeof(buf)) != sizeof(buf) || fsync(fd))
		return complain("writing a new file");
	close(fd);
	fd = open(old, O_WRONLY | O_APPEND);
	/* The workload may have removed it. */
	if (fd < 0 && errno != ENOENT)
		return complain("opening a file");
	if (fd >= 0 && write(fd, buf, sizeof(buf)) != sizeof(buf))
		return complain("appending to a file");
	close(fd);
	if (umount_tree(o) || mount_tree(o))
		return complain("mounting again");
	if (access(new, F_OK) || unlink(new) || !access(new, F_OK))
		return complain("removing the new file");
	return 0;
}

static void write_counts(const struct verify *v, int temporaries)
{
	const char *file = getenv("PC_COUNTS");
	FILE *f = file ? fopen(file, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "names_checked %d\npromises_checked %d\n", v->nodes, v->promises);
	fprintf(f, "copy-ups_old %d\ncopy-ups_new %d\n", v->early, v->late);
	fprintf(f, "temporaries_cleaned %d\n", temporaries);
	fclose(f);
}

static int check_mounted(const struct options *o, struct model *m, const char *marks)
{
	struct verify v = { .m = m, .ordered = o->ordered };
	const char *upper = o->plain ? NULL : path(o->disk, "upper");
	char why[512];

	v.begun = last_mark(marks, 'b');
	v.done = last_mark(marks, 'e');
	if (!verify_tree(&v, tree_path(o), upper)) {
		fprintf(stderr, "  %s\n", v.why);
		return 1;
	}
	if (upper && !verify_upper(upper, why, sizeof(why))) {
		fprintf(stderr, "  %s\n", why);
		return 1;
	}
	write_counts(&v, 0);
	return try_using(o);
}

static int cmd_check(struct options *o, struct model *m)
{
	const char *marks = getenv("PC_MARKS");
	struct verify none = {};
	int temporaries, ret;

	o->disk = getenv("PC_MNT");
	if (!o->disk || !marks)
		errx(2, "check is to be run by powercut check");
	temporaries = count_temporaries(o);
	if (mount_tree(o)) {
		return complain("mounting the container");
	}
	if (count_temporaries(o)) {
		fprintf(stderr, "  the mount has left temporaries in the work directory\n");
		ret = 1;
	} else {
		ret = check_mounted(o, m, marks);
	}
	write_counts(&none, temporaries);
	if (umount_tree(o))
		return complain("unmounting the container");
	return ret;
}

static int cmd_list(const struct model *m)
{
	int i;

	for (i = 1; i <= m->nr_ops; i++)
		op_print(m, i);
	return 0;
}

static void parse(struct options *o, int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "state", 1, NULL, 's' },	{ "disk", 1, NULL, 'd' },
		{ "seed", 1, NULL, 'S' },	{ "ops", 1, NULL, 'o' },
		{ "plain", 0, NULL, 'p' },	{ "ordered", 0, NULL, 'O' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's': o->state = optarg; break;
		case 'd': o->disk = optarg; break;
		case 'S': o->seed = strtoull(optarg, NULL, 10); break;
		case 'o': o->ops = atoi(optarg); break;
		case 'p': o->plain = true; break;
		case 'O': o->ordered = true; break;
		default: exit(2);
		}
	}
}

int main(int argc, char *argv[])
{
	struct options o = { .seed = 1, .ops = 500 };
	struct model m;

	if (argc < 2 || !strcmp(argv[1], "--help")) {
		fputs(usage_text, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	parse(&o, argc - 1, argv + 1);
	model_make(&m, o.seed, o.ops);
	if (!strcmp(argv[1], "layers"))
		return cmd_layers(&o, &m);
	if (!strcmp(argv[1], "run"))
		return cmd_run(&o, &m);
	if (!strcmp(argv[1], "check"))
		return cmd_check(&o, &m);
	if (!strcmp(argv[1], "list"))
		return cmd_list(&m);
	errx(2, "no such command: %s (see --help)", argv[1]);
}
