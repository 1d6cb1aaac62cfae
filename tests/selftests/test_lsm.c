// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integrity measurements, on a kernel that makes them (ima_policy=tcb), and labels of
 * AppArmor:
 *
 *	./
 *	|-- l1/
 *	|   |-- f	a file
 *	|   `-- true	a program
 *	|-- upper/, work/
 *	`-- mnt/
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "netlink.h"

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

/*
 * A namespace of policy has a label for those who are confined by none in it.  It takes
 * no policy to have one, and may do all.
 */
static void take_label(const char *ns)
{
	char text[128];
	int fd = CHECK_SYS(open("/proc/self/attr/apparmor/current", O_WRONLY | O_CLOEXEC));
	int len = snprintf(text, sizeof(text), "changeprofile :%s:unconfined", ns);

	CHECK_EQ(write(fd, text, len), len);
	close(fd);
}

static uint64_t image_of(const char *mnt)
{
	return nl_container(mnt).num[LAYERFS_A_IMAGE_ID];
}

/* Mounters whom AppArmor tells apart share no image: it would ask for the first one. */
TEST(lsm, apparmor_label_counts)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, {} };
	struct mnt_opt on_mnt[] = { { "lowerdir", "mnt" }, {} };
	struct mnt_opt view[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work" }, { "ro", NULL }, {} };
	static const char *const at[] = { "again", "other", "other2", "over", "rw" };
	char name[32], dir[96];

	SKIP_ON_OVERLAY("has no images");
	fx_dirs(1);
	mk_dir("sec");
	if (mount("none", "sec", "securityfs", 0, NULL) ||
	    access("sec/apparmor/policy/namespaces", F_OK) ||
	    access("/proc/self/attr/apparmor/current", F_OK))
		test_skip("no AppArmor in this kernel");
	snprintf(name, sizeof(name), "lfs%lld", (long long)stat_of(".").st_ino);
	snprintf(dir, sizeof(dir), "sec/apparmor/policy/namespaces/%s", name);
	CHECK_SYS(mkdir(dir, 0755));
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		mk_dir(at[i]);
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_EQ(fs_mount(opts, "again"), 0);
	view[3].key = NULL;
	CHECK_EQ(fs_mount(view, "rw"), 0);
	view[3].key = "ro";
	IN_CHILD {
		take_label(name);
		CHECK_EQ(fs_mount(opts, "other"), 0);
		CHECK_EQ(fs_mount(opts, "other2"), 0);
		/* Nor is it given the container, or the layers of the mount. */
		CHECK_EQ(fs_mount(view, "none"), -EBUSY);
		CHECK_EQ(fs_mount(on_mnt, "over"), 0);
	}
	CHECK_EQ(image_of("mnt"), image_of("again"));
	CHECK_EQ(image_of("mnt"), image_of("rw"));
	CHECK_EQ(image_of("other"), image_of("other2"));
	CHECK(image_of("mnt") != image_of("other"));
	CHECK(image_of("over") != image_of("other"));
	CHECK_SYS(umount("mnt"));
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		CHECK_SYS(umount(at[i]));
	CHECK_SYS(rmdir(dir));
	CHECK_SYS(umount("sec"));
}
