// SPDX-License-Identifier: GPL-2.0-only
/*
 * As many layers as there may be, and what they take of the kernel's memory:
 *
 *	./
 *	|-- many/0000/		top layer, with a file "name0000" ...
 *	|-- ...
 *	|-- many/4095/		... and the bottom one
 *	`-- upper/, work/, mnt/
 *
 * All have the file "same", and each but the top one's is hidden.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"

#define MANY	4096
/* As Documentation/layerfs.rst states it: of one layer, and for each processor. */
#define BYTES_A_LAYER		1024
#define BYTES_A_CPU		128

static char dir[MANY][16];
static struct mnt_opt opts[MANY + 3];

static void make_many(void)
{
	char path[64];

	mk_dir("many");
	for (int i = 0; i < MANY; i++) {
		snprintf(dir[i], sizeof(dir[i]), "many/%04d", i);
		mk_dir(dir[i]);
		snprintf(path, sizeof(path), "%s/name%04d", dir[i], i);
		mk_file(path, dir[i]);
		snprintf(path, sizeof(path), "%s/same", dir[i]);
		mk_file(path, dir[i]);
		opts[i] = (struct mnt_opt){ "lowerdir+", dir[i] };
	}
	opts[MANY] = (struct mnt_opt){ "upperdir", "upper" };
	opts[MANY + 1] = (struct mnt_opt){ "workdir", "work" };
}

/* What no pressure gives back: not the names and inodes of the layers' own filesystem. */
static long kernel_bytes(void)
{
	static const char * const what[] = { "SUnreclaim:", "VmallocUsed:", "Percpu:" };
	FILE *f;
	char key[64];
	long kib, sum = 0;

	/* xfs has more for each inode that was written, for as long as that is in memory. */
	sync();
	drop_caches(false);
	f = fopen("/proc/meminfo", "re");
	CHECK(f);
	while (fscanf(f, "%63s %ld%*[^\n]", key, &kib) == 2)
		for (size_t i = 0; i < sizeof(what) / sizeof(*what); i++)
			if (!strcmp(key, what[i]))
				sum += kib;
	fclose(f);
	return sum * 1024;
}

static void shows_all(void)
{
	char path[32];

	CHECK_STR(cat("mnt/same"), dir[0]);
	for (int i = 0; i < MANY; i += MANY - 1) {
		snprintf(path, sizeof(path), "mnt/name%04d", i);
		CHECK_STR(cat(path), dir[i]);
	}
}

static void refuses_one_more(void)
{
	const struct mnt_opt upper = opts[MANY];

	opts[MANY] = (struct mnt_opt){ "lowerdir+", "l1" };
	CHECK_EQ(fs_mount(opts, "mnt"), -EINVAL);
	CHECK(strstr(mount_log, "lowerdir 'l1' is one too many: there can be 4096 layers"));
	opts[MANY] = upper;
}

/* Mounts and what belongs to them are freed after a grace period. */
static long left_after(long before, long enough)
{
	long left = 0;

	for (int try = 0; try < 100; try++) {
		left = kernel_bytes() - before;
		if (left < enough)
			break;
		usleep(100000);
	}
	return left;
}

TEST_WITH(layers, as_many_as_there_may_be, .timeout = 900, .alone = true)
{
	long before, mounted, after, most;

	SKIP_ON_OVERLAY("has other limits");
	fx_dirs(1);
	make_many();
	refuses_one_more();
	before = kernel_bytes();
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	mounted = kernel_bytes() - before;
	shows_all();
	append_file("mnt/same", "+");
	CHECK_SYS(unlink("mnt/name4095"));
	CHECK(is_whiteout("upper/name4095"));
	CHECK_SYS(umount("mnt"));
	most = MANY * (BYTES_A_LAYER + BYTES_A_CPU * sysconf(_SC_NPROCESSORS_CONF));
	test_note("%d layers take %ld bytes each, of %ld", MANY, mounted / MANY, most / MANY);
	/* A kernel that checks itself has more of everything, and takes minutes to drop it. */
	if (on_slow_kernel())
		return;
	after = left_after(before, mounted / 2);
	if (mounted > most)
		FAIL("%d layers take %ld bytes, more than %ld", MANY, mounted, most);
	if (after > mounted / 2)
		FAIL("of %ld bytes %ld are left after the mount", mounted, after);
}
