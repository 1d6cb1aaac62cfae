// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"

static const char usage_text[] =
"Usage: bench [OPTIONS] DIRECTORY\n"
"\n"
"Measure layerfs, overlayfs and a plain directory, on the filesystem of\n"
"DIRECTORY, which must be empty or absent. Meant for a guest whose clock counts\n"
"instructions; needs root, and drops the machine's caches.\n"
"\n"
"  --layers LIST    numbers of layers (default: 1,64,500)\n"
"  --fs LIST        of bare, overlay, layerfs (default: all that the kernel has)\n"
"  --repeats N      how often each is measured (default: 5)\n"
"  --json FILE      write the figures there as well\n"
"  --help           this text\n";

void die(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "bench: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

char *path_of(const char *fmt, ...)
{
	va_list args;
	char *path;

	va_start(args, fmt);
	if (vasprintf(&path, fmt, args) < 0)
		die("out of memory");
	va_end(args);
	return path;
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
		b->layers[b->nr_stacks] = number("--layers", word, 500);
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

static const char *parse(struct bench *b, int argc, char **argv)
{
	static const struct option options[] = {
		{ "layers", required_argument, NULL, 'l' },
		{ "fs", required_argument, NULL, 'f' },
		{ "repeats", required_argument, NULL, 'r' },
		{ "json", required_argument, NULL, 'j' },
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
		case 'j':
			b->json = optarg;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind + 1 != argc) {
		fputs(usage_text, stderr);
		exit(2);
	}
	return argv[optind];
}

static void measure_all(struct bench *b, const char *dir)
{
	int stack, kind;

	for (stack = 0; stack < b->nr_stacks; stack++) {
		char *stack_dir = path_of("%s/%d", dir, b->layers[stack]);

		if (mkdir(stack_dir, 0755))
			die("mkdir %s: %s", stack_dir, strerror(errno));
		tree_build(stack_dir, b->layers[stack]);
		for (kind = 0; kind < NR_KINDS; kind++) {
			if (!b->kinds[kind])
				continue;
			fprintf(stderr, "bench: %d layers, %s\n",
				b->layers[stack], kind_names[kind]);
			measure(b, stack, kind, stack_dir);
		}
		tree_remove(stack_dir);
		free(stack_dir);
	}
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.layers = { 1, 64, 500 }, .nr_stacks = 3, .repeats = 5,
	};
	const char *dir;
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		b.kinds[kind] = mount_supported(kind);
	dir = parse(&b, argc, argv);
	if (mkdir(dir, 0755) && errno != EEXIST)
		die("mkdir %s: %s", dir, strerror(errno));
	measure_all(&b, dir);
	report_table(&b);
	if (b.json)
		report_json(&b, b.json);
	return 0;
}
