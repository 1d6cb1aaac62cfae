// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "oci_json.h"
#include "oci_platform.h"

static const struct {
	const char *machine;
	const char *arch;
	const char *variant;
} machines[] = {
	{ "x86_64", "amd64", "" },
	{ "aarch64", "arm64", "v8" },
	{ "armv7l", "arm", "v7" },
	{ "armv6l", "arm", "v6" },
	{ "i686", "386", "" },
	{ "i386", "386", "" },
	{ "loongarch64", "loong64", "" },
};

static void platform_of_host(struct oci_platform *platform)
{
	const char *variant = "";
	struct utsname host;
	const char *arch;

	uname(&host);
	/* Other machines, such as riscv64, s390x and ppc64le, have one name. */
	arch = host.machine;
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		if (strcmp(host.machine, machines[i].machine))
			continue;
		arch = machines[i].arch;
		variant = machines[i].variant;
	}
	snprintf(platform->os, sizeof(platform->os), "linux");
	snprintf(platform->arch, sizeof(platform->arch), "%.31s", arch);
	snprintf(platform->variant, sizeof(platform->variant), "%s", variant);
}

int oci_platform_parse(const char *text, struct oci_platform *platform,
		       struct layerfs_error *err)
{
	char rest;

	memset(platform, 0, sizeof(*platform));
	if (!text) {
		platform_of_host(platform);
		return 0;
	}
	if (sscanf(text, "%31[a-z0-9]/%31[a-z0-9_]%1c", platform->os, platform->arch, &rest) == 2)
		return 0;
	if (sscanf(text, "%31[a-z0-9]/%31[a-z0-9_]/%31[a-z0-9.]%1c", platform->os,
		   platform->arch, platform->variant, &rest) == 3)
		return 0;
	return layerfs_error_set(err, -EINVAL,
		"platform \"%s\" is not OS/ARCHITECTURE[/VARIANT], such as linux/amd64", text);
}

int oci_platform_rank(const struct oci_platform *wanted, struct json_object *platform)
{
	const char *os = oci_json_string(platform, "os");
	const char *arch = oci_json_string(platform, "architecture");
	const char *variant = oci_json_string(platform, "variant");

	if (!os || !arch)
		return 1;
	if (strcmp(os, wanted->os) || strcmp(arch, wanted->arch))
		return 0;
	return !strcmp(variant ? variant : "", wanted->variant) ? 3 : 2;
}
