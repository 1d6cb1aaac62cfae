// SPDX-License-Identifier: GPL-2.0-only
/* What must be free at the end, and whether it is. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

/* A mount namespace's last references may be dropped by a worker, so what is
 * busy now need not be in a moment. What still is after this is leaked.
 */
#define PATIENCE_MS 10000
#define POLL_MS 50

static void pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* A filesystem that something still refers to lives on without a mount; its
 * disk then cannot be had exclusively.
 */
static bool disk_is_free(const char *disk)
{
	int fd = open(disk, O_RDWR | O_EXCL | O_CLOEXEC);

	if (fd < 0)
		return errno != EBUSY;
	close(fd);
	return true;
}

void teardown_scratch(const struct config *cfg)
{
	const char *disk = scratch_disk(cfg);
	int waited;

	verdict("step", "unmounting the scratch disk");
	for (waited = 0; umount(SCRATCH_DIR); waited += POLL_MS) {
		if (errno != EBUSY || waited >= PATIENCE_MS) {
			verdict("fail", "the scratch disk does not unmount: %s",
				strerror(errno));
			return;
		}
		pause_ms(POLL_MS);
	}
	while (disk && !disk_is_free(disk)) {
		if (waited >= PATIENCE_MS) {
			verdict("fail",
				"the scratch disk is unmounted, but still in use");
			return;
		}
		waited += POLL_MS;
		pause_ms(POLL_MS);
	}
}

static bool module_loaded(void)
{
	return !access("/sys/module/" MODULE_NAME, F_OK);
}

void teardown_module(void)
{
	char users[32] = "?", text[32];
	int waited, err = 0;

	verdict("step", "unloading the module");
	if (!module_loaded()) {
		verdict("fail", MODULE_NAME " is no longer loaded");
		return;
	}
	/* A leak's backtrace has bare addresses: the module is gone by then. */
	if (!read_text("/sys/module/" MODULE_NAME "/sections/.text", text,
		       sizeof(text)))
		fprintf(stderr, "init: " MODULE_NAME " .text was at %s\n", text);
	for (waited = 0;; waited += POLL_MS) {
		if (!syscall(SYS_delete_module, MODULE_NAME, O_NONBLOCK))
			break;
		err = errno;
		if (err != EAGAIN && err != EWOULDBLOCK && err != EBUSY)
			break;
		if (waited >= PATIENCE_MS)
			break;
		pause_ms(POLL_MS);
	}
	if (module_loaded()) {
		read_text("/sys/module/" MODULE_NAME "/refcnt", users,
			  sizeof(users));
		verdict("fail",
			MODULE_NAME " does not unload: %s, %s users",
			strerror(err), users);
	}
}

/* Where the kernel can tell, ask it for memory that nobody refers to. */
void teardown_leaks(void)
{
	static const char file[] = "/sys/kernel/debug/kmemleak";
	char buf[4096];
	ssize_t n;
	int fd, found = 0;

	if (access(file, F_OK))
		return;
	verdict("step", "looking for leaked memory");
	/* Younger objects than 5 seconds are not reported, and an object is
	 * once its checksum was the same in two scans.
	 */
	pause_ms(5500);
	if (write_text(file, "scan") || write_text(file, "scan")) {
		verdict("fail", "kmemleak does not scan");
		return;
	}
	fd = open(file, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		fprintf(stderr, "%.*s", (int)n, buf);
		found = 1;
	}
	if (fd < 0 || found)
		verdict("fail", found ? "kmemleak reports leaked memory" :
					"kmemleak does not open");
	if (fd >= 0)
		close(fd);
}

void teardown_taint(void)
{
	/* Bits that only a fault sets (Documentation/admin-guide/
	 * tainted-kernels): machine check, bad page, died, warned, lockup.
	 */
	const unsigned long faults = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14;
	char text[32];
	unsigned long taint;

	if (read_text("/proc/sys/kernel/tainted", text, sizeof(text))) {
		verdict("fail", "/proc/sys/kernel/tainted does not open");
		return;
	}
	taint = strtoul(text, NULL, 10);
	if (taint & faults)
		verdict("fail", "the kernel has faulted (tainted: %lu)", taint);
}
