/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LAYERFS_OCI_PLATFORM_H
#define LAYERFS_OCI_PLATFORM_H

#include "layerfs.h"

struct json_object;

/**
 * struct oci_platform - whom an image of several platforms is chosen for
 * @os: such as "linux"
 * @arch: such as "amd64", in Go's names
 * @variant: such as "v7", or ""
 */
struct oci_platform {
	char os[32];
	char arch[32];
	char variant[32];
};

/** oci_platform_parse() - "os/arch[/variant]", or NULL for the running machine's */
int oci_platform_parse(const char *text, struct oci_platform *platform,
		       struct layerfs_error *err);

/**
 * oci_platform_rank() - how well a descriptor's platform suits
 * @wanted: what is looked for
 * @platform: of the descriptor, or NULL
 *
 * Return: 0 not at all, 1 it says nothing, 2 it suits, 3 down to the variant (or both have none).
 */
int oci_platform_rank(const struct oci_platform *wanted, struct json_object *platform);

#endif
