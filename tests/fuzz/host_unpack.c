// SPDX-License-Identifier: GPL-2.0-only
/*
 * A layer's tar, any bytes: the first says how many are given at once, the rest
 * are the tar.
 */
#include "host_layer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make_dirs();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *tar;

	if (!len)
		return 0;
	tar = malloc(len);
	memcpy(tar, data + 1, len - 1);
	mend_checksums(tar, len - 1);
	unpack_and_look(tar, len - 1, 1 + *data * 40);
	free(tar);
	return 0;
}
