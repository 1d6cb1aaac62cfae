// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bench.h"
#include "tree.h"

static const char usage_text[] =
"Usage: bench PROGRAM [OPTIONS] DIRECTORY\n"
"\n"
"Measure layerfs, overlayfs and a plain directory, on the filesystem of\n"
"DIRECTORY, which must be empty or absent. Meant for a guest whose clock counts\n"
"instructions; needs root, and drops the machine's caches. The table goes to\n"
"standard output at the end.\n"
"\n"
"Programs:\n"
"  ops              single operations; above 500 layers only mounts\n"
"  work             find, grep, git, cp, tar, rm on the files of --tar\n"
"  system           compiler, apt-get, sqlite, nginx in the Debian root of --tar\n"
"  scale            many containers of one image, all mounted at once\n"
"  parallel         two processes at once, beside one; needs two processors\n"
"\n"
"Options:\n"
"  --layers LIST    numbers of layers (default: 1,64,500)\n"
"  --fs LIST        of bare, overlay, layerfs (default: all that the kernel has)\n"
"  --repeats N      how often each is measured (default: 5)\n"
"  --wall           the clock is the wall's: medians count, not the least\n"
"  --out DIRECTORY  PROGRAM.json and PROGRAM.txt go there as well\n"
"  --containers N   for scale: how many (default: 1000)\n"
"  --tar FILE       for work and system: what is in the layers\n"
"  --help           this text\n";

static const struct program *const programs[] = {
	&program_ops,
	&program_work,
	&program_system,
	&program_scale,
	&program_parallel,
};

void add(struct result *results, int row, double value)
{
	struct result *result = &results[row];

	result->value[result->nr++] = value;
}

static void bad_usage(const char *option, const char *value)
{
	fprintf(stderr, "bench: %s %s: bad value (see --help)\n", option, value);
	exit(2);
}

static int number(const char *option, const char *text, int max)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < 1 || value > max)
		bad_usage(option, text);
	return value;
}

static void parse_layers(struct bench *b, char *list)
{
	char *word;

	for (b->nr_stacks = 0; (word = strsep(&list, ",")); b->nr_stacks++) {
		if (b->nr_stacks == MAX_STACKS)
			bad_usage("--layers", word);
		b->layers[b->nr_stacks] = number("--layers", word, MAX_LAYERS);
	}
}

static void parse_kinds(struct bench *b, char *list)
{
	char *word;
	int kind;

	memset(b->kinds, 0, sizeof(b->kinds));
	while ((word = strsep(&list, ","))) {
		for (kind = 0; kind < NR_KINDS; kind++)
			if (!strcmp(word, kind_names[kind]))
				break;
		if (kind == NR_KINDS)
			bad_usage("--fs", word);
		b->kinds[kind] = true;
		if (!mount_supported(kind))
			die("--fs %s: not in this kernel: %s", word, strerror(errno));
	}
}

static const struct program *find_program(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (!strcmp(programs[i]->name, name))
			return programs[i];
	fprintf(stderr, "bench: no program %s (see --help)\n", name);
	exit(2);
}

static const char *parse(struct bench *b, int argc, char **argv)
{
	static const struct option options[] = {
		{ "layers", required_argument, NULL, 'l' },
		{ "fs", required_argument, NULL, 'f' },
		{ "repeats", required_argument, NULL, 'r' },
		{ "containers", required_argument, NULL, 'c' },
		{ "tar", required_argument, NULL, 't' },
		{ "wall", no_argument, NULL, 'w' },
		{ "out", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (opt) {
		case 'l':
			parse_layers(b, optarg);
			break;
		case 'f':
			parse_kinds(b, optarg);
			break;
		case 'r':
			b->repeats = number("--repeats", optarg, MAX_REPEATS);
			break;
		case 'c':
			b->containers = number("--containers", optarg, 100000);
			break;
		case 't':
			b->tar = optarg;
			break;
		case 'w':
			b->wall = true;
			break;
		case 'o':
			b->out = optarg;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind + 2 != argc) {
		fputs(usage_text, stderr);
		exit(2);
	}
	b->program = find_program(argv[optind]);
	return argv[optind + 1];
}

/* Kinds take turns, so that whatever changes with time does so for all. */
static void measure_stack(struct bench *b, int stack, const char *dir)
{
	int repeat, kind, layers = b->layers[stack];

	for (repeat = 0; repeat < b->repeats; repeat++) {
		for (kind = 0; kind < NR_KINDS; kind++) {
			if (!b->kinds[kind] || !mount_possible(kind, layers))
				continue;
			fprintf(stderr, "bench: %s, %d layers, %s, %d of %d\n",
				b->program->name, layers, kind_names[kind],
				repeat + 1, b->repeats);
			b->program->measure(b, stack, kind, dir, repeat);
		}
	}
}

static void measure_all(struct bench *b, const char *dir)
{
	int stack;

	for (stack = 0; stack < b->nr_stacks; stack++) {
		char *stack_dir = path_of("%s/%d", dir, b->layers[stack]);

		must(!mkdir(stack_dir, 0755), "mkdir", stack_dir);
		b->program->build(b, b->layers[stack], stack_dir);
		measure_stack(b, stack, stack_dir);
		tree_remove(stack_dir);
		free(stack_dir);
		report_write(b);
	}
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.layers = { 1, 64, 500 }, .nr_stacks = 3, .repeats = 5,
		.containers = 1000,
	};
	const char *dir;
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		b.kinds[kind] = mount_supported(kind);
	dir = parse(&b, argc, argv);
	must(!mkdir(dir, 0755) || errno == EEXIST, "mkdir", dir);
	measure_all(&b, dir);
	report_print(&b, stdout);
	return 0;
}
