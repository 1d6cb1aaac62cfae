// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integrity measurements, on a kernel that makes them (ima_policy=tcb):
 *
 *	./
 *	|-- l1/
 *	|   |-- f	a file
 *	|   `-- true	a program
 *	|-- upper/, work/
 *	`-- mnt/
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

#define IMA "/sys/kernel/security/ima/"

/* The measurement of @path, which is in the list, has the digest of what it holds. */
static void check_measured(const char *path)
{
	char sum[80], want[160], line[512], cmd[128], at[256];
	bool found = false;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "sha256sum <%s", path);
	f = popen(cmd, "re");
	CHECK(f && fscanf(f, "%64s", sum) == 1);
	pclose(f);
	CHECK(getcwd(at, sizeof(at)));
	snprintf(want, sizeof(want), "sha256:%s", sum);
	f = fopen(IMA "ascii_runtime_measurements", "re");
	CHECK(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, want) && strstr(line, at) && strstr(line, path);
	fclose(f);
	if (!found)
		FAIL("%s, %s, was not measured", path, want);
}

/* Each content that root reads or runs is measured, before and after the copy-up. */
TEST(lsm, ima_measures)
{
	FILE *f = fopen(IMA "runtime_measurements_count", "re");
	long count = 0;

	if (!f || fscanf(f, "%ld", &count) != 1 || count < 2)
		test_skip("the kernel measures nothing: it needs ima_policy=tcb");
	fclose(f);
	fx_dirs(1);
	mk_pattern("l1/f", 100000, 5);
	CHECK_EQ(system("cp /bin/true l1/true"), 0);
	fx_mount(1);
	CHECK_EQ(system("cat mnt/f >/dev/null && mnt/true"), 0);
	check_measured("mnt/f");
	check_measured("mnt/true");
	append_file("mnt/f", "changed");
	CHECK_EQ(system("cat mnt/f >/dev/null"), 0);
	check_measured("mnt/f");
	fx_remount();
	append_file("mnt/f", "and again");
	CHECK_EQ(system("cat mnt/f >/dev/null"), 0);
	check_measured("mnt/f");
}
