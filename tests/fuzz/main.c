// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where there is no libFuzzer: runs the inputs that it is given, once each.  So
 * the fuzzers are built, and what they have found stays found, wherever there
 * is a compiler.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static int run(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0;

	if (!f || fseek(f, 0, SEEK_END)) {
		perror(path);
		return 1;
	}
	size = ftell(f);
	rewind(f);
	/* Exactly as large as the input, so that reading past it is noticed. */
	data = malloc(size);
	if ((size && !data) || fread(data, 1, size, f) != size) {
		perror(path);
		return 1;
	}
	fclose(f);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	char path[4096];
	struct dirent *de;
	int bad = 0;
	DIR *dir;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s DIRECTORY\nRuns each file in it as an input.\n", argv[0]);
		return 2;
	}
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	dir = opendir(argv[1]);
	while (dir && (de = readdir(dir))) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], de->d_name);
		bad |= run(path);
	}
	if (dir)
		closedir(dir);
	return bad;
}
