// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "fixture.h"
#include "stacks.h"

int stack_try(const char *target, const char *lower, const char *upper, const char *work)
{
	struct mnt_opt opts[] = { { "lowerdir", lower }, { upper ? "upperdir" : NULL, upper },
				  { "workdir", work }, {} };

	mk_dirs(target);
	return fs_mount(opts, target);
}

void stack_with_upper(const char *target, const char *lower, const char *upper,
		      const char *work)
{
	int rc = stack_try(target, lower, upper, work);

	if (rc)
		FAIL("mount of %s at %s: %s: %s", lower, target, strerror(-rc), mount_log);
}

void stack_on(const char *target, const char *lower)
{
	stack_with_upper(target, lower, NULL, NULL);
}

void stack_overlay(const char *target, const char *format, ...)
{
	char options[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(options, sizeof(options), format, ap);
	va_end(ap);
	mk_dirs(target);
	if (system("modprobe overlay 2>/dev/null"))
		test_note("no module overlay, or built in");
	if (!mount("none", target, "overlay", 0, options))
		return;
	if (errno == ENODEV)
		test_skip("the kernel has no overlayfs");
	FAIL("overlayfs on %s with %s: %s", target, options, strerror(errno));
}
