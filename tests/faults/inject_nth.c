// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing allocations and failing disk requests, one at a time.
 *
 * The kernel's fail-nth counts, for one task, the calls that might be made to
 * fail; with a stack filter set only those that have our module among their
 * callers.  That includes what the filesystems below us do on our behalf.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "device.h"
#include "sweep.h"

#define DEBUGFS "/sys/kernel/debug/"
#define MODULE "/sys/module/layerfs/"

/* What can be made to fail, as debugfs calls it. */
enum { SLAB, PAGE, BIO, KINDS };
static const char *const kind_dir[KINDS] = {
	"failslab", "fail_page_alloc", "fail_make_request"
};

static int nth_fd = -1;

static void put(const char *dir, const char *file, const char *value)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", dir, file);
	fd = CHECK_SYS(open(path, O_WRONLY | O_CLOEXEC));
	if (write(fd, value, strlen(value)) < 0)
		FAIL("%s: %s", path, strerror(errno));
	close(fd);
}

static unsigned long module_number(const char *file, int base)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), MODULE "%s", file);
	return strtoul(cat(path), NULL, base);
}

/* Only with our module's text on the stack; or, with @on false, never. */
static void filter(const char *dir, bool on)
{
	unsigned long start = module_number("sections/.text", 16);
	unsigned long end = start + module_number("coresize", 10);
	char text[32];

	if (!start)
		FAIL("the module's address is hidden");
	put(dir, "probability", "0");
	put(dir, "verbose", "0");
	put(dir, "stacktrace-depth", "32");
	snprintf(text, sizeof(text), "%#lx", on ? start : 1);
	put(dir, "require-start", text);
	snprintf(text, sizeof(text), "%#lx", on ? end : 1);
	put(dir, "require-end", text);
}

static void start(int kind)
{
	if (access("/proc/self/fail-nth", F_OK) ||
	    access(DEBUGFS "failslab/require-start", F_OK))
		test_skip("the kernel injects no faults");
	for (int k = 0; k < KINDS; k++)
		filter(kind_dir[k], k == kind);
	put("failslab", "ignore-gfp-wait", "N");
	put("fail_page_alloc", "ignore-gfp-wait", "N");
	put("fail_page_alloc", "ignore-gfp-highmem", "N");
	put("fail_page_alloc", "min-order", "0");
	nth_fd = CHECK_SYS(open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC));
}

static void start_slab(void)
{
	start(SLAB);
}

static void start_page(void)
{
	start(PAGE);
}

static void start_devices(void)
{
	start(BIO);
	devices_start("");
}

static void arm(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	CHECK_SYS(pwrite(nth_fd, text, strlen(text), 0));
}

/* What is left to count is 0 only once the fault has come. */
static bool disarm(void)
{
	char text[16] = "";

	CHECK_SYS(pread(nth_fd, text, sizeof(text) - 1, 0));
	arm(0);
	return !atoi(text);
}

static void arm_layers(int n)
{
	device_fails(LAYERS, true);
	arm(n);
}

static void arm_upper(int n)
{
	device_fails(UPPER, true);
	arm(n);
}

static bool disarm_device(void)
{
	bool hit = disarm();

	device_fails(LAYERS, false);
	device_fails(UPPER, false);
	return hit;
}

const struct injector inject_slab = {
	.name = "slab",
	.start = start_slab,
	.arm = arm,
	.disarm = disarm,
	/* tmpfs says ENOSPC when it gets no memory for an inode */
	.errors = { ENOMEM, ENOSPC },
};

const struct injector inject_page = {
	.name = "page",
	.start = start_page,
	.arm = arm,
	.disarm = disarm,
	.errors = { ENOMEM, ENOSPC },
};

/* Whatever is asked of the disk under the layers, or under the upper. */
const struct injector inject_layers = {
	.name = "layers",
	.start = start_devices,
	.fresh = devices_cold,
	.arm = arm_layers,
	.disarm = disarm_device,
	.end = devices_end,
	.errors = { EIO },
};

const struct injector inject_upper = {
	.name = "upper",
	.start = start_devices,
	.fresh = devices_cold,
	.arm = arm_upper,
	.disarm = disarm_device,
	.end = devices_end,
	/* ext4 takes a group whose bitmap it cannot read for a full one */
	.errors = { EIO, ENOSPC },
};
